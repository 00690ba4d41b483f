"""A page as a projector shows it, measured: what the last row of a hall can read, and keys from anywhere."""

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from pages._lessons import BY_PATH, LESSONS, topic
from tests.browser.support import mounted, settled, too_wide

HALL = {"width": 1280, "height": 720}
NINE = "/playground?present=1&input_size=9&ask=none"
STACK = "/receptive-field?present=1&layers=c3p1,c3p1&size=9"

SMALL = """(least) => {
    const found = [], apart = 'style, script, sup, sub, msup, msub, mfrac, .cs-cells, table.cells';
    const visible = (node, text) => {
        const range = document.createRange();
        range.selectNodeContents(text);
        const { width, height, top } = range.getBoundingClientRect();
        return width > 1 && height > 1 && top < innerHeight && getComputedStyle(node).visibility === 'visible';
    };
    const look = (node) => {
        for (const child of [...node.childNodes, ...(node.shadowRoot?.childNodes ?? [])]) {
            const text = child.nodeType === 3 && child.textContent.trim();
            if (text && node.dataset?.testid !== 'stIconMaterial' && visible(node, child)) {
                const { a, b } = node.ownerSVGElement ? node.getScreenCTM() : { a: 1, b: 0 }, drawn = Math.hypot(a, b);
                const size = parseFloat(getComputedStyle(node).fontSize) * drawn;
                if (size < least - 0.01) found.push(`${text.slice(0, 40)} ${size}`);
            } else if (child.nodeType === 1 && !child.matches(apart)) {
                look(child);
            }
        }
    };
    look(document.body);
    return found;
}"""
"""Text on the screen, of components and in drawings too, that is smaller than so many px. Exponents, indices,
fractions and the numbers in a figure's cells do not count."""


HEAD = """() => {
    const all = document.createRange(), box = (name) => document.querySelector(name)?.getBoundingClientRect();
    all.selectNodeContents(document.querySelector('h1'));
    const chips = box('.st-key-chips'), picture = box('.st-key-picture_chip');
    return {
        lines: new Set([...all.getClientRects()].map((one) => Math.round(one.top / 8))).size,
        end: all.getBoundingClientRect().right,
        chips: [chips, picture].flatMap((one) => (one ? [one.left, one.right] : [])),
        line: picture ? [chips.top, picture.top] : [],
        bar: box('.st-key-frame').left,
    };
}"""
"""The title's lines, and where it, the settings and the bar begin and end."""


@pytest.fixture
def hall(visit):
    def show(path, **how):
        one = visit(path, **HALL | how)
        one.page.locator(".stage[data-layout]").first.wait_for()
        if "present=1" in path:
            mounted(one.page.locator(".keys"), "_keys")
        return one

    return show


def cells(page):
    return [float(size) for size in re.findall(r":([\d.]+)", page.locator(".stage").first.get_attribute("data-layout"))]


def equation(page):
    return page.locator(".eq .main").first


def selected(page):
    return page.locator(".stage[data-selected]").first.get_attribute("data-selected")


class TestSizes:
    def test_cells_of_one_grid_and_of_three_maps(self, hall):
        assert min(cells(hall(NINE).page)) >= 20
        assert min(cells(hall(NINE + "&padding=1").page)) >= 20
        three = cells(hall(STACK).page)
        assert len(three) == 3
        assert min(three) >= 16

    @pytest.mark.parametrize("path", [NINE, "/playground?present=1", STACK, "/transposed?present=1&ct_input_size=3"])
    def test_controls_captions_and_equation(self, hall, path):
        page = hall(path).page
        assert page.evaluate(SMALL, 18) == []
        size = equation(page).evaluate("n => parseFloat(getComputedStyle(n).fontSize)")
        assert size >= 28
        page.locator(".st-key-chips button").first.click()
        page.get_by_test_id("stPopoverBody").locator("label").first.wait_for()
        assert page.evaluate(SMALL, 18) == []
        body = page.get_by_test_id("stPopoverBody").bounding_box()
        assert body["x"] >= 0
        assert body["x"] + body["width"] <= HALL["width"]

    @pytest.mark.parametrize("path", [NINE, "/playground?present=1", STACK, "/transposed?present=1&ct_input_size=3"])
    @pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
    def test_the_stage_fills_what_is_left_of_the_screen(self, hall, path, width, height):
        page = hall(path, width=width, height=height).page
        frame = page.locator(".panels, .stage").first
        page.wait_for_timeout(300)
        box = frame.bounding_box()
        told = page.locator(".readout:visible").count()
        assert height - (96 if told else 20) * width / 1280 <= box["y"] + box["height"] <= height
        assert box["height"] > 0.65 * height
        assert box["width"] > 0.9 * width

    def test_the_picture_stays_as_it_is_when_an_answer_is_given_and_when_it_is_revealed(self, hall):
        page = hall("/playground?present=1").page
        page.wait_for_timeout(300)
        stage, answers = page.locator(".stage"), page.locator(".st-key-answers [role=radio]")
        before, sizes, places = stage.bounding_box(), cells(page), [one.bounding_box() for one in answers.all()]
        # No matrix comes while the question waits, so none is asked for.
        expect(page.locator(".matrix")).to_be_disabled()
        page.keyboard.press("m")
        expect(page.locator(".matrix")).to_have_attribute("aria-pressed", "false")
        # What a weight is times, below the number.
        assert stage.evaluate("n => n.stage.scene.grids[0].lay.weight") >= 18
        answers.first.click()
        expect(page.locator(".st-key-verdict")).to_contain_text("Try once more")
        page.wait_for_timeout(500)
        assert stage.bounding_box() == before
        assert [one.bounding_box() for one in answers.all()] == places
        page.keyboard.press("r")
        expect(page.locator(".stage.veiled")).to_have_count(0)
        page.wait_for_timeout(500)
        assert (stage.bounding_box(), cells(page)) == (before, sizes)
        assert page.get_by_test_id("stMain").evaluate("n => n.scrollTop") == 0
        assert page.evaluate(SMALL, 18) == []

    @pytest.mark.parametrize(
        ("path", "against"), [("playground", ""), ("transposed", "ct_"), ("transposed-matrix", "ct_")]
    )
    def test_two_that_are_compared_are_seen_at_once(self, hall, path, against):
        page = hall(f"/{path}?present=1&ask=none&{against}stride=2&{against}against=input_size%3D4").page
        stages = page.locator(".stage:not(.panel)")
        expect(stages).to_have_count(2)
        page.wait_for_timeout(300)
        boxes = [one.bounding_box() for one in stages.all()]
        assert boxes[0]["y"] == boxes[1]["y"]
        assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
        assert all(HALL["height"] - 20 <= box["y"] + box["height"] <= HALL["height"] for box in boxes)
        hints = page.locator(".stage:not(.panel) .hint")
        for text in ("← → walk", "Esc unpins"):
            expect(hints.first).to_have_text(text)
            expect(hints.first).to_be_visible()
            lines = "n => n.clientHeight / parseFloat(getComputedStyle(n).lineHeight)"
            assert hints.first.evaluate(lines) < 1.5, "on one line"
            page.locator("canvas[data-grid]").first.click()
        assert page.evaluate(SMALL, 18) == []

    def test_a_key_walks_through_both_that_are_compared(self, hall):
        page = hall("/playground?present=1&ask=none&input_size=6&against=input_size%3D7").page
        stages = page.locator(".stage:not(.panel)")
        expect(stages).to_have_count(2)
        for key, there in ((" ", 1), (" ", 2), ("ArrowLeft", 1)):
            page.keyboard.press(key)
            for one in stages.all():
                expect(one).to_have_attribute("data-selected", f"output:0:{there}")

    def test_where_no_layer_is_drawn_the_numbers_follow_at_once(self, visit):
        large = "input_size=28&in_channels=16&out_channels=32&kernel_size=5&padding=same&ask=A5-after"
        page = visit(f"/playground?present=1&{large}", **HALL).page
        for covered in (True, False):
            expect(page.locator(".st-key-reveal")).to_have_count(int(covered))
            numbers = page.locator(".st-key-numbers").bounding_box()
            assert numbers["y"] + numbers["height"] <= HALL["height"]
            last = page.locator(".st-key-stage_area > *").last.bounding_box()
            assert numbers["y"] - (last["y"] + last["height"]) < 40
            page.keyboard.press("r")

    def test_four_views_stay_four(self, hall):
        page = hall("/transposed?present=1&ct_input_size=3").page
        boxes = [panel.bounding_box() for panel in page.locator(".panel").all()]
        assert len(boxes) == 4
        assert len({round(box["y"]) for box in boxes}) == 2
        assert all(note.evaluate("n => n.scrollWidth <= n.clientWidth") for note in page.locator(".pnote").all())
        assert max(box["y"] + box["height"] for box in boxes) <= HALL["height"]
        # With a question and its answer above them they still show their numbers.
        page = hall("/transposed?present=1&ask=overlap").page
        page.keyboard.press("r")
        page.locator(".stage[data-selected]").first.wait_for()
        for panel in page.locator(".panel").all():
            expect(panel).to_have_attribute("data-layout", re.compile(r"output:(1[7-9]|[2-9]\d)"))

    def test_numbers_in_large_cells_grow_with_the_screen(self, visit):
        largest = {}
        for width in (1440, 1920):
            page = visit("/playground?ask=none", width=width, height=1080).page
            page.locator(".stage[data-layout]").first.wait_for()
            largest[width] = page.locator(".stage").evaluate("n => n.stage.scene.grids[0].lay.type")
        assert largest[1440] == 22
        assert largest[1920] > 24


class TestBar:
    def test_controls_are_one_line_that_opens(self, hall):
        page = hall(NINE).page
        line = page.locator(".st-key-chips button").first
        expect(line).to_contain_text("Convolution 3×3 · stride 1 · padding 0")
        expect(page.locator(".st-key-stride")).to_have_count(0)
        line.click()
        page.locator(".st-key-stride [data-testid=stNumberInputStepUp]").click()
        expect(line).to_contain_text("stride 2")
        expect(page).to_have_url(re.compile("stride=2"))

    def test_every_pages_question_takes_one_line_nothing_lies_on_it_and_no_type_is_small(self, visit):
        one = visit("/?present=1", **HALL)
        long = "playground?in_channels=3&out_channels=8&padding=1&bias=true&present=1"
        wrong = []
        asks = ("ask=none&", "")
        for path in (long, *(f"{each.url_path}?{ask}present=1" for ask in asks for each in LESSONS[::-1])):
            one.walk(f"/{path}").page.locator(".st-key-present_button").wait_for()
            for _ in range(5):
                told = one.page.evaluate(HEAD) | {"small": one.page.evaluate(SMALL, 18)}
                ends = [told["end"], *told["chips"], told["bar"]]
                bad = told["lines"] != 1 or ends != sorted(ends) or told["small"] or len({*told["line"]}) > 1
                if not bad:
                    break
                one.page.wait_for_timeout(300)  # components lay themselves out a moment after the run has ended
            if bad:
                wrong.append((path, told))
        assert wrong == []

    @pytest.mark.parametrize("path", ["feature-maps", "feature-maps-equivariance", "cost-kernel"])
    def test_the_picture_is_a_chip_that_opens(self, visit, path):
        page = visit(f"/{path}?present=1", **HALL).page
        expect(page.locator(".st-key-picture_bar")).to_have_count(0)
        assert page.locator(".st-key-question").bounding_box()["y"] <= 60
        page.locator(".st-key-picture_chip button").click()
        expect(page.get_by_test_id("stPopoverBody").get_by_text("Longer side, pixels")).to_be_visible()

    def test_blocks_end_on_the_screen(self, visit):
        page = visit("/blocks?present=1", **HALL).page
        text = page.locator(".diagram summary")
        text.wait_for()
        page.wait_for_timeout(500)
        box = text.bounding_box()
        assert box["y"] + box["height"] <= 720
        frame = page.locator(".diagram .scroll").bounding_box()
        nodes = [one.bounding_box() for one in page.locator(".diagram .node").all()]
        assert sum(one["y"] + one["height"] <= frame["y"] + frame["height"] for one in nodes) >= 4
        page.keyboard.press("r")
        expect(page.locator(".st-key-verdict")).to_be_visible()
        beside = page.locator(".st-key-question").bounding_box()
        assert beside["x"] + beside["width"] < frame["x"]
        assert beside["y"] + beside["height"] <= 720

    def test_a_real_network_fills_the_screen_and_ends_on_it(self, visit):
        page = visit("/receptive-field-networks?present=1", **HALL).page
        for seen, below, least in (
            (page.get_by_alt_text("The picture"), page.get_by_test_id("stDataFrame"), 340),
            (page.locator(".field .view"), page.locator(".st-key-numbers"), 320),
        ):
            expect(below).to_be_in_viewport(ratio=1)
            assert seen.bounding_box()["height"] >= least
            page.keyboard.press("r")

    def test_the_matrix_comes_when_it_is_asked_for(self, hall):
        page = hall(NINE).page
        expect(page.locator(".opbox")).to_have_count(0)
        page.get_by_role("button", name="Matrix", exact=True).click()
        expect(page.locator(".opbox")).to_be_visible()
        assert min(cells(page)) >= 20
        page.keyboard.press("m")
        expect(page.locator(".opbox")).to_have_count(0)

    def test_pages_and_the_way_out(self, hall):
        page = hall(NINE).page
        page.get_by_role("button", name="Pages").click()
        page.get_by_role("menuitem", name="Feature maps: Pooling").click()
        expect(page).to_have_title("Pooling · ConvScope")
        expect(page).to_have_url(re.compile("present=1"))
        # The link never tells less than the frame around the page: a reload there loses no room.
        page.go_back()
        expect(page).to_have_title("Playground · ConvScope")
        expect(page).to_have_url(re.compile("present=1"))
        page.go_forward()
        expect(page).to_have_title("Pooling · ConvScope")
        expect(page).to_have_url(re.compile("present=1"))
        page.get_by_role("button", name="Leave").first.click()
        expect(page.get_by_test_id("stHeader")).to_be_visible()
        expect(page).not_to_have_url(re.compile("present"))

    @pytest.mark.parametrize("path", ["playground", "transposed", "transposed-matrix", "receptive-field"])
    def test_tab_reaches_the_first_grid_in_ten_stops(self, hall, path):
        page = hall(f"/{path}?present=1", fresh=True).page
        for _ in range(10):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement?.shadowRoot?.activeElement?.dataset.grid"):
                break
        else:
            pytest.fail("no grid within ten stops")

    @pytest.mark.parametrize("path", ["blocks?", "network-costs?", "your-network?ask=none&"])
    def test_tab_reaches_the_diagram_in_ten_stops(self, visit, path):
        page = visit(f"/{path}present=1", fresh=True, **HALL).page
        page.locator(".diagram[data-selected]").wait_for()
        for _ in range(10):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement?.shadowRoot?.activeElement?.matches('.diagram .node')"):
                break
        else:
            pytest.fail("no node of the diagram within ten stops")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_sound_and_accessible(self, hall, scheme):
        for path in ("/playground?present=1", "/transposed?present=1&ct_input_size=3"):
            one = hall(path, scheme=scheme)
            one.sound()
            one.accessible()

    def test_a_phone_can_leave(self, visit):
        page = visit("/playground?present=1", width=390, height=844).page
        assert too_wide(page) <= 0
        page.get_by_role("button", name="Leave").first.click()
        expect(page).not_to_have_url(re.compile("present"))


class TestKeys:
    @pytest.mark.parametrize("path", [NINE, "/transposed?present=1&ct_input_size=3"])
    def test_space_arrows_and_a_presenters_remote_walk(self, hall, path):
        page = hall(path).page
        places = [selected(page)]
        for key in ("Space", "ArrowRight", "ArrowDown", "PageDown"):
            page.keyboard.press(key)
            places.append(selected(page))
        assert len(set(places)) == 5
        back = []
        for key in ("ArrowLeft", "ArrowUp", "PageUp", "PageUp"):
            page.keyboard.press(key)
            back.append(selected(page))
        assert back == places[-2::-1]
        assert page.get_by_test_id("stMain").evaluate("n => n.scrollTop") == 0

    def test_space_walks_after_a_click_on_a_button_or_a_cell(self, hall):
        page = hall(NINE).page
        page.get_by_role("button", name="Next question").click()
        page.get_by_role("button", name="Reveal").click()
        expect(page.locator(".stage.veiled")).to_have_count(0)
        settled(page)
        url, before = page.url, selected(page)
        page.keyboard.press("Space")
        assert selected(page) != before
        # Nor does a frame stand around the page after a click beside everything.
        edge = {"x": 0, "y": 300, "width": 8, "height": 8}
        bare, before = page.screenshot(clip=edge), selected(page)
        page.mouse.click(640, 60)
        page.keyboard.press("Space")
        assert selected(page) != before
        expect(page.get_by_test_id("stMain")).to_be_focused()
        assert page.screenshot(clip=edge) == bare
        page.locator("canvas[data-grid=input]").first.click()
        before = selected(page)
        page.keyboard.press("Space")
        assert selected(page) != before
        settled(page)
        assert page.url == url

    def test_reveal_cover_and_next(self, hall):
        page = hall("/playground?present=1").page
        veiled = page.locator(".stage.veiled")
        question = page.locator(".st-key-question p").first.inner_text()
        expect(veiled).to_be_visible()
        page.keyboard.press("r")
        expect(veiled).to_have_count(0)
        page.keyboard.press("c")
        expect(veiled).to_be_visible()
        assert page.locator(".st-key-question p").first.inner_text() == question
        page.keyboard.press("n")
        expect(page.locator(".st-key-question p").first).not_to_have_text(question)
        # Faster than any run: each key counts, in its order.
        for name in ("A4-deeper", "A10", "A12-output-padding"):
            for key in "nrnrnnnrrn":
                page.keyboard.press(key)
            expect(page).to_have_url(re.compile(f"ask={name}&"))
            settled(page)
        expect(page.locator(".st-key-question p").first).to_contain_text("output_padding")

    def test_settings_that_are_folded_away_take_what_a_question_brings(self, hall):
        """The browser holds what it has not drawn as the visitor left it."""
        page = hall("/playground?ask=none").page

        def plus() -> None:
            page.locator(".st-key-stride [data-testid=stNumberInputStepUp]").click()
            expect(page).to_have_url(re.compile("stride=2"))

        plus()
        page.keyboard.press("Shift+F")
        expect(page).to_have_url(re.compile("stride=2.*present=1"))
        # There is no question to be covered again.
        expect(page.get_by_role("button", name="Cover")).to_have_count(0)
        page.keyboard.press("c")
        settled(page)
        expect(page).to_have_url(re.compile("stride=2.*present=1"))
        mounted(page.locator(".keys"), "_keys")
        page.keyboard.press("n")
        expect(page).to_have_url(re.compile(r"playground\?present=1"))
        page.keyboard.press("r")
        expect(page.locator(".st-key-verdict")).to_contain_text("122")
        expect(page).not_to_have_url(re.compile("stride"))
        # Opened, they are the question's, and what the visitor left can be chosen again.
        page.locator(".st-key-chips button").first.click()
        expect(page.get_by_label("stride", exact=True)).to_have_value("1")
        settled(page)
        plus()
        expect(page.get_by_label("stride", exact=True)).to_have_value("2")

    def test_the_code_is_as_large_as_the_screen_and_leads_to_the_same_state(self, hall):
        page = hall("/playground?present=1&input_size=6&stride=2").page
        page.keyboard.press("q")
        code = page.locator("dialog.code svg")
        assert code.bounding_box()["height"] >= 0.8 * HALL["height"]
        pixels = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        link, *_ = cv2.QRCodeDetector().detectAndDecode(pixels)
        assert "/playground?" in link
        assert {"input_size=6", "stride=2"} <= set(link.partition("?")[2].split("&"))
        assert "present" not in link
        page.keyboard.press("q")
        expect(page.locator("dialog")).to_be_hidden()
        page.keyboard.press("n")
        expect(page).not_to_have_url(re.compile("stride=2"))
        page.keyboard.press("q")
        expect(page.locator("dialog.code")).to_be_visible()
        page.go_back()
        expect(page.locator("dialog")).to_be_hidden()

    def test_a_dark_screen_and_the_list(self, hall):
        page = hall(NINE).page
        before = selected(page)
        page.keyboard.press("b")
        assert np.all(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR) == 0)
        page.keyboard.press("PageDown")
        expect(page.locator("dialog")).to_be_hidden()
        assert selected(page) == before, "the key that ends the dark does nothing else"
        page.keyboard.press("?")
        expect(page.locator("dialog.list dd").filter(has_text="QR code of this page")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_be_hidden()

    def test_digits_lead_to_the_neighbours(self, hall):
        page = hall("/receptive-field?present=1").page
        third = topic(BY_PATH["receptive-field"])[2]
        page.keyboard.press("3")
        expect(page).to_have_title(f"{third.title} · ConvScope")
        expect(page).to_have_url(re.compile("present=1"))

    def test_what_is_typed_is_typed(self, hall):
        page = hall("/playground?present=1&input_size=5&ask=none").page
        page.locator(".st-key-chips button").first.click()
        size = page.locator(".st-key-input_size input")
        size.click()
        size.press("Control+a")
        page.keyboard.type("9")
        page.keyboard.press("b")
        page.keyboard.press("ArrowLeft")
        before = selected(page)
        expect(page.locator("dialog")).to_be_hidden()
        expect(page).to_have_title("Playground · ConvScope")
        assert selected(page) == before

    def test_a_number_is_typed_into_a_cell(self, hall):
        page = hall("/playground?present=1&ask=none").page
        page.locator("canvas.over[data-grid=input]").first.click(position={"x": 20, "y": 20})
        page.keyboard.press("7")
        expect(page.locator(".ed")).to_have_value("7")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"x=1\.4\.4~7_"))

    def test_without_the_mode_no_key_is_taken(self, visit):
        page = visit("/playground?ask=none").page
        page.locator(".stage[data-selected]").wait_for()
        before = selected(page)
        for key in ("PageDown", "q", "b", "?"):
            page.keyboard.press(key)
        assert selected(page) == before
        expect(page.locator("dialog:visible")).to_have_count(0)
