"""The lesson on transposed convolutions without a browser: every part, links, and panels that agree on their cells."""

import base64
import json
import re
from html import unescape

import cv2
import numpy as np
import pytest
import streamlit
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from torch import nn

from models import device, lab
from models.lab import make_input
from models.learning import best_weights, bilinear_task, patches
from models.share import Scene
from models.spec import LayerSpec, SpecError
from models.transposed import forward_sizes, round_trip, toeplitz_blocks, zero_inserted
from models.transposed.code import layer_code
from models.transposed.density import density
from models.upsampling import bilinear_in, bilinear_proof, evenness, exact_transposed, interior_unevenness, pair
from pages._lessons import LESSONS, TRANSPOSED
from pages._question import Question
from pages.transposed import checkerboard, compare, learn, matrix, sizes, views
from pages.transposed._kept import compared
from pages.transposed._shared import playground_query
from tests.pages.support import AXES_ALONE, charts, moved, opened, plain, points, read, sound
from viz.components.stage import share
from viz.controls.picture import PICTURES
from viz.export import sharing
from viz.figures.upsampling import blocks
from viz.scenes.four_views import four_views, matrices

PARTS = [lesson.file.split("/")[1].removesuffix(".py") for lesson in LESSONS if lesson.section == TRANSPOSED]
WORKED = [[2, 9, 6, 1], [6, 29, 30, 7], [10, 29, 33, 13], [12, 24, 16, 4]]


def open_page(part: str = "views", **query: str) -> AppTest:
    return opened(file_of(part), **query)


def file_of(part: str) -> str:
    return f"transposed/{part}.py"


def panels(app: AppTest) -> dict[str, dict]:
    for component in app.get("bidi_component"):
        data = json.loads(component.proto.json or "{}")
        if "panels" in data:
            return {panel["id"]: panel for panel in data["panels"]}
    return {}


def shown(app: AppTest) -> str:
    """The HTML of all figures."""
    return plain(" ".join(c.proto.json for c in app.get("bidi_component") if '"html"' in c.proto.json))


def decoded(array) -> np.ndarray:
    if isinstance(array, list):
        return np.array(array, dtype=float)
    return np.frombuffer(base64.b64decode(array["b"]), dtype="<" + array["d"]).astype(float)


def ids_of(grid: dict) -> np.ndarray:
    """Which of the numbers that are sent each drawn cell shows, −1 for a zero; channels first."""
    if "ids" not in grid:
        return np.arange(np.prod(grid["shape"]))
    planes, cells = (decoded(grid["ids"][name]).astype(int) for name in ("planes", "cells"))
    return np.where(cells < 0, -1, planes[:, None] * grid["ids"]["of"] + cells).reshape(-1)


def values_of(grid: dict) -> np.ndarray:
    """What its cells show."""
    ids, sent = ids_of(grid), decoded(grid["values"])
    return np.where(ids < 0, 0, sent[ids])


def rows_of(link: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position, source and tap of each entry of a link, as the browser makes them."""
    if "base" in link:
        base, offset = decoded(link["base"]).astype(int), decoded(link["offset"]).astype(int)
        src, tap = (base[:, None] + offset).reshape(-1), np.tile(np.arange(len(offset)), len(base))
        return np.repeat(np.arange(len(base)), len(offset)), src, tap
    if "axes" in link:
        position, src, tap = (np.zeros(1, int),) * 3
        for axis in link["axes"]:
            rows, (taps, cells) = len(decoded(axis["ptr"])) - 1, axis["of"]
            sides = zip((position, src, tap), rows_of(axis), (rows, cells, taps), strict=True)
            position, src, tap = ((before[:, None] * n + one).reshape(-1) for before, one, n in sides)
        return position, src, tap
    ptr = decoded(link["ptr"]).astype(int)
    position = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    return position, decoded(link["src"]).astype(int), decoded(link["tap"]).astype(int)


def grid(panel: dict, name: str) -> dict:
    return next(g for g in panel["grids"] if g.get("shares", g["id"]) == name)


def test_the_worked_example_opens_the_lesson_and_all_views_agree():
    seen = panels(sound(open_page()))
    assert list(seen) == ["stamp", "zero_insertion", "matrix", "gradient"]
    for panel in seen.values():
        assert panel["mark"] is True
        assert np.array_equal(decoded(grid(panel, "output")["values"]).reshape(4, 4), WORKED)
    assert decoded(grid(seen["stamp"], "input")["values"]).tolist() == [2, 1, 4, 4]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_from_its_link(part):
    app = sound(open_page(part=part))
    assert app.warning.values == []
    assert panels(app) or shown(app)


@pytest.mark.parametrize("part", ["views", "matrix", "sizes"])
@pytest.mark.parametrize(
    "query",
    [
        {"ct_dims": "1", "ct_input_size": "5", "ct_stride": "2", "ct_output_padding": "1"},
        {"ct_dims": "3", "ct_kernel_size": "2", "ct_stride": "2"},
        {"ct_in_channels": "4", "ct_out_channels": "2", "ct_groups": "2", "ct_dilation": "2", "ct_padding": "1"},
        {"ct_input_size_h": "3", "ct_input_size_w": "5", "ct_kernel_size_h": "2", "ct_kernel_size_w": "4"},
        {"ct_input": "Random", "ct_weights": "Random", "ct_seed": "3", "ct_input_size": "8", "ct_stride": "2"},
    ],
)
def test_any_layer_opens_from_its_link(query, part):
    app = sound(open_page(part=part, **query))
    assert app.warning.values == []
    spec = app.session_state["_book"].kept["ct_layer"][0]
    for name, value in query.items():
        now = getattr(spec, name.removeprefix("ct_").removesuffix("_h").removesuffix("_w"), None)
        if name.endswith("_h"):
            assert now[0] == int(value)
        elif value.isdigit() and now is not None:
            assert (now[-1] if isinstance(now, tuple) else now) == int(value)
    assert all(panel["mark"] is True for panel in panels(app).values())


def test_what_was_chosen_in_one_part_is_there_after_a_look_at_another():
    app = sound(open_page(part="checkerboard", cb_kernel="5"))
    app.slider(key="cb_stride").set_value(3).run()
    for part in ("sizes", "checkerboard"):
        moved(app, file_of(part))
    seen = sound(app)
    assert (seen.slider(key="cb_kernel").value, seen.slider(key="cb_stride").value) == (5, 3)


def test_a_bad_link_is_told_and_shows_the_nearest_layer():
    app = sound(open_page(ct_stride="0", ct_kernel_size="abc", nonsense="1", ct_output_padding="9"))
    told = " ".join(app.warning.values)
    for word in ("stride", "abc", "nonsense", "output_padding"):
        assert word in told
    assert not {"ct_kernel_size", "nonsense"} & set(app.query_params)
    assert all(panel["mark"] is True for panel in panels(app).values())


def test_each_lesson_tells_of_its_own_settings_and_knows_no_others():
    query = {"ct_stride": "0", "ct_kernel_size": "4", "ct_seed": "x", "cb_stride": "-1", "ndim": "3"}
    told = sorted(sound(open_page(part="checkerboard", **query)).warning.values)
    assert told[0].startswith("cb_stride: ")
    assert [each.replace("\\", "").split("”")[0][1:] for each in told[1:]] == [
        "ct_kernel_size",
        "ct_seed",
        "ct_stride",
        "ndim",
    ]
    app = open_page(part="matrix", **query)
    told = sorted(each.replace("\\", "") for each in sound(app).warning.values)
    assert [each.partition(" ")[0] for each in told] == ["ct_seed:", "stride:", "“cb_stride”", "“ndim”"]
    assert told[-1].endswith("Perhaps you mean “dims”.")
    assert app.number_input(key="ct_kernel_size").value == 4
    assert moved(app, file_of("learn")).warning.values == []
    assert moved(app, file_of("sizes")).number_input(key="ct_kernel_size").value == 4


def test_a_slice_that_an_image_does_not_have_is_told_and_leaves_the_link():
    layer = {"ct_dims": "3", "ct_kernel_size": "2", "ct_in_channels": "2"}
    app = sound(open_page(part="matrix", **layer, ct_back="true", trip_image_d="7", trip_small_d="0", trip_small_c="2"))
    assert sorted(app.warning.values) == [
        "trip_image_d: this image has depths 0 to 2; “7” is left out.",
        "trip_small_c: this image has channels 0 to 1; “2” is left out.",
    ]
    assert not {"trip_image_d", "trip_small_c"} & set(app.query_params)
    assert (app.slider(key="trip_image_d").value, app.slider(key="trip_small_d").value) == (1, 0)


@pytest.mark.parametrize(
    ("cell", "pinned"),
    [
        ("weight.1.2.0", {"grid": "weight", "channel": 1, "cell": 6, "pinned": True}),
        ("output.0.4.1", {"grid": "output", "channel": 0, "cell": 21, "pinned": True}),
        *((bad, None) for bad in ("output.0.5.1", "output.0.1", "input.-1.0.0", "bias.0", "output.0.1.x", "²")),
    ],
)
def test_the_link_pins_a_cell_of_the_four_views_or_says_why_not(cell, pinned):
    app = sound(open_page(cell=cell, ct_input_size="3", ct_in_channels="2"))
    middle = {"grid": "output", "channel": 0, "cell": 12, "pinned": False}
    assert panels(app)["stamp"]["selected"] == (pinned or middle)
    assert [f"“{cell}” is no cell of this layer" in told for told in app.warning.values] == [True] * (not pinned)
    assert ("cell" in app.query_params) == bool(pinned)
    moved(app, file_of("sizes"))
    assert "cell" not in app.query_params
    moved(app, file_of("views"))
    assert panels(sound(app))["stamp"]["selected"] == (pinned or middle)
    assert ("cell" in app.query_params) == bool(pinned)


def test_an_axis_that_the_link_leaves_out_has_what_a_bare_link_means():
    app = sound(open_page(ct_dims="3", ct_per_axis="true", ct_input_size_w="1", ct_kernel_size_d="2"))
    spec = app.session_state["_book"].kept["ct_layer"][0]
    assert (spec.input_size, spec.kernel_size) == ((2, 2, 1), (2, 3, 3))
    assert "ct_input_size_d" not in app.query_params


def test_plain_names_are_read_and_the_pages_own_names_win():
    app = sound(open_page(input_size="3", stride="3", ct_stride="2", kernel_size_h="2"))
    assert app.warning.values == []
    spec = app.session_state["_book"].kept["ct_layer"][0]
    assert (spec.input_size, spec.stride, spec.kernel_size) == ((3, 3), (2, 2), (2, 3))


@pytest.mark.parametrize(
    "spec",
    [
        LayerSpec("transposed", 1, 4, kernel_size=3),
        LayerSpec("transposed", 2, (3, 5), 2, 4, kernel_size=(3, 2), stride=2, groups=2, bias=True),
        LayerSpec("transposed", 3, 2, kernel_size=2, stride=2, output_padding=1),
    ],
)
def test_a_link_from_the_playground_opens_the_same_layer_and_leads_back(spec):
    app = sound(open_page(**spec.to_query(), input="Random", seed="7"))
    assert app.warning.values == []
    assert app.session_state["_book"].kept["ct_layer"][0] == spec
    assert playground_query(Scene(spec, "random", seed=7)) == spec.to_query() | {"input": "Random", "seed": "7"}


def test_presented_the_link_to_the_playground_says_so():
    """Else the way back led to an entry that ends the presentation."""
    [link] = [one.proto for one in open_page(present="1").get("page_link") if one.proto.page == "playground"]
    assert "present=1" in link.query_string


def test_a_link_with_another_kind_is_told():
    told = sound(open_page(kind="conv", input_size="3")).warning.values
    assert len(told) == 1
    assert "transposed convolutions alone" in told[0]


@pytest.mark.parametrize(
    ("part", "query"),
    [
        ("views", {"ct_dims": "9"}),
        ("views", {"ct_bias": "maybe"}),
        ("checkerboard", {"cb_kernel": "99"}),
        ("compare", {"picture": "Nobody"}),
        ("learn", {"wl_lr": "5"}),
    ],
)
def test_a_value_that_a_part_does_not_take_is_told(part, query):
    app = sound(open_page(part=part, **query))
    (told,) = app.warning.values
    ((name, value),) = query.items()
    assert value in told
    assert name.removeprefix("ct_") in told


@pytest.mark.parametrize(
    "setting",
    [
        *checkerboard.SETTINGS,
        *compare.SETTINGS,
        *learn.SETTINGS,
        matrix.ENTRIES,
        matrix.COLOUR,
        matrix.FLAT,
        *matrix.places(LayerSpec("transposed", 3, 4)).values(),
    ],
    ids=lambda setting: setting.name,
)
def test_every_default_can_be_read_from_a_link(setting):
    assert setting.read(setting.spell(setting.default)) == setting.default


def test_a_picture_too_small_to_learn_from_is_told_and_the_layer_stays():
    app = sound(open_page(part="learn", task="The picture", picture="Your own"))
    small = cv2.imencode(".png", np.zeros((10, 300, 3), np.uint8))[1].tobytes()
    app.file_uploader[0].upload("small.png", small, "image/png").run()
    next(b for b in app.button if b.label == "Train").click().run()
    assert not app.exception
    assert "too small" in app.error[0].value
    app.button(key="open_code").click().run()
    assert not app.exception
    assert len(app.code) == 0
    assert any("too small" in info for info in app.info.values)


def test_the_cost_is_counted_at_the_input():
    query = {"ct_in_channels": "3", "ct_kernel_size": "2", "ct_stride": "2", "ct_bias": "true"}
    app = sound(open_page(part="sizes", **query))
    told = " ".join(read(app.markdown))
    assert "= 48, and adds 16 biases; torch counted 48. Counters" in told
    assert "say 192, or 208 with biases" in told


def test_large_numbers_are_written_in_one_way():
    query = {"ct_input_size": "16", "ct_in_channels": "3", "ct_out_channels": "4", "ct_stride": "3", "ct_bias": "true"}
    for part, asked in (("sizes", query), ("compare", {}), ("checkerboard", {"cb_kernel": "12", "cb_layers": "3"})):
        app = sound(open_page(part=part, **asked))
        drawn = unescape(re.sub(r"<[^>]*>", " ", " ".join(html(app))))
        told = " ".join([drawn, *read((*app.markdown, *app.caption))])
        assert re.findall(r"(?<![\d.])\d{4,}", told) == []


def test_a_layer_that_is_too_large_is_told_and_the_nearest_is_one_click_away():
    app = sound(open_page(ct_input_size="600"))
    assert any("the numbers stay, the picture is left out" in info for info in app.info.values)
    assert json.dumps("602 × 602")[1:-1] in shown(app)
    sizes = sound(open_page(part="sizes", ct_input_size="600"))
    assert json.dumps("602 × 602")[1:-1] in shown(sizes)
    assert any("makes 600 from 602" in text for text in read(sizes.markdown))
    next(b for b in app.button if "nearest" in b.label).click().run()
    assert len(panels(sound(app))) == 4


def test_a_matrix_that_is_too_large_shows_its_structure_alone():
    app = sound(open_page(part="matrix", ct_input_size="600"))
    assert "structure only" in shown(app)
    assert len(shown(app)) < 500_000
    assert panels(app) == {}


def test_own_numbers_in_the_link_are_used():
    seen = panels(sound(open_page(ct_x="1.2.2~1_0_0_0", ct_w="weight*1.1.3.3~1_2_3_4_5_6_7_8_9")))
    out = decoded(grid(seen["gradient"], "output")["values"]).reshape(4, 4)
    assert np.array_equal(out[:3, :3], np.arange(1, 10).reshape(3, 3))


def test_output_padding_is_explained_with_both_sizes():
    app = sound(open_page(part="sizes", ct_input_size="3", ct_stride="2", ct_padding="1"))
    assert any("3 from 5 and 6" in text for text in read(app.markdown))
    assert "78.2 %" in shown(app)


def test_the_checkerboard_counts_what_the_paper_counts():
    uneven = shown(sound(open_page(part="checkerboard")))
    assert "Unevenness 0.436" in uneven
    even = shown(sound(open_page(part="checkerboard", cb_kernel="4")))
    assert "Unevenness 0.000" in even
    assert "Even: every cell" in even


def test_a_picture_is_enlarged_in_eight_ways():
    app = sound(open_page(part="compare", picture="Cat", scale="2"))
    table = shown(app)
    for title in ("Nearest", "Bicubic", "Max-unpooling", "Transposed, learned", "Pixel shuffle, learned"):
        assert title in table


def test_of_an_own_picture_it_is_said_what_was_changed():
    app = sound(open_page(part="compare", picture="Your own"))
    assert any("Until yours is here" in text for text in app.caption.values)
    deep = cv2.imencode(".png", np.full((300, 1200, 3), 0x8000, np.uint16))[1].tobytes()
    app.file_uploader[0].upload("deep.png", deep, "image/png").run()
    told = "1\u202f200 × 300 pixels, reduced to 256 × 64. Of its 16 bits a channel, the upper 8 are used."
    assert told in sound(app).caption.values
    # It is flat, so some ways are exact: their script, which carries the picture, compares infinities.
    code = script(app)
    assert "assets/pictures" not in code
    ran(code)


def test_an_own_picture_goes_along_to_the_lesson_beside_it_until_it_is_removed():
    app = sound(open_page(part="compare", picture="Your own"))
    data = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8))[1].tobytes()
    app.file_uploader[0].upload("mine.png", data, "image/png").run()
    app = moved(app, file_of("learn"))
    app.selectbox(key="task").set_value("The picture").run()
    assert "90 × 60 pixels." in sound(app).caption.values
    app = moved(app, file_of("compare"))
    assert "90 × 60 pixels." in app.caption.values
    app.file_uploader[0].upload("other.png", cv2.imencode(".png", np.zeros((40, 50, 3)))[1].tobytes(), "image/png")
    app.run()
    assert "50 × 40 pixels." in sound(app).caption.values
    app.file_uploader[0].set_value(None).run()
    assert any("Until yours is here" in text for text in sound(app).caption.values)


def test_a_bad_upload_gets_one_sentence():
    app = sound(open_page(part="compare", picture="Your own"))
    app.file_uploader[0].upload("a.png", b"\x89PNG\r\n\x1a\nbroken", "image/png").run()
    assert not app.exception
    assert len(app.error) == 1
    assert "damaged" in app.error[0].value


def test_training_ends_at_the_bilinear_kernel(hurried):
    app = sound(open_page(part="learn"))
    next(b for b in app.button if b.label == "Train").click().run()
    figure = next(drawn for drawn in html(sound(app)) if "A flat image" in drawn)
    numbers = re.findall(r">(−?[\d.]+)</text>", figure.split("cs-beside")[0])
    assert len(numbers) == 16 + 16 + 24
    assert all(re.fullmatch(r"−?\d\.\d\d", number) for number in numbers)
    run = app.session_state["_book"].kept["wl_run"]
    assert run.steps[-1] == run.total == 300
    assert run.losses[-1] < 1e-9 < run.losses[0]
    line = np.array([0.25, 0.75, 0.75, 0.25])
    assert np.allclose(run.now.kernel[0, 0], np.outer(line, line), atol=1e-4)
    assert run.uneven[-1] < 1e-4 < run.uneven[0]
    # The page shows the last picture of the run, and no chart twice.
    drawn, least = charts(app), [max(loss, 1e-16) for loss in run.losses]
    assert list(drawn) == ["wl_loss", "wl_uneven"]
    assert points(drawn["wl_loss"]["data"][0]) == list(zip(run.steps, least, strict=True))
    assert points(drawn["wl_uneven"]["data"][0]) == list(zip(run.steps, run.uneven, strict=True))
    next(b for b in app.button if b.label == "Reset").click().run()
    assert app.session_state["_book"].kept["wl_run"].steps == []
    assert [one["data"] for one in charts(app).values()] == [AXES_ALONE, AXES_ALONE]
    assert "Random weights" in app.get("progress")[0].proto.text


@pytest.mark.parametrize("kernel", [(3, 3), (4, 5)])
def test_stamps_are_a_surface_and_bars_with_the_closed_form(kernel):
    how = {"cb_uneven": "true", "cb_kernel_h": f"{kernel[0]}"} if kernel[0] != kernel[1] else {}
    app = sound(open_page(part="checkerboard", ask="none", cb_kernel=f"{kernel[1]}", **how))
    drawn = charts(app)
    ones = nn.ConvTranspose2d(1, 1, kernel, 2, bias=False).requires_grad_(False)
    nn.init.ones_(ones.weight)
    counts = ones(torch.ones(1, 1, 6, 6))[0, 0].numpy()
    (surface,) = drawn["cb_surface"]["data"]
    assert np.array_equal(surface["z"], counts)
    share = np.array(surface["customdata"])
    assert np.allclose(share / share[0, 0], counts, rtol=1e-2)
    named = ["cb_profile_column"] if kernel[0] == kernel[1] else ["cb_profile_row", "cb_profile_column"]
    assert [key for key in drawn if "profile" in key] == named
    for key, axis in zip(named[::-1], (0, 1), strict=False):
        measured, closed = drawn[key]["data"]
        assert np.array_equal(measured["y"], counts.max(axis) / counts.max(axis).min())
        assert measured["y"] == closed["y"]


# -- taking it along ---------------------------------------------------------------------------------------------------


def script(app: AppTest) -> str:
    """Open the Code dialog and return what is in it."""
    app.button(key="open_code").click().run()
    return sound(app).code[0].value


def ran(code: str) -> None:
    with device.one_thread():
        exec(compile(code, "code", "exec"), {})


@pytest.fixture
def hurried(monkeypatch):
    """A training run that does not wait for anybody's eyes."""
    monkeypatch.setattr("pages._learning.PACE", 0.0)


OURS = ("checkerboard", "compare", "learn")
"""Parts whose script would repeat modules of ours."""


@pytest.mark.parametrize("part", PARTS)
def test_the_code_of_every_part_runs_and_can_fail(part):
    code = script(sound(open_page(part=part)))
    first = code.splitlines()[0]
    assert ("copy of the ConvScope project" in first) == ("from models" in code) == (part in OURS)
    assert first.startswith("# Needs ")
    assert len(code.splitlines()) < 160
    ran(code)
    if part in ("views", "matrix", "sizes"):
        assert "assert Ct.shape == (16, 4)" in code
        with pytest.raises(AssertionError):
            ran(code.replace("29", "28"))


@pytest.mark.parametrize(
    "query",
    [
        {"cb_kernel": "4", "cb_kernel_h": "5", "cb_uneven": "true", "cb_stride_h": "3", "cb_size": "1"},
        {"cb_dims": "1", "cb_kernel": "5", "cb_stride": "4", "cb_dilation": "2", "cb_layers": "2", "cb_seed": "3"},
    ],
)
def test_the_code_of_the_checkerboard_asserts_every_figure(query):
    app = sound(open_page(part="checkerboard", cb_generated="true", **query))
    drawn = " ".join(json.loads(c.proto.json).get("html", "") for c in app.get("bidi_component"))
    code = script(app)
    ran(code)
    figures = re.findall(r"unevenness (\d\.\d{3})<", drawn)
    assert len(figures) == 10
    pairs = re.findall(r'^    "[^"]+": \(([\d.]+), ([\d.]+)\),$', code, re.MULTILINE)
    assert [f"{float(one[k]):.3f}" for k in (0, 1) for one in pairs] == figures
    with pytest.raises(AssertionError):
        ran(code.replace(pairs[0][1], "0.123456"))


@pytest.mark.parametrize("query", [{"ask": "none"}, {"scale": "3", "picture": "Cat", "shuffle": "3", "ac_size": "7"}])
def test_the_code_of_the_comparison_asserts_the_whole_table(query):
    app = sound(open_page(part="compare", up_numbers="true", **query))
    table = {row[0]: row[1:5] for row in app.dataframe[0].value.itertuples(index=False)}
    code = script(app)
    ran(code)
    rows = re.findall(r'^    "([^"]+)": \(([\d.]+), (\d+), (\d+), ([\d.]+)\),$', code, re.MULTILINE)
    assert len(rows) == 8
    for title, psnr, parameters, macs, pattern in rows:
        assert table[title] == (psnr, int(parameters), int(macs), pattern)
    psnr, parameters, macs, pattern = rows[-1][1:]
    for wrong in (f"{psnr}, {parameters}, {int(macs) + 1}, {pattern}", f"{psnr}, {parameters}, {macs}, 0.5"):
        with pytest.raises(AssertionError):
            ran(code.replace(f"{psnr}, {parameters}, {macs}, {pattern}", wrong))


@pytest.mark.parametrize(
    "query",
    [
        {"wl_kernel": "3", "wl_optimizer": "momentum"},
        {"task": "The picture", "wl_scale": "3", "wl_kernel": "5", "wl_seed": "7"},
    ],
)
def test_the_code_of_a_training_run_repeats_it(query, hurried):
    app = sound(open_page(part="learn", wl_steps="50", **query))
    ran(script(app))
    next(b for b in app.button if b.label == "Train").click().run()
    code = sound(app).code[0].value
    ran(code)
    run = app.session_state["_book"].kept["wl_run"]
    assert all(repr(loss) in code for loss in run.losses)
    for shown in (repr(run.losses[-1]), repr(run.uneven[-1])):
        with pytest.raises(AssertionError):
            ran(code.replace(shown, repr(float(shown) + 0.01)))


def test_the_code_of_a_stopped_run_goes_as_far_as_it_did(hurried):
    app = sound(open_page(part="learn", wl_steps="50"))
    next(b for b in app.button if b.label == "Train").click().run()
    run = app.session_state["_book"].kept["wl_run"]
    del run.moments[-10:]
    code = script(app)
    assert f"range({run.steps[-1]} + 1)" in code
    ran(code)


def test_a_run_that_is_stopped_is_shown_as_far_as_it_got(hurried, monkeypatch):
    """A press ends a run wherever it draws or tells; here when it tells of its third step."""
    told = []
    with monkeypatch.context() as patch:
        # Two numbers of each step, itself and of how many.
        patch.setattr("pages._learning.big", lambda n: told.append(n) if len(told) < 4 else streamlit.stop())
        app = sound(open_page(part="learn", wl_steps="50"))
        next(b for b in app.button if b.label == "Train").click().run()
    run = sound(app.run()).session_state["_book"].kept["wl_run"]
    assert run.steps == [0, 2, 4]
    assert "Stopped after 4 of 50 steps" in app.get("progress")[0].proto.text


def test_the_link_holds_the_page_and_has_a_picture():
    app = sound(open_page(ct_stride="2"))
    app.button(key="open_link").click().run()
    assert "ct_stride=2" in sound(app).code[0].value
    assert any("QR code" in text and "<svg" in text for text in read(app.markdown))


def test_a_link_that_no_phone_can_open_says_so(monkeypatch):
    monkeypatch.setattr("viz.export.sharing.for_others", lambda url: None)
    app = sound(open_page(ct_stride="2"))
    app.button(key="open_link").click().run()
    assert [box.value for box in sound(app).warning] == [sharing.NO_NETWORK]


# -- panels ------------------------------------------------------------------------------------------------------------


@st.composite
def layers(draw) -> LayerSpec:
    dims = draw(st.sampled_from([1, 2]))
    groups = draw(st.sampled_from([1, 2]))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    for _ in range(50):
        try:
            return LayerSpec(
                "transposed",
                dims,
                each(1, 4),
                groups * draw(st.integers(1, 2)),
                groups * draw(st.integers(1, 2)),
                kernel_size=each(1, 4),
                stride=each(1, 3),
                padding=each(0, 2),
                output_padding=each(0, 2),
                dilation=each(1, 2),
                groups=groups,
                bias=draw(st.booleans()),
            )
        except SpecError:
            continue
    return LayerSpec("transposed", dims, 2, groups, groups, kernel_size=3, groups=groups)


def pushed(panel: dict, link: dict) -> np.ndarray:
    """What the browser would add up along one link."""
    source = grid_by_id(panel, link["from"])
    target = grid_by_id(panel, link["to"])
    x = values_of(source).reshape(source["shape"][0], -1)
    out = np.zeros((target["shape"][0], int(np.prod(target["shape"][1:]))))
    position, src, tap = rows_of(link)
    pairs = decoded(link["pairs"]).astype(int).reshape(-1, 3)
    for o, i, k in pairs:
        if link["kernel"]:
            kernel = grid_by_id(panel, link["kernel"])
            weight = values_of(kernel).reshape(kernel["shape"][0], -1)[k][tap]
        else:
            weight = decoded(link["weights"]).reshape(-1, link["taps"])[k][tap]
        np.add.at(out[o], position, weight * x[i][src])
    if link["bias"] is not None:
        out += decoded(link["bias"])[:, None]
    return out


def grid_by_id(panel: dict, name: str) -> dict:
    return next(g for g in panel["grids"] if g["id"] == name)


@settings(max_examples=40)
@given(layers())
def test_panels_agree_on_what_a_cell_is_and_add_up_to_what_torch_returns(spec):
    found = lab.of(Scene(spec))
    with torch.no_grad():
        truth = found.module(torch.from_numpy(found.x)[None])[0].numpy().reshape(spec.out_channels, -1)
    numbers = {
        "input": found.x.reshape(-1),
        "output": truth.reshape(-1),
        "weight": found.module.weight.numpy().reshape(-1),
    }
    for panel in four_views(found)["panels"]:
        assert panel["mark"]
        for each in panel["grids"]:
            values, ids = values_of(each), ids_of(each)
            held = numbers[each.get("shares", each["id"])]
            assert np.allclose(values, np.where(ids >= 0, held[np.clip(ids, 0, None)], 0))
        for link in panel["links"]:
            assert np.allclose(pushed(panel, link), truth)


@settings(max_examples=40)
@given(layers(), st.integers(1, 5))
def test_the_structure_from_the_settings_is_that_of_the_measured_matrix(spec, side):
    spec = spec.change(groups=1, in_channels=1, out_channels=1)
    found = lab.of(Scene(spec)).operator
    dense = np.zeros(found.shape, int)
    dense[found.rows, found.cols] = 1
    assert np.array_equal(density(spec, side=10**6).counts, dense)
    assert density(spec, side=side).entries == dense.sum()


@settings(max_examples=12)
@given(layers())
def test_the_code_of_any_layer_runs(spec):
    sizes = [[one.size for one in axis.sizes] for axis in forward_sizes(spec)]
    ran(layer_code(lab.of(Scene(spec)), sizes))


def test_a_change_of_the_largest_layer_that_is_drawn_sends_no_more_than_its_numbers():
    found = lab.of(Scene(LayerSpec("transposed", 3, 12, 1, 1, kernel_size=9, stride=2)))
    for data in (four_views(found), matrices(found, numbers=True, flat=False, colour="tap")):
        assert len(json.dumps(share(data))) < 1_000_000


def test_arrays_that_several_panels_hold_are_sent_once_and_none_is_lost():
    found = lab.of(Scene(LayerSpec("transposed", 2, 16, 1, 1, kernel_size=3, stride=2, padding=1)))
    whole = four_views(found)
    sent = share(whole)

    def back(node):
        if isinstance(node, dict):
            return sent["arrays"][node["ref"]] if "ref" in node else {k: back(v) for k, v in node.items()}
        return [back(each) for each in node] if isinstance(node, list) else node

    assert back(sent["panels"]) == whole["panels"]
    texts = [array["b"] for array in sent["arrays"]]
    text = json.dumps(sent)
    assert all(text.count(each) == 1 for each in texts)
    assert len(text) < 0.6 * len(json.dumps(whole))
    assert share({"grids": []}) == {"grids": []}


@settings(max_examples=20)
@given(layers(), st.booleans())
def test_both_matrices_multiply_out(spec, flat):
    found = lab.of(Scene(spec))
    back, forth = matrices(found, numbers=True, flat=flat, colour="tap")["panels"]
    assert back["mark"]
    assert forth["mark"]
    bias = 0 if found.module.bias is None else found.module.bias.numpy()[:, None]
    large = found.y.reshape(spec.out_channels, -1) - bias
    assert np.allclose(pushed(back, back["links"][0]), large)
    matrix = found.operator.matrix
    assert np.allclose(pushed(forth, forth["links"][0]).reshape(-1), matrix.T @ large.reshape(-1))


@settings(max_examples=15)
@given(layers())
def test_blocks_are_drawn_for_every_layer_and_name_each_row_of_the_kernel(spec):
    found = lab.of(Scene(spec))
    made = toeplitz_blocks(found.module, found.spec.input_shape)
    drawn = blocks(made, found.module.weight.numpy())
    assert drawn.count('class="cs-chip k') == len(made.repeats)
    op = made.operator
    down, across = (72 // n for n in (made.height, made.width))
    inside = (op.rows < down * made.height) & (op.cols < across * made.width)
    assert drawn.count("<title>") == inside.sum()


def test_a_slice_of_the_round_trip_can_be_chosen_in_3d():
    query = {"ct_dims": "3", "ct_kernel_size": "2", "ct_stride": "2", "ct_back": "true"}
    app = sound(open_page(part="matrix", **query))
    figure = lambda: next(h for h in html(app) if "An image" in h)  # noqa: E731
    before = figure()
    app.slider(key="trip_image_d").set_value(3).run()
    assert figure() != before
    linked = sound(open_page(part="matrix", **query, trip_image_d="3"))
    assert figure() in html(linked)
    app.number_input(key="ct_kernel_size").set_value(1).run()
    assert sound(app).slider(key="trip_image_d").value <= 2


def html(app: AppTest) -> list[str]:
    return [json.loads(c.proto.json)["html"] for c in app.get("bidi_component") if '"html"' in c.proto.json]


# -- questions ---------------------------------------------------------------------------------------------------------


def asked(asking) -> dict[str, Question]:
    return {question.name: question for question in asking.questions}


def layer_of(question: Question) -> LayerSpec:
    """The layer that a question is about."""
    settings = {name.removeprefix("ct_"): int(text) for name, text in question.about.items()}
    return LayerSpec("transposed", **{"input_size": 2, "kernel_size": 3, "bias": False} | settings)


def of_largest(values: np.ndarray) -> str:
    return f"{values.max():.0f}"


def test_the_answers_about_stamps_are_what_torch_returns():
    about = asked(views.ASKING)
    found = lab.of(Scene(layer_of(about["stamp"])))
    assert about["stamp"].answer == f"{found.y[0, 0, 0]:.0f}"
    ones = nn.functional.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3))[0, 0].numpy()
    assert about["overlap"].answer == of_largest(ones)
    assert "29 = 4·1 + 4·4 + 1·1 + 2·4" in about["overlap"].explanation
    assert 29 == found.y[0, 1, 1] == 4 * 1 + 4 * 4 + 1 * 1 + 2 * 4
    cut = lab.of(Scene(layer_of(about["padding"]))).y.shape[1:]
    assert about["padding"].answer == "×".join(map(str, cut))
    source = zero_inserted(found.module, torch.from_numpy(found.x)[None]).source.reshape(6, 6)
    assert about["zeros"].answer == f"{(source[1:4, 1:4] < 0).sum()}"


def test_the_answers_about_the_matrix_are_what_was_measured():
    about = asked(matrix.ASKING)
    found = lab.of(Scene(layer_of(about["shape"])))
    assert about["shape"].answer == "×".join(map(str, found.operator.shape))
    assert about["entries"].answer == f"{np.count_nonzero(found.operator.matrix)}"
    image = make_input(LayerSpec("conv", 2, 4, 1, 1, kernel_size=1), "example")
    trip = round_trip(found.module, torch.from_numpy(image))
    assert (trip.back.shape, trip.lost) == (trip.image.shape, 12)
    assert abs(trip.back.sum() - trip.image.sum()) > 1
    assert not np.allclose(trip.back, trip.image)
    assert about["inverse"].answer == "Only its shape"


def test_the_answers_about_sizes_are_what_torch_returns():
    about = asked(sizes.ASKING)
    shape = {name: "×".join(map(str, lab.of(Scene(layer_of(one))).y.shape[1:])) for name, one in about.items()}
    assert (about["size"].answer, about["double"].answer) == (shape["size"], shape["double"])
    leads = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    met = [n for n in range(1, 12) if leads(torch.zeros(1, 1, n, n)).shape[-1] == 3]
    assert met == [5, 6]
    assert about["meet"].answer == "6×6"
    assert (shape["meet"], shape["output_padding"]) == ("5×5", "6×6")
    grown = lab.of(Scene(layer_of(about["output_padding"]))).y
    assert np.allclose(grown[:, :5, :5], lab.of(Scene(layer_of(about["meet"]))).y)
    macs = {name: lab.of(Scene(layer_of(about[name]))).check("macs").measured for name in ("flops", "zeros")}
    assert about["flops"].answer == f"{2 * macs['flops']}"
    assert about["zeros"].answer == f"{macs['zeros']}"
    assert shape["zeros"] == "7×7"
    assert 7 * 7 * 9 == 441 == macs["zeros"] + 216


def test_the_answers_about_overlap_are_what_the_counts_say():
    about = asked(checkerboard.ASKING)
    counts = nn.functional.conv_transpose2d(torch.ones(1, 1, 6, 6), torch.ones(1, 1, 3, 3), stride=2)
    assert about["most"].answer == of_largest(counts.numpy())
    for name, stride, dilation, even in (("divisible", 2, 1, {2, 4}), ("stride", 1, 1, {*range(1, 9)}),
                                         ("dilation", 4, 2, set())):  # fmt: skip
        kernels = range(1, 9 if stride != 2 else 6)
        assert {n for n in kernels if interior_unevenness((n,), (stride,), (dilation,)).value == 0} == even
        assert about[name].answer == {2: "2 and 4", 1: "all", 4: "none"}[stride]
    pixels = torch.ones(1, 1, 13, 13, requires_grad=True)
    nn.functional.conv2d(pixels, torch.ones(1, 1, 3, 3), stride=2).sum().backward()
    inside = sorted({int(n) for n in pixels.grad[0, 0, 2:-2, 2:-2].flatten()})
    assert about["gradient"].answer == "{}, {} or {}".format(*inside)


def test_the_answers_about_ways_to_enlarge_are_what_was_measured():
    about = asked(compare.ASKING)
    picture = cv2.cvtColor(cv2.imread(str(PICTURES / "astronaut.png")), cv2.COLOR_BGR2RGB)
    rows = {row["title"]: row for row in compared(picture, 2)}
    free, closest = about["free"], about["closest"]
    assert [title for title in free.options if rows[title]["macs"] == 0] == [free.answer]
    assert rows["Max-unpooling"]["macs"] == 0
    assert max(closest.options, key=lambda title: rows[title]["psnr"]) == closest.answer
    assert bilinear_proof(torch.rand(12, 12, dtype=torch.float64).numpy(), 2).largest < 1e-9
    assert about["bilinear"].answer == "Yes, with the right kernel"
    channels = torch.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 3, 3)
    assert about["shuffle"].answer == f"{nn.PixelShuffle(2)(channels)[0, 0, 1, 0]:.0f}"


def test_the_answers_about_learning_are_where_training_ends():
    about = asked(learn.ASKING)
    for name, scale, kernel in (("tent", 2, 4), ("part", 2, 3), ("wide", 3, 5)):
        layer = exact_transposed(scale, 1, kernel)
        least = [best_weights(layer, *bilinear_task(scale, seed=seed), margin=scale) for seed in (0, 1)]
        fits = np.allclose(layer.weight[0, 0].detach(), bilinear_in(scale, kernel)[0], atol=1e-6)
        assert (max(least) < 1e-12) == fits == (about[name].answer in ("A tent", "To 0"))
    picture = cv2.cvtColor(cv2.imread(str(PICTURES / "astronaut.png")), cv2.COLOR_BGR2RGB)
    layer = exact_transposed(2, 1, 4)
    best_weights(layer, *patches(*pair(picture, 2), count=24, seed=0), margin=2)
    assert evenness(layer, (1, 1, 12, 12)).output.flat_figure < 0.05
    assert about["picture"].answer == "Hardly any pattern"
