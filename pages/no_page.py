"""What an address shows that no page has: which page may be meant, and which there are."""

import streamlit as st

from models.text import quoted
from pages._lesson import question
from pages._lessons import LESSONS
from viz.url import literal, near

asked = st.session_state["_no_page"]
by_path = {lesson.url_path: lesson for lesson in LESSONS}
meant = [by_path[path] for path in near(asked[:60].lower(), by_path)[:1]]

question("There is no page here")
st.markdown(literal(f"No page of ConvScope has the address {quoted(asked)}."))
for lesson in meant:
    st.page_link(lesson.file, label=f"Perhaps you mean **{lesson.title}**", icon=lesson.icon)
st.markdown("The others are:" if meant else "These are its pages:")
with st.container(gap="xsmall"):
    st.page_link("home.py", label="The home page", icon=":material/home:")
    for lesson in LESSONS:
        if lesson not in meant:
            st.page_link(lesson.file, label=lesson.title, icon=lesson.icon)
