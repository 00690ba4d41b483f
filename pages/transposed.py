"""From small to large: the transposed convolution in four views, its matrix, its checkerboard, its rivals."""

import sys

import streamlit as st

from viz import sharing, url
from viz import transposed_controls as controls
from viz.transposed_parts import PARAMETERS, PARTS, part_of, script_of, unread

reading = controls.read(known=("present", "part", *PARAMETERS))
scene = reading.scene
# Before the widgets take their values from the link.
wrong = [*unread(), url.part_asked("transposed", PARTS)]
url.keep_alive(PARAMETERS)

heading, actions = st.columns([3, 1], vertical_alignment="bottom")
with heading:
    st.title("How do we go from 2×2 back to 4×4?")
with actions, st.container(key="extras_actions", horizontal=True, horizontal_alignment="right"):
    sharing.buttons(("Code", "Link"), page="transposed_")
line, choice = st.columns([2, 5], vertical_alignment="center")
with line:
    st.markdown("… and why does it sometimes leave a checkerboard?")
with choice:
    part = url.choose_part(PARTS)
for sentence in filter(None, (*reading.told, *wrong)):
    st.warning(url.literal(sentence), icon=":material/info:")

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
    "Your own numbers are too many for a link, so it opens without them.",
)
