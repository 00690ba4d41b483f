"""One transposed convolution → the panels that the stage draws: four ways to compute it, and its matrix.

All panels agree on what a cell is: the index of a number in the layer's input, output or weight.
"""

from __future__ import annotations

from math import prod

import numpy as np
import torch

from models.lab import Lab, Stage, Windows
from models.layers import KINDS
from models.text import big
from models.transposed import agreement, convolution_matrix, zero_inserted
from viz.components.stage import enc, grid, link
from viz.scenes.layer import compact, structure

HEIGHT = {1: 300, 2: 268, 3: 300}
"""Of one of the four panels by dimensions, in px: two rows of them and the buttons stand on a laptop's screen."""

MOST_FLAT = 36
"""Numbers of an output that is drawn as one column."""


def four_views(lab: Lab, selected: dict | None = None) -> dict:
    """Stamp, zero insertion, matrix and gradient as four panels that share one selection.

    ``selected``: as the stage takes it; an output cell in the middle without it.
    """
    stage, found = lab.stages[0], agreement(lab.module, torch.from_numpy(lab.x)[None])
    layer = KINDS["transposed"].parts(lab.spec)[0][1]
    stamps, height = _link(stage), HEIGHT[lab.spec.dims]

    def panel(name: str, title: str, note: str, **data) -> dict:
        agree = found.errors[name] <= 1e-6 * max(1.0, float(np.abs(found.layer).max(initial=0)))
        says = f"{'equals' if agree else 'differs from'} nn.{layer}: largest difference {found.errors[name]:.1g}"
        shared = {"selected": None, "legend": True, "operator": None, "symbols": [], "height": height}
        return shared | {"id": name, "title": title, "note": note, "mark": agree, "says": says} | data

    output = lambda name, title: grid("output", "output", title, found.results[name][0])  # noqa: E731
    middle = _middle(stage.y.shape[1:])
    return {
        "panels": [
            panel(
                "stamp",
                "Stamp and add",
                "each input cell stamps the kernel; overlaps add up",
                grids=[_input(stage), _kernel(stage), output("stamp", "Output")],
                symbols=["∗", "="],
                links=[stamps],
                stamps=True,
                selected=selected or {"grid": "output", "channel": 0, "cell": middle, "pinned": False},
                caption="[Hover|Tap] a cell: the same one is marked in all four",
            ),
            panel(
                "zero_insertion",
                "Insert zeros, then convolve",
                "an ordinary convolution, kernel flipped",
                **_zero_insertion(lab, output("zero_insertion", "Output")),
            ),
            panel(
                "matrix",
                "Multiply by the matrix Cᵀ",
                "C is the matrix of the matching convolution",
                grids=[_input(stage) | {"editable": False}, output("matrix", "Output")],
                symbols=["→"],
                links=[stamps | {"kernel": None, "weights": enc(stage.weight)}],
                operator=_operator(lab, "Matrix Cᵀ") | {"part": 0.32, "note": None},
            ),
            panel(
                "gradient",
                "Gradient of a convolution",
                "what flows back to the image that it read",
                grids=[
                    output("gradient", "To the image"),
                    _kernel(stage) | {"editable": False},
                    _input(stage) | {"title": "From above", "editable": False},
                ],
                symbols=["←", ""],
                links=[stamps],
            ),
        ]
    }


def zeros_alone(lab: Lab) -> dict:
    """The zero-insertion view as a stage of its own."""
    stage = lab.stages[0]
    shared = {"operator": None, "legend": True, "caption": "Hatched: zeros that were put there"}
    middle = {"grid": "output", "channel": 0, "cell": _middle(stage.y.shape[1:])}
    return shared | {"selected": middle} | _zero_insertion(lab, grid("output", "output", "Output", stage.y))


def _middle(size: tuple[int, ...]) -> int:
    """A cell in the middle, where stamps overlap."""
    return int(np.ravel_multi_index(tuple((n - 1) // 2 for n in size), size))


def _input(stage: Stage) -> dict:
    return grid("input", "input", "Input", stage.x, editable=True)


def _kernel(stage: Stage, **more) -> dict:
    planes = [f"in {i} → out {o}" for o, i, _ in sorted(stage.pairs.tolist(), key=lambda pair: pair[2])]
    values = stage.weight.reshape(-1, *stage.weight.shape[2:])
    named = planes if len(planes) > 1 else None
    return grid("weight", "kernel", "Kernel", values, editable=True, planes=named) | more


def _link(stage: Stage) -> dict:
    """From input to output through the kernel, as the layer's own windows say."""
    return link(
        "input", "output", structure(stage), stage.pairs, kernel="weight", bias=enc(stage.bias),
        taps=prod(stage.weight.shape[2:]),
    )  # fmt: skip


def _zero_insertion(lab: Lab, output: dict) -> dict:
    stage = lab.stages[0]
    made = zero_inserted(lab.module, torch.from_numpy(lab.x)[None])
    image, kernel, source = made.image[0], made.kernel, made.source.reshape(-1)
    out_channels, per_group, *size = kernel.shape
    # Its plane (o, i) is the layer's plane (i, o), read backwards.
    inside, taps = lab.module.weight.shape[1], prod(size)
    turned = np.arange(out_channels * per_group).reshape(made.groups, per_group, inside).swapaxes(1, 2)
    pairs = [[o, o // inside * per_group + i, o * per_group + i] for o in range(out_channels) for i in range(per_group)]
    sizes = image.shape[1:]
    base = np.ravel_multi_index(np.indices(stage.y.shape[1:]).reshape(len(sizes), -1), sizes)
    steps = np.indices(size).reshape(len(size), -1) * np.array(made.dilation)[:, None]
    planes = [f"in {i} → out {o}" for o, i, _ in pairs]
    windows = {"base": enc(base), "offset": enc(np.ravel_multi_index(steps, sizes))}
    zeros = {"planes": enc(np.arange(len(image))), "cells": enc(source), "of": prod(stage.x.shape[1:])}
    flipped = {"planes": enc(turned), "cells": enc(np.arange(taps)[::-1]), "of": taps}
    return {
        "grids": [
            grid("image", "input", "With zeros", image, source=enc(source), shares="input", ids=zeros)
            | {"values": enc(stage.x)},
            grid(
                "flipped", "kernel", "Flipped", kernel.reshape(-1, *size), shares="weight", ids=flipped,
                planes=planes if len(planes) > 1 else None,
            ) | {"values": enc(stage.weight)},
            output,
        ],
        "symbols": ["∗", "="],
        "links": [link("image", "output", windows, np.array(pairs), kernel="flipped", bias=enc(stage.bias))],
    }  # fmt: skip


def _operator(lab: Lab, title: str) -> dict:
    rows, cols = lab.operator.shape
    note = f"{big(lab.operator.nnz)} of {big(rows * cols)} entries"
    return {"link": 0, "title": title, "note": note, "rows": rows, "cols": cols, "entries": None}


# -- the matrix --------------------------------------------------------------------------------------------------------


def same_matrix(lab: Lab) -> bool:
    """Whether the matrix of the layer is that of the matching convolution, transposed, entry by entry."""
    ours, theirs = lab.operator, convolution_matrix(lab.module, lab.spec.input_shape).T

    def entries(op):
        order = np.lexsort((op.taps, op.cols, op.rows))
        return np.stack([op.rows[order], op.cols[order], op.taps[order], op.values[order]])

    return ours.shape == theirs.shape and np.array_equal(entries(ours), entries(theirs))


def matrices(lab: Lab, *, numbers: bool, flat: bool, colour: str) -> dict:
    """Cᵀ and C as two panels: x → Cᵀ x, and from there back through C.

    Args:
        numbers: whether entries show their number where there is room.
        flat: draw input and output as one column of numbers each, in the order of the matrix (one channel only).
        colour: ``"tap"`` or ``"value"``.
    """
    stage = lab.stages[0]
    large, small = stage.y, stage.x
    if stage.bias is not None:
        large = large - stage.bias.reshape(-1, *[1] * lab.spec.dims)
    conv = convolution_matrix(lab.module, lab.spec.input_shape)
    back = (conv @ large[None])[0]
    look = {
        # Slices and channels need the width more than the matrix does.
        "part": 0.5 if lab.spec.dims == 1 or (len(large) == len(small) == 1 and lab.spec.dims == 2) else 0.36,
        "colour": "tap" if colour == "tap" else None,
        "taps": prod(stage.weight.shape[2:]),
        "plain": not numbers,
        "before": True,
        "note": None,
    }
    forth = _link(stage) | {"bias": None}
    same = same_matrix(lab)
    says = "The matrix Cᵀ, measured from the layer, is C, measured from the convolution, transposed"
    flat = flat and lab.spec.in_channels == lab.spec.out_channels == 1

    def vector(name: str, role: str, title: str, values: np.ndarray) -> dict:
        return grid(name, role, title, values.reshape(1, -1, 1) if flat else values)

    shared = {"height": 520, "legend": True, "mark": same, "says": says if same else "they differ"}
    return {
        "panels": [
            shared
            | {
                "id": "transposed",
                "title": "Cᵀ enlarges",
                "note": "row: output cell, column: input cell",
                "grids": [
                    vector("input", "input", "x", small),
                    vector("output", "output", "Cᵀx", large),
                    _kernel(stage, editable=False, colour=look["colour"] and "cell"),
                ],
                "symbols": ["→", ""],
                "links": [forth],
                "operator": _operator(lab, "Matrix Cᵀ") | look,
                "selected": {"grid": "output", "channel": 0, "cell": _middle(large.shape[1:])},
                "caption": "[Hover|Tap] an entry: its mirror image, its cells and its tap are marked",
            },
            shared
            | {
                "id": "convolution",
                "title": "C shrinks again",
                "note": "the shape of x is back, its values are not",
                "grids": [
                    vector("output", "output", "Cᵀx", large),
                    vector("input", "input", "C Cᵀx", back),
                ],
                "symbols": ["→"],
                "links": [_mirrored(stage)],
                "operator": _operator(lab, "Matrix C") | {"rows": conv.shape[0], "cols": conv.shape[1]} | look,
                "selected": None,
            },
        ]
    }


def _mirrored(stage: Stage) -> dict:
    """The link backwards: rows and columns exchanged."""
    ours, kernel = stage.windows, stage.weight.shape[2:]
    order = np.lexsort((ours.taps, ours.cols))
    back = Windows(
        ours.positions, (), None, ours.cols[order], ours.rows[order], ours.taps[order], positions=ours.shape
    )  # fmt: skip
    pairs = stage.pairs[:, [1, 0, 2]]
    return link("output", "input", compact(back, kernel), pairs, weights=enc(stage.weight), taps=prod(kernel))
