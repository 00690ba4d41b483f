"""The settings of a block or of a layer's stand-ins, as controls: each follows from its entry in the registry."""

from __future__ import annotations

from models.blocks.block import Setting as Entry
from viz.state import Choice, Flag, Setting, Whole


def setting_of(entry: Entry, page: str, most: int | None = None) -> Setting:
    """The control of one setting on a page, with its place in the link; ``most``: the largest number that the page
    takes, where that is less than the entry's."""
    own = {"label": entry.label, "help": entry.help, "key": f"{page}_{entry.name}"}
    if isinstance(entry.default, bool):
        return Flag(entry.name, entry.default, **own)
    if entry.choices:
        widget = "segmented_control" if len(entry.choices) < 7 else "selectbox"
        return Choice(entry.name, entry.default, options=entry.choices, widget=widget, **own)
    if entry.steps:
        return Choice(entry.name, entry.default, options=tuple(sorted(entry.steps)), widget="select_slider", **own)
    if isinstance(entry.default, int):
        high = int(entry.most if most is None else min(most, entry.most))
        return Whole(entry.name, entry.default, low=int(entry.least), high=high, **own)
    raise TypeError(f"{entry.name}: there is no control for {entry.default!r}; give it choices or steps")
