"""Blocks: the diagram and the table below it know of each other, and presented both can be read from afar."""

import re

from playwright.sync_api import expect


def test_a_node_chooses_its_row_and_a_row_its_node(visit):
    one = visit("/blocks?block=bottleneck&ask=none&operations=true")
    page, diagram = one.page, one.page.locator(".diagram")
    # It does not end with the frame, and says so.
    more = page.locator(".diagram .more")
    expect(more).to_have_text(re.compile(r"^↓ \d+ more$"))
    ends = "n => n.parentNode.querySelector('.scroll').scrollTo(0, 99999)"
    more.evaluate(ends)
    expect(more).to_be_hidden()
    more.evaluate(ends.replace("99999", "0"))
    before = more.inner_text()
    more.click()
    expect(more).not_to_have_text(before)
    page.locator(".node", has_text=re.compile("^Conv2d.*conv2")).click()
    chosen = page.locator("[role=row][aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(chosen.locator("[role=gridcell]", has_text=re.compile("^conv2$"))).to_have_count(1)
    # The box at the beginning of the first row.
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 52)
    expect(diagram).to_have_attribute("data-selected", "conv1")
    expect(
        page.locator("[role=row][aria-selected=true] [role=gridcell]", has_text=re.compile("^conv1$"))
    ).to_have_count(1)
    one.sound()


def test_presented_the_diagram_grows_with_the_type(visit):
    scale = [
        float(visit(f"/blocks?block=join&ask=none{more}").page.locator(".diagram").get_attribute("data-scale"))
        for more in ("", "&present=1")
    ]
    assert scale[0] <= 1
    assert scale[1] > 1.25 * scale[0]
