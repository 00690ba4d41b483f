"""Expressions that networks are written with: each is a function of the interpreter and the node."""

from __future__ import annotations

import ast
import contextlib
import functools
import math
import operator
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import nn

from models.parse import functions, modules, python, torchvision_models
from models.parse.attributes import TABLE
from models.parse.layers import is_int
from models.parse.refusals import refuse_name, refuse_node, spelled, without_brackets
from models.parse.values import (
    MAX_ITEMS,
    MAX_NUMBER,
    Bound,
    Instance,
    Known,
    LayerClass,
    Namespace,
    Nothing,
    Scope,
    Unread,
    is_tensor,
    written_attribute,
)
from models.parse.words import ParseError, quotable

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter


_OPERATIONS: dict[str, tuple[Callable, Callable]] = {
    "+": (operator.add, operator.iadd),
    "-": (operator.sub, operator.isub),
    "*": (operator.mul, operator.imul),
    "/": (operator.truediv, operator.itruediv),
    "//": (operator.floordiv, operator.ifloordiv),
    "%": (operator.mod, operator.imod),
    "**": (operator.pow, operator.ipow),
    "@": (operator.matmul, operator.imatmul),
    "&": (operator.and_, operator.iand),
    "|": (operator.or_, operator.ior),
    "^": (operator.xor, operator.ixor),
    "<<": (operator.lshift, operator.ilshift),
    ">>": (operator.rshift, operator.irshift),
}
SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_PRINTED_WORDS = {"same", "valid", "zeros", "reflect", "replicate", "circular"}


def _constant(it: Interpreter, node: ast.Constant) -> Any:
    value = node.value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) <= 1e18:
        raise ParseError("this number is too large; nothing above 1e18 is read.", node.lineno, "number")
    if value is not None and value is not ... and not isinstance(value, (bool, int, float, str)):
        raise refuse_node(node)
    return value


def _name(it: Interpreter, node: ast.Name) -> Any:
    name = node.id
    with contextlib.suppress(KeyError):
        found = it.scope.find(name)
        if isinstance(found, Unread):
            raise found.error
        return found
    if it.printed and name in _PRINTED_WORDS:
        return name
    if name in python.BUILTINS:
        return python.BUILTINS[name]
    if name == "object":
        return Known("object", lambda: None)
    found = TABLE.get(f"torch.nn.{name}")
    if found is not None and name[:1].isupper():
        return found
    for place in ("collections", "functools", "dataclasses", "typing", "abc", "copy"):
        if (found := TABLE.get(f"{place}.{name}")) is not None and name not in functions.ALIASES:
            return found
    if name in functions.ALIASES:
        return Namespace(functions.ALIASES[name])
    if name in ("device", "DEVICE"):  # often set in a cell above
        return Nothing(name)
    if (model := torchvision_models.named(name)) is not None:
        return model
    if torchvision_models.misspelt(name):
        raise torchvision_models.absent(name, node.lineno)
    if it.printed and name[:1].isupper() and not hasattr(nn, name):
        return Known(name, functools.partial(modules.in_printed_order, name=name, line=node.lineno), alone=False)
    owner = it.scope.of_method()
    if owner and isinstance(owner[1], nn.Module) and modules.registered(owner[1], name)[0]:
        raise ParseError(f'the name "{quotable(name)}" is not known here; did you mean self.{name}?', node.lineno, name)
    raise refuse_name(name, node.lineno, it.printed, it.script)


def _attribute(it: Interpreter, node: ast.Attribute) -> Any:
    owner = it.value(node.value)
    it.line = node.lineno
    return it.attribute(owner, node.attr)


def _tuple(it: Interpreter, node: ast.Tuple) -> Any:
    return tuple(it.spread(node.elts))


def _list(it: Interpreter, node: ast.List) -> Any:
    return it.spread(node.elts)


def _dict(it: Interpreter, node: ast.Dict) -> Any:
    found: dict = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            more = it.value(value)
            if not isinstance(more, dict):
                raise ParseError("two stars stand before something that is not a dictionary.", node.lineno, "**")
            found |= more
        else:
            found[it.key(it.value(key))] = it.value(value)
    return it.checked(found)


def spread(it: Interpreter, nodes: list[ast.expr]) -> list[Any]:
    """The values of a list, a tuple or an argument list, with `*[...]` spread out."""
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            more = it.value(node.value)
            it.line = node.lineno
            if not isinstance(more, (list, tuple, dict, nn.Sequential, nn.ModuleList, nn.ModuleDict)) and not (
                is_tensor(more)
            ):
                raise ParseError("a star stands before something that is not a list.", node.lineno, "*")
            found += it.items(more)
        else:
            found.append(it.value(node))
    if nodes:
        it.line = nodes[0].lineno
        it.check_length(len(found))
    return found


def _list_comprehension(it: Interpreter, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Any:
    found: list[Any] = []
    _comprehend(it, node.generators, lambda: found.append(it.value(node.elt)), found)
    return list(dict.fromkeys(map(it.key, found))) if isinstance(node, ast.SetComp) else found


def _dict_comprehension(it: Interpreter, node: ast.DictComp) -> Any:
    found: dict = {}

    def add() -> None:
        found[it.key(it.value(node.key))] = it.value(node.value)

    _comprehend(it, node.generators, add, found)
    return found


def _comprehend(it: Interpreter, generators: list[ast.comprehension], add: Callable[[], None], found: Any) -> None:
    if len(generators) > 3:
        raise ParseError('a list comprehension is read with at most three "for".', it.line, "for")
    outside, it.scope = it.scope, Scope({}, it.scope)

    def run(rest: list[ast.comprehension]) -> None:
        if not rest:
            add()
            if len(found) > MAX_ITEMS:
                it.check_length(len(found))
            return
        first = rest[0]
        if first.is_async:
            raise ParseError('"async" is not read here.', it.line, "async")
        for item in it.items(it.value(first.iter)):
            it.spend(10)
            it.assign(first.target, item)
            if all(it.truth(it.value(test)) for test in first.ifs):
                run(rest[1:])

    try:
        run(generators)
    finally:
        it.scope = outside


def _unary(it: Interpreter, node: ast.UnaryOp) -> Any:
    value = it.value(node.operand)
    it.line = node.lineno
    if isinstance(node.op, ast.Not):
        return not it.truth(value)
    call = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert}[type(node.op)]
    if is_tensor(value):
        return it.tensor_call("-", call, [value], {})
    if not isinstance(value, (int, float)):
        raise ParseError("a minus sign stands before something that is not a number.", node.lineno, "-")
    return call(value)


def _binary(it: Interpreter, node: ast.BinOp) -> Any:
    left, right = it.value(node.left), it.value(node.right)
    it.line = node.lineno
    return it.combine(SIGNS[type(node.op)], left, right)


def combine(it: Interpreter, sign: str, left: Any, right: Any, inplace: bool = False) -> Any:
    """An operation between two values."""
    if is_tensor(left) or is_tensor(right):
        return it.tensor_call(sign, _OPERATIONS[sign][inplace and is_tensor(left)], [left, right], {})
    for items, other in ((left, right), (right, left)):
        if isinstance(items, (list, tuple)):
            if sign == "+" and isinstance(left, list) is isinstance(right, list) and isinstance(other, (list, tuple)):
                it.check_length(len(left) + len(right))
                return [*left, *right] if isinstance(left, list) else (*left, *right)
            if sign == "*" and is_int(other):
                it.check_length(len(items) * max(other, 0))
                return items * other
            if not isinstance(left, str):
                raise ParseError(
                    f"lists can be joined with + and repeated with * and a number up to {MAX_ITEMS}; this is neither.",
                    it.line,
                    sign,
                )
    if isinstance(left, str) or isinstance(right, str):
        return _combine_texts(it, sign, left, right)
    if isinstance(left, dict) and isinstance(right, dict) and sign == "|":
        return it.checked(left | right)
    if isinstance(left, nn.Sequential) and isinstance(right, nn.Sequential) and sign == "+":
        return modules.make_stack(it, "Sequential", [*left, *right])
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        raise ParseError("arithmetic is read between numbers only.", it.line, sign)
    return _arithmetic(it, sign, left, right)


def _combine_texts(it: Interpreter, sign: str, left: Any, right: Any) -> str:
    if sign == "%" and isinstance(left, str):
        return python.percent(it, left, right)
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return it.text(left + right)
    for text, times in ((left, right), (right, left)):
        if sign == "*" and isinstance(text, str) and is_int(times):
            it.check_characters(len(text) * max(times, 0))
            return text * times
    raise ParseError("texts can be joined with + only.", it.line, sign)


def _arithmetic(it: Interpreter, sign: str, left: Any, right: Any) -> Any:
    if sign in ("<<", ">>") and not (is_int(right) and 0 <= right <= 30):
        raise ParseError("this shift is too large; write the result as a number.", it.line, sign)
    if sign == "**" and abs(right) * math.log2(max(2.0, abs(left))) > 64:
        raise ParseError("this power is too large or too small; write the result as a number.", it.line, "**")
    try:
        result = _OPERATIONS[sign][0](left, right)
    except (ZeroDivisionError, OverflowError, TypeError) as error:
        raise ParseError(f"this arithmetic has no result ({error}).", it.line, sign) from None
    if isinstance(result, complex):
        raise ParseError("this arithmetic has no real result.", it.line, sign)
    big = abs(left) > MAX_NUMBER or abs(right) > MAX_NUMBER
    if not abs(result) <= MAX_NUMBER and not (isinstance(result, float) and big and abs(result) <= 1e18):
        raise ParseError(
            f"the result of this arithmetic is larger than {MAX_NUMBER}, which is the limit.", it.line, sign
        )
    return result


def _boolean(it: Interpreter, node: ast.BoolOp) -> Any:
    stop = isinstance(node.op, ast.Or)
    value: Any = None
    for each in node.values:
        value = it.value(each)
        if it.truth(value) is stop:
            break
    return value


def _compare(it: Interpreter, node: ast.Compare) -> Any:
    left = it.value(node.left)
    result: Any = True
    for sign, other in zip(node.ops, node.comparators, strict=True):
        right = it.value(other)
        result = _one_comparison(it, sign, left, right)
        if len(node.ops) > 1 and not it.truth(result):
            return False
        left = right
    return result


def _one_comparison(it: Interpreter, sign: ast.cmpop, left: Any, right: Any) -> Any:
    if isinstance(sign, (ast.Is, ast.IsNot)):
        same = left is right or (isinstance(left, (LayerClass, Known)) and left == right)
        return same is isinstance(sign, ast.Is)
    if isinstance(sign, (ast.In, ast.NotIn)):
        if isinstance(right, str):
            found = isinstance(left, str) and left in right
        else:
            found = any(left is each or it.same(left, each) for each in it.items(right))
        return found is isinstance(sign, ast.In)
    if is_tensor(left) or is_tensor(right):
        call = {ast.Eq: operator.eq, ast.NotEq: operator.ne, **_COMPARISONS}[type(sign)]
        return it.tensor_call("compare", call, [left, right], {})
    if isinstance(sign, (ast.Eq, ast.NotEq)):
        return it.same(left, right) is isinstance(sign, ast.Eq)
    for kinds in ((int, float), (str,), (tuple,), (list,)):
        if isinstance(left, kinds) and isinstance(right, kinds):
            with contextlib.suppress(TypeError):
                return _COMPARISONS[type(sign)](left, right)
    raise ParseError("these two cannot be compared.", it.line, "<")


def _choose(it: Interpreter, node: ast.IfExp) -> Any:
    return it.value(node.body if it.truth(it.value(node.test)) else node.orelse)


def _lambda(it: Interpreter, node: ast.Lambda) -> Any:
    return it.function("lambda", node.args, node.body, node.lineno)


def _f_string(it: Interpreter, node: ast.JoinedStr) -> Any:
    pieces = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            spec = _f_string(it, part.format_spec) if isinstance(part.format_spec, ast.JoinedStr) else ""
            pieces.append(python.formatted(it, it.value(part.value), spec))
        else:
            pieces.append(str(it.value(part)))
    return it.text("".join(pieces))


def _walrus(it: Interpreter, node: ast.NamedExpr) -> Any:
    value = it.value(node.value)
    it.assign(node.target, value)
    return value


def _slice(it: Interpreter, node: ast.Slice) -> slice:
    parts = [it.value(each) if each is not None else None for each in (node.lower, node.upper, node.step)]
    if not all(each is None or is_int(each) for each in parts):
        raise ParseError("a slice takes whole numbers.", node.lineno, ":")
    return slice(*parts)


def _subscript(it: Interpreter, node: ast.Subscript) -> Any:
    owner = it.value(node.value)
    if isinstance(owner, (Nothing, Known, LayerClass)):
        return Nothing("type")
    at = it.value(node.slice)
    it.line = node.lineno
    return it.index(owner, at, spelled(node.value))


def index(it: Interpreter, owner: Any, at: Any, name: str = "this") -> Any:
    """`owner[at]`."""
    if is_tensor(owner):
        return it.tensor_call("getitem", operator.getitem, [owner, at], {})
    if isinstance(owner, dict):
        if it.key(at) not in owner:
            entries = ", ".join(quotable(str(key)) for key in list(owner)[:8])
            raise it.raises(KeyError, f'"{quotable(name)}" has no entry "{quotable(str(at))}"; it has {entries}.', name)
        return owner[at]
    if isinstance(owner, nn.ModuleDict):
        return it.attribute(owner, str(at))
    if isinstance(owner, nn.Sequential) and isinstance(at, slice):
        found = nn.Sequential(OrderedDict(list(owner._modules.items())[at]))
        modules.check_size(it, found)
        return found
    if isinstance(owner, nn.ModuleList) and isinstance(at, slice):
        return modules.make_stack(it, "ModuleList", list(owner._modules.values())[at])
    if isinstance(owner, Instance) and written_attribute(type(owner), "__getitem__"):
        return it.call(it.attribute(owner, "__getitem__"), [at], {})
    items = owner if isinstance(owner, (list, tuple, str)) else (
        it.items(owner) if isinstance(owner, (nn.Sequential, nn.ModuleList, nn.ParameterList)) else None
    )  # fmt: skip
    at = it.known_number(at)
    if owner is None or isinstance(owner, (int, float)):
        told = f'"{quotable(name)}" is {"None" if owner is None else "a number"} here, which has no items to be read.'
        raise it.raises(TypeError, told, name)
    if items is None or not isinstance(at, (int, slice)):
        raise ParseError(f'"{quotable(name)}" is read with [ ] but only lists are, by a whole number.', it.line, name)
    if isinstance(at, slice):
        found = items[at]
        return it.checked(found)
    if not -len(items) <= at < len(items):
        raise it.raises(IndexError, f'"{quotable(name)}" has {len(items)} items; there is no item {at}.', name)
    return items[at]


def _call(it: Interpreter, node: ast.Call) -> Any:
    function = it.value(node.func)
    if isinstance(function, Bound) and function.deaf:
        return function.call(it)
    args = it.spread(node.args)
    kwargs: dict[str, Any] = {}
    for each in node.keywords:
        value = it.value(each.value)
        it.line = node.lineno
        more = {each.arg: value} if each.arg is not None else value
        # torch.fx writes these names into code of its own, so they are names and nothing else.
        if not isinstance(more, dict) or not all(isinstance(key, str) and key.isidentifier() for key in more):
            raise ParseError("two stars stand before something that is not a dictionary.", node.lineno, "**")
        if twice := kwargs.keys() & more:
            raise ParseError(f'"{quotable(min(twice))}" is given twice.', node.lineno, spelled(node.func))
        kwargs |= more
    if isinstance(function, LayerClass) and function.name in ("Sequential", "ModuleList"):
        for argument, value in zip(node.args, args, strict=False):
            if isinstance(value, LayerClass) and not isinstance(argument, ast.Starred):
                raise without_brackets(value.name, argument.lineno)
    it.line = node.lineno
    return it.call(function, args, kwargs, spelled(node.func))


EXPRESSIONS: dict[type[ast.expr], Callable[[Any, Any], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Dict: _dict,
    ast.ListComp: _list_comprehension,
    ast.GeneratorExp: _list_comprehension,
    ast.SetComp: _list_comprehension,
    ast.DictComp: _dict_comprehension,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _choose,
    ast.Lambda: _lambda,
    ast.JoinedStr: _f_string,
    ast.NamedExpr: _walrus,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    ast.Call: _call,
}
