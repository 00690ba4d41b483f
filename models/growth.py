"""Ways to make a receptive field larger, each built of real layers, measured, and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from torch import nn

from models.measure import measure
from models.receptive_field import receptive_field


@dataclass(frozen=True)
class Point:
    """One network: what was done, its field (pixels a side), and what it costs. `layers`: those with weights."""

    what: str
    size: int
    layers: int
    parameters: int
    macs: int


def _depth(n: int, c: int) -> tuple[str, list[nn.Module]]:
    return f"{n} layers 3×3", [nn.Conv2d(c, c, 3, padding=1, bias=False, device="meta") for _ in range(n)]


def _kernel(n: int, c: int) -> tuple[str, list[nn.Module]]:
    k = 2 * n + 1
    return f"one layer {k}×{k}", [nn.Conv2d(c, c, k, padding=n, bias=False, device="meta")]


def _stride(n: int, c: int) -> tuple[str, list[nn.Module]]:
    layers = [nn.Conv2d(c, c, 3, stride=2, padding=1, bias=False, device="meta") for _ in range(n)]
    return f"{n} layers 3×3, stride 2", layers


def _pool(n: int, c: int) -> tuple[str, list[nn.Module]]:
    each = lambda: (nn.Conv2d(c, c, 3, padding=1, bias=False, device="meta"), nn.MaxPool2d(2))  # noqa: E731
    return f"{n} times 3×3 and 2×2 pooling", [layer for _ in range(n) for layer in each()]


def _dilation(n: int, c: int) -> tuple[str, list[nn.Module]]:
    dilations = [2**i for i in range(n)]
    layers = [nn.Conv2d(c, c, 3, padding=d, dilation=d, bias=False, device="meta") for d in dilations]
    return f"3×3, dilations {', '.join(map(str, dilations))}", layers


WAYS: dict[str, tuple[Callable[[int, int], tuple[str, list[nn.Module]]], tuple[int, ...]]] = {
    "more layers": (_depth, (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)),
    "larger kernel": (_kernel, (1, 2, 3, 4, 6, 8, 12, 16)),
    "stride 2": (_stride, (1, 2, 3, 4, 5, 6)),
    "pooling": (_pool, (1, 2, 3, 4, 5, 6)),
    "dilation, doubled": (_dilation, (1, 2, 3, 4, 5, 6)),
}


@lru_cache(maxsize=8)
def ways(channels: int = 16, side: int = 128) -> dict[str, tuple[Point, ...]]:
    """Each way as a row of points, on `side`² pixels with `channels` in and out of each layer."""
    return {
        name: tuple(_point(*make(n, channels), channels, side) for n in counts) for name, (make, counts) in WAYS.items()
    }


def _point(what: str, layers: list[nn.Module], channels: int, side: int) -> Point:
    shape = (1, channels, side, side)
    network = nn.Sequential(*layers)
    counted = measure(network, shape)
    learned = sum(1 for layer in layers if isinstance(layer, nn.Conv2d))
    return Point(what, receptive_field(network, shape).size[0], learned, counted.parameters, counted.macs)


@lru_cache(maxsize=8)
def causal(channels: int = 16, length: int = 1024) -> dict[str, tuple[Point, ...]]:
    """WaveNet's stack, two taps a layer, dilations 1, 2, 4, …, against the same without dilation."""
    found: dict[str, tuple[Point, ...]] = {}
    for name, dilated in (("dilations 1, 2, 4, …", True), ("no dilation", False)):
        points = []
        for n in range(1, 11):
            layers: list[nn.Module] = []
            for i in range(n):
                d = 2**i if dilated else 1
                layers += [
                    nn.ConstantPad1d((d, 0), 0.0),
                    nn.Conv1d(channels, channels, 2, dilation=d, bias=False, device="meta"),
                ]
            network, shape = nn.Sequential(*layers), (1, channels, length)
            counted = measure(network, shape)
            size = receptive_field(network, shape).size[0]
            points.append(Point(f"{n} layers", size, n, counted.parameters, counted.macs))
        found[name] = tuple(points)
    return found
