"""Spoken replies: through the system's own voice, or Piper where a voice file is named.

    >>> voice = find_voice(settings)        # None where nothing can speak
    >>> speaker = Speaker(voice)
    >>> speaker.say("The timer is set for 10 minutes.")     # in a thread that it returns
    >>> speaker.stop()                                      # silent at once
    >>> speaker.deaf                                        # while it speaks, and 0.3 s longer

What is to be said goes to a program's standard input, never on its command line: a reply that begins with
`-` is spoken, too.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

from otto.errors import OttoError

log = logging.getLogger(__name__)

ECHO_SECONDS = 0.3
"""How long the microphone stays deaf after the last word."""
MAX_CHARACTERS = 1_000
"""Longest reply that is read out whole."""
SECONDS_A_CHARACTER = 0.3
"""Far slower than any voice: a program that takes longer hangs."""
_PLAYERS = (
    ("pw-play", "--format=s16", "--rate={rate}", "--channels=1", "--raw", "-"),
    ("paplay", "--raw", "--format=s16le", "--rate={rate}", "--channels=1"),
    ("aplay", "-q", "-t", "raw", "-f", "S16_LE", "-r", "{rate}", "-c", "1", "-"),
)


class SpeechError(OttoError):
    """A voice that cannot speak: missing, or its program fails. Seen by the user."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Programs that read text from standard input and speak it, each piped into the next."""

    name: str
    commands: tuple[tuple[str, ...], ...]


def find_voice(name: str = "auto", language: str = "en") -> Voice | None:
    """The voice called `name`: `auto`, `none`, `espeak-ng`, `say`, or the path of a Piper voice (`.onnx`).

    None when nothing is to be said aloud, or `auto` finds no voice. Raises `SpeechError` for one that is not there.
    """
    if name == "none":
        return None
    if name.endswith(".onnx"):
        return _piper(Path(name).expanduser())
    if name in ("auto", "say") and sys.platform == "darwin" and (say := shutil.which("say")):
        return Voice("say", ((say, "-f", "-"),))
    if name in ("auto", "espeak-ng") and (espeak := shutil.which("espeak-ng") or shutil.which("espeak")):
        return Voice("espeak-ng", ((espeak, "-v", language, "--stdin"),))
    if name == "auto":
        return None
    raise SpeechError(f"The voice {name!r} is not there: install it (espeak-ng), or set `voice` to auto or none.")


def _piper(model: Path) -> Voice:
    program = shutil.which("piper")
    if program is None:
        raise SpeechError("Speaking with a Piper voice needs its program: pip install piper-tts")
    if not model.is_file():
        raise SpeechError(f"There is no Piper voice at {model}; see `voice` in the settings.")
    for player in _PLAYERS:
        if found := shutil.which(player[0]):
            command = tuple(part.format(rate=_piper_rate(model)) for part in player[1:])
            return Voice(model.stem, ((program, "--model", str(model), "--output-raw"), (found, *command)))
    raise SpeechError("A Piper voice needs something that plays sound: install pulseaudio-utils or alsa-utils.")


def _piper_rate(model: Path) -> int:
    """Samples a second, from the description that lies beside the voice."""
    import json

    try:
        entry = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))
        return int(entry["audio"]["sample_rate"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpeechError(f"The Piper voice {model} needs its description {model.name}.json beside it.") from error


class Speaker:
    """Says one thing after another."""

    def __init__(self, voice: Voice | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.voice = voice
        self.text = ""
        """What is being said; empty while it is silent."""
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._pending = 0
        """Things that are being said, or to be said."""
        self._stops = 0
        self._processes: tuple[subprocess.Popen[bytes], ...] = ()
        self._silent_at = -ECHO_SECONDS

    @property
    def speaking(self) -> bool:
        return self._pending > 0

    @property
    def deaf(self) -> bool:
        """Whether the microphone would hear this voice."""
        return self.speaking or self._clock() < self._silent_at + ECHO_SECONDS

    def say(self, text: str) -> threading.Thread | None:
        """Speaks it, after what is being said; the thread ends when it is said, or stopped. None when there is
        nothing to say, or no voice."""
        spoken = " ".join(text.split())[:MAX_CHARACTERS]
        if self.voice is None or not spoken:
            return None
        with self._lock:
            self._pending += 1
            number = self._stops
        thread = threading.Thread(
            target=self._wait_and_speak, args=(self.voice, spoken, number), name="voice", daemon=True
        )
        thread.start()
        return thread

    def stop(self) -> bool:
        """Silent at once; what was still to be said is not. Whether there was anything."""
        with self._lock:
            self._stops += 1
            for process in self._processes:
                process.kill()
            return self.speaking

    def _wait_and_speak(self, voice: Voice, text: str, number: int) -> None:
        try:
            with self._turn:
                with self._lock:
                    if number != self._stops:
                        return
                    self._processes = processes = _start(voice.commands)
                    self.text = text
                failed = _pronounce(text, processes)
                with self._lock:
                    self._processes = ()
                    self.text = ""
                    if failed and number == self._stops:
                        log.warning("the voice %s failed", voice.name)
        except SpeechError as error:
            log.warning("%s", error)
        finally:
            with self._lock:
                self._pending -= 1
                self._silent_at = self._clock()


def _pronounce(text: str, processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Hands the text to the first program and waits for all. Whether one of them failed."""
    first = processes[0]
    assert first.stdin is not None
    try:
        with first.stdin as pipe:
            pipe.write(text.encode() + b"\n")
    except OSError:
        pass  # it has ended already; its code says why
    for process in processes:
        try:
            process.wait(5 + SECONDS_A_CHARACTER * len(text))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return any(process.returncode for process in processes)


def _start(commands: Sequence[Sequence[str]]) -> tuple[subprocess.Popen[bytes], ...]:
    """Each program reading what the one before writes. Raises `SpeechError`."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(commands):
            source = started[-1].stdout if started else PIPE
            output = PIPE if number + 1 < len(commands) else DEVNULL
            started.append(subprocess.Popen(command, stdin=source, stdout=output, stderr=DEVNULL))  # noqa: S603
            if number and source is not None and not isinstance(source, int):
                source.close()  # only the next program holds it now, so that it sees its end
    except OSError as error:
        for process in started:
            process.kill()
        raise SpeechError(f"The voice cannot speak: {commands[len(started)][0]}: {error.strerror}.") from error
    return tuple(started)
