"""Worked examples: a row of topics, the examples of one, and its question, first to predict, then to reveal."""

from __future__ import annotations

import streamlit as st

from models.presets import PRESETS, Preset
from models.share import Scene
from viz.controls import numbers

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


def _load(name: str) -> None:
    numbers.keep(scene_of(PRESETS[name]))
    st.session_state["_chosen"] = st.session_state["_asked"] = name
    st.session_state.pop(f"predict_{name}", None)


def _choose_topic() -> None:
    topic = st.session_state.get("topic") or st.session_state.get("_topic")
    if topic:
        _load(_of_topic(topic)[0])


def _choose_preset() -> None:
    name = st.session_state.get("preset")
    if name in PRESETS:
        _load(name)


def shown(scene: Scene) -> Preset | None:
    """The worked example that is on screen now, if any."""
    now = (scene.spec, scene.input, scene.weights, scene.seed)
    same = [p for p in PRESETS.values() if (p.spec, p.input, p.weights, p.seed) == now]
    chosen = PRESETS.get(st.session_state.get("_chosen"))
    return chosen if chosen in same else next(iter(same), None)


def asks(scene: Scene) -> bool:
    """Whether the question of the example on screen waits for a prediction: what would answer it stays veiled.

    Only a click on an example asks. A link shows everything at once, for it reproduces what somebody saw.
    """
    state, preset = st.session_state, shown(scene)
    if preset is None or preset.id != state.get("_asked") or state.get(f"predict_{preset.id}") is not None:
        state.pop("_asked", None)
        return False
    return True


def _cover(name: str) -> None:
    st.session_state["_asked"] = name


def _reveal() -> None:
    st.session_state.pop("_asked", None)


def draw(scene: Scene) -> None:
    """The rows to choose from, and the question of the example that is on screen. One click on a topic loads its first
    example; the topic stays when the visitor goes on from there."""
    state, preset = st.session_state, shown(scene)
    topic = topic_of(preset) if preset else state.get("_topic")
    state["_topic"] = state["topic"] = topic
    st.pills("Try a worked example", dict.fromkeys(TOPICS.values()), key="topic", on_change=_choose_topic, wrap=True)
    if topic is None:
        return
    names = _of_topic(topic)
    state["preset"] = preset.id if preset else None
    if len(names) == 1 and not preset:
        return
    with st.container(border=True, gap="small"):
        if len(names) > 1:
            st.pills(
                topic,
                names,
                key="preset",
                format_func=lambda name: PRESETS[name].title,
                on_change=_choose_preset,
                label_visibility="collapsed",
                wrap=True,
            )
        if preset:
            _question(preset)


def _question(preset: Preset) -> None:
    """Predict, then reveal: answers to choose from, and what there is to see."""
    st.markdown(f":material/psychology_alt: **Predict.** {preset.question}")
    with st.container(horizontal=True, vertical_alignment="center"):
        answer = st.pills(
            preset.question,
            preset.options,
            key=f"predict_{preset.id}",
            label_visibility="collapsed",
            width="content",
            wrap=True,
        )
        if st.session_state.get("_asked"):
            st.button("Just show me", type="tertiary", key="just_show", on_click=_reveal)
        elif answer is None:
            st.button("Cover the answer first", type="tertiary", key="cover", on_click=_cover, args=(preset.id,))
    if answer is None:
        return
    verdict = "Yes." if answer == preset.answer else f"Not quite: {preset.answer}."
    st.markdown(f":material/lightbulb: **{verdict}** {preset.explanation}")
