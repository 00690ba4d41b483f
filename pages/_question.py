"""The question beside the picture: predict, then reveal. While one waits, the page covers what would answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import streamlit as st

from models.text import plural, quoted
from pages import _pinned as pinned
from pages import _room
from rooms.room import NO_NUMBER, cell_at, cells_at, number_in, places_in
from viz import state
from viz.components.stage import unmarked
from viz.state import Choice, Setting, Text
from viz.words import say

NONE = "none"
TYPED = {"placeholder": "A number", "autocomplete": "off"}
TRIES = 2
"""Wrong answers after which the right one is shown."""


@dataclass(frozen=True)
class Question:
    """One question of a lesson.

    name: as the link spells it. title: as the list of questions calls it.
    options: the answers to choose from; without any the answer is typed, or it is a cell.
    wrong: answer → what it left out; "" stands for all others.
    about: what the link says of the example that it is about, ``{}`` for that of a bare page; None: it is about
        whatever is on screen; Next asks it of that of a bare page.
    cell: the grid of the stage in which a cell is the answer: "row 2, column 0", counted from 0.
    several: cells of that grid are, as ``rooms.room.cells_at`` spells them.
    selects: the number of the output's cell that it is about, counted from 0; of the input's, if the answer is cells of
        the output.
    hides: layers of a network that the page must not name while it waits.
    """

    name: str
    title: str
    text: str
    options: tuple[str, ...]
    answer: str
    explanation: str
    wrong: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] | None = None
    cell: str = ""
    several: bool = False
    selects: int = 0
    hides: tuple[str, ...] = ()

    @property
    def typed(self) -> bool:
        """Whether the answer is a number that is typed."""
        return not self.options and not self.cell


def _apart(question: Question, given: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The cells that an answer lacks, and those that are wrong."""
    right, marked = places_in(question.answer), places_in(given)
    return [one for one in right if one not in marked], [one for one in marked if one not in right]


@dataclass(frozen=True)
class Asked:
    """The question on screen. about: what the link said of the page then, None until a run shows it: after another
    choice it is about nothing. empty: Check was pressed with no cell marked."""

    name: str
    about: Mapping[str, str] | None = None
    tries: tuple[str, ...] = ()
    empty: bool = False


@dataclass(frozen=True)
class Asking:
    """The questions of one page, in their order, as a setting of that page; :func:`viz.state.take` it last, and read
    the page's settings after that.

    ``ask`` in the link names the question that waits. A bare link means the first.
    """

    page: str
    questions: Sequence[Question]
    settings: Sequence[Any] = ()
    """Those that make an example."""

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._ask.names, *self._answered.names)

    @cached_property
    def _ask(self) -> Setting:
        titles = {NONE: NONE} | {each.name: each.name for each in self.questions}
        return Choice("ask", self._usual, "", None, titles, read=self._read, key=f"ask_{self.page}")

    @cached_property
    def _answered(self) -> Setting:
        """The question that stands answered on screen, so that a lecturer who loads the page anew goes on from it."""
        names = {"": "", **{each.name: each.name for each in self.questions}}
        return Choice("answered", "", "", None, names, read=self._read, key=f"answered_{self.page}")

    def _read(self, text: str) -> str:
        if text != NONE and text not in {each.name for each in self.questions}:
            raise ValueError(f"{quoted(text)} is not a question of this page; “All questions” lists them.")
        return text

    def _usual(self) -> str:
        return NONE if state.example(self) else self.questions[0].name

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        told, name = [*self._ask.take(query), *self._answered.take(query)], self._ask.value
        asked: Asked | None = state.recall(f"asked_{self.page}")
        if asked and asked.name != (self._answered.value if name == NONE else name):
            # After the way back: the link's question is another.
            state.forget(f"asked_{self.page}")
        if set(query) == {"ask"} and name != NONE:
            self._bring(self._question(name))
        return told

    def _bring(self, question: Question) -> None:
        """Bring the example on screen that the question is about, that of a bare page where it names none: what the
        question before it has brought goes."""
        query = {name: [text] for name, text in (question.about or {}).items()}
        for one in self.settings:
            one.take(query)
        if question.cell or question.selects:
            pinned.let_go(self.page)

    def _shown(self) -> list[str]:
        """The questions about the example that is on screen."""
        now = {name: text for one in self.settings for name, text in one.query().items()}
        return [each.name for each in self.questions if each.about is not None and each.about == now]

    def query(self) -> dict[str, str]:
        return self._ask.query() | self._answered.query()

    def _about(self) -> dict[str, str]:
        """What the link says of the example on screen; a cell may be pinned in it."""
        return {name: text for name, text in state.example(self).items() if name != pinned.NAME}

    # -- which, and whether it waits ----------------------------------------------------------------------------------

    def _asked(self) -> Asked | None:
        """The question on screen, waiting or answered, if the page still shows what it is about."""
        asked, waits, about = state.recall(f"asked_{self.page}"), self._ask.value, self._about()
        answered = self._answered.value
        if waits != NONE and (asked is None or asked.name != waits):
            asked = Asked(waits, about)
        elif asked is None and answered and (self._question(answered).about is None or answered in self._shown()):
            asked = Asked(answered, about)
        elif asked is not None and asked.about is None:
            asked = replace(asked, about=about)
        elif asked is not None and asked.about != about:
            asked = None
        state.remember(f"asked_{self.page}", asked)
        self._answered.give(asked.name if asked and waits == NONE else "")
        return asked

    def waits(self) -> bool:
        """Whether a question waits, so that what would answer it stays covered. Call it before the page is drawn."""
        # From here on a setting that goes back to its default does not ask again.
        self._ask.give(self._ask.value)
        asked, waits = self._asked(), self._ask.value
        if waits == NONE:
            return False
        elsewhere = self._question(waits).about is not None and waits not in self._shown()
        if asked is None or elsewhere:
            self._ask.give(NONE)
            state.forget(f"asked_{self.page}")
            if elsewhere and state.link_counts():
                state.tell(f"ask: the question {quoted(waits)} is about another example; it is left out.")
        return self._ask.value != NONE

    @property
    def waiting(self) -> Question | None:
        """The question that waits, if one does. After :meth:`waits`."""
        return self._question(self._ask.value) if self._ask.value != NONE else None

    def _question(self, name: str) -> Question:
        return next(each for each in self.questions if each.name == name)

    def _answer(self, question: Question) -> Choice | Text:
        name = f"answer_{question.name}"
        if question.options:
            return Choice(name, None, question.text, None, question.options, "pills")
        return Text(name, "", question.text)

    # -- what a visitor does ------------------------------------------------------------------------------------------

    def ask(self, name: str | None) -> None:
        """Bring a question on screen. For callbacks."""
        if name is None:
            return
        question = self._question(name)
        self._bring(question)
        _room.put_away()
        # The next key may come before a run has shown it.
        state.remember(f"asked_{self.page}", Asked(name))
        answer = self._answer(question)
        answer.give(answer.usual)
        self._ask.give(name)

    def _ask_chosen(self) -> None:
        self.ask(state.heard(f"questions_{self.page}"))

    def ask_next(self) -> None:
        """Ask the question after the one on screen, or the first. For callbacks."""
        self.ask(self._after(self.on_screen()).name)

    def reveal(self) -> None:
        """Answer the question that waits. For callbacks."""
        self._ask.give(NONE)

    def cover(self) -> None:
        """Ask the question on screen again; without one, what a visitor has set stays. For callbacks."""
        if question := self.on_screen():
            self.ask(question.name)

    def _take_answer(self, question: Question) -> None:
        state.catch_up()
        answer, asked = self._answer(question), state.recall(f"asked_{self.page}")
        if asked is None or asked.name != question.name or _room.asked(self, question) or _room.led():
            return
        if self._ask.value == NONE:  # answered: what was said stays
            answer.give(asked.tries[-1] if asked.tries else answer.usual)
            return
        given = (answer.value or "").strip()
        if question.typed:
            given = number_in(given)
        if not given:
            state.remember(f"asked_{self.page}", replace(asked, empty=question.several))
            return
        asked = replace(asked, tries=(*asked.tries, given), empty=False)
        state.remember(f"asked_{self.page}", asked)
        if given == question.answer or len(asked.tries) >= TRIES:
            self.reveal()

    def answered_on(self, stage: str, data: dict) -> tuple[dict, Callable[[], None] | None]:
        """The data of the stage of this key and what takes a click on it, if that is how the question that waits is
        answered; else the data as they are. After :meth:`waits`."""
        question = self.waiting
        if question is None or not question.cell:
            return data, None
        grids = {one["id"]: one for one in data["grids"]}
        rows, width = grids[question.cell]["shape"][-2:]
        # For a room, whose phones have the same cells.
        state.remember(f"cells_{self.page}", (rows, width))
        # Answered, the page selects what the answer is about, no more the cell that was chosen.
        data = data | {"selected": (data.get("selected") or {}) | {"of": question.name}}
        take = partial(self._take_cell, question, stage, rows, width)
        if not question.several:
            return unmarked(data), take
        tries = state.recall(f"asked_{self.page}").tries
        told = [row * width + column for row, column in places_in(self._answer(question).value)]
        data = unmarked(data, {"grid": question.cell, "cells": told, "of": f"{question.name} {len(tries)}"})
        _, wrong = _apart(question, tries[-1]) if tries else ((), ())
        crossed = [row * width + column for row, column in wrong]
        grids = [one | {"crossed": crossed} if one["id"] == question.cell else one for one in data["grids"]]
        return data | {"grids": grids}, take

    def _take_cell(self, question: Question, stage: str, rows: int, width: int) -> None:
        pin = state.heard(stage, "pin") or {}
        cells = pin.get("cells") if question.several else [pin.get("cell")]
        if pin.get("grid") != question.cell or not isinstance(cells, list):
            return
        if not all(isinstance(cell, int) and 0 <= cell < rows * width for cell in cells):
            return
        places = [divmod(cell, width) for cell in cells]
        # Several are taken by the button, all together.
        self._answer(question).give(cells_at(places) if question.several else cell_at(*places[0]))
        if not question.several:
            self._take_answer(question)

    # -- drawing ------------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """The question with its answers and the way to the next; below, what an answer left out or why it is right.
        After :meth:`waits`."""
        state.remember("asking", self)
        asked: Asked | None = state.recall(f"asked_{self.page}")
        question, waits = self._question(asked.name) if asked else None, self._ask.value != NONE
        if _room.asked(self, question):
            return
        with st.container(key="question", gap="xsmall"):
            if question:
                # Presented, Tab comes to the picture in a few steps.
                write = st.markdown if state.recall("presenting") else say
                write(f":material/psychology_alt: **{question.text}**")
            else:
                # Each has its place, so that what has gone is emptied at once, not after what the page computes.
                st.empty()
            with st.container(key="answers", horizontal=True, vertical_alignment="center", gap="xsmall"):
                if question and not question.cell:
                    how = {"width": "content", "wrap": True} if question.options else {"width": 140, **TYPED}
                    self._answer(question).draw(
                        label_visibility="collapsed", **how,
                        on_change=self._take_answer, args=(question,),
                    )  # fmt: skip
                if question and question.several and waits:
                    st.button(
                        "Check", key="check", icon=":material/check:", on_click=self._take_answer, args=(question,)
                    )
                if waits:
                    st.button("Reveal", key="reveal", icon=":material/visibility:", on_click=self.reveal)
                elif question and state.recall("presenting"):
                    st.button("Cover", key="cover", icon=":material/visibility_off:", on_click=self.cover)
                st.button(
                    "Next question", key="next_question", icon=":material/arrow_forward:", shortcut="n",
                    on_click=self.ask_next,
                )  # fmt: skip
                st.menu_button(
                    "All questions", [each.name for each in self.questions], key=f"questions_{self.page}",
                    format_func=lambda name: self._question(name).title, on_click=self._ask_chosen, type="tertiary",
                )  # fmt: skip
                _room.draw(self, question, waits)
            if question and asked:
                with st.container(key="verdict"):
                    self._draw_verdict(question, asked, waits)
            else:
                st.empty()

    def _nonsense(self, question: Question) -> bool:
        """Whether what stands in the box is no number where one is asked for."""
        typed = (self._answer(question).value or "").strip()
        return question.typed and bool(typed) and not number_in(typed)

    def selected(self) -> int:
        """The cell that the stage shows at first: that of the question on screen. After :meth:`waits`."""
        question = self.on_screen()
        return question.selects if question else 0

    def on_screen(self) -> Question | None:
        """The question on screen, waiting or answered. After :meth:`waits`, and in callbacks."""
        asked: Asked | None = state.recall(f"asked_{self.page}")
        return self._question(asked.name) if asked else None

    def _after(self, question: Question | None) -> Question:
        if question is None:
            return self.questions[0]
        return self.questions[(self.questions.index(question) + 1) % len(self.questions)]

    def _draw_verdict(self, question: Question, asked: Asked, waits: bool) -> None:
        last = asked.tries[-1] if asked.tries else None
        if not waits:
            verdict = "Yes." if last == question.answer else f"Not quite: {question.answer}." if last else ""
            say(f":material/lightbulb: **{verdict or f'{question.answer}.'}** {question.explanation}")
        elif self._nonsense(question):
            st.markdown(f":material/replay: **{NO_NUMBER}**")
        elif asked.empty and not self._answer(question).value:
            st.markdown(":material/replay: **Mark at least one cell first.**")
        elif last and question.several:
            missing, wrong = _apart(question, last)
            counted = [f"{plural(len(missing), 'cell')} too few"] if missing else []
            counted += [f"{plural(len(wrong), 'cell')} too many, with a cross"] if wrong else []
            say(f":material/replay: **{' and '.join(counted)}: {question.wrong.get('', 'not those')}.** Try once more.")
        elif last:
            left_out = question.wrong.get(last) or question.wrong.get("", "not that")
            say(f":material/replay: **{last}: {left_out}.** Try once more.")
