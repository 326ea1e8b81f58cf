"""The wake phrase in the sound: PocketSphinx keyphrase spotting over the beginning of an utterance.

    >>> spotter = Spotter(("otto", "hey otto"))
    >>> spotter.begin()
    >>> any(spotter(chunk) for chunk in chunks)
    True
    >>> sureness(spotter.found(), transcript, 2, rival, began.voice_at)     # its first two words are the phrase
    1.7

It is a sieve: it lets through what may be the phrase, so that nothing else has to be transcribed, and whoever
transcribes confirms it. Only the first two seconds of an utterance are looked at: a wake phrase stands at its
beginning. Then it is weighed whether what was transcribed there can have been it.
"""

from __future__ import annotations

import operator
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.sphinx import FRAMES, begin
from otto.audio.stt import Transcript
from otto.errors import ModelFileError, OttoError

LOOK_SECONDS = 2.0
"""The pre-roll included."""
THRESHOLD = 1e-15
"""Of the likelihood against any other sounds; smaller lets more through."""
WEIGHTS = (0.031, -55.0, -3.0)
"""Of `sureness`, for advantage, lateness and 1: a logistic regression on 81 commands with the phrase (Flite, Festival,
espeak-ng) and 39 utterances whose transcript had one (docs/experiments-speech.md)."""
MOST_ADVANTAGE = 100.0
"""Nats; what is likelier by more is no surer: babble has hundreds by chance."""
LATEST = 0.05
"""Seconds; a phrase that begins so much after the first voice, or before it, is no more and no less sure."""
UNSPOTTED = -1.0
"""The most that the log odds are where the sound alone had no phrase."""
SAID = {"otto": ("AA T OW", "AO T OW", "AA D OW", "AO D OW")}
"""Pronunciations beside the dictionary's; American speakers tap the t."""


class WakePhraseError(OttoError):
    """A wake phrase that cannot be listened for. Seen by the user."""


@dataclass(frozen=True, slots=True)
class Spotted:
    """Where the phrase may have been."""

    start: float
    end: float
    """Seconds from the beginning of the utterance."""
    likelihood: float
    """Against other sounds, on PocketSphinx's own scale: about 0.8 to 0.9."""


class Spotter:
    """One stream of utterances."""

    def __init__(self, phrases: tuple[str, ...], threshold: float = THRESHOLD) -> None:
        """Raises `WakePhraseError` for a word whose sound is not known, `ModelFileError` without PocketSphinx."""
        try:
            import pocketsphinx
        except ImportError as error:
            raise ModelFileError(
                "Listening for a wake phrase needs PocketSphinx: pip install 'otto-assistant[voice]'"
            ) from error
        self._decoder: Any = pocketsphinx.Decoder(lm=None, logfn=os.devnull)
        lines = [f"{line} /{threshold:g}/\n" for phrase in phrases for line in self._spellings(phrase.lower())]
        with tempfile.NamedTemporaryFile("w", suffix=".kws", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            self._decoder.add_kws("wake", file.name)
        self._decoder.activate_search("wake")
        self._left = 0
        self._running = False
        self._hit = False
        self._found: tuple[Spotted, ...] = ()

    def begin(self) -> None:
        """A new utterance."""
        self.end()
        begin(self._decoder)
        self._running = True
        self._hit = False
        self._left = int(LOOK_SECONDS * RATE / CHUNK_SAMPLES)

    def end(self) -> None:
        """Nothing more of this utterance is looked at."""
        if self._running:
            self._found = self._so_far()
            self._decoder.end_utt()
            self._running = False

    def found(self) -> tuple[Spotted, ...]:
        """Where it may have been in this utterance."""
        return self._so_far() if self._running else self._found

    def _so_far(self) -> tuple[Spotted, ...]:
        if self._decoder.hyp() is None:
            return ()
        return tuple(
            Spotted(each.start_frame / FRAMES, each.end_frame / FRAMES, each.prob) for each in self._decoder.seg()
        )

    def __call__(self, chunk: AudioChunk) -> bool:
        """Whether the phrase was there by the end of this chunk, for the first time."""
        if not self._running:
            return False
        self._decoder.process_raw(chunk.samples.tobytes(), False, False)
        self._left -= 1
        first = not self._hit and self._decoder.hyp() is not None
        self._hit = self._hit or first
        if self._left <= 0:
            self.end()
        return first

    def _spellings(self, phrase: str) -> list[str]:
        """The phrase in the dictionary's words, once for each pronunciation. New pronunciations become words."""
        spelt = [""]
        for word in phrase.split():
            variants = [word] if self._decoder.lookup_word(word) else []
            for number, phones in enumerate(SAID.get(word, ()), 1):
                variant = f"{word}({number + 1})" if variants else word
                if self._decoder.lookup_word(variant) is None:
                    self._decoder.add_word(variant, phones, True)
                variants.append(variant)
            if not variants:
                raise WakePhraseError(f"I don't know how {word!r} in `wake_phrases` sounds: use words of a dictionary.")
            spelt = [f"{before} {variant}".strip() for before in spelt for variant in dict.fromkeys(variants)]
        return spelt


def sureness(
    found: Sequence[Spotted], transcript: Transcript, words: int, rival: Transcript | None, voice_at: float
) -> float | None:
    """How sure it is that the first `words` of a transcript are the wake phrase, as log odds: above 0 it rather is.
    `rival`: what was heard of the same sound when the phrase was not expected; `voice_at`: when the first voice was.
    Two things count: how much likelier the sound is with the phrase, and that nothing was said before it: of "photo",
    "bottle" and "what a" the first sound is left over. None where the engine cannot tell."""
    phrase = transcript.words[:words]
    if not phrase or rival is None or transcript.score is None:
        return None
    last = phrase[-1]
    advantage = MOST_ADVANTAGE if rival.score is None else transcript.score - rival.score
    seen = (
        min(max(advantage, 0.0), MOST_ADVANTAGE),
        min(max(phrase[0].start - voice_at, -LATEST), LATEST),
        1.0,
    )
    odds = float(sum(map(operator.mul, WEIGHTS, seen)))
    spotted = any(each.start <= last.end and each.end >= last.start for each in found)
    return odds if spotted else min(odds, UNSPOTTED)
