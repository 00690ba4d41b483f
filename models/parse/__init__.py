"""A network pasted as text becomes real `torch.nn` modules, and nothing else can happen.

The text goes through gates, each of which sees only what the one before let through:

1. characters and words: bounded in length, nesting and chaining, so that Python's parser is safe to call (`words`);
2. syntax: `ast.parse`, then an interpreter that knows the node types networks are written with, within a budget of
   steps, lengths and depth, and refuses every other one by name (`interpreter`);
3. names: only what the text itself defines and what stands in tables (`functions`, `python`, `methods`); each layer's
   settings against ranges (torch divides by some of them without looking; `layers`);
4. size: the network is built on the meta device, which holds no data, and its numbers are counted there (`modules`).

Only then are weights allocated. Nothing is evaluated or imported at any point. Read are code (classes with a `forward`,
functions, `nn.Sequential(...)`, lists of layers, networks of torchvision by name) and what `print(model)` shows of an
`nn.Sequential` or of torchvision's networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from models.parse.calls import RUNNING
from models.parse.choice import Argument, MissingArguments, Reading, SeveralNetworks
from models.parse.code import EXAMPLES, to_code
from models.parse.layers import LAYERS
from models.parse.modules import (
    MAX_PARAMETERS,
    FollowsShape,
    Pasted,
    give_others,
    guess_of,
    inputs_told,
    line_of,
    notes_of,
    operands_at,
)
from models.parse.source import MAX_TEXT, Source, read_source
from models.parse.words import ParseError


def parse_network(
    text: str,
    *,
    device: str | torch.device = "cpu",
    name: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> nn.Module:
    """The network that a pasted text describes, as real layers with PyTorch's own random weights.

    A class of the text becomes a `Pasted`, whose parameters are those of Python's own class and whose `forward` is
    interpreted; an `nn.Sequential`, a list of layers or lines of them become an `nn.Sequential`. A layer that the text
    uses in two places is one layer with shared weights, as it is when Python runs the text.

    Args:
        device: `"meta"` gives the network without its weights: shapes and counts, no memory.
        name: which network, where the text holds several (`candidates`).
        arguments: what the network's class or function is called with: values, or their text (`"[2, 2, 2, 2]"`).

    Raises:
        ParseError: with the line, the name and one sentence. `MissingArguments` and `SeveralNetworks` are such errors
            and say what to ask for. No other exception leaves this function.
    """
    source = read_source(text)
    sketch, heard = _built(source, torch.device("meta"), name, dict(arguments or {}), None)
    if torch.device(device).type == "meta":
        return sketch
    return _built(source, torch.device(device), name, dict(arguments or {}), heard)[0]


class PastedText:
    """A text that is read once, whatever is asked of it: which networks it holds, what they need, and one of them.

    Raises `ParseError`, and so does each question.
    """

    def __init__(self, text: str) -> None:
        self._source = read_source(text)
        reading = _reading(self._source)
        self._needs = _with(reading, _asked)
        self._read = [reading]
        """What the first network is built from; another needs a reading of its own."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the networks, to be chosen by `network(name)`."""
        return tuple(self._needs)

    def needs(self, name: str | None = None) -> tuple[Argument, ...]:
        """Arguments without a value of the network that is named, or of the first; empty where it can be built."""
        return self._needs.get(name, ()) if name is not None else next(iter(self._needs.values()), ())

    def network(self, name: str | None = None, arguments: Mapping[str, Any] | None = None) -> nn.Module:
        """The network without its weights, as `parse_network` has it for the device `"meta"`."""
        try:
            reading = self._read.pop()
        except IndexError:
            reading = _reading(self._source)
        return _with(reading, lambda reading: reading.network(name, dict(arguments or {})))


def candidates(text: str) -> tuple[str, ...]:
    """Names of the networks that a text holds, to be chosen by `parse_network(text, name=...)`. Raises `ParseError`."""
    return PastedText(text).names


def needs(text: str, name: str | None = None) -> tuple[Argument, ...]:
    """Arguments without a value of the network that is named, or of the only one; empty where it can be built.

    Raises `ParseError`.
    """
    return PastedText(text).needs(name)


def _asked(reading: Reading) -> dict[str, tuple[Argument, ...]]:
    return {each.name: each.needs for each in reading.candidates()}


def _reading(source: Source, device: str | torch.device = "meta", heard: Any = None) -> Reading:
    return Reading(source, torch.device(device), heard)


def _with(reading: Reading, do: Callable[[Reading], Any]) -> Any:
    """Read a text to its end, then do something with it; whatever happens is an answer or a sentence."""
    token = RUNNING.set(reading.it)
    try:
        with torch.no_grad(), torch.inference_mode(False):
            reading.run()
            return do(reading)
    except ParseError:
        raise
    except RecursionError:
        raise ParseError("this text is nested too deeply to be read; flatten it.", 0, "text") from None
    except Exception as error:  # torch and Python refuse with whatever they like
        raise reading.it.refused("this line", error) from None
    finally:
        RUNNING.reset(token)


def _built(
    source: Source, device: torch.device, name: str | None, arguments: dict[str, Any], heard: Any
) -> tuple[nn.Module, list[tuple[int, ...]]]:
    reading = _reading(source, device, heard)
    module = _with(reading, lambda reading: reading.network(name, arguments))
    return module, reading.it.heard
