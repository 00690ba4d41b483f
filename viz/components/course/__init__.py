"""Lessons as cards, each one link; a check mark on those that this browser has opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from viz.components._component import component

_component = component(__file__)


class Card(TypedDict):
    """One lesson. ``path``: its address, relative to the app's."""

    path: str
    number: int
    title: str
    question: str
    hard: bool


def course(groups: Sequence[tuple[str, Sequence[Card]]], *, key: str) -> str | None:
    """Mount the cards, in groups with a title each; returns the path of the one that was clicked in this run."""
    data = {"groups": [{"title": title, "cards": list(cards)} for title, cards in groups]}
    return _component(key=key, data=data, on_go_change=lambda: None).go
