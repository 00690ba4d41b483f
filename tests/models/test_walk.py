"""Where a shape stops fitting, layer by layer, against real runs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.graph import read_graph
from models.parse import ParseError, parse_network
from models.parse.walk import check_network


def walk(text: str, shape: tuple[int, ...]) -> list:
    return check_network(parse_network(text, device="meta"), shape)


def broken(text: str, shape: tuple[int, ...]):
    rows = walk(text, shape)
    row = next(row for row in rows if row.status == "broken")
    assert row.output_shape is None
    after = rows[rows.index(row) + 1 :]
    assert {(r.status, r.input_shape, r.output_shape) for r in after} <= {("not reached", None, None)}
    return row


def test_rows_of_a_nested_network():
    rows = walk(
        "body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\n"
        'nn.Sequential(OrderedDict([("features", body), ("head", nn.Flatten())]))',
        (2, 3, 8, 8),
    )
    assert [(r.name, r.kind, r.input_shape, r.output_shape, r.parameters, r.status) for r in rows] == [
        ("features.0", "Conv2d", (2, 3, 8, 8), (2, 8, 6, 6), 8 * 3 * 9 + 8, "ok"),
        ("features.1", "ReLU", (2, 8, 6, 6), (2, 8, 6, 6), 0, "ok"),
        ("head", "Flatten", (2, 8, 6, 6), (2, 8 * 6 * 6), 0, "ok"),
    ]


def test_shared_parameters_count_once():
    rows = walk("nn.Sequential(*[nn.Conv2d(4, 4, 1)] * 3)", (1, 4, 2, 2))
    assert [row.parameters for row in rows] == [4 * 4 + 4, 0, 0]


def test_the_sentence_for_a_forgotten_flatten():
    row = broken("nn.Sequential(nn.Conv2d(3, 64, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Linear(400, 10))", (1, 3, 12, 12))
    assert row.message == ("layer 3 (Linear) got 1×64×5×5 = 1600 features per example, but in_features=400.")


def test_a_walk_changes_nothing_and_allocates_nothing():
    net = parse_network("nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Conv2d(3, 4, 3))")
    before = {key: value.clone() for key, value in net.state_dict().items()}
    identities = [id(p) for p in net.parameters()]
    check_network(net, (1, 3, 1, 1))
    check_network(net, (1, 3, 8, 8))
    assert net.training
    assert all(layer.training for layer in net)
    assert [id(p) for p in net.parameters()] == identities
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("nn.Upsample(scale_factor=1000)", (1, 3, 64, 64)),
        ("nn.ZeroPad2d(4096)\nnn.ZeroPad2d(4096)", (1, 8, 8, 8)),
        ("nn.Sequential(*[nn.Identity()] * 1000)", (1, 3, 512, 512)),
        ("nn.ConvTranspose2d(1, 1, 4096, padding=2040)", (1, 1, 64, 64)),
        ("nn.Conv2d(64, 64, 9, dilation=1000, padding=4000, padding_mode='replicate')", (1, 64, 64, 64)),
        ("nn.Upsample(8192)\nnn.MaxPool2d(4095, stride=1, padding=2047)", (1, 1, 8, 8)),
        ("nn.Sequential(*[nn.Conv2d(512, 512, 3, padding=1) for i in range(40)])", (1, 512, 64, 64)),
        ("nn.AdaptiveAvgPool2d(1000000)", (1, 1, 8, 8)),
    ],
)
def test_what_would_exhaust_the_machine_is_marked_before_it_runs(text, shape):
    statuses = [row.status for row in walk(text, shape)]
    assert statuses.count("too large") == 1
    assert set(statuses[statuses.index("too large") + 1 :]) <= {"not reached"}


def test_vgg16_at_full_size_is_not_too_large():
    cfg = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]
    layers, channels = [], 3
    for width in cfg:
        layers += [f"nn.Conv2d({channels}, {width}, 3, padding=1)", "nn.ReLU()"] if width else ["nn.MaxPool2d(2)"]
        channels = width or channels
    rows = walk(f"nn.Sequential({', '.join(layers)})", (1, 3, 224, 224))
    assert {row.status for row in rows} == {"ok"}
    assert rows[-1].output_shape == (1, 512, 7, 7)


@pytest.mark.parametrize("shape", [(), (0, 3), (1, -1), (1, 2.0), (10**6, 10**6)])
def test_an_impossible_input_shape_is_refused(shape):
    with pytest.raises(ValueError, match="input shape"):
        walk("nn.ReLU()", shape)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_a_composite_layer_is_refused():
    with pytest.raises(ValueError, match="Transformer"):
        check_network(nn.Sequential(nn.Transformer(8, 2, 1, 1, 8)), (1, 3))


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
@settings(max_examples=400, deadline=None)
@given(st.lists(LAYER, min_size=1, max_size=3), st.lists(SIZE, min_size=0, max_size=3))
def test_status_and_shapes_are_those_of_a_real_run(layers, spatial):
    shape = (2, *spatial, 6)
    try:
        net = parse_network("\n".join(layers)).eval()
    except ParseError:
        return
    x: torch.Tensor | None = torch.zeros(shape)
    for layer, row in zip(net, check_network(net, shape), strict=True):
        if x is None:
            assert row.status == "not reached"
            continue
        try:
            with torch.inference_mode():
                x = layer(x)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError, NotImplementedError):
            x = None
        if x is not None and x.numel() == 0:
            x = None
        assert (row.status == "ok", row.output_shape) == (x is not None, None if x is None else tuple(x.shape)), row
        assert bool(row.message) == (x is None)


@pytest.mark.filterwarnings("ignore:dropout", "ignore:input's size at dim")
@settings(max_examples=200, deadline=None)
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
    assert [node.name for node in graph.rest] == [str(n) for n in range(len(answers) + 1, len(net))] * refused
