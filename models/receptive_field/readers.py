"""What each operation does to the fields of the tensors that go through it: one small reader per operation.

A reader gets a `Value`, a tensor without its numbers, and answers with another. Readers are found by torch class
(`MODULES`) or by function name (`FUNCTIONS`). One that cannot follow an operation raises `Unfollowed`: better no field
than a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import floor, prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from models.receptive_field import axis as rf_axis
from models.receptive_field.axis import Axis, pooled_length


class ReceptiveFieldError(ValueError):
    """One sentence: which layer cannot be read or does not fit, and what would help."""


class Value(NamedTuple):
    """A tensor inside the network, without its numbers.

    `dims`: per tensor axis its factors `(length, image axis or None)`, so that `flatten` and its undoing can be
    followed. `axes`: the fields along each axis of the image. An image axis that no factor names has been summed over.
    """

    dims: tuple[tuple[tuple[int, int | None], ...], ...]
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> torch.Size:
        return torch.Size([prod(size for size, _ in dim) for dim in self.dims])

    @property
    def is_map(self) -> bool:
        """Each image axis still has a tensor axis of its own."""
        return sum(len(d) == 1 and d[0][1] is not None for d in self.dims) == len(self.axes)


class Lost(NamedTuple):
    """A tensor whose place in the image cannot be followed, and why."""

    reason: str


class Unfollowed(Exception):
    """Raised by a reader that cannot follow an operation; becomes `Lost`."""


MODULES: dict[type, Callable[..., Any]] = {}
FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _module(*classes: type):
    def register(reader):
        MODULES.update(dict.fromkeys(classes, reader))
        return reader

    return register


def _function(*names: str):
    def register(reader):
        FUNCTIONS.update(dict.fromkeys(" ".join(names).split(), reader))
        return reader

    return register


def _tuple(value: Any, dims: int) -> tuple[int, ...]:
    if isinstance(value, (tuple, list)):
        return tuple(int(v) for v in value) if len(value) > 1 else (int(value[0]),) * dims
    return (int(value),) * dims


class Reader:
    """What readers share: the name of the current layer, its settings, and what is worth a note."""

    def __init__(self) -> None:
        self.name = self.kind = ""
        self.settings: dict[str, tuple[int, ...]] = {}
        self.events: dict[str, tuple[str, ...]] = {}

    def note(self, event: str) -> None:
        if self.name not in self.events.get(event, ()):
            self.events[event] = (*self.events.get(event, ()), self.name)

    def refuse(self, sentence: str) -> ReceptiveFieldError:
        return ReceptiveFieldError(f"{self.name!r} ({self.kind}): {sentence}")

    def window(self, value: Value, dims: int, op: Callable[[int, int], rf_axis.Op], channels=None) -> Value:
        """Replace each of the last `dims` tensor axes by what `op(k, length)` makes of it."""
        rank = len(value.dims)
        if rank != dims + 2:
            raise self.refuse(
                f"it wants {dims + 2} axes (batch, channels, {dims} spatial) and gets shape {list(value.shape)}."
            )
        new, axes = list(value.dims), list(value.axes)
        done: dict[tuple, Axis] = {}
        for k in range(dims):
            at = rank - dims + k
            if len(new[at]) != 1:
                raise Unfollowed("it slides over positions that were merged into one axis")
            (length, axis), *_ = new[at]
            step = op(k, length)
            if step.out < 1:
                raise self.refuse(self._too_small(k, length))
            new[at] = ((step.out, axis),)
            if axis is not None:
                key = (axes[axis], step)  # a square kernel on a square map is worked out once
                if key not in done:
                    done[key] = rf_axis.apply(step, axes[axis])
                axes[axis] = done[key]
        if channels is not None:
            self.channels(value, rank - dims - 1, channels[0])
            new[rank - dims - 1] = ((channels[1], None),)
        return Value(tuple(new), tuple(axes))

    def channels(self, value: Value, at: int, wanted: int) -> None:
        got = value.shape[at]
        if any(axis is not None for _, axis in value.dims[at]):
            raise Unfollowed("it mixes positions that were moved into its channels")
        if got != wanted:
            raise self.refuse(f"it wants {wanted} channels and gets {got}.")

    def _too_small(self, k: int, length: int) -> str:
        s = self.settings
        if "kernel_size" not in s:
            return f"nothing is left of a map of length {length} (axis {k})."
        span = s.get("dilation", (1,) * (k + 1))[k] * (s["kernel_size"][k] - 1) + 1
        return (
            f"its window spans {span}, which does not fit on a map of length {length} with padding {s['padding'][k]} "
            f"(axis {k}). Take a larger image, more padding or a smaller kernel."
        )

    def mix(self, value: Value, dims: Sequence[int], event: str = "everything") -> Value:
        """Each position along `dims` keeps its place and sees all others (softmax, normalisation, attention)."""
        return self.reduce(value, {axis for d in dims for _, axis in value.dims[d] if axis is not None}, True, event)

    def reduce(self, value: Value, axes: set[int], keep: bool, event: str = "everything") -> Value:
        axes = {i for i in axes if value.axes[i].n > 1}  # a single unit is not mixed with anything
        if not axes:
            return value
        self.note(event)
        new = [rf_axis.whole(a, a.n if keep else 1, keep) if i in axes else a for i, a in enumerate(value.axes)]
        return value._replace(axes=tuple(new))

    def collapse(self, value: Value, dims: Sequence[int], keepdim: bool) -> Value:
        """Sum (mean, maximum, …) over tensor axes."""
        rank = len(value.dims)
        dims = {d % rank for d in dims}
        value = self.reduce(value, {axis for d in dims for _, axis in value.dims[d] if axis is not None}, False)
        new = [((1, None),) if d in dims else dim for d, dim in enumerate(value.dims) if keepdim or d not in dims]
        return value._replace(dims=tuple(new))

    def combine(self, values: Sequence[Value], stack: int | None = None) -> Value:
        """Broadcast values together; `stack`: lay them end to end along that tensor axis instead."""
        rank = max(len(v.dims) for v in values)
        padded = [((((1, None),),) * (rank - len(v.dims))) + v.dims for v in values]
        dims = []
        for d in range(rank):
            if d == stack:
                dims.append(self._stack([p[d] for p in padded]))
                continue
            wide = [p[d] for p in padded if prod(s for s, _ in p[d]) > 1] or [p[d] for p in padded]
            if len({prod(s for s, _ in w) for w in wide}) > 1:
                shapes = " and ".join(str(list(v.shape)) for v in values)
                raise self.refuse(
                    f"its inputs do not fit together: shapes {shapes}. Make the branches give the same size."
                )
            placed = [w for w in wide if any(axis is not None for _, axis in w)] or wide[:1]
            if any(w != placed[0] for w in placed):
                raise Unfollowed("it joins tensors whose positions are laid out differently")
            dims.append(placed[0])
        lengths = {axis: size for dim in dims for size, axis in dim if axis is not None}
        along = [axis for _, axis in dims[stack] if axis is not None] if stack is not None else []
        axes = []
        for i in range(len(values[0].axes)):
            parts = [v.axes[i] for v in values]
            if i in along:
                axes.append(rf_axis.concatenate(parts))
                self.note("unaligned")
                continue
            joined = rf_axis.join(parts, lengths.get(i, 1))
            if not joined.aligned and all(p.aligned for p in parts):
                self.note("unaligned")
            axes.append(joined)
        return Value(tuple(dims), tuple(axes))

    def _stack(self, parts):
        axes = {tuple(axis for _, axis in p if axis is not None) for p in parts}
        total = sum(prod(s for s, _ in p) for p in parts)
        if axes == {()}:
            return ((total, None),)
        if all(len(p) == 1 for p in parts) and len(axes) == 1:
            return ((total, parts[0][0][1]),)
        raise Unfollowed("it lays positions of the image and other things end to end")

    def regroup(self, value: Value, sizes: Sequence[int]) -> Value:
        """`view` and `reshape`: cut the row of factors anew."""
        total, known = prod(value.shape), prod(s for s in sizes if s != -1)
        sizes = [total // known if s == -1 else int(s) for s in sizes]
        if prod(sizes) != total:
            raise self.refuse(
                f"{total} numbers of shape {list(value.shape)} cannot take the shape {sizes}. Does the image have "
                "another size than the network was made for?"
            )
        factors = [f for dim in value.dims for f in dim if f != (1, None)]
        dims = []
        for j, want in enumerate(sizes):
            group: list[tuple[int, int | None]] = []
            have = 1
            while factors:
                size, axis = factors[0]
                if have == want and (size > 1 or (group and 1 in sizes[j + 1 :])):
                    break
                if want % (have * size) == 0:
                    group.append(factors.pop(0))
                    have *= size
                elif axis is None and size % (want // have) == 0:
                    group.append((want // have, None))
                    factors[0] = (size // (want // have), None)
                    have = want
                else:
                    raise Unfollowed("it cuts the map into pieces")
            if have != want:
                raise Unfollowed("it cuts the map into pieces")
            dims.append(tuple(group) or ((1, None),))
        if factors:
            dims[-1] = (*dims[-1], *factors)
        return value._replace(dims=tuple(dims))


# -- windows


def _convolution(r: Reader, x, weight, stride, padding, dilation, groups, edge="drop") -> Value:
    out_channels, per_group, *kernel = weight
    dims = len(kernel)
    stride, dilation = _tuple(stride, dims), _tuple(dilation, dims)
    before = after = None
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
    else:
        before = after = _tuple(0 if padding == "valid" else padding, dims)
    r.settings = {"kernel_size": tuple(kernel), "stride": stride, "padding": tuple(before), "dilation": dilation}
    if edge != "drop" and any(before):
        r.note("folded")

    def op(k, n):
        out = (n + before[k] + after[k] - dilation[k] * (kernel[k] - 1) - 1) // stride[k] + 1
        return rf_axis.window(n, out, kernel[k], stride[k], before[k], dilation[k], edge)

    return r.window(x, dims, op, (per_group * groups, out_channels))


_EDGES = {"zeros": "drop", "constant": "drop", "reflect": "reflect", "replicate": "clamp", "circular": "circular"}


@_module(nn.Conv1d, nn.Conv2d, nn.Conv3d)
def _(r, m, x):
    edge = _EDGES[m.padding_mode]
    return _convolution(r, x, m.weight.shape, m.stride, m.padding, m.dilation, m.groups, edge)


@_function("conv1d", "conv2d", "conv3d")
def _(r, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _convolution(r, input, weight.shape, stride, padding, dilation, groups)


def _transposed(r: Reader, x, weight, stride, padding, output_padding, groups, dilation) -> Value:
    in_channels, per_group, *kernel = weight
    dims = len(kernel)
    stride, padding, dilation = _tuple(stride, dims), _tuple(padding, dims), _tuple(dilation, dims)
    extra = _tuple(output_padding, dims)
    r.settings = {
        "kernel_size": tuple(kernel),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "output_padding": extra,
    }

    def op(k, n):
        out = (n - 1) * stride[k] - 2 * padding[k] + dilation[k] * (kernel[k] - 1) + extra[k] + 1
        return rf_axis.transposed(n, out, kernel[k], stride[k], padding[k], dilation[k])

    return r.window(x, dims, op, (in_channels, per_group * groups))


@_module(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
def _(r, m, x, output_size=None):
    if output_size is not None:
        raise Unfollowed("its output size is chosen when it is called")
    return _transposed(r, x, m.weight.shape, m.stride, m.padding, m.output_padding, m.groups, m.dilation)


@_function("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _(r, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    return _transposed(r, input, weight.shape, stride, padding, output_padding, groups, dilation)


def _pool(r: Reader, x, dims, kernel_size, stride, padding, dilation, ceil_mode) -> Value:
    kernel = _tuple(kernel_size, dims)
    stride = kernel if stride is None or stride == [] else _tuple(stride, dims)
    padding, dilation = _tuple(padding, dims), _tuple(dilation, dims)
    r.settings = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}

    def op(k, n):
        out = pooled_length(n, kernel[k], stride[k], padding[k], dilation[k], ceil_mode)
        return rf_axis.window(n, out, kernel[k], stride[k], padding[k], dilation[k])

    return r.window(x, dims, op)


def _pool_readers(dims: int) -> None:
    @_module(getattr(nn, f"MaxPool{dims}d"))
    def _(r, m, x):
        y = _pool(r, x, dims, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode)
        return (y, y) if m.return_indices else y

    @_function(f"max_pool{dims}d")
    def _(r, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        y = _pool(r, input, dims, kernel_size, stride, padding, dilation, ceil_mode)
        return (y, y) if return_indices else y

    @_module(getattr(nn, f"AvgPool{dims}d"))
    def _(r, m, x):
        return _pool(r, x, dims, m.kernel_size, m.stride, m.padding, 1, m.ceil_mode)

    @_function(f"avg_pool{dims}d")
    def _(
        r, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ):
        return _pool(r, input, dims, kernel_size, stride, padding, 1, ceil_mode)

    @_module(getattr(nn, f"LPPool{dims}d"))
    def _(r, m, x):
        return _pool(r, x, dims, m.kernel_size, m.stride, 0, 1, m.ceil_mode)

    @_function(f"lp_pool{dims}d")
    def _(r, input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return _pool(r, input, dims, kernel_size, stride, 0, 1, ceil_mode)

    @_module(getattr(nn, f"AdaptiveAvgPool{dims}d"), getattr(nn, f"AdaptiveMaxPool{dims}d"))
    def _(r, m, x):
        y = _adaptive(r, x, dims, m.output_size)
        return (y, y) if getattr(m, "return_indices", False) else y

    @_function(f"adaptive_avg_pool{dims}d", f"adaptive_max_pool{dims}d")
    def _(r, input, output_size, return_indices=False):
        y = _adaptive(r, input, dims, output_size)
        return (y, y) if return_indices else y


def _adaptive(r: Reader, x: Value, dims: int, output_size) -> Value:
    sizes = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size] * dims
    rank = len(x.dims)
    y = r.window(x, dims, lambda k, n: rf_axis.adaptive(n, n if sizes[k] is None else int(sizes[k])))
    single = {
        x.dims[rank - dims + k][0][1]
        for k in range(dims)
        if sizes[k] == 1 and x.dims[rank - dims + k][0][0] > 1 and x.dims[rank - dims + k][0][1] is not None
    }
    if not single:
        return y
    whole = r.reduce(x, single, False).axes
    return y._replace(axes=tuple(whole[i] if i in single else a for i, a in enumerate(y.axes)))


for _dims in (1, 2, 3):
    _pool_readers(_dims)


# -- resizing, shuffling, padding


def _interpolate(r, x, size, scale_factor, mode, align_corners, recompute=False, antialias=False) -> Value:
    if antialias:
        raise Unfollowed("antialiased resizing is not followed")
    dims = len(x.dims) - 2
    edge = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    sizes = None if size is None else _tuple(size, dims)
    scales = None
    if size is None:
        values = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * dims
        scales = [Fraction(v).limit_denominator(10_000) for v in values]

    def op(k, n):
        out = sizes[k] if sizes else floor(n * scales[k])
        known = scales is not None and not recompute
        return rf_axis.resample(n, out, edge, bool(align_corners), 1 / scales[k] if known else Fraction(n, max(out, 1)))

    return r.window(x, dims, op)


@_module(nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d)
def _(r, m, x):
    return _interpolate(r, x, m.size, m.scale_factor, m.mode, m.align_corners, bool(m.recompute_scale_factor))


@_function("interpolate", "upsample")
def _(
    r,
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    return _interpolate(r, input, size, scale_factor, mode, align_corners, bool(recompute_scale_factor), antialias)


def _shuffle(r: Reader, x: Value, factor: int) -> Value:
    channels = x.shape[-3]
    if channels % factor**2:
        raise r.refuse(f"it wants a multiple of {factor**2} channels and gets {channels}.")
    return r.window(
        x, 2, lambda k, n: rf_axis.Op(n, n * factor, ((0,),) * factor, 1), (channels, channels // factor**2)
    )


def _unshuffle(r: Reader, x: Value, factor: int) -> Value:
    if x.shape[-1] % factor or x.shape[-2] % factor:
        raise r.refuse(f"it wants a height and width that {factor} divides and gets {list(x.shape[-2:])}.")
    r.settings = {"kernel_size": (factor,) * 2, "stride": (factor,) * 2, "padding": (0, 0), "dilation": (1, 1)}
    channels = x.shape[-3]
    return r.window(
        x, 2, lambda k, n: rf_axis.window(n, n // factor, factor, factor, 0, 1), (channels, channels * factor**2)
    )


@_module(nn.PixelShuffle)
def _(r, m, x):
    return _shuffle(r, x, m.upscale_factor)


@_module(nn.PixelUnshuffle)
def _(r, m, x):
    return _unshuffle(r, x, m.downscale_factor)


FUNCTIONS["pixel_shuffle"] = _shuffle
FUNCTIONS["pixel_unshuffle"] = _unshuffle


def _pad(r: Reader, x: Value, pad, mode="constant", value=None) -> Value:
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


FUNCTIONS["pad"] = _pad

for _dims in (1, 2, 3):
    for _name, _mode in (
        ("ConstantPad", "constant"), ("ZeroPad", "constant"), ("ReflectionPad", "reflect"),
        ("ReplicationPad", "replicate"), ("CircularPad", "circular"),
    ):  # fmt: skip
        MODULES[getattr(nn, f"{_name}{_dims}d")] = lambda r, m, x, mode=_mode: _pad(r, x, m.padding, mode)


@_function("roll")
def _(r, input, shifts, dims=None):
    if dims is None:
        raise Unfollowed("it rolls across all axes at once")
    shifts, dims = (v if isinstance(v, (tuple, list)) else (v,) for v in (shifts, dims))
    return _index_each(r, input, dims, lambda k, n: rf_axis.Op(n, n, ((-shifts[k],),), 1, "circular"), "folded")


@_function("flip")
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


# -- one position at a time

_POINTWISE = (
    "Identity Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout ReLU ReLU6 RReLU "
    "LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Tanhshrink Hardtanh Hardswish "
    "Hardsigmoid Hardshrink Softshrink Softplus Softsign Threshold LocalResponseNorm CrossMapLRN2d "
    "ChannelShuffle Softmax2d"
)


@_module(*(getattr(nn, name) for name in _POINTWISE.split()))
def _(r, m, x):
    return x


@_function(
    "relu relu_ relu6 rrelu leaky_relu leaky_relu_ prelu elu elu_ selu celu gelu silu mish sigmoid sigmoid_ "
    "logsigmoid tanh tanh_ tanhshrink hardtanh hardtanh_ hardswish hardsigmoid hardshrink softshrink softplus "
    "softsign threshold dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout "
    "feature_dropout stochastic_depth local_response_norm channel_shuffle native_channel_shuffle contiguous "
    "clone detach to float half double bfloat16 cpu cuda requires_grad_ type type_as neg abs exp expm1 log "
    "log1p sqrt rsqrt square sin cos erf sign clamp clamp_ clamp_min clamp_max nan_to_num reciprocal logit "
    "round floor ceil alias"
)
def _(r, input, *args, **kwargs):
    return input


@_module(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
def _(r, m, x):
    if m.training or not m.track_running_stats:
        r.note("statistics")
    return x


@_function("batch_norm")
def _(r, input, *args, **kwargs):
    return input


@_module(nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
def _(r, m, x):
    return r.mix(x, range(2, len(x.dims)))


@_function("group_norm", "instance_norm")
def _(r, input, *args, **kwargs):
    return r.mix(input, range(2, len(input.dims)))


@_module(nn.LayerNorm, nn.RMSNorm)
def _(r, m, x):
    return r.mix(x, range(len(x.dims) - len(m.normalized_shape), len(x.dims)))


@_function("layer_norm", "rms_norm")
def _(r, input, normalized_shape, *args, **kwargs):
    return r.mix(input, range(len(input.dims) - len(normalized_shape), len(input.dims)))


@_module(nn.Softmax, nn.LogSoftmax, nn.Softmin)
def _(r, m, x):
    return r.mix(x, [1 if m.dim is None else m.dim])


@_function("softmax", "log_softmax", "softmin", "cumsum", "normalize_over")
def _(r, input, dim=None, *args, **kwargs):
    return r.mix(input, [1 if dim is None else dim])


@_function("normalize")
def _(r, input, p=2.0, dim=1, eps=1e-12):
    return r.mix(input, [dim])


@_module(nn.GLU)
def _(r, m, x):
    return _glu(r, x, m.dim)


@_function("glu")
def _glu(r, input, dim=-1):
    first, second = FUNCTIONS["chunk"](r, input, 2, dim)
    return r.combine([first, second])


@_function(
    "add add_ iadd sub isub mul mul_ imul div div_ truediv itruediv true_divide pow maximum minimum where "
    "lerp addcmul addcdiv atan2 radd rmul rsub hypot floordiv logaddexp"
)
def _(r, *args, **kwargs):
    values = [a for a in (*args, *kwargs.values()) if isinstance(a, Value)]
    return r.combine(values) if len(values) > 1 else _broadcast(r, values[0], args)


def _broadcast(r: Reader, value: Value, args) -> Value:
    """Join with constants, which may add axes in front or stretch axes of length 1."""
    shapes = [a.shape for a in args if isinstance(a, torch.Tensor) and a.dim()]
    if not shapes:
        return value
    try:
        wanted = torch.broadcast_shapes(value.shape, *shapes)
    except RuntimeError:
        raise r.refuse(f"shape {list(value.shape)} does not fit with a constant of shape {list(shapes[0])}.") from None
    if wanted == value.shape:
        return value
    return FUNCTIONS["expand"](r, value, *wanted)


@_function("add_relu", "float_functional")
def _(r, a, b):
    return r.combine([a, b])


# -- axes


def _sizes(args) -> list[int]:
    return list(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else list(args)


@_function("view", "reshape")
def _(r, input, *shape, **kwargs):
    return r.regroup(input, _sizes(shape or (kwargs["shape"],)))


@_function("flatten")
def _flatten(r, input, start_dim=0, end_dim=-1):
    rank = len(input.dims)
    first, last = start_dim % rank, end_dim % rank
    merged = tuple(f for dim in input.dims[first : last + 1] for f in dim if f != (1, None)) or ((1, None),)
    return input._replace(dims=(*input.dims[:first], merged, *input.dims[last + 1 :]))


@_module(nn.Flatten)
def _(r, m, x):
    return _flatten(r, x, m.start_dim, m.end_dim)


@_function("unflatten")
def _unflatten(r, input, dim, sizes):
    at = dim % len(input.dims)
    return r.regroup(input, [*input.shape[:at], *_sizes((sizes,)), *input.shape[at + 1 :]])


@_module(nn.Unflatten)
def _(r, m, x):
    return _unflatten(r, x, m.dim, [s[1] if isinstance(s, tuple) else s for s in m.unflattened_size])


@_function("permute")
def _(r, input, *dims, **kwargs):
    order = _sizes(dims or (kwargs["dims"],))
    return input._replace(dims=tuple(input.dims[d] for d in order))


@_function("transpose", "swapaxes", "swapdims")
def _(r, input, dim0, dim1):
    dims = list(input.dims)
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return input._replace(dims=tuple(dims))


@_function("movedim", "moveaxis")
def _(r, input, source, destination):
    rank = len(input.dims)
    pairs = zip(*(v if isinstance(v, (tuple, list)) else (v,) for v in (source, destination)), strict=True)
    place = {to % rank: at % rank for at, to in pairs}
    rest = iter(d for d in range(rank) if d not in place.values())
    return input._replace(dims=tuple(input.dims[place[d] if d in place else next(rest)] for d in range(rank)))


@_function("squeeze")
def _(r, input, dim=None):
    wanted = range(len(input.dims)) if dim is None else dim if isinstance(dim, (tuple, list)) else [dim]
    gone = {d % len(input.dims) for d in wanted}
    dims = [x for d, x in enumerate(input.dims) if d not in gone or prod(s for s, _ in x) > 1]
    return input._replace(dims=tuple(dims))


@_function("unsqueeze")
def _(r, input, dim):
    at = dim % (len(input.dims) + 1)
    return input._replace(dims=(*input.dims[:at], ((1, None),), *input.dims[at:]))


@_function("expand", "expand_as")
def _(r, input, *sizes):
    wanted = list(sizes[0].shape) if isinstance(sizes[0], (Value, torch.Tensor)) else _sizes(sizes)
    extra = len(wanted) - len(input.dims)
    dims = [((int(s), None),) for s in wanted[:extra]]
    for dim, s in zip(input.dims, wanted[extra:], strict=True):
        dims.append(dim if s == -1 or s == prod(n for n, _ in dim) else ((int(s), None),))
    return input._replace(dims=tuple(dims))


@_function("cat", "concat", "concatenate")
def _(r, tensors, dim=0):
    if not all(isinstance(t, Value) for t in tensors):
        raise Unfollowed("it lays learned tokens beside positions of the image")
    return r.combine(list(tensors), stack=dim % len(tensors[0].dims))


@_function("stack")
def _(r, tensors, dim=0):
    return FUNCTIONS["cat"](r, [FUNCTIONS["unsqueeze"](r, t, dim) for t in tensors], dim)


@_function("chunk")
def _(r, input, chunks, dim=0):
    length = input.shape[dim]
    return FUNCTIONS["split"](r, input, -(-length // chunks), dim)


@_function("split")
def _(r, input, split_size_or_sections, dim=0):
    length, sizes = input.shape[dim], split_size_or_sections
    if isinstance(sizes, int):
        sizes = [min(sizes, length - i) for i in range(0, length, sizes)]
    edges = np.cumsum([0, *sizes])
    return tuple(_cut(r, input, dim % len(input.dims), slice(int(a), int(b))) for a, b in pairwise(edges))


@_function("unbind")
def _(r, input, dim=0):
    return tuple(_select(r, input, dim % len(input.dims), i) for i in range(input.shape[dim]))


@_function("select")
def _(r, input, dim, index):
    return _select(r, input, dim % len(input.dims), index)


@_function("narrow")
def _(r, input, dim, start, length):
    return _cut(r, input, dim % len(input.dims), slice(start, start + length))


def _cut(r: Reader, x: Value, at: int, part: slice) -> Value:
    dim = x.dims[at]
    length = prod(s for s, _ in dim)
    first, stop, step = part.indices(length)
    out = len(range(first, stop, step))
    if (first, out, step) == (0, length, 1):
        return x
    if all(axis is None for _, axis in dim):
        return x._replace(dims=(*x.dims[:at], ((out, None),), *x.dims[at + 1 :]))
    if len(dim) != 1 or not out:
        raise Unfollowed("it cuts a piece out of positions that were merged into one axis")
    axes = list(x.axes)
    axes[dim[0][1]] = rf_axis.apply(rf_axis.window(length, out, 1, step, -first, 1), axes[dim[0][1]])
    return Value((*x.dims[:at], ((out, dim[0][1]),), *x.dims[at + 1 :]), tuple(axes))


def _select(r: Reader, x: Value, at: int, index: int) -> Value:
    if any(axis is not None for _, axis in x.dims[at]):
        raise Unfollowed("it picks single positions of the map")
    return x._replace(dims=(*x.dims[:at], *x.dims[at + 1 :]))


@_function("getitem")
def _(r, input, key):
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(not isinstance(k, (int, slice, type(None), type(Ellipsis))) for k in keys):
        raise Unfollowed("it picks positions by a list or a tensor")
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        missing = len(input.dims) - sum(k is not None and k is not Ellipsis for k in keys)
        keys[at : at + 1] = [slice(None)] * missing
    at = 0
    for k in keys:
        if k is None:
            input, at = FUNCTIONS["unsqueeze"](r, input, at), at + 1
        elif isinstance(k, int):
            input = _select(r, input, at, k)
        else:
            input, at = _cut(r, input, at, k), at + 1
    return input


# -- everything at once


@_function("mean", "sum", "amax", "amin", "std", "var", "prod", "norm", "logsumexp", "median", "argmax", "all", "any")
def _(r, input, dim=None, keepdim=False, *args, **kwargs):
    dims = range(len(input.dims)) if dim is None else dim if isinstance(dim, (tuple, list)) else [dim]
    return r.collapse(input, dims, keepdim)


@_function("max", "min")
def _(r, input, dim=None, keepdim=False):
    if isinstance(dim, Value):
        return r.combine([input, dim])
    reduced = r.collapse(input, range(len(input.dims)) if dim is None else [dim], keepdim)
    return reduced if dim is None else (reduced, reduced)


def _linear(r: Reader, x: Value, wanted: int, out: int) -> Value:
    if x.shape[-1] != wanted:
        raise r.refuse(
            f"it wants {wanted} features and gets {x.shape[-1]} (shape {list(x.shape)}). Has the image the size "
            "that the network was made for?"
        )
    x = r.collapse(x, [-1], True)
    return x._replace(dims=(*x.dims[:-1], ((out, None),)))


@_module(nn.Linear)
def _(r, m, x):
    return _linear(r, x, m.in_features, m.out_features)


@_function("linear")
def _(r, input, weight, bias=None):
    return _linear(r, input, weight.shape[1], weight.shape[0])


@_module(nn.MultiheadAttention)
def _(r, m, query, key, value, *args, **kwargs):
    y = r.combine([query, key, value])
    return r.mix(y, [1 if m.batch_first else 0]), None


@_module(nn.TransformerEncoderLayer)
def _(r, m, x, *args, **kwargs):
    return r.mix(x, [1 if m.self_attn.batch_first else 0])


@_function("scaled_dot_product_attention")
def _(r, query, key, value, *args, **kwargs):
    return r.mix(r.combine([query, key, value]), [-2])


@_function("shifted_window_attention")
def _(r, x, *args, **kwargs):
    raise Unfollowed(
        "its units attend to all others of their window, and windows shift from block to block, so fields no longer "
        "repeat with one step"
    )
