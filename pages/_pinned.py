"""The cell of a layer's picture that is pinned: by a click, or by the link."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from models.share import Scene
from models.text import quoted
from viz import state
from viz.state import Setting

NAME = "cell"
"""``output.0.1.2``: the grid, the channel (of weights: the plane), and where in it, without padding."""


def _key(page: str) -> str:
    return f"{NAME}_{page}"


def let_go(page: str) -> None:
    """Nothing is pinned any more. For callbacks."""
    if (one := Setting(NAME, key=_key(page))).value:
        one.give("")


@dataclass(frozen=True)
class Pinned:
    """The pinned cell of a page that shows a layer.

    page: its name, for the session. scene: the layer; one cell of it is pinned, or none.
    """

    page: str
    scene: Scene

    @property
    def setting(self) -> Setting:
        """For :func:`viz.state.take`. A cell that the layer no longer has stays in the session and out of the link."""

        def read(text: str) -> str:
            if self._place(text) is None:
                raise ValueError(
                    f"{quoted(text)} is no cell of this layer: it is left out; write grid, channel and place, such as "
                    "output.0.1.2."
                )
            return text

        return Setting(NAME, read=read, tells=lambda cell: self._place(cell) is not None, key=_key(self.page))

    def _shape(self, grid: str) -> tuple[int, ...] | None:
        """Channels and cells of a grid; None if the picture has no such grid."""
        spec = self.scene.spec
        ends = {
            "input": (spec.in_channels, *spec.input_size),
            "output": (spec.out_channels, *spec.output_size),
        }
        if grid in ends:
            return ends[grid]
        # These know torch, which pages that only ask do without.
        from models import lab
        from viz.scenes.layer import shapes

        found = lab.of(self.scene)
        return shapes(found).get(grid) if found.stages else None

    def _place(self, cell: str) -> tuple[str, tuple[int, ...]] | None:
        """Grid, and channel and place in it; None if the layer has no such cell."""
        grid, *numbers = cell.rsplit(".", self.scene.spec.dims + 1)
        if not all(each.isascii() and each.isdigit() and len(each) < 10 for each in numbers):
            return None
        place, shape = tuple(map(int, numbers)), self._shape(grid)
        if shape is None or len(place) != len(shape) or any(each >= n for each, n in zip(place, shape, strict=True)):
            return None
        return grid, place

    def selected(self, grids: Sequence[dict] = (), *also: Hashable) -> dict | None:
        """What the stage begins with. It stays the same while cells of one layer are pinned, or the stage would be
        drawn anew.

        Args:
            grids: those of the stage that draw padding.
            also: what else makes it another picture.
        """
        name, of = f"drawn_{self.page}", (self.scene.spec, *also)
        drawn = state.recall(name)
        if state.link_counts() or drawn is None or drawn[0] != of:
            drawn = of, self.setting.value
            state.remember(name, drawn)
        if (found := self._place(drawn[1])) is None:
            return None
        grid, (channel, *place) = found
        shape = self._shape(grid)[1:]
        for one in grids:
            if one["id"] == grid and one["real"]:
                place = [at + start for at, (start, _) in zip(place, one["real"], strict=True)]
                shape = one["shape"][1:]
        return {"grid": grid, "channel": channel, "cell": int(np.ravel_multi_index(place, shape)), "pinned": True}

    def keep(self, pin: dict | None) -> None:
        """Callback of the stage: this cell was pinned, or let go."""
        if not isinstance(pin, dict) or not isinstance(index := pin.get("index"), int):
            return
        grid = pin.get("grid")
        shape = self._shape(grid) if isinstance(grid, str) else None
        inside = shape is not None and 0 <= index < np.prod(shape)
        self.setting.give(".".join([grid, *map(str, np.unravel_index(index, shape))]) if inside else "")
