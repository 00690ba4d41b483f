"""Which sizes a strided convolution sends to one and the same size, and the output_padding back to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from models.errors import TransposedError
from models.formulas import GUIDE, Formula, extent
from models.terms import Number, Term, letter


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


def _forward(small: Number, kernel: Number, stride: Number, dilation: Number, cut: Number, rest: Number) -> Number:
    return (small - 1) * stride - cut + extent(kernel, dilation) + rest


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
        # By as much as the last window leaves over, r, several sizes differ that become the same.
        least = _forward(small, f, st, d, sum(p), 0)
        reached = range(max(1, least), least + st)
        sizes = tuple(ForwardSize(n, _becomes(n, f, p, st, d), n - least) for n in reached)
        size, kernel, stride, dilation = map(letter, "OFSD", (small, f, st, d))
        cut = 2 * letter("P", p[0]) if p[0] == p[1] else letter("2P", sum(p))
        term = _forward(size, kernel, stride, dilation, cut, Term(0, "r", "r", "r"))
        listed = ", ".join(map(str, reached))
        formula = Formula(
            tuple(reached),
            rf"W = {term.symbols}, \quad 0 \le r < S",
            f"{term.filled} = {listed}",
            f"{term.text}, r = 0 … {st - 1}: {listed}",
            GUIDE,
        )
        found.append(ForwardSizes(small, sizes, chosen, _becomes(chosen, f, p, st, d), formula))
    return tuple(found)


def _becomes(size: int, kernel: int, pads: tuple[int, int], stride: int, dilation: int) -> int:
    """Output size of the real convolution along one axis; no numbers are computed (torch's meta device)."""
    image = F.pad(torch.empty(1, 1, size, device="meta"), pads)
    return nn.Conv1d(1, 1, kernel, stride, 0, dilation, device="meta")(image).shape[-1]
