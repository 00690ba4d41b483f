"""The layers of a network in a row, each as tall as its map is wide, and in a list; choose one in either.

Nothing is sent until one is chosen. The browser counts the choices: what the server answers to one that is not the last
changes nothing there, so quick choices need not wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from viz.components._component import component

_component = component(__file__)


class Choice(NamedTuple):
    """A layer that was chosen on a strip.

    of: what the strip showed then. number: larger than that of the choice before; 0: none was made.
    """

    name: str
    of: str
    number: int


def strip(layers: Sequence[tuple[str, str, Sequence[int]]], chosen: str, *, of: str, number: int, key: str) -> None:
    """Mount it. :func:`chosen_on` tells what is chosen on it.

    Args:
        layers: name, kind (``conv``, ``norm``, ``act``, ``pool`` or ``other``) and shape ``(C, H, W)``, in order.
        chosen: the layer that is shown.
        of: whose layers these are.
        number: of the choice that this run knows.
    """
    data = {"layers": [[name, kind, list(shape)] for name, kind, shape in layers], "chosen": chosen}
    _component(key=key, data=data | {"of": of, "number": number}, on_layer_change=lambda: None)


def chosen_on(key: str) -> Choice:
    """What was chosen last on the strip with this key."""
    found = (st.session_state.get(key) or {}).get("layer")
    return Choice(found["name"], found["of"], found["number"]) if found else Choice("", "", 0)
