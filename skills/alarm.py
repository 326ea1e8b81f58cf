"""Sets an alarm: "wake me at seven tomorrow"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from otto import Reply, Session, SkillError, skill, speech


@skill
def alarm(when: datetime, session: Session) -> Reply:
    """Sets an alarm that rings at a time of day."""
    if when <= session.now:
        raise SkillError(f"I can't set an alarm in the past: it is already {speech.clock(session.now)}.")
    alert = session.store.alerts.add_alarm(when, session.now)
    return Reply(
        f"The alarm is set for {speech.moment(alert.due, session.now)}.",
        {"due": alert.due.isoformat(timespec="seconds")},
        undo={"id": alert.id},
    )


@alarm.undo
def cancelled(done: Mapping[str, Any], session: Session) -> str:
    """Cancels the alarm."""
    alert = session.store.alerts.cancel(done["id"], session.now)
    return f"I cancelled the alarm {speech.moment(alert.due, session.now)}."
