"""From sound to what is meant: which utterances are heard without the wake phrase, too."""

from __future__ import annotations

import numpy as np
import pytest

from otto.audio.endpoint import Endpoint, Hangover
from otto.audio.scripted import ScriptedSpeech, loudness
from otto.audio.standin import chunks
from otto.audio.stt import Collected, Hearing, SpeechToText
from otto.voice.attention import Attention
from otto.voice.ears import Sound
from otto.voice.hearer import Hearer
from tests.voicefakes import WAKE, EchoOtto


class Contested(ScriptedSpeech):
    """Knows what it says, and is asked what else it may have been."""

    def __init__(self, *said: str) -> None:
        super().__init__(*said)
        self.asked: list[Hearing] = []
        self.rival: SpeechToText | None = self

    def listen(self) -> Collected:
        self.asked.append(super().listen())
        return self.asked[-1]


@pytest.mark.parametrize(("open_seconds", "hearings"), [(0.0, 2), (60.0, 1)])
def test_a_rival_listens_only_where_the_wake_phrase_has_to_be_said(open_seconds: float, hearings: int) -> None:
    engine, attention = Contested("otto say one"), Attention("wake", WAKE)
    attention.open(open_seconds)
    hearer, endpoint = Hearer(engine, attention, EchoOtto().understand), Endpoint(Hangover(0.6))
    sound = np.concatenate([engine.say("otto say one"), np.zeros(16_000, np.int16)])
    found = [
        heard
        for chunk in chunks(sound)
        for event in endpoint(chunk, loudness(chunk))
        if (heard := hearer(Sound(event, 0.0)))
    ]
    assert [heard.command for heard in found] == ["say one"]
    assert len(engine.asked) == hearings
