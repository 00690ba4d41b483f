"""The prepared run of a lecturer: pages as they are to be shown, walked one after the other in a presentation.

``run`` in the link: the run, and behind ``~`` the step that is shown, so that it outlives a reload.
"""

from __future__ import annotations

import streamlit as st

from models.errors import FileError
from models.prepared import LONGEST_TITLE, MOST, Step, pack, read_file, unpack
from models.text import plural
from pages import _go
from pages._lessons import BY_PATH, Lesson
from viz import state

PAGE = "run.py"
PATHS = {"", *BY_PATH}


def steps() -> tuple[Step, ...]:
    """Those of the run, in their order."""
    return state.recall("run_steps", ())


def at() -> int | None:
    """Which of them is shown, from 0, if the run is walked."""
    return state.recall("run_at")


def keep(run: tuple[Step, ...], shown: int | None = None) -> None:
    """Keep a run, in the session and in the link. For callbacks."""
    state.remember("run_steps", run)
    state.remember("run_at", shown if run else None)
    place = "" if shown is None else f"~{shown + 1}"
    state.remember("run", pack(run) + place if run else None)


def take() -> str:
    """Take the run over from the link, which navigation clears: the session remembers it, and the link repeats it. A
    sentence if it is none."""
    asked = (state.parameters().get("run") or [None])[-1]
    if asked is None or not state.link_counts() or asked == state.recall("run"):
        return ""
    text, _, place = asked.partition("~")
    try:
        run = unpack(text, PATHS)
    except FileError as error:
        return f"run: {error.message}"
    fits = place.isascii() and place.isdigit() and len(place) < 4 and 0 < int(place) <= len(run)
    keep(run, int(place) - 1 if fits else None)
    return ""


# -- a step more -------------------------------------------------------------------------------------------------------


def draw_add(lesson: Lesson) -> None:
    """In the dialog of the link: this page, as it is, becomes the last step."""
    if state.recall("run_added"):
        state.forget("run_added")
        st.rerun()  # all of the page, whose link then holds the run
    run = steps()
    if len(run) >= MOST:
        st.caption(f"Your prepared run is full: it has {MOST} steps.")
        return
    with st.form("add_step", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Title", lesson.title, key="step_title", max_chars=LONGEST_TITLE)
        st.form_submit_button("Add to a prepared run", icon=":material/playlist_add:", on_click=_add)
    if not run:
        st.caption("The run stays in the address of each page that you open from here on.")
    else:
        st.page_link(PAGE, label=f"Your prepared run: {plural(len(run), 'step')}", icon=":material/playlist_play:")


def _add() -> None:
    run, page = steps(), state.here()
    step = Step((state.heard("step_title") or "").strip() or page.partition("?")[0], page)
    # Enter in the title has added it already when the button is pressed, too.
    if len(run) < MOST and (step,) != run[-1:]:
        state.remember("run_added", True)
        keep((*run, step), at())


# -- the list: for callbacks -------------------------------------------------------------------------------------------


def move(number: int, by: int) -> None:
    """Change places with a neighbour."""
    run, other = list(steps()), number + by
    if 0 <= number < len(run) and 0 <= other < len(run):
        run[number], run[other] = run[other], run[number]
        keep(tuple(run))


def remove(number: int) -> None:
    keep(tuple(one for i, one in enumerate(steps()) if i != number))


def rename(number: int) -> None:
    run, title = list(steps()), (state.heard(f"run_title_{number}") or "").strip()
    if number < len(run) and title:
        run[number] = Step(title, run[number].page)
        keep(tuple(run))


def load() -> None:
    """Open the file that was uploaded."""
    if (upload := state.heard("run_file")) is None:
        return
    try:
        keep(read_file(upload.getvalue(), PATHS))
    except FileError as error:
        state.remember("run_told", error.message)


# -- walking -----------------------------------------------------------------------------------------------------------


def walk(by: int) -> None:
    """Go on, or back, by so many steps; not past the ends."""
    shown = at()
    if shown is not None:
        go(shown + by)


def go(number: int) -> None:
    """Show a step, for a projector."""
    if 0 <= number < len(steps()):
        keep(steps(), number)
        state.remember("presenting", True)
        _go.go(steps()[number].page, at_its_word=True)


def draw_place() -> None:
    """In the bar of a presentation: where in the run it is, and the way to each step."""
    shown, run = at(), steps()
    if shown is None:
        return
    # As it was typed, not as Markdown.
    titles = {number: f"{number + 1} {state.escaped(one.title)}" for number, one in enumerate(run)}
    st.menu_button(
        f"{shown + 1} / {len(run)}", list(titles), key="run_menu", format_func=titles.get, type="tertiary",
        on_click=_chosen, help="Page down: the next step of your run. Page up: the one before.",
    )  # fmt: skip


def _chosen() -> None:
    if isinstance(number := state.heard("run_menu"), int):
        go(number)
