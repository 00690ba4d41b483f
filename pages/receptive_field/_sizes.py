"""What your network would do to inputs of other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from models.advice.sizes import Size, convolutional, layers_missing, period, scaled
from models.graph import Graph
from models.text import big, plural, times
from pages.receptive_field._kept import Given, graph_at, nearest_at, size_at, sizes_at, smallest_at, tiles_at
from viz.figures import table
from viz.state import Whole
from viz.words import remark, say

MOST = 4096
"""The longest side that the slider offers."""


def side(shape: tuple[int, ...]) -> Whole:
    """The slider's setting: it begins at the input's own size."""
    now = max(shape[2:], default=1)
    high = min(max(2 * now, 256), max(MOST, now))
    return Whole("side", now, "Longest side of the input", None, 1, high, key=f"network_side_{now}", slider=True)


def draw(code: Given, shape: tuple[int, ...], graph: Graph) -> None:
    """Another size by a slider, sizes with whole maps, the field against the input, tiles."""
    if len(shape) < 3:
        say("This input has no size: it is one row of numbers.")
        return
    _slid(code, shape)
    if graph.broken:
        _nearest(code, shape)
        return
    _whole(code, shape, graph)
    _covers(code, shape, graph)
    _tiles(code, shape, graph)


def _slid(code: Given, shape: tuple[int, ...]) -> None:
    asked = scaled(shape, side(shape).draw())
    found, given = size_at(code, asked), times(asked[1:])
    if found is None:
        broken = graph_at(code, asked).broken
        say(f"**{given}** does not fit: {broken.message if broken else 'an operation refuses it'}")
        return
    left = f" {_left(found)}" if found.left else ""
    say(f"**{given}** gives {times(found.gives)} for {big(found.macs)} MACs.{left}")


def _left(found: Size) -> str:
    name, rest = found.left[0]
    more = f", and {plural(len(found.left) - 1, 'layer')} more do the same" if len(found.left) > 1 else ""
    return f"Layer {name} leaves {plural(rest, 'pixel')} at the end unread{more}."


def _nearest(code: Given, shape: tuple[int, ...]) -> None:
    found = nearest_at(code, shape)
    if not found:
        say("No other size that was tried fits either: what the page says above does not hang on the size.")
        return
    ways = [[one for one in found if (prod(one.shape) > prod(shape)) == over] for over in (False, True)]
    ends = [way[at] for way, at in zip(ways, (-1, 0), strict=True) if way]
    said = " and ".join(f"**{times(one.shape[1:])}**" for one in ends)
    say(f"The nearest {'size that fits is' if len(ends) == 1 else 'sizes that fit are'} {said}.")
    _table(found, shape)


def _whole(code: Given, shape: tuple[int, ...], graph: Graph) -> None:
    least = smallest_at(code, shape)
    what = "length" if len(shape) == 3 else "input"
    say(f"The smallest {what} that fits is **{times(least[1:])}**.")
    if period(graph) == 1:
        return
    found = sizes_at(code, shape)
    _table(found, shape)
    if len(found) == 1:
        flat = any(node.kind == "Linear" and len(node.shapes[0]) == 2 for node in graph.nodes)
        why = ": a linear layer behind flattened maps takes one number of features." if flat else "."
        remark(f"No other size near yours fits{why}")


def _table(found: Sequence[Size], shape: tuple[int, ...]) -> None:
    rows = [
        (
            times(one.shape[1:]) + (" (yours)" if one.shape == shape else ""),
            times(one.gives),
            one.macs,
            _left(one) if one.left else "whole maps",
        )
        for one in found
    ]
    table(("input", "output", "MACs", "left over"), rows, key="network_sizes", label="Sizes near yours")


def _covers(code: Given, shape: tuple[int, ...], graph: Graph) -> None:
    """Whether one unit sees the whole input, and what would be missing."""
    last = next((node for node in reversed(graph.nodes) if node.size), None)
    if last is None or not last.size or last.everything:
        return
    jumps = [int(jump) for jump in last.jump or () if jump is not None and jump == int(jump) and jump >= 1]
    short = [(n - r, n, r) for n, r in zip(shape[2:], last.size, strict=True)]
    missing, size, field = max(short)
    if missing <= 0:
        say(f"A unit of {last.name} sees {times(last.size)}: in the middle of the map it covers the whole input.")
    elif len(jumps) == len(last.size):
        more, small = layers_missing(field, jumps[0], size), scaled(shape, field)
        fits = f"; or an input of {times(small[2:])}" if size_at(code, small) else ""
        say(
            f"A unit of {last.name} sees {times(last.size)} of {times(shape[2:])}. To cover the input along its longer "
            f"side, {plural(more, 'more layer')} with a 3×3 kernel would do there, each adding 2·{jumps[0]} "
            f"pixels{fits}."
        )


def _tiles(code: Given, shape: tuple[int, ...], graph: Graph) -> None:
    if not convolutional(graph):
        return
    if not (found := tiles_at(code, shape)):
        return
    say(
        "**Fully convolutional**: an input that is too large for the memory may be computed tile by tile. With these "
        "overlaps, the middles that are kept are exactly what one piece gives."
    )
    rows = [(one.side, one.overlap, one.step, f"{one.work:.2f}") for one in found]
    head = ("tile", "overlap", "kept of each", "work against one piece")
    table(head, rows, key="network_tiles", label="Tiles for a fully convolutional network")
