"""The charts of a page as one HTML file, in which they stay interactive and save themselves as SVG or PNG.

Plotly draws in a browser alone, so that no server can make pictures of its charts without one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from models.errors import ExportError
from viz.export.formats import Progress
from viz.export.licence import MADE
from viz.export.standalone import colours
from viz.export.taken import Taken
from viz.export.words import refuse_while_asked

_PAGE = Path(__file__).with_suffix(".html")


@cache
def _plotly() -> str:
    """Plotly's JavaScript, which its Python package brings."""
    return (
        (files("plotly") / "package_data" / "plotly.min.js")
        .read_text(encoding="utf-8")
        .replace("</script", "<\\/script")
    )


def html(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """All charts of a page as a page of their own, which names nothing from elsewhere."""
    refuse_while_asked(taken)
    if not taken.charts:
        raise ExportError("This page has no chart that could be taken along.")
    page = Template(_PAGE.read_text(encoding="utf-8"))
    return page.substitute(
        made=MADE, title=escape(taken.title), colours=colours(options.get("theme", "auto")), plotly=_plotly(),
        charts=json.dumps(taken.charts).replace("<", "\\u003c"), link=escape(taken.link and f"From {taken.link}"),
    ).encode()  # fmt: skip
