"""Numbers clicked, or a key held, faster than the server answers, over networks near and far: box and link agree."""

import itertools
import random
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from pages._lessons import LESSONS
from tests.browser.slow import SlowWay
from tests.browser.support import exceptions_seen, settled, traceback_shown, watch_exceptions

DELAYS = (0.0, 0.3, 0.8)
"""Seconds that each message takes, each way."""
PAUSES = (60, 100, 150, 250)
"""Milliseconds between two clicks."""
WITHOUT = {
    "start",
    "transposed-compare",
    "receptive-field-effective",
    "your-network",
    "feature-maps",
    "feature-maps-walk",
    "feature-maps-decides",
    "feature-maps-pooling",
    "feature-maps-equivariance",
    "cost-kernel",
    "network-costs",
}
"""Pages that have no number to click, or only empty ones."""
FOLDED = {"transposed-checkerboard": "&cb_generated=true"}
"""What opens the fold that a page's numbers are in."""

WAYS = random.Random(13).sample(list(itertools.product(DELAYS, PAUSES)), k=12)
TRIES = [
    pytest.param(lesson.url_path, *way, id=f"{lesson.url_path}-{way[0]:g}s-{way[1]}ms")
    for lesson, way in zip((one for one in LESSONS if one.url_path not in WITHOUT), itertools.cycle(WAYS), strict=False)
]

BOXES = """() => Object.fromEntries(
    [...document.querySelectorAll('[data-testid=stMain] [data-testid=stNumberInput]')].filter(e => e.checkVisibility())
        .map(e => [e.closest('[class*=st-key-]').className.match(/st-key-(\\S+)/)[1],
            Number(e.querySelector('input').value)]))"""
# Clicked in the page itself, so that a busy machine does not make Playwright late; a button that is grey takes none.
CLICK = "button => { if (!button || button.disabled) return 0; button.click(); return 1; }"


@pytest.fixture(scope="module")
def way(server):
    with SlowWay(server.url).open() as one:
        yield one


def boxes(page: Page) -> dict[str, float]:
    """Key -> value of each number on the page."""
    return page.evaluate(BOXES)


def numbers(page: Page) -> Page:
    """The page, once a number is on it."""
    page.locator("[data-testid=stMain] [data-testid=stNumberInput]").first.wait_for()
    return page


def ended(page: Page, way: SlowWay, delay: float, key: str, there: float) -> None:
    """All that is under way arrives, what has not gone yet goes at once, and the box stands at ``there``."""
    page.wait_for_timeout(2000 * delay)
    way.seconds = (0, 0)
    page.wait_for_timeout(300)
    settled(page)
    with suppress(TimeoutError):
        page.wait_for_function(f"there => ({BOXES})()['{key}'] === there", arg=there, timeout=5000)
    assert boxes(page)[key] == there


@pytest.mark.parametrize(("path", "delay", "pause"), TRIES)
def test_every_click_counts(visit, way, path, delay, pause):
    rng = random.Random(f"{path} {delay} {pause}")
    way.seconds = (0, 0)
    page = numbers(visit(f"/{path}?ask=none{FOLDED.get(path, '')}", way=way.url).page)
    watch_exceptions(page)
    plus = {key: page.locator(f".st-key-{key} [data-testid=stNumberInputStepUp]") for key in boxes(page)}
    key = rng.choice([key for key, one in plus.items() if one.is_enabled()])
    step = float(page.locator(f".st-key-{key} input").get_attribute("step") or 1)
    before = boxes(page)[key]
    way.seconds = (delay, delay)
    clicks = 0
    for _ in range(rng.randint(3, 6)):
        clicks += plus[key].evaluate(CLICK)
        page.wait_for_timeout(pause)
    assert clicks
    ended(page, way, delay, key, before + clicks * step)
    fresh = numbers(visit(page.url.removeprefix(way.url), fresh=True).page)
    assert boxes(fresh) == boxes(page), page.url
    assert exceptions_seen(page) == []
    assert traceback_shown(fresh) is None


@pytest.mark.parametrize(
    ("path", "key", "delay", "grid"),
    [
        ("playground", "kernel_size", 0.3, "Kernel"),
        ("transposed", "ct_input_size", 0.0, "Input"),
        ("receptive-field", "size", 0.3, "Input"),
    ],
)
def test_a_held_arrow_counts_each_repeat_up_to_the_largest(visit, way, path, key, delay, grid):
    way.seconds = (0, 0)
    page = numbers(visit(f"/{path}?ask=none", way=way.url).page)
    watch_exceptions(page)
    box, before = page.locator(f".st-key-{key} input"), boxes(page)[key]
    box.focus()
    way.seconds = (delay, delay)
    for _ in range(30):
        page.keyboard.down("ArrowUp")
        page.wait_for_timeout(33)
    page.keyboard.up("ArrowUp")
    there = min(before + 30, int(box.get_attribute("max")))
    ended(page, way, delay, key, there)
    expect(page.get_by_label(f"{grid}, {there} by {there}").first).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)[key] == [str(there)]
    assert exceptions_seen(page) == []
