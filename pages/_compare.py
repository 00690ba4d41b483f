"""A | B: a layer that was frozen, beside the one that the controls change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

import streamlit as st

from models.share import Scene
from models.text import quoted
from viz import state
from viz.controls.numbers import SceneEditor, query_of, told_apart
from viz.words import say


@dataclass(frozen=True)
class Frozen:
    """The layer at the left as a setting: the link holds that layer's own link. For :func:`viz.state.take`."""

    editor: SceneEditor

    @property
    def name(self) -> str:
        return f"{self.editor.layer.prefix}against"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def value(self) -> Scene | None:
        return state.recall(self.name)

    def take(self, query: Mapping[str, list[str]]) -> list[str]:
        """Take the frozen layer over from a link; a sentence for each thing that could not be."""
        state.forget(self.name)
        if self.name not in query:
            return []
        text = query[self.name][-1]
        try:
            asked = parse_qs(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=99)
        except ValueError:
            return [f"{self.name}: {quoted(text)} is no link to a layer, as “Compare” writes it; nothing is compared."]
        scene, told = self.editor.of_link(asked)
        state.remember(self.name, scene)
        told += [state.no_setting(name, self.editor.names) for name in asked if name not in self.editor.names]
        return [f"{self.name}: {sentence}" for sentence in told]

    def query(self) -> dict[str, str]:
        return {} if self.value is None else {self.name: self.spelled(self.value)}

    def spelled(self, scene: Scene) -> str:
        """A scene as this setting's text."""
        return urlencode(scene.spec.to_query() | query_of(scene))

    def draw(self, scene: Scene) -> None:
        """The button that freezes the layer on screen, or lets the frozen one go."""
        if self.value is None:
            st.button(
                "Compare", key="freeze", icon=":material/compare_arrows:", on_click=state.remember,
                args=(self.name, scene), help="Freeze this layer at the left, then change it at the right.",
            )  # fmt: skip
        else:
            st.button("Stop comparing", key="freeze", icon=":material/close:", on_click=state.forget, args=(self.name,))

    def beside(self, scene: Scene, draw_one: Callable[[Scene, bool], None]) -> None:
        """Both layers beside each other; ``draw_one`` is told which, and whether it is the frozen one."""
        pair = self.value, scene
        for name, one, other, side in zip("AB", pair, pair[::-1], st.columns(2), strict=True):
            with side:
                say(f"**{name}** {told_apart(one, other)}")
                draw_one(one, name == "A")
