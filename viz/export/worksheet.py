"""A worksheet: a layer on paper, its output's cells empty to fill in by hand, and the solution on a page of its own.

One self-contained HTML file that a browser prints on A4 or Letter, or saves as PDF.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape
from itertools import takewhile
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from models import lab as bench
from models.errors import ExportError
from models.lab import Lab, Stage
from models.layers import KINDS
from models.share import Scene
from models.text import plural
from viz.colours import ROLES
from viz.export.formats import Progress
from viz.export.licence import MADE
from viz.export.taken import SAME, VERSUS, Rows, Taken
from viz.export.words import cell_of, described, digits, layer_of, refuse_while_asked

WIDE, HIGH = 180, 245
"""Millimetres of A4 and of Letter between margins of 15, as far as both have them."""

CELLS = (12, 11, 10, 9, 8, 7)
"""Sides of a cell in millimetres, the largest that fits is taken; a hand needs 7."""

SMALLEST_TYPE = 1.9
"""Millimetres of the smallest digits that are printed."""

TITLE, GAP, BELOW, HEADING = 5.0, 5.0, 2.0, 7.0
"""Millimetres of a grid's title, between two grids, below a row of them, and of a heading: as in worksheet.css."""

PLACES = 2
"""Decimals that are worked with on paper."""

MOST_TERMS = 40
"""Terms of a sum that is written out as an example."""

CSS = Path(__file__).with_suffix(".css")

ASKED = {
    "sum": "Work out every cell of the output.",
    "mean": "Write the mean of each window into its cell of the output.",
    "max": "Write the largest number of each window into its cell of the output.",
    "lp": "Work out the norm of each window.",
}


@dataclass(frozen=True)
class Grid:
    """One table of cells: ``texts`` (H, W), "" in an empty one; ``padding`` marks cells that are none of the image's.

    ``name`` and ``place`` say which cells of which array they are, ``role`` gives them their colour. ``heading`` stands
    above the first of several.
    """

    title: str
    texts: np.ndarray
    name: str
    place: tuple[int, ...]
    padding: np.ndarray | None = None
    role: str = ""
    heading: str = ""

    @property
    def longest(self) -> int:
        return max(map(len, self.texts.flat))


def worksheet(scene: Scene, title: str = "", question: str = "", link: str = "") -> str:
    """The page.

    Args:
        title: stands above; what the layer is called if left out.
        question: asked below it, if any.
        link: leads back to the layer, if any.

    Numbers with many digits are rounded, and the solution is what the layer returns for the rounded ones.

    Raises:
        ExportError: for a layer that is not drawn, or does not fit on one page.
    """
    name = title or KINDS[scene.spec.kind].title
    return _page(name, _sheets(scene, name, question, link))


def worksheet_of_two(
    pair: Mapping[str, Scene], versus: Rows | None, title: str = "", question: str = "", link: str = ""
) -> str:
    """Two layers, each on a sheet, a sheet to compare their numbers on if ``versus`` holds them, and the solutions in
    the same order. As :func:`worksheet` otherwise."""
    above = f"{title}, " if title else ""
    sheets = [
        _sheets(scene, f"{above}{which}: {KINDS[scene.spec.kind].title}", question, link)
        for which, scene in pair.items()
    ]
    if versus:
        sheets.append((_compared(versus, False), _compared(versus, True)))
    asked, solved = zip(*sheets, strict=True)
    return _page(title or " and ".join(pair), (*asked, *solved))


def take(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """The page's layer as a worksheet, or both that it compares."""
    refuse_while_asked(taken)
    if taken.pair:
        versus = taken.tables.get(VERSUS)
        return worksheet_of_two(taken.pair, versus, taken.heading, taken.question, taken.link).encode()
    return worksheet(layer_of(taken), taken.heading, taken.question, link=taken.link).encode()


def _page(name: str, sheets: Iterable[str]) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}: worksheet</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="license" content="{MADE}">'
        f"<style>{CSS.read_text(encoding='utf-8')}\n"
        f"body {{ --differs: {ROLES['selection']}; }}</style></head><body>\n{chr(10).join(sheets)}\n</body></html>\n"
    )


def _sheets(scene: Scene, name: str, question: str, link: str) -> tuple[str, str]:
    """A layer to work out, and its solution."""
    if why_not := bench.too_large(scene.spec):
        raise ExportError(why_not)
    scene, rounded = to_paper(scene)
    lab = bench.of(scene)
    said, code = _said(lab, question, rounded), scene.spec.to_code()
    answers = [grid for answer in _answers(lab, solved=True) for grid in answer]
    rows, size = _fitted(_grids(lab), answers, [*said, *code.splitlines()])
    asked, solved = _drawn(rows, size), _drawn(_rows(answers, size), size)
    lines = "".join(f"<p>{escape(line)}</p>" for line in said)
    back = f"<footer>{escape(link)}</footer>" if link else ""
    begin = f'<main style="--cell: {size}mm">'
    return (
        f"{begin}<h1>{escape(name)}</h1>{_WHO}{lines}<code>{escape(code)}</code>\n{asked}</main>",
        f"{begin}<h1>Solution: {escape(name)}</h1><p>{escape(described(scene.spec))}</p>{solved}"
        f"{_example(lab)}{back}</main>",
    )


_WHO = '<div class="who"><span>Name</span><span>Date</span></div>'


def _compared(versus: Rows, solved: bool) -> str:
    """The numbers of two layers as a table: empty, or with those that differ in bold."""
    (_, *heads), *lines = versus
    made = "".join(f"<th>{escape(head)}</th>" for head in ("", *heads))
    for title, *values in lines:
        differs = ' class="differs"' if solved and values[-1] != SAME else ""
        cells = "".join(f"<td>{escape(value) if solved else ''}</td>" for value in values)
        made += f"<tr{differs}><th>{escape(title)}</th>{cells}</tr>"
    name = f"{heads[0]} and {heads[1]}"
    asked = f"<h1>{name}</h1>{_WHO}<p>Work out the numbers of both layers. Which of them differ?</p>"
    above = f"<h1>Solution: {name}</h1>" if solved else asked
    return f'<main>{above}<table class="numbers">{made}</table></main>'


def to_paper(scene: Scene) -> tuple[Scene, bool]:
    """The scene with no more decimals than are worked with on paper, and whether it had more."""
    given = {"x": bench.input_of(scene)} | bench.weights_of(scene)
    kept = {name: values.round(PLACES) + 0.0 for name, values in given.items()}
    if all(np.array_equal(given[name], kept[name]) for name in given):
        return scene, False
    if any(given[name].any() and not kept[name].any() for name in given):
        raise ExportError(f"These numbers are too small to write with {PLACES} decimals: use larger ones.")
    return replace(scene, input="own", weights="own", own_input=kept.pop("x"), own_weights=kept), True


def written(value: float) -> str:
    """A number as it stands in a cell, with two decimals at most."""
    if not isfinite(value):
        return ""
    text = f"{round(value, PLACES) + 0.0:.{PLACES}f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _said(lab: Lab, question: str, rounded: bool) -> list[str]:
    """The sentences above the grids."""
    stage = lab.stages[0]
    said = [question, described(lab.spec), KINDS[lab.spec.kind].prose]
    to_do = [ASKED[stage.reduce]]
    if len(lab.stages) > 1:
        to_do = ["Work out the map between the two layers first, then every cell of the output."]
    if rounded:
        to_do.append(f"The layer's numbers are rounded to {PLACES} decimals here.")
    if any((each.y.round(PLACES) != each.y).any() for each in lab.stages):
        to_do.append(f"Round what you find to {PLACES} decimals.")
    if stage.windows.source is not None and (stage.windows.source < 0).any():
        counts = {True: ", which counts", False: ", which does not count"}[lab.spec.count_include_pad]
        holds = {"max": "no number", "mean": f"0{counts}"}.get(stage.reduce, "0")
        to_do.append(f"Hatched cells are padding: each holds {holds}.")
    return [line for line in (*said, " ".join(to_do)) if line]


def _grids(lab: Lab) -> list[Grid]:
    """All that stands on the first page, in the order of the layer."""
    made = _headed("Input", "input", _input(lab.stages[0]))
    for stage, answer in zip(lab.stages, _answers(lab), strict=True):
        if stage.weight is not None:
            made += _headed(_of(stage, "Kernel"), "kernel", _kernel(stage))
        if stage.bias is not None:
            title = "one for each output channel" if len(stage.bias) > 1 else ""
            grid = Grid(title, _texts(stage.bias[None]), f"bias {stage.name}".strip(), ())
            made += _headed(_of(stage, "Bias"), "kernel", [grid])
        made += answer
    return made


def _answers(lab: Lab, solved: bool = False) -> list[list[Grid]]:
    """The cells that are asked for, those of each layer in the row."""
    made = []
    for stage in lab.stages:
        heading, name = ("Output", "output") if stage is lab.stages[-1] else ("Between", "between")
        made.append(_headed(heading, "answer" if solved else "empty", _slices(stage.y, name, empty=not solved)))
    return made


def _headed(heading: str, role: str, grids: list[Grid]) -> list[Grid]:
    return [replace(grid, role=role, heading="" if i else heading) for i, grid in enumerate(grids)]


def _of(stage: Stage, what: str) -> str:
    """A heading, with the layer's name where two stand in a row."""
    return f"{what} ({stage.name})" if stage.name in ("depthwise", "pointwise", "column", "row") else what


def _texts(values: np.ndarray) -> np.ndarray:
    return np.vectorize(written, otypes=[object])(values)


def _input(stage: Stage) -> list[Grid]:
    """The input with its padding around it."""
    windows = stage.windows
    if windows.source is None:
        return _slices(stage.x, "input")
    source = windows.source.reshape(windows.shape)
    flat = stage.x.reshape(len(stage.x), -1)
    drawn = np.where(source >= 0, flat[:, np.maximum(source, 0)], stage.pad_value)
    padding = np.ones(windows.shape, bool)
    padding[tuple(slice(*span) for span in windows.real)] = False
    return _slices(drawn, "input", padding=padding)


def _kernel(stage: Stage) -> list[Grid]:
    assert stage.weight is not None
    planes = stage.weight.reshape(-1, *stage.weight.shape[2:])
    name = f"kernel {stage.name}".strip()
    if planes[0].size == 1 and len(planes) > 1:
        out, into = ("down", "across") if stage.module.transposed is False else ("across", "down")
        title = f"output channels {out}, input channels {into}"
        return [Grid(title, _texts(stage.weight.reshape(stage.weight.shape[:2])), name, ())]
    titles = {plane: f"in {into} → out {out}" for out, into, plane in stage.pairs.tolist()}
    made = []
    for plane, title in sorted(titles.items()):
        several = title if len(titles) > 1 else ""
        made += _slices(planes[plane : plane + 1], name, titled=several, first=plane)
    return made


def _slices(
    values: np.ndarray,
    name: str,
    *,
    empty: bool = False,
    padding: np.ndarray | None = None,
    titled: str = "",
    first: int = 0,
) -> list[Grid]:
    """An array (C, *spatial) as grids of two axes: each channel, and each slice of a volume."""
    made = []
    for place in np.ndindex(values.shape[:-2] if values.ndim > 3 else values.shape[:1]):
        flat = np.atleast_2d(values[place])
        there = None if padding is None else np.atleast_2d(padding[place[1:]])
        several = [titled or (f"channel {place[0]}" if len(values) > 1 else "")]
        if len(place) > 1:
            several.append(f"depth {place[1]}")
        texts = np.full(flat.shape, "", object) if empty else _texts(flat)
        where = (place[0] + first, *place[1:])
        made.append(Grid(", ".join(filter(None, several)), texts, name, where, there))
    return made


def _fitted(grids: list[Grid], answers: list[Grid], said: list[str]) -> tuple[list[list[Grid]], float]:
    """The grids in rows, and the largest side of a cell with which all of it fits on a page, the answers too."""
    # Above stand the title and the name; a line of text is 5 mm high and holds some 100 characters.
    above = 8 + 15 + sum(5 * -(-len(line) // 95) + 1 for line in said)
    for side in CELLS:
        rows = _rows(grids, side)
        small = min(_type(grid, side) for grid in (*grids, *answers)) < SMALLEST_TYPE
        wide = max(_wide(grid, side) for grid in grids)
        if above + sum(_high(row, side) for row in rows) <= HIGH and wide <= WIDE and not small:
            return rows, side
    cells = sum(grid.texts.size for grid in grids)
    raise ExportError(
        f"This layer has {plural(cells, 'cell')} in {plural(len(grids), 'table')}, more than one page holds: use a "
        "smaller input, fewer channels or shorter numbers."
    )


def _wide(grid: Grid, side: float) -> float:
    # A title is not broken: it takes about 1.7 mm for each letter.
    return max(grid.texts.shape[1] * side, 1.7 * len(grid.title), 2.1 * len(grid.heading)) + 0.5


def _high(row: list[Grid], side: float) -> float:
    above = HEADING * any(grid.heading for grid in row) + TITLE * any(grid.title for grid in row)
    return above + max(grid.texts.shape[0] for grid in row) * side + BELOW + 0.5


def _type(grid: Grid, side: float) -> float:
    """Millimetres of the type in which the longest number fits: a digit is at most 0.65 as wide as it is high."""
    return min(0.42 * side, 0.92 * side / (0.65 * max(1, grid.longest)))


def _rows(grids: list[Grid], side: float) -> list[list[Grid]]:
    """Grids side by side as far as the page is wide; what stands below one heading stays together where it can."""
    rows: list[list[Grid]] = []
    used = 0.0
    for number, grid in enumerate(grids):
        wide = needed = _wide(grid, side)
        if grid.heading:
            others = takewhile(lambda one: not one.heading, grids[number + 1 :])
            needed += sum(GAP + _wide(one, side) for one in others)
        if not rows or used + GAP + needed > WIDE:
            rows.append([])
            used = -GAP
        rows[-1].append(grid)
        used += GAP + wide
    return rows


def _drawn(rows: list[list[Grid]], side: float) -> str:
    made = []
    for row in rows:
        headed, titled = any(grid.heading for grid in row), any(grid.title for grid in row)
        made.append(f'<div class="row">{"".join(_table(grid, side, headed, titled) for grid in row)}</div>')
    return "\n".join(made)


def _table(grid: Grid, side: float, headed: bool, titled: bool) -> str:
    """A grid, with room for what stands above its neighbours in the row."""
    lines = []
    for y, row in enumerate(grid.texts):
        marks = (' class="pad"' if grid.padding is not None and grid.padding[y, x] else "" for x in range(len(row)))
        lines.append("".join(f"<td{mark}>{text}</td>" for mark, text in zip(marks, row, strict=True)))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    named = f"{grid.name} {grid.title}".strip()
    known = f'aria-label="{escape(named)}" data-of="{escape(grid.name)}" data-at="{" ".join(map(str, grid.place))}"'
    look = f"width:{grid.texts.shape[1] * side}mm;font-size:{_type(grid, side):.2f}mm"
    heading = f"<h2>{escape(grid.heading)}</h2>" if grid.heading else '<div class="h2"></div>' * headed
    title = f'<div class="title">{escape(grid.title)}</div>' if titled else ""
    return (
        f'<section class="{grid.role}" style="min-width:{_wide(grid, side):.1f}mm">{heading}{title}'
        f'<table {known} style="{look}"><tbody>{body}</tbody></table></section>'
    )


def _example(lab: Lab) -> str:
    """The first cell of the output, worked out."""
    cell = cell_of(lab)
    if not 0 < len(cell.terms) <= MOST_TERMS:
        return ""
    exact = [round(cell.value, PLACES) == cell.value]

    def put(value: float, inside: bool = True) -> str:
        text, same = digits(value)
        exact.append(same)
        text = text.replace("-", "−")
        return f"({text})" if inside and value < 0 else text

    if cell.reduce == "sum":
        made = " + ".join(f"{put(x)}·{put(w)}" for w, x in cell.terms)
        if cell.bias is not None:
            made += f" {'−' if cell.bias < 0 else '+'} {put(abs(cell.bias))}"
    elif cell.reduce == "max":
        made = f"max({', '.join(put(x, inside=False) for _, x in cell.terms)})"
    elif cell.reduce == "mean":
        made = f"({' + '.join(put(x) for _, x in cell.terms)}) / {written(1 / cell.terms[0][0])}"
    else:
        power = f"<sup>{cell.p:g}</sup>"
        made = f"({' + '.join(put(x) + power for _, x in cell.terms)})<sup>1/{cell.p:g}</sup>"
    place = ", ".join(map(str, (cell.channel, *cell.place)))
    sign = "=" if all(exact) else "≈"
    return f"<h2>The first cell</h2><p>y({place}) = {made} {sign} {written(cell.value)}</p>"
