"""What several blocks are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1, bias: bool = False):
    """A 2-D convolution that keeps the size but for its stride; ``kernel`` is odd."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=bias)


def layers(**parts: nn.Module | None) -> nn.Sequential:
    """Layers in a row, by name; ``None`` leaves one out."""
    found = nn.Sequential()
    for name, part in parts.items():
        if part is not None:
            found.add_module(name, part)
    return found


def norm(channels: int, wanted: bool = True, eps: float = 1e-5) -> nn.BatchNorm2d | None:
    """Batch normalisation, if it is wanted."""
    return nn.BatchNorm2d(channels, eps=eps) if wanted else None


def joined(parts: list[Tensor], join: str) -> Tensor:
    """Images of one size as one: channel by channel their sum (``"add"``) or in a row (``"concatenate"``)."""
    return torch.cat(parts, 1) if join == "concatenate" else sum(parts[1:], parts[0])


class Parallel(nn.Module):
    """Branches that read the same image, joined (``joined``)."""

    def __init__(self, join: str, **branches: nn.Module):
        super().__init__()
        self.join = join
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return joined([branch(x) for branch in self.children()], self.join)


class Residual(nn.Module):
    """The branch's layers in a row, plus what came in, which passes through ``downsample`` where there is one, and then
    through ``last``."""

    def __init__(
        self, branch: dict[str, nn.Module | None], downsample: nn.Module | None = None, last: nn.Module | None = None
    ):
        super().__init__()
        self.branch = [name for name, part in branch.items() if part is not None]
        for name, part in branch.items():
            if part is not None:
                self.add_module(name, part)
        self.downsample, self.last = downsample, last

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for name in self.branch:
            out = getattr(self, name)(out)
        out = out + (x if self.downsample is None else self.downsample(x))
        return out if self.last is None else self.last(out)
