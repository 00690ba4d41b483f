"""Two networks that learned from drawings in the middle, and what they make of moved ones."""

import torch

from models import device, shifted, turns
from models.shifted import (
    CLASSES,
    MOST,
    SIDE,
    Shifted,
    convolutional_network,
    dense_network,
    examples,
    moved,
    train_both,
)
from models.turns import Turns, Waiting


def test_drawings_lie_in_the_middle_and_are_whole_after_the_largest_shift():
    x, labels = examples(20, 3)
    assert x.shape == (20, 1, SIDE, SIDE)
    assert labels.tolist() == list(range(len(CLASSES))) * 4
    assert torch.equal(x, examples(20, 3)[0])
    columns = torch.arange(SIDE, dtype=torch.float32)
    strong = x * (x > 0.5)
    middle = (strong.sum((1, 2)) * columns).sum(1) / strong.sum((1, 2, 3))
    assert (middle - (SIDE - 1) / 2).abs().max() < 2
    assert torch.equal(moved(x, MOST)[..., MOST:], x[..., :-MOST])


def test_both_take_the_same_pictures():
    x, _ = examples(5, 0)
    for network in (dense_network(), convolutional_network()):
        assert network(x).shape == (5, len(CLASSES))


def test_who_stops_and_who_waits_give_the_turn_to_the_next(monkeypatch):
    monkeypatch.setattr(turns, "_turns", Turns())
    first, second = train_both(), train_both()
    assert (next(first), next(second)) == (Waiting(0), Waiting(1))
    next(first)
    first.close()
    assert next(second) == Waiting(0)
    second.close()
    assert next(turns.in_turn(lambda: iter(()))) == Waiting(0)


def test_where_the_gpu_gives_up_the_cpu_trains(monkeypatch):
    tried = []

    def train(seed, place):
        tried.append(place.type)
        yield 0.5
        if place.type == "cuda":
            raise torch.OutOfMemoryError
        yield 1.0

    monkeypatch.setattr(shifted, "_train_both", train)
    monkeypatch.setattr(device, "setup", lambda: torch.device("cuda"))
    assert list(train_both()) == [Waiting(0), 0.5, 0.5, 1.0]
    assert tried == ["cuda", "cpu"]


def test_the_dense_one_fails_where_the_convolution_does_not():
    _, *steps, found = train_both()
    assert isinstance(found, Shifted)
    with device.one_thread():
        assert found.where == device.describe()
    assert steps[-1] == 1
    dense, conv = found.accuracies["Dense"], found.accuracies["Convolution"]
    assert min(dense[0], conv[0]) > 0.95
    assert dense[3] < 0.7
    assert dense[MOST] < 0.4
    assert min(conv) > 0.95
    assert found.parameters["Convolution"] < found.parameters["Dense"] / 5
