"""How often something may be tried. Who tries is kept as a hash for a minute, made with a key that dies with the
process."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time

from cachetools import TTLCache

MINUTE = 60
_KEY = secrets.token_bytes(16)


class Limit:
    """At most ``each`` a minute for one who tries, and ``together`` for all."""

    def __init__(self, each: int, together: int) -> None:
        self.each, self.together = each, together
        self._tried: TTLCache = TTLCache(10_000, MINUTE)
        self._lock = threading.Lock()

    def _counts(self, who: str) -> tuple[tuple, tuple]:
        minute = int(time.monotonic() // MINUTE)
        return (minute, hashlib.blake2b(who.encode(), key=_KEY, digest_size=8).digest()), (minute,)

    def reached(self, who: str) -> bool:
        """Whether no more may be tried in this minute."""
        with self._lock:
            one, all_ = (self._tried.get(name, 0) for name in self._counts(who))
        return one >= self.each or all_ >= self.together

    def count(self, who: str) -> None:
        """One was tried."""
        with self._lock:
            for name in self._counts(who):
                self._tried[name] = self._tried.get(name, 0) + 1
