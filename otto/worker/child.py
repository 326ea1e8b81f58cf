"""A child process that is asked one thing at a time: one JSON object a line to it, one back.

The pair of pipes is private: what the code in the child prints goes elsewhere. Whatever happens in the child, asking
ends by the deadline, and the child does not outlive this process: it leaves when its side of the pipe closes.

    >>> with Child(memory_mb=512) as child:
    ...     child.wait_ready()
    ...     child.tell({"job": "describe", ...})
    ...     answer = child.answer(seconds=5)

The program is `main` of `otto.worker.job`, or of another module that reads and answers likewise
(`otto.models.llamachild`).
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from otto.errors import WorkerError

MAX_ANSWER = 4_000_000
"""Bytes in an answer; a child that sends more has gone wild."""
START_SECONDS = 20.0
"""How long a child may take to be ready, on a machine that is busy."""
CLOSING_SECONDS = 0.5
"""How long a child may take to leave when it is told to."""
_POLL_SECONDS = 0.1  # how soon a death is noticed when a grandchild still holds the pipe

# -P keeps the current folder out of the import path, where a file named like a library could take its place.
_PROGRAM = """
import sys
if sys.argv[1] not in sys.path:
    sys.path.insert(0, sys.argv[1])
from importlib import import_module
import_module(sys.argv[3]).main()
"""


class Child:
    """One process running a module's `main`, started by the constructor without waiting for it."""

    def __init__(self, memory_mb: int, module: str = "otto.worker.job") -> None:
        root = str(Path(__file__).resolve().parents[2])
        self._ready = False
        self._process = subprocess.Popen(  # noqa: S603  a fixed program, no shell
            [sys.executable, "-P", "-c", _PROGRAM, root, str(memory_mb), module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a group of its own: Ctrl-C does not reach it, and it can be ended whole
        )
        self._questions: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for work in (self._write, self._read):
            threading.Thread(target=work, name=f"child {work.__name__}", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> None:
        """Returns when it has ended."""
        self._process.wait()

    def wait_ready(self) -> None:
        """Returns when it can be asked. Raises `WorkerError` when it does not come up."""
        if not self._ready:
            if self.answer(START_SECONDS) is None:
                raise WorkerError(f"its process did not start within {START_SECONDS:g} seconds")
            self._ready = True

    def tell(self, question: Mapping[str, object]) -> None:
        """Hands over a question; never waits, not even for a child that does not read."""
        self._questions.put(json.dumps(question).encode() + b"\n")

    def answer(self, seconds: float) -> dict[str, object] | None:
        """The next answer, None when there is none yet after `seconds`. Raises `WorkerError` when none will come."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            ended = not self.alive
            try:
                return _read_answer(self._answers.get(timeout=max(0.0, min(left, _POLL_SECONDS))))
            except queue.Empty:
                if ended:
                    raise WorkerError(f"its process {_ending(self._process.returncode)}") from None
                if left <= 0:
                    return None

    def kill(self) -> None:
        """Ends it at once, with everything that it started and that did not leave its group."""
        if hasattr(os, "killpg"):
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self._process.kill()
        else:
            self._process.kill()
        self._process.wait()
        self._questions.put(None)

    def close(self, seconds: float = CLOSING_SECONDS) -> None:
        """Lets it leave, with the programs that it waits for; ends it when it has not after `seconds`."""
        self._questions.put(None)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def _write(self) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as pipe:
                while (line := self._questions.get()) is not None:
                    pipe.write(line)
                    pipe.flush()
        except OSError:
            pass  # it is gone: `answer` says so

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as pipe:
                while line := pipe.readline(MAX_ANSWER):
                    self._answers.put(line)
        except OSError:
            pass


def _read_answer(line: bytes) -> dict[str, object]:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise WorkerError("its process sent what cannot be read")
    return answer


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
