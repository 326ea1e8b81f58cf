"""How Otto connects: to an address that was checked, and with every wait ending at one deadline.

`otto/network/fetch.py` hands `pinned(...)` to httpcore as its network backend. It imports httpcore, so import it late.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from functools import cache
from typing import Any

import httpcore

from otto.errors import FetchError
from otto.network.address import is_metadata, literal, refusal


@cache
def certificates() -> ssl.SSLContext:
    """The system's certificates, and certifi's beside them for systems that have none."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def pinned(host: str, *, local: bool, deadline: float) -> httpcore.NetworkBackend:
    """Connects to `host` and nowhere else. `local`: the user allowed this host to be on the local network.

    `deadline`: on the clock of `time.monotonic`. Raises `FetchError` for a forbidden or missing address, and httpcore's
    errors for everything later.
    """
    return _Pinned(host, local, deadline)


class _Pinned(httpcore.NetworkBackend):
    def __init__(self, host: str, local: bool, deadline: float) -> None:
        self.host = host
        self.local = local
        self.deadline = deadline

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        if host != self.host:
            raise httpcore.ConnectError
        addresses = checked_addresses(host, local=self.local, deadline=self.deadline)
        for count, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                # A share of the time each: an address that swallows packets leaves some to the next.
                seconds = _left(self.deadline) / count
                return _Timed(httpcore.SyncBackend().connect_tcp(address, port, seconds), self.deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if count == 1:
                    raise
        raise httpcore.ConnectError


class _Timed(httpcore.NetworkStream):
    """A stream whose reads and writes share one deadline: a server that sends a byte a second gains nothing."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self.inner = inner
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), 16384):
            self.inner.write(buffer[start : start + 16384], _left(self.deadline))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self.inner.start_tls(ssl_context, server_hostname, _left(self.deadline)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout
    return seconds


def checked_addresses(host: str, *, local: bool, deadline: float) -> list[str]:
    """The numeric addresses of `host`, at least one, when every one of them may be reached. Raises `FetchError`."""
    number = literal(host)
    found = _looked_up(host, deadline) if number is None else [number]
    for address in found:
        what = refusal(address)
        if what and not (local and not is_metadata(address)):
            raise FetchError(f"I may not open that address: {host} leads to {what}.")
    if not found:
        raise FetchError(f"I couldn't reach {host}.")
    return found


def _looked_up(host: str, deadline: float) -> list[str]:
    """Asks the name server, in a thread: the system's resolver knows no deadline."""
    found: list[str] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
                found.append(str(address[0]))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(0.0, deadline - time.monotonic()))
    if asking.is_alive():
        raise TimeoutError
    if failed:
        raise FetchError(f"I couldn't reach {host}.") from failed[0]
    return list(dict.fromkeys(found))
