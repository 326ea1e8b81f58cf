"""The two shapes of sound in Otto: what the microphone hands over, and what one person said in one go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second, everywhere in Otto."""
CHUNK_SAMPLES = 512
"""Samples in a chunk: 32 ms, what the voice activity model looks at."""
MAX_SECONDS = 15.0
"""Longest utterance; what goes on longer is no command."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """32 ms of sound."""

    samples: NDArray[np.int16]
    """Shape (512,), mono, 16 kHz."""

    def __post_init__(self) -> None:
        if self.samples.shape != (CHUNK_SAMPLES,) or self.samples.dtype != np.int16:
            raise ValueError(f"a chunk is {CHUNK_SAMPLES} int16 samples, not {self.samples.shape} {self.samples.dtype}")

    @property
    def level(self) -> float:
        """Loudness in dB below full scale: 0 is as loud as can be, -96 is digital silence."""
        power = float(np.mean(self.samples.astype(np.float64) ** 2))
        return max(-96.0, 10 * float(np.log10(power / 32768**2))) if power > 0 else -96.0


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What was said from the first sound to the silence after it."""

    samples: NDArray[np.float32]
    """Shape (n,), mono, 16 kHz, -1 to 1, at most 15 s."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    @classmethod
    def of(cls, chunks: list[AudioChunk]) -> Utterance:
        """The chunks in a row, cut after 15 s."""
        if not chunks:
            return cls(np.zeros(0, np.float32))
        whole = np.concatenate([chunk.samples for chunk in chunks])[: int(MAX_SECONDS * RATE)]
        return cls(whole.astype(np.float32) / np.float32(32768))
