"""Depthwise, then 1×1: both steps on the stage, what they cost, and which layers they cannot be."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
import torch

from models import device, lab
from models.alternatives import separable_share
from models.code import to_code
from models.share import Scene
from models.spec import LayerSpec
from models.text import big, listed, scientific
from pages._lesson import frame, offer
from pages._question import Asking
from pages.cost._kept import astronaut, nearest, reached_of, standard
from pages.cost._questions import SEPARABLE as QUESTIONS
from viz import state
from viz.components.channels import Tile, channels
from viz.components.stage import stage
from viz.controls.examples import examples
from viz.controls.layer import LayerEditor, in_short
from viz.controls.numbers import SceneEditor
from viz.figures import numbers, show
from viz.figures.cards import side_by_side
from viz.figures.cells import framed, image, row, signed
from viz.scenes.layer import scene as draw_scene
from viz.state import Choice
from viz.words import heading, remark, say

BARE = {"input_size": 8, "in_channels": 3, "out_channels": 3, "kernel_size": 3, "padding": 1, "bias": False}
EDITOR = SceneEditor(LayerEditor("ds_", "depthwise_separable", BARE))
EXAMPLES = {
    "three": ("8×8×3 → 3", {}),
    "notes": ("28×28×3 → 10, with biases", {"input_size": 28, "out_channels": 10, "bias": True}),
}
"""Worked examples: what their buttons say, and their settings where they are not the usual ones."""
LAYERS = {
    "brightness": "Four filters on brightness",
    "one": "One filter, four mixes of colours",
    "learned": "Learned by our small network",
    "random": "Random weights",
}
ORDERS = {False: "Depthwise first", True: "1×1 first"}
LAYER = Choice("layer", "brightness", "Standard layer", None, LAYERS, key="separable_layer")
ORDER = Choice("order", False, "Order of the steps", None, ORDERS, "segmented_control", key="separable_order")
ASKING = Asking("cost-separable", QUESTIONS, (EDITOR, LAYER, ORDER))
SIZE = 175
"""Of the picture, in pixels on the screen."""
HEIGHT = 460
"""Of the stage, in pixels."""
COMPACT = 11
"""Pixels of a cell on a phone, so that all grids stand there together."""


BEFORE = (
    ("standard", "Standard"),
    ("depthwise_first", "Depthwise, then 1×1"),
    ("pointwise_first", "1×1, then depthwise"),
)


def _layer(name: str) -> LayerSpec:
    return LayerSpec(kind="depthwise_separable", **BARE | EXAMPLES[name][1])


def _choose(name: str) -> None:
    EDITOR.load(Scene(_layer(name)))


def _typed(scene: Scene) -> None:
    EDITOR.edit(scene, state.heard("separable_stage", "edit"), lab.input_of(scene), lab.weights_of(scene))


def _controls(scene: Scene) -> None:
    shown = next((name for name in EXAMPLES if _layer(name) == scene.spec), None)
    examples(
        "separable_examples", "separable_example", {n: title for n, (title, _) in EXAMPLES.items()}, shown, _choose
    )
    EDITOR.draw(scene)


def lesson() -> None:
    state.take(EDITOR, LAYER, ORDER, ASKING)
    scene = EDITOR.read()
    covered = ASKING.waits()
    found = lab.of(scene)
    offer(
        partial(_script, scene), EDITOR.fits(),
        "This link opens the same layer, but not the numbers you typed: they do not fit into a link.", covered,
        scene,
    )  # fmt: skip
    with frame(lambda: _controls(scene), picture_first=True, asking=ASKING, chips=in_short(scene.spec, named=False)):
        if covered:
            _before(scene.spec)
        elif found.why_not:
            st.info(found.why_not, icon=":material/straighten:")
        else:
            data = draw_scene(found) | {"compact": COMPACT}
            stage(data, key="separable_stage", height=HEIGHT, on_edit=lambda: _typed(scene))
        if not covered:
            _cost(found)
    if not covered:
        _cannot()


def _before(spec: LayerSpec) -> None:
    """Who sees whom, without numbers; in both orders where the question is about these."""
    job = {"in_channels": spec.in_channels, "out_channels": spec.out_channels}
    tiles: list[Tile] = [
        {
            "name": name, "title": title, "steps": reached_of(name, job)[0],
            "numbers": [("weights", "?"), ("MACs", "?")], "said": "",
        }
        for name, title in BEFORE
        if name != "pointwise_first" or (ASKING.waiting and ASKING.waiting.name == "order")
    ]  # fmt: skip
    channels(tiles, "", key="separable_before", covered=True)


def _cost(found: lab.Lab) -> None:
    spec = found.spec
    whole = lab.of(Scene(spec.change(kind="conv")))
    show(side_by_side(whole, found, ("Standard", "Separable")), key="separable_numbers")
    layers = found.measurement.layers
    parts = [" + ".join(big(getattr(one, what)) for one in layers) for what in ("parameters", "macs")]
    share = separable_share(spec.out_channels, spec.kernel_size)
    measured = found.measurement.macs / whole.measurement.macs
    say(
        f"Depthwise, then 1×1: {parts[0]} parameters and {parts[1]} MACs, both counted on the real layers. Their share "
        f"of the standard layer's MACs is 1/N + 1/K² = {share.text}; measured: {big(found.measurement.macs)} ÷ "
        f"{big(whole.measurement.macs)} = {measured:.3g}. The matrix of the stage is the product of both steps'; the "
        "table counts the entries of both, which are what is multiplied."
    )


def _cannot() -> None:
    """The nearest separable layer of a standard one, and what it loses on a picture."""
    heading("Which layers can it be?")
    with st.container(horizontal=True, vertical_alignment="bottom", key="separable_choice"):
        name, first = LAYER.draw(width=320), ORDER.draw()
    conv, found = standard(name), nearest(name, first)
    picture, x = astronaut()
    with device.one_thread(), torch.inference_mode():
        whole, near = conv(x)[0].numpy(), found.module(x)[0].numpy()
    off = near - whole
    lost = (off**2).sum((1, 2)) / np.maximum((whole**2).sum((1, 2)), 1e-12)
    worst = int(lost.argmax())
    top = float(abs(whole[worst]).max()) or 1.0
    outputs, inputs, *window = conv.weight.shape
    side, other = (
        ("output", f"{inputs} × {window[0] * window[1]}")
        if first
        else ("input", f"{outputs} × {window[0] * window[1]}")
    )
    ranks = listed(sorted(set(found.ranks)), "and")
    cards = [
        ("Rank", ranks, f"of the {other} weights of each {side} channel; a separable layer has 1"),
        ("Energy kept", f"{100 * found.energy:.3g} %", "of the sum of the squared weights"),
        (
            "Largest difference",
            scientific(abs(off).max()) if found.exact else f"{abs(off).max():.3g}",
            f"on the picture, where the standard layer answers with up to ±{abs(whole).max():.3g}",
        ),
    ]
    figures = (
        framed("Picture", image(picture, "The astronaut", SIZE)),
        framed(
            "Standard layer",
            signed(whole[worst] / top, f"Map {worst} of the standard layer", SIZE),
            f"map {worst} of {outputs}",
        ),
        framed("Nearest separable", signed(near[worst] / top, f"Map {worst} of the nearest separable layer", SIZE)),
        framed("Their difference", signed(off[worst] / top, "Difference of the two maps", SIZE), "same scale"),
    )
    show(numbers(cards) + row(*figures, pictures=True, widest=SIZE), key="separable_nearest")
    if found.exact:
        say(f"The rank is 1 everywhere: {ORDERS[first].lower()}, two steps are this layer, up to rounding.")
    else:
        say(
            f"{ORDERS[first]}, each {side} channel has a single window. This layer needs up to {max(found.ranks)} for "
            f"one, so that two steps only come near it: no separable layer in this order is nearer."
        )
    remark("The map that is shown loses most. A network that is trained with both steps learns other weights.")


def _script(scene: Scene) -> tuple[str, str]:
    found, spec = lab.of(scene), scene.spec.change(kind="conv")
    whole = lab.of(Scene(spec))
    code = to_code(found)
    code += f"""
# The standard layer for the same job.
standard = {spec.to_code()}.to(x)
assert standard(x).shape == y.shape
weights, fewer = (sum(p.numel() for p in one.parameters()) for one in (standard, layer))
assert (weights, fewer) == ({whole.measurement.parameters}, {found.measurement.parameters})
print(f"standard: {{weights}} parameters, depthwise separable: {{fewer}}")
"""
    return "Runs as it is: both steps as real layers, the standard layer for the same job; asserts their numbers.", code


if __name__ == "__main__":
    lesson()
