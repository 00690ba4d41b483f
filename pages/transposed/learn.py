"""A transposed convolution learns to enlarge while you look."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
import streamlit as st
import torch

from models import device
from models.layers import KINDS
from models.learning import OPTIMIZERS, Step, best_weights, bilinear_task, patches, reset, train
from models.picture import resize
from models.transposed.code import learning_code
from models.upsampling import bilinear_in, evenness, exact_transposed, pair
from pages import _learning as learning
from pages._learning import Run, small
from pages._lesson import frame, offer
from pages._question import Asking
from pages.transposed._questions import LEARN
from viz import state
from viz.controls.picture import PICTURE, choose
from viz.figures import RUN, Series, chart, lines, show, to_come
from viz.figures.cells import cells, hidden, row
from viz.state import Choice, Whole, whole
from viz.words import remark

TASKS = ("Bilinear interpolation of noise", "The picture")
LARGEST = 192
"""The longer side of a picture that is learned from, in pixels."""
RATES = (0.1, 0.05, 0.02, 0.01, 0.001)
HELP = KINDS["transposed"].help
TASK = Choice("task", TASKS[0], "What to learn", None, TASKS)
SCALE = Choice("wl_scale", 2, "stride", HELP("stride"), (2, 3), "segmented_control", read=whole(2, 3))
KERNEL = Whole("wl_kernel", 4, "kernel_size", HELP("kernel_size"), 1, 9)
STEPS = Whole("wl_steps", 300, "Steps", None, 50, 1000, step=50)
SEED = Whole("wl_seed", 0, "Seed", None, 0, 999)
OPTIMIZER = Choice("wl_optimizer", OPTIMIZERS[0], "Optimiser", None, OPTIMIZERS)
RATE = Choice("wl_lr", 0.02, "Learning rate", None, RATES)
SETTINGS = (TASK, PICTURE, SCALE, KERNEL, STEPS, SEED, OPTIMIZER, RATE)
UNEVEN = "Unevenness of a flat image"
ASKING = Asking("transposed-learn", LEARN, SETTINGS)


@dataclass
class Enlarging(Run):
    """Its moments are ``Seen``; with the picture that is learned from, and the expression that makes it, if any."""

    pixels: np.ndarray | None = None
    origin: str = ""

    @property
    def uneven(self) -> list[float]:
        return [one.uneven for one in self.moments]


class Seen(NamedTuple):
    """A step, and what the layer makes of a flat image at it."""

    step: int
    loss: float
    kernel: np.ndarray
    flat: np.ndarray
    uneven: float


def draw(covered: bool) -> None:
    """Settings, the run, and what came of it."""
    chosen = {}

    def choices() -> None:
        chosen["task"] = TASK.draw()
        if chosen["task"] == TASKS[1]:
            chosen["picture"] = choose()
        scale = SCALE.draw()
        left, right = st.columns(2)
        with left:
            kernel, chosen["steps"], chosen["seed"] = KERNEL.draw(), STEPS.draw(), SEED.draw()
        with right:
            chosen["optimizer"], chosen["lr"] = OPTIMIZER.draw(), RATE.draw()
        chosen["scale"], chosen["kernel"] = scale, max(scale, kernel)
        if kernel < scale:
            remark(f"A kernel below the stride leaves holes: {kernel} is left out. Shown: {scale}.")

    with frame(choices, asking=ASKING):
        pressed = learning.buttons(covered)
        settings = tuple(chosen[name] for name in ("task", "scale", "kernel", "steps", "lr", "optimizer", "seed"))
        settings += (crc32(chosen["picture"].pixels),) if "picture" in chosen else ()
        if covered:
            kernel = _fresh(settings, chosen).before.kernel[0, 0]
            random = cells(kernel, "The kernel, random weights", "kernel", most=6, decimals=2)
            show(row(random, hidden("The kernel, trained"), hidden("Its loss, step by step")), key="wl_before")
            return
        learning.show(
            "wl_run",
            settings,
            pressed,
            lambda: _fresh(settings, chosen),
            lambda run: _trained(run, chosen),
            _picture,
            "the kernel, the pattern and the loss",
        )


def _fresh(settings: tuple, chosen: dict) -> Enlarging:
    run = Enlarging(settings, chosen["steps"])
    if "picture" in chosen:
        picture = chosen["picture"]
        run.pixels = resize(picture.pixels, LARGEST)
        run.origin = f"resize({picture.origin}, {LARGEST})" if picture.origin else ""
    layer = reset(exact_transposed(chosen["scale"], 1, chosen["kernel"]), chosen["seed"])
    run.before = _seen(Step(0, math.nan, layer.weight.detach().double().numpy().copy()), layer, chosen["scale"])
    return run


def script() -> str:
    """The run that is shown, or the layer before its first, as a script.

    Raises ``ValueError`` for a picture that cannot be learned from.
    """
    run: Enlarging = learning.kept("wl_run")
    task, scale, kernel, steps, lr, optimizer, seed = run.settings[:7]
    if task == TASKS[1]:
        pair(run.pixels, scale)
    return learning_code(
        scale,
        kernel,
        steps,
        lr,
        optimizer,
        seed,
        weight=run.now.kernel,
        uneven=run.now.uneven,
        losses=dict(zip(run.steps, run.losses, strict=True)),
        floor=run.floor,
        pixels=None if task == TASKS[0] else run.pixels,
        origin=run.origin,
    )


def _data(run: Enlarging, chosen: dict) -> tuple[torch.Tensor, torch.Tensor]:
    scale = chosen["scale"]
    if run.pixels is None:
        return bilinear_task(scale, seed=chosen["seed"])
    low, high = pair(run.pixels, scale)
    return patches(low, high, count=24, seed=chosen["seed"])


def _trained(run: Enlarging, chosen: dict) -> Iterator[Seen]:
    scale, kernel = chosen["scale"], chosen["kernel"]
    layer, other = (exact_transposed(scale, 1, kernel) for _ in range(2))
    inputs, targets = _data(run, chosen)
    run.floor = best_weights(other, inputs, targets, margin=scale)
    how = {name: chosen[name] for name in ("lr", "optimizer", "seed")}
    for step in train(layer, inputs, targets, steps=run.total, margin=scale, every=run.every, **how):
        yield _seen(step, layer, scale)


def _seen(step: Step, layer: torch.nn.Module, scale: int) -> Seen:
    """With the checkerboard: what the layer makes of a flat image."""
    one = torch.ones(1, 1, 8, 8, dtype=layer.weight.dtype)
    flat = device.answer(layer, one)[0, 0].double().numpy()[scale:-scale, scale:-scale]
    return Seen(*step, flat, evenness(layer, (1, 1, 12, 12)).output.flat_figure)


def _picture(run: Enlarging, step: str = "") -> None:
    """What was reached."""
    scale, kernel, now = run.settings[1], run.settings[2], run.now
    tent, fits = bilinear_in(scale, kernel)
    held = "" if fits and tent.all() else ", zeros around" if fits else ", what fits of it"
    top = max(float(np.abs(now.kernel).max()), float(tent.max()))
    parts = [
        cells(now.kernel[0, 0], f"The kernel, {kernel}×{kernel}", "kernel", high=top, decimals=2),
        cells(tent, f"The bilinear kernel{held}", "kernel", high=top, decimals=2),
    ]
    # Around the mean, so that what is left to see is the pattern.
    mean = float(now.flat.mean())
    parts.append(
        cells(
            now.flat[: 2 * scale, :6],
            f"A flat image of ones: unevenness {now.uneven:.3f}",
            "count",
            low=mean - 0.5,
            high=mean + 0.5,
            decimals=2,
        )
    )
    away = float(np.abs(now.kernel[0, 0] - tent).max())
    html = f"{row(*parts)}<p>Largest difference from the bilinear kernel: <b>{small(away)}</b>.</p>"
    show(html, key=f"wl_picture{step}")
    left, right = st.columns(2)
    with left:
        run.draw_loss("wl_loss", step)
    with right:
        if not run.moments:
            to_come(UNEVEN, run.total, key="wl_uneven")
            return
        chart(
            lines([Series("unevenness", run.steps, run.uneven)], **RUN, y=UNEVEN),
            key=f"wl_uneven{step}",
            alt=f"Unevenness over {now.step} steps, from {run.uneven[0]:.3f} to {now.uneven:.3f}",
            numbers=not step,
        )


if __name__ == "__main__":
    state.take(*SETTINGS, ASKING)
    covered = ASKING.waits()
    draw(covered)
    offer(
        lambda: (
            "Runs in a copy of this project: trains this layer as far as it is shown; asserts loss curve, kernel and "
            "unevenness.",
            script(),
        ),
        covered=covered,
    )
