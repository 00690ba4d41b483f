"""SqueezeNet's Fire block, with the paper's three kinds of bypass."""

from __future__ import annotations

from torch import nn

from models.blocks.block import Block, Forms, Paper, Refusals, Setting, Settings, letters, square
from models.blocks.parts import Parallel, Residual, conv, layers

PAPER = Paper(
    "Iandola et al.",
    "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters",
    2016,
    "https://arxiv.org/abs/1602.07360",
)


def _make(s: Settings) -> nn.Module:
    expand = Parallel(
        "concatenate",
        expand1x1=layers(conv=conv(s.squeeze, s.expand1x1, bias=True), relu=nn.ReLU()),
        expand3x3=layers(conv=conv(s.squeeze, s.expand3x3, 3, bias=True), relu=nn.ReLU()),
    )
    parts = {"squeeze": conv(s.in_channels, s.squeeze, bias=True), "relu": nn.ReLU(), "expand": expand}
    if s.bypass == "plain":
        return layers(**parts)
    out = s.expand1x1 + s.expand3x3
    return Residual(parts, conv(s.in_channels, out, bias=True) if s.bypass == "complex" else None)


def _refuses(s: Settings) -> Refusals:
    if s.squeeze >= s.expand1x1 + s.expand3x3:
        most = s.expand1x1 + s.expand3x3 - 1
        yield "squeeze", f"{s.squeeze} channels are no fewer than the expand layers make: use at most {most}."
    if s.bypass == "simple" and s.in_channels != s.expand1x1 + s.expand3x3:
        yield (
            "bypass",
            f"{s.in_channels} channels come in and {s.expand1x1 + s.expand3x3} go out, which cannot be added: "
            "use complex, whose 1×1 convolution makes them fit.",
        )


def _forms(s: Settings, side: int) -> Forms:
    c, q, e1, e3 = letters({"C_{in}": s.in_channels, "s_1": s.squeeze, "e_1": s.expand1x1, "e_3": s.expand3x3})
    weights, biases = c * q + q * e1 + q * e3 * square("F", 3), q + e1 + e3
    if s.bypass == "complex":
        weights, biases = weights + c * (e1 + e3), biases + e1 + e3
    return weights, biases, weights * square("O", side)


FIRE = Block(
    "fire",
    "Fire block",
    "Squeeze to few channels, then expand with 1×1 and 3×3 side by side: the 3×3 reads little and costs little.",
    PAPER,
    (
        Setting("in_channels", 96, "Channels of the image that comes in."),
        Setting("squeeze", 16, "Channels that the first 1×1 convolution leaves: s1x1.", most=256),
        Setting("expand1x1", 64, "Channels that the second 1×1 convolution makes: e1x1.", most=512),
        Setting("expand3x3", 64, "Channels that the 3×3 convolution makes: e3x3.", most=512),
        Setting(
            "bypass",
            "plain",
            "Nothing, what came in added as it is, or added through a 1×1 convolution.",
            choices=("plain", "simple", "complex"),
        ),
    ),
    _make,
    55,
    _forms,
    refuses=_refuses,
)
