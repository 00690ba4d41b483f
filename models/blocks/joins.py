"""Add or concatenate? Two images joined in both ways, and read by the same layer: what it holds, what it sends back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.blocks.parts import joined
from models.blocks.registry import BLOCKS, build
from models.device import one_thread
from models.measure import measure


@dataclass(frozen=True, eq=False)
class Joined:
    """Two images of one shape, joined in one way.

    channels: of what the layer behind the join reads.
    parameters, macs: of that layer alone, MACs on the image that the block usually meets.
    output: what it answers, ``(C, side, side)``.
    gradients: what comes back to each of the two images, ``(C, side, side)``, where the same gradient comes into the
        layer's output.
    """

    channels: int
    parameters: int
    macs: int
    output: np.ndarray
    gradients: tuple[np.ndarray, np.ndarray]

    @property
    def difference(self) -> float:
        """The largest difference between what the two images get."""
        one, other = self.gradients
        return float(np.abs(one - other).max())

    @property
    def alike(self) -> float:
        """The cosine of the angle between what they get: 1 for the same direction, 0 for none in common."""
        one, other = (gradient.ravel() for gradient in self.gradients)
        return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def join_both(channels: int, out_channels: int, side: int = 8, *, tied: bool = False) -> dict[str, Joined]:
    """The block ``join`` in both ways on the same two drawn images, in float64.

    Where it adds, its kernels are those that it has for the first image where it concatenates; ``tied``: there the
    second image has the same ones, and the two ways are one function.

    Raises:
        SpecError: no such block.
    """
    drawn = torch.Generator().manual_seed(0)
    images = [torch.randn(1, channels, side, side, generator=drawn, dtype=torch.float64) for _ in range(2)]
    back = torch.randn(1, out_channels, side, side, generator=drawn, dtype=torch.float64)
    both = torch.randn(out_channels, 2 * channels, 3, 3, generator=drawn, dtype=torch.float64) / channels**0.5
    if tied:
        both[:, channels:] = both[:, :channels]
    kernels = {"add": both[:, :channels], "concatenate": both}
    return {join: _joined(join, images, kernel, back) for join, kernel in kernels.items()}


def _joined(join: str, images: list[Tensor], kernel: Tensor, back: Tensor) -> Joined:
    block = build("join", channels=images[0].shape[1], out_channels=len(kernel), join=join)
    layer = block.get_submodule("conv2").double()
    with torch.inference_mode(False), torch.enable_grad(), one_thread():
        with torch.no_grad():
            layer.get_parameter("weight").copy_(kernel)
        leaves = [image.clone().requires_grad_(True) for image in images]
        read = joined(leaves, join)
        answer = layer(read)
        gradients = torch.autograd.grad(answer, leaves, back)
    cost = measure(layer.to("meta"), (1, read.shape[1], *BLOCKS["join"].input_shape()[2:]))
    one, other = (gradient[0].numpy() for gradient in gradients)
    return Joined(read.shape[1], cost.parameters, cost.macs, answer[0].detach().numpy(), (one, other))
