"""A real Redis for the tests, from the distribution."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.browser.support import free_port


def start_redis(folder: Path) -> tuple[subprocess.Popen, str]:
    """A server that keeps nothing on the disk; its process and its URL."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, deadline = f"redis://127.0.0.1:{port}/0", time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            redis.Redis.from_url(url).ping()
            return process, url
        except redis.RedisError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError("redis-server did not start within 20 s")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory) -> Iterator[str]:
    if not shutil.which("redis-server"):
        pytest.skip("no redis-server on this machine: apt-get install redis-server, or make test as root")
    process, url = start_redis(tmp_path_factory.mktemp("redis"))
    yield url
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def key(rooms):
    return rooms.open()


@pytest.fixture
def code(key):
    return key.partition("-")[0]
