"""Lines over two axes. Series differ by colour, dash and marker; the numbers stand in a table under the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from sys import float_info

from models.text import scientific
from viz.figures.table import table

MARKERS = ("circle", "square", "triangle", "diamond", "cross", "ring")
DASHES = ("", "6 4", "2 3", "9 3 2 3", "12 4", "1 4")
WIDE, NARROW = (760, 340), (350, 300)


@dataclass(frozen=True)
class Series:
    """Points of one line. ``notes``: what a point is, for its tooltip. ``line=False``: points alone."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    notes: Sequence[str] = ()
    line: bool = True


@dataclass(frozen=True)
class Line:
    """A level to compare with, drawn across, or upright where it is a place on the x axis. A name may be empty."""

    value: float
    name: str


def plot(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    label: str,
    lines: Sequence[Line] = (),
    uprights: Sequence[Line] = (),
    log_x: bool = False,
    log_y: bool = False,
    slim: bool = False,
) -> str:
    """HTML of a plot in two sizes (the screen's width chooses), its legend and its numbers.

    Args:
        x, y: titles of the axes, with units.
        label: what the picture shows, for screen readers.
        log_x, log_y: logarithmic axes; then all values are above 0.
        slim: the narrow size on every screen, for a place beside another figure.
    """
    body = "".join(
        _svg(series, x, y, label, lines, uprights, log_x, log_y, size, name)
        for size, name in (((NARROW, "cs-slim"),) if slim else ((WIDE, "cs-wide"), (NARROW, "cs-narrow")))
    )
    keys = "".join(
        f'<li><svg viewBox="0 0 34 12" width="34" height="12" aria-hidden="true" class="cs-s{i % 6}">'
        f"{_stroke('M1 6H33', i) if one.line else ''}{_marker(17, 6, i)}</svg>{escape(one.name)}</li>"
        for i, one in enumerate(series)
    )
    rows = [
        (one.name, note, _number(a), _number(b))
        for one in series
        for a, b, note in zip(one.x, one.y, one.notes or [""] * len(one.x), strict=True)
    ]
    noted = any(one.notes for one in series)
    if not noted:
        rows = [(name, a, b) for name, _, a, b in rows]
    head = ["", "Point", x, y] if noted else ["", x, y]
    return (
        f'<figure class="cs-figure">{body}<figcaption><ul class="cs-keys">{keys}</ul></figcaption>'
        f"<details><summary>Numbers</summary>{table(head, rows, label=f'Numbers of: {label}')}</details></figure>"
    )


def loss_curve(steps: Sequence[int], losses: Sequence[float], floor: float, slim: bool = False) -> str:
    """HTML of a plot of the mean squared error against steps, logarithmic, with the least that is possible as a line;
    nothing while there is a single step. A ``floor`` of no more than 1e-9 is not drawn. ``slim`` as in ``plot``."""
    if len(steps) < 2:
        return ""
    return plot(
        [Series("loss", steps, [max(v, 1e-16) for v in losses])],
        x="step",
        y="mean squared error",
        label=f"Loss over {steps[-1]} steps, from {_number(losses[0])} to {_number(losses[-1])}",
        lines=[Line(floor, "best possible")] if floor > 1e-9 else [],
        log_y=True,
        slim=slim,
    )


def _svg(series, x, y, label, lines, uprights, log_x, log_y, size, name) -> str:
    width, height = size
    right, top, bottom = 14, 14, 44
    xs = [v for one in series for v in one.x] + [line.value for line in uprights]
    ys = [v for one in series for v in one.y] + [line.value for line in lines]
    place_y, ticks_y = _axis(ys, log_y, height - bottom, top, 6)
    # Between the labels of the axis and the edge its title stands.
    left = max(58, 27 + max((_wide(_number(value)) for value in ticks_y), default=0))
    place_x, ticks_x = _axis(xs, log_x, left, width - right, 7 if width > 500 else 4)
    parts = []
    for value in ticks_y:
        at = place_y(value)
        parts.append(f'<path class="cs-grid" d="M{left} {at:.1f}H{width - right}"/>')
        parts.append(f'<text x="{left - 7}" y="{at + 4:.1f}" text-anchor="end">{_number(value)}</text>')
    for value in ticks_x:
        at = place_x(value)
        parts.append(f'<path class="cs-tick" d="M{at:.1f} {height - bottom}v5"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - bottom + 19}" text-anchor="middle">{_number(value)}</text>')
    parts.append(f'<path class="cs-axis" d="M{left} {top}V{height - bottom}H{width - right}"/>')
    middle = (left + width - right) / 2
    parts.append(f'<text class="cs-name" x="{middle:.0f}" y="{height - 6}" text-anchor="middle">{escape(x)}</text>')
    parts.append(
        f'<text class="cs-name" transform="translate(13 {(top + height - bottom) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y)}</text>'
    )
    for line in lines:
        parts.append(f'<path class="cs-level" d="M{left} {place_y(line.value):.1f}H{width - right}"/>')
    for line in uprights:
        parts.append(f'<path class="cs-level" d="M{place_x(line.value):.1f} {top}V{height - bottom}"/>')
    taken: list[tuple[float, float]] = []
    for i, one in enumerate(series):
        at = [(place_x(a), place_y(b)) for a, b in zip(one.x, one.y, strict=True)]
        taken += _along(at) if one.line else at
        drawn = _stroke("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in at), i) if one.line and len(at) > 1 else ""
        marks = ""
        if len(at) <= 60:
            notes = one.notes or [""] * len(at)
            for (a, b), u, v, note in zip(at, one.x, one.y, notes, strict=True):
                told = f"{one.name}{f', {note}' if note else ''}: {x} {_number(u)}, {y} {_number(v)}"
                marks += f"<g><title>{escape(told)}</title>{_marker(a, b, i)}</g>"
        parts.append(f'<g class="cs-s{i % 6}">{drawn}{marks}</g>')
    frame = (left + 2, top, width - right, height - bottom)
    for line in (one for one in lines if one.name):
        at = place_y(line.value)
        wide = _wide(line.name)
        xs = [frame[2] - wide - 4, frame[0] + 4, (frame[0] + frame[2] - wide) / 2]
        parts.append(_level_name(line.name, [(x, at + dy) for dy in (-5, 15) for x in xs], frame, taken))
    for line in (one for one in uprights if one.name):
        at = place_x(line.value)
        sides = [at + 6, at - 6 - _wide(line.name)]
        ys = [top + 11 + k * (frame[3] - top - 18) / 6 for k in range(7)]
        parts.append(_level_name(line.name, [(x, y) for y in ys for x in sides], frame, taken))
    return (
        f'<svg class="cs-plot {name}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _wide(text: str) -> float:
    """About how many units a level's name is wide."""
    return 7.1 * len(text)


def _along(at: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points on a line, close enough for a word not to fall between them."""
    points = list(at)
    for (a, b), (c, d) in pairwise(at):
        steps = int(max(abs(c - a), abs(d - b)) // 4)
        points += [(a + (c - a) * k / (steps + 1), b + (d - b) * k / (steps + 1)) for k in range(1, steps + 1)]
    return points


def _level_name(text: str, places, frame, taken: list[tuple[float, float]]) -> str:
    """A level's name at the place where it covers least; what it covers then counts as taken."""
    wide = _wide(text)
    inside = [
        (x, y) for x, y in places if frame[0] <= x and x + wide <= frame[2] and y - 11 >= frame[1] - 4 and y <= frame[3]
    ]

    def covers(place) -> int:
        x, y = place
        return sum(x - 3 < a < x + wide + 3 and y - 13 < b < y + 4 for a, b in taken)

    x, y = min(inside or places[:1], key=covers)
    taken += [(x + wide * k / 8, y - 5) for k in range(9)]
    return f'<text class="cs-level-name" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _stroke(path: str, i: int) -> str:
    dash = DASHES[i % 6]
    return f'<path class="cs-line" d="{path}"{f" stroke-dasharray={dash!r}" if dash else ""}/>'


def _marker(x: float, y: float, i: int) -> str:
    shape = MARKERS[i % 6]
    if shape in ("circle", "ring"):
        return f'<circle class="cs-{"dot" if shape == "circle" else "open"}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    path = {
        "square": f"M{x - 3.3:.1f} {y - 3.3:.1f}h6.6v6.6h-6.6z",
        "triangle": f"M{x:.1f} {y - 4.5:.1f}l4.2 7.6h-8.4z",
        "diamond": f"M{x:.1f} {y - 4.8:.1f}l4.8 4.8l-4.8 4.8l-4.8 -4.8z",
        "cross": f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7",
    }[shape]
    return f'<path class="cs-{"open" if shape == "cross" else "dot"}" d="{path}"/>'


def _axis(values: Sequence[float], log: bool, start: float, end: float, most: int):
    """A function from value to place, and where the ticks are."""
    low, high = min(values, default=0), max(values, default=1)
    if log:
        low, high = log10(max(low, 1e-12)), log10(max(high, 1e-12))
        low, high = (low - 0.5, high + 0.5) if high - low < 0.05 else (low, high)
        margin = 0.04 * (high - low)
        low, high = low - margin, high + margin
        ticks = _decades(low, high, most)
        if len(ticks) < 2:
            # Less than a decade: round numbers in between.
            step = _nice((10**high - 10**low) / most)
            ticks = [step * k for k in range(ceil(10**low / step), floor(10**high / step) + 1)]
        return _placed(lambda v: log10(max(v, 1e-12)), low, high, start, end), ticks
    low = min(low, 0)
    high = high if high > low else low + 1
    step = _nice((high - low) / most)
    ticks = [step * k for k in range(floor(low / step), ceil(high / step) + 1)]
    return _placed(float, ticks[0], ticks[-1], start, end), ticks


def _placed(scale: Callable[[float], float], low: float, high: float, start: float, end: float):
    return lambda value: start + (scale(value) - low) / (high - low) * (end - start)


def _decades(low: float, high: float, most: int) -> list[float]:
    last = min(ceil(high), float_info.max_10_exp)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [s * 10.0**k for k in range(floor(low), last + 1) for s in steps]
        found = [v for v in found if low <= log10(v) <= high]
        if len(found) <= most + 2:
            return found
    every = ceil(len(found) / most)
    return found[::every]


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, … above a step."""
    power = 10 ** floor(log10(step))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= step * 0.999)


def _number(value: float) -> str:
    """As people read it: k and M for large numbers, powers of ten for what is larger or very small."""
    if isinstance(value, str):
        return value
    if abs(value) >= 1e12 or 0 < abs(value) < 1e-4:
        return scientific(value, 3)
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / limit * (10 if unit == 'k' else 1):.3g}{unit}"
    return f"{value:.3g}".replace("-", "−") if value % 1 else f"{int(value)}".replace("-", "−")
