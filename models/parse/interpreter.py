"""An interpreter over Python's syntax tree: statements and expressions that networks are written with, within a budget.

It knows the node types below and refuses every other one by name. What a name stands for comes from the text itself or
from the tables; attributes of real objects are never looked up by the text's words alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import torch
from torch import fx, nn

from models.parse import (
    attributes,
    calls,
    expressions,
    functions,
    modules,
    statements,
)
from models.parse.refusals import refuse_node
from models.parse.values import (
    MAX_CHARACTERS,
    MAX_ITEMS,
    SMALL,
    Instance,
    Known,
    LayerClass,
    Scope,
    Unread,
    is_tensor,
    tensors_in,
    written_attribute,
)
from models.parse.words import Loaded, OutOfSteps, ParseError, quotable, quotable_sentence

MAX_STEPS = 300_000


class Interpreter:
    """One run over a text, or over one `forward` of it.

    device: where tensors are made. building: layers may be made; else a `forward` runs. script: the text is a file of
    which the network is a part. printed: it is what `print(model)` shows.

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
        self.notes: dict[str, None] = {}
        """What a visitor should know of the network that was read."""
        self.unloaded: dict[int, None] = {}
        """Lines that load or save weights."""
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
        return self.plain(value) if is_tensor(value) else value

    def plain(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or value.is_meta or value.numel() > SMALL or not self.building:
            raise ParseError(f"{functions.instead('item')}.", self.line, "item")
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

    # -- reading

    def run(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        self.line = node.lineno
        self.spend(1)
        run = statements.STATEMENTS.get(type(node))
        if run is None:
            raise refuse_node(node)
        try:
            run(self, node)
        except ParseError as error:
            # Inside of a class or function too, weights that are loaded are no part of the network.
            if not self.calls or isinstance(error, OutOfSteps) or not statements.loads_weights(node, error):
                raise
            self.unloaded[node.lineno] = None
            for name in statements.stored(node):
                self.scope.names[name] = Unread(Loaded(error.said, error.line, error.name))

    def value(self, node: ast.expr) -> Any:
        self.line = node.lineno
        self.spend(1)
        read = expressions.EXPRESSIONS.get(type(node))
        if read is None:
            raise refuse_node(node)
        return read(self, node)

    def refused(self, name: str, error: Exception, line: int | None = None) -> ParseError:
        said = quotable_sentence(str(error)) or type(error).__name__
        return ParseError(f"{quotable(name)} does not take this: {said}.", self.line if line is None else line, name)

    def raises(self, error: type[Exception], told: str, name: str) -> ParseError:
        """A sentence for what Python refuses with this error, which the text itself may catch."""
        refused = ParseError(told, self.line, name)
        refused.raised = error
        return refused

    assign = statements.assign
    assign_attribute = statements.assign_attribute
    function = statements.function
    spread = expressions.spread
    combine = expressions.combine
    index = expressions.index
    resolve = attributes.resolve
    attribute = attributes.attribute
    call = calls.call
    tensor_method = calls.tensor_method
    tensor_call = calls.tensor_call
    forward = calls.forward
    call_function = calls.call_function
    make = calls.make
    base_init = calls.base_init
    make_layer = calls.make_layer
    call_module = calls.call_module
    run_real = calls.run_real
