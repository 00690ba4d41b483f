"""What the parts of every lesson have in common: the frame of controls and picture, and the question."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

FIRST_PAINT = 0.1
"""Seconds that a visitor's first question stands alone."""


def question(text: str) -> None:
    """The title of a lesson.

    A browser that is sent everything at once builds everything before it paints a word, which takes it two tenths of a
    second longer; so the first question that a visitor sees goes out alone.
    """
    st.title(text)
    if "_questioned" not in st.session_state:
        st.session_state["_questioned"] = True
        time.sleep(FIRST_PAINT)


@contextmanager
def frame(
    draw_controls: Callable[[], None], picture_first: bool = False, draw_lead: Callable[[], None] | None = None
) -> Iterator[None]:
    """Controls at the left, the picture at the right; on a phone the picture first.

    ``picture_first`` sends the picture before the controls, for parts whose picture reads nothing from them.
    ``draw_lead`` draws the controls without which the picture says nothing: above the others, on a phone above the
    picture too.
    """
    with st.container(key="lesson"):
        left, right = st.columns([1, 3], gap="medium")
        with left:
            if draw_lead is not None:
                with st.container(key="lead", gap="xsmall"):
                    draw_lead()
            beside = st.container(key="controls", gap="xsmall")
        if not picture_first:
            with beside:
                draw_controls()
        with right, st.container(key="stage_area"):
            yield
        if picture_first:
            with beside:
                draw_controls()


def predict(key: str, question: str, options: Sequence[str], answer: str, explanation: str) -> None:
    """Predict, then reveal."""
    given = st.pills(f"**Predict:** {question}", options, key=f"predict_{key}", wrap=True)
    if given is not None:
        verdict = "Yes." if given == answer else f"Not quite: {answer}."
        st.markdown(f"**{verdict}** {explanation}")
