"""Why a layer of `torch.nn` does not take a shape, and which changes of it would let it.

One entry in `RULES` for each kind of layer. A rule explains what PyTorch has refused; it never decides. Whether a
change helps the network that the layer stands in is tried in `models.advice`.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from models.measure import kind_of
from models.operator import Layer, per_axis
from models.parse.code import settings_of
from models.parse.layers import LAYERS
from models.text import listed, plural, times

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Fix:
    """A change of a layer. `words` says it; `make` builds what then stands in the layer's place, in order."""

    words: str
    make: Callable[[], Sequence[nn.Module]]

    def layers(self) -> list[nn.Module] | None:
        """What stands in the layer's place, on the meta device; None where torch does not build it."""
        try:
            with torch.device("meta"):
                return list(self.make())
        except Exception:  # constructors refuse with whatever they like
            return None


@dataclass(frozen=True)
class Fault:
    """`why` goes on where `layer 3 (Linear) got 1×64×5×5` ends; `fixes`, the likelier first, are not tried yet.

    small: a larger input would do as well.
    """

    why: str
    fixes: tuple[Fix, ...] = ()
    small: bool = False


def by(shape: Sequence[object]) -> str:
    """`1×64×5×5`."""
    return times(shape, "×") or "nothing"


def title(layer: Layer, name: str) -> str:
    """`layer 3 (Linear)`."""
    return f"layer {name} ({kind_of(layer)})"


def fault_of(layer: Layer, got: Shape) -> Fault | None:
    """What a layer that refused a shape has against it; None where no rule knows."""
    kind = kind_of(layer)
    rule = next((rule for pattern, rule in RULES if re.fullmatch(pattern, kind)), None)
    return rule(layer, got) if rule else None


def changed(layer: Layer, **settings: object) -> nn.Module:
    """A new layer with other settings, its weight worked out in the same way."""
    kind = LAYERS[kind_of(layer)].cls if kind_of(layer) in LAYERS else type(layer)
    new = kind(**(settings_of(layer) | settings))
    norms = [*layer._forward_pre_hooks.values()]
    norms += [one for several in getattr(layer, "parametrizations", {}).values() for one in several]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)  # torch calls the older two deprecated
        for one in norms:
            if norm := _NORMS.get(type(one).__name__):
                norm(new)
    return new


_NORMS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "WeightNorm": nn.utils.weight_norm,
    "SpectralNorm": nn.utils.spectral_norm,
    "_WeightNorm": nn.utils.parametrizations.weight_norm,
    "_SpectralNorm": nn.utils.parametrizations.spectral_norm,
}
"""Ways to work a weight out from others, by what torch puts on the layer for it."""


def written(settings: dict[str, object]) -> str:
    """`in_channels=3 and groups=1`."""
    return listed([f"{name}={value!r}" for name, value in settings.items()], "and")


def set_(layer: Layer, told: str = "", **settings: Any) -> Fix:
    """The layer with other settings; `told` stands before the words."""
    return Fix(f"{told}set {written(settings)}", lambda: [changed(layer, **settings)])


def _axes_of(layer: Layer) -> int:
    return int(kind_of(layer)[-2])


def _rank(layer: Layer, got: Shape, channels: int | None) -> Fault | None:
    """A layer of d axes that gets another number of them."""
    axes = _axes_of(layer)
    if len(got) == axes + 2:
        return None
    why, arrived = f", but wants {by(['N', channels or 'C', *['D', 'H', 'W'][-axes:]])}", len(got) - 2
    if arrived == 0:
        side = round((got[1] / (channels or 1)) ** (1 / axes))
        sizes = (channels or 1, *(side,) * axes)
        if math.prod(sizes) != got[1]:
            return Fault(why)
        unflatten = f"nn.Unflatten(1, {sizes})"
        return Fault(why, (Fix(f"put {unflatten} before it", lambda: [nn.Unflatten(1, sizes), layer]),))
    other = f"{kind_of(layer)[:-2]}{arrived}d"
    if 1 <= arrived <= 3 and hasattr(nn, other):
        return Fault(why, (Fix(f"use nn.{other}", lambda: [getattr(nn, other)(**settings_of(layer))]),))
    return Fault(why)


def _embedding(layer: Layer, got: Shape) -> Fault:
    return Fault(", but looks up whole numbers, such as words or labels, and these are fractions")


def _recurrent(layer: Layer, got: Shape) -> Fault | None:
    if len(got) not in (2, 3):
        return Fault(f", but wants N×L×{layer.input_size}")
    if got[-1] == layer.input_size:
        return None
    return Fault(
        f", whose last axis holds {got[-1]}, but input_size={layer.input_size}", (set_(layer, input_size=got[-1]),)
    )


def _linear(layer: Layer, got: Shape) -> Fault:
    wanted = layer.in_features
    if len(got) < 2:
        return Fault(f", but wants N×{wanted}: the batch axis is missing")
    features = math.prod(got[1:])
    if len(got) == 2:
        return Fault(f", but in_features={wanted}", (set_(layer, in_features=features),))
    counted = f" = {features} features per example"
    flat = Fix("put nn.Flatten() before it", lambda: [nn.Flatten(), layer])
    if features == wanted:
        return Fault(f"{counted}, and in_features={wanted} wants them in one row", (flat,))
    both = Fix(
        f"put nn.Flatten() before it and set in_features={features}",
        lambda: [nn.Flatten(), changed(layer, in_features=features)],
    )
    last = set_(layer, "to map the last axis alone, ", in_features=got[-1])
    return Fault(f"{counted}, but in_features={wanted}", (last, both) if len(got) == 3 else (both, last))


def _channels(layer: Layer, got: Shape) -> Fault | None:
    """A convolution that gets another number of axes or channels."""
    if fault := _rank(layer, got, layer.in_channels):
        return fault
    if got[1] == layer.in_channels:
        return None
    groups: dict[str, Any] = {"groups": 1} if got[1] % layer.groups or layer.out_channels % layer.groups else {}
    why = f", which is {plural(got[1], 'channel')}, but in_channels={layer.in_channels}"
    return Fault(why, (set_(layer, in_channels=got[1], **groups),))


def _conv(layer: Layer, got: Shape) -> Fault | None:
    if fault := _channels(layer, got):
        return fault
    axes = _axes_of(layer)
    if isinstance(layer.padding, str):
        spare = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        padding = tuple((total + 1) // 2 for total in spare) if layer.padding == "same" else (0,) * axes
    else:
        padding = layer.padding
    if layer.padding_mode in ("reflect", "circular"):
        most = [size - 1 if layer.padding_mode == "reflect" else size for size in got[2:]]
        if any(pad > limit for pad, limit in zip(padding, most, strict=True)):
            why = f", and padding_mode={layer.padding_mode!r} can fetch at most {by(most)} pixels from it, but padding "
            less = set_(layer, padding=min(*most, *padding))
            fixes = (set_(layer, padding_mode="replicate"), less)
            return Fault(f"{why}is {by(padding)}", fixes, small=True)
    return _window(layer, got[2:], layer.kernel_size, padding, layer.dilation, grow_padding=True)


def _window(
    layer: Layer,
    sizes: Sequence[int],
    kernel: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    grow_padding: bool,
) -> Fault | None:
    """A window wider than the padded input. A pool's padding is bound to its kernel: there only the kernel shrinks."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    for axis, (size, span, pad) in enumerate(zip(sizes, spans, padding, strict=True)):
        if size + 2 * pad < span:
            where = ["width", "height", "depth"][len(sizes) - 1 - axis]
            why = (
                f"; its window spans {span} pixels along the {where}, but {size} + 2·{pad} = {size + 2 * pad} are there"
            )
            if grow_padding:
                fits = [(s + 2 * p - 1) // d + 1 for s, p, d in zip(sizes, padding, dilation, strict=True)]
                wide = max(*padding, *(math.ceil((w - s) / 2) for w, s in zip(spans, sizes, strict=True)))
                fixes = (set_(layer, padding=wide), set_(layer, kernel_size=max(1, min(*fits, *kernel))))
                return Fault(why, fixes, small=True)
            fits = [(s - 1) // d + 1 for s, d in zip(sizes, dilation, strict=True)]
            none: dict[str, Any] = {"padding": 0} if any(padding) else {}
            return Fault(why, (set_(layer, kernel_size=min(*fits, *kernel), **none),), small=True)
    return None


def _transposed(layer: Layer, got: Shape) -> Fault | None:
    if fault := _channels(layer, got):
        return fault
    for extra, stride, dilation in zip(layer.output_padding, layer.stride, layer.dilation, strict=True):
        if extra >= max(stride, dilation):
            limit = max(min(max(s, d) for s, d in zip(layer.stride, layer.dilation, strict=True)) - 1, 0)
            why = f", but output_padding={extra} must be smaller than stride={stride} or dilation={dilation}"
            even = {*layer.stride, *layer.dilation} == {1} and not any(k % 2 for k in layer.kernel_size)
            fixes = _of_even_kernel(layer) if even else ()
            told = "; with an even kernel at stride 1 no symmetric setting keeps the length" if even else ""
            return Fault(why + told, (*fixes, set_(layer, output_padding=limit)))
    reach = [
        (size - 1) * s + d * (k - 1) + extra + 1
        for size, s, d, k, extra in zip(
            got[2:], layer.stride, layer.dilation, layer.kernel_size, layer.output_padding, strict=True
        )
    ]
    if any(full - 2 * pad < 1 for full, pad in zip(reach, layer.padding, strict=True)):
        why = f", spreads it over {by(reach)} and then cuts off padding {by(layer.padding)} on each side, so nothing "
        return Fault(f"{why}is left", (set_(layer, padding=min((full - 1) // 2 for full in reach)),))
    return None


def _of_even_kernel(layer: Layer) -> tuple[Fix, ...]:
    """What keeps the length of a transposed layer with stride 1 and an even kernel: an odd one, or one pixel cut."""
    kernel = layer.kernel_size
    one = lambda values: values[0] if len(set(values)) == 1 else tuple(values)  # noqa: E731
    odd = {"kernel_size": one([k - 1 for k in kernel]), "padding": one([k // 2 - 1 for k in kernel])}
    wide = {"padding": one([k // 2 - 1 for k in kernel]), "output_padding": 0}
    axes = len(kernel)
    cut = (0, -1) * axes
    return (
        set_(layer, "to keep the length, ", **odd, output_padding=0),
        Fix(
            f"to keep the length, {set_(layer, **wide).words} and cut one with nn.ZeroPad{axes}d({cut})",
            lambda: [changed(layer, **wide), getattr(nn, f"ZeroPad{axes}d")(cut)],
        ),
    )


def _pool(layer: Layer, got: Shape) -> Fault | None:
    if fault := _rank(layer, got, None):
        return fault
    axes = _axes_of(layer)
    kernel = per_axis(layer.kernel_size, axes)
    padding = per_axis(getattr(layer, "padding", 0), axes)
    dilation = per_axis(getattr(layer, "dilation", 1), axes)
    if any(2 * pad > k for pad, k in zip(padding, kernel, strict=True)):
        why = f", but pads by {by(padding)}, more than half of kernel_size {by(kernel)}"
        less = set_(layer, padding=min(k // 2 for k in kernel))
        if not kind_of(layer).startswith("MaxPool"):
            return Fault(why, (less,))
        sides = tuple(pad for pad in reversed(padding) for _ in range(2))
        sides = sides[0] if len(set(sides)) == 1 else sides
        before = Fix(
            f'to pad so far, put nn.ConstantPad{axes}d({sides}, float("-inf")) before it and set padding=0',
            lambda: [getattr(nn, f"ConstantPad{axes}d")(sides, -math.inf), changed(layer, padding=0)],
        )
        return Fault(why, (before, less) if max(dilation) > 1 else (less, before))
    return _window(layer, got[2:], kernel, padding, dilation, grow_padding=False)


def _batch_norm(layer: Layer, got: Shape) -> Fault | None:
    flat = kind_of(layer) == "BatchNorm1d" and len(got) == 2
    if not flat and (fault := _rank(layer, got, layer.num_features)):
        return fault
    if got[1] != layer.num_features:
        why = f", which is {plural(got[1], 'channel')}, but num_features={layer.num_features}"
        return Fault(why, (set_(layer, num_features=got[1]),))
    if math.prod(got[2:]) > 1:
        return None
    if kind_of(layer).startswith("Batch"):
        why = ", one number for each channel, and track_running_stats=False takes mean and spread from this alone"
        return Fault(why, (set_(layer, track_running_stats=True),))
    why = ", one number for each channel, and normalizes each by its own map: nothing would be left of it"
    group = Fix(f"use nn.GroupNorm(1, {got[1]}) over all channels", lambda: [nn.GroupNorm(1, got[1])])
    return Fault(why, (Fix("leave it out", lambda: [nn.Identity()]), group))


def _group_norm(layer: Layer, got: Shape) -> Fault | None:
    if len(got) < 2 or got[1] == layer.num_channels:
        return None
    groups: dict[str, Any] = (
        {} if got[1] % layer.num_groups == 0 else {"num_groups": math.gcd(got[1], layer.num_groups)}
    )
    why = f", which is {plural(got[1], 'channel')}, but num_channels={layer.num_channels}"
    return Fault(why, (set_(layer, num_channels=got[1], **groups),))


def _trailing_norm(layer: Layer, got: Shape) -> Fault | None:
    wanted = tuple(layer.normalized_shape)
    if len(wanted) >= len(got):
        return Fault(f", but normalizes the last {len(wanted)} axes", (set_(layer, normalized_shape=got[1:]),))
    arrived = got[-len(wanted) :]
    why = f", which ends in {by(arrived)}, but normalized_shape is {by(wanted)}"
    return Fault(why, (set_(layer, normalized_shape=arrived),))


def _prelu(layer: Layer, got: Shape) -> Fault:
    channels = got[1] if len(got) > 1 else 1
    why = f", which is {plural(channels, 'channel')}, but num_parameters={layer.num_parameters}"
    return Fault(why, (set_(layer, num_parameters=channels), set_(layer, num_parameters=1)))


def _pixel_shuffle(layer: Layer, got: Shape) -> Fault:
    square = layer.upscale_factor**2
    if len(got) < 3:
        return Fault(f", but wants N×C×H×W with C a multiple of {square}")
    channels = got[-3]
    factors = [n for n in range(layer.upscale_factor - 1, 1, -1) if channels % n**2 == 0]
    why = f", which is {channels} channels, but upscale_factor={layer.upscale_factor} needs a multiple of {square}"
    return Fault(why, tuple(set_(layer, upscale_factor=factor) for factor in factors[:1]))


def _pixel_unshuffle(layer: Layer, got: Shape) -> Fault:
    if len(got) < 3:
        return Fault(", but wants N×C×H×W")
    factor = layer.downscale_factor
    why = f", whose {got[-2]}×{got[-1]} pixels do not divide by downscale_factor={factor}"
    return Fault(why, (set_(layer, downscale_factor=math.gcd(got[-1], got[-2], factor)),))


def _channel_shuffle(layer: Layer, got: Shape) -> Fault:
    if len(got) < 3:
        return Fault(", but wants N×C×H×W")
    why = f", whose {got[1]} channels do not divide by groups={layer.groups}"
    return Fault(why, (set_(layer, groups=math.gcd(got[1], layer.groups)),))


def _pad(layer: Layer, got: Shape) -> Fault | None:
    kind, axes = kind_of(layer), _axes_of(layer)
    if kind.startswith(("Reflection", "Replication", "Circular")) and (fault := _rank(layer, got, None)):
        return fault
    if len(got) < axes:
        return None
    pairs = [(layer.padding[2 * i], layer.padding[2 * i + 1]) for i in range(axes)][::-1]
    sizes = got[-axes:]
    if any(size + sum(pair) < 1 for size, pair in zip(sizes, pairs, strict=True)):
        least = -((min(sizes) - 1) // 2)
        return Fault(", and crops all of it away", (set_(layer, padding=least),))
    limit = {"R": 1, "C": 0}.get(kind[0]) if kind.startswith(("Reflection", "CircularPad")) else None
    if limit is not None:
        most = min(sizes) - limit
        why = f", from which it can fetch at most {most} pixels on a side, but padding is {max(map(max, pairs))}"
        return Fault(why, (set_(layer, padding=most),), small=True)
    return None


def _unflatten(layer: Layer, got: Shape) -> Fault:
    axis = layer.dim if isinstance(layer.dim, int) else 1
    if not -len(got) <= axis < len(got):
        return Fault(f", which has no axis {axis}", (set_(layer, dim=1),))
    sizes = tuple(layer.unflattened_size)
    known = [size for size in sizes if size != -1]
    relation = "is not a multiple of" if len(known) < len(sizes) else "is not"
    why = f", whose axis {axis} holds {got[axis]}, which {relation} {by(known)} = {math.prod(known)}"
    rest = math.prod(known[1:]) if sizes[0] != -1 else math.prod(known)
    fits = () if got[axis] % rest else (set_(layer, unflattened_size=(got[axis] // rest, *sizes[1:])),)
    return Fault(why, fits)


def _upsample(layer: Layer, got: Shape) -> Fault | None:
    if (layer.size is None) == (layer.scale_factor is None):
        fix = set_(layer, scale_factor=2) if layer.size is None else set_(layer, size=None)
        return Fault(", but needs exactly one of size and scale_factor", (fix,))
    modes = {3: "linear", 4: "bilinear", 5: "trilinear"}
    wanted = {mode: rank for rank, mode in modes.items()} | {"bicubic": 4}
    if layer.mode in wanted and wanted[layer.mode] != len(got):
        why = f", but mode={layer.mode!r} wants {wanted[layer.mode]} axes"
        return Fault(why, (set_(layer, mode=modes[len(got)]),) if len(got) in modes else ())
    if layer.align_corners is not None and layer.mode not in wanted:
        why = f", but align_corners means nothing for mode={layer.mode!r}"
        return Fault(why, (set_(layer, align_corners=None),))
    given = layer.size if layer.size is not None else layer.scale_factor
    if isinstance(given, tuple) and len(given) != len(got) - 2:
        name = "scale_factor" if layer.size is None else "size"
        why = f", which has {plural(len(got) - 2, 'spatial axis').replace('axiss', 'axes')}, but {name}={given}"
        return Fault(why, (set_(layer, **{name: given[0]}),))
    return None


def _softmax(layer: Layer, got: Shape) -> Fault | None:
    if layer.dim is not None and not -len(got) <= layer.dim < len(got):
        return Fault(f", which has no axis {layer.dim}", (set_(layer, dim=1),))
    return None


def _glu(layer: Layer, got: Shape) -> Fault | None:
    if fault := _softmax(layer, got):
        return fault
    even = [axis for axis in range(1, len(got)) if got[axis] % 2 == 0]
    why = f", whose axis {layer.dim} holds {got[layer.dim]}, but it must be even to be halved"
    return Fault(why, tuple(set_(layer, dim=axis) for axis in even[:1]))


def _flatten(layer: Layer, got: Shape) -> Fault:
    why = f", in which start_dim={layer.start_dim} to end_dim={layer.end_dim} are not axes in order"
    return Fault(why, (Fix("use nn.Flatten()", lambda: [nn.Flatten()]),))


RULES: tuple[tuple[str, Callable[[Layer, Shape], Fault | None]], ...] = (
    (r"Linear", _linear),
    (r"Embedding", _embedding),
    (r"LSTM|GRU|RNN", _recurrent),
    (r"Conv\dd", _conv),
    (r"ConvTranspose\dd", _transposed),
    (r"(Max|Avg|LP)Pool\dd", _pool),
    (r"Adaptive\w+Pool\dd", lambda layer, got: _rank(layer, got, None)),
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
)
"""Class names → the rule for a shape that does not fit; the first that matches speaks."""


def refused_settings(kind: str, settings: dict[str, Any]) -> str | None:
    """What is wrong with settings that a layer's own constructor refuses, with the numbers and what would do; None
    where no rule knows. One sentence without its full stop.

    >>> refused_settings("Conv2d", {"in_channels": 69, "out_channels": 69, "kernel_size": 3, "groups": 4})
    'nn.Conv2d has groups=4, which do not divide in_channels=69: set groups to 1, 3, 23 or 69'
    """
    if not re.fullmatch(r"Conv(Transpose)?\dd", kind):
        return None
    axes = int(kind[-2])
    groups: Any = settings.get("groups", 1)
    sides: Any = [settings.get(one) for one in ("in_channels", "out_channels")]
    if all(isinstance(n, int) for n in (groups, *sides)):
        wrong = [f"{n}={c}" for n, c in zip(("in_channels", "out_channels"), sides, strict=True) if c % groups]
        if wrong:
            shared = math.gcd(*sides)
            fits = [n for n in range(1, shared + 1) if shared % n == 0]
            shown = listed(fits) if len(fits) <= 8 else f"a divisor of {shared}, such as {listed(fits[1:5])}"
            return f"nn.{kind} has groups={groups}, which do not divide {listed(wrong, 'and')}: set groups to {shown}"
    stride = per_axis(settings.get("stride", 1), axes)
    if settings.get("padding") == "same" and max(stride) > 1:
        kernel, dilation = per_axis(settings["kernel_size"], axes), per_axis(settings.get("dilation", 1), axes)
        total = [max(d * (k - 1) + 1 - s, 0) for k, s, d in zip(kernel, stride, dilation, strict=True)]
        sides = tuple(side for t in reversed(total) for side in (t // 2, t - t // 2))
        half = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
        even = half[0] if len(set(half)) == 1 else tuple(half)
        return (
            f'nn.{kind} takes padding="same" with stride 1 alone: put nn.ZeroPad{axes}d({sides}) before it and set '
            f"padding=0, as TensorFlow pads a size that the stride divides; or set padding={even}, whose windows lie "
            "on another grid"
        )
    return None
