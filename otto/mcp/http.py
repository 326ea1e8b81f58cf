"""MCP over HTTP (its streamable transport, without sessions) as a part of `otto serve`, at `/mcp`.

    app(service, routes=[route(service)])

Each request stands alone and is answered as JSON, so there is nothing to keep, to hijack or to clean up. Host, Origin,
token, content type and size are checked by the service's guard before a request gets here.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from otto.mcp.offer import Carried, Carry, Offer, server
from otto.service.parts import Service
from otto.turn import Understood

PATH = "/mcp"


def route(service: Service) -> Route:
    """Where MCP hosts reach the service's skills."""
    return Route(PATH, Endpoint(Offer(service.otto, through(service))))


def through(service: Service) -> Carry:
    """In turn with everything else that the service is asked for."""

    async def carry(understood: Understood, yes: bool) -> Carried:
        answered = await service.turns.carry_out(understood)
        if answered.confirm:
            answered = await service.turns.confirm(answered.confirm, yes=yes)
        data = next((result.data for result in answered.results if result.data), None)
        return Carried(answered.reply, answered.ok, data)

    return carry


class Endpoint:
    """An ASGI application. What serves the requests starts with the first one and ends with the event loop."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._manager: Any = None
        self._running: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await self._ready.wait()
        await self._manager.handle_request(scope, receive, send)

    async def _run(self) -> None:
        """In a task of its own, for what it opens must be closed by the task that opened it."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        self._manager = StreamableHTTPSessionManager(server(self._offer), json_response=True, stateless=True)
        async with self._manager.run():
            self._ready.set()
            await asyncio.Event().wait()
