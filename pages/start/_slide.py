"""3: slide it, and get one number for each place."""

from models import lab
from models.code import to_code
from models.share import Scene
from pages.start import _layers as layers
from pages.start._numbers import EDGE, RIGHT, grey, scene
from pages.start._sum import changed

QUESTION = "And everywhere else in the picture?"
SETTINGS = ()


def layer() -> Scene:
    return scene(grey()[EDGE][None], RIGHT)


def do() -> str:
    kernel = "the kernel, the first one again," if changed() else "the kernel"
    return (
        f"**Press Play:** {kernel} slides over a larger piece of hair and wall, and asks its question at every place. "
        "The map fills: one number for each place."
    )


def measured() -> lab.Lab:
    return lab.of(layer())


def draw() -> None:
    data = layers.sentence(
        measured(), ("Picture", "Map"), caption="Play, or [point at|tap] a place of the map", fills="output"
    )
    data["grids"][0] |= {"image": True, "range": [0, 9]}
    layers.show("slide", data)


def seen() -> str:
    rows, columns = measured().y.shape[1:]
    return (
        f"One number for each place where the kernel fits: {rows} × {columns}, laid out as the places are. That is a "
        "**map** of the answers: large where the picture gets brighter to the right. Sliding a kernel like this is a "
        "**convolution**."
    )


def code() -> tuple[str, str]:
    return "Runs as it is: this picture, this kernel, and every number of the map.", to_code(measured())
