"""An OpenAI-compatible server on loopback that answers as it is told, for tests of what asks one.

    with running() as server:
        server.answers = [said('lights(state="off")'), (500, {}, {}), "cut", "slow"]

A callable answer is given the request's body.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """Gives one prepared answer after the other (the last one again and again) and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answers: list[Any] = []
        self.sent: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.times: list[float] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has given up is part of these tests."""


class _Answering(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.sent.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
        self.server.times.append(time.monotonic())
        answer = self.server.answers[0]
        if len(self.server.answers) > 1:
            self.server.answers.pop(0)
        if callable(answer):
            answer = answer(body)
        status, content, headers = answer if isinstance(answer, tuple) else (200, answer, {})
        if content == "cut":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices"')
            return
        if content == "slow":
            time.sleep(3)
        raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *arguments: Any) -> None:
        pass


def said(text: str | None = None, *tools: tuple[str, str], logprobs: Any = None) -> dict[str, Any]:
    """A chat completion that says `text` or calls tools."""
    calls = [
        {"id": str(place), "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(tools)
    ]
    message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
    return {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": logprobs}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320,
                  "prompt_tokens_details": {"cached_tokens": 256}},
    }  # fmt: skip


@contextmanager
def running() -> Iterator[Server]:
    """A server until the end of the block."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
