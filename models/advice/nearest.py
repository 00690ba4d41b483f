"""The sizes that a network takes, where it refuses the one that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import nn

from models.advice.sizes import NetworkAtSizes, Size, period, sizes_near, ways
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
    far, runs = period(graph), NetworkAtSizes(module)
    found = {one.shape: one for one in sizes_near(module, shape, graph, most)}
    for now, way in ways(shape):
        for sign in () if found else (-1, 1):
            end = max(0, now - far * TRIED) if sign < 0 else min(FARTHEST, now + far * TRIED) + 1
            tried = range(now, end, sign * far)
            if (there := next((way(size) for size in tried if runs.at(way(size))), None)) is not None:
                found |= {one.shape: one for one in sizes_near(module, there, read_graph(module, there), most)}
    if not found and len(set(shape[2:])) > 1:
        longest = max(shape[2:])
        return nearest(module, (*shape[:2], *(longest for _ in shape[2:])), graph, most)
    whole = [one for one in found.values() if not one.left] or [*found.values()]
    whole.sort(key=lambda one: (prod(one.shape), one.shape))
    below, above = ([one for one in whole if (prod(one.shape) > prod(shape)) == over] for over in (False, True))
    return below[-most:] + above[:most]
