"""The registry of layer kinds. A new kind is one entry: controls, URL, code, tests and pages follow from it.

An entry says which torch classes stand behind it, which settings it takes, holds fast or derives, what torch refuses,
and which family of formulas it obeys. torch itself is imported when a layer is built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from models import formulas
from models.text import big, listed

Refusals = Iterator[tuple[str, str]]
Part = tuple[str, str, tuple, dict[str, Any]]
"""One torch layer: its name in a Sequential, its class, positional and keyword arguments."""


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    Attributes:
        name: as in ``LayerSpec.kind`` and the URL.
        title: as people call it.
        prose: one line for someone who meets it for the first time.
        family: the formulas it obeys.
        takes: the settings that can be chosen.
        holds: settings held fast or derived: a value, or a function of the spec.
        defaults: torch's default where it is not the usual one: a value, or a function of the spec.
        parts: spec -> the torch layers, in order.
        refuses: spec -> (setting, sentence) for what torch refuses.
        start: settings that a visitor begins with when choosing this kind.
        gives_way: settings that may be moved, first ones first, when others are asked for that contradict them.
        pads: spec -> cells added before and after the input on each axis.
        padding_words: whether ``padding`` may be 'same' or 'valid'.
        linear: False for layers whose operator depends on the input.
        holder: what holds the torch layers if there are several, as code.
        helps: what a setting means here, where it differs from ``HELP``.
    """

    name: str
    title: str
    prose: str
    family: formulas.Family
    takes: tuple[str, ...]
    parts: Callable[[Any], list[Part]]
    dims: tuple[int, ...] = (1, 2, 3)
    holds: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    refuses: Callable[[Any], Refusals] = lambda s: iter(())
    start: Mapping[str, Any] = field(default_factory=dict)
    gives_way: tuple[str, ...] = ("padding", "dilation", "stride", "kernel_size", "groups", "input_size")
    pads: Callable[[Any], tuple[tuple[int, int], ...]] = lambda s: _given_pads(s)
    padding_words: bool = False
    linear: bool = True
    symbol: str = "∗"
    holder: str = "nn.Sequential"
    helps: Mapping[str, str] = field(default_factory=dict)

    def help(self, name: str) -> str:
        """What the setting ``name`` of this kind means, in a sentence or two."""
        words = " 'same' keeps the size, 'valid' adds none." if name == "padding" and self.padding_words else ""
        return self.helps.get(name, HELP[name]) + words

    def default(self, name: str, spec):
        value = self.defaults.get(name, DEFAULTS.get(name))
        return value(spec) if callable(value) else value

    def held(self, name: str, spec):
        value = self.holds.get(name)
        return value(spec) if callable(value) else (_same_channels(spec) if name == "out_channels" else value)

    def elements(self, spec) -> Iterator[tuple[str, int]]:
        yield "input_size", spec.in_channels * prod(spec.input_size)
        yield "input_size", self.family.widest(spec)
        if "kernel_size" in self.takes:
            yield "kernel_size", spec.in_channels * spec.out_channels * prod(spec.kernel_size)
        pads = spec.pads if isinstance(self.family, formulas.Window) else ()
        uneven = any(before != after or ("padding" not in self.takes and after) for before, after in pads)
        if spec.padding_mode != "zeros" or uneven:
            # torch pads these in a step of its own.
            padded = prod(w + sum(pad) for w, pad in zip(spec.input_size, pads, strict=True))
            yield "padding" if "padding" in self.takes else "kernel_size", spec.in_channels * padded

    def code(self, spec) -> str:
        lines = [f"nn.{cls}({_arguments(args, kwargs)})" for _, cls, args, kwargs in self.parts(spec)]
        if len(lines) == 1:
            return lines[0]
        return f"{self.holder}(\n    " + ",\n    ".join(lines) + ",\n)"


def build(spec):
    """The real layer: an ``nn.Module`` with torch's own initial weights, for input of shape ``spec.input_shape``.

    Kinds made of several torch layers (depthwise separable, causal) come as an ``nn.Sequential`` with named parts.
    """
    from collections import OrderedDict

    from torch import nn

    from models.unpool import PoolUnpool

    parts = [(label, getattr(nn, cls)(*args, **kwargs)) for label, cls, args, kwargs in KINDS[spec.kind].parts(spec)]
    if len(parts) == 1:
        return parts[0][1]
    return (PoolUnpool if KINDS[spec.kind].holder is _POOL_UNPOOL else nn.Sequential)(OrderedDict(parts))


# -- settings shared by kinds -----------------------------------------------------------------------------------------


def _same_channels(spec) -> int:
    return spec.in_channels


DEFAULTS: dict[str, Any] = {
    "out_channels": 1,
    "kernel_size": 3,
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "output_padding": 0,
    "padding_mode": "zeros",
    "bias": True,
    "scale_factor": 2.0,
    "mode": "nearest",
    "align_corners": False,
    "upscale_factor": 2,
    "ceil_mode": False,
    "count_include_pad": True,
    "norm_type": 2.0,
}


HELP: dict[str, str] = {
    "input_size": "Cells of the input along each axis (W).",
    "in_channels": "Maps that go in: 1 for grey, 3 for colour.",
    "out_channels": "Maps that come out: one per filter.",
    "kernel_size": "Cells of the kernel along each axis (F).",
    "stride": "Step from one window to the next (S).",
    "padding": "Cells added around the input (P).",
    "dilation": "Distance between neighbouring taps (D). 1: no holes.",
    "groups": "Channels are split into this many groups that do not see each other (G).",
    "output_padding": "Which of several possible output sizes is meant. It adds cells at one side of the output.",
    "padding_mode": "What stands in the added cells.",
    "bias": "One learned number per output channel, added to every cell.",
    "scale_factor": "How many times larger the output is.",
    "mode": "How values between the input's cells are found.",
    "align_corners": "On: the corner cells' centres stay in the corners. Off: the image's edges do.",
    "upscale_factor": "r: how many times larger (or, for unshuffle, smaller) each side becomes.",
    "ceil_mode": "On: a last window may reach past the border.",
    "count_include_pad": "On: padding zeros count in the mean.",
    "norm_type": "p: the power of the norm.",
}
"""What a setting means, in words for the reader; a kind may say it otherwise (``Kind.helps``)."""


def one_value(values):
    """A per-axis tuple as people write it: one value when all axes agree."""
    if not isinstance(values, tuple):
        return values
    values = tuple(int(v) if isinstance(v, float) and v.is_integer() else v for v in values)
    return values[0] if len(set(values)) == 1 else values


def _arguments(args: tuple, kwargs: dict[str, Any]) -> str:
    return ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])


def _chosen(spec, names: tuple[str, ...], **usual) -> dict[str, Any]:
    """Keyword arguments for the settings that differ from torch's own default."""
    plain = {**DEFAULTS, **usual}
    chosen = {}
    for name in names:
        value = one_value(getattr(spec, name))
        if value != one_value(plain[name]):
            chosen[name] = value
    return chosen


def _given_pads(spec) -> tuple[tuple[int, int], ...]:
    if spec.padding == "valid":
        return ((0, 0),) * spec.dims
    if spec.padding == "same":
        total = [formulas.extent(f, d) - 1 for f, d in zip(spec.kernel_size, spec.dilation, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    return tuple((p, p) for p in spec.padding)


def _causal_pads(spec) -> tuple[tuple[int, int], ...]:
    return tuple((formulas.extent(f, d) - 1, 0) for f, d in zip(spec.kernel_size, spec.dilation, strict=True))


def _tensorflow_pads(spec) -> tuple[tuple[int, int], ...]:
    """TensorFlow's SAME: as many cells as ⌈W/S⌉ windows need, the odd one after the image."""
    rows = zip(spec.input_size, spec.kernel_size, spec.stride, spec.dilation, strict=True)
    total = [max((-(-w // s) - 1) * s + formulas.extent(f, d) - w, 0) for w, f, s, d in rows]
    return tuple((t // 2, t - t // 2) for t in total)


def too_small(spec) -> tuple[str, str]:
    """The setting, and a sentence, for a layer whose output would be empty."""
    sizes = spec.output_size
    axis = next(i for i, size in enumerate(sizes) if size < 1)
    family = spec.family
    if isinstance(family, formulas.Window) and not isinstance(family, formulas.Transposed):
        reach, room = formulas.extent(spec.kernel_size[axis], spec.dilation[axis]), spec.input_size[axis]
        room += sum(spec.pads[axis])
        stretched = f" (dilation {spec.dilation[axis]} stretches it)" if spec.dilation[axis] > 1 else ""
        takes = KINDS[spec.kind].takes
        smaller = "a smaller kernel or dilation" if "dilation" in takes else "a smaller kernel"
        # Half a window is all that a pooling layer takes; a stretched one may need more.
        enough = spec.dilation[axis] == 1 or not isinstance(family, formulas.Pool)
        wider = ", more padding" if "padding" in takes and enough else ""
        into = f"{room}, padding included" if "padding" in takes else f"an input of {room}"
        return "kernel_size", (
            f"a kernel that spans {reach} cells{stretched} does not fit into {into}: "
            f"use {smaller}{wider} or a larger input."
        )
    if isinstance(family, formulas.Transposed):
        return "padding", (
            f"padding {spec.padding[axis]} cuts away the whole output (its size would be {big(sizes[axis])}): "
            f"use less padding, a larger kernel or a larger input."
        )
    if isinstance(family, formulas.Shuffle):
        return "upscale_factor", "the image is smaller than the factor: use a smaller factor or a larger input."
    return "scale_factor", (
        f"{spec.input_size[axis]} × {spec.scale_factor[axis]:g} is less than one pixel: use a larger scale_factor."
    )


# -- what torch refuses -----------------------------------------------------------------------------------------------


def _group_rules(s) -> Refusals:
    for name, channels in (("in_channels", s.in_channels), ("out_channels", s.out_channels)):
        if channels % s.groups:
            yield (
                "groups",
                f"{name} {channels} cannot be split into {s.groups} equal groups: "
                f"use {_common_divisors(s.in_channels, s.out_channels)}.",
            )


def _common_divisors(a: int, b: int) -> str:
    common = math.gcd(a, b)
    divisors = [str(d) for d in range(1, min(common, 64) + 1) if common % d == 0]
    return listed(divisors) if len(divisors) < 7 else ", ".join(divisors[:6]) + ", …"


def _at_most(n: int, least: int = 0) -> str:
    return f"{n} or less" if n > least else f"{n}"


def _conv_rules(s) -> Refusals:
    yield from _group_rules(s)
    if s.padding == "same" and any(stride > 1 for stride in s.stride):
        yield "padding", "'same' needs stride 1 in PyTorch: set stride to 1, or give the padding as a number."
    yield from _padding_mode_rules(s)


def _depthwise_rules(s) -> Refusals:
    if s.out_channels % s.in_channels:
        yield (
            "out_channels",
            f"out_channels {s.out_channels} is not a multiple of in_channels {s.in_channels}, and each input channel "
            f"feeds equally many outputs: use {-(-s.out_channels // s.in_channels) * s.in_channels}.",
        )
    yield from _conv_rules(s)


def _padding_mode_rules(s) -> Refusals:
    # The tightest axis speaks: what it advises suits the others too, and so with the rules below.
    for size, pad in sorted(zip(s.input_size, s.pads, strict=True)):
        if s.padding_mode == "reflect" and max(pad) >= size:
            yield (
                "padding",
                f"reflect cannot reach {max(pad)} cells into an input of {size}: use {_at_most(size - 1)}, "
                f"a larger input, or another padding_mode.",
            )
        if s.padding_mode == "circular" and max(pad) > size:
            yield (
                "padding",
                f"circular cannot wrap {max(pad)} cells of an input of {size}: use {_at_most(size)}, "
                f"a larger input, or another padding_mode.",
            )


def _transposed_rules(s) -> Refusals:
    yield from _group_rules(s)
    axes = zip(s.output_padding, s.stride, s.dilation, strict=True)
    for extra, stride, dilation in sorted(axes, key=lambda axis: max(axis[1:])):
        if extra >= max(stride, dilation):
            yield (
                "output_padding",
                f"{extra} must be smaller than stride {stride} or dilation {dilation}: "
                f"use {_at_most(max(stride, dilation) - 1)}.",
            )


def _pool_rules(s) -> Refusals:
    for kernel, pad in sorted(zip(s.kernel_size, s.padding, strict=True)):
        if pad > kernel // 2:
            yield "padding", f"{pad} is more than half of the window's {kernel} cells: use {_at_most(kernel // 2)}."


def _sum_pool_rules(s) -> Refusals:
    yield from _pool_rules(s)
    for size, kernel in sorted(zip(s.input_size, s.kernel_size, strict=True)):
        if s.dims == 3 and kernel > size:
            yield (
                "kernel_size",
                f"in 3-D, PyTorch wants the window ({kernel}) inside the input ({size}) even with padding: "
                f"use {_at_most(size, 1)}, or a larger input.",
            )


def _upsample_rules(s) -> Refusals:
    fitting = UPSAMPLE_MODES[s.dims]
    if s.mode not in fitting:
        yield "mode", f"{s.mode} is not for {s.dims}-D input: use {listed(fitting)}."
    if s.align_corners and s.mode.startswith("nearest"):
        yield "align_corners", f"{s.mode} has no corners to align: switch it off or choose another mode."


def _shuffle_rules(s) -> Refusals:
    r = s.upscale_factor
    if s.in_channels % (r * r):
        yield (
            "in_channels",
            f"{s.in_channels} is not a multiple of {r}² = {r * r}: use {-(-s.in_channels // (r * r)) * r * r}.",
        )


def _unshuffle_rules(s) -> Refusals:
    r = s.upscale_factor
    for size in s.input_size:
        if size % r:
            yield "input_size", f"{size} is not a multiple of the factor {r}: use {-(-size // r) * r}."


UPSAMPLE_MODES = {
    1: ("nearest", "nearest-exact", "linear"),
    2: ("nearest", "nearest-exact", "bilinear", "bicubic"),
    3: ("nearest", "nearest-exact", "trilinear"),
}

# -- the torch layers behind each kind --------------------------------------------------------------------------------

_CONV_KEYS = ("stride", "padding", "dilation", "groups", "bias", "padding_mode")


def _conv_parts(s) -> list[Part]:
    kwargs = {"kernel_size": one_value(s.kernel_size), **_chosen(s, _CONV_KEYS)}
    return [("conv", f"Conv{s.dims}d", (s.in_channels, s.out_channels), kwargs)]


def _padded_conv_parts(s) -> list[Part]:
    """Padding as its own layer, for the kinds whose two sides differ."""
    kwargs = {"kernel_size": one_value(s.kernel_size), **_chosen(s, ("stride", "dilation", "groups", "bias"))}
    sides = tuple(side for pad in reversed(s.pads) for side in pad)
    pad = ("pad", f"ConstantPad{s.dims}d", (), {"padding": sides, "value": 0.0})
    return [pad, ("conv", f"Conv{s.dims}d", (s.in_channels, s.out_channels), kwargs)]


def _separable_parts(s) -> list[Part]:
    kwargs = {"kernel_size": one_value(s.kernel_size), **_chosen(s, ("stride", "padding", "dilation", "padding_mode"))}
    bias = {} if s.bias else {"bias": False}
    depth = (s.in_channels, s.in_channels)
    return [
        ("depthwise", f"Conv{s.dims}d", depth, {**kwargs, "groups": s.in_channels, **bias}),
        ("pointwise", f"Conv{s.dims}d", (s.in_channels, s.out_channels), {"kernel_size": 1, **bias}),
    ]


def _column_row_parts(s) -> list[Part]:
    def along(axis: int, channels: int, bias: bool) -> Part:
        kwargs: dict[str, Any] = {}
        for name, usual in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            given = getattr(s, name)
            value = given if isinstance(given, str) else tuple(v if i == axis else usual for i, v in enumerate(given))
            if name == "kernel_size" or value != (usual, usual):
                kwargs[name] = one_value(value)
        kwargs |= _chosen(s, ("padding_mode",)) | ({} if bias else {"bias": False})
        return ("column", "row")[axis], "Conv2d", (channels, s.out_channels), kwargs

    # One bias, behind both: between them, zero padding would cut it off.
    return [along(0, s.in_channels, False), along(1, s.out_channels, s.bias)]


def _transposed_parts(s) -> list[Part]:
    keys = ("stride", "padding", "output_padding", "groups", "bias", "dilation")
    kwargs = {"kernel_size": one_value(s.kernel_size), **_chosen(s, keys)}
    return [("transposed", f"ConvTranspose{s.dims}d", (s.in_channels, s.out_channels), kwargs)]


def _pool_parts(cls: str, keys: tuple[str, ...]) -> Callable[[Any], list[Part]]:
    def parts(s) -> list[Part]:
        # A single number for the kernel would make the stride follow it; torch wants both where axes differ.
        kwargs = {"kernel_size": one_value(s.kernel_size), **_chosen(s, keys, stride=s.kernel_size)}
        first = (s.norm_type,) if cls == "LPPool" else ()
        return [("pool", f"{cls}{s.dims}d", first, kwargs)]

    return parts


def _unpool_parts(s) -> list[Part]:
    kwargs = {"kernel_size": one_value(s.kernel_size), **_chosen(s, ("stride", "padding"), stride=s.kernel_size)}
    return [
        ("pool", f"MaxPool{s.dims}d", (), {**kwargs, "return_indices": True}),
        ("unpool", f"MaxUnpool{s.dims}d", (), kwargs),
    ]


_POOL_UNPOOL = """type("PoolUnpool", (nn.Sequential,), {
    # MaxUnpool takes two tensors, the maxima and their places, and the size to return to.
    "forward": lambda self, x: self[1](*self[0](x), output_size=x.shape),
})"""
"""``models.unpool.PoolUnpool`` as one expression."""


def _upsample_parts(s) -> list[Part]:
    kwargs: dict[str, Any] = {"scale_factor": one_value(s.scale_factor), "mode": s.mode}
    if s.align_corners:
        kwargs["align_corners"] = True
    return [("upsample", "Upsample", (), kwargs)]


_WINDOW = formulas.Window()
_POOL = formulas.Pool()
_CONV_TAKES = ("out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode", "bias")


_POOL_HELPS = {
    "kernel_size": "Cells of the window along each axis (F).",
    "dilation": "Distance between neighbouring cells of the window (D). 1: no holes.",
}


def _without(*names: str) -> tuple[str, ...]:
    return tuple(n for n in _CONV_TAKES if n not in names)


_ENTRIES = (
    Kind(
        "conv",
        "Convolution",
        "A kernel slides over the input; each output number is the sum of what it covers, weight by weight.",
        _WINDOW,
        _CONV_TAKES,
        _conv_parts,
        refuses=_conv_rules,
        padding_words=True,
    ),
    Kind(
        "transposed",
        "Transposed convolution",
        "Each input number stamps the whole kernel onto the output; where stamps overlap, they add up.",
        formulas.Transposed(),
        ("out_channels", "kernel_size", "stride", "padding", "output_padding", "dilation", "groups", "bias"),
        _transposed_parts,
        refuses=_transposed_rules,
        start={"input_size": 2, "padding": 0},
        gives_way=("output_padding", "padding", "kernel_size", "groups", "input_size"),
        symbol="∗ᵀ",
        helps={
            "stride": "Step from one stamp to the next on the output (S).",
            "padding": "Cells cut off each side of the output (P): the padding of the convolution that it turns back.",
        },
    ),
    Kind(
        "pointwise",
        "Pointwise (1×1)",
        "A kernel of one cell: it mixes the channels and never looks at a neighbour.",
        _WINDOW,
        ("out_channels", "stride", "groups", "bias"),
        _conv_parts,
        holds={"kernel_size": 1},
        refuses=_conv_rules,
        start={"in_channels": 4, "out_channels": 2, "stride": 1, "groups": 1},
        gives_way=("groups", "stride", "input_size"),
    ),
    Kind(
        "grouped",
        "Grouped convolution",
        "The channels are split into groups; each group has a convolution of its own and sees nothing of the others.",
        _WINDOW,
        _CONV_TAKES,
        _conv_parts,
        refuses=_conv_rules,
        start={"in_channels": 4, "out_channels": 4, "groups": 2},
        padding_words=True,
    ),
    Kind(
        "depthwise",
        "Depthwise convolution",
        "One group per input channel: each channel is filtered alone, and nothing is mixed.",
        _WINDOW,
        _without("groups"),
        _conv_parts,
        holds={"groups": _same_channels},
        defaults={"out_channels": _same_channels},
        refuses=_depthwise_rules,
        start={"in_channels": 3, "out_channels": 3},
        gives_way=("out_channels", "padding", "dilation", "stride", "kernel_size", "input_size"),
        padding_words=True,
    ),
    Kind(
        "depthwise_separable",
        "Depthwise separable",
        "A depthwise layer looks around, a pointwise layer then mixes the channels: nearly a convolution, far cheaper.",
        formulas.Separable(),
        _without("groups"),
        _separable_parts,
        refuses=_conv_rules,
        start={"in_channels": 3, "out_channels": 2},
        padding_words=True,
    ),
    Kind(
        "spatially_separable",
        "Spatially separable",
        "A window of one column, then one of one row: fewer weights, for kernels that are a column times a row.",
        formulas.ColumnRow(),
        _without("groups"),
        _column_row_parts,
        dims=(2,),
        refuses=_conv_rules,
        padding_words=True,
    ),
    Kind(
        "causal",
        "Causal convolution",
        "Padding on the left only: the output at time t reads the inputs up to t and none of the future.",
        _WINDOW,
        _without("padding", "padding_mode"),
        _padded_conv_parts,
        dims=(1,),
        refuses=_group_rules,
        start={"input_size": 8},
        pads=_causal_pads,
    ),
    Kind(
        "tensorflow_same",
        "Convolution, TensorFlow SAME",
        "TensorFlow's SAME at any stride: the output has ⌈W/S⌉ cells, and the odd padding cell goes to the right.",
        _WINDOW,
        _without("padding", "padding_mode"),
        _padded_conv_parts,
        refuses=_group_rules,
        start={"stride": 2},
        pads=_tensorflow_pads,
    ),
    Kind(
        "max_pool",
        "Max pooling",
        "The largest number in each window. Which one it was decides where the gradient goes.",
        _POOL,
        ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
        _pool_parts("MaxPool", ("stride", "padding", "dilation", "ceil_mode")),
        defaults={"stride": lambda s: s.kernel_size},
        refuses=_pool_rules,
        start={"kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1},
        linear=False,
        symbol="max",
        helps=_POOL_HELPS
        | {"padding": "Cells around the input that no maximum is taken from (P), at most half of the window."},
    ),
    Kind(
        "avg_pool",
        "Average pooling",
        "The mean of each window: a convolution whose weights are all equal and never learned.",
        _POOL,
        ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
        _pool_parts("AvgPool", ("stride", "padding", "ceil_mode", "count_include_pad")),
        defaults={"stride": lambda s: s.kernel_size},
        refuses=_sum_pool_rules,
        start={"kernel_size": 2, "stride": 2, "padding": 0},
        symbol="mean",
        helps=_POOL_HELPS | {"padding": "Zeros added around the input (P), at most half of the window."},
    ),
    Kind(
        "lp_pool",
        "Lp pooling",
        "The p-th root of the sum of p-th powers: p = 1 sums, a large p comes close to the maximum.",
        _POOL,
        ("norm_type", "kernel_size", "stride", "ceil_mode"),
        _pool_parts("LPPool", ("stride", "ceil_mode")),
        defaults={"stride": lambda s: s.kernel_size},
        refuses=_sum_pool_rules,
        start={"kernel_size": 2, "stride": 2},
        linear=False,
        symbol="Lᵖ",
        helps=_POOL_HELPS,
    ),
    Kind(
        "max_unpool",
        "Max pool, then unpool",
        "Pooling keeps each window's maximum and its place; unpooling puts it back there, with 0 everywhere else.",
        formulas.Unpool(),
        ("kernel_size", "stride", "padding"),
        _unpool_parts,
        defaults={"stride": lambda s: s.kernel_size},
        refuses=_pool_rules,
        start={"kernel_size": 2, "stride": 2, "padding": 0},
        linear=False,
        symbol="→",
        holder=_POOL_UNPOOL,
        helps=_POOL_HELPS
        | {
            "padding": "Cells around the input that no maximum is taken from (P), at most half of the window. "
            "Unpooling leaves them out again."
        },
    ),
    Kind(
        "upsample",
        "Upsampling (interpolation)",
        "A larger image from fixed rules: the nearest pixel, or a weighted mean of its neighbours.",
        formulas.Upsample(),
        ("scale_factor", "mode", "align_corners"),
        _upsample_parts,
        refuses=_upsample_rules,
        gives_way=("align_corners", "mode", "scale_factor", "input_size"),
        symbol="→",
    ),
    Kind(
        "pixel_shuffle",
        "Pixel shuffle",
        "r² channels become one that is r times larger: nothing is computed, every number is moved.",
        formulas.Shuffle(down=False),
        ("upscale_factor",),
        lambda s: [("shuffle", "PixelShuffle", (s.upscale_factor,), {})],
        dims=(2,),
        holds={"out_channels": lambda s: max(1, s.in_channels // s.upscale_factor**2)},
        refuses=_shuffle_rules,
        start={"in_channels": 4, "input_size": 3},
        gives_way=("in_channels", "upscale_factor"),
        symbol="→",
    ),
    Kind(
        "pixel_unshuffle",
        "Pixel unshuffle",
        "The inverse of pixel shuffle: one channel becomes r² smaller ones, and no number is lost.",
        formulas.Shuffle(down=True),
        ("upscale_factor",),
        lambda s: [("unshuffle", "PixelUnshuffle", (s.upscale_factor,), {})],
        dims=(2,),
        holds={"out_channels": lambda s: s.in_channels * s.upscale_factor**2},
        refuses=_unshuffle_rules,
        start={"in_channels": 1, "input_size": 4},
        gives_way=("input_size", "upscale_factor"),
        symbol="→",
    ),
)


KINDS: dict[str, Kind] = {kind.name: kind for kind in _ENTRIES}
"""Every kind of layer, by name, in the order in which the page offers them."""
