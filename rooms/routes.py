"""What phones ask of the server, each a POST of a small JSON object below ``rooms/``:

* ``join`` ``{code}`` → ``{code, visitor}``
* ``look`` ``{code, visitor, seen}`` → what :meth:`rooms.room.Rooms.look` says, once its version is not ``seen`` any
  more, or ``PATIENCE`` seconds later
* ``vote`` ``{code, visitor, round, answer}`` → ``{}``

What goes wrong is ``{error}``, one sentence. A phone that waits holds a connection: no run, no thread.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from rooms.here import rooms
from rooms.room import RoomError, code_of

LARGEST = 4096
"""Bytes of what a phone may say."""
PATIENCE = 25.0
"""Seconds; proxies end what is silent for longer than half a minute."""
EVERY = 0.15
"""Seconds between two looks at the rooms that somebody waits for."""

stopping = threading.Event()
"""Set once the server is told to stop: before it does it waits for every answer, so nobody is kept waiting any more."""


class Waiting:
    """Wakes those who wait for something new, all rooms with one task: it also sees what other replicas have done."""

    def __init__(self, version: Callable[[str], int]) -> None:
        self._version = version
        self._waiters: dict[str, dict[str, tuple[int, asyncio.Event]]] = {}
        self._task: asyncio.Task | None = None

    async def beyond(self, seen: int, code: str, visitor: str) -> None:
        """Return when the room's version is not ``seen``, when the same visitor asks again, when the server stops, or
        after ``PATIENCE``."""
        here, woken = self._waiters.setdefault(code, {}), asyncio.Event()
        if before := here.get(visitor):
            before[1].set()
        here[visitor] = mine = seen, woken
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            await asyncio.wait_for(woken.wait(), PATIENCE)
        except TimeoutError:
            pass
        finally:
            if here.get(visitor) is mine:
                del here[visitor]

    async def _watch(self) -> None:
        while self._waiters:
            await asyncio.sleep(EVERY)
            for code, here in list(self._waiters.items()):
                if not here:
                    del self._waiters[code]
                    continue
                try:
                    now = await run_in_threadpool(self._version, code)
                except RoomError:
                    now = None
                for seen, woken in list(here.values()):
                    if stopping.is_set() or now not in (None, seen):
                        woken.set()


def who(peer: str, forwarded: str) -> str:
    """The address that asks: the peer, or behind a proxy of this network the one that the proxy names last in
    ``X-Forwarded-For``."""
    try:
        inside = ipaddress.ip_address(peer).is_private
    except ValueError:
        inside = True
    return forwarded.rpartition(",")[2].strip()[:60] or peer if inside else peer


async def _said(request: Request) -> dict[str, Any]:
    """The object that a phone sent."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise RoomError("This is too much for an answer: choose one of those on screen.", 413)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise RoomError("This was not understood: reload the page.")
    return said


def _part(said: dict[str, Any], name: str, kind: type) -> Any:
    value = said.get(name)
    if type(value) is not kind:
        raise RoomError("This was not understood: reload the page.")
    return value


def routes(bases: Iterable[str] = ("",)) -> list[Route]:
    """For the server, below each of these paths."""
    waiting = Waiting(lambda code: rooms().version(code))

    async def join(request: Request) -> dict[str, Any]:
        code = _part(await _said(request), "code", str)
        address = who(request.client.host if request.client else "", request.headers.get("x-forwarded-for", ""))
        visitor = await run_in_threadpool(lambda: rooms().join(code, address))
        return {"code": code_of(code), "visitor": visitor}

    async def look(request: Request) -> dict[str, Any]:
        said = await _said(request)
        code, visitor, seen = _part(said, "code", str), _part(said, "visitor", str), _part(said, "seen", int)
        found = await run_in_threadpool(lambda: rooms().look(code, visitor))
        if found["version"] == seen:
            await waiting.beyond(seen, code, visitor)
            found = await run_in_threadpool(lambda: rooms().look(code, visitor))
        return found

    async def vote(request: Request) -> dict[str, Any]:
        said = await _said(request)
        texts = [_part(said, name, str) for name in ("code", "visitor", "answer")]
        number = _part(said, "round", int)
        await run_in_threadpool(lambda: rooms().vote(*texts[:2], number, texts[2]))
        return {}

    def route(act: Callable, path: str) -> Route:
        async def answer(request: Request) -> JSONResponse:
            try:
                return JSONResponse(await act(request), headers={"Cache-Control": "no-store"})
            except RoomError as error:
                return JSONResponse({"error": error.sentence}, error.status)

        return Route(path, answer, methods=["POST"])

    acts = {"join": join, "look": look, "vote": vote}
    return [route(act, f"/{base}/rooms/{name}".replace("//", "/")) for base in bases for name, act in acts.items()]
