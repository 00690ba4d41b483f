"""What the steps share: a measured layer on the stage, in words that need no course."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viz import state
from viz.components.stage import stage
from viz.scenes.layer import scene as draw_scene

if TYPE_CHECKING:
    from models.lab import Lab


def height() -> int:
    """Of the stage in px: what is left of a laptop's screen, or of a projector's."""
    return 460 if state.recall("presenting") else 620


def sentence(lab: Lab, titles: tuple[str, str], *, image: bool = False, editable: bool = False, **more) -> dict:
    """The stage's data for one layer: picture *with* kernel *gives* answer. ``titles``: of the first and the last."""
    data = draw_scene(lab, editable=editable, image=image)
    first, _, last = data["grids"]
    first["title"], last["title"] = titles
    first["editable"] = False
    return data | {"symbols": ["with", "gives"], "operator": None, "legend": False, "compact": 26} | more


def show(step: str, data: dict, **more) -> None:
    """Put it on the page. Each step begins with a stage of its own: nothing pinned, nothing playing."""
    stage(data, key=f"start_stage_{step}", height=height(), **more)
