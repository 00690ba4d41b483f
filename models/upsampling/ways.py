"""The ways to enlarge and to shrink, as small networks, and a generator made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models import device
from models.errors import UpsamplingError
from models.learning import reset
from models.operator import Layer
from models.upsampling.kernels import check_scale, exact_transposed, icnr_
from models.upsampling.pattern import unevenness


@dataclass(frozen=True)
class Way:
    """One way to enlarge (or to shrink), as a small network.

    Attributes:
        title: as people call it.
        build: (scale, channels, seed) -> ``nn.Module`` without biases, channels kept, its weights drawn by ``seed``.
    """

    title: str
    build: Callable[[int, int, int], nn.Module]


def _shuffled(scale: int, channels: int, seed: int, icnr: bool) -> Layer:
    conv = nn.Conv2d(channels, channels * scale**2, 3, padding=1, bias=False)
    reset(conv, seed)
    if icnr:
        generator = torch.Generator().manual_seed(seed)
        icnr_(conv.weight, scale, lambda kernel: nn.init.kaiming_uniform_(kernel, a=math.sqrt(5), generator=generator))
    return nn.Sequential(conv, nn.PixelShuffle(scale))


UPSAMPLERS: dict[str, Way] = {
    "transposed": Way(
        "Transposed, kernel 2S − 1",
        lambda scale, channels, seed: reset(exact_transposed(scale, channels, 2 * scale - 1), seed),
    ),
    "divisible": Way(
        "Transposed, kernel 2S",
        lambda scale, channels, seed: reset(exact_transposed(scale, channels, 2 * scale), seed),
    ),
    "resize": Way(
        "Resize, then convolve",
        lambda scale, channels, seed: reset(
            nn.Sequential(
                nn.Upsample(scale_factor=scale, mode="nearest"), nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            ),
            seed,
        ),
    ),
    "shuffle": Way(
        "Pixel shuffle",
        lambda scale, channels, seed: _shuffled(scale, channels, seed, icnr=False),
    ),
    "shuffle_icnr": Way(
        "Pixel shuffle, ICNR",
        lambda scale, channels, seed: _shuffled(scale, channels, seed, icnr=True),
    ),
}
"""The transposed convolution with the checkerboard, and its cures, by name; all ``scale`` times larger."""

DOWNSAMPLERS: dict[str, Way] = {
    "strided": Way(
        "Strided, kernel 2S − 1",
        lambda scale, channels, seed: reset(
            nn.Conv2d(channels, channels, 2 * scale - 1, scale, padding=scale - 1, bias=False), seed
        ),
    ),
    "divisible": Way(
        "Strided, kernel 2S",
        lambda scale, channels, seed: reset(
            nn.Conv2d(channels, channels, 2 * scale, scale, padding=scale // 2, bias=False), seed
        ),
    ),
    "pooled": Way(
        "Convolve, then average",
        lambda scale, channels, seed: reset(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.AvgPool2d(scale)), seed
        ),
    ),
}
"""The same backwards: layers that shrink, whose gradient is uneven or even."""


def build_way(name: str, scale: int = 2, channels: int = 1, seed: int = 0) -> Layer:
    """One of ``UPSAMPLERS`` as a network: ``(N, channels, H, W)`` → ``(N, channels, S·H, S·W)``, float32, no bias."""
    check_scale(scale)
    if name not in UPSAMPLERS:
        raise UpsamplingError(f"{name!r} is no way to enlarge: use one of {', '.join(UPSAMPLERS)}.")
    return UPSAMPLERS[name].build(scale, channels, seed)


def generator(name: str, stages: int = 3, scale: int = 2, channels: int = 8, seed: int = 0) -> nn.Sequential:
    """A small image generator: ``stages`` upsamplers of one kind with ReLU between, the last channels averaged to one.

    ``(N, channels, H, W)`` → ``(N, 1, S^stages·H, S^stages·W)``, weights drawn by ``seed``.
    """
    if not 1 <= stages <= 5 or scale**stages > 64:
        raise UpsamplingError(f"{stages} stages of {scale} are too many: use 1 to 5 that enlarge by 64 at most.")
    parts: list[nn.Module] = []
    for stage in range(stages):
        parts += [build_way(name, scale, channels, seed + stage), nn.ReLU()]
    return nn.Sequential(*parts[:-1], reset(nn.Conv2d(channels, 1, 1, bias=False), seed + stages))


@dataclass(frozen=True, eq=False)
class Generated:
    """What a generator makes of noise, and how uneven it is.

    Attributes:
        picture: float64, ``(H, W)``: the answer to a noise latent, drawn by a seed.
        flat: the interior of its answer to a latent that is the same everywhere, so that all that varies is pattern.
        figure: unevenness of ``flat``.
        period: the product of the strides.
    """

    picture: np.ndarray
    flat: np.ndarray
    figure: float
    period: int


def generate(network: Layer, channels: int, period: int, seed: int = 0) -> Generated:
    """Run a generator (fresh or trained) on noise and on a flat latent of 8 × 8 cells.

    Args:
        network: ``(1, channels, 8, 8)`` → ``(1, 1, period·8, period·8)``.
        period: how many times larger it makes the image. A border of two latent cells is left out of ``flat``; in it
            zeros from beyond the border mix in.
    """
    size, drawn = 8, torch.Generator().manual_seed(seed)
    with torch.no_grad():  # drawn on the CPU, so that a seed means the same everywhere
        noise = torch.rand(1, channels, size, size, generator=drawn)
        level = torch.rand(1, channels, 1, 1, generator=drawn).expand(1, channels, size, size)
        kind = next(network.parameters()).dtype
        picture, flat = (device.answer(network, latent.to(kind))[0, 0].double().numpy() for latent in (noise, level))
    if flat.shape != (size * period, size * period):
        raise UpsamplingError(f"the network makes {flat.shape} of {size} × {size}: its period is not {period}.")
    inner = flat[2 * period : -2 * period, 2 * period : -2 * period]
    return Generated(picture, inner, unevenness(inner, (period, period)), period)
