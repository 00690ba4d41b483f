"""U-Net: an encoder, a decoder, and a skip between them at every size."""

from __future__ import annotations

from torch import Tensor, nn

from models.blocks.block import MOST_SIDE, Block, Forms, Paper, Setting, Settings, letters, multiples, square, total
from models.blocks.parts import joined, layers
from models.terms import Term, letter, share
from models.text import raised

PAPER = Paper(
    "Ronneberger et al.",
    "U-Net: convolutional networks for biomedical image segmentation",
    2015,
    "https://arxiv.org/abs/1505.04597",
)


def _crops(s: Settings) -> list[int]:
    """Pixels that a skip loses at each side, from the largest map to the smallest.

    Without padding the two convolutions take 4 of each size: below, where a pixel is two, and on this level. The
    smallest map's skip is 8 larger than what comes up to it, and one above is larger by twice as much and 16.
    """
    found, larger = [0] * s.depth, 8
    for level in reversed(range(s.depth)):
        found[level] = larger // 2 if s.padding == "valid" else 0
        larger = 2 * larger + 16
    return found


class _UNet(nn.Module):
    def __init__(self, s: Settings):
        super().__init__()
        self.join, self.depth = s.join, s.depth
        around = 1 if s.padding == "same" else 0

        def _twice(c_in: int, c_out: int) -> nn.Sequential:
            return layers(
                conv1=nn.Conv2d(c_in, c_out, 3, padding=around),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(c_out, c_out, 3, padding=around),
                relu2=nn.ReLU(),
            )

        widths = [s.width * 2**level for level in range(s.depth + 1)]
        c_in = s.in_channels
        for level, width in enumerate(widths[:-1]):
            self.add_module(f"down{level + 1}", _twice(c_in, width))
            self.add_module(f"pool{level + 1}", nn.MaxPool2d(2))
            c_in = width
        self.latent = _twice(c_in, widths[-1])
        self.crops = _crops(s)
        for level in reversed(range(s.depth)):
            width = widths[level]
            if self.crops[level]:
                self.add_module(f"crop{level + 1}", nn.ZeroPad2d(-self.crops[level]))
            self.add_module(f"rise{level + 1}", nn.ConvTranspose2d(widths[level + 1], width, 2, 2))
            self.add_module(f"up{level + 1}", _twice(width * (2 if s.join == "concatenate" else 1), width))
        self.head = nn.Conv2d(s.width, s.out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level in range(1, self.depth + 1):
            x = getattr(self, f"down{level}")(x)
            skips.append(x)
            x = getattr(self, f"pool{level}")(x)
        x = self.latent(x)
        for level in range(self.depth, 0, -1):
            skip = skips[level - 1]
            if self.crops[level - 1]:
                skip = getattr(self, f"crop{level}")(skip)
            x = joined([skip, getattr(self, f"rise{level}")(x)], self.join)
            x = getattr(self, f"up{level}")(x)
        return self.head(x)


def _power(base: int, exponent: int) -> Term:
    return Term(base**exponent, f"{base}^d", f"{base}^{exponent}", f"{base}{raised(exponent)}")


def _forms(s: Settings, side: int) -> Forms:
    """Level i has w·2^i channels and a 4^i-th of the cells, so that every level costs the same.

    Its weights are, in units of (w·2^i)²: 9/2 + 9 on the way down, 8 for the transposed convolution, and on the way up
    18 + 9 with concatenation, 9 + 9 with addition. Σ 4^i over the d upper levels is (4^d − 1)/3.
    """
    c_in, c_out, w, d = letters({"C_{in}": s.in_channels, "C_{out}": s.out_channels, "w": s.width, "d": s.depth})
    taps, up = square("F", 3), 35 if s.join == "concatenate" else 26
    levels = share(_power(4, s.depth) - 1, 3)
    # Down at level i + 1: 27/2 · 4 = 54 units of level i.
    weights = c_in * w * taps + w * w * taps + (54 + up) * w * w * levels + w * c_out
    doubled = _power(2, s.depth)
    biases = w * (7 * doubled - 5) + c_out
    if s.padding == "valid":
        return weights, biases, _valid_macs(s, side)
    # A transposed convolution works once for each cell that it reads: a quarter of its output.
    each = 27 + 2 * (up - 8) + 4
    cells = square("W", side)
    macs = cells * (c_in * w * taps + w * w * taps + w * c_out) + share(each * d * w * w * cells, 2)
    return weights, biases, macs


def _valid_macs(s: Settings, side: int) -> Term:
    """Layer by layer, for without padding each convolution makes its image smaller."""
    taps, rows, size, c_in = square("F", 3), [], side, s.in_channels

    def layer(inputs: int, outputs: int, window: Term, cells: int) -> None:
        rows.append(letter("C_i", inputs) * letter("C_{i+1}", outputs) * window * square("O_i", cells))

    def twice(inputs: int, outputs: int) -> None:
        nonlocal size
        layer(inputs, outputs, taps, size - 2)
        layer(outputs, outputs, taps, size - 4)
        size -= 4

    for level in range(s.depth):
        twice(c_in, c_in := s.width * 2**level)
        size //= 2
    twice(c_in, 2 * c_in)
    for level in reversed(range(s.depth)):
        width = s.width * 2**level
        # A transposed convolution works once for each cell that it reads.
        layer(2 * width, width, square("F", 2), size)
        size *= 2
        twice(2 * width if s.join == "concatenate" else width, width)
    layer(s.width, s.out_channels, letter("1", 1), size)
    return total(rows, rf"\sum_i {rows[0].symbols}")


def _sides(s: Settings) -> range:
    """Every map that is halved must have an even side, and something must be left of the last one."""
    step = 2**s.depth
    return multiples(step) if s.padding == "same" else range(12 * step - 4, MOST_SIDE + 1, step)


UNET = Block(
    "unet",
    "U-Net",
    "The way down finds what is there, the way up where it is: at every size the skip brings the detail back.",
    PAPER,
    (
        Setting("in_channels", 3, "Channels of the picture.", most=64),
        Setting("out_channels", 1, "Channels of the map that goes out.", most=64),
        Setting("width", 16, "Channels at the full size; each level down has twice as many.", most=64),
        Setting("depth", 4, "How often the image is halved.", most=4),
        Setting("join", "concatenate", "How a skip and the way up become one.", choices=("concatenate", "add")),
        Setting(
            "padding",
            "same",
            "Without padding, as in the paper, maps shrink from 572 to 388 pixels and the skips are cropped.",
            choices=("same", "valid"),
        ),
    ),
    _UNet,
    lambda s: 128 if s.padding == "same" else 572,
    _forms,
    sides=_sides,
)
