"""The sheet of a network's layer: how its maps are drawn, and what each unit sees."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import numpy as np
import streamlit as st
from torch import Tensor

from models.maps.activations import contact_sheet, layer_field
from models.receptive_field import ReceptiveField, ReceptiveFieldError
from pages.feature_maps._network import Network
from viz.components.sheet import sheet_data

PER_PAGE, LARGEST_CELL = 64, 64


class Style(NamedTuple):
    """How maps are drawn."""

    order: str
    scale: str
    rectified: bool


@st.cache_data(max_entries=160, show_spinner=False)
def sheet_of(key: tuple, layer: str, style: Style, page: int, _net: Network, _maps: Tensor) -> dict:
    """A page of the maps of a layer, as ``viz.components.sheet`` wants it; selected is the strongest unit on it.

    Args:
        key: of the network and its picture.
    """
    maps = _maps.numpy()
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
    )  # fmt: skip


def pages(channels: int) -> int:
    """On how many pages the maps of a layer stand."""
    return -(-channels // PER_PAGE)


def token(net: Network, layer: str) -> str:
    """Tells what was chosen on these maps from what was chosen on others."""
    return "/".join(map(str, (*net.key, layer)))


def field_of(net: Network, layer: str) -> ReceptiveField | str:
    """The layer's receptive field, or why there is none."""
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
    return local.boxes(field.map_size), field.sees_everything, ""
