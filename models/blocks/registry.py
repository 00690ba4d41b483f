"""Every block by name, in the order in which a lesson meets them."""

from __future__ import annotations

from typing import Any

from torch import nn

from models.blocks.block import Block
from models.blocks.convnext import CONVNEXT, PATCH_EMBEDDING
from models.blocks.dense import DENSE
from models.blocks.fire import FIRE
from models.blocks.inception import INCEPTION
from models.blocks.mobile import INVERTED_RESIDUAL, MOBILENET_V1, MOBILENET_V1_BLOCK, SQUEEZE_EXCITE
from models.blocks.residual import BASIC, BOTTLENECK, JOIN, PREACTIVATION, RESNEXT
from models.blocks.unet import UNET
from models.errors import SpecError
from models.text import listed, said

_ALL = (
    BASIC,
    BOTTLENECK,
    PREACTIVATION,
    RESNEXT,
    INCEPTION,
    DENSE,
    JOIN,
    MOBILENET_V1_BLOCK,
    INVERTED_RESIDUAL,
    SQUEEZE_EXCITE,
    FIRE,
    UNET,
    CONVNEXT,
    PATCH_EMBEDDING,
    MOBILENET_V1,
)
BLOCKS: dict[str, Block] = {block.name: block for block in _ALL}


def build(name: str, **settings: Any) -> nn.Module:
    """The block called ``name``: real layers with torch's own initial weights, which ``torch.fx`` can trace.

    Inside ``with torch.device("meta")`` it comes without memory: enough for shapes, costs and fields.

    Raises:
        SpecError: a ``ValueError`` of one sentence, for a name or settings that there are not.
    """
    if name not in BLOCKS:
        raise SpecError("name", f"there is no block called {said(name)}: use {listed(BLOCKS)}.")
    return BLOCKS[name].build(**settings)
