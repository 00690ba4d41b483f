"""Traced receptive fields against the gradient, against published numbers, and where other tools go wrong."""

from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from models import networks
from models.parse import give_others, parse_network
from models.receptive_field import (
    PUBLISHED,
    ReceptiveFieldError,
    measure_field,
    receptive_field,
    subnetwork,
)


@pytest.fixture(autouse=True)
def _one_thread():
    """Thousands of tiny operations: threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def last_map(field):
    """The last layer whose units have a place in the image: before adaptive pooling and flattening."""
    return [layer for layer in field.layers if layer.is_map and "adaptive" not in layer.kind.lower()][-1]


# -- an oracle that shares nothing with the code under test: positive weights, float64, the whole Jacobian


def jacobian_boxes(module, shape):
    """Per axis (units, 2): first and last pixel with a non-zero derivative, over all channels and other axes."""
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.abs() + 0.1)
    image = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    answer = module(image)
    result = []
    for axis in range(len(shape) - 2):
        rows = []
        for unit in range(answer.shape[2 + axis]):
            picked = answer.sum(dim=[d for d in range(answer.dim()) if d != 2 + axis])[unit]
            (gradient,) = torch.autograd.grad(picked, image, retain_graph=True)
            others = [d for d in range(gradient.dim()) if d != 2 + axis]
            pixels = gradient.sum(others).nonzero().flatten()
            rows.append((int(pixels[0]), int(pixels[-1])) if len(pixels) else (0, -1))
        result.append(np.array(rows))
    return result


class Add(nn.Module):
    """Two branches added."""

    def __init__(self, left, right):
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x):
        return self.left(x) + self.right(x)


class Cat(Add):
    def forward(self, x):
        return torch.cat([self.left(x), self.right(x)], 1)


CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
AVG = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}


@st.composite
def layer(draw, dims, channels, branches=True):
    """A layer that is linear and positive once its weights are, with `channels` in and out."""
    kinds = ["conv", "conv", "transposed", "pool", "upsample", *(["add", "cat"] if branches else [])]
    kind = draw(st.sampled_from(kinds))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    if kind == "conv":
        return CONV[dims](
            channels,
            channels,
            each(1, 4),
            stride=each(1, 3),
            padding=each(0, 4),
            dilation=each(1, 3),
            groups=draw(st.sampled_from([1, channels])),
            padding_mode=draw(st.sampled_from(["zeros", "zeros", "replicate"])),
            bias=False,
        )
    if kind == "transposed":
        stride = each(1, 3)
        return TRANSPOSED[dims](
            channels,
            channels,
            each(1, 4),
            stride=stride,
            padding=each(0, 1),
            dilation=each(1, 2),
            output_padding=tuple(draw(st.integers(0, s - 1)) for s in stride),
            bias=False,
        )
    if kind == "pool":
        kernel = each(1, 4)
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        return AVG[dims](kernel, stride=each(1, 3), padding=padding, ceil_mode=draw(st.booleans()))
    if kind == "upsample":
        return nn.Upsample(scale_factor=draw(st.integers(2, 3)), mode="nearest")
    size = each(0, 2)
    same = [
        CONV[dims](channels, channels, tuple(2 * s + 1 for s in size), padding=size, bias=False),
        draw(
            st.sampled_from(
                [
                    nn.Identity(),
                    CONV[dims](channels, channels, 3, padding=2, dilation=2, bias=False),
                    CONV[dims](channels, channels, 1, bias=False),
                ]
            )
        ),
    ]
    if kind == "add":
        return Add(*same)
    return nn.Sequential(Cat(*same), CONV[dims](2 * channels, channels, 1, bias=False))


def stacks(dims):
    return st.lists(layer(dims, 2), min_size=1, max_size=4).map(lambda layers: nn.Sequential(*layers))


def runs(module, shape):
    try:
        with torch.no_grad():
            return 0 < module(torch.ones(shape)).numel() < 20_000
    except RuntimeError:
        return False


def check_against_jacobian(module, shape):
    expected = jacobian_boxes(module, shape)
    traced = receptive_field(module, shape)
    boxes = traced.boxes()
    blind = any((rows == [0, -1]).all() for rows in boxes)  # no unit sees anything along one axis: none sees anything
    for axis, (want, got) in enumerate(zip(expected, boxes, strict=True)):
        got = np.broadcast_to([0, -1], got.shape) if blind else got
        np.testing.assert_array_equal(got, want, err_msg=f"axis {axis} of {module}")
    if any("pads with pixels" in note for note in traced.notes):
        return  # folded padding shows a unit pixels that lie outside its box
    for axis, rows in enumerate(expected):
        for unit, (first, last) in enumerate(rows):
            if first <= last:
                here = [
                    int((rows[:, 0] <= rows[:, 1]).argmax()) for rows in boxes
                ]  # other axes: a unit that sees something
                here[axis] = unit
                low, high = traced.box(here)[axis]
                assert low <= first <= last <= high <= low + traced.size[axis] - 1


SLOW = settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


@SLOW
@given(stacks(1), st.integers(12, 40))
def test_boxes_of_every_unit_are_the_support_of_its_gradient_1d(module, length):
    assume(runs(module, (1, 2, length)))
    check_against_jacobian(module, (1, 2, length))


@SLOW
@given(stacks(2), st.integers(9, 17), st.integers(9, 17))
def test_boxes_of_every_unit_are_the_support_of_its_gradient_2d(module, height, width):
    assume(runs(module, (1, 2, height, width)))
    check_against_jacobian(module, (1, 2, height, width))


def test_boxes_of_every_unit_3d():
    module = nn.Sequential(
        nn.Conv3d(1, 2, (3, 1, 2), padding=(1, 0, 1)), nn.AvgPool3d((1, 2, 2)), nn.Conv3d(2, 1, 3, 2, 2)
    )
    check_against_jacobian(module, (1, 1, 9, 10, 11))


@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(stacks(1))
def test_traced_size_jump_and_start_are_the_measured_ones(module):
    measured = measure_field(module, (1, 2, 64), longest=1024)
    assume(measured.size[0] is not None)
    traced = receptive_field(module, (1, 2, *measured.lengths))
    assert (traced.size, traced.jump, traced.start) == (measured.size, measured.jump, measured.start)


# -- published numbers


@pytest.mark.parametrize(("name", "size", "start"), [("vgg16", 212, -90), ("alexnet", 195, -66)])
def test_published_fields(name, size, start):
    field = receptive_field(networks.skeleton(name).features, (1, 3, 224, 224), measured=True)
    assert (field.size, field.jump, field.start) == ((size,) * 2, (32, 32), (start,) * 2)
    assert field.agrees
    assert not field.notes


def test_published_list_says_where_torchvision_agrees():
    for entry in PUBLISHED:
        here = last_map(receptive_field(networks.skeleton(entry.here), (1, 3, 320, 320)))
        assert (here.size == (entry.size, entry.size)) == (entry.difference == ""), entry


@pytest.mark.parametrize(("name", "published", "here"), [("resnet50", 483, 427), ("resnet152", 1507, 1451)])
def test_the_stride_in_the_last_block_explains_tensorflow_s_resnets(name, published, here):
    """Move each stage's stride from the first block to the last block of the stage before: TF-Slim's number appears."""
    network = networks.skeleton(name)
    assert receptive_field(network, (1, 3, 224, 224), layer="layer4").size == (here, here)
    for stage, following in (("layer1", "layer2"), ("layer2", "layer3"), ("layer3", "layer4")):
        first, last = getattr(network, following)[0], getattr(network, stage)[-1]
        first.conv2.stride = first.downsample[0].stride = (1, 1)
        last.conv2.stride = (2, 2)
        last.downsample = nn.MaxPool2d(1, 2)
    assert receptive_field(network, (1, 3, 224, 224), layer="layer4").size == (published, published)


TRACED_QUICKLY = [
    ("alexnet", "features"),
    ("convnext_tiny", "features.3.2.add"),
    ("densenet121", "features.denseblock2"),
    ("efficientnet_b0", "features.6"),
    ("googlenet", "inception4b"),
    ("inception_v3", "Mixed_5d"),
    ("mnasnet0_5", "layers.12"),
    ("mobilenet_v2", "features.13"),
    ("mobilenet_v3_small", "features.12"),
    ("regnet_y_400mf", "trunk_output.block3"),
    ("resnet18", "layer4"),
    ("resnet152", "layer4"),
    ("shufflenet_v2_x0_5", "conv5"),
    ("squeezenet1_1", "classifier.2"),
    ("vgg11_bn", "features"),
]


@pytest.mark.parametrize(("name", "layer"), TRACED_QUICKLY)
def test_traced_is_measured_in_torchvision_s_networks(name, layer):
    network = networks.skeleton(name)
    field = receptive_field(network, (1, 3, 224, 224), layer=layer)
    known = layer in dict(network.named_modules())
    measured = measure_field(
        network if known else subnetwork(network, layer),
        (1, 3, 224, 224),
        layer if known else None,
        through_global=not field.sees_everything,
    )
    assert (measured.size, measured.jump, measured.start) == tuple(field.local)


UNFOLLOWED = {"maxvit_t", "swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t"} | {
    f"vit_{v}" for v in ("b_16", "b_32", "h_14", "l_16", "l_32")
}


OURS = {"small", "small_antialiased"}


@pytest.mark.parametrize("name", [n for n in networks.names() if n not in UNFOLLOWED | OURS])
def test_every_other_classification_network_has_a_field(name):
    field = receptive_field(networks.skeleton(name), (1, 3, 320, 320))
    assert field.sees_everything  # a classifier does
    last = last_map(field)
    assert last.local.jump in ((32, 32), (16, 16))
    assert 100 < last.local.size[0] < 20_000


@pytest.mark.parametrize("name", ["vit_b_16", "swin_t", "maxvit_t"])
def test_attention_is_unavailable_with_a_reason_never_a_number(name):
    field = receptive_field(networks.skeleton(name), (1, 3, 224, 224))
    assert field.size is field.jump is field.start is field.local is None
    assert "is not available" in field.reason
    assert last_map(field).local.size[0] in (4, 11, 16)  # what comes before is told
    with pytest.raises(ReceptiveFieldError, match="is not available"):
        field.box((0, 0))


# -- what other tools got wrong


def test_dilation_widens_the_window():
    """google-research/receptive_field #7, torch-scan #27: dilation was left out."""
    stack = nn.Sequential(*(nn.Conv1d(1, 1, 3, dilation=d) for d in (1, 2, 4, 8)))
    field = receptive_field(stack, (1, 1, 64), measured=True)
    assert field.size == (1 + 2 * (1 + 2 + 4 + 8),)
    assert field.agrees


def test_transposed_layers_have_a_field_and_a_fractional_jump():
    """Fangyh09/pytorch-receptive-field #1, #9: a transposed layer gave 0."""
    up = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)
    field = receptive_field(up, (1, 1, 8, 8), measured=True)
    assert field.jump == (Fraction(1, 2),) * 2
    assert field.size == (2, 2)
    assert [field.box((0, u))[1] for u in range(4)] == [(-1, 0), (0, 1), (0, 1), (1, 2)]
    assert field.agrees
    assert field.layers[0].output_padding == (0, 0)


def test_a_transposed_layer_after_a_stride_restores_the_jump():
    net = nn.Sequential(nn.Conv2d(1, 1, 3, 2, 1), nn.ConvTranspose2d(1, 1, 3, 2, 1, output_padding=1))
    field = receptive_field(net, (1, 1, 16, 16), measured=True)
    assert field.jump == (1, 1)
    assert field.size == (5, 5)  # odd units read two inputs, 3 + 2 pixels; even ones read one
    assert field.box((0, 0)) == ((-1, 1), (-1, 1))
    assert field.box((1, 1)) == ((-1, 3), (-1, 3))
    assert field.agrees


def test_units_between_the_stamps_see_nothing():
    field = receptive_field(nn.ConvTranspose1d(1, 1, 1, stride=3), (1, 1, 5))
    assert [field.box(u) for u in range(4)] == [((0, 0),), (None,), (None,), ((1, 1),)]
    assert any("no pixel" in note for note in field.notes)
    assert field.boxes()[0][1].tolist() == [0, -1]


def test_adaptive_pooling_that_divides_is_plain_pooling():
    field = receptive_field(nn.AdaptiveAvgPool2d((4, 2)), (1, 1, 8, 8))
    assert (field.size, field.jump) == ((2, 4), (2, 4))


def test_adaptive_pooling_that_does_not_divide_has_units_of_two_sizes():
    field = receptive_field(nn.AdaptiveAvgPool1d(3), (1, 1, 7))
    assert [field.box(u)[0] for u in range(3)] == [(0, 2), (2, 4), (4, 6)]
    field = receptive_field(nn.AdaptiveMaxPool1d(5), (1, 1, 7))
    assert [field.box(u)[0] for u in range(5)] == [(0, 1), (1, 2), (2, 4), (4, 5), (5, 6)]
    assert field.jump == (Fraction(7, 5),)
    assert field.size == (3,)


def test_global_pooling_sees_what_any_unit_saw():
    net = nn.Sequential(nn.Conv2d(1, 1, 2, stride=2), nn.AdaptiveAvgPool2d(1))
    field = receptive_field(net, (1, 1, 9, 8))
    assert field.size == (8, 8)  # the ninth row is never read
    assert field.box((0, 0)) == ((0, 7), (0, 7))
    assert field.sees_everything
    assert field.jump == (0, 0)
    assert field.local is None
    assert field.notes[0].startswith("Layer 1 (AdaptiveAvgPool2d) looks at all positions of its map at once: every")


def test_rectangular_kernels_are_followed_per_axis():
    """torch-scan reads the first axis alone; Fangyh09 #10."""
    net = nn.Sequential(nn.Conv2d(1, 1, (1, 7), padding=(0, 3)), nn.MaxPool2d((3, 1), stride=(2, 1)))
    field = receptive_field(net, (1, 1, 30, 40), measured=True)
    assert (field.size, field.jump, field.start) == ((3, 7), (2, 1), (0, -3))
    assert field.agrees


@pytest.mark.parametrize("padding", [3, 5, 8])
def test_padding_larger_than_half_the_kernel_moves_the_start_only(padding):
    field = receptive_field(nn.Conv1d(1, 1, 3, padding=padding), (1, 1, 20), measured=True)
    assert (field.size, field.start) == ((3,), (-padding,))
    assert field.box(0, clipped=True) == (None,)  # unit 0 reads nothing but zeros
    assert field.outside(0) == ((padding, 0),)
    assert field.agrees


def test_residual_branches_are_joined():
    """Fangyh09 #17: only the last branch counted."""
    block = Add(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)), nn.Identity())
    field = receptive_field(block, (1, 1, 16, 16), measured=True)
    assert (field.size, field.start) == ((5, 5), (-2, -2))
    assert field.agrees


def test_branches_that_are_shifted_against_each_other_give_the_hull():
    """google-research #9: 'graph is not aligned' ends the computation there."""
    block = Add(nn.Conv1d(1, 1, 1, stride=2), nn.MaxPool1d(3, stride=2, padding=1))
    field = receptive_field(block, (1, 1, 16), measured=True)
    assert (field.size, field.jump, field.start) == ((3,), (2,), (-1,))
    assert field.agrees


def test_branches_of_different_jump_say_so():
    class Two(nn.Module):
        def forward(self, x):
            return F.max_pool1d(x, 2) + F.max_pool1d(x, 2, stride=1)[..., :4]

    field = receptive_field(Two(), (1, 1, 8))
    assert not field.aligned
    assert field.jump == (None,)
    assert field.local is None
    assert field.size == (5,)  # unit 3 sees pixels 3, 4 and 6, 7
    assert [field.box(u)[0] for u in range(4)] == [(0, 1), (1, 3), (2, 5), (3, 7)]
    assert any("jumps differ" in note for note in field.notes)


def test_odd_columns_left_over_by_a_stride_are_not_in_the_clipped_box():
    net = nn.Sequential(nn.MaxPool1d(2), nn.Conv1d(1, 1, 3, padding=1))
    field = receptive_field(net, (1, 1, 7))
    assert field.box(2) == ((2, 7),)
    assert field.box(2, clipped=True) == ((2, 5),)  # pixel 6 falls off the pooling


# -- operations


def test_squeeze_excite_sees_everything_and_the_windows_are_still_told():
    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            x = self.conv(x)
            return x * torch.sigmoid(self.fc(x.mean((2, 3), keepdim=True)))

    net = nn.Sequential(Gate(), Gate())
    field = receptive_field(net, (1, 4, 20, 20))
    assert field.sees_everything
    assert field.size == (20, 20)
    assert field.box((3, 3)) == ((0, 19), (0, 19))
    assert (field.local.size, field.local.jump, field.local.start) == ((5, 5), (1, 1), (-2, -2))
    assert field.notes[0].startswith("Layer 0.mean (mean) looks at all positions of its map at once, and so does 1")
    whole = measure_field(net, (1, 4, 20, 20), longest=256)
    assert whole.size == (None, None)
    assert measure_field(net, (1, 4, 20, 20), through_global=False).size == (5, 5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Upsample(scale_factor=2, mode="nearest"),
        lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
        lambda: nn.Upsample(scale_factor=3, mode="bilinear"),
        lambda: nn.Upsample(scale_factor=1.5, mode="nearest"),
        lambda: nn.Upsample(size=(13, 17), mode="nearest-exact"),
        lambda: nn.Upsample(size=(13, 17), mode="bilinear", align_corners=True),
        lambda: nn.Upsample(size=(5, 7), mode="bilinear"),
        lambda: nn.PixelShuffle(2),
        lambda: nn.PixelUnshuffle(2),
        lambda: nn.ReflectionPad2d((2, 1, 0, 3)),
        lambda: nn.ZeroPad2d((2, -1, 0, 3)),
        lambda: nn.CircularPad2d(2),
        lambda: nn.AdaptiveAvgPool2d((3, None)),
        lambda: nn.LPPool2d(1, 3, stride=2, ceil_mode=True),
        lambda: nn.Conv2d(4, 4, (2, 3), padding="same", dilation=(3, 1)),
        lambda: nn.Conv2d(4, 4, 3, padding=2, padding_mode="circular"),
        lambda: nn.Conv2d(4, 4, 3, padding=2, padding_mode="reflect"),
    ],
)
def test_resizing_shuffling_and_padding_against_the_jacobian(make):
    head, tail = nn.Conv2d(4, 4, (3, 3), bias=False), nn.AvgPool2d(2, stride=1)
    check_against_jacobian(nn.Sequential(head, make(), tail), (1, 4, 10, 12))


def test_max_pooling_with_dilation_and_ceil_mode_measures_as_traced():
    for pool in (nn.MaxPool1d(3, 2, 1, dilation=2), nn.MaxPool1d(2, 3, ceil_mode=True)):
        net = nn.Sequential(nn.Conv1d(2, 3, 3), pool, nn.ReLU(), nn.Conv1d(3, 2, 2))
        assert receptive_field(net, (1, 2, 40), measured=True).agrees


def test_functional_calls_are_followed():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 5)
            self.register_buffer("kernel", torch.ones(2, 2, 3, 3))
            self.fc = nn.Linear(2 * 6 * 6, 7)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv(x)), 2)
            x = F.conv2d(x, self.kernel, stride=1, dilation=2)
            x = F.interpolate(x, scale_factor=2)
            x = F.avg_pool2d(x, 4, 3)
            return self.fc(torch.flatten(x, 1))

    field = receptive_field(Net(), (1, 1, 32, 32))
    names = [row.name for row in field.layers]
    assert names == ["conv", "relu", "max_pool2d", "conv2d", "interpolate", "avg_pool2d", "flatten", "fc"]
    # 5; pooled 5 + 1 = 6, jump 2; 6 + 4 · 2 = 14; doubled: jump 1; four from an odd unit on touch three: 14 + 2 · 2
    assert [row.size[0] for row in field.layers[:6]] == [5, 5, 6, 14, 14, 18]
    assert field.layers[5].jump == (3, 3)
    assert last_map(field).name == "avg_pool2d"
    assert field.map_size == (1, 1)
    assert field.sees_everything
    pooled = subnetwork(Net(), "avg_pool2d")
    assert pooled(torch.zeros(1, 1, 32, 32)).shape == field.layers[5].output_shape


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 4), nn.InstanceNorm1d(4), nn.LayerNorm(16)])
def test_statistics_over_the_map_see_everything(norm):
    field = receptive_field(nn.Sequential(nn.Conv1d(4, 4, 3, padding=1), norm), (1, 4, 16))
    assert field.sees_everything
    assert field.local.size == (3,)


def test_channel_shuffle_by_view_and_transpose_keeps_the_place():
    class Shuffle(nn.Module):
        def forward(self, x):
            n, c, h, w = x.size()
            return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)

    field = receptive_field(nn.Sequential(nn.Conv2d(1, 4, 3), Shuffle()), (1, 1, 9, 9))
    assert (field.size, field.map_size) == ((3, 3), (7, 7))
    assert last_map(field).map_size == (7, 7)


def test_flattening_and_back_keeps_the_place_but_cutting_does_not():
    class Reshape(nn.Module):
        def __init__(self, *shape):
            super().__init__()
            self.shape = shape

        def forward(self, x):
            return torch.flatten(x, 2).reshape(self.shape)

    assert receptive_field(Reshape(1, 2, 6, 8), (1, 2, 6, 8)).size == (1, 1)
    cut = receptive_field(Reshape(1, 2, 12, 4), (1, 2, 6, 8))
    assert cut.size is None
    assert "cuts the map" in cut.reason


def test_one_long_map_into_a_linear_layer_is_not_global():
    """LeNet's last convolution leaves one unit: the layers after it see what that unit sees."""
    net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 120, 14), nn.Flatten(), nn.Linear(120, 10))
    field = receptive_field(net, (1, 1, 32, 32))
    assert not field.sees_everything
    assert field.size == (32, 32)


# -- the table, the sentences


def test_layers_hold_the_settings_and_the_field():
    net = nn.Sequential(nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 0), dilation=(2, 1)), nn.ReLU(), nn.MaxPool2d(3))
    rows = receptive_field(net, (2, 3, 40, 41)).layers
    assert [(row.name, row.kind) for row in rows] == [("0", "Conv2d"), ("1", "ReLU"), ("2", "MaxPool2d")]
    conv, relu, pool = rows
    assert (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 5), (2, 2), (1, 0), (2, 1))
    assert (conv.output_shape, conv.size, conv.jump, conv.start) == ((2, 8, 19, 19), (5, 5), (2, 2), (-1, 0))
    assert relu.kernel_size is None
    assert (pool.stride, pool.size, pool.jump) == ((3, 3), (9, 9), (6, 6))
    with torch.no_grad():
        assert tuple(net(torch.zeros(2, 3, 40, 41)).shape) == pool.output_shape


def test_centre_and_outside():
    field = receptive_field(nn.Conv1d(1, 1, 4, stride=2, padding=1), (1, 1, 10))
    assert field.centre(0) == (0.5,)
    assert field.centre(1) == (2.5,)
    assert [field.outside(u) for u in (0, 1, 4)] == [((1, 0),), ((0, 0),), ((0, 1),)]


def test_boxes_lead_down_to_the_image_layer_by_layer():
    net = nn.Sequential(nn.Conv1d(1, 1, 3), nn.Conv1d(1, 1, 3, stride=2, padding=1), nn.Conv1d(1, 1, 2))
    found = [receptive_field(net[start:], (1, 1, n)).box(1) for start, n in enumerate((20, 18, 9))]
    assert found == [((1, 7),), ((1, 5),), ((1, 2),)]


def test_at_finds_blocks_and_calls():
    field = receptive_field(networks.skeleton("resnet18"), (1, 3, 224, 224))
    assert field.at("maxpool").size == (11, 11)
    assert field.at("layer1").size == field.at("layer1.1.relu_1").size == (43, 43)
    assert field.at("layer1.0.add").layers[-1].name == "layer1.0.add"
    assert receptive_field(networks.skeleton("resnet18"), (1, 3, 224, 224), layer="layer1").size == (43, 43)


def test_nothing_of_the_network_is_changed():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)).train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    receptive_field(net, (1, 1, 16, 16), measured=True)
    assert net.training
    assert all(not m._forward_hooks for m in net.modules())
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("module", "shape", "words"),
    [
        (nn.Conv2d(3, 4, 3), (1, 1, 8, 8), r"wants 3 channels and gets 1"),
        (nn.Conv2d(1, 1, 9), (1, 1, 8, 8), r"window spans 9, which does not fit on a map of length 8"),
        (nn.Sequential(nn.Flatten(), nn.Linear(10, 2)), (1, 1, 3, 3), r"wants 10 features and gets 9"),
        (nn.Conv2d(1, 1, 3), (1, 1, 8), r"wants 4 axes"),
        (nn.ReLU(), (1, 1), r"1 to 3 spatial axes"),
        (nn.ReLU(), (1, 1, 0), r"at least 1"),
        (Branching(), (1, 1, 8), r"torch.fx cannot trace Branching"),
        (Add(nn.Conv1d(1, 1, 3), nn.Identity()), (1, 1, 8), r"do not fit together"),
    ],
)
def test_one_sentence_for_what_does_not_fit(module, shape, words):
    with pytest.raises(ReceptiveFieldError, match=words):
        receptive_field(module, shape)


def test_wrong_names_and_indices_say_what_exists():
    field = receptive_field(nn.Sequential(nn.Conv1d(1, 1, 3)), (1, 1, 8))
    with pytest.raises(ReceptiveFieldError, match="units 0 to 5"):
        field.box(6)
    with pytest.raises(ReceptiveFieldError, match="one number per axis"):
        field.box((0, 0))
    with pytest.raises(ReceptiveFieldError, match="no layer 'x'"):
        field.at("x")
    with pytest.raises(ReceptiveFieldError, match="no layer 'x'"):
        receptive_field(nn.Sequential(nn.Conv1d(1, 1, 3)), (1, 1, 8), layer="x")


def test_an_unknown_layer_is_unavailable_not_wrong():
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.FractionalMaxPool2d(2, 4), nn.Conv2d(1, 1, 3))
    field = receptive_field(net, (1, 1, 20, 20))
    assert field.size is None
    assert "'1' (FractionalMaxPool2d)" in field.reason
    assert [row.size for row in field.layers] == [(3, 3), None, None]


BESIDE = """
class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Linear(10, 1024)
        self.c = nn.Conv2d(4, 8, 3)
        self.d = nn.Conv2d(8, 8, 3)
    def forward(self, img, y):
        m = self.emb(y).reshape(y.shape[0], 1, 32, 32)
        return self.d(self.c(torch.cat([img, m], 1)))
"""
SHAPE_ALONE = """
class V(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu = nn.Conv2d(3, 4, 3)
        self.lv = nn.Conv2d(3, 4, 3)
        self.d = nn.Conv2d(4, 8, 3)
    def forward(self, x):
        mu, lv = self.mu(x), self.lv(x)
        std = torch.exp(0.5 * lv)
        eps = torch.randn_like(std)
        return self.d(mu + eps * std)
"""


def test_channels_of_another_input_leave_the_field_as_it_is():
    network = parse_network(BESIDE, device="meta")
    give_others(network, [(1, 10)])
    field = receptive_field(network, (1, 3, 32, 32))
    assert (field.size, field.jump, field.reason) == ((5, 5), (1, 1), None)
    assert field.notes == (
        "At layer cat (cat) channels are added that do not come from the image: the receptive field is that in the "
        "first input alone.",
    )


@pytest.mark.parametrize(
    ("joined", "shape", "added"),
    [
        ("torch.cat([x, m], dim=0)", (1, 3, 32, 32), "examples"),
        ("torch.cat([x, m], dim=-3)", (1, 2, 32, 32), "channels"),
        ("torch.cat([x.permute(0, 2, 3, 1), m], dim=3)", (1, 32, 32, 2), "values along dim 3"),
    ],
)
def test_what_another_input_adds_is_told_by_the_axis(joined, shape, added):
    code = f"""
class Joined(nn.Module):
    def forward(self, x, m):
        return {joined}
"""
    network = parse_network(code, device="meta")
    give_others(network, [shape])
    assert receptive_field(network, (1, 3, 32, 32)).notes == (
        f"At layer cat (cat) {added} are added that do not come from the image: the receptive field is that in the "
        "first input alone.",
    )


def test_random_numbers_of_a_shape_take_nothing_from_the_image():
    field = receptive_field(parse_network(SHAPE_ALONE, device="meta"), (1, 3, 32, 32))
    assert (field.size, field.jump, field.reason, field.notes) == ((5, 5), (1, 1), None, ())


def test_why_there_is_no_field_is_said_in_whole_sentences():
    text = SHAPE_ALONE.replace("torch.randn_like(std)", "torch.roll(std, 1)")
    assert receptive_field(parse_network(text, device="meta"), (1, 3, 32, 32)).reason == (
        "From 'roll' on the field is not available: it rolls across all axes at once. Layers before it have their "
        "fields."
    )
