"""Choices that a page reads before it draws their widgets: from the session, or from the link that opened it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import streamlit as st

from models.spec import quoted

T = TypeVar("T")


def asked(key: str, read: Callable[[str], T], default: T) -> tuple[T, str]:
    """The value of a bound widget that is not drawn yet, and a sentence if the link held one that cannot be read.

    ``read`` raises ``ValueError`` with a sentence that says what would be right.
    """
    state = st.session_state
    if state.get(key) is not None:
        return state[key], ""
    text = st.query_params.get(key)
    if text is None:
        return default, ""
    try:
        return read(text), ""
    except ValueError as error:
        return default, f"{key}: {error}"


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number between two ends, both included."""

    def read(text: str) -> int:
        if not (text.isascii() and text.lstrip("-").isdigit() and len(text) < 10) or not low <= int(text) <= high:
            raise ValueError(f"“{text[:20]}” is not a whole number from {low} to {high}: it is left out.")
        return int(text)

    return read


def one_of(options: Iterable[str]) -> Callable[[str], str]:
    """Reads one of some words, as the link spells them."""
    options = list(options)

    def read(text: str) -> str:
        if text not in options:
            shown = ", ".join(options[:12]) + (", …" if len(options) > 12 else "")
            raise ValueError(f"{quoted(text)} is none of {shown}: it is left out.")
        return text

    return read


def unknown(known: Iterable[str]) -> list[str]:
    """A sentence for each parameter of the link that no widget of the page owns; the parameter is dropped."""
    known = {*known, "present"}
    strange = [name for name in st.query_params if name not in known and not name.startswith("embed")]
    for name in strange:
        del st.query_params[name]
    return [f"{quoted(name)} is not a setting of this page: it is left out." for name in strange]


def tell_once(sentences: Iterable[str]) -> None:
    """Show what a link held and could not be taken over; it stays for the run in which the link was read."""
    for sentence in dict.fromkeys(filter(None, sentences)):
        st.warning(sentence, icon=":material/info:")


def keep_alive(keys: Iterable[str]) -> None:
    """Keep what was chosen in widgets that this run does not draw; Streamlit would forget it."""
    for key in keys:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]


@contextmanager
def while_torch_loads(height: int) -> Iterator[None]:
    """A placeholder of that height in px while the imports inside load torch for the first time; later nothing."""
    place = st.empty()
    if "torch" not in sys.modules:
        place.skeleton(height)
    yield
    place.empty()


def put(key: str, value: Any) -> None:
    """Give a widget its value before it is drawn, if it has another one."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value
