"""What transcribes for several callers: an engine is lent to one at a time, and follows the skills.

    with engines.lend() as engine:
        Timed(engine).transcribe(samples)

An engine takes memory and hears one utterance at a time, so there are at most two; a third caller is told to wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from otto.audio.chunk import AudioChunk
from otto.audio.stt import SpeechToText
from otto.registry.snapshot import Snapshot
from otto.service.refusal import Refusal

MOST = 2


class Engines:
    """From any thread."""

    def __init__(
        self,
        make: Callable[[Snapshot], SpeechToText],
        snapshot: Callable[[], Snapshot],
        activity: Callable[[], Callable[[AudioChunk], float]],
        most: int = MOST,
    ) -> None:
        """`make` may take a second; it is called in the thread of `lend`. `activity` makes what says how likely a
        chunk is speech, for one stream."""
        self.activity = activity
        self._make = make
        self._snapshot = snapshot
        self._free = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._kept: list[tuple[str, SpeechToText]] = []
        """Engines that nobody uses, with the version of the skills that they know."""

    @contextmanager
    def lend(self, patience: float = 0.0) -> Iterator[SpeechToText]:
        """An engine that knows the newest skills. `patience`: seconds to wait for one. Raises `Refusal` when all are
        lent, and what `make` raises."""
        if not self._free.acquire(timeout=patience):
            raise Refusal(503, "Too many are speaking at once.", retry_seconds=2)
        try:
            snapshot = self._snapshot()
            engine = self._taken(snapshot.hash) or self._make(snapshot)
            yield engine
            with self._lock:
                self._kept.append((snapshot.hash, engine))
        finally:
            self._free.release()

    def _taken(self, version: str) -> SpeechToText | None:
        with self._lock:
            self._kept = [(known, engine) for known, engine in self._kept if known == version]
            return self._kept.pop()[1] if self._kept else None
