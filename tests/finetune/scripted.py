"""A real HTTP server on loopback that answers from a script and fails as servers do.

with Scripted(lambda request: Reply(chat("hello"))) as server:
    httpx.post(f"{server.address}/chat/completions", json={...})
    server.requests
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as the server got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes
    number: int
    """From 0, in the order of arrival."""

    @property
    def body(self) -> Any:
        return json.loads(self.content) if self.content else {}


@dataclass(frozen=True)
class Reply:
    """What the server does."""

    body: object = field(default_factory=dict)
    """JSON, or bytes as they are."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """The connection ends in the middle of the body."""
    seconds: float = 0.0
    """Before it answers."""


def chat(text: object, *, prompt_tokens: int = 10, tokens: int = 5, finish: str = "stop") -> dict[str, Any]:
    """A chat completion that says `text` (JSON of what is no text)."""
    content = text if isinstance(text, str) else json.dumps(text)
    return {
        "model": "scripted-1",
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": tokens},
    }


class Scripted:
    """The server; `address` ends with /v1."""

    def __init__(self, script: Callable[[Asked], Reply]) -> None:
        self.requests: list[Asked] = []
        self._script = script
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                with server._lock:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    path = self.path.removeprefix("/v1")
                    asked = Asked(self.command, path, headers, content, len(server.requests))
                    server.requests.append(asked)
                    reply = server._script(asked)
                time.sleep(reply.seconds)
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body[: len(body) // 2] if reply.cut else body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                if reply.cut:
                    self.close_connection = True

            do_GET = do_POST = do_DELETE = do_PATCH = answer

            def log_message(self, *arguments: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that was killed says nothing about the server."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
