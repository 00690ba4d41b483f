"""A convolution finds a filter again from pictures before and after it, while you look."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from torch import nn

from models import device
from models.layers import KINDS
from models.learning import OPTIMIZERS, Step, best_weights, reset, train
from models.maps import filters
from models.maps.code import learning_code
from models.script import in_groups
from pages import _learning as learning
from pages._learning import Run, small
from pages._lesson import frame
from pages._question import Asking
from pages.feature_maps._kernels import KERNEL, OWN, TITLES, read_kernel
from pages.feature_maps._picture import Picture, with_picture
from pages.feature_maps._questions import LEARN
from viz import state
from viz.figures import show
from viz.figures.cells import cells, framed, hidden, image, row, signed
from viz.state import Choice, Number, Whole
from viz.words import remark

TARGETS = (
    "Sobel", "Gaussian blur", "Laplacian", "Sharpen", "Emboss", "Box blur", "Motion blur", "Gabor", OWN,
)  # fmt: skip
SIDES = (3, 5, 7)
RATES = (0.3, 0.1, 0.03, 0.01, 0.003)
PAIRS = ("The picture", "Noise")
MOST_STEPS = 3000
TARGET = Choice("fm_target", TARGETS[0], "Target", "Own kernel: the one of the filter bank.", TARGETS)
SOURCE = Choice(
    "fm_pairs", PAIRS[0], "Learn from",
    "Pieces of it, before and after the target. Both are first given mean 0 and standard deviation 1.",
    PAIRS, "segmented_control",
)  # fmt: skip
TAPS = Choice("fm_taps", 3, "kernel_size", KINDS["conv"].help("kernel_size"), SIDES, "segmented_control")
RATE = Choice("fm_lr", 0.1, "Learning rate", None, RATES)
NOISE = Number(
    "fm_noise", 0.0, "Noise on targets", "Standard deviation of what is added to the targets, as a share of theirs.",
    step=0.05,
)  # fmt: skip
STEPS = Whole("fm_steps", 1000, "Steps", None, 50, MOST_STEPS, step=50)
OPTIMIZER = Choice("fm_optimizer", OPTIMIZERS[0], "Optimiser", None, OPTIMIZERS)
SEED = Whole("fm_run", 0, "Seed", "Of first weights and noise.", 0, 999)
SETTINGS = (TARGET, SOURCE, TAPS, RATE, NOISE, STEPS, OPTIMIZER, SEED)
NOISE_SIDE = 128
WIDTH = 136
"""Of a control, in pixels: two stand side by side in the usual column."""
SHOWN = 96
"""Side of the piece of the picture that is drawn while it learns."""


@dataclass
class Finding(Run):
    """With the kernel that is to be found."""

    target: np.ndarray | None = None


def lesson(picture: Picture, asking: Asking) -> None:
    """Settings, the run, and what came of it."""
    covered = asking.waits()
    with frame(_controls, draw_lead=TARGET.draw, asking=asking):
        if covered:
            learning.buttons(waits=True)
            _before(picture)
        else:
            _run(picture)


def _before(picture: Picture) -> None:
    """A picture, and a kernel that has learned nothing yet."""
    kernel = _fresh(_settings(picture)).before.kernel[0, 0]
    figures = (
        framed("A piece of the picture", image(_piece(picture), f"The middle of {picture.name}", 250)),
        cells(kernel.round(2), "Random weights", "signed", most=6),
        hidden("The kernel that is to be found"),
    )
    show(row(*figures), key="fm_before")


def _controls() -> None:
    # On a projector the type grows, and a number field of so many pixels would lose its − and +.
    width = "stretch" if state.recall("presenting") else WIDTH
    SOURCE.draw()
    # Two beside each other where there is room for two: a zoomed page has not.
    with _pair():
        TAPS.draw(width="content")
        STEPS.draw(width=width)
    with _pair():
        RATE.draw(width=width)
        OPTIMIZER.draw(width=width)
    with _pair():
        NOISE.draw(width=width)
        SEED.draw(width=width)


def _pair():
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small")


def _target() -> np.ndarray:
    name = TARGET.value
    if name == OWN:
        return filters.as_kernel(read_kernel(KERNEL.value))
    return filters.kernel(TITLES[name], 5 if name == "Gabor" else 3)


def _settings(picture: Picture) -> tuple:
    return (picture.key, KERNEL.value, *(one.value for one in SETTINGS))


def _run(picture: Picture) -> None:
    settings = _settings(picture)
    run = learning.show(
        "fm_finding",
        settings,
        learning.buttons(),
        lambda: _fresh(settings),
        lambda run: _trained(run, picture),
        lambda run, step="": _picture(run, picture, step),
        "the kernel, its map and the loss",
    )
    if run.moments and run.now.loss > run.losses[0]:
        remark("The loss has grown: each update overshoots. Choose a smaller learning rate.")


def _made(size: int):
    return nn.Conv2d(1, 1, size, padding=size // 2, bias=False)


def _fresh(settings: tuple) -> Finding:
    run = Finding(settings, STEPS.value, target=_target())
    layer = reset(_made(TAPS.value), SEED.value)
    run.before = Step(0, math.nan, layer.weight.detach().double().numpy().copy())
    return run


def _trained(run: Finding, picture: Picture) -> Iterator[Step]:
    size, seed = TAPS.value, SEED.value
    margin = max(size // 2, run.target.shape[0] // 2)
    inputs, targets = filters.task(_examples(picture), run.target, noise=NOISE.value, seed=seed)
    run.floor = best_weights(_made(size), inputs, targets, margin=margin)
    yield from train(
        _made(size), inputs, targets, steps=run.total, lr=RATE.value, optimizer=OPTIMIZER.value, seed=seed,
        margin=margin, every=run.every,
    )  # fmt: skip


def _examples(picture: Picture) -> np.ndarray:
    """``(H, W)``, mean 0 and standard deviation 1."""
    if SOURCE.value == PAIRS[1]:
        return np.random.default_rng(SEED.value).normal(size=(NOISE_SIDE, NOISE_SIDE))
    values = picture.grey.astype(float)
    return (values - values.mean()) / (values.std() or 1.0)


def _piece(picture: Picture) -> np.ndarray:
    grey = picture.grey
    top, left = (max(0, (n - SHOWN) // 2) for n in grey.shape)
    return grey[top : top + SHOWN, left : left + SHOWN]


def _picture(run: Finding, picture: Picture, step: str = "") -> None:
    """What was reached."""
    piece, learned = _piece(picture), run.now.kernel[0, 0]
    with device.one_thread():
        # float64, as the weights: those of a run that diverges soon leave float32.
        wanted, now = (filters.apply(piece, kernel, "reflect", torch.float64) for kernel in (run.target, learned))
    top = float(np.abs(wanted).max()) or 1.0
    flat = filters.facts(run.target).total > 0.5

    def drawn(values: np.ndarray, said: str) -> str:
        if flat:
            return image(values, said, 160)
        return signed(values / top, said, 160)

    # One scale for both kernels, so that equal weights have equal colours.
    most = max(float(np.abs(run.target).max()), 1e-9)
    off = float(np.abs(now - wanted).mean())
    sizes = f"{len(learned)}×{len(learned)}"
    kernels = (
        # Two decimals can be read.
        cells(learned.round(2), f"Learned kernel, {sizes}", "signed", high=most),
        cells(run.target.round(2), f"Target kernel, {len(run.target)}×{run.target.shape[1]}", "signed", high=most),
    )
    below = f"off by {small(off)} on average"
    pictures = (
        framed("Picture", image(piece, f"The middle of {picture.name}", 160), f"{piece.shape[0]} × {piece.shape[1]}"),
        framed("Learned filter's map", drawn(now, "What the learned kernel makes of it"), below),
        framed("Target's map", drawn(wanted, "What the target makes of it")),
    )
    # Small kernels leave room for the pictures beside them.
    room = max(len(learned), len(run.target)) <= 3
    html = row(*kernels, *pictures) if room else f'<div class="cs-above">{row(*kernels)}</div>{row(*pictures)}'
    show(html, key=f"fm_learn{step}")
    run.draw_loss("fm_loss", step)


def script(picture: Picture) -> tuple[str, str]:
    """The same learning, number for number."""
    run, seed = learning.kept("fm_finding"), SEED.value
    same = run is not None and run.settings == _settings(picture)
    torch_lines = ("import numpy as np", "import torch", "from torch import nn")
    if SOURCE.value == PAIRS[1]:
        whence, same_picture = "noise", True
        opening = (
            in_groups(torch_lines) + f"\nvalues = np.random.default_rng({seed}).normal(size=({NOISE_SIDE},) * 2)\n"
        )
    else:
        same_picture = picture.in_link
        whence = f"{picture.told}, in a copy of this project"
        opening = picture.grey_code(*torch_lines) + "values = (grey - grey.mean()) / (grey.std() or 1.0)\n"
    same = same and same_picture
    kernel = run.now.kernel[0, 0] if same else None
    reached = (run.now.step, run.now.loss, kernel) if same and run.moments else None
    code = learning_code(
        opening, _target(), TAPS.value, steps=STEPS.value, lr=RATE.value, optimizer=OPTIMIZER.value,
        noise=NOISE.value, seed=seed, first=None if reached else kernel, reached=reached,
    )  # fmt: skip
    told = f"Runs as it is: the same learning in plain PyTorch, from {whence}; "
    told += (
        "asserts the kernel and the loss on the screen." if reached
        else "asserts the first weights on the screen, and prints what is learned." if same
        else "prints what is learned."
    )  # fmt: skip
    return told, code


if __name__ == "__main__":
    with_picture((KERNEL, *SETTINGS), lesson, script, Asking("feature-maps-learn", LEARN))
