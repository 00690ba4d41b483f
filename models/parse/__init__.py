"""A network pasted as text becomes real `torch.nn` layers, and nothing else can happen.

The text goes through four gates, each of which sees only what the one before let through:

1. characters and words: ASCII tokens, bounded in length, nesting and chaining, so that Python's parser is safe to call;
2. syntax: `ast.parse`, then a reader that knows a dozen node types and refuses every other one by name;
3. settings: each layer's arguments against a table of types and ranges (torch divides by some of them without looking);
4. size: the network is built on the meta device, which holds no data, and its numbers are counted there.

Only then are weights allocated. Nothing is evaluated or imported at any point. Two spellings are read: code
(`nn.Sequential(...)`, a list of layers) and what `print(model)` shows for an `nn.Sequential`.
"""

from __future__ import annotations

import ast
import math
import textwrap
from typing import Any

import torch
from torch import nn

from models.parse.code import EXAMPLES, to_code
from models.parse.layers import LAYERS
from models.parse.reader import Reader, Stack, Written
from models.parse.walk import check_network
from models.parse.words import ParseError, quotable_sentence, rewrite_printed, tokenize
from models.text import big

MAX_TEXT = 64_000
MAX_PARAMETERS = 200_000_000


class _Builder:
    """Modules on the current device, counted as they come; a layer on paper that stands in two places is built once."""

    def __init__(self) -> None:
        self.built: dict[int, nn.Module] = {}
        self.numbers = 0

    def build(self, node: Written | Stack) -> Any:
        if id(node) not in self.built:
            self.built[id(node)] = self._stack(node) if isinstance(node, Stack) else self._layer(node)
        return self.built[id(node)]

    def _stack(self, stack: Stack) -> nn.Sequential:
        module = nn.Sequential()
        for name, child in stack.children:
            module.add_module(name, self.build(child))
        return module

    def _layer(self, layer: Written) -> nn.Module:
        try:
            module = LAYERS[layer.name].cls(**layer.settings)
        except Exception as error:  # constructors refuse with whatever they like, AssertionError and KeyError included
            raise ParseError(
                f"nn.{layer.name} does not take these settings together: {quotable_sentence(str(error))}.",
                layer.line,
                layer.name,
            ) from None
        self.numbers += sum(math.prod(t.shape) for t in [*module.parameters(), *module.buffers()])
        if self.numbers > MAX_PARAMETERS:
            raise ParseError(
                f"with this nn.{layer.name} the network passes {big(MAX_PARAMETERS)} parameters, which is the limit "
                "here; use fewer channels or features.",
                layer.line,
                layer.name,
            )
        return module


def _plan(text: str) -> Stack:
    if not isinstance(text, str):
        raise ParseError("the network must be text.", 0, type(text).__name__)
    if len(text) > MAX_TEXT:
        raise ParseError(f"the text has {len(text)} characters; at most {MAX_TEXT} are read.", 0, "text")
    # Python ends a line at a lone carriage return too; were it left in, a comment could hide a statement from gate 1.
    text = textwrap.dedent(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    tokens = tokenize(text)
    printed = rewrite_printed([token for token in tokens if token.kind != "space"])
    # Python's parser sees what gate 1 has seen, and no comment.
    code = "".join(token.text for token in tokens) if printed is None else printed
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        reason = quotable_sentence(error.msg or "invalid syntax")
        raise ParseError(f"Python cannot read this: {reason}.", error.lineno or 0, (error.text or "").strip()) from None
    except (ValueError, MemoryError, RecursionError):
        raise ParseError("this text is nested too deeply to be read; flatten it.", 0, "text") from None
    try:
        return Reader(printed is not None).network(tree)
    except RecursionError:
        raise ParseError("this text is nested too deeply to be read; flatten it.", 0, "text") from None


def parse_network(text: str, *, device: str | torch.device = "cpu") -> nn.Sequential:
    """The network that a pasted text describes, as real layers with PyTorch's own random weights.

    Reads code (`nn.Sequential(...)`, a list or lines of layers, with literals, arithmetic, `*[...] * n`, comprehensions
    over `range` and plain assignments) and the printout of an `nn.Sequential`. Import lines of torch are passed over.
    A layer that the text uses in two places is one layer with shared weights, as it is when Python runs the text.

    `device="meta"` gives the network without its weights: shapes and counts, no memory.

    Raises `ParseError` with the line, the name and one sentence; no other exception leaves this function. At most
    `MAX_LAYERS` layers and `MAX_PARAMETERS` numbers (parameters and buffers).
    """
    stack = _plan(text)
    with torch.device("meta"):
        sketch = _Builder().build(stack)
    if torch.device(device).type == "meta":
        return sketch
    with torch.device(device):
        return _Builder().build(stack)
