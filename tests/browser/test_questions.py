"""Where a question stands and what is to be seen beside it, as a bare link opens each lesson that asks."""

import re

import pytest
from playwright.sync_api import expect

from pages._lessons import LESSONS

ASKING = [lesson.url_path for lesson in LESSONS if lesson.url_path != "start"]

PLACES = """() => {
    const box = (node) => node.getBoundingClientRect();
    const inside = (n) => n.shadowRoot ? [n, ...all(n.shadowRoot)] : [n];
    const all = (root) => [...root.querySelectorAll('*')].flatMap(inside);
    const area = document.querySelector('.st-key-stage_area');
    const question = box(document.querySelector('.st-key-question'));
    const figure = 'canvas, img, .cs-cells, .main-svg, .diagram, [data-testid=stDataFrame]';
    const seen = { visibilityProperty: true };
    return {
        figures: all(area).filter((n) => n.matches(figure) && n.checkVisibility(seen) && box(n).height > 80).length,
        question: question.top, answers: question.bottom, picture: box(area).top, end: box(area).bottom,
    };
}"""


def places(page, width: int, height: int) -> dict:
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(f"() => ({PLACES})().figures > 0")
    # Components lay themselves out anew one frame after their frame has a new size.
    page.wait_for_timeout(300)
    return page.evaluate(PLACES)


@pytest.mark.parametrize("path", ASKING)
def test_a_question_and_its_picture_stand_together_on_a_low_screen_and_on_a_phone(visit, path):
    page = visit(f"/{path}").page
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()
    seen = places(page, 1280, 720)
    assert 0 <= seen["picture"] - seen["answers"] <= 40
    assert seen["end"] <= 720
    seen = places(page, 390, 844)
    below = seen["question"] > seen["picture"]
    assert 0 <= (seen["question"] - seen["end"] if below else seen["picture"] - seen["answers"]) <= 40
    assert seen["question"] + 48 <= 844, "two lines of it stand on the first screen"


EXAMPLES = {
    "playground": ["window", "taps"],
    "transposed": ["stamp", "touches", "padding"],
    "transposed-sizes": ["size", "meet"],
    "receptive-field": ["field", "mark", "drift", "dilated", "wavenet", "unet"],
}


@pytest.mark.parametrize("path", EXAMPLES)
def test_on_a_phone_the_stage_keeps_its_height_and_the_question_stands_beside_it(visit, path):
    found = {}
    for ask in EXAMPLES[path]:
        visitor = visit(f"/{path}?ask={ask}", width=390, height=844)
        page = visitor.page
        page.locator(".stage[data-layout]").first.wait_for()
        expect(page.get_by_role("button", name="Reveal")).to_be_visible()
        page.wait_for_timeout(300)
        seen = page.evaluate(PLACES)
        found[ask] = round(seen["end"] - seen["picture"])
        assert max(seen["end"], seen["answers"]) <= 844, ask
        # What is covered ends where the stage does.
        for covered in page.locator(".veiled figure:has(canvas[data-grid=output])").all():
            box = covered.bounding_box()
            assert seen["end"] - box["y"] - box["height"] <= 80, ask
        if page.locator(".hint:visible").count():
            visitor.for_a_finger()
        # A cell that answers is as large as a finger finds.
        touched = "(n) => n.stage?.scene.data.touched ? Number(n.dataset.layout.split(' ')[0].split(':')[1]) : 20"
        assert page.locator(".stage").first.evaluate(touched) >= 20, ask
    assert max(found.values()) - min(found.values()) <= 2, found


def chosen(page, grid: str, row: int, column: int) -> None:
    """Walk to a cell by keys and choose it."""
    picture = page.locator(f"canvas.over[data-grid={grid}]").first
    picture.focus()
    for key in ("Control+Home", *["ArrowDown"] * row, *["ArrowRight"] * column, "Enter"):
        picture.press(key)


@pytest.mark.parametrize(
    ("link", "grid", "wrong", "right", "about"),
    [
        ("playground?ask=window", "input", (3, 3), (2, 2), "output:0:0"),
        ("receptive-field?ask=mark", "map0", (5, 5), (2, 2), "map3:0:12"),
    ],
)
def test_a_cell_is_the_answer_by_keys_and_by_a_click(visit, link, grid, wrong, right, about):
    page = visit(f"/{link}").page
    page.locator(".stage[data-layout]").wait_for()
    question = page.locator(".st-key-question")
    chosen(page, grid, *wrong)
    expect(question).to_contain_text(f"row {wrong[0]}, column {wrong[1]}: that is")
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()
    picture = page.locator(f"canvas.over[data-grid={grid}]").first
    size = "(n, id) => { const { H, W } = n.stage.scene.byId[id]; return [H, W]; }"
    height, width = page.locator(".stage").evaluate(size, grid)
    box = picture.bounding_box()
    row, column = right
    picture.click(position={"x": box["width"] * (column + 0.5) / width, "y": box["height"] * (row + 0.5) / height})
    expect(question).to_contain_text("Yes.")
    expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
    # The picture shows what was asked about, not what the chosen cell reaches.
    page.mouse.move(0, 0)
    expect(page.locator(".stage")).to_have_attribute("data-selected", about)


WHERE = """() => {
    const of = (name) => document.querySelector(`.st-key-${name}`).getBoundingClientRect();
    return {
        question: of('question').top, answers: of('answers').top,
        scrolled: document.querySelector('[data-testid=stMain]').scrollTop,
    };
}"""


@pytest.mark.parametrize("path", ["playground", "transposed", "cost-kernel"])
def test_on_a_phone_nothing_moves_away_and_the_answer_is_in_sight_when_it_comes(visit, path):
    page = visit(f"/{path}", width=390, height=844).page
    page.wait_for_function(f"() => ({PLACES})().figures > 0")
    page.wait_for_timeout(300)
    before, verdict = page.evaluate(WHERE), page.locator(".st-key-verdict")
    for told in ("Try once more", ""):
        if told:
            page.locator(".st-key-answers [role=radio]").first.tap()
            expect(verdict).to_contain_text(told)
        else:
            page.get_by_role("button", name="Reveal").tap()
            expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
        # Nor does it move any more.
        page.wait_for_timeout(500)
        now = page.evaluate(WHERE)
        assert now["question"] == before["question"]
        assert now["scrolled"] == 0
        assert now["answers"] == before["answers"], "the finger may be above one"
        box = verdict.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 845


SETS = [
    ("playground?ask=taps", "input", [(r, c) for r in (0, 2, 4) for c in (0, 2, 4)], (1, 1)),
    ("transposed?ask=touches", "output", [(r, c) for r in (0, 1, 2) for c in (2, 3, 4)], (0, 1)),
]


def click_cell(page, grid: str, row: int, column: int) -> None:
    where = """(root, [id, r, c]) => root.cellRect(id, 0, r * root.stage.scene.byId[id].W + c).toJSON()"""
    box = page.locator(".stage").evaluate(where, [grid, row, column])
    act = page.touchscreen.tap if page.viewport_size["width"] < 600 else page.mouse.click
    act(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize(("link", "grid", "cells", "beside"), SETS, ids=["playground", "transposed"])
def test_several_cells_are_the_answer(visit, link, grid, cells, beside, width, height):
    page = visit(f"/{link}", width=width, height=height).page
    stage = page.locator(".stage[data-layout]")
    stage.wait_for()
    page.locator(f"canvas.over[data-grid={grid}]").scroll_into_view_if_needed()
    question, check = page.locator(".st-key-question"), page.get_by_role("button", name="Check")
    # As fast as one can: none gets lost. One is wrong, one was taken back, one is missing.
    for row, column in (*cells[:-1], beside, cells[0], cells[0]):
        click_cell(page, grid, row, column)
    expect(stage.locator(".eq .sub")).to_have_text(f"{len(cells)} marked")
    check.click()
    expect(question).to_contain_text("1 cell too few and 1 cell too many, with a cross")
    expect(stage).to_be_visible()
    # By keys: the last one is marked, the wrong one taken back.
    chosen(page, grid, *cells[-1])
    chosen(page, grid, *beside)
    expect(stage.locator(".eq .sub")).to_have_text(f"{len(cells)} marked")
    check.click()
    expect(question).to_contain_text("Yes.")
    expect(check).to_have_count(0)


def test_a_number_is_the_answer(visit):
    page = visit("/transposed?ask=fill").page
    number = page.locator(".st-key-answers input")
    number.fill("8")
    number.press("Enter")
    expect(page.get_by_text("that is the first stamp alone")).to_be_visible()
    number.fill("29")
    number.press("Enter")
    question = page.locator(".st-key-question")
    expect(question).to_contain_text("Yes.")
    expect(page.locator(".panel")).to_have_count(4)
    # The way back leads through the questions: no answer stands there before its question.
    page.get_by_role("button", name="Next question").click()
    expect(page).to_have_url(re.compile("ask="))
    page.get_by_role("button", name="Reveal").click()
    expect(page).to_have_url(re.compile("answered=(?!fill)"))
    explained = page.locator(".st-key-verdict").inner_text()
    page.go_back()
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile("answered=fill"))
    expect(question).to_contain_text("All four stamps reach that cell")
    expect(question).not_to_contain_text(explained)
