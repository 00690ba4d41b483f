"""What is taken away holds what the layer returned: read back from the files."""

import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image, ImageFont

from models import lab
from models.share import Scene
from models.spec import LayerSpec
from viz.export import pictures
from viz.export.engine import _FONTS, MADE, ExportError
from viz.export.formats import FORMATS
from viz.export.taken import Taken
from viz.scenes.layer import scene as draw_scene

SVG = "{http://www.w3.org/2000/svg}"


def taken(**settings) -> tuple[Taken, np.ndarray]:
    """A layer with small numbers as a page has it, and what it returned, (C, *spatial)."""
    kind = settings.pop("kind", "conv")
    measured = lab.of(Scene(LayerSpec(kind, settings.pop("dims", 2), **settings)))
    return Taken(drawing=draw_scene(measured)), measured.y


def as_text(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def texts(svg: bytes, layer: str) -> list[str]:
    """What stands in one layer of a picture."""
    root = ET.fromstring(svg)
    return [
        "".join(t.itertext()) for g in root.iter(f"{SVG}g") if g.get("class") == layer for t in g.iter(f"{SVG}text")
    ]


def test_the_numbers_of_a_picture_are_those_of_the_layer():
    page, y = taken(input_size=5, kernel_size=3, padding=1, stride=2)
    svg = FORMATS["svg"].make(page)
    assert texts(svg, "base-output") == [as_text(v) for v in y.ravel()]
    x = np.pad(lab.of(Scene(LayerSpec("conv", 2, 5, kernel_size=3, padding=1, stride=2))).x[0], 1)
    assert texts(svg, "base-input") == [as_text(v) for v in x.ravel()]
    assert "".join(texts(svg, "equation")).startswith(as_text(y.ravel()[0]) + " =")
    assert MADE in svg.decode()


def test_any_position_can_be_marked():
    page, y = taken(input_size=5, kernel_size=3)
    for position, value in enumerate(y.ravel(), 1):
        svg = FORMATS["svg"].make(page, {"position": position})
        assert "".join(texts(svg, "equation")).startswith(as_text(value) + " =")
    with pytest.raises(ExportError, match="has 9 positions: choose one of these"):
        FORMATS["svg"].make(page, {"position": 10})


def test_parts_can_be_left_out():
    page, _ = taken(input_size=5, kernel_size=3)
    whole = FORMATS["svg"].make(page, {"theme": "dark"})
    bare = FORMATS["svg"].make(page, {"matrix": False, "equation": False, "legend": False, "theme": "transparent"})
    for layer in ("base-operator", "equation", "legend"):
        assert f'class="{layer}"' in whole.decode()
        assert f'class="{layer}"' not in bare.decode()
    assert "#11151c" in whole.decode()
    assert "#fdfdfb" not in bare.decode()


@pytest.mark.parametrize("scale", [1, 4])
def test_a_png_is_as_large_as_asked_for_and_says_what_it_is(scale):
    page, _ = taken(input_size=5, kernel_size=3)
    image = Image.open(io.BytesIO(FORMATS["png"].make(page, {"scale": scale, "width": 640, "theme": "transparent"})))
    assert image.width == 640 * scale
    assert image.info["Comment"] == MADE
    assert image.convert("RGBA").getpixel((1, 1))[3] == 0


def test_a_picture_has_a_bound(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 10**6)
    page, _ = taken(input_size=5, kernel_size=3)
    with pytest.raises(ExportError, match=r"would have [\d\s]+ pixels: choose fewer, or a smaller width\.$"):
        FORMATS["png"].make(page, {"scale": 4, "width": 1920})


def test_what_waits_for_an_answer_is_not_told():
    from viz.components.stage import veiled

    page, _ = taken(input_size=5, kernel_size=3)
    with pytest.raises(ExportError, match="answer the question first"):
        FORMATS["svg"].make(Taken(drawing=veiled(dict(page.drawing))))


def test_nothing_of_it_is_loaded_before_it_is_used():
    """The app starts without the engine, and without what encodes."""
    code = "import sys, viz.export.formats, viz.export.taken, viz.components.stage; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"quickjs", "resvg_py", "av", "cv2", "torch"} & set(loaded)


@pytest.mark.parametrize("one", FORMATS.values(), ids=FORMATS)
def test_every_format_says_what_it_takes(one):
    assert re.fullmatch(r"[a-z0-9_]+", one.name)
    for option in one.options:
        assert option.values is None or option.default in option.values
        assert json.dumps(option.default)


def test_the_frame_of_a_channel_in_the_equation_is_as_high_as_its_number():
    found = lab.of(Scene(LayerSpec(dims=1, in_channels=2, input_size=8)))
    page = Taken(drawing=draw_scene(found))
    root = ET.fromstring(FORMATS["svg"].make(page))
    line = next(g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "equation")
    frame, text = line[0], line[1]
    largest = max(float(part.get("font-size")) for part in text)
    assert float(frame.get("y")) <= float(text.get("y")) - largest + 0.01
    assert float(frame.get("y")) + float(frame.get("height")) > float(text.get("y"))


@pytest.mark.parametrize("font", _FONTS)
def test_the_operator_is_as_large_beside_the_others_as_on_the_stage(font):
    """The stage's own is of a font of the system: its ∗ is at least as large as the + of the app's font."""
    letters = ImageFont.truetype(font, 1000)
    times, plus = (letters.getmask(sign).getbbox() for sign in "∗+")
    assert times[3] - times[1] > 1.2 * (plus[3] - plus[1])
    assert times[2] - times[0] > 1.2 * (plus[2] - plus[0])
