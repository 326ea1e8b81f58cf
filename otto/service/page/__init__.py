"""The page of `otto serve`: files that a browser shows, which lie in this folder.

    app(service, routes=routes(), rules=RULES)

Nothing private is in them, so they need no token; what they then ask the server for does. All is plain HTML, CSS and
JavaScript modules: there is nothing to build.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from otto.service.guard import Rule
from otto.service.login import SAFE_PAGE

_MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
FILES = tuple(sorted(file for file in Path(__file__).parent.iterdir() if file.suffix in _MEDIA))
RULES = {"/": Rule(public=True), **{f"/page/{file.name}": Rule(public=True) for file in FILES}}


def routes() -> list[BaseRoute]:
    """One route for each file: nothing else can be reached through them."""
    begin = next(_route("/", file) for file in FILES if file.name == "index.html")
    return [begin, *(_route(f"/page/{file.name}", file) for file in FILES)]


def _route(path: str, file: Path) -> Route:
    async def sent(request: Request) -> Response:
        headers = {**SAFE_PAGE, "Cache-Control": "no-cache"}
        return FileResponse(file, media_type=_MEDIA[file.suffix], headers=headers)

    return Route(path, sent, methods=["GET"])
