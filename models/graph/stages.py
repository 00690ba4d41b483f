"""Where a network's parameters and its work are: summed over operations whose maps have one size."""

from __future__ import annotations

from dataclasses import dataclass

from models.graph.read import Graph, Node
from models.text import times

ONE = "1 × 1"
"""The stage of what answers with one place: dense layers, gates, and what comes after global pooling."""


@dataclass(frozen=True)
class Stage:
    """Operations that answer with maps of one size.

    name: that size, `56 × 56`, or `ONE`.
    macs: of those that could be counted.
    """

    name: str
    parameters: int
    macs: int
    operations: int


def _size(node: Node) -> str:
    """Height and width; of an operation with its channels last, those of the maps around it are the same numbers."""
    shape = node.shapes[0]
    if len(shape) != 4:
        return ONE
    # Channels come first in torch's maps; a layer between two permutations has them last, and maps are square here.
    spatial = shape[2:] if shape[2] == shape[3] else shape[1:3]
    return ONE if set(spatial) == {1} else times(spatial)


def stages(graph: Graph) -> tuple[Stage, ...]:
    """In the order in which the sizes first occur, `ONE` last. Sums are those of the graph.

    For networks that take one square picture.
    """
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.kind not in ("input", "output") and node.shapes:
            found.setdefault(_size(node), []).append(node)
    if ONE in found:
        found[ONE] = found.pop(ONE)
    return tuple(
        Stage(name, sum(n.parameters for n in nodes), sum(n.macs or 0 for n in nodes), len(nodes))
        for name, nodes in found.items()
    )
