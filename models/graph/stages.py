"""Where a network's parameters and its work are: summed over operations whose maps have one size."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from models.graph.read import Graph, Node, Shape
from models.text import times

ONE = "1 × 1"
"""The stage of what answers with one place: dense layers, gates, and what comes after global pooling."""


@dataclass(frozen=True)
class Stage:
    """Operations that answer with maps of one size.

    name: that size, `56 × 56`, or `ONE`.
    macs: of those that could be counted.
    shape: what the last of them returns, batch axis included.
    field: of a unit of the last of them that has one, per axis; None where none has, and where that is the whole input.
    everything: it is the whole input, through a global branch.
    """

    name: str
    parameters: int
    macs: int
    operations: int
    shape: Shape
    field: tuple[int, ...] | None
    everything: bool


def _size(node: Node, image: Shape) -> str:
    """Height and width; of an operation with its channels last, those of the maps around it are the same numbers."""
    shape = node.shapes[0]
    if len(shape) != len(image) or len(shape) < 3:
        return ONE
    # Channels come first in torch's maps; a layer between two permutations has them last, and maps of a square picture
    # are square.
    square = len(shape) != 4 or image[2] != image[3] or shape[2] == shape[3]
    spatial = shape[2:] if square else shape[1:3]
    return ONE if set(spatial) == {1} else times(spatial)


def stages(graph: Graph) -> tuple[Stage, ...]:
    """In the order in which the sizes first occur, `ONE` last. Sums are those of the graph, without a layer that does
    not fit."""
    image = next((node.shapes[0] for node in graph.nodes if node.kind == "input"), ())
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.kind not in ("input", "output") and node.shapes:
            found.setdefault(_size(node, image), []).append(node)
    if ONE in found:
        found[ONE] = found.pop(ONE)
    return tuple(_stage(name, nodes) for name, nodes in found.items())


def _stage(name: str, nodes: list[Node]) -> Stage:
    parameters, macs = sum(n.parameters for n in nodes), sum(n.macs or 0 for n in nodes)
    seen = next((n for n in reversed(nodes) if n.size or n.everything), nodes[-1])
    field = None if seen.everything else seen.size
    return Stage(name, parameters, macs, len(nodes), nodes[-1].shapes[0], field, seen.everything)


def side_by_side(one: Graph, other: Graph) -> list[tuple[Stage | None, Stage | None]]:
    """The stages of two networks: those on maps of one size beside each other, and between them, where sizes differ,
    the first beside the first and so on; None where one network has fewer."""
    first, second = stages(one), stages(other)
    names = [[stage.name for stage in each] for each in (first, second)]
    alike = SequenceMatcher(None, *names, autojunk=False)
    return [
        pair
        for _, from_one, to_one, from_other, to_other in alike.get_opcodes()
        for pair in zip_longest(first[from_one:to_one], second[from_other:to_other])
    ]
