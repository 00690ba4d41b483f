"""Any convolution, measured live: choose a layer, see what it really does."""

import sys

import streamlit as st

from models import lab
from models.code import to_code
from models.layers import KINDS
from models.share import Scene
from models.text import big
from pages._compare import Frozen
from pages._lesson import actions, columns, left, offer
from pages._pinned import Pinned, let_go
from pages.convolution import _examples as examples
from viz import state
from viz.components.stage import stage, veiled
from viz.controls.layer import LayerEditor, in_short
from viz.controls.numbers import LONGEST_LINK, SceneEditor
from viz.export import sharing
from viz.figures.cards import CSS as CARDS
from viz.figures.cards import cards, side_by_side
from viz.scenes.layer import scene as draw_scene
from viz.words import defined

STAGE_HEIGHT, CARDS_HEIGHT = 500, 90

editor = SceneEditor(LayerEditor())
asking = examples.asking(editor)
against = Frozen(editor)
state.take(editor, against)
state.take(Pinned(asking.page, editor.read()).setting, asking)
scene = editor.read()
pinned = Pinned(asking.page, scene)
covered = asking.waits()
spec = scene.spec
kind = KINDS[spec.kind]

classes = " and ".join(dict.fromkeys(f"`nn.{cls}`" for label, cls, *_ in kind.parts(spec) if label != "pad"))
flipped = (
    " It does not flip the kernel: strictly, that is a cross-correlation. Mathematics flips it, and keeps the name "
    "convolution for that."
    if kind.symbol == "∗"
    else ""
)
left().markdown(
    defined("Every number is what the real PyTorch layer returned."), help=f"The layer is {classes}.{flipped}"
)
with actions():
    sharing.buttons(("Paste", "File"), "playground")
    if not state.recall("presenting"):
        against.draw(scene)


def type_into_cell():
    editor.edit(scene, state.heard("stage", "edit"), lab.input_of(scene), lab.weights_of(scene))
    let_go(asking.page)


def pin_cell():
    pinned.keep(state.heard("stage", "pin"))


def draw_controls():
    with beside, st.container(key="controls", gap="xsmall"):
        if state.recall("presenting"):  # the row of actions is left out then
            against.draw(scene)
        editor.draw(scene)


def draw_measured():
    measured, frozen = lab.of(scene), against.value
    if frozen is None:
        shown = cards(measured, covered)
        with picture if ready else picture.container():
            draw_picture(scene)
    else:
        shown = cards(measured, covered) if covered else side_by_side(lab.of(frozen), measured)
        with picture if ready else picture.container(key="versus"):
            against.beside(scene, draw_picture)
    # st.html would strip the formulas' MathML.
    figures.markdown(shown, unsafe_allow_html=True)
    return measured


def draw_picture(one: Scene, frozen: bool = False):
    measured = lab.of(one)
    if measured.why_not and covered:
        st.info("This layer is too large to draw. Answer first: its numbers follow.", icon=":material/straighten:")
    elif measured.why_not:
        st.info(measured.why_not, icon=":material/straighten:")
        if measured.nearest and not frozen:
            nearest = measured.nearest
            st.button(
                f"Draw the nearest that fits: input {tuple(nearest.input_size)}, "
                f"{nearest.in_channels} → {nearest.out_channels} channels",
                on_click=editor.layer.load,
                args=(nearest,),
            )
    else:
        drawn = veiled(draw_scene(measured, editable=not frozen, image=one.input == "photo"), covered)
        if frozen:
            stage(drawn, key="frozen")
            return
        cell = asking.selected()
        drawn["selected"] |= {"cell": cell, "pinned": False}
        # A cell that the question waits for, or is about, goes first.
        asks = asking.waiting and (asking.waiting.cell or cell)
        if not asks and (found := pinned.selected(drawn["grids"], covered, against.value is None)):
            drawn["selected"] = found
        drawn, answer = asking.answered_on("stage", drawn)
        stage(drawn, key="stage", on_edit=type_into_cell, on_pin=answer or pin_cell, later=answer is None)


# What is seen goes first, except on the first visit, and while torch loads: then the question and the controls do.
ready = "torch" in sys.modules and state.recall("playground_seen")
with st.container(key="lesson"):
    beside, right = columns(in_short(spec))
    with right:
        asking.draw()
        with st.container(key="stage_area"):
            # A place that were emptied first would be made anew where a run is cut short by the next.
            picture = st.container(key="versus" if against.value else None) if ready else st.empty()
        with st.container(key="numbers"):
            st.html(CARDS)
            figures = st.empty()

if ready:
    measured = draw_measured()
    draw_controls()
else:
    # As high as what will stand there, so that nothing moves.
    picture.skeleton(STAGE_HEIGHT)
    figures.skeleton(CARDS_HEIGHT)
    draw_controls()
    measured = draw_measured()

state.remember("playground_seen", True)

fits = editor.fits()
if not fits:
    st.info(f"Your own numbers do not fit into a link of {big(LONGEST_LINK)} characters: use File to take them along.")


def script() -> tuple[str, str]:
    return "Runs as it is, builds exactly this layer, and asserts the numbers on the screen.", to_code(measured)


offer(
    script,
    fits,
    "Your own numbers are too many for a link, so it opens without them: take the file instead.",
    covered,
    scene,
    against.value,
)
sharing.scene_dialogs("playground", editor, scene)
