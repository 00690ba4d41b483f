"""Layers that could do the same job: the lectures' numbers on the tiles, what is covered, and the times."""

import pytest

from models.alternatives import WAYS
from pages.cost.ways import EXAMPLES, SETTINGS
from tests.pages.support import charts, opened, read, sound, tiles

PAGE = "cost/ways.py"


def numbers(app) -> dict[str, dict[str, str]]:
    plain = lambda text: text.replace("\u202f", "")  # noqa: E731
    return {name: {k: plain(v) for k, v in tile["numbers"]} for name, tile in tiles(app).items()}


def test_the_bottleneck_of_the_lectures():
    """A5: 120.42 M against 2.41 M + 10.04 M."""
    app = opened(PAGE, ask="none")
    found = numbers(app)
    assert found["standard"]["MACs"] == "120422400"
    assert found["bottleneck"] == {
        "MACs": "12443648", "of standard": "10.3 %", "weights": "15872", "sees": "5 × 5 pixels",
        "channels": "192 of 192",
    }  # fmt: skip
    assert tiles(app)["bottleneck"]["said"].replace("\u202f", "") == "2408448 + 10035200"
    assert found["dense"]["weights"] == str(28 * 28 * 192 * 28 * 28 * 32)
    assert found["dense"]["sees"] == "28 × 28 pixels"


@pytest.mark.parametrize(
    ("way", "seen"),
    [("standard", 192), ("grouped", 48), ("depthwise_first", 192), ("pointwise_first", 192), ("dense", 192)],
)
def test_each_layer_says_how_many_channels_an_output_sees(way, seen):
    assert numbers(opened(PAGE, ask="none"))[way]["channels"] == f"{seen} of 192"


def test_three_channels_are_a_third_and_a_ninth():
    """A18: 27 + 9 = 36 against 81, in weights and in MACs."""
    app = opened(PAGE, ask="none")
    app.button(key="cost_example_three").click().run()
    found = numbers(sound(app))
    assert (found["standard"]["weights"], found["depthwise_first"]["weights"]) == ("81", "36")
    assert found["depthwise_first"]["of standard"] == "44.4 %"
    assert int(found["depthwise_first"]["MACs"]) * 81 == int(found["standard"]["MACs"]) * 36


def test_a_question_that_waits_shows_no_number():
    app = opened(PAGE, ask="one")
    assert set(numbers(app)) == {"standard"}
    assert {v for tile in numbers(app).values() for v in tile.values()} == {"?"}
    assert not charts(app)


@pytest.mark.parametrize("way", WAYS)
def test_each_layer_can_be_chosen_by_link(way):
    app = opened(PAGE, ask="none", way=WAYS[way].title, in_channels="8", out_channels="8", hidden="2")
    assert WAYS[way].title in read(app.header)
    assert not app.warning


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_is_one_click_and_marks_its_button(name):
    app = opened(PAGE, ask="none")
    app.button(key=f"cost_example_{name}").click().run()
    sound(app)
    given = {key: setting.default for key, setting in SETTINGS.items()} | EXAMPLES[name][1]
    assert {key: app.session_state[setting.at] for key, setting in SETTINGS.items()} == given


def test_a_layer_that_there_is_not_says_why_and_the_others_stay():
    app = opened(PAGE, ask="none", in_channels="5", out_channels="7", groups="3")
    found = tiles(app)
    assert found["grouped"]["said"].startswith("5 channels do not divide into 3 groups")
    assert found["grouped"]["steps"] == []
    assert found["standard"]["steps"]


def test_times_are_measured_when_they_are_asked_for():
    app = opened(PAGE, ask="none", in_channels="4", out_channels="4", size="6", kernel_size="3", hidden="2")
    assert len(charts(app)) == 1
    app.button(key="time").click().run()
    assert len(charts(sound(app))) == 2
    app.run()
    assert len(charts(app)) == 2


@pytest.mark.parametrize(
    "query", [{"in_channels": "0"}, {"size": "999"}, {"kernel_size": "4"}, {"way": "x"}, {"groups": "--5"}]
)
def test_a_value_that_there_is_not_is_one_sentence(query):
    app = opened(PAGE, ask="none", **query)
    assert len(app.warning) == 1
    assert app.warning[0].value.startswith(next(iter(query)))
    assert numbers(app)["standard"]["MACs"] == "120422400"
