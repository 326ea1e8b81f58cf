"""Satellites' sound as Otto's chunks."""

from __future__ import annotations

import numpy as np
import pytest
from wyoming.audio import AudioChunk

from otto.wyoming.sound import Incoming

TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.int32)
"""One second at 48 kHz."""


def sent(samples: np.ndarray, rate: int, width: int, channels: int) -> bytes:
    wide = {1: (samples >> 8) + 128, 2: samples, 4: samples << 16}[width]
    return np.repeat(wide.astype({1: np.uint8, 2: "<i2", 4: "<i4"}[width]), channels).tobytes()


@pytest.mark.parametrize(("rate", "width", "channels"), [(48_000, 2, 2), (16_000, 2, 1), (48_000, 4, 1), (8_000, 1, 1)])
def test_any_usual_format_becomes_16_khz_mono(rate: int, width: int, channels: int) -> None:
    sound = Incoming()
    audio = sent(TONE[:: 48_000 // rate], rate, width, channels)
    step = len(audio) // 7 // (width * channels) * width * channels
    chunks = [
        chunk
        for begin in range(0, len(audio), step)
        for chunk in sound.chunks(AudioChunk(rate, width, channels, audio[begin : begin + step]))
    ]
    assert 29 <= len(chunks) <= 31
    middle = np.concatenate([chunk.samples for chunk in chunks[5:-5]]).astype(float)
    crossings = np.count_nonzero(np.diff(np.signbit(middle))) / (len(middle) / 16_000) / 2
    assert crossings == pytest.approx(440, abs=4)
    assert np.abs(middle).max() == pytest.approx(8000, rel=0.1)


@pytest.mark.parametrize(("rate", "width", "channels"), [(100, 2, 1), (16_000, 3, 1), (16_000, 2, 0), (10**9, 2, 1)])
def test_a_format_that_nobody_can_hear_is_refused(rate: int, width: int, channels: int) -> None:
    with pytest.raises(ValueError, match="not understood"):
        Incoming().chunks(AudioChunk(rate, width, channels, b"1234"))
