"""Where a layer's numbers come from: the choice of input and weights, and the visitor's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from models.share import Scene, read_array, read_weights, write_array, write_weights
from models.sources import INPUTS, WEIGHTS, TableError
from models.spec import LayerSpec
from models.text import quoted
from viz import state
from viz.controls.layer import LayerEditor, in_short
from viz.state import Choice, Whole

LONGEST_LINK = 2000
"""Characters: what every browser, chat and mail program carries."""

OWN, OWN_TITLE = "own", "Your own"
TITLES = {
    name: {key: source.title for key, source in registry.items()} | {OWN: OWN_TITLE}
    for name, registry in (("input", INPUTS), ("weights", WEIGHTS))
}
HELPS = {
    "input": "Type into a cell of the stage to change a single number: double-click it, or press Enter on it.",
    "weights": "What the kernel holds; type into its cells to change it.",
}


@dataclass(frozen=True)
class SceneEditor:
    """A layer with its numbers, as widgets, in the link and in the session."""

    layer: LayerEditor

    def _setting(self, name: str) -> Choice:
        return Choice(self._key(name), "example", name.capitalize(), HELPS[name], TITLES[name])

    @property
    def _seed(self) -> Whole:
        return Whole(self._key("seed"), 0, "seed", "Another seed draws other random numbers.", 0, 9999)

    def _key(self, name: str) -> str:
        return self.layer.prefix + name

    @property
    def names(self) -> tuple[str, ...]:
        own = ("input", "weights", "seed", "x", "w")
        return tuple(dict.fromkeys((*self.layer.names, *map(self._key, own), *own)))

    # -- reading ------------------------------------------------------------------------------------------------------

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        """Take layer and numbers over from a link; a sentence for each thing that could not be."""
        told = self.layer.take(query)
        # What the link is silent about stays in the session: the way back to it is one choice.
        own = {name: state.recall(self._key(name)) for name in ("x", "w")}
        scene, untaken = self._of_link(self.layer.shown(), query, own)
        self._keep(scene)
        return told + untaken

    def of_link(self, query: Mapping[str, list[str]]) -> tuple[Scene, list[str]]:
        """The scene that a link asks for, and a sentence for each thing that could not be taken over."""
        spec, _, told = self.layer.of_link(query)
        scene, untaken = self._of_link(spec, query, {})
        return scene, told + untaken

    def _of_link(
        self, spec: LayerSpec, query: Mapping[str, list[str]], own: Mapping[str, Any]
    ) -> tuple[Scene, list[str]]:
        """The numbers that a link asks for, with ``own`` ones where it is silent."""
        text = {n: query.get(self._key(n), query.get(n, [None]))[-1] for n in ("input", "weights", "seed", "x", "w")}
        chosen, own, told, seed = {}, dict(own), [], 0
        for name in ("input", "weights"):
            keys = {title: key for key, title in TITLES[name].items()}
            chosen[name] = keys.get(text[name], "example")
            if text[name] and text[name] not in keys:
                told.append(f"{name}: {quoted(text[name])} is not one of the choices; the worked example is shown.")
        for param, reader, name in (("x", read_array, "input"), ("w", read_weights, "weights")):
            if text[param] is None:
                continue
            try:
                own[param] = reader(text[param])
                chosen[name] = OWN
            except TableError as error:
                there = own.get(param)
                if chosen[name] == OWN and (there is None or not len(there)):
                    chosen[name] = "example"
                told.append(f"{error.message} Shown: {TITLES[name][chosen[name]]}.")
        if text["seed"]:
            try:
                seed = self._seed.read(text["seed"])
            except ValueError as error:
                told.append(f"{self._seed.name}: {error}")
        return Scene(spec, chosen["input"], chosen["weights"], seed, own.get("x"), own.get("w") or {}), told

    def _keep(self, scene: Scene) -> None:
        """Keep the scene's numbers."""
        state.give({self._key(name): getattr(scene, name) for name in ("input", "weights", "seed")})
        state.remember(self._key("x"), scene.own_input)
        state.remember(self._key("w"), scene.own_weights)

    def read(self) -> Scene:
        """The scene that the widgets ask for; call it before the first is drawn."""
        return self._with(self.layer.read())

    def shown(self) -> Scene:
        """The scene as :meth:`read` last found it, or as it was loaded."""
        return self._with(self.layer.shown())

    def _with(self, spec: LayerSpec) -> Scene:
        chosen = [self._setting(name).value for name in ("input", "weights")]
        return Scene(spec, *chosen, self._seed.value, state.recall(self._key("x")), state.recall(self._key("w")) or {})

    def load(self, scene: Scene) -> None:
        """Show this scene from now on. For callbacks: presets, edits, pasted tables, files."""
        self.layer.load(scene.spec)
        self._keep(scene)

    def edit(self, scene: Scene, edit: Mapping | None, x: np.ndarray, weights: dict[str, np.ndarray]) -> None:
        """Keep one number that was typed into a cell. For the callback of the stage."""
        if after := edited(scene, edit or {}, x, weights):
            self._keep(after)

    # -- the link -----------------------------------------------------------------------------------------------------

    def query(self) -> dict[str, str]:
        """What the link says of the scene; own numbers that do not fit are left out of it."""
        found, own = self._queries()
        return found | own if self._fit(found | own) else found

    def fits(self) -> bool:
        """Whether the link holds the visitor's own numbers, too."""
        found, own = self._queries()
        return self._fit(found | own)

    def _fit(self, query: dict[str, str]) -> bool:
        return len((st.context.url or "").partition("?")[0]) + 1 + len(urlencode(query)) <= LONGEST_LINK

    def _queries(self) -> tuple[dict[str, str], dict[str, str]]:
        scene = self.shown()
        plain = query_of(scene)
        own = {self._key(name): plain.pop(name) for name in ("x", "w") if name in plain}
        return self.layer.query() | {self._key(name): text for name, text in plain.items()}, own

    # -- drawing ------------------------------------------------------------------------------------------------------

    def draw(self, scene: Scene) -> None:
        """All controls: of the layer, of input, of weights where the layer has any, of the seed where it counts."""
        self.layer.draw(scene.spec)
        self._setting("input").draw()
        if learns(scene.spec):
            self._setting("weights").draw()
        if draws(scene):
            self._seed.draw()


def learns(spec: LayerSpec) -> bool:
    """Whether the layer has weights."""
    return "bias" in spec.settings()


def draws(scene: Scene) -> bool:
    """Whether anything is drawn at random."""
    return scene.input == "random" or (learns(scene.spec) and scene.weights == "random")


def told_apart(scene: Scene, other: Scene) -> str:
    """The scene in one line that names what is otherwise in another one."""
    parts = [in_short(scene.spec, beside=other.spec)]
    for name in ("input", *(["weights"] if learns(scene.spec) else [])):
        if (value := getattr(scene, name)) != getattr(other, name):
            parts.append(f"{name}: {TITLES[name][value]}")
    if draws(scene) and scene.seed != other.seed:
        parts.append(f"seed {scene.seed}")
    return " · ".join(parts)


def query_of(scene: Scene) -> dict[str, str]:
    """The numbers of a scene as parameters of a link to the Playground, what is usual left out."""
    query, learned = {}, learns(scene.spec)
    if scene.input != "example":
        query["input"] = TITLES["input"][scene.input]
    if learned and scene.weights != "example":
        query["weights"] = TITLES["weights"][scene.weights]
    if scene.seed and draws(scene):
        query["seed"] = str(scene.seed)
    if scene.input == OWN and scene.own_input is not None:
        query["x"] = write_array(scene.own_input)
    if learned and scene.weights == OWN and scene.own_weights:
        query["w"] = write_weights(scene.own_weights)
    return query


def edited(scene: Scene, edit: Mapping, x: np.ndarray, weights: dict[str, np.ndarray]) -> Scene | None:
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
        return replace(scene, input=OWN, own_input=array)
    own = weights
    if scene.weights == OWN:
        own = scene.own_weights
        array = _grown(array, own.get(grid), lambda shape: WEIGHTS["example"].make(shape, 0))
    return replace(scene, weights=OWN, own_weights=own | {grid: array})


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
