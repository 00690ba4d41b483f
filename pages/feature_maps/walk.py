"""Walk through a network: its layers, all maps of one of them, and what a single unit of a map saw."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from models.text import quoted
from pages._lesson import frame, predict
from pages.feature_maps import _network as network
from pages.feature_maps import _sheets as sheets
from pages.feature_maps._picture import Picture, with_picture
from pages.feature_maps._shared import tell_misread
from viz.url import asked, into_link, last_word, literal, one_of, say, went_back, whole

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from models.networks import Survey
    from pages.feature_maps._network import Network

ORDERS = {"index": "Number", "strength": "Strongest value", "energy": "Energy"}
SCALES = {"own": "Each its own", "shared": "The same"}
SIGNS = ("Signed", "Rectified")
LOOKS = ("Unit", "Pixel", "Top patches", "Statistics", "Before and after", "First filters")

_CHOICES: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "fm_order": ("Order", tuple(ORDERS.values()), "Energy: the mean of the squares. Largest first."),
    "fm_scale": (
        "Scale", tuple(SCALES.values()), "Each its own: weak maps can be seen. The same: maps can be compared."
    ),
    "fm_sign": ("Values", SIGNS, "Rectified: what is below 0 becomes 0, as ReLU makes it."),
    "fm_look": ("Look closer", LOOKS, None),
}  # fmt: skip
"""By parameter: label, options, of which the first is the usual one, and help."""

_USUALLY = network.USUALLY | {key: options[0] for key, (_, options, _) in _CHOICES.items()} | {"fm_page": 1}
"""What the link leaves out of what widgets hold, by parameter."""
PARAMETERS = (*_USUALLY, "fm_layer", "fm_unit", "fm_pixel")
_UNIT = re.compile(r"(\d{1,5})\.(\d{1,4})\.(\d{1,4})")
_PIXEL = re.compile(r"(\d{1,4})\.(\d{1,4})")
_READERS = network.READERS | {key: one_of(options) for key, (_, options, _) in _CHOICES.items()}
_READERS["fm_page"] = whole(1, 999)


def lesson(picture: Picture) -> None:
    """The whole lesson; what is chosen inside runs this alone."""
    _walk(picture)


def _choose(key: str) -> str:
    label, options, told = _CHOICES[key]
    return st.segmented_control(
        label, options, default=options[0], required=True, key=key, bind="query-params", help=told
    )


@st.fragment
@last_word()
def _walk(picture: Picture) -> None:
    from models.networks import NetworkError

    tell_misread(_READERS)
    chosen = {}
    strip_place = st.container(key="fm_strip_area")

    def lead() -> None:
        chosen["weights"] = network.choose_weights()

    def controls() -> None:
        chosen["network"] = network.choose(picture, *chosen["weights"])
        for key in ("fm_order", "fm_scale", "fm_sign"):
            chosen[key] = _choose(key)
        chosen["pages"] = st.container()

    with frame(controls, draw_lead=lead):
        net = chosen["network"]
        if net is None:
            return
        try:
            layer, number, survey = _layer(net, strip_place)
        except NetworkError as error:
            st.error(network.refused(error), icon=":material/block:")
            return
        peaks = survey.maps[layer].flatten(1).amax(1)
        strongest = {int(n): float(peaks[n]) for n in peaks.argsort(descending=True)[:3]}
        st.session_state["_fm_shown"] = (
            net.name, net.trained, min(net.x.shape[2:]), layer, survey.shapes[layer], strongest
        )  # fmt: skip
        pixel, asks = _pixel(net, layer), asked("fm_look", one_of(LOOKS), LOOKS[0])[0] == "Pixel"
        chosen_one = st.session_state.get("_fm_pixel") == pixel
        into_link("fm_pixel", _spelt(pixel) if asks and chosen_one else "")
        unit = _sheet(net, layer, number, survey, chosen, pixel if asks else None)
        net.tell()
    _predict()
    _closer(_choose("fm_look"), net, layer, survey, unit, pixel)
    net.tell()
    say({key: st.session_state.get(key) for key in _USUALLY}, _USUALLY)
    sheets.go_ahead(net, layer, survey.shapes, chosen["style"], chosen["page"])


# -- the layer


def _layer(net: Network, place: DeltaGenerator) -> tuple[str, int, Survey]:
    """The chosen layer, which choice of one that was, and the network's answer up to there, one pass; draws the strip.

    The browser's strip owns the choice; the session and the link only repeat it.
    """
    from viz.components.strip import chosen_on, strip

    state = st.session_state
    known, default = network.kinds(net.name), network.FIRST[net.name]
    choice = chosen_on("fm_strip")
    if went_back():  # the link counts, not what was chosen before
        state["_fm_layer_left"] = choice.number
        state.pop("fm_layer", None)
    elif choice.of == net.name and choice.number != state.get("_fm_layer_left"):
        state["fm_layer"] = choice.name
    now, misread = asked("fm_layer", str, default)
    if now not in known:
        misread = (
            f"{net.title} has no layer {escape(now)[:40]!r}: {default!r} is shown." if not state.get("fm_layer") else ""
        )
        now = default
    with st.spinner(f"{net.title} looks at the picture …"):
        survey = net.survey(now)
    if now not in survey.shapes:
        wrong, now = now, default if default in survey.shapes else next(iter(survey.shapes))
        group = any(name.startswith(f"{wrong}.") for name in known)
        why = "is a group of layers, and the walk goes layer by layer" if group else "answers with no maps"
        misread = f"{quoted(wrong)} of {net.title} {why}: {now} is shown."
        survey = net.survey(now)
    state["fm_layer"] = now
    into_link("fm_layer", "" if now == default else now)
    layers = [(name, known[name], shape) for name, shape in survey.shapes.items()]
    with place:
        if misread:
            st.warning(misread, icon=":material/info:")
        strip(layers, now, of=net.name, number=choice.number, key="fm_strip")
    return now, choice.number, survey


# -- all maps


def _sheet(
    net: Network, layer: str, number: int, survey: Survey, chosen: dict, pixel: tuple[int, int] | None
) -> tuple[int, int, int]:
    """Draw all maps; returns the unit that is looked into. ``pixel`` is asked about instead, unless it is ``None``.

    ``number``: tells which choice of a layer this answers.
    """
    from viz.components.sheet import show_sheet

    shape = tuple(survey.maps[layer].shape)
    channels, pages = shape[0], sheets.pages(shape[0])
    page = 1
    if pages > 1:
        with chosen["pages"]:
            if asked("fm_page", whole(1, 999), 1)[0] > pages:
                if st.session_state.get("fm_page") is None:
                    st.warning(
                        f"The link names a page that this layer does not have: it has {pages}; the first is shown."
                    )
                st.session_state["fm_page"] = 1
            st.caption(f"{channels} maps, {sheets.PER_PAGE} on a page")
            page = st.pagination(pages, key="fm_page", bind="query-params", max_visible_pages=5)
    style = sheets.Style(
        next(k for k, v in ORDERS.items() if v == chosen["fm_order"]),
        next(k for k, v in SCALES.items() if v == chosen["fm_scale"]),
        chosen["fm_sign"] == "Rectified",
    )
    data = sheets.sheet_of(net.key, layer, style, page, net, survey.shapes, lambda: survey.maps[layer])
    unit, data["selected"] = _unit(data["token"], shape, data["channels"], data["selected"])
    chosen["style"], chosen["page"] = style, asked("fm_page", whole(1, 999), 1)[0]
    group = sheets.group(net, style, chosen["page"])
    show_sheet(
        data, net.pixels, pixel, choice=number, group=group, key="fm_sheet", on_unit=_unit_asked, on_pixel=_pixel_asked
    )
    return unit


def _unit_asked() -> None:
    """A unit was chosen: it is looked into, unless the look is one that a channel or the layer answers."""
    if st.session_state.get("fm_look") == "Pixel":
        st.session_state["fm_look"] = "Unit"


def _pixel_asked() -> None:
    st.session_state["fm_look"] = "Pixel"


def _unit(
    token: str, shape: tuple[int, ...], channels: list[int], strongest: tuple[int, int, int]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The unit that is looked into, and the one that these maps began with: the browser keeps its own from there."""
    state = st.session_state
    began = state.get("_fm_began")
    picked = _picked("unit", token)
    if went_back():  # the link counts, not what was chosen before
        began, state["_fm_left"] = None, picked
    if picked == state.get("_fm_left"):
        picked = None
    if picked is not None and picked[0] not in channels:  # on another page; the browser does the same
        picked = (channels[0], *picked[1:])
    fits = lambda unit: all(0 <= i < n for i, n in zip(unit, shape, strict=True))  # noqa: E731
    if picked is not None and began and began[0] == token and fits(picked):
        into_link("fm_unit", _spelt(picked))
        return picked, began[1]
    text = st.query_params.get("fm_unit")
    linked = None
    if text is not None and (not began or began[0] == token):
        match = _UNIT.fullmatch(text)
        linked = tuple(map(int, match.groups())) if match else None
        if linked is None or not fits(linked):
            why = "a unit that this layer does not have" if linked else f"no unit (channel.row.column): {quoted(text)}"
            linked = None
            st.warning(literal(f"The link names {why}. The strongest is shown."))
    if linked is None:
        into_link("fm_unit", "")
        linked = tuple(strongest)
    if linked[0] not in channels:
        linked = (channels[0], *linked[1:])
    state["_fm_began"] = (token, linked)
    return linked, linked


def _pixel(net: Network, layer: str) -> tuple[int, int]:
    """The pixel of the picture that is asked about: the one chosen last, in whatever layer, else the middle."""
    state, text = st.session_state, st.query_params.get("fm_pixel")
    size = net.pixels.shape[:2]
    picked = _picked("pixel", sheets.token(net, layer)) or state.get("_fm_pixel")
    if picked is None and text is not None:
        match = _PIXEL.fullmatch(text)
        picked = tuple(map(int, match.groups())) if match else None
        if picked is None or not all(0 <= at < n for at, n in zip(picked, size, strict=True)):
            picked = None
            st.warning("The link names a pixel that this picture does not have: the one in the middle is shown.")
    if picked is None or not all(0 <= at < n for at, n in zip(picked, size, strict=True)):
        picked = (size[0] // 2, size[1] // 2)
    else:
        state["_fm_pixel"] = picked
    return picked


def _spelt(unit: tuple[int, ...]) -> str:
    return ".".join(map(str, unit))


def _picked(name: str, token: str) -> tuple[int, ...] | None:
    """What was chosen on the sheet of these maps."""
    found = (st.session_state.get("fm_sheet") or {}).get(name)
    return tuple(int(i) for i in found["at"]) if found and found.get("token") == token else None


def _predict() -> None:
    predict(
        "walk",
        "Deeper in the network maps get smaller, and there are more of them. What does one unit see?",
        ("Less of the picture", "As much as before", "More of the picture"),
        "More of the picture",
        "Each layer looks at a window of the one before it, so windows add up, and pooling makes every later step "
        "longer. Point at units of an early and of a late layer, and watch the box on the picture.",
    )


# -- closer


def _closer(
    look: str, net: Network, layer: str, survey: Survey, unit: tuple[int, int, int], pixel: tuple[int, int]
) -> None:
    from pages.feature_maps import _closer as closer

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
    shown = st.session_state.get("_fm_shown")
    if shown is None:
        raise ValueError("there is no layer on the screen yet")
    return network.script(picture, *shown)


if __name__ == "__main__":
    with_picture(PARAMETERS, lesson, script)
