"""What a projector needs from anywhere in the app: the QR code as large as the screen, a dark screen, and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from viz.components._component import component

_component = component(__file__, "keys/keys.css")


def keys(link: str, code: str, told: Mapping[str, str], sent: str, *, key: str, on_key: Callable[[], None]) -> None:
    """Mount two buttons, for the code and for the list of keys.

    It hears each key of the document that nobody else takes (``free`` of common.js), before the page does: Q shows the
    code, B a dark screen, ? the list; any key or click takes it away again. Keys of ``sent``, one character each, it
    sends: ``{"key", "n"}`` in ``result.key``. What lies above everything else is a dialog of its own.

    Args:
        link, code: the link that is shown, and its QR code as SVG; without one there is a sentence.
        told: key → what it does, for the list.
    """
    _component(key=key, data={"link": link, "code": code, "told": dict(told), "sent": sent}, on_key_change=on_key)
