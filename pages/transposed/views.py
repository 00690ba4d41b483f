"""One operation, four views."""

from __future__ import annotations

import streamlit as st

from models import lab
from models.share import Scene
from models.text import sentence
from models.transposed import TransposedError
from pages._lesson import predict
from pages.transposed import _pinned as pinned
from pages.transposed._shared import EDITOR, lesson, measured, offer_layer
from viz import state
from viz.components.stage import stage
from viz.figures import show
from viz.figures.cards import cards
from viz.scenes.four_views import four_views


def draw(scene: Scene) -> None:
    """Four panels that share a selection, the numbers, a question."""

    def type_into_cell() -> None:
        EDITOR.edit(scene, state.heard("ct_stage", "edit"), lab.input_of(scene), lab.weights_of(scene))

    def pin() -> None:
        pinned.keep(scene.spec, state.heard("ct_stage", "pin"))

    with lesson(scene):
        found = measured(scene)
        if found:
            try:
                data = four_views(found, pinned.selected(scene.spec))
            except TransposedError as error:
                st.info(sentence(error))
            else:
                stage(data, key="ct_stage", on_edit=type_into_cell, on_pin=pin)
    show(cards(found or lab.of(scene)), key="ct_cards")
    if found is None:
        return
    predict(
        "views",
        "The input is [2, 1, 4, 4], the kernel 3×3. How many of its stamps meet in the middle cells of the 4×4 output?",
        ("1", "2", "4", "9"),
        "4",
        "Each of the four input cells stamps all nine weights. The corners get one stamp, the edges two, the middle "
        "four: 29 = 4·1 + 4·4 + 1·1 + 2·4. Hover it: every view names the same four products. The zero-insertion view "
        "finds them among nine, and five of those are zeros.",
    )
    st.markdown(
        "**Stamp and add**: an input number times the kernel, laid down at stride distance, overlaps added. "
        "**Insert zeros**: the same sum seen from the output; that is why the kernel has to be flipped. "
        "**Cᵀ**: write the convolution that would go from the output to the input as a matrix C and exchange its rows "
        "and columns. **Gradient**: when that convolution learns, Cᵀ is what carries its gradient back. Same numbers, "
        "one operation; `nn.ConvTranspose` computes it, and the ✓ says that it returned them."
    )


if __name__ == "__main__":
    state.take(EDITOR)
    scene = EDITOR.read()
    state.take(pinned.setting(scene.spec))
    draw(scene)
    offer_layer(scene)
