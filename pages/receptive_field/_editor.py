"""The stack that a page shows: read from the link, typed as text, edited layer by layer, or taken from an example.

The text owns the layers. The controls of one layer are views of it: each shows what the text says, and a choice in it
writes the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import streamlit as st

from models import layers
from models.stack import (
    LETTERS,
    MAX_CHANNELS,
    MAX_LAYERS,
    MAX_SIZE,
    MAX_TEXT,
    PER_AXIS,
    PRESETS,
    Stack,
    StackError,
    StackLayer,
    read_layers,
    read_stack,
    sizes,
)
from models.text import big
from pages._question import Asking, Question
from pages.receptive_field._questions import FIELD_OF_THREE, MARK
from pages.receptive_field._stack import NAMES
from pages.receptive_field._unit import Unit
from viz import state
from viz.controls.layer import stepped
from viz.state import Choice, Flag, Text, Whole

START = PRESETS["three"]

TEXT = Text(
    "layers",
    START.text,
    "As text",
    "c convolution, t transposed, m max-pooling, a average-pooling; then the kernel size, s stride, p padding "
    "(ps: same, pc: causal), d dilation; r adds a branch from so many layers back (r2c: cropped), u concatenates it.",
)
DIMS = Choice(
    "dims", START.dims, "Dimensions", None, {1: "1-D", 2: "2-D"}, "segmented_control", key="stack_dims"
)  # fmt: skip
SIZE = Whole(
    "size", START.size, "size", "Pixels of the input along each axis (W).", 1, max(MAX_SIZE.values())
)  # fmt: skip
CHANNELS = Whole(
    "channels",
    START.channels,
    "channels",
    "Of the input, and out of every layer (C). Weights grow with C², the field does not.",
    1,
    MAX_CHANNELS,
)
APART = Flag("apart", False, "Rows and columns apart", "A kernel of 3×1, a stride of 2 along the rows alone, …")
PARTS = (TEXT, DIMS, SIZE, CHANNELS)

SETTINGS = ("kind", "kernel_size", "stride", "padding", "dilation", "skip")
OFFERED = {"kernel_size": 15, "stride": 8, "padding": 16, "dilation": 16}
HINTS = {
    "kind": "What the layer is.",
    "kernel_size": "Taps along each axis (F). 1 makes a 1×1 layer.",
    "stride": "Step from one window to the next (S).",
    "padding": "Cells added on each side (P); “same” keeps the size, “causal” adds all of them before.",
    "dilation": "Distance between neighbouring taps (D).",
    "skip": "Adds what came in so many layers back, or concatenates its channels; 1 is this layer's own input. Where "
    "the layers between have a stride, or channels that are added differ, a 1×1 layer stands on the branch. Cropped: "
    "its middle is taken instead, as in U-Net; if there is a stride between, the two then drift apart.",
}
NOT_CONVOLUTION = {"t": "transposed", "m": "max_pool", "a": "avg_pool"}
"""The kinds of ``models.layers`` whose settings mean something of their own here too."""


# -- what is shown ----------------------------------------------------------------------------------------------------


class Shown:
    """The stack on the screen as the link says it; for ``state.take``."""

    names = tuple(one.name for one in PARTS)

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        state.forget("stack")
        return [sentence for one in PARTS for sentence in one.take(query)]

    def query(self) -> dict[str, str]:
        stack = state.recall("stack")
        if stack is None:  # a link's own, which did not fit: it stays to be mended
            return _query(tuple(one.value for one in PARTS))
        text, *rest = _values(stack)
        return _query((text if state.recall("misfit") else TEXT.value, *rest))


class Example(Shown):
    """The stack as a question brings it: its first layer is edited, and the middle of its last map looked at."""

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        told = super().take(query)
        edited(stack := read()).give(1)
        Unit(stack).reset()
        return told


class Layers:
    """Which layer is edited and which unit looked at, of the stack on the screen; for ``state.take``, after it."""

    names = ("layer", *Unit.names)

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        stack = read()
        return [*edited(stack).take(query), *Unit(stack).take(query)]

    def query(self) -> dict[str, str]:
        stack = state.recall("stack") or START.stack
        return edited(stack).query() | Unit(stack).query()


def read() -> Stack:
    """The stack that the settings ask for. Where there is no such stack, the visitor's values stay, and so does the
    last one that there was: the editor says why."""
    good: Stack | None = state.recall("stack")
    dims, text = DIMS.value, TEXT.value
    if SIZE.value > MAX_SIZE[dims]:
        if state.link_counts():
            state.tell(f"size: {SIZE.value} pixels are too many in {dims}-D; {MAX_SIZE[dims]} are shown.")
        SIZE.give(MAX_SIZE[dims])
    if len(text) > MAX_TEXT:
        before = good or START.stack
        state.tell(
            f"The text of the stack was {len(text)} characters long; {MAX_TEXT} are read. You see "
            f"{'the stack from before' if good else before.to_text()}."
        )
        TEXT.give(before.to_text())
    misfit = ""
    try:
        stack = _asked()
    except StackError as error:
        stack = good or START.stack
        misfit = f"{error.message}{_would_fit()} Until then you see {stack.to_text()} on {stack.size} pixels."
    longer = good is None or len(stack.layers) > len(good.layers)
    # Of another stack, too, the middle is looked at until somebody chooses another unit.
    if not misfit and not state.link_counts() and (longer or Unit(good).in_middle):
        Unit(stack).reset()
    state.remember("stack", stack if good or not misfit else None)
    state.remember("misfit", misfit)
    return stack


def _asked() -> Stack:
    return read_stack(TEXT.value, DIMS.value, SIZE.value, CHANNELS.value)


def _would_fit() -> str:
    """At which sizes the text would do, as a sentence; nothing if at none."""
    try:
        found = sizes(read_layers(TEXT.value, DIMS.value), DIMS.value)
    except StackError:
        return ""
    if not found:
        return ""
    even = found if isinstance(found, range) else stepped(list(found))
    steps = f", in steps of {even.step}" if isinstance(even, range) and even.step > 1 else ""
    return f" It fits on {big(found[0])} to {big(found[-1])} pixels{steps}."


def _values(stack: Stack) -> tuple[str, int, int, int]:
    """What ``PARTS`` hold where they ask for this stack."""
    return stack.to_text(), stack.dims, stack.size, stack.channels


def _query(values: tuple[str, int, int, int]) -> dict[str, str]:
    """What the link says where ``PARTS`` hold these values."""
    return {one.name: one.spell(value) for one, value in zip(PARTS, values, strict=True) if value != one.default}


def show(stack: Stack, chosen: int | None = None) -> None:
    """Show this stack from now on, and edit its layer ``chosen``."""
    state.remember("stack", stack)
    state.remember("misfit", "")
    state.give({one.at: value for one, value in zip(PARTS, _values(stack), strict=True)})
    if chosen:
        edited(stack).give(chosen)


def edited(stack: Stack) -> Choice:
    """The layer whose controls are drawn."""
    numbers = range(1, len(stack.layers) + 1)
    return Choice("layer", 1, "Layers, from the input", None, numbers, "radio")


QUESTIONS = (
    FIELD_OF_THREE,
    MARK,
    *(
        Question(
            each.id, each.title, each.question, each.options, each.answer, each.explanation, each.wrong,
            _query(_values(each.stack)),
        )
        for each in PRESETS.values()
    ),
)  # fmt: skip


def asking() -> Asking:
    """The questions about the worked examples, each of which brings its own on screen."""
    return Asking("receptive-field", QUESTIONS, (Example(),))


# -- editing: for callbacks -------------------------------------------------------------------------------------------


def _current() -> tuple[Stack, int]:
    """The stack and the number of the layer that the visitor's values ask for now."""
    state.catch_up()
    try:
        stack = _asked()
    except StackError:
        stack = state.recall("stack") or START.stack
    return stack, min(edited(stack).value, len(stack.layers))


def _edit(action: str) -> None:
    """Change the list of layers; a change that gives no valid stack is told and left out."""
    stack, number = _current()
    changed, at = list(stack.layers), number - 1
    other = at + {"up": -1, "down": 1}.get(action, 0)
    if action in ("add", "copy"):
        changed.insert(at + 1, _next_layer(stack) if action == "add" else changed[at])
        number += 1
    elif action == "remove":
        if len(changed) == 1:  # a click that came late
            return
        del changed[at]
        number = min(number, len(changed))
    elif 0 <= other < len(changed):
        changed[at], changed[other] = changed[other], changed[at]
        number = other + 1
    _try(stack, changed, number)


def _next_layer(stack: Stack) -> StackLayer:
    """A 3-tap convolution that fits whatever arrives: padded if there is no room."""
    return StackLayer("c", 3, padding=0 if min(stack.shapes[-1]) >= 5 else 1)


def _try(stack: Stack, changed: list[StackLayer], chosen: int) -> None:
    try:
        # A branch that began further back than there are layers now begins at the input.
        changed = [replace(one, skip=min(one.skip, i)) for i, one in enumerate(changed, 1)]
        after = replace(stack, layers=tuple(changed))
    except StackError as error:
        state.remember("refused", error.message)
        return
    show(after, chosen)
    if len(changed) > len(stack.layers):
        Unit(after).reset()


def _set(name: str, number: int, axis: int | None) -> None:
    """Take over one setting of one layer, along one axis or along all."""
    stack, chosen = _current()
    if number > len(stack.layers) or (axis or 0) >= stack.dims:
        return
    control, before = _control(stack, number, name, axis), stack.layers[number - 1]
    value = control.value
    if value in control.options and value != _now(before, name, axis):
        changed = list(stack.layers)
        changed[number - 1] = _with(before, name, axis, value)
        _try(stack, changed, chosen)


def _join() -> None:
    """Of the switch: without it, columns take over what rows have."""
    stack, number = _current()
    if not APART.value:
        changed = list(stack.layers)
        changed[number - 1] = changed[number - 1].along(0)
        _try(stack, changed, number)


# -- one setting of one layer -----------------------------------------------------------------------------------------


def _with(layer: StackLayer, name: str, axis: int | None, value: Any) -> StackLayer:
    if name == "kind":
        return _of_kind(layer, value)
    if name == "skip":
        back = next((int(word) for word in value.split() if word.isdigit()), 0)
        return replace(layer, skip=back, crop=value.endswith("cropped"), concat=value.startswith("concat"))
    return replace(layer, **{name: value}) if axis is None else layer.with_axis(name, axis, value)


def _now(layer: StackLayer, name: str, axis: int | None) -> Any:
    """The value that a setting's control shows."""
    if name == "skip":
        return _branch(layer.skip, layer.crop, layer.concat)
    return getattr(layer if axis is None else layer.along(axis), name)


def _branch(back: int, crop: bool, concat: bool) -> str:
    """A branch as its control spells it."""
    return f"{'concat' if concat else 'add'} {back} back{', cropped' * crop}" if back else "none"


def _of_kind(before: StackLayer, kind: str) -> StackLayer:
    """The layer as another kind: settings that the kind does not take go to its usual ones."""
    after = replace(before, kind=kind)
    if kind in "ma":
        return replace(after, kernel_size=2, stride=2, padding=0, dilation=1)
    padding = 0 if isinstance(before.padding, str) else before.padding
    if before.pool:
        return replace(after, kernel_size=3, stride=1, padding=1 if kind == "c" else 0)
    return after if kind == "c" else replace(after, padding=padding)


@lru_cache(maxsize=512)
def _options(stack: Stack, number: int, name: str, axis: int | None) -> tuple:
    """The values of one setting that give a valid stack, among what is offered."""
    now = _now(stack.layers[number - 1], name, axis)
    if name == "skip":
        backs = [
            (n, crop) for crop in (False, True) for n in range(1, number + 1) if not crop or _cuts(stack, number, n)
        ]
        values = ["none", *(_branch(*back, concat) for concat in (False, True) for back in backs)]
    else:
        values = list(range(0 if name == "padding" else 1, OFFERED[name] + 1))
    if name == "padding":
        values += ["same", "causal"] if stack.dims == 1 else ["same"]
    values = [v for v in values if v == now or _works(stack, number, name, axis, v)]
    return tuple(values if now in values else [*values, now])


def _cuts(stack: Stack, number: int, back: int) -> bool:
    """A branch from so far back has something to crop."""
    return stack.shapes[number - back] != stack.shapes[number]


def _works(stack: Stack, number: int, name: str, axis: int | None, value: Any) -> bool:
    changed = list(stack.layers)
    try:
        changed[number - 1] = _with(changed[number - 1], name, axis, value)
        replace(stack, layers=tuple(changed))
    except StackError:
        return False
    return True


def _control(stack: Stack, number: int, name: str, axis: int | None) -> Choice:
    """The control of one setting; another layer has others, so that none has to be told another value."""
    layer, along = stack.layers[number - 1], "" if axis is None else f"_{NAMES[axis]}"
    title = {"skip": "branch"}.get(name, name) + along.replace("_", ", ")
    options = LETTERS if name == "kind" else _options(stack, number, name, axis)
    return Choice(f"layer{number}_{name}{along}", _now(layer, name, axis), title, _hint(layer.kind, name), options)


def _hint(kind: str, name: str) -> str:
    if kind in NOT_CONVOLUTION and name in PER_AXIS:
        return layers.KINDS[NOT_CONVOLUTION[kind]].help(name)
    return HINTS[name]


# -- drawing ----------------------------------------------------------------------------------------------------------


def draw(stack: Stack) -> None:
    """All controls of the stack."""
    DIMS.draw()
    left, right = st.columns(2, gap="small")
    with left:
        _draw_size(stack)
    with right:
        CHANNELS.draw()
    described = [layer.describe(stack.dims) for layer in stack.layers]
    with st.container(key="stack_layers"):
        number = edited(stack).draw(captions=described)
    _buttons(stack, number)
    _settings(stack, number)
    if refused := state.recall("refused"):
        st.warning(state.literal(refused), icon=":material/block:")
        state.forget("refused")
    TEXT.draw()
    if misfit := state.recall("misfit"):
        st.warning(state.literal(misfit), icon=":material/block:")


def _draw_size(stack: Stack) -> None:
    """The size, as far as the layers take it; all that there are while the visitor's values give no stack."""
    if state.recall("misfit"):
        SIZE.draw(high=MAX_SIZE[DIMS.value])
        return
    found = sizes(stack.layers, stack.dims)
    even = found if isinstance(found, range) else stepped(list(found))
    SIZE.draw(found[0], found[-1], even.step if isinstance(even, range) else 1)


def _buttons(stack: Stack, number: int) -> None:
    full, last = len(stack.layers) >= MAX_LAYERS, len(stack.layers)
    with st.container(key="stack_buttons", horizontal=True, gap="xsmall"):
        many = f"A stack has at most {MAX_LAYERS} layers."
        for action, icon, label, off, why in (
            ("add", "add", "Add a layer after this one", full, many),
            ("copy", "content_copy", "Duplicate this layer", full, many),
            ("up", "arrow_upward", "Move this layer towards the input", number == 1, "This is the first layer."),
            ("down", "arrow_downward", "Move this layer towards the output", number == last, "This is the last layer."),
            ("remove", "delete", "Remove this layer", last == 1, "A stack has at least one layer."),
        ):
            st.button(
                action.capitalize(), key=f"stack_{action}", icon=f":material/{icon}:", help=why if off else label,
                disabled=off,
                on_click=_edit, args=(action,),
            )  # fmt: skip


def _settings(stack: Stack, number: int) -> None:
    layer = stack.layers[number - 1]
    if not layer.alike:
        APART.give(True)
    if stack.dims == 2 and APART.value:
        pairs = [[("kind", None), ("skip", None)], *([(name, 0), (name, 1)] for name in PER_AXIS)]
    else:
        pairs = [[(name, None) for name in SETTINGS[i : i + 2]] for i in (0, 2, 4)]
    for pair in pairs:
        for column, (name, axis) in zip(st.columns(2), pair, strict=True):
            control = _control(stack, number, name, axis)
            control.give(control.default)
            only = len(control.options) == 1
            why = {"help": f"{control.help} Here no other value fits."} if only else {}
            with column:
                control.draw(disabled=only, on_change=_set, args=(name, number, axis), **why)
    if stack.dims == 2:
        APART.draw(on_change=_join)
