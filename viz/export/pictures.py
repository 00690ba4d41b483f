"""What is on the stage, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from models.text import big
from viz.export.engine import ExportError, Look, Picture
from viz.export.formats import Progress
from viz.export.taken import Taken

MOST_PIXELS = 20_000_000
"""Of one picture."""

_LOOK = {field.name for field in fields(Look)}


def picture(taken: Taken, options: Mapping[str, Any]) -> Picture:
    """The stage as the options want it. Raises ExportError where there is nothing to draw, or not yet."""
    if not taken.drawing:
        raise ExportError("This page has no picture that could be taken along.")
    if taken.covered:
        raise ExportError("The picture tells the answer: answer the question first.")
    chosen = {name: value for name, value in options.items() if name in _LOOK}
    return Picture(taken.drawing, Look(**{"height": taken.height} | chosen))


def _still(taken: Taken, options: Mapping[str, Any]) -> Picture:
    """At the position that is asked for, or as the page has it."""
    drawn, position = picture(taken, options), int(options.get("position") or 0)
    if position:
        count = drawn.walk("outputs", position) if drawn.ways else 0
        if count < position:
            raise ExportError(f"The walk through the outputs has {big(count)} positions: choose one of these.")
        drawn.go(position - 1)
    return drawn


def svg(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As SVG: text is text, everything else is lines and areas."""
    return _still(taken, options).svg(taken.title).encode()


def png(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As PNG."""
    drawn = _still(taken, options)
    pixels = drawn.width * drawn.height * drawn.look.scale**2
    if pixels > MOST_PIXELS:
        raise ExportError(f"This picture would have {big(pixels)} pixels: choose fewer, or a smaller width.")
    return drawn.png(taken.title)
