"""What this is, in ten seconds."""

import streamlit as st

from pages._lessons import LESSONS

st.title("Pick a layer, see what it really does")
for lesson in LESSONS:
    st.page_link(lesson.file, label=f"{lesson.title}: {lesson.question}", icon=lesson.icon)
