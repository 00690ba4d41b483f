"""A small class over Streamlit's own protocol: whatever eight visitors do, no answer carries a traceback."""

import asyncio
import contextlib
import random

import pytest

from benchmarks.visitor import Visitor, Widget, visiting
from pages._lessons import LESSONS
from tests.browser.support import run_apart, running

VISITORS = 8
PATIENCE = 300
"""Seconds for an answer: eight who compute at once, on a machine that has other work too."""
LATE = 3
"""So many late requests come after each change that took widgets away."""

SLOW = ("of", "trace_all", "fm_network")
"""These load or walk through whole networks: minutes for the eight, and nothing that the protocol sees."""


@pytest.fixture(scope="module")
def server():
    with running() as one:
        yield one


def picked(visitor: Visitor, rng: random.Random) -> list[Widget]:
    """A widget of each kind that the page shows."""
    kinds: dict[str, list[Widget]] = {}
    for widget in visitor.widgets:
        if widget.key not in SLOW:
            kinds.setdefault(widget.kind, []).append(widget)
    return [rng.choice(many) for many in kinds.values()]


async def visit(url: str, page: str, seed: int) -> list[str]:
    """Use a widget of each kind on a page, and send late what has gone. Returns what went wrong."""
    rng, did = random.Random(seed), [f"/{page}"]
    async with visiting(url, PATIENCE) as visitor:
        await visitor.open(page)
        for widget in picked(visitor, rng):
            widget = visitor.now(widget)
            value = widget and widget.another(visitor.value(widget), rng)
            if value is None or visitor.exceptions:
                continue
            before = visitor.widgets
            did.append(f"{widget.key or widget.label} = {value}")
            try:
                await visitor.change(widget, value)
            except TimeoutError:
                visitor.exceptions.append("TimeoutError: no answer")
            gone = [one for one in before if visitor.now(one) is None]
            for late in rng.sample(gone, min(LATE, len(gone))):
                # One at a time: together they would bring along what each other's callback reads.
                if (value := late.another(visitor.value(late), rng)) is not None:
                    did.append(f"late: {late.key or late.label} = {value}")
                    begun = visitor.begun
                    if await visitor.send(late, value):
                        with contextlib.suppress(TimeoutError):  # The server drops what belongs to a gone fragment.
                            await asyncio.wait_for(visitor.answered(begun), 1)
        assert len(did) > 1, f"nothing could be changed on /{page}"
        return [" → ".join(did) + "\n" + wrong for wrong in visitor.exceptions]


def test_no_answer_to_a_class_carries_an_exception(server):
    async def whole_class() -> list[str]:
        todo, wrong = list(enumerate(["", *(one.url_path for one in LESSONS)])), []

        async def visitor() -> None:
            while todo:
                seed, page = todo.pop()
                wrong.extend(await visit(server.url, page, seed))

        await asyncio.gather(*(visitor() for _ in range(VISITORS)))
        return wrong

    wrong = run_apart(whole_class())
    assert not wrong, f"{len(wrong)} answers carried an exception; the first:\n{wrong[0]}"
