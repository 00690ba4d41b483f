"""The Playground without a browser: every worked example, every kind, bad links and bad tables."""

import json
import random
import re

import pytest
from streamlit.testing.v1 import AppTest

from models.layers import KINDS
from models.presets import PRESETS
from models.share import Scene, read_file, write_file
from models.spec import LayerSpec
from models.text import big, times
from pages.convolution._examples import asking
from tests.pages.support import hides, opened, read, sound, stages
from viz.controls.layer import OFFERED, LayerEditor
from viz.controls.numbers import LONGEST_LINK, SceneEditor

PAGE = "convolution/playground.py"


def open_page(**query: str | list[str]) -> AppTest:
    return opened(PAGE, **({"ask": "none"} | query))


def cards(app: AppTest) -> str:
    return next(block for block in read(app.markdown) if 'class="cs-cards' in block)


def number(app: AppTest, name: str) -> str:
    """The value that one card shows, its mark left out."""
    card = re.search(rf'data-number="{name}">.*?<span class="cs-value">(.*?)<', cards(app)).group(1)
    return card.strip()


def shown_spec(app: AppTest) -> LayerSpec:
    return app.session_state["_book"].kept["layer"][0]


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if "padding" in kind.takes])
def test_the_help_of_padding_is_that_of_the_kind(kind):
    """And where it names no 'same' and 'valid', its control offers none."""
    app = sound(open_page(kind=kind))
    control = next(each for each in (*app.selectbox, *app.number_input) if each.key == "padding")
    assert control.help.startswith(KINDS[kind].help("padding"))
    assert ("'same'" in control.help) == ("same" in getattr(control, "options", ()))


def test_another_kind_and_back_loses_nothing():
    app = sound(open_page(input_size="10", in_channels="4", out_channels="4", kernel_size="5", stride="2"))
    before = shown_spec(app)
    for kind in ("max_pool", "conv"):
        app.selectbox(key="kind").set_value(kind).run()
    assert shown_spec(sound(app)) == before
    app.selectbox(key="kind").set_value("max_pool").run()
    app.number_input(key="kernel_size").set_value(3).run()
    app.selectbox(key="kind").set_value("conv").run()
    assert shown_spec(sound(app)).kernel_size == (3, 3), "what was touched in between stays"
    assert not shown_spec(app).bias, "and a bias does not come by itself"


def test_a_kind_of_one_dimension_gives_the_others_back():
    app = sound(open_page(dims="3"))
    for kind, dims in (("causal", 1), ("depthwise", 3), ("causal", 1)):
        app.selectbox(key="kind").set_value(kind).run()
        assert (shown_spec(sound(app)).kind, shown_spec(app).dims) == (kind, dims)
    app.menu_button(key="questions_playground").click("A1").run()
    app.selectbox(key="kind").set_value("depthwise").run()
    assert shown_spec(sound(app)).dims == 2, "an example begins anew"


@pytest.mark.parametrize("name", PRESETS)
def test_a_worked_example_shows_the_numbers_of_the_lecture(name):
    preset = PRESETS[name]
    app = sound(open_page())
    app.menu_button(key="questions_playground").click(name).run()
    assert veiled(sound(app))
    app.button(key="reveal").click().run()
    sound(app)
    assert shown_spec(app) == preset.spec
    assert app.warning.values == []
    expected = preset.expected
    shape = expected.get("output_size")
    if shape:
        channels = f"{preset.spec.out_channels} × " if preset.spec.out_channels > 1 else ""
        assert number(app, "output_size") == channels + times(shape)
    for each in ("parameters", "macs", "touching"):
        if each in expected:
            assert number(app, each) == big(expected[each])
    if "receptive_field" in expected:
        assert number(app, "receptive_field") == times(expected["receptive_field"])
    assert "cs-no" not in cards(app)
    assert any(preset.question in block for block in read(app.markdown))
    assert any(preset.explanation in block for block in read(app.markdown))


@pytest.mark.parametrize("name", PRESETS)
def test_a_worked_example_is_a_link(name):
    preset = PRESETS[name]
    app = sound(open_page(**preset.spec.to_query()))
    assert shown_spec(app) == preset.spec
    assert app.warning.values == []


def veiled(app: AppTest) -> bool:
    """Whether stage and cards keep the answer back; they never differ."""
    covered = "predict first" in cards(app)
    for one in stages(app):
        assert hides(one) == covered
    return covered


def said(app: AppTest) -> str:
    return "\n".join(read(app.markdown))


def test_a_wrong_answer_is_told_what_it_left_out_and_may_be_given_anew():
    preset = PRESETS["A1"]
    app = open_page(ask="A1")
    app.pills(key="answer_A1").set_value("65").run()
    assert veiled(app)
    assert f"65: {preset.wrong['65']}" in said(app)
    assert preset.explanation not in said(app)
    app.pills(key="answer_A1").set_value("122").run()
    assert not veiled(app)
    assert f"**Yes.** {preset.explanation}" in said(app)
    app.menu_button(key="questions_playground").click("A1").run()
    assert veiled(app)
    for wrong in ("65", "119"):
        app.pills(key="answer_A1").set_value(wrong).run()
    assert not veiled(app)
    assert f"**Not quite: 122.** {preset.explanation}" in said(app)


def test_a_number_is_filled_in_and_a_cell_is_looked_for_without_a_window_that_leads_there():
    app = open_page(input_size="5", ask="fill")
    app.text_input(key="answer_fill").set_value("abc").run()
    assert any("no number" in text for text in read(app.markdown))
    app.text_input(key="answer_fill").set_value(" 122 ").run()
    assert veiled(sound(app))
    assert "122: that is the top left corner" in said(app)
    app.text_input(key="answer_fill").set_value("+125,0").run()
    assert not veiled(sound(app))
    assert "**Yes.** 6·1" in said(app)
    assert 125 in next(one for one in stages(app)[0]["grids"] if one["role"] == "output")["values"]
    (stage,) = stages(sound(open_page(ask="window")))
    assert hides(stage)
    assert stage["links"] == []
    assert not any(grid["editable"] for grid in stage["grids"])


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_covered_does_not_stand_in_the_text(name):
    preset = PRESETS[name]
    app = open_page(ask=name)
    assert veiled(app)
    assert "".join(dict(app.query_params).get("ask", "A1")) == name
    shown = said(app) + " ".join(read((*app.info, *app.caption)))
    for each in ("macs", "parameters", "touching"):
        if preset.expected.get(each, 0) > 99:
            assert big(preset.expected[each]) not in shown.replace(preset.question, "")
    assert preset.explanation not in shown
    app.button(key="open_code").click().run()
    assert not app.code
    assert any("answer the question first" in block.value for block in app.info)


@pytest.mark.parametrize(
    ("query", "told"), [({"ask": "none"}, "36 MACs = 72 FLOPs"), ({"kind": "max_pool"}, "0 MACs = 0 FLOPs")]
)
def test_the_panel_of_the_macs_says_the_flops_too(query, told):
    assert re.findall(r"[^<>]*MACs = [^<>]*", cards(sound(open_page(**query)))) == [told]


def test_an_example_is_predicted_before_it_is_seen():
    app = open_page(ask="A1")
    assert veiled(app)
    app.button(key="reveal").click().run()
    assert not veiled(app)
    assert PRESETS["A1"].explanation in said(app)
    for question in ("window", "fill", "A2"):
        app.button(key="next_question").click().run()
        assert veiled(app)
        assert "".join(app.query_params["ask"]) == question
    assert shown_spec(app) == PRESETS["A2"].spec
    app.number_input(key="input_size").set_value(9).run()
    assert not veiled(app)
    assert "ask" not in app.query_params
    app.number_input(key="input_size").set_value(7).run()
    assert not veiled(app), "only a question that was asked covers"
    elsewhere = open_page(ask="A2", kernel_size="2")
    assert not veiled(elsewhere)
    assert PRESETS["A2"].question not in said(elsewhere)
    assert "about another example" in elsewhere.warning[0].value
    (told,) = open_page(ask="banana").warning.values
    assert told.startswith("ask: “banana” is not a question of this page")
    assert not veiled(open_page(**PRESETS["A3"].spec.to_query())), "a link shows what it was sent for"


def test_another_kind_begins_where_that_kind_begins():
    """A visitor who only ever changed the kind meets each kind at its own worked example."""
    fresh = {}
    for name in KINDS:
        app = open_page()
        app.selectbox(key="kind").set_value(name).run()
        fresh[name] = shown_spec(sound(app))
        assert fresh[name].settings().get("upscale_factor", 2) > 1
    app = open_page()
    for name in (*KINDS, *reversed(KINDS)):
        app.selectbox(key="kind").set_value(name).run()
        assert shown_spec(sound(app)).input_size[-1] == fresh[name].input_size[-1], name


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_every_kind_in_every_dimension(name, dims):
    if dims not in KINDS[name].dims:
        pytest.skip("torch has no such layer")
    app = open_page()
    app.selectbox(key="kind").set_value(name).run()
    sound(app)
    assert shown_spec(app).kind == name
    if dims != shown_spec(app).dims:
        app.segmented_control(key="dims").set_value(dims).run()
        sound(app)
    assert shown_spec(app).dims == dims
    assert "cs-no" not in cards(app)
    assert "cs-ok" in cards(app)


def test_a_walk_through_the_controls_never_breaks():
    """A visitor who turns every knob: each step leaves a layer that torch takes, and agreeing numbers."""
    dice = random.Random(7)
    app = open_page()
    for _ in range(60):
        widgets = [w for w in (*app.number_input, *app.slider, *app.selectbox, *app.toggle) if not w.disabled]
        widget = dice.choice(widgets)
        if widget.type == "toggle":
            widget.set_value(not widget.value)
        elif widget.type == "selectbox":
            widget.set_value(dice.choice(options_of(widget, app)))
        else:
            top = min(widget.max, 9)
            widget.set_value(dice.randint(int(widget.min), int(max(top, widget.min))))
        before = shown_spec(app)
        sound(app.run())
        assert "cs-no" not in cards(app), (before, widget.label)


def options_of(widget, app) -> list:
    """The values behind a select box: those of the registry for named ones, numbers and words for settings."""
    if widget.key == "kind":
        return list(KINDS)
    if widget.key in ("input", "weights"):
        from models.sources import INPUTS, WEIGHTS

        return list(INPUTS if widget.key == "input" else WEIGHTS)
    return [int(o) if o.isdigit() else float(o) if re.fullmatch(r"\d+\.\d+", o) else o for o in widget.options]


BAD_LINKS = {
    "unknown": ({"colour": "red"}, "colour"),
    "seed in words": ({"input": "Random", "seed": "banana"}, "seed: “banana” is not a whole number"),
    "neither true nor false": ({"per_axis": "maybe"}, "per_axis: “maybe”"),
    "another kind's": ({"mode": "nearest"}, "mode: Convolution has no such setting"),
    "word": ({"kernel_size": "three"}, "kernel_size"),
    "impossible": ({"kernel_size": "9"}, "kernel_size"),
    "enormous": ({"in_channels": "9" * 30}, "in_channels"),
    "large": ({"input_size": "100000000"}, "input_size"),
    "negative": ({"stride": "-2"}, "stride"),
    "repeated": ({"stride": ["1", "2"]}, "stride: the link gives it 2 times: give it once. Shown: 1."),
    "kind": ({"kind": "convolution"}, "kind"),
    "dims": ({"dims": "4"}, "dims"),
    "mode": ({"padding_mode": "REFLECT", "padding": "1"}, "padding_mode"),
    "groups": ({"groups": "3"}, "groups"),
    "own numbers": ({"x": "1.4.4~1_2_3", "input": "Your own"}, "needed. Shown: Worked example."),
    "own words": ({"x": "<script>alert(1)</script>"}, "numbers"),
    "own weights": ({"w": "weight*1.1.3.3~1_2_x_4_5_6_7_8_9"}, "not a number"),
}


@pytest.mark.parametrize(("query", "word"), BAD_LINKS.values(), ids=BAD_LINKS)
def test_a_bad_link_is_told_and_the_rest_of_it_loads(query, word):
    app = sound(open_page(**query, bias="true"))
    assert any(word in warning.value for warning in app.warning), [w.value for w in app.warning]
    assert shown_spec(app).bias is True
    assert "cs-ok" in cards(app)


def test_a_layer_too_large_to_draw_keeps_its_numbers_and_offers_one_that_fits():
    app = sound(open_page(input_size="28", in_channels="192", out_channels="32", kernel_size="5", padding="same"))
    assert number(app, "macs") == big(120_422_400)
    assert any(f"{big(110_321_664)} non-zero entries" in info.value for info in app.info)
    button = next(b for b in app.button if b.label.startswith("Draw the nearest"))
    button.click().run()
    sound(app)
    assert not [b for b in app.button if b.label.startswith("Draw the nearest")]
    assert app.get("bidi_component")


def test_a_layer_of_gigabytes_is_not_run():
    app = sound(open_page(input_size="4096", in_channels="2048", out_channels="2048"))
    assert any("GiB" in info.value for info in app.info)
    assert number(app, "parameters") == big(2048 * 2048 * 9)


def paste(app: AppTest, text: str) -> AppTest:
    app.button(key="open_paste").click().run()
    app.text_area(key="pasted_table").set_value(text)
    next(b for b in app.button if b.label == "Use these numbers").click().run()
    return app


BAD_TABLES = {
    "words": ("one two", "not a number"),
    "ragged": ("1 2 3\n4 5", "Row 2 has 2 numbers"),
    "nan": ("1 2\nnan 4", "not a finite number"),
    "many": ("\n".join(" ".join(["1"] * 100) for _ in range(100)), "more than 4\u202f096"),
    "empty": ("   ", "no numbers"),
}


@pytest.mark.parametrize(("text", "words"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_bad_table_gets_one_sentence_and_nothing_is_lost(text, words):
    app = paste(open_page(stride="1"), text)
    assert not app.exception
    assert len(app.error) == 1
    assert words in app.error[0].value
    assert shown_spec(app) == PRESETS["A1"].spec


def test_a_pasted_table_becomes_the_input():
    app = paste(open_page(), "1 2 3\n4 5 6\n7 8 9")
    sound(app)
    assert shown_spec(app).input_size == (3, 3)
    assert number(app, "output_size") == "1 × 1"
    assert "1.3.3~1_2_3_4_5_6_7_8_9" in app.query_params["x"]


def test_the_kernel_yields_to_a_pasted_table():
    app = paste(open_page(), "1 2\n3 4")
    sound(app)
    assert shown_spec(app).input_size == (2, 2)
    assert shown_spec(app).kernel_size == (2, 2)


def test_own_numbers_travel_in_the_link():
    app = sound(open_page(x="1.4.4~" + "_".join(["2"] * 16), w="weight*1.1.3.3~" + "_".join(["1"] * 9)))
    assert app.session_state["_book"].kept["x"].tolist() == [[[2.0] * 4] * 4]
    assert app.selectbox(key="input").value == "own"
    assert app.selectbox(key="weights").value == "own"
    assert app.warning.values == []


def test_own_numbers_too_long_for_a_link_are_said_to_be():
    app = paste(open_page(), "\n".join(" ".join(["0.123456789"] * 20) for _ in range(20)))
    sound(app)
    assert "x" not in app.query_params
    assert any(f"{big(LONGEST_LINK)}" in info.value for info in app.info)
    assert app.session_state["_book"].kept["x"].shape == (1, 20, 20)


def test_a_file_brings_everything_back():
    app = open_page()
    spec = LayerSpec(input_size=5, in_channels=2, padding=1)
    rows = [[[1.5] * 5] * 5] * 2
    import numpy as np

    text = write_file(Scene(spec, "own", "ones", 0, np.array(rows)))
    app.button(key="open_file").click().run()
    app.file_uploader[0].upload("scene.json", text.encode(), "application/json").run()
    sound(app)
    assert shown_spec(app) == spec
    assert app.session_state["_book"].kept["x"].tolist() == rows
    assert read_file(text.encode()).own_input.tolist() == rows


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[]", b"{}", b'{"convscope": 1}', b'{"convscope": 1, "query": {"kind": "x"}}', b"[" * 100_000]
    + [
        json.dumps({"convscope": 1, "query": {}, "own_input": bad}).encode()
        for bad in ("a", [[1], [1, 2]], [], [1e400])
    ]
    + [json.dumps({"convscope": 1, "query": {}, "input": "own", "own_weights": {"__class__": [1]}}).encode()],
)
def test_a_hostile_file_gets_one_sentence(data):
    app = open_page()
    app.button(key="open_file").click().run()
    app.file_uploader[0].upload("scene.json", data, "application/json").run()
    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.endswith(".")
    assert shown_spec(app) == PRESETS["A1"].spec


def test_controls_offer_only_what_the_layer_takes():
    app = open_page(input_size="6", in_channels="4", out_channels="4")
    assert app.number_input(key="kernel_size").max == 6
    assert app.selectbox(key="groups").options == ["1", "2", "4"]
    app.selectbox(key="padding").set_value("same").run()
    assert app.number_input(key="stride").disabled
    assert any("'same' needs stride 1" in caption for caption in read(app.caption)) or any(
        "stride" in caption for caption in read(app.caption)
    )
    assert OFFERED["kernel_size"] == 31


def test_per_axis_settings():
    app = open_page(per_axis="true", input_size_h="6", input_size_w="5", kernel_size_h="3", kernel_size_w="1")
    sound(app)
    assert shown_spec(app).kernel_size == (3, 1)
    assert shown_spec(app).input_size == (6, 5)
    app.number_input(key="stride_h").set_value(2).run()
    assert shown_spec(sound(app)).stride == (2, 1)


PINS = [
    ({}, "output.0.1.1", {"grid": "output", "channel": 0, "cell": 3}),
    ({"padding": "1"}, "input.0.1.2", {"grid": "input", "channel": 0, "cell": 2 * 6 + 3}),
    ({"padding": "1", "padding_mode": "reflect"}, "input.0.0.0", {"grid": "input", "channel": 0, "cell": 7}),
    ({"out_channels": "2"}, "weight.1.2.0", {"grid": "weight", "channel": 1, "cell": 6}),
    ({"kind": "max_pool"}, "output.0.1.0", {"grid": "output", "channel": 0, "cell": 2}),
    ({"kind": "depthwise_separable"}, "pointwise.weight.0.0.0", {"grid": "pointwise.weight", "channel": 0, "cell": 0}),
    ({"kind": "causal", "dims": "1"}, "input.0.2", {"grid": "input", "channel": 0, "cell": 4}),
    ({"dims": "3"}, "output.0.1.0.1", {"grid": "output", "channel": 0, "cell": 5}),
]


@pytest.mark.parametrize(("layer", "cell", "selected"), PINS)
def test_the_link_pins_a_cell(layer, cell, selected):
    app = sound(open_page(**layer, cell=cell))
    assert app.warning.values == []
    assert stages(app)[0]["selected"] == selected | {"pinned": True}
    assert app.query_params["cell"] == cell


@pytest.mark.parametrize("cell", ["output.0.2.0", "output.0.1", "map.0.0.0", "input.-1.0.0", "", "weight.0.1.x", "²"])
def test_a_cell_that_the_layer_has_not_is_told_and_leaves_the_link(cell):
    app = sound(open_page(cell=cell))
    assert stages(app)[0]["selected"] == {"grid": "output", "channel": 0, "cell": 0, "pinned": False}
    assert [f"“{cell}” is no cell of this layer" in told for told in app.warning.values] == [True]
    assert "cell" not in app.query_params


def test_a_cover_keeps_the_pinned_cell_and_a_question_about_another_lets_it_go():
    app = sound(open_page(ask="A1", cell="output.0.1.0"))
    assert veiled(app)
    assert stages(app)[0]["selected"] == {"grid": "output", "channel": 0, "cell": 2, "pinned": True}
    assert (app.query_params["ask"], app.query_params["cell"]) == ("A1", "output.0.1.0")
    app.button(key="reveal").click().run()
    assert stages(sound(app))[0]["selected"]["pinned"]
    asks = next(one for one in asking(SceneEditor(LayerEditor())).questions if one.selects and not one.cell)
    app.menu_button(key="questions_playground").click(asks.name).run()
    assert stages(sound(app))[0]["selected"] == {
        "grid": "output", "channel": 0, "cell": asks.selects, "pinned": False
    }  # fmt: skip
    assert "cell" not in app.query_params
