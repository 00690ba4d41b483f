"""The worked examples of stacks."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.stack.layers import Stack, read_stack


@dataclass(frozen=True)
class StackPreset:
    """A worked example: a stack, the question to predict, and what there is to see. `expected`: the last layer's size
    and jump, None where neighbours differ for ever. `wrong`: each of the other answers -> what it left out."""

    id: str
    title: str
    text: str
    dims: int
    size: int
    question: str
    options: tuple[str, ...]
    answer: str
    explanation: str
    expected: tuple[int, int | None]
    channels: int = 1
    wrong: dict[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def stack(self) -> Stack:
        return read_stack(self.text, self.dims, self.size, self.channels)


PRESETS: dict[str, StackPreset] = {
    preset.id: preset
    for preset in (
        StackPreset(
            "two",
            "Two 3×3",
            "c3-c3",
            2,
            9,
            "Which single kernel sees as much as two 3×3 in a row?",
            ("4×4", "5×5", "6×6", "9×9"),
            "5×5",
            "The second layer's three units lie one pixel apart, and each brings its own three pixels: 3 + 2 = 5. "
            "Two 3×3 kernels have 18 weights, one 5×5 has 25.",
            (5, 1),
            wrong={
                "4×4": "the second layer adds a pixel at each side, not at one alone",
                "6×6": "neighbouring windows overlap: the second layer adds 2 pixels, not 3",
                "9×9": "a layer adds to the field; it does not multiply it",
            },
        ),
        StackPreset(
            "three",
            "Three 3×3",
            "c3-c3-c3",
            2,
            11,
            "Three 3×3 layers with C channels each: how many weights, against one layer that sees as much?",
            ("27C² against 27C²", "27C² against 49C²", "9C² against 49C²"),
            "27C² against 49C²",
            "Three see 7×7. Each has 9C² weights, together 27C²; one 7×7 has 49C². And there is room for a "
            "non-linearity after each of the three.",
            (7, 1),
            16,
            wrong={
                "27C² against 27C²": "three 3×3 see 7×7, so the one layer has 49 weights for each pair of channels",
                "9C² against 49C²": "9C² is one of the three layers",
            },
        ),
        StackPreset(
            "stride",
            "Where stride acts",
            "c3s2-c3",
            2,
            15,
            "The first layer gets stride 2 instead of 1. What happens to its own receptive field?",
            ("It doubles", "It stays 3×3", "It shrinks"),
            "It stays 3×3",
            "Stride moves the windows apart and leaves each as it is. The effect is in the layer after it: its three "
            "units now lie two pixels apart, so it sees 3 + 2·2 = 7 instead of 5.",
            (7, 2),
            wrong={
                "It doubles": "a stride moves windows apart and leaves each as wide; the next layer sees farther",
                "It shrinks": "there are fewer windows, each as wide as before",
            },
        ),
        StackPreset(
            "pooling",
            "Pooling between",
            "c3p1-m2-c3p1-m2-c3p1",
            2,
            20,
            "Three 3×3 layers see 7×7. With two 2×2 poolings between them?",
            ("7×7", "9×9", "18×18", "28×28"),
            "18×18",
            "After two poolings neighbouring units lie four pixels apart: 3, 4, 8, 10, 18. Cheap, and it costs "
            "resolution: the last map has one unit for each 4×4 pixels.",
            (18, 4),
            wrong={
                "7×7": "that is without the poolings, which make every later step longer",
                "9×9": "a pooling adds its own pixels, and besides doubles what each later layer adds",
                "28×28": "7·4 has all three layers step by 4 pixels; only the last one does",
            },
        ),
        StackPreset(
            "one",
            "1×1",
            "c3-c1-c3",
            2,
            9,
            "A 1×1 layer in the middle: what does it add to the receptive field?",
            ("Nothing", "1 pixel", "2 pixels"),
            "Nothing",
            "F − 1 is 0, so the field stays as it is. A 1×1 layer mixes channels, never places: it may turn 192 maps "
            "of 28×28 into 16, and every unit still sees the same pixels.",
            (5, 1),
            wrong={
                "1 pixel": "a kernel of one cell reaches no neighbour: F − 1 is 0",
                "2 pixels": "that is what a 3×3 layer adds",
            },
        ),
        StackPreset(
            "spread",
            "One 3×3, dilated",
            "c3d2",
            2,
            11,
            "One 3×3 kernel with dilation 2. What does it span, and with how many weights?",
            ("3×3 with 9", "5×5 with 9", "5×5 with 25", "7×7 with 9"),
            "5×5 with 9",
            "D·(F − 1) + 1: with dilation 1, 2, 3 one kernel covers 3, 5, 7 pixels a side, with nine weights each. It "
            "reads nine pixels; those between its taps it steps over.",
            (5, 1),
            wrong={
                "3×3 with 9": "that is without dilation: the taps now lie two pixels apart",
                "5×5 with 25": "dilation moves the nine taps apart and adds none",
                "7×7 with 9": "two gaps of two pixels, and the tap itself: 2·2 + 1",
            },
        ),
        StackPreset(
            "dilated",
            "Dilations 1, 2, 4, 8",
            "c3d1-c3d2-c3d4-c3d8",
            1,
            41,
            "Four layers of three taps, dilated 1, 2, 4 and 8. How far does one unit see?",
            ("9", "15", "24", "31"),
            "31",
            "Each layer adds D·(F − 1): 1 + 2 + 4 + 8 + 16 = 31. Twice the field with each layer, for the same three "
            "weights: exponential growth at linear cost. Without dilation four layers see 9.",
            (31, 1),
            wrong={
                "9": "that is without dilation: four layers of two more samples each",
                "15": "the taps have two gaps, one at each side: each layer adds 2·D",
                "24": "3·8 takes the last layer alone; each layer adds 2·D",
            },
        ),
        StackPreset(
            "gridding",
            "Gridding 2, 2, 2",
            "c3d2-c3d2-c3d2",
            2,
            17,
            "Three 3×3 layers, each with dilation 2, span 13×13 pixels. How many of these 169 does a unit read?",
            ("169", "85", "49", "27"),
            "49",
            "Every tap lands on an even distance from the middle: 7×7 pixels, and 120 inside the box are never read. "
            "Compare with 1, 2, 5 in the next question.",
            (13, 1),
            wrong={
                "169": "the box is not what is read: taps two pixels apart step over the odd distances",
                "85": "half of the pixels would be every second one; every second row is missing too",
                "27": "9 + 9 + 9 adds the taps; each tap of a layer reads all nine of the layer before",
            },
        ),
        StackPreset(
            "hybrid",
            "1, 2, 5 without holes",
            "c3d1-c3d2-c3d5",
            2,
            19,
            "Dilations 1, 2, 5 span 17×17. How many of the 289 pixels are read?",
            ("27", "49", "289"),
            "289",
            "All of them: the first layer fills what the later ones skip. Largest distance between neighbouring reads "
            "at each level: no larger than the kernel below can bridge.",
            (17, 1),
            wrong={
                "27": "9 + 9 + 9 adds the taps; each tap of a layer reads all nine of the layer before",
                "49": "that is with 2, 2, 2, whose common factor leaves holes; 1, 2, 5 have none",
            },
        ),
        StackPreset(
            "wavenet",
            "WaveNet",
            "c2pc-c2pcd2-c2pcd4-c2pcd8",
            1,
            24,
            "Four causal layers with two taps, dilated 1, 2, 4, 8: which past samples does the output at time t see?",
            ("the last 5", "the last 8", "the last 16", "all, and one ahead"),
            "the last 16",
            "1 + 1 + 2 + 4 + 8 = 16 samples up to t, and none after it: all padding stands before the first sample.",
            (16, 1),
            wrong={
                "the last 5": "that is without dilation: one sample more for each layer",
                "the last 8": "that is the distance of the last layer's two taps alone",
                "all, and one ahead": "causal padding stands before the first sample alone, so no window reaches ahead",
            },
        ),
        StackPreset(
            "beyond",
            "Beyond the image",
            "c3p1-c3p1-c3p1-c3p1-c3p1-c3p1",
            2,
            8,
            "Six 3×3 layers over an 8×8 picture see 13×13. What lies where there is no picture?",
            ("Nothing is computed there", "Padding zeros", "The picture again"),
            "Padding zeros",
            "The field is larger than the picture, so every unit near a border sees padding. That is how a network "
            "can learn where the border is.",
            (13, 1),
            wrong={
                "Nothing is computed there": "a layer with padding reads the zeros there as it reads pixels",
                "The picture again": "only circular padding does that; these layers pad with zeros",
            },
        ),
        StackPreset(
            "residual",
            "Residual block",
            "c3p1-c3p1r2",
            2,
            9,
            "Two 3×3 layers, and a branch around them that adds the input. What does the branch do to the field?",
            ("Makes it larger", "Nothing", "Makes it smaller"),
            "Nothing",
            "The branch sees one pixel, which lies inside the 5×5 of the two layers: the larger field wins. But it "
            "brings that pixel unmixed, so the middle weighs more: see the effective field.",
            (5, 1),
            wrong={
                "Makes it larger": "the branch's one pixel lies inside the 5×5 already",
                "Makes it smaller": "the sum reads whatever either of its two ways reads",
            },
        ),
        StackPreset(
            "drift",
            "A branch that drifts",
            "c3s2r1c",
            1,
            23,
            "The layer has stride 2. The branch around it is not strided, only cropped to the same length. How much do "
            "its units see?",
            ("3 pixels, all of them", "3 in the middle, 7 at the ends", "7 pixels, all of them"),
            "3 in the middle, 7 at the ends",
            "With each unit the layer moves on by two pixels and the branch by one. They meet in the middle and drift "
            "apart from there: no one field, jump or start holds, so you see the widest. A 1×1 layer of the same "
            "stride on the branch lines them up.",
            (7, None),
            wrong={
                "3 pixels, all of them": "the branch moves on by one pixel, the layer by two: they drift apart",
                "7 pixels, all of them": "in the middle the branch's pixel lies inside the layer's three",
            },
        ),
        StackPreset(
            "skip",
            "A skip over down and up",
            "c3s2p1-t4s2p1r2",
            1,
            16,
            "Down by two, up again, and a branch adds the input. What does the branch do to the field?",
            ("Makes it larger", "Nothing", "Makes it smaller"),
            "Nothing",
            "Each unit's own pixel lies inside the 5 that it sees anyway. But the way down and up mixes these 5, and "
            "neighbours get the same mixture: the branch brings back which pixel was where.",
            (5, 1),
            wrong={
                "Makes it larger": "the branch's one pixel lies inside the 5 already",
                "Makes it smaller": "the sum reads whatever either of its two ways reads",
            },
        ),
        StackPreset(
            "unet",
            "U-Net's skip",
            "c3p1-m2-c3p1-t2s2u3-c3p1",
            2,
            16,
            "Every layer gives C channels, and the map from before the pooling comes back as in U-Net. How many "
            "weights has the last 3×3?",
            ("9C²", "18C²", "36C²"),
            "18C²",
            "U-Net concatenates: beside the C channels from below stand the C that were kept, and the last layer reads "
            "2C of them, 9·2C·C weights. Added, they would be C again, and 9C². The field is the same either way: "
            "what either of the two reaches.",
            (10, 1),
            16,
            wrong={
                "9C²": "that is if the two maps were added; U-Net concatenates them",
                "36C²": "twice the channels come in, and still C go out",
            },
        ),
        StackPreset(
            "transposed",
            "Down and up again",
            "c3s2p1-t4s2p1",
            1,
            16,
            "Stride 2 down, then a transposed layer with stride 2 up. How far apart are neighbouring outputs' fields?",
            ("Half a pixel", "1 pixel on average", "2 pixels"),
            "1 pixel on average",
            "The map is as fine as the input again. Outputs take turns: pairs of neighbours read the same units, so "
            "their fields jump by 0 or by 2, 1 on average.",
            (5, 1),
            wrong={
                "Half a pixel": "a field begins at a whole pixel, so two of them lie a whole number apart",
                "2 pixels": "that is after the first layer; the way up has two units for each of its own",
            },
        ),
    )
}
