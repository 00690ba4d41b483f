"""The thin bar of a page that is presented, and what its keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages import _room, _run
from pages._go import go
from pages._lessons import LESSONS, Lesson, topic
from viz import state, words
from viz.components.keys import keys
from viz.export import sharing

if TYPE_CHECKING:
    from pages._question import Asking

STEPS = {"Space → ↓ Page down": "a step forward", "← ↑ Page up": "a step back"}
IN_RUN = {"Space → ↓": "a step forward", "← ↑": "a step back", "Page down": "the next step of your run"}
IN_RUN |= {"Page up": "the one before"}
TOLD = {
    "N": "next question",
    "R": "reveal the answer",
    "C": "cover it again",
    "M": "the matrix",
    "Q": "QR code of this page",
    "B": "dark screen",
    "?": "this list",
    "Shift F": "leave the presentation",
}


def _titles() -> dict[str, str]:
    lessons = {one.url_path: one.full for one in LESSONS}
    return {"": "ConvScope"} | lessons | {words.PAGE: "Words"}


def _chosen() -> None:
    go(state.heard("pages"))


def _pressed(lesson: Lesson | None, asking: Asking | None) -> None:
    done = state.recall("pressed", 0)
    for one in state.heard("keys", "key") or ():
        if one["at"] > done:
            state.remember("pressed", one["at"])
            _press(one["key"], lesson, asking)


def _press(key: str, lesson: Lesson | None, asking: Asking | None) -> None:
    if key in ("pagedown", "pageup"):
        _run.walk(1 if key == "pagedown" else -1)
    elif key == "q":
        state.remember("code", True)
    elif asking and key == "n":
        asking.ask_next()
    elif asking and key == "r":
        asking.reveal()
    elif asking and key == "c":
        asking.cover()
    elif lesson and key.isdigit() and 0 < int(key) <= len(topic(lesson)):
        go(topic(lesson)[int(key) - 1].url_path)


def draw_bar(lesson: Lesson | None) -> None:
    """Pages, the QR code and the keys. After the page, whose link the code holds."""
    titles = _titles()
    _run.draw_place()
    st.menu_button("Pages", list(titles), key="pages", format_func=titles.get, on_click=_chosen, type="tertiary")
    if not _room.joined():
        st.button("Room", key="bar_room", icon=":material/groups:", on_click=_room.show, type="tertiary")
    neighbours = topic(lesson) if lesson else []
    numbers = {f"1 … {len(neighbours)}": ", ".join(one.title for one in neighbours)} if neighbours[1:] else {}
    steps, turned = (STEPS, ()) if _run.at() is None else (IN_RUN, ("pagedown", "pageup"))
    link, here = sharing.class_link()
    # Made when it is asked for: that of a long link takes a second.
    code = sharing.qr(link, sized=False) if state.recall("code") else None
    state.forget("code")
    asking = state.recall("asking")
    told, sent = steps | TOLD | numbers, [*"rc123456789", *(["n"] if asking else ()), *turned]
    # A run that the next key cuts short has not drawn its question: that key is for the one drawn last.
    keys(here or link, code, told, sent, key="keys", on_key=lambda: _pressed(lesson, asking))
