"""The text of a stack, and what it says: settings, sizes, residual branches."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any

from models.errors import StackError
from models.stack.algebra import Derivation, stack_algebra
from models.text import big, read_whole

LETTERS = {"c": "Convolution", "t": "Transposed", "m": "Max-pooling", "a": "Average-pooling"}
MOST = {"kernel_size": 15, "stride": 8, "padding": 32, "dilation": 32, "skip": 16}
LEAST = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "skip": 0}
PER_AXIS = ("kernel_size", "stride", "padding", "dilation")
MAX_LAYERS = 16
MAX_SIZE = {1: 100_000, 2: 40}
DRAWN = {1: 128, 2: 40}
"""Pixels of the input up to which a stack is drawn cell by cell."""
MAX_CHANNELS = 512
MAX_WIDTH = 2 * MAX_CHANNELS
"""Channels of a map to which a branch has been concatenated."""
MAX_TEXT = 500

_N = r"\d{1,9}(?:x\d{1,9})?"
_TOKEN = re.compile(rf"([ctma])({_N})((?:s{_N}|p(?:{_N}|s|c)|d{_N}|[ru]\d{{1,9}}c?)*)", re.ASCII)
_OPTION = re.compile(rf"s(?P<stride>{_N})|p(?P<padding>{_N}|s|c)|d(?P<dilation>{_N})|(?P<skip>[ru]\d+c?)", re.ASCII)

WORDS = {"s": "same", "c": "causal"}

Number = Any
"""An int, or a pair (rows, columns)."""


def times(value: Number, dims: int = 1) -> str:
    """A setting as people write it: `3×1`; a number that holds for `dims` axes at once is repeated."""
    if isinstance(value, str):
        return value
    return "×".join(map(str, value if isinstance(value, tuple) else (value,) * dims))


def _short(value: Number) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class StackLayer:
    """One layer. A setting is a number for all axes, or a pair (rows, columns); a pair of equals becomes a number.

    `padding` may also be `"same"` or `"causal"` (all of it before). `skip`: a branch brings the input of the layer
    `skip - 1` before this one; 1: this layer's own, 0: none. `crop`: of a larger map, it brings the middle. `concat`:
    its channels stand beside the layer's instead of being added to them.

    `extent`, `pads` and `output_size` are for one axis: ask `along(axis)` for them.
    """

    kind: str = "c"
    kernel_size: Number = 3
    stride: Number = 1
    padding: Number = 0
    dilation: Number = 1
    skip: int = 0
    crop: bool = False
    concat: bool = False

    def __post_init__(self) -> None:
        if not self.skip:
            object.__setattr__(self, "crop", False)
            object.__setattr__(self, "concat", False)
        for name in PER_AXIS:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(set(value)) == 1:
                object.__setattr__(self, name, value[0])

    @property
    def alike(self) -> bool:
        """Every axis has the same settings."""
        return not any(isinstance(getattr(self, name), tuple) for name in PER_AXIS)

    def along(self, axis: int) -> StackLayer:
        """The layer as one axis sees it."""
        if self.alike:
            return self
        values = {name: getattr(self, name) for name in PER_AXIS}
        return replace(self, **{n: v[axis] if isinstance(v, tuple) else v for n, v in values.items()})

    def with_axis(self, name: str, axis: int, value: int | str) -> StackLayer:
        """Another value of one setting along one axis of two; a word for `padding` holds for both."""
        if isinstance(value, str):
            return replace(self, **{name: value})
        other = self.along(1 - axis)
        kept = getattr(other, name)
        pair = [other.pads[0] if isinstance(kept, str) else kept] * 2
        pair[axis] = value
        return replace(self, **{name: tuple(pair)})

    @property
    def pool(self) -> bool:
        return self.kind in "ma"

    @property
    def extent(self) -> int:
        """Input units from the first to the last tap: D·(F − 1) + 1."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def pads(self) -> tuple[int, int]:
        """Cells added before and after."""
        if self.padding == "same":
            return (self.extent - 1) // 2, self.extent - 1 - (self.extent - 1) // 2
        if self.padding == "causal":
            return self.extent - 1, 0
        return self.padding, self.padding

    def describe(self, dims: int) -> str:
        """`conv 3×3, stride 2, padding 1`: what is not at its default."""
        name = {"c": "conv", "t": "transposed", "m": "max-pool", "a": "avg-pool"}[self.kind]
        words = [f"{name} {times(self.kernel_size, dims)}"]
        words += [f"stride {times(self.stride)}"] if self.stride != 1 else []
        words += [f"padding {times(self.padding)}"] if self.padding else []
        words += [f"dilation {times(self.dilation)}"] if self.dilation != 1 else []
        if self.skip:
            what = f"input of {self.skip} back" if self.skip > 1 else "its input"
            words.append(f"{'concat' if self.concat else '+'} {what}{', cropped' * self.crop}")
        return ", ".join(words)

    def to_text(self) -> str:
        text = f"{self.kind}{_short(self.kernel_size)}"
        if self.stride != (self.kernel_size if self.pool else 1):
            text += f"s{_short(self.stride)}"
        if self.padding:
            text += f"p{self.padding[0] if isinstance(self.padding, str) else _short(self.padding)}"
        text += f"d{_short(self.dilation)}" if self.dilation != 1 else ""
        return text + (f"{'u' if self.concat else 'r'}{self.skip}{'c' * self.crop}" if self.skip else "")

    def output_size(self, n: int) -> int:
        """Along one axis: ⌊(W + P − D·(F − 1) − 1) / S⌋ + 1, or (W − 1)·S − 2P + D·(F − 1) + 1 when transposed."""
        if self.kind == "t":
            return (n - 1) * self.stride - 2 * self.padding + self.extent
        return (n + sum(self.pads) - self.extent) // self.stride + 1


def _value(text: str) -> Number:
    if text in WORDS:
        return WORDS[text]
    first, _, second = text.partition("x")
    return (int(first), int(second)) if second else int(first)


def _read_layer(token: str, number: int, dims: int) -> StackLayer:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise StackError(
            f"“{token[:20]}” cannot be read; write a letter c, t, m or a, a kernel size, then s, p, d, r, u with "
            "numbers, such as c3s2p1 or c3x1.",
            number,
        )
    kind, kernel, options = match[1], _value(match[2]), match[3]
    settings: dict = {"stride": kernel if kind in "ma" else 1}
    seen = set()
    for option in _OPTION.finditer(options):
        name = str(option.lastgroup)
        text = option[name]
        if name in seen:
            twice = "two branches; give one" if name == "skip" else f"{name} twice; give it once"
            raise StackError(f"“{token[:20]}” gives {twice}.", number)
        seen.add(name)
        if name == "skip":
            settings |= {"skip": int(text[1:].rstrip("c")), "crop": text.endswith("c"), "concat": text[0] == "u"}
        else:
            settings[name] = _value(text)
    layer = StackLayer(kind, kernel, **settings)
    _check(layer, number, dims)
    return layer


def _check(layer: StackLayer, number: int, dims: int) -> None:
    if not layer.alike and dims == 1:
        raise StackError("two numbers for a setting need two dimensions; choose 2-D, or give one number.", number)
    for axis in range(dims):
        _check_axis(layer.along(axis), number, dims)


def _check_axis(layer: StackLayer, number: int, dims: int) -> None:
    for name, least in LEAST.items():
        value = getattr(layer, name)
        if isinstance(value, int) and not least <= value <= MOST[name]:
            raise StackError(f"{name} is {value}; here it goes from {least} to {MOST[name]}.", number)
    if isinstance(layer.padding, str):
        if layer.kind != "c":
            raise StackError(f"only a convolution takes padding “{layer.padding}”; give a number.", number)
        if layer.padding == "same" and layer.stride > 1:
            raise StackError("padding “same” needs stride 1; give the padding as a number.", number)
        if layer.padding == "causal" and dims != 1:
            raise StackError("causal padding is for one dimension; choose 1-D, or padding “same”.", number)
    if layer.pool and layer.padding > layer.kernel_size // 2:
        raise StackError(
            f"pooling pads at most half its kernel: padding {layer.kernel_size // 2} for a kernel of "
            f"{layer.kernel_size}.",
            number,
        )
    if layer.kind == "a" and layer.dilation > 1:
        raise StackError("average-pooling has no dilation; set it to 1, or take max-pooling.", number)
    if layer.skip > number:
        raise StackError(f"a branch can start {number} layers back at most.", number)


@dataclass(frozen=True)
class Stack:
    """A stack of layers over an input of `size` pixels along each of `dims` axes and `channels`, which each layer with
    weights gives; a branch that is concatenated brings its own besides.

    Raises:
        StackError: a layer that PyTorch would not take, or whose output would be empty.
    """

    layers: tuple[StackLayer, ...]
    dims: int = 2
    size: int = 13
    channels: int = 1

    def __post_init__(self) -> None:
        if not self.layers:
            raise StackError("The stack is empty; add a layer.")
        if len(self.layers) > MAX_LAYERS:
            raise StackError(f"The stack has {len(self.layers)} layers; {MAX_LAYERS} fit on the page.")
        if self.dims not in MAX_SIZE or not 1 <= self.size <= MAX_SIZE[self.dims]:
            raise StackError(f"The input is 1 to {big(MAX_SIZE.get(self.dims, 40))} pixels long.")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise StackError(f"A layer has 1 to {MAX_CHANNELS} channels.")
        for number, layer in enumerate(self.layers, 1):
            _check(layer, number, self.dims)
        assert self.shapes  # a stack that does not fit is refused here
        for number, width in enumerate(self.widths[1:], 1):
            if width > MAX_WIDTH:
                raise StackError(
                    f"with its branch it would have {width} channels; at most {MAX_WIDTH} are taken: give the stack "
                    "fewer channels, or concatenate fewer branches.",
                    number,
                )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each map, the input first."""
        found = [self.channels]
        for number, layer in enumerate(self.layers, 1):
            own = found[-1] if layer.pool else self.channels
            found.append(own + (found[number - layer.skip] if layer.concat else 0))
        return tuple(found)

    def has(self, number: int, place: tuple[int, ...]) -> bool:
        """Whether layer ``number``, from 1, has a unit at this place of its map."""
        if not 1 <= number <= len(self.layers) or len(place) != self.dims:
            return False
        return all(0 <= at < n for at, n in zip(place, self.shapes[number], strict=True))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(1, channels, *size)``: what the stack receives, batch axis included."""
        return (1, self.channels, *(self.size,) * self.dims)

    @property
    def alike(self) -> bool:
        """All axes have the same settings in every layer."""
        return all(layer.alike for layer in self.layers)

    @property
    def drawn(self) -> bool:
        """Whether its maps are small enough to be drawn cell by cell."""
        limit = DRAWN[self.dims]
        return self.size <= limit and all(max(shape) <= 4 * limit for shape in self.shapes)

    def along(self, axis: int) -> tuple[StackLayer, ...]:
        """The layers as one axis sees them."""
        return tuple(layer.along(axis) for layer in self.layers)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Units along each axis: of the input, then of each layer's output."""
        if self.alike:
            return tuple((n,) * self.dims for n in self._sizes(0))
        return tuple(zip(*(self._sizes(axis) for axis in range(self.dims)), strict=True))

    def _sizes(self, axis: int) -> list[int]:
        sizes = [self.size]
        for number, layer in enumerate(self.along(axis), 1):
            room = sizes[-1] + sum(layer.pads)
            out = layer.output_size(sizes[-1]) if layer.kind == "t" or room >= layer.extent else 0
            if out < 1:
                why = (
                    f"padding {layer.padding} cuts off everything; take less"
                    if layer.kind == "t"
                    else f"its window spans {layer.extent}, but its input is only {room} long there: use a smaller "
                    "kernel or dilation, more padding, or a larger input"
                )
                raise StackError(f"{why}.", number)
            if out > 4 * MAX_SIZE[self.dims]:
                raise StackError(
                    f"its output would be {big(out)} long; at most {big(4 * MAX_SIZE[self.dims])} are read.", number
                )
            sizes.append(out)
            if layer.skip:
                self._check_skip(number, axis, sizes)
        return sizes

    def skip_stride(self, number: int, axis: int = 0) -> Fraction:
        """Pixels between the units that the branch into layer `number` (from 1) takes, in units of the map that it
        comes from: what the layers beside it do, transposed ones upwards. 1: the identity, or a cropped branch."""
        layer, passed = self.layers[number - 1], self.along(axis)
        if layer.crop:
            return Fraction(1)
        between = passed[number - layer.skip : number]
        up = prod(other.stride for other in between if other.kind == "t")
        return Fraction(prod(other.stride for other in between if other.kind != "t"), up)

    def skip_strides(self, number: int) -> tuple[int, ...]:
        """Stride of the 1x1 convolution on that branch, per axis."""
        return tuple(int(self.skip_stride(number, axis)) for axis in range(self.dims))

    def skip_crops(self, number: int) -> tuple[tuple[int, int], ...]:
        """Units that the branch into layer `number` leaves out before and after its middle, per axis."""
        layer = self.layers[number - 1]
        if not layer.crop:
            return ((0, 0),) * self.dims
        shapes = self.shapes
        over = [a - b for a, b in zip(shapes[number - layer.skip], shapes[number], strict=True)]
        return tuple((n // 2, n - n // 2) for n in over)

    def _check_skip(self, number: int, axis: int, sizes: list[int]) -> None:
        layer = self.layers[number - 1]
        have, out, stride = sizes[number - layer.skip], sizes[number], self.skip_stride(number, axis)
        if stride.denominator > 1:
            raise StackError(
                "its branch passes transposed layers that make the map larger, and cannot follow; let it "
                "start further back, where the map is as fine.",
                number,
            )
        brings = have if layer.crop else (have - 1) // int(stride) + 1
        if layer.crop and brings < out:
            raise StackError(
                f"its cropped branch brings {brings} units and the layer gives {out}: a crop can only make it smaller.",
                number,
            )
        if not layer.crop and brings != out:
            crop = f", or crop the branch ({'u' if layer.concat else 'r'}{layer.skip}c)" if have > out else ""
            raise StackError(
                f"its branch brings {brings} units and the layer gives {out}: "
                f"use padding “same” (or half the kernel) in the layers between{crop}.",
                number,
            )

    def to_text(self) -> str:
        return "-".join(layer.to_text() for layer in self.layers)

    def algebra(self, axis: int = 0) -> list[Derivation]:
        """The closed forms along one axis, layer by layer; see `Derivation`."""
        return stack_algebra(self, axis)

    def upto(self, number: int) -> Stack:
        """The first `number` layers alone."""
        return replace(self, layers=self.layers[:number])


def read_layers(text: str, dims: int = 2) -> tuple[StackLayer, ...]:
    """The layers that a text describes, whatever the input.

    Raises:
        StackError: text that cannot be read; one sentence that names the layer.
    """
    if len(text) > MAX_TEXT:
        raise StackError(f"The text of the stack is {len(text)} characters long; {MAX_TEXT} are read.")
    tokens = [t for t in re.split(r"[-,;\s]+", text.strip().lower()) if t]
    if not tokens:
        raise StackError("The stack is empty; write a layer such as c3.")
    if len(tokens) > MAX_LAYERS:
        raise StackError(f"The stack has {len(tokens)} layers; {MAX_LAYERS} fit on the page.")
    return tuple(_read_layer(t, i, dims) for i, t in enumerate(tokens, 1))


def read_stack(text: str, dims: int = 2, size: int = 13, channels: int = 1) -> Stack:
    """The stack that a text describes.

    Raises:
        StackError: text that cannot be read, or a stack that cannot be; one sentence that names the layer.
    """
    return Stack(read_layers(text, dims), dims, size, channels)


def unit_of(stack: Stack, text: str) -> tuple[int, tuple[int, ...]] | None:
    """The unit that a link names, ``1.4.0``: its layer, from 1, and its place on the map; None if there is no such."""
    try:
        number, *place = (read_whole(word, 0, max(MAX_SIZE.values())) for word in text.split("."))
    except ValueError:
        return None
    return (number, tuple(place)) if stack.has(number, tuple(place)) else None


@lru_cache(256)
def sizes(layers: tuple[StackLayer, ...], dims: int) -> Sequence[int]:
    """The sizes of the input that these layers take, ascending; none if no size would do.

    Those that are drawn are tried one by one. Longer ones go on in the same steps, or, where none of the short ones
    would do, by ones from the first that does.
    """

    def fits(size: int) -> bool:
        try:
            Stack(layers, dims, size)
        except StackError:
            return False
        return True

    most = MAX_SIZE[dims]
    short = tuple(filter(fits, range(1, DRAWN[dims] + 1)))
    steps = {b - a for a, b in pairwise(short)}
    if len(short) == 1 and fits(short[0] + 1):
        steps = {1}
    if most == DRAWN[dims] or len(steps) > 1 or (short and not steps):
        return short
    step = steps.pop() if steps else 1
    first = short[0] if short else 1 + bisect_left(range(1, most + 1), True, key=fits)
    if not fits(first):
        return ()
    longer = range(short[-1] if short else first, most + 1, step)
    return range(first, longer[bisect_left(longer, True, key=lambda size: not fits(size)) - 1] + 1, step)
