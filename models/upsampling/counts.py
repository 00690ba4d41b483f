"""How many stamps meet in each cell, measured and in closed form.

Odena, Dumoulin and Olah 2016, Deconvolution and Checkerboard Artifacts (https://distill.pub/2016/deconv-checkerboard/).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod

import numpy as np
import torch
from torch import nn

from models import device, formulas
from models.device import private_copy
from models.errors import UpsamplingError
from models.formulas import Formula
from models.operator import TRANSPOSED, Layer, linear_operator, one_channel
from models.terms import Term, common, letter, ratio
from models.upsampling.pattern import unevenness

CHECKERBOARD = (
    "Odena, Dumoulin and Olah 2016, Checkerboard artifacts",
    "https://distill.pub/2016/deconv-checkerboard/",
)

MOST_ENTRIES = 2**24


def interior_unevenness(kernel_size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Formula:
    """Unevenness of the overlap far from the border, in closed form; one setting per axis.

    With g = gcd(S, D), S' = S/g and r = F mod S', on each axis: a phase that is reached at all meets ⌊F/S'⌋ taps, r of
    S' phases one more, and one phase in g is reached. So the even share is F² / (g·(F² + r·(S' − r))), and the shares
    of the axes multiply. The figure is 0 exactly when S divides F and shares no factor with D; without dilation, this
    is the rule of Odena et al. 2016.
    """
    shares = [_even_share(*row) for row in zip(kernel_size, stride, dilation, strict=True)]
    value = math.sqrt(1 - prod(share.value for share in shares))
    filled = r" \cdot ".join(share.filled for share in shares)
    return Formula(
        value,
        rf"u = \sqrt{{1 - \prod {_even_share(1, 4, 2).symbols}}}, \quad g = \gcd(S, D),\ S' = S/g,\ r = F \bmod S'",
        rf"\sqrt{{1 - {filled}}} = {value:.3f}",
        f"√(1 − {' · '.join(share.text for share in shares)}) = {value:.3f}",
        CHECKERBOARD,
    )


def _even_share(f: int, s: int, d: int) -> Term:
    """F² / (g·(F² + r·(S' − r))) along one axis, g left out where it is 1."""
    g = common(letter("S", s), letter("D", d))
    reduced = s // int(g.value)
    square = Term(f**2, "F^2", f"{f}^2", f"{f}²")
    below = square + letter("r", f % reduced) * letter("(S' - r)", reduced - f % reduced)
    return ratio(square, g * below if g.value > 1 else below)


@dataclass(frozen=True, eq=False)
class Overlap:
    """How many stamps meet in each cell of a transposed convolution's output (or of a stack's), channels left aside.

    Attributes:
        counts: float64 whole numbers, spatial shape: measured, non-zeros per row of the layer's structure matrix.
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


def _line(layer: Layer, axis: int) -> Layer:
    """What the layer does along one axis, as a real 1-D layer of one channel."""
    names = ("kernel_size", "stride", "padding", "output_padding", "dilation")
    settings = {name: getattr(layer, name)[axis] for name in names}
    return nn.ConvTranspose1d(1, 1, bias=False, dtype=torch.float64, **settings)


def _settings(line: Layer) -> tuple[int, int, int, int]:
    """Kernel size, padding, stride and dilation."""
    return line.kernel_size[0], line.padding[0], line.stride[0], line.dilation[0]


def _size(line: Layer, windows: int) -> int:
    return formulas.transposed_size(windows, *_settings(line), line.output_padding[0])


def _predicted(paths: np.ndarray, line: Layer) -> np.ndarray:
    """What ``_pushed`` measures, by arithmetic alone."""
    kernel, padding, stride, dilation = _settings(line)
    total = np.zeros(_size(line, len(paths)))
    for tap in range(kernel):
        o = np.arange(len(paths)) * stride + tap * dilation - padding
        inside = (o >= 0) & (o < len(total))
        np.add.at(total, o[inside], paths[inside])
    return total


def _interior(chain: Sequence[Layer], windows: int) -> tuple[int, int]:
    """Cells [a, b) of the last layer that take all their taps from such cells of the layers before."""
    first, stop = 0, windows
    for line in chain:
        kernel, padding, stride, dilation = _settings(line)
        windows = _size(line, windows)
        first = max(0, first * stride + (kernel - 1) * dilation - padding)
        stop = min(windows, (stop - 1) * stride - padding + 1)
    return first, stop


def _pushed(paths: np.ndarray, layer: Layer) -> np.ndarray:
    """The structure matrix of a one-channel layer times ``paths``, the number of paths to each input."""
    operator = linear_operator(layer, (1, 1, *paths.shape))
    out = np.bincount(operator.rows, weights=paths.reshape(-1)[operator.cols], minlength=operator.shape[0])
    return out.reshape(operator.output_shape[2:])


def gradient_of_sum(module: Layer, input_shape: Sequence[int]) -> np.ndarray:
    """What autograd sends back to each cell of an input of zeros when all outputs are added up: the input's shape."""

    def job(place: torch.device) -> np.ndarray:
        image = torch.zeros(tuple(input_shape), device=place, requires_grad=True)
        with torch.enable_grad():
            (found,) = torch.autograd.grad(private_copy(module, place)(image).sum(), image)
        return found.cpu().numpy()

    with torch.inference_mode(False):
        return device.on(job)


def stacked(layers: Sequence[Layer], input_shape: Sequence[int]) -> list[Overlap]:
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
    shape = tuple(int(n) for n in input_shape)
    if len(shape) != dims + 2:
        raise UpsamplingError(
            f"an input of shape {shape} has {len(shape)} axes: this layer takes (N, C, *{dims} sizes)."
        )
    paths = np.ones(shape[2:])
    chains: list[list[Layer]] = [[] for _ in range(dims)]
    found = []
    for layer in layers:
        for axis, (chain, windows) in enumerate(zip(chains, paths.shape, strict=True)):
            chain.append(_line(layer, axis))
            if _size(chain[-1], windows) < 1:
                raise UpsamplingError(f"padding {layer.padding[axis]} cuts the whole output away: use less padding.")
        if paths.size * prod(layer.kernel_size) > MOST_ENTRIES:
            raise UpsamplingError("the matrix of this layer is too large to measure: use a smaller input or kernel.")
        paths = _pushed(paths, one_channel(layer, output_padding=layer.output_padding))
        found.append(_reading(paths, shape[2:], chains))
    return found


def _reading(counts: np.ndarray, windows: tuple[int, ...], chains: Sequence[Sequence[Layer]]) -> Overlap:
    period = tuple(prod(line.stride[0] for line in chain) for chain in chains)
    profiles, predicted = (
        tuple(reduce(push, chain, np.ones(n)) for chain, n in zip(chains, windows, strict=True))
        for push in (_pushed, _predicted)
    )
    spans = list(map(_interior, chains, windows))
    interior = None
    if all(b - a >= p for (a, b), p in zip(spans, period, strict=True)):
        interior = tuple(slice(a, a + (b - a) // p * p) for (a, b), p in zip(spans, period, strict=True))
        figure = unevenness(counts[interior], period)
    else:
        even = prod(1 - _wide(*row) ** 2 for row in zip(chains, windows, period, strict=True))
        figure = math.sqrt(max(0.0, 1 - even))
    formula = None
    if all(len(chain) == 1 for chain in chains):
        settings = ((line.kernel_size[0], line.stride[0], line.dilation[0]) for (line,) in chains)
        formula = interior_unevenness(*zip(*settings, strict=True))
    return Overlap(counts, profiles, predicted, period, interior, figure, formula)


def _wide(chain: Sequence[Layer], windows: int, period: int) -> float:
    """Measured unevenness on one axis, with an input large enough for one whole period in the interior."""
    while True:
        a, b = _interior(chain, windows)
        if b - a >= period:
            break
        windows = 2 * windows + 1
        if windows > MOST_ENTRIES:
            raise UpsamplingError("no input is large enough for one even period: use a smaller kernel or stride.")
    profile = reduce(_pushed, chain, np.ones(windows))
    return unevenness(profile[a : a + (b - a) // period * period], (period,))
