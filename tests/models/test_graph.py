"""The graph of a network against a plain run of it with hooks, torch's own counter, and its parameters."""

import copy
from collections import defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.graph import (
    ONE,
    Drawing,
    Graph,
    drawn_as,
    first_of,
    fold,
    names_of,
    opened_at_first,
    read_graph,
    side_by_side,
    stages,
)
from models.networks import skeleton
from models.networks.table import rows_of
from models.receptive_field import receptive_field
from viz.components.diagram import diagram_data

NETWORKS = (
    *("resnet50", "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_large", "squeezenet1_1", "vgg16", "densenet121"),
    *("convnext_tiny", "googlenet", "shufflenet_v2_x0_5"),
)
PICTURE = (1, 3, 224, 224)


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    return {name: read_graph(skeleton(name), PICTURE) for name in NETWORKS}


def plain_run(module: nn.Module, shape) -> tuple[dict[str, list[tuple[int, ...]]], int]:
    """Output shapes of each layer's calls, and MACs, without a graph."""
    module, shapes = copy.deepcopy(module).to("meta").eval(), defaultdict(list)
    for name, layer in module.named_modules():
        hook = lambda _, __, out, name=name: shapes[name].append(tuple(out.shape))  # noqa: E731
        if not list(layer.children()):
            layer.register_forward_hook(hook)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.empty(shape, device="meta"))
    return shapes, counter.get_total_flops() // 2


def own(drawing: Drawing) -> int:
    return sum(node.parameters for node in drawing.nodes)


def sources(graph: Graph | Drawing, name: str) -> list[str]:
    at = next(i for i, node in enumerate(graph.nodes) if node.name == name)
    return [graph.nodes[edge.source].name for edge in graph.edges if edge.target == at]


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_macs_and_parameters_are_those_of_a_plain_run(graphs, name):
    graph, module = graphs[name], skeleton(name)
    shapes, macs = plain_run(module, PICTURE)
    seen = defaultdict(list)
    layers = dict(module.named_modules())
    for node in graph.nodes:
        if isinstance(layers.get(node.module), nn.Module) and type(layers[node.module]).__name__ == node.kind:
            seen[node.module].append(node.shapes[0])
    assert seen
    # What is a layer with a forward() of its own, torchvision's, stands there as the calls in it.
    assert seen == {path: found for path, found in shapes.items() if path in seen}
    assert {path for path in shapes if type(layers[path]).__module__.startswith("torch.nn")} == set(seen)
    assert graph.macs == macs
    assert graph.parameters + graph.unused == sum(p.numel() for p in module.parameters())
    assert graph.broken is None


def test_only_heads_that_evaluation_leaves_out_are_not_in_the_graph(graphs):
    heads = skeleton("googlenet")
    expected = sum(p.numel() for head in (heads.aux1, heads.aux2) for p in head.parameters())
    assert graphs["googlenet"].unused == expected > 0
    assert [name for name in NETWORKS if graphs[name].unused] == ["googlenet"]


@pytest.mark.parametrize("name", NETWORKS)
def test_however_it_is_folded_nothing_is_lost_and_arrows_lead_on(graphs, name):
    graph = graphs[name]
    for opened in ((), opened_at_first(graph), set(names_of(graph))):
        drawing = fold(graph, opened)
        assert own(drawing) == graph.parameters
        assert sum(node.macs or 0 for node in drawing.nodes) == graph.macs
        assert sum(node.calls for node in drawing.nodes) == len(graph.nodes)
        assert all(edge.source < edge.target for edge in drawing.edges)
        assert {edge.target for edge in drawing.edges} == set(range(1, len(drawing.nodes)))
        assert {edge.source for edge in drawing.edges} == set(range(len(drawing.nodes) - 1))
    assert len(fold(graph, set(names_of(graph))).nodes) == len(graph.nodes)
    assert len(fold(graph, opened_at_first(graph)).nodes) <= 40


@pytest.mark.parametrize("name", ["resnet50", "squeezenet1_1", "densenet121"])
def test_fields_are_those_of_the_trace(graphs, name):
    layers = {layer.name: layer for layer in receptive_field(skeleton(name), PICTURE).layers}
    nodes = [node for node in graphs[name].nodes if node.name in layers]
    assert len(nodes) > 60
    assert all((node.size, node.jump) == (layers[node.name].size, layers[node.name].jump) for node in nodes)


def test_the_stages_of_resnet_50_fold_to_what_repeats(graphs):
    """One block with a projection, then 2, 3, 5 and 2 equal ones (He et al. 2016, table 1: 3, 4, 6 and 3)."""
    drawing = fold(graphs["resnet50"], opened_at_first(graphs["resnet50"]))
    blocks = [node for node in drawing.nodes if "Bottleneck" in node.kind]
    assert [node.kind for node in blocks] == [
        kind for count in (2, 3, 5, 2) for kind in ("Bottleneck", f"{count} × Bottleneck")
    ]
    assert [node.name for node in blocks[:2]] == ["layer1.0", "layer1.1…layer1.2"]
    # 1x1, 3x3 and 1x1 with 64, 64 and 256 channels and their normalisations; the last add with its activation.
    assert blocks[1].parameters == 2 * (256 * 64 + 9 * 64 * 64 + 64 * 256 + 2 * (64 + 64 + 256))
    assert blocks[-1].size == (427, 427)
    assert [frame.name for frame in drawing.frames] == ["layer1", "layer2", "layer3", "layer4"]


def test_a_group_opens_into_what_is_in_it(graphs):
    graph = graphs["resnet50"]
    first = opened_at_first(graph)
    row = fold(graph, first | {"layer1.1…layer1.2"})
    assert [node.name for node in row.nodes if node.name.startswith("layer1.")] == ["layer1.0", "layer1.1", "layer1.2"]
    block = fold(graph, first | {"layer1.1…layer1.2", "layer1.1"})
    inside = [node.kind for node, frame in zip(block.nodes, block.framed, strict=True) if frame == "layer1.1"]
    assert inside == [*(["Conv2d", "BatchNorm2d", "ReLU"] * 2), "Conv2d", "BatchNorm2d", "add", "ReLU"]
    assert [(f.name, f.parent) for f in block.frames[:3]] == [
        ("layer1", None),
        ("layer1.1…layer1.2", "layer1"),
        ("layer1.1", "layer1.1…layer1.2"),
    ]


def test_names_of_no_group_change_nothing(graphs):
    graph = graphs["vgg16"]
    assert fold(graph, {"no such group", "features.0"}) == fold(graph)


def test_an_operation_is_drawn_as_itself_or_as_the_folded_group_around_it(graphs):
    graph = graphs["resnet50"]
    every = set(names_of(graph))
    for opened in (set(), every, set(sorted(every)[::2])):
        drawing = fold(graph, opened)
        names = {node.name for node in drawing.nodes}
        for node in graph.nodes:
            drawn = drawn_as(graph, node.name, opened)
            assert drawn in names
            assert drawn == node.name or (opened != every and drawn in every)
    assert drawn_as(graph, "no such operation", every) is None


def test_skips_are_arrows(graphs):
    assert sources(graphs["resnet50"], "layer1.1.add") == ["layer1.1.bn3", "layer1.0.relu_2"]
    joined = sources(graphs["densenet121"], "features.denseblock1.denselayer3.cat")
    assert joined[0] == "features.pool0"
    assert len(joined) == 3
    assert sources(graphs["squeezenet1_1"], "features.3.cat") == [
        "features.3.expand1x1_activation",
        "features.3.expand3x3_activation",
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_add_up(graphs, name):
    graph = graphs[name]
    found = stages(graph)
    assert sum(one.parameters for one in found) == graph.parameters
    assert sum(one.macs for one in found) == graph.macs
    assert sum(one.operations for one in found) == len(graph.nodes) - 2
    sides = [int(one.name.split(" × ")[0]) for one in found]
    assert sides == sorted(sides, reverse=True)
    assert found[-1].name == ONE


def test_vgg_16_keeps_most_parameters_in_its_dense_layers(graphs):
    """25088·4096 + 4096 in the first of them (Simonyan and Zisserman 2015, configuration D)."""
    *_, dense = stages(graphs["vgg16"])
    assert dense.parameters == (25088 * 4096 + 4096) + (4096 * 4096 + 4096) + (4096 * 1000 + 1000)
    assert dense.macs == 25088 * 4096 + 4096 * 4096 + 4096 * 1000
    assert graphs["vgg16"].parameters == 138_357_544


def test_stages_of_two_networks_stand_side_by_side():
    wide = nn.Sequential(nn.Conv1d(1, 8, 3, padding=1), nn.MaxPool1d(2), nn.Conv1d(8, 8, 3, padding=1))
    deep = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.MaxPool1d(2), nn.MaxPool1d(2), nn.Flatten())
    one, other = (read_graph(net, (1, 1, 32)) for net in (wide, deep))
    pairs = [[stage and (stage.name, stage.parameters) for stage in pair] for pair in side_by_side(one, other)]
    assert pairs == [[("32", 32), ("32", 16)], [("16", 200), ("16", 0)], [None, ("8", 0)], [None, (ONE, 0)]]
    for graph, at in ((one, 0), (other, 1)):
        found = [pair[at] for pair in side_by_side(one, other) if pair[at]]
        assert tuple(found) == stages(graph)
    assert [stage.field for stage in stages(one)] == [(3,), (8,)]
    # Padding changes every size: each stage stands beside the one that does the same.
    plain, padded = (
        nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=p),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d(1),
        )
        for p in (0, 2)
    )
    pairs = side_by_side(read_graph(plain, (1, 1, 32, 32)), read_graph(padded, (1, 1, 32, 32)))
    assert [(a.name, b.name) for a, b in pairs if a and b] == [
        ("28 × 28", "32 × 32"), ("14 × 14", "16 × 16"), ("10 × 10", "12 × 12"), ("5 × 5", "6 × 6"), (ONE, ONE)
    ]  # fmt: skip


class Joined(nn.Module):
    """Two encoders and a decoder, as in a U-Net: maps are kept and concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.below = nn.Conv2d(8, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.join = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        kept = self.down(x)
        y = self.below(nn.functional.max_pool2d(kept, 2))
        return self.join(torch.cat([kept, self.up(y)], dim=1))


def test_a_concatenation_joins_what_was_kept():
    graph = read_graph(Joined(), (1, 3, 64, 64))
    assert sources(graph, "cat") == ["down", "up"]
    cat = next(node for node in graph.nodes if node.name == "cat")
    assert (cat.settings, cat.shapes) == ("cat(dim=1)", ((1, 16, 64, 64),))
    pool = next(node for node in graph.nodes if node.kind == "max_pool2d")
    assert pool.settings == "max_pool2d(kernel_size=2)"
    assert [edge.shapes for edge in graph.edges if graph.nodes[edge.target] is cat] == [((1, 8, 64, 64),)] * 2


class Paths(nn.Module):
    """Equal paths side by side (ResNeXt's first form), all on the same input."""

    def __init__(self, paths: int) -> None:
        super().__init__()
        made = [nn.Sequential(nn.Conv2d(8, 2, 1), nn.ReLU(), nn.Conv2d(2, 8, 3, padding=1)) for _ in range(paths)]
        self.paths = nn.ModuleList(made)

    def forward(self, x):
        return x + torch.stack([path(x) for path in self.paths]).sum(0)


def test_equal_paths_side_by_side_fold_into_one_node():
    graph = read_graph(Paths(32), (1, 8, 16, 16))
    drawing = fold(graph)
    folded = drawing.nodes[1]
    assert folded.kind == "32 × Sequential, side by side"
    assert folded.parameters == 32 * (8 * 2 + 2 + 9 * 2 * 8 + 8)
    assert sources(drawing, "stack") == ["paths.0…paths.31"]
    # What adds up one path after the other follows each other.
    assert fold(read_graph(Row(), (1, 8, 16, 16))).nodes[1].kind == "4 × Sequential"


class Row(Paths):
    def __init__(self) -> None:
        super().__init__(4)

    def forward(self, x):
        for path in self.paths:
            x = path(x)
        return x


class Twice(nn.Module):
    """One layer that is called twice, and weights that no layer holds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 3, padding=1)
        self.scale = nn.Parameter(torch.ones(4, 1, 1))
        self.kernel = nn.Parameter(torch.ones(2, 2, 3, 3))
        self.never = nn.Linear(5, 5)

    def forward(self, x):
        x = self.layer(self.layer(x)) * self.scale.abs()
        first, second = x.chunk(2, dim=1)
        first = nn.functional.conv2d(first, self.kernel, padding=1)
        return torch.cat([first, second], 1).view(x.size(0), -1)


def test_shared_weights_count_once_and_loose_ones_where_they_are_used():
    graph = read_graph(Twice(), (2, 4, 6, 6))
    counts = {node.name: node.parameters for node in graph.nodes if node.parameters}
    assert counts == {"layer": 4 * 4 * 9 + 4, "mul": 4, "conv2d": 36}
    assert graph.unused == 30
    names = [node.name for node in graph.nodes]
    assert names == ["input", "layer", "layer_1", "mul", "chunk", "conv2d", "cat", "view", "output"]
    costs = {node.name: node.macs for node in graph.nodes}
    assert costs["layer"] == costs["layer_1"] == 2 * 36 * 4 * 4 * 9
    assert costs["conv2d"] == 2 * 36 * 2 * 2 * 9
    assert sources(graph, "cat") == ["conv2d", "chunk"]
    halves = [edge.shapes for edge in graph.edges if graph.nodes[edge.source].name == "chunk"]
    assert halves == [((2, 2, 6, 6),), ((2, 2, 6, 6),)]
    assert graph.nodes[-2].settings == "view(2, -1)"


class _Several(nn.Module):
    def __init__(self, gives):
        super().__init__()
        self.a, self.b, self.gives = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3), gives

    def forward(self, x):
        y = self.a(x)
        return self.gives(y, self.b(y))


@pytest.mark.parametrize(
    ("gives", "names"),
    [
        (lambda y, z: (y, z), ["output[0]", "output[1]"]),
        (lambda y, z: [y, z], ["output[0]", "output[1]"]),
        (lambda y, z: {"out": y, "aux": z}, ["output['out']", "output['aux']"]),
        (lambda y, z: (y, {"aux": z}), ["output[0]", "output[1]['aux']"]),
    ],
)
def test_each_tensor_that_is_returned_is_an_output_with_its_shape(gives, names):
    graph = read_graph(_Several(gives), (2, 3, 10, 10))
    returned = {node.name: node.shapes for node in graph.returned}
    assert returned == dict(zip(names, (((2, 8, 8, 8),), ((2, 4, 6, 6),)), strict=True))
    assert [sources(graph, name) for name in names] == [["a"], ["b"]]
    drawn = fold(graph)
    assert [node.name for node in drawn.nodes if node.kind == "output"] == names
    assert [(row[0], row[2]) for row in rows_of(graph)][-2:] == [(names[0], "2×8×8×8"), (names[1], "2×4×6×6")]


class _Sliced(nn.Module):
    def forward(self, x):
        return x[:, 0], x[..., ::2, 1:-1], x[0, None], x[:, [0, 2]], x[torch.zeros(1, dtype=torch.long)], x.mT


def test_what_is_taken_out_of_a_tensor_is_written_as_in_code():
    graph = read_graph(_Sliced(), (2, 3, 10, 10))
    written = ["[:, 0]", "[..., ::2, 1:-1]", "[0, None]", "[:, [0, 2]]", "[…]", ".mT"]
    assert [node.settings for node in graph.nodes[1:7]] == written
    assert [row[:2] for row in rows_of(graph)][:6] == [(one, one) for one in written]
    shown = [node for node in diagram_data(fold(graph))["nodes"] if node["head"].startswith(("[", "."))]
    assert len(shown) == 6
    assert not any("getitem" in line or "getattr" in line for node in shown for line in node["lines"])


def test_a_layer_that_is_called_output_is_not_taken_for_the_end():
    net = nn.Sequential()
    net.add_module("input", nn.Conv2d(3, 4, 1))
    net.add_module("output", nn.Conv2d(4, 5, 1))
    graph = read_graph(net, (1, 3, 4, 4))
    assert [node.name for node in graph.nodes] == ["the input", "input", "output", "the output"]
    assert graph.nodes[first_of(graph, "output")].kind == "Conv2d"


def test_parts_of_one_answer_and_equal_outputs_are_drawn_one_by_one():
    class Halves(nn.Module):
        def forward(self, x):
            return x.chunk(3, 1)

    graph = read_graph(Halves(), (1, 6, 4, 4))
    assert [node.shapes for node in graph.returned] == [((1, 2, 4, 4),)] * 3
    assert len([node for node in fold(graph).nodes if node.kind == "output"]) == 3


def test_what_does_not_fit_is_the_last_node_and_says_why():
    graph = read_graph(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(9, 8, 3), nn.ReLU()), (1, 3, 32, 32))
    assert [node.name for node in graph.nodes] == ["input", "0", "1", "2"]
    assert graph.broken.node == 3
    assert graph.broken.message == ("layer 2 (Conv2d) got 1×8×30×30, which is 8 channels, but in_channels=9.")
    assert graph.nodes[2].size == (3, 3)
    assert fold(graph).broken == 3


def test_what_nobody_could_hold_ends_the_graph():
    graph = read_graph(nn.Sequential(nn.Upsample(scale_factor=1000), nn.Upsample(scale_factor=1000)), (1, 3, 64, 64))
    assert [node.name for node in graph.nodes] == ["input", "0"]
    assert graph.broken.message.startswith("layer 0 (Upsample) would give 12\u202f288\u202f000\u202f000 numbers")
    # What torch forgets to refuse on the meta device.
    assert "in_channels=4" in read_graph(nn.ConvTranspose2d(4, 8, 3), (1, 3, 8, 8)).broken.message
    assert read_graph(nn.Sequential(nn.Flatten(), nn.Softmax(3)), (1, 3, 8)).broken.node == 2


class Unequal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.small, self.large = nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(3, 8, 5)

    def forward(self, x):
        return torch.cat([self.small(x), self.large(x)], 1)


def test_branches_that_do_not_meet_are_both_drawn():
    graph = read_graph(Unequal(), (1, 3, 32, 32))
    assert sources(graph, "cat") == ["small", "large"]
    said = (
        "the call torch.cat() does not take 1×8×15×15 and 1×8×28×28: 15 and 28 along axis 2 and 15 and 28 along axis 3."
    )
    assert graph.broken.message == said
    assert [node.size for node in graph.nodes] == [None, (3, 3), (5, 5), None]


class Decides(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Both(nn.Module):
    def forward(self, x, y):
        return x + y


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Decides(), "A forward() whose path depends on the values in its tensors cannot be drawn as a graph."),
        (Both(), "forward() asks for x and y; a network with one input is drawn."),
    ],
)
def test_what_cannot_be_traced_is_one_sentence(module, said):
    with pytest.raises(ValueError, match=r"cannot be drawn|one input") as refused:
        read_graph(module, (1, 3, 8, 8))
    assert str(refused.value).endswith(said)


def test_a_network_without_a_picture_has_no_fields_and_everything_else():
    graph = read_graph(nn.Sequential(nn.Linear(7, 3), nn.ReLU()), (4, 7))
    assert [(node.kind, node.shapes, node.macs, node.size) for node in graph.nodes[1:3]] == [
        ("Linear", ((4, 3),), 84, None),
        ("ReLU", ((4, 3),), 0, None),
    ]


def test_the_network_is_left_alone():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    read_graph(module, (1, 3, 8, 8))
    assert module.training
    assert all(p.device.type == "cpu" for p in module.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())


class Residual(nn.Module):
    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x):
        return x + self.inside(x)


LAYERS = (lambda: nn.Conv2d(4, 4, 3, padding=1), lambda: nn.Conv2d(4, 4, 1), nn.ReLU, lambda: nn.BatchNorm2d(4))
one = st.sampled_from(LAYERS)
made = st.recursive(
    one,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: lambda: nn.Sequential(*(part() for part in parts))),
        inner.map(lambda part: lambda: Residual(part())),
        st.tuples(inner, st.integers(2, 4)).map(
            lambda both: lambda: nn.Sequential(*(both[0]() for _ in range(both[1])))
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(make=made, data=st.data())
def test_any_network_of_rows_and_skips_keeps_its_numbers_however_it_is_folded(make, data):
    module = nn.Sequential(nn.Conv2d(3, 4, 1), make())
    graph = read_graph(module, (1, 3, 8, 8))
    shapes, macs = plain_run(module, (1, 3, 8, 8))
    assert sum(map(len, shapes.values())) == sum(node.kind not in ("input", "output", "add") for node in graph.nodes)
    assert graph.parameters == sum(p.numel() for p in module.parameters())
    assert graph.macs == macs
    adds = sum(isinstance(part, Residual) for part in module.modules())
    assert sum(node.kind == "add" for node in graph.nodes) == adds
    names = sorted(names_of(graph))
    assert len(set(names)) == len(names)
    opened = data.draw(st.sets(st.sampled_from(names))) if names else set()
    drawing = fold(graph, opened)
    assert own(drawing) == graph.parameters
    assert sum(node.calls for node in drawing.nodes) == len(graph.nodes)
    assert all(edge.source < edge.target for edge in drawing.edges)
    known = {frame.name for frame in drawing.frames}
    assert known <= opened
    assert {frame.parent for frame in drawing.frames} - {None} <= known
