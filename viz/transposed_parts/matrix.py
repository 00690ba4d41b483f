"""The matrix, both ways round; its blocks; and why Cᵀ is no inverse."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch

from models.formulas import big
from models.lab import make_input
from models.share import Scene
from models.spec import LayerSpec
from models.transposed import TransposedError, round_trip, toeplitz_blocks
from models.transposed_structure import density
from viz.figures import show
from viz.figures.cells import cells, framed, plane, row
from viz.figures.upsampling import blocks
from viz.four_views import matrices
from viz.stage import stage
from viz.transposed_parts._shared import frame, layer_controls, measured, predict

MOST_FLAT = 36
"""Numbers of an output that is drawn as one column."""


def draw(scene: Scene) -> None:
    """C and Cᵀ side by side, blocks, round trip."""

    def choices() -> None:
        st.segmented_control(
            "Entries", ["Numbers", "Structure"], default="Numbers", required=True, key="entries", bind="query-params"
        )
        st.segmented_control(
            "Colour", ["Tap", "Weight"], default="Tap", required=True, key="colour", bind="query-params"
        )
        st.toggle(
            "Flat vectors",
            value=True,
            key="flat",
            bind="query-params",
            help=f"Input and output as one column, in the order of the matrix; for one channel and up to {MOST_FLAT} "
            "numbers.",
        )
        with st.expander("The layer", expanded=True):
            layer_controls(scene)

    with frame(choices):
        found = measured(scene)
        if found:
            data = matrices(
                found,
                numbers=st.session_state["entries"] == "Numbers",
                flat=st.session_state["flat"] and found.y.size <= MOST_FLAT,
                colour="tap" if st.session_state["colour"] == "Tap" else "value",
            )
            stage(data, key="ct_stage")
            rows, cols = found.operator.shape
            st.caption(
                f"Cᵀ is {big(rows)}×{big(cols)} with {big(found.operator.nnz)} entries and "
                f"{big(found.measurement.parameters - (found.spec.out_channels if found.spec.bias else 0))} "
                "different weights. Play multiplies it out, row by row."
            )
        else:
            _structure(scene.spec)
    if found is None:
        return
    predict(
        "matrix",
        "C sends a 4×4 image to 2×2, Cᵀ sends that back to 4×4. Is the image back?",
        ("Yes", "Only its shape", "Only its sum"),
        "Only its shape",
        "Sixteen numbers went through four: twelve directions are lost, and nothing brings them back. Cᵀ does not even "
        "undo what was kept; for that you need the pseudo-inverse C⁺, which has hardly any zeros left.",
    )
    st.header("There and back", anchor=False)
    _round_trip(found)
    st.header("Blocks that repeat", anchor=False)
    try:
        made = toeplitz_blocks(found.module, found.spec.input_shape)
    except TransposedError as error:
        st.info(str(error))
        return
    st.markdown(
        "Each block is a 1-D transposed convolution with one row of the kernel: one weight along each diagonal, a "
        "Toeplitz matrix. The blocks in turn lie along diagonals: doubly block Toeplitz."
    )
    drawn = (cells(made.block(block), f"Block K{k}", "kernel") for k, block in enumerate(sorted(made.repeats)[:3]))
    show(row(blocks(made), *drawn), key="ct_blocks")


def _structure(spec: LayerSpec) -> None:
    """Where the entries lie, as a picture of fixed size, for a matrix that is too large to be measured."""
    try:
        found = density(spec)
    except ValueError as error:
        st.info(f"{error}"[:1].upper() + f"{error}"[1:])
        return
    rows, cols = found.shape
    down, across = found.counts.shape
    share = found.counts / (np.bincount(np.arange(rows) * down // rows)[:, None])
    share /= np.bincount(np.arange(cols) * across // cols)
    title = f"Cᵀ, {big(rows)}×{big(cols)}: structure only"
    show(row(framed(title, cells(share, "Share of each spot that is not zero", "count"))), key="ct_density")
    st.caption(
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
        st.info(f"{error}"[:1].upper() + f"{error}"[1:])
        return
    figures = (
        ("An image", trip.image, "input"),
        ("C image: small", trip.small, "output"),
        ("Cᵀ C image: the shape", trip.back, "input"),
        ("C⁺ C image: the best guess", trip.best, "input"),
    )
    show(row(*(cells(plane(values), title, role) for title, values, role in figures)), key="ct_trip")
    st.markdown(
        f"{trip.lost} of {trip.image.size} directions are lost (the rank of C is {trip.rank}). Root mean square error: "
        f"Cᵀ {trip.back_error:.3g}, C⁺ {trip.best_error:.3g}. Cᵀ has {found.operator.nnz} entries, C⁺ has "
        f"{trip.inverse_entries} of {trip.inverse.size}: no small kernel, so no layer computes it."
    )
