"""5: borders, steps, colours: what else a layer can be told."""

from models import lab
from models.code import to_code
from models.share import Scene
from pages.start import _layers as layers
from pages.start._numbers import RIGHT, colours, grey, scene
from viz import state

QUESTION = "Who decides how large the map is?"
DO = (
    "**Choose one after another:** a border and longer steps change the size of the map. Colours come last: they leave "
    "the size alone, and change what one number is made of."
)
PART = (slice(9, 16), slice(26, 33))
CLOSELY = (slice(20, 27), slice(10, 17))

PLAIN, BORDER, STEPS, COLOURS = "So far", "Border", "Steps", "Colours"
WAYS = {PLAIN: {}, BORDER: {"padding": 1}, STEPS: {"stride": 2}, COLOURS: {}}

WAY = state.Choice("way", PLAIN, "Change", None, tuple(WAYS), "segmented_control", key="start_way")
SETTINGS = (WAY,)


def controls() -> None:
    WAY.draw(label_visibility="collapsed")


def layer() -> Scene:
    x = colours()[:, *CLOSELY] if WAY.value == COLOURS else grey()[PART][None]
    return scene(x, RIGHT, **WAYS[WAY.value])


def measured() -> lab.Lab:
    return lab.of(layer())


def draw() -> None:
    data = layers.sentence(measured(), ("Picture", "Map"), caption="Play, or [point at|tap] a number of the map")
    first, kernel, _ = data["grids"]
    first |= {"image": True, "range": [0, 9]}
    if WAY.value == COLOURS:
        first["planes"] = ["red", "green", "blue"]
        kernel |= {"planes": ["for red", "for green", "for blue"], "named": "3×3×3"}
    layers.show("settings", data)


def seen() -> str:
    found = measured()
    side, size = found.x.shape[1], found.y.shape[1]
    return {
        PLAIN: f"{side} × {side} pixels, but only {size} × {size} places: the kernel must not stick out. So the map is "
        "smaller than the picture, by one number on each side.",
        BORDER: f"A ring of zeros around the picture gives the kernel room to sit on the outermost pixels: "
        f"{side} × {side} pixels, {size} × {size} answers. Such a ring is called **padding**. Zero is black, so the "
        "map now shows an edge at the right that the picture does not have.",
        STEPS: f"The kernel moves two pixels at a time, so it skips every other place: {size} × {size} answers. The "
        "length of its steps is called **stride**.",
        COLOURS: "A colour picture is three tables, for red, green and blue: its **channels**. The kernel has a table "
        f"for each. {found.weights['weight'].size} products now, and all go into one sum: still one map of "
        f"{size} × {size}.",
    }[WAY.value]


def code() -> tuple[str, str]:
    return "Runs as it is: this picture, this layer, and every number of the map.", to_code(measured())
