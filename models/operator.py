"""The matrix that a layer is: measured from the real layer, entry by entry.

Any layer that is linear in its input is a sparse matrix. It is measured in two independent ways, which tests hold
against each other:

- *index push* (``linear_operator`` for layers with a kernel): the layer's kernel becomes one-hot at one tap, and the
  image's pixels hold their own index. What comes out is the index of the pixel that this tap reads.
  A kernel of many taps would take many passes: its entries are placed by the rule of the settings instead, and taken
  only if the layer, with random weights on a random image, answers as they say.
- *basis push* (``basis_operator``, and ``linear_operator`` for every other layer): the layer's answer to each basis
  vector, less its answer to zero. It knows nothing of the layer, so it cannot repeat a mistake.

Layers that are not linear (ReLU, max-pooling) have an operator *at an input*: their Jacobian there.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import nn
from torch.nn import functional as F

from models import device
from models.errors import OperatorError
from models.formulas import MANY_TAPS
from models.text import big
from models.unpool import PoolUnpool

Layer = Any
"""An ``nn.Module`` whose settings are read: torch gives every attribute of a module the type ``Tensor | Module``."""

CONVOLUTIONS: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED: tuple[Any, ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MAX_POOLS: tuple[Any, ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVG_POOLS: tuple[Any, ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
LP_POOLS: tuple[Any, ...] = (nn.LPPool1d, nn.LPPool2d, nn.LPPool3d)
POOLS: tuple[Any, ...] = MAX_POOLS + AVG_POOLS + LP_POOLS
PADS = (
    nn.modules.padding._ConstantPadNd,
    nn.modules.padding._ReflectionPadNd,
    nn.modules.padding._ReplicationPadNd,
    nn.modules.padding._CircularPadNd,
)
REARRANGEMENTS: tuple[Any, ...] = (
    nn.PixelShuffle,
    nn.PixelUnshuffle,
    nn.ChannelShuffle,
    nn.Identity,
    nn.Flatten,
    nn.Unflatten,
    *PADS,
)

EXACT_BITS = 53
"""Whole numbers of so many bits are exact in float64, so several indices can travel in one number, side by side."""

MOST_PLACED = 1 << 22
"""Products of a cell and a tap that are placed by rule at most."""

CHUNK = 1 << 24
"""Numbers in the answers to basis vectors that are asked at once."""

DUST = 1e-13
"""Interpolation weights that are 0 on paper come out as rounding dust: anything smaller is no entry."""


@dataclass(frozen=True, eq=False)
class Operator:
    """A sparse matrix: rows are output elements, columns are input elements, both row-major over the whole shape.

    Attributes:
        rows, cols: int32 arrays, one element per entry, sorted by row. Several taps that read the same element of the
            input stay separate entries.
        values: float64 array, the weight of each entry. An entry exists where a tap reaches, even if it is 0 today.
        taps: int32 array: which weight made the entry, as a flat index into the layer's ``weight``, so that
            ``weight.flatten()[taps]`` is ``values``; for pooling, the cell of the window. −1 where there is no kernel.
        input_shape, output_shape: batch axis included, as in torch: ``(N, C, *spatial)``.
    """

    rows: np.ndarray
    cols: np.ndarray
    values: np.ndarray
    taps: np.ndarray
    output_shape: tuple[int, ...]
    input_shape: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(output elements, input elements)."""
        return prod(self.output_shape), prod(self.input_shape)

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return len(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def places(self) -> int:
        """Number of the matrix's elements that some tap reaches. Fewer than ``nnz`` where padding copies pixels."""
        reached = np.ones(len(self.rows), bool)
        return scipy.sparse.csr_array((reached, (self.rows, self.cols)), shape=self.shape).nnz

    @cached_property
    def sparse(self) -> scipy.sparse.csr_array:
        """The same matrix for SciPy; entries at the same place are added up."""
        return scipy.sparse.csr_array((self.values, (self.rows, self.cols)), shape=self.shape)

    @property
    def matrix(self) -> np.ndarray:
        """The dense array, float64, of ``shape``."""
        dense = np.zeros(self.shape)
        np.add.at(dense, (self.rows, self.cols), self.values)
        return dense

    @property
    def T(self) -> Operator:
        """The transpose: the same taps, input and output exchanged. For a convolution, the transposed convolution."""
        order = np.lexsort((self.taps, self.rows, self.cols))
        rows, cols, values, taps = (part[order] for part in (self.cols, self.rows, self.values, self.taps))
        return Operator(rows, cols, values, taps, self.input_shape, self.output_shape)

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.searchsorted(self.rows, np.arange(self.shape[0] + 1))

    def row(self, index: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What one output element is made of: ``(cols, values, taps)``.

        ``index`` is a flat index, or a position ``(c, *spatial)`` or ``(n, c, *spatial)``.
        """
        flat = _flat(index, self.output_shape)
        span = slice(self._starts[flat], self._starts[flat + 1])
        return self.cols[span], self.values[span], self.taps[span]

    def column(self, index: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What one input element influences: ``(rows, values, taps)``; ``index`` as for ``row``."""
        chosen = self.cols == _flat(index, self.input_shape)
        return self.rows[chosen], self.values[chosen], self.taps[chosen]

    def __matmul__(self, other) -> Any:
        """Apply to an input, or compose with the operator of the layer before.

        An array (or tensor) of ``input_shape`` gives one of ``output_shape``; a vector or a matrix of columns gives
        the same; an ``Operator`` gives the operator of both layers in a row (entries of several taps added up).
        """
        if isinstance(other, Operator):
            if prod(self.input_shape) != prod(other.output_shape):
                raise OperatorError(f"{self.input_shape} does not take {other.output_shape}: the layers do not fit.")
            product = self.sparse @ other.sparse
            return _without_taps(*_places(product), product.data, self.output_shape, other.input_shape)
        x = other.detach().cpu().numpy() if isinstance(other, torch.Tensor) else np.asarray(other)
        if x.shape == self.input_shape:
            return (self.sparse @ x.reshape(-1)).reshape(self.output_shape)
        return self.sparse @ x


def _flat(index: int | Sequence[int], shape: tuple[int, ...]) -> int:
    if isinstance(index, int | np.integer):
        flat = int(index)
    else:
        place = (0,) * (len(shape) - len(tuple(index))) + tuple(index)
        flat = int(np.ravel_multi_index(place, shape))
    if not 0 <= flat < prod(shape):
        raise IndexError(f"{index} lies outside {shape}")
    return flat


def linear_operator(module: Layer, input_shape: Sequence[int], at: torch.Tensor | None = None) -> Operator:
    """The matrix that ``module`` is, for inputs of one shape; a bias is not part of it.

    Args:
        module: any layer or composition. Convolutions (transposed ones too) and pooling are measured by index push,
            an ``nn.Sequential`` as the product of its parts, pooling with unpooling by where the maxima go, anything
            else by basis push. It is left as it was.
        input_shape: ``(N, C, *spatial)``.
        at: for layers that are not linear: the input, of ``input_shape``, at which the Jacobian is taken.

    Returns:
        An ``Operator`` with ``operator @ x == module(x) − module(0)`` in float64 (for max and Lp pooling: at ``at``).

    Raises:
        OperatorError: if the layer is not linear and ``at`` is missing.
    """
    input_shape = tuple(int(n) for n in input_shape)
    if at is not None:
        at = at.detach().to("cpu", torch.float64).reshape(input_shape)
    batch = input_shape[0]
    if batch > 1 and (at is None or _plain(module) or isinstance(module, nn.Upsample)):
        return _repeat(linear_operator(module, (1, *input_shape[1:])), batch)
    with torch.inference_mode(False), device.reference():
        if isinstance(module, PoolUnpool):
            return _unpool_operator(_double(module), input_shape, at)
        # A Sequential with a forward of its own does something else with its parts.
        if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward and len(module):
            return _composition(module, input_shape, at)
        if _plain(module):
            return _index_push(module, input_shape)
        layer = _double(module)
        if isinstance(module, POOLS):
            return _pool_operator(layer, input_shape, at)
        if isinstance(module, REARRANGEMENTS):
            return _moved(layer, input_shape)
        if isinstance(module, nn.Upsample) and (found := _comb_push(layer, input_shape, reach=4)):
            return found
        return _by_basis(layer, input_shape, at)


def basis_operator(module: Layer, input_shape: Sequence[int], at: torch.Tensor | None = None) -> Operator:
    """The same matrix, found without knowing anything of the layer: its answer to each basis vector less that to zero.

    For a layer that is not linear, ``at`` is the input of the Jacobian. Arguments and result as in
    ``linear_operator``; entries are the values other than 0, without taps.
    """
    at = None if at is None else at.detach().to("cpu", torch.float64).reshape(tuple(input_shape))
    with torch.inference_mode(False), device.reference():
        return _by_basis(_double(module), tuple(input_shape), at)


# -- index push -------------------------------------------------------------------------------------------------------


def _double(module: Layer) -> Layer:
    return copy.deepcopy(module).to("cpu", torch.float64).eval().requires_grad_(False)


def _plain(module: Layer) -> Layer:
    """torch's own class of a convolution; None if the module computes something else with its weights."""
    cls = next((cls for cls in CONVOLUTIONS + TRANSPOSED if isinstance(module, cls)), None)
    return cls if cls and type(module).forward is cls.forward else None


def _index_push(layer: Layer, input_shape: tuple[int, ...]) -> Operator:
    """One forward pass per bundle of taps (see the module's docstring), on one channel: all pairs are read alike."""
    cls, weights = _plain(layer), layer.weight.detach().to("cpu", torch.float64)
    transposed = issubclass(cls, TRANSPOSED)
    groups, channels, spatial, kernel = layer.groups, input_shape[1], input_shape[2:], tuple(weights.shape[2:])
    per_group = weights.shape[0] // groups if transposed else weights.shape[1]
    out_per_group = weights.shape[1] if transposed else weights.shape[0] // groups
    if channels != groups * per_group or len(spatial) != len(kernel):
        raise OperatorError(
            f"{input_shape} does not fit {layer}: it takes (N, {groups * per_group}, *{len(kernel)} sizes)."
        )
    taps, cells, outputs = prod(kernel), prod(spatial), groups * out_per_group
    # The layer itself, with another kernel; building a new one would cost as much as all its passes.
    probe = cls.__new__(cls)
    one_kernel = torch.zeros(1, 1, *kernel, dtype=torch.float64)
    vars(probe).update(vars(layer), groups=1, _parameters={"weight": one_kernel, "bias": None})
    found = _placed(probe, spatial, transposed) if taps >= MANY_TAPS else None
    positions, rows, tap, cols = found or _pushed_taps(probe, spatial)
    _demand_countable(channels * cells, outputs * prod(positions), outputs * per_group * max(len(rows), taps))
    # What one output channel reads of its group: by position, then by channel, then by tap.
    channel = np.repeat(np.arange(per_group, dtype=np.int32), len(rows))
    rows, tap, cols = (np.tile(one, per_group) for one in (rows, tap, cols))
    if per_group > 1:
        order = np.argsort(rows, kind="stable")
        channel, rows, tap, cols = channel[order], rows[order], tap[order], cols[order]
    out = np.arange(outputs, dtype=np.int32)[:, None]
    group, member = np.divmod(out, np.int32(out_per_group))
    source = group * np.int32(per_group) + channel
    pair = source * np.int32(out_per_group) + member if transposed else out * np.int32(per_group) + channel
    weight = (pair * np.int32(taps) + tap).reshape(-1)
    return Operator(
        (out * np.int32(prod(positions)) + rows).reshape(-1),
        (source * np.int32(cells) + cols).reshape(-1),
        weights.reshape(-1).numpy()[weight],
        weight,
        (1, outputs, *positions),
        input_shape,
    )


def _placed(probe: Layer, spatial: tuple[int, ...], transposed: bool):
    """Positions, rows, taps and columns of one pair of channels, sorted, without a pass for each tap.

    Position p of the smaller image meets tap t at p·S + t·D − P of the larger one, along each axis (the shape formulas
    in PyTorch's documentation). None where that is too much to place, or where the layer does otherwise: with random
    weights and a random image, no wrong entry goes unnoticed.
    """
    kernel = probe.weight
    sizes, dims = kernel.shape[2:], kernel.dim() - 2
    if isinstance(probe.padding, str) or probe.padding_mode != "zeros":
        return None
    settings = zip(spatial, sizes, probe.padding, probe.stride, probe.dilation, strict=True)
    windows = spatial if transposed else [(n + 2 * p - d * (f - 1) - 1) // s + 1 for n, f, p, s, d in settings]
    if prod(windows) * prod(sizes) > MOST_PLACED:
        return None
    drawn = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, *spatial, generator=drawn, dtype=torch.float64)
    with torch.inference_mode():
        kernel.copy_(torch.rand(kernel.shape, generator=drawn, dtype=torch.float64))
        out = probe.forward(image)[0, 0].numpy()
        weights = kernel.numpy().reshape(-1).copy()
        kernel.zero_()
    small, large = (spatial, out.shape) if transposed else (out.shape, spatial)
    each = lambda values: np.array(values).reshape(dims, 1, 1)  # noqa: E731
    cell, tap = (np.indices(size).reshape(dims, -1) for size in (small, sizes))
    where = cell[:, :, None] * each(probe.stride) + tap[:, None] * each(probe.dilation) - each(probe.padding)
    here, tap = np.nonzero(((where >= 0) & (where < each(large))).all(axis=0))
    there = np.asarray(np.ravel_multi_index(tuple(where[:, here, tap]), large))
    rows, cols = (there, here) if transposed else (here, there)
    said = np.bincount(rows, weights=weights[tap] * image.numpy().reshape(-1)[cols], minlength=out.size)
    if not np.allclose(said, out.reshape(-1), rtol=1e-9, atol=1e-9):
        return None
    order = np.lexsort((tap, rows))
    return out.shape, *(one[order].astype(np.int32) for one in (rows, tap, cols))


def _pushed_taps(probe: Layer, spatial: tuple[int, ...]):
    """Positions, rows, taps and columns of one pair of channels, a bundle of taps in each pass.

    Several taps travel in one float64: the weight of each is a power of two, and the answer holds their indices side
    by side.
    """
    one_hot, cells = probe.weight.numpy().reshape(-1), prod(spatial)
    taps, bits = len(one_hot), cells.bit_length()
    bundle = max(1, EXACT_BITS // bits)
    shifts = bits * np.arange(bundle)
    index = torch.arange(1, cells + 1, dtype=torch.float64).reshape(1, 1, *spatial)
    table = np.empty(0, np.int32)  # [tap, position]: input index + 1, 0 for none
    with torch.inference_mode():
        for first in range(0, taps, bundle):
            some = slice(first, min(first + bundle, taps))
            here = shifts[: some.stop - first]
            one_hot[some] = 1 << here
            out = probe.forward(index)
            one_hot[some] = 0.0
            if not first:
                _demand_countable(out.numel() * taps)
                table = np.empty((taps, out.numel()), np.int32)
            table[some] = out.reshape(-1).numpy().astype(np.int64) >> here[:, None] & (1 << bits) - 1
    flat = table.T.reshape(-1)
    found = np.flatnonzero(flat)
    rows, tap = np.divmod(found.astype(np.int32), np.int32(taps))
    return tuple(out.shape[2:]), rows, tap, flat[found] - np.int32(1)


def _demand_countable(*counts: int) -> None:
    """Indices are 32-bit: refuse what they cannot number, before it is allocated."""
    if max(counts) >= 2**31:
        raise OperatorError(
            f"This matrix needs {big(max(counts))} places, more than 2³¹: use a smaller input or fewer channels."
        )


def per_axis(value: Any, dims: int) -> tuple[int, ...]:
    """A layer's setting, one value an axis."""
    return tuple(value) if isinstance(value, tuple | list) else (value,) * dims


def one_channel(part: Layer, **changes) -> Layer:
    """The same layer with one channel in and out: the geometry is that of every pair of channels."""
    settings = {n: getattr(part, n) for n in ("kernel_size", "stride", "padding", "dilation")} | changes
    cls = next(cls for cls in CONVOLUTIONS + TRANSPOSED if isinstance(part, cls))
    return cls(1, 1, bias=False, dtype=torch.float64, **settings)


def pool_window(layer: Layer, input_shape: Sequence[int]) -> tuple[Layer, tuple[int, ...]]:
    """The cells that a pooling layer reads, as a convolution without weights of its own, and the room it needs.

    Returns:
        A one-channel convolution with the layer's window, and the cells to add after the input on each axis so that
        the last window of ``ceil_mode`` fits.
    """
    dims = len(input_shape) - 2
    kernel, padding = per_axis(layer.kernel_size, dims), per_axis(getattr(layer, "padding", 0), dims)
    stride = per_axis(layer.stride if layer.stride is not None else layer.kernel_size, dims)
    dilation = per_axis(getattr(layer, "dilation", 1), dims)
    conv = CONVOLUTIONS[dims - 1](1, 1, kernel, stride, padding, dilation, bias=False, dtype=torch.float64)
    with torch.inference_mode(), device.reference():
        positions = layer(torch.zeros(1, 1, *input_shape[2:], dtype=torch.float64)).shape[2:]
    rows = zip(positions, stride, kernel, dilation, input_shape[2:], padding, strict=True)
    return conv, tuple(max(0, (o - 1) * s + d * (k - 1) + 1 - w - 2 * p) for o, s, k, d, w, p in rows)


def _pool_operator(layer: Layer, input_shape: tuple[int, ...], at: torch.Tensor | None) -> Operator:
    """Structure from a convolution with the same window; values from the layer's own gradient.

    One backward pass serves all outputs whose windows do not overlap (Curtis, Powell and Reid 1974, sparse Jacobian
    estimation), so there are about as many as a window has cells.
    """
    if isinstance(layer, AVG_POOLS):
        at = torch.zeros(input_shape, dtype=torch.float64) if at is None else at
    elif at is None:
        raise _not_linear(layer)
    if isinstance(layer, MAX_POOLS) and layer.return_indices:
        layer.return_indices = False
    conv, room = pool_window(layer, input_shape)
    spatial, channels = input_shape[2:], input_shape[1] * input_shape[0]
    widened = tuple(w + r for w, r in zip(spatial, room, strict=True))
    one = _index_push(conv, (1, 1, *widened))
    # The last windows of ceil_mode reach past the image: those entries read nothing.
    where = np.stack(np.unravel_index(one.cols, widened))
    real = (where < np.array(spatial)[:, None]).all(axis=0)
    rows, taps = one.rows[real], one.taps[real]
    cols = np.asarray(np.ravel_multi_index(where[:, real], spatial))
    positions = one.output_shape[2:]
    stride = conv.stride
    apart = [-(-((k - 1) * d + 1) // s) for k, d, s in zip(conv.kernel_size, conv.dilation, stride, strict=True)]
    where_out = np.stack(np.unravel_index(np.arange(prod(positions)), positions))
    colour = np.asarray(np.ravel_multi_index(tuple(where_out % np.array(apart)[:, None]), apart))
    values = np.zeros((channels, len(rows)))
    x = at.reshape(1, channels, *spatial)
    by_colour = np.argsort(colour[rows], kind="stable")
    edges = np.searchsorted(colour[rows][by_colour], np.arange(prod(apart) + 1))
    for c in range(prod(apart)):
        mine = by_colour[edges[c] : edges[c + 1]]
        if not len(mine):
            continue
        leaf = x.clone().requires_grad_(True)
        mask = (
            torch.from_numpy((colour == c).astype(np.float64)).reshape(1, 1, *positions).expand(1, channels, *positions)
        )
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(layer(leaf), leaf, mask)
        values[:, mine] = slope.reshape(channels, -1).numpy()[:, cols[mine]]
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    one = Operator(rows, cols, values[0], taps, (1, *positions), (1, *spatial))
    output_shape = (*input_shape[:2], *positions)
    return replace(
        _repeat(one, channels), values=values.reshape(-1), output_shape=output_shape, input_shape=input_shape
    )


def _unpool_operator(layer: PoolUnpool, input_shape: tuple[int, ...], at: torch.Tensor | None) -> Operator:
    """Structure: the pairs of cells that share a window. Values: the layer puts the index of each maximum back."""
    pool = linear_operator(layer[0], input_shape, at)
    assert at is not None  # the pooling asks for it
    read = scipy.sparse.csr_array((np.ones(len(pool), bool), (pool.rows, pool.cols)), shape=pool.shape)
    rows, cols = _places(read.T.tocsr() @ read)
    with torch.inference_mode():
        places = layer.places(at)
        plane = torch.arange(prod(input_shape[:2])).reshape(*input_shape[:2], *[1] * (len(input_shape) - 2))
        coded = layer.put_back((places + plane * prod(input_shape[2:]) + 1).double(), at)
    source = coded.reshape(-1).numpy().astype(np.int64) - 1
    values = (source[rows] == cols).astype(np.float64)
    return _without_taps(rows, cols, values, tuple(coded.shape), input_shape)


def _places(found: scipy.sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a matrix's entries, sorted; so are its values from here on."""
    found.sort_indices()
    indptr, indices = np.asarray(found.indptr), np.asarray(found.indices)
    return np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr)), indices.astype(np.int32)


def _moved(layer: Layer, input_shape: tuple[int, ...]) -> Operator:
    """Layers that only move and copy numbers: what comes out is the index of what went in, 0 for a constant."""
    with torch.inference_mode():
        index = torch.arange(1, prod(input_shape) + 1, dtype=torch.float64).reshape(input_shape)
        out = layer(index) - layer(torch.zeros_like(index))
    coded = out.reshape(-1).numpy().astype(np.int64)
    rows = np.flatnonzero(coded).astype(np.int32)
    cols = (coded[rows] - 1).astype(np.int32)
    return Operator(rows, cols, np.ones(len(cols)), np.full(len(cols), -1, np.int32), tuple(out.shape), input_shape)


# -- basis push -------------------------------------------------------------------------------------------------------


def _comb_push(layer: Layer, input_shape: tuple[int, ...], reach: int) -> Operator | None:
    """Basis push for layers whose outputs read at most ``reach`` neighbours an axis: many basis vectors at once.

    Impulses that lie further apart than ``reach`` never meet in one output. A comb of them is pushed twice, once with
    height 1 and once with the impulse's own index: the first answer is the weight, their ratio says whose it is.
    Returns None if a ratio is not an index, that is, if the layer reads further than ``reach``.
    """
    spatial, cells = input_shape[2:], prod(input_shape)
    index = torch.arange(1, cells + 1, dtype=torch.float64).reshape(input_shape)
    where = torch.stack(torch.meshgrid(*[torch.arange(n) % (reach + 1) for n in spatial], indexing="ij"))
    rows, cols, values = [], [], []
    with torch.inference_mode():
        for colour in np.ndindex(*[min(reach + 1, n) for n in spatial]):
            comb = (where == torch.tensor(colour).reshape(-1, *[1] * len(spatial))).all(0).double().expand(input_shape)
            pair = torch.cat([comb, comb * index])
            weight, coded = (half.reshape(-1).numpy() for half in layer(pair).chunk(2))
            row = np.flatnonzero(np.abs(weight) > DUST)
            ratio = coded[row] / weight[row]
            source = np.rint(ratio)
            if len(row) and (np.abs(ratio - source).max() > 1e-3 or source.min() < 1 or source.max() > cells):
                return None
            rows.append(row)
            cols.append(source - 1)
            values.append(weight[row])
        output_shape = (1, *layer(index).shape[1:])
    return _sorted(np.concatenate(rows), np.concatenate(cols), np.concatenate(values), output_shape, input_shape)


def _sorted(rows, cols, values, output_shape, input_shape) -> Operator:
    order = np.lexsort((cols, rows))
    rows, cols = rows[order].astype(np.int32), cols[order].astype(np.int32)
    return _without_taps(rows, cols, values[order], output_shape, input_shape)


def _without_taps(rows, cols, values, output_shape, input_shape) -> Operator:
    return Operator(rows, cols, np.asarray(values), np.full(len(rows), -1, np.int32), output_shape, input_shape)


def _by_basis(layer: Layer, input_shape: tuple[int, ...], at: torch.Tensor | None) -> Operator:
    cells = prod(input_shape)
    with torch.no_grad():
        zero = layer(torch.zeros(input_shape, dtype=torch.float64))
        if at is None:
            _demand_linear(layer, input_shape, zero)
    output_shape = tuple(zero.shape)
    step = max(1, min(cells, CHUNK // max(1, max(cells, zero.numel()))))
    rows, cols, values = [], [], []
    for start in range(0, cells, step):
        basis = torch.zeros(min(step, cells - start), cells, dtype=torch.float64)
        basis.diagonal(start).fill_(1.0)
        found = _answers(layer, input_shape, basis, zero) if at is None else _slopes(layer, at, basis)
        col, row = np.nonzero(np.abs(found) > DUST)
        rows.append(row)
        cols.append(col + start)
        values.append(found[col, row])
    return _sorted(np.concatenate(rows), np.concatenate(cols), np.concatenate(values), output_shape, input_shape)


def _answers(layer, input_shape, basis: torch.Tensor, zero: torch.Tensor) -> np.ndarray:
    """The layer's answers to basis vectors, one a row."""
    with torch.inference_mode():
        if input_shape[0] == 1:
            out = layer(basis.reshape(-1, *input_shape[1:]))
            if len(out) == len(basis):
                return (out.reshape(len(basis), -1) - zero.reshape(1, -1)).numpy()
        return np.stack([(layer(b.reshape(input_shape)) - zero).reshape(-1).numpy() for b in basis])


def _slopes(layer, at: torch.Tensor, basis: torch.Tensor) -> np.ndarray:
    """Directional derivatives at ``at`` along basis vectors, one a row."""
    flat = lambda v: layer(v.reshape(at.shape)).reshape(-1)  # noqa: E731
    slope = lambda b: torch.func.jvp(flat, (at.reshape(-1),), (b,))[1]  # noqa: E731
    return torch.func.vmap(slope)(basis).detach().numpy()


def _demand_linear(layer, input_shape, zero: torch.Tensor) -> None:
    """Refuse a layer for which f(x) − f(0) is not additive on two drawn inputs."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(input_shape, dtype=torch.float64, generator=generator) for _ in range(2))
    both, apart = layer(a + b) - zero, layer(a) + layer(b) - 2 * zero
    if not torch.allclose(both, apart, rtol=1e-7, atol=1e-7):
        raise _not_linear(layer)


def _not_linear(layer: Layer) -> OperatorError:
    return OperatorError(f"{type(layer).__name__} is not linear: give the input, at=x, at which you want its operator.")


# -- composition ------------------------------------------------------------------------------------------------------


def _composition(module: nn.Sequential, input_shape: tuple[int, ...], at: torch.Tensor | None) -> Operator:
    total: Operator | None = None
    shape = input_shape
    for part in module:
        found = linear_operator(part, shape, at)
        if total is not None:
            found = _through_copies(found, total) if _only_copies(total) else found @ total
        total = found
        shape = found.output_shape
        if at is not None:
            with torch.no_grad():
                at = _double(part)(at)
    assert total is not None
    return total


def _only_copies(operator: Operator) -> bool:
    """Whether an operator does nothing but copy: one entry of weight 1 in each row that has any."""
    return bool(len(operator) and (operator.values == 1).all() and (np.diff(operator.rows) > 0).all())


def _through_copies(found: Operator, pads: Operator) -> Operator:
    """Compose with a layer that only copies cells, keeping each entry's tap."""
    source = np.full(pads.shape[0], -1, np.int32)
    source[pads.rows] = pads.cols
    cols = source[found.cols]
    real = cols >= 0
    return Operator(
        found.rows[real], cols[real], found.values[real], found.taps[real], found.output_shape, pads.input_shape
    )


def _repeat(one: Operator, batch: int) -> Operator:
    """The operator of a batch: the same block once for each item."""
    step = np.arange(batch, dtype=np.int64)[:, None]
    return Operator(
        (step * one.shape[0] + one.rows).reshape(-1).astype(np.int32),
        (step * one.shape[1] + one.cols).reshape(-1).astype(np.int32),
        np.tile(one.values, batch),
        np.tile(one.taps, batch),
        (batch, *one.output_shape[1:]),
        (batch, *one.input_shape[1:]),
    )


def source_map(input_shape: Sequence[int], pads: Sequence[tuple[int, int]], padding_mode: str = "zeros") -> np.ndarray:
    """Where each cell of the padded image comes from, measured by padding an image of indices with torch's own ``pad``.

    Args:
        input_shape: spatial sizes only.
        pads: cells before and after, per axis.

    Returns:
        int32 array of the padded size: the row-major index of the real cell whose value it holds, −1 for padding zeros.
    """
    index = torch.arange(1, prod(input_shape) + 1, dtype=torch.float64).reshape(1, 1, *input_shape)
    sides = [side for pair in reversed(list(pads)) for side in pair]
    mode = "constant" if padding_mode == "zeros" else padding_mode
    padded = F.pad(index, sides, mode=mode) if any(sides) else index
    return (padded[0, 0].numpy() - 1).astype(np.int32)
