"""Dials that are heard while they turn: Streamlit's own slider tells its value when it is let go.

``turning.js`` and ``turning.css`` hold the dials alone, for components that draw their own beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from viz.components._component import component
from viz.url import asked, into_link

TURNING = "dials/turning.css"
_component = component(__file__, TURNING, "dials/dials.css")


@dataclass(frozen=True)
class Dial:
    """A setting without a widget: ``name`` after ``fm_`` is its key in the session and its parameter in the link.

    ``low``, ``high`` and ``step`` are ends and steps of its scale; ``usual`` is its value while nobody chose one.
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    unit: str = ""
    usual: float = 0.0

    @property
    def key(self) -> str:
        return f"fm_{self.name}"

    @property
    def value(self) -> float:
        """What was chosen."""
        return float(st.session_state.get(self.key, self.usual))

    def data(self, value: float | None = None, low: float | None = None, high: float | None = None) -> dict:
        """For the browser; another value or other ends where they depend on other settings."""
        return {
            "name": self.name, "label": self.label, "unit": self.unit, "step": self.step,
            "min": self.low if low is None else low, "max": self.high if high is None else high,
            "value": self.value if value is None else value,
        }  # fmt: skip


def dials(shown: Sequence[dict], *, key: str, on_dial: Callable[[], None]) -> None:
    """Mount them, each as :meth:`Dial.data` gives it. ``on_dial`` calls :func:`heard`."""
    _component(key=key, data={"dials": list(shown), "heard": number_of(key)}, on_dial_change=on_dial)


def number_of(key: str) -> int:
    """Another one after each dial that arrived: data that do not change would not reach the browser, and its dial would
    wait for an answer."""
    return ((st.session_state.get(key) or {}).get("dial") or {}).get("n", 0)


def heard(key: str, known: Mapping[str, Dial]) -> tuple[Dial, float, bool] | None:
    """The dial that the component just told of, its value, and whether it rests; ``None`` for what cannot be."""
    told = (st.session_state.get(key) or {}).get("dial") or {}
    one, value = known.get(told.get("name")), told.get("value")
    if one is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return one, float(value), bool(told.get("done"))


def turn(key: str, known: Mapping[str, Dial]) -> bool:
    """Take over what was turned; the link follows once it rests. Returns whether it does."""
    found = heard(key, known)
    if found is None:
        return False
    one, value, done = found
    if one.low <= value <= one.high:
        st.session_state[one.key] = value
        if done:
            into_link(one.key, f"{value:g}")
    return done


def take(key: str, read: Callable[[str], object], spell: str = "{:g}") -> str:
    """A setting without a widget: from the link into the session, and back into the link. Returns what to tell."""
    value, told = asked(key, read, None)
    if told:
        del st.query_params[key]
    if value is not None:
        st.session_state[key] = value
        into_link(key, spell.format(value))
    return told


def take_all(known: Iterable[tuple[Dial, Callable[[str], float]]]) -> list[str]:
    """:func:`take` for dials, each with the reader of its number."""
    return [take(one.key, read) for one, read in known]
