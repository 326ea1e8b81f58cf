"""The wake phrase in the sound: heard in many voices, and rarely where it is not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx", reason="needs the voice extra")

from otto.audio.chunk import AudioChunk
from otto.audio.recording import read
from otto.audio.standin import chunks
from otto.audio.stt import Transcript, Word
from otto.audio.wake import Spotter, WakePhraseError, sureness

PHRASES = ("otto", "hey otto")
VOICES = ("en-us", "en-gb", "en-us+f3", "en-us+m3", "en-gb-scotland+f2")
pytestmark = pytest.mark.skipif(
    not shutil.which("espeak-ng"), reason="espeak-ng is not installed: apt-get install espeak-ng"
)


@pytest.fixture
def say(tmp_path: Path) -> Callable[[str, str], list[AudioChunk]]:
    def spoken(text: str, voice: str) -> list[AudioChunk]:
        path = tmp_path / "said.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-w", str(path), "--", text], check=True)
        return list(chunks(np.concatenate([np.zeros(4000, np.int16), read(path)]), tail=0.3))

    return spoken


def spotted(spotter: Spotter, sound: list[AudioChunk]) -> bool:
    spotter.begin()
    return any([spotter(chunk) for chunk in sound])


def test_it_is_heard_in_every_voice(say: Callable[[str, str], list[AudioChunk]]) -> None:
    spotter = Spotter(PHRASES)
    for voice in VOICES:
        for text in ("otto set a timer for ten minutes", "hey otto, what time is it"):
            assert spotted(spotter, say(text, voice)), (text, voice)


def test_some_other_speech_is_not_let_through(say: Callable[[str, str], list[AudioChunk]]) -> None:
    spotter = Spotter(PHRASES)
    others = [
        "the weather is nice today",
        "please pass me the butter",
        "she sells sea shells by the sea",
        "we leave at nine",
    ]
    passed = [spotted(spotter, say(text, voice)) for text in others for voice in VOICES]
    assert sum(passed) <= 0.8 * len(passed)  # a sieve: the transcript has to confirm it


def test_silence_and_noise_are_no_phrase() -> None:
    spotter = Spotter(PHRASES)
    noise = (np.random.default_rng(0).standard_normal(48_000) * 1500).astype(np.int16)
    assert not spotted(spotter, list(chunks(noise)))
    assert not spotted(spotter, list(chunks(np.zeros(48_000, np.int16))))


def test_a_phrase_later_in_the_utterance_is_not_looked_for(say: Callable[[str, str], list[AudioChunk]]) -> None:
    sound = say("we have to go home now because it is late, and it is dark outside my friend, otto", "en-us")
    assert not spotted(Spotter(("otto",), threshold=1e-8), sound)


def test_sound_and_transcript_are_weighed_together(say: Callable[[str, str], list[AudioChunk]]) -> None:
    spotter = Spotter(PHRASES)
    assert spotted(spotter, say("otto, what time is it", "en-us"))
    place = max(spotter.found(), key=lambda each: each.likelihood)
    assert 0.2 < place.start < place.end < 1.0

    def sure(start: float, end: float, probability: float, confidence: float) -> float:
        words = (Word("otto", start, end, probability), Word("stop", end, end + 0.4, 1.0))
        log_odds = sureness(spotter.found(), Transcript("otto stop", confidence=confidence, words=words), 1)
        assert log_odds is not None
        return log_odds

    assert sure(place.start, place.end, 1.0, 0.9) > 0
    assert sure(place.start, place.end, 1.0, 0.9) > sure(place.start, place.end, 0.4, 0.9)
    assert sure(place.start, place.end, 1.0, 0.9) > sure(place.start, place.end, 1.0, 0.4)
    assert sure(4.0, 4.0 + place.end - place.start, 1.0, 0.9) < -10  # nothing was spotted where it was transcribed
    assert sureness(spotter.found(), Transcript("otto stop", confidence=1.0), 1) is None


def test_what_can_be_explained_without_the_phrase_is_less_sure(say: Callable[[str, str], list[AudioChunk]]) -> None:
    spotter = Spotter(PHRASES)
    assert spotted(spotter, say("otto, what time is it", "en-us"))
    place = max(spotter.found(), key=lambda each: each.likelihood)
    words = (Word("otto", place.start, place.end, 1.0), Word("stop", place.end, place.end + 0.4, 1.0))
    transcript = Transcript("otto stop", confidence=0.9, words=words, score=-1000.0)

    def sure(advantage: float) -> float:
        rival = Transcript("photo stop", score=-1000.0 - advantage)
        log_odds = sureness(spotter.found(), transcript, 1, rival)
        assert log_odds is not None
        return log_odds

    assert sure(-20) == sure(30) < 0
    assert sure(60) < sure(150) < sure(300) == sure(500)  # few words follow: both count
    unheard = sureness(spotter.found(), transcript, 1, Transcript(""))  # nothing else can have been said
    assert unheard == sureness(spotter.found(), transcript, 1)
    longer = Transcript("otto stop the music please now", confidence=0.9, words=words, score=-1000.0)
    assert sureness(spotter.found(), longer, 1, Transcript("photo", score=-1100.0)) == unheard
    assert sureness(spotter.found(), longer, 1, Transcript("photo", score=-1010.0)) == sure(0)


def test_a_phrase_whose_sound_is_not_known_is_told() -> None:
    with pytest.raises(WakePhraseError, match="'xqzzt' in `wake_phrases`"):
        Spotter(("hey xqzzt",))
    assert Spotter(("computer",))
