"""What is drawn of a graph while some of its groups are open."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from models.graph.groups import Group, groups_of
from models.graph.read import Edge, Graph, Node
from models.text import big


@dataclass(frozen=True)
class Frame:
    """An open group: drawn around its nodes. `parent`: the frame around it."""

    name: str
    kind: str
    parent: str | None


@dataclass(frozen=True)
class Drawing:
    """Nodes and arrows as they are drawn.

    nodes: a folded group is one node with the sum of its parameters and MACs, and the field of its last operation.
    frames: the open groups, outer ones first; `framed`: for each node, the innermost frame that it stands in.
    broken: place of the node where the shapes stop fitting, or None; `message` says why.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    frames: tuple[Frame, ...]
    framed: tuple[str | None, ...]
    broken: int | None = None
    message: str = ""


def title(group: Group) -> str:
    """`Bottleneck`, `3 × Bottleneck`, `32 × Conv2d → ReLU, side by side`."""
    if group.count == 1:
        return group.kind
    return f"{big(group.count)} × {group.kind}" + ", side by side" * group.parallel


def fold(graph: Graph, opened: Collection[str] = ()) -> Drawing:
    """What is drawn while the groups of these names are open; names that no visible group has change nothing.

    All parameters and MACs stay: a folded group holds the sum of what is in it.
    """
    nodes: list[Node] = []
    frames: list[Frame] = []
    framed: list[str | None] = []
    place: dict[int, int] = {}

    def draw(items: tuple[Group | int, ...], frame: str | None) -> None:
        for item in items:
            if isinstance(item, Group) and item.name in opened:
                frames.append(Frame(item.name, title(item), frame))
                draw(item.inside, item.name)
                continue
            inside = range(item.first, item.last + 1) if isinstance(item, Group) else (item,)
            place.update(dict.fromkeys(inside, len(nodes)))
            nodes.append(_folded(graph, item) if isinstance(item, Group) else graph.nodes[item])
            framed.append(frame)

    draw(groups_of(graph), None)
    arrows: dict[tuple[int, int], tuple] = {}
    for edge in graph.edges:
        ends = place[edge.source], place[edge.target]
        if ends[0] != ends[1]:
            arrows[ends] = tuple(dict.fromkeys((*arrows.get(ends, ()), *edge.shapes)))
    edges = tuple(Edge(source, target, shapes) for (source, target), shapes in arrows.items())
    broken = graph.broken
    return Drawing(
        tuple(nodes),
        edges,
        tuple(frames),
        tuple(framed),
        place[broken.node] if broken else None,
        broken.message if broken else "",
    )


def drawn_as(graph: Graph, name: str, opened: Collection[str] = ()) -> str | None:
    """The node that stands for an operation while these groups are open: itself, or the folded group around it. None:
    there is no such operation."""
    at = next((i for i, node in enumerate(graph.nodes) if node.name == name), None)
    if at is None:
        return None
    level = groups_of(graph)
    while group := next((one for one in level if isinstance(one, Group) and one.first <= at <= one.last), None):
        if group.name not in opened:
            return group.name
        level = group.inside
    return name


def _folded(graph: Graph, group: Group) -> Node:
    inside = graph.nodes[group.first : group.last + 1]
    macs = [node.macs for node in inside]
    last = inside[-1]
    return Node(
        group.name,
        title(group),
        title(group),
        group.name,
        last.shapes,
        sum(node.parameters for node in inside),
        None if None in macs else sum(filter(None, macs)),
        last.size,
        last.jump,
        last.start,
        last.everything,
        len(inside),
        group.name,
        inside[0].line,
    )


def opened_at_first(graph: Graph, most: int = 40) -> frozenset[str]:
    """Groups that are open before anybody has clicked: modules, level by level, while at most so many nodes are drawn.

    What is repeated stays folded, and all is open around the node that does not fit.
    """
    groups = [group for item in groups_of(graph) if isinstance(item, Group) for group in item.all()]
    at = graph.broken.node if graph.broken else None
    opened = frozenset(group.name for group in groups if at is not None and group.first <= at <= group.last)
    level = list(groups_of(graph))
    while level := [group for group in level if isinstance(group, Group)]:
        more = opened | {group.name for group in level if group.count == 1}
        if more == opened or len(fold(graph, more).nodes) > most:
            break
        opened = more
        level = [one for group in level if group.name in opened for one in group.inside]
    return opened


def first_of(graph: Graph, name: str) -> int | None:
    """Place of the node of that name, or of the first one in the group of that name; None where there is neither."""
    groups = [group for item in groups_of(graph) if isinstance(item, Group) for group in item.all()]
    known = {group.name: group.first for group in groups} | {node.name: at for at, node in enumerate(graph.nodes)}
    return known.get(name)


def names_of(graph: Graph) -> Iterator[str]:
    """All groups' names."""
    for item in groups_of(graph):
        if isinstance(item, Group):
            yield from (group.name for group in item.all())
