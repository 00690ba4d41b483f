"""The numbers under the stage: value, mark that measurement and formula agree, formula one click away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from latex2mathml.converter import convert

from models.text import big, digits, times
from viz.export import taken

if TYPE_CHECKING:
    from models.lab import Check, Lab

BOTH = "measurement and formula"


def mathml(latex: str) -> str:
    """LaTeX as MathML, which browsers draw themselves; ``\\\\`` begins a new line."""
    numbers: list[str] = []

    def numbered(match: re.Match) -> str:
        numbers.append(match[0])
        return str(_FIRST + len(numbers) - 1)

    pattern = _pattern(_NUMBER.sub(numbered, latex))
    return _STAND_IN.sub(lambda match: numbers[int(match[0]) - _FIRST], pattern)


# The converter takes a hundredth of a second, and from one setting to the next only the numbers of a formula change:
# it sees stand-ins for them, and what it made is kept. Exponents stay, for a number after ^ is read digit by digit.
_NUMBER = re.compile(r"(?<![\^_\d.])\d+(?:[\u00a0\u2009\u202f]\d+)*(?:\.\d+)?")
_FIRST = 710_000
_STAND_IN = re.compile(r"71\d{4}")


@lru_cache(maxsize=256)
def _pattern(latex: str) -> str:
    return "<br>".join(convert(line) for line in latex.split(r" \\ "))


def value_text(check: Check) -> str:
    """The number as people read it: ``2 × 2``, ``120 422 400``, ``16 B``."""
    value = check.formula.value if check.measured is None else check.measured
    if check.name == "activations":
        return byte_text(value)
    return times(value) if isinstance(value, tuple) else big(value)


def byte_text(value: int) -> str:
    """Bytes with a binary unit: ``1.5 KiB``."""
    size, unit = float(value), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def time_text(seconds: float) -> str:
    """Seconds with a unit that fits: ``42 µs``."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def mark(agrees: bool, who: str = "they") -> str:
    """The sign that ``who``, two independent numbers, agree, or that they do not."""
    look, sign, said = ("ok", "✓", f"{who} agree") if agrees else ("no", "≠", f"{who} disagree")
    return f'<span class="cs-mark cs-{look}" role="img" aria-label="{said}" title="{said}">{sign}</span>'


def face(title: str, value: str, short: str, *, hint: str = "", wrapped: bool = False) -> str:
    """HTML of what every card shows: title, value, which is HTML, and a line below, on several lines if ``wrapped``."""
    named = f' title="{escape(hint)}"' if hint else ""
    below = ' cs-wrapped"' if wrapped else f'" title="{escape(short)}"'
    return (
        f'<span class="cs-title"{named}>{escape(title)}</span><span class="cs-value">{value}</span>'
        f'<span class="cs-short{below}>{_unbroken(escape(short))}</span>'
    )


_LARGE = re.compile(r"\d+(?:\u202f\d+)+")
"""A number with spaces between its thousands."""


_SIZES = re.compile(r'(?<=cs-value">)\d+(?: × \d+)+')
"""A value that is sizes, which stand on one line."""


def _unbroken(html: str) -> str:
    """The same text, in which no line breaks inside a large number."""
    return _LARGE.sub(r'<span class="cs-whole">\g<0></span>', html)


def _width(shown: str) -> str:
    """The classes of a card whose largest number or sizes take smaller type where it is narrow, or the room of two."""
    longest = max(map(len, _LARGE.findall(shown)), default=0)
    # Of sizes, 16 × 28 × 28, a space takes half a digit.
    sizes = max((len(one) - one.count(" ") / 2 for one in _SIZES.findall(shown)), default=0)
    room = " cs-double" if longest > 11 or sizes > 13 else " cs-long" if longest > 9 or sizes > 8 else ""
    return room + " cs-sizes" * bool(sizes)


def plain(name: str, shown: str) -> str:
    """HTML of a card that does not open: its name, for the page's script, and its :func:`face`."""
    known = escape(name.lower().replace(" ", "_"))
    return f'<div class="cs-card cs-plain{_width(shown)}" data-number="{known}">{shown}</div>'


def unfolding(name: str, title: str, shown: str, formula: str) -> str:
    """HTML of a card that stays where it is when it opens, and of the panel below its row that it opens."""
    return (
        f'<details class="cs-card{_width(shown)}" name="cs-cards" data-number="{name}">'
        f"<summary>{shown}</summary></details>"
        f'<div class="cs-panel" data-formula="{name}" tabindex="0" role="region" aria-label="Formula: {escape(title)}">'
        f"{formula}</div>"
    )


def numbers(items: Sequence[tuple[str, str, str]]) -> str:
    """HTML of numbers in a row of cards: title, value, and what the value is; all as text."""
    made = (plain(title, face(title, escape(value), hint, wrapped=True)) for title, value, hint in items)
    return f'<div class="cs-cards cs-above">{"".join(made)}</div>'


def _card(check: Check, channels: int) -> str:
    title, url = check.formula.source
    inside = (
        f"<p>{escape(check.hint)}</p>{_both(check)}<p>{mathml(check.formula.symbols)}</p><p>{mathml(check.formula.filled)}</p>"
        f"<p><b>Measured:</b> {escape(check.how)}."
        f'<br><b>Formula:</b> <a href="{url}" target="_blank" rel="noopener">{escape(title)}</a></p>'
    )
    front = face(check.title, _shown(check, channels), check.formula.text, hint=check.hint)
    return unfolding(check.name, check.title, front, inside)


def _both(check: Check) -> str:
    """MACs in FLOPs, too: papers mix them up."""
    if check.name != "macs":
        return ""
    value = check.formula.value if check.measured is None else check.measured
    return f"<p><b>{big(value)} MACs = {big(2 * value)} FLOPs</b></p>"


def cards(lab: Lab, covered: bool = False) -> str:
    """HTML of all numbers of one layer. The first card counts the output's channels if there are several.

    ``covered`` leaves the numbers out: a question about them waits for an answer.
    """
    if covered:
        hidden = (plain(check.name, face(check.title, "?", "predict first", hint=check.hint)) for check in lab.checks)
        return f'<div class="cs-cards">{"".join(hidden)}</div>'
    parts = [_card(check, lab.spec.out_channels) for check in lab.checks]
    if lab.seconds is not None:
        hint = "Median of several forward passes of this one layer; it varies from run to run."
        parts.append(plain("time", face("Forward pass", time_text(lab.seconds), lab.device, hint=hint)))
    return f'<div class="cs-cards">{"".join(parts)}</div>{_key(lab.checks)}'


def side_by_side(one: Lab, other: Lab, names: tuple[str, str] = ("A", "B")) -> str:
    """HTML of the numbers of two layers as a table; those that differ are marked. It can be taken away as text."""
    taken.note_versus(lambda: numbers_side_by_side(one, other, names))
    pairs = []
    for a, b in zip(one.checks, other.checks, strict=True):
        texts = [_shown(check, lab.spec.out_channels) for check, lab in ((a, one), (b, other))]
        pairs.append(Pair(a.name, a.title, *texts, _ratio(a, b), a.hint))
    return versus(_heads(names), pairs) + _key((*one.checks, *other.checks))


def numbers_side_by_side(one: Lab, other: Lab, names: tuple[str, str] = ("A", "B")) -> list[list[str]]:
    """The same as :func:`side_by_side`, as text: a head, then a line for each number."""
    rows = [["Number", *_heads(names)]]
    for a, b in zip(one.checks, other.checks, strict=True):
        texts = [_counted(check, lab.spec.out_channels) for check, lab in ((a, one), (b, other))]
        rows.append([a.title, *texts, taken.SAME if texts[0] == texts[1] else _ratio(a, b)])
    return rows


def _heads(names: tuple[str, str]) -> tuple[str, str, str]:
    """Of the columns of two layers, and of how they differ."""
    return *names, f"{names[1]} ÷ {names[0]}"


@dataclass(frozen=True)
class Pair:
    """A line of :func:`versus`: a number of one and of the other, as HTML, and what to say where they differ."""

    name: str
    title: str
    one: str
    other: str
    differs: str
    hint: str = ""

    def html(self) -> str:
        same = self.one == self.other
        cells = "".join(f"<td>{text}</td>" for text in (self.one, self.other, taken.SAME if same else self.differs))
        return (
            f'<tr class="cs-{"same" if same else "differs"}" data-number="{self.name}"><th scope="row" '
            f'title="{escape(self.hint)}">{escape(self.title)}</th>{cells}</tr>'
        )


def versus(names: Sequence[str], pairs: Sequence[Pair]) -> str:
    """HTML of a table of two things side by side; lines that differ are marked. ``names``: of both, and of their
    difference."""
    head = "".join(f'<th scope="col">{title}</th>' for title in ("Number", *names))
    return f'<table class="cs-versus"><tr>{head}</tr>{"".join(pair.html() for pair in pairs)}</table>'


def _ratio(one: Check, other: Check) -> str:
    """How many times as large the other number is, of two that are single numbers."""
    values = [check.formula.value if check.measured is None else check.measured for check in (one, other)]
    if any(isinstance(value, tuple) for value in values) or not values[0]:
        return "differs"
    return f"{digits(values[1] / values[0])} ×"


def _counted(check: Check, channels: int) -> str:
    """A number as text; ``channels`` of the output."""
    shown = value_text(check)
    return f"{channels} × {shown}" if check.name == "output_size" and channels > 1 else shown


def _shown(check: Check, channels: int) -> str:
    """HTML of a number with its mark; ``channels`` of the output."""
    shown = _counted(check, channels)
    if check.agrees is None:
        return f'{shown} <span class="cs-mark" title="formula alone, not measured">○</span>'
    return f"{shown} {mark(check.agrees, BOTH)}"


def _key(checks: Sequence[Check]) -> str:
    """What the marks mean, for those that are on screen."""
    marks = dict.fromkeys(check.agrees for check in checks)
    said = {True: f"✓ {BOTH} agree", False: f"≠ {BOTH} disagree", None: "○ formula alone, not measured"}
    return f'<p class="cs-key">{" · ".join(said[mark] for mark in marks)}</p>'


def check_cards(checks: Sequence[Check]) -> str:
    """HTML of some numbers, without the time."""
    return f'<div class="cs-cards">{"".join(_card(check, 1) for check in checks)}</div>'


CSS = Path(__file__).with_name("cards.css")
"""Their look, for ``st.html``, once a page."""
