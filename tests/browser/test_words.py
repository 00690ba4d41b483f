"""A term's meaning beside its link, in a real browser."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.support import mounted

PAGE = "/receptive-field-growth?ask=none&wavenet=true"


def term(page: Page, anchor: str) -> Locator:
    return page.locator(f'[data-testid="stMain"] a[href="words#{anchor}"]')


def within(page: Page, box: Locator) -> bool:
    at, size = box.bounding_box(), page.viewport_size
    return (
        at["x"] >= 0
        and at["y"] >= 0
        and at["x"] + at["width"] <= size["width"]
        and at["y"] + at["height"] <= size["height"]
    )


def test_it_shows_on_hover_stays_under_the_pointer_and_asks_the_server_nothing(visit):
    seen = visit(PAGE)
    page, box = seen.page, seen.page.locator(".meaning")
    one = term(page, "stride")
    one.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    seen.recorder.clear()
    one.hover()
    expect(box).to_be_visible()
    expect(box).to_contain_text("stride: How many cells the kernel moves")
    expect(box.locator("svg")).to_be_visible()
    assert within(page, box)
    box.hover()
    page.wait_for_timeout(600)
    expect(box).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    one.hover()
    expect(box).to_be_visible()
    page.mouse.move(2, 2)
    expect(box).to_be_hidden()
    # A term that comes to a pointer at rest opens nothing above what one is about to click.
    at = one.bounding_box()
    page.mouse.move(at["x"] + 4, at["y"] + at["height"] / 2 - 60)
    one.evaluate("term => term.closest('[data-testid=stMain]').scrollBy(0, 60)")
    assert one.evaluate("term => new Promise(r => setTimeout(() => r(term.matches(':hover')), 600))")
    expect(box).to_be_hidden()
    page.mouse.move(at["x"] + 6, at["y"] + at["height"] / 2 - 60)
    expect(box).to_be_visible()
    assert seen.recorder.sent == []
    assert seen.recorder.received == []
    seen.sound()


def test_it_does_not_cover_the_question_that_the_term_stands_in(visit):
    page = visit("/transposed?ask=touches", width=390, height=844).page
    box, question = page.locator(".meaning"), page.locator(".st-key-question p").first
    one = question.locator("a").first
    one.scroll_into_view_if_needed()
    mounted(box, "_meaning")
    one.tap()
    expect(box).to_be_visible()
    at, of = box.bounding_box(), question.bounding_box()
    assert of["height"] > 1.5 * one.bounding_box()["height"], "it takes two lines"
    assert at["y"] >= of["y"] + of["height"] or at["y"] + at["height"] <= of["y"]


def test_the_keyboard_reaches_it_and_goes_on_to_the_glossary(visit):
    seen = visit(PAGE)
    page, box = seen.page, seen.page.locator(".meaning")
    mounted(box, "_meaning")
    term(page, "parameter").focus()
    page.keyboard.press("Tab")
    expect(box).to_contain_text("layer: One step of a network")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    page.keyboard.press("Shift+Tab")
    expect(box).to_contain_text("parameter:")
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    glossary = opened.value
    expect(glossary).to_have_url(re.compile(r"/words#parameter$"))
    expect(glossary.locator("#parameter")).to_be_in_viewport()
    glossary.close()
    seen.sound()


@pytest.mark.parametrize(
    ("width", "scheme", "present"), [(390, "light", ""), (390, "dark", "&present=1"), (1440, "dark", "&present=1")]
)
def test_a_tap_or_a_click_shows_it_and_another_elsewhere_hides_it(visit, width, scheme, present):
    seen = visit(f"{PAGE}{present}", width=width, height=844, scheme=scheme, fresh=True)
    page, box = seen.page, seen.page.locator(".meaning")
    tabs = len(page.context.pages)
    for anchor in ("receptive-field", "pooling", "causal"):
        one = term(page, anchor)
        one.tap() if width < 600 else one.click()
        expect(box).to_be_visible()
        assert within(page, box)
        page.wait_for_timeout(600)
        expect(box).to_be_visible()
        assert len(page.context.pages) == tabs
    seen.accessible()
    page.locator("h2").first.click()
    expect(box).to_be_hidden()
    seen.sound()
