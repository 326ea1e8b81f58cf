"""Recordings in place of a microphone, good ones and bad ones."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from otto.audio.chunk import CHUNK_SAMPLES, RATE
from otto.audio.recording import SoundFileError
from otto.audio.standin import TAIL_SECONDS, Recorded, raw, recording

pytest.importorskip("soundfile", reason="needs the voice extra")


def sound(path: Path, seconds: float, rate: int = RATE, channels: int = 1) -> Path:
    """A tone of 440 Hz as a WAV file."""
    tone = 10_000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone.astype("<i2"), channels).tobytes())
    return path


def all_of(source: Recorded) -> np.ndarray:
    heard = []
    while (chunk := source.read(1.0)) is not None:
        heard.append(chunk.samples)
    assert source.ended
    return np.concatenate(heard)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2), (8_000, 1)])
def test_any_rate_and_number_of_channels(tmp_path: Path, rate: int, channels: int) -> None:
    heard = all_of(recording(sound(tmp_path / "a.wav", 1.0, rate, channels)))
    assert len(heard) / RATE == pytest.approx(1.0 + TAIL_SECONDS, abs=0.1)
    spectrum = np.abs(np.fft.rfft(heard[:RATE]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)
    assert not heard[-RATE:].any()


def test_a_bad_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_bytes(b"this is no sound at all\n" * 100)
    with pytest.raises(SoundFileError, match=r"text\.wav is no sound file"):
        recording(tmp_path / "text.wav")


def test_ten_minutes(tmp_path: Path) -> None:
    assert len(all_of(recording(sound(tmp_path / "long.wav", 600)))) / RATE == pytest.approx(601.5, abs=0.1)


def test_samples_on_a_pipe() -> None:
    samples = np.arange(3 * CHUNK_SAMPLES + 100, dtype="<i2")
    heard = all_of(raw(io.BytesIO(samples.tobytes() + b"\x01")))
    assert np.array_equal(heard[: len(samples)], samples)
    assert not heard[len(samples) :].any()
