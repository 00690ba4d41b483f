"""What a visitor sees behind a number, and in the link's dialog: formulas and codes must be drawn, not stripped."""


def test_a_card_opens_its_formula(visit):
    page = visit("/playground?ask=none").page
    card = page.locator(".cs-cards [data-number=output_size]")
    card.wait_for()
    panel = page.locator(".cs-panel[data-formula=output_size]")
    assert not panel.locator("math").first.is_visible()
    width = card.bounding_box()["width"]
    card.locator("summary").click()
    panel.locator("math").first.wait_for()
    assert card.bounding_box()["width"] == width, "it stays where it is"
    assert panel.locator("math mfrac").count() == 2, "the formula, and the same with the numbers filled in"
    assert "4" in panel.locator("math").nth(1).text_content()
    assert panel.get_by_role("link").get_attribute("href").startswith("https://docs.pytorch.org/")


def test_a_number_and_its_formula_are_marked_as_agreeing(visit):
    page = visit("/playground?kind=transposed&input_size=3&stride=2&padding=1").page
    page.locator(".cs-cards").wait_for()
    marks = page.locator(".cs-cards .cs-ok")
    assert marks.count() == 6
    assert marks.first.get_attribute("aria-label") == "measurement and formula agree"


def test_the_link_has_a_code_for_the_hall(visit):
    page = visit("/playground?ask=none").page
    page.locator(".cs-cards").wait_for()
    page.get_by_role("button", name="Link", exact=True).click()
    code = page.get_by_role("img", name="QR code of the link")
    code.wait_for()
    box = code.locator("svg").bounding_box()
    assert box["width"] >= 100
    assert box["height"] >= 100


BROKEN = """() => {
    const large = /\\d+(?:\\u202f\\d+)+/g, found = [];
    const look = (root) => {
        for (const card of root.querySelectorAll(".cs-card")) {
            const edge = card.getBoundingClientRect().right;
            const walk = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) for (const { index, 0: text } of walk.currentNode.data.matchAll(large)) {
                const range = document.createRange();
                range.setStart(walk.currentNode, index);
                range.setEnd(walk.currentNode, index + text.length);
                const lines = range.getClientRects();
                found.push([text, lines.length === 1 && lines[0].right <= edge]);
            }
        }
        for (const one of root.querySelectorAll("*")) if (one.shadowRoot) look(one.shadowRoot);
    };
    look(document);
    return found;
}"""
"""Each large number on a card, and whether it stands whole on one line inside it."""


def test_no_large_number_is_broken(visit):
    """Of the largest layer that the controls offer, of one with millions, and of a stack of layers; on any screen."""
    seen = visit("/playground?ask=none")
    page = seen.page
    for path, least in (
        (
            "/playground?ask=none&input_size=1024&in_channels=1024&out_channels=1024&kernel_size=7&padding=3",
            "53 876 069 761 024",
        ),
        (
            "/playground?ask=none&input_size=28&in_channels=192&out_channels=32&kernel_size=5&padding=same",
            "120 422 400",
        ),
        ("/receptive-field?ask=none&size=40&channels=64", "1"),
    ):
        seen.goto(path)
        page.locator(".cs-card").first.wait_for()
        for width in (1440, 1280, 1024, 900, 720, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(300)
            found = page.evaluate(BROKEN)
            assert any(text.startswith(least) for text, _ in found), (path, width, found)
            assert [text for text, whole in found if not whole] == [], (path, width)
    seen.sound()
