"""Sizes of a transposed convolution, the ordinary convolution that matches it, and their measured matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import nn

from models import formulas
from models.errors import TransposedError
from models.operator import CONVOLUTIONS, TRANSPOSED, Layer, Operator, linear_operator


@dataclass(frozen=True)
class Geometry:
    """Sizes of one transposed convolution, one value per spatial axis; ``size`` is that of its input."""

    size: tuple[int, ...]
    output: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    extra: tuple[int, ...]
    groups: int
    in_channels: int
    out_channels: int

    @property
    def dims(self) -> int:
        return len(self.size)

    @property
    def reach(self) -> tuple[int, ...]:
        """D·(F − 1): how far the last tap lies from the first."""
        return tuple(d * (f - 1) for d, f in zip(self.dilation, self.kernel, strict=True))

    @property
    def canvas(self) -> tuple[int, ...]:
        """Size of the output before ``padding`` cuts it: what all stamps need, output_padding included."""
        return tuple(o + 2 * p for o, p in zip(self.output, self.padding, strict=True))

    @property
    def entries(self) -> int:
        """Multiplications of the stamp way: each input number meets each weight that it has, one image."""
        return self.in_channels * prod(self.size) * (self.out_channels // self.groups) * prod(self.kernel)


def geometry(module: Layer, input_shape: Sequence[int]) -> Geometry:
    """Sizes of an ``nn.ConvTranspose{1,2,3}d`` on an input of shape ``(N, C, *spatial)`` or ``(C, *spatial)``.

    Raises:
        TransposedError: for another layer, or a shape that it does not take.
    """
    if not isinstance(module, TRANSPOSED):
        raise TransposedError(
            f"{type(module).__name__} is not a transposed convolution: give an nn.ConvTranspose1d, 2d or 3d."
        )
    dims = module.weight.dim() - 2
    shape = tuple(int(n) for n in input_shape)
    if len(shape) not in (dims + 1, dims + 2):
        raise TransposedError(
            f"an input of shape {shape} has {len(shape)} axes: a {dims}-D layer takes (C, *{dims} sizes) "
            f"or (N, C, *{dims} sizes)."
        )
    if shape[-dims - 1] != module.in_channels:
        raise TransposedError(
            f"the input has {shape[-dims - 1]} channels and the layer takes {module.in_channels}: make them equal."
        )
    size = shape[-dims:]
    rows = (size, module.kernel_size, module.padding, module.stride, module.dilation, module.output_padding)
    output = tuple(formulas.transposed_size(*row) for row in zip(*rows, strict=True))
    if min(output) < 1:
        raise TransposedError(f"padding cuts the whole output away (size {output}): use less padding.")
    return Geometry(
        size,
        output,
        tuple(module.kernel_size),
        tuple(module.stride),
        tuple(module.padding),
        tuple(module.dilation),
        tuple(module.output_padding),
        module.groups,
        module.in_channels,
        module.out_channels,
    )


def matching_convolution(module: Layer) -> Layer:
    """The ordinary convolution whose matrix, transposed, is this layer's: same weight, channels exchanged, no bias.

    Its weight is a copy of the layer's, not flipped, not rearranged.
    """
    if not isinstance(module, TRANSPOSED):
        raise TransposedError(
            f"{type(module).__name__} is not a transposed convolution: give an nn.ConvTranspose1d, 2d or 3d."
        )
    conv = CONVOLUTIONS[module.weight.dim() - 3](
        module.out_channels,
        module.in_channels,
        module.kernel_size,
        module.stride,
        module.padding,
        module.dilation,
        module.groups,
        bias=False,
        device="meta",
        dtype=module.weight.dtype,
    )
    with torch.inference_mode(False):
        conv.weight = nn.Parameter(module.weight.detach().clone(), requires_grad=False)
    return conv


def convolution_matrix(module: Layer, input_shape: Sequence[int]) -> Operator:
    """C: the measured matrix of the matching ordinary convolution, from the layer's output back to its input.

    ``input_shape`` is the transposed layer's. Rows are the transposed layer's input cells, columns its output cells;
    ``.taps`` are flat indices into the layer's own weight. Rows for windows that the input never had (output_padding
    of a stride or more) are left out.
    """
    g = geometry(module, input_shape)
    found = linear_operator(matching_convolution(module), (1, g.out_channels, *g.output))
    windows = found.output_shape[2:]
    if windows == g.size:
        return found
    where = np.stack(np.unravel_index(found.rows, (g.in_channels, *windows)))
    real = (where[1:] < np.array(g.size)[:, None]).all(axis=0)
    rows = np.asarray(np.ravel_multi_index(where[:, real], (g.in_channels, *g.size)), np.int32)
    return Operator(
        rows, found.cols[real], found.values[real], found.taps[real], (1, g.in_channels, *g.size), found.input_shape
    )


def transposed_matrix(module: Layer, input_shape: Sequence[int]) -> Operator:
    """Cᵀ: ``convolution_matrix`` transposed; rows are output cells, columns input cells of the transposed layer."""
    return convolution_matrix(module, input_shape).T
