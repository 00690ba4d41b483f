"""A layer's formulas with its numbers, its matrix and the sum of one output cell, as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from models import lab as bench
from models.errors import ExportError
from models.lab import Lab
from models.layers import KINDS
from models.share import Scene
from models.spec import AXES, AXIS_NAMES
from models.text import big, times
from viz.export.formats import Progress
from viz.export.licence import MADE
from viz.export.taken import Taken
from viz.export.words import Cell, cell_of, described, digits, layer_of, refuse_while_asked

LARGEST, CHARACTERS = 32, 86
"""Rows and columns of a matrix that a page has room for, and characters of one of its rows."""

COLUMNS = 10
"""Columns of a matrix that ``amsmath`` takes unless told otherwise, and that fit in usual type."""

LEFT = {"output_size": "O", "receptive_field": "R"}
"""What stands on the left of a number's formula, where it is not what the number is called."""

A_LINE, MOST_TERMS = 6, 60
"""Terms of a sum in one line (of long numbers fewer), and in all."""


def latex(scene: Scene, channel: int = 0, position: int = 0, link: str = "", title: str = "") -> str:
    """A piece of a document that loads ``amsmath``.

    Args:
        channel, position: the cell of the output whose sum is written, the position row-major.
        link: leads back to the page. title: stands above.
    """
    return "\n\n".join([_head(link, title), *_layer(scene, channel, position)]) + "\n"


def _head(link: str, title: str) -> str:
    head = [MADE, r"Needs \usepackage{amsmath}.", link]
    said = "\n".join(f"% {line}" for line in head if line)
    return f"{said}\n\n\\subsection*{{{title.translate(_LITERAL)}}}" if title else said


_LITERAL = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
"""How letters are written that LaTeX reads as more than letters."""


def _layer(scene: Scene, channel: int, position: int) -> list[str]:
    lab = bench.of(scene)
    parts = [_text(described(scene.spec)), *map(_number, lab.checks)]
    if not lab.stages:
        return [*parts, _text(lab.why_not)]
    named = "One cell of the output, measured" if len(lab.stages) == 1 else "One cell of the output, from the last map"
    return [*parts, _titled(named, _display(_lines(cell_of(lab, channel, position)))), _matrix(lab)]


def take(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """The page's layer as LaTeX, or both that it compares; ``options``: the cell's ``channel`` and, row-major,
    ``cell``."""
    at = options["channel"], options["cell"]
    if not taken.pair:
        return latex(layer_of(taken), *at, taken.link, taken.heading).encode()
    refuse_while_asked(taken)
    parts = [_head(taken.link, taken.heading)]
    for name, scene in taken.pair.items():
        try:
            parts += [rf"\paragraph{{{name}}}", *_layer(scene, *at)]
        except ExportError as error:
            raise ExportError(f"{name}: {error}") from None
    return ("\n\n".join(parts) + "\n").encode()


def number(value: float) -> tuple[str, bool]:
    """A number as LaTeX, with at most four significant digits, and whether that is exact."""
    shown, same = digits(value)
    shown = shown.replace("∞", r"\infty").replace("−", "-")
    return re.sub(r"e([+-])0*(\d+)", lambda m: rf" \cdot 10^{{{m[1].strip('+')}{m[2]}}}", shown), same


def _text(text: str) -> str:
    """A sentence, as LaTeX reads it."""
    text = text.replace("\u202f", r"\,").replace("×", r"$\times$").replace("−", "$-$").replace("_", r"\_")
    return rf"\noindent {text}"


def _titled(title: str, body: str) -> str:
    return f"{_text(title)}:\n{body}"


def _display(lines: Sequence[str]) -> str:
    inside = " \\\\\n".join(f"  {line}" for line in lines)
    return f"\\begin{{align*}}\n{inside}\n\\end{{align*}}"


def _number(check: bench.Check) -> str:
    lines = [check.formula.symbols, *check.formula.filled.split(r" \\ ")]
    value = check.formula.value if check.measured is None else check.measured
    said = times(value) if isinstance(value, tuple) else big(value)
    how = "formula alone" if check.measured is None else f"measured {said}"
    unit = " bytes" if check.name == "activations" else ""
    if lines[0].isdigit():  # there is nothing to work out
        return _text(f"{check.title}, {how}{unit}: {check.formula.text}.")
    left, (symbols, *filled) = LEFT.get(check.name, rf"\text{{{check.title}}}"), lines
    # A line for axes that agree, or one for all of them.
    axes = check.formula.axes if len(filled) > 1 else ()
    which = [", ".join(AXIS_NAMES[AXES[len(value)][axis]] for axis in alike) for alike in axes]
    names = [left, *([rf"{left}_{{\text{{{each}}}}}" for each in which] or [left] * len(filled))]
    said = [symbols.removeprefix(f"{left} = "), *filled]
    # Where a case is told in words, nothing is worked out.
    made = [
        f"& {line}" if r"\Rightarrow" in line else f"{name} &= {line}" for name, line in zip(names, said, strict=True)
    ]
    return _titled(f"{check.title}, {how}{unit}", _display([line.replace("\u202f", r"\,") for line in made]))


def _matrix(lab: Lab) -> str:
    assert lab.operator is not None
    high, wide = lab.operator.shape
    too_large = f"The matrix has {high} rows and {wide} columns, too many for a page: take it along as CSV."
    if max(high, wide) > LARGEST:
        return _text(too_large)
    rows = [[number(value) for value in values] for values in lab.operator.matrix.tolist()]
    columns = [max(len(text) for text, _ in column) for column in zip(*rows, strict=True)]
    if sum(columns) + wide > CHARACTERS:
        return _text(too_large)
    inside = " \\\\\n".join(f"  {' & '.join(text for text, _ in row)}" for row in rows)
    body = f"\\[\n\\begin{{bmatrix}}\n{inside}\n\\end{{bmatrix}}\n\\]"
    if wide > COLUMNS:
        smaller = f"\\setcounter{{MaxMatrixCols}}{{{wide}}}\\scriptsize\\setlength{{\\arraycolsep}}{{2pt}}"
        body = f"{{{smaller}\n{body}}}"
    named = "The matrix" if KINDS[lab.spec.kind].linear else "The matrix at this input, for the layer is not linear"
    rounded = not all(same for row in rows for _, same in row)
    return _titled(f"{named}{', rounded' if rounded else ''}", body)


def _lines(cell: Cell) -> list[str]:
    """One cell's sum, a few terms in each line."""
    exact = [number(cell.value)[1]]

    def write(value: float, inside: bool = True) -> str:
        text, same = number(value)
        exact.append(same)
        return f"({text})" if inside and text.startswith("-") else text

    shown = cell.terms[:MOST_TERMS]
    if cell.reduce == "sum":
        terms, glue = [rf"{write(x)} \cdot {write(w)}" for w, x in shown], " + "
    elif cell.reduce == "max":
        terms, glue = [write(x, inside=False) for _, x in shown], ", "
    else:
        power = f"^{{{cell.p:g}}}" if cell.reduce == "lp" else ""
        terms, glue = [write(x) + power for _, x in shown], " + "
    if len(cell.terms) > len(shown):
        terms.append(r"\cdots")
    begin, end = _around(cell)
    if cell.bias is not None:
        end += rf" {'-' if cell.bias < 0 else '+'} {write(abs(cell.bias))}"
    step = A_LINE if max(map(len, terms), default=0) < 15 else A_LINE - 2
    pieces = [glue.join(terms[i : i + step]) for i in range(0, len(terms), step)] or ["0"]
    pieces = [f"{piece}{glue.rstrip()}" for piece in pieces[:-1]] + [f"{pieces[-1]}{end}"]
    sign = "=" if all(exact) else r"\approx"
    place = ",".join(map(str, (cell.channel, *cell.place)))
    pieces[0] = f"& y_{{{place}}} = {number(cell.value)[0]} {sign} {begin}{pieces[0]}"
    return [pieces[0], *(rf"& \quad {piece}" for piece in pieces[1:])]


def _around(cell: Cell) -> tuple[str, str]:
    """What stands before and behind the terms: over several lines no bracket may grow."""
    if cell.reduce == "max":
        return r"\max(", ")"
    if cell.reduce == "mean":
        # Padding that counts makes more of them than there are terms.
        return "(", f") / {number(1 / cell.terms[0][0])[0]}" if cell.terms and cell.terms[0][0] else ")"
    return ("(", f")^{{1/{cell.p:g}}}") if cell.reduce == "lp" else ("", "")
