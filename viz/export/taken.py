"""What a page has on its stage, for whoever makes files of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from textwrap import shorten
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.share import Scene

Rows = list[list[Any]]
"""A table, its head first."""
Script = Callable[[], tuple[str, str]]
"""What a script does, and the script; it may raise ``ValueError`` with a sentence."""


@dataclass(frozen=True)
class Taken:
    """What can be taken along from a page; a format takes what it needs, and is not offered where that is missing.

    Attributes:
        title, question: of the page. link: to it, as it is now.
        heading: of a document, where it is not named by its layer.
        drawing: the data of its stage, as :func:`viz.components.stage.stage` takes them. height: of the stage, in px.
        scene: the layer with its numbers, where the page has one. pair: of two beside each other both, by their names.
        script: what Code shows, asked for when it is needed.
        asked: whether a question waits, whose answer the numbers tell.
        tables: by their name. charts: Plotly's dicts by their name.
    """

    title: str = "ConvScope"
    heading: str = ""
    question: str = ""
    link: str = ""
    drawing: Mapping[str, Any] | None = None
    height: int = 500
    scene: Scene | None = None
    pair: Mapping[str, Scene] = field(default_factory=dict)
    script: Script | None = None
    asked: bool = False
    tables: Mapping[str, Rows] = field(default_factory=dict)
    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def covered(self) -> bool:
        """Whether a question waits, so that the page does not show its answer."""
        return self.asked or any(one.get("veiled") for one in self.stages)

    @property
    def stages(self) -> list[Mapping[str, Any]]:
        """The data of each stage that the drawing holds."""
        drawing = self.drawing or {}
        return drawing.get("panels") or [drawing]

    @property
    def of_matrices(self) -> bool:
        """Whether the picture is about matrices: several stages show one layer, each with a matrix of its own."""
        together = len(self.stages) > 1 and not (self.drawing or {}).get("apart")
        return together and all(one.get("operator") for one in self.stages)


# -- in a run of a page ------------------------------------------------------------------------------------------------


@dataclass
class Noted:
    """What stands on the page so far: its stages, tables and charts as :class:`Taken` has them. A table is made when it
    is taken."""

    stages: list[tuple[Mapping[str, Any], int]] = field(default_factory=list)
    tables: dict[str, Callable[[], Rows]] = field(default_factory=dict)
    charts: dict[str, Mapping[str, Any]] = field(default_factory=dict)


_noted: ContextVar[Noted | None] = ContextVar("noted", default=None)
VERSUS, SAME = "Numbers side by side", "same"
"""What the table of the numbers of two layers is called, and what its last column says where they do not differ."""
LONGEST_NAME = 60
"""Characters of a table's or a chart's name."""


def begin() -> None:
    """A page begins, whose stages, tables and charts are noted."""
    _noted.set(Noted())


def note(drawing: Mapping[str, Any], height: int) -> None:
    """A stage stands on the page."""
    if page := _noted.get():
        page.stages.append((drawing, height))


def note_table(label: str, rows: Callable[[], Rows]) -> None:
    """A table stands on the page."""
    if page := _noted.get():
        page.tables[_named(label, page.tables)] = rows


def note_chart(alt: str, figure: Mapping[str, Any]) -> None:
    """A chart stands on the page."""
    if page := _noted.get():
        page.charts[_named(alt, page.charts)] = figure


def note_versus(rows: Callable[[], Rows]) -> None:
    """The numbers of two layers stand beside each other, a line each: what it is, that of either, and ``SAME`` or how
    they differ."""
    note_table(VERSUS, rows)


def _named(said: str, known: Mapping[str, Any]) -> str:
    """What is said of it, up to the first stop, as a name that no other has."""
    name = shorten(re.split(r"[:.;(] ?", said, maxsplit=1)[0].strip(), LONGEST_NAME, placeholder=" …") or "Numbers"
    return next(other for n in count(1) if (other := f"{name} {n}" if n > 1 else name) not in known)


def noted(scene: Scene | None, against: Scene | None, script: Script | None, **has: Any) -> dict[str, Taken]:
    """What can be taken from the page, by a name where it has several pictures; two layers beside each other are also
    one picture.

    Args:
        scene, script: of the layer that is changed, the last one drawn. against: the one that was frozen, drawn first.
        has: what else there is, whichever picture is taken.
    """
    page = _noted.get() or Noted()
    has |= {"tables": {name: rows() for name, rows in page.tables.items()}, "charts": page.charts}
    if len(page.stages) < 2:
        drawing, height = page.stages[0] if page.stages else (None, 0)
        return {"": Taken(drawing=drawing, height=height, scene=scene, script=script, **has)}
    named = dict(zip("ABCDEFGH", page.stages, strict=False))
    last = [*named][-1]
    layers = dict.fromkeys(named) | {"A": against, last: scene}
    made = {
        name: Taken(drawing=drawing, height=height, scene=layers[name], script=script if name == last else None, **has)
        for name, (drawing, height) in named.items()
    }
    if len(named) != 2 or any("panels" in drawing for drawing, _ in page.stages):
        return made
    (one, high), (other, higher) = page.stages
    height = max(high, higher)
    both = beside(one, other, height, has["tables"].get(VERSUS))
    pair = {"A": against, "B": scene} if against and scene else {}
    return {"A and B": Taken(drawing=both, height=height, pair=pair, **has), **made}


def beside(one: Mapping[str, Any], other: Mapping[str, Any], height: int, numbers: Rows | None) -> dict[str, Any]:
    """Two stages as one drawing, A and B, with the table of their numbers. Each is walked by itself, as on the page."""
    panels = [{**each, "id": name, "title": name, "height": height} for name, each in (("A", one), ("B", other))]
    # Each is as wide as on the page, so that its numbers can be read.
    return {"panels": panels, "columns": 1, "numbers": numbers, "apart": True}
