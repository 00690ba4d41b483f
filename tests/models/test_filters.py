"""The filter bank: published kernels, OpenCV and SciPy as oracles."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from models import learning
from models.maps import filters
from models.maps.filters import FILTERS, FilterError, apply, compare, facts, gradient, kernel

RNG = np.random.default_rng(0)
NOISE = RNG.random((23, 31))


def photo(name="camera"):
    from models.sources import PICTURES

    return cv2.imread(str(PICTURES / f"{name}.png"))[..., ::-1]


# -- published numbers


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("sobel", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ("scharr", [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]]),
        ("prewitt", [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
        ("laplacian", [[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("emboss", [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
        ("box", [[1 / 9] * 3] * 3),
        ("identity", [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    ],
)
def test_kernels_are_the_published_ones(name, rows):
    np.testing.assert_allclose(kernel(name), rows, atol=1e-15)


def test_wide_sobel_is_opencv_s():
    np.testing.assert_array_equal(kernel("sobel", 5)[2], [-6, -12, 0, 12, 6])
    np.testing.assert_array_equal(kernel("sobel", 5)[0], [-1, -2, 0, 2, 1])


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_is_told_and_made_in_every_size(name):
    kind = FILTERS[name]
    assert kind.title
    assert kind.finds.endswith(".")
    assert kind.source
    assert kind.group in ("edges", "blur", "sharpen", "texture")
    for size in kind.sizes:
        made = kernel(name, size, angle=30)
        assert made.shape == (size, size)
        assert np.isfinite(made).all()
    total = {"edges": 0, "texture": 0, "blur": 1, "sharpen": 1}[kind.group]
    assert facts(kernel(name, angle=30)).total == pytest.approx(total, abs=1e-12)


def test_motion_blur_lies_on_its_line():
    np.testing.assert_allclose(kernel("motion", 5), np.outer([0, 0, 1, 0, 0], [1] * 5) / 5)
    np.testing.assert_allclose(kernel("motion", 5, angle=90), kernel("motion", 5).T, atol=1e-9)
    slanted = kernel("motion", 7, angle=45)  # counter-clockwise: from the lower left to the upper right
    assert np.fliplr(slanted).trace() > 0.9
    assert slanted[1, 1] == slanted[0, 0] == 0


def test_gabor_answers_to_its_own_stripes():
    y, x = np.mgrid[:41, :41]
    for angle in (0, 30, 45, 90, 135):
        a = np.radians(angle)
        stripes = np.cos(2 * np.pi * (np.cos(a) * x - np.sin(a) * y) / 6)
        found = [
            np.abs(apply(stripes, kernel("gabor", 15, angle=t, wavelength=6))[10:-10, 10:-10]).max()
            for t in (0, 30, 45, 90, 135)
        ]
        assert np.argmax(found) == (0, 30, 45, 90, 135).index(angle)


def test_log_is_scipy_s_up_to_its_mean():
    impulse = np.zeros((25, 25))
    impulse[12, 12] = 1
    theirs = ndimage.gaussian_laplace(impulse, 2.0, truncate=6)
    ours = kernel("log", 25, sigma=2.0)
    assert np.abs(ours - theirs).max() < 0.02 * np.abs(theirs).max()  # sampled against differences


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 200])
def test_a_turned_derivative_answers_to_its_direction(angle):
    y, x = np.mgrid[:9, :9].astype(float)
    a = np.radians(angle)
    ramp = np.cos(a) * x - np.sin(a) * y  # brighter towards the angle
    for name, gain in (("sobel", 8), ("scharr", 32), ("prewitt", 6)):
        assert apply(ramp, kernel(name, angle=angle))[4, 4] == pytest.approx(gain, rel=1e-5)
        assert apply(ramp, kernel(name, angle=angle + 90))[4, 4] == pytest.approx(0, abs=1e-4)


def test_facts():
    assert facts(kernel("sobel")) == filters.KernelFacts(0.0, 1, "negative")
    assert facts(kernel("gaussian", 5)) == filters.KernelFacts(pytest.approx(1), 1, "same")
    assert facts(kernel("laplacian")).rank == 2
    assert facts([[1, 4, 1], [1, 4, 3], [3, 3, 1]]) == filters.KernelFacts(21.0, 3, "different")
    assert facts(kernel("emboss")).flip == "different"


# -- against OpenCV


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("shape", [(17, 29), (64, 64, 3)])
def test_equal_to_opencv_inside_and_everywhere_with_reflection(name, shape):
    picture = RNG.random(shape)
    for size in {FILTERS[name].sizes[0], FILTERS[name].sizes[min(4, len(FILTERS[name].sizes) - 1)]}:
        made = kernel(name, size, angle=20)
        assert compare(picture, made, "zeros").agrees_inside
        assert compare(picture, made, "reflect", "reflect").agrees
        assert compare(picture, made, "zeros", "zeros").agrees
        assert compare(picture, made, "replicate", "replicate").agrees


def test_borders_that_are_not_each_other_s_differ_at_the_border_alone():
    made = kernel("gaussian", 5)
    for mode in filters.PADDING_MODES:
        for border in filters.BORDERS:
            told = compare(NOISE, made, mode, border)
            assert told.agrees_inside
            assert told.agrees == (mode == border)


def test_large_pictures_are_compared_in_float32():
    told = compare(RNG.random((700, 600, 3)), kernel("gaussian", 9), "reflect")
    assert told.dtype == "float32"
    assert told.agrees
    assert not compare(RNG.random((700, 600, 3)), kernel("gaussian", 9), "zeros").agrees


def test_a_photograph_in_uint8():
    told = compare(photo("astronaut"), kernel("sobel"), "reflect")
    assert told.agrees
    theirs = cv2.Sobel(photo("astronaut").astype(np.float32) / 255, cv2.CV_32F, 1, 0)
    np.testing.assert_allclose(apply(photo("astronaut"), kernel("sobel"), "reflect"), theirs, atol=1e-5)


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(-9, 9)),
    hnp.arrays(float, st.tuples(*[st.sampled_from([1, 3, 5])] * 2), elements=st.integers(-4, 4)),
)
@settings(max_examples=60)
def test_any_kernel_on_any_picture(picture, weights):
    from scipy import signal  # takes half a second of every worker's start

    correlated = apply(picture, weights, "zeros", torch.float64)
    np.testing.assert_allclose(correlated, signal.correlate2d(picture, weights, "same"), atol=1e-9)
    convolved = apply(picture, filters.flipped(weights), "zeros", torch.float64)
    np.testing.assert_allclose(convolved, signal.convolve2d(picture, weights, "same"), atol=1e-9)
    assert compare(picture, weights, "zeros", "zeros").agrees


def test_convolution_is_correlation_flipped():
    for name, sign in (("gaussian", 1), ("laplacian", 1), ("sobel", -1), ("prewitt", -1)):
        np.testing.assert_allclose(
            apply(NOISE, filters.flipped(kernel(name))), sign * apply(NOISE, kernel(name)), atol=1e-5
        )
    assert np.abs(apply(NOISE, filters.flipped(kernel("emboss"))) - apply(NOISE, kernel("emboss"))).max() > 1


def test_an_impulse_shows_the_kernel_flipped_by_correlation_and_upright_by_convolution():
    impulse = np.zeros((5, 5))
    impulse[2, 2] = 1
    np.testing.assert_allclose(apply(impulse, kernel("emboss"))[1:4, 1:4], kernel("emboss")[::-1, ::-1])
    np.testing.assert_allclose(apply(impulse, filters.flipped(kernel("emboss")))[1:4, 1:4], kernel("emboss"))


def test_several_kernels_in_one_layer():
    bank = [kernel("sobel"), kernel("sobel").T, kernel("laplacian")]
    made = filters.layer(bank, channels=3, padding_mode="reflect", dtype=torch.float64)
    assert tuple(made.weight.shape) == (9, 1, 3, 3)
    picture = RNG.random((12, 15, 3))
    out = made(torch.from_numpy(picture).permute(2, 0, 1)[None])[0].numpy()
    for channel in range(3):
        for number, one in enumerate(bank):
            theirs = cv2.filter2D(picture[..., channel].copy(), cv2.CV_64F, one)
            np.testing.assert_allclose(out[3 * channel + number], theirs, atol=1e-12)


# -- ReLU, gradients


def test_relu_takes_the_negative_part_away():
    told = filters.respond(photo(), kernel("sobel"))
    np.testing.assert_array_equal(told.rectified, np.maximum(told.output, 0))
    assert told.negative == pytest.approx((told.output < 0).mean())
    both = told.rectified - filters.respond(photo(), -kernel("sobel")).rectified
    np.testing.assert_allclose(both, told.output, atol=1e-6)  # the other half needs the opposite filter


@pytest.mark.parametrize("name", ["sobel", "scharr", "laplacian"])
def test_rounding_of_flat_regions_is_not_below_zero(name):
    whole = np.rint(photo() @ (0.299, 0.587, 0.114))
    exact = cv2.filter2D(whole, -1, kernel(name), borderType=cv2.BORDER_REFLECT_101)  # whole numbers: no rounding
    told = filters.respond((whole / 255).astype(np.float32), kernel(name), "reflect")
    assert told.negative == (exact < 0).mean()
    np.testing.assert_array_equal(told.output == 0, exact == 0)


@pytest.mark.parametrize("size", [3, 5])
def test_gradient_is_opencv_s(size):
    grey = cv2.cvtColor(photo("cat"), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    found = gradient(grey, "sobel", size)
    x, y = (cv2.Sobel(grey, cv2.CV_32F, dx, 1 - dx, ksize=size) for dx in (1, 0))
    np.testing.assert_allclose(found.x, x, atol=1e-4)
    np.testing.assert_allclose(found.y, y, atol=1e-4)
    magnitude, angle = cv2.cartToPolar(x, y, angleInDegrees=True)
    np.testing.assert_allclose(found.magnitude, magnitude, atol=1e-4)
    steep = magnitude > 0.1
    turn = (found.angle + angle)[steep] % 360  # OpenCV counts clockwise on the screen
    assert np.minimum(turn, 360 - turn).max() < 0.5


@given(st.floats(0, 359), st.sampled_from(["sobel", "scharr", "prewitt"]))
@settings(max_examples=30)
def test_the_angle_points_to_where_it_gets_brighter(angle, name):
    y, x = np.mgrid[:7, :7].astype(float)
    a = np.radians(angle)
    found = gradient(np.cos(a) * x - np.sin(a) * y, name)
    turn = abs(found.angle[3, 3] - angle)
    assert min(turn, 360 - turn) < 0.01


def test_a_flat_picture_has_no_slope():
    found = gradient(np.full((9, 9, 3), 0.3))
    assert found.magnitude.max() < 1e-5
    assert not found.angle.any()


# -- learning a kernel


@pytest.mark.parametrize("name", ["sobel", "gaussian"])
def test_a_convolution_finds_the_kernel_again(name):
    inputs, targets = filters.task(photo("camera"), kernel(name))
    learner = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False)
    assert learning.best_weights(learner, inputs, targets, margin=1) < 1e-20
    np.testing.assert_allclose(learner.weight[0, 0].detach(), kernel(name), atol=1e-6)
    steps = list(learning.train(learner, inputs, targets, steps=150, lr=0.1, margin=1, every=150))
    assert steps[-1].loss < 0.02 * steps[0].loss


def test_noise_is_a_floor_under_the_loss():
    inputs, targets = filters.task(photo("camera"), kernel("laplacian"), noise=0.5)
    learner = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False)
    floor = learning.best_weights(learner, inputs, targets, margin=1)
    clean = filters.task(photo("camera"), kernel("laplacian"))[1]
    assert floor == pytest.approx(float((0.5 * clean.std()) ** 2), rel=0.05)


# -- refusals


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: kernel("sobbel"), "no filter called 'sobbel'"),
        (lambda: kernel("sobel", 4), "Sobel does not come in size 4: use 3, 5, 7"),
        (lambda: kernel("gaussian", 33), "odd sizes up to 31"),
        (lambda: kernel("gaussian", 5, sigma=0), "sigma 0"),
        (lambda: kernel("gabor", 5, wavelength=float("nan")), "wavelength"),
        (lambda: filters.as_kernel([[1, 2], [3]]), "rows of one length"),
        (lambda: filters.as_kernel([[1, float("inf")]]), "must hold a number"),
        (lambda: filters.as_kernel(np.ones((33, 3))), "1 to 31 rows"),
        (lambda: apply(NOISE, np.ones((2, 3))), "has no middle"),
        (lambda: apply(np.ones((1, 1)), kernel("sobel"), "reflect"), "use zeros or replicate"),
        (lambda: apply(np.ones((2, 2)), kernel("box", 7), "circular"), "use zeros or replicate"),
        (lambda: apply(np.ones((3000, 3000)), kernel("sobel")), "too many"),
        (lambda: apply(np.ones(3), kernel("sobel")), "shape"),
        (lambda: apply(NOISE, kernel("sobel"), "mirror"), "no padding mode"),
        (lambda: compare(NOISE, kernel("sobel"), border="circular"), "no border"),
        (lambda: filters.task(np.ones((5, 9)), kernel("box")), "too small to learn"),
        (lambda: gradient(NOISE, "box"), "no pair of derivatives"),
    ],
)
def test_one_sentence_for_what_cannot_be_done(ask, words):
    with pytest.raises(FilterError, match=words):
        ask()


def test_one_pixel_and_a_thin_picture():
    assert apply(np.ones((1, 1)), kernel("sobel")).shape == (1, 1)
    assert apply(np.ones((1, 500)), kernel("gaussian", 31), "replicate").shape == (1, 500)
    assert compare(np.ones((1, 1)), kernel("box"), "zeros", "zeros").interior is None
