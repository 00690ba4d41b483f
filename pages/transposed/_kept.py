"""What these lessons keep for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

import numpy as np
import streamlit as st

from models import device
from models.upsampling import METHODS, compare

KEPT = ("name", "title", "psnr", "parameters", "macs", "counted", "pattern")


@st.cache_resource(max_entries=16, show_spinner="Enlarging in eight ways …")
def compared(pixels: np.ndarray, scale: int) -> list[dict]:
    """Each way to enlarge a picture: its numbers, and its ``image`` in float32. Not to be changed."""
    with device.one_thread():
        found = compare(pixels, scale, list(METHODS))
    return [{name: getattr(one, name) for name in KEPT} | {"image": one.image.astype(np.float32)} for one in found]
