"""The home page's picture is kept as numbers: the layer must still return them."""

import json

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages._lessons import LESSONS, course, topic
from tests.pages.support import SHELL


@pytest.fixture(scope="module")
def home() -> AppTest:
    at = AppTest.from_file(SHELL, default_timeout=60).run()
    assert not at.exception
    return at


def found(app: AppTest, name: str) -> dict:
    """The data of the component that has this."""
    return next(data for one in app.get("bidi_component") if name in (data := json.loads(one.proto.json)))


def test_the_numbers_on_the_stage_are_what_the_layer_returns(home):
    scene = found(home, "grids")
    planes = {g["id"]: torch.tensor(g["values"], dtype=torch.float32).reshape(1, *g["shape"]) for g in scene["grids"]}
    layer = torch.nn.Conv2d(1, 1, 3, bias=False)
    with torch.inference_mode():
        layer.weight.copy_(planes["kernel"])
        assert torch.equal(layer(planes["input"]), planes["output"])


def test_the_windows_on_the_stage_are_where_the_layer_looks(home):
    """An image whose pixels hold their own index, seen through one tap at a time, names the pixel behind each link."""
    link = found(home, "grids")["links"][0]
    index = torch.arange(16, dtype=torch.float64).reshape(1, 1, 4, 4)
    for tap, offset in enumerate(link["offset"]):
        one_hot = torch.zeros(9, dtype=torch.float64)
        one_hot[tap] = 1
        seen = torch.nn.functional.conv2d(index, one_hot.reshape(1, 1, 3, 3)).flatten()
        assert seen.tolist() == [base + offset for base in link["base"]]


def test_it_says_what_this_is_and_leads_to_the_first_steps_then_to_all_lessons_in_order(home):
    assert home.title[0].value == "Pick a layer, see what it really does"
    assert [link.proto.page for link in home.get("page_link")] == ["start"]
    groups = found(home, "groups")["groups"]
    shown = [[card["path"] for card in group["cards"]] for group in groups]
    begin, play, *topics = ([lesson.url_path for lesson in lessons] for lessons in course().values())
    assert shown == [begin + play, *topics]
    assert [group["title"] for group in groups] == ["First steps", *list(course())[2:]]
    cards = [card for group in groups for card in group["cards"]]
    assert [card["number"] for card in cards] == list(range(1, len(LESSONS) + 1))
    assert {card["path"] for card in cards} == {lesson.url_path for lesson in LESSONS}


def test_in_each_topic_the_hard_lessons_come_last_and_the_oldest_address_first():
    assert next(iter(course().values()))[0].url_path == "start"
    for lessons in course().values():
        assert [lesson.hard for lesson in lessons] == sorted(lesson.hard for lesson in lessons)
        assert lessons[0] == topic(lessons[0])[0]
    assert any(lesson.hard for lesson in LESSONS)


def test_an_address_that_no_page_has_is_told_with_the_pages_that_there_are(monkeypatch):
    manager = "streamlit.runtime.pages_manager.PagesManager.set_script_intent"
    asks = lambda self, page_hash, _: vars(self).update(  # noqa: E731
        _intended_page_script_hash=page_hash, _intended_page_name="" if page_hash else "recptive-<b>field"
    )
    monkeypatch.setattr(manager, asks)
    app = AppTest.from_file(SHELL, default_timeout=60)
    app._page_hash = ""
    app.run()
    assert not app.exception
    assert "“recptive-\\<b\\>field”" in app.markdown[0].value
    links = [link.proto.label for link in app.get("page_link")]
    assert links[0] == "Perhaps you mean **Receptive fields: Build a stack**"
    assert len(links) == len(LESSONS) + 2, "each lesson, the home page, the words"
    assert "Start here" in links
    assert "Convolution: Playground" in links


@pytest.mark.parametrize("asked", ["banana", "", "2"])
def test_a_mode_that_is_none_is_told_and_leaves_the_link(asked):
    app = AppTest.from_file(SHELL, default_timeout=60)
    app.query_params["present"] = asked
    app.run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == [
        f"present: “{asked}” is neither 1 nor 0; the page is shown as usual."
    ]
    assert "present" not in app.query_params
    assert not app.session_state["_book"].kept["presenting"]
