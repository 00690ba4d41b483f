"""The questions of these lessons, easy ones first."""

from __future__ import annotations

from itertools import product

from pages._question import Question
from rooms.room import cells_at

VIEWS = (
    Question(
        "stamp",
        "One stamp",
        "Each number of the input stamps the kernel, multiplied by it. Which number comes to stand in the output's top "
        "left corner?",
        ("1", "2", "11"),
        "2",
        "2·1 = 2: the top left number times the top left weight. No other stamp reaches that corner.",
        {
            "1": "that is the weight alone; the stamp is the kernel times the number that stamps",
            "11": "that is the sum of all four numbers; the other three stamps do not reach that corner",
        },
        about={},
    ),
    Question(
        "overlap",
        "Stamps that meet",
        "Four numbers stamp a 3×3 kernel, one cell apart. How many stamps meet in a cell in the middle of the output?",
        ("1", "2", "4", "9"),
        "4",
        "Each of the four input cells stamps all nine weights. The corners get one stamp, the edges two, the middle "
        "four: 29 = 4·1 + 4·4 + 1·1 + 2·4. Hover it: every view names the same four products.",
        {
            "1": "that is a corner; stamps of neighbours overlap",
            "2": "that is an edge; they overlap in both directions",
            "9": "that is how many weights a stamp has; there are four stamps",
        },
        about={},
    ),
    Question(
        "fill",
        "Fill in a number",
        "Which number comes to stand in row 1, column 1 of the output, both counted from 0? Type it.",
        (),
        "29",
        "All four stamps reach that cell: 2·4 + 1·1 + 4·4 + 4·1 = 29.",
        {
            "8": "that is the first stamp alone; all four reach this cell",
            "": "all four stamps reach this cell, each with another of its weights; add the four products",
        },
        about={},
    ),
    Question(
        "touches",
        "Mark what one number touches",
        "Stride 2: stamps lie two cells apart. Mark all cells of the output that the outlined input cell touches.",
        (),
        cells_at(product((0, 1, 2), (2, 3, 4))),
        "The kernel is 3×3, so a stamp has nine cells. The outlined cell is in row 0, column 1: its stamp begins in "
        "row 2·0 = 0, column 2·1 = 2.",
        {"": "one number stamps the whole kernel, and the next stamp begins two cells further"},
        about={"ct_stride": "2"},
        cell="output",
        several=True,
        selects=1,
    ),
    Question(
        "padding",
        "What padding does here",
        "Without padding this layer makes 4×4 of 2×2. How large is the output with padding = 1?",
        ("2×2", "4×4", "6×6"),
        "2×2",
        "(2 − 1)·1 − 2·1 + (3 − 1) + 1 = 2. The padding of a transposed layer cuts: one cell off each side of what the "
        "stamps made. A convolution with that padding would go from there to 2×2.",
        {
            "4×4": "padding = 1 counts on both sides of each axis",
            "6×6": "padding adds to the input of a convolution; of a transposed layer's output it cuts",
        },
        about={"ct_padding": "1"},
    ),
    Question(
        "zeros",
        "Zeros instead of stamps",
        "The same numbers come from an ordinary convolution, once zeros stand around the input. Of the nine products "
        "of an output cell in the middle, how many are with such a zero?",
        ("0", "5", "8"),
        "5",
        "The window holds all four input numbers and five zeros: nine products for what four stamps do.",
        {
            "0": "the window is 3×3 and the input 2×2: the rest of the window must be filled",
            "8": "in the middle the window holds the whole input, not one number",
        },
        about={},
    ),
)

MATRIX = (
    Question(
        "shape",
        "Rows and columns",
        "The layer makes 4×4 of 2×2. How many rows and columns has its matrix?",
        ("4×16", "16×4", "16×16"),
        "16×4",
        "A row for each of the sixteen output cells, a column for each of the four input cells.",
        {
            "4×16": "that is the matrix C, which makes four numbers of sixteen",
            "16×16": "there is a column for each input cell, and there are four",
        },
        about={},
    ),
    Question(
        "entries",
        "What is not zero",
        "Each input cell has a column in the matrix. How many entries are not zero?",
        ("9", "36", "64"),
        "36",
        "A column holds one stamp: nine weights. Four columns: 36, and the same nine weights in each.",
        {
            "9": "that is one column, and there are four",
            "64": "a stamp of nine weights covers only nine of the sixteen output cells",
        },
        about={},
    ),
    Question(
        "inverse",
        "There and back",
        "The matrix C makes 2×2 of a 4×4 image, and Cᵀ makes 4×4 of that. Is it the image again?",
        ("Yes", "Only its shape", "Only its sum"),
        "Only its shape",
        "Sixteen numbers went through four: twelve directions are lost, and nothing brings them back. Cᵀ does not even "
        "undo what was kept; for that you need the pseudo-inverse C⁺, which has hardly any zeros left.",
        {
            "Yes": "sixteen numbers went through four; transposed is not inverse",
            "Only its sum": "overlapping stamps add up, so the sum grows",
        },
        about={},
    ),
)

SIZES = (
    Question(
        "size",
        "One cell apart",
        "Four numbers, 2×2, stamp a 3×3 kernel with stride 1. How large is the output?",
        ("2×2", "4×4", "6×6"),
        "4×4",
        "(2 − 1)·1 + 3 = 4: the last stamp begins one cell after the first, and is three cells wide.",
        {
            "2×2": "a stamp alone is 3×3",
            "6×6": "stamps begin one cell apart, not three: they overlap",
        },
        about={},
    ),
    Question(
        "double",
        "What padding cuts",
        "4×4, kernel 4, stride 2, padding 1: how large is the output?",
        ("8×8", "9×9", "10×10", "12×12"),
        "8×8",
        "(4 − 1)·2 + 4 = 10, and padding cuts one cell off each side: exactly twice as large.",
        {
            "9×9": "padding cuts on both sides of an axis",
            "10×10": "that is what the stamps cover; padding has not cut yet",
            "12×12": "padding adds to the input of a convolution; of a transposed layer's output it cuts",
        },
        about={"ct_input_size": "4", "ct_kernel_size": "4", "ct_stride": "2", "ct_padding": "1"},
    ),
    Question(
        "meet",
        "Sizes that meet",
        "A 3×3 convolution with stride 2 and padding 1 makes 3×3 of 5×5. Of which other size does it make 3×3, too?",
        ("4×4", "6×6", "7×7"),
        "6×6",
        "⌊(6 + 2·1 − 3)/2⌋ + 1 = 3: the last step of two does not fit any more. All 6×6 numbers are read, but not the "
        "padding below and at the right. So going back, the layer has to be told which of the two was meant.",
        {
            "4×4": "⌊(4 + 2·1 − 3)/2⌋ + 1 = 2, one step less",
            "7×7": "⌊(7 + 2·1 − 3)/2⌋ + 1 = 4, one step more",
        },
        about={"ct_input_size": "3", "ct_stride": "2", "ct_padding": "1"},
    ),
    Question(
        "output_padding",
        "What output_padding adds",
        "What does output_padding = 1 add?",
        ("Zeros around the input", "A row and a column of the output", "A border all round the output"),
        "A row and a column of the output",
        "At the end of each axis, one cell: 6×6 instead of 5×5, for both lead to 3×3. They are no zeros: stamps that "
        "padding had cut off reach them.",
        {
            "Zeros around the input": "the input stays as it is; a larger output is asked for",
            "A border all round the output": "it is on one side alone, where the last step of the convolution ended",
        },
        about={"ct_input_size": "3", "ct_stride": "2", "ct_padding": "1", "ct_output_padding": "1"},
    ),
    Question(
        "flops",
        "MACs and FLOPs",
        "Four numbers stamp nine weights each: 36 multiply–accumulates (MACs). How many floating point operations "
        "(FLOPs) are that?",
        ("18", "36", "72"),
        "72",
        "Each multiply–accumulate is two operations, a product and a sum: 36 MACs = 72 FLOPs. Papers mix the two up, "
        "so look for a factor of two before you compare.",
        {
            "18": "a multiply–accumulate is two operations, not half of one",
            "36": "a multiply–accumulate is a product and a sum",
        },
        about={},
    ),
    Question(
        "zeros",
        "Why not just pad?",
        "5×5 to 7×7: padded with zeros, an ordinary 3×3 convolution multiplies 441 times. How often does the "
        "transposed layer?",
        ("225", "361", "441"),
        "225",
        "25 input cells stamp nine weights each: 25·9 = 225. The other 216 of the 441 multiply zeros.",
        {
            "361": "each of the 25 input cells stamps nine weights, no more",
            "441": "that is nine for each output cell; the transposed layer pays for each input cell",
        },
        about={"ct_input_size": "5"},
    ),
)

CHECKERBOARD = (
    Question(
        "most",
        "Where stamps overlap",
        "A 3×3 kernel stamps with stride 2. How many stamps meet in one cell at most?",
        ("1", "2", "4", "9"),
        "4",
        "Along an axis each stamp overlaps the next by one cell: 1, 2, 1, 2, … Both axes multiply: some cells get 1, "
        "some 2, some 4.",
        {
            "1": "a stamp is three cells wide, and the next begins after two",
            "2": "that is along one axis; both axes multiply",
            "9": "that is how many weights a stamp has",
        },
        about={},
    ),
    Question(
        "divisible",
        "Kernels without a pattern",
        "With stride 2, which kernel sizes leave no pattern?",
        ("2 and 4", "3 and 5", "all", "none"),
        "2 and 4",
        "Every output gets the same number of stamps when the kernel is divisible by the stride.",
        {
            "3 and 5": "with 3, cells get 1 or 2 stamps along an axis, in turn",
            "all": "with 3, cells get 1 or 2 stamps along an axis, in turn",
            "none": "a kernel of 2 lays stamp beside stamp",
        },
        about={},
    ),
    Question(
        "stride",
        "One cell apart",
        "And with stride 1, which kernel sizes leave no pattern?",
        ("all", "only 1", "none"),
        "all",
        "With stride 1 a stamp begins at every cell, so each cell inside gets all taps of a kernel.",
        {
            "only 1": "larger stamps overlap, but every cell inside gets as many",
            "none": "stamps overlap, but every cell inside gets as many",
        },
        about={"cb_stride": "1"},
    ),
    Question(
        "dilation",
        "With dilation",
        "With stride 4 and dilation 2, which kernel sizes leave no pattern?",
        ("4 and 8", "all", "none"),
        "none",
        "Stride 4 and dilation 2 share the factor 2: taps land on every second cell alone, and the others stay empty, "
        "whatever the kernel.",
        {
            "4 and 8": "they are divisible by the stride, but the taps stand two cells apart",
            "all": "the taps stand two cells apart, and the stamps four",
        },
        about={"cb_stride": "4", "cb_dilation": "2"},
    ),
    Question(
        "gradient",
        "And backwards",
        "A 3×3 convolution with stride 2 learns. From how many outputs does a pixel inside its input learn?",
        ("1, 2 or 4", "always 4", "always 9"),
        "1, 2 or 4",
        "As many as windows that hold it. The backward pass of a strided convolution is a transposed convolution, so "
        "it leaves the same pattern.",
        {
            "always 4": "that is a pixel at a corner where four windows meet; most lie in fewer",
            "always 9": "that would be stride 1",
        },
        about={},
    ),
)

COMPARE = (
    Question(
        "free",
        "For nothing",
        "Which of these multiplies nothing?",
        ("Nearest", "Bilinear", "Transposed, learned"),
        "Nearest",
        "Every pixel is copied. Max-unpooling multiplies nothing either: it moves pixels, and leaves zeros between.",
        {
            "Bilinear": "it weighs neighbouring pixels, and a weight is a product",
            "Transposed, learned": "each input pixel stamps all weights of the kernel",
        },
        about={},
    ),
    Question(
        "bilinear",
        "Can it be bilinear?",
        "Can a transposed convolution be bilinear interpolation?",
        ("No, it has to be learned", "Yes, with the right kernel", "Only for scale 2"),
        "Yes, with the right kernel",
        "With a tent, 4×4 for scale 2: every stamp fades to nothing where the next one takes over. The pictures below "
        "show the two, and that nothing is left between them.",
        {
            "No, it has to be learned": "learning finds weights; nobody forbids to write them down",
            "Only for scale 2": "a larger scale takes a wider kernel",
        },
        about={},
    ),
    Question(
        "closest",
        "The closest",
        "The astronaut, made half as large and enlarged again: which comes closest to the original?",
        ("Nearest", "Bicubic", "Transposed, learned"),
        "Bicubic",
        "Bicubic weighs sixteen pixels for each new one. The transposed layer has the best 4×4 kernel that exists for "
        "this picture, but with stride 2 only four stamps meet in a pixel.",
        {
            "Nearest": "copied pixels make stairs of every edge",
            "Transposed, learned": "its kernel is the best of its size, and with stride 2 only four stamps meet in a "
            "pixel",
        },
        about={},
    ),
    Question(
        "shuffle",
        "Pixel shuffle",
        "Pixel shuffle with r = 2 makes one channel of four. From which of them, counted from 0, comes the number in "
        "row 1, column 0?",
        ("0", "1", "2", "3"),
        "2",
        "(y mod r)·r + x mod r = 1·2 + 0 = 2: the four channels stand in each 2×2 block row by row.",
        {
            "0": "that is row 0, column 0",
            "1": "that is row 0, column 1: the block is filled row by row",
            "3": "that is row 1, column 1",
        },
        about={},
    ),
)

LEARN = (
    Question(
        "tent",
        "What it learns",
        "A layer with kernel_size 4 and stride 2 is trained to copy bilinear interpolation. What does its kernel "
        "become?",
        ("All weights equal", "A tent", "It depends on the seed"),
        "A tent",
        "A tent: a pixel counts less, in equal steps, the farther from it an output lies. That is what bilinear "
        "interpolation does, and this layer can do it exactly: the loss has one minimum, 0, and every seed falls into "
        "it.",
        {
            "All weights equal": "equal weights copy pixels and average them; the nearer pixel counts more",
            "It depends on the seed": "the loss is a bowl with one lowest point, wherever one starts",
        },
        about={},
    ),
    Question(
        "part",
        "Too small a kernel",
        "With stride 2 a tent has 4×4 cells. The kernel is 3×3: how low can the loss fall?",
        ("To 0", "Not to 0", "It does not fall"),
        "Not to 0",
        "What does not fit is missing in some outputs and not in others: the kernel becomes a part of a tent, and a "
        "flat image comes out uneven.",
        {
            "To 0": "one row and one column of the tent do not fit",
            "It does not fall": "a part of a tent is better than random weights",
        },
        about={"wl_kernel": "3"},
    ),
    Question(
        "wide",
        "Another stride",
        "With stride 3 and a 5×5 kernel: how low can the loss fall?",
        ("To 0", "Not to 0", "It does not fall"),
        "To 0",
        "A tent for stride 3 has 5×5 cells: two times three, less one. It fits exactly.",
        {
            "Not to 0": "5 is not divisible by 3, but the tent needs no more than 2·3 − 1 cells",
            "It does not fall": "the tent for stride 3 has 2·3 − 1 cells along an axis",
        },
        about={"wl_scale": "3", "wl_kernel": "5"},
    ),
    Question(
        "picture",
        "From a picture",
        "The layer learns to enlarge the astronaut instead. What will it make of a flat image?",
        ("A strong checkerboard", "Hardly any pattern", "It depends on the seed"),
        "Hardly any pattern",
        "Most of a picture is nearly flat, and a pattern there would cost error everywhere: training evens out what "
        "the overlap does not.",
        {
            "A strong checkerboard": "most of a picture is nearly flat: there a pattern would cost error everywhere",
            "It depends on the seed": "the loss is a bowl with one lowest point, wherever one starts",
        },
        about={"task": "The picture"},
    ),
)
