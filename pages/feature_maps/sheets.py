"""The sheets of a network's layers: how the maps of one are drawn, and which ones the browser gets before it asks.

The browser draws what it has without the server, so a step or a jump along the strip costs no round trip. It gets the
layers whose maps are at hand with every choice, and all others one portion after the other while the visitor rests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.feature_maps import network

if TYPE_CHECKING:
    from torch import Tensor

    from models.receptive_field import ReceptiveField
    from pages.feature_maps.network import Network

PER_PAGE, LARGEST_CELL = 64, 64
WITH_CHOICE, PORTION = 500_000, 8
"""Characters that go ahead with a choice, and layers that go ahead at once."""
MOST = 8_000_000
"""Characters that go ahead of one network, while nothing about it is changed."""

_resting = Lock()
Shapes = Mapping[str, tuple[int, ...]]


class Style(NamedTuple):
    """How maps are drawn."""

    order: str
    scale: str
    rectified: bool


class Sent:
    """What the browser has got ahead. group: what these sheets were made for. turn: counts what was sent."""

    def __init__(self, group: str) -> None:
        self.group, self.layers, self.characters, self.turn = group, set(), 0, 0


@st.cache_data(max_entries=160, show_spinner=False)
def sheet_of(
    key: tuple, layer: str, style: Style, page: int, _net: Network, _shapes: Shapes, _maps: Callable[[], Tensor]
) -> dict:
    """A page of the maps of a layer, as ``viz.components.sheet`` wants it; selected is the strongest unit on it.

    Args:
        key: of the network and its picture.
    """
    from models.maps.activations import contact_sheet
    from viz.components.sheet import sheet_data

    maps, layers = _maps().numpy(), list(_shapes)
    at = layers.index(layer)
    channels, height, width = maps.shape
    sheet = contact_sheet(
        maps, order=style.order, page=page - 1, per_page=PER_PAGE, scale=style.scale, rectified=style.rectified,
        largest_cell=LARGEST_CELL,
    )  # fmt: skip
    boxes, everything, reason = _boxes(_net, layer)
    first = sheet.channels[int(np.argmax([maps[c].max() for c in sheet.channels]))]
    row, column = np.unravel_index(int(maps[first].argmax()), maps.shape[1:])
    return sheet_data(
        sheet, boxes, token=token(_net, layer), rectified=style.rectified, everything=everything,
        title=f"{_net.title}, {layer}: {channels} maps of {height} × {width}, {_net.weights}",
        selected=(int(first), int(row), int(column)), reason=escape(reason),
        before=layers[at - 1] if at else None, after=layers[at + 1] if at + 1 < len(layers) else None,
    )  # fmt: skip


def pages(channels: int) -> int:
    """On how many pages the maps of a layer stand."""
    return -(-channels // PER_PAGE)


def token(net: Network, layer: str) -> str:
    """Tells what was chosen on these maps from what was chosen on others."""
    return "/".join(map(str, (*net.key, layer)))


def group(net: Network, style: Style, page: int) -> str:
    """Tells sheets that can stand for each other on the screen from others."""
    return "/".join(map(str, (*net.key, *style, page)))


def field_of(net: Network, layer: str) -> ReceptiveField | str:
    """The layer's receptive field, or why there is none."""
    from models.maps.activations import layer_field
    from models.receptive_field import ReceptiveFieldError

    fields = net.fields()
    if isinstance(fields, str):
        return fields
    try:
        field = layer_field(fields, layer)
    except ReceptiveFieldError as error:
        return str(error)
    return field.reason or field


def _boxes(net: Network, layer: str) -> tuple[tuple | None, bool, str]:
    """Per axis the box of each unit through the windows alone, whether units see everything besides, or why not."""
    field = field_of(net, layer)
    if isinstance(field, str):
        return None, False, field
    local = field.local
    if local is None or None in local.start:
        return None, field.sees_everything, "Each unit sees the whole picture."
    found = tuple(
        [[int(np.floor(s + u * j)), int(np.floor(s + u * j)) + z - 1] for u in range(n)]
        for n, z, j, s in zip(field.map_size, local.size, local.jump, local.start, strict=True)
    )
    return found, field.sees_everything, ""


# -- ahead


def go_ahead(net: Network, layer: str, shapes: Shapes, style: Style, page: int) -> None:
    """Send the sheets around the chosen layer whose maps are at hand, and go on when the browser asks for more."""
    st.session_state["_fm_more"] = False
    _go_ahead(net, layer, dict(shapes), style, page)


@st.fragment
def _go_ahead(net: Network, layer: str, shapes: Shapes, style: Style, page: int) -> None:
    from models.networks import NetworkError
    from viz.components.sheet import send_ahead

    state = st.session_state
    resting = state.pop("_fm_more", False)
    now = group(net, style, page)
    sent = state.get("_fm_sent")
    if sent is None or sent.group != now:
        sent = state["_fm_sent"] = Sent(now)
    left = [n for n in (layer, *network.nearest(list(shapes), layer)) if n not in sent.layers]
    sheets, failed = {}, False
    try:
        if not resting:
            sheets = _at_hand(net, left, shapes, style, page)
        elif _resting.acquire(blocking=False):  # one visitor at a time: who chooses something comes first
            try:
                sheets = _asked_for(net, left, shapes, style, page)
            finally:
                _resting.release()
    except NetworkError:
        failed = True  # the walk tells when this layer is chosen
    sent.layers.update(sheets)
    sent.characters += sum(len(one["maps"]) for one in sheets.values())
    sent.turn += 1
    more = not failed and sent.characters < MOST and any(_fits(shapes[n]) for n in left if n not in sheets)
    send_ahead(sheets, now, more=more, turn=sent.turn, key="fm_ahead", on_more=_more)


def _more() -> None:
    st.session_state["_fm_more"] = True


def _at_hand(net: Network, left: list[str], shapes: Shapes, style: Style, page: int) -> dict[str, dict]:
    maps, room, sheets = net.kept(), WITH_CHOICE, {}
    for layer in [n for n in left if n in maps][:PORTION]:
        data = _of(net, layer, shapes, style, page, lambda layer=layer: maps[layer])
        room -= len(data["maps"])
        if room < 0:
            break
        sheets[layer] = data
    return sheets


def _asked_for(net: Network, left: list[str], shapes: Shapes, style: Style, page: int) -> dict[str, dict]:
    portion = network.held((n for n in left if _fits(shapes[n])), shapes)[:PORTION]
    once = cache(lambda: net.maps(portion))  # no pass where all sheets are known
    return {n: _of(net, n, shapes, style, page, lambda n=n: once()[n]) for n in portion}


def _of(net: Network, layer: str, shapes: Shapes, style: Style, page: int, maps: Callable[[], Tensor]) -> dict:
    there = page if page <= pages(shapes[layer][0]) else 1
    return sheet_of(net.key, layer, style, there, net, shapes, maps)


def _fits(shape: tuple[int, ...]) -> bool:
    return network.bytes_of(shape) <= network.BESIDE
