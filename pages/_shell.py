"""The frame around every page: navigation, the head of a lesson, look, presentation mode. ``app.py`` serves it as the
main script.

What a page can count on:

* A lesson's question, its neighbours, Code and Link stand above it, and torch is loaded by then.
* ``?present=1`` (or Shift+F) shows it for a projector: bigger type, a thin bar for a header, the controls of
  ``_lesson.columns`` folded, and keys. Containers whose key begins with ``extras`` are left out then;
  ``state.recall("presenting")`` tells the page.
* On a phone a lesson is one column. Inside ``st.container(key="lesson")`` with ``st.columns``, the containers with
  the keys ``stage_area``, ``controls`` and ``numbers`` come in that order, whatever column they stand in.
"""

import sys
from contextlib import nullcontext

import streamlit as st

from models.text import quoted
from pages import _lesson, _present, _room, _run
from pages._go import FILES, sections, wanted
from pages._lessons import BY_PATH, once_a_part, topic
from pages._look import ICON, LOOK, PRESENTED
from viz import state, words
from viz.components.opened import opened
from viz.components.words import words as meanings
from viz.private import address_asked, went_back


def toggle_presenting() -> None:
    state.remember("presenting", not state.recall("presenting"))


def leave_old_link() -> str:
    """Go on to where a link leads that names a part of a topic, as all did once; or a sentence that there is none."""
    name = state.parameter("part") or ""
    if went_back():
        return ""  # the way back leads past here: do not go on again
    part = once_a_part(lesson, name)
    if part and part != lesson:
        st.switch_page(part.file, query_params=state.parameters())
    return "" if part else f"part: {quoted(name)} is not a part of this topic; {lesson.title} is shown."


address = address_asked()
# Streamlit takes no other address for a page's.
if address and address == address.strip() and "/" not in address and address not in FILES:
    state.remember("no_page", address)
    all_pages = sections(nowhere=address)
else:
    all_pages = sections()
page = st.navigation(all_pages, position="top")
lesson = BY_PATH.get(page.url_path)
no_part = leave_old_link() if lesson and lesson == topic(lesson)[0] and "part" in state.parameters() else ""
if there := wanted(page.url_path):
    st.switch_page(there[0], query_params=there[1])
with state.run_of(page.url_path):
    # A Material or emoji icon in the tab would be fetched from a font host; a picture comes from this server.
    st.set_page_config(
        page_title="ConvScope" if page.url_path == "" else f"{page.title} · ConvScope",
        page_icon=ICON,
        layout="wide",
    )
    st.logo(ICON, size="medium")

    # Navigation clears the link, so the session remembers the mode and the link repeats it; but the way back may lead
    # to before there was one.
    asked = (state.parameters().get("present") or ["0" if went_back() else None])[-1]
    if asked is not None and state.link_counts():
        state.remember("presenting", asked == "1")
        if asked not in ("0", "1"):
            # Not in the page, which would make room for it and close up again in the next run.
            told = f"present: {quoted(asked)} is neither 1 nor 0; the page is shown as usual."
            st.toast(state.literal(told), duration="long")
    presenting = state.recall("presenting", False)
    told = no_part, _room.take(), _run.take()
    if went_back():
        # As everywhere, the way back closes what is open.
        state.forget("dialog")
        state.forget("room_dialog")

    st.html(LOOK)
    if presenting:
        st.html(PRESENTED)
    # Presented, Tab comes to the picture before it comes to the bar.
    body = st.container(key="presented") if presenting else nullcontext()
    with st.container(key="frame"):
        more = st.container(key="bar", horizontal=True, width="content", gap="xxsmall") if presenting else nullcontext()
        st.button(
            "Leave" if presenting else "Present",
            key="present_button",
            icon=":material/close_fullscreen:" if presenting else ":material/present_to_all:",
            help="Bigger type, no chrome: for a projector",
            type="tertiary",
            shortcut="shift+f",
            on_click=toggle_presenting,
        )

    state.forget("asking")
    words.begin()
    with body:
        # On its own page the ballot stands below the title.
        above = st.container() if _room.joined() and page.url_path != "room" else None
        if lesson:
            _lesson.draw_head(lesson)
            # torch takes seconds to load: the question is on screen by now.
            place = st.empty()
            if "torch" not in sys.modules:
                place.skeleton(500)
                import torch  # noqa: F401
            place.empty()
            state.tell_here()
        state.tell(*told)
        page.run()
        below = st.container()
    state.finish()
    if _room.joined():
        with above or below:
            _room.draw_ballot()
    if presenting:
        with more:
            _present.draw_bar(lesson)
    meanings()
    if lesson:
        opened(lesson.url_path)
        _lesson.draw_dialog()
    _room.finish()
