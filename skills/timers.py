"""The running timers: "how long is left", "pause the timer", "cancel the ten minute timer"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from otto import Reply, Session, SkillError, skill, speech
from otto.store import Alert, Kind, State


@skill
def timers(
    action: Literal["list", "pause", "resume", "cancel"], session: Session, duration: timedelta | None = None
) -> Reply:
    """Lists, pauses, resumes or cancels running timers; the duration says which one."""
    found = session.store.alerts.find(Kind.TIMER, duration=duration)
    if action == "list":
        return Reply(_listed(found, duration, session.now))
    states = {"pause": (State.SET,), "resume": (State.PAUSED,)}.get(action, tuple(State))
    meant = [alert for alert in found if alert.state in states]
    if not (len(meant) > 1 and speech.means_all(session.text, "timers")):
        meant = [_one(meant, action, duration, session.now)]
    told = " ".join(_changed(timer, action, session) for timer in meant)
    return Reply(told, undo={"action": action, "ids": [timer.id for timer in meant]})


@timers.undo
def back(done: Mapping[str, Any], session: Session) -> str:
    """The timers as they were before."""
    opposite = {"pause": "resume", "resume": "pause"}.get(done["action"], "restore")
    changed = [session.store.alerts.get(number) for number in done["ids"]]
    timers = [timer for timer in changed if timer is not None]
    if opposite == "restore" and any(timer.left is None and timer.due <= session.now for timer in timers):
        raise SkillError("That timer would have rung by now.")
    return " ".join(_changed(timer, opposite, session) for timer in timers)


def _changed(timer: Alert, action: str, session: Session) -> str:
    """Does it, and says so."""
    left = speech.duration(timer.remaining(session.now))
    if action == "pause":
        session.store.alerts.pause(timer.id, session.now)
        return f"I paused {_the(timer)} with {left} left."
    if action == "resume":
        session.store.alerts.resume(timer.id, session.now)
        return f"{_the(timer)} goes on, with {left} left.".capitalize()
    if action == "restore":
        session.store.alerts.restore(timer.id, session.now)
        return f"{_the(timer)} is set again.".capitalize()
    session.store.alerts.cancel(timer.id, session.now)
    return f"I cancelled {_the(timer)}."


def _one(timers: Sequence[Alert], action: str, duration: timedelta | None, now: datetime) -> Alert:
    """The timer that is meant: the only one, or of several equal ones the one that rings first."""
    if not timers:
        which = f"{speech.as_adjective(duration)} " if duration else ""
        state = {"pause": "running ", "resume": "paused "}.get(action, "")
        raise SkillError(f"There is no {which}{state}timer to {action}.")
    if len({timer.duration for timer in timers}) > 1:
        which = speech.listing([_described(timer, now) for timer in timers])
        raise SkillError(f"Which one? There is {which}.", asks="duration")
    return timers[0]


def _listed(timers: Sequence[Alert], duration: timedelta | None, now: datetime) -> str:
    if not timers:
        return f"There is no {speech.as_adjective(duration)} timer." if duration else "There is no timer."
    if len(timers) == 1:
        return f"There is {_described(timers[0], now)}."
    return f"There are {len(timers)} timers: {speech.listing([_described(timer, now) for timer in timers])}."


def _the(timer: Alert) -> str:
    return f"the {speech.as_adjective(timer.duration or timedelta())} timer"


def _described(timer: Alert, now: datetime) -> str:
    name = speech.as_adjective(timer.duration or timedelta())
    if timer.state is State.RINGING:
        return f"a {name} timer that is ringing"
    paused = ", paused," if timer.state is State.PAUSED else ""
    return f"a {name} timer{paused} with {speech.duration(timer.remaining(now))} left"
