"""The unit of a stack that is looked at closely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import streamlit as st

from models.stack import Stack, unit_of
from models.text import quoted
from viz import state
from viz.state import Whole
from viz.words import remark

PLACES = ("unit_row", "unit_column")


@dataclass(frozen=True)
class Unit:
    """Layer, row and column of a unit as settings, one parameter in the link. One that was chosen stays where it is
    while the stack changes, and on the map; a link leaves out the middle of the last layer."""

    stack: Stack
    names: ClassVar[tuple[str, ...]] = ("unit",)

    @property
    def _layer(self) -> Whole:
        last = len(self.stack.layers)
        return Whole("unit_layer", last, "Unit: layer", f"1 is the first after the input, {last} the last.", 1, last)

    def _places(self, number: int) -> list[Whole]:
        titles = ("row", "column") if self.stack.dims == 2 else ("position",)
        return [
            Whole(key, size // 2, f"Unit: {title}", None, 0, size - 1)
            for key, title, size in zip(PLACES, titles, self.stack.shapes[number], strict=False)
        ]

    @property
    def value(self) -> tuple[int, tuple[int, ...]]:
        """Its layer, from 1, and its place on the map."""
        number = min(self._layer.value, len(self.stack.layers))
        return number, tuple(min(one.value, one.high) for one in self._places(number))

    def _middle(self, number: int) -> tuple[int, tuple[int, ...]]:
        return number, tuple(n // 2 for n in self.stack.shapes[number])

    @property
    def in_middle(self) -> bool:
        """Whether it is the middle of the last layer."""
        return self.value == self._middle(len(self.stack.layers))

    def _give(self, unit: tuple[int, tuple[int, ...]]) -> None:
        state.give({"unit_layer": unit[0]} | dict(zip(PLACES, unit[1], strict=False)))

    def reset(self) -> None:
        """Go to the middle of the last layer."""
        self._give(self._middle(len(self.stack.layers)))

    def pin(self, pads: Any, cell: Any) -> None:
        """Go where the stage was clicked; a pixel or padding is no unit. ``cell``: ``grid`` and ``cell`` as the
        stage sends them."""
        try:
            number, drawn = int(cell["grid"].removeprefix("map")), int(cell["cell"])
            shape = tuple(n + sum(pad) for n, pad in zip(self.stack.shapes[number], pads[number], strict=True))
            places = np.unravel_index(drawn, shape)
        except (TypeError, AttributeError, KeyError, ValueError, IndexError):
            return
        unit = number, tuple(int(p) - pad[0] for p, pad in zip(places, pads[number], strict=True))
        if self.stack.has(*unit):
            self._give(unit)

    # -- the link -----------------------------------------------------------------------------------------------------

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        """Take the unit over from a link; a sentence if it names one that is not there."""
        self.reset()
        if "unit" not in query:
            return []
        text = query["unit"][-1]
        if (unit := unit_of(self.stack, text)) is None:
            axes = "row and column" if self.stack.dims == 2 else "place"
            return [
                f"unit: {quoted(text)} names no unit of this stack by layer, {axes}: the middle one is selected."
            ]  # fmt: skip
        self._give(unit)
        return []

    def query(self) -> dict[str, str]:
        """What the link says of it."""
        number, index = self.value
        return {} if self.in_middle else {"unit": ".".join(map(str, (number, *index)))}

    # -- drawing ------------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """The controls in a row."""
        number, _ = self.value
        state.remember("unit_layer", number)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            self._layer.draw(width=160, on_change=_go_to_layer)
            for one in self._places(number):
                one.draw(width=160)
            remark(f"Layer {number}: {self.stack.layers[number - 1].describe(self.stack.dims)}")


def _go_to_layer() -> None:
    """Another layer is looked at in its middle."""
    state.catch_up()
    stack, number = state.recall("stack"), state.heard("unit_layer")
    # A late request tells of a layer that is not the visitor's any more.
    if stack is None or number in (None, state.recall("unit_layer")):
        return
    unit = Unit(stack)
    unit._give(unit._middle(min(max(int(number), 1), len(stack.layers))))
