"""A notebook's lines that make layers and call them one by one, as the class whose `forward` these calls are."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator

from models.parse.words import ParseError
from models.syntax import parse

_MADE = {"randn", "rand", "zeros", "ones", "empty", "randint", "full", "Tensor", "FloatTensor", "tensor"}
_RESHAPES = {"view", "reshape", "flatten", "permute", "transpose", "unsqueeze", "squeeze"}
_OWN = "layer_"
"""How a layer is called that is made where it is called, and a number."""
_TRAINS = {"backward", "step", "zero_grad"}


def as_class(tree: ast.Module) -> ast.Module:
    """The same text with a class in place of the lines that run layers; the text itself where none do.

    What a tensor of `torch.randn` and the like goes through becomes `forward`, whose input that tensor is; what is
    made beside it stays where it stands, and the class holds it under its own name.

    Raises:
        ParseError: layers are called, and no line makes what goes into the first.
    """
    if any(isinstance(node, ast.ClassDef) or _is_forward(node) for node in tree.body):
        return tree
    lines = _inlined(_hoisted(copy.deepcopy(tree.body)))
    fed = _first_input(lines)
    if fed is None:
        _told_without_input(lines)
        return tree
    split = _Split(lines, fed)
    return split.tree() if split.worth_it() else tree


class _Split:
    """Lines that make, and lines that run; a name that is made twice is two."""

    def __init__(self, lines: list[ast.stmt], fed: int) -> None:
        self.input = _stored(lines[fed])[0]
        self.line = lines[fed].lineno
        self.makes: list[ast.stmt] = []
        self.runs: list[ast.stmt] = []
        self.now: dict[str, str] = {}
        """What each name that was made is called by now."""
        self.lists: set[str] = set()
        self.held: dict[str, None] = {}
        self.losses: set[str] = set()
        tensors = {self.input}
        for at, line in enumerate(lines):
            if at == fed:
                continue
            loaded = _free(line)
            if isinstance(line, (ast.Import, ast.ImportFrom)):
                self.makes.append(line)
            elif isinstance(line, ast.FunctionDef) and loaded & set(self.now):
                self.runs.append(self._run(line))
            elif loaded & tensors and at > fed:
                if not self._trains(line):
                    self.runs.append(self._run(line))
                    tensors |= set(_stored(line))
            else:
                self._make(line)

    def _make(self, line: ast.stmt) -> None:
        line = _Renamed(self.now, hold=None).visit(line)
        for name in _stored(line):
            if isinstance(line, ast.Assign) and name in self.now:
                self.now[name] = f"{name}_{sum(one.rpartition('_')[0] == name for one in self.held) + 1}"
            self.now.setdefault(name, name)
            if isinstance(line, ast.Assign) and isinstance(line.value, (ast.List, ast.ListComp)):
                calls = any(isinstance(part, ast.Call) for part in ast.walk(line.value))
                if calls or not getattr(line.value, "elts", True):
                    self.lists.add(self.now[name])
            if isinstance(line, ast.Assign) and _called(line.value).endswith("Loss"):
                self.losses.add(name)
        self.makes.append(_Renamed(self.now, hold=None, store=True).visit(line))

    def _run(self, line: ast.stmt) -> ast.stmt:
        free = _free(line)
        return _Renamed({name: now for name, now in self.now.items() if name in free}, hold=self.held).visit(line)

    def _trains(self, line: ast.stmt) -> bool:
        """A loss, a step of an optimiser: no part of the network."""
        names = {_called(part) for part in ast.walk(line) if isinstance(part, ast.Call)}
        return bool(
            names & (_TRAINS | self.losses) or any(name.endswith("loss") or name == "cross_entropy" for name in names)
        )

    def worth_it(self) -> bool:
        """Not where one network is run as a whole, or step by step in a loop over it: the network says more."""
        calls = [part for line in self.runs for part in ast.walk(line) if isinstance(part, ast.Call)]
        works = any(_owner(call) in ("F", "torch") or _called(call) in _RESHAPES for call in calls)
        works = works or any(name.startswith(_OWN) for name in self.held)
        return bool(self.runs) and bool(self.held) and (len(self.held) > 1 or works)

    def tree(self) -> ast.Module:
        made = parse("class Net(nn.Module):\n def __init__(self):\n  super().__init__()\n def forward(self):\n  pass")
        (cls,) = made.body
        init, forward = cls.body
        for name in self.held:
            value = f"nn.ModuleList({name})" if name in self.lists else name
            init.body += parse(f"self.{name} = {value}").body
        lines = {part for line in self.runs for part in ast.walk(line)}
        forward.args.args.append(ast.arg(self.input))
        answer = self._answer()
        forward.body = [*self.runs, *parse(f"return {answer}").body]
        end = parse("Net()").body
        for part in (part for node in (cls, *end) for part in ast.walk(node)):
            if isinstance(part, (ast.stmt, ast.expr)) and part not in lines:
                part.lineno = self.line
        return ast.Module([*self.makes, cls, *end], [])

    def _answer(self) -> str:
        """The last name that the lines give a value; of a last line that is an expression, that value."""
        for at in reversed(range(len(self.runs))):
            line = self.runs[at]
            if isinstance(line, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.With)) and (
                names := _stored(line)
            ):
                return names[-1] if isinstance(line, (ast.For, ast.With)) else names[0]
            if isinstance(line, ast.Expr) and (call := _applied(line.value)) is not None:
                self.runs[at] = ast.Assign([ast.Name("answer", ast.Store())], call, lineno=line.lineno)
                return "answer"
        return self.input


class _Renamed(ast.NodeTransformer):
    """Names that were made before: what they are called by now, and behind `self.` where they are held."""

    def __init__(self, now: dict[str, str], hold: dict[str, None] | None, store: bool = False) -> None:
        self.now, self.hold, self.store = now, hold, store

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Store) != self.store or node.id not in self.now:
            return node
        name = self.now[node.id]
        if self.hold is None:
            return ast.copy_location(ast.Name(name, node.ctx), node)
        self.hold[name] = None
        owner = ast.copy_location(ast.Name("self", ast.Load()), node)
        return ast.copy_location(ast.Attribute(owner, name, node.ctx), node)


def _hoisted(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    """`nn.Conv2d(3, 8, 3)(x)` as two lines: a layer and its call."""
    found: list[ast.stmt] = []
    count = 0

    class Hoist(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.expr:
            nonlocal count
            self.generic_visit(node)
            if isinstance(node.func, ast.Call) and _called(node.func)[:1].isupper():
                count += 1
                name = ast.copy_location(ast.Name(f"{_OWN}{count}", ast.Store()), node)
                found.append(ast.copy_location(ast.Assign([name], node.func), node))
                node.func = ast.copy_location(ast.Name(name.id, ast.Load()), node)
            return node

    for line in body:
        new = line if isinstance(line, (ast.FunctionDef, ast.ClassDef)) else Hoist().visit(line)
        found.append(new)
    return found


def _inlined(lines: list[ast.stmt]) -> list[ast.stmt]:
    """`conv(torch.randn(1, 3, 32, 32))` as two lines: an input and what it goes through."""
    if any(_makes_input(line) for line in lines):
        return lines
    for at, line in enumerate(lines):
        for call in ast.walk(line):
            if not (isinstance(call, ast.Call) and call.args and isinstance(call.func, ast.Name)):
                continue
            inner = call.args[0]
            if isinstance(inner, ast.Call) and _owner(inner) == "torch" and _called(inner) in _MADE:
                name = ast.copy_location(ast.Name("x", ast.Store()), inner)
                made = ast.copy_location(ast.Assign([name], inner), inner)
                call.args[0] = ast.copy_location(ast.Name("x", ast.Load()), inner)
                return [*lines[:at], made, *lines[at:]]
    return lines


def _told_without_input(lines: list[ast.stmt]) -> None:
    layers = {
        name for line in lines if isinstance(line, ast.Assign) and _is_layer(line.value) for name in _stored(line)
    }
    called = [
        part
        for line in lines
        if not isinstance(line, ast.FunctionDef)
        for part in ast.walk(line)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in layers
    ]
    if len({part.func.id for part in called if isinstance(part.func, ast.Name)}) > 1:
        raise ParseError(
            "layers are called one after the other, and no line says what goes into the first; put a line such as "
            "x = torch.randn(1, 3, 32, 32) above, or paste a class with a forward.",
            called[0].lineno,
            "x",
        )


def _is_forward(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and bool(node.args.args) and node.args.args[0].arg == "self"


def _is_layer(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _owner(node) == "nn" and _called(node)[:1].isupper()


def _makes_input(line: ast.stmt) -> bool:
    """`x = torch.randn(1, 3, 32, 32)`, also with `.cuda()` behind it."""
    if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
        return False
    call: ast.expr = line.value
    while isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        call = call.func.value
    return isinstance(call, ast.Call) and _owner(call) == "torch" and _called(call) in _MADE


def _first_input(lines: list[ast.stmt]) -> int | None:
    """The line whose tensor goes into something first, or is used at all."""
    made = {_stored(line)[0]: at for at, line in reversed(list(enumerate(lines))) if _makes_input(line)}
    for line in lines:
        for call in ast.walk(line):
            first = call.args[0] if isinstance(call, ast.Call) and call.args else None
            if isinstance(first, ast.Name) and first.id in made and _called(call) not in ("print", "summary"):
                return made[first.id]
    return next((made[name] for line in lines for name in _loaded(line) if name in made), None)


def _called(node: ast.AST) -> str:
    """The last name of what is called."""
    func = node.func if isinstance(node, ast.Call) else None
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _owner(call: ast.Call) -> str:
    """`torch` of `torch.randn(...)`, `F` of `F.relu(...)` and of `torch.nn.functional.relu(...)`."""
    where = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(where, ast.Attribute):
        return {"functional": "F", "nn": "nn"}.get(where.attr, "")
    return where.id if isinstance(where, ast.Name) else ""


def _stored(line: ast.stmt) -> list[str]:
    return [part.id for part in ast.walk(line) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]


def _loaded(line: ast.AST) -> Iterator[str]:
    """Names that are read, those of `x += 1` among them."""
    for part in ast.walk(line):
        if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
            yield part.target.id
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            yield part.id


def _free(line: ast.stmt) -> set[str]:
    """Names that a statement reads; of a function those that it does not give a value itself."""
    names = set(_loaded(line))
    if isinstance(line, ast.FunctionDef):
        own = {part.arg for part in ast.walk(line) if isinstance(part, ast.arg)}
        names -= own | set(_stored(line))
    return names


def _applied(node: ast.expr) -> ast.expr | None:
    """Of `print(conv(x).shape)` the call that answers with a tensor; None where there is none."""
    while isinstance(node, ast.Call) and _called(node) in ("print", "len", "summary") and node.args:
        node = node.args[-1]
    while isinstance(node, ast.Attribute) or (isinstance(node, ast.Call) and _called(node) == "size"):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node if isinstance(node, ast.Call) else None
