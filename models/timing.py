"""How long layers take on this server's device, and what the device can do at most: the roofline of a layer's time.

A layer multiplies, and it moves numbers between memory and processor. The device does only so many MACs a second and
moves only so many bytes; whichever takes longer bounds the layer's time from below (Williams et al. 2009, Roofline,
https://doi.org/10.1145/1498765.1498785).

One layer at a time is measured in the whole process: two at once would each take the other's share.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TypeVar

import torch
from torch import nn

from models import device
from models.measure import Measurement
from models.text import big
from models.turns import Waiting, in_turn

T = TypeVar("T")

WARM_UP, PASSES, BUDGET = 3, 30, 0.4
"""Passes that are not counted, passes that are, at most, and seconds for these, about."""
MOST_WEIGHTS = 1 << 25
"""Of a layer that is measured: 128 MiB of them."""
DTYPE = torch.float32


@dataclass(frozen=True)
class Timed:
    """Seconds of one forward pass: the ``median``, and the quartiles ``low`` and ``high``, of so many passes."""

    median: float
    low: float
    high: float
    passes: int


@dataclass(frozen=True)
class Roof:
    """What the device did at most, measured: MACs a second in a large matrix product, bytes a second in a copy.

    ``where``: the device, its threads and the type of the numbers, in words.
    """

    macs: float
    bytes: float
    where: str

    def least(self, macs: int, moved: int) -> float:
        """Seconds that a layer takes at least."""
        return max(macs / self.macs, moved / self.bytes)

    @property
    def ridge(self) -> float:
        """MACs a byte: with fewer, the memory is what a layer waits for."""
        return self.macs / self.bytes


# -- measuring ---------------------------------------------------------------------------------------------------------


def moved_bytes(measured: Measurement) -> int:
    """Bytes that the layers read and write at least, in 32-bit floats: each one's input, weights and output, once."""
    return 4 * sum(
        prod(layer.input_shape or ()) + layer.parameters + prod(layer.output_shape or ()) for layer in measured.layers
    )


def _seconds(work: Callable[[], object], place: torch.device) -> list[float]:
    """Of one pass after another, once the first have been made that are not counted."""
    for _ in range(WARM_UP):
        work()
    return device.seconds(work, place, BUDGET, PASSES, least=3)


def time_layer(module: nn.Module, shape: Sequence[int]) -> Timed:
    """Forward passes of a layer for an input ``(N, C, *spatial)`` of random numbers, in 32-bit floats, on the best
    device.

    On a CPU one thread does it: several wait for each other as soon as somebody else has one of the cores.
    """

    def job(place: torch.device) -> list[float]:
        layer = device.private_copy(module, place).eval()
        x = torch.rand(tuple(shape), dtype=DTYPE).to(place)
        with torch.inference_mode():
            return _seconds(lambda: layer(x), place)

    with device.one_thread():
        times = device.on(job)
    low, median, high = statistics.quantiles(times, n=4)
    return Timed(median, low, high, len(times))


@cache
def roof() -> Roof:
    """Of this device, measured once in the life of the process, in less than a second."""

    def job(place: torch.device) -> tuple[float, float]:
        side, length = (8192, 1 << 28) if place.type == "cuda" else (512, 1 << 23)
        a, b = (torch.rand(side, side, dtype=DTYPE, device=place) for _ in range(2))
        product = torch.empty_like(a)
        source = torch.rand(length, dtype=DTYPE, device=place)
        target = torch.empty_like(source)
        with torch.inference_mode():
            multiplied = min(_seconds(lambda: torch.mm(a, b, out=product), place))
            copied = min(_seconds(lambda: target.copy_(source), place))
        return side**3 / multiplied, 2 * 4 * length / copied

    with device.one_thread():
        macs, moved = device.on(job)
        return Roof(macs, moved, f"{device.describe()}, {str(DTYPE).removeprefix('torch.')}")


def timings(
    layers: Mapping[str, Callable[[], nn.Module]], shape: Sequence[int]
) -> Generator[Waiting | tuple[str, Timed | str]]:
    """Measure one layer after another: first how many are ahead, while there are others; then each name with its time,
    or with the reason why there is none. Close it to stop.

    Args:
        layers: name → what makes the layer; it is made when its turn has come.
    """
    device.setup()

    def measured() -> Generator[tuple[str, Timed | str]]:
        roof()
        for name, make in layers.items():
            with torch.device("meta"):
                count = sum(p.numel() for p in make().parameters())
            if count > MOST_WEIGHTS:
                yield name, f"its {big(count)} weights are too many to be measured here"
            else:
                yield name, time_layer(make(), shape)

    yield from in_turn(measured)
