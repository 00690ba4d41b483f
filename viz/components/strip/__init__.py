"""The layers of a network in a row, each as tall as its map is wide, and in a list; choose one in either, or step.

Nothing is sent until one is chosen. The browser counts the choices: what the server answers to one that is not the last
changes nothing there, so quick choices need not wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from viz import state
from viz.components._component import component

_component = component(__file__)


class Chosen(NamedTuple):
    """A layer that was chosen on a strip.

    of: what the strip showed then. number: larger than that of the choice before; 0: none was made.
    """

    name: str
    of: str
    number: int


def strip(
    layers: Sequence[tuple[str, str, Sequence[int]]], chosen: str, *, of: str, key: str, on_layer: Callable[[], None]
) -> None:
    """Mount it. :func:`chosen_on` tells ``on_layer`` what is chosen on it.

    Args:
        layers: name, kind (``conv``, ``norm``, ``act``, ``pool`` or ``other``) and shape ``(C, H, W)``, in order.
        chosen: the layer that is shown.
        of: whose layers these are.
    """
    data = {"layers": [[name, kind, list(shape)] for name, kind, shape in layers], "chosen": chosen}
    _component(key=key, data=data | {"of": of, "number": chosen_on(key).number}, on_layer_change=on_layer)


def chosen_on(key: str) -> Chosen:
    """What was chosen last on the strip with this key."""
    found = state.heard(key, "layer")
    return Chosen(found["name"], found["of"], found["number"]) if found else Chosen("", "", 0)
