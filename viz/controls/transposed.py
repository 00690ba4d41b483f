"""The controls of the lesson on transposed convolutions: one layer of that kind, its numbers, and its place in the URL.

The parameters carry the settings' own names after ``ct_`` (ConvTranspose), so that the Playground's stay untouched.
The plain names, as in a link to the Playground, are read too.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from models.layers import KINDS
from models.share import Scene, read_array, read_weights, write_array, write_weights
from models.sources import INPUTS, WEIGHTS, TableError
from models.spec import AXES, QUERY_DEFAULTS, SPATIAL, LayerSpec, repair
from models.text import quoted
from viz import given
from viz.controls import layer as controls
from viz.controls.numbers import LONGEST_LINK, OWN, OWN_TITLE, edited
from viz.url import came_back, into_link, no_setting, say, went_back

PREFIX = "ct_"
DEFAULTS: dict[str, Any] = {
    "dims": 2,
    "input_size": 2,
    "in_channels": 1,
    "out_channels": 1,
    "kernel_size": 3,
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": False,
}
"""What a bare URL means: the worked example Cᵀ·[2, 1, 4, 4]."""

ORDER = (
    "input_size",
    "kernel_size",
    "stride",
    "padding",
    "output_padding",
    "dilation",
    "in_channels",
    "out_channels",
    "groups",
)
"""Down the first column of controls, then down the second."""
NUMBERS = ("input", "weights", "seed", "x", "w")


@dataclass(frozen=True)
class Reading:
    """The layer and its numbers, and a sentence for each thing that could not be taken over.

    ``strange`` is about names that the page does not know, ``told`` about the layer and its numbers.
    """

    scene: Scene
    told: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


def read(known: tuple[str, ...]) -> Reading:
    """What this session shows now; call it before any control is drawn. ``known``: the page's other parameters."""
    state, told, strange = st.session_state, [], []
    last: LayerSpec | None = state.get("_ct_spec")
    # Another page clears the URL, and Streamlit forgets the controls meanwhile: the session still knows the layer.
    named = any(_plain(name) for name in st.query_params)
    if last is None or (named if came_back() else went_back()):
        _take_aliases()
        strange = _unknown(known)
        given.forget()
        spec, told = _from_url()
    else:
        given.heard(_shown(last, bool(state.get("_ct_per_axis"))))
        spec, told = _from_controls(last)
    _keep(spec)
    scene, unread = _numbers(spec)
    return Reading(scene, tuple(dict.fromkeys((*told, *unread))), tuple(strange))


def tell_of_layer(reading: Reading, shown: bool) -> list[str]:
    """What is told about the layer of the link: as soon as a part is shown that has the layer, not before."""
    waiting = st.session_state.pop("_ct_untold", [])
    if shown:
        return [*waiting, *reading.told]
    st.session_state["_ct_untold"] = [*waiting, *reading.told]
    return []


def _keys(spec: LayerSpec, per_axis: bool) -> dict[str, tuple[str, int | None]]:
    """Every control: its key, which is the URL parameter -> (setting, axis or None)."""
    found = controls.parameters_of(spec, per_axis)
    return {PREFIX + key: which for key, which in found.items() if which[0] in ORDER}


def _plain(param: str) -> str:
    """The Playground's name of a parameter that sets the layer or its numbers; empty for any other."""
    plain = param.removeprefix(PREFIX)
    name, _, axis = plain.rpartition("_")
    each = name in SPATIAL and axis in ("d", "h", "w")
    return plain if each or plain in (*DEFAULTS, *NUMBERS, "per_axis") else ""


def _take_aliases() -> None:
    """Rename the parameters of a link to the Playground; those that carry this page's own names win."""
    query = {name: st.query_params.get_all(name)[-1] for name in st.query_params}
    if query.get("kind") == "transposed":
        del st.query_params["kind"]
        # What such a link leaves out has the Playground's default, not this page's.
        query = {name: str(QUERY_DEFAULTS[name]).lower() for name in DEFAULTS if name not in SPATIAL} | query
        query |= {
            name: str(QUERY_DEFAULTS[name])
            for name in DEFAULTS
            if name in SPATIAL and not any(param.startswith(name) for param in query)
        }
    for param, text in query.items():
        if _plain(param) == param:
            st.query_params.setdefault(PREFIX + param, text)
            st.query_params.pop(param, None)


def _unknown(known: tuple[str, ...]) -> list[str]:
    """A sentence for each parameter of the link that this page has no use for; it is dropped."""
    told = []
    for param in [name for name in st.query_params if not _plain(name)]:
        if param == "kind":
            text = st.query_params[param]
            told.append(f"This page shows transposed convolutions alone: kind = {quoted(text)} is left out.")
        elif param not in known and not param.startswith("embed"):
            spelled = PREFIX if param.startswith(PREFIX) else ""
            told.append(no_setting(param, (*(spelled + each for each in (*DEFAULTS, *NUMBERS)), *known)))
        else:
            continue
        _drop(param)
    return told


def _from_url() -> tuple[LayerSpec, list[str]]:
    told, asked = [], dict(DEFAULTS)
    query = {name: st.query_params.get_all(name)[-1] for name in st.query_params}
    dims = query.get(f"{PREFIX}dims", "2")
    if dims in ("1", "2", "3"):
        asked["dims"] = int(dims)
    else:
        told.append(f"dims: {quoted(dims)} is none of 1, 2, 3: 2 is used instead.")
        _drop(f"{PREFIX}dims")
    for name in ("bias", "per_axis"):
        if query.get(PREFIX + name, "true") not in ("true", "false"):
            told.append(f"{name}: {quoted(query[PREFIX + name])} is neither true nor false: it is left out.")
            _drop(PREFIX + name)
    axes = AXES[asked["dims"]]
    for param, text in query.items():
        plain = _plain(param)
        name, _, axis = plain.rpartition("_")
        each = name in SPATIAL and axis in ("d", "h", "w")
        setting = name if each else plain
        if setting not in ORDER:
            continue
        if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 6):
            told.append(f"{setting}: {quoted(text)} is not a whole number: {asked[setting]} is used instead.")
            _drop(param)
            continue
        if not each:
            asked[setting] = int(text)
        elif axis in axes:
            now = asked[setting]
            values = list(now) if isinstance(now, tuple) else [now] * len(axes)
            values[axes.index(axis)] = int(text)
            asked[setting] = tuple(values)
    asked["bias"] = query.get(f"{PREFIX}bias") == "true"
    uneven = any(isinstance(v, tuple) and len(set(v)) > 1 for v in asked.values())
    st.session_state[f"{PREFIX}per_axis"] = uneven or query.get(f"{PREFIX}per_axis") == "true"
    spec, refused = repair({"kind": "transposed", **asked})
    return spec, told + [f"{error.field}: {error.message}" for error in refused]


def _drop(param: str) -> None:
    """Take what cannot be read out of the URL; once its widget is drawn, Streamlit does that."""
    with suppress(StreamlitAPIException):
        del st.query_params[param]


def _from_controls(last: LayerSpec) -> tuple[LayerSpec, list[str]]:
    state = st.session_state
    dims = state.get(f"{PREFIX}dims") or last.dims
    per_axis, was = bool(state.get(f"{PREFIX}per_axis")), bool(state.get("_ct_per_axis"))
    asked: dict[str, Any] = {"kind": "transposed", "dims": dims, "bias": bool(state.get(f"{PREFIX}bias", last.bias))}
    touched = []
    for key, (name, axis) in _keys(last, was).items():
        before = controls.value_of(last, name, axis)
        value = state.get(key)
        value = before if value is None else value
        if value != before:
            touched.append(name)
        if axis is None:
            asked[name] = value
        else:
            asked[name] = (*asked.get(name, ()), value)
    for name, value in asked.items():
        if isinstance(value, tuple) and (dims != len(value) or not per_axis):
            asked[name] = value[-1] if not per_axis or dims > len(value) else value[-dims:]
    spec, errors = repair(asked, keep=tuple(touched))
    return spec, [f"{error.field}: {error.message}" for error in errors] if dims == last.dims else []


def _keep(spec: LayerSpec) -> None:
    """Write the layer into the session, so that every control that is drawn shows it."""
    state = st.session_state
    per_axis = bool(state.get(f"{PREFIX}per_axis", False))
    state["_ct_spec"], state["_ct_per_axis"] = spec, per_axis
    given.give(_shown(spec, per_axis))


def _shown(spec: LayerSpec, per_axis: bool) -> dict[str, Any]:
    """What the controls show of a layer, by key."""
    found = {f"{PREFIX}dims": spec.dims, f"{PREFIX}bias": spec.bias, f"{PREFIX}per_axis": per_axis}
    return found | {key: controls.value_of(spec, *which) for key, which in _keys(spec, per_axis).items()}


def load(**settings: Any) -> None:
    """Show the layer with these settings, all others as on a bare page. For callbacks."""
    state = st.session_state
    asked = DEFAULTS | settings
    state[f"{PREFIX}per_axis"] = any(isinstance(v, tuple) and len(set(v)) > 1 for v in asked.values())
    _keep(LayerSpec(kind="transposed", **asked))
    given.give({f"{PREFIX}input": "example", f"{PREFIX}weights": "example"})
    _own().update(x=None, w={})


# -- numbers -----------------------------------------------------------------------------------------------------------


def _own() -> dict[str, Any]:
    """The visitor's own numbers, and what the link held of them when they were last read or written."""
    return st.session_state.setdefault("_ct_own", {})


def _numbers(spec: LayerSpec) -> tuple[Scene, list[str]]:
    state, told = st.session_state, []
    own = _own()
    for param, reader, choice in (("x", read_array, "input"), ("w", read_weights, "weights")):
        text = st.query_params.get(PREFIX + param)
        if text is None or text == own.get(f"{param} in url"):
            continue
        try:
            own[param] = reader(text)
            state[PREFIX + choice] = OWN
        except TableError:
            told.append(
                f"The {choice} in this link cannot be read, so the worked example is shown. Copy the whole link again, "
                "or type the numbers into the cells."
            )
        own[f"{param} in url"] = text
    chosen = {}
    for name, registry in (("input", INPUTS), ("weights", WEIGHTS)):
        asked = st.query_params.get(PREFIX + name)
        now = state.get(PREFIX + name)
        if now is None:
            titles = {source.title: key for key, source in registry.items()} | {OWN_TITLE: OWN}
            if asked is not None and asked not in titles:
                told.append(f"{name}: {quoted(asked)} is not one of the choices: the worked example is shown.")
            now = titles.get(asked, "example")
        chosen[name] = now
    seed = state.get(f"{PREFIX}seed")
    if seed is None:
        text = st.query_params.get(f"{PREFIX}seed", "0")
        readable = text.isascii() and text.isdigit() and len(text) <= 4
        if not readable:
            told.append(f"seed: {quoted(text)} is not a whole number from 0 to 9999: 0 is used instead.")
            _drop(f"{PREFIX}seed")
        seed = int(text) if readable else 0
    return Scene(spec, chosen["input"], chosen["weights"], seed, own.get("x"), own.get("w") or {}), told


def held(key: str, count: int) -> None:
    """Keep a slider from 0 to ``count`` − 1 within its ends before it is drawn."""
    now = st.session_state.get(key)
    if isinstance(now, int) and now >= count:
        st.session_state[key] = count - 1


def take_edit(scene: Scene, edit: dict | None, x: np.ndarray, weights: dict[str, np.ndarray]) -> None:
    """Keep one number that was typed into a cell. For the callback of the stage."""
    after = edit and edited(scene, edit, x, weights)
    if not after:
        return
    state = st.session_state
    state[f"{PREFIX}input"], state[f"{PREFIX}weights"] = after.input, after.weights
    _own().update(x=after.own_input, w=after.own_weights)


def write_url(scene: Scene) -> bool:
    """Put the visitor's own numbers into the URL; False if they do not fit, and then they are left out of it."""
    own, state = {}, _own()
    if scene.input == OWN and scene.own_input is not None:
        own["x"] = write_array(scene.own_input)
    if scene.weights == OWN and scene.own_weights:
        own["w"] = write_weights(scene.own_weights)
    fits = len(st.context.url or "") + len(urlencode(own)) + 400 <= LONGEST_LINK
    for param in ("x", "w"):
        state[f"{param} in url"] = text = own.get(param) if fits else None
        into_link(PREFIX + param, text or "")
    return fits


def playground_query(scene: Scene) -> dict[str, str]:
    """The parameters with which the Playground opens the same layer with the same numbers."""
    query = scene.spec.to_query()
    for name, registry in (("input", INPUTS), ("weights", WEIGHTS)):
        if (now := getattr(scene, name)) != "example":
            query[name] = OWN_TITLE if now == OWN else registry[now].title
    if scene.seed and "random" in (scene.input, scene.weights):
        query["seed"] = str(scene.seed)
    if scene.input == OWN and scene.own_input is not None:
        query["x"] = write_array(scene.own_input)
    if scene.weights == OWN and scene.own_weights:
        query["w"] = write_weights(scene.own_weights)
    return query


# -- drawing -----------------------------------------------------------------------------------------------------------


def draw(scene: Scene) -> None:
    """All controls, two in a row; a setting with nothing to choose says why in its help."""
    spec = scene.spec
    # A grid of the style sheet, not st.columns: fewer messages to the browser in every run.
    with st.container(key="settings"):
        st.segmented_control(
            "Dimensions", [1, 2, 3], default=2, required=True, key=f"{PREFIX}dims", bind="query-params"
        )
        st.toggle(
            "Per axis",
            key=f"{PREFIX}per_axis",
            value=False,
            bind="query-params",
            help="One value for each axis.",
            disabled=spec.dims == 1,
        )
        keys = _keys(spec, bool(st.session_state.get(f"{PREFIX}per_axis")))
        rows: dict[str, list[str]] = {}
        for key, (name, _) in sorted(keys.items(), key=lambda item: ORDER.index(item[1][0])):
            rows.setdefault(name, []).append(key)
        for line in sorted(rows.values(), key=len, reverse=True):
            with st.container(key=f"three_{line[0]}") if len(line) == 3 else nullcontext():
                for key in line:
                    _control(spec, key, *keys[key])
    for name, registry, label in (("input", INPUTS, "Input"), ("weights", WEIGHTS, "Weights")):
        now = getattr(scene, name)
        if st.session_state.get(PREFIX + name) != now:
            st.session_state[PREFIX + name] = now
        st.selectbox(
            label,
            [*registry, OWN],
            key=PREFIX + name,
            bind="query-params",
            format_func=lambda key, registry=registry: OWN_TITLE if key == OWN else registry[key].title,
            help="Double-click a cell on the stage, or press Enter on it, to type a number of your own.",
        )
    if "random" in (scene.input, scene.weights):
        controls.hold(f"{PREFIX}seed", scene.seed, "seed")
        st.number_input(
            "seed", 0, 9999, 0, key=f"{PREFIX}seed", bind="query-params", help="Another seed, other numbers."
        )
    _say(spec)


def _say(spec: LayerSpec) -> None:
    """The layer of the link is the one that is shown, whatever quick choices have made of it."""
    per_axis = bool(st.session_state.get(f"{PREFIX}per_axis"))
    shown = _shown(spec, per_axis)
    usually = {f"{PREFIX}per_axis": False} | {PREFIX + name: value for name, value in DEFAULTS.items()}
    usually |= {key: DEFAULTS[name] for key, (name, _) in _keys(spec, per_axis).items()}
    left = {name for name in st.query_params if _plain(name) not in ("", *NUMBERS)} - set(shown)
    say(dict.fromkeys(left) | shown, usually)


def _control(spec: LayerSpec, key: str, name: str, axis: int | None) -> None:
    now, options = controls.value_of(spec, name, axis), controls.allowed(spec, name, axis)
    label = name if axis is None else f"{name}, {controls.AXIS_NAMES[AXES[spec.dims][axis]]}"
    default = DEFAULTS[name] if DEFAULTS[name] in options else next((o for o in options if o != now), now)
    controls.hold(key, now, (options, default))
    refusal = spec.refusal(name, options[-1] + 1, axis)
    how = {"key": key, "bind": "query-params", "disabled": len(options) == 1}
    how["help"] = KINDS[spec.kind].help(name) + (f" At most {options[-1]} here: {refusal.message}" if refusal else "")
    if isinstance(options, range):
        st.number_input(label, min_value=options[0], max_value=options[-1], value=default, step=1, **how)
    else:
        st.selectbox(label, options, index=options.index(default), **how)
