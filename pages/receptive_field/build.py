"""Build a stack of layers: what each of its units sees, traced, measured, and step by step."""

import streamlit as st

from models.stack import DRAWN, Stack
from models.stack.code import stack_code
from models.stack.field import StackField, analyse
from models.text import plural
from pages._lesson import columns, offer
from pages.receptive_field import _compare as compare
from pages.receptive_field import _editor as editor
from pages.receptive_field import _stack as figures
from pages.receptive_field._unit import Unit
from viz import state
from viz.components.stage import stage
from viz.figures import show
from viz.scenes import stack as scenes
from viz.state import Fold
from viz.words import heading, remark, say

ALGEBRA = Fold("algebra", False, "**Where do the numbers come from?** Step by step, with those of this stack")
MEASURED = Fold("measured", False, "**Does the gradient say the same?** One unit, traced and measured")


def draw() -> None:
    """The stack's controls, its picture, its numbers, and one of its units."""
    asking = editor.asking()
    state.take(editor.Shown(), editor.Layers(), editor.APART, ALGEBRA, MEASURED, asking)
    stack = editor.read()
    covered = asking.waits()
    unit = Unit(stack)
    number, index = unit.value
    with st.container(key="lesson"):
        left, right = columns()
        with left, st.container(key="controls", gap="xsmall"):
            editor.draw(stack)
        with right:
            asking.draw()
            with st.container(key="stage_area"):
                picture = st.container()
            with st.container(key="numbers"):
                numbers = st.empty()
    below = st.container()
    field = analyse(stack)
    told = "Runs as it is: builds exactly this stack, and asserts the shape of each map and the parameters."
    offer(lambda: (told, stack_code(stack)), covered=covered)
    if covered:
        with picture:
            if not stack.drawn:
                _undrawn(stack)
                return
            drawn = scenes.covered(field)
            drawn, pin = asking.answered_on("stack_stage", drawn)
            height = scenes.stage_height(stack)
            stage(drawn, key="stack_stage", height=height, on_pin=pin)
        return
    with picture:
        if stack.drawn:
            stage(
                scenes.scene(field, number, index),
                key="stack_stage",
                height=scenes.stage_height(stack),
                readout={"image": list(field.shape[2:]), "maps": figures.follow(field)},
                on_pin=lambda: unit.pin(field.pads, state.heard("stack_stage", "pin")),
            )
        else:
            _undrawn(stack)
    with numbers.container():
        last = number == len(stack.layers)
        show(figures.cards(field, index if last else field.middle()), key="stack_cards")
    with below:
        heading("Layer by layer")
        figures.layer_table(field)
        ALGEBRA.draw(lambda: show(figures.algebra(field), key="stack_algebra"))
        if stack.drawn:
            MEASURED.draw(lambda: _measured(field, unit))


def _undrawn(stack: Stack) -> None:
    """What stands in the picture's place where the maps are too long for it."""
    limit = DRAWN[stack.dims]
    say(
        f"{plural(stack.size, 'pixel')} are too many to be drawn one by one: inputs of up to {limit} are, and maps of "
        f"up to {4 * limit}. The numbers below are those of this length; what a unit sees does not depend on it."
    )


def _measured(field: StackField, unit: Unit) -> None:
    """What the graph and the gradient say of one unit."""
    remark("Choose a unit in the picture above, or here. The link keeps it.")
    unit.draw()
    number, index = unit.value
    part = field if number == len(unit.stack.layers) else analyse(unit.stack.upto(number))
    measured = part.unit(index)
    show(compare.unit_numbers(part, measured), key="unit_numbers")
    say(compare.why(part, measured))
    show(compare.compare(part, measured), key="stack_compare")


if __name__ == "__main__":
    draw()
