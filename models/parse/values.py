"""What names in pasted text can stand for, besides plain Python values, tensors and modules."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from models.parse.words import ParseError

MAX_ITEMS = 4_000
MAX_NUMBER = 10**9
MAX_CHARACTERS = 4_000
SMALL = 4_096
"""Numbers in a constant that is worked out while the network is built; larger ones have a shape alone."""


@dataclass(frozen=True)
class Namespace:
    """A module of Python's, by its dotted name: nothing of it is loaded, its names are looked up in a table."""

    path: str


@dataclass(frozen=True)
class Known:
    """A function of the allow-list. `alone`: it takes values alone; else the interpreter comes first."""

    name: str
    call: Callable[..., Any] = field(repr=False)
    alone: bool = True
    kind: type | None = None
    """Where it names a type, for `isinstance`."""


@dataclass(frozen=True)
class LayerClass:
    """A class of `torch.nn` that may be called."""

    name: str
    kind: type[nn.Module]


@dataclass(eq=False)
class Scope:
    """Names and where to look further."""

    names: dict[str, Any]
    around: Scope | None = None
    method: tuple[Class, Any] | None = None
    """For `super()`: the class that the running method was written in, and its `self`."""

    def find(self, name: str) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.around
        raise KeyError(name)

    def of_method(self) -> tuple[Class, Any] | None:
        scope: Scope | None = self
        while scope is not None:
            if scope.method is not None:
                return scope.method
            scope = scope.around
        return None


@dataclass(eq=False)
class Function:
    """A `def` or `lambda` of the text. `values`: of the defaults, from the right."""

    name: str
    arguments: ast.arguments
    body: list[ast.stmt] | ast.expr
    scope: Scope
    values: list[Any]
    named: dict[str, Any]
    line: int
    owner: Class | None = None
    role: str = ""
    """`static`, `class`, `property` or nothing."""

    def asks(self) -> list[ast.arg]:
        """Arguments without a default, `self` not among them."""
        positional = [*self.arguments.posonlyargs, *self.arguments.args]
        if self.owner is not None and self.role != "static":
            positional = positional[1:]
        asked = positional[: len(positional) - len(self.values)] if self.values else positional
        return [*asked, *(a for a in self.arguments.kwonlyargs if a.arg not in self.named)]


@dataclass(frozen=True)
class Method:
    """A function of the text with its `self`."""

    function: Function
    owner: Any


@dataclass(frozen=True)
class Bound:
    """A method of the allow-list with the value that it belongs to."""

    name: str
    call: Callable[..., Any] = field(repr=False)
    deaf: bool = False
    """What it is given does not matter and is not looked at: `.to(device)`."""


@dataclass(eq=False)
class Class:
    """A class of the text. `kind`: the type of its instances, whose order of bases is Python's own."""

    name: str
    attributes: dict[str, Any]
    line: int
    program: Any = field(default=None, repr=False)
    """What the text's names stand for, and what runs a `forward`."""
    kind: Any = None
    fields: list[tuple[str, bool, Any]] = field(default_factory=list)
    """Of a dataclass: name, whether it has a default, default."""

    @property
    def makes_modules(self) -> bool:
        return issubclass(self.kind, nn.Module)


class Instance:
    """An object of a class of the text that is no `nn.Module`."""

    _written: Class

    def __init__(self) -> None:
        self._own: dict[str, Any] = {}


@dataclass(frozen=True)
class Parent:
    """`super()`: attributes of what comes after a class."""

    after: Class
    owner: Any


class Layers(dict):
    """The layers of a module by their names, `self._modules`: read there; what is set is set in the module."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__(module._modules)
        self.module = module


class Unread:
    """A name whose statement could not be read; the error is told where the name is used."""

    def __init__(self, error: ParseError) -> None:
        self.error = error


@dataclass(frozen=True)
class Nothing:
    """A value that is passed over: a device, an optimiser's setting, a context."""

    name: str


def written_attribute(kind: type, name: str, after: Class | None = None) -> tuple[Any, Class] | None:
    """An attribute that a class of the text gives, and that class; `after`: looked for behind it."""
    passed = after is None
    for each in kind.__mro__:
        cls = each.__dict__.get("_written")
        if isinstance(cls, Class):
            if passed and name in cls.attributes:
                return cls.attributes[name], cls
            passed = passed or cls is after
    return None


def is_tensor(value: object) -> bool:
    """A tensor, or one that is being drawn."""
    return isinstance(value, (torch.Tensor, fx.Proxy))


def is_callable(value: object) -> bool:
    return isinstance(value, (Known, LayerClass, Function, Method, Bound, Class, nn.Module))


def tensors_in(value: Any) -> list[Any]:
    """All tensors in nested arguments."""
    if is_tensor(value):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for each in value for tensor in tensors_in(each)]
    return []


def real_base(kind: type) -> Any:
    """The class of torch that a class of the text is built on."""
    return next(each for each in kind.__mro__ if each.__module__.startswith("torch.nn"))


class Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class Break(Exception):
    pass


class Continue(Exception):
    pass
