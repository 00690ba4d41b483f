"""Ways to enlarge a picture, held against the original."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from models.text import big, sentence
from models.transposed.code import compared_code
from models.upsampling import (
    BilinearProof,
    UpsamplingError,
    bilinear_proof,
    pair,
    sample_positions,
    shuffle_map,
)
from pages._lesson import frame, offer
from pages._question import Asking
from pages.transposed._kept import compared
from pages.transposed._questions import COMPARE
from viz import state
from viz.controls.picture import PICTURE, choose
from viz.figures import show, table
from viz.figures.cards import mathml
from viz.figures.cells import framed, hidden, image, row, signed
from viz.figures.upsampling import positions, shuffle, tiles
from viz.state import Choice, Fold, Whole, whole
from viz.words import remark

SCALE = Choice("scale", 2, "Scale", None, (2, 3, 4), "segmented_control", read=whole(2, 4))
LOOK = Choice(
    "look", "Detail", "Show",
    "Detail: the middle, enlarged. Difference: orange too bright, violet too dark, eight times as strong.",
    ("Picture", "Detail", "Difference"), "segmented_control",
)  # fmt: skip
FACTOR = Choice("shuffle", 2, "r", None, (2, 3), "segmented_control", read=whole(2, 3))
ALIGNED = Whole("ac_size", 4, "Pixels", None, 2, 10, slider=True)
ALIGNED_SCALE = Whole("ac_scale", 2, "Scale", None, 2, 5, slider=True)
NUMBERS = Fold("up_numbers", False, "**All numbers**, and how the MACs were counted", icon=":material/table_rows:")
TENT = Fold("up_tent", False, "**Can a transposed convolution interpolate?** One that is bilinear interpolation")
SHUFFLED = Fold("up_shuffled", False, "**What does a pixel shuffle do?** It moves numbers, and multiplies nothing")
CORNERS = Fold("up_corners", False, "**Where do the outputs sample?** `align_corners` off and on")
FOLDS = (NUMBERS, TENT, SHUFFLED, CORNERS)
SETTINGS = (PICTURE, SCALE, LOOK, FACTOR, ALIGNED, ALIGNED_SCALE)
ASKING = Asking("transposed-compare", COMPARE, SETTINGS)


def draw(covered: bool) -> None:
    """The comparison, and what there is to see of it more closely."""
    chosen = {}

    def choices() -> None:
        chosen["picture"] = choose()
        remark(
            "The picture is first made smaller (each pixel the mean of S² pixels), then enlarged in eight ways. The "
            "learned ones get the best kernel that exists for this very picture, by least squares."
        )

    def looks() -> None:
        with st.container(horizontal=True, gap="small"):
            SCALE.draw()
            LOOK.draw()

    with frame(choices, draw_lead=looks, asking=ASKING):
        picture, scale, look = chosen["picture"], SCALE.value, LOOK.value
        state.remember("up_picture", picture)
        try:
            if covered:
                _before(picture.pixels, scale, look)
                return
            rows = compared(picture.pixels, scale)
        except UpsamplingError as error:
            st.info(sentence(error))
            return
        height, width = rows[0]["image"].shape[:2]
        original = picture.pixels[:height, :width] / 255
        show(_grid(original, rows, look, scale), key="up_pictures")
        remark(
            "**PSNR**: 10·log₁₀(1 / mean squared error), in decibels; more is closer to the original. **Pattern**: the "
            "part of the error that repeats with the scale; 0 is none, 1 is nothing but pattern. **MACs**: for the "
            f"whole picture, all {original.shape[2]} colours."
        )
        NUMBERS.draw(lambda: _table(rows, f"Eight ways to enlarge {picture.name} {scale} times"))
        TENT.draw(lambda: _proof(picture.pixels, scale))
        SHUFFLED.draw(_shuffled)
        CORNERS.draw(_aligned)


def _table(rows: list[dict], label: str) -> None:
    head = ("Method", "PSNR, dB", "Parameters", "MACs", "Pattern", "MACs counted by")
    cells = []
    for one in rows:
        psnr, _, _, pattern = _numbers(one)
        cells.append((one["title"], psnr, one["parameters"], one["macs"], pattern, one["counted"]))
    table(head, cells, key="up_table", label=label)


def _before(pixels: np.ndarray, scale: int, look: str) -> None:
    """The original, and all that is left of it for the ways to enlarge. Raises ``UpsamplingError``."""
    small = pair(pixels, scale)[0][:, 0].permute(1, 2, 0).numpy()
    figures = (
        framed("Original", image(_part(pixels, look), "The original", 250)),
        framed("Shrunk", image(_part(small, look, scale), "The original, shrunk", 250)),
        hidden("Enlarged again, eight ways"),
    )
    show(row(*figures), key="up_before")


def _grid(original: np.ndarray, rows: list[dict], look: str, scale: int) -> str:
    """The original and what each way makes of its smaller self, with the numbers below each picture."""
    height, width = original.shape[:2]
    sizes = (("Pixels", f"{width} × {height}"), ("Shrunk to", f"{width // scale} × {height // scale}"))
    first = _looked(original, original, "Picture" if look == "Difference" else look, "The original")
    shown = [("Original", first, sizes, False)]
    best = max(one["psnr"] for one in rows)
    for one in rows:
        picture = _looked(one["image"], original, look, f"{one['title']}: {look.lower()}")
        numbers = zip(("PSNR", "Parameters", "MACs", "Pattern"), _numbers(one, " dB"), strict=True)
        shown.append((one["title"], picture, tuple(numbers), one["psnr"] == best))
    return tiles(shown)


def _numbers(one: dict, unit: str = "") -> tuple[str, str, str, str]:
    """PSNR, parameters, MACs and pattern of one way, as they are written everywhere."""
    psnr = f"{one['psnr']:.2f}{unit}" if math.isfinite(one["psnr"]) else "∞"
    return psnr, big(one["parameters"]), big(one["macs"]), f"{one['pattern']:.3f}"


def _looked(values: np.ndarray, original: np.ndarray, look: str, said: str) -> str:
    """The picture as it is shown."""
    if look == "Difference":
        return signed((values - original).mean(axis=2) * 8, said, 400)
    return image(_part(values, look), said, 400)


def _part(values: np.ndarray, look: str, scale: int = 1) -> np.ndarray:
    """The middle of a picture that is so much smaller than the others, if details are looked at."""
    if look != "Detail":
        return values
    side = 56 // scale
    top, left = (max(0, (n - side) // 2) for n in values.shape[:2])
    return values[top : top + side, left : left + side]


def _proved(pixels: np.ndarray, scale: int) -> BilinearProof:
    low, _ = pair(pixels, scale)
    return bilinear_proof(low[:, 0].mean(0).numpy(), scale)


def script() -> str:
    """The comparison that is shown, as a script. Raises ``ValueError`` for a picture that cannot be compared."""
    picture, scale, size, zoom = state.recall("up_picture"), SCALE.value, ALIGNED.value, ALIGNED_SCALE.value
    pixels = picture.pixels
    rows = compared(pixels, scale)
    border = float(np.abs(_proved(pixels, scale).difference).max())
    positions = [(on, sample_positions(size, zoom, on).measured) for on in (False, True)]
    return compared_code(picture.origin, pixels, scale, rows, border, FACTOR.value, positions, size, zoom)


def _proof(pixels: np.ndarray, scale: int) -> None:
    found = _proved(pixels, scale)
    size = found.transposed.shape
    top = float(np.abs(found.difference).max()) or 1.0
    difference = signed(found.difference / top, "Difference: zero inside, not zero along the border", 240)
    agree = found.largest < 1e-9
    show(
        row(
            framed("ConvTranspose2d, tent kernel", image(found.transposed, "Transposed convolution", 240)),
            framed("Interpolation, bilinear", image(found.interpolated, "Bilinear interpolation", 240)),
            framed(
                "Their difference",
                difference,
                f"inside: at most {found.largest:.1g} {'✓' if agree else '≠'}; at the border: up to {top:.2g}",
            ),
        ),
        key="up_proof",
    )
    edge = "row of pixels on each side differs" if scale < 4 else f"{scale // 2} rows of pixels on each side differ"
    remark(
        f"{size[1]} × {size[0]} pixels, in float64. Only the outermost {edge}: there interpolation repeats the last "
        "pixel, and a stamp from beyond it is missing."
    )


def _shuffled() -> None:
    factor = FACTOR.draw()
    found = shuffle_map(factor**2, (3, 3), factor)
    same = all(np.array_equal(a, b) for a, b in zip(found.measured, found.predicted, strict=True))
    show(shuffle(found, factor, (3, 3)), key="up_shuffle")
    remark(
        f"{factor**2}×3×3 → 1×{3 * factor}×{3 * factor}. Output (y, x) comes from channel (y mod r)·r + x mod r, cell "
        f"(⌊y/r⌋, ⌊x/r⌋): `nn.PixelShuffle` moved every number there {'✓' if same else '≠'}."
    )


def _aligned() -> None:
    left, right = st.columns(2)
    with left:
        size = ALIGNED.draw()
    with right:
        scale = ALIGNED_SCALE.draw()
    off, on = sample_positions(size, scale, False), sample_positions(size, scale, True)
    mark = "✓" if all(np.abs(one.measured - one.predicted).max() < 1e-9 for one in (off, on)) else "≠"
    show(
        positions(off, on, size)
        + "".join(
            f"<p>align_corners {name}: {mathml(one.formula.symbols)} "
            f"{mathml(f'= {one.formula.filled}')}, spacing {one.spacing:.3f} {mark} measured on nn.Upsample</p>"
            for name, one in (("off", off), ("on", on))
        ),
        key="up_aligned",
    )
    remark(
        "On, the outer middles are held together, and the spacing depends on the size of the image; off, it is 1/S "
        "everywhere, and samples beyond the outer middles repeat the outer pixels."
    )


if __name__ == "__main__":
    state.take(*SETTINGS, *FOLDS, ASKING)
    covered = ASKING.waits()
    draw(covered)
    offer(
        lambda: (
            "Runs in a copy of this project: enlarges the picture in all ways, and asserts every number of the table, "
            "the difference between tent and bilinear, the shuffle and the sample positions.",
            script(),
        ),
        covered=covered,
    )
