"""A picture as a network wants it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.errors import NetworkError
from models.networks.known import OWN, check_name, published, usual_side
from models.picture import resize, to_tensor

LARGEST_SIDE = 1024


class Prepared(NamedTuple):
    """A picture as a network wants it.

    x: `(1, 3, H, W)` float32, scaled and normalised. picture: `(H, W, 3)` uint8, the same pixels, to be drawn under
    maps.
    """

    x: Tensor
    picture: np.ndarray


def prepare(name: str, picture: np.ndarray, side: int | None = None, crop: bool = True) -> Prepared:
    """Resize a picture so that its shorter side is `side`, cut the middle square out, and normalise its colours.

    Args:
        picture: `(H, W, 3)` uint8, RGB.
        side: in pixels; default: what the network was trained with.
        crop: `False` keeps the picture's shape, its longer side at most four times the shorter one.

    Raises:
        NetworkError: not such a picture, or a side below 1.
    """
    check_name(name)
    pixels = np.asarray(picture)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise NetworkError(f"A picture is (height, width, 3) in uint8; got {pixels.shape} in {pixels.dtype}.")
    mean, std = (0.0,) * 3, (1.0,) * 3
    if name not in OWN:
        recipe = published(name).transforms()
        mean, std = recipe.mean, recipe.std
    side = usual_side(name) if side is None else side
    if not 1 <= side <= LARGEST_SIDE:
        raise NetworkError(f"A picture of {side} pixels cannot be made: use 1 to {LARGEST_SIDE}.")
    height, width = pixels.shape[:2]
    keep = min(height, width) * (1 if crop else 4)
    top, left = max(0, height - keep) // 2, max(0, width - keep) // 2
    pixels = pixels[top : top + keep, left : left + keep]
    scale = side / min(pixels.shape[:2])
    height, width = (max(1, round(n * scale)) for n in pixels.shape[:2])
    pixels = resize(np.ascontiguousarray(pixels), (height, width))
    x = to_tensor(pixels)
    return Prepared((x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1), pixels)
