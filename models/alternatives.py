"""Layers that can take each other's place: the same channels in and out, the same size, about the same window.

Each is an entry like a block's: real layers, what they must cost in closed form, where they come from. None has an
activation inside, so that each is one linear map. A new way is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from models.blocks.block import Block, Forms, Paper, Refusals, Setting, Settings, added, square
from models.channels import channel_steps
from models.dense import Dense, LocallyConnected
from models.errors import SpecError
from models.formulas import Formula, formula_of
from models.measure import Measurement, measure
from models.receptive_field import receptive_field
from models.terms import Term, letter, over_axes, ratio, share
from models.text import listed

LECUN = Paper(
    "LeCun et al.", "Gradient-based learning applied to document recognition", 1998, "https://doi.org/10.1109/5.726791"
)
ALEXNET = Paper(
    "Krizhevsky et al.",
    "ImageNet classification with deep convolutional neural networks",
    2012,
    "https://doi.org/10.1145/3065386",
)
MOBILENET = Paper(
    "Howard et al.",
    "MobileNets: efficient convolutional neural networks for mobile vision applications",
    2017,
    "https://arxiv.org/abs/1704.04861",
)
XCEPTION = Paper(
    "Chollet", "Xception: deep learning with depthwise separable convolutions", 2016, "https://arxiv.org/abs/1610.02357"
)
RETHINKING = Paper(
    "Szegedy et al.",
    "Rethinking the Inception architecture for computer vision",
    2015,
    "https://arxiv.org/abs/1512.00567",
)
GOOGLENET = Paper("Szegedy et al.", "Going deeper with convolutions", 2014, "https://arxiv.org/abs/1409.4842")
VGG = Paper(
    "Simonyan and Zisserman",
    "Very deep convolutional networks for large-scale image recognition",
    2014,
    "https://arxiv.org/abs/1409.1556",
)
DEEPFACE = Paper(
    "Taigman et al.",
    "DeepFace: closing the gap to human-level performance in face verification",
    2014,
    "https://doi.org/10.1109/CVPR.2014.220",
)

JOB = (
    Setting("in_channels", 192, "Channels of the image that comes in."),
    Setting("out_channels", 32, "Channels of the image that goes out."),
    Setting("size", 28, "Side of the image in pixels; padding keeps it.", most=224, label="input_size"),
    Setting("kernel_size", 5, "Side of the window.", choices=(1, 3, 5, 7, 9, 11)),
    Setting("bias", False, "A number for each output channel that is added everywhere."),
)
"""What every way takes. The defaults are the lectures' example: 28×28×192 with 32 filters of 5×5."""

GROUPS = Setting(
    "groups", 4, "The grouped layer deals its channels to so many convolutions, which do not see each other's."
)
HIDDEN = Setting(
    "hidden",
    16,
    "Channels that the bottleneck's 1×1 convolution leaves; no other layer has them.",
    label="Hidden channels",
)


ONE = letter("G", 1)


@dataclass(frozen=True)
class _Part:
    """One convolution of a way. ``groups`` is a letter; ``None``: a window for each channel alone."""

    name: str
    c_in: Term
    c_out: Term
    kernel: tuple[int, int]
    groups: Term | None = ONE

    def conv(self, bias: bool) -> nn.Conv2d:
        h, w = self.kernel
        groups = self.c_in.value if self.groups is None else self.groups.value
        return nn.Conv2d(
            self.c_in.value, self.c_out.value, self.kernel, padding=(h // 2, w // 2), groups=groups, bias=bias
        )

    @property
    def weights(self) -> Term:
        if self.groups is None:
            reads = self.c_out
        else:
            reads = self.c_out * (self.c_in if self.groups.value == 1 else share(self.c_in, self.groups))
        return reads if self.kernel == (1, 1) else reads * over_axes("F", self.kernel)


Parts = Callable[[Settings, Term, Term], list[_Part]]
"""Settings, C_in and C_out -> the convolutions in a row."""


def _channels(s: Settings) -> tuple[Term, Term]:
    return letter("C_{in}", s.in_channels), letter("C_{out}", s.out_channels)


@dataclass(frozen=True)
class Way(Block):
    """``held``: settings -> numbers in the outputs of all its layers, in closed form."""

    held: Callable[[Settings], Term] = lambda s: letter("C_{out}", s.out_channels) * square("O", s.size)

    def formulas(self, side: int | None = None, **settings: Any) -> dict[str, Formula]:
        """As for a block, and ``activations``: the bytes of all layers' outputs in 32-bit floats."""
        found = super().formulas(side, **settings)
        term = formula_of(letter("4", 4) * self.held(self.settle(**settings)), self.paper.source)
        return found | {"activations": replace(term, text=f"{term.text} bytes")}


def _way(
    name: str, title: str, teaches: str, paper: Paper, parts: Parts, extra: tuple[Setting, ...] = (), refuses=None
) -> Way:
    """A way of convolutions in a row: layers and closed forms follow from its parts."""

    def found(s: Settings) -> list[_Part]:
        return parts(s, *_channels(s))

    def make(s: Settings) -> nn.Module:
        convs = [(part.name, part.conv(s.bias)) for part in found(s)]
        if len(convs) == 1:
            return convs[0][1]
        row = nn.Sequential()
        for label, conv in convs:
            row.add_module(label, conv)
        return row

    def forms(s: Settings, side: int) -> Forms:
        weights = added([part.weights for part in found(s)])
        biases = added([part.c_out for part in found(s)]) if s.bias else letter("0", 0)
        return weights, biases, added([part.weights * square("O", side) for part in found(s)])

    def held(s: Settings) -> Term:
        return added([part.c_out for part in found(s)]) * square("O", s.size)

    refuses = refuses or (lambda s: iter(()))
    return Way(name, title, teaches, paper, (*JOB, *extra), make, lambda s: s.size, forms, refuses=refuses, held=held)


def _square(s: Settings) -> tuple[int, int]:
    return s.kernel_size, s.kernel_size


def _group_refuses(s: Settings) -> Refusals:
    for name in ("in_channels", "out_channels"):
        if getattr(s, name) % s.groups:
            fitting = [g for g in range(1, s.groups) if s.in_channels % g == 0 and s.out_channels % g == 0]
            yield "groups", f"{getattr(s, name)} channels do not divide into {s.groups} groups: use {fitting[-1]}."


def _depthwise_refuses(s: Settings) -> Refusals:
    if s.out_channels % s.in_channels:
        near = -(-s.out_channels // s.in_channels) * s.in_channels
        yield (
            "out_channels",
            f"a depthwise layer's out_channels are a multiple of its {s.in_channels} in_channels: use {near}, or let a "
            "1×1 convolution follow.",
        )


def _stack_refuses(s: Settings) -> Refusals:
    if s.kernel_size < 5:
        yield "kernel_size", f"there is nothing to stack for a {s.kernel_size}×{s.kernel_size} window: use 5 or more."


def _stack(s: Settings, c_in: Term, c_out: Term) -> list[_Part]:
    return [_Part(f"conv{i + 1}", c_out if i else c_in, c_out, (3, 3)) for i in range((s.kernel_size - 1) // 2)]


def _everything(s: Settings, side: int) -> Forms:
    c_in, c_out, out = *_channels(s), square("O", side)
    weights = c_in * out * c_out * out
    return weights, c_out * out if s.bias else letter("0", 0), weights


def _windows(s: Settings, side: int) -> Forms:
    c_in, c_out, out = *_channels(s), square("O", side)
    weights = out * c_out * c_in * square("F", s.kernel_size)
    return weights, c_out * out if s.bias else letter("0", 0), weights


def _dense(s: Settings) -> nn.Module:
    return Dense((s.in_channels, s.size, s.size), (s.out_channels, s.size, s.size), s.bias)


def _local(s: Settings) -> nn.Module:
    pad = s.kernel_size // 2
    return LocallyConnected(s.in_channels, s.out_channels, (s.size,) * 2, s.kernel_size, padding=pad, bias=s.bias)


_ALL = (
    _way(
        "standard",
        "Standard",
        "Every output channel looks at the whole window in every input channel.",
        LECUN,
        lambda s, c_in, c_out: [_Part("conv", c_in, c_out, _square(s))],
    ),
    _way(
        "grouped",
        "Grouped",
        "Convolutions on shares of the channels, side by side: weights and cost divide by the number of groups.",
        ALEXNET,
        lambda s, c_in, c_out: [_Part("conv", c_in, c_out, _square(s), letter("G", s.groups))],
        (GROUPS,),
        _group_refuses,
    ),
    _way(
        "depthwise",
        "Depthwise",
        "Each channel has a window of its own and never meets another channel.",
        MOBILENET,
        lambda s, c_in, c_out: [_Part("conv", c_in, c_out, _square(s), None)],
        refuses=_depthwise_refuses,
    ),
    _way(
        "depthwise_first",
        "Depthwise, then 1×1",
        "First each channel alone looks around, then a 1×1 convolution mixes the channels: MobileNet and Xception.",
        MOBILENET,
        lambda s, c_in, c_out: [
            _Part("depthwise", c_in, c_in, _square(s), None),
            _Part("pointwise", c_in, c_out, (1, 1)),
        ],
    ),
    _way(
        "pointwise_first",
        "1×1, then depthwise",
        "First a 1×1 convolution mixes the channels, then each result alone looks around: the order of Inception.",
        XCEPTION,
        lambda s, c_in, c_out: [
            _Part("pointwise", c_in, c_out, (1, 1)),
            _Part("depthwise", c_out, c_out, _square(s), None),
        ],
    ),
    _way(
        "spatially_separable",
        "Column, then row",
        "A window of one column, then one of one row: 2·F taps in place of F².",
        RETHINKING,
        lambda s, c_in, c_out: [
            _Part("column", c_in, c_out, (s.kernel_size, 1)),
            _Part("row", c_out, c_out, (1, s.kernel_size)),
        ],
    ),
    _way(
        "bottleneck",
        "Bottleneck",
        "A 1×1 convolution first leaves few channels, and the expensive window works on these.",
        GOOGLENET,
        lambda s, c_in, c_out: [
            _Part("reduce", c_in, letter("h", s.hidden), (1, 1)),
            _Part("conv", letter("h", s.hidden), c_out, _square(s)),
        ],
        (HIDDEN,),
    ),
    _way(
        "stacked",
        "3×3 on 3×3",
        "Two 3×3 windows in a row see 5×5, three see 7×7, with fewer weights.",
        VGG,
        _stack,
        refuses=_stack_refuses,
    ),
    Way(
        "local",
        "Locally connected",
        "The window of a convolution, but with other weights at every place.",
        DEEPFACE,
        JOB,
        _local,
        lambda s: s.size,
        _windows,
    ),
    Way(
        "dense",
        "Dense",
        "Every output number has a weight for every input number.",
        LECUN,
        JOB,
        _dense,
        lambda s: s.size,
        _everything,
    ),
)
WAYS: dict[str, Way] = {way.name: way for way in _ALL}


def build(name: str, **job: Any) -> nn.Module:
    """The way called ``name``, with the settings of ``JOB`` and its own; ``(N, C_in, H, W)`` → ``(N, C_out, H, W)``.

    Dense and locally connected layers grow fast: inside ``with torch.device("meta")`` they come without memory.

    Raises:
        SpecError: one sentence, for a name or settings that there are not.
    """
    if name not in WAYS:
        raise SpecError("name", f"there is no such layer: use {listed(WAYS)}.")
    return WAYS[name].build(**job)


@dataclass(frozen=True)
class Row:
    """One way at one job.

    Attributes:
        way: the entry.
        measured: of the real layers; ``None`` where they do not exist.
        formulas: ``weights``, ``parameters``, ``macs``, ``activations`` in closed form; empty where they do not exist.
        field: pixels of the input that one output sees along each axis.
        refused: why the layers do not exist, in one sentence; empty where they do.
    """

    way: Way
    measured: Measurement | None = None
    formulas: dict[str, Formula] | None = None
    field: tuple[int, ...] = ()
    refused: str = ""


def least(name: str, **job: Any) -> dict[str, Any]:
    """The smallest job in which a way treats channels as in this one: on an image of one pixel a window of any size
    reads its middle alone. Only of a stack the window says how many layers there are."""
    return job | {"size": 1} | ({} if name == "stacked" else {"kernel_size": 1})


def reach(name: str, **job: Any) -> list[tuple[str, np.ndarray]]:
    """Which channel each layer of a way lets through to which, as ``models.channels.channel_steps``, at the ``least``
    job."""
    job = least(name, **job)
    return channel_steps(build(name, **job), WAYS[name].input_shape(**job))


def compare(*names: str, **job: Any) -> list[Row]:
    """Every way at one job, or those that are named, without memory for weights. Settings that only some ways take are
    given to those.

    Raises:
        SpecError: a setting of ``JOB`` out of bounds, or one that no way takes.
    """
    known = {setting.name for way in _ALL for setting in way.settings}
    for name in job:
        if name not in known:
            raise SpecError(name, f"there is no such setting: use {listed(sorted(known), 'and')}.")
    WAYS["standard"].settle(**{s.name: job[s.name] for s in JOB if s.name in job})
    asked = [way for way in _ALL if not names or way.name in names]
    return [_row(way.name, **{s.name: job[s.name] for s in way.settings if s.name in job}) for way in asked]


@lru_cache(2048, typed=True)
def _row(name: str, **job: Any) -> Row:
    way = WAYS[name]
    try:
        with torch.device("meta"):
            module = way.build(**job)
    except SpecError as refusal:
        return Row(way, refused=refusal.message)
    s = way.settle(**job)
    side = min(s.size, 2 * s.kernel_size + 1)
    # What sees the whole of an image in which its window has room sees the whole of any.
    field = tuple(s.size if n == side else n for n in _field(name, s.kernel_size, side))
    return Row(way, measure(module, way.input_shape(**job)), way.formulas(**job), field)


@lru_cache(2048)
def _field(name: str, kernel_size: int, side: int) -> tuple[int, ...]:
    """Of the layers between single channels: traced, or from the gradient where a layer cannot be followed."""
    job = {"in_channels": 1, "out_channels": 1, "size": side, "kernel_size": kernel_size}
    job |= {setting.name: 1 for setting in WAYS[name].settings if setting.name not in {s.name for s in JOB}}
    layer, shape = build(name, **job).double(), WAYS[name].input_shape(**job)
    if (size := receptive_field(layer, shape).size) is not None:
        return size
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    with torch.inference_mode(False), torch.enable_grad():
        (slope,) = torch.autograd.grad(layer(x)[0, 0, side // 2, side // 2], x)
    reached = slope[0, 0] != 0
    return int(reached.any(1).sum()), int(reached.any(0).sum())


def separable_share(out_channels: int, kernel_size: int | Sequence[int]) -> Formula:
    """Weights and MACs of depthwise, then 1x1, as a share of the standard convolution's: 1/N + 1/K², for a window that
    is no square with the product of its sides.

    Source: Howard et al. 2017, section 3.1.
    """
    sides = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
    one, n, k = letter("1", 1), letter("N", out_channels), over_axes("K", sides)
    term = ratio(one, n) + ratio(one, k)
    value = f"{float(term.value):.3g}"
    return Formula(
        term.value,
        r"\frac{1}{N} + \frac{1}{K^2}",
        f"{term.filled} = {value}",
        f"{term.text} = {value}",
        MOBILENET.source,
    )
