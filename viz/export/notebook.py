"""A layer as a notebook that runs with torch alone: every number measured anew beside its formula, and asserted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from math import prod
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from models import formulas
from models import lab as bench
from models.code import paragraphs, written_out
from models.errors import ExportError
from models.lab import Check, Lab
from models.layers import KINDS
from models.text import big, listed, sentence
from viz.export.carried import carried
from viz.export.formats import FORMATS, Progress
from viz.export.licence import MADE
from viz.export.taken import Rows, Taken
from viz.export.words import described, refuse_while_asked, text

MOST = 4_000_000
"""Numbers in the answers to the images with a single 1, of a layer that is measured by them."""

MOST_ROWS = 200
"""Of a table of the page."""

NEEDED = "Needs torch, and plotly for charts."

CHART = """\
try:
    import plotly.graph_objects as go
except ImportError:
    print("pip install plotly, and this cell draws a chart.")
else:
"""
"""Begins a cell that draws with Plotly where it is installed."""


def notebook(taken: Taken, stage_html: str | None = None) -> str:
    """The notebook of a page as JSON (nbformat 4): of its layer, of both that it compares, or of its script where it
    shows none.

    Args:
        stage_html: a whole HTML document that draws the stage, shown in a frame.

    Raises:
        ExportError: for a page that has neither a layer nor a script.
    """
    picture = [] if stage_html is None else [_framed(stage_html, taken.height)]
    charts, tables = [*map(_chart, taken.charts.values())], _tables(taken.tables)
    if taken.scene:
        kind, (first, *others) = KINDS[taken.scene.spec.kind], _layer(bench.of(taken.scene))
        title = taken.heading or kind.title
        told = [described(taken.scene.spec), kind.prose, _back(taken, "layer"), NEEDED]
        picture = [new_markdown_cell("## The picture"), *picture] if picture else []
        cells = [new_markdown_cell("## The layer"), first, *picture, *others, *charts, *tables]
    elif taken.pair:
        title, told = taken.title, ["Two layers, one after the other.", _back(taken, "layers"), NEEDED]
        cells = [*picture, *tables, *charts]
        for name, scene in taken.pair.items():
            cells += [new_markdown_cell(f"# {name}\n\n{described(scene.spec)}"), *_layer(bench.of(scene))]
    elif taken.script:
        title, told = taken.title, [_back(taken, "page")]
        cells = [*picture, *_scripted(*taken.script()), *charts, *tables]
    else:
        raise ExportError("This page has neither a layer nor a script, so there is no notebook of it.")
    return _whole(title, [taken.question, *told], cells)


def _back(taken: Taken, what: str) -> str:
    """The way back to the page."""
    return taken.link and f"[The same {what} in ConvScope]({taken.link})"


def _layer(lab: Lab) -> list[Any]:
    """The cells of a layer: the one that builds it, and those that measure it."""
    part = paragraphs(lab)
    cells = [new_code_cell(f"{part['imports']}\n\n{part['layer']}"), new_markdown_cell(_numbers_said(lab))]
    cells.append(new_code_cell("\n\n".join(filter(None, [part.get("numbers", ""), part["run"], "y"]))))
    if "output" in part:
        cells += [
            new_markdown_cell("Every number of the output is what the page shows."),
            new_code_cell(part["output"]),
        ]
    measures = {"activations": _bytes(lab)} | {n: part.get(n, "") for n in ("output_size", "parameters", "macs")}
    measures |= _by_probes(lab)
    cells.append(new_markdown_cell("## The numbers, measured and by formula"))
    if probes := _probes(lab):
        cells.append(new_code_cell(probes))
    for check in lab.checks:
        cells += _check(check, measures.get(check.name, ""))
    return [*cells, *_matrix(lab)]


def _scripted(told: str, code: str) -> list[Any]:
    """The cells of a page's script, for pages that show no single layer. It runs without a copy of this project."""
    unpack, code, packages = carried(code)
    told = told.replace(", in a copy of this project", "").replace(" in a copy of this project", " as it is")
    if packages:
        told += f"\n\nNeeds {listed(packages, 'and')}."
    cells = [new_markdown_cell(told), new_code_cell(code.rstrip())]
    if unpack:
        said = "This cell carries what the script takes from ConvScope, and unpacks it into a temporary folder."
        hidden = {"jupyter": {"source_hidden": True}}
        cells[1:1] = [new_markdown_cell(said), new_code_cell(unpack.rstrip(), metadata=hidden)]
    return cells


def take(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """The notebook of a page, with its stage."""
    refuse_while_asked(taken)
    page = FORMATS["html"].make(taken, {"tables": False}, progress).decode() if taken.drawing else None
    return notebook(taken, page).encode()


def _whole(name: str, said: Iterable[str], cells: list[Any]) -> str:
    cells = [new_markdown_cell("\n\n".join(filter(None, [f"# {name}", *said, f"*{MADE}*"]))), *cells]
    # Ids that do not change from one time to the next.
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    made = new_notebook(cells=cells)
    made["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "title": name,
        "license": MADE,
    }
    nbformat.validate(made)
    return nbformat.writes(made)


def _numbers_said(lab: Lab) -> str:
    if lab.x is None:
        return f"## Its input and output\n\n{lab.why_not}"
    if written_out(lab):
        return "## Its input, weights and output\n\nThe numbers of the page."
    return "## Its input and output\n\nThe page has too many numbers to write out: these are drawn at random."


def _check(check: Check, measured: str) -> list[Any]:
    """A number: what it is, its formula with letters and with numbers, and the cell that measures it."""
    lines = [check.formula.symbols, *check.formula.filled.split(r" \\ ")]
    shown = [f"$${line}$$".replace("\u202f", r"\,") for line in lines]
    nothing = lines[0].isdigit()  # there is nothing to work out
    if nothing:
        shown = [f"{sentence(check.formula.text)}: {lines[0]}."]
    title, url = check.formula.source
    said = [f"### {check.title}", check.hint, *shown, f"Formula: [{title}]({url})"]
    if not measured and not nothing:
        said.append(f"{check.formula.value} by the formula alone: to measure it here would take too long.")
    return [new_markdown_cell("\n\n".join(said)), *([new_code_cell(measured)] if measured else [])]


def _bytes(lab: Lab) -> str:
    return f"size = y.float().nbytes\nassert size == {lab.check('activations').formula.value}\nsize"


# -- what a layer reads: measured with images that are 1 in one cell and 0 elsewhere -------------------------------


def _probes(lab: Lab) -> str:
    """What the cells that measure the reads share, if there are any."""
    if not _by_probes(lab):
        return ""
    spec = lab.spec
    lines = ["from copy import deepcopy", "from math import prod", ""]
    if lab.weights:
        lines += [
            "# The same layer with every weight 1 and no bias: nothing that it reads is lost in a weight of 0.",
            "ones = deepcopy(layer)",
            "for name, parameter in ones.named_parameters():",
            '    parameter.fill_(0 if name.endswith("bias") else 1)',
            "",
            "",
        ]
    else:
        lines += [""]
    unpooled = isinstance(spec.family, formulas.Unpool)
    lines += [
        "def reads(layer, channels, size):",
        '    """Which input cell reaches which output cell, (cells, outputs): the answer to each cell\'s own 1."""',
        "    cells = prod(size)",
        "    each = torch.eye(cells, dtype=torch.float64).reshape(cells, 1, *size).expand(-1, channels, *size)",
    ]
    if unpooled:
        lines += [
            "    # An output depends on every cell that shares a window with it.",
            "    windows = (layer[0](each)[0] > 0).flatten(2).any(1).double()",
            "    return windows @ windows.T > 0",
        ]
    else:
        lines += ["    return (layer(each).abs() > 1e-13).flatten(1)"]
    return "\n".join(lines)


def _by_probes(lab: Lab) -> dict[str, str]:
    """The cells that measure how many entries the matrix has, and the receptive field; none for a layer so large that
    they would take long."""
    spec, made = lab.spec, {}
    if lab.x is None or lab.y is None:
        return made
    value = lab.check("touching").formula.value
    small = lab.x[0].size * lab.y.size <= MOST
    if lab.weights and (small or spec.padding_mode == "zeros"):
        part, z = ("part", "z") if len(lab.stages) > 1 else ("ones", "x")
        counted = f"int({part}(torch.ones_like({z})).sum())"
        if spec.padding_mode != "zeros":
            # Padding copies cells: what several weights read is one entry.
            counted = f"int(reads({part}, {part}.in_channels, {z}.shape[2:]).sum())"
            counted += f" * {part}.in_channels // {part}.groups"
        made["touching"] = f"entries = {counted}\nassert entries == {value}\nentries"
        if len(lab.stages) > 1:
            made["touching"] = (
                f"entries, z = 0, x\nfor part in ones:\n    entries += {counted}\n"
                f"    z = part(z)\nassert entries == {value}\nentries"
            )
    elif not lab.weights and small:
        # Unpooling is asked about one channel, and leaves each on its own.
        many = f"{spec.in_channels} * " if isinstance(spec.family, formulas.Unpool) and spec.in_channels > 1 else ""
        count = f"{many}int(reads(layer, {spec.in_channels}, {spec.input_size}).sum())"
        made["touching"] = f"entries = {count}\nassert entries == {value}\nentries"
    size, prepared = _roomy(lab)
    if prod(size) ** 2 * max(spec.in_channels, spec.out_channels) <= MOST:
        field = lab.check("receptive_field").formula.value
        made["receptive_field"] = (
            f"{prepared}"
            f"found = reads(probe, {spec.in_channels}, {size})\n"
            f"places = torch.cartesian_prod(*map(torch.arange, {size})).reshape(-1, {spec.dims})\n"
            "spans = [places[cells].amax(0) - places[cells].amin(0) + 1 for cells in found.T if cells.any()]\n"
            f"field = tuple(torch.stack(spans).amax(0).tolist())\nassert field == {field}\nfield"
        )
    return made


def _roomy(lab: Lab) -> tuple[tuple[int, ...], str]:
    """An input so large that no border clips a receptive field, and the lines that make the layer for it."""
    spec, family = lab.spec, lab.spec.family
    field = lab.check("receptive_field").formula.value
    if not isinstance(family, formulas.Window):
        return spec.input_size, "probe = layer\n"
    if isinstance(family, formulas.Transposed):
        rows = zip(spec.kernel_size, spec.dilation, spec.stride, strict=True)
        size = tuple(2 * formulas.extent(f, d) // s + 3 for f, d, s in rows)
    else:
        size = tuple(f + 2 * s for f, s in zip(field, spec.stride, strict=True))
    said = "# On an input so large that no border clips anything, and without padding.\n"
    if not lab.weights:
        each = "probe[0]" if isinstance(family, formulas.Unpool) else "probe"
        return size, f"{said}probe = deepcopy(layer)\n{each}.padding = 0\n"
    return size, (
        f"{said}probe = nn.Sequential(*(deepcopy(part) for part in ones.modules() if hasattr(part, 'kernel_size')))\n"
        "for part in probe:\n"
        f"    part.padding, part.padding_mode = (0,) * {spec.dims}, 'zeros'\n"
    )


# -- figures --------------------------------------------------------------------------------------------------------


def _matrix(lab: Lab) -> list[Any]:
    """The matrix that the layer is, measured and drawn, where it is one."""
    if lab.x is None or lab.y is None or lab.x.size * lab.y.size > MOST // 40 or not KINDS[lab.spec.kind].linear:
        return []
    rows, cols = lab.operator.shape if lab.operator else (0, 0)
    said = (
        "## The matrix\n\nThe layer is linear: its answers to the images that are 1 in one cell and 0 elsewhere, less "
        f"that to zeros, are the columns of a matrix of {big(rows)} × {big(cols)}."
    )
    measured = (
        "each = torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape[1:])\n"
        "offset = layer(torch.zeros_like(x))\n"
        "matrix = (layer(each) - offset).flatten(1).T\n"
        "torch.testing.assert_close((matrix @ x.flatten()).reshape(y.shape) + offset, y)\n"
        "matrix.shape"
    )
    drawn = (
        f"{CHART}    figure = go.Figure(go.Heatmap(z=matrix.tolist(), colorscale='PuOr', zmid=0))\n"
        "    figure.update_yaxes(autorange='reversed', title='output cell')\n"
        "    figure.update_xaxes(title='input cell')\n"
        "    figure.show()"
    )
    return [new_markdown_cell(said), new_code_cell(measured), new_code_cell(drawn)]


def _chart(figure: Mapping[str, Any]) -> Any:
    """A chart of the page."""
    return new_code_cell(f"import json\n\n{CHART}    go.Figure(json.loads({json.dumps(figure)!r})).show()")


def _tables(tables: Mapping[str, Rows]) -> list[Any]:
    """Tables of the page, of long ones the beginning."""
    made = []
    for name, (head, *rows) in tables.items():
        lines = [head, ["---"] * len(head), *rows[:MOST_ROWS]]
        said = "\n".join(f"| {' | '.join(text(one).replace('|', chr(92) + '|') for one in line)} |" for line in lines)
        more = f"\n\n… and {big(len(rows) - MOST_ROWS)} more." if len(rows) > MOST_ROWS else ""
        made.append(new_markdown_cell(f"## {name}\n\n{said}{more}"))
    return made


def _framed(page: str, height: int) -> Any:
    """A page in a frame, drawn already: the cell need not run before it shows."""
    frame = (
        f'<iframe srcdoc="{escape(page)}" style="width:100%;height:{height + 20}px;border:0" '
        'sandbox="allow-scripts allow-downloads" title="The layer"></iframe>'
    )
    # As HTML's class it would be told to be another.
    source = f"from IPython.display import display\n\ndisplay({{'text/html': {frame!r}}}, raw=True)"
    shown = new_output("execute_result", {"text/html": frame, "text/plain": "The layer"}, execution_count=1)
    return new_code_cell(
        source, outputs=[shown], execution_count=1, metadata={"jupyter": {"source_hidden": True}, "collapsed": False}
    )
