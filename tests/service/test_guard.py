"""Who gets in (docs/reliability.md 5.1): exactly the allowed combinations run a call."""

from __future__ import annotations

import itertools
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from otto.service import guard
from otto.service.guard import Guard, Rule
from otto.service.protocol import HEAD_SECONDS
from otto.service.run import Server
from otto.service.token import COOKIE_SECONDS, Token, TokenError, open_token

GOOD, EVIL = "127.0.0.1:{port}", "evil.example:{port}"
ORIGINS = {"none": None, "own": "http://127.0.0.1:{port}", "evil": "http://evil.example", "null": "null"}
REQUESTS = {
    "right": ("POST", "application/json", "right"),
    "no token": ("POST", "application/json", ""),
    "wrong token": ("POST", "application/json", "wrong"),
    "wrong type": ("POST", "text/plain", "right"),
    "get": ("GET", "", "right"),
}
FORTY = list(itertools.product((GOOD, EVIL), ORIGINS, REQUESTS))


def expected(host: str, origin: str, request: str) -> int:
    if host is EVIL:
        return 421
    if origin in ("evil", "null"):
        return 403
    return {"right": 200, "no token": 401, "wrong token": 401, "wrong type": 415, "get": 405}[request]


def exchange(server: Server, method: str, headers: dict[str, str | None], body: bytes) -> int:
    """One raw request: a client library would put some of it right. Its status."""
    lines = [f"{method} /api/ask HTTP/1.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return int(connection.makefile("rb").readline().split()[1])


def test_of_forty_combinations_exactly_the_allowed_run_a_call(server: Server, history: Callable[[], list[str]]) -> None:
    ran: list[str] = []
    for number, (host, origin, request) in enumerate(FORTY):
        method, media, token = REQUESTS[request]
        words = f"paint the wall number {number}"
        secret = {"right": server.service.token.secret, "wrong": "x" * 43, "": None}[token]
        status = exchange(
            server,
            method,
            {
                "Host": host.format(port=server.port),
                "Origin": (ORIGINS[origin] or "").format(port=server.port) or None,
                "Content-Type": media or None,
                "Authorization": f"Bearer {secret}" if secret else None,
            },
            json.dumps({"text": words}).encode() if method == "POST" else b"",
        )
        assert status == expected(host, origin, request), (host, origin, request)
        if status == 200:
            ran.append(words)
    assert len(FORTY) == 40 and len(ran) == 2
    assert [text for text in reversed(history()) if "number" in text] == ran


def test_over_the_unix_socket_only_the_token_may_be_left_out(server: Server) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(server.path)), base_url="http://localhost") as client:
        body = {"text": "paint the wall"}
        assert client.post("/api/route", json=body).status_code == 200
        assert client.post("/api/route", json=body, headers={"Host": "evil.example"}).status_code == 421
        assert client.post("/api/route", json=body, headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.post("/api/route", content=b"{}").status_code == 415


def test_no_operation_acts_on_get(server: Server, client: httpx.Client, history: Callable[[], list[str]]) -> None:
    before = history()
    described = client.get("/openapi.json").json()["paths"]
    acting = [path for path, methods in described.items() if "post" in methods]
    assert len(acting) >= 9
    for path in acting:
        assert client.get(path, params={"text": "paint the wall"}).status_code == 405
    for method in ("PUT", "DELETE", "PATCH"):
        assert client.request(method, "/api/ask", json={"text": "paint"}).status_code == 405
    assert history() == before


def test_only_what_is_public_is_told_without_a_token(server: Server, client: httpx.Client) -> None:
    public = {"/health", "/login", "/login.js", "/openapi.json"}
    described = client.get("/openapi.json").json()["paths"]
    with httpx.Client(base_url=client.base_url, trust_env=False) as stranger:
        for path in ("/openapi.json", *(path for path, methods in described.items() if "get" in methods)):
            status = stranger.get(path.replace("{name}", "paint")).status_code
            assert status == (200 if path in public else 401), path
        for path, methods in described.items():
            if "post" in methods:
                status = stranger.post(path, json={"code": "1"}).status_code
                assert status == 401, path


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused_before_it_is_read(server: Server, chunked: bool) -> None:
    head = [
        "POST /api/ask HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Content-Type: application/json",
        f"Authorization: Bearer {server.service.token.secret}",
        "Transfer-Encoding: chunked" if chunked else "Content-Length: 65537",
    ]
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        if chunked:
            connection.sendall(b"10001\r\n" + b" " * 0x10001 + b"\r\n")
        assert connection.makefile("rb").readline().split()[1] == b"413"
    assert time.monotonic() - started < 1.5, "nothing of the body had to come"


def test_a_body_of_64_kb_is_read(server: Server, client: httpx.Client) -> None:
    body = b'{"text": "paint"' + b" " * (65_536 - 17) + b"}"
    assert len(body) == 65_536
    answer = client.post("/api/route", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_a_body_that_does_not_come_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    head = f"POST /api/ask HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {server.service.token.secret}\r\nContent-Length: 10\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(head.encode())
        assert connection.makefile("rb").readline().split()[1] == b"408"


def test_a_rule_is_for_its_path_and_for_what_lies_under_it_only_where_it_says_so() -> None:
    async def nothing(*_: object) -> None:
        raise AssertionError("it is not called")

    rules = {"/": Rule(public=True), "/mcp/*": Rule(most_bytes=1), "/mcp/open": Rule(public=True)}
    guarded = Guard(nothing, rules, Token("s" * 43))
    found = [guarded._rule(path) for path in ("/", "/api/ask", "/mcp/one", "/mcp/open", "/mcpx", "//")]
    assert found == [Rule(public=True), Rule(), Rule(most_bytes=1), Rule(public=True), Rule(), Rule()]


def test_who_leaves_in_the_midst_of_a_request_leaves_no_trace(
    server: Server, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"POST /api/ask HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {server.service.token.secret}\r\nContent-Length: 10\r\n\r\n"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(head.encode() + b"{")
    answered_within_a_second(client)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@contextmanager
def half_open(server: Server, number: int) -> Iterator[list[socket.socket]]:
    """Connections that have sent a part of a request, or nothing."""
    begun = (b"", b"P", b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"GET /health HTTP/1.1\r\nX: " + b"a" * 500)
    with ExitStack() as opened:
        found = []
        for place in range(number):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            connection.sendall(begun[place % len(begun)])
            found.append(connection)
        yield found


def answered_within_a_second(client: httpx.Client) -> None:
    started = time.monotonic()
    answer = client.post("/api/ask", json={"text": "paint the wall"}, headers={"Connection": "close"})
    assert answer.status_code == 200 and time.monotonic() - started < 1.0


def test_half_open_connections_keep_nobody_waiting(server: Server, client: httpx.Client) -> None:
    with half_open(server, 100):
        for _ in range(5):
            answered_within_a_second(client)


@pytest.mark.nightly
def test_a_thousand_half_open_connections_for_a_minute_keep_nobody_waiting(
    server: Server, client: httpx.Client
) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:  # they are closed after `HEAD_SECONDS`, so they are opened again
        with half_open(server, 1000):
            renewed = time.monotonic() + HEAD_SECONDS - 1
            while time.monotonic() < min(renewed, until):
                answered_within_a_second(client)
                time.sleep(0.5)


def test_a_connection_that_says_nothing_is_closed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otto.service.protocol.HEAD_SECONDS", 0.2)
    with half_open(server, 4) as connections:
        for connection in connections:
            connection.settimeout(5)
            assert connection.recv(1000) == b""


def test_of_too_many_connections_the_oldest_silent_one_goes(
    server: Server, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otto.service.protocol.MOST", 10)
    with half_open(server, 30) as connections:
        connections[0].settimeout(5)
        with suppress(ConnectionResetError):
            assert connections[0].recv(1000) == b""
        answered_within_a_second(client)


def test_a_login_link_works_once_and_the_cookie_only_from_the_own_page(server: Server) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as browser:
        assert "login.js" in browser.get("/login").text and browser.get("/login.js").status_code == 200
        code = server.service.token.code()
        own = {"Origin": f"http://127.0.0.1:{server.port}"}
        answer = browser.post("/api/login", json={"code": code}, headers=own)
        assert answer.status_code == 200
        kept = answer.headers["set-cookie"]
        assert "HttpOnly" in kept and "SameSite=strict" in kept and server.service.token.secret not in kept
        assert browser.get("/api/skills").status_code == 200
        assert browser.post("/api/route", json={"text": "paint"}, headers=own).status_code == 200
        assert browser.post("/api/route", json={"text": "paint"}).status_code == 401, "no page of ours has sent it"
        other = {"Origin": "http://127.0.0.1:1"}
        assert browser.post("/api/route", json={"text": "paint"}, headers=other).status_code == 403
        assert browser.post("/api/login", json={"code": code}).status_code == 401


def test_sealed_things_hold_for_their_time_and_purpose_and_not_if_changed() -> None:
    now = [1000.0]
    token = Token("s" * 43, clock=lambda: now[0])
    code = token.code()
    assert not token.knows(code), "a code is no cookie"
    cookie = token.redeem(code)
    assert cookie is not None and token.knows(cookie)
    assert Token("t" * 43, clock=lambda: now[0]).knows(cookie) is False
    draw = random.Random(0)
    for _ in range(200):
        place = draw.randrange(len(cookie))
        changed = cookie[:place] + draw.choice("0123456789abcdef-é") + cookie[place + 1 :]
        assert token.knows(changed) == (changed == cookie)
    for broken in ("", "-", "--", "1-2", "é", "9" * 5000):
        assert not token.knows(broken) and token.redeem(broken) is None
    late = token.code()
    now[0] += 121
    assert token.redeem(late) is None and token.knows(cookie)
    now[0] += COOKIE_SECONDS
    assert not token.knows(cookie)


def test_the_token_lies_in_a_file_of_the_user_alone(server: Server) -> None:
    settings = server.service.otto.settings
    path = settings.state_folder / "token"
    assert path.stat().st_mode & 0o777 == 0o600 and open_token(settings).secret == server.service.token.secret
    path.chmod(0o644)
    with pytest.raises(TokenError, match="can be read by others"):
        open_token(settings)
    path.chmod(0o600)


def test_small_answers_are_not_held_back(server: Server, client: httpx.Client) -> None:
    client.get("/health")
    connections = [each.transport for each in server._uvicorn.server_state.connections]
    sockets = [each.get_extra_info("socket") for each in connections]
    tcp = [each for each in sockets if each.family == socket.AF_INET]
    assert tcp and all(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in tcp)
