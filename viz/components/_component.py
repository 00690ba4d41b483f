"""A Streamlit component from the files of a folder: no build step, nothing from elsewhere."""

import json
import posixpath
import re
from pathlib import Path

import streamlit as st

from viz.components.files import FILES, FOLDER

_MOUNT = (Path(__file__).parent / "_mount.js").read_text(encoding="utf-8")


def _imported(name: str) -> list[str]:
    """A module and all that it imports. Asked for at once, they need not wait for each other."""
    found = [name]
    for one in found:
        paths = re.findall(r'from "(\.[^"]+)"', FILES[one].decode())
        others = [posixpath.normpath(posixpath.join(posixpath.dirname(one), path)) for path in paths]
        found += [other for other in dict.fromkeys(others) if other not in found]
    return found


def component(module: str, *styles: str):
    """The component of a package such as ``viz/components/field/__init__.py``, whose ``__file__`` is given:
    ``field.js``, whose default export takes what Streamlit gives a component, ``field.html`` and ``field.css`` beside
    it. Returns the function that mounts it.

    ``styles``: in their order, where there are others than ``field/field.css``.
    """
    name = Path(module).parent.name
    files = {
        "code": _imported(f"{name}/{name}.js"),
        "markup": f"{name}/{name}.html",
        "styles": styles or [f"{name}/{name}.css"],
    }
    js = _MOUNT.replace("%FOLDER%", FOLDER).replace("{/* files */}", json.dumps(files))
    return st.components.v2.component(f"convscope_{name}", js=js)
