"""The cell of the four views that is pinned: by a click, or by the link."""

from __future__ import annotations

from math import prod

import numpy as np
import streamlit as st

from models.spec import LayerSpec
from models.text import quoted
from viz.url import came_back, into_link, went_back

PARAMETER = "cell"
"""``output.0.1.2``: the grid, the channel (of the weights: the plane), and where in it."""
_NOW, _DRAWN, _LAYER = "_ct_cell", "_ct_cell_drawn", "_ct_cell_layer"


def _shapes(spec: LayerSpec) -> dict[str, tuple[int, ...]]:
    return {
        "input": (spec.in_channels, *spec.input_size),
        "output": (spec.out_channels, *spec.output_size),
        "weight": (spec.in_channels * spec.out_channels // spec.groups, *spec.kernel_size),
    }


def _fits(cell: tuple[str, ...] | None, spec: LayerSpec) -> bool:
    """Whether the layer has such a cell."""
    shape = _shapes(spec).get(cell[0]) if cell else None
    numbers = cell[1:] if cell else ()
    return (
        shape is not None
        and len(numbers) == len(shape)
        and all(each.isascii() and each.isdigit() and len(each) < 10 for each in numbers)
        and all(int(each) < count for each, count in zip(numbers, shape, strict=True))
    )


def read(spec: LayerSpec) -> str:
    """Take the cell from the link that opened the page, and keep the link; returns a sentence if it names none."""
    state, told = st.session_state, ""
    if _NOW not in state or went_back():
        text = st.query_params.get(PARAMETER, "")
        cell = tuple(text.split("."))
        state[_NOW] = cell if _fits(cell, spec) else None
        if text and state[_NOW] is None:
            told = (
                f"{PARAMETER}: {quoted(text)} is no cell of this layer: it is left out; write grid, channel and place, "
                "such as output.0.1.2."
            )
        state[_DRAWN] = state[_NOW]
    elif came_back() or state[_LAYER] != spec:
        state[_DRAWN] = state[_NOW]
    state[_LAYER] = spec
    into_link(PARAMETER, ".".join(state[_NOW]) if _fits(state[_NOW], spec) else "")
    return told


def selected(spec: LayerSpec) -> dict | None:
    """What the stage begins with. It stays the same while cells of one layer are pinned, or it would be drawn anew."""
    cell = st.session_state.get(_DRAWN)
    if not _fits(cell, spec):
        return None
    shape = _shapes(spec)[cell[0]]
    place = int(np.ravel_multi_index(tuple(map(int, cell[2:])), shape[1:]))
    return {"grid": cell[0], "channel": int(cell[1]), "cell": place, "pinned": True}


def keep(spec: LayerSpec, pin: dict | None) -> None:
    """Callback of the stage: this cell was pinned, or let go."""
    grid, index = (pin or {}).get("grid"), (pin or {}).get("index")
    shape = _shapes(spec).get(grid) if isinstance(grid, str) else None
    inside = shape is not None and isinstance(index, int) and 0 <= index < prod(shape)
    st.session_state[_NOW] = (grid, *(str(each) for each in np.unravel_index(index, shape))) if inside else None
