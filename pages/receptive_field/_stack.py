"""The numbers of a measured stack: cards, a table, what the stage tells of a unit, and the algebra step by step."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from models.stack import LETTERS, times
from models.stack.field import LayerRow, StackField
from models.text import big
from viz.figures import Cell, along, table
from viz.figures.cards import face, mark, mathml, plain, unfolding

NAMES = ("rows", "columns")


def _constant(jump: object, found: tuple[int, ...]) -> bool:
    """Along one axis the fields of neighbouring units lie equally far apart everywhere."""
    return isinstance(jump, int) and found in ((), (jump,))


def steady(row: LayerRow) -> bool:
    """So along each axis."""
    return all(map(_constant, row.jump, row.jumps))


def jump_text(jump: object, found: tuple[int, ...]) -> str:
    """`2`; `0 or 2, 1 on average` where units take turns; `1 or 2` where no mean holds."""
    if _constant(jump, found):
        return minus(jump)
    turns = " or ".join(map(str, found)) or "differs"
    return minus(turns if jump is None else f"{turns}, {jump} on average")


def jumps(row: LayerRow) -> str:
    """The jump along each axis, said once where all are alike."""
    return ", ".join(dict.fromkeys(map(jump_text, row.jump, row.jumps)))


def follow(field: StackField) -> list[dict]:
    """What the stage tells of each unit of each map."""
    stack = field.stack
    maps = []
    for number, shape in enumerate(stack.shapes):
        row = field.rows[number - 1] if number else None
        maps.append(
            {
                "name": "the input" if row is None else f"layer {number}",
                "shape": shape,
                "before": [pad[0] for pad in field.pads[number]],
                "after": [pad[1] for pad in field.pads[number]],
                "size": None if row is None else row.size,
                "jump": None
                if row is None
                else [jump_text(j, found) for j, found in zip(row.jump, row.jumps, strict=True)],
                "start": None if row is None else ["differs" if s is None else str(s) for s in row.start],
                "boxes": None if row is None else field.boxes(number),
            }
        )
    return maps


def by(values) -> str:
    """Sizes along all axes: `5 × 3`."""
    return " × ".join(map(str, values))


def each(values) -> str:
    """One value if all axes have the same, else one for each."""
    texts = ["differs" if v is None else minus(v) for v in values]
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def _lines(steps, place: int) -> list[str]:
    """The algebra's lines at a place (0 size, 1 jump, 2 start; a joined branch has its own size), one per axis that
    differs."""
    found = []
    for step in steps:
        if step.lines:
            found.append(step.lines[-1] if place == 0 and len(step.lines) > 3 else step.lines[place])
    return list(dict.fromkeys(found))


def cards(field: StackField, unit: tuple[int, ...]) -> str:
    """The numbers of the last map's units, and of one of them."""
    stack, last = field.stack, field.rows[-1]
    centre, outside = field.traced.centre(unit), field.traced.outside(unit)
    sizes = [step.size for step in last.steps]
    algebra = "no closed form" if None in sizes else f"algebra {by(sizes)}"
    agrees = last.agrees and field.agrees is not False
    if field.measured is None or None in field.measured.size:
        reached = "each unit's own box measured"
    else:
        reached = f"gradient {by(field.measured.size)}"
    if steady(last):
        distance, jump_agrees = "pixels from one unit's field to the next", agrees
    elif None in last.jump:
        distance, jump_agrees = "fields of neighbours drift apart: no one jump holds", None
    else:
        turns = ", ".join(dict.fromkeys(" or ".join(map(str, found)) or "gaps" for found in last.jumps))
        by_whom = "by trace and gradient" if field.jumps else "each unit's own box measured"
        distance = f"neighbours take turns: {turns} pixels apart, {by_whom}"
        jump_agrees = agrees and all(a == b for a, b in zip(last.jumps, field.jumps, strict=False))
    single = int(np.prod(last.size)) * stack.channels * stack.widths[-1]
    learned = sum(1 for layer in stack.layers if layer.kind in "ct")
    place = ", ".join(map(str, unit))
    padding = [sum(pair) for pair in outside]
    shown = [
        (
            "Receptive field",
            by(last.size),
            agrees,
            f"{algebra}, trace {by(last.size)}{'' if None not in last.jump else ' (the widest)'}, {reached}",
            _lines(last.steps, 0),
        ),
        (
            "Jump",
            f"{'' if None in last.jump or steady(last) else 'mean '}{each(last.jump)}",
            jump_agrees,
            distance,
            _lines(last.steps, 1),
        ),
        ("Start", each(last.start), agrees, "first pixel of unit 0; negative: padding", _lines(last.steps, 2)),
        ("Centre", each(map(point, centre)), None, f"of unit ({place}), in pixels", ()),
        ("Padding in view", each(map(big, padding)), None, f"of unit ({place}), along an axis", ()),
        ("Parameters", big(field.parameters), None, f"one layer of {by(last.size)}: {big(single)}", ()),
        ("MACs", big(field.macs), None, f"{learned} with weights; padding counts", ()),
    ]
    return f'<div class="cs-cards">{"".join(_card(*one) for one in shown)}</div>'


def point(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def minus(value: object) -> str:
    return str(value).replace("-", "−")


def _card(title: str, value: str, agrees: bool | None, hint: str, lines: Sequence[str]) -> str:
    name = title.lower().replace(" ", "_")
    sign = "" if agrees is None else mark(agrees)
    body = face(title, f"{escape(value)} {sign}", hint, wrapped=True)
    if not lines:
        return plain(title, body)
    formulas = "".join(f"<p>{mathml(line)}</p>" for line in lines)
    return unfolding(name, title, body, f"{formulas}<p>{escape(hint)}.</p>")


HEAD = ("no.", "layer", "kernel", "stride", "dilation", "padding", "output size", "receptive field", "jump", "start",
        "parameters", "MACs")  # fmt: skip


def layer_table(field: StackField) -> None:
    """A line per layer, the input first, with marks that trace and algebra agree."""
    stack = field.stack
    dims = stack.dims
    size = f"{stack.channels} × {by(stack.shapes[0])}"
    rows = [(0, "input", "", "", "", "", size, Cell(by((1,) * dims), 1), Cell("1", 1), Cell("0", 0), None, None)]
    for number, row in enumerate(field.rows, 1):
        layer = row.layer
        join = (", concat" if layer.concat else " + branch") if layer.skip else ""
        rows.append(
            (
                number,
                f"{LETTERS[layer.kind].lower()}{join}",
                times(layer.kernel_size, dims).replace("×", " × "),
                times(layer.stride),
                times(layer.dilation),
                times(layer.padding),
                f"{stack.widths[number]} × {by(row.shape)}",
                along(f"{by(row.size)} {'✓' if row.agrees else '≠'}", row.size),
                along(jumps(row), row.jump),
                along(each(row.start), row.start),
                row.parameters,
                row.macs,
            )
        )
    told = {"receptive field": "✓: trace and algebra agree"}
    table(HEAD, rows, key="stack_table", label="Layers of the stack", told=told)


def algebra(field: StackField) -> str:
    """Step by step, with the current numbers: a fold-out per layer; axes that differ below each other."""
    parts = []
    for number, row in enumerate(field.rows, 1):
        inside = ""
        shown = row.steps[:1] if field.stack.alike else row.steps
        for name, step in zip(NAMES, shown, strict=False):
            inside += f"<p><b>Along the {name}</b></p>" if len(shown) > 1 else ""
            inside += "".join(f"<p>{mathml(line)}</p>" for line in step.lines) or f"<p>{escape(step.why)}</p>"
            if step.lines and step.size is None:
                inside += f"<p>{escape(step.why)}</p>"
        opened, layer = " open" if number == 1 else "", escape(row.layer.describe(field.stack.dims))
        parts.append(
            f"<details{opened}><summary>{number}: {layer}"
            f" → <b>r = {each(row.size)}</b>, j = {jumps(row)}, s = {each(row.start)} {mark(row.agrees)}"
            f"</summary><div>{inside}</div></details>"
        )
    title, url = field.rows[0].steps[0].source
    return (
        f'<div class="cs-algebra">{"".join(parts)}<p style="font-size:.85rem">r: receptive field, j: jump, s: start, '
        f"F: kernel size, D: dilation, S: stride, P: padding before. "
        f'<a href="{url}" target="_blank" rel="noopener">{escape(title)}</a></p></div>'
    )
