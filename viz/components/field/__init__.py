"""A picture and a map of units over it: point at a unit, see its box. Only a click is sent to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from viz.components._component import component

_component = component(__file__, "seen.css", "field/field.css")


def field(
    picture: str,
    image: tuple[int, int],
    boxes: tuple[list[list[int]], list[list[int]]],
    *,
    key: str,
    title: str,
    everything: bool = False,
    unit: tuple[int, int] | None = None,
    on_pin: Callable[[], None],
) -> Any:
    """Mount it.

    Args:
        picture: address of the picture, as a rule ``data:image/jpeg;base64,…``.
        image: its height and width in the pixels in which boxes count.
        boxes: for the map's rows and for its columns, first and last pixel that a unit sees; they may lie outside.
        title: the map's name, for its caption.
        everything: units see the whole picture besides, through a global branch.
        unit: the one that is shown at first, by row and column; the middle one if there is none.
        on_pin: called when a unit is clicked; ``viz.state.heard(key, "pin")`` is then its ``[row, column]``.
    """
    data = {"picture": picture, "image": list(image), "rows": boxes[0], "columns": boxes[1], "title": title}
    return _component(key=key, data=data | {"everything": everything, "unit": unit}, on_pin_change=on_pin)
