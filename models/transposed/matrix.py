"""The blocks that a convolution's matrix repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.errors import TransposedError
from models.operator import CONVOLUTIONS, TRANSPOSED, Layer, Operator, linear_operator


@dataclass(frozen=True, eq=False)
class Blocks:
    """A convolution's matrix as the blocks that it repeats.

    One block is the 1-D convolution along the last axis with one row of the kernel: a band with one weight a diagonal
    (Toeplitz). Blocks with the same id are the same numbers.

    Attributes:
        operator: the matrix.
        height, width: rows and columns of one block.
        where: int32, (block rows, block columns): the id of the block there (which row of the kernel, as a flat index
            into the weight without its last axis), −1 for a block of zeros.
    """

    operator: Operator
    height: int
    width: int
    where: np.ndarray

    @cached_property
    def repeats(self) -> dict[int, int]:
        """How often each block occurs, by id."""
        ids, counts = np.unique(self.where[self.where >= 0], return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def toeplitz_blocks(module: Layer, input_shape: Sequence[int]) -> Blocks:
    """The blocks in the matrix of a convolution or a transposed one, for one image of shape ``(1, C, *spatial)``.

    Raises:
        TransposedError: for other layers, and for padding that copies cells: the blocks at the border then differ.
    """
    if not isinstance(module, CONVOLUTIONS + TRANSPOSED):
        raise TransposedError(f"{type(module).__name__} repeats no kernel: give a convolution or a transposed one.")
    if module.padding_mode != "zeros":
        raise TransposedError(
            f"padding_mode {module.padding_mode} copies cells, so that the border's blocks differ: use zeros."
        )
    found = linear_operator(module, (1, *tuple(input_shape)[1:]))
    height, width = found.output_shape[-1], found.input_shape[-1]
    where = np.full((found.shape[0] // height, found.shape[1] // width), -1, np.int32)
    where[found.rows // height, found.cols // width] = found.taps // module.kernel_size[-1]
    return Blocks(found, height, width, where)
