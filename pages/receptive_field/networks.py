"""Real networks: what the units of any of their layers see, on a picture, in a table, and against depth."""

from __future__ import annotations

import base64
import time

import cv2
import numpy as np
import streamlit as st

from models.networks import NetworkError, names
from models.networks.fields import boxes, measured_field, network_field, summary
from models.picture import resize
from models.receptive_field import ReceptiveFieldError
from models.text import big
from pages._lesson import columns, offer
from pages._question import Asking
from pages.receptive_field import _layer as layer
from pages.receptive_field._questions import NETWORKS
from viz import state
from viz.components.field import field as field_view
from viz.controls.examples import examples
from viz.controls.picture import NAMES, OWN, choose
from viz.figures import Cell, Line, Series, along, chart, lines, numbers, show, table
from viz.figures.cells import framed
from viz.state import Choice, Flag, Fold, Setting, Several, Whole, whole
from viz.words import heading, remark, say

COMPARED = ("alexnet", "vgg16", "resnet18", "mobilenet_v2")
MOST = 6
SOURCE = "https://github.com/google-research/receptive_field"
SOURCE_SIDE, SIDE = 1024, 448
"""Pixels of the longer side of a picture that is read, and of the square that is drawn of it."""

IMAGE_SIDE = Whole("side", 224, "Image, pixels a side", "The usual size is 224.", 32, 1024, step=32)
PICTURES = {name: name.capitalize() for name in (*NAMES, OWN)}
PICTURE = Choice("picture", "cat", "Picture", None, PICTURES, "pills", key="net_picture")
TABLE = ":material/table_rows:"
STAGES = Fold("net_stages", False, "**Where does it jump?** Stage by stage", icon=TABLE)
LAYERS = Fold("net_layers", False, icon=TABLE)
EVERY = Fold("net_all", False, icon=TABLE)
TRACED = Flag("trace_all", False, "Trace them all", "Takes twenty seconds the first time; rows come one by one.")
FOLDS = (STAGES, LAYERS, EVERY)


def lesson() -> None:
    """Controls, the picture with the boxes, the numbers, and the tables."""
    # Own networks last: people look for those they know.
    known = sorted(names(), key=lambda name: (name.startswith("small"), name))
    network = Choice("net", "resnet50", "Network", "Structure only: no weights are loaded.", known)
    others = Several("compare", COMPARED, "Compare with", None, known, MOST - 1)
    asking = Asking("receptive-field-networks", NETWORKS)
    state.take(network, IMAGE_SIDE, others, PICTURE, *FOLDS, TRACED)
    # Streamlit writes white on the theme's light accent in dark mode.
    st.html("<style>.st-key-compare [data-tag] * { color: light-dark(#fff, #11151c); }</style>")
    with st.container(key="lesson"):
        left, right = columns()
        with left, st.container(key="controls", gap="small"):
            name = network.draw(on_change=layer.let_go, args=("layer_name",))
            side = IMAGE_SIDE.draw()
            compared = others.draw()
            picture = choose(PICTURE, SOURCE_SIDE, SIDE, required=True)
            try:
                found = network_field(name, side)
            except (ReceptiveFieldError, NetworkError) as error:
                st.error(f"{str(error).rstrip('.')}. Or take another image size.", icon=":material/block:")
                state.take(*(Setting(name, None, read=lambda _: None) for name in ("layer_name", "at")), asking)
                return
            row = _layer(found)
            unit = _unit(_at(row.map_size), row.map_size)
            state.take(asking)
            covered = asking.waits()
            offer(lambda: _script(found, row), covered=covered)
        with right:
            asking.draw()
            if covered:
                with st.container(key="stage_area"):
                    _before(found, asking.on_screen(), picture)
                return
            with st.container(key="stage_area"):
                field_view(
                    _square(picture.pixels),
                    (side, side),
                    boxes(found, row.name),
                    key="field_view",
                    title=f"{name}, {row.name}",
                    everything=row.everything,
                    unit=unit,
                    on_pin=lambda: _pinned(state.heard("field_view", "pin"), row.map_size),
                )
            with st.container(key="numbers"):
                show(_cards(found, row), key="network_cards")
    left, right = st.columns([3, 5], gap="medium")
    with left:
        _measure(found, row, measured_field)
        _story(found)
    with right:
        _depth([name, *(other for other in compared if other != name)][:MOST], side)
    STAGES.draw(lambda: _stages(found))
    LAYERS.draw(lambda: _every_layer(found, row), f"**All {len(found.maps)} layers** of {found.name}")
    EVERY.draw(lambda: _all(known, side), f"**All {len(known)} networks** at {side} pixels")


def _before(found, question, picture) -> None:
    """The picture, and what leads to a unit's field: the windows of the network, or of those that are asked about."""
    both = question is not None and question.name == "depth"
    shown = [network_field(name, found.side) for name in ("alexnet", "vgg16")] if both else [found]
    first, *places = st.columns([0.5 * len(shown), *(1 for _ in shown)], gap="medium")
    with first:
        drawn = f'<img alt="The picture" src="{_square(picture.pixels)}" style="width:100%">'
        show(framed("What it gets", drawn), key="what_it_gets")
    for place, one in zip(places, shown, strict=True):
        with place:
            remark(f"**{one.name}**: what has a window, in order.")
            rows = [
                (each.name, f"{each.kind}, kernel {each.settings[0][0]}, stride {each.settings[1][0]}", "?")
                for each in one.maps
                if each.settings[0]
            ]
            head = ("layer", "window", "receptive field")
            table(head, rows, key=f"windows_{one.name}", label=f"The windows of {one.name}, in order", height=340)


def _script(found, row) -> tuple[str, str]:
    """The field of the layer on the screen."""
    code = f"""from models.networks.fields import network_field

found = network_field({found.name!r}, {found.side})
for row in found.maps:
    print(f"{{row.name}}: sees {{row.size}} pixels, map {{row.map_size}}")

row = found.map({row.name!r})
assert tuple(row.field.size) == {tuple(row.field.size)}
assert tuple(row.map_size) == {tuple(row.map_size)}
"""
    told = "Runs in a copy of this project: traces every layer of the network; asserts the field of this one."
    return told, code


def _layer(found):
    """The layer whose map is shown; the deepest at first."""
    labels = [row.name for row in found.maps]
    hint = "Every layer whose units have a place in the image, in the order of execution. Type to search."
    row = found.map(layer.draw("layer_name", found, hint))
    with st.container(key="layer_steps", horizontal=True, gap="xsmall"):
        for word, step, end in (("Shallower", -1, "first"), ("Deeper", 1, "last")):
            other = row.number + step
            off = not 1 <= other <= len(labels)
            st.button(
                word, key=f"layer_{word.lower()}", on_click=_go, disabled=off,
                help=f"This is the {end} layer." if off else None,
                args=(labels[min(max(other, 1), len(labels)) - 1],),
            )  # fmt: skip
    say("Last layer of the stage with jump")
    lasts = {str(last.jump): last.name for last in found.stages}
    shown = next((jump for jump, last in lasts.items() if last == row.name), None)
    examples("stages", "stage", {jump: jump for jump in lasts}, shown, lambda jump: _go(lasts[jump]))
    return row


def _at(size: tuple[int, ...]) -> Setting:
    """The unit that was clicked, and the size of the map on which it lies; None is the middle one."""

    def read(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        try:
            return tuple(whole(0, n - 1)(word) for word, n in zip(text.split("."), size, strict=True)), size
        except ValueError:
            height, width = size
            raise ValueError(
                f"the link names no unit of this map of {height} × {width}; the middle one is shown."
            ) from None  # fmt: skip

    return Setting("at", None, read=read, spell=lambda value: ".".join(map(str, value[0])))


def _unit(at: Setting, size: tuple[int, ...]) -> tuple[int, ...] | None:
    """The unit that is shown; on another layer's map, the one at the same place."""
    state.take(at)
    if at.value is None:
        return None
    unit, before = at.value
    if before != size:
        unit = tuple(int((u + 0.5) * n / m) for u, n, m in zip(unit, size, before, strict=True))
        at.give((unit, size))
    return unit


def _pinned(unit, size: tuple[int, ...]) -> None:
    """Callback of the map: this unit was clicked."""
    whole_numbers = isinstance(unit, list) and len(unit) == len(size) and all(isinstance(u, int) for u in unit)
    if whole_numbers and all(0 <= u < n for u, n in zip(unit, size, strict=True)):
        _at(size).give((tuple(unit), tuple(size)))


def _go(name: str) -> None:
    state.give({"layer_name": name})


@st.cache_data(max_entries=16, show_spinner=False)
def _square(picture: np.ndarray) -> str:
    """The address of the picture as a square, cut from the middle, as networks are fed."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = resize(np.ascontiguousarray(picture[top : top + edge, left : left + edge]), (SIDE, SIDE))
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(packed.tobytes()).decode()


def _spread(values, between: str = " × ") -> str:
    """One value if all axes have the same, else one per axis."""
    values = [str(v).replace("-", "−") for v in values]
    return values[0] if len(set(values)) == 1 else between.join(values)


def _cards(found, row) -> str:
    size, jump, start = row.field
    share = max(size) / found.side
    shown = [
        ("Receptive field", " × ".join(map(big, size)), f"{share:.2g} times the image's side"),
        ("Jump", _spread(jump), "pixels between neighbouring units"),
        ("Start", _spread(start, ", "), "first pixel of unit 0; negative: padding"),
        ("Map", " × ".join(map(str, row.map_size)), f"layer {row.number} of {len(found.maps)}: {row.kind}"),
        ("Padding in view", _outside(row), "of the middle unit, before and after"),
    ]
    if row.everything:
        shown.append(("Global branch", "sees all", "squeeze-excite or pooling; the box is through windows alone"))
    return numbers(shown)


def _outside(row) -> str:
    return _spread([f"{before} + {after}" for before, after in row.outside], ", ")


def _story(found) -> None:
    """What lies beyond the image, and what others printed."""
    last, side = found.last, found.side
    if found.reason:
        say(
            f"**The trace ends before the last layer.** Up to `{last.name}` a unit sees {big(last.size)} of {side} "
            "pixels a side; what comes after mixes places in a way that is no window."
        )
    elif last.size > side:
        say(
            f"**The field outgrows the image.** A unit of the last map sees {big(last.size)} pixels a side; the image "
            f"has {side}. The first units see edges and gradients; go deeper, and they see patterns, then parts, then "
            "objects, and in the end the whole scene and the padding around it."
        )
    else:
        say(
            f"**The field stays inside the image.** {big(last.size)} of {side} pixels a side: no unit sees the whole "
            "scene; what is farther apart meets only in the classifier."
        )
    for one in found.published:
        same = one.size == last.size
        verdict = "the same as here." if same else f"here it is {big(last.size)}. {one.difference}"
        say(f"Published for `{one.network}`: **{big(one.size)}**, {verdict} Source: [{one.source}]({SOURCE}).")
    if found.name.startswith("small"):
        say(
            f"`{found.name}` is our own: four convolutions, trained on drawings of 64 × 64 pixels. It is the one that "
            "the lesson on what a unit really uses can show with trained weights at any time."
        )
    if found.reason:
        st.info(found.reason, icon=":material/alt_route:")
    elif any(row.everything for row in found.maps):
        st.info(
            "Squeeze-excite multiplies each channel by a number that it reads from the whole map. So every unit after "
            "it depends on the whole image, and the gradient is nowhere zero. The boxes here follow the windows alone.",
            icon=":material/alt_route:",
        )


def _depth(chosen: list[str], side: int) -> None:
    heading("How fast does the field grow with depth?")
    series = []
    for name in chosen:
        try:
            found = network_field(name, side)
        except ReceptiveFieldError as error:
            remark(f"{name}: {error}")
            continue
        series.append(Series(name, found.depth, found.sizes, found.layers))
    figure = lines(
        series,
        x="Windows on the way (convolutions, poolings)",
        y="Receptive field, pixels",
        levels=[Line(f"image, {side} pixels", [side])],
        log_y=True,
        height=420,
    )
    chart(figure, key="depth_plot", alt=f"Receptive field against depth: {', '.join(s.name for s in series)}")


def _stages(found) -> None:
    head = ("jump", "last layer of the stage", "map", "receptive field", "start", "padding seen", "whole image?")
    rows = []
    for row in found.stages:
        size, _, start, *rest = _seen(found, row)
        rows.append((row.jump, row.name, _map(row), size, start, *rest))
    table(head, rows, key="network_stages", label=f"Stages of {found.name}")
    remark("A stage is all maps of one jump; shown is its last layer.")


def _map(row) -> Cell | str:
    return along("×".join(map(str, row.map_size)), row.map_size)


def _seen(found, row) -> tuple:
    """Cells: receptive field, jump, start, padding seen, whole image."""
    size, jump, start = row.field
    return (
        along(_spread(map(big, size)), size), along(_spread(jump), jump), along(_spread(start, ", "), start),
        along(_outside(row), [*map(sum, row.outside)]), _whole(found, row),
    )  # fmt: skip


def _whole(found, row) -> str:
    return "yes, by a global branch" if row.everything else "yes" if min(row.field.size) >= found.side else "no"


COLUMNS = ("shown", "no.", "layer", "kind", "kernel", "stride", "padding", "dilation", "map", "receptive field", "jump",
          "start", "padding seen", "whole image?")  # fmt: skip


def _layer_cells(found, row, shown: bool) -> tuple:
    settings = ("" if values is None else along(_spread(values), values) for values in row.settings)
    return ("▸" if shown else "", row.number, row.name, row.kind, *settings, _map(row), *_seen(found, row))


def _every_layer(found, row) -> None:
    """All maps of the network in one table."""
    rows = [_layer_cells(found, one, one.number == row.number) for one in found.maps]
    table(COLUMNS, rows, key="every_layer_table", label=f"Layers of {found.name}")


def _measure(found, row, measured_field) -> None:
    """On demand: the gradient's answer. Deep networks take a while."""
    key = (found.name, row.name, found.side)
    asked_for = st.button(
        f"Measure {row.name} on the gradient", key="measure_network", icon=":material/straighten:",
        help="Runs strips through the network and looks where the gradient is not zero. Deep networks take a minute.",
    )  # fmt: skip
    if not asked_for and state.recall("measured_network") != key:
        return
    state.remember("measured_network", key)
    try:
        with st.spinner(f"Measuring {row.name} of {found.name} …"):
            measured = measured_field(*key)
    except (ValueError, RuntimeError, AssertionError) as error:
        st.warning(
            f"{found.name} does not run on longer strips, so its gradient cannot be asked this way: "
            f"{str(error).splitlines()[0].rstrip('.')}.",
            icon=":material/block:",
        )
        return
    size, jump, start = measured.size, measured.jump, measured.start
    if None in size:
        st.warning(f"The gradient reaches both ends of a strip of {max(measured.lengths)} pixels: no finite field.")
        return
    traced = row.field
    same = (size, jump, start) == tuple(traced)
    verdict = (
        "the same as traced ✓"
        if same
        else f"traced: {_spread(traced.size)}, jump {_spread(traced.jump)}, start {_spread(traced.start, ', ')}"
    )
    say(
        f"Measured on the gradient, strips of {_spread(measured.lengths)} pixels: receptive field "
        f"**{_spread(size)}**, jump **{_spread(jump)}**, start **{_spread(start, ', ')}**: {verdict}."
    )


def _all(known: list[str], side: int) -> None:
    """Every network in one table, traced on demand with progress."""
    if not TRACED.draw():
        return
    bar, place = st.empty(), st.empty()
    rows, last = [], time.monotonic()
    for i, name in enumerate(known, 1):
        bar.progress(i / len(known), f"Tracing {name}, {i} of {len(known)} …")
        one = summary(name, side)
        note = "sees the whole image through a global branch" if one.everything else one.reason
        rows.append(
            (
                name,
                one.size,
                one.jump,
                along("–" if one.map_size is None else f"{one.map_size}×{one.map_size}", [one.map_size]),
                note,
            )
        )
        if i == len(known) or time.monotonic() - last > 1.5:
            last = time.monotonic()
            head = ("network", "receptive field", "jump", "last map", "note")
            with place:
                table(head, rows, key=f"all_table_{i}", label="All networks")
    bar.empty()


if __name__ == "__main__":
    lesson()
