"""The layer editor: a control for each setting of a layer, offering only what the layer takes.

Bounds are not written down anywhere: they are found by asking ``LayerSpec`` what it would accept, the other settings
staying as they are. One editor serves all pages; each says under which names its settings stand in the link, what a
bare link means, and which settings it holds fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from models.formulas import extent
from models.layers import KINDS
from models.spec import (
    AXES,
    AXIS_NAMES,
    CHOICES,
    FLAGS,
    QUERY_DEFAULTS,
    SMALLEST,
    SPATIAL,
    LayerSpec,
    SpecError,
    read_settings,
    repair,
)
from models.text import big, quoted, times
from viz import state
from viz.state import Choice, Flag, Whole, spelled

OFFERED = {
    "input_size": 4096,
    "in_channels": 2048,
    "out_channels": 2048,
    "kernel_size": 31,
    "stride": 16,
    "padding": 32,
    "dilation": 16,
    "groups": 2048,
    "output_padding": 15,
    "upscale_factor": 8,
}
"""Largest value that a control offers; a link may hold more, up to what torch takes."""

ORDER = (
    "input_size",
    "kernel_size",
    "in_channels",
    "out_channels",
    "stride",
    "padding",
    "output_padding",
    "dilation",
    "groups",
)
COUNTS = ("in_channels", "out_channels", "groups", "input_size", "upscale_factor")
"""Settings that may take every second or third value: channels in groups, sizes that a factor divides."""
SCALES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
NORMS = (1.0, 2.0, 3.0, 4.0, 8.0)


def parameters_of(spec: LayerSpec, per_axis: bool) -> dict[str, tuple[str, int | None]]:
    """Every control of a layer: its name -> (setting, axis or None)."""
    found: dict[str, tuple[str, int | None]] = {}
    for name in ("input_size", "in_channels", *KINDS[spec.kind].takes):
        if per_axis and name in SPATIAL and spec.dims > 1:
            found |= {f"{name}_{axis}": (name, i) for i, axis in enumerate(AXES[spec.dims])}
        else:
            found[name] = (name, None)
    return found


def value_of(spec: LayerSpec, name: str, axis: int | None) -> Any:
    """The value that one control shows."""
    value = getattr(spec, name)
    if isinstance(value, tuple):
        return value[axis or 0]
    return value if axis is None else 0


@dataclass(frozen=True)
class LayerEditor:
    """The settings of one layer as widgets, in the link and in the session.

    prefix: stands before each name in the link, so that two pages' layers stay apart. Names without it are read too.
    kind: the only kind of layer that the page shows, if it holds it fast.
    bare: what a bare link means, where it is not ``QUERY_DEFAULTS``.
    """

    prefix: str = ""
    kind: str | None = None
    bare: Mapping[str, Any] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Any]:
        """Each setting's value on a bare page."""
        return QUERY_DEFAULTS | ({"kind": self.kind} if self.kind else {}) | dict(self.bare)

    @property
    def names(self) -> tuple[str, ...]:
        """Every parameter of a link that is the layer's."""
        known = [*QUERY_DEFAULTS, "per_axis", *(f"{name}_{axis}" for name in SPATIAL for axis in "dhw")]
        return tuple(dict.fromkeys([self.prefix + name for name in known] + known))

    # -- reading ------------------------------------------------------------------------------------------------------

    def _kept(self) -> tuple[LayerSpec, bool]:
        """The layer that the last run has shown, and whether it had a control for each axis."""
        kept = state.recall(f"{self.prefix}layer")
        return kept or (repair(dict(self._asked({})[0]))[0], False)

    def shown(self) -> LayerSpec:
        """The layer as :meth:`read` last found it, or as it was loaded."""
        return self._kept()[0]

    def _keep(self, spec: LayerSpec, per_axis: bool) -> None:
        state.remember(f"{self.prefix}layer", (spec, per_axis))
        shown = {"dims": spec.dims, "per_axis": per_axis} | ({} if self.kind else {"kind": spec.kind})
        shown |= {key: value_of(spec, *which) for key, which in parameters_of(spec, per_axis).items()}
        state.give({self.prefix + key: value for key, value in shown.items()})

    def load(self, spec: LayerSpec) -> None:
        """Show another layer from now on. For callbacks: presets, files."""
        state.forget(f"{self.prefix}dims_left")
        state.forget(f"{self.prefix}came_from")
        self._keep(spec, any(isinstance(v, tuple) and len(set(v)) > 1 for v in self._values(spec).values()))

    def _values(self, spec: LayerSpec) -> dict[str, Any]:
        return {"input_size": spec.input_size, **spec.settings()}

    def _asked(self, query: Mapping[str, list[str]]) -> tuple[dict[str, Any], list[SpecError]]:
        """Constructor arguments from a link, what it leaves out filled in, and what could not be read."""
        if self.prefix and query.get("kind") == [self.kind]:
            bare: Mapping[str, Any] = {}  # A link to the Playground: what it leaves out has the Playground's default.
        else:
            bare = self.bare
        plain = {name: texts for name, texts in query.items() if not (self.prefix and name.startswith(self.prefix))}
        plain |= {
            name.removeprefix(self.prefix): texts for name, texts in query.items() if name.startswith(self.prefix)
        }
        if self.kind:
            plain["kind"] = [self.kind]
        # Beside settings axis by axis, this is what the axes have that the link leaves out.
        for name, value in bare.items():
            plain.setdefault(name, [spelled(value)])
        return read_settings(plain)

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        """Take the layer over from a link; a sentence for each thing that could not be."""
        spec, per_axis, told = self.of_link(query)
        self._keep(spec, per_axis)
        return told

    def of_link(self, query: Mapping[str, list[str]]) -> tuple[LayerSpec, bool, list[str]]:
        """The layer that a link asks for, whether it has a control for each axis, and a sentence for each thing that
        could not be taken over."""
        mine = {name: texts for name, texts in query.items() if name in self.names}
        asked, unread = self._asked(mine)
        spec, refused = repair(asked)
        told = [f"{error.field}: {error.message}{_used(spec, error.field)}" for error in (*unread, *refused)]
        taken = ("input_size", "in_channels", "kind", "dims", "per_axis", *KINDS[spec.kind].takes)
        for name, texts in mine.items():
            plain = _plain(name.removeprefix(self.prefix))
            if self.kind and name == "kind" and texts != [self.kind]:
                told.append(
                    f"This page shows {KINDS[self.kind].title.lower()}s alone: kind = {quoted(texts[-1])} is left out."
                )
            elif plain not in taken:
                told.append(f"{name}: {KINDS[spec.kind].title} has no such setting; it is left out.")
        per_axis = mine.get(f"{self.prefix}per_axis", mine.get("per_axis", ["false"]))
        if per_axis not in (["true"], ["false"]):
            told.append(f"per_axis: {quoted(per_axis[-1])} is neither true nor false: it is left out.")
        uneven = any(isinstance(v, tuple) and len(set(v)) > 1 for v in self._values(spec).values())
        return spec, uneven or per_axis == ["true"], list(dict.fromkeys(told))

    def query(self) -> dict[str, str]:
        """What the link says of the layer: each control that does not stand at its default."""
        (spec, per_axis), defaults = self._kept(), self.defaults
        shown = {} if self.kind or spec.kind == defaults["kind"] else {"kind": spec.kind}
        shown |= {} if spec.dims == defaults["dims"] else {"dims": str(spec.dims)}
        shown |= {"per_axis": "true"} if per_axis else {}
        for key, (name, axis) in parameters_of(spec, per_axis).items():
            if (value := value_of(spec, name, axis)) != defaults[name]:
                shown[key] = spelled(value)
        return {self.prefix + key: text for key, text in shown.items()}

    def read(self) -> LayerSpec:
        """The layer that the widgets ask for; call it before the first is drawn.

        A value that the layer does not take, the others being as they are, moves to the nearest that it does; what the
        visitor has just changed stays.
        """
        (last, was_per_axis) = self._kept()
        kind = self.kind or self._now("kind", last.kind)
        dims, per_axis = self._dims(last, kind), bool(self._now("per_axis", was_per_axis))
        asked: dict[str, Any] = {}
        for key, (name, axis) in parameters_of(last, was_per_axis).items():
            value = self._now(key, value_of(last, name, axis))
            asked[name] = value if axis is None else (*asked.get(name, ()), value)
        touched = tuple(name for name, value in asked.items() if _differs(getattr(last, name), value))
        if not per_axis:
            asked = {name: value[-1] if isinstance(value, tuple) else value for name, value in asked.items()}
        if kind != last.kind:
            asked = self._of_kind(kind, dims, last, asked)
        asked = _for_kind(asked, kind, dims)
        try:
            spec = last.change(kind=kind, dims=dims, **asked)
        except SpecError:
            spec, errors = last.nearest(kind=kind, dims=dims, **asked)
            if kind == last.kind and dims == last.dims and touched:
                rest = {"kind": kind, "dims": dims, "input_size": last.input_size, "in_channels": last.in_channels}
                spec, errors = repair(rest | asked, keep=touched)
            if kind == last.kind:
                state.tell(*(f"{error.field}: {error.message}" for error in errors))
        if kind != last.kind:
            state.remember(f"{self.prefix}came_from", (last, spec))
        self._keep(spec, per_axis)
        return spec

    def _of_kind(self, kind: str, dims: int, last: LayerSpec, asked: dict[str, Any]) -> dict[str, Any]:
        """What is asked of another kind of layer than the last, which asked for ``asked``."""
        before, began = state.recall(f"{self.prefix}came_from") or (last, None)
        if before.kind == kind and began == last:
            # There and back, with nothing touched between: all is as it was.
            return self._values(before)
        # What the visitor never touched starts anew, or a small input that suited one kind would starve the next.
        fresh = [name for name in asked if self._untouched(last, name)]
        asked |= {name: KINDS[kind].start.get(name, QUERY_DEFAULTS[name]) for name in fresh}
        asked |= {name: v for name, v in KINDS[kind].start.items() if self._untouched(last, name)}
        # What the last kind did not have is what the control of it held before.
        for name in KINDS[kind].takes:
            if name not in asked and name not in SPATIAL:
                asked[name] = self._now(name, self.defaults[name])
        if last.nearest(kind=kind, dims=dims, **_for_kind(asked, kind, dims))[1]:
            asked |= KINDS[kind].start
        return asked

    def _now(self, key: str, otherwise: Any) -> Any:
        value = state.heard(self.prefix + key)
        return otherwise if value is None else value

    def _dims(self, last: LayerSpec, kind: str) -> int:
        """How many dimensions the layer gets. A kind without the chosen number lends its own, until the next kind."""
        dims, left = self._now("dims", last.dims), f"{self.prefix}dims_left"
        if kind != last.kind:
            lender, chosen = state.recall(left) or (None, dims)
            dims = chosen if lender == last.kind else dims
            state.forget(left)
        elif dims != last.dims:
            state.forget(left)
        if dims in KINDS[kind].dims:
            return dims
        state.remember(left, (kind, dims))
        return min(KINDS[kind].dims, key=lambda d: abs(d - dims))

    def _untouched(self, last: LayerSpec, name: str) -> bool:
        """Whether a setting still has the value that its kind or a bare page begins with, or did not exist for it."""
        if name not in ("input_size", "in_channels", *KINDS[last.kind].takes):
            return True
        value = getattr(last, name)
        value = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        return value in (self.defaults[name], KINDS[last.kind].start.get(name))

    # -- drawing ------------------------------------------------------------------------------------------------------

    def draw(self, spec: LayerSpec) -> None:
        """All controls of the layer, in two columns, and the reason for each one that has nothing to choose."""
        # A grid of the style sheet, not st.columns: three messages a row fewer in every run.
        with st.container(key="settings"):
            self._draw(spec)

    def _draw(self, spec: LayerSpec) -> None:
        kind, prefix = KINDS[spec.kind], self.prefix
        if self.kind is None:
            titles = {name: each.title for name, each in KINDS.items()}
            Choice(f"{prefix}kind", spec.kind, "Layer", kind.prose, titles).draw()
        Choice(f"{prefix}dims", spec.dims, "Dimensions", None, (1, 2, 3), "segmented_control").draw(kind.dims)
        # Never grey: a toggle that turns grey while a click on it is under way stands at off, with the click counted.
        Flag(f"{prefix}per_axis", False, "Per axis", "One value for each axis; in 1-D there is one.").draw()
        controls = parameters_of(spec, self._kept()[1])
        rows: dict[str, list[str]] = {}
        for key, (name, _) in controls.items():
            rows.setdefault(name, []).append(key)
        single = [keys[0] for keys in rows.values() if len(keys) == 1]
        single.sort(key=lambda key: ORDER.index(controls[key][0]) if controls[key][0] in ORDER else len(ORDER))
        lines = [keys for keys in rows.values() if len(keys) > 1]
        lines += [single[i : i + 2] for i in range(0, len(single), 2)]
        for keys in lines:
            with st.container(key=f"three_{prefix}{keys[0]}") if len(keys) == 3 else nullcontext():
                reasons = [self._control(spec, key, *controls[key]) for key in keys]
            if any(reasons):
                st.caption("  \n".join(filter(None, reasons)))

    def _control(self, spec: LayerSpec, key: str, name: str, axis: int | None) -> str | None:
        """Draw one control; returns the reason if there is nothing to choose."""
        label, now, key, kind = (
            _label(name, axis, spec),
            value_of(spec, name, axis),
            self.prefix + key,
            KINDS[spec.kind],
        )
        if name in FLAGS:
            flip = spec.refusal(name, not now)
            Flag(key, now, label, kind.help(name)).draw(disabled=flip is not None)
            return f"`{name}`: {_short(flip.message)}" if flip else None
        options = allowed(spec, name, axis)
        if name == "padding" and axis is None and kind.padding_words:
            options = [*options, *(word for word in ("same", "valid") if spec.allows("padding", word))]
        elif name in COUNTS and name not in ("groups", "upscale_factor"):
            options = stepped(options)
        elif name == "upscale_factor":
            options = list(options)
        only, hint = len(options) == 1, kind.help(name) + _why(spec, name, axis, options)
        # A control stays of one sort, so that it stays itself.
        if isinstance(options, list):
            Choice(key, now, label, hint, options).draw(disabled=only)
        else:
            Whole(key, now, label, hint, options[0], options[-1]).draw(step=options.step, disabled=only)
        return _reason(spec, name, axis, options) if only else None


def in_short(spec: LayerSpec, named: bool = True, beside: LayerSpec | None = None) -> str:
    """The layer in one line: its kernel, stride and padding, and what else is not as usual, or not as in the layer
    ``beside`` it; without its name where the page says it."""
    parts, settings = [KINDS[spec.kind].title if named else ""], spec.settings()
    other = beside or spec
    channels = spec.in_channels, settings.pop("out_channels", spec.in_channels)
    if spec.input_size != other.input_size:
        settings = {"input_size": spec.input_size} | settings
    for name, value in settings.items():
        each = value if isinstance(value, tuple) else (value,)
        text = times(each, "×") if name in ("input_size", "kernel_size") or len(set(each)) > 1 else spelled(each[0])
        if name == "kernel_size":
            parts[0] = f"{parts[0]} {text}".strip()
        elif value is True:
            parts.append(name.replace("_", " "))
        elif name in ("stride", "padding") or each[0] != QUERY_DEFAULTS[name] or value != getattr(other, name):
            parts.append(f"{name.replace('_', ' ')} {text}")
    if channels != (1, 1) or (spec.in_channels, spec.out_channels) != (other.in_channels, other.out_channels):
        parts.append(f"{times(dict.fromkeys(channels), ' → ')} channel{'s' * (channels != (1, 1))}")
    return " · ".join(filter(None, parts))


def _plain(name: str) -> str:
    """A parameter without the axis that it may end in."""
    return name.removesuffix("_d").removesuffix("_h").removesuffix("_w")


def _used(spec: LayerSpec, field: str) -> str:
    """What a link's value gave way to, as the end of a sentence."""
    name = _plain(field)
    value = (
        getattr(spec, name, None)
        if name in ("kind", "dims", "input_size", "in_channels", *KINDS[spec.kind].takes)
        else None
    )
    if isinstance(value, tuple):
        value = value[0] if len(set(value)) == 1 else " × ".join(map(str, value))
    return "" if value is None else f" Shown: {big(value) if type(value) is int else spelled(value)}."


def _differs(now: Any, value: Any) -> bool:
    if isinstance(now, tuple) and not isinstance(value, tuple):
        return any(n != value for n in now)
    return now != value


def _for_kind(asked: dict[str, Any], kind: str, dims: int) -> dict[str, Any]:
    """The settings that the kind takes, as many values as there are axes."""
    fit = {n: v for n, v in asked.items() if n in ("input_size", "in_channels", *KINDS[kind].takes)}
    for name, value in fit.items():
        if isinstance(value, tuple) and len(value) != dims:
            fit[name] = value[-dims:] if dims < len(value) else (*value[:1] * (dims - len(value)), *value)
    if isinstance(fit.get("padding"), str) and not KINDS[kind].padding_words:
        fit["padding"] = 0
    return fit


def allowed(spec: LayerSpec, name: str, axis: int | None) -> range | list[Any]:
    """What the layer takes for one setting, the others staying as they are, among what the control offers.

    A range if every number between its ends works, else a list.
    """
    if name in CHOICES:
        return [c for c in CHOICES[name] if spec.allows(name, c)]
    now = value_of(spec, name, axis)
    if name in ("scale_factor", "norm_type"):
        usual = SCALES if name == "scale_factor" else NORMS
        return sorted(v for v in {*usual, now} if spec.allows(name, v, axis))
    least, top = SMALLEST.get(name, 1), max(OFFERED[name], now if isinstance(now, int) else 0)
    now = now if isinstance(now, int) else least
    works = lambda v: v == now or spec.allows(name, v, axis)  # noqa: E731
    if name not in COUNTS:
        return range(_last(works, now, least), _last(works, now, top) + 1)
    if name != "groups" and all(works(v) for v in (now + 1, now + 2, now + 3) if v <= top) and works(top):
        return range(_last(works, now, least), top + 1)
    reach = min(top, spec.in_channels) if name == "groups" else top
    tried = {*range(1, 65), now, *(2**k for k in range(6, 13)), *(3 * 2**k for k in range(5, 11)), reach}
    return sorted(v for v in tried if v <= reach and works(v))


def stepped(options: range | list[int]) -> range | list[int]:
    """A list in which every second, third … number works, as a range with that step; anything else as it is."""
    if isinstance(options, range) or len(options) < 2:
        return options if isinstance(options, range) else range(options[0], options[0] + 1)
    step = options[1] - options[0]
    even = all((option - options[0]) % step == 0 for option in options)
    return range(options[0], options[-1] + 1, step) if even else options


def _last(works, inside: int, limit: int) -> int:
    """The last value from ``inside`` towards ``limit`` that works, if those in between do."""
    if works(limit):
        return limit
    while abs(limit - inside) > 1:
        middle = (inside + limit) // 2
        inside, limit = (middle, limit) if works(middle) else (inside, middle)
    return inside


def _label(name: str, axis: int | None, spec: LayerSpec) -> str:
    return name if axis is None else f"{name}, {AXIS_NAMES[AXES[spec.dims][axis]]}"


def _reason(spec: LayerSpec, name: str, axis: int | None, options: list) -> str:
    """Why there is nothing to choose, in a few words; the whole sentence is the control's help."""
    only, label = options[0], _label(name, axis, spec)
    if name == "groups":
        both = sorted({spec.in_channels, spec.out_channels})
        what = "1 channel cannot be split" if both[0] == 1 else f"{both[0]} and {both[-1]} channels have no divisor"
        return f"`{label}`: {what}"
    if name == "dilation" and only == 1:
        axes = range(spec.dims) if axis is None else (axis,)
        spans = [(extent(spec.kernel_size[i], 2), spec.input_size[i] + sum(spec.pads[i])) for i in axes]
        reach, room = max(spans, key=lambda span: span[0] - span[1])
        if reach > room:
            return f"`{label}`: 2 would span {reach} cells, there are {room}"
    refusal = spec.refusal(name, only + 1, axis) if isinstance(only, int) else None
    return f"`{label}`: {_short(refusal.message) if refusal else 'nothing else goes with the other settings'}"


def _short(message: str) -> str:
    """What is wrong, without what would be right."""
    return message.partition(":")[0].rstrip(".")


def _why(spec: LayerSpec, name: str, axis: int | None, options: range | list) -> str:
    """Why the control ends where it ends, if the layer is what ends it."""
    most = next((each for each in reversed(options) if isinstance(each, int)), None)
    if most is None or most >= OFFERED.get(name, 0):
        return ""
    refusal = spec.refusal(name, most + 1, axis)
    return f" At most {most} here: {refusal.message}" if refusal else ""
