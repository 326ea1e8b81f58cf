"""How durations, times, days, numbers and lists are said."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from otto import speech


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (-5, "0 seconds"),
        (1, "1 second"),
        (200, "3 minutes and 20 seconds"),
        (3600, "1 hour"),
        (5400, "1 hour and 30 minutes"),
        (90061, "1 day, 1 hour and 1 minute"),
        (3 * 86400, "3 days"),
        (59.7, "1 minute"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    assert speech.duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(("seconds", "said"), [(3599, "1 hour"), (3 * 3600 + 29 * 60, "3 hours"), (86399, "1 day")])
def test_duration_in_one_unit(seconds: int, said: str) -> None:
    assert speech.duration(timedelta(seconds=seconds), parts=1) == said


def test_the_name_of_a_timer_has_no_plural() -> None:
    assert speech.as_adjective(timedelta(minutes=10)) == "10 minute"
    assert speech.as_adjective(timedelta(hours=2, minutes=1)) == "2 hour and 1 minute"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("00:00", "midnight"),
        ("12:00", "noon"),
        ("00:05", "12:05 am"),
        ("07:00", "7 am"),
        ("12:30", "12:30 pm"),
        ("18:30", "6:30 pm"),
    ],
)
def test_clock(at: str, said: str) -> None:
    assert speech.clock(time.fromisoformat(at)) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-03-03", "yesterday"),
        ("2026-03-04", "today"),
        ("2026-03-05", "tomorrow"),
        ("2026-03-10", "Tuesday"),
        ("2026-03-11", "Wednesday, March 11"),
        ("2026-03-01", "Sunday, March 1"),
        ("2027-01-01", "Friday, January 1, 2027"),
    ],
)
def test_day_name(day: str, said: str, now: datetime) -> None:
    assert speech.day_name(date.fromisoformat(day), now.date()) == said


def test_moment(now: datetime) -> None:
    assert speech.moment(now.replace(hour=18), now) == "today at 6 pm"
    assert speech.moment(now + timedelta(days=2), now) == "on Friday at noon"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (81, "81"),
        (1234567, "1,234,567"),
        (-3, "minus 3"),
        (0, "0"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.3333"),
        (2.50, "2.5"),
        (100.0, "100"),
        (100, "100"),
        (10**15, "1 times 10 to the power of 15"),
        (15 * 10**20, "1.5 times 10 to the power of 21"),
        (19999999 * 10**300, "2 times 10 to the power of 307"),
        (10**400, "1 times 10 to the power of 400"),
        (-2.5e-7, "minus 2.5 times 10 to the power of minus 7"),
    ],
)
def test_number(value: float, said: str) -> None:
    assert speech.number(value) == said


def test_listing() -> None:
    assert [speech.listing(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_count() -> None:
    assert [speech.count(1, "timer"), speech.count(2, "timer"), speech.count(3, "story", "stories")] == [
        "1 timer",
        "2 timers",
        "3 stories",
    ]


def test_shortened() -> None:
    assert speech.shortened("a  b\nc") == "a b c"
    assert speech.shortened("one two three", 9) == "one two…"
