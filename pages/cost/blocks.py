"""Blocks: what networks are built from, drawn from the real layers, and what each of their layers costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from models.blocks import BLOCKS, Block
from models.errors import SpecError
from models.graph import Graph, drawn_as
from models.lab import Check
from models.text import big, sentence
from pages._lesson import frame, offer
from pages._question import Asking
from pages.cost import _questions
from pages.cost._kept import block_of, joins_of
from viz import state
from viz.components.diagram import diagram, field_text, opened, shape_text
from viz.controls.block import setting_of
from viz.figures import chart, ranked, show, table
from viz.figures.cards import Pair, check_cards, versus
from viz.figures.cells import framed, row, signed
from viz.state import Choice, Fold, Setting
from viz.words import heading, remark, say

BLOCK = Choice("block", "bottleneck", "Block", None, tuple(BLOCKS))
TABLE = "block_table"
GRADIENT = 150
"""Side of a picture of a gradient, in pixels."""
COST = Choice(
    "cost", "MACs", "A bar for each layer's", None, ("MACs", "Parameters"), "segmented_control", key="block_cost"
)


@dataclass(frozen=True)
class Chosen:
    """A block and its settings, as the page and its link have them."""

    @property
    def names(self) -> tuple[str, ...]:
        return (BLOCK.name, *dict.fromkeys(one.name for block in BLOCKS.values() for one in block.settings))

    @property
    def block(self) -> Block:
        return BLOCKS[BLOCK.value]

    @property
    def controls(self) -> list[Setting]:
        return [setting_of(one, f"block_{self.block.name}") for one in self.block.settings]

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        """Take block and settings over from a link; a sentence for each thing that could not be."""
        told = BLOCK.take(query)
        for one in self.controls:
            told += one.take(query)
        known = {BLOCK.name, *(one.name for one in self.controls)}
        alien = [name for name in query if name in self.names and name not in known]
        return told + [f"{name}: {self.block.title} has no such setting; it is left out." for name in alien]

    def query(self) -> dict[str, str]:
        found = BLOCK.query()
        for one in self.controls:
            found |= one.query()
        return found

    @property
    def settings(self) -> dict[str, Any]:
        return {one.name: one.value for one in self.controls}

    def fitting(self) -> tuple[dict[str, Any], SpecError | None]:
        """The settings that are drawn: those asked for, or where these do not fit each other the last that did, and
        what is wrong."""
        settings, kept = self.settings, f"fitting_{self.block.name}"
        try:
            self.block.settle(**settings)
        except SpecError as error:
            return state.recall(kept, {one.name: one.default for one in self.block.settings}), error
        state.remember(kept, settings)
        return settings, None

    def draw(self, misfit: SpecError | None) -> None:
        BLOCK.draw(format_func=lambda name: BLOCKS[name].title)
        for one in self.controls:
            one.draw()
            if misfit and misfit.field == one.name:
                st.warning(f"{sentence(misfit.message)} Until then you see one that fits.", icon=":material/block:")


OPERATIONS = Fold(
    "operations", False, "**What does it call?** All operations, in their order", icon=":material/table_rows:"
)

CHOSEN = Chosen()
ASKING = Asking("blocks", _questions.BLOCKS, (CHOSEN,))


def _checks(block: Block, settings: dict[str, Any], graph: Graph, held: int) -> list[Check]:
    """Headline numbers, measured and in closed form."""
    found = block.formulas(**settings)
    said = {
        "weights": ("Weights", "Of convolutions and dense layers, without biases and norms: what papers count.", held),
        "parameters": ("Parameters", "All learned numbers, biases and norms too.", graph.parameters),
        "macs": ("MACs", "Multiply–accumulates for one picture.", graph.macs),
    }
    how = {"macs": "torch's FlopCounterMode ÷ 2, on the traced layers"}
    return [
        Check(name, title, hint, measured, found[name], how.get(name, "counted in the real layers"))
        for name, (title, hint, measured) in said.items()
    ]


def lesson() -> None:
    """The block at the left, its diagram and its numbers at the right."""
    state.take(CHOSEN, COST, OPERATIONS, ASKING)
    covered = ASKING.waits()
    block = CHOSEN.block
    settings, misfit = CHOSEN.fitting()
    with frame(partial(CHOSEN.draw, misfit), asking=ASKING):
        graph, held = block_of(block.name, tuple(settings.items()))
        if not covered:
            say(f"**{block.teaches}** [{block.paper.source[0]}]({block.paper.url})")
            show(check_cards(_checks(block, settings, graph, held)), key="block_cards")
            remark(_ends(graph))
        _draw_diagram(block, graph, covered)
    offer(lambda: _script(block, settings, graph), covered=covered)
    if not covered:
        if block.name == "join":
            _both(settings["channels"], settings["out_channels"])
        _costs(graph)


def _draw_diagram(block: Block, graph: Graph, covered: bool) -> None:
    key = f"block_{block.name}"
    listed = OPERATIONS.value and not covered
    chosen: str | None = state.recall("operation") if listed else None
    diagram(
        graph,
        key=key,
        title=f"{block.title}, {shape_text(graph.nodes[0].shapes[0])} in",
        selected=chosen and drawn_as(graph, chosen, opened(graph, key)),
        covered=covered,
        # With the question on one low screen.
        height=180 if covered else 560,
        on_node=(lambda: state.remember("operation", state.heard(key, "node"))) if listed else None,
    )


def _choose_row(graph: Graph, row: int | None) -> None:
    state.remember("operation", None if row is None else graph.nodes[row + 1].name)


def _ends(graph: Graph) -> str:
    """What goes in and out, and what a unit of the output sees."""
    first, last, output = graph.nodes[0], graph.nodes[-2], graph.nodes[-1]
    said = f"{shape_text(first.shapes[0])} become {shape_text(output.shapes[0])}: channels × height × width."
    field = field_text(last)
    return f"{said} A unit of the output {field}, in pixels of the block's input." if field else said


def _both(channels: int, out_channels: int) -> None:
    """Both ways on the same two images: the price of the layer behind, and what comes back to each image."""
    heading("Both ways, on the same two images")
    found = joins_of(channels, out_channels)
    add, concat = found["add"], found["concatenate"]
    pairs = [
        Pair(name, title, big(getattr(add, name)), big(getattr(concat, name)), "2 ×")
        for name, title in (
            ("channels", "Channels behind the join"),
            ("parameters", "Weights of the layer behind"),
            ("macs", "MACs of the layer behind"),
        )
    ]
    for name, title in (("difference", "Largest difference of the two gradients"), ("alike", "Cosine between them")):
        shown = [f"{getattr(one, name):.2g}".replace("-", "−") for one in (add, concat)]
        pairs.append(Pair(name, title, *shown, "each its own"))
    titles = {"add": "Added", "concatenate": "Concatenated"}
    top = max(float(abs(gradient[0]).max()) for one in found.values() for gradient in one.gradients)
    pictures = [
        framed(
            f"{titles[join]}, image {i}",
            signed(gradient[0] / top, f"Gradient at image {i}, {titles[join].lower()}", GRADIENT),
        )
        for join, one in found.items()
        for i, gradient in enumerate(one.gradients, 1)
    ]
    show(
        versus((*titles.values(), "Difference"), pairs) + row(*pictures, pictures=True, widest=GRADIENT),
        key="join_both",
    )
    say(
        "The pictures are channel 0 of the gradient that comes back to each image. A sum hands on to both exactly what "
        "reaches it, so the layer behind asks the same of both. Concatenated, each image has weights of its own there, "
        "and gets a gradient of its own. Were these weights the same for both images, the two ways would be one."
    )
    remark("Measured on drawn images of 8 × 8, with the same gradient at the output and the same weights for image 1.")


def _costs(graph: Graph) -> None:
    """Where the cost is: a bar for each layer, and a table of all operations."""
    heading("Which layer costs most?")
    cost = COST.draw()
    counts = {node.name: node.macs if cost == "MACs" else node.parameters for node in graph.nodes}
    paid = {name: count for name, count in counts.items() if count}
    if paid:
        total, largest = sum(paid.values()), max(paid.values())
        most = [name for name, count in paid.items() if count == largest]
        chart(_bars(paid, cost), key="block_bars", alt=f"{cost} of each layer of the block", numbers=False)
        where = f"in `{most[0]}`" + (f", and as many in {len(most) - 1} more" if len(most) > 1 else "")
        told = f"{big(total)} {cost if cost == 'MACs' else 'parameters'} in all"
        say(f"{told}, {100 * largest / total:.0f} % of them {where}.")
    OPERATIONS.draw(partial(_table, graph))


def _table(graph: Graph) -> None:
    head = ("operation", "call", "output", "parameters", "MACs", "a unit sees")
    rows = [
        (
            node.name,
            node.settings,
            ", ".join(map(shape_text, node.shapes)),
            node.parameters,
            node.macs,
            field_text(node),
        )
        for node in graph.nodes[1:-1]
    ]
    names = [one[0] for one in rows]
    chosen = next((row for row, name in enumerate(names) if name == state.recall("operation")), None)
    label = "Operations of the block, in the order of execution"
    table(head, rows, key=TABLE, of=str(names), label=label, on_row=partial(_choose_row, graph), row=chosen)
    remark(
        "Nodes are the calls that torch.fx finds in the real block; equal parts in a row are folded. A row that you "
        "choose is selected in the diagram, and a node that you click in this table."
    )


def _bars(paid: dict[str, int], cost: str) -> dict:
    return ranked(list(paid), list(paid.values()), x=cost, y="Layer", log=False)


def _script(block: Block, settings: dict[str, Any], graph: Graph) -> tuple[str, str]:
    given = "".join(f", {name}={value!r}" for name, value in settings.items())
    code = f"""from models.blocks import build
from models.measure import measure

block = build({block.name!r}{given})
found = measure(block, {graph.nodes[0].shapes[0]})
print(block)
print(f"{{found.parameters:,}} parameters, {{found.macs:,}} MACs, {{found.output_shape}}")
assert (found.parameters, found.macs) == ({graph.parameters}, {graph.macs})
assert found.output_shape == {graph.nodes[-1].shapes[0]}
"""
    return "Runs in a copy of this project: builds the block and asserts its parameters, MACs and output.", code


if __name__ == "__main__":
    lesson()
