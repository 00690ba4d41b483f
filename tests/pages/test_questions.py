"""Every question of every lesson that asks: it covers its answer, tells what a wrong one left out, and is right."""

import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from pages._lessons import BY_PATH
from pages._question import Question
from pages.cost import _questions as cost
from pages.feature_maps import _questions as maps
from pages.receptive_field import _editor
from pages.receptive_field import _questions as fields
from pages.transposed import checkerboard, compare, learn, matrix, sizes, views
from tests.pages.support import SHELL, charts, components, diagrams, hides, moved, opened, read, sound, stages, tiles

QUESTIONS: dict[str, tuple[Question, ...]] = {
    each.ASKING.page: tuple(each.ASKING.questions) for each in (views, matrix, sizes, checkerboard, compare, learn)
} | {
    "receptive-field": _editor.QUESTIONS,
    "receptive-field-effective": fields.EFFECTIVE,
    "receptive-field-growth": fields.GROWTH,
    "receptive-field-networks": fields.NETWORKS,
    "your-network": fields.YOUR_NETWORK,
    "feature-maps": maps.FILTERS,
    "feature-maps-walk": maps.WALK,
    "feature-maps-decides": maps.DECIDES,
    "feature-maps-pooling": maps.POOLING,
    "feature-maps-equivariance": maps.EQUIVARIANCE,
    "feature-maps-learn": maps.LEARN,
    "cost": cost.WAYS,
    "cost-kernel": cost.KERNEL,
    "cost-groups": cost.GROUPS,
    "cost-separable": cost.SEPARABLE,
    "cost-mlp": cost.MLP,
    "cost-pointwise": cost.POINTWISE,
    "blocks": cost.BLOCKS,
    "network-costs": cost.NETWORKS,
}
EACH = [pytest.param(page, one, id=f"{page}-{one.name}") for page, many in QUESTIONS.items() for one in many]
LINKS = {
    "transposed": {"cell": "output.0.1.2"},
    "transposed-matrix": {"ct_stride": "2"},
    "transposed-sizes": {"ct_stride": "2"},
    "transposed-checkerboard": {"cb_kernel": "4"},
    "transposed-compare": {"scale": "3"},
    "transposed-learn": {"wl_kernel": "5"},
}
"""A link to each page about the layer or its pictures that says nothing of a question."""


def bare(page: str) -> AppTest:
    """The page as a click on its name opens it."""
    return moved(AppTest.from_file(SHELL, default_timeout=120).run(), BY_PATH[page].file)


def asks(page: str, name: str) -> AppTest:
    return sound(opened(BY_PATH[page].file, ask=name))


def text_of(app: AppTest) -> str:
    """What can be read on the page."""
    blocks = (*app.markdown, *app.caption, *app.info, *app.warning, *app.title, *app.header, *app.subheader)
    drawn = [re.sub(r"<[^>]*>", " ", one["html"]) for one in components(app) if "html" in one]
    return "\n".join([*read(blocks), *drawn])


def blank(stage: dict) -> bool:
    return all(grid["values"] is None for grid in stage["grids"]) and not stage.get("links")


def written(diagram: dict) -> list[str]:
    """What its nodes say, for eyes and for ears."""
    return [text for node in diagram["nodes"] for text in (*node["lines"], node["told"])]


def covered(app: AppTest) -> bool:
    """Whether nothing on the page says what a measurement found, though there is something to look at; a page covers
    all of it or nothing."""
    html = [one["html"] for one in components(app) if "html" in one]
    if "reveal" not in [button.key for button in app.button]:
        assert not any(hides(one) or blank(one) for one in stages(app))
        assert not any("cs-hidden" in one or "predict first" in one for one in html)
        return False
    figures = [one for one in html if "cs-hidden" in one]
    pictures = stages(app) or charts(app) or app.dataframe or figures or diagrams(app) or tiles(app)
    assert pictures, "a bare question mark is no picture"
    assert all("<img" in one or "<svg" in one for one in figures)
    assert all(hides(one) or blank(one) for one in stages(app))
    # Of a line no more than its beginning, of a table no more than the names of its rows.
    assert all(len(trace["x"]) <= 4 for chart in charts(app).values() for trace in chart["data"])
    assert all(set(one.value.iloc[:, 2:].to_numpy().flat) == {"?"} for one in app.dataframe)
    assert all({text for _, _, text in one["edges"]} == {"?"} for one in diagrams(app))
    assert all({value for _, value in one["numbers"]} <= {"?"} for one in tiles(app).values())
    assert not any("sees" in line or "parameter" in line for one in diagrams(app) for line in written(one))
    assert not any("maps" in one for one in components(app))
    # What a layer gets says nothing of what it makes of it.
    html = [one for one in html if not (one.count("<figure") == 1 and 'alt="The picture"' in one)]
    assert all("cs-hidden" in one or "predict first" in one for one in html)
    assert not any('class="cs-panel"' in one for one in html)
    return True


@pytest.mark.parametrize("page", QUESTIONS)
def test_a_lesson_asks_at_least_three_questions_and_the_first_on_its_bare_page(page):
    first, *others = QUESTIONS[page]
    assert len(others) >= 2
    assert len({one.name for one in QUESTIONS[page]}) == len(QUESTIONS[page])
    app = bare(page)
    assert covered(app)
    assert first.text in text_of(app)
    assert app.query_params == {}
    assert not covered(sound(opened(BY_PATH[page].file, **LINKS.get(page, {"ask": "none"}))))


def test_a_verdict_is_emptied_where_it_stood():
    def places(app: AppTest) -> list[str]:
        """What stands where beside the picture: the browser keeps what a run has not replaced until it ends."""

        def found(block) -> Iterator:
            for one in block.children.values():
                if hasattr(one, "children"):
                    yield from [one] if getattr(one.proto, "id", "").endswith("-question") else found(one)

        (question,) = found(app.main)
        return [question.children[i].type for i in sorted(question.children)]

    app = sound(opened(BY_PATH["receptive-field-effective"].file, ask="box", inputs="1", depth="3"))
    app.button(key="reveal").click().run()
    assert fields.EFFECTIVE[0].explanation in text_of(app)
    question, answers, verdict = places(app)
    app.selectbox(key="of").set_value("small").run()
    assert fields.EFFECTIVE[0].explanation not in text_of(sound(app))
    assert (question, verdict) != ("empty", "empty")
    assert places(app) == ["empty", answers, "empty"]


@pytest.mark.parametrize("page", QUESTIONS)
def test_a_link_that_asks_nothing_shows_no_question_and_no_answer(page):
    shown = text_of(sound(opened(BY_PATH[page].file, ask="none")))
    assert not any(one.text in shown or one.explanation in shown for one in QUESTIONS[page])


@pytest.mark.parametrize(("page", "question"), EACH)
def test_each_wrong_answer_has_its_own_clause(page, question):
    if question.options:
        assert len(set(question.options)) == len(question.options) >= 3
        assert question.answer in question.options
        assert set(question.wrong) == set(question.options) - {question.answer}
    else:
        assert "" in question.wrong
        assert question.answer not in question.wrong
    assert not any(told.endswith(".") for told in question.wrong.values()), "a clause, to which a full stop is added"
    assert page not in LINKS or not any(told[0].isupper() for told in question.wrong.values())


@pytest.mark.parametrize(("page", "question"), EACH)
def test_a_question_covers_its_answer_until_it_is_given(page, question):
    app = asks(page, question.name)
    assert app.warning.values == []
    assert covered(app)
    assert {name: "".join(text) for name, text in dict(app.query_params).items()} == {
        **(question.about or {}),
        **({"ask": question.name} if question != QUESTIONS[page][0] else {}),
    }
    shown = text_of(app)
    assert question.text in shown
    told = shown.replace(question.text, "")
    assert question.explanation not in told
    assert not re.search(rf"(?<![\w.,·-]){re.escape(question.answer)}(?![\w·])", told, re.IGNORECASE)
    app.button(key="open_code").click().run()
    assert not sound(app).code
    assert "The script tells the answer: answer the question first." in app.info.values
    if not question.cell:
        a_wrong_answer_is_told_what_it_left_out_and_the_right_one_reveals(app, question)


def box(app: AppTest, question: Question):
    """Where the answer is given."""
    return (app.pills if question.options else app.text_input)(key=f"answer_{question.name}")


def a_wrong_answer_is_told_what_it_left_out_and_the_right_one_reveals(app: AppTest, question: Question) -> None:
    wrong, left_out = next(iter(question.wrong.items()))
    box(app, question).set_value(wrong).run()
    assert covered(sound(app))
    assert f"**{wrong}: {left_out}.**" in text_of(app)
    box(app, question).set_value(question.answer).run()
    assert not covered(sound(app))
    assert f"**Yes.** {question.explanation}" in text_of(app)
    assert not box(app, question).disabled
    box(app, question).set_value(wrong).run()
    assert box(sound(app), question).value == question.answer, "what was said stays"
    assert f"**Yes.** {question.explanation}" in text_of(app)


@pytest.mark.parametrize("page", QUESTIONS)
def test_one_question_follows_another(page):
    app, following = bare(page), (*QUESTIONS[page][1:], QUESTIONS[page][0])
    for question in following:
        app.button(key="next_question").click().run()
        assert covered(sound(app))
        assert question.text in text_of(app)
    for question in following:
        app.button(key="reveal").click().run()
        assert not covered(sound(app))
        app.button(key="next_question").click().run()
        assert covered(sound(app))
        assert question.text in text_of(app)


def test_what_one_question_brought_goes_with_the_next():
    """Two groups are asked about after eight were shown."""
    app = bare("cost-groups")
    for _ in range(2):
        app.button(key="next_question").click().run()
    assert "same 2 groups" in text_of(sound(app))
    assert dict(app.query_params) == {"ask": "row"}


@pytest.mark.parametrize("page", sorted(QUESTIONS))
def test_who_loads_an_answered_page_anew_finds_its_answer_and_goes_on_from_it(page):
    first, second = QUESTIONS[page][:2]
    app = asks(page, first.name)
    app.button(key="reveal").click().run()
    link = {name: str(text[0] if isinstance(text, list) else text) for name, text in app.query_params.items()}
    assert link["answered"] == first.name
    again = sound(opened(BY_PATH[page].file, **link))
    assert first.text in text_of(again)
    assert first.explanation.split(".")[0] in text_of(again)
    again.button(key="next_question").click().run()
    assert again.query_params["ask"] in (second.name, [second.name])
    assert "answered" not in again.query_params


def test_a_check_of_no_cell_asks_for_one_and_is_no_try():
    app = sound(opened(BY_PATH["transposed"].file, ask="touches", ct_stride="2"))
    first = "Mark at least one cell first."
    assert not any(first in text for text in read(app.markdown))
    for _ in range(3):
        sound(app.button(key="check").click().run())
    assert any(first in text for text in read(app.markdown))
    assert app.query_params["ask"] == "touches"
    app.session_state["answer_touches"] = "(0, 0)"
    assert not any(first in text for text in read(sound(app.run()).markdown))
    sound(app.button(key="check").click().run())
    assert any("too few" in text for text in read(app.markdown))
