"""Sets an alarm: "wake me at seven tomorrow"."""

from __future__ import annotations

from datetime import datetime

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
    )
