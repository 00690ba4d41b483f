"""Layers side by side, each as its channels and the ways between them: point at a channel, follow it through."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np

from viz.components._component import component

_component = component(__file__)


class Tile(TypedDict):
    """One layer, or several in a row. steps: name and what each does, as :func:`step` has it. numbers: name and value.
    said: one line below them, why there is no such layer if there is none."""

    name: str
    title: str
    steps: list[dict]
    numbers: list[tuple[str, str]]
    said: str


def step(name: str, reached: np.ndarray) -> dict:
    """One layer for a :class:`Tile`. ``reached`` ``[out, in]``: what is not 0 is a way from an input channel to an
    output channel."""
    outputs, inputs = reached.shape
    ways = b64encode(np.packbits(reached != 0)).decode("ascii")
    return {"name": name, "outputs": outputs, "inputs": inputs, "ways": ways}


def channels(
    tiles: Sequence[Tile],
    chosen: str,
    *,
    key: str,
    on_pick: Callable[[], None] | None = None,
    covered: bool = False,
    what: str = "channel",
) -> None:
    """Mount the tiles. Up to 64 channels are lines, more of them a picture with a row for each output channel.

    Args:
        chosen: the name of the tile that is marked.
        covered: whether a question waits: then no channel is followed, and numbers are not sent.
        what: a dot is.
        on_pick: called when another is clicked; ``viz.state.heard(key, "pick")`` is then its name. Without it none can
            be chosen.
    """
    if covered:
        tiles = [
            tile | {"numbers": [(name, "?") for name, _ in tile["numbers"]], "said": ""} if tile["steps"] else tile
            for tile in tiles
        ]
    data = {"tiles": list(tiles), "chosen": chosen, "pickable": on_pick is not None, "covered": covered, "what": what}
    _component(key=key, data=data, on_pick_change=on_pick or (lambda: None))
