"""Speech as samples, with the real voice of this machine."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from otto.audio.synthesis import synthesise
from otto.audio.tts import SpeechError, Voice, find_voice


def test_a_text_becomes_sound_that_grows_with_it() -> None:
    voice = find_voice("espeak-ng")
    short, long = synthesise(voice, "Yes."), synthesise(voice, "The timer is set for twenty-five minutes.")
    assert short.rate == long.rate == 22_050
    assert 0.2 < len(short.samples) / short.rate < len(long.samples) / long.rate < 6
    assert np.abs(long.samples.astype(int)).max() > 1000


def test_it_is_written_as_a_sound_file() -> None:
    spoken = synthesise(find_voice("espeak-ng"), "Yes.")
    with wave.open(io.BytesIO(spoken.wav())) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert file.getnframes() == len(spoken.samples)


def test_a_text_that_looks_like_an_option_is_read_out() -> None:
    assert len(synthesise(find_voice("espeak-ng"), "--version -w /tmp/x").samples) > 22_050


@pytest.mark.parametrize(
    ("voice", "complaint"),
    [
        (None, "no voice"),
        (Voice("say", ("say", "-f", "-")), "only speaks at this machine"),
        (Voice("gone", ("/nowhere/voice",), ("player",), 16_000), "cannot speak"),
        (Voice("false", ("false",), ("player",), 16_000), "failed"),
    ],
)
def test_a_voice_that_cannot_is_said_so(voice: Voice | None, complaint: str) -> None:
    with pytest.raises(SpeechError, match=complaint):
        synthesise(voice, "Yes.")
