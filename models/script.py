"""How a generated script begins: its imports in the usual order, and before them what it needs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable

from models.syntax import parse
from models.text import listed

PACKAGES = {"cv2": "opencv-python", "PIL": "pillow"}
"""What pip calls a module that is imported by another name."""

PROJECT = "Needs a copy of the ConvScope project: put this file into its folder, beside app.py, and run it there"


def in_groups(imports: Iterable[str]) -> str:
    """Import lines in the usual order: Python's own, others', the project's; each group ends with an empty line."""
    groups: list[list[str]] = [[], [], []]
    for line in sorted(set(imports), key=lambda line: (line.startswith("from"), line)):
        module = line.split()[1].split(".")[0]
        groups[2 if module == "models" else module not in sys.stdlib_module_names].append(line)
    return "\n".join("\n".join(group) + "\n" for group in groups if group)


def needs(code: str) -> tuple[list[str], list[str]]:
    """What a script needs: modules of this project, and packages as pip calls them."""
    modules: set[str] = set()
    for node in ast.walk(parse(code)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = node.module == "models"
            modules |= {f"models.{alias.name}" for alias in node.names} if whole else {node.module or ""}
    ours = sorted(module for module in modules if module.split(".")[0] == "models")
    others = {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {"models"}
    return ours, sorted(PACKAGES.get(module, module) for module in others)


def with_needs(code: str, name: str = "layer.py") -> str:
    """A script, its first lines saying what it needs: packages, or a copy of this project where it imports ``models``.

    Args:
        name: of the file that it is saved as.
    """
    ours, packages = needs(code)
    if ours:
        return f"# {PROJECT}:\n#     .venv/bin/python {name}\n# It imports {listed(ours, 'and')} from there.\n{code}"
    return f"# Needs {listed(packages, 'and')}: pip install {' '.join(packages)}\n{code}" if packages else code
