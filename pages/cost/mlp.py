"""A convolution as a dense layer of which most weights are gone, and the others are shared."""

from __future__ import annotations

import numpy as np
import streamlit as st

from models.lab import HINTS, Check
from models.shifted import CLASSES, TRAINED, Shifted, examples, moved, train_both
from models.text import big, scientific
from models.turns import Waiting
from pages._lesson import frame, offer
from pages._question import Asking
from pages.cost._kept import SHIFTED, Three, three, vgg, vgg_sizes
from pages.cost._questions import MLP as QUESTIONS
from viz import state
from viz.components.channels import Tile, channels, step
from viz.figures import Series, chart, lines, numbers, ranked, show, table
from viz.figures.cards import check_cards
from viz.figures.cells import LARGEST, cells, framed, hidden, image, row, signed
from viz.state import Choice, Whole
from viz.words import heading, remark, say

STEPS = {"dense": "Dense", "local": "Local", "shared": "Shared"}
TITLES = {"dense": "Dense", "local": "Locally connected", "shared": "Convolution"}
STEP = Choice("step", "dense", "Weights", None, STEPS, "segmented_control", key="mlp_step")
SIZE = Choice(
    "size", 4, "input_size", "Side of the image in pixels.", (3, 4, 5, 6, 8, 12), "segmented_control", key="mlp_size"
)  # fmt: skip
KERNEL = Choice("kernel_size", 3, "kernel_size", None, (1, 3, 5), "segmented_control", key="mlp_kernel")
INPUT = Whole("in_channels", 1, "in_channels", None, 1, 4, key="mlp_inputs")
OUTPUT = Whole("out_channels", 1, "out_channels", None, 1, 4, key="mlp_outputs")
SETTINGS = (STEP, SIZE, KERNEL, INPUT, OUTPUT)
ASKING = Asking("cost-mlp", QUESTIONS, SETTINGS)
WIDE, MOST = 440, 12
"""Of a matrix, in pixels where it is drawn as a picture, and in cells."""


def _controls() -> None:
    for setting in SETTINGS[1:]:
        setting.draw()


def lesson() -> None:
    state.take(*SETTINGS, ASKING)
    covered = ASKING.waits()
    offer(_script, covered=covered)
    with frame(_controls, draw_lead=STEP.draw, asking=ASKING):
        if covered:
            _before()
        else:
            _matrix(_asked())
    if not covered:
        left, right = st.columns(2)
        with left:
            _vgg()
        with right:
            _moved()


def _before() -> None:
    """What the question that waits is about, without what would answer it."""
    name = ASKING.waiting.name if ASKING.waiting else ""
    if name == "vgg":
        rows = [(one, f"{inputs} → {outputs}", "?") for one, (inputs, outputs) in vgg_sizes().items()]
        table(("layer", "in → out", "parameters"), rows, key="mlp_before_vgg", label="Layers of VGG-16")
    elif name == "moved":
        show(_drawings(120, hidden("Who knows them")), key="mlp_before_moved")
    else:
        # The ways from pixels to outputs; how many weights are on them is asked.
        tile: Tile = {
            "name": "layer", "title": TITLES[STEP.value], "steps": [step("layer", getattr(_asked(), STEP.value))],
            "numbers": [("weights", "?")], "said": "",
        }  # fmt: skip
        channels([tile], "", key="mlp_before", covered=True, what="pixel")


def _asked() -> Three:
    return three(INPUT.value, OUTPUT.value, SIZE.value, KERNEL.value)


def _matrix(found: Three) -> None:
    """One step of the three, and what all of them take."""
    step = STEP.value
    matrix: np.ndarray = getattr(found, step)
    outputs, inputs = matrix.shape
    left, right = st.columns(2)
    with left:
        title = f"{TITLES[step]}: a row for each of {outputs} outputs, a column for each of {inputs} inputs"
        if max(matrix.shape) <= LARGEST:
            drawn = cells(matrix.round(1), title, "signed", high=1.0, most=MOST)
        else:
            drawn = framed(title, signed(matrix, f"{title}; equal weights have equal colours", WIDE))
        show(drawn, key="mlp_matrix")
    with right:
        say(_told(found, matrix))
        there = matrix[matrix != 0]
        cards = [
            ("Zeros", big(matrix.size - there.size), f"of {big(matrix.size)} entries: what an output does not read"),
            ("Different weights", big(len(np.unique(there))), "equal ones have one colour"),
        ]
        how = "counted in the real layer's own parameters"
        checks = [
            Check(name, TITLES[name], HINTS["parameters"], found.parameters[name], found.formulas[name], how)
            for name in STEPS
        ]
        show(numbers(cards) + check_cards(checks), key="mlp_cards")
        say(
            "All three take the same input and can give the same output: with the convolution's weights, the dense "
            f"layer differs from it by at most **{_small(found.as_dense)}**, the locally connected one by "
            f"**{_small(found.as_local)}**. The other way round it does not work: hardly any dense layer is a "
            "convolution."
        )


def _small(value: float) -> str:
    return scientific(value, 1) if value else "0"


def _told(found: Three, matrix: np.ndarray) -> str:
    if STEP.value == "dense":
        return (
            "A dense layer: every output has a weight of its own for every input. It does not know which pixels are "
            "neighbours, and what it learns in one corner it has to learn again in the next."
        )
    if STEP.value == "local":
        idle = found.parameters["local"] - np.count_nonzero(matrix)
        padding = f"; {big(idle)} more lie on the padding and do nothing" if idle else ""
        return (
            "Locally connected: an output reads its window, and everything else is 0. The weights that are left are "
            f"all different{padding}."
        )
    return (
        f"A convolution: the same {big(len(np.unique(matrix[matrix != 0])))} weights in every window. Each colour runs "
        "along a diagonal, and the number of weights no longer depends on the size of the image."
    )


def _vgg() -> None:
    heading("Where are VGG-16's parameters?")
    layers = vgg()
    dense = {name: count for name, count in layers.items() if name.startswith("dense")}
    total = sum(layers.values())
    names = list(layers)
    figure = ranked(
        names, list(layers.values()), [names.index(name) for name in dense], x="Parameters", y="Layer", log=False
    )
    chart(figure, key="mlp_vgg", alt="Parameters of each layer of VGG-16: most are in the first dense layer")
    said, most = " + ".join(f"{count / 1e6:.1f}" for count in dense.values()), sum(dense.values())
    say(
        f"{said} million of {total / 1e6:.1f} million, {100 * most / total:.0f} %, are in its three dense layers; "
        f"{dense['dense 1'] / 1e6:.1f} million in the first, which reads 7×7×512 numbers. The thirteen convolutions, "
        f"which do nearly all of the work, have {(total - most) / 1e6:.1f} million."
    )


def _drawings(wide: int, *more: str) -> str:
    """Some as both have learned them, some moved, and ``more`` beside them; HTML."""
    pictures = examples(len(CLASSES), 1)[0][[0, 3, 4]]
    drawn = [
        framed(
            f"Moved by {shift}" if shift else "As trained", image(1 - moved(pictures, shift)[i, 0].numpy(), name, wide)
        )
        for i, name, shift in (
            (0, "A circle", 0),
            (1, "A star", 0),
            (1, "The star, moved", 3),
            (2, "A cross, moved", 6),
        )
    ]
    return row(*drawn, *more, pictures=True, widest=wide)


def _moved() -> None:
    """Two networks that were trained alike, and drawings that they have not seen, moved."""
    heading("And when the picture moves?")
    show(_drawings(84), key="mlp_drawings")
    found = SHIFTED.get("both")
    if found is None:
        with st.container(horizontal=True, gap="xsmall"):
            pressed = st.button("Train both here", icon=":material/school:", key="mlp_train")
            st.button("Stop", icon=":material/stop:", key="mlp_stop")
        if not pressed:
            remark(
                f"Each sees the same {TRAINED} drawings of {len(CLASSES)} kinds, all in the middle of their pictures. "
                "On this server, one visitor at a time; another choice stops it."
            )
            return
        found = _trained()
    figure = lines(
        [Series(name, found.shifts, [100 * one for one in found.accuracies[name]]) for name in found.accuracies],
        x="Shift to the right, pixels", y="Recognised, %", height=300,
    )  # fmt: skip
    chart(figure, key="mlp_moved", alt="Share of drawings that each network recognises, by how far they have moved")
    dense, conv = (found.accuracies[name][3] for name in ("Dense", "Convolution"))
    sizes = found.parameters
    say(
        f"Moved by three pixels, the dense network recognises {100 * dense:.0f} % of drawings that it has not seen, "
        f"the convolutional one {100 * conv:.0f} %, with {big(sizes['Convolution'])} parameters in place of "
        f"{big(sizes['Dense'])}. Trained on {found.where}."
    )


def _trained() -> Shifted:
    """Train both, told while it lasts."""
    bar, doing, steps = st.progress(0.0, "Training both …"), "Training both", train_both()
    try:
        for step in steps:
            if isinstance(step, Shifted):
                return SHIFTED.put("both", step)
            if isinstance(step, Waiting):
                bar.progress(0.0, step.told(doing))
            else:
                bar.progress(step, f"{doing} …")
    finally:
        steps.close()
        bar.empty()
    raise AssertionError("training ends with what was found")


def _script() -> tuple[str, str]:
    found, inputs, outputs, side, kernel = _asked(), INPUT.value, OUTPUT.value, SIZE.value, KERNEL.value
    sizes = found.parameters
    code = f"""import torch
from torch import nn
from torchvision.models import vgg16

inputs, outputs, side, kernel = {inputs}, {outputs}, {side}, {kernel}
conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False).double().requires_grad_(False)

# One input at a time is 1: what comes out is a column of the matrix, and the matrix is the dense layer's weight.
ones = torch.eye(inputs * side * side, dtype=torch.float64)
matrix = conv(ones.view(-1, inputs, side, side)).flatten(1).T
dense = nn.Linear(*matrix.shape[::-1], bias=False).double().requires_grad_(False)
dense.weight.copy_(matrix)
x = torch.randn(8, inputs, side, side, dtype=torch.float64)
difference = (dense(x.flatten(1)) - conv(x).flatten(1)).abs().max().item()
print("largest difference:", difference)
assert difference < 1e-12

windows = side * side * outputs * inputs * kernel * kernel
print("dense", dense.weight.numel(), "· locally connected", windows, "· convolution", conv.weight.numel())
assert (dense.weight.numel(), windows, conv.weight.numel()) == {tuple(sizes.values())}

# Where the parameters of VGG-16 are: shapes alone, without memory.
with torch.device("meta"):
    network = vgg16()
counts = [sum(p.numel() for p in part.parameters()) for part in (network.features, network.classifier)]
print("VGG-16: convolutions", counts[0], "dense layers", counts[1])
assert (sum(counts), network.classifier[0].weight.numel() + 4096) == ({sum(vgg().values())}, {vgg()["dense 1"]})
"""
    return "Runs as it is: the convolution as a dense layer with the same output, and the parameters of all.", code


if __name__ == "__main__":
    lesson()
