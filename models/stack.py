"""A stack of layers as a short text, and the receptive field algebra on it. No torch: `models.stack_field` measures it.

`"c3-c3s2p1-m2"` is a 3x3 convolution, another with stride 2 and padding 1, and a 2x2 max-pooling. The text is what a
link carries and what a visitor may type. A layer is a letter (`c` convolution, `t` transposed, `m` max-pooling, `a`
average-pooling), its kernel size, and then in any order `s` stride, `p` padding (a number, `ps` for "same", `pc` for
causal), `d` dilation, and `r` for a residual branch that adds what came in so many layers before: through a 1x1
convolution where the layers between have a stride, or with a `c` behind it (`r2c`) cut to its middle, as U-Net crops.
Where the two axes differ, rows come first: `c3x1s2x1` is a 3x1 convolution with stride 2 along the rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod

KINDS = {"c": "Convolution", "t": "Transposed", "m": "Max-pooling", "a": "Average-pooling"}
MOST = {"kernel_size": 15, "stride": 8, "padding": 32, "dilation": 32, "skip": 16}
LEAST = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "skip": 0}
PER_AXIS = ("kernel_size", "stride", "padding", "dilation")
MAX_LAYERS = 16
MAX_SIZE = {1: 128, 2: 40}
MAX_CHANNELS = 512
MAX_TEXT = 500

_N = r"\d{1,9}(?:x\d{1,9})?"
_TOKEN = re.compile(rf"([ctma])({_N})((?:s{_N}|p(?:{_N}|s|c)|d{_N}|r\d{{1,9}}c?)*)", re.ASCII)
_OPTION = re.compile(rf"s({_N})|p({_N}|s|c)|d({_N})|r(\d+c?)", re.ASCII)
WORDS = {"s": "same", "c": "causal"}

Number = int | tuple[int, int]


class StackError(ValueError):
    """One sentence: which layer cannot be, and what would be right. `.layer` counts from 1; 0: the stack as a whole."""

    def __init__(self, message: str, layer: int = 0) -> None:
        self.layer = layer
        self.message = f"Layer {layer}: {message}" if layer else message
        super().__init__(self.message)


def times(value: Number | str, dims: int = 1) -> str:
    """A setting as people write it: `3×1`; a number that holds for `dims` axes at once is repeated."""
    if isinstance(value, str):
        return value
    return "×".join(map(str, value if isinstance(value, tuple) else (value,) * dims))


def _short(value: Number) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class StackLayer:
    """One layer. A setting is a number for all axes, or a pair (rows, columns); a pair of equals becomes a number.

    `padding` may also be `"same"` or `"causal"` (all of it before). `skip`: a residual branch adds the input of the
    layer `skip - 1` before this one; 1: this layer's own, 0: none. `crop`: of a larger map, the branch brings the
    middle.

    `extent`, `pads` and `output_size` are for one axis: ask `along(axis)` for them.
    """

    kind: str = "c"
    kernel_size: Number = 3
    stride: Number = 1
    padding: Number | str = 0
    dilation: Number = 1
    skip: int = 0
    crop: bool = False

    def __post_init__(self) -> None:
        if not self.skip:
            object.__setattr__(self, "crop", False)
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
            words.append((f"+ input of {self.skip} back" if self.skip > 1 else "+ its input") + ", cropped" * self.crop)
        return ", ".join(words)

    def to_text(self) -> str:
        text = f"{self.kind}{_short(self.kernel_size)}"
        if self.stride != (self.kernel_size if self.pool else 1):
            text += f"s{_short(self.stride)}"
        if self.padding:
            text += f"p{self.padding[0] if isinstance(self.padding, str) else _short(self.padding)}"
        text += f"d{_short(self.dilation)}" if self.dilation != 1 else ""
        return text + (f"r{self.skip}{'c' * self.crop}" if self.skip else "")

    def output_size(self, n: int) -> int:
        """Along one axis: ⌊(W + P − D·(F − 1) − 1) / S⌋ + 1, or (W − 1)·S − 2P + D·(F − 1) + 1 when transposed."""
        if self.kind == "t":
            return (n - 1) * self.stride - 2 * self.padding + self.extent
        return (n + sum(self.pads) - self.extent) // self.stride + 1


def _value(text: str) -> Number | str:
    if text in WORDS:
        return WORDS[text]
    first, _, second = text.partition("x")
    return (int(first), int(second)) if second else int(first)


def _read_layer(token: str, number: int, dims: int) -> StackLayer:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise StackError(
            f"“{token[:20]}” cannot be read; write a letter c, t, m or a, a kernel size, then s, p, d, r with numbers, "
            "such as c3s2p1 or c3x1.",
            number,
        )
    kind, kernel, options = match[1], _value(match[2]), match[3]
    settings: dict = {"stride": kernel if kind in "ma" else 1}
    seen = set()
    for stride, padding, dilation, skip in _OPTION.findall(options):
        name, text = next(
            (n, t) for n, t in (("stride", stride), ("padding", padding), ("dilation", dilation), ("skip", skip)) if t
        )
        if name in seen:
            raise StackError(f"“{token[:20]}” gives {name} twice; give it once.", number)
        seen.add(name)
        if name == "skip":
            settings |= {"skip": int(text.rstrip("c")), "crop": text.endswith("c")}
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
        raise StackError(f"a residual branch can start {number} layers back at most.", number)


@dataclass(frozen=True)
class Stack:
    """A stack of layers over an input of `size` pixels along each of `dims` axes, `channels` in and out of each layer.

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
            raise StackError(f"The input is 1 to {MAX_SIZE.get(self.dims, 40)} pixels long.")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise StackError(f"A layer has 1 to {MAX_CHANNELS} channels.")
        for number, layer in enumerate(self.layers, 1):
            _check(layer, number, self.dims)
        assert self.shapes  # a stack that does not fit is refused here

    @property
    def alike(self) -> bool:
        """All axes have the same settings in every layer."""
        return all(layer.alike for layer in self.layers)

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
            out = layer.output_size(sizes[-1]) if layer.kind == "t" or self._room(layer, sizes[-1]) else 0
            if out < 1:
                room = sizes[-1] + sum(layer.pads)
                why = (
                    f"padding {layer.padding} cuts off everything; take less"
                    if layer.kind == "t"
                    else f"its window spans {layer.extent}, but its input is only {room} long there: use a smaller "
                    "kernel or dilation, more padding, or a larger input"
                )
                raise StackError(f"{why}.", number)
            if out > 4 * MAX_SIZE[self.dims]:
                raise StackError(
                    f"its output would be {out} long; at most {4 * MAX_SIZE[self.dims]} are drawn.", number
                )
            sizes.append(out)
            if layer.skip:
                self._check_skip(number, axis, sizes)
        return sizes

    @staticmethod
    def _room(layer: StackLayer, n: int) -> bool:
        return n + sum(layer.pads) >= layer.extent

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
                "its residual branch passes transposed layers that make the map larger, and cannot follow; let it "
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
            crop = f", or crop the branch (r{layer.skip}c)" if have > out else ""
            raise StackError(
                f"its residual branch brings {brings} units and the layer gives {out}: "
                f"use padding “same” (or half the kernel) in the layers between{crop}.",
                number,
            )

    def to_text(self) -> str:
        return "-".join(layer.to_text() for layer in self.layers)

    def to_code(self) -> str:
        """Runnable PyTorch: an `nn.Sequential`, or a module with its own `forward` where a residual branch joins."""
        return _code(self)

    def algebra(self, axis: int = 0) -> list[Step]:
        """The closed forms along one axis, layer by layer; see `Step`."""
        return _algebra(self, axis)

    def upto(self, number: int) -> Stack:
        """The first `number` layers alone."""
        return replace(self, layers=self.layers[:number])


def read_stack(text: str, dims: int = 2, size: int = 13, channels: int = 1) -> Stack:
    """The stack that a text describes.

    Raises:
        StackError: text that cannot be read, or a stack that cannot be; one sentence that names the layer.
    """
    if len(text) > MAX_TEXT:
        raise StackError(f"The text of the stack is {len(text)} characters long; {MAX_TEXT} are read.")
    tokens = [t for t in re.split(r"[-,;\s]+", text.strip().lower()) if t]
    if not tokens:
        raise StackError("The stack is empty; write a layer such as c3.")
    if len(tokens) > MAX_LAYERS:
        raise StackError(f"The stack has {len(tokens)} layers; {MAX_LAYERS} fit on the page.")
    return Stack(tuple(_read_layer(t, i, dims) for i, t in enumerate(tokens, 1)), dims, size, channels)


# -- algebra ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One layer's line of algebra along one axis: numbers, `None` where no closed form holds.

    `lines` are LaTeX with the current numbers filled in: size, jump, start. `why`: a sentence, why there are none.
    """

    size: int | None
    jump: int | Fraction | None
    start: int | None
    lines: tuple[str, ...] = ()
    why: str = ""
    source: tuple[str, str] = field(
        default=(
            "Araujo et al. 2019, Computing receptive fields",
            "https://distill.pub/2019/computing-receptive-fields/",
        )
    )


def _tex(value: int | Fraction) -> str:
    value = Fraction(value)
    return str(value.numerator) if value.denominator == 1 else rf"\tfrac{{{value.numerator}}}{{{value.denominator}}}"


def _term(value: int | Fraction) -> str:
    """A number behind a sign: a negative one in brackets."""
    return f"({_tex(value)})" if value < 0 else _tex(value)


def _algebra(stack: Stack, axis: int) -> list[Step]:
    fields: list[tuple[int, Fraction, int] | None] = [(1, Fraction(1), 0)]  # of the input: a pixel sees itself
    steps, lost = [], ""
    for number, layer in enumerate(stack.along(axis), 1):
        before = fields[-1]
        lines: tuple[str, ...] = ()
        why = ""
        if before is None:
            after, why = None, lost
        elif layer.kind == "t" and layer.stride > 1:
            after = None
            lost = "A transposed layer came before, whose units take turns: read from the trace."
            why = (
                "Units take turns: neighbours read different taps, so one number per step of the algebra does not "
                "hold; read from the trace."
            )
        else:
            size, jump, start = before
            pad = layer.pads[0] if layer.kind != "t" else layer.extent - 1 - layer.padding
            after = (size + (layer.extent - 1) * jump, jump * layer.stride, start - pad * jump)
            i = number
            lines = (
                rf"r_{{{i}}} = r_{{{i - 1}}} + D\,(F - 1)\,j_{{{i - 1}}} = {_tex(size)} + {layer.dilation} \cdot "
                rf"({layer.kernel_size} - 1) \cdot {_tex(jump)} = {_tex(after[0])}",
                rf"j_{{{i}}} = j_{{{i - 1}}} \cdot S = {_tex(jump)} \cdot {layer.stride} = {_tex(after[1])}",
                rf"s_{{{i}}} = s_{{{i - 1}}} - P\,j_{{{i - 1}}} = {_tex(start)} - {_term(pad)} \cdot {_tex(jump)} = "
                rf"{_tex(after[2])}",
            )
            if layer.skip:
                branch = fields[number - layer.skip]
                stride = stack.skip_stride(number, axis)
                if branch is None or branch[1] * stride != after[1]:
                    lost = (
                        "The branch comes from units that take turns, or drift: read from the trace."
                        if branch is None
                        else f"Branches of different jump meet, {_plain(branch[1] * stride)} against "
                        f"{_plain(after[1])}: they drift apart from unit to unit, so no one size, jump or start holds; "
                        "read from the trace."
                    )
                    after, lines, why = None, (), lost
                    lost = "Branches that do not line up came before: read from the trace."
                else:
                    first = branch[2] + stack.skip_crops(number)[axis][0] * branch[1]
                    low = min(after[2], first)
                    high = max(after[2] + after[0], first + branch[0])
                    lines = (
                        *lines,
                        rf"r_{{{i}}} = \max(\text{{ends}}) - \min(\text{{starts}}) = {_tex(high)} - {_term(low)} = "
                        rf"{_tex(high - low)} \quad \text{{both branches}}",
                    )
                    after = (high - low, after[1], low)
        fields.append(after)
        plain = (None, None, None) if after is None else tuple(_plain(v) for v in after)
        steps.append(Step(*plain, lines, why))
    return steps


def _plain(value: int | Fraction) -> int | Fraction:
    value = Fraction(value)
    return value.numerator if value.denominator == 1 else value


# -- worked examples --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StackPreset:
    """A worked example: a stack, the question to predict, and what there is to see. `expected`: the last layer's size
    and jump, None where neighbours differ for ever."""

    id: str
    title: str
    text: str
    dims: int
    size: int
    question: str
    options: tuple[str, ...]
    answer: str
    explanation: str
    expected: tuple[int, int | None]
    channels: int = 1

    @property
    def stack(self) -> Stack:
        return read_stack(self.text, self.dims, self.size, self.channels)


PRESETS: dict[str, StackPreset] = {
    preset.id: preset
    for preset in (
        StackPreset(
            "two",
            "Two 3×3",
            "c3-c3",
            2,
            9,
            "Which single kernel sees as much as two 3×3 in a row?",
            ("4×4", "5×5", "6×6", "9×9"),
            "5×5",
            "The second layer's three units lie one pixel apart, and each brings its own three pixels: 3 + 2 = 5. "
            "Two 3×3 kernels have 18 weights, one 5×5 has 25.",
            (5, 1),
        ),
        StackPreset(
            "three",
            "Three 3×3",
            "c3-c3-c3",
            2,
            11,
            "Three 3×3 layers with C channels each: how many weights, against one layer that sees as much?",
            ("27C² against 27C²", "27C² against 49C²", "9C² against 49C²"),
            "27C² against 49C²",
            "Three see 7×7. Each has 9C² weights, together 27C²; one 7×7 has 49C². And there is room for a "
            "non-linearity after each of the three.",
            (7, 1),
            16,
        ),
        StackPreset(
            "stride",
            "Where stride acts",
            "c3s2-c3",
            2,
            15,
            "The first layer gets stride 2 instead of 1. What happens to its own receptive field?",
            ("It doubles", "It stays 3×3", "It shrinks"),
            "It stays 3×3",
            "Stride moves the windows apart and leaves each as it is. The effect is in the layer after it: its three "
            "units now lie two pixels apart, so it sees 3 + 2·2 = 7 instead of 5.",
            (7, 2),
        ),
        StackPreset(
            "pooling",
            "Pooling between",
            "c3p1-m2-c3p1-m2-c3p1",
            2,
            20,
            "Three 3×3 layers see 7×7. With two 2×2 poolings between them?",
            ("7×7", "9×9", "18×18", "28×28"),
            "18×18",
            "After two poolings neighbouring units lie four pixels apart: 3, 4, 8, 10, 18. Cheap, and it costs "
            "resolution: the last map has one unit for each 4×4 pixels.",
            (18, 4),
        ),
        StackPreset(
            "one",
            "1×1",
            "c3-c1-c3",
            2,
            9,
            "A 1×1 layer in the middle: what does it add to the receptive field?",
            ("Nothing", "1 pixel", "2 pixels"),
            "Nothing",
            "F − 1 is 0, so the field stays as it is. A 1×1 layer mixes channels, never places: it may turn 192 maps "
            "of 28×28 into 16, and every unit still sees the same pixels.",
            (5, 1),
        ),
        StackPreset(
            "spread",
            "One 3×3, dilated",
            "c3d2",
            2,
            11,
            "One 3×3 kernel with dilation 2. What does it span, and with how many weights?",
            ("3×3 with 9", "5×5 with 9", "5×5 with 25", "7×7 with 9"),
            "5×5 with 9",
            "D·(F − 1) + 1: with dilation 1, 2, 3 one kernel covers 3, 5, 7 pixels a side, with nine weights each. It "
            "reads nine pixels; those between its taps it steps over.",
            (5, 1),
        ),
        StackPreset(
            "dilated",
            "Dilations 1, 2, 4, 8",
            "c3d1-c3d2-c3d4-c3d8",
            1,
            41,
            "Four layers of three taps, dilated 1, 2, 4 and 8. How far does one unit see?",
            ("9", "15", "24", "31"),
            "31",
            "Each layer adds D·(F − 1): 1 + 2 + 4 + 8 + 16 = 31. Twice the field with each layer, for the same three "
            "weights: exponential growth at linear cost. Without dilation four layers see 9.",
            (31, 1),
        ),
        StackPreset(
            "gridding",
            "Gridding 2, 2, 2",
            "c3d2-c3d2-c3d2",
            2,
            17,
            "Three 3×3 layers, each with dilation 2, span 13×13 pixels. How many of these 169 does a unit read?",
            ("169", "85", "49", "27"),
            "49",
            "Every tap lands on an even distance from the middle: 7×7 pixels, and 120 inside the box are never read. "
            "Compare with 1, 2, 5 below.",
            (13, 1),
        ),
        StackPreset(
            "hybrid",
            "1, 2, 5 without holes",
            "c3d1-c3d2-c3d5",
            2,
            19,
            "Dilations 1, 2, 5 span 17×17. How many of the 289 pixels are read?",
            ("27", "49", "289"),
            "289",
            "All of them: the first layer fills what the later ones skip. Largest distance between neighbouring reads "
            "at each level: no larger than the kernel below can bridge.",
            (17, 1),
        ),
        StackPreset(
            "wavenet",
            "WaveNet",
            "c2pc-c2pcd2-c2pcd4-c2pcd8",
            1,
            24,
            "Four causal layers with two taps, dilated 1, 2, 4, 8: which past samples does the output at time t see?",
            ("the last 5", "the last 8", "the last 16", "all, and one ahead"),
            "the last 16",
            "1 + 1 + 2 + 4 + 8 = 16 samples up to t, and none after it: all padding stands before the first sample.",
            (16, 1),
        ),
        StackPreset(
            "beyond",
            "Beyond the image",
            "c3p1-c3p1-c3p1-c3p1-c3p1-c3p1",
            2,
            8,
            "Six 3×3 layers over an 8×8 picture see 13×13. What lies where there is no picture?",
            ("Nothing is computed there", "Padding zeros", "The picture again"),
            "Padding zeros",
            "The field is larger than the picture, so every unit near a border sees padding. That is how a network "
            "can learn where the border is.",
            (13, 1),
        ),
        StackPreset(
            "residual",
            "Residual block",
            "c3p1-c3p1r2",
            2,
            9,
            "Two 3×3 layers, and a branch around them that adds the input. What does the branch do to the field?",
            ("Makes it larger", "Nothing", "Makes it smaller"),
            "Nothing",
            "The branch sees one pixel, which lies inside the 5×5 of the two layers: the larger field wins. But it "
            "brings that pixel unmixed, so the middle weighs more: see the effective field.",
            (5, 1),
        ),
        StackPreset(
            "drift",
            "A branch that drifts",
            "c3s2r1c",
            1,
            23,
            "The layer has stride 2. The branch around it is not strided, only cropped to the same length. How much do "
            "its units see?",
            ("3 pixels, all of them", "3 in the middle, 7 at the ends", "7 pixels, all of them"),
            "3 in the middle, 7 at the ends",
            "With each unit the layer moves on by two pixels and the branch by one. They meet in the middle and drift "
            "apart from there: no one field, jump or start holds, so you see the widest. A 1×1 layer of the same "
            "stride on the branch lines them up.",
            (7, None),
        ),
        StackPreset(
            "skip",
            "A skip over down and up",
            "c3s2p1-t4s2p1r2",
            1,
            16,
            "Down by two, up again, and a branch adds the input. What does the branch do to the field?",
            ("Makes it larger", "Nothing", "Makes it smaller"),
            "Nothing",
            "Each unit's own pixel lies inside the 5 that it sees anyway. But the way down and up mixes these 5, and "
            "neighbours get the same mixture: the branch brings back which pixel was where. U-Net does the same with "
            "a branch that it concatenates instead of adding: its next layer gets both maps.",
            (5, 1),
        ),
        StackPreset(
            "transposed",
            "Down and up again",
            "c3s2p1-t4s2p1",
            1,
            16,
            "Stride 2 down, then a transposed layer with stride 2 up. How far apart are neighbouring outputs' fields?",
            ("Half a pixel", "1 pixel on average", "2 pixels"),
            "1 pixel on average",
            "The map is as fine as the input again. Outputs take turns: pairs of neighbours read the same units, so "
            "their fields jump by 0 or by 2, 1 on average.",
            (5, 1),
        ),
    )
}


# -- code -------------------------------------------------------------------------------------------------------------


def _layer_code(layer: StackLayer, dims: int, channels: int) -> list[str]:
    """The torch calls of one layer."""
    pads = [layer.along(axis).pads for axis in range(dims)]
    calls = []
    padding: Number = tuple(before for before, _ in pads)
    if any(before != after for before, after in pads):
        # torch counts padding from the last axis
        around = tuple(n for pair in reversed(pads) for n in pair)
        calls.append(f"nn.ConstantPad{dims}d({around}, 0.0)")
        padding = (0,) * dims
    padding = padding[0] if len(set(padding)) == 1 else padding
    settings = [f"stride={layer.stride}"] if layer.stride != (layer.kernel_size if layer.pool else 1) else []
    settings += [f"padding={padding}"] if padding else []
    settings += [f"dilation={layer.dilation}"] if layer.dilation != 1 else []
    if layer.pool:
        name, first = {"m": "MaxPool", "a": "AvgPool"}[layer.kind], [str(layer.kernel_size)]
    else:
        name = {"c": "Conv", "t": "ConvTranspose"}[layer.kind]
        first = [str(channels), str(channels), str(layer.kernel_size)]
        settings.append("bias=False")
    return [*calls, f"nn.{name}{dims}d({', '.join([*first, *settings])})"]


def _cut(stack: Stack, number: int) -> str:
    """The index that crops the branch into a layer; nothing where it stays as it is."""
    if not stack.layers[number - 1].crop:
        return ""
    crops = zip(stack.skip_crops(number), stack.shapes[number], strict=True)
    return f"[..., {', '.join(f'{before}:{before + n}' for (before, _), n in crops)}]"


def _code(stack: Stack) -> str:
    calls = [_layer_code(layer, stack.dims, stack.channels) for layer in stack.layers]
    shape = (1, stack.channels, *(stack.size,) * stack.dims)
    out = (1, stack.channels, *stack.shapes[-1])
    check = f"assert model(torch.zeros{shape}).shape == {out}"
    head = "import torch\nfrom torch import nn\n\n"
    if not any(layer.skip for layer in stack.layers):
        body = "".join(f"    {call},\n" for each in calls for call in each)
        return f"{head}model = nn.Sequential(\n{body})\n{check}\n"
    init, forward = [], ["        x0 = x"]
    for number, (layer, each) in enumerate(zip(stack.layers, calls, strict=True), 1):
        made = each[0] if len(each) == 1 else f"nn.Sequential({', '.join(each)})"
        init.append(f"        self.layer{number} = {made}")
        line = f"self.layer{number}(x{number - 1})"
        if layer.skip:
            strides, source = stack.skip_strides(number), f"x{number - layer.skip}{_cut(stack, number)}"
            stride = strides[0] if len(set(strides)) == 1 else strides
            if stride != 1:
                init.append(
                    f"        self.shortcut{number} = nn.Conv{stack.dims}d({stack.channels}, {stack.channels}, 1, "
                    f"stride={stride}, bias=False)"
                )
                source = f"self.shortcut{number}({source})"
            line += f" + {source}"
        forward.append(f"        x{number} = {line}")
    lines = [
        "class Model(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *init,
        "",
        "    def forward(self, x):",
        *forward,
        f"        return x{len(stack.layers)}",
        "",
        "",
        "model = Model()",
        check,
    ]
    return head + "\n" + "\n".join(lines) + "\n"


def with_layer(stack: Stack, number: int, **changes) -> Stack:
    """The stack with other settings in layer `number` (from 1). Raises `StackError`."""
    layers = list(stack.layers)
    layers[number - 1] = replace(layers[number - 1], **changes)
    return replace(stack, layers=tuple(layers))
