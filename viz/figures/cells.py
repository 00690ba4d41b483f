"""A table of numbers as coloured cells: SVG with the numbers in it while they can be read, else a picture of pixels.

Colours are the roles' (``input``, ``kernel``, ``output``, ``count``); numbers with a sign are violet and orange around
zero. They follow the theme by themselves: tint.css.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from models.text import big, scientific
from viz.colours import ROLES, cividis, heat
from viz.figures.png import packed

LARGEST = 20
"""Columns of a table that is drawn with its numbers."""

NEGATIVE, POSITIVE = "var(--negative)", "var(--positive)"


def text_of(value: float) -> str:
    """A number as short as a cell needs it: whole numbers as they are, others with about three digits."""
    if not np.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "NaN"
    if abs(value - round(value)) < 1e-9 and abs(value) < 1e6:
        return big(round(value))
    if 1000 <= abs(value) < 1e6:
        return big(value)
    return f"{value:.3g}".replace("-", "−") if 1e-4 <= abs(value) < 1000 else scientific(value, 3)


def _ink(colour: tuple[int, int, int]) -> str:
    light = [(v / 255 / 12.92) if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour]
    return "#111" if 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] > 0.18 else "#fff"


def cells(
    values: np.ndarray,
    title: str,
    role: str = "output",
    *,
    low: float | None = None,
    high: float | None = None,
    most: int = 10,
    decimals: int | None = None,
) -> str:
    """One table ``(H, W)`` as a figure with its title; HTML.

    ``low`` and ``high`` fix the ends of the scale, so that several figures compare. ``most`` columns have their full
    size; more share that width. ``decimals``: so many in each cell; if left out, as many as each number needs.
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    height, width = values.shape
    finite = values[np.isfinite(values)]
    top = high if high is not None else float(np.abs(finite).max(initial=0)) or 1.0
    bottom = low if low is not None else (float(finite.min(initial=0)) if role == "count" else 0.0)
    said = f"{title}: {height} by {width} cells, from {text_of(values.min())} to {text_of(values.max())}"
    if max(height, width) <= LARGEST:
        return framed(title, _svg(values, role, bottom, top, said, most, decimals))
    return framed(title, _pixels(values, role, bottom, top, said))


def framed(title: str, body: str, below: str = "") -> str:
    """A picture with its title above it and a line (HTML) below."""
    line = f'<div class="cs-below">{below}</div>' if below else ""
    return f'<figure class="cs-cellfig"><figcaption>{escape(title)}</figcaption>{body}{line}</figure>'


def hidden(title: str) -> str:
    """What stands in the place of a picture while a question about it waits; HTML. In a row all are as wide then."""
    said = escape(f"{title}: shown once the question is answered")
    return framed(title, f'<div class="cs-hidden" role="img" aria-label="{said}">?</div>')


def _fitted(value: float, decimals: int | None) -> str:
    """A number in a cell of a table: two decimals where three digits would be too long to read."""
    if not np.isfinite(value) or abs(value) >= 1e6:
        return scientific(value, 1) if np.isfinite(value) else text_of(value)
    if decimals is not None:
        return big(round(value, decimals) + 0.0, decimals)
    text = text_of(value)
    if len(text) <= 5:
        return text
    return scientific(value, 1) if 0 < abs(value) < 1e-4 else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _long(text: str) -> float:
    """About how many digits a number is wide: points and powers are narrow."""
    return sum(0.6 if one in "·⁻⁰¹²³⁴⁵⁶⁷⁸⁹" else 1 for one in text)


def _svg(values: np.ndarray, role: str, low: float, high: float, said: str, most: int, decimals: int | None) -> str:
    size, (height, width) = 40, values.shape
    longest = max(_long(_fitted(v, decimals)) for v in values.flat)
    font = min(16.0, (size - 5) / (0.58 * longest))
    parts = []
    for (y, x), value in np.ndenumerate(values):
        ink = "currentColor"
        if role == "count":
            colour = cividis((value - low) / (high - low) if high > low else 0.5)
            fill, ink = f'fill="rgb{colour}"', _ink(colour)
        elif role == "signed" or low < 0 or values.min() < 0:
            share = min(abs(value) / high, 1.0) if np.isfinite(value) else 0
            # Numbers are read on it, and in the dark theme the ends are light.
            fill = f'style="fill:{NEGATIVE if value < 0 else POSITIVE}" fill-opacity="{0.05 + 0.4 * share:.3f}"'
        else:
            share = min(value / high, 1.0) if np.isfinite(value) else 0
            fill = f'fill="{ROLES[role]}" fill-opacity="{0.08 + 0.45 * share:.3f}"'
        left, top = x * size, y * size
        parts.append(f'<rect x="{left + 1}" y="{top + 1}" width="{size - 2}" height="{size - 2}" rx="4" {fill}/>')
        if font >= 7:
            parts.append(
                f'<text x="{left + size / 2}" y="{top + size / 2 + font * 0.35:.1f}" font-size="{font:.1f}" '
                f'fill="{ink}">{_fitted(value, decimals)}</text>'
            )
    widest = min(width, most) * 38
    return (
        f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {width * size} {height * size}" '
        f'width="{widest}" class="cs-cells">{"".join(parts)}</svg>'
    )


def _pixels(values: np.ndarray, role: str, low: float, high: float, said: str) -> str:
    share = np.nan_to_num((values - low) / (high - low) if high > low else np.zeros_like(values)).clip(0, 1)
    if role == "count":
        return image(heat(share), said)
    if role == "signed" or values.min() < 0:
        return signed(values / high, said)
    return _tinted([(share, ROLES[role])], np.ones(share.shape, bool), said, 300)


def signed(values: np.ndarray, said: str, largest: int = 300) -> str:
    """Values ``(H, W)`` from −1 to 1 in the colours of a sign; the page shows where there is none (NaN)."""
    there = ~np.isnan(values)
    part = np.where(there, values, 0)
    return _tinted([(-part, NEGATIVE), (part, POSITIVE)], there, said, largest)


def _tinted(layers: Sequence[tuple[np.ndarray, str]], there: np.ndarray, said: str, largest: int) -> str:
    """Shares ``(H, W)`` of colours over that of zero, enlarged without blur. Each share is sent as the opacity of a
    mask, so that the colour under it is the theme's."""
    colours = "".join(f'<i style="background:{colour};mask-image:url({_mask(share)})"></i>' for share, colour in layers)
    gaps = "" if there.all() else f";mask-image:url({_mask(there)})"
    height, width = there.shape
    return (
        f'<div class="cs-tinted" role="img" aria-label="{escape(said)}" '
        f'style="width:{largest}px;aspect-ratio:{width}/{height}{gaps}">{colours}</div>'
    )


def _mask(share: np.ndarray) -> str:
    """Address of a picture whose opacity is ``share`` ``(H, W)``, from 0 to 1."""
    pixels = np.zeros((*share.shape, 4), np.uint8)
    pixels[..., 3] = np.rint(np.clip(share, 0, 1) * 255)
    return packed(pixels)


def image(rgb: np.ndarray, said: str, largest: int = 300) -> str:
    """Pixels as ``packed`` takes them, or floats from 0 to 1, as an ``img`` that is enlarged without blur."""
    if rgb.dtype.kind == "f":
        rgb = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return (
        f'<img alt="{escape(said)}" src="{packed(rgb)}" '
        f'style="width:{largest}px;max-width:100%;image-rendering:pixelated;display:block">'
    )


def ranked(head: Sequence[str], entries: Sequence[tuple[str, Sequence[str], float, bool]]) -> str:
    """A short list beside pictures: of each its name, its numbers, a bar of so much of a whole, from −1 to 1, and
    whether it is the one that is looked at. HTML, for a data frame draws no bar below zero.
    """
    titles = "".join(f"<th scope='col'>{escape(title)}</th>" for title in (*head, "Bar"))
    rows = []
    for name, values, share, marked in entries:
        colour = NEGATIVE if share < 0 else "var(--output)"
        bar = f'<i style="width:{max(1, round(110 * abs(share)))}px;background:{colour}"></i>'
        cells = (f"<b>{escape(name)}</b>" if marked else escape(name), *map(escape, values), bar)
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f'<table class="cs-ranked"><thead><tr>{titles}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def row(*figures: str, pictures: bool = False, widest: int = 200) -> str:
    """Figures beside each other, wrapping where the screen ends; ``pictures`` stand two in a row on a phone, and are at
    most ``widest`` pixels wide."""
    look = f' cs-pictures" style="--widest:{widest}px' if pictures else ""
    return f'<div class="cs-row{look}">{"".join(figures)}</div>'
