"""From a device's sample rate to Otto's 16 kHz, block by block.

    >>> resample = Resampler(48_000)
    >>> resample(block)                 # about a third as many samples

A windowed sinc (Smith, "Digital Audio Resampling") from a table of 256 positions between two samples; when the rate
goes down, its cut-off goes down with it, so that nothing folds back into speech.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import RATE

_POSITIONS = 256
_CROSSINGS = 8


class Resampler:
    """One stream: it remembers where the last block ended."""

    def __init__(self, rate: int) -> None:
        """`rate`: samples a second that come in, 8,000 to 192,000."""
        self._step = rate / RATE
        cutoff = min(1.0, 1 / self._step) * 0.95
        self._half = int(np.ceil(_CROSSINGS / cutoff))
        taps = np.arange(-self._half + 1, self._half + 1)
        distance = taps[None, :] - (np.arange(_POSITIONS) / _POSITIONS)[:, None]
        window = np.cos(np.pi * np.clip(distance / (2 * self._half), -0.5, 0.5)) ** 2
        table = cutoff * np.sinc(cutoff * distance) * window
        self._table = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
        self._before: NDArray[np.float32] = np.zeros(2 * self._half, np.float32)
        self._at = float(self._half)
        """Position of the next output sample within `_before`."""

    def __call__(self, block: NDArray[np.int16]) -> NDArray[np.int16]:
        """The next samples, as far as they can be known yet."""
        known = np.concatenate([self._before, block.astype(np.float32)])
        count = max(0, int(np.ceil((len(known) - self._half - self._at) / self._step)))
        positions = self._at + self._step * np.arange(count)
        whole = np.floor(positions).astype(np.int64)
        fraction = ((positions - whole) * _POSITIONS).astype(np.int64)
        seen = known[whole[:, None] + np.arange(-self._half + 1, self._half + 1)[None, :]]
        samples: NDArray[np.float32] = np.einsum("ij,ij->i", seen, self._table[fraction])
        keep = len(known) - 2 * self._half
        self._before = known[keep:]
        self._at += self._step * count - keep
        rounded: NDArray[np.int16] = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
        return rounded
