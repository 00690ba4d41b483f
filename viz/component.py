"""A Streamlit component from the files of a folder: no build step, nothing from elsewhere."""

from pathlib import Path

import streamlit as st


def component(module: str):
    """The component of a package such as ``viz/field/__init__.py``, whose ``__file__`` is given: ``field.html``,
    ``field.css`` and ``field.js`` beside it. Returns the function that mounts it."""
    folder = Path(module).parent
    html, css, js = ((folder / f"{folder.name}.{end}").read_text(encoding="utf-8") for end in ("html", "css", "js"))
    return st.components.v2.component(f"convscope_{folder.name}", html=html, css=css, js=js)
