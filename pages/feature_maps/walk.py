"""Walk through a network: its layers, all maps of one of them, and what a single unit of a map saw."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.maps.code import maps_code
from models.networks import NetworkError, Survey
from models.text import quoted
from pages._lesson import frame
from pages._question import Asking
from pages.feature_maps import _closer as closer
from pages.feature_maps import _network as network
from pages.feature_maps import _sheets as sheets
from pages.feature_maps._network import OWN, Network
from pages.feature_maps._picture import Picture, with_picture
from pages.feature_maps._questions import WALK
from viz import state
from viz.components.sheet import show_sheet
from viz.components.strip import chosen_on, strip
from viz.figures import show
from viz.figures.cells import hidden, row
from viz.state import Choice, PageOf, Setting
from viz.words import remark

ORDERS = {"index": "Number", "strength": "Strongest value", "energy": "Energy"}
SCALES = {"own": "Each its own", "shared": "The same"}
SIGNS = ("Signed", "Rectified")
LOOKS = ("Unit", "Pixel", "Top patches", "Statistics", "Before and after", "First filters")


def _place(form: str) -> Callable[[str], tuple[int, ...]]:
    """Reads numbers between dots; ``form`` says which."""
    pattern = r"\.".join([r"(\d{1,5})"] * len(form.split(".")))

    def read(text: str) -> tuple[int, ...]:
        match = re.fullmatch(pattern, text, re.ASCII)
        if match is None:
            raise ValueError(f"{quoted(text)} is no place ({form}): it is left out.")
        return tuple(map(int, match.groups()))

    return read


def _spelt(place: tuple[int, ...]) -> str:
    return ".".join(map(str, place))


ORDER = Choice(
    "fm_order", "index", "Order", "Energy: the mean of the squares. Largest first.", ORDERS, "segmented_control"
)
SCALE = Choice(
    "fm_scale", "own", "Scale", "Each its own: weak maps can be seen. The same: maps can be compared.", SCALES,
    "segmented_control",
)  # fmt: skip
SIGN = Choice(
    "fm_sign", SIGNS[0], "Values", "Rectified: what is below 0 becomes 0, as ReLU makes it.", SIGNS,
    "segmented_control",
)  # fmt: skip
LOOK = Choice("fm_look", LOOKS[0], "Look closer", None, LOOKS, "segmented_control")
PAGE = PageOf("fm_page", 1)
LAYER = Setting("fm_layer", lambda: network.FIRST[network.NETWORK.value])
UNIT = Setting("fm_unit", None, read=_place("channel.row.column"), spell=_spelt)
PIXEL = Setting("fm_pixel", None, read=_place("row.column"), spell=_spelt, tells=lambda _: LOOK.value == "Pixel")
SETTINGS = (*network.SETTINGS, ORDER, SCALE, SIGN, LOOK, PAGE, LAYER, UNIT, PIXEL)


@state.fragment
def lesson(picture: Picture, asking: Asking) -> None:
    """The whole lesson; what is chosen inside runs this alone."""
    chosen, covered = {}, asking.waits()
    strip_place = st.container(key="fm_strip_area")

    def lead() -> None:
        chosen["weights"] = network.choose_weights()

    def controls() -> None:
        chosen["network"] = network.choose(picture, *chosen["weights"])
        for one in (ORDER, SCALE, SIGN):
            one.draw()
        chosen["pages"] = st.container()

    with frame(controls, draw_lead=lead, asking=asking):
        net = chosen["network"]
        if net is None:
            return
        if covered:
            show(row(network.given(net, picture), hidden("Maps of its layers")), key="fm_before")
            if net.name in OWN:
                steps = [name for name, kind in network.kinds(net.name).items() if kind in ("conv", "pool")]
                st.caption(" → ".join(["The picture", *steps]))
            return
        try:
            layer, survey = _layer(net, strip_place)
        except NetworkError as error:
            st.error(network.refused(error), icon=":material/block:")
            return
        peaks = survey.maps[layer].flatten(1).amax(1)
        strongest = {int(n): float(peaks[n]) for n in peaks.argsort(descending=True)[:3]}
        state.remember(
            "fm_walked", (net.name, net.trained, min(net.x.shape[2:]), layer, survey.shapes[layer], strongest)
        )
        pixel = _pixel(net)
        style = sheets.Style(ORDER.value, SCALE.value, SIGN.value == SIGNS[1])
        unit = _sheet(net, layer, survey, style, chosen["pages"], pixel if LOOK.value == "Pixel" else None)
        net.tell()
    _closer(LOOK.draw(), net, layer, survey, unit, pixel)
    net.tell()


# -- the layer


def _layer(net: Network, place: DeltaGenerator) -> tuple[str, Survey]:
    """The chosen layer, and the network's answer up to there, one pass; draws the strip."""
    known, default = network.kinds(net.name), LAYER.usual
    now, misread = LAYER.value, ""
    if now not in known:
        misread = f"{net.title} has no layer {escape(now)[:40]!r}: {default!r} is shown." if LAYER.linked else ""
        now = default
    with st.spinner(f"{net.title} looks at the picture …"):
        survey = net.survey(now)
    if now not in survey.shapes:
        wrong, now = now, default if default in survey.shapes else next(iter(survey.shapes))
        group = any(name.startswith(f"{wrong}.") for name in known)
        why = "is a group of layers, and the walk goes layer by layer" if group else "answers with no maps"
        misread = f"{quoted(wrong)} of {net.title} {why}: {now} is shown."
        survey = net.survey(now)
    LAYER.give(now)
    layers = [(name, known[name], shape) for name, shape in survey.shapes.items()]
    with place:
        if misread:
            st.warning(misread, icon=":material/info:")
        strip(layers, now, of=net.name, key="fm_strip", on_layer=_layer_chosen)
    return now, survey


def _layer_chosen() -> None:
    choice = chosen_on("fm_strip")
    if choice.of == network.NETWORK.value:
        LAYER.give(choice.name)


# -- all maps


def _sheet(
    net: Network,
    layer: str,
    survey: Survey,
    style: sheets.Style,
    place: DeltaGenerator,
    pixel: tuple[int, int] | None,
) -> tuple[int, int, int]:
    """Draw all maps; returns the unit that is looked into. ``pixel`` is asked about instead, unless it is ``None``."""
    shape = tuple(survey.maps[layer].shape)
    channels, pages = shape[0], sheets.pages(shape[0])
    page = 1
    if pages > 1:
        with place:
            if PAGE.linked and PAGE.value > pages:
                st.warning(f"The link names a page that this layer does not have: it has {pages}; the first is shown.")
            remark(f"{channels} maps, {sheets.PER_PAGE} on a page")
            page = PAGE.draw(pages, max_visible_pages=5)
    data = sheets.sheet_of(net.key, layer, style, page, net, survey.maps[layer])
    unit, data["selected"] = _unit(data["token"], shape, data["channels"], data["selected"])
    show_sheet(data, net.pixels, pixel, key="fm_sheet", on_unit=_unit_asked, on_pixel=_pixel_asked)
    return unit


def _unit_asked() -> None:
    """A unit was chosen: it is looked into, unless the look is one that a channel or the layer answers."""
    told = state.heard("fm_sheet", "unit")
    if told:
        state.remember("fm_unit_of", told["token"])
        UNIT.give(tuple(map(int, told["at"])))
        if LOOK.value == "Pixel":
            LOOK.give("Unit")


def _pixel_asked() -> None:
    told = state.heard("fm_sheet", "pixel")
    if told:
        PIXEL.give(tuple(map(int, told["at"])))
        LOOK.give("Pixel")


def _unit(
    token: str, shape: tuple[int, ...], channels: list[int], strongest: tuple[int, int, int]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The unit that is looked into, and the one that these maps began with: the browser keeps its own from there."""
    if UNIT.linked:
        if UNIT.value and not _inside(UNIT.value, shape):
            st.warning("The link names a unit that this layer does not have. The strongest is shown.")
            UNIT.give(None)
    elif state.recall("fm_unit_of") != token:
        UNIT.give(None)
    state.remember("fm_unit_of", token)
    unit = tuple(UNIT.value or strongest)
    if unit[0] not in channels:  # on another page; the browser does the same
        unit = (channels[0], *unit[1:])
    began = state.recall("fm_began")
    if UNIT.value is None or state.link_counts() or not began or began[0] != token:
        began = token, unit
        state.remember("fm_began", began)
    return unit, began[1]


def _pixel(net: Network) -> tuple[int, int]:
    """The pixel of the picture that is asked about: the one chosen last, in whatever layer, else the middle."""
    size = net.pixels.shape[:2]
    if PIXEL.value and _inside(PIXEL.value, size):
        return PIXEL.value
    if PIXEL.value and PIXEL.linked:
        st.warning("The link names a pixel that this picture does not have: the one in the middle is shown.")
        PIXEL.give(None)
    return size[0] // 2, size[1] // 2


def _inside(place: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return all(0 <= at < n for at, n in zip(place, shape, strict=True))


# -- closer


def _closer(
    look: str, net: Network, layer: str, survey: Survey, unit: tuple[int, int, int], pixel: tuple[int, int]
) -> None:
    field = sheets.field_of(net, layer)
    if look == "Unit":
        closer.unit(net, layer, unit, field)
    elif look == "Pixel":
        closer.pixel(net, layer, pixel, field)
    elif look == "Top patches":
        closer.patches(net, layer, unit[0])
    elif look == "Statistics":
        closer.numbers_of(survey.maps[layer].numpy(), layer)
    elif look == "Before and after":
        closer.steps(net, layer, network.kinds(net.name))
    else:
        closer.filters(net)


def script(picture: Picture) -> tuple[str, str]:
    """The same layer of the same network."""
    name, trained, side, layer, shape, peaks = network.on_screen("fm_walked", "layer")
    which, opening = network.opening(picture, name, trained, side)
    asserts = "the shape of its maps and its strongest channels" if picture.in_link else "how many maps there are"
    told = f"Runs as it is: asks the same layer of the same network about {which}; asserts {asserts}."
    return told, maps_code(opening, layer, shape, peaks if picture.in_link else None)


if __name__ == "__main__":
    with_picture(SETTINGS, lesson, script, Asking("feature-maps-walk", WALK))
