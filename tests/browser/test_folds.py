"""What a page shows at once, and what one opens."""

import re

from playwright.sync_api import expect

from pages._lessons import LESSONS
from tests.browser.support import settled

TWO_SCREENS = 1800
STILL = """() => new Promise((done) => {
    const height = () => document.querySelector("[data-testid=stMain]").scrollHeight;
    let last = 0, same = 0;
    const look = () => {
        same = height() === last ? same + 1 : 0;
        last = height();
        same < 4 ? setTimeout(look, 150) : done(last);
    };
    look();
})"""
"""The height of the page, once it does not change any more."""


def test_no_lesson_is_longer_than_two_screens(visit):
    seen, found = visit("/"), {}
    for lesson in LESSONS:
        seen.walk(f"/{lesson.url_path}?ask=none")
        seen.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        found[lesson.url_path] = seen.page.evaluate(STILL)
    assert {path: height for path, height in found.items() if height > TWO_SCREENS} == {}
    seen.sound()


def test_a_fold_is_opened_by_keys_the_link_keeps_it_and_a_question_covers_it(visit):
    seen = visit("/receptive-field-growth?ask=none")
    page = seen.page
    fold, inside = page.locator("summary", has_text="Which pixels are never read?"), page.get_by_text("120 never")
    expect(fold).to_be_visible()
    expect(inside).to_have_count(0)
    fold.focus()
    page.keyboard.press("Enter")
    expect(inside).to_be_visible()
    expect(page).to_have_url(re.compile("unread=true"))
    page.get_by_role("radio", name="MACs").click()
    expect(page).to_have_url(re.compile("(?=.*cost=MACs)(?=.*unread=true)"))
    expect(inside).to_be_visible()
    seen.goto(page.url.removeprefix(seen.base))
    expect(inside).to_be_visible()
    # While a question waits there is nothing to open; then it is as it was.
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()
    expect(fold).to_have_count(0)
    expect(inside).to_have_count(0)
    page.mouse.move(0, 0)
    page.get_by_role("button", name="Reveal").click()
    expect(inside).to_be_visible()
    question = page.locator(".st-key-question").inner_text()
    fold.focus()
    page.keyboard.press("Space")
    expect(inside).to_have_count(0)
    expect(page).not_to_have_url(re.compile("unread"))
    settled(page)
    # What is open is nothing that the question is about.
    assert page.locator(".st-key-question").inner_text() == question
    page.go_back()
    expect(inside).to_be_visible()
    seen.sound()
