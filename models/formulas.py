"""The closed forms, each with its source, as numbers, as LaTeX and as one short line with the numbers filled in.

Letters are the same everywhere: input W, kernel F, padding P, stride S, dilation D, output O, channels C_in and C_out,
groups G. What is measured never comes from here: the page holds one against the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod

CONV = ("PyTorch, Conv2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html")
TRANSPOSED = (
    "PyTorch, ConvTranspose2d",
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html",
)
POOL = ("PyTorch, MaxPool2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html")
UPSAMPLE = ("PyTorch, Upsample", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html")
SHUFFLE = ("Shi et al. 2016, Real-time single image super-resolution", "https://arxiv.org/abs/1609.05158")
GUIDE = ("Dumoulin and Visin 2016, A guide to convolution arithmetic", "https://arxiv.org/abs/1603.07285")
FIELDS = ("Araujo et al. 2019, Computing receptive fields", "https://distill.pub/2019/computing-receptive-fields/")
MOBILENET = ("Howard et al. 2017, MobileNets", "https://arxiv.org/abs/1704.04861")
COUNTER = (
    "PyTorch, FlopCounterMode (÷ 2)",
    "https://docs.pytorch.org/docs/stable/generated/torch.utils.flop_counter.FlopCounterMode.html",
)

PASS = 100_000
"""What calling a layer once takes, in multiply–accumulates, however small the layer."""

MANY_TAPS = 64
"""From so many taps on, the entries of an operator are placed by rule and checked in one pass."""

DOT, CROSS = r" \cdot ", r" \times "


@dataclass(frozen=True)
class Formula:
    """One closed form.

    ``value`` is a number, or a tuple with one number per spatial axis. ``symbols`` and ``filled`` are LaTeX, the
    second with the current numbers. ``text`` is the same as ``filled`` in one short line. ``source`` is a title and
    an address.
    """

    value: int | tuple[int, ...]
    symbols: str
    filled: str
    text: str
    source: tuple[str, str]


# -- numbers ----------------------------------------------------------------------------------------------------------


def extent(kernel_size: int, dilation: int = 1) -> int:
    """Input pixels from the first to the last tap, both included: D·(F − 1) + 1."""
    return dilation * (kernel_size - 1) + 1


def window_positions(size: int, kernel_size: int, before: int, after: int, stride: int, dilation: int) -> int:
    """Positions at which a window fits: ⌊(W + P − D·(F − 1) − 1) / S⌋ + 1, with P the cells added on both sides."""
    return (size + before + after - extent(kernel_size, dilation)) // stride + 1


def pool_positions(size: int, kernel_size: int, padding: int, stride: int, dilation: int, ceil_mode: bool) -> int:
    """As ``window_positions``; with ``ceil_mode`` a last window may leave the image, if it starts inside it."""
    room = size + 2 * padding - extent(kernel_size, dilation)
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def transposed_size(size: int, kernel_size: int, padding: int, stride: int, dilation: int, output_padding: int) -> int:
    """(W − 1)·S − 2P + D·(F − 1) + output_padding + 1."""
    return (size - 1) * stride - 2 * padding + extent(kernel_size, dilation) + output_padding


def transposed_field(kernel_size: int, stride: int, dilation: int) -> int:
    """Input pixels from the first to the last that one output of a transposed layer reads, far from the border.

    Every (S/g)-th tap meets the same output, g = gcd(S, D), and their inputs lie D/g apart: (⌈F·g/S⌉ − 1)·D/g + 1.
    """
    g = math.gcd(stride, dilation)
    return (-(-kernel_size * g // stride) - 1) * (dilation // g) + 1


@dataclass(frozen=True)
class Counts:
    """How many inputs each output reads, along one axis: their ``total``, and those that are ``shown`` in a line (all
    up to six, otherwise the first three and the last)."""

    total: int
    shown: tuple[int, ...]
    many: bool = False

    @classmethod
    def of(cls, outputs: int, total: int, at: Callable[[int], int]) -> Counts:
        """``at(o)`` gives the count of output o."""
        many = outputs > 6
        return cls(total, tuple(at(o) for o in ((0, 1, 2, outputs - 1) if many else range(outputs))), many)

    def __str__(self) -> str:
        parts = [str(n) for n in self.shown]
        return "+".join([*parts[:3], "…", *parts[3:]] if self.many else parts)


def taps_inside(size: int, positions: int, kernel_size: int, before: int, stride: int, dilation: int) -> Counts:
    """For each window position on one axis: how many of its taps land inside an image of ``size`` cells."""
    import numpy as np

    start = np.arange(positions, dtype=np.int64) * stride - before
    first = np.maximum(0, -(start // dilation))
    last = np.minimum(kernel_size - 1, (size - 1 - start) // dilation)
    counts = np.maximum(0, last - first + 1)
    return Counts.of(positions, int(counts.sum()), lambda o: int(counts[o]))


class Interpolation:
    """Which inputs the outputs of an upsampling layer read along one axis, in exact arithmetic.

    The sample of output o lies at (o + ½)/s − ½, or at o·(W − 1)/(O − 1) with ``align_corners`` (documentation of
    ``torch.nn.Upsample``). It is a whole number for o = ``hit`` + k·``period``; every other output has a weight other
    than 0 for each neighbour. Neighbours beyond the border are the border cell.
    """

    def __init__(self, size: int, positions: int, scale: float, mode: str, align_corners: bool):
        self.size, self.positions, self.cubic = size, positions, mode == "bicubic"
        # torch's linear modes copy where the size stays, whatever the scale.
        self.copies = mode.startswith("nearest") or (size == positions and not self.cubic)
        if align_corners:
            # at(o) = o·a/b
            self.a, self.b, self.c = size - 1, max(1, positions - 1), 0
            self.hit, self.period = 0, self.b // math.gcd(self.a, self.b)
        else:
            # at(o) = (o·a + c)/b with s = p/q
            ratio = _ratio(scale)
            p, q = ratio.numerator, ratio.denominator
            self.a, self.b, self.c = 2 * q, 2 * p, q - p
            self.hit, self.period = ((p - q) // 2 * pow(q, -1, p) % p, p) if (p - q) % 2 == 0 else (None, p)

    def _first(self, cell: int) -> int:
        """The first output whose sample lies at ``cell`` or beyond it."""
        if not self.a:
            return 0 if cell <= 0 else self.positions
        return min(max(-((self.c - cell * self.b) // self.a), 0), self.positions)

    def _between(self, cell: int, end: int) -> int:
        """Outputs whose samples lie between two cells, those exactly at a cell left out."""
        start, stop = self._first(cell), self._first(end)
        if stop <= start:
            return 0
        hits = 0 if self.hit is None else (stop - 1 - self.hit) // self.period - (start - 1 - self.hit) // self.period
        return stop - start - hits

    def _width(self, left: int) -> int:
        """Cells that a sample between ``left`` and the next cell reads."""
        if not self.cubic and left < 0:
            return 1
        reach = (left - 1, left + 2) if self.cubic else (left, left + 1)
        return min(reach[1], self.size - 1) - max(reach[0], 0) + 1

    def reads(self, output: int) -> int:
        """Inputs with a weight other than 0 in one output; they are neighbours."""
        left, rest = divmod(output * self.a + self.c, self.b)
        return self._width(left) if rest and not self.copies else 1

    @property
    def widths(self) -> dict[int, int]:
        """How many outputs read 1, 2, … inputs."""
        found = {1: self.positions}
        if self.copies:
            return found
        edges = sorted({e for e in (-1, 0, 1, 2, *range(self.size - 3, self.size + 1)) if -1 <= e <= self.size})
        for left, right in pairwise(edges):
            n, width = self._between(left, right), self._width(left)
            found[1] -= n
            found[width] = found.get(width, 0) + n
        return {width: n for width, n in found.items() if n}

    @property
    def counts(self) -> Counts:
        """All reads."""
        return Counts.of(self.positions, sum(width * n for width, n in self.widths.items()), self.reads)


def _ratio(scale: float) -> Fraction:
    """The fraction that was meant: 0.2 as a float is not a fifth, and 1/3 is not a third, but torch's own sample
    positions come out as if they were."""
    for largest in (1_000, 1_000_000):
        simple = Fraction(scale).limit_denominator(largest)
        if float(simple) == scale:
            return simple
    return Fraction(scale)


# -- text -------------------------------------------------------------------------------------------------------------


def times(values: Sequence[int]) -> str:
    """``2 × 2``: sizes as people write them."""
    return " × ".join(str(v) for v in values)


def big(value: float, decimals: int = 0) -> str:
    """A number as people read it, on every page and in every sentence: thin spaces between thousands, which neither a
    decimal point nor a comma can be taken for, and at which no line breaks."""
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace("-", "−")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def scientific(value: float, digits: int = 2) -> str:
    """A finite number with a power of ten, ``1.3·10⁻⁷`` or ``10⁶``, with at most so many digits before the power."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10{str(int(exponent)).translate(_RAISED)}"
    return {"1": power, "-1": f"−{power}"}.get(mantissa, f"{mantissa}·{power}".replace("-", "−"))


def _axes(values: Sequence[int], latex: Callable[[int], str], text: Callable[[int], str]) -> tuple[str, str]:
    """Write a per-axis formula once when all axes agree, once an axis when they do not."""
    lines = list(dict.fromkeys((latex(i), text(i)) for i in range(len(values))))
    if len(lines) == 1:
        return lines[0]
    return r" \\ ".join(line for line, _ in lines), " and ".join(line for _, line in lines)


def _power(base: Sequence[int]) -> str:
    """``3²`` or ``3·1``: the product of per-axis values, written short."""
    if len(set(base)) == 1:
        return f"{base[0]}" + {1: "", 2: "²", 3: "³"}[len(base)]
    return "·".join(map(str, base))


def _latex_power(base: Sequence[int]) -> str:
    if len(set(base)) == 1:
        return f"{base[0]}" + (f"^{len(base)}" if len(base) > 1 else "")
    return DOT.join(map(str, base))


# -- families: one for each way in which a layer moves over its input -------------------------------------------------


class Family:
    """Closed forms of the layers that share a way of moving. Each method takes a ``LayerSpec``, returns a Formula."""

    reads = "MACs, no padding"

    def sizes(self, s) -> tuple[int, ...]:
        """Output cells on each axis: the number alone, for the many settings that a control tries."""
        raise NotImplementedError

    def output_size(self, s) -> Formula:
        """Output cells on each axis."""
        raise NotImplementedError

    def parameters(self, s) -> Formula:
        """Learned numbers, bias included."""
        return Formula(0, "0", "0", "nothing is learned", POOL)

    def macs(self, s) -> Formula:
        """Multiply–accumulates as the dense kernel does them, padding included, bias additions not counted."""
        return Formula(0, "0", "0", "no learned weights, none counted", COUNTER)

    def touching(self, s) -> Formula:
        """Entries of the operator: products of a kernel tap with a real input cell."""
        raise NotImplementedError

    def receptive_field(self, s) -> Formula:
        """Input pixels on each axis between the first and the last that one output reads, both included."""
        raise NotImplementedError

    def entries(self, s) -> int:
        """An upper bound of the operator's entries, cheap for any size: padding counts."""
        return self.macs(s).value

    def matrix_entries(self, s) -> int | None:
        """Entries of the operator, counted in closed form; None where there is none."""
        return self.touching(s).value

    def cells(self, s) -> int:
        """Cells that the layer sees, padding included."""
        return s.in_channels * prod(s.input_size)

    def work(self, s) -> int:
        """How much measuring the operator takes: about so many multiply–accumulates, or a hundredth as many table
        cells."""
        return self.entries(s)

    def activations(self, s) -> Formula:
        """Bytes of the output in 32-bit floats."""
        out = (s.out_channels, *s.output_size)
        value = 4 * prod(out)
        filled = rf"4 \cdot {DOT.join(map(str, out))} = {big(value)}"
        return Formula(value, r"4 \cdot C_{out} \cdot \prod O", filled, f"4·{'·'.join(map(str, out))} bytes", CONV)


class Window(Family):
    """Convolutions: a window with weights, every channel of its group at once."""

    def sizes(self, s) -> tuple[int, ...]:
        return tuple(
            window_positions(w, f, *p, st, d)
            for w, f, p, st, d in zip(s.input_size, s.kernel_size, s.pads, s.stride, s.dilation, strict=True)
        )

    def output_size(self, s) -> Formula:
        sizes = self.sizes(s)
        even = all(a == b for a, b in s.pads)

        def pad(i, dot):
            return f"2{dot}{s.pads[i][0]}" if even else f"{s.pads[i][0]} + {s.pads[i][1]}"

        def latex(i):
            top = rf"{s.input_size[i]} + {pad(i, DOT)} - {s.dilation[i]} \cdot ({s.kernel_size[i]} - 1) - 1"
            return rf"\left\lfloor \frac{{{top}}}{{{s.stride[i]}}} \right\rfloor + 1 = {sizes[i]}"

        def text(i):
            top = f"{s.input_size[i]} + {pad(i, '·')} − {s.dilation[i]}·({s.kernel_size[i]}−1) − 1"
            return f"⌊({top})/{s.stride[i]}⌋ + 1 = {sizes[i]}"

        p = "2P" if even else r"P_{before} + P_{after}"
        symbols = rf"O = \left\lfloor \frac{{W + {p} - D \cdot (F - 1) - 1}}{{S}} \right\rfloor + 1"
        return Formula(sizes, symbols, *_axes(sizes, latex, text), CONV)

    def parameters(self, s) -> Formula:
        weights = s.out_channels * (s.in_channels // s.groups) * prod(s.kernel_size)
        value = weights + (s.out_channels if s.bias else 0)
        bias = (rf" + {s.out_channels}", f" + {s.out_channels}") if s.bias else ("", "")
        per = f"{s.in_channels}/{s.groups}" if s.groups > 1 else f"{s.in_channels}"
        latex_per = rf"\frac{{{s.in_channels}}}{{{s.groups}}}" if s.groups > 1 else f"{s.in_channels}"
        return Formula(
            value,
            r"C_{out} \cdot \frac{C_{in}}{G} \cdot \prod F" + (" + C_{out}" if s.bias else ""),
            rf"{s.out_channels} \cdot {latex_per} \cdot {_latex_power(s.kernel_size)}{bias[0]} = {big(value)}",
            f"{s.out_channels}·{per}·{_power(s.kernel_size)}{bias[1]} = {big(value)}",
            CONV,
        )

    def macs(self, s) -> Formula:
        out = s.output_size
        value = s.out_channels * prod(out) * (s.in_channels // s.groups) * prod(s.kernel_size)
        per = f"{s.in_channels}/{s.groups}" if s.groups > 1 else f"{s.in_channels}"
        latex_per = rf"\frac{{{s.in_channels}}}{{{s.groups}}}" if s.groups > 1 else f"{s.in_channels}"
        return Formula(
            value,
            r"C_{out} \cdot \prod O \cdot \frac{C_{in}}{G} \cdot \prod F",
            rf"{s.out_channels} \cdot {_latex_power(out)} \cdot {latex_per} \cdot {_latex_power(s.kernel_size)}"
            rf" = {big(value)}",
            f"{s.out_channels}·{_power(out)}·{per}·{_power(s.kernel_size)} = {big(value)}",
            COUNTER,
        )

    def _pairs(self, s) -> int:
        return s.out_channels * (s.in_channels // s.groups)

    def cells(self, s) -> int:
        return s.in_channels * prod(w + sum(pad) for w, pad in zip(s.input_size, s.pads, strict=True))

    def work(self, s) -> int:
        return self._passes(s, s.groups, s.in_channels)

    def _passes(self, s, channels: int, tables: int) -> int:
        """Passes of the whole kernel over ``channels``, and a table with a column for each tap.

        As many taps go in one pass as indices of the input's cells fit into the 53 bits of a float64, side by side.
        """
        taps, out = prod(s.kernel_size), prod(s.output_size)
        together = max(1, 53 // (s.in_channels * prod(s.input_size)).bit_length())
        return max(-(-taps // together) * max(PASS, taps * out * channels), 100 * taps * out * tables)

    def touching(self, s) -> Formula:
        if s.padding_mode != "zeros":
            dense = self.macs(s)
            return Formula(dense.value, dense.symbols, dense.filled, "padding copies real cells: all of them", GUIDE)
        counts = [
            taps_inside(w, o, f, p[0], st, d)
            for w, o, f, p, st, d in zip(
                s.input_size, s.output_size, s.kernel_size, s.pads, s.stride, s.dilation, strict=True
            )
        ]
        return _counted(counts, self._pairs(s), r"C_{out} \cdot \frac{C_{in}}{G} \cdot \prod \sum_{p} t(p)")

    def receptive_field(self, s) -> Formula:
        values = tuple(extent(f, d) for f, d in zip(s.kernel_size, s.dilation, strict=True))

        def latex(i):
            return rf"{s.dilation[i]} \cdot ({s.kernel_size[i]} - 1) + 1 = {values[i]}"

        def text(i):
            return f"{s.dilation[i]}·({s.kernel_size[i]}−1) + 1 = {values[i]}"

        return Formula(values, r"D \cdot (F - 1) + 1", *_axes(values, latex, text), FIELDS)


def _counted(counts: Sequence[Counts], pairs: int, symbols: str) -> Formula:
    value = pairs * prod(c.total for c in counts)
    front = f"{pairs}·" if pairs != 1 else ""
    if len(set(counts)) == 1:
        body = f"({counts[0]})" + {1: "", 2: "²", 3: "³"}[len(counts)]
        latex = rf"\left({counts[0]}\right)" + (f"^{len(counts)}" if len(counts) > 1 else "")
    else:
        body = "·".join(f"({c})" for c in counts)
        latex = DOT.join(rf"\left({c}\right)" for c in counts)
    latex = latex.replace("…", r"\dots")
    latex_front = rf"{pairs} \cdot " if pairs != 1 else ""
    return Formula(value, symbols, f"{latex_front}{latex} = {big(value)}", f"{front}{body} = {big(value)}", GUIDE)


class Transposed(Window):
    """Transposed convolutions: each input cell stamps the kernel onto the output."""

    def work(self, s) -> int:
        taps = prod(s.kernel_size)
        if taps < MANY_TAPS:
            return super().work(s)
        return max(PASS, 200 * s.in_channels * prod(s.input_size) * taps)

    def sizes(self, s) -> tuple[int, ...]:
        return tuple(
            transposed_size(w, f, p, st, d, o)
            for w, f, p, st, d, o in zip(
                s.input_size, s.kernel_size, s.padding, s.stride, s.dilation, s.output_padding, strict=True
            )
        )

    def output_size(self, s) -> Formula:
        sizes = self.sizes(s)

        def latex(i):
            a, b, c = s.input_size[i], s.stride[i], s.padding[i]
            rest = rf"{s.dilation[i]} \cdot ({s.kernel_size[i]} - 1) + {s.output_padding[i]} + 1"
            return rf"({a} - 1) \cdot {b} - 2 \cdot {c} + {rest} = {sizes[i]}"

        def text(i):
            a, b, c = s.input_size[i], s.stride[i], s.padding[i]
            return (
                f"({a}−1)·{b} − 2·{c} + {s.dilation[i]}·({s.kernel_size[i]}−1) + {s.output_padding[i]} + 1 = {sizes[i]}"
            )

        symbols = r"O = (W - 1) \cdot S - 2P + D \cdot (F - 1) + \mathit{output\_padding} + 1"
        return Formula(sizes, symbols, *_axes(sizes, latex, text), TRANSPOSED)

    def parameters(self, s) -> Formula:
        found = super().parameters(s)
        return Formula(found.value, found.symbols, found.filled, found.text, TRANSPOSED)

    def macs(self, s) -> Formula:
        value = s.in_channels * prod(s.input_size) * (s.out_channels // s.groups) * prod(s.kernel_size)
        per = f"{s.out_channels}/{s.groups}" if s.groups > 1 else f"{s.out_channels}"
        latex_per = rf"\frac{{{s.out_channels}}}{{{s.groups}}}" if s.groups > 1 else f"{s.out_channels}"
        size = s.input_size
        return Formula(
            value,
            r"C_{in} \cdot \prod W \cdot \frac{C_{out}}{G} \cdot \prod F",
            rf"{s.in_channels} \cdot {_latex_power(size)} \cdot {latex_per} \cdot {_latex_power(s.kernel_size)}"
            rf" = {big(value)}",
            f"{s.in_channels}·{_power(size)}·{per}·{_power(s.kernel_size)} = {big(value)}",
            COUNTER,
        )

    def touching(self, s) -> Formula:
        counts = [
            taps_inside(o, w, f, p, st, d)
            for w, o, f, p, st, d in zip(
                s.input_size, s.output_size, s.kernel_size, s.padding, s.stride, s.dilation, strict=True
            )
        ]
        return _counted(counts, self._pairs(s), r"C_{in} \cdot \frac{C_{out}}{G} \cdot \prod \sum_{i} t(i)")

    def receptive_field(self, s) -> Formula:
        trio = list(zip(s.kernel_size, s.stride, s.dilation, strict=True))
        values = tuple(transposed_field(*each) for each in trio)

        def latex(i):
            (f, st, d), g = trio[i], math.gcd(trio[i][1], trio[i][2])
            return (
                rf"\left(\left\lceil \frac{{{f} \cdot {g}}}{{{st}}} \right\rceil - 1\right)"
                rf" \cdot \frac{{{d}}}{{{g}}} + 1 = {values[i]}"
            )

        def text(i):
            (f, st, d), g = trio[i], math.gcd(trio[i][1], trio[i][2])
            return f"(⌈{f}·{g}/{st}⌉ − 1)·{d}/{g} + 1 = {values[i]}"

        symbols = r"\left(\left\lceil \frac{F g}{S} \right\rceil - 1\right) \cdot \frac{D}{g} + 1, \quad g = \gcd(S, D)"
        return Formula(values, symbols, *_axes(values, latex, text), GUIDE)


class Pool(Window):
    """Pooling: a window without weights, each channel on its own."""

    reads = "Cells read"

    def sizes(self, s) -> tuple[int, ...]:
        rows = zip(s.input_size, s.kernel_size, s.padding, s.stride, s.dilation, strict=True)
        return tuple(pool_positions(*row, s.ceil_mode) for row in rows)

    def output_size(self, s) -> Formula:
        rows = list(zip(s.input_size, s.kernel_size, s.padding, s.stride, s.dilation, strict=True))
        sizes = self.sizes(s)
        left, right = (r"\lceil", r"\rceil") if s.ceil_mode else (r"\lfloor", r"\rfloor")
        open_, close = ("⌈", "⌉") if s.ceil_mode else ("⌊", "⌋")

        def lost(i):
            w, f, p, st, d = rows[i]
            return s.ceil_mode and sizes[i] != -(-(w + 2 * p - extent(f, d)) // st) + 1

        def latex(i):
            w, f, p, st, d = rows[i]
            top = rf"{w} + 2 \cdot {p} - {d} \cdot ({f} - 1) - 1"
            drop = " - 1" if lost(i) else ""
            return rf"\left{left} \frac{{{top}}}{{{st}}} \right{right} + 1{drop} = {sizes[i]}"

        def text(i):
            w, f, p, st, d = rows[i]
            drop = " − 1 (would start outside)" if lost(i) else ""
            return f"{open_}({w} + 2·{p} − {d}·({f}−1) − 1)/{st}{close} + 1{drop} = {sizes[i]}"

        symbols = rf"O = \left{left} \frac{{W + 2P - D \cdot (F - 1) - 1}}{{S}} \right{right} + 1"
        return Formula(sizes, symbols, *_axes(sizes, latex, text), POOL)

    def parameters(self, s) -> Formula:
        return Family.parameters(self, s)

    def macs(self, s) -> Formula:
        return Family.macs(self, s)

    def _pairs(self, s) -> int:
        return s.in_channels

    def cells(self, s) -> int:
        # The last window of ceil_mode may reach past the padding.
        rows = zip(s.input_size, s.output_size, s.kernel_size, s.padding, s.stride, s.dilation, strict=True)
        return s.in_channels * prod(max(w + 2 * p, (o - 1) * st + extent(f, d)) for w, o, f, p, st, d in rows)

    def work(self, s) -> int:
        return self._passes(s, s.in_channels, s.in_channels)

    def touching(self, s) -> Formula:
        found = super().touching(s)
        symbols = r"C \cdot \prod \sum_{p} t(p)"
        return Formula(found.value, symbols, found.filled, found.text, POOL)

    def entries(self, s) -> int:
        return s.in_channels * prod(s.output_size) * prod(s.kernel_size)


class Separable(Window):
    """A depthwise layer followed by a pointwise one."""

    def parameters(self, s) -> Formula:
        depth, point = s.in_channels * prod(s.kernel_size), s.in_channels * s.out_channels
        bias = (s.in_channels, s.out_channels) if s.bias else (0, 0)
        value = depth + point + sum(bias)
        extra = [f" + {b}" if s.bias else "" for b in bias]
        return Formula(
            value,
            r"C_{in} \cdot \prod F + C_{in} \cdot C_{out}" + (" + C_{in} + C_{out}" if s.bias else ""),
            rf"({s.in_channels} \cdot {_latex_power(s.kernel_size)}{extra[0]}) + "
            rf"({s.in_channels} \cdot {s.out_channels}{extra[1]}) = {big(value)}",
            f"({s.in_channels}·{_power(s.kernel_size)}{extra[0]}) + ({s.in_channels}·{s.out_channels}{extra[1]})"
            f" = {big(value)}",
            MOBILENET,
        )

    def macs(self, s) -> Formula:
        out = s.output_size
        depth = s.in_channels * prod(out) * prod(s.kernel_size)
        point = s.in_channels * s.out_channels * prod(out)
        value = depth + point
        return Formula(
            value,
            r"C_{in} \cdot \prod O \cdot \prod F + C_{in} \cdot C_{out} \cdot \prod O",
            rf"{s.in_channels} \cdot {_latex_power(out)} \cdot {_latex_power(s.kernel_size)} + "
            rf"{s.in_channels} \cdot {s.out_channels} \cdot {_latex_power(out)} = {big(value)}",
            f"{s.in_channels}·{_power(out)}·{_power(s.kernel_size)} + {s.in_channels}·{s.out_channels}·{_power(out)}"
            f" = {big(value)}",
            MOBILENET,
        )

    def _pairs(self, s) -> int:
        return s.in_channels * s.out_channels

    def work(self, s) -> int:
        point = 100 * prod(s.output_size) * s.in_channels * s.out_channels
        return self._passes(s, s.in_channels, s.in_channels) + point

    def touching(self, s) -> Formula:
        if s.padding_mode == "zeros":
            found = super().touching(s)
            value = found.value // s.out_channels + s.in_channels * s.out_channels * prod(s.output_size)
            depth = found.value // s.out_channels
        else:
            depth = s.in_channels * prod(s.output_size) * prod(s.kernel_size)
            value = depth + s.in_channels * s.out_channels * prod(s.output_size)
        point = value - depth
        return Formula(
            value,
            r"C_{in} \cdot \prod \sum_{p} t(p) + C_{in} \cdot C_{out} \cdot \prod O",
            f"{big(depth)} + {big(point)} = {big(value)}",
            f"{big(depth)} depthwise + {big(point)} pointwise",
            MOBILENET,
        )

    def matrix_entries(self, s) -> int | None:
        # One matrix for both layers: copies of a pixel in the padding meet in one entry.
        return super().touching(s).value if s.padding_mode == "zeros" else None

    def entries(self, s) -> int:
        return s.in_channels * s.out_channels * prod(s.output_size) * prod(s.kernel_size)


class Upsample(Family):
    """Interpolation: fixed weights, each channel on its own."""

    reads = "Cells read"

    def sizes(self, s) -> tuple[int, ...]:
        return tuple(math.floor(w * f) for w, f in zip(s.input_size, s.scale_factor, strict=True))

    def output_size(self, s) -> Formula:
        sizes = self.sizes(s)

        def latex(i):
            return rf"\lfloor {s.input_size[i]} \cdot {s.scale_factor[i]:g} \rfloor = {sizes[i]}"

        def text(i):
            return f"⌊{s.input_size[i]}·{s.scale_factor[i]:g}⌋ = {sizes[i]}"

        symbols = r"O = \lfloor W \cdot \mathit{scale\_factor} \rfloor"
        return Formula(sizes, symbols, *_axes(sizes, latex, text), UPSAMPLE)

    def _sampled(self, s) -> list[Interpolation]:
        return [
            Interpolation(w, o, f, s.mode, s.align_corners)
            for w, o, f in zip(s.input_size, s.output_size, s.scale_factor, strict=True)
        ]

    def touching(self, s) -> Formula:
        found = _counted([axis.counts for axis in self._sampled(s)], s.in_channels, r"C \cdot \prod \sum_{o} t(o)")
        return Formula(found.value, found.symbols, found.filled, found.text, UPSAMPLE)

    def receptive_field(self, s) -> Formula:
        values = tuple(max(axis.widths) for axis in self._sampled(s))
        reach = {"linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}.get(s.mode, 1)
        text = f"{s.mode}: {reach} neighbours an axis, those with weight 0 left out"
        filled = rf"\text{{{s.mode}: up to {reach}}} \Rightarrow {CROSS.join(map(str, values))}"
        return Formula(values, r"\max_o \, (\text{last} - \text{first} + 1)", filled, text, UPSAMPLE)

    def entries(self, s) -> int:
        reach = {"linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}.get(s.mode, 1)
        return s.in_channels * prod(s.output_size) * reach**s.dims


class Shuffle(Family):
    """Pixel shuffle and its inverse: every output is one input, moved."""

    reads = "Cells read"

    def __init__(self, down: bool):
        self.down = down

    def sizes(self, s) -> tuple[int, ...]:
        r = s.upscale_factor
        return tuple(w // r if self.down else w * r for w in s.input_size)

    def output_size(self, s) -> Formula:
        r, sizes = s.upscale_factor, self.sizes(s)
        sign, latex_sign = ("/", "/") if self.down else ("·", r" \cdot ")

        def latex(i):
            return rf"{s.input_size[i]}{latex_sign}{r} = {sizes[i]}"

        def text(i):
            channels = f"{s.in_channels}{'·' if self.down else '/'}{r}² = {s.out_channels} channels"
            return f"{s.input_size[i]}{sign}{r} = {sizes[i]}; {channels}"

        return Formula(sizes, f"O = W{latex_sign}r", *_axes(sizes, latex, text), SHUFFLE)

    def touching(self, s) -> Formula:
        value = s.in_channels * prod(s.input_size)
        filled = rf"{s.in_channels} \cdot {_latex_power(s.input_size)} = {big(value)}"
        text = f"{s.in_channels}·{_power(s.input_size)} = {big(value)}, each read once"
        return Formula(value, r"C \cdot \prod W", filled, text, SHUFFLE)

    def receptive_field(self, s) -> Formula:
        return Formula((1,) * s.dims, "1", "1", "each output is one input, moved", SHUFFLE)

    def entries(self, s) -> int:
        return s.in_channels * prod(s.input_size)

    def work(self, s) -> int:
        # Each pair of channels has a table of its own, nearly empty.
        return 100 * self.entries(s) * s.upscale_factor**2


NUMBERS = ("output_size", "parameters", "macs", "touching", "receptive_field", "activations")
"""What ``formulas_of`` returns, in the order of the page."""


def formulas_of(spec) -> dict[str, Formula]:
    """Every closed form of one layer, by name (``NUMBERS``)."""
    return {name: getattr(spec.family, name)(spec) for name in NUMBERS}
