"""What the service is made of: one assistant, the queue before it, what transcribes, what is counted, and the token.

service = Service.of(assistant, asker, token)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self, TypeVar

from otto.asker import Asker
from otto.audio.chunk import AudioChunk
from otto.audio.stt import SpeechToText
from otto.call import OTHER
from otto.registry.snapshot import Snapshot
from otto.service.engines import Engines
from otto.service.metrics import Metrics
from otto.service.token import Token
from otto.service.turns import Turns
from otto.turn import Assistant

_T = TypeVar("_T")


@dataclass(frozen=True)
class Service:
    """Shared by all operations."""

    otto: Assistant
    turns: Turns
    engines: Engines
    metrics: Metrics
    token: Token
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(3, thread_name_prefix="service"))
    correcting: threading.Lock = field(default_factory=threading.Lock)
    """Corrections read files and write them again: one at a time."""

    async def slowly(self, work: Callable[[], _T]) -> _T:
        """What takes longer than a command: sound, and training. In a few threads of its own, so that no command waits
        for it."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    @classmethod
    def of(
        cls,
        otto: Assistant,
        asker: Asker,
        token: Token,
        done: Callable[[], None] = lambda: None,
        engines: Engines | None = None,
    ) -> Self:
        """`asker`: the one whose `ask` the assistant confirms with. `done`: see `Turns`. `engines`: those of the
        settings when None."""
        metrics = Metrics()
        turns = Turns(otto, asker, metrics, done)
        hears = engines or Engines(
            lambda snapshot: _engine(otto, snapshot), lambda: otto.live.ready.snapshot, _activity
        )
        metrics.watch("otto_waiting", "Commands let in and not answered yet.", lambda: turns.waiting)
        metrics.watch("otto_skills", "Skills that can be called.", lambda: _count(otto))
        return cls(otto, turns, hears, metrics, token)

    def close(self, seconds: float) -> bool:
        """What is carried out may take `seconds` more. Whether it ended in time."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        return self.turns.close(seconds)


def _engine(otto: Assistant, snapshot: Snapshot) -> SpeechToText:
    from otto.voice.make import engine

    return engine(otto.settings, snapshot, lambda sentence: None, called=False)


def _activity() -> Callable[[AudioChunk], float]:
    from otto.audio.vad import VoiceActivity

    return VoiceActivity()


def _count(otto: Assistant) -> int:
    return sum(name != OTHER and name not in otto.settings.hidden for name in otto.live.ready.snapshot.skills)
