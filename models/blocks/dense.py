"""DenseNet's dense block: every layer reads all that came before it, concatenated."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.blocks.block import Block, Forms, Setting, Settings, letters, square
from models.blocks.parts import conv, layers, norm
from models.blocks.residual import DENSENET
from models.terms import share


class _Dense(nn.Module):
    def __init__(self, s: Settings):
        super().__init__()
        width = s.bn_size * s.growth_rate
        for i in range(s.layers):
            c_in = s.in_channels + i * s.growth_rate
            layer = layers(
                norm1=norm(c_in),
                relu1=nn.ReLU(),
                conv1=conv(c_in, width),
                norm2=norm(width),
                relu2=nn.ReLU(),
                conv2=conv(width, s.growth_rate, 3),
            )
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], 1)
        return x


def _forms(s: Settings, side: int) -> Forms:
    c, k, n, b = letters({"C_{in}": s.in_channels, "k": s.growth_rate, "L": s.layers, "b": s.bn_size})
    # Layer l reads C_in + l·k channels, l = 0 … L − 1.
    read = n * c + share(n * (n - 1), 2) * k
    weights = read * b * k + n * b * k * k * square("F", 3)
    return weights, 2 * (read + n * b * k), weights * square("O", side)


DENSE = Block(
    "dense",
    "Dense block",
    "Each layer reads everything before it and adds a few channels, k, that every later layer sees unchanged.",
    DENSENET,
    (
        Setting("in_channels", 64, "Channels of the image that comes in."),
        Setting("growth_rate", 32, "Channels that each layer adds: the paper's k.", most=64),
        Setting("layers", 6, "Number of layers.", most=24),
        Setting(
            "bn_size",
            4,
            "The 1×1 convolution before the 3×3 makes so many times k channels.",
            most=8,
            label="Bottleneck",
        ),
    ),
    _Dense,
    56,
    _forms,
)
