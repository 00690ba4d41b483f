"""Which layer of a network does a shape not fit, and which change would make it fit?

`check_network` sends a shape through an `nn.Sequential`, layer by layer, on the meta device: PyTorch itself answers
with the next shape or refuses, and no number is computed. The sentences explain the refusal; they never decide it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from models.device import private_copy
from models.operator import Layer, per_axis
from models.text import big, plural, times

# What one visitor's network may cost: a gigabyte of activations, some seconds of work, four gigabytes of scratch.
MAX_ACTIVATIONS = 2**28
MAX_WORK = 2**37
MAX_SCRATCH = 2**30


@dataclass(frozen=True)
class Row:
    """One layer of a walked network.

    `name` is the path as `print(model)` shows it (`"3"`, `"features.0"`), `kind` the class name, `layer` its printed
    form. Shapes include the batch axis; a shape that is not known is None. `parameters` counts a layer's own numbers, 0
    where the same layer stood in the network before. `status` is `"ok"`, `"broken"`, `"too large"` (it fits, but up to
    here the network costs more than `MAX_ACTIVATIONS`, `MAX_WORK` or `MAX_SCRATCH`) or `"not reached"`; `message` is
    one sentence for the middle two.
    """

    name: str
    kind: str
    layer: str
    input_shape: tuple[int, ...] | None
    output_shape: tuple[int, ...] | None
    parameters: int
    status: str
    message: str = ""


def check_network(module: Layer, input_shape: Sequence[int]) -> list[Row]:
    """A row per layer of an `nn.Sequential` (nested ones laid out flat), for an input of shape `(N, C, *spatial)`.

    Layers run as in `eval()`. Nothing is allocated, and the module is not changed. Raises `ValueError` where a layer is
    built of others and is not an `nn.Sequential`, or the input shape is not made of whole numbers above 0.
    """
    shape = tuple(input_shape)
    if not shape or not all(isinstance(size, int) and size > 0 for size in shape) or math.prod(shape) > MAX_ACTIVATIONS:
        raise ValueError(
            f"The input shape {_by(shape)} is not one to start from; give whole numbers above 0, batch first, "
            f"at most {big(MAX_ACTIVATIONS)} numbers in all."
        )
    rows: list[Row] = []
    seen: set[int] = set()
    arriving: tuple[int, ...] | None = shape
    activations, work = math.prod(shape), 0
    for name, layer in leaves(module):
        parameters = 0 if id(layer) in seen else sum(p.numel() for p in layer.parameters())
        seen.add(id(layer))
        leaving, status, message = None, "not reached", ""
        if arriving is not None:
            leaving, status, message = passed(layer, name, arriving)
            if leaving is not None:
                reads, scratch = _cost(layer, arriving, leaving)
                activations, work = activations + math.prod(leaving), work + reads
                if activations > MAX_ACTIVATIONS or work > MAX_WORK or scratch > MAX_SCRATCH:
                    status, message = "too large", _too_large(layer, name, leaving, activations, work)
        rows.append(Row(name, type(layer).__name__, repr(layer), arriving, leaving, parameters, status, message))
        arriving = leaving if status == "ok" else None
    return rows


def leaves(module: Layer, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers of an `nn.Sequential` laid out flat, with their names."""
    if isinstance(module, nn.Sequential):
        for name, child in module._modules.items():
            yield from leaves(child, f"{path}.{name}" if path else name)
    elif next(module.children(), None) is not None:
        raise ValueError(
            f"{type(module).__name__} is built of other layers; only an nn.Sequential can be walked in order."
        )
    else:
        yield path or "0", module


def passed(layer: Layer, name: str, arriving: tuple[int, ...]) -> tuple[tuple[int, ...] | None, str, str]:
    """The shape that leaves a layer, `"ok"` or `"broken"`, and for the second the sentence. Runs on the meta device."""
    if _overlooked(layer, arriving):
        return None, "broken", _explain(layer, name, arriving, "")
    twin = private_copy(layer, torch.device("meta")).eval()
    try:
        with torch.inference_mode():
            leaving = tuple(twin(torch.empty(arriving, device="meta")).shape)
    except Exception as error:  # a layer refuses with whatever it likes: AssertionError, IndexError and others
        return None, "broken", _explain(layer, name, arriving, str(error))
    if any(size < 1 for size in leaving) and not any(size < 1 for size in arriving):
        return None, "broken", f"{_title(layer, name)} got {_by(arriving)} and nothing is left of it: {_by(leaving)}."
    return leaving, "ok", ""


def _overlooked(layer: Layer, arriving: tuple[int, ...]) -> bool:
    """The two refusals that PyTorch makes on a real device and forgets on the meta device."""
    if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        channel_axis = -1 - len(layer.kernel_size)
        return -channel_axis <= len(arriving) and arriving[channel_axis] != layer.in_channels
    if isinstance(layer, (nn.Softmax, nn.LogSoftmax, nn.Softmin)):
        return layer.dim is not None and not -len(arriving) <= layer.dim < len(arriving)
    return False


def _cost(layer: Layer, arriving: tuple[int, ...], leaving: tuple[int, ...]) -> tuple[int, int]:
    """Numbers a layer reads to answer, and numbers it may have to lay out on the way (im2col, copied padding)."""
    kernel = getattr(layer, "kernel_size", None)
    if kernel is None or len(arriving) < 3 or len(leaving) < 3:
        return math.prod(leaving) * getattr(layer, "in_features", 1), 0
    axes = len(arriving) - 2
    window = math.prod(per_axis(kernel, axes))
    if not hasattr(layer, "in_channels"):
        return math.prod(leaving) * window, 0
    if layer.transposed:
        read, laid_out = math.prod(arriving) * layer.out_channels, leaving[1] * math.prod(arriving[2:])
    else:
        read, laid_out = math.prod(leaving) * layer.in_channels, arriving[1] * math.prod(leaving[2:])
    padded = 0
    if layer.padding_mode != "zeros" and not isinstance(layer.padding, str):
        padded = arriving[1] * math.prod(s + 2 * p for s, p in zip(arriving[2:], layer.padding, strict=False))
    return read // layer.groups * window, max(laid_out * window, arriving[0] * padded)


def _too_large(layer: Layer, name: str, leaving: tuple[int, ...], activations: int, work: int) -> str:
    return (
        f"{_title(layer, name)} gives {_by(leaving)}; up to here the network holds {big(activations)} numbers and "
        f"needs {big(work)} multiplications, more than is run here: use fewer channels, a smaller input or a larger "
        "stride."
    )


# --- sentences -------------------------------------------------------------------------------------------------------


def _title(layer: Layer, name: str) -> str:
    return f"layer {name} ({type(layer).__name__})"


def _by(shape: Sequence[object]) -> str:
    return times(shape, "×") or "nothing"


def _explain(layer: Layer, name: str, got: tuple[int, ...], refusal: str) -> str:
    """What arrived, what the layer wants, which change would fix it; PyTorch's own words where we have none."""
    kind = type(layer).__name__
    advice = None
    for pattern, adviser in _ADVISERS:
        if re.fullmatch(pattern, kind):
            advice = adviser(layer, got)
            break
    if advice is None:
        words = " ".join(refusal.split()).split(". ")[0].rstrip(".")[:200]
        return f"{_title(layer, name)} got {_by(got)} and PyTorch refuses it: {words}."
    return f"{_title(layer, name)} got {_by(got)}{advice}."


def _axes_of(layer: Layer) -> int:
    return int(type(layer).__name__[-2])


def _rank_advice(layer: Layer, got: tuple[int, ...], channels: int | None) -> str | None:
    """A layer of d axes that gets another number of them."""
    axes = _axes_of(layer)
    if len(got) == axes + 2:
        return None
    stem = type(layer).__name__[:-2]
    wants = f", but wants {_by(['N', channels or 'C', *['D', 'H', 'W'][-axes:]])}"
    arrived = len(got) - 2
    if arrived == 0:
        sizes = ", ".join([str(channels or "C"), *["D", "H", "W"][-axes:]])
        return f"{wants}: put nn.Unflatten(1, ({sizes})) before it, with a product of {got[1]}, or drop the nn.Flatten"
    if 1 <= arrived <= 3 and hasattr(nn, f"{stem}{arrived}d"):
        return f"{wants}: use nn.{stem}{arrived}d, or another input"
    return f"{wants}: change the layers before it so that {axes + 2} axes arrive"


def _linear(layer: Layer, got: tuple[int, ...]) -> str | None:
    if len(got) < 2:
        return f", but wants N×{layer.in_features}: give the input a batch axis"
    features = math.prod(got[1:])
    if len(got) == 2:
        return f", but in_features={layer.in_features}: set in_features={features}"
    counted = f" = {features} features per example"
    if features == layer.in_features:
        return f"{counted}, and in_features={layer.in_features} wants them in one row: put nn.Flatten() before it"
    return f"{counted}, but in_features={layer.in_features}: put nn.Flatten() before it and set in_features={features}"


def _channels(layer: Layer, got: tuple[int, ...]) -> str | None:
    """A convolution that gets another number of axes or channels."""
    if advice := _rank_advice(layer, got, layer.in_channels):
        return advice
    if got[1] == layer.in_channels:
        return None
    groups = " and groups=1" if got[1] % layer.groups or layer.out_channels % layer.groups else ""
    arrived = plural(got[1], "channel")
    return f", which is {arrived}, but in_channels={layer.in_channels}: set in_channels={got[1]}{groups}"


def _conv(layer: Layer, got: tuple[int, ...]) -> str | None:
    if advice := _channels(layer, got):
        return advice
    axes = _axes_of(layer)
    if isinstance(layer.padding, str):
        spare = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        padding = tuple((total + 1) // 2 for total in spare) if layer.padding == "same" else (0,) * axes
    else:
        padding = layer.padding
    if layer.padding_mode in ("reflect", "circular"):
        most = [size - 1 if layer.padding_mode == "reflect" else size for size in got[2:]]
        if any(pad > limit for pad, limit in zip(padding, most, strict=True)):
            return (
                f", and padding_mode={layer.padding_mode!r} can fetch at most {_by(most)} pixels from it, but padding "
                f"is {_by(padding)}: set padding={min(*most, *padding)} or padding_mode='replicate'"
            )
    return _window(got[2:], layer.kernel_size, padding, layer.dilation, grow_padding=True)


def _window(
    sizes: Sequence[int], kernel: Sequence[int], padding: Sequence[int], dilation: Sequence[int], grow_padding: bool
) -> str | None:
    """A window wider than the padded input. A pool's padding is bound to its kernel: there only the kernel shrinks."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    for axis, (size, span, pad) in enumerate(zip(sizes, spans, padding, strict=True)):
        if size + 2 * pad < span:
            where = ["width", "height", "depth"][len(sizes) - 1 - axis]
            fixes = []
            if grow_padding:
                fixes.append(
                    f"padding={max(*padding, *(math.ceil((w - s) / 2) for w, s in zip(spans, sizes, strict=True)))}"
                )
                fits = [(s + 2 * p - 1) // d + 1 for s, p, d in zip(sizes, padding, dilation, strict=True)]
                fixes.append(f"kernel_size={min(*fits, *kernel)}")
            else:
                fits = [(s - 1) // d + 1 for s, d in zip(sizes, dilation, strict=True)]
                fixes.append(f"kernel_size={min(*fits, *kernel)}" + (" and padding=0" if any(padding) else ""))
            return (
                f"; its window spans {span} pixels along the {where}, but {size} + 2·{pad} = {size + 2 * pad} are "
                f"there: set {' or '.join(fixes)}, or shrink less before it"
            )
    return None


def _transposed(layer: Layer, got: tuple[int, ...]) -> str | None:
    if advice := _channels(layer, got):
        return advice
    for extra, stride, dilation in zip(layer.output_padding, layer.stride, layer.dilation, strict=True):
        if extra >= max(stride, dilation):
            limit = max(min(max(s, d) for s, d in zip(layer.stride, layer.dilation, strict=True)) - 1, 0)
            return f", but output_padding must be smaller than stride or dilation: set output_padding={limit}"
    reach = [
        (size - 1) * s + d * (k - 1) + extra + 1
        for size, s, d, k, extra in zip(
            got[2:], layer.stride, layer.dilation, layer.kernel_size, layer.output_padding, strict=True
        )
    ]
    if any(full - 2 * pad < 1 for full, pad in zip(reach, layer.padding, strict=True)):
        return (
            f", spreads it over {_by(reach)} and then cuts off padding {_by(layer.padding)} on each side, so nothing "
            f"is left: set padding={min((full - 1) // 2 for full in reach)}"
        )
    return None


def _pool(layer: Layer, got: tuple[int, ...]) -> str | None:
    if advice := _rank_advice(layer, got, None):
        return advice
    axes = _axes_of(layer)
    kernel = per_axis(layer.kernel_size, axes)
    padding = per_axis(getattr(layer, "padding", 0), axes)
    if any(2 * pad > k for pad, k in zip(padding, kernel, strict=True)):
        return (
            f", but pads by {_by(padding)}, more than half of kernel_size {_by(kernel)}, so some windows would hold "
            f"nothing else: set padding={min(k // 2 for k in kernel)}"
        )
    return _window(got[2:], kernel, padding, per_axis(getattr(layer, "dilation", 1), axes), grow_padding=False)


def _batch_norm(layer: Layer, got: tuple[int, ...]) -> str | None:
    flat = type(layer).__name__ == "BatchNorm1d" and len(got) == 2
    if not flat and (advice := _rank_advice(layer, got, layer.num_features)):
        return advice
    if got[1] != layer.num_features:
        return f", which is {got[1]} channels, but num_features={layer.num_features}: set num_features={got[1]}"
    return None


def _group_norm(layer: Layer, got: tuple[int, ...]) -> str | None:
    if len(got) < 2 or got[1] == layer.num_channels:
        return None
    groups = "" if got[1] % layer.num_groups == 0 else f" and num_groups={math.gcd(got[1], layer.num_groups)}"
    return f", which is {got[1]} channels, but num_channels={layer.num_channels}: set num_channels={got[1]}{groups}"


def _trailing_norm(layer: Layer, got: tuple[int, ...]) -> str | None:
    wanted = tuple(layer.normalized_shape)
    if len(wanted) >= len(got):
        return f", but normalizes the last {len(wanted)} axes: set normalized_shape={got[1:]}"
    arrived = got[-len(wanted) :]
    return f", which ends in {_by(arrived)}, but normalized_shape is {_by(wanted)}: set normalized_shape={arrived}"


def _prelu(layer: Layer, got: tuple[int, ...]) -> str | None:
    channels = got[1] if len(got) > 1 else 1
    return (
        f", which is {channels} channels, but num_parameters={layer.num_parameters}: set num_parameters={channels} or 1"
    )


def _pixel_shuffle(layer: Layer, got: tuple[int, ...]) -> str | None:
    square = layer.upscale_factor**2
    if len(got) < 3:
        return f", but wants N×C×H×W with C a multiple of {square}: drop the nn.Flatten before it"
    return (
        f", which is {got[-3]} channels, but upscale_factor={layer.upscale_factor} needs a multiple of {square}: "
        f"make the layer before it give {max(1, round(got[-3] / square)) * square}"
    )


def _pixel_unshuffle(layer: Layer, got: tuple[int, ...]) -> str | None:
    if len(got) < 3:
        return ", but wants N×C×H×W: drop the nn.Flatten before it"
    factor = layer.downscale_factor
    fits = math.gcd(got[-1], got[-2], factor)
    return f", whose {got[-2]}×{got[-1]} pixels do not divide by downscale_factor={factor}: set downscale_factor={fits}"


def _channel_shuffle(layer: Layer, got: tuple[int, ...]) -> str | None:
    if len(got) < 3:
        return ", but wants N×C×H×W: drop the nn.Flatten before it"
    return (
        f", whose {got[1]} channels do not divide by groups={layer.groups}: set groups={math.gcd(got[1], layer.groups)}"
    )


def _pad(layer: Layer, got: tuple[int, ...]) -> str | None:
    kind, axes = type(layer).__name__, _axes_of(layer)
    if kind.startswith(("Reflection", "Replication", "Circular")) and (advice := _rank_advice(layer, got, None)):
        return advice
    if len(got) < axes:
        return None
    pairs = [(layer.padding[2 * i], layer.padding[2 * i + 1]) for i in range(axes)][::-1]
    sizes = got[-axes:]
    if any(size + sum(pair) < 1 for size, pair in zip(sizes, pairs, strict=True)):
        return ", and crops all of it away: use a padding that is less negative"
    limit = {"R": 1, "C": 0}.get(kind[0]) if kind.startswith(("Reflection", "CircularPad")) else None
    if limit is not None:
        most = min(sizes) - limit
        wide = max(map(max, pairs))
        return f", from which it can fetch at most {most} pixels on a side, but padding is {wide}: set padding={most}"
    return None


def _unflatten(layer: Layer, got: tuple[int, ...]) -> str | None:
    axis = layer.dim if isinstance(layer.dim, int) else 1
    if not -len(got) <= axis < len(got):
        return f", which has no axis {axis}: set dim=1"
    sizes = [size for size in layer.unflattened_size if size != -1]
    product = math.prod(sizes)
    relation = "is not a multiple of" if len(sizes) < len(layer.unflattened_size) else "is not"
    return (
        f", whose axis {axis} holds {got[axis]}, which {relation} {_by(sizes)} = {product}: "
        f"make the layer before it give {product}, or change unflattened_size"
    )


def _upsample(layer: Layer, got: tuple[int, ...]) -> str | None:
    if (layer.size is None) == (layer.scale_factor is None):
        return ", but needs exactly one of size and scale_factor: set scale_factor=2"
    modes = {3: "linear", 4: "bilinear", 5: "trilinear"}
    wanted = {mode: rank for rank, mode in modes.items()} | {"bicubic": 4}
    if layer.mode in wanted and wanted[layer.mode] != len(got):
        use = modes.get(len(got))
        return f", but mode={layer.mode!r} wants {wanted[layer.mode]} axes: " + (
            f"set mode={use!r}" if use else "drop the nn.Flatten before it"
        )
    if layer.align_corners is not None and layer.mode not in wanted:
        return f", but align_corners means nothing for mode={layer.mode!r}: leave align_corners out"
    given = layer.size if layer.size is not None else layer.scale_factor
    if isinstance(given, tuple) and len(given) != len(got) - 2:
        return f", which has {len(got) - 2} spatial axes, but {len(given)} values are given: give one number"
    return None


def _softmax(layer: Layer, got: tuple[int, ...]) -> str | None:
    if layer.dim is not None and not -len(got) <= layer.dim < len(got):
        return f", which has no axis {layer.dim}: set dim=1"
    return None


def _glu(layer: Layer, got: tuple[int, ...]) -> str | None:
    if advice := _softmax(layer, got):
        return advice
    size = got[layer.dim]
    return f", whose axis {layer.dim} holds {size}, but it must be even to be halved: make it {size + 1}"


def _flatten(layer: Layer, got: tuple[int, ...]) -> str | None:
    return f", in which start_dim={layer.start_dim} to end_dim={layer.end_dim} are not axes in order: use nn.Flatten()"


_ADVISERS = [
    (r"Linear", _linear),
    (r"Conv\dd", _conv),
    (r"ConvTranspose\dd", _transposed),
    (r"(Max|Avg|LP)Pool\dd", _pool),
    (r"Adaptive\w+Pool\dd", lambda layer, got: _rank_advice(layer, got, None)),
    (r"(Batch|Instance)Norm\dd", _batch_norm),
    (r"GroupNorm", _group_norm),
    (r"(Layer|RMS)Norm", _trailing_norm),
    (r"PReLU", _prelu),
    (r"PixelShuffle", _pixel_shuffle),
    (r"PixelUnshuffle", _pixel_unshuffle),
    (r"ChannelShuffle", _channel_shuffle),
    (r"\w+Pad\dd", _pad),
    (r"Unflatten", _unflatten),
    (r"Upsampl\w+", _upsample),
    (r"(Log)?Softm(ax|in)", _softmax),
    (r"GLU", _glu),
    (r"Flatten", _flatten),
]
"""Class names → the sentence for a shape that does not fit; the first that matches speaks."""
