"""The microphone: 32 ms of sound after another, whatever happens to the device.

    with Microphone(PortAudio(), settings.microphone) as microphone:
        while (chunk := microphone.read(1.0)) is not None: ...

A device that fails, or from which nothing has come for a second, is closed; devices are looked for anew, and the same
one is opened as soon as it is there again. Another microphone never takes its place: with a name only that one is
opened, and without one whatever is the system's default; when that changes, it is told.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.device import AudioSystem, MicrophoneError, RateError, Stream, choose
from otto.audio.resample import Resampler
from otto.clock import Clock, SystemClock

log = logging.getLogger(__name__)

STALL_SECONDS = 1.0
"""Nothing heard for so long is a failure."""
START_SECONDS = 2.0
"""The same for the first block: a sound server may have to wake a device that sleeps."""
RETRY_SECONDS = (0.3, 0.5, 0.9)
"""Pauses between attempts to open a device; the last one again and again."""
ZEROS_SECONDS = 2.0
"""Exact zeros for so long come from a dead stream, or from a microphone that is switched off."""
MUTED_SECONDS = 30.0
"""After exact zeros for so long it counts as switched off, and the stream is opened anew this often only."""
WAITING_BLOCKS = 94
"""Blocks (3 s) that wait at most; then the oldest is lost. A blocked listener must not eat memory."""


class Microphone:
    """One microphone, opened by the first `read`. It is a `Source` that never ends."""

    live = True
    ended = False

    def __init__(
        self,
        system: AudioSystem,
        name: str = "",
        *,
        changed: Callable[[str], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`changed` is told in a sentence when the microphone goes and when it is back."""
        self.name = name
        self.trouble = ""
        """Why nothing is heard at the moment; empty while all is well."""
        self.lost_blocks = 0
        self._system = system
        self._changed = changed or (lambda sentence: None)
        self._clock = clock or SystemClock()
        self._stream: Stream | None = None
        self._resample: Resampler | None = None
        self._blocks: deque[bytes] = deque(maxlen=WAITING_BLOCKS)
        self._arrived = threading.Event()
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._attempts = 0
        self._next_attempt = 0.0
        self._heard_at = 0.0
        self._started = False
        self._zeros_since: float | None = None
        self._reopened_at = 0.0
        self._device = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Opens it now. Raises `MicrophoneError`; `read` would try again and again."""
        self._open()

    def close(self) -> None:
        """Lets go of the device; `read` would open it again."""
        stream, self._stream = self._stream, None
        if stream:
            stream.close()
        self._blocks.clear()
        self._rest = np.zeros(0, np.int16)

    def read(self, seconds: float) -> AudioChunk | None:
        """The next chunk; None when there is none after `seconds`, because the microphone is away for the moment."""
        deadline = self._clock.monotonic() + seconds
        while True:
            now = self._clock.monotonic()
            self._look_after(now)
            if len(self._rest) >= CHUNK_SAMPLES:
                chunk, self._rest = self._rest[:CHUNK_SAMPLES], self._rest[CHUNK_SAMPLES:]
                return AudioChunk(chunk)
            if self._blocks:
                self._take(now)
                continue
            if now >= deadline:
                return None
            self._clock.wait(self._arrived, max(0.001, min(deadline - now, 0.1)))
            self._arrived.clear()

    def _look_after(self, now: float) -> None:
        """Opens what is closed, and closes what has gone wrong."""
        if self._stream is None:
            if now >= self._next_attempt:
                self._attempt(now)
        elif not self._blocks and now - self._heard_at > (STALL_SECONDS if self._started else START_SECONDS):
            self._fail("The microphone has stopped sending.", now)
        elif self._dead(now):
            log.info("the microphone sends nothing but zeros: opening it again")
            self.close()
            self._reopened_at = now
            self._attempt(now, again=False)

    def _dead(self, now: float) -> bool:
        """Whether to try a new stream because of zeros. The devices are not looked for anew: it may just be muted."""
        if self._zeros_since is None:
            return False
        wait = ZEROS_SECONDS if now - self._zeros_since < MUTED_SECONDS else MUTED_SECONDS
        return now - max(self._zeros_since, self._reopened_at) >= wait

    def _attempt(self, now: float, *, again: bool = True) -> None:
        try:
            if again and self._attempts:
                self._system.refresh()
            self._open()
        except MicrophoneError as error:
            self._fail(str(error), now)

    def _note(self, device: str) -> None:
        """The system's default may be another one than before: that is told."""
        if self._device and device != self._device:
            self._changed(f"Listening through {device} now.")
        self._device = device

    def _open(self) -> None:
        device = choose(self._system.devices(), self.name)
        self._blocks.clear()
        try:
            self._stream = self._system.open(device, RATE, CHUNK_SAMPLES, self._heard)
            self._resample = None
        except RateError:
            samples = CHUNK_SAMPLES * device.rate // RATE
            self._stream = self._system.open(device, device.rate, samples, self._heard)
            self._resample = Resampler(device.rate)
        self._heard_at = self._clock.monotonic()
        self._started = False
        self._note(device.name)

    def _fail(self, sentence: str, now: float) -> None:
        self.close()
        pause = RETRY_SECONDS[min(self._attempts, len(RETRY_SECONDS) - 1)]
        self._attempts += 1
        self._next_attempt = now + pause
        self._zeros_since = None
        if not self.trouble:
            log.warning("%s", sentence)
            self._changed(sentence)
        self.trouble = sentence

    def _heard(self, block: bytes) -> None:
        """Called from the sound system's thread, which must never wait."""
        if len(self._blocks) == WAITING_BLOCKS:
            self.lost_blocks += 1
        self._blocks.append(block)
        self._arrived.set()

    def _take(self, now: float) -> None:
        samples = np.frombuffer(self._blocks.popleft(), np.int16)
        self._heard_at = now
        if self.trouble:
            self._changed("The microphone is back.")
        self.trouble = ""
        self._started = True
        self._attempts = 0
        if samples.any():
            self._zeros_since = None
        elif self._zeros_since is None:
            self._zeros_since = now
        if self._resample:
            samples = self._resample(samples)
        self._rest = np.concatenate([self._rest, samples])
