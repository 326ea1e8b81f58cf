"""Sound as the bytes of a WAV file, which need never touch the disk.

>>> wav(samples)[:4]
b'RIFF'
"""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import RATE


def wav(samples: NDArray[np.int16], rate: int = RATE) -> bytes:
    """`samples`: mono, at `rate` samples a second."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()
