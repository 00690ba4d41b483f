"""The graph of a network, read node by node; the package says how."""

from __future__ import annotations

import operator
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.fx.node import map_arg

from models.device import private_copy
from models.errors import ReceptiveFieldError, first_line
from models.measure import blank, kind_of, quicken, same_shape
from models.parse import FollowsShape, ParseError, Pasted, line_of
from models.parse.calls import RUNNING
from models.receptive_field import axis as rf_axis
from models.receptive_field import layout, windows  # noqa: F401 (they register their readers)
from models.receptive_field.field import LayerField, ReceptiveField
from models.receptive_field.probe import measure_field
from models.receptive_field.reader import FUNCTIONS, MODULES, Lost, Reader, Unfollowed, Value

_tracing = threading.Lock()


class _Tracer(fx.Tracer):
    """Symbolic tracing that also remembers which node each module's answer is.

    While it traces, torch.fx replaces `nn.Module.__call__` and `__getattr__` for the whole process: other threads must
    pass through untouched, and two traces at once would leave the replacement behind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[str, fx.Node]] = []
        self.misfit = ""
        """Why the last node of the graph does not take what reaches it, where the graph ends there."""
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


class _Misfit(RuntimeError):
    """An operation refused what it was given; it is the last node of the graph."""


class _Shaped(fx.Proxy):
    """A proxy that knows its shape, so that a forward may look at it."""

    def __getattr__(self, name):
        value = self.node.meta["value"]
        if name in ("shape", "ndim", "dtype", "device") and isinstance(value, torch.Tensor):
            return getattr(value, name)
        return super().__getattr__(name)

    def __len__(self):
        return len(self.node.meta["value"])

    def __iter__(self):
        return (self[at] for at in range(len(self)))  # pyright: ignore[reportIndexIssue]


Mend = Callable[["ShapedTracer", fx.Node], fx.Proxy | None]
"""Asked at each call while a network is traced: what is written down in its place, or None."""


class ShapedTracer(_Tracer):
    """Tracing of a network for one input shape: each operation runs on the meta device as it is written down.

    A forward that is interpreted may ask for shapes and choose its path by them; each node knows its line of the text.
    """

    proxy_buffer_attributes = True

    def __init__(self, shape: tuple[int, ...], mend: Mend | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.mend = mend
        self.running = False

    def create_args_for_root(self, root_fn, is_module, concrete_args=None):
        if isinstance(self.root, Pasted):
            inputs = self.root.inputs().items() if self.root._others else [(self.root.asks()[0], 0)]
            names = [f"{name}[{at}]" if part else name for name, part in inputs for at in range(max(1, part))]
            fed = [self.create_proxy("placeholder", name, (), {}) for name in names]
            return root_fn, [self.root, *(self.root.arranged(fed) if self.root._others else fed)]
        return super().create_args_for_root(root_fn, is_module, concrete_args)

    def proxy(self, node):
        return _Shaped(node, self)

    def create_proxy(self, kind, target, args, kwargs, name=None, type_expr=None, proxy_factory_fn=None):
        proxy = super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn)
        node = proxy.node
        running = RUNNING.get()
        layer = self.root.get_submodule(str(target)) if kind == "call_module" else None
        node.meta["line"] = (line_of(layer) if layer is not None else 0) or (running.line if running else 0)
        if self.mend is not None and kind.startswith("call"):
            mend, self.mend = self.mend, None
            instead = mend(self, node)
            self.mend = mend
            if instead is not None:
                self.graph.erase_node(node)
                return instead
        self.running = True
        try:
            value = self._value(node)
        except Exception as error:  # an operation refuses with whatever it likes
            raise _Misfit(first_line(error)) from error
        finally:
            self.running = False
        if _holds(value, torch.Tensor) is None:
            self.graph.erase_node(node)
            return value
        node.meta["value"] = value
        return proxy

    def _value(self, node: fx.Node) -> Any:
        target: Any = node.target
        args, kwargs = map_arg((node.args, dict(node.kwargs)), self._known)
        if node.op == "placeholder":
            fed = sum(1 for other in self.graph.nodes if other.op == "placeholder") - 1
            others = others_of(self.root)
            if 0 < fed <= len(others):
                return others[fed - 1]
            return (args[0] if args else None) if fed else blank(self.root, self.shape)
        if node.op == "get_attr":
            return operator.attrgetter(target)(self.root)
        if node.op == "call_module":
            return self.root.get_submodule(target).forward(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], target)(*args[1:], **kwargs)
        return args[0] if same_shape(target, args, kwargs) else target(*args, **kwargs)

    def _known(self, node: fx.Node) -> Any:
        if "value" not in node.meta:  # a constant that forward makes
            node.meta["value"] = operator.attrgetter(str(node.target))(self.root)
        return node.meta["value"]

    def getattr(self, attr, attr_val, parameter_proxy_cache):
        return attr_val if self.running else super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(self, m, forward, args, kwargs):
        return forward(*args, **kwargs) if self.running else super().call_module(m, forward, args, kwargs)


_NAMES = "getattr getitem size dim contiguous detach to float chunk split unbind clone"
_QUIET = frozenset(_NAMES.split())
_SETTINGS = ("kernel_size", "stride", "padding", "dilation", "output_padding")


def _holds(arg: Any, kind: type | tuple) -> Any:
    """The first `kind` inside nested arguments, or `None`; what a `Value` is made of holds none."""
    if isinstance(arg, kind):
        return arg
    if isinstance(arg, Value):
        return None
    if isinstance(arg, dict):
        arg = tuple(arg.values())
    if isinstance(arg, (tuple, list)):
        return next((found for a in arg if (found := _holds(a, kind)) is not None), None)
    return None


def _values(arg: Any, env: dict[fx.Node, Any]) -> Any:
    """What a node is given, nodes replaced by their values."""
    return map_arg(arg, env.__getitem__)


def _read(r: Reader, node: fx.Node, modules: dict[str, nn.Module], root: nn.Module, env) -> Any:
    target: Any = node.target  # torch's own type does not tell a name from a function
    if node.op == "get_attr":
        return operator.attrgetter(target)(root)
    args, kwargs = _values((node.args, dict(node.kwargs)), env)
    if (lost := _holds((args, kwargs), Lost)) is not None:
        return lost
    concerns = _holds((args, kwargs), Value) is not None
    if node.op == "call_module":
        module = modules[target]
        if not concerns:
            # A table of constants stays real where the weights are on the meta device.
            device = next((p.device for p in module.parameters()), None)
            here = [a.to(device) if isinstance(a, torch.Tensor) and device else a for a in args]
            if isinstance(module, nn.Embedding):
                here = [a.long() for a in here]
            return module(*here, **kwargs)
        reader = next((MODULES[kind] for kind in type(module).__mro__ if kind in MODULES), None)
        if reader is None:
            raise Unfollowed(f"layers of the kind {type(module).__name__} are not followed")
        return reader(r, module, *args, **kwargs)
    if node.op == "call_method":
        if isinstance(args[0], Value):
            if target == "size":
                return args[0].shape[args[1]] if len(args) > 1 else args[0].shape
            if target in ("dim", "ndimension"):
                return len(args[0].dims)
        elif not concerns:
            return getattr(args[0], target)(*args[1:], **kwargs)
        name = target
    else:
        if not concerns:
            return target(*args, **kwargs)
        name = getattr(target, "__name__", str(target))
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


def label_of(node: fx.Node, modules, taken: dict[str, int]) -> tuple[str, str]:
    """Name and kind of a node's layer; names as torchvision's `get_graph_node_names` gives them, counted in `taken`."""
    name = kind = str(node.target)
    if node.op == "call_module":
        kind = kind_of(modules[name])
    else:
        kind = getattr(node.target, "__name__", kind)
        kind = {"iadd": "add", "imul": "mul", "isub": "sub"}.get(kind, kind)
        stack = node.meta.get("nn_module_stack")
        owner = next(reversed(stack.values()))[0] if stack else ""
        name = f"{owner}.{kind}" if owner else kind
    count = taken.get(name, 0)
    taken[name] = count + 1
    return (f"{name}_{count}" if count else name), kind


def receptive_field(
    module: nn.Module,
    input_shape: Sequence[int],
    *,
    layer: str | None = None,
    measured: bool = False,
    traced: tuple[_Tracer, fx.Graph] | None = None,
) -> ReceptiveField:
    """The receptive field of a network's output units, read from its graph.

    Args:
        module: any `nn.Module` that `torch.fx` can trace; it is neither run nor changed, and may be on the meta device.
        input_shape: `(N, C, *spatial)` with 1, 2 or 3 spatial axes, batch axis included.
        layer: stop there: a name in `named_modules()`, or one of `layers`. Default: the network's output.
        measured: also ask the gradient (`measure_field`); fills `.measured`, and `.agrees` for regular fields.
        traced: what `graph_of` answered for this network and shape, if it is there already.

    Raises:
        ReceptiveFieldError: the network cannot be traced, a layer does not fit, or there is no such layer.

    >>> receptive_field(nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2)), (1, 3, 32, 32)).size
    (4, 4)
    """
    field_ = _trace(module, tuple(int(n) for n in input_shape), layer, traced)
    if measured and not field_.reason:
        if layer is None or layer in dict(module.named_modules()):
            field_.measured = measure_field(module, input_shape, layer)
        else:
            alone = subnetwork(module, layer, (1, *input_shape[1:]))
            try:
                field_.measured = measure_field(alone, input_shape)
            except (RuntimeError, LookupError) as error:
                raise ReceptiveFieldError(f"The network does not run on other sizes: {first_line(error)}.") from error
        field_.agrees = _agrees(module, field_, layer)
    return field_


def subnetwork(module: nn.Module, layer: str, input_shape: Sequence[int] | None = None) -> nn.Module:
    """The network up to a layer or function call, by its name in `layers` or in `named_modules()`; weights are shared.

    input_shape: only a pasted network needs it, whose forward may depend on it; what comes out runs for that shape.

    Raises:
        ReceptiveFieldError: the network cannot be traced, or there is no such layer.
    """
    module = rooted(module)
    tracer, graph = graph_of(module, input_shape)
    modules, taken = dict(module.named_modules()), {}
    found = None
    for node in graph.nodes:
        if node.op in ("call_module", "call_function", "call_method") and label_of(node, modules, taken)[0] == layer:
            found = node
            break
    found = found or next((node for path, node in tracer.answers if path == layer), None)
    if found is None:
        raise ReceptiveFieldError(f"There is no layer {layer!r} in this network; names are those of named_modules().")
    end = next((node for node in graph.nodes if node.op == "output"), None) or graph.output(found)
    end.args = (found,)
    for node in reversed(graph.nodes):
        if node.op == "placeholder":
            node.target = node.name  # a name of one of several tensors in a tuple is none of Python's
        elif not node.users and node.op != "output":
            graph.erase_node(node)
    # Constants that a forward makes stand in the tracer's own copy alone.
    targets = {str(node.target) for node in graph.nodes if node.op in ("call_module", "get_attr")}
    parts = {name: operator.attrgetter(name)(tracer.root) for name in targets if hasattr(tracer.root, name)}
    try:
        return fx.GraphModule(parts | _parts(module, targets) if parts else module, graph)
    except SyntaxError:
        raise ReceptiveFieldError("A layer is named by a word of Python's own, such as in; rename it.") from None


def _parts(module: nn.Module, names: set[str]) -> dict[str, Any]:
    found = {}
    for name in names:
        try:
            found[name] = operator.attrgetter(name)(module)
        except AttributeError:
            continue
    return found


def rooted(module: nn.Module) -> nn.Module:
    """A single torch layer is put in a Sequential, so that it is read as a layer and not as the calls inside it."""
    return nn.Sequential(module) if fx.Tracer().is_leaf_module(module, "") else module


def graph_of(
    module: nn.Module, input_shape: Sequence[int] | None = None, mend: Mend | None = None
) -> tuple[_Tracer, fx.Graph]:
    """A network's graph, and the tracer, which knows each module's answer.

    A pasted network is traced for one input shape, as each is that is mended on the way. Where an operation does not
    take it, the graph ends there: it has no output then.

    Raises:
        ReceptiveFieldError: it cannot be traced; the sentence says why.
        ParseError: a line of a pasted forward is not read, or itself refuses the shape.
    """
    if mend is not None or is_pasted(module):
        _one_input(module)
        if input_shape is None:
            raise ReceptiveFieldError("A pasted network is traced for an input shape: give input_shape.")
        tracer: _Tracer = ShapedTracer(tuple(input_shape), mend)
        module = private_copy(module, torch.device("meta")).eval()
        quicken(module)
    else:
        tracer = _Tracer()
    try:
        with _tracing, torch.no_grad():
            return tracer, tracer.trace(module)
    except _Misfit as misfit:
        tracer.misfit = str(misfit)
        return tracer, tracer.graph
    except ParseError:
        raise
    except Exception as error:  # whatever a network's own forward raises while torch.fx leads it
        raise ReceptiveFieldError(
            f"torch.fx cannot trace {type(module).__name__} ({first_line(error)}). A forward() whose path "
            "depends on the values in its tensors cannot be drawn as a graph."
        ) from error


def others_of(module: nn.Module) -> list[torch.Tensor]:
    """What a pasted network is given after its first input, where each has a shape of its own."""
    device = next((p.device for p in module.parameters()), torch.device("meta"))
    return module.others(device) if isinstance(module, Pasted) else []


def is_pasted(module: nn.Module) -> bool:
    """Whether something of pasted text is in it that is traced for one input shape."""
    return any(isinstance(part, FollowsShape) for part in module.modules())


def _one_input(module: nn.Module) -> None:
    if isinstance(module, Pasted) and not module.asks():
        raise ReceptiveFieldError("forward() asks for nothing; write forward(self, x).")


def _trace(
    module: nn.Module, shape: tuple[int, ...], layer: str | None, traced: tuple[_Tracer, fx.Graph] | None = None
) -> ReceptiveField:
    if not 3 <= len(shape) <= 5 or min(shape) < 1:
        raise ReceptiveFieldError(
            f"input_shape is (batch, channels, then 1 to 3 spatial axes), all at least 1; got {list(shape)}."
        )
    module = rooted(module)
    tracer, graph = traced or graph_of(module, shape)
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
    fed, others = False, others_of(module)
    for node in graph.nodes:
        if node.op == "placeholder":
            if not fed:
                dims = (*(((n, None),) for n in shape[:2]), *(((n, i),) for i, n in enumerate(image)))
                env[node], fed = Value(dims, tuple(start[n] for n in image)), True
            else:
                env[node] = others.pop(0) if others else node.args[0] if node.args else None
            continue
        if node.op == "output":
            output = _values(node.args[0], env)
            break
        reader.name, reader.kind = ("", "") if node.op == "get_attr" else label_of(node, modules, taken)
        reader.settings = {}
        try:
            value = _read(reader, node, modules, tracer.root, env)
        except AssertionError as error:  # a network that demands a size, and names what torch.fx gave it
            said = re.sub(r",? but got Proxy\(\w+\)", "", str(error))
            raise ReceptiveFieldError(f"The network itself refuses this size of image: {said}") from error
        except (Unfollowed, TypeError, LookupError, AttributeError, ZeroDivisionError, RuntimeError) as error:
            kind = f" ({reader.kind})" if reader.kind != reader.name else ""
            value = Lost(
                f"From {reader.name!r}{kind} on the field is not available: {first_line(error)}. Layers before it have "
                "their fields."
            )
        env[node] = value
        held = _holds(value, (Value, Lost))
        if held is not None and reader.kind not in _QUIET:
            settings = {setting: reader.settings.get(setting) for setting in _SETTINGS}
            layers.append(LayerField(reader.name, reader.kind, **settings, _value=held, _image=image))
            named[reader.name] = held
        if node is stop or (layer is not None and stop is None and reader.name == layer):
            output = value
            break
    for path, node in tracer.answers:
        if node in env and (held := _holds(env[node], (Value, Lost))) is not None:
            named.setdefault(path, held)
    if layer is not None and layer not in named:
        raise ReceptiveFieldError(f"There is no layer {layer!r} in this network; names are those of named_modules().")
    if layer is None and not any(node.op == "output" for node in graph.nodes):
        raise ReceptiveFieldError(f"{reader.name!r} ({reader.kind}) does not take what reaches it: {tracer.misfit}.")
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
