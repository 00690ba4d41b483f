"""The stage itself as one HTML file: it is hovered, walked and played without a server, and names nothing elsewhere."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from viz.components.files import FILES
from viz.export.bundle import bundle
from viz.export.engine import MADE, ExportError
from viz.export.formats import Progress
from viz.export.taken import Taken

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="description" content="{made}">
<title>{title}</title>
<style>
{colours}
body {{ margin: 0; background: var(--st-background-color); color: var(--st-text-color); font-family: var(--st-font); }}
{css}
</style>
<main>{markup}</main>
<script>
{code}
convscope.default({{ data: {data}, parentElement: document.querySelector("main"), setTriggerValue() {{}} }});
</script>
</html>
"""


@cache
def _colours(theme: str) -> str:
    """The app's colours as the components read them: those of one theme, or of the reader's."""
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    names = ("backgroundColor", "secondaryBackgroundColor", "textColor", "borderColor")

    def spelled(name: str) -> str:
        return "-".join(["--st", *("".join(f" {c}" if c.isupper() else c for c in name).lower().split())])

    def rule(which: str) -> str:
        values = "".join(f" {spelled(name)}: {config['theme'][which][name]};" for name in names)
        font = '"Source Sans 3", "Source Sans Pro", Helvetica, Arial, sans-serif'
        return f":root {{ color-scheme: {which};{values} --st-font: {font}; }}"

    if theme in ("light", "dark"):
        return rule(theme)
    return f"{rule('light')}\n@media (prefers-color-scheme: dark) {{ {rule('dark')} }}"


def _still(node: Any) -> Any:
    """The same data, with nothing to type into and nothing that a page would be told."""
    if isinstance(node, list):
        return [_still(one) for one in node]
    if isinstance(node, Mapping):
        return {name: False if name == "editable" else _still(value) for name, value in node.items()}
    return node


def html(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As a page to open or to embed by ``<iframe>``."""
    if not taken.drawing:
        raise ExportError("This page has no picture that could be taken along.")
    if taken.covered:
        raise ExportError("The picture tells the answer: answer the question first.")
    data = _still(taken.drawing) | {"height": taken.height}
    if not options.get("matrix", True):
        data |= (
            {"panels": [one | {"operator": None} for one in data["panels"]]} if "panels" in data else {"operator": None}
        )
    styles = (FILES[f"stage/{name}.css"].decode() for name in ("stage", "panels", "readout"))
    return _PAGE.format(
        made=MADE, title=escape(taken.title), colours=_colours(options.get("theme", "auto")), css="\n".join(styles),
        markup=FILES["stage/stage.html"].decode(),
        code=bundle("components/stage/stage.js").replace("</script", "<\\/script"),
        data=json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
    ).encode()  # fmt: skip
