"""`otto ask` as a conversation at a real terminal: skills are followed while it runs, and no command fails."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="needs a POSIX terminal")

LIGHTS = """#### Prompt:
lights(state="on|off", room="[room]") switches the lights of a room on or off.

#### Examples:
User: turn off the kitchen lights
Assistant: lights(state="off", room="kitchen")
User: switch the lamp in the bedroom on
Assistant: lights(state="on", room="bedroom")
User: lights out in the hall
Assistant: lights(state="off", room="hall")
User: turn on the lights in the dining room please
Assistant: lights(state="on", room="dining room")
User: kitchen lights on
Assistant: lights(state="on", room="kitchen")

#### Action:
run: ["echo", "{room} {state}"]
reply: {output}: done.
"""
LIVE_SECONDS = 3.0
"""How long a change may take to be told: one to be live, two for training, and drawing on the terminal."""
PATIENCE_SECONDS = 90.0
"""For a machine that is busy with other things."""


class Terminal:
    """A terminal with `otto ask` in it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.screen = ""
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from otto.cli import main; main()", "ask"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200", "PROMPT_TOOLKIT_NO_CPR": "1", **environment},
            start_new_session=True,
        )
        os.close(theirs)
        self.wait_for("›")

    def type(self, text: str) -> None:
        self.screen = ""
        os.write(self._ours, text.encode() + b"\r")

    def wait_for(self, pattern: str, seconds: float = PATIENCE_SECONDS) -> str:
        """What stands on the terminal once `pattern` is there."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.screen):
            if select.select([self._ours], [], [], max(0.0, end - time.monotonic()))[0]:
                read = os.read(self._ours, 65536).decode(errors="replace")
                self.screen += re.sub(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[=>])", "", read)
            elif time.monotonic() >= end:
                pytest.fail(f"{pattern!r} did not come; the terminal shows {self.screen!r}")
        return self.screen

    def ask(self, text: str, answer: str) -> None:
        self.type(text)
        self.wait_for(answer)

    def close(self) -> int:
        """Ctrl-D, again where it came before the next prompt did; the exit code."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            os.write(self._ours, b"\x04")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        return self._process.wait(0.1)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(own_folders: Path, trained: Path) -> Iterator[Terminal]:
    opened = Terminal({"XDG_CACHE_HOME": str(trained)})
    yield opened
    opened.end()


@pytest.mark.parametrize("limit", [PATIENCE_SECONDS, pytest.param(LIVE_SECONDS, marks=pytest.mark.nightly)])
def test_a_file_dropped_edited_broken_and_deleted_is_followed(
    terminal: Terminal, own_folders: Path, limit: float
) -> None:
    folder = own_folders / "xdg" / "config" / "otto" / "examples"
    folder.mkdir(parents=True)
    file = folder / "lights_examples.txt"
    said = "turn the bathroom lights off"
    terminal.ask("what is nine times nine", "is 81")
    terminal.ask(said, "don't know how")

    terminal.screen = ""
    file.write_text(LIGHTS)
    terminal.wait_for(r"skills: \+lights", limit)
    terminal.ask(said, "bathroom off: done")

    terminal.screen = ""
    file.write_text(LIGHTS.replace(": done", ": changed"))
    terminal.wait_for("skills: ~lights", limit)
    terminal.ask(said, "bathroom off: changed")

    terminal.screen = ""
    file.write_bytes(b"\xff\xfe not text")
    terminal.wait_for("lights_examples.txt: is not UTF-8", limit)
    terminal.ask(said, "bathroom off: changed")
    terminal.ask("what is two plus two", "is 4")

    terminal.screen = ""
    file.unlink()
    terminal.wait_for("skills: -lights", limit)
    terminal.ask(said, "don't know how")
    assert terminal.close() == 0


def test_a_timer_rings_in_the_conversation(terminal: Terminal) -> None:
    terminal.ask("set a timer for one second", "timer is set")
    terminal.wait_for("1 second timer")
    assert terminal.close() == 0


def test_what_asks_first_is_asked_at_the_terminal(terminal: Terminal) -> None:
    terminal.ask("lock the screen", r"Shall I run lock\(\)\? \[y/N\]")
    terminal.ask("n", "nobody said yes")
    terminal.ask("what is nine times nine", "is 81")
