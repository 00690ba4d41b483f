"""Where the numbers come from: the choice of input and weights, the visitor's own, and how they travel in the URL."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
import streamlit as st

from models.share import Scene, read_array, read_weights, write_array, write_weights
from models.sources import INPUTS, WEIGHTS, TableError
from models.spec import LayerSpec
from viz import controls

LONGEST_LINK = 2000
"""Characters: what every browser, chat and mail program carries."""

PARAMETERS = ("input", "weights", "seed", "x", "w")
"""URL parameters of this module."""

OWN = "own"


def read(spec: LayerSpec) -> tuple[Scene, tuple[str, ...]]:
    """The scene that this session shows, and a sentence for what the URL held and could not be read."""
    state, told = st.session_state, []
    for param, reader, key in (("x", read_array, "own_input"), ("w", read_weights, "own_weights")):
        text = st.query_params.get(param)
        if text is None or text == state.get(f"_{param}_in_url"):
            continue
        try:
            state[key] = reader(text)
            state["input" if param == "x" else "weights"] = OWN
        except TableError as error:
            told.append(error.message)
        state[f"_{param}_in_url"] = text
    choice = {
        "input": state.get("input") or _titled(INPUTS, st.query_params.get("input")),
        "weights": state.get("weights") or _titled(WEIGHTS, st.query_params.get("weights")),
    }
    seed = state.get("seed")
    seed = _seed(st.query_params.get("seed")) if seed is None else seed
    own = {"own_input": state.get("own_input"), "own_weights": state.get("own_weights") or {}}
    return Scene(spec, **choice, seed=seed, **own), tuple(told)


def _titled(registry, text: str | None) -> str:
    """A source by the title that the URL carries."""
    if text == OWN_TITLE:
        return OWN
    return next((name for name, source in registry.items() if source.title == text), "example")


def _seed(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 4 else 0


OWN_TITLE = "Your own"


def draw(scene: Scene) -> None:
    """The choice of input, of weights where the layer has any, and the seed where something is drawn at random."""
    learned = "bias" in scene.spec.settings()
    _choice("Input", "input", INPUTS, scene.input)
    if learned:
        _choice("Weights", "weights", WEIGHTS, scene.weights)
    drawn = scene.input == "random" or (learned and scene.weights == "random")
    if drawn:
        controls.hold("seed", scene.seed, "seed")
        st.number_input(
            "seed", 0, 9999, 0, key="seed", bind="query-params", help="Another seed draws other random numbers."
        )


def _choice(label: str, key: str, registry, now: str) -> None:
    options = [*registry, OWN]
    if st.session_state.get(key) != now:
        st.session_state[key] = now
    st.selectbox(
        label,
        options,
        key=key,
        bind="query-params",
        format_func=lambda name: OWN_TITLE if name == OWN else registry[name].title,
        help="Type into a cell of the stage to change a single number."
        if key == "input"
        else "What the kernel holds; type into its cells to change it.",
    )


def keep(scene: Scene) -> None:
    """Show this scene from now on. For callbacks: presets, edits, pasted tables, files."""
    controls.load(scene.spec)
    state = st.session_state
    state["input"], state["weights"], state["seed"] = scene.input, scene.weights, scene.seed
    state["own_input"], state["own_weights"] = scene.own_input, scene.own_weights


def write_url(scene: Scene) -> bool:
    """Put the visitor's own numbers into the URL; False if they do not fit, and then they are left out of it."""
    own = {}
    if scene.input == OWN and scene.own_input is not None:
        own["x"] = write_array(scene.own_input)
    if scene.weights == OWN and scene.own_weights:
        own["w"] = write_weights(scene.own_weights)
    rest = {name: st.query_params.get_all(name) for name in st.query_params if name not in ("x", "w")}
    fits = len(st.context.url or "") + 1 + len(urlencode(rest, doseq=True)) + len(urlencode(own)) <= LONGEST_LINK
    for param in ("x", "w"):
        text = own.get(param) if fits else None
        st.session_state[f"_{param}_in_url"] = text
        if text is None:
            if param in st.query_params:
                del st.query_params[param]
        elif st.query_params.get(param) != text:
            st.query_params[param] = text
    return fits


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
        return Scene(scene.spec, OWN, scene.weights, scene.seed, array, scene.own_weights)
    return Scene(scene.spec, scene.input, OWN, scene.seed, scene.own_input, weights | {grid: array})
