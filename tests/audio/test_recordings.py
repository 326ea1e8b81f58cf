"""Recordings are kept where somebody asks for it, privately, and for a week."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from otto.audio.chunk import CHUNK_SAMPLES, AudioChunk
from otto.audio.recording import read
from otto.audio.recordings import Recordings, RecordingsError
from otto.clock import FakeClock

DAY = 86_400.0


def chunks(count: int) -> list[AudioChunk]:
    chance = np.random.default_rng(count)
    return [AudioChunk(chance.integers(-999, 999, CHUNK_SAMPLES).astype(np.int16)) for _ in range(count)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 4, 11, 0, tzinfo=UTC))


def test_what_is_kept_is_what_was_heard_for_this_user_alone(tmp_path: Path, clock: FakeClock) -> None:
    recordings = Recordings(tmp_path / "heard", clock)
    heard = chunks(7)
    recordings.keep(heard)
    recordings.keep(chunks(3))
    first, second = sorted((tmp_path / "heard").iterdir())
    assert (first.name, second.name) == ("otto-20260304-110000-000001.wav", "otto-20260304-110000-000002.wav")
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "heard").stat().st_mode) == 0o700
    assert (read(first) == np.concatenate([chunk.samples for chunk in heard])).all()


def test_after_a_week_they_are_gone_and_everything_else_is_not(tmp_path: Path, clock: FakeClock) -> None:
    recordings = Recordings(tmp_path, clock)
    recordings.keep(chunks(2))
    others = [tmp_path / name for name in ("mine.wav", "otto-notes.txt", "otto-20200101-000000-1.wav")]
    for other in others:
        other.write_text("precious")
    clock.advance(6.9 * DAY)
    Recordings(tmp_path, clock)
    assert len(list(tmp_path.iterdir())) == 4
    clock.advance(0.2 * DAY)
    Recordings(tmp_path, clock)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_one_that_goes_on_for_weeks_forgets_too(tmp_path: Path, clock: FakeClock) -> None:
    recordings = Recordings(tmp_path / "heard", clock)
    recordings.keep(chunks(2))
    clock.advance(8 * DAY)
    recordings.keep(chunks(3))
    assert [path.name for path in (tmp_path / "heard").iterdir()] == ["otto-20260312-110000-000002.wav"]


def test_it_is_announced_and_a_bad_folder_is_one_sentence(tmp_path: Path) -> None:
    assert str(tmp_path) in Recordings(tmp_path).announcement
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingsError, match="name another folder for --record"):
        Recordings(tmp_path / "file" / "folder")


def test_a_folder_that_is_gone_stops_nothing(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    recordings = Recordings(tmp_path / "heard", clock)
    (tmp_path / "heard").rmdir()
    recordings.keep(chunks(1))
    clock.advance(DAY)  # by then it looks for old ones, too
    recordings.keep(chunks(1))
    assert caplog.text.count("cannot be recorded") == 2
