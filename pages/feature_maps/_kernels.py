"""The filters by name, and the visitor's own kernel, which the filter bank and the learning layer share."""

from __future__ import annotations

from math import isfinite

from viz.components.weights import MOST
from viz.state import Setting

TITLES = {
    "Sobel": "sobel",
    "Scharr": "scharr",
    "Prewitt": "prewitt",
    "Laplacian": "laplacian",
    "Laplacian of Gaussian": "log",
    "Gabor": "gabor",
    "Gaussian blur": "gaussian",
    "Box blur": "box",
    "Motion blur": "motion",
    "Sharpen": "sharpen",
    "Emboss": "emboss",
    "Identity": "identity",
}
OWN = "Own kernel"
LARGEST_OWN = 7
START = "0 1 0; 1 -4 1; 0 1 0"


def read_kernel(text: str) -> list[list[float]]:
    """An own kernel as the link spells it: ``0 1 0; 1 -4 1; 0 1 0``, odd sides up to 7. Raises ``ValueError``."""
    told = f"it is left out; write rows of numbers, such as {START}, with 1, 3, 5 or 7 rows and columns."
    try:
        rows = [[float(cell) for cell in row.split()] for row in text[:2000].split(";")]
    except ValueError:
        raise ValueError(f"The own kernel holds something that is no number: {told}") from None
    sides = {len(rows), *map(len, rows)}
    if len(sides) != 1 or not sides <= {1, 3, 5, LARGEST_OWN}:
        raise ValueError(f"The own kernel is not a square with an odd side: {told}")
    if not all(isfinite(cell) for row in rows for cell in row):
        raise ValueError(f"The own kernel holds a number that is not finite: {told}")
    if any(abs(cell) > MOST for row in rows for cell in row):
        raise ValueError(f"The own kernel holds a number beyond ±{MOST:g}: {told}")
    return rows


def written(rows: list[list[float]]) -> str:
    """The other way round."""
    return "; ".join(" ".join(f"{cell:.6g}" for cell in row) for row in rows)


def resized(rows: list[list[float]], side: int) -> list[list[float]]:
    """Another ring of zeros around an own kernel, or one less."""
    shift = (side - len(rows)) // 2
    at = lambda r, c: rows[r][c] if 0 <= r < len(rows) and 0 <= c < len(rows) else 0.0  # noqa: E731
    return [[at(r - shift, c - shift) for c in range(side)] for r in range(side)]


KERNEL = Setting("fm_kernel", START, read=lambda text: written(read_kernel(text)))
"""The own kernel, as the link spells it."""
