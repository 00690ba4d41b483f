"""A convolution as what it is a special case of: a layer of neurons that all see everything, and one whose neurons see
a window each, but share no weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import OperatorError
from models.formulas import window_positions
from models.operator import linear_operator, per_axis
from models.text import big

LARGEST = 1 << 24
"""Weights of a dense layer that is made from a convolution, at most: 128 MB of them."""


class Dense(nn.Module):
    """``nn.Linear`` on the flattened image: ``(N, *input_shape)`` → ``(N, *output_shape)``."""

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int], bias: bool = True):
        super().__init__()
        self.output_shape = tuple(output_shape)
        self.linear = nn.Linear(prod(input_shape), prod(output_shape), bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).unflatten(1, self.output_shape)


class LocallyConnected(nn.Module):
    """A window for each output, as a 2-D convolution has it, with weights of its own: ``[positions, out, in·taps]``.

    Taigman et al. 2014, DeepFace (https://doi.org/10.1109/CVPR.2014.220), use three such layers.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        input_size: Sequence[int],
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        bias: bool = True,
    ):
        super().__init__()
        given = (per_axis(value, 2) for value in (kernel_size, stride, padding, dilation))
        self.kernel_size, self.stride, self.padding, self.dilation = given
        rows = zip(input_size, self.kernel_size, self.padding, self.stride, self.dilation, strict=True)
        self.positions = tuple(window_positions(w, f, 2 * p, s, d) for w, f, p, s, d in rows)
        reads = in_channels * prod(self.kernel_size)
        # as torch starts a convolution
        bound = reads**-0.5
        self.weight = nn.Parameter(torch.empty(prod(self.positions), out_channels, reads).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out_channels, *self.positions).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        windows = F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)
        out = torch.bmm(self.weight, windows.permute(2, 1, 0)).permute(2, 1, 0).unflatten(2, self.positions)
        return out if self.bias is None else out + self.bias


def dense_of(module: nn.Module, input_shape: Sequence[int]) -> Dense:
    """The dense layer that does what a linear ``module`` does to inputs ``(1, C, *spatial)``: its weight is the
    operator's matrix.

    Raises:
        OperatorError: the layer is not linear, or the matrix has more than ``LARGEST`` elements.
    """
    operator = linear_operator(module, input_shape)
    if prod(operator.shape) > LARGEST:
        raise OperatorError(
            f"This dense layer needs {big(prod(operator.shape))} weights, more than {big(LARGEST)}: "
            "use a smaller image or fewer channels."
        )
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    dense = Dense(input_shape[1:], operator.output_shape[1:]).to(dtype)
    with torch.no_grad():
        dense.linear.weight.copy_(torch.from_numpy(operator.matrix))
        dense.linear.bias.copy_(module(torch.zeros(tuple(input_shape), dtype=dtype)).flatten())
    return dense


def local_of(conv: Any, input_size: Sequence[int]) -> LocallyConnected:
    """The locally connected layer that does what an ``nn.Conv2d`` does to images of one size: the same weights at each
    place.

    Raises:
        OperatorError: the layer has groups, or a padding that is not so many zeros on each side.
    """
    if conv.groups > 1 or isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        raise OperatorError("A locally connected layer is made from a convolution without groups, padded with zeros.")
    local = LocallyConnected(
        conv.in_channels,
        conv.out_channels,
        input_size,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.bias is not None,
    ).to(conv.weight.dtype)
    with torch.no_grad():
        local.weight.copy_(conv.weight.flatten(1).expand_as(local.weight))
        if local.bias is not None:
            local.bias.copy_(conv.bias[:, None, None].expand_as(local.bias))
    return local
