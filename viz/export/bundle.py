"""Modules of the components as one classic script: for a file that stands alone, and for an engine without modules."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

from viz.components import files

FILES = {f"components/{name}": content for name, content in files.FILES.items()} | {
    f"export/{path.name}": path.read_bytes() for path in Path(__file__).parent.glob("*.js")
}
"""Those of the components, as the browser gets them, and those of this package, by their path in viz."""

_IMPORT = re.compile(r'^(import|export)\s*\{([^}]*)\}\s*from\s*"([^"]+)";\n?', re.M)


def _names(text: str) -> list[tuple[str, str]]:
    """What is listed between braces: the name in the other module, and the name here."""
    pairs = (part.strip().partition(" as ") for part in text.split(",") if part.strip())
    return [(name, other or name) for name, _, other in pairs]


@cache
def bundle(entry: str) -> str:
    """A script that leaves what the module ``entry`` exports (named like ``export/picture.js``) in ``convscope``.

    Modules must need each other without a circle, and export by name or, the entry, by default.
    """
    order, needs = [], {entry: ["default"] if "export default" in FILES[entry].decode() else []}

    def visit(name: str, above: tuple[str, ...] = ()) -> None:
        if name in above:
            raise ValueError(f"{name} needs itself through {' and '.join(above)}.")
        for _, listed, path in _IMPORT.findall(FILES[name].decode()):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            needs.setdefault(other, []).extend(there for there, _ in _names(listed))
            visit(other, (*above, name))
        if name not in order:
            order.append(name)

    visit(entry)
    if not needs[entry]:
        needs[entry] = re.findall(r"^export (?:class|function\*?|const) (\w+)", FILES[entry].decode(), re.M)
    number = {name: at for at, name in enumerate(order)}

    def module(name: str) -> str:
        def imported(match: re.Match) -> str:
            other = number[posixpath.normpath(posixpath.join(posixpath.dirname(name), match[3]))]
            pairs = ", ".join(there if there == here else f"{there}: {here}" for there, here in _names(match[2]))
            return f"const {{ {pairs} }} = m[{other}];\n"

        code = _IMPORT.sub(imported, FILES[name].decode())
        code = re.sub(r"^export \{[^}]*\};\n", "", code, flags=re.M)
        code = re.sub(r"^export default ", "const standard = ", code, flags=re.M)
        code = re.sub(r"^export ", "", code, flags=re.M)
        given = ", ".join("default: standard" if one == "default" else one for one in dict.fromkeys(needs[name]))
        return f"m[{number[name]}] = (() => {{\n{code}\nreturn {{ {given} }};\n}})();\n"

    body = "".join(map(module, order))
    return f'"use strict";\nvar convscope = (() => {{\nconst m = [];\n{body}return m[{number[entry]}];\n}})();\n'
