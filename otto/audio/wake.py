"""The wake phrase in the sound: PocketSphinx keyphrase spotting over the beginning of an utterance.

    >>> spotter = Spotter(("otto", "hey otto"))
    >>> spotter.begin()
    >>> any(spotter(chunk) for chunk in chunks)
    True
    >>> sureness(spotter.found(), transcript, 2)        # the first two words of it are the phrase
    1.7

It is a sieve: it lets through what may be the phrase, so that nothing else has to be transcribed, and whoever
transcribes confirms it. Only the first two seconds of an utterance are looked at: a wake phrase stands at its
beginning. Then what was spotted and what was transcribed are weighed together.
"""

from __future__ import annotations

import math
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
WEIGHTS = (88.3, 12.0, 7.05, 3.13, -86.91)
"""For likelihood, length, confidence, probability, and 1, of `sureness`: a logistic regression on 141 commands with the
phrase (flite, festival, espeak-ng) and 74 utterances where only the transcript had one (docs/experiments-speech.md)."""
LEAST_ADVANTAGE = 40.0
"""Nats by which the transcript has to be likelier than the best one without the phrase; 49 is the least of 78 commands
that began with it, and half of what only seemed to has less (docs/experiments-speech.md)."""
WITHOUT_IT = -1.0
"""The most that the log odds are where it is not."""
BOTH = (0.73, 0.0212, -2.93)
"""For these log odds, the advantage, and 1, where little follows: a regression on the 78 commands and 26 others."""
MOST_ADVANTAGE = 200.0
FEW_WORDS = 3
"""Up to so many words after the phrase say little about whether it was meant."""
LONGEST = 0.45
"""Seconds; a phrase that is longer is no surer."""
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
    found: Sequence[Spotted], transcript: Transcript, words: int, rival: Transcript | None = None
) -> float | None:
    """How sure it is that the first `words` of a transcript are the wake phrase, as log odds: above 0 it rather is.
    `rival`: what was heard of the same sound when the phrase was not expected. None where the engine does not say where
    its words were."""
    phrase = transcript.words[:words]
    if not phrase:
        return None
    last = phrase[-1]
    there = [each.likelihood for each in found if each.start <= last.end and each.end >= last.start]
    seen = (
        max(there, default=0.0),
        min(last.end - last.start, LONGEST),
        transcript.confidence,
        min(1.0, math.prod(word.probability for word in phrase)),
        1.0,
    )
    odds = float(sum(map(operator.mul, WEIGHTS, seen)))
    if rival is None or rival.score is None or transcript.score is None:
        return odds
    advantage = transcript.score - rival.score
    if advantage <= LEAST_ADVANTAGE:
        return min(odds, WITHOUT_IT)
    if len(transcript.text.split()) - words > FEW_WORDS:
        return odds
    return float(sum(map(operator.mul, BOTH, (odds, min(advantage, MOST_ADVANTAGE), 1.0))))
