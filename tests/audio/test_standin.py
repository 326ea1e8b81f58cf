"""Recordings in place of a microphone, good ones and bad ones."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from otto.audio.chunk import CHUNK_SAMPLES, RATE
from otto.audio.standin import TAIL_SECONDS, Recorded, SoundFileError, raw, recording

pytest.importorskip("faster_whisper", reason="needs the voice extra")


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


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.wav", None, "There is no sound file"),
        ("empty.wav", b"", "no sound file that can be read, or it is damaged"),
        ("text.wav", b"this is no sound at all\n" * 100, "no sound file that can be read"),
        ("head.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "no sound file that can be read"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SoundFileError, match=sentence) as caught:
        recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_sound(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match="There is no sound file"):
        recording(tmp_path)


def test_no_seconds_at_all(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match=r"no sound in|no sound file that can be read"):
        recording(sound(tmp_path / "nothing.wav", 0.0))


def test_a_truncated_file_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    path = sound(tmp_path / "cut.wav", 2.0)
    path.write_bytes(path.read_bytes()[:32_044])
    assert len(all_of(recording(path))) / RATE == pytest.approx(1.0 + TAIL_SECONDS, abs=0.1)


def test_ten_minutes(tmp_path: Path) -> None:
    assert len(all_of(recording(sound(tmp_path / "long.wav", 600)))) / RATE == pytest.approx(601.5, abs=0.1)


def test_samples_on_a_pipe() -> None:
    samples = np.arange(3 * CHUNK_SAMPLES + 100, dtype="<i2")
    heard = all_of(raw(io.BytesIO(samples.tobytes() + b"\x01")))
    assert np.array_equal(heard[: len(samples)], samples)
    assert not heard[len(samples) :].any()
