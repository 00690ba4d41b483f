"""What the server refers to, the browser has."""

import ast
from collections import deque
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from viz.runs import Kept

ROOT = Path(__file__).resolve().parents[2]
AGE = 3


class Browser:
    """Streamlit's cache of messages, which forgets by the ends of runs that have arrived."""

    def __init__(self) -> None:
        self.seen, self.ends = {}, 0

    def take(self, sent: list[tuple[str, bool]]) -> None:
        for message, refers in sent:
            assert not refers or message in self.seen, "Cached ForwardMsg MISS"
            self.seen[message] = self.ends
        self.ends += 1
        self.seen = {one: at for one, at in self.seen.items() if self.ends - at <= AGE}


def missed(visit: list[tuple[list[str], int]], *, careful: bool) -> bool:
    """Runs by their messages, and how many answers have come when the request for each is made."""
    browser, under_way, used, requests = Browser(), deque(), {}, []
    try:
        for now, (messages, come) in enumerate(visit):
            for _ in range(min(come, len(under_way))):
                browser.take(under_way.popleft())
            requests.append(frozenset(browser.seen))
            kept = Kept(requests[-1], used, now, AGE) if careful else requests[-1]
            under_way.append([(one, one in kept) for one in messages])
        while under_way:
            browser.take(under_way.popleft())
    except AssertionError:
        return True
    return False


FAR = [(["a"], 0), (["b"], 9), (["c"], 9), (["d"], 9), (["a"], 0)]


@given(st.lists(st.tuples(st.lists(st.sampled_from("abcd"), max_size=3), st.integers(0, 4)), max_size=30))
@example(FAR)
def test_nothing_is_referred_to_that_the_browser_may_have_forgotten(visit):
    assert not missed(visit, careful=True)


def test_by_its_own_account_it_may():
    assert missed(FAR, careful=False)


def test_what_comes_with_every_run_is_referred_to():
    used = {}
    assert [("a" in Kept({"a"}, used, run, AGE)) for run in (1, 2, 3, 7, 8)] == [False, True, True, False, True]
    assert "b" not in Kept(set(), used, 9, AGE)


def counted() -> None:
    """A script with a fragment."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    from viz import runs

    @runs.fragment
    def part() -> None:
        st.session_state["kept"] = type(get_script_run_ctx().cached_message_hashes)
        st.button("again")

    part()


def test_runs_are_counted():
    app = AppTest.from_function(counted).run()
    assert app.session_state["kept"] is Kept
    assert app.button[0].click().run().session_state["_run"] == 2


def test_all_fragments_and_dialogs_are_counted():
    files = [file for folder in ("viz", "pages") for file in (ROOT / folder).rglob("*.py") if file.name != "runs.py"]
    uncounted = [
        f"{file.name}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("st.fragment", "st.dialog")
    ]
    assert len(files) > 50
    assert uncounted == []
