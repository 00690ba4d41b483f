"""What a script needs of this project, as a cell of a notebook that then runs without a copy of it."""

from __future__ import annotations

import ast
import base64
import io
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from models.script import PACKAGES
from models.syntax import parse

ROOT = Path(__file__).resolve().parents[2]
ASSETS = [*(ROOT / "assets" / "pictures").glob("*.png"), *(ROOT / "assets" / "weights").glob("*.*")]
"""Pictures and weights: those go along whose name a script has in a text."""

UNPACK = """\
import base64, io, sys, tempfile, zipfile

carried = tempfile.mkdtemp()
sys.path.insert(0, carried)
zipfile.ZipFile(io.BytesIO(base64.b64decode("{}"))).extractall(carried)
"""


def carried(code: str) -> tuple[str, str, list[str]]:
    """The cell that unpacks what a script takes from this project into a temporary folder; the script, its pictures
    read from there; and the packages that both may import, as pip calls them. The cell is empty where the script takes
    nothing."""
    files: dict[Path, bytes] = {}
    packages: set[str] = set()
    awaited = [code]
    while awaited:
        for name in _imported(awaited.pop()):
            top = name.split(".")[0]
            if top != "models":
                packages.add(PACKAGES.get(top, top))
            for path in _files(name) if top == "models" else ():
                if path not in files:
                    files[path] = path.read_bytes()
                    awaited.append(files[path].decode())
    packages -= sys.stdlib_module_names
    if not files:
        return "", code, sorted(packages)
    texts = (one.value for one in ast.walk(parse(code)) if isinstance(one, ast.Constant) and isinstance(one.value, str))
    named = {word for text in texts for word in re.findall(r"\w+", text)}
    files |= {path: path.read_bytes() for path in ASSETS if path.stem in named}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for path, content in sorted(files.items()):
            # Without a date, so that the same script is the same file.
            made.writestr(zipfile.ZipInfo(path.relative_to(ROOT).as_posix()), content, zipfile.ZIP_DEFLATED, 9)
    cell = UNPACK.format(base64.b64encode(whole.getvalue()).decode())
    return cell, re.sub(r'(?<!f)"(assets/[^"{}]+)"', r'f"{carried}/\1"', code), sorted(packages)


def _imported(code: str) -> Iterator[str]:
    """Every module that a text imports, inside its functions too, and every name from one: it may be a module."""
    for node in ast.walk(parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(module: str) -> Iterator[Path]:
    """Those that an import of this reads: of each package above it, and its own."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        path = ROOT.joinpath(*parts[:end])
        yield from (one for one in (path / "__init__.py", path.with_suffix(".py")) if one.is_file())
