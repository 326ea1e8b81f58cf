"""Sets a timer: "set a timer for ten minutes"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from otto import Reply, Session, skill, speech


@skill
def timer(duration: timedelta, session: Session) -> Reply:
    """Sets a timer that rings after a duration."""
    alert = session.store.alerts.add_timer(duration, session.now)
    text = f"The timer is set for {speech.duration(duration)}."
    return Reply(text, {"due": alert.due.isoformat(timespec="seconds")}, undo={"id": alert.id})


@timer.undo
def cancelled(done: Mapping[str, Any], session: Session) -> str:
    """Cancels the timer, if it has not rung."""
    alert = session.store.alerts.cancel(done["id"], session.now)
    return f"I cancelled the {speech.as_adjective(alert.duration or timedelta())} timer."
