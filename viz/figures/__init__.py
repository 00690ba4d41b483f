"""Charts, maps, tables and formulas: arrays in, pictures out, each with its numbers. Charts are Plotly's, from dicts;
the rest is HTML with SVG and MathML.

`st.html` keeps neither `<svg>` nor `<math>` (its sanitiser knows HTML alone), so they are shown by a component of their
own, inside its shadow root. What is shown is written here, and every text in it is escaped.
"""

from pathlib import Path

import streamlit as st

from viz.figures.cards import numbers
from viz.figures.maps import Map, legend, maps
from viz.figures.plot import (
    LOSS,
    RUN,
    Line,
    Pass,
    Series,
    bars,
    begun,
    chart,
    lines,
    loss_curve,
    ranked,
    roofline,
    surface,
    to_come,
)
from viz.figures.table import Cell, along, table

__all__ = [
    "LOSS", "RUN", "Cell", "Line", "Map", "Pass", "Series", "along", "bars", "begun", "chart", "legend", "lines",
    "loss_curve", "maps", "numbers", "ranked", "roofline", "show", "surface", "table", "to_come",
]  # fmt: skip

_HERE = Path(__file__).parent
_JS = """
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".cs-root");
  if (root.shown === data.html) return;
  const open = [...root.querySelectorAll("details")].map((d) => d.open);
  root.innerHTML = root.shown = data.html;
  root.querySelectorAll("details").forEach((d, i) => open[i] != null && (d.open = open[i]));
}
"""

_STYLES = (_HERE.parent / "components" / "tint.css", *sorted(_HERE.glob("*.css")))

_component = st.components.v2.component(
    "convscope_figure",
    html='<div class="cs-root"></div>',
    css="\n".join(path.read_text(encoding="utf-8") for path in _STYLES),
    js=_JS,
)


def show(html: str, *, key: str) -> None:
    """Put HTML of this package on the page; folded-out parts stay open when its numbers change."""
    _component(key=key, data={"html": html})
