"""The lesson on transposed convolutions in a real browser: views that move together, every part, phone and keys."""

import re

import pytest
import torch
from playwright.sync_api import expect

from models import lab
from models.share import Scene
from models.spec import LayerSpec
from tests.browser.support import settled
from viz.components.files import FOLDER
from viz.components.stage import share
from viz.scenes.four_views import four_views, matrices

PANELS = ("stamp", "zero_insertion", "matrix", "gradient")


def panel(page, name):
    return page.locator(f"[data-panel={name}]")


def selected(page) -> dict[str, str]:
    """What each panel has selected, as the index that all agree on."""
    return page.evaluate(
        """async (folder) => {
            const { shared } = await import(new URL(`./${folder}/stage/share.js`, document.baseURI));
            const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
            return Object.fromEntries(root.querySelector('.panels').panels.panels.map((p) => {
                const s = shared(p);
                return [p.root.dataset.panel, `${s.name}:${s.index}`];
            }));
        }""",
        FOLDER,
    )


def drawn(visit, path="/transposed?ask=none"):
    """The page, with all its panels on screen."""
    seen = visit(path)
    last = "convolution" if "matrix" in path else "gradient"
    expect(panel(seen.page, last)).to_have_attribute("data-selected", re.compile(":"))
    return seen


def rect(page, name, grid, cell):
    return page.evaluate(
        """([name, grid, cell]) => {
            const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
            const r = root.querySelector(`[data-panel=${name}]`).cellRect(grid, 0, cell);
            return [r.x + r.width / 2, r.y + r.height / 2];
        }""",
        [name, grid, cell],
    )


@pytest.mark.parametrize(
    ("name", "grid", "cell", "all_show"),
    [
        ("stamp", "output", 7, "output:7"),
        ("zero_insertion", "output", 12, "output:12"),
        ("matrix", "output", 0, "output:0"),
        ("gradient", "output", 15, "output:15"),
        ("matrix", "input", 1, "input:1"),
        ("zero_insertion", "image", 21, "input:3"),
    ],
)
def test_hovering_one_view_moves_all_four_and_sends_nothing(visit, name, grid, cell, all_show):
    seen = drawn(visit)
    seen.recorder.clear()
    seen.page.mouse.move(*rect(seen.page, name, grid, cell))
    assert selected(seen.page) == dict.fromkeys(PANELS, all_show)
    assert seen.recorder.sent == []
    assert seen.recorder.received == []


def test_views_move_together_where_arrays_are_shared_and_where_no_stamp_lands(visit):
    groups = "ct_in_channels=4&ct_out_channels=2&ct_groups=2"
    seen = drawn(visit, f"/transposed?ct_input_size=12&ct_stride=2&ct_dilation=3&{groups}")
    seen.recorder.clear()
    seen.page.mouse.move(*rect(seen.page, "stamp", "output", 31))
    assert selected(seen.page) == dict.fromkeys(PANELS, "output:31")
    # Stamps of dilation 3 at distance 2 leave out the second cell of each row.
    seen.page.mouse.move(*rect(seen.page, "stamp", "output", 1))
    for name in ("stamp", "matrix", "gradient"):
        expect(panel(seen.page, name).locator(".eq .main")).to_have_text("0 = 0 no input cell reaches it")
    assert seen.recorder.sent == []
    seen.sound()


def test_a_weight_is_followed_through_the_flipped_kernel_and_the_matrix(visit):
    seen = drawn(visit)
    page = seen.page
    page.mouse.move(*rect(page, "stamp", "weight", 0))
    flipped = panel(page, "zero_insertion")
    expect(flipped).to_have_attribute("data-selected", "flipped:0:8")
    taps = page.evaluate(
        """() => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot.querySelector('.panels')
            .panels.panels.map((p) => p.tap && p.tap.tap)"""
    )
    assert taps[2] == 0
    seen.sound()


def test_the_keyboard_moves_pins_and_plays_all_views(visit):
    seen = drawn(visit)
    page = seen.page
    grid = panel(page, "stamp").locator("[data-grid=output]")
    grid.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    assert selected(page) == dict.fromkeys(PANELS, "output:8")
    page.keyboard.press("Enter")
    for name in PANELS:
        expect(panel(page, name)).to_have_attribute("data-pinned", "true")
    page.wait_for_url("**/transposed?cell=output.0.2.0")
    # The picture has not waited for the link, and is not drawn again for it; moving on lets go of the cell, once.
    settled(page)
    assert page.locator(".panels").get_attribute("data-renders") == "1"
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: "cell=" not in url)
    settled(page)
    page.wait_for_timeout(600)
    seen.recorder.clear()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(600)
    assert selected(page) == dict.fromkeys(PANELS, "output:8")
    assert seen.recorder.sent == seen.recorder.received == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/transposed?cell=output.0.2.0")
    page.reload()
    for name in PANELS:
        expect(panel(page, name)).to_have_attribute("data-pinned", "true")
    assert selected(page) == dict.fromkeys(PANELS, "output:8")
    grid.focus()
    page.keyboard.press("Escape")
    page.wait_for_url("**/transposed?ask=none")
    for name in PANELS:
        expect(panel(page, name)).to_have_attribute("data-pinned", "false")
    page.keyboard.press("p")
    expect(panel(page, "gradient")).to_have_attribute("data-selected", "output:0:9")
    page.keyboard.press("p")


def test_stamps_accumulate_in_the_browser(visit):
    seen = drawn(visit)
    page = seen.page
    seen.recorder.clear()
    page.get_by_role("button", name="Stamps").click()
    x = torch.tensor([[[[2.0, 1], [4, 4]]]]).double()
    frames = []
    values = """() => document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot
        .querySelector(".panels")
        .panels.lead.scene.byId['%s'].values"""
    as_list = "Array.from((" + values + ")())"
    kernel = torch.tensor(page.evaluate(as_list % "weight")).double().reshape(1, 1, 3, 3)
    layer = torch.nn.ConvTranspose2d(1, 1, 3, bias=False).double().requires_grad_(False)
    layer.weight.copy_(kernel)
    for count in range(5):
        frames.append(page.evaluate(as_list % "output"))
        stamped = torch.where(torch.arange(4).reshape(x.shape) < count, x, 0)
        assert frames[-1] == layer(stamped).reshape(-1).tolist()
        assert "≠" not in panel(page, "stamp").locator(".eq").inner_text()
        # That views agree is said once they do.
        assert [mark.is_visible() for mark in page.locator(".ph .mark").all()] == [count == 4] * 4
        panel(page, "stamp").get_by_role("button", name="Step forward").click()
    assert frames[-1] == layer(x).reshape(-1).tolist()
    panel(page, "stamp").get_by_role("button", name="Play").click()
    expect(panel(page, "stamp")).to_have_attribute("data-stamped", "3")
    page.get_by_role("button", name="Stamps").click()
    assert page.evaluate(as_list % "output") == frames[-1]
    assert seen.recorder.sent == []
    seen.sound()


def test_a_number_typed_into_one_view_reaches_all(visit):
    seen = drawn(visit)
    page = seen.page
    panel(page, "stamp").locator("[data-grid=input]").focus()
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    settled(page)
    page.wait_for_url("**ct_x=**")
    page.mouse.move(*rect(page, "gradient", "output", 0))
    for name in PANELS:
        expect(panel(page, name).locator(".eq .y").first).to_have_text("0")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    page.wait_for_url("**ct_x=*5_*")
    page.mouse.move(*rect(page, "gradient", "output", 0))
    for name in PANELS:
        expect(panel(page, name).locator(".eq .y").first).to_have_text("5")
    page.get_by_role("button", name="Back to the worked example").click()
    for name in PANELS:
        expect(panel(page, name).locator(".eq .y").first).to_have_text("2")
    expect(page).not_to_have_url(re.compile("ct_x="))
    seen.sound()


def test_an_entry_of_one_matrix_is_the_mirror_image_in_the_other(visit):
    seen = drawn(visit, "/transposed-matrix?ask=none")
    page = seen.page
    canvas = panel(page, "transposed").locator("[data-operator]")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 2.5 / 4, box["y"] + box["height"] * 5.5 / 16)
    expect(panel(page, "transposed")).to_have_attribute("data-selected", "output:0:5")
    expect(panel(page, "convolution")).to_have_attribute("data-selected", "input:0:2")
    expect(canvas).to_have_attribute("aria-label", "Matrix Cᵀ, 16 rows, 4 columns, row 5, column 2: 4 selected.")
    seen.sound()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("size", [6, 20])
def test_a_matrix_too_large_for_numbers_is_painted(visit, size, width):
    seen = visit(f"/transposed-matrix?ct_input_size={size}&ct_stride=2", width=width)
    page = seen.page
    expect(panel(page, "convolution")).to_have_attribute("data-selected", re.compile(":"))
    page.wait_for_function(
        """() => {
            const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
            const overlay = root.querySelector('[data-panel=transposed] [data-operator]');
            const canvas = overlay.parentElement.querySelector('canvas');
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return data.some((value, i) => i % 4 === 3 && value > 0);
        }"""
    )
    whole = "one => one.scrollHeight <= one.clientHeight"
    assert all(one.evaluate(whole) for one in page.locator(".well").all())
    page.get_by_role("button", name="Enlarge the matrix").first.click()
    for part in page.locator(".opbox.big, .opbox.big .cv").all():
        assert part.evaluate(whole)
    if width < 600:
        seen.for_a_finger()
    seen.sound()


SETTINGS = {
    "1-D": {"dims": 1, "stride": (2,)},
    "1-D, groups": {"dims": 1, "stride": (2,), "in_channels": 4, "out_channels": 4, "groups": 2},
    "1-D, long": {"dims": 1, "input_size": (16,), "in_channels": 3, "out_channels": 3},
    "2-D": {"dims": 2},
    "2-D, groups": {"dims": 2, "stride": (2, 2), "in_channels": 4, "out_channels": 4, "groups": 4},
    "3-D": {"dims": 3},
    "3-D, groups": {"dims": 3, "stride": (2, 2, 2), "in_channels": 2, "out_channels": 4, "groups": 2},
}


def test_no_view_cuts_off_its_cells_and_none_needs_scrolling_on_a_laptop(visit):
    """Where no question stands above them."""
    seen = drawn(visit, "/transposed?ct_kernel_size=2")
    for name, asked in SETTINGS.items():
        dims = asked["dims"]
        plain = {"input_size": (2,) * dims, "kernel_size": (3,) * dims, "padding": (0,) * dims, "stride": (1,) * dims}
        found = lab.of(Scene(LayerSpec(kind="transposed", **plain | asked)))
        for data in (four_views(found), matrices(found, numbers=True, flat=True, colour="tap")):
            # Other numbers for the same panels, as after a click on a setting, without the run.
            beyond, bottom = seen.page.evaluate(
                """data => {
                    const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot
                        .querySelector('.panels');
                    root.panels.update({ data, setTriggerValue() {} });
                    const beyond = root.panels.panels.flatMap(panel => {
                        const room = panel.root.querySelector(".well").getBoundingClientRect();
                        return [...panel.root.querySelectorAll("canvas.base, .name, .steps button")]
                            .map(one => one.getBoundingClientRect()).filter(one => one.width)
                            .flatMap(one => [one.right - room.right, one.bottom - room.bottom,
                                room.left - one.left, room.top - one.top]);
                    });
                    return [Math.max(...beyond), root.getBoundingClientRect().bottom];
                }""",
                {"height": 268, **share(data)},
            )
            assert beyond <= 1, f"{name}, {data['panels'][0]['title']}"
            assert bottom <= 900, name
    seen.sound()


def test_on_a_phone_each_view_begins_at_its_top_and_the_lessons_show_that_they_go_on(visit):
    seen = visit("/transposed?ask=none", width=390, height=844)
    page = seen.page
    page.locator(".panel canvas").first.wait_for()
    page.wait_for_timeout(300)
    seen.for_a_finger()
    for panel in page.locator(".panel").all():
        title, grid = panel.locator(".ph").bounding_box(), panel.locator("figcaption").first.bounding_box()
        assert grid["y"] - title["y"] - title["height"] < 60
    ends = "n => getComputedStyle(n.parentNode, '::after').content"
    assert "›" in page.locator(".st-key-neighbours").evaluate(ends)


def test_training_can_be_stopped_and_keeps_what_it_reached(visit):
    seen = visit("/transposed-learn?wl_steps=1000&wl_kernel=9&present=1")  # its buttons stand beside the picture
    seen.page.get_by_role("button", name="Train").click()
    # "loss" alone stands there before it trains.
    expect(seen.page.get_by_text(re.compile(r"Step \d+ of 1.000, loss"))).to_be_visible()
    seen.page.get_by_role("button", name="Stop").click()
    expect(seen.page.get_by_text("Stopped after")).to_be_visible()
    seen.sound()


def test_pixel_shuffle_moves_when_asked(visit):
    seen = visit("/transposed-compare?ask=none&up_shuffled=true")
    page = seen.page
    box = page.get_by_role("checkbox", name="Shuffle")
    first = page.locator(".cs-shuffle svg g").nth(1)
    before = first.bounding_box()
    box.check()
    page.wait_for_timeout(1700)
    assert first.bounding_box()["x"] > before["x"]


def test_a_block_of_the_matrix_marks_its_likes_and_says_what_it_joins(visit):
    seen = visit("/transposed-matrix?ask=none&ct_blocks=true")
    page = seen.page
    block, other = page.locator(".cs-block.k1").first, page.locator(".cs-block.k0").first
    said = block.locator(".cs-say")
    expect(said).to_be_hidden()
    block.locator("rect").nth(1).hover()
    expect(said).to_be_visible()
    assert said.text_content() == "K1 leads from input row 0 to output row 1"
    expect(other).to_have_css("opacity", "0.22")
    expect(page.locator(".cs-block.k1").nth(1)).to_have_css("opacity", "1")
    page.mouse.move(0, 0)
    page.locator(".cs-chip.k0").focus()
    expect(block).to_have_css("opacity", "0.22")
    expect(other).to_have_css("opacity", "1")
    seen.sound()


def test_the_same_layer_opens_in_the_playground(visit):
    seen = visit("/transposed?ct_stride=2&ct_input_size=3")
    page = seen.page
    page.get_by_role("link", name="The same layer in the Playground").click()
    page.wait_for_url("**/playground?**")
    settled(page)
    assert {"kind=transposed", "stride=2", "input_size=3"} <= set(page.url.split("?")[1].split("&"))
    seen.sound()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1920, 1080)])
def test_output_size_uses_the_width_in_two_screens(visit, width, height):
    page = visit("/transposed-sizes?ask=none&stride=2&output_padding=1", width=width, height=height).page
    stage = page.locator(".st-key-numbers .stage[data-layout]")
    stage.wait_for()
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight") <= 2 * height
    controls, area = page.locator(".st-key-controls").bounding_box(), page.locator(".st-key-stage_area").bounding_box()
    beside, right = stage.bounding_box(), area["x"] + area["width"]
    assert beside["x"] >= controls["x"] + controls["width"]
    assert beside["y"] < controls["y"] + controls["height"], "it begins beside the controls"
    assert abs(beside["x"] + beside["width"] - right) <= 1
    said = page.locator(".st-key-stage_area p", has_text="measured on the real").bounding_box()
    assert said["x"] + said["width"] > right - area["width"] / 6, "the text takes the right third"
