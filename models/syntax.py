"""Python's parser, by one thread at a time."""

from __future__ import annotations

import ast
import threading
from typing import Any

_turn = threading.Lock()


def parse(code: str, mode: str = "exec") -> Any:
    """What `ast.parse` returns. In some Pythons, 3.11.7 among them, all threads share one count of the tree's depth,
    and two that parse at once end in a SystemError (https://github.com/python/cpython/issues/106905).

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: as `ast.parse`.
    """
    with _turn:
        return ast.parse(code, mode=mode)
