"""Fixtures of the browser tests. One server and one browser serve them all; a test that needs fresh ones asks."""

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
)

# A run takes a tenth of a second, on a machine that does nothing else.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            # A busy machine can make a real browser late; a defect fails every time.
            item.add_marker(pytest.mark.flaky(reruns=2))


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


class Visit:
    """One visitor on one page."""

    def __init__(self, page: Page, recorder: Recorder, base: str) -> None:
        self.page, self.recorder, self.base = page, recorder, base

    def goto(self, path: str) -> "Visit":
        """Open ``path`` (with its query) and wait until the page's run has ended."""
        self.page.goto(self.base + path)
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

    def everywhere(self) -> None:
        """Sound at a desk and on a phone, light and dark; accessible in each width and in each theme.

        The page is loaded once and turned: loading is what takes the time, and then axe.
        """
        for width, scheme in ((1440, "light"), (1440, "dark"), (390, "dark"), (390, "light")):
            self.page.set_viewport_size({"width": width, "height": 900})
            if width < 600:
                as_phone(self.page)
            self.page.emulate_media(color_scheme=scheme)
            self.page.wait_for_function(
                "colour => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor === colour",
                arg=BACKGROUND[scheme],
            )
            # Components lay themselves out anew one frame after their frame has a new size.
            self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => setTimeout(r, 200)))")
            self.sound()
            if (width, scheme) in ((1440, "light"), (390, "dark")):
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
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        return page, recorder

    yield opened
    for first in kept.values():
        first.context.close()


@pytest.fixture
def visit(request: pytest.FixtureRequest, open_tab) -> Iterator[Callable[..., Visit]]:
    """``visit("/playground?kernel_size=5", width=390, scheme="dark")`` opens a page in a session of its own.

    Keyword arguments besides ``server`` are those of ``open_tab``. The session's server is used unless one is given.
    """
    pages = []

    def open_page(path: str = "/", *, server: Server | None = None, **how) -> Visit:
        server = server or request.getfixturevalue("server")
        page, recorder = open_tab(**how)
        pages.append(page)
        return Visit(page, recorder, server.url).goto(path)

    yield open_page
    for page in pages:
        page.close()
