"""What happens to a map when the picture moves: shift, rotate and scale, as curves; and what pooling forgets.

A layer is *equivariant* to a motion if its map of the moved picture is the moved map of the picture, *invariant* if
its answer does not change at all. A convolution of stride 1 with circular padding commutes with every circular shift
exactly. Stride and pooling keep only every S-th position: between these, fine detail aliases. Blurring before
subsampling is the cure (Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019,
https://arxiv.org/abs/1904.11486).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor, nn

from models import device
from models.device import one_thread, private_copy
from models.errors import EquivarianceError, first_line, runs_through
from models.maps.activations import layer_field
from models.maps.attribution import ranked
from models.networks import Survey, survey
from models.networks.answers import at_once, placed
from models.receptive_field import ReceptiveField, ReceptiveFieldError, receptive_field
from models.unpool import PoolUnpool

MOTIONS = ("shift", "rotate", "scale")
"""By pixels to the right, degrees counter-clockwise, and a factor."""


# -- motions


def _before(motion: str, value: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where places of the moved picture, in (x, y) about its middle, lie in the old one."""
    if motion == "shift":
        return x - value, y
    if motion == "rotate":
        cos, sin = np.cos(np.radians(value)), np.sin(np.radians(value))
        return cos * x - sin * y, sin * x + cos * y
    return x / value, y / value


def _checked(motion: str, value: float) -> None:
    if motion not in MOTIONS:
        raise EquivarianceError(f"{motion!r} is no motion: use one of {', '.join(MOTIONS)}.")
    if not isfinite(value) or (motion == "scale" and not 0.1 <= value <= 10):
        raise EquivarianceError(f"A picture cannot be moved by {value}: use a number, for scale one from 0.1 to 10.")


def _sampled(planes: np.ndarray, x: np.ndarray, y: np.ndarray, wrap: bool) -> np.ndarray:
    """Planes `(C, H, W)` read at places between pixels, bilinearly; beyond the border mirrored, or going round."""
    # exact where a place is a pixel: rounding noise must not mix in a neighbour
    x, y = (np.where(np.abs(v - np.rint(v)) < 1e-9, np.rint(v), v) for v in (x, y))
    mode = "grid-wrap" if wrap else "mirror"
    return np.stack([map_coordinates(plane, (y, x), order=1, mode=mode) for plane in planes])


def moved(x: Tensor, motion: str, value: float) -> Tensor:
    """The picture `(N, C, H, W)`, moved about its middle.

    A shift goes round: what leaves at the right comes back at the left. Rotation and scaling read between pixels,
    bilinearly; beyond the border the picture is mirrored.

    Raises:
        EquivarianceError: no such motion or value.
    """
    _checked(motion, value)
    if motion == "shift" and float(value).is_integer():
        return torch.roll(x, int(value), -1)
    height, width = x.shape[2:]
    v, u = np.mgrid[:height, :width].astype(float)
    middle = ((width - 1) / 2, (height - 1) / 2)
    old = [n + m for n, m in zip(_before(motion, value, u - middle[0], v - middle[1]), middle, strict=True)]
    planes = x.detach().cpu().numpy()
    return torch.from_numpy(np.stack([_sampled(p, *old, wrap=motion == "shift") for p in planes])).to(x)


# -- equivariance


@dataclass(frozen=True, eq=False)
class MotionPoint:
    """One point of a curve.

    value: of the motion. exact: the motion takes units to units, so that no map was read between its units.
    still, expected, found: `(C, h, w)`: the map of the picture, the moved map, and the map of the moved picture.
    compared: `(h, w)`, which units were compared.
    """

    value: float
    exact: bool
    still: np.ndarray
    expected: np.ndarray
    found: np.ndarray
    compared: np.ndarray

    @cached_property
    def error(self) -> float:
        """‖map of the moved picture − moved map‖ ÷ ‖moved map‖, over the units compared; 0: equivariant, 1.4 for two
        maps that have nothing in common."""
        return _relative(self.found, self.expected, self.compared)

    @cached_property
    def invariance(self) -> float:
        """‖map of the moved picture − map of the picture‖ ÷ ‖map of the picture‖: 0 if it did not notice."""
        return _relative(self.found, self.still, self.compared)


class Outline(NamedTuple):
    """survey: shapes of the maps, and when layers run. fields: receptive fields of all layers."""

    survey: Survey
    fields: ReceptiveField


@dataclass(frozen=True, eq=False)
class Still:
    """What is known of the picture before it moves.

    seen: the pass, without its maps. maps: `(C, h, w)` of each layer. grids: of each layer the pixel under the middle
    of unit 0, and pixels from unit to unit, per axis.
    """

    seen: Survey
    maps: dict[str, np.ndarray]
    grids: dict[str, tuple[tuple[float, float], tuple[float, float]]]


def outline(module: nn.Module, shape: Sequence[int]) -> Outline:
    """What holds for all pictures of a shape `(1, C, H, W)`; nothing is computed, so that `networks.skeleton` will do.

    Raises:
        EquivarianceError: no receptive fields. NetworkError: such a picture does not run through.
    """
    bare = private_copy(module, torch.device("meta"))
    return Outline(survey(bare, torch.empty(tuple(shape), device="meta")), _fields(bare, shape))


def standing(module: nn.Module, x: Tensor, layers: Sequence[str], known: Outline | None = None) -> Still:
    """A pass over the picture `(1, C, H, W)` before it moves; known: the network's `outline`, if it is at hand.

    Raises as `equivariance`.
    """
    x = x[:1].detach()
    seen = survey(module, x, layers, before=known.survey if known else None)
    maps = {layer: _planes(seen.maps[layer], layer) for layer in layers}
    fields = known.fields if known else _fields(module, x.shape)
    return Still(seen._replace(maps={}), maps, {layer: _grid(fields, layer) for layer in layers})


def _fields(module: nn.Module, shape: Sequence[int]) -> ReceptiveField:
    try:
        return receptive_field(module, tuple(shape))
    except ReceptiveFieldError as error:
        raise EquivarianceError(str(error)) from error


def equivariance(
    module: nn.Module,
    x: Tensor,
    layer: str,
    values: Sequence[float],
    motion: str = "shift",
    still: Still | None = None,
) -> Iterator[MotionPoint]:
    """How well a layer commutes with a motion of the picture: one point per value.

    The map is moved by what the motion of the picture means for it: units lie `jump` pixels apart, from the centre of
    unit 0's field on (`models.receptive_field`). Between units it is read bilinearly. Shifts go round; border effects
    of zero padding then count as errors, unless the network is made `circular` first. Rotations and scalings are
    compared within the circle that stays inside picture and moved picture.

    Args:
        x: `(1, C, H, W)`. layer: a name in `named_modules()`. values: see `MOTIONS`. still: `standing`, if it is at
            hand.

    Raises:
        EquivarianceError: no map, units without a place in the picture, no such motion.
        NetworkError: as `survey`.
    """
    still = still or standing(module, x, [layer])
    # Knows from the first pass when the layer has run, and ends there.
    for value, answers in _moving(module, x, [layer], values, motion, still.seen):
        yield _point(still, layer, x.shape[2:], value, motion, answers[layer])


def _moving(
    module: nn.Module, x: Tensor, layers: Sequence[str], values: Sequence[float], motion: str, before: Survey | None
) -> Iterator[tuple[float, dict[str, Tensor]]]:
    """Each value with the layers' answers, one row each, to the moved picture; a few pictures share a pass."""
    for value in values:
        _checked(motion, value)
    some = at_once(placed(module, x))
    for at in range(0, len(values), some):
        now = values[at : at + some]
        pictures = torch.cat([moved(x[:1].detach(), motion, value) for value in now])
        maps = survey(module, pictures, layers, before=before).maps
        for n, value in enumerate(now):
            yield float(value), {name: answer[n : n + 1] for name, answer in maps.items()}


def _point(still: Still, layer: str, size: Sequence[int], value: float, motion: str, answer: Tensor) -> MotionPoint:
    before, (start, jump) = still.maps[layer], still.grids[layer]
    height, width = size
    v, u = np.mgrid[: before.shape[1], : before.shape[2]].astype(float)
    place = (start[1] + jump[1] * u, start[0] + jump[0] * v)
    middle = ((width - 1) / 2, (height - 1) / 2)
    relative = [p - m for p, m in zip(place, middle, strict=True)]
    old = _before(motion, value, *relative)
    units = [(old[i] + middle[i] - start[1 - i]) / jump[1 - i] for i in (0, 1)]
    exact = all(np.abs(n - np.rint(n)).max() < 1e-9 for n in units)
    inside = np.ones(before.shape[1:], bool)
    if motion != "shift":
        inside = np.maximum(np.hypot(*relative), np.hypot(*old)) <= min(height, width) / 2 - min(jump)
    if not inside.any():
        raise EquivarianceError("No unit of this map stays inside the picture: choose an earlier layer.")
    expected = _sampled(before, *units, wrap=motion == "shift")
    return MotionPoint(value, exact, before, expected, _planes(answer, layer), inside)


def _relative(a: np.ndarray, b: np.ndarray, inside: np.ndarray) -> float:
    # not numpy's norm: its threads spin, and take the cores from other visitors
    difference, size = (float(np.square(one).sum(0, dtype=np.float64)[inside].sum()) ** 0.5 for one in (a - b, b))
    return difference / size if size > 0 else (0.0 if difference == 0 else float("inf"))


def _planes(answer: Tensor, layer: str) -> np.ndarray:
    if answer.dim() != 4:
        raise EquivarianceError(
            f"Layer {layer!r} answers with shape {list(answer.shape)}, not with maps: choose one before they are "
            "flattened."
        )
    return answer[0].float().cpu().numpy() if answer.dtype != torch.float64 else answer[0].cpu().numpy()


def _grid(fields: ReceptiveField, layer: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Pixel under the middle of unit 0, and pixels from unit to unit, per axis."""
    try:
        field = layer_field(fields, layer)
    except ReceptiveFieldError as error:
        raise EquivarianceError(str(error)) from error
    local = None if field.reason else field.local
    if local is None or None in local.jump or None in local.start or 0 in local.jump:
        raise EquivarianceError(
            f"The units of {layer!r} have no place of their own in the picture"
            f"{': ' + field.reason if field.reason else ', they all see the same'}: choose an earlier layer."
        )
    top, left = ((first + last) / 2 for first, last in local.box((0, 0)))
    down, right = map(float, local.jump)
    return (top, left), (down, right)


@dataclass(frozen=True)
class ScorePoint:
    """value: of the motion. score, probability: of the class. top: the class with the highest score."""

    value: float
    score: float
    probability: float
    top: int


def invariance(
    module: nn.Module, x: Tensor, target: int, values: Sequence[float], motion: str = "shift"
) -> Iterator[ScorePoint]:
    """Score of a class while the picture moves: one point per value.

    Raises:
        EquivarianceError: no such motion or class. `models.maps.attribution.AttributionError`: no class scores.
    """
    return (told for told, _ in curves(module, x, target, [], values, motion))


def curves(
    module: nn.Module, x: Tensor, target: int, layers: Sequence[str], values: Sequence[float], motion: str = "shift"
) -> Iterator[tuple[ScorePoint, list[MotionPoint]]]:
    """`invariance` of a class and `equivariance` of layers, from one pass through the network. Raises what they do."""
    still = standing(module, x, layers) if layers else None
    for value, answers in _moving(module, x, ["", *layers], values, motion, None):
        told = ranked(answers[""])
        chosen = next((s for s in told if s.number == target), None)
        if chosen is None:
            raise EquivarianceError(f"There is no class {target}: this network has classes 0 to {len(told) - 1}.")
        points = [_point(still, layer, x.shape[2:], value, motion, answers[layer]) for layer in layers] if still else []
        yield ScorePoint(value, chosen.score, chosen.probability, told[0].number), points


# -- networks changed for comparison


def _replaced(module: nn.Module, swap: Callable[[nn.Module], nn.Module | None]) -> nn.Module:
    """A copy that shares all weights, in which `swap` has put other layers in the place of some."""
    copy = private_copy(module)
    parts = list(copy.modules())
    new = {id(part): swap(part) for part in parts}  # a layer that is used twice stays one layer
    for part in parts:
        for key, child in part._modules.items():
            if new.get(id(child)) is not None:
                setattr(part, key, new[id(child)])
    return new[id(copy)] or copy


def _going_round(padding: int | tuple[int, int, int, int]) -> nn.Module:
    """Leaves maps channels last in memory, as it got them: pooling takes an eighth of the time then."""
    pad = nn.CircularPad2d(padding)
    pad.register_forward_hook(lambda _pad, _args, answer: answer.contiguous(memory_format=torch.channels_last))
    return pad


def circular(module: nn.Module) -> nn.Module:
    """The same network on a picture without a border: every padding goes round. Weights are shared.

    With circular shifts and stride 1 it commutes exactly. Dense max-pooling without padding gets what it lacks to give
    every pixel a window, so its map is then as large as its input.
    """

    def swap(part: nn.Module) -> nn.Module | None:
        if isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            part.padding_mode = "circular"
        elif isinstance(part, (nn.MaxPool2d, nn.AvgPool2d)):
            before, after = _pair(part.padding), _pair(part.padding)
            if isinstance(part, nn.MaxPool2d) and _pair(part.stride) == (1, 1):
                # dense windows start at every pixel, also those that end beyond the border
                after = tuple(k - 1 - b for k, b in zip(_pair(part.kernel_size), before, strict=True))
            part.padding = 0
            if before != (0, 0) or after != (0, 0):
                return nn.Sequential(_going_round((before[1], after[1], before[0], after[0])), part)
        elif isinstance(part, (nn.ReflectionPad2d, nn.ReplicationPad2d, nn.ZeroPad2d)):
            return _going_round(part.padding)
        return None

    return _replaced(module, swap)


def antialiased(module: nn.Module, taps: int = 3) -> nn.Module:
    """The same network, blurring before it subsamples: every map keeps its size, weights are shared.

    After Zhang 2019: max-pooling of stride S becomes dense max-pooling, then `models.networks.small.blur_pool` with
    replicated borders; a convolution of stride S becomes a dense one, then the same. (He blurs after the ReLU that
    follows, here it is before it: the network need not be taken apart.) Average pooling is left as it is: it is a blur
    already.

    Raises:
        EquivarianceError: strides that differ between the axes, or taps that are not odd and at least 3.
    """
    if taps < 3 or taps % 2 == 0:
        raise EquivarianceError(f"{taps} taps have no middle to blur about: use an odd number from 3 up.")

    def swap(part: nn.Module) -> nn.Module | None:
        if isinstance(part, nn.MaxPool2d) and max(_pair(part.stride)) > 1:
            stride = _square(part.stride)
            ragged = part.ceil_mode
            part.stride, part.ceil_mode = 1, False
            # rounding up keeps one more window at the end
            end = [nn.ReplicationPad2d((0, stride - 1, 0, stride - 1))] if ragged else []
            return nn.Sequential(part, *end, *_blurred(stride, taps))
        if isinstance(part, nn.Conv2d) and max(part.stride) > 1:
            stride = _square(part.stride)
            part.stride = (1, 1)
            return nn.Sequential(part, *_blurred(stride, taps))
        return None

    return _replaced(module, swap)


def _blurred(stride: int, taps: int) -> list[nn.Module]:
    """`blur_pool` for any number of channels: the binomial kernel of n taps is n − 1 means of two in a row."""
    means = [nn.AvgPool2d(2, 1) for _ in range(taps - 2)]
    return [nn.ReplicationPad2d(taps // 2), *means, nn.AvgPool2d(2, stride)]


def _pair(value) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _square(stride) -> int:
    rows, columns = _pair(stride)
    if rows != columns:
        raise EquivarianceError(f"A stride of {rows} × {columns} is not blurred here: use one for both axes.")
    return rows


# -- what pooling forgets


@dataclass(frozen=True, eq=False)
class Forgotten:
    """Shifts that a layer does not notice.

    same: `(2 · reach + 1, 2 · reach + 1)`, rows are shifts downwards from −reach, columns shifts to the right.
    count, of: of all these shifts, the standstill among them.
    """

    same: np.ndarray
    count: int
    of: int


def forgotten_shifts(module: nn.Module, x: Tensor, reach: int = 3) -> Forgotten:
    """Shift a picture, going round, and count the shifts after which the layer's answer is the same, up to a millionth
    of its largest value.

    Args:
        x: `(1, C, H, W)`.

    Raises:
        EquivarianceError: a reach beyond half the picture, or a picture that does not run through.
    """
    if reach < 0 or 2 * reach + 1 > min(x.shape[2:]) or reach > 16:
        raise EquivarianceError(f"Shifts by up to {reach} go round this picture: use fewer, 16 at most.")
    steps = range(-reach, reach + 1)
    batch = torch.cat([torch.roll(x[:1], (dy, dx), (2, 3)) for dy in steps for dx in steps])
    answers = _run(module, batch)
    still = answers[len(batch) // 2]
    near = 1e-6 * float(still.abs().max())
    same = ((answers - still).abs().flatten(1).amax(1) <= near).reshape(len(steps), len(steps)).cpu().numpy()
    return Forgotten(same, int(same.sum()), same.size)


def distinct_positions(module: nn.Module, size: Sequence[int]) -> np.ndarray:
    """Send a single 1 through the layer from every position in turn, and number the answers: `(H, W)` of integers.

    Equal numbers: the layer cannot tell these positions apart. A 2 × 2 pooling of stride 2 gives one number to each
    block of four, one of stride 1 a number to each position, global pooling one number to all.

    Args:
        size: height and width, at most 4096 positions; the layer takes one channel.

    Raises:
        EquivarianceError: too many positions, or a layer that does not take them.
    """
    height, width = size
    if not 1 <= height * width <= 4096:
        raise EquivarianceError(f"{height} × {width} positions are too many: use 4096 or fewer.")
    answers = _run(module, torch.eye(height * width).view(-1, 1, height, width)).flatten(1).cpu().numpy()
    _, first, number = np.unique(answers.round(6), axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), int)
    rank[np.argsort(first)] = np.arange(len(first))  # numbered as they come
    return rank[number.reshape(-1)].reshape(height, width)


def _run(module: nn.Module, x: Tensor) -> Tensor:
    with runs_through(x, EquivarianceError), one_thread():
        return device.answer(module, x)


@dataclass(frozen=True, eq=False)
class UnpoolTrip:
    """Max-pooling with indices, and back.

    pooled: `(C, h, w)`. indices: of each maximum in its flattened `(H, W)` plane. unpooled: `(C, H, W)`: maxima where
    they were, 0 elsewhere. kept: `(C, H, W)`, True where a value came back. lost: share of the picture's squared values
    that did not.
    """

    pooled: np.ndarray
    indices: np.ndarray
    unpooled: np.ndarray
    kept: np.ndarray
    lost: float


def unpool_round_trip(x: Tensor, kernel_size: int = 2, stride: int | None = None) -> UnpoolTrip:
    """`nn.MaxPool2d(return_indices=True)`, then `nn.MaxUnpool2d` to the picture's size.

    Args:
        x: `(1, C, H, W)` or `(C, H, W)`. stride: default: the kernel's size.

    Raises:
        EquivarianceError: a window that does not fit.
    """
    planes = x[0] if x.dim() == 4 else x
    stride = kernel_size if stride is None else stride
    try:
        pair = PoolUnpool(nn.MaxPool2d(kernel_size, stride, return_indices=True), nn.MaxUnpool2d(kernel_size, stride))

        def both(place: torch.device) -> list[Tensor]:
            image = planes[None].to(place)
            with torch.inference_mode():
                return [one[0].cpu() for one in (*pair[0](image), pair(image))]

        pooled, indices, unpooled = device.on(both)
    except (RuntimeError, ValueError) as error:
        raise EquivarianceError(
            f"Windows of {kernel_size} with stride {stride} do not fit {list(planes.shape[1:])}: {first_line(error)}"
        ) from error
    kept = torch.zeros(planes.shape, dtype=torch.bool).flatten(1)
    kept = kept.scatter(1, indices.flatten(1), True).view(planes.shape)
    energy = float(planes.double().square().sum())
    lost = 1 - float(unpooled.double().square().sum()) / energy if energy else 0.0
    return UnpoolTrip(pooled.numpy(), indices.numpy(), unpooled.numpy(), kept.numpy(), max(0.0, lost))
