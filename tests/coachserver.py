"""A small OpenAI-compatible server that streams what a test tells it to, for everything that asks a model to coach.

with running() as server:
    server.answers["tuned"] = ["Run ", "easy."]         # pieces by model; the usual answer where none is set
    server.hold.set()                                   # after the first piece, wait until the client leaves
"""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USUAL = ("Run **easy**", " and stay\n\n- relaxed\n", "- patient\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answers: dict[str, Sequence[str]] = {}
        self.status = 200
        self.sent: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.hold = threading.Event()
        """While set, an answer stops after its first piece, and goes on only when this is cleared."""
        self.left = threading.Event()
        """Set when a client has left in the midst of an answer."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has left is part of these tests."""


class _Answering(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.sent.append(body)
        self.server.keys.append(self.headers.get("authorization", ""))
        pieces = list(self.server.answers.get(body["model"], USUAL))
        if self.server.status != 200:
            self._whole({"error": {"message": "no"}})
        elif not body.get("stream"):
            message = {"role": "assistant", "content": "".join(pieces)}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            self._whole({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})
        else:
            self._stream(pieces)

    def _whole(self, content: Any) -> None:
        raw = json.dumps(content).encode()
        self.send_response(self.server.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, pieces: Sequence[str]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for place, piece in enumerate(pieces):
            chunk = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
            frame = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [chunk]}
            self.wfile.write(f"data: {json.dumps(frame)}\n\n".encode())
            self.wfile.flush()
            while not place and self.server.hold.is_set():
                if select.select([self.connection], [], [], 0.02)[0]:  # nothing more is sent: it has left
                    self.server.left.set()
                    return
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Server]:
    """A server until the end of the block."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.hold.clear()
        server.shutdown()
        thread.join()
        server.server_close()
