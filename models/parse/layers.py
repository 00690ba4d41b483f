"""The layers that pasted text may name, and what each of their settings may be.

Derived from the signatures in `torch.nn`: a setting is read when there is a rule for its name, and refused otherwise
(device, dtype). The rules are narrower than PyTorch's own where PyTorch does not look before it divides or allocates.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from torch import nn

MAX_SETTING = 10**6
MAX_WINDOW = 4_096

Rule = Callable[[object], str | None]


def is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    return is_int(value) or isinstance(value, float)


def _whole(low: int, high: int = MAX_SETTING) -> Rule:
    wanted = f"a whole number from {low} to {high}"
    return lambda value: None if is_int(value) and low <= value <= high else wanted


def _per_axis(axes: int, low: int, high: int = MAX_WINDOW, open_axes: bool = False) -> Rule:
    """One whole number, or a tuple with one per axis; None among them where `open_axes`."""
    wanted = f"a whole number from {low} to {high}" + (f", or {axes} of them in a tuple" if axes > 1 else "")

    def item(value: object) -> bool:
        return (open_axes and value is None) or (is_int(value) and low <= value <= high)

    def rule(value: object) -> str | None:
        several = isinstance(value, tuple) and len(value) == axes and all(map(item, value))
        return None if several or item(value) else wanted

    return rule


def _number(low: float = -1e12, high: float = 1e12) -> Rule:
    wanted = f"a number from {low:g} to {high:g}"
    return lambda value: None if is_number(value) and low <= value <= high else wanted


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "True or False"


def _choice(*words: str) -> Rule:
    return lambda value: None if isinstance(value, str) and value in words else "one of " + ", ".join(map(repr, words))


def _either(*rules: Rule) -> Rule:
    def rule(value: object) -> str | None:
        wanted = [answer for each in rules if (answer := each(value)) is not None]
        return None if len(wanted) < len(rules) else ", or ".join(wanted)

    return rule


def _shape(value: object) -> str | None:
    sizes = value if isinstance(value, tuple) else (value,)
    fits = 1 <= len(sizes) <= 8 and all(is_int(size) and 1 <= size <= MAX_SETTING for size in sizes)
    return None if fits else f"a whole number from 1 to {MAX_SETTING}, or a tuple of at most 8 of them"


def _unflattened(value: object) -> str | None:
    sizes = value if isinstance(value, tuple) else ()
    fits = 1 <= len(sizes) <= 8 and all(is_int(size) and (size == -1 or 1 <= size <= MAX_SETTING) for size in sizes)
    return None if fits else "a tuple of at most 8 sizes such as (16, 4, 4), of which one may be -1"


def _scale(value: object) -> str | None:
    factors = value if isinstance(value, tuple) else (value,)
    fits = 1 <= len(factors) <= 3 and all(is_number(factor) and 0 < factor <= 10_000 for factor in factors)
    return None if fits else "a number above 0 and up to 10000, or one per axis in a tuple"


_COUNTS = (
    "in_channels out_channels groups in_features out_features num_features num_channels num_groups num_parameters "
    "upscale_factor downscale_factor num_embeddings embedding_dim embed_dim num_heads kdim vdim input_size hidden_size "
    "d_model nhead dim_feedforward in1_features in2_features"
)
_FLAGS = (
    "bias inplace ceil_mode count_include_pad affine track_running_stats elementwise_affine align_corners "
    "recompute_scale_factor batch_first bidirectional norm_first add_bias_kv add_zero_attn"
)
_NUMBERS = "alpha beta k lambd threshold value negative_slope lower upper min_val max_val init"
_MODES = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact")
_NO_INDICES = "False, because an nn.Sequential cannot hand the indices on"

# None is taken, on top of these, wherever it is the layer's own default.
_RULES: dict[str, Rule] = {
    **dict.fromkeys(_COUNTS.split(), _whole(1)),
    **dict.fromkeys(_FLAGS.split(), _flag),
    **dict.fromkeys(_NUMBERS.split(), _number()),
    **dict.fromkeys(["dim", "start_dim", "end_dim"], _whole(-8, 8)),
    "eps": _number(0, 1e6),
    "momentum": lambda value: None if value is None else _number(0, 1)(value),
    **dict.fromkeys(["p", "dropout"], _number(0, 1)),
    "layer_norm_eps": _number(0, 1e6),
    "num_layers": _whole(1, 100),
    "activation": _choice("relu", "gelu"),
    "nonlinearity": _choice("tanh", "relu"),
    "padding_idx": _whole(-MAX_SETTING),
    "norm_type": _number(0.01, 100),
    "padding_mode": _choice("zeros", "reflect", "replicate", "circular"),
    "mode": _choice(*_MODES),
    "approximate": _choice("none", "tanh"),
    "return_indices": lambda value: None if value is False else _NO_INDICES,
    "divisor_override": _whole(1),
    "normalized_shape": _shape,
    "unflattened_size": _unflattened,
}

_NAMES = (
    "Conv{1,2,3}d ConvTranspose{1,2,3}d Linear Flatten Unflatten Identity Unfold Fold "
    "MaxPool{1,2,3}d AvgPool{1,2,3}d LPPool{1,2,3}d AdaptiveAvgPool{1,2,3}d AdaptiveMaxPool{1,2,3}d "
    "BatchNorm{1,2,3}d InstanceNorm{1,2,3}d GroupNorm LayerNorm RMSNorm LocalResponseNorm "
    "ReLU ReLU6 LeakyReLU PReLU RReLU ELU SELU CELU GELU SiLU Mish Sigmoid Tanh Softplus Softsign Softshrink "
    "Hardshrink Hardsigmoid Hardswish Hardtanh Tanhshrink LogSigmoid Threshold GLU Softmax Softmin Softmax2d "
    "LogSoftmax ZeroPad{1,2,3}d ConstantPad{1,2,3}d ReflectionPad{1,2,3}d ReplicationPad{1,2,3}d CircularPad{1,2,3}d "
    "Upsample UpsamplingNearest2d UpsamplingBilinear2d PixelShuffle PixelUnshuffle ChannelShuffle "
    "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout"
)


@dataclass(frozen=True)
class Schema:
    """One layer: its class and, in the order of its signature, the settings that are read, with rule and default."""

    cls: type[nn.Module]
    rules: dict[str, Rule]
    defaults: dict[str, object]
    positional: tuple[str, ...]

    @property
    def required(self) -> list[str]:
        return [name for name in self.rules if self.defaults[name] is inspect.Parameter.empty]


def _axes(name: str) -> int:
    return int(name[-2]) if re.search(r"[123]d$", name) else 2


def rule_for(layer: str, setting: str) -> Rule | None:
    """What a setting of a layer may be; None where it is not read."""
    axes = _axes(layer)
    if setting == "padding":
        if "Pad" in layer:
            return _per_axis(2 * axes, -MAX_WINDOW)
        whole = _per_axis(axes, 0)
        return _either(whole, _choice("same", "valid")) if re.fullmatch(r"(Lazy)?Conv\dd", layer) else whole
    if setting in ("kernel_size", "stride", "dilation"):
        return _per_axis(axes, 1)
    if setting == "output_padding":
        return _per_axis(axes, 0)
    if setting == "output_size":
        return _per_axis(axes, 1, MAX_SETTING, open_axes="Adaptive" in layer)
    if setting == "size":
        return _whole(1, MAX_WINDOW) if layer == "LocalResponseNorm" else _shape
    if setting == "scale_factor":
        return _scale
    return _RULES.get(setting)


def _recurrent(
    input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False
) -> None:
    """What torch's recurrent layers take."""


def _schema(name: str) -> Schema:
    cls = getattr(nn, name)
    # The recurrent layers of torch do not say in their signature what they take.
    like = _recurrent if name in ("LSTM", "GRU", "RNN") else cls
    settings = [
        p for p in inspect.signature(like).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    rules = {p.name: rule for p in settings if (rule := rule_for(name, p.name))}
    defaults = {p.name: p.default for p in settings if p.name in rules}
    in_order = itertools.takewhile(lambda p: p.name in rules and p.kind is not p.KEYWORD_ONLY, settings)
    return Schema(cls, rules, defaults, tuple(p.name for p in in_order))


def _spell_out(names: str) -> Iterator[str]:
    for name in names.split():
        yield from (name.replace("{1,2,3}", digit) for digit in "123") if "{" in name else (name,)


LAYERS: dict[str, Schema] = {name: _schema(name) for name in _spell_out(_NAMES)}
"""Every layer that is read, by its name in `torch.nn`."""

MORE_LAYERS: dict[str, Schema] = {
    name: _schema(name)
    for name in _spell_out(
        "MaxUnpool{1,2,3}d Embedding MultiheadAttention LSTM GRU RNN LSTMCell GRUCell TransformerEncoderLayer Bilinear"
    )
}
"""Layers that only a `forward` can use: they take or give more than one tensor, or whole numbers."""

LAZY_LAYERS: dict[str, Schema] = {
    name: _schema(name)
    for name in _spell_out(
        "LazyConv{1,2,3}d LazyConvTranspose{1,2,3}d LazyBatchNorm{1,2,3}d LazyInstanceNorm{1,2,3}d LazyLinear"
    )
}
"""Layers that take their number of channels from what they are given first."""

EVERY_LAYER: dict[str, Schema] = {**LAYERS, **LAZY_LAYERS, **MORE_LAYERS}

LAYER_KINDS = (
    "convolution, pooling, normalisation, activation, padding, upsampling, linear, reshaping and dropout layers"
)
