"""What the files that are taken away say of a layer: its settings as a sentence, and what an output cell is made of."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod

import numpy as np

from models.errors import ExportError
from models.lab import Lab, Stage
from models.layers import DEFAULTS, KINDS
from models.share import Scene
from models.spec import LayerSpec
from models.text import big, plural, times
from viz.export.taken import Taken

ALWAYS = ("kernel_size", "stride", "padding", "scale_factor", "mode", "upscale_factor", "norm_type")
"""Settings that are said even where they are as usual."""


def refuse_while_asked(taken: Taken) -> None:
    """Raises ExportError while the page waits for an answer that its numbers would tell."""
    if taken.covered:
        raise ExportError("The numbers tell the answer: answer the question first.")


def layer_of(taken: Taken) -> Scene:
    """The layer of a page. Raises ExportError where it has none, or not yet."""
    refuse_while_asked(taken)
    if taken.pair:
        raise ExportError("Two layers are compared: take one of them, A or B.")
    if taken.scene is None:
        raise ExportError("This page shows no single layer whose numbers could be taken along.")
    return taken.scene


def described(spec: LayerSpec) -> str:
    """The layer's settings and sizes as a sentence; settings that are as usual are left out."""
    parts = [f"{KINDS[spec.kind].title} in {spec.dims}-D"]
    for name, value in spec.settings().items():
        each = value if isinstance(value, tuple) else (value,)
        word = name.replace("_", " ")
        if name == "out_channels" or (name not in ALWAYS and each == (DEFAULTS[name],) * len(each)):
            continue
        if isinstance(value, bool):
            parts.append(f"{'with' if value else 'without'} {word}")
        else:
            each = each if name == "kernel_size" or len(set(each)) > 1 else each[:1]
            parts.append(f"{word} {times([f'{v:g}' if isinstance(v, float) else v for v in each])}")
    into, out = (
        f"{plural(channels, 'channel')} of {plural(prod(size), 'cell')}{f' ({times(size)})' if spec.dims > 1 else ''}"
        for channels, size in ((spec.in_channels, spec.input_size), (spec.out_channels, spec.output_size))
    )
    return f"{', '.join(parts)}: from {into} to {out}."


@dataclass(frozen=True)
class Cell:
    """What one cell of a layer's output is made of.

    Attributes:
        channel, place: where it stands, the place one number an axis.
        value: what the layer returned.
        terms: (weight, input) of each real cell that it reads, in the order of the taps, channel by channel.
        bias: None where the layer has none.
        reduce: "sum", "mean", "max" or "lp": how the terms make the value. ``p``: the power of the last.
    """

    channel: int
    place: tuple[int, ...]
    value: float
    terms: tuple[tuple[float, float], ...]
    bias: float | None
    reduce: str
    p: float


def cell_of(lab: Lab, channel: int = 0, position: int = 0) -> Cell:
    """One cell of the output; of two layers in a row, what the last one makes it of.

    Args:
        lab: a measured layer with a picture.
        channel, position: of the output, the position row-major.

    Raises:
        ExportError: for a cell that the output has not.
    """
    stage = lab.stages[-1]
    channels, positions = len(stage.y), stage.y[0].size
    if not (0 <= channel < channels and 0 <= position < positions):
        raise ExportError(
            f"The output has {plural(channels, 'channel')} of {plural(positions, 'cell')}: choose channel 0 to "
            f"{big(channels - 1)} and cell 0 to {big(positions - 1)}."
        )
    place = tuple(int(i) for i in np.unravel_index(position, stage.windows.positions))
    bias = None if stage.bias is None else float(stage.bias[channel])
    value = float(stage.y.reshape(len(stage.y), -1)[channel, position])
    return Cell(channel, place, value, tuple(_terms(stage, channel, position)), bias, stage.reduce, stage.p)


def _terms(stage: Stage, channel: int, position: int):
    windows = stage.windows
    span = slice(*np.searchsorted(windows.rows, [position, position + 1]))
    cols, taps = windows.cols[span], windows.taps[span]
    cells = cols if windows.source is None else windows.source.reshape(-1)[cols]
    flat = stage.x.reshape(len(stage.x), -1)
    for number, (out, into, plane) in enumerate(stage.pairs.tolist()):
        if out != channel:
            continue
        if stage.weight is not None:
            weights = stage.weight.reshape(-1, prod(stage.weight.shape[2:]))[plane, taps]
        else:
            assert stage.values is not None
            weights = (stage.values if stage.values.ndim == 1 else stage.values[number])[span]
        for cell, weight in zip(cells.tolist(), weights.tolist(), strict=True):
            # Padding has no source, a pair of channels lacks what is not a number.
            if cell >= 0 and weight == weight:
                yield weight, float(flat[into, cell])


def digits(value: float, places: int = 4) -> tuple[str, bool]:
    """A number with at most so many significant digits, whole ones as they are, and whether that is exact."""
    if not isfinite(value):
        return ("∞" if value > 0 else "−∞") if value == value else "NaN", True
    shown = str(int(value)) if value == int(value) and abs(value) < 1e9 else f"{value:.{places}g}"
    return shown, float(shown) == value


def text(value: object) -> str:
    """A cell of a table as people read it; nothing where there is nothing."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
