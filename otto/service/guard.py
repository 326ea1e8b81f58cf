"""Who gets in: Host, Origin, token, content type and size are checked before anything of a request's body is read.

    Guard(app, rules={"/api/ask": Rule(media, most_bytes)}, token=token)

In this order, each with its status: a Host that is not this machine 421 (a name that was made to point here, DNS
rebinding); an Origin that is another page's 403; no token 401; another content type 415; too large 413. Whoever can
open the Unix socket is the user and needs no token; over TCP it is `Authorization: Bearer …`, or the cookie of a login.
A browser sends its cookie whoever asks it to, so that with a cookie nothing is accepted but from Otto's own page.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otto.service.operation import JSON, JSON_BYTES
from otto.service.refusal import Refusal, answer
from otto.service.token import Token

COOKIE = "otto"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
BODY_SECONDS = 15.0
"""How long a body may take to arrive."""
LINGER_SECONDS = 2.0
"""How long what was refused may go on being sent."""
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is let through to a path."""

    media: tuple[str, ...] = JSON
    """Content types of a body."""
    most_bytes: int = JSON_BYTES
    public: bool = False
    """No token needed."""


class Guard:
    """Stands before an application."""

    def __init__(
        self,
        app: ASGIApp,
        rules: Mapping[str, Rule],
        token: Token,
        *,
        hosts: frozenset[str] = LOCAL_HOSTS,
    ) -> None:
        """`rules` by path; one whose path ends in `/*` is for all that lies under it. `hosts`: names, without a port,
        that this machine goes by."""
        self._app = app
        self._rules = rules
        self._token = token
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        rule = self._rule(scope["path"])
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            body = _Body(receive, send, rule.most_bytes)
            receive, send = body.receive, body.send
        try:
            self._check(scope, rule)
        except Refusal as refusal:
            await _refuse(scope, refusal, receive, send)
        else:
            await self._app(scope, receive, send)

    def _rule(self, path: str) -> Rule:
        under = (each for each in self._rules if each.endswith("/*") and path.startswith(each[:-1]))
        return self._rules.get(path) or self._rules.get(max(under, key=len, default="")) or Rule()

    def _check(self, scope: Scope, rule: Rule) -> None:
        """Raises `Refusal`."""
        headers = Headers(scope=scope)
        acts = scope["type"] == "websocket" or scope["method"] not in _SAFE
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in self._hosts:
            raise Refusal(421, "This is not the host that you are looking for.")
        own = self._own_page(headers, hosts[0])
        if not (rule.public or self._known(scope, headers, own or not acts)):
            raise Refusal(401, "A token is needed: Authorization: Bearer …; see: otto serve --token")
        if acts and scope["type"] == "http":
            _check_body(headers, rule)

    def _own_page(self, headers: Headers, host: str) -> bool:
        """Whether Otto's own page sends this; False: no page does. Raises `Refusal` when another page does."""
        origins = headers.getlist("origin")
        if not origins:
            return False
        scheme, _, place = origins[0].lower().partition("://")
        if len(origins) > 1 or scheme not in ("http", "https") or place != host.lower():
            raise Refusal(403, "Other pages may not use Otto.")
        return True

    def _known(self, scope: Scope, headers: Headers, cookie_counts: bool) -> bool:
        server = scope.get("server")
        if server is not None and server[1] is None:
            return True  # the Unix socket: its mode lets nobody in but the user
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._token.matches(given.strip()):
            return True
        if not cookie_counts:
            return False
        return self._token.knows(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))


class _Body:
    """`receive` and `send` of a request with a body: one that is too long or takes too long is given up."""

    def __init__(self, receive: Receive, send: Send, most_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._left = most_bytes
        self._until = time.monotonic() + BODY_SECONDS
        self._whole = False
        """Whether all of it was read, or the other side is gone."""

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            message = await self._next(self._until)
        except TimeoutError:
            raise Refusal(408, "The body of the request did not arrive in time.") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise Refusal(413, "The body of the request is too large.")
        return message

    async def send(self, message: Message) -> None:
        """Where something is answered before the body was read, what still comes is thrown away for a while: a
        connection that is closed on a sender loses the answer, too."""
        if message["type"] != "http.response.body" or message.get("more_body") or self._whole:
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        until = time.monotonic() + LINGER_SECONDS
        with suppress(TimeoutError):
            while not self._whole:
                await self._next(until)
        await self._send({"type": "http.response.body", "body": b""})

    async def _next(self, until: float) -> Message:
        async with asyncio.timeout(until - time.monotonic()):
            message = await self._receive()
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message


def _check_body(headers: Headers, rule: Rule) -> None:
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in rule.media:
        raise Refusal(415, f"Content-Type must be {' or '.join(rule.media)}.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()) or int(length) > rule.most_bytes:
        raise Refusal(413, f"The body of this request may have {rule.most_bytes:,} bytes.")


def _name(host: str) -> str:
    """Without the port."""
    name, _, port = host.lower().rpartition(":")
    return name if name and port.isascii() and port.isdecimal() else host.lower()


async def _refuse(scope: Scope, refusal: Refusal, receive: Receive, send: Send) -> None:
    response = answer(scope["path"], refusal)
    if scope["type"] == "http":
        await response(scope, receive, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        await receive()
        headers = response.raw_headers
        await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": bytes(response.body)})
    else:
        await receive()
        await send({"type": "websocket.close", "code": 1008})
