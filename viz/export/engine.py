"""A stage as a picture, without a page: the stage's own modules draw it, in an engine of its own.

They write SVG; resvg makes pixels of it, with the font in this folder. Both are loaded when a picture is asked for.
"""

from __future__ import annotations

import base64
import json
import struct
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from models.errors import ExportError
from viz.export.bundle import bundle
from viz.export.licence import MADE

FAMILY = "'ConvScope Sans', 'Source Sans 3', 'Source Sans Pro', Helvetica, Arial, sans-serif"
MEMORY, SECONDS = 512 << 20, 60
"""What the engine takes at most for one picture."""

_FOLDER = Path(__file__).parent
_WEIGHTS = {400: "Regular", 500: "Medium", 600: "SemiBold", 700: "Bold"}
_FONTS = sorted(map(str, (_FOLDER / "font").glob("*.ttf")))


@dataclass(frozen=True)
class Look:
    """How a picture looks: ``theme`` is ``light``, ``dark`` or ``transparent``; ``width`` and ``height`` of the stage
    are in px, and ``scale`` times as many come out; ``matrix``, ``equation``, ``legend`` and, of two layers beside each
    other, ``numbers`` are parts that it has."""

    theme: str = "light"
    width: int = 960
    height: int = 500
    scale: int = 1
    matrix: bool = True
    equation: bool = True
    legend: bool = True
    numbers: bool = True


@cache
def colours(theme: str) -> tuple[str, str]:
    """Background and text of a theme, as #rrggbb: those of the app."""
    config = tomllib.loads((_FOLDER.parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    chosen = config["theme"] | config["theme"].get(theme, {})
    return chosen["backgroundColor"], chosen["textColor"]


def _faces(svg: str) -> str:
    """The letters of each weight that an SVG is written in, so that they fit where they stand in any reader that takes
    them."""
    used = [weight for weight in _WEIGHTS if f'font-weight="{weight}"' in svg]
    return "".join(
        f"@font-face{{font-family:'ConvScope Sans';font-weight:{weight};"
        f"src:url(data:font/woff2;base64,{_letters(_WEIGHTS[weight])})}}"
        for weight in used
    )


@cache
def _letters(style: str) -> str:
    return base64.b64encode((_FOLDER / "font" / f"{style}.woff2").read_bytes()).decode()


def _rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


@cache
def _metrics() -> str:
    return (_FOLDER / "font" / "metrics.json").read_text(encoding="utf-8")


class Picture:
    """One stage, or several panels, that can be walked through. It stays in the thread that made it.

    Args:
        drawing: the data of :func:`viz.components.stage.stage`.

    Attributes:
        width, height: of the picture, in px before it is scaled.
        ways: in which it can be walked through: some of ``outputs``, ``stamps``, ``layers``; none where nothing can.
    """

    def __init__(self, drawing: Mapping[str, Any], look: Look) -> None:
        import quickjs

        self.look = look
        self.ground, text = colours("dark" if look.theme == "dark" else "light")
        options = {
            "theme": {"bg": _rgb(self.ground), "text": _rgb(text), "font": FAMILY}, "width": look.width,
            "height": look.height, "scale": look.scale, "matrix": look.matrix, "equation": look.equation,
            "legend": look.legend, "numbers": look.numbers,
        }  # fmt: skip
        self._engine = quickjs.Context()
        self._engine.set_memory_limit(MEMORY)
        self._engine.set_time_limit(SECONDS)
        self._layers: dict[int, tuple[str, str]] = {}
        self._error = quickjs.JSException
        self._run(bundle("export/picture.js"))
        for name, value in (("data", json.dumps(drawing)), ("metrics", _metrics()), ("options", json.dumps(options))):
            self._engine.set(name, value)
        self._run("const p = new convscope.Picture(JSON.parse(data), JSON.parse(metrics), JSON.parse(options));")
        self.width, self.height, self.ways = self._ask("[p.made.width, p.made.height, p.ways()]")

    def _run(self, code: str) -> Any:
        try:
            return self._engine.eval(code)
        except (self._error, RuntimeError, MemoryError) as error:
            told = str(error)
            if "memory" in told or "interrupted" in told:
                raise ExportError("This picture is too large to be drawn: choose a smaller layer.") from None
            raise

    def _ask(self, code: str) -> Any:
        return json.loads(self._run(f"JSON.stringify({code})"))

    def walk(self, way: str, most: int) -> int:
        """Take up a way; how many steps it has, at most ``most``."""
        self._run(f"var steps = p.steps({json.dumps(way)}, {most});")
        return self._ask("steps.length")

    def go(self, step: int) -> dict[str, Any]:
        """Put a step of the way on the picture: the ``grid``, ``channel``, ``cell`` (of its drawn ones) that is marked,
        and its ``value``."""
        at = self._ask(f"p.go(steps[{step}])")
        return at | {"value": None if at["value"] is None else float(at["value"])}

    def layers(self) -> tuple[list[tuple[str, str]], set[str]]:
        """Name and SVG of each layer, from back to front; and the names of those that may differ at each step, or that
        differ from what they were when this was asked last."""
        made = self._ask("p.frame()")
        addresses = [_address(one) for one in made["pictures"]]
        self.hatch, moved = made["hatch"], set()
        for at, layer in enumerate(made["layers"]):
            if "svg" not in layer:
                continue
            svg = layer["svg"]
            for number, address in enumerate(addresses):
                svg = svg.replace(f"{{pixels:{number}}}", address)
            if self._layers.get(at) is None or self._layers[at][1] != svg:
                moved.add(layer["name"])
            self._layers[at] = layer["name"], svg
        return [self._layers[at] for at in range(len(made["layers"]))], moved

    def document(
        self, layers: list[tuple[str, str]], ground: bool | None = None, title: str = "", faces: bool = True
    ) -> str:
        """These layers as an SVG file, on the theme's ground unless it is transparent."""
        w, h = self.width, self.height
        ground = self.look.theme != "transparent" if ground is None else ground
        below = f'<rect width="{w}" height="{h}" fill="{self.ground}"/>' if ground else ""
        shown = "".join(svg for _, svg in layers)
        letters = f"<style>{_faces(shown)}</style>" if faces else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
            f'font-family="{FAMILY}"><title>{escape(title or "ConvScope")}</title><desc>{MADE}</desc>'
            f"{letters}<defs>{self.hatch}</defs>{below}{shown}</svg>"
        )

    def svg(self, title: str = "") -> str:
        """As it is now."""
        return self.document(self.layers()[0], title=title)

    def raster(self, svg: str) -> bytes:
        """An SVG of this picture as PNG."""
        import resvg_py

        return resvg_py.svg_to_bytes(
            svg_string=svg, zoom=self.look.scale, font_files=_FONTS, skip_system_fonts=True,
            font_family="ConvScope Sans", sans_serif_family="ConvScope Sans",
        )  # fmt: skip

    def png(self, title: str = "") -> bytes:
        """As it is now, as PNG."""
        return labelled(self.raster(self.document(self.layers()[0], title=title, faces=False)))


def _address(picture: Mapping[str, Any]) -> str:
    """Pixels as an address that holds a PNG."""
    w, h, rgba = picture["w"], picture["h"], picture["rgba"].encode("latin-1")
    rows = b"".join(b"\0" + rgba[at : at + 4 * w] for at in range(0, 4 * w * h, 4 * w))
    header = struct.pack(">IIBBBBB", w, h, 8, 6, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 6)), _chunk(b"IEND", b"")]
    return f"data:image/png;base64,{base64.b64encode(_PNG + b''.join(parts)).decode()}"


_PNG = b"\x89PNG\r\n\x1a\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def labelled(png: bytes) -> bytes:
    """A PNG that says what every file says."""
    text = _chunk(b"tEXt", b"Comment\0" + MADE.encode("latin-1"))
    return png[:33] + text + png[33:]


def frames(picture: Picture, count: int) -> Iterator[tuple[dict[str, Any], list[tuple[str, str]], set[str]]]:
    """Each step of the way that was taken up: what is marked, its layers, and the names of those that moved."""
    for step in range(count):
        at = picture.go(step)
        yield at, *picture.layers()
