"""The stage: one Streamlit component that draws linked grids of numbers and the operator between them.

It draws from arrays and knows nothing of convolutions. Hovering, keys, playing and pinning happen in the browser and
send nothing to the server; only an edit of a cell does. The data contract is the docstring of :func:`stage`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from viz import state
from viz.components._component import component
from viz.export import taken

_component = component(__file__, "stage/stage.css", "stage/panels.css", "stage/readout.css")


def enc(array: Any) -> list | dict[str, str] | None:
    """Encode an array for the stage: flat, row-major.

    Fewer than 64 finite numbers become a plain list. Everything else becomes ``{"d": dtype, "b": base64}`` with
    little-endian bytes: floats as ``f8``, or ``f4`` above 20,000 of them; integers as ``u2`` where they fit, else
    ``i4``. ``None`` stays ``None``. Raises ``ValueError`` for complex or non-numeric data and for integers beyond
    32 bits.
    """
    if array is None:
        return None
    flat = np.ascontiguousarray(array).ravel()
    if flat.size == 0:
        return []
    if flat.dtype.kind == "b":
        flat = flat.astype(np.uint8)
    if flat.dtype.kind not in "iuf":
        raise ValueError(f"The stage draws real numbers, not {flat.dtype}: convert the array first.")
    floating = flat.dtype.kind == "f"
    if flat.size < 64 and (not floating or np.isfinite(flat).all()):
        return flat.tolist()
    if floating:
        kind = "f4" if flat.size > 20_000 else "f8"
    else:
        low, high = int(flat.min()), int(flat.max())
        if low < -(2**31) or high >= 2**31:
            raise ValueError("The stage takes integers of at most 32 bits.")
        kind = "u2" if low >= 0 and high < 2**16 else "i4"
    return {"d": kind, "b": base64.b64encode(flat.astype("<" + kind).tobytes()).decode("ascii")}


def grid(name: str, role: str, title: str, values: np.ndarray, **more: Any) -> dict:
    """One of the stage's ``grids``, of values `(C, *spatial)`: all its cells are real, and nothing can be typed into
    it, unless ``more`` says otherwise."""
    base = {"id": name, "role": role, "title": title, "shape": list(values.shape), "values": enc(values)}
    return base | {"source": None, "real": None, "editable": False, "image": False, "planes": None} | more


def link(source: str, target: str, structure: dict, pairs: Any, **more: Any) -> dict:
    """One of the stage's ``links``: sums over the cells that ``structure`` names, unless ``more`` says otherwise."""
    base = {"from": source, "to": target, "kernel": None, **structure, "pairs": enc(pairs)}
    return base | {"values": None, "bias": None, "reduce": "sum", "p": 2.0} | more


def veiled(data: dict, waits: bool = True) -> dict:
    """The data of a stage or of one panel while a question about its output ``waits``: its numbers, and those of the
    operator, are not sent. Windows stay: how the kernel walks is no secret."""
    if not waits:
        return data
    grids = [one | {"values": None, "ids": None} if one["role"] == "output" else one for one in data["grids"]]
    links = [one | {"values": None} for one in data["links"]]
    # One that can be drawn without numbers of its own keeps its place.
    operator = data["operator"] and not data["operator"]["entries"] and data["operator"] | {"note": ""}
    return data | {"grids": grids, "links": links, "operator": operator or None, "veiled": True}


def unmarked(data: dict, marking: dict | None = None) -> dict:
    """The data of a stage on which a cell is looked for: no window leads to it, and a click or Enter chooses one; with
    ``marking``, as :func:`stage` takes it, several, and once more takes one back."""
    grids = [one | {"editable": False} for one in data["grids"]]
    comma, why = (",", " to mark it; once more takes it back") if marking else ("", "")
    told = f"[Click a cell, or move with the arrow keys and press Enter{comma}|Tap a cell]{why}"
    bare = {"links": [], "operator": None, "legend": False, "still": True, "caption": told, "marking": marking}
    bare |= {"waiting": True, "touched": True}
    return data | bare | {"grids": grids}


def share(data: dict) -> dict:
    """The same data, with each encoded array that occurs in several places of ``panels`` sent once.

    Such arrays become ``{"ref": n}``, the n-th of ``arrays``. Data without panels is returned as it is.
    """
    if "panels" not in data:
        return data
    seen: dict[tuple[str, str], int] = {}

    def count(node: Any) -> None:
        if isinstance(node, dict) and node.keys() == {"d", "b"}:
            key = (node["d"], node["b"])
            seen[key] = seen.get(key, 0) + 1
        elif isinstance(node, dict | list):
            for each in node.values() if isinstance(node, dict) else node:
                count(each)

    def replaced(node: Any) -> Any:
        if isinstance(node, dict):
            at = place.get((node["d"], node["b"])) if node.keys() == {"d", "b"} else None
            return {name: replaced(each) for name, each in node.items()} if at is None else {"ref": at}
        return [replaced(each) for each in node] if isinstance(node, list) else node

    count(data["panels"])
    place = {key: at for at, key in enumerate(key for key, times in seen.items() if times > 1)}
    return {**data, "panels": replaced(data["panels"]), "arrays": [{"d": d, "b": b} for d, b in place]}


def stage(
    data: dict,
    *,
    key: str,
    height: int | None = None,
    readout: dict | None = None,
    on_edit: Callable[[], None] | None = None,
    on_pin: Callable[[], None] | None = None,
    later: bool = False,
):
    """Mount the stage and return Streamlit's result; ``result.edit`` holds an edit for one run, else ``None``.

    ``data`` is JSON. Arrays are plain lists or what :func:`enc` returns.

    - ``grids``: in drawing order; each ``{"id", "role": input|kernel|output|map, "title", "shape": [C, *spatial],
      "values", "source", "real", "editable", "image", "planes"}``. ``shape`` has one to three spatial axes and counts
      drawn padding. ``source`` (one integer a spatial cell) names the real cell whose value a drawn cell holds, −1 for
      a constant zero; ``real`` is ``[[start, stop], ...]``, the real region; both ``None`` where every cell is real.
      ``named``: what the title tells in place of ``shape``. ``range``: the two values that are black and
      white, or palest and strongest, where they are not those of this grid; ``frame``: ``[top, left, height, width]``
      in cells of a part that is outlined; ``crossed``: cells that get a cross, for they were not the right ones.
    - ``symbols``: the text between neighbouring grids.
    - ``links``: ``{"from", "to", "kernel", "pairs", "values", "bias", "reduce", "p"}`` and the spatial structure,
      one of: ``base`` and ``offset`` (the source of position p and tap t is ``base[p] + offset[t]``); CSR rows ``ptr,
      src, tap``; ``axes``, such rows along each axis, and ``of``, its numbers of taps and cells, of which the structure
      is the product. ``reduce``: how the values of a window make one: ``sum``, ``max``, ``mean``, ``lp``; ``copy``: a
      window is one cell, and its value is the same; ``reads``: only which cells they are is told. ``pairs`` is flat
      ``[o, i, k] * n``: output channel, input channel, kernel plane (−1: none).
    - ``operator``: ``{"link", "title", "note", "rows", "cols", "entries"}`` or ``None``.
    - ``selected``: ``{"grid", "channel", "cell"}``, and ``pinned`` if the page says whether it is; with another ``of``
      it is selected anew; ``autoplay``; ``fills``: the grid whose numbers come as the window comes to them;
      ``caption``, where "[Hover|Tap] a cell" tells a finger its own; ``legend``; ``still``: there is nothing to walk
      through; ``compact``: the largest cell in px on a phone, so that all grids stand there together; ``veiled``: a
      question mark stands for the output, and no sum is told, as :func:`veiled` makes it; ``waiting``: a question that
      waits is about it, too; ``touched``: a cell answers that.

    ``{"panels": [...], "height"}`` instead draws several of these side by side, ``height`` px each, that share one
    selection: hovering in one marks the same cell, weight or product in all. Each panel adds ``{"id", "title", "note",
    "mark": true|false|None, "says"}``, its heading and whether its numbers were found to agree. Grids of the same
    ``id`` (or ``shares``) show the same numbers. Where their cells do not lie alike, ``values`` are in the order of the
    others, and ``ids`` says which of them a drawn cell shows: ``planes[channel] * of + cells[cell]``, a zero where
    ``cells`` is −1. A link without a kernel grid tells ``taps``, the number of taps in a plane, and may bring the
    ``weights`` of all planes. A panel with ``stamps`` offers to walk through the input instead of the output: its
    first link's target then shows what the cells so far have added.

    A kernel grid with ``colour: "cell"`` and an operator with ``colour: "tap", taps`` give each tap a colour of its
    own; an operator with ``plain`` shows no numbers, with ``part`` takes that part of the width, and with ``before``
    stands left of the grids.

    Panels go to the browser through :func:`share`.

    ``height`` is the stage's height in px on a wide screen (500). An edit arrives as ``{"grid", "channel", "cell":
    index in the real region, "value", "n"}`` in ``result.edit``; ``on_edit`` is called just before.

    While the app is presented the stage fills what the screen leaves, its matrix waits for its button, and it hears
    keys of the whole document that nobody else takes (``free`` of common.js): space, arrows, PageUp and PageDown walk,
    M is the matrix.

    ``readout``: a line below says what the selected unit sees. It has ``image``, the pixels along each axis, and
    ``maps``, one a grid, in their order: ``name``; per axis ``shape`` (units), ``before`` and ``after`` (cells of
    padding drawn around them), ``size``, ``jump``, ``start`` as text; and ``boxes``, per axis the first and last pixel
    of each unit, or None. The input, which reads nothing, has no ``boxes``.

    ``marking``: ``{"grid", "cells", "of"}``: a click or Enter marks a cell of this grid, and once more takes it back;
    all that are marked arrive as ``{"grid", "cells"}`` in ``result.pin``. ``cells`` are marked at first, and again when
    ``of`` is another.

    With ``on_pin`` a cell that was pinned arrives as ``{"grid", "channel", "cell": its place among the drawn cells}``
    in ``result.pin``. Panels, and with ``later`` a stage, send a cell that a click or Enter has pinned a moment later,
    once for a double click: ``{"grid": the name that the panels share, "index": its place in the grid without padding,
    channels first}``; ``grid`` is ``None`` when it was let go, or is padding. Moving sends
    nothing but, once, that a cell was let go.
    """
    taken.note(data, height or 500)
    payload = {**share(data), "height": height or 500} | ({"tells": "later" if later else "now"} if on_pin else {})
    if state.recall("presenting"):
        payload["presented"] = True
    if readout:
        payload["readout"] = readout
    nothing = lambda: None  # noqa: E731
    return _component(key=key, data=payload, on_edit_change=on_edit or nothing, on_pin_change=on_pin or nothing)
