"""Every question of every lesson that asks: it covers its answer, tells what a wrong one left out, and is right."""

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from pages._lessons import BY_PATH
from pages._question import Asking
from pages.transposed import checkerboard, compare, learn, matrix, sizes, views
from tests.pages.support import opened, sound

ASKING: list[Asking] = [each.ASKING for each in (views, matrix, sizes, checkerboard, compare, learn)]
EACH = [(asking, question) for asking in ASKING for question in asking.questions]
LINKS = {
    "transposed": {"cell": "output.0.1.2"},
    "transposed-matrix": {"ct_stride": "2"},
    "transposed-sizes": {"ct_stride": "2"},
    "transposed-checkerboard": {"cb_kernel": "4"},
    "transposed-compare": {"scale": "3"},
    "transposed-learn": {"wl_kernel": "5"},
}
"""A link to each page that says nothing of a question."""
NAMES = [f"{asking.page}-{question.name}" for asking, question in EACH]


def text_of(app: AppTest) -> str:
    """What can be read on the page."""
    drawn = [json.loads(one.proto.json).get("html", "") for one in app.get("bidi_component")]
    told = [one.value for one in (*app.markdown, *app.caption, *app.info, *app.title, *app.header)]
    return "\n".join([*told, *(re.sub(r"<[^>]*>", " ", one) for one in drawn)])


def stages(app: AppTest) -> list[dict]:
    """What each stage, or panel of one, is sent."""
    sent = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return [panel for one in sent if {"grids", "panels"} & one.keys() for panel in one.get("panels", [one])]


def covered(app: AppTest) -> bool:
    """Whether nothing on the page says what a measurement found; a page covers all of it or nothing."""
    waits = "reveal" in [button.key for button in app.button]
    if waits:
        assert all(one.get("veiled") for one in stages(app))
        assert not app.get("plotly_chart")
        assert not app.dataframe
        assert 'class="cs-panel"' not in text_of(app)
    else:
        assert not any(one.get("veiled") for one in stages(app))
    return waits


def asks(page: str, name: str) -> AppTest:
    return sound(opened(BY_PATH[page].file, ask=name))


@pytest.mark.parametrize("asking", ASKING, ids=lambda asking: asking.page)
def test_a_page_has_three_questions_and_each_wrong_answer_is_told_what_it_left_out(asking):
    assert len(asking.questions) >= 3
    assert len({question.name for question in asking.questions}) == len(asking.questions)
    for question in asking.questions:
        assert len(set(question.options)) == len(question.options) >= 3
        assert {*question.wrong, question.answer} == {*question.options}
        assert not any(told.endswith(".") or told[0].isupper() for told in question.wrong.values())


@pytest.mark.parametrize(("asking", "question"), EACH, ids=NAMES)
def test_a_question_covers_its_answer_until_it_is_given(asking, question):
    app = asks(asking.page, question.name)
    assert app.warning.values == []
    assert covered(app)
    assert {name: "".join(text) for name, text in dict(app.query_params).items()} == {
        **(question.about or {}),
        **({"ask": question.name} if question != asking.questions[0] else {}),
    }
    shown = text_of(app)
    assert question.text in shown
    told = shown.replace(question.text, "")
    assert question.explanation not in told
    assert not re.search(rf"(?<![\w.,·]){re.escape(question.answer)}(?![\w.,·])", told)
    app.button(key="open_code").click().run()
    assert not sound(app).code
    assert "The script tells the answer: answer the question first." in app.info.values


@pytest.mark.parametrize(("asking", "question"), EACH, ids=NAMES)
def test_a_wrong_answer_is_told_what_it_left_out_and_the_right_one_reveals(asking, question):
    app = asks(asking.page, question.name)
    wrong, left_out = next(iter(question.wrong.items()))
    app.pills(key=f"answer_{question.name}").set_value(wrong).run()
    assert covered(sound(app))
    assert f"**{wrong}: {left_out}.**" in text_of(app)
    app.pills(key=f"answer_{question.name}").set_value(question.answer).run()
    assert not covered(sound(app))
    assert f"**Yes.** {question.explanation}" in text_of(app)


@pytest.mark.parametrize("asking", ASKING, ids=lambda asking: asking.page)
def test_the_next_question_brings_its_example_and_a_link_with_settings_asks_nothing(asking):
    app = asks(asking.page, asking.questions[0].name)
    for question in [*asking.questions[1:], asking.questions[0]]:
        app.button(key="next_question").click().run()
        assert covered(sound(app))
        assert question.text in text_of(app)
    assert not covered(sound(opened(BY_PATH[asking.page].file, **LINKS[asking.page])))
