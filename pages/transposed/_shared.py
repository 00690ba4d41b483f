"""What the lessons about the layer have in common: its controls, its measurement, and its script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from models import lab
from models.share import Scene
from models.spec import LayerSpec
from models.transposed.code import layer_code
from pages._compare import Frozen
from pages._go import page_at
from pages._lesson import actions, frame, offer
from pages._question import Asking
from viz import state
from viz.components.stage import veiled
from viz.controls.layer import LayerEditor, in_short
from viz.controls.numbers import SceneEditor, query_of
from viz.figures import show
from viz.figures.cards import side_by_side
from viz.scenes.layer import scene as draw_scene
from viz.words import remark

TOLD = (
    "Runs as it is: the layer, the matrices C and Cᵀ; asserts the numbers on the screen and that all four ways agree."
)
UNFIT = "This link opens the same layer, but not the numbers you typed: they do not fit into a link."


EDITOR = SceneEditor(LayerEditor("ct_", "transposed", {"input_size": 2}))
"""The layer of these pages; a bare link means the worked example Cᵀ·[2, 1, 4, 4]."""

AGAINST = Frozen(EDITOR)


def load(**settings: Any) -> None:
    """Show the layer with these settings, all others and the numbers as on a bare page. For callbacks."""
    EDITOR.load(Scene(LayerSpec(kind="transposed", **{"input_size": 2, "kernel_size": 3, "bias": False} | settings)))


def offer_layer(
    scene: Scene, covered: bool, told: str = TOLD, sizes: Callable[[], Sequence[Sequence[int]]] = tuple
) -> None:
    """The layer's script for Code; with the forward sizes along each axis where they are shown."""
    offer(lambda: (told, layer_code(lab.of(scene), sizes())), EDITOR.fits(), UNFIT, covered, scene, AGAINST.value)


@contextmanager
def lesson(scene: Scene, asking: Asking, draw_above: Callable[[], None] | None = None) -> Iterator[Any]:
    """The frame of a lesson about the layer: its controls beside the picture; above that the question, and what is
    about the picture: presented, beside the controls, so that Tab comes to the picture in a few steps. Yields what
    :func:`pages._lesson.frame` does."""
    presenting = state.recall("presenting")

    def controls() -> None:
        if presenting:  # the row of actions is left out then
            AGAINST.draw(scene)
        if draw_above and presenting:
            draw_above()
        layer_controls(scene)

    if not presenting:
        with actions():
            AGAINST.draw(scene)
    with frame(controls, picture_first=True, asking=asking, chips=in_short(scene.spec, named=False)) as right:
        if draw_above is None or presenting:
            st.empty()
        else:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                draw_above()
        yield right


def compared(
    scene: Scene,
    asking: Asking,
    covered: bool,
    draw_one: Callable[[lab.Lab, str], None],
    draw_above: Callable[[], None] | None = None,
) -> bool:
    """The lesson as a comparison, if a layer is frozen and no question waits, and whether it was drawn.

    ``draw_one`` gets the drawn layer and the name of its side, for keys: ``frozen`` or ``stage``.
    """
    frozen = AGAINST.value
    if frozen is None or covered:
        return False

    def one_side(one: Scene, is_frozen: bool) -> None:
        if found := measured(one, offered=not is_frozen):
            draw_one(found, "frozen" if is_frozen else "stage")

    with lesson(scene, asking, draw_above):
        AGAINST.beside(scene, one_side)
    show(side_by_side(lab.of(frozen), lab.of(scene)), key="ct_versus")
    return True


def layer_controls(scene: Scene) -> None:
    """The controls of the layer, and the way back to the worked example."""
    EDITOR.draw(scene)
    st.button("Back to the worked example", on_click=load, icon=":material/undo:", type="tertiary")
    st.page_link(
        page_at("playground"),
        label="The same layer in the Playground",
        icon=":material/open_in_new:",
        query_params=playground_query(scene) | state.frame(),
    )
    if not EDITOR.fits():
        remark("You typed more numbers than a link can hold: a link from here opens without them.")


def stamps(views: dict) -> dict:
    """Of the four views the first without its output, while a question waits: the others are other ways to it."""
    # An output cell would mark the stamps that reach it.
    first = {"grid": "input", "channel": 0, "cell": 0, "pinned": False}
    return views | {"panels": [veiled(views["panels"][0]) | {"selected": first}]}


def to_mark(found: lab.Lab, cell: int) -> dict:
    """The layer while cells of its output are to be marked: those that this cell of the input, outlined, touches."""
    data = veiled(draw_scene(found, editable=False))
    given = data["grids"][0]
    frame = [*divmod(cell, given["shape"][-1]), 1, 1]
    return data | {"grids": [given | {"frame": frame}, *data["grids"][1:]]}


def playground_query(scene: Scene) -> dict[str, str]:
    """The parameters with which the Playground opens the same layer with the same numbers."""
    return scene.spec.to_query() | query_of(scene)


def measured(scene: Scene, offered: bool = True) -> lab.Lab | None:
    """The drawn layer, or a sentence on screen why it is not, with a button to the nearest that is, if ``offered``.

    What needs no picture, the numbers, is in ``lab.of(scene)`` either way.
    """
    found = lab.of(scene)
    if not found.why_not:
        return found
    st.info(found.why_not, icon=":material/straighten:")
    if found.nearest and offered:
        st.button("Show the nearest that is drawn", on_click=EDITOR.layer.load, args=(found.nearest,))
    return None
