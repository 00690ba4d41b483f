"""What every lesson has: its head, which the shell draws, the frame of controls and picture, and a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages import _run
from pages._go import page_at
from pages._lessons import Lesson, topic
from viz import state
from viz.export import sharing, taken
from viz.export.taken import Script, Taken
from viz.words import defined, say

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from models.share import Scene
    from pages._question import Asking


@dataclass
class Head:
    """What this run's page gives the head: more actions, and what Code and Link show when they are asked for."""

    lesson: Lesson
    left: DeltaGenerator
    actions: DeltaGenerator
    script: Script | None = None
    fits: bool = True
    unfit: str = ""
    scene: Scene | None = None
    against: Scene | None = None
    covered: bool = False


_head: ContextVar[Head] = ContextVar("head")


def draw_head(lesson: Lesson) -> None:
    """The question, and under it the neighbours in the topic and the actions."""
    if state.recall("presenting"):
        # How long it is, for what shares its line.
        st.html(f"<style>:root {{ --question: {len(lesson.question)} }}</style>")
    # Presented, no key stops in the title on its way to the picture.
    st.title(lesson.question if state.recall("presenting") else defined(lesson.question), anchor=False)
    with st.container(key="head", horizontal=True, vertical_alignment="center", gap="small"):
        neighbours = topic(lesson)
        left = st.container(key="neighbours" if len(neighbours) > 1 else "line", horizontal=True, gap="xxsmall")
        with left:
            for one in neighbours if len(neighbours) > 1 else ():
                with st.container(key="here", width="content") if one == lesson else nullcontext():
                    st.page_link(page_at(one.url_path), label=one.title)
        actions = st.container(key="extras_actions", horizontal=True, width="content", gap="xsmall")
        with actions:
            sharing.buttons(("Code", "Link", "Take away"), page=lesson.url_path)
    if lesson.line and not state.recall("presenting"):
        say(lesson.line)
    _head.set(Head(lesson, left, actions))
    taken.begin()


def left() -> DeltaGenerator:
    """The place left of the actions, for a page without neighbours."""
    return _head.get().left


def actions() -> DeltaGenerator:
    """The row of Code and Link, for a page that has more actions."""
    return _head.get().actions


def offer(
    script: Script,
    fits: bool = True,
    unfit: str = "",
    covered: bool = False,
    scene: Scene | None = None,
    against: Scene | None = None,
) -> None:
    """What the head's actions show of the page that is drawn.

    Args:
        script: called only when it is wanted: a sentence on what the script does, and the script. It may raise
            ``ValueError`` with a sentence that says why there is none.
        fits, unfit: whether the link holds everything, and what to say where it does not.
        covered: whether a question waits, whose answer the script would tell.
        scene: the layer with its numbers, where the page is about one. against: the one that it is compared with.
    """
    head = _head.get()
    head.scene, head.against, head.covered = scene, against, covered
    head.script, head.fits, head.unfit = _kept_back if covered else script, fits, unfit


def draw_dialog() -> None:
    """The dialog of Code, Link or Take away, if it was asked for."""
    head = _head.get()
    sharing.page_dialogs(
        head.lesson.url_path, head.script or _nothing, head.fits, head.unfit, lambda: _run.draw_add(head.lesson), _take
    )


def _take() -> dict[str, Taken]:
    """What the page has on it."""
    head, link = _head.get(), sharing.class_link()[0]
    has = {"title": head.lesson.title, "question": head.lesson.question, "link": link, "asked": head.covered}
    return taken.noted(head.scene, head.against, head.script, **has)


def _nothing() -> tuple[str, str]:
    raise ValueError("nothing is shown that a script could repeat: mend what the page asks for first.")


def _kept_back() -> tuple[str, str]:
    raise ValueError("the script tells the answer: answer the question first.")


def columns(
    chips: str = "Settings", widths: Sequence[int] = (1, 3)
) -> tuple[DeltaGenerator | state.Folded, DeltaGenerator]:
    """The places of a lesson's controls and of its picture. Presented, the controls fold into a line, ``chips``."""
    if not state.recall("presenting"):
        left, right = st.columns(widths, gap="medium")
        return left, right
    return state.popover(chips, "chips", ":material/tune:"), st.container(key="beheld")


@contextmanager
def frame(
    draw_controls: Callable[[], None],
    picture_first: bool = False,
    draw_lead: Callable[[], None] | None = None,
    asking: Asking | None = None,
    chips: str = "Settings",
) -> Iterator[DeltaGenerator]:
    """Controls at the left, the question and the picture at the right; on a phone the picture first, then the question.
    Yields the place of question and picture, for what stands below them: on a phone below the controls.

    ``picture_first`` sends the picture before the controls, for parts whose picture reads nothing from them.
    ``draw_lead`` draws the controls without which the picture says nothing: above the others, on a phone above the
    picture too. ``asking`` draws its question above the picture. ``chips`` as for :func:`columns`.
    """
    with st.container(key="lesson"):
        left, right = columns(chips)
        with left:
            if draw_lead is not None:
                with st.container(key="lead", gap="xsmall"):
                    draw_lead()
            beside = st.container(key="controls", gap="xsmall")
        if not picture_first:
            with left, beside:
                draw_controls()
        with right:
            if asking is not None:
                asking.draw()
            with st.container(key="stage_area"):
                yield right
        if picture_first:
            with left, beside:
                draw_controls()
