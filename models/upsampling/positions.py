"""Where an interpolation samples, and where pixel shuffle (Shi et al. 2016, https://arxiv.org/abs/1609.05158) reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import nn

from models import device
from models.errors import UpsamplingError
from models.formulas import UPSAMPLE, Formula
from models.terms import Term, letter, ratio


@dataclass(frozen=True, eq=False)
class SamplePositions:
    """Where on the input axis each output of an interpolation samples, in input pixels (0 is the first one's middle).

    Attributes (float64 arrays, one value an output):
        measured: read from the real layer by enlarging a ramp; linear interpolation of 0, 1, 2 … is the position.
        predicted: the closed form, held inside the image as the layer does.
        unclamped: the closed form before that: below 0 or above W − 1 it lies beyond the outer pixels' middles.
        spacing: distance between neighbours, in input pixels, measured where nothing is clamped.
    """

    measured: np.ndarray
    predicted: np.ndarray
    unclamped: np.ndarray
    spacing: float
    formula: Formula


def sample_positions(size: int, scale: float, align_corners: bool) -> SamplePositions:
    """Sample positions of ``nn.Upsample`` on one axis of ``size`` pixels.

    Without ``align_corners`` pixels are areas: output o lies at (o + ½)/S − ½. With it the outer pixels' middles are
    held together: o·(W − 1)/(O − 1), so that the spacing depends on the size (documentation of ``torch.nn.Upsample``).
    """
    outputs = math.floor(size * scale)
    if size < 1 or outputs < 1:
        raise UpsamplingError(f"{size} pixels times {scale:g} is less than one pixel: use a larger scale.")
    at = Term(np.arange(outputs, dtype=float), "o", "o", "o")
    if align_corners:
        term = ratio(at * letter("(W - 1)", size - 1), letter("O - 1", max(1, outputs - 1)))
    else:
        half = Term(0.5, r"\frac{1}{2}", "0.5", "0.5")
        term = ratio(at + half, letter("S", float(scale))) - half
    ramp = torch.arange(size, dtype=torch.float64).reshape(1, 1, -1)
    layer = nn.Upsample(scale_factor=scale, mode="linear", align_corners=align_corners)
    measured = device.answer(layer, ramp)[0, 0].numpy()
    clamped = np.clip(term.value, 0, size - 1)
    free = np.flatnonzero(term.value == clamped)
    spacing = float(np.diff(measured[free]).mean()) if len(free) > 1 else 0.0
    formula = Formula((size, outputs), f"x = {term.symbols}", term.filled, term.text, UPSAMPLE)
    return SamplePositions(measured, clamped, term.value, spacing, formula)


@dataclass(frozen=True, eq=False)
class ShuffleMap:
    """Where pixel shuffle takes each output from: int64 arrays ``(C, S·H, S·W)`` of input channel, row and column.

    ``measured`` from the real layer; ``predicted`` in closed form: output (c, y, x) is input
    (c·r² + (y mod r)·r + x mod r, ⌊y/r⌋, ⌊x/r⌋).
    """

    measured: tuple[np.ndarray, np.ndarray, np.ndarray]
    predicted: tuple[np.ndarray, np.ndarray, np.ndarray]


def shuffle_map(channels: int, size: tuple[int, int], upscale_factor: int) -> ShuffleMap:
    """The rearrangement of ``nn.PixelShuffle`` for ``channels`` *input* channels of ``size`` (Shi et al. 2016)."""
    r = upscale_factor
    if channels % r**2:
        raise UpsamplingError(f"{channels} channels are not a multiple of {r}²: use {-(-channels // r**2) * r**2}.")
    index = torch.arange(channels * prod(size), dtype=torch.float64).reshape(1, channels, *size)
    moved = device.answer(nn.PixelShuffle(r), index)[0].long().numpy()
    channel, row, column = np.unravel_index(moved, (channels, *size))
    c, y, x = np.unravel_index(np.arange(moved.size).reshape(moved.shape), moved.shape)
    return ShuffleMap((channel, row, column), (c * r**2 + (y % r) * r + x % r, y // r, x // r))
