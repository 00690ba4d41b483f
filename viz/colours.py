"""The colours of the house, each in this one place: roles, series of plots, and the scale of counts."""

import json

import numpy as np

ROLES = {"input": "#0072b2", "kernel": "#e69f00", "output": "#009e73", "selection": "#cc79a7"}
"""What a colour stands for on every page (Okabe and Ito's)."""

CHANNELS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999", "#5b46a0")
"""Okabe and Ito's colours, for channels that are told apart."""

SERIES = ("#8a6fd1", "#d55e00", "#9a8a1f", "#a86a5a", "#3894b8", "#6b7789")
"""Lines of a plot that stand for no role: at least 3 to 1 against the page in both themes."""

FAINT = "#7f8896"
"""Lines to compare with, and grids: in both themes."""

# Cividis (Nuñez, Anderton and Renslow 2018), read at seven places: the same with and without colour vision deficiency.
CIVIDIS = ((0, 34, 78), (47, 66, 109), (87, 93, 109), (125, 124, 120), (163, 152, 110), (207, 188, 87), (254, 232, 56))


def cividis(share: float) -> tuple[int, int, int]:
    """The colour of a count between 0 and 1."""
    place = min(max(share, 0.0), 1.0) * (len(CIVIDIS) - 1)
    low = min(int(place), len(CIVIDIS) - 2)
    part = place - low
    return tuple(round(a + (b - a) * part) for a, b in zip(CIVIDIS[low], CIVIDIS[low + 1], strict=True))


def javascript() -> str:
    """What the browser paints with, as a module: the roles' colours and the scale of counts."""
    return f"export const ROLES = {json.dumps(ROLES)}, CIVIDIS = {json.dumps(CIVIDIS)};\n"


def heat(shares: np.ndarray) -> np.ndarray:
    """Counts from 0 to 1, of any shape, as pixels: uint8 with an axis of three colours more."""
    return _STEPS[np.rint(np.clip(shares, 0, 1) * 255).astype(int)]


_STEPS = np.array([cividis(i / 255) for i in range(256)], np.uint8)
