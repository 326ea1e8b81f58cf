"""Sound as the bytes of a WAV file."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from otto.audio.wav import wav


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050])
def test_samples_are_read_back_as_they_were_written(rate: int) -> None:
    samples = np.array([0, 1, -1, 32767, -32768], np.int16)
    with wave.open(io.BytesIO(wav(samples, rate))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, rate)
        assert np.array_equal(np.frombuffer(file.readframes(10), "<i2"), samples)
