"""A visitor who does seven random things on a page over a slow network; then it is what a fresh window of its link is.

``CONVSCOPE_SERIES=20`` (20 series for each page) and ``CONVSCOPE_SEED=1000`` (the first of them) make a long run.
"""

import os
import random
import re

import pytest
from playwright.sync_api import Page

from pages._lessons import LESSONS
from tests.browser.slow import SlowWay
from tests.browser.support import exceptions_seen, settled, traceback_shown, watch_exceptions

THINGS = 7
SECONDS = (0.3, 0.8)
"""How long each message takes, each way."""

SERIES, SEED = int(os.environ.get("CONVSCOPE_SERIES", "0")), int(os.environ.get("CONVSCOPE_SEED", "0"))
LESS = {"receptive-field-effective": "?depth=3&inputs=1"}
"""What takes long to compute is asked for less here."""
ALWAYS = (
    "start",
    "playground",
    "transposed",
    "transposed-sizes",
    "receptive-field",
    "feature-maps",
    "feature-maps-pooling",
)
TRIES = [
    pytest.param(lesson.url_path, seed, id=f"{lesson.url_path}-{seed}")
    for lesson in LESSONS
    for seed in range(SEED, SEED + (SERIES or 1))
    if SERIES or lesson.url_path in ALWAYS
]

# What one can do: the controls on screen that are not grey; training, downloads and predictions are no settings. Each
# is clicked in the page itself, so that a busy machine does not make Playwright late.
CONTROLS = """() => {
    const main = document.querySelector('[data-testid=stMain]'), found = [];
    const all = (selector) => [...main.querySelectorAll(selector)].filter(e => e.checkVisibility() && !e.disabled
        && !e.matches('[class*=st-key-predict] *, [class*=st-key-answer_] *, [aria-label^=Help]'));
    const add = (sort, elements) => elements.forEach(element => found.push({sort, element}));
    add('number', all('[data-testid=stNumberInputStepUp], [data-testid=stNumberInputStepDown]'));
    add('choice', all('[data-testid=stButtonGroup] button'));
    add('toggle', all('[data-testid=stCheckbox] input'));
    add('radio', all('[data-testid=stRadio] input'));
    add('slider', all('[data-testid=stSlider] input[type=range], [data-testid=stSlider] [role=slider]'));
    add('list', all('[data-testid=stSelectbox] input'));
    add('example', all('[class*=st-key-example_] button, .st-key-next_question button, .st-key-reveal button'));
    globalThis.controls = found.map(one => one.element);
    return found.map(one => one.sort);
}"""
NAME = """at => {
    const e = controls[at], key = e.closest('[class*=st-key-]')?.className.match(/st-key-(\\S+)/)?.[1] ?? '';
    return `${key} ${e.ariaLabel ?? e.dataset.testid ?? ''} ${e.innerText ?? ''}`;
}"""
CLICK = "at => controls[at].click()"
FOCUS = "at => controls[at].focus()"

# Each control's value, by its key or label.
VALUES = """() => {
    const found = {}, main = document.querySelector('[data-testid=stMain]');
    const one = '[data-testid=stNumberInput], [data-testid=stSelectbox], [data-testid=stSlider], [data-testid=stRadio],'
        + '[data-testid=stTextInput], [data-testid=stTextArea], [data-testid=stButtonGroup], [data-testid=stCheckbox]';
    for (const e of main.querySelectorAll(one)) {
        if (!e.checkVisibility() || e.closest('.st-key-question')) continue;
        let name = e.closest('[class*=st-key-]')?.className.match(/st-key-(\\S+)/)?.[1] ?? '';
        name += ' ' + (e.querySelector('[data-testid=stWidgetLabel]')?.innerText ?? '');
        const pressed = [...e.querySelectorAll('[aria-checked=true], [aria-pressed=true]')].map(b => b.innerText);
        const inputs = [...e.querySelectorAll('input, textarea, [role=slider]')].map(i =>
            i.type === 'checkbox' || i.type === 'radio' ? i.checked : i.ariaValueText ?? i.value ?? i.ariaValueNow);
        while (name in found) name += '+';
        found[name] = [...pressed, ...inputs].join(' | ');
    }
    return found;
}"""
# All words on the page, in components too, and a sum over the colours of each picture.
PICTURE = """() => {
    const lines = [];
    const leftOut = 'style, script, input, textarea, .js-plotly-plot, [class*=st-key-told], .st-key-question, '
        + '[data-testid=stAlert]';
    const walk = (node) => {
        if (node.nodeType === Node.TEXT_NODE) {
            const text = node.data.trim();
            if (text) lines.push(text);
            return;
        }
        if (node.nodeType !== Node.ELEMENT_NODE || node.matches(leftOut)) return;
        // A table is painted cell by cell, its lines a shade apart; its words stand in its canvas, too.
        const painted = node.tagName === 'CANVAS' && !node.closest('[data-testid=stDataFrame]');
        if (painted && node.width && node.checkVisibility()) {
            let sum = 0;
            const text = node.toDataURL();
            for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) | 0;
            lines.push(`canvas ${node.width} x ${node.height}: ${sum}`);
        }
        for (const child of [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]) walk(child);
    };
    walk(document.querySelector('[data-testid=stMain]'));
    return lines;
}"""


@pytest.fixture(scope="module")
def way(server):
    with SlowWay(server.url).open() as one:
        yield one


def at_rest(page: Page) -> Page:
    """The page, settled, once nothing changes any more."""
    settled(page)
    before = None
    for _ in range(40):
        page.wait_for_timeout(400)
        settled(page)
        now = page.evaluate(VALUES), page.evaluate(PICTURE), page.url
        if now == before:
            return page
        before = now
    raise AssertionError("the page does not come to rest")


def do_one(page: Page, rng: random.Random) -> str:
    """One random thing; what it was, or nothing if there was nothing to do."""
    sorts = page.evaluate(CONTROLS)
    if not sorts:
        return ""
    sort = rng.choice(sorted(set(sorts)))
    at = rng.choice([at for at, one in enumerate(sorts) if one == sort])
    name = f"{sort} {page.evaluate(NAME, at)}".strip()
    if sort in ("slider", "list"):
        page.evaluate(FOCUS, at)
        keys = [rng.choice(["ArrowRight", "ArrowLeft"])] if sort == "slider" else ["ArrowDown"] * rng.randint(1, 4)
        for key in [*keys, *(["Enter"] if sort == "list" else [])]:
            page.keyboard.press(key)
        return f"{name} {len(keys)} × {keys[0]}"
    page.evaluate(CLICK, at)
    return name


@pytest.mark.parametrize(("path", "seed"), TRIES)
def test_a_random_visitor_sees_what_the_link_says(visit, way, path, seed):
    """Who has been on other pages before, and has left there what is random, too."""
    rng, done = random.Random(f"{path} {seed}"), []
    way.seconds = (0, 0)
    page = at_rest(visit(f"/{path}{LESS.get(path, '')}", way=way.url).page)
    watch_exceptions(page)
    way.seconds = SECONDS
    while len(done) < THINGS:
        done.append(do_one(page, rng))
        page.wait_for_timeout(rng.randint(0, 350))
    page.wait_for_timeout(2000 * SECONDS[1])
    way.seconds = (0, 0)
    at_rest(page)
    fresh = at_rest(visit(page.url.removeprefix(way.url), fresh=True).page)
    told = f"{page.url} after {done}"
    assert exceptions_seen(page) == [], told
    assert traceback_shown(fresh) is None, told
    assert fresh.locator(".st-key-told [data-testid=stAlert]").all_inner_texts() == [], told
    assert differences(page.evaluate(VALUES), fresh.evaluate(VALUES)) == {}, told
    ours, theirs = (list(map(untimed, one.evaluate(PICTURE))) for one in (page, fresh))
    assert [one for one in zip(ours, theirs, strict=False) if one[0] != one[1]][:5] == [], told
    assert len(ours) == len(theirs), told


def differences(page: dict[str, str], fresh: dict[str, str]) -> dict[str, tuple]:
    return {key: (page.get(key), fresh.get(key)) for key in {*page, *fresh} if page.get(key) != fresh.get(key)}


def untimed(line: str) -> str:
    """A line without what was measured by a clock."""
    return re.sub(r"[\d.,\s]+(ms|µs|s)\b", "", line)
