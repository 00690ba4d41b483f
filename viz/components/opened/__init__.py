"""Notes in the visitor's browser that a lesson was opened. Nothing is seen, nothing is sent."""

from viz.components._component import component

_component = component(__file__)


def opened(path: str) -> None:
    """The lesson at this address is open."""
    _component(key="opened", data={"path": path})
