"""What the servers of the tests have in common: on loopback, on a port of their own, silent, until the end of a block.

with serving(LoopbackServer(Answering)) as server:
    ask(server.address)
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar


class LoopbackServer(ThreadingHTTPServer):
    """Made with a kind of `LoopbackHandler`."""

    daemon_threads = True

    def __init__(self, handler: type[LoopbackHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has given up, or left, is part of these tests."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """Reads and writes JSON."""

    def asked(self) -> dict[str, Any]:
        """The request's body."""
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        return body

    def whole(self, status: int, content: object, headers: Mapping[str, str] | None = None) -> None:
        """Answers with `content`: a text as it is, anything else as JSON."""
        raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": len(raw), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *arguments: Any) -> None:
        pass


Served = TypeVar("Served", bound=LoopbackServer)


@contextmanager
def serving(server: Served) -> Iterator[Served]:
    """The server, answering until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
