"""Fixtures of the browser tests. One server and one browser serve them all; a test that needs fresh ones asks."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.support import (
    BACKGROUND,
    Recorder,
    Server,
    as_phone,
    axe_violations,
    first_tab,
    host,
    launch,
    launch_kept,
    new_context,
    next_tab,
    running,
    settled,
    too_wide,
    traceback_shown,
    until,
)

HISTORY = "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }"

# The smallest page of the app, not presented: a page that is left that way stays so.
WAY_STATION = "/room?present=0"

# A run takes a tenth of a second, on a machine that does nothing else.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            # A busy machine can make a real browser late; a defect fails every time.
            item.add_marker(pytest.mark.flaky(reruns=2))


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    item.stash[FAILED] = call.excinfo is not None
    return (yield)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The app, warm after its first test."""
    with running() as one:
        yield one


@pytest.fixture
def fresh_server() -> Iterator[Server]:
    """The app, started for this test alone: nobody has visited it yet."""
    with running() as one:
        yield one


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as one:
        yield one


@pytest.fixture(scope="session")
def browser(playwright) -> Iterator[Browser]:
    one = launch(playwright)
    yield one
    one.close()


def turn(page: Page, width: int = 1440, height: int = 900, scheme: str = "light") -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)


class Visit:
    """One visitor on one page."""

    def __init__(self, page: Page, recorder: Recorder, base: str) -> None:
        self.page, self.recorder, self.base = page, recorder, base

    def goto(self, path: str) -> "Visit":
        """Open ``path`` (with its query) and wait until the page's run has ended."""
        self.page.goto(self.base + path)
        settled(self.page)
        return self

    def walk(self, path: str) -> "Visit":
        """Go to ``path`` as the browser's way back and forth does, without loading the app anew."""
        before = self.page.locator("h1").first.inner_text()
        self.page.evaluate(HISTORY, path)
        until(self.page, "before => document.querySelector('h1')?.innerText !== before", before)
        settled(self.page)
        return self

    def sound(self) -> None:
        """No traceback, no console error, nothing fetched from elsewhere, nothing wider than the screen."""
        assert traceback_shown(self.page) is None
        assert self.recorder.errors == []
        assert self.recorder.hosts <= {host(self.base), ""}
        assert too_wide(self.page) <= 0

    def accessible(self) -> None:
        """axe-core finds nothing."""
        assert axe_violations(self.page) == []

    def for_a_finger(self) -> None:
        """What is said below the pictures names neither mouse nor keys."""
        told = self.page.locator(".hint:visible, .channels .told")
        expect(told.first).not_to_be_empty()
        assert not re.search(r"hover|click|point|key|enter\b|\[", " ".join(told.all_inner_texts()), re.IGNORECASE)

    def everywhere(self) -> None:
        """Sound at a desk and on a phone, light and dark, each picture whole; accessible in each width and theme.

        The page is loaded once and turned: loading is what takes the time, and then axe.
        """
        self.page.set_viewport_size({"width": 1440, "height": 900})
        self._look_at("light", "dark")
        self.page.set_viewport_size({"width": 390, "height": 900})
        with as_phone(self.page):
            self._look_at("dark", "light")

    def _look_at(self, *schemes: str) -> None:
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)
            until(
                self.page,
                "colour => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor === colour",
                BACKGROUND[scheme],
            )
            # Components lay themselves out anew one frame after their frame has a new size.
            self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => setTimeout(r, 200)))")
            self.sound()
            hidden = self.page.locator(".stage:not(.waiting) .well").evaluate_all(
                "wells => wells.filter((one) => one.scrollHeight > one.clientHeight).length"
            )
            assert not hidden, "a picture is cut off"
            if scheme == schemes[0]:
                self.accessible()


@pytest.fixture(scope="session")
def open_tab(playwright, tmp_path_factory, request) -> Iterator[Callable[..., tuple[Page, Recorder]]]:
    """Opens an empty tab of a browser at a desk or on a phone: what one tab has loaded is kept for the next. With more
    settings of a browser context than these, a tab of a context of that sort."""
    kept: dict[str, Page] = {}

    def context(width: int, **how) -> BrowserContext:
        if how:
            return new_context(request.getfixturevalue("browser"), width=width, **how)
        return launch_kept(playwright, str(tmp_path_factory.mktemp("browser")), width=width)

    def opened(width: int = 1440, height: int = 900, scheme: str = "light", **how) -> tuple[Page, Recorder]:
        name = f"{width < 600} {how}"
        if name not in kept:
            kept[name] = first_tab(context(width, **how), request.getfixturevalue("server"))
        page, recorder = next_tab(kept[name])
        turn(page, width, height, scheme)
        return page, recorder

    yield opened
    for first in kept.values():
        first.context.close()


@pytest.fixture(scope="session")
def rested() -> dict[tuple[str, bool], list[Visit]]:
    """Visits that have ended on the way station, for the next who come: by address, and at a desk or on a phone."""
    return defaultdict(list)


@pytest.fixture
def visit(request: pytest.FixtureRequest, open_tab, rested) -> Iterator[Callable[..., Visit]]:
    """``visit("/playground?kernel_size=5", width=390, scheme="dark")`` opens a page.

    The tab comes from another page of the app, as most visitors do, and has been used by another test: so nothing may
    be left of what was done in it. ``way`` is another address of the same server. ``fresh`` asks for a tab and a
    session that have seen nothing; with another ``server``, or with more settings of a browser context than ``width``,
    ``height`` and ``scheme``, it is one anyway.
    """
    ended, kept = [], []

    def open_page(path: str = "/", *, server: Server | None = None, way: str = "", fresh: bool = False, **how) -> Visit:
        base = way or (server or request.getfixturevalue("server")).url
        if fresh or server or path.startswith("/room") or how.keys() - {"width", "height", "scheme"}:
            page, recorder = open_tab(**how)
            ended.append(page)
            return Visit(page, recorder, base).goto(path)
        waiting = rested[base, how.get("width", 1440) < 600]
        if waiting:
            one = waiting.pop()
            turn(one.page, **how)
        else:
            one = Visit(*open_tab(**how), base).goto(WAY_STATION)
        kept.append((waiting, one))
        one.recorder.clear()
        return one.walk(path)

    yield open_page
    for page in ended:
        page.close()
    for waiting, one in kept:
        if one.page.is_closed():
            continue
        if request.node.stash[FAILED] or not one.page.url.startswith(one.base):
            one.page.close()
            continue
        one.page.unroute_all()
        one.page.evaluate("() => document.activeElement.blur()")
        waiting.append(one.walk(WAY_STATION))
