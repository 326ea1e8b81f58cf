"""Connections that say nothing: they are closed after a while, and those that talk are not kept waiting by them.

    uvicorn.Config(app, http=Protocol)

uvicorn waits for the first request of a connection for as long as it takes. Whoever opens a thousand connections and
sends half a line on each would hold them all.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""How long the head of a connection's first request may take."""
MOST = 2000
"""Connections; where more come, those that have sent no request yet are closed, the oldest first."""


class Protocol(H11Protocol):
    """HTTP/1.1 on one connection."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)
        if len(self.connections) > MOST:
            silent = [each for each in self.connections if isinstance(each, Protocol) and each.silent]
            oldest = min(silent, key=lambda each: each.since, default=None)
            if oldest is not None:
                oldest.abort()

    @property
    def silent(self) -> bool:
        """Whether it is open and has sent no whole request yet."""
        request: object = self.cycle  # uvicorn declares it as always there
        return request is None and not self.transport.is_closing()

    @property
    def since(self) -> float:
        """When it was opened, by the loop's clock."""
        return self._patience.when() if self._patience else float("inf")

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._be_patient()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Closes it at once."""
        self.transport.abort()

    def _be_patient(self) -> None:
        if self._patience:
            self._patience.cancel()

    def _give_up(self) -> None:
        if self.silent:
            self.transport.close()
