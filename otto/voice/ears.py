"""The ears: a thread that takes sound as it comes and finds utterances in it. It never waits for anybody.

    ears = Ears(microphone, VoiceActivity(), Endpoint(Hangover(0.6)), deaf=lambda: speaker.deaf)
    ears.start()
    sound = ears.sounds.get()               # Sound(Began(…), at=…), Sound(More(…)), …
    ears.begin(); ears.end()                # push to talk: what is said in between is one utterance
    ears.stop()

What is read while Otto speaks is thrown away: no utterance begins in it, and one that had begun is forgotten. Only when
it is sure that somebody else speaks (`otto/audio/interruption.py`) is that heard, without Otto's own voice.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from otto.audio.chunk import CHUNK_SAMPLES, MAX_SECONDS, RATE, AudioChunk
from otto.audio.endpoint import CHUNK_SECONDS, PREROLL_SECONDS, Began, Ended, Endpoint, Event, More, Pause
from otto.audio.interruption import Interruption
from otto.audio.standin import Source

READ_SECONDS = 0.2
MAX_SOUNDS = int(2 * MAX_SECONDS * RATE / CHUNK_SAMPLES)
"""Events that may wait to be transcribed: two of the longest utterances."""
_PUSHED_CHUNKS = int(MAX_SECONDS * RATE / CHUNK_SAMPLES)


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that happened in the sound."""

    event: Event
    at: float
    """When its chunk was taken (`time.monotonic`)."""
    pushed: bool = False
    """Whether a key, not a voice, began the utterance: it is meant for Otto."""
    interrupting: bool = False
    """Whether Otto was speaking when the utterance began."""


class Ears:
    """One source, from `start` to `stop`."""

    def __init__(
        self,
        source: Source,
        voice: Callable[[AudioChunk], float],
        endpoint: Endpoint,
        *,
        deaf: Callable[[], bool] = lambda: False,
        lost: Callable[[], None] = lambda: None,
        interruption: Interruption | None = None,
        interrupted: Callable[[], None] = lambda: None,
        push_only: bool = False,
    ) -> None:
        """`deaf`: whether Otto speaks. `lost`: called when an utterance is given up because too much waits already.
        `interruption` tells whether somebody speaks while Otto does, None: nothing is heard meanwhile; `interrupted` is
        called when somebody does. `push_only`: the source is closed but for `begin`.
        """
        self.sounds: queue.Queue[Sound | None] = queue.Queue(MAX_SOUNDS)
        """What was found; None at the end of the source."""
        self.endpoint = endpoint
        self._source = source
        self._voice = voice
        self._deaf = deaf
        self._lost = lost
        self._interruption = interruption
        self._interrupted = interrupted
        self._interrupting = False
        self._push_only = push_only
        self._push: Literal["", "begin", "on", "end", "cancel"] = ""
        self._pushed = 0
        self._preroll: deque[AudioChunk] = deque(maxlen=round(PREROLL_SECONDS * RATE / CHUNK_SAMPLES))
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ears", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 0.5) -> bool:
        """Closes the source. Whether the thread ended in time."""
        self._stopping = True
        self._wanted.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def begin(self) -> None:
        """From now on everything belongs to one utterance."""
        self._push = "begin"
        self._wanted.set()

    def end(self) -> None:
        """The utterance that `begin` began is over."""
        if self._push in ("begin", "on"):
            self._push = "end"

    def cancel(self) -> None:
        """Forgets what is being said."""
        self._push = "cancel"

    def _run(self) -> None:
        try:
            while not self._stopping and not self._source.ended:
                if self._push_only and not self._push:
                    self._rest()
                    continue
                chunk = self._source.read(READ_SECONDS)
                if chunk is not None:
                    self._take(chunk)
        finally:
            self._source.close()
            if not self._stopping:
                self.sounds.put(None)

    def _rest(self) -> None:
        self._source.close()
        self._wanted.wait(1.0)
        self._wanted.clear()

    def _take(self, chunk: AudioChunk) -> None:
        at = time.monotonic()
        if self._push:
            for event in self._while_pushed(chunk):
                self._tell(Sound(event, at, pushed=True))
        elif not (self._source.live and self._deaf()):
            self._interrupting = self._interrupting and self.endpoint.speaking
            self._listen(chunk, self._voice(chunk), at)
        elif self._interrupting and self._interruption:
            self._listen(*self._interruption.through(chunk), at)
        else:
            self._while_deaf(chunk, at)

    def _listen(self, chunk: AudioChunk, probability: float, at: float) -> None:
        self._preroll.append(chunk)
        for event in self.endpoint(chunk, probability):
            if not self._tell(Sound(event, at, interrupting=self._interrupting)):
                self.endpoint.reset()
                return

    def _while_deaf(self, chunk: AudioChunk, at: float) -> None:
        self.endpoint.reset()
        self._preroll.clear()
        if self._interruption and (said := self._interruption(chunk)):
            self._interrupted()
            self._interrupting = True
            for number, (heard, probability) in enumerate(said, 1):
                self._listen(heard, probability, at - (len(said) - number) * CHUNK_SECONDS)

    def _while_pushed(self, chunk: AudioChunk) -> Iterator[Event]:
        if self._push == "cancel":
            self._push = ""
            self.endpoint.reset()
            self._preroll.clear()
            yield Began(())  # an utterance that nothing is added to: it takes the place of the one under way
            return
        if self._push == "begin":
            self._push = "on"
            self._pushed = 0
            self.endpoint.reset()
            yield Began(tuple(self._preroll))
            self._preroll.clear()
        self._pushed += 1
        yield More(chunk)
        if self._push == "end" or self._pushed >= _PUSHED_CHUNKS:
            self._push = ""
            yield Pause()
            yield Ended(0.0, cut=self._pushed >= _PUSHED_CHUNKS)

    def _tell(self, sound: Sound) -> bool:
        """Whether there was room for it. A recording waits for room, a microphone cannot."""
        try:
            while not self._stopping:
                try:
                    self.sounds.put(sound, timeout=0 if self._source.live else READ_SECONDS)
                    return True
                except queue.Full:
                    if self._source.live:
                        raise
        except queue.Full:
            self._lost()
        return False
