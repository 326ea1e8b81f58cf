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
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.device import AudioSystem, Device, MicrophoneError, RateError, Stream, choose
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
"""After exact zeros for so long it counts as switched off, and a second stream is tried this often only. The same where
zeros have turned into sound by themselves: there, something sends zeros whenever nobody speaks."""
SPARE_BLOCKS = 4
"""Of sound from the second stream, while the first still sends zeros, that show which of the two is alive."""
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
        self._gated = False
        self._spare: tuple[Stream, Resampler | None] | None = None
        self._spare_blocks: deque[bytes] = deque(maxlen=WAITING_BLOCKS)
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
        self._drop_spare()
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
        elif len(self._spare_blocks) >= SPARE_BLOCKS:
            self._take_spare()
        elif self._dead(now):
            self._reopened_at = now
            self._open_spare(now)

    def _open_spare(self, now: float) -> None:
        """A second stream beside the one that sends zeros: nothing is lost if the first is only muted."""
        log.debug("the microphone sends nothing but zeros: trying another stream")
        self._drop_spare()
        try:
            self._spare = self._started_stream(choose(self._system.devices(), self.name), self._spare_blocks)
        except MicrophoneError:  # whoever has it alone cannot have it twice
            self.close()
            self._attempt(now, again=False)

    def _take_spare(self) -> None:
        """The second stream brings sound, and the first still does not: it was dead."""
        if self._zeros_since is None or self._spare is None or any(any(block) for block in self._blocks):
            self._drop_spare()
            return
        log.info("the microphone sent nothing but zeros: opened it again")
        if self._stream:
            self._stream.close()
        self._stream, self._resample = self._spare
        self._spare = None
        self._blocks, self._spare_blocks = self._spare_blocks, deque(maxlen=WAITING_BLOCKS)

    def _drop_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare:
            spare[0].close()
        self._spare_blocks.clear()

    def _dead(self, now: float) -> bool:
        """Whether to try a new stream because of zeros. The devices are not looked for anew: it may just be muted."""
        if self._zeros_since is None:
            return False
        patient = self._gated or now - self._zeros_since >= MUTED_SECONDS
        wait = MUTED_SECONDS if patient else ZEROS_SECONDS
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
        self._stream, self._resample = self._started_stream(device, self._blocks)
        self._heard_at = self._clock.monotonic()
        self._started = False
        self._note(device.name)

    def _started_stream(self, device: Device, blocks: deque[bytes]) -> tuple[Stream, Resampler | None]:
        heard = partial(self._heard, blocks)
        try:
            return self._system.open(device, RATE, CHUNK_SAMPLES, heard), None
        except RateError:
            samples = CHUNK_SAMPLES * device.rate // RATE
            return self._system.open(device, device.rate, samples, heard), Resampler(device.rate)

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

    def _heard(self, blocks: deque[bytes], block: bytes) -> None:
        """Called from the sound system's thread, which must never wait. `blocks`: where this stream's are put."""
        if blocks is self._spare_blocks and not (blocks or any(block)):
            return  # zeros of the second stream are of no interest
        if len(blocks) == WAITING_BLOCKS:
            self.lost_blocks += 1
        blocks.append(block)
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
            if self._zeros_since is not None and now - self._zeros_since >= ZEROS_SECONDS:
                self._gated = True
                self._drop_spare()
            self._zeros_since = None
        elif self._zeros_since is None:
            self._zeros_since = now
        if self._resample:
            samples = self._resample(samples)
        self._rest = np.concatenate([self._rest, samples])
