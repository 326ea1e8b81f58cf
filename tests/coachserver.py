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
from typing import Any

from tests.loopback import LoopbackHandler, LoopbackServer, serving

USUAL = ("Run **easy**", " and stay\n\n- relaxed\n", "- patient\n")


class Server(LoopbackServer):
    def __init__(self) -> None:
        super().__init__(_Answering)
        self.answers: dict[str, Sequence[str]] = {}
        self.status = 200
        self.sent: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.hold = threading.Event()
        """While set, an answer stops after its first piece, and goes on only when this is cleared."""
        self.left = threading.Event()
        """Set when a client has left in the midst of an answer."""


class _Answering(LoopbackHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.asked()
        self.server.sent.append(body)
        self.server.keys.append(self.headers.get("authorization", ""))
        pieces = list(self.server.answers.get(body["model"], USUAL))
        if self.server.status != 200:
            self.whole(self.server.status, {"error": {"message": "no"}})
        elif not body.get("stream"):
            message = {"role": "assistant", "content": "".join(pieces)}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            self.whole(200, {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})
        else:
            self._stream(pieces)

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


@contextmanager
def running() -> Iterator[Server]:
    """A server until the end of the block."""
    with serving(Server()) as server:
        try:
            yield server
        finally:
            server.hold.clear()
