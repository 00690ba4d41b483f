"""The link that phones in the room can open."""

import pytest

from viz import network


@pytest.mark.parametrize(
    ("url", "shared"),
    [
        ("http://localhost:8501/playground?x=1", "http://10.0.0.7:8501/playground?x=1"),
        ("http://127.0.0.1/", "http://10.0.0.7/"),
        ("http://[::1]:8501/room?room=ABCD", "http://10.0.0.7:8501/room?room=ABCD"),
        ("http://app.localhost:8501/", "http://10.0.0.7:8501/"),
        ("http://10.0.0.9:8501/lab/", "http://10.0.0.9:8501/lab/"),
        ("https://lecture.example.org/playground?x=1", "https://lecture.example.org/playground?x=1"),
        ("https://localhost.example.org/", "https://localhost.example.org/"),
    ],
)
def test_an_address_of_this_machine_alone_becomes_that_of_its_network(monkeypatch, url, shared):
    monkeypatch.setattr(network, "own_address", lambda: "10.0.0.7")
    assert network.for_others(url) == shared


def test_an_address_with_colons_stands_in_brackets(monkeypatch):
    monkeypatch.setattr(network, "own_address", lambda: "fd00::7")
    assert network.for_others("http://localhost:8501/") == "http://[fd00::7]:8501/"


def test_without_a_network_there_is_none(monkeypatch):
    monkeypatch.setattr(network, "own_address", lambda: None)
    assert network.for_others("http://localhost:8501/") is None
    assert network.for_others("http://10.0.0.9:8501/") == "http://10.0.0.9:8501/"


@pytest.mark.parametrize(("bound", "found"), [("127.0.0.1", None), ("localhost", None), ("10.0.0.7", "10.0.0.7")])
def test_a_server_that_listens_at_one_address_is_reached_there_alone(monkeypatch, bound, found):
    monkeypatch.setattr(network.st, "get_option", {"server.address": bound}.get)
    assert network.own_address() == found


def test_a_machine_without_a_way_out_has_no_address(monkeypatch):
    def nowhere(*_):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(network.socket, "socket", nowhere)
    assert network.own_address() is None
