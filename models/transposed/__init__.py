"""One operation, computed in four ways: the transposed convolution.

Each way starts from an ``nn.ConvTranspose{1,2,3}d`` and its input, and none of them calls that layer:

- *stamp*: each input cell stamps the whole kernel, scaled by its number; overlaps add up;
- *zero_insertion*: zeros between the cells and around them, then an ordinary convolution with the flipped kernel;
- *matrix*: the measured matrix C of the matching ordinary convolution, transposed: Cᵀ x;
- *gradient*: what autograd sends back through that ordinary convolution when x arrives from above.

The ordinary convolution is the same each time: ``matching_convolution``. It shares the layer's weight, number for
number, because ``[in, out/groups, *kernel]`` of the one is ``[out, in/groups, *kernel]`` of the other.

Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, chapter 4
(https://arxiv.org/abs/1603.07285), and the documentation of ``torch.nn.ConvTranspose2d``.
"""

from models.errors import TransposedError
from models.transposed.back import round_trip, weights_of_inverse
from models.transposed.layer import convolution_matrix, matching_convolution, transposed_matrix
from models.transposed.matrix import Blocks, toeplitz_blocks
from models.transposed.sizes import ForwardSizes, forward_sizes
from models.transposed.views import REAL, VIEWS, agreement, zero_inserted
from models.transposed.work import Waste, cost, wasted
