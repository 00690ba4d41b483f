"""Start here: six steps, five minutes, for somebody who has never seen a convolution."""

import streamlit as st

from pages._lesson import left, offer
from pages.start import _find, _pixels, _settings, _slide, _stack, _sum
from viz import state
from viz.words import heading, say

STEPS = (_pixels, _sum, _slide, _find, _settings, _stack)
"""Each has ``QUESTION``, what to do (``DO`` or ``do()``), ``SETTINGS``, ``draw()`` for the stage, ``seen()``,
``code()``, and where it needs any ``controls()`` above the stage, ``after()`` below, ``layer()`` where
it shows one whose numbers fit on paper."""

STEP = state.Choice("step", 1, "Step", None, tuple(range(1, len(STEPS) + 1)), "segmented_control", key="start_step")
state.take(STEP, *(one for step in STEPS for one in step.SETTINGS))


def buttons(number: int) -> None:
    """On and back; at the end, where it goes on."""
    with st.container(key="onward", horizontal=True, vertical_alignment="center", gap="small"):
        if number > 1:
            st.button("Back", key="start_back", on_click=STEP.give, args=(number - 1,), icon=":material/arrow_back:")
        if number < len(STEPS):
            st.button(
                "Next",
                key="start_next",
                type="primary",
                icon=":material/arrow_forward:",
                icon_position="right",
                shortcut="n",
                on_click=STEP.give,
                args=(number + 1,),
            )
    if number == len(STEPS):
        # A presenter has all pages in the bar.
        with st.container(key="extras_onward", gap="small"):
            say("Every convolution is made of these parts. Now they are yours:")
            st.page_link("convolution/playground.py", label="Your own layer: the Playground", icon=":material/grid_on:")
            st.page_link("home.py", label="All lessons, in order", icon=":material/list:")


TO_THE_TOP = "document.querySelector('[data-testid=stMain]').scrollTo(0, 0)"

with left():
    number = STEP.draw(label_visibility="collapsed", width="content")
    # A step begins at its title, however far down Next stood on a phone.
    st.html(f"<script>{TO_THE_TOP} // {number}\n</script>", unsafe_allow_javascript=True)
step = STEPS[number - 1]
with st.container(key="lesson"):
    text, right = st.columns([1, 2.6], gap="medium")
    with text:
        with st.container(key="lead", gap="xsmall"):
            heading(step.QUESTION)
            say(step.do() if hasattr(step, "do") else step.DO)
            if hasattr(step, "controls"):
                step.controls()
        with st.container(key="numbers", gap="small"):
            with st.container(border=True, key="seen"):
                say(step.seen())
            if hasattr(step, "after"):
                step.after()
            buttons(number)
    with right, st.container(key="stage_area"):
        step.draw()
offer(step.code, scene=step.layer() if hasattr(step, "layer") else None)
