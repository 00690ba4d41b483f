"""What is shown, as a script: one writer for each part, read from its settings."""

from __future__ import annotations

from models import lab
from models.share import Scene
from models.transposed import forward_sizes
from models.transposed.code import layer_code
from pages.transposed import checkerboard, compare, learn


def _layer(scene: Scene) -> str:
    return layer_code(lab.of(scene))


def _sizes(scene: Scene) -> str:
    return layer_code(lab.of(scene), [[one.size for one in axis.sizes] for axis in forward_sizes(scene.spec)])


def _checkerboard(_scene: Scene) -> str:
    return checkerboard.script()


def _compared(_scene: Scene) -> str:
    return compare.script()


def _learned(_scene: Scene) -> str:
    return learn.script()


SAME = "Runs as it is: the layer, C and Cᵀ; asserts the numbers on the screen and that all four ways agree."
CODE = {
    "views": (SAME, _layer),
    "matrix": (SAME, _layer),
    "sizes": (f"{SAME[:-1]}, and that each forward size leads here.", _sizes),
    "checkerboard": (
        "Runs in a copy of this project: counts the stamps, measures every cure both ways, trains the five generators, "
        "and asserts each number on the screen. Training takes some seconds.",
        _checkerboard,
    ),
    "compare": (
        "Runs in a copy of this project: enlarges the picture in all ways, and asserts every number of the table, the "
        "difference between tent and bilinear, the shuffle and the sample positions.",
        _compared,
    ),
    "learn": (
        "Runs in a copy of this project: trains this layer as far as it is shown; asserts loss curve, kernel and "
        "unevenness.",
        _learned,
    ),
}
"""By part: what its script does, and what writes it."""
