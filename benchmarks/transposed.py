"""Four ways to compute one transposed convolution, against PyTorch's own, and how each grows with the image."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

from benchmarks import Row, benchmark, percentile

SIZES = (8, 16, 32, 64)
REPEATS = 15
PAGE_ROUNDS = 3
CHANGES = 20
LONGEST = 1.0
"""Seconds within which the slowest way must answer for a 64×64 image, so that the page never waits."""


def exponent(cells: list[int], seconds: list[float]) -> float:
    """Slope of log(time) over log(cells), by least squares: 1 is linear, 0 is all overhead."""
    x, y = [math.log(n) for n in cells], [math.log(t) for t in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@benchmark(
    "Transposed convolution: four views against nn.ConvTranspose2d's forward (4×4, stride 2, padding 1, float64)",
    goal=f"every view answers within {LONGEST:g} s at 64×64; growth from 32×32 to 64×64 at most cells^1.3",
)
def transposed_views() -> list[Row]:
    import torch
    from torch import nn

    from models.transposed import VIEWS

    threads = torch.get_num_threads()
    # One thread: images this small gain nothing from more, and handing work over is most of the noise.
    torch.set_num_threads(1)
    try:
        return _rows(torch, nn, VIEWS)
    finally:
        torch.set_num_threads(threads)


def _rows(torch, nn, views) -> list[Row]:
    layer = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, dtype=torch.float64).requires_grad_(False)
    ways = {"layer": layer, **{name: lambda x, view=view: view(layer, x) for name, view in views.items()}}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for size in SIZES:
        x = torch.randn(1, 1, size, size, dtype=torch.float64)
        rounds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(REPEATS + 1):
            # All ways in turn, so that a busy moment of the machine meets each; the first turn warms up.
            for name, way in ways.items():
                seconds = timed(lambda way=way, x=x: way(x))
                if turn:
                    rounds[name].append(seconds)
        for name, seconds in rounds.items():
            took[name].append(min(seconds))
    cells = [size * size for size in SIZES]
    rows = []
    for name in views:
        growth, last_step = (exponent(cells[k:], took[name][k:]) for k in (0, -2))
        for size, ours, base in zip(SIZES, took[name], took["layer"], strict=True):
            last = size == SIZES[-1]
            met = (ours < LONGEST and last_step <= 1.3) if last else None
            note = f"time ∝ cells^{growth:.2f}, from 32×32 on cells^{last_step:.2f}" if last else ""
            rows.append(Row(f"{name}, {size}×{size}", ours * 1e3, base * 1e3, met=met, note=note))
    growth, last_step = (exponent(cells[k:], took["layer"][k:]) for k in (0, -2))
    note = f"time ∝ cells^{growth:.2f}, from 32×32 on cells^{last_step:.2f}"
    rows.append(Row("layer, 64×64", took["layer"][-1] * 1e3, note=note))
    return rows


@benchmark("/transposed: navigation → first visible text, fresh server", goal="at most 1.3× a bare script")
def transposed_page() -> list[Row]:
    """Each round starts a server of its own for each side and visits it at once."""
    from benchmarks import bare
    from benchmarks.browser import bare_server, chromium, first_text_ms
    from tests.browser.support import running

    ours, base = [], []
    with chromium() as browser:
        # The very first navigation also pays for the browser's own start.
        with bare_server(bare.HELLO) as server:
            first_text_ms(browser, server.url)
        for _ in range(PAGE_ROUNDS):
            with running() as server:
                ours.append(first_text_ms(browser, f"{server.url}/transposed"))
            with bare_server(bare.HELLO) as server:
                base.append(first_text_ms(browser, server.url))
    mine, theirs = statistics.median(ours), statistics.median(base)
    spread = f"ours {min(ours):.0f} to {max(ours):.0f}, bare {min(base):.0f} to {max(base):.0f}"
    return [Row("/transposed", mine, theirs, met=mine <= 1.3 * theirs, note=f"median of {PAGE_ROUNDS}; {spread}")]


# From the next press to the paint after the last change, inside components too, once the run has ended.
WATCH_PAINT = """
    () => {
        let start, last;
        const pressed = (e) => { start ??= performance.now(); };
        const once = {once: true, capture: true};
        for (const kind of ['keydown', 'pointerdown']) window.addEventListener(kind, pressed, once);
        const seen = (changes) => {
            const moved = changes.some((c) => !(c.target.dataset?.testid ?? c.target.dataset?.testScriptState));
            if (start === undefined || !moved) return;
            requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = () => { last = performance.now(); };
                channel.port2.postMessage(0);
            });
        };
        const observer = new MutationObserver(seen);
        const how = {subtree: true, childList: true, characterData: true};
        const main = document.querySelector('[data-testid=stMain]');
        observer.observe(main, how);
        const inside = () => main.querySelectorAll('[data-testid=stBidiComponentIsolated]').forEach((host) => {
            if (host.watched || !host.shadowRoot) return;
            host.watched = true;
            observer.observe(host.shadowRoot, {...how, attributes: true, attributeFilter: ['data-renders']});
        });
        inside();
        const timer = setInterval(inside, 40);
        window.paintTook = () => {
            const idle = document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning';
            if (last === undefined || !idle || performance.now() - last < 300) return null;
            clearInterval(timer);
            observer.disconnect();
            main.querySelectorAll('[data-testid=stBidiComponentIsolated]').forEach((host) => { host.watched = false; });
            return last - start;
        };
    }
"""


def paint_ms(page, act: Callable[[], None]) -> float:
    """Do one thing on the page and wait until nothing is painted any more."""
    page.evaluate(WATCH_PAINT)
    act()
    # Looked at now and then: a look at every frame would make the browser draw every frame.
    return page.wait_for_function("() => window.paintTook()", timeout=30_000, polling=60).json_value()


@benchmark(
    "/transposed: control changed, or a neighbour opened → repainted",
    goal="p50 at most 1.5× a bare script with the same widgets that answers with one line of text",
)
def transposed_change() -> list[Row]:
    """Steps the stride's and the input size's number fields, and goes from a lesson to its neighbour and back; beside
    that, the bare script changes a control."""
    from benchmarks import bare
    from benchmarks.browser import bare_server, chromium
    from tests.browser.support import new_context, new_page, running, settled

    query = {"ct_kernel_size": 4, "ct_stride": 2}
    link = "&".join(f"{name}={value}" for name, value in query.items())
    took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ("input_size", "neighbour")}
    source = bare.same_widgets("transposed/views.py", **query)
    with chromium() as browser, running() as app, bare_server(source) as other:
        pages = []
        for url in (f"{app.url}/transposed?{link}", other.url):
            page, _ = new_page(new_context(browser))
            page.goto(url)
            settled(page)
            page.locator(".st-key-ct_input_size input").wait_for()
            page.wait_for_timeout(4000)
            pages.append(page)

        def step(page, up: bool) -> float:
            field = page.locator(".st-key-ct_input_size input")
            field.focus()
            return paint_ms(page, lambda: field.press("ArrowUp" if up else "ArrowDown"))

        def turn(page, lesson: str) -> float:
            return paint_ms(page, page.locator(".st-key-neighbours a", has_text=lesson).click)

        for change in range(-10, CHANGES):
            for side, page in enumerate(pages):
                # Ten up to warm up, ten down, ten up.
                spent = step(page, (change + 10) // 10 % 2 == 0)
                if change >= 0:
                    took["input_size"][side].append(spent)
        for change in range(-4, CHANGES):
            for side, page in enumerate(pages):
                spent = step(page, change % 2 == 0) if side else turn(page, "Four views" if change % 2 else "Matrix")
                if change >= 0:
                    took["neighbour"][side].append(spent)
    rows = []
    for name, (ours, base) in took.items():
        for q, goal in ((50, 1.5), (95, None)):
            mine, theirs = percentile(ours, q), percentile(base, q)
            met = None if goal is None else mine <= goal * theirs
            rows.append(Row(f"{name}, p{q} of {len(ours)}", mine, theirs, met=met))
    return rows
