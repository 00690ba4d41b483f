"""A small sheet to draw on with mouse, pen or finger."""

from __future__ import annotations

import base64
import binascii

from viz import state
from viz.components._component import component

_HEAD = "data:image/png;base64,"
LARGEST = 1_000_000
"""Characters of a drawing that is taken."""

_component = component(__file__)


def pad(key: str) -> bytes | None:
    """Draw the sheet and return what is on it as the bytes of a PNG file, 256 × 256, or None while it is untouched.

    ``key`` keeps several sheets apart; the session remembers the drawing.
    """
    kept = state.recall(key)
    found = _component(key=key, data={"png": kept}, on_png_change=lambda: None)
    drawn = found.png if isinstance(found.png, str) else kept
    if not drawn or not drawn.startswith(_HEAD) or len(drawn) > LARGEST:
        return None
    state.remember(key, drawn)
    try:
        return base64.b64decode(drawn.removeprefix(_HEAD), validate=True)
    except binascii.Error:
        return None
