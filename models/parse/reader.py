"""Gates 2 and 3: syntax, by a reader that knows a dozen node types, and the settings of each layer. Nothing acts."""

from __future__ import annotations

import ast
import difflib
import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from models.parse.layers import LAYER_KINDS, LAYERS, is_int, is_number
from models.parse.words import ALLOWED, MAX_LAYERS, ParseError, quotable

MAX_ITEMS = 4_000
MAX_WORK = 500_000
WORK_PER_EXPRESSION = 10
MAX_DEPTH = 24
MAX_NUMBER = 10**9


@dataclass(eq=False)
class Written:
    """A layer still on paper. Used in two places it is one layer with shared weights, as in PyTorch."""

    name: str
    settings: dict[str, object]
    line: int
    leaves: int = field(default=1, init=False)
    depth: int = field(default=0, init=False)

    def copy(self) -> Written:
        return Written(self.name, self.settings, self.line)


@dataclass(eq=False)
class Stack:
    """An `nn.Sequential` on paper; `runs` is false for an `nn.ModuleList`, which is only a list."""

    children: list[tuple[str, Written | Stack]]
    line: int
    runs: bool = True

    def __post_init__(self) -> None:
        # An empty stack counts too: doubling nothing twenty times is still a million stacks.
        self.leaves = sum(child.leaves for _, child in self.children) or 1
        self.depth = 1 + max((child.depth for _, child in self.children), default=0)
        if self.leaves > MAX_LAYERS:
            raise ParseError(
                f"this network has more than {MAX_LAYERS} layers, which is the limit here.", self.line, "Sequential"
            )
        if self.depth > MAX_DEPTH:
            raise ParseError(
                f"nn.Sequential is nested deeper than {MAX_DEPTH}, which is the limit here.", self.line, "Sequential"
            )

    def copy(self) -> Stack:
        return Stack([(name, child.copy()) for name, child in self.children], self.line, self.runs)


_Node = (Written, Stack)
_EMPTY = nn.Sequential()
_IMPORTS = {
    ("", "torch", None),
    ("", "torch.nn", None),
    ("", "torch.nn", "nn"),
    ("", "torch.nn.functional", "F"),
    ("", "collections", None),
    ("torch", "nn", None),
    ("collections", "OrderedDict", None),
}
_RESERVED = {"nn", "torch", "range", "OrderedDict", "collections", "Sequential", "ModuleList"}
_PRINTED_WORDS = {"same", "valid", "zeros", "reflect", "replicate", "circular"}
_OPERATIONS: dict[type[ast.operator], tuple[str, Callable]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
_NODE_WORDS = {
    ast.Attribute: "attribute access",
    ast.Call: "calling the result of a call",
    ast.Subscript: "this indexing",
    ast.GeneratorExp: "a generator",
    ast.Constant: "this value",
    ast.Match: "a match statement",
    ast.SetComp: "a set",
    ast.Set: "a set",
    ast.DictComp: "a dictionary comprehension",
    ast.Dict: "a dictionary outside OrderedDict(...)",
    ast.NamedExpr: "assigning inside an expression",
    ast.Compare: "a comparison",
    ast.Starred: "a star in this place",
    ast.AnnAssign: "a type annotation",
    ast.Slice: "a slice",
    ast.For: "a loop",
}
_INSTEAD = {
    ast.GeneratorExp: "write it as a list in square brackets",
    ast.For: "write a list comprehension over range(...)",
}


class Reader:
    """Walks the syntax tree of one text. Values are numbers, strings, tuples, lists, layers on paper: nothing acts."""

    def __init__(self, printed: bool) -> None:
        self.printed = printed
        self.names: dict[str, object] = {}
        self.work = 0

    # -- statements

    def network(self, tree: ast.Module) -> Stack:
        shown: list[object] = []
        assigned: list[tuple[str, int, object]] = []
        for statement in tree.body:
            match statement:
                case ast.Import() | ast.ImportFrom():
                    self._import(statement)
                case ast.Assign(targets=[target]):
                    assigned.append(self._assign(target, self.value(statement.value)))
                case ast.AugAssign(target=ast.Name(id=name), op=ast.Add()):
                    before, more = self._look_up(name, statement.lineno), self.value(statement.value)
                    grown = self._arithmetic(ast.Add(), before, more, statement.lineno)
                    assigned.append(self._assign(statement.target, grown))
                case ast.Expr(value=ast.Tuple(elts=items)):
                    shown += [self.value(item) for item in items]
                case ast.Expr(value=value):
                    shown.append(self.value(value))
                case _:
                    raise self._refusal(statement)
        pieces = shown or [value for _, _, value in assigned if _holds_layers(value)][-1:]
        line = tree.body[-1].lineno if tree.body else 1
        stack = self._stack(pieces, line)
        if len(stack.children) == 1 and isinstance(stack.children[0][1], Stack) and len(pieces) == 1:
            stack = stack.children[0][1]
        if not stack.children:
            raise ParseError("there is no layer in this text; paste an nn.Sequential(...) or a list of layers.", 0, "")
        used = set(_identities(stack))
        for name, line, value in assigned:
            if _holds_layers(value) and not used.issuperset(_identities(value)):
                raise ParseError(
                    f'"{quotable(name)}" is not part of the network that the text ends with; '
                    "join the pieces, for example nn.Sequential(features, classifier).",
                    line,
                    name,
                )
        return stack

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        origin = (statement.module or "") if isinstance(statement, ast.ImportFrom) else ""
        for alias in statement.names:
            known = (origin, alias.name, alias.asname) in _IMPORTS or (
                origin == "torch.nn"
                and alias.asname is None
                and (alias.name in LAYERS or alias.name in ("*", "Sequential", "ModuleList"))
            )
            if not known or getattr(statement, "level", 0):
                raise ParseError(
                    f'"{quotable(alias.name)}" is not imported here: nothing is; only the lines "import torch", '
                    '"from torch import nn", "import torch.nn as nn" and layers "from torch.nn" are passed over.',
                    statement.lineno,
                    alias.name,
                )

    def _assign(self, target: ast.expr, value: object) -> tuple[str, int, object]:
        match target:
            case ast.Name(id=name) if name not in _RESERVED and name not in LAYERS:
                pass
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
                name = f"self.{attribute}"
            case _:
                name = target.id if isinstance(target, ast.Name) else type(target).__name__.lower()
                raise ParseError(
                    f'nothing can be assigned to "{quotable(name)}"; assign to a name of your own, '
                    "for example model = nn.Sequential(...).",
                    target.lineno,
                    name,
                )
        self.names[name] = value
        return name, target.lineno, value

    # -- expressions

    def value(self, node: ast.expr) -> Any:
        self._spend(WORK_PER_EXPRESSION, node.lineno)
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None):
                return self._constant(node)
            case ast.Name(id=name):
                return self._look_up(name, node.lineno)
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
                return self._look_up(f"self.{attribute}", node.lineno)
            case ast.Attribute(value=ast.Name(id="nn"), attr=name) if name in LAYERS:
                raise self._without_brackets(name, node.lineno)
            case ast.Tuple(elts=items):
                return tuple(self._items(items))
            case ast.List(elts=items):
                return self._items(items)
            case ast.ListComp(elt=element, generators=generators):
                found: list[object] = []
                self._comprehend(element, generators, found)
                return found
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                inner = self.value(operand)
                if not is_number(inner):
                    raise ParseError("a minus sign stands before something that is not a number.", node.lineno, "-")
                return -inner if isinstance(sign, ast.USub) else inner
            case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATIONS:
                return self._arithmetic(operation, self.value(left), self.value(right), node.lineno)
            case ast.Subscript(value=ast.Name(id=name), slice=ast.expr() as index) if not isinstance(index, ast.Slice):
                return self._item(name, self.value(index), node.lineno)
            case ast.Call():
                return self._call(node)
        raise self._refusal(node)

    def _spend(self, work: int, line: int) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise ParseError("this text asks for too many steps; write fewer repetitions.", line, "range")

    def _check_length(self, length: int, line: int) -> None:
        if length > MAX_ITEMS:
            raise ParseError(f"a list here is longer than {MAX_ITEMS} items, which is the limit.", line, "list")
        self._spend(length, line)

    def _constant(self, node: ast.Constant) -> object:
        if is_number(node.value) and not abs(node.value) <= 1e12:
            raise ParseError("this number is too large; nothing above 1e12 is read.", node.lineno, "number")
        return node.value

    def _look_up(self, name: str, line: int) -> object:
        if name in self.names:
            return self.names[name]
        if self.printed and name in _PRINTED_WORDS:
            return name
        if name in LAYERS:
            raise self._without_brackets(name, line)
        raise ParseError(f'the name "{quotable(name)}" is not known here; allowed are {ALLOWED}.', line, name)

    def _without_brackets(self, name: str, line: int) -> ParseError:
        needs = ", ".join(LAYERS[name].required)
        return ParseError(f"nn.{name} stands without brackets; write nn.{name}({needs}).", line, name)

    def _items(self, nodes: list[ast.expr]) -> list[object]:
        """The values of a list, a tuple or an argument list, with `*[...]` spread out."""
        found: list[object] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                more = self.value(node.value)
                if isinstance(more, Stack):
                    more = [child for _, child in more.children]
                if not isinstance(more, (list, tuple)):
                    raise ParseError("a star stands before something that is not a list.", node.lineno, "*")
                self._check_length(len(found) + len(more), node.lineno)
                found += more
            else:
                found.append(self.value(node))
        if nodes:
            self._check_length(len(found), nodes[0].lineno)
        return found

    def _item(self, name: str, index: object, line: int) -> object:
        items = self._look_up(name, line)
        if not isinstance(items, (list, tuple)) or not is_int(index):
            raise ParseError(f'"{quotable(name)}" is read with [ ] but only lists are, by a whole number.', line, name)
        if not -len(items) <= index < len(items):
            raise ParseError(f'"{quotable(name)}" has {len(items)} items; there is no item {index}.', line, name)
        return items[index]

    def _arithmetic(self, operation: ast.operator, left: Any, right: Any, line: int) -> object:
        sign, compute = _OPERATIONS[type(operation)]
        for items, other in ((left, right), (right, left)):
            if isinstance(items, (list, tuple)):
                if isinstance(operation, ast.Add) and type(left) is type(right):
                    self._check_length(len(left) + len(right), line)
                    return left + right
                if isinstance(operation, ast.Mult) and is_int(other) and 0 <= other <= MAX_ITEMS:
                    self._check_length(len(items) * other, line)
                    return items * other
                raise ParseError(
                    f"lists can be joined with + and repeated with * and a number up to {MAX_ITEMS}; this is neither.",
                    line,
                    sign,
                )
        if not is_number(left) or not is_number(right):
            raise ParseError("arithmetic is read between numbers only.", line, sign)
        if isinstance(operation, ast.Pow) and abs(right) * math.log2(max(2.0, abs(left))) > 64:
            raise ParseError("this power is too large or too small; write the result as a number.", line, "**")
        try:
            result = compute(left, right)
        except (ZeroDivisionError, OverflowError) as error:
            raise ParseError(f"this arithmetic has no result ({error}).", line, sign) from None
        if isinstance(result, complex):
            raise ParseError("this arithmetic has no real result.", line, sign)
        if not abs(result) <= MAX_NUMBER:
            raise ParseError(
                f"the result of this arithmetic is larger than {MAX_NUMBER}, which is the limit.", line, sign
            )
        return result

    def _comprehend(self, element: ast.expr, generators: list[ast.comprehension], found: list[object]) -> None:
        first, *rest = generators
        if first.ifs or first.is_async or len(generators) > 3:
            raise ParseError(
                'a list comprehension is read with at most three "for" and no "if".', element.lineno, "for"
            )
        items = self.value(first.iter)
        if not isinstance(items, (list, tuple)):
            raise ParseError(
                "a list comprehension runs over range(...) or a list; this is neither.", element.lineno, "for"
            )
        targets = first.target.elts if isinstance(first.target, ast.Tuple) else [first.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if len(names) < len(targets):
            raise ParseError('after "for" stands a name, or names with commas.', element.lineno, "for")
        outside = {name: self.names.get(name) for name in names}
        for item in items:
            self._spend(WORK_PER_EXPRESSION, element.lineno)
            values = [item] if first.target is targets[0] else item
            if not isinstance(values, (list, tuple)) or len(values) != len(targets):
                raise ParseError(
                    f'"for" asks for {len(targets)} values, and one item holds another number.', element.lineno, "for"
                )
            for target, value in zip(targets, values, strict=True):
                self._assign(target, value)
            if rest:
                self._comprehend(element, rest, found)
            else:
                found.append(self.value(element))
                if len(found) > MAX_ITEMS:
                    self._check_length(len(found), element.lineno)
        for name, value in outside.items():
            self.names.pop(name, None)
            if value is not None:
                self.names[name] = value

    # -- calls

    def _call(self, node: ast.Call) -> object:
        name = self._callee(node.func)
        keywords = [(each.arg, each.value) for each in node.keywords if each.arg is not None]
        if len(keywords) < len(node.keywords):
            raise ParseError('"**" before an argument is not read here; write the settings out.', node.lineno, "**")
        if name == "OrderedDict":
            return self._pairs(node)
        arguments = self._items(node.args)
        settings: dict[str, object] = {}
        for key, value in keywords:
            if key in settings:
                raise ParseError(f'"{quotable(key)}" is given twice.', node.lineno, name)
            settings[key] = self.value(value)
        if name == "range":
            return self._range(arguments, settings, node.lineno)
        if name in ("Sequential", "ModuleList"):
            if settings:
                raise ParseError(f"nn.{name} takes layers only, without names before =.", node.lineno, name)
            if name == "ModuleList" and not self.printed:
                if len(arguments) != 1 or not isinstance(arguments[0], list):
                    raise ParseError("nn.ModuleList takes one list of layers.", node.lineno, name)
                arguments = arguments[0]
            return self._stack(arguments, node.lineno, runs=name == "Sequential", spread=False)
        return self._layer(name, arguments, settings, node.lineno)

    def _callee(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                pass
            case ast.Attribute(value=ast.Name(id="nn"), attr=name):
                pass
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="torch"), attr="nn"), attr=name):
                pass
            case ast.Attribute(value=ast.Name(id="collections"), attr="OrderedDict"):
                return "OrderedDict"
            case _:
                raise self._refusal(node)
        if name in LAYERS or name in ("Sequential", "ModuleList"):
            return name
        if isinstance(node, ast.Name) and name in ("range", "OrderedDict"):
            return name
        if self.printed and not hasattr(nn, name):
            raise ParseError(
                f'"{quotable(name)}" is a class of its own, whose printout does not say how its layers run; '
                "paste a printed Sequential or nn.Sequential code.",
                node.lineno,
                name,
            )
        close = difflib.get_close_matches(name, [*LAYERS, "Sequential"], n=1)
        close = [each for each in LAYERS if each.lower() == name.lower()] or close
        hint = f"; did you mean nn.{close[0]}?" if close else f"; allowed are {LAYER_KINDS} of torch.nn."
        raise ParseError(f'"{quotable(name)}" is not a layer that is read here{hint}', node.lineno, name)

    def _range(self, arguments: list[Any], settings: dict[str, object], line: int) -> list[int]:
        if settings or not 1 <= len(arguments) <= 3 or not all(map(is_int, arguments)) or 0 in arguments[2:]:
            raise ParseError("range takes one to three whole numbers, and a step that is not 0.", line, "range")
        numbers = range(*arguments)
        if len(numbers) > MAX_LAYERS:
            raise ParseError(f"range runs over more than {MAX_LAYERS} numbers, which is the limit here.", line, "range")
        return list(numbers)

    def _pairs(self, node: ast.Call) -> list[tuple[str, object]]:
        """`OrderedDict([("name", layer), ...])` or `OrderedDict({"name": layer, ...})`, checked where it is used."""
        match node:
            case ast.Call(args=[ast.Dict(keys=keys, values=values)], keywords=[]) if None not in keys:
                pairs = [(self.value(key), self.value(value)) for key, value in zip(keys, values, strict=True) if key]
            case ast.Call(args=[argument], keywords=[]):
                pairs = self.value(argument)
            case _:
                pairs = None
        if not isinstance(pairs, (list, tuple)) or not all(
            isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
        ):
            raise ParseError(
                'OrderedDict takes a list of pairs such as [("conv1", nn.Conv2d(3, 8, 3))].', node.lineno, "OrderedDict"
            )
        return list(pairs)

    def _stack(self, items: list[Any], line: int, runs: bool = True, spread: bool = True) -> Stack:
        """Layers in order. `items`: layers, pairs of an OrderedDict, triples of a printout, lists if `spread`."""
        if len(items) == 1 and isinstance(items[0], list) and items[0] and all(_is_pair(each) for each in items[0]):
            items = items[0]
            children = list(items)
        else:
            children: list[tuple[str, Any]] = []
            for item in items:
                if self.printed and _is_triple(item):
                    children += self._copies(*item, line=line)
                elif spread and isinstance(item, (list, tuple)):
                    children += [(str(len(children) + offset), each) for offset, each in enumerate(item)]
                else:
                    children.append((str(len(children)), item))
        names = set()
        for name, _ in children:
            if name in names or hasattr(_EMPTY, name) or not re.fullmatch(r"[\w\-]+", name, re.ASCII):
                raise ParseError(
                    f'"{quotable(name)}" cannot name a layer: it is taken, empty or has signs in it.', line, name
                )
            names.add(name)
        for _, child in children:
            if not isinstance(child, _Node):
                hint = "; put * before the list" if isinstance(child, (list, tuple)) else ""
                where = "this text" if spread else "nn.Sequential"
                raise ParseError(f"{where} holds something that is not a layer{hint}.", line, "Sequential")
            if isinstance(child, Stack) and not child.runs and not (spread and len(children) == 1):
                raise ParseError(
                    "nn.ModuleList does not run by itself; put * before it, or use nn.Sequential.",
                    child.line,
                    "ModuleList",
                )
        return Stack(children, line, runs)

    def _copies(self, name: str, child: Written | Stack, copies: int, line: int) -> list[tuple[str, Written | Stack]]:
        """The children that one printed line stands for: `(3-5): 3 x Conv2d(...)` are three layers of their own."""
        if copies == 1:
            return [(name, child)]
        if not re.fullmatch(r"\d+-\d+", name) or copies * child.leaves > MAX_LAYERS:
            raise ParseError(
                f'"{copies} x" here asks for more layers than are read or than its numbers say.', line, name
            )
        first = int(name.split("-")[0])
        self._spend(copies * child.leaves * WORK_PER_EXPRESSION, line)
        return [(str(first + number), child.copy()) for number in range(copies)]

    def _layer(self, name: str, arguments: list[object], settings: dict[str, object], line: int) -> Written:
        schema = LAYERS[name]
        if len(arguments) > len(schema.positional):
            takes = f"takes {', '.join(schema.positional)}" if schema.positional else "takes nothing"
            raise ParseError(f"nn.{name} got {len(arguments)} values, but {takes}.", line, name)
        given = dict(zip(schema.positional, arguments, strict=False))
        for setting, value in settings.items():
            if self.printed and name.startswith("Upsampling") and setting == "mode":
                continue
            if setting not in schema.rules:
                close = difflib.get_close_matches(setting, schema.rules, n=1)
                hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(schema.rules) or 'nothing'}."
                raise ParseError(
                    f'nn.{name} has no setting "{quotable(setting)}" that is read here; {hint}', line, name
                )
            if setting in given:
                raise ParseError(f"nn.{name} is given {setting} twice.", line, name)
            given[setting] = value
        missing = [each for each in schema.required if each not in given]
        if missing:
            raise ParseError(f"nn.{name} needs {' and '.join(missing)}.", line, name)
        for setting, value in given.items():
            given[setting] = value = tuple(value) if isinstance(value, list) else value
            wanted = schema.rules[setting](value)
            if wanted and not (value is None and schema.defaults[setting] is None):
                whole = isinstance(value, float) and value.is_integer() and "whole" in wanted
                hint = " (// divides to a whole number)" if whole else ""
                raise ParseError(
                    f"nn.{name} has {setting}={_shown(value)}, but {setting} must be {wanted}{hint}.", line, name
                )
        return Written(name, given, line)

    def _refusal(self, node: ast.AST) -> ParseError:
        word = _NODE_WORDS.get(type(node), type(node).__name__)
        at = node
        while isinstance(at, (ast.Call, ast.Subscript, ast.Starred)):
            at = at.func if isinstance(at, ast.Call) else at.value
        name = getattr(at, "attr", None) or getattr(at, "id", None) or type(at).__name__
        named = f' at "{quotable(name)}"' if isinstance(at, (ast.Attribute, ast.Name)) else ""
        return ParseError(
            f"{word}{named} is not allowed here; {_INSTEAD.get(type(node), f'allowed are {ALLOWED}')}.",
            getattr(node, "lineno", 0),
            name,
        )


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def _is_triple(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 3 and isinstance(item[0], str) and isinstance(item[1], _Node)


def _holds_layers(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(isinstance(each, _Node) or (_is_pair(each) and isinstance(each[1], _Node)) for each in value)
    return isinstance(value, _Node)


def _identities(value: object) -> Iterator[int]:
    """The layers on paper that a value holds, one list deep."""
    if isinstance(value, Written):
        yield id(value)
    elif isinstance(value, Stack):
        for _, child in value.children:
            yield from _identities(child)
    elif isinstance(value, (list, tuple)):
        for each in value:
            inner = each[1] if _is_pair(each) else each
            if isinstance(inner, _Node):
                yield from _identities(inner)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return (
            f"a tuple of {len(value)}"
            if len(value) > 6 or any(isinstance(v, (tuple, list)) for v in value)
            else ("(" + ", ".join(map(_shown, value)) + ("," if len(value) == 1 else "") + ")")
        )
    return "a layer" if isinstance(value, _Node) else quotable(repr(value))
