"""A layer with its own numbers, as text that travels: in a link while it is short, in a file when it is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from models.errors import FileError
from models.filed import read_json
from models.sources import INPUTS, LARGEST_NUMBER, WEIGHTS, TableError, read_numbers, write_numbers
from models.spec import LayerSpec, SpecError, read_settings
from models.text import big

LARGEST_FILE = 4_000_000
"""Bytes of a file that is read."""

LARGEST_OWN = 200_000
"""Numbers in one array of a file."""


@dataclass(frozen=True)
class Scene:
    """What a visitor put together: the layer, where its numbers come from, and their own numbers, if any."""

    spec: LayerSpec
    input: str = "example"
    weights: str = "example"
    seed: int = 0
    own_input: np.ndarray | None = None
    own_weights: dict[str, np.ndarray] = field(default_factory=dict)


def write_array(array: np.ndarray) -> str:
    """Shape and numbers in one word for a URL: ``1.4.4~4_5_8_…``."""
    return f"{'.'.join(map(str, array.shape))}~{write_numbers(array)}"


def read_array(text: str) -> np.ndarray:
    """The inverse of ``write_array``.

    Raises:
        TableError: one sentence, for anything else.
    """
    shape_text, tilde, numbers = text.partition("~")
    parts = shape_text.split(".")
    if not tilde or len(parts) > 5 or not all(p.isascii() and p.isdigit() and 0 < len(p) < 5 for p in parts):
        raise TableError("The link's own numbers cannot be read: they should look like 1.4.4~4_5_8.")
    shape = tuple(map(int, parts))
    if not 0 < prod(shape) <= LARGEST_OWN:
        raise TableError(
            f"The link's own numbers claim {big(prod(shape))} places: at most {big(LARGEST_OWN)} are read."
        )
    return read_numbers(numbers, shape)


def write_weights(weights: dict[str, np.ndarray]) -> str:
    """Own weights by parameter name: ``weight*1.1.3.3~1_4_…!bias*1~0``."""
    return "!".join(f"{name}*{write_array(values)}" for name, values in weights.items())


def read_weights(text: str) -> dict[str, np.ndarray]:
    """The inverse of ``write_weights``; raises TableError."""
    weights = {}
    for part in text.split("!") if text else ():
        name, star, values = part.partition("*")
        if not star or name not in PARAMETERS:
            raise TableError(f"“{name[:20]}” in the link is not a parameter of a layer: it is left out.")
        weights[name] = read_array(values)
    return weights


PARAMETERS = tuple(f"{part}{name}" for part in ("", "conv.", "depthwise.", "pointwise.") for name in ("weight", "bias"))


def fit(values: np.ndarray | None, shape: tuple[int, ...], rest: np.ndarray) -> np.ndarray:
    """Own numbers laid into another shape: what fits is kept, ``rest`` (of ``shape``) fills what is missing."""
    if values is None:
        return rest
    if values.ndim != len(shape):
        extra = len(shape) - values.ndim
        values = values.reshape(values.shape[:1] + (1,) * extra + values.shape[1:]) if extra > 0 else rest
        if values.ndim != len(shape):
            return rest
    made = np.array(rest, dtype=float)
    room = tuple(slice(0, min(a, b)) for a, b in zip(values.shape, shape, strict=True))
    made[room] = values[room]
    return made


def write_file(scene: Scene) -> str:
    """JSON of everything, own numbers included."""
    tree: dict[str, Any] = {"convscope": 1, "query": scene.spec.to_query()}
    tree |= {"input": scene.input, "weights": scene.weights, "seed": scene.seed}
    if scene.own_input is not None:
        tree["own_input"] = scene.own_input.tolist()
    if scene.own_weights:
        tree["own_weights"] = {name: values.tolist() for name, values in scene.own_weights.items()}
    return json.dumps(tree)


def read_file(data: bytes) -> Scene:
    """The inverse of ``write_file``.

    Raises:
        FileError: one sentence, for files that are too large, not JSON, not ours, or inconsistent.
    """
    tree = read_json(data, LARGEST_FILE)
    if not isinstance(tree, dict) or tree.get("convscope") != 1 or not isinstance(tree.get("query"), dict):
        raise FileError("The file is not from ConvScope: choose one that was downloaded here.")
    asked, unread = read_settings({str(k): str(v) for k, v in tree["query"].items()})
    try:
        if unread:
            raise unread[0]
        spec = LayerSpec(**asked)
    except SpecError as error:
        raise FileError(f"The file's layer does not exist: {error.field}: {error.message}") from None
    names = tree.get("input", "example"), tree.get("weights", "example")
    if names[0] not in (*INPUTS, "own") or names[1] not in (*WEIGHTS, "own"):
        raise FileError("The file names an input or weights that do not exist here: download it again.")
    seed = tree.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= 9999:
        raise FileError("The file's seed is not a number from 0 to 9999: download it again.")
    own_input = None if tree.get("own_input") is None else _array(tree["own_input"], "own_input")
    weights = tree.get("own_weights") or {}
    if not isinstance(weights, dict) or any(name not in PARAMETERS for name in weights):
        raise FileError("The file's own weights are not named as a layer names them: download it again.")
    return Scene(spec, *names, seed, own_input, {name: _array(values, name) for name, values in weights.items()})


def _array(tree: Any, name: str) -> np.ndarray:
    try:
        array = np.array(tree, dtype=float)
    except (ValueError, TypeError):
        raise FileError(f"The file's {name} is not a table of numbers: download it again.") from None
    if array.size > LARGEST_OWN or not 0 < array.ndim <= 5 or array.size == 0:
        raise FileError(f"The file's {name} has {big(array.size)} numbers: 1 to {big(LARGEST_OWN)} are read.")
    if not np.isfinite(array).all() or np.abs(array).max() > LARGEST_NUMBER:
        raise FileError(f"The file's {name} holds numbers that are not finite or larger than {big(LARGEST_NUMBER)}.")
    return array
