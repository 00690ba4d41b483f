"""What the parts have in common: numbers of the link, and links that cannot be read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from models.text import quoted
from viz.url import misread, tell_once


def number(low: float, high: float) -> Callable[[str], float]:
    """Reads a number between two ends, both included, as ``viz.url.whole`` does a whole one."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"{quoted(text)} is not a number from {low:g} to {high:g}: it is left out.")
        return value

    return read


def tell_misread(readers: Mapping[str, Callable[[str], object]]) -> None:
    """Before the widgets are drawn: one sentence for each value of the link that none of them can take."""
    tell_once(misread(readers))
