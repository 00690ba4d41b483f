"""The questions of the lessons on receptive fields, easy ones first; those about worked examples stand with them."""

from __future__ import annotations

from pages._question import Question

FIELD_OF_THREE = Question(
    "field",
    "Field and kernel",
    "Three 3×3 layers in a row. How many pixels of the input does one unit of the last one see?",
    ("3×3", "7×7", "9×9"),
    "7×7",
    "Its kernel reads 3×3 units of layer 2, and each of these sees beyond that. Each layer adds F − 1 = 2 pixels: "
    "1 + 2 + 2 + 2 = 7.",
    {
        "3×3": "that is its kernel, on the map before; the units there see more than a pixel each",
        "9×9": "the windows overlap, so a layer adds 2 pixels and not 3",
    },
    {},
)

MARK = Question(
    "mark",
    "Mark the field",
    "What does the unit in the middle of the last map see of the input? Choose the top left corner of that.",
    (),
    "row 2, column 2",
    "Its field is 7×7 and stands around the middle of the input, row 5, column 5: three pixels to each side, so rows 2 "
    "to 8 and columns 2 to 8.",
    {
        "row 5, column 5": "that is the middle of what it sees",
        "row 4, column 4": "that is as much as one layer sees; there are three, and each adds a pixel on each side",
        "": "the unit's field stands around row 5, column 5, and each of the three layers adds a pixel on each side",
    },
    {},
    "map0",
)

EFFECTIVE = (
    Question(
        "box",
        "How large is the box?",
        "Ten 3×3 layers in a row. How many pixels a side could one unit of the last layer see?",
        ("3", "21", "30"),
        "21",
        "Each layer adds F − 1 = 2 pixels to the one pixel that a unit begins with: 1 + 10·2 = 21. That is the box.",
        {
            "3": "that is the kernel of one layer; each further layer makes the field wider",
            "30": "neighbouring windows overlap, so a layer adds 2 pixels and not 3",
        },
    ),
    Question(
        "middle",
        "Which pixels matter most?",
        "Does such a unit use all pixels of its box alike?",
        ("All alike", "The middle most", "The border most"),
        "The middle most",
        "Many paths lead from the middle of the box to the unit, and one alone from each corner. So the gradient is a "
        "hill, and most of the box lies in its plain.",
        {
            "All alike": "the number of paths is missing: hundreds lead from the middle to the unit, one from a corner",
            "The border most": "to a unit a single path leads from a corner of its box, and hundreds from the middle",
        },
    ),
    Question(
        "depth",
        "Four times the depth",
        "40 layers instead of 10. How much wider does the part become that a unit really uses?",
        ("About 4 times", "About 2 times", "About 16 times"),
        "About 2 times",
        "The box grows like the number of layers n, the used part only like √n, and √4 = 2. The deeper the network, "
        "the smaller a share of its box a unit uses.",
        {
            "About 4 times": "that is how the box grows; what is used grows like the root of the depth",
            "About 16 times": "not even the box grows so fast: each layer adds the same 2 pixels a side",
        },
    ),
)

GROWTH = (
    Question(
        "kernel",
        "A larger kernel",
        "A 3×3 kernel has 9 weights. A kernel that sees three times as far, 9×9: how many?",
        ("27", "81", "54"),
        "81",
        "9·9 = 81: a kernel pays with the square of its side. Four 3×3 layers see 9×9 as well, with 36 weights.",
        {
            "27": "it is three times as wide and three times as high",
            "54": "rows and columns multiply: nine rows of nine weights",
        },
    ),
    Question(
        "dilation",
        "A kernel spread out",
        "A 3×3 kernel gets dilation 2, so that it spans 5×5 pixels. How many weights has it now?",
        ("9", "18", "25"),
        "9",
        "Dilation moves the taps apart and adds none. The field is 5×5, the kernel has 3×3 weights, and the pixels "
        "between the taps are stepped over.",
        {
            "18": "the distance of the taps doubles, their number stays",
            "25": "that is the field; the kernel reads nine of these pixels",
        },
    ),
    Question(
        "stride",
        "What stride pays",
        "Layers of stride 2 double what the next layer adds to the field, for the same weights. What do they pay with?",
        ("Places: fewer units", "Nothing", "A wider kernel"),
        "Places: fewer units",
        "Each keeps every second row and column, so a quarter of the units. A stride leaves the layer's own field as "
        "it is: it is the next layer that sees farther.",
        {
            "Nothing": "the map is forgotten: a stride of 2 keeps a quarter of its units",
            "A wider kernel": "a stride moves windows apart and leaves each as wide as it was",
        },
    ),
    Question(
        "flops",
        "MACs and FLOPs",
        "Prices stand here in MACs: one product, added to a sum. How many FLOPs, single operations, are 36 MACs?",
        ("18", "36", "72"),
        "72",
        "A product and an addition are two operations, so 36 MACs are 72 FLOPs. Papers write one or the other: look "
        "which, before you compare.",
        {
            "18": "one MAC is made of two operations, not the other way round",
            "36": "the addition is missing: each MAC is a product and an addition",
        },
    ),
    Question(
        "holes",
        "Holes",
        "Three 3×3 layers, each with dilation 2, span 13×13 = 169 pixels. How many of them does a unit read?",
        ("169", "49", "27"),
        "49",
        "Every path lands on an even distance from the middle: 7×7 pixels. The other 120 lie inside the box and are "
        "never read, whatever the weights are.",
        {
            "169": "the box is not what is read: taps two pixels apart step over the odd distances",
            "27": "9 + 9 + 9 adds the taps; each tap of a layer reads all nine taps of the layer before",
        },
    ),
)

NETWORKS = (
    Question(
        "first",
        "The first layer",
        "ResNet-50 begins with a 7×7 convolution of stride 2. How much does one of its units see?",
        ("7×7", "14×14", "9×9"),
        "7×7",
        "The window of a layer on the picture is its kernel, whatever its stride is. The stride moves the windows two "
        "pixels apart, and so the next layer sees farther.",
        {
            "14×14": "stride does not widen a window: it moves the windows apart",
            "9×9": "stride does not widen a window: it moves the windows apart",
        },
    ),
    Question(
        "last",
        "The last layer",
        "The picture has 224×224 pixels. How much could a unit of ResNet-50's last map see?",
        ("32×32", "224×224", "427×427"),
        "427×427",
        "49 convolutions deep, each step 32 pixels long in the end: the field is almost twice as wide as the picture.",
        {
            "32×32": "that is the jump, from one unit's field to the next; the fields overlap by far",
            "224×224": "a field does not end at the border: windows go on over the padding",
        },
    ),
    Question(
        "beyond",
        "Beyond the picture",
        "That field is wider than the picture. What does the unit see where there is no picture?",
        ("Nothing is computed there", "Padding zeros", "The picture again"),
        "Padding zeros",
        "Each layer pads its own input with zeros, and the unit reads them. That is how a network can learn where the "
        "border is.",
        {
            "Nothing is computed there": "the zeros are missing: a layer with padding reads them as it reads pixels",
            "The picture again": "only circular padding does that, and these networks pad with zeros",
        },
    ),
    Question(
        "depth",
        "Depth is not all",
        "AlexNet has 5 convolutions, VGG-16 has 13. How much wider is the field of VGG-16's last map?",
        ("About 2.6 times", "Hardly: 212 against 195", "It is smaller"),
        "Hardly: 212 against 195",
        "AlexNet begins with 11×11 and stride 4, so all that follows counts four times; VGG-16 begins with 3×3 and "
        "stride 1. Strides early on widen a field more than layers do.",
        {
            "About 2.6 times": "13/5 counts layers; strides and kernel sizes are left out",
            "It is smaller": "its thirteen layers do add up, though only just",
        },
    ),
)

YOUR_NETWORK = (
    Question(
        "first",
        "Parameters of a convolution",
        "Layer 0 is nn.Conv2d(1, 6, kernel_size=5). How many numbers does it learn?",
        ("25", "150", "156"),
        "156",
        "Six filters of 5·5·1 weights, and one bias each: 6·25 + 6.",
        {
            "25": "that is one filter; there are six",
            "150": "the six biases are missing",
        },
        {},
    ),
    Question(
        "shape",
        "The shape after two layers",
        "A 32×32 picture goes through layer 0, 5×5 without padding, and nn.AvgPool2d(2). How large are the maps then?",
        ("16×16", "15×15", "14×14"),
        "14×14",
        "32 − 5 + 1 = 28: four cells are lost along each axis. Pooling in steps of 2 halves that.",
        {
            "16×16": "without padding the convolution already loses four cells along each axis",
            "15×15": "a 5×5 kernel reaches two cells to each side, so both borders cost two",
        },
        {},
    ),
    Question(
        "most",
        "Where the parameters are",
        "Which layer of this network learns the most numbers?",
        ("Conv2d(6, 16)", "Conv2d(16, 120)", "Linear(120, 84)"),
        "Conv2d(16, 120)",
        "Each of its 120 filters spans all 16 maps: 5·5·16 weights and a bias, together 48\u202f120 of 61\u202f706. As "
        "its input has 5×5 cells as well, it reads everything, as a linear layer would.",
        {
            "Conv2d(6, 16)": "16 filters of 5·5·6 weights; a later layer has more of both",
            "Linear(120, 84)": "120·84 is less than 120 filters of 5·5·16 weights",
        },
        {},
    ),
)
