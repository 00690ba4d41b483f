"""A phone in a room, and a lecturer who asks: what a browser does there, for benchmarks and tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from benchmarks.visitor import Visitor


@dataclass
class Phone:
    """Speaks to ``rooms/`` as the ballot does (``viz/components/ballot``). ``url``: of the server."""

    url: str
    code: str
    visitor: str = ""
    view: dict[str, Any] = field(default_factory=dict)
    came: dict[int, float] = field(default_factory=dict)
    """When each question was there, by its number."""
    went: str | None = None
    """Where it has followed to last."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def ask(self, act: str, **said: Any) -> tuple[int, dict[str, Any]]:
        """Status and answer of one request. Raises ``OSError`` where there is no server."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            body = json.dumps({"code": self.code, "visitor": self.visitor} | said).encode()
            head = f"POST {parts.path}/rooms/{act} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head:
            raise ConnectionError("the server hung up")
        return int(head.split()[1]), json.loads(body)

    async def join(self) -> None:
        status, said = await self.ask("join")
        if status != 200:
            raise RuntimeError(said["error"])
        self.visitor = said["visitor"]

    async def wait(self) -> None:
        """Wait for what is new, for good; a lost connection is made again. Runs beside everything else."""
        while True:
            try:
                status, said = await self.ask("look", seen=self.view.get("version", 0))
            except (OSError, ValueError):
                await asyncio.sleep(0.2)
                continue
            if status == 200:
                async with self.changed:
                    self.view = said
                    self.came.setdefault(said["round"], time.perf_counter())
                    self.changed.notify_all()
            else:
                await asyncio.sleep(0.5)

    async def until(self, shown: Any, seconds: float = 60) -> None:
        """Wait until the view is one for which ``shown`` says so."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: shown(self.view))

    async def follow(self, visitor: Visitor, apart: float) -> None:
        """Go to each page that the lecturer shows, for good, some time within ``apart`` × what the room asks for."""
        while True:
            await self.until(lambda view: view.get("page") not in (None, self.went), 3600)
            await asyncio.sleep(apart * self.view["spread"])
            page = self.view["page"]
            await visitor.use(visitor.find("ballot"), "go", {"page": page, "n": self.view["version"]}, trigger=True)
            self.went = page

    async def vote(self, answer: str) -> float:
        """Send an answer until it is heard. Returns when it was sent first."""
        sent = time.perf_counter()
        while True:
            with contextlib.suppress(OSError, ValueError):
                status, said = await self.ask("vote", round=self.view["round"], answer=answer)
                if status == 200:
                    return sent
                if status < 500:
                    raise RuntimeError(said["error"])
            await asyncio.sleep(0.2)


@dataclass
class Lecturer:
    """A visitor whose page asks a room. ``seen``: when its screen showed which number of answers first."""

    visitor: Visitor
    seen: dict[int, float] = field(default_factory=dict)

    @property
    def room(self) -> str:
        """The room's key, from the link."""
        return re.search(r"room=([\w-]+)", self.visitor.query)[1]

    @property
    def code(self) -> str:
        return self.room.partition("-")[0]

    async def open(self, page: str, query: str = "") -> None:
        await self.visitor.open(page, query)

    async def ask(self) -> None:
        """Ask the room the question on screen; opens a room first, if there is none."""
        await self.visitor.change(self.visitor.find("ask_room"), True)
        self.seen.clear()

    async def lead(self) -> None:
        """Let the phones follow."""
        await self.visitor.change(self.visitor.find("room_code"), True)
        await self.visitor.change(self.visitor.find("room_follow"), True)

    async def next(self) -> None:
        await self.visitor.change(self.visitor.find("next_question"), True)

    async def reveal(self) -> None:
        await self.visitor.change(self.visitor.find("reveal"), True)

    def shown(self) -> tuple[int, int] | None:
        """What the screen says: how many have answered, of how many."""
        for _, node in sorted(self.visitor.nodes.items()):
            if node.kind == "markdown" and (found := re.search(r"\*\*(\d+)\*\* of (\d+) answered", node.message.body)):
                return int(found[1]), int(found[2])
        return None

    async def watch(self) -> None:
        """Let the page look at the votes as often as it asks for, for good. Runs beside everything else."""
        visitor = self.visitor
        while True:
            for fragment in list(visitor.repeats):
                await visitor.repeat(fragment)
                if (now := self.shown()) is not None:
                    self.seen.setdefault(now[0], time.perf_counter())
            await asyncio.sleep(min(visitor.repeats.values(), default=0.05))

    async def until(self, answered: int, seconds: float = 60) -> None:
        """Wait until the screen shows so many answers."""
        async with asyncio.timeout(seconds):
            while answered not in self.seen:
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def beside(*tasks: Any):
    """Run these while the block runs; what one of them raises is raised at the end."""
    running = [asyncio.create_task(one) for one in tasks]
    try:
        yield
    finally:
        failed = [one.exception() for one in running if one.done() and one.exception()]
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if failed:
            raise failed[0]
