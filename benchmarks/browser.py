"""What a visitor waits for, in a real browser: the first text, numbers after a control, the picture after a hover."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import Row, bare, benchmark, percentile
from tests.browser.support import launch, new_context, new_page, running, settled

ROUNDS = 5
CHANGES = 20

# Performance clock at the first <h1> with text in it; 0 on that clock is the start of the navigation.
WATCH_FIRST_TEXT = """
    const look = () => {
        const title = document.querySelector('h1');
        if (title && title.textContent.trim() && window.firstText === undefined) {
            requestAnimationFrame(() => { window.firstText ??= performance.now(); });
        }
    };
    new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true});
"""

# From the next keydown to the last change of the text under `selector`, once the run has ended and nothing moved on.
WATCH_NUMBERS = """
    (selector) => {
        const text = () => document.querySelector(selector)?.textContent;
        let before = text(), start, last;
        window.addEventListener('keydown', (e) => { start ??= performance.now(); }, {once: true, capture: true});
        const observer = new MutationObserver(() => {
            if (start !== undefined && text() !== before) { before = text(); last = performance.now(); }
        });
        observer.observe(document.body, {subtree: true, childList: true, characterData: true});
        window.numbersTook = () => {
            const idle = document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning';
            if (last === undefined || !idle || performance.now() - last < 250) return null;
            observer.disconnect();
            return last - start;
        };
    }
"""

# Per move: from the browser's own time stamp of the event to after the paint that follows it.
WATCH_HOVER = """
    () => {
        window.hovers = [];
        window.addEventListener('mousemove', (e) => {
            requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = () => window.hovers.push(performance.now() - e.timeStamp);
                channel.port2.postMessage(0);
            });
        }, {capture: true});
    }
"""

# What a browser needs at the least: one class moves from cell to cell.
PLAIN_HOVER = """<!doctype html><style>i{display:inline-block;width:20px;height:20px} .on{background:#cc79a7}</style>
<div>%s</div><script>document.querySelector('div').onmousemove = (e) => {
    document.querySelector('.on')?.classList.remove('on');
    if (e.target.tagName === 'I') e.target.classList.add('on');
};</script>""" % ("<i></i>" * 2000)
FRAME = 1000 / 60
MOVES = 120


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@contextlib.contextmanager
def bare_server(source: str) -> Iterator:
    with tempfile.TemporaryDirectory(prefix="convscope-bare-") as folder:
        script = Path(folder, "bare.py")
        script.write_text(source, encoding="utf-8")
        # From the repository's folder, so that both sides have its settings.
        with running(script) as server:
            yield server


def first_text_ms(browser: Browser, url: str) -> float:
    context = new_context(browser)
    page, _ = new_page(context)
    page.add_init_script(WATCH_FIRST_TEXT)
    page.goto(url)
    page.wait_for_function("() => window.firstText !== undefined", timeout=60_000)
    took = page.evaluate("() => window.firstText")
    context.close()
    return took


@benchmark("Navigation → first visible text, fresh server, cold browser", goal="at most 1.3× a bare script")
def first_text() -> list[Row]:
    """Each round starts a server of its own for each side, waits, and visits it. The last case is the worst moment."""
    cases = {case: ([], []) for case in (("/", 0), ("/playground", 0), ("/playground", 3), ("/playground", 8.5))}
    with chromium() as browser:
        # The very first navigation also pays for the browser's own start.
        with bare_server(bare.HELLO) as server:
            first_text_ms(browser, server.url)
        for _ in range(ROUNDS):
            for (path, wait), (ours, base) in cases.items():
                with running() as server:
                    time.sleep(wait)
                    ours.append(first_text_ms(browser, server.url + path))
                with bare_server(bare.HELLO) as server:
                    time.sleep(wait)
                    base.append(first_text_ms(browser, server.url))
    rows = []
    for (path, wait), (ours, base) in cases.items():
        mine, theirs = statistics.median(ours), statistics.median(base)
        spread = f"ours {min(ours):.0f} to {max(ours):.0f}, bare {min(base):.0f} to {max(base):.0f}"
        when = {0: "at once", 8.5: "8.5 s after the start, while torch is being imported"}.get(wait, f"after {wait} s")
        rows.append(
            Row(f"{path}, {when}", mine, theirs, met=mine <= 1.3 * theirs, note=f"median of {ROUNDS}; {spread}")
        )
    return rows


def change_ms(page: Page, key: str) -> float:
    """Press ``key`` on the slider and wait for the last change of the numbers."""
    page.locator(".st-key-kernel_size input[type=range]").focus()
    page.evaluate(WATCH_NUMBERS, ".st-key-numbers")
    page.keyboard.press(key)
    return page.wait_for_function("() => window.numbersTook()", timeout=30_000).json_value()


@benchmark("Control → new numbers in the DOM", goal="p95 at most 1.5× a bare script with the same widgets")
def control() -> list[Row]:
    """Sweeps the kernel_size slider over settings that were not seen before, alternating between both sides."""
    start = {"input_size": 24, "kernel_size": 1}
    ours, base = [], []
    query = "&".join(f"{name}={value}" for name, value in start.items())
    with (
        chromium() as browser,
        running() as app,
        bare_server(bare.same_widgets("convolution/playground.py", **start)) as other,
    ):
        pages = []
        for url in (f"{app.url}/playground?{query}", other.url):
            page, _ = new_page(new_context(browser))
            page.goto(url)
            settled(page)
            page.locator(".st-key-kernel_size input[type=range]").wait_for(state="attached")
            page.wait_for_timeout(3000)
            pages.append(page)
        for page in pages:
            for key in ("ArrowRight", "ArrowLeft") * 3:
                change_ms(page, key)
        # Up with one input and down with the next: no setting comes twice, so no cache can answer.
        for key in ("ArrowRight", "ArrowLeft"):
            for _ in range(CHANGES):
                for page, times in zip(pages, (ours, base), strict=True):
                    times.append(change_ms(page, key))
            for page in pages:
                page.locator(".st-key-input_size [data-testid=stNumberInputStepUp]").click()
                page.wait_for_timeout(1500)
    rows = []
    for q, goal in ((50, None), (95, 1.5)):
        mine, theirs = percentile(ours, q), percentile(base, q)
        met = None if goal is None else mine <= goal * theirs
        rows.append(Row(f"kernel_size, p{q} of {len(ours)}", mine, theirs, met=met))
    return rows


def hover_ms(page: Page, points: list[tuple[float, float]]) -> list[float]:
    """Move the pointer from point to point, slower than the screen refreshes, and return what each move took."""
    page.evaluate(WATCH_HOVER)
    for x, y in points:
        page.mouse.move(x, y)
        page.wait_for_timeout(25)
    page.wait_for_timeout(100)
    return page.evaluate("() => window.hovers")


@benchmark(
    "Hover → painted", goal="p95 at most one frame (16.7 ms) later than in a plain page, no message to the server"
)
def hover() -> list[Row]:
    """Moves over a 14×14 output, beside a plain page in which one class moves from cell to cell."""
    with chromium() as browser, running() as app:
        page, recorder = new_page(new_context(browser))
        page.goto(f"{app.url}/playground?input_size=16&kernel_size=3")
        settled(page)
        output = page.locator("canvas[data-grid=output]")
        output.wait_for()
        output.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
        rect = (
            "(root, cell) => { const r = root.cellRect('output', 0, cell); return [r.x + r.width/2, r.y + r.height/2] }"
        )
        points = [tuple(page.locator(".stage").evaluate(rect, cell)) for cell in range(MOVES)]
        recorder.clear()
        ours = hover_ms(page, points)
        messages = len(recorder.sent) + len(recorder.received)
        selected = page.locator(".stage").get_attribute("data-selected")
        if selected != f"output:0:{MOVES - 1}":
            raise RuntimeError(f"the stage did not follow the pointer: it shows {selected}")
        plain, _ = new_page(new_context(browser))
        plain.set_content(PLAIN_HOVER)
        base = hover_ms(plain, points)
    rows = []
    for q in (50, 95):
        mine, theirs = percentile(ours, q), percentile(base, q)
        met = None if q == 50 else mine <= theirs + FRAME and messages == 0
        rows.append(Row(f"p{q} of {len(ours)} moves", mine, theirs, met=met, note=f"{messages} messages"))
    return rows
