"""How much of its receptive field a unit really uses: gradient energy, after Luo, Li, Urtasun and Zemel, "Understanding
the Effective Receptive Field in Deep Convolutional Neural Networks", NeurIPS 2016 (https://arxiv.org/abs/1701.04128).

The gradient of one unit with respect to the input, squared, summed over the input's channels and averaged over random
inputs, says where changes of the picture move that unit. In theory's box nearly all of it lies near the middle: for n
equal layers its width grows like √n, while the box grows like n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from models import device
from models.device import one_thread, private_copy
from models.errors import runs_through
from models.receptive_field import ReceptiveField, ReceptiveFieldError, receptive_field, subnetwork
from models.receptive_field.field import seen_box
from models.receptive_field.probe import ACTIVATIONS, first_tensor

CORE = 1 - 0.9545  # Luo et al.: a pixel counts while its gradient exceeds this share of the largest (two sigma)


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """Gradient energy of one unit, and its measures. Lengths in input pixels, tuples per axis of the image.

    energy: float64 array of the image's shape, sum 1 (all 0 if the gradient vanished).
    inputs: how many random inputs it is averaged over.
    index: the unit; unit's channel gradients are summed.
    box: first and last pixel of the theoretical box inside the image, or `None` along an axis that is not known.
    half_width: half the width of the shortest interval around the energy's centre that holds half of the energy.
    sigma: standard deviation of the energy about its centre.
    centre: centre of mass of the energy.
    share_inside: energy inside the theoretical box; 1 up to rounding unless a global branch bypasses it.
    size: side of the square (cube …) with as many pixels as have |gradient| above 4.55 % of the largest (Luo et al.).
    ratio: that count, divided by the pixels of the theoretical box.
    total: the energy's sum over all inputs, before it was divided by it.
    """

    energy: np.ndarray
    inputs: int
    index: tuple[int, ...]
    box: tuple[tuple[int, int] | None, ...]
    theoretical: ReceptiveField | None
    total: float = 1.0

    @property
    def profiles(self) -> tuple[np.ndarray, ...]:
        """Per axis, the energy summed over the other axes."""
        axes = range(self.energy.ndim)
        return tuple(self.energy.sum(tuple(b for b in axes if b != a)) for a in axes)

    @property
    def centre(self) -> tuple[float, ...]:
        return tuple(float((p * np.arange(len(p))).sum() / (p.sum() or 1)) for p in self.profiles)

    @property
    def sigma(self) -> tuple[float, ...]:
        return tuple(
            float(np.sqrt((p * (np.arange(len(p)) - c) ** 2).sum() / (p.sum() or 1)))
            for p, c in zip(self.profiles, self.centre, strict=True)
        )

    @property
    def half_width(self) -> tuple[float, ...]:
        return tuple(_half_width(p, c) for p, c in zip(self.profiles, self.centre, strict=True))

    @property
    def share_inside(self) -> float | None:
        box = seen_box(self.box)
        if box is None:
            return None
        return float(self.energy[tuple(slice(a, b + 1) for a, b in box)].sum() / (self.energy.sum() or 1))

    @property
    def _core(self) -> int:
        gradient = np.sqrt(self.energy)
        return int((gradient > CORE * gradient.max()).sum()) if gradient.max() > 0 else 0

    @property
    def size(self) -> float:
        return self._core ** (1 / self.energy.ndim)

    @property
    def ratio(self) -> float | None:
        box = seen_box(self.box)
        return None if box is None else self._core / prod(b - a + 1 for a, b in box)


def _half_width(profile: np.ndarray, centre: float) -> float:
    """Distance from the centre within which half of the energy lies, each pixel's share spread evenly."""
    total = profile.sum()
    if total == 0:
        return 0.0
    edges = np.arange(len(profile) + 1) - 0.5
    below = np.concatenate([[0.0], np.cumsum(profile)])
    low, high = 0.0, float(len(profile))
    for _ in range(60):
        middle = (low + high) / 2
        held = np.interp(centre + middle, edges, below) - np.interp(centre - middle, edges, below)
        low, high = (middle, high) if held < total / 2 else (low, middle)
    return high


class _Linear(TorchFunctionMode):
    """Activations become the identity: what is left is what the windows do."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in ACTIVATIONS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


def _redraw(module: nn.Module, weights: str, generator: torch.Generator, place: torch.device) -> None:
    """New weights of a private copy: He-normal (gain for ReLU), or all equal; no bias, no normalisation."""
    for child in module.modules():
        if isinstance(child, _BatchNorm) and child.track_running_stats:
            for name, value in (("running_mean", 0.0), ("running_var", 1.0)):
                setattr(child, name, torch.full((child.num_features,), value, device=place))
        for name, old in list(child.named_parameters(recurse=False)):
            new = torch.empty(old.shape, dtype=torch.float32)
            if name == "bias" or name.endswith("_bias"):
                new.zero_()
            elif old.dim() < 2:
                new.fill_(1.0)
            else:
                transposed = isinstance(child, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d))
                fan = old.shape[0 if transposed else 1] * prod(old.shape[2:])
                if weights == "uniform":
                    new.fill_(1.0 / fan)
                else:
                    new.normal_(0.0, (2.0 / fan) ** 0.5, generator=generator)
            setattr(child, name, nn.Parameter(new.to(place), requires_grad=False))


def effective_steps(
    module: nn.Module,
    input_shape: Sequence[int],
    *,
    layer: str | None = None,
    index: Sequence[int] | int | None = None,
    n: int = 20,
    weights: str = "given",
    activations: bool = True,
    seed: int = 0,
    so_far: EffectiveField | None = None,
    images: Callable[[int], Tensor] | None = None,
) -> Iterator[EffectiveField]:
    """Gradient energy of one unit in evaluation mode: after each random input (standard normal), the average so far.

    Computes on the device that the page names; on a CPU on one thread, so that other visitors keep theirs.

    Args:
        module: the network; it is not changed.
        input_shape: `(N, C, *spatial)`; the batch size is not used.
        layer: the unit's map, a name in `named_modules()` or in `ReceptiveField.layers`; default: the output, if a map.
        index: the unit, one int per axis; default: the middle one. Its channels are summed.
        n: how many inputs.
        weights: `"given"`: the module's own; `"random"`: new He-normal ones with each input, as Luo et al. average
            over; `"uniform"`: all equal, which gives a binomial profile. The latter two also remove biases and
            normalisation.
        activations: `False` replaces ReLU and its kin by the identity. Max-pooling stays.
        seed: of inputs and weights.
        so_far: an answer to the same question with fewer inputs, to go on from; the result is the same as without it.
        images: the input of step 0, 1, …, of the module's shape, instead of noise.

    Raises:
        ReceptiveFieldError: wrong settings, no such layer or unit, an output that is not a map, a shape that does not
            fit.
    """
    if weights not in ("given", "random", "uniform"):
        raise ReceptiveFieldError(f"weights is 'given', 'random' or 'uniform', not {weights!r}.")
    if n < 1:
        raise ReceptiveFieldError(f"n is the number of random inputs, at least 1; got {n}.")
    shape = (1, *(int(s) for s in input_shape[1:]))
    theory = so_far.theoretical if so_far else _theory(module, shape, layer)
    network = module if layer is None else subnetwork(module, layer, shape)
    if weights == "given" and any(p.is_meta for p in network.parameters()):
        raise ReceptiveFieldError("This network has no weights yet: load it, or take weights='random'.")
    first = so_far.inputs if so_far else 0
    energy = so_far.energy * so_far.total if so_far else np.zeros(shape[2:])
    unit, box = (so_far.index, so_far.box) if so_far else ((), ())
    copies: dict[torch.device, nn.Module] = {}

    def slope(step: int, place: torch.device) -> Tensor | None:
        """The gradient of the unit by one input."""
        nonlocal unit, box
        # Every input has a seed of its own: the average does not depend on where one began.
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        new = place not in copies
        copy = copies.setdefault(place, private_copy(network, place).eval() if new else network)
        if weights == "random" or (weights == "uniform" and new):
            _redraw(copy, weights, generator, place)
        image = torch.randn(shape, generator=generator) if images is None else images(step).clone()
        parameter = next(copy.parameters(), None)
        image = image.to(place, None if parameter is None else parameter.dtype).requires_grad_(True)
        answer = _answer(copy, image, activations)
        if not unit:
            unit = _unit(answer, shape, index)
            box = _box(theory, unit, shape)
        (found,) = torch.autograd.grad(answer[(0, slice(None), *unit)].sum(), image, allow_unused=True)
        return None if found is None else found[0].cpu()

    for step in range(first, n):
        with one_thread(), torch.inference_mode(False):
            gradient = device.on(partial(slope, step))
        if gradient is not None:
            energy = energy + gradient.double().square().sum(0).numpy()
        total = float(energy.sum())
        if not np.isfinite(total):
            raise ReceptiveFieldError(
                "The gradient is not a finite number: these weights make it grow from layer to layer. Take others."
            )
        yield EffectiveField(energy / total if total > 0 else energy, step + 1, unit, box, theory, total)


def effective_receptive_field(module: nn.Module, input_shape: Sequence[int], **settings: Any) -> EffectiveField:
    """Gradient energy of one unit, averaged over `n` random inputs: the last of `effective_steps`, which says what the
    settings are and what is refused."""
    *_, found = effective_steps(module, input_shape, **settings)
    return found


def _theory(module, shape, layer) -> ReceptiveField | None:
    try:
        return receptive_field(module, shape, layer=layer)
    except ReceptiveFieldError:
        if layer is not None:
            raise
        return None  # torch.fx cannot trace it; the gradient needs no graph


def _answer(copy: nn.Module, image: Tensor, activations: bool) -> Tensor:
    with torch.enable_grad(), runs_through(image, ReceptiveFieldError), nullcontext() if activations else _Linear():
        return first_tensor(copy(image))


def _unit(answer: Tensor, shape: Sequence[int], index) -> tuple[int, ...]:
    if answer.dim() != len(shape):
        raise ReceptiveFieldError(
            f"The output has shape {list(answer.shape)}, not a map: name a layer before global pooling or flattening."
        )
    if index is None:
        return tuple(s // 2 for s in answer.shape[2:])
    unit = (int(index),) if isinstance(index, (int, np.integer)) else tuple(int(i) for i in index)
    if len(unit) != len(shape) - 2 or not all(0 <= u < s for u, s in zip(unit, answer.shape[2:], strict=True)):
        raise ReceptiveFieldError(f"Unit {unit} does not exist: this map has {tuple(answer.shape[2:])} units.")
    return unit


def _box(theory: ReceptiveField | None, unit: tuple[int, ...], shape: Sequence[int]):
    """Through the windows alone: a global branch adds the whole image, which is no box."""
    if theory is None or theory.reason:
        return (None,) * len(unit)
    if not theory.sees_everything or theory.local is None:
        return theory.box(unit, clipped=True)
    return tuple((max(0, a), min(n - 1, b)) for (a, b), n in zip(theory.local.box(unit), shape[2:], strict=True))
