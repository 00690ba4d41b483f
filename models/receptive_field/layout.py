"""Readers of the operations that leave places alone, move axes, or see everything at once."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np
import torch
from torch import nn

from models.receptive_field import axis as rf_axis
from models.receptive_field.probe import ACTIVATIONS
from models.receptive_field.reader import (
    FUNCTIONS,
    Reader,
    Unfollowed,
    Value,
    function_reader,
    module_reader,
    same_as,
)

_POINTWISE = (
    "Identity Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout ReLU ReLU6 RReLU "
    "LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Tanhshrink Hardtanh Hardswish "
    "Hardsigmoid Hardshrink Softshrink Softplus Softsign Threshold LocalResponseNorm CrossMapLRN2d "
    "ChannelShuffle Softmax2d"
)


@function_reader(
    *ACTIVATIONS,
    "dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout "
    "feature_dropout stochastic_depth local_response_norm channel_shuffle native_channel_shuffle contiguous "
    "clone detach to float half double bfloat16 cpu cuda requires_grad_ type type_as neg abs exp expm1 log "
    "log1p sqrt rsqrt square sin cos erf sign clamp clamp_ clamp_min clamp_max nan_to_num reciprocal logit "
    "round floor ceil alias",
)
def _(r, input, *args, **kwargs):
    return input


same_as("relu", "", *(getattr(nn, name) for name in _POINTWISE.split()))


@module_reader(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
def _(r, m, x):
    if m.training or not m.track_running_stats:
        r.note("statistics")
    return x


@function_reader("batch_norm")
def _(r, input, *args, **kwargs):
    return input


@function_reader("group_norm", "instance_norm")
def _(r, input, *args, **kwargs):
    return r.mix(input, range(2, len(input.dims)))


same_as("group_norm", "", nn.GroupNorm)


@module_reader(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
def _(r, m, x):
    # In evaluation with statistics that it has kept it looks at no other pixel.
    return x if m.track_running_stats and not m.training else r.mix(x, range(2, len(x.dims)))


@function_reader("layer_norm", "rms_norm")
def _(r, input, normalized_shape, *args, **kwargs):
    return r.mix(input, range(len(input.dims) - len(normalized_shape), len(input.dims)))


same_as("layer_norm", "normalized_shape", nn.LayerNorm, nn.RMSNorm)


@function_reader("softmax", "log_softmax", "softmin", "cumsum", "normalize_over")
def _(r, input, dim=None, *args, **kwargs):
    return r.mix(input, [1 if dim is None else dim])


same_as("softmax", "dim", nn.Softmax, nn.LogSoftmax, nn.Softmin)


@function_reader("normalize")
def _(r, input, p=2.0, dim=1, eps=1e-12):
    return r.mix(input, [dim])


@function_reader("glu")
def _(r, input, dim=-1):
    first, second = FUNCTIONS["chunk"](r, input, 2, dim)
    return r.combine([first, second])


same_as("glu", "dim", nn.GLU)


@function_reader(
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


@function_reader("add_relu", "float_functional")
def _(r, a, b):
    return r.combine([a, b])


def _sizes(args) -> list[int]:
    return list(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else list(args)


@function_reader("view", "reshape")
def _(r, input, *shape, **kwargs):
    return r.regroup(input, _sizes(shape or (kwargs["shape"],)))


@function_reader("flatten")
def _(r, input, start_dim=0, end_dim=-1):
    rank = len(input.dims)
    first, last = start_dim % rank, end_dim % rank
    merged = tuple(f for dim in input.dims[first : last + 1] for f in dim if f != (1, None)) or ((1, None),)
    return input._replace(dims=(*input.dims[:first], merged, *input.dims[last + 1 :]))


same_as("flatten", "start_dim end_dim", nn.Flatten)


@function_reader("unflatten")
def _unflatten(r, input, dim, sizes):
    at = dim % len(input.dims)
    return r.regroup(input, [*input.shape[:at], *_sizes((sizes,)), *input.shape[at + 1 :]])


@module_reader(nn.Unflatten)
def _(r, m, x):
    return _unflatten(r, x, m.dim, [s[1] if isinstance(s, tuple) else s for s in m.unflattened_size])


@function_reader("permute")
def _(r, input, *dims, **kwargs):
    order = _sizes(dims or (kwargs["dims"],))
    return input._replace(dims=tuple(input.dims[d] for d in order))


@function_reader("transpose", "swapaxes", "swapdims")
def _(r, input, dim0, dim1):
    dims = list(input.dims)
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return input._replace(dims=tuple(dims))


@function_reader("movedim", "moveaxis")
def _(r, input, source, destination):
    rank = len(input.dims)
    pairs = zip(*(v if isinstance(v, (tuple, list)) else (v,) for v in (source, destination)), strict=True)
    place = {to % rank: at % rank for at, to in pairs}
    rest = iter(d for d in range(rank) if d not in place.values())
    return input._replace(dims=tuple(input.dims[place[d] if d in place else next(rest)] for d in range(rank)))


@function_reader("squeeze")
def _(r, input, dim=None):
    wanted = range(len(input.dims)) if dim is None else dim if isinstance(dim, (tuple, list)) else [dim]
    gone = {d % len(input.dims) for d in wanted}
    dims = [x for d, x in enumerate(input.dims) if d not in gone or prod(s for s, _ in x) > 1]
    return input._replace(dims=tuple(dims))


@function_reader("unsqueeze")
def _(r, input, dim):
    at = dim % (len(input.dims) + 1)
    return input._replace(dims=(*input.dims[:at], ((1, None),), *input.dims[at:]))


@function_reader("expand", "expand_as")
def _(r, input, *sizes):
    wanted = list(sizes[0].shape) if isinstance(sizes[0], (Value, torch.Tensor)) else _sizes(sizes)
    extra = len(wanted) - len(input.dims)
    dims = [((int(s), None),) for s in wanted[:extra]]
    for dim, s in zip(input.dims, wanted[extra:], strict=True):
        dims.append(dim if s == -1 or s == prod(n for n, _ in dim) else ((int(s), None),))
    return input._replace(dims=tuple(dims))


@function_reader("cat", "concat", "concatenate")
def _(r, tensors, dim=0):
    values = [t for t in tensors if isinstance(t, Value)]
    at = dim % len(values[0].dims)
    joined = r.combine(values, stack=at) if len(values) > 1 else values[0]
    if len(values) == len(tensors):
        return joined
    if any(axis is not None for _, axis in joined.dims[at]):
        raise Unfollowed("it lays other things, such as learned tokens, beside positions of the image")
    # More channels, or examples, which do not come from the image: what the others see stays as it is.
    r.note(f"beside {at}")
    length = sum(t.shape[at] for t in tensors)
    return joined._replace(dims=(*joined.dims[:at], ((length, None),), *joined.dims[at + 1 :]))


@function_reader("randn_like rand_like zeros_like ones_like empty_like full_like")
def _(r, input, *args, **kwargs):
    # The shape alone is taken: no number of the image reaches it.
    return torch.zeros(()).expand(input.shape)


@function_reader("stack")
def _(r, tensors, dim=0):
    return FUNCTIONS["cat"](r, [FUNCTIONS["unsqueeze"](r, t, dim) for t in tensors], dim)


@function_reader("chunk")
def _(r, input, chunks, dim=0):
    length = input.shape[dim]
    return FUNCTIONS["split"](r, input, -(-length // chunks), dim)


@function_reader("split")
def _(r, input, split_size_or_sections, dim=0):
    length, sizes = input.shape[dim], split_size_or_sections
    if isinstance(sizes, int):
        sizes = [min(sizes, length - i) for i in range(0, length, sizes)]
    edges = np.cumsum([0, *sizes])
    return tuple(_cut(r, input, dim % len(input.dims), slice(int(a), int(b))) for a, b in pairwise(edges))


@function_reader("unbind")
def _(r, input, dim=0):
    return tuple(_select(r, input, dim % len(input.dims), i) for i in range(input.shape[dim]))


@function_reader("select")
def _(r, input, dim, index):
    return _select(r, input, dim % len(input.dims), index)


@function_reader("narrow")
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
    axis = dim[0][1]
    if len(dim) != 1 or axis is None or not out:
        raise Unfollowed("it cuts a piece out of positions that were merged into one axis")
    axes = list(x.axes)
    axes[axis] = rf_axis.apply(rf_axis.window(length, out, 1, step, -first, 1), axes[axis])
    return Value((*x.dims[:at], ((out, axis),), *x.dims[at + 1 :]), tuple(axes))


def _select(r: Reader, x: Value, at: int, index: int) -> Value:
    if any(axis is not None for _, axis in x.dims[at]):
        raise Unfollowed("it picks single positions of the map")
    return x._replace(dims=(*x.dims[:at], *x.dims[at + 1 :]))


@function_reader("getitem")
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


@function_reader(
    "mean", "sum", "amax", "amin", "std", "var", "prod", "norm", "logsumexp", "median", "argmax", "all", "any"
)
def _(r, input, dim=None, keepdim=False, *args, **kwargs):
    dims = range(len(input.dims)) if dim is None else dim if isinstance(dim, (tuple, list)) else [dim]
    return r.collapse(input, dims, keepdim)


@function_reader("max", "min")
def _(r, input, dim=None, keepdim=False):
    if isinstance(dim, Value):
        return r.combine([input, dim])
    reduced = r.collapse(input, range(len(input.dims)) if dim is None else [dim], keepdim)
    return reduced if dim is None else (reduced, reduced)


@function_reader("linear")
def _(r, input, weight, bias=None):
    out, wanted = weight.shape
    if input.shape[-1] != wanted:
        raise r.refuse(
            f"it wants {wanted} features and gets {input.shape[-1]} (shape {list(input.shape)}). Has the image the "
            "size that the network was made for?"
        )
    return _projected(r, input, out)


def _projected(r: Reader, x: Value, features: int) -> Value:
    """Each of the new numbers along the last axis sees all that stand there."""
    x = r.collapse(x, [-1], True)
    return x._replace(dims=(*x.dims[:-1], ((features, None),)))


same_as("linear", "weight", nn.Linear)


@module_reader(nn.MultiheadAttention)
def _(r, m, query, key, value, *args, **kwargs):
    y = r.mix(r.combine([query, key, value]), [-2 if m.batch_first else 0])
    return _projected(r, y, m.embed_dim), None


@module_reader(nn.TransformerEncoderLayer)
def _(r, m, x, *args, **kwargs):
    return _projected(r, r.mix(x, [-2 if m.self_attn.batch_first else 0]), m.self_attn.embed_dim)


@function_reader("scaled_dot_product_attention")
def _(r, query, key, value, *args, **kwargs):
    return r.mix(r.combine([query, key, value]), [-2])


@function_reader("shifted_window_attention")
def _(r, x, *args, **kwargs):
    raise Unfollowed(
        "its units attend to all others of their window, and windows shift from block to block, so fields no longer "
        "repeat with one step"
    )
