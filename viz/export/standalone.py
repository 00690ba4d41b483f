"""The stage itself as one HTML file: it is hovered, walked and played without a server, and names nothing elsewhere."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from viz.colours import ROLES
from viz.components.files import FILES
from viz.export.bundle import bundle
from viz.export.engine import MADE, ExportError
from viz.export.formats import Progress
from viz.export.taken import SAME, VERSUS, Rows, Taken
from viz.export.words import text

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="description" content="{made}">
<title>{title}</title>
<style>
{colours}
body {{ margin: 0; background: var(--st-background-color); color: var(--st-text-color); font-family: var(--st-font); }}
details {{ margin: .5rem 1rem; overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2rem .8rem; border-bottom: 1px solid var(--st-border-color); text-align: left; }}
tr.differs {{ font-weight: 600; box-shadow: inset 4px 0 {differs}; }}
{css}
</style>
<main>{markup}</main>
{tables}
<script>
{code}
convscope.default({{ data: {data}, parentElement: document.querySelector("main"), setTriggerValue() {{}} }});
</script>
</html>
"""


@cache
def colours(theme: str) -> str:
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


def _folded(name: str, rows: Rows) -> str:
    """A table that is folded out by its name; the numbers of two layers stand there at once."""
    head, *lines = ([text(value) for value in row] for row in rows)
    versus = name == VERSUS
    made = f"<tr>{''.join(f'<th>{escape(one)}</th>' for one in head)}</tr>"
    for line in lines:
        marked = ' class="differs"' if versus and line[-1] != SAME else ""
        made += f"<tr{marked}>{''.join(f'<td>{escape(one)}</td>' for one in line)}</tr>"
    return f"<details{' open' if versus else ''}><summary>{escape(name)}</summary><table>{made}</table></details>"


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
    tables = taken.tables if options.get("tables", True) else {}
    styles = (FILES[f"stage/{name}.css"].decode() for name in ("stage", "panels", "readout"))
    return _PAGE.format(
        made=MADE, title=escape(taken.title), differs=ROLES["selection"],
        colours=colours(options.get("theme", "auto")), css="\n".join(styles),
        markup=FILES["stage/stage.html"].decode(), tables="\n".join(map(_folded, tables, tables.values())),
        code=bundle("components/stage/stage.js").replace("</script", "<\\/script"),
        data=json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
    ).encode()  # fmt: skip
