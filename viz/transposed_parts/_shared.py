"""What the parts have in common: the frame of controls and picture, questions, measured layers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager

import streamlit as st

from models import lab
from models.share import Scene
from viz import transposed_controls as controls


@contextmanager
def frame(draw_controls, picture_first: bool = False):
    """Controls at the left, the picture at the right; on a phone the picture first.

    ``picture_first`` sends the picture before the controls, for parts whose picture reads nothing from them.
    """
    with st.container(key="lesson"):
        left, right = st.columns([1, 3], gap="medium")
        with left:
            beside = st.container(key="controls", gap="xsmall")
        if not picture_first:
            with beside:
                draw_controls()
        with right, st.container(key="stage_area"):
            yield
        if picture_first:
            with beside:
                draw_controls()


def layer_controls(scene: Scene) -> None:
    """The controls of the layer, and the way back to the worked example."""
    controls.draw(scene)
    st.button("Back to the worked example", on_click=controls.load, icon=":material/undo:", type="tertiary")
    st.page_link(
        "playground.py",
        label="The same layer in the Playground",
        icon=":material/open_in_new:",
        query_params=controls.playground_query(scene),
    )
    if not controls.write_url(scene):
        st.caption("Your own numbers do not fit into a link of 2,000 characters.")


def measured(scene: Scene) -> lab.Lab | None:
    """The measured layer, or a sentence on screen why it is not drawn, with a button to the nearest that is."""
    found = lab.of(scene)
    if not found.why_not:
        return found
    st.info(found.why_not, icon=":material/straighten:")
    if found.nearest:
        near = found.nearest
        settings = {name: getattr(near, name) for name in controls.DEFAULTS}
        st.button("Show the nearest that is drawn", on_click=lambda: controls.load(**settings))
    return None


def predict(key: str, question: str, options: Sequence[str], answer: str, explanation: str) -> None:
    """Predict, then reveal."""
    given = st.pills(f"**Predict:** {question}", options, key=f"predict_{key}", wrap=True)
    if given is not None:
        verdict = "Yes." if given == answer else f"Not quite: {answer}."
        st.markdown(f"**{verdict}** {explanation}")
