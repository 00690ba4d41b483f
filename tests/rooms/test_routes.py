"""What phones ask of the server, hostile ones too; and that to wait costs next to nothing."""

import asyncio
import json
import time

import pytest
from starlette.applications import Starlette

from rooms import routes
from rooms.room import Poll, Rooms
from rooms.store import Local
from tests.browser.support import run_apart

POLL = Poll("size", "How large is the output?", ("3×3", "5×5"), "5×5", "Because.")


@pytest.fixture
def rooms(monkeypatch):
    one = Rooms(Local())
    monkeypatch.setattr(routes, "rooms", lambda: one)
    return one


async def posted(app: Starlette, path: str, body: bytes, peer: str = "8.8.8.8") -> tuple[int, dict]:
    """Status and answer of a POST, without a server."""
    sent, parts = [], [body[at : at + 1000] for at in range(0, len(body), 1000)] or [b""]

    async def receive() -> dict:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": [], "client": (peer, 1)}
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(one.get("body", b"") for one in sent[1:]))


@pytest.fixture
def post(rooms):
    # One app a request: what waits belongs to a loop.
    return lambda path, body: run_apart(posted(Starlette(routes=routes.routes(("", "lab"))), path, body))


@pytest.fixture
def phone(post):
    def ask(act, status=200, **said):
        found, answer = post(f"/rooms/{act}", json.dumps(said).encode())
        assert found == status, answer
        return answer

    return ask


def test_a_phone_joins_looks_and_votes_also_below_a_path(rooms, post, phone, key, code):
    joined = phone("join", code=code.lower())
    assert joined["code"] == code
    rooms.ask(key, POLL)
    seen = phone("look", **joined, seen=0)
    assert (seen["text"], seen["options"], seen["mine"]) == (POLL.text, list(POLL.options), None)
    phone("vote", **joined, round=1, answer="5×5")
    assert phone("look", **joined, seen=0)["mine"] == "5×5"
    assert post("/lab/rooms/look", json.dumps(joined | {"seen": 0}).encode())[0] == 200


def test_a_look_comes_when_there_is_something_new(rooms, phone, key, code, monkeypatch):
    joined = phone("join", code=code)
    seen = phone("look", **joined, seen=0)
    monkeypatch.setattr(routes, "PATIENCE", 0.5)
    start = time.monotonic()
    assert phone("look", **joined, seen=seen["version"])["version"] == seen["version"]
    assert 0.4 < time.monotonic() - start < 5
    rooms.ask(key, POLL)
    monkeypatch.setattr(routes, "PATIENCE", 60)
    start = time.monotonic()
    assert phone("look", **joined, seen=seen["version"])["text"] == POLL.text
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("act", "said", "status"),
    [
        ("join", {"code": "BBBB"}, 404),
        ("join", {"code": "x" * 3000}, 404),
        ("join", {}, 400),
        ("join", {"code": 7}, 400),
        ("look", {"visitor": "nobody", "seen": 0}, 404),
        ("look", {"seen": "0"}, 400),
        ("look", {"seen": True}, 400),
        ("vote", {"round": 1, "answer": "9×9"}, 400),
        ("vote", {"round": 1, "answer": ["5×5"]}, 400),
        ("vote", {"round": 1, "answer": "x" * 10_000}, 413),
        ("vote", {"round": 2, "answer": "5×5"}, 409),
        ("vote", {"round": 1.0, "answer": "5×5"}, 400),
        ("vote", {"round": 1, "answer": "5×5", "visitor": "nobody"}, 404),
        ("vote", {"round": 1, "answer": "5×5", "code": "BBBB"}, 404),
    ],
)
def test_what_is_wrong_is_one_sentence_and_no_vote(rooms, phone, key, code, act, said, status):
    joined = phone("join", code=code)
    rooms.ask(key, POLL)
    told = phone(act, status, **(said if act == "join" else joined | said))["error"]
    assert told.count(".") == 1
    assert told.endswith(".")
    assert rooms.tally(key).answered == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 4000, b"x" * 100_000])
def test_what_is_no_object_is_refused(post, body):
    status, answer = post("/rooms/vote", body)
    assert status in (400, 413)
    assert answer["error"].endswith(".")


def test_nothing_tells_which_codes_there_are_but_joining_which_is_limited(rooms, phone, code):
    there = phone("look", 404, code=code, visitor="x", seen=0)
    assert phone("look", 404, code="BBBB", visitor="x", seen=0) == there
    for _ in range(30):
        phone("join", 404, code="BBBB")
    assert "wait" in phone("join", 429, code=code)["error"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("8.8.8.8", "10.0.0.1", "8.8.8.8"),  # no proxy of ours: what it says of others is not believed
        ("127.0.0.1", "1.1.1.1, 8.8.4.4", "8.8.4.4"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("testclient", "8.8.4.4", "8.8.4.4"),
    ],
)
def test_behind_a_proxy_each_address_counts_for_itself(peer, forwarded, address):
    assert routes.who(peer, forwarded) == address


def test_whoever_waits_shares_one_look_at_the_room():
    async def act():
        looked = []

        def version(code):
            looked.append(code)
            return 2 if len(looked) > 3 else 1

        waiting = routes.Waiting(version)
        await asyncio.wait_for(asyncio.gather(*(waiting.beyond(1, "BCDF", str(at)) for at in range(300))), 20)
        assert len(looked) < 10
        await asyncio.sleep(3 * routes.EVERY)
        before = len(looked)
        await asyncio.sleep(3 * routes.EVERY)
        assert len(looked) == before, "nobody waits any more"

    run_apart(act())


def test_a_visitor_waits_once():
    async def act():
        waiting = routes.Waiting(lambda code: 1)
        first = asyncio.create_task(waiting.beyond(1, "BCDF", "one"))
        await asyncio.sleep(0)
        second = asyncio.create_task(waiting.beyond(1, "BCDF", "one"))
        await asyncio.wait_for(first, 5)
        assert not second.done()
        second.cancel()

    run_apart(act())
