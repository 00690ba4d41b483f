"""The sizes that a network takes, where it refuses the one that it is given."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from models.advice.sizes import Size, _Runs, period, scaled, sizes_near
from models.graph import Graph, read_graph

FARTHEST = 4096
"""The longest side that is tried."""

TRIED = 128
"""Sizes that are tried on each side, each as far from the last as the network's grids lie alike again."""


def nearest(module: nn.Module, shape: Sequence[int], graph: Graph, most: int = 4) -> list[Size]:
    """The nearest sizes that fit, ascending, in the proportions of the input, else square ones; of those, the ones that
    give whole maps, where there are such. Empty where none was found: then mostly it is not the size that does not fit.

    Args:
        graph: of the network at this shape, which it refuses.
        most: on each side.
    """
    now, far = max(shape[2:]), period(graph)
    found = {max(one.shape[2:]): one for one in sizes_near(module, shape, graph, most)}
    runs = _Runs(module)
    for way in () if found else (-1, 1):
        tried = range(now, max(0, now - far * TRIED) if way < 0 else min(FARTHEST, now + far * TRIED) + 1, way * far)
        if (size := next((size for size in tried if runs.at(scaled(shape, size))), None)) is not None:
            there = tuple(scaled(shape, size))
            found |= {max(one.shape[2:]): one for one in sizes_near(module, there, read_graph(module, there), most)}
    if not found and len(set(shape[2:])) > 1:
        return nearest(module, (*shape[:2], *(now for _ in shape[2:])), graph, most)
    whole = {size: one for size, one in found.items() if not one.left} or found
    below, above = (sorted(size for size in whole if (size > now) == over) for over in (False, True))
    return [whole[size] for size in below[-most:] + above[:most]]
