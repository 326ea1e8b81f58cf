"""Every alert rings, at its time, once: through clock changes, crashes, several ringers and full disks."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from otto.clock import FakeClock, SystemClock
from otto.errors import StoreError
from otto.lock import FileLock
from otto.ringer import POLL_SECONDS, RELOAD_SECONDS, Ringer, ring_until_quiet
from otto.store import Alert, State, Store, open_store

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Told:
    """Takes announcements; each with the fake clock's time, if there is one."""

    clock: FakeClock | None = None
    alerts: list[tuple[int, bool]] = field(default_factory=list)
    """(number of the alert, missed), in order."""
    at: list[datetime] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)

    def __call__(self, alert: Alert, missed: bool) -> None:
        self.alerts.append((alert.id, missed))
        if self.clock:
            self.at.append(self.clock.now())
        self.told.set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "otto" / "otto.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


@pytest.fixture
def clock(now: datetime) -> FakeClock:
    return FakeClock(now)


@pytest.fixture
def told(clock: FakeClock) -> Told:
    return Told(clock)


@pytest.fixture
def ringer(store: Store, told: Told, clock: FakeClock) -> Ringer:
    return Ringer(store, told, clock)


def pass_time(clock: FakeClock, ringer: Ringer, length: timedelta) -> None:
    """Lets the ringer run for `length`, as its thread would."""
    end = clock.monotonic() + length.total_seconds()
    while clock.monotonic() < end:
        clock.advance(max(min(ringer.look(), end - clock.monotonic()), 0.001))
    ringer.look()


# On time, and once


def test_a_timer_rings_when_it_is_due_and_only_then(store: Store, ringer: Ringer, told: Told, clock: FakeClock) -> None:
    timer = store.alerts.add_timer(10 * MINUTE, clock.now())
    pass_time(clock, ringer, 10 * MINUTE - SECOND)
    assert told.alerts == []
    pass_time(clock, ringer, HOUR)
    assert told.alerts == [(timer.id, False)]
    assert abs(told.at[0] - timer.due) < 0.1 * SECOND
    done = store.alerts.get(timer.id)
    assert done is not None and done.state is State.DONE


def test_the_next_look_is_when_the_next_alert_is_due_but_within_a_second(
    store: Store, ringer: Ringer, clock: FakeClock
) -> None:
    assert ringer.look() == POLL_SECONDS
    store.alerts.add_timer(HOUR, clock.now())
    assert ringer.look() == POLL_SECONDS
    store.alerts.add_timer(0.25 * SECOND, clock.now())
    assert ringer.look() == pytest.approx(0.25, abs=0.001)


def test_a_change_by_another_process_is_noticed_within_a_second(
    path: Path, ringer: Ringer, told: Told, clock: FakeClock
) -> None:
    with open_store(path) as other:
        cancelled = other.alerts.add_timer(MINUTE, clock.now())
        pass_time(clock, ringer, SECOND)
        other.alerts.cancel(cancelled.id, clock.now())
        timer = other.alerts.add_timer(30 * SECOND, clock.now())
        pass_time(clock, ringer, 2 * MINUTE)
    assert told.alerts == [(timer.id, False)]
    assert told.at[0] - timer.due < 1.1 * SECOND


def test_a_paused_timer_waits(store: Store, ringer: Ringer, told: Told, clock: FakeClock) -> None:
    timer = store.alerts.add_timer(10 * MINUTE, clock.now())
    pass_time(clock, ringer, MINUTE)
    store.alerts.pause(timer.id, clock.now())
    pass_time(clock, ringer, HOUR)
    assert told.alerts == []
    store.alerts.resume(timer.id, clock.now())
    pass_time(clock, ringer, 9 * MINUTE - SECOND)
    assert told.alerts == []
    pass_time(clock, ringer, 2 * SECOND)
    assert told.alerts == [(timer.id, False)]


def test_a_timer_paused_and_resumed_between_two_looks_waits_as_well(
    store: Store, ringer: Ringer, told: Told, clock: FakeClock
) -> None:
    timer = store.alerts.add_timer(MINUTE, clock.now())
    ringer.look()
    store.alerts.pause(timer.id, clock.now())
    clock.advance(59)
    store.alerts.resume(timer.id, clock.now())
    pass_time(clock, ringer, 59 * SECOND)
    assert told.alerts == []
    pass_time(clock, ringer, 2 * SECOND)
    assert told.alerts == [(timer.id, False)]


def test_two_ringers_of_one_store_announce_each_alert_once(path: Path, clock: FakeClock) -> None:
    told = Told(clock)
    with open_store(path) as one, open_store(path) as other:
        ringers = [Ringer(one, told, clock), Ringer(other, told, clock)]
        numbers = [one.alerts.add_timer(number * SECOND, clock.now()).id for number in range(1, 21)]
        for _ in range(30):
            clock.advance(1)
            for ringer in ringers:
                ringer.look()
    assert [number for number, _ in told.alerts] == numbers


def test_a_thousand_timers_in_one_second_are_all_told_in_time(
    store: Store, ringer: Ringer, told: Told, clock: FakeClock
) -> None:
    for _ in range(1000):
        store.alerts.add_timer(HOUR, clock.now())
    ringer.look()
    clock.advance(3600)
    began, late = time.perf_counter(), []
    told_before = told.__call__

    def announce(alert: Alert, missed: bool) -> None:
        told_before(alert, missed)
        late.append(time.perf_counter() - began)

    ringer._announce = announce
    ringer.look()
    assert len({number for number, _ in told.alerts}) == len(late) == 1000
    assert sorted(late)[990] < 1.0
    assert not any(missed for _, missed in told.alerts)
    assert not store.alerts.pending()


# Missed


def test_what_came_due_while_nobody_ran_is_told_as_missed_within_a_second(store: Store, clock: FakeClock) -> None:
    clock = SystemClock(BERLIN)
    then = clock.now() - HOUR
    timer = store.alerts.add_timer(MINUTE, then)
    alarm = store.alerts.add_alarm(then + 2 * MINUTE, then)
    store.alerts.add_timer(2 * HOUR, then)
    told = Told()
    ringer = Ringer(store, told, clock)
    began = time.monotonic()
    ringer.start()
    while len(told.alerts) < 2 and time.monotonic() - began < 5:
        time.sleep(0.005)
    took = time.monotonic() - began
    ringer.stop()
    assert sorted(told.alerts) == [(timer.id, True), (alarm.id, True)]
    assert took < 1.0


def test_the_thread_wakes_when_told_and_ends_when_stopped(store: Store) -> None:
    told, clock = Told(), SystemClock(BERLIN)
    ringer = Ringer(store, told, clock)
    ringer.start()
    time.sleep(0.05)  # it now waits for a second
    store.alerts.add_timer(0.01 * SECOND, clock.now())
    began = time.monotonic()
    ringer.wake()
    assert told.told.wait(5)
    assert time.monotonic() - began < 0.8
    ringer.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "ringer"]


# Clock changes


@pytest.mark.parametrize("turned", [-HOUR, HOUR, -30 * MINUTE, timedelta(days=400), -timedelta(days=400)])
def test_a_running_timer_does_not_care_about_the_wall_clock(
    store: Store, path: Path, ringer: Ringer, told: Told, clock: FakeClock, turned: timedelta
) -> None:
    timer = store.alerts.add_timer(10 * MINUTE, clock.now())
    pass_time(clock, ringer, 4 * MINUTE)
    clock.set_wall(clock.now() + turned)
    ringer.look()
    (listed,) = store.alerts.list()
    assert abs(listed.remaining(clock.now()) - 6 * MINUTE) < SECOND
    # One that starts only now knows the new due time and rings at the same moment.
    with open_store(path) as another:
        late_comer = Ringer(another, Told(clock), clock)
        late_comer.look()
        pass_time(clock, ringer, 6 * MINUTE - SECOND)
        late_comer.look()
        assert told.alerts == []
        pass_time(clock, ringer, 2 * SECOND)
    assert told.alerts == [(timer.id, False)]


def test_two_ringers_that_notice_the_same_change_move_a_timer_once(path: Path, clock: FakeClock) -> None:
    told = Told(clock)
    with open_store(path) as one, open_store(path) as other:
        ringers = [Ringer(one, told, clock), Ringer(other, told, clock)]
        timer = one.alerts.add_timer(10 * MINUTE, clock.now())
        for ringer in ringers:
            ringer.look()
        clock.set_wall(clock.now() + HOUR)
        for _ in range(3):
            for ringer in ringers:
                ringer.look()
        (listed,) = one.alerts.list()
        assert abs(listed.remaining(clock.now()) - 10 * MINUTE) < SECOND
        clock.advance(600)
        for ringer in ringers:
            ringer.look()
    assert told.alerts == [(timer.id, False)]


def test_reminders_go_by_the_wall_clock_when_it_is_turned(
    store: Store, ringer: Ringer, told: Told, clock: FakeClock
) -> None:
    at_one = store.alerts.add_reminder("call Ada", clock.now() + HOUR, clock.now())
    pass_time(clock, ringer, MINUTE)
    clock.set_wall(clock.now() - HOUR)
    pass_time(clock, ringer, HOUR + 50 * MINUTE)
    assert told.alerts == []
    clock.set_wall(clock.now() + 9 * MINUTE)
    pass_time(clock, ringer, SECOND)
    assert told.alerts == [(at_one.id, False)]
    clock.set_wall(clock.now() - HOUR)  # it shows one o'clock a second time
    pass_time(clock, ringer, 2 * HOUR)
    assert told.alerts == [(at_one.id, False)]


def test_an_alarm_that_the_clock_was_turned_past_is_missed_and_not_lost(
    store: Store, ringer: Ringer, told: Told, clock: FakeClock
) -> None:
    alarm = store.alerts.add_alarm(clock.now() + HOUR, clock.now())
    pass_time(clock, ringer, MINUTE)
    clock.set_wall(clock.now() + 2 * HOUR)
    ringer.look()
    assert told.alerts == [(alarm.id, True)]


def test_an_alarm_rings_at_its_hour_where_the_user_is(
    store: Store, ringer: Ringer, told: Told, clock: FakeClock
) -> None:
    alarm = store.alerts.add_alarm(clock.now().replace(day=5, hour=7), clock.now())
    timer = store.alerts.add_timer(HOUR, clock.now())
    pass_time(clock, ringer, MINUTE)
    clock.travel(NEW_YORK)
    clock.advance(3600 - 60)
    ringer.look()
    assert told.alerts == [(timer.id, False)]
    clock.set_wall(datetime(2026, 3, 5, 6, 59, 59, tzinfo=NEW_YORK))
    ringer.look()
    assert len(told.alerts) == 1
    clock.advance(1)
    ringer.look()
    assert told.alerts[1:] == [(alarm.id, False)]


EDGES = [
    # (now, asked for, rings at): clocks go forward on 29 March at 2, back on 25 October at 3.
    ("2026-03-28T22:00:00", "2026-03-29T07:00:00", "2026-03-29T07:00:00+02:00"),
    ("2026-10-24T22:00:00", "2026-10-25T07:00:00", "2026-10-25T07:00:00+01:00"),
    ("2026-03-29T01:00:00", "2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"),
    ("2026-10-25T01:00:00", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),
    ("2028-02-28T12:00:00", "2028-02-29T07:00:00", "2028-02-29T07:00:00+01:00"),
    ("2027-12-31T12:00:00", "2028-01-01T00:00:00", "2028-01-01T00:00:00+01:00"),
]


@pytest.mark.parametrize(("start", "when", "rings"), EDGES)
def test_reminders_ring_by_the_wall_clock_over_the_edges_of_the_calendar(
    store: Store, start: str, when: str, rings: str
) -> None:
    clock = FakeClock(datetime.fromisoformat(start).replace(tzinfo=BERLIN))
    told = Told(clock)
    ringer = Ringer(store, told, clock)
    store.alerts.add_reminder("call Ada", datetime.fromisoformat(when).replace(tzinfo=BERLIN), clock.now())
    clock.advance(datetime.fromisoformat(rings).timestamp() - clock.now().timestamp() - 1)
    ringer.look()
    assert told.alerts == []
    clock.advance(1)
    ringer.look()
    assert [at.isoformat() for at in told.at] == [rings]


@pytest.mark.parametrize("start", ["2026-03-29T01:30:00", "2026-10-25T01:30:00", "2028-02-28T23:30:00"])
def test_timers_last_as_long_over_the_edges_of_the_calendar(store: Store, start: str) -> None:
    clock = FakeClock(datetime.fromisoformat(start).replace(tzinfo=BERLIN))
    told = Told(clock)
    ringer = Ringer(store, told, clock)
    timer = store.alerts.add_timer(2 * HOUR, clock.now())
    assert timer.remaining(clock.now()) == 2 * HOUR
    pass_time(clock, ringer, MINUTE)
    clock.advance(7200 - 61)
    ringer.look()
    assert told.alerts == []
    clock.advance(1)
    ringer.look()
    assert told.alerts == [(timer.id, False)]


def test_without_a_named_zone_an_alarm_still_keeps_its_hour_over_summer_time(store: Store) -> None:
    """As on a system that only tells its offset: the offset changes under the alarm."""
    winter, summer = (
        datetime.fromisoformat("2026-03-28T22:00:00+01:00"),
        datetime.fromisoformat("2026-03-29T06:00+02:00"),
    )
    clock = FakeClock(winter)
    told = Told(clock)
    ringer = Ringer(store, told, clock)
    store.alerts.add_alarm(datetime.fromisoformat("2026-03-29T07:00:00+01:00"), clock.now())
    ringer.look()
    clock.advance(summer.timestamp() - winter.timestamp())
    assert summer.tzinfo is not None
    clock.travel(summer.tzinfo)
    ringer.look()
    assert told.alerts == []
    clock.advance(3600)
    ringer.look()
    assert [at.isoformat() for at in told.at] == ["2026-03-29T07:00:00+02:00"]


# When something fails


def test_what_could_not_be_told_is_told_again_a_minute_later(store: Store, told: Told, clock: FakeClock) -> None:
    fails = [True]

    def announce(alert: Alert, missed: bool) -> None:
        if fails.pop() if fails else False:
            raise OSError("nobody there")
        told(alert, missed)

    ringer = Ringer(store, announce, clock)
    timer = store.alerts.add_timer(MINUTE, clock.now())
    pass_time(clock, ringer, 90 * SECOND)
    assert told.alerts == [] and store.alerts.pending()
    pass_time(clock, ringer, 30 * SECOND + RELOAD_SECONDS * SECOND)
    assert told.alerts == [(timer.id, True)]


def test_a_full_disk_does_not_silence_an_alarm(
    path: Path, store: Store, ringer: Ringer, told: Told, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = store.alerts.add_alarm(clock.now() + MINUTE, clock.now())
    pass_time(clock, ringer, SECOND)

    def full(*_: object) -> None:
        raise StoreError("I couldn't save that it rings: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(store.alerts, "claim", full)
        patch.setattr(store.alerts, "finish", full)
        pass_time(clock, ringer, 2 * MINUTE)
        assert told.alerts == [(alarm.id, False)]
    pass_time(clock, ringer, 2 * MINUTE)
    assert told.alerts == [(alarm.id, False)]
    assert not store.alerts.pending()


def test_a_store_that_cannot_be_read_does_not_silence_what_is_known(
    store: Store, ringer: Ringer, told: Told, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer = store.alerts.add_timer(MINUTE, clock.now())
    ringer.look()

    def broken() -> tuple[int, int, int]:
        raise StoreError("I couldn't read the store: the disk is full or failing.")

    monkeypatch.setattr(store, "version", broken)
    pass_time(clock, ringer, 2 * MINUTE)
    assert told.alerts == [(timer.id, False)]


# kill -9

RINGING = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from otto.clock import FakeClock
from otto.ringer import Ringer
from otto.store import open_store

with open_store(Path(sys.argv[1])) as store:
    clock = FakeClock(datetime(2026, 3, 4, 13, 0, tzinfo=UTC))
    def announce(alert, missed):
        os.write(1, f"{alert.id}\\n".encode())
    Ringer(store, announce, clock).run(until=lambda: not store.alerts.pending())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.nightly)])
def test_killed_while_ringing_every_alert_is_told_and_none_after_it_was_done(path: Path, kills: int) -> None:
    chance, then = random.Random(31), datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    told: set[int] = set()
    numbers: set[int] = set()
    done: set[int] = set()
    with open_store(path) as store:
        for _ in range(kills):
            numbers |= {store.alerts.add_timer(number % 50 * MINUTE, then).id for number in range(1, 30)}
            with subprocess.Popen([sys.executable, "-c", RINGING, str(path)], stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                first = child.stdout.readline()
                time.sleep(chance.choice((0, chance.uniform(0, 0.01))))
                child.kill()
                fresh = {int(line) for line in (first + child.stdout.read()).splitlines()}
            assert not fresh & done
            told |= fresh
            pending = {alert.id for alert in store.alerts.list()}
            done = numbers - pending
        rest = subprocess.run([sys.executable, "-c", RINGING, str(path)], stdout=subprocess.PIPE, check=True)
        fresh = {int(line) for line in rest.stdout.splitlines()}
        assert not fresh & done
        assert told | fresh == numbers
        assert not store.alerts.pending()


# The process that stays behind


def run(program: str, *arguments: str, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=20, env={**os.environ, **environment},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


SET_AND_LEAVE = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from otto.ringer import start_ringer
from otto.store import open_store

database = Path(sys.argv[1])
with open_store(database) as store:
    store.alerts.add_timer(timedelta(seconds=float(sys.argv[2])), datetime.now(UTC), sys.argv[3])
start_ringer(database)
"""


def wait_for(what: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def notified(tmp_path: Path) -> Callable[[], list[str]]:
    """A notification service that writes to a file; returns its lines."""
    program, file = tmp_path / "bin" / "notify-send", tmp_path / "notified"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nfor last in "$@"; do :; done\necho "$last" >> {file}\n')
    program.chmod(0o700)
    return lambda: file.read_text().splitlines() if file.exists() else []


@pytest.mark.skipif(os.name != "posix", reason="the notification service of this test is a shell script")
def test_a_timer_rings_though_the_command_that_set_it_has_ended(
    path: Path, tmp_path: Path, notified: Callable[[], list[str]]
) -> None:
    search = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    run(SET_AND_LEAVE, str(path), "0.8", "pasta", PATH=search)
    run(SET_AND_LEAVE, str(path), "0.9", "eggs", PATH=search)  # its ringer finds one running and ends
    wait_for(lambda: len(notified()) == 2)
    assert notified() == ["Your pasta timer is up.", "Your eggs timer is up."]
    lock = FileLock(path.with_name("otto.db.ringer"))
    wait_for(lock.take)  # it has ended
    lock.release()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT state, count(*) FROM alerts GROUP BY state").fetchall() == [("done", 2)]
    connection.close()


def test_only_one_process_stays_for_a_store(path: Path, store: Store, told: Told, clock: FakeClock) -> None:
    store.alerts.add_timer(MINUTE, clock.now())
    lock = FileLock(path.with_name("otto.db.ringer"))
    assert lock.take()
    assert not ring_until_quiet(store, told, clock)
    lock.release()
    assert ring_until_quiet(store, told, clock)
    assert len(told.alerts) == 1


def test_it_ends_at_once_when_nothing_is_pending(store: Store, told: Told, clock: FakeClock) -> None:
    paused = store.alerts.add_timer(MINUTE, clock.now())
    store.alerts.pause(paused.id, clock.now())
    assert ring_until_quiet(store, told, clock)
    assert told.alerts == [] and clock.monotonic() == 0


def test_what_is_set_while_it_lets_go_of_its_lock_is_not_lost(
    store: Store, told: Told, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command sets a timer, finds the lock held, and relies on the one that is about to end."""
    store.alerts.add_timer(MINUTE, clock.now())
    release, added = FileLock.release, []

    def release_late(lock: FileLock) -> None:
        if not added:
            added.append(store.alerts.add_timer(MINUTE, clock.now()))
        release(lock)

    monkeypatch.setattr(FileLock, "release", release_late)
    assert ring_until_quiet(store, told, clock)
    assert len(told.alerts) == 2
