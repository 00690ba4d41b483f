"""The drawings of the lesson on upsampling: sizes, sample positions, a rearrangement."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from models.text import big
from models.transposed import Blocks, ForwardSizes, Waste
from models.upsampling import SamplePositions, ShuffleMap
from viz.colours import CHANNELS, ROLES
from viz.figures.cells import framed, text_of

MOST_LINES = 72
"""Rows or columns of a matrix that is drawn with its entries."""

INPUT, OUTPUT, SELECTION = (ROLES[name] for name in ("input", "output", "selection"))

AXES = {1: (), 2: ("row",), 3: ("slice", "row")}


def _drawing(title: str, said: str, parts: Sequence[str], wide: float, tall: float, widest: int) -> str:
    """SVG elements as a figure with its title; its width is that of its coordinates, and at most ``widest`` pixels."""
    return framed(
        title,
        f'<svg class="cs-drawing" role="img" aria-label="{escape(said)}" viewBox="0 0 {wide:g} {tall:g}" '
        f'width="{min(wide, widest):g}">{"".join(parts)}</svg>',
    )


def _place(index: int, shape: tuple[int, ...], dims: int) -> str:
    """A block row or column in words: which channel, slice and row of the array ``(C, *spatial)`` it stands for."""
    at = [int(n) for n in np.unravel_index(index, shape)]
    words = [f"{name} {n}" for name, n in zip(AXES[dims], at[1:], strict=True)]
    return ", ".join(([f"channel {at[0]}"] if shape[0] > 1 or not words else []) + words)


def _short(index: int, shape: tuple[int, ...], dims: int) -> str:
    """The same in as little room as there is beside a block."""
    at = [int(n) for n in np.unravel_index(index, shape)]
    return "·".join(map(str, at[1:] if shape[0] == 1 and dims > 1 else at))


def blocks(found: Blocks, weight: np.ndarray) -> str:
    """A matrix in the blocks that it repeats: equal colours are equal blocks; hovering one marks its likes.

    ``weight`` is the layer's, in torch's layout. Of a large matrix the first blocks are drawn.
    """
    out, into = found.operator.output_shape[1:], found.operator.input_shape[1:]
    dims, kernel = len(out) - 1, weight.reshape(-1, weight.shape[-1])
    ids = {block: k for k, block in enumerate(sorted(found.repeats))}
    if max(found.height, found.width) > MOST_LINES:
        return _letters(found, ids)
    where = found.where[: MOST_LINES // found.height, : MOST_LINES // found.width]
    down, across = where.shape
    rows, cols = down * found.height, across * found.width
    cell = int(min(24, max(7, 620 / cols, 0 if cols > 24 else 18)))
    left, top, gap = 16 + 7 * max(len(_short(b, out[:-1], dims)) for b in range(down)) + 16, 40, 4
    at_y = lambda y: top + y * cell + y // found.height * gap  # noqa: E731
    at_x = lambda x: left + x * cell + x // found.width * gap  # noqa: E731
    # Room for the sentence below, however narrow the matrix is.
    wide, tall = max(at_x(cols) + 2, 330), at_y(rows) + 26
    op = found.operator
    mine = (op.rows < rows) & (op.cols < cols)
    entries: dict[tuple[int, int], list[str]] = {}
    largest = float(np.abs(weight).max(initial=0)) or 1.0
    for y, x, tap, value in zip(op.rows[mine], op.cols[mine], op.taps[mine], op.values[mine], strict=True):
        place = f'x="{at_x(x) + 0.5:g}" y="{at_y(y) + 0.5:g}" width="{cell - 1}" height="{cell - 1}" rx="2"'
        at = [int(n) for n in np.unravel_index(tap, weight.shape)][2:]
        said = f"kernel cell {tuple(at) if dims > 1 else at[0]} = {text_of(value)}"
        drawn = f'<rect {place} fill-opacity="{0.3 + 0.55 * abs(value) / largest:.2f}"><title>{said}</title></rect>'
        if cell >= 16 and len(text_of(value)) * 7 <= cell + 4:
            middle = f'x="{at_x(x) + cell / 2:g}" y="{at_y(y) + cell / 2 + 4:g}"'
            drawn += f'<text {middle} text-anchor="middle" class="cs-entry">{text_of(value)}</text>'
        entries.setdefault((int(y) // found.height, int(x) // found.width), []).append(drawn)
    parts = [
        f'<text x="{left}" y="12" class="cs-names">input {_axes(into, dims)} →</text>',
        f'<text x="0" y="0" class="cs-names" transform="translate(4 {top + 2}) rotate(90)">'
        f"output {_axes(out, dims)} →</text>",
    ]
    for b in range(down):
        middle = at_y(b * found.height) + found.height * cell / 2 + 4
        parts.append(f'<text x="{left - 8}" y="{middle:g}" text-anchor="end">{_short(b, out[:-1], dims)}</text>')
    for b in range(across):
        middle = at_x(b * found.width) + found.width * cell / 2
        parts.append(f'<text x="{middle:g}" y="{top - 8}" text-anchor="middle">{_short(b, into[:-1], dims)}</text>')
    for (y, x), block in np.ndenumerate(where):
        edge = (
            f'x="{at_x(x * found.width) - 1}" y="{at_y(y * found.height) - 1}" width="{found.width * cell + 2}" '
            f'height="{found.height * cell + 2}" rx="4"'
        )
        ends = f"from input {_place(x, into[:-1], dims)} to output {_place(y, out[:-1], dims)}"
        if block < 0:
            look, said, name = 'class="cs-block"', f"No weight leads {ends}: zeros", ""
        else:
            k = ids[int(block)]
            look = f'class="cs-block k{k}" style="--k:{CHANNELS[k % len(CHANNELS)]}"'
            said, name = f"K{k} leads {ends}", f"K{k}"
        parts.append(
            f'<g {look}><rect class="cs-back" {edge}/>{"".join(entries.get((y, x), ()))}'
            f'<text class="cs-say" x="0" y="{tall - 6}">{escape(said)}</text></g>'
        )
        if name and cell < 16:
            parts.append(
                f'<text class="cs-entry" x="{at_x(x * found.width) + 3}" y="{at_y(y * found.height) + 11}">{name}'
                f"</text>"
            )
    chips, rules = [], []
    for block, k in ids.items():
        weights = " ".join(text_of(value) for value in kernel[block])
        at = [int(n) for n in np.unravel_index(block, weight.shape[:-1])]
        named = [f"kernel {name} {n}" for name, n in zip(AXES[dims], at[2:], strict=True)]
        if max(weight.shape[:2]) > 1:
            named.append(f"plane in {at[0]} → out {at[1]}")
        chips.append(
            f'<li class="cs-chip k{k}" tabindex="0" style="--k:{CHANNELS[k % len(CHANNELS)]}"><b>K{k}</b> '
            f"[{escape(weights)}]<small>{escape(', '.join(named))}{' · ' if named else ''}"
            f"{_times(found.repeats[block])}</small></li>"
        )
        rules.append(f".cs-toep:has(.k{k}:is(:hover,:focus)) :is(.cs-block,.cs-chip):not(.k{k}){{opacity:.22}}")
    whole = where.shape == found.where.shape
    title = (
        f"{found.where.shape[0]} × {found.where.shape[1]} blocks of {found.height} × {found.width}"
        f"{'' if whole else f', of which the first {down} × {across} are drawn'}"
    )
    counted = ", ".join(f"K{ids[block]} {_times(count)}" for block, count in found.repeats.items())
    return (
        f"<style>{''.join(rules)}</style>"
        f'<figure class="cs-cellfig cs-toep"><figcaption>{escape(title)}</figcaption><div class="cs-row">'
        f'<svg class="cs-drawing" role="img" aria-label="{escape(title)}: {escape(counted)}" '
        f'viewBox="0 0 {wide:g} {tall:g}" width="{wide:g}">{"".join(parts)}</svg>'
        f'<ul class="cs-chips" aria-label="Blocks: each is a row of the kernel, slid along">{"".join(chips)}</ul>'
        f"</div></figure>"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _axes(shape: tuple[int, ...], dims: int) -> str:
    names = (["channel"] if shape[0] > 1 or dims == 1 else []) + list(AXES[dims])
    return "·".join(names)


def _letters(found: Blocks, ids: dict[int, int], largest: int = 24) -> str:
    """The blocks of a matrix whose entries are too many to draw: equal colours and letters are equal numbers."""
    where = found.where[:largest, :largest]
    size = 34
    parts = []
    for (y, x), block in np.ndenumerate(where):
        place = f'x="{x * size + 1}" y="{y * size + 1}" width="{size - 2}" height="{size - 2}" rx="4"'
        if block < 0:
            parts.append(f'<rect {place} fill="currentColor" fill-opacity=".06"/>')
            continue
        k = ids[int(block)]
        parts.append(f'<rect {place} fill="{CHANNELS[k % len(CHANNELS)]}" fill-opacity=".42"/>')
        parts.append(f'<text x="{(x + 0.5) * size}" y="{(y + 0.5) * size + 5}" text-anchor="middle">K{k}</text>')
    cut = f" (the first {largest})" if max(found.where.shape) > largest else ""
    title = f"{found.where.shape[0]} × {found.where.shape[1]} blocks of {found.height} × {found.width}{cut}"
    counted = ", ".join(f"K{ids[block]} {_times(count)}" for block, count in list(found.repeats.items())[:9])
    wide, tall = where.shape[1] * size, where.shape[0] * size
    return _drawing(title, f"{title}: {counted}", parts, wide, tall, 420) + f'<p class="cs-below">{escape(counted)}</p>'


def meeting(found: ForwardSizes, axis: str) -> str:
    """Sizes that a strided convolution sends to one and the same size; framed: what output_padding selects."""
    sizes = list(found.sizes)
    step, tall = 92, 128
    wide = max(len(sizes) * step, step)
    parts = []
    middle = wide / 2
    for i, one in enumerate(sizes):
        x = i * step + step / 2
        chosen = one.size == found.chosen
        frame = f'stroke="{SELECTION}" stroke-width="4"' if chosen else ""
        parts.append(
            f'<path d="M{x} 40L{middle} 88" stroke="currentColor" stroke-width="{2.4 if chosen else 1}" '
            f'opacity="{1 if chosen else 0.5}"/>'
            f'<rect x="{x - 34}" y="8" width="68" height="32" rx="7" fill="{OUTPUT}" fill-opacity=".3" {frame}/>'
            f'<text x="{x}" y="29" text-anchor="middle" style="font-size:15px;font-weight:600">{one.size}</text>'
            f'<text x="{x + (4 if x >= middle else -4)}" y="58" text-anchor="{"start" if x >= middle else "end"}">'
            f"r = {one.output_padding}</text>"
        )
    parts.append(
        f'<rect x="{middle - 34}" y="88" width="68" height="32" rx="7" fill="{INPUT}" fill-opacity=".3"/>'
        f'<text x="{middle}" y="109" text-anchor="middle" style="font-size:15px;font-weight:600">{found.output}</text>'
    )
    listed = ", ".join(f"{one.size} becomes {one.becomes}" for one in sizes)
    title = f"{axis}: forward sizes that meet"
    return _drawing(title, f"{title}: {listed}; chosen {found.chosen}", parts, wide, tall, 620)


def waste(found: Waste) -> str:
    """Multiplications of the zero-padding way as one bar: on numbers, on zeros between them, on zeros around them."""
    total = found.total
    parts = (
        (found.useful, f'style="width:{{w:.3f}}%;background:{INPUT}"', "on numbers"),
        (found.inserted, 'class="cs-hatched" style="width:{w:.3f}%"', "on zeros between them"),
        (found.border, 'class="cs-hatched" style="width:{w:.3f}%;opacity:.3"', "on zeros around them"),
    )
    bars = "".join(f"<i {look.format(w=100 * count / total)}></i>" for count, look, _ in parts)
    keys = "".join(
        f'<li><i class="cs-swatch"><i {look.format(w=100)}></i></i>{big(count)} {name}</li>'
        for count, look, name in parts
    )
    words = ", ".join(f"{big(count)} {name}" for count, _, name in parts)
    return (
        f'<div role="img" aria-label="{escape(words)}" class="cs-bar">{bars}</div><ul class="cs-keys">{keys}</ul>'
        f'<p class="cs-agree"><b>{100 * found.share:.1f} %</b> of {big(total)} multiplications meet a zero that was '
        f"put there. Stamping needs {big(found.stamp)}.</p>"
    )


def tiles(entries: Sequence[tuple[str, str, Sequence[tuple[str, str]], bool]]) -> str:
    """Pictures in a grid whose names, pictures and numbers stand in line, two beside each other on a phone.

    Each entry: its name, its picture (HTML), (title, value) of each number, and whether it is the best.
    """
    made = []
    for name, body, numbers, best in entries:
        rows = "".join(f"<div><dt>{escape(title)}</dt><dd>{escape(value)}</dd></div>" for title, value in numbers)
        mark = ' <span class="cs-best">best</span>' if best else ""
        made.append(
            f'<li class="cs-tile"><div class="cs-tile-name">{escape(name)}{mark}</div>{body}<dl>{rows}</dl></li>'
        )
    return f'<ul class="cs-tiles">{"".join(made)}</ul>'


def positions(off: SamplePositions, on: SamplePositions, size: int) -> str:
    """Where the outputs of an interpolation sample the input axis, without and with align_corners."""
    step, left = 64, 40
    wide = left * 2 + size * step
    at = lambda x: left + (x + 0.5) * step  # noqa: E731
    parts = []
    for line, (name, found) in enumerate((("off", off), ("on", on))):
        y = 34 + line * 84
        parts.append(f'<text x="{left}" y="{y - 16}" font-weight="600">align_corners {name}</text>')
        for i in range(size):
            parts.append(
                f'<rect x="{left + i * step}" y="{y}" width="{step - 1}" height="24" fill="{INPUT}" '
                f'fill-opacity=".25"/>'
                f'<circle cx="{at(i)}" cy="{y + 12}" r="4" fill="{INPUT}"/>'
            )
        for raw, used in zip(found.unclamped, found.measured, strict=True):
            faint = abs(raw - used) > 1e-9
            if faint:
                parts.append(
                    f'<path d="M{at(raw):.1f} {y + 30}V{y + 40}" stroke="currentColor" stroke-dasharray="2 2" '
                    f'opacity=".7"/>'
                )
            parts.append(
                f'<path d="M{at(used):.1f} {y + 26}l-4 8h8z" fill="{OUTPUT}"/>'
                f'<path d="M{at(used):.1f} {y}v24" stroke="{OUTPUT}" stroke-width="1.5"/>'
            )
    said = (
        f"Sample positions. Off: {', '.join(text_of(v) for v in off.measured)}. "
        f"On: {', '.join(text_of(v) for v in on.measured)}."
    )
    title = (
        "Blue: pixels and their middles. Green: where each output samples. "
        "Dashed: where it would, beyond the outer middles."
    )
    return _drawing(title, said, parts, wide, 168, 760)


def shuffle(found: ShuffleMap, factor: int, size: tuple[int, int]) -> str:
    """Pixel shuffle by colour: a tick in the box moves every number from its channel to its place."""
    cell, gap = 30, 14
    height, width = size
    across = factor
    source_w = across * (width * cell + gap)
    target_x = source_w + 50
    parts = []
    channels, rows, columns = found.measured
    for (c, y, x), channel in np.ndenumerate(channels):
        if c:
            continue
        row, column = int(rows[c, y, x]), int(columns[c, y, x])
        channel = int(channel)
        u, v = target_x + x * cell, gap + y * cell
        sx = (channel % across) * (width * cell + gap) + column * cell
        sy = (channel // across) * (height * cell + gap) + gap + row * cell
        parts.append(
            f'<g style="--x:{sx}px;--y:{sy}px;--u:{u}px;--v:{v}px"><rect width="{cell - 2}" height="{cell - 2}" rx="4" '
            f'fill="{CHANNELS[channel % len(CHANNELS)]}" fill-opacity=".5"/>'
            f'<text x="{cell / 2 - 1}" y="{cell / 2 + 4}" text-anchor="middle">{row * width + column}</text></g>'
        )
    parts.append(
        f'<rect x="{target_x}" y="{gap}" width="{width * factor * cell}" height="{height * factor * cell}" rx="6" '
        f'fill="none" stroke="currentColor" stroke-dasharray="4 4" opacity=".5"/>'
    )
    wide = target_x + width * factor * cell + 4
    tall = factor * (height * cell + gap) + gap
    said = (
        f"{factor**2} channels of {height} by {width} numbers, one colour each, are interleaved into one image of "
        f"{height * factor} by {width * factor}"
    )
    return (
        f'<div class="cs-shuffle"><label><input type="checkbox"> Shuffle</label>'
        f'<svg class="cs-drawing" role="img" aria-label="{said}" viewBox="0 0 {wide} {tall}" width="{min(wide, 720)}">'
        f"{''.join(parts)}</svg></div>"
    )
