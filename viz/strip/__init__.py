"""The layers of a network in a row, each as tall as its map is wide; choose one. Nothing is sent until one is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from viz.component import component

_component = component(__file__)


def strip(
    layers: Sequence[tuple[str, str, Sequence[int]]], chosen: str, *, key: str, on_choose: Callable[[], None]
) -> None:
    """Mount it.

    Args:
        layers: name, kind (``conv``, ``norm``, ``act``, ``pool`` or ``other``) and shape ``(C, H, W)``, in order.
        chosen: the layer that is shown.
        on_choose: called when another is chosen; its name is then in ``st.session_state[key]["layer"]``.
    """
    data = {"layers": [[name, kind, list(shape)] for name, kind, shape in layers], "chosen": chosen}
    _component(key=key, data=data, on_layer_change=on_choose)
