"""Sound that stands in for the microphone: a recording, or raw samples on standard input.

    >>> source = Recorded(Path("command.wav"))
    >>> while (chunk := source.read(1.0)) is not None: ...

A source is what the voice loop reads from; `Microphone` is another one. At the end of a recording comes a second and a
half of silence, so that the last word is heard to end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk

TAIL_SECONDS = 1.5


class Source(Protocol):
    """Where sound comes from."""

    live: bool
    """Whether sound comes in real time, and is lost when nobody takes it."""
    ended: bool
    """Whether nothing more will come."""

    def read(self, seconds: float) -> AudioChunk | None:
        """The next 32 ms; None when there is none for the moment, or when it has `ended`."""

    def close(self) -> None:
        """Lets go of it."""


class Recorded:
    """Chunks at once, as fast as they are taken."""

    live = False

    def __init__(self, chunks: Iterator[AudioChunk]) -> None:
        self.ended = False
        self._chunks = chunks

    def read(self, seconds: float) -> AudioChunk | None:
        chunk = next(self._chunks, None)
        self.ended = chunk is None
        return chunk

    def close(self) -> None:
        self._chunks = iter(())


def recording(path: Path) -> Recorded:
    """A sound file (WAV, FLAC, OGG). Raises `SoundFileError`."""
    from otto.audio.recording import read

    return Recorded(chunks(read(path)))


def raw(stream: BinaryIO) -> Recorded:
    """16-bit little-endian mono samples at 16 kHz, as they come."""
    return Recorded(_streamed(stream))


def chunks(samples: NDArray[np.int16], tail: float = TAIL_SECONDS) -> Iterator[AudioChunk]:
    """`samples` in chunks, then `tail` seconds of silence."""
    whole = np.concatenate([samples, np.zeros(int(tail * RATE) + CHUNK_SAMPLES, np.int16)])
    for start in range(0, len(whole) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
        yield AudioChunk(whole[start : start + CHUNK_SAMPLES])


def _streamed(stream: BinaryIO) -> Iterator[AudioChunk]:
    size = 2 * CHUNK_SAMPLES
    while len(block := stream.read(size)) == size:
        yield AudioChunk(np.frombuffer(block, "<i2").astype(np.int16))
    yield from chunks(np.frombuffer(block[: len(block) // 2 * 2], "<i2").astype(np.int16))
