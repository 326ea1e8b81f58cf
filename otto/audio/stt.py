"""Speech to text: one Protocol for all engines, streaming where the engine can.

    >>> hearing = engine.listen()
    >>> for chunk in chunks:
    ...     hearing.feed(chunk)
    >>> hearing.finish()
    Transcript("set a timer for ten minutes", "en", 0.93, 2.1)

An engine may decode while chunks come (PocketSphinx) or only at the end (Whisper); whoever listens need not know which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from otto.audio.chunk import AudioChunk


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was heard."""

    text: str
    start: float
    end: float
    """Seconds from the beginning of the utterance."""
    probability: float
    """Against all other words that were thought of in its place."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said."""

    text: str
    """Lower case where the engine knows no better; empty when nothing was said."""
    language: str = "en"
    """ISO 639-1."""
    confidence: float = 0.0
    """0 to 1."""
    seconds: float = 0.0
    """Length of the sound."""
    words: tuple[Word, ...] = ()
    """What it was heard from, before it was brought to what can be meant; empty where the engine does not say."""
    score: float | None = None
    """Log likelihood of the sound with these words, in nats; comparable for one sound only."""


class Hearing(Protocol):
    """One utterance being heard."""

    def feed(self, chunk: AudioChunk) -> None:
        """The next 32 ms."""

    def partial(self) -> str:
        """What it sounds like so far; empty where the engine cannot tell before the end."""

    def finish(self) -> Transcript:
        """What was said. Nothing may be fed after it."""


class Collected:
    """The `Hearing` of an engine that can only transcribe an utterance as a whole."""

    def __init__(self, transcribe: Callable[[Sequence[AudioChunk]], Transcript]) -> None:
        self._transcribe = transcribe
        self._chunks: list[AudioChunk] = []

    def feed(self, chunk: AudioChunk) -> None:
        self._chunks.append(chunk)

    def partial(self) -> str:
        return ""

    def finish(self) -> Transcript:
        return self._transcribe(self._chunks)


class SpeechToText(Protocol):
    """An engine, loaded and ready."""

    name: str

    def listen(self) -> Hearing:
        """Begins a new utterance. One at a time for each engine."""


@runtime_checkable
class Rivalled(Protocol):
    """An engine that can be asked what else a sound may have been."""

    rival: SpeechToText | None
    """Hears the same, but never the wake phrase, and scores it alike."""
