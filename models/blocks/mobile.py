"""The blocks of MobileNet v1, v2 and v3, squeeze-excite, and the whole of MobileNet v1."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from models.blocks.block import Block, Forms, Paper, Refusals, Setting, Settings, square, strided, total
from models.blocks.parts import Residual, conv, layers, norm
from models.terms import Term, letter, share

V1 = Paper(
    "Howard et al.",
    "MobileNets: efficient convolutional neural networks for mobile vision applications",
    2017,
    "https://arxiv.org/abs/1704.04861",
)
V2 = Paper(
    "Sandler et al.", "MobileNetV2: inverted residuals and linear bottlenecks", 2018, "https://arxiv.org/abs/1801.04381"
)
EXCITE = Paper("Hu et al.", "Squeeze-and-excitation networks", 2017, "https://arxiv.org/abs/1709.01507")

STRIDE = Setting("stride", 1, "Step of the depthwise convolution: 2 halves the image.", choices=(1, 2))
ALPHA = Setting(
    "alpha",
    1.0,
    "Width multiplier α: each layer has α times its channels.",
    least=0.1,
    most=2.0,
    steps=(1.0, 0.75, 0.5, 0.25),
)
RHO = Setting(
    "rho",
    1.0,
    "Resolution multiplier ρ: the image has ρ times its side. It changes the cost, not the weights.",
    least=0.1,
    most=2.0,
    steps=(1.0, 0.857, 0.714, 0.571),
)


# -- MobileNet v1 -----------------------------------------------------------------------------------------------------


def _thin(alpha: float, channels: int) -> int:
    return max(1, int(alpha * channels))


def _v1_block(c_in: int, c_out: int, stride: int) -> nn.Sequential:
    return layers(
        depthwise=conv(c_in, c_in, 3, stride, groups=c_in),
        bn1=norm(c_in),
        relu1=nn.ReLU(),
        pointwise=conv(c_in, c_out),
        bn2=norm(c_out),
        relu2=nn.ReLU(),
    )


def _v1_terms(c_in: int, c_out: int, side: int) -> tuple[Term, Term, Term]:
    """Weights, norms and MACs; ``side`` of the output. αM channels come in, αN go out."""
    m, n, taps, area = letter(r"\alpha M", c_in), letter(r"\alpha N", c_out), square("D_K", 3), square("D_F", side)
    return taps * m + m * n, 2 * (m + n), taps * m * area + m * n * area


MOBILENET_V1_BLOCK = Block(
    "mobilenet_v1_block",
    "Depthwise separable block",
    "One window for each channel alone, then a 1×1 convolution that mixes the channels: 1/N + 1/K² of the cost.",
    V1,
    (
        Setting("in_channels", 32, "Channels M that come in, before α."),
        Setting("out_channels", 64, "Channels N that go out, before α."),
        STRIDE,
        ALPHA,
        RHO,
    ),
    lambda s: _v1_block(_thin(s.alpha, s.in_channels), _thin(s.alpha, s.out_channels), s.stride),
    lambda s: round(112 * s.rho),
    lambda s, side: _v1_terms(_thin(s.alpha, s.in_channels), _thin(s.alpha, s.out_channels), strided(side, s.stride)),
    channels=lambda s: _thin(s.alpha, s.in_channels),
)

BODY = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""Channels and stride of the 13 blocks, after a first convolution with 32 channels and stride 2: the paper's table 1,
but for the last stride, which it gives as 2 beside an output of 7 × 7."""


def _v1(s: Settings) -> nn.Module:
    first = _thin(s.alpha, 32)
    parts: dict[str, Any] = {"conv": conv(s.in_channels, first, 3, 2), "bn": norm(first), "relu": nn.ReLU()}
    c_in = first
    for i, (channels, stride) in enumerate(BODY):
        c_out = _thin(s.alpha, channels)
        parts[f"block{i + 1}"] = _v1_block(c_in, c_out, stride)
        c_in = c_out
    parts |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(c_in, s.classes)}
    return layers(**parts)


def _v1_forms(s: Settings, side: int) -> Forms:
    side, c_in = strided(side, 2), _thin(s.alpha, 32)
    rows = []
    first = letter("C_{in}", s.in_channels) * letter("C_1", c_in) * square("D_K", 3)
    first_norm, first_macs = 2 * letter("C_1", c_in), first * square("D_F", side)
    for channels, stride in BODY:
        c_out, side = _thin(s.alpha, channels), strided(side, stride)
        rows.append(_v1_terms(c_in, c_out, side))
        c_in = c_out
    weights, norms, macs = (total(list(terms), rf"\sum_i ({terms[0].symbols})") for terms in zip(*rows, strict=True))
    classes = letter("K", s.classes)
    last = letter("C_{13}", c_in) * classes
    return first + weights + last, first_norm + norms + classes, first_macs + macs + last


MOBILENET_V1 = Block(
    "mobilenet_v1",
    "MobileNet v1",
    "28 layers, 27 of them convolutions of which 13 are depthwise: nearly all of the cost is in the 1×1 convolutions.",
    V1,
    (
        ALPHA,
        RHO,
        Setting("in_channels", 3, "Channels of the picture.", most=64),
        Setting("classes", 1000, "Classes that it tells apart.", most=10_000),
    ),
    _v1,
    lambda s: round(224 * s.rho),
    _v1_forms,
)


# -- squeeze-excite ---------------------------------------------------------------------------------------------------


class SqueezeExcite(nn.Module):
    """Each channel is multiplied by one number between 0 and 1, which two dense layers make of all channels' means.

    The dense layers are 1x1 convolutions on the 1x1 image of the means, as in torchvision.
    """

    def __init__(self, channels: int, hidden: int, gate: str = "sigmoid"):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.activation = nn.Conv2d(channels, hidden, 1), nn.ReLU()
        self.fc2, self.scale_activation = nn.Conv2d(hidden, channels, 1), GATES[gate]()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x)))))
        return x * scale


GATES = {"sigmoid": nn.Sigmoid, "h-sigmoid": nn.Hardsigmoid}


def _excite_refuses(s: Settings) -> Refusals:
    if s.channels % s.reduction:
        fitting = max(r for r in range(1, s.reduction) if s.channels % r == 0)
        yield "reduction", f"{s.channels} channels do not divide by {s.reduction}: use a reduction of {fitting}."


def _excite_forms(s: Settings, side: int) -> Forms:
    c, r = letter("C", s.channels), letter("r", s.reduction)
    weights = 2 * c * share(c, r)
    return weights, c + share(c, r), weights


SQUEEZE_EXCITE = Block(
    "squeeze_excite",
    "Squeeze-and-excitation",
    "The means of all channels decide how strongly each channel counts: for few weights and next to no MACs.",
    EXCITE,
    (
        Setting("channels", 64, "Channels of the image, which stay.", most=2048),
        Setting("reduction", 16, "The layer between the two has so many times fewer channels: r.", most=64),
        Setting("gate", "sigmoid", "What makes a factor of a number.", choices=tuple(GATES)),
    ),
    lambda s: SqueezeExcite(s.channels, s.channels // s.reduction, s.gate),
    56,
    _excite_forms,
    channels=lambda s: s.channels,
    refuses=_excite_refuses,
)


# -- inverted residual ------------------------------------------------------------------------------------------------

ACTIVATIONS = {"ReLU6": nn.ReLU6, "ReLU": nn.ReLU, "h-swish": nn.Hardswish}


def _hidden(expanded: int) -> int:
    """MobileNet v3's squeeze: a quarter, as the nearest multiple of 8, which may not lose more than a tenth of it."""
    quarter = expanded // 4
    found = max(8, (quarter + 4) // 8 * 8)
    return found + 8 if found < 0.9 * quarter else found


def _inverted(s: Settings) -> nn.Module:
    wide, act = s.expand_ratio * s.in_channels, ACTIVATIONS[s.activation]
    expand = s.expand_ratio != 1
    branch = {
        "expand": conv(s.in_channels, wide) if expand else None,
        "bn1": norm(wide) if expand else None,
        "act1": act() if expand else None,
        "depthwise": conv(wide, wide, s.kernel_size, s.stride, groups=wide),
        "bn2": norm(wide),
        "act2": act(),
        "squeeze_excite": SqueezeExcite(wide, _hidden(wide), "h-sigmoid") if s.squeeze_excite else None,
        "project": conv(wide, s.out_channels),
        "bn3": norm(s.out_channels),
    }
    return Residual(branch) if s.stride == 1 and s.in_channels == s.out_channels else layers(**branch)


def _inverted_forms(s: Settings, side: int) -> Forms:
    c_in, c_out, t = letter("C_{in}", s.in_channels), letter("C_{out}", s.out_channels), letter("t", s.expand_ratio)
    image, out, taps = square("W", side), square("O", strided(side, s.stride)), square("F", s.kernel_size)
    wide = t * c_in
    depth, project = wide * taps, wide * c_out
    weights, macs, rest = depth + project, (depth + project) * out, 2 * (wide + c_out)
    if s.expand_ratio != 1:
        expand = c_in * wide
        weights, macs, rest = expand + weights, expand * image + macs, 2 * (wide + wide + c_out)
    if s.squeeze_excite:
        hidden = letter("s", _hidden(wide.value))
        dense = 2 * wide * hidden
        weights, macs, rest = weights + dense, macs + dense, rest + wide + hidden
    return weights, rest, macs


INVERTED_RESIDUAL = Block(
    "inverted_residual",
    "Inverted residual",
    "Wide inside, narrow outside: the shortcut joins the narrow images, and the layer that narrows stays linear.",
    V2,
    (
        Setting("in_channels", 24, "Channels of the narrow image that comes in.", most=320),
        Setting("out_channels", 24, "Channels of the narrow image that goes out.", most=320),
        Setting("expand_ratio", 6, "How many times wider it is inside: the paper's t.", most=10),
        STRIDE,
        Setting("kernel_size", 3, "Window of the depthwise convolution; v3 also has 5.", choices=(3, 5, 7)),
        Setting(
            "activation", "ReLU6", "ReLU6 in v2; ReLU or h-swish, x·ReLU6(x + 3)/6, in v3.", choices=tuple(ACTIVATIONS)
        ),
        Setting("squeeze_excite", False, "v3: squeeze-excite between depthwise and the last 1×1 convolution."),
    ),
    _inverted,
    56,
    _inverted_forms,
)
