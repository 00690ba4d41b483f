"""Answers that are computed once for all visitors, also when many ask at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar

from cachetools import LRUCache

P = ParamSpec("P")
R = TypeVar("R")


class Kept(Generic[R]):
    """The latest ``most`` answers, by question, for all visitors. None is no answer."""

    def __init__(self, most: int) -> None:
        self._answers: LRUCache[Hashable, R] = LRUCache(most)
        self._lock = threading.Lock()

    def get(self, question: Hashable) -> R | None:
        with self._lock:
            return self._answers.get(question)

    def put(self, question: Hashable, answer: R) -> R:
        with self._lock:
            self._answers[question] = answer
        return answer

    def cache_clear(self) -> None:
        """Forget all answers."""
        with self._lock:
            self._answers.clear()


class Once(Kept[R], Generic[P, R]):
    """A function whose last ``most`` answers are kept; who asks for one that is being computed waits for it.

    Errors are not kept.
    """

    def __init__(self, function: Callable[P, R], most: int) -> None:
        super().__init__(most)
        update_wrapper(self, function)
        self._function = function
        self._busy: dict[Hashable, threading.Lock] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        question = args, tuple(sorted(kwargs.items()))
        with self._lock:
            if (answer := self._answers.get(question)) is not None:
                return answer
            busy = self._busy.setdefault(question, threading.Lock())
        with busy:
            if (answer := self.get(question)) is not None:
                return answer
            try:
                return self.put(question, self._function(*args, **kwargs))
            finally:
                with self._lock:
                    self._busy.pop(question, None)


def once(most: int) -> Callable[[Callable[P, R]], Once[P, R]]:
    """As ``functools.lru_cache(most)``; besides, a class that asks the same within a second computes it once."""
    return lambda function: Once(function, most)
