"""Receptive fields of networks by name, stage by stage, without weights."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from models.networks import names, skeleton
from models.receptive_field import PUBLISHED, PublishedField, ReceptiveField, ReceptiveFieldError, receptive_field
from models.rf_probe import MeasuredField, measure_field


@dataclass(frozen=True)
class StageRow:
    """The last map of one stage: all maps of one jump. `size`, `start`: through the windows alone, along one axis.

    `outside`: padding positions that the middle unit sees before and after the image. `everything`: a global branch
    (squeeze-excite) lets it see the whole image besides.
    """

    name: str
    map_size: tuple[int, ...]
    size: int
    jump: int | Fraction
    start: int
    outside: tuple[int, int]
    everything: bool


@dataclass(frozen=True, eq=False)
class NetworkField:
    """A network's fields for a square image of `side` pixels.

    `depth`, `sizes`: windows (convolutions, poolings) met so far, and the field after them, where it grew. `reason`:
    why the trace ends before the classifier, if it does.
    """

    name: str
    side: int
    field: ReceptiveField
    stages: tuple[StageRow, ...]
    depth: tuple[int, ...]
    sizes: tuple[int, ...]
    layers: tuple[str, ...]
    reason: str

    @property
    def last(self) -> StageRow:
        return self.stages[-1]

    @property
    def published(self) -> tuple[PublishedField, ...]:
        """What was printed elsewhere about this network."""
        return tuple(one for one in PUBLISHED if one.here == self.name)


@lru_cache(maxsize=96)
def network_field(name: str, side: int = 224) -> NetworkField:
    """Trace a torchvision network on the meta device.

    Raises:
        ReceptiveFieldError, models.networks.NetworkError: it cannot be traced, no map is left of so small an image, or
            there is no such network.
    """
    field = receptive_field(skeleton(name), (1, 3, side, side))
    maps = [layer for layer in field.layers if layer.is_map and layer.local and "adaptive" not in layer.kind.lower()]
    if not maps:
        raise ReceptiveFieldError(f"{name} keeps no map of an image of {side} pixels; take a larger one.")
    stages: dict[object, StageRow] = {}
    depth, at, sizes, reached = 0, [0], [1], [""]
    for layer in field.layers:
        # A projection beside the main path adds no depth to it, and does not widen the field either.
        window = layer.kernel_size is not None and max(layer.kernel_size) > 1
        if layer not in maps:
            continue
        local = layer.local
        depth += window
        if local.size[0] > sizes[-1]:
            at.append(max(depth, at[-1] + 1))
            depth = at[-1]
            sizes.append(local.size[0])
            reached.append(layer.name)
        low = local.start[0] + (layer.map_size[0] // 2) * local.jump[0] if local.start[0] is not None else 0
        outside = (max(0, -low), max(0, low + local.size[0] - side))
        stages[local.jump[0]] = StageRow(
            layer.name,
            layer.map_size,
            local.size[0],
            local.jump[0],
            local.start[0],
            tuple(int(v) for v in outside),
            layer.sees_everything,
        )
    rows = tuple(row for jump, row in sorted(stages.items()) if jump != 1 or len(stages) == 1)
    return NetworkField(name, side, field, rows, tuple(at), tuple(sizes), tuple(reached), field.reason or "")


@dataclass(frozen=True)
class Summary:
    """One line of the table of all networks; `reason` where there is no field up to the classifier."""

    name: str
    size: int | None
    jump: int | Fraction | None
    map_size: int | None
    everything: bool
    reason: str


@lru_cache(maxsize=256)
def summary(name: str, side: int = 224) -> Summary:
    """Field, jump and map of a network's last map, or why there is none."""
    try:
        found = network_field(name, side)
    except ReceptiveFieldError as error:
        return Summary(name, None, None, None, False, str(error))
    last = found.last
    return Summary(name, last.size, last.jump, last.map_size[0], last.everything, found.reason)


@lru_cache(maxsize=64)
def measured_field(name: str, layer: str, side: int = 224) -> MeasuredField:
    """The same from the gradient, on narrow strips; global branches are cut, as `local` does. Takes seconds."""
    from models.receptive_field import subnetwork

    module = skeleton(name)
    if layer in dict(module.named_modules()):
        return measure_field(module, (1, 3, side, side), layer, through_global=False)
    return measure_field(subnetwork(module, layer), (1, 3, side, side), through_global=False)


def boxes(found: NetworkField, layer: str) -> tuple[list[list[int]], list[list[int]]]:
    """Per axis and unit, first and last pixel seen, through the windows alone and not clipped."""
    where = next(one for one in found.field.layers if one.name == layer)
    local = where.local
    return tuple(
        [[int(np.floor(s + u * j)), int(np.floor(s + u * j)) + z - 1] for u in range(n)]
        for n, z, j, s in zip(where.map_size, local.size, local.jump, local.start, strict=True)
    )


__all__ = ["NetworkField", "StageRow", "Summary", "boxes", "measured_field", "names", "network_field", "summary"]
