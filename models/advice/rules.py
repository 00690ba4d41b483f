"""The tables of what goes wrong in networks: one entry for each kind of fault.

A rule of `FAULTS` looks at the operation that refused its input, one of `SILENT` at a network that runs and still does
not do what was meant. Each gives changes that might help, with their likelihood; `models.advice.trial` tries them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from models.advice.inputs import USUAL, latent, likely_inputs
from models.advice.meeting import axes_back, joined_along, kept_size, met, replaced, undone
from models.advice.sizes import NetworkAtSizes, scaled
from models.advice.trial import (
    Advice,
    Candidate,
    Repair,
    Shape,
    ShapedTracer,
    Site,
    mending,
    offered,
    on_meta,
    read,
    site_of,
    with_examples,
)
from models.device import private_copy
from models.graph import Graph, read_graph
from models.measure import blank, kind_of, settled
from models.operator import per_axis
from models.parse import Pasted, give_others, guess_of, inputs_told
from models.parse.faults import by, changed, fault_of
from models.parse.walk import MAX_ACTIVATIONS
from models.text import big, called, plural, sentence

COSTLY = 50_000_000
"""Weights of a layer beyond which another repair is likelier."""


_UNTOLD = {
    "printed": "In the order in which they are printed the layers do not fit: {} A printout does not say how forward "
    "uses its layers (one of them twice, a branch, a view): paste the class itself.",
    "written": "In the order in which they are written the layers do not fit: {} Without forward nothing says how they "
    "are used (a pooling, a view, one of them twice): paste forward too.",
}


def advise(module: nn.Module, input_shape: Sequence[int], graph: Graph | None = None) -> tuple[Advice, ...]:
    """What is wrong with a network, the operation that refuses its input first, then what is wrong silently.

    Args:
        module: any network that `read_graph` takes; it is neither run nor changed, and may be on the meta device.
        input_shape: `(N, C, *spatial)`, or any other with the batch first.
        graph: what `read_graph` found, if it is there already.

    Raises:
        ValueError: the network cannot be traced.
    """
    shape = tuple(input_shape)
    graph, module = graph or read_graph(module, shape, fields=False), settled(module, shape)
    if guess := guess_of(module):
        broken = graph.broken
        return (Advice(broken.node, _UNTOLD[guess].format(broken.message), ()),) if broken else ()
    if graph.broken:
        if told := _same_for_all(module, shape):
            return (Advice(graph.broken.node, f"{graph.broken.message} {sentence(told)}", ()),)
        repairs = _repairs(module, shape, graph)
        whole = [one for one in (_onward(repair) for repair in repairs[:2] if repair.then) if not one.then]
        return (Advice(graph.broken.node, graph.broken.message, tuple(whole) or repairs),)
    found = []
    for rule in SILENT:
        for at, why, candidates in rule(site_of(module, shape, graph, len(graph.nodes) - 1)):
            repairs = offered(site_of(module, shape, graph, at), candidates)
            # The network runs already: a change after which it does not is none.
            found.append(Advice(at, why, tuple(one for one in repairs if not one.then), silent=True))
    return tuple(found)


def _same_for_all(module: nn.Module, shape: Shape) -> str:
    """Of a network of several inputs that were all given this one: what to say where a later one has reached what does
    not fit, for then its shape is likelier wrong than any layer. Nothing elsewhere."""
    if not isinstance(module, Pasted) or module._others:
        return ""
    asked = module.inputs()
    if (count := sum(max(1, part) for part in asked.values())) < 2:
        return ""
    copy = private_copy(module, torch.device("meta"))
    give_others(copy, [shape] * (count - 1))
    graph = read(copy, shape)
    if not graph or not graph.broken:
        return ""
    reached = {graph.broken.node}
    for edge in sorted(graph.edges, key=lambda one: -one.target):
        reached |= {edge.source} if edge.target in reached else set()
    inputs = [at for at, node in enumerate(graph.nodes) if node.kind == "input"]
    if not reached & set(inputs[1:]):
        return ""
    # What the first layers take is an example, if it fits.
    layers = dict(copy.named_modules())
    first = {one.source: layers.get(graph.nodes[one.target].name) for one in reversed(graph.edges)}
    others = [next(likely_inputs("", layer, shape), shape) if (layer := first.get(at)) else shape for at in inputs[1:]]
    give_others(copy, others)
    fits = (tried := read(copy, shape)) and not tried.broken
    return inputs_told(module, [shape, *others] if fits else None)


def _repairs(module: nn.Module, shape: Shape, graph: Graph) -> tuple[Repair, ...]:
    """Changes for the operation that refuses, tried."""
    site = site_of(module, shape, graph, graph.broken.node if graph.broken else 0)
    if fixed := list(_fixed_batch(site)):
        return offered(site, fixed)
    sized = offered(site, [*_without_a_size(site)])
    if sized and not sized[0].then:
        return sized
    wanted = [c for pattern, rule in FAULTS if re.fullmatch(pattern, site.node.kind) for c in rule(site)]
    return offered(site, wanted)


FARTHEST = 3
"""Changes that are made one after the other."""


def _onward(repair: Repair) -> Repair:
    """A change with those that what does not fit next asks for, as far as they lead to the end."""
    for _ in range(FARTHEST - 1):
        network = repair.network
        graph = read(network, repair.shape) if repair.then and network is not None else None
        if network is None or not graph or not graph.broken:
            return repair
        if not (more := _repairs(network, repair.shape, graph)):
            return repair
        where = graph.nodes[graph.broken.node]
        told = more[0].words + (f" in layer {where.name} ({where.kind})" if more[0].words.startswith("set ") else "")
        told = more[0].words if re.search(" layers? ", more[0].words) else told
        # A later step that sets the same in these layers too says it for both.
        again = repair.code.keys() <= more[0].code.keys() and told.startswith("set output_padding to")
        again = again and repair.words.startswith("set output_padding to")
        words = told if again else f"{repair.words}; then {told}"
        code, weights = {**repair.code, **more[0].code}, repair.weights + more[0].weights
        repair = replace(more[0], words=words, code=code, weights=weights)
    return repair


# --- faults ----------------------------------------------------------------------------------------------------------


def _fixed_batch(site: Site) -> Iterator[Candidate]:
    """`x.view(4, -1)`: the network runs with the batch size that is written there. Any other change would break it."""
    for at, node in enumerate(site.graph.nodes):
        count = node.shapes[0][0] if node.kind in ("view", "reshape") and node.shapes and node.shapes[0] else 0
        if count in (0, 1, site.shape[0]):
            continue
        shape = (count, *site.shape[1:])
        graph = read(with_examples(site.module, site.shape[0], count), shape)
        if graph and not graph.broken and _out(graph)[:1] == graph.nodes[at].shapes[0][:1] == (count,):
            words = f"{count} is written into {node.kind}({count}, …) as the batch size: give {by(shape)}"
            yield Candidate(0, words, shape=shape)
            yield _flat_each(site_of(site.module, site.shape, site.graph, at))
            return


def _without_a_size(site: Site) -> Iterator[Candidate]:
    """`1x32x32` for `Conv3d`, which takes it for one example without a batch axis, and something refuses later."""
    first = site_of(site.module, site.shape, site.graph, 1)
    if first.layer is None or _axes(first.layer) != len(site.shape) - 1:
        return
    if site.at > 1 and first.at_input and kind_of(first.layer).startswith("Conv"):
        yield from _other_input(first)


def _itself(site: Site) -> Iterator[Candidate]:
    """Other settings of the layer that refuses, from the table of layers."""
    fault = fault_of(site.layer, site.got) if site.layer is not None else None
    for at, fix in enumerate(fault.fixes if fault else ()):
        if layers := fix.layers():
            costly = sum(p.numel() for one in layers for p in one.parameters()) > COSTLY
            yield Candidate(60 + at if costly else 20 + at, fix.words, {site.node.module: layers})


def _wanted(layer: Any, got: Shape) -> int | None:
    """How many channels or features a layer wants; of what divides them, the nearest number that it can."""
    if (one := next((getattr(layer, name) for name in _IN if hasattr(layer, name)), None)) is not None:
        return one
    if isinstance(layer, nn.Unflatten):
        return abs(math.prod(layer.unflattened_size)) if layer.dim in (1, -1) else None
    parts = {
        nn.PixelShuffle: lambda: layer.upscale_factor**2,
        nn.ChannelShuffle: lambda: layer.groups,
        nn.GLU: lambda: 2,
    }
    if type(layer) not in parts or len(got) < 2:
        return None
    part = parts[type(layer)]()
    return max(1, round(got[1] / part)) * part


def _axes(layer: nn.Module) -> int | None:
    """2 for `Conv2d`; None for a layer that takes any number of them."""
    kind = kind_of(layer)
    return int(kind[-2]) if re.search(r"\dd$", kind) else None


_IN = ("in_channels", "num_features", "num_channels", "in_features")


def _other_input(site: Site) -> Iterator[Candidate]:
    """The layer that refuses is the first: the axes of the input are swapped, or one is missing or too many."""
    layer, shape, rank = site.layer, site.shape, len(site.shape)
    if layer is None or not site.at_input:
        return
    wanted, last = _wanted(layer, site.got), isinstance(layer, nn.Linear)
    axes = _axes(layer)
    if (vector := latent(layer)) and vector[1] != shape[1]:
        yield Candidate(19, f"give it a latent vector, {by(vector[1:])}", shape=(shape[0], *vector[1:]))
    if last and rank > 2 and wanted and math.prod(shape[1:]) != wanted:
        row = f"give each example as a row of {plural(wanted, 'number')}"
        yield Candidate(45, row, shape=(shape[0], wanted))
    axis = rank - 1 if last else 1
    for at in range(1, rank if axes in (None, rank - 2) else 0):
        if at != axis and shape[at] == wanted and shape[axis] != wanted:
            order = [n for n in range(rank) if n != at]
            order.insert(axis, at)
            call = "transpose(1, 2)" if rank == 3 else f"permute({', '.join(map(str, order))})"
            turned = tuple(shape[n] for n in order)
            what = "features last" if last else "channels first"
            words = f"the axes are swapped: give {what}, {by(turned[1:])} instead of {by(shape[1:])}, with x.{call}"
            yield Candidate(0, words, shape=turned)
            return
    if axes is None and not last and wanted not in (None, shape[1]):
        yield from _other_channels(shape, wanted)
    if axes is None:
        return
    if rank == axes + 1 and wanted in (1, None):
        turned = (shape[0], 1, *shape[1:])
        yield Candidate(1, f"the channel axis is missing: give {by(turned[1:])}, with x.unsqueeze(1)", shape=turned)
    if rank == axes + 3 and shape[1] == 1:
        words = f"the batch axis stands there twice: leave the first 1 out, {by(shape[2:])} for each example"
        yield Candidate(0, words, shape=(shape[0], *shape[2:]))
    if rank == axes + 2 and wanted not in (None, shape[1]):
        yield from _other_channels(shape, wanted)
    elif rank != axes + 2:
        short = rank < axes + 2 and wanted == shape[1]
        sizes = shape[2:] if short and rank > 2 else shape[1:][-axes:]
        turned = (shape[0], wanted or 1, *(sizes[0],) * (axes - len(sizes)), *sizes)
        names = " × ".join(("channels", *{1: ("length",)}.get(axes, ("depth", "height", "width")[-axes:])))
        told = "a size is missing: write" if short else "give"
        yield Candidate(0 if short else 45, f"{told} {names}, such as {by(turned[1:])}", shape=turned)
        if axes != 2 and (usual := usual_size(site.module, (shape[0], wanted or 1), axes)):
            yield Candidate(46, f"give {names}, such as {by(usual[1:])}", shape=usual)


def _other_channels(shape: Shape, wanted: int) -> Iterator[Candidate]:
    got, turned = shape[1], (shape[0], wanted, *shape[2:])
    one = by(turned[1:])
    if wanted == 1 and got > 4:
        words = f"the batch arrived as channels: {got} examples of {one} each, with x.unsqueeze(1)"
        yield Candidate(0, words, shape=turned)
    elif wanted == 1:
        words = f"give one channel, {one}: for pictures in grey, with x.mean(1, keepdim=True)"
        yield Candidate(25, words, shape=turned)
    elif (got, wanted) == (4, 3):
        yield Candidate(0, f"drop the fourth channel, transparency: give {one}, with x[:, :3]", shape=turned)
    elif got == 1:
        sizes = ", ".join(map(str, (-1, wanted, *(-1,) * (len(shape) - 2))))
        words = f"repeat the one channel: give {one}, with x.expand({sizes})"
        yield Candidate(25, words, shape=turned)
    else:
        yield Candidate(40, f"give an input of {wanted} channels: {one}", shape=turned)


def _maps(site: Site) -> tuple[int, Shape] | None:
    """Of a layer whose input was flattened: the node that flattened it, and the maps `(N, C, *spatial)` before."""
    for at in site.before():
        before, node = next(iter(site.arriving(at)), ()), site.graph.nodes[at]
        if len(before) > 2 and len(node.shapes[0]) == 2:
            # One step of a sequence, chosen by an index, and the hidden units of a recurrent layer are no maps.
            kinds = (site.graph.nodes[one].kind for one in site.before() if one < at)
            made = next((kind for kind in kinds if re.search(_MAPS, kind) or re.fullmatch(_SEQUENCES, kind)), "Conv")
            return (at, before) if re.search(_MAPS, made) and node.kind != "getitem" else None
    return None


_MAPS, _SEQUENCES = r"(?i)conv|pool|pad\dd|upsampl|interpolate", r"GRU|LSTM|RNN|Embedding|Multihead\w+|Transformer\w+"
"""Kinds that make maps with places, and such as make rows of numbers for each step."""


def _flattened(site: Site) -> Iterator[Candidate]:
    """A linear layer gets other maps than its number of features stands for."""
    layer, found = site.layer, _maps(site)
    if layer is None or found is None or len(site.got) != 2 or not 1 <= len(found[1]) - 2 <= 3:
        return
    at, (_, channels, *sizes) = found
    wanted, axes = layer.in_features, len(sizes)
    place, side = wanted // channels, round((wanted / channels) ** (1 / axes))
    if wanted % channels or side**axes != place or not side:
        return
    flatten = site.layer_at(at)
    path, before = site.graph.nodes[at].module, site.named(at)
    square = f"{big(wanted)} = {by((channels, *(side,) * axes)).replace('×', '·')}"
    told = f"{square}, but {big(math.prod(site.got[1:]))} = {by((channels, *sizes)).replace('×', '·')} arrive"
    halvings = round(math.log2(max(sizes) / side)) if max(sizes) > side else 0
    halved = all(size // 2**halvings == side for size in sizes)
    if halvings and flatten is not None and path and halved:
        pools = on_meta(lambda: [getattr(nn, f"MaxPool{axes}d")(2) for _ in range(halvings)]) or []
        missing = "one halving is missing" if halvings == 1 else f"{halvings} halvings are missing"
        often = "" if halvings == 1 else f"{halvings} times "
        words = f"{missing}: {told}; put nn.MaxPool{axes}d(2) {often}before {before}"
        yield Candidate(10 if side > 1 else 12, words, {path: [*pools, flatten]})
    if flatten is not None and path and all(size >= side for size in sizes):
        adaptive = on_meta(lambda: [getattr(nn, f"AdaptiveAvgPool{axes}d")(side)]) or []
        words = (
            f"{told}; put nn.AdaptiveAvgPool{axes}d({side}) before {before}, which keeps the layer and takes every "
            "size of input"
        )
        # Where no halving was forgotten, a linear layer for these maps, 20, is likelier meant than coarser maps.
        likely = 10 if side == 1 else 11 if halvings and halved else 25
        yield Candidate(likely, words, {path: [*adaptive, flatten]})
    elif flatten is None and all(size >= side for size in sizes):
        likely = 12 if side == 1 or (halvings and halved) else 25
        yield _pooled(site_of(site.module, site.shape, site.graph, at), side, told, likely)


def _pooled(site: Site, side: int, told: str, likely: int = 12) -> Candidate:
    """The maps are brought to the size that was reckoned with, before the call that flattens them."""
    words = (
        f"{told}; put F.adaptive_avg_pool{len(site.got) - 2}d(x, {side}) before {site.named(site.at)}, which keeps the "
        "layer and takes every size of input"
    )
    pool = getattr(F, f"adaptive_avg_pool{len(site.got) - 2}d")

    def smaller(tracer: ShapedTracer, node: fx.Node) -> fx.Proxy:
        (source, *_) = node.all_input_nodes
        return replaced(tracer, node, {source: pool(tracer.proxy(source), side)})

    return Candidate(likely, words, mend=mending(site.node, smaller, alone=True))


def _size(site: Site, shape: Shape) -> int | None:
    """Whether an input is too small (-1), too large (1) or right (0) for a network; None: something else is wrong."""
    if math.prod(shape) > MAX_ACTIVATIONS:
        return None
    graph = read(site.module, shape)
    if not graph or not graph.broken:
        return 0 if graph else None
    there = site_of(site.module, shape, graph, graph.broken.node)
    if there.layer is not None:
        fault = fault_of(there.layer, there.got)
        if isinstance(there.layer, nn.Linear) and len(there.got) == 2 and _maps(there):
            return -1 if there.got[1] < there.layer.in_features else 1
        if fault:
            return -1 if fault.small else None
    if (said := re.search(r"shape '\[(.*)\]' is invalid for input of size (\d+)", graph.broken.message)) is not None:
        asked = math.prod(int(n) for n in said[1].split(", ") if int(n) > 0)
        return -1 if int(said[2]) < shape[0] * asked else 1
    return -1 if re.search("too small|can't be greater|nothing is left", graph.broken.message) else None


def _tokens(site: Site) -> bool:
    """Whether an example is a row of whole numbers that an embedding looks up."""
    return len(site.shape) == 2 and blank(site.module, site.shape).dtype == torch.long


def fitting_size(site: Site) -> Shape | None:
    """The input nearest to this one, in the same proportions, that is neither too small nor too large; or None."""
    if not (len(site.shape) > 2 or _tokens(site)) or (now := _size(site, site.shape)) in (0, None):
        return None
    if now == 1:
        return _smaller(site)
    low = high = max(site.shape[2:] or site.shape[1:])
    while (found := _size(site, scaled(site.shape, high))) == -1 and high < 16 * low:
        high *= 2
    if found is None or found == -1 or (edge := _turn(site, low, high, -1)) is None:
        return None
    return None if _size(site, scaled(site.shape, edge[1])) else scaled(site.shape, edge[1])


def _turn(site: Site, low: int, high: int, wrong: int) -> tuple[int, int] | None:
    """Two sizes that follow each other, where ``wrong`` ends: too small, -1, up to the lower one, or too large, 1, from
    the upper one on. None where something else refuses a size between ``low`` and ``high``."""
    while high - low > 1:
        middle = (low + high) // 2
        found = _size(site, scaled(site.shape, middle))
        if found is None:
            return None
        low, high = (middle, high) if (found == wrong) == (wrong == -1) else (low, middle)
    return low, high


def _smaller(site: Site) -> Shape | None:
    """For an input that is too large: the usual size that fits, else the nearest that does, with whole maps if one
    has them."""
    if len(set(site.shape[2:])) == 1:
        sides = (max(sizes) for sizes in USUAL.get(len(site.shape) - 2, ()) if len(set(sizes)) == 1)
        usual = (scaled(site.shape, side) for side in sides if side < site.shape[2])
        if found := next((shape for shape in usual if _size(site, shape) == 0), None):
            return found
    high = max(site.shape[2:] or site.shape[1:])
    low = high // 2
    while low and (found := _size(site, scaled(site.shape, low))) == 1:
        low, high = low // 2, low
    # What fits may be a few sizes wide alone: first where it is no longer too large, then that it fits there.
    if not low or found is None or (edge := _turn(site, low, high, 1)) is None:
        return None
    low = edge[0]
    if _size(site, scaled(site.shape, low)):
        return None
    # Of those that fit, the nearest that leaves no pixel unread.
    runs = NetworkAtSizes(settled(site.module, site.shape))
    fits = takewhile(lambda one: one[1], ((side, runs.at(scaled(site.shape, side))) for side in range(low, 0, -1)))
    return scaled(site.shape, next((side for side, found in fits if found and not found[1]), low))


def usual_size(module: nn.Module, start: Shape, axes: int) -> Shape | None:
    """An input that a network takes, `start` being its batch and channels: of usual sizes, else of the smallest that
    fits. None where none does."""
    shapes = [(*start, *sizes) for sizes in USUAL[axes]]
    graphs = [(shape, graph) for shape in shapes if (graph := read(module, shape))]
    if whole := next((shape for shape, graph in graphs if not graph.broken), None):
        return whole
    sites = (site_of(module, shape, graph, graph.broken.node) for shape, graph in graphs if graph.broken)
    return next((found for site in sites if (found := fitting_size(site))), None)


def _another_size(site: Site) -> Iterator[Candidate]:
    """An input of another size, for what has become too small, or maps that a linear layer does not expect."""
    found = fitting_size(site)
    if found and _tokens(site):
        yield Candidate(0, f"give at least {plural(found[1], 'token')} in each example", shape=found)
    elif found:
        wanted, given = by(found[1:]), max(site.shape[2:])
        larger = max(found[2:]) > given
        any_larger = larger and not re.fullmatch("Linear|view|reshape", site.node.kind)
        near = any_larger and max(found[2:]) <= 1.25 * given
        least = "at least " if any_larger else ""
        yield Candidate(5 if near else 30, f"give an input of {least}{wanted}", shape=found)


def _halved_less(site: Site) -> Iterator[Candidate]:
    """The last pooling before it is left out."""
    for at in site.before():
        layer = site.layer_at(at)
        pool = re.fullmatch(r"(?:Max|Avg|LP)Pool(\d)d", kind_of(layer))
        if layer is not None and pool and max(per_axis(layer.stride, int(pool[1]))) > 1:
            yield Candidate(35, f"leave {site.named(at)} out", {site.graph.nodes[at].module: [nn.Identity()]})
            return


def _not_flattened(site: Site) -> Iterator[Candidate]:
    """A layer that works on maps comes after a Flatten."""
    if len(site.got) != 2:
        return
    for at in site.before():
        if site.graph.nodes[at].kind == "Flatten":
            words = f"drop {site.named(at)}: maps must arrive here"
            yield Candidate(15, words, {site.graph.nodes[at].module: [nn.Identity()]})
            return


_OUT = {"out_channels": "in_channels", "out_features": "in_features"}


def _given_otherwise(site: Site) -> Iterator[Candidate]:
    """The layer before gives as many channels as are wanted; norms between them follow."""
    if site.layer is None or (wanted := _wanted(site.layer, site.got)) is None or len(site.got) < 2:
        return
    layers: dict[str, Sequence[nn.Module]] = {}
    for at in site.before():
        layer, path = site.layer_at(at), site.graph.nodes[at].module
        if layer is None:
            return
        name = next((name for name in _OUT if hasattr(layer, name)), None)
        if name is None and _wanted(layer, site.got) is None:
            continue
        setting = name or ("num_features" if hasattr(layer, "num_features") else "num_channels")
        new = on_meta(lambda layer=layer, setting=setting: [changed(layer, **{setting: wanted})])
        if new is None:
            return
        layers[path] = new
        if name:
            also = "".join(f", and {_setting_of(site, other)} follows" for other in list(layers)[:-1])
            yield Candidate(40, f"set {name}={wanted} in layer {path} ({kind_of(layer)}){also}", layers)
            return


def _setting_of(site: Site, path: str) -> str:
    return f"layer {path} ({type(site.module.get_submodule(path)).__name__})"


def _reshaped(site: Site) -> Iterator[Candidate]:
    """`x.view(-1, 400)` of maps that hold another number: flattened for each example, with a linear layer to match."""
    if len(site.got) > 2:
        yield _flat_each(site)
        if both := _flat_and_linear(site):
            yield both
        sizes = [one for one in site.call[1].args[1:] if isinstance(one, int) and one > 0] if site.call else []
        axes = len(site.got) - 2
        side = round((sizes[-1] / site.got[1]) ** (1 / axes)) if sizes else 0
        if side and sizes[-1] == site.got[1] * side**axes and all(size >= side for size in site.got[2:]):
            square = f"{big(sizes[-1])} = {by((site.got[1], *(side,) * axes)).replace('×', '·')}"
            yield _pooled(site, side, f"{square}, but {by(site.got[1:]).replace('×', '·')} arrive")


def _flat_each(site: Site) -> Candidate:
    return Candidate(10, "flatten each example, with x.flatten(1)", mend=mending(site.node, _flatten_call, alone=True))


def _flat_and_linear(site: Site) -> Candidate | None:
    """The same with the first linear layer set to what then arrives."""
    features = math.prod(site.got[1:])
    path, layer = next((one for one in site.module.named_modules() if isinstance(one[1], nn.Linear)), ("", None))
    if layer is None or layer.in_features == features:
        return None
    new = on_meta(lambda: [changed(layer, in_features=features)])
    words = f"flatten each example, with x.flatten(1), and set in_features={features} in layer {path} (Linear)"
    return Candidate(11, words, {path: new}, mend=mending(site.node, _flatten_call, alone=True)) if new else None


def _flatten_call(tracer: ShapedTracer, node: fx.Node) -> fx.Proxy:
    return tracer.create_proxy("call_function", torch.flatten, (tracer.proxy(node.all_input_nodes[0]), 1), {})


FAULTS: tuple[tuple[str, Callable[[Site], Iterator[Candidate]]], ...] = (
    (r".*", _itself),
    (r".*", _other_input),
    (r"Linear", _flattened),
    (r"Conv\dd", kept_size),
    (
        r"Linear|(Conv|ConvTranspose)\dd|(Max|Avg|LP)Pool\dd|(Reflection|Circular)Pad\dd|\w*(conv|pool|view|reshape)\w*",
        _another_size,
    ),
    (r"Conv\dd|(Max|Avg|LP)Pool\dd|Linear", _halved_less),
    (r"\w+\dd|Pixel\w+|ChannelShuffle|Upsampl\w+", _not_flattened),
    (r"Linear|\w+\dd|GroupNorm|PixelShuffle|ChannelShuffle|Unflatten|GLU", _given_otherwise),
    (r"(cat|concat|concatenate|add_?|mul_?|sub_?|stack)", met),
    (r"view|reshape", _reshaped),
)
"""Kinds of operations → a rule for what refuses there; all that match speak."""


# --- what nothing refuses --------------------------------------------------------------------------------------------

Found = tuple[int, str, list[Candidate]]


def _outs(graph: Graph) -> list[Shape]:
    """The shapes that the network returns."""
    return [node.shapes[0] for node in graph.returned]


def _out(graph: Graph) -> Shape:
    """The first of them."""
    return next(iter(_outs(graph)), ())


def _lost(before: Graph, after: Graph, now: int) -> bool:
    """Whether an output does not hold twice as many examples where twice as many went in: on its first axis, or as
    recurrent layers have it on another. One after the first that no example changes, such as a loss, loses none."""
    for at, (one, two) in enumerate(zip(_outs(before), _outs(after), strict=False)):
        changed_axes = [pair for pair in zip(one, two, strict=False) if pair[0] != pair[1]]
        kept = two[:1] == (2 * now,) or changed_axes == [(now, 2 * now)] or (at and one == two)
        if not kept:
            return True
    return False


def _batch_lost(site: Site) -> Iterator[Found]:
    """With two examples something refuses, or the network answers with another number of answers."""
    two = (2 * site.shape[0], *site.shape[1:])
    module = with_examples(site.module, site.shape[0], two[0])
    graph = read(module, two)
    if not graph or not (graph.broken or _lost(site.graph, graph, site.shape[0])):
        return
    keeps = lambda found: not _lost(site.graph, found, site.shape[0])  # noqa: E731
    kinds = ("Flatten", "flatten", "view", "reshape", "squeeze", "cat")
    found = (at for at, node in enumerate(graph.nodes) if node.kind in kinds and node.shapes)
    at = next((at for at in found if graph.nodes[at].shapes[0][:1] != two[:1]), None)
    if at is None:
        if not graph.broken:
            return
        at = graph.broken.node
        batch = f"{two[0]} examples" if site.shape[0] == 1 else f"another batch size, such as {two[0]},"
        why = f"With {batch} {graph.broken.message}"
        shape = (site.shape[0], 1, *site.shape[1:])
        words = f"the channel axis is missing: give {by(shape[1:])}, with x.unsqueeze(1)"
        channel = Candidate(0, words, shape=shape, fits=lambda g: _out(g)[:1] == shape[:1])
        met_there = axes_back(site_of(module, two, graph, at))
        whole = [replace(one, shape=two, fits=keeps) for one in met_there]
        yield at, why, [channel, *whole]
        return
    there, node = site_of(module, two, graph, at), graph.nodes[at]
    more = f", and {there.named(graph.broken.node)} refuses" if graph.broken else ""
    become = f"{two[0]} examples, {by(there.got)}, become {by(node.shapes[0])}"
    if site.shape[0] > 1:
        become = f"with another batch size, such as {two[0]}, {by(there.got)} becomes {by(node.shapes[0])}"
    here = there.named(at) if there.layer is not None else called(node.kind)
    swallows = f"{here} swallows the batch axis"
    if node.kind in ("view", "reshape") and 1 < node.shapes[0][0] == site.shape[0]:
        swallows = f"{site.shape[0]} is written into {node.kind}({site.shape[0]}, …) as the batch size"
    candidates = [_flat_each(there)] + [one for one in [_flat_and_linear(there)] if one]
    if node.kind == "Flatten":
        words = "use nn.Flatten(), which leaves the first axis alone"
        candidates = [Candidate(0, words, {node.module: [nn.Flatten()]})]
    if node.kind == "cat":
        candidates = [joined_along(there, 1)]
    candidates = [replace(one, shape=two, fits=keeps) for one in candidates]
    yield at, f"{swallows}: {become}{more}.", candidates


def _trains(layer: nn.Module, shape: Shape) -> bool:
    """Whether a layer in training takes a shape."""
    twin = private_copy(layer, torch.device("meta")).train()
    try:
        with torch.no_grad():
            twin(torch.empty(shape, device="meta"))
    except ValueError:
        return False
    return True


def _one_value(site: Site) -> Iterator[Found]:
    """A batch norm with one number a channel: in training it takes two examples at least."""
    for at, node in enumerate(site.graph.nodes):
        layer, got = site.layer_at(at), next(iter(site.arriving(at)), ())
        if not re.fullmatch(r"BatchNorm\dd", node.kind) or layer is None or len(got) < 2:
            continue
        one = (1, *got[1:])
        if _trains(layer, one) or not _trains(layer, (2, *got[1:])):
            continue
        why = (
            f"{site.named(at)} gets one number of each channel, {by(got[1:])}: in training it needs two examples or "
            "more, and refuses a last batch of one."
        )
        group = on_meta(lambda channels=got[1]: [nn.GroupNorm(1, channels)]) or []
        words = "train with batches of two or more, with drop_last=True in the DataLoader"
        alone = f"use nn.GroupNorm(1, {got[1]}), which looks at each example alone"
        yield at, why, [Candidate(0, words, shape=(2, *site.shape[1:])), Candidate(1, alone, {node.module: group})]
        return


def _comes_back_smaller(site: Site) -> Iterator[Found]:
    """An encoder and a decoder as deep, whose answer has another size than the input."""
    outs = _outs(site.graph)
    # Of several outputs that which has the input's channels, as an autoencoder's picture beside its code.
    at = next((at for at, one in enumerate(outs) if one[:2] == site.shape[:2] and len(one) == len(site.shape)), 0)
    out = outs[at] if outs else ()
    if len(out) != len(site.shape) or len(out) < 3 or out[2:] == site.shape[2:] or not (found := undone(site)):
        return
    words, layers = found
    sizes = f"What comes in as {by(site.shape[2:])} comes back as {by(out[2:])}"
    why = f"{sizes}: a size that a stride does not divide is rounded down."
    same = Candidate(0, words, layers, fits=lambda g: _outs(g)[at][2:] == site.shape[2:])
    yield len(site.graph.nodes) - 1, why, [same]


SILENT: tuple[Callable[[Site], Iterator[Found]], ...] = (_batch_lost, _one_value, _comes_back_smaller)
"""Rules for networks that run."""
