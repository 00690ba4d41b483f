"""What convolutions and transformers took from each other: the ConvNeXt block, and ViT's patch embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.blocks.block import Block, Forms, Paper, Refusals, Setting, Settings, multiples, square
from models.blocks.parts import conv
from models.terms import letter

LIU = Paper("Liu et al.", "A ConvNet for the 2020s", 2022, "https://arxiv.org/abs/2201.03545")
VIT = Paper(
    "Dosovitskiy et al.",
    "An image is worth 16x16 words: transformers for image recognition at scale",
    2020,
    "https://arxiv.org/abs/2010.11929",
)


class _ConvNeXt(nn.Module):
    """Depthwise, layer norm, then for each pixel alone two dense layers; times γ, plus what came in."""

    def __init__(self, s: Settings):
        super().__init__()
        wide = s.expansion * s.dim
        # 1e-6: where the paper starts γ.
        self.layer_scale = nn.Parameter(torch.full((s.dim, 1, 1), 1e-6))
        self.depthwise = conv(s.dim, s.dim, s.kernel_size, groups=s.dim, bias=True)
        self.norm = nn.LayerNorm(s.dim, eps=1e-6)
        self.expand, self.act, self.project = nn.Linear(s.dim, wide), nn.GELU(), nn.Linear(wide, s.dim)

    def forward(self, x: Tensor) -> Tensor:
        out = self.depthwise(x).permute(0, 2, 3, 1)
        out = self.project(self.act(self.expand(self.norm(out))))
        return self.layer_scale * out.permute(0, 3, 1, 2) + x


def _convnext_forms(s: Settings, side: int) -> Forms:
    c, r = letter("C", s.dim), letter("r", s.expansion)
    weights = c * square("F", s.kernel_size) + 2 * c * (r * c)
    # Biases of the depthwise layer and of both dense ones, two numbers of the norm, and γ.
    return weights, c + r * c + c + 2 * c + c, weights * square("O", side)


CONVNEXT = Block(
    "convnext",
    "ConvNeXt block",
    "A large depthwise window mixes places, two dense layers mix channels: a transformer's plan without attention.",
    LIU,
    (
        Setting("dim", 96, "Channels of the image, which stay.", most=768),
        Setting("kernel_size", 7, "Window of the depthwise convolution.", choices=(3, 5, 7, 9, 11)),
        Setting("expansion", 4, "How many times wider it is inside.", most=8),
    ),
    _ConvNeXt,
    56,
    _convnext_forms,
    channels=lambda s: s.dim,
)


class _PatchEmbedding(nn.Module):
    """``(N, 3, H, W)`` → ``(N, tokens, embed_dim)``."""

    def __init__(self, s: Settings):
        super().__init__()
        self.proj = nn.Conv2d(s.in_channels, s.embed_dim, s.patch_size, s.patch_size)
        self.flatten = nn.Flatten(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.flatten(self.proj(x)).transpose(1, 2)


def _patch_refuses(s: Settings) -> Refusals:
    if s.image_size % s.patch_size:
        near = max(1, round(s.image_size / s.patch_size)) * s.patch_size
        yield (
            "image_size",
            f"{s.image_size} pixels do not divide into patches of {s.patch_size}: use {near}.",
        )


def _patch_forms(s: Settings, side: int) -> Forms:
    c, d, taps = letter("C_{in}", s.in_channels), letter("D", s.embed_dim), square("P", s.patch_size)
    weights, tokens = c * d * taps, square("O", side // s.patch_size)
    return weights, d, weights * tokens


PATCH_EMBEDDING = Block(
    "patch_embedding",
    "Patch embedding",
    "Cutting a picture into patches and sending each through one dense layer is a convolution.",
    VIT,
    (
        Setting("image_size", 224, "Side of the picture in pixels.", most=512),
        Setting("patch_size", 16, "Side of a patch: kernel and stride of the convolution.", most=32),
        Setting("embed_dim", 768, "Numbers in a token.", most=1280),
        Setting("in_channels", 3, "Channels of the picture.", most=16),
    ),
    _PatchEmbedding,
    lambda s: s.image_size,
    _patch_forms,
    refuses=_patch_refuses,
    sides=lambda s: multiples(s.patch_size),
)
