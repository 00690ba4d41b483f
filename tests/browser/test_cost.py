"""Channels that are followed by pointer, keys and touch, and layers that are chosen by their tiles."""

import re

from playwright.sync_api import expect

EIGHT = "/cost?ask=none&in_channels=8&out_channels=8&groups=2&hidden=2&kernel_size=3"


def canvas(page, name: str):
    return page.locator(f".tile[data-name={name}] canvas")


def point(page, name: str, across: float, down: float) -> None:
    box = canvas(page, name).bounding_box()
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def test_a_channel_is_followed_and_nothing_is_sent(visit):
    """Two groups: an output channel sees half of the inputs; depthwise, one; depthwise and then 1×1, all."""
    one = visit(EIGHT)
    page, told = one.page, one.page.locator(".channels .told")
    sent = len(one.recorder.sent)
    for name, across, said in (
        ("standard", 0.98, "Standard: output channel 0 sees 8 of 8 input channels."),
        ("grouped", 0.98, "Grouped: output channel 0 sees 4 of 8 input channels."),
        ("grouped", 0.02, "Grouped: input channel 0 reaches 4 of 8 output channels."),
        ("depthwise", 0.98, "Depthwise: output channel 0 sees 1 of 8 input channels."),
        ("depthwise_first", 0.98, "Depthwise, then 1×1: output channel 0 sees 8 of 8 input channels."),
        (
            "bottleneck", 0.5,
            "Bottleneck: inner channel 0 sees 8 of 8 input channels and reaches 8 of 8 output channels.",
        ),
    ):  # fmt: skip
        point(page, name, across, 0.1)
        expect(told).to_have_text(said)
    page.mouse.move(5, 5)
    expect(told).to_contain_text("Point at a channel")
    assert len(one.recorder.sent) == sent
    one.sound()


def test_while_a_question_waits_no_channel_is_followed(visit):
    page = visit("/cost?ask=sees").page
    point(page, "grouped", 0.98, 0.1)
    expect(page.locator(".channels .told")).to_have_text(
        "Predict first: then channels can be followed. In a picture, columns are channels that come in, rows those "
        "that go out."
    )


def test_keys_follow_channels_too(visit):
    page = visit(EIGHT).page
    told = page.locator(".channels .told")
    canvas(page, "grouped").focus()
    page.keyboard.press("ArrowDown")
    expect(told).to_have_text("Grouped: output channel 1 sees 4 of 8 input channels.")
    page.keyboard.press("ArrowLeft")
    expect(told).to_have_text("Grouped: input channel 1 reaches 4 of 8 output channels.")
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    expect(told).to_contain_text("Point at a channel")


def test_a_tile_chooses_its_layer_and_the_link_says_so(visit):
    page = visit(EIGHT).page
    page.get_by_role("button", name="Depthwise", exact=True).click()
    expect(page).to_have_url(re.compile("way=Depthwise"))
    expect(page.locator("#depthwise")).to_be_visible()
    expect(page.get_by_role("button", name="Depthwise", exact=True)).to_have_attribute("aria-pressed", "true")


def test_many_channels_are_a_picture_and_are_followed_as_well(visit):
    page = visit("/cost?ask=none").page
    told = page.locator(".channels .told")
    # Below the edge that stands for the inputs, the first row is the first output.
    point(page, "grouped", 0.98, 0.16)
    expect(told).to_have_text("Grouped: output channel 0 sees 48 of 192 input channels.")
    point(page, "grouped", 0.5, 0.95)
    expect(told).to_have_text("Grouped: output channel 31 sees 48 of 192 input channels.")
    point(page, "grouped", 0.06, 0.08)
    expect(told).to_have_text(re.compile(r"^Grouped: input channel \d reaches 8 of 32 output channels\.$"))
    page.mouse.move(5, 5)
    expect(told).to_contain_text("columns are channels that come in, rows those that go out")


def test_times_are_measured(visit):
    page = visit(EIGHT).page
    page.get_by_role("button", name="Measure the times here").click()
    expect(page.get_by_text(re.compile("bars are quartiles"))).to_be_visible(timeout=60_000)


def test_a_kernel_becomes_your_own_where_you_type_into_it(visit):
    one = visit("/cost-kernel?ask=none")
    page = one.page
    cell = page.locator(".weights [data-cell='1,1']")
    expect(cell).to_have_value("0")
    cell.fill("5")
    cell.press("Enter")
    expect(page).to_have_url(re.compile("kernel=Own.*numbers=-1"))
    expect(page.get_by_text("The rank is 2")).to_be_visible()
    expect(cell).to_have_value("5")
    cell.fill("five")
    cell.press("Enter")
    expect(page.locator(".weights .refused")).to_have_text(re.compile("is not a number.*the cell keeps 5"))
    one.sound()
