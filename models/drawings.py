"""Drawn pictures with a known answer: shapes and digits at random places, sizes and colours, with noise.

OpenCV draws them from outlines that are written here, so any number of fresh ones costs nothing and their class is
known. The small network is trained on them, and pages offer them as pictures.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from models.errors import DrawingError

SHAPES = ("circle", "ring", "square", "triangle", "star", "cross", "heart", "moon")
DIGITS = tuple("0123456789")
CLASSES = (*SHAPES, *DIGITS)

OVERSAMPLED = 3
LEAST_CONTRAST = 50
SMALLEST, LARGEST = 16, 512


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float, points: int = 24) -> list[tuple]:
    """Points of an ellipse's arc; degrees from the right, clockwise as rows count downwards."""
    angles = np.radians(np.linspace(start, end, points))
    return list(zip(x + rx * np.cos(angles), y + ry * np.sin(angles), strict=True))


def _star() -> list[tuple]:
    angles = np.radians(np.arange(10) * 36 - 90)
    radii = np.where(np.arange(10) % 2, 0.42, 1.0)
    return list(zip(radii * np.cos(angles), radii * np.sin(angles), strict=True))


def _cross() -> list[tuple]:
    a, b = 0.33, 1.0
    return [(-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a), (a, b), (-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a)]


def _heart() -> list[tuple]:
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return list(zip(np.sin(t) ** 3, -(y + 2.5) / 15, strict=True))


# Each drawing: filled outlines, or strokes of one width. x to the right, y downwards, both from -1 to 1.
_FILLED = {
    "circle": [_arc(0, 0, 1, 1, 0, 360, 48)],
    "square": [[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]],
    "triangle": [[(0, -0.9), (0.95, 0.8), (-0.95, 0.8)]],
    "star": [_star()],
    "cross": [_cross()],
    "heart": [_heart()],
    "moon": [_arc(0, 0, 1, 1, 50, 310, 32) + _arc(0.45, 0, 0.78, 0.8, 290, 70, 32)],
}
_STROKES = {
    "ring": [[_arc(0, 0, 0.8, 0.8, 0, 360, 48)]],
    "0": [[_arc(0, 0, 0.55, 0.95, -90, 270, 40)]],
    "1": [
        [[(-0.35, -0.6), (0.05, -0.95), (0.05, 0.95)]],
        [[(-0.35, -0.6), (0.05, -0.95), (0.05, 0.95)], [(-0.4, 0.95), (0.5, 0.95)]],
        [[(0, -0.95), (0, 0.95)]],
    ],
    "2": [[[*_arc(0, -0.4, 0.55, 0.55, -170, 30, 20), (-0.6, 0.95), (0.62, 0.95)]]],
    "3": [
        [_arc(-0.05, -0.47, 0.55, 0.48, -160, 90, 20) + _arc(-0.05, 0.47, 0.62, 0.48, -90, 160, 20)],
        [[(-0.5, -0.95), (0.5, -0.95), (-0.05, -0.2), *_arc(-0.05, 0.38, 0.6, 0.58, -90, 155, 20)]],
    ],
    "4": [
        [[(0.3, 0.95), (0.3, -0.95), (-0.65, 0.4), (0.65, 0.4)]],
        [[(-0.35, -0.95), (-0.6, 0.25), (0.6, 0.25)], [(0.3, -0.4), (0.3, 0.95)]],
    ],
    "5": [[[(0.5, -0.95), (-0.45, -0.95), (-0.52, -0.1), *_arc(-0.03, 0.35, 0.6, 0.58, -130, 150, 24)]]],
    "6": [[_arc(0.55, 0.1, 1.1, 1.05, -95, -180, 16) + _arc(0, 0.42, 0.55, 0.53, 180, -180, 32)]],
    "7": [
        [[(-0.6, -0.95), (0.6, -0.95), (-0.15, 0.95)]],
        [[(-0.6, -0.95), (0.6, -0.95), (-0.15, 0.95)], [(-0.25, 0), (0.5, 0)]],
    ],
    "8": [[_arc(0, -0.48, 0.48, 0.46, 90, 450, 28), _arc(0, 0.47, 0.58, 0.48, -90, 270, 28)]],
    "9": [
        [_arc(0, -0.42, 0.55, 0.53, 0, 360, 32) + _arc(-0.55, -0.1, 1.1, 1.05, 0, 85, 16)],
        [[*_arc(0, -0.42, 0.55, 0.53, 0, 360, 32), (0.55, -0.42), (0.4, 0.95)]],
    ],
}


@cache
def _outline(name: str) -> tuple[tuple[tuple[np.ndarray, ...], ...], bool]:
    """All ways to draw it, each a tuple of `(points, 2)` arrays, and whether they are strokes."""
    if name not in CLASSES:
        raise DrawingError(f"There is no drawing called {name!r}: use one of {', '.join(CLASSES)}.")
    ways = _STROKES[name] if name in _STROKES else [_FILLED[name]]
    return tuple(tuple(np.array(part, float) for part in way) for way in ways), name in _STROKES


def _mask(parts, strokes: bool, size: int, matrix: np.ndarray, centre: np.ndarray, width: float) -> np.ndarray:
    """How much of each pixel the drawing covers, float32 from 0 to 1, `(size, size)`."""
    big = np.zeros((size * OVERSAMPLED, size * OVERSAMPLED), np.uint8)
    placed = [((part @ matrix.T + centre) * OVERSAMPLED * 16).round().astype(np.int32) for part in parts]
    if strokes:
        cv2.polylines(big, placed, False, 255, max(1, round(width * OVERSAMPLED)), cv2.LINE_AA, shift=4)
    else:
        cv2.fillPoly(big, placed, 255, cv2.LINE_AA, shift=4)
    return cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _sized(size: int) -> int:
    if not isinstance(size, (int, np.integer)) or not SMALLEST <= size <= LARGEST:
        raise DrawingError(f"A drawing of {size} pixels cannot be made: use {SMALLEST} to {LARGEST}.")
    return int(size)


def plain(name: str, size: int = 64) -> np.ndarray:
    """The drawing in black on white, in the middle: uint8, `(size, size, 3)`."""
    size = _sized(size)
    ways, strokes = _outline(name)
    radius = 0.32 * size
    mask = _mask(ways[0], strokes, size, np.eye(2) * radius, np.full(2, size / 2), 0.28 * radius)
    return np.repeat((255 * (1 - mask)).round().astype(np.uint8)[..., None], 3, 2)


def _colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two colours that differ in luma, so that a grey picture shows the drawing too."""
    luma = np.array([0.299, 0.587, 0.114])
    while True:
        back, front = rng.uniform(0, 255, (2, 3))
        if rng.random() < 0.35:  # greys, as on paper or a blackboard
            back, front = (np.full(3, c.mean()) for c in (back * 1.3 - 38, front * 1.3 - 38))
            back, front = back.clip(0, 255), front.clip(0, 255)
        if abs((back - front) @ luma) >= LEAST_CONTRAST:
            return back, front


def _background(size: int, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`(size, size, 3)` float32: flat, a slope, clouds or stripes about the colour, weaker than the drawing."""
    image = np.broadcast_to(colour.astype(np.float32), (size, size, 3)).copy()
    kind, strength = rng.integers(4), rng.uniform(5, 22)
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    if kind == 1:
        image += (2 * strength * along)[..., None]
    elif kind == 2:
        clouds = rng.normal(0, 1, (int(rng.integers(2, 9)),) * 2).astype(np.float32)
        image += (0.6 * strength * cv2.resize(clouds, (size, size), interpolation=cv2.INTER_CUBIC))[..., None]
    elif kind == 3:
        image += (0.6 * strength * np.sin(2 * np.pi * along * rng.uniform(3, 9)))[..., None]
    return image


def draw(
    name: str,
    size: int = 64,
    rng: np.random.Generator | int = 0,
    *,
    centre: tuple[float, float] | None = None,
    radius: float | None = None,
    angle: float | None = None,
) -> np.ndarray:
    """One drawing, uint8 `(size, size, 3)`, RGB: everything that is not given is random.

    Args:
        name: one of `CLASSES`.
        rng: a generator, or its seed.
        centre: row and column of its middle, in pixels.
        radius: half its height, in pixels.
        angle: degrees, counter-clockwise.

    Raises:
        DrawingError: no such drawing, or a size outside 16 … 512.
    """
    size = _sized(size)
    ways, strokes = _outline(name)
    rng = rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)
    parts = ways[rng.integers(len(ways))]
    drawn_radius, turn = size * rng.uniform(0.17, 0.44), np.radians(rng.normal(0, 10))
    radius = drawn_radius if radius is None else radius
    turn = turn if angle is None else np.radians(angle)
    lean, stretch = rng.normal(0, 0.08), np.exp(rng.normal(0, 0.06))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    matrix = radius * rotation @ np.array([[stretch, -lean], [0, 1 / stretch]])
    room = max(0.0, size / 2 - 0.95 * radius)
    place = size / 2 + rng.uniform(-room, room, 2)
    place = place if centre is None else np.array([centre[1], centre[0]], float)
    if strokes:  # a hand wavers: bend the points smoothly
        waves = rng.normal(0, 0.045, (2, 2, 2))
        parts = tuple(p + np.sin(2 * p @ waves[0] * 20 + 6 * waves[1, 0]) * waves[1, 1] for p in parts)
    width = radius * (rng.uniform(0.3, 0.5) if name == "ring" else rng.uniform(0.13, 0.42))
    mask = _mask(parts, strokes, size, matrix, place, width)[..., None]
    back, front = _colours(rng)
    image = _background(size, back, rng) * (1 - mask) + front.astype(np.float32) * mask
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.1) * size / 64)
    if rng.random() < 0.7:
        image += rng.normal(0, rng.uniform(2, 16), image.shape).astype(np.float32)
    return image.clip(0, 255).round().astype(np.uint8)


def draw_many(count: int, size: int = 64, rng: np.random.Generator | int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`count` drawings `(count, size, size, 3)`, uint8, and the number of each one's class, all classes as often."""
    rng = rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    images = np.empty((count, size, size, 3), np.uint8)
    for i, label in enumerate(labels):
        images[i] = draw(CLASSES[label], size, rng)
    return images, labels
