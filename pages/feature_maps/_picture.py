"""The picture of the lessons on feature maps: shipped, drawn by the app, uploaded, photographed, or drawn by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

import numpy as np
import streamlit as st

from models import drawings
from models.drawings import CLASSES
from models.picture import FORMATS, PictureError, Uploaded, resize
from models.script import in_groups
from models.share import Scene
from pages._lesson import offer
from pages._question import Asking
from viz import state
from viz.components.pad import pad
from viz.controls.picture import NAMES, PICTURES, given, taken, told
from viz.state import Choice, Flag, Setting, Whole

SHAPE, UPLOAD, CAMERA, CANVAS = "A drawn shape", "Upload", "Camera", "Draw one yourself"
SHIPPED = {("photographer" if name == "camera" else name).capitalize(): name for name in NAMES}
SOURCES = (*SHIPPED, SHAPE, UPLOAD, CAMERA, CANVAS)
CROPS = ("Whole", "Square", "Free")
SIZES = (32, 48, 64, 96, 128, 160, 192, 224, 256)
"""Pixels of the longer side."""
DEFAULT, DEFAULT_SIZE = "Astronaut", 160
NARROWEST = 16
"""Pixels of the shorter side of a picture that is taken."""
SOURCE_SIDE = 512

SOURCE = Choice("fm_picture", DEFAULT, "Picture", None, SOURCES)
SHAPE_DRAWN = Choice("fm_shape", CLASSES[0], "Shape", None, CLASSES)
SEED = Whole(
    "fm_seed", 0, "Drawing",
    "0: black on white. Each other number is another drawing, at a place and in colours of its own.", 0, 999,
)  # fmt: skip
SIZE = Choice("fm_size", DEFAULT_SIZE, "Longer side, pixels", None, SIZES, "select_slider")
COLOUR = Flag("fm_colour", True, "Colour")
CROP = Choice("fm_crop", CROPS[0], "Crop", "Square: the middle. Free: a square anywhere.", CROPS, "segmented_control")
EDGE = Whole("fm_edge", 50, "Side, % of the shorter one", None, 10, 100, slider=True)
TOP = Whole("fm_top", 50, "From the top, % of what is left", None, 0, 100, slider=True)
LEFT = Whole("fm_left", 50, "From the left, % of what is left", None, 0, 100, slider=True)
SETTINGS = (SOURCE, SHAPE_DRAWN, SEED, SIZE, COLOUR, CROP, EDGE, TOP, LEFT)


@dataclass(frozen=True, eq=False)
class Picture:
    """What a page works on.

    rgb: uint8 ``(H, W, 3)``, its longer side one of ``SIZES``, its shorter at least ``NARROWEST``. In grey all three
        channels are luma.
    source: the same picture, cropped but neither resized nor made grey; its longer side at most ``SOURCE_SIDE``.
    name: what a sentence calls it.
    colour: whether it is shown in colour.
    in_link: whether the page's link leads to the same picture: an upload, a photograph and a drawing stay here.
    origin: an expression that makes ``source`` in a copy of this project, given :attr:`code`'s imports.
    """

    rgb: np.ndarray
    source: np.ndarray
    name: str
    colour: bool = True
    in_link: bool = True
    origin: str = 'plain("circle", 256)'

    def code(self, *imports: str) -> str:
        """Opening of a script that runs in a copy of this project: all its imports, and ``source`` as it is on the
        screen, in colour or grey. An own picture is not in it: a shipped one is, and where to put the own one's path.
        """
        if not self.in_link:
            lines = ["# Put the path of your own picture here.", f"source = {self.origin}"]
        else:
            lines = [f"source = {self.origin}"]
        maker = self.origin.split("(")[0]
        made = f"from models.{'picture' if maker == 'decode' else 'drawings'} import {maker}"
        # One line for what comes from one module.
        needed = {*imports} | ({made} if not any(one.startswith(made) for one in imports) else set())
        if maker == "decode":
            needed.add("from pathlib import Path")
        if not self.colour:
            needed.add("import numpy as np")
            luma = "np.rint(source @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)"
            lines.append(f"source = np.repeat({luma}[..., None], 3, 2)")
        return f"{in_groups(needed)}\n" + "\n".join(lines) + "\n"

    def grey_code(self, *imports: str) -> str:
        """The same, and `grey`: luma of the picture as large as it is on the screen, 0 to 255, ``(H, W)``."""
        opening, sized = self._sized_code(imports)
        return f"{opening}grey = np.rint({sized} @ np.array([0.299, 0.587, 0.114]))\n"

    def colours_code(self, *imports: str) -> str:
        """The same, and `colours`: the picture as large as it is on the screen, 0 to 255, ``(H, W, 3)``."""
        opening, sized = self._sized_code(imports)
        return f"{opening}colours = {sized}\n"

    def _sized_code(self, imports: tuple[str, ...]) -> tuple[str, str]:
        """The opening, in colour, and the expression for the picture as large as it is on the screen."""
        decodes = "decode, " if self.origin.startswith("decode(") else ""
        opening = replace(self, colour=True).code(
            "import numpy as np", f"from models.picture import {decodes}resize", *imports
        )
        return opening, f"resize(source, {max(self.rgb.shape[:2])})"

    @property
    def told(self) -> str:
        """What a script made by :meth:`code` works on."""
        return "the same picture" if self.in_link else "the astronaut, or a picture whose path you write into it"

    @cached_property
    def key(self) -> str:
        """For caches: equal for equal pixels."""
        return blake2b(self.rgb.tobytes() + repr(self.rgb.shape).encode(), digest_size=12).hexdigest()

    @cached_property
    def grey(self) -> np.ndarray:
        """Luma, uint8 ``(H, W)``."""
        return _luma(self.rgb)

    def at(self, height: int, width: int) -> np.ndarray:
        """The picture in another size, uint8 ``(height, width, 3)``, taken from ``source``."""
        rgb = resize(self.source, (height, width))
        return rgb if self.colour else np.repeat(_luma(rgb)[..., None], 3, 2)


def _luma(rgb: np.ndarray) -> np.ndarray:
    return np.rint(rgb @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


@st.cache_data(max_entries=16, show_spinner=False)
def _drawn(shape: str, seed: int) -> np.ndarray:
    return drawings.plain(shape, 256) if seed == 0 else drawings.draw(shape, 256, seed)


@st.cache_data(show_spinner=False)
def _credits() -> dict[str, str]:
    """What each shipped picture shows, who made it, and its licence, by the name of its file."""
    rows = [line.strip("| \n").split(" | ") for line in (PICTURES / "LICENCES.md").read_text("utf-8").splitlines()]
    return {row[0][:-4]: f"{row[1]}, {row[2]} ({row[3]})" for row in rows if row[0].endswith(".png")}


def with_picture(
    settings: tuple[Setting, ...],
    lesson: Callable[[Picture, Asking], None],
    script: Callable[[Picture], tuple[str, str]],
    asking: Asking,
    worked: Callable[[], Scene] | None = None,
) -> None:
    """A page on the picture that is chosen. ``settings``: those that it has besides the picture's. ``worked``: the
    layer of its stage, if it has one."""
    state.take(*SETTINGS, *settings, asking)
    with st.container():  # whatever it shows, what follows keeps its place: a fragment that moves hears nothing more
        picture = choose()
    covered = asking.waits()
    lesson(picture, asking)
    offer(
        lambda: script(picture),
        picture.in_link,
        "Your own picture stays in this session: the link opens with the astronaut.",
        covered,
        scene=worked() if worked else None,
    )


def choose() -> Picture:
    """Draw the choice in one row, presented as a chip that opens, and return the picture. What cannot be read is told,
    and the default is used."""
    presenting = state.recall("presenting")
    if presenting:
        bar = state.popover(SOURCE.value, "picture_chip", ":material/image:")
    else:
        bar = st.container(key="picture_bar", horizontal=True, vertical_alignment="center", gap="small")
    with bar:
        chosen = SOURCE.draw(label_visibility="collapsed", width=210)
        if chosen == SHAPE:
            SHAPE_DRAWN.draw(label_visibility="collapsed", width=130)
            SEED.draw(label_visibility="collapsed", width=130)
        with nullcontext() if presenting else state.popover("Crop, size, colour", "cropped", ":material/crop:"):
            _settings()
        summary = st.empty()
    own = chosen in (UPLOAD, CAMERA, CANVAS)
    try:
        full, found, name, origin = _source(chosen)
        picture = _shaped(full, name, origin, not own or name == DEFAULT.lower())
    except PictureError as error:
        st.error(error.message)
        found = taken((PICTURES / f"{SHIPPED[DEFAULT]}.png").read_bytes(), SOURCE_SIDE)
        picture = _shaped(found.pixels, DEFAULT.lower(), _read(DEFAULT), False)
    height, width = picture.rgb.shape[:2]
    colours = "colour" if picture.colour else "grey"
    shown = SHIPPED.get(picture.name.capitalize())
    if shown or chosen in (SHAPE, CANVAS):
        said = f"{width} × {height} pixels, {colours}"
        waits = f"Until yours is here, the {picture.name}: " if shown and own else ""
        summary.caption(f"{waits}{said}. {_credits()[shown]}" if shown else said)
    else:
        cropped = CROP.value != CROPS[0]
        summary.caption(told(found, (height, width), square=cropped, ending=f", {colours}"))
    return picture


def _settings() -> None:
    SIZE.draw()
    COLOUR.draw()
    if CROP.draw() == "Free":
        for one in (EDGE, TOP, LEFT):
            one.draw()


def _read(name: str) -> str:
    """The expression that reads a shipped picture."""
    return f'decode(Path("assets/pictures/{SHIPPED[name]}.png").read_bytes(), max_side={SOURCE_SIDE})'


def _source(chosen: str) -> tuple[np.ndarray, Uploaded | None, str, str]:
    """Pixels before crop and size, what was read if it was a file, their name, and code that makes them.

    The default while nothing was given yet.
    """
    if chosen == SHAPE:
        shape, seed = SHAPE_DRAWN.value, SEED.value
        code = f'draw("{shape}", 256, {seed})' if seed else f'plain("{shape}", 256)'
        return _drawn(shape, seed), None, shape, code
    data, name = None, DEFAULT
    if chosen in SHIPPED:
        name = chosen
    elif chosen == UPLOAD:
        data = given("fm_file", st.file_uploader, f"{FORMATS}, up to 10 MB", max_upload_size=10)
        name = "your picture" if data else DEFAULT
    elif chosen == CAMERA:
        data = given("fm_photo", st.camera_input, "Take a photograph", width=420)
        name = "your photograph" if data else DEFAULT
    elif chosen == CANVAS:
        drawn = pad("fm_pad")
        data, name = (drawn, "your drawing") if drawn else (None, DEFAULT)
    origin = _read(name if name in SHIPPED else DEFAULT)
    if data is None:
        data = (PICTURES / f"{SHIPPED[name]}.png").read_bytes()
        name = name.lower()
    found = taken(data, SOURCE_SIDE)
    return found.pixels, found, name, origin


def _shaped(full: np.ndarray, name: str, origin: str, in_link: bool) -> Picture:
    """Cropped, resized, in colour or grey, as the settings say. Raises ``PictureError`` for a strip."""
    height, width = full.shape[:2]
    short = min(height, width)
    if CROP.value == "Whole":
        source = full
    else:
        free = CROP.value == "Free"
        edge = max(1, round(short * EDGE.value / 100)) if free else short
        top, left = (
            round((side - edge) * (one.value if free else 50) / 100) for side, one in ((height, TOP), (width, LEFT))
        )
        source = full[top : top + edge, left : left + edge]
        origin += f"[{top}:{top + edge}, {left}:{left + edge}]" if in_link else ""
    rgb = resize(source, SIZE.value)
    if min(rgb.shape[:2]) < NARROWEST:
        raise PictureError(
            f"At {SIZE.value} pixels this picture is a strip of {rgb.shape[1]} × {rgb.shape[0]}, and at least "
            f"{NARROWEST} each way are needed: crop it to a square, or choose a larger size."
        )
    if not COLOUR.value:
        rgb = np.repeat(_luma(rgb)[..., None], 3, 2)
    return Picture(np.ascontiguousarray(rgb), np.ascontiguousarray(source), name, COLOUR.value, in_link, origin)
