"""The questions of the lessons on feature maps, easy ones first."""

from __future__ import annotations

from models.drawings import CLASSES
from pages._question import Question

FILTERS = (
    Question(
        "filters",
        "A flat wall",
        "A Sobel filter that answers to change from left to right looks at a wall of one brightness. What is its map?",
        ("As bright as the wall", "0 everywhere", "Noise"),
        "0 everywhere",
        "Its weights sum to 0, so equal pixels cancel. Only where brightness changes is something left: a feature map "
        "says where its feature is, and how strongly.",
        {
            "As bright as the wall": "the weights add up to 0, so equal pixels cancel",
            "Noise": "equal pixels give the same sum at every place",
        },
    ),
    Question(
        "relu",
        "After ReLU",
        "An edge from dark to bright gives +1. What does the same filter give for one from bright to dark, after ReLU?",
        ("1", "−1", "Nothing: 0"),
        "Nothing: 0",
        "Before ReLU it is −1, the same edge the other way round. ReLU keeps one of the two directions; a network that "
        "needs both learns a second filter, the negative of the first.",
        {
            "1": "the direction is left out: from bright to dark the slope is negative",
            "−1": "ReLU is left out: it leaves no number below zero",
        },
    ),
    Question(
        "flip",
        "Turning the kernel",
        "For which of these does it matter whether the kernel is turned by 180° first?",
        ("Gaussian blur", "Laplacian", "Emboss"),
        "Emboss",
        "The other two are symmetric: turned, they are the same. A network does not care either way, for it would "
        "learn the turned kernel. That is why nn.Conv2d may correlate and still be called a convolution.",
        {
            "Gaussian blur": "its weights are the same on opposite sides: turned, it is the same kernel",
            "Laplacian": "its weights are the same on opposite sides: turned, it is the same kernel",
        },
    ),
)

POOLING = (
    Question(
        "window",
        "One window",
        "A window holds 4, 5, 1 and 8. What do max pooling and average pooling make of it?",
        ("8 and 4.5", "8 and 18", "5 and 4.5"),
        "8 and 4.5",
        "The largest of the four, and their mean, 18/4. Nothing is learned for either.",
        {
            "8 and 18": "18 is the sum, and the mean divides it by four",
            "5 and 4.5": "8 is larger, wherever in the window it stands",
        },
    ),
    Question(
        "maps",
        "Ten maps",
        "Max pooling goes over ten maps, 2×2 in steps of 2. How many maps come out, and how many numbers are learned?",
        ("1 map, none", "10 maps, none", "10 maps, 40"),
        "10 maps, none",
        "Pooling takes each map by itself and has no weights. It is a convolution that sums over channels.",
        {
            "1 map, none": "pooling takes each map by itself; a convolution sums over channels",
            "10 maps, 40": "a maximum has no weights",
        },
    ),
    Question(
        "pool",
        "A shift by one pixel",
        "You shift a picture by one pixel. How many of the numbers after 2×2 max pooling with stride 2 change?",
        ("None: pooling forgets shifts", "Some, where a maximum crosses a window's edge", "All"),
        "Some, where a maximum crosses a window's edge",
        "A maximum that stays in its window gives the same number; one that leaves it does not. Pooling is a little "
        "deaf to shifts, not invariant: only the global one is.",
        {
            "None: pooling forgets shifts": "windows have edges, and a maximum may cross one",
            "All": "a maximum that stays inside its window gives the same number",
        },
    ),
)

WALK = (
    Question(
        "maps",
        "How many maps?",
        "The first layer of our small network has 16 filters, and the picture three colours. How many maps come out?",
        ("3", "16", "48"),
        "16",
        "One for each filter. A filter has weights for all three colours, and sums what they give into one map.",
        {
            "3": "those go in; each filter sums over all three",
            "48": "what a filter makes of the three colours is summed into one map, not kept apart",
        },
    ),
    Question(
        "size",
        "How large are they?",
        "Its first maps have 64×64 units. How large are the maps after three poolings by 2?",
        ("32×32", "21×21", "8×8"),
        "8×8",
        "Each pooling halves both sides: 64, 32, 16, 8. There are more and more maps, of fewer and fewer units.",
        {
            "32×32": "that is after the first pooling; the others halve both sides again",
            "21×21": "three poolings halve three times, and do not divide by 3",
        },
    ),
    Question(
        "walk",
        "What does a deep unit see?",
        "Deeper in the network maps get smaller, and there are more of them. What does one unit see?",
        ("Less of the picture", "As much as before", "More of the picture"),
        "More of the picture",
        "Each layer looks at a window of the one before it, so windows add up, and pooling makes every later step "
        "longer. Point at units of an early and of a late layer, and watch the box on the picture.",
        {
            "Less of the picture": "its window holds units, each of which sees a window itself",
            "As much as before": "each layer's window is laid on the windows of the layer before it",
        },
    ),
)

DECIDES = (
    Question(
        "names",
        "A picture like none before",
        f"Our small network has learned {len(CLASSES)} drawn shapes and digits. What does it say of a photograph?",
        ("That it knows nothing like it", f"One of its {len(CLASSES)} names", "Nothing"),
        f"One of its {len(CLASSES)} names",
        "Each class gets a score whatever is seen, and the highest is named. That it is the highest does not say that "
        "it is right, or even high.",
        {
            "That it knows nothing like it": "there is no such class among its scores",
            "Nothing": "each class gets a score, whatever the picture shows",
        },
    ),
    Question(
        "cover",
        "A covered place",
        "You cover one place of a picture, and the score of “heart” rises. What was at that place?",
        ("What speaks for a heart", "What speaks against a heart", "Nothing that matters"),
        "What speaks against a heart",
        "A cover takes something away. If the score rises without it, it spoke against the class; if the score falls, "
        "it spoke for it.",
        {
            "What speaks for a heart": "without that the score would fall",
            "Nothing that matters": "without that the score would stay",
        },
    ),
    Question(
        "decides",
        "Weights drawn anew",
        "You draw the network's weights anew, and all it had learned is gone. What should an honest explanation do?",
        ("Stay as it is", "Change", "Turn black"),
        "Change",
        "A picture that stays the same shows the edges of the photograph, not the reasons of the network.",
        {
            "Stay as it is": "then it does not hang on what was learned, and cannot explain it",
            "Turn black": "random weights still give a score, for other reasons",
        },
    ),
)

EQUIVARIANCE = (
    Question(
        "one",
        "Stride 1",
        "A convolution of stride 1 sees the picture shifted by 3 pixels. What happens to its map?",
        ("It shifts by 3 units", "It stays as it is", "It becomes another map"),
        "It shifts by 3 units",
        "The same weights meet the same pixels, three places on. That is equivariance: to move the picture is to move "
        "the map.",
        {
            "It stays as it is": "each answer stands where its window lies, and the windows have moved",
            "It becomes another map": "the same weights meet the same pixels, only elsewhere",
        },
    ),
    Question(
        "equivariance",
        "Stride 2",
        "A layer with stride 2 sees the picture shifted by one pixel. What happens to its map?",
        ("It shifts by one unit", "It shifts by half a unit, exactly", "It becomes another map"),
        "It becomes another map",
        "A stride of 2 keeps every second position, and after a shift by one pixel these are the others. Only shifts "
        "by whole strides move the map as it is.",
        {
            "It shifts by one unit": "here a unit is two pixels long",
            "It shifts by half a unit, exactly": "between two units there is no place for an answer",
        },
    ),
    Question(
        "two",
        "Two poolings",
        "After two poolings by 2: for which shifts of the picture does the map move as it is?",
        ("All", "Multiples of 2", "Multiples of 4"),
        "Multiples of 4",
        "Each pooling doubles the step from unit to unit. In between, another set of positions is kept, and the map "
        "becomes another one.",
        {
            "All": "a pooling by 2 keeps every second position, and only some shifts lead from one to another",
            "Multiples of 2": "that is after the first pooling; the second doubles the step",
        },
    ),
    Question(
        "turn",
        "A quarter turn",
        "You turn the picture by 90°. Does the map of a network's convolution turn with it?",
        ("Yes, as with a shift", "No: the kernel does not turn", "Only if the picture is square"),
        "No: the kernel does not turn",
        "A kernel that finds upright edges finds them upright still. What a network knows of turned things it has to "
        "learn, one by one.",
        {
            "Yes, as with a shift": "a shift leaves each pixel its neighbours on their sides; a turn does not",
            "Only if the picture is square": "its shape is not the reason: each kernel has an up and a down",
        },
    ),
)

LEARN = (
    Question(
        "learned",
        "What it needs",
        "Nobody tells the layer what Sobel is. What does it need to find it?",
        ("The nine numbers", "Pictures before and after the filter", "A definition of an edge"),
        "Pictures before and after the filter",
        "Each pair says what the output should have been. The gradient of the error moves the nine weights a little, "
        "again and again. The error is a bowl with one lowest point, and that is the kernel which made the pairs.",
        {
            "The nine numbers": "these are what it is to find",
            "A definition of an edge": "it is given no rule, only examples",
        },
    ),
    Question(
        "pairs",
        "Picture or noise",
        "Pieces of a picture, or pieces of noise: from which does the layer learn faster?",
        ("The picture", "Noise", "No difference"),
        "Noise",
        "Neighbouring pixels of a picture are nearly equal, so it hardly matters to the error how the weights share "
        "their work between neighbours: the bowl is a long, flat valley. In noise every pixel is news, and the bowl "
        "is round. Try both with the same steps.",
        {
            "The picture": "its neighbouring pixels are nearly equal, so they tell little about each weight",
            "No difference": "how alike neighbouring pixels are is left out",
        },
    ),
    Question(
        "noise",
        "Noise on the targets",
        "You add noise to the targets. What becomes of the learned kernel?",
        ("It is still close", "It is noise too", "It is 0"),
        "It is still close",
        "Noise that has nothing to do with the picture cancels over thousands of windows. The error no longer falls to "
        "0: what is left is the noise, which no kernel can foretell.",
        {
            "It is noise too": "there are thousands of windows, and over them the noise cancels",
            "It is 0": "the filter's answer is still in the targets, beside the noise",
        },
    ),
)
