"""A room of phones: from an answer to the number on the projector, over the real protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks import Row, benchmark, percentile
from benchmarks.phone import Lecturer, Phone, beside
from benchmarks.visitor import visiting

PAGE = "transposed"


async def class_in_a_room(url: str, many: int, questions: int, within: float) -> tuple[list[float], list[float], list]:
    """Seconds from each vote to the screen that shows it, and from each question to each phone that shows it; and what
    went wrong. Each phone has its page open, as a browser has, and answers within ``within`` seconds."""
    rng, took, heard, wrong = random.Random(many), [], [], []
    async with contextlib.AsyncExitStack() as stack:
        lecturer = Lecturer(await stack.enter_async_context(visiting(url)))
        await lecturer.open(PAGE)
        await lecturer.ask()
        phones = [Phone(url, lecturer.code) for _ in range(many)]

        async def come(phone: Phone) -> None:
            await asyncio.sleep(10 * rng.random())
            visitor = await stack.enter_async_context(visiting(url))
            await visitor.open("room", f"room={lecturer.code}")
            wrong.extend(visitor.exceptions)
            await phone.join()

        await asyncio.gather(*map(come, phones))
        async with beside(lecturer.watch(), *(phone.wait() for phone in phones)):
            for number in range(1, questions + 1):
                if number > 1:
                    await lecturer.next()
                    start = time.perf_counter()
                    await lecturer.ask()

                async def answer(phone: Phone, number: int = number) -> float:
                    await phone.until(lambda view: view.get("round") == number)
                    if number > 1:
                        heard.append(time.perf_counter() - start)  # noqa: B023
                    await asyncio.sleep(within * rng.random())
                    return await phone.vote(rng.choice(phone.view["options"]))

                sent = sorted(await asyncio.gather(*map(answer, phones)))
                await lecturer.until(many)
                for rank, at in enumerate(sent, 1):
                    took.append(min(when for count, when in lecturer.seen.items() if count >= rank) - at)
                await lecturer.reveal()
        wrong += lecturer.visitor.exceptions
    return took, heard, wrong


@contextlib.contextmanager
def _redis():
    from tests.rooms.conftest import start_redis

    with tempfile.TemporaryDirectory() as folder:
        process, url = start_redis(Path(folder))
        os.environ["CONVSCOPE_REDIS_URL"] = url
        try:
            yield
        finally:
            del os.environ["CONVSCOPE_REDIS_URL"]
            process.terminate()
            process.wait()


@benchmark(
    "A room: from an answer on a phone to the projector",
    goal="200 phones in one room: a vote is seen within 1 s at p95, in the process and with Redis",
)
def room(phones: tuple[int, ...] = (40, 200), questions: int = 3, within: float = 10.0) -> list[Row]:
    """For each number of phones: so many questions, each answered by all within ``within`` seconds."""
    from tests.browser.support import running

    rows: list[Row] = []
    ways = {"in the process": contextlib.nullcontext} | ({"in Redis": _redis} if shutil.which("redis-server") else {})
    for way, around in ways.items():
        with around(), running() as app:
            asyncio.run(class_in_a_room(app.url, 2, 1, 0))  # what is loaded at the first visit is loaded now
            for many in phones:
                took, heard, wrong = asyncio.run(class_in_a_room(app.url, many, questions, within))
                for what, values in (("vote to screen", took), ("question to phone", heard)):
                    for q in (50, 95) if values else ():
                        value = 1000 * percentile(values, q)
                        met = value < 1000 if what == "vote to screen" and q == 95 else None
                        rows.append(Row(f"{many} phones, {way}: {what}, p{q} of {len(values)}", value, met=met))
                rows.append(Row(f"{many} phones, {way}: exceptions", len(wrong), unit="", met=not wrong))
    return rows
