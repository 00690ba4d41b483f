"""The way to another page in the next run: for a presentation's bar and keys, a phone that follows, a prepared run."""

from __future__ import annotations

from urllib.parse import parse_qs

from pages._lessons import BY_PATH
from viz import state, words

MORE = (
    ("words.py", "All words", words.PAGE),
    ("run.py", "Prepared run", "run"),
    ("room.py", "Join a room", "room"),
)
"""The pages that are no lessons: file, title, address."""

FILES = {path: lesson.file for path, lesson in BY_PATH.items()} | {path: file for file, _, path in MORE}


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
    return FILES.get(path, "home.py"), {name: texts for name, texts in asked.items() if name not in state.FRAME}
