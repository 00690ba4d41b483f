"""A change of a network, made on a copy and tried on the meta device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import fx, nn

from models.device import private_copy
from models.graph import Edge, Graph, Node, read_graph
from models.measure import kind_of
from models.parse import Pasted, give_others
from models.parse.code import layer_code
from models.receptive_field.trace import Mend, ShapedTracer, graph_of, label_of, others_of, rooted
from models.text import spelled

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """A change that might help.

    likely: its place among the others, the smallest first.
    words: what to do, without capital and full stop.
    layers: by the path of a layer, what stands there instead, in order.
    shape: the input to give instead, batch axis included.
    mend: what is written down in place of a call of a function.
    fits: what else must hold of the network that runs.
    """

    likely: int
    words: str
    layers: Mapping[str, Sequence[nn.Module]] = field(default_factory=dict)
    shape: Shape | None = None
    mend: Mend | None = None
    fits: Callable[[Graph], bool] = lambda graph: True


@dataclass(frozen=True)
class Repair:
    """A change that was tried: the network with it runs to its end, unless `then` is not empty.

    words: what to do, without capital and full stop.
    code: what stands there instead, by the path of each layer it concerns.
    shape: the input it was tried on, batch axis included; `gives`: what the network then returns, of several outputs
        the first; `more`: the others.
    weights: learned numbers of the layers in `code`.
    parameters, macs: of the whole network.
    then: what does not fit next, where no change mends everything at once.
    network: the one with the change, for what is to be changed next.
    """

    words: str
    code: Mapping[str, str]
    shape: Shape
    gives: Shape | None
    weights: int
    parameters: int
    macs: int
    then: str = ""
    more: tuple[Shape, ...] = ()
    network: nn.Module | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Advice:
    """One thing that is wrong. `node`: its place in the graph; `why`: a sentence; `repairs`: the likelier first.

    silent: nothing refuses; the sentence says when it would, or what is lost.
    """

    node: int
    why: str
    repairs: tuple[Repair, ...]
    silent: bool = False


@dataclass(frozen=True)
class Site:
    """A node of a network, and what arrives there."""

    module: nn.Module
    shape: Shape
    graph: Graph
    at: int

    @property
    def node(self) -> Node:
        return self.graph.nodes[self.at]

    @property
    def layer(self) -> Any:
        """The layer that the node is; None where it is a call of a function."""
        return self.layer_at(self.at)

    def layer_at(self, at: int) -> Any:
        node = self.graph.nodes[at]
        try:
            layer = self.module.get_submodule(node.module) if node.module else None
        except AttributeError:
            return None
        return layer if layer is not None and kind_of(layer) == node.kind else None

    def named(self, at: int) -> str:
        """`layer 3 (Linear)`; a call as the text spells it."""
        node = self.graph.nodes[at]
        return f"layer {node.name} ({node.kind})" if self.layer_at(at) is not None else spelled(node.kind)

    @cached_property
    def _into(self) -> dict[int, list[Edge]]:
        found: dict[int, list[Edge]] = {}
        for edge in self.graph.edges:
            found.setdefault(edge.target, []).append(edge)
        return found

    def arriving(self, at: int) -> tuple[Shape, ...]:
        """The shapes that come in."""
        return tuple(shape for edge in self._into.get(at, ()) for shape in edge.shapes)

    @property
    def got(self) -> Shape:
        """The shape that comes in; of several the first."""
        return next(iter(self.arriving(self.at)), ())

    def before(self) -> list[int]:
        """The nodes that what arrives has come through, the last first, up to where several meet."""
        found, at = [], self.at
        while len(into := self._into.get(at, ())) == 1 and into[0].source:
            found.append(at := into[0].source)
        return found

    @property
    def at_input(self) -> bool:
        """Whether what arrives is the network's input, in its own shape."""
        shapes = {self.graph.nodes[at].shapes for at in self.before()}
        return self.got == self.shape and shapes <= {(self.shape,)}

    @cached_property
    def call(self) -> tuple[ShapedTracer, fx.Node] | None:
        """The call of a function that the node is, with the shapes that reach it, and what traced it."""
        found: list[tuple[ShapedTracer, fx.Node]] = []
        with suppress(ValueError):
            graph_of(self.module, self.shape, mending(self.node, lambda *here: found.append(here), alone=True))
        return found[0] if found else None


def mending(call: Node, change: Mend, alone: bool = False) -> Mend:
    """A change of a call, and unless it is to be changed alone of those of its kind which the same line of pasted text
    makes."""
    taken: dict[str, int] = {}
    parts: dict[str, nn.Module] = {}

    def mend(tracer: ShapedTracer, node: fx.Node) -> fx.Proxy | None:
        if not parts:
            parts.update(tracer.root.named_modules())
        name, kind = label_of(node, parts, taken)
        alike = not alone and kind == call.kind and 0 < call.line == node.meta["line"]
        here = node.op != "call_module" and (name == call.name or alike)
        return change(tracer, node) if here else None

    return mend


class _Rewritten(nn.Module):
    """A network whose forward is a graph, which is interpreted: no code is written for it."""

    def __init__(self, root: nn.Module, graph: fx.Graph) -> None:
        super().__init__()
        self.__dict__.update(root.__dict__)
        self.rewritten: fx.Graph
        self.fed: list[torch.Tensor]
        self.__dict__ |= {"rewritten": graph, "fed": others_of(root)}

    def forward(self, x: torch.Tensor) -> Any:
        return fx.Interpreter(self, graph=self.rewritten).run(x, *self.fed)


def with_change(module: nn.Module, candidate: Candidate, shape: Shape) -> nn.Module:
    """A copy of the network with the change; weights are shared, and the network is left alone."""
    copy: nn.Module = private_copy(module)
    everywhere = list(copy.named_modules(remove_duplicate=False))
    for path, layers in candidate.layers.items():
        old = copy.get_submodule(path)
        new = layers[0] if len(layers) == 1 else nn.Sequential(*layers)
        for place, layer in everywhere:
            if layer is old:
                copy.set_submodule(place, new)
    if not candidate.mend:
        return copy
    tracer, graph = graph_of(copy, shape, candidate.mend)
    if tracer.misfit:
        graph.output(next(reversed(graph.nodes)))
    return _Rewritten(tracer.root, graph)


def with_examples(module: nn.Module, now: int, wanted: int) -> nn.Module:
    """The network whose further inputs hold another number of examples too: a copy, weights are shared. An input whose
    first axis is not the batch stays as it is."""
    if now == wanted or not isinstance(module, Pasted) or not module._others:
        return module
    copy: nn.Module = private_copy(module)
    others = [(wanted, *one[1:]) if one[:1] == (now,) else one for one in module._others]
    give_others(copy, others, module._parts)
    return copy


def _changed(site: Site, candidate: Candidate, shape: Shape) -> nn.Module:
    """The network with the candidate, for an input of this shape and as many examples of the others."""
    return with_change(with_examples(site.module, site.shape[0], shape[0]), candidate, shape)


def read(module: nn.Module, shape: Sequence[int]) -> Graph | None:
    """Its graph without fields; None where it cannot be read for this shape."""
    try:
        return read_graph(module, shape, fields=False)
    except ValueError:
        return None


def _code(layer: nn.Module) -> str:
    try:
        return layer_code(layer)
    except ValueError:
        return repr(layer)


def tried(site: Site, candidate: Candidate) -> Repair | None:
    """The candidate as a repair; None if the network with it stops at the same place, or earlier."""
    shape = candidate.shape or site.shape
    try:
        network = _changed(site, candidate, shape)
        graph = read_graph(network, shape, fields=False)
    except Exception:  # torch refuses a change with whatever it likes
        return None
    then = ""
    if not graph.broken and shape[1:] != site.shape[1:] and _by_accident(site, candidate, shape):
        return None
    if graph.broken:
        name = graph.nodes[graph.broken.node].name
        inside = any(name == path or name.startswith(f"{path}.") for path in candidate.layers)
        if inside or graph.broken.node <= site.at:
            return None
        then = graph.broken.message
    elif graph.nodes[-1].kind != "output" or not candidate.fits(graph):
        return None
    made = {id(p): p.numel() for layers in candidate.layers.values() for one in layers for p in one.parameters()}
    code = {path: ", ".join(map(_code, layers)) for path, layers in candidate.layers.items()}
    gives, more = None, []
    if not then:
        gives, *more = (node.shapes[0] for node in graph.returned)
    weights = sum(made.values())
    return Repair(
        candidate.words, code, shape, gives, weights, graph.parameters, graph.macs, then, tuple(more), network
    )


_ELEMENTWISE = frozenset(
    ["add", "add_", "iadd", "sub", "sub_", "isub", "mul", "mul_", "imul", "div", "div_", "truediv"]
)


def _by_accident(site: Site, candidate: Candidate, shape: Shape) -> bool:
    """Whether another input fits only because rows of numbers, `(N, C)`, happen to be as long as the maps `(N, C, H,
    W)` are wide that they meet: with two or three examples they do not fit."""
    for count in (2, 3):
        batch = (count * shape[0], *shape[1:])
        try:
            graph = read(_changed(site, candidate, batch), batch)
        except Exception:  # torch refuses a change with whatever it likes
            return False
        if not graph or not graph.broken:
            continue
        at = graph.broken.node
        ranks = {len(one) for edge in graph.edges if edge.target == at for one in edge.shapes}
        if graph.nodes[at].kind in _ELEMENTWISE and len(ranks) > 1:
            return True
    return False


def _same(one: Repair, other: Repair) -> bool:
    """Whether two repairs are one change in other words."""
    told = [(r.code or r.words, r.shape, r.gives, r.more, r.parameters, r.macs) for r in (one, other)]
    return told[0] == told[1]


MOST = 4
"""Repairs that are offered."""


def offered(site: Site, candidates: Sequence[Candidate]) -> tuple[Repair, ...]:
    """The likelier first: those that make the network run; where none does, those after which it gets further."""
    found: list[Repair] = []
    for candidate in sorted(candidates, key=lambda one: one.likely):
        repair = tried(site, candidate)
        if repair and not any(_same(repair, one) for one in found):
            found.append(repair)
        if sum(not one.then for one in found) == MOST:
            break
    whole = [one for one in found if not one.then]
    return tuple((whole or found)[:MOST])


def site_of(module: nn.Module, shape: Sequence[int], graph: Graph, at: int) -> Site:
    """A node of a network that `read_graph` has read."""
    return Site(rooted(module), tuple(shape), graph, at)


def on_meta(make: Callable[[], Sequence[nn.Module]]) -> list[nn.Module] | None:
    """New layers without memory; None where torch does not build them."""
    try:
        with torch.device("meta"):
            return list(make())
    except Exception:  # constructors refuse with whatever they like
        return None
