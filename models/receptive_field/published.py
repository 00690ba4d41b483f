"""Receptive fields as printed elsewhere."""

from __future__ import annotations

from typing import NamedTuple


class PublishedField(NamedTuple):
    """A receptive field as printed elsewhere: `size` in pixels, its network's name, the source, why it differs."""

    network: str
    here: str
    size: int
    source: str
    difference: str


_TABLE = "google-research/receptive_field, README, table of convnet models (TF-Slim definitions); Distill 2019"

_STRIDE = (
    "TF-Slim puts a stage's stride into the last block of the stage before, torchvision into the 3x3 convolution of "
    "the stage's first block: that one still works on the finer map, so its taps reach less far."
)

PUBLISHED = (
    PublishedField("alexnet_v2", "alexnet", 195, _TABLE, ""),
    PublishedField("vgg_16", "vgg16", 212, _TABLE, ""),
    PublishedField("inception_v3", "inception_v3", 1311, _TABLE, ""),
    PublishedField("resnet_v1_50", "resnet50", 483, _TABLE, _STRIDE),
    PublishedField("resnet_v1_101", "resnet101", 1027, _TABLE, _STRIDE),
    PublishedField("resnet_v1_152", "resnet152", 1507, _TABLE, _STRIDE),
)
