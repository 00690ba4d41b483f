"""A prepared run: pages with titles, in an order, as text that travels in a link or in a file."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.errors import FileError
from models.filed import read_json
from models.text import big, quoted

MOST = 60
"""Steps of one run."""

LONGEST_TITLE, LONGEST_PAGE = 100, 4_000
"""Characters of a step's title and of its page with its settings."""

LARGEST_FILE = 400_000
"""Bytes, of a file and of what a link unpacks to."""


@dataclass(frozen=True)
class Step:
    """One step. page: its address below the app's, with its settings: ``playground?kernel_size=2``."""

    title: str
    page: str

    @property
    def path(self) -> str:
        return self.page.partition("?")[0]


def pack(steps: Sequence[Step]) -> str:
    """The run as one word for a link: JSON, zlib, base64 for URLs without its padding."""
    plain = json.dumps(list(map(asdict, steps)), separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(zlib.compress(plain.encode(), 9)).decode().rstrip("=")


def unpack(text: str, pages: Container[str]) -> tuple[Step, ...]:
    """The inverse of :func:`pack`.

    Args:
        pages: the addresses that there are.

    Raises:
        FileError: one sentence, for anything else.
    """
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        # A small text may unpack to gigabytes.
        plain = zlib.decompressobj().decompress(packed, LARGEST_FILE)
        rows = json.loads(plain)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise FileError(f"{quoted(text)} is no prepared run: copy the whole link, or open the run's file.") from None
    return _steps(rows, pages)


def write_file(steps: Sequence[Step]) -> str:
    """The run as JSON, which can be edited by hand."""
    tree = {"convscope_run": 1, "steps": list(map(asdict, steps))}
    return json.dumps(tree, indent=1, ensure_ascii=False)


def read_file(data: bytes, pages: Container[str]) -> tuple[Step, ...]:
    """The inverse of :func:`write_file`.

    Raises:
        FileError: one sentence, for files that are too large, not JSON, not ours, or that lead to no page.
    """
    tree = read_json(data, LARGEST_FILE)
    if not isinstance(tree, dict) or tree.get("convscope_run") != 1:
        raise FileError("The file is no prepared run: choose one that was downloaded here.")
    return _steps(tree.get("steps"), pages)


def _steps(rows: Any, pages: Container[str]) -> tuple[Step, ...]:
    if not isinstance(rows, list):
        raise FileError("A prepared run is a list of steps; here there is none.")
    if len(rows) > MOST:
        raise FileError(f"The run has {big(len(rows))} steps: at most {MOST} are read.")
    return tuple(_step(number, row, pages) for number, row in enumerate(rows, 1))


def _step(number: int, row: Any, pages: Container[str]) -> Step:
    title, page = (row.get(name) if isinstance(row, dict) else None for name in ("title", "page"))
    if not isinstance(title, str) or not isinstance(page, str):
        raise FileError(f"Step {number} needs a title and a page, both as text.")
    if len(page) > LONGEST_PAGE:
        raise FileError(f"The page of step {number} has {big(len(page))} characters: at most {big(LONGEST_PAGE)}.")
    step = Step(title.strip()[:LONGEST_TITLE] or f"Step {number}", page.lstrip("/"))
    if step.path not in pages:
        raise FileError(f"Step {number} leads to {quoted(step.path)}, which is no page here.")
    return step
