"""Charts: valid for Plotly, named axes, every number in its place, colours that can be seen in both themes."""

import json
import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.colours import CIVIDIS, FAINT, ROLES, SERIES, cividis, heat
from viz.components.files import FILES
from viz.figures import Line, Series, bars, begun, lines, loss_curve, surface
from viz.figures.plot import LARGEST, marked, numbers_of, votes

TWO = [Series("a", [1, 2, 4], [3, 30, 300], ["one", "two", "four"]), Series("b", [1, 8], [5, 50], role="output")]


def valid(figure: dict) -> dict:
    """As Plotly reads it; raises where a name or a value is none of its own."""
    go.Figure(figure)
    assert json.loads(json.dumps(figure)) == figure, "plain lists and numbers"
    return figure


def test_a_line_that_has_begun_keeps_its_axes_and_not_its_end():
    whole = lines(TWO, x="Parameters", y="Pixels", log_y=True)
    first = valid(begun(whole, 1))
    assert [(trace["x"], trace["y"]) for trace in first["data"]] == [([1], [3]), ([1], [5])]
    assert first["data"][0]["text"] == ["one"]
    assert "300" not in json.dumps(first["data"])
    low, high = first["layout"]["xaxis"]["range"]
    assert low <= 1 < 8 <= high
    low, high = first["layout"]["yaxis"]["range"]
    assert 10**low < 3 < 300 < 10**high
    assert first["layout"]["yaxis"]["title"] == {"text": "Pixels"}


@given(st.lists(st.floats(0, 1.7e308), min_size=2, max_size=20))
def test_every_loss_that_is_a_number_has_its_place(losses):
    curve = valid(loss_curve(range(len(losses)), losses, 0.0))
    (trace,) = curve["data"]
    assert trace["x"] == list(range(len(losses)))
    assert all(y == max(loss, 1e-16) for y, loss in zip(trace["y"], losses, strict=True))
    assert curve["layout"]["yaxis"]["type"] == "log"
    assert not curve["layout"]["shapes"]


def test_the_least_that_is_possible_is_a_named_level():
    curve = valid(loss_curve([0, 10], [1.0, 0.1], 0.05))
    (level,) = curve["layout"]["shapes"]
    assert (level["y0"], level["y1"], level["name"], level["showlegend"]) == (0.05, 0.05, "best possible", True)
    assert curve["layout"]["showlegend"]


def test_lines_hold_their_points_their_names_and_their_notes():
    figure = valid(
        lines(
            TWO, x="Parameters", y="Pixels", levels=[Line("image", [128])], uprights=[Line("box", (2, 3))], log_x=True
        )
    )
    first, second = figure["data"]
    assert (first["name"], first["x"], first["y"], first["text"]) == ("a", [1, 2, 4], [3, 30, 300], list(TWO[0].notes))
    assert second["line"]["color"] == "#009e73" != first["line"]["color"]
    assert first["line"]["dash"] != second["line"]["dash"]
    assert first["marker"]["symbol"] != second["marker"]["symbol"]
    layout = figure["layout"]
    assert layout["xaxis"]["title"]["text"] == "Parameters"
    assert layout["yaxis"]["title"]["text"] == "Pixels"
    assert layout["xaxis"]["type"] == "log"
    assert "type" not in layout["yaxis"]
    assert [(s.get("y0"), s.get("x0"), s["showlegend"]) for s in layout["shapes"]] == [
        (128, 0, True),
        (0, 2, True),
        (0, 3, False),
    ]
    assert {s["name"] for s in layout["shapes"][1:]} == {"box"}
    assert numbers_of(figure) == {
        "Line": ["a"] * 3 + ["b"] * 2,
        "Point": ["one", "two", "four", "", ""],
        "Parameters": [1, 2, 4, 1, 8],
        "Pixels": [3, 30, 300, 5, 50],
    }


def test_one_line_needs_no_legend():
    assert not valid(lines([Series("a", [0], [1])], x="x", y="y"))["layout"]["showlegend"]


def test_bars_stand_at_their_places_beside_the_closed_form():
    figure = valid(bars(range(3), np.array([1.0, 2, 1]), [1, 2, 2], x="Column", y="Stamps"))
    measured, expected = figure["data"]
    assert (measured["type"], measured["x"], measured["y"]) == ("bar", [0, 1, 2], [1, 2, 1])
    assert (expected["x"], expected["y"], expected["line"]["shape"]) == ([0, 1, 2], [1, 2, 2], "hvh")
    assert numbers_of(figure)["Stamps"] == [1, 2, 1, 1, 2, 2]
    assert valid(bars([0.5], [1e-3], x="v", y="s", log_y=True))["layout"]["yaxis"]["type"] == "log"


@pytest.mark.parametrize("shape", [(3, 5), (LARGEST, 7), (2 * LARGEST + 3, 50)])
def test_a_surface_is_the_picture_and_no_peak_is_lost(shape):
    values = np.random.default_rng(0).random(shape)
    values[shape[0] - 1, 3] = 9
    figure = valid(surface(values, x="Column", y="Row", z="Stamps", mean=2))
    (trace,) = figure["data"]
    drawn = np.array(trace["z"])
    assert drawn.shape == (len(trace["y"]), len(trace["x"]))
    assert max(drawn.shape) <= LARGEST
    y, x = np.unravel_index(drawn.argmax(), drawn.shape)
    assert drawn[y, x] == 9
    assert trace["customdata"][y][x] == 4.5
    assert trace["y"][y] <= shape[0] - 1
    assert abs(trace["x"][x] - 3) < np.ceil(max(shape) / LARGEST)
    if max(shape) <= LARGEST:
        assert np.allclose(drawn, values, rtol=1e-3)
    scene = figure["layout"]["scene"]
    assert [scene[f"{a}axis"]["title"]["text"] for a in "xyz"] == ["Column", "Row", "Stamps"]
    assert scene["yaxis"]["autorange"] == "reversed"


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*SERIES, FAINT])
@pytest.mark.parametrize("page", ["#fdfdfb", "#11151c"])
def test_a_line_can_be_seen_in_both_themes(colour, page):
    dark, light = sorted((luminance(colour), luminance(page)))
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_colour_of_a_role_has_one_owner():
    """Style sheets, scripts and figures name it; its value stands in viz/colours.py and once for all style sheets."""
    root = Path(__file__).resolve().parents[2]
    look = (root / "pages" / "_look.css").read_text("utf-8")
    assert {name: re.search(rf"--{name}: (#\w+);", look)[1] for name in ROLES} == ROLES
    texts = {name: code.decode() for name, code in FILES.items() if name != "colours.js"}
    paths = [path for folder in ("viz", "pages") for path in (root / folder).rglob("*.py")]
    paths += [*(root / "viz" / "figures").glob("*.css"), root / "pages" / "_present.css"]
    texts |= {str(path): path.read_text("utf-8") for path in paths if path.name != "colours.py"}
    for name, text in texts.items():
        assert not [value for value in ROLES.values() if value in text.lower()], name
    sent = FILES["colours.js"].decode()
    assert json.loads(sent[sent.index("[[") : sent.rindex("]") + 1]) == [list(colour) for colour in CIVIDIS]


def test_counts_go_from_dark_to_light():
    assert (cividis(0), cividis(1)) == (CIVIDIS[0], CIVIDIS[-1])
    assert heat(np.array([0.0, 1, 2])).tolist() == [list(CIVIDIS[0]), list(CIVIDIS[-1]), list(CIVIDIS[-1])]
    shades = [luminance("#{:02x}{:02x}{:02x}".format(*cividis(i / 20))) for i in range(21)]
    assert shades == sorted(shades)


def test_votes_are_bars_in_their_order_and_the_right_one_stands_out_once_it_is_told():
    counts = {"3×3": 4, "5×5": 0}
    (hidden,), (told,) = (votes(counts, right)["data"] for right in ((), ("5×5",)))
    assert (hidden["y"], hidden["x"], hidden["text"]) == (["3×3", "5×5"], [4, 0], ["4", "0"])
    assert len(set(hidden["marker"]["color"])) == 1
    assert told["y"] == ["3×3", "5×5 ✓"]
    assert told["marker"]["color"][1] == ROLES["output"] != told["marker"]["color"][0]


def test_marked_cells_are_a_grid_of_counts():
    figure = marked({"row 1, column 2": 7, "row 0, column 0": 1}, (2, 3), ["row 0, column 0"])
    (trace,) = figure["data"]
    assert trace["z"] == [[1, 0, 0], [0, 0, 7]]
    assert trace["text"] == [["1 ✓", "", ""], ["", "", "7"]]
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"
