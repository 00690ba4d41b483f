"""How long a visitor waits for a feature map: from the dial under the hand to the new picture."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import Row, benchmark, percentile
from benchmarks.browser import bare_server, chromium
from tests.browser.support import new_context, new_page, running, settled

PICTURES = Path(__file__).resolve().parents[1] / "assets" / "pictures"
CHANGES = 30
DRAG_STEPS = 100
STEP_MS = 16

# What anybody would write: Streamlit's slider, the same layer on the same pixels, st.image.
BARE = f"""
import cv2
import numpy as np
import streamlit as st
import torch
from torch import nn

torch.set_num_threads(1)
picture = cv2.imread({str(PICTURES / "astronaut.png")!r}, 0).astype(np.float32) / 255
st.title("Bare")
angle = np.radians(st.slider("Angle", 0, 360, 0, key="angle"))
along = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect", bias=False)
with torch.inference_mode():
    layer.weight.copy_(torch.from_numpy(np.cos(angle) * along - np.sin(angle) * along.T)[None, None])
    response = layer(torch.from_numpy(picture)[None, None])[0, 0].numpy()
st.image(np.clip(response / 8 + 0.5, 0, 1), width=340)
"""

# When the picture changes: ours counts its paintings, the bare one gets another address for its picture.
WATCH = """
    () => {
        const element = __PICTURE__, attribute = __ATTRIBUTE__;
        window.paints = [];
        new MutationObserver(() => requestAnimationFrame(() => window.paints.push(performance.now())))
            .observe(element, {attributes: true, attributeFilter: [attribute]});
        window.addEventListener('keydown', () => { window.pressed = performance.now(); }, {capture: true});
    }
"""
OURS = """[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]
    .map((e) => e.shadowRoot.querySelector('.response')).find(Boolean)"""


def watching(element: str, attribute: str) -> str:
    return WATCH.replace("__PICTURE__", element).replace("__ATTRIBUTE__", repr(attribute))


def key_ms(page, dial, key: str) -> float:
    """One press of a key on the dial, until the picture that follows is painted."""
    dial.focus()
    page.evaluate("() => { window.paints.length = 0 }")
    page.keyboard.press(key)
    page.wait_for_function("() => window.paints.length > 0", timeout=30_000)
    took = page.evaluate("() => window.paints[0] - window.pressed")
    # Both sides come to rest, with what they still have to say to the server.
    page.wait_for_timeout(900)
    return took


def drag(page, dial) -> tuple[int, float]:
    """Pull the dial's thumb along: pictures that were painted before it is let go, and seconds."""
    box = dial.bounding_box()
    x, y = box["x"] + 8, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("() => { window.paints.length = 0 }")
    begin = time.perf_counter()
    for step in range(DRAG_STEPS):
        page.mouse.move(x + 2 * step, y)
        page.wait_for_timeout(STEP_MS)
    seconds = time.perf_counter() - begin
    painted = page.evaluate("() => window.paints.length")
    page.mouse.up()
    page.wait_for_timeout(1500)
    return painted, seconds


@benchmark(
    "Filter bank: dial → new picture (160×160, Sobel)",
    goal="p50 at most 1.5× a bare script with st.slider and st.image; pictures follow while the dial turns",
)
def live_filter() -> list[Row]:
    """The same key presses on both sides, alternating; then the same pull at both dials."""
    ours, base = [], []
    with chromium() as browser, running() as app, bare_server(BARE) as other:
        page, _ = new_page(new_context(browser))
        page.goto(f"{app.url}/feature-maps")
        settled(page)
        mine = page.locator("input[name=angle]")
        mine.wait_for()
        bare, _ = new_page(new_context(browser))
        bare.goto(other.url)
        settled(bare)
        bare.locator("[data-testid=stImage] img, img").first.wait_for()
        theirs = bare.locator("[data-testid=stSlider] input[type=range]")
        page.evaluate(watching(OURS, "data-renders"))
        bare.evaluate(watching("document.querySelector('[data-testid=stImage] img, [data-testid=stMain] img')", "src"))
        for key in ("ArrowRight",) * 3:
            key_ms(page, mine, key)
            key_ms(bare, theirs, key)
        for _ in range(CHANGES):
            ours.append(key_ms(page, mine, "ArrowRight"))
            base.append(key_ms(bare, theirs, "ArrowRight"))
        pulled, seconds = drag(page, mine)
        thumb = bare.locator("[data-testid=stSlider] [role=group] [data-rac]").last
        bare_pulled, bare_seconds = drag(bare, thumb)
    rows = []
    for q in (50, 95):
        a, b = percentile(ours, q), percentile(base, q)
        rows.append(Row(f"key → painted, p{q} of {CHANGES}", a, b, met=a <= 1.5 * b if q == 50 else None))
    rate, bare_rate = pulled / seconds, bare_pulled / bare_seconds
    note = "st.slider tells its value when it is let go" if not bare_pulled else ""
    rows.append(Row("pictures a second while it is pulled", rate, bare_rate, "/s", met=rate >= 2, note=note))
    return [*rows, _server_row()]


def _server_row() -> Row:
    """What the server computes for one picture, against the layer alone."""
    import cv2
    import torch

    from models import device
    from models.maps import filters
    from pages.feature_maps import filters as bank
    from pages.feature_maps._picture import Picture

    rgb = cv2.imread(str(PICTURES / "astronaut.png"))[..., ::-1].copy()
    picture, kernel = Picture(rgb, rgb, "astronaut"), filters.kernel("sobel", 3, angle=30)
    choice = bank.Choice("sobel", kernel, kernel, (), bank.VIEWS[0], False, "reflect", False)
    layer = filters.layer(kernel, 1, "reflect")
    x = torch.from_numpy(picture.grey)[None, None].float() / 255
    tasks = (lambda: bank._answer(picture, choice), lambda: layer(x))
    took: tuple[list[float], list[float]] = ([], [])
    with device.one_thread(), torch.inference_mode():
        for turn in range(60):
            for task, times in zip(tasks, took, strict=True):
                begin = time.perf_counter()
                task()
                if turn >= 10:
                    times.append(1e3 * (time.perf_counter() - begin))
    mine, bare = (percentile(times, 50) for times in took)
    return Row("server: all numbers of one picture, against nn.Conv2d alone", mine, bare, note="p50 of 50")
