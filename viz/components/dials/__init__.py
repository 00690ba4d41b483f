"""Dials that are heard while they turn: Streamlit's own slider tells its value when it is let go.

``turning.js`` and ``turning.css`` hold the dials alone, for components that draw their own beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from viz import state
from viz.components._component import component
from viz.state import Setting, number

TURNING = "dials/turning.css"
_component = component(__file__, TURNING, "dials/dials.css")


@dataclass(frozen=True)
class Dial(Setting):
    """A number that a dial sets: ``low``, ``high`` and ``step`` are ends and steps of its scale. The link says it once
    the dial rests."""

    low: float = 0.0
    high: float = 1.0
    step: float = 1.0
    unit: str = ""
    read: Callable[[str], Any] = field(default=None, kw_only=True)  # type: ignore[assignment]

    def __post_init__(self):
        if self.read is None:
            object.__setattr__(self, "read", number(self.low, self.high))

    @property
    def short(self) -> str:
        """What the browser calls it."""
        return self.name.rpartition("_")[2]

    @property
    def value(self) -> Any:
        """What was chosen, or is passed on the way; ``default`` while nobody chose anything."""
        passing = state.recall(self.name)
        return super().value if passing is None else passing

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        state.forget(self.name)
        return super().take(query)

    def query(self) -> dict[str, str]:
        value = super().value
        return {self.name: self.spell(value)} if value != self.usual else {}

    def turn(self, value: float, rests: bool) -> None:
        """Take over where the dial is, if it can be there."""
        if not self.low <= value <= self.high:
            return
        if rests:
            state.forget(self.name)
            self.give(value)
        else:
            state.remember(self.name, value)

    def data(self, value: float | None = None, low: float | None = None, high: float | None = None) -> dict:
        """For the browser; another value or other ends where they depend on other settings."""
        return {
            "name": self.short, "label": self.label, "unit": self.unit, "step": self.step,
            "min": self.low if low is None else low, "max": self.high if high is None else high,
            "value": self.value if value is None else value,
        }  # fmt: skip


def dials(shown: Sequence[dict], *, key: str, on_dial: Callable[[], None]) -> None:
    """Mount them, each as :meth:`Dial.data` gives it. ``on_dial`` calls :func:`turned` or :func:`turn`."""
    _component(key=key, data={"dials": list(shown), "heard": number_of(key)}, on_dial_change=on_dial)


def number_of(key: str) -> int:
    """Another one after each dial that arrived: data that do not change would not reach the browser, and its dial would
    wait for an answer."""
    return (state.heard(key, "dial") or {}).get("n", 0)


def turned(key: str, known: Sequence[Dial]) -> tuple[Dial, float, bool] | None:
    """The dial that the component just told of, its value, and whether it rests; ``None`` for what cannot be."""
    told = state.heard(key, "dial") or {}
    one, value = next((one for one in known if one.short == told.get("name")), None), told.get("value")
    if one is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return one, float(value), bool(told.get("done"))


def turn(key: str, known: Sequence[Dial]) -> bool:
    """Take over what was turned. Returns whether it rests."""
    found = turned(key, known)
    if found is None:
        return False
    one, value, rests = found
    one.turn(value, rests)
    return rests
