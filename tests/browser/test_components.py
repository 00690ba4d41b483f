"""How a component gets its code, style and markup: as files, at any address, in any order."""

import re

import pytest
from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.support import ROOT, new_context, new_page, running, settled
from viz.components.files import FOLDER

HARNESS = "tests/browser/stage_harness.py"
EMPTY = """() => {
    const roots = [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')].map((e) => e.shadowRoot);
    return roots.length === 1 && roots[0].textContent === '' && !roots[0].querySelector('.stage');
}"""


@pytest.fixture(scope="module")
def harness():
    with running(HARNESS) as server:
        yield server


@pytest.fixture
def visitor(browser, harness):
    """A page and what it said, with nothing cached."""
    context = new_context(browser)
    yield new_page(context)
    context.close()


def test_a_figure_appears_at_once_with_its_style_and_with_the_last_data(visitor, harness):
    """The files are late, and the visitor has changed the numbers meanwhile."""
    page, recorder = visitor
    page.route(f"**/{FOLDER}/**", lambda route: None)
    page.goto(f"{harness.url}/?scene=a1")
    page.wait_for_function(EMPTY)
    for bump in (1, 2):
        page.get_by_test_id("stNumberInputStepUp").click()
        page.wait_for_url(f"**bump={bump}**")
        page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        )
    assert page.evaluate(EMPTY)
    page.evaluate(
        """() => {
            const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
            new MutationObserver(() => {
                const stage = root.querySelector('.stage');
                if (stage && window.borders === undefined) window.borders = getComputedStyle(stage).borderRadius;
            }).observe(root, {childList: true});
        }"""
    )
    page.unroute(f"**/{FOLDER}/**")  # all that was asked for goes on, and what is asked for now is not late
    page.locator(".stage[data-selected]").wait_for()
    assert page.locator(".stage").get_attribute("data-renders") == "1"
    assert page.evaluate("() => window.borders") == "14px"
    # Its first window begins with 4 5 8, and each cell is larger by 2 now.
    assert " 6·1 + 7·4 + 10·1 " in page.locator(".eq .main").inner_text()
    assert recorder.errors == []


def test_where_the_files_do_not_come_a_sentence_says_so_and_new_data_try_again(visitor, harness):
    page, _ = visitor
    page.route(f"**/{FOLDER}/**", lambda route: route.abort())
    page.goto(f"{harness.url}/?scene=a1")
    expect(page.get_by_text("This figure did not load. Check the connection and reload the page.")).to_be_visible()
    page.unroute(f"**/{FOLDER}/**")
    page.get_by_test_id("stNumberInputStepUp").click()
    page.locator(".stage[data-selected]").wait_for()
    assert page.get_by_text("This figure did not load").count() == 0


def test_all_files_are_asked_for_at_once(visitor, harness):
    """Modules that import each other would else come one after the other, each a way to the server and back later."""
    page, _ = visitor
    asked = []
    page.route(f"**/{FOLDER}/**", lambda route: asked.append(route.request.url))
    page.goto(f"{harness.url}/?scene=a1")
    page.wait_for_function(EMPTY)
    page.wait_for_timeout(500)
    names = {url.partition(f"{FOLDER}/")[2] for url in asked}
    files = [f for f in (ROOT / "viz/components/stage").iterdir() if f.suffix in (".js", ".css", ".html")]
    shared = {name for file in files for name in re.findall(r'from "\.\./([\w/]+\.js)"', file.read_text("utf-8"))}
    assert names == {f"stage/{file.name}" for file in files} | shared


@pytest.mark.parametrize("path", ["/", "/playground?kernel_size=2"])
def test_below_a_path_of_the_server(browser, path):
    with running(base="/hall/one") as server:
        context = new_context(browser)
        page, recorder = new_page(context)
        page.goto(server.url + path)
        page.locator(".stage[data-selected]").first.wait_for(timeout=60_000)
        assert recorder.errors == []
        context.close()


def test_every_message_comes_whole(visit):
    """The browser may have forgotten by then what a reference refers to: quick clicks on a slow network ended pages."""
    seen = visit("/transposed", fresh=True)
    for _ in range(2):
        seen.page.get_by_test_id("stNumberInputStepUp").first.click()
        seen.page.wait_for_timeout(300)
        settled(seen.page)
    large = [frame for frame in seen.recorder.received if len(frame) > 20_000]
    messages = [ForwardMsg.FromString(frame) for frame in seen.recorder.received]
    assert large
    assert not any(message.metadata.cacheable or message.ref_hash for message in messages)
