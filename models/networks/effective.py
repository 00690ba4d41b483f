"""Effective receptive fields that the page asks for: of which network and weights, and how they grow with depth."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import log, pi, sqrt
from typing import cast

from torch import Tensor, nn

from models.drawings import CLASSES, draw
from models.kept import Kept
from models.networks import load, skeleton
from models.networks import small as small_network
from models.networks.fields import network_field
from models.picture import to_tensor
from models.receptive_field.effective import CORE, EffectiveField, effective_steps
from models.stack import Stack
from models.stack.field import build
from models.turns import Waiting, in_turn

SIDE = 224
OWN = tuple(small_network.NETWORKS)
"""Their trained weights are always there."""
NETWORKS = (
    *OWN, "alexnet", "vgg16", "resnet18", "resnet50", "mobilenet_v2", "googlenet", "densenet121", "efficientnet_b0",
)  # fmt: skip
LARGE = NETWORKS[len(OWN) :]
DEPTHS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Case:
    """One question. `network`: a name of `models.networks`, `"depth"` (n layers 3x3) or `"stack"`. `weights`: as in
    `models.effective`, or `"trained"`. `layer`: of a network, default its last map. `unit`: default the middle one.
    Hashable: answers are kept."""

    network: str
    weights: str = "random"
    activations: bool = True
    inputs: int = 10
    depth: int = 10
    stack: Stack | None = None
    layer: str = ""
    unit: tuple[int, ...] | None = None


def plain(depth: int, channels: int = 8) -> nn.Module:
    """`depth` convolutions 3x3 that keep the size, a ReLU after each but the last."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False)]
        layers += [nn.ReLU()] if i < depth - 1 else []
    return nn.Sequential(*layers)


def _kept_within(most: int) -> Kept[EffectiveField]:
    return Kept(most, lambda answer: answer.energy.nbytes)


_kept = _kept_within(2**25)
_begun = _kept_within(2**23)
"""As many answers as fit into so many bytes, for a class asks hundreds."""


def side_of(network: str) -> int:
    """Pixels a side of the images that a network is asked with."""
    return small_network.SIZE if network in OWN else SIDE


def effective_so_far(case: Case) -> EffectiveField | None:
    """What is known about a case without computing: its answer, or the average over the inputs asked so far."""
    return _kept.get(case) or _begun.get(replace(case, inputs=0))


def effective_refined(case: Case) -> Iterator[EffectiveField | Waiting]:
    """The average after each input; it begins where an earlier look at the same case ended, and who asks the same now
    shares it. A large network waits for its turn, and says how many are ahead: each takes hundreds of MB. Leave it at
    any time.

    Raises:
        ReceptiveFieldError: the unit's field cannot be measured.
        models.networks.NetworkError: trained weights cannot be had.
    """
    begin = partial(_steps, case)
    return _kept.follow(case, partial(in_turn, begin) if case.network in LARGE else begin)


def _steps(case: Case) -> Generator[EffectiveField]:
    question = replace(case, inputs=0)
    begun = _begun.get(question)
    if begun is not None and begun.inputs > case.inputs:
        begun = None
    module, shape, layer = _network(case)
    steps = effective_steps(
        module,
        shape,
        layer=layer,
        index=case.unit,
        n=case.inputs,
        weights="given" if case.weights == "trained" else case.weights,
        activations=case.activations,
        so_far=begun,
        images=_drawing if case.network in OWN and case.weights == "trained" else None,
    )
    found = begun
    for found in steps:
        _begun.put(question, found)
        yield found
    if found is begun and found is not None:
        yield found


def _drawing(step: int) -> Tensor:
    """What our own networks were trained on: noise leaves their units dark."""
    return to_tensor(draw(CLASSES[step % len(CLASSES)], small_network.SIZE, step))


def _network(case: Case) -> tuple[nn.Module, tuple[int, ...], str | None]:
    if case.network == "stack":
        stack = case.stack
        assert stack is not None
        return build(stack, relu=True), stack.input_shape, None
    if case.network == "depth":
        side = 2 * case.depth + 9
        return plain(case.depth), (1, 8, side, side), None
    side = side_of(case.network)
    # Weights that will be redrawn need not be drawn first.
    redrawn = case.weights in ("random", "uniform")
    module = skeleton(case.network) if redrawn else load(case.network, pretrained=case.weights == "trained")
    return module, (1, 3, side, side), case.layer or network_field(case.network, side).last.name


def effective(case: Case) -> EffectiveField:
    """The answer for one case; asked again, it comes at once. Errors as in `effective_refined`."""
    *_, found = effective_refined(case)
    return cast(EffectiveField, found)


def binomial_width(depth: int) -> float:
    """Luo et al.'s width of `depth` 3x3 layers of equal weights: a Gaussian of variance 2n/3 along each axis, of which
    counts what exceeds 4.55 % of its peak; the side of the square of the same area."""
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
