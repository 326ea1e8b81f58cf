"""An alert: a timer, an alarm or a reminder, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """A timer counts a duration; an alarm and a reminder go by the clock on the wall."""

    TIMER = "timer"
    ALARM = "alarm"
    REMINDER = "reminder"


class State(StrEnum):
    """set → ringing → done; a timer may be paused in between; cancelled ends it, too."""

    SET = "set"
    PAUSED = "paused"
    RINGING = "ringing"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Alert:
    """As it stood when it was read."""

    id: int
    """Never given twice."""
    kind: Kind
    state: State
    label: str
    """What a reminder says; a name for the others, mostly empty."""
    due: datetime
    """When it rings, in the user's zone (aware). Of a paused timer: when it would have."""
    set_at: datetime
    since: datetime
    """When it came into its state."""
    duration: timedelta | None = None
    """What a timer was set for; None for the others."""
    left: timedelta | None = None
    """What a paused timer has left; None otherwise."""

    def remaining(self, now: datetime) -> timedelta:
        """How long until it rings; zero when it is due."""
        if self.left is not None:
            return self.left
        # Two times of one zone subtract as the wall clock shows them: an hour off over a change to summer time.
        return max(timedelta(seconds=self.due.timestamp() - now.timestamp()), timedelta())
