"""2: a kernel asks one question of nine pixels."""

import numpy as np
import streamlit as st

from models import lab
from models.code import to_code
from models.errors import TableError
from models.share import Scene
from models.sources import read_numbers, write_numbers
from models.text import plural
from pages.start import _layers as layers
from pages.start._numbers import RIGHT, grey, scene
from viz import state

QUESTION = "How can numbers answer a question?"
DO = (
    "Here are nine pixels: dark hair, bright wall. The **kernel** is a small table, too. Each pixel is multiplied by "
    "the kernel's number at its place, and the nine products are added.\n\n"
    "**Change a number of the kernel:** double-click or touch it twice, type, press Enter."
)
PART = (slice(12, 15), slice(28, 31))
LARGEST = 99

KERNEL = state.Setting(
    "kernel", write_numbers(RIGHT), read=lambda text: write_numbers(numbers(text)), key="start_kernel"
)
SETTINGS = (KERNEL,)


def numbers(text: str) -> np.ndarray:
    """The kernel as the link spells it, ``-1_0_1_…``. Raises ``ValueError``."""
    try:
        values = read_numbers(text, RIGHT.shape)
    except TableError as error:
        raise ValueError(f"{error.message} Shown: the first kernel.") from None
    if np.abs(values).max() > LARGEST:
        raise ValueError(f"The link's kernel holds a number beyond ±{LARGEST}: it is left out.")
    return values


def layer() -> Scene:
    return scene(grey()[PART][None], numbers(KERNEL.value))


def measured() -> lab.Lab:
    return lab.of(layer())


def draw() -> None:
    data = layers.sentence(
        measured(), ("Nine pixels", "Answer"), editable=True, caption="Type into the kernel: only the sum changes"
    )
    data |= {"still": True, "compact": 44}
    data["grids"][0] |= {"image": True, "range": [0, 9]}
    layers.show("sum", data, on_edit=take)


def take() -> None:
    """A number that was typed into the kernel."""
    edit = state.heard("start_stage_sum", "edit") or {}
    cell, value = edit.get("cell"), edit.get("value")
    if edit.get("grid") != "weight" or cell not in range(RIGHT.size) or not isinstance(value, int | float):
        return
    kernel = numbers(KERNEL.value).reshape(-1)
    kernel[cell] = min(max(value, -LARGEST), LARGEST)
    KERNEL.give(write_numbers(kernel))


def changed() -> bool:
    """Whether the kernel is another than the first one."""
    return KERNEL.value != KERNEL.usual


def after() -> None:
    again = {"on_click": KERNEL.give, "args": (KERNEL.usual,), "disabled": not changed()}
    st.button("The first kernel again", key="start_again", **again)


def seen() -> str:
    found = measured()
    answer, kernel = f"{found.y.item():g}".replace("-", "−"), numbers(KERNEL.value)
    if (kernel == RIGHT).all():
        return (
            f"Nine products, one sum: **{answer}**. The kernel's −1 takes the left away, its 1 adds the right: *how "
            "much brighter is it at the right?* Equal sides would give 0."
        )
    return (
        f"Nine products, one sum: now **{answer}**, from {plural(np.count_nonzero(kernel), 'pixel')} that the kernel "
        "looks at. Other numbers, other question; the pixels stayed the same."
    )


def code() -> tuple[str, str]:
    return "Runs as it is: nine pixels, this kernel, and the answer on the screen.", to_code(measured())
