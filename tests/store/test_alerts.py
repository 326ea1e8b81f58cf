from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from otto.errors import StoreError
from otto.store import Kind, State, Store, alerts, open_store

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_what_is_set_is_listed_by_when_it_is_due(store: Store, place: Path | str, now: datetime) -> None:
    alarm = store.alerts.add_alarm(now + 2 * HOUR, now)
    timer = store.alerts.add_timer(10 * MINUTE, now, "pasta")
    reminder = store.alerts.add_reminder("call Ada", now + HOUR, now)
    with open_store(place) as another:
        assert another.alerts.list() == (timer, reminder, alarm)
        assert another.alerts.list(Kind.TIMER) == (timer,)
        assert another.alerts.get(alarm.id) == alarm
        assert another.alerts.get(99) is None
    assert (timer.due, timer.duration, timer.label) == (now + 10 * MINUTE, 10 * MINUTE, "pasta")
    assert (alarm.due, reminder.due, reminder.label) == (now + 2 * HOUR, now + HOUR, "call Ada")
    assert timer.remaining(now + MINUTE) == 9 * MINUTE
    assert timer.remaining(now + HOUR) == timedelta()


def test_alerts_are_found_by_duration_and_by_part_of_the_label(store: Store, now: datetime) -> None:
    pasta = store.alerts.add_timer(10 * MINUTE, now, "Pasta")
    eggs = store.alerts.add_timer(5 * MINUTE, now, "eggs")
    store.alerts.add_reminder("pasta for Ada", now + HOUR, now)
    assert store.alerts.find(Kind.TIMER, duration=10 * MINUTE) == (pasta,)
    assert store.alerts.find(Kind.TIMER, label="EGG") == (eggs,)
    assert len(store.alerts.find(label="pasta")) == 2
    assert store.alerts.find(duration=HOUR) == ()


def test_a_paused_timer_keeps_what_it_has_left(store: Store, now: datetime) -> None:
    timer = store.alerts.add_timer(10 * MINUTE, now)
    paused = store.alerts.pause(timer.id, now + 4 * MINUTE)
    assert (paused.state, paused.left, paused.remaining(now + HOUR)) == (State.PAUSED, 6 * MINUTE, 6 * MINUTE)
    assert not store.alerts.pending()
    resumed = store.alerts.resume(timer.id, now + HOUR)
    assert (resumed.state, resumed.left, resumed.due) == (State.SET, None, now + HOUR + 6 * MINUTE)
    assert store.alerts.pending()


def test_what_cannot_be_changed_says_so(store: Store, now: datetime) -> None:
    timer, alarm = store.alerts.add_timer(MINUTE, now), store.alerts.add_alarm(now + HOUR, now)
    cases = [
        (lambda: store.alerts.pause(alarm.id, now), "no running timer"),
        (lambda: store.alerts.resume(timer.id, now), "no paused timer"),
        (lambda: store.alerts.cancel(99, now), "no alert with the number 99"),
    ]
    for change, sentence in cases:
        with pytest.raises(StoreError, match=sentence):
            change()
    assert store.alerts.list() == (timer, alarm)


def test_a_cancelled_alert_never_rings(store: Store, now: datetime) -> None:
    alarm = store.alerts.add_alarm(now + HOUR, now)
    assert store.alerts.cancel(alarm.id, now).state is State.CANCELLED
    assert store.alerts.list() == store.alerts.waiting(now) == store.alerts.claim([alarm], now) == ()


@pytest.mark.parametrize("length", [timedelta(days=400_000), timedelta(days=999_999_999)])
def test_too_far_away_is_refused_in_words(store: Store, now: datetime, length: timedelta) -> None:
    with pytest.raises(StoreError, match="couldn't save that timer: it is too far away"):
        store.alerts.add_timer(length, now)


def test_two_stores_that_claim_the_same_alerts_share_them_out(store: Store, place: Path | str, now: datetime) -> None:
    for _ in range(10):
        store.alerts.add_timer(MINUTE, now)
    with open_store(place) as another:
        waiting = another.alerts.waiting(now)
        first = store.alerts.claim(waiting[:6], now)
        second = another.alerts.claim(waiting, now)
        assert [alert.id for alert in first + second] == [alert.id for alert in waiting]
        assert store.alerts.waiting(now) == another.alerts.waiting(now) == ()
        assert {alert.state for alert in store.alerts.list()} == {State.RINGING}


def test_an_alert_that_changed_since_it_was_read_is_not_claimed(store: Store, now: datetime) -> None:
    for change in (
        lambda number: store.alerts.cancel(number, now),
        lambda number: store.alerts.pause(number, now),
        lambda number: store.alerts.resume(store.alerts.pause(number, now).id, now + MINUTE),
    ):
        timer = store.alerts.add_timer(MINUTE, now)
        change(timer.id)
        assert store.alerts.claim([timer], now) == ()


def test_what_is_finished_is_never_waiting_again(store: Store, now: datetime) -> None:
    timer = store.alerts.add_timer(MINUTE, now)
    store.alerts.claim([timer], now)
    store.alerts.finish([timer.id], now)
    assert store.alerts.waiting(now + HOUR) == store.alerts.claim([timer], now) == store.alerts.list() == ()
    done = store.alerts.get(timer.id)
    assert done is not None and done.state is State.DONE


def test_stop_silences_what_rings_and_nothing_else(store: Store, now: datetime) -> None:
    ringing, ahead = store.alerts.add_alarm(now, now), store.alerts.add_timer(HOUR, now)
    store.alerts.claim([ringing], now)
    assert [alert.id for alert in store.alerts.silence(now)] == [ringing.id]
    assert store.alerts.list() == (ahead,)


def test_an_alert_whose_announcer_died_waits_again_at_once(file_store: Store, path: Path, now: datetime) -> None:
    timer = file_store.alerts.add_timer(MINUTE, now)
    claim = (
        "import sys; from datetime import datetime; from pathlib import Path; from otto.store import open_store\n"
        "now = datetime.fromisoformat(sys.argv[2]); store = open_store(Path(sys.argv[1]))\n"
        "print(len(store.alerts.claim(store.alerts.waiting(now), now)), flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", claim, str(path), now.astimezone(UTC).isoformat()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"1\n"
        assert file_store.alerts.waiting(now) == ()
        child.kill()
    (again,) = file_store.alerts.waiting(now)
    assert (again.id, again.state) == (timer.id, State.RINGING)
    assert file_store.alerts.claim([again], now) == (again,)


@pytest.mark.parametrize("after", [timedelta(seconds=alerts.LEASE_SECONDS + 1), -HOUR])
def test_an_announcer_that_says_nothing_for_a_minute_has_lost_the_alert(
    store: Store, now: datetime, after: timedelta
) -> None:
    """Also when the wall clock was set back meanwhile."""
    store.alerts.claim([store.alerts.add_timer(MINUTE, now)], now)
    assert store.alerts.waiting(now + MINUTE / 2) == ()
    assert len(store.alerts.waiting(now + after)) == 1


def test_alarms_keep_their_hour_when_the_user_travels_and_timers_their_moment(store: Store, now: datetime) -> None:
    alarm = store.alerts.add_alarm(now.replace(day=5, hour=7), now)
    timer = store.alerts.add_timer(HOUR, now)
    there = now.astimezone(ZoneInfo("America/New_York"))
    store.alerts.follow(there)
    moved, kept = store.alerts.get(alarm.id), store.alerts.get(timer.id)
    assert moved is not None and moved.due.isoformat() == "2026-03-05T07:00:00-05:00"
    assert kept is not None and kept.due == timer.due


def test_an_alarm_said_in_another_zone_is_kept_in_the_users(store: Store, now: datetime) -> None:
    alarm = store.alerts.add_alarm(datetime(2026, 3, 5, 6, 0, tzinfo=UTC), now)
    assert alarm.due.isoformat() == "2026-03-05T07:00:00+01:00"


def test_finished_alerts_are_kept_only_for_a_while(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "KEPT", 3)
    running = store.alerts.add_timer(HOUR, now)
    for _ in range(6):
        store.alerts.cancel(store.alerts.add_timer(MINUTE, now).id, now)
    store.alerts.add_timer(HOUR, now)
    assert [number for number in range(1, 9) if store.alerts.get(number)] == [running.id, 5, 6, 7, 8]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX can ask whether a process lives")
def test_a_process_number_of_zero_is_nobody(file_store: Store, now: datetime) -> None:
    file_store.alerts.claim([file_store.alerts.add_timer(MINUTE, now)], now)
    with file_store._database.write("a broken owner") as connection:
        connection.execute("UPDATE alerts SET owner = 0")
    assert len(file_store.alerts.waiting(now)) == 1
