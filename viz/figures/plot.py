"""Plotly charts from plain dicts: lines, bars and surfaces, their axes named, and their numbers one click away.

A figure is ``{"data": [...], "layout": {...}}``. Colours of text, grid and paper are Streamlit's theme, which follows
the visitor's without a run; what stands here is readable in both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log10
from typing import Any

import numpy as np
import streamlit as st

from models.text import big
from viz import state
from viz.colours import CIVIDIS, FAINT, ROLES, SERIES
from viz.export import taken
from viz.figures.table import draw_columns

HEIGHT = 340
"""Of a chart, in CSS pixels."""
LARGE = 18
"""Its type on a projector, in CSS pixels."""
MARKERS = ("circle", "square", "triangle-up", "diamond", "cross", "circle-open")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MOST_MARKED = 60
"""Points of a line that are marked one by one."""
LARGEST = 96
"""Cells a side of a surface."""
CONFIG = {"scrollZoom": False, "modeBarButtonsToRemove": ["autoScale2d"]}


@dataclass(frozen=True)
class Series:
    """Points of one line. ``notes``: what a point is, for its tooltip. ``role``: as in ``viz.colours.ROLES``."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    notes: Sequence[str] = ()
    role: str = ""


@dataclass(frozen=True)
class Line:
    """Levels to compare with, drawn across, or upright where they are places on the x axis; named in the legend."""

    name: str
    values: Sequence[float]


def lines(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    levels: Sequence[Line] = (),
    uprights: Sequence[Line] = (),
    log_x: bool = False,
    log_y: bool = False,
    height: int = HEIGHT,
) -> dict:
    """Lines over two axes. ``x`` and ``y``: their titles, with units. On a logarithmic axis what is not above 0 has no
    place and is left out."""
    data = []
    for i, one in enumerate(series):
        colour = ROLES.get(one.role, SERIES[i % len(SERIES)])
        note = "%{text}<br>" if one.notes else ""
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(one.x) <= MOST_MARKED else "lines",
                "name": one.name,
                "x": [float(v) for v in one.x],
                "y": [float(v) for v in one.y],
                "line": {"color": colour, "dash": DASHES[i % len(DASHES)], "width": 2},
                "marker": {"color": colour, "symbol": MARKERS[i % len(MARKERS)], "size": 7},
                "hovertemplate": f"{note}{x}: %{{x}}<br>{y}: %{{y}}",
                **({"text": list(one.notes)} if one.notes else {}),
            }
        )
    marked = [("y", one) for one in levels] + [("x", one) for one in uprights]
    shapes = [shape for i, (axis, one) in enumerate(marked) for shape in _shapes(one, axis, i)]
    values = [v for one in series for v in one.y], [v for one in series for v in one.x]
    layout = _layout(height, named=len(series) + len(marked) > 1)
    layout |= {"shapes": shapes, "yaxis": _axis(y, log_y, values[0]), "xaxis": _axis(x, log_x, values[1])}
    return {"data": data, "layout": layout}


def begun(figure: dict, points: int) -> dict:
    """The same axes with so many points of each line, while a question about the others waits, and a line that says
    so."""
    spans = {}
    for name in ("x", "y"):
        axis, ends = figure["layout"][f"{name}axis"], [v for trace in figure["data"] for v in trace[name]]
        low, high = (log10(min(ends)), log10(max(ends))) if axis.get("type") == "log" else (0, max(ends))
        spans[f"{name}axis"] = axis | {"range": [low - 0.05 * (high - low), high + 0.05 * (high - low)]}
    cut = lambda trace: {name: trace[name][:points] for name in ("x", "y", "text") if name in trace}  # noqa: E731
    told = _said("Predict first:<br>the rest is covered", 0.98, 0.4) | {"align": "right", "xanchor": "right"}
    layout = figure["layout"] | spans | {"annotations": [told]}
    return {"data": [trace | cut(trace) for trace in figure["data"]], "layout": layout}


def _said(text: str, x: float, y: float) -> dict:
    """Words upon a chart, at a place from 0 to 1 along each side."""
    at = {"xref": "paper", "yref": "paper", "x": x, "y": y}
    return {"text": text, "showarrow": False, "font": {"size": 16}} | at


def bars(
    places: Sequence[float],
    values: Sequence[float],
    expected: Sequence[float] | None = None,
    *,
    x: str,
    y: str,
    notes: Sequence[str] = (),
    marked: int = 0,
    log_y: bool = False,
    height: int = HEIGHT,
) -> dict:
    """A bar for each place, and a mark where the closed form expects its end. ``notes`` stand on the bars; of so many
    ``marked`` ones the page speaks, if there are any."""
    places, rest = [float(v) for v in places], len(places) - marked
    data = [
        {
            "type": "bar",
            "name": "measured",
            "x": places,
            "y": [float(v) for v in values],
            "marker": {"color": [*[ROLES["selection"]] * marked, *[FAINT] * rest] if marked else ROLES["output"]},
            "hovertemplate": f"{x}: %{{x}}<br>{y}: %{{y}}",
            **({"text": list(notes), "textposition": "outside", "cliponaxis": False} if notes else {}),
        }
    ]
    if expected is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "closed form",
                "x": places,
                "y": [float(v) for v in expected],
                "line": {"color": SERIES[1], "width": 3, "shape": "hvh"},
                "hovertemplate": f"{x}: %{{x}}<br>{y}: %{{y}}",
            }
        )
    layout = _layout(height, named=len(data) > 1)
    layout |= {"yaxis": _axis(y, log_y, values), "xaxis": {"title": {"text": x}}}
    return {"data": data, "layout": layout}


def ranked(
    names: Sequence[str], values: Sequence[float], marked: Collection[int] = (), *, x: str, y: str, log: bool = True
) -> dict:
    """A bar for each name with its number, logarithmic unless they are parts of a whole; ``marked``: which ones the
    page speaks of."""
    faces = [ROLES["selection"] if i in marked else FAINT for i in range(len(names))]
    trace = {
        "type": "bar",
        "orientation": "h",
        "name": x,
        "y": list(names),
        "x": [float(v) for v in values],
        "marker": {"color": faces if marked else ROLES["kernel"]},
        "text": [big(v) for v in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    title = f"{x}, logarithmic" if log else x
    layout = _layout(60 + 26 * len(names), named=False) | {"xaxis": _axis(title, log, values)}
    # Room for the number behind the longest bar, and a bar for the least.
    if log:
        low, high = log10(min(values)), log10(max(values))
        layout["xaxis"] |= {"range": [low - 0.5, high + 0.6 * max(high - low, 1)], "dtick": 1}
    else:
        layout["xaxis"] |= {"range": [0, 1.45 * max(values)], "tickformat": "~s"}
    layout["yaxis"] = {"title": {"text": y}, "type": "category", "autorange": "reversed", "automargin": True}
    return {"data": [trace], "layout": layout}


@dataclass(frozen=True)
class Pass:
    """One forward pass, measured: its name, MACs, seconds (median and quartiles), the least that it can take, and what
    there is to say of it."""

    name: str
    macs: int
    seconds: float
    low: float
    high: float
    least: float
    note: str


def _freer_side(places: Sequence[float], at: int) -> str:
    """Where a point's name stands, at its height: on the side whose next point is farther away by its logarithm."""
    here = log10(places[at])
    left = min((here - log10(one) for one in places if one < places[at]), default=inf)
    right = min((log10(one) - here for one in places if one > places[at]), default=inf)
    return "middle left" if left > right else "middle right"


def roofline(passes: Sequence[Pass], macs_a_second: float, height: int = HEIGHT) -> dict:
    """Time against MACs, both logarithmic, with the quartiles as bars; beside each point the least time that the device
    allows, and the line on which multiplying alone takes the time."""
    x, y = "MACs", "Milliseconds"
    ends = [min(one.macs for one in passes), max(one.macs for one in passes)]
    found = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "measured",
        "x": [float(one.macs) for one in passes],
        "y": [1e3 * one.seconds for one in passes],
        "text": [one.name for one in passes],
        "textposition": [_freer_side([one.macs for one in passes], i) for i in range(len(passes))],
        "customdata": [one.note for one in passes],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [1e3 * (one.high - one.seconds) for one in passes],
            "arrayminus": [1e3 * (one.seconds - one.low) for one in passes],
        },
        "marker": {"color": SERIES[0], "size": 9},
        "hovertemplate": "%{text}: %{y:.3g} ms<br>%{customdata}<extra></extra>",
    }
    least = {
        "type": "scatter",
        "mode": "markers",
        "name": "at least, by MACs and memory",
        "x": found["x"],
        "y": [1e3 * one.least for one in passes],
        "text": [one.name for one in passes],
        "marker": {"color": SERIES[1], "symbol": "line-ew-open", "size": 14, "line": {"width": 3}},
        "hovertemplate": "%{text}: at least %{y:.3g} ms<extra></extra>",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": f"{big(macs_a_second / 1e9, 1)} billion MACs a second",
        "x": [float(end) for end in ends],
        "y": [1e3 * end / macs_a_second for end in ends],
        "line": {"color": FAINT, "dash": "dash", "width": 2},
        "hoverinfo": "skip",
    }
    times = [1e3 * one.seconds for one in passes] + least["y"]
    layout = _layout(height, named=True)
    layout |= {"xaxis": _axis(x, True, ends), "yaxis": _axis(y, True, times)}
    # Room for the names.
    layout["xaxis"]["range"] = [log10(ends[0]) - 0.9, log10(ends[1]) + 0.9]
    layout["yaxis"] |= {"tickformat": "~g", "exponentformat": "none"}
    return {"data": [line, least, found], "layout": layout}


def votes(counts: Mapping[str, int], right: Collection[str] = (), *, large: bool = False) -> dict:
    """A bar for each answer, as long as it was given often; ``right``: what is, once it may be told. ``large``: for a
    projector."""
    options, type_ = list(counts), 22 if large else 16
    faces = [ROLES["output"] if option in right else FAINT for option in options]
    longest = max([*counts.values(), 1])
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [f"{option} ✓" if option in right else option for option in options],
        "x": list(counts.values()),
        "text": [str(count) for count in counts.values()],
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "marker": {"color": faces},
        "textfont": {"size": type_},
        "hovertemplate": "%{y}: %{x}<extra></extra>",
    }
    layout = _layout(90 + 60 * len(options), named=False)
    font = {"font": {"size": type_}}
    steps = {"tickmode": "linear", "dtick": max(1, round(longest / 5))}
    layout |= {
        "yaxis": {"type": "category", "automargin": True, "autorange": "reversed", "tickfont": {"size": type_}},
        "xaxis": {"title": {"text": "Phones", **font}, "range": [0, longest * 1.1], "tickfont": {"size": type_}}
        | steps,
    }
    return {"data": [trace], "layout": layout}


def marked(
    counts: Mapping[str, int], cells: tuple[int, int], right: Collection[str] = (), *, large: bool = False
) -> dict:
    """How often each cell of a grid of so many rows and columns was marked, the more often the brighter; ``right`` and
    ``large`` as for :func:`votes`."""
    rows, columns = cells
    names = [[f"row {row}, column {column}" for column in range(columns)] for row in range(rows)]
    often = [[counts.get(name, 0) for name in row] for row in names]
    text = [[f"{counts.get(name) or ''}{' ✓' if name in right else ''}" for name in row] for row in names]
    trace = {
        "type": "heatmap",
        "z": often,
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"size": 20 if large else 15},
        "customdata": names,
        "hovertemplate": "%{customdata}: %{z}<extra></extra>",
        "colorscale": [[i / (len(CIVIDIS) - 1), f"rgb{colour}"] for i, colour in enumerate(CIVIDIS)],
        "zmin": 0,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = _layout(400, named=False)
    layout |= {
        "xaxis": {"title": {"text": "Column"}, "dtick": 1, "constrain": "domain"},
        "yaxis": {"title": {"text": "Row"}, "dtick": 1, "autorange": "reversed", "scaleanchor": "x"},
    }
    return {"data": [trace], "layout": layout}


RUN: dict[str, Any] = {"x": "Step", "height": 300}
"""Of every chart over the steps of a run."""
LOSS = "Mean squared error"


def loss_curve(steps: Sequence[int], losses: Sequence[float], floor: float) -> dict:
    """The mean squared error against steps, logarithmic, with the least that is possible as a line; a ``floor`` of no
    more than 1e-9 is not drawn."""
    shown = [Series("loss", steps, [max(v, 1e-16) for v in losses])]
    levels = [Line("best possible", [floor])] if floor > 1e-9 else []
    return lines(shown, **RUN, y=LOSS, levels=levels, log_y=True)


def surface(values: np.ndarray, *, x: str, y: str, z: str, mean: float | None = None, height: int = HEIGHT) -> dict:
    """Values ``(H, W)`` as a surface in the colours of counts. Of more than ``LARGEST`` cells a side, the largest of
    each block stands for it. ``mean``: what the tooltip compares each value with."""
    values, step = np.asarray(values, float), max(1, -(-max(values.shape) // LARGEST))
    rows, columns = (np.arange(0, n, step) for n in values.shape)
    heights = np.maximum.reduceat(np.maximum.reduceat(values, rows, 0), columns, 1)
    colours = [[i / (len(CIVIDIS) - 1), f"rgb{colour}"] for i, colour in enumerate(CIVIDIS)]
    axis = {"showbackground": False, "gridcolor": FAINT, "zerolinecolor": FAINT, "nticks": 5}
    longest = max(values.shape)
    trace = {
        "type": "surface",
        "x": columns.tolist(),
        "y": rows.tolist(),
        "z": _short(heights),
        "colorscale": colours,
        "showscale": False,
        "lighting": {"ambient": 0.8, "diffuse": 0.4, "specular": 0, "fresnel": 0},
        "hovertemplate": f"{y}: %{{y}}<br>{x}: %{{x}}<br>{z}: %{{z}}",
    }
    if mean:
        trace["customdata"] = _short(heights / mean)
        trace["hovertemplate"] += ", %{customdata} times the mean"
    trace["hovertemplate"] += "<extra></extra>"
    return {
        "data": [trace],
        "layout": {
            "height": height,
            "margin": {"l": 0, "r": 0, "t": 8, "b": 0},
            "scene": {
                "xaxis": {"title": {"text": x}, **axis},
                # As in the picture beside it, the first row lies at the back.
                "yaxis": {"title": {"text": y}, "autorange": "reversed", **axis},
                "zaxis": {"title": {"text": z}, "rangemode": "tozero", **axis},
                "aspectmode": "manual",
                "aspectratio": {
                    "x": max(values.shape[1] / longest, 0.3),
                    "y": max(values.shape[0] / longest, 0.3),
                    "z": 0.5,
                },
                # A little to the left and below the middle, so that the name of the upright axis has room.
                "camera": {"eye": {"x": -1.25, "y": -1.6, "z": 1.1}, "center": {"x": -0.14, "y": 0.1, "z": -0.15}},
            },
        },
    }


def _short(values: np.ndarray) -> list[list[float]]:
    return [[float(f"{v:.4g}") for v in row] for row in values]


def chart(figure: dict, *, key: str, alt: str, numbers: bool = True) -> None:
    """Put a figure on the page, and below it, unless it is a surface or still changing, what it is drawn from.

    Args:
        key: once a run, as Streamlit wants it.
        alt: what the picture shows, for screen readers.
        numbers: a table that is made when it is opened.
    """
    taken.note_chart(alt, figure)
    if numbers:
        taken.note_table(alt, lambda: _rows(figure))
    _draw(figure, key, alt, CONFIG | {"toImageButtonOptions": {"format": "svg", "filename": key}})
    if not numbers:
        return
    opened = st.expander("Numbers", key=f"{key}_numbers", on_change="rerun", icon=":material/table_rows:")
    if opened.open:
        with opened:
            draw_columns(numbers_of(figure))


def to_come(y: str, steps: int, *, key: str) -> None:
    """The place of a curve over so many steps, while nothing is trained. There is nothing of it to take along."""
    told = _said("Train, and it appears here.", 0.5, 0.5)
    layout = _layout(RUN["height"], named=False) | {"annotations": [told]}
    layout |= {"xaxis": {"title": {"text": RUN["x"]}, "range": [0, steps]}}
    layout |= {"yaxis": {"title": {"text": y}, "range": [0, 1], "showticklabels": False}}
    figure, alt = {"data": [{"type": "scatter"}], "layout": layout}, f"{y}, step by step. {told['text']}"
    _draw(figure, f"{key}_to_come", alt, {"staticPlot": True})


def _draw(figure: dict, key: str, alt: str, config: dict) -> None:
    # Where another visitor's thread is just importing it, Plotly would take half of it for the whole.
    import pandas  # noqa: F401

    if state.recall("presenting"):
        figure = _large(figure)
    st.plotly_chart(figure, theme="streamlit", key=key, alt=alt, config=config)


def _rows(figure: dict) -> list[list]:
    """The points of a figure as a table, its head first."""
    columns = numbers_of(figure)
    return [list(columns), *map(list, zip(*columns.values(), strict=True))]


def _large(figure: dict) -> dict:
    """With type for the last row, and room for it, where the figure does not say its own."""
    font, layout = {"font": {"size": LARGE}}, figure["layout"]
    axes = {
        name: {"tickfont": font["font"]} | layout[name] | {"title": {"standoff": LARGE} | font | layout[name]["title"]}
        for name in ("xaxis", "yaxis")
        if "title" in layout.get(name, {})
    }
    made = {
        "legend": font | layout.get("legend", {}),
        "annotations": [one | font for one in layout.get("annotations", ())],
    }
    made |= {"height": layout["height"] * LARGE // 14} if "height" in layout else {}
    data = [{"textfont": font["font"]} | one if one["type"] == "bar" else one for one in figure["data"]]
    return figure | {"data": data, "layout": layout | axes | made}


def numbers_of(figure: dict) -> dict[str, list]:
    """The points of a figure's traces as columns: which trace, what the point is, and its place on either axis."""
    traces, layout = figure["data"], figure["layout"]
    columns: dict[str, list] = {}
    if len(traces) > 1:
        columns["Line"] = [one["name"] for one in traces for _ in one["x"]]
    if any("text" in one for one in traces if one["type"] == "scatter"):
        columns["Point"] = [text for one in traces for text in one.get("text", [""] * len(one["x"]))]
    if any("customdata" in one for one in traces if one["type"] == "scatter"):
        columns["Note"] = [note for one in traces for note in one.get("customdata", [""] * len(one["x"]))]
    for axis in ("x", "y"):
        columns[layout[f"{axis}axis"]["title"]["text"]] = [v for one in traces for v in one[axis]]
    return columns


def _layout(height: int, *, named: bool) -> dict:
    return {
        "height": height,
        "showlegend": named,
        "hovermode": "closest",
        # A finger on the chart scrolls the page; the button of the mode bar turns zooming on.
        "dragmode": False,
        "margin": {"l": 0, "r": 8, "t": 32, "b": 0},
        "legend": {"orientation": "h", "x": 0, "y": 0, "xanchor": "left", "yanchor": "bottom", "yref": "container"},
        "bargap": 0.15,
    }


def _axis(title: str, log: bool, values: Sequence[float]) -> dict:
    axis: dict = {"title": {"text": title}}
    if not log:
        return axis | {"rangemode": "tozero"}
    there = [v for v in values if v > 0] or [1.0]
    axis |= {
        "type": "log",
        **({"tickformat": "~s"} if min(there) >= 1 > max(there) / 1e12 else {"exponentformat": "power"}),
    }
    # 1, 2 and 5 of each decade; of many decades, and within one, Plotly finds what fits.
    return axis | ({"dtick": "D2"} if 0.5 < log10(max(there)) - log10(min(there)) < 4 else {})


def _shapes(one: Line, axis: str, i: int) -> list[dict]:
    other = "x" if axis == "y" else "y"
    look = {"color": ROLES["selection"], "width": 2, "dash": ("dash", "dot")[i % 2]}
    across = {f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper", "type": "line", "line": look, "name": one.name}
    return [across | {f"{axis}0": v, f"{axis}1": v, "showlegend": k == 0} for k, v in enumerate(map(float, one.values))]
