"""Where a shape stops fitting, layer by layer, against real runs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.graph import read_graph
from models.parse import ParseError, parse_network


def test_layers_of_a_nested_network():
    text = (
        "body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\n"
        'nn.Sequential(OrderedDict([("features", body), ("head", nn.Flatten())]))'
    )
    graph = read_graph(parse_network(text, device="meta"), (2, 3, 8, 8))
    assert [(node.name, node.kind, node.shapes, node.parameters) for node in graph.nodes[1:-1]] == [
        ("features.0", "Conv2d", ((2, 8, 6, 6),), 8 * 3 * 9 + 8),
        ("features.1", "ReLU", ((2, 8, 6, 6),), 0),
        ("head", "Flatten", ((2, 8 * 6 * 6),), 0),
    ]
    assert graph.broken is None


def test_shared_parameters_count_once():
    graph = read_graph(parse_network("nn.Sequential(*[nn.Conv2d(4, 4, 1)] * 3)", device="meta"), (1, 4, 2, 2))
    assert [node.parameters for node in graph.nodes[1:-1]] == [4 * 4 + 4, 0, 0]


def test_the_sentence_for_a_forgotten_flatten():
    text = "nn.Sequential(nn.Conv2d(3, 64, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Linear(400, 10), nn.ReLU())"
    graph = read_graph(parse_network(text, device="meta"), (1, 3, 12, 12))
    told = "layer 3 (Linear) got 1×64×5×5 = 1600 features per example, but in_features=400."
    assert (graph.broken.node, graph.broken.message) == (4, told)
    assert (graph.nodes[4].shapes, [node.name for node in graph.rest]) == ((), ["4"])


def test_reading_changes_nothing():
    net = parse_network("nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Conv2d(3, 4, 3))")
    before = {key: value.clone() for key, value in net.state_dict().items()}
    identities = [id(p) for p in net.parameters()]
    assert read_graph(net, (1, 3, 1, 1)).broken
    assert not read_graph(net, (1, 3, 8, 8)).broken
    assert net.training
    assert all(layer.training for layer in net)
    assert [id(p) for p in net.parameters()] == identities
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("nn.Upsample(scale_factor=1000)", (1, 3, 64, 64)),
        ("nn.ZeroPad2d(4096)\nnn.ZeroPad2d(4096)", (1, 8, 8, 8)),
        ("nn.Conv2d(1, 64, 1)\nnn.Upsample(8192)\nnn.ReLU()", (1, 1, 8, 8)),
        ("nn.AdaptiveAvgPool2d(1000000)", (1, 1, 8, 8)),
    ],
)
def test_what_would_exhaust_the_machine_is_told_before_it_is_followed(text, shape):
    graph = read_graph(parse_network(text, device="meta"), shape)
    assert graph.broken.message.endswith("use fewer channels, a smaller input or a larger stride.")


def test_vgg16_at_full_size_is_not_too_large():
    cfg = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]
    layers, channels = [], 3
    for width in cfg:
        layers += [f"nn.Conv2d({channels}, {width}, 3, padding=1)", "nn.ReLU()"] if width else ["nn.MaxPool2d(2)"]
        channels = width or channels
    graph = read_graph(parse_network(f"nn.Sequential({', '.join(layers)})", device="meta"), (1, 3, 224, 224))
    assert (graph.broken, graph.nodes[-1].shapes) == (None, ((1, 512, 7, 7),))


SIZE = st.integers(1, 6)
PAD = st.integers(0, 3)
AXES = st.integers(1, 3)
YES = st.booleans()
LINEAR_MODES = ["nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear"]


def layer(pattern: str, *parts: object) -> st.SearchStrategy[str]:
    choices = [st.sampled_from(part) if isinstance(part, list) else part for part in parts]
    return st.builds(f"nn.{pattern}".format, *choices)


LAYER = st.one_of(
    layer("Conv{}d({}, {}, {}, stride={}, padding={}, dilation={})", AXES, SIZE, SIZE, SIZE, SIZE, PAD, AXES),
    layer("Conv2d({}, 4, {}, padding={}, padding_mode='{}')", SIZE, SIZE, SIZE, ["reflect", "replicate", "circular"]),
    layer("Conv{}d({}, 4, {}, padding='{}', groups={})", AXES, SIZE, SIZE, ["same", "valid"], [1, 2]),
    layer("ConvTranspose{}d({}, {}, {}, stride={}, padding={})", AXES, SIZE, SIZE, SIZE, SIZE, PAD),
    layer("ConvTranspose2d({}, 3, 3, stride={}, dilation={}, output_padding={})", SIZE, SIZE, AXES, PAD),
    layer("{}Pool{}d({}, stride={}, padding={}, ceil_mode={})", ["Max", "Avg"], AXES, SIZE, SIZE, PAD, YES),
    layer("MaxPool{}d({}, dilation={})", AXES, SIZE, AXES),
    layer("Adaptive{}Pool{}d({})", ["Max", "Avg"], AXES, SIZE),
    layer("LPPool{}d(2, {}, stride={})", AXES, SIZE, SIZE),
    layer("{}Norm{}d({}, affine={}, track_running_stats={})", ["Batch", "Instance"], AXES, SIZE, YES, YES),
    layer("GroupNorm({}, {})", [1, 2], SIZE),
    layer("{}Norm({})", ["Layer", "RMS"], SIZE),
    layer("{}Pad{}d({})", ["Reflection", "Replication", "Circular", "Zero"], AXES, st.integers(-4, 5)),
    layer("{}({})", ["PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "PReLU", "LocalResponseNorm"], SIZE),
    layer("Linear({}, {})", st.integers(1, 40), SIZE),
    layer("Upsample(scale_factor={}, mode='{}')", [0.1, 0.5, 2, 3], LINEAR_MODES),
    layer("Upsample(size={}, mode='{}')", [2, (2, 3)], LINEAR_MODES),
    layer("UpsamplingBilinear2d(scale_factor={})", SIZE),
    layer("{}({})", ["Softmax", "LogSoftmax", "Softmin", "GLU", "Flatten"], st.integers(-4, 4)),
    layer("Unflatten({}, ({}, -1))", [1, 2], SIZE),
    layer("Unfold({}, padding={})", SIZE, SIZE),
    layer("Fold({}, {})", SIZE, SIZE),
    layer("{}()", ["ReLU", "GELU", "Softmax2d", "Softplus", "Identity", "Dropout1d", "Dropout2d", "Dropout3d"]),
)


@pytest.mark.filterwarnings("ignore:dropout", "ignore:input's size at dim")
@settings(max_examples=400)
@given(st.lists(LAYER, min_size=1, max_size=3), st.lists(SIZE, min_size=0, max_size=3))
def test_a_graph_ends_where_a_real_run_does(layers, spatial):
    shape = (2, *spatial, 6)
    try:
        net = parse_network("\n".join(layers)).eval()
    except ParseError:
        return
    x, answers, refused = torch.zeros(shape), [], False
    for layer in net:
        try:
            with torch.inference_mode():
                x = layer(x)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError, NotImplementedError):
            refused = True
        refused = refused or x.numel() == 0
        if refused:
            break
        answers.append(tuple(x.shape))
    graph = read_graph(net, shape)
    fitting = graph.nodes[1 : graph.broken.node] if graph.broken else graph.nodes[1:-1]
    assert [node.shapes[0] for node in fitting] == answers
    assert (graph.broken is not None) == refused
    assert not refused or graph.broken.message
    assert [node.name for node in graph.rest] == [str(n) for n in range(len(answers) + 1, len(net))] * refused
