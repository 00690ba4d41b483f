"""Layers that the exports are tried on: every kind, in every number of dimensions, and what makes each special."""

import numpy as np

from models.layers import KINDS
from models.share import Scene
from models.spec import LayerSpec


def _of(kind: str, dims: int, **settings) -> Scene:
    start = {"input_size": 4, **KINDS[kind].start} if dims < 3 else {**KINDS[kind].start, "input_size": 3}
    return Scene(LayerSpec(**{"kind": kind, "dims": dims, **start, **settings}))


SCENES = {f"{kind} {dims}-D": _of(kind, dims) for kind in KINDS for dims in KINDS[kind].dims} | {
    "padded": _of("conv", 2, padding=1, stride=2, bias=True),
    "reflected": _of("conv", 2, padding=1, padding_mode="reflect"),
    "circular": _of("conv", 1, padding=2, padding_mode="circular", input_size=6),
    "same": _of("conv", 2, padding="same", kernel_size=(2, 3)),
    "dilated": _of("conv", 2, dilation=2, input_size=6),
    "channels": _of("conv", 2, in_channels=2, out_channels=3),
    "strided back": _of("transposed", 2, input_size=3, stride=2, padding=1, output_padding=1),
    "channels back": _of("transposed", 2, in_channels=2, out_channels=2, stride=2, dilation=2),
    "pooled over the border": _of("max_pool", 2, input_size=5, padding=1, ceil_mode=True),
    "mean with padding": _of("avg_pool", 2, input_size=5, kernel_size=3, padding=1),
    "mean without padding": _of("avg_pool", 2, input_size=5, kernel_size=3, padding=1, count_include_pad=False),
    "cubic": _of("upsample", 2, mode="bicubic", scale_factor=1.5),
    "random": Scene(LayerSpec(in_channels=2), "random", "random", 7),
    "thirds": Scene(LayerSpec(), "own", "box", own_input=np.arange(16).reshape(1, 4, 4) / 3),
}

LARGE = Scene(LayerSpec(input_size=1000, in_channels=3, out_channels=64))
"""A layer that is not run: its numbers come without a picture."""
