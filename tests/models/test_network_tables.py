"""Tables of whole networks: published numbers, and where a pasted network breaks."""

import csv
import gc
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from types import FunctionType, ModuleType, SimpleNamespace

import numpy as np
import pytest

from models.graph import read_graph
from models.networks import fields, skeleton
from models.networks.effective import (
    CORE,
    OWN,
    Case,
    _kept_within,
    binomial_width,
    effective,
    effective_refined,
    effective_so_far,
)
from models.networks.fields import boxes, measured_field, network_field, summary
from models.networks.table import COLUMNS, csv_text, markdown_text, report_of, rows_of
from models.parse import parse_network
from models.parse.code import EXAMPLES
from models.receptive_field import PUBLISHED, ReceptiveFieldError, receptive_field
from models.turns import Waiting


def traced(name, side):
    return receptive_field(skeleton(name), (1, 3, side, side))


def read(text, shape):
    return read_graph(parse_network(text, device="meta"), shape)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_its_published_parameters(name):
    example = EXAMPLES[name]
    found = read(example.code, example.input_shape)
    assert found.parameters == example.parameters
    assert found.broken is None
    assert all(node.macs is not None for node in found.nodes)


def test_lenet_layer_by_layer():
    found = read(EXAMPLES["lenet5"].code, EXAMPLES["lenet5"].input_shape)
    fields = {node.name: node.size for node in found.nodes}
    assert [fields[n][0] for n in ("0", "2", "3", "5", "6")] == [5, 6, 14, 16, 32]
    assert found.macs == 416_520


def test_the_layer_that_does_not_fit_is_marked_with_why():
    found = read("[nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(7, 8, 3), nn.Conv2d(8, 2, 3)]", (1, 3, 8, 8))
    assert found.nodes[found.broken.node].name == "2"
    rows = rows_of(found)
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    said = "layer 2 (Conv2d) got 1×8×6×6, which is 8 channels, but in_channels=7."
    assert [row[-1] for row in rows] == ["", "", said, "not reached"]
    assert [row[5] for row in rows] == ["3×3", "3×3", "", ""]
    assert [int(row[3]) for row in rows] == [3 * 8 * 9 + 8, 0, 7 * 8 * 9 + 8, 8 * 2 * 9 + 2]


def test_exports_have_a_line_for_each_layer():
    found = read(EXAMPLES["context"].code, EXAMPLES["context"].input_shape)
    cells = rows_of(found)
    rows = list(csv.reader(io.StringIO(csv_text(COLUMNS, cells))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(cells) + 1 == len(found.nodes) - 1
    assert rows[-1][5] == "67x67"
    # Numbers as a spreadsheet reads them.
    assert [int(row[7]) for row in rows[1:]][-1] < 0
    assert markdown_text(COLUMNS, cells).count("\n") == len(cells) + 2


@pytest.mark.parametrize(
    ("text", "macs"),
    [
        ("nn.Conv2d(3, 8, 3)\nnn.Conv2d(8, 4, 3)", 216 * 36 + 288 * 16),
        ("nn.Conv2d(3, 8, 3)\nnn.Conv2d(7, 4, 3)", 216 * 36),
    ],
)
def test_what_is_taken_along_begins_with_the_input_and_ends_with_the_sums(text, macs):
    rows = report_of(read(text, (1, 3, 8, 8)))
    parameters = sum(p.numel() for p in parse_network(text).parameters())
    lines = list(csv.reader(io.StringIO(csv_text(COLUMNS, rows))))
    assert lines[1][:3] == ["input", "", "1x3x8x8"]
    assert lines[-1][:5] == ["total", "", "", str(parameters), str(macs)]
    assert markdown_text(COLUMNS, rows).splitlines()[-1].startswith(f"| total |  |  | {parameters} | {macs} |")
    assert {len(line) for line in lines} == {len(COLUMNS)}


def test_a_layer_that_stands_twice_is_counted_once():
    found = read("c = nn.Conv2d(4, 4, 3)\nnn.Sequential(c, c)", (1, 4, 9, 9))
    assert found.parameters == 4 * 4 * 9 + 4
    assert [node.size for node in found.nodes[1:-1]] == [(3, 3), (5, 5)]


@pytest.mark.parametrize(("name", "size", "jump"), [("alexnet", 195, 32), ("vgg16", 212, 32), ("resnet50", 427, 32)])
def test_stages_end_at_the_published_field(name, size, jump):
    found = network_field(name)
    assert (found.last.size, found.last.jump) == (size, jump)
    assert list(found.sizes) == sorted(set(found.sizes))
    assert [one.here for one in found.published] == ([name] if name in {p.here for p in PUBLISHED} else [])


def test_another_size_of_image_is_not_traced_anew(monkeypatch):
    assert network_field("resnet18", 200).last.map_size == (7, 7)
    monkeypatch.setattr(fields, "graph_of", None)
    found = network_field("resnet18", 168)
    assert (found.last.map_size, found.last.size) == ((6, 6), network_field("resnet18", 200).last.size)


def held(one: object) -> int:
    """Bytes of an object and of all that it holds."""
    seen, todo = {}, [one]
    while todo:
        if id(one := todo.pop()) not in seen and not isinstance(one, type | ModuleType | FunctionType):
            seen[id(one)] = sys.getsizeof(one)
            todo += gc.get_referents(one)
    return sum(seen.values())


def test_networks_are_kept_as_long_as_they_fit_into_memory(monkeypatch):
    deep = network_field("densenet121")
    assert held(deep) < 1500 * len(deep.maps)
    traced = fields._traced("densenet121")
    modules = len([*traced[0].modules()])
    assert held(traced) < 5500 * modules
    monkeypatch.setattr(fields, "skeleton", lambda name: traced[0])
    monkeypatch.setattr(fields, "graph_of", lambda module: traced[1])
    names = [f"densenet121, {n}" for n in range(30)]
    assert all(map(fields._traced, names))
    assert [name for name in names if fields._graphs.get(name)] == names[-(6_000 // modules) :]
    # One deep network at as many sizes as a class can think of.
    monkeypatch.setattr(fields, "_read", lambda name, side: SimpleNamespace(maps=deep.maps))
    sides = range(1000, 1200)
    assert all(network_field("densenet121", side) for side in sides)
    kept = [side for side in sides if fields._kept.get(("densenet121", side))]
    assert kept == [*sides[-20_000 // len(deep.maps) + 1 :]]


def test_boxes_of_a_stage_are_those_of_the_trace():
    found = network_field("resnet18", 96)
    rows, columns = boxes(found, found.last.name)
    field = traced("resnet18", 96).at(found.last.name)
    for unit in (0, 1, found.last.map_size[0] - 1):
        assert [tuple(rows[unit]), tuple(columns[unit])] == list(field.box((unit, unit)))


@pytest.mark.parametrize(
    ("name", "layer"), [("resnet18", "layer2.0.add"), ("inception_v3", "Mixed_6b.branch7x7_2.conv")]
)
def test_any_layer_has_its_row_and_its_boxes(name, layer):
    found = network_field(name, 224)
    row, field = found.map(layer), traced(name, 224).at(layer)
    assert (row.field.size, row.field.jump, row.field.start) == (field.size, field.jump, field.start)
    unit = tuple(n // 2 for n in row.map_size)
    assert row.outside == field.outside(unit)
    rows, columns = boxes(found, layer)
    assert (tuple(rows[unit[0]]), tuple(columns[unit[1]])) == field.box(unit)
    measured = measured_field(name, layer, 224)
    assert (measured.size, measured.jump, measured.start) == tuple(row.field)
    assert [one.number for one in found.maps] == list(range(1, len(found.maps) + 1))


def test_maps_with_channels_last_are_known():
    by_layout = {row.channels_first: row.name for row in network_field("swin_t").maps}
    assert by_layout[True].startswith("features.0.0")
    assert "norm" in by_layout[False]
    assert all(row.channels_first for row in network_field("resnet18").maps)


def test_a_network_that_cannot_be_followed_says_why():
    found = summary("swin_t")
    assert found.reason
    assert summary("vgg11").reason == ""
    assert summary("efficientnet_b0").everything


def test_a_hall_that_asks_at_once_has_a_network_traced_once(monkeypatch):
    both, asked = Barrier(2), []

    def trace(*question):
        asked.append(question)
        with suppress(BrokenBarrierError):
            both.wait(0.5)
        raise ReceptiveFieldError("no map")

    monkeypatch.setattr(fields, "network_field", trace)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(summary, ["asked for by two"] * 2)
    assert first == second
    assert asked == [("asked for by two", 224)]


def test_the_used_part_grows_like_the_root_of_depth():
    """Equal weights, no ReLU: the gradient is (1 1 1) convolved with itself (Luo et al. 2016, section 2)."""
    for depth in (8, 16):
        found = effective(Case("depth", "uniform", False, 1, depth))
        assert found.size == pytest.approx(binomial_width(depth), rel=0.04)
        gradient = np.array([1.0])
        for _ in range(depth):
            gradient = np.convolve(gradient, np.ones(3))
        energy, place = gradient**2 / (gradient**2).sum(), np.arange(-depth, depth + 1)
        assert found.sigma == pytest.approx((float(energy @ place**2) ** 0.5,) * 2, rel=1e-3)
        assert found.box == ((4, 4 + 2 * depth),) * 2
    assert binomial_width(32) == pytest.approx(2 * binomial_width(8))
    assert 0 < CORE < 0.05


@pytest.mark.parametrize("name", OWN)
def test_own_networks_show_their_trained_weights(name):
    """The theoretical box inside 64 pixels; drawings light their units up."""
    found = effective(Case(name, "trained", inputs=6))
    assert 0 < found.half_width[0] < 15
    assert found.share_inside == pytest.approx(1)
    assert found.energy.shape == (64, 64)


def test_a_look_that_was_broken_off_goes_on():
    case = Case("depth", "random", True, 6, 4, unit=(1, 2))
    steps = effective_refined(case)
    assert next(steps).inputs == 1
    assert next(steps).inputs == 2
    steps.close()
    assert effective_so_far(case).inputs == 2
    rest = list(effective_refined(case))
    assert [one.inputs for one in rest] == [3, 4, 5, 6]
    assert rest[-1].index == (1, 2)
    assert effective_so_far(case) is rest[-1]
    with pytest.raises(ValueError, match="does not exist"):
        effective(Case("depth", "random", True, 1, 4, unit=(99, 0)))


def test_large_networks_take_turns():
    """Each holds hundreds of MB: the second is told of the first, a stack of a few layers waits for nobody."""
    first = effective_refined(Case("alexnet", "uniform", False, 1))
    assert next(first) == Waiting(0)
    second = effective_refined(Case("resnet18", "uniform", False, 1))
    assert next(second) == Waiting(1)
    assert effective(Case("depth", "uniform", False, 1, 3)).inputs == 1
    first.close()
    assert [one for one in second if isinstance(one, Waiting)] == [Waiting(0)]


def test_an_answer_is_kept(monkeypatch):
    case = Case("depth", "random", True, 2, 3, unit=(2, 1))  # no page asks for this unit
    *before, first = effective_refined(case)
    assert [one.inputs for one in (*before, first)] == [1, 2]
    monkeypatch.setattr("models.networks.effective.effective_steps", lambda *_, **__: pytest.fail("computed again"))
    assert effective(case) is first


def test_answers_are_kept_as_long_as_they_fit_into_memory():
    answers = {n: SimpleNamespace(energy=np.zeros(10)) for n in range(4)}
    kept = _kept_within(3 * answers[0].energy.nbytes)
    for n, answer in answers.items():
        kept.put(n, answer)
        kept.put(n, answer)
        kept.get(0)
    assert [n for n in answers if kept.get(n)] == [0, 2, 3]


def test_the_context_module_sees_what_its_paper_says():
    field = receptive_field(parse_network(EXAMPLES["context"].code, device="meta"), (1, 21, 64, 64))
    assert field.size == (67, 67)
