"""Ways to make a receptive field larger, each built of real layers, measured, and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cachetools.func import lru_cache
from torch import nn

from models.measure import measure
from models.receptive_field import receptive_field
from models.text import plural

HALVINGS = 6
"""Strides and poolings by 2 before the map of 128 pixels is down to 2; what comes after them is plain."""


@dataclass(frozen=True)
class Point:
    """One network: what was done, its field (pixels a side), and what it costs. `layers`: those with weights; `units`:
    those of the last map, along an axis."""

    what: str
    size: int
    layers: int
    parameters: int
    macs: int
    units: int


@lru_cache(2048)
def _conv(c: int, kernel: int = 3, **settings: Any) -> nn.Module:
    return nn.Conv2d(c, c, kernel, bias=False, device="meta", **settings)


def _plain(n: int, c: int) -> list[nn.Module]:
    return [_conv(c, padding=1) for _ in range(n)]


def _depth(n: int, c: int) -> tuple[str, list[nn.Module]]:
    return f"{plural(n, 'layer')} 3×3", _plain(n, c)


def _kernel(n: int, c: int) -> tuple[str, list[nn.Module]]:
    k = 2 * n + 1
    return f"one layer {k}×{k}", [_conv(c, k, padding=n)]


def _rest(n: int) -> str:
    return f", then {n - HALVINGS} plain" if n > HALVINGS else ""


def _stride(n: int, c: int) -> tuple[str, list[nn.Module]]:
    halved = min(n, HALVINGS)
    layers = [_conv(c, stride=2, padding=1) for _ in range(halved)] + _plain(n - halved, c)
    return f"{plural(halved, 'layer')} 3×3, stride 2{_rest(n)}", layers


def _pool(n: int, c: int) -> tuple[str, list[nn.Module]]:
    halved = min(n, HALVINGS)
    layers = [layer for _ in range(halved) for layer in (_conv(c, padding=1), nn.MaxPool2d(2))]
    return f"{halved} times 3×3 and 2×2 pooling{_rest(n)}", layers + _plain(n - halved, c)


def _dilation(n: int, c: int) -> tuple[str, list[nn.Module]]:
    dilations = [2 ** (i % HALVINGS) for i in range(n)]
    return f"3×3, dilations {', '.join(map(str, dilations))}", [_conv(c, padding=d, dilation=d) for d in dilations]


WAYS: dict[str, tuple[Callable[[int, int], tuple[str, list[nn.Module]]], tuple[int, ...]]] = {
    "more layers": (_depth, (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)),
    "larger kernel": (_kernel, (1, 2, 3, 4, 6, 8, 12, 16)),
    "stride 2": (_stride, (1, 2, 3, 4, 5, 6)),
    "pooling": (_pool, (1, 2, 3, 4, 5, 6)),
    "dilation, doubled": (_dilation, (1, 2, 3, 4, 5, 6)),
}


@lru_cache(256)
def ways(channels: int = 16, side: int = 128) -> dict[str, tuple[Point, ...]]:
    """Each way as a row of points, on `side`² pixels with `channels` in and out of each layer."""
    return {name: tuple(_point(name, n, channels, side) for n in counts) for name, (_, counts) in WAYS.items()}


@lru_cache(16_384)
def _point(name: str, n: int, channels: int, side: int) -> Point:
    what, layers = WAYS[name][0](n, channels)
    return _counted(what, layers, _field(name, n, side), (1, channels, side, side))


@lru_cache(1024)
def _field(name: str, n: int, side: int) -> int:
    """The same for any number of channels."""
    return _seen(WAYS[name][0](n, 1)[1], (1, 1, side, side))


def _seen(layers: list[nn.Module], shape: tuple[int, ...]) -> int:
    size = receptive_field(nn.Sequential(*layers), shape).size
    assert size
    return size[0]


def _counted(what: str, layers: list[nn.Module], field: int, shape: tuple[int, ...]) -> Point:
    """Layers in a row, each of its kind measured once."""
    parameters = macs = 0
    for layer in layers:
        found = _measured(layer, shape)
        parameters, macs, shape = parameters + found.parameters, macs + found.macs, found.output_shape
    learned = sum(isinstance(layer, (nn.Conv1d, nn.Conv2d)) for layer in layers)
    return Point(what, field, learned, parameters, macs, shape[-1])


_measured = lru_cache(2048)(measure)


@dataclass(frozen=True)
class Budget:
    """What one price buys. `unit`: `"parameters"` or `"macs"`; `amount`: that of one `kernel_size`² layer at full
    resolution; `bought`: for each way the network with the largest field that costs no more."""

    unit: str
    kernel_size: int
    amount: int
    bought: dict[str, Point]

    def share(self, name: str) -> float:
        """How much of the budget a way uses, 0 to 1."""
        return getattr(self.bought[name], self.unit) / self.amount


@lru_cache(1024)
def equal_budget(unit: str, kernel_size: int = 7, channels: int = 16) -> Budget:
    """Every way for the price of one layer of `kernel_size`² (odd), same channels, same image.

    A way takes layers while the budget pays for them, and stops when its field spans the image: what it would buy
    beyond lies on padding.
    """
    side = 128
    amount = getattr(_point("larger kernel", (kernel_size - 1) // 2, channels, side), unit)
    bought = {}
    for name in WAYS:
        at = lambda n, name=name: _point(name, n, channels, side)  # noqa: E731
        low, high = 1, 2
        while getattr(at(high), unit) <= amount and at(low).size < side:
            low, high = high, 2 * high
        # The last that the budget pays for, then the first whose field spans the image.
        n = next((n for n in range(low, high + 1) if getattr(at(n), unit) > amount), high + 1) - 1
        bought[name] = at(next((m for m in range(1, n) if at(m).size >= side), n))
    return Budget(unit, kernel_size, amount, bought)


@lru_cache(256)
def causal(channels: int = 16) -> dict[str, tuple[Point, ...]]:
    """WaveNet's stack, two taps a layer, dilations 1, 2, 4, …, against the same without dilation."""
    return {
        name: tuple(
            _counted(plural(n, "layer"), _two_taps(n, channels, dilated), _remembered(n, dilated), (1, channels, 1024))
            for n in range(1, 11)
        )
        for name, dilated in (("dilations 1, 2, 4, …", True), ("no dilation", False))
    }


def _two_taps(n: int, c: int, dilated: bool) -> list[nn.Module]:
    return [layer for i in range(n) for layer in _past(c, 2**i if dilated else 1)]


@lru_cache(2048)
def _past(c: int, d: int) -> tuple[nn.Module, ...]:
    return nn.ConstantPad1d((d, 0), 0.0), nn.Conv1d(c, c, 2, dilation=d, bias=False, device="meta")


@lru_cache(32)
def _remembered(n: int, dilated: bool) -> int:
    return _seen(_two_taps(n, 1, dilated), (1, 1, 1024))
