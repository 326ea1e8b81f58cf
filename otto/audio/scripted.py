"""Fakes for tests: a microphone that plays what it is given and fails when the script says so, and an engine that hears
what it is told to.

    >>> system = ScriptedAudio(sound, faults=(Fault(at=2.0, kind="vanish", seconds=4.0),))
    >>> microphone = Microphone(system, clock=system.clock)

It runs in virtual time: waiting for the next chunk takes no real time, and a script is heard the same every time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import RATE, AudioChunk
from otto.audio.device import Device, MicrophoneError, RateError
from otto.audio.stt import Collected, Transcript
from otto.clock import FakeClock

FaultKind = Literal["raise", "stall", "zeros", "rate", "vanish"]
NAME = "Scripted microphone"
OTHER = "Another microphone"
_LOWEST = 300.0
_STEP = 90.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong."""

    at: float
    """Seconds after the start."""
    kind: FaultKind
    """`raise`: it breaks off and cannot be opened; `stall`: nothing comes any more; `zeros`: only zeros come; `rate`:
    it breaks off and then no longer records at 16 kHz; `vanish`: it is gone from the list. A stream that was open when
    it began stays broken; only one that is opened afterwards is whole."""
    seconds: float
    """How long it lasts."""

    def holds(self, now: float) -> bool:
        return self.at <= now < self.at + self.seconds


class ScriptedAudio:
    """An `AudioSystem` with two microphones: the scripted one, and another that must not be opened."""

    def __init__(self, sound: NDArray[np.int16], faults: tuple[Fault, ...] = (), rate: int = RATE) -> None:
        """`sound`: mono, at `rate`, heard over and over again."""
        self.clock = ScriptedClock(self)
        self.opened: list[str] = []
        """Names of the devices in the order in which they were opened."""
        self.streams: list[ScriptedStream] = []
        """Those that are open."""
        self._sound = sound
        self._faults = faults
        self._rate = rate
        self._listed = self._present()

    @property
    def now(self) -> float:
        return self.clock.seconds

    def fault(self) -> FaultKind | None:
        """What is wrong at the moment."""
        return next((fault.kind for fault in self._faults if fault.holds(self.now)), None)

    def broken(self, since: float) -> FaultKind | None:
        """What went wrong with a stream that was opened at `since`."""
        return next((fault.kind for fault in self._faults if since < fault.at <= self.now), None)

    def refresh(self) -> None:
        if self.streams:
            raise AssertionError("devices were looked for while a stream was open")
        self._listed = self._present()

    def devices(self) -> tuple[Device, ...]:
        return self._listed

    def open(self, device: Device, rate: int, samples: int, heard: Callable[[bytes], None]) -> ScriptedStream:
        self.opened.append(device.name)
        fault = self.fault() if device.name == NAME else None
        if fault == "rate" and rate == RATE or rate not in (RATE, device.rate):
            raise RateError(f"The microphone {device.name} does not record at {rate} Hz.")
        if fault in ("raise", "vanish"):
            raise MicrophoneError(f"The microphone {device.name} cannot be opened: it is busy.")
        stream = ScriptedStream(self, device.name, rate, samples, heard)
        self.streams.append(stream)
        return stream

    def sound(self, start: float, samples: int, rate: int) -> NDArray[np.int16]:
        """What there is to hear from `start` seconds on."""
        at = (start + np.arange(samples) / rate) * self._rate
        return self._sound[np.rint(at).astype(np.int64) % len(self._sound)]

    def _present(self) -> tuple[Device, ...]:
        devices = [
            Device(NAME, rate=self._rate if self._rate != RATE else 48_000, default=True),
            Device(OTHER),
        ]
        return tuple(devices[1:] if self.fault() == "vanish" else devices)


@dataclass(eq=False)
class ScriptedStream:
    """A recording under way."""

    system: ScriptedAudio
    name: str
    rate: int
    samples: int
    heard: Callable[[bytes], None]
    opened: float = field(init=False)
    sent: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.opened = self.system.now

    @property
    def due(self) -> float:
        """When the next block is complete."""
        return self.opened + (self.sent + 1) * self.samples / self.rate

    def send(self) -> None:
        """Hands over the block that is complete now."""
        start = self.opened + self.sent * self.samples / self.rate
        self.sent += 1
        wrong = self._wrong()
        if wrong not in (None, "zeros"):
            return
        block = self.system.sound(start, self.samples, self.rate)
        self.heard((np.zeros_like(block) if wrong == "zeros" else block).tobytes())

    def _wrong(self) -> FaultKind | None:
        if self.name != NAME:
            return None
        now = self.system.fault()
        return self.system.broken(self.opened) or (now if now != "rate" else None)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.system.streams.remove(self)


class ScriptedClock(FakeClock):
    """Time passes only while somebody waits, and sound comes as it passes."""

    def __init__(self, system: ScriptedAudio) -> None:
        super().__init__(datetime(2026, 3, 4, 11, 0, tzinfo=UTC))
        self._system = system

    def wait(self, event: threading.Event, seconds: float) -> bool:
        end = self.seconds + seconds
        while not event.is_set() and self.seconds < end:
            nearest = min([stream.due for stream in self._system.streams] + [end])
            self.advance(max(0.0, min(nearest, end) - self.seconds) or 1e-6)
            for stream in list(self._system.streams):
                if stream.due <= self.seconds + 1e-9:
                    stream.send()
        return event.is_set()


class ScriptedSpeech:
    """A `SpeechToText` for a language of tones: each of its sentences is one pitch, which `say` makes and it hears."""

    name = "scripted"

    def __init__(self, *sentences: str, seconds: float = 0.0) -> None:
        """At most 80 sentences. `seconds`: how long `finish` takes, in real time."""
        self.sentences = sentences
        self.seconds = seconds
        self.finished = 0
        """How often a transcript was asked for."""

    def say(self, sentence: str, seconds: float = 0.6, silence: float = 1.0) -> NDArray[np.int16]:
        """The sentence as sound, with silence after it."""
        pitch = _LOWEST + _STEP * self.sentences.index(sentence)
        tone = 8000 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * RATE)) / RATE)
        return np.concatenate([tone, np.zeros(int(silence * RATE))]).astype(np.int16)

    def listen(self) -> Collected:
        return Collected(self.transcribe)

    def transcribe(self, chunks: Sequence[AudioChunk]) -> Transcript:
        """The sentence of the tone that is heard."""
        self.finished += 1
        time.sleep(self.seconds)
        samples = np.concatenate([chunk.samples for chunk in chunks] or [np.zeros(1, np.int16)])
        spectrum = np.abs(np.fft.rfft(samples))
        pitch = float(np.argmax(spectrum)) * RATE / len(samples)
        number = round((pitch - _LOWEST) / _STEP)
        heard = loudness_of(samples) and 0 <= number < len(self.sentences)
        text = self.sentences[number] if heard else ""
        return Transcript(text, confidence=1.0, seconds=len(samples) / RATE)


def loudness(chunk: AudioChunk) -> float:
    """Voice activity for the language of tones: 1 while there is one."""
    return float(chunk.level > -30)


def loudness_of(samples: NDArray[np.int16]) -> bool:
    """Whether there is a tone in it at all."""
    return bool(np.abs(samples.astype(np.int32)).max() > 1000)
