"""What an output number is made of, and the blocks that a convolution's matrix repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
import torch

from models.errors import TransposedError
from models.operator import CONVOLUTIONS, TRANSPOSED, Layer, Operator, linear_operator
from models.transposed.layer import geometry, transposed_matrix


class Term(NamedTuple):
    """One product of an output number: input cell ``(c, *spatial)``, index into ``weight``, and the numbers."""

    cell: tuple[int, ...]
    tap: tuple[int, ...]
    weight: float
    value: float
    product: float


def terms(module: Layer, x: torch.Tensor, index: Sequence[int]) -> tuple[Term, ...]:
    """What one output number ``(c, *spatial)`` is made of, the bias left out; the same cells in all four views.

    Read from the row of Cᵀ. ``sum(term.product for term in terms) + bias`` is the layer's number.
    """
    g = geometry(module, x.shape)
    if x.dim() == g.dims + 2 and len(x) != 1:
        raise TransposedError(f"the input holds {len(x)} images: give one.")
    shape = (g.out_channels, *g.output)
    if len(index) != len(shape) or any(not 0 <= i < n for i, n in zip(index, shape, strict=False)):
        raise TransposedError(f"{tuple(index)} is not a cell of the output: it has the shape {shape}.")
    op = transposed_matrix(module, (1, g.in_channels, *g.size))
    mine = op.rows == np.ravel_multi_index(tuple(index), shape)
    flat = x.detach().reshape(-1).double().cpu().numpy()
    found = []
    for col, weight, tap in zip(op.cols[mine], op.values[mine], op.taps[mine], strict=True):
        cell = tuple(int(i) for i in np.unravel_index(col, (g.in_channels, *g.size)))
        where = tuple(int(i) for i in np.unravel_index(tap, tuple(module.weight.shape)))
        found.append(Term(cell, where, float(weight), float(flat[col]), float(weight * flat[col])))
    return tuple(found)


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
        levels: (height, width) of nested blocks, from this one outwards: one more per leading spatial axis.
    """

    operator: Operator
    height: int
    width: int
    where: np.ndarray
    levels: tuple[tuple[int, int], ...]

    @cached_property
    def repeats(self) -> dict[int, int]:
        """How often each block occurs, by id."""
        ids, counts = np.unique(self.where[self.where >= 0], return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def at(self, row: int, column: int) -> np.ndarray:
        """The numbers of the block at one place, dense, (height, width)."""
        op = self.operator
        mine = (op.rows // self.height == row) & (op.cols // self.width == column)
        block = np.zeros((self.height, self.width))
        np.add.at(block, (op.rows[mine] % self.height, op.cols[mine] % self.width), op.values[mine])
        return block

    def block(self, id: int) -> np.ndarray:
        """The numbers of the block with this id, dense, (height, width)."""
        places = np.argwhere(self.where == id)
        if not len(places):
            raise TransposedError(f"no block has the id {id}: use one of {', '.join(map(str, self.repeats))}.")
        return self.at(*places[0])


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
    dims = len(found.input_shape) - 2
    levels = tuple((prod(found.output_shape[-k:]), prod(found.input_shape[-k:])) for k in range(1, dims + 1))
    return Blocks(found, height, width, where, levels)
