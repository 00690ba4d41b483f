"""Layers in each other's place: the lectures' numbers, closed forms against measurement, and the same function in
other words."""

from fractions import Fraction

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import fx, nn
from torchvision.models import vgg16

from models.alternatives import JOB, WAYS, build, compare, reach, separable_share
from models.channels import channel_picture, channel_steps
from models.dense import Dense, LocallyConnected, dense_of, local_of
from models.errors import OperatorError, SpecError
from models.measure import measure
from models.operator import linear_operator
from tests.models.test_formulas import worth

QUICK = settings(derandomize=True, max_examples=25)


RANDOM = {
    "in_channels": st.integers(1, 12),
    "out_channels": st.integers(1, 12),
    "size": st.integers(1, 9),
    "kernel_size": st.sampled_from((1, 3, 5, 7)),
    "bias": st.booleans(),
    "groups": st.integers(1, 4),
    "hidden": st.integers(1, 6),
}


def on_paper(name, **job):
    """What was measured on the layers at one job, and the closed forms' numbers."""
    with torch.device("meta"):
        module = build(name, **job)
    found = measure(module, WAYS[name].input_shape(**job))
    return found, {form: formula.value for form, formula in WAYS[name].formulas(**job).items()}


def macs(found):
    return [layer.macs for layer in found.layers]


def test_5x5_through_a_bottleneck_is_ten_times_cheaper():
    found, forms = on_paper("standard")
    assert found.macs == forms["macs"] == 120_422_400
    found, forms = on_paper("bottleneck")
    assert macs(found) == [2_408_448, 10_035_200]
    assert found.macs == forms["macs"] == 12_443_648


def test_3_to_10_channels_with_bias_as_in_the_lectures():
    job = {"in_channels": 3, "out_channels": 10, "kernel_size": 3, "bias": True}
    assert on_paper("standard", **job)[0].parameters == 280
    found, forms = on_paper("depthwise_first", **job)
    assert [layer.parameters for layer in found.layers] == [30, 40]
    assert forms["parameters"] == found.parameters == 70
    assert {on_paper(name, **job)[0].output_shape for name in ("standard", "depthwise_first", "pointwise_first")} == {
        (1, 10, 28, 28)
    }


def test_3_to_3_channels_cost_exactly_a_third_and_a_ninth():
    job = {"in_channels": 3, "out_channels": 3, "kernel_size": 3, "size": 8}
    whole, _ = on_paper("standard", **job)
    for name, parts in (("depthwise_first", [27, 9]), ("pointwise_first", [9, 27])):
        found, _ = on_paper(name, **job)
        assert [layer.parameters for layer in found.layers] == parts
        assert Fraction(found.parameters, whole.parameters) == Fraction(1, 3) + Fraction(1, 9)
        assert Fraction(found.macs, whole.macs) == separable_share(3, 3).value == Fraction(1, 3) + Fraction(1, 9)
    assert whole.parameters == 81
    assert separable_share(3, 3).text == "1/3 + 1/(3²) = 0.444"


def test_most_of_vgg_16_is_dense():
    with torch.device("meta"):
        found = measure(vgg16(), (1, 3, 224, 224))
    dense = [layer.parameters for layer in found.layers if layer.kind == "Linear"]
    assert dense == [102_764_544, 16_781_312, 4_097_000]
    assert found.parameters == 138_357_544


def test_two_3x3_see_what_a_5x5_sees():
    rows = {row.way.name: row for row in compare(kernel_size=7)}
    assert rows["standard"].field == rows["stacked"].field == rows["spatially_separable"].field == (7, 7)
    assert len(rows["stacked"].measured.layers) == 3
    assert rows["dense"].field == (28, 28)
    assert rows["local"].field == (7, 7)


def test_dense_sees_everything_and_shares_nothing():
    rows = {row.way.name: row.measured.parameters for row in compare() if not row.refused}
    assert rows["standard"] == 153_600
    assert rows["local"] == 28 * 28 * rows["standard"]
    assert rows["dense"] == 150_528 * 25_088


@settings(QUICK, max_examples=12)
@given(st.fixed_dictionaries(RANDOM))
def test_formula_is_measurement_at_random_jobs(job):
    rows = compare(**job)
    unbiased = compare(**job | {"bias": False})
    assert [row.way.name for row in rows] == list(WAYS)
    for row, plain in zip(rows, unbiased, strict=True):
        if row.refused:
            assert row.way.name in ("grouped", "depthwise", "stacked")
            continue
        found = row.measured
        size = job["size"]
        assert found.output_shape == (1, job["out_channels"], size, size)
        assert row.formulas["weights"].value == plain.measured.parameters
        assert row.formulas["parameters"].value == found.parameters
        assert row.formulas["macs"].value == found.macs
        assert row.formulas["activations"].value == 4 * found.activations
        assert not found.uncounted
        for formula in row.formulas.values():
            assert worth(formula.filled.rpartition(" = ")[0]) == formula.value
            assert worth(formula.text.rpartition(" = ")[0]) == formula.value


@pytest.mark.parametrize("name", WAYS)
def test_every_way_is_one_linear_map_that_can_be_traced(name):
    job = {"in_channels": 4, "out_channels": 8, "size": 6, "kernel_size": 5}
    job |= {s.name: 2 for s in WAYS[name].settings if s.name in ("groups", "hidden")}
    module = build(name, **job, bias=True).double().eval()
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        out = module(x)
        torch.testing.assert_close(fx.symbolic_trace(module)(x), out)
        zero = module(torch.zeros_like(x))
    operator = linear_operator(module, (1, 4, 6, 6))
    for item, shown, nothing in zip(x, out, zero, strict=True):
        torch.testing.assert_close(torch.from_numpy(operator @ item[None].numpy())[0], shown - nothing)
    way = WAYS[name]
    assert way.title
    assert way.teaches.endswith(".")
    assert way.paper.url.startswith("https://")
    assert way.settings[: len(JOB)] == JOB


@pytest.mark.parametrize(
    ("name", "job", "says"),
    [
        ("grouped", {"groups": 5}, "192 channels do not divide into 5 groups: use 4"),
        ("grouped", {"in_channels": 8, "out_channels": 6, "groups": 8}, "6 channels do not divide into 8 groups: use"),
        ("depthwise", {}, "use 192, or let a 1×1 convolution follow"),
        ("stacked", {"kernel_size": 3}, "use 5 or more"),
        ("standard", {"kernel_size": 4}, "use 1, 3, 5"),
        ("standard", {"hidden": 4}, "has no such setting"),
        ("ordinary", {}, "use standard, grouped"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_one_sentence(name, job, says):
    with pytest.raises(SpecError, match=r"\.$") as refused:
        build(name, **job)
    assert says in str(refused.value)


def test_a_comparison_says_which_ways_there_are_not():
    refused = {row.way.name: row.refused for row in compare(kernel_size=3, groups=5) if row.refused}
    assert set(refused) == {"grouped", "depthwise", "stacked"}
    with pytest.raises(SpecError, match="size: 0 does not fit"):
        compare(size=0)
    with pytest.raises(SpecError, match="there is no such setting"):
        compare(stride=2)


# -- MLP or convolution? ----------------------------------------------------------------------------------------------

CONV = {"stride": st.integers(1, 2), "padding": st.integers(0, 1), "dilation": st.integers(1, 2), "bias": st.booleans()}


@QUICK
@given(st.integers(1, 3), st.integers(1, 3), st.integers(3, 6), st.sampled_from((1, 2, 3)), st.fixed_dictionaries(CONV))
def test_a_convolution_is_a_dense_and_a_locally_connected_layer(c_in, c_out, size, kernel, options):
    assume(options["dilation"] * (kernel - 1) + 1 <= size + 2 * options["padding"])
    conv = nn.Conv2d(c_in, c_out, kernel, dtype=torch.float64, **options)
    x = torch.randn(2, c_in, size, size + 1, dtype=torch.float64)
    dense, local = dense_of(conv, (1, *x.shape[1:])), local_of(conv, x.shape[2:])
    with torch.no_grad():
        torch.testing.assert_close(dense(x), conv(x))
        torch.testing.assert_close(local(x), conv(x))
    operator = linear_operator(conv, (1, *x.shape[1:]))
    torch.testing.assert_close(dense.linear.weight.detach(), torch.from_numpy(operator.matrix))
    assert isinstance(dense, Dense)
    assert isinstance(local, LocallyConnected)
    assert local.weight.numel() == conv.weight.numel() * operator.output_shape[2] * operator.output_shape[3]


def test_what_no_dense_or_local_layer_is_made_of():
    with pytest.raises(OperatorError, match="use a smaller image"):
        dense_of(nn.Conv2d(1, 1, 1), (1, 1, 128, 128))
    with pytest.raises(OperatorError, match="not linear"):
        dense_of(nn.ReLU(), (1, 1, 4, 4))
    with pytest.raises(OperatorError, match="without groups"):
        local_of(nn.Conv2d(2, 2, 3, groups=2), (4, 4))
    with pytest.raises(OperatorError, match="padded with zeros"):
        local_of(nn.Conv2d(2, 2, 3, padding="same"), (4, 4))


# -- which channel reaches which --------------------------------------------------------------------------------------


def test_the_channel_picture_of_every_way():
    job = {"in_channels": 4, "out_channels": 8, "size": 5, "kernel_size": 5}
    for name, way in WAYS.items():
        module = build(name, **job)
        before = [p.clone() for p in module.parameters()]
        picture = channel_picture(module, way.input_shape(**job))
        assert all(p.requires_grad and torch.equal(p, q) for p, q in zip(module.parameters(), before, strict=True))
        assert picture.shape == (8, 4)
        reached = (picture > 0).tolist()
        if name == "grouped" or name == "depthwise":
            assert reached == [[i == o // 2 for i in range(4)] for o in range(8)]
        else:
            assert all(map(all, reached)), name


@QUICK
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_the_channel_picture_is_the_operators(groups, each_in, each_out):
    conv = nn.Conv2d(groups * each_in, groups * each_out, 3, padding=1, groups=groups)
    shape = (1, conv.in_channels, 3, 3)
    matrix = linear_operator(conv, shape).matrix.reshape(conv.out_channels, 9, conv.in_channels, 9)
    expected = (matrix[:, 4] ** 2).sum(2) ** 0.5
    assert channel_picture(conv, shape) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", WAYS)
def test_one_pixel_and_one_tap_show_what_channels_do(name):
    job = {"in_channels": 4, "out_channels": 8, "size": 6, "kernel_size": 7}
    job |= {s.name: 2 for s in WAYS[name].settings if s.name in ("groups", "hidden")}
    whole = channel_steps(build(name, **job), WAYS[name].input_shape(**job))
    assert [(step, (ways != 0).tolist()) for step, ways in reach(name, **job)] == [
        (step, (ways != 0).tolist()) for step, ways in whole
    ]


def test_what_a_way_does_not_take_is_not_measured_anew():
    before, again = compare(hidden=2), compare(hidden=3)
    assert [a.way.name for a, b in zip(before, again, strict=True) if a is not b] == ["bottleneck"]
    assert [row.way.name for row in compare("dense", "standard")] == ["standard", "dense"]


def test_the_steps_of_a_separable_layer():
    job = {"in_channels": 3, "out_channels": 4, "size": 5, "kernel_size": 3}
    steps = channel_steps(build("depthwise_first", **job), (1, 3, 5, 5))
    assert [name for name, _ in steps] == ["depthwise", "pointwise"]
    assert (steps[0][1] > 0).tolist() == [[i == o for i in range(3)] for o in range(3)]
    assert steps[1][1].shape == (4, 3)
    assert [name for name, _ in channel_steps(build("standard", **job), (1, 3, 5, 5))] == ["Conv2d"]


def test_the_channel_picture_of_a_block_that_is_not_linear():
    picture = channel_picture(
        nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6), nn.Sigmoid()), (1, 4, 5, 5)
    )
    assert (picture > 0).tolist() == [[i // 2 == o // 3 for i in range(4)] for o in range(6)]


def test_the_channel_picture_of_many_channels_comes_in_parts(monkeypatch):
    conv = nn.Conv2d(6, 5, 3)
    whole = channel_picture(conv, (1, 6, 3, 3))
    monkeypatch.setattr("models.channels.CHUNK", 6 * 9 * 2)
    assert channel_picture(conv, (1, 6, 3, 3)) == pytest.approx(whole, rel=1e-5)
