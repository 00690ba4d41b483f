"""Worked examples: a row of topics, the examples of one, and its question, first to predict, then to reveal."""

from __future__ import annotations

import streamlit as st

from models.presets import PRESETS, Preset
from models.share import Scene
from viz import state
from viz.controls.numbers import SceneEditor
from viz.state import Choice

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


def _of_topic(topic: str) -> list[str]:
    return [name for name, preset in PRESETS.items() if topic_of(preset) == topic]


def _answer(preset: Preset) -> Choice:
    return Choice(f"predict_{preset.id}", None, preset.question, None, preset.options, "pills")


def _load(editor: SceneEditor, name: str) -> None:
    editor.load(scene_of(PRESETS[name]))
    state.remember("example", name)
    _cover(name)
    _answer(PRESETS[name]).give(None)


def shown(scene: Scene) -> Preset | None:
    """The worked example that is on screen now, if any."""
    now = (scene.spec, scene.input, scene.weights, scene.seed)
    same = [p for p in PRESETS.values() if (p.spec, p.input, p.weights, p.seed) == now]
    chosen = PRESETS.get(state.recall("example"))
    return chosen if chosen in same else next(iter(same), None)


def asks(scene: Scene) -> bool:
    """Whether the question of the example on screen waits for a prediction: what would answer it stays veiled.

    Only a click on an example asks. A link shows everything at once, for it reproduces what somebody saw.
    """
    preset = shown(scene)
    if preset is None or preset.id != state.recall("asked") or _answer(preset).value is not None:
        _reveal()
        return False
    return True


def _cover(name: str) -> None:
    state.remember("asked", name)


def _reveal() -> None:
    state.forget("asked")


def draw(editor: SceneEditor, scene: Scene) -> None:
    """The rows to choose from, and the question of the example that is on screen. One click on a topic loads its first
    example; its row stays when the visitor goes on from there."""
    preset = shown(scene)
    topic = topic_of(preset) if preset else state.recall("topic")
    state.remember("topic", topic)
    st.markdown("Try a worked example")
    with st.container(key="topics", horizontal=True, gap="xsmall"):
        for each in dict.fromkeys(TOPICS.values()):
            st.button(
                each,
                key=f"topic_{each}",
                type="primary" if preset and each == topic else "secondary",
                on_click=_load,
                args=(editor, _of_topic(each)[0]),
            )
    if topic is None:
        return
    names = _of_topic(topic)
    if len(names) == 1 and not preset:
        return
    with st.container(border=True, gap="small"):
        if len(names) > 1:
            with st.container(key="examples", horizontal=True, gap="xsmall"):
                for name in names:
                    st.button(
                        PRESETS[name].title,
                        key=f"example_{name}",
                        type="primary" if preset and name == preset.id else "secondary",
                        on_click=_load,
                        args=(editor, name),
                    )
        if preset:
            _question(preset)


def _question(preset: Preset) -> None:
    """Predict, then reveal: answers to choose from, and what there is to see."""
    st.markdown(f":material/psychology_alt: **Predict.** {preset.question}")
    with st.container(horizontal=True, vertical_alignment="center"):
        answer = _answer(preset).draw(label_visibility="collapsed", width="content", wrap=True)
        if state.recall("asked"):
            st.button("Just show me", type="tertiary", key="just_show", on_click=_reveal)
        elif answer is None:
            st.button("Cover the answer first", type="tertiary", key="cover", on_click=_cover, args=(preset.id,))
    if answer is None:
        return
    verdict = "Yes." if answer == preset.answer else f"Not quite: {preset.answer}."
    st.markdown(f":material/lightbulb: **{verdict}** {preset.explanation}")
