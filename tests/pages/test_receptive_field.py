"""The lesson on receptive fields without a browser: every part, every example, bad links and bad text."""

import base64
import io
import json
import random
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from models import parse
from models.networks.effective import Case, effective
from models.networks.fields import network_field
from models.parse.code import EXAMPLES
from models.receptive_field.growth import ways
from models.stack import PRESETS, read_stack
from models.text import big
from pages.receptive_field import _kept
from pages.receptive_field._kept import Given, graph_at, inputs_for, names_of
from pages.receptive_field._second import _change
from pages.receptive_field.growth import read_dilations
from pages.receptive_field.your_network import _field, _script, given_input, pack, read_shape, shape_text, unpack
from tests.models.pasted_networks import HEAD, NETWORKS
from tests.pages.support import (
    charts,
    choosing_table,
    chosen_rows,
    components,
    diagrams,
    moved,
    opened,
    points,
    read,
    written,
)


def open_page(part: str = "build", **query) -> AppTest:
    return opened(f"receptive_field/{part}.py", **query)


def sound(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def listed(app: AppTest, label: str) -> pd.DataFrame:
    """The table of that name."""
    return next(one.value for one in app.dataframe if one.proto.alt == label)


def shown(app: AppTest) -> str:
    """All figures of the page, as HTML."""
    found = [json.loads(block.proto.json) for block in app.get("bidi_component")]
    return "".join(data["html"] for data in found if "html" in data)


def number(app: AppTest, name: str) -> str:
    return re.search(rf'data-number="{name}">.*?<span class="cs-value">(.*?)[<]', shown(app)).group(1).strip()


def row_brought_into_view(app: AppTest) -> int | None:
    """Of the table of layers, in this run."""
    found = choosing_table(app)
    return None if found["seen"] else found["row"]


def scene(app: AppTest) -> dict:
    return next(d for d in (json.loads(b.proto.json) for b in app.get("bidi_component")) if "grids" in d)


def show_example(app: AppTest, name: str) -> None:
    """A worked example, its question given up."""
    app.menu_button(key="questions_receptive-field").click(name).run()
    app.button(key="reveal").click().run()
    sound(app)


def drawn(grid: dict) -> list[int]:
    """The numbers in a grid's cells; 0 stands in padding."""
    held = grid["values"]
    return held if isinstance(held, list) else np.frombuffer(base64.b64decode(held["b"]), "<" + held["d"]).tolist()


@pytest.fixture(scope="module")
def stack_page() -> AppTest:
    return sound(open_page(ask="none", measured="true", algebra="true"))


@pytest.mark.parametrize("name", PRESETS)
def test_a_worked_example_shows_its_field(stack_page, name):
    app, preset = stack_page, PRESETS[name]
    show_example(app, name)
    size, jump = preset.expected
    assert number(app, "receptive_field") == (f"{size} × {size}" if preset.dims == 2 else str(size))
    one = scene(app)["grids"][0]
    assert {1} >= set(drawn(one)) - {0}, "a pixel sees itself"
    assert one["named"].endswith(": pixels seen"), "said once: the titles stand in one row"
    turns = "mean " if name in ("skip", "unet", "transposed") else ""
    assert number(app, "jump") == ("differs" if jump is None else f"{turns}{jump}")
    assert "cs-no" not in shown(app)
    assert len(scene(app)["grids"]) == len(preset.stack.layers) + 1
    assert any(f"**{preset.answer}.** {preset.explanation}" in block for block in read(app.markdown))


@pytest.mark.parametrize(("layer", "said"), [("c3p1", "added"), ("t4s2p1", "cut off"), ("a2p1", "Zeros added")])
def test_the_help_of_padding_is_that_of_the_kind(layer, said):
    app = sound(open_page(layers=layer))
    (box,) = [box for box in app.selectbox if box.label == "padding"]
    assert said in box.help
    assert ("“same”" in box.help) == ("same" in box.options)


@pytest.mark.parametrize("name", ["wavenet", "residual", "unet", "transposed"])
def test_a_stack_is_a_link(name):
    stack = PRESETS[name].stack
    app = sound(
        open_page(layers=stack.to_text(), dims=f"{stack.dims}-D", size=str(stack.size), channels=str(stack.channels))
    )
    assert app.session_state["_book"].kept["stack"] == stack
    assert app.warning.values == []


def test_layers_are_added_copied_moved_and_removed(stack_page):
    app = stack_page
    app.text_input(key="layers").set_value("c3-m2").run()
    app.number_input(key="size").set_value(20).run()
    for button, text, chosen in (
        ("add", "c3-c3-m2", 2),
        ("down", "c3-m2-c3", 3),
        ("copy", "c3-m2-c3-c3", 4),
        ("remove", "c3-m2-c3", 3),
        ("up", "c3-c3-m2", 2),
    ):
        app.button(key=f"stack_{button}").click().run()
        sound(app)
        assert (app.text_input(key="layers").value, app.session_state["layer"]) == (text, chosen)
    app.selectbox(key="layer2_dilation").set_value(3).run()
    assert app.text_input(key="layers").value == "c3-c3d3-m2"
    app.selectbox(key="layer2_kind").set_value("a").run()
    assert app.text_input(key="layers").value == "c3-a2-m2"


def test_a_branch_is_added_or_concatenated():
    app = sound(open_page(layers="c3p1-c3p1-c3p1", layer="2", channels="4", ask="none"))
    for said, text, channels, weights in (
        ("add 2 back", "c3p1-c3p1r2-c3p1", 4, 9 * 4 * 4),
        ("concat 2 back", "c3p1-c3p1u2-c3p1", 8, 9 * 8 * 4),
    ):
        app.selectbox(key="layer2_skip").set_value(said).run()
        assert sound(app).text_input(key="layers").value == text
        lines = app.dataframe[0].value
        assert lines["output size"].iloc[2] == f"{channels} × 11 × 11"
        assert lines["parameters"].iloc[3] == weights
        assert number(app, "receptive_field") == "7 × 7"
        same_in_a_fresh_window(app)


POOLED = """nn.Sequential(
    nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, (11, 3)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
)"""


@pytest.mark.parametrize(
    ("query", "label", "column", "read_as", "numbers"),
    [
        ({"part": "build", "layers": "c3-c9"}, "Layers of the stack", "receptive field",
         ["1 × 1", "3 × 3 ✓", "11 × 11 ✓"], [1, 3, 11]),
        ({"part": "your_network", "code": pack(POOLED), "input": "3x32x32"}, "Layers of the network",
         "receptive field", ["3×3", "13×5", "whole input"], [3, 13, np.inf]),
        ({"part": "networks", "net": "vgg16", "net_layers": "true"}, "Layers of vgg16", "start",
         ["−1", "−1", "−2", "−2", "−2", "−4", "−4", "−6", "−6", "−6", "−10"],
         [-1, -1, -2, -2, -2, -4, -4, -6, -6, -6, -10]),
        ({"part": "networks", "net": "vgg16", "net_layers": "true"}, "Layers of vgg16", "map",
         ["224×224", "224×224", "224×224", "224×224", "112×112"], [224, 224, 224, 224, 112]),
    ],
    ids=lambda value: value["part"] if isinstance(value, dict) else None,
)  # fmt: skip
def test_columns_of_sizes_and_places_sort_by_their_numbers(query, label, column, read_as, numbers):
    app = sound(open_page(**query, ask="none"))
    (drawn,) = [one for one in app.dataframe if one.proto.alt == label]
    assert written(drawn)[column][: len(read_as)] == read_as
    held, places = drawn.value[column].tolist(), range(len(numbers))
    assert [text.strip() for text in held[: len(numbers)]] == read_as
    assert sorted(places, key=held.__getitem__) == sorted(places, key=numbers.__getitem__)


def test_a_walk_through_the_controls_never_breaks(stack_page):
    dice, app = random.Random(3), stack_page
    show_example(app, "residual")
    for _ in range(25):
        buttons = [b for b in app.button if b.key and b.key.startswith("stack_") and not b.disabled]
        boxes = [s for s in app.selectbox if re.match(r"layer\d+_", s.key) and not s.disabled]
        if dice.random() < 0.4:
            dice.choice(buttons).click().run()
        else:
            box = dice.choice(boxes)
            box.select_index(dice.randrange(min(5, len(box.options)))).run()
        sound(app)
        assert "cs-no" not in shown(app)
        stack = app.session_state["_book"].kept["stack"]
        assert read_stack(app.text_input(key="layers").value, stack.dims, stack.size, stack.channels) == stack


def test_axes_are_set_apart_and_joined_again(stack_page):
    app = stack_page
    show_example(app, "two")
    app.toggle(key="apart").set_value(True).run()
    app.selectbox(key="layer1_kernel_size_columns").set_value(1).run()
    app.selectbox(key="layer1_stride_rows").set_value(2).run()
    sound(app)
    assert app.text_input(key="layers").value == "c3x1s2x1-c3"
    assert number(app, "receptive_field") == "7 × 3"
    assert number(app, "jump") == "2, 1"
    assert "cs-no" not in shown(app)
    app.toggle(key="apart").set_value(False).run()
    sound(app)
    assert app.text_input(key="layers").value == "c3s2-c3"
    app.text_input(key="layers").set_value("c3x1-c3").run()
    app.segmented_control(key="stack_dims").set_value(1).run()
    sound(app)
    assert any("two dimensions" in warning for warning in app.warning.values)


def test_a_unit_of_any_layer_is_read_out(stack_page):
    app = stack_page
    show_example(app, "pooling")
    app.number_input(key="unit_layer").set_value(2).run()
    app.number_input(key="unit_row").set_value(0).run()
    sound(app)
    assert number(app, "it_sees") == "rows −1 to 2, columns 9 to 12"
    assert number(app, "its_centre") == "0.5, 10.5"
    assert number(app, "its_jump") == "2"
    assert number(app, "on_padding") == "4"


def test_the_link_carries_the_unit_the_edited_layer_and_the_switch():
    app = sound(open_page(layers="c3p1-m2-c3x1", size="12", unit="2.0.5", layer="2", apart="true", measured="true"))
    assert scene(app)["selected"] == {"grid": "map2", "channel": 0, "cell": 5}
    assert number(app, "unit") == "(0, 5)"
    assert app.radio(key="layer").value == 2
    assert app.toggle(key="apart").value is True
    app.number_input(key="unit_layer").set_value(1).run()
    app.number_input(key="unit_row").set_value(3).run()
    assert app.query_params["unit"] == "1.3.6"
    # In the map that is drawn with the padding of the layer after it.
    assert scene(app)["selected"]["grid"] == "map1"
    app.radio(key="layer").set_value(1).run()
    assert "layer" not in app.query_params
    app.button(key="stack_remove").click().run()
    sound(app)
    moved(app, "receptive_field/growth.py")
    assert "unit" not in app.query_params
    for unit in ("9.0.0", "1.0", "x", "1.-1.0", "1.99.0"):
        app = sound(open_page(unit=unit, layer="99"))
        assert any("unit" in warning or "layer" in warning for warning in app.warning.values)


def same_in_a_fresh_window(app: AppTest, part: str = "build") -> None:
    """What the link of a page opens is what the page shows."""
    fresh = sound(open_page(part=part, **dict(app.query_params)))
    assert fresh.warning.values == []
    assert dict(fresh.query_params) == dict(app.query_params)
    assert shown(fresh) == shown(app)
    if part == "build":
        assert scene(fresh) == scene(app)
    for kind in ("selectbox", "number_input", "toggle", "radio", "text_input"):
        now, then = ([(o.key, o.value) for o in one.get(kind) if o.key != "_answered"] for one in (app, fresh))
        assert now == then


def test_one_dimension_then_more_channels():
    app = sound(open_page(ask="none", measured="true"))
    app.segmented_control(key="stack_dims").set_value(1).run()
    app.number_input(key="channels").increment().run()
    sound(app)
    assert app.query_params == {"dims": "1-D", "channels": "17", "measured": "true"}
    assert app.number_input(key="unit_row").label == "Unit: position"
    same_in_a_fresh_window(app)


def test_rows_and_columns_apart_come_back_from_the_link():
    app = sound(open_page())
    app.toggle(key="apart").set_value(True).run()
    assert app.query_params == {"apart": "true"}
    same_in_a_fresh_window(app)
    app.radio(key="layer").set_value(2).run()
    app.selectbox(key="layer2_kernel_size_rows").set_value(1).run()
    app.button(key="stack_up").click().run()
    assert app.query_params == {"layers": "c1x3-c3-c3", "apart": "true", "unit": "3.2.2"}
    assert app.radio(key="layer").value == 1
    same_in_a_fresh_window(app)


def test_the_unit_stays_where_it_is_while_the_size_changes():
    app = sound(open_page(layers="c3-m2", size="20", unit="1.12.4", measured="true"))
    app.number_input(key="size").increment().run()
    assert app.query_params["unit"] == "1.12.4"
    # On the map, whatever happens to it.
    app.number_input(key="size").set_value(10).run()
    assert app.query_params["unit"] == "1.7.4"
    assert app.number_input(key="unit_row").value == 7
    same_in_a_fresh_window(app)
    app.number_input(key="size").set_value(21).run()
    assert app.query_params["unit"] == "1.7.4"
    # Where nobody has chosen one, it is the middle.
    app = sound(open_page(measured="true"))
    app.number_input(key="size").set_value(15).run()
    assert "unit" not in app.query_params
    assert app.number_input(key="unit_row").value == 4
    same_in_a_fresh_window(app)


def test_an_example_and_another_layer_move_the_unit_to_the_middle_of_the_last():
    app = sound(open_page(unit="1.0.0", measured="true"))
    app.button(key="stack_add").click().run()
    assert app.query_params == {"layers": "c3-c3-c3-c3", "layer": "2", "measured": "true"}
    app.number_input(key="unit_layer").set_value(2).run()
    assert app.query_params["unit"] == "2.3.3"
    app.number_input(key="unit_column").set_value(0).run()
    assert app.query_params["unit"] == "2.3.0"
    app.button(key="stack_remove").click().run()
    assert app.query_params == {"layer": "2", "unit": "2.3.0", "measured": "true"}
    same_in_a_fresh_window(app)
    show_example(app, "wavenet")
    assert "unit" not in app.query_params
    assert any(PRESETS["wavenet"].question in block for block in read(app.markdown))
    app.number_input(key="channels").set_value(2).run()
    assert not any(PRESETS["wavenet"].question in block for block in read(app.markdown))
    same_in_a_fresh_window(app)


def test_the_size_offers_what_the_layers_take():
    app = sound(open_page(layers="c3-c3-c3"))
    box = app.number_input(key="size")
    assert (box.min, box.max, box.step) == (7, 40, 1)
    app = sound(open_page(layers="c3s2p1-t4s2p1r2", dims="1-D", size="16"))
    box = app.number_input(key="size")
    assert (box.min, box.max, box.step) == (2, 100_000, 2)
    app.segmented_control(key="stack_dims").set_value(2).run()
    assert app.number_input(key="size").max == 40


def test_a_sound_of_100_000_samples_has_its_numbers():
    """The seven layers of wav2vec 2.0: 400 samples, one answer every 320 (Baevski et al. 2020, section 2)."""
    app = open_page(layers="c10s5-c3s2-c3s2-c3s2-c3s2-c2s2-c2s2", dims="1-D", size="100000", ask="none")
    assert not sound(app).warning
    assert (number(app, "receptive_field"), number(app, "jump")) == ("400", "320")
    assert list(listed(app, "Layers of the stack")["output size"])[-1] == "16 × 312"
    assert any("too many to be drawn" in text for text in read(app.markdown))
    assert app.number_input(key="size").min == 400
    app.number_input(key="size").set_value(399).run()
    assert number(sound(app), "receptive_field") == "400"
    # Short enough, it is drawn again.
    app = sound(open_page(layers="c3-c3", dims="1-D", size="128", ask="none"))
    assert scene(app)
    app.number_input(key="size").set_value(129).run()
    assert not [one for one in components(sound(app)) if "grids" in one]


def test_what_does_not_fit_stays_and_it_is_said_what_would():
    app = sound(open_page(layers="c3-c3", size="9"))
    app.text_input(key="layers").set_value("c7-c5").run()
    sound(app)
    assert any("It fits on 11 to 40 pixels. Until then you see c3-c3 on 9" in told for told in app.warning.values)
    assert (app.text_input(key="layers").value, app.number_input(key="size").value) == ("c7-c5", 9)
    assert number(app, "receptive_field") == "5 × 5"
    # The link says what is seen.
    assert app.query_params == {"layers": "c3-c3", "size": "9"}
    app.number_input(key="size").increment().run()
    assert app.warning.values
    app.number_input(key="size").increment().run()
    assert app.warning.values == []
    assert number(app, "receptive_field") == "11 × 11"
    same_in_a_fresh_window(app)


def test_a_stack_of_a_link_that_cannot_be_built_stays_to_be_mended():
    app = sound(open_page(layers="c3-c3u1", size="16"))
    assert any("Until then you see" in told for told in app.warning.values)
    assert (app.text_input(key="layers").value, app.number_input(key="size").value) == ("c3-c3u1", 16)
    assert dict(app.query_params) == {"layers": "c3-c3u1", "size": "16"}
    app.text_input(key="layers").set_value("c3-c3").run()
    assert sound(app).warning.values == []
    assert dict(app.query_params) == {"layers": "c3-c3", "size": "16"}


@pytest.mark.parametrize("name", ["size", "channels", "layer", "unit"])
@pytest.mark.parametrize("text", ["--5", "1e9", "", "５", "-1", "9" * 5000])
def test_any_text_in_the_link_gives_a_value_or_a_sentence(name, text):
    app = sound(open_page(**{name: text}))
    assert len(app.warning.values) == 1
    assert name in app.warning[0].value
    assert "invalid literal" not in app.warning[0].value
    assert dict(app.query_params) == {}


def test_a_question_on_networks_shows_the_windows_of_those_that_it_is_about():
    """Every convolution of AlexNet and of VGG-16, whichever network is chosen; else those of the chosen one."""

    def windows(ask: str) -> list[list[str]]:
        return [one.value["window"].tolist() for one in sound(open_page(part="networks", ask=ask)).dataframe]

    alex, vgg = windows("depth")
    assert [sum(one.startswith("Conv2d") for one in rows) for rows in (alex, vgg)] == [5, 13]
    assert alex[0] == "Conv2d, kernel 11, stride 4"
    (resnet,) = windows("last")
    assert resnet[0] == "Conv2d, kernel 7, stride 2"


@pytest.mark.parametrize("part", ["effective", "growth", "networks", "your_network"])
def test_settings_of_another_page_are_told_and_left_out(part):
    app = sound(open_page(part=part, layers="1e9", unit="--1"))
    assert any("“layers” is not a setting of this page" in told for told in app.warning.values)
    assert any("“unit” is not a setting of this page" in told for told in app.warning.values)
    assert dict(app.query_params) == {}


def late() -> None:
    """Requests of widgets that have gone, before there is anything."""
    from pages.receptive_field import _editor, _unit
    from pages.receptive_field._unit import Unit

    _unit._go_to_layer()
    for name in ("kind", "kernel_size", "skip"):
        _editor._set(name, 9, None)
    _editor._set("stride", 1, 1)
    for action in ("up", "down", "remove", "copy", "add"):
        _editor._edit(action)
    _editor._join()
    for cell in (None, {}, {"grid": "map9", "cell": 0}, {"grid": "map1", "cell": -1}, {"grid": 1, "cell": []}):
        Unit(_editor.START.stack).pin([[(0, 0)] * 2] * 4, cell)


def test_late_requests_find_nothing_and_say_nothing():
    assert not AppTest.from_function(late).run().exception


def test_units_that_take_turns_have_no_one_jump():
    """A transposed layer of stride 2 after a stride of 2: fields move on by 0 and by 2 in turn."""
    app = sound(open_page(layers="c3s2p1-t4s2p1", dims="1-D", size="16", algebra="true"))
    card = re.search(r'data-number="jump">(.*?)</div>', shown(app)).group(1)
    assert "take turns: 0 or 2 pixels" in card
    assert "0 or 2, 1 on average" in shown(app)
    app = sound(open_page(layers="c3s2r1c", dims="1-D", size="23", measured="true"))
    assert number(app, "jump") == "differs"
    assert any("widest" in block for block in read(app.markdown))


def test_text_that_is_too_long_is_told_and_taken_back():
    app = open_page(layers="c3-c3")
    app.text_input(key="layers").set_value("c3-" * 400).run()
    sound(app)
    assert any("1200 characters long; 500 are read" in warning for warning in app.warning.values)
    assert app.text_input(key="layers").value == "c3-c3"


def test_a_unit_that_reads_nothing_is_told(stack_page):
    app = stack_page
    show_example(app, "two")
    app.text_input(key="layers").set_value("t1s4").run()
    app.number_input(key="unit_row").set_value(1).run()
    sound(app)
    assert number(app, "it_sees") == "nothing"
    assert any("reads nothing" in block for block in read(app.markdown))


def test_text_that_is_no_stack_keeps_the_last_picture(stack_page):
    app = stack_page
    show_example(app, "two")
    app.text_input(key="layers").set_value("c3-zebra").run()
    sound(app)
    assert any("Layer 2" in warning and "zebra" in warning for warning in app.warning.values)
    assert number(app, "receptive_field") == "5 × 5"


def test_a_bad_link_is_told():
    app = sound(open_page(layers="c3-q9", size="abc", dims="7-D", bogus="1"))
    told = " ".join(app.warning.values)
    assert all(word in told for word in ("q9", "abc", "7-D", "bogus"))
    assert scene(app)


@pytest.fixture(scope="module")
def network_page() -> AppTest:
    return sound(open_page(part="your_network"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_network_shows_its_published_parameters(network_page, name):
    app = network_page
    app.button(key=f"example_{name}").click().run()
    sound(app)
    assert app.error.values == []
    assert number(app, "parameters").replace("\u202f", "").replace(" ", "") == str(EXAMPLES[name].parameters)
    assert ("a variant of" if name == "lenet5" else "as published") in shown(app)
    assert [one.label for one in app.get("download_button")] == ["Markdown", "CSV"]
    assert len(listed(app, "Layers of the network")) == int(number(app, "operations"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[nn.Conv2d(3, 8, 3), nn.Conv2d(7, 8, 3)]", "in_channels=8"),
        ("import os", "There is no network in this text"),
        ("nn.Sequential(lambda x: x)", "lambda"),
        ("[nn.Conv2d(1, 4, 3)", "never closed"),
        ("().__class__.__bases__", "Line 1"),
        ("", ""),
        ("nn.ReLU()," * 20_000, "200000 characters"),
    ],
)
def test_text_that_does_not_fit_gets_its_sentence(network_page, text, says):
    app = network_page
    app.text_input(key="network_input").set_value("3x16x16").run()
    app.text_area(key="network_code").set_value(text).run()
    sound(app)
    assert len(app.error) == 1
    assert says in app.error[0].value.replace("\\", "")


def test_own_code_and_its_input_are_a_link():
    code = "nn.Sequential(nn.Conv1d(2, 4, 5), nn.ReLU())"
    app = sound(open_page(part="your_network", code=pack(code), input="2x40"))
    assert app.text_area(key="network_code").value == code
    assert number(app, "receptive_field") == "5"
    app = sound(open_page(part="your_network", code="###", network="nobody", side="9"))
    assert any("damaged" in warning for warning in app.warning.values)
    assert any("nobody" in warning for warning in app.warning.values)


def test_what_does_not_fit_is_drawn_told_and_listed_with_what_would_do():
    code = "[nn.Conv2d(3, 8, 3), nn.Conv2d(7, 8, 3), nn.ReLU()]"
    app = sound(open_page(part="your_network", code=pack(code), input="3x16x16"))
    (drawn,) = diagrams(app)
    why = "layer 1 (Conv2d) got 1×8×14×14, which is 8 channels, but in_channels=7."
    assert [node["name"] for node in drawn["nodes"]] == ["input", "0", "1"]
    assert drawn["nodes"][-1]["role"] == "broken"
    assert why in drawn["nodes"][-1]["told"]
    assert drawn["selected"] == "1"
    assert (chosen_rows(app), app.selectbox(key="network_line").value) == ([1], 1)
    assert why in drawn["report"]
    said = app.error[0].value.replace("\\", "")
    assert [line[:22] for line in said.splitlines()[2:]] == ["1. Set in_channels=8. ", "1. Set out_channels=7 "]
    assert "gives 1 × 8 × 12 × 12" in said
    rows = listed(app, "Layers of the network")
    assert list(rows["does not fit"]) == ["", f"✗ {why}", ""]
    assert list(rows["output"]) == ["1 × 8 × 14 × 14", "", "not reached"]
    assert list(rows["parameters"]) == [224, 512, 0]


def test_all_that_a_network_returns_is_drawn_listed_and_told():
    code = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3)
        self.b = nn.Conv2d(8, 4, 3)
    def forward(self, x):
        y = self.a(x)
        return y, self.b(y)
"""
    app = sound(open_page(part="your_network", code=pack(code), input="3x32x32"))
    (drawn,) = diagrams(app)
    ends = [(node["head"], node["lines"]) for node in drawn["nodes"] if node["role"] == "output"]
    assert ends == [("output[0]", ["8 × 30 × 30"]), ("output[1]", ["4 × 28 × 28"])]
    rows = listed(app, "Layers of the network")
    assert list(rows["output"])[-2:] == ["1 × 8 × 30 × 30", "1 × 4 × 28 × 28"]
    assert number(app, "output") == "1 × 8 × 30 × 30"
    assert "output[0]; output[1] 1 × 4 × 28 × 28" in shown(app)
    assert number(app, "receptive_field") == "3 × 3"


def test_what_is_wrong_silently_is_told_beside_the_numbers():
    code = "[nn.Conv2d(3, 8, 3), nn.Flatten(0), nn.Linear(7200, 10)]"
    app = sound(open_page(part="your_network", code=pack(code), input="3x32x32"))
    assert not app.error
    (told,) = [one.value for one in app.info]
    assert "swallows the batch axis" in told
    assert "Use nn.Flatten()" in told


@pytest.mark.parametrize(
    ("code", "shape", "told"),
    [
        ("nn.Conv2d(3, 8, 3)", "3x16x16", "Input 1 × 3 × 16 × 16: the batch axis, 1, was added."),
        ("nn.Conv2d(3, 8, 3)", "4x3x16x16", "Input 4 × 3 × 16 × 16: batch axis first, as you gave it."),
        ("nn.Conv3d(4, 8, 3)", "4x3x16x16", "Input 1 × 4 × 3 × 16 × 16: the batch axis, 1, was added."),
        ("nn.Conv2d(3, 8, 3)", "-1x3x16x16", "Input 1 × 3 × 16 × 16: −1 was read as the batch axis, 1."),
    ],
)
def test_the_page_says_whether_it_added_the_batch_axis(code, shape, told):
    app = sound(open_page(part="your_network", code=pack(code), input=shape))
    assert not app.error
    assert any(text.startswith(told) for text in read(app.caption))


CLIP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
    def forward(self, x):
        b, t, c, h, w = x.shape
        return self.conv(x.view(b * t, c, h, w))
"""


@pytest.mark.parametrize(
    ("code", "shape", "read"),
    [
        ("nn.Conv2d(1, 8, 3)", "(1, 3, 64, 64)", ((1, 3, 64, 64), False)),
        ("nn.Conv2d(1, 8, 3)", "1x3x64x64", ((1, 3, 64, 64), False)),
        ("nn.Conv3d(4, 8, 3)", "4x3x16x16", ((1, 4, 3, 16, 16), True)),
        ("nn.Conv3d(1, 8, 3)", "4x3x16x16", ((1, 4, 3, 16, 16), True)),
        (CLIP, "8x3x64x64", ((1, 8, 3, 64, 64), True)),
    ],
)
def test_four_sizes_for_a_network_of_pictures_are_a_batch(code, shape, read):
    (name, *_) = names_of(code) or (None,)
    assert given_input(Given(code, name), shape)[1:] == read


PAIR = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(100, 10)
    def forward(self, x):
        return self.fc(x)

class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
    def forward(self, x):
        return self.conv(x)

class Loss(nn.Module):
    def forward(self, x):
        return x.pow(2).mean()

net, d = Net(), D()
criterion = Loss()
"""


def test_of_several_networks_a_loss_is_not_the_one_that_is_meant_and_another_that_fits_is_told():
    app = sound(open_page(part="your_network", code=pack(PAIR), input="100"))
    assert app.selectbox(key="network_which").value == "d"
    assert "This input fits net: choose it." in app.info[0].value
    app.selectbox(key="network_which").set_value("criterion").run()
    assert number(sound(app), "output") == "a number"
    assert list(listed(app, "Layers of the network")["output"])[-1] == "a number"
    app.selectbox(key="network_which").set_value("net").run()
    assert number(sound(app), "output") == "1 × 10"
    assert not app.info


def test_what_a_pasted_text_feeds_its_network_is_the_input_until_the_visitor_types_another():
    app = open_page(part="your_network", ask="none")
    code = "net = nn.Sequential(nn.Conv2d(3, 8, 3))\n"
    app.text_area(key="network_code").set_value(code).run()
    app.text_input(key="network_input").set_value("3x20x20").run()
    app.text_area(key="network_code").set_value(f"{code}y = net(torch.randn(2, 3, 40, 40))").run()
    assert app.text_input(key="network_input").value == "3x40x40"
    app.text_input(key="network_input").set_value("3x21x21").run()
    app.text_area(key="network_code").set_value(f"{code}\ny = net(torch.randn(2, 3, 40, 40))").run()
    assert app.text_input(key="network_input").value == "3x21x21"
    app.text_area(key="network_code").set_value(code.replace("8", "9")).run()
    assert sound(app).text_input(key="network_input").value == "3x21x21"


def test_a_stack_of_classes_of_ones_own_is_taken_along_as_it_is():
    app = sound(open_page(part="your_network", code=pack(f"{CLASSES}\nnet = nn.Sequential(Block(3))"), input="3x16x16"))
    assert not app.error
    text = f"{CLASSES}\nnet = nn.Sequential(Block(3))"
    whole = f"import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n{text}"
    checks = "; asserts the shape that comes out and the parameters."
    for given, said in ((text, "with the imports that it lacked"), (whole, "as you pasted it")):
        told, script = _script(_kept.Given(given, "net"), (1, 3, 16, 16))
        assert told == f"Your code, {said}{checks}"
        assert script.startswith(f"{whole}\n\nmodel = net\n")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_script_of_a_pasted_class_asserts_what_is_on_the_page(name):
    text, shape = NETWORKS[name]
    text = text.removeprefix(HEAD)
    told, script = _script(_kept.Given(text, _kept.main_of(text)), shape)
    assert "asserts the shape that comes out and the parameters" in told
    exec(script, {"__name__": "alone"})
    for number in re.findall(r"(?<=== )(?:\(.*\)|\d+)$", script, re.M)[-2:]:
        with pytest.raises(AssertionError):
            exec(script.replace(f"== {number}", "== 1.5"), {"__name__": "alone"})


@pytest.mark.parametrize(
    ("text", "asserts"),
    [
        # Two of one shape; words; a tuple comes out; made where no line after it reaches.
        ("class Net(nn.Module):\n    def forward(self, a, b):\n        return a + b\n", 2),
        (
            "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.words = nn.Embedding(9, 4)\n    def forward(self, a):\n        return self.words(a)\n",
            2,
        ),
        ("class Net(nn.Module):\n    def forward(self, a):\n        return a, a\n", 1),
        (
            "class Net(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n        self.n = n\n"
            "    def forward(self, a):\n        return a * self.n\nif __name__ == '__main__':\n    net = Net(4)\n",
            0,
        ),
    ],
)
def test_a_script_asserts_what_it_can(text, asserts):
    _, script = _script(_kept.Given(text, _kept.main_of(text)), (1, 3, 8, 8))
    assert script.count("assert ") == asserts
    exec(script, {"__name__": "alone"})


def test_the_script_of_layers_asserts_what_comes_out_and_the_parameters():
    lenet = _kept.Given(EXAMPLES["lenet5"].code)
    told, script = _script(lenet, (1, 1, 32, 32))
    assert "asserts the shape that comes out and the parameters" in told
    exec(script, {})
    for number in ("61706", "(1, 10)"):
        assert number in script
        with pytest.raises(AssertionError):
            exec(script.replace(f"== {number}", "== 1"), {})
    # What does not fit, it builds.
    assert "assert" not in _script(lenet, (1, 1, 30, 30))[1]


def test_a_change_of_something_else_reads_no_network_again(monkeypatch):
    app = sound(open_page(part="your_network", code=pack("nn.Conv2d(3, 8, 5)"), input="3x17x17"))
    monkeypatch.setattr(_kept, "read_graph", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(parse, "Reading", lambda *_: pytest.fail("parsed again"))
    assert number(sound(app.run()), "operations") == "1"


def test_a_pasted_class_is_read_once(monkeypatch):
    app = sound(open_page(part="your_network", ask="none"))
    read_once, parsed, graphs = CLASSES.split("class Other")[0], [], []
    count = lambda made, real: lambda *given, **how: made.append(given[0]) or real(*given, **how)  # noqa: E731
    monkeypatch.setattr(parse, "Reading", count(parsed, parse.Reading))
    monkeypatch.setattr(_kept, "read_graph", count(graphs, _kept.read_graph))
    text = read_once.replace("classes, width: int", "classes=7, width=24")
    app.text_area(key="network_code").set_value(text).run()
    assert number(sound(app), "output") == "1 × 7"
    assert (len(parsed), len(graphs)) == (1, 1)


CLASSES = """
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
    def forward(self, x):
        return F.relu(self.conv(x)) + x

class Net(nn.Module):
    def __init__(self, classes, width: int):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(5)])
        self.fc = nn.Linear(width, classes)
    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))

class Other(nn.Module):
    def __init__(self, kernel):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel)
    def forward(self, x):
        return self.conv(x)
"""


def test_the_field_before_the_whole_input_is_the_largest_of_all_ways():
    code = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.skip, self.conv = nn.Conv2d(3, 4, 3), nn.Identity(), nn.Conv2d(4, 4, 3, padding=1)
    def forward(self, x):
        x = self.stem(x)
        y = self.conv(x)
        return self.skip(x) + y * y.mean((2, 3), keepdim=True)
"""
    told = _field(graph_at(Given(code), (1, 3, 16, 16)))
    assert told == ("5 × 5", "of conv (Conv2d); after it, the whole input")


def test_a_script_calls_a_class_with_what_it_was_given():
    given = _kept.Given(CLASSES, "Net", (("classes", "10"), ("width", "16")))
    told, script = _script(given, (1, 3, 32, 32))
    assert "model = Net(classes=10, width=16)\ny = model.eval()(torch.zeros((1, 3, 32, 32)))\n" in script
    assert "asserts the shape" in told
    exec(script, {})


def test_of_several_classes_the_page_asks_which_and_what_they_are_called_with():
    app = sound(open_page(part="your_network", code=pack(CLASSES), input="3x32x32"))
    assert app.selectbox(key="network_which").options == ["Net", "Other"]
    assert [one.value for one in app.info] == ["Give the network its arguments at the left, under the code."]
    app.text_input(key="arg_kernel").set_value("5").run()
    assert number(sound(app), "parameters") == str(4 * 3 * 25 + 4)
    app.selectbox(key="network_which").set_value("Net").run()
    app.text_input(key="arg_classes").set_value("10").run()
    app.text_input(key="arg_width").set_value("16").run()
    assert not sound(app).error
    parameters = (3 * 9 + 1) * 16 + 5 * (16 * 9 + 1) * 16 + 17 * 10
    assert number(app, "parameters") == big(parameters)
    assert [node["head"] for node in diagrams(app)[0]["nodes"]] == [
        "input",
        "Conv2d",
        "5 × Block",
        "mean",
        "Linear",
        "output",
    ]
    same_in_a_fresh_window(app, "your_network")
    app.text_input(key="arg_width").set_value("__import__('os')").run()
    assert len(sound(app).error) == 1


def test_a_chosen_operation_stays_by_name_and_its_row_and_line_with_it():
    code = CLASSES.split("class Other")[0].replace("classes, width: int", "classes=10, width=16")
    app = sound(open_page(part="your_network", code=pack(code), input="3x32x32"))
    line = app.selectbox(key="network_line")
    assert (line.value, list(line.options)) == (
        None,
        [
            "5: self.conv = nn.Conv2d(width, width, 3, padding=1)",
            "7: return F.relu(self.conv(x)) + x",
            "12: self.stem = nn.Conv2d(3, width, 3)",
            "14: self.fc = nn.Linear(width, classes)",
            "16: return self.fc(self.blocks(self.stem(x)).mean((2, 3)))",
        ],
    )
    # It makes a convolution in each of five blocks, which are folded: the first is unfolded, and all are marked.
    line.set_value(5).run()
    assert (chosen_rows(app), row_brought_into_view(app)) == ([1], 1)
    # What is chosen already stays where the visitor has scrolled it, and so does what is chosen in the table itself.
    assert row_brought_into_view(app.run()) is None
    (drawn,) = diagrams(sound(app))
    names = [node["name"] for node in drawn["nodes"]]
    assert drawn["selected"] == "blocks.0.conv"
    assert [name for name, also in zip(names, drawn["alike"], strict=True) if also] == [
        "blocks.0.conv", *(f"blocks.{at}" for at in range(1, 5))
    ]  # fmt: skip
    assert any(text.startswith("This line makes 5 operations: blocks.0.conv, ") for text in read(app.caption))
    # Another text that has it, at another place; and one that has not.
    app.text_area(key="network_code").set_value(
        code.replace("self.blocks(self.stem(x))", "self.blocks(self.stem(x) + 1)")
    ).run()
    assert (chosen_rows(app), app.selectbox(key="network_line").value) == ([2], 5)
    assert diagrams(sound(app))[0]["selected"] == "blocks.0.conv"
    app.text_area(key="network_code").set_value("[nn.Conv2d(3, 8, 3),\n nn.ReLU(),\n nn.Conv2d(8, 8, 3)]").run()
    assert (chosen_rows(app), app.selectbox(key="network_line").value) == ([], None)
    assert diagrams(sound(app))[0]["selected"] is None


RECURRENT = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.after = nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.LSTM(900, 8)

    def forward(self, x):
        return self.after(self.conv(x).flatten(2))[0]
"""
POOLED = RECURRENT.replace("self.conv(x)", "self.pool(self.conv(x))").replace("900", "1")


@pytest.mark.parametrize(
    ("code", "size", "of"),
    [
        ("[nn.Conv2d(3, 8, 5), nn.ReLU()]", "5 × 5", "of 1 (ReLU), the output"),
        (
            "[nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()]", "3 × 3",
            "of 0 (Conv2d); after it, the whole input",
        ),
        (POOLED, "3 × 3", "of conv (Conv2d); after it, the whole input, and later none can be followed"),
        (RECURRENT, "3 × 3", "of flatten (flatten); after it, none can be followed"),
        ("[nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(9, 8, 3)]", "3 × 3", "of 1 (ReLU), the last that fits"),
        ("[nn.AdaptiveAvgPool2d(1), nn.Flatten()]", "whole input", "of each unit of the output"),
    ],
)  # fmt: skip
def test_the_page_says_of_what_the_receptive_field_is(code, size, of):
    app = open_page(part="your_network", code=pack(code), input="3x32x32")
    assert number(app, "receptive_field") == size
    assert of in shown(app)


def test_a_class_that_does_not_fit_has_advice_and_another_size():
    code = (
        CLASSES.split("class Other")[0]
        .replace("classes, width: int", "classes=10, width=16")
        .replace("F.relu", "F.gelu")
    )
    app = sound(open_page(part="your_network", code=pack(code), input="1x32x32", whatif="true"))
    said = app.error[0].value.replace("\\", "")
    assert said.startswith("**Layer stem (Conv2d) got 1×1×32×32, which is 1 channel, but in_channels=3.**")
    assert "1. Set in_channels=1. " in said
    app.text_input(key="network_input").set_value("3x32x32").run()
    assert not sound(app).error
    assert listed(app, "Layers of the network")["operation"].tolist().count("gelu()") == 5
    assert any("smallest input that fits is **3 × 3 × 3**" in text for text in read(app.markdown))


def test_what_other_sizes_would_do():
    code = "[nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU()]"
    app = sound(open_page(part="your_network", code=pack(code), input="3x65x65", whatif="true"))
    sizes = listed(app, "Sizes near yours").set_index("input")
    assert sizes.loc["3 × 65 × 65 (yours)", "left over"] == "Layer 1 leaves 1 pixel at the end unread."
    assert {one for one in sizes["left over"] if "leaves" not in one} == {"whole maps"}
    assert sizes.loc["3 × 64 × 64", "output"] == "1 × 8 × 29 × 29"
    told = " ".join(read(app.markdown))
    assert "The smallest input that fits is **3 × 8 × 8**." in told
    # 8 + 15·2·2 = 68 of 65, and one layer less has 64.
    assert "15 more layers with a 3×3 kernel" in told
    tiles = listed(app, "Tiles for a fully convolutional network")
    assert list(tiles["tile"] - tiles["overlap"]) == list(tiles["kept of each"])
    app.slider(key="network_side_65").set_value(80).run()
    assert any(text.startswith("**3 × 80 × 80** gives 1 × 8 × 37 × 37 for") for text in read(sound(app).markdown))


def test_where_a_size_does_not_fit_the_page_says_which_do_and_the_slider_is_in_the_link():
    layers = "nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)"
    code = f"[{layers}, nn.Flatten(), nn.Linear(400, 10)]"
    app = open_page(part="your_network", code=pack(code), input="1x28x28", whatif="true")
    told = " ".join(read(app.markdown))
    assert "**1 × 28 × 28** does not fit: layer 5 (Linear)" in told
    assert "The nearest size that fits is **1 × 32 × 32**." in told
    sizes = listed(app, "Sizes near yours")
    assert [tuple(row) for row in sizes.to_numpy()] == [
        ("1 × 32 × 32", "1 × 10", 117_600 + 240_000 + 4_000, "whole maps")
    ]
    app.slider(key="network_side_28").set_value(32).run()
    assert any(text.startswith("**1 × 32 × 32** gives 1 × 10") for text in read(app.markdown))
    assert app.query_params["side"] == "32"
    same_in_a_fresh_window(app, "your_network")
    app.text_input(key="network_input").set_value("3x28x28").run()
    assert any(text.startswith("No other size that was tried fits either") for text in read(app.markdown))


@pytest.mark.parametrize(("shape", "told"), [("1x399", "does not fit: layer 6"), ("1x500", "**1 × 400**"), ("9", "no")])
def test_the_shortest_sound_and_what_has_no_size(shape, told):
    layers = [(1, 10, 5), (8, 3, 2), (8, 3, 2), (8, 3, 2), (8, 3, 2), (8, 2, 2), (8, 2, 2)]
    code = ", ".join(f"nn.Conv1d({i}, 8, {k}, stride={s})" for i, k, s in layers)
    code = f"[{code}]" if "x" in shape else "nn.Linear(9, 2)"
    app = sound(open_page(part="your_network", code=pack(code), input=shape, whatif="true"))
    assert any(told in text for text in read(app.markdown))


def test_a_second_network_is_set_beside_yours_and_in_the_link():
    other = (
        EXAMPLES["lenet5"]
        .code.replace("16,", "32,")
        .replace("kernel_size=5),\n    nn.Tanh(),\n    nn.Flatten", "5), nn.Flatten")
    )
    app = open_page(part="your_network", second="true", ask="none")
    app.text_area(key="network_second").set_value(other).run()
    found = listed(sound(app), "Differences, stage by stage").set_index("maps")
    assert found.loc["28 × 28", "parameters"] == "156"
    assert found.loc["10 × 10", "shape"] == "16 × 10 × 10 → 32 × 10 × 10"
    ours, theirs = 25 * 6 * 16 + 16, 25 * 6 * 32 + 32
    assert found.loc["10 × 10", "parameters"] == f"{big(ours)} → {big(theirs)} (+100 %)"
    assert app.query_params["with"] == pack(other)
    same_in_a_fresh_window(app, "your_network")
    app.text_area(key="network_second").set_value("nn.Linear(3, 4)").run()
    assert "The second network stops" in app.error[0].value
    app.text_area(key="network_second").set_value("import os").run()
    assert "There is no network in this text" in app.error[0].value
    assert len(listed(app, "Layers of the network")) == 12
    # Of several networks the last is meant; and other sizes of the maps stand beside each other all the same.
    padded = (
        EXAMPLES["lenet5"].code.replace("(1, 6, kernel_size=5", "(1, 6, 5, padding=2").replace("(120, 84", "(480, 84")
    )
    app.text_area(key="network_second").set_value(padded).run()
    found = listed(sound(app), "Differences, stage by stage")
    assert list(found["maps"]) == [
        "28 × 28 → 32 × 32", "14 × 14 → 16 × 16", "10 × 10 → 12 × 12", "5 × 5 → 6 × 6", "– → 2 × 2", "one place"
    ]  # fmt: skip
    pooled = "[nn.Conv2d(1, 6, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10)]"
    app.text_area(key="network_second").set_value(pooled).run()
    found = listed(sound(app), "Differences, stage by stage").set_index("maps")
    assert list(found.loc[["28 × 28", "one place"], "a unit sees"]) == ["5 × 5", "32 × 32 → whole input"]
    several = CLASSES.replace("kernel):", "kernel=3):").replace("classes, width: int", "classes=10, width=16")
    app.text_area(key="network_second").set_value(several.replace("(3, 4", "(1, 4")).run()
    assert not sound(app).error
    assert "Of the networks in this text Other is compared." in read(app.caption)


def test_what_was_typed_survives_a_look_at_another_part():
    app = open_page(part="your_network")
    app.text_area(key="network_code").set_value("[nn.Conv1d(1, 4, 3)]").run()
    app.text_input(key="network_input").set_value("1x20").run()
    moved(app, "receptive_field/build.py")
    moved(app, "receptive_field/your_network.py")
    assert app.text_area(key="network_code").value == "[nn.Conv1d(1, 4, 3)]"
    assert app.text_input(key="network_input").value == "1x20"


def test_packed_code_cannot_be_a_bomb():
    assert unpack(pack("nn.ReLU()")) == "nn.ReLU()"
    for text in (pack("a" * 200_000), pack("x")[:-3], "é", "", "AAAA"):
        with pytest.raises(ValueError, match="damaged"):
            unpack(text)


def test_shapes_and_dilations_are_read_or_refused():
    assert read_shape("3x224x224") == (1, 3, 224, 224)
    assert read_shape("(1, 28, 28)") == (1, 1, 28, 28)
    assert read_shape("1,1,16,32,32") == (1, 1, 16, 32, 32)
    with pytest.raises(ValueError, match="below 1000000"):
        read_shape("3x1000000x32")
    for text in ("", "3xx", "a", "0x3", "1x2x3x4x5x6", "-1x3", "9999999x1", "３x3"):
        if text != "3xx":
            with pytest.raises(ValueError, match="input"):
                read_shape(text)
    assert read_dilations("2, 2 2") == (2, 2, 2)
    for text in ("", "0", "20", "1 2 3 4 5 6 7", "x", "1.5", "1 " * 9):
        with pytest.raises(ValueError, match=r"dilation|span"):
            read_dilations(text)


@pytest.mark.parametrize("net", ["vgg16", "resnet50", "efficientnet_b0", "inception_v3", "vit_b_16"])
def test_a_real_network_shows_its_field(net):
    app = sound(open_page(part="networks", net=net, ask="none", net_stages="true"))
    assert app.error.values == []
    expected = {"vgg16": "212 × 212", "resnet50": "427 × 427", "inception_v3": None}
    if expected.get(net):
        assert number(app, "receptive_field") == expected[net]
    if net == "resnet50":
        assert any("483" in block and "stride" in block for block in read(app.markdown))
    if net == "efficientnet_b0":
        assert "yes, by a global branch" in set(listed(app, f"Stages of {net}")["whole image?"])


def test_a_network_that_takes_one_size_alone_says_which():
    app = open_page(part="networks", net="vit_b_16", side="96")
    assert not app.exception
    (error,) = app.error.values
    assert "itself refuses this size" in error
    assert "Expected 224" in error
    assert "Proxy" not in error
    app.number_input(key="side").set_value(224).run()
    assert sound(app).error.values == []


def test_any_layer_of_a_network_is_chosen_and_listed():
    app = sound(open_page(part="networks", net="vgg16", layer_name="features.5", net_layers="true"))
    assert list(listed(app, "Layers of vgg16")["layer"])[5] == "features.5"
    assert number(app, "receptive_field") == "10 × 10"
    app.button(key="layer_deeper").click().run()
    assert app.selectbox(key="layer_name").value == "features.6"
    app.button(key="stage_32").click().run()
    assert number(app, "receptive_field") == "212 × 212"
    app.selectbox(key="net").set_value("small").run()
    sound(app)
    assert number(app, "receptive_field") == "40 × 40"
    assert any("our own" in block for block in read(app.markdown))
    app = sound(open_page(part="networks", net="alexnet", layer_name="nothing"))
    assert any("nothing" in warning for warning in app.warning.values)


@pytest.mark.parametrize(
    ("part", "net", "layer", "query"),
    [("networks", "net", "layer_name", {"side": "64"}), ("effective", "of", "of_layer", {"inputs": "1"})],
)
def test_the_last_layer_of_one_network_is_followed_by_the_last_of_the_next(part, net, layer, query):
    app = sound(open_page(part=part, **query, **{net: "densenet121"}))
    assert app.selectbox(key=layer).value == "relu"
    # This name is that of the first ReLU here.
    app.selectbox(key=net).set_value("resnet18").run()
    assert sound(app).selectbox(key=layer).value == "layer4.1.relu_1"
    assert layer not in app.query_params
    app.selectbox(key=layer).set_value("relu").run()
    app.selectbox(key=net).set_value("resnet50").run()
    assert sound(app).selectbox(key=layer).value == "relu"


@pytest.mark.parametrize(("net", "reason"), [("vit_b_32", "learned tokens"), ("swin_v2_b", "shifted_window_attention")])
def test_a_network_of_attention_is_measured_up_to_it_and_says_why(net, reason):
    app = sound(open_page(part="networks", net=net))
    app.button(key="measure_network").click().run()
    sound(app)
    assert any("the same as traced ✓" in block for block in read(app.markdown))
    assert any(reason in block.value for block in app.info)


def test_of_an_upload_it_is_told_what_was_changed_or_why_it_is_no_picture():
    app = open_page(part="networks", net="alexnet", picture="Your own")
    app.file_uploader(key="picture_file").upload("a.png", b"no picture", "image/png").run()
    sound(app)
    assert any("not a picture" in error for error in app.error.values)
    file = io.BytesIO()
    frames = [Image.new("RGBA", (40, 20), (200, 0, each, 90)) for each in (0, 9)]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    app.file_uploader(key="picture_file").upload("b.png", file.getvalue(), "image/png").run()
    told = "40 × 20 pixels, cut to a square, shown at 448 × 448. Its transparency is laid on white. "
    assert f"{told}Of its pictures, the first is used." in sound(app).caption.values
    assert app.error.values == []


def test_an_image_too_small_for_a_network_gets_its_sentence():
    app = sound(open_page(part="networks", net="alexnet", side="32"))
    assert app.error.values or number(app, "receptive_field")


def test_ways_to_grow_count_the_holes():
    app = sound(open_page(part="growth", dilations="3, 3", unread="true"))
    assert "49 are read, 120 never" in shown(app)
    assert "Number in a cell: paths from this pixel to the unit" in shown(app)
    assert "25 are read, 144 never" in shown(app)
    app.segmented_control(key="cost").set_value("MACs").run()
    app.text_input(key="dilations").set_value("99").run()
    sound(app)
    assert any("at most 19" in warning for warning in app.warning.values)


@pytest.mark.parametrize(("cost", "field"), [("Parameters", "parameters"), ("MACs", "macs"), ("Layers", "layers")])
def test_ways_to_grow_are_drawn_at_what_they_cost(cost, field):
    app = sound(open_page(part="growth", cost=cost, width="8", wavenet="true"))
    drawn, found = charts(app)["growth_plot"], ways(8)
    assert {line["name"]: points(line) for line in drawn["data"]} == {
        name: [(getattr(p, field), p.size) for p in each] for name, each in found.items()
    }
    assert [line["text"] for line in drawn["data"]] == [[p.what for p in each] for each in found.values()]
    levels = {one["name"]: one["y0"] if one.get("xref") == "paper" else one["x0"] for one in drawn["layout"]["shapes"]}
    budget = {} if cost == "Layers" else {"budget: one 7×7": getattr(found["larger kernel"][2], field)}
    assert levels == {"image, 128 pixels": 128} | budget
    fast, slow = charts(app)["wavenet_plot"]["data"]
    assert [fast["y"][3], slow["y"][3]] == [16, 5]


def test_the_numbers_of_a_chart_are_a_table_when_it_is_opened():
    app = open_page(part="growth")
    assert len(app.dataframe) == 1
    app.session_state["growth_plot_numbers"] = True
    table = sound(app.run()).dataframe[0].value
    assert list(table) == ["Line", "Point", "Parameters, 16 channels", "Receptive field, pixels a side"]
    assert list(table.itertuples(index=False, name=None)) == [
        (line["name"], what, *place)
        for line in charts(app)["growth_plot"]["data"]
        for what, place in zip(line["text"], points(line), strict=True)
    ]
    # Numbers stand there as they do in the heading and in the other table.
    shown = [written(one) for one in app.dataframe]
    assert "12\u202f544" in shown[0]["Parameters, 16 channels"]
    assert shown[1]["parameters"][0] == "11\u202f520"
    assert shown[1]["MACs"][0] == "50\u202f282\u202f496"


def test_the_effective_field_has_its_numbers():
    app = sound(open_page(part="effective", depth="4", inputs="1", weights="equal", relu="false"))
    assert number(app, "theoretical_box") == "9 × 9"
    assert number(app, "inside_the_box") == "100 %"
    app.selectbox(key="of").set_value("Your stack").run()
    sound(app)
    assert number(app, "theoretical_box") == "7 × 7"
    app.number_input(key="energy_unit_row").set_value(0).run()
    sound(app)
    assert "unit (0, 2)" in shown(app)
    app.selectbox(key="of").set_value("small").run()
    app.selectbox(key="energy_weights").set_value("trained").run()
    sound(app)
    assert number(app, "theoretical_box") == "24 × 40"
    assert number(app, "inside_the_box") == "100 %"


def test_who_stops_while_others_have_their_turn_can_go_on():
    app = sound(open_page(part="effective", depth="5", inputs="2", weights="random", relu="true"))
    app.slider(key="depth").set_value(6)
    app.session_state["_book"].kept["stopped"] = Case("depth", "random", True, 2, 6)
    sound(app.run())
    assert "Stopped after 0 of 2 inputs." in read(app.caption)
    app.button(key="go_on").click().run()
    assert number(sound(app), "theoretical_box") == "13 × 13"


def test_the_effective_field_is_a_surface_and_its_profiles():
    app = sound(open_page(part="effective", depth="4", inputs="1", weights="equal", relu="false"))
    found, drawn = effective(Case("depth", "uniform", False, 1, 4)), charts(app)
    root = np.sqrt(found.energy / found.energy.max())
    assert np.allclose(drawn["effective_surface"]["data"][0]["z"], root, atol=1e-3)
    by_column, by_row = drawn["effective_profile"]["data"]
    assert np.allclose(by_column["y"], 100 * found.profiles[1])
    assert np.allclose(by_row["y"], 100 * found.profiles[0])
    (cx, hx), box = (found.centre[1], found.half_width[1]), found.box[1]
    ends = [shape["x0"] for shape in drawn["effective_profile"]["layout"]["shapes"]]
    assert np.allclose(ends, [cx - hx, cx + hx, *box])
    theory, measured, closed = drawn["effective_growth"]["data"]
    assert theory["y"] == [2 * n + 1 for n in theory["x"]]
    # Equal weights in a linear network: the closed form is what is measured, but for whole pixels.
    assert np.allclose(measured["y"][2:], closed["y"][2:], rtol=0.15)


def test_the_effective_field_of_a_line_is_a_curve():
    app = sound(open_page(part="effective", of="Your stack", layers="c5-c3", dims="1-D", weights="equal"))
    drawn = charts(app)
    (line,) = drawn["effective_curve"]["data"]
    first, last = (shape["x0"] for shape in drawn["effective_curve"]["layout"]["shapes"])
    assert max(line["y"]) == 1
    assert [x for x, y in points(line) if y > 0] == list(range(int(first), int(last) + 1))
    assert "effective_surface" not in drawn


def test_depth_is_drawn_for_each_network_that_is_compared():
    app = sound(open_page(part="networks", net="resnet50", compare=["vgg16"], side="224"))
    drawn = charts(app)["depth_plot"]
    for line, name in zip(drawn["data"], ("resnet50", "vgg16"), strict=True):
        found = network_field(name, 224)
        assert (line["name"], line["text"]) == (name, list(found.layers))
        assert points(line) == list(zip(found.depth, found.sizes, strict=True))
    assert [shape["y0"] for shape in drawn["layout"]["shapes"]] == [224]
    assert drawn["layout"]["yaxis"]["type"] == "log"


def test_each_way_to_grow_is_priced_alike():
    app = sound(open_page(part="growth", budget="7", ask="none"))
    assert big(12_544) in " ".join(read(app.header))
    bought = listed(app, "What the same parameters buy")
    assert not any("6 layers 3×3, stride 2" in what for what in bought["what it is"])
    assert all(weights <= 12_544 for weights in bought["parameters"])
    app.segmented_control(key="cost").set_value("MACs").run()
    sound(app)
    assert "6 layers 3×3, stride 2, then 1 plain" in set(listed(app, "What the same MACs buy")["what it is"])


def test_the_growth_and_the_networks_are_links():
    app = sound(open_page(part="growth"))
    app.number_input(key="width").set_value(3).run()
    app.select_slider(key="budget").set_value(9).run()
    app.segmented_control(key="cost").set_value("Layers").run()
    assert app.query_params == {"width": "3", "budget": "9", "cost": "Layers"}
    same_in_a_fresh_window(app, "growth")
    app = sound(open_page(part="networks", net="alexnet", compare=["vgg16", "resnet18"]))
    assert app.multiselect(key="compare").value == ["vgg16", "resnet18"]
    app.button(key="layer_shallower").click().run()
    app.number_input(key="side").increment().run()
    assert dict(app.query_params) == {
        "net": "alexnet", "compare": "vgg16,resnet18", "layer_name": "features.11", "side": "256",
    }  # fmt: skip
    same_in_a_fresh_window(app, "networks")


def test_the_table_of_all_networks_stands_in_the_link(monkeypatch):
    monkeypatch.setattr("models.networks.names", lambda: ("alexnet", "vgg16"))
    app = sound(open_page(part="networks", net="alexnet", compare="vgg16", net_all="true"))
    assert "All networks" not in {one.proto.alt for one in app.dataframe}
    app.toggle(key="trace_all").set_value(True).run()
    same_in_a_fresh_window(app, "networks")
    app = sound(open_page(part="networks", **app.query_params))
    assert list(listed(app, "All networks")["receptive field"]) == [195, 212]


def test_a_network_that_does_not_take_the_image_forgets_nothing_of_the_link():
    app = sound(open_page(part="networks", net="alexnet", side="32", layer_name="features.3", at="1.1"))
    assert len(app.error) == 1
    assert app.warning.values == []


def test_the_unit_that_is_asked_and_the_visitors_stack_are_a_link():
    app = sound(open_page(part="effective", depth="3", inputs="1", weights="equal"))
    app.number_input(key="energy_unit_row").set_value(1).run()
    assert app.query_params == {"depth": "3", "inputs": "1", "weights": "equal", "unit_row": "1"}
    same_in_a_fresh_window(app, "effective")
    app.number_input(key="energy_unit_row").set_value(None).run()
    assert "unit_row" not in app.query_params
    app = sound(open_page(part="build", layers="c3-c3", size="9"))
    moved(app, "receptive_field/effective.py")
    app.selectbox(key="of").set_value("Your stack").run()
    assert app.query_params == {"of": "Your stack", "layers": "c3-c3", "size": "9"}
    assert number(app, "theoretical_box") == "5 × 5"
    same_in_a_fresh_window(app, "effective")


def test_an_example_network_is_a_link_until_its_code_is_touched():
    app = sound(open_page(part="your_network"))
    app.button(key="example_dcgan").click().run()
    assert app.query_params == {"network": "DCGAN generator"}
    assert app.button(key="example_dcgan").proto.type == "primary"
    same_in_a_fresh_window(app, "your_network")
    app.text_area(key="network_code").set_value("[nn.ConvTranspose2d(100, 3, 4)]").run()
    assert app.button(key="example_dcgan").proto.type == "secondary"
    assert set(app.query_params) == {"code", "input"}
    same_in_a_fresh_window(app, "your_network")


def test_pasted_code_brings_the_input_that_it_is_meant_for_until_one_is_typed():
    app = sound(open_page(part="your_network", ask="none"))

    def pasted(text: str) -> str:
        app.text_area(key="network_code").set_value(text).run()
        return sound(app).text_input(key="network_input").value

    assert pasted("nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 26 * 26, 10))") == "3x28x28"
    assert not app.error
    assert pasted("net = nn.Sequential(nn.Conv2d(4, 8, 3))\nnet(torch.randn(2, 4, 20, 50))") == "4x20x50"
    wired = (
        "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.f = nn.Linear(48, 2)\n"
    )
    wired += "    def forward(self, x):\n        return self.f(x.view(4, -1))\nN()(torch.rand(4, 3, 4, 4))"
    assert pasted(wired) == "torch.randn(4, 3, 4, 4)", "a view holds this batch size"
    assert not app.error
    app.text_input(key="network_input").set_value("4x9x9").run()
    assert pasted("nn.Sequential(nn.Conv2d(3, 8, 3))") == "4x9x9", "what was typed stays"
    assert app.error


def test_a_network_of_two_inputs_brings_both_and_its_link_carries_them():
    app = sound(open_page(part="your_network", ask="none"))
    text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.code = nn.Linear(100, 8)
    def forward(self, x, z):
        return self.conv(x) + self.code(z)[:, :, None, None]
Net()(torch.randn(1, 3, 32, 32), torch.randn(1, 100))
"""
    app.text_area(key="network_code").set_value(text).run()
    assert sound(app).text_input(key="network_input").value == "3x32x32; 100"
    assert not app.error
    assert number(app, "output") == "1 × 8 × 32 × 32"
    app.text_input(key="network_input").set_value("3x20x20, 100").run()
    assert number(sound(app), "output") == "1 × 8 × 20 × 20"
    assert app.query_params["input"] == "3x20x20, 100"
    again = sound(open_page(part="your_network", code=pack(text), input="3x20x20, 100"))
    (drawn,) = diagrams(again)
    assert [node["lines"] for node in drawn["nodes"] if node["role"] == "input"] == [["3 × 20 × 20"], ["100"]]
    app.text_input(key="network_input").set_value("3x20x20; 100; 7").run()
    assert app.error.values == ["Forward asks for x and z: write 2 inputs, not 3."]
    app.text_input(key="network_input").set_value("3x20x20").run()
    said = [text for text in read([*app.error, *app.markdown, *app.caption]) if "asks for x and z" in text]
    assert len(said) == 1, "it is said once"
    assert said[0].rstrip("*").endswith("write one for each, as 3x20x20; 100.")


def test_what_forward_takes_in_a_tuple_is_brought_and_written_in_brackets():
    text = """
class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.gates = nn.Conv2d(11, 8, 3, padding=1)
    def forward(self, x, state):
        h, c = state
        return self.gates(torch.cat([x, h], 1)) + c
"""
    app = sound(open_page(part="your_network", ask="none"))
    text += "Cell()(torch.randn(1, 3, 32, 32), (torch.zeros(1, 8, 32, 32), torch.zeros(1, 8, 32, 32)))"
    app.text_area(key="network_code").set_value(text).run()
    assert sound(app).text_input(key="network_input").value == "3x32x32; (8x32x32, 8x32x32)"
    assert number(app, "output") == "1 × 8 × 32 × 32"
    (drawn,) = diagrams(app)
    assert [node["name"] for node in drawn["nodes"]][:3] == ["input x", "input state[0]", "input state[1]"]
    app.text_input(key="network_input").set_value("3x16x16; (8x16x16, 8x1x1)").run()
    assert number(sound(app), "output") == "1 × 8 × 16 × 16"
    told = "Inputs 1 × 3 × 16 × 16 and 1 × 8 × 16 × 16 and 1 × 8 × 1 × 1: the batch axis, 1, was added."
    assert told in read(app.caption)


def test_a_second_network_gets_all_inputs_that_yours_is_given():
    text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.code = nn.Linear(100, 8)
    def forward(self, x, z):
        return self.conv(x) + self.code(z)[:, :, None, None]
"""
    wider = text.replace("(3, 8, 3", "(3, 8, 5").replace("padding=1", "padding=2")
    link = {"code": pack(text), "input": "3x32x32; 100", "second": "true", "with": pack(wider)}
    app = sound(open_page(part="your_network", **link))
    assert not app.error
    assert any("The second against the first, in all: parameters" in text for text in read(app.markdown))
    app.text_area(key="network_second").set_value("nn.Conv2d(3, 8, 3, padding=1)").run()
    assert not sound(app).error
    told = "The second network takes 1 input, yours 2: it is given your first."
    assert told in read(app.caption)


def test_a_network_that_fits_nowhere_brings_the_input_that_comes_farthest():
    text = "nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3))"
    assert inputs_for(text, None, (1, 1, 32, 32))[0][1] == 3


def test_what_the_text_feeds_it_is_shown_with_the_fault_that_is_asked_about():
    sound_net = "model = nn.Sequential(nn.Conv1d(1, 8, 7, 2), nn.AdaptiveAvgPool1d(1), nn.Linear(8, 5))\n"
    assert inputs_for(f"{sound_net}x = torch.rand(16, 1, 500)", None, (1, 3, 32, 32)) == ((1, 1, 500),)
    small = "model = nn.Sequential(nn.Conv2d(3, 6, 5), nn.Flatten(), nn.Linear(6 * 28 * 28, 10))\n"
    assert inputs_for(f"{small}model(torch.randn(4, 3, 64, 64))", None, (1, 3, 32, 32)) == ((1, 3, 64, 64),)
    assert inputs_for(small, None, (1, 3, 64, 64)) == ((1, 3, 32, 32),)


def test_a_shape_that_forward_itself_refuses_is_passed_over():
    text = CLASSES.split("class Other")[0].replace("classes, width: int", "classes=10, width=16")
    text = text.replace("        return self.fc(", "        b, c, h, w = x.shape\n        return self.fc(")
    assert inputs_for(f"{text}\nx = torch.zeros(16, 100)\nx = torch.zeros(1, 3, 20, 20)", None, (1, 1, 32)) == (
        (1, 3, 20, 20),
    )


def test_the_network_that_is_chosen_brings_its_own_input():
    app = sound(open_page(part="your_network", ask="none"))
    pair = "netG = nn.Sequential(nn.ConvTranspose2d(100, 3, 4), nn.Tanh())\n"
    pair += "netD = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2))\n"
    pair = f"import torchvision\nclass A:\n    pass\n{pair}"
    app.text_area(key="network_code").set_value(pair).run()
    assert sound(app).text_input(key="network_input").value == "3x32x32"
    app.selectbox(key="network_which").set_value("netG").run()
    assert sound(app).text_input(key="network_input").value == "100x1x1"
    assert not app.error
    app.selectbox(key="network_which").set_value("netD").run()
    assert sound(app).text_input(key="network_input").value == "3x32x32"


def test_a_sound_network_brings_a_sound():
    app = sound(open_page(part="your_network", ask="none"))
    text = "nn.Sequential(nn.Conv1d(1, 8, 80, 16), nn.MaxPool1d(4), nn.Conv1d(8, 8, 60))"
    app.text_area(key="network_code").set_value(text).run()
    assert sound(app).text_input(key="network_input").value == "1x8000"
    text = "nn.Sequential(nn.Conv1d(6, 16, 5), nn.Flatten(), nn.Linear(16 * 196, 2))"
    app.text_area(key="network_code").set_value(text).run()
    assert sound(app).text_input(key="network_input").value == "6x200"
    assert not app.error


MASKED = """
class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3)
        self.f = nn.Linear(10, 8)
    def forward(self, img, y):
        return self.c(img) + self.f(y)[:, :, None, None]
"""
LABELLED = """
class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(110, 8, 4)
        self.emb = nn.Embedding(10, 10)
    def forward(self, z, labels):
        return self.up(torch.cat([z, self.emb(labels)[:, :, None, None]], 1))
"""


ADDED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.colour = nn.Conv2d(3, 8, 3)
        self.depth = nn.Conv2d(1, 8, 3)
    def forward(self, x, y):
        return self.colour(x) + self.depth(y)
"""


@pytest.mark.parametrize(
    ("text", "typed", "shapes", "added"),
    [
        (MASKED, "3x32x32; 10", ((1, 3, 32, 32), (1, 10)), True),
        (MASKED, "1x3x32x32, 1x10", ((1, 3, 32, 32), (1, 10)), False),
        (MASKED, "2x3x32x32, 2x10", ((2, 3, 32, 32), (2, 10)), False),
        (MASKED, "2x3x32x32; 10", ((2, 3, 32, 32), (2, 10)), False),
        (LABELLED, "100x1x1, ()", ((1, 100, 1, 1), (1,)), True),
        (LABELLED, "100x1x1, label", ((1, 100, 1, 1), (1,)), True),
        (LABELLED, "100x1x1, 1", ((1, 100, 1, 1), (1,)), True),
        (LABELLED, "4x100x1x1; 4", ((4, 100, 1, 1), (4,)), False),
    ],
)
def test_further_inputs_have_their_batch_axis_where_the_first_has(text, typed, shapes, added):
    code, shape, was_added = given_input(Given(text), typed)
    assert ((shape, *code.others), was_added) == (shapes, added)
    graph = graph_at(code, shape)
    assert not graph.broken
    assert graph.returned[0].shapes[0][0] == shapes[0][0]
    if added:
        again = "; ".join(map(shape_text, shapes))
        assert given_input(Given(text), again) == (code, shape, True)


@pytest.mark.parametrize("typed", ["2x3x16x16; 3x1x16x16", "torch.randn(2, 3, 16, 16), torch.randn(3, 1, 16, 16)"])
def test_inputs_of_different_batches_are_told_with_what_to_write(typed):
    with pytest.raises(ValueError, match="the batches differ, 2 and 3: give each input as many") as told:
        given_input(Given(ADDED), typed)
    code, shape, _ = given_input(Given(ADDED), str(told.value).partition("as in ")[2])
    assert (shape, code.others) == ((2, 3, 16, 16), ((2, 1, 16, 16),))
    assert not graph_at(code, shape).broken


@pytest.mark.parametrize(
    ("one", "two", "share"), [(56_689, 56_706, " (+0.03 %)"), (1000, 1500, " (+50 %)"), (1000, 995, " (−0.50 %)")]
)
def test_a_small_difference_is_not_said_to_be_none(one, two, share):
    assert _change(one, two) == f"{big(one)} → {big(two)}{share}"


def test_the_table_of_another_network_gets_widths_of_its_own():
    """The browser gives the columns of a table their widths once."""
    app = opened("receptive_field/your_network.py", ask="none")
    first = app.dataframe[0].proto.id
    app.text_input(key="network_input").set_value("4x1x32x32").run()
    assert app.dataframe[0].proto.id == first
    app.text_area(key="network_code").set_value("nn.Sequential(nn.Conv2d(1, 6, kernel_size=3), nn.ReLU())").run()
    assert app.dataframe[0].proto.id != first
