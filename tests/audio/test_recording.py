"""Reading recordings: good ones of any kind, and one clear sentence for each bad one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otto.audio.chunk import RATE
from otto.audio.recording import SoundFileError, read, read_command, resampled

soundfile = pytest.importorskip("soundfile")


def tone(seconds: float, rate: int = RATE, pitch: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_any_usual_file_becomes_mono_at_16_khz(tmp_path: Path, rate: int, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.stack([tone(0.5, rate), tone(0.5, rate)], axis=1), rate)
    samples = read(path)
    assert samples.dtype == np.int16
    assert len(samples) == pytest.approx(RATE / 2, abs=1)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * RATE / len(samples) == pytest.approx(440, abs=2)
    assert np.abs(samples[1000:-1000]).max() == pytest.approx(16384, rel=0.02)


def test_samples_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(np.arange(-1600, 1600, dtype="<i2").tobytes())
    assert list(read(path)) == list(range(-1600, 1600))


def test_what_lies_above_8_khz_does_not_fold_back() -> None:
    high = resampled(tone(0.5, 48_000, 11_000.0).astype(np.float32), 48_000)
    assert np.abs(high[500:-500]).max() < 0.01


def cut(path: Path, keep: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def written(path: Path, seconds: float, rate: int = RATE) -> Path:
    soundfile.write(path, tone(seconds, rate), rate)
    return path


def noise(path: Path) -> Path:
    path.write_bytes(bytes(range(256)) * 8)
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda path: path / "nothing.wav", "is not there"),
        (lambda path: folder(path / "a.wav"), "is a folder"),
        (lambda path: empty(path / "a.wav"), "is empty"),
        (lambda path: written(path / "a.wav", 0.0), "lasts 0 s"),
        (lambda path: noise(path / "a.wav"), "no sound file"),
        (lambda path: cut(written(path / "a.wav", 1.0), 0.5), "cut short"),
        (lambda path: cut(written(path / "a.flac", 1.0), 0.5), "damaged|cut short"),
        (lambda path: written(path / "a.wav", 0.5, 4_000), "4000 samples a second; record it again with 16000"),
        (lambda path: written(path / "a.wav", 600.0), "lasts 10 min 0 s.*otto listen --input"),
    ],
)
def test_a_bad_recording_gets_one_sentence(tmp_path: Path, make, names: str) -> None:  # type: ignore[no-untyped-def]
    path = make(tmp_path)
    with pytest.raises(SoundFileError, match=names) as refused:
        read_command(path)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_long_recording_can_be_read_where_commands_are_looked_for(tmp_path: Path) -> None:
    assert len(read(written(tmp_path / "a.wav", 20.0))) == 20 * RATE
