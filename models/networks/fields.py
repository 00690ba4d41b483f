"""Receptive fields of networks by name, layer by layer and stage by stage, without weights."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from threading import Condition
from typing import Any

from cachetools import LRUCache, cached
from cachetools.func import lru_cache
from torch import nn

from models.device import reference
from models.kept import Kept
from models.networks import skeleton
from models.receptive_field import (
    PUBLISHED,
    LayerField,
    LocalField,
    PublishedField,
    ReceptiveFieldError,
    receptive_field,
    subnetwork,
)
from models.receptive_field.probe import MeasuredField, measure_field
from models.receptive_field.trace import graph_of


@dataclass(frozen=True)
class MapRow:
    """One map of a network: its layer, and what its units see through the windows alone. Tuples per axis.

    `number` counts the operations that keep a map, from 1. `settings`: kernel size, stride, padding and dilation,
    `None` where the layer has none. `outside`: padding positions that the middle unit sees before and after the image.
    `everything`: a global branch (squeeze-excite) lets its units see the whole image besides. `channels_first`: the
    tensor is `(N, C, H, W)`, as the gradient can be asked.
    """

    number: int
    name: str
    kind: str
    settings: tuple[tuple[int, ...] | None, ...]
    map_size: tuple[int, ...]
    field: LocalField
    outside: tuple[tuple[int, int], ...]
    everything: bool
    channels_first: bool

    @property
    def size(self) -> int:
        """Along the rows; equal along both axes in most networks."""
        return self.field.size[0]

    @property
    def jump(self) -> int | Fraction:
        return self.field.jump[0]

    @property
    def start(self) -> int | None:
        return self.field.start[0]


@dataclass(frozen=True, eq=False)
class NetworkField:
    """A network's fields for a square image of `side` pixels.

    `maps`: every layer whose units have a place. `stages`: for each jump, the last of them. `depth`, `sizes`: windows
    (convolutions, poolings) met so far, and the field after them, where it grew. `reason`: why the trace ends before
    the classifier, if it does.
    """

    name: str
    side: int
    maps: tuple[MapRow, ...]
    stages: tuple[MapRow, ...]
    depth: tuple[int, ...]
    sizes: tuple[int, ...]
    layers: tuple[str, ...]
    reason: str

    @property
    def last(self) -> MapRow:
        return self.stages[-1]

    def map(self, name: str) -> MapRow:
        """The map of a layer by its name."""
        return next(row for row in self.maps if row.name == name)

    @property
    def published(self) -> tuple[PublishedField, ...]:
        """What was printed elsewhere about this network."""
        return tuple(one for one in PUBLISHED if one.here == self.name)


_graphs: Kept[tuple[nn.Module, Any]] = Kept(6_000, lambda found: len([*found[0].modules()]))
"""As many as have so many modules together: each takes five kilobytes."""


def _traced(name: str) -> tuple[nn.Module, Any]:
    """A network and its graph, which is the same for images of every size."""
    return _graphs.made(name, lambda: ((module := skeleton(name)), graph_of(module)))


_kept: Kept[NetworkField] = Kept(20_000, lambda found: len(found.maps))
"""As many as have so many maps together: each takes a kilobyte."""


def network_field(name: str, side: int = 224) -> NetworkField:
    """Trace a torchvision network on the meta device; asked again, the answer comes at once.

    Raises:
        ReceptiveFieldError, models.networks.NetworkError: it cannot be traced, no map is left of so small an image, or
            there is no such network.
    """
    return _kept.made((name, side), lambda: _read(name, side))


def _read(name: str, side: int) -> NetworkField:
    module, traced = _traced(name)
    field = receptive_field(module, (1, 3, side, side), traced=traced)
    maps = [
        (layer, local)
        for layer in field.layers
        if layer.is_map and (local := layer.local) and "adaptive" not in layer.kind.lower()
    ]
    if not maps:
        raise ReceptiveFieldError(f"{name} keeps no map of an image of {side} pixels; take a larger one.")
    rows = tuple(_row(number, layer, local, side) for number, (layer, local) in enumerate(maps, 1))
    stages = {row.jump: row for row in rows}
    depth, at, sizes, reached = 0, [0], [1], [""]
    for layer, local in maps:
        # A projection beside the main path adds no depth to it, and does not widen the field either.
        depth += layer.kernel_size is not None and max(layer.kernel_size) > 1
        if local.size[0] > sizes[-1]:
            at.append(max(depth, at[-1] + 1))
            depth = at[-1]
            sizes.append(local.size[0])
            reached.append(layer.name)
    kept = tuple(row for jump, row in sorted(stages.items()) if jump != 1 or len(stages) == 1)
    return NetworkField(name, side, rows, kept, tuple(at), tuple(sizes), tuple(reached), field.reason or "")


def _row(number: int, layer: LayerField, local: LocalField, side: int) -> MapRow:
    assert layer.map_size and layer.output_shape
    middle = local.box([n // 2 for n in layer.map_size])
    outside = tuple((max(0, -low), max(0, high + 1 - side)) for low, high in middle)
    settings = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    first = layer.output_shape[2:] == layer.map_size
    return MapRow(
        number, layer.name, layer.kind, settings, layer.map_size, local, outside, layer.sees_everything, first
    )


@dataclass(frozen=True)
class Summary:
    """One line of the table of all networks; `reason` where there is no field up to the classifier."""

    name: str
    size: int | None
    jump: int | Fraction | None
    map_size: int | None
    everything: bool
    reason: str


@cached(LRUCache(4096), condition=Condition())
def summary(name: str, side: int = 224) -> Summary:
    """Field, jump and map of a network's last map, or why there is none. Of all who ask at once one traces it."""
    try:
        found = network_field(name, side)
    except ReceptiveFieldError as error:
        return Summary(name, None, None, None, False, str(error))
    last = found.last
    return Summary(name, last.size, last.jump, last.map_size[0], last.everything, found.reason)


class _ChannelsFirst(nn.Module):
    """A network whose map has its channels last, with them moved to where the gradient is asked for them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x).movedim(-1, 1)


@lru_cache(64)
def measured_field(name: str, layer: str, side: int = 224) -> MeasuredField:
    """The same from the gradient, on narrow strips; global branches are cut, as `local` does. Takes seconds.

    A network that runs at one image size alone (a vision transformer) is measured up to the layer, without the rest.
    """
    module, shape = skeleton(name), (1, 3, side, side)
    last = not network_field(name, side).map(layer).channels_first
    with reference():
        if layer in dict(module.named_modules()) and not last:
            try:
                return measure_field(module, shape, layer, through_global=False)
            except (ValueError, RuntimeError, AssertionError):
                pass
        alone = subnetwork(module, layer)
        return measure_field(_ChannelsFirst(alone) if last else alone, shape, through_global=False)


def boxes(found: NetworkField, layer: str) -> tuple[list[list[int]], list[list[int]]]:
    """Per axis and unit, first and last pixel seen, through the windows alone and not clipped."""
    where = found.map(layer)
    rows, columns = where.field.boxes(where.map_size)
    return rows, columns
