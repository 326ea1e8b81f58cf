"""A web service with an HTTP API and a key: asked with patience, and without asking twice what must happen once.

    with Service("https://api.example.org/v1", key="…") as service:
        service.send("GET", "/models")
        service.send("POST", "/fine_tuning/jobs", json={...}, repeatable=False)

Too many requests (429) and failures of the server (5xx) are tried again, later each time, or when the server says so
(`Retry-After`), which holds up all threads that share the service. A request that must not happen twice is repeated
only where it surely has not happened.
"""

from __future__ import annotations

import json as jsons
import random
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otto.errors import OttoError, shorten

if TYPE_CHECKING:
    import httpx

LONGEST_PAUSE = 600.0
"""Seconds; a server that asks for more is given up."""
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; it doubles each time, and varies by half."""
_BUSY = frozenset([408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529])
_REFUSED_UNDONE = frozenset([429, 503])
"""What a server answers that has not begun."""


class ServiceError(OttoError):
    """A service refused, or gave no answer. The message names it and what it said."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        """`status`: what the server answered last; 0: nothing."""
        self.status = status
        super().__init__(message)


class Stopped(OttoError):
    """The service was closed while a request waited."""


class Service:
    """One service; may be used by several threads."""

    def __init__(
        self, address: str, key: str = "", *, seconds: float = 120.0, attempts: int = 6, per_minute: float = 0.0
    ) -> None:
        """`seconds`: for one attempt. `per_minute`: requests, at most; 0: no limit."""
        import httpx

        self.address = address.rstrip("/")
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServiceError(f"{shorten(address)!r} is no address such as https://api.openai.com/v1")
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        self.host = parts.netloc.rpartition("@")[2]
        self.retries = 0
        """How often something was asked again."""
        self._key = key
        self._attempts = attempts
        self._gap = 60 / per_minute if per_minute else 0.0
        self._client = httpx.Client(
            timeout=httpx.Timeout(seconds, connect=min(seconds, 20)),
            headers={"authorization": f"Bearer {key}"} if key else {},
            trust_env=not local,
        )
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._stopped = threading.Event()

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stop(self) -> None:
        """Ends all waiting between attempts; whoever waits gets `Stopped`. What is being answered is let in."""
        self._stopped.set()

    def close(self) -> None:
        """Ends everything."""
        self.stop()
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        parameters: Mapping[str, str] | None = None,
        repeatable: bool = True,
        attempts: int = 0,
    ) -> Any:
        """The answer's JSON, of whatever shape. `path` begins with a slash; `attempts`: 0 means the service's own
        number. Raises `ServiceError`, `Stopped`."""
        most = attempts or self._attempts
        return self._read(
            self._sent(method, path, repeatable, most, json=json, data=form, files=files, params=parameters)
        )

    def fetch(self, path: str) -> bytes:
        """The bytes of a file of the service."""
        return self._sent("GET", path, True, self._attempts, follow_redirects=True).content

    def _sent(self, method: str, path: str, repeatable: bool, attempts: int, **content: Any) -> httpx.Response:
        import httpx

        for attempt in range(1, attempts + 1):
            self._wait_for_turn()
            wanted = 0.0
            status = 0
            try:
                response = self._client.request(method, self.address + path, **content)
                status = response.status_code
                if 200 <= status < 300:
                    return response
                trouble = ServiceError(
                    f"{self.host} answered with error {status}: {self._said(response)}", status=status
                )
                again = status in (_BUSY if repeatable else _REFUSED_UNDONE)
                wanted = _wanted_pause(response.headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                trouble, again = ServiceError(f"{self.host} cannot be reached: {error or type(error).__name__}"), True
            except (httpx.TransportError, httpx.DecodingError) as error:
                trouble = ServiceError(f"{self.host} did not answer to the end: {error or type(error).__name__}")
                again = repeatable
            if self._stopped.is_set():
                raise Stopped(f"{self.host}: stopped")
            if wanted > LONGEST_PAUSE:
                raise ServiceError(f"{trouble} (it asks to wait for {wanted:.0f} seconds)", status=status)
            if not again or attempt == attempts:
                raise trouble
            self.retries += 1
            pause = wanted or min(60.0, FIRST_PAUSE * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311
            if status == 429:
                self._hold(pause)
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _read(self, response: httpx.Response) -> Any:
        if not response.content.strip():
            return {}
        try:
            return jsons.loads(response.content)
        except (ValueError, RecursionError) as error:
            raise ServiceError(
                f"{self.host} answered with something that is no JSON: {shorten(response.text)!r}"
            ) from error

    def _said(self, response: httpx.Response) -> str:
        """What the server complains about, without the key that some repeat."""
        text = response.text
        try:
            content = response.json()
            error = content.get("error", content) if isinstance(content, Mapping) else content
            told = error.get("message") or error.get("detail") if isinstance(error, Mapping) else error
            text = told if isinstance(told, str) else jsons.dumps(told or content)
        except (ValueError, RecursionError):
            pass
        if self._key:
            text = text.replace(self._key, "…")
        return shorten(" ".join(text.split()), 300) or response.reason_phrase

    def _wait_for_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            at = max(now, self._free_at)
            self._free_at = at + self._gap
        self._sleep(at - now)

    def _hold(self, pause: float) -> None:
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic() + pause)

    def _sleep(self, seconds: float) -> None:
        if self._stopped.wait(max(0.0, seconds)):
            raise Stopped(f"{self.host}: stopped")


def _wanted_pause(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait; 0 where it says nothing (RFC 9110, 10.2.3)."""
    if (milliseconds := headers.get("retry-after-ms", "")).isdecimal():
        return max(0.001, int(milliseconds) / 1000)
    text = headers.get("retry-after", "").strip()
    try:
        return max(0.001, float(text)) if text else 0.0
    except ValueError:
        pass
    try:
        return max(0.001, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
