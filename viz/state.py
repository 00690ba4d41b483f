"""Settings ↔ link ↔ session ↔ widgets: the only code that touches ``st.session_state`` and ``st.query_params``.

A setting is declared once, with a kind from below: how the link spells it, what it may be, its widget. A page names its
settings in :func:`take` before it draws the first; that reads the link where the link counts: when the page is opened,
and after the browser's back and forward buttons. From then on a widget's value is the visitor's, and the page derives
what it shows from it. :func:`finish` writes the link, once a run, from what the settings hold.

Only :func:`give` writes a value: for a preset, a link, or where a value no longer lies within its bounds. What the
browser has sent before such an answer reached it still carries the value of before. Each request says which answer was
the last that the browser had (a text field that nobody sees carries the number back), so such a value is known for what
it is, and is given once more.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st

from models.text import quoted, read_whole
from models.turns import Turns
from viz import words
from viz.private import went_back

FRAME = {"present": "presenting", "room": "room", "run": "run"}
"""What a link says of the frame around the pages, and under which name :func:`recall` has it."""

ON_THE_WAY = "go"
"""In the link while the server turns to another page: that page's address, until it has said its own link. See
``components/way.js``."""

ALIKE = 0.7
"""From 0 to 1: how much a name must be like another to be taken for a slip."""

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_RUNS = Turns(places=1, longest=0.25)
"""Runs of pages, of all visitors. More at a time take the interpreter from each other: 200 visitors waited twice as
long for a change. One that trains or downloads is soon over its time and holds nobody up."""

_ANSWERED, _UNFOLDED = "_answered", "_unfolded_"


@dataclass
class Book:
    """What a session knows besides the values of its widgets."""

    page: str | None = None
    taken: str | None = None
    """The page whose link has been taken over."""
    settings: list | None = None
    """Of the page, as it named them in this run."""
    said: dict | None = None
    """What the link was told to say last."""
    finished: bool = False
    anew: bool = False
    """Whether this run takes the link at its word, a bare one too."""
    told_at: Any = None
    shown: dict[str, Any] = field(default_factory=dict)
    """What each number box and each fold showed last, by key."""
    shapes: dict[str, tuple] = field(default_factory=dict)
    """Of each widget as it was drawn last, by key; see :meth:`Setting._ready`."""
    drawn: set[str] = field(default_factory=set)
    """The widgets of this run."""
    known: set[str] = field(default_factory=set)
    """Those of the last run that was not cut short."""
    generation: int = 0
    """How often a value was given."""
    unanswered: dict[str, Given] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)
    """In which popover each widget stands, of those that stand in one; see :class:`Folded`."""
    popovers: dict[str, DeltaGenerator] = field(default_factory=dict)
    """Those of this run, by key."""
    kept: dict[str, Any] = field(default_factory=dict)


_here = threading.local()
"""book: the session's. running: whether this thread is inside a run, so that widgets may be drawn already."""


def _book() -> Book:
    """The session's, looked up once a thread, for the session is slow to ask and no other's runs are in this one."""
    if not hasattr(_here, "book"):
        _here.book, _here.running = st.session_state.setdefault("_book", Book()), False
    return _here.book


# -- settings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """One choice of a page; this kind has no widget of its own: a component or the page sets it.

    name: the parameter of the link.
    default: what a link leaves out; a function where that hangs on other settings.
    read: the text of a link → the value; ``ValueError`` with a sentence.
    spell: the value → the text.
    key: of the widget and in the session, where a setting of another page has the same name.
    """

    name: str
    default: Any = ""
    label: str = ""
    help: str | None = None
    read: Callable[[str], Any] = field(default=str, kw_only=True)
    spell: Callable[[Any], str] = field(default=lambda value: spelled(value), kw_only=True)
    tells: Callable[[Any], bool] = field(default=lambda value: True, kw_only=True)
    """Whether the link says a value that is not the default."""
    key: str = field(default="", kw_only=True)

    @property
    def at(self) -> str:
        """Its key in the session."""
        return self.key or self.name

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def usual(self) -> Any:
        """What a link leaves out now."""
        return self.default() if callable(self.default) else self.default

    @property
    def value(self) -> Any:
        """What it is now, before or after its widget is drawn."""
        value = st.session_state.get(self.at)
        return self.usual if value is None else value

    @property
    def linked(self) -> bool:
        """Whether this run takes it from the link."""
        return link_counts() and self.name in st.query_params

    def give(self, value: Any) -> None:
        give({self.at: value})

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        """Take the value over from a link, the default where it has none; returns what could not be read."""
        texts, value, told = query.get(self.name), self.usual, []
        if texts:
            try:
                value = self.read(texts[-1])
            except ValueError as error:
                told = [f"{self.name}: {error}"]
        give({self.at: value})
        return told

    def query(self) -> dict[str, str]:
        """What the link says of it."""
        value = self.value
        return {self.name: self.spell(value)} if value != self.usual and self.tells(value) else {}

    def _draw(self, widget: Callable, shape: tuple, *args: Any, **how: Any) -> Any:
        """Draw the widget; ``shape`` as for :meth:`_ready`."""
        self._ready(shape)
        how = {"help": self.help} | how
        label = how.pop("label", self.label)
        return widget(label, *args, key=self.at, persist_state="session", **how)

    def _ready(self, shape: tuple) -> None:
        """Before the widget is drawn. ``shape``: what makes it another widget for the browser, which then has to be
        told the value."""
        state, book = st.session_state, _book()
        # One that was away for a while is new to the browser, and the run that says so first may be cut short.
        if book.shapes.get(self.at) != shape or self.at not in book.known or self.at not in state:
            book.shapes[self.at] = shape
            if book.finished:  # in a fragment, of which the rest of the page has nothing to hear
                state[self.at] = self.value
            else:
                _hand(self.at, self.value)
        book.drawn.add(self.at)
        book.folded.pop(self.at, None)
        if place := getattr(_here, "folded", None):
            book.folded[self.at] = place
        if book.finished:
            book.known.add(self.at)


@dataclass(frozen=True)
class Whole(Setting):
    """A whole number between two ends, both included. ``step``: of the widget's buttons; others may be typed. Where the
    default is None, the box may be empty."""

    low: int = 0
    high: int = 9999
    default: int | None = 0
    slider: bool = False
    step: int = 1
    read: Callable[[str], Any] = field(default=None, kw_only=True)  # type: ignore[assignment]

    def __post_init__(self):
        if self.read is None:
            object.__setattr__(self, "read", whole(self.low, self.high))

    @property
    def value(self) -> int | None:
        """As of any setting. Streamlit says None where the browser, late, sends a number outside the bounds that were
        drawn last: what the box showed then stays."""
        if st.session_state.get(self.at) is None and self.default is not None:
            return _book().shown.get(self.at, self.usual)
        return super().value

    def draw(self, low: int | None = None, high: int | None = None, step: int | None = None, **how: Any) -> Any:
        """The widget, between narrower ends if they are given; with a step, no value between two is taken."""
        low, high = self.low if low is None else low, self.high if high is None else high
        if (value := self.value) is not None:
            self.give(low + round((min(max(value, low), high) - low) / (step or 1)) * (step or 1))
        step = step or self.step
        if self.slider:
            return self._draw(st.slider, ("slider", low, high, step), low, high, step=step, **how)
        # Without a default of Streamlit's own, a number that it refuses is not taken for one that was chosen.
        how = {"value": None, "required": self.default is not None} | how
        book = _book()
        book.shown[self.at] = self._draw(st.number_input, ("number",), low, high, step=step, **how)
        return book.shown[self.at]


@dataclass(frozen=True)
class PageOf(Whole):
    """Which page of several, from 1."""

    low: int = 1
    high: int = 999
    default: int = 1

    def draw(self, pages: int, **how: Any) -> int:  # type: ignore[override]
        """The widget; a page that there is not becomes the first."""
        self.give(self.value if self.value <= pages else 1)
        self._ready(("pages", pages))
        return st.pagination(pages, key=self.at, persist_state="session", **how)


@dataclass(frozen=True)
class Number(Setting):
    """A number between two ends, both included, as a slider."""

    low: float = 0.0
    high: float = 1.0
    default: float = 0.0
    step: float = 0.1
    read: Callable[[str], Any] = field(default=None, kw_only=True)  # type: ignore[assignment]

    def __post_init__(self):
        if self.read is None:
            object.__setattr__(self, "read", number(self.low, self.high))

    def draw(self, **how: Any) -> float:
        return self._draw(st.slider, ("slider",), self.low, self.high, step=self.step, **how)


@dataclass(frozen=True)
class Flag(Setting):
    """On or off."""

    default: bool = False
    read: Callable[[str], Any] = field(default=None, kw_only=True)  # type: ignore[assignment]

    def __post_init__(self):
        if self.read is None:
            object.__setattr__(self, "read", flag)

    def draw(self, **how: Any) -> bool:
        return self._draw(st.toggle, ("toggle",), **how)


@dataclass(frozen=True)
class Fold(Flag):
    """A part of a page that is computed, drawn and sent once it is open. ``label``: what there is to see in it."""

    icon: str | None = field(default=None, kw_only=True)

    @property
    def value(self) -> bool:
        """As of any setting. Streamlit forgets a fold that a run does not draw."""
        value = st.session_state.get(self.at)
        return _book().shown.get(self.at, self.usual) if value is None else value

    def draw(self, content: Callable[[], Any], label: str = "") -> Any:  # type: ignore[override]
        """The fold, with what ``content`` draws while it is open; returns what that returns."""
        label = label or self.label
        self._ready(("fold", label))
        place = st.expander(label, key=self.at, on_change="rerun", icon=self.icon)
        _book().shown[self.at] = place.open
        if not place.open:
            return None
        with place:
            return content()


@dataclass(frozen=True)
class Choice(Setting):
    """One of some values. ``options``: the values, or value → how control and link spell it."""

    options: Sequence[Any] | Mapping[Any, str] = ()
    widget: str = "selectbox"
    """``selectbox``, ``segmented_control``, ``pills``, ``radio`` or ``select_slider``."""
    read: Callable[[str], Any] = field(default=None, kw_only=True)  # type: ignore[assignment]
    spell: Callable[[Any], str] = field(default=None, kw_only=True)  # type: ignore[assignment]

    def __post_init__(self):
        titles = (
            dict(self.options) if isinstance(self.options, Mapping) else {one: spelled(one) for one in self.options}
        )
        if self.default == "" and "" not in titles:
            object.__setattr__(self, "default", next(iter(titles)))
        if self.spell is None:
            object.__setattr__(self, "spell", lambda value: titles.get(value, spelled(value)))
        if self.read is None:
            values = {title: value for value, title in titles.items()}
            known = one_of(values)
            object.__setattr__(self, "read", lambda text: values[known(text)])

    @property
    def value(self) -> Any:
        """As of any setting. The browser sends what it shows: an option that is no longer offered comes as its text."""
        value = super().value
        if isinstance(value, str) and value not in self.options:
            return next((one for one in self.options if self.spell(one) == value), value)
        return value

    def draw(self, options: Iterable[Any] | None = None, **how: Any) -> Any:
        """The widget, with a part of the options if they are given."""
        offered = list(self.options if options is None else options)
        if (value := self.value) is not None:
            self.give(value if value in offered else self.usual if self.usual in offered else offered[0])
        how = {"format_func": self.spell} | how
        if self.widget in ("segmented_control",):
            how = {"required": True} | how
        return self._draw(getattr(st, self.widget), (self.widget,), offered, **how)


@dataclass(frozen=True)
class Several(Setting):
    """Some of several words, at most ``most`` of them; the link has them with commas between, or one by one."""

    options: Sequence[str] = ()
    most: int | None = None

    @property
    def value(self) -> list[str]:
        return [one for one in super().value if one in self.options]

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        texts = query.get(self.name)
        chosen = list(self.default) if texts is None else [one for one in ",".join(texts).split(",") if one]
        known, told = one_of(self.options), []
        for one in chosen:
            try:
                known(one)
            except ValueError as error:
                told.append(f"{self.name}: {error}")
        self.give([one for one in dict.fromkeys(chosen) if one in self.options][: self.most])
        return told

    def query(self) -> dict[str, str]:
        return {} if self.value == list(self.default) else {self.name: ",".join(self.value)}

    def draw(self, **how: Any) -> list[str]:
        return self._draw(st.multiselect, ("multiselect",), list(self.options), max_selections=self.most, **how)


@dataclass(frozen=True)
class Text(Setting):
    """A line, or with ``area`` several lines, of text."""

    area: bool = False

    def draw(self, **how: Any) -> str:
        return self._draw(st.text_area if self.area else st.text_input, ("text",), **how)


def spelled(value: Any) -> str:
    """A value as the link spells it."""
    return f"{value}".lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


# -- reading a text ----------------------------------------------------------------------------------------------------


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number between two ends, both included."""

    def read(text: str) -> int:
        try:
            return read_whole(text, low, high)
        except ValueError as error:
            raise ValueError(f"{error}: it is left out.") from None

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    """Reads a number between two ends, both included."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"{quoted(text)} is not a number from {low:g} to {high:g}: it is left out.")
        return value

    return read


def flag(text: str) -> bool:
    """Reads ``true`` or ``false``."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{quoted(text)} is neither true nor false: it is left out.")
    return text.lower() == "true"


def one_of(options: Iterable[str]) -> Callable[[str], str]:
    """Reads one of some words, as the link spells them."""
    options = list(options)

    def read(text: str) -> str:
        if text not in options:
            apart = any("," in option for option in options)
            shown = ", ".join(f"“{option}”" if apart else option for option in options[:12])
            shown += ", …" if len(options) > 12 else ""
            raise ValueError(f"{quoted(text)} is none of {shown}: it is left out.")
        return text

    return read


# -- a run -------------------------------------------------------------------------------------------------------------


@contextmanager
def run_of(page: str) -> Iterator[None]:
    """Around a run of the page at this address, which ends with :func:`finish`."""
    book = _book()
    if book.page != page:
        # The browser has said the link itself. Said back to it, it would be one more entry of its history, under the
        # address of the page before: the way back led there, without its settings.
        book.said = None if ON_THE_WAY in st.query_params else parameters()
    book.page, book.settings, book.finished, book.told_at, book.drawn = page, None, False, None, set()
    book.popovers = {}
    with _RUNS.turn(), _caught_up():
        yield


@contextmanager
def _caught_up() -> Iterator[None]:
    """What is drawn inside has what the browser did not know; what is given inside, the browser hears of at the end."""
    catch_up()
    _here.running = True
    try:
        yield
    finally:
        # A run that a newer one cuts short ends here, too.
        _here.running = False


def tell_here() -> None:
    """What is told about the link appears at this place of the page."""
    _book().told_at = st.container(key="told", gap="xsmall")


def link_counts() -> bool:
    """Whether this run takes its settings from the link, not from what the session remembers."""
    return _book().taken != _book().page or at_its_word()


def at_its_word() -> bool:
    """Whether this run takes the link at its word: what a bare one leaves out is the default."""
    return _book().anew or went_back()


def take_anew() -> None:
    """The next run takes the link at its word. Before ``st.switch_page`` to where somebody else is."""
    _book().anew = True


def take(*settings: Any) -> None:
    """Name the page's settings, before the first is drawn; takes over what the link says of them.

    A setting has ``names`` (the parameters that it knows), ``take(query)`` and ``query()``, as :class:`Setting`. A bare
    link leaves what the session remembers, but taken at its word it means the defaults.
    """
    book = _book()
    book.settings = [*(book.settings or ()), *settings]
    if link_counts() and ((query := _in_link()) or at_its_word()):
        for one in settings:
            tell(*one.take(query))


def saying() -> dict[str, str]:
    """What the link is to say of the page's settings."""
    return {name: text for one in _book().settings or () for name, text in one.query().items()}


def example(but: Any) -> dict[str, str]:
    """What the link says of the example on screen: of all settings but one, and but the folds."""
    said = (one for one in _book().settings or () if one is not but and not isinstance(one, Fold))
    return {name: text for one in said for name, text in one.query().items()}


def finish() -> None:
    """Last in a run of a page: what no setting knows is told, and the link says what is shown."""
    state, book = st.session_state, _book()
    book.finished, book.known = True, book.drawn
    if link_counts():
        known = [name for one in book.settings or () for name in one.names]
        if known:
            tell(*(no_setting(name, known) for name in _in_link() if name not in known))
        book.taken = book.page
    _write_link()
    book.anew = False
    with st.container(key="answered"):
        if state.get(_ANSWERED) != str(book.generation):
            state[_ANSWERED] = str(book.generation)
        st.text_input("Answers that have arrived", key=_ANSWERED, label_visibility="collapsed")
    for key, popover in book.popovers.items():
        with popover:
            _unfolded(key=_UNFOLDED + key, data={"generation": book.generation}, on_generation_change=lambda: None)


def fragment(function: Callable) -> Callable:
    """As ``st.fragment``; what its widgets set stands in the link, too, and what it gives reaches all of the page."""

    @st.fragment
    @wraps(function)
    def run(said: frozenset[str], *args: Any, **how: Any) -> Any:
        book = _book()
        # Where the whole page runs, it does at its ends what is done here.
        if not book.finished:
            return function(*args, **how)
        words.begin(said)
        with _caught_up():
            found = function(*args, **how)
        _write_link()
        if st.session_state.get(_ANSWERED) != str(book.generation):
            st.rerun()
        return found

    @wraps(function)
    def begin(*args: Any, **how: Any) -> Any:
        return run(words.said(), *args, **how)

    return begin


def parameter(name: str) -> str | None:
    """Take a parameter of the frame around the pages out of the link."""
    return st.query_params.pop(name, None)


def parameters() -> dict[str, list[str]]:
    """All that the link says."""
    query = st.query_params
    return {name: query.get_all(name) for name in query if name != ON_THE_WAY}


def address() -> str:
    """The link to the page as it is now, without what the frame has added for this visitor."""
    params = [(name, text) for name, texts in parameters().items() if name not in FRAME for text in texts]
    return (st.context.url or "").partition("?")[0] + ("?" + urlencode(params) if params else "")


def address_of(path: str) -> str:
    """The link to another page."""
    return (st.context.url or "").partition("?")[0].rpartition("/")[0] + f"/{path}"


def here() -> str:
    """The page as it is now: the link to it, below the app's address."""
    said = urlencode(saying())
    return (_book().page or "") + (f"?{said}" if said else "")


def frame() -> dict[str, list[str]]:
    """What a link is to say of the frame around the pages."""
    return {name: ["1" if value is True else value] for name, kept in FRAME.items() if (value := recall(kept))}


def _in_link() -> dict[str, list[str]]:
    """The link's parameters, without the frame's own."""
    found = parameters().items()
    return {name: texts for name, texts in found if name not in FRAME and not name.startswith("embed")}


def _write_link() -> None:
    """Make the link say what the settings hold. After the back button it does so already."""
    if went_back():
        return
    book, now = _book(), parameters()
    # A page without settings leaves alone what it does not know.
    wanted = {name: texts for name, texts in now.items() if name.startswith("embed") or book.settings is None}
    wanted = {name: texts for name, texts in wanted.items() if name not in FRAME}
    wanted |= {name: [text] for name, text in saying().items()}
    wanted |= frame()
    if wanted != now or wanted != book.said:
        # A new run may stop this one while it writes: what has not been said is said next time.
        book.said = None
        st.query_params.from_dict(wanted)
        book.said = wanted


# -- values that the page gives ----------------------------------------------------------------------------------------


@dataclass
class Given:
    """A value that the browser may not know yet, and those that it may still send instead."""

    value: Any
    before: list[Any]


def give(values: Mapping[str, Any]) -> None:
    """Give settings their values, by key, where they have others. For callbacks, and before widgets are drawn."""
    catch_up()
    state, book = st.session_state, _book()
    for name, value in values.items():
        if (has := name in state) and _same(state[name], value):
            continue
        if has and name in book.shapes:
            _hand(name, value, state[name])
        else:
            state[name] = value


def _hand(name: str, value: Any, *before: Any) -> None:
    """Write a value that the browser does not know yet; ``before``: see :class:`Given`."""
    book = _book()
    old = book.unanswered.get(name)
    book.unanswered[name] = Given(value, [*(old.before if old else ()), *before])
    book.generation += 1
    st.session_state[name] = value


def catch_up() -> None:
    """Give once more what the browser did not know when it asked for this run; what the visitor has chosen besides
    stays. For callbacks, before they read a setting; each run begins with it."""
    book, state = _book(), st.session_state
    if _here.running or not book.unanswered:
        return
    if state.get(_ANSWERED) == str(book.generation):
        shut = {key for key in book.folded.values() if heard(_UNFOLDED + key, "generation") != book.generation}
        book.unanswered = {k: one for k, one in book.unanswered.items() if book.folded.get(k) in shut}
    if not book.unanswered:
        return
    for name, one in book.unanswered.items():
        if name in state and not any(_same(state[name], old) for old in one.before):
            one.value = state[name]
        state[name] = one.value
    # What is folded away is told of again in each run, and needs no answer until somebody opens it.
    if any(name not in book.folded for name in book.unanswered):
        book.generation += 1


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or (type(one) is type(other) and bool(one == other))
    except ValueError:  # Arrays, which are never a widget's.
        return False


# -- what a session remembers besides settings -------------------------------------------------------------------------


def recall(name: str, default: Any = None) -> Any:
    """What :func:`remember` has kept under this name."""
    return _book().kept.get(name, default)


def remember(name: str, value: Any) -> None:
    """Keep a value in the session that no link holds: a dialog that is open, a run of training."""
    _book().kept[name] = value


def forget(name: str) -> None:
    """Drop what is kept under this name."""
    _book().kept.pop(name, None)


def heard(key: str, name: str | None = None) -> Any:
    """What the widget with this key holds, or what a component with it has sent under a name; None if nothing. For
    callbacks: a late request may come from a widget that has gone."""
    value = st.session_state.get(key)
    if name is None:
        return value
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


@dataclass(frozen=True)
class Folded:
    """A popover with settings, for ``with``; made by :func:`popover`. The browser draws what is in it when it is
    opened, and only then takes what the settings have been given; until then it sends what they were before."""

    popover: DeltaGenerator
    key: str

    def __enter__(self) -> None:
        _here.folded, _book().popovers[self.key] = self.key, self.popover
        self.popover.__enter__()

    def __exit__(self, *error: Any) -> None:
        _here.folded = None
        self.popover.__exit__(*error)


def popover(label: str, key: str, icon: str) -> Folded:
    """As ``st.popover``, for settings."""
    return Folded(st.popover(label, icon=icon, key=key), key)


_unfolded = st.components.v2.component(
    "convscope_unfolded",
    js="""
export default function ({ data: { generation }, parentElement, setStateValue }) {
  if (parentElement.seen !== generation) setStateValue("generation", (parentElement.seen = generation));
}
""",
)
"""Tells what has arrived in an open popover."""


# -- sentences ---------------------------------------------------------------------------------------------------------


def tell(*sentences: str) -> None:
    """Show what a link held and could not be taken over; it stays for the run in which the link was read."""
    place = _book().told_at
    for sentence in dict.fromkeys(filter(None, sentences)):
        (place or st).warning(literal(sentence), icon=":material/info:")


def literal(sentence: str) -> str:
    """A sentence for Streamlit's Markdown in which everything between quotation marks stands as it was written."""
    return re.sub(r"“[^”]*”|\"[^\"]*\"", lambda m: escaped(m[0]), sentence)


def escaped(text: str) -> str:
    """A text as it stands, for Streamlit's Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#$~:|])", r"\\\1", text)


def near(name: str, known: Iterable[str]) -> list[str]:
    """The known name that is most like this one, by ``difflib``, and those that are hardly less so; often none.

    The beginning of a name (``pad``) is most like it, one of its words (``kernel``) nearly so.
    """

    def like(other: str) -> float:
        return SequenceMatcher(None, name, other).ratio()

    def likeness(each: str) -> float:
        if len(name) > 2 and each.startswith(name):
            return 1.0
        return max(like(each), *(0.9 * like(word) for word in re.split("[_-]", each)))

    found = {each: likeness(each) for each in dict.fromkeys(known)}
    best = max(found.values(), default=0)
    return [each for each, ratio in found.items() if ratio >= max(ALIKE, best - 0.05)]


def no_setting(name: str, known: Iterable[str]) -> str:
    """What is told about a parameter that a page does not know, with the name that may be meant."""
    meant = near(name[:60], known)[:2]
    hint = f" Perhaps you mean {' or '.join(quoted(each) for each in meant)}." if meant else ""
    return f"{quoted(name)} is not a setting of this page: it is left out.{hint}"
