"""What these lessons keep for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

from functools import lru_cache

from torch import nn

from models.advice import Advice, advise
from models.advice.sizes import Size, Tile, at_size, sizes_near, smallest, tiles
from models.graph import Graph, read_graph
from models.parse import parse_network


@lru_cache(maxsize=16)
def network_of(code: str) -> nn.Module:
    """The network that a text describes, without weights. Raises ``ParseError``."""
    return parse_network(code, device="meta")


@lru_cache(maxsize=32)
def graph_at(code: str, shape: tuple[int, ...]) -> Graph:
    """Its graph for an input of this shape."""
    return read_graph(network_of(code), shape)


@lru_cache(maxsize=32)
def advice_at(code: str, shape: tuple[int, ...]) -> tuple[Advice, ...]:
    """What is wrong with it."""
    return advise(network_of(code), shape, graph_at(code, shape))


@lru_cache(maxsize=64)
def size_at(code: str, shape: tuple[int, ...]) -> Size | None:
    """What it does to an input of this shape; None where it does not fit."""
    return at_size(network_of(code), shape)


@lru_cache(maxsize=16)
def sizes_at(code: str, shape: tuple[int, ...]) -> list[Size]:
    """The sizes near this one that give whole maps."""
    return sizes_near(network_of(code), shape, graph_at(code, shape))


@lru_cache(maxsize=16)
def smallest_at(code: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest input that it takes."""
    return smallest(network_of(code), shape)


@lru_cache(maxsize=16)
def tiles_at(code: str, shape: tuple[int, ...]) -> list[Tile]:
    """Tiles that a large input may be computed on."""
    return tiles(network_of(code), shape, graph_at(code, shape))
