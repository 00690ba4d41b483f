"""What the lessons that learn while you look have in common: the buttons, a run that can be stopped, and its pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self, TypeVar

import streamlit as st

from models import device
from models.errors import Refusal
from models.text import big, scientific, sentence
from viz import state
from viz.figures import LOSS, chart, loss_curve, to_come
from viz.words import remark

R = TypeVar("R", bound="Run")

PICTURES, PACE = 20, 0.2
"""How often the pictures change during a run, and seconds for each at least: faster, and no eye can follow."""


def buttons(waits: bool = False) -> tuple[bool, bool]:
    """Train, Stop and Reset; whether the first and whether the last was pressed. As any other choice does, pressing
    one ends a run that goes on: the page begins anew. While a question ``waits``, nothing is trained."""
    with st.container(horizontal=True, gap="xsmall"):
        help_ = "Answer the question first." if waits else None
        start = st.button("Train", icon=":material/play_arrow:", disabled=waits, help=help_)
        st.button("Stop", icon=":material/stop:", help="What was reached stays on screen.")
        return start, st.button("Reset", icon=":material/undo:", help="Back to random weights.")


class Screen:
    """Where the pictures of a run follow each other.

    To the browser each picture is a new one, which is empty at first and moves what stands below. So there are two
    places, one upon the other (``_look.css``): while one is shown the next picture is drawn in the other.
    """

    def __init__(self) -> None:
        with st.container(key="live"):
            self._places = [st.container(key=f"live_{k}").empty() for k in (0, 1)]
        self._drawn = -1
        self._show(0)

    def draw(self, picture: Callable[[], None]) -> None:
        """Draw the next picture, and show the one before."""
        if self._drawn >= 0:
            self._show(self._drawn)
        self._drawn = 1 if self._drawn == 0 else 0
        with self._places[self._drawn].container():
            picture()

    def rest(self) -> None:
        """Show the last picture alone, once the browser has drawn it."""
        if self._drawn == 1:
            time.sleep(PACE)
        self._show(self._drawn)
        self._places[1 - self._drawn].empty()

    @staticmethod
    def _show(k: int) -> None:
        st.html(f"<style>.st-key-live_{k} {{ opacity: 1; }} .st-key-live_{1 - k} {{ opacity: 0; }}</style>")


@dataclass
class Run:
    """A run so far, kept so that what was reached stays on screen when it is stopped.

    ``moments``: of ``models.learning.Step``, or what a lesson makes of one. A press starts the page anew while the run
    may still be measuring its next moment, so each is added as a whole.
    """

    settings: tuple
    total: int
    moments: list[Any] = field(default_factory=list)
    before: Any = None
    floor: float = 0.0

    def so_far(self) -> Self:
        """A copy that no longer grows."""
        return replace(self, moments=list(self.moments))

    @property
    def now(self) -> Any:
        """What is to be seen: the last moment, or that before the first."""
        return self.moments[-1] if self.moments else self.before

    @property
    def steps(self) -> list[int]:
        return [one.step for one in self.moments]

    @property
    def losses(self) -> list[float]:
        return [one.loss for one in self.moments]

    @property
    def every(self) -> int:
        """Steps from one picture to the next."""
        return max(1, self.total // PICTURES)

    def follow(self, moments: Iterable[Any], bar) -> Iterator[Any]:
        """Each moment: kept, told in ``bar``, and drawn by the caller, no faster than the eye follows."""
        since = time.monotonic()
        for step in moments:
            self.moments.append(step)
            bar.progress(step.step / self.total, f"Step {big(step.step)} of {big(self.total)}, loss {small(step.loss)}")
            yield step
            time.sleep(max(0.0, PACE - (time.monotonic() - since)))
            since = time.monotonic()

    def tell(self, bar, watch: str) -> None:
        """How far it is. ``watch``: what there is to see."""
        if not self.moments:
            bar.progress(0.0, f"Random weights. Train, and watch {watch}.")
            return
        done, total = self.now.step, big(self.total)
        said = f"Trained for {total} steps" if done == self.total else f"Stopped after {big(done)} of {total} steps"
        bar.progress(done / self.total, f"{said}, loss {small(self.now.loss)}.")

    def draw_loss(self, key: str, step: str) -> None:
        """Its curve, in which ``step`` sets apart one run's pictures; before the first step its place."""
        if not self.moments:
            to_come(LOSS, self.total, key=key)
            return
        told = f"Loss over {self.now.step} steps, from {small(self.losses[0])} to {small(self.now.loss)}"
        curve = loss_curve(self.steps, self.losses, self.floor)
        chart(curve, key=f"{key}{step}", alt=told, numbers=not step)

    def tell_changed(self, settings: tuple) -> None:
        """Below a picture that belongs to other settings than those beside it."""
        if self.moments and self.settings != settings:
            remark("The settings have changed since: press Train to start again.")


def show(
    name: str, settings: tuple, pressed: tuple[bool, bool], fresh: Callable[[], R],
    train: Callable[[R], Iterable[Any]], picture: Callable[..., None], watch: str,
) -> R:  # fmt: skip
    """The run that is on screen: a new one if ``buttons`` were pressed, trained while it is looked at.

    Args:
        name: under which the session keeps it.
        settings: with which a new one runs; the old one stays on screen when they change.
        pressed: from :func:`buttons`.
        fresh: a run that has not begun. train: its moments. picture: draws it, with what sets apart the keys of one
            run's pictures, as Streamlit wants it.
        watch: what there is to see.
    """
    start, again = pressed
    bar, screen, run = st.empty(), Screen(), kept(name)
    if run is None or again or start or (not run.moments and run.settings != settings):
        run = fresh()
        state.remember(name, run)
    if start:
        try:
            with device.one_thread():
                for step in run.follow(train(run), bar):
                    screen.draw(partial(picture, run, f"_{step.step}"))
        except Refusal as error:
            st.error(sentence(error))
    run.tell(bar, watch)
    screen.draw(partial(picture, run))
    screen.rest()
    run.tell_changed(settings)
    return run


def kept(name: str) -> Any:
    """The run that the session keeps under this name, as far as it is, if any."""
    run: Run | None = state.recall(name)
    return run and run.so_far()


def small(value: float) -> str:
    """An error: four decimals, and powers of ten for what is very small or very large."""
    return f"{value:.4f}" if value == 0 or 0.001 <= value < 1e6 else scientific(value)
