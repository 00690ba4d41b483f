"""The closed forms, each with its source, as numbers, as LaTeX and as one short line with the numbers filled in.

Letters are the same everywhere: input W, kernel F, padding P, stride S, dilation D, output O, channels C_in and C_out,
groups G. What is measured never comes from here: the page holds one against the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Any

from models.terms import PRODUCT, Number, Term, bracketed, common, equal, floor, letter, over_axes, remarked, share, up
from models.text import big, raised, times

CONV = ("PyTorch, Conv2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html")
TRANSPOSED = (
    "PyTorch, ConvTranspose2d",
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html",
)
POOL = ("PyTorch, MaxPool2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html")
UNPOOL = ("PyTorch, MaxUnpool2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html")
UPSAMPLE = ("PyTorch, Upsample", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html")
SHUFFLE = ("Shi et al. 2016, Real-time single image super-resolution", "https://arxiv.org/abs/1609.05158")
GUIDE = ("Dumoulin and Visin 2016, A guide to convolution arithmetic", "https://arxiv.org/abs/1603.07285")
FIELDS = ("Araujo et al. 2019, Computing receptive fields", "https://distill.pub/2019/computing-receptive-fields/")
MOBILENET = ("Howard et al. 2017, MobileNets", "https://arxiv.org/abs/1704.04861")
RETHINKING = ("Szegedy et al. 2015, Rethinking the Inception architecture", "https://arxiv.org/abs/1512.00567")
COUNTER = (
    "PyTorch, FlopCounterMode (÷ 2)",
    "https://docs.pytorch.org/docs/stable/generated/torch.utils.flop_counter.FlopCounterMode.html",
)

PASS = 100_000
"""What calling a layer once takes, in multiply–accumulates, however small the layer."""

MANY_TAPS = 64
"""From so many taps on, the entries of an operator are placed by rule and checked in one pass."""


@dataclass(frozen=True)
class Formula:
    """One closed form.

    ``value`` is a number, or a tuple with one number per spatial axis. ``symbols`` and ``filled`` are LaTeX, the
    second with the current numbers. ``text`` is the same as ``filled`` in one short line. ``source`` is a title and
    an address. ``axes`` says of which axes each line of ``filled`` is, where it has a line for axes that differ.
    """

    value: Any
    symbols: str
    filled: str
    text: str
    source: tuple[str, str]
    axes: tuple[tuple[int, ...], ...] = ()


# -- numbers: each written once, for whole numbers and for letters ---------------------------------------------------


def extent(kernel_size: Number, dilation: Number | int = 1) -> Number:
    """Input pixels from the first to the last tap, both included."""
    return dilation * (kernel_size - 1) + 1


def window_positions(size: Number, kernel_size: Number, padded: Number, stride: Number, dilation: Number) -> Number:
    """Positions at which a window fits; ``padded``: the cells added on both sides together."""
    return (size + padded - dilation * (kernel_size - 1) - 1) // stride + 1


def pool_positions(
    size: Number, kernel_size: Number, padding: Number, stride: Number, dilation: Number, ceil_mode: bool
) -> Number:
    """As ``window_positions``; with ``ceil_mode`` a last window may leave the image, if it starts inside it."""
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = up(room, stride) + 1
    if not (count - 1) * stride >= size + padding:
        return count
    return remarked(count - 1, "would start outside")


def transposed_size(
    size: Number, kernel_size: Number, padding: Number, stride: Number, dilation: Number, output_padding: Number
) -> Number:
    """What all stamps need, less what padding cuts off."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1


def transposed_field(kernel_size: Number, stride: Number, dilation: Number) -> Number:
    """Input pixels from the first to the last that one output of a transposed layer reads, far from the border.

    Every (S/g)-th tap meets the same output, g = gcd(S, D), and their inputs lie D/g apart.
    """
    g = common(stride, dilation)
    return (up(kernel_size * g, stride) - 1) * share(dilation, g, ones=True) + 1


def unpooled_size(pooled: Number, kernel_size: Number, padding: Number, stride: Number) -> Number:
    """The smallest size that is pooled to ``pooled`` cells: what unpooling returns unless told otherwise."""
    return (pooled - 1) * stride - 2 * padding + kernel_size


def unpooled_field(kernel_size: Number, stride: Number) -> Number:
    """Cells from the first to the last that share a window with one cell, far from the border."""
    return (up(kernel_size, stride) - 1) * stride + kernel_size


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


FAR = 1 << 40
"""Beyond every cell."""


def cells_read(
    size: int, positions: int, kernel_size: int, before: int, stride: int, dilation: int, padding_mode: str = "zeros"
) -> Counts:
    """For each window position on one axis: how many different cells of an image of ``size`` cells its taps read. Zeros
    beyond the border are none; copies there are the cells that they are copies of, as ``torch.nn.functional.pad`` makes
    them."""
    import numpy as np

    start = np.arange(positions, dtype=np.int64) * stride - before
    end, last = start + dilation * (kernel_size - 1), size - 1

    def taps(low, high):
        """Of each position, from ``low`` to ``high``."""
        first = np.maximum(0, -((start - low) // dilation))
        return np.maximum(0, np.minimum(kernel_size - 1, (high - start) // dilation) - first + 1)

    def meet(distance):
        """Whether a cell so far from a tap can be another tap's."""
        return distance % dilation == 0

    if padding_mode == "circular":
        counts = np.full(positions, min(kernel_size, size // math.gcd(size, dilation)))
    elif padding_mode == "replicate":
        counts = np.minimum(size, taps(1, last - 1) + (taps(-FAR, 0) > 0) + (taps(last, FAR) > 0))
    elif padding_mode == "reflect":
        # A tap beyond a border counts unless the cell that it mirrors is read inside, or beyond the other border.
        left = np.where(meet(2 * start), taps(-FAR, np.minimum(-1, -end - 1)), taps(-FAR, -1))
        inside, across = meet(2 * (last - start)), meet(2 * last)
        low, high = np.maximum(size, start + 2 * last), 2 * last - start
        seen = np.where(inside, taps(size, high), 0) + np.where(across, taps(low, 2 * last - 1), 0)
        seen -= np.where(inside & across, taps(low, np.minimum(high, 2 * last - 1)), 0)
        counts = taps(0, last) + left + taps(size, FAR) - seen
    else:
        counts = taps(0, last)
    return Counts.of(positions, int(counts.sum()), lambda o: int(counts[o]))


def cells_sharing(size: int, pooled: int, kernel_size: int, padding: int, stride: int) -> Counts:
    """For each cell on one axis: how many cells share a window with it, itself among them; 0 between the windows."""
    import numpy as np

    at = np.arange(size, dtype=np.int64) + padding
    first, last = np.maximum(0, -((kernel_size - 1 - at) // stride)), np.minimum(pooled - 1, at // stride)
    start, stop = np.maximum(first * stride, padding), np.minimum(last * stride + kernel_size, size + padding)
    counts = np.where(first <= last, stop - start, 0)
    return Counts.of(size, int(counts.sum()), lambda o: int(counts[o]))


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


# -- families: one for each way in which a layer moves over its input -------------------------------------------------


def formula_of(term: Term, source: tuple[str, str]) -> Formula:
    """A term as a closed form, its number at the end of each line."""
    return Formula(term.value, term.symbols, *equal(term), source)


def _per_axis(terms: Sequence[Term], source: tuple[str, str], front: str = "", behind: str = "") -> Formula:
    """One closed form an axis, written once where axes agree; ``front`` and ``behind`` stand around the symbols."""
    lines: dict[tuple[str, str], tuple[int, ...]] = {}
    for axis, term in enumerate(terms):
        line = equal(term, thousands=False)
        lines[line] = (*lines.get(line, ()), axis)
    filled, text = (sign.join(each) for sign, each in zip((r" \\ ", " and "), zip(*lines, strict=True), strict=True))
    return Formula(
        tuple(t.value for t in terms), f"{front}{terms[0].symbols}{behind}", filled, text, source, (*lines.values(),)
    )


@dataclass(frozen=True)
class _Letters:
    """The letters of one layer, whole, and of one of its axes."""

    W: Term
    F: Term
    P: Term
    S: Term
    D: Term
    extra: Term

    @staticmethod
    def each(s) -> list[_Letters]:
        """One an axis."""
        names = ("W", "F", "P", "S", "D", r"\mathit{output\_padding}")
        pads = (0,) * s.dims if isinstance(s.padding, str) else s.padding
        rows = zip(s.input_size, s.kernel_size, pads, s.stride, s.dilation, s.output_padding, strict=True)
        return [_Letters(*map(letter, names, row)) for row in rows]


def _channels(s) -> tuple[Term, Term, Term]:
    return letter("C_{in}", s.in_channels), letter("C_{out}", s.out_channels), letter("G", s.groups)


class Family:
    """Closed forms of the layers that share a way of moving. Each method takes a ``LayerSpec``, returns a Formula."""

    reads = "Matrix entries"

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
        """Entries of the operator: pairs of an output cell and an input cell that one of its taps reads."""
        raise NotImplementedError

    def receptive_field(self, s) -> Formula:
        """Input pixels on each axis between the first and the last that one output reads, both included."""
        raise NotImplementedError

    def entries(self, s) -> int:
        """An upper bound of the operator's entries, cheap for any size: padding counts."""
        return self.macs(s).value

    def matrix_entries(self, s) -> int:
        """Entries of the operator, counted in closed form."""
        return self.touching(s).value

    def cells(self, s) -> int:
        """Cells that the layer sees, padding included."""
        return s.in_channels * prod(s.input_size)

    def widest(self, s) -> int:
        """Numbers in the largest image that one of its layers makes."""
        return s.out_channels * prod(s.output_size)

    def work(self, s) -> int:
        """How much measuring the operator takes: about so many multiply–accumulates, or a hundredth as many table
        cells."""
        return self.entries(s)

    def activations(self, s) -> Formula:
        """Bytes of the output in 32-bit floats."""
        term = letter("4", 4) * letter("C_{out}", s.out_channels) * over_axes("O", s.output_size)
        return replace(formula_of(term, CONV), text=f"{term.text} bytes")


class Window(Family):
    """Convolutions: a window with weights, every channel of its group at once."""

    def sizes(self, s) -> tuple[int, ...]:
        rows = zip(s.input_size, s.kernel_size, map(sum, s.pads), s.stride, s.dilation, strict=True)
        return tuple(window_positions(*row) for row in rows)

    def output_size(self, s) -> Formula:
        even = all(a == b for a, b in s.pads)
        terms = []
        for at, (before, after) in zip(_Letters.each(s), s.pads, strict=True):
            padded = 2 * letter("P", before) if even else letter("P_{before}", before) + letter("P_{after}", after)
            terms.append(window_positions(at.W, at.F, padded, at.S, at.D))
        return _per_axis(terms, CONV, "O = ")

    def parameters(self, s) -> Formula:
        c_in, c_out, groups = _channels(s)
        weights = c_out * share(c_in, groups) * over_axes("F", s.kernel_size)
        return formula_of(weights + c_out if s.bias else weights, CONV)

    def macs(self, s) -> Formula:
        c_in, c_out, groups = _channels(s)
        outputs = c_out * over_axes("O", s.output_size)
        return formula_of(outputs * share(c_in, groups) * over_axes("F", s.kernel_size), COUNTER)

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
        counts = self._cells_read(s)
        return _counted(counts, self._pairs(s), r"C_{out} \cdot \frac{C_{in}}{G} \cdot \prod \sum_{p} t(p)", GUIDE)

    def _cells_read(self, s) -> list[Counts]:
        before = [pad for pad, _ in s.pads]
        rows = zip(s.input_size, s.output_size, s.kernel_size, before, s.stride, s.dilation, strict=True)
        return [cells_read(*row, padding_mode=s.padding_mode) for row in rows]

    def receptive_field(self, s) -> Formula:
        return _per_axis([extent(at.F, at.D) for at in _Letters.each(s)], FIELDS)


def _counted(counts: Sequence[Counts], pairs: int, symbols: str, source: tuple[str, str]) -> Formula:
    """``pairs`` of channels times the counts of each axis."""
    total, texts = prod(c.total for c in counts), [f"({c})" for c in counts]
    latex = [rf"\left({c}\right)".replace("…", r"\dots") for c in counts]
    if len(set(counts)) == 1:
        texts, latex = (
            [f"{texts[0]}{raised(len(counts)) if len(counts) > 1 else ''}"],
            [latex[0] + (f"^{len(counts)}" if len(counts) > 1 else "")],
        )
    term = Term(total, "", r" \cdot ".join(latex), "·".join(texts), PRODUCT)
    return replace(formula_of(pairs * term if pairs != 1 else term, source), symbols=symbols)


class Transposed(Window):
    """Transposed convolutions: each input cell stamps the kernel onto the output."""

    def work(self, s) -> int:
        taps = prod(s.kernel_size)
        if taps < MANY_TAPS:
            return super().work(s)
        return max(PASS, 200 * s.in_channels * prod(s.input_size) * taps)

    def sizes(self, s) -> tuple[int, ...]:
        rows = zip(s.input_size, s.kernel_size, s.padding, s.stride, s.dilation, s.output_padding, strict=True)
        return tuple(transposed_size(*row) for row in rows)

    def output_size(self, s) -> Formula:
        terms = [transposed_size(at.W, at.F, at.P, at.S, at.D, at.extra) for at in _Letters.each(s)]
        return _per_axis(terms, TRANSPOSED, "O = ")

    def parameters(self, s) -> Formula:
        return replace(super().parameters(s), source=TRANSPOSED)

    def macs(self, s) -> Formula:
        c_in, c_out, groups = _channels(s)
        inputs = c_in * over_axes("W", s.input_size)
        return formula_of(inputs * share(c_out, groups) * over_axes("F", s.kernel_size), COUNTER)

    def touching(self, s) -> Formula:
        rows = zip(s.output_size, s.input_size, s.kernel_size, s.padding, s.stride, s.dilation, strict=True)
        counts = [cells_read(*row) for row in rows]
        return _counted(counts, self._pairs(s), r"C_{in} \cdot \frac{C_{out}}{G} \cdot \prod \sum_{i} t(i)", GUIDE)

    def receptive_field(self, s) -> Formula:
        terms = [transposed_field(at.F, at.S, at.D) for at in _Letters.each(s)]
        return _per_axis(terms, GUIDE, behind=r", \quad g = \gcd(S, D)")


class Pool(Window):
    """Pooling: a window without weights, each channel on its own."""

    reads = "Cells read"
    parameters = Family.parameters
    macs = Family.macs

    def sizes(self, s) -> tuple[int, ...]:
        rows = zip(s.input_size, s.kernel_size, s.padding, s.stride, s.dilation, strict=True)
        return tuple(pool_positions(*row, s.ceil_mode) for row in rows)

    def output_size(self, s) -> Formula:
        terms = [pool_positions(at.W, at.F, at.P, at.S, at.D, s.ceil_mode) for at in _Letters.each(s)]
        return _per_axis(terms, POOL, "O = ")

    def _pairs(self, s) -> int:
        return s.in_channels

    def cells(self, s) -> int:
        # The last window of ceil_mode may reach past the padding.
        rows = zip(s.input_size, s.output_size, s.kernel_size, s.padding, s.stride, s.dilation, strict=True)
        return s.in_channels * prod(max(w + 2 * p, (o - 1) * st + extent(f, d)) for w, o, f, p, st, d in rows)

    def work(self, s) -> int:
        return self._passes(s, s.in_channels, s.in_channels)

    def touching(self, s) -> Formula:
        return replace(super().touching(s), symbols=r"C \cdot \prod \sum_{p} t(p)", source=POOL)

    def entries(self, s) -> int:
        return s.in_channels * prod(s.output_size) * prod(s.kernel_size)


class Unpool(Pool):
    """Max pooling, then unpooling to the size of the input: an output depends on every cell that shares a window with
    it, each channel on its own."""

    def sizes(self, s) -> tuple[int, ...]:
        # An empty image has nothing to return to.
        return tuple(
            min(w, pooled) if pooled < 1 else w for w, pooled in zip(s.input_size, self.pooled(s), strict=True)
        )

    def pooled(self, s) -> tuple[int, ...]:
        """Cells on each axis between the two layers."""
        return super().sizes(s)

    def output_size(self, s) -> Formula:
        terms, choices = [], {}
        for at, pooled in zip(_Letters.each(s), self.pooled(s), strict=True):
            least = unpooled_size(letter("H", pooled), at.F, at.P, at.S)
            terms.append(least + letter("R", at.W.value - least.value))
            first, last = max(1, least.value), least.value + at.S.value - 1
            some = f"{first} {'and' if last == first + 1 else 'to'} {last} pool"
            choices[f"{some if last > first else f'only {last} pools'} to {pooled}"] = at.W.value
        pooled = r"H = \left\lfloor \frac{W + 2P - F}{S} \right\rfloor + 1, \; 0 \le R < S"
        found = _per_axis(terms, UNPOOL, "O = ", rf", \quad {pooled}")
        chosen = ", ".join(f"{alike}: output_size says {size}" for alike, size in choices.items())
        return replace(found, text=f"{found.text}; {chosen}")

    def cells(self, s) -> int:
        return Window.cells(self, s)

    def work(self, s) -> int:
        # Each window pairs all of its cells.
        pairs = s.in_channels * prod(self.pooled(s)) * prod(s.kernel_size) ** 2
        return super().work(s) + 100 * self.entries(s) + 5 * pairs

    def touching(self, s) -> Formula:
        rows = zip(s.input_size, self.pooled(s), s.kernel_size, s.padding, s.stride, strict=True)
        counts = [cells_sharing(*row) for row in rows]
        return _counted(counts, s.in_channels, r"C \cdot \prod \sum_{o} t(o)", UNPOOL)

    def receptive_field(self, s) -> Formula:
        return _per_axis([unpooled_field(at.F, at.S) for at in _Letters.each(s)], UNPOOL)

    def entries(self, s) -> int:
        reach = (min(w, unpooled_field(f, st)) for w, f, st in zip(s.input_size, s.kernel_size, s.stride, strict=True))
        return s.in_channels * prod(s.input_size) * prod(reach)


def _worked_out(symbols: str, value: int) -> Term:
    """A product that the lines show as its number alone."""
    return Term(value, symbols, big(value), big(value), PRODUCT)


class Separable(Window):
    """A depthwise layer followed by a pointwise one."""

    reads = "Entries of its two matrices"

    def parameters(self, s) -> Formula:
        c_in, c_out, _ = _channels(s)
        depth, point = c_in * over_axes("F", s.kernel_size), c_in * c_out
        if s.bias:
            depth, point = depth + c_in, point + c_out
        return formula_of(bracketed(depth) + bracketed(point), MOBILENET)

    def macs(self, s) -> Formula:
        c_in, c_out, _ = _channels(s)
        outputs = over_axes("O", s.output_size)
        return formula_of(c_in * outputs * over_axes("F", s.kernel_size) + c_in * c_out * outputs, MOBILENET)

    def _pairs(self, s) -> int:
        return s.in_channels * s.out_channels

    def widest(self, s) -> int:
        return max(s.in_channels, s.out_channels) * prod(s.output_size)

    def work(self, s) -> int:
        point = 100 * prod(s.output_size) * s.in_channels * s.out_channels
        return self._passes(s, s.in_channels, s.in_channels) + point

    def touching(self, s) -> Formula:
        depth = super().touching(s).value // s.out_channels
        depthwise = remarked(_worked_out(r"C_{in} \cdot \prod \sum_{p} t(p)", depth), "depthwise")
        point = s.in_channels * s.out_channels * prod(s.output_size)
        pointwise = remarked(_worked_out(r"C_{in} \cdot C_{out} \cdot \prod O", point), "pointwise")
        return formula_of(depthwise + pointwise, MOBILENET)

    def matrix_entries(self, s) -> int:
        # One matrix for both layers.
        return super().touching(s).value

    def entries(self, s) -> int:
        return s.in_channels * s.out_channels * prod(s.output_size) * prod(s.kernel_size)


class ColumnRow(Window):
    """A window of one column, then one of one row, every channel at once."""

    reads = Separable.reads

    def _letters(self, s) -> tuple[Term, ...]:
        (h, w), (o, p), width = s.kernel_size, s.output_size, s.input_size[1]
        rows = (("F_h", h), ("F_w", w), ("O_h", o), ("O_w", p), ("W_w", width))
        return tuple(letter(symbol, value) for symbol, value in rows)

    def parameters(self, s) -> Formula:
        c_in, c_out, _ = _channels(s)
        h, w, *_ = self._letters(s)
        weights = c_out * c_in * h + c_out * c_out * w
        return formula_of(weights + c_out if s.bias else weights, RETHINKING)

    def macs(self, s) -> Formula:
        c_in, c_out, _ = _channels(s)
        h, w, high, wide, width = self._letters(s)
        # The column leaves the width as it is.
        return formula_of(c_out * high * width * c_in * h + c_out * high * wide * c_out * w, RETHINKING)

    def widest(self, s) -> int:
        return s.out_channels * s.output_size[0] * max(s.input_size[1], s.output_size[1])

    def work(self, s) -> int:
        # Both layers, and the product of their matrices.
        c_in, c_out, width = s.in_channels, s.out_channels, s.input_size[1]
        (high, wide), (h, w) = s.output_size, s.kernel_size
        apart = c_out * high * (c_in * width * h + c_out * wide * w)
        return 2 * PASS + 100 * apart + 20 * c_out * self.entries(s)

    def _reads(self, s) -> tuple[int, int]:
        """How many cells all positions read along each axis."""
        high, wide = self._cells_read(s)
        return high.total, wide.total

    def touching(self, s) -> Formula:
        high, wide = self._reads(s)
        symbols = r"C_{out} \cdot C_{in} \cdot W_w \cdot \sum_{p} t(p)", r"C_{out}^2 \cdot O_h \cdot \sum_{p} t(p)"
        column = _worked_out(symbols[0], s.out_channels * s.in_channels * s.input_size[1] * high)
        row = _worked_out(symbols[1], s.out_channels**2 * s.output_size[0] * wide)
        return formula_of(remarked(column, "column") + remarked(row, "row"), RETHINKING)

    def matrix_entries(self, s) -> int:
        # As for Separable.
        return s.out_channels * s.in_channels * prod(self._reads(s))

    def entries(self, s) -> int:
        return s.in_channels * s.out_channels * prod(s.output_size) * prod(s.kernel_size)


def _scale(value: float) -> Term:
    """As a decimal where that is the number, 1/3 as a fraction."""
    found, meant = letter(r"\mathit{scale\_factor}", value), _ratio(value)
    if float(found.text) == value:
        return found
    if meant.denominator > 1_000:
        return replace(found, filled=repr(value), text=repr(value))
    return replace(found, filled=rf"\frac{{{meant.numerator}}}{{{meant.denominator}}}", text=str(meant))


class Upsample(Family):
    """Interpolation: fixed weights, each channel on its own."""

    reads = "Cells read"

    def sizes(self, s) -> tuple[int, ...]:
        return tuple(math.floor(w * f) for w, f in zip(s.input_size, s.scale_factor, strict=True))

    def output_size(self, s) -> Formula:
        rows = zip(s.input_size, s.scale_factor, strict=True)
        terms = [floor(letter("W", w) * _scale(f)) for w, f in rows]
        return _per_axis(terms, UPSAMPLE, "O = ")

    def _sampled(self, s) -> list[Interpolation]:
        return [
            Interpolation(w, o, f, s.mode, s.align_corners)
            for w, o, f in zip(s.input_size, s.output_size, s.scale_factor, strict=True)
        ]

    def touching(self, s) -> Formula:
        counts = [axis.counts for axis in self._sampled(s)]
        return _counted(counts, s.in_channels, r"C \cdot \prod \sum_{o} t(o)", UPSAMPLE)

    def _reach(self, s) -> int:
        return {"linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}.get(s.mode, 1)

    def receptive_field(self, s) -> Formula:
        values, reach = tuple(max(axis.widths) for axis in self._sampled(s)), self._reach(s)
        text = f"{s.mode}: {reach} neighbours an axis, those with weight 0 left out"
        sizes = times(values, r" \times ")
        filled = rf"\text{{{s.mode}: up to {reach}}} \Rightarrow {sizes}"
        return Formula(values, r"\max_o \, (\text{last} - \text{first} + 1)", filled, text, UPSAMPLE)

    def entries(self, s) -> int:
        return s.in_channels * prod(s.output_size) * self._reach(s) ** s.dims


class Shuffle(Family):
    """Pixel shuffle and its inverse: every output is one input, moved."""

    reads = "Cells read"

    def __init__(self, down: bool):
        self.down = down

    def sizes(self, s) -> tuple[int, ...]:
        r = s.upscale_factor
        return tuple(w // r if self.down else w * r for w in s.input_size)

    def output_size(self, s) -> Formula:
        r = letter("r", s.upscale_factor)
        sizes = [letter("W", w) for w in s.input_size]
        found = _per_axis([share(w, r, ones=True) if self.down else w * r for w in sizes], SHUFFLE, "O = ")
        channels = f"{s.in_channels}{'·' if self.down else '/'}{r.text}² = {s.out_channels} channels"
        return replace(found, text=f"{found.text}; {channels}")

    def touching(self, s) -> Formula:
        found = formula_of(letter("C", s.in_channels) * over_axes("W", s.input_size), SHUFFLE)
        return replace(found, text=f"{found.text}, each read once")

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
