"""Moving the picture: exact where theory says so, nearly where it does not, and the cure."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import nn

from models import networks
from models.device import one_thread
from models.drawings import draw
from models.maps.attribution import scores
from models.maps.equivariance import (
    EquivarianceError,
    antialiased,
    circular,
    curves,
    distinct_positions,
    equivariance,
    forgotten_shifts,
    invariance,
    moved,
    outline,
    standing,
    unpool_round_trip,
)
from models.maps.filters import kernel, layer
from models.networks import prepare
from models.networks.small import CLASSES, blur_pool
from models.picture import to_tensor
from models.sources import PICTURES


@pytest.fixture(autouse=True)
def _alone():
    with one_thread():
        yield


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def photo(side=64):
    picture = cv2.imread(str(PICTURES / "cat.png"))[..., ::-1]
    return to_tensor(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA))


def errors(module, x, name, values, motion="shift"):
    return [point.error for point in equivariance(module, x, name, values, motion)]


# -- motions


def test_shifts_are_rolls():
    x = noise(1, 2, 5, 7)
    for by in (-9, -1, 0, 3, 7):
        torch.testing.assert_close(moved(x, "shift", by), torch.roll(x, by, -1))
    half = (moved(x, "shift", 2) + moved(x, "shift", 3)) / 2
    torch.testing.assert_close(moved(x, "shift", 2.5), half)


def test_rotation_by_quarters_is_exact_and_between_them_is_scipy_s():
    x = noise(1, 1, 12, 12)
    for turns in range(-1, 5):
        torch.testing.assert_close(moved(x, "rotate", 90 * turns), torch.rot90(x, turns, (2, 3)))
    theirs = ndimage.rotate(x[0, 0].numpy(), 30, reshape=False, order=1, mode="mirror")
    np.testing.assert_allclose(moved(x, "rotate", 30)[0, 0].numpy(), theirs, atol=1e-9)


def test_scaling_keeps_the_middle():
    x = torch.zeros(1, 1, 11, 11)
    x[0, 0, 5, 5] = x[0, 0, 5, 7] = 1
    larger = moved(x, "scale", 2.0)
    assert larger[0, 0, 5, 5] == 1
    assert larger[0, 0, 5, 9] == 1
    torch.testing.assert_close(moved(x, "scale", 1.0), x)


# -- shift: what commutes


@given(
    kernel_size=st.integers(1, 5), dilation=st.integers(1, 2), channels=st.integers(1, 3), by=st.integers(-20, 20),
    groups=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=40)
def test_stride_1_with_circular_padding_commutes_with_every_shift(kernel_size, dilation, channels, by, groups, seed):
    torch.manual_seed(seed)
    conv = nn.Conv2d(
        channels, 2 * channels, kernel_size, padding="same", dilation=dilation, padding_mode="circular",
        groups=channels if groups else 1, dtype=torch.float64,
    )  # fmt: skip
    net = nn.Sequential(conv, nn.ReLU())
    (point,) = equivariance(net, noise(1, channels, 14, 12, seed=seed), "1", [by])
    assert point.exact
    assert point.error < 1e-12


@given(stride=st.integers(2, 4), by=st.integers(-12, 12), pool=st.booleans())
@settings(max_examples=30)
def test_stride_commutes_with_its_multiples_alone(stride, by, pool):
    torch.manual_seed(0)
    down = nn.MaxPool2d(stride) if pool else nn.Conv2d(1, 3, 3, stride, 1, padding_mode="circular", dtype=torch.float64)
    (point,) = equivariance(nn.Sequential(down), noise(1, 1, 24, 24), "0", [by])
    assert point.exact == (by % stride == 0)
    if point.exact:
        assert point.error < 1e-12
    else:
        assert point.error > 0.05  # noise has all the detail there is


def test_zero_padding_breaks_it_at_the_border_and_circular_mends_it():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 1, 1), nn.Conv2d(4, 4, 5, padding=2))
    x = noise(1, 3, 20, 20).float()
    assert min(errors(net, x, "3", [3, 7])) > 0.1
    point = next(iter(equivariance(net, x, "3", [7])))
    difference = np.abs(point.found - point.expected).max(0)
    assert difference[4:-4, 11:-4].max() < 1e-5  # 1 + 1 + 2 units from each border, and from the seam at column 7
    assert max(errors(circular(net), x, "3", [3, 7, -2])) < 1e-6
    assert net[0].padding_mode == "zeros"
    assert circular(net)[0].weight.data_ptr() == net[0].weight.data_ptr()


@pytest.mark.parametrize("name", ["small", "small_antialiased"])
def test_the_curve_returns_to_zero_at_each_multiple_of_the_jump(name):
    net = circular(networks.load(name, pretrained=True))
    curve = errors(net, photo(), "relu4", range(9))
    assert curve[0] < 1e-6
    assert curve[8] < 1e-5
    assert min(curve[1:8]) > 0.01


def test_an_expected_map_is_the_moved_one():
    point = next(iter(equivariance(nn.Sequential(nn.MaxPool2d(2)), noise(1, 1, 8, 8), "0", [2])))
    still = nn.MaxPool2d(2)(noise(1, 1, 8, 8))[0].numpy()
    np.testing.assert_allclose(point.expected, np.roll(still, 1, -1))
    assert point.invariance > 0.5


# -- the cure


def test_blur_pool_is_zhang_s():
    np.testing.assert_allclose(blur_pool(1).weight[0, 0], np.outer([1, 2, 1], [1, 2, 1]) / 16)
    np.testing.assert_allclose(blur_pool(2, taps=5).weight[1, 0, 2], np.array([1, 4, 6, 4, 1]) * 6 / 256)
    assert tuple(blur_pool(3)(torch.ones(1, 3, 9, 12)).shape) == (1, 3, 5, 6)
    with pytest.raises(ValueError, match="odd number"):
        blur_pool(1, taps=4)


@pytest.mark.parametrize(("stride", "taps"), [(2, 3), (2, 5), (3, 3), (4, 7)])
def test_means_of_two_are_the_binomial_blur(stride, taps):
    torch.manual_seed(0)
    dense = nn.Conv2d(2, 3, 3, padding=1)
    strided = nn.Conv2d(2, 3, 3, stride, padding=1)
    strided.load_state_dict(dense.state_dict())
    x = torch.randn(1, 2, 19, 16)
    wanted = blur_pool(3, stride, taps, "replicate")(dense(x))
    torch.testing.assert_close(antialiased(nn.Sequential(strided), taps)(x), wanted)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.Conv2d(3, 3, 3, 2, 1)])
def test_blurring_before_subsampling_brings_maps_nearer_to_commuting(pool):
    torch.manual_seed(0)
    for x in (photo(), noise(1, 3, 32, 32).float()):
        plain, cured = (circular(n) for n in (nn.Sequential(pool), antialiased(nn.Sequential(pool))))
        name = [n for n, _ in cured.named_modules() if n][-1]
        before, after = errors(plain, x, "0", [1])[0], errors(cured, x, name.split(".")[0], [1])[0]
        assert after < 0.6 * before


def test_the_trained_twin_is_steadier_than_the_plain_network():
    plain, cured = (circular(networks.load(n, pretrained=True)) for n in ("small", "small_antialiased"))
    x = torch.cat([to_tensor(draw(c, 64, 7)) for c in CLASSES])
    told = {}
    for name, net in (("plain", plain), ("cured", cured)):
        told[name] = np.mean([errors(net, one, "relu4", [1, 2, 3, 5]) for one in x.split(1)])
    assert told["cured"] < 0.6 * told["plain"]


@pytest.mark.parametrize(
    ("name", "size"), [("resnet18", (64, 80)), ("squeezenet1_1", (67, 71)), ("mobilenet_v2", (65, 64))]
)
def test_antialiasing_keeps_every_size(name, size):
    net, x = networks.load(name), torch.zeros(1, 3, *size)
    cured = antialiased(net)
    assert not any(isinstance(m, nn.MaxPool2d) and m.stride not in (1, (1, 1)) for m in cured.modules())
    layers = [n for n, m in net.named_modules() if isinstance(m, (nn.Conv2d, nn.MaxPool2d))]
    ours, theirs = networks.feature_maps(cured, x, layers), networks.feature_maps(net, x, layers)
    assert [tuple(v.shape) for v in ours.values()] == [tuple(v.shape) for v in theirs.values()]
    before = {id(p) for p in net.parameters()}
    assert {id(p) for p in cured.parameters()} >= before


def test_an_antialiased_network_can_be_traced():
    net = antialiased(networks.load("resnet18"))
    (point,) = equivariance(circular(net), photo(), "layer1", [4])
    assert point.exact
    assert point.error < 1e-4


# -- rotation and scale


def test_a_kernel_that_looks_alike_from_all_sides_commutes_with_quarter_turns():
    x = to_tensor(cv2.imread(str(PICTURES / "camera.png"))[::2, ::2], colour=False)
    round_, slanted = (nn.Sequential(layer(kernel(n), 1, "reflect")) for n in ("gaussian", "sobel"))
    assert max(errors(round_, x, "0", [90, 180, 270], "rotate")) < 1e-5
    found = errors(slanted, x, "0", [0, 90, 180], "rotate")
    assert found[0] < 1e-6
    assert found[1] > 0.5
    assert found[2] == pytest.approx(2, abs=1e-3)  # half a turn changes every sign
    nearly = errors(round_, x, "0", [20], "rotate")[0]
    assert nearly < 0.1


def test_a_gradient_magnitude_knows_no_direction_but_a_scale():
    x = to_tensor(cv2.imread(str(PICTURES / "camera.png"))[::2, ::2], colour=False)
    blur = nn.Sequential(layer(kernel("gaussian", 9), 1, "reflect"))
    one, two, four = errors(blur, x, "0", [1.0, 1.25, 2.0], "scale")
    assert one < 1e-6
    assert one < two < four


# -- invariance of the score


def test_scores_of_a_global_mean_do_not_notice_shifts():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip
    found = list(invariance(net, noise(1, 1, 16, 16).float(), 1, [0, 1, 5, 8]))
    for point in found:
        assert point.score == pytest.approx(found[0].score, abs=1e-5)
    (map_,) = equivariance(net, noise(1, 1, 16, 16).float(), "1", [5])
    assert map_.error < 1e-6  # the map moves along,
    assert map_.invariance > 0.5  # the score does not


def test_the_twin_s_scores_waver_less():
    waver = {}
    for name in ("small", "small_antialiased"):
        net = circular(networks.load(name, pretrained=True))
        waver[name] = []
        for number, drawn in enumerate(CLASSES):
            x = prepare(name, draw(drawn, 64, 11, centre=(32, 32), radius=14)).x
            waver[name].append(np.std([p.probability for p in invariance(net, x, number, range(8))]))
    assert np.mean(waver["small_antialiased"]) < 0.6 * np.mean(waver["small"])


def test_the_small_network_keeps_its_opinion_while_the_drawing_moves():
    net = networks.load("small", pretrained=True)
    x = prepare("small", draw("star", 64, 3, centre=(32, 20), radius=14)).x
    found = list(invariance(net, x, CLASSES.index("star"), range(0, 24, 4)))
    assert [p.top for p in found] == [CLASSES.index("star")] * 6


def test_curves_are_both_from_one_pass():
    net, x, passes = networks.load("small", pretrained=True), photo(), []
    values = [0, 1, 2.5, 8, 3, 4, 5, 6, 7]
    found = list(curves(net, x, 3, ["relu1", "pool2"], values))
    for at, name in enumerate(("relu1", "pool2")):
        assert [points[at].error for _, points in found] == pytest.approx(errors(net, x, name, values), abs=1e-5)
    alone = [scores(net, moved(x, "shift", value)) for value in values]
    assert [told.top for told, _ in found] == [ranking[0].number for ranking in alone]
    wanted = [next(one.probability for one in ranking if one.number == 3) for ranking in alone]
    assert [told.probability for told, _ in found] == pytest.approx(wanted, abs=1e-5)
    counted = nn.Sequential(net)
    counted.register_forward_hook(lambda _net, args, _answer: passes.append(len(args[0])))
    list(curves(counted, x, 3, ["0.relu1"], values))
    assert sum(passes) == 1 + len(values)
    assert len(passes) < len(values)


def test_an_outline_is_that_of_a_pass():
    net, x = circular(networks.load("resnet18")), photo()
    known = outline(circular(networks.skeleton("resnet18")), x.shape)
    seen = networks.survey(net, x)
    assert (known.survey.shapes, known.survey.calls) == (seen.shapes, seen.calls)
    still, plain = standing(net, x, ["layer1.0.relu"], known), standing(net, x, ["layer1.0.relu"])
    assert still.grids == plain.grids
    np.testing.assert_array_equal(still.maps["layer1.0.relu"], plain.maps["layer1.0.relu"])


# -- what pooling forgets


def test_positions_that_a_pooling_cannot_tell_apart():
    blocks = distinct_positions(nn.MaxPool2d(2), (4, 4))
    np.testing.assert_array_equal(blocks, np.kron([[0, 1], [2, 3]], np.ones((2, 2))))
    overlapping = distinct_positions(nn.MaxPool2d(2, 1), (4, 4))
    assert len(np.unique(overlapping)) == 16
    assert not distinct_positions(nn.AdaptiveMaxPool2d(1), (5, 3)).any()
    assert not distinct_positions(nn.AdaptiveAvgPool2d(1), (5, 3)).any()
    assert len(np.unique(distinct_positions(nn.AvgPool2d(3), (9, 9)))) == 9


def test_forgotten_shifts():
    x = torch.zeros(1, 1, 12, 12)
    x[0, 0, 4, 4] = 1  # upper left in its window: it may move right and down by one
    told = forgotten_shifts(nn.MaxPool2d(2), x, 2)
    assert told.count == 4
    assert told.of == 25
    assert told.same[2:4, 2:4].all()
    assert forgotten_shifts(nn.MaxPool2d(2, 1), x, 2).count == 1
    assert forgotten_shifts(nn.AdaptiveMaxPool2d(1), x, 2).count == 25
    assert forgotten_shifts(nn.MaxPool2d(3), x, 2).count == 9


@given(
    channels=st.integers(1, 3), height=st.integers(4, 13), width=st.integers(4, 13), kernel_size=st.integers(1, 4),
    stride=st.integers(1, 4), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=60)
def test_unpooling_puts_maxima_back_where_they_were(channels, height, width, kernel_size, stride, seed):
    x = noise(1, channels, height, width, seed=seed)
    trip = unpool_round_trip(x, kernel_size, stride)
    planes = x[0].numpy()
    np.testing.assert_array_equal(trip.unpooled, np.where(trip.kept, planes, 0))
    again = unpool_round_trip(torch.from_numpy(np.abs(planes)), kernel_size, stride)
    twice = unpool_round_trip(torch.from_numpy(again.unpooled), kernel_size, stride)
    np.testing.assert_array_equal(twice.pooled, again.pooled)  # pooling what was unpooled gives the same
    assert 0 <= trip.lost < 1
    if kernel_size == stride:
        assert trip.kept.sum() == trip.pooled.size  # one from each window


def test_a22_unpooling():
    x = torch.tensor([[[4.0, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]]])
    trip = unpool_round_trip(x)
    np.testing.assert_array_equal(trip.pooled, [[[8, 8], [6, 8]]])
    np.testing.assert_array_equal(trip.unpooled, [[[0, 0, 8, 0], [0, 8, 0, 0], [0, 6, 0, 0], [0, 0, 0, 8]]])


# -- refusals


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: moved(noise(1, 1, 4, 4), "flip", 1), "no motion"),
        (lambda: moved(noise(1, 1, 4, 4), "scale", 0), "cannot be moved"),
        (lambda: moved(noise(1, 1, 4, 4), "shift", float("nan")), "cannot be moved"),
        (lambda: errors(networks.load("small"), photo(), "fc", [1]), "not with maps"),
        (lambda: errors(networks.load("small"), photo(), "gap", [1]), "no place of their own"),
        (lambda: list(invariance(networks.load("small"), photo(), 18, [1])), "no class 18"),
        (lambda: forgotten_shifts(nn.MaxPool2d(2), noise(1, 1, 4, 4), 2), "go round"),
        (lambda: distinct_positions(nn.MaxPool2d(2), (100, 100)), "too many"),
        (lambda: distinct_positions(nn.MaxPool2d(9), (4, 4)), "does not run through"),
        (lambda: antialiased(nn.MaxPool2d(2), 4), "odd number"),
        (lambda: antialiased(nn.MaxPool2d(2, (2, 1))), "one for both axes"),
        (lambda: unpool_round_trip(noise(1, 1, 4, 4), 9), "do not fit"),
        (lambda: unpool_round_trip(noise(1, 1, 4, 4), 2, 0), "do not fit"),
    ],
)
def test_one_sentence_for_what_cannot_be_asked(ask, words):
    with pytest.raises(EquivarianceError, match=words):
        ask()
