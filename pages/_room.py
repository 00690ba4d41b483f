"""The room in the frame of every page. A lecturer asks it the question on screen, and sees how many have answered, how,
and reveals; a phone has the ballot above every page, and follows.

``room`` in the link: its code for a phone, code and secret (``BCDF-…``) for who holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from models.text import plural
from pages._go import go
from rooms.here import rooms
from rooms.room import Poll, RoomError, Tally, code_of
from rooms.routes import who
from viz import state
from viz.components.ballot import ballot
from viz.export import sharing
from viz.figures import plot

if TYPE_CHECKING:
    from pages._question import Asking, Question

EVERY = 0.5
"""Seconds between two looks at the votes."""


def address() -> str:
    """Who asks, for limits."""
    return who(st.context.ip_address or "", st.context.headers.get("X-Forwarded-For") or "")


def take() -> str:
    """Take the room over from the link, which navigation clears: the session remembers it, and the link repeats it. A
    sentence if the room that this session holds does not answer."""
    asked = (state.parameters().get("room") or [None])[-1]
    if asked is not None and state.link_counts():
        state.remember("room", asked[:60] if "-" in asked else _spelled(asked))
    try:
        if key := held():
            rooms().tally(key)
    except RoomError as error:
        if error.status == 404:
            _forget()
        return error.sentence
    return ""


def _spelled(text: str) -> str:
    """A code as rooms spell it, or what was written in its place: the ballot tells that there is no such room."""
    try:
        return code_of(text)
    except RoomError:
        return text[:20].replace("-", " ")


def held() -> str:
    """The key of the room that this session holds; empty if it holds none."""
    room = state.recall("room") or ""
    return room if "-" in room else ""


def joined() -> str:
    """The code of the room that this session has joined as a phone; empty if it has not."""
    room = state.recall("room") or ""
    return "" if "-" in room else room


def _forget() -> None:
    for name in ("room", "room_dialog", "followed", "arrived", "around"):
        state.forget(name)


# -- the lecturer ------------------------------------------------------------------------------------------------------


def draw(asking: Asking, question: Question | None, waits: bool) -> None:
    """In the row of answers: the way to ask the room, while a question waits; then how many have answered, and the ways
    to the bars and the code. Once the page tells the answer, so does the room."""
    if told := state.recall("room_told"):
        state.forget("room_told")
        st.warning(told)
    if joined():
        return
    key = held()
    tally = _tally(key)
    name = _name(asking, question) if question else tally.name
    of_room = bool(question) and tally.waits and tally.name == name
    if question and waits and not of_room:
        st.button(
            "Ask the room", key="ask_room", icon=":material/how_to_vote:", type="tertiary",
            help="Phones answer this question: a QR code brings them in.", on_click=_ask, args=(asking, question),
        )  # fmt: skip
    elif of_room and not waits:
        _tried(rooms().reveal, key)
    if not key:
        return
    state.remember("room_asks", (asking, question) if question else None)
    with st.container(key="room_counted", width="content"):
        _counted(key, name)
    if tally.round and tally.name == name:
        st.button("Answers", key="room_answers", icon=":material/bar_chart:", on_click=_show, args=("answers",))
    if not state.recall("presenting"):  # else it stands in the bar
        st.button("Room", key="room_code", icon=":material/qr_code_2:", on_click=_show, args=("room",), type="tertiary")


def _on_screen() -> str:
    """The name of the question on this screen as rooms have it; empty if there is none."""
    asking: Asking | None = state.recall("asking")
    question = asking.on_screen() if asking else None
    return _name(asking, question) if asking and question else ""


def asked(asking: Asking, question: Question | None) -> bool:
    """Whether this phone is to answer the question in its ballot: then the page does not ask it, too."""
    try:
        return bool(question and (code := joined()) and rooms().waiting(code) == _name(asking, question))
    except RoomError:
        return False


def led() -> bool:
    """Whether this phone follows, so that the lecturer answers, not its visitor."""
    return bool((code := joined()) and state.recall("around") is False and rooms().leads(code))


def _name(asking: Asking, question: Question) -> str:
    return f"{asking.page} {question.name}"


def _tally(key: str) -> Tally:
    try:
        return rooms().tally(key) if key else Tally()
    except RoomError:
        return Tally()


def _tried(act, *given) -> bool:
    try:
        act(*given)
    except RoomError as error:
        state.remember("room_told", error.sentence)
        return False
    return True


def _ask(asking: Asking, question: Question) -> None:
    cells = state.recall(f"cells_{asking.page}") if question.cell else None
    poll = Poll(
        _name(asking, question), question.text, question.options, question.answer, question.explanation, cells,
        question.several,
    )  # fmt: skip
    if not held() and not _open():
        return
    _tried(rooms().ask, held(), poll)


def _open() -> bool:
    def act() -> None:
        state.remember("room", rooms().open(address()))
        _show("room")

    return _tried(act)


def _show(dialog: str) -> None:
    # Streamlit shows one dialog at a time.
    state.forget("dialog")
    state.remember("room_dialog", dialog)


def put_away() -> None:
    """Close the room's dialog: what it tells of is no longer on screen. For callbacks."""
    state.forget("room_dialog")


def show() -> None:
    """Open the dialog of the room, and a room if there is none. For callbacks."""
    if held() or _open():
        _show("room")


def finish() -> None:
    """Last in a run: tell the room what this screen shows, and draw the dialog that is open."""
    if not (key := held()):
        return
    try:
        rooms().show(key, state.here(), _on_screen())
    except RoomError:
        return  # told at the next run
    if state.recall("room_dialog") == "room":
        _draw_room(key)
    elif state.recall("room_dialog") == "answers":
        _draw_answers(key)


@st.fragment(run_every=EVERY)
def _counted(key: str, name: str) -> None:
    """How many have answered the question of this name; of another, how many are here."""
    try:
        tally = rooms().tally(key)
    except RoomError as error:
        st.markdown(error.sentence, width="content")
        return
    said = f"Room **{key.partition('-')[0]}** · " + _said(tally, name)
    st.markdown(f":material/groups: {said}", width="content")


def _said(tally: Tally, name: str) -> str:
    its = tally.round and tally.name == name
    return f"**{tally.answered}** of {tally.here} answered" if its else f"{plural(tally.here, 'phone')} here"


@st.dialog("The room", width="large", on_dismiss=put_away)
def _draw_room(key: str) -> None:
    if state.recall("room_dialog") != "room":
        st.rerun()
    code = key.partition("-")[0]
    link, here = sharing.class_link(f"room?room={code}")
    picture, text = st.columns([1, 1], gap="medium")
    with picture:
        svg = sharing.qr(link, sized=False)
        framed = f'<div role="img" aria-label="QR code of the room" class="qr">{svg}</div>'
        st.markdown(framed, unsafe_allow_html=True)
    with text:
        st.html(f'<p class="code">{code}</p>')
        parts = urlsplit(link)
        st.markdown(f"Scan, or open **{parts.netloc}{parts.path}** and type the four letters.")
        if here:
            st.warning(here)
        _counted(key, _on_screen() or _tally(key).name)
        st.toggle(
            "Phones follow me",
            value=_tally(key).follow,
            key="room_follow",
            help="They show the page that this screen shows, until somebody looks around alone",
            on_change=_follow,
            args=(key,),
        )
        with st.popover("End the room", icon=":material/delete:", type="tertiary"):
            st.write("All answers and scores go with it.")
            st.button("End it", key="room_end", on_click=_end, args=(key,))


def _follow(key: str) -> None:
    _tried(rooms().show, key, state.here(), _on_screen(), bool(state.heard("room_follow")))


def _end(key: str) -> None:
    _tried(rooms().close, key)
    _forget()


@st.dialog("Answers", width="large", on_dismiss=put_away)
def _draw_answers(key: str) -> None:
    if state.recall("room_dialog") != "answers" or state.recall("room_revealed"):
        state.forget("room_revealed")
        st.rerun()
    tally, asks = _tally(key), state.recall("room_asks")
    st.markdown(f"**{tally.text}**")
    _bars(key)
    if tally.waits:
        asking = asks[0] if asks and tally.name == _name(*asks) else None
        st.button("Reveal", key="room_reveal", icon=":material/visibility:", on_click=_reveal, args=(key, asking))


def _reveal(key: str, asking: Asking | None) -> None:
    """Tell the phones what is right, and the page, too, if the question stands there."""
    if asking:
        asking.reveal()
    _tried(rooms().reveal, key)
    state.remember("room_revealed", True)


@st.fragment(run_every=EVERY)
def _bars(key: str) -> None:
    tally = _tally(key)
    st.markdown(_said(tally, tally.name))
    told = ", ".join(f"{option}: {count}" for option, count in tally.counts.items())
    right, large = tally.right if tally.revealed else (), bool(state.recall("presenting"))
    if tally.cells:
        figure = plot.marked(tally.counts, tally.cells, right, large=large)
    else:
        figure = plot.votes(tally.counts, right, large=large)
    plot.chart(figure, key="votes", alt=f"How many gave each answer. {told}.", numbers=False)


# -- a phone -----------------------------------------------------------------------------------------------------------


def draw_ballot() -> None:
    """The ballot of a phone, last in a run: its visitor looks around if the page is no longer as the lecturer's was."""
    here = state.here()
    if state.recall("arrived") is None:
        state.remember("arrived", here)
    around = not here.startswith("room") and here != state.recall("arrived")
    state.remember("around", around)
    ballot(joined(), state.recall("followed"), around, _on_screen(), key="ballot", on_go=_go, on_leave=_forget)


def _go() -> None:
    page = (state.heard("ballot", "go") or {}).get("page")
    if isinstance(page, str):
        state.remember("followed", page[:4000])
        state.forget("arrived")
        go(page[:4000], at_its_word=True)


def enter(code: str | None = None) -> None:
    """Take this code, or the one that was typed. For callbacks."""
    try:
        state.remember("room", rooms().find(code or state.heard("typed_code") or "", address()))
    except RoomError as error:
        state.remember("room_told", error.sentence)
