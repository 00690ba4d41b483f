"""What a dense network and a convolutional one make of pictures that have moved, both trained on pictures in the
middle: a convolution looks everywhere with the same weights, a dense layer has others for every place."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models import device
from models.drawings import draw
from models.turns import Waiting, in_turn

CLASSES = ("circle", "square", "triangle", "star", "cross")
SIDE, RADIUS = 28, 7
"""Of a picture, and half the height of a drawing, in pixels."""
TRAINED, TESTED = 400, 200
STEPS, BATCH, RATE = 160, 40, 1e-2
MOST = 7
"""Pixels of a shift after which the drawing is still whole."""


def dense_network() -> nn.Sequential:
    """``(N, 1, SIDE, SIDE)`` → scores ``(N, classes)``."""
    return nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 32), nn.ReLU(), nn.Linear(32, len(CLASSES)))


def convolutional_network() -> nn.Sequential:
    """The same from convolutions and a maximum over all places."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
        nn.Linear(16, len(CLASSES)),
    )  # fmt: skip


def examples(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Drawings in the middle of their pictures: float32 ``(count, 1, SIDE, SIDE)`` from 0, the background, to about 1;
    and the number of each one's class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    middle = (SIDE / 2, SIDE / 2)
    drawn = np.stack([draw(CLASSES[label], SIDE, rng, centre=middle, radius=RADIUS) for label in labels])
    grey = drawn @ np.array([0.299, 0.587, 0.114])
    off = abs(grey - np.median(grey[:, [0, -1]], axis=(1, 2))[:, None, None])
    return torch.from_numpy((off / off.max((1, 2), keepdims=True)).astype(np.float32))[:, None], torch.from_numpy(
        labels
    )


def moved(pictures: torch.Tensor, pixels: int) -> torch.Tensor:
    """Shifted to the right; what leaves the picture comes in at the left, where nothing is drawn."""
    return pictures.roll(pixels, -1)


@dataclass(frozen=True, eq=False)
class Shifted:
    """Two networks on drawings that neither has seen.

    parameters: by network. shifts: in pixels. accuracies: by network, one a shift, from 0 to 1. where: what trained
    them, in words.
    """

    parameters: dict[str, int]
    shifts: Sequence[int]
    accuracies: dict[str, list[float]]
    where: str


@contextmanager
def _learning() -> Iterator[None]:
    """Held for no longer than one step: between two steps the caller does other things."""
    with torch.inference_mode(False), torch.enable_grad(), device.one_thread():
        yield


def train_both(seed: int = 0) -> Generator[Waiting | float | Shifted]:
    """Train both alike, on the same drawings in the same order, on the best device: first how many are ahead, while
    there are others; then the share that is done, and last what was found. Close it to stop."""

    def trained() -> Generator[float | Shifted]:
        place = device.setup()
        try:
            yield from _train_both(seed, place)
        except Exception as error:
            if place.type == "cpu" or not device.gave_up(error):
                raise
            yield from _train_both(seed, torch.device("cpu"))

    yield from in_turn(trained)


def _train_both(seed: int, place: torch.device) -> Iterator[float | Shifted]:
    with _learning(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # Drawn on the CPU: a seed is the same weights on every device.
        networks = {"Dense": dense_network().to(place), "Convolution": convolutional_network().to(place)}
        movers = [torch.optim.Adam(each.parameters(), RATE) for each in networks.values()]
        x, labels = (one.to(place) for one in examples(TRAINED, seed))
    order = torch.Generator().manual_seed(seed)
    for step in range(1, STEPS + 1):
        batch = torch.randperm(TRAINED, generator=order)[:BATCH].to(place)
        with _learning():
            for network, mover in zip(networks.values(), movers, strict=True):
                loss = nn.functional.cross_entropy(network(x[batch]), labels[batch])
                mover.zero_grad()
                loss.backward()
                mover.step()
        if step % 20 == 0:
            yield step / STEPS
    tested, right = (one.to(place) for one in examples(TESTED, seed + 1))
    shifts, found = range(MOST + 1), {}
    with device.one_thread(), torch.inference_mode():
        for name, each in networks.items():
            answers = [each(moved(tested, shift)).argmax(1) for shift in shifts]
            found[name] = [float((answer == right).float().mean()) for answer in answers]
        where = device.describe(place)
    sizes = {name: sum(p.numel() for p in each.parameters()) for name, each in networks.items()}
    yield Shifted(sizes, shifts, found, where)
