"""The matrix, both ways round; its blocks; and why Cᵀ is no inverse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
import torch

from models import lab
from models.lab import make_input
from models.share import Scene
from models.spec import LayerSpec
from models.text import big, quoted, sentence
from models.transposed import TransposedError, round_trip, toeplitz_blocks, weights_of_inverse
from models.transposed.density import density
from pages._question import Asking
from pages.transposed._questions import MATRIX
from pages.transposed._shared import AGAINST, EDITOR, compared, lesson, measured, offer_layer
from viz import state
from viz.components.stage import stage, veiled
from viz.figures import show
from viz.figures.cells import cells, framed, row, text_of
from viz.figures.upsampling import blocks
from viz.scenes.four_views import MOST_FLAT, matrices
from viz.state import Choice, Flag, Fold, Whole
from viz.words import defined_in, remark, say

MOST_DRAWN = 512
"""Rows or columns of a pseudo-inverse that is drawn."""

ENTRIES = Choice("entries", "Numbers", "Entries", None, ("Numbers", "Structure"), "segmented_control")
COLOUR = Choice("colour", "Tap", "Colour", None, ("Tap", "Weight"), "segmented_control")
FLAT = Flag(
    "flat",
    True,
    "Flat vectors",
    f"Input and output as one column, in the order of the matrix; for one channel and up to {MOST_FLAT} numbers.",
)

BACK = Fold("ct_back", False, "**Is C the way back?** There and back again, and the best guess")
BLOCKS = Fold("ct_blocks", False, "**What repeats in it?** Blocks, one for each row of the kernel")

ASKING = Asking("transposed-matrix", MATRIX, (EDITOR,))


def places(spec: LayerSpec) -> dict[str, Whole]:
    """Channel and slice of the large and the small image of the round trip: how many there are, the layer says."""
    shapes = {"image": (spec.out_channels, *spec.output_size), "small": (spec.in_channels, *spec.input_size)}
    made = {}
    for name, shape in shapes.items():
        image = "image" if name == "image" else "small image"
        for key, word, count in (
            ("c", "channel", shape[0]),
            ("d", "depth", shape[1] if spec.dims == 3 else 0),
        ):
            made[f"{name}_{key}"] = Whole(
                f"trip_{name}_{key}",
                count // 2 if key == "d" else 0,
                f"There and back, {image}: {word}",
                None,
                0,
                max(count - 1, 0),
                slider=True,
                read=_place(count, word),
            )
    return made


def _place(count: int, word: str) -> Callable[[str], int]:
    def read_place(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < count):
            has = f"{word}s 0 to {count - 1}" if count > 1 else f"one {word}, 0" if count else f"no {word}s"
            raise ValueError(f"this image has {has}; {quoted(text)} is left out.")
        return int(text)

    return read_place


def draw(scene: Scene, covered: bool) -> None:
    """C and Cᵀ side by side, blocks, round trip."""

    def choices() -> None:
        ENTRIES.draw()
        COLOUR.draw()
        FLAT.draw()

    def pictured(found: lab.Lab) -> dict:
        return matrices(
            found,
            numbers=ENTRIES.value == "Numbers",
            flat=FLAT.value and found.y.size <= MOST_FLAT,
            colour="tap" if COLOUR.value == "Tap" else "value",
        )

    def draw_one(found: lab.Lab, side: str) -> None:
        stage({"panels": pictured(found)["panels"][:1]}, key=f"ct_{side}")

    if compared(scene, ASKING, covered, draw_one, choices):
        return
    with lesson(scene, ASKING, choices):
        found = measured(scene)
        if found:
            data = pictured(found)
            if covered:
                # What C makes of the output says whether it is an inverse.
                data["panels"] = [veiled(data["panels"][0]) | {"height": 300}]
            stage(data, key="ct_stage")
            if covered:
                return
            rows, cols = found.operator.shape
            entries = found.operator.nnz
            weights = found.measurement.parameters - (found.spec.out_channels if found.spec.bias else 0)
            remark(
                f"The matrix Cᵀ is {big(rows)}×{big(cols)} with {big(entries)} "
                f"{'entry' if entries == 1 else 'entries'} and "
                f"{'one weight' if weights == 1 else f'{big(weights)} different weights'}. "
                "Play multiplies it out, row by row."
            )
        else:
            _structure(scene.spec)
    if found is None:
        return
    BACK.draw(lambda: _round_trip(found))
    BLOCKS.draw(lambda: _blocks(found))


def _blocks(found) -> None:
    try:
        made = toeplitz_blocks(found.module, found.spec.input_shape)
    except TransposedError as error:
        st.info(sentence(error))
        return
    said = (
        "The matrix Cᵀ again, cut where a new row of the output and a new row of the input begin. Each block is a 1-D "
        "transposed convolution with one row of the kernel: one weight along each diagonal, a Toeplitz matrix. The "
        "blocks in turn repeat along diagonals: doubly block Toeplitz. Hover a block: its likes stay, and the line "
        "below says which rows it joins."
        if found.spec.dims > 1
        else "In one dimension a pair of channels is one block: one weight along each diagonal, a Toeplitz matrix."
    )
    left, right = st.columns([2, 3], gap="medium")
    with left:
        say(said)
    with right:
        show(blocks(made, found.module.weight.numpy()), key="ct_toeplitz")


def _structure(spec: LayerSpec) -> None:
    """Where the entries lie, as a picture of fixed size, for a matrix that is too large to be measured."""
    try:
        found = density(spec)
    except ValueError as error:
        st.info(sentence(error))
        return
    rows, cols = found.shape
    down, across = found.counts.shape
    share = found.counts / (np.bincount(np.arange(rows) * down // rows)[:, None])
    share /= np.bincount(np.arange(cols) * across // cols)
    title = f"Matrix Cᵀ, {big(rows)}×{big(cols)}: structure only"
    show(row(framed(title, cells(share, "Share of each spot that is not zero", "count"))), key="ct_density")
    remark(
        f"{big(found.entries)} of {big(rows * cols)} entries are not zero, counted in {down}×{across} spots from the "
        f"settings alone. The whole matrix has {big(found.blocks)} such "
        + ("block." if found.blocks == 1 else "blocks, one for each pair of channels that meets.")
    )


def _round_trip(found) -> None:
    spec: LayerSpec = found.spec
    shaped = LayerSpec("conv", spec.dims, spec.output_size, spec.out_channels, 1, kernel_size=1)
    image = make_input(shaped, "example")
    try:
        trip = round_trip(found.module, torch.from_numpy(image))
    except TransposedError as error:
        st.info(sentence(error))
        return
    picked = _slices(trip, spec)
    figures = (
        ("An image", trip.image, "input", picked["image"]),
        ("C image: small", trip.small, "output", picked["small"]),
        ("Cᵀ C image: the shape", trip.back, "input", picked["image"]),
        ("C⁺ C image: the best guess", trip.best, "input", picked["image"]),
    )
    drawn = row(*(cells(np.atleast_2d(values[at]), title, role) for title, values, role, at in figures))
    count = (
        f"Cᵀ has {big(found.operator.nnz)} entries, C⁺ has {big(trip.inverse_entries)} of {big(trip.inverse.size)}: "
    )
    if weights_of_inverse(found.operator, trip.inverse) is None:
        count += "no weights of this layer make it."
    else:
        count += "the same layer computes it, with other weights."
    said = defined_in(
        f'<p class="cs-text">{trip.lost} of {trip.image.size} directions are lost (the rank of the matrix C is '
        f"{trip.rank}). Root mean square error: Cᵀ {text_of(trip.back_error)}, C⁺ {text_of(trip.best_error)}. "
        f"{count}</p>"
    )
    high, wide = trip.matrix.shape
    both = (("Matrix C", trip.matrix), ("C⁺, its rows and columns exchanged to compare", trip.inverse.T))
    if max(high, wide) <= MOST_DRAWN:
        said += row(*(cells(values, f"{name}: {high}×{wide}", "signed", most=16) for name, values in both))
    show(drawn + said, key="ct_trip")


def _slices(trip, spec: LayerSpec) -> dict[str, tuple[int, ...]]:
    """Which channel and, in 3-D, slice of the large and the small images is drawn; asks where there is choice."""
    made, chosen = {}, {name: place for name, place in places(spec).items() if place.high > 0}
    columns = dict(zip(chosen, st.columns(len(chosen)) if chosen else [], strict=True))
    for name in ("image", "small"):
        for key in ("c", "d") if spec.dims == 3 else ("c",):
            place = chosen.get(f"{name}_{key}")
            if place is None:
                at = 0
            else:
                with columns[f"{name}_{key}"]:
                    at = place.draw()
            made[name] = (*made.get(name, ()), at)
    return made


if __name__ == "__main__":
    state.take(EDITOR, AGAINST, ENTRIES, COLOUR, FLAT, BACK, BLOCKS)
    state.take(*places(EDITOR.read().spec).values(), ASKING)
    scene = EDITOR.read()
    covered = ASKING.waits()
    draw(scene, covered)
    offer_layer(scene, covered)
