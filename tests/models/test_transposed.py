"""Four ways to compute a transposed convolution: all equal to the layer, for every setting that torch takes."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from models import transposed as t
from models.layers import build
from models.operator import basis_operator, linear_operator
from models.spec import LayerSpec


def worked_example() -> tuple[nn.Module, torch.Tensor]:
    """The lesson's opening: a 3×3 kernel as the 4×16 matrix C, and Cᵀ applied to [2, 1, 4, 4]."""
    layer = nn.ConvTranspose2d(1, 1, 3, bias=False, dtype=torch.float64).requires_grad_(False)
    layer.weight[0, 0] = torch.tensor([[1.0, 4, 1], [1, 4, 3], [3, 3, 1]])
    return layer, torch.tensor([[[[2.0, 1], [4, 4]]]], dtype=torch.float64)


LAYERS = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
QUICK = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
FEW = settings(QUICK, max_examples=10)


@st.composite
def cases(draw, dims: int, largest: int = 5, widest: int = 4):
    """A transposed layer with any settings that torch takes, float64, and an input."""

    def each(one):
        return tuple(draw(one) for _ in range(dims))

    groups = draw(st.integers(1, 3))
    c_in, c_out = (groups * draw(st.integers(1, 2)) for _ in range(2))
    size, kernel, stride, dilation = (
        each(st.integers(1, largest)),
        each(st.integers(1, widest)),
        each(st.integers(1, 4)),
        each(st.integers(1, 3)),
    )
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    uncut = [
        (w - 1) * s + d * (k - 1) + 1 + e for w, s, d, k, e in zip(size, stride, dilation, kernel, extra, strict=True)
    ]
    padding = tuple(draw(st.integers(0, (n - 1) // 2)) for n in uncut)
    torch.manual_seed(draw(st.integers(0, 2**16)))
    layer = LAYERS[dims - 1](
        c_in, c_out, kernel, stride, padding, extra, groups, draw(st.booleans()), dilation, dtype=torch.float64
    )
    return layer, torch.randn(draw(st.integers(1, 2)), c_in, *size, dtype=torch.float64)


def check_views(layer, x):
    right = layer(x).detach()
    for name, view in t.VIEWS.items():
        found = view(layer, x)
        assert found.shape == right.shape, name
        assert torch.allclose(found, right, rtol=0, atol=1e-6), name
    assert t.agreement(layer, x).agree


@QUICK
@given(cases(1, 7, 5))
def test_the_four_views_and_the_layer_agree_in_1d(case):
    check_views(*case)


@QUICK
@given(cases(2))
def test_the_four_views_and_the_layer_agree_in_2d(case):
    check_views(*case)


@FEW
@given(cases(3, 3, 3))
def test_the_four_views_and_the_layer_agree_in_3d(case):
    check_views(*case)


@QUICK
@given(st.sampled_from((1, 2)).flatmap(cases))
def test_the_matrix_of_the_layer_is_the_transpose_of_the_matching_convolution(case):
    layer, x = case
    shape = (1, *x.shape[1:])
    ours, real = t.transposed_matrix(layer, shape), linear_operator(layer, shape)
    assert ours.shape == real.shape
    for name in ("rows", "cols", "values", "taps"):
        a, b = (getattr(op, name)[np.lexsort((op.taps, op.cols, op.rows))] for op in (ours, real))
        assert np.array_equal(a, b), name
    assert np.allclose(ours.matrix, basis_operator(layer, shape).matrix, atol=1e-9)


@QUICK
@given(st.sampled_from((1, 2)).flatmap(cases))
def test_what_is_drawn_adds_up_to_the_layer(case):
    layer, x = case
    with torch.no_grad():
        layer.bias = None
        right = layer(x).numpy()
    drawn = t.zero_inserted(layer, x)
    conv = {1: torch.conv1d, 2: torch.conv2d}[x.dim() - 2]
    image, kernel = torch.from_numpy(drawn.image), torch.from_numpy(drawn.kernel)
    assert np.allclose(conv(image, kernel, dilation=drawn.dilation, groups=drawn.groups), right, atol=1e-9)
    assert not drawn.image[..., drawn.role != t.REAL].any()
    kept = drawn.source[drawn.source >= 0]
    assert np.array_equal(drawn.image[0, 0][drawn.source >= 0], x[0, 0].reshape(-1)[kept].numpy())
    assert len(kept) + drawn.cut == x[0, 0].numel()


def test_the_worked_example():
    """CURRICULUM A11: C is 4×16, and Cᵀ[2, 1, 4, 4] is this image."""
    layer, x = worked_example()
    right = [[2, 9, 6, 1], [6, 29, 30, 7], [10, 29, 33, 13], [12, 24, 16, 4]]
    assert layer(x)[0, 0].tolist() == right
    for view in t.VIEWS.values():
        assert view(layer, x)[0, 0].tolist() == right
    c = t.convolution_matrix(layer, x.shape)
    assert c.shape == (4, 16)
    assert c.matrix[0].tolist() == [1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0, 0]
    assert (c.matrix.T @ [2, 1, 4, 4]).reshape(4, 4).tolist() == right
    assert t.zero_inserted(layer, x).kernel[0, 0].tolist() == [[1, 3, 3], [3, 4, 1], [1, 4, 1]]


def test_views_take_an_input_without_batch_axis_and_keep_the_type():
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2)
    x = torch.randn(2, 4, 5)
    for view in t.VIEWS.values():
        found = view(layer, x)
        assert found.dtype == torch.float32
        assert found.shape == (3, 9, 11)
        assert torch.allclose(found, layer(x), atol=1e-5)


def test_views_work_inside_inference_mode_and_their_results_outside_it():
    with torch.inference_mode():
        layer = nn.ConvTranspose1d(1, 1, 3, stride=2)
        x = torch.randn(1, 1, 4)
        results = [view(layer, x) for view in t.VIEWS.values()]
        right = layer(x)
    for found in results:
        assert torch.allclose(found, right, atol=1e-6)
        scale = torch.ones((), requires_grad=True)
        (found * scale).sum().backward()
        assert scale.grad is not None


def test_a_view_leaves_the_layer_and_the_input_alone():
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2)
    x = torch.randn(1, 1, 4)
    before = (layer.weight.detach().clone(), x.clone())
    for view in t.VIEWS.values():
        view(layer, x)
    assert layer.weight.grad is None
    assert layer.weight.requires_grad
    assert torch.equal(layer.weight, before[0])
    assert torch.equal(x, before[1])


def test_disagreement_is_seen(monkeypatch):
    layer, x = worked_example()
    monkeypatch.setitem(t.VIEWS, "stamp", lambda module, x: module(x) + 1e-3)
    assert not t.agreement(layer, x).agree
    monkeypatch.setitem(t.VIEWS, "stamp", lambda module, x: module(x) * float("nan"))
    assert not t.agreement(layer, x).agree


@pytest.mark.parametrize(
    ("layer", "shape", "says"),
    [
        (nn.Conv2d(1, 1, 3), (1, 1, 4, 4), "not a transposed convolution"),
        (nn.ConvTranspose2d(1, 1, 3), (4, 4), "axes"),
        (nn.ConvTranspose2d(2, 1, 3), (1, 1, 4, 4), "channels"),
        (nn.ConvTranspose2d(1, 1, 1, padding=2), (1, 1, 4, 4), "less padding"),
        (nn.ConvTranspose2d(64, 64, 9), (1, 64, 64, 64), "smaller"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(layer, shape, says):
    for view in t.VIEWS.values():
        with pytest.raises(t.TransposedError, match=says):
            view(layer, torch.zeros(shape))


def test_another_number_type_is_refused():
    with pytest.raises(t.TransposedError, match="same type"):
        t.VIEWS["stamp"](nn.ConvTranspose1d(1, 1, 3), torch.zeros(1, 1, 4, dtype=torch.float64))


# -- sizes, cost, waste ------------------------------------------------------------------------------------------------


def test_two_input_sizes_meet_and_output_padding_says_which_is_meant():
    """The documentation of ConvTranspose2d: stride > 1 maps several input shapes to one output shape."""
    for extra, chosen in ((0, 7), (1, 8)):
        spec = LayerSpec("transposed", 2, 4, kernel_size=3, stride=2, padding=1, output_padding=extra)
        for axis in t.forward_sizes(spec):
            assert [(s.size, s.output_padding) for s in axis.sizes] == [(7, 0), (8, 1)]
            assert {s.becomes for s in axis.sizes} == {4}
            assert axis.chosen == chosen


@QUICK
@given(st.sampled_from((1, 2)).flatmap(cases))
def test_forward_sizes_are_all_that_there_are(case):
    layer, x = case
    dims = x.dim() - 2
    spec = LayerSpec(
        "transposed",
        dims,
        tuple(x.shape[2:]),
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        output_padding=layer.output_padding,
        dilation=layer.dilation,
    )
    for axis, found in enumerate(t.forward_sizes(spec)):
        conv = nn.Conv1d(1, 1, layer.kernel_size[axis], layer.stride[axis], layer.padding[axis], layer.dilation[axis])
        least = layer.dilation[axis] * (layer.kernel_size[axis] - 1) + 1 - 2 * layer.padding[axis]
        every = range(max(1, least), found.chosen + 8 * layer.stride[axis])
        meet = [n for n in every if conv(torch.zeros(1, 1, n)).shape[-1] == x.shape[2 + axis]]
        assert [s.size for s in found.sizes] == meet == list(found.formula.value)
        assert {s.becomes for s in found.sizes} <= {x.shape[2 + axis]}
        assert found.chosen == layer(x).shape[2 + axis]
        fits = layer.output_padding[axis] < layer.stride[axis]
        assert (found.chosen in meet) == fits == (found.chosen_becomes == x.shape[2 + axis])


def test_forward_sizes_of_an_ordinary_convolution():
    """CURRICULUM A20: VALID, width 13, filter 6, stride 5 drops 2 columns: 11 … 15 all give 2."""
    (found,) = t.forward_sizes(LayerSpec("conv", 1, 13, kernel_size=6, stride=5))
    assert [s.size for s in found.sizes] == [11, 12, 13, 14, 15]
    assert (found.output, found.chosen, found.chosen_becomes) == (2, 13, 2)


def test_macs_of_a_transposed_layer_are_counted_at_its_input():
    found = t.cost(nn.ConvTranspose2d(3, 1, 2, stride=2), (1, 3, 2, 2))
    assert found.macs == found.formula.value == 48
    # One for each number of the 4×4 output.
    assert found.bias_additions == 16
    assert t.cost(nn.ConvTranspose2d(3, 1, 2, stride=2, bias=False), (1, 3, 2, 2)).bias_additions == 0


@QUICK
@given(st.sampled_from((1, 2)).flatmap(cases))
def test_macs_equal_their_formula_and_the_stamps(case):
    layer, x = case
    found = t.cost(layer, x.shape)
    assert found.macs == found.formula.value
    assert found.macs == x[0].numel() * layer.weight[0].numel()  # each number meets every weight of its channel
    assert t.wasted(layer, x.shape).stamp == found.macs


def test_the_zero_padding_way_wastes_half():
    """CURRICULUM A13: 3×3 over 5×5 that must give 7×7: 49 · 9 multiplications, 15² of them on numbers."""
    found = t.wasted(nn.ConvTranspose2d(1, 1, 3), (1, 1, 5, 5))
    assert (found.total, found.useful, found.inserted, found.border) == (441, 225, 0, 216)
    assert found.share == 216 / 441


@QUICK
@given(st.sampled_from((1, 2)).flatmap(cases))
def test_waste_equals_its_formulas_and_the_operator(case):
    layer, x = case
    found = t.wasted(layer, x.shape)
    assert found.total == found.total_formula.value == found.useful + found.inserted + found.border
    assert found.useful == found.useful_formula.value == linear_operator(layer, (1, *x.shape[1:])).nnz
    assert 0 <= found.share <= 1


def test_waste_tends_to_one_minus_one_over_the_stride_squared():
    found = t.wasted(nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1), (1, 1, 64, 64))
    assert found.share == pytest.approx(3 / 4, abs=0.02)


# -- blocks and the way back -------------------------------------------------------------------------------------------


def numbers_of(found):
    """The numbers of each block, (block rows, block columns, height, width)."""
    return found.operator.matrix.reshape(len(found.where), found.height, -1, found.width).swapaxes(1, 2)


def test_the_worked_example_is_made_of_three_blocks():
    layer, x = worked_example()
    found = t.toeplitz_blocks(t.matching_convolution(layer), (1, 1, 4, 4))
    assert (found.height, found.width) == (2, 4)
    assert found.where.tolist() == [[0, 1, 2, -1], [-1, 0, 1, 2]]
    assert numbers_of(found)[0, 0].tolist() == [[1, 4, 1, 0], [0, 1, 4, 1]]
    assert found.repeats == {0: 2, 1: 2, 2: 2}
    back = t.toeplitz_blocks(layer, x.shape)
    assert back.where.tolist() == np.transpose(found.where).tolist()


@QUICK
@given(st.sampled_from((1, 2)).flatmap(cases))
def test_blocks_with_one_id_are_one_and_the_same(case):
    layer, x = case
    found = t.toeplitz_blocks(layer, (1, *x.shape[1:]))
    numbers = numbers_of(found)
    assert not numbers[found.where < 0].any()
    # Toeplitz: one weight a diagonal, as steep as the stride.
    step = layer.stride[-1]
    for id in found.repeats:
        alike = numbers[found.where == id]
        assert (alike == alike[0]).all()
        block = alike[0]
        assert np.array_equal(block[step:, 1:], block[:-step, :-1]) or block.shape[0] <= step


def test_blocks_need_padding_with_zeros():
    with pytest.raises(t.TransposedError, match="reflect"):
        t.toeplitz_blocks(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), (1, 1, 4, 4))


def test_there_and_back_restores_the_shape_and_not_the_values():
    """C is A1's: 4×4 → 2×2 is [[122, 148], [126, 134]]; Cᵀ gives a 4×4 again, another one."""
    layer, _ = worked_example()
    image = torch.tensor([[[4.0, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]]])
    found = t.round_trip(layer, image)
    assert found.small.tolist() == [[[122, 148], [126, 134]]]
    assert found.back.shape == (1, 4, 4)
    assert found.back_error > 100
    assert (found.rank, found.lost) == (4, 12)
    assert found.again == pytest.approx(found.small)
    assert np.allclose(found.inverse, np.linalg.pinv(found.matrix))
    assert (found.matrix != 0).sum() == 36
    assert found.inverse_entries == 64


@FEW
@given(cases(2))
def test_the_pseudo_inverse_keeps_the_four_conditions_of_penrose(case):
    layer, x = case
    image = torch.randn(layer(x).shape[1:], dtype=torch.float64)
    found = t.round_trip(layer, image)
    c, inverse = found.matrix, found.inverse
    assert np.allclose(c @ inverse @ c, c)
    assert np.allclose(inverse @ c @ inverse, inverse)
    assert np.allclose((c @ inverse).T, c @ inverse)
    assert np.allclose((inverse @ c).T, inverse @ c)
    assert found.best_error <= np.sqrt(np.mean(found.image**2)) + 1e-9


@pytest.mark.parametrize(("shape", "says"), [((2, 4, 4), "channel"), ((1, 2, 2), "fit"), ((1, 400, 400), "smaller")])
def test_a_round_trip_that_cannot_be_is_refused(shape, says):
    with pytest.raises(t.TransposedError, match=says):
        t.round_trip(nn.ConvTranspose2d(1, 1, 3), torch.zeros(shape))


def test_the_registry_builds_what_the_views_take():
    spec = LayerSpec("transposed", 2, 3, 2, 4, kernel_size=3, stride=2, padding=1, output_padding=1, groups=2)
    check_views(build(spec).double(), torch.randn(spec.input_shape, dtype=torch.float64))


@pytest.mark.parametrize(("kernel", "stride", "made"), [(2, 2, True), (1, 1, True), (2, 3, True), (3, 1, False)])
def test_the_pseudo_inverse_is_a_layer_where_no_stamps_overlap(kernel, stride, made):
    layer = nn.ConvTranspose2d(2, 2, kernel, stride, bias=False).double()
    operator = linear_operator(layer, (1, 2, 2, 2))
    found = t.round_trip(layer, torch.zeros(operator.output_shape[1:]))
    weights = t.weights_of_inverse(operator, found.inverse)
    assert (weights is not None) == made
    if made:
        layer.weight.data.view(-1).copy_(torch.from_numpy(weights))
        np.testing.assert_allclose(linear_operator(layer, (1, 2, 2, 2)).matrix, found.inverse, atol=1e-9)
