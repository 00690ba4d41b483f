"""Formulas on the cards: what the fast way writes is what the converter would have written."""

import re

import pytest
from latex2mathml.converter import convert

from models.formulas import formulas_of
from models.layers import KINDS
from models.spec import LayerSpec
from viz.figures.cards import mathml, numbers


def text(html: str) -> str:
    return re.sub(r"\s|<[^>]*>", "", html)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("size", [4, 12])
def test_a_formula_keeps_its_text_and_its_structure(name, size):
    spec, _ = LayerSpec(kind=name, **KINDS[name].start).nearest(input_size=size)
    for formula in formulas_of(spec).values():
        for latex in (formula.symbols, formula.filled):
            whole = "<br>".join(convert(line) for line in latex.split(r" \\ "))
            assert text(mathml(latex)) == text(whole)
            for tag in ("mfrac", "msup", "munder", "mtext"):
                assert mathml(latex).count(f"<{tag}") == whole.count(f"<{tag}"), latex


@pytest.mark.parametrize(
    ("latex", "held"),
    [
        ("2000 \\cdot 25^2 \\cdot 3 = 3\u202f750\u202f000", ["2000", "25", "2", "3", "3 750 000"]),
        (r"\frac{710001}{7} = 1.5", ["710001", "7", "1.5"]),
    ],
)
def test_each_number_stands_where_it_stood(latex, held):
    found = re.findall(r"<mn>(.*?)</mn>", mathml(latex))
    assert [re.sub(r"\s", " ", n) for n in found] == held


@pytest.mark.parametrize(
    ("value", "room"),
    [
        ("16 × 16", "cs-plain cs-sizes"),
        ("16 × 28 × 28", "cs-plain cs-long cs-sizes"),
        ("1 × 512 × 28 × 28", "cs-plain cs-double cs-sizes"),
        ("99\u202f999\u202f999", "cs-plain cs-long"),
        ("whole input", "cs-plain"),
    ],
)
def test_sizes_and_large_numbers_get_the_room_in_which_they_stand_on_one_line(value, room):
    assert f'class="cs-card {room}"' in numbers([("Output", value, "what it returns, 1 × 512 × 28 × 28")])
