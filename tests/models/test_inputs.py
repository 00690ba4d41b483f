"""The input that a pasted text shows: what it feeds its network, then what the first layer takes."""

from itertools import islice

import pytest

from models.advice.inputs import likely_inputs, read_input, read_inputs
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


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("nn.ConvTranspose2d(100, 512, 4)", (1, 100, 1, 1)),
        ("nn.ConvTranspose2d(16, 8, 2, stride=2)", (1, 16, 32, 32)),
    ],
)
def test_a_generator_takes_one_place(text, first):
    assert next(likely_inputs(text, parse_network(text, device="meta"), (1, 1, 32, 32))) == first


@pytest.mark.parametrize(
    ("text", "shape", "added"),
    [
        ("3x224x224", (1, 3, 224, 224), True),
        ("1x28x28", (1, 1, 28, 28), True),
        ("[3, 32, 32]", (1, 3, 32, 32), True),
        ("(64,1,28,28)", (1, 64, 1, 28, 28), True),
        ("3 × 32 × 32", (1, 3, 32, 32), True),
        ("28", (1, 28), True),
        ("input_size=(3, 224, 224)", (1, 3, 224, 224), True),
        ("torch.randn(1, 3, 224, 224)", (1, 3, 224, 224), False),
        ("x = torch.rand((2, 3, 64, 64), device='cuda').float()", (2, 3, 64, 64), False),
        ("torch.Size([8, 3, 32, 32])", (8, 3, 32, 32), False),
        ("torch.randint(0, 10, (1, 50))", (1, 50), False),
        ("N x 3 x 32 x 32", (1, 3, 32, 32), False),
        ("(None, 3, 32, 32)", (1, 3, 32, 32), False),
        ("(-1, 3, 32, 32)", (1, 3, 32, 32), False),
        ("1,1,16,32,32", (1, 1, 16, 32, 32), False),
        ("2x3x16x64x64", (2, 3, 16, 64, 64), False),
    ],
)
def test_an_input_is_read_as_people_write_it(text, shape, added):
    assert read_input(text) == (shape, added)


CONV = "class Net(nn.Module):\n    def __init__(self, width{}):\n        super().__init__()\n"
CONV += "        self.conv = nn.Conv2d(3, width, 3)\n    def forward(self, x):\n        return self.conv(x)\n"


@pytest.mark.parametrize("name", ["main", "test", "test_net", "demo", "run"])
def test_what_the_function_that_runs_the_whole_feeds_is_the_likely_input(name):
    text = f"{CONV.format('=8')}def {name}():\n    x = torch.randn(1, 3, 40, 56)\n    print(Net()(x).shape)\n{name}()"
    assert next(likely_inputs(text, parse_network(text, device="meta"), (1, 3, 32, 32))) == (1, 3, 40, 56)
    helper = text.replace(f"def {name}(", "def sample(")
    assert next(likely_inputs(helper, parse_network(helper, device="meta"), (1, 3, 32, 32))) == (1, 3, 32, 32)


def test_what_main_builds_is_the_network():
    text = CONV.format("") + "def main():\n    net = Net(12)\n    net(torch.randn(1, 3, 9, 9))\n"
    text += "if __name__ == '__main__':\n    main()\n"
    assert sum(p.numel() for p in parse_network(text).parameters()) == 12 * 3 * 9 + 12


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("3x32x32, 100", ((1, 3, 32, 32), (1, 100))),
        ("3 × 32 × 32; 100; 1x8", ((1, 3, 32, 32), (1, 100), (1, 1, 8))),
        ("3, 32, 32; 100", ((1, 3, 32, 32), (1, 100))),
        ("(3, 32, 32), (100,)", ((1, 3, 32, 32), (1, 100))),
        ("torch.randn(2, 3, 32, 32), torch.randn(2, 100)", ((2, 3, 32, 32), (2, 100))),
        ("torch.randn(1, 3, 32, 32),", ((1, 3, 32, 32),)),
        ("3, 32, 32", ((1, 3, 32, 32),)),
        ("(None, 3, 32, 32)", ((1, 3, 32, 32),)),
        ("torch.randn(2, 3, 32, 32); 2x10", ((2, 3, 32, 32), (2, 10))),
        ("torch.randn(2, 3, 32, 32); 10", ((2, 3, 32, 32), (2, 10))),
        ("torch.randn(2, 3, 32, 32); 2; ()", ((2, 3, 32, 32), (2,), (2,))),
        ("100x1x1, ()", ((1, 100, 1, 1), (1,))),
        ("100x1x1; label", ((1, 100, 1, 1), (1,))),
        ("(3x32x32,)", ((1, 3, 32, 32),)),
    ],
)
def test_several_inputs_are_read_one_by_one(text, shapes):
    assert read_inputs(text).shapes == shapes


@pytest.mark.parametrize(
    ("text", "shapes", "parts"),
    [
        ("3x32x32; (16x8x8, 16x8x8)", ((1, 3, 32, 32), (1, 16, 8, 8), (1, 16, 8, 8)), (0, 2)),
        ("(3x32x32, 16x8x8)", ((1, 3, 32, 32), (1, 16, 8, 8)), (2,)),
        ("[3 × 32 × 32; 100], 7x7", ((1, 3, 32, 32), (1, 100), (1, 7, 7)), (2, 0)),
        ("((3, 32, 32), (100,))", ((1, 3, 32, 32), (1, 100)), (2,)),
        ("torch.randn(2, 3, 8, 8), (torch.zeros(2, 4), 2x5)", ((2, 3, 8, 8), (2, 4), (2, 5)), (0, 2)),
        ("(3, 32, 32)", ((1, 3, 32, 32),), (0,)),
    ],
)
def test_inputs_in_a_tuple_stand_in_brackets(text, shapes, parts):
    assert (read_inputs(text).shapes, read_inputs(text).parts) == (shapes, parts)


@pytest.mark.parametrize("text", ["", "x", "-1x3", "3.5x3", "1x2x3x4x5x6", "torch.randn(784)", "0x3", "1000000x3"])
def test_what_is_no_input_is_told(text):
    with pytest.raises(ValueError, match="such as 3x224x224"):
        read_input(text)


def test_a_network_of_torchvision_takes_the_pictures_that_it_was_made_for():
    assert next(likely_inputs("resnet18", parse_network("resnet18", device="meta"), (1, 1, 32, 32))) == (1, 3, 224, 224)


def test_a_text_that_names_its_batch_is_read_with_a_batch_of_one():
    text = NET + "y = net(torch.randn(batch_size, 3, 40, 48))"
    assert next(likely_inputs(text, parse_network(text, device="meta"), (1, 1, 32, 30))) == (1, 3, 40, 48)


def test_a_decoder_takes_one_place_of_many_channels():
    text = "nn.ConvTranspose2d(100, 8, 4, stride=2, padding=1)"
    assert next(likely_inputs(text, parse_network(text, device="meta"), (1, 1, 32, 32))) == (1, 100, 1, 1)


def test_a_volume_is_no_larger_than_it_must_be():
    text = "nn.Conv3d(1, 8, 3)"
    assert next(likely_inputs(text, parse_network(text, device="meta"), (1, 1, 32, 32))) == (1, 1, 16, 64, 64)
