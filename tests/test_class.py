"""A small class over Streamlit's own protocol: whatever eight visitors do, no answer carries a traceback."""

import asyncio
import random

import pytest

from benchmarks.visitor import Visitor, Widget, visiting
from pages._lessons import LESSONS
from tests.browser.support import running

VISITORS = 8
OF_A_KIND = 2
"""So many widgets of each kind does a visitor change on each part of a page."""
LATE = 3
"""So many late requests come after each change that took widgets away."""

SLOW = ("of", "trace_all", "fm_network")
"""These load or walk through whole networks: minutes for the eight, and nothing that the protocol sees."""


@pytest.fixture(scope="module")
def server():
    with running() as one:
        yield one


async def parts_of(url: str, page: str) -> list[str]:
    """The parts that a page can be switched to; one empty name for a page without."""
    async with visiting(url) as visitor:
        await visitor.open(page)
        found = [one for one in visitor.widgets if one.key == "part"]
        assert not visitor.exceptions, f"/{page}: {visitor.exceptions[0]}"
        return found[0].options if found else [""]


def picked(visitor: Visitor, rng: random.Random) -> list[Widget]:
    """Some widgets of each kind."""
    kinds: dict[str, list[Widget]] = {}
    for widget in visitor.widgets:
        if widget.key not in ("part", *SLOW):
            kinds.setdefault(widget.kind, []).append(widget)
    return [one for many in kinds.values() for one in rng.sample(many, min(OF_A_KIND, len(many)))]


async def visit(url: str, page: str, part: str, seed: int) -> list[str]:
    """Use some widgets of each kind on one part of a page, and send late what has gone. Returns what went wrong."""
    rng, did = random.Random(seed), [f"/{page} {part}"]
    async with visiting(url) as visitor:
        await visitor.open(page)
        if part:
            await visitor.change(visitor.find("part"), [part])
        for widget in picked(visitor, rng):
            widget = visitor.now(widget)
            value = widget and widget.another(visitor.value(widget), rng)
            if value is None or visitor.exceptions:
                continue
            before = visitor.widgets
            did.append(f"{widget.key or widget.label} = {value}")
            await visitor.change(widget, value)
            for late in [one for one in before if visitor.now(one) is None][:LATE]:
                if (value := late.another(visitor.value(late), rng)) is not None and not visitor.exceptions:
                    did.append(f"late: {late.key or late.label} = {value}")
                    if await visitor.send(late, value):
                        await visitor.settled(quiet=0.1)
        return [" → ".join(did) + "\n" + wrong for wrong in visitor.exceptions]


def test_no_answer_to_a_class_carries_an_exception(server):
    async def whole_class() -> list[str]:
        found = await asyncio.gather(*(parts_of(server.url, one.url_path) for one in LESSONS))
        places = [(one.url_path, part) for one, parts in zip(LESSONS, found, strict=True) for part in parts]
        todo, wrong = [("", ""), *places], []
        assert len(todo) > len(LESSONS)

        async def visitor(number: int) -> None:
            while todo:
                page, part = todo.pop()
                wrong.extend(await visit(server.url, page, part, seed=number))

        await asyncio.gather(*(visitor(number) for number in range(VISITORS)))
        return wrong

    wrong = asyncio.run(whole_class())
    assert not wrong, f"{len(wrong)} answers carried an exception; the first:\n{wrong[0]}"
