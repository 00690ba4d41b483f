"""Who waits for whom on this server: those who measure times or train, one by one, and the runs of all pages."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from models.text import plural

T = TypeVar("T")


@dataclass(frozen=True)
class Waiting:
    """Others come first: so many."""

    ahead: int

    def told(self, doing: str) -> str:
        """What a bar says meanwhile, and once it is one's turn."""
        return f"{plural(self.ahead, 'visitor')} before you …" if self.ahead else f"{doing} …"


class Turns:
    """So many at a time, in the order in which they came.

    ``longest``: seconds. Who takes longer goes on beside the others, and leaves the place to the next.
    """

    def __init__(self, places: int = 1, longest: float = inf) -> None:
        self._places, self._longest = places, longest
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._since: dict[threading.Event, float] = {}

    def wait(self, step: float = 0.2) -> Generator[Waiting]:
        """Until it is one's turn, how many are ahead, every ``step`` seconds; the turn ends when this is closed.

        Iterate over it, and close it once the work is done: after the last answer it is one's turn.
        """
        me = threading.Event()
        with self._lock:
            self._waiting.append(me)
            self._serve()
        try:
            while ahead := self._ahead(me):
                yield Waiting(ahead)
                me.wait(step)
            yield Waiting(0)
        finally:
            with self._lock:
                if self._since.pop(me, None) is None:
                    self._waiting.remove(me)
                self._serve()

    @contextmanager
    def turn(self) -> Generator[None]:
        """Wait without a word; the turn ends with the block."""
        mine = self.wait()
        try:
            for state in mine:
                if not state.ahead:
                    break
            yield
        finally:
            mine.close()

    def _ahead(self, me: threading.Event) -> int:
        with self._lock:
            self._serve()
            return 0 if me in self._since else 1 + self._waiting.index(me)

    def _serve(self) -> None:
        now = time.monotonic()
        room = self._places - sum(now - since < self._longest for since in self._since.values())
        for _ in range(min(room, len(self._waiting))):
            first = self._waiting.popleft()
            self._since[first] = now
            first.set()


_turns = Turns()


def in_turn(work: Callable[[], Generator[T]]) -> Generator[Waiting | T]:
    """First how many who measure times or train on this server are ahead, while there are others; then what ``work``
    yields. Close it to stop."""
    mine = _turns.wait()
    try:
        for state in mine:
            yield state
            if not state.ahead:
                break
        yield from work()
    finally:
        mine.close()
