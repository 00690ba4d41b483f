"""The lesson on feature maps without a browser: pictures from every door, filters against OpenCV, links, scripts."""

import base64
import io
import json
import re
from importlib import import_module

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from models import device
from models.drawings import plain
from models.maps.filters import FILTERS, PADDING_MODES
from models.presets import POOLED, PRESETS
from pages._lessons import LESSONS, MAPS
from pages.feature_maps import _kernels, filters, learn, pooling
from pages.feature_maps import _picture as picture
from tests.pages.support import AXES_ALONE, charts, moved, opened, points, read, sound
from viz.controls.picture import PICTURES

OURS = {"filters": filters, "pooling": pooling, "learn": learn}
PAGES = [f"pages.{lesson.file}".removesuffix(".py").replace("/", ".") for lesson in LESSONS if lesson.section == MAPS]
PARTS = [lesson.file.split("/")[1].removesuffix(".py") for lesson in LESSONS if lesson.section == MAPS]


def open_page(part: str = "filters", **query: str) -> AppTest:
    return opened(f"feature_maps/{part}.py", **{"ask": "none"} | query)


def mounted(app: AppTest, having: str) -> dict:
    """The data of the first component that has such an entry."""
    return next(d for c in app.get("bidi_component") if having in (d := json.loads(c.proto.json)))


def numbers(data: dict, which: int) -> np.ndarray:
    """One map of the filter bank, ``(C, H, W)``."""
    one = data["maps"][which]
    raw = np.frombuffer(base64.b64decode(one["b"]), "<i2" if "unit" in one else "<f4").astype(float)
    return (raw * one.get("unit", 1)).reshape(len(data["planes"]), *data["size"])


def pixels(data: dict) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(data["input"]), np.uint8)
    return raw.reshape(len(data["planes"]), *data["size"])


def png(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("low", "high"), [(-4.0, 4.0), (-2.55, 2.5), (-1e-3, 7.0), (0.0, 1.0), (-3.0, 0.0)])
def test_no_bar_of_the_histogram_mixes_signs(low, high):
    edges = filters._edges(low, high)
    assert len(edges) == 49
    assert (np.diff(edges) > 0).all()
    assert edges[0] <= low <= high <= edges[-1]
    assert low >= 0 or high <= 0 or 0 in edges


@pytest.mark.parametrize(("grey", "title"), [(80, "Sobel"), (255, "Gaussian")])
def test_the_histogram_of_one_value_has_its_bar_in_the_middle(grey, title):
    data = mounted(sound(uploaded(png(np.full((64, 64), grey, np.uint8)), fm_filter=title)), "planes")
    drawn, value = data["histogram"], numbers(data, 0).max()
    (bar,) = np.flatnonzero(drawn["counts"])
    low, left, right, high = (drawn["edges"][at] for at in (0, bar, bar + 1, -1))
    assert (drawn["low"], drawn["high"]) == (low, high) == pytest.approx((value - (value or 1), value + (value or 1)))
    assert (left + right) / 2 == pytest.approx(value)


# -- the picture


@pytest.mark.parametrize("name", picture.SHIPPED)
@pytest.mark.parametrize("which", OURS)
def test_every_part_opens_on_every_shipped_picture(which, name):
    app = sound(open_page(part=which, fm_picture=name, fm_size="64"))
    assert app.warning.values == []
    line = next(c for c in app.caption.values if c.startswith("64 × 64 pixels, colour. "))
    licence = "public domain" if name in ("Astronaut", "Rocket") else "CC0"
    assert line.endswith(f"({licence})")


@pytest.mark.parametrize("door", [picture.UPLOAD, picture.CAMERA, picture.CANVAS])
def test_what_stands_in_for_an_own_picture_is_told(door):
    app = sound(open_page(fm_picture=door, fm_size="64"))
    assert any(c.startswith("Until yours is here, the astronaut: 64 × 64") for c in app.caption.values)


def test_the_shipped_pictures_reach_the_filters_as_they_are():
    data = mounted(sound(open_page(fm_picture="Photographer", fm_planes="Each colour")), "planes")
    shipped = np.asarray(Image.open(PICTURES / "camera.png").convert("RGB"))
    assert np.array_equal(pixels(data), shipped.transpose(2, 0, 1))


def test_crop_size_and_grey_come_from_the_link():
    app = sound(
        open_page(
            fm_picture=picture.SHAPE, fm_shape="moon", fm_size="64", fm_crop="Free", fm_edge="25", fm_top="0",
            fm_left="100", fm_colour="false",
        )
    )  # fmt: skip
    assert app.warning.values == []
    assert "64 × 64 pixels, grey" in app.caption.values
    corner = plain("moon", 256)[:64, -64:, 0]
    assert np.array_equal(pixels(mounted(app, "planes"))[0], corner)


def uploaded(data: bytes, **query: str) -> AppTest:
    app = open_page(fm_picture=picture.UPLOAD, **query)
    app.file_uploader(key="fm_file").upload("picture.png", data, "image/png").run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("array", "size", "told"),
    [
        (
            np.arange(300 * 200).reshape(200, 300).astype(np.uint16),
            "160 × 107",
            "300 × 200 pixels, reduced to 160 × 107, colour. Of its 16 bits a channel, the upper 8 are used.",
        ),
        (
            np.full((40, 80, 4), 90, np.uint8),
            "160 × 80",
            "80 × 40 pixels, enlarged to 160 × 80, colour. Its transparency is laid on white.",
        ),
    ],
    ids=["16-bit", "alpha"],
)
def test_unusual_pictures_are_taken_and_what_was_changed_is_told(array, size, told):
    app = sound(uploaded(png(array)))
    assert told in app.caption.values
    assert mounted(app, "planes")["size"] == [int(n) for n in size.split(" × ")][::-1]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (png(np.zeros((1, 20000), np.uint8)), "strip"),
        (png(np.full((1, 1, 3), 200, np.uint8)), "too few"),
        (png(np.random.default_rng(0).integers(0, 255, (90, 90, 3)).astype(np.uint8))[:3000], "damaged"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 64, "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (b"", "empty"),
    ],
    ids=["20000x1", "1x1", "truncated", "heic", "pdf", "empty"],
)
@pytest.mark.parametrize("which", OURS)
def test_what_is_no_picture_gets_one_sentence_and_the_page_goes_on(which, data, word):
    app = uploaded(data, part=which)
    assert len(app.error) == 1
    assert word in app.error[0].value
    assert app.get("bidi_component")


def test_a_strip_becomes_a_picture_when_it_is_cropped():
    app = sound(uploaded(png(np.zeros((60, 4000), np.uint8)), fm_crop="Square"))
    assert "4\u202f000 × 60 pixels, cut to a square, shown at 160 × 160, colour." in app.caption.values


# -- the filter bank


@pytest.mark.parametrize("title", _kernels.TITLES)
def test_each_filter_is_what_opencv_makes_of_the_same_pixels(title):
    data = mounted(sound(open_page(fm_filter=title, fm_size="48", fm_angle="30")), "planes")
    kernel = np.array(data["kernels"][0]["values"])
    wanted = cv2.filter2D(pixels(data)[0].astype(np.float64) / 255, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(numbers(data, 0)[0] - wanted).max() < 1e-5 * np.abs(kernel).sum()
    share = next(p["note"] for p in data["panels"] if p["id"] == "rectified")
    assert share.startswith(f"{100 * (numbers(data, 0) < 0).mean():.0f} %")
    assert all(ok for _, ok in data["checks"])


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_against_opencv_the_inside_agrees_and_the_border_is_explained(mode):
    app = sound(
        open_page(fm_view="Against OpenCV", fm_filter="Box blur", fm_border=filters.BORDERS[mode], fm_size="48")
    )
    data = mounted(app, "planes")
    assert data["checks"][0][1] is True
    assert all(ok is not False for _, ok in data["checks"])
    inside = numbers(data, 2)[0][1:-1, 1:-1]
    assert np.abs(inside).max() < 1e-4
    assert (np.abs(numbers(data, 2)).max() < 1e-4) == (mode == "reflect")


def test_the_padded_rows_are_those_that_the_layer_reads():
    """The window that the browser shows must be the layer's: its sum is the layer's number, at every border."""
    for mode in PADDING_MODES:
        app = open_page(fm_filter="Emboss", fm_border=filters.BORDERS[mode], fm_size="32")
        data = mounted(sound(app), "planes")
        x, kernel = pixels(data)[0] / 255, np.array(data["kernels"][0]["values"])
        rows, columns = (np.array(data[name]) for name in ("rows", "columns"))
        padded = np.where((rows[:, None] < 0) | (columns < 0), 0, x[rows[:, None], columns])
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
        assert np.abs((windows * kernel).sum((2, 3)) - numbers(data, 0)[0]).max() < 1e-5


def test_convolution_turns_the_kernel():
    straight, turned = (
        mounted(sound(open_page(fm_filter="Emboss", fm_flip=flip, fm_size="32")), "planes") for flip in filters.FLIPS
    )
    kernels = [np.array(d["kernels"][0]["values"]) for d in (straight, turned)]
    assert np.array_equal(kernels[0], kernels[1][::-1, ::-1])
    assert np.abs(numbers(straight, 0) - numbers(turned, 0)).max() > 0.1


@pytest.mark.parametrize("name", ["Sobel", "Scharr", "Prewitt", "Gabor"])
def test_the_gradient_is_what_its_two_slopes_give(name):
    data = mounted(sound(open_page(fm_view="Gradient", fm_filter=name, fm_size="48")), "planes")
    x, y, magnitude, angle = (numbers(data, i)[0] for i in range(4))
    assert np.abs(np.hypot(x, y) - magnitude).max() < 1e-4 * magnitude.max()
    clear = magnitude > 0.1 * magnitude.max()
    off = (np.degrees(np.arctan2(-y, x)) - angle + 180) % 360 - 180
    assert np.abs(off[clear]).max() < 0.1


def test_an_own_kernel_comes_from_the_link():
    data = mounted(sound(open_page(fm_filter=_kernels.OWN, fm_kernel="0 0 0; 0 2 0; 0 0 0", fm_size="32")), "planes")
    assert data["editable"]
    assert np.allclose(numbers(data, 0)[0], pixels(data)[0] / 127.5)


@given(st.sampled_from([1, 3, 5, 7]).flatmap(
    lambda n: st.lists(st.lists(st.integers(-9999, 9999).map(lambda v: v / 100), min_size=n, max_size=n),
                       min_size=n, max_size=n)
))  # fmt: skip
def test_an_own_kernel_survives_its_link(rows):
    assert _kernels.read_kernel(_kernels.written(rows)) == rows


# -- pooling and learning


@pytest.mark.parametrize(("title", "spec"), POOLED.items())
def test_the_worked_examples_of_pooling_show_their_numbers(title, spec):
    app = sound(open_page(part="pooling", fm_example=title))
    output = next(g for g in mounted(app, "grids")["grids"] if g["id"] == "output")
    values = output["values"]
    if not isinstance(values, list):
        values = np.frombuffer(base64.b64decode(values["b"]), "<" + values["d"]).tolist()
    assert output["shape"] == [spec.out_channels, *spec.output_size]
    of_max = np.ravel(PRESETS["A22"].expected["output"]).tolist()
    wanted = {"Max 2×2, stride 2": of_max, "Average 2×2": [4.5, 7.75, 5, 6.25]}.get(title)
    assert wanted is None or values == wanted


@pytest.mark.parametrize("kind", pooling.KINDS)
def test_pooling_counts_the_positions_that_it_tells_apart(kind):
    app = sound(open_page(part="pooling", fm_pool=kind, fm_size="48", fm_forgotten="true"))
    told = {"Max": 16, "Average": 16, "Global average": 1}[kind]
    assert any(f"tells **{told}** of 64" in text for text in read(app.markdown))


@pytest.mark.parametrize(("window", "stride", "said"), [("2", "1", "overlap"), ("2", "3", "leave gaps")])
def test_pooling_says_how_its_windows_lie(window, stride, said):
    app = sound(open_page(part="pooling", fm_window=window, fm_stride=stride, fm_size="32"))
    shown = " ".join(c.proto.json for c in app.get("bidi_component"))
    assert said in shown


def test_the_layer_finds_the_kernel_and_keeps_it(monkeypatch):
    monkeypatch.setattr("pages._learning.PACE", 0)
    app = open_page(part="learn", fm_pairs="Noise", fm_steps="300", fm_size="32")
    next(b for b in app.button if b.label == "Train").click().run()
    run = sound(app).session_state["_book"].kept["fm_finding"]
    assert run.steps[-1] == 300
    assert np.abs(run.now.kernel - run.target).max() < 0.01
    drawn, least = charts(app), [max(loss, 1e-16) for loss in run.losses]
    assert list(drawn) == ["fm_loss"]
    assert points(drawn["fm_loss"]["data"][0]) == list(zip(run.steps, least, strict=True))
    next(b for b in app.button if b.label == "Reset").click().run()
    assert sound(app).session_state["_book"].kept["fm_finding"].steps == []
    assert charts(app)["fm_loss_to_come"]["data"] == AXES_ALONE


def test_a_run_that_diverges_says_so_in_numbers(monkeypatch):
    shown = []
    monkeypatch.setattr("pages._learning.PACE", 0)
    monkeypatch.setattr("viz.figures.show", lambda html, *, key: shown.append(html))
    app = open_page(part="learn", fm_optimizer="momentum", fm_lr="0.3", fm_taps="7", fm_steps="50", fm_size="48")
    next(b for b in app.button if b.label == "Train").click().run()
    assert sound(app).session_state["_book"].kept["fm_finding"].losses[-1] > 1e40  # beyond float32
    assert any("smaller learning rate" in one for one in read(app.caption))
    assert "off by" in shown[-1]
    assert charts(app)["fm_loss"]["data"][0]["y"][-1] > 1e40
    assert re.search(r">−?\d·10[⁰¹²³⁴⁵⁶⁷⁸⁹]+</text>", shown[-1].split("</figure>")[0])
    assert not any(f"off by {word}" in one for one in shown for word in ("nan", "inf"))


# -- links and scripts


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"fm_picture": "Mona Lisa"}, "Mona Lisa"),
        ({"fm_size": "5000"}, "5000"),
        ({"fm_filter": "<b>x</b>"}, "fm_filter"),
        ({"fm_angle": "north"}, "north"),
        ({"fm_sigma": "nan"}, "fm_sigma"),
        ({"fm_side": "99"}, "99"),
        ({"fm_side": "4"}, "even"),
        ({"fm_filter": _kernels.OWN, "fm_kernel": "1 2; 3"}, "own kernel"),
        ({"fm_filter": _kernels.OWN, "fm_kernel": "1 2 x"}, "no number"),
        ({"fm_kernel": "1e9"}, "beyond"),
        ({"fm_kernel": "nan"}, "not finite"),
        ({"part": "learn", "fm_kernel": "a"}, "no number"),
        ({"part": "learn", "fm_steps": "1000000"}, "1000000"),
        ({"part": "pooling", "fm_window": "0"}, "fm_window"),
        ({"fm_crop": "Free", "fm_top": "-3"}, "fm_top"),
        ({"fm_seed": "1000"}, "fm_seed"),
        ({"elsewhere": "1"}, "elsewhere"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_and_the_page_works(query, word):
    app = sound(open_page(**query))
    assert len(app.warning) == 1
    assert word in app.warning[0].value
    assert app.get("bidi_component")
    assert list(query)[-1] not in app.query_params
    app.run()
    assert app.warning.values == []


@pytest.mark.parametrize(
    "setting",
    [one for page in (picture, *map(import_module, PAGES)) for one in page.SETTINGS if not callable(one.default)],
    ids=lambda setting: setting.name,
)
def test_every_default_can_be_read_from_a_link(setting):
    assert setting.default is None or setting.read(setting.spell(setting.default)) == setting.default


def test_every_parameter_of_the_page_begins_alike_and_occurs_once():
    names = [one.name for one in (*picture.SETTINGS, *(each for page in OURS.values() for each in page.SETTINGS))]
    assert len(names) == len(set(names))
    assert all(name.startswith("fm_") for name in names)


def test_the_lists_that_stand_before_torch_are_those_of_the_models():
    assert set(_kernels.TITLES.values()) == set(FILTERS)
    assert {FILTERS[name].title for name in _kernels.TITLES.values()} == set(_kernels.TITLES)
    assert tuple(filters.BORDERS) == PADDING_MODES


@pytest.mark.parametrize(
    "query",
    [
        {"fm_filter": "Gabor", "fm_border": "Circular"},
        {"fm_view": "Gradient", "fm_picture": "Cat", "fm_colour": "false", "fm_size": "96", "fm_border": "Zeros"},
        {"fm_view": "Against OpenCV", "fm_planes": "Each colour", "fm_crop": "Free", "fm_flip": "Convolution"}
        | {"fm_filter": "Own kernel", "fm_kernel": "3", "fm_border": "Zeros"},
        {"fm_filter": "Emboss", "fm_planes": "Each colour", "fm_picture": "A drawn shape", "fm_border": "Zeros"},
        {"part": "pooling", "fm_window": "3", "fm_picture": "Cat", "fm_colour": "false"},
        {"part": "pooling", "fm_pool": "Global average", "fm_picture": "A drawn shape", "fm_seed": "3"},
        {"part": "learn", "fm_target": "Emboss", "fm_steps": "100", "fm_noise": "0.1", "fm_pairs": "Noise"},
        {"part": "learn", "fm_steps": "60", "fm_taps": "5", "fm_picture": "Coffee", "fm_colour": "false"},
        {"part": "walk", "fm_layer": "relu2", "fm_crop": "Free", "fm_colour": "false"},
        {"part": "decides", "fm_picture": "A drawn shape"},
        {"part": "equivariance", "fm_shift": "5"},
        {"part": "walk", "fm_network": "SqueezeNet 1.1", "fm_shorter": "64"},
    ],
    ids=[
        "filter",
        "gradient",
        "opencv",
        "colours",
        "pooling",
        "global",
        "noise",
        "learning",
        "walk",
        "decides",
        "equivariance",
        "torchvision",
    ],
)
def test_the_code_runs_as_it_is_and_holds_the_numbers_on_the_screen(query):
    app = open_page(**query)
    if query.get("part") == "learn":
        next(b for b in app.button if b.label == "Train").click().run()
    next(b for b in app.button if b.label == "Code").click().run()
    code = sound(app).code[0].value
    assert code.startswith("# Needs ")
    assert ("copy of the ConvScope project" in code.splitlines()[0]) == ("from models" in code)
    assert "as on the screen" in code
    with device.one_thread():
        exec(compile(code, "shown", "exec"), {})


def late() -> None:
    """A script in which requests arrive from components that have gone."""
    import numpy as np
    import streamlit as st

    from pages.feature_maps import equivariance, filters, pooling, walk

    chosen = filters.Asked("sobel", np.eye(3), np.eye(3), (), "Response", False, "reflect", False)
    for callback in (
        filters._turned, lambda: filters._typed(chosen), pooling._turned, equivariance._turned,
        walk._layer_chosen, walk._unit_asked, walk._pixel_asked,
    ):  # fmt: skip
        callback()
    st.session_state["set"] = [name for name in st.session_state if str(name).startswith("fm_")]


def test_no_late_request_ends_in_a_traceback_or_changes_a_setting():
    app = sound(AppTest.from_function(late).run())
    assert app.session_state["set"] == []


def test_a_walk_through_all_parts_in_any_order():
    """What one part leaves in the session must not trip another: each key belongs to one widget."""
    app = open_page()
    for name in (*PARTS, *reversed(PARTS), "filters", "equivariance", "pooling", "equivariance", "learn"):
        moved(app, f"feature_maps/{name}.py")
