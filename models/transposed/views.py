"""The four ways, each by itself; the package says what they have in common."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models import device
from models.device import one_thread, private_copy
from models.errors import TransposedError
from models.operator import Layer
from models.spec import LayerSpec
from models.text import big
from models.transposed.layer import geometry, matching_convolution, transposed_matrix

MOST_ENTRIES = 2**24
"""No view builds more products than this at once: about two seconds and half a gigabyte."""

TOLERANCE = 1e-6
"""The views agree when none is further than this from the layer, in float64, for outputs of size about 1."""

REAL, INSERTED, BORDER = 0, 1, 2
"""What a cell of the zero-inserted image is: a number of the input, a zero between numbers, a zero around them."""

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def batched(module: Layer, x: torch.Tensor) -> tuple[LayerSpec, torch.Tensor]:
    g = geometry(module, x.shape)
    if x.dtype != module.weight.dtype:
        raise TransposedError(f"the input is {x.dtype} and the layer {module.weight.dtype}: use the same type.")
    images = x.shape[0] if x.dim() == g.dims + 2 else 1
    entries = g.family.macs(g).value * images
    if entries > MOST_ENTRIES:
        raise TransposedError(
            f"these settings ask for {big(entries)} products, {big(MOST_ENTRIES)} are "
            f"the most shown: use a smaller input, kernel or number of channels."
        )
    return g, x.reshape(images, g.in_channels, *g.input_size)


def _view(compute: Callable[[LayerSpec, nn.Module, torch.Tensor], torch.Tensor]):
    """Give a view its frame: checks, batch axis, bias, and a result with the axes of the input."""

    def view(module: Layer, x: torch.Tensor) -> torch.Tensor:
        # no_grad, not inference_mode: in a notebook the result may go on into a graph.
        with torch.inference_mode(False), torch.no_grad():
            g, batch = batched(module, x.detach().clone())
            out = compute(g, module, batch)
            if module.bias is not None:
                out = out + module.bias.detach().reshape(1, -1, *[1] * g.dims)
            return out if x.dim() == g.dims + 2 else out[0]

    view.__name__ = compute.__name__.strip("_")
    view.__doc__ = compute.__doc__
    return view


def products(g: LayerSpec, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Each cell's stamp, summed over the input channels: (N, C_out, cells, taps)."""
    kernel = weight.detach().reshape(
        g.groups, g.in_channels // g.groups, g.out_channels // g.groups, prod(g.kernel_size)
    )
    cells = x.reshape(len(x), g.groups, g.in_channels // g.groups, prod(g.input_size))
    return torch.einsum("ngic,giot->ngoct", cells, kernel).reshape(len(x), g.out_channels, prod(g.input_size), -1)


def canvas_size(g: LayerSpec) -> tuple[int, ...]:
    """Size of the output before ``padding`` cuts it: what all stamps need, output_padding included."""
    return tuple(o + 2 * p for o, p in zip(g.output_size, g.padding, strict=True))


def landing_cells(g: LayerSpec) -> np.ndarray:
    """Per axis, where tap t of cell i lands on the canvas: i·S + t·D. Flat canvas indices, (cells, taps)."""
    flat = np.zeros((1, 1), np.int64)
    axes = zip(g.input_size, g.kernel_size, g.stride, g.dilation, canvas_size(g), strict=True)
    for size, kernel, stride, dilation, room in axes:
        at = np.arange(size)[:, None] * stride + np.arange(kernel) * dilation
        flat = flat * room
        flat = (flat[:, None, :, None] + at[None, :, None, :]).reshape(len(flat) * len(at), -1)
    return flat


def _stamp(g: LayerSpec, module: Layer, x: torch.Tensor) -> torch.Tensor:
    """Each input cell adds its scaled copy of the kernel to an empty canvas; padding then cuts its border off."""
    room = canvas_size(g)
    canvas = x.new_zeros(len(x), g.out_channels, prod(room))
    index = torch.from_numpy(landing_cells(g).reshape(-1)).to(x.device)
    canvas.index_add_(2, index, products(g, module.weight, x).flatten(2))
    canvas = canvas.reshape(len(x), g.out_channels, *room)
    cut = tuple(slice(p, p + o) for p, o in zip(g.padding, g.output_size, strict=True))
    return canvas[(..., *cut)].contiguous()


def spread(g: LayerSpec) -> tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]:
    """The zero-inserted image: its size, where cells lie in it, and which cells those are.

    Cell i lies at D·(F − 1) − P + i·S. A padding larger than D·(F − 1) takes cells away instead of adding zeros.
    """
    reaches = [d * (f - 1) for d, f in zip(g.dilation, g.kernel_size, strict=True)]
    sizes = tuple(o + r for o, r in zip(g.output_size, reaches, strict=True))
    there, which = [], []
    for room, size, reach, pad, step in zip(sizes, g.input_size, reaches, g.padding, g.stride, strict=True):
        start = reach - pad
        first = max(0, -(start // step)) if start < 0 else 0
        last = min(size - 1, (room - 1 - start) // step)
        if last < first:
            there.append(slice(0, 0))
            which.append(slice(0, 0))
            continue
        there.append(slice(start + first * step, start + last * step + 1, step))
        which.append(slice(first, last + 1))
    return sizes, tuple(there), tuple(which)


def flipped(g: LayerSpec, weight: torch.Tensor) -> torch.Tensor:
    """The kernel that the ordinary convolution of the zero-inserted image needs: (C_out, C_in/groups, *kernel)."""
    kernel = weight.detach().reshape(g.groups, g.in_channels // g.groups, g.out_channels // g.groups, *g.kernel_size)
    kernel = kernel.transpose(1, 2).reshape(g.out_channels, g.in_channels // g.groups, *g.kernel_size)
    return kernel.flip(tuple(range(2, kernel.dim())))


def _zero_insertion(g: LayerSpec, module: Layer, x: torch.Tensor) -> torch.Tensor:
    """Zeros go between and around the cells; an ordinary convolution, stride 1, then uses the flipped kernel."""
    sizes, there, which = spread(g)
    image = x.new_zeros(*x.shape[:2], *sizes)
    image[(..., *there)] = x[(..., *which)]
    return _CONV[g.dims](image, flipped(g, module.weight), dilation=g.dilation, groups=g.groups)


@dataclass(frozen=True, eq=False)
class ZeroInserted:
    """The image that the zero-padding way convolves, and the kernel that it uses.

    Attributes:
        image: float64, (N, C_in, *size).
        source: int64, spatial size: flat index of the input cell that lies there, −1 for a zero.
        role: uint8, spatial size: ``REAL``, ``INSERTED`` or ``BORDER``.
        kernel: float64, (C_out, C_in/groups, *kernel): flipped along each spatial axis, channels exchanged.
        dilation, groups: of the ordinary convolution; its stride is 1 and its padding 0. The window of output o starts
            at cell o of the image.
        cut: input cells that padding took away, because it is larger than D·(F − 1); usually 0.
    """

    image: np.ndarray
    source: np.ndarray
    role: np.ndarray
    kernel: np.ndarray
    dilation: tuple[int, ...]
    groups: int
    cut: int


def zero_inserted(module: Layer, x: torch.Tensor) -> ZeroInserted:
    """The zero-insertion view before it convolves."""
    with torch.inference_mode(False), torch.no_grad():
        g, batch = batched(module, x.detach().clone())
        kernel = flipped(g, module.weight).double().cpu().numpy()
    sizes, there, which = spread(g)
    image = np.zeros((*batch.shape[:2], *sizes))
    image[(..., *there)] = batch.double().cpu().numpy()[(..., *which)]
    source, role = roles(g)
    return ZeroInserted(
        image, source, role, kernel, g.dilation, g.groups, prod(g.input_size) - int((role == REAL).sum())
    )


def roles(g: LayerSpec) -> tuple[np.ndarray, np.ndarray]:
    sizes, there, which = spread(g)
    source = np.full(sizes, -1, np.int64)
    source[there] = np.arange(prod(g.input_size)).reshape(g.input_size)[which]
    role = np.full(sizes, BORDER, np.uint8)
    # Between the first and the last cell, as the padding has left them.
    role[tuple(slice(t.start, t.stop) for t in there)] = INSERTED
    role[source >= 0] = REAL
    return source, role


def _matrix(g: LayerSpec, module: Layer, x: torch.Tensor) -> torch.Tensor:
    """The matrix C of the matching ordinary convolution is measured, transposed and multiplied with the flat input."""
    found = transposed_matrix(module, x.shape)
    rows, cols = (torch.from_numpy(place.astype(np.int64)).to(x.device) for place in (found.rows, found.cols))
    products = torch.from_numpy(found.values).to(x) * x.reshape(len(x), -1)[:, cols]
    return (
        x.new_zeros(len(x), found.shape[0])
        .index_add_(1, rows, products)
        .reshape(len(x), g.out_channels, *g.output_size)
    )


def _gradient(g: LayerSpec, module: Layer, x: torch.Tensor) -> torch.Tensor:
    """x arrives from above at the matching ordinary convolution; autograd says what reaches that one's input."""
    weight = matching_convolution(module).weight
    with torch.enable_grad():
        image = x.new_zeros(len(x), g.out_channels, *g.output_size).requires_grad_(True)
        answer = _CONV[g.dims](image, weight, None, g.stride, g.padding, g.dilation, g.groups)
        # output_padding ≥ stride (allowed below the dilation) makes room for windows that the input never had.
        answer = answer[(..., *(slice(0, n) for n in g.input_size))]
        (found,) = torch.autograd.grad(answer, image, x)
    return found


VIEWS: dict[str, Callable[[nn.Module, torch.Tensor], torch.Tensor]] = {
    "stamp": _view(_stamp),
    "zero_insertion": _view(_zero_insertion),
    "matrix": _view(_matrix),
    "gradient": _view(_gradient),
}
"""The four ways, by name: ``f(module, x) -> Tensor`` for an ``nn.ConvTranspose{1,2,3}d`` and its input.

x is ``(N, C, *spatial)`` or ``(C, *spatial)``; the result has the layer's shape and type, bias included. Each raises
``TransposedError`` for another layer, a shape or type that it does not take, or more than ``MOST_ENTRIES`` products.
"""


class Agreement(NamedTuple):
    """What the real layer and the four views returned (float64 arrays), how far apart, and whether they agree."""

    layer: np.ndarray
    results: dict[str, np.ndarray]
    errors: dict[str, float]
    agree: bool


def agreement(module: Layer, x: torch.Tensor) -> Agreement:
    """Run the layer and all four views on the same input, in float64, on the device that the page names.

    ``errors`` are the largest absolute differences to the layer; they agree below ``TOLERANCE``, times the largest
    output where that is above 1. Raises ``TransposedError`` as the views do.
    """
    # Layers of this size are done before a second thread has woken up.
    geometry(module, x.shape)
    with one_thread(), torch.inference_mode(False), torch.no_grad():
        twin, x = copy.deepcopy(module).double(), x.detach().clone().double()

        def all_ways(place: torch.device) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            there, image = private_copy(twin, place), x.to(place)
            return there(image).cpu(), {name: view(there, image).cpu() for name, view in VIEWS.items()}

        layer, results = device.on(all_ways)
    errors = {name: float((found - layer).abs().max()) for name, found in results.items()}
    limit = TOLERANCE * max(1.0, float(layer.abs().max()))
    # Not `>`: a NaN must not pass as agreement.
    agree = all(error <= limit for error in errors.values())
    return Agreement(layer.numpy(), {name: found.numpy() for name, found in results.items()}, errors, agree)
