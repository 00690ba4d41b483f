"""A lecturer's prepared run: made from pages, changed, taken along, walked."""

import pytest

from models.prepared import Step, pack, unpack
from pages._run import PATHS
from tests.pages.support import opened, sound

TWO = (
    Step("Bigger kernel", "playground?kernel_size=2&ask=none"),
    Step("Same page, other layer", "playground?stride=2&input_size=7&ask=none"),
    Step("Elsewhere", "transposed-matrix?ask=none"),
)


def run_of(app) -> tuple[Step, ...]:
    return unpack(app.query_params["run"].partition("~")[0], PATHS)


def test_a_page_becomes_a_step_as_it_is():
    app = opened("convolution/playground.py", kernel_size="2")
    app.button(key="open_link").click().run()
    app.text_input(key="step_title").set_value("A small kernel")
    next(one for one in app.button if one.label == "Add to a prepared run").click().run()
    sound(app.run())
    (step,) = run_of(app)
    assert (step.title, step.path) == ("A small kernel", "playground")
    assert "kernel_size=2" in step.page
    assert "run=" not in step.page
    # Enter has added it when the button is pressed, too: once.
    next(one for one in app.button if one.label == "Add to a prepared run").click().run()
    assert run_of(sound(app.run())) == (step,)
    app.text_input(key="step_title").set_value("The same")
    next(one for one in app.button if one.label == "Add to a prepared run").click().run()
    assert [one.title for one in run_of(sound(app.run()))] == ["A small kernel", "The same"]


def test_the_list_is_changed_and_the_link_says_so():
    app = sound(opened("run.py", run=pack(TWO)))
    assert [app.text_input(key=f"run_title_{i}").value for i in range(3)] == [one.title for one in TWO]
    sound(app.button(key="run_later_0").click().run())
    assert [one.title for one in run_of(app)] == [TWO[i].title for i in (1, 0, 2)]
    assert app.text_input(key="run_title_0").value == TWO[1].title
    app.text_input(key="run_title_0").set_value("Renamed").run()
    sound(app.button(key="run_remove_1").click().run())
    assert [one.title for one in run_of(app)] == ["Renamed", "Elsewhere"]
    sound(app.button(key="run_clear").click().run())
    assert "run" not in app.query_params


def test_a_run_is_walked_from_page_to_page_and_within_one():
    app = sound(opened("run.py", run=pack(TWO)))
    sound(app.button(key="run_start").click().run())
    assert app.query_params["present"] == "1"
    assert (app.number_input(key="kernel_size").value, app.number_input(key="stride").value) == (2, 1)
    for number, (kernel, stride) in ((1, (3, 2)), (0, (2, 1)), (1, (3, 2))):
        app.session_state["_book"].kept["run_at"] = number
        app.session_state["_book"].kept["go"] = TWO[number].page, True
        sound(app.run())
        assert (app.number_input(key="kernel_size").value, app.number_input(key="stride").value) == (kernel, stride)
    assert "run" in app.query_params


@pytest.mark.parametrize("text", ["banana", "eJw", "~", "a" * 5000, pack([Step("x", "nowhere")])])
def test_a_mangled_run_is_told_and_the_page_works(text):
    app = opened("convolution/playground.py", run=text, kernel_size="2")
    sound(app)
    assert "run: " in app.warning[0].value
    assert app.number_input(key="kernel_size").value == 2
    assert "run" not in app.query_params


def test_the_page_offers_the_run_as_a_file_and_as_a_link():
    app = sound(opened("run.py", run=pack(TWO)))
    assert [one.proto.label for one in app.get("download_button")] == ["Download"]
    assert app.code[0].value.endswith(f"/run?run={pack(TWO)}")


def test_an_empty_setting_of_a_link_is_one():
    """Compare with the layer of a bare page: ``against=``."""
    app = sound(opened("run.py", run=pack(TWO)))
    app.session_state["_book"].kept["go"] = "playground?against=&kernel_size=2&ask=none&room=BCDF", True
    sound(app.run())
    assert (app.query_params["against"], app.query_params["kernel_size"]) == ("", "2")
    assert "room" not in app.query_params
