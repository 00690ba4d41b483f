"""A pasted network, layer by layer: shapes, parameters, MACs and receptive field, up to the layer that does not fit."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from torch import nn

from models.measure import measure
from models.parse.code import layer_code
from models.parse.walk import Row, check_network, leaves
from models.receptive_field import ReceptiveFieldError, receptive_field
from models.text import times

COLUMNS = ("layer", "kind", "output shape", "parameters", "MACs", "receptive field", "jump", "start", "what is wrong")


@dataclass(frozen=True)
class Line:
    """One layer: the walked row, and what is only known while the network fits. `macs` None: not counted.

    `size`, `jump`, `start` per axis of the input; `everything`: the unit sees the whole input; all None: not known.
    """

    row: Row
    code: str
    macs: int | None = None
    size: tuple[int, ...] | None = None
    jump: tuple[int | Fraction | None, ...] | None = None
    start: tuple[int | None, ...] | None = None
    everything: bool = False

    def cells(self) -> tuple[str, ...]:
        """As text, in the order of `COLUMNS`."""
        row = self.row
        each = lambda values: "" if values is None else times(values, "×")  # noqa: E731
        one = lambda values: each(values[:1] if values and len(set(values)) == 1 else values)  # noqa: E731
        return (
            row.name,
            self.code,
            "" if row.output_shape is None else times(row.output_shape, "×"),
            str(row.parameters),
            "" if self.macs is None else str(self.macs),
            "whole input" if self.everything else each(self.size),
            "" if self.everything else one(self.jump),
            "" if self.everything else one(self.start),
            row.message if row.status != "not reached" else "not reached",
        )


@dataclass(frozen=True)
class NetworkTable:
    """All lines, the sums over those that fit, `broken`: the line that does not, or None, and the trace's `notes`."""

    lines: tuple[Line, ...]
    parameters: int
    macs: int
    broken: Line | None
    notes: tuple[str, ...]

    def csv(self) -> str:
        """Comma-separated, with a head."""
        return csv_text(COLUMNS, [line.cells() for line in self.lines])

    def markdown(self) -> str:
        """A GitHub table."""
        return markdown_text(COLUMNS, [line.cells() for line in self.lines])


def csv_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table, comma-separated, its head first. Numbers as programs read them: a hyphen for a minus, no spaces between
    thousands, × as x."""
    plain = str.maketrans({"−": "-", "×": "x", "\u202f": None, "\xa0": None})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([str(cell).translate(plain) for cell in row] for row in rows)
    return out.getvalue()


def markdown_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The same as GitHub writes tables."""
    line = lambda cells: "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"  # noqa: E731
    return line(head) + line(["---"] * len(head)) + "".join(map(line, rows))


def describe(module: nn.Module, input_shape: Sequence[int]) -> NetworkTable:
    """Walk an `nn.Sequential` on the meta device, then count and trace the layers that fit.

    Raises:
        ValueError: an input shape or a network that `models.parse.walk.check_network` does not take.
    """
    rows = check_network(module, input_shape)
    fitting = [row for row in rows if row.status == "ok"]
    broken = next((row for row in rows if row.status in ("broken", "too large")), None)
    layers = dict(leaves(module))
    lines, macs, notes = [Line(row, layer_code(layers[row.name])) for row in rows], 0, ()
    if fitting:
        part = nn.Sequential(*(layers[row.name] for row in fitting)).eval()
        counted = {number: layer.macs for number, layer in enumerate(measure(part, input_shape).layers)}
        fields, notes = _fields(part, input_shape, len(fitting))
        for i, row in enumerate(fitting):
            lines[i] = Line(row, lines[i].code, counted.get(i), *(fields[i] or (None, None, None, False)))
            macs += counted.get(i) or 0
    marked = next((line for line in lines if line.row is broken), None)
    return NetworkTable(tuple(lines), sum(row.parameters for row in rows), macs, marked, notes)


def _fields(part: nn.Sequential, input_shape: Sequence[int], count: int):
    """Size, jump, start of each layer, and the trace's notes; nothing where the field cannot be followed."""
    nothing = [None] * count, ()
    if not 3 <= len(input_shape) <= 5:
        return nothing
    try:
        field = receptive_field(part, input_shape)
    except ReceptiveFieldError:
        return nothing
    if len(field.layers) != count:
        return nothing
    found = [
        None if layer.reason else (layer.size, layer.jump, layer.start, layer.sees_everything) for layer in field.layers
    ]
    return found, field.notes
