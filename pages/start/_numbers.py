"""The pictures and kernels of the six steps, small enough to add up by hand, and what a layer makes of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from models.picture import decode, resize
from models.share import Scene
from models.spec import LayerSpec
from models.text import quoted
from viz.controls.picture import PICTURES

SIDE, WHITE = 40, 9
"""Pixels of the picture's side, and the number of a white one."""

RIGHT = np.array([[-1, 0, 1]] * 3)
"""How much brighter is it at the right than at the left?"""
BELOW = RIGHT.T
CORNER = np.array([[-4, -4, -4], [-4, 5, 5], [-4, 5, 5]])
"""A bright corner on dark; the sum is 0, so that equal pixels cancel."""

EDGE = (slice(8, 16), slice(26, 34))
"""Where hair meets wall: eight rows and columns of the picture with an upright edge."""

READ = """source = decode(Path("assets/pictures/astronaut.png").read_bytes())
colours = np.rint(resize(source, 40).astype(float) * 9 / 255)
grey = np.rint(resize(source, 40) @ np.array([0.299, 0.587, 0.114]) * 9 / 255)
"""
NEEDS = ("import numpy as np", "from pathlib import Path", "from models.picture import decode, resize")


@lru_cache(maxsize=1)
def colours() -> np.ndarray:
    """The astronaut in whole numbers from 0 to 9, `(3, 40, 40)`."""
    source = decode((PICTURES / "astronaut.png").read_bytes())
    return np.rint(resize(source, SIDE).astype(float) * WHITE / 255).transpose(2, 0, 1)


@lru_cache(maxsize=1)
def grey() -> np.ndarray:
    """The same in grey, `(40, 40)`."""
    source = decode((PICTURES / "astronaut.png").read_bytes())
    return np.rint(resize(source, SIDE) @ np.array([0.299, 0.587, 0.114]) * WHITE / 255)


def shapes() -> np.ndarray:
    """A bright rectangle and a bright diamond on dark, `(12, 12)`: one corner in it looks like :data:`CORNER`."""
    rows, columns = np.mgrid[:12, :12]
    rectangle = (rows >= 2) & (rows < 6) & (columns >= 2) & (columns < 7)
    diamond = abs(rows - 8) + abs(columns - 8) <= 3
    return np.where(rectangle | diamond, 8.0, 1.0)


def scene(x: np.ndarray, kernel: np.ndarray, **settings) -> Scene:
    """A layer of one kernel on this input `(C, H, W)`: what :func:`models.lab.of` measures. ``settings``: of the
    layer, besides its sizes."""
    spec = LayerSpec(
        input_size=x.shape[1:], in_channels=len(x), out_channels=1, kernel_size=kernel.shape[-1], bias=False, **settings
    )
    weight = np.broadcast_to(kernel, (1, len(x), *kernel.shape)).astype(float)
    return Scene(spec, "own", "own", 0, np.ascontiguousarray(x, dtype=float), {"weight": np.ascontiguousarray(weight)})


def place(side: int) -> Callable[[str], tuple[int, int] | None]:
    """Reads a pixel as the link spells it, ``12.20``: its row and column. Raises ``ValueError``."""

    def read(text: str) -> tuple[int, int]:
        row, _, column = text.partition(".")
        if not (row.isascii() and row.isdigit() and column.isascii() and column.isdigit()):
            raise ValueError(f"{quoted(text)} is not a row and a column such as 4.7: it is left out.")
        if not (len(row + column) < 7 and int(row) < side and int(column) < side):
            raise ValueError(f"{quoted(text)} lies outside the picture of {side} × {side} pixels: it is left out.")
        return int(row), int(column)

    return read


def spelled(at: tuple[int, int]) -> str:
    """The other way round."""
    return f"{at[0]}.{at[1]}"
