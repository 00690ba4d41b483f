"""The walk on a stage as a moving picture: what Play shows, one frame for each position."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFile, PngImagePlugin

from models.text import big
from viz.export.engine import MADE, ExportError, Picture, labelled
from viz.export.formats import Progress
from viz.export.pictures import picture
from viz.export.taken import Taken

SECONDS = 0.9
"""Of a step at speed 1: those of Play."""
MOST_FRAMES, MOST_PIXELS = 600, 250_000_000
"""Frames of one file, and pixels of all its frames together."""
VIDEO_RATE = 10
"""Frames a second of a video: a step is shown in several."""
_WAYS = {
    "outputs": "through the outputs",
    "stamps": "stamp by stamp: one layer that adds up weighted numbers, and an input without padding",
    "layers": "layer by layer: several layers in a row",
}


@dataclass
class Walk:
    """A picture and the steps that are shown: ``count`` of them, each for so many ``seconds``."""

    picture: Picture
    count: int
    seconds: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px, both even, as videos want it."""
        scale = self.picture.look.scale
        return self.picture.width * scale // 2 * 2, self.picture.height * scale // 2 * 2


def walk(taken: Taken, options: Mapping[str, Any], steps: int | None = None) -> Walk:
    """Take up a way through the stage. Raises ExportError where there is none, or where it is too long."""
    drawn = picture(taken, options)
    way = options.get("walk", "outputs")
    if not drawn.ways:
        raise ExportError("Nothing on this stage can be walked through: take a picture of it.")
    if way not in drawn.ways:
        raise ExportError(f"This stage cannot be walked {_WAYS[way]}. Choose {' or '.join(drawn.ways)}.")
    asked = int(options.get("steps") or 0)
    count = drawn.walk(way, asked or MOST_FRAMES + 1)
    made = Walk(drawn, count, SECONDS / float(options.get("speed", 1)))
    w, h = made.size
    most = min(MOST_FRAMES, MOST_PIXELS // (w * h))
    if count > most:
        told = f"more than {big(MOST_FRAMES)}" if count > MOST_FRAMES and not asked else big(count)
        smaller = ", or a smaller width" if most < MOST_FRAMES else ""
        raise ExportError(f"This walk has {told} steps: choose at most {big(most)} of them{smaller}.")
    return made


class Painter:
    """Steps of a walk as images: RGB, or RGBA where there is no ground. What stays is painted once."""

    def __init__(self, made: Walk, ground: bool | None = None) -> None:
        self.made, drawn = made, made.picture
        self.ground = drawn.look.theme != "transparent" if ground is None else ground
        self._back: Image.Image | None = None
        self._moving: set[str] = set()

    def image(self, step: int) -> Image.Image:
        """The picture at a step, in any order."""
        drawn = self.made.picture
        drawn.go(step)
        layers, moved = drawn.layers()
        if self._back is None:
            moved = {name for name, _ in layers if "over-" in name or name.endswith("equation")}
        if self._back is None or moved - self._moving:
            self._moving |= moved
            self._back = self._painted([one for one in layers if one[0] not in self._moving], self.ground)
        front = self._painted([one for one in layers if one[0] in self._moving], False)
        whole = Image.alpha_composite(self._back, front).crop((0, 0, *self.made.size))
        return whole.convert("RGB") if self.ground else whole

    def _painted(self, layers: list[tuple[str, str]], ground: bool) -> Image.Image:
        drawn = self.made.picture
        return Image.open(io.BytesIO(drawn.raster(drawn.document(layers, ground, faces=False)))).convert("RGBA")


def frames(made: Walk, progress: Progress, ground: bool | None = None) -> Iterator[Image.Image]:
    """Each step, one after the other."""
    painter = Painter(made, ground)
    for step in range(made.count):
        progress(step / made.count, f"Step {step + 1} of {made.count}")
        yield painter.image(step)


# -- GIF ---------------------------------------------------------------------------------------------------------------

COLOURS = 255
"""Of a GIF; one more stands for what has not changed."""


def _palette(way: list[Image.Image]) -> Image.Image:
    """Colours for all frames, from a few of them: those of areas as they are, the rest near enough."""
    flat = np.concatenate([np.asarray(one).reshape(-1, 3) for one in way])
    codes, counts = np.unique(flat.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32), return_counts=True)
    order = np.argsort(-counts)
    common = codes[order][: COLOURS if len(codes) <= COLOURS else 190]
    colours = np.stack([common >> 16, common >> 8 & 255, common & 255], 1).astype(np.uint8)
    if len(codes) > COLOURS:
        rest = codes[order][190:]
        strip = np.stack([rest >> 16, rest >> 8 & 255, rest & 255], 1).astype(np.uint8)[None]
        found = Image.fromarray(strip).quantize(COLOURS - 190, Image.Quantize.MEDIANCUT).getpalette()
        colours = np.concatenate([colours, np.array(found, np.uint8).reshape(-1, 3)[: COLOURS - 190]])
    colours = np.concatenate([colours, np.repeat(colours[:1], 256 - len(colours), 0)])
    image = Image.new("P", (1, 1))
    image.putpalette(colours.tobytes())
    return image


def gif(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As GIF: one palette for all frames, and of each frame what has changed."""
    made = walk(taken, options)
    painter = Painter(made, ground=True)
    known = {step: painter.image(step) for step in sorted({round(at * (made.count - 1) / 3) for at in range(4)})}
    palette = _palette(list(known.values()))
    w, h = made.size
    out = io.BytesIO()
    out.write(b"GIF89a" + struct.pack("<HHBBB", w, h, 0xF7, 0, 0) + bytes(palette.getpalette()))
    out.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00" + b"\x21\xfe" + bytes([len(MADE)]) + MADE.encode() + b"\0")
    before = None
    for step in range(made.count):
        progress(step / made.count, f"Step {step + 1} of {made.count}")
        image = known.pop(step, None) or painter.image(step)
        now = np.asarray(image.quantize(palette=palette, dither=Image.Dither.NONE))
        _part(out, now, before, round(made.seconds * 100))
        before = now
    out.write(b";")
    return out.getvalue()


def _part(out: io.BytesIO, now: np.ndarray, before: np.ndarray | None, hundredths: int) -> None:
    """One frame: the part of it that differs from what was there, the rest of that part let through."""
    top, left, part = 0, 0, now
    if before is not None:
        differs = now != before
        rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0))
        if not len(rows):
            rows = columns = np.array([0])
        top, left = int(rows[0]), int(columns[0])
        spot = np.s_[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
        part = np.where(differs[spot], now[spot], COLOURS).astype(np.uint8)
    high, wide = part.shape
    clear = before is not None
    out.write(b"\x21\xf9\x04" + struct.pack("<BHBB", 4 | clear, hundredths, COLOURS, 0))
    out.write(b"\x2c" + struct.pack("<HHHHB", left, top, wide, high, 0) + b"\x08")
    image = Image.fromarray(np.ascontiguousarray(part), "L")
    image.encoderconfig = (8, False)
    ImageFile._save(image, out, [ImageFile._Tile("gif", (0, 0, wide, high), 0, "L")])
    out.write(b"\0")


# -- others ------------------------------------------------------------------------------------------------------------


def webp(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As an animated WebP, without loss."""
    made = walk(taken, options)
    first, *rest = _all(made, progress)
    out, said = io.BytesIO(), Image.Exif()
    said[0x010E] = MADE
    first.save(
        out, "WEBP", save_all=True, append_images=rest, duration=round(made.seconds * 1000), loop=0, lossless=True,
        quality=30, method=2, exif=said,
    )  # fmt: skip
    return out.getvalue()


def apng(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As an animated PNG."""
    made = walk(taken, options)
    first, *rest = _all(made, progress)
    out, said = io.BytesIO(), PngImagePlugin.PngInfo()
    said.add_text("Comment", MADE)
    first.save(out, "PNG", save_all=True, append_images=rest, duration=round(made.seconds * 1000), loop=0, pnginfo=said)
    return out.getvalue()


def _all(made: Walk, progress: Progress) -> list[Image.Image]:
    return list(frames(made, progress))


def pngs(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """Each frame as PNG, in a ZIP."""
    made, out = walk(taken, options), io.BytesIO()
    digits = len(str(made.count))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = MADE.encode()
        for number, image in enumerate(frames(made, progress), 1):
            one = io.BytesIO()
            image.save(one, "PNG")
            archive.writestr(f"{number:0{digits}}.png", labelled(one.getvalue()))
    return out.getvalue()


def mp4(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As MP4 with H.264, which slide programs play."""
    return _video(taken, options, progress, "mp4", "libx264", {"crf": "16", "preset": "fast", "tune": "animation"})


def webm(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As WebM with VP9."""
    quality = {"crf": "18", "b:v": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}
    return _video(taken, options, progress, "webm", "libvpx-vp9", quality)


def _video(
    taken: Taken, options: Mapping[str, Any], progress: Progress, container: str, codec: str, how: dict[str, str]
) -> bytes:
    try:
        import av
    except ImportError:
        raise ExportError(
            "Videos need the package av on the server, which is not installed there: take a GIF or a WebP instead."
        ) from None
    made, out = walk(taken, options), io.BytesIO()
    held = max(1, round(made.seconds * VIDEO_RATE))
    with av.open(out, "w", format=container) as file:
        file.metadata["comment"] = MADE
        file.metadata["title"] = taken.title
        stream = file.add_stream(codec, rate=VIDEO_RATE, options=how)
        stream.width, stream.height = made.size
        stream.pix_fmt = "yuv420p"
        at = 0
        for image in frames(made, progress, ground=True):
            frame = av.VideoFrame.from_image(image)
            for _ in range(held):
                frame.pts = at
                file.mux(stream.encode(frame))
                at += 1
        file.mux(stream.encode())
    return out.getvalue()


def svg(taken: Taken, options: Mapping[str, Any], progress: Progress) -> bytes:
    """As an SVG that moves by itself: each layer once for each way that it looks, shown when its time has come."""
    made = walk(taken, options)
    drawn, looks, whole = made.picture, [], made.count * made.seconds
    for step in range(made.count):
        progress(step / made.count, f"Step {step + 1} of {made.count}")
        drawn.go(step)
        layers, _ = drawn.layers()
        looks.append(layers)
    parts = []
    for number, (name, _) in enumerate(looks[0]):
        shown: dict[str, list[int]] = {}
        for step, layers in enumerate(looks):
            shown.setdefault(layers[number][1], []).append(step)
        for text, steps in shown.items():
            if not text or len(steps) == made.count:
                parts.append((name, text))
                continue
            on = set(steps)
            turns = [s for s in range(made.count) if s == 0 or (s in on) != (s - 1 in on)]
            times = ";".join(f"{s / made.count:.6g}" for s in turns)
            values = ";".join("inline" if s in on else "none" for s in turns)
            moves = (
                f'<animate attributeName="display" calcMode="discrete" dur="{whole:g}s" repeatCount="indefinite" '
                f'keyTimes="{times}" values="{values}"/>'
            )
            start = "inline" if 0 in on else "none"
            parts.append((name, f'<g display="{start}" data-steps="{" ".join(map(str, steps))}">{moves}{text}</g>'))
    return drawn.document(parts, title=taken.title).encode()
