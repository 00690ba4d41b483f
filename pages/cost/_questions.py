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

KERNEL = (
    Question(
        "row",
        "The other factor",
        "This kernel is the column 1, 2, 1 times one row. Which row?",
        ("1, 2, 1", "−1, 0, 1", "−2, 0, 2"),
        "−1, 0, 1",
        "Each row of the kernel is that row times 1, 2 or 1. Smoothing goes down the column, the change along the row.",
        {
            "1, 2, 1": "that row times the column would make nine positive weights",
            "−2, 0, 2": "that is the middle row of the kernel, which the column has doubled",
        },
    ),
    Question(
        "laplacian",
        "The Laplacian",
        "The first and the last row of this kernel are equal; the middle one is another. Of how many products of a "
        "column and a row is it the sum, at least?",
        ("One", "Two", "Three"),
        "Two",
        "One column and row for the equal rows, another for the middle one. No single product will do: its rows would "
        "all be multiples of one.",
        {
            "One": "then the middle row would be a multiple of the first",
            "Three": "two of the three rows are equal and share a product",
        },
        {"kernel": "Laplacian"},
    ),
    Question(
        "worked",
        "The worked example",
        "The kernel of the worked example cannot be split: no row is made of the others. How much of its energy, the "
        "sum of its squared weights, can one column and row still hold?",
        ("A third", "About half", "About nine tenths"),
        "About nine tenths",
        "It needs three parts, and they are not alike: the largest holds 91 % of the energy.",
        {
            "A third": "the three parts that it needs would have to be equally large",
            "About half": "its rows are alike, so that one row comes closer to all of them",
        },
        {"kernel": "Worked example"},
    ),
    Question(
        "cost",
        "Two passes",
        "A 7×7 Gaussian runs as a column, then a row. What share of the multiplications is left?",
        ("1/7", "2/7", "1/2"),
        "2/7",
        "7 + 7 = 14 products for each output number in place of 49: 2·K in place of K². The larger the kernel, the "
        "more is saved.",
        {
            "1/7": "there are two passes of 7 products each",
            "1/2": "each pass has 7 products, and the kernel has 49",
        },
        {"kernel": "Gaussian blur", "side": "7"},
    ),
)

GROUPS = (
    Question(
        "weights",
        "Fewer weights",
        "The 8 channels are dealt to 2 groups. How many of the weights are left?",
        ("All of them", "Half", "A quarter"),
        "Half",
        "Each output channel has a kernel for 4 input channels in place of 8: weights and MACs divide by the number of "
        "groups. Each line is such a kernel.",
        {
            "All of them": "an output channel has kernels for the channels of its group alone",
            "A quarter": "there are as many output channels as before; each has half of its kernels",
        },
    ),
    Question(
        "alone",
        "As many groups as channels",
        "What does an output channel see when the 8 channels are dealt to 8 groups?",
        ("Nothing", "One channel", "All channels"),
        "One channel",
        "A group of one channel: the layer is depthwise, and no channel meets another.",
        {
            "Nothing": "each group still has a channel of its own",
            "All channels": "that is a single group",
        },
        {"groups": "8"},
    ),
    Question(
        "row",
        "Two in a row",
        "A second layer with the same 2 groups follows. How many of the 8 channels of the picture reach one of its "
        "outputs?",
        ("Two", "Four", "All eight"),
        "Four",
        "Its group has seen nothing but itself, and so it stays, however many such layers there are.",
        {
            "Two": "each group has four channels, and both layers see all of them",
            "All eight": "the second layer's groups hold what the first one's did: nothing crosses over",
        },
    ),
    Question(
        "shuffle",
        "After a shuffle",
        "Between the two layers the channels are dealt anew, so that each group gets some of each. How many of the 8 "
        "reach an output now?",
        ("Four", "Six", "All eight"),
        "All eight",
        "Each group of the second layer holds two channels of either group of the first. A shuffle has no weights and "
        "multiplies nothing.",
        {
            "Four": "that is without the shuffle; now each group holds channels of both",
            "Six": "the two channels from the other group bring all that they have seen: four more",
        },
    ),
)

SEPARABLE = (
    Question(
        "depthwise",
        "The first step",
        "Depthwise: each of the 3 input channels has one 3×3 kernel of its own. How many weights is that?",
        ("9", "27", "81"),
        "27",
        "3·9 = 27. The standard layer has such a kernel for each pair of an input and an output channel: 81.",
        {
            "9": "that is one kernel, and each of the three channels has its own",
            "81": "that is a kernel for each pair of channels; here an input channel has a single one",
        },
    ),
    Question(
        "share",
        "Both steps",
        "The 1×1 step mixes 3 channels into 3. What share of the standard layer's 81 weights do both steps have?",
        ("1/3", "4/9", "1/9"),
        "4/9",
        "27 + 9 = 36 of 81, and that is exactly 1/3 + 1/9: 1/N for the depthwise step, 1/K² for the 1×1.",
        {
            "1/3": "so much the depthwise step has; the 1×1 has nine weights more",
            "1/9": "so much the 1×1 has; the depthwise step comes before it",
        },
    ),
    Question(
        "notes",
        "Ten output channels",
        "3 → 10 channels, with a bias for each output of each step. The standard layer has 280 parameters. And both "
        "steps together?",
        ("40", "57", "70"),
        "70",
        "Depthwise 3·9 + 3 = 30, 1×1 3·10 + 10 = 40. Padding 1 keeps the 28×28 pixels in all three layers.",
        {
            "40": "that is the 1×1 alone",
            "57": "the biases are left out: 3 of the first step and 10 of the second",
        },
        {"ds_input_size": "28", "ds_out_channels": "10", "ds_bias": "true"},
    ),
    Question(
        "order",
        "Which order can it?",
        "A standard layer looks for four things in the brightness of the picture, one mix of red, green and blue. "
        "Which order of steps can do exactly that?",
        ("Depthwise first", "1×1 first", "Neither"),
        "1×1 first",
        "The 1×1 makes the brightness, once for each filter, and each copy is then filtered alone. Depthwise first has "
        "a single filter for each colour, and would need several.",
        {
            "Depthwise first": "it has one window for red, and four filters would need four",
            "Neither": "first mix the colours, then filter: these are two steps",
        },
        {"order": "1×1 first"},
    ),
)

MLP = (
    Question(
        "dense",
        "Dense",
        "A dense layer makes 4×4 numbers from 4×4 pixels, without biases. How many weights does it have?",
        ("32", "144", "256"),
        "256",
        "Each of the 16 outputs has a weight for each of the 16 pixels: 16·16.",
        {
            "32": "every output has a weight for every pixel: the two are multiplied, not added",
            "144": "nine for each output would be one for each pixel of a window; a dense layer reads all sixteen",
        },
    ),
    Question(
        "shared",
        "Convolution",
        "A convolution with a 3×3 kernel makes 4×4 numbers from the same pixels. How many weights does it have?",
        ("9", "144", "256"),
        "9",
        "The same nine at each place. However large the picture grows, they stay nine.",
        {
            "144": "so many there would be with nine of its own at each place; a convolution shares them",
            "256": "that is the dense layer: a convolution reads a window, and shares its weights",
        },
        {"step": "Shared"},
    ),
    Question(
        "local",
        "Windows alone",
        "A locally connected layer reads a 3×3 window at each of the 16 places, with other weights at each. How many?",
        ("9", "16", "144"),
        "144",
        "16·9. Those that lie on the padding count, too, though they do nothing.",
        {
            "9": "that is with shared weights; here each place has nine of its own",
            "16": "that is the number of places, and each has a window of nine",
        },
        {"step": "Local"},
    ),
    Question(
        "vgg",
        "VGG-16",
        "VGG-16 has thirteen convolutions and three dense layers. What part of its 138.4 million parameters is in the "
        "dense ones?",
        ("About a tenth", "About half", "About nine tenths"),
        "About nine tenths",
        "102.8 M + 16.8 M + 4.1 M. The first of them alone has a weight for each of 7·7·512 inputs and 4 096 outputs.",
        {
            "About a tenth": "that is what the thirteen convolutions have",
            "About half": "a convolution has a few weights for a pair of channels, a dense layer one for each pair of "
            "numbers",
        },
    ),
    Question(
        "moved",
        "When the picture moves",
        "A dense and a convolutional network have learned, from the same drawings in the middle of their pictures, "
        "what is a star and what a circle. The drawings move by three pixels. Who still knows?",
        ("Both", "The convolutional one", "Neither"),
        "The convolutional one",
        "It looks for the same corners and arcs at every place. The dense one learned what to expect of each pixel, "
        "and now other pixels hold it.",
        {
            "Both": "to a dense layer a moved picture is another one: each pixel has weights of its own",
            "Neither": "a convolution has the same weights at the new place as at the old one",
        },
    ),
)

POINTWISE = (
    Question(
        "shape",
        "What comes out",
        "192 channels of 28×28 pixels go into 16 kernels of 1×1. What comes out?",
        ("16×28×28", "192×28×28", "16×27×27"),
        "16×28×28",
        "A channel for each kernel, and a number at each pixel: without a neighbour in the window no border is lost, "
        "and no padding is needed.",
        {
            "192×28×28": "that went in; there is an output channel for each kernel",
            "16×27×27": "a window of a single pixel fits at each of the 28 places",
        },
    ),
    Question(
        "cannot",
        "What it cannot",
        "A colour picture goes in. Which of these can no 1×1 layer do?",
        ("Make it grey", "Blur it", "Swap red and blue"),
        "Blur it",
        "It mixes the channels of each pixel and knows no neighbour. What it sees of the picture stays one pixel.",
        {
            "Make it grey": "grey is a mix of the three channels of each pixel",
            "Swap red and blue": "each output channel takes one of the three with weight 1",
        },
    ),
    Question(
        "row",
        "Two in a row",
        "A 1×1 layer from 3 to 2 channels, then one from 2 to 4, no activation between. What can do the same?",
        ("A single 1×1 layer", "Only two of them", "A 3×3 layer alone"),
        "A single 1×1 layer",
        "Each is a matrix at each pixel, and two in a row are their product. With a ReLU between them that is over.",
        {
            "Only two of them": "each is a matrix, and the product of two matrices is one",
            "A 3×3 layer alone": "it could, with eight of nine taps 0; but less will do",
        },
        {"in_channels": "3", "out_channels": "4"},
    ),
)

BLOCKS = (
    Question(
        "narrow",
        "What narrowing saves",
        "A bottleneck narrows 256 channels to 64, works there with its 3×3 kernel, and widens again. Two 3×3 layers "
        "that stay at 256 channels take as many and give as many. How many times as many weights do they hold?",
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
        "layer. Why does that layer hold only 1\u202f296 weights?",
        ("It is depthwise", "It has no bias", "Its image is small"),
        "It is depthwise",
        "Each of the 144 channels has a 3×3 kernel of its own and sees no other: 9·144 = 1\u202f296, where a full one "
        "holds 9·144·144 = 186\u202f624. The 1×1 layers around it mix the channels.",
        {
            "It has no bias": "144 biases more or less are few beside 186\u202f624 weights of a full 3×3 layer",
            "Its image is small": "the number of weights does not depend on the image's size; that of MACs does",
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
    Question(
        "gradient",
        "What comes back through a sum",
        "Two images are added, and a layer reads the sum. While the network learns, a gradient comes back to each of "
        "the two. How do these gradients differ?",
        ("Not at all", "By the size of the images' numbers", "By the layer's weights for each image"),
        "Not at all",
        "The sum grows by as much as either image does, so both get the gradient of the sum. Concatenation has weights "
        "for each image, and so a gradient for each.",
        {
            "By the size of the images' numbers": "the slope of a + b is 1 along a and along b, whatever they are",
            "By the layer's weights for each image": "the layer reads the sum alone; that would be concatenation",
        },
        {"block": "join"},
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
        hides=("avgpool", "flatten"),
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
