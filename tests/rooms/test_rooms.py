"""What a room promises, whatever keeps it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from rooms import limit, room, store
from rooms.room import LETTERS, MOST_QUESTIONS, Poll, RoomError, Rooms, code_of
from rooms.shared import Shared
from rooms.store import Full, Local

POLL = Poll("size", "How large is the output?", ("3×3", "5×5", "7×7"), "5×5", "5 − 1 + 1 = 5.")
OTHER = Poll("macs", "How many MACs?", ("9", "81"), "81")


@pytest.fixture(params=["in the process", "in Redis"])
def kept(request):
    if request.param == "in the process":
        return Local()
    url = request.getfixturevalue("redis_url")
    redis.Redis.from_url(url).flushall()
    return Shared(url)


@pytest.fixture
def rooms(kept):
    return Rooms(kept)


def refused(act, *given) -> str:
    with pytest.raises(RoomError) as told:
        act(*given)
    assert told.value.sentence[0].isupper()
    assert told.value.sentence.endswith(".")
    return told.value.sentence


class TestLecturer:
    def test_a_code_is_four_letters_that_nobody_mistakes_for_others(self, rooms):
        codes = {rooms.open(str(at)).partition("-")[0] for at in range(20)}
        assert len(codes) == 20
        assert all(len(code) == 4 and set(code) <= set(LETTERS) for code in codes)
        assert not set(LETTERS) & set("AEIOUYQ0123456789")

    def test_only_the_key_makes_a_lecturer(self, rooms, key, code):
        other = rooms.open()
        for false in (code, f"{code}-", f"{code}-wrong", f"{code}-{other.partition('-')[2]}", "", "é-é", key.lower()):
            for act in (rooms.tally, rooms.reveal, rooms.close):
                refused(act, false)
            refused(rooms.ask, false, POLL)
            refused(rooms.show, false, "playground", "", True)
        assert rooms.tally(key).round == 0

    def test_a_question_is_asked_answered_and_revealed(self, rooms, key, code):
        phones = [rooms.join(code) for _ in range(3)]
        rooms.ask(key, POLL)
        assert rooms.tally(key).waits
        assert rooms.tally(key).counts == {"3×3": 0, "5×5": 0, "7×7": 0}
        for phone, answer in zip(phones, ("5×5", "5×5", "7×7"), strict=True):
            rooms.vote(code, phone, 1, answer)
        tally = rooms.tally(key)
        assert (tally.here, tally.answered, tally.counts) == (3, 3, {"3×3": 0, "5×5": 2, "7×7": 1})
        rooms.reveal(key)
        assert not rooms.tally(key).waits
        assert rooms.tally(key).counts == tally.counts

    def test_a_room_that_is_closed_is_over_for_all(self, rooms, key, code):
        phone = rooms.join(code)
        rooms.ask(key, POLL)
        rooms.close(key)
        assert rooms.version(code) == 0
        refused(rooms.tally, key)
        refused(rooms.look, code, phone)
        refused(rooms.vote, code, phone, 1, "5×5")
        refused(rooms.join, code)

    def test_there_are_bounds(self, rooms, key, code, monkeypatch):
        monkeypatch.setattr(room, "MOST_PHONES", 2)
        rooms.join(code), rooms.join(code)
        assert "2 phones" in refused(rooms.join, code)
        for _ in range(MOST_QUESTIONS):
            rooms.ask(key, POLL)
        assert "open another" in refused(rooms.ask, key, POLL)
        monkeypatch.setattr(store, "MOST_ROOMS", 1)
        assert "All rooms" in refused(rooms.open, "another")

    def test_rooms_are_not_opened_in_bulk(self, rooms):
        for _ in range(10):
            rooms.open("10.0.0.7")
        assert "wait a minute" in refused(rooms.open, "10.0.0.7")
        assert rooms.open("10.0.0.8")

    def test_a_room_of_the_same_name_begins_empty(self, kept, rooms, monkeypatch):
        monkeypatch.setattr(room.secrets, "choice", lambda letters: letters[0])
        old = rooms.open()
        phone = rooms.join("BBBB")
        rooms.ask(old, POLL)
        rooms.vote("BBBB", phone, 1, "5×5")
        kept.delete(["room BBBB"])
        new = rooms.open()
        rooms.ask(new, POLL)
        tally = rooms.tally(new)
        assert (tally.here, tally.answered) == (0, 0)
        refused(rooms.look, "BBBB", phone)


class TestPhone:
    def test_it_sees_the_answer_after_the_reveal_alone(self, rooms, key, code):
        phone = rooms.join(code)
        assert "text" not in rooms.look(code, phone)
        rooms.ask(key, POLL)
        seen = rooms.look(code, phone)
        assert (seen["text"], list(seen["options"]), seen["mine"]) == (POLL.text, list(POLL.options), None)
        rooms.vote(code, phone, 1, "5×5")
        seen = rooms.look(code, phone)
        assert "answer" not in seen
        assert "explanation" not in seen
        assert seen["mine"] == "5×5"
        rooms.reveal(key)
        seen = rooms.look(code, phone)
        assert (seen["answer"], seen["explanation"], seen["revealed"]) == (POLL.answer, POLL.explanation, True)

    def test_it_is_done_with_a_question_once_the_lecturer_whom_it_follows_goes_on(self, rooms, key, code):
        phone = rooms.join(code)
        rooms.ask(key, POLL)
        shown = (POLL.name, False), ("another", False), ("another", True), ("", True), (POLL.name, True)
        for waits in (True, False):
            asked = []
            for on, follow in shown:
                rooms.show(key, "playground", on, follow)
                asked.append("text" in rooms.look(code, phone))
                assert rooms.waiting(code) == (POLL.name if waits and asked[-1] else "")
            assert asked == [True, True, False, False, True]
            rooms.vote(code, phone, 1, POLL.answer)  # sent before it was gone
            rooms.reveal(key)

    def test_each_sees_how_often_it_was_right(self, rooms, key, code):
        first, second, late = rooms.join(code), rooms.join(code), rooms.join(code)
        for poll, answers in ((POLL, ("5×5", "3×3")), (OTHER, ("81", "81"))):
            rooms.ask(key, poll)
            number = rooms.tally(key).round
            for phone, answer in zip((first, second), answers, strict=True):
                rooms.vote(code, phone, number, answer)
            rooms.reveal(key)
        found = [(seen["right"], seen["answered"]) for seen in (rooms.look(code, it) for it in (first, second, late))]
        assert found == [(2, 2), (1, 2), (0, 0)]

    def test_a_question_that_was_left_without_a_reveal_counts_for_nobody(self, rooms, key, code):
        phone = rooms.join(code)
        rooms.ask(key, POLL)
        rooms.vote(code, phone, 1, "3×3")
        rooms.ask(key, OTHER)
        assert rooms.look(code, phone)["answered"] == 0

    def test_something_new_is_a_new_version_and_a_vote_is_not(self, rooms, key, code):
        phone, seen = rooms.join(code), [rooms.version(code)]
        for act in (
            lambda: rooms.ask(key, POLL),
            lambda: rooms.show(key, "playground?stride=2", "", True),
            lambda: rooms.show(key, "playground?stride=3", "", True),
            lambda: rooms.show(key, "playground?stride=3", "", False),
            lambda: rooms.reveal(key),
        ):
            act()
            seen.append(rooms.version(code))
        assert seen == sorted(set(seen))
        rooms.ask(key, POLL)
        before = rooms.version(code)
        rooms.vote(code, phone, 2, "5×5")
        rooms.look(code, phone)
        rooms.show(key, "playground?stride=3", "", False)
        assert rooms.version(code) == before

    def test_it_hears_of_the_page_where_the_lecturer_wants_it_to_follow(self, rooms, key, code):
        phone = rooms.join(code)
        rooms.show(key, "playground?stride=2", "", False)
        assert rooms.look(code, phone)["page"] is None
        rooms.show(key, "playground?stride=2", "", True)
        assert rooms.look(code, phone)["page"] == "playground?stride=2"
        rooms.show(key, "transposed", "")
        assert rooms.look(code, phone)["page"] == "transposed"
        assert rooms.tally(key).follow
        assert rooms.leads(code)
        rooms.show(key, "transposed", "", False)
        assert not rooms.leads(code)

    def test_who_was_not_heard_of_for_a_minute_is_not_counted(self, rooms, key, code, monkeypatch):
        rooms.join(code), rooms.join(code)
        later = room.time.time() + 61
        monkeypatch.setattr(room.time, "time", lambda: later)
        assert rooms.tally(key).here == 0
        rooms.join(code)
        assert rooms.tally(key).here == 1


class TestOtherAnswers:
    NUMBER = Poll("fill", "Which number?", (), "29")
    CELL = Poll("mark", "Which cell?", (), "row 2, column 0", cells=(3, 4))

    def test_numbers_are_typed_in_many_ways_and_counted_in_their_order(self, rooms, key, code):
        rooms.ask(key, self.NUMBER)
        phones = []
        for typed in ("29", " 29.0", "+29,", "−3", "-0", "0,50", "1 000"):
            phones.append(rooms.join(code))
            rooms.vote(code, phones[-1], 1, typed)
        assert rooms.tally(key).counts == {"-3": 1, "0": 1, "0.5": 1, "29": 3, "1000": 1}
        assert list(rooms.tally(key).counts) == ["-3", "0", "0.5", "29", "1000"]
        rooms.reveal(key)
        assert [rooms.look(code, phone)["right"] for phone in phones] == [1, 1, 1, 0, 0, 0, 0]

    def test_of_many_numbers_the_most_frequent_are_shown_and_all_counted(self, rooms, key, code):
        rooms.ask(key, self.NUMBER)
        for number in [*range(20), 29, 29]:
            rooms.vote(code, rooms.join(code), 1, str(number))
        tally = rooms.tally(key)
        assert (tally.answered, len(tally.counts), tally.counts["29"]) == (22, room.MOST_SHOWN, 2)

    @pytest.mark.parametrize(
        "typed", ["", "abc", "1e9", "nan", "١", "1.2.3", "--1", "9" * 13, "1" * 10_000, "0x1f", "."]
    )
    def test_what_is_no_number_is_refused(self, rooms, key, code, typed):
        phone = rooms.join(code)
        rooms.ask(key, self.NUMBER)
        assert "no number" in refused(rooms.vote, code, phone, 1, typed)
        assert rooms.tally(key).answered == 0

    def test_a_cell_is_marked(self, rooms, key, code):
        rooms.ask(key, self.CELL)
        phone = rooms.join(code)
        assert list(rooms.look(code, phone)["cells"]) == [3, 4]
        for none in ("row 3, column 0", "row 0, column 4", "row -1, column 0", "2, 0", "", "row 2, column 0 "):
            assert "no such cell" in refused(rooms.vote, code, phone, 1, none)
        rooms.vote(code, phone, 1, "row 2, column 0")
        tally = rooms.tally(key)
        assert (tally.counts, tally.cells, tally.answered) == ({"row 2, column 0": 1}, (3, 4), 1)
        rooms.reveal(key)
        assert rooms.look(code, phone)["right"] == 1

    SEVERAL = Poll("window", "Which cells?", (), "(0, 0), (2, 1)", cells=(3, 4), several=True)

    def test_several_cells_are_an_answer_and_each_is_counted(self, rooms, key, code):
        rooms.ask(key, self.SEVERAL)
        phones = [rooms.join(code) for _ in range(3)]
        assert rooms.look(code, phones[0])["several"] is True
        for none in ("(3, 0)", "(0, 0), (0, 4)", "(0,0)", "(0, 0) (2, 1)", "", "(-1, 0)", "(0, 0), " * 900):
            assert "no such cell" in refused(rooms.vote, code, phones[0], 1, none)
        # In any order, and each once.
        rooms.vote(code, phones[0], 1, "(2, 1), (0, 0), (0, 0)")
        rooms.vote(code, phones[1], 1, "(0, 0)")
        rooms.vote(code, phones[2], 1, "(0, 0), (1, 1), (2, 1)")
        tally = rooms.tally(key)
        assert (tally.answered, tally.cells) == (3, (3, 4))
        assert tally.counts == {"row 0, column 0": 3, "row 1, column 1": 1, "row 2, column 1": 2}
        assert tally.right == ("row 0, column 0", "row 2, column 1")
        rooms.reveal(key)
        assert [rooms.look(code, phone)["right"] for phone in phones] == [1, 0, 0]

    def test_where_one_cell_is_asked_for_several_are_refused(self, rooms, key, code):
        rooms.ask(key, self.CELL)
        assert "One cell" in refused(rooms.vote, code, rooms.join(code), 1, "(0, 0), (2, 1)")

    def test_a_question_that_no_phone_can_answer_is_not_asked(self, rooms, key):
        for poll in (Poll("a", "?", (), "all of them"), Poll("a", "?", (), "row 9, column 0", cells=(3, 3))):
            assert "cannot be put to a room" in refused(rooms.ask, key, poll)
        assert rooms.tally(key).round == 0


class TestHostile:
    @pytest.mark.parametrize("answer", ["", "9×9", "5×5 ", "x" * 10_000, "\x00", "5×5\n"])
    def test_an_answer_that_is_none(self, rooms, key, code, answer):
        phone = rooms.join(code)
        rooms.ask(key, POLL)
        refused(rooms.vote, code, phone, 1, answer)
        assert rooms.tally(key).answered == 0

    def test_the_first_answer_counts_and_the_same_once_more_is_one_that_came_twice(self, rooms, key, code):
        phone = rooms.join(code)
        rooms.ask(key, POLL)
        rooms.vote(code, phone, 1, "5×5")
        rooms.vote(code, phone, 1, "5×5")
        assert "first answer" in refused(rooms.vote, code, phone, 1, "7×7")
        assert rooms.tally(key).counts == {"3×3": 0, "5×5": 1, "7×7": 0}

    def test_late_early_and_for_another_question(self, rooms, key, code):
        phone, slow = rooms.join(code), rooms.join(code)
        refused(rooms.vote, code, phone, 0, "5×5")
        refused(rooms.vote, code, phone, 1, "5×5")
        rooms.ask(key, POLL)
        for number in (-1, 0, 2, 10**30):
            refused(rooms.vote, code, phone, number, "5×5")
        rooms.vote(code, phone, 1, "5×5")
        rooms.reveal(key)
        rooms.vote(code, phone, 1, "5×5")  # its first try was heard, and the answer to it lost
        assert "Too late" in refused(rooms.vote, code, slow, 1, "5×5")
        assert rooms.tally(key).answered == 1
        rooms.ask(key, OTHER)
        assert "Too late" in refused(rooms.vote, code, slow, 1, "5×5")

    def test_one_who_has_not_joined(self, rooms, key, code):
        rooms.ask(key, POLL)
        other = rooms.join(rooms.open().partition("-")[0])
        for visitor in ("", "nobody", "x" * 10_000, other):
            refused(rooms.vote, code, visitor, 1, "5×5")
            refused(rooms.look, code, visitor)
        assert rooms.tally(key).answered == 0

    @pytest.mark.parametrize("text", ["", "ABC", "BCDFG", "B1CD", "ÄBCD", "room", "x" * 10_000, "*", "B\x00CD"])
    def test_a_code_that_can_be_none(self, rooms, text):
        refused(rooms.join, text)

    def test_a_code_as_somebody_types_it(self):
        assert code_of(" bc df\n") == code_of("bc-df") == "BCDF"

    def test_codes_are_not_guessed_in_bulk(self, rooms, code):
        for _ in range(30):
            assert "no room" in refused(rooms.find, "BBBB", "10.0.0.7")
        assert "wait" in refused(rooms.find, "CCCC", "10.0.0.7")
        assert "wait" in refused(rooms.join, code, "10.0.0.7")
        assert rooms.find(code, "10.0.0.8") == code
        for at in range(270):
            refused(rooms.find, "BBBB", f"10.0.1.{at}")
        assert "wait" in refused(rooms.find, "BBBB", "10.0.0.9")

    def test_a_right_code_is_never_counted(self, rooms, code):
        for _ in range(300):
            rooms.join(code, "10.0.0.7")

    def test_of_an_address_nothing_is_kept_that_tells_it(self, kept, rooms, code):
        rooms.join(code, "203.0.113.77")
        refused(rooms.join, "BBBB", "203.0.113.77")
        tables = kept._tables if isinstance(kept, Local) else {k: kept._redis.dump(k) for k in kept._redis.scan_iter()}
        assert tables
        assert "203.0.113.77" not in repr([tables, dict(rooms._wrong._tried)])

    def test_a_minute_later_codes_may_be_tried_again(self, rooms, code, monkeypatch):
        for _ in range(30):
            refused(rooms.find, "BBBB", "10.0.0.7")
        later = limit.time.monotonic() + 61
        monkeypatch.setattr(limit.time, "monotonic", lambda: later)
        assert rooms.find(code, "10.0.0.7") == code


class TestStore:
    def test_a_field_is_added_once_whoever_comes_first(self, kept):
        start = threading.Barrier(8)

        def add(at: int) -> bool:
            start.wait()
            return kept.add("votes", "one", str(at), 10)

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(add, range(8))) == 1

    def test_a_table_is_full_at_its_bound_whoever_comes_first(self, kept):
        start = threading.Barrier(8)

        def add(at: int) -> bool:
            start.wait()
            try:
                return kept.add("votes", str(at), "x", 3)
            except Full:
                return False

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(add, range(8))) == 3
        assert len(kept.read("votes")) == 3

    def test_a_table_is_created_once_and_ends(self, kept):
        assert kept.create("room", {"a": "1"})
        assert not kept.create("room", {"a": "2"})
        assert kept.read("room") == {"a": "1"}
        kept.write("room", {"b": "2"}, bump="n")
        kept.write("room", {}, bump="n")
        assert kept.read("room") == {"a": "1", "b": "2", "n": "2"}
        assert kept.field_of(["room", "none"], "b") == ["2", None]
        kept.delete(["room", "none"])
        kept.write("room", {"b": "2"})
        assert kept.read("room") == {}


def test_a_room_that_nobody_uses_is_gone_after_some_hours(monkeypatch):
    kept = Local()
    rooms = Rooms(kept)
    now = store.time.monotonic()
    clock = [now]
    monkeypatch.setattr(store.time, "monotonic", lambda: clock[0])
    key = rooms.open("a")
    code = key.partition("-")[0]
    phone = rooms.join(code)
    clock[0] = now + store.LIFE - 60
    rooms.ask(key, POLL)
    rooms.look(code, phone)
    clock[0] += store.LIFE - 60
    rooms.look(code, phone)  # keeps the phone, not the room
    assert rooms.tally(key).round == 1
    clock[0] += 61
    refused(rooms.tally, key)
    clock[0] += store.LIFE
    rooms.open("b")
    assert [name for name in kept._tables if code in name] == []


def test_in_redis_a_room_is_gone_after_some_hours_by_itself(redis_url):
    kept = Shared(redis_url)
    kept._redis.flushall()
    rooms = Rooms(kept)
    key = rooms.open()
    code = key.partition("-")[0]
    phone = rooms.join(code)
    rooms.ask(key, POLL)
    rooms.vote(code, phone, 1, "5×5")
    ends = {name: kept._redis.ttl(name) for name in kept._redis.keys("convscope:*") if name != "convscope:rooms"}
    assert len(ends) == 3
    assert all(store.LIFE - 60 < end <= store.LIFE for end in ends.values())
    # What has ended no longer counts against the bound.
    kept._redis.zadd("convscope:rooms", {f"convscope:room {at}": 1 for at in range(store.MOST_ROOMS)})
    assert rooms.open()
    assert kept._redis.zcard("convscope:rooms") == 2


def test_without_redis_there_is_a_sentence():
    rooms = Rooms(Shared("redis://127.0.0.1:9/0"))
    assert "cannot be reached" in refused(rooms.open)
    assert "cannot be reached" in refused(rooms.join, "BCDF")
