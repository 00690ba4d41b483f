"""Values that a page gives its controls: by a preset, or because another setting asks for them.

Until the browser has the answer, what it sends still carries the values of before. Streamlit would take them for the
visitor's, and the controls would then show what was given and the picture what was not. So the values are remembered
until a request repeats them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


@dataclass
class Given:
    """A value, the run in which it was given, and what its control had before."""

    value: Any
    run: int
    before: tuple[Any, ...] = ()


def _run() -> int:
    """The number of this run, from its callbacks on."""
    state = st.session_state
    cursors = getattr(get_script_run_ctx(), "cursors", None)  # Streamlit's own: new with each run
    if state.get("_cursors") is not cursors:
        state["_cursors"], state["_run"] = cursors, state.get("_run", 0) + 1
    return state.get("_run", 0)


def give(values: Mapping[str, Any]) -> None:
    """Give controls their values, by key, where they have others. For callbacks, and before they are drawn."""
    state, waiting = st.session_state, st.session_state.setdefault("_given", {})
    for key, value in values.items():
        had = state.get(key)
        if key in state and had == value and type(had) is type(value):
            continue
        before = waiting[key].before if key in waiting else ()
        repeat(key, value)
        if had is not None and had != value:
            waiting[key].before = (*before, had)


def repeat(key: str, value: Any) -> None:
    """Give a control the value that it has: the browser has another by now, or forgets it."""
    waiting = st.session_state.setdefault("_given", {})
    before = waiting[key].before if key in waiting and waiting[key].value == value else ()
    st.session_state[key] = value
    waiting[key] = Given(value, _run(), before)


def heard(shown: Mapping[str, Any]) -> None:
    """Before the controls of a run are read: give once more what a request of before the answer does not know.

    ``shown``: what the page last showed, by key. A value of before that comes back alone, while nothing else has
    changed, is the visitor's own.
    """
    state, waiting = st.session_state, st.session_state.get("_given", {})
    earlier = {key: one for key, one in waiting.items() if one.run < _run()}
    for key in [key for key, one in earlier.items() if key not in state or state[key] == one.value]:
        del waiting[key], earlier[key]
    late = [key for key, one in earlier.items() if state[key] in one.before]
    more = any(key in state and state[key] != value for key, value in shown.items() if key not in late)
    for key, one in earlier.items():
        if key in late and (more or len(late) > 1):
            state[key] = one.value
        else:
            repeat(key, state[key])


def forget() -> None:
    """The link counts now."""
    st.session_state.pop("_given", None)
