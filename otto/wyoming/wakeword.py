"""The wake phrase in a satellite's endless stream.

>>> watch = WakeWatch(phrases)
>>> any(watch(chunk) for chunk in chunks)

Speech begins: from a little before it, for two seconds, the phrase is looked for. Here nothing confirms it by its
transcript, as Otto's own microphone loop does: the satellite decides what to do next, and its transcript comes later.
"""

from __future__ import annotations

from collections import deque

from otto.audio.chunk import AudioChunk
from otto.audio.vad import VoiceActivity
from otto.audio.wake import Spotter

BEFORE = 16
"""Chunks from before the first one with speech that are looked at: half a second."""
SPEECH = 0.5
"""Probability of speech from which on somebody speaks."""
QUIET = 10
"""Chunks without speech after which the next speech is a new beginning."""


class WakeWatch:
    """One stream."""

    def __init__(self, phrases: tuple[str, ...]) -> None:
        """Raises `WakePhraseError`, `ModelFileError`."""
        self._spotter = Spotter(phrases)
        self._activity = VoiceActivity()
        self._before: deque[AudioChunk] = deque(maxlen=BEFORE)
        self._quiet = QUIET

    def __call__(self, chunk: AudioChunk) -> bool:
        """Whether the phrase was there by the end of this chunk."""
        speech = self._activity(chunk) >= SPEECH
        found = False
        if speech and self._quiet >= QUIET:
            self._spotter.begin()
            found = any([self._spotter(earlier) for earlier in self._before])
        self._quiet = 0 if speech else self._quiet + 1
        self._before.append(chunk)
        return self._spotter(chunk) or found
