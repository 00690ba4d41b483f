"""What the app uses of Streamlit that Streamlit does not promise to keep, and what happens without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.elements import arrow
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import SafeSessionState

if TYPE_CHECKING:
    import pyarrow


def went_back() -> bool:
    """Whether the browser's back or forward button asked for this run. The link alone does not tell: what comes with
    a request can be older than what the run before has written. Without it, those buttons change the link and not the
    page."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def address_asked() -> str:
    """The name behind the last slash of the address with which this session was opened, in its first run at least.
    Without it, Streamlit's own box tells of an address that is no page's."""
    return getattr(getattr(get_script_run_ctx(), "pages_manager", None), "intended_page_name", None) or ""


row_seen = st.components.v2.component(
    "convscope_row",
    js="""
export default function ({ data: { table, row, seen, names }, parentElement }) {
  const told = JSON.stringify(names), moved = parentElement.told !== told || (parentElement.row !== row && !seen);
  Object.assign(parentElement, { told, row });
  const show = (left) => {
    const frame = document.querySelector(`.st-key-${table} .dvn-scroller`);
    if (!frame) return left && setTimeout(show, 100, left - 1);
    const each = frame.scrollHeight / (names.length + 1), top = each * (row ?? 0), room = frame.clientHeight - each;
    if (top < frame.scrollTop || top + each > frame.scrollTop + room) frame.scrollTop = top - room / 2;
  };
  if (moved) show(50);
}
""",
)
"""Brings a row of the table of this key to where it is seen, the first where none is chosen: Streamlit marks a row that
the page chooses, and leaves it where it is, and other rows as far down as those before were scrolled. Without the name
that a table's scrolled part has now, that is so again."""


class _Looked(Mapping):
    """A session's values, each looked up when it is asked for."""

    def __init__(self, session: SafeSessionState, all_of: property) -> None:
        self._session, self._all = session, all_of

    def __getitem__(self, key: str) -> Any:
        return self._session[key]

    def __contains__(self, key: object) -> bool:
        return key in self._session

    def __iter__(self) -> Iterator[str]:
        return iter(self._all.fget(self._session))

    def __len__(self) -> int:
        return len(self._all.fget(self._session))

    def __repr__(self) -> str:
        return repr(self._all.fget(self._session))


if isinstance(_all := getattr(SafeSessionState, "filtered_state", None), property):
    # Each number box, slider and list asks this for one value, and is given all that the session holds, read anew: a
    # fifth of what a run of a page with many of them cost. Without it, it costs that again.
    SafeSessionState.filtered_state = property(lambda session: _Looked(session, _all))


def _unbroken(run_callbacks: Callable) -> Callable:
    @wraps(run_callbacks)
    def run(session: SafeSessionState, *args: Any, **how: Any) -> None:
        kept = getattr(session, "_yield_callback", None)
        object.__setattr__(session, "_yield_callback", lambda: None)
        try:
            run_callbacks(session, *args, **how)
        finally:
            object.__setattr__(session, "_yield_callback", kept)

    return run


if _callbacks := getattr(SafeSessionState, "on_script_will_rerun", None):
    # Streamlit breaks a run off for a newer request wherever it asks for a value, in a callback too: of a click that
    # another followed at once, half was done or nothing. Now it does so only before and after all callbacks. Without
    # it, clicks and keys that follow each other quickly get lost on a busy server.
    SafeSessionState.on_script_will_rerun = _unbroken(_callbacks)


_words: ContextVar[bytes | None] = ContextVar("words", default=None)


@contextmanager
def read_as(words: pyarrow.Table) -> Iterator[None]:
    """The cells of a table that is drawn inside are read as these; it sorts by what it holds. pandas' Styler does that
    too, and takes twenty times as long. Without it, numbers are read as Streamlit writes them."""
    token = _words.set(arrow.dataframe_util.convert_arrow_table_to_arrow_bytes(words))
    try:
        yield
    finally:
        _words.reset(token)


def _with_words(marshall: Callable) -> Callable:
    @wraps(marshall)
    def columns_and_words(proto: Any, *args: Any) -> None:
        marshall(proto, *args)
        if (words := _words.get()) is not None:
            proto.arrow_data.styler.uuid = "words"
            proto.arrow_data.styler.display_values = words

    return columns_and_words


if _columns := getattr(arrow, "marshall_column_config", None):
    arrow.marshall_column_config = _with_words(_columns)
