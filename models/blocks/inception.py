"""GoogLeNet's Inception block, with and without the 1x1 convolutions that make it affordable."""

from __future__ import annotations

from typing import Any

from torch import nn

from models.blocks.block import Block, Forms, Paper, Setting, Settings, letters, square
from models.blocks.parts import Parallel, conv, layers, norm

PAPER = Paper("Szegedy et al.", "Going deeper with convolutions", 2014, "https://arxiv.org/abs/1409.4842")
EPS = 1e-3
"""Added to the variance in torchvision's Inception networks."""


def _make(s: Settings) -> nn.Module:
    def step(number: int, c_in: int, c_out: int, kernel: int = 1) -> dict[str, Any]:
        parts = {"conv": conv(c_in, c_out, kernel, bias=not s.norm), "bn": norm(c_out, s.norm, EPS), "relu": nn.ReLU()}
        return {f"{name}{number}": part for name, part in parts.items()}

    def reduced(narrow: int, c_out: int, kernel: int) -> nn.Sequential:
        if not s.reduce:
            return layers(**step(1, s.in_channels, c_out, kernel))
        return layers(**step(1, s.in_channels, narrow), **step(2, narrow, c_out, kernel))

    projection = step(1, s.in_channels, s.pool_proj) if s.reduce else {}
    return Parallel(
        "concatenate",
        branch1=layers(**step(1, s.in_channels, s.ch1x1)),
        branch2=reduced(s.ch3x3_reduce, s.ch3x3, 3),
        branch3=reduced(s.ch5x5_reduce, s.ch5x5, s.kernel_size),
        branch4=layers(pool=nn.MaxPool2d(3, 1, 1), **projection),
    )


def _forms(s: Settings, side: int) -> Forms:
    c, n1, n3, n5 = letters({"C_{in}": s.in_channels, "n_1": s.ch1x1, "n_3": s.ch3x3, "n_5": s.ch5x5})
    r3, r5, pool = letters({"r_3": s.ch3x3_reduce, "r_5": s.ch5x5_reduce, "p": s.pool_proj})
    small, large = square("F_3", 3), square("F_5", s.kernel_size)
    if s.reduce:
        weights = c * n1 + c * r3 + r3 * n3 * small + c * r5 + r5 * n5 * large + c * pool
        maps = n1 + r3 + n3 + r5 + n5 + pool
    else:
        weights, maps = c * n1 + c * n3 * small + c * n5 * large, n1 + n3 + n5
    return weights, 2 * maps if s.norm else maps, weights * square("O", side)


INCEPTION = Block(
    "inception",
    "Inception block",
    "Windows of several sizes side by side; a 1×1 convolution before each large one makes them affordable.",
    PAPER,
    (
        Setting("in_channels", 192, "Channels of the image that comes in."),
        Setting("ch1x1", 64, "Channels of the branch that is a 1×1 convolution alone.", most=384, label="#1×1"),
        Setting(
            "ch3x3_reduce", 96, "Channels that a 1×1 convolution leaves for the 3×3.", most=384, label="#3×3 reduce"
        ),
        Setting("ch3x3", 128, "Channels of the 3×3 convolution.", most=384, label="#3×3"),
        Setting(
            "ch5x5_reduce", 16, "Channels that a 1×1 convolution leaves for the 5×5.", most=384, label="#5×5 reduce"
        ),
        Setting("ch5x5", 32, "Channels of the 5×5 convolution.", most=384, label="#5×5"),
        Setting("pool_proj", 32, "Channels that a 1×1 convolution leaves of the pooled image.", most=384),
        Setting(
            "reduce", True, "The 1×1 convolutions before the large windows and after the pooling.", label="1×1 first"
        ),
        Setting("kernel_size", 5, "The larger window; torchvision's GoogLeNet uses 3 here.", choices=(3, 5, 7)),
        Setting("norm", True, "A batch normalisation after each convolution; the first paper had biases instead."),
    ),
    _make,
    28,
    _forms,
)
