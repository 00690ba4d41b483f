"""A kernel whose weights stand in cells and can be typed over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from viz.components._component import component

_component = component(__file__, "tint.css", "weights/cells.css", "weights/weights.css")

MOST = 1000.0
"""The largest number that a cell takes, and its negative the smallest."""


def weights(kernel: np.ndarray, *, key: str, on_cell: Callable[[], None], title: str = "Kernel") -> None:
    """Mount it. ``viz.state.heard(key, "cell")`` tells ``on_cell`` what was typed: ``{"row", "column", "value"}``."""
    shown = {"title": title, "values": kernel.tolist()}
    _component(key=key, data={"kernels": [shown], "editable": True, "facts": []}, on_cell_change=on_cell)


def typed(kernel: np.ndarray, cell: dict | None) -> np.ndarray | None:
    """The kernel with what was typed into a cell of it; None where that is no cell or no number."""
    row, column, value = ((cell or {}).get(name) for name in ("row", "column", "value"))
    if row not in range(kernel.shape[0]) or column not in range(kernel.shape[1]):
        return None
    if not isinstance(value, int | float) or not abs(value) <= MOST:
        return None
    changed = kernel.copy()
    changed[row, column] = value
    return changed
