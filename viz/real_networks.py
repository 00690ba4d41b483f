"""Real networks: the field of every torchvision backbone against its depth, and a unit's box on a picture."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import streamlit as st

from models.formulas import big
from viz.field import field as field_view
from viz.figures import Line, Series, numbers, plot, show, table
from viz.url import asked, one_of, put, while_torch_loads, whole

PARAMETERS = ("net", "compare", "side", "stage", "picture")
"""URL parameters of this module."""

PICTURES = {"Cat": "cat.png", "Astronaut": "astronaut.png", "Coffee": "coffee.png", "Rocket": "rocket.png"}
ASSETS = Path(__file__).resolve().parents[1] / "assets" / "pictures"
COMPARED = ("alexnet", "vgg16", "resnet18", "mobilenet_v2")
MOST = 6
SIDES = (32, 1024)


def lesson(told: list[str]) -> None:
    """The whole part."""
    with while_torch_loads(500):
        from models.network_field import boxes, measured_field, names, network_field
        from models.networks import NetworkError
        from models.receptive_field import ReceptiveFieldError

        known = names()
    _, misread = asked("net", one_of(known), "resnet50")
    _, side_misread = asked("side", whole(*SIDES), 224)
    _, picture_misread = asked("picture", one_of([*PICTURES, "Your own"]), "Cat")
    for sentence in filter(None, (*told, misread, side_misread, picture_misread)):
        st.warning(sentence, icon=":material/info:")
    # Streamlit writes white on the theme's light accent in dark mode.
    st.html("<style>.st-key-compare [data-tag] span { color: light-dark(#fff, #11151c); }</style>")
    with st.container(key="lesson"):
        left, right = st.columns([1, 3], gap="medium")
        with left, st.container(key="controls", gap="small"):
            name = st.selectbox(
                "Network", known, index=known.index("resnet50"), key="net", bind="query-params",
                help="Structure only: no weights are loaded.",
            )  # fmt: skip
            side = st.number_input(
                "Image, pixels a side", *SIDES, 224, step=32, key="side", bind="query-params",
                help="The usual size is 224.",
            )  # fmt: skip
            compared = st.multiselect(
                "Compare with", known, list(COMPARED), key="compare", bind="query-params", max_selections=MOST - 1
            )
            chosen = st.segmented_control(
                "Picture", [*PICTURES, "Your own"], key="picture", default="Cat", required=True, bind="query-params"
            )
            upload = None
            if chosen == "Your own":
                upload = st.file_uploader(
                    "A picture: PNG, JPEG, WebP, GIF, BMP or TIFF", key="field_upload", max_upload_size=10
                )
            try:
                found = network_field(name, side)
            except (ReceptiveFieldError, NetworkError) as error:
                st.error(str(error), icon=":material/block:")
                return
            stage = _stage(found)
        with right:
            # A place of its own: what is said there must not move the picture below.
            with st.container():
                address = _picture(chosen, upload)
            with st.container(key="stage_area"):
                field_view(
                    address,
                    (side, side),
                    boxes(found, stage.name),
                    key="field_view",
                    title=f"{name}, {stage.name}",
                    everything=stage.everything,
                )
            with st.container(key="numbers"):
                show(_cards(found, stage), key="network_cards")
    _story(found)
    _depth([name, *(other for other in compared if other != name)][:MOST], side)
    st.header("Stage by stage", anchor=False)
    show(_stages(found), key="network_stages")
    _measure(found, stage, measured_field)
    _all(known, side)


def _stage(found):
    """The stage whose last map is shown; the deepest at first."""
    labels = {f"jump {row.jump}": row for row in found.stages}
    last = list(labels)[-1]
    now, misread = asked("stage", one_of(labels), last)
    if now not in labels:
        now = last
    if misread:
        st.warning(misread, icon=":material/info:")
    put("stage", now)
    picked = st.segmented_control(
        "Map, by the jump between its units", list(labels), key="stage", required=True, bind="query-params",
        default=last,
    )  # fmt: skip
    return labels.get(picked, labels[last])


def _picture(chosen: str, upload) -> str:
    """The picture as a square, cut from the middle, as networks are fed."""
    from models.picture import PictureError, decode

    data = (ASSETS / PICTURES.get(chosen, PICTURES["Cat"])).read_bytes()
    if upload is not None:
        try:
            decode(upload.getvalue(), max_side=512)
            data = upload.getvalue()
        except PictureError as error:
            st.error(str(error), icon=":material/block:")
    elif chosen == "Your own":
        st.caption("Until you choose a picture, the cat sits in.")
    return _square(data)


@st.cache_data(max_entries=16, show_spinner=False)
def _square(data: bytes) -> str:
    import cv2

    from models.picture import decode, resize

    picture = decode(data, max_side=1024)
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = resize(np.ascontiguousarray(picture[top : top + edge, left : left + edge]), (448, 448))
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(packed.tobytes()).decode()


def _cards(found, stage) -> str:
    share = stage.size / found.side
    shown = [
        ("Receptive field", f"{big(stage.size)} × {big(stage.size)}", f"{share:.2g} times the image's side"),
        ("Jump", f"{stage.jump}", "pixels between neighbouring units"),
        ("Start", f"{stage.start}".replace("-", "−"), "first pixel of unit 0; negative: padding"),
        ("Map", " × ".join(map(str, stage.map_size)), f"after {stage.name}"),
        ("Padding in view", f"{stage.outside[0]} + {stage.outside[1]}", "of the middle unit, before and after"),
    ]
    if stage.everything:
        shown.append(("Global branch", "sees all", "squeeze-excite or pooling; the box is through windows alone"))
    return numbers(shown)


def _story(found) -> None:
    """What lies beyond the image, and what others printed."""
    last, side = found.last, found.side
    if last.size > side:
        st.markdown(
            f"**The field outgrows the image.** A unit of the last map sees {big(last.size)} pixels a side; the image "
            f"has {side}. Every unit sees the whole scene, and padding around it: early units find edges, later ones "
            "parts, the last ones objects in their surroundings."
        )
    else:
        st.markdown(
            f"**The field stays inside the image.** {big(last.size)} of {side} pixels a side: no unit sees the whole "
            "scene; what is farther apart meets only in the classifier."
        )
    for one in found.published:
        same = one.size == last.size
        verdict = "the same as here." if same else f"here it is {big(last.size)}. {one.difference}"
        st.markdown(f"Published for `{one.network}`: **{big(one.size)}**, {verdict} Source: {one.source}.")
    if found.reason:
        st.info(found.reason, icon=":material/alt_route:")


def _depth(chosen: list[str], side: int) -> None:
    from models.network_field import network_field
    from models.receptive_field import ReceptiveFieldError

    st.header("How fast does the field grow with depth?", anchor=False)
    series = []
    for name in chosen:
        try:
            found = network_field(name, side)
        except ReceptiveFieldError as error:
            st.caption(f"{name}: {error}")
            continue
        series.append(Series(name, found.depth, found.sizes, found.layers))
    show(
        plot(
            series,
            x="Windows on the way (convolutions, poolings)",
            y="Receptive field, pixels",
            label=f"Receptive field against depth: {', '.join(s.name for s in series)}",
            lines=[Line(side, f"image, {side} pixels")],
            log_y=True,
        ),
        key="depth_plot",
    )


def _stages(found) -> str:
    head = ("jump", "last layer of the stage", "map", "receptive field", "start", "padding seen", "whole image?")
    rows = [
        (
            str(row.jump),
            row.name,
            "×".join(map(str, row.map_size)),
            big(row.size),
            str(row.start).replace("-", "−"),
            f"{row.outside[0]} + {row.outside[1]}",
            "yes, by a global branch" if row.everything else "yes" if row.size >= found.side else "no",
        )
        for row in found.stages
    ]
    return table(head, rows, label=f"Stages of {found.name}")


def _measure(found, stage, measured_field) -> None:
    """On demand: the gradient's answer. Deep networks take a while."""
    key = (found.name, stage.name, found.side)
    asked_for = st.button(
        f"Measure {found.name} on the gradient too", key="measure_network", icon=":material/straighten:",
        help="Runs strips through the network and looks where the gradient is not zero. Deep networks take a minute.",
    )  # fmt: skip
    if not asked_for and st.session_state.get("_measured_network") != key:
        return
    st.session_state["_measured_network"] = key
    with st.spinner(f"Measuring {stage.name} of {found.name} …"):
        measured = measured_field(found.name, stage.name, found.side)
    size, jump, start = (one[0] for one in (measured.size, measured.jump, measured.start))
    if size is None:
        st.warning(f"The gradient reaches both ends of a strip of {measured.lengths[0]} pixels: no finite field.")
        return
    same = (size, jump, start) == (stage.size, stage.jump, stage.start)
    verdict = "the same as traced ✓" if same else f"traced: {stage.size}, jump {stage.jump}, start {stage.start}"
    st.markdown(
        f"Measured on the gradient, strips of {measured.lengths[0]} pixels: receptive field **{size}**, "
        f"jump **{jump}**, start **{str(start).replace('-', '−')}**: {verdict}."
    )


def _all(known: list[str], side: int) -> None:
    """Every network in one table, traced on demand with progress."""
    from models.network_field import summary

    with st.expander(f"All {len(known)} networks at {side} pixels"):
        if not st.toggle("Trace them all", key="trace_all", help="Takes about twenty seconds the first time."):
            return
        bar = st.progress(0.0, "Tracing …")
        rows = []
        for i, name in enumerate(known):
            bar.progress((i + 1) / len(known), f"Tracing {name} …")
            one = summary(name, side)
            note = "sees the whole image through a global branch" if one.everything else one.reason
            rows.append(
                (
                    name,
                    "–" if one.size is None else big(one.size),
                    "–" if one.jump is None else str(one.jump),
                    "–" if one.map_size is None else f"{one.map_size}×{one.map_size}",
                    note,
                )
            )
        bar.empty()
        show(
            table(("network", "receptive field", "jump", "last map", "note"), rows, label="All networks"),
            key="all_table",
        )
