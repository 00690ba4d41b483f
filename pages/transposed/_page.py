"""From small to large: the transposed convolution in four views, its matrix, its checkerboard, its rivals."""

import sys

import streamlit as st

from pages._lesson import question
from pages.transposed import PARAMETERS, PARTS, WITH_LAYER, part_of, pinned, script_of, unread
from viz import url
from viz.controls import transposed as controls
from viz.export import sharing

reading = controls.read(known=("present", "part", pinned.PARAMETER, *PARAMETERS))
scene = reading.scene
# Before the widgets take their values from the link; a part tells of what it shows, and no other.
no_part = url.part_asked("transposed", PARTS)
shown = st.session_state["part"]
wrong = [no_part, *reading.strange]
if shown == "views":
    wrong.append(pinned.read(scene.spec))
else:
    pinned.leave()
wrong += [*controls.tell_of_layer(reading, shown in WITH_LAYER), *unread(shown, scene.spec)]
url.keep_alive(PARAMETERS)

# Rows, not st.columns: fewer messages to the browser in every run.
with st.container(horizontal=True, vertical_alignment="bottom"):
    question("How do we go from 2×2 back to 4×4?")
    with st.container(key="extras_actions", horizontal=True, width="content"):
        sharing.buttons(("Code", "Link"), page="transposed_")
with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown("… and why does it sometimes leave a checkerboard?", width="content")
    part = url.choose_part(PARTS)
url.tell_once(wrong)

waiting = st.empty()
if "torch" not in sys.modules:
    waiting.skeleton(500)

# torch takes seconds to load: the question is on screen by now.
part_of(part)(scene)
waiting.empty()
sharing.page_dialogs(
    "transposed_",
    lambda: script_of(part, scene),
    controls.write_url(scene),
    "This link opens the same layer, but not the numbers you typed: they do not fit into a link.",
)
