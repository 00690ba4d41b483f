"""Runnable PyTorch for what the lesson on feature maps shows, ending in assertions of its numbers."""

from __future__ import annotations

import numpy as np

_HEAD = """import numpy as np
import torch
from torch import nn
"""
_DISC = """
# A bright disc on a dark ground; put your own grey picture (0 to 1) here.
y, x = np.mgrid[:96, :96]
picture = (np.hypot(y - 44, x - 52) < 28).astype(np.float32) * 0.7 + 0.2
"""


def _table(values: np.ndarray) -> str:
    rows = ("[" + ", ".join(f"{float(v):.9g}" for v in row) + "]" for row in np.asarray(values))
    return "[\n    " + ",\n    ".join(rows) + ",\n]"


def filter_code(kernel: np.ndarray, padding_mode: str = "zeros", gradient: bool = False) -> str:
    """A kernel `(height, width)` as a layer, and what can be said of its answer.

    Args:
        kernel: as it is laid on the picture. gradient: it is a derivative along x; its transpose is added for y.
    """
    height, width = kernel.shape
    lines = [_HEAD if gradient else "import cv2\n" + _HEAD, _DISC, f"kernel = np.array({_table(kernel)})", ""]
    out = 2 if gradient else 1
    lines += [
        f"layer = nn.Conv2d(1, {out}, {(height, width)}, padding={(height // 2, width // 2)}, "
        f'padding_mode="{padding_mode}", bias=False)',
        "with torch.inference_mode():",
    ]
    if gradient:
        lines += [
            "    layer.weight.copy_(torch.from_numpy(np.stack([kernel, kernel.T])[:, None]))",
            "    right, down = layer(torch.from_numpy(picture)[None, None])[0].numpy()",
            "magnitude, angle = np.hypot(right, down), np.degrees(np.arctan2(-down, right)) % 360",
            "",
            "assert magnitude[44, 52] < 1e-5  # nothing changes in the middle of the disc",
            "left_rim = np.abs(magnitude[44, 10:40]).argmax() + 10",
            "assert min(angle[44, left_rim], 360 - angle[44, left_rim]) < 5  # there it gets brighter to the right",
            'print(f"strongest slope {magnitude.max():.3f}")',
        ]
    else:
        lines += [
            "    layer.weight.copy_(torch.from_numpy(kernel)[None, None])",
            "    response = layer(torch.from_numpy(picture)[None, None])[0, 0].numpy()",
            "    rectified = nn.ReLU()(torch.from_numpy(response)).numpy()",
            "",
            f"assert abs(kernel.sum() - {float(kernel.sum()):.9g}) < 1e-6",
            "theirs = cv2.filter2D(picture, -1, kernel)",
            f"inside = (slice({height // 2}, {96 - height // 2}), slice({width // 2}, {96 - width // 2}))",
            "assert np.abs(response - theirs)[inside].max() <= 1e-5 * max(1, np.abs(kernel).sum())",
            "assert (rectified == np.maximum(response, 0)).all()",
            'print(f"from {response.min():.3f} to {response.max():.3f}, {(response < 0).mean():.0%} below zero")',
        ]
    return "\n".join(lines) + "\n"


def pooling_code(kernel_size: int, stride: int, kind: str = "max") -> str:
    """The worked example of pooling and of unpooling, and this window on noise."""
    name = {"max": "MaxPool2d", "average": "AvgPool2d"}[kind]
    lines = [
        "import torch",
        "from torch import nn",
        "",
        "x = torch.tensor([[[[4.0, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]]]])",
        "assert nn.MaxPool2d(2)(x).tolist() == [[[[8, 8], [6, 8]]]]",
        "assert nn.MaxPool2d(2, stride=1)(x).shape == (1, 1, 3, 3)  # overlapping",
        "assert nn.AvgPool2d(2)(x).tolist() == [[[[4.5, 7.75], [5, 6.25]]]]",
        "assert nn.AdaptiveAvgPool2d(1)(torch.rand(1, 10, 8, 8)).shape == (1, 10, 1, 1)  # global",
        "",
        "pooled, where = nn.MaxPool2d(2, return_indices=True)(x)",
        "back = nn.MaxUnpool2d(2)(pooled, where)",
        "assert back.count_nonzero() == 4  # the maxima, where they were",
        "",
        f"pool = nn.{name}({kernel_size}, stride={stride})",
        "noise = torch.rand(1, 1, 32, 32)",
        f"side = (32 - {kernel_size}) // {stride} + 1",
        "assert pool(noise).shape == (1, 1, side, side)",
        'print(f"32 × 32 becomes {side} × {side}")',
    ]
    return "\n".join(lines) + "\n"


def learning_code(kernel: np.ndarray, size: int, steps: int, lr: float, noise: float, seed: int) -> str:
    """A convolution that learns a kernel by plain gradient descent, from pairs of noise before and after it."""
    side, reach = kernel.shape[0], size // 2
    margin = max(reach, side // 2)
    lines = [
        _HEAD,
        f"generator = torch.Generator().manual_seed({seed})",
        f"target = torch.tensor({_table(kernel)}, dtype=torch.float32)[None, None]",
        "before = torch.randn(32, 1, 24, 24, generator=generator)",
        f"after = nn.functional.conv2d(before, target, padding={side // 2})",
        f"after += {noise:g} * after.std() * torch.randn(after.shape, generator=generator)",
        "",
        f"layer = nn.Conv2d(1, 1, {size}, padding={reach}, bias=False)",
        f"inner = (..., slice({margin}, -{margin}), slice({margin}, -{margin}))" if margin else "inner = ...",
        "losses = []",
        f"for _ in range({steps}):",
        "    loss = nn.functional.mse_loss(layer(before)[inner], after[inner])",
        "    (slope,) = torch.autograd.grad(loss, layer.weight)",
        "    with torch.no_grad():",
        f"        layer.weight -= {lr:g} * slope",
        "    losses.append(loss.item())",
        "",
        "assert losses[-1] < losses[0]",
        'print(f"loss {losses[0]:.3g} → {losses[-1]:.3g}", layer.weight.detach()[0, 0].numpy().round(2), sep="\\n")',
    ]
    return "\n".join(lines) + "\n"
