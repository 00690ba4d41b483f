"""Closed forms: published numbers, exact against counting, and cheap for any size. Measured: ``test_layers``."""

import math
import re
from fractions import Fraction
from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.formulas import (
    NUMBERS,
    Interpolation,
    cells_read,
    cells_sharing,
    extent,
    formulas_of,
    pool_positions,
    transposed_field,
    transposed_size,
    unpooled_field,
    window_positions,
)
from models.layers import KINDS
from models.operator import source_map
from models.spec import CHOICES, SPATIAL, LayerSpec, SpecError
from models.text import big
from models.upsampling import interior_unevenness
from tests.models.draw import settings_of

QUICK = settings(derandomize=True, max_examples=300)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        # Dumoulin and Visin 2016, A guide to convolution arithmetic: the figures' own settings.
        ({"input_size": 4, "kernel_size": 3}, 2),
        ({"input_size": 5, "kernel_size": 4, "padding": 2}, 6),
        ({"input_size": 5, "kernel_size": 3, "padding": 1}, 5),
        ({"input_size": 5, "kernel_size": 3, "padding": 2}, 7),
        ({"input_size": 5, "kernel_size": 3, "stride": 2}, 2),
        ({"input_size": 5, "kernel_size": 3, "stride": 2, "padding": 1}, 3),
        ({"input_size": 6, "kernel_size": 3, "stride": 2, "padding": 1}, 3),
        ({"input_size": 7, "kernel_size": 3, "dilation": 2}, 3),
        ({"kind": "transposed", "input_size": 2, "kernel_size": 3}, 4),
        ({"kind": "transposed", "input_size": 6, "kernel_size": 4, "padding": 2}, 5),
        ({"kind": "transposed", "input_size": 2, "kernel_size": 3, "stride": 2}, 5),
        ({"kind": "transposed", "input_size": 3, "kernel_size": 3, "stride": 2, "padding": 1}, 5),
        ({"kind": "transposed", "input_size": 3, "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}, 6),
        ({"kind": "max_pool", "input_size": 5, "kernel_size": 3, "stride": 1}, 3),
        # AlexNet, VGG, ResNet and the stem of a ViT.
        ({"input_size": 224, "kernel_size": 11, "stride": 4, "padding": 2}, 55),
        ({"kind": "max_pool", "input_size": 55, "kernel_size": 3, "stride": 2}, 27),
        ({"input_size": 224, "kernel_size": 3, "padding": 1}, 224),
        ({"input_size": 224, "kernel_size": 7, "stride": 2, "padding": 3}, 112),
        ({"input_size": 224, "kernel_size": 16, "stride": 16}, 14),
    ],
)  # fmt: skip
def test_published_sizes(layer, size):
    spec = LayerSpec(**layer)
    assert formulas_of(spec)["output_size"].value == (size, size) == spec.output_size


def test_the_line_under_a_number_shows_the_numbers():
    line = lambda name, **layer: formulas_of(LayerSpec(**layer))[name].text  # noqa: E731
    assert line("output_size", input_size=7, stride=2) == "⌊(7 + 2·0 − 1·(3−1) − 1)/2⌋ + 1 = 3"
    assert line("parameters", in_channels=3, out_channels=10) == "10·3·3² + 10 = 280"
    assert line("macs", bias=False) == "1·2²·1·3² = 36"
    assert line("touching", input_size=5, padding=2) == "(1+2+3+…+1)² = 225"
    assert line("touching", input_size=(4, 5)) == "(3+3)·(3+3+3) = 54"
    assert line("receptive_field", dilation=2, input_size=9) == "2·(3−1) + 1 = 5"
    assert (
        line("output_size", input_size=(7, 9))
        == "⌊(7 + 2·0 − 1·(3−1) − 1)/1⌋ + 1 = 5 and ⌊(9 + 2·0 − 1·(3−1) − 1)/1⌋ + 1 = 7"
    )
    assert line("output_size", kind="upsample", scale_factor=1.5) == "⌊4·1.5⌋ = 6"
    assert (
        line("output_size", kind="max_unpool", input_size=5, kernel_size=2)
        == "(2−1)·2 − 2·0 + 2 + 1 = 5; 4 and 5 pool to 2: output_size says 5"
    )
    assert line("receptive_field", kind="max_unpool", kernel_size=3, stride=2) == "(⌈3/2⌉ − 1)·2 + 3 = 5"
    assert big(1234567) == "1\u202f234\u202f567"
    assert big(1234.56, 1) == "1\u202f234.6"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_every_formula(kind):
    for dims in KINDS[kind].dims:
        found = formulas_of(LayerSpec(**{"kind": kind, "dims": dims} | dict(KINDS[kind].start)))
        assert tuple(found) == NUMBERS
        for formula in found.values():
            assert formula.symbols
            assert formula.text
            assert formula.filled.count("{") == formula.filled.count("}")
            assert formula.symbols.count("{") == formula.symbols.count("}")
            assert formula.filled.count(r"\left") == formula.filled.count(r"\right")
            assert formula.source[1].startswith("https://")


SIZE, SMALL = st.integers(1, 30), st.integers(1, 6)


@QUICK
@given(SIZE, SMALL, st.integers(0, 9), st.integers(0, 9), SMALL, SMALL, st.sampled_from(CHOICES["padding_mode"]))
def test_windows_against_counting(size, kernel, before, after, stride, dilation, mode):
    if mode in ("reflect", "circular"):
        most = size - 1 if mode == "reflect" else size
        before, after = min(before, most), min(after, most)
    source = source_map((size,), [(before, after)], mode)
    starts = [s for s in range(-before, size + after) if s + extent(kernel, dilation) <= size + after]
    starts = starts[::stride]
    positions = window_positions(size, kernel, before + after, stride, dilation)
    assert max(positions, 0) == len(starts)
    if positions > 0:
        inside = [len({source[before + s + dilation * f] for f in range(kernel)} - {-1}) for s in starts]
        counts = cells_read(size, positions, kernel, before, stride, dilation, mode)
        assert counts.total == sum(inside)
        shown = inside if len(inside) <= 6 else [*inside[:3], inside[-1]]
        assert list(counts.shown) == shown
        assert str(counts) == "+".join(map(str, shown[:3])) + (
            "+…+" if counts.many else "+" * (len(shown) > 3)
        ) + "+".join(map(str, shown[3:]))


@QUICK
@given(SIZE, SMALL, SMALL, SMALL, st.booleans(), st.data())
def test_pooling_against_counting(size, kernel, stride, dilation, ceil_mode, data):
    padding = data.draw(st.integers(0, kernel // 2))
    reach = extent(kernel, dilation)
    if reach > size + 2 * padding:
        return
    last = size + padding
    # A window may not start beyond the image's last cell.
    starts = range(-padding, size, stride)
    fitting = [s for s in starts if s + reach <= last]
    further = [s for s in starts if s + reach > last][: ceil_mode and (last - reach - fitting[-1]) > 0]
    assert pool_positions(size, kernel, padding, stride, dilation, ceil_mode) == len(fitting) + len(further)


@QUICK
@given(SIZE, SMALL, SMALL, st.data())
def test_cells_that_share_a_window_against_counting(size, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel // 2))
    pooled = pool_positions(size, kernel, padding, stride, 1, False)
    windows = [range(w * stride - padding, w * stride - padding + kernel) for w in range(pooled)]
    sharing = [{i for window in windows if o in window for i in window if 0 <= i < size} for o in range(size)]
    counts = cells_sharing(size, pooled, kernel, padding, stride)
    assert counts.total == sum(map(len, sharing))
    assert [len(sharing[o]) for o in ((0, 1, 2, size - 1) if counts.many else range(size))] == list(counts.shown)
    assert unpooled_field(kernel, stride) >= max(map(len, sharing))


@QUICK
@given(st.integers(1, 12), SMALL, SMALL, SMALL)
def test_transposed_layers_against_stamping(size, kernel, stride, dilation):
    stamps = {(i, i * stride + f * dilation) for i in range(size) for f in range(kernel)}
    assert transposed_size(size, kernel, 0, stride, dilation, 0) == max(o for _, o in stamps) + 1
    long = {(i, i * stride + f * dilation) for i in range(60) for f in range(kernel)}
    fields = [[i for i, at in long if at == o] for o in range(extent(kernel, dilation), 59 * stride)]
    assert transposed_field(kernel, stride, dilation) == max(max(f) - min(f) + 1 for f in fields if f)


@QUICK
@given(
    st.integers(1, 40),
    st.sampled_from((0.1, 0.25, 0.3, 1 / 3, 0.3333, 0.7, 1.0, 1.25, 1.7, 2.0, 3.0, 7.5)),
    st.sampled_from(("nearest", "linear", "bicubic")),
    st.booleans(),
)
def test_interpolation_in_closed_form_against_output_after_output(size, scale, mode, corners):
    positions = int(size * scale)
    if positions < 1:
        return
    axis = Interpolation(size, positions, scale, mode, corners and mode != "nearest")
    reads = [axis.reads(o) for o in range(positions)]
    assert axis.counts.total == sum(reads)
    assert axis.widths == {n: reads.count(n) for n in set(reads)}


def test_huge_layers_have_numbers_at_once():
    """Nothing is counted one by one: 10¹² outputs take no longer than four."""
    up = LayerSpec(kind="upsample", dims=1, input_size=10**6, scale_factor=1e6, mode="linear")
    # Two reads each, but for half a pixel at either border and samples that hit a cell, of which there are none.
    assert formulas_of(up)["touching"].value == 2 * 10**12 - 10**6
    conv = LayerSpec(dims=3, input_size=10**6, kernel_size=10**6, bias=False)
    assert formulas_of(conv)["macs"].value == 10**18
    assert formulas_of(conv)["touching"].value == 10**18


# -- what is shown is what was computed -------------------------------------------------------------------------------


def worth(shown: str) -> Fraction:
    """What a short line or LaTeX with numbers filled in comes to, worked out from its signs alone."""
    for old, new in (
        ("\u202f", ""), ("·", "*"), ("−", "-"), (r"\cdot", "*"),
        ("⌊", "floor("), ("⌋", ")"), ("⌈", "ceil("), ("⌉", ")"),
        (r"\left\lfloor", "floor("), (r"\right\rfloor", ")"), (r"\left\lceil", "ceil("), (r"\right\rceil", ")"),
        (r"\lfloor", "floor("), (r"\rfloor", ")"), (r"\left(", "("), (r"\right)", ")"),
        *((digit, f"**{n}") for n, digit in enumerate("⁰¹²³⁴")), ("^", "**"),
    ):  # fmt: skip
        shown = shown.replace(old, new)
    shown = re.sub(r"\((would start outside|depthwise|pointwise|column|row)\)", "", shown)
    while (fraction := re.search(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", shown)) is not None:
        shown = f"{shown[: fraction.start()]}(({fraction[1]})/({fraction[2]})){shown[fraction.end() :]}"
    assert re.fullmatch(r"(floor|ceil|[\d.()+*/ -])*", shown), shown
    return eval(re.sub(r"\d+(\.\d+)?", r"N('\g<0>')", shown), {"floor": math.floor, "ceil": math.ceil, "N": Fraction})


def in_letters(spec, symbols: str) -> Fraction:
    """What LaTeX with letters comes to for a layer whose axes are alike."""
    symbols = re.sub(r"(\d)P", r"\1 \\cdot P", symbols.removeprefix("O = ").partition(r", \quad")[0])
    number = lambda value: value if isinstance(value, int | float) else value[0]  # noqa: E731
    pads = number(spec.pads)
    values = {
        r"\prod O": prod(spec.output_size),
        r"\prod W": prod(spec.input_size),
        r"\prod F": prod(spec.kernel_size),
        "O_h": spec.output_size[0],
        "O_w": spec.output_size[-1],
        "F_h": spec.kernel_size[0],
        "F_w": spec.kernel_size[-1],
        "W_w": spec.input_size[-1],
        "C_{in}": spec.in_channels,
        "C_{out}": spec.out_channels,
        "P_{before}": pads[0],
        "P_{after}": pads[1],
        r"\mathit{output\_padding}": spec.output_padding[0],
        r"\mathit{scale\_factor}": Fraction(spec.scale_factor[0]).limit_denominator(10_000),
        "W": spec.input_size[0],
        "F": spec.kernel_size[0],
        "P": pads[0],
        "S": spec.stride[0],
        "D": spec.dilation[0],
        "G": spec.groups,
        "H": (spec.input_size[0] + 2 * pads[0] - spec.kernel_size[0]) // spec.stride[0] + 1,
        "R": (spec.input_size[0] + 2 * pads[0] - spec.kernel_size[0]) % spec.stride[0],
        "g": math.gcd(spec.stride[0], spec.dilation[0]),
        "r": spec.upscale_factor,
        "C": spec.in_channels,
    }
    pattern = "|".join(rf"{re.escape(name)}(?![a-zA-Z])" for name in values)
    return worth(re.sub(rf"(?<![\\a-zA-Z])(?:{pattern})", lambda m: f"({values[m[0]]})", symbols))


@pytest.mark.parametrize("kind", KINDS)
@settings(QUICK, max_examples=60)
@given(data=st.data())
def test_what_is_shown_comes_to_the_number(kind, data):
    asked = data.draw(settings_of(kind))
    try:
        spec = LayerSpec(**asked)
    except SpecError:
        assume(False)
    alike = all(len(set(getattr(spec, name))) == 1 for name in SPATIAL if not isinstance(getattr(spec, name), str))
    for name, formula in formulas_of(spec).items():
        values = formula.value if isinstance(formula.value, tuple) else (formula.value,)
        for shown, sign in ((formula.filled, r" \\ "), (formula.text, " and ")):
            lines = [line for line in shown.split(";")[0].split(sign) if " = " in line and "…" not in line]
            lines = [line for line in lines if r"\dots" not in line]
            if lines:
                assert dict.fromkeys(values) == dict.fromkeys(worth(line.rpartition(" = ")[0]) for line in lines)
                assert dict.fromkeys(values) == dict.fromkeys(
                    worth(line.split(" = ")[1].split(",")[0]) for line in lines
                )
        if alike and not any(sign in formula.symbols for sign in (r"\sum", r"\max", r"\text")):
            assert in_letters(spec, formula.symbols) == values[0], name


@QUICK
@given(st.integers(1, 9), SMALL, SMALL)
def test_the_shown_unevenness_comes_to_the_number(kernel, stride, dilation):
    formula = interior_unevenness((kernel, kernel), (stride, stride), (dilation, dilation))
    inside = formula.filled.removeprefix(r"\sqrt{").rpartition("} = ")[0]
    assert float(worth(inside)) == pytest.approx(formula.value**2, abs=1e-12)
    assert worth(formula.text.removeprefix("√(").rpartition(") = ")[0]) == worth(inside)
