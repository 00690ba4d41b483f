"""An interpreter over Python's syntax tree: statements and expressions that networks are written with, within a budget.

It knows the node types below and refuses every other one by name. What a name stands for comes from the text itself or
from the tables; attributes of real objects are never looked up by the text's words alone.
"""

from __future__ import annotations

import ast
import contextlib
import math
import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import torch
from torch import fx, nn

from models.parse import functions, methods, modules, python, torchvision_models
from models.parse.layers import LAYERS, is_int
from models.parse.modules import Pasted
from models.parse.refusals import refuse_name, refuse_node, without_brackets
from models.parse.values import (
    MAX_CHARACTERS,
    MAX_ITEMS,
    MAX_NUMBER,
    Bound,
    Class,
    Function,
    Instance,
    Known,
    LayerClass,
    Method,
    Namespace,
    Nothing,
    Parent,
    Scope,
    Unread,
    is_tensor,
    tensors_in,
    written_attribute,
)
from models.parse.words import Outside, ParseError, quotable, quotable_sentence

MAX_STEPS = 300_000
MAX_CALLS = 32
MAX_NUMBERS = 2**28
SMALL = 4_096
"""Numbers in a constant that is worked out while the network is built; larger ones have a shape alone."""

RUNNING: ContextVar[Interpreter | None] = ContextVar("pasted network that runs", default=None)

TABLE: dict[str, Any] = {**functions.TABLE, **python.MODULES_OF_PYTHON, **methods.METHOD_TABLE}
_ROOTS = {path.partition(".")[0] for path in TABLE}

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
_SIGNS: dict[type[ast.operator], str] = {
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
_REFUSALS = (TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, StopIteration)
"""How torch and Python say that they do not take something, besides ValueError and RuntimeError."""
_PRINTED_WORDS = {"same", "valid", "zeros", "reflect", "replicate", "circular"}


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class OutOfSteps(ParseError):
    """The budget is spent: nothing more of this text is read."""


class Interpreter:
    """One run over a text, or over one `forward` of it.

    device: where tensors are made. building: layers may be made; else a `forward` runs.
    answers: shapes that modules answered with while the network was first built, on the meta device: `__init__` may
        ask a layer for its shape, and it is not run for that where the network has weights.
    """

    def __init__(self, device: torch.device, *, script: bool, printed: bool, building: bool) -> None:
        self.device, self.script, self.printed, self.building = device, script, printed, building
        self.scope = Scope({})
        self.line = 0
        self.steps = 0
        self.calls = 0
        self.inits = 0
        self.inside = 0
        self.numbers = 0
        self.foreign = False
        """A network of torchvision was made."""
        self.sizes: dict[int, tuple[int, int]] = {}
        self.alive: list[nn.Module] = []
        self.answers: list[tuple[int, ...]] | None = None
        self.heard: list[tuple[int, ...]] = []

    # -- budgets

    def spend(self, work: int) -> None:
        self.steps += work
        if self.steps > MAX_STEPS:
            raise OutOfSteps("this text asks for too many steps; write fewer repetitions.", self.line, "range")

    def count(self, numbers: int, called: str, name: str) -> None:
        """Numbers that a network of weights would hold."""
        self.numbers += numbers
        if self.numbers > modules.MAX_PARAMETERS:
            raise modules.over(called, self.line, name)

    def check_length(self, length: int, work: int | None = None) -> None:
        if length > MAX_ITEMS:
            raise ParseError(f"a list here is longer than {MAX_ITEMS} items, which is the limit.", self.line, "list")
        self.spend((length if work is None else work) // 4 + 1)

    def checked(self, values: Any) -> Any:
        self.check_length(len(values))
        return values

    def check_characters(self, length: int) -> None:
        if length > MAX_CHARACTERS:
            raise ParseError(f"a text here is longer than {MAX_CHARACTERS} characters.", self.line, "text")
        self.spend(length // 16 + 1)

    def text(self, value: str) -> str:
        self.check_characters(len(value))
        return value

    # -- what values are

    def items(self, value: Any) -> list[Any]:
        """What a loop runs over."""
        if isinstance(value, (list, tuple)):
            found = list(value)
        elif isinstance(value, (dict, nn.ModuleDict)):
            found = list(value.keys())
        elif isinstance(value, (nn.Sequential, nn.ModuleList)):
            found = list(value._modules.values())
        elif isinstance(value, nn.ParameterList):
            found = [self.attribute(value, str(at)) for at in range(len(value))]
        elif isinstance(value, str):
            found = list(value)
        elif isinstance(value, fx.Proxy) and isinstance(value.node.meta["value"], (tuple, list)):
            found = [self.index(value, at) for at in range(len(value))]
        elif is_tensor(value) and self.shape_of(value):
            if self.shape_of(value)[0] > 256:
                raise ParseError("a loop runs over more than 256 slices of a tensor.", self.line, "for")
            found = [self.index(value, at) for at in range(self.shape_of(value)[0])]
        elif isinstance(value, Instance) and written_attribute(type(value), "__iter__"):
            found = self.items(self.call(self.attribute(value, "__iter__"), [], {}))
        else:
            raise ParseError("this is no list: a loop runs over lists, range(...), zip and the like.", self.line, "for")
        return self.checked(found)

    def truth(self, value: Any) -> bool:
        if is_tensor(value):
            raise ParseError(
                "the path depends on the numbers in a tensor, so it cannot be drawn; let it depend on a shape or a "
                "setting.",
                self.line,
                "if",
            )
        if isinstance(value, (nn.Sequential, nn.ModuleList, nn.ModuleDict)):
            return len(value._modules) > 0
        if isinstance(value, (bool, int, float, str, tuple, list, dict, type(None))):
            return bool(value)
        return True

    def number(self, value: Any, name: str) -> Any:
        if not isinstance(value, (int, float)):
            raise ParseError(f"{name} takes a number.", self.line, name)
        return value

    def known_number(self, value: Any) -> Any:
        """A number, also one that a small constant tensor holds."""
        return self._plain(value) if is_tensor(value) else value

    def _plain(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or value.is_meta or value.numel() > SMALL or not self.building:
            raise ParseError(
                f"the numbers in a tensor are not known here; {functions.instead('item')}.", self.line, "item"
            )
        return value.tolist()

    def is_key(self, value: Any) -> bool:
        if isinstance(value, tuple):
            return all(map(self.is_key, value))
        return isinstance(value, (str, int, float, bool, type(None), LayerClass, Known))

    def key(self, value: Any) -> Any:
        if not self.is_key(value):
            raise ParseError("a dictionary is read with a number or a text.", self.line, "dict")
        return value

    def same(self, left: Any, right: Any) -> bool:
        """`==` of what is not a tensor."""
        for each in (left, right):
            if isinstance(each, (list, tuple, dict)):
                self.check_length(len(each))
        if isinstance(left, (list, tuple)) and type(left) is type(right):
            return len(left) == len(right) and all(self.same(a, b) for a, b in zip(left, right, strict=True))
        if isinstance(left, (nn.Module, Instance, list, tuple, dict)):
            return left is right
        return not tensors_in([left, right]) and bool(left == right)

    def shape_of(self, tensor: Any) -> tuple[int, ...]:
        if isinstance(tensor, fx.Proxy):
            tensor = tensor.node.meta["value"]
        return tuple(int(size) for size in tensor.shape)

    def dtype_of(self, tensor: Any) -> torch.dtype:
        return (tensor.node.meta["value"] if isinstance(tensor, fx.Proxy) else tensor).dtype

    # -- statements

    def run(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        self.line = node.lineno
        self.spend(1)
        run = _STATEMENTS.get(type(node))
        if run is None:
            raise refuse_node(node)
        run(self, node)

    def _assign_statement(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value))

    def _augmented(self, node: ast.AugAssign) -> None:
        before = self.value(_loaded(node.target))
        more = self.value(node.value)
        self.line = node.lineno
        sign = _SIGNS[type(node.op)]
        if sign == "+" and isinstance(before, (nn.ModuleList, nn.ParameterList)):
            methods.STACK_METHODS["extend"](self, before, more)
            return
        if sign == "+" and isinstance(before, list):
            # As in Python, the list itself grows.
            more = self.items(more)
            self.check_length(len(before) + len(more))
            before.extend(more)
            self.assign(node.target, before)
            return
        self.assign(node.target, self.combine(sign, before, more, inplace=True))

    def _expression(self, node: ast.Expr) -> None:
        value = self.value(node.value)
        if isinstance(value, nn.Module) and not self.script and _spelled(node.value) in LAYERS:
            raise ParseError(
                "this layer is made and dropped; collect the layers with layers.append(...) or a list comprehension.",
                node.lineno,
                "for",
            )

    def _if(self, node: ast.If) -> None:
        while True:
            self.line = node.lineno
            if self.truth(self.value(node.test)):
                return self.run(node.body)
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                node = node.orelse[0]
                continue
            return self.run(node.orelse)

    def _for(self, node: ast.For) -> None:
        for item in self.items(self.value(node.iter)):
            self.spend(1)
            self.assign(node.target, item)
            try:
                self.run(node.body)
            except _Break:
                return
            except _Continue:
                continue
        self.run(node.orelse)

    def _while(self, node: ast.While) -> None:
        while self.truth(self.value(node.test)):
            self.spend(2)
            try:
                self.run(node.body)
            except _Break:
                return
            except _Continue:
                continue
        self.run(node.orelse)

    def _return(self, node: ast.Return) -> None:
        raise _Return(self.value(node.value) if node.value is not None else None)

    def _break(self, node: ast.Break) -> None:
        raise _Break

    def _continue(self, node: ast.Continue) -> None:
        raise _Continue

    def _pass(self, node: ast.stmt) -> None:
        return None

    def _with(self, node: ast.With) -> None:
        for item in node.items:
            context = self.value(item.context_expr)
            if not isinstance(context, Nothing):
                raise ParseError(
                    '"with" is read with torch.no_grad() and the like only.', item.context_expr.lineno, "with"
                )
            if item.optional_vars is not None:
                self.assign(item.optional_vars, context)
        self.run(node.body)

    def _assert(self, node: ast.Assert) -> None:
        if not self.truth(self.value(node.test)):
            self.line = node.lineno
            said = self.value(node.msg) if node.msg is not None else ast.unparse(node.test)[:80]
            raise ParseError(f"the code itself refuses this: {_said(said)}.", node.lineno, "assert")

    def _raise(self, node: ast.Raise) -> None:
        said: Any = "it raises an error here"
        if isinstance(node.exc, ast.Call) and node.exc.args:
            said = self.value(node.exc.args[0])
        elif isinstance(node.exc, (ast.Name, ast.Call)):
            named = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            said = named.id if isinstance(named, ast.Name) else said
        raise ParseError(f"the code itself refuses this: {_said(said)}.", node.lineno, "raise")

    def _try(self, node: ast.Try) -> None:
        """The path without an error: what its lines refuse is told."""
        self.run([*node.body, *node.orelse, *node.finalbody])

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Name):
                raise refuse_node(node)
            self.scope.names.pop(target.id, None)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Nothing is imported: names stand for dotted names."""
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                path = alias.name if alias.asname else name
            elif alias.name == "*":
                continue
            else:
                name, path = alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"
            found = self.resolve(path)
            if name in self.scope.names and isinstance(found, Namespace):
                continue  # the class itself may be pasted above the line that imports it
            self.scope.names[name] = found

    def _define(self, node: ast.FunctionDef) -> None:
        function = self.function(node.name, node.args, node.body, node.lineno)
        for decorator in node.decorator_list:
            named = ast.unparse(decorator)[:60]
            if named in ("staticmethod", "classmethod", "property"):
                function.role = named.removesuffix("method")
                continue
            found = self.value(decorator)
            if not isinstance(found, Nothing) and not (isinstance(found, Known) and found.name.startswith("torch.")):
                raise ParseError(
                    f'the decorator "{quotable(named)}" is not read here; leave it out.', node.lineno, named
                )
        self.scope.names[node.name] = function

    def function(self, name: str, arguments: ast.arguments, body: list[ast.stmt] | ast.expr, line: int) -> Function:
        values = [self.value(each) for each in arguments.defaults]
        named = {
            argument.arg: self.value(each)
            for argument, each in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if each is not None
        }
        return Function(name, arguments, body, self.scope, values, named, line)

    def _class(self, node: ast.ClassDef) -> None:
        if node.keywords:
            raise ParseError("a class with a metaclass or settings is not read here.", node.lineno, node.name)
        data = False
        for decorator in node.decorator_list:
            found = self.value(decorator)
            if not isinstance(found, Known) or found.name != "dataclass":
                if isinstance(found, Nothing):
                    data = data or found.name == "nothing"
                    continue
                raise ParseError(
                    f'the decorator "{quotable(ast.unparse(decorator)[:60])}" is not read here; leave it out.',
                    node.lineno,
                    node.name,
                )
            data = True
        kinds = [self._base(each) for each in node.bases]
        cls = Class(node.name, {}, node.lineno, self)
        outside, self.scope = self.scope, Scope({}, self.scope)
        try:
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and data:
                    value = self.value(statement.value) if statement.value is not None else None
                    cls.fields.append((statement.target.id, statement.value is not None, value))
                self.statement(statement)
            cls.attributes = self.scope.names
        finally:
            self.scope = outside
        cls.attributes["__name__"] = node.name
        for each in cls.attributes.values():
            if isinstance(each, Function) and each.owner is None and each.scope.names is cls.attributes:
                each.owner, each.scope = cls, outside
        if any(issubclass(kind, nn.Module) for kind in kinds):
            kinds = [kind for kind in kinds if kind is not Instance]
            plain = [kind for kind in kinds if not issubclass(kind, Pasted)]
            if plain and not any(issubclass(kind, Pasted) for kind in kinds):
                kinds.insert(kinds.index(plain[0]), Pasted)
            kinds = [kind for kind in kinds if kind is not nn.Module]
        try:
            cls.kind = type(node.name, tuple(kinds) or (Instance,), {"_written": cls, "__module__": __name__})
        except TypeError:
            raise ParseError("these classes cannot be joined into one.", node.lineno, node.name) from None
        self.spend(200)
        self.scope.names[node.name] = cls

    def _base(self, node: ast.expr) -> type:
        found = self.value(node)
        if isinstance(found, Class):
            return found.kind
        if isinstance(found, LayerClass) and issubclass(found.kind, nn.Module):
            return found.kind
        if isinstance(found, Nothing) or (isinstance(found, Namespace) and found.path.endswith("LightningModule")):
            return nn.Module if isinstance(found, Namespace) else Instance
        if isinstance(found, Known) and found.name == "object":
            return Instance
        name = ast.unparse(node)[:60]
        raise ParseError(
            f'the class "{quotable(name)}" is not known here; paste it too, or build on nn.Module.', node.lineno, name
        )

    # -- assignment

    def assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                if self.scope.around is None and (
                    name in ("nn", "torch", "range", "Sequential", "ModuleList") or (name in LAYERS)
                ):
                    raise _no_target(target, name)
                self.scope.names[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                self._unpack(targets, value, target.lineno)
            case ast.Attribute(value=owner, attr=name):
                self.line = target.lineno
                found = self.value(owner)
                if isinstance(found, (Namespace, LayerClass, Known)):
                    raise _no_target(target, name)
                self.assign_attribute(found, name, value)
            case ast.Subscript(value=owner, slice=index):
                found, at = self.value(owner), self.value(index)
                self.line = target.lineno
                self._set_item(found, at, value)
            case _:
                raise _no_target(target, type(target).__name__.lower())

    def _unpack(self, targets: list[ast.expr], value: Any, line: int) -> None:
        items = self.items(value)
        stars = [at for at, each in enumerate(targets) if isinstance(each, ast.Starred)]
        if stars:
            at, after = stars[0], len(targets) - stars[0] - 1
            if len(items) >= len(targets) - 1:
                items = [*items[:at], items[at : len(items) - after], *items[len(items) - after :]]
        if len(items) != len(targets):
            raise ParseError(f"{len(targets)} values are wanted here, and {len(items)} are there.", line, "=")
        for target, item in zip(targets, items, strict=True):
            self.assign(target.value if isinstance(target, ast.Starred) else target, item)

    def assign_attribute(self, owner: Any, name: str, value: Any) -> None:
        if isinstance(owner, nn.Module):
            setter = written_attribute(type(owner), name)
            if setter and isinstance(setter[0], Function) and setter[0].role == "property":
                raise ParseError(f'"{quotable(name)}" is a property and cannot be set.', self.line, name)
            modules.set_attribute(self, owner, name, value)
        elif isinstance(owner, Instance):
            if name.startswith("__"):
                raise ParseError(f'nothing can be assigned to "{quotable(name)}".', self.line, name)
            owner._own[name] = value
        elif isinstance(owner, Class) and not name.startswith("__"):
            owner.attributes[name] = value
        elif isinstance(owner, Nothing) or (is_tensor(owner) and name in ("requires_grad", "grad")):
            return
        elif isinstance(owner, nn.Parameter) and name == "data" and isinstance(value, torch.Tensor):
            if value.shape != owner.shape:
                raise ParseError("a weight is set to another shape.", self.line, name)
            with torch.no_grad():
                owner.copy_(value.to(owner.device)) if not owner.is_meta else None
        else:
            raise ParseError(f'nothing can be assigned to "{quotable(name)}" here.', self.line, name)

    def _set_item(self, owner: Any, at: Any, value: Any) -> None:
        if isinstance(owner, list) and is_int(at):
            if not -len(owner) <= at < len(owner):
                raise ParseError(f"the list has {len(owner)} items; there is no item {at}.", self.line, "list")
            owner[at] = value
        elif isinstance(owner, dict):
            self.check_length(len(owner) + 1, 1)
            owner[self.key(at)] = value
        elif isinstance(owner, (nn.Sequential, nn.ModuleList)) and is_int(at) and isinstance(value, nn.Module):
            names = list(owner._modules)
            if not -len(names) <= at < len(names):
                raise ParseError(f"there is no layer {at} in it.", self.line, "item")
            modules.add_child(self, owner, names[at], value)
        elif isinstance(owner, nn.ModuleDict) and isinstance(value, nn.Module):
            modules.add_child(self, owner, at, value)
        elif isinstance(owner, torch.Tensor) and not any(isinstance(t, fx.Proxy) for t in tensors_in([at, value])):
            self.tensor_call("[ ] =", _set_tensor_item, [owner, at, value], {})
        else:
            raise ParseError(
                "part of this cannot be assigned; make a new tensor, for example with torch.cat.", self.line, "[ ]"
            )

    # -- expressions

    def value(self, node: ast.expr) -> Any:
        self.line = node.lineno
        self.spend(1)
        read = _EXPRESSIONS.get(type(node))
        if read is None:
            raise refuse_node(node)
        return read(self, node)

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) <= 1e18:
            raise ParseError("this number is too large; nothing above 1e18 is read.", node.lineno, "number")
        if value is not None and value is not ... and not isinstance(value, (bool, int, float, str)):
            raise refuse_node(node)
        return value

    def _name(self, node: ast.Name) -> Any:
        name = node.id
        with contextlib.suppress(KeyError):
            found = self.scope.find(name)
            if isinstance(found, Unread):
                raise found.error
            return found
        if self.printed and name in _PRINTED_WORDS:
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
        if (model := torchvision_models.named(name)) is not None:
            return model
        raise refuse_name(name, node.lineno, self.printed, self.script)

    def _attribute(self, node: ast.Attribute) -> Any:
        owner = self.value(node.value)
        self.line = node.lineno
        return self.attribute(owner, node.attr)

    def _tuple(self, node: ast.Tuple) -> Any:
        return tuple(self.spread(node.elts))

    def _list(self, node: ast.List) -> Any:
        return self.spread(node.elts)

    def _dict(self, node: ast.Dict) -> Any:
        found: dict = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                more = self.value(value)
                if not isinstance(more, dict):
                    raise ParseError("two stars stand before something that is not a dictionary.", node.lineno, "**")
                found |= more
            else:
                found[self.key(self.value(key))] = self.value(value)
        return self.checked(found)

    def spread(self, nodes: list[ast.expr]) -> list[Any]:
        """The values of a list, a tuple or an argument list, with `*[...]` spread out."""
        found: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                more = self.value(node.value)
                self.line = node.lineno
                if not isinstance(more, (list, tuple, dict, nn.Sequential, nn.ModuleList, nn.ModuleDict)) and not (
                    is_tensor(more)
                ):
                    raise ParseError("a star stands before something that is not a list.", node.lineno, "*")
                found += self.items(more)
            else:
                found.append(self.value(node))
        if nodes:
            self.line = nodes[0].lineno
            self.check_length(len(found))
        return found

    def _list_comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Any:
        found: list[Any] = []
        self._comprehend(node.generators, lambda: found.append(self.value(node.elt)), found)
        return list(dict.fromkeys(map(self.key, found))) if isinstance(node, ast.SetComp) else found

    def _dict_comprehension(self, node: ast.DictComp) -> Any:
        found: dict = {}

        def add() -> None:
            found[self.key(self.value(node.key))] = self.value(node.value)

        self._comprehend(node.generators, add, found)
        return found

    def _comprehend(self, generators: list[ast.comprehension], add: Callable[[], None], found: Any) -> None:
        if len(generators) > 3:
            raise ParseError('a list comprehension is read with at most three "for".', self.line, "for")
        outside, self.scope = self.scope, Scope({}, self.scope)

        def run(rest: list[ast.comprehension]) -> None:
            if not rest:
                add()
                if len(found) > MAX_ITEMS:
                    self.check_length(len(found))
                return
            first = rest[0]
            if first.is_async:
                raise ParseError('"async" is not read here.', self.line, "async")
            for item in self.items(self.value(first.iter)):
                self.spend(10)
                self.assign(first.target, item)
                if all(self.truth(self.value(test)) for test in first.ifs):
                    run(rest[1:])

        try:
            run(generators)
        finally:
            self.scope = outside

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        self.line = node.lineno
        if isinstance(node.op, ast.Not):
            return not self.truth(value)
        call = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert}[type(node.op)]
        if is_tensor(value):
            return self.tensor_call("-", call, [value], {})
        if not isinstance(value, (int, float)):
            raise ParseError("a minus sign stands before something that is not a number.", node.lineno, "-")
        return call(value)

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        self.line = node.lineno
        return self.combine(_SIGNS[type(node.op)], left, right)

    def combine(self, sign: str, left: Any, right: Any, inplace: bool = False) -> Any:
        """An operation between two values."""
        if is_tensor(left) or is_tensor(right):
            return self.tensor_call(sign, _OPERATIONS[sign][inplace and is_tensor(left)], [left, right], {})
        for items, other in ((left, right), (right, left)):
            if isinstance(items, (list, tuple)):
                if (
                    sign == "+"
                    and isinstance(left, list) is isinstance(right, list)
                    and isinstance(other, (list, tuple))
                ):
                    self.check_length(len(left) + len(right))
                    return [*left, *right] if isinstance(left, list) else (*left, *right)
                if sign == "*" and is_int(other):
                    self.check_length(len(items) * max(other, 0))
                    return items * other
                if not isinstance(left, str):
                    raise ParseError(
                        f"lists can be joined with + and repeated with * and a number up to {MAX_ITEMS}; "
                        "this is neither.",
                        self.line,
                        sign,
                    )
        if isinstance(left, str) or isinstance(right, str):
            return self._combine_texts(sign, left, right)
        if isinstance(left, dict) and isinstance(right, dict) and sign == "|":
            return self.checked(left | right)
        if isinstance(left, nn.Sequential) and isinstance(right, nn.Sequential) and sign == "+":
            return modules.make_stack(self, "Sequential", [*left, *right])
        if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
            raise ParseError("arithmetic is read between numbers only.", self.line, sign)
        return self._arithmetic(sign, left, right)

    def _combine_texts(self, sign: str, left: Any, right: Any) -> str:
        if sign == "%" and isinstance(left, str):
            return python.percent(self, left, right)
        if sign == "+" and isinstance(left, str) and isinstance(right, str):
            return self.text(left + right)
        if sign == "*" and (is_int(left) or is_int(right)):
            times = left if is_int(left) else right
            self.check_characters(len(left if isinstance(left, str) else right) * max(times, 0))
            return left * right
        raise ParseError("texts can be joined with + only.", self.line, sign)

    def _arithmetic(self, sign: str, left: Any, right: Any) -> Any:
        if sign in ("<<", ">>") and not (is_int(right) and 0 <= right <= 30):
            raise ParseError("this shift is too large; write the result as a number.", self.line, sign)
        if sign == "**" and abs(right) * math.log2(max(2.0, abs(left))) > 64:
            raise ParseError("this power is too large or too small; write the result as a number.", self.line, "**")
        try:
            result = _OPERATIONS[sign][0](left, right)
        except (ZeroDivisionError, OverflowError, TypeError) as error:
            raise ParseError(f"this arithmetic has no result ({error}).", self.line, sign) from None
        if isinstance(result, complex):
            raise ParseError("this arithmetic has no real result.", self.line, sign)
        big = abs(left) > MAX_NUMBER or abs(right) > MAX_NUMBER
        if not abs(result) <= MAX_NUMBER and not (isinstance(result, float) and big and abs(result) <= 1e18):
            raise ParseError(
                f"the result of this arithmetic is larger than {MAX_NUMBER}, which is the limit.", self.line, sign
            )
        return result

    def _boolean(self, node: ast.BoolOp) -> Any:
        stop = isinstance(node.op, ast.Or)
        value: Any = None
        for each in node.values:
            value = self.value(each)
            if self.truth(value) is stop:
                break
        return value

    def _compare(self, node: ast.Compare) -> Any:
        left = self.value(node.left)
        result: Any = True
        for sign, other in zip(node.ops, node.comparators, strict=True):
            right = self.value(other)
            result = self._one_comparison(sign, left, right)
            if len(node.ops) > 1 and not self.truth(result):
                return False
            left = right
        return result

    def _one_comparison(self, sign: ast.cmpop, left: Any, right: Any) -> Any:
        if isinstance(sign, (ast.Is, ast.IsNot)):
            same = left is right or (isinstance(left, (LayerClass, Known)) and left == right)
            return same is isinstance(sign, ast.Is)
        if isinstance(sign, (ast.In, ast.NotIn)):
            if isinstance(right, str):
                found = isinstance(left, str) and left in right
            else:
                found = any(left is each or self.same(left, each) for each in self.items(right))
            return found is isinstance(sign, ast.In)
        if is_tensor(left) or is_tensor(right):
            call = {ast.Eq: operator.eq, ast.NotEq: operator.ne, **_COMPARISONS}[type(sign)]
            return self.tensor_call("compare", call, [left, right], {})
        if isinstance(sign, (ast.Eq, ast.NotEq)):
            return self.same(left, right) is isinstance(sign, ast.Eq)
        for kinds in ((int, float), (str,), (tuple,), (list,)):
            if isinstance(left, kinds) and isinstance(right, kinds):
                with contextlib.suppress(TypeError):
                    return _COMPARISONS[type(sign)](left, right)
        raise ParseError("these two cannot be compared.", self.line, "<")

    def _choose(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.truth(self.value(node.test)) else node.orelse)

    def _lambda(self, node: ast.Lambda) -> Any:
        return self.function("lambda", node.args, node.body, node.lineno)

    def _f_string(self, node: ast.JoinedStr) -> Any:
        pieces = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = self._f_string(part.format_spec) if isinstance(part.format_spec, ast.JoinedStr) else ""
                pieces.append(python.formatted(self, self.value(part.value), spec))
            else:
                pieces.append(str(self.value(part)))
        return self.text("".join(pieces))

    def _walrus(self, node: ast.NamedExpr) -> Any:
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def _slice(self, node: ast.Slice) -> slice:
        parts = [self.value(each) if each is not None else None for each in (node.lower, node.upper, node.step)]
        if not all(each is None or is_int(each) for each in parts):
            raise ParseError("a slice takes whole numbers.", node.lineno, ":")
        return slice(*parts)

    def _subscript(self, node: ast.Subscript) -> Any:
        owner = self.value(node.value)
        if isinstance(owner, (Nothing, Known, LayerClass)):
            return Nothing("type")
        at = self.value(node.slice)
        self.line = node.lineno
        return self.index(owner, at, _spelled(node.value))

    def index(self, owner: Any, at: Any, name: str = "this") -> Any:
        """`owner[at]`."""
        if is_tensor(owner):
            return self.tensor_call("getitem", operator.getitem, [owner, at], {})
        if isinstance(owner, dict):
            if self.key(at) not in owner:
                raise ParseError(
                    f'"{quotable(name)}" has no entry "{quotable(str(at))}"; it has '
                    f"{', '.join(quotable(str(key)) for key in list(owner)[:8])}.",
                    self.line,
                    name,
                )
            return owner[at]
        if isinstance(owner, nn.ModuleDict):
            return self.attribute(owner, str(at))
        if isinstance(owner, nn.Sequential) and isinstance(at, slice):
            found = nn.Sequential(OrderedDict(list(owner._modules.items())[at]))
            modules.check_size(self, found)
            return found
        if isinstance(owner, nn.ModuleList) and isinstance(at, slice):
            return modules.make_stack(self, "ModuleList", list(owner._modules.values())[at])
        if isinstance(owner, Instance) and written_attribute(type(owner), "__getitem__"):
            return self.call(self.attribute(owner, "__getitem__"), [at], {})
        items = owner if isinstance(owner, (list, tuple, str)) else (
            self.items(owner) if isinstance(owner, (nn.Sequential, nn.ModuleList, nn.ParameterList)) else None
        )  # fmt: skip
        at = self.known_number(at)
        if items is None or not isinstance(at, (int, slice)):
            raise ParseError(
                f'"{quotable(name)}" is read with [ ] but only lists are, by a whole number.', self.line, name
            )
        if isinstance(at, slice):
            found = items[at]
            return self.checked(found)
        if not -len(items) <= at < len(items):
            raise ParseError(f'"{quotable(name)}" has {len(items)} items; there is no item {at}.', self.line, name)
        return items[at]

    # -- attributes

    def resolve(self, path: str) -> Any:
        """What a dotted name of Python's or torch's modules stands for."""
        path = functions.canonical(path)
        if path in TABLE:
            return TABLE[path]
        return torchvision_models.at(path) or Namespace(path)

    def attribute(self, owner: Any, name: str) -> Any:
        """`owner.name`, from the tables and from what the text has set."""
        if name.startswith("__") and name not in ("__init__", "__name__", "__version__", "__call__"):
            found = written_attribute(type(owner), name)
            if found is None or not isinstance(owner, (nn.Module, Instance)):
                raise ParseError(f'the name "{quotable(name)}" is not read here.', self.line, name)
        if isinstance(owner, Namespace):
            return self._of_namespace(owner, name)
        if isinstance(owner, nn.Module):
            return self._of_module(owner, name)
        if isinstance(owner, Instance):
            if name in owner._own:
                return owner._own[name]
            if found := written_attribute(type(owner), name):
                return self._bind(found[0], owner)
        elif isinstance(owner, Class):
            if found := written_attribute(owner.kind, name):
                return found[0] if not _is_class_method(found[0]) else Method(found[0], owner)
            if name == "__init__" and owner.makes_modules:
                return Bound("__init__", lambda it, obj, *a, **k: it.base_init(obj, list(a), k))
        elif isinstance(owner, Parent):
            return self._of_parent(owner, name)
        elif isinstance(owner, LayerClass):
            return self._of_layer_class(owner, name)
        elif is_tensor(owner):
            return self._of_tensor(owner, name)
        elif isinstance(owner, Nothing):
            return Nothing(f"{owner.name}.{name}")
        elif isinstance(owner, Known) and name == "__name__":
            return owner.name
        else:
            for kind, table in _METHODS:
                if isinstance(owner, kind) and name in table:
                    return _bound(name, table[name], owner)
            if isinstance(owner, tuple) and name in ("values", "indices") and len(owner) == 2:
                return owner[name == "indices"]
        if isinstance(owner, (int, float)) or owner is None:
            raise ParseError(f'attribute access at "{quotable(name)}" is not read here.', self.line, name)
        what = owner.name if isinstance(owner, (Class, Function, Known)) else type(owner).__name__.lower()
        raise ParseError(
            f'"{quotable(name)}" of {quotable(what)} is not read here; {functions.instead(name)}.', self.line, name
        )

    def _of_namespace(self, owner: Namespace, name: str) -> Any:
        found = self.resolve(f"{owner.path}.{name}")
        if isinstance(found, Namespace) and owner.path in ("torch.nn", "torch.nn.functional"):
            deeper = any(path.startswith(f"{found.path}.") for path in TABLE) or name in (
                "modules",
                "utils",
                "intrinsic",
            )
            if not deeper:
                raise refuse_name(name, self.line, self.printed, self.script, owner.path)
        return found

    def _bind(self, found: Any, owner: Any) -> Any:
        if not isinstance(found, Function) or found.role == "static":
            return found
        if found.role == "property":
            return self.call_function(found, [owner], {})
        return Method(found, type(owner)._written if found.role == "class" else owner)

    def _of_module(self, owner: nn.Module, name: str) -> Any:
        own = owner.__dict__.get("_own")
        if own is not None and name in own:
            return own[name]
        if own is not None and (found := written_attribute(type(owner), name)) is not None:
            return self._bind(found[0], owner)
        there, value = modules.registered(owner, name)
        if there:
            return value
        if name == "__call__":
            name = "forward"
        if (method := methods.method_of(owner, name)) is not None:
            return _bound(name, method, owner, deaf=method is methods.itself)
        if name in functions.REFUSED_METHODS:
            raise ParseError(f'"{quotable(name)}" is not read here; {functions.instead(name)}.', self.line, name)
        modules.check_ready(self, owner)
        raise modules.missing(self, owner, name)

    def _of_parent(self, owner: Parent, name: str) -> Any:
        if found := written_attribute(type(owner.owner), name, owner.after):
            return self._bind(found[0], owner.owner)
        if name == "__init__":
            return Bound("__init__", lambda it, *args, **kwargs: it.base_init(owner.owner, list(args), kwargs))
        if name == "forward" and isinstance(owner.owner, nn.Module):
            base = real_base(type(owner.owner))
            return Bound("forward", lambda it, *args, **kwargs: it.run_real(base.forward, owner.owner, args, kwargs))
        if isinstance(owner.owner, nn.Module) and (method := methods.method_of(owner.owner, name)) is not None:
            return _bound(name, method, owner.owner)
        raise ParseError(f'super() has no "{quotable(name)}" that is read here.', self.line, name)

    def _of_layer_class(self, owner: LayerClass, name: str) -> Any:
        if name == "__name__":
            return owner.name
        if name == "__init__":
            return Bound("__init__", lambda it, obj, *args, **kwargs: it.base_init(obj, list(args), kwargs))
        if name == "forward":
            return Bound("forward", lambda it, obj, *args, **kwargs: it.run_real(owner.kind.forward, obj, args, kwargs))
        raise ParseError(f'"{quotable(name)}" of nn.{owner.name} is not read here.', self.line, name)

    def _of_tensor(self, owner: Any, name: str) -> Any:
        known = owner.node.meta["value"] if isinstance(owner, fx.Proxy) else owner
        if isinstance(known, (tuple, list)):
            if name in ("values", "indices"):
                return self.index(owner, int(name == "indices"))
        elif name == "shape":
            return self.shape_of(owner)
        elif name in ("ndim", "dtype", "requires_grad"):
            return getattr(known, name)
        elif name in ("device", "is_cuda", "grad"):
            return Nothing("device") if name == "device" else None
        elif name in methods.TENSOR_ATTRIBUTES:
            if name == "data":
                return owner if isinstance(owner, fx.Proxy) else owner.detach()
            return self.tensor_call(name, lambda x: getattr(x, name), [owner], {})
        elif name in methods.MOVES:
            return Bound(name, lambda it, *args, **kwargs: methods.moved(it, owner, name, list(args), kwargs))
        elif name in ("item", "tolist"):
            return Bound(name, lambda it: it._plain(owner))
        elif name in functions.TENSOR_METHODS:
            return Bound(name, lambda it, *args, **kwargs: it.tensor_method(owner, name, list(args), kwargs))
        raise ParseError(
            f'"{quotable(name)}" of a tensor is not read here; {functions.instead(name)}.', self.line, name
        )

    # -- calls

    def _call(self, node: ast.Call) -> Any:
        function = self.value(node.func)
        if isinstance(function, Bound) and function.deaf:
            return function.call(self)
        args = self.spread(node.args)
        kwargs: dict[str, Any] = {}
        for each in node.keywords:
            value = self.value(each.value)
            self.line = node.lineno
            more = {each.arg: value} if each.arg is not None else value
            if not isinstance(more, dict) or not all(isinstance(key, str) for key in more):
                raise ParseError("two stars stand before something that is not a dictionary.", node.lineno, "**")
            if twice := kwargs.keys() & more:
                raise ParseError(f'"{quotable(min(twice))}" is given twice.', node.lineno, _spelled(node.func))
            kwargs |= more
        if isinstance(function, LayerClass) and function.name in ("Sequential", "ModuleList"):
            for argument, value in zip(node.args, args, strict=False):
                if isinstance(value, LayerClass) and not isinstance(argument, ast.Starred):
                    raise without_brackets(value.name, argument.lineno)
        self.line = node.lineno
        return self.call(function, args, kwargs, _spelled(node.func))

    def call(self, function: Any, args: list[Any], kwargs: dict[str, Any], name: str = "this") -> Any:
        """What a function, class, layer or network answers."""
        self.spend(2)
        if isinstance(function, Function):
            return self.call_function(function, args, kwargs)
        if isinstance(function, Method):
            return self.call_function(function.function, [function.owner, *args], kwargs)
        if isinstance(function, Class):
            return self.make(function, args, kwargs)
        if isinstance(function, LayerClass):
            return self.make_layer(function, args, kwargs)
        if isinstance(function, nn.Module):
            return self.call_module(function, args, kwargs)
        if isinstance(function, (Known, Bound)):
            return self._call_known(function, args, kwargs)
        if isinstance(function, Instance) and (found := written_attribute(type(function), "__call__")):
            return self.call_function(found[0], [function, *args], kwargs)
        if isinstance(function, Nothing):
            return Nothing(function.name)
        if isinstance(function, Namespace):
            raise functions.unknown(function.path, self.line)
        raise ParseError(f'"{quotable(name)}" is called but is no function.', self.line, name)

    def _call_known(self, function: Known | Bound, args: list[Any], kwargs: dict[str, Any]) -> Any:
        line = self.line
        try:
            if isinstance(function, Bound) or not function.alone:
                return function.call(self, *args, **kwargs)
            if function.name.startswith(("torch.", "F.", "nn.")):
                if wrong := functions.check_settings(function.name.rpartition(".")[2], tuple(args), kwargs):
                    raise ParseError(f"in {function.name}, {wrong}.", line, function.name)
                if function.name in functions.FACTORIES:
                    return self._constant_tensor(function, args, kwargs)
                return self.tensor_call(function.name, function.call, args, kwargs)
            return function.call(*args, **kwargs)
        except (ParseError, _Return, _Break, _Continue, RecursionError):
            raise
        except _REFUSALS as error:
            raise self.refused(function.name, error, line) from None
        except (ValueError, RuntimeError) as error:
            if self.building and not self.inside:
                raise self.refused(function.name, error, line) from None
            raise

    def refused(self, name: str, error: Exception, line: int | None = None) -> ParseError:
        said = quotable_sentence(str(error)) or type(error).__name__
        return ParseError(f"{quotable(name)} does not take this: {said}.", self.line if line is None else line, name)

    def _constant_tensor(self, function: Known, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """`torch.zeros` and the like: small ones are worked out, larger ones live where the network does."""
        if any(isinstance(each, fx.Proxy) for each in tensors_in([args, kwargs])):
            return self.tensor_call(function.name, function.call, args, kwargs)
        kwargs = {key: value for key, value in kwargs.items() if key not in ("device", "requires_grad", "out")}
        like = tensors_in(args)
        device = like[0].device if like else self.device
        with torch.device("meta"):
            blank = self.tensor_call(function.name, function.call, [_on_meta(each) for each in args], kwargs)
        random = "rand" in function.name
        if self.building and not random and isinstance(blank, torch.Tensor) and blank.numel() <= SMALL and not like:
            device = torch.device("cpu")
        if device.type == "meta":
            return blank
        with torch.device(device):
            return function.call(*args, **kwargs)

    def tensor_method(self, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name == "size":
            shape = self.shape_of(owner)
            return shape[args[0] if args else kwargs["dim"]] if args or kwargs else shape
        if name in ("dim", "ndimension"):
            return len(self.shape_of(owner))
        if name in ("numel", "nelement"):
            return math.prod(self.shape_of(owner))
        if name in ("normal_", "uniform_", "fill_", "zero_", "copy_") and isinstance(owner, fx.Proxy):
            raise ParseError(f'"{name}" in forward is not drawn; make a new tensor.', self.line, name)
        call = operator.methodcaller
        return self.tensor_call(name, lambda x, *a, **k: call(name, *a, **k)(x), [owner, *args], kwargs)

    def tensor_call(self, name: str, function: Callable, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """What torch answers, at most so many numbers."""
        self.spend(30 if self.building else 100)
        for each in (*args, *kwargs.values()):
            if isinstance(each, (list, tuple)) and len(each) > MAX_ITEMS:
                self.check_length(len(each))
        args, kwargs = [_for_torch(each) for each in args], {key: _for_torch(v) for key, v in kwargs.items()}
        tensors = tensors_in([args, kwargs])
        real = [each for each in tensors if isinstance(each, torch.Tensor)]
        if len(real) == len(tensors) and len({each.device.type for each in real}) > 1:
            place = next(each.device for each in real if each.device.type != "cpu")
            args, kwargs = _to(args, place), _to(kwargs, place)
        if self.building and name in functions.PRODUCTS:
            self.spend(min(MAX_STEPS + 1, math.prod(math.prod(self.shape_of(each)) for each in tensors[:2]) // 10_000))
        try:
            result = function(*args, **kwargs)
        except (ParseError, RecursionError):
            raise
        except (ValueError, RuntimeError) as error:
            if self.building and not self.inside:
                raise self.refused(name, error) from None
            raise
        except _REFUSALS as error:
            raise self.refused(name, error) from None
        return self._weighed(result, name)

    def _weighed(self, result: Any, name: str) -> Any:
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
                    self.line,
                    name,
                )
            if self.building and not self.inside:
                self.count(tensor.numel(), name, name)
                if self.device.type == "meta" and tensor is result and tensor.numel() > SMALL and not tensor.is_meta:
                    return tensor.to("meta")
        return result

    # -- functions, classes, modules

    def forward(self, module: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """What the `forward` of a class of this text answers: a run of its own, or part of the one that goes on."""
        found = written_attribute(type(module), "forward")
        assert found is not None
        given = [*args] if found[0].role == "static" else [module, *args]
        running = RUNNING.get()
        if running is not None:
            return running.call_function(found[0], given, kwargs)
        place = next((each.device for each in tensors_in([args, kwargs]) if isinstance(each, torch.Tensor)), None)
        running = Interpreter(place or torch.device("meta"), script=True, printed=False, building=False)
        token = RUNNING.set(running)
        try:
            answer = running.call_function(found[0], given, kwargs)
        except RecursionError:
            raise ParseError("forward is nested too deeply to be run here.", running.line, "forward") from None
        finally:
            RUNNING.reset(token)
        if not tensors_in(answer):
            raise ParseError(
                f"forward of {quotable(type(module).__name__)} returns no tensor; end it with return x.",
                found[0].line,
                "forward",
            )
        return answer

    def call_function(self, function: Function, args: list[Any], kwargs: dict[str, Any]) -> Any:
        names = self._arguments(function, args, kwargs)
        if self.calls >= MAX_CALLS:
            raise ParseError(
                f"functions call each other deeper than {MAX_CALLS}, which is the limit here.", self.line, function.name
            )
        outside, before = self.scope, self.line
        method = (function.owner, args[0]) if function.owner is not None and args else None
        self.scope = Scope(names, function.scope, method)
        self.calls += 1
        try:
            if isinstance(function.body, ast.expr):
                return self.value(function.body)
            self.run(function.body)
            return None
        except _Return as returned:
            return returned.value
        except (_Break, _Continue):
            return None
        except ParseError as error:
            error.within = True
            raise
        finally:
            self.scope, self.line = outside, before
            self.calls -= 1

    def _arguments(self, function: Function, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Names of a function's arguments with what they are given, as Python does it."""
        wanted = function.arguments
        positional = [argument.arg for argument in (*wanted.posonlyargs, *wanted.args)]
        names: dict[str, Any] = dict(zip(positional, args, strict=False))
        rest = args[len(positional) :]
        if rest and wanted.vararg is None:
            raise ParseError(
                f"{function.name} takes {len(positional)} values and is given {len(args)}.", self.line, function.name
            )
        if wanted.vararg is not None:
            names[wanted.vararg.arg] = tuple(rest)
        others: dict[str, Any] = {}
        keyed = {*positional, *(argument.arg for argument in wanted.kwonlyargs)}
        for key, value in kwargs.items():
            if key in names and key in keyed:
                raise ParseError(f'"{quotable(key)}" is given twice.', self.line, function.name)
            if key in keyed:
                names[key] = value
            elif wanted.kwarg is not None:
                others[key] = value
            else:
                raise ParseError(f'{function.name} takes no "{quotable(key)}".', self.line, function.name)
        if wanted.kwarg is not None:
            names[wanted.kwarg.arg] = others
        defaults = zip(positional[len(positional) - len(function.values) :], function.values, strict=True)
        for name, value in (*defaults, *function.named.items()):
            names.setdefault(name, value)
        missing = [name for name in (*positional, *(a.arg for a in wanted.kwonlyargs)) if name not in names]
        if missing:
            raise ParseError(f"{function.name} needs {' and '.join(missing)}.", self.line, function.name)
        return names

    def make(self, cls: Class, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """An object of a class of the text."""
        self.spend(150)
        line = self.line
        found = written_attribute(cls.kind, "__init__")
        if not cls.makes_modules:
            made = cls.kind()
            if found:
                self.call_function(found[0], [made, *args], kwargs)
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
        if not self.building:
            raise ParseError("a layer is made in forward; make it in __init__.", line, cls.name)
        module = cls.kind.__new__(cls.kind)
        module.__dict__["_own"] = {}
        module.__dict__["_line"] = line
        self.inits += 1
        try:
            if found:
                self.call_function(found[0], [module, *args], kwargs)
            else:
                self.base_init(module, args, kwargs)
            self.line = line
            modules.check_ready(self, module)
            modules.check_size(self, module)
        except ParseError as error:
            error.within = True
            raise
        finally:
            self.inits -= 1
        return module

    def base_init(self, module: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
        """`super().__init__(...)` where torch's own class comes next."""
        if not isinstance(module, nn.Module):
            return
        base = real_base(type(module))
        if base is nn.Module:
            nn.Module.__init__(module)
        elif base in (nn.Sequential, nn.ModuleList, nn.ModuleDict):
            nn.Module.__init__(module)
            if base is nn.Sequential:
                modules.make_stack(self, "Sequential", args, module)
            elif args:
                fill = modules.module_list if base is nn.ModuleList else modules.module_dict
                fill(self, args[0], module)
        else:
            with torch.device(self.device):
                modules.make_layer(self, base.__name__, args, kwargs, module)

    def make_layer(self, function: LayerClass, args: list[Any], kwargs: dict[str, Any]) -> Any:
        name = function.name
        if not self.building:
            raise ParseError(f"nn.{name} is made in forward; make it in __init__.", self.line, name)
        if name == "Module":
            raise ParseError("nn.Module() is no layer by itself; write a class with a forward.", self.line, name)
        if name in ("Sequential", "ModuleList", "ModuleDict"):
            if kwargs:
                raise ParseError(f"nn.{name} takes layers only, without names before =.", self.line, name)
            if name == "Sequential":
                return modules.make_stack(self, name, args)
            if name == "ModuleDict":
                return modules.module_dict(self, args[0] if args else {})
            if self.printed:
                return modules.make_stack(self, name, args)
            if len(args) > 1:
                raise ParseError("nn.ModuleList takes one list of layers.", self.line, name)
            return modules.module_list(self, args[0] if args else [])
        with torch.device(self.device):
            return modules.make_layer(self, name, args, kwargs)

    def call_module(self, module: nn.Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """A layer or network applied to tensors."""
        modules.check_ready(self, module)
        if not self.building or self.inside:
            return self.run_real(module, None, tuple(args), kwargs)
        if not self.inits:
            raise Outside("a network is not run outside of its class.", self.line, type(module).__name__)
        if self.answers is not None:
            return torch.empty(self.answers.pop(0), device="meta")
        line = self.line
        self.inside += 1
        try:
            answer = self.run_real(module, None, tuple(map(_on_meta, args)), kwargs)
        except (RuntimeError, ValueError) as error:
            if isinstance(error, ParseError):
                raise
            raise self.refused(type(module).__name__, error, line) from None
        finally:
            self.inside -= 1
        if not isinstance(answer, torch.Tensor):
            raise ParseError("in __init__ a layer must answer with one tensor.", line, type(module).__name__)
        self.heard.append(tuple(answer.shape))
        return answer

    def run_real(self, function: Any, owner: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """A layer of torch on tensors."""
        self.spend(100)
        line = self.line
        name = function.__name__ if owner is not None else type(function).__name__
        try:
            if not isinstance(function, Pasted):
                args, kwargs = tuple(map(_for_torch, args)), {key: _for_torch(each) for key, each in kwargs.items()}
            return self._weighed(function(*(args if owner is None else (owner, *args)), **kwargs), name)
        except (ParseError, ValueError, RuntimeError):
            raise
        except NameError:
            raise ParseError(
                f"this {name} stands in a plain list, where torch does not find its weights; put it in an "
                "nn.ModuleList.",
                line,
                name,
            ) from None
        except _REFUSALS as error:
            raise self.refused(name, error, line) from None
        finally:
            self.line = line


def real_base(kind: type) -> Any:
    """The class of torch that a class of the text is built on."""
    return next(each for each in kind.__mro__ if each.__module__.startswith("torch.nn"))


def _bound(name: str, method: Callable, owner: Any, deaf: bool = False) -> Bound:
    return Bound(name, lambda it, *args, **kwargs: method(it, owner, *args, **kwargs), deaf)


def _is_class_method(found: Any) -> bool:
    return isinstance(found, Function) and found.role == "class"


def _loaded(target: ast.expr) -> ast.expr:
    """A target of an assignment as the expression that reads it; the interpreter does not look at the difference."""
    return target


def _no_target(target: ast.expr, name: str) -> ParseError:
    return ParseError(
        f'nothing can be assigned to "{quotable(name)}"; assign to a name of your own, '
        "for example model = nn.Sequential(...).",
        target.lineno,
        name,
    )


def _spelled(node: ast.expr) -> str:
    """The last name of what is called or read."""
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "attr", None) or getattr(node, "id", None) or type(node).__name__


def _said(value: Any) -> str:
    return quotable_sentence(value if isinstance(value, str) else modules.shown(value)) or "it says no more"


def _set_tensor_item(owner: torch.Tensor, at: Any, value: Any) -> torch.Tensor:
    with torch.no_grad():
        owner[at] = value
    return owner


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
    if is_tensor(value) or isinstance(value, _TORCH_TAKES):
        return value
    if isinstance(value, Nothing):
        return None
    raise TypeError(f"{type(value).__name__} among its arguments")


_METHODS: tuple[tuple[type, dict[str, Callable]], ...] = (
    (str, python.TEXT_METHODS),
    (list, python.LIST_METHODS),
    (tuple, python.TUPLE_METHODS),
    (dict, python.DICT_METHODS),
)

_STATEMENTS: dict[type[ast.stmt], Callable[[Interpreter, Any], None]] = {
    ast.Assign: Interpreter._assign_statement,
    ast.AnnAssign: Interpreter._annotated,
    ast.AugAssign: Interpreter._augmented,
    ast.Expr: Interpreter._expression,
    ast.If: Interpreter._if,
    ast.For: Interpreter._for,
    ast.While: Interpreter._while,
    ast.Return: Interpreter._return,
    ast.Break: Interpreter._break,
    ast.Continue: Interpreter._continue,
    ast.Pass: Interpreter._pass,
    ast.With: Interpreter._with,
    ast.Assert: Interpreter._assert,
    ast.Raise: Interpreter._raise,
    ast.Try: Interpreter._try,
    ast.Delete: Interpreter._delete,
    ast.Import: Interpreter._import,
    ast.ImportFrom: Interpreter._import,
    ast.FunctionDef: Interpreter._define,
    ast.ClassDef: Interpreter._class,
}
_EXPRESSIONS: dict[type[ast.expr], Callable[[Interpreter, Any], Any]] = {
    ast.Constant: Interpreter._constant,
    ast.Name: Interpreter._name,
    ast.Attribute: Interpreter._attribute,
    ast.Tuple: Interpreter._tuple,
    ast.List: Interpreter._list,
    ast.Dict: Interpreter._dict,
    ast.ListComp: Interpreter._list_comprehension,
    ast.GeneratorExp: Interpreter._list_comprehension,
    ast.SetComp: Interpreter._list_comprehension,
    ast.DictComp: Interpreter._dict_comprehension,
    ast.UnaryOp: Interpreter._unary,
    ast.BinOp: Interpreter._binary,
    ast.BoolOp: Interpreter._boolean,
    ast.Compare: Interpreter._compare,
    ast.IfExp: Interpreter._choose,
    ast.Lambda: Interpreter._lambda,
    ast.JoinedStr: Interpreter._f_string,
    ast.NamedExpr: Interpreter._walrus,
    ast.Slice: Interpreter._slice,
    ast.Subscript: Interpreter._subscript,
    ast.Call: Interpreter._call,
}
