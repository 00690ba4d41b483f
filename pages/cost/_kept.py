"""What these lessons keep for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from models import blocks
from models.alternatives import WAYS, Row, compare, reach
from models.graph import Graph, read_graph
from models.kept import Kept
from models.networks import skeleton
from models.timing import Timed
from viz.components.channels import step

Job = tuple[tuple[str, int], ...]
"""Settings and their values."""

TIMES: Kept[dict[str, Timed | str]] = Kept(64)
"""Job → the time of each layer, by name, or why there is none."""


def taken(name: str, values: dict[str, int]) -> dict[str, int]:
    """Those of the settings that the layer takes."""
    known = {setting.name for setting in WAYS[name].settings}
    return {key: value for key, value in values.items() if key in known}


@lru_cache(maxsize=64)
def rows_of(job: Job) -> list[Row]:
    """Every layer that could do the job."""
    return compare(**dict(job))


@lru_cache(maxsize=128)
def steps_of(job: Job, name: str) -> list[dict]:
    """What a layer does with channels, for its tile."""
    return [step(of, found) for of, found in reach(name, **taken(name, dict(job)))]


@lru_cache(maxsize=64)
def block_of(name: str, settings: tuple[tuple[str, Any], ...]) -> tuple[Graph, int]:
    """A block's graph, and the weights of its convolutions and dense layers."""
    with torch.device("meta"):
        module = blocks.build(name, **dict(settings))
    return read_graph(module, blocks.BLOCKS[name].input_shape(**dict(settings))), blocks.weights(module)


@lru_cache(maxsize=16)
def network_of(name: str, shape: tuple[int, ...]) -> Graph:
    """A whole network's graph for a picture of this shape."""
    with torch.device("meta"):
        return read_graph(blocks.build(name) if name in blocks.BLOCKS else skeleton(name), shape)
