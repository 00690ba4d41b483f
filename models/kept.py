"""Answers that all visitors share, where a page shows its progress while it computes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

R = TypeVar("R")


class Kept(Generic[R]):
    """The latest answers, by question: ``most`` of them, or as many as have that ``size`` together. None is none."""

    def __init__(self, most: int, size: Callable[[R], int] | None = None) -> None:
        self._answers: LRUCache[Hashable, R] = LRUCache(most, size)
        self._lock = threading.Lock()

    def get(self, question: Hashable) -> R | None:
        with self._lock:
            return self._answers.get(question)

    def put(self, question: Hashable, answer: R) -> R:
        with self._lock:
            self._answers[question] = answer
        return answer
