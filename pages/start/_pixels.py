"""1: a picture is a table of numbers."""

import numpy as np

from models.script import in_groups
from models.text import plural
from pages.start import _layers as layers
from pages.start._numbers import NEEDS, READ, SIDE, WHITE, grey, place, spelled
from viz import state
from viz.components.stage import grid, link

QUESTION = "What is a picture to a computer?"
DO = "**Click or tap anywhere in the picture.** The table shows what is stored there."
ZOOM = 4

AT = state.Setting("zoom", (13, 20), read=place(SIDE), spell=spelled, key="start_zoom")
"""The pixel that was clicked."""
SETTINGS = (AT,)


def corner() -> tuple[int, int]:
    """Row and column of the first pixel in the table: the clicked one is its second, where the picture goes on."""
    row, column = (min(max(at - 1, 0), SIDE - ZOOM) for at in AT.value)
    return row, column


def part() -> np.ndarray:
    """The numbers of the table."""
    row, column = corner()
    return grey()[row : row + ZOOM, column : column + ZOOM]


def draw() -> None:
    row, column = corner()
    cells = [(row + r) * SIDE + column + c for r in range(ZOOM) for c in range(ZOOM)]
    same = {"base": cells, "offset": [0]}
    at = (AT.value[0] - row) * ZOOM + AT.value[1] - column
    data = {
        "grids": [
            grid(
                "input", "input", "Picture", grey()[None], image=True, range=[0, WHITE], frame=[row, column, ZOOM, ZOOM]
            ),
            grid("table", "input", "What is stored", part()[None], image=True, range=[0, WHITE]),
        ],
        "symbols": ["→"],
        "links": [link("input", "table", same, [0, 0, -1], reduce="copy")],
        "operator": None,
        "still": True,
        "compact": 28,
        "selected": {"grid": "table", "channel": 0, "cell": at},
        "caption": "[Click in the picture, or move with the arrow keys and press Enter|Tap in the picture]; "
        "counted from 0",
    }
    layers.show("pixels", data, on_pin=take)


def take() -> None:
    """The pixel that was clicked."""
    pin = state.heard("start_stage_pixels", "pin") or {}
    if pin.get("grid") == "input" and isinstance(cell := pin.get("cell"), int) and 0 <= cell < SIDE * SIDE:
        AT.give(divmod(cell, SIDE))


def seen() -> str:
    return (
        "A picture is a table of numbers. Each small square is a **pixel**, and its number says how bright it is: "
        "0 is black, 9 is white.\n\n"
        "Its place is told by two numbers that **count from 0**, as in a program: row 0, column 0 is the top left "
        f"corner, and row {AT.value[0]}, column {AT.value[1]} has {plural(AT.value[0], 'row')} above it and "
        f"{plural(AT.value[1], 'column')} at its left.\n\n"
        ":small[Photographs count from 0 to 255; ten steps are easier to add up.]"
    )


def code() -> tuple[str, str]:
    row, column = corner()
    rows = f"grey[{row} : {row + ZOOM}, {column} : {column + ZOOM}]"
    script = f"{in_groups(NEEDS)}\n{READ}\nprint({rows})\nassert {rows}.tolist() == {part().tolist()}\n"
    return "Runs in a copy of this project: reads the picture, and asserts the numbers of the table.", script
