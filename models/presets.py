"""The worked examples of the lectures: one click loads one, and the real layer must return these numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.spec import LayerSpec


@dataclass(frozen=True)
class Preset:
    """One worked example.

    Attributes:
        id: the concept it belongs to, and what tells it from its neighbours: ``A3-stride``.
        title: a few words for the button.
        spec: the layer.
        question: what to ask yourself before looking.
        options: answers to choose from, the right one among them, if the question has a number or a word for an answer.
        answer: the right one.
        explanation: what there is to see.
        wrong: each of the other answers -> what it left out.
        expected: numbers that must come out: names of checks, ``"output"`` (values of the output), ``"spatial"``.
        input, weights, seed: where the numbers come from (``models.sources``).
    """

    id: str
    title: str
    spec: LayerSpec
    question: str
    options: tuple[str, ...]
    answer: str
    explanation: str
    expected: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict, kw_only=True)
    input: str = "example"
    weights: str = "example"
    seed: int = 0


def _conv(**settings) -> LayerSpec:
    return LayerSpec(**{"bias": False, **settings})


_ALL = (
    Preset(
        "A1",
        "One output number",
        _conv(),
        "The kernel lies on the top left corner of the input. Which number comes out?",
        ("65", "119", "122"),
        "122",
        "Nine products and one sum. The same nine weights make every other output. "
        "PyTorch does not flip the kernel: strictly, this is a cross-correlation.",
        {"output": [[[122, 148], [126, 134]]], "output_size": (2, 2), "parameters": 9, "macs": 36},
        wrong={
            "65": "the middle row is missing, 1·1 + 8·4 + 8·3 = 57",
            "119": "that is the kernel turned by half a turn; each of its numbers meets the pixel at its own place",
        },
    ),
    Preset(
        "A2",
        "Where the channels go",
        _conv(input_size=7, in_channels=3, out_channels=2, stride=2, bias=True),
        "Three channels go in, two filters are applied. How many channels come out?",
        ("2", "3", "6"),
        "2",
        "Each filter spans all three input channels: 3·3·3 weights. Its three channel results are summed into one map, "
        "so there are as many output channels as filters.",
        {"output_size": (3, 3), "channels": 2, "parameters": 56},
        wrong={
            "3": "those go in; each filter sums over all three",
            "6": "a filter's three channel results are added, not kept apart",
        },
    ),
    Preset(
        "A3",
        "How many positions fit?",
        _conv(input_size=7),
        "A 3×3 kernel slides over 7×7 in steps of 1. How large is the output?",
        ("4×4", "5×5", "7×7"),
        "5×5",
        "⌊(7 − 3)/1⌋ + 1 = 5: the first position and one more for each step that still fits.",
        {"output_size": (5, 5)},
        wrong={"4×4": "7 − 3 steps, and the first position before them", "7×7": "only padding keeps the size"},
    ),
    Preset(
        "A3-stride",
        "… in steps of two",
        _conv(input_size=7, stride=2),
        "Now in steps of 2. How large is the output?",
        ("2×2", "3×3", "4×4"),
        "3×3",
        "⌊(7 − 3)/2⌋ + 1 = 3. Stride thins out the positions; the window itself stays as large as it was.",
        {"output_size": (3, 3), "receptive_field": (3, 3)},
        wrong={
            "2×2": "7 − 3 = 4 cells hold two steps, and the first position stands before them",
            "4×4": "half of 7, rounded up, is not it: a window must fit whole",
        },
    ),
    Preset(
        "A4",
        "Parameters: 3 → 10",
        _conv(input_size=6, in_channels=3, out_channels=10, bias=True),
        "Conv2d(3, 10, kernel_size=3): how many numbers are learned?",
        ("90", "270", "280"),
        "280",
        "3·3·3 weights for each of ten filters, and one bias each: 27·10 + 10 = 280. The size of the image does "
        "not matter.",
        {"parameters": 280},
        wrong={"90": "that is one input channel; each filter spans all three", "270": "the ten biases are missing"},
    ),
    Preset(
        "A4-deeper",
        "Parameters: 10 → 20",
        _conv(input_size=6, in_channels=10, out_channels=20),
        "Conv2d(10, 20, kernel_size=3, bias=False): how many now?",
        ("180", "1800", "1820"),
        "1800",
        "3·3·10 weights for each of twenty filters: 90·20 = 1800. Channels multiply.",
        {"parameters": 1800},
        wrong={
            "180": "each filter spans ten channels: 3·3·10 weights",
            "1820": "bias=False: there are no biases to count",
        },
    ),
    Preset(
        "A5",
        "Why is 5×5 expensive?",
        _conv(input_size=28, in_channels=192, out_channels=32, kernel_size=5, padding="same"),
        "28×28×192 through 32 filters of 5×5: how many multiply–accumulates?",
        ("1.2 million", "12 million", "120 million"),
        "120 million",
        "28·28·32 outputs, each a sum of 5·5·192 products: 120.42 million. The next two questions do it with a "
        "bottleneck.",
        {"macs": 120_422_400},
        wrong={
            "1.2 million": "each of the 25 088 outputs sums 4 800 products",
            "12 million": "a factor of ten is missing: 25 088 outputs, 4 800 products each",
        },
    ),
    Preset(
        "A5-bottleneck",
        "Bottleneck, step 1",
        _conv(kind="pointwise", input_size=28, in_channels=192, out_channels=16),
        "First squeeze 192 channels into 16 with a 1×1 kernel. What does that cost?",
        ("0.24 million", "2.41 million", "24.1 million"),
        "2.41 million",
        "28·28·16·192 = 2.41 million: a fiftieth of the 5×5 layer.",
        {"macs": 2_408_448},
        wrong={
            "0.24 million": "12 544 outputs, and each sums 192 products",
            "24.1 million": "a 1×1 kernel reads one cell of each channel, no more",
        },
    ),
    Preset(
        "A5-after",
        "Bottleneck, step 2",
        _conv(input_size=28, in_channels=16, out_channels=32, kernel_size=5, padding="same"),
        "Then 5×5 on the 16 channels that are left. What do both steps cost together?",
        ("12.4 million", "60 million", "120 million"),
        "12.4 million",
        "10.04 million here and 2.41 million before it: about ten times less than 120.42 million, for an output of "
        "the same shape.",
        {"macs": 10_035_200},
        wrong={
            "60 million": "the 5×5 kernel now reads 16 channels, a twelfth of 192",
            "120 million": "that is the 5×5 layer on all 192 channels",
        },
    ),
    Preset(
        "A6-small",
        "1×1, small enough to see",
        _conv(kind="pointwise", input_size=4, in_channels=4, out_channels=2),
        "Four channels in, two out. How many numbers does one output read?",
        ("1", "4", "16"),
        "4",
        "One number from each input channel, all at the same place. In the matrix, every block is a diagonal.",
        {"output_size": (4, 4), "channels": 2, "parameters": 8},
        wrong={
            "1": "that is one channel alone; each output sums over all of them",
            "16": "a 1×1 kernel reads one cell of each channel, not all cells",
        },
    ),
    Preset(
        "A6",
        "What can 1×1 do at all?",
        _conv(kind="pointwise", input_size=28, in_channels=192, out_channels=16),
        "A kernel of one cell cannot look sideways. What does it change?",
        ("The channels", "The spatial size", "The receptive field"),
        "The channels",
        "192 channels become 16: each output is a weighted sum of the 192 numbers at the same place. Size and "
        "receptive field stay as they were.",
        {"output_size": (28, 28), "channels": 16, "receptive_field": (1, 1)},
        wrong={
            "The spatial size": "the kernel fits at every cell, so as many come out",
            "The receptive field": "one cell reads one cell, as before",
        },
    ),
    Preset(
        "A10",
        "Nine weights, further apart",
        _conv(input_size=9, dilation=2),
        "A 3×3 kernel with dilation 2 still has nine weights. How wide is its window?",
        ("3×3", "5×5", "7×7"),
        "5×5",
        "2·(3 − 1) + 1 = 5. The nine taps skip every other cell: a wider view for the same cost, with holes in it.",
        {"receptive_field": (5, 5), "parameters": 9, "output_size": (5, 5)},
        wrong={
            "3×3": "that is how many taps there are; one cell lies between two of them",
            "7×7": "that would be dilation 3",
        },
    ),
    Preset(
        "A10-dense",
        "Dilation 1",
        _conv(input_size=9),
        "With dilation 1, how wide is the window?",
        ("3×3", "5×5", "7×7"),
        "3×3",
        "Dilation 1 is the ordinary convolution: the taps are neighbours.",
        {"receptive_field": (3, 3), "parameters": 9},
        wrong={"5×5": "that is dilation 2", "7×7": "that is dilation 3"},
    ),
    Preset(
        "A10-three",
        "Dilation 3",
        _conv(input_size=9, dilation=3),
        "And with dilation 3?",
        ("5×5", "7×7", "9×9"),
        "7×7",
        "3·(3 − 1) + 1 = 7, with the same nine weights. An output reads none of the cells between its taps.",
        {"receptive_field": (7, 7), "parameters": 9, "output_size": (3, 3)},
        wrong={
            "5×5": "that is dilation 2: between two taps lie two cells now",
            "9×9": "three taps have two gaps, not three",
        },
    ),
    Preset(
        "A12",
        "Which size was meant?",
        _conv(kind="transposed", input_size=3, stride=2, padding=1),
        "A 3×3 convolution with stride 2 and padding 1 makes 3×3 from 5×5, and from 6×6 too. To which of them does the "
        "transposed layer go back?",
        ("5×5", "6×6", "7×7"),
        "5×5",
        "(3 − 1)·2 − 2·1 + 1·(3 − 1) + 0 + 1 = 5. Both sizes lead to 3×3, so the layer cannot know which one was "
        "meant.",
        {"output_size": (5, 5)},
        wrong={
            "6×6": "it leads to 3×3 as well; without output_padding the smaller of the two is meant",
            "7×7": "padding 1 cuts one cell off each side",
        },
    ),
    Preset(
        "A12-output-padding",
        "… output_padding says which",
        _conv(kind="transposed", input_size=3, stride=2, padding=1, output_padding=1),
        "With output_padding = 1, how large is the output?",
        ("5×5", "6×6", "7×7"),
        "6×6",
        "output_padding adds nothing to the input: it asks for the larger of the sizes that lead to 3×3.",
        {"output_size": (6, 6)},
        wrong={
            "5×5": "that is the size without output_padding",
            "7×7": "output_padding asks for one row and one column more, on one side",
        },
    ),
    Preset(
        "A13",
        "Why not just pad?",
        _conv(input_size=5, padding=2),
        "Padding 2 turns 5×5 into 7×7, as a transposed layer would. How many of the 441 multiplications touch the "
        "image?",
        ("225", "361", "441"),
        "225",
        "15·15 = 225. The other 216, nearly half, multiply padding zeros: the shape comes out, the work is wasted.",
        {"output_size": (7, 7), "macs": 441, "touching": 225},
        wrong={
            "361": "along one axis 15 of the 21 products touch the image",
            "441": "near the border part of each window lies on zeros",
        },
    ),
    Preset(
        "A16",
        "Upsample without overlap",
        LayerSpec(kind="pixel_shuffle", in_channels=4, input_size=3),
        "Four 3×3 channels become one 6×6 image. How many multiplications does that take?",
        ("0", "36", "144"),
        "0",
        "None: r² = 4 channels are interleaved, every number is moved once. Its matrix is a permutation.",
        {"output_size": (6, 6), "channels": 1, "parameters": 0, "macs": 0, "touching": 36},
        input="count",
        wrong={
            "36": "36 numbers are moved; none is multiplied",
            "144": "no kernel is at work, the numbers only change their places",
        },
    ),
    Preset(
        "A17",
        "Groups",
        _conv(kind="grouped", input_size=5, in_channels=4, out_channels=4, groups=2),
        "All-to-all, this layer has 144 weights. How many are left with two groups?",
        ("36", "72", "144"),
        "72",
        "Half: each output channel sees only the two input channels of its group. Two blocks of the matrix are empty.",
        {"parameters": 72, "output_size": (3, 3)},
        wrong={"36": "that would be four groups", "144": "a group's filters see only the two channels of their group"},
    ),
    Preset(
        "A18-standard",
        "3 → 10, standard",
        _conv(input_size=28, in_channels=3, out_channels=10, bias=True),
        "A standard 3×3 layer from 3 to 10 channels: how many parameters?",
        ("70", "280", "2800"),
        "280",
        "3·3·3·10 + 10 = 280. The next two questions split it into looking around and mixing.",
        {"parameters": 280},
        wrong={"70": "that is the depthwise separable layer", "2800": "each filter has 3·3·3 weights, not 3·3·3·10"},
    ),
    Preset(
        "A18-depthwise",
        "… its depthwise half",
        _conv(kind="depthwise", input_size=28, in_channels=3, bias=True),
        "Only look around, one kernel per channel: how many parameters?",
        ("9", "30", "90"),
        "30",
        "3·3 weights and a bias for each of three channels: 30. Nothing is mixed yet.",
        {"parameters": 30},
        wrong={
            "9": "there are three channels, each with a kernel and a bias of its own",
            "90": "each kernel spans one channel, not all ten filters",
        },
    ),
    Preset(
        "A18",
        "Depthwise separable",
        _conv(kind="depthwise_separable", input_size=28, in_channels=3, out_channels=10, bias=True),
        "Depthwise first, then pointwise: how many parameters instead of 280?",
        ("70", "140", "310"),
        "70",
        "30 to look around and 40 to mix. The cost falls by 1/N + 1/K²: eight to nine times for 3×3 and many channels.",
        {"parameters": 70},
        wrong={
            "140": "30 to look around, and the 1×1 part has 3·10 + 10",
            "310": "the separable layer stands instead of the standard one, not on top of it",
        },
    ),
    Preset(
        "A19",
        "A column, then a row",
        _conv(kind="spatially_separable", input_size=7, kernel_size=5),
        "A column of five weights, then a row of five, look at a 5×5 window. How many weights stand in for the 25?",
        ("5", "10", "25"),
        "10",
        "5 + 5 = 10: the product of the two is a 5×5 kernel of rank 1, so no other kernels can be had this way.",
        {"parameters": 10, "output_size": (3, 3)},
        wrong={"5": "the row has five of its own", "25": "that is one 5×5 kernel, and these are its two factors"},
    ),
    Preset(
        "A20-valid",
        "The dropped columns",
        _conv(dims=1, input_size=13, kernel_size=6, stride=5),
        "Width 13, kernel 6, stride 5, no padding. How many columns are never read?",
        ("0", "1", "2"),
        "2",
        "Two windows fit and use 11 columns. In the matrix, the last two columns are empty: 'VALID' drops them.",
        {"output_size": (2,)},
        wrong={
            "0": "a third window would need columns 10 to 15",
            "1": "the second window ends at column 10: two are left",
        },
    ),
    Preset(
        "A20",
        "SAME: the odd column",
        LayerSpec(kind="tensorflow_same", dims=1, input_size=13, kernel_size=6, stride=5, bias=False),
        "SAME wants ⌈13/5⌉ = 3 windows, which need 3 more columns. Where do they go?",
        ("1 left, 2 right", "2 left, 1 right", "all right"),
        "1 left, 2 right",
        "TensorFlow puts the odd one on the right. PyTorch's padding='same' only exists for stride 1.",
        {"output_size": (3,), "pads": ((1, 2),)},
        wrong={
            "2 left, 1 right": "TensorFlow puts the odd one on the other side",
            "all right": "that would shift the windows; they stay centred as far as they can",
        },
    ),
    Preset(
        "A20-reflect",
        "Padding that reflects",
        _conv(padding=1, padding_mode="reflect"),
        "With padding_mode='reflect', which cell stands beyond the left border?",
        ("A zero", "The border cell again", "The border's neighbour"),
        "The border's neighbour",
        "The image is mirrored at its border, and the border itself is not repeated. Select a padding cell to see "
        "where its value comes from; then try replicate and circular.",
        {"output_size": (4, 4)},
        wrong={"A zero": "that is padding_mode='zeros'", "The border cell again": "that is 'replicate'"},
    ),
    Preset(
        "A21",
        "Keep the future out",
        LayerSpec(kind="causal", input_size=8, bias=False),
        "A causal layer with kernel 3: which inputs does the output at t read?",
        ("t−2, t−1, t", "t−1, t, t+1", "t, t+1, t+2"),
        "t−2, t−1, t",
        "Padding stands on the left only, so the matrix has nothing above its diagonal.",
        {"output_size": (8,)},
        wrong={
            "t−1, t, t+1": "t+1 is the future, which a causal layer must not see",
            "t, t+1, t+2": "that is the future alone",
        },
    ),
    Preset(
        "A21-dilated",
        "Causal, dilation 4",
        LayerSpec(kind="causal", input_size=16, kernel_size=2, dilation=4, bias=False),
        "Kernel 2 with dilation 4: how far back does it look?",
        ("1 step", "4 steps", "8 steps"),
        "4 steps",
        "It reads t and t − 4. WaveNet stacks dilations 1, 2, 4, 8 and so doubles its view with every layer.",
        {"output_size": (16,), "receptive_field": (5,)},
        wrong={"1 step": "dilation 4 puts three cells between the two taps", "8 steps": "two taps have one gap, of 4"},
    ),
    Preset(
        "A22",
        "Max pooling",
        LayerSpec(kind="max_pool", kernel_size=2),
        "4×4 through max pooling 2×2 with stride 2. What is the top left number?",
        ("4", "5", "8"),
        "8",
        "The largest of 4, 5, 1 and 8. The matrix shows this input's winners: another input has another matrix.",
        {"output_size": (2, 2), "output": [[[8, 8], [6, 8]]], "parameters": 0},
        wrong={
            "4": "that is the cell at the top left; the window holds four",
            "5": "the second row belongs to the window, too",
        },
    ),
    Preset(
        "A22-overlapping",
        "Overlapping pooling",
        LayerSpec(kind="max_pool", kernel_size=2, stride=1),
        "The same window with stride 1: how large is the output?",
        ("2×2", "3×3", "4×4"),
        "3×3",
        "⌊(4 − 2)/1⌋ + 1 = 3. Windows share cells, so one large number can win several times.",
        {"output_size": (3, 3)},
        wrong={"2×2": "that is stride 2", "4×4": "the window must fit whole: it has three places along each axis"},
    ),
    Preset(
        "A22-global",
        "Global average",
        LayerSpec(kind="avg_pool", input_size=8, in_channels=10, kernel_size=8),
        "8×8×10, averaged over the whole of each channel: how many numbers are left?",
        ("1", "10", "64"),
        "10",
        "One mean per channel. Nothing is learned, and any position of an object gives the same mean.",
        {"output_size": (1, 1), "channels": 10, "parameters": 0},
        wrong={
            "1": "channels are not mixed, each has a mean of its own",
            "64": "the 64 cells of a channel become one number",
        },
    ),
    Preset(
        "A22-unpool",
        "Unpooling",
        LayerSpec(kind="max_unpool", kernel_size=2),
        "The cells count from 0 to 15; they are pooled 2×2, then unpooled. What is left of the top left window?",
        ("0 at its top left", "5 at its bottom right", "5 in all four cells"),
        "5 at its bottom right",
        "Pooling keeps 5, 7, 13 and 15, and where each stood; unpooling puts them back there. The other twelve numbers "
        "are lost: 0 stands in their place. nn.MaxUnpool2d takes both, maxima and places.",
        {
            "output_size": (4, 4),
            "output": [[[0, 0, 0, 0], [0, 5, 0, 7], [0, 0, 0, 0], [0, 13, 0, 15]]],
            "parameters": 0,
            "receptive_field": (2, 2),
        },
        input="count",
        wrong={
            "0 at its top left": "the largest of 0, 1, 4 and 5 stood elsewhere",
            "5 in all four cells": "that is upsampling with the nearest cell; unpooling knows the place",
        },
    ),
)

PRESETS: dict[str, Preset] = {preset.id: preset for preset in _ALL}
"""Every worked example, by id, in the order of the lectures."""

POOLED: dict[str, LayerSpec] = {
    "Max 2×2, stride 2": PRESETS["A22"].spec,
    "Overlapping: stride 1": PRESETS["A22-overlapping"].spec,
    "Average 2×2": LayerSpec(kind="avg_pool", kernel_size=2),
    "Global average, 8×8×10": PRESETS["A22-global"].spec,
}
"""The worked examples of the lesson on pooling, by what they are called there."""
