"""The cell of a layer's picture that a link pins: ``output.0.1.2``, the grid, the channel (of weights: the plane), and
where in it, without padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.share import Scene
from models.text import read_whole


def shape_of(scene: Scene, grid: str) -> tuple[int, ...] | None:
    """Channels and cells of a grid; None if the picture has no such grid."""
    spec = scene.spec
    ends = {
        "input": (spec.in_channels, *spec.input_size),
        "output": (spec.out_channels, *spec.output_size),
    }
    if grid in ends:
        return ends[grid]
    # These know torch, which pages that only ask do without.
    from models import lab
    from viz.scenes.layer import shapes

    found = lab.of(scene)
    return shapes(found).get(grid) if found.stages else None


def place_of(scene: Scene, cell: str) -> tuple[str, tuple[int, ...]] | None:
    """Grid, and channel and place in it; None if the layer has no such cell."""
    grid, *numbers = cell.rsplit(".", scene.spec.dims + 1)
    shape = shape_of(scene, grid)
    if shape is None or len(numbers) != len(shape):
        return None
    try:
        return grid, tuple(read_whole(each, 0, n - 1) for each, n in zip(numbers, shape, strict=True))
    except ValueError:
        return None


def selected(scene: Scene, cell: str, grids: Sequence[dict] = ()) -> dict[str, Any] | None:
    """What a stage begins with where this cell is pinned; None if the layer has no such cell.

    Args:
        grids: those of the stage that draw padding.
    """
    if (found := place_of(scene, cell)) is None:
        return None
    grid, (channel, *place) = found
    shape = (shape_of(scene, grid) or ())[1:]
    for one in grids:
        if one["id"] == grid and one["real"]:
            place = [at + start for at, (start, _) in zip(place, one["real"], strict=True)]
            shape = one["shape"][1:]
    return {"grid": grid, "channel": channel, "cell": int(np.ravel_multi_index(place, shape)), "pinned": True}
