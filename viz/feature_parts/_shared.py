"""What the parts have in common: the frame of controls and picture, questions, links that cannot be read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import streamlit as st

from models.spec import quoted
from viz.url import asked, tell_once


@contextmanager
def frame(draw_controls: Callable[[], None]) -> Iterator[None]:
    """Controls at the left, the picture at the right; on a phone the picture first."""
    with st.container(key="lesson"):
        left, right = st.columns([1, 3], gap="medium")
        with left, st.container(key="controls", gap="xsmall"):
            draw_controls()
        with right, st.container(key="stage_area"):
            yield


def predict(key: str, question: str, options: Sequence[str], answer: str, explanation: str) -> None:
    """Predict, then reveal."""
    given = st.pills(f"**Predict:** {question}", options, key=f"fm_predict_{key}", wrap=True)
    if given is not None:
        verdict = "Yes." if given == answer else f"Not quite: {answer}."
        st.markdown(f"**{verdict}** {explanation}")


def number(low: float, high: float) -> Callable[[str], float]:
    """Reads a number between two ends, both included, as ``viz.url.whole`` does a whole one."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"{quoted(text)} is not a number from {low:g} to {high:g}: it is left out.")
        return value

    return read


def tell_misread(readers: Mapping[str, Callable[[str], object]]) -> None:
    """Before the widgets are drawn: one sentence for each value of the link that none of them can take.

    ``readers`` are those of ``viz.url``, by parameter; Streamlit itself drops such a value without a word.
    """
    tell_once(asked(key, read, None)[1] for key, read in readers.items())
