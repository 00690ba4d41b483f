"""The layers of a network in a row, each as tall as its map is wide; choose one. Nothing is sent until one is."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from viz.component import component

_component = component(__file__)


def strip(layers: Sequence[tuple[str, str, Sequence[int]]], chosen: str, *, key: str) -> None:
    """Mount it. :func:`chosen_on` tells what is chosen on it.

    Args:
        layers: name, kind (``conv``, ``norm``, ``act``, ``pool`` or ``other``) and shape ``(C, H, W)``, in order.
        chosen: the layer that is shown.
    """
    data = {"layers": [[name, kind, list(shape)] for name, kind, shape in layers], "chosen": chosen}
    _component(key=key, data=data, on_layer_change=lambda: None)


def chosen_on(key: str) -> tuple[str, int] | None:
    """The layer that was chosen last on the strip with this key, and a number that tells this choice from others."""
    found = (st.session_state.get(key) or {}).get("layer")
    return (found["name"], found["number"]) if found else None
