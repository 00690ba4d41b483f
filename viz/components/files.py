"""What the browser gets of the components as files: their code, style and markup.

All lie below ``components/<version>/`` as they lie in this folder, so modules import each other by relative paths. The
version is made from their content: servers of one version give the same addresses, and a file never changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from viz import colours, words

_HERE = Path(__file__).parent
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}

FILES = {
    path.relative_to(_HERE).as_posix(): path.read_bytes()
    for path in sorted(_HERE.rglob("[!_]*"))
    if path.suffix in _TYPES
} | {"colours.js": colours.javascript().encode(), "words/list.js": words.javascript().encode()}
"""By their path in this folder. Nothing else is served."""

VERSION = hashlib.sha256(b"".join(name.encode() + content for name, content in FILES.items())).hexdigest()[:12]
FOLDER = f"components/{VERSION}"
"""Where they are, from the address of any page."""


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if request.path_params["version"] != VERSION or name not in FILES:
        return PlainTextResponse("Not found", status_code=404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(FILES[name], media_type=_TYPES[Path(name).suffix], headers=headers)


def routes(bases: Iterable[str]) -> list[Route]:
    """For the server, below each of these paths."""
    return [Route(f"/{base}/components/{{version}}/{{name:path}}".replace("//", "/"), _file) for base in bases]
