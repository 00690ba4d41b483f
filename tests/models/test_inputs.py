"""The input that a pasted text shows: what it feeds its network, then what the first layer takes."""

from itertools import islice

import pytest

from models.advice.inputs import likely_inputs
from models.parse import parse_network

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1, 7, 7))
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.conv(x)

net = Net()
"""


@pytest.mark.parametrize(
    ("after", "first"),
    [
        ("y = net(torch.randn(1, 3, 40, 48))", (1, 3, 40, 48)),
        ("x = torch.rand((16, 3, 64, 64))", (1, 3, 64, 64)),
        ("summary(net, (3, 96, 96))", (1, 96, 96)),
        ("summary(net, input_size=(8, 3, 96, 96))", (1, 3, 96, 96)),
        ("", (1, 3, 32, 30)),
    ],
)
def test_the_likeliest_input(after, first):
    text = NET + after
    assert next(likely_inputs(text, parse_network(text, device="meta"), (1, 1, 32, 30))) == first


def test_sizes_without_a_batch_come_too_and_then_the_first_layers_channels():
    text = NET + "summary(net, (3, 96, 96))"
    found = list(islice(likely_inputs(text, parse_network(text, device="meta"), (1, 1, 32, 32)), 4))
    assert found == [(1, 96, 96), (1, 3, 96, 96), (1, 3, 32, 32), (1, 3, 224, 224)]


def test_a_dense_network_takes_a_row():
    text = "nn.Sequential(nn.Linear(784, 10))"
    assert list(likely_inputs(text, parse_network(text, device="meta"), (1, 1, 32, 32))) == [(1, 784)]


def test_a_network_of_torchvision_takes_the_pictures_that_it_was_made_for():
    assert next(likely_inputs("resnet18", parse_network("resnet18", device="meta"), (1, 1, 32, 32))) == (1, 3, 224, 224)
