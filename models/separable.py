"""What a kernel is a product of: along its two axes, and of its channels with its window.

Both are questions of rank. A 2-D kernel is a column times a row if its rank is 1. A convolution is a depthwise one and
a 1x1 if, for each input channel, the matrix (output channels × taps) has rank 1; in the other order, if that holds for
each output channel and (input channels × taps). Where the rank is higher, cutting the singular value decomposition
after its first part gives the nearest that there is (Eckart and Young 1936, https://doi.org/10.1007/BF02288367).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from models.errors import OperatorError
from models.formulas import CONV, RETHINKING, Formula, formula_of
from models.terms import letter, over_axes

TINY = 1e-3
"""Entries of a row that are smaller than so much of its largest do not set its scale."""


@dataclass(frozen=True, eq=False)
class Separation:
    """A 2-D kernel as a sum of columns times rows, the largest part first.

    Attributes:
        kernel: float64 array ``[height, width]``.
        singular: the size of each part, falling.
        columns, rows: ``columns[:, i]`` and ``rows[i]``, of length 1: the directions of part i.
    """

    kernel: np.ndarray
    singular: np.ndarray
    columns: np.ndarray
    rows: np.ndarray

    @property
    def rank(self) -> int:
        """How many parts the kernel needs; 0 for zeros."""
        return _rank(self.singular, self.kernel.shape)

    @property
    def energy(self) -> np.ndarray:
        """Share of the kernel's sum of squares that the first 1, 2, … parts hold together; 1 for zeros."""
        squares = np.cumsum(self.singular**2)
        return squares / squares[-1] if squares[-1] else np.ones_like(squares)

    def best(self, rank: int = 1) -> np.ndarray:
        """The nearest kernel of this rank."""
        return (self.columns[:, :rank] * self.singular[:rank]) @ self.rows[:rank]

    @property
    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of the first part, scaled so that the row's smallest entry is ±1, and the signs
        stand where they change: ``(1, 2, 1)`` and ``(−1, 0, 1)`` for Sobel's kernel."""
        row = self.rows[0]
        sizes = abs(row)
        there = sizes > TINY * sizes.max()
        column = self.columns[:, 0] * self.singular[0]
        # What has one sign is positive; where both change it, the row begins so.
        seen = abs(column) > TINY * abs(column).max()
        steady = row[there] if np.ptp(np.sign(row[there])) == 0 or np.ptp(np.sign(column[seen])) else column[seen]
        scale = sizes[there].min() * np.sign(steady[0])
        # rounding dust off, and no −0
        return np.round(column * scale, 12) + 0.0, np.round(row / scale, 12) + 0.0

    def layers(self, padding: bool = True, rank: int = 1) -> nn.Sequential:
        """The first ``rank`` parts as two real layers in float64, from one channel to one, the columns first: a channel
        between them for each part. With ``padding`` they keep the size where the kernel's sides are odd."""
        columns, rows = self.columns[:, :rank] * self.singular[:rank], self.rows[:rank]
        if rank == 1:
            columns, rows = self.pair[0][:, None], self.pair[1][None]
        (h, w), keep = self.kernel.shape, int(padding)
        column: Any = nn.Conv2d(1, rank, (h, 1), padding=(h // 2 * keep, 0), bias=False, dtype=torch.float64)
        row: Any = nn.Conv2d(rank, 1, (1, w), padding=(0, w // 2 * keep), bias=False, dtype=torch.float64)
        with torch.no_grad():
            column.weight.copy_(torch.from_numpy(columns.T.copy())[:, None, :, None])
            row.weight.copy_(torch.from_numpy(rows.copy())[None, :, None])
        both = nn.Sequential()
        both.add_module("column", column)
        both.add_module("row", row)
        return both


def passes(kernel: Sequence[int], output: Sequence[int], rank: int) -> tuple[Formula, Formula]:
    """MACs of one convolution with a kernel ``(height, width)``, and of as many columns and rows as ``rank``, for one
    channel of an output ``(height, width)``."""
    out = over_axes("O", output)
    both = letter("r", rank) * (letter("F_h", kernel[0]) + letter("F_w", kernel[1]))
    return formula_of(over_axes("F", kernel) * out, CONV), formula_of(both * out, RETHINKING)


def separate(kernel: Any) -> Separation:
    """Singular value decomposition of a 2-D kernel.

    Raises:
        OperatorError: it is no 2-D array of finite numbers.
    """
    kernel = np.asarray(kernel, dtype=np.float64)
    if kernel.ndim != 2 or not kernel.size or not np.isfinite(kernel).all():
        raise OperatorError("Only a kernel of rows and columns of finite numbers can be separated.")
    columns, singular, rows = np.linalg.svd(kernel, full_matrices=False)
    return Separation(kernel, singular, columns, rows)


def _rank(singular: np.ndarray, shape: tuple[int, ...]) -> int:
    return int((singular > singular.max(initial=0) * max(shape) * np.finfo(float).eps).sum())


@dataclass(frozen=True, eq=False)
class NearestSeparable:
    """The depthwise separable convolution nearest to an ordinary one.

    Attributes:
        module: an ``nn.Sequential`` of ``depthwise`` and ``pointwise``, in the order that was asked for, in float64;
            the bias is the last layer's.
        weight: the weight of the one convolution that ``module`` is, float64 array ``[out, in, *kernel]``.
        ranks: for each input channel (the 1x1 first: for each output channel) the rank of its matrix. The convolution
            is separable if none exceeds 1.
        energy: share of the sum of squares of all weights that is kept.
    """

    module: nn.Sequential
    weight: np.ndarray
    ranks: tuple[int, ...]
    energy: float

    @property
    def exact(self) -> bool:
        """Whether nothing is lost."""
        return max(self.ranks) <= 1


def nearest_separable(conv: Any, pointwise_first: bool = False) -> NearestSeparable:
    """The nearest depthwise convolution and 1x1 in a row, depthwise first as in MobileNet and Xception, or the 1x1
    first as in Inception.

    Nearest in the weights' sum of squares: one singular value decomposition for each input channel (output channel).

    Raises:
        OperatorError: the layer is no 2-D convolution without groups.
    """
    if not isinstance(conv, nn.Conv2d) or conv.groups > 1:
        raise OperatorError("Only a 2-D convolution without groups has a nearest separable one.")
    weight = conv.weight.detach().to("cpu", torch.float64).numpy()
    outputs, inputs, *window = weight.shape
    # one matrix for each channel that has a window of its own: the other channels × taps
    matrices = weight.reshape(outputs, inputs, -1)
    if not pointwise_first:
        matrices = matrices.transpose(1, 0, 2)
    left, singular, right = np.linalg.svd(matrices, full_matrices=False)
    mixed, taps = left[:, :, 0] * singular[:, :1], right[:, 0]
    parts = mixed[:, :, None] * taps[:, None, :]
    whole = (weight**2).sum()

    settings: Any = {n: getattr(conv, n) for n in ("kernel_size", "stride", "padding", "dilation", "padding_mode")}
    bias, wide = conv.bias is not None, outputs if pointwise_first else inputs
    depthwise: Any = nn.Conv2d(wide, wide, groups=wide, bias=bias and pointwise_first, **settings)
    pointwise: Any = nn.Conv2d(inputs, outputs, 1, bias=bias and not pointwise_first)
    module = nn.Sequential()
    both = {"depthwise": depthwise, "pointwise": pointwise}
    for name in reversed(both) if pointwise_first else both:
        module.add_module(name, both[name].double())
    with torch.no_grad():
        depthwise.weight.copy_(torch.from_numpy(taps.reshape(wide, 1, *window)))
        mix = mixed if pointwise_first else mixed.T
        pointwise.weight.copy_(torch.from_numpy(mix.reshape(outputs, inputs, 1, 1).copy()))
        if bias:
            (depthwise if pointwise_first else pointwise).bias.copy_(conv.bias)
    return NearestSeparable(
        module,
        (parts if pointwise_first else parts.transpose(1, 0, 2)).reshape(weight.shape),
        tuple(_rank(s, matrices.shape[1:]) for s in singular),
        float((singular[:, 0] ** 2).sum() / whole) if whole else 1.0,
    )
