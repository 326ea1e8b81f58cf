"""`otto listen`: the whole way, from a voice to the store, with real sound and real engines."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from otto.store import open_store

pytest.importorskip("pocketsphinx", reason="needs the voice extra")
from otto.audio.recording import read
from tests.pulse import MISSING, SINK, Pulse, needs_pulse, pulse_server

CLIPS = Path(__file__).parent.parent / "data" / "speech"
TEMPLATES = ("make a {0} {1}", "make me a {0} {1} please", "i would like a {0} {1}", "can i have a {0} {1}", "{0} {1}")
COFFEE = """#### Prompt:
coffee(size="small|large", drink="espresso|cappuccino|latte") makes coffee.

#### Action:
run: ["echo", "{size} {drink}"]
reply: Here is your {output}.

#### Examples:
""" + "".join(
    f'User: {template.format(size, drink)}\nAssistant: coffee(size="{size}", drink="{drink}")\n'
    for template in TEMPLATES
    for size in ("small", "large")
    for drink in ("espresso", "cappuccino", "latte")
)
LOCK = """#### Prompt:
lockdoor() locks the front door.

#### Examples:
User: lock the front door
Assistant: lockdoor()
User: please lock the door
Assistant: lockdoor()
User: close and lock the door
Assistant: lockdoor()
User: the front door should be locked
Assistant: lockdoor()

#### Action:
run: ["true"]
reply: The front door is locked.
risk: confirm
"""


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two skills of its own, and nothing else."""
    folder, none = tmp_path_factory.mktemp("examples"), tmp_path_factory.mktemp("none")
    (folder / "coffee_examples.txt").write_text(COFFEE)
    (folder / "lockdoor_examples.txt").write_text(LOCK)
    return ["--examples", str(folder), "--skills", str(none), "--stt", "sphinx", "--voice", "none", "--json"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from otto.cli import main; main()", "listen", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    )


class Told:
    """What a program writes, line by line."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def wait_for(self, words: str, seconds: float = 90.0) -> str:
        """The next line that holds `words`."""
        deadline = time.monotonic() + seconds
        while words not in (line := self._lines.get(timeout=max(0.1, deadline - time.monotonic()))):
            pass
        return line

    def _read(self) -> None:
        for line in self._stream:
            self._lines.put(line)

    def close(self) -> None:
        """When the program has ended."""
        self._thread.join(10)
        self._stream.close()


TRIES = 6
"""How often something is said: a machine that is busy loses pieces of the sound."""


def heard(pulse: Pulse, clip: str, told: Told, words: str) -> str:
    """Plays the recording, again where nothing comes of it. The line with `words` that answers it."""
    for _ in range(TRIES):
        pulse.play(read(CLIPS / f"{clip}.flac"))
        with suppress(queue.Empty):
            return told.wait_for(words, 10.0)
    pytest.fail(f"{clip} was not heard")


def spoken(path: Path, text: str) -> Path:
    if "espeak-ng" in MISSING:
        pytest.skip("espeak-ng is not installed: apt-get install espeak-ng")
    subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(path), "--", text], check=True)
    return path


def store_of(folders: Path) -> list[str]:
    with open_store(folders / "xdg" / "state" / "otto" / "otto.db") as store:
        return [entry.calls for entry in reversed(store.history.last(10))]


def test_a_recorded_command_is_heard_carried_out_and_answered(
    own_folders: Path, options: list[str], cache: Path, tmp_path: Path
) -> None:
    recording = spoken(tmp_path / "a.wav", "make me a large cappuccino please")
    process = start("--once", "--input", str(recording), *options, XDG_CACHE_HOME=str(cache))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    answer = json.loads(out)
    assert answer["calls"] == ['coffee(size="large", drink="cappuccino")']
    assert answer["reply"] == "Here is your large cappuccino."
    assert {"transcribe", "route", "speech_to_call", "dispatch"} <= set(answer["timings_ms"])
    assert store_of(own_folders) == ['coffee(size="large", drink="cappuccino")']


def test_only_who_asks_for_recordings_gets_them(
    own_folders: Path, options: list[str], cache: Path, tmp_path: Path
) -> None:
    recording = spoken(tmp_path / "a.wav", "make me a large cappuccino please")
    said = ("--once", "--input", str(recording), *options, "--record", str(tmp_path / "heard"))
    _, err = start(*said, XDG_CACHE_HOME=str(cache)).communicate(timeout=120)
    assert f"is recorded in {tmp_path / 'heard'} and deleted after 7 days" in err
    (kept,) = (tmp_path / "heard").iterdir()
    assert 60_000 < kept.stat().st_size < 200_000
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "sentence"), [("missing.wav", "missing.wav is not there"), ("text.wav", "no sound file")]
)
def test_a_bad_recording_is_one_sentence(own_folders: Path, tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    process = start("--input", str(tmp_path / name))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulse]:
    with pulse_server(tmp_path_factory.mktemp("pulse")) as server:
        yield server


@needs_pulse
def test_it_hears_through_the_microphone_only_what_is_meant_for_it(
    own_folders: Path, options: list[str], cache: Path, pulse: Pulse
) -> None:
    process = start("--microphone", SINK, *options, XDG_CACHE_HOME=str(cache), **pulse.environment)
    said, noted = Told(process.stdout), Told(process.stderr)
    try:
        noted.wait_for("Listening")
        time.sleep(0.5)
        pulse.play(read(CLIPS / "espresso.flac"))  # nobody is called
        time.sleep(1.5)
        answers = [heard(pulse, "cappuccino", said, "calls")]
        while "is locked" not in answers[-1] and len(answers) < TRIES:
            heard(pulse, "door", noted, "Shall I")
            answers.append(heard(pulse, "yes", said, "lockdoor"))  # where it was not heard, that is a no
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        said.close()
        noted.close()
    assert code == 0
    assert json.loads(answers[-1])["reply"] == "The front door is locked."
    done = {call for line in answers for call in json.loads(line)["calls"]}
    assert done == set(store_of(own_folders)) == {'coffee(size="large", drink="cappuccino")', "lockdoor()"}
