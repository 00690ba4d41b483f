"""Upsampling: why a transposed convolution can leave a checkerboard, what cures it, and how the ways compare.

One figure for all of it, ``unevenness``: which part of a signal's size repeats with the stride. 0 is even, 1 is
nothing but pattern. It is read from overlap counts, from what a flat image becomes, from noise, and from the gradient.

Sources: Odena, Dumoulin and Olah 2016, Deconvolution and Checkerboard Artifacts
(https://distill.pub/2016/deconv-checkerboard/); Aitken et al. 2017, Checkerboard artifact free sub-pixel convolution
(https://arxiv.org/abs/1707.02937); Shi et al. 2016 (https://arxiv.org/abs/1609.05158); Long, Shelhamer and Darrell
2015, Fully convolutional networks (https://arxiv.org/abs/1411.4038).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models import formulas
from models.formulas import Formula
from models.learning import best_weights, reset
from models.measure import mac_counter
from models.operator import CONVOLUTIONS, TRANSPOSED, Operator, OperatorError, linear_operator

CHECKERBOARD = (
    "Odena, Dumoulin and Olah 2016, Checkerboard artifacts",
    "https://distill.pub/2016/deconv-checkerboard/",
)
ICNR = ("Aitken et al. 2017, Checkerboard artifact free sub-pixel convolution", "https://arxiv.org/abs/1707.02937")
FCN = ("Long et al. 2015, Fully convolutional networks", "https://arxiv.org/abs/1411.4038")

LARGEST_SCALE = 8
LARGEST_IMAGE = 1024 * 1024
"""Pixels of the largest picture that is compared."""

MOST_ENTRIES = 2**24

ROUNDING = 1e-9
"""Differences from a picture, of 1, below which nothing but rounding is left: the two are then equal."""


class UpsamplingError(ValueError):
    """Settings or pictures that these functions do not take; the message says why and what to do."""


# -- unevenness --------------------------------------------------------------------------------------------------------


def phases(values: np.ndarray, period: Sequence[int]) -> np.ndarray:
    """The mean of each phase: of all cells that lie the same way to the stride.

    Args:
        values: ``(..., *spatial)``, as many spatial axes as ``period`` has; cells behind the last whole period are
            left out.

    Returns:
        ``(..., *period)``.
    """
    period = tuple(period)
    values = np.asarray(values, dtype=float)
    dims = len(period)
    lead, spatial = values.shape[: values.ndim - dims], values.shape[values.ndim - dims :]
    if any(n < p for n, p in zip(spatial, period, strict=True)):
        raise UpsamplingError(f"{spatial} is smaller than one period {period}: use a larger input.")
    whole = [n - n % p for n, p in zip(spatial, period, strict=True)]
    values = values[(..., *(slice(0, n) for n in whole))]
    split = [k for n, p in zip(whole, period, strict=True) for k in (n // p, p)]
    folded = values.reshape(*lead, *split)
    return folded.mean(axis=tuple(len(lead) + 2 * axis for axis in range(dims)))


def unevenness(values: np.ndarray, period: Sequence[int]) -> float:
    """The part of a signal's root mean square that repeats with ``period``: 0 is even, 1 is pattern alone.

    The root mean square of (phase mean − mean of all phases), over that of the values. Leading axes (channels, images)
    have their own means and share one figure. For a signal that repeats exactly, u² = 1 − mean²/mean square, so that
    the even shares of the axes multiply where the pattern is a product: 1 − u² = Π (1 − u_i²).
    """
    period = tuple(period)
    means = phases(values, period)
    axes = tuple(range(means.ndim - len(period), means.ndim))
    pattern = float(np.mean((means - means.mean(axis=axes, keepdims=True)) ** 2))
    whole = [slice(0, n - n % p) for n, p in zip(np.shape(values)[-len(period) :], period, strict=True)]
    size = float(np.mean(np.square(np.asarray(values, dtype=float)[(..., *whole)])))
    return math.sqrt(pattern / size) if size else 0.0


# -- overlap -----------------------------------------------------------------------------------------------------------


def overlap_profile(size: int, windows: int, kernel_size: int, padding: int, stride: int, dilation: int) -> np.ndarray:
    """In closed form, how many of ``windows`` windows reach each of ``size`` cells on one axis (int64).

    Cell o is reached by tap t of window i where o + P = i·S + t·D. For a transposed layer: how many stamps meet in
    output o. For an ordinary one: how many outputs read input o, so that many gradients add up there.
    """
    o = np.arange(size)[:, None] + padding - np.arange(kernel_size) * dilation
    return ((o % stride == 0) & (o >= 0) & (o // stride < windows)).sum(axis=1)


def interior_unevenness(kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Formula:
    """Unevenness of the overlap far from the border, in closed form; one setting per axis.

    With g = gcd(S, D), S' = S/g and r = F mod S', on each axis: a phase that is reached at all meets ⌊F/S'⌋ taps, r of
    S' phases one more, and one phase in g is reached. So the even share is F² / (g·(F² + r·(S' − r))), and the shares
    of the axes multiply. The figure is 0 exactly when S divides F and shares no factor with D; without dilation, this
    is the rule of Odena et al. 2016.
    """
    share, latex, text = 1.0, [], []
    for f, s, d in zip(kernel_size, stride, dilation, strict=True):
        g = math.gcd(s, d)
        reduced = s // g
        r = f % reduced
        # One division of whole numbers, so that an even layer gives exactly 0.
        share *= f**2 / (g * (f**2 + r * (reduced - r)))
        front = f"{g}·" if g > 1 else ""
        latex.append(rf"\frac{{{f}^2}}{{{front.replace('·', ' ')}({f}^2 + {r} \cdot {reduced - r})}}")
        text.append(f"{f}²/({front}({f}² + {r}·{reduced - r}))" if g > 1 else f"{f}²/({f}² + {r}·{reduced - r})")
    value = math.sqrt(1 - share)
    return Formula(
        value,
        r"u = \sqrt{1 - \prod \frac{F^2}{g \left(F^2 + r (S' - r)\right)}}, "
        r"\quad g = \gcd(S, D),\ S' = S/g,\ r = F \bmod S'",
        rf"\sqrt{{1 - {formulas.DOT.join(latex)}}} = {value:.3f}",
        f"√(1 − {' · '.join(text)}) = {value:.3f}",
        CHECKERBOARD,
    )


@dataclass(frozen=True, eq=False)
class Overlap:
    """How many stamps (or windows) meet in each cell, channels left aside.

    Attributes:
        where: ``"output"`` for a transposed convolution (or a stack of them), ``"gradient"`` for an ordinary one, whose
            input cells receive that many gradients.
        counts: float64 whole numbers, spatial shape: measured, non-zeros per row of the layer's structure matrix (per
            column of the matching convolution's).
        profiles: measured 1-D counts, one array per axis; ``counts`` is their outer product.
        predicted: the same profiles in closed form.
        period: after how many cells the pattern repeats, per axis.
        interior: slices over whole periods in which no stamp is missing; None where the input is too small for one.
            Towards the border stamps are missing, as nothing lies beyond it: counts fall there in every layer whose
            kernel is larger than its stride, and no figure includes that.
        figure: measured unevenness in the interior; where ``interior`` is None, in that of the same layer with a
            larger input.
        formula: the closed form of ``figure``; None for a stack of several layers, whose pattern has none.
    """

    where: str
    counts: np.ndarray
    profiles: tuple[np.ndarray, ...]
    predicted: tuple[np.ndarray, ...]
    period: tuple[int, ...]
    interior: tuple[slice, ...] | None
    figure: float
    formula: Formula | None

    @property
    def even(self) -> bool:
        """Whether all cells of the interior are reached equally often."""
        return self.figure < 1e-9

    @property
    def levels(self) -> tuple[int, ...]:
        """The different counts in the interior (in the whole picture where there is none), smallest first."""
        part = self.counts[self.interior] if self.interior else self.counts
        return tuple(int(n) for n in np.unique(part))


@dataclass(frozen=True)
class _Axis:
    """One layer along one axis, in the sense of a transposed layer: ``windows`` stamps onto ``size`` cells."""

    size: int
    windows: int
    kernel: int
    padding: int
    stride: int
    dilation: int
    extra: int

    def longer(self, windows: int) -> _Axis:
        size = formulas.transposed_size(windows, self.kernel, self.padding, self.stride, self.dilation, self.extra)
        return _Axis(size, windows, self.kernel, self.padding, self.stride, self.dilation, self.extra)

    def measured(self, paths: np.ndarray) -> np.ndarray:
        """Push path counts through the real 1-D layer with all weights 1."""
        layer = nn.ConvTranspose1d(
            1, 1, self.kernel, self.stride, self.padding, self.extra, 1, False, self.dilation, dtype=torch.float64
        )
        return _pushed(layer, paths)

    def predicted(self, paths: np.ndarray) -> np.ndarray:
        """The same by arithmetic alone."""
        total = np.zeros(self.size)
        for tap in range(self.kernel):
            o = np.arange(self.windows) * self.stride + tap * self.dilation - self.padding
            inside = (o >= 0) & (o < self.size)
            np.add.at(total, o[inside], paths[inside])
        return total

    def interior(self, before: tuple[int, int]) -> tuple[int, int]:
        """Cells [a, b) that take all their taps from [a, b) of the layer before."""
        first = before[0] * self.stride + (self.kernel - 1) * self.dilation - self.padding
        last = (before[1] - 1) * self.stride - self.padding
        return max(0, first), min(self.size, last + 1)


def _pushed(layer: nn.Module, paths: np.ndarray) -> np.ndarray:
    """The structure matrix of a one-channel layer times ``paths``, the number of paths to each input."""
    operator = linear_operator(layer, (1, 1, *paths.shape))
    out = np.bincount(operator.rows, weights=paths.reshape(-1)[operator.cols], minlength=operator.shape[0])
    return out.reshape(operator.output_shape[2:])


def overlap(module: nn.Module, input_shape: Sequence[int]) -> Overlap:
    """Overlap counts of one transposed or ordinary convolution (there: of its gradient), measured and in closed form.

    Args:
        module: ``nn.ConvTranspose{1,2,3}d``, or ``nn.Conv{1,2,3}d`` with ``padding_mode="zeros"``.
        input_shape: ``(N, C, *spatial)``.

    Raises:
        UpsamplingError: for another layer, or an input that is too small or too large for it.
    """
    if isinstance(module, TRANSPOSED):
        return stacked([module], input_shape)[0]
    if not isinstance(module, CONVOLUTIONS) or module.padding_mode != "zeros":
        raise UpsamplingError(
            f"{type(module).__name__} stamps no kernel onto zeros: give a convolution with padding_mode zeros, or a "
            f"transposed one."
        )
    dims = module.weight.dim() - 2
    sizes = _spatial(input_shape, dims)
    reach = [d * (f - 1) for d, f in zip(module.dilation, module.kernel_size, strict=True)]
    if isinstance(module.padding, str):
        pads = [(r // 2, r - r // 2) if module.padding == "same" else (0, 0) for r in reach]
    else:
        pads = [(p, p) for p in module.padding]
    axes = []
    for n, f, (before, after), s, d in zip(
        sizes, module.kernel_size, pads, module.stride, module.dilation, strict=True
    ):
        windows = formulas.window_positions(n, f, before, after, s, d)
        if windows < 1:
            raise UpsamplingError(f"a kernel of {f} with dilation {d} does not fit into {n} cells: use a larger input.")
        axes.append(_Axis(n, windows, f, before, s, d, 0))
    twin = CONVOLUTIONS[dims - 1](
        1, 1, module.kernel_size, module.stride, module.padding, module.dilation, bias=False, dtype=torch.float64
    )
    _bounded(axes)
    operator = linear_operator(twin, (1, 1, *sizes))
    counts = np.bincount(operator.cols, minlength=operator.shape[1]).astype(float).reshape(sizes)
    profiles = []
    for axis, (before, after) in zip(axes, pads, strict=True):
        line = nn.Sequential(
            nn.ConstantPad1d((before, after), 0.0),
            nn.Conv1d(1, 1, axis.kernel, axis.stride, dilation=axis.dilation, bias=False, dtype=torch.float64),
        )
        found = linear_operator(line, (1, 1, axis.size))
        profiles.append(np.bincount(found.cols, minlength=axis.size).astype(float))
    return _reading("gradient", counts, profiles, [[axis] for axis in axes])


def stacked(layers: Sequence[nn.Module], input_shape: Sequence[int]) -> list[Overlap]:
    """Path counts after each of several transposed convolutions in a row, one ``Overlap`` per layer.

    A path goes from any input cell through one tap of each layer; channels multiply all counts alike and are left out.
    Even layers stay even; uneven ones compound, and add coarser patterns to the fine one (Odena et al. 2016).
    """
    layers = list(layers)
    if not layers:
        raise UpsamplingError("there is no layer: give at least one transposed convolution.")
    for layer in layers:
        if not isinstance(layer, TRANSPOSED):
            raise UpsamplingError(f"{type(layer).__name__} is not a transposed convolution: a stack takes only these.")
    dims = layers[0].weight.dim() - 2
    if any(layer.weight.dim() - 2 != dims for layer in layers):
        raise UpsamplingError(f"the layers differ in dimensions: use only {dims}-D ones.")
    paths = np.ones(_spatial(input_shape, dims))
    chains: list[list[_Axis]] = [[] for _ in range(dims)]
    profiles = [np.ones(n) for n in paths.shape]
    found = []
    for layer in layers:
        settings = (layer.kernel_size, layer.padding, layer.stride, layer.dilation, layer.output_padding)
        for axis, (f, p, s, d, extra) in enumerate(zip(*settings, strict=True)):
            windows = paths.shape[axis]
            size = formulas.transposed_size(windows, f, p, s, d, extra)
            if size < 1:
                raise UpsamplingError(f"padding {p} cuts the whole output away: use less padding.")
            chains[axis].append(_Axis(size, windows, f, p, s, d, extra))
            profiles[axis] = chains[axis][-1].measured(profiles[axis])
        _bounded([chain[-1] for chain in chains])
        twin = TRANSPOSED[dims - 1](
            1,
            1,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.output_padding,
            bias=False,
            dilation=layer.dilation,
            dtype=torch.float64,
        )
        paths = _pushed(twin, paths)
        found.append(_reading("output", paths, list(profiles), [list(chain) for chain in chains]))
    return found


def _spatial(input_shape: Sequence[int], dims: int) -> tuple[int, ...]:
    shape = tuple(int(n) for n in input_shape)
    if len(shape) != dims + 2:
        raise UpsamplingError(
            f"an input of shape {shape} has {len(shape)} axes: this layer takes (N, C, *{dims} sizes)."
        )
    return shape[2:]


def _bounded(axes: Sequence[_Axis]) -> None:
    if prod(axis.windows * axis.kernel for axis in axes) > MOST_ENTRIES:
        raise UpsamplingError("the matrix of this layer is too large to measure: use a smaller input or kernel.")


def _interior(chain: Sequence[_Axis]) -> tuple[int, int]:
    return reduce(lambda span, axis: axis.interior(span), chain, (0, chain[0].windows))


def _reading(where: str, counts: np.ndarray, profiles: list[np.ndarray], chains: list[list[_Axis]]) -> Overlap:
    period = tuple(prod(axis.stride for axis in chain) for chain in chains)
    predicted = tuple(
        reduce(lambda paths, axis: axis.predicted(paths), chain, np.ones(chain[0].windows)) for chain in chains
    )
    spans = [_interior(chain) for chain in chains]
    interior = None
    if all(b - a >= p for (a, b), p in zip(spans, period, strict=True)):
        interior = tuple(slice(a, a + (b - a) // p * p) for (a, b), p in zip(spans, period, strict=True))
        figure = unevenness(counts[interior], period)
    else:
        even = prod(1 - _wide(chain, p) ** 2 for chain, p in zip(chains, period, strict=True))
        figure = math.sqrt(max(0.0, 1 - even))
    formula = None
    if all(len(chain) == 1 for chain in chains):
        settings = ((c[0].kernel, c[0].stride, c[0].dilation) for c in chains)
        formula = interior_unevenness(*zip(*settings, strict=True))
    return Overlap(where, counts, tuple(profiles), predicted, period, interior, figure, formula)


def _wide(chain: Sequence[_Axis], period: int) -> float:
    """Measured unevenness on one axis, with an input large enough for one whole period in the interior."""
    windows = chain[0].windows
    while True:
        longer, n = [], windows
        for axis in chain:
            longer.append(axis.longer(n))
            n = max(1, longer[-1].size)
        a, b = _interior(longer)
        if all(axis.size > 0 for axis in longer) and b - a >= period:
            break
        windows = 2 * windows + 1
        if windows > MOST_ENTRIES:
            raise UpsamplingError("no input is large enough for one even period: use a smaller kernel or stride.")
    profile = reduce(lambda paths, axis: axis.measured(paths), longer, np.ones(windows))
    return unevenness(profile[a : a + (b - a) // period * period], (period,))


# -- evenness of any linear layer --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a layer, output or gradient; each map is ``(C, *spatial)`` over the interior, with its unevenness.

    Attributes:
        counts: how many entries the operator has there: structure alone.
        flat: sums of weights: what an image of ones becomes; it can be uneven where counts are even.
        noise: roots of sums of squared weights: the standard deviation that white noise of 1 gets.
        count_figure, flat_figure, noise_figure: their unevenness.
        period: the stride that they are held against, per axis.
    """

    counts: np.ndarray
    flat: np.ndarray
    noise: np.ndarray
    count_figure: float
    flat_figure: float
    noise_figure: float
    period: tuple[int, ...]


@dataclass(frozen=True)
class Evenness:
    """Both sides of one layer: what it returns, and the gradient that it sends back."""

    output: Side
    gradient: Side


def evenness(module: nn.Module, input_shape: Sequence[int]) -> Evenness:
    """Unevenness of any layer or composition that is linear in its input, measured from its operator.

    A layer that enlarges by S has period S in its output and none in its gradient; one that shrinks, the reverse. Only
    the interior counts: from the middle outwards, as far as the counts and sums of squared weights repeat.

    Raises:
        UpsamplingError: for a layer that is not linear, or an input too small to have an interior.
    """
    try:
        operator = linear_operator(module, (1, *tuple(input_shape)[1:]))
    except OperatorError as error:
        raise UpsamplingError(str(error)) from error
    big, small = operator.output_shape[2:], operator.input_shape[2:]
    if len(big) != len(small):
        raise UpsamplingError("the layer changes the number of axes: give one that turns images into images.")
    ups = tuple(max(1, round(o / i)) for o, i in zip(big, small, strict=True))
    downs = tuple(max(1, round(i / o)) for o, i in zip(big, small, strict=True))
    return Evenness(_side(operator, ups), _side(operator.T, downs))


def _side(operator: Operator, period: tuple[int, ...]) -> Side:
    shape = operator.output_shape[1:]
    matrix = operator.sparse.copy()
    sums = {
        "counts": np.bincount(operator.rows, minlength=operator.shape[0]).astype(float),
        "flat": matrix.sum(axis=1),
        "noise": np.sqrt(matrix.power(2).sum(axis=1)),
    }
    maps = {name: np.asarray(values, dtype=float).reshape(shape) for name, values in sums.items()}
    spans = [_repeating(maps["counts"], maps["noise"], axis, period) for axis in range(len(period))]
    part = (slice(None), *spans)
    maps = {name: values[part] for name, values in maps.items()}
    figures = (unevenness(maps[name], period) for name in ("counts", "flat", "noise"))
    return Side(maps["counts"], maps["flat"], maps["noise"], *figures, period)


def _repeating(counts: np.ndarray, noise: np.ndarray, axis: int, period: tuple[int, ...]) -> slice:
    """The cells around the middle of one axis over which both maps repeat, cut to whole periods."""
    band = [slice(None)]
    for other, (n, p) in enumerate(zip(counts.shape[1:], period, strict=True)):
        start = max(0, (n - p) // 2)
        band.append(slice(None) if other == axis else slice(start, start + p))
    p = period[axis]
    lines = np.concatenate(
        [np.moveaxis(m[tuple(band)], axis + 1, -1).reshape(-1, m.shape[axis + 1]) for m in (counts, noise)]
    )
    same = np.isclose(lines[:, p:], lines[:, :-p], rtol=1e-9, atol=1e-12).all(axis=0)
    middle = len(same) // 2
    if not len(same) or not same[middle]:
        raise UpsamplingError("the input is too small to have an interior that repeats: use a larger one.")
    first, last = middle, middle
    while first > 0 and same[first - 1]:
        first -= 1
    while last < len(same) - 1 and same[last + 1]:
        last += 1
    return slice(first, first + (last + 1 + p - first) // p * p)


# -- kernels and cures -------------------------------------------------------------------------------------------------


def bilinear_kernel(scale: int, dims: int = 2) -> torch.Tensor:
    """The kernel that makes a transposed convolution interpolate linearly (Long et al. 2015), float64, no channels.

    2S − (S mod 2) cells an axis; weight 1 − |distance to the middle|/S, the product over the axes.
    """
    _scale(scale)
    size = 2 * scale - scale % 2
    line = 1 - (torch.arange(size, dtype=torch.float64) - (size - 1) / 2).abs() / scale
    return reduce(lambda kernel, axis: kernel[..., None] * line, range(dims - 1), line)


def bilinear_in(scale: int, kernel: int) -> tuple[np.ndarray, bool]:
    """The bilinear kernel at its place in a kernel of ``exact_transposed``, float64 ``(kernel, kernel)``.

    With zeros around it where there is room, cut off where there is none; and whether all of it fits.
    """
    padding, tent = exact_transposed(scale, 1, kernel).padding[0], 2 * scale - scale % 2
    place = np.arange(kernel) - padding + scale // 2 - (tent - 1) / 2
    line = np.clip(1 - np.abs(place) / scale, 0, None)
    return np.outer(line, line), padding >= scale // 2 and kernel - padding >= tent - scale // 2


def bilinear_transposed(scale: int, channels: int = 1, dims: int = 2, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A transposed convolution with ``bilinear_kernel``, each channel on its own; its output is ``scale`` times larger.

    In the interior it equals interpolation with ``align_corners=False``. At the border it misses what lies beyond.
    """
    kernel = bilinear_kernel(scale, dims)
    layer = TRANSPOSED[dims - 1](
        channels, channels, len(kernel), stride=scale, padding=scale // 2, groups=channels, bias=False, dtype=dtype
    ).requires_grad_(False)
    layer.weight.copy_(kernel.expand_as(layer.weight))
    return layer


@dataclass(frozen=True, eq=False)
class BilinearProof:
    """A transposed convolution with the bilinear kernel beside bilinear interpolation, on the same input.

    Attributes (float64 arrays, output size): ``transposed``, ``interpolated``, ``difference``; ``interior``: slices of
    the outputs whose neighbours all exist; ``largest``: the largest difference there.
    """

    transposed: np.ndarray
    interpolated: np.ndarray
    difference: np.ndarray
    interior: tuple[slice, ...]
    largest: float


def bilinear_proof(image: np.ndarray, scale: int) -> BilinearProof:
    """Compare the two on an image ``(H, W)``; output o samples at (o + ½)/S − ½, and is interior from 0 to W − 1."""
    x = torch.from_numpy(np.array(image, dtype=np.float64))[None, None]
    if x.dim() != 4 or min(x.shape) < 1:
        raise UpsamplingError(f"an image of shape {np.shape(image)} is not (H, W): give one grey image.")
    with torch.no_grad():
        ours = bilinear_transposed(scale, dtype=torch.float64)(x)[0, 0].numpy()
        real = F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)[0, 0].numpy()
    interior = []
    for n in x.shape[2:]:
        at = (np.arange(n * scale) + 0.5) / scale - 0.5
        inside = np.flatnonzero((at >= 0) & (at <= n - 1))
        interior.append(slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0))
    difference = ours - real
    inner = np.abs(difference[tuple(interior)])
    return BilinearProof(ours, real, difference, tuple(interior), float(inner.max(initial=0)))


def icnr_(weight: torch.Tensor, upscale_factor: int, init: Callable[[torch.Tensor], Any] | None = None) -> torch.Tensor:
    """Initialise the weight of the convolution before a pixel shuffle so that neighbours start alike, in place.

    Initialisation to convolution + nearest-neighbour resize (Aitken et al. 2017): one kernel is drawn per output
    channel of the shuffle, and its r² subpixels all get it. The layer then begins as nearest-neighbour upsampling of
    that convolution, which has no checkerboard.

    Args:
        weight: ``(C·r², C_in, *kernel)``.
        upscale_factor: r.
        init: what draws one kernel, in place; Kaiming normal if left out.

    Raises:
        UpsamplingError: if the output channels are no multiple of r².
    """
    r2 = upscale_factor**2
    if weight.shape[0] % r2:
        raise UpsamplingError(
            f"{weight.shape[0]} output channels are not a multiple of {upscale_factor}² = {r2}: "
            f"use {-(-weight.shape[0] // r2) * r2}."
        )
    with torch.no_grad():
        kernel = torch.empty(weight.shape[0] // r2, *weight.shape[1:], dtype=weight.dtype, device=weight.device)
        (init or nn.init.kaiming_normal_)(kernel)
        return weight.copy_(kernel.repeat_interleave(r2, dim=0))


@dataclass(frozen=True)
class Way:
    """One way to enlarge (or to shrink), as a small network.

    Attributes:
        title, prose: as people call it, and one line about it.
        build: (scale, channels, seed) -> ``nn.Module`` without biases, channels kept, its weights drawn by ``seed``.
    """

    title: str
    prose: str
    build: Callable[[int, int, int], nn.Module]


def exact_transposed(scale: int, channels: int, kernel: int) -> nn.Module:
    """A transposed convolution without bias whose output is exactly ``scale`` times larger; ``kernel`` ≥ ``scale``."""
    spare = kernel - scale
    return nn.ConvTranspose2d(
        channels, channels, kernel, scale, padding=(spare + 1) // 2, output_padding=spare % 2, bias=False
    )


def _shuffled(scale: int, channels: int, seed: int, icnr: bool) -> nn.Module:
    conv = nn.Conv2d(channels, channels * scale**2, 3, padding=1, bias=False)
    reset(conv, seed)
    if icnr:
        generator = torch.Generator().manual_seed(seed)
        icnr_(conv.weight, scale, lambda kernel: nn.init.kaiming_uniform_(kernel, a=math.sqrt(5), generator=generator))
    return nn.Sequential(conv, nn.PixelShuffle(scale))


UPSAMPLERS: dict[str, Way] = {
    "transposed": Way(
        "Transposed, kernel 2S − 1",
        "Stamps that overlap unevenly: the kernel is not divisible by the stride.",
        lambda scale, channels, seed: reset(exact_transposed(scale, channels, 2 * scale - 1), seed),
    ),
    "divisible": Way(
        "Transposed, kernel 2S",
        "As many stamps meet in each output; what the weights do with that is left to training.",
        lambda scale, channels, seed: reset(exact_transposed(scale, channels, 2 * scale), seed),
    ),
    "resize": Way(
        "Resize, then convolve",
        "Nearest-neighbour enlargement and an ordinary convolution: flat stays flat, whatever the weights.",
        lambda scale, channels, seed: reset(
            nn.Sequential(
                nn.Upsample(scale_factor=scale, mode="nearest"), nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            ),
            seed,
        ),
    ),
    "shuffle": Way(
        "Pixel shuffle",
        "No overlap at all, yet each subpixel has a kernel of its own: a checkerboard from the start.",
        lambda scale, channels, seed: _shuffled(scale, channels, seed, icnr=False),
    ),
    "shuffle_icnr": Way(
        "Pixel shuffle, ICNR",
        "The subpixels of one channel start with the same kernel: no checkerboard until training asks for one.",
        lambda scale, channels, seed: _shuffled(scale, channels, seed, icnr=True),
    ),
}
"""The transposed convolution with the checkerboard, and its cures, by name; all ``scale`` times larger."""

DOWNSAMPLERS: dict[str, Way] = {
    "strided": Way(
        "Strided, kernel 2S − 1",
        "Its gradient is a transposed convolution: some input pixels learn from more outputs than others.",
        lambda scale, channels, seed: reset(
            nn.Conv2d(channels, channels, 2 * scale - 1, scale, padding=scale - 1, bias=False), seed
        ),
    ),
    "divisible": Way(
        "Strided, kernel 2S",
        "Each input pixel is read equally often.",
        lambda scale, channels, seed: reset(
            nn.Conv2d(channels, channels, 2 * scale, scale, padding=scale // 2, bias=False), seed
        ),
    ),
    "pooled": Way(
        "Convolve, then average",
        "The reverse of resize and convolve: the gradient spreads evenly.",
        lambda scale, channels, seed: reset(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.AvgPool2d(scale)), seed
        ),
    ),
}
"""The same backwards: layers that shrink, whose gradient is uneven or even."""


def build_way(name: str, scale: int = 2, channels: int = 1, seed: int = 0) -> nn.Module:
    """One of ``UPSAMPLERS`` as a network: ``(N, channels, H, W)`` → ``(N, channels, S·H, S·W)``, float32, no bias."""
    _scale(scale)
    if name not in UPSAMPLERS:
        raise UpsamplingError(f"{name!r} is no way to enlarge: use one of {', '.join(UPSAMPLERS)}.")
    return UPSAMPLERS[name].build(scale, channels, seed)


def generator(name: str, stages: int = 3, scale: int = 2, channels: int = 8, seed: int = 0) -> nn.Sequential:
    """A small image generator: ``stages`` upsamplers of one kind with ReLU between, the last channels averaged to one.

    ``(N, channels, H, W)`` → ``(N, 1, S^stages·H, S^stages·W)``, weights drawn by ``seed``.
    """
    if not 1 <= stages <= 5 or scale**stages > 64:
        raise UpsamplingError(f"{stages} stages of {scale} are too many: use 1 to 5 that enlarge by 64 at most.")
    parts: list[nn.Module] = []
    for stage in range(stages):
        parts += [build_way(name, scale, channels, seed + stage), nn.ReLU()]
    return nn.Sequential(*parts[:-1], reset(nn.Conv2d(channels, 1, 1, bias=False), seed + stages))


@dataclass(frozen=True, eq=False)
class Generated:
    """What a generator makes of noise, and how uneven it is.

    Attributes:
        picture: float64, ``(H, W)``: the answer to a noise latent, drawn by a seed.
        flat: the interior of its answer to a latent that is the same everywhere, so that all that varies is pattern.
        figure: unevenness of ``flat``.
        period: the product of the strides.
    """

    picture: np.ndarray
    flat: np.ndarray
    figure: float
    period: int


def generate(network: nn.Module, channels: int, period: int, size: int = 8, seed: int = 0) -> Generated:
    """Run a generator (fresh or trained) on noise and on a flat latent of ``size`` × ``size`` cells.

    Args:
        network: ``(1, channels, size, size)`` → ``(1, 1, period·size, period·size)``.
        period: how many times larger it makes the image. A border of two latent cells is left out of ``flat``; in it
            zeros from beyond the border mix in.
    """
    if size < 6:
        raise UpsamplingError(f"a latent of {size} cells has no interior: use 6 or more.")
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        noise = torch.rand(1, channels, size, size, generator=drawn)
        level = torch.rand(1, channels, 1, 1, generator=drawn).expand(1, channels, size, size)
        kind = next(network.parameters()).dtype
        picture, flat = (network(latent.to(kind))[0, 0].double().numpy() for latent in (noise, level))
    if flat.shape != (size * period, size * period):
        raise UpsamplingError(f"the network makes {flat.shape} of {size} × {size}: its period is not {period}.")
    inner = flat[2 * period : -2 * period, 2 * period : -2 * period]
    return Generated(picture, inner, unevenness(inner, (period, period)), period)


def picture_code(image: np.ndarray, channels: int, factor: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A latent that knows a picture, for a generator to draw it from: ``(code, picture)``, float64.

    Each ``factor`` × ``factor`` patch of the grey image ``(H, W)``, 0 to 1, becomes ``channels`` numbers: its pixels
    along random orthogonal directions. ``code`` is ``(1, channels, H/factor, W/factor)``, ``picture`` the image as
    ``(1, 1, H, W)``.

    Raises:
        UpsamplingError: if a side is no multiple of the factor, or a patch has fewer pixels than there are channels.
    """
    picture = as_batch(image)
    if len(picture) != 1 or any(n % factor for n in picture.shape[2:]) or channels > factor**2:
        raise UpsamplingError(
            f"an image of {tuple(np.shape(image))} has no code of {channels} numbers for each {factor} × {factor} "
            f"patch: give a grey one whose sides are multiples of {factor}, and at most {factor**2} channels."
        )
    drawn = torch.Generator().manual_seed(seed)
    directions = torch.linalg.qr(torch.randn(factor**2, channels, generator=drawn, dtype=torch.float64))[0]
    return torch.einsum("nphw,pc->nchw", F.pixel_unshuffle(picture, factor), directions), picture


# -- positions and rearrangement ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SamplePositions:
    """Where on the input axis each output of an interpolation samples, in input pixels (0 is the first one's middle).

    Attributes (float64 arrays, one value an output):
        measured: read from the real layer by enlarging a ramp; linear interpolation of 0, 1, 2 … is the position.
        predicted: the closed form, held inside the image as the layer does.
        unclamped: the closed form before that: below 0 or above W − 1 it lies beyond the outer pixels' middles.
        spacing: distance between neighbours, in input pixels, measured where nothing is clamped.
    """

    measured: np.ndarray
    predicted: np.ndarray
    unclamped: np.ndarray
    spacing: float
    formula: Formula


def sample_positions(size: int, scale: float, align_corners: bool) -> SamplePositions:
    """Sample positions of ``nn.Upsample`` on one axis of ``size`` pixels.

    Without ``align_corners`` pixels are areas: output o lies at (o + ½)/S − ½. With it the outer pixels' middles are
    held together: o·(W − 1)/(O − 1), so that the spacing depends on the size (documentation of ``torch.nn.Upsample``).
    """
    outputs = math.floor(size * scale)
    if size < 1 or outputs < 1:
        raise UpsamplingError(f"{size} pixels times {scale:g} is less than one pixel: use a larger scale.")
    o = np.arange(outputs)
    if align_corners:
        raw = o * (size - 1) / (outputs - 1) if outputs > 1 else np.zeros(1)
        symbols = r"x = o \cdot \frac{W - 1}{O - 1}"
        filled, text = rf"o \cdot \frac{{{size - 1}}}{{{outputs - 1}}}", f"o·{size - 1}/{outputs - 1}"
    else:
        raw = (o + 0.5) / scale - 0.5
        symbols = r"x = \frac{o + \frac{1}{2}}{S} - \frac{1}{2}"
        filled, text = rf"\frac{{o + 0.5}}{{{scale:g}}} - 0.5", f"(o + 0.5)/{scale:g} − 0.5"
    ramp = torch.arange(size, dtype=torch.float64).reshape(1, 1, -1)
    with torch.no_grad():
        measured = nn.Upsample(scale_factor=scale, mode="linear", align_corners=align_corners)(ramp)[0, 0].numpy()
    clamped = np.clip(raw, 0, size - 1)
    free = np.flatnonzero(raw == clamped)
    spacing = float(np.diff(measured[free]).mean()) if len(free) > 1 else 0.0
    return SamplePositions(
        measured, clamped, raw, spacing, Formula((size, outputs), symbols, filled, text, formulas.UPSAMPLE)
    )


@dataclass(frozen=True, eq=False)
class ShuffleMap:
    """Where pixel shuffle takes each output from: int64 arrays ``(C, S·H, S·W)`` of input channel, row and column.

    ``measured`` from the real layer; ``predicted`` in closed form: output (c, y, x) is input
    (c·r² + (y mod r)·r + x mod r, ⌊y/r⌋, ⌊x/r⌋).
    """

    measured: tuple[np.ndarray, np.ndarray, np.ndarray]
    predicted: tuple[np.ndarray, np.ndarray, np.ndarray]


def shuffle_map(channels: int, size: tuple[int, int], upscale_factor: int) -> ShuffleMap:
    """The rearrangement of ``nn.PixelShuffle`` for ``channels`` *input* channels of ``size`` (Shi et al. 2016)."""
    r = upscale_factor
    if channels % r**2:
        raise UpsamplingError(f"{channels} channels are not a multiple of {r}²: use {-(-channels // r**2) * r**2}.")
    with torch.no_grad():
        index = torch.arange(channels * prod(size), dtype=torch.float64).reshape(1, channels, *size)
        moved = nn.PixelShuffle(r)(index)[0].long().numpy()
    measured = tuple(np.unravel_index(moved, (channels, *size)))
    c, y, x = np.indices(moved.shape)
    return ShuffleMap(measured, (c * r**2 + (y % r) * r + x % r, y // r, x // r))


# -- on a picture ------------------------------------------------------------------------------------------------------


def _scale(scale: int) -> None:
    if isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= LARGEST_SCALE:
        raise UpsamplingError(f"{scale!r} is not a scale: use a whole number from 1 to {LARGEST_SCALE}.")


def as_batch(image: np.ndarray) -> torch.Tensor:
    """An image ``(H, W)`` or ``(H, W, 3)``, floats 0 to 1 or uint8, as ``(colours, 1, H, W)``, float64.

    Colours become images of one channel each, so that one kernel serves them all.
    """
    pixels = np.asarray(image)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)) or 0 in pixels.shape:
        raise UpsamplingError(f"an image of shape {pixels.shape} is not (H, W) or (H, W, 3): convert it first.")
    if pixels.shape[0] * pixels.shape[1] > LARGEST_IMAGE:
        raise UpsamplingError(f"{pixels.shape[0]} × {pixels.shape[1]} pixels are too many: use 1024 × 1024 or fewer.")
    values = pixels.astype(np.float64) / (255 if pixels.dtype == np.uint8 else 1)
    if not np.isfinite(values).all():
        raise UpsamplingError("the image holds values that are not numbers: clean it first.")
    planes = values[None] if values.ndim == 2 else np.moveaxis(values, 2, 0)
    return torch.from_numpy(np.ascontiguousarray(planes))[:, None]


def as_image(batch: torch.Tensor) -> np.ndarray:
    """The inverse of ``as_batch``: ``(H, W)`` for one plane, ``(H, W, 3)`` for three."""
    planes = batch.detach()[:, 0].cpu().numpy()
    return planes[0] if len(planes) == 1 else np.moveaxis(planes, 0, 2)


def psnr(image: np.ndarray, original: np.ndarray, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in decibels: 10·log10(peak² / mean squared error); infinite for equal images."""
    error = float(np.mean((np.asarray(image, dtype=float) - np.asarray(original, dtype=float)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def pair(image: np.ndarray, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture and its smaller self: ``(low, high)``, ``(colours, 1, H/S, W/S)`` and ``(colours, 1, H, W)``, float64.

    Rows and columns behind the last multiple of the scale are left out. Each small pixel is the mean of S² large ones.
    """
    _scale(scale)
    high = as_batch(image)
    height, width = (n - n % scale for n in high.shape[2:])
    if min(height, width) < 4 * scale:
        raise UpsamplingError(f"the image is too small to be enlarged {scale} times: use {4 * scale} pixels or more.")
    high = high[..., :height, :width].contiguous()
    return F.avg_pool2d(high, scale), high


@dataclass(frozen=True)
class Method:
    """One way to enlarge a picture: title, one line, scale -> network; ``learned`` ones are fitted to the picture."""

    title: str
    prose: str
    build: Callable[[int], nn.Module] | None
    learned: bool = False


METHODS: dict[str, Method] = {
    "nearest": Method(
        "Nearest", "Each pixel is repeated.", lambda scale: nn.Upsample(scale_factor=float(scale), mode="nearest")
    ),
    "bilinear": Method(
        "Bilinear",
        "A weighted mean of the four nearest pixels.",
        lambda scale: nn.Upsample(scale_factor=float(scale), mode="bilinear", align_corners=False),
    ),
    "bicubic": Method(
        "Bicubic",
        "A cubic curve through sixteen pixels: sharper, and it overshoots at edges.",
        lambda scale: nn.Upsample(scale_factor=float(scale), mode="bicubic", align_corners=False),
    ),
    "max_unpool": Method("Max-unpooling", "The maxima go back to where they came from; everything else is 0.", None),
    "transposed_bilinear": Method(
        "Transposed, bilinear kernel",
        "A transposed convolution that is bilinear interpolation, but for the border.",
        lambda scale: bilinear_transposed(scale, dtype=torch.float64),
    ),
    "transposed": Method(
        "Transposed, learned",
        "The same layer with the best kernel for this picture.",
        lambda s: exact_transposed(s, 1, 2 * s),
        True,
    ),
    "resize": Method(
        "Resize, then convolve, learned",
        "Nearest, then the best 3×3 kernel for this picture.",
        lambda scale: build_way("resize", scale),
        True,
    ),
    "pixel_shuffle": Method(
        "Pixel shuffle, learned",
        "A 3×3 convolution makes S² channels, the best ones for this picture; they are then interleaved.",
        lambda scale: build_way("shuffle_icnr", scale),
        True,
    ),
}
"""The ways that are compared on a picture, by name."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """One method on one picture.

    Attributes:
        name, title, prose: of the method.
        image: float64, size of the (cropped) original; not clipped to 0 … 1.
        difference: ``image − original``; zero where it is rounding alone, and ``psnr`` is then infinite.
        psnr: decibels, on ``image`` clipped to 0 … 1.
        parameters: learned or fixed numbers that the layer holds.
        macs: multiply–accumulates for the whole picture, all colours; copies are none.
        counted: how ``macs`` were found.
        pattern: unevenness of ``difference`` with the scale as period: the checkerboard that the method adds.
        network: what made it; None for max-unpooling.
    """

    name: str
    title: str
    prose: str
    image: np.ndarray
    difference: np.ndarray
    psnr: float
    parameters: int
    macs: int
    counted: str
    pattern: float
    network: nn.Module | None


def compare(
    image: np.ndarray,
    scale: int = 2,
    names: Sequence[str] | None = None,
    networks: Mapping[str, nn.Module] | None = None,
) -> list[Comparison]:
    """Shrink a picture, enlarge it again in several ways, and hold each against the original.

    Args:
        image: ``(H, W)`` or ``(H, W, 3)``, floats 0 to 1 or uint8.
        scale: whole number; sides are cropped to multiples of it.
        names: of ``METHODS``; all if left out.
        networks: trained layers to use in place of the fitted ones, by method name; each takes ``(N, 1, h, w)``.

    Learned methods are fitted by least squares to this very picture (``models.learning.best_weights``): the best that
    any training could reach on it, and better than on a picture that they have not seen.

    Raises:
        UpsamplingError: for a picture, a scale or a name that does not fit.
    """
    low, high = pair(image, scale)
    names = list(METHODS) if names is None else list(names)
    for name in names:
        if name not in METHODS:
            raise UpsamplingError(f"{name!r} is no way to enlarge: use one of {', '.join(METHODS)}.")
    original = as_image(high)
    found = []
    for name in names:
        method, network = METHODS[name], None
        if method.build is None:
            out, macs, counted = _unpooled(high, scale), 0, "numbers are moved, none is multiplied"
        else:
            given = (networks or {}).get(name)
            network = copy.deepcopy(given if given is not None else method.build(scale)).double()
            if given is None and method.learned:
                best_weights(network, low, high)
            out, macs, counted = _counted(network, low)
        result = as_image(out)
        difference = result - original
        exact = np.abs(difference).max() < ROUNDING
        if exact:
            difference = np.zeros_like(difference)
        found.append(
            Comparison(
                name,
                method.title,
                method.prose,
                result,
                difference,
                math.inf if exact else psnr(np.clip(result, 0, 1), original),
                sum(p.numel() for p in network.parameters()) if network else 0,
                macs,
                counted,
                unevenness(np.moveaxis(np.atleast_3d(difference), 2, 0), (scale, scale)),
                network,
            )
        )
    return found


def _unpooled(high: torch.Tensor, scale: int) -> torch.Tensor:
    """Max-pool the picture and put the maxima back: it needs the places, so it starts from the picture itself."""
    with torch.no_grad():
        pooled, places = nn.MaxPool2d(scale, return_indices=True)(high)
        return nn.MaxUnpool2d(scale)(pooled, places)


def _counted(network: nn.Module, low: torch.Tensor) -> tuple[torch.Tensor, int, str]:
    if isinstance(network, nn.Upsample):
        with torch.no_grad():
            out = network(low)
        if network.mode == "nearest":
            return out, 0, "pixels are copied, none is multiplied"
        return out, len(low) * _interpolation_macs(network, low.shape[2:]), "entries of the layer's operator"
    counter = mac_counter()
    with torch.no_grad(), counter:
        out = network(low)
    return out, counter.get_total_flops() // 2, "PyTorch's FlopCounterMode ÷ 2"


def _interpolation_macs(network: nn.Upsample, size: Sequence[int]) -> int:
    """Weights of the interpolation that are not 0: measured along each axis alone, and multiplied."""
    scale = network.scale_factor
    entries = []
    for n in size:
        line = nn.Upsample(scale_factor=(1.0, float(scale)), mode=network.mode, align_corners=network.align_corners)
        entries.append(linear_operator(line, (1, 1, 1, n)).nnz)
    return prod(entries)
