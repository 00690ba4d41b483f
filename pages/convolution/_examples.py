"""The worked examples of the lectures as the Playground's questions."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

from models.presets import PRESETS, Preset
from models.share import Scene
from pages._question import Asking, Question
from rooms.room import cells_at
from viz.controls.numbers import SceneEditor, query_of

TOPICS = {
    "A1": "Sum",
    "A2": "Channels",
    "A3": "Size",
    "A4": "Cost",
    "A5": "Cost",
    "A6": "1×1",
    "A10": "Dilation",
    "A12": "Transposed",
    "A13": "Padding",
    "A16": "Pixel shuffle",
    "A17": "Groups",
    "A18": "Groups",
    "A19": "Separable",
    "A20": "Padding",
    "A21": "Causal",
    "A22": "Pooling",
}
"""Concept of the course -> the topic that its examples stand under."""


def topic_of(preset: Preset) -> str:
    """The topic of a worked example."""
    return TOPICS[preset.id.split("-")[0]]


def scene_of(preset: Preset) -> Scene:
    """A worked example as a scene."""
    return Scene(preset.spec, preset.input, preset.weights, preset.seed)


ON_THE_STAGE = {
    "A1": (
        Question(
            "window", "Sum: Mark a cell",
            "The kernel lies on the top left corner of the input. Choose the cell that its bottom right weight meets.",
            (), "row 2, column 2",
            "The kernel is 3×3, so its window has rows 0 to 2 and columns 0 to 2, and this is its last cell.",
            {
                "row 3, column 3": "that is the last cell of the input, and the kernel is smaller",
                "": "the first weight meets row 0, column 0, and the kernel is 3×3",
            },
            cell="input",
        ),
        Question(
            "fill", "Sum: Fill in the number",
            "Now the kernel lies on the bottom right corner of a larger input. Which number comes out? Type it.",
            (), "125",
            "6·1 + 4·4 + 3·1 + 7·1 + 8·4 + 8·3 + 4·3 + 7·3 + 4·1 = 125: other numbers under the same nine weights.",
            {
                "122": "that is the top left corner",
                "123": "that is the top right corner",
                "129": "that is the bottom left corner",
                "": "nine products, one sum: each weight times the cell under it, in the last three rows and columns",
            },
            about={"input_size": "5"},
            selects=8,
        ),
    ),
    "A10": (
        Question(
            "tap", "Dilation: Mark a cell",
            "The top left weight lies on row 0, column 0. Choose the cell that the bottom right one meets.",
            (), "row 4, column 4",
            "Dilation 2: from one tap to the next it is two cells, and there are two such steps along each axis.",
            {
                "row 2, column 2": "that is dilation 1; the taps lie two cells apart",
                "": "three taps along an axis, two cells apart",
            },
            cell="input",
        ),
        Question(
            "taps", "Dilation: Mark the window",
            "The kernel lies on the top left corner of the input. Mark all cells that it reads there.",
            (), cells_at(product((0, 2, 4), repeat=2)),
            "Nine weights read nine cells: rows 0, 2 and 4, columns 0, 2 and 4. What lies between is never read there.",
            {"": "nine weights, each two cells from the next"},
            cell="input", several=True,
        ),
    ),
}  # fmt: skip
"""Worked example -> further questions about it, which are answered by cells or by a number."""


@cache
def _questions() -> tuple[Question, ...]:
    made = []
    for preset in PRESETS.values():
        about = preset.spec.to_query() | query_of(scene_of(preset))
        made.append(
            Question(
                preset.id, f"{topic_of(preset)}: {preset.title}", preset.question, preset.options, preset.answer,
                preset.explanation, preset.wrong, about,
            )
        )  # fmt: skip
        made += [replace(one, about=one.about or about) for one in ON_THE_STAGE.get(preset.id, ())]
    return tuple(made)


def asking(editor: SceneEditor) -> Asking:
    """The questions about the worked examples; the editor brings each on screen."""
    return Asking("playground", _questions(), (editor,))
