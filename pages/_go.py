"""The way to another page in the next run: for a presentation's bar and keys, a phone that follows, a prepared run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import streamlit as st

from pages._lessons import BY_PATH, LESSONS
from viz import state, words

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

MORE = (
    ("words.py", "All words", words.PAGE),
    ("run.py", "Prepared run", "run"),
    ("room.py", "Join a room", "room"),
)
"""The pages that are no lessons: file, title, address."""

FILES = {path: lesson.file for path, lesson in BY_PATH.items()} | {path: file for file, _, path in MORE}


def sections(nowhere: str | None = None) -> dict[str, list[StreamlitPage]]:
    """All pages for ``st.navigation``, by the section that they stand in. Kept, for Streamlit looks for the file of
    each page that it makes. ``nowhere``: an address that no page has, for the page that says so."""
    if nowhere or not (found := state.recall("sections")):
        found = {"": [st.Page("home.py", title="ConvScope", url_path="", default=True)]}
        for one in LESSONS:
            found.setdefault(one.section, []).append(st.Page(one.file, title=one.title, url_path=one.url_path))
        found["More"] = [st.Page(file, title=title, url_path=path) for file, title, path in MORE]
        if nowhere:
            # Else Streamlit shows the home page, and a box over it that names neither the address nor the pages.
            found[""].append(st.Page("no_page.py", title="No such page", url_path=nowhere, visibility="hidden"))
        state.remember("sections", found)
    return found


def page_at(path: str) -> StreamlitPage:
    """The page with this address. A link to a file instead has Streamlit look for the file each time."""
    return next(one for pages in sections().values() for one in pages if one.url_path == path)


def go(page: str | None, at_its_word: bool = False) -> None:
    """Show a page next. For callbacks.

    Args:
        page: its link below the app's address; the home page where there is no such page, this page for None.
        at_its_word: what the link leaves out is the default, not what the session remembers.
    """
    state.remember("go", (page, at_its_word))


def wanted(here: str) -> tuple[str, dict[str, list[str]]] | None:
    """File and settings of the page that is to be shown, once; None if it is the one at ``here``."""
    page, at_its_word = state.recall("go", (None, False))
    state.forget("go")
    if page is None:
        return None
    path, _, query = page.partition("?")
    if path == here and not at_its_word:
        return None
    if at_its_word:
        state.take_anew()
    asked = parse_qs(query, keep_blank_values=True)
    # With the frame's own: written by the page, they would be one more entry of the browser's history.
    own = {name: texts for name, texts in asked.items() if name not in state.FRAME}
    return FILES.get(path, "home.py"), own | state.frame() | {state.ON_THE_WAY: [path]}
