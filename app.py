"""The server: warm-up, health, headers, the browser's files. The app itself begins in ``pages/_shell.py``.

``streamlit run app.py`` finds ``app`` and serves it. The main script lies inside ``pages/`` because Streamlit takes
a ``pages`` folder *beside* the main script for its old multipage mode, which breaks the first deep link.
"""

import gc
import importlib
import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rooms import routes as rooms
from viz.components import files
from viz.network import own_address

WARM_UP_DELAY = float(os.environ.get("CONVSCOPE_WARM_UP_DELAY", "8"))
"""Seconds. Importing torch holds the interpreter for two seconds. Who starts the app clicks the link before; the page
then imports torch itself, under its title. Behind a load balancer, 0 is right."""

BEFORE_THE_TITLE = (
    "numpy",
    "PIL.ImageFile",
    "streamlit.material_icon_names",
    "viz.figures.cards",
    "pages.convolution._examples",
    "viz.export.sharing",
)
"""What a page imports before its first text can be seen: a third of a second in all. None of it needs torch."""

COLLECT_EVERY = 30
"""Seconds between two full garbage collections, each of which stops all visitors for a moment."""

YOUNG = 20_000
"""New objects between two collections of the youngest. A run makes thousands: at Python's 700, a twentieth of what it
costs goes into looking at them again and again."""

MANY_MODULES = 500
"""So many new ones are a library: torch, and torchvision at the first visit to a network."""

_device: list[str] = []


def warm_up() -> None:
    """Import torch, run one layer and count another, so that no visitor waits for it."""
    import torch

    from models import device
    from models.measure import measure

    device.run(torch.nn.Conv2d(1, 1, 3), torch.zeros(1, 1, 8, 8))
    # What is counted without memory loads as much of torch again.
    measure(torch.nn.Conv2d(1, 1, 3), (1, 1, 8, 8))
    _device.append(device.describe())


def work_in_background() -> None:
    """Warm up, then collect garbage for all visitors together."""
    warm_up()
    settled = 0
    while True:
        gc.collect()
        if len(sys.modules) > settled + MANY_MODULES:
            # Libraries stay until the end, half a million objects: no collection looks at them again.
            gc.freeze()
            settled = len(sys.modules)
        time.sleep(COLLECT_EVERY)


def get_ready() -> None:
    """Do now what the first visitor's first text would wait for."""
    for name in BEFORE_THE_TITLE:
        importlib.import_module(name)
    # Streamlit asks once who has called it; for the answer Python looks up the file of every module, and remembers it.
    inspect.stack()


def stop_waiting_when_told_to_stop() -> None:
    """Let the phones that wait for a question go when the server is told to stop: it waits for them before it does."""
    if threading.current_thread() is not threading.main_thread():
        return  # as the server itself, which then hears no signals
    for number in (signal.SIGINT, signal.SIGTERM):
        stop = signal.getsignal(number)
        if callable(stop):
            signal.signal(number, lambda *told, stop=stop: (rooms.stopping.set(), stop(*told)))


def addresses() -> list[str]:
    """Where this server can be reached: from this machine, and from others in its network if it has one."""
    port, base = st.get_option("server.port"), st.get_option("server.baseUrlPath").strip("/")
    hosts = dict.fromkeys(filter(None, (st.get_option("server.address") or "localhost", own_address())))
    return [f"http://{host}:{port}/{base}" for host in hosts]


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    here, *network = addresses()
    lines = [f"  ConvScope is at  {here}"] + [f"  in your network  {url}" for url in network]
    sys.stdout.write("\n" + "\n".join(lines) + "\n\n")
    sys.stdout.flush()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    stop_waiting_when_told_to_stop()
    threading.Thread(target=get_ready, daemon=True).start()
    timer = threading.Timer(WARM_UP_DELAY, work_in_background)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


STARTED = time.monotonic()


async def health(_request: Request) -> JSONResponse:
    """Answer as soon as the server can; ``device`` tells that torch is loaded too, and where it works."""
    uptime = round(time.monotonic() - STARTED, 1)
    return JSONResponse({"status": "ok", "device": _device[0] if _device else None, "uptime_s": uptime})


HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "geolocation=(), microphone=(), payment=(), usb=()"),
)


class SecurityHeaders:
    """Adds ``HEADERS`` to every HTTP answer; websockets pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS:
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


BASES = sorted({"", st.get_option("server.baseUrlPath").strip("/")})

SERVER = {
    "lifespan": lifespan,
    "routes": [Route("/health", health), *files.routes(BASES), *rooms.routes(BASES)],
    "middleware": [Middleware(SecurityHeaders)],
}
"""What every entry point gives to ``st.App``."""

app = st.App("pages/_shell.py", **SERVER)
