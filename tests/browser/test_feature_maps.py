"""Pictures, filters and kernels of the lesson on feature maps, in a browser: what turns, points, draws and types."""

import base64
import io
import re

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from models.maps import filters
from tests.browser.support import settled

PAGE = "/feature-maps"
ROOT = ".response"
OURS = ("", "-pooling", "-learn")


def ready(visit, query="?ask=none", **how):
    """The filter bank, with its numbers on screen."""
    seen = visit(PAGE + query, **how)
    expect(seen.page.locator(ROOT)).to_have_attribute("data-sum", re.compile(r"\d"))
    return seen


def sums(page: Page) -> tuple[list[float], list[float]]:
    """What the browser adds up, and what the layer answered, at the place that is pointed at."""
    told = page.locator(ROOT)
    return tuple([float(n) for n in told.get_attribute(name).split(",")] for name in ("data-sum", "data-measured"))


def middle_of(page: Page, panel: str, row: int, column: int, side: int) -> tuple[float, float]:
    over = page.locator(f"[data-panel={panel}] .over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / side, box["y"] + (row + 0.5) * box["height"] / side


def dial(page: Page, name: str):
    return page.locator(f"input[name={name}]")


def test_the_map_follows_the_dial_while_it_turns(visit):
    seen = ready(visit, "?fm_size=64")
    page = seen.page
    box = dial(page, "angle").bounding_box()
    y = box["y"] + box["height"] / 2
    before = int(page.locator(ROOT).get_attribute("data-renders"))
    page.mouse.move(box["x"] + 8, y)
    page.mouse.down()
    for step in range(1, 25):
        page.mouse.move(box["x"] + 8 + 5 * step, y)
        page.wait_for_timeout(30)
    # The button is still down.
    assert int(page.locator(ROOT).get_attribute("data-renders")) >= before + 3
    page.mouse.up()
    turned = float(dial(page, "angle").input_value())
    assert turned > 45
    kernel = filters.kernel("sobel", 3, angle=turned)
    wanted = "; ".join(" ".join(f"{v:.6g}" for v in row) for row in kernel)
    expect(page.locator(ROOT)).to_have_attribute("data-answer", wanted)
    expect(page).to_have_url(re.compile(f"fm_angle={turned:g}(&|$)"))
    assert sums(page)[0] == pytest.approx(sums(page)[1], abs=1e-5)
    page.reload()
    settled(page)
    expect(page.locator(ROOT)).to_have_attribute("data-answer", wanted)
    # Two dials right after each other: neither is lost.
    dial(page, "angle").press("ArrowRight")
    dial(page, "side").press("ArrowRight")
    expect(page).to_have_url(re.compile("fm_side=5"))
    expect(page).to_have_url(re.compile(f"fm_angle={turned + 1:g}(&|$)"))
    seen.sound()


def test_pointing_shows_the_window_and_sends_nothing(visit):
    seen = ready(visit, "?fm_size=64&fm_border=Zeros")
    page = seen.page
    page.mouse.move(*middle_of(page, "response", 30, 30, 64))
    page.wait_for_timeout(500)
    seen.recorder.clear()
    for row, column in ((20, 41), (0, 0), (63, 5), (33, 63)):
        page.mouse.move(*middle_of(page, "response", row, column, 64))
        expect(page.locator(ROOT)).to_have_attribute("data-at", f"{row},{column}")
        ours, measured = sums(page)
        assert ours == pytest.approx(measured, abs=1e-5)
        expect(page.locator(".sum")).to_contain_text("✓")
    over = page.locator("[data-panel=response] .over")
    over.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(ROOT)).to_have_attribute("data-at", "33,62")
    assert seen.recorder.sent == []
    seen.sound()


def test_what_is_said_of_a_kernel_is_of_what_is_shown(visit):
    """Also where the kernel stays as it is, and its cells with it."""
    page = ready(visit, "?fm_size=64&ask=none").page
    facts = page.locator(".response .fact")
    expect(facts.first).to_contain_text("Its weights sum to")
    page.get_by_role("radio", name="Against OpenCV").click()
    expect(facts).to_have_text([re.compile("of the outputs have a window that reaches beyond the picture")])


def test_a_gradient_is_told_in_words(visit):
    seen = ready(visit, "?fm_size=64&fm_view=Gradient")
    ours, measured = sums(seen.page)
    assert len(ours) == 2
    assert ours == pytest.approx(measured, abs=1e-5)
    expect(seen.page.locator(".sum")).to_contain_text("magnitude")


def test_a_typed_weight_makes_the_kernel_the_visitors_own(visit):
    seen = ready(visit, "?fm_size=64&fm_filter=Laplacian")
    page = seen.page
    centre = page.get_by_label("Kernel row 2, column 2")
    centre.fill("abc")
    centre.press("Enter")
    expect(page.locator(".refused")).to_contain_text("not a number")
    expect(centre).to_have_value("−4")
    centre.fill("-3")
    centre.press("Enter")
    expect(page.locator(ROOT)).to_have_attribute("data-answer", "0 1 0; 1 -3 1; 0 1 0")
    expect(page.get_by_role("combobox", name="Filter")).to_have_value("Own kernel")
    expect(page).to_have_url(re.compile("fm_kernel="))
    settled(page)
    page.reload()
    settled(page)
    expect(page.locator(ROOT)).to_have_attribute("data-answer", "0 1 0; 1 -3 1; 0 1 0")
    seen.sound()


def picture_file() -> bytes:
    y, x = np.mgrid[:60, :90]
    out = io.BytesIO()
    Image.fromarray(np.stack([x * 2, y * 3, x + y], 2).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_an_uploaded_picture_is_filtered(visit):
    seen = ready(visit, "?fm_picture=Upload&fm_size=96")
    page = seen.page
    page.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": picture_file()}
    )
    expect(page.get_by_text("90 × 60 pixels, enlarged to 96 × 64, colour")).to_be_visible(timeout=15_000)
    expect(page.locator("[data-panel=response] canvas.base")).to_have_js_property("height", 64)
    page.locator("input[type=file]").set_input_files(
        {"name": "b.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n123"}
    )
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("damaged", timeout=15_000)
    seen.sound()


def test_a_drawing_becomes_the_picture_and_stays(visit):
    seen = ready(visit, "?fm_picture=Draw+one+yourself&fm_size=64")
    page = seen.page
    sheet = page.locator(".pad canvas")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=8)
    page.mouse.up()
    dark = "canvas => { const d = canvas.getContext('2d').getImageData(32, 32, 1, 1).data; return d[0] }"
    base = page.locator("[data-panel=input] canvas.base")
    expect(base).to_have_js_property("width", 64)
    for _ in range(50):
        if base.evaluate(dark) < 40:
            break
        page.wait_for_timeout(100)
    assert base.evaluate(dark) < 40
    assert base.evaluate("canvas => canvas.getContext('2d').getImageData(60, 3, 1, 1).data[0]") > 240
    page.get_by_text("Pooling", exact=True).click()
    settled(page)
    assert page.locator(".pad canvas").evaluate("c => c.getContext('2d').getImageData(128, 128, 1, 1).data[0]") < 40
    seen.sound()


@pytest.mark.parametrize("part", ["equivariance", "learn"])
def test_maps_with_a_sign_follow_the_theme(visit, part):
    """Zero is nearly the page's own colour in both themes, also when the theme changes while the page is open."""
    page = visit(f"{PAGE}-{part}?ask=none").page
    zero = page.locator(".cs-tinted").first
    for scheme, colour in (
        ("light", "rgb(246, 246, 247)"),
        ("dark", "rgb(31, 35, 42)"),
        ("light", "rgb(246, 246, 247)"),
    ):
        page.emulate_media(color_scheme=scheme)
        expect(zero).to_have_css("background-color", colour)


@pytest.mark.parametrize("panel", ["response", "rectified"])
def test_the_painted_map_follows_the_theme(visit, panel):
    page = ready(visit).page
    mean = (
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return d.reduce((sum, v) => sum + v) / d.length; }"
    )
    canvas = page.locator(f"[data-panel={panel}] canvas.base")
    for scheme, is_dark in (("light", False), ("dark", True), ("light", False)):
        page.emulate_media(color_scheme=scheme)
        for _ in range(50):
            if (canvas.evaluate(mean) < 128) == is_dark:
                break
            page.wait_for_timeout(100)
        assert (canvas.evaluate(mean) < 128) == is_dark


def test_a_photograph_is_filtered(visit):
    seen = ready(visit, "?fm_picture=Camera&fm_size=64", permissions=["camera"])
    page = seen.page
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2", timeout=30_000)
    page.get_by_role("button", name="Take Photo").click()
    expect(page.get_by_role("button", name="Clear photo")).to_be_visible(timeout=20_000)
    base = page.locator("[data-panel=input] canvas.base")
    # The test picture of the camera is wider than high, the astronaut before it is square.
    expect(base).not_to_have_js_property("height", 64, timeout=20_000)
    data = base.evaluate("canvas => canvas.toDataURL('image/png')").split(",")[1]
    taken = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert taken.shape[1] == 64
    assert taken.std() > 5
    seen.sound()


def test_the_layer_learns_and_can_be_stopped(visit):
    seen = visit(f"{PAGE}-learn?fm_size=64&fm_steps=3000&fm_taps=5")
    page = seen.page
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_text(re.compile(r"Step \d+ of 3.000"))).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(re.compile(r"Stopped after \d+ of 3.000 steps"))).to_be_visible(timeout=20_000)
    seen.sound()


@pytest.mark.parametrize("part", OURS)
def test_a_phone_shows_it_in_one_column(visit, part):
    seen = visit(f"{PAGE}{part}?fm_size=64&fm_filter=Gabor&fm_picture=Draw+one+yourself", width=390, height=844)
    if part != "-learn":
        seen.for_a_finger()
    seen.sound()
