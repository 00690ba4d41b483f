"""Maps as one sheet, their statistics, and what a unit saw."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from models import networks
from models.device import one_thread
from models.maps import activations
from models.maps.activations import (
    ActivationError,
    before_and_after,
    contact_sheet,
    first_filters,
    influence,
    ordered,
    statistics,
    strongest,
    top_patches,
    unit_view,
)
from models.networks import NetworkError, feature_maps, survey

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _alone():
    with one_thread():
        yield


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(inplace=True),
    ).eval()  # fmt: skip


# -- contact sheet


@given(
    channels=st.integers(1, 40), height=st.integers(1, 20), width=st.integers(1, 20), per_page=st.integers(1, 17),
    order=st.sampled_from(activations.ORDERS), scale=st.sampled_from(["own", "shared"]), rectified=st.booleans(),
    columns=st.none() | st.integers(1, 9), gap=st.integers(0, 2), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=80)
def test_every_value_is_on_one_page_once(
    channels, height, width, per_page, order, scale, rectified, columns, gap, seed
):
    maps = np.random.default_rng(seed).standard_normal((channels, height, width)).astype(np.float32)
    kept = np.maximum(maps, 0) if rectified else maps
    seen, page, pages = [], 0, 1
    while page < pages:
        sheet = contact_sheet(
            maps, order=order, page=page, per_page=per_page, columns=columns, scale=scale, rectified=rectified, gap=gap
        )
        pages = sheet.pages
        for channel, divisor in zip(sheet.channels, sheet.scales, strict=True):
            top, left, bottom, right = sheet.box(channel)
            np.testing.assert_allclose(sheet.image[top:bottom, left:right] * divisor, kept[channel], atol=1e-5)
            if scale == "own":
                assert divisor == pytest.approx(np.abs(kept[channel]).max())
            else:
                assert divisor == pytest.approx(np.abs(kept).max())
        finite = sheet.image[np.isfinite(sheet.image)]
        assert finite.size == len(sheet.channels) * height * width
        assert finite.min() >= -1
        assert finite.max() <= 1
        seen += sheet.channels
        page += 1
    assert sorted(seen) == list(range(channels))
    assert seen == list(ordered(kept, order))


def test_orders():
    maps = np.array([[[1, 1], [1, 1]], [[-3, 0], [0, 0]], [[2, 2], [2, 2]], [[0, 0], [0, 0]]], float)
    assert list(ordered(maps)) == [0, 1, 2, 3]
    assert list(ordered(maps, "strength")) == [1, 2, 0, 3]  # 3, 2, 1, 0
    assert list(ordered(maps, "energy")) == [2, 1, 0, 3]  # 4, 9/4, 1, 0


def test_large_maps_are_averaged_in_blocks():
    maps = RNG.random((2, 50, 30))
    sheet = contact_sheet(maps, largest_cell=10)
    assert sheet.step == 5
    assert sheet.cell == (10, 6)
    blocks = maps.reshape(2, 10, 5, 6, 5).mean((2, 4))
    top, left, bottom, right = sheet.box(1)
    np.testing.assert_allclose(sheet.image[top:bottom, left:right] * sheet.scales[1], blocks[1], rtol=1e-5)
    ragged = contact_sheet(np.ones((1, 7, 11)), largest_cell=4)
    np.testing.assert_allclose(ragged.image, 1)


def test_512_maps_make_one_picture():
    sheet = contact_sheet(torch.randn(1, 512, 28, 28), per_page=512)
    assert sheet.pages == 1
    assert sheet.image.dtype == np.float32
    assert 600 < sheet.image.shape[0] < 700


def test_dead_maps_stay_zero():
    sheet = contact_sheet(np.zeros((3, 4, 4)))
    assert sheet.scales == (0, 0, 0)
    assert not np.nan_to_num(sheet.image).any()


def test_first_filters_are_the_weights():
    module = net()
    shown = first_filters(module)
    assert shown.shape == (6, 3, 3, 3)
    np.testing.assert_array_equal(shown[2, 0, 1], module[0].weight[2, :, 0, 1].detach())
    with pytest.raises(ActivationError, match="no convolution"):
        first_filters(nn.Linear(2, 2))


# -- statistics


def test_statistics_by_hand():
    maps = np.array([[[0, 2], [4, 0]], [[0, 0], [-1, 0]], [[1, 1], [1, 1]]], float)
    told = statistics(maps, bins=5)
    np.testing.assert_allclose(told.mean, [1.5, -0.25, 1])
    np.testing.assert_allclose(told.silent, [0.5, 1, 0])
    assert told.dead == (1,)
    assert told.sparsity == 0.5
    assert list(told.counts) == [1, 5, 4, 1, 1]
    assert told.edges[0] == -1
    assert told.edges[-1] == 4


def test_sparsity_before_and_after_relu_is_the_same():
    x = torch.randn(4, 3, 20, 20)
    steps = dict(before_and_after(net(), x, "0"))
    before, after = statistics(steps["batch_norm"]), statistics(steps["relu"])
    assert before.sparsity == after.sparsity == float((steps["relu"] == 0).double().mean())
    assert before.dead == after.dead
    assert after.counts.sum() == steps["relu"].numel()


def test_a_dead_channel_is_found():
    module = net()
    with torch.no_grad():
        module[4].bias[5] = -100
    assert 5 in statistics(feature_maps(module, torch.randn(3, 3, 16, 16), ["5"])["5"]).dead


# -- before and after


class Reuses(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.bn = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x):
        return F.relu(self.b(self.act(self.bn(self.a(x)))), inplace=True)


def test_before_and_after_with_reused_and_functional_layers():
    module, x = Reuses().eval(), torch.randn(1, 3, 12, 12)
    steps = before_and_after(module, x, "a")
    assert [name for name, _ in steps] == ["a", "batch_norm", "silu"]
    torch.testing.assert_close(steps[0][1], module.a(x))
    torch.testing.assert_close(steps[1][1], module.bn(module.a(x)))
    torch.testing.assert_close(steps[2][1], F.silu(module.bn(module.a(x))))
    last = before_and_after(module, x, "b")
    assert [name for name, _ in last] == ["b", "relu"]
    assert (last[0][1] < 0).any()
    torch.testing.assert_close(last[1][1], last[0][1].relu())
    assert not any(m._forward_hooks for m in module.modules())


def test_before_and_after_in_a_real_network():
    resnet = networks.load("resnet18")
    assert [n for n, _ in before_and_after(resnet, torch.randn(1, 3, 64, 64), "conv1")] == [
        "conv1", "batch_norm", "relu",
    ]  # fmt: skip
    steps = before_and_after(resnet, torch.randn(1, 3, 64, 64), "layer2.0.conv2")
    assert [n for n, _ in steps] == ["layer2.0.conv2", "batch_norm", "add", "relu"]
    assert torch.equal(steps[3][1], steps[2][1].relu())
    assert not torch.equal(steps[3][1], steps[1][1].relu())
    with pytest.raises(NetworkError, match="no layer 'nine'"):
        before_and_after(resnet, torch.randn(1, 3, 64, 64), "nine")


def test_map_layers_run_in_this_order():
    shapes = survey(net(), torch.zeros(1, 3, 10, 14)).shapes
    assert list(shapes) == list("012345")
    assert shapes["2"] == (6, 10, 14)
    assert shapes["3"] == (6, 5, 7)


# -- a unit


def test_a_unit_saw_its_box_and_no_more():
    module, x = net().double(), torch.randn(1, 3, 20, 24, dtype=torch.float64)
    maps = feature_maps(module, x, ["5"])["5"][0]
    channel, row, column = (int(v) for v in (maps[:, 2:-2, 2:-2] == maps[:, 2:-2, 2:-2].max()).nonzero()[0])
    index = (row + 2, column + 2)
    seen = unit_view(module, x, "5", channel, index)
    assert seen.value == pytest.approx(float(maps[(channel, *index)]))
    # 3x3, pool 2, 3x3: size 1 + 2 + 1 + 2 · 2 = 8, start −1 − 2 = −3, jump 2
    assert seen.box == tuple((2 * i - 3, 2 * i + 4) for i in index)
    assert seen.share_inside == pytest.approx(1)
    assert seen.strongest[0][0] == channel
    # what lies outside the box may change at will
    other = torch.randn_like(x)
    where = (..., *(slice(a, b + 1) for a, b in seen.box))
    other[where] = x[where]
    assert float(feature_maps(module, other, ["5"])["5"][(0, channel, *index)]) == pytest.approx(seen.value)


def test_a_corner_unit_s_box_reaches_into_the_padding():
    seen = unit_view(net(), torch.ones(1, 3, 16, 16), "5", 0, (0, 0))
    assert seen.box == ((-3, 4), (-3, 4))
    assert seen.inside == ((0, 4), (0, 4))


def test_the_gradient_is_that_of_the_unit_before_layers_that_work_in_place():
    """The unit of a convolution before an in-place ReLU has a gradient though the ReLU kills it."""
    module, x = net(), torch.randn(1, 3, 16, 16)
    maps = feature_maps(module, x, ["4"])["4"][0]
    worst = tuple(int(v) for v in (maps == maps.min()).nonzero()[0])
    seen = unit_view(module, x, "4", worst[0], worst[1:])
    assert seen.value < 0
    assert seen.energy.sum() == pytest.approx(1)
    dead = unit_view(module, x, "5", worst[0], worst[1:])
    assert dead.value == 0
    assert not dead.energy.any()


def test_a_global_layer_has_no_small_box_and_a_network_that_cannot_be_traced_says_so():
    class Untraceable(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 3)

        def forward(self, x):
            return self.conv(x) if x.sum() > -1e9 else x

    seen = unit_view(Untraceable(), torch.randn(1, 3, 9, 9), "conv", 0, (3, 3))
    assert seen.box is None
    assert "torch.fx" in seen.reason
    assert seen.energy[3:6, 3:6].sum() == pytest.approx(1)


def test_influence_reaches_its_box_and_no_further():
    module, x = net().double(), torch.randn(1, 3, 24, 24, dtype=torch.float64)
    reached = influence(module, x, "4", (11, 5))
    (top, bottom), (left, right) = reached.box
    assert (top, bottom) == (4, 7)  # 2u − 3 ≤ 11 ≤ 2u + 4
    assert (left, right) == (1, 4)
    inside = reached.change[top : bottom + 1, left : right + 1]
    assert inside.max() > 0
    assert reached.change.sum() == pytest.approx(inside.sum())


def test_strongest_channels():
    maps = np.zeros((5, 2, 2))
    maps[:, 1, 0] = [3, -1, 9, 0, 4]
    assert strongest(maps, (1, 0), 3) == ((2, 9.0), (4, 4.0), (0, 3.0))


def test_top_patches_find_the_planted_pattern():
    cross = torch.tensor([[-1.0, 1, -1], [1, 1, 1], [-1, 1, -1]])
    module = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False))
    with torch.no_grad():
        module[0].weight.copy_(cross[None, None])
    pictures = [torch.zeros(1, 1, 20, 30) for _ in range(3)]
    for number, (row, column, factor) in enumerate([(4, 7, 1.0), (12, 20, 3.0), (9, 2, 2.0)]):
        pictures[number][0, 0, row : row + 3, column : column + 3] = factor * cross
    found = top_patches(module, pictures, "0", 0, k=3, per_picture=1)
    assert [(p.picture, p.index, p.value) for p in found] == [(1, (12, 20), 27), (2, (9, 2), 18), (0, (4, 7), 9)]
    (top, bottom), (left, right) = found[0].box
    np.testing.assert_array_equal(pictures[found[0].picture][0, 0, top : bottom + 1, left : right + 1], 3 * cross)
    assert found[0].box == ((12, 14), (20, 22))
    several = top_patches(module, pictures, "0", 0, k=20, per_picture=5)
    assert all(p.value > 0 for p in several)
    for a in several:  # two places of one picture are not the same place
        assert all(
            a is b or a.picture != b.picture or max(abs(i - j) for i, j in zip(a.index, b.index, strict=True)) > 1
            for b in several
        )


# -- refusals, threads


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: contact_sheet(np.ones((2, 512))), "not a stack of maps"),
        (lambda: contact_sheet(np.ones((2, 3, 4, 4))), "not a stack of maps"),
        (lambda: contact_sheet(np.ones((2, 4, 4)), page=1), "no page 1"),
        (lambda: contact_sheet(np.ones((2, 4, 4)), order="size"), "no order"),
        (lambda: contact_sheet(np.ones((2, 4, 4)), scale="mine"), "no scale"),
        (lambda: statistics(np.full((1, 2, 2), np.nan)), "not numbers"),
        (lambda: unit_view(net(), torch.ones(1, 3, 8, 8), "5", 8, (0, 0)), "no channel 8"),
        (lambda: unit_view(net(), torch.ones(1, 3, 8, 8), "5", 0, (4, 0)), "no unit"),
        (lambda: influence(net(), torch.ones(1, 3, 8, 8), "5", (8, 0)), "no unit"),
        (lambda: strongest(np.ones((2, 4, 4)), (-1, 0)), "no unit"),
    ],
)
def test_one_sentence_for_what_cannot_be_shown(ask, words):
    with pytest.raises(ActivationError, match=words):
        ask()


# -- features of torchvision's networks, against plain hooks

SIZES = [(64, 64), (64, 96), (97, 75)]


def hooked(module, x, names):
    """The plain way: hooks on the network itself."""
    kept, handles = {}, []
    for name in names:
        handles.append(
            module.get_submodule(name).register_forward_hook(lambda _m, _i, o, n=name: kept.update({n: o.clone()}))
        )
    with torch.inference_mode():
        module(x)
    for handle in handles:
        handle.remove()
    return kept


def quickly_filled(name):
    """The network with small random weights, without its own slow initialisation."""
    module, generator = networks.skeleton(name).to_empty(device="cpu"), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.05, generator=generator)
        for key, buffer in module.named_buffers():
            buffer.fill_(1 if key.endswith("running_var") else 0)
    return module.requires_grad_(False)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("resnet18", SIZES), ("squeezenet1_1", SIZES), ("mobilenet_v3_small", SIZES), ("mobilenet_v2", SIZES[2:]),
        ("densenet121", SIZES[1:2]), ("efficientnet_b0", SIZES[1:2]), ("convnext_tiny", SIZES[1:2]),
        ("alexnet", SIZES[2:]), ("resnet50", SIZES[1:2]), ("inception_v3", [(97, 107)]), ("vgg16", SIZES[:1]),
    ],
)  # fmt: skip
def test_features_equal_a_plain_forward_with_hooks(name, sizes):
    module = quickly_filled(name)
    for size in sizes:
        x = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1))
        layers = list(survey(module, x).shapes)
        chosen = layers[:2] + layers[len(layers) // 2 :: max(1, len(layers) // 6)] + layers[-1:]
        theirs = hooked(module, x, chosen)
        ours = feature_maps(module, x, chosen)
        for layer, value in theirs.items():
            torch.testing.assert_close(ours[layer], value)
            assert torch.isfinite(value).all()


def test_threads_on_one_network():
    module, generator = networks.load("squeezenet1_1"), torch.Generator().manual_seed(0)
    inputs = [torch.randn(1, 3, 48, 48, generator=generator) for _ in range(4)]

    def ask(x):
        seen = unit_view(module, x, "features.3", 3, (2, 2))
        patches = top_patches(module, [x], "features.3", 1, k=2)
        steps = before_and_after(module, x, "features.0")
        return seen.value, [(p.index, p.value) for p in patches], float(steps[-1][1].sum())

    alone = [ask(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, inputs * 2))
    for answer, one in zip(together, alone * 2, strict=True):
        assert answer[0] == pytest.approx(one[0], rel=1e-4, abs=1e-6)
        assert [p[0] for p in answer[1]] == [p[0] for p in one[1]]
        assert answer[2] == pytest.approx(one[2], rel=1e-4)
    assert not any(m._forward_hooks for m in module.modules())


def test_tracing_in_one_thread_leaves_forward_passes_in_others_alone():
    """torch.fx replaces nn.Module.__call__ for the whole process while it traces."""
    module, x = net(), torch.randn(1, 3, 24, 24)
    right = feature_maps(module, x, ["5"])["5"]
    call = nn.Module.__call__
    done = threading.Event()

    def trace():
        while not done.is_set():
            activations.receptive_field(module, (1, 3, 24, 24))

    with ThreadPoolExecutor(4) as pool:
        tracers = [pool.submit(trace) for _ in range(2)]
        answers = list(pool.map(lambda _: feature_maps(module, x, ["5"])["5"], range(60)))
        done.set()
        for tracer in tracers:
            tracer.result()
    assert all(torch.equal(answer, right) for answer in answers)
    assert nn.Module.__call__ is call


@pytest.mark.parametrize("layer", ["relu", "layer1.0.relu", "layer1.1.bn2"])
def test_a_layer_that_runs_twice_is_seen_at_its_last_run(layer):
    # the gradient, taken from the answer that feature_maps gives, fills the box to its corners and stays inside it
    net, x = networks.load("resnet18"), torch.rand(1, 3, 96, 96)
    maps = feature_maps(net, x, [layer])[layer][0]
    index = tuple(n // 2 for n in maps.shape[1:])
    channel = int(maps[:, *index].argmax())
    seen = unit_view(net, x, layer, channel, index)
    rows, columns = (np.flatnonzero(seen.energy.any(axis)) for axis in (1, 0))
    assert seen.box == ((rows[0], rows[-1]), (columns[0], columns[-1]))
    assert seen.share_inside == pytest.approx(1)
    patch = top_patches(net, [x], layer, channel, k=1)[0]
    assert patch.value == pytest.approx(float(maps[channel].max()))
    assert patch.box == unit_view(net, x, layer, channel, patch.index).inside
