"""Four ways to compute one transposed convolution, against PyTorch's own, and how each grows with the image."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

from benchmarks import Row, benchmark

SIZES = (8, 16, 32, 64)
REPEATS = 15
PAGE_ROUNDS = 3
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
