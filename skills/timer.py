"""Sets a timer: "set a timer for ten minutes"."""

from __future__ import annotations

from datetime import timedelta

from otto import Reply, Session, skill, speech


@skill
def timer(duration: timedelta, session: Session) -> Reply:
    """Sets a timer that rings after a duration."""
    alert = session.store.alerts.add_timer(duration, session.now)
    return Reply(f"The timer is set for {speech.duration(duration)}.", {"due": alert.due.isoformat(timespec="seconds")})
