from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from otto.clock import FakeClock, SystemClock, local_zone


def test_the_systems_clock_shows_the_users_zone_and_counts_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(hours=5, minutes=30)
    assert abs(clock.now().timestamp() - time.time()) < 5
    monkeypatch.setenv("TZ", "America/New_York")
    assert str(clock.now().tzinfo) == "America/New_York"
    assert SystemClock(ZoneInfo("Europe/Berlin")).now().tzinfo == ZoneInfo("Europe/Berlin")
    before = clock.monotonic()
    assert not clock.wait(threading.Event(), 0.01)
    assert 0.009 < clock.monotonic() - before < 5


@pytest.mark.parametrize("name", ["", "nonsense/nowhere", "UTC+3", "../../etc/passwd", ":"])
def test_a_zone_that_is_no_name_is_left_to_the_system(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    assert datetime.now(local_zone()).utcoffset() is not None


def test_the_fake_clock_stands_still_until_it_is_told(now: datetime) -> None:
    clock = FakeClock(now)
    assert clock.now() == now and clock.monotonic() == 0
    clock.advance(90)
    assert clock.now() == now + timedelta(seconds=90) and clock.monotonic() == 90
    clock.set_wall(now - timedelta(hours=1))
    assert clock.now() == now - timedelta(hours=1) and clock.monotonic() == 90
    clock.travel(ZoneInfo("America/New_York"))
    assert clock.now() == now - timedelta(hours=1) and clock.now().hour == 5


def test_waiting_on_the_fake_clock_takes_no_time(now: datetime) -> None:
    clock, event = FakeClock(now), threading.Event()
    assert not clock.wait(event, 3600)
    assert clock.monotonic() == 3600
    event.set()
    assert clock.wait(event, 3600) and clock.monotonic() == 3600


def test_the_fake_clock_passes_through_both_edges_of_summer_time() -> None:
    clock = FakeClock(datetime(2026, 3, 29, 1, 59, tzinfo=ZoneInfo("Europe/Berlin")))
    clock.advance(120)
    assert clock.now().isoformat() == "2026-03-29T03:01:00+02:00"


def test_a_clock_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2026, 1, 1))
