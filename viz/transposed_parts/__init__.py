"""The parts of the lesson on transposed convolutions, one module each; only the one that is shown is run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from models.share import Scene

PARTS = {
    "views": "Four views",
    "matrix": "Matrix",
    "sizes": "Output size",
    "checkerboard": "Checkerboard",
    "compare": "Compared",
    "learn": "Watch it learn",
}

PARAMETERS = (
    "part",
    *("entries", "colour", "flat", "trip_image_c", "trip_image_d", "trip_small_c", "trip_small_d"),
    *("cb_dims", "cb_size", "cb_kernel", "cb_stride", "cb_dilation", "cb_kernel_h", "cb_stride_h", "cb_uneven"),
    *("cb_layers", "cb_seed", "cb_view"),
    *("picture", "scale", "look", "ac_size", "ac_scale", "shuffle"),
    *("task", "wl_scale", "wl_kernel", "wl_steps", "wl_lr", "wl_optimizer", "wl_seed"),
)
"""URL parameters of the parts, besides the layer's."""


def part_of(name: str) -> Callable[[Scene], None]:
    """What draws one part."""
    return import_module(f"viz.transposed_parts.{name}").draw


def script_of(name: str, scene: Scene) -> tuple[str, str]:
    """What the script of one part does, in a sentence, and the script. Raises ``ValueError`` where there is none."""
    told, write = import_module("viz.transposed_parts.code").CODE[name]
    return told, write(scene)
