"""Closer looks at one layer of a network: a unit, a pixel, a channel's favourites, statistics, steps, first filters."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import cv2
import numpy as np
import streamlit as st

from models import networks
from models.drawings import CLASSES, plain
from models.maps.activations import (
    ActivationError,
    before_and_after,
    contact_sheet,
    first_filters,
    influence,
    ordered,
    statistics,
    top_patches,
    unit_view,
)
from models.picture import decode
from models.receptive_field import ReceptiveField
from pages.feature_maps._kept import STEPS, UNITS
from pages.feature_maps._network import OWN, USUAL, Network
from pages.feature_maps._picture import SHIPPED
from viz import colours
from viz.controls.picture import PICTURES
from viz.figures import bars, chart, numbers, show, table
from viz.figures.cells import framed, image, ranked, row, signed
from viz.words import remark, say

SHOWN = 8
"""Channels in a row of a figure."""
SIZE = 250
"""Pixels on the screen of a figure's picture."""


def text(value: float) -> str:
    """Four significant digits, with a proper minus."""
    return f"{value:.4g}".replace("-", "−")


def heated(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Heat `(H, W)`, 0 and up, laid over a picture `(H, W, 3)` in cividis: the more, the less of the picture shows."""
    top = float(np.nanmax(heat)) if np.isfinite(heat).any() else 0.0
    share = np.clip(np.nan_to_num(heat) / top, 0, 1) if top > 0 else np.zeros(heat.shape)
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    cover = (0.35 + 0.5 * share)[..., None]
    return np.rint(grey[..., None] * (1 - cover) + colours.heat(share) * cover).astype(np.uint8)


def cut(pixels: np.ndarray, box) -> np.ndarray:
    """The part of a picture `(H, W, 3)` under a box; grey where the box leaves it, at most a picture's size outside."""
    spans = [(max(a, -n), min(b, 2 * n - 1)) for (a, b), n in zip(box, pixels.shape, strict=False)]
    out = np.full((*(b - a + 1 for a, b in spans), 3), 128, np.uint8)
    here = [(max(a, 0), min(b, n - 1) + 1) for (a, b), n in zip(spans, pixels.shape, strict=False)]
    if all(a < b for a, b in here):
        there = tuple(slice(a - s, b - s) for (a, b), (s, _) in zip(here, spans, strict=True))
        out[there] = pixels[tuple(slice(*h) for h in here)]
    return out


def boxed(pixels: np.ndarray, box, scale: int = 1) -> np.ndarray:
    """A picture, enlarged, with a frame around a box."""
    out = np.repeat(np.repeat(pixels, scale, 0), scale, 1).copy()
    (top, bottom), (left, right) = box
    corners = (left * scale, top * scale), ((right + 1) * scale - 1, (bottom + 1) * scale - 1)
    thick = max(1, round(max(out.shape) / 130))
    for colour, width in (((255, 255, 255), 3 * thick), ((208, 37, 127), thick)):
        cv2.rectangle(out, *corners, colour, width)
    return out


def _enlarged(pixels: np.ndarray) -> int:
    return max(1, round(2 * SIZE / max(pixels.shape[:2])))


# -- one unit


def unit(net: Network, layer: str, at: tuple[int, int, int], field: ReceptiveField | str) -> None:
    """What one unit saw: patch, gradient, value, strongest neighbours."""
    channel, *index = at
    known = None if isinstance(field, str) else field
    question = (*net.key, layer, at)
    seen = UNITS.made(
        question,
        lambda: net.ask(lambda module: unit_view(module, net.x, layer, channel, tuple(index), field=known, k=SHOWN)),
    )
    say(f"**Channel {channel}, unit ({index[0]}, {index[1]}) of `{layer}`: what did it see?**")
    figures = []
    if seen.box is not None:
        (top, bottom), (left, right) = seen.box
        below = f"rows {top} to {bottom}, columns {left} to {right}; grey: padding".replace("-", "−")
        patch = cut(net.pixels, seen.box)
        figures.append(framed("The patch under its box", image(patch, f"The patch: {below}", SIZE), escape(below)))
    if seen.energy.any():
        used = heated(net.pixels, np.sqrt(seen.energy))
        if seen.inside is not None:
            spans = [_around(span, n) for span, n in zip(seen.inside, used.shape, strict=False)]
            used = used[slice(*spans[0]), slice(*spans[1])]
            frame = tuple((a - s, b - s) for (a, b), (s, _) in zip(seen.inside, spans, strict=True))
            used = boxed(used, frame, _enlarged(used))
        said = "The picture, bright where a small change would change the unit"
        figures.append(
            framed("What it really uses", image(used, said, SIZE), "bright: the unit hangs on it; frame: its box")
        )
    most = max((abs(v) for _, v in seen.strongest), default=0) or 1
    strongest = [(str(c), (text(v),), v / most, c == channel) for c, v in seen.strongest]
    figures.append(framed("Strongest channels here", ranked(("Channel", "Value here"), strongest)))
    cards = [("Value", text(seen.value), "exactly; colours round it")]
    if seen.box is not None:
        area = np.prod([b - a + 1 for a, b in seen.box])
        inside = np.prod([b - a + 1 for a, b in seen.inside])
        cards.append(("Receptive field", " × ".join(str(b - a + 1) for a, b in seen.box), "pixels, from the layers"))
        cards.append(("On padding", f"{100 * (1 - inside / area):.0f} %", "of that box"))
        if seen.share_inside is not None:
            mark = "✓" if seen.share_inside > 0.999999 else "≠"
            hint = f"of the gradient lies in the box\u00a0{mark}"
            cards.append(("Measured", f"{100 * seen.share_inside:.4g} %", hint))
    show(numbers(cards) + row(*figures), key="fm_unit_view")
    if seen.reason:
        remark(seen.reason)
    if not seen.energy.any():
        remark(
            "No small change of a pixel moves this unit: ReLU holds it at 0, so its gradient is 0 everywhere. Pick a "
            "unit with a value above 0, or the layer before the ReLU."
        )


def _around(span: tuple[int, int], n: int) -> tuple[int, int]:
    """A stretch of the picture about three times as long as what a unit sees there."""
    more = span[1] - span[0] + 3
    return max(0, span[0] - more), min(n, span[1] + more + 1)


def pixel(net: Network, layer: str, at: tuple[int, int], field: ReceptiveField | str) -> None:
    """What one pixel of the picture reaches."""
    known = None if isinstance(field, str) else field
    found = net.ask(lambda module: influence(module, net.x, layer, at, field=known))
    say(f"**Pixel ({at[0]}, {at[1]}): what does it change in `{layer}`?**")
    top = float(found.change.max())
    heat = colours.heat(found.change / top) if top > 0 else None
    told = f"{int((found.change > 0).sum())} of {found.change.size} units change when this pixel does"
    if heat is None:
        remark("No unit changes.")
        return
    agrees = ""
    if found.box is not None and None not in found.box:
        heat = boxed(heat, found.box, _enlarged(heat))
        (a, b), (c, d) = found.box
        outside = found.change.copy()
        outside[a : b + 1, c : d + 1] = 0
        mark = "✓" if not outside.any() else "≠"
        agrees = f"; none outside the {b - a + 1} × {d - c + 1} units whose boxes hold it {mark}"
    where = boxed(net.pixels, ((at[0], at[0]), (at[1], at[1])), _enlarged(net.pixels))
    show(
        row(
            framed("The pixel", image(where, "The picture with the pixel framed", SIZE)),
            framed("Largest change over all channels", image(heat, told, SIZE), escape(told + agrees)),
        ),
        key="fm_pixel_view",
    )
    remark("Measured: the pixel's three colours move by the picture's whole range, and the network looks again.")


# -- one channel


def patches(net: Network, layer: str, channel: int) -> None:
    """Where a channel answers most strongly in the shipped pictures."""
    say(f"**Channel {channel} of `{layer}`: what does it like?** The places that excite it most, strongest first.")
    with st.spinner("Looking through the shipped pictures …"):
        found = _patches(net.key[:3], layer, channel, net)
    if not found:
        st.info(f"Channel {channel} stays at or below 0 in every shipped picture: nothing excites it.")
        return
    shown = [
        framed(text(value), image(pixels, f"A patch of {name}, value {text(value)}", 110), escape(name))
        for name, value, pixels in found
    ]
    show(row(*shown), key="fm_patches")
    random = "" if net.trained else " With random weights a channel likes by chance: load trained ones and compare."
    remark(
        f"At most three from one picture, none over another. What they share is the best hint at what the channel "
        f"found.{random}"
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _patches(key: tuple, layer: str, channel: int, _net: Network) -> list[tuple[str, float, np.ndarray]]:
    side = None if key[2] == USUAL else int(key[2])
    sources = [(name.lower(), decode((PICTURES / f"{file}.png").read_bytes())) for name, file in SHIPPED.items()]
    if _net.name in OWN:
        sources += [(name, plain(name)) for name in CLASSES]
    ready = [networks.prepare(_net.name, pixels, side, crop=False) for _, pixels in sources]
    found = _net.ask(lambda module: top_patches(module, [one.x for one in ready], layer, channel, k=12))
    out = []
    for one in found:
        pixels = ready[one.picture].picture
        out.append((sources[one.picture][0], one.value, pixels if one.box is None else cut(pixels, one.box)))
    return out


# -- the layer


def numbers_of(maps: np.ndarray, layer: str) -> None:
    """Statistics of one layer's maps."""
    try:
        found = statistics(maps)
    except ActivationError as error:
        st.info(str(error))
        return
    dead = ", ".join(map(str, found.dead[:20])) + (" …" if len(found.dead) > 20 else "")
    cards = [
        ("Sparsity", f"{100 * found.sparsity:.1f} %", "of all values are at or below 0"),
        ("Dead channels", f"{len(found.dead)} of {len(maps)}", dead or "each says something about this picture"),
        ("Mean", text(float(maps.mean())), "of all values"),
        ("Standard deviation", text(float(maps.std())), "of all values"),
        ("Range", f"{text(float(maps.min()))} to {text(float(maps.max()))}", "smallest to largest"),
    ]
    share = 100 * found.counts / found.counts.sum()
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    there = share > 0
    histogram = bars(middle[there], share[there], x="Value", y="Share of all values, %", log_y=True)
    silent = bars(
        range(1, len(found.silent) + 1),
        np.sort(100 * found.silent)[::-1],
        x="Channel, the most silent first",
        y="Values at or below 0, %",
    )
    show(numbers(cards), key="fm_statistics")
    left, right = st.columns(2)
    with left:
        chart(histogram, key="fm_histogram", alt=f"Histogram of {layer}, {len(middle)} bins")
    with right:
        chart(silent, key="fm_silent", alt=f"How silent each channel of {layer} is")


_STEPS = {
    "batch_norm": "after batch normalisation",
    "layer_norm": "after layer normalisation",
    "add": "after adding the skip connection",
}


def steps(net: Network, layer: str, kinds: Mapping[str, str]) -> None:
    """A convolution's answer, and what the normalisation and the activation after it make of it.

    It is the layer itself, or the last one before it of the kind ``conv``.
    """
    layers = list(net.survey(layer).shapes)
    before = layers[: layers.index(layer) + 1]
    begin = next((n for n in reversed(before) if kinds[n] == "conv"), layer)
    question = (*net.key, begin)
    figures, rows, told = STEPS.made(question, lambda: _stepwise(net, begin))
    say(f"**`{begin}`, step by step.** The same channels in each row, each row on its own scale.")
    show(figures, key="fm_stepwise")
    head = ("Step", "Mean", "Standard deviation", "At or below 0, %", "Deviation by channel")
    table(head, rows, key="fm_stepwise_table", label=f"{begin}, step by step")
    remark(told)


def _stepwise(net: Network, begin: str) -> tuple[str, list[tuple[str, ...]], str]:
    """The pictures of a layer's answer and of what follows, a row of numbers for each, and what they tell."""
    found = net.ask(lambda module: [(n, m[0].float().cpu().numpy()) for n, m in before_and_after(module, net.x, begin)])
    channels = ordered(found[-1][1], "energy")[:SHOWN]
    rows, figures = [], []
    for n, (name, maps) in enumerate(found):
        sheet = contact_sheet(maps[channels], columns=len(channels), scale="shared", largest_cell=96)
        title = _STEPS.get(name, f"after {name.replace('_', ' ')}")
        title = f"{begin}, as it is" if n == 0 else title
        said = f"{title}: channels {', '.join(map(str, channels))}"
        figures.append(framed(title, signed(sheet.image, said, 960)))
        below = 100 * float((maps <= 0).mean())
        spread = maps.reshape(len(maps), -1)
        rows.append(
            (title, text(float(maps.mean())), text(float(maps.std())), f"{below:.1f}",
             f"{text(float(spread.std(1).min()))} to {text(float(spread.std(1).max()))}")
        )  # fmt: skip
    normal = next((n for n, (name, _) in enumerate(found) if name == "batch_norm"), None)
    if normal is None:
        scales = ""
    elif np.allclose(found[normal][1], found[normal - 1][1], rtol=1e-3, atol=1e-3):
        scales = " Batch normalisation has learned nothing yet: it subtracts 0 and divides by 1."
    else:
        scales = (
            " Batch normalisation takes from each channel the mean and the deviation that it had over the training "
            "pictures, and gives it a level and a scale that were learned: no edge moves."
        )
    alone = "" if len(found) > 1 else " Nothing follows this layer at once: its answer goes on as it is."
    return "".join(figures), rows, f"Orange: above 0, violet: below.{scales} ReLU keeps what is orange.{alone}"


def filters(net: Network) -> None:
    """The first convolution's kernels, as pictures."""
    kernels = net.ask(first_filters)
    count, height, width, colours = kernels.shape
    if colours != 3:
        kernels = np.repeat(kernels.mean(3, keepdims=True), 3, 3)
    largest = np.abs(kernels).reshape(count, -1).max(1)[:, None, None, None]
    pixels = np.rint(127.5 + 127.5 * kernels / np.where(largest > 0, largest, 1)).astype(np.uint8)
    columns, scale, gap = min(count, 16), 8, 4
    high, wide = height * scale + gap, width * scale + gap
    out = np.zeros((-(-count // columns) * high - gap, columns * wide - gap, 3), np.uint8)
    clear = np.ones(out.shape[:2], bool)
    for n, one in enumerate(pixels):
        here = (slice(n // columns * high, n // columns * high + high - gap),)
        here += (slice(n % columns * wide, n % columns * wide + wide - gap),)
        out[here], clear[here] = np.repeat(np.repeat(one, scale, 0), scale, 1), False
    said = f"{count} kernels of {height} × {width} pixels, in colour"
    # The page shows between them.
    pixels = np.dstack([out, np.where(clear, 0, 255).astype(np.uint8)])
    show(framed(f"First convolution: {said}", image(pixels, said, min(960, 60 * columns))), key="fm_filters")
    told = "Grey is 0; each is drawn on its own scale, red, green and blue weights as red, green and blue."
    if net.trained:
        remark(f"{told} Stripes are edge detectors, plain patches look for a colour.")
    else:
        remark(f"{told} Drawn at random, they are noise: what a network finds first, it learns.")
