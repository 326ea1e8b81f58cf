"""Other programs, started without a shell: run to their end, or set off and left alone.

    >>> run(["uname", "-s"], seconds=5).output
    'Linux\\n'
    >>> start(["firefox"])

Each gets a session of its own, so that it is ended with all that it started, or outlives Otto; and none of the limits
that a worker process puts on itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from otto.errors import SkillError, shorten

MAX_OUTPUT = 64_000
"""Bytes kept of what a program prints; the rest is read and thrown away."""
_LINGER_SECONDS = 0.2  # for the last output, when something it started still holds the pipe
_START_SECONDS = 1.0  # which starting takes at most, but for a file system that hangs

_running: set[subprocess.Popen[bytes]] = set()
_starting = threading.Lock()
"""Held while a program is started and noted: whoever ends all of them misses none."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a program."""

    code: int
    """Exit status; negative: the signal that ended it."""
    output: str
    """What it printed, at most `MAX_OUTPUT` bytes; what is not UTF-8 becomes U+FFFD."""
    complaint: str
    """What it wrote to standard error, likewise."""


def find(program: str) -> str:
    """The full path of an installed program. Raises `SkillError` with a sentence for the user."""
    path = shutil.which(os.path.expanduser(program))
    # A relative path depends on where Otto was started, and a file planted there would run.
    if path is None or not os.path.isabs(path):
        raise SkillError(f"The program {shorten(program)} is not installed.")
    return path


def run(arguments: Sequence[str], *, seconds: float) -> Ended:
    """Runs a program to its end. Raises `SkillError` when it cannot start or takes longer; it is then ended."""
    with _starting:
        process = _started(arguments, subprocess.PIPE)
        _running.add(process)
    try:
        output, complaint = _Drain(process.stdout), _Drain(process.stderr)
        code = process.wait(seconds)
        end = time.monotonic() + _LINGER_SECONDS
        return Ended(code, output.text(end), complaint.text(end))
    except subprocess.TimeoutExpired:
        raise SkillError(f"{shorten(arguments[0])} took longer than {seconds:g} seconds.") from None
    finally:
        if process.poll() is None:
            _end(process)
        _running.discard(process)


def start(arguments: Sequence[str]) -> None:
    """Sets a program off and leaves it alone. Raises `SkillError` when it cannot start."""
    process = _started(arguments, subprocess.DEVNULL)
    # Reaped when it ends, so that no zombie stays; the thread does not keep Otto from leaving.
    threading.Thread(target=process.wait, name="program", daemon=True).start()


def end_running() -> None:
    """Ends what `run` is waiting for, or just starts, from another thread."""
    held = _starting.acquire(timeout=_START_SECONDS)
    try:
        for process in tuple(_running):
            _end(process)
    finally:
        if held:
            _starting.release()


def _started(arguments: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    path = find(arguments[0])
    try:
        with _own_limits_lifted():
            return subprocess.Popen(  # noqa: S603  a list without a shell; the program is found by `find`
                [path, *arguments[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:  # ValueError: a NUL, or what the file system's encoding cannot write
        reason = getattr(error, "strerror", None) or str(error)
        raise SkillError(f"{shorten(arguments[0])} could not be started: {reason}.") from error


@contextlib.contextmanager
def _own_limits_lifted() -> Iterator[None]:
    """Within: a process that is started here does not inherit this one's memory limit."""
    try:
        import resource
    except ImportError:  # not a Unix
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _end(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


class _Drain:
    """Reads a pipe to its end in the background, so that no program waits for its output to be read."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        self._pipe = pipe
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, name="program output", daemon=True)
        self._thread.start()

    def text(self, end: float) -> str:
        """What was read, waiting for the rest until `end` (monotonic)."""
        self._thread.join(max(0.0, end - time.monotonic()))
        return self._kept.decode(errors="replace")

    def _read(self) -> None:
        with self._pipe:
            while chunk := self._pipe.read1(65536):  # type: ignore[attr-defined]
                self._kept += chunk[: max(0, MAX_OUTPUT - len(self._kept))]
