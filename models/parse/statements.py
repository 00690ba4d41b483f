"""Statements that networks are written with: each is a function of the interpreter and the node."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from models.parse import methods, modules
from models.parse.expressions import SIGNS
from models.parse.layers import LAYERS, is_int
from models.parse.modules import Pasted
from models.parse.refusals import refuse_node, spelled
from models.parse.values import (
    Break,
    Class,
    Continue,
    Function,
    Instance,
    Known,
    LayerClass,
    Layers,
    Namespace,
    Nothing,
    Return,
    Scope,
    is_tensor,
    tensors_in,
    written_attribute,
)
from models.parse.words import Loaded, OutOfSteps, ParseError, quotable, quotable_sentence

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter


_KEPT = ("load", "load_state_dict", "save", "state_dict")
_LOADS = re.compile(r"torch\.load|(.*\.)?(load_state_dict|state_dict|load_url|load_state_dict_from_url)")


def calls(statement: ast.stmt, *names: str) -> bool:
    """Whether a statement is a call of one of these, or gives a name its answer."""
    call = statement.value if isinstance(statement, (ast.Expr, ast.Assign)) else None
    return isinstance(call, ast.Call) and spelled(call) in names


def keeps_weights(statement: ast.stmt) -> bool:
    """Whether a statement beside a network loads or saves weights."""
    return calls(statement, *_KEPT)


def loads_weights(statement: ast.stmt, error: ParseError) -> bool:
    """Whether a statement inside a class or function loads weights, or gives names to what would have been loaded."""
    if isinstance(statement, (ast.If, ast.With)):
        return all(loads_weights(one, error) for one in [*statement.body, *getattr(statement, "orelse", ())])
    targets = getattr(statement, "targets", ())
    if not isinstance(statement, (ast.Expr, ast.Assign)) or not all(isinstance(each, ast.Name) for each in targets):
        return False
    call: ast.AST = statement.value
    while isinstance(call, ast.Subscript):
        call = call.value
    called = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
    return bool(_LOADS.fullmatch(called)) or (bool(targets) and isinstance(error, Loaded))


def stored(statement: ast.stmt) -> list[str]:
    """Names that a statement gives a value."""
    names = [part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        names = [statement.name]
    return names


def assign(it: Interpreter, target: ast.expr, value: Any) -> None:
    match target:
        case ast.Name(id=name):
            if it.scope.around is None and (
                name in ("nn", "torch", "range", "Sequential", "ModuleList") or (name in LAYERS)
            ):
                raise _no_target(target, name)
            it.scope.names[name] = value
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            _unpack(it, targets, value, target.lineno)
        case ast.Attribute(value=owner, attr=name):
            it.line = target.lineno
            found = it.value(owner)
            if isinstance(found, (Namespace, LayerClass, Known)):
                raise _no_target(target, name)
            it.assign_attribute(found, name, value)
        case ast.Subscript(value=owner, slice=index):
            found, at = it.value(owner), it.value(index)
            it.line = target.lineno
            _set_item(it, found, at, value)
        case _:
            raise _no_target(target, type(target).__name__.lower())


def _unpack(it: Interpreter, targets: list[ast.expr], value: Any, line: int) -> None:
    items = it.items(value)
    stars = [at for at, each in enumerate(targets) if isinstance(each, ast.Starred)]
    if stars:
        at, after = stars[0], len(targets) - stars[0] - 1
        if len(items) >= len(targets) - 1:
            items = [*items[:at], items[at : len(items) - after], *items[len(items) - after :]]
    if len(items) != len(targets):
        told = f"{len(targets)} values are wanted here, not {len(items)}."
        if isinstance(value, (torch.Tensor, fx.Proxy)):
            told += " What forward takes in a tuple is written in brackets, as 3x32x32; (16x32x32, 16x32x32)."
        raise ParseError(told, line, "=")
    for target, item in zip(targets, items, strict=True):
        it.assign(target.value if isinstance(target, ast.Starred) else target, item)


def assign_attribute(it: Interpreter, owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, nn.Module):
        setter = written_attribute(type(owner), name)
        if setter and isinstance(setter[0], Function) and setter[0].role == "property":
            raise ParseError(f'"{quotable(name)}" is a property and cannot be set.', it.line, name)
        modules.set_attribute(it, owner, name, value)
    elif isinstance(owner, Instance):
        if name.startswith("__"):
            raise ParseError(f'nothing can be assigned to "{quotable(name)}".', it.line, name)
        owner._own[name] = value
    elif isinstance(owner, Class) and not name.startswith("__"):
        owner.attributes[name] = value
    elif isinstance(owner, Nothing) or (is_tensor(owner) and name in ("requires_grad", "grad")):
        return
    elif isinstance(owner, nn.Parameter) and name == "data" and isinstance(value, torch.Tensor):
        if value.shape != owner.shape:
            raise ParseError("a weight is set to another shape.", it.line, name)
        with torch.no_grad():
            owner.copy_(value.to(owner.device)) if not owner.is_meta else None
    else:
        raise ParseError(f'nothing can be assigned to "{quotable(name)}" here.', it.line, name)


def _set_item(it: Interpreter, owner: Any, at: Any, value: Any) -> None:
    if isinstance(owner, list) and is_int(at):
        if not -len(owner) <= at < len(owner):
            raise ParseError(f"the list has {len(owner)} items; there is no item {at}.", it.line, "list")
        owner[at] = value
    elif isinstance(owner, Layers):
        modules.add_child(it, owner.module, at, value)
    elif isinstance(owner, dict):
        it.check_length(len(owner) + 1, 1)
        owner[it.key(at)] = value
    elif isinstance(owner, (nn.Sequential, nn.ModuleList)) and is_int(at) and isinstance(value, nn.Module):
        names = list(owner._modules)
        if not -len(names) <= at < len(names):
            raise ParseError(f"there is no layer {at} in it.", it.line, "item")
        modules.add_child(it, owner, names[at], value)
    elif isinstance(owner, nn.ModuleDict) and isinstance(value, nn.Module):
        modules.add_child(it, owner, at, value)
    elif isinstance(owner, torch.Tensor) and not any(isinstance(t, fx.Proxy) for t in tensors_in([at, value])):
        it.tensor_call("[ ] =", _set_tensor_item, [owner, at, value], {})
    else:
        raise ParseError(
            "part of this cannot be assigned; make a new tensor, for example with torch.cat.", it.line, "[ ]"
        )


def _assign_statement(it: Interpreter, node: ast.Assign) -> None:
    value = it.value(node.value)
    for target in node.targets:
        it.assign(target, value)


def _annotated(it: Interpreter, node: ast.AnnAssign) -> None:
    if node.value is not None:
        it.assign(node.target, it.value(node.value))


def _augmented(it: Interpreter, node: ast.AugAssign) -> None:
    before = it.value(_loaded(node.target))
    more = it.value(node.value)
    it.line = node.lineno
    sign = SIGNS[type(node.op)]
    if sign == "+" and isinstance(before, (nn.ModuleList, nn.ParameterList)):
        methods.STACK_METHODS["extend"](it, before, more)
        return
    if sign == "+" and isinstance(before, list):
        # As in Python, the list itself grows.
        more = it.items(more)
        it.check_length(len(before) + len(more))
        before.extend(more)
        it.assign(node.target, before)
        return
    it.assign(node.target, it.combine(sign, before, more, inplace=True))


def _expression(it: Interpreter, node: ast.Expr) -> None:
    value = it.value(node.value)
    if isinstance(value, nn.Module) and not it.script and spelled(node.value) in LAYERS:
        raise ParseError(
            "this layer is made and dropped; collect the layers with layers.append(...) or a list comprehension.",
            node.lineno,
            "for",
        )


def _if(it: Interpreter, node: ast.If) -> None:
    while True:
        it.line = node.lineno
        if it.truth(it.value(node.test)):
            return it.run(node.body)
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            node = node.orelse[0]
            continue
        return it.run(node.orelse)


def _ended(it: Interpreter, body: list[ast.stmt]) -> bool:
    """One round of a loop; whether it breaks the loop off."""
    try:
        it.run(body)
    except Break:
        return True
    except Continue:
        pass
    return False


def _for(it: Interpreter, node: ast.For) -> None:
    for item in it.items(it.value(node.iter)):
        it.spend(1)
        it.assign(node.target, item)
        if _ended(it, node.body):
            return
    it.run(node.orelse)


def _while(it: Interpreter, node: ast.While) -> None:
    while it.truth(it.value(node.test)):
        it.spend(2)
        if _ended(it, node.body):
            return
    it.run(node.orelse)


def _return(it: Interpreter, node: ast.Return) -> None:
    raise Return(it.value(node.value) if node.value is not None else None)


def _break(it: Interpreter, node: ast.Break) -> None:
    raise Break


def _continue(it: Interpreter, node: ast.Continue) -> None:
    raise Continue


def _pass(it: Interpreter, node: ast.stmt) -> None:
    return None


def _with(it: Interpreter, node: ast.With) -> None:
    for item in node.items:
        context = it.value(item.context_expr)
        if not isinstance(context, Nothing):
            raise ParseError('"with" is read with torch.no_grad() and the like only.', item.context_expr.lineno, "with")
        if item.optional_vars is not None:
            it.assign(item.optional_vars, context)
    it.run(node.body)


def _assert(it: Interpreter, node: ast.Assert) -> None:
    if not it.truth(it.value(node.test)):
        it.line = node.lineno
        said = it.value(node.msg) if node.msg is not None else ast.unparse(node.test)[:80]
        raise ParseError(f"the code itself refuses this: {_said(said)}.", node.lineno, "assert")


def _raise(it: Interpreter, node: ast.Raise) -> None:
    said: Any = "it raises an error here"
    if isinstance(node.exc, ast.Call) and node.exc.args:
        said = it.value(node.exc.args[0])
    elif isinstance(node.exc, (ast.Name, ast.Call)):
        named = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        said = named.id if isinstance(named, ast.Name) else said
    raise ParseError(f"the code itself refuses this: {_said(said)}.", node.lineno, "raise")


def _try(it: Interpreter, node: ast.Try) -> None:
    """The path that Python takes, as far as it is known what Python raises; else what a line refuses is told."""
    try:
        it.run(node.body)
    except ParseError as error:
        if error.raised is None or (handler := _handler(it, node, error.raised)) is None:
            raise
        if handler.name:
            it.scope.names[handler.name] = Nothing(error.raised.__name__)
        it.run(handler.body)
    else:
        it.run(node.orelse)
    it.run(node.finalbody)


_ERRORS = {
    one.__name__: one
    for one in (Exception, BaseException, TypeError, LookupError, KeyError, IndexError, AttributeError)
}


def _handler(it: Interpreter, node: ast.Try, raised: type[Exception]) -> ast.ExceptHandler | None:
    """The first `except` that takes this error."""
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        named = [_ERRORS.get(kind.id) for kind in kinds if isinstance(kind, ast.Name)]
        if handler.type is None or any(issubclass(raised, one) for one in named if one):
            return handler
    return None


def _delete(it: Interpreter, node: ast.Delete) -> None:
    for target in node.targets:
        if not isinstance(target, ast.Name):
            raise refuse_node(node)
        it.scope.names.pop(target.id, None)


def _import(it: Interpreter, node: ast.Import | ast.ImportFrom) -> None:
    """Nothing is imported: names stand for dotted names."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            name = alias.asname or alias.name.partition(".")[0]
            path = alias.name if alias.asname else name
        elif alias.name == "*":
            continue
        else:
            name, path = alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"
        found = it.resolve(path)
        if name in it.scope.names and isinstance(found, Namespace):
            continue  # the class itself may be pasted above the line that imports it
        it.scope.names[name] = found


def _decorator(it: Interpreter, node: ast.expr) -> Any:
    """What a decorator stands for; None where its name stands for nothing."""
    try:
        return it.value(node)
    except OutOfSteps:
        raise
    except ParseError:
        return None


def _define(it: Interpreter, node: ast.FunctionDef) -> None:
    function = it.function(node.name, node.args, node.body, node.lineno)
    for decorator in node.decorator_list:
        named = ast.unparse(decorator)[:60]
        if named in ("staticmethod", "classmethod", "property"):
            function.role = named.removesuffix("method")
            continue
        found = _decorator(it, decorator)
        if not isinstance(found, Nothing) and not (isinstance(found, Known) and found.name.startswith("torch.")):
            raise ParseError(f'the decorator "{quotable(named)}" is not read here; leave it out.', node.lineno, named)
    it.scope.names[node.name] = function


def function(
    it: Interpreter, name: str, arguments: ast.arguments, body: list[ast.stmt] | ast.expr, line: int
) -> Function:
    values = [it.value(each) for each in arguments.defaults]
    named = {
        argument.arg: it.value(each)
        for argument, each in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if each is not None
    }
    return Function(name, arguments, body, it.scope, values, named, line)


def _class(it: Interpreter, node: ast.ClassDef) -> None:
    if node.keywords:
        raise ParseError("a class with a metaclass or settings is not read here.", node.lineno, node.name)
    data = False
    for decorator in node.decorator_list:
        found = _decorator(it, decorator)
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
    kinds = [_base(it, each) for each in node.bases]
    cls = Class(node.name, {}, node.lineno, it)
    outside, it.scope = it.scope, Scope({}, it.scope)
    try:
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and data:
                value = it.value(statement.value) if statement.value is not None else None
                cls.fields.append((statement.target.id, statement.value is not None, value))
            it.statement(statement)
        cls.attributes = it.scope.names
    finally:
        it.scope = outside
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
    it.spend(200)
    it.scope.names[node.name] = cls


def _base(it: Interpreter, node: ast.expr) -> type:
    found = it.value(node)
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


def _said(value: Any) -> str:
    return quotable_sentence(value if isinstance(value, str) else modules.shown(value)) or "it says no more"


def _set_tensor_item(owner: torch.Tensor, at: Any, value: Any) -> torch.Tensor:
    with torch.no_grad():
        owner[at] = value
    return owner


STATEMENTS: dict[type[ast.stmt], Callable[[Any, Any], None]] = {
    ast.Assign: _assign_statement,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
    ast.If: _if,
    ast.For: _for,
    ast.While: _while,
    ast.Return: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Pass: _pass,
    ast.With: _with,
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.Try: _try,
    ast.Delete: _delete,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.FunctionDef: _define,
    ast.ClassDef: _class,
}
