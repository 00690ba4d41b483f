"""Multiplications of a transposed convolution, and those that the zero-inserting way spends on zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import numpy as np
import torch

from models import device
from models.errors import TransposedError
from models.formulas import GUIDE, Formula, Window
from models.measure import measure
from models.operator import CONVOLUTIONS, Layer
from models.transposed.layer import geometry
from models.transposed.views import MOST_ENTRIES, roles


@dataclass(frozen=True)
class Waste:
    """Multiplications of the zero-padding way for one image, measured on its ordinary convolution.

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


def wasted(module: Layer, input_shape: Sequence[int]) -> Waste:
    """How many multiplications the zero-padding way spends on zeros.

    Measured on one pair of channels, whose structure all pairs share, and multiplied by their number. The closed forms
    are C_out·ΠO·C_in/G·ΠF in all and, useful, as many as the operator of the layer has entries (Dumoulin and Visin
    2016, section 4.2: "adding many columns and rows of zeros … a much less efficient implementation").
    """
    g = geometry(module, input_shape)
    if prod(g.output_size) * prod(g.kernel_size) > MOST_ENTRIES:
        raise TransposedError("the zero-inserted image is too large to measure: use a smaller input or kernel.")
    _, role = roles(g)
    conv = CONVOLUTIONS[g.dims - 1](1, 1, g.kernel_size, dilation=g.dilation, bias=False, dtype=torch.float64)
    # With weights of 1 and cells of 1 where they have a role, the outputs add up to how often the layer reads it.
    cells = torch.from_numpy(role == np.arange(3).reshape(3, *(1,) * g.dims)).to(torch.float64)
    with torch.inference_mode(), device.one_thread():
        conv.weight.fill_(1.0)
        counts = conv(cells[:, None]).sum(dim=tuple(range(1, g.dims + 2)))
    pairs = g.out_channels * (g.in_channels // g.groups)
    real, inserted, border = (round(n) * pairs for n in counts.tolist())
    return Waste(
        real + inserted + border,
        real,
        inserted,
        border,
        g.family.macs(g).value,
        # an ordinary convolution over the zero-inserted image, whose outputs are this layer's
        replace(Window().macs(g), source=GUIDE),
        g.family.touching(g),
    )


class Cost(NamedTuple):
    """Work of one transposed layer for one image: measured MACs, their closed form, and additions of the bias."""

    macs: int
    formula: Formula
    bias_additions: int


def cost(module: Layer, input_shape: Sequence[int]) -> Cost:
    """Multiply–accumulates of a transposed convolution, counted where it makes them: at its *input*.

    Each input number meets each weight that it has once: C_in·ΠW·C_out/G·ΠF. Counters that take the output size
    instead, as for an ordinary convolution, count the inserted zeros too. Measured by PyTorch's ``FlopCounterMode``,
    halved. The bias is added once per output number.
    """
    g = geometry(module, input_shape)
    additions = g.out_channels * prod(g.output_size) if module.bias is not None else 0
    return Cost(measure(module, g.input_shape).macs, g.family.macs(g), additions)
