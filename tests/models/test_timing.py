"""What is measured, and the roofline's arithmetic. How long anything takes is no test's business."""

import pytest
import torch
from torch import nn

from models import timing, turns
from models.measure import measure
from models.timing import Roof, Timed, moved_bytes, roof, timings
from models.turns import Turns, Waiting
from tests.models.test_turns import my_turn


def test_every_layer_gets_a_time_in_its_order_and_the_turn_is_given_back(monkeypatch):
    monkeypatch.setattr(turns, "_turns", mine := Turns())
    layers = {"one": lambda: nn.Conv2d(2, 2, 1), "three": lambda: nn.Conv2d(2, 2, 3)}
    found = list(timings(layers, (1, 2, 8, 8)))
    assert found[0] == Waiting(0)
    assert [name for name, _ in found[1:]] == ["one", "three"]
    for _, one in found[1:]:
        assert isinstance(one, Timed)
        assert 0 < one.low <= one.median <= one.high
        assert 3 <= one.passes <= timing.PASSES
    my_turn(mine)


def test_who_stops_in_the_middle_gives_the_turn_back(monkeypatch):
    monkeypatch.setattr(turns, "_turns", mine := Turns())
    steps = timings({"one": lambda: nn.Conv2d(2, 2, 1), "two": lambda: nn.Conv2d(2, 2, 1)}, (1, 2, 8, 8))
    next(steps), next(steps)
    steps.close()
    my_turn(mine)


def test_a_layer_that_fails_gives_the_turn_back(monkeypatch):
    monkeypatch.setattr(turns, "_turns", mine := Turns())
    with pytest.raises(RuntimeError):
        list(timings({"one": lambda: nn.Conv2d(3, 2, 1)}, (1, 2, 8, 8)))
    my_turn(mine)


def test_a_layer_of_too_many_weights_is_told_and_never_made(monkeypatch):
    monkeypatch.setattr(turns, "_turns", Turns())
    made = []

    def dense():
        made.append(torch.empty(0).device.type)
        return nn.Linear(1 << 13, 1 << 13)

    (_, (name, told)) = timings({"dense": dense}, (1, 1 << 13))
    assert (name, told) == ("dense", "its 67\u202f117\u202f056 weights are too many to be measured here")
    assert made == ["meta"]


def test_bytes_that_a_layer_moves():
    # 8·8·2 numbers in, 3·3·2·4 weights and 4 biases, 6·6·4 numbers out.
    assert moved_bytes(measure(nn.Conv2d(2, 4, 3), (1, 2, 8, 8))) == 4 * (128 + 72 + 4 + 144)


def test_the_slower_of_processor_and_memory_bounds_a_layer():
    device = Roof(macs=100.0, bytes=10.0, where="")
    assert device.ridge == 10
    assert device.least(1000, 10) == 10.0  # multiplying: 1000/100 s against 10/10 s
    assert device.least(100, 200) == 20.0  # moving: 200/10 s against 100/100 s


def test_the_device_that_is_here_multiplies_and_copies():
    found = roof()
    assert found.macs > 1e6
    assert found.bytes > 1e6
    assert found.where.endswith("float32")
