"""A room of phones: from an answer to the number on the projector, over the real protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import Row, benchmark, percentile
from benchmarks.phone import Lecturer, Phone, beside
from benchmarks.visitor import Visitor, visiting
from rooms.room import cell_at

PAGE = "transposed"


@dataclass
class Took:
    """Seconds, and what went wrong. seen: from each vote to the screen that shows it. heard: from each question to each
    phone that shows it. led: as ``seen``, while all phones follow the lecturer to the question's page."""

    seen: list[float] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)
    led: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def class_in_a_room(url: str, many: int, questions: int, within: float) -> Took:
    """Each phone has its page open, as a browser has, and answers within so many seconds."""
    rng, took = random.Random(many), Took()
    async with contextlib.AsyncExitStack() as stack:
        lecturer = Lecturer(await stack.enter_async_context(visiting(url)))
        await lecturer.open(PAGE)
        await lecturer.ask()
        phones = [Phone(url, lecturer.code) for _ in range(many)]

        async def come(phone: Phone) -> Visitor:
            await asyncio.sleep(10 * rng.random())
            visitor = await stack.enter_async_context(visiting(url))
            await visitor.open("room", f"room={lecturer.code}")
            await phone.join()
            return visitor

        async def answer(phone: Phone, number: int, start: float) -> float:
            await phone.until(lambda view: view.get("round") == number)
            took.heard.append(phone.came[number] - start)
            await asyncio.sleep(within * rng.random())
            rows, columns = phone.view["cells"] or (1, 1)
            told = cell_at(rng.randrange(rows), rng.randrange(columns)) if phone.view["cells"] else "1"
            return await phone.vote(rng.choice(phone.view["options"] or (told,)))

        async def answered(number: int, start: float) -> list[float]:
            sent = sorted(await asyncio.gather(*(answer(phone, number, start) for phone in phones)))
            await lecturer.until(many)
            await lecturer.reveal()
            first = lecturer.seen.items()
            return [min(when for count, when in first if count >= rank) - at for rank, at in enumerate(sent, 1)]

        visitors = await asyncio.gather(*map(come, phones))
        follow = [phone.follow(visitor, rng.random()) for phone, visitor in zip(phones, visitors, strict=True)]
        async with beside(lecturer.watch(), *(phone.wait() for phone in phones), *follow):
            took.seen += await answered(1, time.perf_counter())
            took.heard.clear()
            for number in range(2, questions + 2):
                if number == questions + 1:
                    await lecturer.lead()
                    while not all(phone.went for phone in phones):
                        await asyncio.sleep(0.1)
                await lecturer.next()
                start = time.perf_counter()
                await lecturer.ask()
                (took.led if number == questions + 1 else took.seen).extend(await answered(number, start))
        took.wrong += [wrong for one in (lecturer.visitor, *visitors) for wrong in one.exceptions]
    return took


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
def room(phones: tuple[int, ...] = (40, 200), questions: int = 2, within: float = 10.0) -> list[Row]:
    """For each number of phones: so many questions and one that they follow, each answered by all within seconds."""
    from tests.browser.support import running

    rows: list[Row] = []
    ways = {"in the process": contextlib.nullcontext} | ({"in Redis": _redis} if shutil.which("redis-server") else {})
    for way, around in ways.items():
        with around(), running() as app:
            asyncio.run(class_in_a_room(app.url, 2, 1, 0))  # what is loaded at the first visit is loaded now
            for many in phones:
                took = asyncio.run(class_in_a_room(app.url, many, questions, within))
                for what, values in (
                    ("vote to screen", took.seen),
                    ("question to phone", took.heard),
                    ("vote to screen while all follow", took.led),
                ):
                    for q in (50, 95) if values else ():
                        value = 1000 * percentile(values, q)
                        met = value < 1000 if values is not took.heard and q == 95 else None
                        rows.append(Row(f"{many} phones, {way}: {what}, p{q} of {len(values)}", value, met=met))
                note = "; ".join(sorted({one.strip().splitlines()[0][:120] for one in took.wrong})[:5])
                count = len(took.wrong)
                rows.append(Row(f"{many} phones, {way}: exceptions", count, unit="", met=count == 0, note=note))
    return rows
