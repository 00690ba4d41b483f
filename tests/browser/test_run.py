"""A prepared run in a real browser: made on two pages, walked with the keys of a presenter."""

import re

from playwright.sync_api import expect

from pages._lessons import BY_PATH
from tests.browser.support import mounted, navigate, settled


def add(page, title: str) -> None:
    page.locator(".st-key-open_link button").click()
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Add to a prepared run").click()
    expect(page.get_by_text(re.compile(r"Your prepared run: \d step"))).to_be_visible()


def test_made_on_two_pages_and_walked_with_a_presenters_keys(visit):
    seen = visit("/playground?kernel_size=2&ask=none", width=1280, height=720)
    page = seen.page
    add(page, "A small kernel")
    page.get_by_role("dialog").get_by_label("Close").click()
    navigate(page, BY_PATH["transposed-sizes"])
    settled(page)
    add(page, "Which size was meant")
    page.get_by_text("Your prepared run: 2 steps").click()
    settled(page)
    expect(page.get_by_label("Title of step 2")).to_have_value("Which size was meant")
    seen.sound()
    seen.accessible()
    page.locator(".st-key-run_start button").click()
    place = page.locator(".st-key-run_menu")
    expect(place).to_contain_text("1 / 2")
    expect(page).to_have_url(re.compile(r"/playground\?.*kernel_size=2.*present=1"))
    settled(page)
    boxes = [one.bounding_box() for one in (page.locator(".st-key-chips button").first, place)]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"], "the settings cover the place in the run"
    mounted(page.locator(".keys"), "_keys")
    page.keyboard.press("PageDown")
    expect(page).to_have_url(re.compile("/transposed-sizes"))
    expect(place).to_contain_text("2 / 2")
    settled(page)
    page.keyboard.press("PageDown")  # the last step stays
    page.reload()
    settled(page)
    expect(place).to_contain_text("2 / 2")
    seen.sound()
    mounted(page.locator(".keys"), "_keys")
    page.keyboard.press("PageUp")
    expect(page).to_have_url(re.compile(r"/playground\?.*kernel_size=2"))
    settled(page)
    expect(page.locator(".st-key-chips")).to_contain_text("2×2")
    seen.sound()
    # Each step was one entry of the browser's history, with its own settings.
    page.go_back()
    expect(page).to_have_url(re.compile("/transposed-sizes"))
    expect(place).to_contain_text("2 / 2")
    page.go_back()
    expect(page).to_have_url(re.compile(r"/playground\?.*kernel_size=2"))
    expect(place).to_contain_text("1 / 2")
    page.go_back()
    expect(page.get_by_label("Title of step 2")).to_be_visible()
    expect(page).not_to_have_url(re.compile("kernel_size|present"))
    seen.sound()
