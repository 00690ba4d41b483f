"""All maps of a layer on one canvas, beside the picture: point at a unit, see its value and what it sees.

Hovering and moving sends nothing to the server: it gets a unit or a pixel when one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.components._component import component
from viz.figures.png import packed

if TYPE_CHECKING:
    from models.maps.activations import ContactSheet


_component = component(__file__, "tint.css", "seen.css", "sheet/sheet.css")


@lru_cache(maxsize=8)
def _packed_once(pixels: bytes, shape: tuple[int, ...]) -> str:
    """A picture goes to the browser with every layer that looks at it."""
    return packed(np.frombuffer(pixels, np.uint8).reshape(shape))


def levels(sheet: ContactSheet) -> np.ndarray:
    """The sheet in 255 grey levels, uint8: 127 is 0, 254 and 0 are the scale and its negative. Gaps are 127."""
    return np.rint(np.nan_to_num(sheet.image) * 127 + 127).astype(np.uint8)


def sheet_data(
    sheet: ContactSheet,
    boxes: tuple[list[list[int]], list[list[int]]] | None,
    *,
    token: str,
    title: str,
    selected: tuple[int, int, int],
    rectified: bool = False,
    everything: bool = False,
    reason: str = "",
) -> dict[str, Any]:
    """What the browser needs of the maps of a layer.

    Args:
        boxes: for the map's rows and columns, first and last pixel that a unit sees; they may lie outside. `None`: not
            known, and `reason` says why.
        token: tells one set of maps from another; it comes back with what is chosen.
        selected: channel, row and column at first.
        everything: units see the whole picture besides, through a global branch.
    """
    return {
        "maps": packed(levels(sheet)),
        "channels": list(sheet.channels),
        "scales": [float(f"{s:.5g}") for s in sheet.scales],
        "columns": sheet.columns,
        "cell": list(sheet.cell),
        "gap": sheet.gap,
        "step": sheet.step,
        "size": list(sheet.map_size),
        "rows": boxes[0] if boxes else None,
        "cols": boxes[1] if boxes else None,
        "token": token,
        "title": title,
        "selected": list(selected),
        "rectified": rectified,
        "everything": everything,
        "reason": reason,
    }


def show_sheet(
    data: dict[str, Any],
    picture: np.ndarray,
    pixel: tuple[int, int] | None = None,
    *,
    key: str,
    on_unit: Callable[[], None],
    on_pixel: Callable[[], None],
) -> Any:
    """Mount it. ``viz.state.heard`` tells ``on_unit`` the ``unit`` and ``on_pixel`` the ``pixel`` that was chosen, as
    ``{"token": …, "at": [channel, row, column]}`` and ``{"token": …, "at": [row, column]}``.

    Args:
        data: from :func:`sheet_data`.
        picture: `(H, W, 3)` uint8, in the pixels in which boxes count.
        pixel: row and column of the pixel that is asked about instead of a unit.
        on_unit, on_pixel: called when one is chosen.
    """
    more = {
        "picture": _packed_once(picture.tobytes(), picture.shape),
        "image": list(picture.shape[:2]),
        "pixel": None if pixel is None else list(pixel),
    }
    return _component(key=key, data=data | more, on_unit_change=on_unit, on_pixel_change=on_pixel)
