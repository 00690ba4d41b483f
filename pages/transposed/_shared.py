"""What the parts have in common: the controls of the layer, and the measured layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from models import lab
from models.share import Scene
from pages._lesson import frame
from viz.controls import transposed as controls


@contextmanager
def lesson(scene: Scene, draw_above: Callable[[], None] | None = None) -> Iterator[None]:
    """The frame of a part about the layer: its controls beside the picture, and above the picture what is about it.

    Everything stands in the same place in each such part: a browser then keeps it from part to part, instead of
    building it anew.
    """
    with frame(lambda: layer_controls(scene), picture_first=True):
        if draw_above is None:
            st.empty()
        else:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                draw_above()
        yield


def layer_controls(scene: Scene) -> None:
    """The controls of the layer, and the way back to the worked example."""
    controls.draw(scene)
    st.button("Back to the worked example", on_click=controls.load, icon=":material/undo:", type="tertiary")
    st.page_link(
        "convolution/playground.py",
        label="The same layer in the Playground",
        icon=":material/open_in_new:",
        query_params=controls.playground_query(scene),
    )
    if not controls.write_url(scene):
        st.caption("You typed more numbers than a link can hold: a link from here opens without them.")


def measured(scene: Scene) -> lab.Lab | None:
    """The drawn layer, or a sentence on screen why it is not, with a button to the nearest that is.

    What needs no picture, the numbers, is in ``lab.of(scene)`` either way.
    """
    found = lab.of(scene)
    if not found.why_not:
        return found
    st.info(found.why_not, icon=":material/straighten:")
    if found.nearest:
        near = found.nearest
        settings = {name: getattr(near, name) for name in controls.DEFAULTS}
        st.button("Show the nearest that is drawn", on_click=lambda: controls.load(**settings))
    return None
