"""1×1: what mixing the channels of each pixel can do, and why two such layers in a row are one."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from models import device, lab
from models.channels import channel_steps
from models.share import Scene
from models.spec import LayerSpec
from models.text import scientific
from pages._lesson import frame, offer
from pages._question import Asking
from pages.cost._kept import LUMA, astronaut, two_pointwise
from pages.cost._questions import POINTWISE as QUESTIONS
from viz import state
from viz.components.channels import Tile, channels, step
from viz.figures import numbers, show
from viz.figures.cards import cards as layer_cards
from viz.figures.cells import cells, framed, hidden, image, row, signed
from viz.state import Flag, Whole
from viz.words import heading, say

INPUT = Whole("in_channels", 192, "in_channels", None, 1, 512, key="pointwise_inputs")
OUTPUT = Whole("out_channels", 16, "out_channels", None, 1, 512, key="pointwise_outputs")
SIZE = Whole("size", 28, "input_size", "Side of the image in pixels.", 1, 224, key="pointwise_size")
HIDDEN = Whole("hidden", 2, "Channels between the two", None, 1, 4, slider=True, key="pointwise_hidden")
RELU = Flag("relu", False, "ReLU between the two", key="pointwise_relu")
SETTINGS = (INPUT, OUTPUT, SIZE, HIDDEN, RELU)
ASKING = Asking("cost-pointwise", QUESTIONS, SETTINGS)
MIXES = {"Brightness": LUMA, "Red − green": (1.0, -1.0, 0.0), "Blue − yellow": (-0.5, -0.5, 1.0)}
"""Output channels: what each takes of red, green and blue."""
PICTURE = 140
"""Of the picture, in pixels on the screen."""


def _controls() -> None:
    for setting in SETTINGS:
        setting.draw()


def _spec() -> LayerSpec:
    return LayerSpec(
        "conv", dims=2, input_size=SIZE.value, in_channels=INPUT.value, out_channels=OUTPUT.value, kernel_size=1,
        bias=False,
    )  # fmt: skip


def lesson() -> None:
    state.take(*SETTINGS, ASKING)
    covered = ASKING.waits()
    offer(_script, covered=covered)
    with frame(_controls, asking=ASKING):
        if covered:
            _before()
            return
        spec = _spec()
        found = lab.of(Scene(spec))
        show(layer_cards(found), key="pointwise_cards")
        say(
            f"{spec.out_channels} mixes of {spec.in_channels} channels, the same at each pixel. The image keeps its "
            "size, and a unit sees one pixel: only the number of channels changes."
        )
        _mixes()
        _row()


def _before() -> None:
    """What the question that waits is about, without what would answer it."""
    name = ASKING.waiting.name if ASKING.waiting else ""
    if name == "cannot":
        figures = framed("Input", image(astronaut()[0], "A colour picture", 250)), hidden("Output")
        show(row(*figures), key="pointwise_before")
        return
    if name == "row":
        title, layers = "Two 1×1 layers in a row", channel_steps(two_pointwise(HIDDEN.value, False)[0], (1, 3, 1, 1))
    else:
        title, layers = "1×1", [("conv", np.ones((OUTPUT.value, INPUT.value)))]
    tile: Tile = {
        "name": "layer", "title": title, "steps": [step(*one) for one in layers],
        "numbers": [("output", "?")] if name == "shape" else [], "said": "",
    }  # fmt: skip
    channels([tile], "", key="pointwise_tiles", covered=True)


def _mixes() -> None:
    """A colour picture, its channels, and three mixes of them, by a real layer."""
    heading("On a picture: three channels, three mixes")
    rgb, x = astronaut()
    layer = nn.Conv2d(3, len(MIXES), 1, bias=False, dtype=torch.float64).requires_grad_(False)
    layer.weight.copy_(torch.tensor(list(MIXES.values()), dtype=torch.float64)[:, :, None, None])
    found = device.answer(layer, x)[0].numpy()
    figures = [framed(name, image(rgb[..., i], name, PICTURE)) for i, name in enumerate(("Red", "Green", "Blue"))]
    for (name, mix), values in zip(MIXES.items(), found, strict=True):
        drawn = image(values, name, PICTURE) if min(mix) >= 0 else signed(values, name, PICTURE)
        figures.append(framed(name, drawn))
    show(row(*figures, pictures=True, widest=PICTURE), key="pointwise_mixes")


def _row() -> None:
    """Two layers in a row as matrices, and their product."""
    heading("Two 1×1 layers in a row")
    both, merged = two_pointwise(HIDDEN.value, RELU.value)
    _, x = astronaut()
    with device.one_thread(), torch.inference_mode():
        answer = both(x)
        off, largest = float((answer - merged(x)).abs().max()), float(answer.abs().max())
    first, second = (both[i].weight[:, :, 0, 0].numpy() for i in (0, -1))
    product = merged.weight[:, :, 0, 0].numpy()
    figures = (
        cells(second, "Second", "signed", most=4, decimals=1),
        cells(first, "First", "signed", most=4, decimals=1),
        cells(product, "Second · first", "signed", most=4, decimals=2),
    )
    shown = scientific(off, 1) if 0 < off < 1e-9 else f"{off:.2g}"
    items = [
        ("Weights of the two", f"{first.size + second.size}", f"{first.size} + {second.size}"),
        ("Weights of the one", f"{product.size}", "3 · 4"),
        ("Largest difference", shown, f"on the astronaut, where the two answer with up to ±{largest:.2g}"),
    ]
    show(row(*figures) + f'<div style="margin-top:.8rem">{numbers(items)}</div>', key="pointwise_row")
    if RELU.value:
        say(
            "With a ReLU between them two layers are no longer a matrix: the product of their weights is another "
            "layer. That is why an activation stands between two layers."
        )
    else:
        say(
            "At each pixel each layer is a matrix, and two in a row are the product: a single layer with other weights."
            + (" What passes fewer channels has no higher rank than these: a bottleneck." if HIDDEN.value < 3 else "")
        )


def _script() -> tuple[str, str]:
    spec = _spec()
    found = lab.of(Scene(spec)).measurement
    relu = "nn.ReLU(), " if RELU.value else ""
    code = f"""import torch
from torch import nn

with torch.device("meta"):
    layer = {spec.to_code()}
    y = layer(torch.zeros{spec.input_shape})
print(tuple(y.shape), layer.weight.numel(), "weights")
assert tuple(y.shape) == {tuple(found.output_shape)} and layer.weight.numel() == {found.parameters}

# Two in a row, and the one whose matrix is the product of theirs.
first, second, one = (nn.Conv2d(*c, 1, bias=False).double() for c in ((3, {HIDDEN.value}), ({HIDDEN.value}, 4), (3, 4)))
x = torch.randn(1, 3, 16, 16, dtype=torch.float64)
with torch.no_grad():
    one.weight.copy_((second.weight.flatten(1) @ first.weight.flatten(1))[:, :, None, None])
    difference = (nn.Sequential(first, {relu}second)(x) - one(x)).abs().max().item()
print("largest difference:", difference)
assert {"difference > 1e-3  # the ReLU is between them" if RELU.value else "difference < 1e-12"}
"""
    return "Runs as it is: the layer's shape and weights, and two 1×1 layers against their product.", code


if __name__ == "__main__":
    lesson()
