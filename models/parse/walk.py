"""Does a layer take a shape, and why not?

PyTorch itself answers on the meta device with the next shape or refuses, and no number is computed. The rules of
`models.parse.faults` explain the refusal; they never decide it.
"""

from __future__ import annotations

import torch
from torch import nn

from models.device import private_copy
from models.operator import Layer
from models.parse.faults import by, fault_of, title

MAX_ACTIVATIONS = 2**28
"""Numbers in one answer that are followed: a gigabyte of them."""


def refusal(layer: Layer, name: str, arriving: tuple[int, ...]) -> str:
    """Why a layer does not take a shape, as a sentence; nothing where it does. Runs on the meta device."""
    said = ""
    if not overlooked(layer, arriving):
        twin = private_copy(layer, torch.device("meta")).eval()
        try:
            with torch.inference_mode():
                leaving = tuple(twin(torch.empty(arriving, device="meta")).shape)
        except Exception as error:  # a layer refuses with whatever it likes: AssertionError, IndexError and others
            said = str(error)
        else:
            if any(size < 1 for size in leaving) and not any(size < 1 for size in arriving):
                return f"{title(layer, name)} got {by(arriving)} and nothing is left of it: {by(leaving)}."
            return ""
    if fault := fault_of(layer, arriving):
        return f"{title(layer, name)} got {by(arriving)}{fault.why}."
    words = " ".join(said.split()).split(". ")[0].rstrip(".")[:200]
    return f"{title(layer, name)} got {by(arriving)} and PyTorch refuses it: {words}."


def overlooked(layer: Layer, arriving: tuple[int, ...]) -> bool:
    """What PyTorch refuses on a real device and forgets on the meta device; of `output_padding`, until 2.14."""
    if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        channel_axis = -1 - len(layer.kernel_size)
        if -channel_axis > len(arriving):
            return False
        extra = zip(layer.output_padding, layer.stride, layer.dilation, strict=True)
        return arriving[channel_axis] != layer.in_channels or any(more >= max(s, d) for more, s, d in extra)
    if isinstance(layer, (nn.Softmax, nn.LogSoftmax, nn.Softmin)):
        return layer.dim is not None and not -len(arriving) <= layer.dim < len(arriving)
    return False
