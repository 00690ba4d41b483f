"""Answers that are computed once for all visitors, also when many ask at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Once(Generic[P, R]):
    """A function whose last ``most`` answers are kept; who asks for one that is being computed waits for it.

    Errors are not kept.
    """

    def __init__(self, function: Callable[P, R], most: int) -> None:
        update_wrapper(self, function)
        self._function, self._most = function, most
        self._kept: OrderedDict[Hashable, R] = OrderedDict()
        self._busy: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        key = args, tuple(sorted(kwargs.items()))
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            lock = self._busy.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                if key in self._kept:
                    return self._kept[key]
            try:
                answer = self._function(*args, **kwargs)
                with self._guard:
                    self._kept[key] = answer
                    while len(self._kept) > self._most:
                        self._kept.popitem(last=False)
            finally:
                with self._guard:
                    self._busy.pop(key, None)
            return answer

    def cache_clear(self) -> None:
        """Forget all answers."""
        with self._guard:
            self._kept.clear()


def once(most: int) -> Callable[[Callable[P, R]], Once[P, R]]:
    """As ``functools.lru_cache(most)``; besides, a class that asks the same within a second computes it once."""
    return lambda function: Once(function, most)
