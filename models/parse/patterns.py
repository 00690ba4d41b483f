"""`rearrange("b c (h p) (w q) -> b (h w) (p q c)")`: einops' patterns, as reshape, permute and expand of torch."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from models.parse.modules import FollowsShape, line_of, made
from models.parse.values import Known
from models.parse.words import ParseError, quotable

if TYPE_CHECKING:
    from models.parse.interpreter import Interpreter

_SIDE = re.compile(r"\s*(\(|\)|\.\.\.|[A-Za-z_]\w*|1)", re.ASCII)
_REDUCTIONS = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}


def _groups(side: str, spread: list[str]) -> list[list[str]]:
    """The axes of one side, each as the names that it is made of; `1` is an axis of none."""
    groups: list[list[str]] = []
    inside = False
    at, side = 0, side.rstrip()
    while at < len(side):
        match = _SIDE.match(side, at)
        if match is None:
            raise ValueError("the pattern holds something that is no name")
        word, at = match[1], match.end()
        if word in "()":
            if inside == (word == "("):
                raise ValueError("brackets in the pattern do not match")
            inside = word == "("
            groups += [[]] if inside else []
        elif word == "...":
            groups += [] if inside else [[name] for name in spread]
            if inside:
                groups[-1] += spread
        elif inside:
            groups[-1] += [word] if word != "1" else []
        else:
            groups.append([word] if word != "1" else [])
    if inside or len(groups) > 16:
        raise ValueError("brackets in the pattern do not match")
    return groups


def arranged(x: Any, pattern: str, reduction: str | None = None, **sizes: int) -> Any:
    """What einops' `rearrange`, `repeat` and (with a reduction) `reduce` answer.

    Raises:
        ValueError: the pattern cannot be read, or does not fit the tensor.
    """
    if not isinstance(pattern, str) or len(pattern) > 200 or pattern.count("->") != 1:
        raise ValueError("a pattern such as 'b c h w -> b (h w) c' is wanted")
    before, after = pattern.split("->")
    shape = tuple(x.shape)
    spread = [f"_{n}" for n in range(len(shape) - len(_groups(before, [])))] if "..." in before else []
    left, right = _groups(before, spread), _groups(after, spread)
    if len(left) != len(shape):
        raise ValueError(f"the pattern has {len(left)} axes and the tensor {len(shape)}")
    known: dict[str, int] = dict(sizes)
    for group, size in zip(left, shape, strict=True):
        open_names = [name for name in group if name not in known]
        rest = prod(known[name] for name in group if name in known)
        if len(open_names) > 1 or rest < 1 or size % rest or (not open_names and rest != size):
            raise ValueError(f"an axis of {size} cannot be {' times '.join(group) or '1'}")
        known.update((name, size // rest) for name in open_names)
    names, wanted = [n for group in left for n in group], [n for group in right for n in group]
    if len(set(names)) < len(names) or len(set(wanted)) < len(wanted) or not set(wanted) <= known.keys():
        raise ValueError("each name of the pattern stands once on a side, and those that are new have a size")
    x = x.reshape([known[name] for name in names])
    gone = [at for at, name in enumerate(names) if name not in wanted]
    if bool(gone) is (reduction is None):
        raise ValueError("names may be left out where a reduction is given, and only there")
    if gone:
        x, names = _REDUCTIONS[str(reduction)](x, gone), [name for name in names if name in wanted]
    x = x.permute([names.index(name) for name in wanted if name in names])
    if len(names) < len(wanted):
        x = x.reshape([known[name] if name in names else 1 for name in wanted])
        x = x.expand([known[name] for name in wanted])
    return x.reshape([prod(known[name] for name in group) for group in right])


class Arranged(FollowsShape):
    """einops' layers `Rearrange` and `Reduce`."""

    def __init__(self, pattern: str, reduction: str | None, sizes: dict[str, int]) -> None:
        super().__init__()
        self.pattern, self.reduction, self.sizes = pattern, reduction, sizes

    def forward(self, x: Any) -> Any:
        try:
            return arranged(x, self.pattern, self.reduction, **self.sizes)
        except ValueError as error:
            raise ParseError(f'"{quotable(self.pattern)}": {error}.', line_of(self), "rearrange") from None

    def extra_repr(self) -> str:
        return repr(self.pattern)


def _checked(it: Interpreter, pattern: Any, reduction: Any, sizes: dict[str, Any]) -> None:
    if reduction is not None and reduction not in _REDUCTIONS:
        raise ParseError(f"a reduction is one of {', '.join(_REDUCTIONS)}.", it.line, quotable(str(reduction)))
    if not all(isinstance(size, int) and 1 <= size <= 10**6 for size in sizes.values()):
        raise ParseError("sizes in a pattern are whole numbers from 1.", it.line, "rearrange")


def _arrange(it: Interpreter, x: Any, pattern: Any, **sizes: Any) -> Any:
    _checked(it, pattern, None, sizes)
    x = it.tensor_call("torch.stack", torch.stack, [x], {}) if isinstance(x, (list, tuple)) else x
    return it.tensor_call("rearrange", arranged, [x, pattern], sizes)


def _reduce(it: Interpreter, x: Any, pattern: Any, reduction: Any, **sizes: Any) -> Any:
    _checked(it, pattern, reduction, sizes)
    return it.tensor_call("reduce", arranged, [x, pattern, reduction], sizes)


def _layer(it: Interpreter, pattern: Any, reduction: Any = None, **sizes: Any) -> nn.Module:
    _checked(it, pattern, reduction, sizes)
    return made(it, Arranged(pattern, reduction, sizes), "Rearrange", "Rearrange")


PATTERN_TABLE: dict[str, Any] = {
    "einops.rearrange": Known("rearrange", _arrange, alone=False),
    "einops.repeat": Known("repeat", _arrange, alone=False),
    "einops.reduce": Known("reduce", _reduce, alone=False),
    "einops.layers.torch.Rearrange": Known("Rearrange", _layer, alone=False),
    "einops.layers.torch.Reduce": Known("Reduce", _layer, alone=False),
}
