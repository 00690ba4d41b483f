"""Kernels as products: the lectures' kernels, Eckart and Young, and the same function from other layers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from models.channels import SplitConvolution, channel_picture, merge_pointwise, shuffle_order, split_groups
from models.errors import OperatorError
from models.measure import measure
from models.operator import linear_operator
from models.separable import nearest_separable, separate
from models.sources import A1_KERNEL

QUICK = settings(derandomize=True, max_examples=40)
NUMBERS = st.floats(-9, 9).map(lambda v: round(v, 2))
KERNELS = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=NUMBERS)

SOBEL = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
GAUSS = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
BOX = np.ones((3, 3))


@pytest.mark.parametrize(
    ("kernel", "column", "row"),
    [
        (SOBEL, [1, 2, 1], [1, 0, -1]),
        (np.transpose(SOBEL), [1, 0, -1], [1, 2, 1]),
        (GAUSS, [1, 2, 1], [1, 2, 1]),
        (BOX, [1, 1, 1], [1, 1, 1]),
        (BOX / 9, [1 / 9] * 3, [1, 1, 1]),
        (np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]), [1, 4, 6, 4, 1], [1, 4, 6, 4, 1]),
        (np.negative(GAUSS), [-1, -2, -1], [1, 2, 1]),
        (np.negative(SOBEL), [1, 2, 1], [-1, 0, 1]),
        (np.negative(np.transpose(SOBEL)), [-1, 0, 1], [1, 2, 1]),
    ],
)
def test_sobel_box_and_gauss_are_a_column_times_a_row(kernel, column, row):
    found = separate(kernel)
    assert found.rank == 1
    assert found.energy[0] == pytest.approx(1)
    assert found.best() == pytest.approx(np.asarray(kernel))
    assert found.pair[0] == pytest.approx(np.array(column))
    assert found.pair[1] == pytest.approx(np.array(row))


def test_the_first_example_cannot_be_separated():
    found = separate(A1_KERNEL)
    assert found.rank == 3
    assert round(100 * found.energy[0]) == 91
    assert separate(found.best(2)).rank == 2


def test_zeros_have_no_part():
    found = separate(np.zeros((3, 3)))
    assert found.rank == 0
    assert found.energy.tolist() == [1, 1, 1]
    assert not found.best().any()
    assert np.isfinite(found.pair).all()


@QUICK
@given(KERNELS, st.data())
def test_no_kernel_of_that_rank_is_nearer(kernel, data):
    """Eckart and Young 1936; and all parts together are the kernel."""
    found = separate(kernel)
    assert found.best(min(kernel.shape)) == pytest.approx(kernel, abs=1e-9)
    assert found.rank == np.linalg.matrix_rank(kernel)
    rank = data.draw(st.integers(1, min(kernel.shape)))
    lost = ((kernel - found.best(rank)) ** 2).sum()
    assert lost == pytest.approx((found.singular[rank:] ** 2).sum(), abs=1e-9)
    assert lost == pytest.approx((1 - found.energy[rank - 1]) * (kernel**2).sum(), abs=1e-7)
    drawn = np.random.default_rng(data.draw(st.integers(0, 99)))
    near = found.columns[:, :rank] + 0.1 * drawn.standard_normal((kernel.shape[0], rank))
    other = near @ (found.singular[:rank, None] * found.rows[:rank])
    # the best rows for those columns, and any others
    for rival in (other, near @ np.linalg.lstsq(near, kernel, rcond=None)[0]):
        assert ((kernel - rival) ** 2).sum() >= lost - 1e-9


@QUICK
@given(KERNELS, st.data())
def test_columns_and_rows_as_layers_are_the_best_kernel(kernel, data):
    found = separate(kernel)
    column, row = found.pair
    scale = abs(kernel).max() + 1
    assert np.outer(column, row) == pytest.approx(found.best(), abs=1e-8 * scale)
    rank = data.draw(st.integers(1, min(kernel.shape)))
    both, whole = (
        found.layers(rank=rank),
        nn.Conv2d(1, 1, kernel.shape, padding=[n // 2 for n in kernel.shape], bias=False),
    )
    whole = whole.double()
    with torch.no_grad():
        whole.weight.copy_(torch.from_numpy(found.best(rank)))
        x = torch.randn(1, 1, 9, 8, dtype=torch.float64)
        torch.testing.assert_close(both(x), whole(x), rtol=1e-8, atol=1e-6)


def test_two_passes_cost_two_thirds_of_a_3x3():
    shape = (1, 1, 28, 28)
    one = measure(nn.Conv2d(1, 1, 3, padding=1, bias=False), shape)
    two = measure(separate(SOBEL).layers(), shape)
    assert (one.macs, two.macs) == (9 * 784, 6 * 784)
    assert separate(SOBEL).layers(padding=False)(torch.zeros(1, 1, 5, 5, dtype=torch.float64)).shape == (1, 1, 3, 3)


@pytest.mark.parametrize("kernel", [[1, 2], np.zeros((0, 3)), [[np.nan]]])
def test_what_is_no_kernel_is_told(kernel):
    with pytest.raises(OperatorError, match="rows and columns"):
        separate(kernel)


# -- channels and window ----------------------------------------------------------------------------------------------

SMALL = st.integers(1, 4)


@QUICK
@given(SMALL, SMALL, st.sampled_from((1, 2, 3)), st.booleans(), st.booleans())
def test_a_depthwise_separable_convolution_is_found_again(c_in, c_out, kernel, bias, pointwise_first):
    wide = c_out if pointwise_first else c_in
    depth = nn.Conv2d(wide, wide, kernel, groups=wide, bias=False).double()
    point = nn.Conv2d(c_in, c_out, 1, bias=False).double()
    conv = nn.Conv2d(c_in, c_out, kernel, bias=bias).double()
    taps, mix = depth.weight.detach()[:, 0], point.weight.detach()[..., 0, 0]
    with torch.no_grad():
        conv.weight.copy_(mix[:, :, None, None] * (taps[:, None] if pointwise_first else taps[None]))
    found = nearest_separable(conv, pointwise_first)
    assert list(dict(found.module.named_children())) == (
        ["pointwise", "depthwise"] if pointwise_first else ["depthwise", "pointwise"]
    )
    assert found.exact
    assert found.energy == pytest.approx(1)
    x = torch.randn(2, c_in, 5, 4, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(found.module(x), conv(x))
        if not bias:
            torch.testing.assert_close(conv(x), depth(point(x)) if pointwise_first else point(depth(x)))


@QUICK
@given(SMALL, SMALL, st.sampled_from((1, 2, 3)), st.booleans(), st.integers(0, 99))
def test_no_depthwise_separable_convolution_is_nearer(c_in, c_out, kernel, pointwise_first, seed):
    conv = nn.Conv2d(c_in, c_out, kernel, padding=1, stride=2).double()
    weight = conv.weight.detach().numpy()
    found = nearest_separable(conv, pointwise_first)
    axis = 0 if pointwise_first else 1
    each = [np.take(weight, c, axis) for c in range(weight.shape[axis])]
    ranks = [np.linalg.matrix_rank(one.reshape(len(one), -1)) for one in each]
    assert list(found.ranks) == ranks
    assert found.exact == (max(ranks) <= 1)
    lost = ((weight - found.weight) ** 2).sum()
    assert lost == pytest.approx((1 - found.energy) * (weight**2).sum(), abs=1e-12)
    drawn = np.random.default_rng(seed)
    layers = dict(found.module.named_children())
    depth, point = (layers[name].weight.detach().numpy() for name in ("depthwise", "pointwise"))
    shaken = depth[:, 0] + 0.05 * drawn.standard_normal(depth[:, 0].shape)
    rival = point * (shaken[:, None] if pointwise_first else shaken[None])
    assert ((weight - rival) ** 2).sum() >= lost - 1e-12
    x = torch.randn(1, c_in, 5, 4, dtype=torch.float64)
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(found.weight))
        # The bias of a 1x1 that comes first would be padded away.
        torch.testing.assert_close(found.module(x), conv(x))


def test_a_grouped_layer_has_no_nearest_separable_one():
    with pytest.raises(OperatorError, match="without groups"):
        nearest_separable(nn.Conv2d(4, 4, 3, groups=2))


@QUICK
@given(SMALL, SMALL, SMALL, st.booleans(), st.sampled_from(("zeros", "circular")))
def test_grouped_is_split_convolve_concatenate(groups, each_in, each_out, bias, padding_mode):
    grouped = nn.Conv2d(
        groups * each_in, groups * each_out, 3, 1, 1, groups=groups, bias=bias, padding_mode=padding_mode
    )
    grouped, x = grouped.double(), torch.randn(2, groups * each_in, 5, 4, dtype=torch.float64)
    split = split_groups(grouped)
    assert isinstance(split, SplitConvolution)
    assert len(split.parts) == groups
    with torch.no_grad():
        torch.testing.assert_close(split(x), grouped(x))
    assert sum(p.numel() for p in split.parameters()) == sum(p.numel() for p in grouped.parameters())


@QUICK
@given(SMALL, SMALL)
def test_a_channel_shuffle_is_a_permutation(groups, each):
    channels = groups * each
    order = shuffle_order(channels, groups)
    assert sorted(order) == list(range(channels))
    assert order == [o % groups * each + o // groups for o in range(channels)]


def test_a_shuffle_lets_every_channel_meet_every_other():
    grouped = [nn.Conv2d(8, 8, 1, groups=2) for _ in range(2)]
    apart = channel_picture(nn.Sequential(*grouped), (1, 8, 3, 3))
    shuffled = channel_picture(nn.Sequential(grouped[0], nn.ChannelShuffle(2), grouped[1]), (1, 8, 3, 3))
    assert (apart > 0).mean() == 0.5
    assert (shuffled > 0).all()
    with pytest.raises(OperatorError, match="do not divide"):
        shuffle_order(8, 3)


@QUICK
@given(SMALL, SMALL, SMALL, st.booleans(), st.booleans())
def test_two_1x1_in_a_row_are_one(c_in, middle, c_out, first_bias, second_bias):
    first = nn.Conv2d(c_in, middle, 1, bias=first_bias).double()
    second = nn.Conv2d(middle, c_out, 1, bias=second_bias).double()
    merged, x = merge_pointwise(first, second), torch.randn(2, c_in, 3, 2, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(merged(x), second(first(x)))
    product = linear_operator(second, (1, middle, 3, 2)) @ linear_operator(first, (1, c_in, 3, 2))
    assert linear_operator(merged, (1, c_in, 3, 2)).matrix == pytest.approx(product.matrix)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (nn.Conv2d(2, 3, 1), nn.Conv2d(4, 2, 1), "make them equal"),
        (nn.Conv2d(2, 3, 3), nn.Conv2d(3, 2, 1), "Only two 1×1"),
        (nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1, stride=2), "Only two 1×1"),
        (nn.Conv2d(2, 2, 1), nn.ReLU(), "Only two 1×1"),
    ],
)
def test_what_is_not_one_1x1_is_told(first, second, says):
    with pytest.raises(OperatorError, match=says):
        merge_pointwise(first, second)
