"""A picture and a map of units over it: point at a unit, see its box on the picture. Nothing is sent to the server."""

from __future__ import annotations

from typing import Any

from viz.component import component

_component = component(__file__)


def field(
    picture: str,
    image: tuple[int, int],
    boxes: tuple[list[list[int]], list[list[int]]],
    *,
    key: str,
    title: str,
    everything: bool = False,
) -> Any:
    """Mount it.

    Args:
        picture: address of the picture, as a rule ``data:image/jpeg;base64,…``.
        image: its height and width in the pixels in which boxes count.
        boxes: for the map's rows and for its columns, first and last pixel that a unit sees; they may lie outside.
        title: the map's name, for its caption.
        everything: units see the whole picture besides, through a global branch.
    """
    data = {"picture": picture, "image": list(image), "rows": boxes[0], "columns": boxes[1], "title": title}
    return _component(key=key, data=data | {"everything": everything})
