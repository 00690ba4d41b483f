"""A | B on the Playground: a frozen layer beside the one that is changed."""

import re
from urllib.parse import parse_qs, parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import lab
from models.share import Scene
from models.spec import LayerSpec
from pages._compare import Frozen
from tests.pages.support import components, opened, stages
from viz.controls.layer import LayerEditor
from viz.controls.numbers import SceneEditor
from viz.figures.cards import side_by_side

PAGE = "convolution/playground.py"


def rows(app) -> dict[str, tuple[str, ...]]:
    """Number → how its row is marked, A, B and B ÷ A."""
    shown = [one.value for one in app.markdown] + [one["html"] for one in components(app) if "html" in one]
    html = next(one for one in shown if "cs-versus" in one)
    found = {}
    for mark, name, cells in re.findall(r'<tr class="cs-(\w+)" data-number="(\w+)">(.*?)</tr>', html, re.S):
        texts = [re.sub(r"<[^>]+>|[✓○]", "", cell).strip() for cell in re.findall("<td>(.*?)</td>", cells)]
        found[name] = (mark, *texts)
    return found


def test_freeze_change_and_let_go():
    app = opened(PAGE)
    app.button(key="freeze").click().run()
    assert not app.exception
    assert {mark for mark, *_ in rows(app).values()} == {"same"}
    app.number_input(key="kernel_size").set_value(2).run()
    assert not app.exception
    found = rows(app)
    # 4·4 input: a 3×3 kernel has 9 weights, four outputs of nine products each; a 2×2 one 4, and nine of four.
    assert found["parameters"] == ("differs", "9", "4", "0.444 ×")
    assert found["macs"] == ("same", "36", "36", "same")
    assert found["output_size"] == ("differs", "2 × 2", "3 × 3", "differs")
    assert app.query_params["against"] == ""
    assert app.query_params["kernel_size"] == "2"
    app.button(key="freeze").click().run()
    assert not app.exception
    assert "against" not in app.query_params
    assert app.number_input(key="kernel_size").value == 2


@pytest.mark.parametrize(
    ("changed", "one", "other"),
    [
        ("", "", ""),
        ("input_size=6", "input size 4×4", "input size 6×6"),
        ("dims=1", "input size 4×4", "input size 4"),
        ("dilation=2&input_size=5", "3×3 · input size 4×4 · stride 1 · padding 0 · dilation 1", "dilation 2"),
        ("in_channels=3", "1 channel", "3 → 1 channels"),
        ("in_channels=2&out_channels=2&groups=2", "groups 1 · 1 channel", "groups 2 · 2 channels"),
        ("bias=true", "bias false", "bias"),
        ("padding_mode=reflect&padding=1", "padding mode zeros", "padding mode reflect"),
        ("kind=max_pool", "Convolution 3×3", "Max pooling 3×3"),
        ("weights=Random", "weights: Worked example", "weights: Random"),
        ("input=Random&seed=3", "input: Worked example", "input: Random · seed 3"),
    ],
)
def test_the_titles_name_what_differs(changed, one, other):
    app = opened(PAGE, ask="none", against="", **dict(parse_qsl(changed)))
    plain = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", each.value) for each in app.markdown]
    (a,), (b,) = ([text[6:] for text in plain if text.startswith(f"**{name}** ")] for name in "AB")
    assert one in a
    assert other in b
    assert (a == b) == (not changed)


def test_a_layer_is_frozen_while_presenting_too():
    app = opened(PAGE, present="1", ask="none")
    assert [one.label for one in app.button if one.key == "freeze"] == ["Compare"]
    app.button(key="freeze").click().run()
    app.number_input(key="kernel_size").set_value(2).run()
    assert not app.exception
    assert rows(app)["parameters"] == ("differs", "9", "4", "0.444 ×")
    assert app.query_params["against"] == ""


@pytest.mark.parametrize("page", ["views", "matrix", "sizes"])
@pytest.mark.parametrize("presented", [{}, {"present": "1"}])
def test_a_transposed_layer_is_frozen_too(page, presented):
    file = f"transposed/{page}.py"
    app = opened(file, ask="none", **presented)
    app.button(key="freeze").click().run()
    app.number_input(key="ct_stride").set_value(2).run()
    assert not app.exception
    # Four numbers stamp a 3×3 kernel, one cell apart or two.
    assert rows(app)["output_size"] == ("differs", "4 × 4", "5 × 5", "differs")
    assert rows(app)["macs"] == ("same", "36", "36", "same")
    assert app.query_params["ct_against"] == "kind=transposed&input_size=2"
    assert len(stages(app)) == (0 if page == "sizes" else 2)
    query = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    again = opened(file, **query)
    assert not again.warning
    assert rows(again) == rows(app)
    # The Playground's own is another one.
    assert "cs-versus" not in "".join(one.value for one in opened(PAGE, ask="none").markdown)
    again.button(key="freeze").click().run()
    assert not again.exception
    assert "ct_against" not in again.query_params


def test_a_waiting_question_shows_no_comparison():
    app = opened("transposed/views.py", ask="stamp", ct_against="input_size=3&kind=transposed")
    assert not app.exception
    assert all(one["veiled"] for one in stages(app))
    assert not any("cs-versus" in one.get("html", "") for one in components(app))


def test_the_link_carries_both():
    app = opened(
        PAGE, against="kernel_size=3&in_channels=3&input_size=8&out_channels=4", kernel_size="5", input_size="8"
    )
    assert not app.warning
    assert rows(app)["parameters"] == ("differs", "108", "25", "0.231 ×")
    # 0.5625: half of the last digit is rounded up, as on paper.
    app = opened(PAGE, against="kernel_size=2&input_size=5", input_size="4")
    assert rows(app)["macs"] == ("differs", "64", "36", "0.563 ×")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("banana=3", "“banana” is not a setting"),
        ("kernel_size", "no link to a layer"),
        ("&".join(["kernel_size=3"] * 200), "no link to a layer"),
        ("kernel_size=99&input_size=4", "kernel_size"),
        ("x=banana", "cannot be read"),
        ("kind=conv9", "kind"),
    ],
)
def test_a_mangled_one_is_told_in_a_sentence(text, told):
    app = opened(PAGE, against=text)
    assert not app.exception
    assert any("against: " in one.value and told in one.value for one in app.warning)


@settings(max_examples=60)
@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3), st.integers(5, 9))
def test_what_the_link_says_of_the_frozen_layer_is_read_back_as_the_same(kernel, stride, padding, channels, size):
    scene = Scene(LayerSpec(kernel_size=kernel, stride=stride, padding=padding, in_channels=channels, input_size=size))
    editor = SceneEditor(LayerEditor())
    text = Frozen(editor).spelled(scene)
    found, told = editor.of_link(parse_qs(text, keep_blank_values=True))
    assert (found.spec, told) == (scene.spec, [])
    assert "cs-differs" not in side_by_side(lab.of(scene), lab.of(found))
