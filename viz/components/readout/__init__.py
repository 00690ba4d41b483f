"""What the unit under the pointer sees, in words and numbers, beside a stage. Only a click is sent to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from viz.components._component import component

_component = component(__file__)


def readout(image: tuple[int, ...], maps: list[dict], *, key: str, on_pin: Callable[[], None]) -> Any:
    """Mount it; it follows the stage of the page by the selection that the stage shows.

    Args:
        image: the input's pixels along each axis.
        maps: one for each of the stage's grids, in their order: ``name``; per axis ``shape`` (units), ``before`` and
            ``after`` (cells of padding drawn around them), ``size``, ``jump``, ``start`` as text; and ``boxes``, per
            axis the first and last pixel of each unit, or None. The input, which reads nothing, has no ``boxes``.
        on_pin: called when a cell of the stage is pinned; ``st.session_state[key]["pin"]`` is then ``{"map", "cell"}``,
            the number of its map and its place among the drawn cells.
    """
    return _component(key=key, data={"image": list(image), "maps": maps}, on_pin_change=on_pin)
