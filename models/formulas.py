"""The closed forms, each with its source, as numbers, as LaTeX and as one short line with the numbers filled in.

Letters are the same everywhere: input W, kernel F, padding P, stride S, dilation D, output O, channels C_in and C_out,
groups G. What is measured never comes from here: the page holds one against the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
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


def taps_inside(size: int, positions: int, kernel_size: int, before: int, stride: int, dilation: int) -> list[int]:
    """For each window position on one axis: how many of its taps land inside an image of ``size`` cells."""
    counts = []
    for p in range(positions):
        start = p * stride - before
        first = max(0, -(start // dilation)) if start < 0 else 0
        last = min(kernel_size - 1, (size - 1 - start) // dilation)
        counts.append(max(0, last - first + 1))
    return counts


def interpolation_reads(
    size: int, positions: int, scale: float, mode: str, align_corners: bool
) -> list[tuple[int, int]]:
    """For each output on one axis: how many inputs have a weight other than 0, and how far apart the outer ones lie.

    Positions are exact fractions: the sample of output o lies at (o + ½)/s − ½, or at o·(W − 1)/(O − 1) with
    ``align_corners`` (documentation of ``torch.nn.Upsample``).
    """
    reads = []
    # 0.2 as a float is not a fifth; torch's own sample positions come out as if it were.
    ratio = 1 / Fraction(scale).limit_denominator(1000)
    for o in range(positions):
        if mode.startswith("nearest"):
            reads.append((1, 1))
            continue
        if align_corners:
            at = Fraction(o * (size - 1), positions - 1) if positions > 1 else Fraction(0)
        else:
            at = (Fraction(2 * o + 1, 2)) * ratio - Fraction(1, 2)
            at = at if mode == "bicubic" else max(at, Fraction(0))
        left, part = math.floor(at), at - math.floor(at)
        weights = _cubic(part) if mode == "bicubic" else {0: 1 - part, 1: part}
        at_cell: dict[int, Fraction] = {}
        for step, weight in weights.items():
            cell = min(max(left + step, 0), size - 1)
            at_cell[cell] = at_cell.get(cell, Fraction(0)) + weight
        cells = [cell for cell, weight in at_cell.items() if weight]
        reads.append((len(cells), max(cells) - min(cells) + 1))
    return reads


def _cubic(part: Fraction, a: Fraction = Fraction(-3, 4)) -> dict[int, Fraction]:
    """Keys' cubic convolution weights of the four neighbours, with torch's a = −0.75."""
    near = lambda x: (a + 2) * x**3 - (a + 3) * x**2 + 1  # noqa: E731
    far = lambda x: a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a  # noqa: E731
    return {-1: far(part + 1), 0: near(part), 1: near(1 - part), 2: far(2 - part)}


# -- text -------------------------------------------------------------------------------------------------------------


def times(values: Sequence[int]) -> str:
    """``2 × 2``: sizes as people write them."""
    return " × ".join(str(v) for v in values)


def big(value: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", " ")


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


def _sum(counts: Sequence[int]) -> str:
    if len(counts) > 6:
        counts = [*map(str, counts[:3]), "…", str(counts[-1])]
    return "+".join(map(str, counts))


# -- families: one for each way in which a layer moves over its input -------------------------------------------------


class Family:
    """Closed forms of the layers that share a way of moving. Each method takes a ``LayerSpec``, returns a Formula."""

    reads = "On real input"

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
        """An upper bound of the operator's entries, cheap for any size."""
        return self.macs(s).value

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


def _counted(counts: list[list[int]], pairs: int, symbols: str) -> Formula:
    sums = [sum(c) for c in counts]
    value = pairs * prod(sums)
    front = f"{pairs}·" if pairs != 1 else ""
    if len({tuple(c) for c in counts}) == 1:
        body = f"({_sum(counts[0])})" + {1: "", 2: "²", 3: "³"}[len(counts)]
        latex = rf"\left({_sum(counts[0])}\right)^{{{len(counts)}}}".replace("…", r"\dots")
    else:
        body = "·".join(f"({_sum(c)})" for c in counts)
        latex = DOT.join(rf"\left({_sum(c)}\right)" for c in counts).replace("…", r"\dots")
    latex_front = rf"{pairs} \cdot " if pairs != 1 else ""
    return Formula(value, symbols, f"{latex_front}{latex} = {big(value)}", f"{front}{body} = {big(value)}", GUIDE)


class Transposed(Window):
    """Transposed convolutions: each input cell stamps the kernel onto the output."""

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

    def _reads(self, s) -> list[list[tuple[int, int]]]:
        return [
            interpolation_reads(w, o, f, s.mode, s.align_corners)
            for w, o, f in zip(s.input_size, s.output_size, s.scale_factor, strict=True)
        ]

    def touching(self, s) -> Formula:
        counts = [[n for n, _ in axis] for axis in self._reads(s)]
        found = _counted(counts, s.in_channels, r"C \cdot \prod \sum_{o} t(o)")
        return Formula(found.value, found.symbols, found.filled, found.text, UPSAMPLE)

    def receptive_field(self, s) -> Formula:
        values = tuple(max(reach for _, reach in axis) for axis in self._reads(s))
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


NUMBERS = ("output_size", "parameters", "macs", "touching", "receptive_field", "activations")
"""What ``formulas_of`` returns, in the order of the page."""


def formulas_of(spec) -> dict[str, Formula]:
    """Every closed form of one layer, by name (``NUMBERS``)."""
    from models.layers import KINDS

    family = KINDS[spec.kind].family
    return {name: getattr(family, name)(spec) for name in NUMBERS}
