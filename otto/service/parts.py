"""What the service is made of: one assistant, the queue before it, what transcribes, what is counted, and the token.

service = Service.of(assistant, asker, token)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from otto.asker import Asker
from otto.audio.stt import SpeechToText
from otto.call import OTHER
from otto.service.engines import Engines
from otto.service.metrics import Metrics
from otto.service.token import Token
from otto.service.turns import Turns
from otto.snapshot import Snapshot
from otto.turn import Assistant


@dataclass(frozen=True)
class Service:
    """Shared by all operations."""

    otto: Assistant
    turns: Turns
    engines: Engines
    metrics: Metrics
    token: Token
    correcting: threading.Lock = field(default_factory=threading.Lock)
    """Corrections read files and write them again: one at a time."""

    @classmethod
    def of(cls, otto: Assistant, asker: Asker, token: Token, done: Callable[[], None] = lambda: None) -> Self:
        """`asker`: the one whose `ask` the assistant confirms with. `done`: see `Turns`."""
        metrics = Metrics()
        turns = Turns(otto, asker, metrics, done)
        engines = Engines(lambda snapshot: _engine(otto, snapshot), lambda: otto.live.ready.snapshot)
        metrics.watch("otto_waiting", "Commands let in and not answered yet.", lambda: turns.waiting)
        metrics.watch("otto_skills", "Skills that can be called.", lambda: _count(otto))
        return cls(otto, turns, engines, metrics, token)


def _engine(otto: Assistant, snapshot: Snapshot) -> SpeechToText:
    from otto.voice import engine

    return engine(otto.settings, snapshot, lambda sentence: None)


def _count(otto: Assistant) -> int:
    return sum(name != OTHER and name not in otto.settings.hidden for name in otto.live.ready.snapshot.skills)
