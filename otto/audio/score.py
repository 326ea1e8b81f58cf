"""Transcribes recordings one by one, and says how well and how fast: what `otto bench` and `otto transcribe` use.

>>> ears = Timed(transcriber(settings, skills, examples))
>>> ears(Path("command.flac")).text
>>> ears.realtime_factor
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.recording import read_command
from otto.audio.spokenform import spoken
from otto.audio.stt import SpeechToText, Transcript


class Timed:
    """An engine with a stopwatch."""

    def __init__(self, engine: SpeechToText) -> None:
        self.engine = engine
        self.cpu_seconds = 0.0
        """Of processor time, all threads together."""
        self.sound_seconds = 0.0

    def __call__(self, path: Path) -> Transcript:
        """What is said in a recording of at most 15 s. Raises `SoundFileError` and what the engine raises."""
        return self.transcribe(read_command(path))

    def text(self, path: Path) -> str:
        """Only the words: a `Transcribe` of `otto.bench.testset`."""
        return self(path).text

    def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        """`samples`: mono, 16 kHz."""
        started = time.process_time()
        hearing = self.engine.listen()
        for chunk in whole_chunks(samples):
            hearing.feed(chunk)
        transcript = hearing.finish()
        self.cpu_seconds += time.process_time() - started
        self.sound_seconds += len(samples) / RATE
        return transcript

    @property
    def realtime_factor(self) -> float:
        """Processor seconds for a second of sound, so far."""
        return self.cpu_seconds / self.sound_seconds if self.sound_seconds else 0.0


def whole_chunks(samples: NDArray[np.int16]) -> list[AudioChunk]:
    """`samples` in chunks, the last one filled up with silence."""
    missing = -len(samples) % CHUNK_SAMPLES
    filled = np.concatenate([samples, np.zeros(missing, np.int16)]).reshape(-1, CHUNK_SAMPLES)
    return [AudioChunk(row) for row in filled]


def word_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Over (what was said, what was heard): words wrong, left out or put in, for each word said. Digits, case and
    punctuation do not matter."""
    wrong = said = 0
    for truth, heard in pairs:
        words = spoken(truth)
        wrong += _edits(words, spoken(heard))
        said += len(words)
    return wrong / said if said else 0.0


def _edits(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    row = list(range(len(other) + 1))
    for at, word in enumerate(one, 1):
        left, row[0] = row[0], at
        for number, target in enumerate(other, 1):
            left, row[number] = row[number], min(row[number] + 1, row[number - 1] + 1, left + (word != target))
    return row[-1]
