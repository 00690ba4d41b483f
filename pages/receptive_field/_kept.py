"""What these lessons keep for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from torch import nn

from models.advice import Advice, advise, usual_size
from models.advice.inputs import fed_by, fed_together, likely_inputs
from models.advice.nearest import nearest
from models.advice.sizes import Size, Tile, at_size, sizes_near, smallest, tiles
from models.device import private_copy
from models.graph import Graph, read_graph
from models.parse import Argument, PastedText, give_others
from models.parse.modules import Pasted


@dataclass(frozen=True)
class Given:
    """A pasted text, which of its networks is meant, what that is called with, as text, the shapes of its tensors
    after the first, and of each input how many it holds in a tuple (none: as the text takes them apart)."""

    text: str
    name: str | None = None
    arguments: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[int, ...], ...] = ()
    parts: tuple[int, ...] = ()


@lru_cache(maxsize=16)
def _read(text: str) -> PastedText:
    return PastedText(text)


def names_of(text: str) -> tuple[str, ...]:
    """The networks in a text. Raises ``ParseError``."""
    return _read(text).names


def needs_of(text: str, name: str | None) -> tuple[Argument, ...]:
    """What one of them must be called with. Raises ``ParseError``."""
    return _read(text).needs(name)


@lru_cache(maxsize=16)
def _built(text: str, name: str | None, arguments: tuple[tuple[str, str], ...]) -> nn.Module:
    return _read(text).network(name, dict(arguments))


@lru_cache(maxsize=16)
def main_of(text: str) -> str | None:
    """Which of its networks a text is about: the last that learns something, for a loss beside it does not. None where
    it holds none by name. Raises ``ParseError``."""
    names = names_of(text)
    return next((name for name in reversed(names) if len(names) == 1 or _learns(text, name)), next(iter(names), None))


def _learns(text: str, name: str) -> bool:
    """Whether it has parameters; so has, for all that is known, what cannot be built yet."""
    with suppress(ValueError):
        return bool(needs_of(text, name)) or any(True for _ in _built(text, name, ()).parameters())
    return True


@lru_cache(maxsize=16)
def network_of(code: Given) -> nn.Module:
    """The network, without weights. Raises ``ParseError``, and ``ValueError`` for another number of inputs."""
    network = _built(code.text, code.name, code.arguments)
    if code.others:
        network = private_copy(network)
        give_others(network, code.others, code.parts)
    return network


def asked_of(code: Given) -> dict[str, int]:
    """What its forward is given, by name: how many tensors in a tuple, 0 for a tensor alone. Raises ``ParseError``."""
    network = network_of(code)
    return network.inputs() if isinstance(network, Pasted) else {"x": 0}


@lru_cache(maxsize=32)
def graph_at(code: Given, shape: tuple[int, ...]) -> Graph:
    """Its graph for an input of this shape."""
    return read_graph(network_of(code), shape)


@lru_cache(maxsize=32)
def advice_at(code: Given, shape: tuple[int, ...]) -> tuple[Advice, ...]:
    """What is wrong with it."""
    return advise(network_of(code), shape, graph_at(code, shape))


@lru_cache(maxsize=16)
def inputs_for(text: str, name: str | None, now: tuple[int, ...]) -> tuple[tuple[int, ...], ...] | None:
    """The likeliest input that a pasted network takes, tried; ``now`` where it takes that; where nothing fits, the one
    that comes farthest, None if that is ``now``. Several where the text itself feeds it several of different shapes.
    ``name``: of several networks, `main_of` the text where it holds none of this name. Raises ``ParseError``."""
    names = names_of(text)
    code = Given(text, name if name in names else main_of(text))
    asked = sum(max(1, part) for part in asked_of(code).values())

    def reached(shape: tuple[int, ...], others: tuple[tuple[int, ...], ...] = ()) -> tuple[bool, int]:
        """Whether it takes this, and how many operations do."""
        with suppress(ValueError):  # forward itself may refuse a shape, as x.shape with another number of axes
            graph = graph_at(replace(code, others=others), shape)
            return not graph.broken, len(graph.nodes)
        return False, 0

    if asked > 1 and (fed := fed_together(text, asked)) and reached(fed[0], fed[1:])[0]:
        return fed
    # What the text itself feeds it is what is asked about, also where something in the middle does not take it.
    fed = {shape: reached(shape) for shape in islice(dict.fromkeys(fed_by(text)), 6)}
    if (found := max(fed, key=fed.__getitem__, default=None)) and (fed[found][0] or fed[found][1] > 2):
        return (found,)
    likely = [*islice(likely_inputs(text, network_of(code), now), 12), now]
    if found := next((shape for shape in likely if reached(shape)[0]), None):
        return (found,)
    # A sequence or a volume has no size that one would expect; a picture gets the one that comes farthest, and the
    # advice speaks of what stops it there.
    axes = len(likely[-2]) - 2 if len(likely) > 1 else 2
    if axes in (1, 3) and (usual := usual_size(network_of(code), likely[-2][:2], axes)):
        return (usual,)
    best = max((now, *likely), key=reached)
    return (best,) if reached(best) > reached(now) else None


@lru_cache(maxsize=64)
def size_at(code: Given, shape: tuple[int, ...]) -> Size | None:
    """What it does to an input of this shape; None where it does not fit."""
    return at_size(network_of(code), shape)


@lru_cache(maxsize=16)
def sizes_at(code: Given, shape: tuple[int, ...]) -> list[Size]:
    """The sizes near this one that give whole maps."""
    return sizes_near(network_of(code), shape, graph_at(code, shape))


@lru_cache(maxsize=16)
def nearest_at(code: Given, shape: tuple[int, ...]) -> list[Size]:
    """The nearest sizes that it takes, where it refuses this one."""
    return nearest(network_of(code), shape, graph_at(code, shape))


@lru_cache(maxsize=16)
def smallest_at(code: Given, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest input that it takes."""
    return smallest(network_of(code), shape)


@lru_cache(maxsize=16)
def tiles_at(code: Given, shape: tuple[int, ...]) -> list[Tile]:
    """Tiles that a large input may be computed on."""
    return tiles(network_of(code), shape, graph_at(code, shape))
