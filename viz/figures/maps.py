"""Small maps of counts: a square a pixel, boxes drawn over them, never-read pixels hatched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from zlib import crc32

import numpy as np

from viz.colours import cividis

CIVIDIS = ["#{:02x}{:02x}{:02x}".format(*cividis(k / 8)) for k in range(9)]
READABLE = 19
"""Cells side by side in which numbers can still be read."""


@dataclass(frozen=True)
class Map:
    """Counts per pixel (one or two axes). ``box``: first and last pixel per axis, framed; hatched inside where 0."""

    title: str
    values: np.ndarray
    box: tuple[tuple[int, int], ...] | None
    told: str


def colour(value: float, top: float) -> str:
    """The step of cividis for a count of at most ``top``."""
    return CIVIDIS[min(8, int(8.999 * value / top))] if top > 0 else CIVIDIS[0]


def maps(items: Sequence[Map], *, numbers: bool = False) -> str:
    """HTML of maps in a row, each with its title and what it shows in a sentence; all share no scale.

    numbers: the counts stand in the cells of maps that are small enough.
    """
    return f'<div class="cs-maps">{"".join(_map(item, numbers, k) for k, item in enumerate(items))}</div>'


def _map(item: Map, numbers: bool, k: int) -> str:
    values = item.values if item.values.ndim == 2 else item.values[None]
    height, width = values.shape
    flat = item.values.ndim == 1
    cell = 14
    box = item.box if item.box is None or not flat else ((0, 0), *item.box)
    top = float(values.max())
    # Boxes may reach past the picture: room for them on all sides.
    before = [0, 0] if box is None else [max(0, -span[0]) for span in box]
    after = [0, 0] if box is None else [max(0, span[1] - n + 1) for span, n in zip(box, (height, width), strict=True)]
    rows, columns = height + before[0] + after[0], width + before[1] + after[1]
    size = f"0 0 {columns * cell} {rows * cell}"
    # One name for the pattern in each picture: ids are the page's, not the picture's.
    name = f"cs-hatch-{crc32(f'{item.title}{size}{k}'.encode())}"
    parts = []
    for i in range(height):
        for j in range(width):
            value = float(values[i, j])
            inside = box is not None and all(a <= p <= b for (a, b), p in zip(box, (i, j), strict=True))
            place = f'x="{(j + before[1]) * cell + 0.5}" y="{(i + before[0]) * cell + 0.5}" width="13" height="13"'
            if value > 0:
                parts.append(f'<rect {place} fill="{colour(value, top)}"/>')
                if numbers and columns <= READABLE:
                    ink = "#fff" if colour(value, top) in CIVIDIS[:5] else "#111"
                    x, y = (j + before[1] + 0.5) * cell, (i + before[0] + 0.5) * cell + 2.6
                    parts.append(
                        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="7" fill="{ink}">{value:g}</text>'
                    )
            elif inside:
                parts.append(f'<rect {place} fill="url(#{name})" class="cs-hole"/>')
            else:
                parts.append(f'<rect {place} class="cs-blank"/>')
    if box is not None:
        (a, b), (c, d) = box
        x, y = (c + before[1]) * cell, (a + before[0]) * cell
        parts.append(
            f'<rect class="cs-frame" x="{x + 1}" y="{y + 1}" width="{(d - c + 1) * cell - 2}" '
            f'height="{(b - a + 1) * cell - 2}"/>'
        )
        if sum(before) + sum(after):
            parts.append(
                f'<rect class="cs-edge" x="{before[1] * cell}" y="{before[0] * cell}" width="{width * cell}" '
                f'height="{height * cell}"/>'
            )
    pattern = (
        f'<defs><pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="cs-stripe" d="M0 0V5"/></pattern></defs>'
    )
    # A row of cells is as wide as it may be, and has a line of its own.
    wide = f"flex:1 1 100%;max-width:{min(2 * columns * cell, 900)}px" if flat else "max-width:300px"
    return (
        f'<figure class="cs-map" style="{wide}"><figcaption>{escape(item.title)}</figcaption>'
        f'<svg viewBox="{size}" role="img" aria-label="{escape(item.title)}: {escape(item.told)}">'
        f"{pattern}{''.join(parts)}</svg><p>{escape(item.told)}</p></figure>"
    )


def legend(numbers: bool = False) -> str:
    """What the colours of :func:`maps` mean, where they count paths, and the ``numbers`` in its cells."""
    steps = "".join(f'<i style="background:{c}"></i>' for c in CIVIDIS)
    ramp = f'<b class="cs-ramp" aria-hidden="true">{steps}</b>'
    said = "<span>Number in a cell: paths from this pixel to the unit</span>" if numbers else ""
    return (
        f'<p class="cs-legend">{said}<span>few {ramp} many paths</span>'
        '<span><b class="cs-key-hole" aria-hidden="true"></b> never read</span>'
        '<span><b class="cs-key-frame" aria-hidden="true"></b> theoretical box</span></p>'
    )
