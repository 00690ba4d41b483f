"""A slow network between browser and server: everything arrives later, in its order. Nothing here knows pytest."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit


class SlowWay:
    """A TCP proxy on this machine. ``seconds``: shortest and longest delay of a piece of data, each way; it may change
    while a page is open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target, self.seconds, self.url = (parts.hostname, parts.port), (0.0, 0.0), ""

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop, due = asyncio.get_running_loop(), 0.0
        queue: asyncio.Queue = asyncio.Queue()

        async def deliver() -> None:
            while True:
                when, data = await queue.get()
                await asyncio.sleep(when - loop.time())
                if not data:
                    writer.close()
                    return
                writer.write(data)

        sender = asyncio.create_task(deliver())
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                due = max(due, loop.time() + random.uniform(*self.seconds))
                queue.put_nowait((due, data))
        queue.put_nowait((max(due, loop.time()), b""))
        await sender

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(*self._target)
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))

    @contextlib.contextmanager
    def open(self) -> Iterator["SlowWay"]:
        ready, ends = threading.Event(), []

        async def main() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
            over = asyncio.Event()
            ends.append(partial(asyncio.get_running_loop().call_soon_threadsafe, over.set))
            ready.set()
            await over.wait()
            server.close()

        thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
        thread.start()
        ready.wait(10)
        try:
            yield self
        finally:
            ends[0]()
            thread.join(10)
