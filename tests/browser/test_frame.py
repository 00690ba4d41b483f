"""The frame around every page, in a real browser."""

import json
import re

import pytest
from playwright.sync_api import expect

from pages._lessons import LESSONS
from tests.browser.support import BACKGROUND, running

PATHS = ["/"] + [f"/{lesson.url_path}" for lesson in LESSONS]


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_sound_and_accessible(visit, path):
    seen = visit(path)
    expect(seen.page).to_have_title(re.compile("ConvScope$"))
    seen.everywhere()


@pytest.mark.parametrize("path", PATHS)
def test_every_page_fits_a_phone(visit, path):
    seen = visit(path, width=390, height=844, scheme="dark")
    seen.sound()
    background = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    assert seen.page.evaluate(background) == BACKGROUND["dark"]


def test_the_entry_point_for_streamlit_cloud_serves_the_same_app(visit):
    """Started as the host does, from the repository's root: health, a deep link, and the colours of config.toml."""
    with running("deploy/streamlit_cloud/streamlit_app.py") as cloud:
        assert json.loads(cloud.get("/health")[1])["status"] == "ok"
        seen = visit("/playground?kernel_size=2", server=cloud)
        expect(seen.page).to_have_title("Playground · ConvScope")
        expect(seen.page).to_have_url(re.compile("kernel_size=2"))
        background = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        assert seen.page.evaluate(background) == BACKGROUND["light"]
        seen.sound()


def test_the_navigation_names_each_lesson_and_leads_there(visit):
    seen = visit("/")
    for lesson in LESSONS:
        seen.page.get_by_test_id("stTopNavLink").filter(has_text=lesson.title).click()
        expect(seen.page).to_have_title(f"{lesson.title} · ConvScope")
        expect(seen.page).to_have_url(re.compile(rf"/{lesson.url_path}(\?|$)"))
    seen.sound()


def test_home_leads_to_each_lesson(visit):
    for lesson in LESSONS:
        seen = visit("/")
        seen.page.get_by_test_id("stMain").get_by_role("link", name=re.compile(lesson.title)).first.click()
        expect(seen.page).to_have_title(f"{lesson.title} · ConvScope")


def test_back_on_a_page_its_layer_is_there(visit):
    """Streamlit takes bound parameters out of the link of a page that one leaves."""
    page = visit("/transposed?part=Matrix&ct_kernel_size=5").page
    page.get_by_test_id("stTopNavLink").filter(has_text="Playground").click()
    expect(page).to_have_title("Playground · ConvScope")
    page.go_back()
    expect(page.get_by_label("kernel_size", exact=True)).to_have_value("5")
    expect(page).to_have_url(re.compile("part=Matrix.*ct_kernel_size=5"))


def test_nothing_is_fetched_from_elsewhere(visit, browser, server):
    context = browser.new_context()
    page, asked = context.new_page(), set()
    page.on("request", lambda request: asked.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url)))
    for path in PATHS:
        page.goto(server.url + path)
        page.locator("h1").first.wait_for()
    context.close()
    assert {host for host in asked if not host.startswith(("data:", "blob:"))} == {server.url}


class TestPresentation:
    def test_the_link_shows_bigger_type_and_no_header(self, visit):
        size = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"
        plain, shown = visit("/"), visit("/?present=1")
        expect(plain.page.get_by_test_id("stHeader")).to_be_visible()
        expect(shown.page.get_by_test_id("stHeader")).to_be_hidden()
        assert shown.page.evaluate(size) >= 1.25 * plain.page.evaluate(size)
        shown.sound()
        shown.accessible()

    def test_a_key_enters_and_leaves_and_the_url_tells(self, visit):
        seen = visit("/")
        header = seen.page.get_by_test_id("stHeader")
        seen.page.keyboard.press("Shift+F")
        expect(header).to_be_hidden()
        expect(seen.page).to_have_url(re.compile(r"\?present=1$"))
        seen.page.keyboard.press("Shift+F")
        expect(header).to_be_visible()
        expect(seen.page).not_to_have_url(re.compile("present"))

    def test_it_lasts_from_page_to_page(self, visit):
        seen = visit("/?present=1")
        seen.page.get_by_test_id("stMain").get_by_role("link", name=re.compile(LESSONS[0].title)).first.click()
        expect(seen.page).to_have_title(f"{LESSONS[0].title} · ConvScope")
        expect(seen.page.get_by_test_id("stHeader")).to_be_hidden()
        expect(seen.page).to_have_url(re.compile(r"present=1"))
