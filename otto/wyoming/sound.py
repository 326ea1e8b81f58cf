"""Sound as satellites send it, any rate, width and number of channels, as Otto's chunks.

>>> sound = Incoming()
>>> chunks = sound.chunks(AudioChunk(rate=48000, width=2, channels=2, audio=…))
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from wyoming.audio import AudioChunk as WyomingChunk
from wyoming.audio import AudioFormat

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.resample import Resampler

RATES = range(8_000, 192_001)


class Incoming:
    """One stream."""

    def __init__(self) -> None:
        self._format: tuple[int, int, int] | None = None
        self._resample: Resampler | None = None
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)

    def chunks(self, chunk: WyomingChunk) -> list[AudioChunk]:
        """The chunks of 32 ms that are complete with this. Raises `ValueError` for a format that nobody can hear."""
        samples = self._at_our_rate(chunk, _mono(chunk, chunk.audio))
        whole = np.concatenate([self._rest, samples])
        end = len(whole) - len(whole) % CHUNK_SAMPLES
        self._rest = whole[end:]
        return [AudioChunk(row) for row in whole[:end].reshape(-1, CHUNK_SAMPLES)]

    def _at_our_rate(self, form: AudioFormat, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        now = (form.rate, form.width, form.channels)
        if now != self._format:
            self._format = now
            self._resample = Resampler(form.rate) if form.rate != RATE else None
        return self._resample(samples) if self._resample else samples


def _mono(form: AudioFormat, audio: bytes) -> NDArray[np.int16]:
    """One channel of 16 bits."""
    if form.rate not in RATES or form.width not in (1, 2, 4) or form.channels not in range(1, 9):
        raise ValueError(
            f"sound with {form.rate} Hz, {form.width} bytes and {form.channels} channels is not understood"
        )
    whole = audio[: len(audio) // (form.width * form.channels) * form.width * form.channels]
    match form.width:
        case 1:  # unsigned, as in WAV files
            wide = (np.frombuffer(whole, np.uint8).astype(np.int32) - 128) << 8
        case 2:
            wide = np.frombuffer(whole, "<i2").astype(np.int32)
        case _:
            wide = np.frombuffer(whole, "<i4").astype(np.int32) >> 16
    mono: NDArray[np.int16] = wide.reshape(-1, form.channels).mean(axis=1).astype(np.int16)
    return mono
