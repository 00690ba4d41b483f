"""What a projector needs from anywhere in the app: the QR code as large as the screen, a dark screen, and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from viz.components._component import component

_component = component(__file__, "keys/keys.css")


def keys(
    link: str, code: str | None, told: Mapping[str, str], sent: Sequence[str], *, key: str, on_key: Callable[[], None]
) -> None:
    """Mount two buttons, for the code and for the list of keys.

    It hears each key of the document that nobody else takes (``free`` of common.js), before the page does, and R in the
    room's windows: Q shows the
    code, B a dark screen, ? the list; any key or click takes it away again. Keys of ``sent``, in lower case, it
    sends, and ``q`` where it has no code yet: in ``result.key`` the last that were pressed, each ``{"key", "at"}`` with
    its time in ms, those that it has sent before, too.

    Args:
        link, code: the link that is shown, and its QR code as SVG; empty where there can be none, None until ``q``
            asks for it.
        told: key → what it does, for the list.
    """
    _component(key=key, data={"link": link, "code": code, "told": dict(told), "sent": list(sent)}, on_key_change=on_key)
