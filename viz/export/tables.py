"""A layer's numbers as tables of comma-separated values: what stands in its cells, its measured numbers, its matrix.

Numbers are written as short as they can be and still be read back as the same number.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from models import lab as bench
from models.errors import ExportError
from models.lab import Lab
from models.share import Scene
from models.spec import AXES
from models.text import big, times
from viz.export.formats import Progress
from viz.export.licence import MADE
from viz.export.taken import Taken
from viz.export.words import described, layer_of, refuse_while_asked

DENSE = 10_000
"""Numbers of a matrix that is written out row by row; of a larger one only its entries are."""

LARGEST = 500_000
"""Entries of a matrix that is written: some 10 MB."""

Rows = Iterable[Sequence[Any]]


def exact(value: Any) -> Any:
    """A number as its shortest text that reads back as the same number of its type; anything else as it is."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return "" if value is None else value
    if isinstance(value, int | np.integer) or (np.isfinite(value) and value == int(value) and abs(value) < 2**53):
        return str(int(value))
    return str(value)


def csv_text(rows: Rows) -> str:
    """Rows as comma-separated values (RFC 4180), a line each."""
    made = io.StringIO()
    csv.writer(made).writerows([exact(value) for value in row] for row in rows)
    return made.getvalue()


def cells(array: np.ndarray, axes: Sequence[str]) -> list[list[Any]]:
    """An array with one line for each row of its last axis; the first columns say where the row stands.

    Args:
        array: any number of axes.
        axes: their names.
    """
    head = [*axes[:-1], *(f"{axes[-1]}={i}" for i in range(array.shape[-1]))]
    return [head, *([*place, *array[place]] for place in np.ndindex(array.shape[:-1]))]


def numbers(lab: Lab) -> list[list[Any]]:
    """The measured numbers beside their formulas."""
    head = ["number", "measured", "formula", "agree", "formula with numbers", "how it was measured", "source"]
    text = lambda value: times(value) if isinstance(value, tuple) else value  # noqa: E731
    return [
        head,
        *(
            [c.title, text(c.measured), text(c.formula.value), c.agrees, c.formula.text, c.how, c.formula.source[1]]
            for c in lab.checks
        ),
    ]


def matrix(lab: Lab) -> list[list[Any]]:
    """The layer's matrix, output cells down and input cells across, both row-major over channels and axes. A large one
    as its entries, those of value 0 too: row, column, value.

    Raises:
        ExportError: for a matrix that was not measured or has too many entries.
    """
    if lab.operator is None:
        raise ExportError(lab.why_not)
    found = lab.operator.sparse.tocoo()
    high, wide = lab.operator.shape
    if high * wide <= DENSE:
        return found.toarray().tolist()
    if found.nnz > LARGEST:
        raise ExportError(
            f"The matrix has {big(found.nnz)} entries, more than the {big(LARGEST)} that are written: use a smaller "
            "input or fewer channels."
        )
    return [["row", "column", "value"], *zip(found.row.tolist(), found.col.tolist(), found.data.tolist(), strict=True)]


def matrix_csv(scene: Scene) -> str:
    """:func:`matrix` of a scene, as a file."""
    return csv_text(matrix(bench.of(scene)))


def of(scene: Scene) -> tuple[dict[str, list[list[Any]]], str]:
    """Every table of a layer by name, and a sentence on what is missing."""
    lab = bench.of(scene)
    made, why_not = {"numbers": numbers(lab)}, lab.why_not
    if lab.x is None or lab.y is None:
        return made, why_not
    spatial = AXES[lab.spec.dims]
    made["input"] = cells(lab.x, ("channel", *spatial))
    for name, values in lab.weights.items():
        transposed = lab.spec.kind == "transposed"
        planes = ("in channel", "out channel") if transposed else ("out channel", "in channel of its group")
        made[name] = cells(values, ("out channel",) if values.ndim == 1 else (*planes, *spatial))
    made["output"] = cells(lab.y, ("channel", *spatial))
    try:
        made["matrix"] = matrix(lab)
    except ExportError as error:
        why_not = error.message
    return made, why_not


def archive(scenes: Mapping[str, Scene], more: Mapping[str, Rows] | None = None, link: str = "") -> bytes:
    """Every table of some layers and ``more`` by name, each as a file in one ZIP, with a text that says what they are.

    Args:
        scenes: by a name that begins the files' names, which may be empty.
    """
    named, said = {}, []
    for which, scene in scenes.items():
        made, why_not = of(scene)
        named |= {f"{which} {name}".strip(): rows for name, rows in made.items()}
        said += [f"{which and f'{which}: '}{described(scene.spec)}", why_not]
        if "matrix" in made:
            said.append("The matrix: output cells down, input cells across; of a large one row, column and value.")
    named = {name.replace("/", " "): csv_text(rows) for name, rows in (named | dict(more or {})).items()}
    said += [f"Tables: {', '.join(f'{name}.csv' for name in named)}.", link and f"From {link}", MADE]
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
        file.comment = MADE.encode()
        file.writestr("README.txt", "\n".join(dict.fromkeys(line for line in said if line)) + "\n")
        for name, text in named.items():
            file.writestr(f"{name}.csv", text)
    return whole.getvalue()


def take(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """Every table of a page and of its layer, or of both that it compares."""
    refuse_while_asked(taken)
    scenes = taken.pair or ({"": taken.scene} if taken.scene else {})
    if not (scenes or taken.tables):
        raise ExportError("This page has no table that could be taken along.")
    return archive(scenes, taken.tables, taken.link)


def take_matrix(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """The matrix of the page's layer."""
    return matrix_csv(layer_of(taken)).encode()
