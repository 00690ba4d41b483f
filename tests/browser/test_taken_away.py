"""What is taken away, beside what is on the screen: the same cells, numbers and marks; a page that needs no server."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.stage_harness import scene
from tests.browser.support import new_context, new_page, settled
from viz.export.formats import FORMATS
from viz.export.taken import Taken

SVG = "{http://www.w3.org/2000/svg}"
SCENES = ["a1", "zeros", "channels", "causal", "lines", "volume", "transposed", "separable", "floats", "max"]
WIDTH = 1200

# Of each grid: the canvases as PNG, its cells' size, and what stands above.
SHOWN = """async () => {
    const {board} = window, found = {};
    for (const g of board.scene.grids) {
        const {base, over, name} = board.figs.get(g.id), flat = document.createElement('canvas');
        flat.width = base.width; flat.height = base.height;
        const ctx = flat.getContext('2d');
        ctx.fillStyle = getComputedStyle(document.body).backgroundColor;
        ctx.fillRect(0, 0, flat.width, flat.height);
        ctx.drawImage(base, 0, 0);
        ctx.drawImage(over, 0, 0);
        found[g.id] = {png: flat.toDataURL().split(',')[1], cell: g.lay.cell, name: name.innerText};
    }
    return {grids: found, equation: document.querySelector('.eq').innerText};
}"""


def page_of(name, theme="light", **options):
    taken = Taken(title=name, drawing=scene(name), height=500)
    return FORMATS["html"].make(taken, {"theme": theme} | options).decode()


@pytest.fixture(scope="module")
def offline(browser):
    """A tab without a network: ``offline(html)`` opens a page in it and says what it asked for."""
    context = new_context(browser, width=WIDTH)
    context.set_offline(True)
    page, recorder = new_page(context)

    def open_file(path):
        asked.clear()
        page.goto(f"file://{path}")
        page.locator(".stage[data-selected]").first.wait_for()
        return page, asked, recorder

    asked = []
    page.on("request", lambda request: asked.append(request.url))
    yield open_file
    context.close()


def image_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", SCENES)
def test_a_picture_shows_what_the_stage_shows(offline, tmp_path, name, theme):
    """Grid by grid: the size of the cells, the colour of each, its frame, and its number."""
    file = tmp_path / "stage.html"
    file.write_text(page_of(name, theme))
    page, _, _ = offline(file)
    page.evaluate("() => { window.board = document.querySelector('.stage').stage; board.pinned = true; }")
    shown = page.evaluate(SHOWN)
    outer = page.locator(".stage").evaluate("e => e.clientWidth")
    taken = Taken(drawing=scene(name), height=500)
    options = {"theme": theme, "width": outer}
    picture = image_of(FORMATS["png"].make(taken, options | {"scale": 1}))
    root = ET.fromstring(FORMATS["svg"].make(taken, options))
    layers = {g.get("class"): g for g in root.iter(f"{SVG}g")}
    said = " ".join("".join(layers["equation"].itertext()).split())
    assert re.sub(r"\s", "", said) == re.sub(r"\s", "", shown["equation"])
    for grid, there in shown["grids"].items():
        x, y = map(float, re.findall(r"[-\d.]+", layers[f"base-{grid}"].get("transform")))
        canvas = image_of(base64.b64decode(there["png"]))
        title = " ".join("".join(layers[f"title-{grid}"].itertext()).split())
        assert re.sub(r"\s", "", title) == re.sub(r"\s", "", there["name"])
        rects = layers[f"base-{grid}"].findall(f"{SVG}rect")
        assert {round(float(r.get("width")) + 2) for r in rects} >= {round(there["cell"])} or there["cell"] < 14
        for rect in rects:
            left, top, side = (float(rect.get(one)) for one in ("x", "y", "width"))
            # The corner region of a cell, inside its frame and away from number and weight; then its edge, the frame.
            for dx, dy in ((0.2, 0.2), (0.5, 0.16), (0.5, 0.02), (0.02, 0.25)):
                at_x, at_y = left + dx * side, top + dy * side
                ours = picture[round(y + at_y), round(x + at_x)]
                region = canvas[round(at_y) - 1 : round(at_y) + 2, round(at_x) - 1 : round(at_x) + 2].reshape(-1, 3)
                # The hatch of padding is not at the same phase, and edges lie between pixels.
                assert np.abs(region - ours).sum(-1).min() < 60, (grid, left, top, dx, dy)


def test_the_page_lives_without_network_and_names_nothing_elsewhere(offline, tmp_path):
    text = page_of("a1")
    assert not re.search(r"https?://|//cdn|@import|url\(", text)
    file = tmp_path / "stage.html"
    file.write_text(text)
    page, asked, recorder = offline(file)
    stage = page.locator(".stage")
    assert stage.get_attribute("data-selected") == "output:0:0"
    r = page.evaluate("() => document.querySelector('.stage').cellRect('output', 0, 3).toJSON()")
    box = r["x"] + r["width"] / 2, r["y"] + r["height"] / 2
    page.mouse.move(*box)
    assert stage.get_attribute("data-selected") == "output:0:3"
    assert page.locator(".eq .main").inner_text().startswith("134")
    page.locator("canvas[data-grid=output]").focus()
    page.keyboard.press("ArrowUp")
    assert stage.get_attribute("data-selected") == "output:0:1"
    page.keyboard.press("5")
    assert page.locator("input.ed").count() == 0
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.stage').dataset.selected === 'output:0:2'")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    assert recorder.errors == []
    assert [one for one in asked if not one.startswith(("file:", "blob:", "data:"))] == []


def test_the_page_can_be_embedded(offline, tmp_path):
    (tmp_path / "stage.html").write_text(page_of("zeros", matrix=False))
    outside = tmp_path / "course.html"
    outside.write_text(
        '<p class="stage" data-selected="">A course</p><iframe src="stage.html" width="900" height="560"></iframe>'
    )
    page, _, recorder = offline(outside)
    inside = page.frame_locator("iframe")
    inside.locator(".stage[data-selected]").wait_for()
    inside.locator("canvas[data-grid=output]").focus()
    page.keyboard.press("End")
    assert inside.locator(".stage").get_attribute("data-selected") == "output:0:3"
    assert inside.locator("[data-operator]").count() == 0
    assert recorder.errors == []


def test_panels_share_their_selection_in_a_page_too(offline, tmp_path):
    from models import lab
    from models.share import Scene
    from models.spec import LayerSpec
    from viz.scenes.four_views import four_views

    drawing = four_views(lab.of(Scene(LayerSpec("transposed", 2, 3, kernel_size=3, stride=2))))
    file = tmp_path / "views.html"
    file.write_bytes(FORMATS["html"].make(Taken(drawing=drawing)))
    page, _, recorder = offline(file)
    page.locator("[data-panel=stamp] canvas[data-grid=output]").focus()
    page.keyboard.press("Home")
    chosen = {panel.get_attribute("data-selected").split(":")[2] for panel in page.locator(".panel").all()}
    assert len(chosen) == 1
    assert recorder.errors == []


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_dialog_makes_what_it_shows(visit, width, scheme):
    """Format, options, preview, progress, download; it can be stopped, and fits the screen."""
    one = visit("/playground?input_size=6", width=width, scheme=scheme)
    page = one.page
    page.locator(".stage[data-selected]").wait_for()
    page.locator(".st-key-open_take_away button").click()
    dialog = page.get_by_role("dialog")
    preview = dialog.locator(".st-key-take_preview img")
    preview.wait_for()
    settled(page)
    # On a phone what will come out stands first.
    box = preview.bounding_box()
    assert (box["y"] + box["height"] <= dialog.get_by_role("radiogroup").first.bounding_box()["y"]) == (width == 390)
    dialog.get_by_role("radio", name="Animation").click()
    expect(preview).to_be_visible()
    dialog.get_by_role("button", name="Make the GIF").click()
    ready = dialog.get_by_role("button", name="Download the GIF")
    expect(ready).to_be_visible()
    one.sound()
    one.accessible()
    with page.expect_download() as download:
        ready.click()
    assert download.value.suggested_filename == "convscope-animation.gif"
    assert Image.open(download.value.path()).n_frames == 16
    # Another choice is another file; a long one can be stopped.
    # The page's own theme is chosen already.
    own, other = ("Light", "Dark") if scheme == "light" else ("Dark", "Light")
    expect(dialog.get_by_role("radio", name=own)).to_be_checked()
    dialog.get_by_role("radio", name=other).click()
    expect(dialog.get_by_role("button", name="Make the GIF")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_long_animation_can_be_stopped(visit):
    one = visit("/playground?input_size=20&kernel_size=1&ask=none")
    page = one.page
    page.locator(".stage[data-selected]").wait_for()
    page.locator(".st-key-open_take_away button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Animation").click()
    dialog.get_by_role("button", name="Make the GIF").click()
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    dialog.get_by_role("button", name="Stop").click()
    expect(dialog.get_by_text("Stopped.")).to_be_visible()
    one.sound()


def test_charts_save_themselves_without_a_network(browser, tmp_path):
    from viz.figures.plot import Series, lines

    chart = lines([Series("a", [1, 2], [3, 4])], x="layers", y="pixels")
    file = tmp_path / "charts.html"
    file.write_bytes(FORMATS["charts"].make(Taken(charts={"Growth": chart})))
    context = new_context(browser, width=WIDTH)
    context.set_offline(True)
    page, recorder = new_page(context)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    for title, ending, begin in (("SVG", "svg", b"<svg"), ("PNG", "png", b"\x89PNG")):
        with page.expect_download() as download:
            page.locator(f".modebar-btn[data-title='Download as {title}']").click()
        assert download.value.suggested_filename == f"Growth.{ending}"
        assert download.value.path().read_bytes().startswith(begin)
    assert recorder.errors == []
    assert [one for one in asked if not one.startswith(("file:", "blob:", "data:"))] == []
    context.close()
