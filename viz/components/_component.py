"""A Streamlit component from the files of a folder: no build step, nothing from elsewhere."""

from pathlib import Path

import streamlit as st


def component(module: str, *shared: str):
    """The component of a package such as ``viz/field/__init__.py``, whose ``__file__`` is given: ``field.html``,
    ``field.css`` and ``field.js`` beside it. Returns the function that mounts it.

    ``shared``: what several components have in common, such as ``dials/turning`` for ``viz/dials/turning.css`` and
    ``.js``; it stands before the component's own.
    """
    folder = Path(module).parent
    html = (folder / f"{folder.name}.html").read_text(encoding="utf-8")
    parts = [Path(__file__).parent / one for one in shared] + [folder / folder.name]
    css, js = ("\n".join(one.with_suffix(end).read_text(encoding="utf-8") for one in parts) for end in (".css", ".js"))
    return st.components.v2.component(f"convscope_{folder.name}", html=html, css=css, js=js)
