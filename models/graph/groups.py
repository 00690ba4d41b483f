"""What can be folded away in a graph: calls of modules, and rows of equal ones.

Each group is a stretch of nodes that follow each other in execution. No arrow leads from such a stretch out and back
into it, so a folded group never stands in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cachetools.func import lru_cache

from models.graph.read import Edge, Graph

LONGEST = 8
"""Operations or modules that are looked at together for being repeated."""

_TRAINING = ("Dropout", "dropout", "stochastic_depth")


@dataclass(frozen=True)
class Group:
    """Nodes `first` to `last` of a graph.

    name: of the call of the module, `layer1.0`; of a repetition from the first to the last, `layer1.1…layer1.2`.
    kind: the class of the module, or of what is repeated.
    count: 1, or how many equal ones there are.
    parallel: they stand side by side, all on the same input; else one follows the other.
    inside: groups and nodes in it, in order.
    """

    name: str
    kind: str
    first: int
    last: int
    count: int
    parallel: bool
    inside: tuple[Group | int, ...]

    def all(self) -> Iterator[Group]:
        """Itself and all groups in it."""
        yield self
        for one in self.inside:
            if isinstance(one, Group):
                yield from one.all()


@lru_cache(64)
def groups_of(graph: Graph) -> tuple[Group | int, ...]:
    """The outermost groups and nodes, in order."""
    folder = _Folder(graph)
    return folder.rows(folder.calls(0, len(graph.nodes), 0))


def _first(item: Group | int) -> int:
    return item if isinstance(item, int) else item.first


def _last(item: Group | int) -> int:
    return item if isinstance(item, int) else item.last


class _Folder:
    """Finds the groups of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.nodes, self.stacks, self.classes = graph.nodes, graph.stacks, graph.classes
        self.into: dict[int, list[Edge]] = {}
        for edge in graph.edges:
            self.into.setdefault(edge.target, []).append(edge)

    def calls(self, first: int, end: int, depth: int) -> list[Group | int]:
        """Modules that are called at this depth, as groups of what they call; one of a single operation is that."""
        found: list[Group | int] = []
        at = first
        while at < end:
            call = next(iter(self.stacks[at][depth:]), None)
            stop = at + 1
            while call and stop < end and self.stacks[stop][depth : depth + 1] == (call,):
                stop += 1
            if call is None or stop - at == 1:
                found += range(at, stop)
            elif depth and (at, stop) == (first, end):  # the module around it does nothing else
                return self.calls(at, stop, depth + 1)
            else:
                inside = self.rows(self.calls(at, stop, depth + 1))
                found.append(Group(call, self.classes[call], at, stop - 1, 1, False, inside))
            at = stop
        return found

    def rows(self, items: list[Group | int]) -> tuple[Group | int, ...]:
        """Items of one level, equal ones in a row as a group."""
        found: list[Group | int] = []
        at = 0
        while at < len(items):
            count, period, parallel = self._repeated(items, at)
            row = tuple(items[at : at + count * period])
            found.append(items[at] if count == 1 else self._row(row, count, period, parallel))
            at += len(row)
        return tuple(found)

    def _row(self, row: tuple[Group | int, ...], count: int, period: int, parallel: bool) -> Group:
        kinds = [one.kind if isinstance(one, Group) else self.nodes[one].kind for one in row[:period]]
        names = [one.name if isinstance(one, Group) else self.nodes[one].name for one in (row[0], row[-1])]
        return Group("…".join(names), " → ".join(kinds), _first(row[0]), _last(row[-1]), count, parallel, row)

    def _repeated(self, items: list[Group | int], at: int) -> tuple[int, int, bool]:
        """How often what begins at an item stands there, how many items that is, and whether side by side."""
        best, most = (1, 1, False), 2  # two single operations are read as fast as a row of two
        for period in range(1, min(LONGEST, (len(items) - at) // 2) + 1):
            # A convolution and its activation, not an activation and the next convolution.
            if not self._learns(items[at]) and any(map(self._learns, items[at : at + period])):
                continue
            first, count, parallel = self._span(items, at, period), 1, True
            while at + (count + 1) * period <= len(items):
                other = self._span(items, at + count * period, period)
                if not self._equal(first, other):
                    break
                parallel = parallel and not self._reads(other, self._span(items, at, count * period))
                count += 1
            nodes = _last(items[at + count * period - 1]) - first.start + 1
            if count > 1 and nodes > most:
                best, most = (count, period, parallel), nodes
        return best

    def _learns(self, item: Group | int) -> bool:
        return any(self.nodes[at].parameters for at in range(_first(item), _last(item) + 1))

    def _span(self, items: list[Group | int], at: int, length: int) -> range:
        return range(_first(items[at]), _last(items[at + length - 1]) + 1)

    def _reads(self, one: range, other: range) -> bool:
        """Whether one stretch takes anything from another."""
        return any(edge.source in other for at in one for edge in self.into.get(at, ()))

    def _equal(self, one: range, other: range) -> bool:
        """Whether two stretches do the same, each to the same place: counted from its own beginning, so that one may
        follow the other, or from the beginning of the network, so that both may take the same."""
        if len(one) != len(other):
            return False
        for here, there in zip(one, other, strict=True):
            if self._form(here) != self._form(there):
                return False
            for a, b in zip(self.into.get(here, ()), self.into.get(there, ()), strict=True):
                outside = a.source < one.start and b.source < other.start
                if a.source - one.start != b.source - other.start and not (outside and a.source == b.source):
                    return False
        return True

    def _form(self, at: int) -> tuple:
        node = self.nodes[at]
        # What only training does differs from block to block, and does nothing here.
        settings = "" if node.kind.startswith(_TRAINING) else node.settings
        if node.kind == "output":  # each of several is drawn by itself
            settings = node.name
        return node.kind, settings, node.shapes, node.parameters, [edge.shapes for edge in self.into.get(at, ())]
