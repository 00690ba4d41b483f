"""A convolution and then its transpose, beside its pseudo-inverse."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import torch

from models.errors import TransposedError
from models.measure import measure
from models.operator import CONVOLUTIONS, Layer, Operator, linear_operator
from models.text import big
from models.transposed.layer import matching_convolution

MOST_DENSE = 2**20
"""No dense matrix larger than this is taken apart (pseudo-inverse): about a second."""


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """A convolution and then its transpose; beside it, the pseudo-inverse (Moore and Penrose).

    Attributes (float64 arrays; images ``(C, *spatial)``):
        image: what we start with, x.
        small: C x.
        back: Cᵀ C x: the shape again, not the values.
        best: C⁺ C x: the smallest image that the convolution sends to the same ``small``.
        again: C C⁺ C x, which is ``small`` once more.
        matrix: C, dense, (small cells, image cells).
        inverse: C⁺, dense, (image cells, small cells). Cᵀ has as many zeros as C; C⁺ has hardly any.
        rank: independent rows of C: so many numbers of the image survive.
    """

    image: np.ndarray
    small: np.ndarray
    back: np.ndarray
    best: np.ndarray
    again: np.ndarray
    matrix: np.ndarray
    inverse: np.ndarray
    rank: int

    @property
    def lost(self) -> int:
        """Directions of the image that the convolution maps to 0: nothing can bring them back."""
        return self.image.size - self.rank

    @property
    def back_error(self) -> float:
        """Root mean square of ``back − image``."""
        return float(np.sqrt(np.mean((self.back - self.image) ** 2)))

    @property
    def best_error(self) -> float:
        """Root mean square of ``best − image``; 0 only where nothing is lost or the image lies in C's row space."""
        return float(np.sqrt(np.mean((self.best - self.image) ** 2)))

    @property
    def inverse_entries(self) -> int:
        """Entries of C⁺ that are not 0 (relative to the largest, 1e-12)."""
        return int((np.abs(self.inverse) > 1e-12 * np.abs(self.inverse).max(initial=0)).sum())


def weights_of_inverse(operator: Operator, inverse: np.ndarray) -> np.ndarray | None:
    """The weights with which the transposed layer computes C⁺, flat as in the layer; None where none do.

    Args:
        operator: Cᵀ, with taps.
        inverse: C⁺, ``(image cells, small cells)``.
    """
    picked = inverse[operator.rows, operator.cols]
    weights = np.zeros(int(operator.taps.max(initial=0)) + 1)
    weights[operator.taps] = picked
    made = np.zeros_like(inverse)
    made[operator.rows, operator.cols] = weights[operator.taps]
    return weights if np.abs(made - inverse).max(initial=0) <= 1e-9 * np.abs(inverse).max(initial=0) else None


def round_trip(module: Layer, x: torch.Tensor) -> RoundTrip:
    """Send an image through C, then back through Cᵀ and through C⁺: float64 on the CPU, as the measured matrix is.

    Args:
        module: a transposed convolution (C is then its ``matching_convolution``) or an ordinary one (C itself). A bias
            is left out.
        x: the image that C takes, ``(C, *spatial)`` or ``(1, C, *spatial)``: for a transposed layer, of the kind that
            it *returns*.

    Raises:
        TransposedError: for another layer, an image that C does not take, or more than ``MOST_DENSE`` matrix entries.
    """
    conv = module if isinstance(module, CONVOLUTIONS) else matching_convolution(module)
    dims = conv.weight.dim() - 2
    shape = tuple(x.shape[-dims - 1 :])
    images = 1 if x.dim() == dims + 1 else len(x)
    if x.dim() not in (dims + 1, dims + 2) or images != 1 or shape[0] != conv.in_channels:
        raise TransposedError(
            f"the convolution takes one image of {conv.in_channels} channel(s) and {dims} size(s), "
            f"not {tuple(x.shape)}: give an image of the kind that the transposed layer returns."
        )
    try:
        little = measure(conv, (1, *shape)).output_shape[1:]
    except RuntimeError as error:
        raise TransposedError(f"the kernel does not fit into an image of {shape[1:]}: give a larger image.") from error
    entries = prod(little) * prod(shape)
    if entries > MOST_DENSE:
        raise TransposedError(
            f"the matrix would have {big(entries)} entries, too many to invert: give a smaller image."
        )
    operator = linear_operator(conv, (1, *shape))
    matrix = operator.matrix
    image = x.detach().reshape(-1).double().cpu().numpy()
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    rank = int((sizes > sizes.max(initial=0) * max(matrix.shape) * np.finfo(float).eps).sum())
    inverse = (right[:rank].T / sizes[:rank]) @ left[:, :rank].T
    small = matrix @ image
    back, best = matrix.T @ small, inverse @ small
    return RoundTrip(
        image.reshape(shape),
        small.reshape(little),
        back.reshape(shape),
        best.reshape(shape),
        (matrix @ best).reshape(little),
        matrix,
        inverse,
        rank,
    )
