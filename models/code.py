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
    part = paragraphs(lab)
    asserted = "\n".join(part.pop(name) for name in ("output", "output_size", "parameters") if name in part)
    macs = part.pop("macs", "")
    return "\n\n".join(filter(None, [*part.values(), asserted, macs])) + "\n"


def paragraphs(lab: Lab) -> dict[str, str]:
    """The lines of ``to_code`` by what they do, in order: ``imports``, ``layer``, ``numbers`` (input, weights) and
    ``run``; then what is asserted: ``output`` (every number, if short), ``output_size``, ``parameters``, ``macs``."""
    spec = lab.spec
    part = {"imports": "import torch\nfrom torch import nn", "layer": f"layer = {spec.to_code()}"}
    if lab.x is None or lab.y is None:
        part["layer"] = f'torch.set_default_device("meta")  # shapes without memory\n{part["layer"]}'
        return part | {"run": f"x = torch.zeros{spec.input_shape}\ny = layer(x)"} | _asserted(lab)
    whole = written_out(lab)
    part["layer"] += "\nlayer.double().eval().requires_grad_(False)"
    if whole:
        lines = [f"x = torch.tensor({_literal(lab.x[None])}, dtype=torch.float64)"]
        for name, values in lab.weights.items():
            lines.append(f"{_access(lab, name)}.copy_(torch.tensor({_literal(values)}, dtype=torch.float64))")
    else:
        lines = ["torch.manual_seed(0)", f"x = torch.randn({spec.input_shape}, dtype=torch.float64)"]
    part |= {"numbers": "\n".join(lines), "run": "y = layer(x)"}
    if whole and np.isfinite(lab.y).all():
        part["output"] = (
            f"expected = torch.tensor({_literal(lab.y[None])}, dtype=torch.float64)\n"
            "torch.testing.assert_close(y, expected)"
        )
    return part | _asserted(lab)


def written_out(lab: Lab) -> bool:
    """Whether the code holds the layer's own numbers: there are few enough of them."""
    if lab.x is None or lab.y is None:
        return False
    return sum(array.size for array in (lab.x, *lab.weights.values())) <= INLINE and lab.y.size <= INLINE


def _asserted(lab: Lab) -> dict[str, str]:
    shape = (1, lab.spec.out_channels, *lab.check("output_size").formula.value)
    counted = f"sum(p.numel() for p in layer.parameters()) == {lab.check('parameters').formula.value}"
    lines = {"output_size": f"assert y.shape == {shape}", "parameters": f"assert {counted}"}
    if lab.spec.family.macs(lab.spec).value:
        lines["macs"] = (
            "from torch.utils.flop_counter import FlopCounterMode\n\n"
            "with FlopCounterMode(display=False) as counter:\n"
            "    layer(x)\n"
            f"assert counter.get_total_flops() // 2 == {lab.check('macs').formula.value}  # MACs"
        )
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
