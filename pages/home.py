"""What this is, in ten seconds: one line, a stage that plays, and the lessons."""

import numpy as np
import streamlit as st

from pages._lessons import LESSONS, topic
from viz.components.stage import grid, link, stage

# What torch.nn.Conv2d returned for this input and kernel, kept as numbers so that the picture need not wait for torch.
# tests/pages/test_home.py runs the layer again.
NUMBERS = {
    "input": [[4, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]],
    "kernel": [[1, 4, 1], [1, 4, 3], [3, 3, 1]],
    "output": [[122, 148], [126, 134]],
}
WINDOWS = {"base": [0, 1, 4, 5], "offset": [0, 1, 2, 4, 5, 6, 8, 9, 10]}

SCENE = {
    "grids": [grid(name, name, name.capitalize(), np.array([values])) for name, values in NUMBERS.items()],
    "symbols": ["∗", "="],
    "links": [link("input", "output", WINDOWS, [0, 0, 0], kernel="kernel")],
    "operator": {
        "link": 0,
        "title": "The same layer as a matrix",
        "note": "each row is one output number",
        "rows": 4,
        "cols": 16,
        "entries": None,
    },
    "selected": {"grid": "output", "channel": 0, "cell": 0},
    "autoplay": True,
}

st.title("Pick a layer, see what it really does")
st.markdown(
    "A convolution slides a small **kernel** over its **input** and adds up nine products for each **output** number. "
    "Watch it, then take over: hover, tap or use the arrow keys."
)
stage(SCENE, key="welcome", height=420)
st.markdown(
    "In the lessons the layer is yours. Every number is measured on the real PyTorch layer while you look, "
    "and stands beside the formula that predicts it."
)
firsts = [lesson for lesson in LESSONS if lesson == topic(lesson)[0]]
for column, first in zip(st.columns(len(firsts)), firsts, strict=True):
    with column.container(border=True, height="stretch", key=f"topic_{first.url_path}", gap="xxsmall"):
        st.header(first.question, anchor=False)
        for lesson in topic(first):
            st.page_link(lesson.file, label=lesson.title, icon=lesson.icon)
