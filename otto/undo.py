"""Undo: what a skill needs to take back what it did, and who keeps it.

    @skill
    def timer(duration: timedelta, session: Session) -> Reply:
        alert = session.store.alerts.add_timer(duration, session.now)
        return Reply("The timer is set.", undo={"id": alert.id})

    @timer.undo
    def _(done: Mapping[str, Any], session: Session) -> str:
        session.store.alerts.cancel(done["id"], session.now)
        return "I cancelled the timer."

A skill whose reply holds `undo` has done something that can be taken back. The front end's `Conversation` keeps it;
`undo()` is a call that no skill has: the dispatcher hands what was kept back to the skill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otto.call import Call

UNDO = "undo"
"""Name of the call that undoes the last command."""
KEPT = 20
"""Commands that can be undone, one after another."""


@dataclass(frozen=True, slots=True)
class Done:
    """Something that can be undone."""

    call: Call
    """As it was carried out."""
    undo: Mapping[str, object]
    """What its skill said it needs for that."""
