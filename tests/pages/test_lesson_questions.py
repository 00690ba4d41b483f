"""The questions of the lessons, without a browser: what they cover, what a wrong answer is told, what stays unsaid."""

import json
import re

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
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
from pages._question import Question
from pages.feature_maps import _questions as maps
from pages.receptive_field import _editor
from pages.receptive_field import _questions as fields
from tests.pages.support import SHELL, charts, moved, opened, sound

PAGES: dict[str, tuple[Question, ...]] = {
    "receptive_field/build.py": _editor.QUESTIONS,
    "receptive_field/effective.py": fields.EFFECTIVE,
    "receptive_field/growth.py": fields.GROWTH,
    "receptive_field/networks.py": fields.NETWORKS,
    "receptive_field/your_network.py": fields.YOUR_NETWORK,
    "feature_maps/filters.py": maps.FILTERS,
    "feature_maps/walk.py": maps.WALK,
    "feature_maps/decides.py": maps.DECIDES,
    "feature_maps/pooling.py": maps.POOLING,
    "feature_maps/equivariance.py": maps.EQUIVARIANCE,
    "feature_maps/learn.py": maps.LEARN,
}
ALL = [pytest.param(page, one, id=f"{page}-{one.name}") for page, each in PAGES.items() for one in each]


def bare(page: str) -> AppTest:
    """The page as a click on its name opens it."""
    return moved(AppTest.from_file(SHELL, default_timeout=120).run(), page)


def components(app: AppTest) -> list[dict]:
    return [json.loads(block.proto.json) for block in app.get("bidi_component")]


def covered(app: AppTest) -> bool:
    """Whether the page keeps its pictures, numbers and tables back; they never differ."""
    drawn = [grid for each in components(app) for grid in each.get("grids", ())]
    blank = bool(drawn) and all(grid["values"] is None for grid in drawn)
    hidden = blank or any('class="covered"' in block.proto.body for block in app.get("html"))
    if hidden:
        assert charts(app) == {}
        assert [each for each in components(app) if {"html", "maps"} & each.keys()] == []
        assert blank or not drawn
        assert not any(each.get("links") for each in components(app))
        assert len(app.dataframe) == 0
    return hidden


def said(app: AppTest) -> str:
    """All text of the page."""
    blocks = (*app.markdown, *app.caption, *app.info, *app.warning, *app.header, *app.subheader)
    figures = [each["html"] for each in components(app) if "html" in each]
    return "\n".join([*(block.value for block in blocks), *figures])


@pytest.mark.parametrize(("page", "question"), ALL)
def test_each_wrong_answer_has_its_own_sentence(page, question):
    assert question.answer in question.options
    assert set(question.wrong) == set(question.options) - {question.answer}
    assert not any(each.endswith(".") for each in question.wrong.values()), "a clause, to which a full stop is added"


@pytest.mark.parametrize("page", PAGES)
def test_a_lesson_asks_at_least_three_questions_and_the_first_on_its_bare_page(page):
    first, *others = PAGES[page]
    assert len(others) >= 2
    app = bare(page)
    assert covered(app)
    assert first.text in said(app)
    assert app.query_params == {}
    assert not covered(sound(opened(page, ask="none")))


@pytest.mark.parametrize(("page", "question"), ALL)
def test_what_answers_a_question_is_not_sent(page, question):
    app = sound(opened(page, ask=question.name))
    assert covered(app)
    text = said(app).replace(question.text, "")
    assert not re.search(rf"(?<![\w.,·-]){re.escape(question.answer)}(?![\w·])", text, re.IGNORECASE)
    assert question.explanation not in text
    app.button(key="open_code").click().run()
    assert not app.code
    assert any("answer the question first" in block.value for block in app.info)


@pytest.mark.parametrize(("page", "question"), ALL)
def test_a_wrong_answer_is_told_what_it_left_out_and_the_right_one_uncovers(page, question):
    app = sound(opened(page, ask=question.name))
    wrong, why = next(iter(question.wrong.items()))
    app.pills(key=f"answer_{question.name}").set_value(wrong).run()
    assert covered(sound(app))
    assert f"{wrong}: {why}." in said(app)
    app.pills(key=f"answer_{question.name}").set_value(question.answer).run()
    assert not covered(sound(app))
    assert f"**Yes.** {question.explanation}" in said(app)


@pytest.mark.parametrize("page", PAGES)
def test_one_question_follows_another(page):
    app = bare(page)
    for question in (*PAGES[page][1:], PAGES[page][0]):
        app.button(key="reveal").click().run()
        assert not covered(sound(app))
        app.button(key="next_question").click().run()
        assert covered(sound(app))
        assert question.text in said(app)


# -- the numbers among the answers are those of real layers


def answer(page: str, name: str) -> str:
    return next(one.answer for one in PAGES[page] if one.name == name)


def test_answers_on_what_a_unit_uses():
    ten, forty = (effective(Case("depth", "random", True, 10, depth)) for depth in (10, 40))
    assert answer("receptive_field/effective.py", "box") == str(ten.box[0][1] - ten.box[0][0] + 1)
    assert answer("receptive_field/effective.py", "depth") == "About 2 times"
    assert 1.6 < forty.size / ten.size < 2.4
    middle = tuple(n // 2 for n in ten.energy.shape)
    assert ten.energy[middle] > 100 * ten.energy[ten.box[0][0], ten.box[1][0]]


def test_answers_on_ways_to_grow():
    page, found = "receptive_field/growth.py", ways(1)
    large = {point.size: point.parameters for point in found["larger kernel"]}
    assert answer(page, "kernel") == str(large[9])
    assert answer(page, "dilation") == str(large[3])
    plain, strided = found["more layers"][0], found["stride 2"][0]
    assert (strided.size, strided.parameters) == (plain.size, plain.parameters)
    assert strided.macs * 4 == plain.macs
    app = opened(page, dilations="2, 2, 2")
    html = "".join(each.get("html", "") for each in components(app))
    assert f"{answer(page, 'holes')} are read, 120 never" in html


def test_answers_on_real_networks():
    page, found = "receptive_field/networks.py", network_field("resnet50", 224)
    assert answer(page, "first") == "×".join(map(str, found.map("conv1").field.size))
    assert answer(page, "last") == "×".join(map(str, found.last.field.size))
    vgg, alex = (network_field(name, 224).last.size for name in ("vgg16", "alexnet"))
    assert answer(page, "depth") == f"Hardly: {vgg} against {alex}"


def test_answers_on_a_network_of_ones_own():
    page, network = "receptive_field/your_network.py", parse_network(EXAMPLES["lenet5"].code, device="meta")
    counts = [sum(p.numel() for p in layer.parameters()) for layer in network]
    assert answer(page, "first") == str(counts[0])
    assert f"Conv2d({network[6].in_channels}, {network[6].out_channels})" == answer(page, "most")
    assert counts[6] == max(counts) == 48120
    assert sum(counts) == 61706


def test_answers_on_filters():
    page, sobel = "feature_maps/filters.py", filters.kernel("sobel", 3)
    edge = np.repeat(np.array([[0.0, 0, 0, 1, 1, 1]]), 5, 0)
    for picture, least, most in ((np.ones((5, 5)), 0, 0), (edge, 0, None), (edge[:, ::-1], None, 0)):
        found = filters.apply(picture, sobel, "reflect")
        assert least is None or found.min() == least
        assert most is None or found.max() == most
    turned = {name: filters.facts(filters.kernel(name, 3)).flip for name in ("gaussian", "laplacian", "emboss")}
    assert {name for name, flip in turned.items() if flip != "same"} == {answer(page, "flip").lower()}


def test_answers_on_pooling():
    page, window = "feature_maps/pooling.py", torch.tensor([[[4.0, 5], [1, 8]]])
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
    assert answer("feature_maps/walk.py", "maps") == str(found["conv1"].shape[1])
    assert answer("feature_maps/walk.py", "size") == "×".join(map(str, found["pool3"].shape[2:]))
    assert answer("feature_maps/decides.py", "names") == f"One of its {network.fc.out_features} names"


def test_answers_on_shifts():
    network, x = networks.load("small", pretrained=True), torch.rand(1, 3, 64, 64)

    def exact(layer: str) -> set[int]:
        points = equivariance(circular(network), x, layer, [float(n) for n in range(1, 9)], "shift")
        return {round(point.value) for point in points if point.error < 1e-5}

    assert exact("relu1") == set(range(1, 9))
    assert exact("pool1") == {2, 4, 6, 8}
    assert exact("pool2") == {4, 8}


def test_nothing_covers_a_network_of_the_visitors_own():
    page = "receptive_field/your_network.py"
    app = bare(page)
    app.text_area(key="network_code").set_value("[nn.Conv1d(1, 4, 3)]").run()
    app.text_input(key="network_input").set_value("1x20").run()
    assert not covered(sound(app))
    assert not [each for each in app.button if each.key in ("reveal", "next_question")]
    query = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    assert not covered(sound(opened(page, ask="most", **query)))
