"""A long network that is pasted: until its drawing is there, and until all is said."""

from __future__ import annotations

import statistics

from benchmarks import Row, benchmark
from benchmarks.browser import chromium
from tests.browser.support import new_context, new_page, running, settled

ROUNDS = 3

# From now to the frame after the drawing has so many nodes, and to the end of the run.
WATCH = """
    (nodes) => {
        const start = performance.now(), app = document.querySelector('[data-testid=stApp]');
        const roots = [...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean);
        const svg = [document, ...roots].map((one) => one.querySelector('.diagram svg')).find(Boolean);
        window.took = {};
        new MutationObserver((_, observer) => {
            if (svg.querySelectorAll('.node').length !== nodes) return;
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => { took.drawn = performance.now() - start; }));
        }).observe(svg, {childList: true});
        let ran = false;
        new MutationObserver((_, observer) => {
            const runs = app.dataset.testScriptState === 'running';
            if (ran && !runs) {
                observer.disconnect();
                took.told = performance.now() - start;
            }
            ran ||= runs;
        }).observe(app, {attributes: true});
    }
"""


def _plain(layers: int, at: int) -> tuple[str, int]:
    """Convolutions of which no two are equal, so that nothing is folded; and the nodes that are drawn."""
    rows = (
        f"nn.Conv2d({3 if n == 0 else 7 + n // 2}, {8 + n // 2}, 3, padding=1)," if n % 2 == 0 else "nn.ReLU(),"
        for n in range(layers)
    )
    return f"# {at}\nnn.Sequential(\n    " + "\n    ".join(rows) + "\n)", layers + 2


def _residual(blocks: int, at: int) -> tuple[str, int]:
    """Residual blocks of a class, seven operations each, folded into one node."""
    text = f"""# {at}
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.blocks = nn.Sequential(*[Block(16) for _ in range({blocks})])

    def forward(self, x):
        return self.blocks(self.stem(x))
"""
    return text, 4 if blocks > 1 else 11


@benchmark("A network pasted → its drawing, and all that is said", goal="500 layers drawn in under 2 s on two cores")
def pasted() -> list[Row]:
    """Alternates between a short network and long ones, each a text that was not seen before."""
    cases = {
        "3 layers": lambda at: _plain(3, at),
        "500 layers, none equal": lambda at: _plain(500, at),
        "500 operations in 71 residual blocks": lambda at: _residual(71, at),
    }
    found = {(name, what): [] for name in cases for what in ("drawn", "told")}
    with chromium() as browser, running() as server:
        page, _ = new_page(new_context(browser))
        page.goto(f"{server.url}/your-network?ask=none&input=3x32x32")
        settled(page)
        page.locator(".diagram[data-selected]").wait_for()
        box = page.locator(".st-key-network_code textarea")
        for at in range(ROUNDS + 1):  # the first round, which warms up, does not count
            for name, made in cases.items():
                text, nodes = made(at)
                box.fill(text)
                page.evaluate(WATCH, nodes)
                box.press("Control+Enter")
                page.wait_for_function("() => took.drawn && took.told", timeout=60_000)
                for what, ms in page.evaluate("() => took").items():
                    found[name, what] += [ms] if at else []
                settled(page)
    rows = []
    for (name, what), times in found.items():
        ms, short = statistics.median(times), statistics.median(found["3 layers", what])
        long = name != "3 layers"
        spread = f"median of {ROUNDS}; {min(times):.0f} to {max(times):.0f}"
        met = ms < 2000 if long and what == "drawn" else None
        rows.append(Row(f"{name}: {what}", ms, short if long else None, met=met, note=spread))
    return rows
