"""Times that are measured when they are asked for, and kept for all visitors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import streamlit as st
from torch import nn

from models.kept import Kept
from models.timing import Timed, timings
from models.turns import Waiting
from viz.words import remark

Times = dict[str, Timed | str]
"""By the layer's title its time, or why there is none."""

_KEPT: Kept[Times] = Kept(64)


def times(
    question: Hashable, layers: Mapping[str, Callable[[], nn.Module]], shape: tuple[int, ...], *, key: str
) -> Times | None:
    """Buttons to measure and to stop, and what was measured last, if anything.

    Args:
        question: what the times hang on besides the device.
        layers: title → what makes the layer. shape: of what goes in.
        key: of the buttons.
    """
    with st.container(horizontal=True, gap="xsmall"):
        pressed = st.button("Measure the times here", icon=":material/timer:", key=key)
        st.button("Stop", icon=":material/stop:", key=f"stop_{key}")
    if pressed:
        return _KEPT.put(question, _measured(layers, shape))
    found = _KEPT.get(question)
    if not found:
        remark("On this server, one visitor at a time: 30 forward passes of each layer. Another choice stops it.")
    return found


def _measured(layers: Mapping[str, Callable[[], nn.Module]], shape: tuple[int, ...]) -> Times:
    """The time of each layer, told while it is measured; another click ends it."""
    bar, found = st.progress(0.0, "Measuring …"), {}
    steps = timings(layers, shape)
    try:
        for one in steps:
            if isinstance(one, Waiting):
                bar.progress(0.0, one.told("Measuring"))
            else:
                found[one[0]] = one[1]
                bar.progress(len(found) / len(layers), f"Measured: {one[0]}")
    finally:
        steps.close()
        bar.empty()
    return found
