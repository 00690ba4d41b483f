"""A picture, what a kernel makes of it, and what one number of it is made of; and dials that are heard while they turn.

Streamlit's own slider tells the server its value when it is let go. The dials here tell it as they turn, one message at
a time, so that the maps follow. Pointing at a map sends nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np

from viz.components._component import component
from viz.components.dials import TURNING

_component = component(__file__, TURNING, "tint.css", "weights/cells.css", "response/response.css")


def pixels(values: np.ndarray) -> str:
    """uint8 pixels ``(C, H, W)`` for the browser."""
    return base64.b64encode(np.ascontiguousarray(values, np.uint8).tobytes()).decode("ascii")


def plane(values: np.ndarray, exact: bool = True) -> dict:
    """Numbers ``(C, H, W)`` for the browser: float32, or 16 bits where they are only coloured."""
    if exact:
        return {"b": base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode("ascii")}
    unit = float(np.abs(values).max()) / 32767 or 1.0
    whole = np.rint(values / unit).astype("<i2")
    return {"b": base64.b64encode(whole.tobytes()).decode("ascii"), "unit": unit}


def response(data: dict, *, key: str, on_dial: Callable[[], None], on_cell: Callable[[], None]) -> None:
    """Mount it. ``data`` is JSON:

    - ``size``: height and width; ``planes``: names of the colours, one or three; ``input``: :func:`pixels`.
    - ``rows``, ``columns``: for each row and column of the padded picture the one whose pixels it holds, −1 for zeros.
    - ``maps``: from :func:`plane`; ``kernels``: ``{"title", "short", "values": rows, "map"}``, as they lie on the
      picture, with the map that they make. The first may be ``editable``.
    - ``panels``: ``{"id", "title", "role": input|output, "kind": picture|signed|rectified|count|angle, "map", "top",
      "note"}``; ``map`` absent: the input; ``top``: where the scale ends; ``by``: for angles, the map of magnitudes;
      ``relu``: its numbers are read without their negative part.
    - ``kind``: ``response``, ``gradient`` or ``opencv``: what stands under the sum.
    - ``dials``: ``{"name", "label", "min", "max", "step", "value", "unit"}``; ``histogram``; ``facts``: sentences on
      the kernel; ``checks``: ``[sentence, whether it holds]``; ``answer``: what the maps answer to, for tests;
      ``heard``: a number that is another one after each dial that arrived.

    ``viz.state.heard`` tells ``on_dial`` the ``dial`` that was turned, ``{"name", "value"}``, and ``on_cell`` the
    ``cell`` that was typed into, ``{"row", "column", "value"}``.
    """
    _component(key=key, data=data, on_dial_change=on_dial, on_cell_change=on_cell)
