"""The worked examples of the lectures as the Playground's questions."""

from __future__ import annotations

from functools import cache

from models.presets import PRESETS, Preset
from models.share import Scene
from pages._question import Asking, Question
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


@cache
def _questions() -> tuple[Question, ...]:
    return tuple(
        Question(
            preset.id, f"{topic_of(preset)}: {preset.title}", preset.question, preset.options, preset.answer,
            preset.explanation, preset.wrong, preset.spec.to_query() | query_of(scene_of(preset)),
        )
        for preset in PRESETS.values()
    )  # fmt: skip


def asking(editor: SceneEditor) -> Asking:
    """The questions about the worked examples; the editor brings each on screen."""
    return Asking("playground", _questions(), (editor,))
