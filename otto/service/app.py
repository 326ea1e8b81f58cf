"""The application: every operation behind one guard.

    app(service)                                        # Starlette; any ASGI server runs it
    app(service, routes=[Mount("/mcp", mcp)], rules={"/mcp": Rule(most_bytes=1 << 20)})

What else hangs onto the server (a page, MCP) comes as routes, with a `Rule` for each path that differs from the usual:
JSON of at most 64 kB, and a token.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otto.errors import OttoError
from otto.service import api, coach, login, openai, page
from otto.service.description import described
from otto.service.guard import LOCAL_HOSTS, Guard, Rule
from otto.service.listen import Listening
from otto.service.metrics import Metrics
from otto.service.operation import NAME, Given, Operation
from otto.service.parts import Service
from otto.service.refusal import body, refused

LISTEN = "/api/listen"


def operations(service: Service) -> list[Operation]:
    """Everything that the description describes."""
    return [
        *api.operations(service),
        *coach.operations(service),
        *login.operations(service.token),
        *openai.operations(service),
    ]


def app(
    service: Service,
    *,
    routes: Sequence[BaseRoute] = (),
    rules: Mapping[str, Rule] | None = None,
    hosts: frozenset[str] = LOCAL_HOSTS,
) -> Starlette:
    """`routes` are asked after Otto's own. `rules`: see `Guard`. `hosts`: names that the server goes by."""
    offered = operations(service)
    whole = described(offered)

    async def description(given: Given) -> Response:
        return JSONResponse(whole)

    offered.append(Operation("GET", "/openapi.json", "This description", description, public=True))
    return Starlette(
        routes=[
            *(each.route() for each in offered),
            WebSocketRoute(LISTEN, Listening(service).hold),
            *page.routes(),
            *_mcp(service),
            *routes,
        ],
        middleware=[
            Middleware(Counted, metrics=service.metrics),
            Middleware(
                Guard, rules={**_rules(offered), **page.RULES, **(rules or {})}, token=service.token, hosts=hosts
            ),
        ],
        exception_handlers={OttoError: refused, HTTPException: _unknown, ClientDisconnect: _gone},
    )


def _rules(offered: Sequence[Operation]) -> dict[str, Rule]:
    """One path may have several methods; only one of them takes a body."""
    found: dict[str, Rule] = {}
    for each in sorted(offered, key=lambda each: each.method):
        found[each.path] = Rule(each.media, each.most_bytes, each.public)
    return found


def _mcp(service: Service) -> list[BaseRoute]:
    """Where MCP hosts reach the skills, if the extra `mcp` is there."""
    if not find_spec("mcp"):
        return []
    from otto.mcp.http import route

    return [route(service)]


async def _unknown(request: Request, error: Exception) -> Response:
    """No such path, or not with this method."""
    assert isinstance(error, HTTPException)
    sentence = body(request.url.path, error.status_code, f"{error.detail}: {request.method} {request.url.path}")
    return JSONResponse(sentence, error.status_code, error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    """Whoever asked has left in the midst of the request: nobody reads this."""
    return Response(status_code=400)


class Counted:
    """Tells the metrics what was answered, and how long that took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            # Only names of operations: a path is the caller's choice, and there is no end to them.
            self._metrics.request(scope.get(NAME, "none"), status, time.perf_counter() - started)
