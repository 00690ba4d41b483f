"""A network as a table, operation by operation: shapes, parameters, MACs and receptive field."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from models.graph import Graph, Node
from models.text import times

COLUMNS = ("layer", "call", "output shape", "parameters", "MACs", "receptive field", "jump", "start", "what is wrong")


def rows_of(graph: Graph) -> list[tuple[str, ...]]:
    """The cells of `COLUMNS` as text, a row for each of `listed_in`."""
    broken = graph.nodes[graph.broken.node] if graph.broken else None
    wrong = {id(broken): graph.broken.message if graph.broken else ""} | dict.fromkeys(
        map(id, graph.rest), "not reached"
    )
    return [_cells(node, wrong.get(id(node), "")) for node in listed_in(graph)]


def listed_in(graph: Graph) -> list[Node]:
    """What has a row: each operation, up to the one that does not fit, and the layers that are not reached; of several
    outputs each."""
    outputs = graph.returned if len(graph.returned) > 1 else ()
    operations = (node for node in graph.nodes if node.kind not in ("input", "output"))
    return [*operations, *outputs, *graph.rest]


def report_of(graph: Graph) -> list[tuple[str, ...]]:
    """The rows, the inputs' shapes above and the sums below: all parameters, and the MACs up to what does not fit."""
    inputs = [_cells(node, "") for node in graph.nodes if node.kind == "input"]
    sums = ("total", "", "", str(learned(graph)), str(graph.macs), "", "", "", "")
    return [*((name, "", shape, *[""] * 6) for name, _, shape, *_ in inputs), *rows_of(graph), sums]


def learned(graph: Graph) -> int:
    """The parameters of the whole network, also where it does not fit to its end."""
    return graph.parameters + graph.unused + sum(node.parameters for node in graph.rest)


def _cells(node: Node, wrong: str) -> tuple[str, ...]:
    each = lambda values: "" if values is None or node.everything else times(values, "×")  # noqa: E731
    one = lambda values: each(values[:1] if values and len(set(values)) == 1 else values)  # noqa: E731
    return (
        node.label,
        node.settings,
        ", ".join(times(shape, "×") or "a number" for shape in node.shapes),
        str(node.parameters),
        "" if node.macs is None else str(node.macs),
        "whole input" if node.everything else each(node.size),
        one(node.jump),
        one(node.start),
        wrong,
    )


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
