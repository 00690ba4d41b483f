"""A worksheet, printed: two pages on either paper, and nothing asked of any server."""

import re

import pytest

from models.share import Scene
from models.spec import LayerSpec
from tests.viz.export.scenes import SCENES
from viz.export.worksheet import worksheet

FULLEST = {
    "one large input": Scene(LayerSpec(input_size=11)),
    "three channels": Scene(LayerSpec(in_channels=3, out_channels=2, input_size=5, padding=1)),
    "many kernels": Scene(LayerSpec(in_channels=4, out_channels=6, kernel_size=2, input_size=3)),
    "long numbers": Scene(LayerSpec(input_size=8), "photo", "random"),
} | {name: SCENES[name] for name in ("transposed 3-D", "pointwise 3-D", "depthwise_separable 2-D", "cubic")}


@pytest.mark.parametrize("name", FULLEST)
def test_it_prints_on_two_pages_of_either_paper(browser, tmp_path, name):
    file = tmp_path / "worksheet.html"
    question = "What does each cell of the output see?"
    file.write_text(worksheet(FULLEST[name], question=question, link="https://a.b/?c=d"), encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    for paper in ("A4", "Letter"):
        printed = page.pdf(format=paper, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 2, paper
    page.emulate_media(media="print")
    # Nothing leaves its cell, nor the paper.
    over = page.evaluate(
        "() => [...document.querySelectorAll('td, section, .row')].filter(e => e.scrollWidth > e.clientWidth + 1 || "
        "e.getBoundingClientRect().right > document.querySelector('main').getBoundingClientRect().right + 1).length"
    )
    assert over == 0
    assert asked == [file.as_uri()]
    page.close()


@pytest.mark.parametrize("name", ["one large input", "many kernels"])
def test_on_a_phone_nothing_is_wider_than_the_screen(browser, tmp_path, name):
    file = tmp_path / "worksheet.html"
    file.write_text(worksheet(FULLEST[name], link="https://a.b/?" + "c" * 200), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(file.as_uri())
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    page.close()
