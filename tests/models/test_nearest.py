"""The nearest sizes that a network takes, where it refuses the one that it is given."""

import pytest
import torch

from models.advice.nearest import nearest
from models.graph import read_graph
from models.parse import parse_network

LENET = "nn.Conv2d(1, 6, 5), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 10)"
HALVED = "nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(8 * 56 * 56, 10)"
SOUND = ", ".join(f"nn.Conv1d({1 if k == 10 else 8}, 8, {k}, stride={s})" for k, s in ((10, 5), (3, 2), (3, 2), (3, 2)))
SKIP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 2, stride=2)
        self.up = nn.ConvTranspose2d(8, 3, 2, stride=2)
    def forward(self, x):
        return torch.cat((x, self.up(self.down(x))), 1)
"""


@pytest.mark.parametrize(
    ("text", "shape", "sizes"),
    [
        (f"[{LENET}]", (1, 1, 28, 28), [(32, 32)]),
        (f"[{LENET}]", (1, 1, 200, 200), [(32, 32)]),  # far away
        (f"[{HALVED}]", (1, 3, 112, 112), [(224, 224)]),
        (f"[{HALVED}]", (1, 3, 100, 180), [(224, 224)]),  # none of these proportions
        (f"[{SOUND}]", (1, 1, 60), [(80,)]),
        (SKIP, (1, 3, 9, 9), [(2, 2), (4, 4), (6, 6), (8, 8), (10, 10), (12, 12), (14, 14), (16, 16)]),
        (f"[{LENET}]", (1, 3, 32, 32), []),  # the channels do not fit
    ],
)
def test_the_nearest_sizes_that_fit(text, shape, sizes):
    network = parse_network(text, device="meta")
    graph = read_graph(network, shape)
    assert graph.broken
    found = nearest(network, shape, graph)
    assert [one.shape[2:] for one in found] == sizes
    assert [one.left for one in found] == [()] * len(found)
    run = parse_network(text)
    for one in found:
        with torch.no_grad():
            assert run(torch.zeros(one.shape)).shape == one.gives
