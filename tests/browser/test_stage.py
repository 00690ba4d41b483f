"""The stage in a real browser, on hand-made scenes: what a visitor points at is what they are told."""

import base64

import numpy as np
import pytest

from tests.browser.conftest import Visit
from tests.browser.support import new_context, new_page, running
from viz.components.stage import enc

SCENES = ["channels", "causal", "volume", "mid", "photo", "huge", "separable", "stack", "transposed", "many", "floats"]


@pytest.fixture(scope="module")
def harness():
    with running("tests/browser/stage_harness.py") as server:
        yield server


@pytest.fixture(scope="module")
def desk(browser, harness):
    """One visitor at a desk whom most tests share: what is cached once is not loaded thirty times."""
    context = new_context(browser)
    yield Visit(*new_page(context), harness.url)
    context.close()


@pytest.fixture
def show(visit, harness, desk):
    """``show("a1")`` loads a scene and waits for its stage; any setting of the visitor asks for a new one."""

    def open_scene(name, **how):
        path = f"/?scene={name}"
        one = visit(path, server=harness, **how) if how else desk.goto(path)
        one.page.locator(".stage[data-selected]").wait_for()
        one.recorder.clear()
        return one

    return open_scene


def switch(page, name):
    """Choose another scene in the running app: the stage gets new data on the DOM it already has."""
    renders = int(data(page, "renders"))
    box = page.get_by_test_id("stSelectbox").locator("input")
    box.fill(name)
    box.press("Enter")
    page.locator(f".stage[data-renders='{renders + 1}']").wait_for()


def data(page, name):
    return page.locator(".stage").get_attribute(f"data-{name}")


def equation(page):
    return page.locator(".eq .main").inner_text().replace("\n", " ").strip()


def rect(page, grid, channel, cell):
    box = page.locator(".stage").evaluate(
        "(root, [g, c, i]) => { const r = root.cellRect(g, c, i); return r && [r.x, r.y, r.width, r.height]; }",
        [grid, channel, cell],
    )
    assert box, f"{grid} {channel} {cell} is not on screen"
    return box


def point(page, grid, channel, cell):
    x, y, w, h = rect(page, grid, channel, cell)
    return x + w / 2, y + h / 2


def hover(page, grid, cell, channel=0):
    page.mouse.move(*point(page, grid, channel, cell))


def click(page, grid, cell, channel=0):
    page.mouse.click(*point(page, grid, channel, cell))


def test_an_output_number_is_its_window_times_the_kernel(show):
    page = show("a1").page
    for cell, window, text in [
        (0, "0,1,2,4,5,6,8,9,10", "122 = 4·1 + 5·4 + 8·1 + 1·1 + 8·4 + 8·3 + 3·3 + 6·3 + 6·1"),
        (1, "1,2,3,5,6,7,9,10,11", "148 = 5·1 + 8·4 + 7·1 + 8·1 + 8·4 + 8·3 + 6·3 + 6·3 + 4·1"),
    ]:
        hover(page, "output", cell)
        assert data(page, "selected") == f"output:0:{cell}"
        assert data(page, "window") == f"input:0:{window}"
        assert equation(page) == text


def test_hover_sends_nothing(show):
    one = show("pad6")
    one.recorder.clear()
    for grid, cells in [("output", range(36)), ("input", range(64)), ("kernel", range(9))]:
        for cell in cells:
            hover(one.page, grid, cell)
    box = one.page.locator("canvas[data-operator]").bounding_box()
    for step in range(10):
        one.page.mouse.move(box["x"] + box["width"] * step / 10, box["y"] + box["height"] * step / 10)
    assert one.recorder.sent == []


def test_an_input_cell_shows_all_it_reaches_and_lets_go_afterwards(show):
    page = show("a1").page
    hover(page, "input", 5)
    assert data(page, "window") == "output:0:0,1,2,3"
    assert equation(page) == "8 reaches 4 cells of Output"
    hover(page, "input", 0)
    assert data(page, "window") == "output:0:0"
    page.mouse.move(5, 5)
    assert data(page, "selected") == "output:0:0"


def test_padding_knows_its_source(show):
    page = show("reflect").page
    # Reflect copies real cell 5 (row 1, column 1) into the corner; it is drawn at 14.
    hover(page, "input", 14)
    copied = data(page, "window")
    hover(page, "input", 0)
    assert data(page, "window") == copied
    page = show("zeros").page
    hover(page, "input", 0)
    assert data(page, "window") == "output:0:0"
    assert equation(page) == "0 (padding) reaches 1 cell of Output"


def test_a_kernel_cell_gives_the_running_sum(show):
    page = show("a1").page
    hover(page, "output", 1)
    hover(page, "kernel", 2)
    assert data(page, "selected") == "kernel:0:2"
    assert page.locator(".eq .hot").inner_text() == "7·1"
    assert page.locator(".eq .sub").inner_text() == "37 + 7·1 = 44 after 3 of 9 terms"


def test_a_term_can_be_pointed_at(show):
    page = show("a1").page
    page.locator(".eq .t").nth(1).hover()
    assert page.locator(".eq .sub").inner_text() == "4 + 5·4 = 24 after 2 of 9 terms"


def test_the_operator_is_linked_both_ways(show):
    page = show("a1").page
    over = page.locator("canvas[data-operator]")
    box = over.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 5.5 / 16, box["y"] + box["height"] * 3.5 / 4)
    assert data(page, "selected") == "output:0:3"
    assert page.locator(".eq .hot").inner_text() == "8·1"
    hover(page, "output", 2)
    assert "row 2 selected" in over.get_attribute("aria-label")
    hover(page, "input", 7)
    assert "column 7 selected" in over.get_attribute("aria-label")


def test_the_operator_can_be_enlarged(show):
    page = show("a1").page
    before = page.locator("canvas[data-operator]").bounding_box()["width"]
    page.get_by_role("button", name="Enlarge the matrix").click()
    assert page.locator("canvas[data-operator]").bounding_box()["width"] > 2 * before
    page.keyboard.press("Escape")
    assert page.locator("canvas[data-operator]").bounding_box()["width"] == before


def test_click_pins_and_escape_lets_go(show):
    page = show("a1").page
    click(page, "output", 3)
    assert data(page, "pinned") == "true"
    hover(page, "output", 0)
    assert data(page, "selected") == "output:0:3"
    page.keyboard.press("Escape")
    assert data(page, "pinned") == "false"
    click(page, "output", 3)
    click(page, "output", 3)
    assert data(page, "pinned") == "false"


def test_keys_alone(show):
    page = show("a1").page
    output = page.locator("canvas[data-grid=output]")
    page.locator("canvas[data-grid=kernel]").focus()
    page.keyboard.press("Tab")
    assert output.evaluate("n => n.matches(':focus-visible')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert data(page, "selected") == "output:0:3"
    assert output.get_attribute("aria-label") == "Output, 2 by 2, row 1, column 1: 134 selected"
    page.keyboard.press("Enter")
    assert data(page, "pinned") == "true"
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    assert data(page, "playing") == "true"
    page.keyboard.press(" ")
    assert data(page, "playing") == "false"


def test_steps_walk_the_outputs(show):
    page = show("a1").page
    seen = []
    for _ in range(4):
        page.get_by_role("button", name="Step forward").click()
        seen.append(data(page, "selected"))
    assert seen == ["output:0:1", "output:0:2", "output:0:3", "output:0:0"]
    page.get_by_role("button", name="Step back").click()
    assert data(page, "selected") == "output:0:3"


def test_play_moves_and_pauses(show):
    page = show("a1").page
    page.get_by_role("button", name="Play").click()
    page.locator(".stage[data-selected='output:0:2']").wait_for()
    assert page.locator(".eq").get_attribute("aria-live") == "off"
    page.get_by_role("button", name="Pause").click()
    assert data(page, "playing") == "false"


def test_autoplay_respects_reduced_motion(show):
    assert data(show("autoplay").page, "playing") == "true"
    assert data(show("autoplay", reduced_motion="reduce").page, "playing") == "false"


def test_an_edit_is_sent_once_with_its_real_index(show):
    one = show("zeros")
    page = one.page
    x, y = point(page, "input", 0, 7)
    page.mouse.dblclick(x, y)
    page.locator("input.ed").fill("abc")
    page.keyboard.press("Enter")
    assert "“abc” is not a number" in page.locator(".bad").inner_text()
    page.locator("input.ed").fill("2.5")
    page.keyboard.press("Enter")
    page.get_by_text('edit: {"cell": 0, "channel": 0, "grid": "input", "n": 1, "value": 2.5}').wait_for()
    assert page.locator("input.ed").count() == 0
    page.mouse.dblclick(*point(page, "input", 0, 0))
    assert page.locator("input.ed").count() == 0, "padding is not a cell one can edit"


def test_typing_a_digit_starts_an_edit_and_escape_drops_it(show):
    one = show("a1")
    page = one.page
    page.locator("canvas[data-grid=kernel]").focus()
    page.keyboard.press("ArrowRight")
    one.recorder.clear()
    page.keyboard.press("7")
    assert page.locator("input.ed").input_value() == "7"
    page.keyboard.press("Escape")
    assert page.locator("input.ed").count() == 0
    assert one.recorder.sent == []


def test_new_numbers_keep_the_selection_and_the_place(show):
    page = show("a1").page
    click(page, "output", 3)
    before = rect(page, "output", 0, 3)
    page.get_by_test_id("stNumberInputStepUp").click()
    page.locator(".stage[data-renders='2']").wait_for()
    assert data(page, "selected") == "output:0:3"
    assert data(page, "pinned") == "true"
    assert rect(page, "output", 0, 3) == before


def test_channels_are_summed_and_the_bias_added(show):
    page = show("channels").page
    groups = [int(t.split()[-1].replace("−", "-")) for t in page.locator(".eq .ch").all_inner_texts()]
    total = int(page.locator(".eq .main .y").inner_text().replace("−", "-"))
    assert len(groups) == 3
    assert total == sum(groups) + 1
    assert "bias 1" in equation(page)
    page.locator(".eq .ch").nth(2).click()
    assert page.locator(".eq .ch.on").inner_text().startswith("channel 2")


def test_a_window_is_followed_through_every_layer(show):
    page = show("stack").page
    sizes = {part.split(":")[0]: len(part.split(":")[2].split(",")) for part in data(page, "window").split(";")}
    assert sizes == {"l3": 9, "l2": 25, "l1": 49, "l0": 81}
    page = show("wavenet").page
    assert "x0:0:8,9,10,11,12,13,14,15" in data(page, "window")


def test_every_way_to_reduce(show):
    page = show("a1").page
    for name, text in [
        ("max", "8 = max(1, 5, 4, 8)"),
        ("mean", "4.5 = (1 + 5 + 4 + 8)/4"),
        ("lp", "10.3 ≈ (1² + 5² + 4² + 8²)½"),
        ("odd", "NaN = NaN·1 + 5·4 + 8·1 + 1·1 + 8·4 + 8·3 + 3·3 + 6·3 + 6·1"),
    ]:
        switch(page, name)
        assert equation(page) == text
    assert equation(show("transposed").page) == "29 = 2·4 + 1·1 + 4·4 + 4·1"


def test_a_rearrangement_reads_one_channel(show):
    page = show("shuffle").page
    assert equation(page) == "6 = 6·1"
    assert data(page, "window") == "input:3:0"
    hover(page, "input", 1, channel=2)
    assert data(page, "window") == "output:0:6"
    hover(page, "output", 3)
    assert data(page, "window") == "input:1:1"


def test_long_sums_are_shortened_and_still_total(show):
    assert "… 13 more terms" in equation(show("mid").page)


def test_steppers_choose_channels(show):
    page = show("many").page
    page.get_by_role("button", name="Next channel of Output").click()
    assert data(page, "selected") == "output:1:0"
    page.get_by_role("button", name="Previous channel of Kernel").click()
    assert page.locator(".stage figure").nth(1).locator(".steps").inner_text().count("out 0") == 1
    page.get_by_role("button", name="Previous channel of Output").click()
    assert data(page, "selected") == "output:7:0"


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_leaves_its_frame(show, width):
    one = show("a1", width=width)
    page = one.page
    for name in SCENES:
        switch(page, name)
        frame = page.locator(".stage").bounding_box()
        for canvas in page.locator(".stage canvas.over").all():
            box = canvas.bounding_box()
            for start, size in (("x", "width"), ("y", "height")):
                assert box[start] >= frame[start], name
                assert box[start] + box[size] <= frame[start] + frame[size], name
        eq = page.locator(".eq")
        assert eq.evaluate("n => n.scrollHeight <= n.clientHeight + 1 && n.scrollWidth <= n.clientWidth"), name
        assert width < 600 or frame["height"] == 500
        one.sound()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(show, scheme):
    one = show("zeros", scheme=scheme)
    one.accessible()
    switch(one.page, "many")
    one.accessible()


def test_a_theme_switch_repaints_without_a_message(show):
    one = show("a1", scheme="light")
    page = one.page
    pixel = """() => {
        const root = [...document.querySelectorAll('*')].map(n => n.shadowRoot?.querySelector('.stage')).find(Boolean);
        const base = root.querySelector('canvas[data-grid=input]').previousSibling;
        return String(Array.from(base.getContext('2d').getImageData(12, 12, 1, 1).data));
    }"""
    before = page.evaluate(pixel)
    one.recorder.clear()
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"before => ({pixel})() !== before", arg=before)
    assert one.recorder.sent == []


def test_the_picture_is_a_png(show):
    page = show("a1").page
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "convscope.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_touch_selects_then_edits(show):
    page = show("a1", width=390).page
    page.locator("canvas[data-grid=input]").scroll_into_view_if_needed()
    x, y = point(page, "input", 0, 5)
    page.touchscreen.tap(x, y)
    assert data(page, "selected") == "input:0:5"
    page.touchscreen.tap(x, y)
    assert page.locator("input.ed").input_value() == "8"


def test_encoding_round_trips():
    assert enc(None) is None
    assert enc(np.arange(4)) == [0, 1, 2, 3]
    assert enc(np.array([1.5, -2.0])) == [1.5, -2.0]
    for array, kind in [
        (np.array([1.0, np.nan]), "f8"),
        (np.linspace(0, 1, 64), "f8"),
        (np.linspace(0, 1, 20_001), "f4"),
        (np.arange(64), "u2"),
        (np.arange(-32, 32), "i4"),
        (np.arange(64).reshape(8, 8).T, "u2"),
    ]:
        made = enc(array)
        assert made["d"] == kind
        back = np.frombuffer(base64.b64decode(made["b"]), "<" + kind)
        np.testing.assert_allclose(back, np.ravel(array), rtol=1e-6)
    with pytest.raises(ValueError, match="real numbers"):
        enc(np.array([1j]))
