"""Where a question stands and what is to be seen beside it, as a bare link opens each lesson that asks."""

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
    const figure = 'canvas, img, .cs-cells, .main-svg, [data-testid=stDataFrame]', seen = { visibilityProperty: true };
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
