"""The parts of the lesson on feature maps, one module each; only the one that is shown is run.

A part is a module with

* ``PARAMETERS``: the URL parameters that it owns, each the key of a bound widget, all beginning with ``fm_``,
* ``lesson(picture)``: draws it,
* ``script(picture)``: what its script does, in a sentence, and the script; ``ValueError`` where there is none.

It imports no torch when it is imported itself: the page reads ``PARAMETERS`` before the title is on screen.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

PARTS = {
    "filters": "Filter bank",
    "walk": "Walk through a network",
    "decides": "What decides",
    "pooling": "Pooling",
    "equivariance": "Equivariance",
    "learn": "Learn a kernel",
}
"""Titles by module, in the order of the page."""


def part(name: str) -> ModuleType:
    """The module of one part."""
    return import_module(f"pages.feature_maps.{name}")


def parameters() -> tuple[str, ...]:
    """URL parameters of all parts."""
    return tuple(key for name in PARTS for key in part(name).PARAMETERS)
