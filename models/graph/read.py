"""A real network's operations, traced by `torch.fx` and measured one by one on the meta device."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import repeat
from typing import Any

import torch
from torch import fx, nn
from torch.fx.node import map_arg

from models.errors import GraphError, ReceptiveFieldError, first_line
from models.measure import blank, counted, on_paper, same_shape, settled
from models.parse import line_of, notes_of
from models.parse.code import layer_code
from models.parse.faults import title
from models.parse.values import tensors_in
from models.parse.walk import MAX_ACTIVATIONS, overlooked, refusal
from models.receptive_field import receptive_field, subnetwork
from models.receptive_field.field import LayerField
from models.receptive_field.trace import graph_of, is_pasted, label_of, others_of, rooted
from models.text import big, called, listed

Shape = tuple[int, ...]
Notes = tuple[str, ...]

_SAME = frozenset(["contiguous", "detach", "to", "float", "clone", "type_as"])
"""What changes neither numbers nor shape: an arrow leads past it."""


_OFF = {"inplace": (True, False), "padding": (0,), "dilation": (1,), "ceil_mode": (False,), "return_indices": (False,)}
"""Settings that torch's functions pass on where nobody has set them, and the one that changes no number."""


@dataclass(frozen=True)
class Node:
    """One operation, or a group of them that is folded (`group`).

    name: its path as `named_modules()` has it; a function call is named by its place (`layer1.0.add`), a module that is
        called again gets `_1`, `_2`, …; several inputs are named by their arguments (`input z`), several outputs by
        where the returned value holds them (`output[0]`, `output['mask']`).
    kind: torch's class or function; `input` and `output`.
    settings: the call as PyTorch writes it, what is at its default left out.
    module: path of the module that it is, or whose `forward` calls it.
    shapes: of its outputs, batch axis included; of an output node, one tensor that the network returns.
    parameters: learned numbers of its own; those that are shared count where they are used first.
    macs: as `models.measure` counts them; None where they cannot be counted.
    size, jump, start: of the receptive field in input pixels, per axis; None where there is none.
    everything: each unit sees the whole input, through a global branch.
    calls: operations in it, 1 where it is one.
    line: of the pasted text that it comes from: where a layer is made, where a function is called; 0: of no text.
    """

    name: str
    kind: str
    settings: str
    module: str
    shapes: tuple[Shape, ...]
    parameters: int = 0
    macs: int | None = 0
    size: tuple[int, ...] | None = None
    jump: tuple[int | Fraction | None, ...] | None = None
    start: tuple[int | None, ...] | None = None
    everything: bool = False
    calls: int = 1
    group: str | None = None
    line: int = 0

    @property
    def label(self) -> str:
        """What people read: the name, or `[:, 0]` as it is written of what is taken out of a tensor, which has no name
        but Python's word for it."""
        return self.settings if self.kind in ("getitem", "getattr") else self.name


@dataclass(frozen=True)
class Edge:
    """An arrow from one node to another, by their places in the list of nodes, and the shapes that it carries."""

    source: int
    target: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Broken:
    """The operation that refused its input: `node` is its place in the list of nodes, `message` one sentence, `line`
    that of the pasted text."""

    node: int
    message: str
    line: int = 0


@dataclass(frozen=True, eq=False)
class Graph:
    """A network in full.

    nodes: in the order of execution; the last ones are the outputs, one for each tensor, unless the network is broken.
    edges: from earlier nodes to later ones.
    stacks: for each node, the calls of modules that it happens in, outermost first: `layer1.0`, and `layer1.0@1` where
        that module is called again.
    classes: the class of each of those calls.
    unused: learned numbers that no operation reads (an auxiliary head in evaluation, or what lies behind a fault).
    broken: where the shapes stop fitting; nothing after it is there.
    rest: the layers that would follow, without shapes.
    notes: how the network was read, and what the fields' numbers do not tell.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    stacks: tuple[tuple[str, ...], ...] = field(repr=False)
    classes: dict[str, str] = field(repr=False)
    unused: int = 0
    broken: Broken | None = None
    rest: tuple[Node, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Of all nodes."""
        return sum(node.parameters for node in self.nodes)

    @property
    def macs(self) -> int:
        """Of all nodes that could be counted."""
        return sum(node.macs or 0 for node in self.nodes)

    @property
    def returned(self) -> tuple[Node, ...]:
        """The output nodes; none where the network is broken."""
        return tuple(node for node in self.nodes if node.kind == "output")


def read_graph(module: nn.Module, input_shape: Sequence[int], *, fields: bool = True) -> Graph:
    """The graph of a network in evaluation mode. It is neither run nor changed, and may be on the meta device.

    Args:
        module: any `nn.Module` that `torch.fx` can trace and that takes one tensor.
        input_shape: `(N, C, *spatial)`, or any other with the batch first.
        fields: follow receptive fields too.

    Raises:
        ValueError: it cannot be traced; one sentence. Where a shape does not fit, the graph ends there, `broken`.

    >>> graph = read_graph(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 32, 32))
    >>> [(node.name, node.shapes) for node in graph.nodes][1]
    ('0', ((1, 8, 30, 30),))
    """
    pasted, module = module, settled(rooted(module), input_shape)
    # A pasted network runs on paper already while it is traced.
    traced = graph_of(module, input_shape) if is_pasted(module) else None
    with on_paper(traced[0].root if traced else module) as (ghost, done):
        _, graph = traced or graph_of(ghost)
        others = others_of(ghost)
        _inputs(graph, 1 + len(others))
        reading = _Reading(ghost, graph, done)
        try:
            reading.run(blank(module, input_shape), *others)
            if traced and traced[0].misfit:  # torch refused it while it was traced, and lets it pass here
                reading.broken = Broken(len(reading.nodes) - 1, f"{traced[0].misfit}.", reading.nodes[-1].line)
        except _Stopped as stopped:
            reading.stop(stopped)
    # An input that fits where all are given it is an example that fits.
    notes = notes_of(pasted, None if reading.broken else repeat(tuple(input_shape)))
    if fields:
        found, more = _fields(module, input_shape, reading, traced)
        notes += more
        reading.see(found)
    return reading.written(notes)


def _index(value: Any) -> str:
    """`:, 0`: what stands in the brackets after a tensor."""
    if isinstance(value, tuple):
        return ", ".join(map(_index, value))
    if isinstance(value, slice):
        ends = ["" if one is None else _index(one) for one in (value.start, value.stop, value.step)]
        return ":".join(ends[: 3 if ends[2] else 2])
    text = "..." if value is ... else "…" if tensors_in(value) else repr(value)
    return text if len(text) <= 40 else "…"


def _inputs(graph: fx.Graph, given: int) -> None:
    wanted = [str(node.target) for node in graph.nodes if node.op == "placeholder" and not node.args]
    if len(wanted) != given:
        raise GraphError(f"forward() asks for {listed(wanted, 'and') or 'nothing'}; a network with one input is drawn.")


def _attention(layer: nn.Module) -> str:
    """The arguments of attention, which torch prints without any; nothing for other layers."""
    alone = isinstance(layer, nn.MultiheadAttention)
    if not alone and not isinstance(layer, nn.TransformerEncoderLayer):
        return ""
    heads = layer if alone else layer.self_attn
    found = f"{heads.embed_dim}, {heads.num_heads}"
    if not alone and layer.linear1.out_features != 2048:
        found += f", dim_feedforward={layer.linear1.out_features}"
    return found + (", batch_first=True" if heads.batch_first else "")


def _placed(value: Any, made: Any, place: str = "") -> Iterator[tuple[str, torch.Tensor, Any]]:
    """The tensors in a value, where they stand in it, and of what each is made: the part of `made` in its place."""
    if isinstance(value, torch.Tensor):
        yield place, value, made
    elif isinstance(value, (tuple, list, dict)):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _placed(one, made if isinstance(made, fx.Node) else made[key], f"{place}[{key!r}]")


def _fields(
    module: nn.Module, input_shape: Sequence[int], reading: _Reading, traced: Any
) -> tuple[dict[str, LayerField], Notes]:
    """Receptive fields by the nodes' names, as far as they can be followed, and what is to be said of them."""
    found: dict[str, LayerField] = {}
    notes: Notes = ()
    ends: list[str | None] = [None]
    if broken := reading.broken:
        before = [reading.nodes[source] for source, target in reading.edges if target == broken.node]
        ends = [node.name for node in before if node.kind != "input"]
    for end in ends:
        # Not where no image goes in, or where it is too small for the field's arithmetic.
        with suppress(ReceptiveFieldError):
            if traced or end is None:
                field_ = receptive_field(module, input_shape, layer=end, traced=traced)
            else:
                field_ = receptive_field(subnetwork(module, end), input_shape)
            found |= {layer.name: layer for layer in field_.layers}
            notes = tuple(dict.fromkeys((*notes, *field_.notes)))
    return found, notes


class _TooMuch(Exception):
    """An answer has more numbers than are followed."""


class _Stopped(Exception):
    """An operation refused its input."""

    def __init__(self, node: fx.Node, message: str) -> None:
        super().__init__(message)
        self.node, self.message = node, message


class _Reading(fx.Interpreter):
    """Runs a traced network node by node and writes down what is drawn of it."""

    def __init__(self, ghost: nn.Module, graph: fx.Graph, done) -> None:
        super().__init__(ghost, garbage_collect_values=False, graph=graph)
        self.extra_traceback = False
        self.read, self.done = graph, done
        self.parts = dict(ghost.named_modules())
        self.nodes: list[Node] = []
        self.edges: dict[tuple[int, int], tuple[Shape, ...]] = {}
        self.stacks: list[tuple[str, ...]] = []
        self.classes: dict[str, str] = {}
        self.drawn: dict[fx.Node, dict[int, tuple[Shape, ...]]] = {}
        """Of each value, the nodes that it comes from, and what comes from there."""
        self.owed: dict[fx.Node, dict[int, int]] = {}
        """Learned numbers that a value holds and that no node has counted yet."""
        self.counted: set[int] = set()
        self.spent: dict[fx.Node, dict[fx.Node, int]] = {}
        """MACs that went into a value and that no node has counted yet: what is made of constants is not drawn."""
        self.total = {id(p): p.numel() for p in ghost.parameters()}
        self.taken: dict[str, int] = {}
        self.numbers = 0
        self.broken: Broken | None = None
        self.rest: list[Node] = []

    def run_node(self, n: fx.Node) -> Any:
        before = self.done()
        try:
            value = super().run_node(n)
            self._check(n, value)
        except Exception as error:  # an operation refuses with whatever it likes
            raise _Stopped(n, self._refusal(n, error)) from error
        self._note(n, value, self.done() - before)
        return value

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        return args[0] if same_shape(target, args, kwargs) else super().call_function(target, args, kwargs)

    def _check(self, n: fx.Node, value: Any) -> None:
        """What torch refuses on a real device, or hands on without a single number in it."""
        inputs = [self.env[a] for a in n.all_input_nodes if isinstance(self.env.get(a), torch.Tensor)]
        if n.op == "call_module" and inputs and overlooked(self.parts[str(n.target)], tuple(inputs[0].shape)):
            raise ValueError
        self.numbers = max((t.numel() for t in tensors_in(value)), default=0)
        if n.op.startswith("call") and self.numbers > MAX_ACTIVATIONS:
            raise _TooMuch
        if n.op.startswith("call") and not all(t.numel() for t in tensors_in(value)) and all(t.numel() for t in inputs):
            raise ValueError("nothing is left of it")

    def _refusal(self, n: fx.Node, error: Exception) -> str:
        """What is wrong."""
        inputs = [self.env[a] for a in n.all_input_nodes if isinstance(self.env.get(a), torch.Tensor)]
        alone = n.op == "call_module" and len(inputs) == 1
        if alone and (said := refusal(self.parts[str(n.target)], str(n.target), tuple(inputs[0].shape))):
            return said
        if isinstance(error, _TooMuch):
            here = title(self.parts[str(n.target)], str(n.target)) if n.op == "call_module" else str(n.target)
            return (
                f"{here} would give {big(self.numbers)} numbers, more than are followed here; use fewer channels, a "
                "smaller input or a larger stride."
            )
        kind = getattr(n.target, "__name__", str(n.target))
        what = str(n.target) if n.op == "call_module" else called(kind)
        shapes = " and ".join("×".join(map(str, x.shape)) for x in inputs)
        if n.op != "call_module" and len({x.shape for x in inputs}) > 1 and len({x.ndim for x in inputs}) == 1:
            joined = (n.kwargs.get("dim", n.args[1] if len(n.args) > 1 else 0)) if "cat" in kind else None
            along = zip(*(x.shape for x in inputs), strict=True)
            along = [(at, dict.fromkeys(sizes)) for at, sizes in enumerate(along) if at != joined]
            sizes = [f"{listed(each, 'and')} along axis {at}" for at, each in along if len(each) > 1]
            if sizes:
                return f"{what} does not take {shapes}: {listed(sizes, 'and')}."
        axes = sorted({x.ndim for x in inputs}, reverse=True)
        if n.op != "call_module" and len(axes) == 2 and re.search("broadcast|must match|same number", str(error)):
            return f"{what} does not take {shapes}: one has {axes[0]} axes and the other {axes[1]}."
        said = first_line(error.__cause__ or error).rstrip(".")
        return f"{what} does not take {shapes or 'its input'}: {said}."

    def _note(self, n: fx.Node, value: Any, macs: int) -> None:
        shapes = tuple(tuple(t.shape) for t in tensors_in(value))
        if n.op == "get_attr":
            self.owed[n] = {id(value): value.numel()} if id(value) in self.total else {}
            return
        come, owed, spent = self._come(*n.all_input_nodes), {}, {}
        for source in n.all_input_nodes:
            owed |= self.owed.get(source, {})
            spent |= self.spent.pop(source, {})
        name, kind = label_of(n, self.parts, self.taken) if n.op.startswith("call") else (n.op, n.op)
        if n.op == "call_module":
            owed |= {id(p): p.numel() for p in self.parts[str(n.target)].parameters()}
        if n.op == "placeholder" and not shapes:
            return
        if n.op == "output":
            self._return(value, n)
            return
        of = self.env.get(next(iter(n.all_input_nodes), n))
        cost = counted(self.parts[str(n.target)], macs) if n.op == "call_module" else macs
        passes = kind in _SAME or (kind == "getitem" and not isinstance(of, torch.Tensor))
        if n.op != "placeholder" and (not come or not shapes or passes):
            # Numbers, constants, one of several outputs, or the same tensor again: nothing of its own to draw.
            self.owed[n], self.spent[n] = owed, spent | {n: cost or 0}
            if shapes:
                self.drawn[n] = dict.fromkeys(come, shapes)
            return
        fresh = {p: size for p, size in owed.items() if p not in self.counted}
        self.counted |= fresh.keys()
        cost = None if cost is None else cost + sum(spent.values())
        self._draw(
            n, Node(name, kind, self._settings(n, kind), self._place(n), shapes, sum(fresh.values()), cost), come
        )

    def _return(self, value: Any, n: fx.Node) -> None:
        """An output for each tensor that is returned."""
        if not self._come(*n.all_input_nodes):
            return
        found = list(_placed(value, n.args[0]))
        for place, tensor, source in found:
            shape = tuple(tensor.shape)
            come = self._come(source) if isinstance(source, fx.Node) else {}
            name = f"output{place}" if len(found) > 1 else self._end("output")
            self._draw(n, Node(name, "output", "", "", (shape,)), dict.fromkeys(come, (shape,)))

    def _end(self, kind: str) -> str:
        """The name of the only input or output, which no layer has."""
        return f"the {kind}" if kind in self.parts else kind

    def _come(self, *sources: fx.Node) -> dict[int, tuple[Shape, ...]]:
        """From which nodes these values come, and their shapes."""
        come: dict[int, tuple[Shape, ...]] = {}
        for source in sources:
            for at, carried in self.drawn.get(source, {}).items():
                come[at] = tuple(dict.fromkeys((*come.get(at, ()), *carried)))
        return come

    def _draw(self, n: fx.Node, node: Node, come: dict[int, tuple[Shape, ...]]) -> None:
        at = len(self.nodes)
        if n.op == "placeholder":
            several = self.read.find_nodes(op="placeholder")[1:] and not n.args
            node = Node(f"input {n.target}" if several else self._end("input"), "input", "", "", node.shapes)
        self.nodes.append(replace(node, line=self._line(n)))
        stack = n.meta.get("nn_module_stack") or {}
        self.stacks.append(tuple(stack))
        self.classes |= {call: kind.__name__ for call, (_, kind) in stack.items()}
        self.edges |= {(source, at): shapes for source, shapes in come.items()}
        self.drawn[n] = {at: node.shapes}

    def _line(self, n: fx.Node) -> int:
        return n.meta.get("line") or (line_of(self.parts[str(n.target)]) if n.op == "call_module" else 0)

    def _settings(self, n: fx.Node, kind: str) -> str:
        if n.op == "call_module":
            layer = self.parts[str(n.target)]
            try:
                text = layer_code(layer).removeprefix("nn.")
            except ValueError:
                text = f"{kind}({' '.join(layer.extra_repr().split()) or _attention(layer)})"
            return text.replace(", inplace=True", "").replace("inplace=True", "")
        if not n.op.startswith("call"):
            return kind
        if n.target is operator.getitem:
            return f"[{_index(map_arg(n.args[1], self.env.__getitem__))}]"
        if n.target is getattr:
            return f".{n.args[1]}"
        names: Sequence[str] = ()
        if n.op == "call_function":
            with suppress(RuntimeError):  # several functions of this name, which differ in their settings
                normal = n.normalized_arguments(self.module, normalize_to_only_use_kwargs=True)
                names = tuple(normal.kwargs) if normal else ()
        pieces = []
        for at, given in enumerate(n.args):
            if (text := self._constant(given)) is not None:
                pieces.append(f"{names[at]}={text}" if at < len(names) else text)
        for setting, given in n.kwargs.items():
            text = None if given in _OFF.get(setting, ()) else self._constant(given)
            pieces += [f"{setting}={text}"] if text is not None else []
        return f"{kind}({', '.join(pieces)})"

    def _constant(self, given: Any) -> str | None:
        """A setting as Python writes it; None for what holds a tensor."""
        value = map_arg(given, self.env.__getitem__)
        if value is None or tensors_in(value):
            return None
        text = repr(tuple(value) if isinstance(value, torch.Size) else value)
        return text if len(text) <= 40 else None

    def _place(self, n: fx.Node) -> str:
        stack = n.meta.get("nn_module_stack") or {}
        return next(reversed(stack.values()))[0] if stack else ""

    def stop(self, stopped: _Stopped) -> None:
        """The node at which the shapes stop fitting, as the last one."""
        n = stopped.node
        if n.op.startswith("call"):
            self._note_broken(n)
        self.broken = Broken(len(self.nodes) - 1, stopped.message, self._line(n))
        after = False
        for one in self.read.nodes:
            if after and one.op == "call_module":
                name, kind = label_of(one, self.parts, self.taken)
                settings = self._settings(one, kind)
                self.rest.append(Node(name, kind, settings, str(one.target), (), self._fresh(one), None))
            after = after or one is n

    def _fresh(self, n: fx.Node) -> int:
        """A layer's learned numbers that no node has counted yet."""
        fresh = {id(p): p.numel() for p in self.parts[str(n.target)].parameters() if id(p) not in self.counted}
        self.counted |= fresh.keys()
        return sum(fresh.values())

    def _note_broken(self, n: fx.Node) -> None:
        name, kind = label_of(n, self.parts, self.taken)
        try:
            settings = self._settings(n, kind)
        except Exception:  # torch cannot even bind the arguments
            settings = f"{kind}()"
        own = self._fresh(n) if n.op == "call_module" else 0
        self._draw(n, Node(name, kind, settings, self._place(n), (), own, None), self._come(*n.all_input_nodes))

    def see(self, fields: dict[str, LayerField]) -> None:
        """Give each node its receptive field."""
        for at, node in enumerate(self.nodes):
            found = fields.get(node.name)
            if found is not None and not found.reason and at != (self.broken.node if self.broken else None):
                self.nodes[at] = replace(
                    node, size=found.size, jump=found.jump, start=found.start, everything=found.sees_everything
                )

    def written(self, notes: Notes) -> Graph:
        edges = tuple(Edge(source, target, shapes) for (source, target), shapes in self.edges.items())
        told = sum(node.parameters for node in (*self.nodes, *self.rest))
        unused = sum(self.total.values()) - told
        return Graph(
            tuple(self.nodes), edges, tuple(self.stacks), self.classes, unused, self.broken, tuple(self.rest), notes
        )
