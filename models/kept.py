"""Answers that all visitors share, where a page shows its progress while it computes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from cachetools import LRUCache

R = TypeVar("R")
S = TypeVar("S")


@dataclass
class _Work(Generic[R]):
    """An answer in the making: the latest step, the how manieth it is, and how many visitors wait."""

    steps: Iterator[R]
    latest: R | None = None
    made: int = 0
    waiting: int = 0
    error: Exception | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def after(self, seen: int) -> tuple[int, R] | None:
        """The number of the latest step, and the step, if it comes after so many: the next is made if nobody has."""
        if self.error:
            raise self.error
        if self.made == seen:
            try:
                self.latest = next(self.steps)
            except StopIteration:
                return None
            except Exception as error:
                self.error = error
                raise
            self.made += 1
        return self.made, cast(R, self.latest)


class Kept(Generic[R]):
    """The latest answers, by question: ``most`` of them, or as many as have that ``size`` together. None is none."""

    def __init__(self, most: int, size: Callable[[R], int] | None = None) -> None:
        self._answers: LRUCache[Hashable, R] = LRUCache(most, size)
        self._work: dict[Hashable, _Work[Any]] = {}
        self._lock = threading.Lock()

    def get(self, question: Hashable) -> R | None:
        with self._lock:
            return self._answers.get(question)

    def put(self, question: Hashable, answer: R) -> R:
        with self._lock, suppress(ValueError):  # an answer may be larger than all that is kept
            self._answers[question] = answer
        return answer

    def made(self, question: Hashable, make: Callable[[], R]) -> R:
        """The answer, made now if it is not kept."""
        answer = self.get(question)
        return self.put(question, make()) if answer is None else answer

    def follow(self, question: Hashable, begin: Callable[[], Iterator[R | S]]) -> Iterator[R | S]:
        """The steps that lead to an answer; the last is the answer, and is kept. A hall that asks the same at once
        shares them: each step is made once, by who wants it first, and anybody may leave at any time.

        Raises what a step raises, to all who wait for it.
        """
        with self._lock:
            known = self._answers.get(question)
            work = self._work.setdefault(question, _Work(begin() if known is None else iter((known,))))
            work.waiting += 1
        seen = 0
        try:
            while True:
                with work.turn:
                    found = work.after(seen)
                if found is None:
                    break
                seen, step = found
                yield step
            if work.latest is not None:
                self.put(question, work.latest)
        finally:
            with self._lock:
                work.waiting -= 1
                if not work.waiting:
                    self._work.pop(question, None)
