"""Python's own functions, and the methods of its numbers, texts, lists and dictionaries, as far as they are read.

Each takes the interpreter first, so that what it makes is bounded like everything else.
"""

from __future__ import annotations

import copy
import itertools
import re
import string
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from models.parse.layers import is_int
from models.parse.modules import check_size, shown
from models.parse.values import (
    MAX_NUMBER,
    Bound,
    Class,
    Instance,
    Known,
    LayerClass,
    Nothing,
    Parent,
    is_callable,
    is_tensor,
)
from models.parse.words import ParseError, quotable

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter

BUILTINS: dict[str, Known] = {}


def _builtin(*names: str, kind: type | None = None) -> Callable[[Callable], Callable]:
    def register(call: Callable) -> Callable:
        for name in names:
            BUILTINS[name] = Known(name, call, alone=False, kind=kind)
        return call

    return register


@_builtin("range", kind=range)
def _range(it: Interpreter, *numbers: Any) -> list[int]:
    if not 1 <= len(numbers) <= 3 or not all(map(is_int, numbers)) or 0 in numbers[2:]:
        raise ParseError("range takes one to three whole numbers, and a step that is not 0.", it.line, "range")
    found = range(*numbers)
    if len(found) > 1_000:
        raise ParseError("range runs over more than 1000 numbers, which is the limit here.", it.line, "range")
    return list(found)


@_builtin("len")
def _len(it: Interpreter, value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return len(it.items(value))


@_builtin("zip")
def _zip(it: Interpreter, *lists: Any, strict: bool = False) -> list[tuple]:
    return it.checked([*zip(*map(it.items, lists), strict=bool(strict))])


@_builtin("enumerate")
def _enumerate(it: Interpreter, values: Any, start: int = 0) -> list[tuple]:
    return it.checked([*enumerate(it.items(values), start)])


@_builtin("reversed")
def _reversed(it: Interpreter, values: Any) -> list:
    return it.items(values)[::-1]


@_builtin("sorted")
def _sorted(it: Interpreter, values: Any, key: Any = None, reverse: bool = False) -> list:
    found = it.items(values)
    keys = [it.call(key, [each], {}) for each in found] if key is not None else found
    if not all(isinstance(each, (int, float, str)) for each in keys):
        raise ParseError("sorted takes numbers or texts.", it.line, "sorted")
    order = sorted(range(len(found)), key=keys.__getitem__, reverse=bool(reverse))
    return [found[at] for at in order]


@_builtin("sum")
def _sum(it: Interpreter, values: Any, start: Any = 0) -> Any:
    total = start
    for value in it.items(values):
        total = it.combine("+", total, value)
    return total


def _extreme(name: str) -> Callable:
    def call(it: Interpreter, *values: Any, default: Any = None, key: Any = None) -> Any:
        found = it.items(values[0]) if len(values) == 1 else list(values)
        if key is not None or not found or not all(isinstance(each, (int, float, str)) for each in found):
            if not found and default is not None:
                return default
            raise ParseError(f"{name} takes numbers, at least one.", it.line, name)
        return min(found) if name == "min" else max(found)

    return call


for _name in ("min", "max"):
    _builtin(_name)(_extreme(_name))


@_builtin("abs")
def _abs(it: Interpreter, value: Any) -> Any:
    return it.tensor_call("abs", torch.abs, [value], {}) if is_tensor(value) else abs(it.number(value, "abs"))


@_builtin("round")
def _round(it: Interpreter, value: Any, digits: int | None = None) -> Any:
    return round(it.number(value, "round"), digits) if digits is not None else round(it.number(value, "round"))


@_builtin("pow")
def _pow(it: Interpreter, base: Any, exponent: Any) -> Any:
    return it.combine("**", base, exponent)


@_builtin("divmod")
def _divmod(it: Interpreter, left: Any, right: Any) -> tuple:
    return it.combine("//", left, right), it.combine("%", left, right)


@_builtin("int", kind=int)
def _int(it: Interpreter, value: Any = 0) -> int:
    value = it.known_number(value)
    found = int(value) if isinstance(value, (int, float, str)) and len(str(value)) < 40 else None
    if found is None or abs(found) > MAX_NUMBER:
        raise ParseError(f"int takes a number up to {MAX_NUMBER}.", it.line, "int")
    return found


@_builtin("float", kind=float)
def _float(it: Interpreter, value: Any = 0.0) -> float:
    value = it.known_number(value)
    if not isinstance(value, (int, float, str)) or len(str(value)) > 40:
        raise ParseError("float takes a number.", it.line, "float")
    return float(value)


@_builtin("bool", kind=bool)
def _bool(it: Interpreter, value: Any = False) -> bool:
    return it.truth(value)


@_builtin("str", "repr", kind=str)
def _str(it: Interpreter, value: Any = "") -> str:
    return value if isinstance(value, str) else shown(value)


@_builtin("list", kind=list)
def _list(it: Interpreter, values: Any = ()) -> list:
    return list(it.items(values))


@_builtin("tuple", kind=tuple)
def _tuple(it: Interpreter, values: Any = ()) -> tuple:
    return tuple(it.items(values))


@_builtin("set", "frozenset")
def _set(it: Interpreter, values: Any = ()) -> list:
    return list(dict.fromkeys(it.items(values)))


@_builtin("dict", kind=dict)
def _dict(it: Interpreter, values: Any = (), **more: Any) -> dict:
    return _pairs(it, values, "dict") | more


def _pairs(it: Interpreter, values: Any, name: str) -> dict:
    if isinstance(values, dict):
        return dict(values)
    pairs = it.items(values)
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 and it.is_key(pair[0]) for pair in pairs):
        raise ParseError(
            f'{name} takes a list of pairs such as [("conv1", nn.Conv2d(3, 8, 3))].', it.line, name
        )  # fmt: skip
    if len({pair[0] for pair in pairs}) < len(pairs) and name == "OrderedDict":
        raise ParseError(f"{name} holds one name twice.", it.line, name)
    return dict(pairs)


def ordered_dict(it: Interpreter, values: Any = (), **more: Any) -> OrderedDict:
    """`collections.OrderedDict`."""
    return OrderedDict(_pairs(it, values, "OrderedDict") | more)


@_builtin("all")
def _all(it: Interpreter, values: Any) -> bool:
    return all(it.truth(each) for each in it.items(values))


@_builtin("any")
def _any(it: Interpreter, values: Any) -> bool:
    return any(it.truth(each) for each in it.items(values))


@_builtin("map")
def _map(it: Interpreter, function: Any, *lists: Any) -> list:
    return [it.call(function, list(each), {}) for each in zip(*map(it.items, lists), strict=False)]


@_builtin("filter")
def _filter(it: Interpreter, function: Any, values: Any) -> list:
    keep = it.truth if function is None else lambda each: it.truth(it.call(function, [each], {}))
    return [each for each in it.items(values) if keep(each)]


@_builtin("iter")
def _iter(it: Interpreter, values: Any) -> list:
    return list(it.items(values))


@_builtin("next")
def _next(it: Interpreter, values: Any, default: Any = None) -> Any:
    # What Python would hand out one by one is a list here, from which next() takes the first.
    found = values if isinstance(values, list) else it.items(values)
    return found.pop(0) if found else default


@_builtin("callable")
def _callable(it: Interpreter, value: Any) -> bool:
    return is_callable(value)


@_builtin("print")
def _print(it: Interpreter, *values: Any, **options: Any) -> None:
    return None


@_builtin("isinstance")
def _isinstance(it: Interpreter, value: Any, kinds: Any) -> bool:
    wanted = []
    for kind in kinds if isinstance(kinds, (tuple, list)) else [kinds]:
        found = kind.kind if isinstance(kind, (Known, LayerClass, Class)) else None
        if found is None:
            raise ParseError("isinstance asks for classes that are read here.", it.line, "isinstance")
        wanted.append(found)
    if isinstance(value, fx.Proxy):
        return torch.Tensor in wanted
    return isinstance(value, tuple(wanted))


@_builtin("issubclass")
def _issubclass(it: Interpreter, kind: Any, other: Any) -> bool:
    both = [each.kind if isinstance(each, (LayerClass, Class)) else None for each in (kind, other)]
    if None in both:
        raise ParseError("issubclass asks for classes that are read here.", it.line, "issubclass")
    return issubclass(both[0], both[1])  # pyright: ignore[reportArgumentType]


@_builtin("getattr")
def _getattr(it: Interpreter, value: Any, name: Any, *default: Any) -> Any:
    if not isinstance(name, str):
        raise ParseError("getattr takes a name.", it.line, "getattr")
    try:
        return it.attribute(value, name)
    except ParseError:
        if default and not name.startswith("_"):
            return default[0]
        raise


@_builtin("hasattr")
def _hasattr(it: Interpreter, value: Any, name: str) -> bool:
    try:
        it.attribute(value, name)
    except ParseError:
        return False
    return True


@_builtin("setattr")
def _setattr(it: Interpreter, value: Any, name: Any, to: Any) -> None:
    if not isinstance(name, str) or not name.isidentifier() or len(name) > 64:
        raise ParseError("setattr takes a name such as conv1.", it.line, "setattr")
    it.assign_attribute(value, name, to)


@_builtin("super")
def _super(it: Interpreter, cls: Any = None, owner: Any = None) -> Parent:
    found = it.scope.of_method()
    if found is None:
        raise ParseError("super() stands outside a method.", it.line, "super")
    return Parent(cls if isinstance(cls, Class) else found[0], found[1])


@_builtin("type")
def _type(it: Interpreter, value: Any) -> Any:
    if isinstance(value, (nn.Module, Instance)) and hasattr(type(value), "_written"):
        return type(value)._written  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, nn.Module):
        return LayerClass(type(value).__name__, type(value))
    for name, kind in BUILTINS.items():
        if kind.kind is not None and type(value) is kind.kind and name != "repr":
            return kind
    return MODULES_OF_PYTHON["functools.partial"] if isinstance(value, Partial) else Nothing("type")


@dataclass(frozen=True)
class Partial(Bound):
    """A function with some of its arguments."""

    func: Any = None


def partial(it: Interpreter, function: Any, *args: Any, **kwargs: Any) -> Bound:
    """`functools.partial`."""
    return Partial(
        "partial", lambda it, *more, **others: it.call(function, [*args, *more], kwargs | others), func=function
    )


def reduce(it: Interpreter, function: Any, values: Any, *start: Any) -> Any:
    """`functools.reduce`."""
    found = [*start, *it.items(values)]
    if not found:
        raise ParseError("reduce takes at least one value.", it.line, "reduce")
    total = found[0]
    for each in found[1:]:
        total = it.call(function, [total, each], {})
    return total


def chain(it: Interpreter, *lists: Any) -> list:
    """`itertools.chain`."""
    return it.checked([*itertools.chain(*map(it.items, lists))])


def product(it: Interpreter, *lists: Any) -> list:
    """`itertools.product`."""
    found = [it.items(each) for each in lists]
    it.check_length(prod(map(len, found)))
    return [*itertools.product(*found)]


def pairwise(it: Interpreter, values: Any) -> list:
    """`itertools.pairwise`."""
    return [*itertools.pairwise(it.items(values))]


def copied(it: Interpreter, value: Any) -> Any:
    """`copy.deepcopy` and `copy.copy`, of layers, lists and numbers."""
    if isinstance(value, nn.Module):
        parts = sum(1 for _ in value.modules())
        it.spend(100 * parts)
        it.count(sum(p.numel() for p in value.parameters()), "copy", "deepcopy")
        twin = copy.deepcopy(value)
        check_size(it, twin, deep=True)
        return twin
    if isinstance(value, (list, tuple)):
        return type(value)(copied(it, each) for each in it.checked(value))
    if isinstance(value, dict):
        return {key: copied(it, each) for key, each in value.items()}
    return value


def field(it: Interpreter, default: Any = None, default_factory: Any = None) -> Any:
    """A field of a dataclass."""
    return it.call(default_factory, [], {}) if default_factory is not None else default


def plain_object(it: Interpreter, **values: Any) -> Instance:
    """`types.SimpleNamespace`: settings with names."""
    made = Instance()
    made._own |= values
    return made


def dotted(it: Interpreter, values: Any = None, **more: Any) -> Any:
    """`EasyDict` and `OmegaConf.create`: a dictionary whose keys are read as attributes, those in it too."""
    it.spend(20)
    if isinstance(values, dict) or values is None:
        found = {str(key): value for key, value in {**(values or {}), **more}.items()}
        return plain_object(
            it, **{key: dotted(it, one) if isinstance(one, dict) else one for key, one in found.items()}
        )
    return values


def named_tuple(it: Interpreter, name: str, fields: Any, defaults: Any = ()) -> Known:
    """`collections.namedtuple`: settings with names."""
    names = fields.replace(",", " ").split() if isinstance(fields, str) else [str(one) for one in it.items(fields)]
    last = dict(zip(reversed(names), reversed(it.items(defaults)), strict=False))

    def make(it: Interpreter, *args: Any, **values: Any) -> Instance:
        return plain_object(it, **{**last, **dict(zip(names, args, strict=False)), **values})

    return Known(str(name), make, alone=False)


def parser(it: Interpreter, *args: Any, **kwargs: Any) -> Instance:
    """`argparse.ArgumentParser`: each setting has its default, whatever a command line would say."""
    made, values = Instance(), Instance()

    def add(it: Interpreter, *names: Any, **told: Any) -> None:
        long = max((name for name in names if isinstance(name, str)), key=len, default="")
        name = str(told.get("dest", long.lstrip("-").replace("-", "_")))
        it.check_length(len(values._own) + 1, 1)
        flags = {"store_true": False, "store_false": True}
        values._own[name] = told.get("default", flags.get(str(told.get("action"))))

    made._own |= {
        "add_argument": Bound("add_argument", add),
        "parse_args": Bound("parse_args", lambda it, *args, **kwargs: values),
        "parse_known_args": Bound("parse_known_args", lambda it, *args, **kwargs: (values, [])),
        "add_argument_group": Bound("add_argument_group", lambda it, *args, **kwargs: made),
        "set_defaults": Bound("set_defaults", lambda it, **told: values._own.update(told)),
    }
    return made


def nothing(it: Interpreter, *args: Any, **kwargs: Any) -> Nothing:
    """What is passed over."""
    return Nothing("nothing")


MODULES_OF_PYTHON: dict[str, Any] = {
    "collections.OrderedDict": Known("OrderedDict", ordered_dict, alone=False, kind=OrderedDict),
    "typing.OrderedDict": Known("OrderedDict", ordered_dict, alone=False, kind=OrderedDict),
    "functools.partial": Known("partial", partial, alone=False),
    "functools.reduce": Known("reduce", reduce, alone=False),
    "itertools.chain": Known("chain", chain, alone=False),
    "itertools.product": Known("product", product, alone=False),
    "itertools.pairwise": Known("pairwise", pairwise, alone=False),
    "copy.deepcopy": Known("deepcopy", copied, alone=False),
    "copy.copy": Known("copy", copied, alone=False),
    "dataclasses.dataclass": Known("dataclass", nothing, alone=False),
    "dataclasses.field": Known("field", field, alone=False),
    "collections.namedtuple": Known("namedtuple", named_tuple, alone=False),
    **{
        path: Known(path.rpartition(".")[2], dotted, alone=False)
        for path in ("easydict.EasyDict", "omegaconf.OmegaConf.create", "munch.Munch", "ml_collections.ConfigDict")
    },
    "types.SimpleNamespace": Known("SimpleNamespace", plain_object, alone=False),
    "argparse.ArgumentParser": Known("ArgumentParser", parser, alone=False),
    "argparse.Namespace": Known("Namespace", plain_object, alone=False),
    "abc.ABC": Nothing("ABC"),
    "abc.abstractmethod": Nothing("abstractmethod"),
    "typing.overload": Nothing("overload"),
    **{
        f"operator.{name}": Known(name, lambda it, a, b, sign=sign: it.combine(sign, a, b), alone=False)
        for name, sign in {"mul": "*", "add": "+", "sub": "-", "floordiv": "//"}.items()
    },
}

# --- methods ---------------------------------------------------------------------------------------------------------

_SPEC = re.compile(r"[<>^]?[ +-]?0?\d{0,2},?(\.\d)?[dfegs%]?", re.ASCII)


def formatted(it: Interpreter, value: Any, spec: str = "") -> str:
    """A value in an f-string."""
    if spec and (not _SPEC.fullmatch(spec) or not isinstance(value, (int, float, str))):
        raise ParseError(f'the format "{quotable(spec)}" is not read here; leave it out.', it.line, "format")
    try:
        return it.text(format(value, spec) if spec else _str(it, value))
    except (ValueError, TypeError):
        raise ParseError(f'the format "{quotable(spec)}" does not take this value.', it.line, "format") from None


def _format(it: Interpreter, text: str, *args: Any, **kwargs: Any) -> str:
    pieces, count = [], itertools.count()
    for words, name, spec, conversion in string.Formatter().parse(text):
        pieces.append(words)
        if name is None:
            continue
        if conversion or not re.fullmatch(r"\w*", name, re.ASCII):
            raise ParseError(f'"{{{quotable(name)}}}" is not read here; use a plain name.', it.line, "format")
        at = int(name) if name.isdigit() else next(count)
        value: Any = kwargs.get(name, "")
        if not name or name.isdigit():
            value = args[at] if at < len(args) else ""
        pieces.append(formatted(it, value, spec or ""))
    return it.text("".join(pieces))


def percent(it: Interpreter, text: str, values: Any) -> str:
    """`"conv%d" % i`."""
    given = list(values) if isinstance(values, tuple) else [values]
    pieces = re.split(r"%(\.?\d?[disf])", text)
    if len(pieces) // 2 != len(given) or "%" in "".join(pieces[::2]).replace("%%", ""):
        raise ParseError('this "%" is not read here; use an f-string.', it.line, "%")
    found = [pieces[0]]
    for at, value in enumerate(given):
        found += [shown(value) if not isinstance(value, str) else value, pieces[2 * at + 2]]
    return it.text("".join(found).replace("%%", "%"))


def _join(it: Interpreter, text: str, values: Any) -> str:
    found = it.items(values)
    if not all(isinstance(each, str) for each in found):
        raise ParseError("join takes texts.", it.line, "join")
    it.check_characters(sum(map(len, found)) + len(text) * len(found))
    return text.join(found)


def _replace(it: Interpreter, text: str, old: str, new: str) -> str:
    it.check_characters(len(text) * (len(str(new)) + 1))
    return text.replace(old, new)


def _split(it: Interpreter, text: str, *args: Any) -> list:
    return it.checked(text.split(*args))


def _of_text(name: str) -> Callable:
    def call(it: Interpreter, text: str, *args: Any) -> Any:
        if not all(isinstance(each, (str, tuple)) for each in args):
            raise ParseError(f"{name} takes texts.", it.line, name)
        return getattr(str, name)(text, *args)

    return call


_TEXT_METHODS = "find count lower upper strip lstrip rstrip startswith endswith isdigit title capitalize"
TEXT_METHODS: dict[str, Callable] = {
    "format": _format,
    "join": _join,
    "replace": _replace,
    "split": _split,
    **{name: _of_text(name) for name in _TEXT_METHODS.split()},
}


def _append(it: Interpreter, values: list, value: Any) -> None:
    it.check_length(len(values) + 1, 1)
    values.append(value)


def _extend(it: Interpreter, values: list, more: Any) -> None:
    found = it.items(more)
    it.check_length(len(values) + len(found))
    values.extend(found)


def _insert(it: Interpreter, values: list, at: int, value: Any) -> None:
    it.check_length(len(values) + 1)
    values.insert(at, value)


def _index(it: Interpreter, values: Any, value: Any) -> int:
    return next(at for at, each in enumerate(values) if each is value or it.same(each, value))


LIST_METHODS: dict[str, Callable] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "index": _index,
    "count": lambda it, values, value: sum(it.same(each, value) for each in values),
    "pop": lambda it, values, at=-1: values.pop(at),
    "reverse": lambda it, values: values.reverse(),
    "copy": lambda it, values: it.checked(list(values)),
    "clear": lambda it, values: values.clear(),
}
TUPLE_METHODS: dict[str, Callable] = {
    "index": _index,
    "count": LIST_METHODS["count"],
    "numel": lambda it, values: prod(values),
}


def _update(it: Interpreter, values: dict, more: Any = (), **others: Any) -> None:
    found = _pairs(it, more, "update") | others
    it.check_length(len(values) + len(found))
    values.update(found)


def _setdefault(it: Interpreter, values: dict, key: Any, default: Any = None) -> Any:
    it.check_length(len(values) + 1, 1)
    return values.setdefault(it.key(key), default)


DICT_METHODS: dict[str, Callable] = {
    "get": lambda it, values, key, default=None: values.get(it.key(key), default),
    "items": lambda it, values: it.checked([*values.items()]),
    "keys": lambda it, values: it.checked([*values]),
    "values": lambda it, values: it.checked([*values.values()]),
    "update": _update,
    "setdefault": _setdefault,
    "pop": lambda it, values, key, default=None: values.pop(it.key(key), default),
    "copy": lambda it, values: it.checked(dict(values)),
}
