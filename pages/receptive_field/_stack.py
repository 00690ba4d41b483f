"""The stack editor, and a measured stack as the stage's arrays, its table and its algebra."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models import layers
from models.stack import (
    LETTERS,
    MAX_LAYERS,
    MAX_SIZE,
    MAX_TEXT,
    MOST,
    PER_AXIS,
    PRESETS,
    Stack,
    StackError,
    StackLayer,
    read_stack,
    times,
)
from models.text import big, quoted
from viz.controls.layer import hold
from viz.figures import Map, legend, maps, numbers, table
from viz.url import asked, into_link, one_of, put, went_back, whole

if TYPE_CHECKING:
    from models.stack.field import LayerRow, StackField, StackUnit

PARAMETERS = ("layers", "dims", "size", "channels", "layer", "unit", "apart")
"""URL parameters of this module."""

START = PRESETS["three"]
DIMS = {"1-D": 1, "2-D": 2}
SETTINGS = ("kind", "kernel_size", "stride", "padding", "dilation", "skip")
NAMES = ("rows", "columns")
HINTS = {
    "kind": "What the layer is.",
    "kernel_size": "Taps along each axis (F). 1 makes a 1×1 layer.",
    "stride": "Step from one window to the next (S).",
    "padding": "Cells added on each side (P); “same” keeps the size, “causal” adds all of them before.",
    "dilation": "Distance between neighbouring taps (D).",
    "skip": "Adds what came in so many layers back; 1 is this layer's own input. Where the layers between have a "
    "stride, a 1×1 layer of the same stride stands on the branch. Cropped: its middle is taken instead, as in U-Net; "
    "if there is a stride between, the two then drift apart.",
}
NOT_CONVOLUTION = {"t": "transposed", "m": "max_pool", "a": "avg_pool"}
"""The kinds of ``models.layers`` whose settings mean something of their own here too."""


def _hint(kind: str, name: str) -> str:
    if kind in NOT_CONVOLUTION and name in PER_AXIS:
        return layers.KINDS[NOT_CONVOLUTION[kind]].help(name)
    return HINTS[name]


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
    if good is not None and len(values["layers"]) > MAX_TEXT:
        told.append(
            f"The text of the stack was {len(values['layers'])} characters long; {MAX_TEXT} are read. You see the "
            "stack from before."
        )
        keep(good)
        return good, [sentence for sentence in told if sentence]
    try:
        stack = read_stack(values["layers"], dims, size, int(values["channels"]))
    except StackError as error:
        stack = good or START.stack
        told.append(f"{error.message} Until then you see {stack.to_text()} on {stack.size} pixels.")
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


def unit_shown(stack: Stack) -> tuple[int, tuple[int, ...], str]:
    """The unit that is selected: its layer, its place, and a sentence if the link names one that is not there. At first
    the middle one of the last layer. Keeps the link up to date, and that of the layer being edited."""
    state, query, told = st.session_state, st.query_params, ""
    layers = len(stack.layers)
    if "_unit" not in state or went_back():
        state["_unit"] = None
        edited = query.get("layer", "1")
        state["layer"] = int(edited) if edited.isascii() and edited.isdigit() and len(edited) < 3 else 0
        if not 1 <= state["layer"] <= layers:
            told = f"layer: {quoted(edited)} is not one of the {layers} layers: the first is edited."
        if (text := query.get("unit")) is not None:
            try:
                state["_unit"] = _read_unit(text, stack)
            except ValueError as error:
                told = f"unit: {error}"
    if state.get("layer") not in range(1, layers + 1):
        state["layer"] = 1
    middle = (layers, tuple(n // 2 for n in stack.shapes[-1]))
    unit = state["_unit"] or middle
    if not _there(unit, stack) or unit == middle:
        state["_unit"], unit = None, middle
    into_link("unit", "" if unit == middle else ".".join(map(str, (unit[0], *unit[1]))))
    into_link("layer", "" if state["layer"] == 1 else str(state["layer"]))
    return *unit, told


def _read_unit(text: str, stack: Stack) -> tuple[int, tuple[int, ...]]:
    words = text.split(".")
    fits = all(w.isascii() and w.isdigit() and len(w) < 5 for w in words)
    unit = (int(words[0]), tuple(map(int, words[1:]))) if fits else (0, ())
    if not _there(unit, stack):
        axes = "row and column" if stack.dims == 2 else "place"
        raise ValueError(f"{quoted(text)} names no unit of this stack by layer, {axes}: the middle one is selected.")
    return unit


def _there(unit: tuple[int, tuple[int, ...]], stack: Stack) -> bool:
    number, index = unit
    if not 1 <= number <= len(stack.layers) or len(index) != stack.dims:
        return False
    return all(0 <= i < n for i, n in zip(index, stack.shapes[number], strict=True))


def pinned(stack: Stack, pads, cell: dict | None) -> None:
    """Callback of the stage: the unit that was clicked is the selected one; a pixel or padding is not a unit."""
    try:
        number, drawn = int(cell["map"]), int(cell["cell"])
        shape = tuple(n + sum(pad) for n, pad in zip(stack.shapes[number], pads[number], strict=True))
        places = np.unravel_index(drawn, shape)
    except (TypeError, KeyError, ValueError, IndexError):
        return
    unit = number, tuple(int(p) - pad[0] for p, pad in zip(places, pads[number], strict=True))
    if _there(unit, stack):
        st.session_state["_unit"] = unit


def choose_unit(stack: Stack, number: int, index: tuple[int, ...]) -> None:
    """The selected unit's layer and place as controls."""
    numbers = list(range(1, len(stack.layers) + 1))
    names = ("row", "column") if stack.dims == 2 else ("position",)
    keys = [f"unit_{name}_{number}_{size}" for name, size in zip(names, stack.shapes[number], strict=True)]
    # A box of its own for each stack: the browser tells labels, and those of another stack name no layer here.
    layer_key = f"unit_layer_{stack.to_text()}"
    put(layer_key, number)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Layer", numbers, key=layer_key, width=300, on_change=_choose_layer, args=(stack, layer_key),
            format_func=lambda n: f"{n}  {stack.layers[n - 1].describe(stack.dims)}",
        )  # fmt: skip
        for name, key, size, place in zip(names, keys, stack.shapes[number], index, strict=True):
            put(key, place)
            st.number_input(
                f"Unit: {name}", 0, size - 1, key=key, width=160, on_change=_choose_place, args=(number, keys)
            )


def _choose_layer(stack: Stack, key: str) -> None:
    number = st.session_state.get(key)
    # A late request may carry what another stack's control held.
    if isinstance(number, int) and number < len(stack.shapes):
        st.session_state["_unit"] = number, tuple(n // 2 for n in stack.shapes[number])


def _choose_place(number: int, keys: list[str]) -> None:
    place = [st.session_state.get(key) for key in keys]
    if None not in place:
        st.session_state["_unit"] = number, tuple(map(int, place))


def shown_preset(stack: Stack) -> str | None:
    """The worked example that is on screen now, if any."""
    return next((p.id for p in PRESETS.values() if p.stack == stack), None)


def choose_preset() -> None:
    """Callback of the presets' pills."""
    preset = PRESETS.get(st.session_state.get("example_stack") or "")
    if preset:
        keep(preset.stack)
        st.session_state["layer"], st.session_state["_unit"] = 1, None


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
    return StackLayer("c", 3, padding=0 if min(stack.shapes[-1]) >= 5 else 1)


def _try(stack: Stack, layers: list[StackLayer], chosen: int) -> None:
    try:
        # A branch that began further back than there are layers now begins at the input.
        layers = [replace(one, skip=min(one.skip, i)) for i, one in enumerate(layers, 1)]
        keep(replace(stack, layers=tuple(layers)))
        st.session_state["layer"] = chosen
    except StackError as error:
        st.session_state["_refused"] = error.message


def _set(name: str, number: int, axis: int | None) -> None:
    """Take over one setting of one layer, along one axis or along all."""
    stack: Stack = st.session_state["_stack"]
    value = st.session_state[_key(name, axis)]
    layers = list(stack.layers)
    before = layers[number - 1]
    try:
        after = _with(before, name, axis, value)
        layers[number - 1] = after
        keep(replace(stack, layers=tuple(layers)))
    except (StackError, TypeError) as error:
        st.session_state["_refused"] = getattr(error, "message", str(error))


def _key(name: str, axis: int | None) -> str:
    return f"_layer_{name}" + ("" if axis is None else f"_{NAMES[axis]}")


def _with(layer: StackLayer, name: str, axis: int | None, value) -> StackLayer:
    if name == "kind":
        return _of_kind(layer, value)
    if name == "skip":
        back = value.split()[0]
        return replace(layer, skip=0 if back == "none" else int(back), crop=value.endswith("cropped"))
    return replace(layer, **{name: value}) if axis is None else layer.with_axis(name, axis, value)


def _now(layer: StackLayer, name: str, axis: int | None):
    """The value that a setting's control shows."""
    if name == "skip":
        return _branch(layer.skip, layer.crop)
    return getattr(layer if axis is None else layer.along(axis), name)


def _branch(back: int, crop: bool) -> str:
    """A residual branch as its control spells it."""
    return f"{back} back{', cropped' * crop}" if back else "none"


def _one_for_all(number: int) -> None:
    """Callback of the switch: without it, columns take over what rows have."""
    if st.session_state["apart"]:
        return
    stack: Stack = st.session_state["_stack"]
    layers = list(stack.layers)
    layers[number - 1] = layers[number - 1].along(0)
    _try(stack, layers, number)


def _of_kind(before: StackLayer, kind: str) -> StackLayer:
    """The layer as another kind: settings that the kind does not take go to its usual ones."""
    after = replace(before, kind=kind)
    if kind in "ma":
        return replace(after, kernel_size=2, stride=2, padding=0, dilation=1)
    padding = 0 if isinstance(before.padding, str) else before.padding
    if before.pool:
        return replace(after, kernel_size=3, stride=1, padding=1 if kind == "c" else 0)
    return after if kind == "c" else replace(after, padding=padding)


def draw(stack: Stack) -> int:
    """All controls of the stack; returns the number of the layer that is being edited."""
    state = st.session_state
    st.segmented_control("Dimensions", list(DIMS), key="dims", default="2-D", required=True, bind="query-params")
    left, right = st.columns(2, gap="small")
    with left:
        st.number_input(
            "size", 1, max(MAX_SIZE.values()), START.size, key="size", bind="query-params",
            help="Pixels of the input along each axis (W).",
        )  # fmt: skip
    with right:
        st.number_input(
            "channels", 1, 512, START.channels, key="channels", bind="query-params",
            help="In and out of every layer (C). Weights grow with C², the field does not.",
        )  # fmt: skip
    numbers = list(range(1, len(stack.layers) + 1))
    number = st.radio(
        "Layers, from the input",
        numbers,
        key="layer",
        persist_state="session",
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
        help="c convolution, t transposed, m max-pooling, a average-pooling; then the kernel size, s stride, p padding "
        "(ps: same, pc: causal), d dilation, r residual branch from so many layers back (r2c: cropped).",
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


def _options(stack: Stack, number: int, name: str, axis: int | None) -> list:
    """The values of one setting that give a valid stack, among what is offered."""
    layer = stack.layers[number - 1]
    if name == "kind":
        return list(LETTERS)
    now = _now(layer, name, axis)
    if name == "skip":
        back = range(1, number + 1)
        values = [_branch(n, False) for n in (0, *back)] + [_branch(n, True) for n in back if _cuts(stack, number, n)]
        return [v for v in values if v == now or _works(stack, number, name, axis, v)]
    most = {"kernel_size": 15, "stride": 8, "padding": 16, "dilation": 16}[name]
    values = list(range(0 if name == "padding" else 1, most + 1))
    if name == "padding":
        values += ["same", "causal"] if stack.dims == 1 else ["same"]
    return [v for v in values if v == now or _works(stack, number, name, axis, v)] + ([] if now in values else [now])


def _cuts(stack: Stack, number: int, back: int) -> bool:
    """A branch from so far back has something to crop."""
    return stack.shapes[number - back] != stack.shapes[number]


def _works(stack: Stack, number: int, name: str, axis: int | None, value) -> bool:
    layers = list(stack.layers)
    try:
        layers[number - 1] = _with(layers[number - 1], name, axis, value)
        replace(stack, layers=tuple(layers))
    except StackError:
        return False
    return True


def _settings(stack: Stack, number: int) -> None:
    layer, state = stack.layers[number - 1], st.session_state
    if not layer.alike:
        state["apart"] = True
    split = stack.dims == 2 and bool(state.get("apart"))
    if split:
        pairs = [[("kind", None), ("skip", None)], *([(name, 0), (name, 1)] for name in PER_AXIS)]
    else:
        pairs = [[(name, None) for name in SETTINGS[i : i + 2]] for i in (0, 2, 4)]
    for pair in pairs:
        for column, (name, axis) in zip(st.columns(2), pair, strict=True):
            options, key = _options(stack, number, name, axis), _key(name, axis)
            now = _now(layer, name, axis)
            put(key, now)
            hold(key, now, tuple(options))
            title = {"kind": "kind", "skip": "residual branch"}.get(name, name)
            with column:
                st.selectbox(
                    title if axis is None else f"{title}, {NAMES[axis]}",
                    options,
                    key=key,
                    format_func=lambda v, n=name: LETTERS[v] if n == "kind" else str(v),
                    help=_hint(layer.kind, name),
                    disabled=len(options) == 1,
                    on_change=_set,
                    args=(name, number, axis),
                )
    if stack.dims == 2:
        st.toggle(
            "Rows and columns apart", key="apart", bind="query-params", on_change=_one_for_all, args=(number,),
            help="A kernel of 3×1, a stride of 2 along the rows alone, …",
        )  # fmt: skip


# -- the stage --------------------------------------------------------------------------------------------------------


def scene(field: StackField, chosen: int, index: tuple[int, ...]) -> dict:
    """The stage's data: one grid a map, drawn with the padding of the layer that reads it, linked by the windows. The
    unit at `index` of layer `chosen` is selected."""
    from viz.components.stage import enc

    stack = field.stack
    grids, links = [], []
    for number, size in enumerate(stack.shapes):
        pads = field.pads[number]
        padded = any(map(sum, pads))
        shape = tuple(n + sum(pad) for n, pad in zip(size, pads, strict=True))
        real = tuple(slice(pad[0], pad[0] + n) for n, pad in zip(size, pads, strict=True))
        values = np.zeros(shape, dtype=np.int64)
        values[real] = field.seen[number]
        source = None
        if padded:
            source = np.full(shape, -1)
            source[real] = np.arange(np.prod(size)).reshape(size)
        last = number == len(stack.layers)
        grids.append(
            {
                "id": f"map{number}",
                "role": "input" if number == 0 else "output" if last else "map",
                "title": "Input" if number == 0 else _title(stack, number),
                "shape": [1, *shape],
                "values": enc(values),
                "source": enc(source),
                "real": None if source is None else [[one.start, one.stop] for one in real],
                "editable": False,
                "image": False,
                "planes": None,
            }
        )
    for number, windows in enumerate(field.windows, 1):
        units = int(np.prod(stack.shapes[number]))
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
    pads = field.pads[chosen]
    drawn = tuple(n + sum(pad) for n, pad in zip(stack.shapes[chosen], pads, strict=True))
    cell = np.ravel_multi_index(tuple(i + pad[0] for i, pad in zip(index, pads, strict=True)), drawn)
    return {
        "grids": grids,
        "symbols": ["→" if stack.dims == 2 else ""] * len(stack.layers),
        "links": links,
        "operator": None,
        "selected": {"grid": grids[chosen]["id"], "channel": 0, "cell": int(cell)},
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
    more = f", /{times(layer.stride)}" if layer.stride != 1 else ""
    more += f", d {times(layer.dilation)}" if layer.dilation != 1 else ""
    return f"{number} ({name[layer.kind]}{times(layer.kernel_size, 2)}{more}{', +' if layer.skip else ''})"


def follow(field: StackField) -> list[dict]:
    """What `viz.components.readout` tells of each unit of each map."""
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


def stage_height(stack: Stack) -> int:
    """In px: rows of a 1-D stack need room below each other."""
    return 430 if stack.dims == 2 else max(430, 150 + 66 * (len(stack.layers) + 1))


# -- numbers ----------------------------------------------------------------------------------------------------------

AGREE = '<span class="cs-mark cs-ok" role="img" aria-label="they agree" title="they agree">✓</span>'
DIFFER = '<span class="cs-mark cs-no" role="img" aria-label="they differ" title="they differ">≠</span>'


def mark(agrees: bool | None) -> str:
    """The sign that two independent numbers are the same; nothing where there is only one."""
    return "" if agrees is None else AGREE if agrees else DIFFER


def _constant(jump: object, found: tuple[int, ...]) -> bool:
    """Along one axis the fields of neighbouring units lie equally far apart everywhere."""
    return isinstance(jump, int) and found in ((), (jump,))


def steady(row: LayerRow) -> bool:
    """So along each axis."""
    return all(map(_constant, row.jump, row.jumps))


def jump_text(jump: object, found: tuple[int, ...]) -> str:
    """`2`; `mean 1 (0, 2)` where units take turns; `differs (1, 2)` where no mean holds."""
    if _constant(jump, found):
        return minus(jump)
    turns = f" ({', '.join(map(str, found))})" if found else ""
    return minus(f"{'differs' if jump is None else f'mean {jump}'}{turns}")


def jumps(row: LayerRow) -> str:
    """The jump along each axis, said once where all are alike."""
    return ", ".join(dict.fromkeys(map(jump_text, row.jump, row.jumps)))


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


def cards(field: StackField) -> str:
    """The numbers of the last map's units."""
    stack, last = field.stack, field.rows[-1]
    unit = field.middle()
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
    single = int(np.prod(last.size)) * stack.channels**2
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
        ("Centre", each(map(_point, centre)), None, f"of unit ({place}), in pixels", ()),
        ("Padding in view", each(map(big, padding)), None, f"of unit ({place}), along an axis", ()),
        ("Parameters", big(field.parameters), None, f"one layer of {by(last.size)}: {big(single)}", ()),
        ("MACs", big(field.macs), None, f"{learned} with weights; padding counts", ()),
    ]
    return f'<div class="cs-cards cs-rowed">{"".join(_card(*one) for one in shown)}</div>'


def _point(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def minus(value: object) -> str:
    return str(value).replace("-", "−")


def _card(title: str, value: str, agrees: bool | None, hint: str, lines: Sequence[str]) -> str:
    from viz.figures.cards import mathml

    name = title.lower().replace(" ", "_")
    body = (
        f'<span class="cs-title">{title}</span><span class="cs-value">{escape(value)} {mark(agrees)}</span>'
        f'<span class="cs-short cs-wrapped">{escape(hint)}</span>'
    )
    if not lines:
        return f'<div class="cs-card cs-plain" data-number="{name}">{body}</div>'
    formulas = "".join(f"<p>{mathml(line)}</p>" for line in lines)
    # The formula is the next cell of the grid, so that an opened card stays where it is.
    return (
        f'<details class="cs-card" name="cs-stack" data-number="{name}"><summary>{body}</summary></details>'
        f'<div class="cs-panel" data-formula="{name}" tabindex="0" role="region" aria-label="Formula: {title}">'
        f"{formulas}<p>{escape(hint)}.</p></div>"
    )


HEAD = ("no.", "layer", "kernel", "stride", "dilation", "padding", "output size", "receptive field", "jump", "start",
        "parameters", "MACs")  # fmt: skip


def rows_of(field: StackField) -> list[tuple]:
    """The table's cells; the input first."""
    stack = field.stack
    dims = stack.dims
    channels = stack.channels
    rows = [
        ("0", "input", "", "", "", "", f"{channels} × {by(stack.shapes[0])}", by((1,) * dims), "1", "0", "", "")
    ]  # fmt: skip
    for number, row in enumerate(field.rows, 1):
        layer = row.layer
        rows.append(
            (
                str(number),
                f"{LETTERS[layer.kind].lower()}{' + branch' if layer.skip else ''}",
                times(layer.kernel_size, dims).replace("×", " × "),
                times(layer.stride),
                times(layer.dilation),
                times(layer.padding),
                f"{channels} × {by(row.shape)}",
                by(row.size),
                jumps(row),
                each(row.start),
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
    """Step by step, with the current numbers: a fold-out per layer; axes that differ below each other."""
    from viz.figures.cards import mathml

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


# -- theory beside measurement ----------------------------------------------------------------------------------------


def unit_numbers(field: StackField, unit: StackUnit) -> str:
    """HTML: field, jump, start, centre and padding of one unit of the last layer of `field`."""
    last = field.rows[-1]
    place = ", ".join(map(str, unit.index))
    whole = _places(unit.box)
    inside = _places(unit.inside)
    return numbers(
        [
            ("Unit", f"({place})", f"of layer {len(field.rows)}"),
            ("It sees", span_text(unit.box).removeprefix("pixels ").split(" along")[0], "pixels; negative: padding"),
            ("Its centre", each(map(_point, unit.centre)), "in pixels; 0 is the first pixel's middle"),
            ("Its jump", jumps(last), "pixels to its neighbour's field"),
            ("Map's start", each(last.start), "first pixel of unit 0"),
            ("On padding", big(whole - inside), f"of {big(whole)} places of its field"),
        ]
    )


def _places(spans) -> int:
    """Places in a box given by first and last one per axis."""
    return int(np.prod([0 if span is None else span[1] - span[0] + 1 for span in spans]))


def compare(field: StackField, unit: StackUnit) -> str:
    """HTML: the traced box, and the pixels whose gradient is not zero, of the same unit."""
    theory = np.zeros(unit.support.shape)
    inside = tuple(slice(span[0], span[1] + 1) if span else slice(0, 0) for span in unit.inside)
    theory[inside] = 1
    volume = int(theory.sum())
    whole_box = _places(unit.box)
    box = None if None in unit.box else unit.box
    outside = f"; {big(whole_box - volume)} more lie outside, on padding" if whole_box > volume else ""
    told = f"From the graph: {span_text(unit.box)}, {big(volume)} pixels of the input{outside}."
    seen = f"From the gradient: {span_text(unit.measured)}, {big(unit.pixels)} pixels are read."
    most = int(unit.reads.max())
    return maps(
        [
            Map("Theory: the box", theory, box, told),
            Map("Measured: where the gradient is not zero", unit.support.astype(float), box, seen),
            Map(
                "Measured: on how many paths",
                unit.reads,
                box,
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


def why(field: StackField, unit: StackUnit) -> str:
    """One or two sentences: whether theory and gradient say the same for this unit, and if not, why."""
    volume = _places(unit.inside)
    same = all(a == b for a, b in zip(unit.inside, unit.measured, strict=True))
    if volume == unit.pixels == 0:
        return (
            "**Both say: this unit reads nothing.** It lies between the stamps of a transposed layer whose stride is "
            "larger than its kernel, or on padding alone."
        )
    verdict = (
        "**The two boxes agree.**"
        if same
        else "**The two boxes differ.** Some paths of the graph end on padding, so their pixels never arrive."
    )
    holes = volume - unit.pixels
    if holes > 0:
        gaps = any(one.dilation > 1 for axis in range(field.stack.dims) for one in field.stack.along(axis))
        cause = (
            "dilated taps step over them, and no other layer fills the gaps (gridding)"
            if gaps
            else "a stride larger than its kernel steps over them"
        )
        verdict += f" Yet {big(holes)} of the {big(volume)} pixels inside are never read: {cause}."
    if field.measured is None:
        verdict += (
            " Here the gradient is asked at this input size alone: the branch has the length of the layers beside it "
            "at this size and at few others, so no longer strip runs. Every unit of every layer is measured by itself."
        )
    if field.traced.box(unit.index) != unit.inside:
        verdict += " The field reaches past the border: there the unit sees padding."
    notes = [_told(note) for note in field.traced.notes]
    return " ".join([verdict, *notes])


def _told(note: str) -> str:
    """A note of the trace in the page's words."""
    if met := re.match(r"At 'layers\.(\d+)\.add' branches meet", note):
        return (
            f"In layer {int(met[1]) + 1} branches of different jump meet and drift apart: how much a unit sees depends "
            "on the unit, and the numbers above the table are the widest in this image."
        )
    return note.replace("`size` is the widest, `box` is exact", "the receptive field above is the widest")


__all__ = [
    "HEAD", "MOST", "PARAMETERS", "algebra", "cards", "choose_preset", "choose_unit", "compare", "draw", "follow",
    "keep", "layer_table", "mark", "pinned", "read", "rows_of", "scene", "shown_preset", "unit_numbers",
    "unit_shown", "why",
]  # fmt: skip
