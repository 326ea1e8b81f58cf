"""The one network door: what it refuses without opening a socket, and how bad servers end as a sentence in time."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otto.errors import FetchError
from otto.network import connection
from otto.network.fetch import Answer, fetch, transport

CONNECTED: list[Any] = []
"""Every address that this process tried to connect to."""
BLOCKED: set[str] = set()
"""Addresses at which the attempt itself ends: there is no internet in a test."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        CONNECTED.append(arguments[1])
        if arguments[1][0] in BLOCKED:
            raise ConnectionRefusedError("blocked by the test")


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def no_connections() -> Iterator[None]:
    CONNECTED.clear()
    BLOCKED.clear()
    yield
    BLOCKED.clear()


LOCAL_FORMS = """
127.0.0.1 127.1 127.255.255.254 2130706433 0x7f000001 0x7f.0x0.0x0.0x1 0x7f.1 017700000001 0177.0.0.1 0177.1 127.0.0.1.
0 0.0.0.0 0.0.0.1 10.0.0.1 10.255.255.255 167772161 172.16.0.1 172.31.255.255 192.168.0.1 0xc0a80001 3232235521
169.254.169.254 169.254.170.2 169.254.0.1 2852039166 0xa9fea9fe 0251.0376.0251.0376 168.63.129.16 100.100.100.200
100.64.0.1 100.127.255.255 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 192.88.99.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 256.1.1.1 1.2.3
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254] [::127.0.0.1]
[::ffff:0:127.0.0.1] [fe80::1] [fe80::1%25eth0] [fe80::1%eth0] [fec0::1] [fc00::1] [fd00:ec2::254] [fd20:ce::254]
[ff02::1] [2002:7f00:1::]
[2002:a00:1::1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [2001::1] [2001:db8::1] [3fff::1] [100::1]
[2a00:1450:4001::5efe:7f00:1] [2a00:1450:4001::200:5efe:10.0.0.1]
""".split()  # noqa: SIM905


@pytest.mark.parametrize("host", LOCAL_FORMS)
def test_no_form_of_a_local_address_opens_a_socket(host: str) -> None:
    bare = host.strip("[]").rstrip(".")
    with pytest.raises(FetchError, match="I may not open that address"):
        fetch(f"https://{host}/", hosts={host, bare, host.strip("[]")})
    assert CONNECTED == []


ADDRESSES = [form.strip("[]") for form in LOCAL_FORMS if ":" in form or form.count(".") == 3 and "x" not in form]


@pytest.mark.parametrize(
    "address", [address for address in ADDRESSES if "%" not in address and not address.endswith(".")]
)
def test_a_name_that_leads_to_a_local_address_opens_no_socket(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, {"api.example.org": [["93.184.216.34", address]]})
    with pytest.raises(FetchError, match="leads to"):
        fetch("https://api.example.org/", hosts={"api.example.org"})
    assert CONNECTED == []


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.org/",
        "https://api.example.org:8443/",
        "https://elsewhere.example.org/",
        "https://api.example.org.evil.example/",
        "https://user:secret@api.example.org/",
        "https://api.example.org@evil.example/",
        "https://evil.example\\@api.example.org/",
        "https://evil.example/\r\nHost: api.example.org",
        "https://api.example.org\t.evil.example/",
        "https:api.example.org",
        "https:///etc/passwd",
        "file:///etc/passwd",
        "ftp://api.example.org/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "javascript:alert(1)",
        "https://[::1",
        "https://api.example.org:99999/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127。0。0。1/",
        "https://api.example.org/" + "a" * 5000,
        "",
    ],
)
def test_only_https_to_the_listed_hosts(url: str) -> None:
    with pytest.raises(FetchError, match="I may not open that address"):
        fetch(url, hosts={"api.example.org", "127.0.0.1"})
    assert CONNECTED == []


def names(monkeypatch: pytest.MonkeyPatch, table: dict[str, list[list[str]]]) -> list[str]:
    """A name server: each question gets the next answer, the last one again and again. Returns what was asked."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def answer(host: str, port: Any, *rest: Any, **options: Any) -> list[Any]:
        if host not in table:
            return real(host, port, *rest, **options)
        asked.append(host)
        addresses = table[host].pop(0) if len(table[host]) > 1 else table[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def test_a_second_answer_of_the_name_server_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = names(monkeypatch, {"rebinding.example": [["93.184.216.34"], ["127.0.0.1"]]})
    BLOCKED.add("93.184.216.34")
    with pytest.raises(FetchError, match=r"couldn't reach rebinding\.example"):
        fetch("https://rebinding.example/", hosts={"rebinding.example"})
    assert CONNECTED == [("93.184.216.34", 443)]
    assert asked == ["rebinding.example"]


def test_the_next_address_is_tried_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, {"two.example": [["93.184.216.34", "93.184.216.35"]]})
    BLOCKED.update({"93.184.216.34", "93.184.216.35"})
    with pytest.raises(FetchError):
        fetch("https://two.example/", hosts={"two.example"})
    assert [address for address, _ in CONNECTED] == ["93.184.216.34", "93.184.216.35"]


def test_a_name_server_that_never_answers_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [][: silent.wait(30)])
    begun = time.monotonic()
    with pytest.raises(FetchError, match="took too long"):
        fetch("https://api.example.org/", hosts={"api.example.org"}, seconds=0.2)
    assert time.monotonic() - begun < 3
    silent.set()


def test_an_unknown_name_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError, match=r"^I couldn't reach api\.example\.org\.$"):
        fetch("https://api.example.org/", hosts={"api.example.org"})


class Server:
    """A server of raw bytes: `behave` gets the connection and the request's head, once a connection."""

    def __init__(self, behave: Callable[[socket.socket, str], None], tls: ssl.SSLContext | None = None) -> None:
        self.behave = behave
        self.tls = tls
        self.heads: list[str] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(accepted,), daemon=True).start()

    def _answer(self, accepted: socket.socket) -> None:
        try:
            with self.tls.wrap_socket(accepted, server_side=True) if self.tls else accepted as talking:
                head = b""
                while b"\r\n\r\n" not in head and (received := talking.recv(65536)):
                    head += received
                self.heads.append(head.decode())
                self.behave(talking, head.decode())
        except OSError:
            pass  # the other side has gone, which is what many of these tests are about


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(behave: Callable[[socket.socket, str], None], tls: ssl.SSLContext | None = None) -> Server:
        started.append(Server(behave, tls))
        return started[-1]

    yield start
    for server in started:
        server.listening.close()


def sends(answer: bytes) -> Callable[[socket.socket, str], None]:
    return lambda talking, head: talking.sendall(answer)


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(place: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_users_own_endpoint_may_be_local(serve: Callable[..., Server]) -> None:
    server = serve(sends(ok(b'{"degrees": 21}')))
    answer = fetch(f"{server.origin}/weather?at=K%C3%B6ln", origins={server.origin})
    assert answer.json() == {"degrees": 21}
    assert answer.status == 200
    assert server.heads[0].startswith("GET /weather?at=K%C3%B6ln HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n" in server.heads[0].lower()


def test_another_port_is_another_origin(serve: Callable[..., Server]) -> None:
    server = serve(sends(ok(b"secret")))
    with pytest.raises(FetchError, match="only asked over https"):
        fetch(server.origin, origins={f"http://127.0.0.1:{server.port + 1}"}, hosts={"127.0.0.1"})
    assert server.heads == []


def test_metadata_is_refused_even_as_an_origin() -> None:
    with pytest.raises(FetchError, match="metadata"):
        fetch("http://169.254.169.254/latest/meta-data/", origins={"http://169.254.169.254"})
    assert CONNECTED == []


def test_a_body_is_sent_with_its_headers(serve: Callable[..., Server]) -> None:
    received: list[bytes] = []

    def echo(talking: socket.socket, head: str) -> None:
        received.append(head.encode().partition(b"\r\n\r\n")[2] or talking.recv(100))
        talking.sendall(ok(b"done"))

    server = serve(echo)
    answer = fetch(server.origin, origins={server.origin}, method="POST", headers={"X-Kind": "grün"}, body=b"lights on")
    assert answer.text() == "done"
    assert received == [b"lights on"]
    assert "x-kind: grün" in server.heads[0]


def test_gzip_is_unpacked_and_the_character_set_honoured(serve: Callable[..., Server]) -> None:
    packed = gzip.compress("Köln".encode("latin-1"))
    server = serve(sends(ok(packed, "Content-Encoding: gzip", "Content-Type: text/plain; charset=ISO-8859-1")))
    assert fetch(server.origin, origins={server.origin}).text() == "Köln"


@pytest.mark.parametrize("charset", ["nonsense", "", "utf-8"])
def test_an_unknown_character_set_is_read_as_utf8(charset: str) -> None:
    answer = Answer("https://example.org/", 200, {"content-type": f"text/plain; charset={charset}"}, "Köln".encode())
    assert answer.text() == "Köln"


def dripping(
    talking: socket.socket, head: str, first: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
) -> None:
    talking.sendall(first)
    for _ in range(600):
        talking.sendall(b"a")
        time.sleep(0.05)


def endless(talking: socket.socket, head: str) -> None:
    talking.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        talking.sendall(b"1000\r\n" + b"a" * 4096 + b"\r\n")


def silent(talking: socket.socket, head: str) -> None:
    time.sleep(5)


def interim(talking: socket.socket, head: str) -> None:
    while True:
        talking.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


BOMB = gzip.compress(b"\0" * 50_000_000)

BAD_SERVERS: dict[str, tuple[Callable[[socket.socket, str], None], str]] = {
    "a byte at a time": (dripping, "took too long"),
    "a head byte at a time": (lambda talking, head: dripping(talking, head, b"HTTP/1.1 200 OK\r\nX-"), "took too long"),
    "interim answers for ever": (interim, "took too long"),
    "nothing": (silent, "took too long"),
    "endless body": (endless, "more than I can read"),
    "endless head": (sends(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 40_000), "can't read"),
    "gzip bomb": (sends(ok(BOMB, "Content-Encoding: gzip")), "more than I can read"),
    "gzip of nothing": (sends(ok(b"not gzip", "Content-Encoding: gzip")), "can't read"),
    "half a gzip": (sends(ok(gzip.compress(b"a" * 1000)[:-9], "Content-Encoding: gzip")), "can't read"),
    "unknown encoding": (sends(ok(b"abc", "Content-Encoding: br")), "can't read"),
    "half a body": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), "can't read"),
    "no http": (sends(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "can't read"),
    "hangs up": (sends(b""), "can't read"),
    "error 500": (sends(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "answered with error 500"),
    "error 304": (sends(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "answered with error 304"),
}


@pytest.mark.parametrize("kind", BAD_SERVERS)
def test_every_bad_server_ends_in_time_as_a_sentence(kind: str, serve: Callable[..., Server]) -> None:
    behave, sentence = BAD_SERVERS[kind]
    server = serve(behave)
    begun = time.monotonic()
    with pytest.raises(FetchError, match=sentence) as caught:
        fetch(server.origin, origins={server.origin}, seconds=0.5)
    assert time.monotonic() - begun < 3
    assert str(caught.value).startswith("127.0.0.1 ") and str(caught.value).endswith(".")


@pytest.mark.nightly
@pytest.mark.parametrize(
    "kind", ["a byte at a time", "a head byte at a time", "interim answers for ever", "endless body"]
)
def test_every_bad_server_ends_within_ten_seconds(kind: str, serve: Callable[..., Server]) -> None:
    server = serve(BAD_SERVERS[kind][0])
    begun = time.monotonic()
    with pytest.raises(FetchError):
        fetch(server.origin, origins={server.origin})
    assert time.monotonic() - begun < 10.5


def test_the_status_is_kept(serve: Callable[..., Server]) -> None:
    server = serve(sends(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    with pytest.raises(FetchError) as caught:
        fetch(server.origin, origins={server.origin})
    assert caught.value.status == 404


def test_a_bomb_is_never_held_in_memory(serve: Callable[..., Server]) -> None:
    import tracemalloc

    server = serve(sends(ok(BOMB, "Content-Encoding: gzip")))
    tracemalloc.start()
    with pytest.raises(FetchError):
        fetch(server.origin, origins={server.origin})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize("body", [b"<html><body>Please log in</body></html>", b"", b"\xff\xfe{", b"[" * 100_000])
def test_what_is_no_json_is_a_sentence(body: bytes, serve: Callable[..., Server]) -> None:
    server = serve(sends(ok(body)))
    answer = fetch(server.origin, origins={server.origin})
    with pytest.raises(FetchError, match="answered with something that I can't read"):
        answer.json()


def test_a_redirect_is_followed(serve: Callable[..., Server]) -> None:
    def behave(talking: socket.socket, head: str) -> None:
        talking.sendall(ok(b"here") if head.startswith("GET /b") else redirect("/b?x=1"))

    server = serve(behave)
    answer = fetch(f"{server.origin}/a", origins={server.origin}, headers={"Authorization": "Bearer key"})
    assert answer.text() == "here"
    assert answer.url == f"{server.origin}/b?x=1"
    assert "authorization: Bearer key" in server.heads[1]


def test_a_redirect_loop_ends(serve: Callable[..., Server]) -> None:
    server = serve(sends(redirect("/again")))
    with pytest.raises(FetchError, match="keeps sending me elsewhere"):
        fetch(server.origin, origins={server.origin})
    assert len(server.heads) == 4


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/",
        "//127.0.0.1:1/",
        "https://localhost/",
        "https://2130706433/",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(place: str, serve: Callable[..., Server]) -> None:
    server = serve(sends(redirect(place)))
    with pytest.raises(FetchError, match="I may not open that address"):
        fetch(server.origin, origins={server.origin}, hosts={"localhost", "127.0.0.1", "169.254.169.254"})
    assert [port for _, port in CONNECTED] == [server.port]


def test_credentials_stay_with_their_host(serve: Callable[..., Server]) -> None:
    second = serve(sends(ok(b"there")))
    first = serve(sends(redirect(f"{second.origin}/")))
    headers = {"Authorization": "Bearer canary", "X-Api-Key": "canary", "Cookie": "canary", "Accept": "text/plain"}
    assert fetch(first.origin, origins={first.origin, second.origin}, headers=headers).text() == "there"
    assert "canary" in first.heads[0]
    assert "canary" not in second.heads[0]
    assert "accept: text/plain" in second.heads[0]


def test_a_body_is_not_passed_on_to_another_host(serve: Callable[..., Server]) -> None:
    second = serve(sends(ok(b"there")))
    first = serve(sends(redirect(f"{second.origin}/", status=307)))
    with pytest.raises(FetchError, match="sends me elsewhere"):
        fetch(first.origin, origins={first.origin, second.origin}, method="POST", body=b"my diary")
    assert second.heads == []


def test_a_header_cannot_smuggle_another(serve: Callable[..., Server]) -> None:
    server = serve(sends(ok(b"")))
    with pytest.raises(FetchError):
        fetch(server.origin, origins={server.origin}, headers={"X-A": "b\r\nX-Evil: c"})
    assert "".join(server.heads) == ""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `otto.test`, with its key, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl, which is not installed")
    folder = tmp_path_factory.mktemp("tls")
    asked = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    asked += ["-subj", "/CN=otto.test", "-addext", "subjectAltName=DNS:otto.test"]
    asked += ["-keyout", str(folder / "both.pem"), "-out", str(folder / "public.pem")]
    subprocess.run([openssl, *asked], check=True, capture_output=True)
    with (folder / "both.pem").open("a") as both:
        both.write((folder / "public.pem").read_text())
    return folder


def test_tls_is_for_the_name_and_not_for_the_address(
    certificate: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str | None] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "both.pem")
    context.sni_callback = lambda _, name, __: shown.append(name)
    server = serve(sends(ok(b"private")), tls=context)
    names(monkeypatch, {"otto.test": [["127.0.0.1"]], "wrong.test": [["127.0.0.1"]]})
    trusting = ssl.create_default_context(cafile=str(certificate / "public.pem"))
    monkeypatch.setattr(connection, "certificates", lambda: trusting)

    origin = f"https://otto.test:{server.port}"
    assert fetch(origin, origins={origin}).text() == "private"
    assert shown == ["otto.test"]
    wrong = f"https://wrong.test:{server.port}"
    with pytest.raises(FetchError, match=r"couldn't reach wrong\.test"):
        fetch(wrong, origins={wrong})
    monkeypatch.undo()
    names(monkeypatch, {"otto.test": [["127.0.0.1"]]})
    with pytest.raises(FetchError, match=r"couldn't reach otto\.test"):
        fetch(origin, origins={origin})


def test_a_library_goes_through_the_same_door(serve: Callable[..., Server]) -> None:
    import httpx

    server = serve(sends(ok(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip")))
    with httpx.Client(transport=transport(origins={server.origin}, seconds=2)) as client:
        assert client.post(f"{server.origin}/v1", json={"b": 2}).json() == {"a": 1}
        with pytest.raises(FetchError, match="I may not open that address"):
            client.get("http://127.0.0.1:1/")
    assert server.heads[0].startswith("POST /v1 ")
