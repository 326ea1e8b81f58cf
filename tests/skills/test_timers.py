"""Timers are set, told apart, paused, resumed and cancelled, and what cannot be saved is never claimed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otto.config import Settings
from otto.errors import SkillError, StoreError
from otto.function import SkillFunction
from otto.session import Session
from otto.store import Kind, State, Store, open_store

Do = Callable[[str], str]
Loader = Callable[[str], SkillFunction[Any, Any]]

TEN = timedelta(minutes=10)


def test_a_timer_is_set(do: Do, store: Store, now: datetime) -> None:
    assert do('timer(duration="ten minutes")') == "The timer is set for 10 minutes."
    (alert,) = store.alerts.list(Kind.TIMER)
    assert alert.duration == TEN
    assert alert.due == now + TEN


def test_what_cannot_be_saved_is_said(now: datetime, tmp_path: Path, function: Loader) -> None:
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be")
    with open_store(blocked / "otto.db") as store, pytest.raises(StoreError, match="couldn't save that timer"):
        function("timer").run({"duration": TEN}, Session(now, settings=Settings(), store=store))


def test_no_timers(do: Do) -> None:
    assert do('timers(action="list")') == "There is no timer."
    assert do('timers(action="list", duration="ten minutes")') == "There is no 10 minute timer."
    for action in ("pause", "cancel", "resume"):
        with pytest.raises(SkillError, match="There is no .*timer to " + action):
            do(f'timers(action="{action}")')


def test_remaining_time_is_told(do: Do, session: Session) -> None:
    do('timer(duration="10 minutes")')
    session.now += timedelta(minutes=3, seconds=15)
    assert do('timers(action="list")') == "There is a 10 minute timer with 6 minutes and 45 seconds left."
    do('timer(duration="1 hour")')
    assert do('timers(action="list")') == (
        "There are 2 timers: a 10 minute timer with 6 minutes and 45 seconds left and a 1 hour timer with 1 hour left."
    )
    assert do('timers(action="list", duration="one hour")') == "There is a 1 hour timer with 1 hour left."


def test_a_paused_timer_keeps_what_is_left(do: Do, session: Session, store: Store) -> None:
    do('timer(duration="10 minutes")')
    session.now += timedelta(minutes=4)
    assert do('timers(action="pause")') == "I paused the 10 minute timer with 6 minutes left."
    session.now += timedelta(hours=5)
    assert do('timers(action="list")') == "There is a 10 minute timer, paused, with 6 minutes left."
    with pytest.raises(SkillError, match="There is no running timer to pause"):
        do('timers(action="pause")')
    assert do('timers(action="resume")') == "The 10 minute timer goes on, with 6 minutes left."
    assert store.alerts.list(Kind.TIMER)[0].due == session.now + timedelta(minutes=6)


def test_the_duration_says_which(do: Do, store: Store) -> None:
    do('timer(duration="10 minutes")')
    do('timer(duration="5 minutes")')
    assert do('timers(action="cancel", duration="ten minutes")') == "I cancelled the 10 minute timer."
    assert [alert.duration for alert in store.alerts.list(Kind.TIMER)] == [timedelta(minutes=5)]
    with pytest.raises(SkillError, match="There is no 10 minute timer to cancel"):
        do('timers(action="cancel", duration="ten minutes")')


def test_which_one_is_asked_when_several_are_meant(do: Do, store: Store) -> None:
    do('timer(duration="10 minutes")')
    do('timer(duration="5 minutes")')
    with pytest.raises(SkillError, match="Which one.*5 minute timer with 5 minutes left and a 10 minute timer"):
        do('timers(action="cancel")')
    assert len(store.alerts.list(Kind.TIMER)) == 2


def test_of_equal_timers_the_next_to_ring_is_meant(do: Do, session: Session, store: Store) -> None:
    do('timer(duration="10 minutes")')
    session.now += timedelta(minutes=2)
    do('timer(duration="10 minutes")')
    do('timers(action="cancel", duration="10 minutes")')
    assert [alert.due for alert in store.alerts.list(Kind.TIMER)] == [session.now + TEN]


def test_a_ringing_timer_is_cancelled_and_stopped(do: Do, session: Session, store: Store) -> None:
    do('timer(duration="1 minute")')
    session.now += timedelta(minutes=1)
    store.alerts.claim(store.alerts.waiting(session.now), session.now)
    assert do('timers(action="list")') == "There is a 1 minute timer that is ringing."
    assert do("stop()") == "I stopped the timer."
    assert store.alerts.list() == ()
    assert do("stop()") == "Nothing is ringing."
    assert store.alerts.get(1).state is State.DONE  # type: ignore[union-attr]


def test_everything_that_rings_is_stopped(do: Do, session: Session, store: Store) -> None:
    do('timer(duration="1 minute")')
    do('timer(duration="30 seconds")')
    session.now += timedelta(minutes=1)
    store.alerts.claim(store.alerts.waiting(session.now), session.now)
    assert do("stop()") == "I stopped 2 timers."
