"""Equivariance: move the picture, and see whether the map moves with it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import streamlit as st

from models.maps.attribution import AttributionError
from models.maps.code import motion_code
from models.maps.equivariance import (
    EquivarianceError,
    MotionPoint,
    Outline,
    antialiased,
    circular,
    curves,
    equivariance,
    moved,
    outline,
    standing,
)
from models.networks import NetworkError, skeleton
from models.picture import to_tensor
from pages._lesson import frame
from pages._question import Asking
from pages.feature_maps import _network as network
from pages.feature_maps._closer import text
from pages.feature_maps._kept import CURVES, MOVED, OUTLINES, STANDING
from pages.feature_maps._network import OFFERED, OWN, Network
from pages.feature_maps._picture import Picture, with_picture
from pages.feature_maps._questions import EQUIVARIANCE
from viz import state
from viz.components.dials import Dial, dials, turn
from viz.figures import Series, chart, lines, numbers, show
from viz.figures.cells import framed, hidden, image, row, signed
from viz.state import Choice, Flag, whole
from viz.words import heading, say

MOTIONS = {"shift": "Shift", "rotate": "Rotate", "scale": "Scale"}
SMALL_LAYERS = ("conv1", "relu1", "pool1", "relu2", "pool2", "relu3", "pool3", "relu4")
SIZE = 205


def _usual_layer() -> str:
    name = network.NETWORK.value
    return "pool2" if name in OWN else network.FIRST[name]


MOTION = Choice("fm_motion", "shift", "Motion", None, MOTIONS, "segmented_control")
LAYER = Choice("fm_at", _usual_layer, "Layer", read=str)
DIALS = {
    "shift": Dial("fm_shift", 3, "Shift to the right, pixels", None, -32, 32, read=whole(-32, 32)),
    "rotate": Dial("fm_turn", 30, "Turn left", None, -180, 180, 5, "°", read=whole(-180, 180)),
    "scale": Dial("fm_factor", 1.3, "Factor", None, 0.5, 2, 0.1),
}
"""By motion."""
WRAP = Flag(
    "fm_wrap", True, "Without a border",
    "Every padding goes round, as the shifted picture does. Off: zeros at the border count as errors.",
)  # fmt: skip
SETTINGS = (*network.SETTINGS, LAYER, MOTION, *DIALS.values(), WRAP)


@state.fragment
def lesson(picture: Picture, asking: Asking) -> None:
    """The whole lesson; what is chosen inside runs this alone."""
    chosen, covered = {}, asking.waits()

    def lead() -> None:
        chosen["motion"] = MOTION.draw()
        chosen["weights"] = network.choose_weights()
        chosen["layer"] = st.container()

    def controls() -> None:
        chosen["network"] = network.choose(picture, *chosen["weights"])
        WRAP.draw()

    with frame(controls, draw_lead=lead, asking=asking):
        net, motion = chosen["network"], chosen["motion"]
        if net is None:
            return
        if covered:
            after = _moved(net, motion, float(DIALS[motion].value))
            show(row(network.given(net, picture), after, hidden("Its map")), key="fm_before")
            return
        try:
            layer = _layer(net, chosen["layer"])
        except (EquivarianceError, NetworkError) as error:
            st.error(network.refused(error), icon=":material/block:")
            return
        if not _live(net, layer, motion):
            return
        net.tell()
    try:
        _curves(net, layer, motion)
    except (EquivarianceError, NetworkError, AttributionError) as error:
        st.info(str(error))
    net.tell()


@state.fragment
def _live(net: Network, layer: str, motion: str) -> bool:
    """The one thing that runs while the dial turns. Returns whether there is a map."""
    dials([DIALS[motion].data()], key="fm_motion_dial", on_dial=_turned)
    value, border = float(DIALS[motion].value), not WRAP.value
    question = (*net.key, layer, border, motion, value)
    try:
        kept = MOVED.made(question, lambda: _maps(net, motion, _point(net, layer, border, motion, value)))
    except (EquivarianceError, NetworkError) as error:
        st.error(network.refused(error), icon=":material/block:")
        return False
    figures, error = kept
    show(figures, key="fm_moved")
    state.remember("fm_moved", (net.name, net.trained, min(net.x.shape[2:]), layer, motion, value, not border, error))
    return True


def _turned() -> None:
    turn("fm_motion_dial", tuple(DIALS.values()))


def _layer(net: Network, place) -> str:
    """The layer whose map is watched."""
    if net.name in OWN:
        options = list(SMALL_LAYERS)
    else:
        options = [n for n, shape in _outline(net, border=True).survey.shapes.items() if shape[1] * shape[2] > 1]
    if LAYER.linked and LAYER.value not in options:
        st.warning(f"The link names a layer without maps in {net.title}: {LAYER.usual} is shown.")
    with place:
        return LAYER.draw(options)


def _changed(module, border: bool, blurred: bool = False):
    """The network without a border or with it, blurring or not; its weights are shared."""
    module = antialiased(module) if blurred else module
    return module if border else circular(module)


def _outline(net: Network, border: bool) -> Outline:
    question = (net.name, tuple(net.x.shape), border)
    return OUTLINES.made(question, lambda: outline(_changed(skeleton(net.name), border), net.x.shape))


def _point(net: Network, layer: str, border: bool, motion: str, value: float) -> MotionPoint:
    question = (*net.key, layer, border)

    def ask(module):
        module = _changed(module, border)
        still = STANDING.made(question, lambda: standing(module, net.x, [layer], _outline(net, border)))
        return next(equivariance(module, net.x, layer, [value], motion, still))

    return net.ask(ask)


def _moved(net: Network, motion: str, value: float) -> str:
    picture = moved(to_tensor(net.pixels), motion, value)[0].permute(1, 2, 0).numpy()
    return framed("The moved picture", image(picture, "The moved picture", SIZE))


def _maps(net: Network, motion: str, point: MotionPoint) -> tuple[str, float]:
    """The pictures with their numbers, and the error."""
    energy = np.square(point.expected).reshape(len(point.expected), -1).mean(1)
    channel = int(energy.argmax())
    expected, found = point.expected[channel], point.found[channel]
    top = max(float(np.abs(expected).max()), float(np.abs(found).max())) or 1.0
    left, right = (np.where(point.compared, one, np.nan) for one in (expected, found))
    figures = (
        _moved(net, motion, point.value),
        framed("Its map", signed(right / top, f"Channel {channel} of the moved picture", SIZE), "what is found"),
        framed("The map, moved", signed(left / top, f"Channel {channel}, moved", SIZE), "what equivariance expects"),
        framed(
            "Their difference",
            signed((right - left) / top, "Difference of the two maps", SIZE),
            "same scale; plain: they agree" + ("" if point.compared.all() else "; outside: not compared"),
        ),
    )
    same = point.error < 1e-5
    told = "exactly, up to rounding" if same else "nearly" if point.error < 0.15 else "no"
    cards = [
        ("Equivariance error", text(point.error), f"commutes: {told}; 1.4: nothing in common"),
        ("Change of the map", text(point.invariance), "against the map of the unmoved picture; 0: invariant"),
        ("Units", "on units" if point.exact else "between units", "where the motion takes them"),
        ("Channel shown", str(channel), f"of {len(point.found)}, the one with most energy"),
    ]
    pictures = row(*figures, pictures=True, widest=SIZE)
    return f'{pictures}<div style="margin-top:.8rem">{numbers(cards)}</div>', point.error


# -- curves


def _values(net: Network, motion: str) -> list[float]:
    own = net.name in OWN
    if motion == "shift":
        return [float(v) for v in (range(17) if own else range(0, 33, 4))]
    if motion == "rotate":
        return [float(v) for v in range(0, 181, 15 if own else 45)]
    return [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6, 1.8, 2.0] if own else [0.5, 0.75, 1.0, 1.5, 2.0]


def _curves(net: Network, layer: str, motion: str) -> None:
    heading("How large is the error, motion by motion?")
    border = not WRAP.value
    question = (*net.key, layer, motion, border)
    kept = CURVES.get(question)
    if kept is None:
        if net.name not in OWN and not st.button(
            "Measure the curves", icon=":material/show_chart:", key="fm_run_curves",
            help="Some thirty passes through the network.",
        ):  # fmt: skip
            return
        bar = st.progress(0.0, "Moving the picture …")
        for kept in CURVES.follow(question, lambda: _measured(net, layer, border, motion)):
            bar.progress(kept["done"], f"Moving the picture: {kept['doing']}")
        bar.empty()
    unit = {"shift": "Shift, pixels", "rotate": "Turn, degrees", "scale": "Factor"}[motion]
    shown = (
        (f"**The map** of `{layer}`: equivariance", "errors", "Equivariance error", f"Equivariance error of {layer}"),
        (f"**The class** “{kept['class']}”: invariance", "invariance", "Probability, %", "Probability of the class"),
    )
    for column, (title, name, y, said) in zip(st.columns(2), shown, strict=True):
        with column:
            say(title)
            chart(lines(kept[name], x=unit, y=y), key=f"fm_{name}", alt=f"{said} by {unit}")
    if motion == "shift" and border:
        say(
            "Zeros at the border stay where they are when the picture moves, so even a layer of stride 1 errs there. "
            "Take the border away to see what stride and pooling do alone."
        )
    elif motion == "shift":
        say(
            "With stride 1 the error is 0 at every shift. Each pooling by 2 doubles the shift after which it returns "
            "to 0. Blurring before subsampling removes the detail that the coarse grid cannot hold, and what stays "
            "moves smoothly (Zhang 2019): the cure for shifts in between."
        )
    else:
        say(
            "A convolution knows shifts alone: its kernel does not turn with the picture, and does not grow with it. "
            "What a network knows of turned and scaled things it has to learn, one by one."
        )


def _measured(net: Network, layer: str, border: bool, motion: str) -> Iterator[dict]:
    """Errors of the layer, and scores, as it is and with blur: how far that is, and in the end all."""
    values, own = _values(net, motion), net.name in OWN
    ways = [("as it is", net, False), ("blurred before subsampling, same weights", net, True)]
    twin = {"small": "small_antialiased"}.get(net.name)
    if twin and net.trained:
        ways[1:] = [(f"{OFFERED[twin].lower()}, trained so", _twin(net, twin), False)]
    elif net.name == "small_antialiased":
        ways = ways[:1]
    first, at_once = net.scores()[0], len(values) if own else 3
    errors, told, dense = [], [], []
    for n, (title, one, blurred) in enumerate(ways):
        layers = [layer, "relu1"] if own and not n and layer != "relu1" and motion == "shift" else [layer]
        found: list[tuple[float, list[float]]] = []
        try:
            for at in range(0, len(values), at_once):
                some = values[at : at + at_once]
                found += one.ask(partial(_course, one.x, first.number, layers, border, blurred, some, motion))
                yield {"done": (n + len(found) / len(values)) / len(ways), "doing": title}
        except EquivarianceError:
            if not n:
                raise
            continue
        told.append(Series(title, values, [100 * probability for probability, _ in found]))
        watched, *more = zip(*(errors for _, errors in found), strict=True)
        errors.append(Series(title, values, list(watched)))
        dense += [Series("relu1, stride 1", values, list(one)) for one in more]
    yield {"done": 1.0, "doing": title, "invariance": told, "class": first.name, "errors": errors + dense}


def _course(x, target: int, layers: list[str], border: bool, blurred: bool, values: list[float], motion: str, module):
    """By value the probability of the class, and the errors of the layers."""
    found = curves(_changed(module, border, blurred), x, target, layers, values, motion)
    return [(told.probability, [point.error for point in points]) for told, points in found]


def _twin(net: Network, name: str) -> Network:
    return network.Network(name, net.trained, net.x, net.pixels, (name, *net.key[1:]))


def script(picture: Picture) -> tuple[str, str]:
    """The curve of the layer and the motion on the screen."""
    name, trained, side, layer, motion, value, without_border, error = network.on_screen("fm_moved", "layer")
    ours = f"from models.maps.equivariance import {'circular, ' if without_border else ''}equivariance"
    which, opening = network.opening(picture, name, trained, side, ours)
    which += "" if which.endswith("project") else ", in a copy of this project"
    told = (
        f"Runs as it is: the error of the same layer against the motion, for {which}; asserts that standing still "
        "costs nothing"
        + (", and a shift by whole units neither" if without_border and motion == "shift" else "")
        + (", and the error on the screen." if picture.in_link else ".")
    )
    shown = error if picture.in_link else None
    return told, motion_code(opening, layer, motion, value, without_border, shown)


if __name__ == "__main__":
    with_picture(SETTINGS, lesson, script, Asking("feature-maps-equivariance", EQUIVARIANCE))
