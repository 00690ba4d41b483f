"""Effective receptive fields that the page asks for: of which network and weights, and how they grow with depth."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

from torch import nn

from models.effective import CORE, EffectiveField, effective_receptive_field
from models.network_field import network_field
from models.networks import load
from models.stack import Stack
from models.stack_field import build

SIDE = 224
NETWORKS = ("alexnet", "vgg16", "resnet18", "resnet50", "mobilenet_v2", "googlenet", "densenet121", "efficientnet_b0")
DEPTHS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Case:
    """One question. `network`: a name of torchvision's, `"depth"` (n layers 3x3) or `"stack"`. `weights`: as in
    `models.effective`, or `"trained"`. Hashable: answers are kept."""

    network: str
    weights: str = "random"
    activations: bool = True
    inputs: int = 10
    depth: int = 10
    stack: Stack | None = None
    stage: str = ""


def plain(depth: int, channels: int = 8) -> nn.Module:
    """`depth` convolutions 3x3 that keep the size, a ReLU after each but the last."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False)]
        layers += [nn.ReLU()] if i < depth - 1 else []
    return nn.Sequential(*layers)


class _Kept:
    """The last answers, oldest out first."""

    def __init__(self, most: int) -> None:
        self.most, self.found, self.lock = most, OrderedDict(), threading.Lock()

    def get(self, key):
        with self.lock:
            if key in self.found:
                self.found.move_to_end(key)
            return self.found.get(key)

    def put(self, key, value) -> None:
        with self.lock:
            self.found[key] = value
            while len(self.found) > self.most:
                self.found.popitem(last=False)


_kept = _Kept(24)


def effective(case: Case, progress: Callable[[int, int], None] | None = None) -> EffectiveField:
    """The answer for one case; asked again, it comes at once.

    Raises:
        ReceptiveFieldError: the unit's field cannot be measured.
        models.networks.NetworkError: trained weights cannot be had.
    """
    known = _kept.get(case)
    if known is not None:
        return known
    weights = "given" if case.weights == "trained" else case.weights
    if case.network == "stack":
        module = build(case.stack, relu=True)
        shape, layer = (1, case.stack.channels, *(case.stack.size,) * case.stack.dims), None
    elif case.network == "depth":
        side = 2 * case.depth + 9
        module, shape, layer = plain(case.depth), (1, 8, side, side), None
    else:
        module = load(case.network, pretrained=case.weights == "trained")
        shape, layer = (1, 3, SIDE, SIDE), network_field(case.network, SIDE).last.name
    found = effective_receptive_field(
        module,
        shape,
        layer=layer,
        n=case.inputs,
        weights=weights,
        activations=case.activations,
        progress=progress,
    )
    _kept.put(case, found)
    return found


def binomial_width(depth: int) -> float:
    """Luo et al.'s width of `depth` 3x3 layers of equal weights: a Gaussian of variance 2n/3 along each axis, of which
    counts what exceeds 4.55 % of its peak; the side of the square of the same area."""
    from math import log

    sigma = sqrt(depth * 2 / 3)
    return sqrt(pi) * sigma * sqrt(2 * log(1 / CORE))


@dataclass(frozen=True)
class Growth:
    """Widths against depth, in pixels: of the box, measured, and by the closed form for equal weights."""

    depths: tuple[int, ...]
    theory: tuple[int, ...]
    measured: tuple[float, ...]
    closed: tuple[float, ...]


def growth(weights: str, activations: bool, inputs: int, progress: Callable[[int, int], None] | None = None) -> Growth:
    """The effective width of plain stacks for each of `DEPTHS`."""
    widths = []
    for number, depth in enumerate(DEPTHS):
        widths.append(effective(Case("depth", weights, activations, inputs, depth)).size)
        if progress is not None:
            progress(number + 1, len(DEPTHS))
    theory = tuple(2 * depth + 1 for depth in DEPTHS)
    return Growth(DEPTHS, theory, tuple(widths), tuple(binomial_width(depth) for depth in DEPTHS))
