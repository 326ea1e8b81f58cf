"""Spoken replies: through the system's own voice, or Piper where a voice file is named.

    >>> voice = find_voice(settings.voice)  # None where nothing can speak
    >>> speaker = Speaker(voice)
    >>> speaker.say("The timer is set for 10 minutes.")     # in a thread that it returns
    >>> speaker.stop()                                      # silent at once
    >>> speaker.deaf                                        # while it speaks, and 0.3 s longer
    >>> speaker.playback                                    # what it says, as sound

What is to be said goes to a program's standard input, never on its command line: a reply that begins with
`-` is spoken, too. Where there is a program that plays samples, the voice's go through here, so that it is known what
the microphone hears of them (`otto/audio/echo.py`).
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import numpy as np

from otto.audio.echo import Playback
from otto.audio.resample import Resampler
from otto.errors import OttoError

log = logging.getLogger(__name__)

ECHO_SECONDS = 0.3
"""How long the microphone stays deaf after the last word."""
HOLD_SECONDS = 4.0
"""How long a reply waits at most for somebody who is still speaking."""
MAX_CHARACTERS = 1_000
"""Longest reply that is read out whole."""
SECONDS_A_CHARACTER = 0.3
"""Far slower than any voice: a program that takes longer hangs."""
_PLAYERS = (
    ("paplay", "--raw", "--format=s16le", "--rate={rate}", "--channels=1", "--latency-msec=100"),
    ("aplay", "-q", "-t", "raw", "-f", "S16_LE", "-r", "{rate}", "-c", "1", "-"),
    ("pw-play", "--format=s16", "--rate={rate}", "--channels=1", "--raw", "-"),
)
ESPEAK_RATE = 22_050
WAV_HEADER = 44
"""Bytes before the first sample in what espeak-ng writes."""
_HOLD_STEP = 0.02
_BLOCK = 4_096
"""Bytes that are handed on at once: 0.1 s."""


class SpeechError(OttoError):
    """A voice that cannot speak: missing, or its program fails. Seen by the user."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A program that reads text from standard input and speaks it."""

    name: str
    command: tuple[str, ...]
    player: tuple[str, ...] = ()
    """Plays the 16-bit mono samples that `command` then writes; empty: `command` is heard without it."""
    rate: int = 0
    """Samples a second that it writes."""
    header: int = 0
    """Bytes before the first sample."""


def find_voice(name: str = "auto", language: str = "en", *, played: bool = True) -> Voice | None:
    """The voice called `name`: `auto`, `none`, `espeak-ng`, `say`, or the path of a Piper voice (`.onnx`).

    `played`: whether it is to be heard here; False: only its samples are wanted (`otto/audio/synthesis.py`).
    None when nothing is to be said aloud, or `auto` finds no voice. Raises `SpeechError` for one that is not there.
    """
    if name == "none":
        return None
    if name.endswith(".onnx"):
        return _piper(Path(name).expanduser(), played)
    if name in ("auto", "say") and sys.platform == "darwin" and (say := shutil.which("say")):
        return Voice("say", (say, "-f", "-"))
    if name in ("auto", "espeak-ng") and (espeak := shutil.which("espeak-ng") or shutil.which("espeak")):
        return _espeak((espeak, "-v", language, "--stdin"), played)
    if name == "auto":
        return None
    raise SpeechError(f"The voice {name!r} is not there: install it (espeak-ng), or set `voice` to auto or none.")


def _espeak(command: tuple[str, ...], played: bool) -> Voice:
    player = _player(ESPEAK_RATE) if played else ()
    if player or not played:
        return Voice("espeak-ng", (*command, "--stdout"), player, ESPEAK_RATE, WAV_HEADER)
    return Voice("espeak-ng", command)


def _piper(model: Path, played: bool) -> Voice:
    program = shutil.which("piper")
    if program is None:
        raise SpeechError("Speaking with a Piper voice needs its program: pip install piper-tts")
    if not model.is_file():
        raise SpeechError(f"There is no Piper voice at {model}; see `voice` in the settings.")
    rate = _piper_rate(model)
    player = _player(rate) if played else ()
    if player or not played:
        return Voice(model.stem, (program, "--model", str(model), "--output-raw"), player, rate)
    raise SpeechError("A Piper voice needs something that plays sound: install pulseaudio-utils or alsa-utils.")


def _player(rate: int) -> tuple[str, ...]:
    """A program that plays samples from standard input; empty where there is none."""
    for program, *options in _PLAYERS:
        if found := shutil.which(program):
            return (found, *(option.format(rate=rate) for option in options))
    return ()


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
        self.hold: Callable[[], bool] = lambda: False
        """Whether somebody is being listened to, whom it does not interrupt."""
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._pending = 0
        """Things that are being said, or to be said."""
        self._stops = 0
        self._processes: list[subprocess.Popen[bytes]] = []
        self._playback: Playback | None = None
        self._silent_at = -ECHO_SECONDS

    @property
    def speaking(self) -> bool:
        return self._pending > 0

    @property
    def deaf(self) -> bool:
        """Whether the microphone would hear this voice."""
        about_to = self._pending > 0 and not self.hold()
        return bool(self.text) or about_to or self._clock() < self._silent_at + ECHO_SECONDS

    @property
    def playback(self) -> Playback | None:
        """What is being played, or was until just now; None where that is not known."""
        return self._playback if self.deaf else None

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
            return self._pending > 0

    def _wait_and_speak(self, voice: Voice, text: str, number: int) -> None:
        try:
            with self._turn:
                self._wait_for_others(number)
                self.text, self._playback = text, None
                failed = self._speak(voice, text, number)
                with self._lock:
                    self._processes.clear()
                    self.text = ""
                    if failed and number == self._stops:
                        log.warning("the voice %s failed", voice.name)
        except SpeechError as error:
            log.warning("%s", error)
        finally:
            with self._lock:
                self._pending -= 1
                self._silent_at = self._clock()

    def _wait_for_others(self, number: int) -> None:
        """The microphone would be deaf to the rest of what they say."""
        until = self._clock() + HOLD_SECONDS
        while self.hold() and number == self._stops and self._clock() < until:
            time.sleep(_HOLD_STEP)

    def _speak(self, voice: Voice, text: str, number: int) -> bool:
        """Until it is said, or stopped. Whether a program failed."""
        synthesiser = self._start(voice.command, number, PIPE if voice.player else DEVNULL)
        if synthesiser is None:
            return False
        assert synthesiser.stdin is not None
        with suppress(OSError), synthesiser.stdin as pipe:  # it has ended already where this fails; its code says why
            pipe.write(text.encode() + b"\n")
        watchdog = threading.Timer(5 + SECONDS_A_CHARACTER * len(text), self._kill)
        watchdog.start()
        try:
            if voice.player:
                self._play(voice, synthesiser, number)
            return any([process.wait() for process in list(self._processes)])
        finally:
            watchdog.cancel()

    def _play(self, voice: Voice, synthesiser: subprocess.Popen[bytes], number: int) -> None:
        """Hands the samples on, and keeps them."""
        assert synthesiser.stdout is not None
        with synthesiser.stdout as samples:
            samples.read(voice.header)
            block = samples.read(_BLOCK)
            player = self._start(voice.player, number) if block else None
            if player is None:
                return
            assert player.stdin is not None
            resample, playback = Resampler(voice.rate), Playback()
            with suppress(OSError), player.stdin as pipe:
                while block:
                    playback.add(resample(np.frombuffer(block[: len(block) // 2 * 2], "<i2").astype(np.int16)))
                    self._playback = playback
                    pipe.write(block)
                    block = samples.read(_BLOCK)

    def _start(self, command: Sequence[str], number: int, output: int = DEVNULL) -> subprocess.Popen[bytes] | None:
        """None when it was stopped meanwhile. Raises `SpeechError`."""
        with self._lock:
            if number != self._stops:
                return None
            try:
                process = subprocess.Popen(command, stdin=PIPE, stdout=output, stderr=DEVNULL)  # noqa: S603
            except OSError as error:
                raise SpeechError(f"The voice cannot speak: {command[0]}: {error.strerror}.") from error
            self._processes.append(process)
            return process

    def _kill(self) -> None:
        with self._lock:
            for process in self._processes:
                process.kill()
