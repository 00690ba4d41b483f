"""Unevenness: which part of a signal's size repeats with the stride, and both sides of a layer measured by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import UpsamplingError
from models.operator import Layer, Operator, OperatorError, linear_operator


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


@dataclass(frozen=True)
class Side:
    """Unevenness of one side of a layer, output or gradient, over the interior.

    Attributes:
        count_figure: of how many entries the operator has there: structure alone.
        flat_figure: of sums of weights: what an image of ones becomes; it can be uneven where counts are even.
        noise_figure: of roots of sums of squared weights: the standard deviation that white noise of 1 gets.
        period: the stride that they are held against, per axis.
    """

    count_figure: float
    flat_figure: float
    noise_figure: float
    period: tuple[int, ...]


@dataclass(frozen=True)
class Evenness:
    """Both sides of one layer: what it returns, and the gradient that it sends back."""

    output: Side
    gradient: Side


def evenness(module: Layer, input_shape: Sequence[int]) -> Evenness:
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
    matrix = operator.sparse
    counts = np.bincount(operator.rows, minlength=operator.shape[0]).astype(float)
    sums = (counts, matrix.sum(axis=1), np.sqrt(matrix.power(2).sum(axis=1)))
    counts, flat, noise = (np.asarray(values).reshape(operator.output_shape[1:]) for values in sums)
    part = (slice(None), *(_repeating(counts, noise, axis, period) for axis in range(len(period))))
    return Side(*(unevenness(values[part], period) for values in (counts, flat, noise)), period=period)


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
    same = np.all(np.isclose(lines[:, p:], lines[:, :-p], rtol=1e-9, atol=1e-12), axis=0)
    middle = len(same) // 2
    if not len(same) or not same[middle]:
        raise UpsamplingError("the input is too small to have an interior that repeats: use a larger one.")
    first, last = middle, middle
    while first > 0 and same[first - 1]:
        first -= 1
    while last < len(same) - 1 and same[last + 1]:
        last += 1
    return slice(first, first + (last + 1 + p - first) // p * p)
