"""Answers that take a while, kept for all visitors who ask the same."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

T = TypeVar("T")


class Kept(Generic[T]):
    """The latest ``most`` answers, by question. For all sessions at once."""

    def __init__(self, most: int) -> None:
        self._answers: LRUCache[Hashable, T] = LRUCache(most)
        self._lock = Lock()

    def get(self, question: Hashable) -> T | None:
        with self._lock:
            return self._answers.get(question)

    def put(self, question: Hashable, answer: T) -> T:
        with self._lock:
            self._answers[question] = answer
        return answer

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()


REASONS: Kept[dict] = Kept(8)
"""What speaks for a class, by gradient and by Grad-CAM."""
COVERED: Kept[tuple] = Kept(8)
"""What covering place after place has shown."""
SANITY: Kept[dict] = Kept(8)
"""Pictures of each method while weights are drawn anew."""
CURVES: Kept[dict] = Kept(24)
"""Errors of a layer, and scores, motion by motion."""
