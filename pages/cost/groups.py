"""Grouped convolutions beside each other: what they cost, what their outputs no longer see, and the shuffle."""

from __future__ import annotations

import numpy as np
import streamlit as st

from models.channels import seen_form, shuffle_order
from models.lab import HINTS, Check
from models.text import big, listed
from pages._lesson import frame, offer
from pages._question import Asking
from pages.cost._kept import Grouped, grouped
from pages.cost._questions import GROUPS as QUESTIONS
from viz import state
from viz.components.channels import Tile, channels, step
from viz.figures import show
from viz.figures.cards import check_cards
from viz.state import Choice, Whole
from viz.words import heading, say

COUNTS = (4, 8, 16, 32, 64)
CHANNELS = Choice("channels", 8, "Channels, in and out", None, COUNTS, "segmented_control", key="groups_channels")
GROUPS = Choice(
    "groups", 2, "groups", "The channels are dealt to so many convolutions, which do not see each other's.",
    (1, 2, *COUNTS), "segmented_control", key="groups_groups",
)  # fmt: skip
KERNEL = Choice("kernel_size", 3, "kernel_size", None, (1, 3, 5, 7), "segmented_control", key="groups_kernel")
SIZE = Whole("size", 28, "input_size", "Side of the image in pixels.", 1, 224, key="groups_size")
SETTINGS = (CHANNELS, GROUPS, KERNEL, SIZE)
ASKING = Asking("cost-groups", QUESTIONS, SETTINGS)
NUMBERED = 16
"""Channels of a shuffle whose order is written out."""


def _pick() -> None:
    picked = state.heard("groups_tiles", "pick")
    if picked in map(str, (*COUNTS, 1, 2)):
        GROUPS.give(int(picked))


def _asked(groups: int) -> Grouped:
    return grouped(CHANNELS.value, groups, KERNEL.value, SIZE.value)


def _tile(one: Grouped) -> Tile:
    numbers = [
        ("weights", big(one.weights)),
        ("MACs", big(one.macs)),
        ("each output sees", f"{one.sees} of {one.channels}"),
    ]
    return {
        "name": f"{one.groups}", "title": f"groups = {one.groups}", "steps": [step("conv", one.picture)],
        "numbers": numbers, "said": "",
    }  # fmt: skip


def _controls() -> None:
    CHANNELS.draw()
    GROUPS.draw([g for g in (1, 2, *COUNTS) if g <= CHANNELS.value])
    KERNEL.draw()
    SIZE.draw()


def lesson() -> None:
    state.take(*SETTINGS, ASKING)
    GROUPS.give(min(GROUPS.value, CHANNELS.value))
    covered = ASKING.waits()
    offer(_script, covered=covered)
    with frame(_controls, asking=ASKING):
        one, count = _asked(GROUPS.value), CHANNELS.value
        if covered:
            _before(one)
            return
        tiles = [_tile(_asked(groups)) for groups in sorted({1, 2, 4, count, one.groups})]
        channels(tiles, f"{one.groups}", key="groups_tiles", on_pick=_pick)
        _after(one)


def _before(one: Grouped) -> None:
    """What the question that waits is about, without what would answer it."""
    name = ASKING.waiting.name if ASKING.waiting else ""
    if name in ("row", "shuffle"):
        tiles = [tile for tile in _rows(one) if tile["name"] == {"row": "plain", "shuffle": "shuffled"}[name]]
    else:
        tiles = [_tile(_asked(1)), _tile(one)]
        if name == "alone":
            # Its lines would answer.
            tiles[1]["steps"] = [step("conv", np.zeros_like(one.picture))]
    channels(tiles, f"{one.groups}", key="groups_tiles", covered=True)


def _after(one: Grouped) -> None:
    heading(f"groups = {one.groups}")
    inside, left_out = one.sees, one.channels - one.sees
    if one.groups == 1:
        say("One group: every output channel sees every input channel. It is the standard convolution.")
    else:
        alone = " It is depthwise: no channel meets another." if inside == 1 else ""
        say(
            f"An output channel sees {inside} of {one.channels} input channels and knows nothing of the other "
            f"{left_out}.{alone} For that, weights and MACs divide by {one.groups}."
        )
    show(check_cards(_checks(one)), key="groups_cards")
    if one.groups == 1:
        return
    left, right = st.columns(2)
    with left:
        heading(f"The same as {one.groups} layers side by side")
        _split(one)
    with right:
        heading("What a shuffle gives back")
        _shuffled(one)


def _checks(one: Grouped) -> list[Check]:
    how = "counted on the real layer, on torch's meta device"
    seen = "input channels on which the gradient of an output depends, in the real layer"
    hint = "Input channels that an output channel depends on."
    return [
        Check("parameters", "Weights", HINTS["parameters"], one.weights, one.formulas["parameters"], how),
        Check("macs", "MACs", HINTS["macs"], one.macs, one.formulas["macs"], how),
        Check("sees", "Each output sees", hint, one.sees, seen_form(one.channels, one.groups), seen),
    ]


def _split(one: Grouped) -> None:
    each = one.channels // one.groups
    tiles: list[Tile] = [
        {
            "name": "one", "title": "One grouped layer", "steps": [step("conv", one.picture)],
            "numbers": [("weights", big(one.weights))], "said": "",
        },
        {
            "name": "many", "title": f"{one.groups} layers, concatenated", "steps": [step("concat", one.split_picture)],
            "numbers": [("weights", big(one.split_weights))], "said": "",
        },
    ]  # fmt: skip
    channels(tiles, "", key="groups_split")
    say(
        f"{one.groups} convolutions from {each} to {each} channels, each on its share of the channels, with the same "
        f"weights; their outputs are concatenated. Largest difference from the grouped layer, measured: "
        f"**{one.difference:.3g}**."
    )


def _rows(one: Grouped) -> list[Tile]:
    """Two layers in a row, without a shuffle between them and with it."""
    return [
        {
            "name": name, "title": title, "steps": [step(*part) for part in steps],
            "numbers": [("each output sees", f"{sees} of {one.channels}")], "said": "",
        }
        for name, title, steps, sees in (
            ("plain", "Two grouped layers", one.plain, one.plain_sees),
            ("shuffled", "With a shuffle between", one.shuffled, one.shuffled_sees),
        )
    ]  # fmt: skip


def _shuffled(one: Grouped) -> None:
    channels(_rows(one), "", key="groups_shuffle")
    how = "input channels on which the gradient of an output depends, in the real layers"
    hint = "Input channels that an output channel of the second layer depends on."
    checks = [
        Check("plain", "Without", hint, one.plain_sees, seen_form(one.channels, one.groups), how),
        Check("shuffled", "With shuffle", hint, one.shuffled_sees, seen_form(one.channels, one.groups, True), how),
    ]
    show(check_cards(checks), key="groups_seen")
    order = shuffle_order(one.channels, one.groups)
    if order == list(range(one.channels)):
        say("Groups of one channel cannot be mixed by dealing anew: here the shuffle changes nothing.")
    else:
        written = f": {listed(order, 'and')}" if one.channels <= NUMBERED else ""
        say(f"The shuffle is a permutation, without weights: its outputs are the channels in another order{written}.")


def _script() -> tuple[str, str]:
    one = _asked(GROUPS.value)
    code = f"""import torch
from torch import nn

channels, groups, kernel, size = {one.channels}, {one.groups}, {one.kernel}, {one.size}
grouped = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=groups, bias=False).double()
weights = grouped.weight.numel()
print(weights, "weights,", weights * size * size, "MACs")
assert (weights, weights * size * size) == ({one.weights}, {one.macs})

# The same from one convolution a group, on its share of the channels.
x = torch.randn(1, channels, 8, 8, dtype=torch.float64)
parts = []
for share, weight in zip(x.chunk(groups, 1), grouped.weight.chunk(groups)):
    parts.append(nn.functional.conv2d(share, weight, padding=kernel // 2))
difference = (torch.cat(parts, 1) - grouped(x)).abs().max().item()
print("largest difference:", difference)
assert difference < 1e-12


def sees(*layers):
    # Input channels that the first output channel depends on.
    x = torch.randn(1, channels, 1, 1, requires_grad=True)
    nn.Sequential(*layers)(x)[0, 0].sum().backward()
    return int((x.grad != 0).sum())


first, second = (nn.Conv2d(channels, channels, 1, groups=groups, bias=False) for _ in range(2))
found = sees(first, second), sees(first, nn.ChannelShuffle(groups), second)
print("of", channels, "channels an output of two layers sees", found[0], "and with a shuffle between", found[1])
assert found == ({one.plain_sees}, {one.shuffled_sees})
"""
    return "Runs as it is: weights and MACs, the same layer group by group, and what a shuffle gives back.", code


if __name__ == "__main__":
    lesson()
