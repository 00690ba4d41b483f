"""Files that a visitor brings along."""

from __future__ import annotations

import json
from typing import Any

from models.errors import FileError
from models.text import big


def read_json(data: bytes, largest: int) -> Any:
    """What a file says in JSON.

    Raises:
        FileError: one sentence, for a file of more than ``largest`` bytes and for what is not JSON.
    """
    if len(data) > largest:
        raise FileError(f"The file has {big(len(data))} bytes: at most {big(largest)} are read.")
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise FileError("The file is not JSON: choose one that was downloaded here.") from None
