"""Stacks of layers: the text, the algebra, and both against PyTorch."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from models.measure import measure
from models.receptive_field import growth, receptive_field
from models.receptive_field.growth import causal, equal_budget, ways
from models.stack import LETTERS, PRESETS, Stack, StackError, StackLayer, read_layers, read_stack, sizes
from models.stack.code import stack_code
from models.stack.field import analyse, build, paths


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@st.composite
def stacks(draw, dims=(1, 2), most=4):
    dimension = draw(st.sampled_from(dims))
    layers = []
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from("cccmat"))
        kernel = draw(st.integers(1, 4))
        stride = draw(st.integers(1, 3))
        dilation = draw(st.integers(1, 3)) if kind in "cm" else 1
        padding = draw(st.integers(0, kernel // 2))
        if kind == "c" and stride == 1:
            padding = draw(st.sampled_from([padding, "same"] + (["causal"] if dimension == 1 else [])))
        layer = StackLayer(
            kind, kernel, stride, padding, dilation, draw(st.sampled_from([0, 0, 0, 1, 2])), draw(st.booleans()),
            draw(st.booleans()),
        )  # fmt: skip
        if dimension == 2 and draw(st.booleans()):
            name = draw(st.sampled_from(["kernel_size", "stride", *(["dilation"] if kind in "cm" else [])]))
            layer = layer.with_axis(name, draw(st.integers(0, 1)), draw(st.integers(1, 4)))
        layers.append(layer)
    try:
        return Stack(tuple(layers), dimension, 32 if dimension == 1 else 20, 2)
    except StackError:
        assume(False)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(stacks())
def test_text_and_sizes_say_what_the_layers_do(stack):
    assert read_stack(stack.to_text(), stack.dims, stack.size, stack.channels) == stack
    shape = (1, stack.channels, *(stack.size,) * stack.dims)
    with torch.inference_mode():
        assert build(stack)(torch.zeros(shape)).shape[1:] == (stack.widths[-1], *stack.shapes[-1])


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(stacks(most=3))
def test_algebra_trace_and_gradient_agree(stack):
    found = analyse(stack)
    assert False not in [row.agrees for row in found.rows]
    assert found.agrees is not False


@pytest.mark.parametrize("name", PRESETS)
def test_a_worked_example_has_the_field_that_it_says(name):
    preset = PRESETS[name]
    found = analyse(preset.stack)
    assert (found.traced.size[0], found.traced.jump[0]) == preset.expected
    assert found.agrees is not False
    assert preset.answer in preset.options


def test_the_worked_example_of_a_u_net_concatenates():
    """U-Net concatenates (Ronneberger, Fischer and Brox 2015); no example that adds is called one."""
    named = [p for p in PRESETS.values() if "U-Net" in p.title + p.question + p.explanation]
    assert [p.id for p in named] == ["unet"]
    (preset,) = named
    assert [layer.concat for layer in preset.stack.layers] == [False, False, False, True, False]
    assert preset.stack.widths == (16, 16, 16, 16, 32, 16)
    last = analyse(preset.stack).rows[-1]
    assert (preset.answer, last.parameters) == ("18C²", 18 * 16**2)
    # Where it adds, as much is seen, and half the weights read it.
    added = analyse(read_stack(preset.text.replace("u3", "r3"), 2, preset.size, 16))
    assert added.rows[-1].size == last.size
    assert added.rows[-1].parameters == 9 * 16**2


def test_the_numbers_of_the_lecture():
    two, three = analyse(read_stack("c3-c3", 2, 9, 1)), analyse(read_stack("c3-c3-c3", 2, 11, 8))
    assert (two.parameters, two.traced.size) == (18, (5, 5))
    assert (three.parameters, three.traced.size) == (27 * 8**2, (7, 7))
    pooled = analyse(PRESETS["pooling"].stack)
    assert [row.size for row in pooled.rows] == [(n, n) for n in (3, 4, 8, 10, 18)]


def test_gridding_leaves_the_holes_that_arithmetic_says():
    """Dilation 2 three times reaches even distances alone: 7 of 13 along each axis."""
    reads = paths(read_stack("c3d2-c3d2-c3d2", 2, 13, 1), (0, 0))
    assert (reads > 0).sum() == 49
    assert np.all(reads[1::2] == 0)
    assert np.all(paths(read_stack("c3-c3d2-c3d5", 2, 17, 1), (0, 0)) > 0)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(stacks(dims=(1,), most=3))
def test_what_the_picture_marks_is_what_the_gradient_reaches(stack):
    found = analyse(stack)
    (units,) = stack.shapes[-1]
    for unit in {0, units // 2, units - 1}:
        reading = found.unit((unit,))
        assert ((reading.reads > 0) == reading.support).all()
        assert found.seen[-1][unit] == reading.pixels
        cells = {unit}
        spans = {len(stack.layers): cells}
        for number in range(len(stack.layers), 0, -1):
            for windows in found.windows[number - 1]:
                ((before, _),), (size,) = found.pads[windows.source_map], stack.shapes[windows.source_map]
                hit = windows.cols[np.isin(windows.rows, list(spans.get(number, ())))] - before
                spans.setdefault(windows.source_map, set()).update(c for c in hit.tolist() if 0 <= c < size)
        assert spans.get(0, set()) == set(np.flatnonzero(reading.support).tolist())


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("", 0),
        ("q3", 1),
        ("c3-c0", 2),
        ("c3s0", 1),
        ("c3s2s2", 1),
        ("c3ps-c3pss2", 2),
        ("m2p2", 1),
        ("a3d2", 1),
        ("c15-c15", 2),
        ("c3r2", 1),
        ("c3-c3r1", 2),
        ("t4s2p1r1", 1),
        ("c3p2r1c", 1),
        ("c3rc", 1),
        ("c3pc", 1),
        ("c999", 1),
        ("-".join(["c1"] * 17), 0),
        ("c3" * 300, 0),
        ("c3x", 1),
        ("c3x3x3", 1),
        ("c3x0", 1),
        ("c3x99", 1),
        ("c3r1x2", 1),
        ("c3u2", 1),
        ("c3ps-c3psr1u2", 2),
        ("c3-c3u1", 2),
        ("m3s1p1u1-" * 9 + "m3s1p1u1", 8),
        ("a3d1x2", 1),
        ("c3x1s1x2ps", 1),
        ("c3x21", 1),
        ("c3<script>", 1),
        ("c３", 1),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence_that_names_the_layer(text, layer):
    with pytest.raises(StackError) as caught:
        read_stack(text, 2, 20, 8)
    assert caught.value.layer == layer
    assert caught.value.message.endswith((".", "…"))
    assert "\n" not in caught.value.message


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_is_a_stack_or_a_sentence(text):
    try:
        found = read_stack(text)
    except StackError:
        return
    assert min(found.shapes[-1]) >= 1


def test_code_runs_and_gives_the_same():
    for text in (
        "c3-m2-c3d2",
        "c3p1-c3p1r2",
        "c3x5-c3r2c",
        "c3s2p1-t4s2p1r2",
        "c3x1s2x1p1x0-c3p1r2",
        "c4x3ps-t4x2s2x1p1x0",
        "c3p1-m2-c3p1-t2s2u3-c3p1",
        "c3-c3u2c-c3r1c",
        "c3s2p1u1-c3p1u1-c1r2-a2",
    ):
        stack = read_stack(text, 2, 12, 2)
        code = stack_code(stack)
        there: dict = {}
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(0)
            exec(compile(code, text, "exec"), there)
            image = torch.randn(stack.input_shape)
            assert torch.equal(there["model"](image), build(stack)(image))
        # Every map and the parameters are held to what the page shows.
        for number, row in enumerate(analyse(stack).rows, 1):
            shown = f"    {(1, stack.widths[number], *row.shape)},\n"
            with torch.inference_mode(), pytest.raises(AssertionError):
                exec(compile(code.replace(shown, "    (1,),\n"), text, "exec"), {})
        assert f"model.parameters()) == {analyse(stack).parameters}\n" in code


def test_axes_have_settings_of_their_own():
    """Strided rows, dilated columns: each axis obeys its own algebra. Szegedy et al. 2015: 1×7 after 7×1 sees 7×7."""
    assert analyse(read_stack("c1x7-c7x1", 2, 9, 1)).traced.size == (7, 7)
    found = analyse(read_stack("c3x1s2x1-c3x5p1x0d1x2", 2, 20, 2))
    assert (found.traced.size, found.traced.jump, found.traced.start) == ((7, 9), (2, 1), (-2, 0))
    assert [row.parameters for row in found.rows] == [3 * 4, 15 * 4]
    assert found.agrees
    assert all(row.agrees for row in found.rows)
    unit = found.unit((0, 1))
    assert (unit.box, unit.inside, unit.outside) == (((-2, 4), (1, 9)), ((0, 4), (1, 9)), ((2, 0), (0, 0)))
    assert unit.pixels == 5 * 5  # along the columns every second pixel
    with pytest.raises(StackError, match="two dimensions"):
        read_stack("c3x1", 1, 20, 1)


def test_a_branch_that_fits_at_this_size_alone_is_no_failure():
    """Longer strips, on which the gradient is asked, do not run; the unit itself is asked all the same."""
    found = analyse(read_stack("c1s2-c3s3r2", 1, 11, 1))
    assert found.measured is None
    assert found.agrees is None
    assert found.unit((1,)).measured == ((6, 10),)


def test_branches_of_different_jump_have_no_one_field():
    """The strided path moves on by two pixels, the cropped branch by one: they meet in the middle alone."""
    found = analyse(read_stack("c3s2r1c", 1, 23, 2))
    (row,) = found.rows
    assert (row.jump, row.jumps, row.agrees) == ((None,), ((1, 2),), True)
    assert [found.unit((u,)).pixels for u in (0, 5, 10)] == [4, 3, 4]
    assert [found.unit((u,)).measured for u in (0, 5, 10)] == [((0, 6),), ((10, 12),), ((16, 22),)]
    # Where nothing is strided the crop lines them up: U-Net's way, without padding.
    assert analyse(read_stack("c3-c3r2c", 2, 9, 1)).agrees


def test_units_that_take_turns_are_measured_too():
    found = analyse(read_stack("c3s2p1-t4s2p1r2", 1, 16, 1))
    assert (found.rows[-1].jump, found.rows[-1].jumps, found.jumps) == ((1,), ((0, 2),), ((0, 2),))
    assert found.agrees


def test_a_unit_between_the_stamps_reads_nothing():
    """A transposed 1-tap layer of stride 3: two of three units get no term."""
    found = analyse(read_stack("t1s3", 1, 6, 1))
    assert (found.unit((1,)).inside, found.unit((1,)).pixels) == ((None,), 0)
    assert found.unit((3,)).inside == ((1, 1),)


def test_units_of_every_layer_have_their_box():
    found = analyse(read_stack("c3p1-m2-t4s2p1", 2, 12, 1))
    for number in (1, 2, 3):
        part = analyse(found.stack.upto(number))
        rows, columns = found.boxes(number)
        for place in ((0, 0), tuple(n - 1 for n in found.stack.shapes[number])):
            unit = part.unit(place)
            assert unit.box == (rows[place[0]], columns[place[1]])


def test_a_long_row_has_the_fields_of_a_short_one():
    text = "c10s5-c3s2-c3s2-m2-t4s2p1"
    short, long = analyse(read_stack(text, 1, 128)), analyse(read_stack(text, 1, 100_000))
    assert (short.stack.drawn, long.stack.drawn) == (True, False)
    for one, other in zip(short.rows, long.rows, strict=True):
        assert (one.size, one.jump, one.start, one.jumps) == (other.size, other.jump, other.start, other.jumps)
        assert other.agrees
    assert long.agrees
    assert long.shape == (1, 1, 100_000)
    assert long.macs == measure(build(long.stack), long.shape).macs > 700 * short.macs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c3-c3-c3", range(7, 100_001)),
        ("c10s5-c3s2-c3s2-c3s2-c3s2-c2s2-c2s2", range(400, 100_001)),
        ("c3s2p1-t4s2p1r2", range(2, 100_001, 2)),
        ("t8s8-t8s8", range(1, 6251)),
    ],
)
def test_the_sizes_that_layers_take(text, expected):
    found = sizes(read_layers(text, 1), 1)
    assert found == expected
    for size in (found[0], found[1], found[len(found) // 2], found[-1]):
        assert read_stack(text, 1, size).size == size
    for size in (found[0] - 1, found[-1] + 1):
        with pytest.raises(StackError):
            read_stack(text, 1, size)


def test_letters():
    assert set(LETTERS) == set("ctma")


def test_ways_to_grow_have_the_closed_forms():
    found = ways(4, 64)
    assert all(p.size == 2 * p.layers + 1 and p.parameters == 9 * 16 * p.layers for p in found["more layers"])
    assert all(p.parameters == p.size**2 * 16 for p in found["larger kernel"])
    assert [p.size for p in found["dilation, doubled"]] == [2 ** (n + 1) - 1 for n in range(1, 7)]
    assert [p.size for p in found["stride 2"]] == [2 ** (n + 1) - 1 for n in range(1, 7)]
    assert [p.size for p in causal(4)["dilations 1, 2, 4, …"]] == [2**n for n in range(1, 11)]
    assert [p.size for p in causal(4)["no dilation"]] == list(range(2, 12))


@pytest.mark.parametrize("name", growth.WAYS)
def test_a_way_to_grow_costs_what_its_layers_cost_together(name):
    point, layers = ways(5)[name][-1], growth.WAYS[name][0](growth.WAYS[name][1][-1], 5)[1]
    # The layers of a point share their objects, whose parameters count once.
    whole, shape = measure(nn.Sequential(*map(deepcopy, layers)), (1, 5, 128, 128)), (1, 5, 128, 128)
    assert (point.parameters, point.macs) == (whole.parameters, whole.macs)
    field = receptive_field(nn.Sequential(*layers), shape)
    assert ((point.size,) * 2, (point.units,) * 2) == (field.size, field.map_size)


def test_another_number_of_channels_is_not_traced_anew(monkeypatch):
    equal_budget("macs", 7, 4), ways(4)
    monkeypatch.setattr(growth, "receptive_field", None)
    assert [p.size for p in ways(7)["pooling"]] == [p.size for p in ways(4)["pooling"]]


def test_each_way_gets_the_same_budget():
    """49C² weights pay for five layers of 9C²; with MACs a stride pays a quarter for all that comes after it."""
    found = equal_budget("parameters", 7, 4)
    assert found.amount == 49 * 16
    sizes = {name: point.size for name, point in found.bought.items()}
    assert sizes == {"more layers": 11, "larger kernel": 7, "stride 2": 63, "pooling": 94, "dilation, doubled": 63}
    for unit in ("parameters", "macs"):
        found = equal_budget(unit, 5, 4)
        for name, point in found.bought.items():
            assert 0 < found.share(name) <= 1
            assert found.share(name) > 1 - 9 / 25 or point.size >= 128
    assert equal_budget("macs", 7, 4).bought["stride 2"].size >= 128
