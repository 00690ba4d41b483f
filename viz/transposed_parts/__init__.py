"""The parts of the lesson on transposed convolutions, one module each; only the one that is shown is run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import streamlit as st

from models.share import Scene
from viz.picture_input import NAMES, OWN
from viz.url import misread, one_of, whole

PARTS = {
    "views": "Four views",
    "matrix": "Matrix",
    "sizes": "Output size",
    "checkerboard": "Checkerboard",
    "compare": "Compared",
    "learn": "Watch it learn",
}

FLAG = ("true", "false")
SLICE = whole(0, 4095)
PARAMETERS = {
    "entries": one_of(("Numbers", "Structure")),
    "colour": one_of(("Tap", "Weight")),
    "flat": one_of(FLAG),
    **dict.fromkeys(("trip_image_c", "trip_image_d", "trip_small_c", "trip_small_d"), SLICE),
    "cb_dims": whole(1, 2),
    "cb_size": whole(1, 16),
    **dict.fromkeys(("cb_kernel", "cb_kernel_h"), whole(1, 12)),
    **dict.fromkeys(("cb_stride", "cb_stride_h"), whole(1, 6)),
    "cb_dilation": whole(1, 4),
    "cb_uneven": one_of(FLAG),
    "cb_layers": whole(1, 3),
    "cb_seed": whole(0, 999),
    "cb_view": one_of(("Picture", "Flat")),
    "picture": one_of([name.capitalize() for name in (*NAMES, OWN)]),
    "scale": whole(2, 4),
    "look": one_of(("Picture", "Detail", "Difference")),
    "ac_size": whole(2, 10),
    "ac_scale": whole(2, 5),
    "shuffle": whole(2, 3),
    "task": one_of(("Bilinear interpolation of noise", "The picture")),
    "wl_scale": whole(2, 3),
    "wl_kernel": whole(1, 9),
    "wl_steps": whole(50, 1000),
    "wl_lr": one_of(("0.1", "0.05", "0.02", "0.01", "0.001")),
    "wl_optimizer": one_of(("adam", "momentum", "sgd")),
    "wl_seed": whole(0, 999),
}
"""URL parameters of the parts, besides the layer's, and what reads each; the widgets themselves drop the rest."""


def unread() -> list[str]:
    """A sentence for each parameter of the link that opened the page and that no widget takes."""
    if "_ct_parts_read" in st.session_state:
        return []
    st.session_state["_ct_parts_read"] = True
    return misread(PARAMETERS)


def part_of(name: str) -> Callable[[Scene], None]:
    """What draws one part."""
    return import_module(f"viz.transposed_parts.{name}").draw


def script_of(name: str, scene: Scene) -> tuple[str, str]:
    """What the script of one part does, in a sentence, and the script. Raises ``ValueError`` where there is none."""
    told, write = import_module("viz.transposed_parts.code").CODE[name]
    return told, write(scene)
