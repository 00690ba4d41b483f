"""The parts of the lesson on transposed convolutions, one module each; only the one that is shown is run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from models.share import Scene
from models.spec import LayerSpec
from models.text import quoted
from viz.controls.picture import NAMES, OWN
from viz.url import misread, one_of, whole

PARTS = {
    "views": "Four views",
    "matrix": "Matrix",
    "sizes": "Output size",
    "checkerboard": "Checkerboard",
    "compare": "Compared",
    "learn": "Watch it learn",
}

WITH_LAYER = ("views", "matrix", "sizes")
"""The parts about the layer that is set on the left; the others have settings of their own."""

FLAG = one_of(("true", "false"))
PICTURE = one_of([name.capitalize() for name in (*NAMES, OWN)])
_READERS = {
    "matrix": {
        "entries": one_of(("Numbers", "Structure")),
        "colour": one_of(("Tap", "Weight")),
        "flat": FLAG,
    },
    "checkerboard": {
        "cb_dims": whole(1, 2),
        "cb_size": whole(1, 16),
        **dict.fromkeys(("cb_kernel", "cb_kernel_h"), whole(1, 12)),
        **dict.fromkeys(("cb_stride", "cb_stride_h"), whole(1, 6)),
        "cb_dilation": whole(1, 4),
        "cb_uneven": FLAG,
        "cb_layers": whole(1, 3),
        "cb_seed": whole(0, 999),
        "cb_view": one_of(("Picture", "Flat")),
    },
    "compare": {
        "picture": PICTURE,
        "scale": whole(2, 4),
        "look": one_of(("Picture", "Detail", "Difference")),
        "ac_size": whole(2, 10),
        "ac_scale": whole(2, 5),
        "shuffle": whole(2, 3),
    },
    "learn": {
        "task": one_of(("Bilinear interpolation of noise", "The picture")),
        "picture": PICTURE,
        "wl_scale": whole(2, 3),
        "wl_kernel": whole(1, 9),
        "wl_steps": whole(50, 1000),
        "wl_lr": one_of(("0.1", "0.05", "0.02", "0.01", "0.001")),
        "wl_optimizer": one_of(("adam", "momentum", "sgd")),
        "wl_seed": whole(0, 999),
    },
}
"""What reads the URL parameters of each part, besides the layer's; the widgets themselves drop the rest."""
PLACES = ("trip_image_c", "trip_image_d", "trip_small_c", "trip_small_d")
"""Channel and slice of the large and the small image of the round trip: how many there are, the layer says."""
PARAMETERS = tuple(dict.fromkeys((*PLACES, *(name for readers in _READERS.values() for name in readers))))
"""URL parameters of all parts, besides the layer's."""


def readers(part: str, spec: LayerSpec) -> dict[str, Callable[[str], object]]:
    """What reads the URL parameters of one part while it shows this layer."""
    if part != "matrix":
        return _READERS.get(part, {})
    shapes = (spec.out_channels, *spec.output_size), (spec.in_channels, *spec.input_size)
    counts = [count for shape in shapes for count in (shape[0], shape[1] if spec.dims == 3 else 0)]
    words = ("channel", "slice") * 2
    return _READERS[part] | {name: _place(*each) for name, *each in zip(PLACES, counts, words, strict=True)}


def _place(count: int, word: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < count):
            has = f"{word}s 0 to {count - 1}" if count > 1 else f"one {word}, 0" if count else f"no {word}s"
            raise ValueError(f"this image has {has}; {quoted(text)} is left out.")
        return int(text)

    return read


def unread(part: str, spec: LayerSpec) -> list[str]:
    """A sentence for each parameter of the link that belongs to this part and that its widget does not take."""
    return misread(readers(part, spec))


def part_of(name: str) -> Callable[[Scene], None]:
    """What draws one part."""
    return import_module(f"pages.transposed.{name}").draw


def script_of(name: str, scene: Scene) -> tuple[str, str]:
    """What the script of one part does, in a sentence, and the script. Raises ``ValueError`` where there is none."""
    told, write = import_module("pages.transposed.code").CODE[name]
    return told, write(scene)
