"""The questions of the lessons on cost, easy ones first."""

from __future__ import annotations

from pages._question import Question

WAYS = (
    Question(
        "one",
        "One output number",
        "A 5×5 kernel lies on 192 channels. How many multiplications make one output number?",
        ("25", "192", "4 800"),
        "4 800",
        "25 taps in each of 192 channels: 25·192 = 4 800. There are 28·28·32 output numbers, and each takes as many: "
        "120 422 400 MACs.",
        {
            "25": "that is the window in one channel, and the kernel reads all 192",
            "192": "that is one pixel of each channel, and the window has 25",
        },
    ),
    Question(
        "bottleneck",
        "First fewer channels",
        "A 1×1 convolution first leaves 16 of the 192 channels, and the 5×5 works on these. How many times fewer MACs "
        "are that in all?",
        ("12 times", "About 10 times", "About 5 times"),
        "About 10 times",
        "The 5×5 saves 192/16 = 12 times: 10 035 200 MACs. The 1×1 itself takes 2 408 448. Together that is 12 443 648 "
        "against 120 422 400.",
        {
            "12 times": "so much the 5×5 saves; the 1×1 before it has its own price",
            "About 5 times": "the 1×1 is cheap: it takes 2 408 448 MACs, a fifth of the whole",
        },
        {"way": "Bottleneck"},
    ),
    Question(
        "separable",
        "Depthwise, then 1×1",
        "A depthwise 3×3 and a 1×1 stand in for a 3×3 with 256 output channels. What share of the MACs is left?",
        ("About 1/256", "About 1/9", "About 1/3"),
        "About 1/9",
        "1/N + 1/K² = 1/256 + 1/9 = 0.115. The depthwise half costs 1/N of the standard layer, and the 1×1 costs 1/K²: "
        "eight to nine times less for a 3×3, however many channels there are.",
        {
            "About 1/256": "that is the depthwise half alone; the 1×1 that mixes the channels follows",
            "About 1/3": "the 1×1 has one tap in place of nine, not in place of three",
        },
        {"in_channels": "256", "out_channels": "256", "kernel_size": "3", "way": "Depthwise, then 1×1"},
    ),
    Question(
        "sees",
        "What groups no longer see",
        "The 192 channels are dealt to 4 groups. How many input channels does one output channel see?",
        ("192", "48", "4"),
        "48",
        "192/4 = 48: an output channel sees the channels of its own group alone. Point at one and follow it.",
        {
            "192": "that is a convolution in one group",
            "4": "that is the number of groups; each has a quarter of the channels",
        },
        {"way": "Grouped"},
    ),
    Question(
        "field",
        "Depthwise and the field",
        "Do depthwise layers see a larger part of the picture than a standard layer with the same window?",
        ("Larger", "The same", "Smaller"),
        "The same",
        "The window decides what a layer sees of the picture, and it is the same. Depthwise changes which channels are "
        "seen.",
        {
            "Larger": "a stack of them can be deeper for the same price, but one layer sees its window",
            "Smaller": "fewer channels are seen, but in each the whole window",
        },
        {"way": "Depthwise, then 1×1"},
    ),
)

BLOCKS = (
    Question(
        "narrow",
        "What narrowing saves",
        "A bottleneck narrows 256 channels to 64, works there with its 3×3 kernel, and widens again. Two 3×3 layers "
        "that stay at 256 channels do the same job. How many times as many weights do they hold?",
        ("about 2 times", "about 4 times", "about 17 times"),
        "about 17 times",
        "256·64 + 9·64·64 + 64·256 = 69\u202f632 weights against 2·9·256·256 = 1\u202f179\u202f648. A kernel costs the "
        "product of its channels, so a quarter of them on both sides costs a sixteenth.",
        {
            "about 2 times": "that counts layers; a 3×3 kernel has nine weights for each pair of channels",
            "about 4 times": "that counts the channels on one side; a kernel pays for those that come in times those "
            "that go out",
        },
        {},
    ),
    Question(
        "groups",
        "Wider for nothing",
        "ResNeXt takes a bottleneck, cuts its 3×3 layer into 32 groups and makes it twice as wide, 128 channels. What "
        "becomes of the number of weights?",
        ("It doubles", "It stays nearly the same", "It falls to a thirty-second"),
        "It stays nearly the same",
        "The 3×3 layer falls to 9·128·128/32 = 4\u202f608 weights, and the two 1×1 layers double to 65\u202f536: "
        "70\u202f144 in all, against the bottleneck's 69\u202f632.",
        {
            "It doubles": "the two 1×1 layers do, but each group of the 3×3 layer sees four channels alone",
            "It falls to a thirty-second": "only the 3×3 layer pays less; the 1×1 layers around it are not grouped",
        },
        {"block": "resnext"},
    ),
    Question(
        "depthwise",
        "Wide in the middle, and cheap",
        "MobileNet's inverted residual does the opposite of a bottleneck: it widens 24 channels to 144 before its 3×3 "
        "layer. Why does that layer hold 1\u202f296 weights alone?",
        ("It is depthwise", "It has no bias", "Its image is small"),
        "It is depthwise",
        "Each of the 144 channels has a 3×3 kernel of its own and sees no other: 9·144 = 1\u202f296, where a full one "
        "holds 9·144·144 = 186\u202f624. The 1×1 layers around it mix the channels.",
        {
            "It has no bias": "144 biases more or less are few beside 186\u202f624 weights of a full 3×3 layer",
            "Its image is small": "the number of weights does not hang on the image's size; that of MACs does",
        },
        {"block": "inverted_residual"},
    ),
    Question(
        "concatenate",
        "What concatenation adds up to",
        "64 channels come into a dense block. Each of its 6 layers appends 32 channels to all that came before. How "
        "many channels go out?",
        ("32", "192", "256"),
        "256",
        "Nothing is added up and nothing is lost: 64 + 6·32 = 256. That is why the layers must be so narrow, and why "
        "a transition halves the channels before the next block.",
        {
            "32": "that is what the last layer appends; all maps before it are kept",
            "192": "that is what the six layers append; the channels that came in are kept, too",
        },
        {"block": "dense"},
    ),
)

NETWORKS = (
    Question(
        "weights",
        "Where the weights are",
        "VGG-16 has 13 convolutions and 3 dense layers, and 138 million parameters. Where are most of these?",
        ("On its first maps", "On its last maps", "In its dense layers"),
        "In its dense layers",
        "They hold 123\u202f642\u202f856 of 138\u202f357\u202f544, nine in ten. The first alone has "
        "25\u202f088·4\u202f096 weights: it has one for each place of each of 512 maps, and shares none.",
        {
            "On its first maps": "kernels are shared by all places, so large maps need no more weights than small ones",
            "On its last maps": "there are 512 channels there, and a kernel still holds 9·512·512 weights, 2.4 million",
        },
        {},
    ),
    Question(
        "work",
        "Where the work is",
        "These dense layers hold nine tenths of the parameters. How much of the multiplying do they do?",
        ("About nine tenths", "About half", "Less than a hundredth"),
        "Less than a hundredth",
        "A weight of a dense layer is used once a picture: 123\u202f633\u202f664 MACs of "
        "15\u202f470\u202f264\u202f320. A weight of a convolution is used at each place: 50\u202f176 times on a map of "
        "224 × 224.",
        {
            "About nine tenths": "a weight of a convolution is used at each place, one of a dense layer once",
            "About half": "count how often a weight is used: once in a dense layer, at each place in a convolution",
        },
        {},
    ),
    Question(
        "without",
        "Fifty layers and a fifth of the parameters",
        "ResNet-50 is deeper than VGG-16 and has a fifth of its parameters. What stands where the large dense layers "
        "stood?",
        ("Global pooling", "Smaller kernels", "Dropout"),
        "Global pooling",
        "`AdaptiveAvgPool2d` leaves one number of each of 2\u202f048 maps, so the only dense layer has "
        "2\u202f048·1\u202f000 weights. VGG-16 flattens 512 maps of 7 × 7 into 25\u202f088 numbers.",
        {
            "Smaller kernels": "the 1×1 layers save in each block; the hundred million were in one dense layer",
            "Dropout": "it silences numbers while a network learns, and takes no weight away",
        },
        {"network": "resnet50"},
    ),
    Question(
        "last",
        "What is left to save",
        "MobileNet v2 has 3.5 million parameters. Which share of them sits in its last layer, from 1\u202f280 "
        "numbers to 1\u202f000 classes?",
        ("About a hundredth", "About a third", "Nearly all"),
        "About a third",
        "1\u202f280·1\u202f000 + 1\u202f000 = 1\u202f281\u202f000 of 3\u202f504\u202f872: where all else is depthwise "
        "and narrow, the classes themselves are dear.",
        {
            "About a hundredth": "that is its share of the MACs, or less; its weights are a million and more",
            "Nearly all": "the 1×1 layer before it, 320 to 1\u202f280, has 409\u202f600 weights, and it is one of many",
        },
        {"network": "mobilenet_v2"},
    ),
)
