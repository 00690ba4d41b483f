"""What these lessons keep for all visitors: a page's own file is read anew in each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torchvision.models import vgg16

from models import blocks, device, networks
from models.alternatives import WAYS, least, reach
from models.channels import (
    channel_picture,
    channel_steps,
    merge_pointwise,
    seen,
    seen_through,
    split_groups,
    two_grouped,
)
from models.dense import dense_of, local_of
from models.formulas import Formula
from models.graph import Graph, read_graph
from models.kept import Kept
from models.maps.filters import kernel
from models.measure import measure
from models.networks import skeleton
from models.operator import linear_operator
from models.separable import NearestSeparable, nearest_separable
from models.shifted import Shifted
from models.text import big
from viz.components.channels import step
from viz.controls.picture import PICTURES
from viz.controls.picture import taken as picture_taken

SHIFTED: Kept[Shifted] = Kept(1)
"""What two networks made of drawings that had moved, once a visitor had them trained."""


def taken(name: str, values: dict[str, int]) -> dict[str, int]:
    """Those of the settings that the layer takes."""
    known = {setting.name for setting in WAYS[name].settings}
    return {key: value for key, value in values.items() if key in known}


def reached_of(name: str, values: dict[str, int]) -> tuple[list[dict], int]:
    """What the layers of a way do with channels, as steps of a tile, and how many input channels an output sees."""
    return _reached(name, **least(name, **taken(name, values)))


@lru_cache(maxsize=512)
def _reached(name: str, **job: int) -> tuple[list[dict], int]:
    found = reach(name, **job)
    return [step(*one) for one in found], seen_through([picture for _, picture in found])


@dataclass(frozen=True, eq=False)
class Connected:
    """Who sees whom through a convolution in groups; the same from one layer a group, and two of them in a row, with a
    shuffle between or without. Pictures are of ``channel_picture``."""

    picture: np.ndarray
    split_picture: np.ndarray
    split_weights: int
    difference: float
    plain: list[tuple[str, np.ndarray]]
    shuffled: list[tuple[str, np.ndarray]]
    plain_sees: int
    shuffled_sees: int

    @property
    def sees(self) -> int:
        return seen(self.picture)


@dataclass(frozen=True, eq=False)
class Grouped(Connected):
    """A convolution in groups from so many channels to as many, measured: its cost besides."""

    channels: int
    groups: int
    kernel: int
    size: int
    weights: int
    macs: int
    formulas: Mapping[str, Formula]


@lru_cache(maxsize=64)
def grouped(channels: int, groups: int, kernel: int, size: int) -> Grouped:
    way = WAYS["grouped"]
    job = {"in_channels": channels, "out_channels": channels, "kernel_size": kernel, "size": size, "groups": groups}
    with torch.device("meta"):
        measured = measure(way.build(**job), way.input_shape(**job))
    return Grouped(
        **vars(_connected(channels, groups, kernel)),
        channels=channels,
        groups=groups,
        kernel=kernel,
        size=size,
        weights=measured.parameters,
        macs=measured.macs,
        formulas=way.formulas(**job),
    )


@lru_cache(maxsize=128)
def _connected(channels: int, groups: int, kernel: int) -> Connected:
    """What does not depend on the image's size."""
    layer = WAYS["grouped"].build(in_channels=channels, out_channels=channels, kernel_size=kernel, groups=groups)
    layer = layer.double().requires_grad_(False)
    split = split_groups(layer)
    x = torch.randn(
        1, channels, 2 * kernel, 2 * kernel, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    with device.one_thread(), torch.inference_mode():
        difference = float((split(x) - layer(x)).abs().max())
    one = (1, channels, 1, 1)
    plain, shuffled = (two_grouped(channels, groups, with_shuffle) for with_shuffle in (False, True))
    return Connected(
        picture=channel_picture(layer, one),
        split_picture=channel_picture(split, one),
        split_weights=sum(p.numel() for p in split.parameters()),
        difference=difference,
        plain=channel_steps(plain, one),
        shuffled=channel_steps(shuffled, one),
        plain_sees=seen(channel_picture(plain, one)),
        shuffled_sees=seen(channel_picture(shuffled, one)),
    )


@lru_cache(maxsize=1)
def astronaut() -> tuple[np.ndarray, torch.Tensor]:
    """A small colour picture: uint8 ``(H, W, 3)``, and float64 ``(1, 3, H, W)`` from 0 to 1."""
    pixels = picture_taken((PICTURES / "astronaut.png").read_bytes(), 96).pixels
    return pixels, torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None].double() / 255


LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue add to the brightness."""


@lru_cache(maxsize=8)
def standard(name: str) -> nn.Conv2d:
    """A convolution on colour pictures without bias, in float64: ``random``, ``brightness`` (filters of the bank on the
    brightness), ``one`` (one filter in each colour, in many mixes) or ``learned`` (the first of our small network)."""
    if name == "learned":
        weight = networks.load("small", pretrained=True).conv1.weight.detach().double()
    else:
        drawn = torch.Generator().manual_seed(0)
        bank = torch.from_numpy(np.stack([kernel(one, 3) for one in ("sobel", "gaussian", "laplacian", "emboss")]))
        mixes = torch.randn(4, 3, 1, 1, generator=drawn, dtype=torch.float64)
        weight = {
            "random": lambda: torch.randn(4, 3, 3, 3, generator=drawn, dtype=torch.float64),
            "brightness": lambda: bank[:, None] * torch.tensor(LUMA, dtype=torch.float64)[:, None, None],
            "one": lambda: mixes * bank[0],
        }[name]()
    outputs, inputs, *window = weight.shape
    layer = nn.Conv2d(inputs, outputs, tuple(window), padding=window[0] // 2, bias=False, dtype=torch.float64)
    layer.requires_grad_(False).weight.copy_(weight)
    return layer


@lru_cache(maxsize=16)
def nearest(name: str, pointwise_first: bool) -> NearestSeparable:
    """The depthwise separable layer nearest to ``standard(name)``."""
    return nearest_separable(standard(name), pointwise_first)


@dataclass(frozen=True, eq=False)
class Three:
    """One convolution as itself, with windows alone, and dense, without biases; from images ``(C, side, side)`` to
    images of that size. The matrices ``[outputs, inputs]`` are measured: each step takes away some of the last.

    shared, local, dense: by name, the matrix of a layer of its kind.
    as_local, as_dense: largest difference of the convolution's output when it is written as one of these.
    """

    shared: np.ndarray
    local: np.ndarray
    dense: np.ndarray
    parameters: Mapping[str, int]
    formulas: Mapping[str, Formula]
    as_local: float
    as_dense: float


THREE = {"dense": "dense", "local": "local", "shared": "standard"}
"""Step → the layer's name among the ways to do a job."""


@lru_cache(maxsize=64)
def three(inputs: int, outputs: int, side: int, window: int) -> Three:
    job = {"in_channels": inputs, "out_channels": outputs, "size": side, "kernel_size": window, "bias": False}
    drawn = torch.Generator().manual_seed(1)
    conv: Any = WAYS["standard"].build(**job).double().requires_grad_(False)
    # As many different weights as there are, in a random order, none of them near 0.
    count = conv.weight.numel()
    values = torch.linspace(0.2, 1, count, dtype=torch.float64) * (-1) ** torch.arange(count)
    conv.weight.copy_(values[torch.randperm(count, generator=drawn)].view_as(conv.weight))
    shape = (1, inputs, side, side)
    local, dense = local_of(conv, shape[2:]), dense_of(conv, shape)
    x = torch.randn(shape, dtype=torch.float64, generator=drawn)
    with device.one_thread(), torch.inference_mode():
        off = [float((layer(x) - conv(x)).abs().max()) for layer in (local, dense)]
    matrix = linear_operator(conv, shape)
    free: Any = local_of(conv, shape[2:]).requires_grad_(False)
    free.weight.copy_(_drawn(free.weight.shape, drawn))
    apart = linear_operator(free, shape).matrix
    there = np.zeros(matrix.shape, bool)
    there[matrix.rows, matrix.cols] = True
    every = _drawn(matrix.shape, drawn).numpy()
    with torch.device("meta"):
        sizes = {name: measure(WAYS[way].build(**job), shape).parameters for name, way in THREE.items()}
    forms = {name: WAYS[way].formulas(**job)["parameters"] for name, way in THREE.items()}
    return Three(matrix.matrix, apart, np.where(there, apart, every), sizes, forms, *off)


def _drawn(shape: Sequence[int], drawn: torch.Generator) -> torch.Tensor:
    """Random weights from −1 to 1 that are not taken for 0 where they are written with one decimal."""
    sizes, signs = torch.rand(2, *shape, generator=drawn, dtype=torch.float64)
    return (0.1 + 0.9 * sizes) * torch.where(signs < 0.5, -1.0, 1.0)


@lru_cache(maxsize=1)
def _vgg_layers() -> dict[str, Any]:
    """Those of torchvision's VGG-16 that learn, by what they are, in their order; on the meta device."""
    with torch.device("meta"):
        network = vgg16()
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    kinds = [("conv" if isinstance(one, nn.Conv2d) else "dense") for one in layers]
    names = [f"{kind} {kinds[: i + 1].count(kind)}" for i, kind in enumerate(kinds)]
    return dict(zip(names, layers, strict=True))


def vgg() -> dict[str, int]:
    """Parameters of each layer of VGG-16."""
    return {name: sum(p.numel() for p in one.parameters()) for name, one in _vgg_layers().items()}


def vgg_sizes() -> dict[str, tuple[str, str]]:
    """What each reads and gives: channels of a 3×3 convolution, or numbers."""
    return {
        name: (f"{big(one.in_channels)} channels, 3×3", f"{big(one.out_channels)} channels")
        if isinstance(one, nn.Conv2d)
        else (f"{big(one.in_features)} numbers", f"{big(one.out_features)}")
        for name, one in _vgg_layers().items()
    }


def two_pointwise(hidden: int, between: bool) -> tuple[nn.Sequential, nn.Module]:
    """Two 1x1 convolutions in a row on colours, from 3 to ``hidden`` to 4 channels, with a ReLU ``between`` them or
    not; and the one whose matrix is the product of theirs. Without biases, in float64."""
    drawn = torch.Generator().manual_seed(6)
    convs = [nn.Conv2d(*shape, 1, bias=False, dtype=torch.float64) for shape in ((3, hidden), (hidden, 4))]
    for conv in convs:
        conv.requires_grad_(False).weight.copy_(_drawn(conv.weight.shape, drawn).round(decimals=1))
    merged = merge_pointwise(*convs).requires_grad_(False)
    return nn.Sequential(convs[0], *([nn.ReLU()] if between else []), convs[1]), merged


@lru_cache(maxsize=64)
def block_of(name: str, settings: tuple[tuple[str, Any], ...]) -> tuple[Graph, int]:
    """A block's graph, and the weights of its convolutions and dense layers."""
    with torch.device("meta"):
        module = blocks.build(name, **dict(settings))
    return read_graph(module, blocks.BLOCKS[name].input_shape(**dict(settings))), blocks.weights(module)


@lru_cache(maxsize=16)
def joins_of(channels: int, out_channels: int) -> dict[str, blocks.Joined]:
    """Two images added, and concatenated."""
    return blocks.join_both(channels, out_channels)


@lru_cache(maxsize=16)
def network_of(name: str, shape: tuple[int, ...]) -> Graph:
    """A whole network's graph for a picture of this shape."""
    with torch.device("meta"):
        return read_graph(blocks.build(name) if name in blocks.BLOCKS else skeleton(name), shape)
