"""The terms of the pages, in one list: each with one sentence, and a small picture where one says more.

A page shows its text with :func:`say`, :func:`remark` and :func:`heading`: the first mention of a term in a run becomes
a link to the glossary. The browser shows the sentence and the picture there, on hover, focus or tap.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Any

import streamlit as st

PAGE = "words"
"""The address of the glossary."""


@dataclass(frozen=True)
class Word:
    """One term.

    name: as the glossary calls it. means: one sentence. spelled: how else the pages write it, between commas.
    picture: rows of cells, see :func:`drawn`. lesson: the address of the page that teaches it.
    source: title and address of what a fact in the sentence comes from.
    """

    name: str
    means: str
    spelled: str = ""
    picture: str = ""
    lesson: str = "start"
    source: tuple[str, str] | None = None

    @property
    def anchor(self) -> str:
        """Where it stands in the glossary."""
        return re.sub(r"\W+", "-", self.name.lower())

    @property
    def spellings(self) -> list[str]:
        """All ways to write it, in small letters."""
        return [self.name.lower(), *(one.strip().lower() for one in self.spelled.split(",") if one.strip())]


GUIDE = ("Dumoulin and Visin 2016, A guide to convolution arithmetic", "https://arxiv.org/abs/1603.07285")
FIELDS = ("Araujo et al. 2019, Computing receptive fields", "https://distill.pub/2019/computing-receptive-fields/")
UNEVEN = ("Odena et al. 2016, Checkerboard artifacts", "https://distill.pub/2016/deconv-checkerboard/")
CONV2D = ("PyTorch, Conv2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html")

WORDS = (
    Word(
        "activation",
        "A function that is applied to each number of a map by itself, such as ReLU.",
        "activations, activation function",
        lesson="feature-maps-walk",
    ),
    Word(
        "bias",
        "One number for each output channel that is added to every sum.",
        "biases",
        "k+o=o",
        lesson="playground",
    ),
    Word(
        "bilinear interpolation",
        "Filling in between pixels: each new one is a mix of the four nearest, the nearer the more.",
        "bilinear, interpolation, interpolates, interpolated",
        "i.i/.o./i.i",
        lesson="transposed-compare",
    ),
    Word(
        "causal",
        "A layer is causal if its output at a time can be computed at that time, while the input is still coming in.",
        "",
        "kko..",
        lesson="receptive-field-growth",
        source=("van den Oord et al. 2016, WaveNet", "https://arxiv.org/abs/1609.03499"),
    ),
    Word(
        "channel",
        "One of the tables of numbers that a picture or a layer's output is made of, such as red, green and blue.",
        "channels",
        "iii kkk ooo/iii kkk ooo",
    ),
    Word(
        "channel shuffle",
        "Deals the channels anew between grouped layers, so that each group gets some of every other; nothing is "
        "multiplied.",
        "shuffle, shuffled",
        "i→i/k→s/i→k/s→s",
        lesson="cost-groups",
        source=("Zhang et al. 2017, ShuffleNet", "https://arxiv.org/abs/1707.01083"),
    ),
    Word(
        "checkerboard",
        "A pattern of stronger and weaker cells that comes up where stamps overlap unevenly, as when the stride does "
        "not divide the kernel's size.",
        "checkerboards, checkerboard artefact, checkerboard artefacts",
        "o.o./.o.o/o.o./.o.o",
        lesson="transposed-checkerboard",
        source=UNEVEN,
    ),
    Word(
        "class",
        "One of the answers that a network can give, such as “cat” or “8”.",
        "classes",
        lesson="feature-maps-decides",
    ),
    Word(
        "convolution",
        "A small table of numbers slides over a picture; at each place the products of what lies over each other are "
        "added up to one number.",
        "convolutions, convolve, convolves, convolved",
        "kki oo/kki→oo/iii",
    ),
    Word(
        "cross-correlation",
        "Convolution without flipping the kernel first: what PyTorch computes, and the field calls convolution.",
        "cross-correlations",
        lesson="playground",
        source=CONV2D,
    ),
    Word(
        "dense layer",
        "Each number of its output has a weight for each number of its input: nothing is local, nothing is shared. A "
        "network of such layers is an MLP.",
        "dense layers, MLP, fully connected",
        "i→o/i→o/i→o",
        lesson="cost-mlp",
    ),
    Word(
        "depthwise convolution",
        "Each channel gets one kernel of its own and sees no other channel: as many groups as channels.",
        "depthwise, depthwise layers",
        "i→k→o/i→k→o/i→k→o",
        lesson="cost-separable",
        source=("Howard et al. 2017, MobileNets", "https://arxiv.org/abs/1704.04861"),
    ),
    Word(
        "dilation",
        "The distance between neighbouring taps of a kernel, in cells: 1 leaves no holes, 2 skips every other cell.",
        "dilations, dilated, dilate",
        "k.k.k",
        lesson="receptive-field-growth",
        source=GUIDE,
    ),
    Word(
        "effective receptive field",
        "The part of its receptive field that really moves a unit's number: most of it lies near the middle.",
        "effective receptive fields, effective field",
        "...../.ooo./.oso./.ooo./.....",
        lesson="receptive-field-effective",
        source=("Luo et al. 2016, Understanding the effective receptive field", "https://arxiv.org/abs/1701.04128"),
    ),
    Word(
        "equivariance",
        "When the input moves, the output moves with it.",
        "equivariant",
        "s..→s../.s.→.s.",
        lesson="feature-maps-equivariance",
    ),
    Word(
        "feature map",
        "What one filter answers at every place of its input: one channel of a layer's output.",
        "feature maps, map, maps",
        "iiii ooo/iiii ooo/iiii ooo/iiii",
        lesson="feature-maps",
    ),
    Word(
        "filter",
        "A kernel seen by what it looks for, such as an edge; it has a table of weights for each input channel.",
        "filters",
        lesson="feature-maps",
    ),
    Word(
        "FLOPs",
        "Floating-point operations: products and sums, each counted by itself.",
        "FLOP",
        lesson="playground",
    ),
    Word(
        "gradient",
        "For each number that a result depends on: how much the result changes when that number changes a little.",
        "gradients",
        lesson="receptive-field-effective",
    ),
    Word(
        "Grad-CAM",
        "The last maps, each weighted by how much the class's score depends on it, added up: where the network saw the "
        "class.",
        lesson="feature-maps-decides",
        source=("Selvaraju et al. 2017, Grad-CAM", "https://arxiv.org/abs/1610.02391"),
    ),
    Word(
        "groups",
        "Parts into which the channels are split: each part has kernels of its own and sees nothing of the others.",
        "grouped",
        "ii→oo/      /ii→oo",
        lesson="cost-groups",
    ),
    Word(
        "ICNR",
        "A start for pixel shuffle that makes all cells of a block alike, so that it begins without a pattern.",
        lesson="transposed-checkerboard",
        source=(
            "Aitken et al. 2017, Checkerboard artifact free sub-pixel convolution",
            "https://arxiv.org/abs/1707.02937",
        ),
    ),
    Word(
        "invariance",
        "When the input moves, the output stays the same.",
        "invariant",
        "s..→o/.s.→o",
        lesson="feature-maps-equivariance",
    ),
    Word(
        "jump",
        "The distance, in pixels of the input, between what two neighbouring units see.",
        "jumps",
        "kkk..../..kkk..",
        lesson="receptive-field",
        source=FIELDS,
    ),
    Word(
        "kernel",
        "The small table of weights that slides over the input: one product for each of its numbers, and one sum.",
        "kernels",
        "kkk/kkk/kkk",
    ),
    Word(
        "latent",
        "The few numbers from which a generator makes a picture.",
        lesson="transposed-checkerboard",
    ),
    Word(
        "layer",
        "One step of a network: it makes its output from the output of the layer before.",
        "layers",
        "i→o",
    ),
    Word(
        "learning rate",
        "How far one update of training moves the weights against the gradient.",
        lesson="feature-maps-learn",
    ),
    Word(
        "locally connected",
        "A layer that reads a window at each place, as a convolution does, but with other weights at every place.",
        "locally connected layer, locally connected layers",
        "kk..→o/.ss.→o",
        lesson="cost-mlp",
        source=("Taigman et al. 2014, DeepFace", "https://doi.org/10.1109/CVPR.2014.220"),
    ),
    Word(
        "loss",
        "One number for how far a layer's answer is from the right one; training makes it smaller.",
        "losses",
        lesson="feature-maps-learn",
    ),
    Word(
        "MACs",
        "Multiply–accumulates: products that are each added to a sum; a layer's work is counted in them.",
        "MAC, multiply–accumulates, multiply–accumulate",
        "k×i+",
        lesson="playground",
    ),
    Word(
        "matrix",
        "A linear layer written as one table of numbers: the table times the input, all in one column, is the output.",
        "matrices",
        "kk../.kk./..kk",
        lesson="transposed-matrix",
        source=GUIDE,
    ),
    Word(
        "occlusion",
        "A patch of the picture is covered, and the drop of the class's score tells how much it hung on the patch.",
        lesson="feature-maps-decides",
        source=("Zeiler and Fergus 2014, Visualizing convolutional networks", "https://arxiv.org/abs/1311.2901"),
    ),
    Word(
        "output_padding",
        "Where several sizes of output go with one input, it says which of them a transposed layer is to make.",
        lesson="transposed-sizes",
        source=(
            "PyTorch, ConvTranspose2d",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html",
        ),
    ),
    Word(
        "padding",
        "Cells, most often zeros, around the input, so that the kernel can reach over its border; that of a transposed "
        "layer cuts cells off the output instead.",
        "padded, pads, pad",
        "pppp/piip/piip/pppp",
        source=GUIDE,
    ),
    Word(
        "parameter",
        "A number that training changes: each weight and each bias is one.",
        "parameters",
        lesson="your-network",
    ),
    Word(
        "pixel shuffle",
        "Moves r² channels into one that is r times as high and as wide; nothing is multiplied.",
        "pixelshuffle",
        "i k→ik/o s→os",
        lesson="transposed-compare",
        source=("Shi et al. 2016, Sub-pixel convolution", "https://arxiv.org/abs/1609.05158"),
    ),
    Word(
        "pointwise convolution",
        "A convolution with a 1×1 kernel: it mixes the channels of each place and sees no neighbour.",
        "pointwise, 1×1 convolution, 1×1 convolutions",
        "i  o/i→ /i  o",
        lesson="cost-pointwise",
    ),
    Word(
        "pooling",
        "One number for each window, its largest or its mean: the map gets smaller.",
        "pooled, poolings, max pooling, average pooling, max-pooling, pool",
        "ii.. o./ii.. ../....",
        lesson="feature-maps-pooling",
    ),
    Word(
        "PSNR",
        "How close a picture is to the original: 10·log₁₀(1 / mean squared error), in decibels.",
        lesson="transposed-compare",
    ),
    Word(
        "rank",
        "The number of column-times-row products that a matrix is a sum of, at least; a kernel of rank 1 can be split.",
        lesson="cost-kernel",
    ),
    Word(
        "receptive field",
        "The pixels of the input that one unit's number is made of.",
        "receptive fields, field, fields",
        "...../.iii./.iii./.iii./.....",
        lesson="receptive-field",
        source=FIELDS,
    ),
    Word(
        "ReLU",
        "max(0, x): what lies above 0 stays, everything else becomes 0.",
        "relus",
        lesson="feature-maps-walk",
    ),
    Word(
        "saliency",
        "For each pixel, how much the class's score changes with it: the size of the gradient there.",
        lesson="feature-maps-decides",
        source=("Simonyan et al. 2013, Deep inside convolutional networks", "https://arxiv.org/abs/1312.6034"),
    ),
    Word(
        "score",
        "The number that a network gives a class; the highest wins. Elsewhere also called logit.",
        "scores, logit, logits",
        lesson="feature-maps-decides",
    ),
    Word(
        "singular value",
        "The size of one of the column-times-row products that a matrix is the sum of, the largest first; as many as "
        "the rank are not 0.",
        "singular values",
        "k okk/k    /k    ",
        lesson="cost-kernel",
        source=("Eckart and Young 1936, Approximation by lower rank", "https://doi.org/10.1007/BF02288367"),
    ),
    Word(
        "stack",
        "Layers in a row, each on the output of the one before.",
        "stacks, stacked",
        "i→o→o→s",
        lesson="receptive-field",
    ),
    Word(
        "stamp",
        "The kernel times one number of the input, laid down in the output.",
        "stamps",
        "kkk./ksss/ksss/.sss",
        lesson="transposed",
    ),
    Word(
        "stride",
        "How many cells the kernel moves from one place to the next.",
        "strides, strided",
        "kkk..../..kkk..",
    ),
    Word(
        "tap",
        "One place of a kernel and the weight there.",
        "taps",
        "kkk/ksk/kkk",
        lesson="playground",
    ),
    Word(
        "transposed convolution",
        "Enlarges a map: each number of the input lays down a kernel times itself, and what overlaps is added. Its "
        "matrix is that of a convolution with rows and columns exchanged.",
        "transposed convolutions, transposed layer, transposed layers",
        "ii→oooo/ii→oooo/   oooo/   oooo",
        lesson="transposed",
        source=GUIDE,
    ),
    Word(
        "unevenness",
        "The part of a signal's size that repeats with the stride: 0 is even, 1 is nothing but pattern.",
        "uneven, unevenly",
        lesson="transposed-checkerboard",
    ),
    Word(
        "unit",
        "One number of a layer's output: one place in one of its maps.",
        "units",
        "ooo/oso/ooo",
        lesson="receptive-field",
    ),
    Word(
        "unpooling",
        "Enlarging a map by putting each value back where the maximum was, and zeros elsewhere.",
        "unpooled, max-unpooling",
        "oo→o.../   ..o./   ..../   ....",
        lesson="feature-maps-pooling",
    ),
    Word(
        "weight",
        "A number of a kernel, which training changes.",
        "weights",
        "kkk/ksk/kkk",
    ),
)

# -- in a text ---------------------------------------------------------------------------------------------------------

_BY_SPELLING = {spelling: word for word in WORDS for spelling in word.spellings}
# Code, formulas, links, icons and tags stay as they are; and to tap is no place of a kernel.
_KEPT = r"`[^`]*`|\$[^$]*\$|\[[^\[\]]*\]\([^()]*\)|:material/\w+:|<[^>]*>|\b(?:click|hover|touch) or tap\b"
# By first letter, and the longest first: in a row it takes five times as long to find none.
_LETTERS = groupby(sorted(_BY_SPELLING, key=lambda one: (one[0], -len(one))), key=lambda one: one[0])
_TERM = "|".join(f"{letter}(?:{'|'.join(re.escape(one[1:]) for one in found)})" for letter, found in _LETTERS)
_PATTERN = re.compile(rf"{_KEPT}|(?<![\w-])({_TERM})(?![\w-])", re.IGNORECASE)

_said: ContextVar[set[str]] = ContextVar("said")


def begin(said: frozenset[str] = frozenset()) -> None:
    """A run of a page begins, or goes on where these terms have been defined, by anchor."""
    _said.set(set(said))


def said() -> frozenset[str]:
    """The terms that this run has defined, by anchor."""
    return frozenset(_said.get(()))


@lru_cache(maxsize=2048)
def mentions(text: str) -> tuple[tuple[int, int, str], ...]:
    """The first mention of each term in a text of Streamlit's Markdown: where it begins and ends, and its anchor."""
    found: dict[str, tuple[int, int, str]] = {}
    for match in _PATTERN.finditer(text):
        if match[1]:
            anchor = _BY_SPELLING[match[1].lower()].anchor
            found.setdefault(anchor, (*match.span(1), anchor))
    return tuple(found.values())


def meaning(term: str) -> str:
    """The sentence of a term that stands alone, as in the head of a table; nothing for another word."""
    word = _BY_SPELLING.get(term.lower())
    return word.means if word else ""


def defined(text: str, link: str = "[{text}]({to})") -> str:
    """Markdown in which each term that this run of the page has not defined yet is a link to its definition."""
    known, parts, at = _said.get(None), [], 0
    if known is None:
        return text
    for begins, ends, anchor in mentions(text):
        if anchor not in known:
            known.add(anchor)
            parts += [text[at:begins], link.format(text=text[begins:ends], to=f"{PAGE}#{anchor}")]
            at = ends
    return "".join(parts) + text[at:]


def defined_in(html: str) -> str:
    """The same for HTML of a figure."""
    return defined(html, '<a href="{to}" target="_blank">{text}</a>')


def say(text: str, **how: Any) -> None:
    """As ``st.markdown``, with its terms :func:`defined`."""
    st.markdown(defined(text), **how)


def remark(text: str, **how: Any) -> None:
    """As ``st.caption``, with its terms defined."""
    st.caption(defined(text), **how)


def heading(text: str) -> None:
    """As ``st.header``, with its terms defined."""
    st.header(defined(text), anchor=False)


# -- pictures ----------------------------------------------------------------------------------------------------------

_FILLS = {"i": "var(--input)", "k": "var(--kernel)", "o": "var(--output)", "s": "var(--selection)"}


def drawn(picture: str) -> str:
    """SVG of rows of cells, between slashes: ``i`` input, ``k`` kernel, ``o`` output, ``s`` what is spoken of, ``p``
    padding, ``.`` another cell, a space nothing; any other character stands as it is."""
    rows, cells = picture.split("/"), []
    for y, row in enumerate(rows):
        for x, sign in enumerate(row):
            at = f'x="{12 * x + 1}" y="{12 * y + 1}" width="11" height="11"'
            if sign in _FILLS:
                cells.append(f'<rect {at} fill="{_FILLS[sign]}"/>')
            elif sign in ".p":
                cells.append(f'<rect {at} fill="none" stroke="currentColor" stroke-opacity="0.45"/>')
                if sign == "p":
                    line = f"M{12 * x + 1} {12 * y + 12}l11 -11"
                    cells.append(f'<path d="{line}" stroke="currentColor" stroke-opacity="0.45"/>')
            elif sign != " ":
                cells.append(
                    f'<text x="{12 * x + 6.5}" y="{12 * y + 10.5}" font-size="11" text-anchor="middle" '
                    f'fill="currentColor">{escape(sign)}</text>'
                )
    width, height = 12 * max(map(len, rows)) + 2, 12 * len(rows) + 2
    size = f'viewBox="0 0 {width} {height}" width="{2 * width}" height="{2 * height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} aria-hidden="true">{"".join(cells)}</svg>'


def javascript() -> str:
    """What the browser shows of each term, by anchor, as a module."""
    shown = {
        word.anchor: {"name": word.name, "means": word.means, "picture": drawn(word.picture) if word.picture else ""}
        for word in WORDS
    }
    return f"export const WORDS = {json.dumps(shown, ensure_ascii=False)};\n"
