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


def test_advantage_and_what_was_said_before_are_weighed_together(say: Callable[[str, str], list[AudioChunk]]) -> None:
    spotter = Spotter(PHRASES)
    assert spotted(spotter, say("otto, what time is it", "en-us"))
    place = max(spotter.found(), key=lambda each: each.likelihood)
    assert 0.2 < place.start < place.end < 1.0

    def sure(advantage: float, late: float = -0.05, away: float = 0.0) -> float:
        start, end = place.start + away, place.end + away
        words = (Word("otto", start, end, 1.0), Word("stop", end, end + 0.4, 1.0))
        transcript = Transcript("otto stop", confidence=0.9, words=words, score=-1000.0)
        rival = Transcript("photo stop", score=-1000.0 - advantage)
        log_odds = sureness(spotter.found(), transcript, 1, rival, start - late)
        assert log_odds is not None
        return log_odds

    assert sure(100) == sure(500) > 2 > sure(50) > 1 > 0 > sure(0) == sure(-20)
    assert sure(100, -0.05) == sure(100, -0.3) > sure(100, 0.0) > sure(100, 0.05) == sure(100, 2.0)
    assert sure(100, 0.05) < 0  # whatever the words are, something was said before them
    assert sure(100, away=4.0) == -1  # nothing was spotted where it was transcribed


def test_an_engine_that_cannot_tell_is_not_asked(say: Callable[[str, str], list[AudioChunk]]) -> None:
    spotter = Spotter(PHRASES)
    assert spotted(spotter, say("otto, what time is it", "en-us"))
    place = max(spotter.found(), key=lambda each: each.likelihood)
    words = (Word("otto", place.start, place.end, 1.0),)
    heard = Transcript("otto", confidence=1.0, words=words, score=-1000.0)
    assert sureness(spotter.found(), Transcript("otto", confidence=1.0), 1, Transcript(""), place.start) is None
    assert sureness(spotter.found(), heard, 1, None, place.start) is None
    nothing_else = sureness(spotter.found(), heard, 1, Transcript(""), place.start)
    assert nothing_else == sureness(spotter.found(), heard, 1, Transcript("photo", score=-1100.0), place.start)


def test_a_phrase_whose_sound_is_not_known_is_told() -> None:
    with pytest.raises(WakePhraseError, match="'xqzzt' in `wake_phrases`"):
        Spotter(("hey xqzzt",))
    assert Spotter(("computer",))
