"""Networks in the lesson on feature maps, without a browser: every network, every look, links that cannot be read."""

import base64
import json
from functools import cache
from math import prod

import cv2
import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from models import device, networks
from models.maps.activations import contact_sheet
from models.networks import NetworkError, answers, feature_maps, known
from pages.feature_maps import _network as network
from pages.feature_maps import walk
from pages.feature_maps._closer import cut, heated
from tests.pages.support import charts, opened, points, sound
from viz.components.sheet import levels, sheet_data
from viz.controls.picture import PICTURES
from viz.figures.png import packed


def open_page(part: str, **query: str) -> AppTest:
    return opened(f"feature_maps/{part}.py", **{"ask": "none"} | query)


def components(app: AppTest) -> list[dict]:
    return [json.loads(c.proto.json) for c in app.get("bidi_component") if c.proto.json]


def sheet_of(app: AppTest) -> dict:
    return next(c for c in components(app) if "maps" in c)


def shown(app: AppTest) -> str:
    """The HTML of all figures."""
    return " ".join(c["html"] for c in components(app) if "html" in c)


def unpacked(address: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(address.split(",")[1]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)


def astronaut(name: str, side: int | None = None) -> torch.Tensor:
    from models.picture import decode

    source = decode((PICTURES / "astronaut.png").read_bytes(), max_side=512)
    return networks.prepare(name, source, side, crop=False).x


# -- what the browser gets


def test_grey_levels_hold_the_maps_to_half_a_percent():
    maps = np.random.default_rng(0).normal(size=(6, 20, 30)).astype(np.float32)
    sheet = contact_sheet(maps, order="energy")
    data = sheet_data(sheet, None, token="t", title="", selected=(0, 0, 0))
    grey = unpacked(data["maps"]).astype(float)
    assert np.array_equal(grey, levels(sheet))
    for k, (channel, scale) in enumerate(zip(data["channels"], data["scales"], strict=True)):
        top = k // data["columns"] * (data["cell"][0] + data["gap"])
        left = k % data["columns"] * (data["cell"][1] + data["gap"])
        seen = (grey[top : top + 20, left : left + 30] - 127) / 127 * scale
        assert np.abs(seen - maps[channel]).max() <= scale / 254 * 1.001


def test_packed_keeps_colours_and_opacity():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 4), dtype=np.uint8)
    assert np.array_equal(unpacked(packed(pixels))[..., [2, 1, 0, 3]], pixels)
    assert np.array_equal(unpacked(packed(pixels[..., :3]))[..., ::-1], pixels[..., :3])


def test_patches_are_cut_where_the_box_says():
    pixels = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    assert np.array_equal(cut(pixels, ((2, 4), (5, 9))), pixels[2:5, 5:10])
    over = cut(pixels, ((-2, 1), (10, 13)))
    assert over.shape == (4, 4, 3)
    assert np.array_equal(over[2:, :2], pixels[:2, 10:])
    assert (over[:2] == 128).all()
    assert (over[:, 2:] == 128).all()
    assert (cut(pixels, ((20, 22), (0, 1))) == 128).all()


def test_heat_is_laid_over_the_picture_where_it_is():
    pixels = np.full((6, 6, 3), 100, np.uint8)
    heat = np.zeros((6, 6))
    heat[2, 3] = 5
    warm = heated(pixels, heat).astype(int)
    assert np.unravel_index(warm.sum(2).argmax(), (6, 6)) == (2, 3)
    assert len(np.unique(np.delete(warm.reshape(-1, 3), 15, 0), axis=0)) == 1
    heated(pixels, np.full((6, 6), np.nan))


# -- walk


def test_the_small_network_opens_with_its_trained_weights():
    app = sound(open_page("walk"))
    data = sheet_of(app)
    assert data["title"] == "Our small network, relu1: 16 maps of 64 × 64, trained weights"
    maps = feature_maps(networks.load("small", pretrained=True), astronaut("small"), ["relu1"])["relu1"][0].numpy()
    assert np.array_equal(unpacked(data["maps"]), levels(contact_sheet(maps)))
    channel, row, column = data["selected"]
    assert maps[channel, row, column] == maps.max()
    assert len(data["rows"]) == len(data["cols"]) == 64
    assert data["rows"][10] == [8, 12]
    assert [w.value for w in app.warning] == []


@pytest.mark.parametrize("look", [one for one in walk.LOOKS if one != "Unit"])
def test_every_look(look):
    app = sound(open_page("walk", fm_look=look, fm_layer="relu2"))
    words = {
        "Pixel": "none outside the 5 × 5 units",
        "Top patches": "A patch of",
        "Statistics": "Dead channels",
        "Before and after": "after relu",
    }
    assert words.get(look, "16 kernels of 5 × 5") in shown(app)
    assert ("fm_histogram" in charts(app)) == (look == "Statistics")


def test_statistics_are_drawn_as_they_are():
    drawn = charts(sound(open_page("walk", fm_look="Statistics", fm_layer="relu2")))
    maps = feature_maps(networks.load("small", pretrained=True), astronaut("small"), ["relu2"])["relu2"][0].numpy()
    (values,), (silent,) = drawn["fm_histogram"]["data"], drawn["fm_silent"]["data"]
    counts, edges = np.histogram(maps, 50)
    there = counts > 0
    assert np.allclose(values["x"], ((edges[:-1] + edges[1:]) / 2)[there], rtol=1e-4, atol=1e-5)
    assert np.allclose(values["y"], 100 * counts[there] / maps.size, atol=0.01)
    assert np.allclose(silent["y"], sorted(100 * (maps <= 0).mean((1, 2)), reverse=True))
    assert silent["x"] == list(range(1, len(maps) + 1))


def test_the_link_leaves_out_the_layer_with_which_a_part_opens_and_no_other():
    app = sound(open_page("equivariance"))
    box = app.selectbox(key="fm_at")
    assert box.value == "pool2" != box.options[0]
    assert "fm_at" not in app.query_params
    for layer in ("conv1", "pool3"):
        assert sound(app.selectbox(key="fm_at").select(layer).run()).query_params["fm_at"] == layer
    app.selectbox(key="fm_network").select("resnet18").run()
    assert app.selectbox(key="fm_at").value == network.FIRST["resnet18"]
    assert "fm_at" not in sound(app).query_params
    for layer in ("conv1", "relu1"):
        assert ("fm_layer" in sound(open_page("walk", fm_layer=layer)).query_params) == (layer == "conv1")


def weights_of(app: AppTest) -> tuple[str, bool]:
    """What the control of the weights highlights, and whether it can be turned."""
    (control,) = [one for one in app.segmented_control if one.label == "Weights"]
    return control.value, not control.disabled


@pytest.mark.parametrize("title", ["SqueezeNet 1.1", "MobileNet v3, small"])
def test_other_networks_say_that_their_weights_are_random(title, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    name = next(n for n, t in network.OFFERED.items() if t == title)
    app = sound(open_page("walk", fm_network=title, fm_shorter="64"))
    assert "random weights" in sheet_of(app)["title"]
    assert any("Random weights are shown" in w.value for w in app.warning)
    assert weights_of(app) == ("Random", False)
    megabytes = f"({networks.weights_bytes(name) / 2**20:.0f} MB)"
    assert any(megabytes in b.label for b in app.button)


def test_no_way_to_the_hub_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    app = open_page("walk", fm_network="SqueezeNet 1.1", fm_shorter="64")

    def unreachable(name):
        raise NetworkError("The trained weights of squeezenet1_1 could not be fetched.")
        yield

    monkeypatch.setattr(networks, "fetch_weights", unreachable)
    app.button(key="fm_fetch").click().run()
    assert [e.value for e in app.error] == ["The trained weights of squeezenet1_1 could not be fetched."]
    assert "random weights" in sheet_of(app)["title"]


def test_weights_that_arrive_are_shown_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    app = open_page("walk", fm_network="SqueezeNet 1.1", fm_shorter="64")

    def arrive(name):
        path = known.hub_file(name)[1]
        path.parent.mkdir(parents=True)
        yield 1_000_000, 2_000_000
        torch.save(networks.load(name).state_dict(), path)
        yield 2_000_000, 2_000_000

    monkeypatch.setattr(networks, "fetch_weights", arrive)
    app.button(key="fm_fetch").click().run()
    sound(app)
    assert "trained weights" in sheet_of(app)["title"]
    assert weights_of(app) == ("Trained", True)
    networks.clear()


def test_damaged_weights_are_one_sentence_and_random_ones_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    path = known.hub_file("squeezenet1_1")[1]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut off")
    app = open_page("walk", fm_network="SqueezeNet 1.1", fm_shorter="64")
    assert not app.exception
    assert "damaged (there is something else than weights" in app.error[0].value
    assert "random weights" in sheet_of(app)["title"]
    assert weights_of(app) == ("Random", False)


def test_who_wishes_for_trained_weights_gets_them_with_the_next_network(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    app = sound(open_page("walk", fm_network="SqueezeNet 1.1", fm_shorter="64"))
    assert weights_of(app) == ("Random", False)
    app.selectbox(key="fm_network").set_value("Our small network").run()
    assert weights_of(sound(app)) == ("Trained", True)
    assert "trained weights" in sheet_of(app)["title"]
    app.segmented_control(key="fm_weights").set_value("Random").run()
    app.selectbox(key="fm_network").set_value("SqueezeNet 1.1").run()
    assert weights_of(sound(app)) == ("Random", True)  # chosen, not forced
    assert not app.warning


def test_a_full_gpu_is_told(monkeypatch):
    monkeypatch.setattr(device, "setup", cache(lambda: torch.device("meta")))
    run = answers._run

    def crowded(module, *how, **more):
        if next(module.parameters()).is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run(module, *how, **more)

    monkeypatch.setattr(answers, "_run", crowded)
    app = sound(open_page("walk", fm_shorter="96", fm_look="First filters"))
    assert any("The GPU has no memory left" in i.value for i in app.info)
    assert sheet_of(app)["size"] == [96, 96]


@pytest.mark.parametrize("layer", ["gap", "relu4"])
def test_late_layers(layer):
    sound(open_page("walk", fm_layer=layer, fm_order="Energy", fm_scale="The same", fm_sign="Rectified"))


def test_a_step_to_a_layer_beside_needs_no_pass(monkeypatch):
    app = sound(open_page("walk", fm_layer="conv3"))
    app.session_state["fm_layer"] = "conv2"
    sound(app.run())  # now the shapes are known
    asked = []
    monkeypatch.setattr(networks, "survey", lambda *args: asked.append(args))
    app.session_state["fm_layer"] = "bn2"
    sound(app.run())
    assert asked == []
    maps = feature_maps(networks.load("small", pretrained=True), astronaut("small"), ["bn2"])["bn2"][0].numpy()
    assert np.array_equal(unpacked(sheet_of(app)["maps"]), levels(contact_sheet(maps)))


def test_what_is_kept_beside_a_layer_is_bounded():
    shapes = {f"layer{n}": (64, 224, 224) if n < 4 else (64, 56, 56) for n in range(60)}
    for n, layer in enumerate(shapes):
        kept = network.beside("vgg16", layer, shapes)
        assert sum(4 * prod(shapes[one]) for one in kept) <= network.BESIDE
        assert kept[:1] == ([f"layer{n + 1}"] if n < 59 else ["layer58"])
        assert layer not in kept
    assert network.nearest("abcde", "c") == ["d", "b", "e", "a"]
    assert network.beside("resnet18", "bn1", {}) == ["relu", "conv1"]
    assert network.beside("resnet18", "layer1", {}) == []


# -- links


MANGLED = {
    "fm_network": "VGG-17",
    "fm_weights": "trained",
    "fm_shorter": "1000000",
    "fm_layer": "<script>alert(1)</script>",
    "fm_order": "energy; DROP TABLE",
    "fm_scale": "9",
    "fm_sign": "−",
    "fm_look": "Everything",
    "fm_page": "7",
    "fm_unit": "99999.0.0",
    "fm_pixel": "64.0",
}


def test_a_mangled_link_is_told_in_sentences():
    app = sound(open_page("walk", **{**MANGLED, "fm_page": "x"}))
    told = [w.value for w in app.warning]
    assert len(told) == len(MANGLED)
    assert all(text.endswith((".", "shown.")) for text in told)
    assert "small" in networks.names()
    assert sheet_of(app)["title"].startswith("Our small network, relu1")


@pytest.mark.parametrize(("part", "query"), [
    ("walk", {"fm_page": "7", "fm_network": "SqueezeNet 1.1", "fm_shorter": "64", "fm_layer": "features.9.expand3x3"}),
    ("walk", {"fm_layer": "flatten"}),
    ("walk", {"fm_layer": "features.9", "fm_network": "SqueezeNet 1.1", "fm_shorter": "64"}),
    ("walk", {"fm_layer": "bn2", "fm_unit": "1.2"}),
    ("decides", {"fm_class": "dragon (99)"}),
    ("decides", {"fm_cover": "huge"}),
    ("decides", {"fm_fill": "red"}),
    ("equivariance", {"fm_motion": "jump"}),
    ("equivariance", {"fm_shift": "1e9"}),
    ("equivariance", {"fm_factor": "0"}),
    ("equivariance", {"fm_at": "fc"}),
    ("equivariance", {"fm_wrap": "perhaps"}),
])  # fmt: skip
def test_one_value_that_cannot_be_read_is_one_sentence(part, query):
    app = sound(open_page(part, **query))
    (told,) = [w.value for w in app.warning if "Random weights are shown" not in w.value]
    assert ("group of layers" in told) == (query.get("fm_layer") == "features.9")


def test_a_picture_that_is_too_small_for_a_network_is_one_sentence():
    app = open_page("walk", fm_network="Inception v3", fm_shorter="32")
    assert not app.exception
    assert len(app.error) == 1
    assert "Choose a larger picture" in app.error[0].value


# -- what decides


def test_a_drawn_heart_is_a_heart_and_the_check_is_shown():
    app = sound(open_page("decides", fm_picture="A drawn shape", fm_shape="heart", fm_seed="7", fm_check="true"))
    html = shown(app)
    assert "Our small network says: heart" in html
    for words in ("largest slope", "layer relu4, 8 × 8 units", "144 places", "5 of 5 layers new", "likeness"):
        assert words in html
    for line in charts(app)["fm_sanity_curve"]["data"]:
        assert line["x"] == [0, 1, 2, 3, 4, 5]
        assert max(line["y"][1:]) < line["y"][0] == pytest.approx(1)
        assert all(f"likeness {y:.2f}".replace("-", "−") in html for y in line["y"])
    app.selectbox(key="fm_class").select_index(2).run()
    sound(app)


def test_a_large_network_covers_places_when_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    app = sound(open_page("decides", fm_network="SqueezeNet 1.1", fm_shorter="32", fm_cover="Large", fm_check="true"))
    assert "not yet run" in shown(app)
    app.button(key="fm_run_occlusion").click().run()
    assert "49 places" in shown(sound(app))
    app.button(key="fm_run_sanity").click().run()
    assert "likeness" in shown(sound(app))


# -- equivariance


def test_stride_one_is_exact_and_pooling_is_not():
    exact = sound(open_page("equivariance", fm_at="relu1", fm_shift="3"))
    assert "commutes: exactly" in shown(exact)
    first = charts(exact)["fm_errors"]["data"][0]
    assert first["x"] == list(range(17))
    assert max(first["y"]) < 1e-5
    pooled = shown(sound(open_page("equivariance", fm_at="pool1", fm_shift="3")))
    assert "commutes: no" in pooled


def test_the_curve_returns_to_zero_at_every_whole_stride():
    drawn = charts(sound(open_page("equivariance", fm_at="pool2")))
    errors = dict(points(drawn["fm_errors"]["data"][0]))
    assert {shift for shift, error in errors.items() if error < 1e-5} == {0, 4, 8, 12, 16}
    assert all(0 <= y <= 100 for line in drawn["fm_invariance"]["data"] for y in line["y"])


@pytest.mark.parametrize("motion", ["Rotate", "Scale"])
def test_other_motions(motion):
    app = sound(open_page("equivariance", fm_motion=motion, fm_network="Our small network, anti-aliased"))
    assert "Equivariance error" in shown(app)
