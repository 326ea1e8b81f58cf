"""The one door to the network: every skill asks here, and so none can be talked into asking elsewhere.

    >>> fetch("https://api.open-meteo.com/v1/forecast?latitude=52.5", hosts={"api.open-meteo.com"}).json()

- https to hosts that the caller lists, on port 443; every address that a name has is checked, and the connection goes
  to the checked address, so that a second answer of the name server changes nothing (DNS rebinding).
- A user's own endpoint is allowed as an *origin*, such as `origins={"http://localhost:11434"}`: that scheme, host and
  port may be plain http and on the local network. Never pass an origin that came from a model, a feed or a sentence.
- At most three redirects, each checked like the first; the caller's headers are not shown to another host.
- Ten seconds in all, looking up the name included, and two megabytes, counted after decompression.

Whatever goes wrong is a `FetchError` with a sentence for the user. Proxies from the environment are not used: behind
one, the address that is checked would not be the one that is reached.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from otto.errors import FetchError
from otto.network.address import literal

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0
"""For one `fetch`, redirects included."""
MAX_BYTES = 2_000_000
"""In a body, after decompression."""
MAX_REDIRECTS = 3
MAX_URL = 4096
"""Characters in an address."""

USER_AGENT = "otto-assistant"
_REDIRECTS = (301, 302, 303, 307, 308)
_KEPT = ("accept", "accept-language", "user-agent")  # headers that another host may see
_BROKEN = "{host} answered with something that I can't read."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    url: str
    """Where it came from, after redirects."""
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case; of several with one name, the last."""
    body: bytes = b""
    """Decompressed."""

    def json(self) -> Any:
        """The body read as JSON, of whatever shape. Raises `FetchError` where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise FetchError(_BROKEN.format(host=urlsplit(self.url).hostname), status=self.status) from error

    def text(self) -> str:
        """The body as text; what does not fit its character set becomes U+FFFD."""
        charset = self.headers.get("content-type", "").lower().partition("charset=")[2].split(";")[0].strip("\"' ")
        try:
            return self.body.decode(charset or "utf-8", errors="replace")
        except LookupError:
            return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart and found to be allowed."""

    scheme: str
    host: str
    port: int
    path: str
    trusted: bool
    """Allowed as an origin: may be local."""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port, as the header Host has them."""
        return str(Target(*self.origin, "", False)).partition("://")[2]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


_PORTS = {"https": 443, "http": 80}


def fetch(
    url: str,
    *,
    hosts: Collection[str] = (),
    origins: Collection[str] = (),
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    seconds: float = SECONDS,
    max_bytes: int = MAX_BYTES,
) -> Answer:
    """What the server at `url` answers with a status from 200 to 299.

    `hosts`: names that may be asked over https, exact ones. `origins`: the user's own endpoints, see above. `body` is
    sent as it is; its type belongs in `headers`. Raises `FetchError`, with the status where there was one.
    """
    deadline = time.monotonic() + seconds
    target = allowed(url, hosts, origins)
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    for _ in range(MAX_REDIRECTS + 1):
        answer = _exchange(target, method, sent, body, deadline, max_bytes)
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            if not 200 <= answer.status < 300:
                raise FetchError(f"{target.host} answered with error {answer.status}.", status=answer.status)
            return answer
        following = allowed(urljoin(str(target), answer.headers["location"]), hosts, origins)
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", b""
        if following.origin != target.origin:
            if body:
                raise FetchError(f"{target.host} sends me elsewhere, and I don't pass on what I was asked to send.")
            sent = {name: value for name, value in sent.items() if name in _KEPT}
        target = following
    raise FetchError(f"{target.host} keeps sending me elsewhere.")


def transport(
    *, hosts: Collection[str] = (), origins: Collection[str] = (), seconds: float = SECONDS, max_bytes: int = MAX_BYTES
) -> httpx.BaseTransport:
    """The same door for a library with its own httpx client: no redirects, `seconds` a request."""
    import httpx

    class Door(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            target = allowed(str(request.url), hosts, origins)
            deadline = time.monotonic() + seconds
            answer = _exchange(target, request.method, headers, request.read(), deadline, max_bytes)
            kept = {name: value for name, value in answer.headers.items() if name not in _DECODED}
            return httpx.Response(answer.status, headers=kept, content=answer.body, request=request)

    return Door()


_DECODED = ("content-encoding", "content-length", "transfer-encoding")  # no longer true of a body that was read


def allowed(url: str, hosts: Collection[str], origins: Collection[str]) -> Target:
    """`url` taken apart, when the caller may ask there."""
    try:
        target = _taken_apart(url)
        trusted = target.origin in {_taken_apart(origin).origin for origin in origins}
    except (ValueError, UnicodeError) as error:
        raise FetchError(f"I may not open that address: {error}.") from error
    if trusted:
        return Target(*target.origin, target.path, True)
    if target.scheme != "https" or target.port != 443:
        raise FetchError(f"I may not open that address: {target.host} is only asked over https.")
    if target.host not in {host.lower().rstrip(".") for host in hosts}:
        raise FetchError(f"I may not open that address: {target.host} is not one of this skill's hosts.")
    return target


def _taken_apart(url: str) -> Target:
    """Raises `ValueError` for what is no plain http address; the port is the scheme's where none is given."""
    if len(url) > MAX_URL or any(character <= " " or character in "\\\x7f" for character in url):
        raise ValueError("it is not written as an address")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("it is not a plain https address")
    host = parts.hostname
    if not host.isascii():
        host = host.encode("idna").decode("ascii").lower()
    host = host.rstrip(".")
    if (number := literal(host)) is not None:
        host = number
    elif not host or not all(character.isalnum() or character in "-._" for character in host):
        raise ValueError("its host is not a name")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]") if parts.query else ""
    port = parts.port if parts.port is not None else _PORTS[parts.scheme]
    return Target(parts.scheme, host, port, path + query, False)


def _exchange(
    target: Target, method: str, headers: Mapping[str, str], body: bytes, deadline: float, max_bytes: int
) -> Answer:
    """One request, one answer; no redirects, any status."""
    import httpcore

    from otto.network.connection import certificates, pinned

    fixed = {"accept-encoding": "gzip", "connection": "close"}
    if body or method not in ("GET", "HEAD"):
        fixed["content-length"] = str(len(body))
    sent = {"host": target.authority, "user-agent": USER_AGENT, "accept": "*/*", **headers, **fixed}
    encoded: list[tuple[bytes | str, bytes | str]] = [(name.encode(), value.encode()) for name, value in sent.items()]
    address = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    try:
        pool = httpcore.ConnectionPool(
            ssl_context=certificates() if target.scheme == "https" else None,
            network_backend=pinned(target.host, local=target.trusted, deadline=deadline),
        )
        with pool, pool.stream(method, address, headers=encoded, content=body) as response:
            received = {
                name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in response.headers
            }
            encoding = received.get("content-encoding", "")
            content = _content(response.iter_stream(), encoding, target.host, deadline, max_bytes)
            return Answer(str(target), response.status, received, content)
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise FetchError(f"{target.host} took too long to answer.") from error
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError, zlib.error) as error:
        raise FetchError(_BROKEN.format(host=target.host)) from error
    except (httpcore.NetworkError, OSError) as error:
        raise FetchError(f"I couldn't reach {target.host}.") from error


def _content(chunks: Iterable[bytes], encoding: str, host: str, deadline: float, max_bytes: int) -> bytes:
    """The body, unpacked bit by bit: what would become too large is never held."""
    if encoding.lower() not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise FetchError(_BROKEN.format(host=host))
    unpack = zlib.decompressobj(wbits=47) if "gzip" in encoding.lower() or "deflate" in encoding.lower() else None
    content = bytearray()
    packed = 0
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise TimeoutError
        packed += len(chunk)
        content += unpack.decompress(chunk, max_bytes + 1 - len(content)) if unpack else chunk
        if packed > max_bytes or len(content) > max_bytes:
            raise FetchError(f"{host} answered with more than I can read.")
    if unpack and packed and not unpack.eof:
        raise FetchError(_BROKEN.format(host=host))
    return bytes(content)
