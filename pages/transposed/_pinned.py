"""The cell of the four views that is pinned: by a click, or by the link."""

from __future__ import annotations

from math import prod

import numpy as np

from models.spec import LayerSpec
from models.text import quoted
from viz import state
from viz.state import Setting

NAME = "cell"
"""``output.0.1.2``: the grid, the channel (of the weights: the plane), and where in it."""


def _shapes(spec: LayerSpec) -> dict[str, tuple[int, ...]]:
    return {
        "input": (spec.in_channels, *spec.input_size),
        "output": (spec.out_channels, *spec.output_size),
        "weight": (spec.in_channels * spec.out_channels // spec.groups, *spec.kernel_size),
    }


def _fits(cell: str, spec: LayerSpec) -> bool:
    """Whether the layer has such a cell."""
    grid, *numbers = cell.split(".")
    shape = _shapes(spec).get(grid)
    return (
        shape is not None
        and len(numbers) == len(shape)
        and all(each.isascii() and each.isdigit() and len(each) < 10 for each in numbers)
        and all(int(each) < count for each, count in zip(numbers, shape, strict=True))
    )


def setting(spec: LayerSpec) -> Setting:
    """The pinned cell, or nothing. One that the layer no longer has stays in the session and out of the link."""

    def read(text: str) -> str:
        if not _fits(text, spec):
            raise ValueError(
                f"{quoted(text)} is no cell of this layer: it is left out; write grid, channel and place, such as "
                "output.0.1.2."
            )
        return text

    return Setting(NAME, "", read=read, tells=lambda cell: _fits(cell, spec))


def selected(spec: LayerSpec) -> dict | None:
    """What the stage begins with. It stays the same while cells of one layer are pinned, or it would be drawn anew."""
    drawn = state.recall("ct_drawn")
    if state.link_counts() or drawn is None or drawn[0] != spec:
        drawn = spec, setting(spec).value
        state.remember("ct_drawn", drawn)
    cell = drawn[1]
    if not _fits(cell, spec):
        return None
    grid, channel, *place = cell.split(".")
    index = int(np.ravel_multi_index(tuple(map(int, place)), _shapes(spec)[grid][1:]))
    return {"grid": grid, "channel": int(channel), "cell": index, "pinned": True}


def keep(spec: LayerSpec, pin: dict | None) -> None:
    """Callback of the stage: this cell was pinned, or let go."""
    grid, index = (pin or {}).get("grid"), (pin or {}).get("index")
    shape = _shapes(spec).get(grid) if isinstance(grid, str) else None
    inside = shape is not None and isinstance(index, int) and 0 <= index < prod(shape)
    setting(spec).give(".".join([grid, *(str(each) for each in np.unravel_index(index, shape))]) if inside else "")
