"""Your network beside another one, stage by stage."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from models.graph import ONE, Graph, Stage, side_by_side
from models.parse import ParseError
from models.text import big, plural, sentence, times
from pages.receptive_field._kept import Given, asked_of, graph_at, main_of, names_of
from viz.figures import table
from viz.state import Text, literal
from viz.words import remark, say


def draw(second: Text, yours: Given, shape: tuple[int, ...], graph: Graph) -> None:
    """The second network's text, and the differences for the same inputs."""
    code = second.draw(height=160)
    if not code.strip():
        say("Paste a second network: it gets the same input, and each stage is set beside yours.")
        return
    try:
        names = names_of(code)
        alone = Given(code, main_of(code))
        asked, given = (len(asked_of(one)) for one in (alone, yours))
        same = replace(alone, others=yours.others, parts=yours.parts) if asked == given else alone
        other = graph_at(same, shape)
    except ParseError as error:
        st.error(literal(sentence(error)), icon=":material/block:")
        return
    except ValueError as error:
        st.error(f"{sentence(error).rstrip('.')}.", icon=":material/block:")
        return
    if other.broken:
        st.error(f"The second network stops: {literal(other.broken.message)}", icon=":material/link_off:")
        return
    if asked != given:
        inputs = plural(asked, "input")
        remark(f"The second network takes {inputs}, yours {given}: it is given your first{' for each' * (asked > 1)}.")
    if len(names) > 1:
        remark(f"Of the networks in this text {alone.name} is compared.")
    said = [f"{word} {_change(a, b)}" for word, a, b in (
        ("parameters", graph.parameters, other.parameters), ("MACs", graph.macs, other.macs))]  # fmt: skip
    if (graph.parameters, graph.macs) == (other.parameters, other.macs):
        say("Both have the same parameters and MACs in all.")
    else:
        say(f"The second against the first, in all: {', '.join(said)}.")
    head = ("maps", "shape", "parameters", "MACs", "a unit sees")
    rows = []
    for one, two in side_by_side(graph, other):
        rows.append(
            (
                _both(*(stage and ("one place" if stage.name == ONE else stage.name) for stage in (one, two))),
                _both(*(times(stage.shape[1:]) if stage else None for stage in (one, two))),
                _change(*(stage.parameters if stage else 0 for stage in (one, two))),
                _change(*(stage.macs if stage else 0 for stage in (one, two))),
                _both(*map(_field, (one, two))),
            )
        )
    table(head, rows, key="network_differences", label="Differences, stage by stage")
    remark(
        "A stage is all operations that answer with maps of one size. Where they differ, yours stands left of an arrow."
    )


def _field(stage: Stage | None) -> str | None:
    if stage and stage.everything:
        return "whole input"
    return times(stage.field) if stage and stage.field else None


def _both(one: str | None, two: str | None) -> str:
    """`16 × 5 × 5 → 32 × 5 × 5`; once where they are the same; a dash for what one of them lacks."""
    return one or "–" if one == two else f"{one or '–'} → {two or '–'}"


def _change(one: int, two: int) -> str:
    """`1 000 → 1 500 (+50 %)`."""
    if one == two:
        return big(one)
    more = 100 * (two - one) / one if one else 0
    share = f" ({more:+.{0 if abs(more) >= 1 else 2}f} %)".replace("-", "−") if abs(more) >= 0.005 else ""
    return f"{big(one)} → {big(two)}{share}"
