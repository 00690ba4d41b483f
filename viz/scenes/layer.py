"""A measured layer → the arrays that the stage draws. Nothing is computed here but the order of numbers."""

from __future__ import annotations

from math import prod

import numpy as np

from models.lab import Lab, Stage, Windows
from models.layers import KINDS
from models.text import big
from viz.components.stage import enc, grid, link

NAMED = ("depthwise", "pointwise", "column", "row")
"""Layers of which two stand in a row, so that each kernel is called by its layer's name."""


def scene(lab: Lab, *, editable: bool = True, image: bool = False) -> dict:
    """The stage's data for one layer: input, kernel, output (and the map between, for two layers in a row).

    Args:
        lab: a measured layer with a picture (``lab.stages`` is not empty).
        editable: whether cells of input and kernels can be typed into.
        image: the input is a picture: draw it as one where cells are too small for numbers.
    """
    kind = KINDS[lab.spec.kind]
    grids, links, symbols = [_input_grid(lab.stages[0], editable, image)], [], []
    for number, stage in enumerate(lab.stages):
        last = number == len(lab.stages) - 1
        kernel = _kernel_grid(stage, editable)
        output = _output_grid(stage, last)
        if kernel:
            symbols += ["∗", "="]
            grids += [kernel, output]
        else:
            symbols.append(kind.symbol if last else stage.reduce)
            grids.append(output)
        links.append(_link(stage, grids[-3 if kernel else -2]["id"], kernel and kernel["id"], output["id"]))
    return {
        "grids": grids,
        "symbols": symbols,
        "links": links,
        "operator": _operator(lab),
        "selected": {"grid": "output", "channel": 0, "cell": 0},
        "legend": True,
    }


def shapes(lab: Lab) -> dict[str, tuple[int, ...]]:
    """Channels, of a kernel its planes, and cells of each grid that :func:`scene` draws, padding left out, by id."""
    return {
        one["id"]: (one["shape"][0], *(stop - start for start, stop in one["real"]))
        if one["real"]
        else tuple(one["shape"])
        for one in scene(lab)["grids"]
    }


def _input_grid(stage: Stage, editable: bool, image: bool) -> dict:
    windows = stage.windows
    return grid(
        "input", "input", "Input", drawn_values(stage).reshape(-1, *windows.shape), source=enc(windows.source),
        real=None if windows.source is None else [list(span) for span in windows.real],
        editable=editable, image=image,
    )  # fmt: skip


def drawn_values(stage: Stage) -> np.ndarray:
    """The input with its padding, (channels, cells): each drawn cell holds the value of its source."""
    flat = stage.x.reshape(stage.x.shape[0], -1)
    source = stage.windows.source
    if source is None:
        return flat
    return np.where(source.reshape(-1) >= 0, flat[:, source.reshape(-1)], stage.pad_value)


def _kernel_grid(stage: Stage, editable: bool) -> dict | None:
    if stage.weight is None:
        return None
    kernel = stage.weight.shape[2:]
    planes = [""] * prod(stage.weight.shape[:2])
    for out, into, plane in stage.pairs.tolist():
        planes[plane] = f"in {into} → out {out}"
    name = f"{stage.name}.weight" if stage.name else "weight"
    title = f"{stage.name.capitalize()} kernel" if stage.name in NAMED else "Kernel"
    several = {"planes": planes, "named": "×".join(map(str, stage.weight.shape))} if len(planes) > 1 else {}
    return grid(name, "kernel", title, stage.weight.reshape(-1, *kernel), editable=editable, **several)


def _output_grid(stage: Stage, last: bool) -> dict:
    name, title = ("output", "Output") if last else ("map", "Between")
    return grid(name, name, title, stage.y)


def _link(stage: Stage, source: str, kernel: str | None, target: str) -> dict:
    return link(
        source, target, structure(stage), stage.pairs, kernel=kernel, values=enc(stage.values),
        bias=enc(stage.bias), reduce=stage.reduce, p=stage.p,
    )  # fmt: skip


def structure(stage: Stage) -> dict:
    """The windows of a layer as the browser gets them."""
    return compact(stage.windows, () if stage.weight is None else stage.weight.shape[2:])


def compact(windows: Windows, kernel: tuple[int, ...]) -> dict:
    """The windows as a sum base[position] + offset[tap] if they are one, as a product of windows along each axis of a
    kernel if they are that, else row by row."""
    positions = prod(windows.positions)
    found = summed(windows.rows, windows.cols, positions)
    if found and (windows.taps.reshape(positions, -1) == np.arange(len(windows.taps) // positions)).all():
        return found
    has_taps = not len(windows.taps) or windows.taps[0] >= 0
    if has_taps and kernel and (axes := _by_axis(windows, kernel)):
        return {"axes": axes}
    return row_by_row(windows.rows, windows.cols, windows.taps if has_taps else None, positions)


def summed(rows: np.ndarray, cols: np.ndarray, positions: int) -> dict | None:
    """Windows, sorted by position, as a sum base[position] + offset[tap]; None if they are none."""
    if not len(rows) or len(rows) % positions:
        return None
    table = cols.reshape(positions, -1)
    offset = table[0] - table[0, 0]
    whole = (rows.reshape(table.shape) == np.arange(positions)[:, None]).all()
    if whole and (table == table[:, :1] + offset).all():
        return {"base": enc(table[:, 0]), "offset": enc(offset)}
    return None


def _by_axis(windows: Windows, kernel: tuple[int, ...]) -> list[dict]:
    """The windows along each axis; nothing if they are not the product of these, taps in order."""
    if (np.diff(windows.rows * prod(kernel) + windows.taps) <= 0).any():
        return []
    shapes = windows.positions, kernel, windows.shape
    places = zip(*map(np.unravel_index, (windows.rows, windows.taps, windows.cols), shapes), strict=True)
    axes, entries = [], 1
    for size, place in zip(zip(*shapes, strict=True), places, strict=True):
        there = np.flatnonzero(np.bincount(np.ravel_multi_index(place, size)))
        rows, taps, cols = np.unravel_index(there, size)
        axes.append(row_by_row(rows, cols, taps, size[0]) | {"of": size[1:]})
        entries *= len(there)
    # Every entry lies in the product, so as many are all of it.
    return axes if entries == len(windows.rows) else []


def row_by_row(rows: np.ndarray, cols: np.ndarray, taps: np.ndarray | None, positions: int) -> dict:
    """Windows, sorted by position, one after the other."""
    return {"ptr": enc(np.searchsorted(rows, np.arange(positions + 1))), "src": enc(cols), "tap": enc(taps)}


def _operator(lab: Lab) -> dict:
    rows, cols = lab.operator.shape
    dense = rows * cols
    composite = len(lab.stages) > 1
    kind = KINDS[lab.spec.kind]
    note = f"{big(lab.operator.places)} of {big(dense)} entries\na dense layer has {big(dense)} weights"
    return {
        "link": list(range(len(lab.stages))) if composite else 0,
        "title": "Matrix" if kind.linear else "Matrix at this input",
        "note": note if kind.linear else f"not linear: its Jacobian at this input\n{note}",
        "rows": rows,
        "cols": cols,
        "entries": {
            "rows": enc(lab.operator.rows),
            "cols": enc(lab.operator.cols),
            "values": enc(lab.operator.values),
        }
        if composite
        else None,
    }
