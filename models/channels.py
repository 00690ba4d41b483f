"""Which input channel reaches which output channel, read from the real layer; and layers that only treat channels."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import device
from models.errors import OperatorError
from models.formulas import Formula, formula_of
from models.terms import Term, letter, share

SHUFFLE = ("Zhang et al. 2017, ShuffleNet", "https://arxiv.org/abs/1707.01083")

CHUNK = 1 << 22
"""Numbers in the images that are sent at once."""


def channel_picture(module: nn.Module, input_shape: Sequence[int]) -> np.ndarray:
    """How strongly each input channel reaches each output channel.

    Measured from the gradient of the output in the middle of the map: the root of the sum of its squares
    over the places of one input channel. Exactly 0 where no path leads. For layers that are not linear, the gradient
    is taken at a drawn input.

    Args:
        module: any layer or network from ``(N, C, *spatial)`` to ``(N, C', *spatial)`` that treats each image of a
            batch alone. It is left as it was.
        input_shape: a batch axis of 1 included. A small image is enough: channels do not depend on its size.

    Returns:
        float32 array ``[out, in]``.
    """
    return _picture(_private(module), torch.Size(input_shape))


def channel_steps(module: nn.Module, input_shape: Sequence[int]) -> list[tuple[str, np.ndarray]]:
    """The ``channel_picture`` of each layer of an ``nn.Sequential``, by name; one alone for any other module."""
    row = _private(module)
    layers = row.named_children() if isinstance(row, nn.Sequential) else [(type(row).__name__, row)]
    found, x = [], torch.zeros(tuple(input_shape))
    for name, layer in layers:
        found.append((name, _picture(layer, x.shape)))
        with torch.no_grad():
            x = layer(x)
    return found


def _private(module: nn.Module) -> nn.Module:
    return deepcopy(module).to("cpu", torch.float32).eval().requires_grad_(False)


def _picture(layer: nn.Module, shape: torch.Size) -> np.ndarray:
    with torch.inference_mode(False), device.one_thread():
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            out = layer(x)
        middle = [(n - 1) // 2 for n in out.shape[2:]]
        rows = []
        for asked in torch.arange(out.shape[1]).split(max(1, CHUNK // x.numel())):
            # a copy of the image for each output channel: one pass back for all of them
            images = x.repeat(len(asked), *[1] * (x.ndim - 1)).requires_grad_(True)
            with torch.enable_grad():
                answers = layer(images)[(torch.arange(len(asked)), asked, *middle)].sum()
            (slope,) = torch.autograd.grad(answers, images)
            rows.append(slope.flatten(2).norm(dim=2).numpy())
    return np.concatenate(rows)


class SplitConvolution(nn.Module):
    """Convolutions on equal shares of the channels, side by side, then concatenated."""

    def __init__(self, parts: Sequence[nn.Module]):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        shares = x.chunk(len(self.parts), 1)
        return torch.cat([part(share) for part, share in zip(self.parts, shares, strict=True)], 1)


def split_groups(grouped: Any) -> SplitConvolution:
    """A grouped convolution as one convolution a group, with its weights."""
    groups, parts = grouped.groups, []
    for g in range(groups):
        part = type(grouped)(
            grouped.in_channels // groups,
            grouped.out_channels // groups,
            grouped.kernel_size,
            grouped.stride,
            grouped.padding,
            grouped.dilation,
            bias=grouped.bias is not None,
            padding_mode=grouped.padding_mode,
            dtype=grouped.weight.dtype,
        )
        with torch.no_grad():
            part.weight.copy_(grouped.weight.chunk(groups)[g])
            if part.bias is not None:
                part.bias.copy_(grouped.bias.chunk(groups)[g])
        parts.append(part)
    return SplitConvolution(parts)


def shuffle_order(channels: int, groups: int) -> list[int]:
    """Which input channel each output channel of ``nn.ChannelShuffle`` is, read from the layer.

    Source: Zhang et al. 2017, ShuffleNet (https://arxiv.org/abs/1707.01083).

    Raises:
        OperatorError: the channels do not divide into so many groups.
    """
    if channels % groups:
        raise OperatorError(f"{channels} channels do not divide into {groups} equal groups.")
    numbered = torch.arange(channels, dtype=torch.float64).reshape(1, channels, 1, 1)
    return [int(c) for c in nn.ChannelShuffle(groups)(numbered).flatten()]


def two_grouped(channels: int, groups: int, shuffled: bool) -> nn.Sequential:
    """Two grouped 1x1 convolutions in a row, with a shuffle of the channels between them or without.

    Raises:
        OperatorError: the channels do not divide into so many groups.
    """
    shuffle_order(channels, groups)
    row = nn.Sequential()
    row.add_module("first", nn.Conv2d(channels, channels, 1, groups=groups, bias=False))
    if shuffled:
        row.add_module("shuffle", nn.ChannelShuffle(groups))
    row.add_module("second", nn.Conv2d(channels, channels, 1, groups=groups, bias=False))
    return row


def seen(picture: np.ndarray) -> int:
    """How many input channels an output channel sees, of a ``channel_picture``; the fewest of all outputs."""
    return int((picture != 0).sum(1).min())


def seen_through(pictures: Sequence[np.ndarray]) -> int:
    """The same of several steps in a row, each with its own picture."""
    ways = np.eye(pictures[0].shape[1])
    for picture in pictures:
        ways = (picture != 0) @ ways > 0
    return seen(ways)


def seen_form(channels: int, groups: int, shuffled: bool = False) -> Formula:
    """Input channels that an output channel of grouped layers sees, in closed form: those of its group; after a shuffle
    its group holds channels of as many groups as there are, or as it has channels."""
    inside = share(letter("C", channels), letter("G", groups), ones=True)
    if not shuffled:
        return formula_of(inside, SHUFFLE)
    n = channels // groups
    fewer = r"\min\left(G, \frac{C}{G}\right)", rf"\min({groups}, {n})", f"min({groups}, {n})"
    return formula_of(inside * Term(min(groups, n), *fewer), SHUFFLE)


def merge_pointwise(first: Any, second: Any) -> nn.Module:
    """The one 1x1 convolution that two in a row are: the product of their matrices.

    Raises:
        OperatorError: a layer is no plain 1x1 convolution, or the second does not take what the first makes.
    """
    for conv in (first, second):
        if not (
            isinstance(conv, nn.Conv2d)
            and (conv.kernel_size, conv.stride, conv.padding, conv.groups) == ((1, 1), (1, 1), (0, 0), 1)
        ):
            raise OperatorError("Only two 1×1 convolutions with stride 1, without padding or groups, are one.")
    if first.out_channels != second.in_channels:
        raise OperatorError(f"{first.out_channels} channels meet {second.in_channels} that are taken: make them equal.")
    biased = first.bias is not None or second.bias is not None
    merged = nn.Conv2d(first.in_channels, second.out_channels, 1, bias=biased, dtype=first.weight.dtype)
    with torch.no_grad():
        a, b = first.weight.flatten(1), second.weight.flatten(1)
        merged.weight.copy_((b @ a)[:, :, None, None])
        if merged.bias is not None:
            merged.bias.zero_()
            if first.bias is not None:
                merged.bias += b @ first.bias
            if second.bias is not None:
                merged.bias += second.bias
    return merged
