"""The one way in for a visitor's picture: bytes from an upload or a camera become an RGB array, or one sentence.

What a file costs is read from its header, before anything is decoded; what is decoded is then reduced as early as the
format allows. Every page takes its pictures through here.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin, features

from models.errors import PictureError
from models.text import big

if TYPE_CHECKING:
    import torch

MAX_BYTES = 25_000_000
MAX_PIXELS = 24_000_000
MAX_SIDE = 1024
# A JPEG is reduced while it is decoded, so the 48 or 64 megapixels of a phone never lie in memory.
JPEG_BONUS = 3
# 16-bit grey of so many bits would be nearly black if it kept its upper byte.
MOSTLY_EMPTY = 13

AVIF = "avif" in features.modules and bool(features.check("avif"))
"""Whether this Pillow reads AVIF: from 11.3 on, where it is built with libavif."""

FORMATS = f"PNG, JPEG, WebP, {'AVIF, ' * AVIF}GIF, BMP or TIFF"
"""What is read, in words."""

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_270],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_90],
}


@dataclass(frozen=True, eq=False)
class Uploaded:
    """A picture as `read` takes it from a file.

    Attributes:
        pixels: RGB, uint8, `(H, W, 3)`.
        size: `(height, width)` in the file, upright; larger than `pixels` where the picture was reduced.
        notes: a short sentence for each thing of the file that is not in `pixels` as it was.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    notes: tuple[str, ...] = ()


def decode(data: bytes, **limits: int) -> np.ndarray:
    """The pixels that `read` finds, with the same limits and the same `PictureError`."""
    return read(data, **limits).pixels


def read(
    data: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    max_side: int = MAX_SIDE,
    min_side: int = 1,
) -> Uploaded:
    """The picture in a file as an RGB array `(H, W, 3)` of uint8, upright, its longer side at most `max_side` pixels.

    Reads PNG, JPEG, WebP, GIF, BMP and TIFF, and AVIF where Pillow does; of an animation or a stack of pages, the first
    picture. Transparency is laid on white; 16 bits keep their upper 8; 16-bit grey that fills 13 bits or fewer, as
    cameras write it, keeps the upper 8 of these; 32-bit grey and floating point are stretched from black to white.
    Notes tell which.
    The EXIF orientation is applied. A picture of more than `max_pixels` pixels (a baseline JPEG: three times as many)
    is refused by its header, before decoding; one whose shorter side ends up below `min_side` pixels after it. Raises
    `PictureError`, and nothing else.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)) or not len(data):
        raise PictureError("The file is empty; choose a picture.")
    if len(data) > max_bytes:
        raise PictureError(
            f"The file has {len(data) / 1e6:.1f} MB; at most {max_bytes / 1e6:g} MB are read: save the picture smaller."
        )
    data = bytes(data)
    kind = _kind(data)
    try:
        if kind == "WEBP":
            # Pillow's reader makes room for the whole canvas on opening.
            _check_size(_webp_size(data), max_pixels)
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            streams = kind == "JPEG" and not image.info.get("progressive")
            _check_size(image.size, max_pixels * (JPEG_BONUS if streams else 1))
            height, width = image.size[::-1]
            notes = _deep(image, kind, data)
            if kind == "JPEG":
                longest = max(image.size)
                wide, high = (-(-side * min(max_side, longest) // longest) for side in image.size)
                image.draft(None, (wide, high))
            image.load()
            upright = _upright(image)
            turned = (upright.width > upright.height) != (width > height)
            size = (width, height) if turned else (height, width)
            flat, notes = _rgb(upright, max_side, notes)
            pixels = _fit(np.asarray(flat), max_side)
            notes = (*notes, *_first_of_many(image))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        # Pillow refuses far more pixels itself before it tells the size; the count stands in its message.
        count = re.search(r"(\d+) pixels", str(error))
        many = f"{big(int(count[1]) / 1e6, 1)} million" if count else "far more"
        raise PictureError(_too_many(many, max_pixels)) from None
    except Exception:  # decoders meet damaged files with OSError, SyntaxError, struct.error, EOFError and more
        raise PictureError(
            f"This {kind} file is damaged or ends too early; open it in a picture viewer, save it again and retry."
        ) from None
    height, width = pixels.shape[:2]
    if min(height, width) < min_side:
        raise PictureError(
            f"This picture comes to {width} × {height} pixels, too few to see anything: choose one of at least "
            f"{min_side} × {min_side} that is not a mere strip."
        )
    return Uploaded(pixels, size, notes)


def _deep(image: Image.Image, kind: str, data: bytes) -> tuple[str, ...]:
    """A note on 16 bits a channel, which Pillow cuts to 8 in colour without a word."""
    deep = kind == "PNG" and data[24] == 16  # IHDR: PNG specification, section 11.2.1
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        deep = 16 in np.atleast_1d(image.tag_v2.get(258, 8))  # BitsPerSample: TIFF 6.0, section 8
    return ("Of its 16 bits a channel, the upper 8 are used.",) if deep else ()


def _first_of_many(image: Image.Image) -> tuple[str, ...]:
    # What a phone puts behind a photograph (MPO: a depth or gain map, a second lens) belongs to that one picture.
    if image.format == "MPO":
        return ()
    try:
        many = getattr(image, "is_animated", False)
    except Exception:  # what follows the first picture may be damaged
        many = False
    return ("Of its pictures, the first is used.",) if many else ()


def _kind(data: bytes) -> str:
    """Pillow's name of the format, by the first bytes; the file's name is not asked."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    if data[4:8] == b"ftyp":
        brands = {data[start : start + 4] for start in (8, *range(16, 64, 4))}
        if brands & _AVIF_BRANDS:
            if AVIF:
                return "AVIF"
            raise PictureError(f"AVIF pictures are not read here; save the picture as {FORMATS}.")
        if brands & _HEIC_BRANDS:
            raise PictureError(
                "HEIC pictures are not read here; on an iPhone choose Settings, Camera, Formats, Most Compatible, or "
                "export the picture as JPEG."
            )
    if data.lstrip()[:5].lower() in (b"<?xml", b"<svg ", b"<svg>"):
        raise PictureError(f"SVG drawings are not read here; export the drawing as {FORMATS}.")
    if data.startswith(b"%PDF"):
        raise PictureError(f"PDF files are not read here; export the page as {FORMATS}.")
    raise PictureError(f"This file is not a picture that is read here; save it as {FORMATS}.")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from a WebP header (RFC 9649, sections 2.5 to 2.7)."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureError(_too_many(f"{width}×{height} = {big(width * height / 1e6, 1)} million", max_pixels))


def _too_many(count: str, max_pixels: int) -> str:
    return f"The picture has {count} pixels; at most {max_pixels / 1e6:g} million are read: save it smaller."


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF data say. Asked after loading: TIFF is turned by Pillow while it loads."""
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF data are no reason to refuse a picture that decodes
        return image
    for step in _UPRIGHT.get(orientation, []):
        image = image.transpose(step)
    return image


def _rgb(image: Image.Image, max_side: int, notes: tuple[str, ...]) -> tuple[Image.Image, tuple[str, ...]]:
    """Eight bits, three channels, on white, and already near its final size; and the notes with what that changed."""
    shift = 8
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)
        filled = int(values.max()).bit_length()
        if 0 < filled <= MOSTLY_EMPTY:
            shift = max(0, filled - 8)
            used = "the upper 8 of these" if shift else "these"
            notes = (f"Its grey values fill {filled} of 16 bits: {used} are used.",)
        image = Image.fromarray((values >> shift).astype(np.uint8))
    elif image.mode in ("I", "F"):
        values = np.asarray(image)
        notes = ("Its grey values are stretched from black to white.",)
        image = Image.fromarray(_stretched(values))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    factor = max(image.size) // max_side
    if factor > 1:
        image = image.reduce(factor)
    if image.mode == "RGBA":
        if np.asarray(image.getchannel("A")).min() < 255:
            notes = (*notes, "Its transparency is laid on white.")
        page = Image.new("RGBA", image.size, "white")
        page.alpha_composite(image)
        image = page
    return image.convert("RGB"), notes


def _stretched(values: np.ndarray) -> np.ndarray:
    """Grey values of any range on 0 to 255; what is not a number becomes black."""
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0, 0)
    span = float(high) - float(low)
    scaled = np.where(finite, values, low).astype(np.float32)
    scaled -= np.float32(low)
    scaled *= np.float32(255 / span) if span else 0
    return np.rint(scaled, out=scaled).clip(0, 255, out=scaled).astype(np.uint8)


def _fit(array: np.ndarray, max_side: int) -> np.ndarray:
    return resize(array, max_side) if max(array.shape[:2]) > max_side else np.array(array)


def resize(img: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """A picture `(H, W, 3)` or `(H, W)` at another size: `(height, width)`, or one number for the longer side.

    Shrinks by area and grows linearly, so that no pattern appears that was not there. Raises `PictureError` for a size
    that is not made of whole numbers from 1 to 16384.
    """
    height, width = img.shape[:2]
    if isinstance(size, (int, np.integer)):
        longest = max(height, width)
        size = (max(1, round(height * size / longest)), max(1, round(width * size / longest))) if size > 0 else (0, 0)
    if len(size) != 2 or not all(isinstance(side, (int, np.integer)) and 1 <= side <= 16_384 for side in size):
        raise PictureError("A picture's size must be one or two whole numbers from 1 to 16384.")
    new_height, new_width = int(size[0]), int(size[1])
    shrinks = new_height <= height and new_width <= width
    return cv2.resize(img, (new_width, new_height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def to_tensor(img: np.ndarray, colour: bool = True) -> torch.Tensor:
    """A picture `(H, W, 3)` of uint8 as float32 from 0 to 1 of shape `(1, 3, H, W)`, or `(1, 1, H, W)` in grey.

    Grey is luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), as in OpenCV, Pillow and torchvision.
    """
    import torch  # decoding needs no torch

    values = torch.tensor(img, dtype=torch.float32).div_(255).permute(2, 0, 1)
    if not colour:
        values = (values * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(0, keepdim=True)
    return values[None].contiguous()
