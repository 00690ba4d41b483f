"""Calls: of the text's functions and classes, of layers, and of torch; all within the budget."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from models.parse import functions, modules, torchvision_models
from models.parse.modules import Pasted
from models.parse.values import (
    MAX_ITEMS,
    SMALL,
    Bound,
    Break,
    Class,
    Continue,
    Function,
    Instance,
    Known,
    LayerClass,
    Method,
    Namespace,
    Nothing,
    Return,
    Scope,
    is_tensor,
    real_base,
    tensors_in,
    written_attribute,
)
from models.parse.words import Outside, ParseError, quotable

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter

MAX_CALLS = 32
MAX_NUMBERS = 2**28

RUNNING: ContextVar[Any] = ContextVar("pasted network that runs", default=None)

_REFUSALS = (TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, StopIteration)
"""How torch and Python say that they do not take something, besides ValueError and RuntimeError."""


def call(it: Interpreter, function: Any, args: list[Any], kwargs: dict[str, Any], name: str = "this") -> Any:
    """What a function, class, layer or network answers."""
    it.spend(2)
    if isinstance(function, Function):
        return it.call_function(function, args, kwargs)
    if isinstance(function, Method):
        return it.call_function(function.function, [function.owner, *args], kwargs)
    if isinstance(function, Class):
        return it.make(function, args, kwargs)
    if isinstance(function, LayerClass):
        return it.make_layer(function, args, kwargs)
    if isinstance(function, nn.Module):
        return it.call_module(function, args, kwargs)
    if isinstance(function, (Known, Bound)):
        return _call_known(it, function, args, kwargs)
    if isinstance(function, Instance) and (found := written_attribute(type(function), "__call__")):
        return it.call_function(found[0], [function, *args], kwargs)
    if isinstance(function, Nothing):
        return Nothing(function.name)
    if isinstance(function, Namespace):
        if function.path.partition(".")[0] in functions.MEASURES:
            return Nothing(function.path)
        where, _, name = function.path.rpartition(".")
        if where == "torchvision.models" and torchvision_models.misspelt(name):
            raise torchvision_models.absent(name, it.line)
        raise functions.unknown(function.path, it.line)
    raise ParseError(f'"{quotable(name)}" is called but is no function.', it.line, name)


def _call_known(it: Interpreter, function: Known | Bound, args: list[Any], kwargs: dict[str, Any]) -> Any:
    line = it.line
    try:
        if isinstance(function, Bound) or not function.alone:
            return function.call(it, *args, **kwargs)
        if function.name.startswith(("torch.", "F.", "nn.")):
            if wrong := functions.check_settings(function.name.rpartition(".")[2], tuple(args), kwargs):
                raise ParseError(f"in {function.name}, {wrong}.", line, function.name)
            if function.name in functions.FACTORIES:
                return _constant_tensor(it, function, args, kwargs)
            return it.tensor_call(function.name, function.call, args, kwargs)
        return function.call(*args, **kwargs)
    except (ParseError, Return, Break, Continue, RecursionError):
        raise
    except _REFUSALS as error:
        raise it.refused(function.name, error, line) from None
    except (ValueError, RuntimeError) as error:
        if it.building and not it.inside:
            raise it.refused(function.name, error, line) from None
        raise


def _constant_tensor(it: Interpreter, function: Known, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`torch.zeros` and the like: small ones are worked out, larger ones live where the network does."""
    if any(isinstance(each, fx.Proxy) for each in tensors_in([args, kwargs])):
        return it.tensor_call(function.name, function.call, args, kwargs)
    kwargs = {key: value for key, value in kwargs.items() if key not in ("device", "requires_grad", "out")}
    like = tensors_in(args)
    device = like[0].device if like else it.device
    with torch.device("meta"):
        blank = it.tensor_call(function.name, function.call, [_on_meta(each) for each in args], kwargs)
    random = "rand" in function.name
    if it.building and not random and isinstance(blank, torch.Tensor) and blank.numel() <= SMALL and not like:
        device = torch.device("cpu")
    if device.type == "meta":
        return blank
    with torch.device(device):
        return function.call(*args, **kwargs)


def tensor_method(it: Interpreter, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name == "size":
        shape = it.shape_of(owner)
        return shape[args[0] if args else kwargs["dim"]] if args or kwargs else shape
    if name in ("dim", "ndimension"):
        return len(it.shape_of(owner))
    if name in ("numel", "nelement"):
        return math.prod(it.shape_of(owner))
    if name in ("normal_", "uniform_", "fill_", "zero_", "copy_") and isinstance(owner, fx.Proxy):
        raise ParseError(f'"{name}" in forward is not drawn; make a new tensor.', it.line, name)
    call = operator.methodcaller
    return it.tensor_call(name, lambda x, *a, **k: call(name, *a, **k)(x), [owner, *args], kwargs)


def tensor_call(it: Interpreter, name: str, function: Callable, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What torch answers, at most so many numbers."""
    it.spend(30 if it.building else 100)
    for each in (*args, *kwargs.values()):
        if isinstance(each, (list, tuple)) and len(each) > MAX_ITEMS:
            it.check_length(len(each))
    try:
        args, kwargs = [_for_torch(each) for each in args], {key: _for_torch(each) for key, each in kwargs.items()}
    except TypeError as error:
        raise it.refused(name, error) from None
    tensors = tensors_in([args, kwargs])
    real = [each for each in tensors if isinstance(each, torch.Tensor)]
    if len(real) == len(tensors) and len({each.device.type for each in real}) > 1:
        place = next(each.device for each in real if each.device.type != "cpu")
        args, kwargs = _to(args, place), _to(kwargs, place)
    if it.building and name in functions.PRODUCTS:
        it.spend(math.prod(math.prod(it.shape_of(each)) for each in tensors[:2]) // 10_000)
    try:
        result = function(*args, **kwargs)
    except (ParseError, RecursionError):
        raise
    except (ValueError, RuntimeError) as error:
        if it.building and not it.inside:
            raise it.refused(name, error) from None
        raise
    except _REFUSALS as error:
        raise it.refused(name, error) from None
    return _weighed(it, result, name)


def _weighed(it: Interpreter, result: Any, name: str) -> Any:
    """What torch answered, if it is not too large; a constant that is no longer small keeps its shape alone."""
    if isinstance(result, torch.Size):
        return tuple(result)
    known = result.node.meta.get("value") if isinstance(result, fx.Proxy) else result
    for tensor in tensors_in(known):
        if isinstance(tensor, fx.Proxy):
            continue
        if tensor.numel() > MAX_NUMBERS:
            raise ParseError(
                f"{quotable(name)} gives a tensor of {tensor.numel():.3g} numbers, more than are held here; "
                "use smaller sizes.",
                it.line,
                name,
            )
        if it.building and not it.inside:
            it.count(tensor.numel(), name, name)
            if it.device.type == "meta" and tensor is result and tensor.numel() > SMALL and not tensor.is_meta:
                return tensor.to("meta")
    return result


def forward(it: Interpreter, module: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What the `forward` of a class of this text answers: a run of its own, or part of the one that goes on."""
    found = written_attribute(type(module), "forward")
    assert found is not None
    given = [*args] if found[0].role == "static" else [module, *args]
    running = RUNNING.get()
    if running is not None:
        return running.call_function(found[0], given, kwargs)
    place = next((each.device for each in tensors_in([args, kwargs]) if isinstance(each, torch.Tensor)), None)
    if len(args) == 1 and is_tensor(args[0]) and not kwargs and module.inputs():
        # Of several inputs, each without a shape of its own is the same one.
        given[-1:] = module.arranged([*args, *module.others(place or torch.device("meta"))])
    running = type(it)(place or torch.device("meta"), script=True, printed=False, building=False)
    token = RUNNING.set(running)
    try:
        answer = running.call_function(found[0], given, kwargs)
    except RecursionError:
        raise ParseError("forward is nested too deeply to be run here.", running.line, "forward") from None
    finally:
        RUNNING.reset(token)
    kind = quotable(type(module).__name__)
    try:
        answer = _for_torch(answer)
    except TypeError:
        raise ParseError(f"forward of {kind} returns more than tensors.", found[0].line, "forward") from None
    if not tensors_in(answer):
        raise ParseError(f"forward of {kind} returns no tensor; end it with return x.", found[0].line, "forward")
    return answer


def call_function(it: Interpreter, function: Function, args: list[Any], kwargs: dict[str, Any]) -> Any:
    names = _arguments(it, function, args, kwargs)
    if it.calls >= MAX_CALLS:
        raise ParseError(
            f"functions call each other deeper than {MAX_CALLS}, which is the limit here.", it.line, function.name
        )
    outside, before = it.scope, it.line
    method = (function.owner, args[0]) if function.owner is not None and args else None
    it.scope = Scope(names, function.scope, method)
    it.calls += 1
    try:
        if isinstance(function.body, ast.expr):
            return it.value(function.body)
        it.run(function.body)
        return None
    except Return as returned:
        return returned.value
    except (Break, Continue):
        return None
    except ParseError as error:
        error.within = True
        raise
    finally:
        it.scope, it.line = outside, before
        it.calls -= 1


def _arguments(it: Interpreter, function: Function, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Names of a function's arguments with what they are given, as Python does it."""
    wanted = function.arguments
    positional = [argument.arg for argument in (*wanted.posonlyargs, *wanted.args)]
    names: dict[str, Any] = dict(zip(positional, args, strict=False))
    rest = args[len(positional) :]
    if rest and wanted.vararg is None:
        raise ParseError(
            f"{function.name} takes {len(positional)} values and is given {len(args)}.", it.line, function.name
        )
    if wanted.vararg is not None:
        names[wanted.vararg.arg] = tuple(rest)
    others: dict[str, Any] = {}
    keyed = {*positional, *(argument.arg for argument in wanted.kwonlyargs)}
    for key, value in kwargs.items():
        if key in names and key in keyed:
            raise ParseError(f'"{quotable(key)}" is given twice.', it.line, function.name)
        if key in keyed:
            names[key] = value
        elif wanted.kwarg is not None:
            others[key] = value
        else:
            raise ParseError(f'{function.name} takes no "{quotable(key)}".', it.line, function.name)
    if wanted.kwarg is not None:
        names[wanted.kwarg.arg] = others
    defaults = zip(positional[len(positional) - len(function.values) :], function.values, strict=True)
    for name, value in (*defaults, *function.named.items()):
        names.setdefault(name, value)
    missing = [name for name in (*positional, *(a.arg for a in wanted.kwonlyargs)) if name not in names]
    if missing:
        raise ParseError(f"{function.name} needs {' and '.join(missing)}.", it.line, function.name)
    return names


def make(it: Interpreter, cls: Class, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """An object of a class of the text."""
    it.spend(150)
    line = it.line
    found = written_attribute(cls.kind, "__init__")
    if not cls.makes_modules:
        made = cls.kind()
        if found:
            it.call_function(found[0], [made, *args], kwargs)
        elif cls.fields:
            names = [name for name, _, _ in cls.fields]
            given = dict(zip(names, args, strict=False)) | kwargs
            lacking = [name for name, default, _ in cls.fields if not default and name not in given]
            if lacking or given.keys() - set(names):
                raise ParseError(f"{cls.name} takes {', '.join(names)}.", line, cls.name)
            made._own |= {name: value for name, _, value in cls.fields} | given
        elif args or kwargs:
            raise ParseError(f"{cls.name} takes nothing.", line, cls.name)
        return made
    if not it.building:
        raise ParseError("a layer is made in forward; make it in __init__.", line, cls.name)
    module = cls.kind.__new__(cls.kind)
    module.__dict__["_own"] = {}
    module.__dict__["_line"] = line
    it.inits += 1
    try:
        if found:
            it.call_function(found[0], [module, *args], kwargs)
        else:
            it.base_init(module, args, kwargs)
        it.line = line
        modules.check_ready(it, module)
        modules.check_size(it, module)
    except ParseError as error:
        error.within = True
        raise
    finally:
        it.inits -= 1
    return module


def base_init(it: Interpreter, module: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """`super().__init__(...)` where torch's own class comes next."""
    if not isinstance(module, nn.Module):
        return
    base = real_base(type(module))
    if base is nn.Module:
        nn.Module.__init__(module)
    elif base in (nn.Sequential, nn.ModuleList, nn.ModuleDict):
        nn.Module.__init__(module)
        if base is nn.Sequential:
            modules.make_stack(it, "Sequential", args, module)
        elif args:
            fill = modules.module_list if base is nn.ModuleList else modules.module_dict
            fill(it, args[0], module)
    else:
        with torch.device(it.device):
            modules.make_layer(it, base.__name__, args, kwargs, module)


def make_layer(it: Interpreter, function: LayerClass, args: list[Any], kwargs: dict[str, Any]) -> Any:
    name = function.name
    if not it.building:
        return _layer_in_forward(it, name, args, kwargs)
    if name == "Module":
        raise ParseError("nn.Module() is no layer by itself; write a class with a forward.", it.line, name)
    if name in ("Sequential", "ModuleList", "ModuleDict"):
        if kwargs:
            raise ParseError(f"nn.{name} takes layers only, without names before =.", it.line, name)
        if name == "Sequential":
            return modules.make_stack(it, name, args)
        if name == "ModuleDict":
            return modules.module_dict(it, args[0] if args else {})
        if it.printed:
            return modules.make_stack(it, name, args)
        if len(args) > 1:
            raise ParseError("nn.ModuleList takes one list of layers.", it.line, name)
        return modules.module_list(it, args[0] if args else [])
    with torch.device(it.device):
        return modules.make_layer(it, name, args, kwargs)


def _layer_in_forward(it: Interpreter, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A layer without weights, `nn.MaxPool2d(2)(x)`: the function that it calls."""
    if tensors_in(args):
        told = f"nn.{name}(...) makes a layer and is given a tensor; make it in __init__, or write nn.{name}()(x)."
        raise ParseError(told, it.line, name)
    if name in ("Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList"):
        raise ParseError(f"nn.{name} is made in forward; make it in __init__.", it.line, name)
    with torch.device("meta"):
        layer = modules.make_layer(it, name, args, kwargs)
    if any(True for _ in (*layer.parameters(), *layer.buffers())):
        told = f"nn.{name} is made in forward, with new weights in each run; make it in __init__."
        raise ParseError(told, it.line, name)
    return Known(f"nn.{name}", lambda it, *args, **kwargs: it.run_real(type(layer).forward, layer, args, kwargs), False)


def call_module(it: Interpreter, module: nn.Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A layer or network applied to tensors."""
    modules.check_ready(it, module)
    if not it.building or it.inside:
        return it.run_real(module, None, tuple(args), kwargs)
    if not it.inits:
        raise Outside("a network is not run outside of its class.", it.line, type(module).__name__)
    if it.answers is not None:
        return torch.empty(it.answers.pop(0), device="meta")
    line = it.line
    it.inside += 1
    try:
        answer = it.run_real(module, None, tuple(map(_on_meta, args)), kwargs)
    except (RuntimeError, ValueError) as error:
        if isinstance(error, ParseError):
            raise
        raise it.refused(type(module).__name__, error, line) from None
    finally:
        it.inside -= 1
    if not isinstance(answer, torch.Tensor):
        raise ParseError("in __init__ a layer must answer with one tensor.", line, type(module).__name__)
    it.heard.append(tuple(answer.shape))
    return answer


def run_real(it: Interpreter, function: Any, owner: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """A layer of torch on tensors."""
    it.spend(100)
    line = it.line
    name = function.__name__ if owner is not None else type(function).__name__
    try:
        if not isinstance(function, Pasted):
            args, kwargs = tuple(map(_for_torch, args)), {key: _for_torch(each) for key, each in kwargs.items()}
        return _weighed(it, function(*(args if owner is None else (owner, *args)), **kwargs), name)
    except (ParseError, ValueError, RuntimeError):
        raise
    except NameError:
        raise ParseError(
            f"this {name} is no part of the network, so torch does not find its weights; make it in __init__, as "
            "self.conv or in an nn.ModuleList.",
            line,
            name,
        ) from None
    except _REFUSALS as error:
        raise it.refused(name, error, line) from None
    finally:
        it.line = line


def _on_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, torch.Tensor) else value


def _to(value: Any, place: torch.device) -> Any:
    """Nested arguments with their tensors in one place."""
    if isinstance(value, torch.Tensor):
        return value.to(place)
    if isinstance(value, dict):
        return {key: _to(each, place) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_to(each, place) for each in value)
    return value


_TORCH_TAKES = (bool, int, float, str, type(None), torch.dtype, type(...), slice)


def _for_torch(value: Any) -> Any:
    """An argument as torch takes it: numbers, texts and tensors, and lists of them."""
    if isinstance(value, (list, tuple)):
        found = [_for_torch(each) for each in value]
        return found if isinstance(value, list) else tuple(found)
    if isinstance(value, dict):
        return type(value)((key, _for_torch(each)) for key, each in value.items())
    if is_tensor(value) or isinstance(value, _TORCH_TAKES):
        return value
    if isinstance(value, Nothing):
        return None
    raise TypeError(f"{type(value).__name__} among its arguments")
