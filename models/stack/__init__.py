"""A stack of layers as a short text, and the receptive field algebra on it. No torch: `models.stack.field` measures it.

`"c3-c3s2p1-m2"` is a 3x3 convolution, another with stride 2 and padding 1, and a 2x2 max-pooling. The text is what a
link carries and what a visitor may type. A layer is a letter (`c` convolution, `t` transposed, `m` max-pooling, `a`
average-pooling), its kernel size, and then in any order `s` stride, `p` padding (a number, `ps` for "same", `pc` for
causal), `d` dilation, and a branch that brings what came in so many layers before: `r` adds it, as ResNet does, `u`
concatenates it, as U-Net does. It goes through a 1x1 convolution where the layers between have a stride or where
channels that are added differ, and with a `c` behind it (`r2c`, `u2c`) it is cut to its middle, as U-Net crops.
Where the two axes differ, rows come first: `c3x1s2x1` is a 3x1 convolution with stride 2 along the rows.
"""

from models.errors import StackError
from models.stack.algebra import Derivation
from models.stack.layers import (
    DRAWN,
    LETTERS,
    MAX_CHANNELS,
    MAX_LAYERS,
    MAX_SIZE,
    MAX_TEXT,
    PER_AXIS,
    Stack,
    StackLayer,
    read_layers,
    read_stack,
    sizes,
    times,
    unit_of,
)
from models.stack.presets import PRESETS
