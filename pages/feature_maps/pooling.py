"""Pooling on the picture and on the worked example: what is kept, what comes back, which shifts are forgotten."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from torch import nn

from models import device, lab
from models.maps.code import pooling_code
from models.maps.equivariance import EquivarianceError, distinct_positions, forgotten_shifts, unpool_round_trip
from models.presets import POOLED
from models.share import Scene
from models.text import big
from pages._lesson import frame
from pages._question import Asking
from pages.feature_maps._picture import Picture, with_picture
from pages.feature_maps._questions import POOLING
from viz import state
from viz.components.dials import Dial, dials, turn
from viz.components.stage import stage
from viz.figures import numbers, show
from viz.figures.cells import cells, framed, hidden, image, row
from viz.scenes.layer import scene
from viz.state import Choice, Fold, whole
from viz.words import heading, remark, say

KINDS = ("Max", "Average", "Global average")
POOL = Choice("fm_pool", KINDS[0], "Pooling", None, KINDS, "segmented_control")
DIALS = (
    Dial("fm_window", 2, "kernel_size", None, 2, 8, read=whole(2, 8)),
    Dial("fm_stride", 2, "stride", None, 1, 8, read=whole(1, 8)),
)
EXAMPLE = Choice("fm_example", next(iter(POOLED)), "Worked example", None, tuple(POOLED), "segmented_control")
UNPOOLED = Fold("fm_unpooled", False, "**Is there a way back?** Unpooling with indices")
FORGOTTEN = Fold("fm_forgotten", False, "**Which shifts does it forget?** What pooling cannot tell apart")
SETTINGS = (POOL, *DIALS, EXAMPLE, UNPOOLED, FORGOTTEN)
REACH = 3
"""Pixels of the largest shift that is tried, each way."""
PIXEL_SIDE = 8
WORKED = np.array([[4, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]], float)
"""The worked example's input."""
CLOSE = 48
"""Side of the piece of the picture that is shown enlarged."""


def lesson(picture: Picture, asking: Asking) -> None:
    """The picture pooled, one number of it, and what there is to see more closely."""
    covered = asking.waits()
    with frame(_controls, draw_lead=POOL.draw, asking=asking):
        if covered:
            given = framed("Input", image(picture.grey, f"{picture.name}, in grey", 250))
            show(row(given, cells(WORKED[:2, :2], "A window", "input"), hidden("What is kept")), key="fm_before")
        else:
            _live(picture)
    if covered:
        return
    heading("One number at a time")
    _worked()
    UNPOOLED.draw(lambda: _unpooled(picture))
    FORGOTTEN.draw(lambda: _forgotten(picture))


def _controls() -> None:
    kind = POOL.value
    remark(
        {
            KINDS[0]: "Keeps the strongest answer of each window: is the feature here at all?",
            KINDS[1]: "Keeps the mean of each window: how much of the feature is here?",
            KINDS[2]: "One mean for the whole map: how much of the feature is in the picture, wherever it is.",
        }[kind]
    )
    if kind != KINDS[2]:
        remark("stride below kernel_size: the windows overlap. Above it: pixels between them are never read.")


@state.fragment
def _live(picture: Picture) -> None:
    """The one thing that runs while a dial turns; what stands below follows once it rests."""
    if state.recall("fm_pool_rests"):
        state.forget("fm_pool_rests")
        st.rerun(scope="app")
    if POOL.value != KINDS[2]:
        dials([one.data() for one in DIALS], key="fm_pool_dials", on_dial=_turned)
    _pooled(picture)


def _turned() -> None:
    state.remember("fm_pool_rests", turn("fm_pool_dials", DIALS))


def _layer() -> tuple[nn.Module, str, int, int]:
    """The layer, its code, window and stride; the window of the global one is 0."""
    kind = POOL.value
    if kind == KINDS[2]:
        return nn.AdaptiveAvgPool2d(1), "nn.AdaptiveAvgPool2d(1)", 0, 0
    size, stride = (int(one.value) for one in DIALS)
    name = "MaxPool2d" if kind == KINDS[0] else "AvgPool2d"
    return getattr(nn, name)(size, stride), f"nn.{name}({size}, stride={stride})", size, stride


def _tensor(picture: Picture):
    return torch.from_numpy(picture.grey).float()[None, None] / 255


def _pooled(picture: Picture) -> None:
    layer, code, size, stride = _layer()
    x = _tensor(picture)
    y = device.answer(layer, x)[0, 0].numpy()
    height, width = picture.grey.shape
    read = f"⌊({height} − {size})/{stride}⌋ + 1 = {y.shape[0]}" if size else "one number per map"
    cards = [
        ("Input", f"{height} × {width}", f"{big(height * width)} numbers"),
        ("Output", f"{y.shape[0]} × {y.shape[1]}", read),
        ("Kept", f"{100 * y.size / (height * width):.3g} %", f"{big(y.size)} numbers"),
        ("Parameters", "0", "nothing is learned"),
    ]
    if size:
        cards.insert(3, ("Windows", *_overlap(size, stride)))
    shown = [framed("Input", image(picture.grey, f"{picture.name}, in grey", 330), f"{height} × {width}")]
    below = f"mean {y.mean():.4f}" if not size else f"{y.shape[0]} × {y.shape[1]}, drawn as large as the input"
    shown.append(framed(code.removeprefix("nn."), image(y, f"The picture after {code}", 330), below))
    show(row(*shown, pictures=True, widest=330), key="fm_pool_pictures")
    show(numbers(cards), key="fm_pool_cards")


def _overlap(size: int, stride: int) -> tuple[str, str]:
    if stride < size:
        return "overlap", f"neighbours share {size - stride} of {size} columns"
    if stride == size:
        return "touch", "each pixel is read once"
    return "leave gaps", f"{stride - size} of {stride} columns are never read"


def _example() -> Scene:
    return Scene(POOLED[EXAMPLE.value])


def _worked() -> None:
    EXAMPLE.draw(label_visibility="collapsed")
    found = lab.of(_example())
    stage(scene(found, editable=False), key="fm_pool_stage", height=380)


def _unpooled(picture: Picture) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        _unpooled_example()
    with right:
        _unpooled_picture(picture)


def _unpooled_example() -> None:
    trip = unpool_round_trip(torch.from_numpy(WORKED)[None, None])
    show(
        row(
            cells(WORKED, "Input", "input"),
            cells(trip.pooled[0], "Max 2×2", "output"),
            cells(trip.indices[0], "Where each was (index)", "count"),
            cells(trip.unpooled[0], "nn.MaxUnpool2d", "output"),
        ),
        key="fm_unpool_worked",
    )
    say(
        "Max pooling can remember where each maximum was: an index into the 16 cells. `nn.MaxUnpool2d` puts the "
        "values back there and 0 everywhere else. The positions return; the other values are gone."
    )


def _unpooled_picture(picture: Picture) -> None:
    _, _, size, stride = _layer()
    if POOL.value != KINDS[0]:
        remark("On the picture: choose Max pooling above, for only a maximum has a place.")
        return
    try:
        trip = unpool_round_trip(_tensor(picture), size, stride)
    except EquivarianceError as error:
        st.info(f"{error}")
        return
    share = float(trip.kept.mean())
    show(
        row(
            framed(
                f"Input → max {size}×{size}, stride {stride} → unpooled",
                image(trip.unpooled[0], "The picture after pooling and unpooling: maxima among black", 270),
                f"{100 * share:.3g} % of the pixels are back, and with them {100 * (1 - trip.lost):.3g} % of the "
                "squared values",
            ),
            framed(
                "The middle, enlarged",
                image(_middle(trip.unpooled[0]), "The middle of it", 270),
                "bright: maxima where they were; black: zeros",
            ),
            pictures=True,
            widest=270,
        ),
        key="fm_unpool_picture",
    )


def _middle(values: np.ndarray) -> np.ndarray:
    top, left = (max(0, (n - CLOSE) // 2) for n in values.shape)
    return values[top : top + CLOSE, left : left + CLOSE]


def _forgotten(picture: Picture) -> None:
    layer, code, size, _ = _layer()
    try:
        places = distinct_positions(layer, (PIXEL_SIDE, PIXEL_SIDE))
        point = torch.zeros(1, 1, PIXEL_SIDE, PIXEL_SIDE)
        point[..., PIXEL_SIDE // 2, PIXEL_SIDE // 2] = 1
        one = forgotten_shifts(layer, point, REACH)
        all_ = forgotten_shifts(layer, _tensor(picture), REACH)
    except EquivarianceError as error:
        st.info(f"{error}")
        return
    told = int(places.max()) + 1
    show(
        row(
            cells(places, f"One bright pixel on {PIXEL_SIDE}×{PIXEL_SIDE}: answers, numbered", "count"),
            cells(one.same, f"Shifts of that pixel with the same answer: {one.count} of {one.of}", "output"),
            cells(all_.same, f"Shifts of the picture with the same answer: {all_.count} of {all_.of}", "output"),
        ),
        key="fm_pool_forgotten",
    )
    say(
        f"`{code}` tells **{told}** of {PIXEL_SIDE**2} positions apart: equal numbers in the first table are positions "
        f"that it cannot tell from one another. The other tables shift by up to {REACH} pixels, rows downwards and "
        "columns to the right, the middle being no shift; 1 marks an answer that stays the same. A shift goes round: "
        "what leaves on one side comes in on the other."
        + (
            " Its mean never changes."
            if not size
            else " A whole picture has many maxima, and nearly every shift moves one of them across an edge."
        )
    )


def script(picture: Picture) -> tuple[str, str]:
    """The worked example, there and back, and this layer on the picture."""
    layer, code, _, _ = _layer()
    y = device.answer(layer, _tensor(picture))[0, 0]
    shown = (tuple(y.shape), float(y.mean())) if picture.in_link else None
    return (
        f"Runs in a copy of this project: the worked example pooled four ways and unpooled, and this layer "
        f"on {picture.told}; asserts the numbers.",
        pooling_code(picture.grey_code("import torch", "from torch import nn"), code, shown),
    )


if __name__ == "__main__":
    with_picture(SETTINGS, lesson, script, Asking("feature-maps-pooling", POOLING), _example)
