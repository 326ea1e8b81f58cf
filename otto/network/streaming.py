"""The one network door for answers that come bit by bit, and that somebody may stop in the midst of them.

    interrupt = Interrupt()
    client = httpx.Client(transport=streaming(origins={"http://localhost:8000"}, interrupt=interrupt), trust_env=False)

`interrupt.set()`, from any thread, ends the request at once, whatever it waits for. The rules are those of
`otto/network/fetch.py`: the same hosts and origins, addresses checked and pinned, one deadline, no redirects. It
imports httpx, so import it late.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore
import httpx

import otto.network.connection
from otto.errors import FetchError
from otto.network.fetch import USER_AGENT, Target, allowed

MAX_BYTES = 4_000_000
"""In one answer: a token comes with some hundred bytes around it."""
_OWN = ("host", "connection", "accept-encoding", "transfer-encoding")


class Interrupt:
    """Ends what is under way; from any thread, also before it has begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._set = False

    def set(self) -> None:
        with self._lock:
            self._set = True
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)  # whoever waits for it wakes up; closing would not wake them

    @property
    def is_set(self) -> bool:
        return self._set

    def watch(self, stream: httpcore.NetworkStream) -> None:
        """Remembers the connection; one that comes too late is ended at once."""
        found: Any = stream.get_extra_info("socket")
        with self._lock:
            self._sockets.append(found)
        if self._set:
            self.set()


class _Watched(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend, interrupt: Interrupt) -> None:
        self._inner = inner
        self._interrupt = interrupt

    def connect_tcp(self, host: str, port: int, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, *arguments, **options)
        self._interrupt.watch(stream)
        return stream


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, pool: httpcore.ConnectionPool, target: Target) -> None:
        self._response = response
        self._pool = pool
        self._host = target.host

    def __iter__(self) -> Iterator[bytes]:
        count = 0
        with _told(self._host):
            for chunk in self._response.iter_stream():
                count += len(chunk)
                if count > MAX_BYTES:
                    raise FetchError(f"{self._host} answered with more than I can read.")
                yield chunk

    def close(self) -> None:
        self._response.close()
        self._pool.close()


class _Door(httpx.BaseTransport):
    def __init__(self, hosts: Collection[str], origins: Collection[str], seconds: float, interrupt: Interrupt) -> None:
        self._hosts = hosts
        self._origins = origins
        self._seconds = seconds
        self._interrupt = interrupt

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = allowed(str(request.url), self._hosts, self._origins)
        sent = {name.lower(): value for name, value in request.headers.items() if name.lower() not in _OWN}
        sent |= {"host": target.authority, "user-agent": USER_AGENT, "accept-encoding": "identity"}
        deadline = time.monotonic() + self._seconds
        backend = otto.network.connection.pinned(target.host, local=target.trusted, deadline=deadline)
        certificates = otto.network.connection.certificates() if target.scheme == "https" else None
        pool = httpcore.ConnectionPool(certificates, network_backend=_Watched(backend, self._interrupt))
        encoded: Any = [(name.encode(), value.encode()) for name, value in {**sent, "connection": "close"}.items()]
        address = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        try:
            with _told(target.host):
                asked = httpcore.Request(request.method, address, headers=encoded, content=request.read())
                response = pool.handle_request(asked)
        except FetchError:
            pool.close()
            raise
        headers = [(name, value) for name, value in response.headers if name.lower() != b"transfer-encoding"]
        return httpx.Response(response.status, headers=headers, stream=_Body(response, pool, target), request=request)


def streaming(
    *, hosts: Collection[str] = (), origins: Collection[str] = (), seconds: float, interrupt: Interrupt
) -> httpx.BaseTransport:
    """A transport for a library with its own httpx client. `seconds`: from asking to the end of the answer."""
    return _Door(hosts, origins, seconds, interrupt)


@contextmanager
def _told(host: str) -> Iterator[None]:
    """What httpcore raises, as a sentence for the user."""
    try:
        yield
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise FetchError(f"{host} took too long to answer.") from error
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError) as error:
        raise FetchError(f"{host} broke off in the midst of its answer.") from error
    except (httpcore.NetworkError, OSError) as error:
        raise FetchError(f"I couldn't reach {host}.") from error
