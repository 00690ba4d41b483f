"""Inputs of other sizes: whole maps against real runs that read every pixel, tiles against the answer in one piece."""

import pytest
import torch
from torch import nn

from models.advice.sizes import at_size, convolutional, layers_missing, sizes_near, smallest, tiles
from models.graph import read_graph
from models.parse import parse_network
from models.receptive_field import receptive_field

SOUND = ", ".join(
    f"nn.Conv1d({i}, 4, {k}, stride={s})"
    for i, k, s in [(1, 10, 5), (4, 3, 2), (4, 3, 2), (4, 3, 2), (4, 3, 2), (4, 2, 2), (4, 2, 2)]
)
POOLED = "[nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1), nn.AvgPool2d(2)]"
HOURGLASS = (
    "[nn.Conv2d(1, 2, 3, padding=1), nn.AvgPool2d(2), nn.Conv2d(2, 2, 3, padding=1), "
    "nn.ConvTranspose2d(2, 2, 2, stride=2), nn.Conv2d(2, 1, 3, padding=1)]"
)


def network(text: str, device: str = "meta") -> nn.Module:
    return parse_network(text, device=device)


def unread(text: str, shape: tuple[int, ...]) -> dict[str, int]:
    """For each layer, how many pixels at the end of its own input have no say, by its gradient; the most of all axes.
    Pooling answers with means."""
    x, found = torch.rand(shape, dtype=torch.float64), {}
    for name, layer in network(text.replace("MaxPool", "AvgPool"), "cpu").double().named_children():
        x.requires_grad_(True)
        with torch.enable_grad():
            y = layer(x)
            (gradient,) = torch.autograd.grad((y * torch.rand_like(y)).sum(), x)
        read = [torch.nonzero(gradient)[:, axis].max().item() + 1 for axis in range(2, x.ndim)]
        if rest := max(size - last for size, last in zip(x.shape[2:], read, strict=True)):
            found[name] = rest
        x = y.detach()
    return found


@pytest.mark.parametrize(("text", "shape"), [(SOUND, (1, 1, 500)), (POOLED, (1, 1, 13, 13)), (HOURGLASS, (1, 1, 9, 9))])
def test_whole_maps_leave_no_pixel_unread(text, shape):
    module = network(text)
    found = sizes_near(module, shape, read_graph(module, shape))
    assert shape in [one.shape for one in found]
    assert len(found) > 4
    for one in found:
        assert unread(text, one.shape) == dict(one.left)
        assert (one.shape == shape) or not one.left
        assert tuple(network(text, "cpu")(torch.rand(one.shape)).shape) == one.gives
        assert one.macs == read_graph(module, one.shape).macs


def test_what_is_left_over_names_the_layer():
    assert at_size(network(POOLED), (1, 1, 13, 13)).left == (("1", 1),)
    assert at_size(network(POOLED), (1, 1, 14, 14)).left == (("3", 1),)
    assert at_size(network(POOLED), (1, 1, 16, 16)).left == ()
    # With padding the stride's rest falls on zeros; a 1x1 layer of stride 2 leaves gaps everywhere.
    assert at_size(network("nn.Conv2d(1, 2, 3, stride=2, padding=1)"), (1, 1, 16, 16)).left == ()
    assert at_size(network("nn.Conv2d(1, 2, 1, stride=2)"), (1, 1, 16, 16)).left == ()
    assert at_size(network(POOLED), (1, 2, 13, 13)) is None


PAIRS = [
    ("nn.AvgPool2d(4)", "F.avg_pool2d(x, 4)", True),
    ("nn.MaxPool2d(3, 2)", "F.max_pool2d(x, (3, 3), stride=2)", True),
    ("nn.MaxPool2d(2, padding=1)", "F.max_pool2d(x, 2, padding=1)", False),
    ("nn.AvgPool2d(4, ceil_mode=True)", "F.avg_pool2d(x, 4, ceil_mode=True)", False),
    ("nn.LPPool2d(2, 3)", "F.lp_pool2d(x, 2, 3)", True),
    ("nn.Conv2d(1, 1, 3, 4, bias=False)", "F.conv2d(x, torch.ones(1, 1, 3, 3), None, 4)", True),
    ("nn.Conv2d(1, 1, 3)", "F.conv2d(x, torch.ones(1, 1, 3, 3))", False),
]


@pytest.mark.parametrize(("layer", "call", "left"), PAIRS)
def test_functions_leave_over_what_layers_do(layer, call, left):
    text = f"class Net(nn.Module):\n    def forward(self, x):\n        return {call}\n"
    part = f"{text}class Two(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = Net()\n"
    part += "    def forward(self, x):\n        return self.a(self.a(x))\n"
    kind = call.partition("(")[0].removeprefix("F.")
    found = set()
    for side in range(30, 38):
        shape = (1, 1, side, 33)
        first = at_size(network(layer), shape).left
        assert at_size(network(text), shape).left == tuple((kind, rest) for _, rest in first)
        both = at_size(network(f"a = {layer}\nnn.Sequential(a, nn.Sequential({layer}))"), shape).left
        names = {"0": f"a.{kind}", "1.0": f"a.{kind}_1"}
        assert at_size(network(part), shape).left == tuple((names[name], rest) for name, rest in both)
        known = [node.name for node in read_graph(network(part), shape).nodes]
        assert set(names.values()) <= set(known)
        found |= {rest for _, rest in first}
    assert bool(found) == left


@pytest.mark.parametrize("norm", ["weight_norm", "parametrizations.weight_norm", "parametrizations.spectral_norm"])
def test_a_normed_layer_leaves_over_what_it_does_without(norm):
    layer = "nn.Conv2d(1, 2, 3, stride=2)"
    text = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    text += f"        self.c = nn.utils.{norm}({layer})\n    def forward(self, x):\n        return self.c(x)\n"
    for side in (16, 17):
        rests = [rest for _, rest in at_size(network(layer), (1, 1, side, 17)).left]
        assert at_size(network(text), (1, 1, side, 17)).left == tuple(("c", rest) for rest in rests)
        assert bool(rests) == (side == 16)


@pytest.mark.parametrize(
    ("text", "shape", "least"),
    [(SOUND, (1, 1, 16000), (1, 1, 400)), (POOLED, (1, 1, 64, 32), (1, 1, 4, 4)), ("nn.ReLU()", (1, 1, 5), (1, 1, 1))],
)
def test_the_smallest_input(text, shape, least):
    assert smallest(network(text), shape) == least
    assert at_size(network(text), least) is not None


U_NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)])
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
    def forward(self, x):
        a = self.down[0](x)
        b = self.down[1](F.max_pool2d(a, 2))
        c = self.up(self.up(F.max_pool2d(b, 2)))
        return torch.cat([a, c], 1)
"""


@pytest.mark.parametrize("side", [4, 44, 104])
def test_the_smallest_input_hangs_on_no_other(side):
    """Of a U-Net not every larger size fits."""
    assert smallest(network(U_NET), (1, 3, side, side)) == (1, 3, 4, 4)


LINES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.rnn = nn.LSTM(8 * 16, 5, batch_first=True)
    def forward(self, x):
        x = self.conv(x)
        return self.rnn(x.permute(0, 3, 1, 2).flatten(2))[0]
"""


def test_where_one_axis_is_free_it_alone_changes():
    module, shape = network(LINES), (1, 1, 32, 10)
    assert smallest(module, shape) == (1, 1, 31, 1)
    near = sizes_near(module, shape, read_graph(module, shape))
    assert len({one.shape[3] for one in near if one.shape[2] == 32}) > 4


@pytest.mark.parametrize(
    "text",
    [
        POOLED,
        HOURGLASS,
        "[nn.Conv2d(1, 2, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(2, 1, 5, padding=2)]",
        "[nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Conv2d(2, 2, 3, stride=3)]",
        "[nn.Conv2d(1, 2, 3, padding=1), nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 4, stride=2, padding=1)]",
    ],
)
def test_the_middles_of_tiles_are_what_one_piece_gives(text):
    module, shape = network(text), (1, 1, 64, 64)
    graph = read_graph(module, shape)
    found = tiles(module, shape, graph)
    assert found
    torch.manual_seed(0)
    net = network(text, "cpu").double().eval()
    jump = graph.nodes[-2].jump[0]
    with torch.no_grad():
        for tile in found[:3]:
            assert tile.side == tile.step + tile.overlap
            side = 3 * tile.step + tile.overlap
            x = torch.rand(1, 1, side, side, dtype=torch.float64)
            whole, margin = net(x), tile.overlap // 2
            for row in range(0, side, tile.step):
                for column in range(0, side, tile.step):
                    top, left = max(0, row - margin), max(0, column - margin)
                    part = net(x[..., top : row + tile.step + margin, left : column + tile.step + margin])
                    there = whole[
                        ..., row // jump : (row + tile.step) // jump, column // jump : (column + tile.step) // jump
                    ]
                    rows, columns = (row - top) // jump, (column - left) // jump
                    mine = part[..., rows : rows + there.shape[2], columns : columns + there.shape[3]]
                    torch.testing.assert_close(mine, there)


@pytest.mark.parametrize(
    "text", ["[nn.Conv2d(1, 2, 3), nn.Flatten()]", "[nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1)]"]
)
def test_no_tiles_where_units_see_everything_or_have_no_place(text):
    module, shape = network(text), (1, 1, 16, 16)
    graph = read_graph(module, shape)
    assert not convolutional(graph)
    assert tiles(module, shape, graph) == []


@pytest.mark.parametrize(("kernel", "size"), [(3, 64), (5, 63), (3, 10)])
def test_as_many_more_layers_cover_the_input(kernel, size):
    base = [nn.Conv2d(1, 1, 3, padding=1), nn.MaxPool2d(2)]
    field = receptive_field(nn.Sequential(*base), (1, 1, 64, 64))
    count = layers_missing(field.size[0], field.jump[0], size, kernel)

    def seen(layers: int) -> int:
        more = [nn.Conv2d(1, 1, kernel, padding=kernel // 2) for _ in range(layers)]
        return receptive_field(nn.Sequential(*base, *more), (1, 1, 64, 64)).size[0]

    assert seen(count) >= size
    assert count == 0 or seen(count - 1) < size


def test_of_several_outputs_a_size_tells_the_first():
    found = at_size(
        network("""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3)
    def forward(self, x):
        return {"out": self.a(x), "in": x}
"""),
        (1, 3, 9, 9),
    )
    assert found.gives == (1, 8, 7, 7)


LENET = """
[nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 10)]
"""


def test_where_no_other_size_gives_whole_maps_those_that_fit_are_there():
    network = parse_network(LENET, device="meta")
    found = sizes_near(network, (1, 3, 32, 32), read_graph(network, (1, 3, 32, 32)))
    assert [(one.shape[2], one.gives, one.left) for one in found] == [
        (32, (1, 10), ()),
        (33, (1, 10), (("1", 1),)),
        (34, (1, 10), (("3", 1),)),
        (35, (1, 10), (("1", 1), ("3", 1))),
    ]
    # 36 leaves 6×6 maps: 576 features.
    assert at_size(network, (1, 3, 36, 36)) is None
    assert at_size(network, (1, 3, 31, 31)) is None


def test_a_network_that_takes_one_size_alone_has_no_other():
    alone = parse_network("[nn.Conv2d(3, 4, 2, stride=1), nn.Flatten(), nn.Linear(196, 2)]", device="meta")
    found = sizes_near(alone, (1, 3, 8, 8), read_graph(alone, (1, 3, 8, 8)))
    assert [one.shape[2:] for one in found] == [(8, 8)]
