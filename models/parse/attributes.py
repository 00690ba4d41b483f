"""What stands behind a dot: from the tables, and from what the text itself has set; never from the object alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import fx, nn

from models.parse import functions, methods, modules, patterns, python, torchvision_models
from models.parse.refusals import refuse_name
from models.parse.values import (
    Bound,
    Class,
    Function,
    Instance,
    Known,
    LayerClass,
    Layers,
    Method,
    Namespace,
    Nothing,
    Parent,
    is_tensor,
    real_base,
    written_attribute,
)
from models.parse.words import ParseError, quotable

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter

TABLE: dict[str, Any] = {
    **functions.TABLE,
    **python.MODULES_OF_PYTHON,
    **methods.METHOD_TABLE,
    **patterns.PATTERN_TABLE,
}
"""The allow-list: what each dotted name stands for."""

_METHODS: tuple[tuple[type, dict[str, Callable]], ...] = (
    (str, python.TEXT_METHODS),
    (list, python.LIST_METHODS),
    (tuple, python.TUPLE_METHODS),
    (Layers, {name: python.DICT_METHODS[name] for name in ("keys", "values", "items", "get")}),
    (dict, python.DICT_METHODS),
)


def resolve(it: Interpreter, path: str) -> Any:
    """What a dotted name of Python's or torch's modules stands for."""
    path = functions.canonical(path)
    if path in TABLE:
        return TABLE[path]
    return torchvision_models.at(path) or Namespace(path)


def attribute(it: Interpreter, owner: Any, name: str) -> Any:
    """`owner.name`, from the tables and from what the text has set."""
    if name.startswith("__") and name not in ("__init__", "__name__", "__version__", "__call__"):
        found = written_attribute(type(owner), name)
        if found is None or not isinstance(owner, (nn.Module, Instance)):
            raise ParseError(f'the name "{quotable(name)}" is not read here.', it.line, name)
    if isinstance(owner, Namespace):
        return _of_namespace(it, owner, name)
    if isinstance(owner, (nn.Module, Instance)) and name == "__name__":
        return type(owner).__name__  # what the text writes as m.__class__.__name__
    if isinstance(owner, nn.Module):
        return _of_module(it, owner, name)
    if isinstance(owner, Instance):
        if name in owner._own:
            return owner._own[name]
        if found := written_attribute(type(owner), name):
            return _bind(it, found[0], owner)
    elif isinstance(owner, Class):
        if found := written_attribute(owner.kind, name):
            return found[0] if not _is_class_method(found[0]) else Method(found[0], owner)
        if name == "__init__" and owner.makes_modules:
            return Bound("__init__", lambda it, obj, *a, **k: it.base_init(obj, list(a), k))
    elif isinstance(owner, Parent):
        return _of_parent(it, owner, name)
    elif isinstance(owner, LayerClass):
        return _of_layer_class(it, owner, name)
    elif is_tensor(owner):
        return _of_tensor(it, owner, name)
    elif isinstance(owner, Nothing):
        return Nothing(f"{owner.name}.{name}")
    elif isinstance(owner, Known) and name == "__name__":
        return owner.name
    elif isinstance(owner, python.Partial) and name == "func":
        return owner.func
    else:
        for kind, table in _METHODS:
            if isinstance(owner, kind) and name in table and (kind is not dict or not isinstance(owner, Layers)):
                return _bound(name, table[name], owner)
        if isinstance(owner, tuple) and name in ("values", "indices") and len(owner) == 2:
            return owner[name == "indices"]
    if isinstance(owner, (int, float)) or owner is None:
        told = f'attribute access at "{quotable(name)}" is not read here.'
        raise ParseError(told, it.line, name) if hasattr(type(owner), name) else it.raises(AttributeError, told, name)
    if isinstance(owner, Known) and owner.name == "super":
        raise ParseError(f"super stands without brackets; write super().{quotable(name)}(...).", it.line, name)
    what = owner.name if isinstance(owner, (Class, Function, Known)) else type(owner).__name__.lower()
    raise ParseError(
        f'"{quotable(name)}" of {quotable(what)} is not read here; {functions.instead(name)}.', it.line, name
    )


def _of_namespace(it: Interpreter, owner: Namespace, name: str) -> Any:
    found = it.resolve(f"{owner.path}.{name}")
    if isinstance(found, Namespace) and owner.path in ("torch.nn", "torch.nn.functional"):
        deeper = any(path.startswith(f"{found.path}.") for path in TABLE) or name in (
            "modules",
            "utils",
            "intrinsic",
        )
        if not deeper:
            raise refuse_name(name, it.line, it.printed, it.script, owner.path)
    return found


def _bind(it: Interpreter, found: Any, owner: Any) -> Any:
    if not isinstance(found, Function) or found.role == "static":
        return found
    if found.role == "property":
        return it.call_function(found, [owner], {})
    return Method(found, type(owner)._written if found.role == "class" else owner)


def _of_module(it: Interpreter, owner: nn.Module, name: str) -> Any:
    own = owner.__dict__.get("_own")
    if own is not None and name in own:
        return own[name]
    if own is not None and (found := written_attribute(type(owner), name)) is not None:
        return _bind(it, found[0], owner)
    there, value = modules.registered(owner, name)
    if there:
        return value
    if name == "_modules":
        modules.check_ready(it, owner)
        return it.checked(Layers(owner))
    if name == "__call__":
        name = "forward"
    if (method := methods.method_of(owner, name)) is not None:
        return _bound(name, method, owner, deaf=method is methods.itself)
    if name in functions.REFUSED_METHODS:
        raise functions.unknown(name, it.line)
    modules.check_ready(it, owner)
    raise modules.missing(it, owner, name)


def _of_parent(it: Interpreter, owner: Parent, name: str) -> Any:
    if found := written_attribute(type(owner.owner), name, owner.after):
        return _bind(it, found[0], owner.owner)
    if name == "__init__":
        return Bound("__init__", lambda it, *args, **kwargs: it.base_init(owner.owner, list(args), kwargs))
    if name == "forward" and isinstance(owner.owner, nn.Module) and real_base(type(owner.owner)) is not nn.Module:
        base = real_base(type(owner.owner))
        return Bound("forward", lambda it, *args, **kwargs: it.run_real(base.forward, owner.owner, args, kwargs))
    if isinstance(owner.owner, nn.Module) and (method := methods.method_of(owner.owner, name)) is not None:
        return _bound(name, method, owner.owner)
    raise ParseError(f'super() has no "{quotable(name)}" that is read here.', it.line, name)


def _of_layer_class(it: Interpreter, owner: LayerClass, name: str) -> Any:
    if name == "__name__":
        return owner.name
    if name == "__init__":
        return Bound("__init__", lambda it, obj, *args, **kwargs: it.base_init(obj, list(args), kwargs))
    if name == "forward":
        return Bound("forward", lambda it, obj, *args, **kwargs: it.run_real(owner.kind.forward, obj, args, kwargs))
    raise ParseError(f'"{quotable(name)}" of nn.{owner.name} is not read here.', it.line, name)


def _of_tensor(it: Interpreter, owner: Any, name: str) -> Any:
    known = owner.node.meta["value"] if isinstance(owner, fx.Proxy) else owner
    if isinstance(known, (tuple, list)):
        if name in ("values", "indices"):
            return it.index(owner, int(name == "indices"))
    elif name == "shape":
        return it.shape_of(owner)
    elif name in ("ndim", "dtype", "requires_grad"):
        return getattr(known, name)
    elif name in ("device", "is_cuda", "grad"):
        return Nothing("device") if name == "device" else None
    elif name in methods.TENSOR_ATTRIBUTES:
        if name == "data":
            return owner if isinstance(owner, fx.Proxy) else owner.detach()
        return it.tensor_call(name, lambda x: getattr(x, name), [owner], {})
    elif name in methods.MOVES:
        return Bound(name, lambda it, *args, **kwargs: methods.moved(it, owner, name, list(args), kwargs))
    elif name in ("item", "tolist"):
        return Bound(name, lambda it: it.plain(owner))
    elif name in functions.TENSOR_METHODS:
        return Bound(name, lambda it, *args, **kwargs: it.tensor_method(owner, name, list(args), kwargs))
    raise ParseError(f'"{quotable(name)}" of a tensor is not read here; {functions.instead(name)}.', it.line, name)


def _bound(name: str, method: Callable, owner: Any, deaf: bool = False) -> Bound:
    return Bound(name, lambda it, *args, **kwargs: method(it, owner, *args, **kwargs), deaf)


def _is_class_method(found: Any) -> bool:
    return isinstance(found, Function) and found.role == "class"
