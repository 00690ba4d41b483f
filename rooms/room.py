"""What a room does. A lecturer opens it and asks; each phone joins, answers once, and sees how often it was right."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rooms.limit import Limit
from rooms.store import Full, Store

LETTERS = "BCDFGHJKLMNPRSTVWXZ"
"""Of codes: none that looks like another, and no vowels, so that no code is a word."""
LENGTH = 4
MOST_PHONES = 600
MOST_QUESTIONS = 50
APART = 0.06
"""Seconds for each phone, within which all of them follow to a page: opening one costs the server so much."""
MOST_SHOWN = 12
LONGEST = 1000
"""Characters of an answer: a hundred cells."""
HERE = 60
"""Seconds since a phone was heard of, after which it is gone."""
NO_NUMBER = "This is no number: type one, such as 12 or 0.5."


class RoomError(Exception):
    """One sentence for the visitor. ``status``: what HTTP calls it."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence, self.status = sentence, status


@dataclass(frozen=True)
class Poll:
    """A question as the room gets it. ``answer`` and ``explanation`` reach a phone after the reveal.

    options: the answers to choose from. Without any, a cell of a grid of ``cells`` rows and columns is the answer
        ("row 2, column 0", counted from 0), or ``several`` of them (as :func:`cells_at` spells them), or else a number
        that is typed.
    """

    name: str
    text: str
    options: tuple[str, ...]
    answer: str
    explanation: str = ""
    cells: tuple[int, int] | None = None
    several: bool = False


@dataclass(frozen=True)
class Tally:
    """What the lecturer's screen shows. counts: answer → phones, or cell → phones where several make an answer; of
    typed numbers the ``MOST_SHOWN`` that came most often. right: what of that is right. here: phones that are in the
    room now. cells: as in :class:`Poll`. follow: whether phones follow the screen."""

    round: int = 0
    name: str = ""
    text: str = ""
    right: tuple[str, ...] = ()
    revealed: bool = False
    here: int = 0
    answered: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    cells: tuple[int, int] | None = None
    follow: bool = False

    @property
    def waits(self) -> bool:
        """Whether the room is asked something that is not revealed yet."""
        return self.round > 0 and not self.revealed


def code_of(text: str) -> str:
    """A code as somebody typed it; raises ``RoomError`` where it cannot be one."""
    code = re.sub(r"[\s-]", "", text[:40]).upper()
    if len(code) != LENGTH or not (code.isascii() and code.isalpha()):
        raise RoomError(f"A room's code is {LENGTH} letters, as they stand on the lecturer's screen: type those.", 404)
    return code


class Rooms:
    """All rooms of a store. A key (``code-secret``) makes its holder the lecturer; ``who``: an address, for limits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wrong = Limit(each=30, together=300)
        self._opened = Limit(each=10, together=30)

    # -- the lecturer -------------------------------------------------------------------------------------------------

    def open(self, who: str = "") -> str:
        """A new room; returns its key."""
        if self._opened.reached(who):
            raise RoomError("Too many rooms were opened just now: wait a minute, then open this one.", 429)
        self._opened.count(who)
        secret = secrets.token_urlsafe(12)
        while True:
            code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
            try:
                if self._store.create(_room(code), {"secret": secret, "version": "1", "round": "0"}):
                    # What is left of a room of this name that ended by itself.
                    self._store.delete(_beside(code))
                    return f"{code}-{secret}"
            except Full:
                raise RoomError("All rooms of this server are taken: try again in an hour.", 503) from None

    def _owned(self, key: str) -> tuple[str, dict[str, str]]:
        code, _, secret = key.partition("-")
        room = self._store.read(_room(code))
        if not secret or not secrets.compare_digest(room.get("secret", "").encode(), secret.encode()):
            raise RoomError("This room is over: open another.", 404)
        return code, room

    def ask(self, key: str, poll: Poll) -> None:
        """Put a question to the room, in place of the one before."""
        code, room = self._owned(key)
        number = int(room["round"]) + 1
        if number > MOST_QUESTIONS:
            raise RoomError(f"This room has answered {MOST_QUESTIONS} questions: open another.")
        question = json.loads(json.dumps(vars(poll)))
        try:
            question["answer"] = _read(question, poll.answer)
        except RoomError:
            raise RoomError("This question cannot be put to a room: phones have no way to give its answer.") from None
        told = {"round": str(number), "question": json.dumps(question), "revealed": ""}
        self._store.write(_room(code), told, bump="version")

    def reveal(self, key: str) -> None:
        """Tell the phones what is right; from now on no answer is taken."""
        code, room = self._owned(key)
        if room["round"] == "0" or room.get("revealed"):
            return
        answer = json.loads(room["question"])["answer"]
        told = {"revealed": "1", f"answer {room['round']}": answer}
        self._store.write(_room(code), told, bump="version")

    def show(self, key: str, page: str, on: str, follow: bool | None = None) -> None:
        """The page that the lecturer shows, as a link below the app's address, the name of the question on it, empty
        if there is none, and whether phones follow: as before where that is None."""
        code, room = self._owned(key)
        follow = bool(room.get("follow")) if follow is None else follow
        now = {"page": page, "on": on, "follow": "1" if follow else ""}
        if any(room.get(name, "") != text for name, text in now.items()):
            # Those who do not follow need not hear of it.
            bump = "version" if follow or room.get("follow") else ""
            spread = APART * len(self._store.read(_phones(code)))
            self._store.write(_room(code), now | {"spread": f"{min(spread, 20):.2f}"}, bump=bump)

    def tally(self, key: str) -> Tally:
        """How the question stands."""
        code, room = self._owned(key)
        number, seen = int(room["round"]), time.time() - HERE
        here = sum(float(last) > seen for last in self._store.read(_phones(code)).values())
        question = json.loads(room["question"]) if number else vars(Poll("", "", (), ""))
        votes = Counter(self._store.read(_votes(code, number)).values())
        options, cells = question["options"], question["cells"]
        answered, right = votes.total(), (question["answer"],)
        if question.get("several"):
            names = {answer: [cell_at(*place) for place in places_in(answer)] for answer in (*votes, *right)}
            right = tuple(names[question["answer"]])
            votes = Counter(cell for answer, times in votes.items() for cell in names[answer] * times)
        if not options:
            options = [answer for answer, _ in votes.most_common(None if cells else MOST_SHOWN)]
            options.sort(key=lambda answer: (float(number_in(answer) or 0), answer))
        return Tally(
            round=number,
            name=question["name"],
            text=question["text"],
            right=right,
            revealed=bool(room.get("revealed")),
            here=here,
            answered=answered,
            counts={option: votes[option] for option in options},
            cells=tuple(cells) if cells else None,
            follow=bool(room.get("follow")),
        )

    def close(self, key: str) -> None:
        """End the room."""
        code, _ = self._owned(key)
        self._store.delete([_room(code), *_beside(code)])

    # -- a phone ------------------------------------------------------------------------------------------------------

    def find(self, text: str, who: str = "") -> str:
        """The code of the room that somebody asks for."""
        if self._wrong.reached(who):
            raise RoomError("Too many wrong codes were tried from here: wait a minute.", 429)
        try:
            code = code_of(text)
            if not self._store.read(_room(code)):
                raise RoomError(f"There is no room {code}: look at the lecturer's screen once more.", 404)
        except RoomError:
            self._wrong.count(who)
            raise
        return code

    def join(self, text: str, who: str = "") -> str:
        """Come in; returns what the phone is known by from now on."""
        code, visitor = self.find(text, who), secrets.token_urlsafe(12)
        try:
            self._store.add(_phones(code), visitor, str(int(time.time())), MOST_PHONES)
        except Full:
            raise RoomError(f"This room is full: {MOST_PHONES} phones are in it.", 503) from None
        return visitor

    def version(self, code: str) -> int:
        """It goes up when there is something new for phones; 0: there is no such room."""
        return int(self._store.field_of([_room(code)], "version")[0] or 0)

    def waiting(self, code: str) -> str:
        """The name of the question that phones have and are not told the answer of; empty if there is none."""
        question = _asked(room := self._store.read(_room(code)))
        return question["name"] if question and not room.get("revealed") else ""

    def leads(self, code: str) -> bool:
        """Whether phones follow the lecturer's screen."""
        return bool(self._store.read(_room(code)).get("follow"))

    def _joined(self, code: str, visitor: str) -> dict[str, str]:
        room = self._store.read(_room(code))
        # Said in one way, for it must not tell which codes there are.
        if not room or self._store.field_of([_phones(code)], visitor)[0] is None:
            raise RoomError("This room is over, or this phone has not joined it.", 404)
        return room

    def look(self, code: str, visitor: str) -> dict[str, Any]:
        """What a phone shows now."""
        room = self._joined(code, visitor)
        self._store.write(_phones(code), {visitor: str(int(time.time()))})
        number, revealed = int(room["round"]), bool(room.get("revealed"))
        mine = self._store.field_of([_votes(code, at) for at in range(1, number + 1)], visitor)
        told = [at for at in range(1, number + 1) if mine[at - 1] is not None and f"answer {at}" in room]
        found: dict[str, Any] = {
            "version": int(room["version"]),
            "round": number,
            "answered": len(told),
            "right": sum(mine[at - 1] == room[f"answer {at}"] for at in told),
            "page": room.get("page", "") if room.get("follow") else None,
            "spread": float(room.get("spread", 0)),
        }
        if question := _asked(room):
            shown = ("name", "text", "options", "cells", "several", *(("answer", "explanation") if revealed else ()))
            found |= {name: question.get(name) for name in shown} | {"revealed": revealed, "mine": mine[-1]}
        return found

    def vote(self, code: str, visitor: str, number: int, answer: str) -> None:
        """One answer to the question with this number; the first counts, and the same once more is no error."""
        room, answer = self._joined(code, visitor), answer[:LONGEST]
        if number < 1 or number != int(room["round"]) or room.get("revealed"):
            if number > 0 and self._store.field_of([_votes(code, number)], visitor)[0] == answer:
                return
            raise RoomError("Too late: this question is over.", 409)
        answer = _read(json.loads(room["question"]), answer)
        votes = _votes(code, number)
        first = self._store.add(votes, visitor, answer, MOST_PHONES)
        if not first and self._store.field_of([votes], visitor)[0] != answer:
            raise RoomError("You have answered this question already: the first answer counts.", 409)


def number_in(text: str) -> str:
    """A typed number in the one way in which answers are written: ``134`` for ``+134.0`` or ``134,``; nothing where it
    is none."""
    plain = re.sub(r"\s", "", text).replace("−", "-").replace(",", ".")
    if not re.fullmatch(r"[+-]?[0-9]{1,12}([.][0-9]{0,6})?", plain, re.ASCII):
        return ""
    # Without zeros that say nothing, and without the sign of zero.
    return f"{float(plain) + 0.0:.6f}".rstrip("0").rstrip(".")


def cell_at(row: int, column: int) -> str:
    """A cell as an answer spells it."""
    return f"row {row}, column {column}"


def cells_at(places: Iterable[tuple[int, int]]) -> str:
    """Several cells as an answer spells them: ``(0, 0), (0, 2)``, each once and in order."""
    return ", ".join(f"({row}, {column})" for row, column in sorted(set(places)))


def places_in(answer: str) -> list[tuple[int, int]]:
    """Row and column of each cell that an answer names in one of these ways; nothing where it is none."""
    one = r"\(([0-9]{1,3}), ([0-9]{1,3})\)"
    if place := re.fullmatch(r"row ([0-9]{1,3}), column ([0-9]{1,3})", answer, re.ASCII):
        return [(int(place[1]), int(place[2]))]
    if not re.fullmatch(rf"{one}(, {one})*", answer, re.ASCII):
        return []
    return [(int(row), int(column)) for row, column in re.findall(one, answer, re.ASCII)]


def _read(question: dict[str, Any], answer: str) -> str:
    """An answer in the one way in which it is kept; raises ``RoomError`` where it is none."""
    if question["options"]:
        if answer not in question["options"]:
            raise RoomError("This is none of the answers to the question: choose one of those on screen.")
        return answer
    if question["cells"]:
        rows, columns = question["cells"]
        places = places_in(answer)
        if not places or any(row >= rows or column >= columns for row, column in places):
            raise RoomError("There is no such cell: mark one of those on screen.")
        if question.get("several"):
            return cells_at(places)
        if len(places) > 1:
            raise RoomError("One cell is asked for: mark one of those on screen.")
        return cell_at(*places[0])
    if not (number := number_in(answer)):
        raise RoomError(NO_NUMBER)
    return number


def _asked(room: dict[str, str]) -> dict[str, Any] | None:
    """The question that phones have. Those that follow are done with it once the lecturer goes on from it."""
    question = json.loads(room["question"]) if room.get("round", "0") != "0" else None
    return None if question and room.get("follow") and room.get("on") != question["name"] else question


def _room(code: str) -> str:
    return f"room {code}"


def _phones(code: str) -> str:
    return f"phones {code}"


def _votes(code: str, number: int) -> str:
    return f"votes {code} {number}"


def _beside(code: str) -> list[str]:
    """All tables of a room but its first."""
    return [_phones(code), *(_votes(code, number) for number in range(1, MOST_QUESTIONS + 1))]
