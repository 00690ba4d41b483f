"""Runnable PyTorch for exactly what is on screen, ending in an assertion of its numbers."""

from __future__ import annotations

import numpy as np

from models.lab import Lab
from models.layers import KINDS

INLINE = 400
"""More numbers than this are not written out: the code draws numbers of its own and asserts the shapes alone."""


def to_code(lab: Lab) -> str:
    """A script that builds the layer, fills it, runs it, and asserts shape, parameters and (if short) every output.

    Layers too large to run get their shape asserted on the meta device.
    """
    spec = lab.spec
    lines = ["import torch", "from torch import nn", "", f"layer = {spec.to_code()}"]
    if lab.x is None or lab.y is None:
        lines = [*lines[:3], 'torch.set_default_device("meta")  # shapes without memory', lines[3]]
        lines += ["", f"x = torch.zeros{spec.input_shape}", "y = layer(x)", ""]
        return "\n".join([*lines, *_assertions(lab)]) + "\n"
    numbers = [lab.x, *lab.weights.values()]
    whole = sum(array.size for array in numbers) <= INLINE and lab.y.size <= INLINE
    lines += ["layer.double().eval().requires_grad_(False)", ""]
    if whole:
        lines.append(f"x = torch.tensor({_literal(lab.x[None])}, dtype=torch.float64)")
        for name, values in lab.weights.items():
            lines.append(f"{_access(lab, name)}.copy_(torch.tensor({_literal(values)}, dtype=torch.float64))")
    else:
        lines += ["torch.manual_seed(0)", f"x = torch.randn({spec.input_shape}, dtype=torch.float64)"]
    lines += ["", "y = layer(x)", ""]
    if whole and np.isfinite(lab.y).all():
        lines += [
            f"expected = torch.tensor({_literal(lab.y[None])}, dtype=torch.float64)",
            "torch.testing.assert_close(y, expected)",
        ]
    return "\n".join([*lines, *_assertions(lab)]) + "\n"


def _assertions(lab: Lab) -> list[str]:
    shape = (1, lab.spec.out_channels, *lab.check("output_size").formula.value)
    lines = [
        f"assert y.shape == {shape}",
        f"assert sum(p.numel() for p in layer.parameters()) == {lab.check('parameters').formula.value}",
    ]
    if lab.spec.family.macs(lab.spec).value:
        lines += [
            "",
            "from torch.utils.flop_counter import FlopCounterMode",
            "",
            "with FlopCounterMode(display=False) as counter:",
            "    layer(x)",
            f"assert counter.get_total_flops() // 2 == {lab.check('macs').formula.value}  # MACs",
        ]
    return lines


def _access(lab: Lab, name: str) -> str:
    """The expression for a parameter: the code's Sequential numbers the parts that the registry names."""
    part, dot, attribute = name.rpartition(".")
    labels = [label for label, *_ in KINDS[lab.spec.kind].parts(lab.spec)]
    return f"layer[{labels.index(part)}].{attribute}" if dot else f"layer.{name}"


def _literal(values: np.ndarray) -> str:
    return repr(_plain(np.asarray(values).tolist()))


def _plain(tree):
    if isinstance(tree, list):
        return [_plain(branch) for branch in tree]
    return int(tree) if float(tree).is_integer() else tree
