"""A real server and a real browser for tests and benchmarks: nothing here knows pytest."""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright, WebSocket

from pages._lessons import Lesson

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]

# On a deep link Streamlit's front end first asks below the page's path and gets two 404s; that noise is its own.
STREAMLIT_NOISE = re.compile(r"/[\w-]+/_stcore/(health|host-config)$")

# The colours of the house: .streamlit/config.toml.
BACKGROUND = {"light": "rgb(253, 253, 251)", "dark": "rgb(17, 21, 28)"}


def run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """What ``asyncio.run`` returns, in a thread of its own: Playwright leaves a loop running in that of the tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def free_port() -> int:
    """A TCP port that nobody listens on right now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PHONE: dict[str, Any] = {"has_touch": True, "is_mobile": True}


@dataclass
class Server:
    """One running Streamlit process."""

    url: str
    process: subprocess.Popen
    log: Path
    started: float

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a plain GET."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def start_server(
    script: Path | str = "app.py", *, cwd: Path = ROOT, base: str = "", timeout: float = 60, **environment: str
) -> Server:
    """Start ``script`` as a visitor's machine does, below the path ``base``, and wait until it answers.

    Raises ``RuntimeError`` with the server's own words when it does not come up within ``timeout`` seconds.
    """
    port = free_port()
    log = Path(tempfile.mkstemp(prefix="convscope-server-", suffix=".log")[1])
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false", "STREAMLIT_SERVER_HEADLESS": "true"}
    env |= {"STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE": "true"} | environment
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.baseUrlPath", base]
    started = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=subprocess.STDOUT)
    server = Server(f"http://localhost:{port}{base}", process, log, started)
    while time.perf_counter() - started < timeout:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            if server.get("/_stcore/health")[0] == 200:
                return server
        time.sleep(0.05)
    server.stop()
    raise RuntimeError(f"{script} did not start within {timeout} s:\n{log.read_text(errors='replace')}")


@contextlib.contextmanager
def running(script: Path | str = "app.py", **how) -> Iterator[Server]:
    """A fresh server for the length of a ``with`` block."""
    server = start_server(script, **how)
    try:
        yield server
    finally:
        server.stop()
        server.log.unlink(missing_ok=True)


def chromium_path() -> str | None:
    """The browser to drive: ``CONVSCOPE_CHROMIUM``, else the distribution's, else (None) Playwright's own. The
    one without windows, which Playwright's own is too, draws what the others draw, in four fifths of the time."""
    if named := os.environ.get("CONVSCOPE_CHROMIUM"):
        return named
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


# Containers give /dev/shm too little room for Chromium, and root has no sandbox.
ARGS = ["--no-sandbox", "--disable-dev-shm-usage"]
# A camera that shows a test picture; a page gets it with ``new_context(permissions=["camera"])``.
ARGS += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium_path(), args=ARGS)


def launch_kept(playwright: Playwright, folder: str, *, width: int = 1440) -> BrowserContext:
    """A visitor who has been here: ``folder`` keeps what the browser has fetched and compiled. A page then costs two
    thirds of what it costs a new one, whose private window compiles all scripts anew."""
    how = {"viewport": {"width": width, "height": 900}} | (PHONE if width < 600 else {})
    return playwright.chromium.launch_persistent_context(folder, executable_path=chromium_path(), args=ARGS, **how)


def host(url: str) -> str:
    """Of an address the part up to its path; nothing where the page itself holds what is there."""
    parts = urlsplit(url)
    return "" if parts.scheme in ("data", "blob") else f"{parts.scheme}://{parts.netloc}"


@dataclass
class Recorder:
    """What a page said that a visitor does not see: console errors, crashes, messages to and from the server."""

    errors: list[str] = field(default_factory=list)
    sent: list[bytes | str] = field(default_factory=list)
    received: list[bytes | str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    """From where the page fetched anything."""

    def attach(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(host(request.url)))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("websocket", self._websocket)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        url = message.location.get("url", "")
        if "404" in message.text and STREAMLIT_NOISE.search(url.split("?")[0]):
            return
        self.errors.append(f"{message.text} ({url})")

    def _websocket(self, socket_: WebSocket) -> None:
        socket_.on("framesent", lambda frame: self.sent.append(frame))
        socket_.on("framereceived", lambda frame: self.received.append(frame))

    def clear(self) -> None:
        """Forget what was said so far."""
        self.errors.clear()
        self.sent.clear()
        self.received.clear()


def new_context(browser: Browser, *, width: int = 1440, height: int = 900, scheme: str = "light", **how):
    """A visitor with nothing cached. ``width`` and ``height`` in CSS pixels, ``scheme`` "light" or "dark"."""
    phone = PHONE if width < 600 else {}
    return browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **phone | how)


def new_page(context: BrowserContext) -> tuple[Page, Recorder]:
    page, recorder = context.new_page(), Recorder()
    recorder.attach(page)
    return page, recorder


def first_tab(context: BrowserContext, server: Server) -> Page:
    """A tab at the server that stays open, for ``next_tab``."""
    page = context.new_page()
    page.goto(f"{server.url}/_stcore/health")
    return page


def next_tab(first: Page) -> tuple[Page, Recorder]:
    """A tab in the process of another: nothing of that one is in it, and a page costs two thirds of what it costs in
    a process that has to start and to read its scripts first."""
    with first.expect_popup() as opened:
        first.evaluate("() => { open('about:blank') }")
    page, recorder = opened.value, Recorder()
    recorder.attach(page)
    return page, recorder


@contextlib.contextmanager
def as_phone(page: Page, width: int = 390, height: int = 844) -> Iterator[None]:
    """A page that is open at a desk is that of a phone for the length of a ``with`` block; then it stays as narrow."""
    devtools = page.context.new_cdp_session(page)
    size = {"width": width, "height": height, "deviceScaleFactor": 0, "mobile": True}
    devtools.send("Emulation.setDeviceMetricsOverride", size)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield
    devtools.detach()
    page.set_viewport_size({"width": width, "height": height})


def mounted(element: Locator, made: str) -> None:
    """Wait until the script of a component, which comes after its elements, has begun: until one has this property."""
    look = "const look = () => (node[made] ? done() : setTimeout(look, 50))"
    element.evaluate(f"(node, made) => new Promise((done) => {{ {look}; look(); }})", made)


def until(page: Page, expression: str, arg: Any = None, *, timeout: float = 15) -> None:
    """Wait until a function of the page's returns true; at most ``timeout`` seconds. Playwright by itself asks once a
    frame, for which the browser has to make frames: four times the work of a page that rests."""
    page.wait_for_function(expression, arg=arg, polling=50, timeout=timeout * 1000)


def settled(page: Page, *, timeout: float = 60) -> None:
    """Wait until the page's run has ended: a title is there and Streamlit neither runs nor shows skeletons."""
    page.locator("h1").first.wait_for(timeout=timeout * 1000)
    until(
        page,
        """() => {
            const app = document.querySelector('[data-testid=stApp]');
            return app && app.dataset.testScriptState === 'notRunning'
                && !document.querySelector('[data-testid=stSkeleton], [data-testid=stAppSkeleton]');
        }""",
        timeout=timeout,
    )


def navigate(page: Page, lesson: Lesson) -> None:
    """Choose a lesson in the navigation."""
    page.get_by_test_id("stTopNavSection").filter(has_text=lesson.section).click()
    page.get_by_test_id("stTopNavDropdownLink").filter(has_text=lesson.title).click()


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds wrong for people who use assistive technology, one line each, with where."""
    # In a narrow window Streamlit's navigation is a list in its sidebar, with the sections' headings among the items;
    # and what it has shown over a table stays behind, empty, outside of all landmarks.
    context = {"exclude": [["[data-testid=stSidebarNavItems]"], ["#stFloatingOverlayPortal"]]}
    axe = Axe("null") if page.evaluate("() => 'axe' in globalThis") else Axe()  # compiled once a page
    found = axe.run(page, context, {"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']} ({v['impact']}): {v['help']}: {[n['target'] for n in v['nodes']][:4]}" for v in found]


def traceback_shown(page: Page) -> str | None:
    """The text of Streamlit's exception box, or None."""
    box = page.locator("[data-testid=stException]")
    return box.first.inner_text() if box.count() else None


WATCH = """() => {
    globalThis.exceptionsSeen = [];
    const look = () => {
        for (const box of document.querySelectorAll('[data-testid=stException]')) {
            const text = box.innerText.slice(0, 300);
            if (text && !exceptionsSeen.includes(text)) exceptionsSeen.push(text);
        }
    };
    look();
    globalThis.watching?.disconnect();
    globalThis.watching = new MutationObserver(look);
    watching.observe(document, { childList: true, subtree: true, characterData: true });
}"""


def watch_exceptions(page: Page) -> None:
    """From now on: note every exception that is ever on screen, however short."""
    page.evaluate(WATCH)


def exceptions_seen(page: Page) -> list[str]:
    """What was noted."""
    return page.evaluate("() => exceptionsSeen")


def too_wide(page: Page) -> int:
    """By how many CSS pixels the page is wider than the screen."""
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
