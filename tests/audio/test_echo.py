"""Otto's own voice is found in what the microphone hears, and taken out of it. The voice is noise that swells like
syllables, the room an echo that dies away."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.echo import EchoCanceller, Playback, lag

Sound = NDArray[np.float64]


def voice(seconds: float, seed: int = 0) -> Sound:
    """Something like speech: coloured noise that comes and goes four times a second."""
    chance = np.random.default_rng(seed)
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(chance.standard_normal(count))
    spectrum /= 1 + (np.arange(len(spectrum)) * RATE / count / 800) ** 2
    sound = np.fft.irfft(spectrum, count) * np.clip(np.sin(2 * np.pi * 2 * np.arange(count) / RATE), 0, 1)
    whole: Sound = 0.1 * sound / np.std(sound)
    return whole


def in_a_room(sound: Sound, delay: float, seed: int = 0) -> Sound:
    """As a microphone hears it, `delay` seconds after it was played."""
    chance = np.random.default_rng(seed)
    response = 0.1 * chance.standard_normal(3200) * np.exp(-np.arange(3200) / 700)
    response[0] = 1.0
    heard: Sound = np.convolve(np.concatenate([np.zeros(int(delay * RATE)), sound]), response) * 0.5
    return heard + 0.0003 * chance.standard_normal(len(heard))


def chunks(sound: Sound) -> list[AudioChunk]:
    whole = np.clip(sound * 32768, -32768, 32767).astype(np.int16)
    return [AudioChunk(whole[at : at + CHUNK_SAMPLES]) for at in range(0, len(whole) - CHUNK_SAMPLES, CHUNK_SAMPLES)]


def playing(sound: Sound) -> Playback:
    playback = Playback()
    playback.add((sound * 32768).astype(np.int16))
    return playback


def test_playback_is_zero_before_and_after() -> None:
    playback = Playback()
    for _ in range(3):
        playback.add(np.full(12_000, 16_384, np.int16))
    assert len(playback) == 36_000
    assert playback.between(-2, 2).tolist() == [0, 0, 0.5, 0.5]
    assert playback.between(35_999, 36_001).tolist() == [0.5, 0]
    assert playback.between(50_000, 50_003).tolist() == [0, 0, 0]


def test_where_a_sound_lies_in_another_is_found_and_no_other() -> None:
    sound = voice(3.0).astype(np.float32)
    assert lag(sound[20_000:28_000], sound) == 20_000
    assert lag(voice(0.5, seed=9).astype(np.float32), sound) is None
    assert lag(np.zeros(8_000, np.float32), sound) is None


@pytest.mark.parametrize("delay", [0.03, 0.4, 1.7])
def test_its_own_voice_is_taken_out(delay: float) -> None:
    sound = voice(6.0)
    echo = EchoCanceller()
    echo.begin(playing(sound))
    heard = chunks(in_a_room(sound, delay))
    cleaned = [echo(chunk) for chunk in heard]
    first = next(number for number, each in enumerate(cleaned) if each.known)
    assert first * CHUNK_SAMPLES / RATE < delay + 1.6
    assert echo.delay == pytest.approx(delay, abs=0.01)
    late = slice(first + 20, int((delay + 6.0) * RATE / CHUNK_SAMPLES))
    before = sum(float((each.samples.astype(float) ** 2).sum()) for each in heard[late])
    after = sum(float((each.chunk.samples.astype(float) ** 2).sum()) for each in cleaned[late])
    assert after < 0.01 * before  # 20 dB


def test_somebody_else_is_left_in() -> None:
    sound, other = voice(6.0), voice(1.0, seed=5)
    heard = in_a_room(sound, 0.2)
    heard[3 * RATE : 4 * RATE] += other
    echo = EchoCanceller()
    echo.begin(playing(sound))
    cleaned = [echo(chunk) for chunk in chunks(heard)]
    meant = np.concatenate([each.chunk.samples for each in cleaned])[3 * RATE : 4 * RATE] / 32768
    assert np.corrcoef(meant, other)[0, 1] > 0.8
    foreign = [each.foreign for each in cleaned]
    assert max(foreign[95:120]) > 1
    assert float(np.median([each.foreign for each in cleaned[60:90] if each.known])) < 0.1


def test_what_is_not_played_is_never_known() -> None:
    echo = EchoCanceller()
    assert not echo(chunks(voice(0.1))[0]).known
    echo.begin(playing(voice(4.0)))
    assert not any(echo(chunk).known for chunk in chunks(in_a_room(voice(4.0, seed=3), 0.1)))


def what_is_left(heard: Sound, played: Sound) -> list[bool]:
    """For each 32 ms in which something is left beside its own voice: whether that was its own, not learnt yet."""
    echo = EchoCanceller()
    echo.begin(playing(played))
    cleaned = ((echo(chunk), echo) for chunk in chunks(heard))
    return [echo.learnt() for each, echo in cleaned if each.known and each.foreign > 0.1]


def test_sounds_of_its_own_that_are_new_to_it_are_learnt() -> None:
    sound = voice(6.0, seed=2)
    spectrum = np.fft.rfft(sound[: 2 * RATE])
    spectrum[2 * 600 :] = 0
    sound[: 2 * RATE] = np.fft.irfft(spectrum, 2 * RATE)  # nothing above 600 Hz in the first two seconds
    assert any(what_is_left(in_a_room(sound, 0.2, seed=2), sound))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_somebody_else_says_is_learnt(seed: int) -> None:
    sound = voice(6.0, seed)
    heard = in_a_room(sound, 0.2, seed)
    heard[3 * RATE : 4 * RATE] += voice(1.0, seed + 5)
    left = what_is_left(heard, sound)
    assert len(left) > 5
    assert not any(left)
