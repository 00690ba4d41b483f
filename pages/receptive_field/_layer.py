"""The layer of a network whose units are asked: its last one, until the visitor chooses another."""

from __future__ import annotations

from viz import state
from viz.state import Choice


def draw(name: str, found, hint: str) -> str:
    """The control, a setting of this name, for a traced network."""
    layer = Choice(name, found.last.name, "Layer", hint, [row.name for row in found.maps])
    state.take(layer)
    state.remember(f"last_{name}", layer.default)
    return layer.draw()


def let_go(name: str) -> None:
    """Callback of the network's control: who was at the last layer comes to the last of the next network, even where
    that has a layer of the same name."""
    state.catch_up()
    if state.heard(name) == state.recall(f"last_{name}"):
        state.give({name: None})
