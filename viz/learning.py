"""What the lessons that learn while you look have in common: the buttons, a run that can be stopped, and its pace."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from models.formulas import big, scientific

if TYPE_CHECKING:
    import numpy as np

    from models.learning import Step

PICTURES, PACE = 25, 0.12
"""How often the pictures change during a run, and seconds for each at least: faster, and no eye can follow."""


def buttons() -> tuple[bool, bool]:
    """Train, Stop and Reset; whether the first and whether the last was pressed. As any other choice does, pressing
    one ends a run that goes on: the page begins anew."""
    with st.container(horizontal=True, gap="xsmall"):
        start = st.button("Train", icon=":material/play_arrow:")
        st.button("Stop", icon=":material/stop:", help="What was reached stays on screen.")
        return start, st.button("Reset", icon=":material/undo:", help="Back to random weights.")


@dataclass
class Run:
    """A run so far, kept so that what was reached stays on screen when it is stopped."""

    settings: tuple
    total: int
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    kernel: np.ndarray | None = None
    floor: float = 0.0

    @property
    def every(self) -> int:
        """Steps from one picture to the next."""
        return max(1, self.total // PICTURES)

    def follow(self, session: Iterable[Step], bar) -> Iterator[Step]:
        """Each step of ``models.learning.train``, kept, and told in ``bar`` after the caller has drawn it; no faster
        than the eye. A press ends the run wherever something is drawn: measure a step before anything of it is."""
        since = time.monotonic()
        for step in session:
            self.steps.append(step.step)
            self.losses.append(step.loss)
            self.kernel = step.kernel
            yield step
            bar.progress(step.step / self.total, f"Step {big(step.step)} of {big(self.total)}, loss {small(step.loss)}")
            time.sleep(max(0.0, PACE - (time.monotonic() - since)))
            since = time.monotonic()

    def tell(self, bar, watch: str) -> None:
        """How far it is. ``watch``: what there is to see."""
        if not self.steps:
            bar.progress(0.0, f"Random weights. Train, and watch {watch}.")
            return
        done, total = self.steps[-1], big(self.total)
        said = f"Trained for {total} steps" if done == self.total else f"Stopped after {big(done)} of {total} steps"
        bar.progress(done / self.total, f"{said}, loss {small(self.losses[-1])}.")

    def tell_changed(self, settings: tuple) -> None:
        """Below a picture that belongs to other settings than those beside it."""
        if self.steps and self.settings != settings:
            st.caption("The settings have changed since: press Train to start again.")


def small(value: float) -> str:
    """An error: four decimals, and powers of ten for what is very small or very large."""
    return f"{value:.4f}" if value == 0 or 0.001 <= value < 1e6 else scientific(value)
