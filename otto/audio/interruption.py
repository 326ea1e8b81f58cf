"""Whether somebody speaks while Otto does: its own voice is taken out first, what is left has to be speech.

    >>> interruption = Interruption(VoiceActivity(), lambda: speaker.playback)
    >>> if said := interruption(chunk):     # each 32 ms while Otto speaks
    ...     speaker.stop()                  # `said`: the last second without Otto's voice, with its voice activity

As long as it is not known what of the sound is Otto's own voice, nothing is taken for somebody else's. With headphones
nothing is heard of it at all: then what is heard is somebody else, as soon as that is clear.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.echo import EchoCanceller, Playback
from otto.audio.endpoint import VOICE

FOREIGN = 0.1
"""Power beside Otto's own voice, over that voice, from which voice activity counts."""
ENOUGH = (6, 8)
"""Chunks with a voice, of how many: 0.2 s of speech; a cough or a door is shorter."""
ENOUGH_UNHEARD = (12, 16)
"""The same where Otto's own voice is not heard."""
UNHEARD_SECONDS = (0.7, 1.7)
"""No voice at all in this part of a reply: it cannot be heard here."""
_KEPT = round(1.0 * RATE / CHUNK_SAMPLES)

Said = tuple[tuple[AudioChunk, float], ...]
"""Chunks, and the probability of a voice in each."""


class Interruption:
    """One microphone's."""

    def __init__(self, voice: Callable[[AudioChunk], float], playback: Callable[[], Playback | None]) -> None:
        """`playback`: what Otto says at the moment; None where that cannot be told."""
        self._voice = voice
        self._playing = playback
        self._echo = EchoCanceller()
        self._playback: Playback | None = None
        self._recent: deque[tuple[AudioChunk, float]] = deque(maxlen=_KEPT)
        self._voiced: deque[bool] = deque(maxlen=ENOUGH_UNHEARD[1])
        self._chunks = 0
        self._unheard = True
        self._known = False

    def __call__(self, chunk: AudioChunk) -> Said:
        """The next 32 ms while Otto speaks. What somebody has said in the last second, once it is sure that somebody
        speaks; empty before."""
        current = self._playing()
        if current is None:
            self._playback = None
            return ()
        if current is not self._playback:
            self._begin(current)
        cleaned, probability, foreign = self._look(chunk)
        self._recent.append((cleaned, probability))
        self._voiced.append(probability >= VOICE and foreign)
        enough, of = ENOUGH if self._known else ENOUGH_UNHEARD
        if not (self._known or self._cannot_be_heard()) or sum(list(self._voiced)[-of:]) < enough:
            return ()
        if self._known and self._echo.moved():
            self._known = False
            return ()
        if self._known and self._echo.learnt():
            self._voiced.clear()
            return ()
        said = tuple(self._recent)
        self._voiced.clear()
        return said

    def through(self, chunk: AudioChunk) -> tuple[AudioChunk, float]:
        """The next 32 ms of somebody who has interrupted, and the probability of a voice in it: the end of what Otto
        was saying may still be heard."""
        return self._look(chunk)[:2]

    def _begin(self, playback: Playback) -> None:
        self._playback = playback
        self._echo.begin(playback)
        self._recent.clear()
        self._voiced.clear()
        self._chunks = 0
        self._unheard = True
        self._known = False

    def _look(self, chunk: AudioChunk) -> tuple[AudioChunk, float, bool]:
        cleaned = self._echo(chunk)
        if cleaned.known and not self._known:
            self._known = True
            self._unheard = False
            self._recent.clear()
            self._voiced.clear()
        probability = self._voice(cleaned.chunk)
        self._chunks += 1
        first, last = UNHEARD_SECONDS
        if probability >= VOICE and first <= self._seconds <= last:
            self._unheard = False
        return cleaned.chunk, probability, not cleaned.known or cleaned.foreign > FOREIGN

    @property
    def _seconds(self) -> float:
        return self._chunks * CHUNK_SAMPLES / RATE

    def _cannot_be_heard(self) -> bool:
        """Whether the reply has gone on for long enough to be heard, and was not."""
        return self._unheard and self._seconds > UNHEARD_SECONDS[1] and self._echo.delay is None
