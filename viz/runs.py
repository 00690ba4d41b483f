"""Runs of the app and of its fragments, counted, so that quick ones cannot break a page.

Of a large message that the browser says to have kept, Streamlit sends a reference. The browser forgets what it has not
seen for ``global.maxCachedMessageAge`` runs, and counts a run when its end arrives. Where answers are still under way,
as after two quick clicks over a slow network, it may have forgotten by then what it said that it had: "Cached
ForwardMsg MISS", and the page is dead. The server knows all runs, so here it says what it may refer to.

:func:`begin` stands first in the main script; fragments and dialogs are made by the decorators of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


class Kept(frozenset):
    """Hashes that the browser says to have kept. One is in it if, besides, it was asked for in the last ``age`` runs.

    ``used``: the run that last asked for each, kept over the runs of a session; asking notes it. ``now``: this run.
    """

    def __new__(cls, hashes: Collection[str], used: dict[str, int], now: int, age: int) -> Kept:
        self = super().__new__(cls, hashes)
        for old in [one for one, run in used.items() if now - run > age]:
            del used[old]
        self.used, self.now = used, now
        return self

    def __contains__(self, one: object) -> bool:
        recent = one in self.used
        self.used[one] = self.now
        return recent and super().__contains__(one)


def begin() -> None:
    """Count this run, unless that is done."""
    context, state = get_script_run_ctx(), st.session_state
    hashes = getattr(context, "cached_message_hashes", None)  # Streamlit's own: it may go with a later version
    if hashes is None or isinstance(hashes, Kept):
        return
    now = state["_run"] = state.get("_run", 0) + 1
    used = state.setdefault("_messages", {})
    age = st.get_option("global.maxCachedMessageAge")
    context.cached_message_hashes = Kept(hashes, used, now, age)


def now() -> int:
    """The number of this run, also in the callbacks that come before it."""
    begin()
    return st.session_state.get("_run", 0)


def _counted(function: Callable) -> Callable:
    @wraps(function)
    def run(*args, **kwargs):
        begin()
        return function(*args, **kwargs)

    return run


def fragment(function: Callable) -> Callable:
    """As ``st.fragment``."""
    return st.fragment(_counted(function))


def dialog(title: str, **options) -> Callable[[Callable], Callable]:
    """As ``st.dialog``."""
    return lambda function: st.dialog(title, **options)(_counted(function))
