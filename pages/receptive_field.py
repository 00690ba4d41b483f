"""Receptive fields: how much of the picture a unit sees, and how much it really uses."""

import sys

import streamlit as st

from models.stack import PRESETS
from viz import effective, growth, real_networks, your_network
from viz import stack as editor
from viz.figures import show
from viz.lesson import predict
from viz.url import choose_part, keep_alive, part_asked, tell_once, unknown

PARTS = {
    title: title
    for title in ("Build a stack", "What it really uses", "Ways to grow it", "Real networks", "Your network")
}

st.title("How much of the picture does this unit see?")
st.markdown("Every box here is traced from the layers, and measured on the real gradient.")
OWN = ["part"] + [name for each in (editor, effective, growth, real_networks, your_network) for name in each.PARAMETERS]
keep_alive((*(name for name in OWN if name != "part"), "_code"))
told = [part_asked("receptive-field", PARTS), *unknown(OWN)]
part = choose_part(PARTS)


def build_a_stack() -> None:
    stack, misread = editor.read()
    tell_once([*told, *misread])
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

    from models.stack_field import analyse
    from viz.readout import readout
    from viz.stage import stage

    field = analyse(stack)
    with picture.container():
        stage(editor.scene(field), key="stack_stage", height=editor.stage_height(stack))
        readout(field.shape[2:], editor.follow(field), key="stack_readout")
    with numbers.container():
        show(editor.cards(field), key="stack_cards")
    with below:
        st.header("Layer by layer", anchor=False)
        show(editor.layer_table(field), key="stack_table")
        with st.expander("Step by step, with these numbers"):
            show(editor.algebra(field), key="stack_algebra")
        st.header("Theory and measurement, side by side", anchor=False)
        chosen, index = choose_unit(stack)
        part = field if chosen == len(stack.layers) else analyse(stack.upto(chosen))
        unit = part.unit(index)
        show(editor.unit_numbers(part, unit), key="unit_numbers")
        st.markdown(editor.why(part, unit))
        show(editor.compare(part, unit), key="stack_compare")
        with st.expander("Code"):
            st.code(stack.to_code(), language="python")


def choose_unit(stack) -> tuple[int, tuple[int, ...]]:
    """A layer and one of its units, whose field is compared; the middle one of the last layer at first."""
    numbers = list(range(1, len(stack.layers) + 1))
    names = ("row", "column") if stack.dims == 2 else ("position",)
    index = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox(
            "Layer", numbers, index=len(numbers) - 1, key=f"unit_layer_{len(numbers)}", width=300,
            format_func=lambda n: f"{n}  {stack.layers[n - 1].describe(stack.dims)}",
        )  # fmt: skip
        for name, size in zip(names, stack.shapes[number], strict=True):
            key = f"unit_{name}_{number}_{size}"
            index.append(st.number_input(f"Unit: {name}", 0, size - 1, size // 2, key=key, width=160))
    return number, tuple(index)


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
