"""What a network does to inputs of other sizes: which give whole maps, which is the smallest, which tiles would do."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from models.advice.trial import Shape, read
from models.errors import ReceptiveFieldError
from models.graph import Graph
from models.measure import blank, ghost_of, settled
from models.operator import per_axis
from models.parse import FollowsShape
from models.parse.functions import SETTINGS
from models.parse.values import tensors_in
from models.receptive_field import receptive_field

SCANNED = 64
"""Sizes up to which the smallest that fits is looked for one by one: in a U-Net, not every larger one fits."""

NEAR = 8
"""Pixels to each side within which every size is tried, or as many as the network's grids repeat after."""


@dataclass(frozen=True)
class Size:
    """An input that the network takes: what it returns, its MACs, and `left`: for each layer that leaves pixels unread
    along an axis, how many. None: whole maps everywhere."""

    shape: Shape
    gives: Shape
    macs: int
    left: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Tile:
    """A part of a large input, computed by itself: the middle of its answer, or what lies at the input's end, is kept.

    side: its pixels along each axis; step: from one tile to the next, and what is kept of each; overlap: what
    neighbours share, half of it on each side. work: how much more is computed than in one piece, at most.
    """

    side: int
    step: int
    overlap: int
    work: float


def scaled(shape: Sequence[int], size: int) -> Shape:
    """The shape with its longest axis at a size, and the others in proportion; a row of tokens at that length."""
    if len(shape) == 2:
        return (shape[0], size)
    longest = max(shape[2:])
    return (*shape[:2], *(max(1, round(n * size / longest)) for n in shape[2:]))


def along(shape: Sequence[int], axis: int, size: int) -> Shape:
    """The shape with one of its axes, -1 for the last, at a size."""
    sides = list(shape)
    sides[axis] = size
    return tuple(sides)


def ways(shape: Sequence[int]) -> list[tuple[int, Callable[[int], Shape]]]:
    """How the size of an input can change: all axes in proportion, then each alone, the last first. Of each, the size
    now and the shape for another."""
    alone = [(shape[axis], partial(along, shape, axis)) for axis in range(-1, 1 - len(shape), -1)]
    return [(max(shape[2:]), partial(scaled, shape)), *(alone if len(alone) > 1 else ())]


_WINDOW = re.compile(r"(Conv|MaxPool|AvgPool|LPPool)\dd|(conv|max_pool|avg_pool|lp_pool)\dd(_with_indices)?")


class _Calls(TorchFunctionMode):
    """Tells of each of torch's functions that is called, and with what."""

    def __init__(self, told: Callable[[str, tuple, dict], None]) -> None:
        super().__init__()
        self.told = told

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.told(func.__name__, args, kwargs or {})
        return func(*args, **(kwargs or {}))


class NetworkAtSizes:
    """One network, asked for many sizes: what it returns, and what its strides leave over. Nothing is counted."""

    def __init__(self, module: nn.Module) -> None:
        with torch.inference_mode(False):
            self.ghost = ghost_of(module)
        self.module = module
        self.left: dict[str, int] = {}
        self.inside: list[tuple[str, bool]] = []
        """The modules whose forward runs, outermost first, and whether each is a layer that slides a window."""
        self.taken: Counter[str] = Counter()
        for name, layer in self.ghost.named_modules():
            layer.register_forward_pre_hook(lambda layer, given, name=name: self._enter(name, layer, given))
            layer.register_forward_hook(lambda *_: self._leave())

    def _enter(self, name: str, layer: Any, given: tuple) -> None:
        kinds = () if isinstance(layer, FollowsShape) else type(layer).__mro__
        kind = next((each.__name__ for each in kinds if _WINDOW.fullmatch(each.__name__)), None)
        self.inside.append((name, kind is not None))
        if kind and given:
            self._note(name, given[0], int(kind[-2]), vars(layer))

    def _leave(self) -> None:
        self.inside.pop()

    def _called(self, kind: str, args: tuple, kwargs: dict[str, Any]) -> None:
        """A function that slides a window, named as the graph names it; what a layer itself calls is noted there."""
        if not _WINDOW.fullmatch(kind) or (self.inside and self.inside[-1][1]):
            return
        kind = kind.removesuffix("_with_indices")
        given = dict(zip(SETTINGS[kind][1].split(), args, strict=False)) | kwargs
        weight = given.get("weight")
        if weight is not None:
            given["kernel_size"] = tuple(weight.shape[2:])
        place = self.inside[-1][0] if self.inside else ""
        name = f"{place}.{kind}" if place else kind
        count, self.taken[name] = self.taken[name], self.taken[name] + 1
        # A convolution's own default is a stride of 1, a pool's that of its window.
        given = {"stride": 1 if weight is not None else None} | given
        self._note(f"{name}_{count}" if count else name, given.get("-", given.get("input")), int(kind[-2]), given)

    def _note(self, name: str, x: Any, axes: int, settings: Mapping[str, Any]) -> None:
        kernel, padding = settings["kernel_size"], settings.get("padding", 0)
        if settings.get("ceil_mode") or padding == "same":
            return
        padding = 0 if isinstance(padding, str) else padding
        each = (kernel, settings.get("stride") or kernel, padding, settings.get("dilation", 1))
        rows = zip(x.shape[-axes:], *(per_axis(one, axes) for one in each), strict=True)
        # What is left over of the padding is no pixel of the map, and where windows leave gaps the end is no other.
        spans = ((n + 2 * p, d * (k - 1) + 1, s, p) for n, k, s, p, d in rows)
        rest = max((n - span) % s - p - max(0, s - span) for n, span, s, p in spans)
        if rest > 0:
            self.left[name] = rest

    def at(self, shape: Shape) -> tuple[Shape, tuple[tuple[str, int], ...]] | None:
        """What it returns, and which layers leave how many pixels unread; None where it refuses."""
        for noted in (self.left, self.inside, self.taken):
            noted.clear()
        try:
            with torch.no_grad(), _Calls(self._called):
                answer = self.ghost(blank(self.module, shape))
        except Exception:  # a layer refuses with whatever it likes
            return None
        gives = next((tuple(one.shape) for one in tensors_in(answer)), ())
        return None if 0 in gives else (gives, tuple(self.left.items()))


def at_size(module: nn.Module, shape: Shape) -> Size | None:
    """What the network does to an input of this shape; None where it does not fit."""
    graph = read(module, shape)
    found = None if not graph or graph.broken else NetworkAtSizes(settled(module, shape)).at(shape)
    return Size(shape, found[0], graph.macs, found[1]) if graph and found else None


def period(graph: Graph) -> int:
    """Pixels after which all grids in the network lie as at the beginning; 1 without strides."""
    jumps = [jump for node in graph.nodes for jump in node.jump or () if jump is not None]
    return math.lcm(*(int(jump) for jump in jumps if Fraction(jump).denominator == 1 and jump >= 1)) if jumps else 1


def sizes_near(module: nn.Module, shape: Sequence[int], graph: Graph, most: int = 4) -> list[Size]:
    """The input's own size, and below and above it the nearest ones that give whole maps, ascending by size: in its
    proportions, and where few do, along one axis. Where none gives whole maps, the nearest that fit at all.

    Args:
        graph: of the network at this shape, with fields.
        most: on each side.
    """
    runs, far, shapes = NetworkAtSizes(settled(module, shape)), period(graph), {tuple(shape)}
    for now, way in ways(shape):
        for sign in (-1, 1):
            size, step, count = now, 1, 0
            for _ in range(2 * far + 2 * most):
                size += sign * step
                if size < 1 or count == most:
                    break
                found = runs.at(way(size))
                if found and not found[1]:
                    shapes.add(way(size))
                    step, count = far, count + 1
                elif step > 1:
                    size, step = size - sign * step, 1
        if len(shapes) > most:
            break
    if shapes == {tuple(shape)}:
        for now, way in ways(shape):
            for tried in (
                range(now - 1, max(0, now - 1 - max(far, NEAR)), -1),
                range(now + 1, now + 1 + max(far, NEAR)),
            ):
                shapes.update(islice((way(size) for size in tried if runs.at(way(size))), most))
            if len(shapes) > 1:
                break
    found = (at_size(module, one) for one in sorted(shapes, key=lambda one: (math.prod(one), one)))
    return [one for one in found if one]


def smallest(module: nn.Module, shape: Sequence[int]) -> Shape:
    """The smallest input that the network takes: from one that it takes all axes shrink in proportion, then each alone.

    Up to ``SCANNED`` every size is tried; above, what fits is taken to go on fitting as it grows.
    """
    runs, least = NetworkAtSizes(settled(module, shape)), tuple(shape)
    for which in range(len(ways(shape))):
        high, way = ways(least)[which]
        few = min(high, SCANNED)
        size = next((size for size in range(1, few + 1) if runs.at(way(size))), None)
        if size is None:
            low = few
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if runs.at(way(middle)) else (middle, high)
            size = high
        least = way(size)
    return least


def convolutional(graph: Graph) -> bool:
    """Whether every unit of the answer sees a window alone, so that an input of any size has an answer with places."""
    rank = len(graph.nodes[0].shapes[0])
    inside = [node for node in graph.nodes if node.kind not in ("input", "output")]
    return not graph.broken and all(
        node.size is not None and not node.everything and all(len(shape) == rank for shape in node.shapes)
        for node in inside
    )


def tiles(module: nn.Module, shape: Sequence[int], graph: Graph) -> list[Tile]:
    """Tiles that a fully convolutional network may be computed on, so that their middles are what it gives in one
    piece; empty where there are none.

    A tile's ends lie on the coarsest grid in the network, and everything that a unit of its middle sees is in it.
    """
    axes = len(shape) - 2
    # A field is that of the first output alone.
    if len(graph.returned) != 1 or not convolutional(graph):
        return []
    last = graph.nodes[-2]
    if any(jump is None or Fraction(jump).denominator > 1 for jump in last.jump or (None,)):
        return []
    grid = period(graph)
    reach = 0
    with suppress(ReceptiveFieldError):
        room = grid * (2 * math.ceil(max(last.size or ()) / grid) + 3)
        field = receptive_field(settled(module, shape), (*shape[:2], *(room,) * axes))
        for boxes, jump in zip(field.boxes(), last.jump or (), strict=True):
            step = int(jump or 0)
            for unit, (low, high) in enumerate(boxes.tolist()):
                reach = max(reach, unit * step - low, high - (unit + 1) * step + 1)
    margin = grid * math.ceil(reach / grid)
    found = []
    for part in (1, 2, 4, 8):
        step = grid * max(1, math.ceil(margin * part / grid))
        side = step + 2 * margin
        one = at_size(module, (*shape[:2], *(side,) * axes))
        if one and not any(step == other.step for other in found):
            found.append(Tile(side, step, 2 * margin, (side / step) ** axes))
    return found


def layers_missing(field: int, jump: int, size: int, kernel: int = 3) -> int:
    """How many more layers of stride 1 let a unit's field cover so many pixels: each adds ``(kernel − 1)·jump``."""
    return max(0, math.ceil((size - field) / ((kernel - 1) * jump)))
