"""What decides: class scores, and three ways to ask which pixels they hang on, with the check that they mean it."""

from __future__ import annotations

from html import escape
from itertools import count

import numpy as np
import streamlit as st

from models.drawings import CLASSES
from models.maps.attribution import AttributionError, Score, occlusion, reasons, sanity_check
from models.maps.code import reasons_code
from models.networks import NetworkError
from pages._lesson import frame
from pages._question import Asking
from pages.feature_maps import _network as network
from pages.feature_maps._closer import heated, text
from pages.feature_maps._kept import COVERED, REASONS, SANITY
from pages.feature_maps._network import OWN, Network
from pages.feature_maps._picture import SEED, SHAPE, SHAPE_DRAWN, SOURCE, Picture, with_picture
from pages.feature_maps._questions import DECIDES
from viz import state
from viz.figures import Series, chart, lines, show
from viz.figures.cells import framed, hidden, image, ranked, row
from viz.state import Choice, Fold
from viz.words import remark, say

HIGHEST = "The highest"
COVERS = ("Small", "Middle", "Large")
FILLS = {"mean": "Mean colour", "black": "Black", "blur": "Blur"}
_PARTS_OF_SIDE = {"Small": 10, "Middle": 6, "Large": 4}
TOLD = {
    "gradient": (
        "Gradient",
        "How much the score changes when a pixel changes a little. It is grainy, because neighbouring pixels often "
        "pull in opposite directions.",
    ),
    "grad_cam": (
        "Grad-CAM",
        "The last maps, each weighted by how the score hangs on it, added up; what is below 0 is left out. It is as "
        "coarse as those maps, and shows only what speaks for the class.",
    ),
    "occlusion": (
        "Occlusion",
        "Cover one place after another, and see how much the score falls. It needs no gradient, but a cover is itself "
        "something to see, so its size and colour matter.",
    ),
}
SIZE, STEPS = 250, 5

CLASS = Choice(
    "fm_class", HIGHEST, "Explain", "In the order of the scores. Ask also why it could be something else.", read=str
)
COVER = Choice(
    "fm_cover", "Middle", "Cover", "A tenth, a sixth or a quarter of the picture's shorter side.", COVERS,
    "segmented_control",
)  # fmt: skip
FILL = Choice("fm_fill", "mean", "Covered with", None, FILLS, "segmented_control")
CHECK = Fold("fm_check", False, "**Do these pictures mean it?** The same, while the weights are drawn anew")
SETTINGS = (*network.SETTINGS, CLASS, COVER, FILL, CHECK)


def lesson(picture: Picture, asking: Asking) -> None:
    """Scores, three pictures of what speaks for a class, and the check."""
    chosen, covered = {}, asking.waits()

    def lead() -> None:
        chosen["weights"] = network.choose_weights()
        chosen["class"] = st.container()

    def controls() -> None:
        chosen["network"] = network.choose(picture, *chosen["weights"])
        COVER.draw()
        FILL.draw()

    with frame(controls, draw_lead=lead, asking=asking):
        net = chosen["network"]
        if net is None:
            return
        if covered:
            asked = (hidden("Its answer"), hidden("What speaks for it"))
            show(row(network.given(net, picture), *asked), key="fm_before")
            return
        try:
            ranking = _scores(net)
            target = _target(net, ranking, chosen["class"])
            _verdict(net, picture, ranking, target)
            _reasons(net, ranking, target)
        except (AttributionError, NetworkError) as error:
            st.error(network.refused(error), icon=":material/block:")
            return
        net.tell()
    CHECK.draw(lambda: _sanity(net, target))
    net.tell()


# -- scores


def _scores(net: Network) -> list[Score]:
    with st.spinner(f"{net.title} looks at the picture …"):
        return net.scores()


def _target(net: Network, ranking: list[Score], place) -> int:
    """The class that is explained."""
    labels = {f"{one.name} ({one.number})": one.number for one in ranking}
    if CLASS.linked and CLASS.value not in (HIGHEST, *labels):
        st.warning("The link names a class that this network does not have: the highest is explained.")
    with place:
        label = CLASS.draw([HIGHEST, *labels])
    return labels.get(label, ranking[0].number)


def _verdict(net: Network, picture: Picture, ranking: list[Score], target: int) -> None:
    shown = ranking[:5]
    if all(one.number != target for one in shown):
        shown = [*shown, next(one for one in ranking if one.number == target)]
    entries = [
        (one.name, (text(one.score), f"{100 * one.probability:.1f} %"), one.probability, one.number == target)
        for one in shown
    ]
    best = ranking[0]
    verdict = f"{net.title} says: {best.name}, {100 * best.probability:.0f} %"
    show(
        row(network.given(net, picture), framed(verdict, ranked(("Class", "Score", "Probability"), entries))),
        key="fm_scores",
    )
    if not net.trained:
        remark("Random weights: the names mean nothing. That is what an answer looks like before any training.")
    elif net.name in OWN and picture.name not in CLASSES:
        with st.container(horizontal=True, vertical_alignment="center"):
            remark(
                f"It learned {len(CLASSES)} drawn shapes and digits, and must name one of them whatever it sees.",
                width="content",
            )
            st.button("Show it a drawn heart", on_click=_heart, icon=":material/favorite:", type="tertiary")


def _heart() -> None:
    state.give({SOURCE.name: SHAPE, SHAPE_DRAWN.name: "heart", SEED.name: 7})


# -- three ways to ask


def _reasons(net: Network, ranking: list[Score], target: int) -> None:
    name = next(one.name for one in ranking if one.number == target)
    say(f"**What speaks for “{name}”?** Bright: much.")
    question = (*net.key, target)
    with st.spinner("Asking for gradients …"):
        figures, layer = REASONS.made(question, lambda: _by_slopes(net, target))
    one = next(one for one in ranking if one.number == target)
    state.remember(
        "fm_reasons", (net.name, net.trained, min(net.x.shape[2:]), layer, target, one.score, one.probability)
    )
    place, drawn = st.empty(), count()

    def draw(covered: str) -> None:
        with place.container():
            show(row(figures, covered), key=f"fm_reasons_{next(drawn)}")  # a key serves once in a run

    cover = FILL.value
    side = max(2, min(net.x.shape[2:]) // _PARTS_OF_SIDE[COVER.value])
    question = (*net.key, target, side, cover)
    done = COVERED.get(question)
    if done is None:
        draw(_figure(net, "occlusion", np.zeros(net.pixels.shape[:2]), "not yet run"))
        asked_for = net.name in OWN or state.recall("fm_occluded") == question
        if not asked_for and not st.button(
            "Cover place after place", icon=":material/select_all:", key="fm_run_occlusion",
            help="Over a hundred passes through the network: for a large one half a minute.",
        ):  # fmt: skip
            return
        state.remember("fm_occluded", question)
        done = COVERED.put(question, _occlude(net, target, side, cover, draw))
    draw(done)


def _by_slopes(net: Network, target: int) -> tuple[str, str]:
    """The pictures of gradient and Grad-CAM, and the layer that the latter looks at."""
    slopes, cam = net.ask(lambda module: reasons(module, net.x, target))
    below = f"layer {cam.layer}, {cam.map.shape[0]} × {cam.map.shape[1]} units"
    if not cam.heat.any():
        below += "; 0 everywhere: in these maps nothing speaks for the class"
    gradient = _figure(net, "gradient", slopes, "largest slope over the colours")
    return gradient + _figure(net, "grad_cam", cam.heat, below), cam.layer


def _occlude(net: Network, target: int, side: int, cover: str, draw) -> str:
    """The picture of where covering lowers the score."""
    bar = st.progress(0.0, "Covering place after place …")

    def run(module):
        last = None
        for n, last in enumerate(occlusion(module, net.x, target, patch=side, fill=cover)):
            bar.progress(last.done / last.total, f"{last.done} of {last.total} places covered")
            if net.name not in OWN and n % 3 == 0:
                heat = np.maximum(np.nan_to_num(last.heat), 0)
                draw(_figure(net, "occlusion", heat, "as far as it got"))
        return last

    found = net.ask(run)
    bar.empty()
    most = float(np.nanmax(found.drops))
    said = (
        f"cover of {side} × {side}, {found.total} places; the score of {text(found.score)} falls by up to {text(most)}"
    )
    return _figure(net, "occlusion", np.maximum(found.heat, 0), said)


def _figure(net: Network, method: str, heat: np.ndarray, below: str) -> str:
    title, told = TOLD[method]
    if method == "gradient":
        heat = np.minimum(heat, np.percentile(heat, 99.5))  # single pixels would leave the others dark
    said = f"{title}: {told}"
    return framed(
        title,
        image(heated(net.pixels, heat), said, SIZE),
        f'<div style="max-width:{SIZE}px">{escape(below)}<br>{escape(told)}</div>',
    )


# -- the check


def _sanity(net: Network, target: int) -> None:
    """Each method's picture while the layers are drawn anew, from the last one on."""
    question, methods = (*net.key, target), ("gradient", "grad_cam")
    kept = SANITY.get(question)
    if kept is None:
        if net.name not in OWN and not st.button(
            "Draw the weights anew, from the last layer to the first", icon=":material/casino:", key="fm_run_sanity"
        ):
            return
        bar = st.progress(0.0, "Drawing weights anew …")
        try:
            kept = SANITY.put(
                question,
                {method: net.ask(lambda m, k=k: _steps(m, net, k, target, bar)) for k, method in enumerate(methods)},
            )
        except AttributionError as error:
            st.info(str(error))
            return
        finally:
            bar.empty()
    parts = []
    for method in methods:
        figures = []
        for step in kept[method]:
            title = "Before" if not step.done else f"{step.done} of {step.total} layers new"
            below = f"likeness {step.likeness:.2f}".replace("-", "−")
            if not step.picture.any():
                below += ", 0 everywhere"
            said = f"{TOLD[method][0]}, {title}, {below}"
            heat = np.minimum(step.picture, np.percentile(step.picture, 99.5))
            figures.append(framed(title, image(heated(net.pixels, heat), said, 150), below))
        parts.append(f"<h2>{TOLD[method][0]}</h2>" + row(*figures))
    show("".join(parts), key="fm_sanity")
    series = [Series(TOLD[m][0], [s.done for s in kept[m]], [s.likeness for s in kept[m]]) for m in methods]
    chart(
        lines(series, x="Layers drawn anew, from the last one on", y="Likeness to the first picture"),
        key="fm_sanity_curve",
        alt="Likeness of each method's picture while weights are drawn anew",
    )
    remark(
        "Likeness: rank correlation of the pixels; 1: they are ordered alike, 0: nothing in common. A method whose "
        "likeness stays near 1 is blind to what the network learned (Adebayo et al. 2018)."
    )


def _steps(module, net: Network, k: int, target: int, bar) -> list:
    found = []
    for step in sanity_check(module, net.x, ("gradient", "grad_cam")[k], target, steps=STEPS):
        found.append(step)
        bar.progress(
            (k + step.done / step.total) / 2, f"{TOLD[('gradient', 'grad_cam')[k]][0]}: {step.done} layers new"
        )
    return found


def script(picture: Picture) -> tuple[str, str]:
    """Scores, slopes and Grad-CAM of the class on the screen."""
    name, trained, side, layer, target, *shown = network.on_screen("fm_reasons", "class")
    which, opening = network.opening(picture, name, trained, side, "import copy")
    asserts = "the score on the screen" if picture.in_link else "that the probabilities sum to 1"
    told = (
        f"Runs as it is: scores, plain gradient and Grad-CAM of the same class in plain PyTorch, for {which}; asserts "
        f"{asserts}, and that the gradient predicts what a small step does to the score."
    )
    return told, reasons_code(opening, layer, target, shown if picture.in_link else None)


if __name__ == "__main__":
    with_picture(SETTINGS, lesson, script, Asking("feature-maps-decides", DECIDES))
