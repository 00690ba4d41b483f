"""Watch a layer learn: training as a sequence of pictures, and where it must end.

``train`` is a generator: the page draws what it yields and stops it by closing it. ``best_weights`` finds by least
squares where training of a linear layer must end, so that the loss curve has a floor to fall to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import vector_to_parameters

from models import device
from models.device import private_copy
from models.errors import LearningError
from models.text import big

OPTIMIZERS = ("adam", "momentum", "sgd")
"""What can move the weights: Adam (Kingma and Ba 2015), gradient descent with momentum 0.9, and without."""

MOST_STEPS = 10_000
MOST_WEIGHTS = 512
"""The largest layer that ``best_weights`` solves: one forward pass a weight."""
CHUNK = 1 << 21
"""Numbers in the answers of all weights that are looked at together."""


class Step(NamedTuple):
    """One moment of a training run.

    Attributes:
        step: weight updates so far; 0 is before the first.
        loss: mean squared error of these weights on the step's examples.
        kernel: float64 copy of the last weight that is a kernel, in torch's layout.
    """

    step: int
    loss: float
    kernel: np.ndarray


def reset(module: nn.Module, seed: int) -> nn.Module:
    """Draw all weights anew, by seed alone, as PyTorch's convolutions and linear layers do: U(±1/√fan_in), in place.

    Uses a random generator of its own: other threads neither disturb it nor notice it. It draws on the CPU, so that a
    seed is the same weights on every device. Layers without a fan-in (normalisation) keep what they have.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(parameter: nn.Parameter, how: Callable[..., torch.Tensor], *settings, **named) -> None:
        drawn = torch.empty(parameter.shape, dtype=parameter.dtype)
        parameter.copy_(how(drawn, *settings, **named, generator=generator))

    with torch.no_grad():
        for layer in module.modules():
            weight = getattr(layer, "weight", None)
            if not isinstance(weight, nn.Parameter) or weight.dim() < 2:
                continue
            draw(weight, nn.init.kaiming_uniform_, a=math.sqrt(5))
            if (bias := getattr(layer, "bias", None)) is not None:
                bound = 1 / math.sqrt(max(1, weight[0].numel()))
                draw(bias, nn.init.uniform_, -bound, bound)
    return module


def train(
    module: nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *,
    steps: int = 300,
    lr: float = 0.02,
    optimizer: str = "adam",
    seed: int = 0,
    margin: int = 0,
    fresh: bool = True,
    every: int = 1,
) -> Iterator[Step]:
    """Train a small network by mean squared error, one ``Step`` at a time, on the device that the page names.

    Args:
        module: changed in place, and float64 from then on; between two steps it can be used to make pictures.
        inputs: ``(N, C, *spatial)``; targets: what the network should return for them.
        steps: weight updates; the generator yields one ``Step`` before the first and, every ``every``, one after.
        lr: learning rate at the start; it falls to 0 along half a cosine, so that the end is calm.
        optimizer: one of ``OPTIMIZERS``.
        seed: decides the first weights (unless ``fresh`` is False); same seed, same run.
        margin: cells of each border of the output that do not count.

    Stop by closing the generator: weights stay as they are. Each step sets its own gradient mode, so nothing that the
    caller does between two steps is changed by it.

    Raises:
        LearningError: for data or settings that do not fit (at the first step), or when the loss is no longer finite.
    """
    _checked(module, inputs, targets, steps, lr, optimizer, every)
    with torch.inference_mode(False):
        _ordinary(module)
        if fresh:
            reset(module, seed)
        # float64 is no slower where layers are this small, and lets the loss fall all the way.
        module.double()
        place = device.setup()
        twin = module if place.type == "cpu" else private_copy(module, place)
        own, watched = list(module.parameters()), _watched(twin)
        inputs, targets = (t.detach().clone().to(watched) for t in (inputs, targets))
        parameters = [p for p in twin.parameters() if p.requires_grad]
        if not parameters:
            raise LearningError("no weight of this network may change: set requires_grad on one.")
        mover = _Mover(parameters, optimizer)
    twin.train()
    try:
        for step in range(steps + 1):
            with torch.inference_mode(False), torch.enable_grad():
                loss = _loss(twin(inputs), targets, margin)
                value = float(loss.detach())
                if not math.isfinite(value):
                    raise LearningError(
                        f"the loss left the finite numbers at step {step}: use a smaller lr than {lr:g}."
                    )
                kernel = watched.detach().double().cpu().numpy().copy()
                slopes = torch.autograd.grad(loss, parameters) if step < steps else None
            if step % every == 0 or step == steps:
                # The weights must still be those of this Step while the page draws it.
                _copied(twin, own)
                yield Step(step, value, kernel)
            if slopes is not None:
                with torch.inference_mode(False), torch.no_grad():
                    mover.step(slopes, lr * (1 + math.cos(math.pi * step / steps)) / 2)
    finally:
        _copied(twin, own)
        module.eval()


def _copied(twin: nn.Module, own: list[nn.Parameter]) -> None:
    """The weights of the twin on the device, back to the network that the caller has."""
    with torch.inference_mode(False), torch.no_grad():
        for mine, theirs in zip(own, twin.parameters(), strict=True):
            if mine is not theirs:
                mine.copy_(theirs)


class _Mover:
    """Adam and gradient descent, number for number as in ``torch.optim``.

    Written out, as the first optimiser of ``torch.optim`` in a process imports torch's compiler: seconds between a
    click and the first picture.
    """

    def __init__(self, parameters: list[nn.Parameter], rule: str):
        self.parameters, self.rule, self.count = parameters, rule, 0
        self.mean = [torch.zeros_like(p) for p in parameters]
        self.square = [torch.zeros_like(p) for p in parameters]

    def step(self, slopes: tuple[torch.Tensor, ...], lr: float) -> None:
        self.count += 1
        for parameter, slope, mean, square in zip(self.parameters, slopes, self.mean, self.square, strict=True):
            if self.rule == "sgd":
                parameter.sub_(slope, alpha=lr)
            elif self.rule == "momentum":
                parameter.sub_(mean.mul_(0.9).add_(slope), alpha=lr)
            else:
                mean.mul_(0.9).add_(slope, alpha=0.1)
                square.mul_(0.999).addcmul_(slope, slope, value=0.001)
                size = (square / (1 - 0.999**self.count)).sqrt_().add_(1e-8)
                parameter.addcdiv_(mean, size, value=-lr / (1 - 0.9**self.count))


def _checked(module, inputs, targets, steps, lr, optimizer, every) -> None:
    if not list(module.parameters()):
        raise LearningError(f"{type(module).__name__} has no weights: there is nothing to learn.")
    if len(inputs) != len(targets) or not len(inputs):
        raise LearningError(f"{len(inputs)} inputs and {len(targets)} targets: give one target per input.")
    if not 1 <= steps <= MOST_STEPS or every < 1:
        raise LearningError(f"{steps} steps, shown every {every}: use 1 to {big(MOST_STEPS)} steps and 1 or more.")
    if not 0 < lr < math.inf:
        raise LearningError(f"{lr} is no learning rate: use a number above 0.")
    if optimizer not in OPTIMIZERS:
        raise LearningError(f"{optimizer!r} is no optimiser: use one of {', '.join(OPTIMIZERS)}.")


def _ordinary(module: nn.Module) -> None:
    """Weights made under inference mode cannot learn: replace them by ordinary copies."""
    for layer in module.modules():
        for name, parameter in list(layer.named_parameters(recurse=False)):
            if parameter.is_inference():
                setattr(layer, name, nn.Parameter(parameter.detach().clone()))


def _watched(module: nn.Module) -> nn.Parameter:
    """The last kernel; where there is none, the last parameter."""
    parameters = list(module.parameters())
    return ([p for p in parameters if p.dim() >= 3] or parameters)[-1]


def _loss(out: torch.Tensor, target: torch.Tensor, margin: int) -> torch.Tensor:
    if out.shape != target.shape:
        raise LearningError(f"the network returns {tuple(out.shape)} and the targets are {tuple(target.shape)}.")
    if margin and min(out.shape[2:]) <= 2 * margin:
        raise LearningError(f"a margin of {margin} leaves nothing of {tuple(out.shape[2:])}: use a smaller one.")
    return F.mse_loss(_inner(out, margin), _inner(target, margin))


def _inner(values: torch.Tensor, margin: int) -> torch.Tensor:
    return values[(..., *(slice(margin, n - margin) for n in values.shape[2:]))]


def best_weights(module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, margin: int = 0) -> float:
    """Set the weights that minimise the mean squared error, by least squares, and return that error: the reference that
    training is held against, float64 on the CPU.

    Training with the same loss cannot get below it. For networks whose output is linear in all their weights taken
    together: one convolution or transposed one, with fixed layers (resize, pixel shuffle, pooling) around it. Where
    several weights are equally good, the smallest ones are taken.

    Args:
        module: changed in place; at most ``MOST_WEIGHTS`` weights.
        inputs, targets, margin: as in ``train``.

    Raises:
        LearningError: if the output is not linear in the weights, or there are too many.
    """
    with torch.inference_mode(False), torch.no_grad(), device.reference():
        _ordinary(module)
        twin = deepcopy(module).double()
        own = list(twin.parameters())
        count = sum(p.numel() for p in own)
        if not 0 < count <= MOST_WEIGHTS:
            raise LearningError(f"the network has {count} weights: least squares takes 1 to {MOST_WEIGHTS} of them.")
        inputs, targets = inputs.detach().clone().double(), targets.detach().clone().double()

        def answer(weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            vector_to_parameters(weights, own)
            return twin(x)

        _demand_linear_in_weights(answer, count, inputs[:1])
        gram = torch.zeros(count, count, dtype=torch.float64)
        right = torch.zeros(count, dtype=torch.float64)
        units = torch.eye(count, dtype=torch.float64)
        many = max(1, CHUNK // (count * max(1, targets[0].numel())))
        for x, target in zip(inputs.split(many), targets.split(many), strict=True):
            _loss(answer(units[0], x), target, margin)
            columns = torch.stack([_inner(answer(unit, x), margin).reshape(-1) for unit in units])
            gram += columns @ columns.T
            right += columns @ _inner(target, margin).reshape(-1)
        best = torch.linalg.pinv(gram, rtol=1e-12, hermitian=True) @ right
        errors = [_loss(answer(best, x), t, margin) for x, t in zip(inputs.split(1), targets.split(1), strict=True)]
        for parameter, found in zip(module.parameters(), own, strict=True):
            parameter.copy_(found)
        return float(torch.stack(errors).mean())


def _demand_linear_in_weights(answer, count: int, x: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(count, dtype=torch.float64, generator=generator) for _ in range(2))
    if not torch.allclose(answer(a + b, x), answer(a, x) + answer(b, x), rtol=1e-7, atol=1e-7):
        raise LearningError("the output is not linear in the weights: use one convolution and fixed layers around it.")


def bilinear_task(scale: int = 2, size: int = 16, count: int = 8, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise and its bilinear enlargement: ``(count, 1, size, size)`` and ``(count, 1, S·size, S·size)``, float64.

    A transposed convolution with kernel 2S (2S − 1 for odd S) can learn it exactly with ``margin=scale``: at the border
    interpolation repeats the outer pixels, which no kernel does.
    """
    noise = torch.randn(count, 1, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return noise, F.interpolate(noise, scale_factor=scale, mode="bilinear", align_corners=False)


def patches(
    low: torch.Tensor, high: torch.Tensor, size: int = 24, count: int = 32, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut matching patches from a picture and its enlargement, so that a large picture trains as fast as a small one.

    Args:
        low, high: ``(N, C, h, w)`` and ``(N, C, S·h, S·w)``; S is read from the sizes.
        size: of a low patch, in pixels; the whole picture if it is smaller.
        count: patches, places drawn by ``seed``.
    """
    scale = high.shape[-1] // low.shape[-1]
    if high.shape[2:] != (low.shape[2] * scale, low.shape[3] * scale) or len(low) != len(high):
        raise LearningError(f"{tuple(high.shape)} is not {tuple(low.shape)} enlarged by a whole number.")
    height, width = (min(size, n) for n in low.shape[2:])
    generator = torch.Generator().manual_seed(seed)

    def draw(limit: int) -> int:
        return int(torch.randint(limit, (1,), generator=generator))

    small, large = [], []
    for _ in range(count):
        n, y, x = draw(len(low)), draw(low.shape[2] - height + 1), draw(low.shape[3] - width + 1)
        small.append(low[n, :, y : y + height, x : x + width])
        large.append(high[n, :, y * scale : (y + height) * scale, x * scale : (x + width) * scale])
    return torch.stack(small), torch.stack(large)
