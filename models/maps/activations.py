"""What the maps of a layer say: one picture of all of them, their statistics, and what a single unit saw.

Maps are arrays `(C, H, W)`, or `(N, C, H, W)` for several pictures, as `models.networks.feature_maps` gives them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.device import private_copy
from models.errors import ActivationError, runs_through
from models.networks import NetworkError, feature_maps
from models.networks.answers import live, part, placed
from models.receptive_field import ReceptiveField, ReceptiveFieldError, receptive_field
from models.receptive_field.field import seen_box

ORDERS = ("index", "strength", "energy")
"""By number; by the largest |value|; by the mean of the squares. The latter two: largest first."""

SCALES = ("own", "shared")


def _maps(maps: np.ndarray | Tensor, axes: tuple[int, ...] = (3,)) -> np.ndarray:
    array = maps.detach().cpu().numpy() if isinstance(maps, Tensor) else np.asarray(maps)
    if 3 in axes and array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim not in axes or 0 in array.shape:
        raise ActivationError(
            f"An answer of shape {tuple(array.shape)} is not a stack of maps (channels, height, width): choose a layer "
            "before the maps are flattened."
        )
    return array


# -- contact sheet


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """Maps side by side in one array.

    image: float32, values divided by their scale: −1 to 1, or 0 to 1 if rectified; NaN between the maps.
    channels: the channel in each cell, row by row.
    scales: what each of these channels was divided by (0 where a map is 0 everywhere: it stays 0).
    columns, cell: cells per row; height and width of a cell in the sheet's pixels. gap: pixels between cells.
    step: map pixels that became one pixel of the sheet, along each axis.
    pages: how many there are.
    map_size: height and width of a map.
    """

    image: np.ndarray
    channels: tuple[int, ...]
    scales: tuple[float, ...]
    columns: int
    cell: tuple[int, int]
    gap: int
    step: int
    pages: int
    map_size: tuple[int, int]

    def box(self, channel: int) -> tuple[int, int, int, int]:
        """First row, first column, row behind the last and column behind the last of a channel's cell in `image`."""
        if channel not in self.channels:
            raise ActivationError(f"Channel {channel} is not on this page.")
        row, column = divmod(self.channels.index(channel), self.columns)
        top, left = row * (self.cell[0] + self.gap), column * (self.cell[1] + self.gap)
        return top, left, top + self.cell[0], left + self.cell[1]


def ordered(maps: np.ndarray | Tensor, order: str = "index") -> np.ndarray:
    """Channel numbers in one of `ORDERS`; equal channels by number."""
    array = _maps(maps)
    if order not in ORDERS:
        raise ActivationError(f"{order!r} is no order of channels: use one of {', '.join(ORDERS)}.")
    if order == "index":
        return np.arange(len(array))
    flat = np.abs(array.reshape(len(array), -1))
    key = flat.max(1) if order == "strength" else np.square(flat, dtype=np.float64).mean(1)
    return np.argsort(-key, kind="stable")


def contact_sheet(
    maps: np.ndarray | Tensor,
    *,
    order: str = "index",
    page: int = 0,
    per_page: int = 64,
    columns: int | None = None,
    scale: str = "own",
    rectified: bool = False,
    largest_cell: int = 128,
    gap: int = 1,
) -> ContactSheet:
    """All maps of a layer, or one page of them, as one array: one picture to send, not hundreds.

    Args:
        maps: `(C, H, W)`, or `(1, C, H, W)`.
        order: one of `ORDERS`.
        page, per_page: which page, counted from 0, of how many maps.
        columns: cells per row; default: as many as make the sheet about square.
        scale: `"own"`: each map by its largest |value|, so that weak ones can be seen; `"shared"`: all by the largest
            of the whole layer, on every page the same, so that they can be compared.
        rectified: negative values become 0, as ReLU makes them, before scaling.
        largest_cell: longer maps are averaged over whole blocks of pixels until they fit.
        gap: pixels between cells.

    Raises:
        ActivationError: not maps, or settings out of range.
    """
    array = _maps(maps)
    if scale not in SCALES:
        raise ActivationError(f"{scale!r} is no scale: use {' or '.join(SCALES)}.")
    if per_page < 1 or largest_cell < 1 or gap < 0 or (columns is not None and columns < 1):
        raise ActivationError("A contact sheet needs at least one map a page, one column and one pixel a cell.")
    pages = ceil(len(array) / per_page)
    if not 0 <= page < pages:
        raise ActivationError(f"There is no page {page}: these {len(array)} maps fill pages 0 to {pages - 1}.")
    if rectified:
        array = np.maximum(array, 0)
    channels = ordered(array, order)[page * per_page : (page + 1) * per_page]
    chosen = np.nan_to_num(array[channels].astype(np.float32))
    shared = float(np.abs(np.nan_to_num(array)).max()) if scale == "shared" else None
    own = np.abs(chosen).reshape(len(chosen), -1).max(1)
    scales = own if shared is None else np.full(len(chosen), shared, np.float32)
    height, width = array.shape[1:]
    step = ceil(max(height, width) / largest_cell)
    if step > 1:
        chosen = nn.functional.avg_pool2d(torch.from_numpy(chosen), step, ceil_mode=True).numpy()
    chosen = chosen / np.where(scales > 0, scales, 1)[:, None, None]
    cell = chosen.shape[1:]
    columns = columns or max(1, min(len(chosen), round((len(chosen) * cell[0] / cell[1]) ** 0.5)))
    rows = ceil(len(chosen) / columns)
    image = np.full((rows * (cell[0] + gap), columns * (cell[1] + gap)), np.nan, np.float32)
    sheet = ContactSheet(
        image[: image.shape[0] - gap, : image.shape[1] - gap], tuple(map(int, channels)), tuple(map(float, scales)),
        columns, cell, gap, step, pages, (height, width),
    )  # fmt: skip
    for channel, one in zip(sheet.channels, chosen, strict=True):
        top, left, bottom, right = sheet.box(channel)
        image[top:bottom, left:right] = one
    return sheet


def first_filters(module: nn.Module) -> np.ndarray:
    """The kernels of the first convolution that reads a picture: `(filters, height, width, colours)`, float32.

    Raises:
        ActivationError: the network has no convolution.
    """
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            return child.weight.detach().float().cpu().permute(0, 2, 3, 1).numpy().copy()
    raise ActivationError("This network has no convolution whose filters could be shown.")


# -- statistics


@dataclass(frozen=True, eq=False)
class Statistics:
    """Numbers about maps, per channel (arrays of length C) and for the layer.

    mean: per channel, over all pixels and pictures.
    silent: per channel, share of values at or below 0: what ReLU takes, or took.
    dead: channels with no value above 0 anywhere: after ReLU they say nothing about these pictures.
    sparsity: share of all values at or below 0.
    counts, edges: histogram of all values; B counts and B + 1 edges.
    """

    mean: np.ndarray
    silent: np.ndarray
    dead: tuple[int, ...]
    sparsity: float
    counts: np.ndarray
    edges: np.ndarray


def statistics(maps: np.ndarray | Tensor, bins: int = 50) -> Statistics:
    """Statistics of `(C, H, W)` or, over several pictures, `(N, C, H, W)`.

    Raises:
        ActivationError: not maps, or values that are not numbers.
    """
    array = _maps(maps, (3, 4))
    if not np.isfinite(array).all():
        raise ActivationError("These maps hold values that are not numbers: the network's weights are broken.")
    if bins < 1:
        raise ActivationError(f"A histogram of {bins} bins shows nothing: use 1 or more.")
    flat = np.moveaxis(array, -3, 0).reshape(array.shape[-3], -1)
    silent = (flat <= 0).mean(1)
    counts, edges = np.histogram(flat, bins)
    dead = tuple(int(c) for c in np.flatnonzero(flat.max(1) <= 0))
    return Statistics(flat.mean(1, dtype=np.float64), silent, dead, float(silent.mean()), counts, edges)


# -- what comes before and after


_NAMES = (
    "batch_norm group_norm layer_norm instance_norm relu relu6 leaky_relu prelu elu selu celu gelu silu mish sigmoid "
    "hardswish hardsigmoid hardtanh softplus tanh"
)
_STEPS = frozenset(_NAMES.split())


class _Followers(TorchFunctionMode):
    """Records normalisations, activations and sums that read the last recorded answer itself.

    A sum counts as long as nothing else has read the answer: later it belongs to the skip connection around others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last: Tensor | None = None
        self.found: list[tuple[str, Tensor]] = []
        self.read = False

    def start(self, name: str, answer: Tensor) -> None:
        self.last, self.found = answer, [(name, answer.clone())]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "").strip("_")
        name = "add" if name == "iadd" else name
        reads = self.last is not None and any(one is self.last for one in args)
        adds = name == "add" and not self.read and all(isinstance(one, Tensor) for one in args[:2])
        follows = reads and (adds or (args[0] is self.last and name in _STEPS))
        with torch._C.DisableTorchFunction():
            answer = func(*args, **(kwargs or {}))
            if follows and isinstance(answer, Tensor):
                self.last = answer
                self.found.append((name, answer.clone()))
            elif reads and isinstance(answer, Tensor) and answer.is_floating_point():
                self.read = True
        return answer


def before_and_after(module: nn.Module, x: Tensor, layer: str) -> list[tuple[str, Tensor]]:
    """A layer's answer, and what the normalisation, the sum of a skip connection and the activation that follow at
    once make of it.

    Returns:
        `[(layer, maps), ("batch_norm", maps), ("add", maps), ("relu", maps)]`, as many as there are; functions count
        like modules.

    Raises:
        NetworkError: as `feature_maps`.
    """
    copy = private_copy(module)
    followers = _Followers()

    def begin(_module, _args, answer):
        if isinstance(answer, Tensor) and not followers.found:
            followers.start(layer, answer)

    part(copy, layer).register_forward_hook(begin)
    with torch.inference_mode(), followers, runs_through(x, NetworkError):
        copy(placed(copy, x))
    if not followers.found:
        raise NetworkError(
            f"Layer {layer!r} gave no tensor: it did not run in evaluation mode, or answers something else."
        )
    return followers.found


# -- one unit


@dataclass(frozen=True, eq=False)
class UnitView:
    """What one unit of a map saw.

    value: what it answered. channel, index: which unit.
    box: first and last pixel along each axis of its theoretical field, which may lie in the padding; `None` if it is
        not known, and then `reason` says why.
    inside: the same, cut at the picture's border.
    energy: squared gradient of the unit by this picture's pixels, summed over colours, `(H, W)`, sum 1 (0 if the unit
        does not react at all): the effective field for this picture. See `models.effective` for the average over many.
    strongest: channels at the same place, `(channel, value)`, largest value first.
    """

    value: float
    channel: int
    index: tuple[int, ...]
    box: tuple[tuple[int, int], ...] | None
    inside: tuple[tuple[int, int], ...] | None
    energy: np.ndarray
    strongest: tuple[tuple[int, float], ...]
    reason: str | None

    @property
    def share_inside(self) -> float | None:
        """Share of the gradient's energy that lies in the theoretical box: 1 up to rounding."""
        if self.inside is None or not self.energy.any():
            return None
        (top, bottom), (left, right) = self.inside
        return float(self.energy[top : bottom + 1, left : right + 1].sum())


def strongest(maps: np.ndarray | Tensor, index: Sequence[int], k: int = 8) -> tuple[tuple[int, float], ...]:
    """The k channels with the largest values at one place: `(channel, value)`."""
    array = _maps(maps)
    _unit(array.shape, 0, index)
    values = array[:, index[0], index[1]]
    return tuple((int(c), float(values[c])) for c in np.argsort(-values, kind="stable")[:k])


def _unit(shape: Sequence[int], channel: int, index: Sequence[int]) -> None:
    if not 0 <= channel < shape[0]:
        raise ActivationError(f"There is no channel {channel}: this layer has channels 0 to {shape[0] - 1}.")
    if len(index) != 2 or not all(0 <= i < n for i, n in zip(index, shape[1:], strict=True)):
        raise ActivationError(f"There is no unit {tuple(index)}: this map has {shape[1]} × {shape[2]} units.")


def layer_field(field: ReceptiveField, layer: str) -> ReceptiveField:
    """A layer's field out of its network's, at its last run: the one whose answer `feature_maps` gives.

    The ReLU of torchvision's residual blocks runs two or three times, and sees more each time.

    Raises:
        ReceptiveFieldError: no such layer.
    """
    again = re.compile(re.escape(layer) + r"(_\d+)?")
    runs = [one.name for one in field.layers if again.fullmatch(one.name)]
    return field.at(runs[-1] if runs else layer)


def _field(module: nn.Module, x: Tensor, layer: str, field: ReceptiveField | None):
    """The layer's field, or `None` and the reason."""
    try:
        field = field or layer_field(receptive_field(module, tuple(x.shape)), layer)
    except ReceptiveFieldError as error:
        return None, str(error)
    return (None, field.reason) if field.reason else (field, None)


def unit_view(
    module: nn.Module,
    x: Tensor,
    layer: str,
    channel: int,
    index: Sequence[int],
    *,
    k: int = 8,
    field: ReceptiveField | None = None,
) -> UnitView:
    """What one unit saw: box, gradient, value, and its strongest neighbours in the other channels.

    Args:
        x: `(1, C, H, W)`.
        channel, index: the unit; `index` is its row and column.
        k: how many of the strongest channels.
        field: the layer's (`layer_field`), if it is at hand.

    Raises:
        ActivationError: no such unit, or an answer that is no map. NetworkError: as `feature_maps`.
    """
    with torch.inference_mode(False), torch.enable_grad():
        image, answer, _ = live(module, x, layer)
        if answer is None:
            raise NetworkError(f"Layer {layer!r} gave no tensor.")
        maps = _maps(answer)
        _unit(maps.shape, channel, index)
        value = answer[(0, channel, *index)]
        (slope,) = torch.autograd.grad(value, image, allow_unused=True) if value.requires_grad else (None,)
    energy = np.zeros(tuple(x.shape[2:])) if slope is None else slope[0].double().square().sum(0).cpu().numpy()
    total = energy.sum()
    theory, reason = _field(module, x, layer, field)
    box = inside = None
    if theory is not None:
        box, inside = seen_box(theory.box(tuple(index))), seen_box(theory.box(tuple(index), clipped=True))
        if box is None or inside is None:
            box = inside = None
            reason = "No pixel of the picture is inside this unit's field."
    return UnitView(
        float(value.detach()), channel, tuple(index), box, inside, energy / total if total > 0 else energy,
        strongest(maps, index, k), reason,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Influence:
    """What one pixel of the picture reaches in a layer.

    change: `(H, W)` of the map, largest |change| over the channels when the pixel is replaced.
    box: first and last unit along each axis whose theoretical field holds the pixel; `None` along an axis where none
        does, and altogether if it is not known.
    """

    change: np.ndarray
    box: tuple[tuple[int, int] | None, ...] | None
    reason: str | None


def influence(
    module: nn.Module, x: Tensor, layer: str, pixel: Sequence[int], *, field: ReceptiveField | None = None
) -> Influence:
    """Change one pixel, and see which units of a layer notice.

    Args:
        x: `(1, C, H, W)`; pixel: row and column. Its colours are moved by the picture's range (1 if it is flat).

    Raises:
        ActivationError: no such pixel. NetworkError: as `feature_maps`.
    """
    _unit((1, *x.shape[2:]), 0, pixel)
    other = x[:1].detach().clone()
    other[0, :, pixel[0], pixel[1]] += float(x.max() - x.min()) or 1.0
    both = feature_maps(module, torch.cat([x[:1].detach(), other]), [layer])[layer]
    if both.dim() != 4:
        _maps(both)
    change = (both[1] - both[0]).abs().amax(0).float().cpu().numpy()
    theory, reason = _field(module, x, layer, field)
    if theory is None:
        return Influence(change, None, reason)
    box = []
    for axis, at in enumerate(pixel):
        spans = theory.boxes()[axis]
        units = np.flatnonzero((spans[:, 0] <= at) & (at <= spans[:, 1]))
        box.append((int(units[0]), int(units[-1])) if len(units) else None)
    return Influence(change, tuple(box), None)


# -- what a channel likes


@dataclass(frozen=True, eq=False)
class Patch:
    """One place that excites a channel.

    picture: number of the picture. index: row and column in the map. value: the channel's there.
    box: first and last pixel along each axis, inside the picture; `None` if the field is not known.
    """

    picture: int
    index: tuple[int, ...]
    value: float
    box: tuple[tuple[int, int], ...] | None


def top_patches(
    module: nn.Module, pictures: Sequence[Tensor], layer: str, channel: int, *, k: int = 9, per_picture: int = 3
) -> list[Patch]:
    """Where a channel answers most strongly in a set of pictures, largest value first.

    Args:
        pictures: each `(1, C, H, W)`, sizes may differ.
        k: at most so many patches, `per_picture` from one picture; units nearer to each other than half a field are
            counted as one place, and places with a value at or below 0 excite nothing.

    Raises:
        ActivationError: no such channel. NetworkError: as `feature_maps`.
    """
    found: list[Patch] = []
    fields: dict[tuple[int, ...], ReceptiveField | None] = {}
    for number, x in enumerate(pictures):
        maps = _maps(feature_maps(module, x, [layer])[layer])
        _unit(maps.shape, channel, (0, 0))
        shape = tuple(x.shape)
        if shape not in fields:
            fields[shape] = _field(module, x, layer, None)[0]
        theory, left = fields[shape], maps[channel].astype(np.float32)
        reach = (1, 1) if theory is None else _half_a_field(theory, left.shape)
        for _ in range(per_picture):
            index = tuple(int(i) for i in np.unravel_index(np.argmax(left), left.shape))
            value = float(left[index])
            if not value > 0:
                break
            box = None if theory is None else seen_box(theory.box(index, clipped=True))
            found.append(Patch(number, index, value, box))
            near = tuple(slice(max(0, i - r), i + r + 1) for i, r in zip(index, reach, strict=True))
            left[near] = -np.inf
    return sorted(found, key=lambda p: -p.value)[:k]


def _half_a_field(theory: ReceptiveField, shape: Sequence[int]) -> tuple[int, ...]:
    """Units to either side that see at least half of the same pixels."""
    reach = []
    assert theory.size and theory.jump
    for size, jump, n in zip(theory.size, theory.jump, shape, strict=True):
        reach.append(max(1, int(size / (2 * jump))) if jump else n)
    return tuple(reach)
