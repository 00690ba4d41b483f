"""Notebooks, executed where nothing of this project is to be found; what they assert is held against the layer."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

from models import lab
from models.code import written_out
from models.errors import SpecError
from models.layers import KINDS
from models.share import Scene
from models.spec import LayerSpec
from tests.models.draw import settings_of
from tests.viz.export.scenes import LARGE, SCENES
from viz.export.licence import MADE
from viz.export.notebook import notebook
from viz.export.taken import Taken

ROOT = Path(__file__).resolve().parents[3]

ASSERTED = {
    "y.shape": lambda found: (1, found.spec.out_channels, *found.check("output_size").measured),
    "sum((p.numel() for p in layer.parameters()))": lambda found: found.check("parameters").measured,
    "counter.get_total_flops() // 2": lambda found: found.check("macs").measured,
    "size": lambda found: found.check("activations").measured,
    "entries": lambda found: found.check("touching").measured,
    "field": lambda found: found.check("receptive_field").measured,
}
"""What the measurement of the page must be for each thing that a notebook asserts."""

MANY = {
    "many numbers": Scene(LayerSpec(input_size=30, in_channels=2)),
    "large": LARGE,
    "own numbers": SCENES["thirds"],
    "two layers, mirrored": Scene(
        LayerSpec("depthwise_separable", in_channels=2, out_channels=3, padding=1, padding_mode="reflect")
    ),
}


def code_of(text: str) -> list[str]:
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


def asserted(code: list[str]) -> dict[str, object]:
    """Left and right of every ``assert left == right``."""
    return {
        ast.unparse(node.test.left): ast.literal_eval(node.test.comparators[0])
        for cell in code
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare)
    }


@pytest.mark.parametrize("name", SCENES | MANY)
def test_it_asserts_the_numbers_of_the_page(name):
    scene = (SCENES | MANY)[name]
    found = lab.of(scene)
    code = code_of(notebook(Taken(scene=scene)))
    said = asserted(code)
    for what, value in said.items():
        assert value == ASSERTED[what](found), what
    small = found.x is not None and found.x.size * found.y.size < 10_000
    missing = ASSERTED.keys() - said.keys()
    if small:
        # What has no weights has no MACs to count.
        assert missing == ({"counter.get_total_flops() // 2"} if not found.check("macs").measured else set())
        expected = next(node.value for cell in code for node in ast.parse(cell).body if _assigns(node, "expected"))
        assert ast.literal_eval(expected.args[0]) == found.y[None].tolist()
    else:
        assert "y.shape" in said
    names = {alias.name for cell in code for node in ast.walk(ast.parse(cell)) for alias in getattr(node, "names", [])}
    assert not any(name.split(".")[0] in ("models", "viz") for name in names)


def _assigns(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name


def test_every_cell_runs_with_torch_alone(tmp_path):
    """Each notebook in names of its own, in one process that starts elsewhere and has no plotly."""
    cells = {name: code_of(notebook(Taken(scene=scene))) for name, scene in (SCENES | MANY).items()}
    pair = {"A": SCENES["padded"], "B": SCENES["strided back"]}
    cells["two layers"] = code_of(notebook(Taken("A and B", pair=pair, tables={"times": [["ms"], [0.25]]})))
    (tmp_path / "cells.json").write_text(json.dumps(cells))
    run = (
        "import json, sys\n"
        "sys.modules['plotly'] = None\n"
        "import torch\n"
        "for name, cells in json.load(open('cells.json')).items():\n"
        "    here = {}\n"
        "    torch.set_default_device('cpu')\n"
        "    for cell in cells:\n"
        "        try: exec(cell, here)\n"
        "        except Exception as error: print(name, repr(error), cell, sep='\\n', file=sys.stderr)\n"
        "print(len([m for m in sys.modules if m.split('.')[0] in ('models', 'viz')]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", run], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines()[-1] == "0"


def test_jupyter_runs_them_with_their_figures(tmp_path):
    """In one kernel, emptied after each: it takes seconds to start and to import torch."""
    chart = {"data": [{"type": "scatter", "x": [1, 2], "y": [3, 4]}], "layout": {"title": {"text": "it's “cost”"}}}
    page = '<!DOCTYPE html><p id="it">a "stage" & more</p><script>1 < 2</script>'
    shown = {"heading": "A title", "question": "What?", "link": "https://a.b/?c=d", "charts": {"cost": chart}}
    names = ("padded", "strided back", "pooled over the border")
    texts = {name: notebook(Taken(scene=SCENES[name], **shown), page) for name in names}
    each = {name: nbformat.reads(text, as_version=4) for name, text in texts.items()}
    cells = [cell for made in each.values() for cell in (*made.cells, nbformat.v4.new_code_cell("%reset -f"))]
    all_of_them = nbformat.NotebookNode(each["padded"], cells=cells)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(all_of_them, timeout=120, kernel_name="python3", resources=resources).execute()
    for name, made in each.items():
        ran_with_its_figures(name, texts[name], made)


def ran_with_its_figures(name: str, text: str, made: nbformat.NotebookNode) -> None:
    nbformat.validate(made)
    assert all(cell.execution_count for cell in made.cells if cell.cell_type == "code"), name
    outputs = [out for cell in made.cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out.output_type == "error"]
    figures = [
        out.data["application/vnd.plotly.v1+json"] for out in outputs if "vnd.plotly" in str(out.get("data"))[:60]
    ]
    linear = KINDS[SCENES[name].spec.kind].linear
    assert len(figures) == 1 + linear
    assert figures[-1]["layout"]["title"]["text"] == "it's “cost”"
    if linear:
        assert figures[0]["data"][0]["z"] == lab.of(SCENES[name]).operator.matrix.tolist()
    framed = [out.data["text/html"] for out in outputs if "srcdoc" in str(out.get("data", {}).get("text/html"))]
    before = [cell for cell in nbformat.reads(text, as_version=4).cells if "srcdoc" in str(cell.get("outputs"))]
    assert framed == [before[0].outputs[0].data["text/html"]], "what shows before it runs is what running shows"
    assert made.cells[0].source.startswith("# A title\n\nWhat?")
    assert MADE in made.cells[0].source
    assert made.metadata.license == MADE


def test_the_formulas_stand_beside_the_numbers():
    made = nbformat.reads(notebook(Taken(scene=SCENES["padded"])), as_version=4)
    words = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    for check in lab.of(SCENES["padded"]).checks:
        assert f"### {check.title}\n" in words
        assert f"$${check.formula.symbols}$$" in words
        assert f"$${check.formula.filled}$$" in words
        assert check.formula.source[1] in words


def test_the_same_layer_is_the_same_file():
    assert notebook(Taken(scene=SCENES["padded"])) == notebook(Taken(scene=SCENES["padded"]))


def test_a_page_without_a_layer_has_its_script():
    script = "It adds.", "import math\n\nx = math.pi\n"
    text = notebook(Taken("A title", question="What?", link="https://a.b", script=lambda: script))
    made = nbformat.reads(text, as_version=4)
    nbformat.validate(made)
    assert [cell.cell_type for cell in made.cells] == ["markdown", "markdown", "code"]
    assert made.cells[0].source.startswith("# A title\n\nWhat?\n\n[The same page in ConvScope](https://a.b)")
    assert made.cells[1].source == "It adds."
    needs = Taken("A title", script=lambda: ("It adds.", "import torch"))
    told = nbformat.reads(notebook(needs), as_version=4).cells[1].source
    assert told == "It adds.\n\nNeeds torch."
    here: dict = {}
    exec(made.cells[2].source, here)
    assert round(here["x"]) == 3


def test_a_script_that_needs_the_project_runs_without_it(tmp_path):
    """Its modules, one of them imported inside a function of another, its picture and its weights go along."""
    code = (
        "from pathlib import Path\n\nfrom models import networks\nfrom models.picture import decode\n\n"
        'pixels = decode(Path("assets/pictures/cat.png").read_bytes(), max_side=64)\n'
        "network = networks.load('small', pretrained=True)\n"
        "print(networks.__file__, *pixels.shape)\n"
    )
    taken = Taken("A title", script=lambda: ("Runs as it is, in a copy of this project: it looks.", code))
    text = notebook(taken)
    assert text == notebook(taken)
    made = nbformat.reads(text, as_version=4)
    assert made.cells[1].source.startswith("Runs as it is: it looks.\n\nNeeds cachetools, numpy, opencv-python, ")
    cells = code_of(text)
    assert len(cells) == 2
    (tmp_path / "cells.py").write_text("\n".join(cells))
    run = [sys.executable, "-I", "-W", "ignore", "cells.py"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.stderr, done.returncode) == ("", 0)
    where, *shape = done.stdout.split()
    assert shape == ["64", "64", "3"]
    assert where.endswith("models/networks/__init__.py")
    assert not where.startswith(str(ROOT))


@given(st.sampled_from(sorted(KINDS)).flatmap(settings_of), st.sampled_from(("example", "random", "sobel", "ones")))
@settings(max_examples=80, derandomize=True)
def test_what_it_asserts_holds_for_any_layer(asked, weights):
    try:
        scene = Scene(LayerSpec(**asked), weights=weights)
    except SpecError:
        assume(False)
    here: dict = {"__name__": "notebook"}
    for cell in code_of(notebook(Taken(scene=scene))):
        # The page's own way of drawing is looked at elsewhere.
        if "plotly" not in cell:
            exec(cell, here)
    found = lab.of(scene)
    if written_out(found):
        torch.testing.assert_close(here["y"], torch.from_numpy(found.y)[None])
