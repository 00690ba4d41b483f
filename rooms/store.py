"""Where rooms are kept: named tables of texts that end by themselves. Here in this process; ``shared.py``: in Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

LIFE = 4 * 3600
"""Seconds that a table is kept after it was written last."""
MOST_ROOMS = 100


class Full(Exception):
    """There is no room for one more."""


class Store(Protocol):
    """Tables of fields → texts. Each call is atomic."""

    def create(self, name: str, fields: Mapping[str, str]) -> bool:
        """A new table; False if there is one of this name, ``Full`` if there are ``MOST_ROOMS`` made like this."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """End tables, whether they are there or not."""
        ...

    def read(self, name: str) -> dict[str, str]:
        """All fields; none where there is no such table."""
        ...

    def field_of(self, names: Iterable[str], field: str) -> list[str | None]:
        """The same field of several tables."""
        ...

    def write(self, name: str, fields: Mapping[str, str], *, bump: str = "") -> None:
        """Set fields of a table that there is; ``bump`` names a counter that goes up by one."""
        ...

    def add(self, name: str, field: str, text: str, most: int) -> bool:
        """Set a field once, in a table that need not be there; False if it has a text, ``Full`` if ``most`` have."""
        ...


class Local:
    """A store in this process: gone with it."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, str]] = {}
        self._ends: dict[str, float] = {}
        self._made: set[str] = set()
        self._lock = threading.Lock()

    def _there(self, name: str) -> dict[str, str] | None:
        return self._tables.get(name) if self._ends.get(name, 0) > time.monotonic() else None

    def _sweep(self) -> None:
        now = time.monotonic()
        for name in [name for name, end in self._ends.items() if end <= now]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._made.discard(name)
        self._ends.pop(name, None)
        self._tables.pop(name, None)

    def _keep(self, name: str) -> None:
        self._ends[name] = time.monotonic() + LIFE

    def create(self, name: str, fields: Mapping[str, str]) -> bool:
        with self._lock:
            self._sweep()
            if name in self._tables:
                return False
            if len(self._made) >= MOST_ROOMS:
                raise Full
            self._tables[name] = dict(fields)
            self._made.add(name)
            self._keep(name)
            return True

    def delete(self, names: Iterable[str]) -> None:
        with self._lock:
            for name in names:
                self._drop(name)

    def read(self, name: str) -> dict[str, str]:
        with self._lock:
            return dict(self._there(name) or {})

    def field_of(self, names: Iterable[str], field: str) -> list[str | None]:
        with self._lock:
            return [(self._there(name) or {}).get(field) for name in names]

    def write(self, name: str, fields: Mapping[str, str], *, bump: str = "") -> None:
        with self._lock:
            if (table := self._there(name)) is None:
                return
            table.update(fields)
            if bump:
                table[bump] = str(int(table.get(bump, 0)) + 1)
            self._keep(name)

    def add(self, name: str, field: str, text: str, most: int) -> bool:
        with self._lock:
            table = self._there(name)
            if table is None:
                table = self._tables[name] = {}
            if field in table:
                return False
            if len(table) >= most:
                raise Full
            table[field] = text
            self._keep(name)
            return True
