"""Feature maps: what filters, layers and whole networks find in a picture."""

import sys

import streamlit as st

from pages._lesson import question
from pages.feature_maps import PARTS, parameters, part, picture
from viz.export import sharing
from viz.url import choose_part, keep_alive, part_asked, tell_once, unknown

OWN = ("part", *picture.PARAMETERS, *parameters())
OWN_PICTURE = "Your own picture stays in this session: the link opens with the astronaut."

heading, actions = st.columns([3, 1], vertical_alignment="bottom")
with heading:
    question("What did this filter find?")
with actions, st.container(key="extras_actions", horizontal=True, horizontal_alignment="right"):
    sharing.buttons(("Code", "Link"), page="features_")

told = unknown(OWN)
told.append(part_asked("feature-maps", PARTS))
keep_alive(key for key in OWN if key != "part")
line, choice = st.columns([2, 5], vertical_alignment="center")
with line:
    st.markdown("A map tells where in the picture, and how strongly.")
with choice:
    chosen = choose_part(PARTS)
tell_once(told)
shown = picture.choose()

waiting = st.empty()
if "torch" not in sys.modules:
    waiting.skeleton(500)

# torch takes seconds to load: the question is on screen by now.
part(chosen).lesson(shown)
waiting.empty()
sharing.page_dialogs("features_", lambda: part(chosen).script(shown), shown.in_link, OWN_PICTURE)
