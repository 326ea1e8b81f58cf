"""The process behind `otto wyoming`: it listens at an address, and tells the house where it is.

    server = WyomingServer(settings, "tcp://127.0.0.1:10800")
    server.run(ready)                       # until SIGTERM or Ctrl-C

The protocol knows no password: who can connect can command. So the address is this machine unless another is asked for,
and what is risky asks for a yes in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

from wyoming.event import async_write_event

from otto.announce import Desktop
from otto.asker import Asker
from otto.config import Settings
from otto.daemon.unixsocket import bind, unlink
from otto.errors import OttoError
from otto.ringer import Ringer
from otto.service.parts import Service
from otto.service.token import open_token
from otto.turn import Assistant
from otto.wyoming.connection import Connection
from otto.wyoming.framing import MOST_LINE, FramingError, read_event

log = logging.getLogger(__name__)

PORT = 10800
MOST_CONNECTIONS = 64
QUIET_SECONDS = 600.0
"""A connection over which nothing comes for so long is closed."""
STOP_SECONDS = 3.0


class WyomingError(OttoError):
    """The service cannot be started. Seen by the user."""


class WyomingServer:
    """One service. `run` returns when it was told to stop."""

    def __init__(
        self, settings: Settings, uri: str, *, zeroconf: str = "", progress: Callable[[str, float], None] | None = None
    ) -> None:
        """`uri`: `tcp://HOST:PORT` (port 0: any that is free) or `unix://PATH`. `zeroconf`: a name to be found by.
        Raises `WyomingError`, `DaemonError`."""
        self._path: Path | None = None
        self._socket = self._listening(uri)
        self.port = 0 if self._path else self._socket.getsockname()[1]
        self._zeroconf = zeroconf
        asker = Asker()
        self._otto = Assistant(settings, asker.ask, progress=progress)
        self._ringer = Ringer(self._otto.store, Desktop(), self._otto.clock)
        self._service = Service.of(self._otto, asker, open_token(settings), self._ringer.wake)
        self._questions: dict[str, str] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Until SIGTERM, Ctrl-C or `stop`. `ready` is called when connections are taken."""
        self._ringer.start()
        self._otto.live.watch()
        try:
            asyncio.run(self._run(ready))
        finally:
            self._service.close(STOP_SECONDS)
            self._ringer.stop(1.0)
            self._otto.close()
            if self._path:
                unlink(self._path, self._socket)
            self._socket.close()

    def stop(self) -> None:
        """Ends `run` soon; from any thread."""
        if self._loop:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def _run(self, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self._signalled)
        if self._path:
            server = await asyncio.start_unix_server(self._connected, sock=self._socket, limit=MOST_LINE)
        else:
            server = await asyncio.start_server(self._connected, sock=self._socket, limit=MOST_LINE)
        async with self._announced():
            ready()
            await self._stopping.wait()
        server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _signalled(self) -> None:
        if self._stopping.is_set():
            os._exit(130)  # asked twice: at once
        self._stopping.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._held(reader, writer)
        except (FramingError, TimeoutError, OSError) as error:
            log.info("a Wyoming connection ended: %s", error or type(error).__name__)
        except asyncio.CancelledError:
            pass  # the service ends, or its loop does; the connection ends either way
        finally:
            self._connections.discard(task)
            writer.close()

    async def _held(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._service, self._questions)
        while True:
            async with asyncio.timeout(QUIET_SECONDS):
                event = await read_event(reader)
            if event is None:
                return
            async for answer in connection.answers(event):
                await async_write_event(answer, writer)

    def _listening(self, uri: str) -> socket.socket:
        parts = urlsplit(uri)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme == "unix" and parts.path:
            self._path = Path(parts.path)
            return bind(self._path)
        if parts.scheme != "tcp" or not parts.hostname or port is None:
            raise WyomingError(
                f"{uri!r} is no address: write tcp://127.0.0.1:{PORT} (ports end at 65535) or unix:///path/to/socket"
            )
        family = socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET
        try:
            return socket.create_server((parts.hostname, port), family=family)
        except OSError as error:
            raise WyomingError(f"{uri} cannot be listened at: {error.strerror}; choose another port or host") from error

    @contextlib.asynccontextmanager
    async def _announced(self) -> AsyncIterator[None]:
        """Has Home Assistant find the service by itself (mDNS, `_wyoming._tcp`), as long as this lasts."""
        if not self._zeroconf or self._path:
            yield
            return
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

        kind, host = "_wyoming._tcp.local.", self._socket.getsockname()[0]
        address = _own_address() if ipaddress.ip_address(host).is_unspecified else host
        async with AsyncZeroconf() as network:
            service = AsyncServiceInfo(
                kind, f"{self._zeroconf}.{kind}", addresses=[ipaddress.ip_address(address).packed], port=self.port
            )
            await network.async_register_service(service)
            yield
            await network.async_unregister_service(service)


def _own_address() -> str:
    """The address by which this machine is reached; a connected datagram socket knows it, and nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("224.0.0.251", 5353))
        except OSError as error:
            raise WyomingError(f"There is no network to be found in: {error.strerror}; leave out --zeroconf") from error
        return str(asking.getsockname()[0])


def local(uri: str) -> bool:
    """Whether only this machine can reach the address."""
    host = urlsplit(uri).hostname
    if host is None or host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
