"""One operation, four views."""

from __future__ import annotations

import streamlit as st

from models import lab
from models.share import Scene
from models.text import sentence
from models.transposed import TransposedError
from pages._pinned import Pinned, let_go
from pages._question import Asking
from pages.transposed._questions import VIEWS
from pages.transposed._shared import AGAINST, EDITOR, compared, lesson, measured, offer_layer, stamps, to_mark
from viz import state
from viz.components.stage import stage
from viz.figures import show
from viz.figures.cards import cards
from viz.scenes.four_views import four_views
from viz.scenes.layer import scene as draw_scene
from viz.words import say

ASKING = Asking("transposed", VIEWS, (EDITOR,))


def draw(scene: Scene, covered: bool) -> None:
    """Four panels that share a selection, and the numbers."""

    def type_into_cell() -> None:
        EDITOR.edit(scene, state.heard("ct_stage", "edit"), lab.input_of(scene), lab.weights_of(scene))
        let_go(ASKING.page)

    def draw_one(found: lab.Lab, side: str) -> None:
        frozen = side == "frozen"
        stage(draw_scene(found, editable=not frozen), key=f"ct_{side}", on_edit=None if frozen else type_into_cell)

    if compared(scene, ASKING, covered, draw_one):
        return

    pinned = Pinned(ASKING.page, scene)

    def pin() -> None:
        pinned.keep(state.heard("ct_stage", "pin"))

    # Of a question on what a number of the input touches, the answered one shows it.
    asked = ASKING.on_screen()
    touching = {"grid": "input", "channel": 0, "cell": asked.selects} if asked and asked.cell else None

    with lesson(scene, ASKING):
        found = measured(scene)
        if found and touching and covered:
            data, mark = ASKING.answered_on("ct_marks", to_mark(found, asked.selects))
            stage(data, key="ct_marks", on_pin=mark)
        elif found:
            try:
                data = four_views(found, pinned.selected((), covered) or touching)
            except TransposedError as error:
                st.info(sentence(error))
            else:
                if covered:
                    data = stamps(data)
                stage(data, key="ct_stage", on_edit=type_into_cell, on_pin=None if covered else pin)
    show(cards(found or lab.of(scene), covered), key="ct_cards")
    if found is None or covered:
        return
    say(
        "**Stamp and add**: an input number times the kernel, laid down at stride distance, overlaps added. "
        "**Insert zeros**: the same sum seen from the output; that is why the kernel has to be flipped. "
        "**Matrix**: take the matrix C of the convolution that would go from the output to the input, and exchange "
        "its rows and columns: Cᵀ. **Gradient**: when that convolution learns, Cᵀ is what carries its gradient back. "
        "Same numbers, one operation; `nn.ConvTranspose` computes it, and the ✓ says that it returned them."
    )


if __name__ == "__main__":
    state.take(EDITOR, AGAINST)
    state.take(Pinned(ASKING.page, EDITOR.read()).setting, ASKING)
    scene = EDITOR.read()
    covered = ASKING.waits()
    draw(scene, covered)
    offer_layer(scene, covered)
