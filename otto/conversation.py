"""What a speaker and Otto have just said to each other: each front end keeps one `Conversation`, and nothing else.

    >>> talk = Conversation()
    >>> turn = otto.turn("what's the weather in Berlin", talk)
    >>> otto.turn("and in Paris?", talk)

It makes the `Context` of the next sentence from what became of the ones before, keeps what can be undone, and forgets
all but that after two minutes. One terminal, one connection, one microphone: one conversation.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from otto.call import OTHER, Call
from otto.route import Context, Question, Route
from otto.undo import KEPT, UNDO, Done

if TYPE_CHECKING:
    from otto.dispatch import Result

HOLDS = timedelta(minutes=2)
"""How long what was said counts."""
_ASIDES = frozenset([OTHER, UNDO, "repeat", "stop", "help"])
"""What a follow-up never means."""


@dataclass(frozen=True, slots=True)
class _State:
    """Everything that is remembered; never changed, only replaced."""

    last: tuple[Call, ...] = ()
    said: str = ""
    asked: Question | None = None
    until: datetime | None = None
    undoable: bool = False
    done: tuple[tuple[Done, ...], ...] = ()
    """What can be undone, command by command, the last one last."""


class Conversation:
    """From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = _State()

    def context(self, now: datetime, expected: str = "") -> Context:
        """All that a router may know of it at the time `now`."""
        state = self._state
        return Context(now, expected, state.last, state.said, state.asked, state.until, state.undoable)

    @property
    def done(self) -> tuple[Done, ...]:
        """What the next `undo()` takes back, in the order in which it was done."""
        done = self._state.done
        return done[-1] if done else ()

    def remember(
        self, said: str, route: Route, results: Sequence[Result], asked: Question | None, now: datetime
    ) -> None:
        """A sentence was answered. `asked`: what Otto asks in its answer."""
        with self._lock:
            self._state = _after(self._state, said, route, results, asked, now)

    def forget(self) -> None:
        """Begins anew."""
        with self._lock:
            self._state = _State()


def _after(
    state: _State, said: str, route: Route, results: Sequence[Result], asked: Question | None, now: datetime
) -> _State:
    if asked is None and route.rejected:
        # What was not understood leaves the question open; what drops it (`other()` of a follow-up) does not.
        open_question = None if "follow-up" in route.trace else state.asked
        return replace(state, asked=open_question)
    done = state.done
    for result in results:
        if result.call.name == UNDO:
            done = done[:-1]
    undone = any(result.call.name == UNDO for result in results)
    now_done = tuple(Done(result.call, result.undo) for result in results if result.undo is not None)
    calls = tuple(result.call for result in results if result.reached) if results else route.calls
    last = tuple(call for call in calls if call.name not in _ASIDES)
    # What was only asked about has not been done: the answer may be something else.
    if asked is not None and asked.options:
        last = ()
    return _State(
        last or state.last,
        said if last and "follow-up" not in route.trace else state.said,
        asked,
        now + HOLDS,
        bool(now_done) and not (undone and not last),
        (*done, now_done)[-KEPT:] if now_done else done,
    )
