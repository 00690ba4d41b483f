"""Settings to draw, and torch's own layer for them, built without any help from ``models``."""

import math

import torch
from hypothesis import strategies as st
from torch import nn

from models.layers import KINDS

CLASSES = {name: [getattr(nn, f"{name}{d}d") for d in (1, 2, 3)] for name in ("Conv", "ConvTranspose")}
CLASSES |= {name: [getattr(nn, f"{name}{d}d") for d in (1, 2, 3)] for name in ("MaxPool", "AvgPool", "LPPool")}
PADDED = ("conv", "grouped", "depthwise", "depthwise_separable", "spatially_separable")
MODES = ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear")
PADDINGS = ("zeros", "reflect", "replicate", "circular")


def _each(one, dims: int):
    return st.one_of(one, one, st.tuples(*[one] * dims))


@st.composite
def settings_of(draw, kind: str):
    """Constructor arguments of a ``LayerSpec`` of this kind, valid or not; some settings are left to their default."""
    takes = KINDS[kind].takes
    dims = draw(st.sampled_from(KINDS[kind].dims))
    small, tiny = st.integers(1, 4), st.integers(1, 3)
    padding = _each(st.sampled_from((0, 0, 1, 1, 2, 3)), dims)
    values = {
        "out_channels": st.integers(1, 4),
        "kernel_size": _each(small, dims),
        "stride": _each(tiny, dims),
        "padding": st.one_of(padding, padding, st.sampled_from(("same", "valid"))) if kind in PADDED else padding,
        "dilation": _each(st.sampled_from((1, 1, 2, 3)), dims),
        "groups": st.sampled_from((1, 1, 2, 3)),
        "output_padding": _each(st.sampled_from((0, 0, 0, 1, 2)), dims),
        "padding_mode": st.sampled_from(PADDINGS),
        "bias": st.booleans(),
        "scale_factor": _each(st.sampled_from((0.3333, 1 / 3, 0.4, 1.0, 1.3, 1.5, 2, 2.7, 3)), dims),
        "mode": st.sampled_from(
            (MODES[0], MODES[1], ("linear", "bilinear", "trilinear")[dims - 1], "bicubic", "linear")
        ),
        "align_corners": st.booleans(),
        "upscale_factor": tiny,
        "ceil_mode": st.booleans(),
        "count_include_pad": st.booleans(),
        "norm_type": st.sampled_from((1.0, 2.0, 3.0, 2.5)),
    }
    asked = {"kind": kind, "dims": dims, "input_size": draw(_each(st.integers(1, 7 if dims < 3 else 5), dims))}
    asked["in_channels"] = draw(st.integers(1, 4) if "shuffle" not in kind else st.sampled_from((1, 2, 4, 8, 9)))
    for name in takes:
        if draw(st.integers(0, 4)):
            asked[name] = draw(values[name])
    return asked


def torch_layer(asked: dict) -> nn.Module:
    """The layer that the settings mean, in torch's own words. Raises whatever torch raises."""
    rest = dict(asked)
    kind, dims, size, channels = (rest.pop(n) for n in ("kind", "dims", "input_size", "in_channels"))
    kernel = rest.pop("kernel_size", 3)
    out = rest.pop("out_channels", channels if kind == "depthwise" else 1)
    conv = CLASSES["Conv"][dims - 1]
    if kind in ("conv", "grouped"):
        return conv(channels, out, kernel, **rest)
    if kind == "pointwise":
        return conv(channels, out, 1, **rest)
    if kind == "depthwise":
        return conv(channels, out, kernel, groups=channels, **rest)
    if kind == "depthwise_separable":
        bias = rest.get("bias", True)
        return nn.Sequential(
            conv(channels, channels, kernel, groups=channels, **rest), conv(channels, out, 1, bias=bias)
        )
    if kind == "spatially_separable":
        bias, each = rest.pop("bias", True), lambda v: v if isinstance(v, str | tuple) else (v, v)
        mode, pad = rest.pop("padding_mode", "zeros"), each(rest.pop("padding", 0))
        f, s, d = each(kernel), each(rest.pop("stride", 1)), each(rest.pop("dilation", 1))
        pads = (pad, pad) if isinstance(pad, str) else ((pad[0], 0), (0, pad[1]))
        return nn.Sequential(
            conv(channels, out, (f[0], 1), (s[0], 1), pads[0], (d[0], 1), bias=False, padding_mode=mode, **rest),
            conv(out, out, (1, f[1]), (1, s[1]), pads[1], (1, d[1]), bias=bias, padding_mode=mode, **rest),
        )
    if kind == "transposed":
        return CLASSES["ConvTranspose"][dims - 1](channels, out, kernel, **rest)
    if kind in ("causal", "tensorflow_same"):
        each = lambda v: v if isinstance(v, tuple) else (v,) * dims  # noqa: E731
        sides = []
        rows = zip(*map(each, (size, kernel, rest.get("stride", 1), rest.get("dilation", 1))), strict=True)
        for w, f, s, d in rows:
            reach = d * (f - 1) + 1
            need = max((math.ceil(w / s) - 1) * s + reach - w, 0)
            sides = [*((reach - 1, 0) if kind == "causal" else (need // 2, need - need // 2)), *sides]
        return nn.Sequential(getattr(nn, f"ConstantPad{dims}d")(tuple(sides), 0.0), conv(channels, out, kernel, **rest))
    if kind in ("max_pool", "avg_pool"):
        return CLASSES["MaxPool" if kind == "max_pool" else "AvgPool"][dims - 1](kernel, **rest)
    if kind == "max_unpool":
        return Unpooled(dims, kernel, **rest)
    if kind == "lp_pool":
        # In 1-D torch multiplies by the kernel size itself and takes no tuple.
        kernel = kernel[0] if dims == 1 and isinstance(kernel, tuple) else kernel
        return CLASSES["LPPool"][dims - 1](rest.pop("norm_type", 2.0), kernel, **rest)
    if kind == "upsample":
        corners = rest.pop("align_corners", False) or None
        return nn.Upsample(scale_factor=rest.pop("scale_factor", 2), align_corners=corners, **rest)
    return {"pixel_shuffle": nn.PixelShuffle, "pixel_unshuffle": nn.PixelUnshuffle}[kind](rest.get("upscale_factor", 2))


class Unpooled(nn.Module):
    """As torch's documentation of MaxUnpool says it."""

    def __init__(self, dims: int, *settings, **more):
        super().__init__()
        self.pool = getattr(nn, f"MaxPool{dims}d")(*settings, return_indices=True, **more)
        self.unpool = getattr(nn, f"MaxUnpool{dims}d")(*settings, **more)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, indices = self.pool(x)
        return self.unpool(output, indices, output_size=x.size())


def input_shape(asked: dict) -> tuple[int, ...]:
    """What the layer receives, batch axis included."""
    size = asked["input_size"]
    return (1, asked["in_channels"], *(size if isinstance(size, tuple) else (size,) * asked["dims"]))


def torch_answer(asked: dict) -> tuple[nn.Module, torch.Tensor] | None:
    """The layer in float64 and its answer to zeros; None where torch refuses, or returns an empty image."""
    try:
        layer = torch_layer(asked).double()
        with torch.no_grad():
            out = layer(torch.zeros(input_shape(asked), dtype=torch.float64))
    except (RuntimeError, ValueError, NotImplementedError):
        return None
    return (layer, out) if out.numel() else None
