"""What an address shows that no page has: which page may be meant, and which there are."""

import streamlit as st

from models.text import quoted
from pages._lessons import BY_PATH, LESSONS
from viz import state
from viz.state import literal, near

asked = state.recall("no_page")
meant = [BY_PATH[path] for path in near(asked[:60].lower(), BY_PATH)[:1]]

st.title("There is no page here")
st.markdown(literal(f"No page of ConvScope has the address {quoted(asked)}."))
for lesson in meant:
    st.page_link(lesson.file, label=f"Perhaps you mean **{lesson.full}**", icon=lesson.icon)
st.markdown("The others are:" if meant else "These are its pages:")
with st.container(gap="xsmall"):
    st.page_link("home.py", label="The home page", icon=":material/home:")
    for lesson in LESSONS:
        if lesson not in meant:
            st.page_link(lesson.file, label=lesson.full, icon=lesson.icon)
    st.page_link("words.py", label="All words", icon=":material/dictionary:")
