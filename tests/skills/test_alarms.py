"""Alarms and reminders are set, listed, told apart and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from otto.errors import SkillError
from otto.session import Session
from otto.store import Kind, Store

Do = Callable[[str], str]


def test_an_alarm_is_set(do: Do, store: Store, now: datetime) -> None:
    assert do('alarm(when="2026-03-05T07:00")') == "The alarm is set for tomorrow at 7 am."
    assert [alarm.due for alarm in store.alerts.list(Kind.ALARM)] == [now.replace(day=5, hour=7)]


def test_words_mean_a_time(do: Do) -> None:
    assert do('alarm(when="tomorrow at half past six in the evening")') == "The alarm is set for tomorrow at 6:30 pm."


def test_no_alarm_in_the_past(do: Do, session: Session) -> None:
    with pytest.raises(SkillError, match="in the past: it is already noon"):
        do('alarm(when="2026-03-04T12:00")')
    with pytest.raises(SkillError, match="in the past"):
        do('reminder(text="call Ada", when="2026-03-04T12:00")')


def test_alarms_are_listed(do: Do) -> None:
    assert do('alarms(action="list")') == "There is no alarm."
    do('alarm(when="2026-03-05T07:00")')
    assert do('alarms(action="list")') == "There is 1 alarm: tomorrow at 7 am."
    do('alarm(when="2026-03-04T18:30")')
    assert do('alarms(action="list")') == "There are 2 alarms: today at 6:30 pm and tomorrow at 7 am."


@pytest.mark.parametrize("when", ["2026-03-05T07:00", "2026-03-06T07:00", "2026-03-04T19:00"])
def test_an_alarm_is_found_by_its_time(when: str, do: Do, store: Store) -> None:
    """Also when the day or the half of the day was not said, and so was guessed."""
    do('alarm(when="2026-03-05T07:00")')
    do('alarm(when="2026-03-05T09:00")')
    assert do(f'alarms(action="cancel", when="{when}")') == "I cancelled the alarm tomorrow at 7 am."
    assert [alarm.due.hour for alarm in store.alerts.list(Kind.ALARM)] == [9]


def test_which_alarm_is_asked(do: Do, store: Store) -> None:
    with pytest.raises(SkillError, match="no alarm to cancel"):
        do('alarms(action="cancel")')
    do('alarm(when="2026-03-05T07:00")')
    do('alarm(when="2026-03-06T07:00")')
    with pytest.raises(SkillError, match="Which one. I have tomorrow at 7 am and on Friday at 7 am"):
        do('alarms(action="cancel")')
    with pytest.raises(SkillError, match="no alarm at that time"):
        do('alarms(action="cancel", when="2026-03-05T08:00")')
    assert len(store.alerts.list(Kind.ALARM)) == 2


def test_the_only_alarm_needs_no_time(do: Do, store: Store) -> None:
    do('alarm(when="2026-03-05T07:00")')
    assert do('alarms(action="cancel")') == "I cancelled the alarm tomorrow at 7 am."
    assert store.alerts.list() == ()


def test_a_reminder_is_set(do: Do, store: Store, now: datetime) -> None:
    assert do('reminder(text="call Ada", when="2026-03-04T18:00")') == "I'll remind you today at 6 pm: call Ada."
    (alert,) = store.alerts.list(Kind.REMINDER)
    assert (alert.label, alert.due) == ("call Ada", now.replace(hour=18))


def test_a_reminder_without_a_time_asks_for_one(do: Do, store: Store) -> None:
    with pytest.raises(SkillError, match=r"^When shall I remind you: call Ada\?$"):
        do('reminder(text="call Ada")')
    assert store.alerts.list() == ()


def test_reminders_are_listed_and_cancelled_by_what_they_say(do: Do, session: Session) -> None:
    assert do('reminders(action="list")') == "There is no reminder."
    do('reminder(text="call the dentist", when="2026-03-04T18:00")')
    do('reminder(text="water the plants", when="2026-03-05T09:00")')
    assert do('reminders(action="list")') == (
        "There are 2 reminders: today at 6 pm, call the dentist; tomorrow at 9 am, water the plants."
    )
    with pytest.raises(SkillError, match=r"Which one\? today at 6 pm, call the dentist; tomorrow"):
        do('reminders(action="cancel")')
    with pytest.raises(SkillError, match="There is no reminder about the moon"):
        do('reminders(action="cancel", text="the moon")')
    assert do('reminders(action="cancel", text="dentist")') == (
        "I cancelled the reminder today at 6 pm, call the dentist."
    )
    session.now += timedelta(days=1)
    assert do('reminders(action="list")') == "There is 1 reminder: today at 9 am, water the plants."
