"""Documents and tables as a page offers them."""

import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from html import escape

import nbformat
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models import lab
from models.errors import ExportError, SpecError
from models.layers import KINDS
from models.share import Scene
from models.spec import LayerSpec
from tests.models.draw import settings_of
from tests.viz.export.scenes import SCENES
from viz.export.formats import FORMATS
from viz.export.latex import latex
from viz.export.licence import MADE
from viz.export.notebook import notebook
from viz.export.tables import archive, matrix_csv
from viz.export.taken import SAME, VERSUS, Taken
from viz.export.worksheet import worksheet
from viz.scenes.layer import scene as draw_scene

SCENE, LINK, QUESTION = SCENES["padded"], "https://a.b/?c=d", "What does it do?"
PAGE = Taken(title="A page", question=QUESTION, link=LINK, scene=SCENE, tables={"times": [["ms"], [0.25]]})
SVG = "{http://www.w3.org/2000/svg}"
DOCUMENTS = ("worksheet", "notebook", "latex", "tables", "matrix")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_is_offered_and_holds_the_page(name):
    assert FORMATS[name].offered(PAGE)
    made = FORMATS[name].make(PAGE)
    if name == "tables":
        whole = zipfile.ZipFile(io.BytesIO(made))
        assert {"times.csv", "matrix.csv", "README.txt"} < set(whole.namelist())
        assert MADE.encode() == whole.comment
        return
    text = made.decode()
    assert (
        text
        == {
            "worksheet": worksheet(SCENE, question=QUESTION, link=LINK),
            "notebook": notebook(PAGE),
            "latex": latex(SCENE, link=LINK),
            "matrix": matrix_csv(SCENE),
        }[name]
    )
    # A table of plain numbers has no place for it.
    assert (MADE in text) == (name != "matrix")


def test_a_notebook_shows_the_stage():
    page = replace(PAGE, drawing=draw_scene(lab.of(SCENE)))
    made = nbformat.reads(FORMATS["notebook"].make(page).decode(), as_version=4)
    shown = [out.data["text/html"] for cell in made.cells for out in cell.get("outputs", [])]
    assert len(shown) == 1
    assert shown[0].startswith("<iframe srcdoc=")
    assert escape(FORMATS["html"].make(page, {"tables": False}).decode()) in shown[0]


def test_the_cell_is_chosen():
    text = FORMATS["latex"].make(PAGE, {"cell": 3}).decode()
    assert text == latex(SCENE, 0, 3, LINK)
    assert "y_{0,1,1} = " in text


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_tells_the_answer_of_a_question_that_waits(name):
    for drawing in ({"veiled": True}, {"panels": [{}, {"veiled": True}]}):
        with pytest.raises(ExportError, match="answer the question first"):
            FORMATS[name].make(Taken(scene=SCENE, drawing=drawing))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_page_without_a_layer_says_so(name):
    bare = Taken(title="A page")
    assert not FORMATS[name].offered(bare)
    with pytest.raises(ExportError, match=r"^This page [^\n]*\.$"):
        FORMATS[name].make(bare)


def test_a_page_without_a_layer_has_its_script_and_its_tables():
    page = Taken(title="A page", script=lambda: ("It adds.", "x = 1 + 1\n"), tables={"a": [["n"], [2]]})
    offered = {name for name in DOCUMENTS if FORMATS[name].offered(page)}
    assert offered == {"notebook", "tables"}
    for one in (page, replace(page, drawing=draw_scene(lab.of(SCENE)))):
        cells = json.loads(FORMATS["notebook"].make(one))["cells"]
        assert cells[-2]["source"][-1].strip() == "x = 1 + 1"
        assert [line.strip() for line in cells[-1]["source"]] == ["## a", "", "| n |", "| --- |", "| 2 |"]
        assert ("srcdoc" in str(cells[1])) == (one.drawing is not None)
    whole = zipfile.ZipFile(io.BytesIO(FORMATS["tables"].make(page)))
    assert whole.read("a.csv") == b"n\r\n2\r\n"
    assert zipfile.ZipFile(io.BytesIO(archive({}, {"a/b": [[1]]}))).namelist() == ["README.txt", "a b.csv"]


CHART = {
    "data": [{"type": "bar", "name": "n", "x": ["a"], "y": [2]}],
    "layout": {"xaxis": {"title": {"text": "layer"}}, "yaxis": {"title": {"text": "</script>"}}},
}


def test_charts_stand_in_one_page_and_offer_svg_and_png():
    page = Taken(title="A <page>", link=LINK, charts={"MACs of each layer": CHART})
    assert FORMATS["charts"].offered(page)
    made = FORMATS["charts"].make(page).decode()
    assert MADE in made
    assert "<title>A &lt;page&gt;</title>" in made
    assert 'save("svg",' in made
    assert 'save("png",' in made
    charts = re.search(r"const charts = (.*);\n", made)[1]
    assert json.loads(charts) == page.charts
    assert "</script>" not in charts
    assert made.count("</script>") == 2
    with pytest.raises(ExportError, match="answer the question first"):
        FORMATS["charts"].make(replace(page, asked=True))
    assert not FORMATS["charts"].offered(Taken())


VERSUS_ROWS = [["Number", "A", "B", "B ÷ A"], ["Parameters", "9", "4", "0.444 ×"], ["MACs", "36", "36", SAME]]
OTHER = Scene(LayerSpec(input_size=4, kernel_size=2))
PAIR = Taken(
    title="A page",
    question=QUESTION,
    pair={"A": SCENE, "B": OTHER},
    tables={VERSUS: VERSUS_ROWS},
    drawing={"panels": [draw_scene(lab.of(one)) | {"title": name} for name, one in (("A", SCENE), ("B", OTHER))],
             "columns": 1, "numbers": VERSUS_ROWS},
)  # fmt: skip


def test_two_layers_are_one_worksheet_with_their_numbers():
    made = FORMATS["worksheet"].make(PAIR).decode()
    sheets = re.findall(r"<main.*?</main>", made, re.S)
    assert len(sheets) == 6
    for number, scene in enumerate(PAIR.pair.values()):
        alone = re.findall(r"<main.*?</main>", worksheet(scene, question=QUESTION), re.S)
        for side, own in enumerate(alone):
            assert re.findall("<td.*", own) == re.findall("<td.*", sheets[3 * side + number])
    cells = [re.findall("<td>(.*?)</td>", sheet) for sheet in (sheets[2], sheets[5])]
    assert cells == [[""] * 6, ["9", "4", "0.444 ×", "36", "36", "same"]]
    assert '<tr class="differs"><th>Parameters</th>' in sheets[5]
    assert "<tr><th>MACs</th>" in sheets[5]
    assert "differs" not in sheets[2]


def test_the_numbers_of_two_layers_stand_below_their_picture_and_their_page():
    texts = lambda options: [  # noqa: E731
        "".join(one.itertext()) for one in ET.fromstring(FORMATS["svg"].make(PAIR, options)).iter(f"{SVG}text")
    ]
    shown = texts({})
    for word in ("Parameters", "0.444 ×", "MACs", "same"):
        assert word in shown
    assert "0.444 ×" not in texts({"numbers": False})
    made = FORMATS["html"].make(PAIR).decode()
    assert "<details open><summary>Numbers side by side</summary>" in made
    assert '<tr class="differs"><td>Parameters</td><td>9</td><td>4</td><td>0.444 ×</td></tr>' in made
    assert "<tr><td>MACs</td><td>36</td><td>36</td><td>same</td></tr>" in made
    assert "<details" not in FORMATS["html"].make(PAIR, {"tables": False}).decode()


@given(
    st.sampled_from(sorted(KINDS)).flatmap(settings_of), st.sampled_from(("example", "random")), st.integers(0, 10**6)
)
@settings(max_examples=60, derandomize=True)
def test_any_layer_can_be_taken_along(asked, numbers, cell):
    try:
        scene = Scene(LayerSpec(**asked), numbers, numbers)
    except SpecError:
        assume(False)
    found = lab.of(scene)
    written = matrix_csv(scene)
    entries = written.startswith("row")
    read = np.loadtxt(io.StringIO(written), delimiter=",", ndmin=2, skiprows=int(entries))
    if entries:
        row, column, value = read.T
        read = np.zeros(found.operator.shape)
        read[row.astype(int), column.astype(int)] = value
    assert np.array_equal(read, found.operator.matrix)
    channel, position = divmod(cell % found.y.size, found.y[0].size)
    text = latex(scene, channel, position)
    shown = re.search(r"y_\{[\d,]+\} = (-?[\d.]+)( \\cdot 10\^\{(-?\d+)\})? ", text)
    assert float(shown[1]) * 10.0 ** int(shown[3] or 0) == pytest.approx(found.y[channel].flat[position], rel=1e-3)
