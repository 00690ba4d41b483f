"""Each worked example: the real layer returns the numbers of the lecture, and the answer can be chosen."""

import re

import numpy as np
import pytest

from models import lab
from models.presets import PRESETS
from models.spec import LayerSpec

CONCEPTS = {"A1", "A2", "A3", "A4", "A5", "A6", "A10", "A12", "A13", "A16", "A17", "A18", "A19", "A20", "A21", "A22"}


@pytest.fixture(scope="module")
def labs():
    found = {}

    def of(name: str) -> lab.Lab:
        if name not in found:
            preset = PRESETS[name]
            spec = preset.spec
            weights = lab.make_weights(spec, preset.weights, preset.seed)
            found[name] = lab.run(spec, lab.make_input(spec, preset.input, preset.seed), weights)
        return found[name]

    return of


def test_every_concept_that_one_layer_shows_has_a_preset():
    assert {name.split("-")[0] for name in PRESETS} == CONCEPTS
    assert all(name == preset.id for name, preset in PRESETS.items())
    assert len({preset.title for preset in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_each_wrong_answer_is_told_what_it_left_out(name):
    preset = PRESETS[name]
    assert set(preset.wrong) == set(preset.options) - {preset.answer}
    assert preset.answer not in preset.wrong.values()


@pytest.mark.parametrize("name", PRESETS)
def test_the_numbers_come_out_of_the_real_layer(name, labs):
    preset, found = PRESETS[name], labs(name)
    assert preset.expected
    values = {check.name: check.measured for check in found.checks}
    values |= {"channels": preset.spec.out_channels, "pads": preset.spec.pads}
    if found.y is not None:
        values |= {"output": found.y.tolist(), "channels": len(found.y)}
    for what, right in preset.expected.items():
        assert values[what] == right, what
    assert all(check.agrees for check in found.checks if check.measured is not None)
    assert {"output_size", "parameters", "macs"} <= {c.name for c in found.checks if c.agrees}


@pytest.mark.parametrize("name", PRESETS)
def test_the_text_can_stand_on_the_page(name):
    preset = PRESETS[name]
    assert preset.question.endswith("?") or "?" in preset.question
    assert preset.explanation.endswith(".")
    assert len(preset.options) >= 3
    assert len(set(preset.options)) == len(preset.options)
    assert preset.answer in preset.options
    assert LayerSpec.from_query(preset.spec.to_query()) == preset.spec


ANSWERED = {
    "A1": lambda at: f"{at.y[0, 0, 0]:g}",
    "A2": lambda at: str(len(at.y)),
    "A3": lambda at: "×".join(map(str, at.y.shape[1:])),
    "A3-stride": lambda at: "×".join(map(str, at.y.shape[1:])),
    "A4": lambda at: str(at.check("parameters").measured),
    "A4-deeper": lambda at: str(at.check("parameters").measured),
    "A5": lambda at: f"{at.check('macs').measured / 1e6:.0f} million",
    "A5-bottleneck": lambda at: f"{at.check('macs').measured / 1e6:.2f} million",
    "A6-small": lambda at: str(len(at.operator.row(0)[0])),
    "A10": lambda at: "×".join(map(str, at.check("receptive_field").measured)),
    "A10-dense": lambda at: "×".join(map(str, at.check("receptive_field").measured)),
    "A10-three": lambda at: "×".join(map(str, at.check("receptive_field").measured)),
    "A12": lambda at: "×".join(map(str, at.y.shape[1:])),
    "A12-output-padding": lambda at: "×".join(map(str, at.y.shape[1:])),
    "A13": lambda at: str(at.check("touching").measured),
    "A16": lambda at: str(at.check("macs").measured),
    "A17": lambda at: str(at.check("parameters").measured),
    "A18-standard": lambda at: str(at.check("parameters").measured),
    "A18-depthwise": lambda at: str(at.check("parameters").measured),
    "A18": lambda at: str(at.check("parameters").measured),
    "A20-valid": lambda at: str(at.x.shape[-1] - len(np.unique(at.operator.cols))),
    "A22": lambda at: f"{at.y[0, 0, 0]:g}",
    "A22-overlapping": lambda at: "×".join(map(str, at.y.shape[1:])),
    "A22-global": lambda at: str(at.y.size),
    "A22-unpool": lambda at: (
        f"{at.y[0, :2, :2].max():g} at its {['top', 'bottom'][at.y[0, :2, :2].argmax() // 2]} "
        f"{['left', 'right'][at.y[0, :2, :2].argmax() % 2]}"
    ),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_the_answer_is_what_the_layer_says(name, labs):
    assert ANSWERED[name](labs(name)) == PRESETS[name].answer


def test_the_answers_in_words(labs):
    total = sum(labs(n).check("macs").measured for n in ("A5-bottleneck", "A5-after"))
    assert PRESETS["A5-after"].answer == f"{total / 1e6:.1f} million"
    assert labs("A5").check("macs").measured / total == pytest.approx(10, abs=0.5)
    assert PRESETS["A6"].answer == "The channels"
    assert labs("A6").check("receptive_field").measured == (1, 1)
    assert PRESETS["A20"].spec.pads == ((1, 2),)
    source = labs("A20-reflect").stages[0].windows.source.reshape(6, 6)
    assert source[1, 0] == source[1, 2]
    causal = labs("A21").operator
    assert all(sorted(causal.row(t)[0]) == [c for c in (t - 2, t - 1, t) if c >= 0] for t in range(8))
    dilated = labs("A21-dilated").operator
    assert sorted(dilated.row(9)[0]) == [5, 9]


def test_sums_in_the_explanations_are_right():
    """Every equation of products and sums in an explanation or a question holds."""
    equation = re.compile(r"(?<![\d.·(⌊])(?<![+−·] )((?:\d+·)*\d+(?: \+ (?:\d+·)*\d+)*) = (\d+(?:\.\d+)?)( million)?")
    checked = 0
    for preset in PRESETS.values():
        for left, right, million in equation.findall(preset.explanation):
            total = sum(int(np.prod([int(n) for n in term.split("·")])) for term in left.split(" + "))
            right = float(right) * (1e6 if million else 1)
            assert total == pytest.approx(right, rel=5e-3 if million else 0), (preset.id, left, right)
            checked += 1
    assert checked >= 5
