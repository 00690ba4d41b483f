"""Receptive fields: how much of the picture a unit sees, and how much it really uses."""

import sys

import streamlit as st

from models.script import with_needs
from models.stack import PRESETS
from pages._lesson import predict, question
from pages.receptive_field import effective, growth, your_network
from pages.receptive_field import networks as real_networks
from pages.receptive_field import stack as editor
from viz.figures import show
from viz.url import choose_part, keep_alive, part_asked, tell_once, unknown

PARTS = {
    title: title
    for title in ("Build a stack", "What it really uses", "Ways to grow it", "Real networks", "Your network")
}

question("How much of the picture does this unit see?")
st.markdown("Every box here is traced from the layers, and measured on the real gradient.")
OWN = ["part"] + [name for each in (editor, effective, growth, real_networks, your_network) for name in each.PARAMETERS]
keep_alive((*(name for name in OWN if name != "part"), "_code"))
told = [part_asked("receptive-field", PARTS), *unknown(OWN)]
part = choose_part(PARTS)
if part != "Build a stack":
    editor.leave()
if part != "Real networks":
    real_networks.leave()


def build_a_stack() -> None:
    stack, misread = editor.read()
    number, index, no_unit = editor.unit_shown(stack)
    tell_once([*told, *misread, no_unit])
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
    if "torch" not in sys.modules:
        picture.skeleton(editor.stage_height(stack))

    from models.stack.field import analyse
    from viz.components.readout import readout
    from viz.components.stage import stage

    field = analyse(stack)
    with picture.container():
        stage(editor.scene(field, number, index), key="stack_stage", height=editor.stage_height(stack))
        readout(
            field.shape[2:],
            editor.follow(field),
            key="stack_readout",
            on_pin=lambda: editor.pinned(stack, field.pads, st.session_state["stack_readout"].get("pin")),
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
        with st.expander("Code"):
            st.code(with_needs(stack.to_code()), language="python")


if part == "Build a stack":
    build_a_stack()
elif part == "What it really uses":
    effective.lesson(told)
elif part == "Ways to grow it":
    growth.lesson(told)
elif part == "Real networks":
    real_networks.lesson(told)
else:
    tell_once(told)
    your_network.lesson()
