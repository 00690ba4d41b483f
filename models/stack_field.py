"""A stack of layers, built of real `torch.nn` layers and measured: fields by trace and gradient, costs, windows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from models.measure import measure
from models.operator import linear_operator
from models.receptive_field import ReceptiveField, receptive_field
from models.rf_probe import MeasuredField, measure_field, probe_gradient
from models.stack import Stack, StackLayer, Step

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}
MAX_POOL = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
AVG_POOL = {1: nn.AvgPool1d, 2: nn.AvgPool2d}
PAD = {1: nn.ConstantPad1d, 2: nn.ConstantPad2d}


class Layer(nn.Module):
    """One layer of a stack: padding of its own where torch has none, the layer, and what a residual branch adds."""

    def __init__(self, layer: StackLayer, dims: int, channels: int, shortcut_stride: int = 0) -> None:
        super().__init__()
        before, after = layer.pads
        lopsided = before != after
        self.pad = PAD[dims]((before, after) * dims, 0.0) if lopsided else nn.Identity()
        padding = 0 if lopsided else before
        if layer.kind == "c":
            self.op = CONV[dims](
                channels, channels, layer.kernel_size, layer.stride, padding, layer.dilation, bias=False
            )
        elif layer.kind == "t":
            self.op = TRANSPOSED[dims](
                channels, channels, layer.kernel_size, layer.stride, layer.padding, dilation=layer.dilation, bias=False
            )
        elif layer.kind == "m":
            self.op = MAX_POOL[dims](layer.kernel_size, layer.stride, padding, layer.dilation)
        else:
            self.op = AVG_POOL[dims](layer.kernel_size, layer.stride, padding)
        self.shortcut = None
        if shortcut_stride > 1:
            self.shortcut = CONV[dims](channels, channels, 1, shortcut_stride, bias=False)
        elif shortcut_stride:
            self.shortcut = nn.Identity()

    def forward(self, x: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        y = self.op(self.pad(x))
        return y if self.shortcut is None else y + self.shortcut(earlier)


class StackNetwork(nn.Module):
    """The whole stack. With `relu`, a ReLU stands after each convolution and transposed layer except the last."""

    def __init__(self, stack: Stack, relu: bool = False) -> None:
        super().__init__()
        self.skips = [layer.skip for layer in stack.layers]
        self.layers = nn.ModuleList(
            Layer(layer, stack.dims, stack.channels, stack.skip_stride(number) if layer.skip else 0)
            for number, layer in enumerate(stack.layers, 1)
        )
        learned = [layer.kind in "ct" for layer in stack.layers]
        last = len(learned) - 1
        self.activations = nn.ModuleList(
            nn.ReLU() if relu and learned[i] and i < last else nn.Identity() for i in range(len(learned))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = [x]
        for layer, activation, skip in zip(self.layers, self.activations, self.skips, strict=True):
            maps.append(activation(layer(maps[-1], maps[-skip] if skip else maps[-1])))
        return maps[-1]


def build(stack: Stack, *, relu: bool = False) -> StackNetwork:
    """The stack as a module, in evaluation mode, weights as torch draws them with seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return StackNetwork(stack, relu).eval()


@dataclass(frozen=True)
class LayerRow:
    """One line of the table. Sizes along one axis (all are alike); `agrees`: algebra and trace, or None."""

    layer: StackLayer
    output_size: int
    size: int
    jump: int | Fraction | None
    start: int | None
    parameters: int
    macs: int
    step: Step
    agrees: bool | None


@dataclass(frozen=True)
class Windows:
    """Which cells of one map each unit of a later one reads: entries sorted by unit. `source` counts cells of the map
    as it is drawn, padding included."""

    source_map: int
    rows: np.ndarray
    cols: np.ndarray


@dataclass(frozen=True)
class Reading:
    """What one unit of the last layer sees. Boxes per axis: first and last pixel."""

    index: tuple[int, ...]
    box: tuple[tuple[int, int], ...]
    inside: tuple[tuple[int, int] | None, ...]
    centre: tuple[float, ...]
    outside: tuple[tuple[int, int], ...]
    support: np.ndarray
    reads: np.ndarray

    @property
    def pixels(self) -> int:
        """Pixels whose gradient is not zero."""
        return int(self.support.sum())

    @property
    def measured(self) -> tuple[tuple[int, int] | None, ...]:
        """The smallest box around them."""
        spans = []
        for axis in range(self.support.ndim):
            others = tuple(a for a in range(self.support.ndim) if a != axis)
            (found,) = np.nonzero(self.support.any(axis=others))
            spans.append((int(found[0]), int(found[-1])) if len(found) else None)
        return tuple(spans)


@dataclass(frozen=True, eq=False)
class StackField:
    """Everything measured about a stack.

    Attributes:
        rows: one per layer.
        traced, measured: of the last layer, from the graph and from the gradient.
        agrees: whether the two are the same; None where either has no single number.
        parameters, macs: of the whole stack.
        windows: per layer, the maps that it reads: the one before, and that of its residual branch.
        pads: per map (the input first), cells drawn before and after it: the padding of the layer that reads it.
        seen: per map, how many pixels of the input each unit sees; for the input itself: how many units of the last
            layer see each pixel.
    """

    stack: Stack
    rows: tuple[LayerRow, ...]
    traced: ReceptiveField
    measured: MeasuredField
    agrees: bool | None
    parameters: int
    macs: int
    windows: tuple[tuple[Windows, ...], ...]
    pads: tuple[tuple[int, int], ...]
    seen: tuple[np.ndarray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.stack.channels, *(self.stack.size,) * self.stack.dims)

    def middle(self) -> tuple[int, ...]:
        return (self.stack.sizes[-1] // 2,) * self.stack.dims

    def unit(self, index: tuple[int, ...]) -> Reading:
        """What the unit at `index` of the last layer sees, by the trace and by the gradient."""
        net = build(self.stack)
        one = StackNetwork(Stack(self.stack.layers, self.stack.dims, self.stack.size, 1))
        image, answer = probe_gradient(net, self.shape)
        (gradient,) = torch.autograd.grad(answer[(0, slice(None), *index)].sum(), image)
        support = (gradient[0] != 0).any(0).numpy()
        return Reading(
            index,
            self.traced.box(index),
            self.traced.box(index, clipped=True),
            self.traced.centre(index),
            self.traced.outside(index),
            support,
            _times_read(one, (1, 1, *self.shape[2:]), index),
        )


def _times_read(net: StackNetwork, shape: tuple[int, ...], index: tuple[int, ...]) -> np.ndarray:
    """On how many paths each pixel reaches a unit: the gradient where every weight is one and pooling adds up."""
    net = _summing(net)
    image = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        answer = net(image)
    (gradient,) = torch.autograd.grad(answer[(0, 0, *index)], image)
    return gradient[0, 0].numpy()


def _summing(net: StackNetwork) -> StackNetwork:
    """The network of one channel with all weights one, max-pooling replaced by a convolution with the same windows."""
    for layer in net.layers:
        op = layer.op
        if not isinstance(op, (*CONV.values(), *TRANSPOSED.values())):
            dims = 1 if isinstance(op, (nn.MaxPool1d, nn.AvgPool1d)) else 2
            one = lambda v: v[0] if isinstance(v, tuple) else v  # noqa: E731
            layer.op = CONV[dims](
                1, 1, one(op.kernel_size), one(op.stride), one(op.padding), one(getattr(op, "dilation", 1)), bias=False
            )
    net = net.double()
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(1.0)
    return net


@lru_cache(maxsize=32)
def analyse(stack: Stack) -> StackField:
    """Trace, measure and count a stack. Kept for the 32 stacks asked for last."""
    with torch.inference_mode(False):
        return _analyse(stack)


def _analyse(stack: Stack) -> StackField:
    net = build(stack)
    shape = (1, stack.channels, *(stack.size,) * stack.dims)
    traced = receptive_field(net, shape)
    counted = measure(net, shape)
    rows = []
    for number, (layer, step) in enumerate(zip(stack.layers, stack.algebra(), strict=True)):
        here = traced.at(f"layers.{number}")
        macs = sum(row.macs or 0 for row in counted.layers if row.name.startswith(f"layers.{number}."))
        parameters = sum(p.numel() for p in net.layers[number].parameters())
        found = (here.size[0], here.jump[0], here.start[0])
        agrees = None if step.size is None else (step.size, step.jump, step.start) == found
        rows.append(LayerRow(layer, here.map_size[0], *found, parameters, macs, step, agrees))
    measured = measure_field(net, shape, narrowest=stack.size)
    theirs = (measured.size, measured.jump, measured.start)
    agrees = None if None in measured.size else theirs == (traced.size, traced.jump, traced.start)
    windows, pads = _windows(stack)
    return StackField(
        stack, tuple(rows), traced, measured, agrees, counted.parameters, counted.macs, windows, pads, _seen(stack)
    )


def _windows(stack: Stack) -> tuple[tuple[tuple[Windows, ...], ...], tuple[tuple[int, int], ...]]:
    """Structure of each layer, measured on a layer of one channel."""
    dims, sizes = stack.dims, stack.sizes
    pads = [layer.pads if layer.kind != "t" else (0, 0) for layer in stack.layers] + [(0, 0)]
    windows = []
    for number, layer in enumerate(stack.layers):
        room = (sizes[number] + sum(pads[number]),) * dims
        if layer.kind == "t":
            op = TRANSPOSED[dims](1, 1, layer.kernel_size, layer.stride, layer.padding, dilation=layer.dilation)
        else:
            op = CONV[dims](1, 1, layer.kernel_size, layer.stride, 0, layer.dilation)
        found = linear_operator(_plain(op), (1, 1, *room))
        reads = [Windows(number, found.rows, found.cols)]
        if layer.skip:
            start = number + 1 - layer.skip
            branch = CONV[dims](1, 1, 1, stack.skip_stride(number + 1))
            found = linear_operator(_plain(branch), (1, 1, *(sizes[start],) * dims))
            reads.append(Windows(start, found.rows, _drawn(found.cols, sizes[start], pads[start], dims)))
        windows.append(tuple(reads))
    return tuple(windows), tuple(pads)


def _plain(op: nn.Module) -> nn.Module:
    op.bias = None
    return op.double().requires_grad_(False)


def _drawn(cells: np.ndarray, size: int, pads: tuple[int, int], dims: int) -> np.ndarray:
    """Cells of a map, counted with the padding that is drawn around it."""
    places = np.unravel_index(cells, (size,) * dims)
    return np.ravel_multi_index(tuple(p + pads[0] for p in places), (size + sum(pads),) * dims)


def _seen(stack: Stack) -> tuple[np.ndarray, ...]:
    """Push every pixel through the structure by itself: an identity batch, layer by layer, only zero or not."""
    net = _summing(StackNetwork(Stack(stack.layers, stack.dims, stack.size, 1))).float()
    shape = (stack.size,) * stack.dims
    pixels = int(np.prod(shape))
    maps = [torch.eye(pixels).reshape(pixels, 1, *shape)]
    with torch.inference_mode():
        for layer, skip in zip(net.layers, net.skips, strict=True):
            maps.append((layer(maps[-1], maps[-skip] if skip else maps[-1]) > 0).float())
    seen = [m.sum(0)[0].numpy().astype(np.int64) for m in maps]
    last = maps[-1].reshape(pixels, -1).sum(1).reshape(shape)
    return (last.numpy().astype(np.int64), *seen[1:])


def paths(stack: Stack, index: tuple[int, ...]) -> np.ndarray:
    """On how many paths each pixel reaches the unit at `index` of the last layer: an array of the input's shape."""
    one = StackNetwork(Stack(stack.layers, stack.dims, stack.size, 1))
    with torch.inference_mode(False):
        return _times_read(one, (1, 1, *(stack.size,) * stack.dims), index)
