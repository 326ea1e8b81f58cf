"""Somebody who speaks while Otto does is heard; Otto itself is not."""

from __future__ import annotations

import numpy as np
import pytest

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.echo import Playback
from otto.audio.interruption import Interruption
from tests.audio.test_echo import Sound, chunks, in_a_room, playing, voice


def loud(chunk: AudioChunk) -> float:
    return float(chunk.level > -34)


def interrupted_at(heard: Sound, playback: Playback | None) -> float | None:
    """Seconds until somebody was heard."""
    interruption = Interruption(loud, lambda: playback)
    for number, chunk in enumerate(chunks(heard), 1):
        if said := interruption(chunk):
            assert loud(said[-1][0])
            return number * CHUNK_SAMPLES / RATE
    return None


@pytest.mark.parametrize("seed", range(5))
def test_its_own_voice_is_nobody(seed: int) -> None:
    sound = voice(5.0, seed)
    assert interrupted_at(in_a_room(sound, 0.1 + 0.1 * seed, seed), playing(sound)) is None


@pytest.mark.parametrize("samples", [100, 320, 3000, -400])
def test_a_sound_server_that_had_to_wait_is_nobody(samples: int) -> None:
    sound = voice(6.0)
    heard = in_a_room(sound, 0.2)
    at = 3 * RATE
    moved = np.concatenate([heard[:at], np.zeros(max(0, samples)), heard[at - min(0, samples) :]])
    assert interrupted_at(moved, playing(sound)) is None


@pytest.mark.parametrize("at", [2.0, 3.3])
def test_somebody_is_heard_within_a_third_of_a_second(at: float) -> None:
    sound = voice(6.0)
    heard = in_a_room(sound, 0.2)
    start = int(at * RATE)
    heard[start : start + RATE] += 0.1 * np.random.default_rng(8).standard_normal(RATE)
    found = interrupted_at(heard, playing(sound))
    assert found is not None
    assert 0 < found - at < 0.35


def test_a_knock_is_no_speech() -> None:
    sound = voice(5.0)
    heard = in_a_room(sound, 0.2)
    heard[3 * RATE : 3 * RATE + 1600] += 0.3 * np.random.default_rng(8).standard_normal(1600)
    assert interrupted_at(heard, playing(sound)) is None


def test_with_headphones_somebody_else_is_heard_without_ado() -> None:
    chance = np.random.default_rng(8)
    heard = 0.0003 * chance.standard_normal(5 * RATE)
    heard[3 * RATE : 4 * RATE] += 0.1 * chance.standard_normal(RATE)
    found = interrupted_at(heard, playing(voice(5.0)))
    assert found is not None
    assert 0 < found - 3.0 < 0.6


def test_without_knowing_what_is_played_nobody_is_heard() -> None:
    heard = in_a_room(voice(3.0), 0.2)
    heard[2 * RATE :] += 0.2 * np.random.default_rng(8).standard_normal(len(heard) - 2 * RATE)
    assert interrupted_at(heard, None) is None
