"""A room of forty over the real protocol: nobody's vote is lost, none counts twice, whatever else is sent."""

import asyncio
import contextlib
import random
import signal

import pytest

from benchmarks.phone import Lecturer, Phone, beside
from benchmarks.visitor import visiting
from tests.browser.support import run_apart, running
from tests.rooms.conftest import redis_url as redis_url

PHONES = 40
PAGE = "transposed"
OPTIONS = ("1", "2", "11")
"""Of the first question of this page; the second is right."""


@contextlib.contextmanager
def running_until_told(**environment: str):
    """A server that ends when it is told to, although phones wait for its next question."""
    with running(**environment) as server:
        yield server
        server.process.terminate()
        server.process.wait(timeout=5)


@pytest.fixture(scope="module")
def in_redis(redis_url):
    with running_until_told(CONVSCOPE_REDIS_URL=redis_url) as server:
        yield server


@pytest.fixture(scope="module")
def in_the_process():
    with running_until_told(CONVSCOPE_REDIS_URL="") as server:
        yield server


@pytest.fixture(params=["in the process", "in Redis"])
def server(request):
    """By where it keeps its rooms."""
    return request.getfixturevalue(request.param.replace(" ", "_").lower())


@contextlib.asynccontextmanager
async def asked(url: str):
    """A lecturer whose room has been asked the first question."""
    async with visiting(url, 300) as visitor:
        lecturer = Lecturer(visitor)
        await lecturer.open(PAGE)
        await lecturer.ask()
        async with beside(lecturer.watch()):
            yield lecturer
        assert visitor.exceptions == []


@contextlib.asynccontextmanager
async def joined(url: str, code: str, many: int):
    """So many phones: each with its page open, and waiting."""
    async with contextlib.AsyncExitStack() as stack:
        phones, waiting = [], []
        for _ in range(many):
            visitor = await stack.enter_async_context(visiting(url, 300))
            await visitor.open("room", f"room={code}")
            assert visitor.exceptions == []
            phones.append(Phone(url, code))
            await phones[-1].join()
            waiting.append(phones[-1].wait())
        async with beside(*waiting):
            yield phones


async def nonsense(phone: Phone) -> None:
    """What a phone may not do; each is refused in a sentence."""
    for act, status, said in (
        ("vote", 400, {"round": 1, "answer": "12"}),
        ("vote", 413, {"round": 1, "answer": "x" * 10_000}),
        ("vote", 409, {"round": 2, "answer": "2"}),
        ("vote", 400, {"round": "1", "answer": "2"}),
        ("vote", 404, {"round": 1, "answer": "2", "visitor": "nobody"}),
        ("vote", 404, {"round": 1, "answer": "2", "code": "BBBB"}),
        ("join", 404, {"code": "BBBB"}),
    ):
        found, answer = await phone.ask(act, **said)
        assert found == status, answer
        assert answer["error"].endswith(".")


def test_forty_phones_answer_once_each(server):
    async def act(url: str) -> None:
        rng = random.Random(0)
        async with asked(url) as lecturer, joined(url, lecturer.code, PHONES) as phones:
            await asyncio.gather(*(phone.until(lambda view: view.get("options")) for phone in phones))
            assert not any("answer" in phone.view for phone in phones)
            await nonsense(phones[0])
            given = {phone.visitor: rng.choice(OPTIONS) for phone in phones[:-1]}

            async def answer(phone: Phone) -> None:
                await phone.vote(given[phone.visitor])
                other = next(one for one in OPTIONS if one != given[phone.visitor])
                status, said = await phone.ask("vote", round=1, answer=other)
                assert (status, said["error"][:17]) == (409, "You have answered")

            await asyncio.gather(*(answer(phone) for phone in phones[:-1]))
            await lecturer.until(PHONES - 1)
            assert lecturer.shown() == (PHONES - 1, PHONES)
            await lecturer.reveal()
            await asyncio.gather(*(phone.until(lambda view: view["revealed"]) for phone in phones))
            status, said = await phones[-1].ask("vote", round=1, answer="2")
            assert (status, said["error"]) == (409, "Too late: this question is over.")
            right = [phone.view["right"] for phone in phones]
            assert right == [int(given.get(phone.visitor) == "2") for phone in phones]
            assert max(lecturer.seen) == PHONES - 1

    run_apart(act(server.url))


def test_a_lecturer_who_reloads_finds_the_room_and_its_votes(server):
    async def act(url: str) -> None:
        async with asked(url) as lecturer, joined(url, lecturer.code, 2) as phones:
            await asyncio.gather(*(phone.until(lambda view: view.get("options")) for phone in phones))
            await phones[0].vote("2")
            await lecturer.until(1)
            link = lecturer.visitor.query
            async with visiting(url, 300) as visitor:
                again = Lecturer(visitor)
                await again.open(PAGE, link)
                assert again.shown() == (1, 2)
                assert again.room == lecturer.room
                await again.reveal()
                await phones[1].until(lambda view: view["revealed"])
                assert visitor.exceptions == []

    run_apart(act(server.url))


def test_a_replica_that_dies_loses_no_vote(redis_url, in_redis):
    """Two servers on one Redis: phones of the one that is killed go on with the other, with what they are known by."""

    async def act(first, second) -> None:
        async with asked(second.url) as lecturer, joined(second.url, lecturer.code, 2) as stay:
            moved = [Phone(first.url, lecturer.code) for _ in range(4)]
            for phone in moved:
                await phone.join()
            async with beside(*(phone.wait() for phone in moved)):
                phones = [*moved, *stay]
                await asyncio.gather(*(phone.until(lambda view: view.get("options")) for phone in phones))
                await asyncio.gather(*(phone.vote("2") for phone in (moved[0], moved[1], stay[0])))
                first.process.send_signal(signal.SIGKILL)
                first.process.wait()
                late = asyncio.create_task(moved[2].vote("11"))
                await asyncio.sleep(0.5)
                assert not late.done()
                # What a proxy does: the next request goes to a replica that lives.
                for phone in moved:
                    phone.url = second.url
                await late
                await moved[3].vote("1")
                await stay[1].vote("1")
                await lecturer.until(6)
                assert lecturer.shown() == (6, 6)
                await lecturer.reveal()
                await asyncio.gather(*(phone.until(lambda view: view["revealed"]) for phone in phones))
                assert [phone.view["right"] for phone in phones] == [1, 1, 0, 0, 1, 0]

    # Phones need no torch, and the first serves no page.
    with running(CONVSCOPE_REDIS_URL=redis_url, CONVSCOPE_WARM_UP_DELAY="600") as first:
        run_apart(act(first, in_redis))
