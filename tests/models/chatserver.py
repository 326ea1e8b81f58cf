"""An OpenAI-compatible server on loopback that answers as it is told, for tests of what asks one.

    with running() as server:
        server.answers = [said('lights(state="off")'), (500, {}, {}), "cut", "slow"]

A callable answer is given the request's body.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any

from tests.loopback import LoopbackHandler, LoopbackServer, serving


class Server(LoopbackServer):
    """Gives one prepared answer after the other (the last one again and again) and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(_Answering)
        self.answers: list[Any] = []
        self.sent: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.times: list[float] = []


class _Answering(LoopbackHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.asked()
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
        self.whole(status, content, headers)


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


def running() -> AbstractContextManager[Server]:
    """A server until the end of the block."""
    return serving(Server())
