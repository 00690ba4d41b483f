"""Upsampling: why a transposed convolution can leave a checkerboard, what cures it, and how the ways compare.

One figure for all of it, ``unevenness``: which part of a signal's size repeats with the stride. 0 is even, 1 is
nothing but pattern. It is read from overlap counts, from what a flat image becomes, from noise, and from the gradient.

Sources: Odena, Dumoulin and Olah 2016, Deconvolution and Checkerboard Artifacts
(https://distill.pub/2016/deconv-checkerboard/); Aitken et al. 2017, Checkerboard artifact free sub-pixel convolution
(https://arxiv.org/abs/1707.02937); Shi et al. 2016 (https://arxiv.org/abs/1609.05158); Long, Shelhamer and Darrell
2015, Fully convolutional networks (https://arxiv.org/abs/1411.4038).
"""

from models.errors import UpsamplingError
from models.upsampling.counts import Overlap, gradient_of_sum, interior_unevenness, stacked
from models.upsampling.kernels import (
    BilinearProof,
    bilinear_in,
    bilinear_kernel,
    bilinear_proof,
    bilinear_transposed,
    exact_transposed,
    icnr_,
)
from models.upsampling.pattern import evenness, unevenness
from models.upsampling.pictures import METHODS, as_batch, as_image, compare, pair, picture_code, psnr
from models.upsampling.positions import SamplePositions, ShuffleMap, sample_positions, shuffle_map
from models.upsampling.ways import DOWNSAMPLERS, UPSAMPLERS, build_way, generate, generator
