"""The frame around every page: navigation, the head of a lesson, look, presentation mode. ``app.py`` serves it as the
main script.

What a page can count on:

* A lesson's question, its neighbours, Code and Link stand above it, and torch is loaded by then.

* ``?present=1`` (or Shift+F) shows it for a projector: bigger type, no header. Containers whose key begins with
  ``extras`` are left out then; ``st.session_state.presenting`` tells the page.
* On a phone a lesson is one column. Inside ``st.container(key="lesson")`` with ``st.columns``, the containers with
  the keys ``stage_area``, ``controls`` and ``numbers`` come in that order, whatever column they stand in.
"""

from pathlib import Path

import streamlit as st

from models.text import quoted
from pages import _lesson
from pages._lessons import BY_PATH, LESSONS, once_a_part, topic
from viz import state
from viz.url import address_asked, last_word, literal, went_back, while_torch_loads

HERE = Path(__file__).resolve().parent
ICON = HERE.parent / "assets" / "icon.svg"
SHARED_NAMES = ("dims", "input", "weights", "picture")


def toggle_presenting() -> None:
    st.session_state.presenting = not st.session_state.presenting
    st.query_params.pop("present", None)


def leave_old_link() -> str:
    """Go on to where a link leads that names a part of a topic, as all did once; or a sentence that there is none."""
    name = st.query_params.pop("part")
    if went_back():
        return ""  # the way back leads past here: do not go on again
    part = once_a_part(lesson, name)
    if part and part != lesson:
        st.switch_page(part.file, query_params={key: st.query_params.get_all(key) for key in st.query_params})
    return "" if part else f"part: {quoted(name)} is not a part of this topic; {lesson.title} is shown."


def keep_topics_apart(section: str) -> None:
    """A setting that two topics call by one name has a value in each."""
    session = st.session_state
    if session.setdefault("_topic_of_settings", section) != section:
        held = session.setdefault("_settings_of_topics", {})
        left, session["_topic_of_settings"] = session["_topic_of_settings"], section
        held[left] = {name: session.pop(name) for name in SHARED_NAMES if name in session}
        session.update({name: value for name, value in held.get(section, {}).items() if name not in st.query_params})


sections = {"": [st.Page("home.py", title="ConvScope", url_path="", default=True)]}
for one in LESSONS:
    sections.setdefault(one.section, []).append(st.Page(one.file, title=one.title, url_path=one.url_path))
address = address_asked()
# Streamlit takes no other address for a page's.
if address and address == address.strip() and "/" not in address and address not in BY_PATH:
    st.session_state["_no_page"] = address
if "_no_page" in st.session_state:
    # Else Streamlit shows the home page, and a box over it that names neither the address nor the pages that there are.
    nowhere = st.session_state["_no_page"]
    sections[""].append(st.Page("no_page.py", title="No such page", url_path=nowhere, visibility="hidden"))
page = st.navigation(sections, position="top")
lesson = BY_PATH.get(page.url_path)
no_part = leave_old_link() if lesson and lesson == topic(lesson)[0] and "part" in st.query_params else ""
if went_back() and st.session_state.get("_page") != page.url_path:
    # Streamlit takes bound parameters out of the link of a page that one leaves, and would then set their widgets to
    # what a bare link means. In an ordinary run the session's values win.
    st.rerun()
st.session_state["_page_before"] = st.session_state.get("_page")
st.session_state["_page"] = page.url_path
# A Material or emoji icon in the tab would be fetched from a font host; a picture comes from this server.
st.set_page_config(
    page_title="ConvScope" if page.url_path == "" else f"{page.title} · ConvScope",
    page_icon=ICON,
    layout="wide",
)
st.logo(ICON, size="medium")

# Navigation clears the URL, so the session remembers the mode and the URL repeats it.
if "present" in st.query_params:
    asked = st.query_params["present"]
    st.session_state.presenting = asked == "1"
    if asked != "1":
        del st.query_params["present"]
    if asked not in ("0", "1"):
        # Not in the page, which would make room for it and close up again in the next run.
        st.toast(literal(f"present: {quoted(asked)} is neither 1 nor 0; the page is shown as usual."), duration="long")
presenting = st.session_state.setdefault("presenting", False)
st.session_state["_kept_presenting"] = presenting
if presenting:
    st.query_params["present"] = "1"

st.html(HERE / "_look.css")
if presenting:
    st.html(HERE / "_present.css")
with st.container(key="frame"):
    st.button(
        "Leave" if presenting else "Present",
        key="present_button",
        icon=":material/close_fullscreen:" if presenting else ":material/present_to_all:",
        help="Bigger type, no chrome: for a projector",
        type="tertiary",
        shortcut="shift+f",
        on_click=toggle_presenting,
    )

if lesson:
    keep_topics_apart(lesson.section)
    _lesson.draw_head(lesson)
    # torch takes seconds to load: the question is on screen by now.
    with while_torch_loads(500):
        import torch  # noqa: F401
state.begin(page.url_path)
state.tell(no_part)
with last_word():
    page.run()
state.finish()
if lesson:
    _lesson.draw_dialog()
