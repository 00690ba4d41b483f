"""Where the numbers come from: the choice of input and weights, the visitor's own, and how they travel in the URL."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from models.share import Scene, read_array, read_weights, write_array, write_weights
from models.sources import INPUTS, WEIGHTS, TableError
from models.spec import LayerSpec
from models.text import quoted
from viz import given
from viz.controls import layer as controls
from viz.url import whole

LONGEST_LINK = 2000
"""Characters: what every browser, chat and mail program carries."""

PARAMETERS = ("input", "weights", "seed", "x", "w")
"""URL parameters of this module."""

OWN = "own"


def read(reading: controls.Reading) -> tuple[Scene, tuple[str, ...]]:
    """The scene that this session shows, and a sentence for what the URL held and could not be read."""
    state = st.session_state
    last: Scene = state.get("_scene") or Scene(reading.spec)
    if reading.linked:
        scene, told = _from_url(reading.spec, last)
    else:
        seed = state.get("seed")
        scene, told = (
            replace(
                last,
                spec=reading.spec,
                input=state.get("input") or last.input,
                weights=state.get("weights") or last.weights,
                seed=last.seed if seed is None else seed,
            ),
            (),
        )
    _remember(scene)
    return scene, told


def _from_url(spec: LayerSpec, last: Scene) -> tuple[Scene, tuple[str, ...]]:
    query, told = st.query_params, []
    found: dict[str, Any] = {
        "input": _titled(INPUTS, query.get("input")),
        "weights": _titled(WEIGHTS, query.get("weights")),
        "seed": 0,
        # What the URL is silent about stays in the session: the way back to it is one choice.
        "own_input": last.own_input,
        "own_weights": last.own_weights,
    }
    try:
        found["seed"] = whole(0, 9999)(query.get("seed", "0"))
    except ValueError as error:
        told.append(f"seed: {error}")
    for param, reader, own, choice in (
        ("x", read_array, "own_input", "input"),
        ("w", read_weights, "own_weights", "weights"),
    ):
        if param in query:
            try:
                found |= {own: reader(query[param]), choice: OWN}
            except TableError as error:
                registry = INPUTS if choice == "input" else WEIGHTS
                if found[choice] == OWN and not len(found[own] if found[own] is not None else ()):
                    found[choice] = "example"
                told.append(f"{error.message} Shown: {_title(registry, found[choice])}.")
    for param, registry in (("input", INPUTS), ("weights", WEIGHTS)):
        text = query.get(param)
        if text and text not in (OWN_TITLE, *(source.title for source in registry.values())):
            told.append(f"{param}: {quoted(text)} is not one of the choices; the worked example is shown.")
    return Scene(spec, **found), tuple(told)


def _titled(registry, text: str | None) -> str:
    """A source by the title that the URL carries."""
    if text == OWN_TITLE:
        return OWN
    return next((name for name, source in registry.items() if source.title == text), "example")


def _title(registry, name: str) -> str:
    return OWN_TITLE if name == OWN else registry[name].title


OWN_TITLE = "Your own"


def draw(scene: Scene) -> None:
    """The choice of input, of weights where the layer has any, and the seed where something is drawn at random."""
    learned = "bias" in scene.spec.settings()
    _choice("Input", "input", INPUTS)
    if learned:
        _choice("Weights", "weights", WEIGHTS)
    if _drawn(scene):
        st.number_input("seed", 0, 9999, key="seed", help="Another seed draws other random numbers.")


def _choice(label: str, key: str, registry) -> None:
    options = [*registry, OWN]
    st.selectbox(
        label,
        options,
        key=key,
        format_func=lambda name: _title(registry, name),
        help="Type into a cell of the stage to change a single number."
        if key == "input"
        else "What the kernel holds; type into its cells to change it.",
    )


def keep(scene: Scene) -> None:
    """Show this scene from now on. For callbacks: presets, edits, pasted tables, files."""
    controls.load(scene.spec)
    _remember(scene)


def _remember(scene: Scene) -> None:
    state = st.session_state
    state["_scene"] = scene
    given.give({key: getattr(scene, key) for key in ("input", "weights", "seed")})


def write_url(scene: Scene) -> bool:
    """Make the URL say what is shown. Own numbers that do not fit are left out of it; then it returns False."""
    query, own = scene.spec.to_query(), {}
    if scene.spec.dims > 1 and st.session_state.get("_per_axis"):
        query["per_axis"] = "true"
    learned = "bias" in scene.spec.settings()
    if scene.input != "example":
        query["input"] = _title(INPUTS, scene.input)
    if learned and scene.weights != "example":
        query["weights"] = _title(WEIGHTS, scene.weights)
    if scene.seed and _drawn(scene):
        query["seed"] = str(scene.seed)
    if scene.input == OWN and scene.own_input is not None:
        own["x"] = write_array(scene.own_input)
    if learned and scene.weights == OWN and scene.own_weights:
        own["w"] = write_weights(scene.own_weights)
    fits = len(st.context.url or "") + 1 + len(urlencode(query | own)) <= LONGEST_LINK
    controls.write_url(query | own if fits else query, stay=lambda n: n == "present" or n.startswith("embed"))
    return fits


def _drawn(scene: Scene) -> bool:
    """Whether anything is drawn at random."""
    return scene.input == "random" or ("bias" in scene.spec.settings() and scene.weights == "random")


def edited(scene: Scene, edit: dict, x: np.ndarray, weights: dict[str, np.ndarray]) -> Scene | None:
    """The scene after one cell was typed into; None if the edit does not belong to it."""
    try:
        grid, channel, cell, value = edit["grid"], int(edit["channel"]), int(edit["cell"]), float(edit["value"])
    except (KeyError, TypeError, ValueError):
        return None
    arrays = {"input": x} | weights
    if grid not in arrays or not np.isfinite(value) or abs(value) > 1e9:
        return None
    array = np.array(arrays[grid], dtype=float)
    planes = array.reshape(-1, *array.shape[1:]) if grid == "input" else array.reshape(-1, *array.shape[2:])
    flat = planes.reshape(planes.shape[0], -1)
    if not (0 <= channel < flat.shape[0] and 0 <= cell < flat.shape[1]):
        return None
    flat[channel, cell] = value
    if grid == "input":
        if scene.input == OWN:
            array = _grown(array, scene.own_input, INPUTS["example"].make)
        return Scene(scene.spec, OWN, scene.weights, scene.seed, array, scene.own_weights)
    own = weights
    if scene.weights == OWN:
        own = scene.own_weights
        array = _grown(array, own.get(grid), lambda shape: WEIGHTS["example"].make(shape, 0, scene.spec))
    return Scene(scene.spec, scene.input, OWN, scene.seed, scene.own_input, own | {grid: array})


def _grown(shown: np.ndarray, before: np.ndarray | None, fill) -> np.ndarray:
    """What is on screen, laid over the visitor's numbers that a smaller layer does not show, so that none is lost."""
    if (
        before is None
        or before.ndim != shown.ndim
        or all(b <= n for b, n in zip(before.shape, shown.shape, strict=True))
    ):
        return shown
    made = fill(tuple(map(max, before.shape, shown.shape)))
    for part in (before, shown):
        made[tuple(map(slice, part.shape))] = part
    return made
