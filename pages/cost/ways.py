"""Layers that can take each other's place, side by side: what they connect, what they cost, what they see."""

from __future__ import annotations

from functools import partial

import streamlit as st

from models.alternatives import GROUPS, HIDDEN, JOB, WAYS, Row, compare, separable_share
from models.lab import HINTS, Check
from models.text import big, listed, sentence
from models.text import times as by
from models.timing import Timed, moved_bytes, roof
from pages._lesson import frame, offer
from pages._question import Asking
from pages.cost._kept import reached_of, taken
from pages.cost._questions import WAYS as QUESTIONS
from pages.cost._timed import times
from viz import state
from viz.components.channels import Tile, channels
from viz.controls.block import setting_of
from viz.controls.examples import examples
from viz.figures import Pass, chart, ranked, roofline, show
from viz.figures.cards import check_cards
from viz.state import Choice
from viz.words import heading, remark, say

MOST = 256
"""Channels: more of them are no clearer, and their ways take seconds to measure."""
HEIGHT = 320
"""Of the chart of times, in pixels."""

ENTRIES = {entry.name: entry for entry in (*JOB, GROUPS, HIDDEN) if entry.name != "bias"}
SETTINGS = {
    name: setting_of(entry, "cost", None if name in ("size", "kernel_size") else MOST)
    for name, entry in ENTRIES.items()
}
WAY = Choice("way", "standard", "Layer", None, {name: way.title for name, way in WAYS.items()}, key="cost_way")
EXAMPLES = {
    "inception": ("28×28×192 → 32, 5×5", {}),
    "mobilenet": ("14×14×256 → 256, 3×3", {"in_channels": 256, "out_channels": 256, "size": 14, "kernel_size": 3}),
    "first": ("28×28×3 → 10, 3×3", {"in_channels": 3, "out_channels": 10, "kernel_size": 3, "groups": 1, "hidden": 2}),
    "three": (
        "8×8×3 → 3, 3×3",
        {"in_channels": 3, "out_channels": 3, "size": 8, "kernel_size": 3, "groups": 3, "hidden": 1},
    ),
}
"""Worked examples: what their buttons say, and their settings where they are not the usual ones."""

ASKING = Asking("cost", QUESTIONS, (*SETTINGS.values(), WAY))


def _choose(name: str) -> None:
    for key, setting in SETTINGS.items():
        setting.give(EXAMPLES[name][1].get(key, setting.default))


def _pick() -> None:
    if (name := state.heard("ways", "pick")) in WAYS:
        WAY.give(name)


def _tile(row: Row, values: dict[str, int], standard: int) -> Tile:
    size = values["size"]
    name, title = row.way.name, row.way.title
    if row.measured is None:
        return {"name": name, "title": title, "steps": [], "numbers": [], "said": sentence(row.refused)}
    measured, (steps, sees) = row.measured, reached_of(name, values)
    numbers = [
        ("MACs", big(measured.macs)),
        ("of standard", f"{_percent(measured.macs / standard)} %"),
        ("weights", big(measured.parameters)),
        ("sees", f"{by([min(side, size) for side in row.field])} pixels"),
        ("channels", f"{sees} of {values['in_channels']}"),
    ]
    said = " + ".join(big(layer.macs) for layer in measured.layers) if len(measured.layers) > 1 else ""
    return {"name": name, "title": title, "steps": steps, "numbers": numbers, "said": said}


def _percent(share: float) -> str:
    """With three digits, or all of its whole ones."""
    return f"{100 * share:.3g}" if share < 10 else big(100 * share)


def _checks(row: Row) -> list[Check]:
    measured, forms = row.measured, row.formulas
    how = "counted on the real layers, on torch's meta device: without their memory"
    return [
        Check("macs", "MACs", HINTS["macs"], measured.macs, forms["macs"], how),
        Check("parameters", "Parameters", HINTS["parameters"], measured.parameters, forms["parameters"], how),
        Check(
            "activations",
            "Output memory",
            "Memory of the outputs of all its layers in 32-bit floats.",
            4 * measured.activations,
            forms["activations"],
            how,
        ),
    ]


def _told(row: Row, standard: Row, job: dict[str, int]) -> str:
    """What there is to see in the layer that is chosen."""
    told = row.way.teaches
    if row.way.name == "depthwise_first":
        share = separable_share(job["out_channels"], job["kernel_size"])
        found = row.measured.macs / standard.measured.macs
        told += (
            f" Its share of the standard layer's MACs is 1/N + 1/K², for N output channels and K×K taps: {share.text}; "
            f"measured: {big(row.measured.macs)} ÷ {big(standard.measured.macs)} = {found:.3g}."
        )
    return told


def _draw_controls(shown: str | None) -> None:
    examples("cost_examples", "cost_example", {n: title for n, (title, _) in EXAMPLES.items()}, shown, _choose)
    for setting in SETTINGS.values():
        setting.draw()


def lesson() -> None:
    state.take(*SETTINGS.values(), WAY, ASKING)
    covered = ASKING.waits()
    values = {name: setting.value for name, setting in SETTINGS.items()}
    shown = next((n for n, (_, given) in EXAMPLES.items() if _given(given) == values), None)
    rows = compare(*(("standard", WAY.value) if covered else WAYS), **values)
    by_name = {row.way.name: row for row in rows}
    standard, chosen = by_name["standard"], by_name[WAY.value]
    offer(lambda: _script(chosen, values), covered=covered)
    with frame(partial(_draw_controls, shown), asking=ASKING):
        tiles = [_tile(row, values, standard.measured.macs) for row in rows]
        channels(tiles, WAY.value, key="ways", on_pick=_pick, covered=covered)
        if not covered:
            _after(chosen, standard, rows, values)


def _given(settings: dict) -> dict:
    return {name: settings.get(name, setting.default) for name, setting in SETTINGS.items()}


def _after(chosen: Row, standard: Row, rows: list[Row], values: dict[str, int]) -> None:
    """The layer that is chosen, its price among the others', and the times."""
    heading(chosen.way.title)
    if chosen.measured is None:
        st.info(sentence(chosen.refused), icon=":material/block:")
    else:
        say(_told(chosen, standard, values))
        show(check_cards(_checks(chosen)), key="cost_cards")
    there = [row for row in rows if row.measured is not None]
    left, right = st.columns(2)
    with left:
        heading("Fewer MACs")
        marked = [i for i, row in enumerate(there) if row is chosen]
        names, macs = [row.way.title for row in there], [row.measured.macs for row in there]
        figure = ranked(names, macs, marked, x="MACs", y="Layer")
        chart(figure, key="cost_macs", alt="MACs of each layer that could do the same job")
    with right:
        heading("Less time?")
        _times(there, values)


def _times(rows: list[Row], values: dict[str, int]) -> None:
    """Time against MACs, once it is asked for."""
    layers = {row.way.title: partial(row.way.build, **taken(row.way.name, values)) for row in rows}
    shape = rows[0].way.input_shape(**taken(rows[0].way.name, values))
    found = times(tuple(values.items()), layers, shape, key="time")
    if not found:
        return
    top, passes = roof(), []
    for row in rows:
        timed = found[row.way.title]
        if isinstance(timed, Timed):
            moved = moved_bytes(row.measured)
            dense = row.measured.macs / moved
            slow = "the memory is slower" if dense < top.ridge else "multiplying takes longer"
            note = f"{dense:.3g} MACs for each byte that is moved: {slow}"
            least = top.least(row.measured.macs, moved)
            passes.append(Pass(row.way.title, row.measured.macs, timed.median, timed.low, timed.high, least, note))
    said = "Median time of a forward pass of each layer against its MACs, with the least time that the device allows"
    chart(roofline(passes, top.macs, height=HEIGHT), key="cost_times", alt=said)
    left_out = [row.way.title for row in rows if not isinstance(found[row.way.title], Timed)]
    remark(
        f"{top.where}; bars are quartiles. This device moves {big(top.bytes / 1e9, 1)} GB a second: a layer that does "
        f"fewer than {top.ridge:.3g} MACs for each byte waits for its memory, however few MACs it has."
        + (f" Too many weights to be measured here: {listed(left_out, 'and')}." if left_out else "")
    )


def _script(row: Row, values: dict[str, int]) -> tuple[str, str]:
    if row.measured is None or row.formulas is None:
        raise ValueError(f"there is no such layer: {row.refused}")
    settings = ", ".join(f"{name}={value}" for name, value in taken(row.way.name, values).items())
    code = f"""import torch

from models.alternatives import WAYS, build
from models.measure import measure

settings = dict({settings})
with torch.device("meta"):
    layers = build({row.way.name!r}, **settings)
found = measure(layers, WAYS[{row.way.name!r}].input_shape(**settings))
print(layers)
print(found.macs, "MACs,", found.parameters, "parameters")
assert (found.macs, found.parameters) == ({row.measured.macs}, {row.measured.parameters})
"""
    return "Runs in a copy of this project: builds the layer, counts, and asserts the numbers on the screen.", code


if __name__ == "__main__":
    lesson()
