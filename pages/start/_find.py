"""4: what it is for: a kernel finds what it looks like."""

import numpy as np

from models import lab
from models.code import to_code
from models.script import in_groups
from pages.start import _layers as layers
from pages.start._numbers import BELOW, CORNER, NEEDS, READ, RIGHT, grey, place, scene, shapes, spelled
from viz import state
from viz.components.stage import veiled

QUESTION = "What is that good for?"
UPRIGHT, LEVEL, TEMPLATE = "Left to right", "Top to bottom", "A corner"
KERNELS = {UPRIGHT: RIGHT, LEVEL: BELOW, TEMPLATE: CORNER}

WHICH = state.Choice("find", UPRIGHT, "Kernel", None, tuple(KERNELS), "segmented_control", key="start_find")
GUESS = state.Setting("guess", None, read=place(12), spell=spelled, key="start_guess")
"""The pixel where the visitor thinks that the corner is."""
SETTINGS = (WHICH, GUESS)


def do() -> str:
    if WHICH.value == TEMPLATE:
        return (
            "This kernel looks like a corner: dark above and at the left, bright inside. **Where is its answer "
            "largest? Choose it in the picture.**"
        )
    return "**Choose another kernel** and compare the two maps; then look for the corner."


def controls() -> None:
    WHICH.draw(label_visibility="collapsed")


def measured() -> lab.Lab:
    corner = WHICH.value == TEMPLATE
    return lab.of(scene((shapes() if corner else grey())[None], KERNELS[WHICH.value]))


def peak() -> tuple[int, int]:
    """Row and column of the largest number in the corner's map."""
    y = measured().y[0]
    row, column = np.unravel_index(y.argmax(), y.shape)
    return int(row), int(column)


def place_of_guess() -> tuple[int, int]:
    """The place of the kernel whose middle is the pixel that was clicked; at the rim, the nearest."""
    top, left = (min(max(at - 1, 0), size - 1) for at, size in zip(GUESS.value, measured().y.shape[1:], strict=True))
    return top, left


def hit() -> bool:
    """Whether the click was on the corner, or next to it."""
    return all(abs(at - best) <= 1 for at, best in zip(place_of_guess(), peak(), strict=True))


def alike() -> int:
    """How many of the nine pixels there are as the kernel wants them: bright where its number is above 0."""
    top, left = place_of_guess()
    bright = shapes()[top : top + 3, left : left + 3] > shapes().mean()
    return int((bright == (CORNER > 0)).sum())


def draw() -> None:
    corner, found = WHICH.value == TEMPLATE, measured()
    waits = corner and GUESS.value is None
    data = layers.sentence(found, ("Picture", "Map"), image=True, still=corner)
    data["grids"][0]["range"] = [0, 9]
    if corner:
        row, column = (0, 0) if waits else peak()
        if not waits and not hit():
            top, left = place_of_guess()
            data["grids"][0] |= {
                "crossed": [GUESS.value[0] * len(shapes()) + GUESS.value[1]],
                "frame": [top, left, 3, 3],
            }
            data["grids"][2]["crossed"] = [top * found.y.shape[2] + left]
        data["selected"] = {"grid": "output", "channel": 0, "cell": row * found.y.shape[2] + column}
        # A second click shows the same place again.
        data["selected"] |= {"pinned": False, "of": GUESS.value}
        told = "[Click in the picture, or move with the arrow keys and press Enter|Tap in the picture]"
        data |= {"caption": told, "touched": True}
    else:
        data["caption"] = "Brown: more than 0. Violet: less. In between: 0"
    layers.show("find", veiled(data, waits), on_pin=take if corner else None)


def take() -> None:
    """The pixel that was clicked."""
    pin, side = state.heard("start_stage_find", "pin") or {}, len(shapes())
    if pin.get("grid") == "input" and isinstance(cell := pin.get("cell"), int) and 0 <= cell < side * side:
        GUESS.give(divmod(cell, side))


def seen() -> str:
    if WHICH.value != TEMPLATE:
        turns, lies = ("to the right", "upright") if WHICH.value == UPRIGHT else ("downwards", "level")
        return (
            f"Where nothing changes, the answer is 0. It is far from 0 where the picture gets brighter {turns} (brown) "
            f"or darker (violet): at an **edge**. This kernel finds {lies} edges and passes over the others."
        )
    if GUESS.value is None:
        return "The map is covered until you have clicked."
    y = measured().y[0]
    largest, there = f"**{y[peak()]:g}**", f"**{y[place_of_guess()]:g}**".replace("-", "−")
    if hit():
        begins = f"Yes, there it is: {largest}, the largest number of the map."
    else:
        begins = (
            f"At the cross the answer is {there}, and {alike()} of the nine pixels are as bright or dark as the kernel "
            f"wants. The largest, {largest}, is at the upper left corner of the rectangle, where all nine are."
        )
    return f"{begins} A kernel answers most where the picture looks like the kernel itself."


def code() -> tuple[str, str]:
    if WHICH.value == TEMPLATE:
        return "Runs as it is: this picture, this kernel, and every number of the map.", to_code(measured())
    y, kernel = measured().y[0], KERNELS[WHICH.value].tolist()
    script = (
        f"{in_groups((*NEEDS, 'import torch', 'from torch import nn'))}\n{READ}\n"
        "layer = nn.Conv2d(1, 1, 3, bias=False).double().requires_grad_(False)\n"
        f"layer.weight.copy_(torch.tensor([[{kernel}]]))\n"
        "found = layer(torch.from_numpy(grey)[None, None])[0, 0]\n\n"
        f"assert found.shape == {y.shape}\n"
        f"assert (found.min(), found.max()) == ({y.min():g}, {y.max():g})\n"
    )
    return "Runs in a copy of this project: reads the picture and asserts the ends of the map.", script
