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
