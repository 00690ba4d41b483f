"""Part of the lesson on feature maps."""

from __future__ import annotations

import streamlit as st

from viz.feature_parts.picture import Picture

PARAMETERS: tuple[str, ...] = ()


def lesson(picture: Picture) -> None:
    st.image(picture.rgb)
