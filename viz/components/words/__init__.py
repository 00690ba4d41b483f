"""What a term means, beside its link in a page's text: on hover, focus or tap. The list travels once, as a file."""

from viz.components._component import component

_component = component(__file__)


def words() -> None:
    """Mount it, once a page."""
    _component(key="words", data={})
