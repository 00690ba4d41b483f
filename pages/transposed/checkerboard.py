"""Why some pixels get more than others, and what helps."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import streamlit as st
import torch
from torch import nn

from models import device
from models.layers import KINDS
from models.learning import LearningError, train
from models.operator import TRANSPOSED
from models.text import big, sentence
from models.transposed.code import checkerboard_code
from models.upsampling import (
    DOWNSAMPLERS,
    UPSAMPLERS,
    Overlap,
    UpsamplingError,
    build_way,
    evenness,
    generate,
    generator,
    gradient_of_sum,
    picture_code,
    stacked,
)
from pages._lesson import frame, offer
from pages._question import Asking
from pages.transposed._questions import CHECKERBOARD
from viz import state
from viz.controls.picture import PICTURES
from viz.figures import bars, chart, show, surface, table
from viz.figures.cards import mathml
from viz.figures.cells import cells, framed, hidden, image, row
from viz.state import Choice, Flag, Fold, Whole, whole
from viz.words import defined_in, say

DRAWN = "cat.png"
"""The picture that the generators learn to draw."""

STAGES, CHANNELS, SIZE, STEPS, STEP_SIZE = 2, 8, 96, 100, 0.01
"""The generator: two layers that double, eight channels, a picture of 96×96, and how it is trained."""


HELP = KINDS["transposed"].help
DIMS = Choice("cb_dims", 2, "Dimensions", None, (1, 2), "segmented_control", read=whole(1, 2))
KERNEL = Whole("cb_kernel", 3, "kernel_size", HELP("kernel_size"), 1, 12, slider=True)
STRIDE = Whole("cb_stride", 2, "stride", HELP("stride"), 1, 6, slider=True)
DILATION = Whole("cb_dilation", 1, "dilation", HELP("dilation"), 1, 4, slider=True)
INPUT = Whole("cb_size", 6, "input_size", HELP("input_size"), 1, 16, slider=True)
LAYERS = Whole("cb_layers", 1, "Layers in a row", "The same layer, stacked on itself.", 1, 3, slider=True)
UNEVEN = Flag("cb_uneven", False, "Another height")
KERNEL_H = Whole("cb_kernel_h", 3, "kernel_size, height", None, 1, 12)
STRIDE_H = Whole("cb_stride_h", 2, "stride, height", None, 1, 6)
SEED = Whole("cb_seed", 0, "Seed of the weights", None, 0, 999)
VIEW = Choice("cb_view", "Picture", "Latent", None, ("Picture", "Flat"), "segmented_control")
GENERATORS = Fold("cb_generated", False, "**Does training even it out?** Five generators, before and after")
BACKWARDS = Fold("cb_backwards", False, "**And backwards?** What a strided convolution does to gradients")
SETTINGS = (DIMS, KERNEL, STRIDE, DILATION, INPUT, LAYERS, UNEVEN, KERNEL_H, STRIDE_H, SEED, VIEW)
ASKING = Asking("transposed-checkerboard", CHECKERBOARD, SETTINGS)


def draw(covered: bool) -> None:
    """Counts, then a generator, then the cures."""

    def choices() -> None:
        for each in (DIMS, KERNEL, STRIDE, DILATION, INPUT, LAYERS):
            each.draw()
        if DIMS.value == 2 and UNEVEN.draw():
            left, right = st.columns(2)
            with left:
                KERNEL_H.draw()
            with right:
                STRIDE_H.draw()

    with frame(choices, asking=ASKING):
        try:
            chosen, levels = overlaps()
        except UpsamplingError as error:
            st.info(sentence(error))
            return
        if covered:
            _first_stamp(chosen, levels[0].counts.shape)
            return
        _counts(levels)
    train_them = GENERATORS.draw(_generators)
    BACKWARDS.draw(_backwards)
    if train_them:
        # Seconds of work: everything else is on screen by now.
        train_them()


def overlaps() -> tuple[tuple, list[Overlap]]:
    """The chosen (size, kernel, stride, dilation, layers) and what each layer counts. Raises ``UpsamplingError``."""
    dims, uneven = DIMS.value, DIMS.value == 2 and UNEVEN.value
    kernel = (KERNEL_H.value if uneven else KERNEL.value, KERNEL.value)[-dims:]
    stride = (STRIDE_H.value if uneven else STRIDE.value, STRIDE.value)[-dims:]
    size, dilation, layers = INPUT.value, DILATION.value, LAYERS.value
    return (size, kernel, stride, dilation, layers), _levels(dims, size, kernel, stride, dilation, layers)


@st.cache_data(max_entries=16, show_spinner="Counting stamps …")
def _levels(dims: int, size: int, kernel, stride, dilation: int, layers: int) -> list[Overlap]:
    with torch.device("meta"):
        layer = TRANSPOSED[dims - 1](1, 1, kernel, stride, dilation=dilation, bias=False)
    return stacked([layer] * layers, (1, 1) + (size,) * dims)


def script() -> str:
    """Everything that the page shows, as a script. Raises ``ValueError`` where nothing is shown."""
    (size, kernel, stride, dilation, layers), levels = overlaps()
    seed = SEED.value
    generators = {
        way.title: tuple(_drawn(name, seed, trained)[2] for trained in (False, True))
        for name, way in UPSAMPLERS.items()
    }
    axes = [_wide_axis(size, f, s, dilation, layers) for f, s in zip(kernel, stride, strict=True)]
    how = {"side": SIZE, "stages": STAGES, "channels": CHANNELS, "steps": STEPS, "lr": STEP_SIZE, "seed": seed}
    drawn = f"assets/pictures/{DRAWN}"
    return checkerboard_code(size, kernel, stride, dilation, levels, axes, _sides(seed), generators, drawn, **how)


def _wide_axis(size: int, kernel: int, stride: int, dilation: int, layers: int) -> tuple:
    """Kernel, stride, the smallest doubled input size that leaves an interior after each layer, and those interiors."""
    while any(one.interior is None for one in _levels(1, size, (kernel,), (stride,), dilation, layers)):
        size *= 2
    found = _levels(1, size, (kernel,), (stride,), dilation, layers)
    return kernel, stride, size, [(one.interior[0].start, one.interior[0].stop) for one in found]


def _first_stamp(chosen: tuple, shape: tuple[int, ...]) -> None:
    """Where the first input stamps, and where the second begins."""
    size, kernel, stride, dilation, _ = chosen
    stamp = np.zeros(shape)
    stamp[tuple(slice(0, dilation * (taps - 1) + 1, dilation) for taps in kernel)] = 1
    inputs = np.zeros((size,) * len(shape))
    inputs.flat[0] = 1
    figures = (
        cells(inputs, "Input: the first cell", "input", most=6),
        cells(stamp[..., :7][:7], f"Its stamp; the next begins {stride[-1]} further on", "output", most=6),
        hidden("Stamps that meet in each output"),
    )
    show(row(*figures), key="cb_before")


def _counts(levels: list[Overlap]) -> None:
    last = levels[-1]
    parts = []
    for n, level in enumerate(levels, 1):
        name = f"Stamps that meet, after layer {n}" if len(levels) > 1 else "Stamps that meet in each output"
        parts.append(
            cells(level.counts[:128, :128] if level.counts.ndim == 2 else level.counts[None, :128], name, "count")
        )
    formula = ""
    if last.formula is not None:
        agrees = abs(last.figure - last.formula.value) < 1e-9
        formula = f"<p>{mathml(last.formula.filled)} {'✓' if agrees else '≠'} measured {last.figure:.3f}</p>"
    verdict = "Even: every cell in the interior gets as many." if last.even else "Uneven: a pattern stays."
    figures = ", ".join(f"{level.figure:.3f}" for level in levels)
    told = (
        f'<p class="cs-agree"><b>Unevenness {figures}</b>. {verdict} Counts in the interior: '
        f"{', '.join(map(big, last.levels))}.</p>"
    )
    show(defined_in(told) + formula, key="cb_verdict")
    if last.counts.ndim == 1:
        show(row(*parts), key="cb_counts")
    else:
        left, right = st.columns(2, vertical_alignment="center")
        with left:
            show(row(*parts), key="cb_counts")
        with right:
            inside = last.counts[last.interior] if last.interior else last.counts
            figure = surface(last.counts, x="Column", y="Row", z="Stamps", mean=inside.mean())
            chart(figure, key="cb_surface", alt=_told(last), numbers=False)
    axes = ["column"] if last.counts.ndim == 1 else ["row", "column"]
    profiles = list(zip(axes, last.profiles, last.predicted, strict=True))
    if len(profiles) == 2 and np.array_equal(last.profiles[0], last.profiles[1]):
        profiles = profiles[1:]
    for column, (axis, found, wanted) in zip(st.columns(len(profiles)), profiles, strict=True):
        with column:
            places = range(len(found))
            chart(
                bars(places, found, wanted, x=f"Output {axis}", y="Stamps along this axis", height=260),
                key=f"cb_profile_{axis}",
                alt=f"Stamps that meet in each {axis}: {', '.join(map(big, found[:48].astype(int)))}; the closed form "
                f"{'says the same' if np.array_equal(found, wanted) else 'differs'}",
            )


def _told(last: Overlap) -> str:
    counts = last.counts
    low, top = (big(int(v)) for v in (counts.min(), counts.max()))
    return f"Stamps that meet as a surface over {counts.shape[0]} by {counts.shape[1]} outputs, from {low} to {top}"


# -- generators --------------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=4, show_spinner=False)
def _target() -> np.ndarray:
    """The picture that the generators learn to draw: (SIZE, SIZE), 0 to 1."""
    grey = cv2.imread(str(PICTURES / DRAWN), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA) / 255


@st.cache_data(max_entries=512, show_spinner=False)
def _drawn(name: str, seed: int, trained: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Picture and flat answer (uint8) of one generator, and its unevenness."""
    factor = 2**STAGES
    with device.one_thread():
        network = generator(name, STAGES, 2, CHANNELS, seed).double()
        code, picture = picture_code(_target(), CHANNELS, factor, seed)
        if trained:
            for _ in train(network, code, picture, steps=STEPS, lr=STEP_SIZE, seed=seed, fresh=False, every=STEPS):
                pass
        made = generate(network, CHANNELS, factor, seed=seed)
        drawn = device.answer(network, code)[0, 0].numpy()
    return _grey(drawn), _pattern(made.flat), made.figure


def _grey(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    if high - low < 1e-9:
        return np.full(values.shape, 128, np.uint8)
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)


def _pattern(flat: np.ndarray) -> np.ndarray:
    """A flat answer around its mean, as strong as its unevenness: what is nearly even looks so."""
    size = float(np.sqrt(np.mean(flat**2))) or 1.0
    return np.rint(128 + 84 * (flat - flat.mean()) / size).clip(0, 255).astype(np.uint8)


def _generators() -> Callable[[], None]:
    """Random weights at once; returns what trains them and draws the result below."""
    say(
        f"Five small generators, each {STAGES} layers that double, from a latent of {CHANNELS} numbers for each 4×4 "
        f"patch to a picture of {SIZE}×{SIZE}. They differ in one thing: how they enlarge. When the latent is the same "
        "everywhere, all that varies is pattern."
    )
    left, right = st.columns([1, 1], vertical_alignment="bottom")
    with left:
        seed = SEED.draw()
    with right:
        view = VIEW.draw()
    names = list(UPSAMPLERS)
    figures = {(name, False): _drawn(name, seed, False) for name in names}
    _row(names, figures, False, view)
    place, progress = st.empty(), st.empty()

    def train_them() -> None:
        for i, name in enumerate(names):
            progress.progress(i / len(names), f"Training: {UPSAMPLERS[name].title}, {i + 1} of {len(names)}")
            try:
                figures[name, True] = _drawn(name, seed, True)
            except LearningError as error:
                progress.info(f"{UPSAMPLERS[name].title}: {error}")
                return
        with place.container():
            _row(names, figures, True, view)
        progress.empty()

    return train_them


def _row(names: list[str], figures: dict, trained: bool, view: str) -> None:
    shown = []
    for name in names:
        picture, flat, figure = figures[name, trained]
        said = f"{UPSAMPLERS[name].title}, {'trained' if trained else 'random'} weights, {view.lower()} latent"
        pixels = picture if view == "Picture" else flat
        shown.append(framed(UPSAMPLERS[name].title, image(pixels, said, 200), f"unevenness {figure:.3f}"))
    title = f"Trained for {STEPS} steps to draw the picture" if trained else "Random weights"
    show(f"<h2>{title}</h2>{row(*shown, pictures=True)}", key=f"cb_generators_{'trained' if trained else 'random'}")


@st.cache_data(max_entries=512, show_spinner=False)
def _sides(seed: int) -> list[tuple]:
    rows = []
    with device.one_thread():
        for name, way in UPSAMPLERS.items():
            side = evenness(build_way(name, 2, 1, seed), (1, 1, 12, 12)).output
            rows.append((way.title, "output", side.count_figure, side.flat_figure, side.noise_figure))
        for way in DOWNSAMPLERS.values():
            side = evenness(way.build(2, 1, seed), (1, 1, 24, 24)).gradient
            rows.append((way.title, "gradient", side.count_figure, side.flat_figure, side.noise_figure))
    return rows


def _backwards() -> None:
    rows = _sides(SEED.value)
    head = ("Layer, scale 2", "Where", "Overlap count", "A flat signal", "White noise")
    text = [(title, where, *(f"{figure:.3f}" for figure in figures)) for title, where, *figures in rows]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        table(head, text, key="cb_table", label="Unevenness of ways to enlarge and to shrink")
        say(
            "The backward pass of a strided convolution **is** a transposed convolution: some input pixels learn from "
            "four outputs, some from one. Unevenness is the part of a signal's size that repeats with the stride: 0 is "
            "even, 1 is nothing but pattern. Equal counts are only a chance to be even: what the weights make of a "
            "flat signal is up to training, except where the structure forces it (resize, then convolve) or the start "
            "does (ICNR)."
        )
    strided = nn.Conv2d(1, 1, 3, 2, bias=False).requires_grad_(False)
    nn.init.ones_(strided.weight)
    arrived = gradient_of_sum(strided, (1, 1, 13, 13))[0, 0]
    drawn = cells(arrived, "Gradient of a 3×3 convolution with stride 2, all weights 1", "count")
    with right:
        show(row(drawn), key="cb_gradient")


if __name__ == "__main__":
    state.take(*SETTINGS, GENERATORS, BACKWARDS, ASKING)
    covered = ASKING.waits()
    draw(covered)
    offer(
        lambda: (
            "Runs in a copy of this project: counts the stamps, measures every cure both ways, trains the five "
            "generators, and asserts each number on the screen. Training takes some seconds.",
            script(),
        ),
        covered=covered,
    )
