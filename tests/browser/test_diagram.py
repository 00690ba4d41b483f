"""The diagram of a network: selecting, opening, folding, zooming and saving, by pointer, by finger and by key."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support import axe_violations, new_context, new_page, running, settled, too_wide


@pytest.fixture(scope="module")
def harness():
    with running("tests/browser/diagram_harness.py") as server:
        yield server


@pytest.fixture
def opened(browser, harness):
    """``opened("unet", width=390)``: a visitor with the diagram of a network."""
    contexts = []

    def go(network: str, **how) -> tuple[Page, list[str]]:
        contexts.append(new_context(browser, **how))
        page, recorder = new_page(contexts[-1])
        page.goto(f"{harness.url}/?network={network}")
        settled(page)
        page.locator(".diagram[data-selected]").wait_for()
        return page, recorder

    yield go
    for context in contexts:
        context.close()


def names(page: Page) -> list[str]:
    """First words of the nodes, in order."""
    return page.locator(".node .head").all_text_contents()


@pytest.mark.parametrize("how", [{"width": 1440, "scheme": "light"}, {"width": 390, "scheme": "dark"}])
def test_nodes_and_arrows_carry_their_numbers(opened, how):
    page, recorder = opened("row", **how)
    assert names(page) == [
        "input", "Conv2d(3, 8, kernel_size=3)", "+ 3 × Residual", "AdaptiveAvgPool2d(1)", "output"
    ]  # fmt: skip
    assert page.locator(".edge text").all_text_contents() == [
        "3 × 224 × 224", "8 × 222 × 222", "8 × 222 × 222", "8 × 1 × 1"
    ]  # fmt: skip
    expect(page.locator(".node text", has_text="224 parameters, 10\u202f645\u202f344 MACs")).to_be_visible()
    # Texts stand inside their boxes, and nodes do not cover each other.
    boxes = page.locator(".node").evaluate_all(
        """(nodes) => nodes.map((node) => {
            const box = node.querySelector(".front").getBoundingClientRect();
            const inside = [...node.querySelectorAll("text")].every((text) => {
                const t = text.getBoundingClientRect();
                return t.left >= box.left && t.right <= box.right && t.top >= box.top - 1 && t.bottom <= box.bottom + 1;
            });
            return [inside, box.top, box.bottom];
        })"""
    )
    assert all(inside for inside, _, _ in boxes)
    assert all(one[2] < two[1] for one, two in pairwise(boxes))
    assert axe_violations(page) == []
    assert too_wide(page) <= 0
    assert recorder.errors == []


def test_a_click_opens_a_group_and_a_click_on_its_title_folds_it(opened):
    page, recorder = opened("row")
    page.get_by_role("button", name=re.compile("^3 × Residual")).click()
    expect(page.locator(".frame rect")).to_have_count(1)
    assert names(page)[2:5] == ["+ Residual"] * 3
    page.locator(".node", has_text="+ Residual").nth(1).click()
    expect(page.locator(".frame rect")).to_have_count(2)
    assert names(page)[3:8] == [
        *("Conv2d(8, 8, kernel_size=3, padding=1)", "relu()") ,
        *("Conv2d(8, 8, kernel_size=3, padding=1)", "add()", "relu()"),
    ]  # fmt: skip
    # The skip: two arrows lead to the addition.
    assert page.locator('.edge[data-to="6"]').count() == 2
    page.locator(".frame text", has_text="3 × Residual").click()
    expect(page.locator(".frame rect")).to_have_count(0)
    assert "+ 3 × Residual" in names(page)
    assert recorder.errors == []


def test_keys_walk_open_fold_and_zoom(opened):
    page, recorder = opened("row")
    diagram = page.locator(".diagram")
    # The drawing comes before its buttons, which stand above it.
    page.locator(".tools .out").focus()
    page.keyboard.press("Shift+Tab")
    first = page.get_by_role("button", name="input; 3 × 224 × 224")
    expect(first).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(first).not_to_be_focused()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    tools, drawing = (page.locator(f".diagram {part}").bounding_box() for part in (".tools", ".scroll"))
    assert tools["y"] + tools["height"] <= drawing["y"]
    recorder.clear()
    for name in ("0", "1…3"):
        page.keyboard.press("ArrowDown")
        expect(diagram).to_have_attribute("data-selected", name)
    expect(page.get_by_text("heard: 1…3")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".frame rect")).to_have_count(1)
    expect(diagram).to_have_attribute("data-selected", "1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Backspace")
    expect(page.locator(".frame rect")).to_have_count(0)
    expect(diagram).to_have_attribute("data-selected", "1…3")
    expect(page.get_by_role("button", name=re.compile("^3 × Residual"))).to_be_focused()
    wide = page.locator(".scroll svg").bounding_box()["width"]
    page.keyboard.press("+")
    assert page.locator(".scroll svg").bounding_box()["width"] == pytest.approx(1.25 * wide, abs=2)
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert page.locator(".scroll svg").bounding_box()["width"] == pytest.approx(0.8 * wide, abs=2)
    page.keyboard.press("0")
    assert page.locator(".scroll svg").bounding_box()["width"] == pytest.approx(wide, abs=2)
    page.keyboard.press("End")
    expect(diagram).to_have_attribute("data-selected", "output")
    page.keyboard.press("ArrowUp")
    expect(diagram).to_have_attribute("data-selected", "4")
    assert recorder.errors == []


def test_buttons_zoom_without_the_server(opened):
    page, recorder = opened("unet", width=390)
    svg = page.locator(".scroll svg")
    before = float(svg.get_attribute("width"))
    recorder.clear()
    page.get_by_role("button", name="Larger").click()
    assert float(svg.get_attribute("width")) == pytest.approx(1.25 * before, abs=2)
    page.get_by_role("button", name="As wide as the page").click()
    assert float(svg.get_attribute("width")) == before
    page.get_by_role("button", name="Smaller").click()
    assert float(svg.get_attribute("width")) == pytest.approx(0.8 * before, abs=2)
    assert recorder.sent == []
    assert too_wide(page) <= 0
    # With that of drawing and table all buttons stand in one row.
    page.locator(".whole").evaluate("(button) => { button.hidden = false; }")
    tops = page.locator(".tools button").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().top)")
    assert (len(tops), len({*tops})) == (7, 1)


def test_the_page_hears_of_a_node_and_can_choose_one(opened):
    page, _ = opened("unet")
    page.locator(".node", has_text="down.1").click()
    expect(page.get_by_text("heard: down.1")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Conv2d(8, 16, kernel_size=3, padding=1); down.1; sees 8 × 8")
    box = page.get_by_label("selected")
    box.fill("join.1")
    box.press("Enter")
    expect(page.locator(".diagram")).to_have_attribute("data-selected", "join.1")


def test_the_file_holds_what_is_on_the_screen(opened):
    page, _ = opened("unet")
    with page.expect_download() as coming:
        page.get_by_role("button", name="SVG").click()
    text = Path(coming.value.path()).read_text("utf-8")
    assert coming.value.suggested_filename == "diagram.svg"
    for part in ("Diagram of unet", "ConvTranspose2d", "64 × 28 × 28", "sees 4 × 4, jump 2", "cat"):
        assert part in text
    assert text.count("<path") == page.locator(".edge").count() + 1
    # It stands on its own: the browser draws it without our style, in the colours of the screen.
    fill = page.locator(".kernel .front").first.evaluate("(box) => getComputedStyle(box).fill")
    page.set_content(text)
    assert page.locator("rect[rx]").nth(1).evaluate("(box) => getComputedStyle(box).fill") == fill
    assert "var(" not in text


def test_the_same_as_text(opened):
    page, _ = opened("broken")
    page.get_by_text("As text").click()
    items = page.locator("details li").all_inner_texts()
    assert len(items) == page.locator(".node").count() == 4
    assert items[-1].endswith("which is 8 channels, but in_channels=9.")
    assert page.locator(".broken").count() == 1


@pytest.mark.parametrize("network", ["resnet50", "densenet121"])
def test_a_large_network_is_there_at_once(opened, network):
    page, recorder = opened(network)
    assert page.locator(".node").count() < 25
    assert page.locator(".scroll").bounding_box()["height"] <= 642
    assert recorder.errors == []
