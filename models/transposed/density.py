"""The structure of a transposed convolution's matrix where it is too large to be measured: entries, counted in bins."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from models.spec import LayerSpec
from models.text import big

MOST_PLACED = 2**24
"""Entries that are placed at most: about a second."""

_CHUNK = 2**20


@dataclass(frozen=True, eq=False)
class Density:
    """One channel's block of Cᵀ (rows: output cells, columns: input cells) in bins.

    Attributes:
        counts: int64, (bins down, bins across): non-zeros in each bin.
        shape: rows and columns of the block.
        blocks: how many blocks like it the whole matrix holds; the other blocks are zero.
    """

    counts: np.ndarray
    shape: tuple[int, int]
    blocks: int

    @property
    def entries(self) -> int:
        """Non-zeros of the block."""
        return int(self.counts.sum())


def density(spec: LayerSpec, side: int = 256) -> Density:
    """Count where input cell i and tap t meet: row i·S + t·D − P of each axis, in at most ``side`` × ``side`` bins.

    Source: the shape formula in the documentation of ``torch.nn.ConvTranspose2d``. Raises ``ValueError`` where more
    than ``MOST_PLACED`` entries would have to be placed.
    """
    rows, cols, taps = prod(spec.output_size), prod(spec.input_size), prod(spec.kernel_size)
    if cols * taps > MOST_PLACED:
        raise ValueError(
            f"a block of the matrix takes {big(cols * taps)} products, more than the {big(MOST_PLACED)} that are "
            "placed: make the input or kernel smaller."
        )
    down, across = min(side, rows), min(side, cols)
    offset = np.stack(np.unravel_index(np.arange(taps), spec.kernel_size))
    each = lambda values: np.array(values)[:, None, None]  # noqa: E731
    offset = offset[:, None] * each(spec.dilation) - each(spec.padding)
    counts = np.zeros(down * across, np.int64)
    size, step = each(spec.output_size), max(1, _CHUNK // taps)
    for start in range(0, cols, step):
        cells = np.arange(start, min(cols, start + step))
        where = np.stack(np.unravel_index(cells, spec.input_size))[:, :, None] * each(spec.stride) + offset
        inside = ((where >= 0) & (where < size)).all(axis=0)
        row = np.ravel_multi_index(tuple(np.clip(where, 0, size - 1)), spec.output_size)
        place = row * down // rows * across + (cells * across // cols)[:, None]
        counts += np.bincount(place[inside], minlength=down * across)
    blocks = spec.in_channels * spec.out_channels // spec.groups
    return Density(counts.reshape(down, across), (rows, cols), blocks)
