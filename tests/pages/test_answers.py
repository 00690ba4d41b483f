"""The numbers among the answers are those of real layers."""

import numpy as np
import torch
from torch import nn

from models import networks
from models.maps import filters
from models.maps.equivariance import circular, equivariance
from models.networks import feature_maps
from models.networks.effective import Case, effective
from models.networks.fields import network_field
from models.parse import parse_network
from models.parse.code import EXAMPLES
from models.receptive_field.growth import ways
from models.sources import INPUTS, WEIGHTS
from pages._lessons import BY_PATH
from pages.convolution._examples import _questions as convolution_questions
from rooms.room import cells_at
from tests.pages.support import components, opened, sound
from tests.pages.test_questions import QUESTIONS, bare, covered


def answer(page: str, name: str) -> str:
    return next(one.answer for one in QUESTIONS[page] if one.name == name)


def test_answers_on_what_a_unit_uses():
    ten, forty = (effective(Case("depth", "random", True, 10, depth)) for depth in (10, 40))
    assert answer("receptive-field-effective", "box") == str(ten.box[0][1] - ten.box[0][0] + 1)
    assert answer("receptive-field-effective", "depth") == "About 2 times"
    assert 1.6 < forty.size / ten.size < 2.4
    middle = tuple(n // 2 for n in ten.energy.shape)
    assert ten.energy[middle] > 100 * ten.energy[ten.box[0][0], ten.box[1][0]]


def test_answers_on_ways_to_grow():
    page, found = "receptive-field-growth", ways(1)
    large = {point.size: point.parameters for point in found["larger kernel"]}
    assert answer(page, "kernel") == str(large[9])
    assert answer(page, "dilation") == str(large[3])
    plain, strided = found["more layers"][0], found["stride 2"][0]
    assert (strided.size, strided.parameters) == (plain.size, plain.parameters)
    assert strided.macs * 4 == plain.macs
    app = opened(BY_PATH[page].file, dilations="2, 2, 2", unread="true")
    html = "".join(each.get("html", "") for each in components(app))
    assert f"{answer(page, 'holes')} are read, 120 never" in html


def test_answers_on_real_networks():
    page, found = "receptive-field-networks", network_field("resnet50", 224)
    assert answer(page, "first") == "×".join(map(str, found.map("conv1").field.size))
    assert answer(page, "last") == "×".join(map(str, found.last.field.size))
    vgg, alex = (network_field(name, 224).last.size for name in ("vgg16", "alexnet"))
    assert answer(page, "depth") == f"Hardly: {vgg} against {alex}"


def test_answers_on_a_network_of_ones_own():
    page, network = "your-network", parse_network(EXAMPLES["lenet5"].code, device="meta")
    counts = [sum(p.numel() for p in layer.parameters()) for layer in network]
    assert answer(page, "first") == str(counts[0])
    assert f"Conv2d({network[6].in_channels}, {network[6].out_channels})" == answer(page, "most")
    assert counts[6] == max(counts) == 48120
    assert sum(counts) == 61706


def test_answers_on_filters():
    page, sobel = "feature-maps", filters.kernel("sobel", 3)
    edge = np.repeat(np.array([[0.0, 0, 0, 1, 1, 1]]), 5, 0)
    for picture, least, most in ((np.ones((5, 5)), 0, 0), (edge, 0, None), (edge[:, ::-1], None, 0)):
        found = filters.apply(picture, sobel, "reflect")
        assert least is None or found.min() == least
        assert most is None or found.max() == most
    turned = {name: filters.facts(filters.kernel(name, 3)).flip for name in ("gaussian", "laplacian", "emboss")}
    assert {name for name, flip in turned.items() if flip != "same"} == {answer(page, "flip").lower()}


def test_answers_on_pooling():
    page, window = "feature-maps-pooling", torch.tensor([[[4.0, 5], [1, 8]]])
    largest, mean = (pool(2)(window).item() for pool in (nn.MaxPool2d, nn.AvgPool2d))
    assert answer(page, "window") == f"{largest:g} and {mean:g}"
    layer = nn.MaxPool2d(2)
    assert (len(layer(torch.rand(10, 8, 8))), list(layer.parameters())) == (10, [])
    x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    same = (layer(x) == layer(x.roll(1, 3))).float().mean()
    assert 0.1 < same < 0.9


def test_answers_on_the_small_network():
    network = networks.load("small", pretrained=True)
    found = feature_maps(network, torch.zeros(1, 3, 64, 64), ["conv1", "pool3"])
    assert answer("feature-maps-walk", "maps") == str(found["conv1"].shape[1])
    assert answer("feature-maps-walk", "size") == "×".join(map(str, found["pool3"].shape[2:]))
    assert answer("feature-maps-decides", "names") == f"One of its {network.fc.out_features} names"


def test_answers_on_shifts():
    network, x = networks.load("small", pretrained=True), torch.rand(1, 3, 64, 64)

    def exact(layer: str) -> set[int]:
        points = equivariance(circular(network), x, layer, [float(n) for n in range(1, 9)], "shift")
        return {round(point.value) for point in points if point.error < 1e-5}

    assert exact("relu1") == set(range(1, 9))
    assert exact("pool1") == {2, 4, 6, 8}
    assert exact("pool2") == {4, 8}


def test_nothing_covers_a_network_of_the_visitors_own():
    page = "your-network"
    app = bare(page)
    app.text_area(key="network_code").set_value("[nn.Conv1d(1, 4, 3)]").run()
    app.text_input(key="network_input").set_value("1x20").run()
    assert not covered(sound(app))
    assert not [each for each in app.button if each.key in ("reveal", "next_question")]
    query = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    assert not covered(sound(opened(BY_PATH[page].file, ask="most", **query)))


def test_the_window_of_nine_weights_that_lie_apart_is_that_of_torch():
    """The cells that the first output of a real layer has a gradient to."""
    (taps,) = [one for one in convolution_questions() if one.name == "taps"]
    x = torch.zeros(1, 1, 9, 9, requires_grad=True)
    assert taps.about["input_size"] == "9"
    nn.functional.conv2d(x, torch.ones(1, 1, 3, 3), dilation=int(taps.about["dilation"]))[0, 0, 0, 0].backward()
    assert cells_at(map(tuple, x.grad[0, 0].nonzero().tolist())) == taps.answer


def test_the_cells_that_an_input_cell_touches_are_those_of_torch():
    (touches,) = [one for one in QUESTIONS["transposed"] if one.name == "touches"]
    x = torch.zeros(4)
    x[touches.selects] = 1
    y = nn.functional.conv_transpose2d(x.reshape(1, 1, 2, 2), torch.ones(1, 1, 3, 3), stride=2)
    assert touches.about == {"ct_stride": "2"}
    assert cells_at(map(tuple, y[0, 0].nonzero().tolist())) == touches.answer


def test_what_the_larger_of_two_sizes_that_meet_leaves_unread_is_that_of_torch():
    """Of each size that could be the answer: what it becomes, and the cells that no output has a gradient to."""
    (meet,) = [one for one in QUESTIONS["transposed-sizes"] if one.name == "meet"]
    becomes, unread = {}, {}
    for size in (4, 5, 6, 7):
        x = torch.zeros(1, 1, size + 2, size + 2, requires_grad=True)  # padded by 1
        y = nn.functional.conv2d(x, torch.ones(1, 1, 3, 3), stride=int(meet.about["ct_stride"]))
        y.sum().backward()
        becomes[f"{size}×{size}"] = y.shape[-1]
        unread[size] = {*map(tuple, (x.grad[0, 0] == 0).nonzero().tolist())}
    same = int(meet.about["ct_input_size"])
    assert [size for size in meet.options if becomes[size] == same] == [meet.answer]
    assert not unread[5]
    assert unread[6] == {cell for i in range(8) for cell in ((7, i), (i, 7))}
    assert "All 6×6 numbers are read, but not the padding below and at the right." in meet.explanation


def test_answers_that_are_numbers_of_the_playgrounds_stage():
    """The number that is asked for and those of the other corners, of a plain torch layer."""
    (fill,) = [one for one in convolution_questions() if one.name == "fill"]
    side = int(fill.about["input_size"])
    x = torch.from_numpy(INPUTS["example"].make((1, side, side)))[None]
    kernel = torch.from_numpy(WEIGHTS["example"].make((1, 1, 3, 3), 0))
    y = nn.functional.conv2d(x.double(), kernel.double())[0, 0]
    assert f"{y.flatten()[fill.selects]:g}" == f"{y[-1, -1]:g}" == fill.answer
    corners = {"top left": y[0, 0], "top right": y[0, -1], "bottom left": y[-1, 0]}
    assert all(fill.wrong[f"{value:g}"] == f"that is the {name} corner" for name, value in corners.items())
