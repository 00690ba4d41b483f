"""The formulas as LaTeX: what stands in them is read back and held against the layer."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from latex2mathml.converter import convert
from pylatexenc.latexwalker import LatexCharsNode, LatexWalker

from models import lab
from models.errors import ExportError, SpecError
from models.layers import KINDS
from models.share import Scene
from models.spec import LayerSpec
from tests.models.draw import settings_of
from tests.viz.export.scenes import LARGE, SCENES
from viz.export.latex import latex
from viz.export.licence import MADE

UNKNOWN = re.compile(r"<m[a-z]+>\\")
"""What the converter makes of a command that it does not know."""


def displays(text: str) -> list[tuple[str, list[str]]]:
    """Title and lines of each formula."""
    found = re.findall(r"\\noindent ([^\n]*):\n\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", text, re.DOTALL)
    return [
        (title, [line.strip().removeprefix("& ").replace("&=", "=") for line in body.split(" \\\\\n")])
        for title, body in found
    ]


def matrix_of(text: str) -> np.ndarray | None:
    found = re.search(r"\\begin\{bmatrix\}\n(.*?)\n\\end\{bmatrix\}", text, re.DOTALL)
    return found and np.array([[float(cell) for cell in row.split("&")] for row in found[1].split(r"\\")])


def computed(line: str) -> float:
    """What the right-hand side of a cell's sum makes, as Python reads it."""
    said = line.replace(r"\quad", "").replace(r"\cdot 10^", "*10**").replace(r"\cdot", "*").replace("^", "**")
    said = re.sub(r"\{([^{}]*)\}", r"(\1)", said).replace(r"\max(", "max(-float('inf'), ")
    return eval(said, {"__builtins__": {}, "max": max, "float": float})


def read_strictly(nodes) -> None:
    """What LaTeX would refuse although each brace, bracket and environment ends: letters that mean more in a text."""
    for node in filter(None, nodes or ()):
        if isinstance(node, LatexCharsNode) and not node.parsing_state.in_math_mode:
            assert not set(node.chars) & set("_^&#"), node.chars
        read_strictly(getattr(node, "nodelist", None))
        read_strictly(node.nodeargd.argnlist if getattr(node, "nodeargd", None) else None)


@given(st.sampled_from(sorted(KINDS)).flatmap(settings_of), st.sampled_from(("example", "random")))
@settings(max_examples=60, derandomize=True)
def test_of_any_layer_it_can_be_read_to_its_end(asked, weights):
    try:
        scene = Scene(LayerSpec(**asked), weights=weights)
    except SpecError:
        assume(False)
    text = latex(scene, link="https://a.b/c?d=1&e=50%25#f", title=r"Week 3 & 4: #1, 50% of {a_b}^2 ~ \pi")
    assert text.isascii()
    read_strictly(LatexWalker(text, tolerant_parsing=False).get_latex_nodes()[0])


@pytest.mark.parametrize("name", SCENES)
def test_formulas_matrix_and_sum_hold_the_layers_numbers(name):
    scene = SCENES[name]
    found = lab.of(scene)
    channel, position = scene.spec.out_channels - 1, int(np.prod(scene.spec.output_size)) - 1
    text = latex(scene, channel, position)
    assert text.isascii()
    assert MADE in text.splitlines()[0]
    *formulas, (_, lines) = displays(text)
    for _, body in [*formulas, ("", lines)]:
        for line in body:
            assert not UNKNOWN.search(convert(line)), line
    said = dict(formulas)
    for check in found.checks:
        value = check.measured if isinstance(check.measured, tuple) else (check.measured,)
        title, body = next(
            ((t, b) for t, b in said.items() if t.startswith(check.title)),
            (next(line for line in text.splitlines() if line.startswith(rf"\noindent {check.title}, measured")), []),
        )
        shown = re.search(r"measured ([\d,\\ $times]+)", title.replace(r"\,", ""))[1].replace("$", "").split(r"\times")
        assert tuple(map(int, shown)) == value
        ends = {int(line.rpartition("=")[2].replace(r"\,", "")) for line in body[1:] if "=" in line}
        assert ends <= set(value), check.name
        assert ends or "=" not in check.formula.filled
    whole = re.fullmatch(r"y_\{([\d,]+)\} = (\S+) (=|\\approx) (.*)", " ".join(lines))
    assert whole[1] == ",".join(map(str, (channel, *np.unravel_index(position, scene.spec.output_size))))
    y = found.y[channel].flat[position]
    assert float(whole[2]) == pytest.approx(y, rel=1e-3)
    assert computed(whole[4]) == pytest.approx(y, rel=2e-3, abs=1e-3)
    assert (whole[3] == "=") <= (computed(whole[4]) == pytest.approx(y, abs=1e-12))
    shown = matrix_of(text)
    if shown is None:
        assert "take it along as CSV" in text
    else:
        assert shown == pytest.approx(found.operator.matrix, rel=1e-3, abs=1e-9)
        wide = shown.shape[1]
        assert wide <= 10 or f"{{MaxMatrixCols}}{{{wide}}}" in text


def test_most_of_these_matrices_are_written():
    small = [name for name, scene in SCENES.items() if max(lab.of(scene).operator.shape) <= 25]
    written = [name for name in small if matrix_of(latex(SCENES[name])) is not None]
    assert len(written) > 25
    assert len(written) > 0.85 * len(small)


def test_the_first_worked_example_as_it_stands_in_a_lecture():
    text = latex(Scene(LayerSpec(bias=False)))
    assert "y_{0,0,0} = 122 = 4 \\cdot 1 + 5 \\cdot 4 + 8 \\cdot 1 + 1 \\cdot 1 + 8 \\cdot 4 + 8 \\cdot 3 +" in text
    assert "  1 & 4 & 1 & 0 & 1 & 4 & 3 & 0 & 3 & 3 & 1 & 0 & 0 & 0 & 0 & 0 \\\\\n" in text


def test_a_long_sum_is_cut_and_says_so():
    text = latex(Scene(LayerSpec(in_channels=16)))
    assert displays(text)[-1][1][-1].endswith(r"\cdots + 1")
    assert text.count(r"\cdot ") - text.count(r"\cdots") > 60


def test_tiny_numbers_are_powers_of_ten():
    tiny = Scene(LayerSpec(bias=False), "own", own_input=np.full((1, 4, 4), 1e-7))
    assert r"1 \cdot 10^{-7} \cdot 1" in latex(tiny)


def test_a_layer_without_a_picture_has_its_formulas():
    text = latex(LARGE)
    assert r"= 1\,721\,094\,912" in text
    assert "the picture is left out" in text
    assert "bmatrix" not in text
    assert text.isascii()


@pytest.mark.parametrize(("channel", "position"), [(1, 0), (0, 4), (-1, 0), (0, -1)])
def test_a_cell_that_is_not_there_is_refused_in_a_sentence(channel, position):
    with pytest.raises(ExportError, match="1 channel of 4 cells: choose channel 0 to 0 and cell 0 to 3\\."):
        latex(Scene(LayerSpec()), channel, position)


def test_every_formula_says_what_it_is_of():
    text = latex(Scene(LayerSpec("transposed", input_size=3, kernel_size=(2, 3))))
    formulas = dict(displays(text)[:-1])
    lefts = {title.partition(",")[0]: [line.partition(" = ")[0] for line in body] for title, body in formulas.items()}
    assert lefts == {
        "Output": ["O", r"O_{\text{height}}", r"O_{\text{width}}"],
        "Parameters": [r"\text{Parameters}"] * 2,
        "MACs": [r"\text{MACs}"] * 2,
        "Matrix entries": [r"\text{Matrix entries}"] * 2,
        "Receptive field": ["R", r"R_{\text{height}}", r"R_{\text{width}}"],
        "Output memory": [r"\text{Output memory}"] * 2,
    }
    assert "O = O =" not in text


def test_axes_that_agree_share_a_line():
    text = latex(Scene(LayerSpec("transposed", dims=3, input_size=3, stride=(3, 2, 3))))
    lines = dict(displays(text))["Output, measured 9 $\\times$ 7 $\\times$ 9"]
    assert [line.partition(" = ")[0] for line in lines] == ["O", r"O_{\text{depth, width}}", r"O_{\text{height}}"]
