"""The frame around every page: navigation, look, presentation mode. ``app.py`` serves it as the main script."""

from pathlib import Path

import streamlit as st

from pages._lessons import LESSONS

HERE = Path(__file__).parent
ICON = HERE.parent / "assets" / "icon.svg"

page = st.navigation(
    [st.Page(HERE / "home.py", title="ConvScope", default=True)]
    + [st.Page(HERE / lesson.file, title=lesson.title, url_path=lesson.url_path) for lesson in LESSONS],
    position="top",
)
# A Material or emoji icon in the tab would be fetched from a font host; a picture comes from this server.
st.set_page_config(
    page_title="ConvScope" if page.url_path == "" else f"{page.title} · ConvScope",
    page_icon=ICON,
    layout="wide",
)
st.logo(ICON, size="medium")
page.run()
