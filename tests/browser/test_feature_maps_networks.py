"""Networks in the lesson on feature maps, in a real browser: point, click and walk over the maps with the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from models import networks
from models.maps.activations import unit_view
from models.receptive_field import receptive_field
from pages.feature_maps._closer import text
from tests.browser.support import settled
from viz.controls.picture import PICTURES

WALK = "/feature-maps-walk"
SHEET = ".sheet"


def walk(visit, query="?ask=none", **how):
    """The page, with its maps on the canvas."""
    seen = visit(WALK + query, **how)
    expect(seen.page.locator(SHEET)).to_have_attribute("data-unit", re.compile(r"\d+,\d+,\d+"))
    return seen


def place(page, unit):
    """Middle of a unit on the screen."""
    page.locator(".maps").scroll_into_view_if_needed()
    return page.evaluate("(unit) => Sheet().place(unit)".replace("Sheet()", SHEET_JS), list(unit))


SHEET_JS = (
    "[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')].map((e) => e.shadowRoot.querySelector"
    "('.sheet')).find(Boolean).sheet"
)


def sent_nothing(seen):
    assert seen.recorder.sent == []
    assert seen.recorder.received == []


@pytest.fixture(scope="module")
def astronaut():
    from models.picture import decode

    source = decode((PICTURES / "astronaut.png").read_bytes(), max_side=512)
    return networks.prepare("small", source, crop=False)


def test_pointing_shows_value_and_box_and_sends_nothing(visit, astronaut):
    seen = walk(visit)
    page, sheet = seen.page, seen.page.locator(SHEET)
    settled(page)
    seen.recorder.clear()
    page.mouse.move(*place(page, (5, 20, 33)))
    expect(sheet).to_have_attribute("data-shown", "5,20,33")
    field = receptive_field(networks.skeleton("small"), (1, 3, 64, 64), layer="relu1")
    (top, bottom), (left, right) = field.box((20, 33))
    expect(sheet).to_have_attribute("data-box", f"{top},{bottom},{left},{right}")
    maps = networks.feature_maps(networks.load("small", pretrained=True), astronaut.x, ["relu1"])["relu1"][0]
    told = page.locator(".told").inner_text()
    shown = float(re.search(r"≈ (−?[\d.]+)", told)[1].replace("−", "-"))
    assert abs(shown - float(maps[5, 20, 33])) <= float(maps[5].abs().max()) / 254 + 0.005
    # a pixel of the picture: the units that see it
    box = page.locator(".view").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".told")).to_contain_text("25 units see it")
    # the theme: other colours, and no run
    corner = f"() => [...{SHEET_JS}.maps.getContext('2d').getImageData(40, 40, 1, 1).data.slice(0, 3)]"
    before = page.evaluate(corner)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(was) => String(({corner})()) !== String(was)", arg=before)
    sent_nothing(seen)
    seen.sound()


def test_a_click_on_a_map_brings_the_patch_and_the_link(visit, astronaut):
    seen = walk(visit)
    page = seen.page
    page.mouse.click(*place(page, (5, 20, 33)))
    expect(page.get_by_text("Channel 5, unit (20, 33) of relu1")).to_be_visible()
    page.wait_for_url("**fm_unit=5.20.33**")
    view = unit_view(networks.load("small", pretrained=True), astronaut.x, "relu1", 5, (20, 33))
    expect(page.locator("[data-number=value] .cs-value")).to_have_text(text(view.value))
    (top, bottom), (left, right) = view.box
    patch = page.locator("figure", has_text="The patch under its box")
    expect(patch).to_contain_text(f"rows {top} to {bottom}, columns {left} to {right}")
    settled(page)
    again = visit(page.url.removeprefix(seen.base))
    expect(again.page.locator(SHEET)).to_have_attribute("data-unit", "5,20,33")
    again.sound()
    seen.sound()


def test_arrow_keys_move_the_unit_and_tell_the_server_once(visit):
    seen = walk(visit, "?fm_unit=3.10.10")
    page, sheet = seen.page, seen.page.locator(SHEET)
    expect(sheet).to_have_attribute("data-unit", "3,10,10")
    page.locator(".maps").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "PageDown"):
        page.keyboard.press(key)
    expect(sheet).to_have_attribute("data-unit", "4,11,11")
    expect(page.get_by_text("Channel 4, unit (11, 11) of relu1")).to_be_visible()
    page.wait_for_url("**fm_unit=4.11.11**")
    assert page.evaluate("() => document.activeElement.shadowRoot.activeElement.className") == "maps"
    page.locator(".view").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Pixel (33, 32): what does it change")).to_be_visible()
    page.wait_for_url("**fm_look=Pixel**")
    settled(page)
    before = page.url
    page.locator(".view").click(position={"x": 100, "y": 100})
    expect(page.get_by_text("Pixel (33, 32)")).not_to_be_attached()
    expect(page).not_to_have_url(before)
    expect(page.locator("figure", has_text="Largest change over all channels")).to_contain_text("✓")
    link, told = page.url.removeprefix(seen.base), page.locator(".told").inner_text()
    page.mouse.click(*place(page, (3, 10, 10)))
    expect(page.get_by_text("Channel 3, unit (10, 10) of relu1")).to_be_visible()
    seen.sound()
    again = visit(link, width=390)
    expect(again.page.locator(".told")).to_have_text(told)
    again.sound()


def test_another_layer_is_chosen_on_the_strip_and_with_keys(visit):
    seen = walk(visit)
    page = seen.page
    page.get_by_role("radio", name=re.compile("^conv3,")).click()
    expect(page.locator(".sheet .name")).to_contain_text("conv3: 48 maps of 16 × 16")
    page.wait_for_url("**fm_layer=conv3**")
    page.get_by_role("radio", name=re.compile("^conv3,")).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sheet .name")).to_contain_text("relu3")
    expect(page.locator(".low")).to_have_text("below 0")
    page.get_by_text("Rectified", exact=True).click()
    expect(page.locator(".low")).to_have_text("0")
    settled(page)
    # another control right after the strip does not take the choice back
    page.get_by_role("radio", name=re.compile("^bn2,")).click()
    page.get_by_text("The same", exact=True).click()
    page.wait_for_url(re.compile("(?=.*fm_layer=bn2)(?=.*fm_scale=The)"))
    expect(page.locator(".sheet .name")).to_contain_text("bn2")
    settled(page)
    # the browser's back button goes to the layer that the link names
    page.get_by_role("radio", name=re.compile("^conv1,")).click()
    page.wait_for_url("**fm_layer=conv1**")
    settled(page)
    page.go_back()
    page.wait_for_url("**fm_layer=bn2**")
    expect(page.locator(".sheet .name")).to_contain_text("bn2")
    expect(page.get_by_role("radio", name=re.compile("^bn2,"))).to_be_checked()
    expect(page.get_by_text("of bn2: what did it see?")).to_be_visible()
    seen.sound()


def test_a_step_leads_to_the_layer_beside(visit):
    seen = walk(visit, "?fm_layer=conv2")
    page, sheet = seen.page, seen.page.locator(SHEET)
    back, on = (page.get_by_role("button", name=name) for name in ("The layer before", "The next layer"))
    for button, layer in ((on, "bn2"), (back, "conv2"), (back, "pool1")):
        button.click()
        expect(sheet).to_have_attribute("data-token", re.compile(f"/{layer}$"))
        expect(page.get_by_text(f"of {layer}: what did it see?")).to_be_visible()
    # quick ones count too, and what is chosen on the maps is of the layer they lead to
    for button in (on, on, back, on):
        button.click()
    expect(sheet).to_have_attribute("data-token", re.compile("/bn2$"))
    settled(page)
    page.mouse.click(*place(page, (7, 3, 9)))
    expect(sheet).to_have_attribute("data-unit", "7,3,9")
    page.wait_for_url(re.compile("fm_layer=bn2.*fm_unit=7.3.9"))
    expect(page.get_by_text("Channel 7, unit (3, 9) of bn2")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^conv1,")).click()
    expect(back).to_be_disabled()
    expect(on).to_have_attribute("title", "The next layer: bn1")
    seen.sound()


def test_the_last_of_quick_choices_counts_everywhere(visit):
    seen = walk(visit, "?fm_layer=bn2")
    page = seen.page
    page.locator(".strip [role=radio]").evaluate_all(
        """async (all) => {
            for (const [layer, wait] of [["bn3", 350], ["gap", 20], ["bn3", 0]]) {
                all.find((one) => one.ariaLabel.startsWith(`${layer},`)).click();
                await new Promise((done) => setTimeout(done, wait));
            }
        }"""
    )  # the answer to the second is under way when the third is asked for
    expect(page.get_by_text("of bn3: what did it see?")).to_be_visible()
    settled(page)
    page.wait_for_timeout(1000)  # every choice has had its answer

    def everywhere(layer):
        expect(page).to_have_url(re.compile(f"fm_layer={layer}"))
        expect(page.get_by_role("combobox", name="Layer")).to_have_value(layer)
        expect(page.get_by_role("radio", name=re.compile(f"^{layer},"))).to_be_checked()
        expect(page.locator(SHEET)).to_have_attribute("data-token", re.compile(f"/{layer}$"))
        expect(page.get_by_text(f"of {layer}: what did it see?")).to_be_visible()

    everywhere("bn3")
    # the list and the strip are one control
    page.get_by_role("radio", name=re.compile("^conv1,")).click()
    page.get_by_text("Energy", exact=True).click()
    page.get_by_role("radio", name=re.compile("^pool2,")).click()
    box = page.get_by_role("combobox", name="Layer")
    box.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_be_focused()
    everywhere("bn3")
    box.select_option("conv4")
    everywhere("conv4")
    expect(page).to_have_url(re.compile("fm_order=Energy"))
    seen.sound()


def test_who_rests_is_sent_nothing(visit):
    seen = walk(visit)
    settled(seen.page)
    seen.recorder.clear()
    seen.page.wait_for_timeout(1500)
    sent_nothing(seen)
    seen.sound()


def test_maps_that_fill_several_pages_are_one_canvas(visit):
    seen = walk(visit, "?fm_network=SqueezeNet+1.1&fm_layer=features.9.expand3x3")
    page = seen.page
    expect(page.locator(".sheet .name")).to_have_text(
        "SqueezeNet 1.1, features.9.expand3x3: 192 maps of 13 × 13, random weights"
    )
    expect(page.get_by_text("Random weights are shown")).to_be_visible()
    assert page.locator(".sheet canvas").count() == 3
    expect(page.get_by_role("button", name="Load pretrained weights (5 MB)")).to_be_visible()
    page.get_by_role("button", name="Page 3").click()
    expect(page.locator(SHEET)).to_have_attribute("data-unit", re.compile(r"^1(2[89]|[3-9]\d),"))
    settled(page)
    channel, row, column = page.locator(SHEET).get_attribute("data-unit").split(",")
    expect(page.get_by_text(f"Channel {channel}, unit ({row}, {column}) of")).to_be_visible()
    seen.sound()


def test_a_tap_on_a_phone_selects(visit):
    seen = walk(visit, width=390, height=844)
    page = seen.page
    # What the maps are of is chosen above them.
    top = lambda found: found.bounding_box()["y"]  # noqa: E731
    for choice in ("Network", "Layer", "Weights"):
        found = page.get_by_role("radiogroup" if choice == "Weights" else "combobox", name=choice)
        assert top(found) < top(page.locator(".sheet[data-unit]"))
    seen.for_a_finger()
    page.touchscreen.tap(*place(page, (2, 30, 30)))
    expect(page.get_by_text(re.compile(r"Channel 2, unit \((29|30|31), (29|30|31)\)")).first).to_be_visible()
    seen.sound()


def test_moving_the_picture_moves_the_map(visit):
    seen = visit("/feature-maps-equivariance?fm_shift=4")
    error = seen.page.locator("[data-number=equivariance_error]")
    expect(error).to_contain_text("exactly")  # two poolings by 2: every fourth shift
    dial = seen.page.locator("input[name=shift]").bounding_box()
    y = dial["y"] + dial["height"] / 2
    seen.page.mouse.move(dial["x"] + dial["width"] / 2, y)
    seen.page.mouse.down()
    seen.page.mouse.move(dial["x"] + dial["width"] * 0.6, y)
    expect(error).to_contain_text("commutes: no")  # the button is still down
    seen.page.mouse.up()
    seen.page.locator("input[name=shift]").fill("5")
    seen.page.wait_for_url("**fm_shift=5**")
    seen.sound()
