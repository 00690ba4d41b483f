"""The rooms of this server."""

from __future__ import annotations

import os
from functools import cache

from rooms.room import RoomError, Rooms
from rooms.store import Local


@cache
def rooms() -> Rooms:
    """Those in the Redis that ``CONVSCOPE_REDIS_URL`` names, else in this process."""
    if not (url := os.environ.get("CONVSCOPE_REDIS_URL")):
        return Rooms(Local())
    from rooms.shared import Shared

    try:
        return Rooms(Shared(url))
    except ValueError:
        told = "CONVSCOPE_REDIS_URL is no address of a Redis: it has to be like redis://localhost:6379/0."
        raise RoomError(told, 503) from None
