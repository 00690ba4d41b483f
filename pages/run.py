"""A lecturer's prepared run: its steps in their order, to walk, to change and to take along."""

import streamlit as st

from models.prepared import LONGEST_TITLE, write_file
from models.text import plural
from pages import _run
from viz import state
from viz.export import sharing
from viz.state import Text

st.title("Your prepared run")
run = _run.steps()
if run:
    st.markdown(f"{plural(len(run), 'step')}, walked with Page down and Page up: on a presenter, its two buttons.")
else:
    st.markdown(
        "Open a page and set it as your class is to see it, its question covered or not. Press **Link** there, then "
        "**Add to a prepared run**. What you add stands here, in the order in which you will show it."
    )
with st.container(horizontal=True, vertical_alignment="center"):
    if run:
        st.button("Start", key="run_start", type="primary", icon=":material/play_arrow:", on_click=_run.go, args=(0,))
        st.download_button(
            "Download", write_file(run), "run.json", "application/json", on_click="ignore", icon=":material/download:"
        )
    with st.popover("Open a file", icon=":material/upload:"):
        st.file_uploader("A run that was downloaded here", key="run_file", on_change=_run.load, max_upload_size=1)
        if told := state.recall("run_told"):
            state.forget("run_told")
            st.error(state.literal(told))
    if run:
        st.button("Remove all", key="run_clear", type="tertiary", on_click=_run.keep, args=((),))
for number, step in enumerate(run):
    title = Text(f"run_title_{number}", step.title, f"Title of step {number + 1}")
    title.give(step.title)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"run_step_{number}"):
        st.markdown(f"**{number + 1}**", width="content")
        title.draw(
            label_visibility="collapsed", width=420, max_chars=LONGEST_TITLE, on_change=_run.rename, args=(number,)
        )
        for name, icon, act, args, off, end in (
            ("Show", "play_arrow", _run.go, (number,), False, ""),
            ("Earlier", "arrow_upward", _run.move, (number, -1), number == 0, " is the first"),
            ("Later", "arrow_downward", _run.move, (number, 1), number == len(run) - 1, " is the last"),
            ("Remove", "delete", _run.remove, (number,), False, ""),
        ):
            st.button(
                name, key=f"run_{name.lower()}_{number}", icon=f":material/{icon}:", type="tertiary", disabled=off,
                help=f"{name}: step {number + 1}{end if off else ''}", on_click=act, args=args,
            )  # fmt: skip
        st.caption(f"/{step.page}", width="stretch")
if run:
    link, alone = sharing.class_link(f"run?run={state.recall('run').partition('~')[0]}")
    st.header("As a link", anchor=False)
    if alone:
        st.warning(alone)
    st.code(link, language=None, wrap_lines=True)
