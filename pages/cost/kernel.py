"""A kernel as columns times rows: its singular values, the best part of lower rank, and what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import streamlit as st
import torch

from models import device
from models.lab import HINTS, Check
from models.maps import filters
from models.maps.code import split_code
from models.maps.filters import FILTERS
from models.measure import measure
from models.separable import Separation, passes, separate
from models.sources import A1_KERNEL
from models.text import plural, scientific
from models.timing import roof
from pages._lesson import frame
from pages._question import Asking
from pages.cost._kept import standard
from pages.cost._questions import KERNEL as QUESTIONS
from pages.cost._timed import times
from pages.feature_maps._kernels import LARGEST_OWN, OWN, TITLES, read_kernel, resized, written
from pages.feature_maps._picture import Picture, with_picture
from viz import state
from viz.components.weights import typed, weights
from viz.figures import bars, chart, numbers, show
from viz.figures.cards import check_cards, time_text
from viz.figures.cells import cells, framed, hidden, image, row, signed
from viz.state import Choice, Setting, Whole
from viz.words import heading, remark, say

WORKED, LEARNED = "Worked example", "Learned by our small network"
SIDES = (3, 5, LARGEST_OWN)
SIZE = 205
"""Of a picture, in pixels."""
ROUNDING = 1e-12
"""What float64 leaves of a difference that is 0, as a share of the largest number."""

FILTER = Choice("kernel", "Sobel", "Kernel", None, (WORKED, *TITLES, LEARNED, OWN), key="split_kernel")
SIDE = Choice("side", 3, "kernel_size", None, SIDES, "segmented_control", key="split_side")
NUMBERS = Setting(
    "numbers",
    written(A1_KERNEL.tolist()),
    read=lambda text: written(read_kernel(text)),
    key="split_numbers",
)
CHANNEL = Whole(
    "channel", 0, "Output channel",
    "Which of the 16 kernels of the first layer. Its three colours are added: that is what it does to a grey picture.",
    0, 15, key="split_channel",
)  # fmt: skip
PARTS = Whole("parts", 1, "Parts kept", None, 1, LARGEST_OWN, slider=True, key="split_parts")
SETTINGS = (FILTER, SIDE, NUMBERS, CHANNEL, PARTS)


def _sides() -> list[int]:
    """Those in which the kernel comes."""
    if FILTER.value == OWN:
        return list(SIDES)
    name = TITLES.get(FILTER.value)
    return [side for side in SIDES if name and side in FILTERS[name].sizes]


def _kernel() -> np.ndarray:
    if FILTER.value == WORKED:
        return A1_KERNEL
    if FILTER.value == LEARNED:
        return standard("learned").weight[CHANNEL.value].sum(0).numpy()
    if FILTER.value == OWN:
        return filters.as_kernel(read_kernel(NUMBERS.value))
    sides = _sides()
    return filters.kernel(TITLES[FILTER.value], SIDE.value if SIDE.value in sides else sides[0])


@dataclass(frozen=True)
class Split:
    """A kernel, and so many of its parts."""

    found: Separation
    kept: int

    @cached_property
    def best(self) -> np.ndarray:
        return self.found.best(self.kept)

    @property
    def left(self) -> np.ndarray:
        """What the parts leave out, without the dust of rounding."""
        left = self.found.kernel - self.best
        return np.where(abs(left) > ROUNDING * abs(self.found.kernel).max(), left, 0.0)

    @property
    def exact(self) -> bool:
        return self.kept >= self.found.rank

    @property
    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns and rows whose product the kept parts are."""
        if self.kept == 1:
            column, rows = self.found.pair
            return column[:, None], rows[None]
        columns, rows = (
            self.found.columns[:, : self.kept] * self.found.singular[: self.kept],
            self.found.rows[: self.kept],
        )
        # A part is the same with both signs turned: the largest number of each row is positive.
        signs = np.sign(rows[np.arange(self.kept), abs(rows).argmax(1)])
        return columns * signs, rows * signs[:, None]


def _own(kernel: np.ndarray) -> None:
    """Show a kernel of the visitor's. For callbacks."""
    NUMBERS.give(written(kernel.tolist()))
    FILTER.give(OWN)


def _typed(kernel: np.ndarray) -> None:
    changed = typed(kernel, state.heard("split_cells", "cell"))
    if changed is not None:
        _own(changed)


def _grown() -> None:
    """Another size: an own kernel gets a ring of zeros, or loses one."""
    if FILTER.value == OWN:
        NUMBERS.give(written(resized(read_kernel(NUMBERS.value), SIDE.value)))


def _lead(kernel: np.ndarray, covered: bool) -> None:
    FILTER.draw()
    if FILTER.value == LEARNED:
        CHANNEL.draw()
    if len(sides := _sides()) > 1:
        if FILTER.value == OWN:
            SIDE.give(len(kernel))
        SIDE.draw(sides, on_change=_grown)
    if not covered:
        weights(kernel, key="split_cells", on_cell=partial(_typed, kernel))
        remark("Type into a cell to make the kernel your own.")


def _controls(found: Separation, covered: bool) -> None:
    if found.rank > 1 and not covered:
        PARTS.draw(high=found.rank)


def lesson(picture: Picture, asking: Asking) -> None:
    """The kernel and its parts; below, what they cost and what the picture loses."""
    covered, kernel = asking.waits(), _kernel()
    found = separate(kernel)
    with frame(lambda: _controls(found, covered), draw_lead=lambda: _lead(kernel, covered), asking=asking):
        if covered:
            drawn = cells(found.kernel.round(2), "Kernel", "signed", most=6)
            show(row(drawn, hidden("Column times row")), key="split_before")
        elif not found.rank:
            st.info("All weights are 0: there is nothing to split.", icon=":material/info:")
        else:
            _after(Split(found, min(PARTS.value, found.rank)), picture)


def _after(split: Split, picture: Picture) -> None:
    found, kept = split.found, split.kept
    _products(split)
    say(_told(split))
    left, right = st.columns(2)
    with left:
        heading("How large is each part?")
        remark("On a bar: what it and those before it hold of the kernel's energy.")
        energy = [f"{100 * share:.3g} %" if i < found.rank else "" for i, share in enumerate(found.energy)]
        figure = bars(
            range(1, len(energy) + 1),
            found.singular,
            x="Part",
            y="Singular value",
            notes=energy,
            marked=kept,
            height=230,
        )
        figure["layout"]["xaxis"]["dtick"] = 1
        alt = "Size of each part of the kernel; on each bar, what the parts up to it keep of the kernel's energy"
        chart(figure, key="split_parts_chart", alt=alt)
    with right:
        heading("What does it cost?")
        show(check_cards(_checks(split, picture)), key="split_cost")
        off, side = _difference(split, picture), len(found.kernel)
        shown = "column and row" if kept == 1 else f"{kept} columns and rows"
        say(
            f"With {shown} as two real layers the map of the picture is that of their product: the largest difference "
            f"is {scientific(off, 1) if off else 0}. A part takes 2·{side} products, the kernel {side}²: up to "
            f"{plural((side**2 - 1) // (2 * side), 'part')} cost less than it."
        )
        _times(split, picture)
    heading("What does the picture lose?")
    _maps(split, picture)


def _times(split: Split, picture: Picture) -> None:
    """One pass against columns and rows."""
    kernel, kept = split.found.kernel, split.kept
    layers = {
        "Time of one pass": lambda: filters.layer(kernel),
        "Time in parts": lambda: split.found.layers(rank=kept).float(),
    }
    size = picture.grey.shape
    found = times(("split", kernel.shape, kept, size), layers, (1, 1, *size), key="split_time")
    if found:
        cards = [
            (title, time_text(one.median), f"quartiles {time_text(one.low)} to {time_text(one.high)}")
            for title, one in found.items()
        ]
        show(numbers(cards), key="split_times")
        remark(f"{roof().where}. Fewer products are not less time where starting a layer takes longer than its work.")


def _products(split: Split) -> None:
    """Kernel, columns, rows, their product, and what it leaves out, all in one scale."""
    kernel, (columns, rows) = split.found.kernel, split.factors
    top, kept = float(abs(kernel).max()), split.kept
    most = max(4, len(kernel))

    def drawn(values: np.ndarray, title: str, high: float = top) -> str:
        whole = np.allclose(values, values.round(), atol=1e-9)
        return cells(values, title, "signed", high=high, most=most, decimals=0 if whole else 2)

    many = kept > 1
    figures = (
        drawn(kernel, "Kernel"),
        drawn(columns, "Columns" if many else "Column", float(abs(columns).max())),
        drawn(rows, "Rows" if many else "Row", float(abs(rows).max())),
        drawn(split.best, f"Sum of {kept} products" if many else "Column · row"),
        drawn(split.left, "What is left out"),
    )
    show(row(*figures), key="split_products")


def _told(split: Split) -> str:
    found, kept = split.found, split.kept
    if found.rank == 1:
        return "The rank is 1: one column times one row is the whole kernel, and nothing is left out."
    most = f"the largest part alone holds {100 * found.energy[0]:.3g} % of its energy, the sum of its squared weights."
    if split.exact:
        return f"The rank is {found.rank}: all {kept} parts together are the kernel; {most}"
    lost = 100 * (1 - found.energy[kept - 1])
    few = "no single column times a row is this kernel" if kept == 1 else f"{kept} products are not yet this kernel"
    return (
        f"The rank is {found.rank}: {few}; {most} No kernel of rank {kept} is nearer than the one that is drawn, and "
        f"it leaves out {lost:.3g} %."
    )


def _checks(split: Split, picture: Picture) -> list[Check]:
    size = picture.grey.shape
    shape = (1, 1, *size)
    one, several = passes(split.found.kernel.shape, size, split.kept)
    how = "counted by torch on the real layers (FlopCounterMode ÷ 2)"
    whole = measure(filters.layer(split.found.kernel), shape).macs
    parts = measure(split.found.layers(rank=split.kept), shape).macs
    title = "Column, then row" if split.kept == 1 else f"{plural(split.kept, 'column')}, then rows"
    return [
        Check("macs", "One pass", HINTS["macs"], whole, one, how),
        Check("macs", title, HINTS["macs"], parts, several, how),
    ]


def _difference(split: Split, picture: Picture) -> float:
    """Largest difference between the map of the product and that of columns and rows as layers, on the picture."""
    values = picture.grey.astype(float) / 255
    with device.one_thread():
        whole = filters.apply(values, split.best, "zeros", torch.float64)
        parts = device.answer(split.found.layers(rank=split.kept), torch.from_numpy(values)[None, None])[0, 0].numpy()
    return float(abs(whole - parts).max())


def _answers(split: Split, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel and what its parts make of the picture, float64 ``(H, W)``."""
    with device.one_thread():
        whole, parts = (
            filters.apply(picture.grey, kernel, "reflect", torch.float64) for kernel in (split.found.kernel, split.best)
        )
    return whole, parts


def _maps(split: Split, picture: Picture) -> None:
    whole, parts = _answers(split, picture)
    top = float(abs(whole).max()) or 1.0
    off = parts - whole
    worst, mean = float(abs(off).max()), float(abs(off).mean() / (abs(whole).mean() or 1.0))
    flat = filters.facts(split.found.kernel).total > 0.5

    def drawn(values: np.ndarray, said: str) -> str:
        # A kernel that keeps or adds brightness makes a picture again.
        if flat:
            return image(np.clip(values / top, 0, 1), said, SIZE)
        return signed(values / top, said, SIZE)

    named = "the product" if split.kept == 1 else f"{split.kept} products"
    lost = "they agree" if worst <= ROUNDING * top else f"{100 * mean:.3g} % of the map's size, on average"
    figures = (
        framed("Picture", image(picture.grey, f"The picture: {picture.name}", SIZE)),
        framed("Map of the kernel", drawn(whole, "Map of the kernel")),
        framed(f"Map of {named}", drawn(parts, f"Map of {named}")),
        framed("Their difference", signed(off / top, "Difference of the two maps", SIZE), lost),
    )
    energy = split.found.energy[split.kept - 1]
    cards = [
        ("Rank", str(split.found.rank), "parts that it needs"),
        ("Energy kept", f"{100 * energy:.3g} %", "of the sum of its squared weights"),
        ("Difference", f"{100 * mean:.3g} %" if worst > ROUNDING * top else "none", "of the map's size, on average"),
    ]
    show(
        f'{row(*figures, pictures=True, widest=SIZE)}<div style="margin-top:.8rem">{numbers(cards)}</div>',
        key="split_maps",
    )


def script(picture: Picture) -> tuple[str, str]:
    """The parts as layers on the picture."""
    found = separate(_kernel())
    if not found.rank:
        raise ValueError("all weights are 0: there is nothing to split.")
    split = Split(found, min(PARTS.value, found.rank))
    whole, parts = _answers(split, picture)
    opening = picture.grey_code("import numpy as np", "import torch", "from torch import nn")
    told = (
        f"Runs in a copy of this project: the kernel, its singular values, and {plural(split.kept, 'part')} "
        f"as two layers, on {picture.told}; asserts rank and energy"
    )
    lost = float(abs(parts - whole).max()) if picture.in_link else None
    told += ", and what the picture loses." if lost is not None else "."
    return told, split_code(opening, found.kernel, split.kept, found.rank, float(found.energy[split.kept - 1]), lost)


if __name__ == "__main__":
    with_picture(SETTINGS, lesson, script, Asking("cost-kernel", QUESTIONS, SETTINGS))
