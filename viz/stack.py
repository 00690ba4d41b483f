"""The stack editor, and a measured stack as the stage's arrays, its table and its algebra."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.formulas import big
from models.stack import KINDS, MAX_LAYERS, MAX_SIZE, MOST, PRESETS, Stack, StackError, StackLayer, read_stack
from viz.controls import hold
from viz.figures import Map, legend, maps, table
from viz.url import asked, one_of, put, whole

if TYPE_CHECKING:
    from models.stack_field import Reading, StackField

PARAMETERS = ("layers", "dims", "size", "channels")
"""URL parameters of this module."""

START = PRESETS["three"]
DIMS = {"1-D": 1, "2-D": 2}
SETTINGS = ("kind", "kernel_size", "stride", "padding", "dilation", "skip")
HINTS = {
    "kind": "What the layer is.",
    "kernel_size": "Taps along each axis (F). 1 makes a 1×1 layer.",
    "stride": "Step from one window to the next (S).",
    "padding": "Cells added on each side (P); “same” keeps the size, “causal” adds all of them before.",
    "dilation": "Distance between neighbouring taps (D).",
    "skip": "Adds the input of the layer that many layers back; 1 is this layer's own input. 0: no branch.",
}


# -- what is shown ----------------------------------------------------------------------------------------------------


def read() -> tuple[Stack, list[str]]:
    """The stack that this session shows, and a sentence for what could not be read. The last good one stays."""
    state = st.session_state
    told = []
    values = {}
    for key, reader, default in (
        ("dims", one_of(DIMS), f"{START.dims}-D"),
        ("size", whole(1, max(MAX_SIZE.values())), START.size),
        ("channels", whole(1, 512), START.channels),
        ("layers", str, START.text),
    ):
        values[key], sentence = asked(key, reader, default)
        told.append(sentence)
    dims = DIMS[values["dims"]]
    size = min(int(values["size"]), MAX_SIZE[dims])
    good: Stack | None = state.get("_stack")
    try:
        stack = read_stack(values["layers"], dims, size, int(values["channels"]))
    except StackError as error:
        told.append(error.message)
        stack = good or START.stack
        if good is None or state.get("layers") is None:
            keep(stack)
        else:
            put("dims", f"{stack.dims}-D")
            put("size", stack.size)
    state["_stack"] = stack
    put("size", stack.size)
    return stack, [sentence for sentence in told if sentence]


def keep(stack: Stack) -> None:
    """Show this stack from now on. For callbacks and links."""
    state = st.session_state
    state["layers"], state["dims"], state["size"] = stack.to_text(), f"{stack.dims}-D", stack.size
    state["channels"], state["_stack"] = stack.channels, stack


def shown_preset(stack: Stack) -> str | None:
    """The worked example that is on screen now, if any."""
    return next((p.id for p in PRESETS.values() if p.stack == stack), None)


def choose_preset() -> None:
    """Callback of the presets' pills."""
    preset = PRESETS.get(st.session_state.get("example_stack") or "")
    if preset:
        keep(preset.stack)
        st.session_state["layer"] = 1


# -- editing ----------------------------------------------------------------------------------------------------------


def _edit(action: str, number: int) -> None:
    """Change the list of layers; a change that gives no valid stack is told and left out."""
    stack: Stack = st.session_state["_stack"]
    layers, at = list(stack.layers), number - 1
    chosen = number
    if action == "add":
        layers.insert(at + 1, _next_layer(stack))
        chosen = number + 1
    elif action == "copy":
        layers.insert(at + 1, layers[at])
        chosen = number + 1
    elif action == "remove":
        del layers[at]
        chosen = min(number, len(layers))
    else:
        other = at + (-1 if action == "up" else 1)
        layers[at], layers[other] = layers[other], layers[at]
        chosen = other + 1
    _try(stack, layers, chosen)


def _next_layer(stack: Stack) -> StackLayer:
    """A 3-tap convolution that fits whatever arrives: padded if there is no room."""
    return StackLayer("c", 3, padding=0 if stack.sizes[-1] >= 5 else 1)


def _try(stack: Stack, layers: list[StackLayer], chosen: int) -> None:
    try:
        # A branch that began further back than there are layers now begins at the input.
        layers = [replace(one, skip=min(one.skip, i)) for i, one in enumerate(layers, 1)]
        keep(replace(stack, layers=tuple(layers)))
        st.session_state["layer"] = chosen
    except StackError as error:
        st.session_state["_refused"] = error.message


def _set(name: str, number: int) -> None:
    """Take over one setting of one layer."""
    stack: Stack = st.session_state["_stack"]
    value = st.session_state[f"_layer_{name}"]
    layers = list(stack.layers)
    before = layers[number - 1]
    try:
        after = replace(before, **{name: value})
        if name == "kind":
            after = _of_kind(before, value)
        layers[number - 1] = after
        keep(replace(stack, layers=tuple(layers)))
    except (StackError, TypeError) as error:
        st.session_state["_refused"] = getattr(error, "message", str(error))


def _of_kind(before: StackLayer, kind: str) -> StackLayer:
    """The layer as another kind: settings that the kind does not take go to its usual ones."""
    after = replace(before, kind=kind)
    if kind in "ma":
        return replace(after, kernel_size=2, stride=2, padding=0, dilation=1)
    padding = before.padding if isinstance(before.padding, int) else 0
    if before.pool:
        return replace(after, kernel_size=3, stride=1, padding=1 if kind == "c" else 0)
    return after if kind == "c" else replace(after, padding=padding)


def draw(stack: Stack) -> int:
    """All controls of the stack; returns the number of the layer that is being edited."""
    state = st.session_state
    columns = st.columns([5, 4, 4], gap="small", vertical_alignment="bottom")
    with columns[0]:
        st.segmented_control("Dimensions", list(DIMS), key="dims", default="2-D", required=True, bind="query-params")
    with columns[1]:
        st.number_input(
            "size", 1, max(MAX_SIZE.values()), START.size, key="size", bind="query-params",
            help="Pixels of the input along each axis (W).",
        )  # fmt: skip
    with columns[2]:
        st.number_input(
            "channels", 1, 512, START.channels, key="channels", bind="query-params",
            help="In and out of every layer (C). Weights grow with C², the field does not.",
        )  # fmt: skip
    numbers = list(range(1, len(stack.layers) + 1))
    if state.get("layer") not in numbers:
        state["layer"] = numbers[0]
    number = st.radio(
        "Layers, from the input",
        numbers,
        key="layer",
        format_func=lambda n: f"{n}  {stack.layers[n - 1].describe(stack.dims)}",
    )
    _buttons(stack, number)
    _settings(stack, number)
    if sentence := state.pop("_refused", None):
        st.warning(sentence, icon=":material/block:")
    st.text_input(
        "As text",
        key="layers",
        value=START.text,
        bind="query-params",
        max_chars=400,
        help="c convolution, t transposed, m max-pooling, a average-pooling; then the kernel size, s stride, p padding "
        "(ps: same, pc: causal), d dilation, r residual branch.",
    )
    return number


def _buttons(stack: Stack, number: int) -> None:
    full, last = len(stack.layers) >= MAX_LAYERS, len(stack.layers)
    with st.container(key="stack_buttons", horizontal=True, gap="xsmall"):
        for action, icon, label, off in (
            ("add", "add", "Add a layer after this one", full),
            ("copy", "content_copy", "Duplicate this layer", full),
            ("up", "arrow_upward", "Move this layer towards the input", number == 1),
            ("down", "arrow_downward", "Move this layer towards the output", number == last),
            ("remove", "delete", "Remove this layer", last == 1),
        ):
            words = {"add": "Add", "copy": "Copy", "up": "Up", "down": "Down", "remove": "Remove"}[action]
            st.button(
                words, key=f"stack_{action}", icon=f":material/{icon}:", help=label, disabled=off, on_click=_edit,
                args=(action, number),
            )  # fmt: skip


def _options(stack: Stack, number: int, name: str) -> list:
    """The values of one setting that give a valid stack, among what is offered."""
    layer = stack.layers[number - 1]
    if name == "kind":
        return list(KINDS)
    most = {"kernel_size": 15, "stride": 8, "padding": 16, "dilation": 16, "skip": number}[name]
    values = list(range(0 if name in ("padding", "skip") else 1, most + 1))
    if name == "padding":
        values += ["same", "causal"] if stack.dims == 1 else ["same"]
    now = getattr(layer, name)
    return [v for v in values if v == now or _works(stack, number, name, v)] + ([] if now in values else [now])


def _works(stack: Stack, number: int, name: str, value) -> bool:
    layers = list(stack.layers)
    try:
        layers[number - 1] = replace(layers[number - 1], **{name: value})
        replace(stack, layers=tuple(layers))
    except StackError:
        return False
    return True


def _settings(stack: Stack, number: int) -> None:
    layer = stack.layers[number - 1]
    for names in (SETTINGS[:2], SETTINGS[2:4], SETTINGS[4:]):
        for column, name in zip(st.columns(2), names, strict=True):
            options = _options(stack, number, name)
            put(f"_layer_{name}", getattr(layer, name))
            hold(f"_layer_{name}", getattr(layer, name), tuple(options))
            with column:
                st.selectbox(
                    {"kind": "kind", "skip": "residual branch"}.get(name, name),
                    options,
                    key=f"_layer_{name}",
                    format_func=lambda v, n=name: (
                        KINDS[v] if n == "kind" else ("none" if n == "skip" and not v else str(v))
                    ),
                    help=HINTS[name],
                    disabled=len(options) == 1,
                    on_change=_set,
                    args=(name, number),
                )


# -- the stage --------------------------------------------------------------------------------------------------------


def scene(field: StackField) -> dict:
    """The stage's data: one grid a map, drawn with the padding of the layer that reads it, linked by the windows."""
    from viz.stage import enc

    stack = field.stack
    grids, links = [], []
    for number, size in enumerate(stack.sizes):
        before, after = field.pads[number]
        shape = (size + before + after,) * stack.dims
        real = tuple(slice(before, before + size) for _ in shape)
        values = np.zeros(shape, dtype=np.int64)
        values[real] = field.seen[number]
        source = None
        if before or after:
            source = np.full(shape, -1)
            source[real] = np.arange(size**stack.dims).reshape((size,) * stack.dims)
        last = number == len(stack.layers)
        grids.append(
            {
                "id": f"map{number}",
                "role": "input" if number == 0 else "output" if last else "map",
                "title": "Input" if number == 0 else _title(stack, number),
                "shape": [1, *shape],
                "values": enc(values),
                "source": enc(source),
                "real": None if source is None else [[before, before + size]] * stack.dims,
                "editable": False,
                "image": False,
                "planes": None,
            }
        )
    for number, windows in enumerate(field.windows, 1):
        units = stack.sizes[number] ** stack.dims
        for reads in windows:
            links.append(
                {
                    "from": f"map{reads.source_map}",
                    "to": f"map{number}",
                    "kernel": None,
                    "ptr": enc(np.searchsorted(reads.rows, np.arange(units + 1))),
                    "src": enc(reads.cols),
                    "tap": None,
                    "pairs": [0, 0, -1],
                    "values": None,
                    "bias": None,
                    "reduce": "reads",
                }
            )
    middle = np.ravel_multi_index(field.middle(), (stack.sizes[-1],) * stack.dims)
    return {
        "grids": grids,
        "symbols": ["→" if stack.dims == 2 else ""] * len(stack.layers),
        "links": links,
        "operator": None,
        "selected": {"grid": grids[-1]["id"], "channel": 0, "cell": int(middle)},
        "autoplay": False,
        "caption": "In a unit: how many pixels it sees. In the input: how many units of the last map see this pixel.",
        "legend": True,
    }


def _title(stack: Stack, number: int) -> str:
    layer = stack.layers[number - 1]
    name = {"c": "", "t": "transposed ", "m": "max ", "a": "avg "}
    if stack.dims == 1:
        words = [f"{layer.kernel_size} {'tap' if layer.kernel_size == 1 else 'taps'}"]
        words += [
            f"{what} {value}" for what, value in (("stride", layer.stride), ("dilation", layer.dilation)) if value > 1
        ]
        return f"{number} ({name[layer.kind]}{', '.join(words)}{', +' if layer.skip else ''})"
    side = f"{layer.kernel_size}×{layer.kernel_size}"
    more = f", /{layer.stride}" if layer.stride > 1 else ""
    more += f", d {layer.dilation}" if layer.dilation > 1 else ""
    return f"{number} ({name[layer.kind]}{side}{more}{', +' if layer.skip else ''})"


def stage_height(stack: Stack) -> int:
    """In px: rows of a 1-D stack need room below each other."""
    return 430 if stack.dims == 2 else max(430, 150 + 66 * (len(stack.layers) + 1))


# -- numbers ----------------------------------------------------------------------------------------------------------

AGREE = '<span class="cs-mark cs-ok" role="img" aria-label="they agree" title="they agree">✓</span>'
DIFFER = '<span class="cs-mark cs-no" role="img" aria-label="they differ" title="they differ">≠</span>'


def mark(agrees: bool | None) -> str:
    """The sign that two independent numbers are the same; nothing where there is only one."""
    return "" if agrees is None else AGREE if agrees else DIFFER


def square(size: int, dims: int) -> str:
    return f"{size} × {size}" if dims == 2 else str(size)


def cards(field: StackField) -> str:
    """The numbers of the last map's units."""
    stack, last = field.stack, field.rows[-1]
    dims = stack.dims
    gradient = field.measured.size[0]
    unit = field.middle()
    centre, outside = field.traced.centre(unit), field.traced.outside(unit)
    step = last.step
    algebra = "no closed form" if step.size is None else f"algebra {step.size}"
    single = last.size**dims * stack.channels**2
    learned = sum(1 for layer in stack.layers if layer.kind in "ct")
    place = ", ".join(map(str, unit))
    padding = sum(outside[0])
    reached = "touches both ends" if gradient is None else gradient
    lines = step.lines or ("", "", "")
    shown = [
        (
            "Receptive field",
            square(last.size, dims),
            field.agrees,
            f"{algebra}, trace {last.size}, gradient {reached}",
            lines[-1] if len(lines) > 3 else lines[0],
        ),
        ("Jump", str(last.jump), field.agrees, "pixels from one unit's field to the next", lines[1]),
        ("Start", minus(last.start), field.agrees, "first pixel of unit 0; negative: padding", lines[2]),
        ("Centre", minus(f"{centre[0]:g}"), None, f"of unit ({place}), in pixels", ""),
        ("Padding in view", big(padding), None, f"of unit ({place}), along an axis", ""),
        ("Parameters", big(field.parameters), None, f"one layer of {square(last.size, dims)}: {big(single)}", ""),
        ("MACs", big(field.macs), None, f"{learned} with weights; padding counts", ""),
    ]
    return f'<div class="cs-cards">{"".join(_card(*one) for one in shown)}</div>'


def minus(value: object) -> str:
    return str(value).replace("-", "−")


def _card(title: str, value: str, agrees: bool | None, hint: str, line: str) -> str:
    from viz.cards import mathml

    name = title.lower().replace(" ", "_")
    body = (
        f'<span class="cs-title">{title}</span><span class="cs-value">{escape(value)} {mark(agrees)}</span>'
        f'<span class="cs-short cs-wrapped">{escape(hint)}</span>'
    )
    if not line:
        return f'<div class="cs-card cs-plain" data-number="{name}">{body}</div>'
    return (
        f'<details class="cs-card" name="cs-stack" data-number="{name}"><summary>{body}</summary>'
        f'<div class="cs-more"><p>{mathml(line)}</p><p>{escape(hint)}.</p></div></details>'
    )


HEAD = ("no.", "layer", "kernel", "stride", "dilation", "padding", "output size", "receptive field", "jump", "start",
        "parameters", "MACs")  # fmt: skip


def rows_of(field: StackField) -> list[tuple]:
    """The table's cells; the input first."""
    stack = field.stack
    dims = stack.dims
    channels = stack.channels
    rows = [
        ("0", "input", "", "", "", "", f"{channels} × {square(stack.size, dims)}", square(1, dims), "1", "0", "", "")
    ]
    for number, row in enumerate(field.rows, 1):
        layer = row.layer
        rows.append(
            (
                str(number),
                f"{KINDS[layer.kind].lower()}{' + branch' if layer.skip else ''}",
                square(layer.kernel_size, dims),
                layer.stride,
                layer.dilation,
                layer.padding,
                f"{channels} × {square(row.output_size, dims)}",
                square(row.size, dims),
                "differs" if row.jump is None else row.jump,
                minus(row.start),
                big(row.parameters),
                big(row.macs),
            )
        )
    return rows


def layer_table(field: StackField) -> str:
    """HTML of the table, a line per layer, with marks that trace and algebra agree."""
    rows = [[escape(str(cell)) for cell in row] for row in rows_of(field)]
    for row, measured in zip(rows[1:], field.rows, strict=True):
        row[7] += f" {mark(measured.agrees)}"
    return table(HEAD, rows, label="Layers of the stack", raw=range(len(HEAD)))


def algebra(field: StackField) -> str:
    """Step by step, with the current numbers: a fold-out per layer."""
    from viz.cards import mathml

    parts = []
    for number, row in enumerate(field.rows, 1):
        step = row.step
        inside = "".join(f"<p>{mathml(line)}</p>" for line in step.lines) or f"<p>{escape(step.why)}</p>"
        if step.lines and step.size is None:
            inside += f"<p>{escape(step.why)}</p>"
        opened, layer = " open" if number == 1 else "", escape(row.layer.describe(field.stack.dims))
        parts.append(
            f"<details{opened}><summary>{number}: {layer}"
            f" → <b>r = {row.size}</b>, j = {row.jump}, s = {minus(row.start)} {mark(row.agrees)}"
            f"</summary><div>{inside}</div></details>"
        )
    title, url = field.rows[0].step.source
    return (
        f'<div class="cs-algebra">{"".join(parts)}<p style="font-size:.85rem">r: receptive field, j: jump, s: start, '
        f"F: kernel size, D: dilation, S: stride, P: padding before. "
        f'<a href="{url}" target="_blank" rel="noopener">{escape(title)}</a></p></div>'
    )


# -- theory beside measurement ----------------------------------------------------------------------------------------


def compare(field: StackField, unit: Reading) -> str:
    """HTML: the traced box, and the pixels whose gradient is not zero, of the same unit."""
    theory = np.zeros(unit.support.shape)
    inside = tuple(slice(span[0], span[1] + 1) if span else slice(0, 0) for span in unit.inside)
    theory[inside] = 1
    volume = int(theory.sum())
    whole_box = int(np.prod([b - a + 1 for a, b in unit.box]))
    outside = f"; {big(whole_box - volume)} more lie outside, on padding" if whole_box > volume else ""
    told = f"From the graph: {span_text(unit.box)}, {big(volume)} pixels of the input{outside}."
    seen = f"From the gradient: {span_text(unit.measured)}, {big(unit.pixels)} pixels are read."
    most = int(unit.reads.max())
    return maps(
        [
            Map("Theory: the box", theory, unit.box, told),
            Map("Measured: where the gradient is not zero", unit.support.astype(float), unit.box, seen),
            Map(
                "Measured: on how many paths",
                unit.reads,
                unit.box,
                f"At most {big(most)} {'path leads' if most == 1 else 'paths lead'} from one pixel to the unit. "
                "More paths, more weight.",
            ),
        ]
    ) + legend("few", "many paths")


def span_text(spans) -> str:
    """Boxes as text: ``2 to 14 along each axis``, or axis by axis."""
    texts = ["nothing" if s is None else f"{s[0]} to {s[1]}".replace("-", "−") for s in spans]
    if len(texts) == 1 or len(set(texts)) == 1:
        return f"pixels {texts[0]}{' along each axis' if len(texts) > 1 else ''}"
    return f"rows {texts[0]}, columns {texts[1]}"


def why(field: StackField, unit: Reading) -> str:
    """One or two sentences: whether theory and gradient say the same for this unit, and if not, why."""
    volume = int(np.prod([0 if s is None else s[1] - s[0] + 1 for s in unit.inside]))
    same = all(a == b for a, b in zip(unit.inside, unit.measured, strict=True))
    verdict = (
        "**The two boxes agree.**"
        if same
        else "**The two boxes differ.** Some paths of the graph end on padding, so their pixels never arrive."
    )
    holes = volume - unit.pixels
    if holes > 0:
        gaps = any(layer.dilation > 1 for layer in field.stack.layers)
        cause = (
            "dilated taps step over them, and no other layer fills the gaps (gridding)"
            if gaps
            else "a stride larger than its kernel steps over them"
        )
        verdict += f" Yet {big(holes)} of the {big(volume)} pixels inside are never read: {cause}."
    if field.traced.box(unit.index) != unit.inside:
        verdict += " The field reaches past the border: there the unit sees padding."
    return " ".join([verdict, *field.traced.notes])


__all__ = [
    "HEAD", "MOST", "PARAMETERS", "algebra", "cards", "choose_preset", "compare", "draw", "keep", "layer_table", "mark",
    "read", "rows_of", "scene", "shown_preset", "why",
]  # fmt: skip
