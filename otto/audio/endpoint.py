"""Where an utterance begins and where it ends, from the voice probability of each chunk. Pure: no clock, no threads.

    >>> endpoint = Endpoint(Hangover(0.6))
    >>> for chunk in microphone:
    ...     for event in endpoint(chunk, voice(chunk)):
    ...         match event:
    ...             case Began(chunks): ...     # somebody speaks; half a second from before is in it
    ...             case More(chunk): ...       # the next 32 ms of it
    ...             case Pause(): ...           # 0.2 s of silence: perhaps that was all, work may begin
    ...             case Resumed(): ...         # it was not: throw that work away
    ...             case Ended(): ...

When somebody has finished is decided by an `EndOfSpeech`, which is all that has to be replaced for a better judgement.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from otto.audio.chunk import CHUNK_SAMPLES, MAX_SECONDS, RATE, AudioChunk

CHUNK_SECONDS = CHUNK_SAMPLES / RATE
PREROLL_SECONDS = 0.5
"""Sound from before the first voice that belongs to the utterance: the beginning of a word is often quiet."""
PAUSE_SECONDS = 0.2
"""Silence after which it is worth while to begin working on what was said."""
VOICE = 0.5
"""Probability from which a chunk counts as voice."""
SILENCE = 0.35
"""Probability below which it counts as silence again; between the two, as what the one before was."""
ONSET_CHUNKS = 2
"""Voice in so many chunks of four makes a beginning: a single one is a click."""


@dataclass(frozen=True, slots=True)
class Began:
    """Somebody has begun to speak."""

    chunks: tuple[AudioChunk, ...]
    """Everything so far, half a second from before included."""


@dataclass(frozen=True, slots=True)
class More:
    """The utterance goes on, with voice or without."""

    chunk: AudioChunk


@dataclass(frozen=True, slots=True)
class Pause:
    """Nobody has spoken for 0.2 s."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """After a `Pause`, speech goes on."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The utterance is over."""

    silence: float
    """Seconds since the last voice."""
    cut: bool = False
    """Whether it was cut off because it went on for too long."""


Event = Began | More | Pause | Resumed | Ended


class EndOfSpeech(Protocol):
    """Decides whether somebody has finished."""

    def __call__(self, silence: float, voiced: float, partial: str) -> bool:
        """`silence`: seconds since the last voice; `voiced`: seconds of voice so far; `partial`: words heard so far,
        empty where they are not known. Asked for each chunk of silence after a `Pause`."""


@dataclass(frozen=True, slots=True)
class Hangover:
    """Finished after a fixed time of silence."""

    seconds: float

    def __call__(self, silence: float, voiced: float, partial: str) -> bool:
        return silence >= self.seconds - CHUNK_SECONDS / 2


class Endpoint:
    """One stream of sound."""

    def __init__(self, finished: EndOfSpeech, max_seconds: float = MAX_SECONDS) -> None:
        """`max_seconds`: an utterance that goes on for longer ends there, whatever is said."""
        self.partial = ""
        """Words heard so far, for `finished`; whoever transcribes sets it."""
        self._finished = finished
        self._max_chunks = int(max_seconds / CHUNK_SECONDS)
        self._before: deque[AudioChunk] = deque(maxlen=round(PREROLL_SECONDS / CHUNK_SECONDS))
        self._recent: deque[bool] = deque(maxlen=4)
        self._chunks = 0
        """In the utterance under way; 0: there is none."""
        self._voiced = 0
        self._silent = 0
        self._paused = False
        self._voice = False

    @property
    def speaking(self) -> bool:
        """Whether an utterance is under way."""
        return self._chunks > 0

    def reset(self) -> None:
        """Forgets the utterance under way, and what came before."""
        self._before.clear()
        self._recent.clear()
        self._end()

    def __call__(self, chunk: AudioChunk, probability: float) -> Iterator[Event]:
        """What the next chunk means; mostly nothing at all."""
        voice = probability >= VOICE or (self._voice and probability >= SILENCE)
        self._voice = voice
        if self.speaking:
            yield from self._go_on(chunk, voice)
            return
        self._before.append(chunk)
        self._recent.append(voice)
        if sum(self._recent) >= ONSET_CHUNKS:
            self._chunks = len(self._before)
            self._voiced = sum(self._recent)
            yield Began(tuple(self._before))

    def _go_on(self, chunk: AudioChunk, voice: bool) -> Iterator[Event]:
        self._chunks += 1
        self._silent = 0 if voice else self._silent + 1
        self._voiced += voice
        yield More(chunk)
        if voice and self._paused:
            self._paused = False
            yield Resumed()
        silence = self._silent * CHUNK_SECONDS
        if not self._paused and silence >= PAUSE_SECONDS - CHUNK_SECONDS / 2:
            self._paused = True
            yield Pause()
        over = self._paused and self._finished(silence, self._voiced * CHUNK_SECONDS, self.partial)
        if over or self._chunks >= self._max_chunks:
            self._before.clear()
            self._recent.clear()
            self._end()
            yield Ended(silence, cut=not over)

    def _end(self) -> None:
        self._chunks = self._voiced = self._silent = 0
        self._paused = self._voice = False
        self.partial = ""
