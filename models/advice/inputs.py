"""Which input a network is meant for: what its text feeds it, else what its first layer takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from torch import nn

Shape = tuple[int, ...]

_MADE = re.compile(r"\b(?:randn|rand|zeros|ones|empty)\(\s*\(?\s*((?:\d+\s*,\s*)+\d+)")
_SAID = re.compile(r"\b(?:summary|input_size|input_shape)\b[^\d\n]*?[(\[]\s*((?:\d+\s*,\s*)+\d+)")
_SIDES = (224, 32, 28, 64, 128, 256)
"""Of the pictures that networks are most often made for, ImageNet's first."""


def likely_inputs(text: str, module: nn.Module, now: Shape) -> Iterator[Shape]:
    """Shapes, batch of one first, the likeliest first: tensors that the text makes outside its classes, sizes that it
    tells to a summary, what torchvision's networks were made for, then the channels of the first layer with the sizes
    of `now`, `(1, C, *spatial)`, and with those of usual pictures.
    """
    outside = _outside_classes(text)
    for found in (*_MADE.finditer(outside), *_SAID.finditer(outside)):
        sizes = tuple(int(one) for one in found[1].split(","))
        if len(sizes) > 1 and min(sizes) > 0:
            yield (1, *sizes[1:])
            yield (1, *sizes)
    if type(module).__module__.startswith("torchvision."):
        yield (1, 3, 224, 224)
    for layer in module.modules():
        kind = type(layer).__name__
        if kind == "Linear":
            yield (1, int(layer.in_features))  # type: ignore[arg-type]
            return
        if axes := re.fullmatch(r"Conv(?:Transpose)?(\d)d", kind):
            channels, dims = int(layer.in_channels), int(axes[1])  # type: ignore[arg-type]
            if len(now) == dims + 2:
                yield (1, channels, *now[2:])
            for side in _SIDES:
                yield (1, channels, *(side,) * dims)
            return


def _outside_classes(text: str) -> str:
    """The lines that belong to no class and no function."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if line.strip() and not line[0].isspace()]
    kept = []
    for start, end in pairwise([*starts, len(lines)]):
        if not re.match(r"(class|def|async def|@)\b|@", lines[start]):
            kept += lines[start:end]
    return "\n".join(kept)
