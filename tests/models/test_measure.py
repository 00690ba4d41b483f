"""Parameters and MACs against the published tables, and a measurement that disturbs nobody."""

import threading

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision import models as zoo

from models.graph import read_graph
from models.measure import _PLAIN_FUNCTIONS, measure, same_shape
from models.parse import parse_network

PUBLISHED = (
    "alexnet",
    "vgg11",
    "vgg16",
    "vgg16_bn",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "densenet121",
    "squeezenet1_0",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "mnasnet1_0",
    "efficientnet_b0",
    "convnext_tiny",
    "swin_t",
    "vit_b_16",
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(name):
    """torchvision publishes parameters and billions of multiply–accumulates with its weights."""
    published = zoo.get_model_weights(name).DEFAULT.meta
    with torch.device("meta"):
        network = zoo.get_model(name, weights=None)
    found = measure(network, (1, 3, 224, 224))
    assert found.parameters == published["num_params"]
    assert found.macs / 1e9 == pytest.approx(published["_ops"], abs=6e-4)
    assert found.output_shape == (1, 1000)


def test_everything_is_counted_in_networks_of_ordinary_layers():
    for name in ("resnet18", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "swin_t"):
        with torch.device("meta"):
            network = zoo.get_model(name, weights=None)
        layers = {kind for row in measure(network, (1, 3, 224, 224)).layers if row.macs is None for kind in (row.kind,)}
        assert not layers, name


@pytest.mark.parametrize(
    ("layer", "shape", "parameters", "macs"),
    [
        (nn.ConvTranspose2d(3, 1, 2, stride=2), (1, 3, 2, 2), 13, 48),
        (nn.Conv2d(3, 10, 3), (1, 3, 6, 6), 280, 4320),
        (nn.Conv2d(1, 1, 3, padding=2), (1, 1, 5, 5), 10, 441),
        (nn.Conv2d(192, 32, 5, padding=2, bias=False), (1, 192, 28, 28), 153_600, 120_422_400),
        (nn.Conv1d(4, 4, 3, groups=4), (2, 4, 10), 16, 2 * 4 * 8 * 3),
        (nn.Conv3d(2, 3, 2), (1, 2, 3, 3, 3), 51, 3 * 8 * 2 * 8),
        (nn.Linear(10, 5), (7, 10), 55, 350),
        (nn.MaxPool2d(2), (1, 1, 4, 4), 0, 0),
        (nn.BatchNorm2d(3), (1, 3, 4, 4), 6, 0),
        (nn.Upsample(scale_factor=2), (1, 3, 4, 4), 0, 0),
    ],
)  # fmt: skip
def test_counts_by_hand(layer, shape, parameters, macs):
    found = measure(layer, shape)
    assert (found.parameters, found.macs, found.uncounted) == (parameters, macs, ())
    assert found.output_shape == tuple(layer.eval()(torch.zeros(shape)).shape)
    assert [row.macs for row in found.layers] == [macs]


def test_attention_is_counted():
    """Four products with d × d matrices, and two of each pair of tokens."""
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    found = measure(layer, (1, 5, 8))
    attention = 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8
    assert found.macs == attention + 2 * 5 * 8 * 16
    assert next(row for row in found.layers if row.name == "self_attn").macs == attention
    assert found.uncounted == ()


def test_what_cannot_be_counted_is_named():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x * self.weight.reshape(1, 3, 1, 1)

    class Spectrum(nn.Module):
        def forward(self, x):
            return torch.fft.fft(x).real

    network = nn.Sequential(nn.Conv2d(3, 3, 1), Odd(), nn.Sequential(Spectrum()), nn.ReLU())
    found = measure(network, (1, 3, 4, 4))
    assert found.uncounted == ("1", "2.0")
    assert [row.macs for row in found.layers] == [144, None, None, 0]


def test_shared_weights_count_once_and_shared_layers_run_twice():
    layer = nn.Conv2d(2, 2, 1)
    found = measure(nn.Sequential(layer, nn.ReLU(), layer), (1, 2, 4, 4))
    assert found.parameters == 6
    assert found.macs == 2 * 4 * 16
    assert found.activations == 3 * 2 * 16
    assert len(found.layers) == 3


def test_batch_norm_keeps_torchs_own_refusals():
    for layer, shape in (
        (nn.BatchNorm2d(3), (1, 4, 5, 5)),
        (nn.BatchNorm2d(3), (1, 3, 5)),
        (nn.Conv2d(3, 1, 3), (1, 2, 5, 5)),
    ):
        with pytest.raises((RuntimeError, ValueError)):
            layer.eval()(torch.zeros(shape))
        with pytest.raises((RuntimeError, ValueError)):
            measure(layer, shape)


def test_the_network_is_left_as_it_was():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU(inplace=True)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        found = measure(network, (1, 3, 6, 6))
    assert found.output_shape == (1, 4, 4, 4)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(layer.training for layer in network.modules())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in network.modules())
    assert "forward" not in vars(network[1])
    assert all(p.requires_grad and p.device.type == "cpu" for p in network.parameters())
    network(torch.rand(2, 3, 6, 6)).sum().backward()


def test_a_measurement_in_one_thread_does_not_see_the_others():
    network = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.ConvTranspose2d(2, 1, 2))
    right, wrong, stop = measure(network, (1, 2, 8, 8)), [], threading.Event()

    def noise():
        while not stop.is_set():
            with torch.inference_mode():
                network(torch.zeros(1, 2, 8, 8))

    def work():
        try:
            wrong.extend(1 for _ in range(20) if measure(network, (1, 2, 8, 8)) != right)
        except Exception as error:
            wrong.append(error)

    noisy = threading.Thread(target=noise)
    workers = [threading.Thread(target=work) for _ in range(3)]
    for thread in (noisy, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    noisy.join()
    assert wrong == []
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_what_is_answered_with_its_own_shape_is_so_and_wrong_settings_are_torchs_to_refuse():
    x, meta = torch.randn(2, 3, 4), torch.empty(2, 3, 4, device="meta")
    for function in _PLAIN_FUNCTIONS:
        answer = function(x)
        assert (answer.shape, answer.dtype) == (x.shape, x.dtype)
        assert same_shape(function, [meta], {})
        assert not same_shape(function, [meta], {"alpha": "x"})
        assert not same_shape(function, [x], {})
        assert not same_shape(function, [meta.long()], {})


class _Heard(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


def test_activations_are_not_run_on_paper():
    """torch takes a millisecond for each there, in a network of 500."""
    text = "class Net(nn.Module):\n    def forward(self, x):\n        return F.relu(torch.sigmoid(x), inplace=True)\n"
    network = parse_network(text, device="meta")
    with _Heard() as heard:
        graph = read_graph(network, (1, 3, 8, 8))
    assert not any("relu" in name or "sigmoid" in name for name in heard.names)
    assert [(node.kind, node.shapes) for node in graph.nodes][1:3] == [
        ("sigmoid", ((1, 3, 8, 8),)),
        ("relu", ((1, 3, 8, 8),)),
    ]
