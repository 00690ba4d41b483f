"""Networks by name: structure, weights, bounded memory, many threads."""

import copy
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock
from urllib.error import URLError

import pytest
import torch
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor

from models import device, networks
from models.networks import NetworkError, feature_maps, kept, known, weights


@pytest.fixture(autouse=True)
def _fresh():
    networks.clear()
    yield
    networks.clear()


def tiny():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3))


@pytest.fixture
def own(tmp_path):
    with mock.patch.dict(known.OWN, clear=True):
        path = tmp_path / "tiny.pt"
        net = tiny()
        torch.save(net.state_dict(), path)
        networks.register("tiny", tiny, path)
        yield net, path


def test_names_are_torchvision_s_classification_networks():
    assert {"resnet18", "vgg16", "alexnet", "squeezenet1_1", "efficientnet_b0", "convnext_tiny"} <= set(
        networks.names()
    )
    assert not any("quantized" in n or "fcn" in n for n in networks.names())


@pytest.mark.parametrize(
    ("name", "parameters"),  # torchvision's documentation, "num_params"
    [("resnet50", 25_557_032), ("vgg16", 138_357_544), ("regnet_y_128gf", 644_812_894), ("inception_v3", 27_161_264)],
)
def test_skeletons_have_all_parameters_and_no_memory(name, parameters):
    net = networks.skeleton(name)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert all(p.is_meta for p in net.parameters())
    assert not net.training


def test_load_is_shared_frozen_and_reproducible():
    first = networks.load("squeezenet1_1")
    assert networks.load("squeezenet1_1") is first
    assert not first.training
    assert not any(p.requires_grad for p in first.parameters())
    state = torch.random.get_rng_state()
    networks.clear()
    again = networks.load("squeezenet1_1")
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's random numbers are untouched
    assert again is not first
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_memory_is_bounded_and_the_oldest_goes_first(monkeypatch):
    size = 4 * 1_235_496  # squeezenet1_1
    monkeypatch.setattr(kept, "_networks", kept._Networks(limit=round(2.5 * size)))
    first = networks.load("squeezenet1_1")
    networks.load("shufflenet_v2_x0_5")  # 1,366,792 parameters
    assert networks.cache_info()["networks"] == 2
    assert networks.load("squeezenet1_1") is first  # used again: no longer the oldest
    networks.load("squeezenet1_0")
    info = networks.cache_info()
    assert info["bytes"] <= info["limit"]
    assert networks.load("squeezenet1_1") is first
    monkeypatch.setattr(kept, "_networks", kept._Networks(limit=size // 2))
    networks.load("squeezenet1_1")  # larger than the limit: served, not kept
    assert networks.cache_info()["networks"] == 0


def test_room_is_made_before_a_network_is_built(monkeypatch):
    """The old one and the new one never lie in memory together where they do not fit."""
    size, held = 4 * 1_235_496, []
    small = kept._Networks(limit=round(1.5 * size))
    monkeypatch.setattr(kept, "_networks", small)
    networks.load("squeezenet1_1")
    make = kept.make
    monkeypatch.setattr(kept, "make", lambda *how: (held.append(small.info()["bytes"]), make(*how))[1])
    networks.load("squeezenet1_0")
    assert held == [0]
    assert networks.cache_info()["networks"] == 1


def test_two_threads_build_one_network(monkeypatch, own):
    built = []
    gate = threading.Barrier(4)

    def slow():
        built.append(1)
        return tiny()

    networks.register("tiny", slow, own[1])

    def ask(_):
        gate.wait()
        return networks.load("tiny")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert len(built) == 1
    assert all(a is answers[0] for a in answers)


def test_own_weights_are_read(own):
    net, _ = own
    loaded = networks.load("tiny", pretrained=True)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), loaded.parameters(), strict=True))
    assert networks.names()[0] == "tiny"
    assert networks.weights_bytes("tiny") == own[1].stat().st_size


class Evil:
    def __reduce__(self):
        return print, ("executed",)


def test_a_file_that_would_run_code_is_refused(own, capsys):
    torch.save({"0.weight": Evil()}, own[1])
    with pytest.raises(NetworkError, match=r"tiny\.pt does not hold weights for tiny"):
        networks.load("tiny", pretrained=True)
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not a file of weights"])
def test_a_damaged_file_is_one_sentence(own, content):
    own[1].write_bytes(content)
    with pytest.raises(NetworkError, match="does not hold weights"):
        networks.load("tiny", pretrained=True)
    own[1].unlink()
    with pytest.raises(NetworkError, match="missing"):
        networks.load("tiny", pretrained=True)


def test_an_unreachable_hub_is_one_sentence_and_leaves_nothing_behind(monkeypatch):
    def unreachable(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(NetworkError, match=r"squeezenet1_1 could not be fetched .*no route to host.*random weights"):
        networks.load("squeezenet1_1", pretrained=True)
    assert networks.cache_info()["networks"] == 0
    networks.load("squeezenet1_1")


def test_unknown_names_get_a_hint():
    with pytest.raises(NetworkError, match="resnet18"):
        networks.load("resnet-18")
    with pytest.raises(NetworkError, match="no network called"):
        networks.skeleton("")


def test_size_of_the_download_is_known_beforehand():
    assert networks.weights_bytes("resnet18") == pytest.approx(44.7 * 2**20, rel=0.01)  # torchvision: 44.7 MB


# -- feature maps


def test_maps_are_those_of_torchvision_s_extractor():
    net = networks.load("resnet18")
    x = torch.randn(2, 3, 64, 64)
    wanted = ["conv1", "layer1", "layer2.0.bn1", "avgpool"]
    ours = feature_maps(net, x, wanted)
    with torch.inference_mode():
        theirs = create_feature_extractor(net, ["conv1", "layer1", "avgpool"])(x)
    assert list(ours) == wanted
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value)


def test_in_place_layers_do_not_overwrite_what_was_kept():
    net = tiny().eval()
    with torch.no_grad():
        net[0].bias.fill_(-10.0)
    maps = feature_maps(net, torch.zeros(1, 3, 8, 8), ["0", "1"])
    assert (maps["0"] == -10).all()
    assert (maps["1"] == 0).all()
    assert net[1].inplace


def test_nothing_stays_behind():
    net = tiny().train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    feature_maps(net, torch.zeros(1, 3, 8, 8), ["", "0"])
    with pytest.raises(NetworkError):
        feature_maps(net, torch.zeros(1, 1, 8, 8), ["0"])
    assert all(not m._forward_hooks for m in net.modules())
    assert net.training
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_threads_do_not_see_each_other_s_maps():
    net = networks.load("squeezenet1_1")
    inputs = [torch.full((1, 3, 48, 48), float(i)) for i in range(8)]
    alone = [feature_maps(net, x, ["features.3"])["features.3"] for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x: feature_maps(net, x, ["features.3"])["features.3"], inputs * 3))
    for i, value in enumerate(together):
        torch.testing.assert_close(value, alone[i % 8])


def test_feature_maps_share_the_weights():
    net = tiny()
    pointers = {p.data_ptr() for p in net.parameters()}
    assert {p.data_ptr() for p in device.private_copy(net).parameters()} == pointers


@pytest.mark.parametrize(
    ("layers", "shape", "words"),
    [
        (["nine"], (1, 3, 8, 8), "no layer 'nine'"),
        (["0"], (1, 1, 8, 8), r"shape \[1, 1, 8, 8\] does not run through"),
        (["0"], (1, 3, 2, 2), "does not run through"),
    ],
)
def test_one_sentence_for_what_cannot_be_asked(layers, shape, words):
    with pytest.raises(NetworkError, match=words):
        feature_maps(tiny(), torch.zeros(shape), layers)


# -- every network that the lesson offers


LESSON = {  # and the smallest square that runs through
    "small": 16, "small_antialiased": 16, "resnet18": 33, "resnet50": 33, "vgg16": 32, "alexnet": 63,
    "squeezenet1_1": 33, "mobilenet_v2": 33, "mobilenet_v3_small": 33, "mobilenet_v3_large": 33, "inception_v3": 75,
    "densenet121": 33, "efficientnet_b0": 33, "convnext_tiny": 32,
}  # fmt: skip


@pytest.mark.parametrize("name", LESSON)
def test_features_are_those_of_a_plain_forward_with_hooks(name):
    # random weights from one uniform draw: the usual initialisation of 138 million takes seconds
    net = networks.skeleton(name).to_empty(device="cpu")
    for value in (*net.parameters(), *net.buffers()):
        if value.is_floating_point():
            value.data.uniform_(0.2, 1.0) if value.dim() == 1 else value.data.uniform_(-0.1, 0.1)
    side = LESSON[name]
    for height, width in ((side, side), (side, side + 24), (side + 31, side)):
        x = torch.rand(1, 3, height, width)
        seen = {}

        def note(_module, _args, answer, layer, seen=seen):
            seen[layer] = answer.clone()

        hooks = [
            module.register_forward_hook(partial(note, layer=layer))
            for layer, module in net.named_modules()
            if not list(module.children())
        ]
        with torch.inference_mode():
            net(x)
        for hook in hooks:
            hook.remove()
        assert len(seen) > 10
        ours = feature_maps(net, x, seen)
        for layer, answer in seen.items():
            assert torch.equal(ours[layer], answer), layer


def test_one_pass_tells_all_shapes_and_the_maps_asked_for():
    net, x = networks.load("squeezenet1_1"), torch.rand(1, 3, 48, 64)
    shapes, maps, _ = networks.survey(net, x, ["features.3"])
    plain, ran = copy.deepcopy(net), {}

    def note(_module, _args, answer, layer):
        if answer.dim() == 4:
            ran.pop(layer, None)
            ran[layer] = tuple(answer.shape[1:])

    for name, module in plain.named_modules():
        if not list(module.children()):
            module.register_forward_hook(partial(note, layer=name))
    with torch.inference_mode():
        plain(x)
    assert list(shapes.items()) == list(ran.items())
    assert torch.equal(maps["features.3"], feature_maps(net, x, ["features.3"])["features.3"])
    assert maps["features.3"].is_contiguous()
    beside = networks.survey(net, x, ["features.3"], ["features.4.squeeze", "features", "features.3"])
    assert list(beside.maps) == ["features.3", "features.4.squeeze"]  # of a group of layers there are no maps
    for name, answer in beside.maps.items():
        assert torch.equal(answer, feature_maps(net, x, [name])[name])


def test_a_pass_whose_shapes_are_known_ends_at_the_last_layer_asked_for():
    net, x = networks.load("resnet18"), torch.rand(1, 3, 40, 33)
    before = networks.survey(net, x)
    for layer, beside in (("conv1", []), ("layer1.0.relu", ["bn1"]), ("layer2.0.bn1", ["layer1.1.relu", "maxpool"])):
        found = networks.survey(net, x, [layer], beside, before)  # a relu of a block runs twice: its last answer counts
        whole = feature_maps(net, x, [layer, *beside])
        assert found.shapes == before.shapes
        assert list(found.maps) == list(whole)
        assert all(torch.equal(found.maps[name], whole[name]) for name in whole)

    class Counted(nn.Identity):
        runs = 0

        def forward(self, x):
            Counted.runs += 1
            return x

    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), Counted())
    before = networks.survey(net, x)
    networks.survey(net, x, ["1"], before=before)
    assert Counted.runs == 1
    networks.survey(net, x, ["2"], before=before)
    assert Counted.runs == 2


def test_kernels_lie_channels_last():
    net = networks.load("squeezenet1_1")
    assert net.features[3].expand3x3.weight.is_contiguous(memory_format=torch.channels_last)


# -- the GPU


@pytest.fixture
def gpu(monkeypatch):
    """A device that is none: whatever runs on it finds no memory."""
    monkeypatch.setattr(device, "setup", lambda: torch.device("meta"))


def full(error=torch.OutOfMemoryError):
    def work(net):
        if next(net.parameters()).is_meta:
            raise error("CUDA out of memory.")
        return feature_maps(net, torch.ones(1, 3, 48, 48), ["features.0"])["features.0"].device.type

    return work


@pytest.mark.parametrize(("error", "words"), [(torch.OutOfMemoryError, "memory"), (NotImplementedError, "operation")])
def test_a_full_gpu_leaves_the_work_to_the_cpu_and_says_so(gpu, error, words):
    answer, told = networks.ask("squeezenet1_1", full(error))
    assert answer == "cpu"
    assert words in told
    assert told.endswith(".")
    assert networks.cache_info()["networks"] == 1  # the copy that filled the GPU is gone


def test_a_full_gpu_is_recognised_behind_a_sentence(gpu, monkeypatch):
    forward = nn.Conv2d.forward

    def crowded(self, x):
        if x.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, x)

    monkeypatch.setattr(nn.Conv2d, "forward", crowded)
    x = torch.ones(1, 3, 48, 48)
    maps, told = networks.ask("squeezenet1_1", lambda net: feature_maps(net, x, ["features.0"])["features.0"])
    assert maps.shape == (1, 64, 23, 23)
    assert "memory" in told


def test_other_errors_are_not_the_gpu_s(gpu):
    with pytest.raises(NetworkError, match="no layer"):
        networks.ask("squeezenet1_1", lambda net: feature_maps(net, torch.ones(1, 3, 48, 48), ["nine"]))


def test_without_a_gpu_nothing_is_said(monkeypatch):
    monkeypatch.setattr(device, "setup", lambda: torch.device("cpu"))
    assert networks.ask("squeezenet1_1", lambda net: net)[0] is networks.load("squeezenet1_1")
    assert networks.ask("squeezenet1_1", full())[1] == ""


# -- fetching weights


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub on this machine that serves one file, in two halves; the second waits for `go`."""
    content, go, asked = b"weights" * 100_000, threading.Event(), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content[: len(content) // 2])
                go.wait(20)
                self.wfile.write(content[len(content) // 2 :])
            except OSError:
                return

        def log_message(self, *args):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = [f"http://127.0.0.1:{server.server_port}/w.pth", tmp_path / "w.pth", hashlib.sha256(content).hexdigest()]
    monkeypatch.setattr(known, "hub_file", lambda name: tuple(where))
    monkeypatch.setattr(weights, "_downloads", {})
    yield where, content, go, asked
    go.set()
    server.shutdown()
    server.server_close()


def test_weights_arrive_with_their_progress(hub):
    where, content, go, _ = hub
    assert not networks.weights_at_hand("squeezenet1_1")
    seen = []
    for done, total in networks.fetch_weights("squeezenet1_1"):
        seen.append(done)
        assert total == len(content)
        if done > 0:
            go.set()
    assert seen == sorted(seen)
    assert any(0 < done < len(content) for done in seen)
    assert seen[-1] == len(content)
    assert where[1].read_bytes() == content
    assert [p.name for p in where[1].parent.iterdir()] == ["w.pth"]
    assert networks.weights_at_hand("squeezenet1_1")
    assert list(networks.fetch_weights("squeezenet1_1")) == []


def test_two_visitors_share_one_download(hub):
    _, content, go, asked = hub
    first, second = networks.fetch_weights("squeezenet1_1"), networks.fetch_weights("squeezenet1_1")
    next(first), next(second)
    go.set()
    assert list(first)[-1] == list(second)[-1] == (len(content), len(content))
    assert len(asked) == 2  # to see whether the hub is there, and to fetch: not four


def test_another_file_than_the_published_one_is_refused(hub):
    where, _, go, _ = hub
    where[2] = "00000000"
    go.set()
    with pytest.raises(NetworkError, match=r"not the weights of squeezenet1_1 .*hash.*random weights"):
        list(networks.fetch_weights("squeezenet1_1"))
    assert not where[1].exists()


def test_no_way_to_the_hub_is_one_sentence_and_can_be_tried_again(hub, monkeypatch):
    where, content, go, _ = hub
    go.set()
    right = where[0]
    where[0] = "http://127.0.0.1:9/w.pth"
    with pytest.raises(NetworkError, match=r"could not be fetched .*refused.*random weights"):
        list(networks.fetch_weights("squeezenet1_1"))
    where[0] = right
    assert list(networks.fetch_weights("squeezenet1_1"))[-1][0] == len(content)


def test_a_hub_that_falls_silent_is_given_up(hub, monkeypatch):
    monkeypatch.setattr(weights._Download, "SILENCE", 0.3)
    with pytest.raises(NetworkError, match="nothing came"):
        list(networks.fetch_weights("squeezenet1_1"))
