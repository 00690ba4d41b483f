"""The cell of a layer's picture that is pinned: by a click, or by the link."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from models.share import Scene
from models.text import quoted
from viz import state
from viz.scenes import pinned
from viz.state import Setting

NAME = "cell"
"""What the link calls it; how it is spelled says ``viz.scenes.pinned``."""


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
            if pinned.place_of(self.scene, text) is None:
                raise ValueError(
                    f"{quoted(text)} is no cell of this layer: it is left out; write grid, channel and place, such as "
                    "output.0.1.2."
                )
            return text

        return Setting(
            NAME, read=read, tells=lambda cell: pinned.place_of(self.scene, cell) is not None, key=_key(self.page)
        )

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
        return pinned.selected(self.scene, drawn[1], grids)

    def keep(self, pin: dict | None) -> None:
        """Callback of the stage: this cell was pinned, or let go."""
        if not isinstance(pin, dict) or not isinstance(index := pin.get("index"), int):
            return
        grid = pin.get("grid")
        shape = pinned.shape_of(self.scene, grid) if isinstance(grid, str) else None
        inside = shape is not None and 0 <= index < np.prod(shape)
        self.setting.give(".".join([grid, *map(str, np.unravel_index(index, shape))]) if inside else "")
