"""Start here, and the home page's cards, as a newcomer meets them: by mouse, by finger, by key."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from pages._lessons import LESSONS
from pages.start._numbers import RIGHT, grey
from pages.start._sum import PART
from tests.browser.support import settled, too_wide

SIZES = [(1440, 900), (390, 844)]


def drawn(page: Page) -> None:
    page.locator(".stage[data-selected]").wait_for()


def place(page: Page, grid: str, cell: int) -> dict:
    """Where a cell is, without scrolling."""
    return page.locator(".stage").evaluate(
        "(root, [g, i]) => root.cellRect(g, 0, i).toJSON()",
        [grid, cell],
    )


def touch(page: Page, grid: str, cell: int, *, twice: bool = False) -> None:
    """Click a cell, or tap it where there is no mouse."""
    page.locator(".stage").evaluate("root => root.scrollIntoView({block: 'nearest', behavior: 'instant'})")
    box = place(page, grid, cell)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if page.viewport_size["width"] < 600:
        page.touchscreen.tap(x, y)
        if twice:
            page.wait_for_timeout(350)
            page.touchscreen.tap(x, y)
    elif twice:
        page.mouse.dblclick(x, y)
    else:
        page.mouse.click(x, y)


def over(page: Page, grid: str, cell: int, at: float = 0.5) -> bool:
    """Whether anything is painted over the middle of a cell, or ``at`` this part of its width and height."""
    box = place(page, grid, cell)
    return page.locator(f"canvas.over[data-grid={grid}]").evaluate(
        """(canvas, [x, y]) => {
            const at = canvas.getBoundingClientRect(), scale = canvas.width / at.width;
            const data = canvas.getContext('2d').getImageData((x - at.left) * scale, (y - at.top) * scale, 1, 1).data;
            return data[3] > 0;
        }""",
        [box["x"] + box["width"] * at, box["y"] + box["height"] * at],
    )


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_next_leads_through_all_steps_and_on(visit, width, height):
    seen = visit("/start", width=width, height=height)
    page, questions = seen.page, []
    for number in range(1, 7):
        drawn(page)
        expect(
            page.locator(".st-key-start_step button[aria-checked=true], .st-key-start_step [aria-pressed=true]")
        ).to_have_text(str(number))
        questions.append(page.get_by_role("heading", level=2).first.inner_text())
        seen.sound()
        if number < 6:
            page.get_by_role("button", name="Next", exact=False).click()
            expect(page).to_have_url(re.compile(rf"step={number + 1}"))
            expect(page.get_by_role("heading", level=2).first).not_to_have_text(questions[-1])
    assert len(set(questions)) == 6
    page.go_back()
    expect(page).to_have_url(re.compile("step=5"))
    expect(page.get_by_role("heading", level=2).first).to_have_text(questions[4])
    page.go_forward()
    expect(page.get_by_role("heading", level=2).first).to_have_text(questions[5])
    page.get_by_test_id("stMain").get_by_role("link", name="Playground").click()
    expect(page).to_have_title("Playground · ConvScope")


def steps(page: Page) -> Iterator[int]:
    """Each step in turn, from the first one on, by the key that leads to the next."""
    for step in range(1, 7):
        drawn(page)
        yield step
        if step < 6:
            page.keyboard.press("n")
            expect(page).to_have_url(re.compile(rf"step={step + 1}"))
            settled(page)


def test_each_step_fits_one_screen_and_the_next_one_is_a_key_away(visit):
    page = visit("/start?step=1").page
    for step in steps(page):
        assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight") <= 900, step


def test_on_a_phone_the_picture_and_what_to_do_are_on_the_first_screen(visit):
    seen = visit("/start?step=1", width=390, height=844)
    page = seen.page
    for step in steps(page):
        # However far down the one before was left, a step begins at its title.
        page.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop === 0")
        first = page.locator(".stage canvas.over").first.bounding_box()
        assert first["y"] + first["height"] <= 844, step
        assert page.locator(".st-key-lead strong, .st-key-lead p").first.bounding_box()["y"] > 0
        if step in (3, 5):
            assert page.locator(".stage .play").bounding_box()["y"] < 844
        if step in (4, 5, 6):
            assert page.locator(".st-key-lead [data-testid=stButtonGroup]").bounding_box()["y"] < 700
        expect(page.locator("kbd:visible")).to_have_count(0)
        seen.for_a_finger()
        kernel = "n => n.stage.scene.byId.weight?.lay.cell ?? 20"
        assert page.locator(".stage").evaluate(kernel) >= 20, "its numbers can be read"
        page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 9999)")


def test_a_projector_shows_each_step(visit):
    seen = visit("/start?step=1&present=1", width=1280, height=720)
    for step in steps(seen.page):
        if step == 6:
            seen.page.get_by_text("3 layers", exact=True).click()
            expect(seen.page.locator(".st-key-seen")).to_contain_text("7 × 7 = 49 pixels")
        controls = seen.page.locator(
            ":is(.st-key-lead, .st-key-numbers) :is(button, [data-testid=stPageLink] a):visible"
        )
        boxes = [one.bounding_box() for one in (seen.page.locator(".stage"), *controls.all())]
        assert max(one["y"] + one["height"] for one in boxes) <= 720, step
        seen.sound()


@pytest.mark.parametrize(
    "step", ["1", "2", "3", "4", "4&find=A+corner", "5&way=Border", "5&way=Colours", "6&layers=3+layers"]
)
def test_every_step_is_accessible(visit, step):
    seen = visit(f"/start?step={step}")
    drawn(seen.page)
    seen.everywhere()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_table_shows_what_is_stored_where_one_clicks(visit, width, height):
    page = visit("/start", width=width, height=height).page
    drawn(page)
    touch(page, "input", 30 * 40 + 15)
    expect(page).to_have_url(re.compile(r"zoom=30\.15"))
    expect(page.locator(".eq .main")).to_have_text(f"Picture, row 30, column 15: {grey()[30, 15]:g}")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_number_that_is_typed_into_the_kernel_changes_the_sum(visit, width, height):
    page = visit("/start?step=2", width=width, height=height).page
    drawn(page)
    pixels, kernel = grey()[PART], RIGHT.copy()
    expect(page.locator(".eq .y")).to_have_text(f"{(pixels * kernel).sum():g}")
    touch(page, "weight", 0)
    # The frame around the product is whole.
    frame, inside = page.locator(".eq .hot").bounding_box(), page.locator(".eq").bounding_box()
    assert frame["y"] - 2 >= inside["y"]
    touch(page, "weight", 8, twice=True)
    page.locator("input.ed").fill("5")
    page.keyboard.press("Enter")
    kernel[2, 2] = 5
    expect(page.locator(".eq .y")).to_have_text(f"{(pixels * kernel).sum():g}")
    expect(page.locator(".st-key-seen")).to_contain_text(f"now {(pixels * kernel).sum():g}")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_corner_is_found_where_it_is(visit, width, height):
    page = visit("/start?step=4&find=A+corner", width=width, height=height).page
    drawn(page)
    covered = page.locator(".stage.veiled")
    expect(covered).to_have_count(1)
    expect(page.locator("figure:has([data-grid=output]) > .cv")).to_be_hidden()
    assert "140" not in page.get_by_test_id("stMain").inner_text()
    before = page.locator(".st-key-stage_area").bounding_box()
    if width < 600:
        page.get_by_role("button", name="Next").tap()
        expect(page).to_have_url(re.compile("step=5"))
        page.wait_for_timeout(800)
        assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop") == 0
        page.go_back()
        expect(covered).to_have_count(1)
    touch(page, "input", 8 * 12 + 8)
    expect(page.locator(".st-key-seen")).to_contain_text("At the cross the answer is 0, and 4 of the nine")
    expect(covered).to_have_count(0)
    assert page.locator(".st-key-stage_area").bounding_box()["height"] == before["height"]
    for grid, cell in (("input", 8 * 12 + 8), ("output", 7 * 10 + 7)):
        assert over(page, grid, cell, 0.2), "crossed"
        assert not over(page, grid, cell), "its number stays free"
    assert not over(page, "input", 8 * 12 + 9, 0.2)
    expect(page.locator(".eq .y")).to_have_text("140")
    touch(page, "input", 2 * 12 + 2)
    expect(page.locator(".st-key-seen")).to_contain_text("Yes, there it is: 140")
    # What the kernel found, not what the pixel reaches.
    expect(page.locator(".stage")).to_have_attribute("data-selected", re.compile("^output:"))
    expect(page.locator(".eq .y")).to_have_text("140")


def test_the_corner_is_found_by_keys(visit):
    page = visit("/start?step=4&find=A+corner").page
    drawn(page)
    picture = page.locator("[data-grid=input]")
    picture.focus()
    picture.press("Home")
    for key in ("Control+Home", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        picture.press(key)
    expect(page).to_have_url(re.compile(r"guess=2\.2"))
    expect(page.locator(".st-key-seen")).to_contain_text("Yes, there it is")


def test_the_map_fills_as_the_window_slides(visit):
    page = visit("/start?step=3").page
    drawn(page)
    colour = """(canvas, [x, y]) => {
        const at = canvas.getBoundingClientRect(), scale = canvas.width / at.width;
        return [...canvas.getContext('2d').getImageData((x - at.left) * scale, (y - at.top) * scale, 1, 1).data].join();
    }"""

    def painted(cell: int) -> str:
        box = place(page, "output", cell)
        corner = [box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2]
        return page.locator("canvas.base:has(+ [data-grid=output])").evaluate(colour, corner)

    blank = [painted(cell) for cell in range(1, 36)]
    assert len(set(blank)) == 1
    page.evaluate("() => document.activeElement?.blur()")
    for _ in range(3):
        page.get_by_role("button", name="Step forward").click()
    assert page.locator(".stage").evaluate("root => [...root.stage.filled]") == [0, 1, 2, 3]
    now = [painted(cell) for cell in range(1, 36)]
    assert now[2] != blank[2]
    assert now[3:] == blank[3:]


def test_playing_walks_through_the_map(visit):
    page = visit("/start?step=3").page
    drawn(page)
    before = page.locator(".stage").get_attribute("data-selected")
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".stage")).not_to_have_attribute("data-selected", before)


class TestHome:
    def test_a_card_is_one_large_link_that_keys_reach_and_show(self, visit):
        page = visit("/", fresh=True).page
        first = page.locator(".course a").first
        box = first.bounding_box()
        assert box["height"] >= 60
        assert box["y"] + box["height"] < 900
        expect(first).to_have_attribute("href", re.compile(r"/start$"))
        first.focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        assert first.evaluate(
            "e => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]"
        ) == ["solid", 3]
        page.keyboard.press("Enter")
        expect(page).to_have_title("Start here · ConvScope")
        expect(page).to_have_url(re.compile("/start$"))
        settled(page)
        # A corner of another card, away from its words, leads there too.
        page.go_back()
        card = page.locator('.course a[data-path="feature-maps"]')
        card.scroll_into_view_if_needed()
        box = card.bounding_box()
        page.mouse.click(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
        expect(page).to_have_title("Filter bank · ConvScope")

    def test_what_was_opened_is_marked_kept_in_the_browser_and_forgotten_on_demand(self, browser, server):
        """In a browser of its own, for others of this file open lessons, too."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        settled(page)
        marks = page.locator(".course .check:visible")
        page.locator(".course a").first.wait_for()
        expect(marks).to_have_count(0)
        page.goto(server.url + "/playground")
        settled(page)
        page.wait_for_function("() => (localStorage.getItem('convscope.opened') ?? '').includes('playground')")
        other = context.new_page()
        other.goto(server.url)
        marks = other.locator(".course .check:visible")
        expect(marks).to_have_count(1)
        expect(other.locator('.course a[data-path="playground"]')).to_have_accessible_name(re.compile("opened before"))
        sent = []
        other.on("websocket", lambda ws: sent.append(ws))
        other.get_by_role("button", name="Forget").click()
        expect(marks).to_have_count(0)
        assert other.evaluate("() => localStorage.getItem('convscope.opened')") is None
        other.reload()
        other.locator(".course a").first.wait_for()
        expect(other.locator(".course .check:visible")).to_have_count(0)
        context.close()

    @pytest.mark.parametrize(("width", "height"), [(1440, 900), (720, 450), (390, 844)])
    def test_nothing_overlaps(self, visit, width, height):
        """720 × 450 is also what a laptop has at twice the size."""
        seen = visit("/", width=width, height=height)
        page = seen.page
        page.locator('.course a[data-path="start"]').wait_for()
        expect(page.locator(".course a")).to_have_count(len(LESSONS))
        boxes = page.evaluate(
            """() => {
                const all = [...document.querySelectorAll('h1, [data-testid=stMarkdown] p')];
                for (const host of document.querySelectorAll('[data-testid=stMain] *'))
                    if (host.shadowRoot) all.push(...host.shadowRoot.querySelectorAll('.course a, .course h2, .stage'));
                return all.map(e => e.getBoundingClientRect()).filter(r => r.width && r.height)
                    .map(r => [r.left, r.top, r.right, r.bottom]);
            }"""
        )
        assert len(boxes) > len(LESSONS)
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                apart = (
                    one[0] >= other[2] - 1 or other[0] >= one[2] - 1 or one[1] >= other[3] - 1 or other[1] >= one[3] - 1
                )
                assert apart, (one, other)
        assert too_wide(page) <= 0
