"""Where an utterance begins and ends, told from probabilities alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from otto.audio.chunk import CHUNK_SAMPLES, AudioChunk
from otto.audio.endpoint import CHUNK_SECONDS, Began, Ended, Endpoint, Event, Hangover, More, Pause, Resumed


def numbered(number: int) -> AudioChunk:
    return AudioChunk(np.full(CHUNK_SAMPLES, number, np.int16))


def chunks(seconds: float) -> int:
    return round(seconds / CHUNK_SECONDS)


def follow(endpoint: Endpoint, *stretches: tuple[float, float]) -> list[tuple[int, Event]]:
    """(number of the chunk, event) for stretches of (seconds, probability)."""
    probabilities = [probability for seconds, probability in stretches for _ in range(chunks(seconds))]
    return [(n, event) for n, each in enumerate(probabilities) for event in endpoint(numbered(n), each)]


def kinds(events: list[tuple[int, Event]]) -> list[type[Event]]:
    return [type(event) for _, event in events if not isinstance(event, More)]


def test_a_sentence_begins_pauses_and_ends() -> None:
    events = follow(Endpoint(Hangover(0.6)), (1.0, 0.1), (1.5, 0.9), (2.0, 0.1))
    assert kinds(events) == [Began, Pause, Ended]
    at = {type(event): n for n, event in events if not isinstance(event, More)}
    last_voice = chunks(1.0) + chunks(1.5)
    assert (at[Pause] - last_voice + 1) * CHUNK_SECONDS == pytest.approx(0.2, abs=CHUNK_SECONDS)
    assert (at[Ended] - last_voice + 1) * CHUNK_SECONDS == pytest.approx(0.6, abs=CHUNK_SECONDS)


def test_half_a_second_from_before_belongs_to_it_and_nothing_is_missing() -> None:
    events = follow(Endpoint(Hangover(0.6)), (1.0, 0.1), (1.0, 0.9), (1.0, 0.1))
    began = next(event for _, event in events if isinstance(event, Began))
    more = [event.chunk for _, event in events if isinstance(event, More)]
    numbers = [int(chunk.samples[0]) for chunk in (*began.chunks, *more)]
    assert (chunks(1.0) - numbers[0]) * CHUNK_SECONDS == pytest.approx(0.5, abs=3 * CHUNK_SECONDS)
    assert all(after - before == 1 for before, after in pairwise(numbers))


def test_speech_that_goes_on_takes_the_pause_back() -> None:
    events = follow(Endpoint(Hangover(0.6)), (1.0, 0.9), (0.4, 0.1), (1.0, 0.9), (1.0, 0.0))
    assert kinds(events) == [Began, Pause, Resumed, Pause, Ended]


def test_a_click_is_no_beginning() -> None:
    assert follow(Endpoint(Hangover(0.6)), (0.5, 0.1), (0.032, 0.99), (1.0, 0.1)) == []


def test_a_voice_that_grows_faint_is_still_there() -> None:
    assert kinds(follow(Endpoint(Hangover(0.6)), (0.5, 0.9), (1.0, 0.4), (0.1, 0.1))) == [Began]


@pytest.mark.parametrize("hangover", [0.3, 0.6, 1.2])
def test_the_hangover_is_what_was_set(hangover: float) -> None:
    events = follow(Endpoint(Hangover(hangover)), (1.0, 0.9), (2.0, 0.1))
    ended = next(event for _, event in events if isinstance(event, Ended))
    assert ended.silence == pytest.approx(hangover, abs=CHUNK_SECONDS)
    assert not ended.cut


def test_what_goes_on_for_too_long_is_cut_off() -> None:
    events = follow(Endpoint(Hangover(0.6)), (40.0, 0.9))
    ends = [(n, event) for n, event in events if isinstance(event, Ended)]
    assert ends[0][0] * CHUNK_SECONDS == pytest.approx(15.0, abs=0.1)
    assert ends[0][1].cut
    assert len(ends) == 2


def test_another_judgement_can_take_the_place_of_the_hangover() -> None:
    asked: list[tuple[float, float, str]] = []

    def complete(silence: float, voiced: float, partial: str) -> bool:
        asked.append((silence, voiced, partial))
        return partial == "stop"

    endpoint = Endpoint(complete)
    assert kinds(follow(endpoint, (1.0, 0.9), (5.0, 0.1))) == [Began, Pause]
    assert asked[-1][1] == pytest.approx(1.0, abs=0.1)
    endpoint.partial = "stop"
    assert kinds(follow(endpoint, (0.1, 0.1))) == [Ended]


def test_after_a_reset_nothing_of_before_is_left() -> None:
    endpoint = Endpoint(Hangover(0.6))
    follow(endpoint, (1.0, 0.9))
    endpoint.reset()
    assert not endpoint.speaking
    (first, *_) = follow(endpoint, (1.0, 0.9))
    assert isinstance(first[1], Began)
    assert len(first[1].chunks) == 2
