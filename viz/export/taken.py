"""What a page has on its stage, for whoever makes files of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
