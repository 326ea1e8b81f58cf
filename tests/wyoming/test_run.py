"""The process: it ends when it is told to, and at once when it is told twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wyoming.asr import Transcript
from wyoming.event import Event

from otto.wyoming.run import STOP_SECONDS

SLOW = """#### Prompt:
build(thing="[thing]") builds a thing.

#### Examples:
User: build the house
Assistant: build(thing="the house")
User: build a boat
Assistant: build(thing="a boat")
User: build me a tower
Assistant: build(thing="a tower")
User: please build the garage
Assistant: build(thing="the garage")
User: build us a bridge
Assistant: build(thing="a bridge")
User: can you build the shed
Assistant: build(thing="the shed")
User: go and build a wall
Assistant: build(thing="a wall")

#### Action:
run: ["sleep", "20"]
reply: Built {thing}.
timeout: 30
"""


@contextmanager
def process(folder: Path, trained: Path) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """`otto wyoming` in a process of its own with a skill that takes long, and a client."""
    examples = folder / "config" / "otto" / "examples"
    examples.mkdir(parents=True)
    (examples / "build_examples.txt").write_text(SLOW)
    place = folder / "w.sock"
    environment = {
        **os.environ,
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(trained),
    }
    command = [sys.executable, "-c", "from otto.cli import main; main()", "wyoming", "--uri", f"unix://{place}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as started:
        assert started.stderr is not None
        try:
            assert any("Otto listens" in line for line in started.stderr)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(place))
                yield started, client
        finally:
            started.kill()


def carry_out(client: socket.socket, text: str) -> None:
    event: Event = Transcript(text).event()
    client.sendall(json.dumps({"type": event.type, "data": event.data}).encode() + b"\n")


def test_it_ends_in_time_and_at_once_when_it_is_interrupted_twice(tmp_path: Path, trained: Path) -> None:
    for interrupts, code, seconds in ((1, 0, STOP_SECONDS + 3), (2, 130, 2.0)):
        with process(tmp_path / str(interrupts), trained) as (started, client):
            carry_out(client, "build the house")
            time.sleep(0.5)
            for _ in range(interrupts):
                started.send_signal(signal.SIGINT)
                time.sleep(0.2)
            begun = time.monotonic()
            assert started.wait(20) == code
            assert time.monotonic() - begun < seconds
