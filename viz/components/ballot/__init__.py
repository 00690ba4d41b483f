"""A phone in a room: the question that the lecturer asks, an answer, and how often this phone was right."""

from __future__ import annotations

from collections.abc import Callable

from viz.components._component import component

_component = component(__file__)


def ballot(
    code: str,
    followed: str | None,
    around: bool,
    question: str,
    *,
    key: str,
    on_go: Callable[[], None],
    on_leave: Callable[[], None],
) -> None:
    """Mount the ballot of the room with this code. It talks to ``rooms/`` by itself (``rooms/routes.py``), so that
    neither waiting nor an answer is a run, and it tries again until it is heard.

    Args:
        followed: the lecturer's page to which this phone has gone last, as the room says it; None: to none.
        around: whether its visitor looks around: then it does not follow, and offers the way back. While it follows,
            ``body`` has the class ``led``, for the page to leave the answer to the lecturer.
        question: the name of the question that the page asks by itself; while the room is asked the same, ``body`` has
            the class ``asked``, for the page to hide it at once.
        on_go: the phone follows, or wants back: ``{"page", "n"}`` in ``result.go``.
        on_leave: it wants out of the room, or there is none with this code: ``result.leave``.
    """
    data = {"code": code, "followed": followed, "around": around, "question": question}
    _component(key=key, data=data, on_go_change=on_go, on_leave_change=on_leave)
