"""Checkerboards, their cures, and ways to enlarge a picture: measured figures against closed forms and papers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from models import upsampling as u
from models.learning import best_weights, bilinear_task
from models.operator import linear_operator

QUICK = settings(max_examples=40)
SETTING = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))


# -- unevenness -------------------------------------------------------------------------------------------------------


def test_unevenness_of_what_can_be_worked_out_by_hand():
    assert u.unevenness(np.full(6, 3.0), (2,)) == 0
    assert u.unevenness(np.array([1.0, -1, 1, -1]), (2,)) == 1
    # Counts 1, 2: mean² / mean square is 2.25 / 2.5.
    assert u.unevenness(np.array([1.0, 2, 1, 2]), (2,)) == pytest.approx(math.sqrt(0.1))
    assert u.unevenness(np.zeros(4), (2,)) == 0


def test_unevenness_multiplies_over_the_axes():
    line = np.array([1.0, 2] * 4)
    one, two = u.unevenness(line, (2,)), u.unevenness(np.outer(line, line), (2, 2))
    assert 1 - two**2 == pytest.approx((1 - one**2) ** 2)


def test_what_does_not_repeat_is_no_pattern():
    assert u.unevenness(np.random.default_rng(0).normal(size=(256, 256)), (2, 2)) < 0.02


def test_a_signal_shorter_than_a_period_is_refused():
    with pytest.raises(u.UpsamplingError, match="larger input"):
        u.unevenness(np.ones(2), (3,))


# -- overlap ----------------------------------------------------------------------------------------------------------


def test_the_classic_checkerboard():
    """Odena et al. 2016: kernel 3, stride 2: counts 1 and 2 on a line, 1, 2 and 4 in an image."""
    found = u.stacked([nn.ConvTranspose2d(1, 1, 3, stride=2)], (1, 1, 5, 5))[0]
    assert found.levels == (1, 2, 4)
    assert found.counts[2:4, 2:4].tolist() == [[4, 2], [2, 1]]
    assert found.figure == pytest.approx(math.sqrt(0.19))
    assert found.formula.value == pytest.approx(math.sqrt(0.19))
    assert found.formula.text == "√(1 − 3²/(3² + 1·1) · 3²/(3² + 1·1)) = 0.436"
    line = u.stacked([nn.ConvTranspose1d(1, 1, 3, stride=2)], (1, 1, 5))[0]
    assert line.counts.tolist() == [1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]


@QUICK
@given(st.data())
def test_overlap_counts_are_the_column_sums_of_the_structure_matrix(data):
    dims = data.draw(st.sampled_from((1, 2)))
    kernel, stride, dilation = zip(*(data.draw(SETTING) for _ in range(dims)), strict=True)
    size = tuple(data.draw(st.integers(1, 6)) for _ in range(dims))
    extra = tuple(data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    rows = zip(size, stride, dilation, kernel, extra, strict=True)
    padding = tuple(data.draw(st.integers(0, ((w - 1) * s + d * (k - 1) + e) // 2)) for w, s, d, k, e in rows)
    cls = (nn.ConvTranspose1d, nn.ConvTranspose2d)[dims - 1]
    layer = cls(2, 4, kernel, stride, padding, extra, 2, dilation=dilation)
    found = u.stacked([layer], (1, 2, *size))[0]
    structure = (np.abs(linear_operator(layer, (1, 2, *size)).T.matrix) > 0).sum(axis=0)
    for channel in structure.reshape(4, *found.counts.shape):
        assert np.array_equal(channel, found.counts)
    outer = found.profiles[0] if dims == 1 else np.outer(*found.profiles)
    assert np.array_equal(outer, found.counts)
    for profile, predicted in zip(found.profiles, found.predicted, strict=True):
        assert np.array_equal(profile, predicted)


@QUICK
@given(st.lists(SETTING, min_size=1, max_size=2), st.integers(1, 9))
def test_uneven_exactly_where_the_kernel_is_not_divisible_by_the_stride(rows, size):
    kernel, stride, dilation = zip(*rows, strict=True)
    cls = (nn.ConvTranspose1d, nn.ConvTranspose2d)[len(rows) - 1]
    layer = cls(1, 1, kernel, stride, dilation=dilation)
    found = u.stacked([layer], (1, 1, *[size] * len(rows)))[0]
    assert found.figure == pytest.approx(found.formula.value, abs=1e-7)
    even = all(k % s == 0 and math.gcd(s, d) == 1 for k, s, d in rows)
    assert found.even == even == (found.formula.value == 0)


def test_the_interior_holds_no_border():
    found = u.stacked([nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)], (1, 1, 6, 6))[0]
    assert np.unique(found.counts[found.interior]).tolist() == [4]
    assert found.even
    assert [int(found.counts[i]) for i in ((0, 0), (0, 5), (5, 5), (11, 11))] == [1, 2, 4, 1]
    assert found.interior == (slice(2, 10), slice(2, 10))


def test_an_input_too_small_for_an_interior_is_measured_on_a_larger_one():
    found = u.stacked([nn.ConvTranspose2d(1, 1, 3, stride=2)], (1, 1, 1, 1))[0]
    assert found.interior is None
    assert found.figure == pytest.approx(math.sqrt(0.19))


def test_stacked_layers_compound_or_stay_even():
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2)
    uneven = u.stacked([layer] * 3, (1, 1, 10))
    figures = [found.figure for found in uneven]
    assert figures == sorted(figures)
    assert figures[0] < figures[-1]
    assert [found.period for found in uneven] == [(2,), (4,), (8,)]
    # The real layers with all weights 1 send a flat line to the same counts.
    x = torch.ones(1, 1, 10)
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    for found in uneven:
        x = layer(x).detach()
        assert found.counts.tolist() == x[0, 0].tolist() == found.predicted[0].tolist()
        inner = found.counts[found.interior]
        assert np.array_equal(inner[found.period[0] :], inner[: -found.period[0]])
    even = u.stacked([nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)] * 2, (1, 1, 5, 5))
    assert all(found.even for found in even)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (nn.ReLU(), "ReLU"),
        (nn.Conv2d(1, 1, 3), "Conv2d is not a transposed convolution"),
        (nn.ConvTranspose1d(1, 1, 3), "axes"),
    ],
)
def test_stacked_says_what_it_does_not_take(layer, says):
    with pytest.raises(u.UpsamplingError, match=says):
        u.stacked([layer], (1, 1, 4, 4))


# -- cures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", u.UPSAMPLERS)
def test_each_way_enlarges_exactly(name, scale):
    assert u.build_way(name, scale, 2)(torch.zeros(1, 2, 5, 6)).shape == (1, 2, 5 * scale, 6 * scale)


def test_what_each_cure_cures():
    found = {name: u.evenness(u.build_way(name, 2, 2, seed=1), (1, 2, 8, 8)) for name in u.UPSAMPLERS}
    assert found["transposed"].output.count_figure == pytest.approx(math.sqrt(0.19))
    for name in ("divisible", "resize", "shuffle", "shuffle_icnr"):
        assert found[name].output.count_figure == 0
    # Even counts are not enough: weights make the pattern too, unless neighbours share them.
    for name in ("transposed", "divisible", "shuffle"):
        assert found[name].output.flat_figure > 0.05
    for name in ("resize", "shuffle_icnr"):
        assert found[name].output.flat_figure < 1e-6
    assert found["shuffle_icnr"].output.noise_figure < 1e-6


def test_the_gradient_of_layers_that_shrink():
    found = {name: u.evenness(way.build(2, 1, 0), (1, 1, 16, 16)).gradient for name, way in u.DOWNSAMPLERS.items()}
    assert {side.period for side in found.values()} == {(2, 2)}
    assert found["strided"].count_figure == pytest.approx(math.sqrt(0.19))
    assert found["divisible"].count_figure == 0
    assert found["pooled"].count_figure == 0
    assert found["pooled"].flat_figure < 1e-6


def test_evenness_needs_a_linear_layer_with_an_interior():
    with pytest.raises(u.UpsamplingError, match="not linear"):
        u.evenness(nn.ReLU(), (1, 1, 8, 8))
    with pytest.raises(u.UpsamplingError, match="too small"):
        u.evenness(nn.ConvTranspose2d(1, 1, 7, stride=2, padding=3, output_padding=1), (1, 1, 1, 1))


def test_icnr_begins_as_nearest_neighbour_enlargement_of_one_convolution():
    """Aitken et al. 2017, section 3."""
    conv = nn.Conv2d(3, 2 * 9, 3, padding=1, bias=False)
    u.icnr_(conv.weight, 3)
    x = torch.randn(1, 3, 6, 7)
    shuffled = nn.PixelShuffle(3)(conv(x))
    small = F.conv2d(x, conv.weight[::9], padding=1)
    assert torch.allclose(shuffled, F.interpolate(small, scale_factor=3, mode="nearest"), atol=1e-6)
    assert float(conv.weight.detach().std()) > 0
    with pytest.raises(u.UpsamplingError, match="18"):
        u.icnr_(torch.empty(16, 3, 3, 3), 3)


def test_generators_show_it_and_the_cures_do_not():
    figures = {name: u.generate(u.generator(name), 8, 8).figure for name in u.UPSAMPLERS}
    for name in ("transposed", "divisible", "shuffle"):
        assert figures[name] > 0.3
    for name in ("resize", "shuffle_icnr"):
        assert figures[name] < 1e-5
    assert u.generate(u.generator("resize"), 8, 8).picture.shape == (64, 64)
    with pytest.raises(u.UpsamplingError, match="period"):
        u.generate(u.generator("resize"), 8, 4)


# -- bilinear, positions, rearrangement -------------------------------------------------------------------------------


def test_the_bilinear_kernel_of_the_literature():
    """Long et al. 2015: factor 2 has 1/16 · [1, 3, 3, 1]ᵀ[1, 3, 3, 1]."""
    line = torch.tensor([1.0, 3, 3, 1], dtype=torch.float64) / 4
    assert torch.equal(u.bilinear_kernel(2), torch.outer(line, line))
    assert u.bilinear_kernel(3)[2].tolist() == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])


@QUICK
@given(st.integers(1, 8), st.integers(1, 7), st.integers(1, 7), st.integers(0, 99))
def test_a_transposed_convolution_is_bilinear_interpolation_in_the_interior(scale, height, width, seed):
    found = u.bilinear_proof(np.random.default_rng(seed).normal(size=(height, width)), scale)
    assert found.difference.shape == (height * scale, width * scale)
    assert found.largest < 1e-12
    inner = np.zeros(found.difference.shape, bool)
    inner[found.interior] = True
    assert inner.any() or min(height, width) == 1
    # Outside, the kernel misses what interpolation repeats: the first corner always differs, if S > 1.
    assert scale == 1 or abs(found.difference[0, 0]) > 1e-12


@QUICK
@given(st.integers(1, 12), st.sampled_from((1.0, 1.5, 2.0, 3.0, 4.0)), st.booleans())
def test_sample_positions_are_those_of_the_layer(size, scale, align_corners):
    found = u.sample_positions(size, scale, align_corners)
    assert found.measured == pytest.approx(found.predicted, abs=1e-9)
    if align_corners and len(found.measured) > 1:
        assert (found.measured[0], found.measured[-1]) == (0, pytest.approx(size - 1))
        assert found.unclamped == pytest.approx(found.predicted)


def test_align_corners_by_hand():
    assert u.sample_positions(4, 2, False).measured.tolist() == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]
    aligned = u.sample_positions(4, 2, True)
    assert aligned.measured == pytest.approx(np.arange(8) * 3 / 7)
    assert aligned.spacing == pytest.approx(3 / 7)
    assert u.sample_positions(4, 2, False).spacing == pytest.approx(1 / 2)


@QUICK
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_pixel_shuffle_is_a_pure_rearrangement(out_channels, height, width, r):
    found = u.shuffle_map(out_channels * r * r, (height, width), r)
    assert all(np.array_equal(a, b) for a, b in zip(found.measured, found.predicted, strict=True))
    assert found.measured[0].shape == (out_channels, height * r, width * r)
    places = np.ravel_multi_index(found.measured, (out_channels * r * r, height, width))
    assert np.array_equal(np.sort(places.reshape(-1)), np.arange(places.size))


# -- on a picture -----------------------------------------------------------------------------------------------------


def picture(height=48, width=60, colours=3):
    """Something smooth with an edge, 0 to 1."""
    y, x = np.mgrid[:height, :width]
    planes = [0.5 + 0.3 * np.sin(x / 7 + c) * np.cos(y / 5) + 0.2 * (x > y) for c in range(colours)]
    return np.stack(planes, axis=-1).clip(0, 1)


def test_psnr_by_hand():
    assert u.psnr(np.zeros(4), np.full(4, 0.1)) == pytest.approx(20)
    assert u.psnr(np.ones(4), np.ones(4)) == math.inf


def test_what_differs_by_rounding_alone_is_equal():
    for one in u.compare(np.full((64, 64, 3), 128, np.uint8), 2, ["nearest", "transposed", "resize", "pixel_shuffle"]):
        assert (one.psnr, one.pattern) == (math.inf, 0), one.name


@pytest.mark.parametrize("scale", [2, 3])
def test_all_methods_on_one_picture(scale):
    image = picture()
    found = {c.name: c for c in u.compare(image, scale)}
    assert list(found) == list(u.METHODS)
    for one in found.values():
        assert one.image.shape == image.shape
        assert one.image - one.difference == pytest.approx(image)
    assert found["bilinear"].psnr > found["nearest"].psnr > found["max_unpool"].psnr
    # The learned layer has room for the fixed one's kernel (S even), or for a larger one: it cannot be worse.
    assert found["transposed"].psnr >= found["transposed_bilinear"].psnr
    assert found["pixel_shuffle"].psnr >= found["resize"].psnr - 1e-6
    assert found["transposed"].parameters == (2 * scale) ** 2
    assert found["pixel_shuffle"].parameters == 9 * scale**2
    low = (48 // scale) * (60 // scale)
    assert found["transposed"].macs == 3 * low * (2 * scale) ** 2
    assert found["pixel_shuffle"].macs == 3 * low * 9 * scale**2
    assert found["resize"].macs == 3 * low * scale**2 * 9
    assert found["nearest"].macs == found["max_unpool"].macs == 0


def test_interpolation_macs_are_the_entries_of_its_operator():
    for mode in ("bilinear", "bicubic"):
        (found,) = u.compare(picture(16, 20, 1)[..., 0], 2, [mode])
        layer = nn.Upsample(scale_factor=2.0, mode=mode, align_corners=False)
        assert found.macs == linear_operator(layer, (1, 1, 8, 10)).nnz


def test_max_unpooling_puts_the_maxima_back():
    image = picture(16, 16, 1)[..., 0]
    (found,) = u.compare(image, 2, ["max_unpool"])
    kept = found.image != 0
    assert np.array_equal(found.image[kept], image[kept])
    assert kept.sum() == 64


def test_pictures_that_do_not_fit_are_refused_in_one_sentence():
    for image, scale, says in [
        (np.zeros((4, 4)), 2, "too small"),
        (np.zeros((16, 16, 4)), 2, "convert"),
        (np.full((16, 16), np.nan), 2, "not numbers"),
        (np.zeros((2000, 2000)), 2, "1024"),
        (np.zeros((16, 16)), 0, "whole number"),
        (np.zeros((16, 16)), 1.5, "whole number"),
    ]:
        with pytest.raises(u.UpsamplingError, match=says):
            u.compare(image, scale)
    with pytest.raises(u.UpsamplingError, match="lanczos"):
        u.compare(picture(), 2, ["lanczos"])


def test_uint8_and_float_pictures_are_the_same_picture():
    small = (picture(16, 16) * 255).astype(np.uint8)
    a, b = (u.compare(image, 2, ["bilinear"])[0] for image in (small, small / 255))
    assert a.image == pytest.approx(b.image)
    assert u.as_image(u.as_batch(small)) == pytest.approx(small / 255)


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 7])
def test_a_kernel_holds_the_bilinear_one_exactly_when_it_can_learn_it(scale, kernel):
    kernel = max(scale, kernel)
    held, fits = u.bilinear_in(scale, kernel)
    layer = u.exact_transposed(scale, 1, kernel)
    least = best_weights(layer, *bilinear_task(scale, size=10, count=4), margin=scale)
    assert fits == (least < 1e-9)
    if fits:
        assert np.allclose(held, layer.weight.detach()[0, 0].numpy(), atol=1e-9)
    else:
        assert np.allclose(held, layer.weight.detach()[0, 0].numpy(), atol=0.15)
