"""Makes the font of exported pictures anew: Source Sans 3 as Streamlit brings it, at four weights, with few characters.

    uv run --with "fonttools[woff]" assets/make_font.py VARIABLE.woff2 viz/export/font

The licence, OFL.txt beside the files, reserves the name Source, so the result has another. `metrics.json` holds how
wide characters are, in thousandths of the type's size, by weight and character.
"""

import json
import sys
from math import cos, radians, sin
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph, GlyphComponent
from fontTools.varLib.instancer import instantiateVariableFont

WEIGHTS = {400: "Regular", 500: "Medium", 600: "SemiBold", 700: "Bold"}
CHARACTERS = (
    "".join(map(chr, range(0x20, 0x7F))) + "−×∗ᵀ±·÷≈≠≤≥½…→←↑↓′″∞⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉√∑Δαβγεθλμσφω“”‘’–—‹›✓°éöäüßè"
)


LONGER = 1.4
"""A stroke of the operator ∗ beside a minus: as long as in the fonts from which browsers take the operator."""


def with_operator(font: TTFont) -> None:
    """The operator ∗, which the font lacks: its minus three times, turned about its middle."""
    name, minus = "asteriskmath", font.getBestCmap()[ord("−")]
    stroke, made = font["glyf"][minus], Glyph()
    x, y = (stroke.xMin + stroke.xMax) / 2, (stroke.yMin + stroke.yMax) / 2
    made.numberOfContours, made.components = -1, []
    for turn in (30, 90, 150):
        part, along, up = GlyphComponent(), cos(radians(turn)), sin(radians(turn))
        part.transform = [[LONGER * along, LONGER * up], [-up, along]]
        part.x, part.y = round(x - LONGER * along * x + up * y), round(y - LONGER * up * x - along * y)
        part.glyphName, part.flags = minus, 4
        made.components.append(part)
    font["glyf"].glyphs[name] = made
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"].glyphOrder = font.getGlyphOrder()
    font["hmtx"].metrics[name] = font["hmtx"].metrics[minus]
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[ord("∗")] = name


def renamed(font: TTFont, weight: int, style: str) -> None:
    """Another name, and the licence in the file."""
    names = font["name"]
    made = "Made from Source Sans 3, (c) Adobe, Reserved Font Name 'Source'. SIL Open Font License 1.1."
    names.names = []
    told = {
        0: made,
        1: f"ConvScope Sans {style}",
        2: "Regular",
        3: f"ConvScopeSans-{style}",
        4: f"ConvScope Sans {style}",
        6: f"ConvScopeSans-{style}",
        13: made,
        14: "https://openfontlicense.org",
        16: "ConvScope Sans",
        17: style,
    }
    for number, text in told.items():
        names.setName(text, number, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight


def main(source: str, folder: str) -> None:
    widths = {}
    for weight, style in WEIGHTS.items():
        font = instantiateVariableFont(TTFont(source), {"wght": weight})
        font.flavor = None
        with_operator(font)
        options = Options()
        options.layout_features, options.hinting, options.glyph_names = ["kern"], False, False
        options.name_IDs, options.notdef_outline = [], True
        subset = Subsetter(options)
        subset.populate(text=CHARACTERS)
        subset.subset(font)
        renamed(font, weight, style)
        font.save(Path(folder, f"{style}.ttf"))
        font.flavor = "woff2"
        font.save(Path(folder, f"{style}.woff2"))
        scale = 1000 / font["head"].unitsPerEm
        widths[weight] = {chr(c): round(font["hmtx"][g][0] * scale) for c, g in sorted(font.getBestCmap().items())}
    Path(folder, "metrics.json").write_text(
        json.dumps(widths, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
