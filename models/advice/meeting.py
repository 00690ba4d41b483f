"""Branches that meet with different shapes: an addition or a `cat` that refuses, and what lets them meet."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.node import map_arg

from models.advice.trial import Candidate, Mend, Shape, ShapedTracer, Site, mending, on_meta, read, site_of, with_change
from models.measure import kind_of
from models.operator import per_axis
from models.parse import line_of, operands_at
from models.parse.code import layer_code
from models.parse.faults import by, changed, written
from models.receptive_field.trace import graph_of, label_of
from models.text import listed


def met(site: Site) -> Iterator[Candidate]:
    """What lets the branches meet that an addition, a product or a `cat` refuses."""
    yield from _other_sizes(site)
    yield from _fixed_places(site)
    if (found := _ways(site)) is None:
        return
    shapes = [shape for shape, _ in found]
    if len({len(shape) for shape in shapes}) > 1:
        yield from axes_back(site)
        return
    if "cat" in site.node.kind:
        yield from _other_axis(site, shapes)
    elif len(found) == 2 and len(shapes[0]) > 2:
        yield from _projected(site, found)
        yield from _given(site, found)
    if len(shapes[0]) > 2 and len({shape[2:] for shape in shapes}) > 1:
        yield from _padded(site, found)
        yield from _unstrided(site, found)
        yield from _made_even(site, shapes)


def _other_sizes(site: Site) -> Iterator[Candidate]:
    """An input that halves without a rest, or layers that undo each other."""
    if len(site.shape) < 3:
        return
    for part in (2, 4, 8, 16, 32, 64):
        up = (*site.shape[:2], *(math.ceil(n / part) * part for n in site.shape[2:]))
        if up != site.shape and (graph := read(site.module, up)) and not graph.broken:
            down = (*site.shape[:2], *(n // part * part for n in site.shape[2:]))
            for shape in dict.fromkeys(s for s in (up, down) if min(s) and s != site.shape):
                words = f"give an input whose sides {part} divides, such as {by(shape[1:])}"
                # What changes the code takes every size then: with a cat, as in a U-Net, it comes first.
                yield Candidate(18 if "cat" in site.node.kind else 10, words, shape=shape)
            break
    if found := undone(site):
        yield Candidate(12, found[0], found[1])


def _fixed_places(site: Site) -> Iterator[Candidate]:
    """A learned number for each place, such as a position's, meets another number of places: the input that has as
    many, a class token among them or not."""
    ends = site.call[1].all_input_nodes if site.call else []
    learned, came = ([_shape(end) for end in ends if (end.op == "get_attr") is fixed] for fixed in (True, False))
    if len(learned) != 1 or len(came) != 1 or len(site.shape) < 3:
        return
    places = [(a, b) for a, b in zip(reversed(came[0]), reversed(learned[0]), strict=False) if a != b]
    for tokens in (1, 0, 2) if len(places) == 1 else ():
        ((now, wanted),) = places
        scale = (max(wanted - tokens, 0) / max(now - tokens, 1)) ** (1 / (len(site.shape) - 2))
        shape = (*site.shape[:2], *(max(1, round(n * scale)) for n in site.shape[2:]))
        yield Candidate(5, f"give an input of {by(shape[1:])}, for which the learned numbers were made", shape=shape)


Way = tuple[Shape, list[fx.Node]]
"""What reaches the meeting on one way, and the calls on it since the ways have parted, the last first."""


def _ways(site: Site) -> list[Way] | None:
    if site.call is None:
        return None
    ends = site.call[1].all_input_nodes
    if len(ends) < 2 or not all(end.op != "get_attr" and _shape(end) for end in ends):
        return None
    back = [_back(end) for end in ends]
    shared = set(back[0]).intersection(*back[1:])
    return [(_shape(end), [n for n in way if n not in shared]) for end, way in zip(ends, back, strict=True)]


def _shape(node: fx.Node) -> Shape:
    """Of a tensor; nothing for other values."""
    value = node.meta.get("value")
    return tuple(value.shape) if isinstance(value, torch.Tensor) else ()


def _back(node: fx.Node) -> dict[fx.Node, None]:
    """A call and all that it depends on, the nearest first."""
    found, row = {node: None}, [node]
    while row:
        row = [source for one in row for source in one.all_input_nodes if source not in found]
        found |= dict.fromkeys(row)
    return found


def _layer(site: Site, node: fx.Node) -> Any:
    return site.module.get_submodule(str(node.target)) if node.op == "call_module" else None


def _is(layer: Any, kinds: str) -> bool:
    return re.fullmatch(rf"({kinds})\dd", kind_of(layer)) is not None


def _layers(site: Site, way: Way, kinds: str) -> list[tuple[str, Any]]:
    """The layers of these kinds on a way, by their paths."""
    found = [(str(node.target), _layer(site, node)) for node in way[1]]
    return [(path, layer) for path, layer in found if _is(layer, kinds)]


# --- an addition ------------------------------------------------------------------------------------------------------


def _projection(came: Shape, wanted: Shape, normed: bool) -> list[nn.Module] | None:
    """A 1×1 convolution from one shape to the other, as on ResNet's shortcuts; None where no stride leads there."""
    axes = len(wanted) - 2
    stride = tuple(math.ceil(n / out) for n, out in zip(came[2:], wanted[2:], strict=True))
    if any((n - 1) // s + 1 != out for n, s, out in zip(came[2:], stride, wanted[2:], strict=True)):
        return None
    one = stride[0] if len(set(stride)) == 1 else stride
    settings: dict[str, Any] = {"stride": one} if one != 1 else {}
    if normed:
        settings["bias"] = False
    conv = getattr(nn, f"Conv{axes}d")
    norm = [getattr(nn, f"BatchNorm{axes}d")] if normed else []
    return on_meta(lambda: [conv(came[1], wanted[1], 1, **settings), *(one(wanted[1]) for one in norm)])


def _projected(site: Site, ways: list[Way]) -> Iterator[Candidate]:
    """A block whose shortcut hands on what came, while the other way has changed channels or size."""
    at = min((0, 1), key=lambda at: len(ways[at][1]))
    (came, short), (wanted, _) = ways[at], ways[1 - at]
    if any(_is(_layer(site, node), "Conv|ConvTranspose") for node in short):
        return
    normed = bool(_layers(site, ways[1 - at], "BatchNorm"))
    strided = any(max(per_axis(one.stride, len(came) - 2)) > 1 for _, one in _layers(site, ways[1 - at], "Conv"))
    layers = _projection(came, wanted, normed)
    if layers is None or (came[1] == wanted[1] and not strided):
        return
    code = listed([layer_code(layer) for layer in layers], "and")
    again = sum(type(one) is type(_owner(site)) for one in site.module.modules()) > 1
    words = f"put {code} on the shortcut, which brings {by(came[1:])} to {by(wanted[1:])}"
    words += ", and the like in each block that changes channels or stride" if again else ""

    def put(tracer: ShapedTracer, node: fx.Node) -> fx.Proxy | None:
        source, other = node.all_input_nodes[at], node.all_input_nodes[1 - at]
        here, there = (tuple(one.meta["value"].shape) for one in (source, other))
        made = _projection(here, there, normed) if here != there else None
        return replaced(tracer, node, {source: _called(tracer, node, made, source)}) if made else None

    yield Candidate(5, words, mend=mending(site.node, put))


def _owner(site: Site) -> nn.Module:
    return site.module.get_submodule(site.node.module)


def _called(tracer: ShapedTracer, at: fx.Node, layers: list[nn.Module], given: fx.Node) -> fx.Proxy:
    """New layers beside a call, in the module whose forward makes it."""
    stack = at.meta.get("nn_module_stack") or {}
    place = next(reversed(stack.values()))[0] if stack else ""
    owner = tracer.root.get_submodule(place)
    name = next(name for n in range(1000) if not hasattr(owner, name := f"shortcut{n or ''}"))
    owner.add_module(name, layers[0] if len(layers) == 1 else nn.Sequential(*layers))
    return tracer.create_proxy("call_module", f"{place}.{name}" if place else name, (tracer.proxy(given),), {})


def _proxies(tracer: ShapedTracer, others: dict[fx.Node, fx.Proxy]) -> Callable[[fx.Node], Any]:
    """What the tracer has in a node's place, or the other that is given."""
    return lambda one: others[one] if one in others else tracer.proxy(one)


def replaced(tracer: ShapedTracer, node: fx.Node, others: dict[fx.Node, fx.Proxy], **settings: Any) -> fx.Proxy:
    """The call with other inputs or settings."""
    args, kwargs = map_arg((node.args, dict(node.kwargs)), _proxies(tracer, others))
    return tracer.create_proxy(node.op, node.target, args, kwargs | settings)


def _given(site: Site, ways: list[Way]) -> Iterator[Candidate]:
    """The last convolution on one way gives the channels that come on the other, and its stride the size."""
    rank = sorted((0, 1), key=lambda at: len(ways[at][1]))
    for likely, at in zip((6, 20), rank, strict=True):
        if (found := _giving(site, ways[at], ways[1 - at][0])) is None:
            continue
        words, layers = found
        more: list[str] = []
        # Other blocks of the same class are broken in the same way.
        while len(more) < MANY and (next_ := _next_alike(site, layers)) is not None:
            there = _ways(next_)
            also = _giving(next_, there[at], there[1 - at][0]) if there else None
            if also is None or layers.keys() & also[1].keys():
                break
            layers |= also[1]
            more.append(next(reversed(also[1])))
        words += f", and the like in {listed(more, 'and')}" if more else ""
        yield Candidate(likely, words, layers)


MANY = 16
"""Blocks of one class that are mended one after the other."""


def _next_alike(site: Site, layers: Mapping[str, Sequence[nn.Module]]) -> Site | None:
    """The next meeting that the same line of text makes, if the network with these layers stops there."""
    module = with_change(site.module, Candidate(0, "", layers), site.shape)
    graph = read(module, site.shape)
    if not graph or not graph.broken or not 0 < site.node.line == graph.broken.line:
        return None
    return site_of(module, site.shape, graph, graph.broken.node)


def _giving(site: Site, way: Way, wanted: Shape) -> tuple[str, dict[str, Sequence[nn.Module]]] | None:
    """Other settings of the last convolution on a way, and of the norms behind it."""
    here, layers, told = way[0], {}, []
    settings: dict[str, Any] = {} if here[1] == wanted[1] else {"out_channels": wanted[1]}
    for node in way[1]:
        layer, path = _layer(site, node), str(node.target)
        if _is(layer, "Conv"):
            if here[2:] != wanted[2:]:
                rows = zip(layer.stride, here[2:], wanted[2:], strict=True)
                stride = tuple(max(1, round(s * a / b)) for s, a, b in rows)
                settings["stride"] = stride[0] if len(set(stride)) == 1 else stride
                if stride == layer.stride:
                    return None
            if not settings:  # they differ in the batch alone
                return None
            layers[path] = on_meta(lambda layer=layer: [changed(layer, **settings)])
            words = f"set {written(settings)} in layer {path} ({kind_of(layer)})"
            return (", and ".join([words, *told]), layers) if layers[path] else None
        if _is(layer, "BatchNorm|InstanceNorm") and "out_channels" in settings:
            layers[path] = on_meta(lambda layer=layer: [changed(layer, num_features=wanted[1])])
            told.append(f"layer {path} ({kind_of(layer)}) follows")
        elif len(node.all_input_nodes) > 1:
            return None
    return None


# --- sizes that differ ------------------------------------------------------------------------------------------------


def _unstrided(site: Site, ways: list[Way]) -> Iterator[Candidate]:
    """One layer with a stride, a pool's own among them, makes one way smaller than the others."""
    largest = max(way[0][2:] for way in ways)
    strided = [
        (path, layer)
        for way in ways
        if way[0][2:] != largest
        for path, layer in _layers(site, way, "Conv|MaxPool|AvgPool")
        if max(per_axis(layer.stride, len(largest))) > 1
    ]
    if len(strided) == 1:
        ((path, layer),) = strided
        settings: dict[str, Any] = {"stride": 1}
        if (pad := _keeping(layer, 1)) is not None:
            settings["padding"] = pad
        new = on_meta(lambda: [changed(layer, **settings)])
        if new:
            yield Candidate(7, f"set {written(settings)} in layer {path} ({kind_of(layer)})", {path: new})


def _padded(site: Site, ways: list[Way]) -> Iterator[Candidate]:
    """Windows that lose pixels at the border get the padding that keeps them: on these ways, or wherever they do."""
    near = [one for way in ways for one in _layers(site, way, "Conv|MaxPool|AvgPool")]
    lines = {line_of(layer) for _, layer in near} - {0}
    alike = [one for one in site.module.named_modules() if line_of(one[1]) in lines]
    everywhere = [one for one in site.module.named_modules() if _is(one[1], "Conv|MaxPool|AvgPool")]
    for likely, layers in ((4, dict([*near, *alike])), (14, dict(everywhere))):
        yield from _keeping_all(likely, layers)


def kept_size(site: Site) -> Iterator[Candidate]:
    """A window that has become too wide gets the padding that keeps the size, and so do those of the same line."""
    if site.layer is None or len(site.got) != len(site.layer.kernel_size) + 2:
        return
    line = line_of(site.layer)
    alike = {path: layer for path, layer in site.module.named_modules() if 0 < line == line_of(layer)}
    yield from _keeping_all(19, alike or {site.node.module: site.layer})


def _keeping_all(likely: int, layers: Mapping[str, Any]) -> Iterator[Candidate]:
    found = {path: (pad, layer) for path, layer in layers.items() if (pad := _keeping(layer)) is not None}
    new = on_meta(lambda: [changed(layer, padding=pad) for pad, layer in found.values()])
    if not found or not new:
        return
    pads = {pad for pad, _ in found.values()}
    kinds = {kind_of(layer) for _, layer in found.values()}
    first = f"padding={next(iter(pads))!r}" if len(pads) == 1 else "the padding that keeps the size"
    names = list(found)
    where = f"layer {names[0]}" if len(names) == 1 else f"layers {listed(names, 'and')}"
    where = where if len(names) <= 4 else f"the {len(names)} layers that lack it"
    words = f"set {first} in {where} ({listed(sorted(kinds), 'and')}), so that no pixel is lost at the border"
    yield Candidate(likely, words, dict(zip(found, ([one] for one in new), strict=True)))


def _keeping(layer: Any, stride: int | None = None) -> int | Shape | None:
    """The padding with which a window of stride 1 keeps the size; None where it does, or none would. `stride`: what it
    is set to."""
    if not _is(layer, "Conv|MaxPool|AvgPool") or isinstance(layer.padding, str):
        return None
    axes = int(kind_of(layer)[-2])
    kernel, padding = per_axis(layer.kernel_size, axes), per_axis(layer.padding, axes)
    dilation = per_axis(getattr(layer, "dilation", 1), axes)
    if not _is(layer, "Conv") and max(per_axis(stride or layer.stride, axes)) > 1:
        return None
    if any(d * (k - 1) % 2 for k, d in zip(kernel, dilation, strict=True)):
        return None
    wanted = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    if wanted == padding:
        return None
    return wanted[0] if len(set(wanted)) == 1 else wanted


def _made_even(site: Site, shapes: Sequence[Shape]) -> Iterator[Candidate]:
    """The larger cropped to the smaller, the smaller padded to the larger, or resized where it is half as large."""
    least, most = (_each(pick, [shape[2:] for shape in shapes]) for pick in (min, max))
    if len({shape[1] for shape in shapes}) > 1 and "cat" not in site.node.kind:
        return
    kind = site.node.kind

    places: dict[str, dict[str, None]] = {}

    def all_of(change: Callable[[Any, Shape, list[Shape]], fx.Proxy | None], code: Callable[..., str]) -> Mend:
        """A change of what reaches each such meeting with another size than the rest; `places` gets its code there."""
        parts: dict[str, nn.Module] = {}
        taken: dict[str, int] = {}

        def mend(tracer: ShapedTracer, node: fx.Node) -> fx.Proxy | None:
            parts.update({} if parts else tracer.root.named_modules())
            at = label_of(node, parts, taken)[0]
            ends, name = node.all_input_nodes, getattr(node.target, "__name__", str(node.target))
            if kind not in (name, name[1:]) or not all(isinstance(e.meta.get("value"), torch.Tensor) for e in ends):
                return None
            sizes = [tuple(end.meta["value"].shape[2:]) for end in ends]
            if len(set(sizes)) < 2 or len(set(map(len, sizes))) > 1:
                return None
            found = {end: change(tracer.proxy(end), size, sizes) for end, size in zip(ends, sizes, strict=True)}
            where = places.setdefault(at, {})
            where |= {
                code(size, sizes): None for size, new in zip(sizes, found.values(), strict=True) if new is not None
            }
            return replaced(tracer, node, {end: new for end, new in found.items() if new is not None})

        return mend

    def cropped(x: Any, size: Shape, sizes: list[Shape]) -> Any:
        to = _each(min, sizes)
        return x[(slice(None), slice(None), *_cuts(size, to))] if size != to else None

    def padded(x: Any, size: Shape, sizes: list[Shape]) -> Any:
        to = _each(max, sizes)
        return F.pad(x, _sides(size, to)) if size != to else None

    def resized(x: Any, size: Shape, sizes: list[Shape]) -> Any:
        to = _each(max, sizes)
        return F.interpolate(x, size=to) if size != to else None

    def told(words: str, mend_of: Callable[[], Mend]) -> tuple[str, Mend]:
        """The words with what is done at each meeting further on, for each asks for its own."""
        places.clear()
        with suppress(ValueError):
            graph_of(site.module, site.shape, mend_of())
        more = [f"before {at} {' and '.join(codes)}" for at, codes in places.items() if at != site.node.name]
        return f"{words}{''.join(f', and {one}' for one in more)}", mend_of()

    padding = lambda size, sizes: f"F.pad(x, ({', '.join(map(str, _sides(size, _each(max, sizes))))}))"  # noqa: E731
    cutting = lambda size, sizes: f"x[:, :, {_cut_code(size, _each(min, sizes))}]"  # noqa: E731
    resizing = lambda size, sizes: f"F.interpolate(x, size={_each(max, sizes)})"  # noqa: E731
    # What an addition gets too much of is cut; a map that was enlarged lacks a row.
    far = "cat" not in kind or max(m - n for m, n in zip(most, least, strict=True)) > 1
    if all(m >= 2 * n for m, n in zip(most, least, strict=True)):
        words = f"enlarge the smaller first, with F.interpolate(x, size={most})"
        words, mend = told(words, lambda: all_of(resized, resizing))
        yield Candidate(8, words, mend=mend)
        return
    pads = ", ".join(map(str, _sides(least, most)))
    words = f"pad the smaller before it, with F.pad(x, ({pads})), which gives {by(most)}"
    words, mend = told(words, lambda: all_of(padded, padding))
    yield Candidate(17 if far else 15, words, mend=mend)
    words = f"crop the larger before it, with x[:, :, {_cut_code(most, least)}], which gives {by(least)}"
    words, mend = told(words, lambda: all_of(cropped, cutting))
    yield Candidate(15 if far else 17, words, mend=mend)


def _cut_code(size: Shape, to: Shape) -> str:
    """The middle of each axis, as Python cuts it."""
    cuts = zip(_cuts(size, to), size, strict=True)
    return ", ".join(f"{cut.start or ''}:{cut.stop - n or ''}" for cut, n in cuts)


def _each(pick: Callable[..., int], sizes: Sequence[Shape]) -> Shape:
    """The smallest or the largest along each axis."""
    return tuple(map(pick, zip(*sizes, strict=True)))


def _cuts(size: Shape, to: Shape) -> list[slice]:
    """The middle of each axis."""
    return [slice((n - out) // 2, (n - out) // 2 + out) for n, out in zip(size, to, strict=True)]


def _sides(size: Shape, to: Shape) -> tuple[int, ...]:
    """What `F.pad` adds on both sides, the last axis first."""
    more = [out - n for n, out in zip(size, to, strict=True)]
    return tuple(side for each in reversed(more) for side in (each // 2, each - each // 2))


# --- axes -------------------------------------------------------------------------------------------------------------


def _other_axis(site: Site, shapes: Sequence[Shape]) -> Iterator[Candidate]:
    """The shapes differ along one axis alone, and are joined along another."""
    axes = [at for at, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    if len(axes) == 1:
        yield joined_along(site, axes[0])


def joined_along(site: Site, axis: int) -> Candidate:
    """The tensors joined along another axis."""

    def join(tracer: ShapedTracer, node: fx.Node) -> fx.Proxy:
        given = map_arg(node.args[0] if node.args else node.kwargs["tensors"], _proxies(tracer, {}))
        return tracer.create_proxy("call_function", torch.cat, (given, axis), {})

    return Candidate(
        1,
        f"join along axis {axis}, with torch.cat(..., dim={axis})",
        mend=mending(site.node, join),
    )


def axes_back(site: Site) -> Iterator[Candidate]:
    """One number for each channel, as squeeze-and-excitation has it, meets maps."""
    shapes = [shape for shape, _ in _ways(site) or ()]
    if len(shapes) != 2:
        return
    large, small = sorted(shapes, key=len, reverse=True)[:2]
    if len(small) != 2 or small != large[:2] or "cat" in site.node.kind:
        return
    index = (slice(None), slice(None), *(None,) * (len(large) - 2))

    def widen(tracer: ShapedTracer, node: fx.Node) -> fx.Proxy:
        end: fx.Node = next(one for one in node.all_input_nodes if one.meta["value"].ndim == 2)
        x: Any = tracer.proxy(end)
        return replaced(tracer, node, {end: x[index]})

    # On the shorter side of the operator stands what lacks its axes, as the text calls it.
    written_there = operands_at(_owner(site), site.node.line)
    name = written_there[[len(shape) for shape in shapes].index(len(small))] if len(written_there) == 2 else ""
    axes = f"[:, :, {', '.join(['None'] * (len(large) - 2))}]"
    simple = re.fullmatch(r"[\w.]+(\([\w., ]*\))?", name) is not None
    words = f"give {by(small)} its axes back, with {f'{name}{axes}' if simple else f'{axes} behind it'}"
    yield Candidate(3, words, mend=mending(site.node, widen))


# --- an encoder and its decoder ---------------------------------------------------------------------------------------


def undone(site: Site) -> tuple[str, dict[str, Sequence[nn.Module]]] | None:
    """Which output_padding lets each transposed layer undo the layer with a stride that it stands against."""
    sizes: list[tuple[Shape, int]] = []
    extras, pairs, layers = [], [], {}
    now: Shape | None = None
    for at in range(1, len(site.graph.nodes)):
        layer, got = site.layer_at(at), next(iter(site.arriving(at)), ())
        if layer is None or len(got) < 3 or not kind_of(layer).endswith(f"{len(got) - 2}d"):
            continue
        stride = max(per_axis(getattr(layer, "stride", 1) or 1, len(got) - 2))
        if re.fullmatch(r"(Conv|MaxPool|AvgPool)\dd", kind_of(layer)) and stride > 1:
            sizes.append((got[2:], at))
        elif re.fullmatch(r"ConvTranspose\dd", kind_of(layer)) and stride > 1:
            if not sizes:
                return None
            target, partner = sizes.pop()
            now = now or got[2:]
            rows = zip(now, target, layer.kernel_size, layer.stride, layer.padding, layer.dilation, strict=True)
            extra = tuple(size - ((n - 1) * s - 2 * p + d * (k - 1) + 1) for n, size, k, s, p, d in rows)
            limits = zip(extra, layer.stride, layer.dilation, strict=True)
            if not all(0 <= e < max(s, d) for e, s, d in limits):
                return None
            one: int | Shape = extra[0] if len(set(extra)) == 1 else extra
            made = on_meta(lambda layer=layer, one=one: [changed(layer, output_padding=one)])
            if made is None:
                return None
            now = target
            extras.append(str(one))
            pairs.append((at, partner))
            layers[site.graph.nodes[at].module] = made
    if not layers or (sizes and not site.graph.broken):
        return None
    names = lambda places: listed([site.graph.nodes[at].name for at in places], "and")  # noqa: E731
    ups, downs = (names(places) for places in zip(*pairs, strict=True))
    several, verb = ("layers", "they undo") if len(layers) > 1 else ("layer", "it undoes")
    extras = extras[:1] if len(set(extras)) == 1 else extras
    return f"set output_padding to {', '.join(extras)} in {several} {ups}, so that {verb} {several} {downs}", layers
