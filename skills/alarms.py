"""The alarms that are set: "which alarms do I have", "cancel the seven o'clock alarm"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from otto import Reply, Session, SkillError, skill, speech
from otto.store import Alert, Kind


@skill
def alarms(action: Literal["list", "cancel"], session: Session, when: datetime | None = None) -> Reply:
    """Lists the alarms, or cancels one; the time says which one."""
    found = session.store.alerts.list(Kind.ALARM)
    times = speech.listing([speech.moment(alarm.due, session.now) for alarm in found])
    if not found:
        if action == "list":
            return Reply("There is no alarm.")
        raise SkillError("There is no alarm to cancel.")
    if action == "list":
        return Reply(f"There {'is' if len(found) == 1 else 'are'} {speech.count(len(found), 'alarm')}: {times}.")
    meant = _meant(found, when)
    if not meant:
        raise SkillError(f"There is no alarm at that time. I have {times}.")
    if len(meant) > 1 and not speech.means_all(session.text, "alarms"):
        raise SkillError(f"Which one? I have {times}.", asks="when")
    for alarm in meant:
        session.store.alerts.cancel(alarm.id, session.now)
    cancelled = speech.listing([speech.moment(alarm.due, session.now) for alarm in meant])
    text = f"I cancelled the alarm{'s' if len(meant) > 1 else ''} {cancelled}."
    return Reply(text, undo={"ids": [alarm.id for alarm in meant]})


@alarms.undo
def back(done: Mapping[str, Any], session: Session) -> str:
    """The alarms as they were before."""
    restored = [session.store.alerts.restore(number, session.now) for number in done["ids"]]
    times = speech.listing([speech.moment(alarm.due, session.now) for alarm in restored])
    return f"The alarm{'s are' if len(restored) > 1 else ' is'} set again: {times}."


def _meant(alarms: Sequence[Alert], when: datetime | None) -> Sequence[Alert]:
    """Those at `when`; failing that at its time of another day, then at its time on a clock of twelve hours."""
    if when is None:
        return alarms
    local = when.astimezone(alarms[0].due.tzinfo)
    for same in (
        lambda due: due.replace(second=0, microsecond=0) == local.replace(second=0, microsecond=0),
        lambda due: (due.hour, due.minute) == (local.hour, local.minute),
        lambda due: (due.hour % 12, due.minute) == (local.hour % 12, local.minute),
    ):
        if found := [alarm for alarm in alarms if same(alarm.due)]:
            return found
    return []
