"""Sizes of a transposed convolution, the ordinary convolution that matches it, and their measured matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from models.errors import SpecError, TransposedError
from models.operator import CONVOLUTIONS, TRANSPOSED, Layer, Operator, linear_operator
from models.spec import LayerSpec


def _demand_transposed(module: Layer) -> None:
    if not isinstance(module, TRANSPOSED):
        raise TransposedError(
            f"{type(module).__name__} is not a transposed convolution: give an nn.ConvTranspose1d, 2d or 3d."
        )


def geometry(module: Layer, input_shape: Sequence[int]) -> LayerSpec:
    """Sizes of an ``nn.ConvTranspose{1,2,3}d`` on an input of shape ``(N, C, *spatial)`` or ``(C, *spatial)``.

    Raises:
        TransposedError: for another layer, or a shape that it does not take.
    """
    _demand_transposed(module)
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
    names = ("out_channels", "kernel_size", "stride", "padding", "output_padding", "dilation", "groups")
    settings = {name: getattr(module, name) for name in names}
    try:
        return LayerSpec("transposed", dims, shape[-dims:], module.in_channels, bias=False, **settings)
    except SpecError as error:
        raise TransposedError(str(error)) from error


def matching_convolution(module: Layer) -> Layer:
    """The ordinary convolution whose matrix, transposed, is this layer's: same weight, channels exchanged, no bias.

    Its weight is a copy of the layer's, not flipped, not rearranged.
    """
    _demand_transposed(module)
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
    found = linear_operator(matching_convolution(module), (1, g.out_channels, *g.output_size))
    windows = found.output_shape[2:]
    if windows == g.input_size:
        return found
    where = np.stack(np.unravel_index(found.rows, (g.in_channels, *windows)))
    real = (where[1:] < np.array(g.input_size)[:, None]).all(axis=0)
    rows = np.asarray(np.ravel_multi_index(where[:, real], g.input_shape[1:]), np.int32)
    return Operator(rows, found.cols[real], found.values[real], found.taps[real], g.input_shape, found.input_shape)


def transposed_matrix(module: Layer, input_shape: Sequence[int]) -> Operator:
    """Cᵀ: ``convolution_matrix`` transposed; rows are output cells, columns input cells of the transposed layer."""
    return convolution_matrix(module, input_shape).T
