"""The network that is always there: what it reached, that its script makes it, and hostile files in its place."""

import importlib.util
import json
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
import torchvision

from models import networks
from models.device import one_thread
from models.drawings import CLASSES, DrawingError, draw, draw_many, plain
from models.networks import NetworkError, class_names, feature_maps, known, prepare
from models.networks.small import NETWORKS, SmallNetwork, facts, weights_path
from models.receptive_field import receptive_field

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _alone():
    networks.clear()
    with one_thread():
        yield
    networks.clear()


def rightly_named(net, images, labels) -> float:
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        return float((net(x).argmax(1) == torch.from_numpy(labels)).double().mean())


# -- the shipped weights


@pytest.mark.parametrize("name", NETWORKS)
def test_it_keeps_its_word_on_fresh_drawings(name):
    told = facts(name)
    assert told["accuracy"] >= 0.97
    assert told["pictures"] >= 3000
    count = 540
    share = rightly_named(networks.load(name, pretrained=True), *draw_many(count, 64, 20_260_101))
    # four standard errors of a count of 540
    assert share >= told["accuracy"] - 4 * (told["accuracy"] * (1 - told["accuracy"]) / count) ** 0.5


@pytest.mark.parametrize("name", NETWORKS)
def test_small_safe_and_first(name):
    assert weights_path(name).stat().st_size < 1_000_000
    assert name in networks.names()[: len(NETWORKS)]
    assert networks.names()[0] == "small"
    assert networks.weights_bytes(name) == weights_path(name).stat().st_size
    net = networks.load(name, pretrained=True)
    assert (
        sum(p.numel() for p in networks.skeleton(name).parameters() if p.dim() != 4 or p.shape[1] != 1)
        == (facts(name)["parameters"])
    )
    assert class_names(name) == CLASSES
    assert tuple(net(torch.zeros(2, 3, 64, 64)).shape) == (2, len(CLASSES))


def test_it_reads_what_people_would_show_it():
    """Black on white, white on black, larger and smaller than what it was trained on."""
    net = networks.load("small", pretrained=True)
    for flip in (False, True):
        for size in (48, 64, 160):
            pictures = [plain(name, size) for name in CLASSES]
            x = torch.cat([prepare("small", 255 - p if flip else p).x for p in pictures])
            right = int((net(x).argmax(1) == torch.arange(len(CLASSES))).sum())
            assert right >= len(CLASSES) - 1


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (97, 40)])
def test_maps_of_any_size(size):
    maps = feature_maps(SmallNetwork().eval(), torch.rand(1, 3, *size), ["conv1", "pool1", "relu4"])
    assert tuple(maps["conv1"].shape) == (1, 16, *size)
    assert tuple(maps["pool1"].shape) == (1, 16, *(n // 2 for n in size))
    assert tuple(maps["relu4"].shape) == (1, 64, *(n // 8 for n in size))


def test_its_field_grows_as_the_algebra_says():
    # 5, +1 → 6, +2·2 → 10, +2 → 12, +2·4 → 20, +4 → 24, +2·8 → 40; each blur adds 2 · jump before it
    plain_, blurred = (receptive_field(SmallNetwork(b), (1, 3, 64, 64), layer="relu4") for b in (False, True))
    assert plain_.size == (40, 40)
    assert plain_.jump == blurred.jump == (8, 8)
    assert blurred.size == (40 + 2 * (1 + 2 + 4),) * 2


# -- the script


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_small_network", ROOT / "assets" / "train_small_network.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def some(count, seed, names=("circle", "cross", "1", "0")):
    """Small pictures of a few classes: a lesson that is learned in seconds."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(names), count)
    images = np.stack([draw(names[label], 32, rng) for label in labels])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)


def test_the_script_s_training_learns(script):
    lines = []
    net = script.train(False, *some(640, 0), epochs=12, tell=lines.append)
    assert script.accuracy(net, *some(300, 1)) > 0.75  # chance is 0.25
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines]
    assert losses[-1] < 0.6 * losses[0]


def test_same_seed_same_weights(script):
    first, again = (script.train(True, *some(128, 0), epochs=1) for _ in range(2))
    other = script.train(True, *some(128, 0), epochs=1, seed=1)
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    assert not torch.equal(first.conv1.weight, other.conv1.weight)
    assert torch.equal(first.pool1[1].weight, SmallNetwork(True).pool1[1].weight)  # the blur is not learned


def test_the_script_writes_what_is_shipped(tmp_path):
    done = subprocess.run(
        [
            sys.executable, "assets/train_small_network.py", "--out", str(tmp_path),
            "--pictures", "128", "--epochs", "1", "--test-pictures", "36",
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "small_network.json").read_text(encoding="utf-8"))
    assert list(told) == list(NETWORKS)
    for name in NETWORKS:
        made, shipped = (torch.load(p / f"{name}.pt", weights_only=True) for p in (tmp_path, weights_path(name).parent))
        assert {k: (v.shape, v.dtype) for k, v in made.items()} == {k: (v.shape, v.dtype) for k, v in shipped.items()}
        assert set(told[name]) == set(facts(name))
        assert told[name]["parameters"] == facts(name)["parameters"]


# -- drawings


def test_same_seed_same_drawing():
    a, b = draw_many(36, 64, 3), draw_many(36, 64, 3)
    np.testing.assert_array_equal(a[0], b[0])
    assert sorted(a[1]) == sorted([*range(18)] * 2)
    assert (draw_many(36, 64, 4)[0] != a[0]).any()


@pytest.mark.parametrize("name", CLASSES)
def test_every_drawing_is_inside_its_picture_and_can_be_seen_in_grey(name):
    for seed in range(6):
        picture = draw(name, 64, seed, centre=(32, 32), radius=20)
        assert picture.shape == (64, 64, 3)
        assert picture.dtype == np.uint8
        grey = picture @ np.array([0.299, 0.587, 0.114])
        border = np.median(np.concatenate([grey[:4].ravel(), grey[-4:].ravel()]))
        assert np.abs(grey - border).max() > 35
    mask = plain(name)[..., 0] < 128
    assert not mask[:6].any()
    assert not mask[:, :6].any()
    assert 0.02 < mask.mean() < 0.5


def test_radius_and_centre_are_heeded():
    mask = draw("circle", 96, 1, centre=(30, 60), radius=10, angle=0).astype(int).sum(2)
    inner, outer = np.median(mask[26:35, 56:65]), np.median(mask[60:, :40])
    near = np.abs(mask - inner) < np.abs(mask - outer)
    rows, columns = np.nonzero(near[12:48, 42:78])
    assert rows.mean() + 12 == pytest.approx(30, abs=1.5)
    assert columns.mean() + 42 == pytest.approx(60, abs=1.5)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: draw("hexagon"), "no drawing called 'hexagon'"),
        (lambda: draw("star", 8), "16 to 512"),
        (lambda: plain("star", 5000), "16 to 512"),
    ],
)
def test_drawings_that_cannot_be_made(ask, words):
    with pytest.raises(DrawingError, match=words):
        ask()


# -- preparing a picture


def test_prepared_pictures():
    picture = np.random.default_rng(0).integers(0, 255, (50, 90, 3), np.uint8)
    own = prepare("small", picture)
    assert own.picture.shape == (64, 64, 3)
    np.testing.assert_allclose(own.x[0].permute(1, 2, 0) * 255, own.picture, atol=1e-3)
    whole = prepare("small", picture, 50, crop=False)
    np.testing.assert_array_equal(whole.picture, picture)
    other = prepare("resnet18", picture, 224)
    assert tuple(other.x.shape) == (1, 3, 224, 224)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # torchvision's documentation
    np.testing.assert_allclose(other.x[0].permute(1, 2, 0), (other.picture / 255 - mean) / std, atol=1e-5)
    assert tuple(prepare("inception_v3", picture).x.shape) == (1, 3, 299, 299)
    assert tuple(prepare("small", picture[:1, :1]).x.shape) == (1, 3, 64, 64)
    assert prepare("small", np.zeros((1, 20_000, 3), np.uint8), crop=False).picture.shape == (64, 256, 3)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: prepare("small", np.zeros((4, 4), np.uint8)), "height, width, 3"),
        (lambda: prepare("small", np.zeros((4, 4, 3))), "uint8"),
        (lambda: prepare("small", np.zeros((4, 4, 3), np.uint8), 0), "1 to 1024"),
        (lambda: prepare("smal", np.zeros((4, 4, 3), np.uint8)), "no network called"),
    ],
)
def test_pictures_that_are_refused(ask, words):
    with pytest.raises(NetworkError, match=words):
        ask()


# -- hostile files


class Runs:
    """Unpickled by an unwary reader, it writes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return exec, (f"open({self.path!r}, 'w').write('x')",)


class Allocates:
    def __reduce__(self):
        return bytearray, (10**15,)


def archive(path: Path, data: bytes, *more: tuple[str, bytes]) -> None:
    """What torch.save writes, with a pickle of one's own in it."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", data)
        file.writestr("archive/version", "3\n")
        for name, content in more:
            file.writestr(name, content)


def state():
    return SmallNetwork().state_dict()


def saved(value):
    return lambda path, flag: torch.save(value(flag), path)


def cut(share):
    def make(path, flag):
        data = weights_path("small").read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return make


def flipped_bytes(path, flag):
    data = bytearray(weights_path("small").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 5000] = b"\xff" * 5000  # in the weights: NaN
    path.write_bytes(data)


def plain_pickle(path, flag):
    path.write_bytes(pickle.dumps(Runs(flag)))


def legacy(path, flag):
    torch.save({"a": Runs(flag)}, path, _use_new_zipfile_serialization=False)


def archived_pickle(path, flag):
    archive(path, pickle.dumps({"conv1.weight": Runs(flag)}, protocol=2))


def archived_system_call(path, flag):
    archive(path, b"cos\nsystem\n(S'touch " + str(flag).encode() + b"'\ntR.")


def archived_allocation(path, flag):
    archive(path, pickle.dumps(Allocates(), protocol=2))


def nested(path, flag):
    archive(path, b"\x80\x02" + b"(" * 200_000 + b"l." * 10)


def zip_bomb(path, flag):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", pickle.dumps({}))
        with file.open("archive/data/0", "w", force_zip64=True) as entry:
            for _ in range(64):
                entry.write(bytes(1 << 20))


def torch_script(path, flag):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(path))


def too_large(path, flag):
    path.write_bytes(bytes(5_000_000))


HOSTILE = {
    "empty": lambda path, flag: path.write_bytes(b""),
    "text": lambda path, flag: path.write_bytes(b"not weights" * 100),
    "cut to a tenth": cut(0.1),
    "cut near its end": cut(0.99),
    "bytes overwritten": flipped_bytes,
    "another network": saved(lambda flag: torch.nn.Linear(3, 3).state_dict()),
    "wrong shapes": saved(lambda flag: {**state(), "conv1.weight": torch.zeros(16, 3, 3, 3)}),
    "a shape without memory": saved(lambda flag: {**state(), "conv1.weight": torch.zeros(1).expand(1 << 40)}),
    "a missing weight": saved(lambda flag: OrderedDict(list(state().items())[1:])),
    "one weight too many": saved(lambda flag: {**state(), "conv9.weight": torch.zeros(1)}),
    "not a number": saved(lambda flag: {**state(), "fc.bias": torch.full((18,), float("nan"))}),
    "a list": saved(lambda flag: [1, 2, 3]),
    "text for a weight": saved(lambda flag: {**state(), "fc.bias": "0"}),
    "a whole module": saved(lambda flag: SmallNetwork()),
    "code among weights": saved(lambda flag: {**state(), "fc.bias": Runs(flag)}),
    "code alone": saved(lambda flag: Runs(flag)),
    "plain pickle": plain_pickle,
    "the old format": legacy,
    "an archive around code": archived_pickle,
    "a system call": archived_system_call,
    "an allocation": archived_allocation,
    "deep nesting": nested,
    "a zip bomb": zip_bomb,
    "a script": torch_script,
    "too large": too_large,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_and_nothing_is_run(kind, tmp_path):
    path, flag = tmp_path / "w.pt", tmp_path / "executed"
    HOSTILE[kind](path, flag)
    with mock.patch.dict(known.OWN, clear=True):
        networks.register("victim", SmallNetwork, path)
        _refuses_the_victim(flag)


def _refuses_the_victim(flag):
    with pytest.raises(NetworkError, match=r"^w\.pt does not hold weights for victim \(.+\)\. Save them anew") as told:
        networks.load("victim", pretrained=True)
    assert not flag.exists()
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 600
    assert networks.cache_info()["networks"] == 0


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["code", "old format", "cut off"])
def test_hostile_files_in_the_hub_s_folder_are_refused_too(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = torchvision.models.get_model_weights("squeezenet1_1").DEFAULT.url
    path, flag = tmp_path / "hub" / "checkpoints" / url.rsplit("/", 1)[1], tmp_path / "executed"
    path.parent.mkdir(parents=True)
    torch.save({"a": Runs(flag)}, path, _use_new_zipfile_serialization=kind != "old format")
    if kind == "cut off":
        path.write_bytes(weights_path("small").read_bytes()[:1000])
    with pytest.raises(NetworkError, match=r"weights of squeezenet1_1 are damaged .+ Delete their file"):
        networks.load("squeezenet1_1", pretrained=True)
    assert not flag.exists()


def test_trained_weights_in_the_hub_s_folder_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = torchvision.models.get_model_weights("squeezenet1_1").DEFAULT.url
    path = tmp_path / "hub" / "checkpoints" / url.rsplit("/", 1)[1]
    path.parent.mkdir(parents=True)
    state = {k: v + 1 for k, v in networks.load("squeezenet1_1").state_dict().items()}
    torch.save(state, path)
    loaded = networks.load("squeezenet1_1", pretrained=True)
    assert all(torch.equal(v, state[k]) for k, v in loaded.state_dict().items())


def test_code_in_such_a_file_would_have_run(tmp_path):
    """So that the test above cannot pass for want of a working bomb."""
    path, flag = tmp_path / "w.pt", tmp_path / "executed"
    torch.save(Runs(flag), path)
    torch.load(path, weights_only=False)
    assert flag.exists()
