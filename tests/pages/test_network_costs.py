"""The lesson on whole networks: every one of them, with its published number of parameters and its sums."""

import pytest

from models.text import big
from pages.cost.networks import TITLES
from tests.pages.support import charts, components, diagrams, opened, sound

PUBLISHED = {
    "vgg16": 138_357_544,
    "resnet50": 25_557_032,
    "resnext50_32x4d": 25_028_904,
    "densenet121": 7_978_856,
    "googlenet": 6_624_904,
    "squeezenet1_1": 1_235_496,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_large": 5_483_032,
    "convnext_tiny": 28_589_128,
}
"""Torchvision's tables of weights."""


@pytest.mark.parametrize("name", TITLES)
def test_every_network_is_drawn_with_its_stages(name):
    app = sound(opened("cost/networks.py", network=name, ask="none", stages="true"))
    assert app.warning.values == []
    (drawn,) = diagrams(app)
    assert 4 < len(drawn["nodes"]) <= 40
    table, bars = app.dataframe[0].value, charts(app)
    for column in ("parameters", "MACs"):
        assert sum(bars[f"stages_{column.lower()}"]["data"][0]["x"]) == table[column].sum()
    html = "".join(one["html"] for one in components(app) if "html" in one)
    assert f">{big(int(table['parameters'].sum()))}<" in html
    if name in PUBLISHED:
        assert table["parameters"].sum() == PUBLISHED[name]
