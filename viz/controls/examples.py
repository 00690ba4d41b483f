"""Buttons in a row, of which the one whose example is on screen is marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st


def examples(
    key: str, prefix: str, titles: Mapping[str, str], shown: str | None, choose: Callable[[str], None]
) -> None:
    """``titles``: what the buttons say, by name; a click calls ``choose(name)``. ``prefix``: of the buttons' keys."""
    with st.container(key=key, horizontal=True, gap="xsmall"):
        for name, title in titles.items():
            kind = "primary" if name == shown else "secondary"
            st.button(title, key=f"{prefix}_{name}", type=kind, on_click=choose, args=(name,))
