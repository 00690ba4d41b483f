"""Files of every kind that people upload, and of every kind that attackers do."""

import io
import re
import struct
import zlib

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from models import picture
from models.picture import AVIF, FORMATS, MAX_BYTES, PictureError, decode, read, resize, to_tensor

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def corners() -> Image.Image:
    """16 wide, 8 high: red, green over blue, white."""
    image = Image.new("RGB", (16, 8))
    for colour, box in zip([RED, GREEN, BLUE, WHITE], [(0, 0), (8, 0), (0, 4), (8, 4)], strict=True):
        image.paste(colour, (*box, box[0] + 8, box[1] + 4))
    return image


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def four(array: np.ndarray) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters, rounded to what JPEG keeps."""
    height, width = array.shape[:2]
    spots = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    spots += [(3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return [tuple(255 if value > 200 else 0 if value < 55 else int(value) for value in array[spot]) for spot in spots]


EXACT = {"PNG": {}, "WEBP": {"lossless": True}, "GIF": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}}
FILES = {kind: saved(corners(), kind, **options) for kind, options in EXACT.items()}
FILES["JPEG"] = saved(corners(), "JPEG", quality=95, subsampling=0)
if AVIF:
    FILES["AVIF"] = saved(corners(), "AVIF", quality=100, subsampling="4:4:4")


def refusal(data: object, **limits) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data, **limits)
    message = caught.value.message
    assert str(caught.value) == message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 200
    return message


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_is_read(kind):
    array = decode(FILES[kind])
    assert (array.shape, array.dtype) == ((8, 16, 3), np.uint8)
    assert array.flags.writeable
    assert four(array) == [RED, GREEN, BLUE, WHITE]
    if kind in EXACT:
        assert np.array_equal(array, np.asarray(corners()))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("wrap", [bytearray, memoryview])
def test_other_kinds_of_bytes(kind, wrap):
    assert np.array_equal(decode(wrap(FILES[kind])), decode(FILES[kind]))


# EXIF 2.32, section 4.6.4: where row 0 and column 0 of the stored picture lie.
ORIENTED = {
    1: [RED, GREEN, BLUE, WHITE],
    2: [GREEN, RED, WHITE, BLUE],
    3: [WHITE, BLUE, GREEN, RED],
    4: [BLUE, WHITE, RED, GREEN],
    5: [RED, BLUE, GREEN, WHITE],
    6: [BLUE, RED, WHITE, GREEN],
    7: [WHITE, GREEN, BLUE, RED],
    8: [GREEN, WHITE, RED, BLUE],
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", ORIENTED)
def test_exif_orientation(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    array = decode(saved(corners(), kind, exif=exif, **options))
    assert array.shape == ((8, 16, 3) if orientation < 5 else (16, 8, 3))
    assert four(array) == ORIENTED[orientation]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0" + b"\xff" * 60])
def test_damaged_exif_does_not_cost_the_picture(exif):
    assert four(decode(saved(corners(), "JPEG", exif=exif, quality=95, subsampling=0))) == ORIENTED[1]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind):
    assert four(decode(saved(corners().convert("CMYK"), kind, quality=95)))[0] == RED


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_upper_byte(kind):
    values = np.array([[0, 0x00FF, 0x0100], [0x80FF, 0xFF00, 0xFFFF]], np.uint16)
    array = decode(saved(Image.fromarray(values), kind))
    assert array[:, :, 0].tolist() == [[0, 0, 1], [0x80, 0xFF, 0xFF]]
    assert np.ptp(array, axis=2).max() == 0


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("top", "said"), [(255, "fill 8 of 16 bits"), (4095, "fill 12 of 16 bits"), (65535, "16 bits a channel")]
)
def test_sixteen_bit_grey_of_fewer_bits_is_not_black_and_told(top, said, kind):
    found = read(saved(Image.fromarray(np.array([[0, top]], np.uint16)), kind))
    assert found.pixels[0, :, 0].tolist() == [0, 255]
    (note,) = found.notes
    assert said in note


def test_what_is_changed_is_told_and_nothing_else():
    deep = cv2.imencode(".png", np.full((2, 2, 4), 0x7FFF, np.uint16))[1].tobytes()
    assert [note.split()[-3:] for note in read(deep).notes] == [["8", "are", "used."], ["laid", "on", "white."]]
    frames = [Image.new("RGB", (6, 4), colour) for colour in (RED, GREEN)]
    assert read(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])).notes[0].endswith("first is used.")
    for kind in FILES:
        assert read(FILES[kind]).notes == ()
    assert read(saved(Image.new("RGBA", (2, 2), (9, 9, 9, 255)), "PNG")).notes == ()
    exif = Image.Exif()
    exif[0x0112] = 6
    tall = read(saved(corners().resize((160, 80)), "JPEG", exif=exif), max_side=20)
    assert (tall.size, tall.pixels.shape) == ((160, 80), (20, 10, 3))


def test_a_phone_s_second_picture_is_no_cause_for_alarm():
    """MPO: a photograph with its gain map, depth or second lens behind it (CIPA DC-007)."""
    photograph = corners().resize((640, 320), Image.Resampling.NEAREST)
    behind = Image.new("L", (160, 80), 99)
    data = saved(photograph, "MPO", save_all=True, append_images=[behind], quality=95, subsampling=0)
    with Image.open(io.BytesIO(data)) as both:
        assert both.n_frames == 2
    found = read(data, max_side=160)
    assert (found.notes, found.size, four(found.pixels)) == ((), (320, 640), [RED, GREEN, BLUE, WHITE])


@pytest.mark.skipif(not AVIF, reason="this Pillow reads no AVIF")
def test_avif_is_read_upright_and_bounded():
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read(saved(corners().resize((160, 80)), "AVIF", exif=exif, quality=95), max_side=20)
    assert (found.size, found.pixels.shape, found.notes) == ((160, 80), (20, 10, 3), ())
    clear = saved(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "AVIF")
    assert decode(clear).min() > 250
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN)]
    moving = read(saved(frames[0], "AVIF", save_all=True, append_images=frames[1:]))
    assert moving.notes == ("Of its pictures, the first is used.",)
    assert four(moving.pixels) == [RED] * 4
    assert "300×100 = 0.0 million" in refusal(saved(Image.new("RGB", (300, 100)), "AVIF"), max_pixels=10_000)


def test_where_pillow_reads_no_avif_the_file_is_told_apart(monkeypatch):
    monkeypatch.setattr(picture, "AVIF", False)
    assert refusal(b"\0\0\0\x1cftypavif\0\0\0\0mif1avif" + b"\0" * 40).startswith("AVIF pictures are not read here")


def test_sixteen_bit_colour():
    values = np.zeros((2, 2, 3), np.uint16)
    values[0, 0] = (0x1234, 0x8000, 0xFFFF)  # OpenCV writes BGR
    assert decode(cv2.imencode(".png", values)[1].tobytes())[0, 0].tolist() == [0xFF, 0x80, 0x12]


@pytest.mark.parametrize(
    ("values", "grey"),
    [
        (np.array([[0, 1], [2, 4]], np.float32), [[0, 64], [128, 255]]),
        (np.array([[np.nan, 1], [np.inf, 3]], np.float32), [[0, 0], [0, 255]]),
        (np.full((2, 2), np.nan, np.float32), [[0, 0], [0, 0]]),
        (np.full((2, 2), 7, np.float32), [[0, 0], [0, 0]]),
        (np.array([[-100, 0], [0, 100]], np.int32), [[0, 128], [128, 255]]),
    ],
)
def test_wide_grey_is_stretched(values, grey):
    assert decode(saved(Image.fromarray(values), "TIFF"))[:, :, 1].tolist() == grey


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_and_two_level(mode):
    image = Image.new(mode, (4, 2), 0)
    image.paste(255, (0, 0, 2, 2))
    assert decode(saved(image, "PNG"))[0].tolist() == [[255] * 3] * 2 + [[0] * 3] * 2


def test_palette():
    assert four(decode(saved(corners().quantize(8), "PNG"))) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_lies_on_white(kind):
    image = Image.new("RGBA", (4, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 255))
    image.putpixel((2, 0), (0, 0, 0, 51))
    row = decode(saved(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {})))[0].tolist()
    assert row == [[255, 255, 255], [255, 0, 0], [204, 204, 204], [255, 255, 255]]


def test_grey_with_alpha_lies_on_white():
    image = Image.new("LA", (2, 1), (0, 0))
    image.putpixel((1, 0), (0, 255))
    assert decode(saved(image, "PNG"))[0].tolist() == [[255] * 3, [0] * 3]


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_transparent_palette_entry_lies_on_white(kind):
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((1, 0), 1)
    assert decode(saved(image, kind, transparency=0))[0].tolist() == [[255, 255, 255], [255, 0, 0]]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_many_frames_the_first(kind):
    frames = [Image.new("RGB", (6, 4), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert decode(data).reshape(-1, 3).tolist() == [list(RED)] * 24


@pytest.mark.parametrize("kind", FILES)
def test_one_pixel(kind):
    assert decode(saved(Image.new("RGB", (1, 1), WHITE), kind)).tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (20_000, 9)])
def test_too_few_pixels_to_see_anything_are_refused_where_asked(size):
    with pytest.raises(PictureError, match="choose one of at least 8 × 8"):
        decode(saved(Image.new("RGB", size), "PNG"), min_side=8)
    decode(saved(Image.new("RGB", (8, 9)), "PNG"), min_side=8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("size", [(20_000, 1), (1, 20_000)])
def test_a_thread_of_pixels_is_reduced_and_keeps_one(kind, size):
    array = decode(saved(Image.new("RGB", size, RED), kind, **({"quality": 95} if kind == "JPEG" else {})))
    assert array.shape == ((1, 1024, 3) if size[1] == 1 else (1024, 1, 3))


@pytest.mark.parametrize("kind", FILES)
def test_longer_side_is_bounded(kind):
    array = decode(saved(corners().resize((640, 320), Image.Resampling.NEAREST), kind), max_side=100)
    assert array.shape == (50, 100, 3)
    assert four(array) == [RED, GREEN, BLUE, WHITE]


def test_hidden_colour_does_not_bleed_when_reduced():
    image = Image.new("RGBA", (400, 400), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 201, 400))
    row = decode(saved(image, "PNG"), max_side=40)[20]
    assert (row[:, 0] <= row[:, 2]).all()  # never redder than blue or white


def test_a_jpeg_is_reduced_while_it_is_decoded(monkeypatch):
    data = saved(Image.new("RGB", (4000, 3000), RED), "JPEG")
    loaded = []
    original = ImageFile.ImageFile.load

    def spy(self):
        result = original(self)
        loaded.append(self.size)
        return result

    monkeypatch.setattr(ImageFile.ImageFile, "load", spy)
    assert decode(data, max_side=400).shape == (300, 400, 3)
    assert loaded[0] == (500, 375)


def test_a_baseline_jpeg_may_have_more_pixels_than_others():
    image = Image.new("RGB", (300, 100), RED)
    assert decode(saved(image, "JPEG"), max_pixels=10_000).shape == (100, 300, 3)
    assert "pixels" in refusal(saved(image, "JPEG", progressive=True), max_pixels=10_000)
    assert "pixels" in refusal(saved(image, "PNG"), max_pixels=10_000)
    assert "300×200" in refusal(saved(image.resize((300, 200)), "JPEG"), max_pixels=10_000)


# --- bombs: a header that promises what no machine should make room for ----------------------------------------------


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def tiff(width: int, height: int) -> bytes:
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 4, height), (279, 4, width)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4


def webp(chunk: bytes, body: bytes) -> bytes:
    inner = b"WEBP" + chunk + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


IHDR = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
SOF = struct.pack(">BHHB", 8, 65_500, 65_500, 3) + bytes([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
BOMBS = {
    "PNG": b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", IHDR) + png_chunk(b"IDAT", zlib.compress(b"\0" * 10**6)),
    "PNG, a billion": b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 6, 0, 0, 1))
    + png_chunk(b"IDAT", b""),
    "PNG, just too many": b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 5_000, 5_000, 8, 2, 0, 0, 0))
    + png_chunk(b"IDAT", b""),
    "JPEG": b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\1\1\0\0\1\0\1\0\0"
    + b"\xff\xc0" + struct.pack(">H", 2 + len(SOF)) + SOF
    + b"\xff\xda\0\x0c\3\1\0\2\0\3\0\0\x3f\0",
    "GIF": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
    + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\0;",
    "GIF, frame outside": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    + b"," + struct.pack("<HHHHB", 65_000, 65_000, 500, 500, 0) + b"\2\0;",
    "BMP": b"BM" + struct.pack("<IHHI", 54, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, 0, 0, 1, 1, 0, 0),
    "TIFF": tiff(100_000, 100_000),
    "WebP, lossy": webp(b"VP8 ", b"\x30\1\0\x9d\1\x2a" + struct.pack("<HH", 16_383, 16_383) + b"\0" * 20),
    "WebP, lossless": webp(b"VP8L", b"\x2f" + struct.pack("<I", 0x0FFF_FFFF) + b"\0" * 20),
    "WebP, extended": webp(b"VP8X", b"\2\0\0\0" + b"\xff\xff\xff" * 2) ,
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_are_refused_by_their_header(case, monkeypatch):
    def forbidden(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", forbidden)
    told = re.search(
        r"has (?:\d+×\d+ = )?([\d\u202f]+\.\d) million pixels; at most 24 million are read", refusal(BOMBS[case])
    )
    assert 24 < float(told[1].replace("\u202f", "")) < 5e12


def test_pillow_s_own_refusal_is_told_with_its_number_or_without(monkeypatch):
    assert "has 3\u202f600.0 million pixels" in refusal(BOMBS["PNG"])
    monkeypatch.setattr(Image, "open", lambda *_, **__: (_ for _ in ()).throw(Image.DecompressionBombError("large")))
    assert "has far more pixels" in refusal(BOMBS["PNG"])


def test_a_compressed_text_bomb_in_a_png():
    bomb = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 10**8))
    data = FILES["PNG"]
    assert "damaged" in refusal(data[:33] + bomb + data[33:])


def test_too_many_bytes_are_refused_unread():
    data = FILES["PNG"] + b"\0" * 50_000_000
    assert refusal(data) == "The file has 50.0 MB; at most 25 MB are read: save the picture smaller."
    assert MAX_BYTES == 25_000_000


# --- what is not a picture -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (None, "empty"),
        ("text", "empty"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40, "export the picture as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + b"\0" * 40, "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif" + b"\0" * 40, "AVIF file is damaged" if AVIF else "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + b"\0" * 40, "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"  <?xml version='1.0'?><svg/>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"PK\3\4 a zip archive", "not a picture"),
        (b"MZ\x90\0 a program", "not a picture"),
        (b"8BPS\0\1", "not a picture"),
        (b"P6 1 1 255 abc", "not a picture"),
        (b"hello", FORMATS),
        (b"\xff\xd8\xff", "damaged"),
        (b"BM", "damaged"),
        (b"RIFF\0\0\0\0WEBP", "damaged"),
    ],
)
def test_other_files_are_told_what_to_do(data, words):
    assert words in refusal(data)


@pytest.mark.parametrize("kind", FILES)
def test_a_truncated_picture_is_refused(kind):
    image = Image.effect_noise((64, 64), 80).convert("RGB")
    data = saved(image, kind)
    assert "damaged or ends too early" in refusal(data[: len(data) // 2])


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=300)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_any_damage_gives_a_picture_or_a_sentence(kind, data):
    damaged = bytearray(FILES[kind])
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), max_size=4)
    ):
        damaged[position] = value
    damaged = bytes(damaged[: data.draw(st.integers(0, len(damaged)))]) + data.draw(st.binary(max_size=8))
    try:
        array = decode(damaged, max_pixels=10_000, max_side=64)
    except PictureError:
        return
    assert array.dtype == np.uint8
    assert array.shape[2] == 3
    assert max(array.shape[:2]) <= 64


# --- sizes and tensors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "shape"),
    [(4, (2, 4, 3)), (32, (16, 32, 3)), ((5, 3), (5, 3, 3)), (np.int64(8), (4, 8, 3)), (1, (1, 1, 3))],
)
def test_resize(size, shape):
    assert resize(np.asarray(corners()), size).shape == shape


def test_shrinking_averages_and_growing_keeps_flat_colour():
    stripes = np.tile(np.array([0, 200], np.uint8), (8, 4))
    assert (resize(stripes, (4, 4)) == 100).all()
    assert (resize(np.full((2, 2, 3), 77, np.uint8), 9) == 77).all()


@pytest.mark.parametrize("size", [0, -1, (0, 3), (3, 3, 3), (2.0, 2), 10**6])
def test_an_impossible_size_gets_a_sentence(size):
    with pytest.raises(PictureError, match="whole numbers"):
        resize(np.zeros((2, 2, 3), np.uint8), size)


def test_to_tensor():
    x = to_tensor(np.asarray(corners()))
    assert (x.shape, x.dtype) == ((1, 3, 8, 16), torch.float32)
    assert x[0, :, 0, 0].tolist() == [1, 0, 0]
    assert x.is_contiguous()


def test_grey_is_luma():
    grey = to_tensor(np.asarray(corners()), colour=False)
    assert grey.shape == (1, 1, 8, 16)
    assert grey[0, 0, [0, 0, 4, 4], [0, 8, 0, 8]].tolist() == pytest.approx([0.299, 0.587, 0.114, 1.0])
    opencv = cv2.cvtColor(np.asarray(corners()), cv2.COLOR_RGB2GRAY)
    assert np.abs(grey[0, 0].numpy() * 255 - opencv).max() <= 0.5


def test_to_tensor_does_not_share_the_picture():
    array = np.zeros((2, 2, 3), np.uint8)
    x = to_tensor(array)
    array += 1
    assert x.abs().max() == 0
