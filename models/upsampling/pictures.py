"""A picture made smaller, enlarged again in several ways, and held against itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models import device
from models.errors import UpsamplingError
from models.learning import best_weights
from models.measure import measure
from models.operator import Layer, linear_operator
from models.unpool import PoolUnpool
from models.upsampling.kernels import bilinear_transposed, check_scale, exact_transposed
from models.upsampling.pattern import unevenness
from models.upsampling.ways import build_way

LARGEST_IMAGE = 1024 * 1024
"""Pixels of the largest picture that is compared."""

ROUNDING = 1e-9
"""Differences from a picture, of 1, below which nothing but rounding is left: the two are then equal."""


def picture_code(image: np.ndarray, channels: int, factor: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A latent that knows a picture, for a generator to draw it from: ``(code, picture)``, float64.

    Each ``factor`` × ``factor`` patch of the grey image ``(H, W)``, 0 to 1, becomes ``channels`` numbers: its pixels
    along random orthogonal directions. ``code`` is ``(1, channels, H/factor, W/factor)``, ``picture`` the image as
    ``(1, 1, H, W)``.

    Raises:
        UpsamplingError: if a side is no multiple of the factor, or a patch has fewer pixels than there are channels.
    """
    picture = as_batch(image)
    if len(picture) != 1 or any(n % factor for n in picture.shape[2:]) or channels > factor**2:
        raise UpsamplingError(
            f"an image of {tuple(np.shape(image))} has no code of {channels} numbers for each {factor} × {factor} "
            f"patch: give a grey one whose sides are multiples of {factor}, and at most {factor**2} channels."
        )
    drawn = torch.Generator().manual_seed(seed)
    directions = torch.linalg.qr(torch.randn(factor**2, channels, generator=drawn, dtype=torch.float64))[0]
    return torch.einsum("nphw,pc->nchw", F.pixel_unshuffle(picture, factor), directions), picture


def as_batch(image: np.ndarray) -> torch.Tensor:
    """An image ``(H, W)`` or ``(H, W, 3)``, floats 0 to 1 or uint8, as ``(colours, 1, H, W)``, float64.

    Colours become images of one channel each, so that one kernel serves them all.
    """
    pixels = np.asarray(image)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)) or 0 in pixels.shape:
        raise UpsamplingError(f"an image of shape {pixels.shape} is not (H, W) or (H, W, 3): convert it first.")
    if pixels.shape[0] * pixels.shape[1] > LARGEST_IMAGE:
        raise UpsamplingError(f"{pixels.shape[0]} × {pixels.shape[1]} pixels are too many: use 1024 × 1024 or fewer.")
    values = pixels.astype(np.float64) / (255 if pixels.dtype == np.uint8 else 1)
    if not np.isfinite(values).all():
        raise UpsamplingError("the image holds values that are not numbers: clean it first.")
    planes = values[None] if values.ndim == 2 else np.moveaxis(values, 2, 0)
    return torch.from_numpy(np.ascontiguousarray(planes))[:, None]


def as_image(batch: torch.Tensor) -> np.ndarray:
    """The inverse of ``as_batch``: ``(H, W)`` for one plane, ``(H, W, 3)`` for three."""
    planes = batch.detach()[:, 0].cpu().numpy()
    return planes[0] if len(planes) == 1 else np.moveaxis(planes, 0, 2)


def psnr(image: np.ndarray, original: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels, the peak being 1: 10·log10(1 / mean squared error); infinite for equal
    images."""
    error = float(np.mean((np.asarray(image, dtype=float) - np.asarray(original, dtype=float)) ** 2))
    return math.inf if error == 0 else -10 * math.log10(error)


def pair(image: np.ndarray, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture and its smaller self: ``(low, high)``, ``(colours, 1, H/S, W/S)`` and ``(colours, 1, H, W)``, float64.

    Rows and columns behind the last multiple of the scale are left out. Each small pixel is the mean of S² large ones.
    """
    check_scale(scale)
    high = as_batch(image)
    height, width = (n - n % scale for n in high.shape[2:])
    if min(height, width) < 4 * scale:
        raise UpsamplingError(f"the image is too small to be enlarged {scale} times: use {4 * scale} pixels or more.")
    high = high[..., :height, :width].contiguous()
    return device.answer(nn.AvgPool2d(scale), high).clone(), high


@dataclass(frozen=True)
class Method:
    """One way to enlarge a picture: title, scale -> network; ``learned`` ones are fitted to the picture."""

    title: str
    build: Callable[[int], nn.Module] | None
    learned: bool = False


def _smooth(scale: int, mode: str) -> nn.Module:
    return nn.Upsample(scale_factor=float(scale), mode=mode, align_corners=False)


METHODS: dict[str, Method] = {
    "nearest": Method("Nearest", lambda scale: nn.Upsample(scale_factor=float(scale), mode="nearest")),
    "bilinear": Method("Bilinear", lambda scale: _smooth(scale, "bilinear")),
    "bicubic": Method("Bicubic", lambda scale: _smooth(scale, "bicubic")),
    "max_unpool": Method("Max-unpooling", None),
    "transposed_bilinear": Method("Transposed, bilinear kernel", bilinear_transposed),
    "transposed": Method("Transposed, learned", lambda scale: exact_transposed(scale, 1, 2 * scale), True),
    "resize": Method("Resize, then convolve, learned", lambda scale: build_way("resize", scale), True),
    "pixel_shuffle": Method("Pixel shuffle, learned", lambda scale: build_way("shuffle_icnr", scale), True),
}
"""The ways that are compared on a picture, by name."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """One method on one picture.

    Attributes:
        name, title: of the method.
        image: float64, size of the (cropped) original; not clipped to 0 … 1.
        difference: ``image − original``; zero where it is rounding alone, and ``psnr`` is then infinite.
        psnr: decibels, on ``image`` clipped to 0 … 1.
        parameters: learned or fixed numbers that the layer holds.
        macs: multiply–accumulates for the whole picture, all colours; copies are none.
        counted: how ``macs`` were found.
        pattern: unevenness of ``difference`` with the scale as period: the checkerboard that the method adds.
        network: what made it; None for max-unpooling.
    """

    name: str
    title: str
    image: np.ndarray
    difference: np.ndarray
    psnr: float
    parameters: int
    macs: int
    counted: str
    pattern: float
    network: Layer | None


def compare(image: np.ndarray, scale: int = 2, names: Sequence[str] | None = None) -> list[Comparison]:
    """Shrink a picture, enlarge it again in several ways, and hold each against the original.

    Args:
        image: ``(H, W)`` or ``(H, W, 3)``, floats 0 to 1 or uint8.
        scale: whole number; sides are cropped to multiples of it.
        names: of ``METHODS``; all if left out.

    Learned methods are fitted by least squares to this very picture (``models.learning.best_weights``): the best that
    any training could reach on it, and better than on a picture that they have not seen.

    Raises:
        UpsamplingError: for a picture, a scale or a name that does not fit.
    """
    low, high = pair(image, scale)
    names = list(METHODS) if names is None else list(names)
    for name in names:
        if name not in METHODS:
            raise UpsamplingError(f"{name!r} is no way to enlarge: use one of {', '.join(METHODS)}.")
    original = as_image(high)
    found = []
    for name in names:
        method, network = METHODS[name], None
        if method.build is None:
            out, macs, counted = _unpooled(high, scale), 0, "numbers are moved, none is multiplied"
        else:
            network = method.build(scale).double()
            if method.learned:
                best_weights(network, low, high)
            out, macs, counted = _counted(network, low)
        result = as_image(out)
        difference = result - original
        exact = np.abs(difference).max() < ROUNDING
        if exact:
            difference = np.zeros_like(difference)
        found.append(
            Comparison(
                name,
                method.title,
                result,
                difference,
                math.inf if exact else psnr(np.clip(result, 0, 1), original),
                sum(p.numel() for p in network.parameters()) if network else 0,
                macs,
                counted,
                unevenness(np.moveaxis(np.atleast_3d(difference), 2, 0), (scale, scale)),
                network,
            )
        )
    return found


def _unpooled(high: torch.Tensor, scale: int) -> torch.Tensor:
    """Max-pool the picture and put the maxima back: it needs the places, so it starts from the picture itself."""
    return device.answer(PoolUnpool(nn.MaxPool2d(scale, return_indices=True), nn.MaxUnpool2d(scale)), high)


def _counted(network: Layer, low: torch.Tensor) -> tuple[torch.Tensor, int, str]:
    out = device.answer(network, low)
    if not isinstance(network, nn.Upsample):
        return out, measure(network, low.shape).macs, "PyTorch's FlopCounterMode ÷ 2"
    if network.mode == "nearest":
        return out, 0, "pixels are copied, none is multiplied"
    # Weights of the interpolation that are not 0: measured along each axis alone, and multiplied.
    settings = {"scale_factor": (1.0, network.scale_factor), "mode": network.mode, "align_corners": False}
    entries = [linear_operator(nn.Upsample(**settings), (1, 1, 1, n)).nnz for n in low.shape[2:]]
    return out, len(low) * prod(entries), "entries of the layer's operator"
