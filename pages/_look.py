"""The frame's files, read once: it runs for each change of each visitor."""

from base64 import b64encode
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _style(name: str) -> str:
    return f"<style>{(_HERE / name).read_text('utf-8')}</style>"


LOOK, PRESENTED = _style("_look.css"), _style("_present.css")

ICON = "data:image/svg+xml;base64," + b64encode((_HERE.parent / "assets" / "icon.svg").read_bytes()).decode()
"""A Material or emoji icon in the tab would be fetched from a font host."""
