"""Animations read back: each frame marks the next position, and shows what the layer returned there."""

import csv
import io
import re
import sys
import xml.etree.ElementTree as ET
import zipfile
from functools import cache
from math import prod
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from models import lab
from models.layers import KINDS
from models.share import Scene
from models.spec import LayerSpec, SpecError
from tests.browser.stage_harness import scene
from tests.models.draw import settings_of
from viz.export import animations
from viz.export.__main__ import scene_of, taken_of
from viz.export.engine import MADE, ExportError, Look, Picture
from viz.export.formats import FORMATS
from viz.export.taken import Taken, beside
from viz.scenes.four_views import four_views, zeros_alone
from viz.scenes.layer import scene as draw_scene

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = {"width": 480, "equation": False, "legend": False}


@cache
def measured(spec: LayerSpec) -> lab.Lab:
    return lab.of(Scene(spec))


def page(spec: LayerSpec) -> Taken:
    return Taken(drawing=draw_scene(measured(spec)), title="A layer")


def boxes(layer: ET.Element) -> np.ndarray:
    """Centre and side of each cell of a grid, in px."""
    dx, dy = map(float, re.findall(r"[-\d.]+", layer.get("transform")))
    found = [[float(r.get(name)) for name in ("x", "y", "width")] for r in layer.iter(f"{SVG}rect")]
    return np.array([[x + dx + side / 2, y + dy + side / 2, side] for x, y, side in found])


def layer(svg: str, name: str) -> ET.Element:
    return next(g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") == name)


def marked(image: Image.Image, cells: np.ndarray, colour: np.ndarray) -> int:
    """The cell around which most pixels are like this colour."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    score = []
    for x, y, side in cells:
        half = side / 2 + 1
        part = pixels[max(0, round(y - half)) : round(y + half) + 1, max(0, round(x - half)) : round(x + half) + 1]
        score.append((np.abs(part - colour).sum(-1) < 60).mean())
    return int(np.argmax(score))


def numbers(svg: str, name: str) -> list[float]:
    return [float("".join(t.itertext()).replace("−", "-")) for t in layer(svg, name).iter(f"{SVG}text")]


def images(name: str, data: bytes) -> list[Image.Image]:
    """Each frame of a file, one for each step."""
    if name in ("mp4", "webm"):
        with av.open(io.BytesIO(data)) as file:
            every = [frame.to_image() for frame in file.decode(video=0)]
        return every[:: round(animations.SECONDS * animations.VIDEO_RATE)]
    if name == "frames":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [Image.open(io.BytesIO(archive.read(one))) for one in sorted(archive.namelist())]
    return [one.convert("RGB") for one in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]


PINK = {"light": [188, 96, 148], "dark": [212, 145, 186]}


@pytest.mark.parametrize("theme", PINK)
@pytest.mark.parametrize("name", ["gif", "webp", "apng", "frames", "mp4", "webm"])
def test_each_frame_marks_the_next_position_and_shows_its_number(name, theme):
    spec = LayerSpec("conv", 2, 5, kernel_size=3, padding=1, stride=2)
    y = measured(spec).y
    shown = images(name, FORMATS[name].make(page(spec), PLAIN | {"theme": theme}))
    assert len(shown) == y.size == 9
    still = Picture(page(spec).drawing, Look(theme, 480, matrix=False, equation=False, legend=False))
    still.walk("outputs", 99)
    cells, close = boxes(layer(still.svg(), "base-output")), 40 if name in ("mp4", "webm") else 8
    for step, image in enumerate(shown):
        assert marked(image, cells, np.array(PINK[theme])) == step
        still.go(step)
        svg = still.svg()
        assert numbers(svg, "base-output") == y.ravel().tolist()
        # The pixels are those of the picture whose texts were just compared.
        want = np.asarray(Image.open(io.BytesIO(still.raster(svg))).convert("RGB").crop((0, 0, *image.size))).astype(
            int
        )
        off = np.abs(np.asarray(image.convert("RGB")).astype(int) - want).max(-1)
        assert (off > close).mean() < 0.02


@pytest.mark.parametrize("shorter", ["A", "B"])
def test_of_two_layers_the_one_that_is_through_rests_on_its_last_cell(shorter):
    short, long = LayerSpec("conv", 2, 5, kernel_size=3), LayerSpec("conv", 2, 5, kernel_size=3, padding=1)
    pair = (short, long) if shorter == "A" else (long, short)
    sizes = [measured(one).y.size for one in pair]
    both = Picture(beside(*(draw_scene(measured(one)) for one in pair), 400, None), Look("light", 960))
    assert sorted(sizes) == [9, 25]
    assert both.walk("outputs", 99) == 25
    for step in range(25):
        both.go(step)
        told = ET.fromstring(both.svg())
        for name, (spec, size) in enumerate(zip(pair, sizes, strict=True)):
            equation = next(g for g in told.iter(f"{SVG}g") if g.get("class") == f"{name}-equation")
            value = measured(spec).y.ravel()[min(step, size - 1)]
            assert "".join(equation.itertext()).replace("−", "-").startswith(f"{value:g} =")


@pytest.mark.parametrize("name", ["gif", "webp", "apng", "frames", "mp4", "webm", "moving_svg"])
def test_every_file_says_what_may_be_done_with_it(name):
    spec = LayerSpec("conv", 1, 5, kernel_size=3)
    data = FORMATS[name].make(page(spec), PLAIN)
    if name in ("mp4", "webm"):
        with av.open(io.BytesIO(data)) as file:
            assert MADE in {k.lower(): v for k, v in file.metadata.items()}["comment"]
    elif name == "frames":
        assert zipfile.ZipFile(io.BytesIO(data)).comment.decode() == MADE
    else:
        assert MADE.encode() in data


GALLERY = Path(__file__).parents[2] / "assets" / "gallery"
CLASSIC = {row["title"]: row for row in csv.DictReader((GALLERY / "configs.csv").open())}
SIDES = {
    "No padding, no strides": 2,
    "Arbitrary padding, no strides": 6,
    "Half padding, no strides": 5,
    "Full padding, no strides": 7,
    "No padding, strides": 2,
    "Padding, strides": 3,
    "No padding, no strides, dilation": 3,
    "No padding, no strides, transposed": 4,
    "Full padding, no strides, transposed": 5,
    "No padding, strides, transposed": 5,
    "Padding, strides, transposed": 5,
}
"""The eleven pictures of Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), figures 2.1 to
2.7, 4.1 to 4.6 and 5.1: the side of the output of each."""


def test_the_gallery_shows_them_all():
    told = (GALLERY / "README.md").read_text()
    assert set(SIDES) < set(CLASSIC)
    for title, row in CLASSIC.items():
        assert f"![{title}]({row['file']})" in told
        image = Image.open(GALLERY / row["file"])
        side = SIDES.get(title)
        assert image.n_frames == (side * side if side else int(row["input_size"]) ** 2)
        assert image.width == 640


@pytest.mark.parametrize("title", SIDES)
def test_the_classic_pictures(title):
    """Each step of the walk marks the next cell, tells its sum, and the terms make torch's number."""
    row, side = CLASSIC[title], SIDES[title]
    asked = scene_of(row)
    y = measured(asked.spec).y
    assert y.shape == (1, side, side)
    taken = taken_of(asked, row["view"] or "layer")
    svg = FORMATS["moving_svg"].make(taken, {"width": 960}).decode()
    root = ET.fromstring(svg)
    told = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("data-steps"):
            text = "".join(group.itertext())
            if group.find(f"{SVG}g[@class='equation']") is not None:
                told |= {int(step): text for step in group.get("data-steps").split()}
    assert sorted(told) == list(range(y.size))
    assert numbers(svg, "base-output") == y.ravel().tolist()
    for step, value in enumerate(y.ravel()):
        total, terms = re.split(" [=≈] ", told[step].replace("−", "-").replace("bias ", ""))
        assert float(total) == value
        if "more" not in terms:
            assert sum(prod(map(float, re.findall(r"-?[\d.]+", term))) for term in terms.split(" + ")) == value
    # As torch makes it, without any help of ours.
    kind = {"conv": torch.nn.Conv2d, "transposed": torch.nn.ConvTranspose2d}[row["kind"]]
    sizes = {name: int(row[name]) for name in ("stride", "padding", "dilation")}
    made = kind(1, 1, int(row["kernel_size"]), bias=False, **sizes).double()
    found = measured(asked.spec)
    made.weight.data = found.module.weight.detach()
    assert made(torch.from_numpy(found.x)[None])[0].detach().numpy().tolist() == y.tolist()


def test_stamps_fill_the_output_as_the_layer_does():
    spec = LayerSpec("transposed", 2, 3, kernel_size=3, stride=2, padding=1, bias=True)
    found = measured(spec)
    drawn = Picture(page(spec).drawing, Look(width=640))
    assert drawn.walk("stamps", 99) == 9
    for step in range(9):
        at = drawn.go(step)
        assert (at["grid"], at["cell"]) == ("input", step)
        x = torch.from_numpy(found.x.copy()).reshape(1, 1, -1)
        x[..., step + 1 :] = 0
        want = found.module(x.reshape(1, 1, 3, 3)).detach().numpy().ravel()
        assert numbers(drawn.svg(), "base-output") == want.tolist()


def test_the_field_grows_layer_by_layer():
    """Each step selects a unit of the next layer, of which the last one's field is made."""
    drawing = scene("stack")
    assert len(images("gif", FORMATS["gif"].make(Taken(drawing=drawing), {"walk": "layers", "width": 480}))) == 4
    drawn = Picture(drawing, Look(width=960))
    assert drawn.walk("layers", 99) == 4
    for step in range(4):
        assert drawn.go(step)["grid"] == f"l{step + 1}"
        reads = sorted((2 * n + 1) ** 2 for n in range(1, step + 2))
        told = "".join(layer(drawn.svg(), "equation").itertext())
        assert [int(n) for n in re.findall(r"(\d+) (?:cells? )?of", told)] == reads


def test_the_view_with_inserted_zeros_and_all_four_views():
    spec = LayerSpec("transposed", 2, 3, kernel_size=3, stride=2, padding=1)
    found = measured(spec)
    svg = FORMATS["svg"].make(Taken(drawing=zeros_alone(found))).decode()
    assert numbers(svg, "base-output") == found.y.ravel().tolist()
    assert numbers(svg, "base-image").count(0) > 25
    svg = FORMATS["svg"].make(Taken(drawing=four_views(found)), {"width": 1280}).decode()
    for panel in range(4):
        assert numbers(svg, f"{panel}-base-output") == found.y.ravel().tolist()
    assert len(images("gif", FORMATS["gif"].make(Taken(drawing=four_views(found)), {"width": 960}))) == found.y.size


@pytest.mark.parametrize(
    "spec",
    [
        LayerSpec("conv", 1, 9, 2, 3, kernel_size=3, padding=1),
        LayerSpec("conv", 2, 5, 3, 2, kernel_size=3, stride=2),
        LayerSpec("conv", 3, 4, kernel_size=2, padding=1),
        LayerSpec("conv", 3, 9, 2, 2, kernel_size=3, stride=2),
        LayerSpec("max_pool", 2, 6, 2, kernel_size=2),
        LayerSpec("depthwise_separable", 2, 5, 2, 3, kernel_size=3),
        LayerSpec("upsample", 2, 3, scale_factor=2),
        LayerSpec("pixel_shuffle", 2, 2, 4, upscale_factor=2),
    ],
    ids=lambda spec: f"{spec.kind}{spec.dims}",
)
def test_lines_slices_and_channels_are_all_walked_through(spec):
    """Play's order: all cells of a channel, slice by slice, then the next channel; the selected one is in view."""
    y = measured(spec).y
    drawn = Picture(page(spec).drawing, Look(width=640, matrix=False))
    assert drawn.walk("outputs", 9999) == y.size
    for step, value in enumerate(y.ravel()):
        at = drawn.go(step)
        assert at["channel"] * y[0].size + at["cell"] == step
        assert at["value"] == pytest.approx(value)
        if step % 7 == 0:
            layers, _ = drawn.layers()
            over = dict(layers)["over-output"]
            # The ring of the selection, whatever else is marked.
            assert "#bc6094" in over


def test_each_line_of_several_channels_says_which_it_is():
    svg = FORMATS["svg"].make(page(LayerSpec("conv", 1, 7, 2, 3, kernel_size=3)), {})
    for grid, names in {
        "input": ["channel 0", "channel 1"],
        "weight": [f"in {into} → out {out}" for out in range(3) for into in range(2)],
        "output": ["channel 0", "channel 1", "channel 2"],
    }.items():
        told = [text for text in layer(svg, f"base-{grid}").iter(f"{SVG}text") if text.get("text-anchor") == "end"]
        assert ["".join(text.itertext()) for text in told] == names
        first = min(float(rect.get("x")) for rect in layer(svg, f"base-{grid}").iter(f"{SVG}rect"))
        assert all(float(text.get("x")) < first for text in told)


def test_no_position_of_a_large_grid_is_passed_over():
    drawn = Picture(page(LayerSpec("conv", 2, 60, kernel_size=1)).drawing, Look(width=640, matrix=False))
    assert drawn.walk("outputs", 9999) == 3600
    assert [drawn.go(step)["cell"] for step in (0, 1, 60, 3599)] == [0, 1, 60, 3599]


def test_what_is_too_long_is_refused_in_one_sentence():
    spec = LayerSpec("conv", 2, 28, 4, 4, kernel_size=3, padding=1)
    with pytest.raises(ExportError, match=r"^This walk has more than 600 steps: choose at most 600 of them"):
        FORMATS["gif"].make(page(spec), {})
    with pytest.raises(ExportError, match=r"choose at most \d+ of them, or a smaller width\.$"):
        FORMATS["gif"].make(page(spec), {"steps": 500, "width": 1920})
    with pytest.raises(ExportError, match=r"cannot be walked layer by layer.*Choose outputs"):
        FORMATS["gif"].make(page(LayerSpec(kernel_size=3)), {"walk": "layers"})


def test_without_what_makes_videos_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        ExportError, match=r"^Videos need the package av on the server.*take a GIF or a WebP instead\.$"
    ):
        FORMATS["mp4"].make(page(LayerSpec()), {})


def test_it_can_be_stopped():
    def stop(share, doing):
        if share > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        FORMATS["gif"].make(page(LayerSpec("conv", 2, 6, kernel_size=3)), {}, stop)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_layer_can_be_taken_along_or_says_why_not(kind, data):
    """As many frames as there are positions, in the order of the layer's own numbers."""
    try:
        spec = LayerSpec(**data.draw(settings_of(kind)))
    except (SpecError, TypeError):
        assume(False)
    found = lab.of(Scene(spec))
    assume(found.stages)
    most = 40
    options = {"width": 640, "steps": min(most, found.y.size)}
    try:
        svg = FORMATS["moving_svg"].make(Taken(drawing=draw_scene(found)), options)
    except ExportError as error:
        told = str(error)
    else:
        told = None
    if told:
        assert re.fullmatch(r"[A-Z][^\n]+\.", told)
        return
    steps = [int(s) for g in ET.fromstring(svg).iter(f"{SVG}g") for s in (g.get("data-steps") or "").split()]
    drawn = Picture(draw_scene(found), Look(width=480))
    assert drawn.walk("outputs", 10**6) == found.y.size
    assert set(steps) == (set(range(options["steps"])) if options["steps"] > 1 else set())
    last = options["steps"] - 1
    assert drawn.go(last)["value"] == pytest.approx(found.y.ravel()[last], rel=1e-6, nan_ok=True)
