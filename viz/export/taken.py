"""What a page has on its stage, for whoever makes files of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.share import Scene

Rows = list[list[Any]]
"""A table, its head first."""


@dataclass(frozen=True)
class Taken:
    """What can be taken along from a page; a format takes what it needs, and is not offered where that is missing.

    Attributes:
        title, question: of the page. link: to it, as it is now.
        drawing: the data of its stage, as :func:`viz.components.stage.stage` takes them. height: of the stage, in px.
        scene: the layer with its numbers, where the page has one.
        script: what Code shows, asked for when it is needed; it may raise ``ValueError`` with a sentence.
        tables: by their name. charts: Plotly's dicts by their name.
    """

    title: str = "ConvScope"
    question: str = ""
    link: str = ""
    drawing: Mapping[str, Any] | None = None
    height: int = 500
    scene: Scene | None = None
    script: Callable[[], tuple[str, str]] | None = None
    tables: Mapping[str, Rows] = field(default_factory=dict)
    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def covered(self) -> bool:
        """Whether a question waits, so that the stage does not show its answer."""
        return any(one.get("veiled") for one in self.stages)

    @property
    def stages(self) -> list[Mapping[str, Any]]:
        """The data of each stage that the drawing holds."""
        drawing = self.drawing or {}
        return drawing.get("panels") or [drawing]


# -- in a run of a page ------------------------------------------------------------------------------------------------

_drawn: ContextVar[list[tuple[Mapping[str, Any], int]] | None] = ContextVar("drawn", default=None)


def begin() -> None:
    """A page begins, whose stages are noted."""
    _drawn.set([])


def note(drawing: Mapping[str, Any], height: int) -> None:
    """A stage stands on the page."""
    if (drawn := _drawn.get()) is not None:
        drawn.append((drawing, height))


def noted() -> dict[str, tuple[Mapping[str, Any], int]]:
    """What stands on the page, by a name where there are several; two layers beside each other are also one picture."""
    drawn = _drawn.get() or []
    if len(drawn) < 2:
        return dict.fromkeys([""], drawn[0]) if drawn else {}
    named = dict(zip("ABCDEFGH", drawn, strict=False))
    plain = {name: one for name, one in named.items() if "panels" not in one[0]}
    if len(plain) != 2 or len(named) != 2:
        return named
    height = max(high for _, high in drawn)
    panels = [{**one, "id": name, "title": name, "height": height} for name, (one, _) in plain.items()]
    # Each is as wide as on the page, so that its numbers can be read.
    return {"A and B": ({"panels": panels, "columns": 1}, height), **named}
