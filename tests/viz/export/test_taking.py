"""Documents and tables as a page offers them."""

import io
import json
import re
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
from viz.export.taken import Taken
from viz.export.worksheet import worksheet
from viz.scenes.layer import scene as draw_scene

SCENE, LINK, QUESTION = SCENES["padded"], "https://a.b/?c=d", "What does it do?"
PAGE = Taken(title="A page", question=QUESTION, link=LINK, scene=SCENE, tables={"times": [["ms"], [0.25]]})
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
            "notebook": notebook(SCENE, question=QUESTION, link=LINK),
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
    assert escape(FORMATS["html"].make(page).decode()) in shown[0]


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
        assert cells[-1]["source"][-1].strip() == "x = 1 + 1"
        assert ("srcdoc" in str(cells[1])) == (one.drawing is not None)
    whole = zipfile.ZipFile(io.BytesIO(FORMATS["tables"].make(page)))
    assert whole.read("a.csv") == b"n\r\n2\r\n"
    assert zipfile.ZipFile(io.BytesIO(archive(None, {"a/b": [[1]]}))).namelist() == ["README.txt", "a b.csv"]


@given(
    st.sampled_from(sorted(KINDS)).flatmap(settings_of), st.sampled_from(("example", "random")), st.integers(0, 10**6)
)
@settings(max_examples=60, derandomize=True, database=None)
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
