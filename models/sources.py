"""What goes into the layer: inputs and weights to choose from, and tables that people paste.

A new source is one function with the decorator. Everything is a NumPy float64 array; numbers are chosen so that they
can be read in a cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path

import numpy as np

from models.errors import TableError
from models.text import big, plural

PICTURES = Path(__file__).resolve().parent.parent / "assets" / "pictures"
LARGEST_NUMBER = 10**9
LARGEST_TABLE = 4096
"""Numbers in a pasted table: a 64 × 64 image."""

A1_INPUT = np.array([[4, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]], dtype=float)
A1_KERNEL = np.array([[1, 4, 1], [1, 4, 3], [3, 3, 1]], dtype=float)
A11_INPUT = np.array([[2, 1], [4, 4]], dtype=float)


NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
"""What counts as a number; Python itself would also take 1_000 and digits of other scripts."""

WRAPPED = re.compile(r"^\s*(?:\w+\.)?(?:array|tensor)\((.*?)(?:,\s*[a-z_]+=.*)?\)\s*$", re.DOTALL)
"""What NumPy and PyTorch print around an array."""


@dataclass(frozen=True)
class Source:
    """One choice in the list: ``make(shape, seed)``."""

    name: str
    title: str
    make: Callable


INPUTS: dict[str, Source] = {}
WEIGHTS: dict[str, Source] = {}


def _source(registry: dict[str, Source], name: str, title: str):
    def add(make):
        registry[name] = Source(name, title, make)
        return make

    return add


def _mixed(shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
    """Whole numbers that look drawn by hand and depend on the place alone: a larger image keeps the smaller one."""
    total = np.zeros(shape, np.int64)
    for axis, place in enumerate(np.indices(shape, sparse=True)):
        total = total * 31 + (place + 3) * (7 + 10 * axis) + place * place * 5
    return (total * 2654435761 % 4294967296 // 65536 % (high - low + 1) + low).astype(float)


def _centre(size: int) -> int:
    return (size - 1) // 2


# -- inputs: shape (C, *spatial) --------------------------------------------------------------------------------------


@_source(INPUTS, "example", "Worked example")
def example_input(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Small whole numbers; the corner of the first channel is the worked example A1 (2 × 2: that of A11)."""
    image = _mixed(shape, 0, 9)
    known = A11_INPUT if shape[1:] == (2, 2) else A1_INPUT
    corner = tuple(slice(0, n) for n in (1,) * (len(shape) - 2) + known.shape)[: len(shape)]
    if len(shape) == 2:
        corner, known = (0, slice(0, 4)), known[0]
    where = image[corner]
    image[corner] = known.reshape((1,) * (where.ndim - known.ndim) + known.shape)[
        tuple(slice(0, n) for n in where.shape)
    ]
    return image


@_source(INPUTS, "ramp", "Ramp")
def ramp(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """0, 1, 2 … along the last axis, and one more for each channel."""
    places = np.indices(shape, sparse=True)
    return np.broadcast_to(places[-1] + places[0], shape).astype(float)


@_source(INPUTS, "count", "Cell numbers")
def count(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Each cell holds its own number, counted from 0."""
    return np.arange(prod(shape), dtype=float).reshape(shape)


@_source(INPUTS, "impulse", "Impulse")
def impulse(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """A single 1 in the middle of each channel: the output is the kernel's own picture."""
    image = np.zeros(shape)
    image[(slice(None), *map(_centre, shape[1:]))] = 1
    return image


@_source(INPUTS, "ones", "Ones")
def ones(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """All 1: as input, the output counts what each position covers; as weights, it is the sum of the window."""
    return np.ones(shape)


@_source(INPUTS, "stripes", "Stripes")
def stripes(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Two cells dark, two cells bright, along the last axis."""
    return (np.indices(shape)[-1] // 2 % 2).astype(float)


@_source(INPUTS, "checkerboard", "Checkerboard")
def checkerboard(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """0 and 1 in turn along every axis."""
    return (np.indices(shape)[1:].sum(0) % 2).astype(float)


@_source(INPUTS, "random", "Random")
def random_input(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Standard normal numbers, rounded to two digits so that the cells show all of them."""
    return np.random.default_rng(seed).standard_normal(shape).round(2) + 0.0


@lru_cache(maxsize=8)
def _picture(name: str) -> np.ndarray:
    import cv2

    found = cv2.imread(str(PICTURES / f"{name}.png"), cv2.IMREAD_COLOR)
    assert found is not None
    return found[..., ::-1]


def _as_image(plane: Callable[[int, int, int], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Lay a 2-D drawing into any shape: a middle row in 1-D, the same slice throughout in 3-D."""
    # A row needs no square as high as it is long.
    height, width = (min(shape[-1], 224), shape[-1]) if len(shape) == 2 else shape[-2:]
    planes = [plane(c, height, width) for c in range(min(shape[0], 3))]
    if len(shape) == 2:
        planes = [p[_centre(height)] for p in planes]
    elif len(shape) == 4:
        planes = [np.broadcast_to(p, shape[1:]) for p in planes]
    return np.stack([planes[c % len(planes)] for c in range(shape[0])]).astype(float)


@_source(INPUTS, "digit", "Digit")
def digit(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """A handwritten-looking 5, grey levels 0 to 9."""
    import cv2

    def draw(_, height: int, width: int) -> np.ndarray:
        big = np.zeros((224, 224), np.uint8)
        strokes = [
            [(160, 40), (84, 44), (76, 104)],
            [(76, 104), (128, 92), (164, 128), (150, 178), (104, 192), (66, 172)],
        ]
        for stroke in strokes:
            cv2.polylines(big, [np.array(stroke, np.int32)], False, 255, 22, cv2.LINE_AA)
        return np.rint(cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA) / 255 * 9)

    return _as_image(draw, shape)


@_source(INPUTS, "photo", "Photograph")
def photo(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """A cat, 0 to 255: red, green and blue for three channels, grey otherwise."""
    import cv2

    def draw(channel: int, height: int, width: int) -> np.ndarray:
        picture = _picture("cat")
        plane = picture[..., channel] if shape[0] == 3 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        return cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)

    return _as_image(draw, shape)


# -- weights: the shape of the layer's own weight, (planes, planes within the group, *kernel) -------------------------


@_source(WEIGHTS, "example", "Worked example")
def example_weights(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Small whole numbers; the first kernel is that of the worked example A1."""
    weights = _mixed(shape, -1, 4)
    kernel = A1_KERNEL if len(shape) > 3 else A1_KERNEL[0]
    first = weights[(0, 0, 0) if len(shape) == 5 else (0, 0)]
    room = tuple(slice(0, min(a, b)) for a, b in zip(first.shape, kernel.shape, strict=True))
    first[room] = kernel[room]
    return weights


_source(WEIGHTS, "ones", "Ones")(ones)


def _product(shape: tuple[int, ...], axis_kernel: Callable[[int, int], np.ndarray]) -> np.ndarray:
    """The outer product of one 1-D kernel per axis: ``axis_kernel(size, axis counted from the end)``."""
    kernel = np.ones(())
    sizes = shape[2:]
    for i, size in enumerate(sizes):
        kernel = np.multiply.outer(kernel, axis_kernel(size, len(sizes) - 1 - i))
    return np.broadcast_to(kernel, shape).copy()


def _binomial(size: int) -> np.ndarray:
    """A row of Pascal's triangle; rows of more than 30 numbers are scaled down so that none exceeds 10⁹."""
    from scipy.special import comb, gammaln

    k = np.arange(size)
    if size <= 30:
        return np.rint(comb(size - 1, k))
    log = -gammaln(k + 1) - gammaln(size - k)
    return np.exp(log - log.max()) * 1e9


def _same_number(shape: tuple[int, ...]) -> np.ndarray:
    """1 from each channel to the plane of the same number, 0 elsewhere: (planes, planes within the group)."""
    return (np.arange(shape[0])[:, None] % shape[1] == np.arange(shape[1])).astype(float)


@_source(WEIGHTS, "identity", "Identity")
def identity(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """A single 1 in the middle, from each channel to the one of the same number: the output is the input."""
    weights = np.zeros(shape)
    weights[(slice(None), slice(None), *map(_centre, shape[2:]))] = _same_number(shape)
    return weights


@_source(WEIGHTS, "box", "Box blur")
def box(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Equal weights that add up to 1: the mean of the window."""
    return np.full(shape, 1 / prod(shape[2:]))


@_source(WEIGHTS, "gaussian", "Gaussian blur")
def gaussian(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Binomial weights (1 2 1, 1 4 6 4 1, …), which tend to a Gaussian; they add up to 1."""

    def axis(size: int, _):
        row = _binomial(size)
        return row / row.sum()

    return _product(shape, axis)


@_source(WEIGHTS, "sobel", "Sobel")
def sobel(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Change along the last axis, smoothed along the others: for 3 × 3, rows −1 0 1, −2 0 2, −1 0 1."""

    def axis(size: int, from_end: int):
        if from_end:
            return _binomial(size)
        change = {1: np.ones(1), 2: np.array([-1.0, 1.0])}.get(size)
        return np.convolve(_binomial(size - 2), [-1, 0, 1]) if change is None else change

    return _product(shape, axis)


@_source(WEIGHTS, "laplacian", "Laplacian")
def laplacian(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """How much a cell differs from its direct neighbours: for 3 × 3, a cross of 1 around −4."""
    kernel = np.zeros(shape[2:])
    middle = tuple(map(_centre, shape[2:]))
    for axis, size in enumerate(shape[2:]):
        for step in (-1, 1):
            cell = [*middle]
            cell[axis] += step
            if 0 <= cell[axis] < size:
                kernel[tuple(cell)] += 1
                kernel[middle] -= 1
    return np.broadcast_to(kernel, shape).copy()


@_source(WEIGHTS, "bilinear", "Bilinear")
def bilinear(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """A tent on each axis: in a transposed layer with kernel 2S and stride S it is bilinear interpolation.

    Source: Long, Shelhamer and Darrell 2015, Fully convolutional networks, https://arxiv.org/abs/1411.4038
    """

    def axis(size: int, _):
        factor = (size + 1) // 2
        centre = factor - 1 if size % 2 else factor - 0.5
        return 1 - np.abs(np.arange(size) - centre) / factor

    return _product(shape, axis) * _same_number(shape).reshape(*shape[:2], *[1] * (len(shape) - 2))


@_source(WEIGHTS, "random", "Random")
def random_weights(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Normal numbers with He's standard deviation √(2 / fan-in), rounded to two digits."""
    scale = (2 / max(1, prod(shape[1:]))) ** 0.5
    return (np.random.default_rng(seed + 1).standard_normal(shape) * scale).round(2) + 0.0


# -- tables that people paste -----------------------------------------------------------------------------------------


def read_table(text: str) -> np.ndarray:
    """A pasted table of numbers: rows on lines or between ``;`` or brackets, numbers between spaces, commas or tabs.

    Python lists (nested ones too) and spreadsheet cells are understood. Blank lines separate the slices of a stack.

    Returns:
        float64 array, as pasted: (width,), (height, width) or (planes, height, width).

    Raises:
        TableError: for words, ragged rows, NaN and infinity, no numbers or more than ``LARGEST_TABLE``.
    """
    if len(text) > 40 * LARGEST_TABLE:
        raise TableError(f"That is {big(len(text))} characters: paste at most {big(LARGEST_TABLE)} numbers.")
    if not any(map(str.isalnum, text)):
        raise TableError("There are no numbers in it: paste rows of numbers, such as 1 2 3 on each line.")
    text = WRAPPED.sub(r"\1", text.replace("−", "-"))
    planes = _nested(text) if "[" in text or "(" in text else None
    if planes is None:
        planes = _lines(text)
    planes = [plane for plane in planes if plane]
    if not planes:
        raise TableError("There are no numbers in it: paste rows of numbers, such as 1 2 3 on each line.")
    width = len(planes[0][0])
    for plane in planes:
        for number, row in enumerate(plane, 1):
            if len(row) != width:
                raise TableError(
                    f"Row {number} has {plural(len(row), 'number')} and the first has {width}: give each row {width}."
                )
    if len({len(plane) for plane in planes}) > 1:
        raise TableError(f"The blocks have {', '.join(str(len(p)) for p in planes)} rows: give each as many.")
    table = np.array(planes)
    return table[0, 0] if table.shape[:2] == (1, 1) else table[0] if len(planes) == 1 else table


def _nested(text: str) -> list[list[list[float]]] | None:
    """Rows of a Python list or a JSON array; None if it is not one (NumPy prints no commas)."""
    try:
        tree = json.loads(re.sub(r",\s*\]", "]", text.translate(str.maketrans("()", "[]"))))
    except (ValueError, RecursionError):
        return None
    depth, first = 0, tree
    while isinstance(first, list) and first:
        depth, first = depth + 1, first[0]
    if depth > 3:
        raise TableError(f"The lists are nested {depth} deep: use at most 3 levels, slices, rows and numbers.")
    for _ in range(3 - depth):
        tree = [tree]
    planes: list[list[list[float]]] = []
    for plane in tree:
        rows = plane if isinstance(plane, list) else [plane]
        planes.append([])
        for row in rows:
            cells = row if isinstance(row, list) else [row]
            if any(isinstance(cell, list) for cell in cells):
                raise TableError("The lists are nested unevenly: make every row a list of numbers.")
            planes[-1].append([_number(str(cell), len(planes[-1]) + 1) for cell in cells])
    if sum(len(row) for plane in planes for row in plane) > LARGEST_TABLE:
        raise TableError(f"There are more than {big(LARGEST_TABLE)} numbers: paste a smaller table.")
    return planes


def _lines(text: str) -> list[list[list[float]]]:
    """Rows of numbers on lines, as spreadsheets and NumPy write them; a blank line begins the next slice."""
    planes: list[list[list[float]]] = [[]]
    _refuse_commas_inside(text)
    slices = re.sub(r"[\])]\s*[\])]\s*,?\s*[\[(]\s*[\[(]", "\n\n", text.replace("\r", "").strip())
    rows = re.sub(r"[\])]\s*,?\s*[\[(]", "\n", slices)
    plain = re.sub(r";[ \t]*\n?", "\n", re.sub(r"[\[\](){}]", " ", rows))
    total = 0
    for number, line in enumerate(plain.split("\n"), 1):
        words = line.replace(",", " ").split()
        if not words:
            planes.append([])
            continue
        total += len(words)
        if total > LARGEST_TABLE:
            raise TableError(f"There are more than {big(LARGEST_TABLE)} numbers: paste a smaller table.")
        planes[-1].append([_number(word, number) for word in words])
    return planes


def _refuse_commas_inside(text: str) -> None:
    """Where tabs, or ``;`` on several lines, part the columns, ``1,5`` is one number: 1.5, or fifteen hundred?"""
    lines = text.strip().splitlines()
    columns = re.compile(r"\S\t+\S|;\s*\S" if len(lines) > 1 else r"\S\t+\S")
    for number, line in enumerate(lines, 1):
        inside = re.search(r"\d+,\d+", line)
        if inside and columns.search(line):
            shown = inside[0][:20]
            raise TableError(
                f"“{shown}” in line {number} has a comma inside: use a point for decimals, no mark for thousands."
            )


def _number(word: str, line: int) -> float:
    if not NUMBER.fullmatch(word):
        raise TableError(f"“{word[:20]}” in line {line} is not a number: use digits, with a point for decimals.")
    value = float(word)
    if not np.isfinite(value):
        raise TableError(f"“{word[:20]}” in line {line} is not a finite number: put a number in its place.")
    if abs(value) > LARGEST_NUMBER:
        raise TableError(f"“{word[:20]}” in line {line} is too large: use numbers up to {big(LARGEST_NUMBER)}.")
    return value


def write_numbers(values: np.ndarray) -> str:
    """Numbers for a URL, row-major, exactly as they are and as short as they can be: ``4_5_0.25``."""
    return "_".join(str(int(v)) if v == int(v) else repr(v) for v in values.reshape(-1).astype(float).tolist())


def read_numbers(text: str, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of ``write_numbers``; raises TableError if the numbers do not fill ``shape``."""
    if len(text) > 40 * max(LARGEST_TABLE, prod(shape)):
        raise TableError(f"The link holds {big(len(text))} characters of numbers, too many to read.")
    values = [_number(word, 1) for word in text.split("_") if word]
    if len(values) != prod(shape):
        held = plural(len(values), "number")
        raise TableError(f"The link holds {held} of its own and {big(prod(shape))} are needed.")
    return np.array(values).reshape(shape)
