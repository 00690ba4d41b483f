"""Which input pixels a unit sees: traced through a network's graph, and measured from its gradient.

The graph comes from `torch.fx`. Nothing is run: each node is read with the arithmetic of `axis`, one axis of
the image at a time, so a network may live on the meta device and an image may be as large as one likes. What cannot be
followed (attention whose tokens leave the grid, an unknown operation) is *unavailable*, with the reason, never a guess.

Sizes and jumps follow Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill
2019 (https://distill.pub/2019/computing-receptive-fields); transposed layers, unequal phases and exact borders go
beyond it.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import fx, nn

from models.errors import first_line
from models.receptive_field import axis as rf_axis
from models.receptive_field.axis import NOTHING, Axis
from models.receptive_field.probe import MeasuredField, measure_field
from models.receptive_field.readers import FUNCTIONS, MODULES, Lost, Reader, ReceptiveFieldError, Unfollowed, Value

__all__ = [
    "PUBLISHED",
    "Layer",
    "LocalField",
    "MeasuredField",
    "PublishedField",
    "ReceptiveField",
    "ReceptiveFieldError",
    "measure_field",
    "receptive_field",
    "subnetwork",
]


class PublishedField(NamedTuple):
    """A receptive field as printed elsewhere: `size` in pixels, its network's name, the source, why it differs."""

    network: str
    here: str
    size: int
    source: str
    difference: str


_TABLE = "google-research/receptive_field, README, table of convnet models (TF-Slim definitions); Distill 2019"
_STRIDE = (
    "TF-Slim puts a stage's stride into the last block of the stage before, torchvision into the 3x3 convolution of "
    "the stage's first block: that one still works on the finer map, so its taps reach less far."
)
PUBLISHED = (
    PublishedField("alexnet_v2", "alexnet", 195, _TABLE, ""),
    PublishedField("vgg_16", "vgg16", 212, _TABLE, ""),
    PublishedField("inception_v3", "inception_v3", 1311, _TABLE, ""),
    PublishedField("resnet_v1_50", "resnet50", 483, _TABLE, _STRIDE),
    PublishedField("resnet_v1_101", "resnet101", 1027, _TABLE, _STRIDE),
    PublishedField("resnet_v1_152", "resnet152", 1507, _TABLE, _STRIDE),
)


# -- what can be asked


class LocalField(NamedTuple):
    """Size, jump and start through the windows alone, global branches left out."""

    size: tuple[int, ...]
    jump: tuple[int | Fraction, ...]
    start: tuple[int | None, ...]


def _plain(number: Fraction) -> int | Fraction:
    return number.numerator if number.denominator == 1 else number


class _Field:
    """What can be asked of any map: of the network's output and of each layer's.

    All sizes are in input pixels, all tuples run over the axes of the image (1, 2 or 3). Where nothing can be said,
    `size`, `jump` and `start` are `None` and `reason` says why.
    """

    _value: Value | Lost
    _image: tuple[int, ...]

    @property
    def reason(self) -> str | None:
        """Why there is no field; `None` where there is one."""
        return self._value.reason if isinstance(self._value, Lost) else None

    @property
    def _axes(self) -> tuple[Axis, ...]:
        if isinstance(self._value, Lost):
            raise ReceptiveFieldError(self._value.reason)
        return self._value.axes

    @property
    def map_size(self) -> tuple[int, ...] | None:
        """Units along each axis of the image; 1 where the axis has been summed over."""
        return None if self.reason else tuple(a.n for a in self._axes)

    @property
    def sees_everything(self) -> bool:
        """Global pooling, a squeeze-excite gate or the like lets each unit see whatever any unit before it saw."""
        return not self.reason and any(a.everything for a in self._axes)

    @property
    def aligned(self) -> bool:
        """False where branches of different jump meet, or maps were laid end to end: then no one size holds."""
        return not self.reason and all(a.aligned for a in self._axes)

    @property
    def size(self) -> tuple[int, ...] | None:
        """Extent of a unit's field. Where units differ (transposed layers, adaptive pooling), the widest.

        Along an axis that is seen whole, or where branches do not line up: the widest field inside this image.
        """
        return None if self.reason else tuple(a.rule.size if _regular(a) else _extent(a) for a in self._axes)

    @property
    def jump(self) -> tuple[int | Fraction | None, ...] | None:
        """Distance between the fields of neighbouring units: a Fraction after a transposed layer, 0 where all units see
        the same, `None` where it is not the same everywhere."""
        if self.reason:
            return None
        return tuple(_plain(a.rule.jump) if _regular(a) else 0 if a.everything else None for a in self._axes)

    @property
    def start(self) -> tuple[int | None, ...] | None:
        """Index of the leftmost input pixel of unit 0's field; negative: that far inside the padding."""
        if self.reason:
            return None
        return tuple(a.rule.lo[0] if _regular(a) else _exact(a, 0)[0] for a in self._axes)

    @property
    def local(self) -> LocalField | None:
        """The field through convolutions and pooling windows alone; the same as the whole one without global branches.

        `None` after global pooling or flattening, where no such path is left.
        """
        if self.reason or any(a.rule is None for a in self._axes):
            return None
        rules = [a.rule for a in self._axes]
        return LocalField(
            tuple(r.size for r in rules), tuple(_plain(r.jump) for r in rules), tuple(r.lo[0] for r in rules)
        )

    def box(self, index: int | Sequence[int], clipped: bool = False) -> tuple[tuple[int, int] | None, ...]:
        """First and last input pixel that the unit at `index` (one int per axis) sees, both included.

        Not clipped, the box may reach into the padding. `clipped=True`: only pixels of the image that the unit truly
        depends on, leftover columns and folded padding considered. `None` along each axis: the unit sees no pixel.
        """
        spans = tuple(
            a.rule.at(u) if _regular(a) and not clipped else _exact(a, u, whole=True)
            for a, u in zip(self._axes, self._index(index), strict=True)
        )
        return (None,) * len(spans) if None in spans else spans

    def boxes(self) -> tuple[np.ndarray, ...]:
        """Per axis an int64 array (units, 2): first and last pixel of the image that each unit sees; (0, −1): none.

        A unit that sees none along one axis sees none at all. Branches are joined axis by axis.
        """
        result = []
        for axis in self._axes:
            lo, hi = axis.exact
            result.append(np.where((lo == NOTHING)[:, None], [[0, -1]], np.stack([lo, hi], axis=1)))
        return tuple(result)

    def centre(self, index: int | Sequence[int]) -> tuple[float | None, ...]:
        """Middle of the unit's (unclipped) box, in pixels: 0 is the centre of the first pixel."""
        return tuple(None if span is None else (span[0] + span[1]) / 2 for span in self.box(index))

    def outside(self, index: int | Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Per axis, how many positions of the unit's box lie before and after the image: the padding that it sees."""
        spans = zip(self.box(index), self._image, strict=True)
        return tuple((0, 0) if s is None else (max(0, -s[0]), max(0, s[1] - n + 1)) for s, n in spans)

    def _index(self, index: int | Sequence[int]) -> tuple[int, ...]:
        units = (index,) if isinstance(index, (int, np.integer)) else tuple(index)
        if len(units) != len(self._axes):
            raise ReceptiveFieldError(
                f"An index needs one number per axis of the image: {len(self._axes)}, not {len(units)}."
            )
        for axis, (u, a) in enumerate(zip(units, self._axes, strict=True)):
            if not 0 <= u < a.n:
                raise ReceptiveFieldError(
                    f"Unit {u} does not exist along axis {axis}: this map has units 0 to {a.n - 1}."
                )
        return tuple(int(u) for u in units)


def _regular(axis: Axis) -> bool:
    return axis.rule is not None and not axis.everything


def _extent(axis: Axis) -> int:
    lo, hi = axis.exact
    return max(0, int((hi - lo).max()) + 1)


def _exact(axis: Axis, unit: int, whole: bool = False):
    lo, hi = axis.exact
    if lo[unit] == NOTHING:
        return None if whole else (None, None)
    return int(lo[unit]), int(hi[unit])


@dataclass(eq=False)
class Layer(_Field):
    """One operation of the network, in the order of execution, and the field of its output's units.

    `name` as in `named_modules()`; a function call is named by its place (`layer1.0.add`), a module that is called
    again gets `_1`, `_2`, … `kind` is the torch class or function. Settings are tuples per axis, `None` where the
    operation has none. `output_shape` includes the batch axis; `None` where the tensor could not be followed.
    """

    name: str
    kind: str
    kernel_size: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    padding: tuple[int, ...] | None
    dilation: tuple[int, ...] | None
    output_padding: tuple[int, ...] | None
    _value: Value | Lost = field(repr=False)
    _image: tuple[int, ...] = field(repr=False)

    @property
    def output_shape(self) -> tuple[int, ...] | None:
        return None if self.reason else tuple(self._value.shape)

    @property
    def is_map(self) -> bool:
        """The output still has one tensor axis per axis of the image, and units with places of their own."""
        if isinstance(self._value, Lost) or not self._value.is_map:
            return False
        return all(a.rule is not None or not a.everything for a in self._value.axes)


class ConeStep(NamedTuple):
    """`spans`: per axis, first and last unit of this layer that the selected unit depends on."""

    name: str
    spans: tuple[tuple[int, int], ...]


class ReceptiveField(_Field):
    """The receptive field of a network's output units, or of a layer's inside it.

    `layers` is the table of all operations up to there, `notes` says in sentences what a single number hides,
    `measured` holds the gradient's answer where it was asked for.
    """

    def __init__(
        self,
        name: str | None,
        value: Value | Lost,
        channels: int,
        image: tuple[int, ...],
        layers: tuple[Layer, ...],
        named: Mapping[str, Value | Lost],
        events: Mapping[str, tuple[str, ...]],
    ):
        self.name, self._value, self.channels, self._image = name, value, channels, image
        self.layers, self._named, self._events = layers, named, events
        self.measured: MeasuredField | None = None
        self.agrees: bool | None = None

    def __repr__(self) -> str:
        if self.reason:
            return f"ReceptiveField(unavailable: {self.reason})"
        return f"ReceptiveField(size={self.size}, jump={self.jump}, start={self.start})"

    def at(self, name: str) -> ReceptiveField:
        """The field at another layer or block of the same network: any name in `layers` or in `named_modules()`."""
        if name not in self._named:
            raise ReceptiveFieldError(
                f"There is no layer {name!r} on the way to the output; names are those of named_modules()."
            )
        stop = next((i for i, x in enumerate(self.layers) if x.name == name), None)
        if stop is None:
            inside = [i for i, x in enumerate(self.layers) if x.name.startswith(name + ".")]
            stop = inside[-1] if inside else len(self.layers) - 1
        value, layers = self._named[name], self.layers[: stop + 1]
        return ReceptiveField(name, value, self.channels, self._image, layers, self._named, self._events)

    @property
    def feature_map(self) -> ReceptiveField | None:
        """The field at the last layer whose units have a place in the image: before adaptive pooling and flattening."""
        maps = [layer for layer in self.layers if layer.is_map]
        while len(maps) > 1 and "adaptive" in maps[-1].kind.lower():
            maps.pop()
        last = maps[-1].name if maps else None
        return None if last is None else self.at(last)

    def cone(self, index: int | Sequence[int]) -> tuple[ConeStep, ...]:
        """From the image (`"input"`) up to this map: which units of each layer the unit at `index` depends on.

        Layers on branches that the unit does not depend on are left out. Positions in the padding are not units.
        """
        spans = [a.cone(u) for a, u in zip(self._axes, self._index(index), strict=True)]
        steps = [ConeStep("input", tuple(_bottom(s) for s in spans))] if all(map(_bottom, spans)) else []
        for layer in self.layers:
            if isinstance(layer._value, Value) and all(a in s for a, s in zip(layer._value.axes, spans, strict=True)):
                here = tuple(s[a] for a, s in zip(layer._value.axes, spans, strict=True))
                steps.append(ConeStep(layer.name, here))
        return tuple(steps)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what `size`, `jump` and `start` do not tell; empty for a plain stack of windows."""
        if self.reason:
            return (self.reason,)
        reached = {layer.name for layer in self.layers}
        events = {kind: [n for n in names if n in reached] for kind, names in self._events.items()}
        notes = []
        if self.sees_everything and (found := events.get("everything")):
            tail = " `local` follows the windows alone." if self.local else ""
            notes.append(
                f"{_several(found)} all positions of a map at once, so every unit after that depends on "
                f"everything seen there.{tail}"
            )
        if not self.aligned and (found := events.get("unaligned")):
            notes.append(
                f"At {found[0]!r} branches meet whose jumps differ, or maps are laid end to end: size and box then "
                "depend on the unit; `size` is the widest inside this image."
            )
        if any(a.rule is not None and a.rule.period > 1 for a in self._axes):
            kinds = max(a.rule.period for a in self._axes if a.rule is not None)
            notes.append(
                f"Units take turns: {kinds} kinds of unit, whose fields differ; `size` is the widest, `box` is exact."
            )
        if any(a.rule is not None and None in a.rule.lo for a in self._axes):
            notes.append("Some units see no pixel at all: a stride larger than the kernel leaves gaps.")
        if found := events.get("folded"):
            notes.append(
                f"{found[0]!r} pads with pixels of the image, not zeros: border units see those pixels, as "
                "`box(…, clipped=True)` says."
            )
        if found := events.get("statistics"):
            notes.append(
                f"{found[0]!r} is read as in evaluation, with fixed statistics; in training it sees the whole batch."
            )
        if found := events.get("several"):
            notes.append(f"The network returns {found[0]} tensors; this is the first.")
        return tuple(notes)


def _bottom(spans: dict[Axis, tuple[int, int]]) -> tuple[int, int] | None:
    return next((span for axis, span in spans.items() if not axis.parents), None)


def _several(names: list[str]) -> str:
    return f"{names[0]!r} looks at" if len(names) == 1 else f"{names[0]!r} and {len(names) - 1} more look at"


# -- tracing


_tracing = threading.Lock()


class _Tracer(fx.Tracer):
    """Symbolic tracing that also remembers which node each module's answer is.

    While it traces, torch.fx replaces `nn.Module.__call__` and `__getattr__` for the whole process: other threads must
    pass through untouched, and two traces at once would leave the replacement behind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[str, fx.Node]] = []
        self.thread = threading.get_ident()

    def getattr(self, attr, attr_val, parameter_proxy_cache):
        if threading.get_ident() != self.thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(self, m, forward, args, kwargs):
        if threading.get_ident() != self.thread:
            return forward(*args, **kwargs)
        answer = super().call_module(m, forward, args, kwargs)
        if isinstance(answer, fx.Proxy):
            self.answers.append((self.path_of_module(m), answer.node))
        return answer


_QUIET = {
    "getattr",
    "getitem",
    "size",
    "dim",
    "contiguous",
    "detach",
    "to",
    "float",
    "chunk",
    "split",
    "unbind",
    "clone",
}


def _arguments(env: dict[fx.Node, Any], arg: Any) -> Any:
    if isinstance(arg, fx.Node):
        return env[arg]
    if isinstance(arg, (tuple, list)):
        return (
            type(arg)(_arguments(env, a) for a in arg)
            if type(arg) in (tuple, list)
            else tuple(_arguments(env, a) for a in arg)
        )
    if isinstance(arg, dict):
        return {k: _arguments(env, a) for k, a in arg.items()}
    if isinstance(arg, slice):
        return slice(*(_arguments(env, a) for a in (arg.start, arg.stop, arg.step)))
    return arg


def _holds(arg: Any, kind: type | tuple) -> Any:
    """The first `kind` inside nested arguments, or `None`."""
    if isinstance(arg, kind):
        return arg
    if isinstance(arg, dict):
        arg = tuple(arg.values())
    if isinstance(arg, (tuple, list)):
        return next((found for a in arg if (found := _holds(a, kind)) is not None), None)
    return None


def _module_reader(module: nn.Module):
    return next((MODULES[c] for c in type(module).__mro__ if c in MODULES), None)


def _read(r: Reader, node: fx.Node, modules: dict[str, nn.Module], root: nn.Module, env) -> Any:
    if node.op == "get_attr":
        return operator.attrgetter(node.target)(root)
    args, kwargs = _arguments(env, node.args), _arguments(env, node.kwargs)
    if (lost := _holds((args, kwargs), Lost)) is not None:
        return lost
    concerns = _holds((args, kwargs), Value) is not None
    if node.op == "call_module":
        module = modules[node.target]
        if not concerns:
            # A table of constants stays real where the weights are on the meta device.
            device = next((p.device for p in module.parameters()), None)
            here = [a.to(device) if isinstance(a, torch.Tensor) and device else a for a in args]
            return module(*here, **kwargs)
        reader = _module_reader(module)
        if reader is None:
            raise Unfollowed(f"layers of the kind {type(module).__name__} are not followed")
        return reader(r, module, *args, **kwargs)
    if node.op == "call_method":
        if isinstance(args[0], Value):
            if node.target == "size":
                return args[0].shape[args[1]] if len(args) > 1 else args[0].shape
            if node.target in ("dim", "ndimension"):
                return len(args[0].dims)
        elif not concerns:
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        name = node.target
    else:
        if not concerns:
            return node.target(*args, **kwargs)
        name = getattr(node.target, "__name__", str(node.target))
        if name == "getattr":
            shape = args[0].shape
            return {"shape": shape, "ndim": len(shape), "dtype": torch.float32, "device": torch.device("cpu")}[args[1]]
        if name == "getitem" and not isinstance(args[0], Value):
            return args[0][args[1]]
        if name in ("_assert", "eq", "ne", "lt", "gt", "le", "ge"):
            return None
    reader = FUNCTIONS.get(name)
    if reader is None:
        raise Unfollowed(f"{name}() is not followed")
    return reader(r, *args, **kwargs)


def _owner(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack")
    return next(reversed(stack.values()))[0] if stack else ""


def _label(node: fx.Node, modules, taken: dict[str, int]) -> tuple[str, str]:
    """Name and kind of a node's layer; names as torchvision's `get_graph_node_names` gives them."""
    if node.op == "call_module":
        name, kind = node.target, type(modules[node.target]).__name__
    else:
        kind = node.target if node.op == "call_method" else getattr(node.target, "__name__", str(node.target))
        kind = {"iadd": "add", "imul": "mul", "isub": "sub"}.get(kind, kind)
        owner = _owner(node)
        name = f"{owner}.{kind}" if owner else kind
    count = taken.get(name, 0)
    taken[name] = count + 1
    return (f"{name}_{count}" if count else name), kind


def receptive_field(
    module: nn.Module, input_shape: Sequence[int], *, layer: str | None = None, measured: bool = False
) -> ReceptiveField:
    """The receptive field of a network's output units, read from its graph.

    Args:
        module: any `nn.Module` that `torch.fx` can trace; it is neither run nor changed, and may be on the meta device.
        input_shape: `(N, C, *spatial)` with 1, 2 or 3 spatial axes, batch axis included.
        layer: stop there: a name in `named_modules()`, or one of `layers`. Default: the network's output.
        measured: also ask the gradient (`measure_field`); fills `.measured`, and `.agrees` for regular fields.

    Raises:
        ReceptiveFieldError: the network cannot be traced, a layer does not fit, or there is no such layer.

    >>> receptive_field(nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2)), (1, 3, 32, 32)).size
    (4, 4)
    """
    field_ = _trace(module, tuple(int(n) for n in input_shape), layer)
    if measured and not field_.reason:
        inside = layer is None or layer in dict(module.named_modules())
        where = (module, layer) if inside else (subnetwork(module, layer), None)
        field_.measured = measure_field(where[0], input_shape, where[1])
        field_.agrees = _agrees(module, field_, layer)
    return field_


def subnetwork(module: nn.Module, layer: str) -> nn.Module:
    """The network up to a layer or function call, by its name in `layers` or in `named_modules()`; weights are shared.

    Raises:
        ReceptiveFieldError: the network cannot be traced, or there is no such layer.
    """
    module = _root(module)
    tracer, graph = _graph(module)
    modules, taken = dict(module.named_modules()), {}
    found = None
    for node in graph.nodes:
        if node.op in ("call_module", "call_function", "call_method") and _label(node, modules, taken)[0] == layer:
            found = node
            break
    found = found or next((node for path, node in tracer.answers if path == layer), None)
    if found is None:
        raise ReceptiveFieldError(f"There is no layer {layer!r} in this network; names are those of named_modules().")
    next(node for node in graph.nodes if node.op == "output").args = (found,)
    for node in reversed(graph.nodes):
        if not node.users and node.op not in ("placeholder", "output"):
            graph.erase_node(node)
    return fx.GraphModule(module, graph)


def _root(module: nn.Module) -> nn.Module:
    """A single torch layer is put in a Sequential, so that it is read as a layer and not as the calls inside it."""
    return nn.Sequential(module) if fx.Tracer().is_leaf_module(module, "") else module


def _graph(module: nn.Module) -> tuple[_Tracer, fx.Graph]:
    tracer = _Tracer()
    try:
        with _tracing:
            return tracer, tracer.trace(module)
    except Exception as error:  # whatever a network's own forward raises while torch.fx leads it
        raise ReceptiveFieldError(
            f"torch.fx cannot trace {type(module).__name__} ({first_line(error)}). A forward() whose path "
            "depends on the values in its tensors cannot be drawn as a graph."
        ) from error


def _trace(module: nn.Module, shape: tuple[int, ...], layer: str | None) -> ReceptiveField:
    if not 3 <= len(shape) <= 5 or min(shape) < 1:
        raise ReceptiveFieldError(
            f"input_shape is (batch, channels, then 1 to 3 spatial axes), all at least 1; got {list(shape)}."
        )
    module = _root(module)
    tracer, graph = _graph(module)
    modules = dict(module.named_modules())
    stop = None
    if layer is not None:
        stop = next((node for path, node in tracer.answers if path == layer), None)
    image = shape[2:]
    start = {n: rf_axis.image(n) for n in image}  # equal axes share their arithmetic
    env: dict[fx.Node, Any] = {}
    reader, taken, layers = Reader(), {}, []
    named: dict[str, Any] = {}
    output: Any = None
    fed = False
    for node in graph.nodes:
        if node.op == "placeholder":
            if not fed:
                dims = (*(((n, None),) for n in shape[:2]), *(((n, i),) for i, n in enumerate(image)))
                env[node], fed = Value(dims, tuple(start[n] for n in image)), True
            else:
                env[node] = node.args[0] if node.args else None
            continue
        if node.op == "output":
            output = _arguments(env, node.args[0])
            break
        reader.name, reader.kind = ("", "") if node.op == "get_attr" else _label(node, modules, taken)
        reader.settings = {}
        try:
            value = _read(reader, node, modules, module, env)
        except Unfollowed as why:
            value = Lost(
                f"From {reader.name!r} ({reader.kind}) on the field is not available: {why}. Layers before it are."
            )
        except (TypeError, KeyError, AttributeError, IndexError, ZeroDivisionError, RuntimeError) as error:
            value = Lost(
                f"From {reader.name!r} ({reader.kind}) on the field is not available: "
                f"{first_line(error)}. Layers before it are."
            )
        env[node] = value
        held = _holds(value, (Value, Lost))
        if held is not None and reader.kind not in _QUIET:
            s = reader.settings.get
            layers.append(
                Layer(
                    reader.name, reader.kind, s("kernel_size"), s("stride"), s("padding"), s("dilation"),
                    s("output_padding"), held, image,
                )
            )  # fmt: skip
            named[reader.name] = held
        if node is stop or (layer is not None and stop is None and reader.name == layer):
            output = value
            break
    for path, node in tracer.answers:
        if node in env and (held := _holds(env[node], (Value, Lost))) is not None:
            named.setdefault(path, held)
    if layer is not None and layer not in named:
        raise ReceptiveFieldError(f"There is no layer {layer!r} in this network; names are those of named_modules().")
    if layer is None and isinstance(output, (tuple, list, dict)):
        found = [v for v in (output.values() if isinstance(output, dict) else output) if isinstance(v, (Value, Lost))]
        if len(found) > 1:
            reader.events["several"] = (str(len(found)),)
    result = _holds(output, (Value, Lost))
    if result is None:
        raise ReceptiveFieldError("The network's output does not depend on its input.")
    return ReceptiveField(layer, result, shape[1], image, tuple(layers), named, reader.events)


def _agrees(module: nn.Module, traced: ReceptiveField, layer: str | None) -> bool | None:
    """Traced against measured at the lengths that the measurement took; `None` where either has no single number."""
    measured = traced.measured
    if measured is None or None in measured.size or traced.sees_everything or not traced.aligned:
        return None
    there = _trace(module, (1, traced.channels, *measured.lengths), layer)
    return (there.size, there.jump, there.start) == (measured.size, measured.jump, measured.start)
