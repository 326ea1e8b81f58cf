"""Questions that wait for a yes: what was understood is kept until somebody says so, or two minutes are over.

    >>> asked = pending.add(understood, calls)
    >>> asked.question, asked.id
    ('Shall I run runapp, Firefox?', 'k3…')
    >>> pending.take(asked.id)          # what it was about; a second time None

Nothing waits in a thread meanwhile, so that a question which nobody answers is in nobody's way.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from otto.call import Call
from otto.question import for_permission
from otto.turn import Understood

SECONDS = 120.0
MOST = 100
"""Questions kept; the oldest goes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question."""

    id: str
    question: str
    understood: Understood
    until: float


class Pending:
    """The questions of one service; used from one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[str, Asked] = {}

    def add(self, understood: Understood, calls: tuple[Call, ...], id: str = "") -> Asked:
        """Asks about `calls`, the risky ones of what was understood. `id`: a name that only the asker can know, in
        place of one that is drawn."""
        self._forget()
        words = " ".join(for_permission(call) for call in calls)
        asked = Asked(id or secrets.token_urlsafe(16), words, understood, self._clock() + SECONDS)
        self._asked.pop(asked.id, None)
        self._asked[asked.id] = asked
        while len(self._asked) > MOST:
            self._asked.pop(next(iter(self._asked)))
        return asked

    def restore(self, asked: Asked) -> None:
        """Asks again what was taken, for as long as was left."""
        self._asked[asked.id] = asked

    def get(self, id: str) -> Asked | None:
        """The question with this id, which stays."""
        self._forget()
        return self._asked.get(id)

    def take(self, id: str) -> Asked | None:
        """The question with this id, which is over with that; None when there is none, or no longer."""
        self._forget()
        return self._asked.pop(id, None)

    def __len__(self) -> int:
        self._forget()
        return len(self._asked)

    def _forget(self) -> None:
        now = self._clock()
        self._asked = {id: asked for id, asked in self._asked.items() if asked.until > now}
