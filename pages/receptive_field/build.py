"""Build a stack of layers: what each of its units sees, traced, measured, and step by step."""

import streamlit as st

from models.stack import PRESETS
from models.stack.field import analyse
from pages._lesson import offer, predict
from pages.receptive_field import _stack as editor
from viz.components.stage import stage
from viz.figures import show
from viz.url import tell_once, unknown


def draw() -> None:
    """The stack's controls, its picture, its numbers, and one of its units."""
    strange = unknown(editor.PARAMETERS)
    stack, misread = editor.read()
    number, index, no_unit = editor.unit_shown(stack)
    tell_once([*strange, *misread, no_unit])
    with st.container(key="lesson"):
        left, right = st.columns([1, 3], gap="medium")
        with left, st.container(key="controls", gap="xsmall"):
            editor.draw(stack)
        with right:
            with st.container(key="stage_area"):
                picture = st.empty()
            with st.container(key="numbers"):
                numbers = st.empty()
            st.session_state["example_stack"] = editor.shown_preset(stack)
            preset = PRESETS.get(
                st.pills(
                    "Try a worked example",
                    list(PRESETS),
                    key="example_stack",
                    wrap=True,
                    format_func=lambda name: PRESETS[name].title,
                    on_change=editor.choose_preset,
                )
            )
            if preset:
                predict(f"stack_{preset.id}", preset.question, preset.options, preset.answer, preset.explanation)
    below = st.container()
    field = analyse(stack)
    with picture.container():
        stage(
            editor.scene(field, number, index),
            key="stack_stage",
            height=editor.stage_height(stack),
            readout={"image": list(field.shape[2:]), "maps": editor.follow(field)},
            on_pin=lambda: editor.pinned(stack, field.pads, (st.session_state.get("stack_stage") or {}).get("pin")),
        )
    with numbers.container():
        show(editor.cards(field), key="stack_cards")
    with below:
        st.header("Layer by layer", anchor=False)
        show(editor.layer_table(field), key="stack_table")
        with st.expander("Step by step, with these numbers"):
            show(editor.algebra(field), key="stack_algebra")
        st.header("Theory and measurement, side by side", anchor=False)
        st.caption("Click a unit in the picture above, or choose it here. The link keeps it.")
        editor.choose_unit(stack, number, index)
        part = field if number == len(stack.layers) else analyse(stack.upto(number))
        unit = part.unit(index)
        show(editor.unit_numbers(part, unit), key="unit_numbers")
        st.markdown(editor.why(part, unit))
        show(editor.compare(part, unit), key="stack_compare")
    offer(lambda: ("Runs as it is: builds exactly this stack, and asserts the shape of its last map.", stack.to_code()))


if __name__ == "__main__":
    draw()
