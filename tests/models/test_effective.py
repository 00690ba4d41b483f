"""Gradient energy against what can be worked out by hand, and the laws of Luo et al. (2016)."""

import numpy as np
import pytest
import torch
from torch import nn

from models import networks
from models.effective import effective_receptive_field, effective_steps
from models.receptive_field import ReceptiveFieldError


def stack(depth, kernel=3, relu=False):
    layers = []
    for _ in range(depth):
        layers += [nn.Conv1d(1, 1, kernel), *([nn.ReLU()] if relu else [])]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_equal_weights_give_the_squared_repeated_box(depth):
    """Without ReLU the gradient of n equal 3-tap layers is the n-fold convolution of (1, 1, 1) / 3 with itself."""
    gradient = np.ones(1)
    for _ in range(depth):
        gradient = np.convolve(gradient, np.ones(3) / 3)
    field = effective_receptive_field(stack(depth), (1, 1, 41), weights="uniform", activations=False, n=2)
    (span,) = field.box
    expected = np.zeros(41)
    expected[span[0] : span[1] + 1] = gradient**2 / (gradient**2).sum()
    np.testing.assert_allclose(field.energy, expected, atol=1e-6)
    assert field.share_inside == pytest.approx(1)
    assert span[1] - span[0] + 1 == 2 * depth + 1


def test_width_grows_like_the_root_of_depth_and_the_box_like_depth():
    fields = {
        depth: effective_receptive_field(stack(depth), (1, 1, 140), weights="uniform", activations=False, n=1)
        for depth in (16, 64)
    }
    assert fields[64].sigma[0] / fields[16].sigma[0] == pytest.approx(2, rel=0.02)
    assert fields[64].half_width[0] / fields[16].half_width[0] == pytest.approx(2, rel=0.05)
    assert fields[64].ratio < fields[16].ratio < 1
    assert fields[64].theoretical.size == (129,)


def test_random_weights_average_to_the_variance_of_a_binomial():
    """The expected squared gradient of n random layers is the n-fold box itself: σ² = n · 2/3 (Luo et al.)."""
    wide = nn.Sequential(nn.Conv1d(1, 64, 3), *(nn.Conv1d(64, 64, 3) for _ in range(11)))
    field = effective_receptive_field(wide, (1, 1, 40), weights="random", activations=False, n=30)
    assert field.sigma[0] ** 2 == pytest.approx(12 * 2 / 3, rel=0.15)


def test_half_width_of_an_even_profile_is_a_quarter_of_its_length():
    field = effective_receptive_field(nn.AvgPool1d(8), (1, 1, 24), index=1, n=1)
    assert field.half_width[0] == pytest.approx(2)
    assert field.centre[0] == pytest.approx(11.5)
    assert (field.size, field.ratio) == (8, 1)


def test_relu_shuts_paths():
    net = nn.Sequential(nn.Conv1d(1, 1, 1), nn.ReLU())
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.fill_(-1e6)
    shut = effective_receptive_field(net, (1, 1, 9), n=2)
    assert shut.energy.sum() == 0
    assert (shut.sigma, shut.size, shut.half_width) == ((0.0,), 0, (0.0,))
    assert effective_receptive_field(net, (1, 1, 9), n=2, activations=False).energy[4] == 1


def test_a_gate_lets_energy_through_everywhere_and_windows_keep_it_inside():
    plain = effective_receptive_field(
        networks.skeleton("resnet18"), (1, 3, 96, 96), layer="layer1", weights="random", n=1
    )
    assert plain.share_inside == pytest.approx(1)
    assert plain.box == ((27, 69),) * 2  # unit 12 of jump 4: 43 pixels
    assert plain.energy[:27].sum() == 0


def test_other_axes_and_units():
    net = nn.Sequential(nn.Conv2d(1, 2, (1, 5), padding=(0, 2)), nn.MaxPool2d(2))
    field = effective_receptive_field(net, (4, 1, 8, 12), index=(1, 0), n=3)
    assert field.energy.shape == (8, 12)
    assert field.box == ((2, 3), (0, 3))
    assert field.profiles[0][:2].sum() == field.profiles[0][4:].sum() == 0
    assert field.energy.sum() == pytest.approx(1)


def test_steps_report_progress_and_end_at_the_same_average():
    net = stack(3, relu=True)
    whole = effective_receptive_field(net, (1, 1, 20), n=4)
    steps = list(effective_steps(net, (1, 1, 20), n=4))
    assert [s.inputs for s in steps] == [1, 2, 3, 4]
    np.testing.assert_array_equal(steps[-1].energy, whole.energy)


def test_an_average_goes_on_where_it_was_left():
    net = stack(3, relu=True)
    for weights in ("given", "random", "uniform"):
        begun = list(effective_steps(net, (1, 1, 20), n=2, weights=weights))[-1]
        *_, more = effective_steps(net, (1, 1, 20), n=5, weights=weights, so_far=begun)
        whole = effective_receptive_field(net, (1, 1, 20), n=5, weights=weights)
        assert more.inputs == 5
        np.testing.assert_allclose(more.energy, whole.energy, rtol=1e-9)


def test_own_pictures_take_the_place_of_noise():
    """Without ReLU the gradient does not depend on the input; with it, a picture of zeros shuts a unit of no bias."""
    net = stack(2, relu=True)
    for layer in net:
        if isinstance(layer, nn.Conv1d):
            nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)
    shape = (1, 1, 12)
    (dark,) = effective_steps(net, shape, n=1, images=lambda step: torch.zeros(shape))
    (light,) = effective_steps(net, shape, n=1, images=lambda step: torch.ones(shape))
    assert dark.energy.sum() == 0
    assert light.energy.sum() == pytest.approx(1)


def test_a_gate_reaches_past_the_box_of_the_windows():
    field = effective_receptive_field(
        networks.skeleton("efficientnet_b0"), (1, 3, 96, 96), layer="features.1", weights="random", n=1
    )
    assert field.box == ((45, 51),) * 2  # unit 24 of jump 2 sees 7 pixels from 2·24 − 3
    assert 0 < field.share_inside < 1


def test_the_network_is_left_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)).train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    for weights in ("given", "random", "uniform"):
        effective_receptive_field(net, (1, 1, 16, 16), n=1, weights=weights)
    assert net.training
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"weights": "nice"}, "'given', 'random' or 'uniform'"),
        ({"n": 0}, "at least 1"),
        ({"index": 99}, "does not exist"),
        ({"index": (0, 0)}, "does not exist"),
        ({"layer": "zzz"}, "no layer 'zzz'"),
    ],
)
def test_one_sentence_for_wrong_settings(arguments, words):
    with pytest.raises(ReceptiveFieldError, match=words):
        effective_receptive_field(stack(2), (1, 1, 20), **arguments)


def test_a_classifier_s_output_is_not_a_map():
    net = nn.Sequential(nn.Conv1d(1, 1, 3), nn.Flatten(), nn.Linear(18, 2))
    with pytest.raises(ReceptiveFieldError, match="not a map"):
        effective_receptive_field(net, (1, 1, 20), n=1)


def test_a_skeleton_has_no_weights_to_take():
    with pytest.raises(ReceptiveFieldError, match="no weights yet"):
        effective_receptive_field(networks.skeleton("alexnet"), (1, 3, 64, 64), layer="features.0", n=1)
