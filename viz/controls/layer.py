"""Controls that follow from the registry: a widget per setting, offering only what the layer takes.

Bounds are not written down anywhere: they are found by asking ``LayerSpec`` what it would accept, the other settings
staying as they are.

The page writes its URL itself, once a run, from what it shows. ``bind="query-params"`` would do it control by control,
and then a preset that sets a control back to its default leaves the old value in the URL, a control that has just
appeared leaves none, and after the back button the layer is read before the controls have followed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import streamlit as st

from models.formulas import extent
from models.layers import KINDS
from models.spec import (
    AXES,
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
from models.text import quoted
from viz import given
from viz.url import no_setting, went_back

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

ORDER = ("input_size", "kernel_size", "in_channels", "out_channels", "stride", "padding", "dilation", "groups")
COUNTS = ("in_channels", "out_channels", "groups", "input_size", "upscale_factor")
"""Settings that may take every second or third value: channels in groups, sizes that a factor divides."""
AXIS_NAMES = {"d": "depth", "h": "height", "w": "width"}
SCALES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
NORMS = (1.0, 2.0, 3.0, 4.0, 8.0)
FIXED = ("kind", "dims", "per_axis")


@dataclass(frozen=True)
class Reading:
    """What the controls and the URL say: the layer, and a sentence for each thing that could not be taken over.

    ``linked``: it comes from the URL, by a link or by the browser's back button.
    """

    spec: LayerSpec
    told: tuple[str, ...] = ()
    linked: bool = False


def parameters_of(spec: LayerSpec, per_axis: bool) -> dict[str, tuple[str, int | None]]:
    """Every control of a layer: its key, which is the URL parameter -> (setting, axis or None)."""
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


def read(known: tuple[str, ...] = ()) -> Reading:
    """The layer that this session shows now. Call it first, before any control is drawn.

    The first run takes it from the URL, later ones from the controls; what the layer does not take moves to the
    nearest value that it does. ``known`` names the page's other URL parameters.
    """
    state = st.session_state
    last: LayerSpec | None = state.get("_spec")
    # Another page clears the URL, and Streamlit forgets its controls meanwhile: the session still knows the layer.
    away = "kind_choice" not in state
    linked = last is None or went_back() or (away and bool(_in_url()))
    if linked:
        given.forget()
    reading = _from_url(known) if linked else _from_controls(last)
    _keep(reading.spec)
    return reading


def _in_url() -> dict[str, list[str]]:
    """The URL's parameters, without the frame's own."""
    return {name: st.query_params.get_all(name) for name in st.query_params if name != "present"}


def write_url(query: dict[str, str], stay: Callable[[str], bool]) -> None:
    """Make the URL say ``query``, besides the parameters that ``stay``."""
    now = {name: st.query_params.get_all(name) for name in st.query_params}
    wanted = {n: v for n, v in now.items() if stay(n)} | {n: [v] for n, v in query.items()}
    if wanted != now or wanted != st.session_state.get("_said", now):
        # A new run may stop this one while it writes: what has not been said is said next time.
        st.session_state["_said"] = None
        st.query_params.from_dict(wanted)
        st.session_state["_said"] = wanted


def _plain(name: str) -> str:
    """A parameter without the axis that it may end in."""
    return name.removesuffix("_d").removesuffix("_h").removesuffix("_w")


def _from_url(known: tuple[str, ...]) -> Reading:
    query = _in_url()
    asked, unread = read_settings(query)
    spec, refused = repair(asked)
    told = [
        f"{error.field}: {error.message}{'' if error.message.endswith('is used.') else _used(spec, error.field)}"
        for error in unread
    ]
    told += [f"{error.field}: {error.message}{_used(spec, error.field)}" for error in refused]
    settings = {*QUERY_DEFAULTS, *FIXED, *known}
    for name in query:
        if _plain(name) not in settings and not name.startswith("embed"):
            told.append(no_setting(name, sorted(settings)))
    taken = ("input_size", "in_channels", *KINDS[spec.kind].takes)
    for name in query:
        if _plain(name) in QUERY_DEFAULTS and _plain(name) not in (*taken, *FIXED):
            told.append(f"{name}: {KINDS[spec.kind].title} has no such setting; it is left out.")
    if query.get("per_axis", ["true"]) not in (["true"], ["false"]):
        told.append(f"per_axis: {quoted(query['per_axis'][-1])} is neither true nor false: it is left out.")
    state = st.session_state
    uneven = any(isinstance(v, tuple) and len(set(v)) > 1 for v in spec.settings().values())
    uneven |= len(set(spec.input_size)) > 1
    state["per_axis"] = uneven or query.get("per_axis") == ["true"]
    return Reading(spec, tuple(dict.fromkeys(told)), linked=True)


def _used(spec: LayerSpec, field: str) -> str:
    """What a link's value gave way to, as the end of a sentence."""
    name = _plain(field)
    value = getattr(spec, name, None) if name in ("input_size", "in_channels", *KINDS[spec.kind].takes) else None
    if isinstance(value, tuple):
        value = value[0] if len(set(value)) == 1 else " × ".join(map(str, value))
    return "" if value is None else f" Shown: {shown(value)}."


def _from_controls(last: LayerSpec) -> Reading:
    state = st.session_state
    given.heard(_shown(last, state.get("_per_axis", False)))
    kind, dims = state.get("kind_choice", last.kind), _dims(last)
    asked: dict[str, Any] = {}
    per_axis = state.get("per_axis", state.get("_per_axis", False))
    for key, (name, axis) in parameters_of(last, state.get("_per_axis", per_axis)).items():
        value = state.get(key, value_of(last, name, axis))
        value = value_of(last, name, axis) if value is None else value
        if axis is None:
            asked[name] = value
        elif isinstance(asked.setdefault(name, ()), tuple):
            asked[name] = (*asked[name], value)
    touched = tuple(n for n, v in asked.items() if _differs(getattr(last, n), v))
    if not per_axis:
        asked = {n: v[-1] if isinstance(v, tuple) else v for n, v in asked.items()}
    if kind != last.kind:
        # What the visitor never touched starts anew, or a small input that suited one kind would starve the next.
        asked |= {n: KINDS[kind].start.get(n, QUERY_DEFAULTS[n]) for n in asked if _untouched(last, n)}
        asked |= {n: v for n, v in KINDS[kind].start.items() if _untouched(last, n)}
        if last.nearest(kind=kind, dims=dims, **_for_kind(asked, kind, dims, last))[1]:
            asked |= KINDS[kind].start
    try:
        return Reading(last.change(kind=kind, dims=dims, **_for_kind(asked, kind, dims, last)))
    except SpecError:
        changed = _for_kind(asked, kind, dims, last)
        spec, errors = last.nearest(kind=kind, dims=dims, **changed)
        if kind == last.kind and dims == last.dims and touched:
            spec, errors = _yield_to(touched, last, changed, (spec, errors))
        return Reading(spec, tuple(f"{e.field}: {e.message}" for e in errors) if kind == last.kind else ())


def _dims(last: LayerSpec) -> int:
    """How many dimensions the layer gets. A kind without the chosen number lends its own, until the next kind."""
    state = st.session_state
    kind, dims = state.get("kind_choice", last.kind), state.get("dims") or last.dims
    if kind != last.kind:
        lender, chosen = state.pop("_dims_left", (None, dims))
        dims = chosen if lender == last.kind else dims
    elif dims != last.dims:
        state.pop("_dims_left", None)
    if dims in KINDS[kind].dims:
        return dims
    state["_dims_left"] = kind, dims
    return min(KINDS[kind].dims, key=lambda d: abs(d - dims))


def _yield_to(touched, last: LayerSpec, asked: dict[str, Any], otherwise):
    """Keep what the visitor just changed, let the others give way."""
    rest = {"kind": last.kind, "dims": last.dims, "input_size": last.input_size, "in_channels": last.in_channels}
    return repair(rest | asked, keep=touched) if asked else otherwise


def _differs(now, value) -> bool:
    if isinstance(now, tuple) and not isinstance(value, tuple):
        return any(n != value for n in now)
    return now != value


def _untouched(last: LayerSpec, name: str) -> bool:
    """Whether a setting still has the value that its kind or a bare page begins with, or did not exist for it."""
    if name not in ("input_size", "in_channels", *KINDS[last.kind].takes):
        return True
    value = getattr(last, name)
    value = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
    return value in (QUERY_DEFAULTS[name], KINDS[last.kind].start.get(name))


def _for_kind(asked: dict[str, Any], kind: str, dims: int, last: LayerSpec) -> dict[str, Any]:
    """The settings that the kind takes, as many values as there are axes."""
    fit = {n: v for n, v in asked.items() if n in ("input_size", "in_channels", *KINDS[kind].takes)}
    for name, value in fit.items():
        if isinstance(value, tuple) and len(value) != dims:
            fit[name] = value[-dims:] if dims < len(value) else (*value[:1] * (dims - len(value)), *value)
    if isinstance(fit.get("padding"), str) and not KINDS[kind].padding_words:
        fit["padding"] = 0
    return fit


def _keep(spec: LayerSpec) -> None:
    """Write the layer into the session, so that every control that is drawn shows it."""
    state = st.session_state
    per_axis = bool(state.get("per_axis", state.get("_per_axis", False)))
    state["_spec"], state["_per_axis"] = spec, per_axis
    given.give(_shown(spec, per_axis))


def _shown(spec: LayerSpec, per_axis: bool) -> dict[str, Any]:
    """What the controls show of a layer, by key."""
    found = {"kind_choice": spec.kind, "dims": spec.dims, "per_axis": per_axis}
    return found | {key: value_of(spec, *which) for key, which in parameters_of(spec, per_axis).items()}


def load(spec: LayerSpec) -> None:
    """Show another layer from now on. For callbacks: presets, files."""
    state = st.session_state
    uneven = any(isinstance(getattr(spec, n), tuple) and len(set(getattr(spec, n))) > 1 for n in SPATIAL)
    state["per_axis"] = uneven
    _keep(spec)


# -- drawing ----------------------------------------------------------------------------------------------------------


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


def draw(spec: LayerSpec) -> None:
    """All controls of the layer, in two columns, and the reason for each one that has nothing to choose."""
    # A grid of the style sheet, not st.columns: three messages a row fewer in every run.
    with st.container(key="settings"):
        _draw(spec)


def _draw(spec: LayerSpec) -> None:
    kind = KINDS[spec.kind]
    st.selectbox("Layer", list(KINDS), key="kind_choice", format_func=lambda name: KINDS[name].title, help=kind.prose)
    st.segmented_control("Dimensions", list(kind.dims), key="dims", default=spec.dims, required=True)
    st.toggle("Per axis", key="per_axis", help="One value for each axis.", disabled=spec.dims == 1)
    controls = parameters_of(spec, bool(st.session_state.get("per_axis")))
    rows: dict[str, list[str]] = {}
    for key, (name, _) in controls.items():
        rows.setdefault(name, []).append(key)
    single = [keys[0] for keys in rows.values() if len(keys) == 1]
    single.sort(key=lambda key: ORDER.index(controls[key][0]) if controls[key][0] in ORDER else len(ORDER))
    lines = [keys for keys in rows.values() if len(keys) > 1]
    lines += [single[i : i + 2] for i in range(0, len(single), 2)]
    for keys in lines:
        with st.container(key=f"three_{keys[0]}") if len(keys) == 3 else nullcontext():
            reasons = [_control(spec, key, *controls[key]) for key in keys]
        if any(reasons):
            st.caption("  \n".join(filter(None, reasons)))


def _label(name: str, axis: int | None, spec: LayerSpec) -> str:
    return name if axis is None else f"{name}, {AXIS_NAMES[AXES[spec.dims][axis]]}"


def _control(spec: LayerSpec, key: str, name: str, axis: int | None) -> str | None:
    """Draw one control; returns the reason if there is nothing to choose."""
    label, now = _label(name, axis, spec), value_of(spec, name, axis)
    if name in FLAGS:
        flip = spec.refusal(name, not now)
        st.toggle(label, key=key, help=KINDS[spec.kind].help(name), disabled=flip is not None)
        return f"`{name}`: {_short(flip.message)}" if flip else None
    options = allowed(spec, name, axis)
    if name == "padding" and axis is None:
        options = [*options, *(word for word in ("same", "valid") if spec.allows("padding", word))]
    elif name == "upscale_factor":
        options = list(options)
    elif name in COUNTS and name != "groups":
        options = stepped(options)
    only = len(options) == 1
    hold(key, now, options)
    how = {"key": key, "help": KINDS[spec.kind].help(name) + _why(spec, name, axis, options), "disabled": only}
    # A control stays of one sort, so that it stays itself; a slider needs two ends even where there is no choice.
    if isinstance(options, list):
        st.selectbox(label, options, format_func=shown, **how)
    elif name == "kernel_size" and axis is None:
        st.slider(label, options[0], options[-1] + only, **how)
    else:
        st.number_input(label, options[0], options[-1], step=options.step, **how)
    return _reason(spec, name, axis, options) if only else None


def shown(value: Any) -> str:
    """A value as a control shows it: ``3``, ``1.5``, ``same``."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def hold(key: str, value, shape) -> None:
    """Streamlit forgets a control's value when its range changes: say it again."""
    shapes = st.session_state.setdefault("_shapes", {})
    if shapes.get(key) != shape:
        shapes[key] = shape
        given.repeat(key, value)


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


def _why(spec: LayerSpec, name: str, axis: int | None, options: list) -> str:
    """Why the control ends where it ends, if the layer is what ends it."""
    numbers = [o for o in options if isinstance(o, int)]
    if not numbers or numbers[-1] >= OFFERED.get(name, 0):
        return ""
    refusal = spec.refusal(name, numbers[-1] + 1, axis)
    return f" At most {numbers[-1]} here: {refusal.message}" if refusal else ""
