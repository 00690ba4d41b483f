"""What this is, in ten seconds: one line, a stage that plays, and the lessons."""

from itertools import count

import numpy as np
import streamlit as st

from pages._lessons import BY_PATH, Lesson, course
from viz import state
from viz.components.course import Card
from viz.components.course import course as cards
from viz.components.stage import grid, link, stage
from viz.words import say

# What torch.nn.Conv2d returned for this input and kernel, kept as numbers so that the picture need not wait for torch.
# tests/pages/test_home.py runs the layer again.
NUMBERS = {
    "input": [[2, 7, 1, 8], [2, 8, 1, 8], [2, 8, 4, 5], [9, 0, 4, 5]],
    "kernel": [[0, 1, 0], [1, 1, 1], [0, 1, 0]],
    "output": [[26, 22], [22, 22]],
}
WINDOWS = {"base": [0, 1, 4, 5], "offset": [0, 1, 2, 4, 5, 6, 8, 9, 10]}

SCENE = {
    "grids": [grid(name, name, name.capitalize(), np.array([values])) for name, values in NUMBERS.items()],
    "symbols": ["∗", "="],
    "links": [link("input", "output", WINDOWS, [0, 0, 0], kernel="kernel")],
    "operator": None,
    "selected": {"grid": "output", "channel": 0, "cell": 0},
    "autoplay": True,
}


def card(lesson: Lesson, number: int) -> Card:
    """A lesson as the course shows it."""
    return {
        "path": lesson.url_path,
        "number": number,
        "title": lesson.title,
        "question": lesson.question,
        "hard": lesson.hard,
    }


numbers = count(1)
begin, play, *topics = [(name, [card(one, next(numbers)) for one in lessons]) for name, lessons in course().items()]
rows = [("First steps", begin[1] + play[1]), *topics]

st.title("Pick a layer, see what it really does")
with st.container(key="welcome_row"):
    text, picture = st.columns([1, 2.2], gap="medium")
with text:
    say(
        "Networks that see slide small tables of numbers, called **kernels**, over a picture. Where a kernel lies, "
        "nine products are added up: one number. Here you watch it, change it, and see what comes of it."
    )
    with st.container(key="begin"):
        st.page_link(
            BY_PATH["start"].file,
            label="**Start here:** six steps, five minutes, nothing to know before",
            query_params=state.frame(),
        )
    say(
        "Every number is measured on the real PyTorch layer while you look, and stands beside the formula that "
        "predicts it."
    )
with picture:
    stage(SCENE, key="welcome", height=400)
if path := cards(rows, key="course"):
    st.switch_page(BY_PATH[path].file, query_params=state.frame())
