"""The zero-insertion view before it convolves, to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import torch

from models.operator import Layer
from models.spec import LayerSpec
from models.transposed.views import batched, flipped, spread

REAL, INSERTED, BORDER = 0, 1, 2
"""What a cell of the zero-inserted image is: a number of the input, a zero between numbers, a zero around them."""


@dataclass(frozen=True, eq=False)
class ZeroInserted:
    """The image that the zero-padding way convolves, and the kernel that it uses.

    Attributes:
        image: float64, (N, C_in, *size).
        source: int64, spatial size: flat index of the input cell that lies there, −1 for a zero.
        role: uint8, spatial size: ``REAL``, ``INSERTED`` or ``BORDER``.
        kernel: float64, (C_out, C_in/groups, *kernel): flipped along each spatial axis, channels exchanged.
        dilation, groups: of the ordinary convolution; its stride is 1 and its padding 0. The window of output o starts
            at cell o of the image.
        cut: input cells that padding took away, because it is larger than D·(F − 1); usually 0.
    """

    image: np.ndarray
    source: np.ndarray
    role: np.ndarray
    kernel: np.ndarray
    dilation: tuple[int, ...]
    groups: int
    cut: int


def zero_inserted(module: Layer, x: torch.Tensor) -> ZeroInserted:
    """The zero-insertion view before it convolves."""
    with torch.inference_mode(False), torch.no_grad():
        g, batch = batched(module, x.detach().clone())
        kernel = flipped(g, module.weight).double().cpu().numpy()
    sizes, there, which = spread(g)
    image = np.zeros((*batch.shape[:2], *sizes))
    image[(..., *there)] = batch.double().cpu().numpy()[(..., *which)]
    source, role = roles(g)
    return ZeroInserted(
        image, source, role, kernel, g.dilation, g.groups, prod(g.input_size) - int((role == REAL).sum())
    )


def roles(g: LayerSpec) -> tuple[np.ndarray, np.ndarray]:
    sizes, there, which = spread(g)
    source = np.full(sizes, -1, np.int64)
    source[there] = np.arange(prod(g.input_size)).reshape(g.input_size)[which]
    role = np.full(sizes, BORDER, np.uint8)
    # Between the first and the last cell, as the padding has left them.
    role[tuple(slice(t.start, t.stop) for t in there)] = INSERTED
    role[source >= 0] = REAL
    return source, role
