"""Training as a sequence: same seed, same run; it ends where least squares says; closing it stops it."""

import numpy as np
import pytest
import torch
from torch import nn

from models import learning, upsampling


def layer(seed=0):
    return learning.reset(nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False), seed)


def test_a_transposed_convolution_learns_the_bilinear_kernel():
    x, y = learning.bilinear_task(2)
    steps = list(learning.train(layer(), x, y, margin=2))
    assert [s.step for s in steps] == list(range(301))
    assert steps[-1].loss < 1e-6 < 1e-2 < steps[0].loss
    assert steps[-1].kernel[0, 0] == pytest.approx(upsampling.bilinear_kernel(2).numpy(), abs=1e-3)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_least_squares_finds_the_bilinear_kernel_at_once(scale):
    x, y = learning.bilinear_task(scale)
    module = upsampling.bilinear_transposed(scale)
    learning.reset(module, 0)
    assert learning.best_weights(module, x, y, margin=scale) < 1e-12
    assert module.weight[0, 0].numpy() == pytest.approx(upsampling.bilinear_kernel(scale).numpy(), abs=1e-5)


def test_training_comes_down_to_the_least_squares_floor_and_never_below_it():
    generator = torch.Generator().manual_seed(3)
    x, y = torch.rand(4, 1, 8, 8, generator=generator), torch.rand(4, 1, 16, 16, generator=generator)
    floor = learning.best_weights(layer().double(), x, y)
    losses = [s.loss for s in learning.train(layer(), x, y, steps=400, lr=0.05)]
    assert min(losses) >= floor - 1e-9
    assert losses[-1] == pytest.approx(floor, rel=1e-3)


def test_least_squares_agrees_with_numpy():
    x = torch.rand(2, 1, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.rand(2, 1, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    conv = nn.Conv1d(1, 1, 3, dtype=torch.float64)
    loss = learning.best_weights(conv, x, y)
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0].numpy(), 3, axis=1).reshape(-1, 3)
    design = np.column_stack([windows, np.ones(len(windows))])
    best, rest, *_ = np.linalg.lstsq(design, y.reshape(-1).numpy(), rcond=None)
    found = [*conv.weight.detach().reshape(-1).tolist(), conv.bias.item()]
    assert found == pytest.approx(best.tolist())
    assert loss == pytest.approx(rest[0] / len(design))


def test_same_seed_same_run_and_another_seed_another():
    x, y = learning.bilinear_task(count=6, size=8)
    run = lambda seed: [s.loss for s in learning.train(layer(9), x, y, steps=20, seed=seed)]  # noqa: E731
    torch.manual_seed(1)
    first = run(0)
    torch.manual_seed(2)
    assert run(0) == first
    assert run(1) != first


@pytest.mark.parametrize("rule", learning.OPTIMIZERS)
def test_updates_are_those_of_torch(rule):
    x, y = learning.bilinear_task(count=2, size=6)
    ours = list(learning.train(layer(), x, y, steps=12, lr=0.05, optimizer=rule))[-1].kernel
    module = layer().double()
    if rule == "adam":
        torchs = torch.optim.Adam(module.parameters(), lr=0.05)
    else:
        torchs = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9 if rule == "momentum" else 0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(torchs, 12)
    for _ in range(12):
        torchs.zero_grad()
        nn.functional.mse_loss(module(x), y).backward()
        torchs.step()
        schedule.step()
    assert ours == pytest.approx(module.weight.detach().numpy(), abs=1e-12)


def test_closing_the_generator_stops_it_at_the_step_shown():
    x, y = learning.bilinear_task(size=8)
    module = layer()
    run = learning.train(module, x, y)
    for step in run:
        if step.step == 5:
            run.close()
            break
    assert np.array_equal(module.weight.detach().numpy(), step.kernel)
    assert not module.training
    assert module.weight.grad is None
    assert next(run, None) is None


def test_gradient_modes_of_the_caller_are_left_alone():
    x, y = learning.bilinear_task(size=8)
    with torch.inference_mode():
        module = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)
        losses = []
        for step in learning.train(module, x.clone(), y.clone(), steps=3):
            assert torch.is_inference_mode_enabled()
            losses.append(step.loss)
    assert losses[-1] < losses[0]
    with torch.no_grad():
        for _ in learning.train(layer(), x, y, steps=2):
            assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_every_shows_fewer_steps_of_the_same_run():
    x, y = learning.bilinear_task(size=8)
    full = list(learning.train(layer(), x, y, steps=10))
    some = list(learning.train(layer(), x, y, steps=10, every=4))
    assert [s.step for s in some] == [0, 4, 8, 10]
    assert [s.loss for s in some] == [full[s.step].loss for s in some]


def test_any_small_network_trains():
    """Here a generator, from one latent to one picture: what it makes comes closer, step by step."""
    network = upsampling.generator("resize", stages=2, channels=4)
    latent = torch.rand(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    target = torch.sin((x + y) / 6)[None, None]
    losses = [s.loss for s in learning.train(network, latent, target, steps=60, lr=0.03)]
    assert losses[-1] < losses[0] / 2


def test_patches_match():
    low = torch.rand(3, 1, 20, 30)
    high = nn.functional.interpolate(low, scale_factor=2, mode="nearest")
    small, large = learning.patches(low, high, size=8, count=5, seed=1)
    assert small.shape == (5, 1, 8, 8)
    assert torch.equal(nn.functional.interpolate(small, scale_factor=2, mode="nearest"), large)
    again = learning.patches(low, high, size=8, count=5, seed=1)
    assert torch.equal(again[0], small)


@pytest.mark.parametrize(
    ("module", "changes", "says"),
    [
        (nn.Upsample(scale_factor=2), {}, "no weights"),
        (layer(), {"steps": 0}, "steps"),
        (layer(), {"lr": -1}, "learning rate"),
        (layer(), {"optimizer": "lion"}, "lion"),
        (layer(), {"margin": 8}, "margin"),
        (nn.Conv2d(1, 1, 3), {}, "targets are"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(module, changes, says):
    x, y = learning.bilinear_task(size=8)
    with pytest.raises(learning.LearningError, match=says):
        next(learning.train(module, x, y, **changes))


def test_a_run_that_explodes_says_so():
    x, y = learning.bilinear_task(size=8)
    with pytest.raises(learning.LearningError, match="smaller lr"):
        list(learning.train(layer(), x, y * 1e100, steps=300, lr=1e3, optimizer="sgd"))


def test_least_squares_wants_one_linear_layer():
    x, y = learning.bilinear_task(size=8)
    two = nn.Sequential(nn.ConvTranspose2d(1, 1, 4, 2, 1), nn.Conv2d(1, 1, 1))
    with pytest.raises(learning.LearningError, match="not linear"):
        learning.best_weights(two, x, y)
    with pytest.raises(learning.LearningError, match="weights"):
        learning.best_weights(nn.ConvTranspose2d(1, 64, 4, 2, 1), x, y)
