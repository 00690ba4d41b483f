"""A stack of layers, built of real `torch.nn` layers and measured: fields by trace and gradient, costs, windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from models.device import reference
from models.measure import measure
from models.operator import AVG_POOLS, CONVOLUTIONS, MAX_POOLS, TRANSPOSED, linear_operator
from models.receptive_field import ReceptiveField, receptive_field
from models.receptive_field.probe import MeasuredField, measure_field, probe_gradient
from models.stack import Derivation, Stack, StackLayer

FIRST = 1024
"""Units whose fields are compared with their neighbours'; all that are drawn."""

PADS: tuple[Any, ...] = (nn.ConstantPad1d, nn.ConstantPad2d)


class StackModule(nn.Module):
    """One layer of a stack, by its number from 1: padding of its own where torch has none, the layer, and its branch,
    which is added or concatenated."""

    def __init__(self, stack: Stack, number: int) -> None:
        super().__init__()
        layer, dims, into, channels = stack.layers[number - 1], stack.dims, stack.widths[number - 1], stack.channels
        pads = [layer.along(axis).pads for axis in range(dims)]
        lopsided = any(before != after for before, after in pads)
        # torch counts padding from the last axis
        around = tuple(n for pair in reversed(pads) for n in pair)
        self.pad = PADS[dims - 1](around, 0.0) if lopsided else nn.Identity()
        padding = tuple(0 if lopsided else before for before, _ in pads)
        padding = padding[0] if len(set(padding)) == 1 else padding
        kernel, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
        self.op: Any
        if layer.kind == "c":
            self.op = CONVOLUTIONS[dims - 1](into, channels, kernel, stride, padding, dilation, bias=False)
        elif layer.kind == "t":
            self.op = TRANSPOSED[dims - 1](into, channels, kernel, stride, padding, dilation=dilation, bias=False)
        elif layer.kind == "m":
            self.op = MAX_POOLS[dims - 1](kernel, stride, padding, dilation)
        else:
            self.op = AVG_POOLS[dims - 1](kernel, stride, padding)
        self.concat = layer.concat
        self.shortcut = _shortcut(stack, number) if layer.skip else None

    def forward(self, x: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        y = self.op(self.pad(x))
        if self.shortcut is None:
            return y
        brought = self.shortcut(earlier)
        return torch.cat([y, brought], 1) if self.concat else y + brought


def _shortcut(stack: Stack, number: int) -> nn.Module:
    """What stands on the branch into a layer: a crop, a 1x1 convolution, both, or nothing."""
    layer, dims, crops, strides = (
        stack.layers[number - 1],
        stack.dims,
        stack.skip_crops(number),
        stack.skip_strides(number),
    )
    brings = stack.widths[number - layer.skip]
    wanted = brings if layer.concat else stack.widths[number]
    parts: list[nn.Module] = []
    if any(map(any, crops)):
        parts.append(PADS[dims - 1](tuple(-n for pair in reversed(crops) for n in pair), 0.0))
    if max(strides) > 1 or brings != wanted:
        parts.append(CONVOLUTIONS[dims - 1](brings, wanted, 1, strides, bias=False))
    return parts[0] if len(parts) == 1 else nn.Sequential(*parts) if parts else nn.Identity()


class StackNetwork(nn.Module):
    """The whole stack. With `relu`, a ReLU stands after each convolution and transposed layer except the last."""

    def __init__(self, stack: Stack, relu: bool = False) -> None:
        super().__init__()
        self.skips = [layer.skip for layer in stack.layers]
        self.layers = nn.ModuleList(StackModule(stack, number) for number in range(1, len(stack.layers) + 1))
        learned = [layer.kind in "ct" for layer in stack.layers]
        last = len(learned) - 1
        self.activations = nn.ModuleList(
            nn.ReLU() if relu and learned[i] and i < last else nn.Identity() for i in range(len(learned))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = [x]
        for layer, activation, skip in zip(self.layers, self.activations, self.skips, strict=True):
            maps.append(activation(layer(maps[-1], maps[-skip] if skip else maps[-1])))
        return maps[-1]


def build(stack: Stack, *, relu: bool = False) -> StackNetwork:
    """The stack as a module, in evaluation mode, weights as torch draws them with seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return StackNetwork(stack, relu).eval()


@dataclass(frozen=True)
class LayerRow:
    """One line of the table, tuples per axis. `steps`: the algebra. `jumps`: the distances that occur between the
    fields of neighbouring units; more than one where units take turns or drift, and `jump` is their mean or None.
    `agrees`: the trace's box of every unit is the one that the layers themselves reach, and the algebra, where it has a
    closed form, gives the trace's numbers."""

    layer: StackLayer
    shape: tuple[int, ...]
    size: tuple[int, ...]
    jump: tuple[int | Fraction | None, ...]
    start: tuple[int | None, ...]
    parameters: int
    macs: int
    steps: tuple[Derivation, ...]
    agrees: bool
    jumps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Reads:
    """Which cells of one map each unit of a later one reads: entries sorted by unit. `source` counts cells of the map
    as it is drawn, padding included."""

    source_map: int
    rows: np.ndarray
    cols: np.ndarray


@dataclass(frozen=True)
class StackUnit:
    """What one unit of the last layer sees. Boxes per axis: first and last pixel."""

    index: tuple[int, ...]
    box: tuple[tuple[int, int] | None, ...]
    inside: tuple[tuple[int, int] | None, ...]
    centre: tuple[float | None, ...]
    outside: tuple[tuple[int, int], ...]
    support: np.ndarray
    reads: np.ndarray

    @property
    def pixels(self) -> int:
        """Pixels whose gradient is not zero."""
        return int(self.support.sum())

    @property
    def measured(self) -> tuple[tuple[int, int] | None, ...]:
        """The smallest box around them."""
        spans = []
        for axis in range(self.support.ndim):
            others = tuple(a for a in range(self.support.ndim) if a != axis)
            (found,) = np.nonzero(self.support.any(axis=others))
            spans.append((int(found[0]), int(found[-1])) if len(found) else None)
        return tuple(spans)


@dataclass(frozen=True, eq=False)
class StackField:
    """Everything measured about a stack.

    Attributes:
        rows: one per layer.
        traced, measured: of the last layer, from the graph and from the gradient.
        measured is None where a residual branch fits at this input size alone, so that no longer strip runs.
        agrees: whether the two are the same; None where either has no single number.
        jumps: per axis, the distances between neighbours' fields that the gradient found, as in `LayerRow.jumps`;
            empty where it was not asked.
        parameters, macs: of the whole stack.
        windows: per layer, the maps that it reads: the one before, and that of its residual branch.
        pads: per map (the input first) and axis, cells drawn before and after it: the padding of the layer that reads
            it.
        seen: per map, the input first, how many pixels of the input each unit sees; a pixel sees itself.

    Of a stack that is too long to be drawn, `windows` and `seen` are empty, and `LayerRow.jumps` are those between its
    first units.
    """

    stack: Stack
    rows: tuple[LayerRow, ...]
    traced: ReceptiveField
    measured: MeasuredField | None
    agrees: bool | None
    jumps: tuple[tuple[int, ...], ...]
    parameters: int
    macs: int
    windows: tuple[tuple[Reads, ...], ...]
    pads: tuple[tuple[tuple[int, int], ...], ...]
    seen: tuple[np.ndarray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stack.input_shape

    def middle(self) -> tuple[int, ...]:
        return tuple(n // 2 for n in self.stack.shapes[-1])

    def boxes(self, number: int) -> tuple[tuple[tuple[int, int] | None, ...], ...]:
        """Per axis, first and last pixel that each unit of layer `number` sees, not clipped; None: no pixel."""
        return _boxes(self.traced.at(f"layers.{number - 1}"), self.stack.shapes[number])

    def unit(self, index: tuple[int, ...]) -> StackUnit:
        """What the unit at `index` of the last layer sees, by the trace and by the gradient."""
        net, shape = _thin(self.stack)
        image, answer = probe_gradient(net, shape)
        with reference():
            (gradient,) = torch.autograd.grad(answer[(0, slice(None), *index)].sum(), image)
        support = (gradient[0] != 0).any(0).numpy()
        return StackUnit(
            index,
            self.traced.box(index),
            self.traced.box(index, clipped=True),
            self.traced.centre(index),
            self.traced.outside(index),
            support,
            paths(self.stack, index),
        )


def _thin(stack: Stack) -> tuple[StackNetwork, tuple[int, ...]]:
    """The network with few channels, which leave no path out, and the shape of what it takes."""
    few = replace(stack, channels=min(stack.channels, 4))
    return build(few), few.input_shape


def _boxes(field: ReceptiveField, shape: tuple[int, ...]) -> tuple[tuple[tuple[int, int] | None, ...], ...]:
    """Per axis, first and last pixel of each unit's field, not clipped."""
    found = []
    for axis, n in enumerate(shape):
        units = [tuple(u if a == axis else 0 for a in range(len(shape))) for u in range(n)]
        found.append(tuple(field.box(unit)[axis] for unit in units))
    return tuple(found)


def _seen_boxes(field: ReceptiveField) -> tuple[np.ndarray, ...]:
    """Per axis the boxes inside the image; where all units of one axis see padding alone, no unit sees anything."""
    boxes = field.boxes()
    blind = any((box[:, 1] < 0).all() for box in boxes)
    return tuple(np.tile([0, -1], (len(box), 1)) if blind else box for box in boxes)


def _jumps(boxes: tuple[tuple[int, int] | None, ...]) -> tuple[int, ...]:
    """The distances that occur between the starts of neighbours' fields."""
    pairs = [(a[0], b[0]) for a, b in pairwise(boxes) if a is not None and b is not None]
    return tuple(sorted({b - a for a, b in pairs}))


def _summing(stack: Stack) -> StackNetwork:
    """The network for one channel with all weights one, pooling replaced by a convolution with the same windows."""
    thin = replace(stack, channels=1)
    net = StackNetwork(thin)
    for layer, width in zip(net.layers, thin.widths, strict=False):
        op: Any = layer.op
        if isinstance(op, MAX_POOLS + AVG_POOLS):
            conv = CONVOLUTIONS[isinstance(op, (nn.MaxPool2d, nn.AvgPool2d))]
            dilation = getattr(op, "dilation", 1)
            layer.op = conv(width, width, op.kernel_size, op.stride, op.padding, dilation, width, bias=False)
    net = net.double()
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(1.0)
    return net


@lru_cache(maxsize=32)
def analyse(stack: Stack) -> StackField:
    """Trace, measure and count a stack. Kept for the 32 stacks asked for last."""
    with torch.inference_mode(False), reference():
        return _analyse(stack)


def _analyse(stack: Stack) -> StackField:
    net = build(stack)
    shape = stack.input_shape
    traced = receptive_field(net, shape)
    counted = measure(net, shape)
    rows = []
    algebra = [stack.algebra(axis) for axis in range(stack.dims)]
    seen, reached = _seen(stack) if stack.drawn else ((), ())
    for number, layer in enumerate(stack.layers):
        here = traced.at(f"layers.{number}")
        macs = sum(row.macs or 0 for row in counted.layers if row.name.startswith(f"layers.{number}."))
        parameters = sum(p.numel() for p in net.layers[number].parameters())
        steps = tuple(one[number] for one in algebra)
        assert here.map_size and here.size and here.jump and here.start
        traces = zip(here.size, here.jump, here.start, strict=True)
        said = [
            (step.size, step.jump, step.start) == trace
            for step, trace in zip(steps, traces, strict=True)
            if step.size is not None
        ]
        agrees = all(said) and (not reached or all(map(np.array_equal, _seen_boxes(here), reached[number + 1])))
        jumps = tuple(map(_jumps, _boxes(here, tuple(min(n, FIRST) for n in here.map_size))))
        rows.append(
            LayerRow(layer, here.map_size, here.size, here.jump, here.start, parameters, macs, steps, agrees, jumps)
        )
    try:
        # Longer strips of pictures take seconds.
        longest = 8192 if stack.dims == 1 else 1024
        measured = measure_field(*_thin(stack), narrowest=stack.size, longest=longest)
    except (RuntimeError, ValueError):
        measured = None
    agrees, jumps = None, ()
    if measured is not None and None not in measured.size:
        agrees = (measured.size, measured.jump, measured.start) == (traced.size, traced.jump, traced.start)
        jumps = tuple(map(_jumps, measured.boxes))
    windows, pads = _windows(stack) if stack.drawn else ((), ())
    return StackField(
        stack, tuple(rows), traced, measured, agrees, jumps, counted.parameters, counted.macs, windows, pads, seen
    )


def _windows(stack: Stack) -> tuple[tuple[tuple[Reads, ...], ...], tuple[tuple[tuple[int, int], ...], ...]]:
    """Structure of each layer, measured on a layer of one channel."""
    dims, shapes = stack.dims, stack.shapes
    none = ((0, 0),) * dims
    pads = [
        none if layer.kind == "t" else tuple(layer.along(axis).pads for axis in range(dims)) for layer in stack.layers
    ] + [none]
    windows = []
    for number, layer in enumerate(stack.layers):
        room = tuple(n + sum(pad) for n, pad in zip(shapes[number], pads[number], strict=True))
        if layer.kind == "t":
            op = TRANSPOSED[dims - 1](1, 1, layer.kernel_size, layer.stride, layer.padding, dilation=layer.dilation)
        else:
            op = CONVOLUTIONS[dims - 1](1, 1, layer.kernel_size, layer.stride, 0, layer.dilation)
        found = linear_operator(op, (1, 1, *room))
        reads = [Reads(number, found.rows, found.cols)]
        if layer.skip:
            start = number + 1 - layer.skip
            kept = tuple(n if layer.crop else m for n, m in zip(shapes[number + 1], shapes[start], strict=True))
            branch = CONVOLUTIONS[dims - 1](1, 1, 1, stack.skip_strides(number + 1))
            found = linear_operator(branch, (1, 1, *kept))
            # Counted with what is cropped, and with the padding that is drawn around the map.
            wide = tuple(n + sum(pad) for n, pad in zip(shapes[start], pads[start], strict=True))
            before = [cut + pad for (cut, _), (pad, _) in zip(stack.skip_crops(number + 1), pads[start], strict=True)]
            places = tuple(p + b for p, b in zip(np.unravel_index(found.cols, kept), before, strict=True))
            reads.append(Reads(start, found.rows, np.ravel_multi_index(places, wide)))
        windows.append(tuple(reads))
    return tuple(windows), tuple(pads)


def _seen(stack: Stack) -> tuple[tuple[np.ndarray, ...], tuple[tuple[np.ndarray, ...], ...]]:
    """Push every pixel through the layers by itself: an identity batch, only zero or not.

    Returns per map, the input first, how many pixels each unit sees, and per map and axis an array (units, 2), the
    first and the last pixel that each unit sees; (0, -1): none.
    """
    net = _summing(stack).float()
    shape = (stack.size,) * stack.dims
    pixels = int(np.prod(shape))
    maps = [torch.eye(pixels).reshape(pixels, 1, *shape)]
    with torch.inference_mode():
        for layer, skip in zip(net.layers, net.skips, strict=True):
            maps.append((layer(maps[-1], maps[-skip] if skip else maps[-1]) > 0).float())
    sees = [m.amax(1) for m in maps]  # a unit is all channels at its place
    seen = tuple(m.sum(0).numpy().astype(np.int64) for m in sees)
    reached = tuple(_reached(m.reshape(*shape, *m.shape[1:]) > 0, stack.dims) for m in sees)
    return seen, reached


def _reached(sees: torch.Tensor, dims: int) -> tuple[np.ndarray, ...]:
    """First and last pixel along each axis, of an array (pixels along each axis, units along each axis)."""
    boxes = []
    for axis in range(dims):
        others = [a for a in range(dims) if a != axis]
        flat = sees.any(others[0] + dims).any(others[0]) if others else sees
        found = flat.numpy()
        last = len(found) - 1 - np.argmax(found[::-1], axis=0)
        there = np.any(found, axis=0)
        boxes.append(np.where(there[:, None], np.stack([np.argmax(found, axis=0), last], axis=1), [[0, -1]]))
    return tuple(boxes)


def paths(stack: Stack, index: tuple[int, ...]) -> np.ndarray:
    """On how many paths each pixel reaches the unit at `index` of the last layer: an array of the input's shape."""
    with torch.inference_mode(False), reference(), torch.enable_grad():
        image = torch.ones(1, 1, *stack.input_shape[2:], dtype=torch.float64, requires_grad=True)
        answer = _summing(stack)(image)
        # The gradient where every weight is one and pooling adds up.
        (gradient,) = torch.autograd.grad(answer[(0, slice(None), *index)].sum(), image)
    return gradient[0, 0].numpy()
