"""What is on the stage, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from viz.export.engine import ExportError, Look, Picture
from viz.export.formats import Progress
from viz.export.taken import Taken

_LOOK = {field.name for field in fields(Look)}


def picture(taken: Taken, options: Mapping[str, Any]) -> Picture:
    """The stage as the options want it. Raises ExportError where there is nothing to draw, or not yet."""
    if not taken.drawing:
        raise ExportError("This page has no picture that could be taken along.")
    panels = taken.drawing.get("panels") or [taken.drawing]
    if any(one.get("veiled") for one in panels):
        raise ExportError("The picture tells the answer: answer the question first.")
    chosen = {name: value for name, value in options.items() if name in _LOOK}
    return Picture(taken.drawing, Look(**{"height": taken.height} | chosen))


def svg(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As SVG: text is text, everything else is lines and areas."""
    return picture(taken, options).svg(taken.title).encode()


def png(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As PNG."""
    return picture(taken, options).png(taken.title)
