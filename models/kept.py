"""Answers that all visitors share, where a page shows its progress while it computes them."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

R = TypeVar("R")


class Kept(Generic[R]):
    """The latest ``most`` answers, by question. None is no answer."""

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
