"""The blocks that networks are built from, as real layers: settings in the papers' words, with the papers' defaults.

``build("bottleneck", in_channels=256, width=64, out_channels=256)`` is the module; ``BLOCKS["bottleneck"]`` says what
it takes, what it teaches, where it comes from, and in closed form what it must cost. A new block is one entry.
"""

from models.blocks.block import Block, Paper, Setting, weights
from models.blocks.joins import Joined, join_both
from models.blocks.registry import BLOCKS, build
from models.blocks.residual import FORMS, share_weights
