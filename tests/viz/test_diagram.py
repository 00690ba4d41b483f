"""What the browser is told of a network that it draws."""

import hashlib
import json
import re

import pytest
import torch
from torch import nn

from models.graph import fold, names_of, opened_at_first, read_graph
from models.networks import skeleton
from viz import state
from viz.components import diagram as diagram_module
from viz.components.diagram import MOST, diagram_data, opened
from viz.components.files import FILES


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.relu(self.conv(x) + x)


@pytest.fixture(scope="module")
def graph():
    return read_graph(nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), Residual(), Residual()), (2, 3, 33, 33))


def test_a_node_carries_call_place_field_and_cost(graph):
    data = diagram_data(fold(graph))
    assert [node["name"] for node in data["nodes"]] == ["input", "0", "1…2", "output"]
    first = data["nodes"][1]
    assert (first["head"], first["rest"]) == ("Conv2d", "(3, 8, kernel_size=3, stride=2)")
    # 3·8·9 + 8 parameters; 2 pictures of 16·16 places with 3·8·9 products each.
    assert first["lines"] == ["0", "sees 3 × 3, jump 2", "224 parameters, 110\u202f592 MACs"]
    assert first["role"] == "kernel"
    assert first["told"] == (
        "Conv2d(3, 8, kernel_size=3, stride=2); 0; sees 3 × 3, jump 2; 224 parameters, 110\u202f592 MACs; "
        "output 8 × 16 × 16"
    )
    assert [node["role"] for node in data["nodes"]] == ["input", "kernel", "kernel", "output"]
    assert data["edges"] == [(0, 1, "3 × 33 × 33"), (1, 2, "8 × 16 × 16"), (2, 3, "8 × 16 × 16")]


def test_a_folded_group_says_how_much_is_in_it(graph):
    folded = diagram_data(fold(graph))["nodes"][2]
    assert (folded["head"], folded["group"], folded["frame"]) == ("2 × Residual", "1…2", None)
    assert folded["lines"][1:] == ["sees 11 × 11, jump 2", "1\u202f152 parameters, 589\u202f824 MACs"]
    assert folded["told"].endswith("6 operations, folded")


def test_an_open_group_is_a_frame_and_an_addition_joins(graph):
    data = diagram_data(fold(graph, set(names_of(graph))))
    assert data["frames"] == [
        {"name": "1…2", "title": "2 × Residual · 1…2", "parent": None},
        {"name": "1", "title": "Residual · 1", "parent": "1…2"},
        {"name": "2", "title": "Residual · 2", "parent": "1…2"},
    ]
    assert [node["name"] for node in data["nodes"] if node["joins"]] == ["1.add", "2.add"]
    assert {node["frame"] for node in data["nodes"] if node["name"].startswith("2.")} == {"2"}


def test_what_a_question_asks_for_is_not_sent(graph):
    text = json.dumps(diagram_data(fold(graph), covered=True))
    for number in ("16", "224", "592", "824", "sees", "output 8"):
        assert number not in text
    assert "Conv2d" in text


def test_a_layer_that_a_question_asks_for_is_not_named(graph):
    data = diagram_data(fold(graph), covered=True, hidden=("0",))
    assert "Conv2d" not in json.dumps(data)
    told = [node["told"] for node in data["nodes"]]
    assert told[:2] == ["input; its shape is covered", "covered until the question is answered"]
    assert not any("?" in each for each in told)


def test_what_does_not_fit_is_marked_with_its_sentence():
    broken = read_graph(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(9, 8, 3)), (1, 3, 32, 32))
    last = diagram_data(fold(broken))["nodes"][-1]
    said = "layer 1 (Conv2d) got 1×8×30×30, which is 8 channels, but in_channels=9."
    assert last["role"] == "broken"
    assert last["lines"][:2] == ["1", "does not fit"]
    assert " ".join(last["lines"][2:]) == said
    assert last["told"].endswith(f"does not fit; {said}")


def test_long_calls_are_wrapped_and_a_large_network_is_a_short_message():
    graph = read_graph(skeleton("densenet121"), (1, 3, 224, 224))
    data = diagram_data(fold(graph, opened_at_first(graph)))
    assert max(len(node["head"] + node["rest"]) for node in data["nodes"]) <= 42
    assert [node["lines"][:2] for node in data["nodes"] if node["name"] == "features.conv0"] == [
        ["padding=3, bias=False)", "features.conv0"]
    ]  # fmt: skip
    assert len(json.dumps(data)) < 10_000


def test_so_much_that_a_browser_would_stand_still_is_not_opened(monkeypatch):
    kept: dict = {}
    graph = read_graph(skeleton("densenet121"), (1, 3, 224, 224))
    monkeypatch.setattr(state, "recall", kept.get)
    monkeypatch.setattr(state, "remember", kept.__setitem__)
    monkeypatch.setattr(state, "forget", lambda name: kept.pop(name, None))
    refused = []
    for group in names_of(graph):
        monkeypatch.setattr(state, "heard", lambda key, name, group=group: {"group": group, "open": True})
        diagram_module._turn(graph, "net")
        refused += [kept["net_full"][1]] if "net_full" in kept else []
        drawing = fold(graph, opened(graph, "net"))
        assert len(drawing.nodes) + len(drawing.edges) <= MOST
    assert re.fullmatch(
        r"With “[^”]+” open there would be [\d\u202f]+ boxes and arrows; 800 are drawn at most. "
        "Fold another group first.",
        refused[0],
    )
    # Folding another one makes room.
    first = next(iter(names_of(graph)))
    monkeypatch.setattr(state, "heard", lambda key, name: {"group": first, "open": False})
    diagram_module._turn(graph, "net")
    assert "net_full" not in kept
    for name in ("resnet50", "googlenet"):
        other = read_graph(skeleton(name), (1, 3, 224, 224))
        whole = fold(other, set(names_of(other)))
        assert len(whole.nodes) + len(whole.edges) <= MOST


def test_the_library_that_places_the_nodes_is_the_published_file():
    """npm: @dagrejs/dagre 3.1.3, dist/dagre.esm.js."""
    published = "b0ddaf4af1417bec9bd89373a3a3987f081727d6cc6d95fc40dbf85a19bdf3b0"
    assert hashlib.sha256(FILES["dagre/dagre.esm.js"]).hexdigest() == published
