"""The formats in which a stage can be taken along: one table, which the dialog and the command line read.

A new format is one entry here; what makes it is loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from viz.export.taken import Taken

Progress = Callable[[float, str], None]
"""Told how far a file is, from 0 to 1, and what is being done. It may raise to stop."""


@dataclass(frozen=True)
class Option:
    """One choice of a format.

    ``values``: name → what the visitor reads, in their order; none for a switch (``default`` is a bool) and for a whole
    number from ``low`` to ``high``.
    """

    name: str
    label: str
    default: Any
    values: Mapping[Any, str] | None = None
    help: str = ""
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: for the command line. ending: of the file. media: its media type.
        group: under which it is offered. label: what the visitor reads.
        maker: ``module:function`` in this package: ``function(taken, options, progress) -> bytes``, which raises
            ``ValueError`` with one sentence where there is none; ``options`` holds a value for each of its own.
        needs: what of :class:`Taken` it cannot do without; of ``"one or another"`` it takes what there is.
        options: what can be chosen. slow: whether it is made only when it is asked for.
    """

    name: str
    ending: str
    group: str
    label: str
    media: str
    maker: str
    needs: tuple[str, ...] = ("drawing",)
    options: tuple[Option, ...] = ()
    help: str = ""
    slow: bool = False

    def make(self, taken: Taken, options: Mapping[str, Any] | None = None, progress: Progress | None = None) -> bytes:
        """The file. Raises ``ValueError`` with one sentence where there is none."""
        module, _, function = self.maker.partition(":")
        chosen = {one.name: one.default for one in self.options_of(taken)} | dict(options or {})
        maker = getattr(import_module(f"viz.export.{module}"), function)
        return maker(taken, chosen, progress or (lambda share, doing: None))

    def options_of(self, taken: Taken) -> tuple[Option, ...]:
        """The options with what is chosen at first: a page about matrices shows them."""
        shown = {"matrix": True} if taken.of_matrices else {}
        return tuple(replace(one, default=shown.get(one.name, one.default)) for one in self.options)

    @property
    def said(self) -> str:
        """The label inside a sentence: ``the tables as CSV``, ``the GIF``."""
        first, *rest = self.label.split(" ")
        return " ".join([first.lower() if first.istitle() else first, *rest])

    def offered(self, taken: Taken) -> bool:
        """Whether the page has what it needs."""
        return all(any(getattr(taken, one) for one in need.split(" or ")) for need in self.needs)


THEME = Option("theme", "Background", "light", {"light": "Light", "dark": "Dark", "transparent": "Transparent"})
WIDTH = Option("width", "Width", 960, {480: "480 px", 640: "640 px", 960: "960 px", 1280: "1280 px", 1920: "1920 px"})
SCALE = Option("scale", "Pixels", 2, {1: "1×", 2: "2×", 3: "3×", 4: "4×"}, "So many times the width, for sharp print.")
MATRIX = Option("matrix", "Matrix", True)
EQUATION = Option("equation", "Equation", True)
LEGEND = Option("legend", "Legend", True)
NUMBERS = Option("numbers", "Numbers", True, None, "Those of both layers, the ones that differ in bold.")
TABLES = Option("tables", "Tables", True, None, "Those of the page, below the picture.")
PARTS = (MATRIX, EQUATION, LEGEND, NUMBERS)
POSITION = Option(
    "position", "Position, 0 as on the page", 0, None, "Which step of the walk through the outputs is marked.", 0, 9_999
)

WALK = Option(
    "walk",
    "Walk",
    "outputs",
    {"outputs": "Through the outputs", "stamps": "Stamp by stamp", "layers": "The field grows, layer by layer"},
)
SPEED = Option("speed", "Speed", 1.0, {0.5: "½×", 1.0: "1×", 2.0: "2×", 4.0: "4×"}, "1× is 0.9 seconds a step.")
STEPS = Option("steps", "Steps, 0 for all", 0, None, "The first so many of the walk.", 0, 600)
_MOVING = (
    WALK,
    SPEED,
    STEPS,
    replace(WIDTH, default=640),
    replace(MATRIX, default=False),
    EQUATION,
    LEGEND,
    replace(NUMBERS, default=False),
)
_SOLID = replace(THEME, values={"light": "Light", "dark": "Dark"})


def _animation(name: str, ending: str, label: str, media: str, maker: str, theme: Option = THEME) -> Format:
    return Format(name, ending, "Animation", label, media, f"animations:{maker}", options=(theme, *_MOVING), slow=True)


CELL = (
    Option("channel", "Channel", 0, None, "Of the output cell whose sum is written out.", 0, 9_999),
    Option("cell", "Cell", 0, None, "Counted row by row from 0.", 0, 999_999),
)

FORMATS = {
    one.name: one
    for one in (
        Format(
            "svg", "svg", "Picture", "SVG", "image/svg+xml", "pictures:svg", options=(THEME, WIDTH, POSITION, *PARTS)
        ),
        Format(
            "png",
            "png",
            "Picture",
            "PNG",
            "image/png",
            "pictures:png",
            options=(THEME, WIDTH, SCALE, POSITION, *PARTS),
            slow=True,
        ),
        _animation("gif", "gif", "GIF", "image/gif", "gif", _SOLID),
        _animation("webp", "webp", "WebP", "image/webp", "webp"),
        _animation("mp4", "mp4", "MP4", "video/mp4", "mp4", _SOLID),
        _animation("webm", "webm", "WebM", "video/webm", "webm", _SOLID),
        _animation("moving_svg", "svg", "SVG that moves", "image/svg+xml", "svg"),
        _animation("apng", "png", "PNG that moves", "image/png", "apng"),
        _animation("frames", "zip", "Frames as PNG", "application/zip", "pngs"),
        Format(
            "html",
            "html",
            "Page",
            "Interactive HTML",
            "text/html",
            "standalone:html",
            options=(
                replace(THEME, default="auto", values={"auto": "As the reader's", "light": "Light", "dark": "Dark"}),
                MATRIX,
                TABLES,
            ),
            help="One file with the stage itself, to open or to embed by <iframe>; it needs no server.",
        ),
        Format(
            "charts",
            "html",
            "Chart",
            "Interactive charts",
            "text/html",
            "charts:html",
            ("charts",),
            help="One file with every chart of this page; in it each has a button for SVG and one for PNG.",
            slow=True,
        ),
        Format(
            "worksheet",
            "html",
            "Document",
            "Worksheet",
            "text/html",
            "worksheet:take",
            ("scene or pair",),
            help="To print: the layer with cells to fill in by hand, then the solution on a page of its own. Of two "
            "layers each has such pages, and so have their numbers.",
        ),
        Format(
            "notebook",
            "ipynb",
            "Document",
            "Notebook",
            "application/x-ipynb+json",
            "notebook:take",
            ("scene or pair or script",),
            help="Runs without ConvScope, and asserts the numbers of this page; its text names what it needs.",
        ),
        Format(
            "latex",
            "tex",
            "Document",
            "LaTeX",
            "application/x-tex",
            "latex:take",
            ("scene or pair",),
            CELL,
            "The formulas with their numbers, the sum of one cell, and the matrix while it fits.",
        ),
        Format(
            "tables",
            "zip",
            "Numbers",
            "Tables as CSV",
            "application/zip",
            "tables:take",
            ("scene or pair or tables",),
            slow=True,
        ),
        Format("matrix", "csv", "Numbers", "Matrix as CSV", "text/csv", "tables:take_matrix", ("scene",), slow=True),
    )
}
"""By name, in the order in which they are offered."""
