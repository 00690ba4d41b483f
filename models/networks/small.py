"""Our own small network: it names drawn shapes and digits, opens at once and is always there.

Four convolutions, 64 × 64 pictures, 18 classes, under 50,000 weights. `assets/train_small_network.py` trained it on
the pictures of `models.drawings`; what it reached stands in `assets/weights/small_network.json`. A twin, trained the
same way, blurs before it subsamples (Zhang 2019): the two show what anti-aliasing is worth.
"""

from __future__ import annotations

import json
from functools import cache
from math import comb
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from models.drawings import CLASSES

SIZE = 64
"""Side of the pictures it was trained on; it takes any from 16 pixels up."""
CHANNELS = (16, 32, 48, 64)
WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights"
FACTS = WEIGHTS / "small_network.json"
NETWORKS = {"small": False, "small_antialiased": True}
"""Names in `models.networks`, and whether the network blurs before it subsamples."""

Padding = Literal["zeros", "reflect", "replicate", "circular"]


def blur_pool(channels: int, stride: int = 2, taps: int = 3, padding_mode: Padding = "reflect") -> nn.Conv2d:
    """Blur each channel with a binomial kernel, then keep every `stride`-th pixel: `(N, C, H, W)` in and out.

    A depthwise convolution with fixed weights and padding `(taps − 1) / 2`: of L pixels stay ⌊(L − 1) / stride⌋ + 1.

    Source: Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019, https://arxiv.org/abs/1904.11486
    (Triangle-3 and Binomial-5 are `taps` 3 and 5).

    Raises:
        ValueError: `taps` is not odd and at least 3.
    """
    if taps < 3 or taps % 2 == 0:
        raise ValueError(f"{taps} taps have no middle to blur about: use an odd number from 3 up.")
    row = torch.tensor([comb(taps - 1, k) / 2 ** (taps - 1) for k in range(taps)])
    layer = nn.Conv2d(
        channels, channels, taps, stride, taps // 2, groups=channels, bias=False, padding_mode=padding_mode
    ).requires_grad_(False)
    with torch.no_grad():
        layer.weight.copy_((row[:, None] * row[None, :]).expand_as(layer.weight))
    return layer


def _pool(channels: int, antialiased: bool) -> nn.Module:
    if not antialiased:
        return nn.MaxPool2d(2)
    # Zhang's order: the maximum of every window, densely, and only then blur and subsample
    return nn.Sequential(nn.MaxPool2d(2, stride=1), blur_pool(channels))


class SmallNetwork(nn.Module):
    """`(N, 3, H, W)`, values 0 to 1 → `(N, 18)` class scores, one per name in `CLASSES`.

    Convolution, batch normalisation, ReLU, four times, a pooling by two after each of the first three; then the mean of
    each of the 64 maps and one linear layer.
    """

    def __init__(self, antialiased: bool = False):
        super().__init__()
        a, b, c, d = CHANNELS
        self.conv1, self.bn1, self.relu1 = nn.Conv2d(3, a, 5, padding=2, bias=False), nn.BatchNorm2d(a), nn.ReLU()
        self.pool1 = _pool(a, antialiased)
        self.conv2, self.bn2, self.relu2 = nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()
        self.pool2 = _pool(b, antialiased)
        self.conv3, self.bn3, self.relu3 = nn.Conv2d(b, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU()
        self.pool3 = _pool(c, antialiased)
        self.conv4, self.bn4, self.relu4 = nn.Conv2d(c, d, 3, padding=1, bias=False), nn.BatchNorm2d(d), nn.ReLU()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(d, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.relu1(self.bn1(self.conv1(x))))
        x = self.pool2(self.relu2(self.bn2(self.conv2(x))))
        x = self.pool3(self.relu3(self.bn3(self.conv3(x))))
        x = self.relu4(self.bn4(self.conv4(x)))
        return self.fc(self.flatten(self.gap(x)))


def weights_path(name: str) -> Path:
    """Where the trained weights of one of `NETWORKS` lie."""
    return WEIGHTS / f"{name}.pt"


@cache
def facts(name: str) -> dict:
    """What training reached: `accuracy` (share of freshly drawn pictures named rightly), `pictures` it was counted on,
    `parameters`, `trained_on` pictures, `seed`."""
    return json.loads(FACTS.read_text(encoding="utf-8"))[name]
