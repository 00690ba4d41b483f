"""The room in the frame of the pages, without a browser."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from pages import _room
from pages._lessons import BY_PATH
from rooms import here
from rooms.room import Rooms
from rooms.store import Local
from tests.pages.support import charts, opened, read, sound

VIEWS = BY_PATH["transposed"].file


@pytest.fixture(autouse=True)
def rooms(monkeypatch):
    one = Rooms(Local())
    monkeypatch.setattr(_room, "rooms", lambda: one)
    # AppTest has no visitor with an address.
    monkeypatch.setattr(_room, "address", lambda: "8.8.8.8")
    return one


@pytest.fixture
def lecturer():
    app = sound(opened(VIEWS, ask="stamp"))
    app.button(key="ask_room").click().run()
    return sound(app)


def key(app: AppTest) -> str:
    return "".join(app.query_params["room"])


def ballot(app: AppTest) -> dict | None:
    shown = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "convscope_ballot"]
    return json.loads(shown[0].json) if shown else None


def test_a_lecturer_opens_a_room_with_the_question_that_waits(lecturer, rooms):
    tally = rooms.tally(key(lecturer))
    assert tally.waits
    assert tally.text in [text.split("**")[1] for text in read(lecturer.markdown) if "**" in text]
    assert not [one for one in lecturer.button if one.key == "ask_room"]
    code = key(lecturer).partition("-")[0]
    assert any(code in one.proto.body for one in lecturer.get("html"))
    assert key(lecturer).partition("-")[2] not in "".join(text.value for text in lecturer.markdown)


def test_what_the_page_reveals_the_room_hears(lecturer, rooms):
    lecturer.button(key="reveal").click().run()
    assert rooms.tally(key(sound(lecturer))).revealed
    lecturer.button(key="next_question").click().run()
    lecturer.button(key="ask_room").click().run()
    assert rooms.tally(key(sound(lecturer))).round == 2


def test_another_question_on_screen_is_not_the_rooms(lecturer, rooms):
    rooms.join(key(lecturer).partition("-")[0])
    lecturer.button(key="next_question").click().run()
    assert any("1 phone here" in text for text in read(sound(lecturer).markdown))
    assert "room_answers" not in {one.key for one in lecturer.button}
    lecturer.button(key="reveal").click().run()
    assert not rooms.tally(key(sound(lecturer))).revealed


def test_the_bars_are_the_votes_and_mark_the_right_one_once_it_is_told(lecturer, rooms):
    code = key(lecturer).partition("-")[0]
    for answer in ("2", "2", "11"):
        rooms.vote(code, rooms.join(code), 1, answer)
    lecturer.button(key="room_answers").click().run()
    (trace,) = charts(sound(lecturer))["votes"]["data"]
    assert (trace["y"], trace["x"]) == (["1", "2", "11"], [0, 2, 1])
    assert len(set(trace["marker"]["color"])) == 1
    assert "**3** of 3 answered" in [text.value for text in lecturer.markdown]
    lecturer.button(key="room_reveal").click().run()
    (trace,) = charts(sound(lecturer.run()))["votes"]["data"]
    assert trace["y"] == ["1", "2 ✓", "11"]
    assert len(set(trace["marker"]["color"])) == 2
    lecturer.button(key="next_question").click().run()
    assert "votes" not in charts(sound(lecturer)), "the answers of another question than that on screen"


def test_the_link_that_is_shared_has_no_key_and_the_lecturers_own_keeps_it(lecturer):
    secret = key(lecturer)
    lecturer.button(key="open_link").click().run()
    assert secret.partition("-")[2] not in sound(lecturer).code[0].value
    assert "room=" not in lecturer.code[0].value
    lecturer.switch_page(BY_PATH["playground"].file)
    lecturer.query_params.clear()
    assert key(sound(lecturer.run())) == secret


@pytest.mark.parametrize("link", ["BCDF-wrong", "-", "x-" + "y" * 10_000, "BCDF-<b>"])
def test_a_link_with_a_false_key_is_told_and_forgotten(link):
    app = sound(opened(VIEWS, ask="stamp", room=link))
    assert [one.value for one in app.warning] == ["This room is over: open another."]
    assert "room" not in app.query_params
    assert app.button(key="ask_room")


def test_a_phone_types_the_code(rooms):
    app = sound(opened("room.py"))
    for typed, told in (
        ("", "4 letters"),
        ("r00m", "4 letters"),
        ("room", "There is no room ROOM"),
        ("BBBB", "There is no room BBBB"),
    ):
        app.text_input(key="typed_code").set_value(typed)
        app.button[-1].click().run()
        assert not app.exception
        assert told in app.error[0].value
        assert ballot(app) is None
    code = rooms.open().partition("-")[0]
    app.text_input(key="typed_code").set_value(f" {code.lower()}")
    app.button[-1].click().run()
    assert ballot(sound(app))["code"] == code
    assert app.query_params["room"] in (code, [code])


@pytest.mark.parametrize(
    ("written", "code"), [("bcdf", "BCDF"), (" Bc Df", "BCDF"), ("<b>x</b>", "<b>x</b>"), ("", None)]
)
def test_a_link_into_a_room_may_be_written_by_hand(written, code):
    app = sound(opened("room.py", room=written))
    assert (ballot(app) or {}).get("code") == code


@pytest.mark.parametrize("name", ["room", "code"])
def test_a_link_may_name_the_room_in_either_way(lecturer, name):
    app = sound(opened("room.py", **{name: key(lecturer).partition("-")[0]}))
    assert ballot(app)["code"] == key(lecturer).partition("-")[0]
    assert "code" not in app.query_params
    if name == "code":
        gone = opened("room.py", code="ZZZZ")
        assert gone.error.values == ["There is no room ZZZZ: look at the lecturer's screen once more."]


def test_what_a_phone_answers_on_its_page_after_the_room_is_asked_reveals_nothing(rooms):
    secret = rooms.open()
    phone = sound(opened(VIEWS, ask="stamp", room=secret.partition("-")[0]))
    asks = sound(opened(VIEWS, ask="stamp", room=secret))
    asks.button(key="ask_room").click().run()
    phone.pills(key="answer_stamp").set_value("2").run()
    assert rooms.tally(secret).waits
    assert "answered" not in sound(phone).query_params


def test_what_a_phone_answers_while_it_follows_reveals_nothing(rooms):
    secret = rooms.open()
    rooms.show(secret, "transposed?ask=stamp", "transposed stamp", True)
    phone = sound(opened(VIEWS, ask="stamp", room=secret.partition("-")[0]))
    phone.pills(key="answer_stamp").set_value("2").run()
    assert "answered" not in sound(phone).query_params
    # Once the lecturer walks on alone, each visitor answers for himself.
    rooms.show(secret, "transposed?ask=stamp", "transposed stamp", False)
    phone.pills(key="answer_stamp").set_value("1").run()
    phone.pills(key="answer_stamp").set_value("2").run()
    assert sound(phone).query_params["answered"] == "stamp"


def test_a_phone_is_asked_in_its_ballot_alone_and_offered_no_room(lecturer):
    code = key(lecturer).partition("-")[0]
    phone = sound(opened(VIEWS, ask="stamp", room=code))
    assert ballot(phone) == {"code": code, "followed": None, "around": False, "question": "transposed stamp"}
    assert not {"reveal", "ask_room", "room_answers"} & {one.key for one in phone.button}
    lecturer.button(key="reveal").click().run()
    phone.run()
    assert {"next_question"} <= {one.key for one in sound(phone).button}
    assert not {"ask_room", "room_answers"} & {one.key for one in phone.button}


def test_what_the_lecturer_shows_the_phones_hear_where_they_follow(lecturer, rooms):
    code = key(lecturer).partition("-")[0]
    phone = rooms.join(code)
    assert rooms.look(code, phone)["page"] is None
    lecturer.toggle(key="room_follow").set_value(True).run()
    assert rooms.look(code, phone)["page"] == "transposed"
    lecturer.button(key="next_question").click().run()
    assert rooms.look(code, phone)["page"].startswith("transposed?")
    assert "room" not in rooms.look(code, phone)["page"]
    assert "present" not in rooms.look(code, phone)["page"]


def test_phones_follow_on_after_the_lecturer_has_loaded_the_page_anew(lecturer, rooms):
    phone = rooms.join(code := key(lecturer).partition("-")[0])
    lecturer.toggle(key="room_follow").set_value(True).run()
    anew = sound(opened("convolution/playground.py", room=key(lecturer)))
    assert rooms.look(code, phone)["page"].startswith("playground")
    anew.button(key="room_code").click().run()
    assert sound(anew).toggle(key="room_follow").value is True
    anew.toggle(key="room_follow").set_value(False).run()
    assert rooms.look(code, phone)["page"] is None


def test_without_redis_a_sentence_stands_for_the_room(monkeypatch):
    from rooms.shared import Shared

    gone = Rooms(Shared("redis://127.0.0.1:9/0"))
    monkeypatch.setattr(_room, "rooms", lambda: gone)
    app = opened(VIEWS, ask="stamp")
    app.button(key="ask_room").click().run()
    assert not app.exception
    assert app.warning.values == ["The rooms cannot be reached just now: try again in a moment."]
    assert "room" not in app.query_params
    phone = opened(VIEWS, ask="stamp", room="BCDF")
    assert not phone.exception


def test_an_address_that_is_no_redis_is_told(monkeypatch):
    monkeypatch.setenv("CONVSCOPE_REDIS_URL", "somewhere")
    here.rooms.cache_clear()
    monkeypatch.setattr(_room, "rooms", here.rooms)
    app = opened(VIEWS, ask="stamp")
    app.button(key="ask_room").click().run()
    here.rooms.cache_clear()
    assert not app.exception
    assert "CONVSCOPE_REDIS_URL is no address of a Redis" in app.warning.values[0]


def test_a_cell_of_the_stage_is_a_cell_on_the_phones(rooms):
    app = sound(opened(BY_PATH["playground"].file, ask="window"))
    app.button(key="ask_room").click().run()
    tally = rooms.tally(key(sound(app)))
    assert (tally.cells, tally.right) == ((4, 4), ("row 2, column 2",))
    code = key(app).partition("-")[0]
    rooms.vote(code, rooms.join(code), tally.round, "row 3, column 3")
    assert rooms.tally(key(app)).counts == {"row 3, column 3": 1}
