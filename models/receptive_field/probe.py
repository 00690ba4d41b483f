"""The receptive field as the gradient sees it: run the network, go back from one unit, look where the gradient is not
zero.

A trained network's own gradient would miss pixels: weights cancel, ReLU and max-pooling shut paths, tiny products
vanish. So the probe asks for the support that *some* weights and inputs could give. The module's own forward runs on
real tensors, with its own strides, paddings, branches and reshapes, while a `TorchFunctionMode` changes what single
operations do:

- convolutions and linear layers get weights of one and no bias. Equal weights let the channels of a group be summed
  first and convolved once, which is the same sum and some hundred times cheaper;
- max-pooling becomes the sum over its window, activations and batch normalisation become the identity;
- products of two signals (squeeze-excite) become sums; layers that use statistics of the map add their mean;
- after each of these, values and gradients are set back to one wherever they are not zero, so that nothing over- or
  underflows however deep the network is.

Nothing here knows the arithmetic of `axis`. Fields are measured one axis at a time on strips that are as
narrow along the other axes as the network allows, and lengthened until the field lies strictly inside: a field of 1,500
pixels costs a strip of 1,500 pixels, not a square. Weights are never read, so the module may be on the meta device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.device import private_copy
from models.errors import first_line
from models.text import whole

# Functions that leave every number at its place.
_ACTIVATIONS = (
    "relu relu_ relu6 rrelu rrelu_ leaky_relu leaky_relu_ prelu elu elu_ selu selu_ celu celu_ gelu silu mish sigmoid "
    "sigmoid_ logsigmoid tanh tanh_ tanhshrink hardtanh hardtanh_ hardswish hardsigmoid hardshrink softshrink softplus "
    "softsign threshold threshold_"
)
ACTIVATIONS = tuple(_ACTIVATIONS.split())


class MeasuredField(NamedTuple):
    """Per axis of the image. `None` where nothing finite was found: the field touched both ends of the longest strip.

    `start` counts from unit 0 as `ReceptiveField.start` does. `units` are the units that were asked, `boxes` what the
    gradient said for each (first and last pixel). `lengths`: strip lengths along each axis when that axis was measured.
    """

    size: tuple[int | None, ...]
    jump: tuple[int | Fraction | None, ...]
    start: tuple[int | None, ...]
    lengths: tuple[int, ...]
    units: tuple[tuple[int, ...], ...]
    boxes: tuple[tuple[tuple[int, int] | None, ...], ...]


class _Ones(torch.autograd.Function):
    """Values and gradients become one wherever they are not zero."""

    @staticmethod
    def forward(ctx, x):
        return (x != 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return (gradient != 0).to(gradient.dtype)


class _Reached(Exception):
    def __init__(self, value: Tensor):
        super().__init__()
        self.value = value


_READERS: dict[str, Callable[..., Any]] = {}


def _reads(*names: str):
    def register(reader):
        for name in " ".join(names).split():
            _READERS[name] = reader
        return reader

    return register


def _signal(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad and not isinstance(x, nn.Parameter)


class _Probe(TorchFunctionMode):
    def __init__(self, through_global: bool):
        super().__init__()
        self.through_global = through_global

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        reader = _READERS.get(getattr(func, "__name__", ""))
        if reader is None or not any(_signal(a) for a in (*args, *kwargs.values())):
            return func(*args, **kwargs)
        with torch._C.DisableTorchFunction():
            return reader(self, func, *args, **kwargs)


def _convolve(x: Tensor, weight: Tensor, groups: int, run: Callable[[Tensor, Tensor], Tensor], out: int) -> Tensor:
    """Convolution with weights of one: sum each group's channels, convolve once, repeat the answer."""
    batch, channels = x.shape[:2]
    summed = x.reshape(batch, groups, channels // groups, *x.shape[2:]).sum(2)
    y = run(summed, x.new_ones(groups, 1, *weight.shape[2:]))
    y = _Ones.apply(y)
    y = y.unsqueeze(2).expand(batch, groups, out // groups, *y.shape[2:])
    return y.reshape(batch, out, *y.shape[3:])


@_reads("conv1d", "conv2d", "conv3d")
def _(probe, func, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _convolve(
        input, weight, groups, lambda x, w: func(x, w, None, stride, padding, dilation, groups), weight.shape[0]
    )


@_reads("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _(probe, func, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    def run(x, w):
        return func(x, w, None, stride, padding, output_padding, groups, dilation)

    return _convolve(input, weight, groups, run, weight.shape[1] * groups)


@_reads("linear")
def _(probe, func, input, weight, bias=None):
    return _Ones.apply(input.sum(-1, keepdim=True)).expand(*input.shape[:-1], weight.shape[0])


def _sum_windows(x: Tensor, dims: int, like: Tensor, kernel_size, stride, padding, dilation=1) -> Tensor:
    """Sum over each window of a pooling layer whose output is shaped as `like` (which settles `ceil_mode`)."""
    kernel, stride, padding, dilation = (
        (v,) * dims if isinstance(v, int) else tuple(v) * (dims if len(v) == 1 else 1)
        for v in (kernel_size, stride or kernel_size, padding, dilation)
    )
    flat = x.reshape(-1, 1, *x.shape[-dims:])
    pads: list[int] = []
    for k in reversed(range(dims)):
        need = (like.shape[k - dims] - 1) * stride[k] + dilation[k] * (kernel[k] - 1) + 1
        pads += [padding[k], max(0, need - x.shape[k - dims] - padding[k])]
    conv = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
    y = conv(F.pad(flat, pads), flat.new_ones(1, 1, *kernel), None, stride, 0, dilation)
    y = y[(..., *(slice(n) for n in like.shape[-dims:]))]
    return _Ones.apply(y).reshape(like.shape)


def _pooling(dims: int) -> None:
    maximum, average = getattr(F, f"max_pool{dims}d"), getattr(F, f"avg_pool{dims}d")
    lp, adaptive = getattr(F, f"lp_pool{dims}d"), getattr(F, f"adaptive_avg_pool{dims}d")

    @_reads(f"max_pool{dims}d", f"max_pool{dims}d_with_indices")
    def _(probe, func, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        like = maximum(input.detach(), kernel_size, stride or None, padding, dilation, ceil_mode)
        y = _sum_windows(input, dims, like, kernel_size, stride, padding, dilation)
        wants_indices = return_indices or getattr(func, "__name__", "").endswith("indices")
        return (y, torch.zeros_like(y, dtype=torch.long)) if wants_indices else y

    @_reads(f"avg_pool{dims}d")
    def _(probe, func, input, kernel_size, stride=None, padding=0, ceil_mode=False, *args, **kwargs):
        like = average(input.detach(), kernel_size, stride or None, padding, ceil_mode)
        return _sum_windows(input, dims, like, kernel_size, stride, padding)

    @_reads(f"lp_pool{dims}d")
    def _(probe, func, input, norm_type, kernel_size, stride=None, ceil_mode=False):
        like = lp(input.detach(), norm_type, kernel_size, stride or None, ceil_mode)
        return _sum_windows(input, dims, like, kernel_size, stride, 0)

    @_reads(f"adaptive_avg_pool{dims}d", f"adaptive_max_pool{dims}d", f"adaptive_max_pool{dims}d_with_indices")
    def _(probe, func, input, output_size, return_indices=False):
        y = _Ones.apply(adaptive(input, output_size))
        if not probe.through_global and set(y.shape[-dims:]) == {1}:
            y = y.detach()
        wants_indices = return_indices or getattr(func, "__name__", "").endswith("indices")
        return (y, torch.zeros_like(y, dtype=torch.long)) if wants_indices else y


for _dims in (1, 2, 3):
    _pooling(_dims)


@_reads(
    *ACTIVATIONS,
    "dropout dropout1d dropout2d dropout3d alpha_dropout "
    "feature_alpha_dropout batch_norm local_response_norm exp expm1 log log1p sqrt rsqrt square pow __pow__ "
    "abs neg __neg__ clamp clamp_ sin cos erf reciprocal stochastic_depth",
)
def _(probe, func, input, *args, **kwargs):
    return input


def _and_mean(probe: _Probe, x: Tensor, dims: Sequence[int]) -> Tensor:
    return _Ones.apply(x + x.mean(tuple(dims), keepdim=True)) if probe.through_global else x


@_reads("group_norm", "instance_norm")
def _(probe, func, input, *args, **kwargs):
    return _and_mean(probe, input, range(2, input.dim()))


@_reads("layer_norm", "rms_norm")
def _(probe, func, input, normalized_shape, *args, **kwargs):
    return _and_mean(probe, input, range(-len(normalized_shape), 0))


@_reads("softmax", "log_softmax", "softmin")
def _(probe, func, input, dim=None, *args, **kwargs):
    return _and_mean(probe, input, [1 if dim is None else dim])


@_reads("mean", "sum", "amax", "amin")
def _(probe, func, input, dim=None, keepdim=False, **kwargs):
    dims = tuple(range(input.dim())) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    y = _Ones.apply(input.sum(tuple(dims), keepdim=keepdim))
    spatial = {d % input.dim() for d in dims} & set(range(2, input.dim()))
    return y.detach() if spatial and not probe.through_global else y


@_reads(
    "add add_ __add__ __radd__ __iadd__ sub sub_ __sub__ __rsub__ __isub__ mul mul_ __mul__ __rmul__ __imul__ "
    "div div_ __div__ __truediv__ __rtruediv__ __itruediv__ true_divide maximum minimum"
)
def _(probe, func, input, other, *args, **kwargs):
    """Sums, so that no product with a small or zero factor hides a path; constants only stretch the shape."""
    signals = [x for x in (input, other) if _signal(x)]
    if len(signals) == 2:
        return _Ones.apply(input + other)
    constants = [x for x in (input, other) if isinstance(x, Tensor) and not _signal(x)]
    shape = torch.broadcast_shapes(signals[0].shape, *(c.shape for c in constants))
    return signals[0] if shape == signals[0].shape else signals[0].expand(shape)


@_reads("interpolate", "upsample")
def _(probe, func, input, *args, **kwargs):
    y = func(input, *args, **kwargs)
    if (kwargs.get("mode") or (args[2] if len(args) > 2 else "nearest")) != "bicubic":
        return _Ones.apply(y)
    # bicubic weights have both signs: unequal factors keep them from cancelling
    factors = torch.rand(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype) + 0.5
    return _Ones.apply(y) + (y * factors - (y * factors).detach())


@_reads("multi_head_attention_forward")
def _(probe, func, query, key, value, *args, **kwargs):
    return _and_mean(probe, query, [0]) + _and_mean(probe, value, [0]).mean(0, keepdim=True), None


@_reads("scaled_dot_product_attention")
def _(probe, func, query, key, value, *args, **kwargs):
    return _Ones.apply(query + value.sum(-2, keepdim=True))


def probe_gradient(
    module: nn.Module, shape: Sequence[int], layer: str | None = None, *, through_global: bool = True
) -> tuple[Tensor, Tensor]:
    """One probing forward pass: `(input, map)`, both with a live graph, for `torch.autograd.grad` from any unit.

    Values mean nothing; where the gradient is not zero is the unit's field. `layer`: as in `named_modules()`.
    """
    copy = private_copy(module).eval()  # or batch normalisation would count this pass in the shared buffers
    if layer:

        def stop(_module, _args, answer):
            raise _Reached(answer)

        copy.get_submodule(layer).register_forward_hook(stop)
    image = torch.ones(tuple(shape), requires_grad=True)
    with torch.enable_grad(), _Probe(through_global):
        try:
            answer = copy(image * 1)
        except _Reached as reached:
            answer = reached.value
    return image, first_tensor(answer)


def first_tensor(answer: Any) -> Tensor:
    """The first tensor of what a network answers."""
    while not isinstance(answer, Tensor):
        answer = next(iter(answer.values())) if isinstance(answer, dict) else answer[0]
    return answer


def _spans(image: Tensor, answer: Tensor, axis: int, units: Sequence[int]) -> list[tuple[int, int] | None]:
    """First and last pixel along `axis` where each unit's gradient is not zero; other axes: at their middle unit."""
    spans = []
    middle = [slice(None)] * 2 + [n // 2 for n in answer.shape[2:]]
    for unit in units:
        where = list(middle)
        where[2 + axis] = unit
        (gradient,) = torch.autograd.grad(answer[tuple(where)].sum(), image, retain_graph=True, allow_unused=True)
        if gradient is None:
            spans.append(None)
            continue
        others = [d for d in range(gradient.dim()) if d != 2 + axis]
        pixels = gradient.abs().sum(others).nonzero().flatten()
        spans.append((int(pixels[0]), int(pixels[-1])) if len(pixels) else None)
    return spans


def _pattern(spans: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Shortest period p and its advance: span[u + p] is span[u] moved by the advance, for all u asked.

    Three whole periods must have been seen, and units must move on: a run of equal fields is not yet a pattern.
    """
    for period in range(1, (len(spans) - 1) // 3 + 1):
        moves = set()
        for a, b in zip(spans, spans[period:], strict=False):
            if (a is None) != (b is None):
                break
            if a is not None and b is not None:
                moves.add((b[0] - a[0], b[1] - a[1]))
        else:
            if len(moves) == 1 and len(set(*moves)) == 1 and (0, 0) not in moves:
                return period, moves.pop()[0]
    return None


def measure_field(
    module: nn.Module,
    input_shape: Sequence[int],
    layer: str | None = None,
    *,
    through_global: bool = True,
    longest: int = 8192,
    narrowest: int = 1,
) -> MeasuredField:
    """Size, jump and start of a map's units from the support of the gradient, one axis at a time on narrow strips.

    Args:
        module: any differentiable module; `torch.fx` is not needed, weights are not read, nothing is changed.
        input_shape: `(N, C, *spatial)`; its spatial sizes are only where the search for a long enough strip begins.
        layer: the map to measure, a name in `named_modules()`; default: the module's output, which must be a map.
        through_global: `False` cuts global pooling and map statistics, to measure what the windows alone see.
        narrowest: strips are no narrower than this, in pixels. Taps beside the middle (even or dilated kernels) fall
            off a strip of one pixel, which a branch around them would hide.
        longest: stop lengthening the strip here, in pixels. A field still cut off then is reported as `None`.

    Raises:
        ValueError: the answer is not a map with one axis per axis of the image.
    """
    results = [
        _measure_axis(module, axis, input_shape, layer, through_global, longest, narrowest)
        for axis in range(len(input_shape) - 2)
    ]
    return MeasuredField(*(tuple(column) for column in zip(*results, strict=True)))


def _measure_axis(module, axis, input_shape, layer, through_global, longest, narrowest):
    def forward():
        image, answer = probe_gradient(module, shape, layer, through_global=through_global)
        if answer.dim() != len(shape):
            raise ValueError(
                f"The output of {layer or type(module).__name__} has shape {list(answer.shape)}: not a map with one "
                "axis per axis of the image. Name a layer before global pooling or flattening."
            )
        return image, answer

    # a layer that needs more room than the strip has says so by raising, or by an empty map
    width, error = narrowest, None
    length = min(max(64, input_shape[2 + axis]), longest)
    while True:
        shape = [1, input_shape[1], *(min(width, n) if width < 512 else n for n in input_shape[2:])]
        shape[2 + axis] = length
        try:
            image, answer = forward()
            if answer.numel():
                break
        except (RuntimeError, AssertionError) as problem:
            error = problem
        if width >= max(input_shape[2:]) and length >= longest:
            why = first_line(error) if error else "no room for its windows"
            raise ValueError(f"The network does not run on strips of {shape}: {why}") from error
        if width >= max(input_shape[2:]):
            length = min(2 * length, longest)
        else:
            width *= 2
    while True:
        found = _ask(image, answer, axis, length)
        if found is not None:
            units, spans, (period, advance) = found
            size = max(s[1] - s[0] + 1 for s in spans if s is not None)
            first = -units[0] % period  # the first unit asked whose phase is that of unit 0
            origin = spans[first]
            start = None if origin is None else origin[0] - advance * (units[first] // period)
            return size, whole(Fraction(advance, period)), start, length, tuple(units), tuple(spans)
        if length >= longest:
            units = [answer.shape[2 + axis] // 2]
            return None, None, None, length, tuple(units), tuple(_spans(image, answer, axis, units))
        length = min(2 * length, longest)
        shape[2 + axis] = length
        image, answer = forward()


def _ask(image, answer, axis, length):
    """Ask more units around the middle until their fields repeat; `None` if one of them reaches the strip's ends."""
    n = answer.shape[2 + axis]
    count = 6
    while True:
        if count > n:
            return None
        units = list(range((n - count) // 2, (n - count) // 2 + count))
        spans = _spans(image, answer, axis, units)
        if all(s is None for s in spans) or any(s is not None and (s[0] <= 0 or s[1] >= length - 1) for s in spans):
            return None
        pattern = _pattern(spans)
        if pattern is not None:
            return units, spans, pattern
        if count >= 192:
            return None
        count *= 2
