"""Speech to text with PocketSphinx: nothing to download, and decoding runs while somebody still speaks.

    >>> engine = Sphinx(prepared(sentences(skills, examples), folder))
    >>> hearing = engine.listen()

It hears what the skills' language model holds (`language.py`) and little else. Every setting below was tried on
synthetic speech and measured on recordings (docs/experiments-speech.md).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.language import JOINT, LanguageFiles
from otto.audio.pronunciation import INSTALL
from otto.audio.stt import Transcript, Word
from otto.errors import ModelFileError

GAUSSIANS = 8
"""Densities looked at for each frame; the library's 4 are fewer than accents need."""
MOST_STATES = 10_000
"""Hidden states looked at for each frame; the library's 30,000 find nothing more and take a fifth longer."""
CEPSTRAL_MEAN = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17"
"""The model's own, from which every utterance starts: what was said before must not change what is heard now."""
LEVEL = 4000.0
"""What the loud parts of quiet or overloud speech (99th percentile) are brought to, of 32,768."""
USUAL = (1000.0, 16_000.0)
"""Levels that are left as they are."""
MOST_GAIN = 32.0
TOO_FAR = 3.0
"""Factor between the gain that was guessed at the beginning and the right one, beyond which all is decoded again."""
FRAMES = 100
"""A second."""
SCORE_UNIT = 1024
"""PocketSphinx keeps the likelihood of a path as its 1024th root."""
STANDS_OUT = 10.0
"""dB above the quietest fifth."""


@dataclass(slots=True)
class Level:
    """What an engine and its rival know of how loud speech is here. Were a sound not equally loud for both, its
    likelihoods could not be compared."""

    gain: float = 1.0
    """By what the sound is multiplied: what was right for the utterance before."""


class Sphinx:
    """The engine: a decoder that is kept from one utterance to the next."""

    name = "sphinx"

    def __init__(
        self, files: LanguageFiles, *, snap: Callable[[str], str] = lambda text: text, rival: Sphinx | None = None
    ) -> None:
        """`snap` brings what was heard to what can have been meant. `rival`: see `Rivalled`. Raises `ModelFileError`
        without PocketSphinx."""
        try:
            import pocketsphinx
        except ImportError as error:
            raise ModelFileError(f"Sphinx needs more packages: {INSTALL}") from error
        self.rival = rival
        self.level: Level = rival.level if rival else Level()
        self._snap = snap
        try:
            self._decoder: Any = pocketsphinx.Decoder(
                lm=str(files.model),
                dict=str(files.dictionary),
                topn=GAUSSIANS,
                maxhmmpf=MOST_STATES,
                logfn=os.devnull,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFileError(f"Sphinx cannot read {files.model}: remove that file and start again") from error
        self._last: SphinxHearing | None = None

    def listen(self) -> SphinxHearing:
        """Begins a new utterance; one that was not finished is given up."""
        if self._last is not None:
            self._last.abandon()
        self._last = SphinxHearing(self._decoder, self.level, self._snap)
        return self._last


class SphinxHearing:
    """One utterance being heard."""

    def __init__(self, decoder: Any, level: Level, snap: Callable[[str], str]) -> None:
        self._level = level
        self._gain = level.gain
        """With what it is decoded."""
        self._decoder = decoder
        self._snap = snap
        self._blocks: list[NDArray[np.int16]] = []
        self._running = False

    def feed(self, chunk: AudioChunk) -> None:
        self._blocks.append(chunk.samples)
        self._decode(chunk.samples)

    def partial(self) -> str:
        hypothesis = self._decoder.hyp() if self._running else None
        return plain(hypothesis.hypstr) if hypothesis else ""

    def finish(self) -> Transcript:
        seconds = len(self._blocks) * CHUNK_SAMPLES / RATE
        if not self._blocks:
            return Transcript("", seconds=seconds)
        right = right_gain(self._blocks)
        if not 1 / TOO_FAR <= right / self._level.gain <= TOO_FAR:
            self._level.gain = right
        if self._gain != self._level.gain:
            self.abandon()
            self._gain = self._level.gain
            self._decode(np.concatenate(self._blocks))
        self.abandon()
        hypothesis = self._decoder.hyp()
        text = plain(hypothesis.hypstr) if hypothesis else ""
        words = self._words() if text else ()
        confidence = min(1.0, float(np.mean([word.probability for word in words]))) if words else 0.0
        score = SCORE_UNIT * math.log(hypothesis.best_score) if text else None
        return Transcript(self._snap(text), confidence=confidence, seconds=seconds, words=words, score=score)

    def abandon(self) -> None:
        """Nothing more is decoded."""
        if self._running:
            self._running = False
            self._decoder.end_utt()

    def _decode(self, samples: NDArray[np.int16]) -> None:
        if not self._running:
            self._running = True
            begin(self._decoder)
        loud = samples if self._gain == 1.0 else np.clip(samples * self._gain, -32768, 32767).astype(np.int16)
        self._decoder.process_raw(loud.tobytes(), False, False)

    def _words(self) -> tuple[Word, ...]:
        """Without silence and noises."""
        return tuple(
            Word(
                plain(each.word).partition("(")[0], each.start_frame / FRAMES, (each.end_frame + 1) / FRAMES, each.prob
            )
            for each in self._decoder.seg()
            if each.word[0] not in "<["
        )


def begin(decoder: Any) -> None:
    """A new utterance, of which what was heard before must change nothing: not the mean, and not what was learnt of the
    noise around, which PocketSphinx keeps otherwise."""
    decoder.reinit_feat()
    decoder.set_cmn(CEPSTRAL_MEAN)
    decoder.start_utt()


def loud_parts(blocks: Sequence[NDArray[np.int16]]) -> list[NDArray[np.int16]]:
    """Those blocks that stand out from the quietest fifth: speech, if there is any."""
    powers = [10 * np.log10(float(np.mean(block.astype(np.float64) ** 2)) + 1.0) for block in blocks]
    floor = sorted(powers)[len(powers) // 5]
    return [block for block, power in zip(blocks, powers, strict=True) if power > floor + STANDS_OUT]


def right_gain(blocks: Sequence[NDArray[np.int16]]) -> float:
    """By what sound is to be multiplied so that its speech is about as loud as the model is used to."""
    speech = np.concatenate(loud_parts(blocks) or list(blocks)).astype(np.float64)
    level = float(np.percentile(np.abs(speech), 99))
    return 1.0 if USUAL[0] <= level <= USUAL[1] else min(MOST_GAIN, LEVEL / max(level, 1.0))


def plain(heard: str) -> str:
    """The words of a hypothesis, joined ones apart."""
    return heard.replace(JOINT, " ")
