"""What a class costs the server: many visitors over Streamlit's own protocol, beside a bare script with six widgets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import Row, benchmark, percentile
from benchmarks.visitor import Visitor, visiting
from pages._lessons import LESSONS

SETTINGS = ("number_input", "slider", "selectbox", "radio", "button_group", "checkbox")
"""The widgets that a visitor of a class changes: no texts, and no buttons, which train networks."""

BARE = """
import streamlit as st

def page():
    shown = [st.slider("one", 0, 9, 3, key="one"), st.slider("two", 0, 9, 4, key="two")]
    shown += [st.number_input("three", 0, 9, 5, key="three"), st.number_input("four", 0, 9, 6, key="four")]
    shown += [st.selectbox("five", ["a", "b", "c"], key="five"), st.toggle("six", key="six")]
    st.text(repr(shown))

names = ["home", "first", "second"]
st.navigation([st.Page(page, title=name, url_path=name, default=name == "home") for name in names]).run()
"""


@dataclass
class Took:
    """Milliseconds of all visitors together, and what went wrong."""

    opened: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)
    turned: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def change_one(visitor: Visitor, rng: random.Random) -> float:
    """Change one setting of those that the page shows. Returns seconds; 0 if there is none."""
    widgets = [one for one in visitor.widgets if one.kind in SETTINGS]
    rng.shuffle(widgets)
    for widget in widgets:
        if (value := widget.another(visitor.value(widget), rng)) is not None:
            return await visitor.change(widget, value)
    return 0.0


async def one_visitor(
    url: str, number: int, start: float, pages: Sequence[str], changes: int, think: float, took: Took
):
    """Open a page, change its settings one by one; every fifth time go to another page instead."""
    rng = random.Random(number)
    await asyncio.sleep(start)
    try:
        async with visiting(url) as visitor:
            took.opened.append(1000 * await visitor.open(pages[number % len(pages)]))
            for at in range(1, changes + 1):
                await asyncio.sleep(think * rng.uniform(0.5, 1.5))
                if at % 5:
                    took.changed.append(1000 * await change_one(visitor, rng))
                else:
                    took.turned.append(1000 * await visitor.go(rng.choice(pages)))
            took.wrong += visitor.exceptions
    except (TimeoutError, ConnectionError, OSError) as error:
        took.wrong.append(repr(error))


async def whole_class(
    urls: Sequence[str], visitors: int, ramp: float, pages: Sequence[str], changes: int, think: float
) -> Took:
    """All visitors, the first at once and the last after ``ramp`` seconds, in turn at the servers of ``urls``."""
    took = Took()
    starts = [ramp * at / visitors for at in range(visitors)]
    each = (one_visitor(urls[i % len(urls)], i, at, pages, changes, think, took) for i, at in enumerate(starts))
    await asyncio.gather(*each)
    return took


async def hurry(url: str, visitors: int, pages: Sequence[str], changes: int, resident: Callable[[], int]) -> list[int]:
    """``changes`` changes without a pause, twice by the same visitors. Memory (bytes) before and after the second."""
    weighed = asyncio.Barrier(visitors)
    found: list[int] = []

    async def act(number: int) -> None:
        rng = random.Random(number)
        async with visiting(url) as visitor:
            await visitor.open(pages[number % len(pages)])
            for _ in range(2):
                for _ in range(changes // visitors):
                    await change_one(visitor, rng)
                if await weighed.wait() == 0:
                    found.append(resident())
                await weighed.wait()

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(900):
            await asyncio.gather(*(act(number) for number in range(visitors)))
    return found


def resident_bytes(process: int) -> int:
    """Memory that a process holds now (Linux)."""
    status = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(status.split("VmRSS:")[1].split()[0])


@benchmark(
    "A class: pages opened, settings changed, pages switched, over the websocket",
    goal="60 visitors: p95 of a change at most 2× the bare script's; 200: p95 of a change under 1 s; no exception in "
    "any answer; memory grows by less than 1 % over 1,000 changes",
    name="class",
)
def class_of_visitors(
    visitors: tuple[int, ...] = (60, 200),
    pages: tuple[str, ...] = tuple(one.url_path for one in LESSONS),
    changes: int = 10,
    think: float = 4.0,
    ramp: float = 10.0,
    memory: int = 1000,
    replicas: int = 1,
) -> list[Row]:
    """For each number of visitors: ``ramp`` seconds to come, ``changes`` each with ``think`` seconds between them.
    With several replicas each visitor stays with one, as behind the proxy of ``deploy/compose.yml``."""
    from benchmarks.browser import bare_server
    from tests.browser.support import running

    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        apps, bare = [stack.enter_context(running()) for _ in range(replicas)], stack.enter_context(bare_server(BARE))
        ours_at = [app.url for app in apps]
        for url, shown in (*((url, pages) for url in ours_at), (bare.url, ("first", "second"))):
            # What is loaded at the first visit is loaded now.
            asyncio.run(whole_class([url], len(shown), 0, shown, 2, 1.0))
        while any(json.loads(app.get("/health")[1])["device"] is None for app in apps):
            time.sleep(0.5)
        for many in visitors:
            theirs = asyncio.run(whole_class([bare.url], many, ramp, ("first", "second"), changes, think))
            ours = asyncio.run(whole_class(ours_at, many, ramp, pages, changes, think))
            for what, mine, base in (
                ("opened", ours.opened, theirs.opened),
                ("changed", ours.changed, theirs.changed),
                ("page switched", ours.turned, theirs.turned),
            ):
                for q in (50, 95) if mine and base else ():
                    value, bound = percentile(mine, q), percentile(base, q)
                    judged = what == "changed" and q == 95
                    met = (value <= 2 * bound if many <= 60 else value < 1000) if judged else None
                    rows.append(Row(f"{many} visitors: {what}, p{q} of {len(mine)}", value, bound, met=met))
            note = "; ".join(sorted({one.strip().splitlines()[0][:120] for one in ours.wrong})[:5])
            count = len(ours.wrong)
            rows.append(Row(f"{many} visitors: exceptions", count, unit="", met=count == 0, note=note))
        if memory:
            found = asyncio.run(hurry(apps[0].url, 8, pages, memory, lambda: resident_bytes(apps[0].process.pid)))
            what = f"memory over {memory} changes more"
            if len(found) == 2:
                before, after = found
                grown, note = 100 * (after - before) / before, f"{before / 2**20:.0f} → {after / 2**20:.0f} MiB"
                rows.append(Row(what, grown, unit="%", met=grown < 1, note=note))
            else:
                rows.append(Row(what, math.nan, unit="%", note="not done within a quarter of an hour"))
    return rows
