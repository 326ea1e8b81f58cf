"""The process behind `otto serve`: sockets, signals, and an end in time.

    server = Server(settings, port=8765)
    server.run(ready)                       # until SIGTERM, Ctrl-C or `stop`

A Unix socket for this user always; TCP only with a port, and only on this machine. Timers ring here, too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from otto.announce import Desktop
from otto.asker import Asker
from otto.config import Folders, Settings
from otto.daemon.unixsocket import bind, socket_path, unlink
from otto.errors import OttoError
from otto.lock import FileLock
from otto.ringer import Ringer
from otto.service.app import app
from otto.service.engines import Engines
from otto.service.listen import MOST_FRAME
from otto.service.parts import Service
from otto.service.protocol import Protocol
from otto.service.token import open_token
from otto.store import Alert
from otto.turn import Assistant

FINISH_SECONDS = 3
"""How long what is being answered may take when the service ends."""
STORE_SECONDS = 1.0
STOP_SECONDS = 5.0
"""What stopping takes at most."""
KEEP_SECONDS = 75
"""How long a connection may rest between two requests: longer than a client that thinks for a minute."""
HOST = "127.0.0.1"


class ServeError(OttoError):
    """The service cannot be started. Seen by the user."""


class Server:
    """One service. `run` returns when it was told to stop."""

    def __init__(
        self,
        settings: Settings,
        *,
        port: int | None = None,
        where: Folders | None = None,
        path: Path | None = None,
        announce: Callable[[Alert, bool], None] | None = None,
        make: Callable[[Service], ASGIApp] = app,
        engines: Callable[[Assistant], Engines] | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> None:
        """`port`: of TCP on this machine; 0: any that is free; None: the Unix socket only. `path`: of that socket.
        `make`: the application, for whoever adds to it. `engines`: what transcribes; None: what the settings say.
        Raises `ServeError`, `DaemonError`, `TokenError`."""
        self.path = path or socket_path("serve")
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(self.path.with_suffix(".lock"))
        if not self._lock.take():
            raise ServeError(
                f"otto serve is running already, at {self.path}. Stop it first, or open it: otto serve --token --port …"
            )
        with ExitStack() as undone:  # what was taken is given back where something further fails
            undone.callback(self._lock.release)
            self._unix = bind(self.path)
            undone.callback(unlink, self.path, self._unix)
            self._tcp = _listen(port) if port is not None else None
            self.port: int | None = self._tcp.getsockname()[1] if self._tcp else None
            if self._tcp:
                undone.callback(self._tcp.close)
            token = open_token(settings)
            asker = Asker()
            self._otto = Assistant(settings, asker.ask, where=where, progress=progress)
            undone.pop_all()
        self._ringer = Ringer(self._otto.store, announce or Desktop(), self._otto.clock)
        hears = engines(self._otto) if engines else None
        self.service = Service.of(self._otto, asker, token, self._ringer.wake, hears)
        self._told: Callable[[], None] = lambda: None
        self._uvicorn = _Uvicorn(_config(make(self.service)), ready=self._ready)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Until SIGTERM, Ctrl-C or `stop`; then `leave` ends the process. `ready` is called when requests are
        answered."""
        _allow_many_connections()
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # not a line for each request that is none
        logging.getLogger("uvicorn.error").addFilter(_own_fault)
        self._told = ready
        self._ringer.start()
        self._otto.live.watch()
        try:
            asyncio.run(self._serve())
        finally:
            self._close()

    def stop(self) -> None:
        """Ends `run` soon; from any thread."""
        self._uvicorn.should_exit = True

    async def _serve(self) -> None:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._signalled)
        await self._uvicorn.serve([each for each in (self._unix, self._tcp) if each])

    def _ready(self) -> None:
        self._told()

    def _signalled(self) -> None:
        if self._uvicorn.should_exit:
            os._exit(130)  # asked twice: at once
        watchdog = threading.Timer(STOP_SECONDS, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()
        self.stop()
        # What waits is told so at once; only what is carried out may finish.
        threading.Thread(target=self.service.close, args=(FINISH_SECONDS - 0.5,), daemon=True).start()

    def _close(self) -> None:
        self.service.close(0.2)
        self._ringer.stop(STORE_SECONDS)
        self._otto.close()
        unlink(self.path, self._unix)
        self._lock.release()


def _config(application: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=MOST_FRAME,
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )


class _Uvicorn(uvicorn.Server):
    """Leaves signals to `Server`, and says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _listen(port: int) -> socket.socket:
    """A TCP socket of this machine, which no other machine reaches."""
    # Named as TCP, or else asyncio leaves Nagle's algorithm on, and answers wait 40 ms for an acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise ServeError(
            f"Port {port} cannot be used: {error.strerror}. Choose another; --port 0 takes any that is free."
        ) from error
    return listening


def _own_fault(record: logging.LogRecord) -> bool:
    """Not a traceback for each frame of a WebSocket that is no text: who sends it is told by the closing code."""
    return not record.getMessage().startswith("Invalid UTF-8")


def _allow_many_connections() -> None:
    """As many open files as the system lets this process have."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def login_link(port: int, code: str) -> str:
    """What to open in a browser: good once, for two minutes."""
    return f"http://{HOST}:{port}/login#{code}"
