"""Upsampling: why a transposed convolution can leave a checkerboard, what cures it, and how the ways compare.

One figure for all of it, ``unevenness``: which part of a signal's size repeats with the stride. 0 is even, 1 is
nothing but pattern. It is read from overlap counts, from what a flat image becomes, from noise, and from the gradient.

Sources: Odena, Dumoulin and Olah 2016, Deconvolution and Checkerboard Artifacts
(https://distill.pub/2016/deconv-checkerboard/); Aitken et al. 2017, Checkerboard artifact free sub-pixel convolution
(https://arxiv.org/abs/1707.02937); Shi et al. 2016 (https://arxiv.org/abs/1609.05158); Long, Shelhamer and Darrell
2015, Fully convolutional networks (https://arxiv.org/abs/1411.4038).
"""

from models.errors import UpsamplingError
from models.upsampling.counts import Overlap, gradient_of_sum, interior_unevenness, overlap, overlap_profile, stacked
from models.upsampling.kernels import (
    BilinearProof,
    bilinear_in,
    bilinear_kernel,
    bilinear_proof,
    bilinear_transposed,
    exact_transposed,
    icnr_,
)
from models.upsampling.pattern import evenness, phases, unevenness
from models.upsampling.pictures import (
    METHODS,
    ROUNDING,
    Comparison,
    Method,
    as_batch,
    as_image,
    compare,
    pair,
    picture_code,
    psnr,
)
from models.upsampling.positions import SamplePositions, ShuffleMap, sample_positions, shuffle_map
from models.upsampling.ways import DOWNSAMPLERS, UPSAMPLERS, Way, build_way, generate, generator

__all__ = [
    "DOWNSAMPLERS",
    "METHODS",
    "ROUNDING",
    "UPSAMPLERS",
    "BilinearProof",
    "Comparison",
    "Method",
    "Overlap",
    "SamplePositions",
    "ShuffleMap",
    "UpsamplingError",
    "Way",
    "as_batch",
    "as_image",
    "bilinear_in",
    "bilinear_kernel",
    "bilinear_proof",
    "bilinear_transposed",
    "build_way",
    "compare",
    "evenness",
    "exact_transposed",
    "generate",
    "generator",
    "gradient_of_sum",
    "icnr_",
    "interior_unevenness",
    "overlap",
    "overlap_profile",
    "pair",
    "phases",
    "picture_code",
    "psnr",
    "sample_positions",
    "shuffle_map",
    "stacked",
    "unevenness",
]
