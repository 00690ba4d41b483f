"""What a class gets of the lecturer's screen: the link as a QR code that a camera reads off the projector."""

import re
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from viz.network import for_others

PAGES = {
    "an example": "/playground?input_size=6&stride=2&ask=none",
    "a covered example": "/playground?ask=A17",
    "a selected cell": "/transposed?ct_stride=2&cell=output.0.1.2",
}


def scanned(page: Page) -> str:
    """The link in the code on screen."""
    pixels = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return cv2.QRCodeDetector().detectAndDecode(pixels)[0]


def shown(page: Page) -> dict:
    """What a visitor sees of the page's state."""
    page.locator(".stage[data-layout]").first.wait_for()
    return {
        "query": {k: v for k, v in parse_qs(urlsplit(page.url).query).items() if k != "present"},
        "question": page.locator(".st-key-question p strong").all_inner_texts(),
        "covered": page.locator(".stage.veiled").count(),
        "selected": page.locator(".stage[data-selected]").first.get_attribute("data-selected"),
    }


@pytest.mark.parametrize("way", ["dialog", "key"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_the_code_on_screen_leads_to_the_same_page(visit, server, path, way):
    present = "&present=1" if way == "key" else ""
    page = visit(path + present, width=1280, height=720, fresh=True).page
    before = shown(page)
    if way == "key":
        page.keyboard.press("q")
        code = page.locator("dialog.code svg")
    else:
        page.get_by_role("button", name="Link", exact=True).click()
        code = page.locator(".qr svg")
    code.wait_for()
    box = code.bounding_box()
    assert min(box["width"], box["height"]) >= 400
    link = scanned(page)
    assert "present" not in link
    assert link.startswith(for_others(server.url) or server.url)
    phone = visit(link.removeprefix(for_others(server.url) or server.url), width=390, height=844).page
    assert shown(phone) == before


def test_a_phone_shows_the_code_whole(visit):
    seen = visit("/playground?ask=none", width=390, height=844)
    seen.page.get_by_role("button", name="Link", exact=True).click()
    expect(seen.page.locator(".qr svg")).to_be_visible()
    seen.sound()
    box = seen.page.locator(".qr svg").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    expect(seen.page.get_by_role("dialog")).to_contain_text(re.compile("exactly as it is now"))
