"""A lecturer at a projector and a few phones, in real browsers."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.support import BACKGROUND, settled
from tests.browser.test_class import scanned
from viz.network import for_others

LESSON = "/transposed?present=1"
WRONG, RIGHT = "1", "2"


class Lecturer:
    def __init__(self, visit, path=LESSON):
        self.seen = visit(path, width=1280, height=720, fresh=True)
        self.page = self.seen.page
        self.page.get_by_role("button", name="Ask the room").click()
        self.dialog = self.page.get_by_role("dialog")
        expect(self.dialog.locator(".code")).to_have_text(re.compile("^[A-Z]{4}$"))
        self.code = self.dialog.locator(".code").inner_text()

    def to_the_page(self):
        self.page.keyboard.press("Escape")
        expect(self.dialog).to_have_count(0)

    def counts(self, text):
        expect(self.page.locator(".st-key-answers").get_by_text(text)).to_be_visible()


@pytest.fixture
def lecturer(visit):
    return Lecturer(visit)


@pytest.fixture
def phone(visit, lecturer):
    """``phone()``: one that has joined, with what it keeps in its browser for itself."""
    joined = []

    def join(path=None, scheme="light"):
        # A context of its own: what a phone keeps is its own.
        how = {"width": 390, "height": 844, "scheme": scheme, "user_agent": f"phone {len(joined)}"}
        seen = visit(path or f"/room?room={lecturer.code}", **how)
        joined.append(seen)
        return seen

    return join


def option(page, text):
    return page.locator(".ballot .options").get_by_role("button", name=text, exact=True)


def told(page, text):
    expect(page.locator(".ballot .told")).to_contain_text(text)


def test_a_question_is_asked_answered_drawn_and_revealed(lecturer, phone, server):
    page = lecturer.page
    code = page.locator(".qr svg")
    assert code.bounding_box()["height"] >= 400
    link = scanned(page)
    assert link.endswith(f"/room?room={lecturer.code}"), "the code gives away no secret"
    assert page.locator(".code").evaluate("n => parseFloat(getComputedStyle(n).fontSize)") >= 60
    lecturer.seen.sound()
    lecturer.seen.accessible()
    first = phone(link.removeprefix(for_others(server.url) or server.url))
    second = phone("/room", scheme="dark")
    second.page.get_by_label("The four letters").fill("room")
    second.page.get_by_label("The four letters").press("Enter")
    expect(second.page.get_by_role("alert")).to_contain_text("There is no room ROOM")
    second.page.get_by_label("The four letters").fill(f" {lecturer.code.lower()} ")
    second.page.get_by_role("button", name="Join").click()
    lecturer.to_the_page()
    lecturer.counts("0 of 2 answered")
    for one, answer, count in ((first, WRONG, 1), (second, RIGHT, 2)):
        expect(one.page.locator(".ballot .text")).to_contain_text("Which number")
        # With the keyboard, too.
        option(one.page, answer).focus()
        one.page.keyboard.press("Enter")
        told(one.page, f"Your answer is {answer}")
        expect(option(one.page, answer)).to_have_attribute("aria-pressed", "true")
        expect(option(one.page, answer)).to_be_disabled()
        lecturer.counts(f"{count} of 2 answered")
        assert "top left number times" not in one.page.locator("body").inner_text()
        one.sound()
        one.accessible()
    page.get_by_role("button", name="Answers", exact=True).click()
    bars = lecturer.dialog.locator(".js-plotly-plot")
    expect(bars.locator(".bartext")).to_have_text(["1", "1", "0"])
    expect(bars.locator("text", has_text="✓")).to_have_count(0)
    assert bars.bounding_box()["y"] + bars.bounding_box()["height"] <= 720
    lecturer.seen.accessible()
    lecturer.dialog.get_by_role("button", name="Reveal").click()
    expect(bars.locator("text", has_text=f"{RIGHT} ✓")).to_be_visible()
    told(first.page, f"Not quite: {RIGHT}.")
    told(second.page, "Yes.")
    expect(first.page.locator(".score")).to_have_text("right 0 of 1")
    expect(second.page.locator(".score")).to_have_text("right 1 of 1")
    lecturer.to_the_page()
    expect(page.locator(".stage.veiled")).to_have_count(0)
    page.get_by_role("button", name="Next question").click()
    lecturer.counts("2 phones here")
    ask = page.get_by_role("button", name="Ask the room")
    assert min(ask.bounding_box()[side] for side in ("width", "height")) >= 24
    expect(ask).not_to_contain_text("groups")
    ask.click()
    lecturer.counts("0 of 2 answered")
    for one in (first, second):
        expect(one.page.locator(".options [aria-pressed=true]")).to_have_count(0)
        expect(one.page.locator(".score")).to_contain_text("of 1")
        one.sound()
    lecturer.seen.sound()


def test_reloading_and_a_lost_connection_lose_no_vote_and_give_no_second(lecturer, phone):
    first, second = phone(), phone()
    lecturer.to_the_page()
    option(first.page, RIGHT).click()
    told(first.page, f"Your answer is {RIGHT}")
    second.page.context.set_offline(True)
    option(second.page, WRONG).click()
    told(second.page, "No connection: your answer is sent as soon as there is one")
    lecturer.page.reload()
    settled(lecturer.page)
    lecturer.counts("1 of 2 answered")
    second.page.context.set_offline(False)
    told(second.page, f"Your answer is {WRONG}")
    lecturer.counts("2 of 2 answered")
    first.page.reload()
    told(first.page, f"Your answer is {RIGHT}")
    expect(option(first.page, WRONG)).to_be_disabled()
    # Another room's link, which leads nowhere, takes away nothing of this one.
    first.goto("/room?room=BCDF")
    told(first.page, "There is no room BCDF")
    first.goto(f"/room?room={lecturer.code}")
    told(first.page, f"Your answer is {RIGHT}")
    lecturer.counts("2 of 2 answered")


def test_a_phone_follows_until_it_looks_around_and_comes_back(lecturer, phone):
    one = phone()
    page, screen = one.page, lecturer.page
    lecturer.dialog.get_by_text("Phones follow me").click()
    expect(page).to_have_title(re.compile("Four views"))
    expect(page).to_have_url(re.compile(f"/transposed.*room={lecturer.code}$"))
    expect(page.locator(".stage.veiled")).to_have_count(1)
    expect(option(page, RIGHT)).to_be_visible()
    expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
    one.sound()
    option(page, RIGHT).click()
    screen.keyboard.press("r")
    expect(page.locator(".stage.veiled")).to_have_count(0)
    lecturer.to_the_page()
    for name, title in (("ConvScope", "ConvScope"), ("Feature maps: Pooling", "Pooling · ConvScope")):
        screen.get_by_role("button", name="Pages").click()
        screen.get_by_role("menuitem", name=name, exact=True).click()
        expect(page).to_have_title(title)
    expect(page).to_have_title("Pooling · ConvScope")
    expect(page.locator(".ballot .text")).to_be_hidden()
    back = page.get_by_role("button", name="Back to the lecture")
    expect(back).to_be_hidden()
    # It sees the question; the answer is the lecturer's to tell, until somebody looks around.
    reveal, choices = page.get_by_role("button", name="Reveal"), page.locator(".st-key-answers [role=radio]")
    expect(page.locator(".st-key-question")).to_be_visible()
    expect(reveal).to_be_hidden()
    expect(choices.first).to_be_hidden()
    page.get_by_role("button", name="Next question").click()
    expect(back).to_be_visible()
    expect(reveal).to_be_visible()
    score, leave = page.locator(".score"), page.get_by_role("button", name="Leave")
    expect(score).to_have_text("right 1 of 1")
    boxes = [one.bounding_box() for one in (score, leave, back)]
    assert boxes[0]["height"] < 30
    assert boxes[0]["y"] < boxes[1]["y"] + boxes[1]["height"] <= boxes[2]["y"]
    screen.get_by_role("button", name="Pages").click()
    screen.get_by_role("menuitem", name="Transposed: Output size").click()
    expect(screen).to_have_title(re.compile("Output size"))
    page.wait_for_timeout(1500)
    expect(page).to_have_title("Pooling · ConvScope")
    back.click()
    expect(page).to_have_title("Output size · ConvScope")
    expect(back).to_be_hidden()
    page.reload()
    settled(page)
    screen.get_by_role("button", name="Pages").click()
    screen.get_by_role("menuitem", name="Feature maps: Pooling").click()
    expect(page).to_have_title("Pooling · ConvScope")
    expect(back).to_be_hidden()
    expect(page.locator(".st-key-question")).to_be_visible()
    screen.get_by_role("button", name="Ask the room").click()
    expect(page.locator(".ballot .text")).to_be_visible()
    expect(reveal).to_be_hidden()
    one.sound()
    # Gone on without a reveal, the lecturer leaves nothing of that question.
    screen.get_by_role("button", name="Pages").click()
    screen.get_by_role("menuitem", name="Transposed: Output size").click()
    told(page, "The lecturer has gone on.")
    expect(page.locator(".ballot .text")).to_be_hidden()
    expect(page).to_have_title("Output size · ConvScope")
    expect(page.locator(".st-key-question")).to_be_visible()
    one.sound()
    one.accessible()


def test_a_room_that_is_over_says_so(lecturer, phone):
    one = phone()
    lecturer.dialog.get_by_role("button", name="End the room").click()
    lecturer.page.get_by_role("button", name="End it").click()
    expect(lecturer.dialog).to_have_count(0)
    expect(lecturer.page).not_to_have_url(re.compile("room="))
    told(one.page, "The room has ended. ")
    expect(option(one.page, RIGHT)).to_be_disabled()
    one.page.get_by_role("button", name="Leave").click()
    expect(one.page.get_by_label("The four letters")).to_be_visible()
    expect(one.page).not_to_have_url(re.compile("room="))
    one.recorder.clear()  # a browser notes each answer that is a refusal
    one.goto("/room").sound()


def test_numbers_are_typed_and_cells_marked_on_a_phone(visit):
    """The ballot alone: what the room says is made up here."""
    question = {"text": "Which?", "options": [], "cells": None, "revealed": False, "mine": None}
    view = {"version": 1, "round": 1, "answered": 0, "right": 0, "page": None, "spread": 0} | question
    heard = []

    def answer(route):
        act, said = route.request.url.rpartition("/")[2], route.request.post_data_json
        if act == "vote":
            heard.append(said["answer"])
            view.update(version=view["version"] + 1, mine=said["answer"])
        elif act == "look" and said["seen"] == view["version"]:
            return
        route.fulfill(json={"join": {"visitor": "x"}, "look": view, "vote": {}}[act])

    one = visit("/room", width=390, height=844)
    page = one.page
    page.route("**/rooms/*", answer)
    one.goto("/room?room=BCDF")
    page.get_by_role("textbox", name="Which?").fill("29,5")
    page.get_by_role("button", name="Send").click()
    told(page, "Your answer is 29,5")
    expect(page.get_by_role("textbox", name="Which?")).to_be_disabled()
    one.sound()
    one.accessible()
    view.update(version=10, round=2, mine=None, cells=[5, 6])
    one.goto("/room?room=BCDF")
    cell = page.get_by_role("button", name="row 2, column 3", exact=True)
    expect(page.locator(".options.cells button")).to_have_count(30)
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    cell.click()
    told(page, "Your answer is row 2, column 3")
    expect(cell).to_have_attribute("aria-pressed", "true")
    view.update(version=20, round=3, mine=None, cells=[2, 3], several=True)
    one.goto("/room?room=BCDF")
    cells = [page.get_by_role("button", name=f"row {row}, column {column}", exact=True) for row, column in
             ((1, 2), (0, 1), (0, 0))]  # fmt: skip
    expect(page.get_by_role("textbox", name="Which?")).to_be_hidden()
    for cell in (*cells, cells[2]):
        cell.click()
    expect(cells[0]).to_have_attribute("aria-pressed", "true")
    expect(cells[2]).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Send").click()
    told(page, "Your answer is (0, 1), (1, 2)")
    assert heard == ["29,5", "row 2, column 3", "(0, 1), (1, 2)"]
    view.update(version=30, revealed=True, answer="(0, 1), (0, 2)", explanation="", mine="(0, 1), (1, 2)")
    one.goto("/room?room=BCDF")
    expect(page.locator(".options.cells .right")).to_have_count(2)
    hit = page.locator(".options.cells .right[aria-pressed=true]")
    assert hit.evaluate("n => getComputedStyle(n).placeContent") == "center"
    assert hit.evaluate("n => getComputedStyle(n, '::after').color") == BACKGROUND["light"]
    told(page, "Not quite: (0, 1), (0, 2).")
    view.update(version=31, mine=None)
    one.goto("/room?room=BCDF")
    told(page, "The answer: (0, 1), (0, 2).")
    one.sound()
    one.accessible()
