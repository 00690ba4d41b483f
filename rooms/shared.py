"""Rooms in Redis, for replicas that share them: ``CONVSCOPE_REDIS_URL`` says where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import redis

from rooms import store
from rooms.room import RoomError
from rooms.store import LIFE, Full

PREFIX = "convscope:"
MADE = f"{PREFIX}rooms"
"""A sorted set: the tables that were made with ``create``, by when they end."""

ADD = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
WRITE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return end
if ARGV[1] ~= '' then redis.call('HINCRBY', KEYS[1], ARGV[1], 1) end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
if redis.call('ZSCORE', KEYS[2], KEYS[1]) then redis.call('ZADD', KEYS[2], redis.call('TIME')[1] + ARGV[2], KEYS[1]) end
"""
CREATE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then return -1 end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[2], KEYS[1])
return 1
"""


def _told(method: Callable) -> Callable:
    """Without Redis there is a sentence, and no traceback."""

    @wraps(method)
    def run(*args: Any, **how: Any) -> Any:
        try:
            return method(*args, **how)
        except redis.RedisError as error:
            raise RoomError("The rooms cannot be reached just now: try again in a moment.", 503) from error

    return run


class Shared:
    """A store in Redis at a URL such as ``redis://localhost:6379/0``. Raises ``ValueError`` for what is no such URL."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, decode_responses=True, socket_timeout=5, socket_connect_timeout=5)
        self._add, self._write, self._create = map(self._redis.register_script, (ADD, WRITE, CREATE))

    @_told
    def create(self, name: str, fields: Mapping[str, str]) -> bool:
        keys, given = [PREFIX + name, MADE], [store.MOST_ROOMS, LIFE, *_flat(fields)]
        if (made := self._create(keys, given)) < 0:
            raise Full
        return bool(made)

    @_told
    def delete(self, names: Iterable[str]) -> None:
        keys = [PREFIX + name for name in names]
        with self._redis.pipeline() as together:
            together.delete(*keys).zrem(MADE, *keys).execute()

    @_told
    def read(self, name: str) -> dict[str, str]:
        return self._redis.hgetall(PREFIX + name)

    @_told
    def field_of(self, names: Iterable[str], field: str) -> list[str | None]:
        with self._redis.pipeline(transaction=False) as together:
            for name in names:
                together.hget(PREFIX + name, field)
            return together.execute()

    @_told
    def write(self, name: str, fields: Mapping[str, str], *, bump: str = "") -> None:
        self._write([PREFIX + name, MADE], [bump, LIFE, *_flat(fields)])

    @_told
    def add(self, name: str, field: str, text: str, most: int) -> bool:
        if (added := self._add([PREFIX + name], [field, text, most, LIFE])) < 0:
            raise Full
        return bool(added)


def _flat(fields: Mapping[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]
