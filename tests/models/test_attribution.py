"""Scores and what they hang on, each held against something that is known."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from models import networks
from models.device import one_thread
from models.drawings import draw
from models.maps import attribution
from models.maps.attribution import (
    AttributionError,
    grad_cam,
    gradient,
    last_maps,
    occlusion,
    rank_correlation,
    reasons,
    saliency,
    sanity_check,
    scores,
)
from models.networks import class_names, prepare
from models.networks.small import CLASSES


@pytest.fixture(autouse=True)
def _alone():
    with one_thread():
        yield


def drawing(name="star", centre=(20, 42), radius=13, seed=5):
    return prepare("small", draw(name, 64, seed, centre=centre, radius=radius)).x


def small():
    return networks.load("small", pretrained=True)


class Sums(nn.Module):
    """Class 0: the sum of the upper left quarter; class 1: minus the sum of the rest. Linear, so all is known."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        quarter = x[:, :, : x.shape[2] // 2, : x.shape[3] // 2].sum((1, 2, 3))
        return self.scale * torch.stack([quarter, quarter - x.sum((1, 2, 3))], 1)


# -- scores


def test_scores_are_the_softmax_of_the_answer():
    told = scores(small(), drawing(), class_names("small"))
    assert told[0].name == "star"
    assert [s.score for s in told] == sorted((s.score for s in told), reverse=True)
    assert sum(s.probability for s in told) == pytest.approx(1)
    assert {s.name for s in told} == set(CLASSES)
    answer = small()(drawing())[0]
    for s in told:
        assert s.score == pytest.approx(float(answer[s.number]))
        assert s.probability == pytest.approx(float(answer.softmax(0)[s.number]))
    assert len(scores(small(), drawing(), k=3)) == 3


def test_torchvision_s_classes_have_names():
    names = class_names("resnet18")
    assert len(names) == 1000
    assert names[281] == "tabby"
    assert names[0] == "tench"


# -- occlusion


def test_occlusion_of_a_linear_network_is_what_it_covers():
    x = torch.rand(1, 2, 12, 16, dtype=torch.float64)
    last = None
    for state in occlusion(Sums().double(), x, 0, patch=4, stride=4, fill="black", batch=5):
        assert last is None or state.done > last.done
        last = state
    assert last.done == last.total == 3 * 4
    for i, top in enumerate(last.tops):
        for j, left in enumerate(last.lefts):
            covered = x[0, :, top : min(top + 4, 6), left : min(left + 4, 8)].sum() if top < 6 and left < 8 else 0
            assert last.drops[i, j] == pytest.approx(float(covered), abs=1e-9)
            assert last.heat[top, left] == pytest.approx(last.drops[i, j])


@pytest.mark.parametrize(("side", "patch", "stride"), [((13, 17), 5, 3), ((7, 7), 7, 7), ((10, 4), 1, 1)])
def test_every_pixel_is_covered_and_no_cover_leaves_the_picture(side, patch, stride):
    state = list(occlusion(Sums(), torch.ones(1, 1, *side), 0, patch=patch, stride=stride))[-1]
    assert np.isfinite(state.heat).all()
    assert state.heat.shape == side
    for places, length in ((state.tops, side[0]), (state.lefts, side[1])):
        assert places[0] == 0
        assert places[-1] + patch == length


def test_covering_the_star_costs_its_score():
    state = list(occlusion(small(), drawing(), patch=14, stride=6))[-1]
    assert CLASSES[state.target] == "star"
    row, column = np.unravel_index(np.argmax(state.heat), state.heat.shape)
    assert np.hypot(row - 20, column - 42) < 16
    inside = state.heat[10:31, 32:53].mean()
    assert inside > 4 * abs(state.heat[40:, :20]).mean()


def test_half_done_occlusion_knows_what_it_does_not_know():
    first = next(occlusion(small(), drawing(), batch=4))
    assert first.done == 4
    assert np.isnan(first.heat[-1, -1])
    assert np.isfinite(first.drops).sum() == 4


@pytest.mark.parametrize("fill", attribution.FILLS)
def test_covers(fill):
    x = torch.rand(1, 3, 24, 24)
    state = list(occlusion(Sums(), x, 1, patch=8, stride=8, fill=fill))[-1]
    assert np.isfinite(state.drops).all()
    flat = torch.full((1, 3, 24, 24), 0.5)
    if fill != "black":  # a flat picture is its own mean, and its own blur
        np.testing.assert_allclose(list(occlusion(Sums(), flat, 1, fill=fill))[-1].drops, 0, atol=1e-3)


# -- gradients


def test_gradient_is_the_finite_difference():
    net, x = small(), drawing()
    slope = gradient(net, x, 3)
    assert slope.shape == (3, 64, 64)
    step = 1e-3
    # Not networks.private_copy, whose weights are the network's own.
    double = copy.deepcopy(net).double()
    for place in [(0, 20, 42), (1, 30, 30), (2, 5, 60)]:
        up, down = x.double().clone(), x.double().clone()
        up[(0, *place)] += step
        down[(0, *place)] -= step
        with torch.inference_mode():
            difference = float(double(up)[0, 3] - double(down)[0, 3]) / (2 * step)
        assert slope[place] == pytest.approx(difference, rel=0.05, abs=2e-3)


def test_gradient_of_a_linear_network():
    slope = gradient(Sums(), torch.rand(1, 2, 8, 8), 1)
    assert (slope[:, :4, :4] == 0).all()
    assert (slope[:, 4:] == -1).all()
    np.testing.assert_array_equal(saliency(Sums(), torch.rand(1, 2, 8, 8), 1)[4:], 1)


def test_pictures_and_weights_made_under_inference_mode_have_gradients():
    with torch.inference_mode():
        networks.clear()
        net, x = small(), drawing()
        assert np.abs(gradient(net, x)).max() > 0
        assert grad_cam(net, x).heat.max() > 0


# -- Grad-CAM


def test_grad_cam_adds_up_to_the_score():
    """With a mean and one linear layer behind the maps, Grad-CAM is CAM (Zhou et al. 2016): nothing is left over."""
    net, x = small(), drawing()
    for target in range(0, 18, 5):
        found = grad_cam(net, x, target, "relu4")
        maps = networks.feature_maps(net, x, ["relu4"])["relu4"][0]
        np.testing.assert_allclose(found.weights, net.fc.weight[target] / maps[0].numel(), rtol=1e-4, atol=1e-7)
        assert found.map.sum() + float(net.fc.bias[target]) == pytest.approx(found.score, abs=1e-3)


def test_one_pass_gives_gradient_and_grad_cam():
    net, x = small(), drawing()
    slopes, cam = reasons(net, x, 4)
    np.testing.assert_array_equal(slopes, saliency(net, x, 4))
    np.testing.assert_array_equal(cam.heat, grad_cam(net, x, 4).heat)


def test_grad_cam_points_at_the_star():
    found = grad_cam(small(), drawing())
    assert found.layer == "relu4"
    assert CLASSES[found.target] == "star"
    assert found.heat.shape == (64, 64)
    assert found.heat.min() >= 0
    row, column = np.unravel_index(np.argmax(found.heat), found.heat.shape)
    assert np.hypot(row - 20, column - 42) < 14


@pytest.mark.parametrize(
    ("name", "layer"),
    [("resnet18", "layer4"), ("squeezenet1_1", "classifier.2"), ("mobilenet_v3_small", "features"), ("vgg11", None)],
)
def test_grad_cam_of_torchvision_s_networks(name, layer):
    net, x = networks.load(name), torch.rand(1, 3, 96, 128)
    found = grad_cam(net, x, 7)
    if layer is not None:
        assert found.layer == layer
    assert found.heat.shape == (96, 128)
    assert np.isfinite(found.map).all()
    assert not any(m._forward_hooks for m in net.modules())
    networks.clear()


def test_the_layer_before_one_that_works_in_place():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    x = torch.randn(1, 3, 12, 12)
    before, after = grad_cam(net, x, 0, "0"), grad_cam(net, x, 0, "1")
    answer = net[0](x)[0]
    active = (answer > 0).float().mean((1, 2)) * net[4].weight[0] / 100
    np.testing.assert_allclose(before.weights, active.detach(), rtol=1e-4)
    np.testing.assert_allclose(after.weights, net[4].weight[0].detach() / 100, rtol=1e-4)
    assert last_maps(net, x) == "1"


# -- sanity


def test_rank_correlation_is_scipy_s():
    from scipy.stats import spearmanr  # takes half a second of every worker's start

    a, b = np.random.default_rng(0).random((2, 9, 9)).round(1)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic)
    assert rank_correlation(a, a) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a, np.ones((9, 9))) == 0


@pytest.mark.parametrize("method", attribution.METHODS)
def test_explanations_change_when_the_weights_are_drawn_anew(method):
    net, x = small(), drawing()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    steps = list(sanity_check(net, x, method, steps=3))
    assert steps[0].likeness == 1
    assert steps[0].layers == ()
    assert steps[-1].layers == ("fc", "conv4", "conv3", "conv2", "conv1")
    assert [s.done for s in steps] == [0, 2, 3, 5]
    assert abs(steps[-1].likeness) < 0.7
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_an_edge_detector_fails_the_check():
    """It explains nothing about the network, and the check says so."""
    steps = list(sanity_check(small(), drawing(), lambda net, x, target: x[0].std(0).numpy(), steps=2))
    assert all(s.likeness == pytest.approx(1) for s in steps)


# -- refusals, threads


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: scores(small(), drawing(), ["a"]), "1 names for 18 classes"),
        (lambda: scores(nn.Conv2d(3, 2, 3), drawing()), "no class scores"),
        (lambda: scores(small(), torch.ones(1, 1, 64, 64)), "does not run through"),
        (lambda: scores(small(), torch.ones(64, 64)), "A picture is"),
        (lambda: gradient(small(), drawing(), 18), "no class 18"),
        (lambda: grad_cam(small(), drawing(), 0, "conv9"), "no layer 'conv9'"),
        (lambda: grad_cam(small(), drawing(), 0, "fc"), "no maps"),
        (lambda: next(occlusion(small(), drawing(), patch=65)), "does not fit"),
        (lambda: next(occlusion(small(), drawing(), patch=4, stride=5)), "does not fit"),
        (lambda: next(occlusion(small(), drawing(), fill="red")), "no cover"),
        (lambda: next(occlusion(Sums(), torch.ones(1, 1, 200, 200), patch=1, stride=1)), "too many"),
        (lambda: next(sanity_check(small(), drawing(), "guess")), "no method"),
        (lambda: next(sanity_check(nn.Flatten(), torch.ones(1, 1, 2, 2))), "nothing to draw anew"),
    ],
)
def test_one_sentence_for_what_cannot_be_asked(ask, words):
    with pytest.raises(AttributionError, match=words):
        ask()


def test_threads_on_one_network():
    net = small()
    inputs = [drawing(name) for name in ("star", "heart", "7", "ring")]

    def ask(x):
        with one_thread():
            heat = list(occlusion(net, x, patch=16, stride=16))[-1].heat
            return grad_cam(net, x).heat, saliency(net, x), heat

    alone = [ask(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        for found, one in zip(pool.map(ask, inputs * 2), alone * 2, strict=True):
            for a, b in zip(found, one, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
