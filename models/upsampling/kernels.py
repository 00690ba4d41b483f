"""Kernels that cure: bilinear (Long et al. 2015, https://arxiv.org/abs/1411.4038) and ICNR (Aitken et al. 2017,
https://arxiv.org/abs/1707.02937).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from models import device
from models.errors import UpsamplingError
from models.operator import Layer

LARGEST_SCALE = 8


def check_scale(scale: int) -> None:
    if isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= LARGEST_SCALE:
        raise UpsamplingError(f"{scale!r} is not a scale: use a whole number from 1 to {LARGEST_SCALE}.")


def bilinear_kernel(scale: int) -> torch.Tensor:
    """The 2-D kernel that makes a transposed convolution interpolate linearly (Long et al. 2015), float64, no channels.

    2S − (S mod 2) cells an axis; weight 1 − |distance to the middle|/S, the product over the axes.
    """
    check_scale(scale)
    size = 2 * scale - scale % 2
    line = 1 - (torch.arange(size, dtype=torch.float64) - (size - 1) / 2).abs() / scale
    return torch.outer(line, line)


def bilinear_in(scale: int, kernel: int) -> tuple[np.ndarray, bool]:
    """The bilinear kernel at its place in a kernel of ``exact_transposed``, float64 ``(kernel, kernel)``.

    With zeros around it where there is room, cut off where there is none; and whether all of it fits.
    """
    padding, tent = exact_transposed(scale, 1, kernel).padding[0], 2 * scale - scale % 2
    place = np.arange(kernel) - padding + scale // 2 - (tent - 1) / 2
    line = np.clip(1 - np.abs(place) / scale, 0, None)
    return np.outer(line, line), padding >= scale // 2 and kernel - padding >= tent - scale // 2


def bilinear_transposed(scale: int) -> Layer:
    """A transposed convolution ``(N, 1, H, W)`` with ``bilinear_kernel``, float64; it enlarges by ``scale``.

    In the interior it equals interpolation with ``align_corners=False``. At the border it misses what lies beyond.
    """
    kernel = bilinear_kernel(scale)
    layer = nn.ConvTranspose2d(1, 1, len(kernel), scale, scale // 2, bias=False).double().requires_grad_(False)
    layer.weight.copy_(kernel)
    return layer


@dataclass(frozen=True, eq=False)
class BilinearProof:
    """A transposed convolution with the bilinear kernel beside bilinear interpolation, on the same input.

    Attributes (float64 arrays, output size): ``transposed``, ``interpolated``, ``difference``; ``interior``: slices of
    the outputs whose neighbours all exist; ``largest``: the largest difference there.
    """

    transposed: np.ndarray
    interpolated: np.ndarray
    difference: np.ndarray
    interior: tuple[slice, ...]
    largest: float


def bilinear_proof(image: np.ndarray, scale: int) -> BilinearProof:
    """Compare the two on an image ``(H, W)``; output o samples at (o + ½)/S − ½, and is interior from 0 to W − 1."""
    x = torch.from_numpy(np.array(image, dtype=np.float64))[None, None]
    if x.dim() != 4 or min(x.shape) < 1:
        raise UpsamplingError(f"an image of shape {np.shape(image)} is not (H, W): give one grey image.")
    ours = device.answer(bilinear_transposed(scale), x)[0, 0].numpy()
    real = device.answer(nn.Upsample(scale_factor=scale, mode="bilinear", align_corners=False), x)[0, 0].numpy()
    interior = []
    for n in x.shape[2:]:
        at = (np.arange(n * scale) + 0.5) / scale - 0.5
        inside = np.flatnonzero((at >= 0) & (at <= n - 1))
        interior.append(slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0))
    difference = ours - real
    inner = np.abs(difference[tuple(interior)])
    return BilinearProof(ours, real, difference, tuple(interior), float(inner.max(initial=0)))


def icnr_(weight: torch.Tensor, upscale_factor: int, init: Callable[[torch.Tensor], Any] | None = None) -> torch.Tensor:
    """Initialise the weight of the convolution before a pixel shuffle so that neighbours start alike, in place.

    Initialisation to convolution + nearest-neighbour resize (Aitken et al. 2017): one kernel is drawn per output
    channel of the shuffle, and its r² subpixels all get it. The layer then begins as nearest-neighbour upsampling of
    that convolution, which has no checkerboard.

    Args:
        weight: ``(C·r², C_in, *kernel)``.
        upscale_factor: r.
        init: what draws one kernel, in place; Kaiming normal if left out.

    Raises:
        UpsamplingError: if the output channels are no multiple of r².
    """
    r2 = upscale_factor**2
    if weight.shape[0] % r2:
        raise UpsamplingError(
            f"{weight.shape[0]} output channels are not a multiple of {upscale_factor}² = {r2}: "
            f"use {-(-weight.shape[0] // r2) * r2}."
        )
    with torch.no_grad():
        kernel = torch.empty(weight.shape[0] // r2, *weight.shape[1:], dtype=weight.dtype, device=weight.device)
        (init or nn.init.kaiming_normal_)(kernel)
        return weight.copy_(kernel.repeat_interleave(r2, dim=0))


def exact_transposed(scale: int, channels: int, kernel: int) -> Layer:
    """A transposed convolution without bias whose output is exactly ``scale`` times larger; ``kernel`` ≥ ``scale``."""
    spare = kernel - scale
    return nn.ConvTranspose2d(
        channels, channels, kernel, scale, padding=(spare + 1) // 2, output_padding=spare % 2, bias=False
    )
