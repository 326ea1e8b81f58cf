"""Sets a reminder: "remind me to call Ada at six"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from otto import Reply, Session, SkillError, skill, speech


@skill
def reminder(text: str, session: Session, when: datetime | None = None) -> Reply:
    """Reminds of something at a time."""
    if when is None:
        raise SkillError(f"When shall I remind you: {text}?", asks="when")
    if when <= session.now:
        raise SkillError(f"I can't remind you in the past: it is already {speech.clock(session.now)}.")
    alert = session.store.alerts.add_reminder(text, when, session.now)
    return Reply(
        f"I'll remind you {speech.moment(alert.due, session.now)}: {text}.",
        {"due": alert.due.isoformat(timespec="seconds")},
        undo={"id": alert.id},
    )


@reminder.undo
def cancelled(done: Mapping[str, Any], session: Session) -> str:
    """Cancels the reminder."""
    alert = session.store.alerts.cancel(done["id"], session.now)
    return f"I cancelled the reminder: {alert.label}."
