"""Whole networks: what repeats in them, and at which size of the maps their parameters and their MACs are."""

from __future__ import annotations

from functools import partial

import streamlit as st

from models.blocks import BLOCKS
from models.graph import ONE, Graph, Stage, stages
from models.text import big
from pages._lesson import frame, offer
from pages._question import Asking
from pages.cost import _questions
from pages.cost._kept import network_of
from viz import state
from viz.components.diagram import diagram
from viz.figures import chart, numbers, ranked, show, table
from viz.state import Choice, Fold
from viz.words import heading, remark, say

TITLES = {
    "vgg16": "VGG-16",
    "resnet50": "ResNet-50",
    "resnext50_32x4d": "ResNeXt-50 32×4d",
    "densenet121": "DenseNet-121",
    "googlenet": "GoogLeNet",
    "squeezenet1_1": "SqueezeNet 1.1",
    "mobilenet_v1": "MobileNet v1",
    "mobilenet_v2": "MobileNet v2",
    "mobilenet_v3_large": "MobileNet v3",
    "convnext_tiny": "ConvNeXt-T",
    "unet": "U-Net",
}
NETWORK = Choice("network", "vgg16", "Network", None, tuple(TITLES), key="cost_network")
NUMBERS = Fold("stages", False, "**All numbers**, stage by stage", icon=":material/table_rows:")
ASKING = Asking("network-costs", _questions.NETWORKS, (NETWORK,))


def _made(name: str) -> tuple[str, tuple[int, ...]]:
    """The expression that makes a network, and the shape of the picture that it takes."""
    if name in BLOCKS:
        return f"build({name!r})", BLOCKS[name].input_shape()
    return f"skeleton({name!r})", (1, 3, 224, 224)


def lesson() -> None:
    """The network at the left; its diagram, then its costs stage by stage."""
    state.take(NETWORK, NUMBERS, ASKING)
    covered = ASKING.waits()
    name = NETWORK.value
    graph = network_of(name, _made(name)[1])
    found = stages(graph)
    with frame(_choose, asking=ASKING):
        if not covered:
            show(_sums(graph, found), key="network_sums")
        hidden = ASKING.waiting.hides if ASKING.waiting else ()
        diagram(
            graph,
            key=f"network_{name}",
            title=f"Diagram of {TITLES[name]}",
            selected=next(iter(hidden), None),
            covered=covered,
            hidden=hidden,
            # With the question on one low screen.
            height=180 if covered else 520,
        )
    offer(lambda: _script(name, graph), covered=covered)
    if not covered:
        _stages(found)


def _choose() -> None:
    NETWORK.draw(format_func=TITLES.get)
    remark("Drawn from the real layers, without weights. What repeats is folded: choose it to open it.")


def _sums(graph: Graph, found: tuple[Stage, ...]) -> str:
    single = next((one for one in found if one.name == ONE), None)
    dense = f"{100 * single.parameters / graph.parameters:.0f} % of them on maps of 1×1" if single else ""
    once = graph.macs / graph.parameters
    return numbers(
        [
            ("Parameters", big(graph.parameters), dense or "all of them on maps"),
            ("MACs", big(graph.macs), "convolutions and dense layers, one picture"),
            ("MACs ÷ parameters", f"{big(once)}", "how often a weight is used, on average"),
            ("Operations", big(len(graph.nodes) - 2), "calls that torch.fx finds"),
        ]
    )


def _stages(found: tuple[Stage, ...]) -> None:
    heading("Stage by stage")
    say(
        "Early maps are large and have few channels: their layers have few weights, and each is used at many places. "
        "Late maps are small and have many channels: there are the parameters."
    )
    left, right = st.columns(2, gap="medium")
    for place, title, values in (
        (left, "Parameters", [one.parameters for one in found]),
        (right, "MACs", [one.macs for one in found]),
    ):
        with place:
            alt = f"{title} of each stage, by the size of its maps"
            figure = ranked([one.name for one in found], values, x=title, y="Maps", log=False)
            chart(figure, key=f"stages_{title.lower()}", alt=alt, numbers=False)
    NUMBERS.draw(partial(_table, found))


def _table(found: tuple[Stage, ...]) -> None:
    head = ("maps", "operations", "parameters", "MACs")
    rows = [(one.name, one.operations, one.parameters, one.macs) for one in found]
    table(head, rows, key="stages_table", label="Stages of the network")


def _script(name: str, graph: Graph) -> tuple[str, str]:
    made, shape = _made(name)
    source = "models.blocks import build" if name in BLOCKS else "models.networks import skeleton"
    code = f"""from models.graph import read_graph, stages
from {source}

graph = read_graph({made}, {shape})
for stage in stages(graph):
    print(f"{{stage.name}}: {{stage.parameters:,}} parameters, {{stage.macs:,}} MACs")
assert (graph.parameters, graph.macs) == ({graph.parameters}, {graph.macs})
"""
    return "Runs in a copy of this project: reads the network's graph and asserts the sums.", code


if __name__ == "__main__":
    lesson()
