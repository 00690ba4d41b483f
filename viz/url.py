"""Choices that a page reads before it draws their widgets: from the session, or from the link that opened it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import SequenceMatcher
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.text import quoted

T = TypeVar("T")
ALIKE = 0.7
"""From 0 to 1: how much a name must be like another to be taken for a slip."""


def asked(key: str, read: Callable[[str], T], default: T) -> tuple[T, str]:
    """The value of a bound widget that is not drawn yet, and a sentence if the link held one that cannot be read.

    ``read`` raises ``ValueError`` with a sentence that says what would be right.
    """
    state = st.session_state
    # After the browser's back button the widget takes its value from the link, but only when it is drawn.
    if state.get(key) is not None and not went_back():
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
            apart = any("," in option for option in options)
            shown = ", ".join(f"“{option}”" if apart else option for option in options[:12])
            shown += ", …" if len(options) > 12 else ""
            raise ValueError(f"{quoted(text)} is none of {shown}: it is left out.")
        return text

    return read


def went_back() -> bool:
    """Whether the browser's back or forward button asked for this run. The URL alone does not tell: what comes with a
    request can be older than what the run before has written."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def came_back() -> bool:
    """Whether the run before this one was of another page, or there was none: where the link is bare, the session knows
    what this page was left with."""
    state = st.session_state
    return state.get("_page_before") != state.get("_page")


def address_asked() -> str:
    """The name behind the last slash of the address with which this session was opened, in its first run at least."""
    return getattr(getattr(get_script_run_ctx(), "pages_manager", None), "intended_page_name", None) or ""


def near(name: str, known: Iterable[str]) -> list[str]:
    """The known name that is most like this one, by ``difflib``, and those that are hardly less so; often none.

    The beginning of a name (``pad``) is most like it, one of its words (``kernel``) nearly so.
    """

    def like(other: str) -> float:
        return SequenceMatcher(None, name, other).ratio()

    def likeness(each: str) -> float:
        if len(name) > 2 and each.startswith(name):
            return 1.0
        return max(like(each), *(0.9 * like(word) for word in re.split("[_-]", each)))

    found = {each: likeness(each) for each in dict.fromkeys(known)}
    best = max(found.values(), default=0)
    return [each for each, ratio in found.items() if ratio >= max(ALIKE, best - 0.05)]


def no_setting(name: str, known: Iterable[str]) -> str:
    """What is told about a parameter that a page does not know, with the name that may be meant."""
    meant = near(name[:60], known)[:2]
    hint = f" Perhaps you mean {' or '.join(quoted(each) for each in meant)}." if meant else ""
    return f"{quoted(name)} is not a setting of this page: it is left out.{hint}"


def unknown(known: Iterable[str]) -> list[str]:
    """A sentence for each parameter of the link that no widget of the page owns; the parameter is dropped."""
    known = tuple(known)
    strange = [name for name in st.query_params if name not in (*known, "present") and not name.startswith("embed")]
    for name in strange:
        del st.query_params[name]
    return [no_setting(name, known) for name in strange]


def literal(sentence: str) -> str:
    """A sentence for Streamlit's Markdown in which everything between quotation marks stands as it was written."""
    return re.sub(r"“[^”]*”|\"[^\"]*\"", lambda m: re.sub(r"([\\`*_{}\[\]<>#$~:|])", r"\\\1", m[0]), sentence)


def tell_once(sentences: Iterable[str]) -> None:
    """Show what a link held and could not be taken over; it stays for the run in which the link was read."""
    for sentence in dict.fromkeys(filter(None, sentences)):
        st.warning(literal(sentence), icon=":material/info:")


def into_link(name: str, text: str) -> None:
    """Spell a parameter in the link, if it is not there yet; an empty one leaves it."""
    query = st.query_params
    if not text:
        query.pop(name, None)
    elif query.get_all(name) != [text]:
        query[name] = text


def misread(readers: Mapping[str, Callable[[str], object]]) -> list[str]:
    """Before the widgets are drawn: a sentence for each value of the link that none of them can take; it is taken out.

    ``readers``: as for :func:`asked`, by parameter. Streamlit itself drops such a value without a word, and keeps it
    where its widget is not drawn.
    """
    told = {key: sentence for key, read in readers.items() if (sentence := asked(key, read, None)[1])}
    for key in told:
        into_link(key, "")
    return list(told.values())


def say(values: Mapping[str, Any], usually: Mapping[str, Any]) -> None:
    """Tell :func:`last_word` what bound widgets hold, by parameter, and what the link leaves out."""
    said = {key: (_spelled(value), _spelled(usually.get(key))) for key, value in values.items()}
    st.session_state["_link_is"] = said


def _spelled(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def last_word() -> Iterator[None]:
    """Around a run in which widgets and the page both write the link: the last of several quick runs leaves it whole.

    What a run writes replaces the whole link, and with it what the visitor has chosen while it was under way. The
    request for that choice still knows it, in its link or at least in its widgets, of which :func:`say` tells; so the
    run that answers it says the link once more.
    """
    link = lambda: {name: st.query_params.get_all(name) for name in st.query_params}  # noqa: E731
    state, before, context = st.session_state, link(), get_script_run_ctx()
    written = state.get("_link_written")
    crossed = written is not None and written != before
    state.pop("_link_is", None)
    try:
        yield
        mended = {}
        for key, (value, usual) in state.get("_link_is", {}).items():
            if st.query_params.get(key, usual) != (usual if value is None else value):
                mended[key] = [] if value in (None, usual) else [value]
        # After the back button the link is right, and to say it once more would end the way forward.
        if context is not None and (crossed or mended) and not went_back():
            message = ForwardMsg()
            message.page_info_changed.query_string = urlencode(link() | mended, doseq=True)
            context.enqueue(message)  # the browser leaves it alone where it is what it has
    finally:
        after = link()
        state["_link_written"] = after if crossed or after != before else None


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
