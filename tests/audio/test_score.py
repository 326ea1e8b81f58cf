"""How well and how fast recordings are transcribed."""

from __future__ import annotations

import numpy as np
import pytest

from otto.audio.chunk import RATE
from otto.audio.score import Timed, whole_chunks, word_error_rate
from otto.audio.scripted import ScriptedSpeech


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("set a timer", "set a timer", 0.0),
        ("Set a timer for 10 minutes.", "set a timer for ten minutes", 0.0),
        ("set a timer", "set timer", 1 / 3),
        ("set a timer", "set a a timer", 1 / 3),
        ("set a timer", "", 1.0),
        ("", "set", 0.0),
    ],
)
def test_words_wrong_for_words_said(said: str, heard: str, rate: float) -> None:
    assert word_error_rate([(said, heard)]) == pytest.approx(rate)


def test_long_sentences_weigh_more() -> None:
    assert word_error_rate([("one two three", "one two three"), ("four", "")]) == pytest.approx(0.25)


def test_the_last_chunk_is_filled_up() -> None:
    chunks = whole_chunks(np.ones(1000, np.int16))
    assert [int(chunk.samples.sum()) for chunk in chunks] == [512, 488]


def test_time_is_taken_for_each_second_of_sound() -> None:
    engine = ScriptedSpeech("lights on", "lights off")
    timed = Timed(engine)
    assert timed.transcribe(engine.say("lights off")).text == "lights off"
    assert timed.sound_seconds == pytest.approx(1.6)
    assert 0 < timed.realtime_factor == pytest.approx(timed.cpu_seconds / 1.6)
    assert timed.sound_seconds * RATE == len(engine.say("lights off"))
