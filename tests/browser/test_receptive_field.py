"""The lesson on receptive fields in a real browser: the cone, keys, links, uploads, both themes, a phone."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.slow import SlowWay
from tests.browser.support import ROOT, settled

PATH = "/receptive-field"


def stage(page):
    one = page.locator(".stage[data-selected]")
    one.wait_for()
    return one


def window(one) -> dict[str, set[int]]:
    found = {}
    for text in one.get_attribute("data-window").split(";"):
        grid, _, cells = text.split(":")
        found[grid] = set(map(int, cells.split(",")))
    return found


def cell(page, one, grid: str, index: int) -> tuple[float, float]:
    box = one.evaluate(
        "(r, [g, i]) => { const c = r.cellRect(g, 0, i); return [c.x, c.y, c.width, c.height]; }", [grid, index]
    )
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def test_the_cone_follows_the_pointer_without_a_message(visit):
    seen = visit(f"{PATH}?ask=none&measured=true")
    one = stage(seen.page)
    x, y = cell(seen.page, one, "map3", 0)
    seen.recorder.clear()
    seen.page.mouse.move(x, y)
    expect(one).to_have_attribute("data-selected", "map3:0:0")
    cone = window(one)
    assert [len(cone[g]) for g in ("map0", "map1", "map2")] == [49, 25, 9]
    for index in (1, 6, 12):
        seen.page.mouse.move(*cell(seen.page, one, "map3", index))
        expect(one).to_have_attribute("data-selected", f"map3:0:{index}")
    seen.page.mouse.move(*cell(seen.page, one, "map1", 0))
    assert len(window(one)["map0"]) == 9
    assert seen.recorder.sent == []
    # A click pins the unit: it is compared below, and the link keeps it.
    seen.page.mouse.click(*cell(seen.page, one, "map2", 8))
    expect(seen.page).to_have_url(re.compile(r"unit=2\.1\.1"))
    expect(seen.page.locator("[data-number=unit] .cs-value")).to_have_text("(1, 1)")
    expect(one).to_have_attribute("data-selected", "map2:0:8")


@pytest.mark.parametrize("layers", ["c3-c1-t2s2-a3s2p1&size=9", "c3s2p1-c3s2p1-c3s2p1&size=32"])
def test_the_last_map_is_inside_however_long_the_titles_are(visit, layers):
    one = visit(f"{PATH}?ask=none&layers={layers}").page.locator(".stage .well")
    assert one.evaluate("n => n.scrollWidth - n.clientWidth") == 0


def test_the_cone_follows_the_keys_and_is_told(visit):
    seen = visit(f"{PATH}?dims=1-D&layers=c2pc-c2pcd2-c2pcd4-c2pcd8&size=24&channels=1")
    one = stage(seen.page)
    seen.recorder.clear()
    seen.page.locator("canvas[data-grid=map4]").focus()
    seen.page.keyboard.press("End")
    expect(one).to_have_attribute("data-selected", "map4:0:23")
    assert len(window(one)["map0"]) == 16
    expect(seen.page.locator(".eq .main")).to_contain_text("16 of Input")
    seen.page.keyboard.press("ArrowLeft")
    expect(one).to_have_attribute("data-selected", "map4:0:22")
    # The first unit reads its own sample and, in each layer, zeros before it: its number counts the sample alone.
    seen.page.keyboard.press("Home")
    expect(seen.page.locator(".eq .main")).to_contain_text("1 of Input and 1 of padding")
    assert seen.recorder.sent == []


def test_the_unit_under_the_pointer_is_read_out_without_a_message(visit):
    seen = visit(f"{PATH}?layers=c3p1-m2-c3x1&size=12")
    page = seen.page
    one, told = stage(page), page.locator(".readout")
    expect(told).to_contain_text("Unit (2, 3) of layer 3")
    seen.recorder.clear()
    seen.page.mouse.move(*cell(page, one, "map2", 0))
    expect(told).to_contain_text("Unit (0, 0) of layer 2 sees rows −1 to 2, columns −1 to 2")
    expect(told).to_contain_text("padding in view 7 of 16")
    expect(told).to_contain_text("field 4 × 4, jump 2, start −1")
    seen.page.mouse.move(*cell(page, one, "map0", 0))
    expect(told).to_contain_text("Padding (−1, −1)")
    page.locator("canvas[data-grid=map3]").focus()
    page.keyboard.press("Home")
    expect(told).to_contain_text("of layer 3")
    expect(told).to_contain_text("field 8 × 4")
    assert seen.recorder.sent == []
    page.locator(".st-key-next_question button").click()
    # It would tell the answer.
    expect(told).to_be_hidden()
    page.locator(".st-key-reveal button").click()
    expect(told).to_contain_text("of layer 3")


def test_editing_the_stack_changes_picture_numbers_and_link(visit):
    seen = visit(f"{PATH}?ask=none")
    page = seen.page
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("[data-number=receptive_field] .cs-value")).to_contain_text("9 × 9")
    expect(page).to_have_url(re.compile(r"layers=c3-c3-c3-c3"))
    page.get_by_role("textbox", name="As text").fill("c3-m2-c3")
    page.get_by_role("textbox", name="As text").press("Enter")
    expect(page.locator("[data-number=receptive_field] .cs-value")).to_contain_text("8 × 8")
    expect(page).to_have_url(re.compile("layers=c3-m2-c3"))
    again = visit(page.url.removeprefix(seen.base))
    expect(again.page.locator("[data-number=receptive_field] .cs-value")).to_contain_text("8 × 8")
    again.sound()


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_quick_clicks_end_right(visit, server, seconds):
    """On + of two numbers, on a fast and on a slow network: box, picture and link say the same, and the unit stays."""
    with SlowWay(server.url).open() as way:
        page = visit("/room").page
        page.goto(f"{way.url}{PATH}?unit=1.0.3&measured=true")
        settled(page)
        one = stage(page)
        way.seconds = (seconds, seconds)
        for label, clicks, gap in (("size", 6, 60), ("Unit: row", 4, 150)):
            box = page.get_by_label(label, exact=True)
            plus = box.locator("xpath=ancestor::*[@data-testid='stNumberInput']").get_by_test_id("stNumberInputStepUp")
            for _ in range(clicks):
                plus.click()
                page.wait_for_timeout(gap)
        # Row 4, column 3 of a map of 15 × 15.
        expect(one).to_have_attribute("data-selected", "map1:0:63", timeout=30_000)
        expect(page).to_have_url(re.compile(r"\?size=17&unit=1\.4\.3&measured=true$"))
        expect(page.get_by_label("size", exact=True)).to_have_value("17")
        expect(page.get_by_label("Unit: row", exact=True)).to_have_value("4")
        expect(page.locator("[data-number=unit] .cs-value")).to_have_text("(4, 3)")


def test_formulas_are_drawn(visit):
    page = visit(f"{PATH}?channels=2").page
    # What a layer is stands on the line of its number.
    tops = page.locator(".st-key-stack_layers [role=radiogroup] p").evaluate_all(
        "(all) => all.map((p) => p.getBoundingClientRect().top)"
    )
    assert len(tops) == 6
    assert tops[::2] == pytest.approx(tops[1::2], abs=0.5)
    card = page.locator("[data-number=receptive_field]")
    beside = page.locator("[data-number=jump]")
    before = beside.bounding_box()
    card.locator("summary").click()
    formula = page.locator("[data-formula=receptive_field] math")
    expect(formula).to_be_visible()
    assert formula.evaluate("(m) => m.getBoundingClientRect().width") > 40
    assert beside.bounding_box() == before


def test_a_unit_shows_its_box_on_the_picture_without_a_message(visit):
    seen = visit("/receptive-field-networks?net=vgg16")
    page = seen.page
    field = page.locator(".field[data-unit]")
    expect(field).to_have_attribute("data-unit", "3,3")
    expect(field).to_have_attribute("data-box", "6,217,6,217")
    units = page.locator(".field .map")
    box = units.bounding_box()
    seen.recorder.clear()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    expect(field).to_have_attribute("data-box", "-90,121,-90,121")
    # The picture stays large: padding is drawn in part, its edge is dashed, and how far it goes is told.
    expect(page.locator(".reach span")).to_have_text(["90 px of padding"] * 2)
    assert page.locator(".box[stroke-dasharray]").get_attribute("d").count("M") == 2
    drawn, frame = (page.locator(f".field .view{part}").bounding_box() for part in (" image", ""))
    assert all(drawn[side] > 0.7 * frame[side] for side in ("width", "height"))
    units.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("data-unit", "1,1")
    expect(page.locator(".told")).to_contain_text("rows −58 to 153")
    assert seen.recorder.sent == []
    units.click(position={"x": 5, "y": 5})
    expect(page).to_have_url(re.compile(r"at=0\.0"))
    # A share that is not whole reads neither as all nor as nothing.
    shares = """async (spans) => {
        const url = performance.getEntriesByType('resource').find((one) => one.name.endsWith('/seen.js')).name;
        const { shares } = await import(url);
        return spans.map((span) => shares(span, span, [64, 64]));
    }"""
    assert page.evaluate(shares, [[-800, 899], [-64, 127], [0, 63], [-7, -1], [-100000, 0]]) == [
        ["100 %", "over 99 %"], ["100 %", "89 %"], ["100 %", "0 %"], ["0 %", "100 %"], ["0.024 %", "over 99 %"],
    ]  # fmt: skip
    seen.sound()


def test_a_layer_is_chosen_measured_and_listed(visit):
    seen = visit("/receptive-field-networks?net=alexnet&layer_name=features.3")
    page = seen.page
    field = page.locator(".field[data-unit]")
    expect(field).to_have_attribute("data-unit", "13,13")
    page.get_by_role("button", name="Measure features.3 on the gradient").click()
    expect(page.get_by_text("the same as traced ✓")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Deeper").click()
    expect(page).to_have_url(re.compile("layer_name=features.4"))
    page.locator("[data-testid=stExpander]").get_by_text(re.compile(r"All \d+ layers of alexnet")).click()
    table = page.get_by_test_id("stExpander").get_by_test_id("stDataFrame")
    expect(table.locator("tr").filter(has_text="▸")).to_contain_text("features.4")
    table.hover()
    expect(page.get_by_role("button", name="Download as CSV: Layers of alexnet")).to_be_visible()
    seen.sound()


def test_all_networks_are_traced_on_demand(visit):
    seen = visit("/receptive-field-networks?net=alexnet&compare=vgg16")
    page = seen.page
    page.get_by_text(re.compile(r"All \d+ networks at")).click()
    page.get_by_text("Trace them all").click()
    rows = page.get_by_test_id("stExpander").get_by_test_id("stDataFrame").locator("tbody tr")
    expect(rows.filter(has_text="alexnet").first).to_contain_text("195", timeout=60_000)
    # The rest goes on; any other control ends it.
    page.get_by_text("Trace them all").click()
    expect(rows).to_have_count(0, timeout=30_000)
    seen.sound()


def test_the_used_field_is_refined_and_can_be_stopped(visit, server):
    seen = visit("/receptive-field-growth?ask=none")
    page = seen.page
    page.goto(f"{server.url}/receptive-field-effective?depth=3&inputs=50&relu=false")
    settled(page)
    network = page.get_by_role("combobox", name="Network")
    network.fill("resnet50")
    network.press("Enter")
    button = page.get_by_role("button", name="Stop here")
    button.wait_for(timeout=60_000)
    # Nothing is left of the case before: neither its surface and its numbers, nor its picture, nor what stands below.
    expect(page.locator(".js-plotly-plot, .st-key-numbers, h2")).to_have_count(0)
    page.locator(".cs-energy").wait_for(timeout=90_000)
    button.click()
    expect(page.get_by_text(re.compile(r"Stopped after \d+ of 50"))).to_be_visible(timeout=60_000)
    settled(page)
    assert page.get_by_role("button", name="Go on").is_visible()
    seen.sound()


def test_the_box_lies_on_the_visitors_own_picture(visit):
    seen = visit("/receptive-field-networks?net=alexnet&picture=Your+own")
    page = seen.page
    before = page.locator(".view image").get_attribute("href")
    page.locator("input[type=file]").set_input_files(ROOT / "assets" / "pictures" / "rocket.png")
    expect(page.locator(".view image")).not_to_have_attribute("href", before, timeout=20_000)
    page.locator("input[type=file]").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"nothing"})
    expect(page.get_by_text("not a picture")).to_be_visible(timeout=20_000)
    seen.sound()


def test_pasted_code_marks_the_layer_that_does_not_fit(visit):
    seen = visit("/your-network?ask=none")
    page = seen.page
    page.get_by_label(re.compile("A network")).fill("[nn.Conv2d(1, 8, 3), nn.Conv2d(9, 8, 3), nn.ReLU()]")
    page.get_by_label(re.compile("A network")).press("Control+Enter")
    rows = page.get_by_test_id("stDataFrame").locator("tbody tr")
    expect(rows.filter(has_text="✗")).to_contain_text("which is 8 channels, but in_channels=9")
    expect(page.get_by_test_id("stAlert")).to_contain_text("Set in_channels=8")
    drawing = page.locator(".diagram")
    expect(drawing).to_have_attribute("data-selected", "1")
    expect(rows.last).to_contain_text("not reached")
    settled(page)
    address = page.url
    again = visit(address[address.index("/your-network") :])
    expect(again.page.get_by_test_id("stDataFrame").locator("tr").filter(has_text="✗")).to_contain_text("in_channels=9")
    expect(again.page.get_by_test_id("stAlert")).to_contain_text("Set in_channels=8")
    with page.expect_download() as download:
        page.get_by_role("button", name="Markdown").click()
    assert download.value.suggested_filename == "network.md"
    assert "which is 8 channels, but in_channels=9" in download.value.path().read_text("utf-8")
    # Once it is mended, nothing is chosen any more: not in the drawing either.
    page.get_by_label(re.compile("A network")).fill("[nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3), nn.ReLU()]")
    page.get_by_label(re.compile("A network")).press("Control+Enter")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    expect(drawing).to_have_attribute("data-selected", "input")
    # Drawing and table are scrolled to what does not fit, and of a network that fits to where it begins.
    layers = ", ".join(f"nn.Conv2d({n}, {n + 1}, 1)" for n in range(1, 16))
    for last, far in (("nn.Conv2d(9, 1, 1)", True), ("nn.Conv2d(16, 1, 1)", False), ("nn.ReLU(), nn.Tanh()", False)):
        code = f"[{layers}, {last}]"
        page.get_by_label(re.compile("A network")).fill(code)
        page.get_by_label(re.compile("A network")).press("Control+Enter")
        for frame in (drawing.locator(".scroll"), page.get_by_test_id("stDataFrame").locator(".dvn-scroller")):
            page.wait_for_function("([one, far]) => one.scrollTop > 0 === far", arg=[frame.element_handle(), far])
            # As somebody leaves it who looks around.
            frame.evaluate("(one) => { one.scrollTop = 150; }")
    seen.sound()


def test_drawing_and_table_choose_the_same_operation_by_pointer_and_by_key(visit):
    seen = visit("/your-network?ask=none")
    page, drawing = seen.page, seen.page.locator(".diagram")
    chosen = page.get_by_test_id("stDataFrame").locator("tbody tr[aria-selected=true]")
    page.locator(".node", has_text="Linear(120, 84)").click()
    expect(chosen).to_contain_text("Linear(120, 84)")
    page.keyboard.press("ArrowUp")
    expect(drawing).to_have_attribute("data-selected", "8")
    expect(chosen).to_contain_text("Flatten()")
    # The table has scrolled to that row. The box before the first row is painted.
    scroller = page.get_by_test_id("stDataFrame").locator(".dvn-scroller")
    assert scroller.evaluate("(one) => one.scrollTop") > 0
    scroller.evaluate("(one) => { one.scrollTop = 0; }")
    cells = page.get_by_test_id("stDataFrame").locator("canvas").first
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 52)
    expect(drawing).to_have_attribute("data-selected", "0")
    expect(chosen).to_contain_text("Conv2d(1, 6")
    seen.sound()


def test_rows_are_chosen_by_key(visit):
    # Streamlit keeps which row of a table was chosen before.
    seen = visit("/your-network?ask=none", fresh=True)
    page, drawing = seen.page, seen.page.locator(".diagram")
    table = page.get_by_test_id("stDataFrame")
    table.locator("canvas").first.focus()
    expect(table.locator("td[aria-selected=true]")).to_have_count(1)
    for name in ("1", "2"):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+Space")
        expect(drawing).to_have_attribute("data-selected", name)
        settled(page)
    expect(page.get_by_role("combobox", name="Line of the code")).to_have_value("5: nn.AvgPool2d(2),")
    seen.sound()


def test_a_node_of_a_pasted_class_and_its_line_choose_each_other(visit):
    seen = visit("/your-network?ask=none")
    page, drawing = seen.page, seen.page.locator(".diagram")
    code = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5)
        self.same = nn.Sequential(*[nn.Sequential(nn.Conv2d(6, 6, 3, 1, 1), nn.ReLU()) for _ in range(9)])

    def forward(self, x):
        return F.relu(self.same(self.conv(x)))
"""
    page.get_by_label(re.compile("A network")).fill(code)
    page.get_by_label(re.compile("A network")).press("Control+Enter")
    line = page.get_by_role("combobox", name="Line of the code")
    page.get_by_role("button", name="Conv2d(1, 6, kernel_size=5); conv;").click()
    expect(line).to_have_value("4: self.conv = nn.Conv2d(1, 6, 5)")
    page.keyboard.press("ArrowDown")
    expect(line).to_have_value(re.compile("^5: self.same"))
    # By keys, from the code to the drawing and to the table; what was folded is open then.
    line.focus()
    line.fill("F.relu")
    line.press("Enter")
    chosen = page.get_by_test_id("stDataFrame").locator("tbody tr[aria-selected=true]")
    expect(drawing).to_have_attribute("data-selected", "relu")
    expect(chosen).to_contain_text("relu()")
    line.fill("self.same =")
    line.press("Enter")
    expect(drawing).to_have_attribute("data-selected", "same.0.0")
    expect(page.locator(".node.alike")).to_have_count(10)
    expect(chosen).to_contain_text("same.0.0")
    seen.sound()


def test_after_a_look_at_another_size_and_network_row_node_and_line_still_choose_each_other(visit):
    seen = visit("/your-network?ask=none&whatif=true&second=true")
    page, drawing = seen.page, seen.page.locator(".diagram")
    table = page.get_by_test_id("stDataFrame").first
    chosen = table.locator("tbody tr[aria-selected=true]")
    line = page.get_by_role("combobox", name="Line of the code")

    def agree(name: str, call: str) -> None:
        expect(drawing).to_have_attribute("data-selected", name)
        expect(chosen).to_contain_text(call)
        expect(line).to_have_value(re.compile(rf"^{int(name) + 3}: nn\.{call}\("))

    table.locator("canvas").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    expect(drawing).to_have_attribute("data-selected", "1")
    page.get_by_label("A second network").fill("nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU())")
    page.get_by_label("A second network").press("Control+Enter")
    page.get_by_role("slider", name="Longest side of the input").focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    agree("1", "Tanh")
    table.locator("canvas").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    agree("2", "AvgPool2d")
    page.locator(".node").filter(has_text="Conv2d(1, 6").first.click()
    agree("0", "Conv2d")
    seen.sound()


def test_the_drawing_is_taken_along_as_picture_and_as_a_page(visit, tmp_path):
    seen = visit("/your-network?ask=none")
    page, files = seen.page, {}
    for name in ("SVG", "PNG", "HTML"):
        with page.expect_download() as coming:
            page.locator(".diagram").get_by_role("button", name=name, exact=True).click()
        files[name] = tmp_path / coming.value.suggested_filename
        coming.value.save_as(files[name])
    with Image.open(files["PNG"]) as picture:
        assert min(picture.size) > 300
        assert len(picture.convert("L").getcolors()) > 20
    # By itself, without this server.
    page.goto(files["HTML"].as_uri())
    expect(page.locator("svg text").filter(has_text="Conv2d").first).to_be_visible()
    rows = page.locator("tr")
    expect(rows).to_have_count(15)
    expect(rows.nth(1)).to_contain_text("input")
    expect(rows.last).to_contain_text("total")
    expect(rows.nth(2)).to_contain_text("156")
    assert "http" not in re.sub(r"http://www.w3.org/\S+", "", files["HTML"].read_text("utf-8"))
    # A node and its row show each other, a click brings the other to sight, and the buttons zoom.
    node = page.locator("svg g[data-rows]").filter(has_text="Linear(84, 10)")
    node.scroll_into_view_if_needed()
    node.hover()
    expect(page.locator("tr.marked")).to_have_count(1)
    expect(page.locator("tr.marked")).to_contain_text("Linear(84, 10)")
    rows.nth(2).click()
    first = page.locator("svg g.marked")
    expect(first).to_contain_text("Conv2d(1, 6")
    expect(first).to_be_in_viewport(ratio=1)
    wide = page.locator("svg").bounding_box()["width"]
    page.get_by_role("button", name="Larger").click()
    assert page.locator("svg").bounding_box()["width"] == pytest.approx(1.25 * wide, abs=2)
    # No text crosses its box, though these are other letters than the page's.
    for name in ("HTML", "SVG"):
        page.goto(files[name].as_uri())
        over = page.locator("svg g[data-rows]").evaluate_all(
            """(nodes) => nodes.flatMap((node) => [...node.querySelectorAll("text")].map((text) =>
                text.getBoundingClientRect().right - node.querySelector("rect").getBoundingClientRect().right))"""
        )
        assert len(over) > 30
        assert max(over) < 0


def test_the_first_view_needs_no_scrolling(visit):
    page = visit(f"{PATH}?ask=none").page
    one = stage(page)
    bottom = one.evaluate("(r) => r.getBoundingClientRect().bottom")
    assert bottom <= 900
    assert page.locator("[data-number=macs]").bounding_box()["y"] < 900
