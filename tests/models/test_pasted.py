"""A class built from its text computes what Python's own class computes."""

import inspect

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.graph import read_graph
from models.parse import MissingArguments, ParseError, Pasted, SeveralNetworks, candidates, needs, parse_network
from models.receptive_field import receptive_field
from tests.models.pasted_networks import NETWORKS


def own(text: str) -> nn.Module:
    """What Python makes of the text: the instance that it ends with, else its last function or class."""
    names: dict = {"__name__": "pasted"}
    exec(text, names)
    made = [value for value in names.values() if isinstance(value, nn.Module)]
    if made:
        return made[-1]
    makers = [
        value
        for value in names.values()
        if (inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == "pasted")
        or (inspect.isfunction(value) and isinstance(value.__defaults__ or (), tuple) and "Net" in value.__name__)
    ]
    return makers[-1]()


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_outputs_are_those_of_pythons_own_class(name):
    text, shape = NETWORKS[name]
    torch.manual_seed(1)
    theirs = own(text).eval()
    torch.manual_seed(1)
    ours = parse_network(text).eval()
    assert type(ours).__name__ == type(theirs).__name__
    told, wanted = ours.state_dict(), theirs.state_dict()
    assert {key: value.shape for key, value in told.items()} == {key: value.shape for key, value in wanted.items()}
    assert list(told) == list(wanted)
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    ours.load_state_dict(wanted)
    x = torch.randn(shape)
    with torch.no_grad():
        assert torch.equal(ours(x.clone()), theirs(x.clone()))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_weights_it_is_the_same_network(name):
    text, shape = NETWORKS[name]
    sketch = parse_network(text, device="meta").eval()
    real = parse_network(text).eval()
    assert all(value.is_meta for value in sketch.state_dict().values())
    assert {k: v.shape for k, v in sketch.state_dict().items()} == {k: v.shape for k, v in real.state_dict().items()}
    with torch.no_grad():
        assert sketch(torch.empty(shape, device="meta")).shape == real(torch.randn(shape)).shape


def test_there_are_enough_networks():
    assert len(NETWORKS) >= 40


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_has_the_shapes_parameters_and_macs_of_a_plain_run(name):
    text, shape = NETWORKS[name]
    sketch = parse_network(text, device="meta").eval()
    graph = read_graph(sketch, shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        answer = sketch(torch.empty(shape, device="meta"))
    assert graph.broken is None
    assert graph.nodes[-1].shapes == (tuple(answer.shape),)
    assert graph.macs == counter.get_total_flops() // 2
    assert graph.parameters + graph.unused == sum(p.numel() for p in sketch.parameters())
    lines = text.split("\n")
    for node in graph.nodes[1:-1]:
        assert 1 <= node.line <= len(lines)
