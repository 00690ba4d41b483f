"""One operation, computed in four ways: the transposed convolution.

Each way starts from an ``nn.ConvTranspose{1,2,3}d`` and its input, and none of them calls that layer:

- *stamp*: each input cell stamps the whole kernel, scaled by its number; overlaps add up;
- *zero_insertion*: zeros between the cells and around them, then an ordinary convolution with the flipped kernel;
- *matrix*: the measured matrix C of the matching ordinary convolution, transposed: Cᵀ x;
- *gradient*: what autograd sends back through that ordinary convolution when x arrives from above.

The ordinary convolution is the same each time: ``matching_convolution``. It shares the layer's weight, number for
number, because ``[in, out/groups, *kernel]`` of the one is ``[out, in/groups, *kernel]`` of the other.

Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, chapter 4
(https://arxiv.org/abs/1603.07285), and the documentation of ``torch.nn.ConvTranspose2d``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models import formulas
from models.device import one_thread
from models.formulas import Formula
from models.measure import mac_counter
from models.operator import CONVOLUTIONS, TRANSPOSED, Operator, linear_operator

MOST_ENTRIES = 2**24
"""No view builds more products than this at once: about two seconds and half a gigabyte."""

MOST_DENSE = 2**20
"""No dense matrix larger than this is taken apart (pseudo-inverse): about a second."""

TOLERANCE = 1e-6
"""The views agree when none is further than this from the layer, in float64, for outputs of size about 1."""

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


class TransposedError(ValueError):
    """A layer or an input that these functions do not take; the message says why and what to do."""


@dataclass(frozen=True)
class Geometry:
    """Sizes of one transposed convolution, one value per spatial axis; ``size`` is that of its input."""

    size: tuple[int, ...]
    output: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    extra: tuple[int, ...]
    groups: int
    in_channels: int
    out_channels: int

    @property
    def dims(self) -> int:
        return len(self.size)

    @property
    def reach(self) -> tuple[int, ...]:
        """D·(F − 1): how far the last tap lies from the first."""
        return tuple(d * (f - 1) for d, f in zip(self.dilation, self.kernel, strict=True))

    @property
    def canvas(self) -> tuple[int, ...]:
        """Size of the output before ``padding`` cuts it: what all stamps need, output_padding included."""
        return tuple(o + 2 * p for o, p in zip(self.output, self.padding, strict=True))

    @property
    def entries(self) -> int:
        """Multiplications of the stamp way: each input number meets each weight that it has, one image."""
        return self.in_channels * prod(self.size) * (self.out_channels // self.groups) * prod(self.kernel)


def geometry(module: nn.Module, input_shape: Sequence[int]) -> Geometry:
    """Sizes of an ``nn.ConvTranspose{1,2,3}d`` on an input of shape ``(N, C, *spatial)`` or ``(C, *spatial)``.

    Raises:
        TransposedError: for another layer, or a shape that it does not take.
    """
    if not isinstance(module, TRANSPOSED):
        raise TransposedError(
            f"{type(module).__name__} is not a transposed convolution: give an nn.ConvTranspose1d, 2d or 3d."
        )
    dims = module.weight.dim() - 2
    shape = tuple(int(n) for n in input_shape)
    if len(shape) not in (dims + 1, dims + 2):
        raise TransposedError(
            f"an input of shape {shape} has {len(shape)} axes: a {dims}-D layer takes (C, *{dims} sizes) "
            f"or (N, C, *{dims} sizes)."
        )
    if shape[-dims - 1] != module.in_channels:
        raise TransposedError(
            f"the input has {shape[-dims - 1]} channels and the layer takes {module.in_channels}: make them equal."
        )
    size = shape[-dims:]
    rows = (size, module.kernel_size, module.padding, module.stride, module.dilation, module.output_padding)
    output = tuple(formulas.transposed_size(*row) for row in zip(*rows, strict=True))
    if min(output) < 1:
        raise TransposedError(f"padding cuts the whole output away (size {output}): use less padding.")
    return Geometry(
        size,
        output,
        tuple(module.kernel_size),
        tuple(module.stride),
        tuple(module.padding),
        tuple(module.dilation),
        tuple(module.output_padding),
        module.groups,
        module.in_channels,
        module.out_channels,
    )


def matching_convolution(module: nn.Module) -> nn.Module:
    """The ordinary convolution whose matrix, transposed, is this layer's: same weight, channels exchanged, no bias.

    Its weight is a copy of the layer's, not flipped, not rearranged.
    """
    if not isinstance(module, TRANSPOSED):
        raise TransposedError(
            f"{type(module).__name__} is not a transposed convolution: give an nn.ConvTranspose1d, 2d or 3d."
        )
    conv = CONVOLUTIONS[module.weight.dim() - 3](
        module.out_channels,
        module.in_channels,
        module.kernel_size,
        module.stride,
        module.padding,
        module.dilation,
        module.groups,
        bias=False,
        device="meta",
        dtype=module.weight.dtype,
    )
    with torch.inference_mode(False):
        conv.weight = nn.Parameter(module.weight.detach().clone(), requires_grad=False)
    return conv


def _batched(module: nn.Module, x: torch.Tensor) -> tuple[Geometry, torch.Tensor]:
    g = geometry(module, x.shape)
    if x.dtype != module.weight.dtype:
        raise TransposedError(f"the input is {x.dtype} and the layer {module.weight.dtype}: use the same type.")
    images = x.shape[0] if x.dim() == g.dims + 2 else 1
    if g.entries * images > MOST_ENTRIES:
        raise TransposedError(
            f"these settings ask for {formulas.big(g.entries * images)} products, {formulas.big(MOST_ENTRIES)} are "
            f"the most shown: use a smaller input, kernel or number of channels."
        )
    return g, x.reshape(images, g.in_channels, *g.size)


def _view(compute: Callable[[Geometry, nn.Module, torch.Tensor], torch.Tensor]):
    """Give a view its frame: checks, batch axis, bias, and a result with the axes of the input."""

    def view(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        # no_grad, not inference_mode: in a notebook the result may go on into a graph.
        with torch.inference_mode(False), torch.no_grad():
            g, batch = _batched(module, x.detach().clone())
            out = compute(g, module, batch)
            if module.bias is not None:
                out = out + module.bias.detach().reshape(1, -1, *[1] * g.dims)
            return out if x.dim() == g.dims + 2 else out[0]

    view.__name__ = compute.__name__.strip("_")
    view.__doc__ = compute.__doc__
    return view


# -- the four ways -----------------------------------------------------------------------------------------------------


def _products(g: Geometry, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Each cell's stamp, summed over the input channels: (N, C_out, cells, taps)."""
    kernel = weight.detach().reshape(g.groups, g.in_channels // g.groups, g.out_channels // g.groups, prod(g.kernel))
    cells = x.reshape(len(x), g.groups, g.in_channels // g.groups, prod(g.size))
    return torch.einsum("ngic,giot->ngoct", cells, kernel).reshape(len(x), g.out_channels, prod(g.size), -1)


def _landing(g: Geometry) -> np.ndarray:
    """Per axis, where tap t of cell i lands on the canvas: i·S + t·D. Flat canvas indices, (cells, taps)."""
    flat = np.zeros((1, 1), np.int64)
    for axis in range(g.dims):
        at = np.arange(g.size[axis])[:, None] * g.stride[axis] + np.arange(g.kernel[axis]) * g.dilation[axis]
        flat = flat * g.canvas[axis]
        flat = (flat[:, None, :, None] + at[None, :, None, :]).reshape(len(flat) * len(at), -1)
    return flat


def _stamp(g: Geometry, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Each input cell adds its scaled copy of the kernel to an empty canvas; padding then cuts its border off."""
    canvas = x.new_zeros(len(x), g.out_channels, prod(g.canvas))
    index = torch.from_numpy(_landing(g).reshape(-1)).to(x.device)
    canvas.index_add_(2, index, _products(g, module.weight, x).flatten(2))
    canvas = canvas.reshape(len(x), g.out_channels, *g.canvas)
    cut = tuple(slice(p, p + o) for p, o in zip(g.padding, g.output, strict=True))
    return canvas[(..., *cut)].contiguous()


def _spread(g: Geometry) -> tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]:
    """The zero-inserted image: its size, where cells lie in it, and which cells those are.

    Cell i lies at D·(F − 1) − P + i·S. A padding larger than D·(F − 1) takes cells away instead of adding zeros.
    """
    sizes = tuple(o + r for o, r in zip(g.output, g.reach, strict=True))
    there, which = [], []
    for room, size, reach, pad, step in zip(sizes, g.size, g.reach, g.padding, g.stride, strict=True):
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


def _flipped(g: Geometry, weight: torch.Tensor) -> torch.Tensor:
    """The kernel that the ordinary convolution of the zero-inserted image needs: (C_out, C_in/groups, *kernel)."""
    kernel = weight.detach().reshape(g.groups, g.in_channels // g.groups, g.out_channels // g.groups, *g.kernel)
    kernel = kernel.transpose(1, 2).reshape(g.out_channels, g.in_channels // g.groups, *g.kernel)
    return kernel.flip(tuple(range(2, kernel.dim())))


def _zero_insertion(g: Geometry, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Zeros go between and around the cells; an ordinary convolution, stride 1, then uses the flipped kernel."""
    sizes, there, which = _spread(g)
    image = x.new_zeros(*x.shape[:2], *sizes)
    image[(..., *there)] = x[(..., *which)]
    return _CONV[g.dims](image, _flipped(g, module.weight), dilation=g.dilation, groups=g.groups)


def _matrix(g: Geometry, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The matrix C of the matching ordinary convolution is measured, transposed and multiplied with the flat input."""
    columns = x.reshape(len(x), -1).T.double().cpu().numpy()
    out = torch.from_numpy((transposed_matrix(module, x.shape) @ columns).T.copy())
    return out.reshape(len(x), g.out_channels, *g.output).to(x)


def _gradient(g: Geometry, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """x arrives from above at the matching ordinary convolution; autograd says what reaches that one's input."""
    weight = matching_convolution(module).weight
    with torch.enable_grad():
        image = x.new_zeros(len(x), g.out_channels, *g.output).requires_grad_(True)
        answer = _CONV[g.dims](image, weight, None, g.stride, g.padding, g.dilation, g.groups)
        # output_padding ≥ stride (allowed below the dilation) makes room for windows that the input never had.
        answer = answer[(..., *(slice(0, n) for n in g.size))]
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


def agreement(module: nn.Module, x: torch.Tensor) -> Agreement:
    """Run the layer and all four views on the same input, in float64.

    ``errors`` are the largest absolute differences to the layer; they agree below ``TOLERANCE``, times the largest
    output where that is above 1. Raises ``TransposedError`` as the views do.
    """
    # Layers of this size are done before a second thread has woken up.
    with one_thread(), torch.inference_mode(False), torch.no_grad():
        twin = copy.deepcopy(module).to("cpu", torch.float64)
        x = x.detach().clone().to("cpu", torch.float64)
        geometry(module, x.shape)
        layer = twin(x)
        results = {name: view(twin, x) for name, view in VIEWS.items()}
    errors = {name: float((found - layer).abs().max()) for name, found in results.items()}
    limit = TOLERANCE * max(1.0, float(layer.abs().max()))
    # Not `>`: a NaN must not pass as agreement.
    agree = all(error <= limit for error in errors.values())
    return Agreement(layer.numpy(), {name: found.numpy() for name, found in results.items()}, errors, agree)


# -- the matrix --------------------------------------------------------------------------------------------------------


def convolution_matrix(module: nn.Module, input_shape: Sequence[int]) -> Operator:
    """C: the measured matrix of the matching ordinary convolution, from the layer's output back to its input.

    ``input_shape`` is the transposed layer's. Rows are the transposed layer's input cells, columns its output cells;
    ``.taps`` are flat indices into the layer's own weight. Rows for windows that the input never had (output_padding
    of a stride or more) are left out.
    """
    g = geometry(module, input_shape)
    found = linear_operator(matching_convolution(module), (1, g.out_channels, *g.output))
    windows = found.output_shape[2:]
    if windows == g.size:
        return found
    where = np.stack(np.unravel_index(found.rows, (g.in_channels, *windows)))
    real = (where[1:] < np.array(g.size)[:, None]).all(axis=0)
    rows = np.ravel_multi_index(where[:, real], (g.in_channels, *g.size)).astype(np.int32)
    return Operator(
        rows, found.cols[real], found.values[real], found.taps[real], (1, g.in_channels, *g.size), found.input_shape
    )


def transposed_matrix(module: nn.Module, input_shape: Sequence[int]) -> Operator:
    """Cᵀ: ``convolution_matrix`` transposed; rows are output cells, columns input cells of the transposed layer."""
    return convolution_matrix(module, input_shape).T


class Term(NamedTuple):
    """One product of an output number: input cell ``(c, *spatial)``, index into ``weight``, and the numbers."""

    cell: tuple[int, ...]
    tap: tuple[int, ...]
    weight: float
    value: float
    product: float


def terms(module: nn.Module, x: torch.Tensor, index: Sequence[int]) -> tuple[Term, ...]:
    """What one output number ``(c, *spatial)`` is made of, the bias left out; the same cells in all four views.

    Read from the row of Cᵀ. ``sum(term.product for term in terms) + bias`` is the layer's number.
    """
    g = geometry(module, x.shape)
    if x.dim() == g.dims + 2 and len(x) != 1:
        raise TransposedError(f"the input holds {len(x)} images: give one.")
    shape = (g.out_channels, *g.output)
    if len(index) != len(shape) or any(not 0 <= i < n for i, n in zip(index, shape, strict=False)):
        raise TransposedError(f"{tuple(index)} is not a cell of the output: it has the shape {shape}.")
    op = transposed_matrix(module, (1, g.in_channels, *g.size))
    mine = op.rows == np.ravel_multi_index(tuple(index), shape)
    flat = x.detach().reshape(-1).double().cpu().numpy()
    found = []
    for col, weight, tap in zip(op.cols[mine], op.values[mine], op.taps[mine], strict=True):
        cell = tuple(int(i) for i in np.unravel_index(col, (g.in_channels, *g.size)))
        where = tuple(int(i) for i in np.unravel_index(tap, tuple(module.weight.shape)))
        found.append(Term(cell, where, float(weight), float(flat[col]), float(weight * flat[col])))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Blocks:
    """A convolution's matrix as the blocks that it repeats.

    One block is the 1-D convolution along the last axis with one row of the kernel: a band with one weight a diagonal
    (Toeplitz). Blocks with the same id are the same numbers.

    Attributes:
        operator: the matrix.
        height, width: rows and columns of one block.
        where: int32, (block rows, block columns): the id of the block there (which row of the kernel, as a flat index
            into the weight without its last axis), −1 for a block of zeros.
        levels: (height, width) of nested blocks, from this one outwards: one more per leading spatial axis.
    """

    operator: Operator
    height: int
    width: int
    where: np.ndarray
    levels: tuple[tuple[int, int], ...]

    @cached_property
    def repeats(self) -> dict[int, int]:
        """How often each block occurs, by id."""
        ids, counts = np.unique(self.where[self.where >= 0], return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def at(self, row: int, column: int) -> np.ndarray:
        """The numbers of the block at one place, dense, (height, width)."""
        op = self.operator
        mine = (op.rows // self.height == row) & (op.cols // self.width == column)
        block = np.zeros((self.height, self.width))
        np.add.at(block, (op.rows[mine] % self.height, op.cols[mine] % self.width), op.values[mine])
        return block

    def block(self, id: int) -> np.ndarray:
        """The numbers of the block with this id, dense, (height, width)."""
        places = np.argwhere(self.where == id)
        if not len(places):
            raise TransposedError(f"no block has the id {id}: use one of {', '.join(map(str, self.repeats))}.")
        return self.at(*places[0])


def toeplitz_blocks(module: nn.Module, input_shape: Sequence[int]) -> Blocks:
    """The blocks in the matrix of a convolution or a transposed one, for one image of shape ``(1, C, *spatial)``.

    Raises:
        TransposedError: for other layers, and for padding that copies cells: the blocks at the border then differ.
    """
    if not isinstance(module, CONVOLUTIONS + TRANSPOSED):
        raise TransposedError(f"{type(module).__name__} repeats no kernel: give a convolution or a transposed one.")
    if module.padding_mode != "zeros":
        raise TransposedError(
            f"padding_mode {module.padding_mode} copies cells, so that the border's blocks differ: use zeros."
        )
    found = linear_operator(module, (1, *tuple(input_shape)[1:]))
    height, width = found.output_shape[-1], found.input_shape[-1]
    where = np.full((found.shape[0] // height, found.shape[1] // width), -1, np.int32)
    where[found.rows // height, found.cols // width] = found.taps // module.kernel_size[-1]
    dims = len(found.input_shape) - 2
    levels = tuple((prod(found.output_shape[-k:]), prod(found.input_shape[-k:])) for k in range(1, dims + 1))
    return Blocks(found, height, width, where, levels)


# -- steps to draw -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Stamps:
    """Where each input cell's stamp lands and what it adds.

    Attributes:
        landing: int64, (cells, taps): flat spatial index of the output, −1 where padding has cut the tap off.
        values: float64, (N, C_out, cells, taps): what is added there, input channels summed, bias left out.
        corners: int64, (cells, dims): output position of each stamp's first tap; negative: cut off.
        output_size: spatial sizes of the output.
    """

    landing: np.ndarray
    values: np.ndarray
    corners: np.ndarray
    output_size: tuple[int, ...]

    def after(self, count: int) -> np.ndarray:
        """The output when the first ``count`` cells have stamped, (N, C_out, *output), without bias."""
        out = np.zeros((*self.values.shape[:2], prod(self.output_size) + 1))
        # Taps that were cut off land in one spare cell behind the output.
        np.add.at(out, (slice(None), slice(None), self.landing[:count]), self.values[:, :, :count])
        return out[..., :-1].reshape(*self.values.shape[:2], *self.output_size)


def stamps(module: nn.Module, x: torch.Tensor) -> Stamps:
    """The stamp view, step by step: one step per input cell, in row-major order."""
    with torch.inference_mode(False), torch.no_grad():
        g, batch = _batched(module, x.detach().clone())
        values = _products(g, module.weight.double(), batch.double()).cpu().numpy()
    where = np.stack(np.unravel_index(_landing(g), g.canvas)) - np.array(g.padding)[:, None, None]
    inside = ((where >= 0) & (where < np.array(g.output)[:, None, None])).all(axis=0)
    clipped = np.clip(where, 0, np.array(g.output)[:, None, None] - 1)
    landing = np.where(inside, np.ravel_multi_index(tuple(clipped), g.output), -1)
    return Stamps(landing, values, where[:, :, 0].T.copy(), g.output)


REAL, INSERTED, BORDER = 0, 1, 2
"""What a cell of the zero-inserted image is: a number of the input, a zero between numbers, a zero around them."""


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


def zero_inserted(module: nn.Module, x: torch.Tensor) -> ZeroInserted:
    """The zero-insertion view before it convolves."""
    with torch.inference_mode(False), torch.no_grad():
        g, batch = _batched(module, x.detach().clone())
        kernel = _flipped(g, module.weight).double().cpu().numpy()
    sizes, there, which = _spread(g)
    image = np.zeros((*batch.shape[:2], *sizes))
    image[(..., *there)] = batch.double().cpu().numpy()[(..., *which)]
    source, role = _roles(g)
    return ZeroInserted(image, source, role, kernel, g.dilation, g.groups, prod(g.size) - int((role == REAL).sum()))


def _roles(g: Geometry) -> tuple[np.ndarray, np.ndarray]:
    sizes, there, which = _spread(g)
    source = np.full(sizes, -1, np.int64)
    source[there] = np.arange(prod(g.size)).reshape(g.size)[which]
    role = np.full(sizes, BORDER, np.uint8)
    # Between the first and the last cell, as the padding has left them.
    role[tuple(slice(t.start, t.stop) for t in there)] = INSERTED
    role[source >= 0] = REAL
    return source, role


# -- sizes -------------------------------------------------------------------------------------------------------------


class ForwardSize(NamedTuple):
    """A size of the forward convolution's input, what it becomes (measured), and the output_padding back to it."""

    size: int
    becomes: int
    output_padding: int


@dataclass(frozen=True)
class ForwardSizes:
    """On one axis: the sizes that a strided convolution sends to one and the same size.

    Attributes:
        output: the forward convolution's output, which is the transposed layer's input.
        sizes: those that become ``output``, smallest first; as many as the stride, fewer where a size would be below 1.
        chosen: the size that the transposed layer's output_padding selects. It is none of ``sizes`` if output_padding
            is the stride or more (PyTorch allows that below the dilation): ``chosen_becomes`` then differs.
        chosen_becomes: what the forward convolution makes of ``chosen``, measured.
        formula: the sizes in closed form.
    """

    output: int
    sizes: tuple[ForwardSize, ...]
    chosen: int
    chosen_becomes: int
    formula: Formula


def forward_sizes(spec) -> tuple[ForwardSizes, ...]:
    """Which forward input sizes meet in one output size, per spatial axis (Dumoulin and Visin 2016, section 4.6).

    Args:
        spec: a ``LayerSpec`` of kind ``transposed`` (its input is the forward output) or of kind ``conv`` with numbers
            for padding (its own output size is looked at, and ``chosen`` is its own input size).

    Raises:
        TransposedError: for another kind.
    """
    if spec.kind not in ("conv", "transposed"):
        raise TransposedError(f"{spec.kind} is no convolution and not a transposed one: use one of these.")
    back = spec.kind == "transposed"
    found = []
    for axis in range(spec.dims):
        f, p, st, d = (spec.kernel_size[axis], spec.pads[axis], spec.stride[axis], spec.dilation[axis])
        small = spec.input_size[axis] if back else spec.output_size[axis]
        chosen = spec.output_size[axis] if back else spec.input_size[axis]
        least = (small - 1) * st - sum(p) + formulas.extent(f, d)
        sizes = tuple(ForwardSize(n, _becomes(n, f, p, st, d), n - least) for n in range(max(1, least), least + st))
        filled = f"({small} - 1) \\cdot {st} - {sum(p)} + {formulas.extent(f, d)} + r"
        text = f"({small}−1)·{st} − {sum(p)} + {formulas.extent(f, d)} + r"
        listed = ", ".join(str(n) for n in range(max(1, least), least + st))
        formula = Formula(
            tuple(range(max(1, least), least + st)),
            r"W = (O - 1) \cdot S - 2P + D \cdot (F - 1) + 1 + r, \quad 0 \le r < S",
            rf"{filled} = {listed}",
            f"{text}, r = 0 … {st - 1}: {listed}",
            formulas.GUIDE,
        )
        found.append(ForwardSizes(small, sizes, chosen, _becomes(chosen, f, p, st, d), formula))
    return tuple(found)


def _becomes(size: int, kernel: int, pads: tuple[int, int], stride: int, dilation: int) -> int:
    """Output size of the real convolution along one axis; no numbers are computed (torch's meta device)."""
    image = F.pad(torch.empty(1, 1, size, device="meta"), pads)
    return nn.Conv1d(1, 1, kernel, stride, 0, dilation, device="meta")(image).shape[-1]


# -- cost --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waste:
    """Multiplications of the zero-padding way for one image, measured from the operator of its ordinary convolution.

    Attributes:
        total: all of them: each output meets each weight that it has.
        useful: those on numbers of the input.
        inserted, border: those on zeros between the numbers, and on zeros around them.
        stamp: multiplications of the stamp way, the layer's MACs; those that padding cuts off are among them.
        total_formula, useful_formula: the closed forms.
    """

    total: int
    useful: int
    inserted: int
    border: int
    stamp: int
    total_formula: Formula
    useful_formula: Formula

    @property
    def share(self) -> float:
        """The part of all multiplications that meets a zero which was put there, 0 to 1."""
        return 1 - self.useful / self.total


def wasted(module: nn.Module, input_shape: Sequence[int]) -> Waste:
    """How many multiplications the zero-padding way spends on zeros.

    Measured on one pair of channels, whose structure all pairs share, and multiplied by their number. The closed forms
    are C_out·ΠO·C_in/G·ΠF in all and, useful, as many as the operator of the layer has entries (Dumoulin and Visin
    2016, section 4.2: "adding many columns and rows of zeros … a much less efficient implementation").
    """
    from models.spec import LayerSpec

    g = geometry(module, input_shape)
    if prod(g.output) * prod(g.kernel) > MOST_ENTRIES:
        raise TransposedError("the zero-inserted image is too large to measure: use a smaller input or kernel.")
    _, role = _roles(g)
    conv = CONVOLUTIONS[g.dims - 1](1, 1, g.kernel, dilation=g.dilation, bias=False)
    found = linear_operator(conv, (1, 1, *role.shape))
    counts = np.bincount(role.reshape(-1)[found.cols], minlength=3)
    pairs = g.out_channels * (g.in_channels // g.groups)
    real, inserted, border = (int(n) * pairs for n in counts)
    spec = LayerSpec(
        "transposed",
        g.dims,
        g.size,
        g.in_channels,
        g.out_channels,
        kernel_size=g.kernel,
        stride=g.stride,
        padding=g.padding,
        output_padding=g.extra,
        dilation=g.dilation,
        groups=g.groups,
        bias=False,
    )
    numbers = formulas.formulas_of(spec)
    total = pairs * prod(g.output) * prod(g.kernel)
    out, taps = formulas.times(g.output), formulas.times(g.kernel)
    front = f"{pairs} · " if pairs != 1 else ""
    filled = f"{front}({out}) · ({taps}) = {formulas.big(total)}"
    total_formula = Formula(
        total,
        r"C_{out} \cdot \prod O \cdot \frac{C_{in}}{G} \cdot \prod F",
        filled.replace("·", r"\cdot").replace("×", r"\times"),
        filled,
        formulas.GUIDE,
    )
    return Waste(
        real + inserted + border, real, inserted, border, numbers["macs"].value, total_formula, numbers["touching"]
    )


class Cost(NamedTuple):
    """Work of one transposed layer for one image: measured MACs, their closed form, and additions of the bias."""

    macs: int
    formula: Formula
    bias_additions: int


def cost(module: nn.Module, input_shape: Sequence[int]) -> Cost:
    """Multiply–accumulates of a transposed convolution, counted where it makes them: at its *input*.

    Each input number meets each weight that it has once: C_in·ΠW·C_out/G·ΠF. Counters that take the output size
    instead, as for an ordinary convolution, count the inserted zeros too. Measured by PyTorch's ``FlopCounterMode``,
    halved. The bias is added once per output number.
    """
    g = geometry(module, input_shape)
    twin = copy.deepcopy(module).to("meta")
    counter = mac_counter()
    with torch.inference_mode(False), torch.no_grad(), counter:
        twin(torch.empty(1, g.in_channels, *g.size, device="meta", dtype=module.weight.dtype))
    value = g.entries
    per = f"{g.out_channels}/{g.groups}" if g.groups > 1 else f"{g.out_channels}"
    text = (
        f"{g.in_channels} · ({formulas.times(g.size)}) · {per} · ({formulas.times(g.kernel)}) = {formulas.big(value)}"
    )
    formula = Formula(
        value,
        r"C_{in} \cdot \prod W \cdot \frac{C_{out}}{G} \cdot \prod F",
        text.replace("·", r"\cdot").replace("×", r"\times"),
        text,
        formulas.COUNTER,
    )
    additions = g.out_channels * prod(g.output) if module.bias is not None else 0
    return Cost(counter.get_total_flops() // 2, formula, additions)


# -- there and back ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """A convolution and then its transpose; beside it, the pseudo-inverse (Moore and Penrose).

    Attributes (float64 arrays; images ``(C, *spatial)``):
        image: what we start with, x.
        small: C x.
        back: Cᵀ C x: the shape again, not the values.
        best: C⁺ C x: the smallest image that the convolution sends to the same ``small``.
        again: C C⁺ C x, which is ``small`` once more.
        matrix: C, dense, (small cells, image cells).
        inverse: C⁺, dense, (image cells, small cells). Cᵀ has as many zeros as C; C⁺ has hardly any.
        rank: independent rows of C: so many numbers of the image survive.
    """

    image: np.ndarray
    small: np.ndarray
    back: np.ndarray
    best: np.ndarray
    again: np.ndarray
    matrix: np.ndarray
    inverse: np.ndarray
    rank: int

    @property
    def lost(self) -> int:
        """Directions of the image that the convolution maps to 0: nothing can bring them back."""
        return self.image.size - self.rank

    @property
    def back_error(self) -> float:
        """Root mean square of ``back − image``."""
        return float(np.sqrt(np.mean((self.back - self.image) ** 2)))

    @property
    def best_error(self) -> float:
        """Root mean square of ``best − image``; 0 only where nothing is lost or the image lies in C's row space."""
        return float(np.sqrt(np.mean((self.best - self.image) ** 2)))

    @property
    def inverse_entries(self) -> int:
        """Entries of C⁺ that are not 0 (relative to the largest, 1e-12)."""
        return int((np.abs(self.inverse) > 1e-12 * np.abs(self.inverse).max(initial=0)).sum())


def weights_of_inverse(operator: Operator, inverse: np.ndarray) -> np.ndarray | None:
    """The weights with which the transposed layer computes C⁺, flat as in the layer; None where none do.

    Args:
        operator: Cᵀ, with taps.
        inverse: C⁺, ``(image cells, small cells)``.
    """
    picked = inverse[operator.rows, operator.cols]
    weights = np.zeros(int(operator.taps.max(initial=0)) + 1)
    weights[operator.taps] = picked
    made = np.zeros_like(inverse)
    made[operator.rows, operator.cols] = weights[operator.taps]
    return weights if np.abs(made - inverse).max(initial=0) <= 1e-9 * np.abs(inverse).max(initial=0) else None


def round_trip(module: nn.Module, x: torch.Tensor) -> RoundTrip:
    """Send an image through C, then back through Cᵀ and through C⁺.

    Args:
        module: a transposed convolution (C is then its ``matching_convolution``) or an ordinary one (C itself). A bias
            is left out.
        x: the image that C takes, ``(C, *spatial)`` or ``(1, C, *spatial)``: for a transposed layer, of the kind that
            it *returns*.

    Raises:
        TransposedError: for another layer, an image that C does not take, or more than ``MOST_DENSE`` matrix entries.
    """
    conv = module if isinstance(module, CONVOLUTIONS) else matching_convolution(module)
    dims = conv.weight.dim() - 2
    shape = tuple(x.shape[-dims - 1 :])
    images = 1 if x.dim() == dims + 1 else len(x)
    if x.dim() not in (dims + 1, dims + 2) or images != 1 or shape[0] != conv.in_channels:
        raise TransposedError(
            f"the convolution takes one image of {conv.in_channels} channel(s) and {dims} size(s), "
            f"not {tuple(x.shape)}: give an image of the kind that the transposed layer returns."
        )
    pads = (0,) * dims if isinstance(conv.padding, str) else conv.padding
    room = [n + 2 * p for n, p in zip(shape[1:], pads, strict=True)]
    reach = [formulas.extent(f, d) for f, d in zip(conv.kernel_size, conv.dilation, strict=True)]
    if conv.padding != "same" and any(r > n for r, n in zip(reach, room, strict=True)):
        raise TransposedError(f"a kernel that spans {reach} cells does not fit into {room}: give a larger image.")
    cells = prod(shape)
    bound = cells * conv.out_channels * prod(-(-n // s) for n, s in zip(room, conv.stride, strict=True))
    if bound > 4 * MOST_DENSE:
        raise TransposedError(f"an image of {cells} cells makes the matrix too large to invert: give a smaller one.")
    operator = linear_operator(conv, (1, *shape))
    rows, columns = operator.shape
    if rows * columns > MOST_DENSE:
        raise TransposedError(
            f"the matrix would have {formulas.big(rows * columns)} entries, too many to invert: give a smaller image."
        )
    matrix = operator.matrix
    image = x.detach().reshape(-1).double().cpu().numpy()
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    rank = int((sizes > sizes.max(initial=0) * max(matrix.shape) * np.finfo(float).eps).sum())
    inverse = (right[:rank].T / sizes[:rank]) @ left[:, :rank].T
    small = matrix @ image
    back, best = matrix.T @ small, inverse @ small
    little = operator.output_shape[1:]
    return RoundTrip(
        image.reshape(shape),
        small.reshape(little),
        back.reshape(shape),
        best.reshape(shape),
        (matrix @ best).reshape(little),
        matrix,
        inverse,
        rank,
    )


def worked_example() -> tuple[nn.Module, torch.Tensor]:
    """The lesson's opening: a 3×3 kernel as the 4×16 matrix C, and Cᵀ applied to [2, 1, 4, 4].

    Returns:
        the layer (``nn.ConvTranspose2d(1, 1, 3, bias=False)``, float64) and its input, (1, 1, 2, 2). The result is
        [[2, 9, 6, 1], [6, 29, 30, 7], [10, 29, 33, 13], [12, 24, 16, 4]].
    """
    layer = nn.ConvTranspose2d(1, 1, 3, bias=False, dtype=torch.float64).requires_grad_(False)
    layer.weight[0, 0] = torch.tensor([[1.0, 4, 1], [1, 4, 3], [3, 3, 1]])
    return layer, torch.tensor([[[[2.0, 1], [4, 4]]]], dtype=torch.float64)
