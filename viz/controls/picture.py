"""Which picture a page works on: one that ships with the app, or the visitor's own through the one guarded door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.text import big
from viz import state
from viz.state import Choice

if TYPE_CHECKING:
    from models.picture import Uploaded

PICTURES = Path(__file__).resolve().parents[2] / "assets" / "pictures"
NAMES = tuple(sorted(path.stem for path in PICTURES.glob("*.png")))
OWN = "Your own"
PICTURE = Choice("picture", "astronaut", "Picture", None, {name: name.capitalize() for name in (*NAMES, OWN)})
LEAST_SIDE, LONGEST_SIDE = 8, 256
"""Pixels of the shorter side of a picture that is worth a look, and of the longer side of one that is enough."""


@dataclass(frozen=True)
class Picture:
    """Pixels ``(H, W, 3)`` of uint8, and what the picture is called.

    ``origin``: an expression that makes them in a copy of this project; empty for a visitor's own.
    """

    pixels: np.ndarray
    name: str
    origin: str = ""


@st.cache_data(max_entries=32, show_spinner=False)
def taken(data: bytes, max_side: int) -> Uploaded:
    """The picture in a file, its longer side at most ``max_side`` pixels. Raises ``PictureError``."""
    from models.picture import read

    return read(data, max_side=max_side, min_side=LEAST_SIDE)


def given(key: str, widget: Callable, label: str, **how) -> bytes | None:
    """The file or photograph that the visitor gave, by a widget of Streamlit; it stays for the neighbouring lessons,
    whose own widget is empty."""
    found = widget(label, key=key, help="It stays in this session.", on_change=state.forget, args=(key,), **how)
    if found is not None:
        state.remember(key, found.getvalue())
    return state.recall(key)


def told(found: Uploaded, shown: tuple[int, int], *, square: bool = False, ending: str = "") -> str:
    """What a visitor reads about a picture of their own: its size, and each thing that is not shown as it was.

    Args:
        found: what was read.
        shown: ``(height, width)`` on the screen.
        square: whether only a square of it is shown.
        ending: closes the sentence on the size.
    """
    (height, width), (rows, columns) = found.size, shown
    if square and height != width:
        changed = f", cut to a square, shown at {columns} × {rows}"
    elif (rows, columns) != (height, width):
        changed = f", {'reduced' if max(shown) < max(found.size) else 'enlarged'} to {columns} × {rows}"
    else:
        changed = ""
    return " ".join((f"{big(width)} × {big(height)} pixels{changed}{ending}.", *found.notes))


def choose(setting: Choice = PICTURE, longest: int = LONGEST_SIDE, square: int = 0, **how) -> Picture:
    """Draw the choice and return the picture, its longer side at most ``longest`` pixels; ``square``: of the side that
    is shown of it, where that is a square. ``how``: for the widget.

    Of the visitor's own picture a line says what was changed to show it. A file that cannot be read is told in one
    sentence, and the default is used.
    """
    from models.picture import FORMATS, PictureError

    name, default = setting.draw(**how), setting.default
    if name == OWN:
        data = given(f"{setting.name}_file", st.file_uploader, FORMATS, max_upload_size=10)
        if data is not None:
            try:
                found = taken(data, longest)
                shown = (square, square) if square else found.pixels.shape[:2]
                st.caption(told(found, shown, square=bool(square)))
                return Picture(found.pixels, "your picture")
            except PictureError as error:
                st.error(f"{error.message} Until then you see {default.capitalize()}.")
        else:
            st.caption(f"Until yours is here, you see {default.capitalize()}.")
        name = default
    origin = f'decode(Path("assets/pictures/{name}.png").read_bytes(), max_side={longest})'
    return Picture(taken((PICTURES / f"{name}.png").read_bytes(), longest).pixels, name, origin)
