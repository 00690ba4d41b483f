"""Blocks that add what came in: ResNet's two, the pre-activated one, ResNeXt in three forms; and *add or concatenate?*

Names and order of the layers are torchvision's, so that its weights can be loaded.
"""

from __future__ import annotations

from torch import Tensor, nn

from models.blocks.block import Block, Forms, Paper, Refusals, Setting, Settings, added, square, strided
from models.blocks.parts import Parallel, Residual, conv, joined, layers, norm
from models.terms import Term, letter, share

RESNET = Paper("He et al.", "Deep residual learning for image recognition", 2015, "https://arxiv.org/abs/1512.03385")
MAPPINGS = Paper("He et al.", "Identity mappings in deep residual networks", 2016, "https://arxiv.org/abs/1603.05027")
XIE = Paper(
    "Xie et al.",
    "Aggregated residual transformations for deep neural networks",
    2016,
    "https://arxiv.org/abs/1611.05431",
)
DENSENET = Paper("Huang et al.", "Densely connected convolutional networks", 2016, "https://arxiv.org/abs/1608.06993")

IN = Setting("in_channels", 64, "Channels of the image that comes in.", most=512)
OUT = Setting("out_channels", 64, "Channels of the image that goes out.", most=512)
STRIDE = Setting("stride", 1, "Step of the 3×3 convolution: 2 halves the image.", choices=(1, 2))
PROJECTION = Setting(
    "projection",
    False,
    "A 1×1 convolution on the shortcut even where the shape stays; where it changes, there always is one.",
)
NORM = Setting("norm", True, "A batch normalisation for each convolution, as in the paper.", label="Batch norm")
WIDE_IN, WIDE_OUT = (Setting(one.name, 256, one.help, most=2048) for one in (IN, OUT))


def _projects(s: Settings) -> bool:
    return s.projection or s.stride != 1 or s.in_channels != s.out_channels


def _shortcut(s: Settings) -> nn.Sequential | None:
    if not _projects(s):
        return None
    # torchvision's names: 0 and 1
    parts = [conv(s.in_channels, s.out_channels, stride=s.stride), norm(s.out_channels, s.norm)]
    return nn.Sequential(*(part for part in parts if part is not None))


class _Cost:
    """Weights, norms and MACs of a branch and its shortcut, convolution by convolution."""

    def __init__(self, s: Settings, side: int):
        self.s, self.out = s, square("O", strided(side, s.stride))
        self.image = square("W", side) if s.stride > 1 else self.out
        self.c_in, self.c_out = letter("C_{in}", s.in_channels), letter("C_{out}", s.out_channels)
        self.taps = square("F", 3)

    def of(self, before: list[Term], after: list[Term], norms: Term) -> Forms:
        """``before``: weights of the layers that answer at the size of the input; ``after``: at that of the output."""
        if _projects(self.s):
            after, norms = [*after, self.c_in * self.c_out], norms + self.c_out
        weights = added([*before, *after])
        macs = added([part * area for part, area in _by_area(before, self.image, after, self.out)])
        return weights, 2 * norms if self.s.norm else letter("0", 0), macs


def _by_area(before: list[Term], image: Term, after: list[Term], out: Term) -> list[tuple[Term, Term]]:
    if image.value == out.value or not before:
        return [(added([*before, *after]), out)]
    return [(added(before), image), (added(after), out)]


# -- ResNet -----------------------------------------------------------------------------------------------------------


def _basic(s: Settings) -> nn.Module:
    c_in, c_out = s.in_channels, s.out_channels
    branch = {
        "conv1": conv(c_in, c_out, 3, s.stride),
        "bn1": norm(c_out, s.norm),
        "relu1": nn.ReLU(),
        "conv2": conv(c_out, c_out, 3),
        "bn2": norm(c_out, s.norm),
    }
    return Residual(branch, _shortcut(s), nn.ReLU())


def _basic_forms(s: Settings, side: int) -> Forms:
    c = _Cost(s, side)
    return c.of([], [c.c_in * c.c_out * c.taps, c.c_out * c.c_out * c.taps], c.c_out + c.c_out)


BASIC = Block(
    "basic",
    "Residual block",
    "Two 3×3 convolutions learn only what is to be added to what came in.",
    RESNET,
    (IN, OUT, STRIDE, PROJECTION, NORM),
    _basic,
    56,
    _basic_forms,
)

WIDTH = Setting("width", 64, "Channels between the two 1×1 convolutions, where the 3×3 works.")


def _bottleneck(s: Settings) -> nn.Module:
    # The stride is the 3x3's, as in torchvision; the paper's first version gave it to the 1x1 before.
    branch = {
        "conv1": conv(s.in_channels, s.width),
        "bn1": norm(s.width, s.norm),
        "relu1": nn.ReLU(),
        "conv2": conv(s.width, s.width, 3, s.stride),
        "bn2": norm(s.width, s.norm),
        "relu2": nn.ReLU(),
        "conv3": conv(s.width, s.out_channels),
        "bn3": norm(s.out_channels, s.norm),
    }
    return Residual(branch, _shortcut(s), nn.ReLU())


def _bottleneck_forms(s: Settings, side: int) -> Forms:
    c, w = _Cost(s, side), letter("w", s.width)
    return c.of([c.c_in * w], [w * w * c.taps, w * c.c_out], w + w + c.c_out)


BOTTLENECK = Block(
    "bottleneck",
    "Bottleneck block",
    "A 1×1 convolution narrows the image before the 3×3, another widens it again: 256 channels for the price of 64.",
    RESNET,
    (WIDE_IN, WIDTH, WIDE_OUT, STRIDE, PROJECTION, NORM),
    _bottleneck,
    56,
    _bottleneck_forms,
)


class _Preactivation(nn.Module):
    """Norm and ReLU before each convolution; nothing after the sum. A projection reads the activated image."""

    def __init__(self, s: Settings):
        super().__init__()
        c_in, w, c_out = s.in_channels, s.width, s.out_channels
        self.first = layers(bn1=norm(c_in, s.norm), relu1=nn.ReLU())
        if s.form == "basic":
            convs = [conv(c_in, c_out, 3, s.stride), conv(c_out, c_out, 3)]
        else:
            convs = [conv(c_in, w), conv(w, w, 3, s.stride), conv(w, c_out)]
        parts: dict[str, nn.Module | None] = {"conv1": convs[0]}
        for i, one in enumerate(convs[1:], 2):
            parts |= {f"bn{i}": norm(one.in_channels, s.norm), f"relu{i}": nn.ReLU(), f"conv{i}": one}
        self.branch = layers(**parts)
        self.downsample = conv(s.in_channels, s.out_channels, stride=s.stride) if _projects(s) else None

    def forward(self, x: Tensor) -> Tensor:
        ready = self.first(x)
        return self.branch(ready) + (x if self.downsample is None else self.downsample(ready))


def _preactivation_forms(s: Settings, side: int) -> Forms:
    c, w = _Cost(s, side), letter("w", s.width)
    if s.form == "basic":
        before, after, norms = [], [c.c_in * c.c_out * c.taps, c.c_out * c.c_out * c.taps], c.c_in + c.c_out
    else:
        before, after, norms = [c.c_in * w], [w * w * c.taps, w * c.c_out], c.c_in + w + w
    weights, _, macs = c.of(before, after, norms)
    return weights, 2 * norms if s.norm else letter("0", 0), macs


PREACTIVATION = Block(
    "preactivation",
    "Pre-activation block",
    "With norm and ReLU before the convolutions nothing stands in the shortcut: what came in passes untouched.",
    MAPPINGS,
    (
        Setting(
            "form", "basic", "Two 3×3 convolutions, or a bottleneck: 1×1, 3×3, 1×1.", choices=("basic", "bottleneck")
        ),
        IN,
        Setting("width", 16, "Channels between the two 1×1 convolutions of the bottleneck.", most=512),
        OUT,
        STRIDE,
        PROJECTION,
        NORM,
    ),
    _Preactivation,
    56,
    _preactivation_forms,
)


# -- ResNeXt ----------------------------------------------------------------------------------------------------------

FORMS = ("grouped", "concatenated", "paths")
"""The paper's figure 3, from (c) to (a)."""


def _resnext(s: Settings) -> nn.Module:
    narrow = s.width // s.cardinality

    def path(whole: bool) -> nn.Sequential:
        return layers(
            conv1=conv(s.in_channels, narrow),
            bn1=norm(narrow, s.norm),
            relu1=nn.ReLU(),
            conv2=conv(narrow, narrow, 3, s.stride),
            bn2=norm(narrow, s.norm),
            relu2=nn.ReLU(),
            conv3=conv(narrow, s.out_channels) if whole else None,
        )

    paths = lambda join, whole: Parallel(join, **{f"path{i + 1}": path(whole) for i in range(s.cardinality)})  # noqa: E731
    if s.form == "grouped":
        branch = {
            "conv1": conv(s.in_channels, s.width),
            "bn1": norm(s.width, s.norm),
            "relu1": nn.ReLU(),
            "conv2": conv(s.width, s.width, 3, s.stride, s.cardinality),
            "bn2": norm(s.width, s.norm),
            "relu2": nn.ReLU(),
            "conv3": conv(s.width, s.out_channels),
        }
    elif s.form == "concatenated":
        branch = {"paths": paths("concatenate", False), "conv3": conv(s.width, s.out_channels)}
    else:
        branch = {"paths": paths("add", True)}
    # With paths, the norm comes after their sum (the paper's section 4).
    return Residual({**branch, "bn3": norm(s.out_channels, s.norm)}, _shortcut(s), nn.ReLU())


def _resnext_refuses(s: Settings) -> Refusals:
    if s.width % s.cardinality:
        fitting = max(c for c in range(1, s.cardinality) if s.width % c == 0)
        yield (
            "cardinality",
            f"a width of {s.width} does not divide into {s.cardinality} equal paths: use a cardinality of {fitting}, "
            f"or a width of {-(-s.width // s.cardinality) * s.cardinality}.",
        )


def _resnext_forms(s: Settings, side: int) -> Forms:
    c, w, paths = _Cost(s, side), letter("w", s.width), letter("C", s.cardinality)
    return c.of([c.c_in * w], [w * share(w, paths) * c.taps, w * c.c_out], w + w + c.c_out)


RESNEXT = Block(
    "resnext",
    "ResNeXt block",
    "Many narrow paths side by side are one grouped convolution: more width for as many weights.",
    XIE,
    (
        WIDE_IN,
        Setting("width", 128, "Channels of all paths together, where the 3×3 works."),
        WIDE_OUT,
        Setting("cardinality", 32, "Number of paths, which is the number of groups of the 3×3.", most=64),
        STRIDE,
        Setting("form", "grouped", "The same function written in three ways.", choices=FORMS),
        PROJECTION,
        NORM,
    ),
    _resnext,
    56,
    _resnext_forms,
    refuses=_resnext_refuses,
)


def share_weights(grouped: nn.Module, other: nn.Module) -> None:
    """Give a ResNeXt block in another form the numbers of one in the form ``grouped``, with the same settings.

    Norms that run along, means and variances, are among them: in evaluation mode both then answer alike.
    """
    state, given = grouped.state_dict(), {}
    for name, mine in other.state_dict().items():
        layer = name.split(".")
        if layer[0] != "paths":
            given[name] = state[name]
            continue
        whole, path = state[".".join(layer[2:])], int(layer[1].removeprefix("path")) - 1
        # The last layer of a path reads its own channels; the layers before give theirs.
        axis = 1 if layer[2] == "conv3" else 0
        if mine.dim():
            width = mine.shape[axis]
            whole = whole.narrow(axis, path * width, width)
        given[name] = whole
    other.load_state_dict(given)


# -- add or concatenate? ----------------------------------------------------------------------------------------------


class _Join(nn.Module):
    """Two images of the same channels: what came in, and what a 3x3 convolution makes of it; a 3x3 reads both."""

    def __init__(self, s: Settings):
        super().__init__()
        self.join = s.join
        self.conv1, self.relu1 = conv(s.channels, s.channels, 3), nn.ReLU()
        self.conv2 = conv(s.channels * (2 if s.join == "concatenate" else 1), s.out_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(joined([x, self.relu1(self.conv1(x))], self.join))


def _join_forms(s: Settings, side: int) -> Forms:
    c, out, taps = letter("C", s.channels), letter("C_{out}", s.out_channels), square("F", 3)
    second = 2 * c * out * taps if s.join == "concatenate" else c * out * taps
    weights = c * c * taps + second
    return weights, letter("0", 0), weights * square("O", side)


JOIN = Block(
    "join",
    "Add or concatenate?",
    "Addition keeps the channels and mixes both images; concatenation keeps both, and the next layer pays for it.",
    DENSENET,
    (
        Setting("channels", 64, "Channels of each of the two images.", most=512),
        Setting("out_channels", 64, "Channels that the next convolution makes of them.", most=512),
        Setting("join", "add", "How two images become one.", choices=("add", "concatenate")),
    ),
    _Join,
    56,
    _join_forms,
    channels=lambda s: s.channels,
)
