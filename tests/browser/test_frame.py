"""The frame around every page, in a real browser."""

import json
import re
from itertools import combinations
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, expect

from pages._lessons import BY_PATH, LESSONS, course, topic
from tests.browser.support import BACKGROUND, navigate, running
from tests.pages.support import folds

# What takes long to compute is asked for less here.
LESS = {"receptive-field-effective": {"depth": 3, "inputs": 1}}
PATHS = [
    *("/", "/room", "/words", "/receptive-field", "/feature-maps-learn"),  # the last two with a question that waits
    # With all that is folded.
    *(f"/{one.url_path}?{urlencode(LESS.get(one.url_path, {'ask': 'none'}) | folds(one.file))}" for one in LESSONS),
    "/playground?input_size=6&kernel_size=4&stride=2&padding=1&against=input_size%3D6",
]

FIGURES = tuple(f"/feature-maps-{page}?ask=none" for page in ("walk", "decides", "equivariance"))
"""Pages whose figures come after their run has ended."""


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_sound_and_accessible(visit, path):
    seen = visit(path)
    expect(seen.page).to_have_title(re.compile("ConvScope$"))
    if path in FIGURES:
        seen.page.locator(".js-plotly-plot .main-svg, .sheet[data-unit]").first.wait_for()
    seen.everywhere()


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


FIRST = {one.section: one for one in LESSONS[::-1]}.values()
"""Of each section of the menu one lesson: they all lead on by the same way."""


def leads_to(link: Locator) -> str:
    """The page where a new tab would open it, without what else the link says."""
    return urlsplit(link.evaluate("(link) => link.href")).path.removeprefix("/")


def test_the_navigation_names_each_lesson_and_leads_there(visit):
    seen = visit("/")
    for first in FIRST:
        seen.page.get_by_test_id("stTopNavSection").filter(has_text=first.section).click()
        named = seen.page.get_by_test_id("stTopNavDropdownLink")
        lessons = [one for one in LESSONS if one.section == first.section]
        expect(named).to_have_text([one.title for one in lessons])
        assert [leads_to(one) for one in named.all()] == [one.url_path for one in lessons]
        seen.page.keyboard.press("Escape")
    for lesson in FIRST:
        navigate(seen.page, lesson)
        expect(seen.page).to_have_title(f"{lesson.title} · ConvScope")
        expect(seen.page).to_have_url(re.compile(rf"/{lesson.url_path}(\?|$)"))
    seen.sound()


def test_home_leads_to_each_lesson(visit):
    seen = visit("/")
    cards = seen.page.locator(".course a[data-path]")
    expect(cards).to_have_count(len(LESSONS))
    assert [leads_to(one) for one in cards.all()] == [one.url_path for group in course().values() for one in group]
    for lesson in LESSONS:
        seen.page.locator(f'.course a[data-path="{lesson.url_path}"]').click()
        expect(seen.page).to_have_title(f"{lesson.title} · ConvScope")
        seen.page.get_by_test_id("stTopNavLink").filter(has_text="ConvScope").click()
        expect(seen.page).to_have_title("ConvScope")
    seen.sound()


PARTS = (
    "h1, [data-testid=stMarkdown], [data-testid=stPageLink], .stage, .course h2, .course li, .st-key-present_button, "
    "[data-testid=stLogo], [data-testid=stMainMenu], [data-testid=stExpandSidebarButton]"
)


@pytest.mark.parametrize("how", [{"width": 720}, {"width": 720, "height": 450, "device_scale_factor": 2}])
def test_nothing_on_the_home_page_overlaps_in_a_narrow_window_or_at_twice_the_size(visit, how):
    seen = visit("/", **how)
    seen.page.locator(".stage[data-selected]").wait_for()
    seen.page.locator(".course li").last.wait_for()
    seen.page.mouse.move(0, 300)
    boxes = [(one.inner_text()[:40], one.bounding_box()) for one in seen.page.locator(PARTS).all() if one.is_visible()]
    assert len(boxes) > len(LESSONS) + 5

    axes = ("x", "width"), ("y", "height")

    def meet(a: dict, b: dict) -> bool:
        return all(min(a[at] + a[long], b[at] + b[long]) - max(a[at], b[at]) > 1 for at, long in axes)

    assert [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if meet(a, b)] == []
    seen.sound()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_head_leads_from_neighbour_to_neighbour_and_marks_the_one_that_is_shown(visit, width):
    """With a bare link, in one line, whole on the screen beside the actions."""
    seen = visit("/transposed-matrix?ct_kernel_size=5", width=width, fresh=True)
    page, row = seen.page, seen.page.locator(".st-key-head")
    for lesson in topic(BY_PATH["transposed"])[::-1]:
        row.get_by_role("link", name=lesson.title, exact=True).click()
        expect(page).to_have_title(f"{lesson.title} · ConvScope")
        expect(page).to_have_url(re.compile(rf"/{lesson.url_path}($|\?ct_kernel_size=5$)"))
        here = page.locator(".st-key-here a")
        expect(here).to_have_text(lesson.title)
        box, whole = here.bounding_box(), row.bounding_box()
        assert whole["x"] <= box["x"]
        assert box["x"] + box["width"] <= page.locator(".st-key-extras_actions").bounding_box()["x"]
        assert whole["height"] < 60
        assert page.get_by_role("button", name="Code", exact=True).bounding_box()["y"] < 300


def test_an_old_link_to_a_part_leads_on_and_the_way_back_leads_past_it(visit):
    seen = visit("/")
    seen.goto("/transposed?part=Matrix&ct_kernel_size=5&entries=Structure")
    page = seen.page
    expect(page).to_have_title("Matrix · ConvScope")
    expect(page.get_by_label("kernel_size", exact=True)).to_have_value("5")
    expect(page).to_have_url(re.compile(r"/transposed-matrix\?(?=.*ct_kernel_size=5)(?=.*entries=Structure)"))
    for _ in range(4):
        page.go_back()
        page.wait_for_timeout(300)
        if page.title() == "ConvScope":
            break
    expect(page).to_have_title("ConvScope")
    seen.sound()


def test_back_on_a_page_its_layer_is_there(visit):
    """Streamlit takes bound parameters out of the link of a page that one leaves."""
    page = visit("/transposed-matrix?ct_kernel_size=5").page
    navigate(page, BY_PATH["playground"])
    expect(page).to_have_title("Playground · ConvScope")
    expect(page).to_have_url(re.compile("/playground"))  # comes after the title
    page.go_back()
    expect(page.get_by_label("kernel_size", exact=True)).to_have_value("5")
    expect(page).to_have_url(re.compile(r"transposed-matrix\?ct_kernel_size=5"))


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
        seen.page.go_back()
        expect(header).to_be_hidden()
        seen.page.go_back()
        expect(header).to_be_visible()
        expect(seen.page).not_to_have_url(re.compile("present"))

    def test_it_lasts_from_page_to_page(self, visit):
        seen = visit("/?present=1", fresh=True)  # a browser counts up to 50
        entries = seen.page.evaluate("() => history.length")
        for lesson in LESSONS[1::-1]:
            seen.page.get_by_test_id("stMain").get_by_role("link", name=lesson.title).first.click()
            expect(seen.page).to_have_title(f"{lesson.title} · ConvScope")
            expect(seen.page.get_by_test_id("stHeader")).to_be_hidden()
            expect(seen.page).to_have_url(re.compile(r"present=1"))
            # Each entry says so: the way back meets none that does not, and ends no presentation.
            assert seen.page.evaluate("() => history.length") == entries + 1
            if lesson != LESSONS[0]:
                seen.page.go_back()
                expect(seen.page).to_have_title("ConvScope")
