"""Readers of the operations that slide a window: convolutions, pooling, resizing, shuffling, padding."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from torch import nn

from models.formulas import pool_positions, transposed_size, window_positions
from models.receptive_field import axis as rf_axis
from models.receptive_field.reader import (
    MODULES,
    Reader,
    Unfollowed,
    Value,
    function_reader,
    module_reader,
    per_axis,
    same_as,
)


def _convolution(r: Reader, x, weight, stride, padding, dilation, groups, edge="drop") -> Value:
    out_channels, per_group, *kernel = weight
    dims = len(kernel)
    stride, dilation = per_axis(stride, dims), per_axis(dilation, dims)
    before = after = None
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
    else:
        before = after = per_axis(0 if padding == "valid" else padding, dims)
    r.settings = {"kernel_size": tuple(kernel), "stride": stride, "padding": tuple(before), "dilation": dilation}
    if edge != "drop" and any(before):
        r.note("folded")

    def op(k, n):
        out = window_positions(n, kernel[k], before[k] + after[k], stride[k], dilation[k])
        return rf_axis.window(n, out, kernel[k], stride[k], before[k], dilation[k], edge)

    return r.window(x, dims, op, (per_group * groups, out_channels))


_EDGES = {"zeros": "drop", "constant": "drop", "reflect": "reflect", "replicate": "clamp", "circular": "circular"}


@module_reader(nn.Conv1d, nn.Conv2d, nn.Conv3d)
def _(r, m, x):
    edge = _EDGES[m.padding_mode]
    return _convolution(r, x, m.weight.shape, m.stride, m.padding, m.dilation, m.groups, edge)


@function_reader("conv1d", "conv2d", "conv3d")
def _(r, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _convolution(r, input, weight.shape, stride, padding, dilation, groups)


def _transposed(r: Reader, x, weight, stride, padding, output_padding, groups, dilation) -> Value:
    in_channels, per_group, *kernel = weight
    dims = len(kernel)
    stride, padding, dilation = per_axis(stride, dims), per_axis(padding, dims), per_axis(dilation, dims)
    extra = per_axis(output_padding, dims)
    r.settings = {
        "kernel_size": tuple(kernel),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "output_padding": extra,
    }

    def op(k, n):
        out = transposed_size(n, kernel[k], padding[k], stride[k], dilation[k], extra[k])
        return rf_axis.transposed(n, out, kernel[k], stride[k], padding[k], dilation[k])

    return r.window(x, dims, op, (in_channels, per_group * groups))


@module_reader(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
def _(r, m, x, output_size=None):
    if output_size is not None:
        raise Unfollowed("its output size is chosen when it is called")
    return _transposed(r, x, m.weight.shape, m.stride, m.padding, m.output_padding, m.groups, m.dilation)


@function_reader("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _(r, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    return _transposed(r, input, weight.shape, stride, padding, output_padding, groups, dilation)


def _pool(r: Reader, x, dims, kernel_size, stride, padding, dilation, ceil_mode) -> Value:
    kernel = per_axis(kernel_size, dims)
    stride = kernel if stride is None or stride == [] else per_axis(stride, dims)
    padding, dilation = per_axis(padding, dims), per_axis(dilation, dims)
    r.settings = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}

    def op(k, n):
        out = pool_positions(n, kernel[k], padding[k], stride[k], dilation[k], ceil_mode)
        return rf_axis.window(n, out, kernel[k], stride[k], padding[k], dilation[k])

    return r.window(x, dims, op)


def _pool_readers(dims: int) -> None:
    kinds = {name: getattr(nn, f"{name}Pool{dims}d") for name in ("Max", "Avg", "LP", "AdaptiveAvg", "AdaptiveMax")}

    @function_reader(f"max_pool{dims}d")
    def _(r, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        y = _pool(r, input, dims, kernel_size, stride, padding, dilation, ceil_mode)
        return (y, y) if return_indices else y

    same_as(f"max_pool{dims}d", "kernel_size stride padding dilation ceil_mode return_indices", kinds["Max"])

    @function_reader(f"avg_pool{dims}d")
    def _(r, input, kernel_size, stride=None, padding=0, ceil_mode=False, *args, **kwargs):
        return _pool(r, input, dims, kernel_size, stride, padding, 1, ceil_mode)

    same_as(f"avg_pool{dims}d", "kernel_size stride padding ceil_mode", kinds["Avg"])

    @function_reader(f"lp_pool{dims}d")
    def _(r, input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return _pool(r, input, dims, kernel_size, stride, 0, 1, ceil_mode)

    same_as(f"lp_pool{dims}d", "norm_type kernel_size stride ceil_mode", kinds["LP"])

    @function_reader(f"adaptive_avg_pool{dims}d", f"adaptive_max_pool{dims}d")
    def _(r, input, output_size, return_indices=False):
        y = _adaptive(r, input, dims, output_size)
        return (y, y) if return_indices else y

    same_as(f"adaptive_avg_pool{dims}d", "output_size", kinds["AdaptiveAvg"])
    same_as(f"adaptive_max_pool{dims}d", "output_size return_indices", kinds["AdaptiveMax"])


def _adaptive(r: Reader, x: Value, dims: int, output_size) -> Value:
    sizes = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size] * dims
    rank = len(x.dims)
    y = r.window(x, dims, lambda k, n: rf_axis.adaptive(n, n if sizes[k] is None else int(sizes[k])))
    places = [x.dims[rank - dims + k][0] for k in range(dims) if sizes[k] == 1]
    single = {axis for length, axis in places if length > 1 and axis is not None}
    if not single:
        return y
    whole = r.reduce(x, single, False).axes
    return y._replace(axes=tuple(whole[i] if i in single else a for i, a in enumerate(y.axes)))


for _dims in (1, 2, 3):
    _pool_readers(_dims)


@function_reader("interpolate", "upsample")
def _(
    r,
    input,
    size=None,
    scale_factor: Any = None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    if antialias:
        raise Unfollowed("antialiased resizing is not followed")
    dims = len(input.dims) - 2
    edge = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    sizes = None if size is None else per_axis(size, dims)
    values = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * dims
    scales = [Fraction(v).limit_denominator(10_000) for v in values] if sizes is None else []

    def op(k, n):
        out = sizes[k] if sizes else floor(n * scales[k])
        known = scales and not recompute_scale_factor
        return rf_axis.resample(n, out, edge, bool(align_corners), 1 / scales[k] if known else Fraction(n, max(out, 1)))

    return r.window(input, dims, op)


same_as(
    "interpolate",
    "size scale_factor mode align_corners recompute_scale_factor",
    nn.Upsample,
    nn.UpsamplingNearest2d,
    nn.UpsamplingBilinear2d,
)


@function_reader("pixel_shuffle")
def _(r, input, upscale_factor):
    channels, factor = input.shape[-3], upscale_factor
    if channels % factor**2:
        raise r.refuse(f"it wants a multiple of {factor**2} channels and gets {channels}.")
    return r.window(
        input, 2, lambda k, n: rf_axis.Op(n, n * factor, ((0,),) * factor, 1), (channels, channels // factor**2)
    )


@function_reader("pixel_unshuffle")
def _(r, input, downscale_factor):
    (*_, channels, height, width), factor = input.shape, downscale_factor
    if width % factor or height % factor:
        raise r.refuse(f"it wants a height and width that {factor} divides and gets {[height, width]}.")
    r.settings = {"kernel_size": (factor,) * 2, "stride": (factor,) * 2, "padding": (0, 0), "dilation": (1, 1)}
    return r.window(
        input, 2, lambda k, n: rf_axis.window(n, n // factor, factor, factor, 0, 1), (channels, channels * factor**2)
    )


same_as("pixel_shuffle", "upscale_factor", nn.PixelShuffle)
same_as("pixel_unshuffle", "downscale_factor", nn.PixelUnshuffle)


@function_reader("pad")
def _pad(r: Reader, x: Value, pad, mode="constant", *args, **kwargs) -> Value:
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)]
    new, axes = list(x.dims), list(x.axes)
    if mode != "constant" and any(a or b for a, b in pairs):
        r.note("folded")
    for i, (before, after) in enumerate(pairs):
        at = len(new) - 1 - i
        if before == after == 0:
            continue
        if len(new[at]) != 1:
            raise Unfollowed("it pads positions that were merged into one axis")
        (length, axis), *_ = new[at]
        out = length + before + after
        if out < 1:
            raise r.refuse(f"nothing is left of a map of length {length}.")
        new[at] = ((out, axis),)
        if axis is not None:
            axes[axis] = rf_axis.apply(rf_axis.window(length, out, 1, 1, before, 1, _EDGES[mode]), axes[axis])
    return Value(tuple(new), tuple(axes))


for _dims in (1, 2, 3):
    for _name, _mode in (
        ("ConstantPad", "constant"), ("ZeroPad", "constant"), ("ReflectionPad", "reflect"),
        ("ReplicationPad", "replicate"), ("CircularPad", "circular"),
    ):  # fmt: skip
        MODULES[getattr(nn, f"{_name}{_dims}d")] = lambda r, m, x, mode=_mode: _pad(r, x, m.padding, mode)


@function_reader("roll")
def _(r, input, shifts, dims=None):
    if dims is None:
        raise Unfollowed("it rolls across all axes at once")
    shifts, dims = (v if isinstance(v, (tuple, list)) else (v,) for v in (shifts, dims))
    return _index_each(r, input, dims, lambda k, n: rf_axis.Op(n, n, ((-shifts[k],),), 1, "circular"), "folded")


@function_reader("flip")
def _(r, input, *dims):
    dims = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return _index_each(r, input, dims, lambda k, n: rf_axis.Op(n, n, ((n - 1,),), -1))


def _index_each(r: Reader, x: Value, dims, op, event=None) -> Value:
    new, axes = list(x.dims), list(x.axes)
    for k, d in enumerate(dims):
        dim = new[d % len(new)]
        if all(axis is None for _, axis in dim):
            continue
        if len(dim) != 1:
            raise Unfollowed("it reorders positions that were merged into one axis")
        (length, axis), *_ = dim
        if event:
            r.note(event)
        axes[axis] = rf_axis.apply(op(k, length), axes[axis])
    return x._replace(axes=tuple(axes))
