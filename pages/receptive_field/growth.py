"""Ways to make the field larger, what each costs, and the holes that dilation can leave."""

from __future__ import annotations

import numpy as np
import streamlit as st

from models.receptive_field.growth import causal, equal_budget, ways
from models.stack import StackError, read_stack
from models.stack.field import paths
from models.text import big
from pages._lesson import frame, offer
from pages._question import Asking
from pages.receptive_field._questions import GROWTH
from viz import state
from viz.figures import Line, Map, Series, begun, chart, legend, lines, maps, show, table
from viz.state import Choice, Fold, Text, Whole
from viz.words import heading, say

COSTS = {"Parameters": "parameters", "MACs": "macs", "Layers": "layers"}
GIVEN = ((2, 2, 2), (1, 2, 3), (1, 2, 5))
BUDGETS = (3, 5, 7, 9, 11, 13, 15)
HEIGHT = 370
"""Of the first chart, in pixels."""

COST = Choice("cost", "Parameters", "Against", None, tuple(COSTS), "segmented_control")
WIDTH = Whole("width", 16, "channels", "In and out of every layer (C).", 1, 256)
BUDGET = Choice(
    "budget",
    7,
    "Budget: the price of one layer of F × F",
    "At full resolution. Every way gets as much, in parameters or in MACs.",
    BUDGETS,
    "select_slider",
)
DILATIONS = Text("dilations", "1, 2, 4", "Your own dilations", "One 3×3 layer for each number.")
UNREAD = Fold("unread", False, "**Which pixels are never read?** The holes that dilation can leave")
WAVENET = Fold("wavenet", False, "**How far back does WaveNet hear?** Exponential against linear growth")

PAYS = {
    "more layers": "Time: they wait for each other. Each brings a non-linearity.",
    "larger kernel": "The square of its side, for one non-linearity.",
    "stride 2": "Places: each layer keeps every fourth unit.",
    "pooling": "Places too; and the maximum forgets where it was.",
    "dilation, doubled": "Nothing but density: every place stays, taps lie far apart.",
}
"""What each way costs beside the budget."""


def read_dilations(text: str) -> tuple[int, ...]:
    """`2, 2, 2` as numbers. Raises `ValueError` with a sentence."""
    words = [word for word in text.replace(",", " ").split() if word]
    if not words or len(words) > 8 or not all(w.isascii() and w.isdigit() and len(w) < 3 for w in words):
        raise ValueError("Write one to eight dilations, such as 1, 2, 4.")
    dilations = tuple(map(int, words))
    if min(dilations) < 1:
        raise ValueError("A dilation is at least 1, which is the ordinary convolution: write 1 instead of 0.")
    if sum(dilations) > 19:
        raise ValueError(f"These span {2 * sum(dilations) + 1} pixels and 39 are drawn: let them add up to at most 19.")
    return dilations


def lesson() -> None:
    """Prices, the same budget for each way, pixels that are never read, and WaveNet."""
    asking = Asking("receptive-field-growth", GROWTH)
    state.take(COST, WIDTH, BUDGET, DILATIONS, UNREAD, WAVENET, asking)
    covered = asking.waits()

    def controls() -> None:
        COST.draw()
        WIDTH.draw()
        BUDGET.draw()

    with frame(controls, asking=asking):
        cost, width, kernel = COST.value, WIDTH.value, BUDGET.value
        unit = "macs" if cost == "MACs" else "parameters"
        budget = equal_budget(unit, kernel, width)
        offer(lambda: _script(budget, width), covered=covered)
        figure = _ways(ways(width), cost, width, budget)
        said = f"Receptive field against {cost.lower()} for five ways to grow it"
        if covered:
            figure, said = begun(figure, 2), f"{said}, each with its first two steps"
        chart(figure, key="growth_plot", alt=said, numbers=not covered)
    if covered:
        return
    words = "MACs" if unit == "macs" else "parameters"
    heading(f"For the same {big(budget.amount)} {words}")
    say(
        f"So much does one layer of {kernel}×{kernel} cost, with {width} channels on 128×128 pixels. Each way takes as "
        "many layers as that pays for, and stops once its field spans the image. What is left over would not pay for "
        "one more layer."
    )
    _bought(budget, words)
    say(
        "**Depth** and **kernel size** grow the field by a constant with each step; a kernel pays with its square. "
        "**Stride**, **pooling** and **dilation** double what the next layer adds. Stride and pooling make everything "
        "after them cheaper, and lose places; dilation keeps every place, and may leave holes. Strided and dilated "
        "layers have the same weights and the same field: against parameters their lines coincide, against MACs not."
    )
    UNREAD.draw(_gridding)
    WAVENET.draw(lambda: _causal(width, cost))


def _causal(width: int, cost: str) -> None:
    say(
        "A causal stack, two taps a layer: the output at time t must not see the future. With dilations 1, 2, 4, … "
        "each layer doubles the memory for the same weights."
    )
    remembered = causal(width)
    (fast, slow) = (points[-1] for points in remembered.values())
    four, plain = (points[3] for points in remembered.values())
    say(
        f"Four layers dilated 1, 2, 4, 8 remember **{four.size}** samples, four plain ones **{plain.size}**, both with "
        f"{big(four.parameters)} weights. With {fast.layers} layers it is **{big(fast.size)}** against "
        f"**{slow.size}**, for {big(fast.parameters)} weights each: exponential growth at linear cost."
    )
    said = f"Samples that a causal stack remembers, against {cost.lower()}"
    chart(_wavenet(remembered, cost), key="wavenet_plot", alt=said)


def _script(budget, width: int) -> tuple[str, str]:
    """The networks of the plot, and what the budget buys."""
    bought = {name: point.size for name, point in budget.bought.items()}
    code = f"""from models.receptive_field.growth import equal_budget, ways

for name, points in ways({width}).items():
    for point in points:
        print(f"{{name}}: {{point.what}} {{point.size}} pixels, {{point.parameters}} weights, {{point.macs}} MACs")

budget = equal_budget({budget.unit!r}, {budget.kernel_size}, {width})
assert budget.amount == {budget.amount}
assert {{name: point.size for name, point in budget.bought.items()}} == {bought}
"""
    told = "Runs in a copy of this project: builds and measures the networks of the plot; asserts what the "
    return told + "budget buys.", code


def _bought(budget, words: str) -> None:
    head = ("way", "what it is", "receptive field", "layers", "parameters", "MACs", f"of the {words}", "units a side",
            "what else it costs")  # fmt: skip
    rows = [
        (
            name,
            point.what,
            f"{big(point.size)} × {big(point.size)}",
            point.layers,
            point.parameters,
            point.macs,
            f"{100 * budget.share(name):.0f} %",
            f"{point.units} of 128",
            PAYS[name],
        )
        for name, point in sorted(budget.bought.items(), key=lambda one: -one[1].size)
    ]
    table(head, rows, key="growth_budget", label=f"What the same {words} buy")


def _series(found, cost: str) -> list[Series]:
    """Field against cost, a line for each way."""
    return [
        Series(name, [getattr(p, COSTS[cost]) for p in points], [p.size for p in points], [p.what for p in points])
        for name, points in found.items()
    ]


def _ways(found, cost: str, width: int, budget) -> dict:
    side, of = budget.kernel_size, f"{width} channels"
    unit = {"Parameters": f"Parameters, {of}", "MACs": f"MACs, 128×128 pixels, {of}", "Layers": "Layers with weights"}
    return lines(
        _series(found, cost),
        x=unit[cost],
        y="Receptive field, pixels a side",
        levels=[Line("image, 128 pixels", [128])],
        uprights=[] if cost == "Layers" else [Line(f"budget: one {side}×{side}", [budget.amount])],
        log_x=True,
        log_y=True,
        height=HEIGHT,
    )


def _wavenet(found, cost: str) -> dict:
    x = {"Parameters": "Parameters", "MACs": "MACs, 1\u202f024 samples", "Layers": "Layers"}[cost]
    return lines(_series(found, cost), x=x, y="Receptive field, samples", log_y=True)


def _gridding() -> None:
    say(
        "Three 3×3 layers, one below the other. Each map shows one unit's box: how many paths lead from a pixel to the "
        "unit, so how often the unit reads it. Hatched pixels lie inside the box and are never read."
    )
    text = DILATIONS.draw(max_chars=40, width=320)
    try:
        own = read_dilations(text)
    except ValueError as error:
        st.warning(str(error), icon=":material/block:")
        own = ()
    chosen = [*GIVEN, *([own] if own and own not in GIVEN else [])]
    show(maps([_reads(dilations) for dilations in chosen], numbers=True) + legend(numbers=True), key="gridding")
    say(
        "2, 2, 2 share the factor 2, so every path lands on an even distance: the unit sees a coarse grid, and its "
        "neighbour sees another one. 1, 2, 5 have no common factor, and the first layer fills what the others skip."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _counts(dilations: tuple[int, ...]) -> np.ndarray:
    size = 2 * sum(dilations) + 1
    return paths(read_stack("-".join(f"c3d{d}" for d in dilations), 2, size, 1), (0, 0))


def _reads(dilations: tuple[int, ...]) -> Map:
    try:
        reads = _counts(dilations)
    except StackError as error:
        raise ValueError(error.message) from error
    total, read = reads.size, int((reads > 0).sum())
    side = len(reads)
    rest = f"{big(total - read)} never" if total > read else "all of them"
    most = big(int(reads.max()))
    told = f"{side}×{side} = {big(total)} pixels: {big(read)} are read, {rest}; at most {most} paths each."
    return Map(f"Dilations {', '.join(map(str, dilations))}", reads, ((0, side - 1), (0, side - 1)), told)


if __name__ == "__main__":
    lesson()
