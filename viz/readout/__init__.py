"""What the unit under the pointer sees, in words and numbers, beside a stage. Nothing is sent to the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "convscope_readout",
    html=(_HERE / "readout.html").read_text(encoding="utf-8"),
    css=(_HERE / "readout.css").read_text(encoding="utf-8"),
    js=(_HERE / "readout.js").read_text(encoding="utf-8"),
)


def readout(image: tuple[int, ...], maps: list[dict], *, key: str) -> Any:
    """Mount it; it follows the stage of the page by the selection that the stage shows.

    Args:
        image: the input's pixels along each axis.
        maps: one for each of the stage's grids, in their order: ``name``; per axis ``shape`` (units), ``before`` and
            ``after`` (cells of padding drawn around them), ``size``, ``jump``, ``start`` as text; and ``boxes``, per
            axis the first and last pixel of each unit, or None. The input, which reads nothing, has no ``boxes``.
    """
    return _component(key=key, data={"image": list(image), "maps": maps})
