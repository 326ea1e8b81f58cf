"""Sound that somebody sends over a connection, as a source for the ears.

>>> source = Sent()
>>> source.put(samples)         # bytes: 16-bit little-endian mono at 16 kHz, any number of them
>>> source.read(0.2)            # in the ears' thread
"""

from __future__ import annotations

import queue

import numpy as np

from otto.audio.chunk import CHUNK_SAMPLES, MAX_SECONDS, RATE, AudioChunk

_BYTES = 2 * CHUNK_SAMPLES
MOST_CHUNKS = int(MAX_SECONDS * RATE / CHUNK_SAMPLES)
"""Sound that may wait for the ears; they are far faster than anybody speaks."""


class Sent:
    """A `Source`."""

    live = True

    def __init__(self) -> None:
        self.ended = False
        self._chunks: queue.Queue[AudioChunk | None] = queue.Queue(MOST_CHUNKS)
        self._rest = b""

    def put(self, data: bytes) -> list[AudioChunk]:
        """The chunks that are complete with this. From one thread; what the ears have no room for is lost."""
        whole = self._rest + data
        end = len(whole) - len(whole) % _BYTES
        self._rest = whole[end:]
        samples = np.frombuffer(whole[:end], "<i2").astype(np.int16).reshape(-1, CHUNK_SAMPLES)
        chunks = [AudioChunk(row) for row in samples]
        for chunk in chunks:
            try:
                self._chunks.put_nowait(chunk)
            except queue.Full:
                break
        return chunks

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True

    def read(self, seconds: float) -> AudioChunk | None:
        try:
            return self._chunks.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        pass
