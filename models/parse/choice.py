"""Which network a text holds: an instance, a function that makes one, or a class; and what it still needs."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from models.parse import modules, statements, torchvision_models
from models.parse.interpreter import Interpreter
from models.parse.layers import LAYERS, LAZY_LAYERS
from models.parse.modules import Pasted, line_of
from models.parse.refusals import without_brackets
from models.parse.source import Source, parsed
from models.parse.values import Class, Function, Instance, Known, LayerClass, Nothing, Unread, written_attribute
from models.parse.words import OutOfSteps, Outside, ParseError, quotable, tokenize
from models.text import listed

_NO_NETWORK = "there is no network in this text; paste a class with a forward, or an nn.Sequential(...)."
_WITHOUT_FORWARD = (
    "There is no forward here: the layers are taken in the order in which they are written; functions and additions "
    "that forward calls are missing. Paste forward too."
)


@dataclass(frozen=True)
class Argument:
    """What a network must be given before it can be built: its name, the text's type hint (or nothing), its line."""

    name: str
    hint: str
    line: int


class MissingArguments(ParseError):
    """The network has arguments without a value. `.network`: its name; `.needs`: which arguments."""

    def __init__(self, network: str, needs: tuple[Argument, ...], line: int) -> None:
        asked = ", ".join(quotable(each.name) for each in needs)
        super().__init__(
            f'"{quotable(network)}" needs a value for {asked}; end the text with, for example, '
            f"model = {quotable(network)}({', '.join(f'{quotable(each.name)}=...' for each in needs)}).",
            line,
            network,
        )
        self.network, self.needs = network, needs


class SeveralNetworks(ParseError):
    """The text holds more than one network. `.candidates`: their names."""

    def __init__(self, message: str, candidates: tuple[str, ...], line: int = 0, name: str = "") -> None:
        super().__init__(message, line, name)
        self.candidates = candidates


@dataclass(frozen=True)
class _Candidate:
    name: str
    line: int
    make: Callable[[dict[str, Any]], nn.Module]
    needs: tuple[Argument, ...] = ()


class Reading:
    """One run over a text, on one device."""

    def __init__(self, source: Source, device: torch.device, answers: list[tuple[int, ...]] | None = None) -> None:
        self.source = source
        self.it = Interpreter(device, script=source.script, printed=source.printed, building=True)
        self.it.answers = answers
        self.names = self.it.scope.names
        self.shown: list[Any] = []
        self.assigned: list[tuple[str, int, Any]] = []
        self.failed: list[ParseError] = []
        self.main: list[ast.stmt] = []
        self.ran = False
        if not source.script:
            self.names["self"] = Instance()

    # -- the text

    def run(self) -> None:
        """All statements but what stands under `if __name__ == "__main__"`, once."""
        if self.ran:
            return
        self.ran = True
        if self.source.printed and (found := torchvision_models.printed(self.source.text)) is not None:
            self.shown.append(torchvision_models.build_known(self.it, *found))
            return
        for statement in self.source.tree.body:
            if self.source.printed and _asks_for_it(statement):
                continue
            if _is_main(statement):
                assert isinstance(statement, ast.If)
                self.main += statement.body
            else:
                self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        try:
            self._read(statement)
        except OutOfSteps:
            raise
        except ParseError as error:
            # Training, plots and the like stand around a network: what cannot be read matters where it is used.
            # A text without classes is the network itself, of which no line may be missing; weights that are loaded
            # or saved are no part of it, wherever the line stands.
            beside = isinstance(error, Outside) and (
                statements.keeps_weights(statement)
                or (
                    any(_holds_layers(value) for _, _, value in self.assigned)
                    and not statements.calls(statement, "Sequential")
                )
            )
            if (error.within and _builds(statement, self.names)) or not (self.source.script or beside):
                raise
            self.failed.append(error)
            if isinstance(error, Outside) and statements.keeps_weights(statement):
                self.it.unloaded[statement.lineno] = None
            for name in statements.stored(statement):
                self.names[name] = Unread(error)

    def _read(self, statement: ast.stmt) -> None:
        it = self.it
        it.line = statement.lineno
        match statement:
            case ast.Expr(value=ast.Tuple(elts=items)):
                self.shown += it.spread(items)
            case ast.Expr(value=value):
                found = it.value(value)
                if isinstance(found, Known) and torchvision_models.named(found.name):  # a bare resnet18
                    found = it.call(found, [], {}, found.name)
                if found is not None and not isinstance(found, (Nothing, str)) and not _is_change(value, found):
                    self.shown.append(found)
            case _:
                it.statement(statement)
                if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
                    for name in statements.stored(statement):
                        self.assigned.append((name, statement.lineno, self.names.get(name)))
                    loose = self.names.get("self")
                    for part in getattr(statement, "targets", ()):
                        if isinstance(loose, Instance) and isinstance(part, ast.Attribute) and part.attr in loose._own:
                            self.assigned.append((f"self.{part.attr}", statement.lineno, loose._own[part.attr]))

    # -- the network

    def network(self, name: str | None, arguments: dict[str, Any]) -> nn.Module:
        """The network of this name, or the only one there is. Nothing more is made of this reading then."""
        try:
            return self._network(name, arguments)
        finally:
            self.it.alive.clear()

    def _network(self, name: str | None, arguments: dict[str, Any]) -> nn.Module:
        if not self.source.script and name is None:
            return self._alone()
        found = self.candidates()
        if name is not None:
            chosen = [each for each in found if each.name == name] or [
                each for each in self._all() if each.name == name
            ]
            if not chosen:
                raise ParseError(f'there is no network "{quotable(name)}" in this text.', 0, name)
            return self._made(chosen[0], arguments)
        if not found:
            if self.failed:
                raise self.failed[0]
            for cls in self.names.values():
                if isinstance(cls, Class) and cls.makes_modules:
                    names = {one.lower(): one for one in cls.attributes}
                    close = [names[one] for one in difflib.get_close_matches("forward", names, n=1)]
                    better = f'is "{close[0]}" meant for it?' if close else "paste it too."
                    told = f'the class "{quotable(cls.name)}" has no forward(self, x); {better}'
                    raise ParseError(told, cls.line, cls.name)
            raise ParseError(_NO_NETWORK)
        if len(found) > 1:
            names = tuple(each.name for each in found)
            raise SeveralNetworks(
                f"there is more than one network in this text: {', '.join(map(quotable, names[:8]))}; choose one.",
                names,
                0,
                names[0],
            )
        return self._made(found[0], arguments)

    def _made(self, candidate: _Candidate, arguments: dict[str, Any]) -> nn.Module:
        given = {name: self._argument(name, value) for name, value in arguments.items()}
        lacking = tuple(each for each in candidate.needs if each.name not in given)
        if lacking:
            raise MissingArguments(candidate.name, lacking, candidate.line)
        self.it.line = candidate.line
        module = candidate.make(given)
        if not isinstance(module, nn.Module):
            raise ParseError(f'"{quotable(candidate.name)}" makes no network.', candidate.line, candidate.name)
        return self._finished(module)

    def _argument(self, name: str, value: Any) -> Any:
        """What a visitor writes into a form: a number, a text in quotes, a list, or a name of the pasted text."""
        if not isinstance(value, str):
            return value
        if len(value) > 1_000:
            raise ParseError(f"{quotable(name)} is longer than 1000 characters.", 0, name)
        try:
            tree = parsed("".join(token.text for token in tokenize(value.strip())), "eval")
            return self.it.value(tree.body)  # pyright: ignore[reportArgumentType]
        except OutOfSteps:
            raise
        except ParseError as error:
            told = f"the value {quotable(value)} of {quotable(name)} is not read: {error.said}"
            raise ParseError(told, 0, error.name) from None

    def _finished(self, module: nn.Module) -> nn.Module:
        """A layer alone, and a list of layers, run as an `nn.Sequential`; with what is to be said of it."""
        module = self._running(module)
        modules.register_lists(self.it, module)
        notes = list(self.it.notes)
        if lines := sorted(self.it.unloaded):
            one = len(lines) == 1
            where = f"Line {lines[0]} loads or saves" if one else f"Lines {listed(lines, 'and')} load or save"
            notes.append(f"{where} weights: nothing is loaded here, and the network has new ones.")
        module.__dict__["_notes"] = tuple(notes)
        return module

    def _running(self, module: nn.Module) -> nn.Module:
        if isinstance(module, nn.ModuleList):
            return modules.make_stack(self.it, "Sequential", list(module._modules.values()))
        if type(module).__name__ in {**LAYERS, **LAZY_LAYERS} and not isinstance(module, Pasted):
            return modules.make_stack(self.it, "Sequential", [module])
        if isinstance(module, nn.Sequential) and not len(module._modules):
            raise ParseError(_NO_NETWORK)
        return module

    # -- a text that is the network and nothing else

    def _alone(self) -> nn.Module:
        loose = self.names.get("self")
        if isinstance(loose, Instance) and not self.shown and (ordered := self._in_order(loose)) is not None:
            return ordered
        pieces = self.shown or [value for _, _, value in self.assigned if _holds_layers(value)][-1:]
        if not pieces and self.failed:
            raise self.failed[0]
        line = self.source.tree.body[-1].lineno if self.source.tree.body else 1
        self.it.line = line
        for piece in pieces:
            for each in piece if isinstance(piece, list) else [piece]:
                if isinstance(each, LayerClass):
                    raise without_brackets(each.name, line)
        if len(pieces) == 1 and isinstance(pieces[0], nn.Module):
            module = self._finished(pieces[0])
        else:
            module = modules.make_stack(self.it, "Sequential", pieces, spread=True)
            module = self._finished(module)
        self._nothing_left(module)
        return module

    def _in_order(self, loose: Any) -> nn.Module | None:
        """Lines `self.conv1 = ...` without a `forward`: the layers in the order in which they stand."""
        own = {name: value for name, value in loose._own.items() if isinstance(value, nn.Module)}
        inside = {id(part) for value in own.values() for part in value.modules() if part is not value}
        outer = {name: value for name, value in own.items() if id(value) not in inside}
        if len(outer) < 2:
            return None
        stack = nn.Sequential()
        for name, value in outer.items():
            stack.add_module(name, self._running(value) if isinstance(value, nn.ModuleList) else value)
        modules.check_size(self.it, stack)
        stack.__dict__["_guess"] = "written"
        self.it.notes[_WITHOUT_FORWARD] = None
        return self._finished(stack)

    def _nothing_left(self, module: nn.Module) -> None:
        if self.it.foreign:
            return
        used = {id(part) for part in module.modules()}
        for name, line, value in self.assigned:
            if _holds_layers(value) and not used.issuperset(_leaves(value)):
                raise SeveralNetworks(
                    f'"{quotable(name)}" is not part of the network that the text ends with; '
                    "join the pieces, for example nn.Sequential(features, classifier).",
                    tuple(each.name for each in self._instances()),
                    line,
                    name,
                )

    # -- candidates

    def candidates(self) -> list[_Candidate]:
        """Networks of which none is part of another: instances, else functions and classes that make one."""
        instances = self._instances()
        if instances:
            return instances
        made = self._makers()
        if made and all(each.needs for each in made) and self.main:
            # What stands under `if __name__ == "__main__"` may say what the arguments are.
            lines, self.main = self.main, []
            for statement in lines:
                for one in self._what_it_runs(statement):
                    self._statement(one)
            if instances := self._instances():
                return instances
        ready = [each for each in made if not each.needs]
        return ready or made

    def _all(self) -> list[_Candidate]:
        found = {each.name: each for each in [*self._classes(), *self._functions(), *self._instances()]}
        return list(found.values())

    def _what_it_runs(self, statement: ast.stmt) -> list[ast.stmt]:
        """The lines of `main`, where `main()` is the statement: what they name is then seen here."""
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=[], keywords=[])):
                found = self.names.get(name)
                if isinstance(found, Function) and isinstance(found.body, list) and not found.asks():
                    return found.body
        return [statement]

    def _instances(self) -> list[_Candidate]:
        shown = [each for each in self.shown if isinstance(each, nn.Module)]
        if shown and self.source.script:
            return [_Candidate("model", line_of(shown[-1]), _hand(shown[-1]))]
        named = {name: value for name, value in self.names.items() if isinstance(value, nn.Module)}
        inside = {id(part) for value in named.values() for part in value.modules() if part is not value}
        outer: dict[int, tuple[str, nn.Module]] = {}
        for name, value in named.items():
            if id(value) not in inside:
                outer.setdefault(id(value), (name, value))
        found = list(outer.values())
        for fits in (_is_network, lambda value: isinstance(value, (nn.Sequential, nn.ModuleList))):
            if chosen := [(name, value) for name, value in found if fits(value)]:
                return [_Candidate(name, line_of(value), _hand(value)) for name, value in chosen]
        # A loss or an activation beside a class is no network; alone it is.
        return [] if self._makers() else [_Candidate(name, line_of(value), _hand(value)) for name, value in found]

    def _makers(self) -> list[_Candidate]:
        functions, classes = self._functions(), self._classes()
        roots = [each for each in classes if not self._used(each.name)]
        ready = [each for each in roots if not each.needs]
        if ready:
            return ready
        factories = [each for each in functions if not each.needs]
        return factories or roots or classes[-1:] or functions[-1:]

    def _used(self, name: str) -> bool:
        """Whether another class builds on this one."""
        for node in self.source.tree.body:
            if isinstance(node, ast.ClassDef) and node.name != name and name in _loaded(node):
                return True
        return False

    def _classes(self) -> list[_Candidate]:
        found = []
        for name, value in self.names.items():
            if isinstance(value, Class) and value.makes_modules and _runs(value):
                init = written_attribute(value.kind, "__init__")
                found.append(_Candidate(name, value.line, self._maker(value), _needs(init[0] if init else None)))
        return found

    def _functions(self) -> list[_Candidate]:
        classes = {name for name, value in self.names.items() if isinstance(value, Class) and value.makes_modules}
        found = []
        for node in self.source.tree.body:
            if not isinstance(node, ast.FunctionDef) or not isinstance(self.names.get(node.name), Function):
                continue
            returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value]
            uses = _loaded(node)
            if returned and (
                uses & classes or "Sequential" in {p.attr for p in ast.walk(node) if isinstance(p, ast.Attribute)}
            ):
                function = self.names[node.name]
                found.append(_Candidate(node.name, node.lineno, self._maker(function), _needs(function)))
        if classes:
            # A helper that a class uses makes a part of a network, as one that another function uses does.
            found = [each for each in found if not self._helps(each.name)]
        return found

    def _helps(self, name: str) -> bool:
        return any(
            isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name != name and name in _loaded(node)
            for node in self.source.tree.body
            if not (isinstance(node, ast.FunctionDef) and not any(isinstance(p, ast.Return) for p in ast.walk(node)))
        )

    def _maker(self, value: Any) -> Callable[[dict[str, Any]], nn.Module]:
        return lambda given: self.it.call(value, [], given, value.name)


def _hand(module: nn.Module) -> Callable[[dict[str, Any]], nn.Module]:
    return lambda given: module


def _runs(cls: Class) -> bool:
    """Whether a class of modules answers: it has a forward, or is built on a layer that has."""
    return written_attribute(cls.kind, "forward") is not None or issubclass(cls.kind, nn.Sequential)


def _needs(function: Function | None) -> tuple[Argument, ...]:
    if function is None:
        return ()
    return tuple(
        Argument(each.arg, ast.unparse(each.annotation)[:60] if each.annotation else "", getattr(each, "lineno", 0))
        for each in function.asks()
    )


def _is_network(value: nn.Module) -> bool:
    return isinstance(value, Pasted) or type(value).__module__.startswith("torchvision")


def _is_main(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(statement.test)
    )


def _asks_for_it(statement: ast.stmt) -> bool:
    """`model` or `print(model)` above what it shows."""
    match statement:
        case ast.Expr(value=ast.Name()) | ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
    return False


def _is_change(node: ast.expr, found: Any) -> bool:
    """`model.eval()`, `model.append(...)`: an answer that is the network which a name holds already."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id not in ("nn", "torch", "models", "torchvision", "timm")
        and isinstance(found, nn.Module)
    )


def _loaded(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}


def _builds(statement: ast.stmt, names: dict[str, Any]) -> bool:
    """Whether a statement calls a class or function of the text by name, to keep what it makes."""
    if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
        return False
    called = {
        part.func.id for part in ast.walk(statement) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)
    }
    return isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr)) and any(
        isinstance(names.get(name), Class) and names[name].makes_modules for name in called
    )


def _holds_layers(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(isinstance(each, nn.Module) or (_is_pair(each) and isinstance(each[1], nn.Module)) for each in value)
    return isinstance(value, nn.Module)


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def _leaves(value: Any) -> Iterator[int]:
    """The layers that a value holds, one list deep."""
    if isinstance(value, nn.Module):
        yield from (id(part) for part in value.modules() if not isinstance(part, (nn.Sequential, nn.ModuleList)))
    elif isinstance(value, (list, tuple)):
        for each in value:
            inner = each[1] if _is_pair(each) else each
            if isinstance(inner, nn.Module):
                yield from _leaves(inner)
