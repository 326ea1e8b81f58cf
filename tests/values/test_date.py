from __future__ import annotations

import sys
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import ValueReadError
from otto.values import TYPES, Limits
from otto.values.feast import easter
from tests.conftest import NOW

DATE = TYPES["date"]

# Said on Wednesday, March 4th 2026.
SAID = {
    "today": "2026-03-04",
    "tomorrow": "2026-03-05",
    "the day after tomorrow": "2026-03-06",
    "yesterday": "2026-03-03",
    "today's": "2026-03-04",
    "the next day": "2026-03-05",
    "a week from now": "2026-03-11",
    "week from tuesday": "2026-03-17",
    "the twentieth of this month": "2026-03-20",
    "twelveth of july": "2026-07-12",
    "the day before yesterday": "2026-03-02",
    "friday": "2026-03-06",
    "on friday": "2026-03-06",
    "this friday": "2026-03-06",
    "wednesday": "2026-03-11",
    "this wednesday": "2026-03-04",
    "monday": "2026-03-09",
    "this monday": "2026-03-09",
    "next friday": "2026-03-13",
    "friday next week": "2026-03-13",
    "next week friday": "2026-03-13",
    "friday week": "2026-03-13",
    "last friday": "2026-02-27",
    "this weekend": "2026-03-07",
    "next weekend": "2026-03-14",
    "next week": "2026-03-09",
    "next month": "2026-04-01",
    "march third": "2027-03-03",
    "march fourth": "2026-03-04",
    "March 3rd": "2027-03-03",
    "the 3rd of march": "2027-03-03",
    "the third of April": "2026-04-03",
    "3 april": "2026-04-03",
    "april 3, 2028": "2028-04-03",
    "april third twenty twenty eight": "2028-04-03",
    "april third two thousand and thirty": "2030-04-03",
    "december twenty-fifth": "2026-12-25",
    "the 15th": "2026-03-15",
    "the first": "2026-04-01",
    "the first of next month": "2026-04-01",
    "the 31st": "2026-03-31",
    "february 29th": "2028-02-29",
    "friday the 13th": "2026-03-13",
    "friday, march 6th": "2026-03-06",
    "the second tuesday in may": "2026-05-12",
    "the last friday of the month": "2026-03-27",
    "the end of the month": "2026-03-31",
    "in two weeks": "2026-03-18",
    "two weeks from now": "2026-03-18",
    "in a fortnight": "2026-03-18",
    "in ten days": "2026-03-14",
    "in a month": "2026-04-04",
    "a week from tuesday": "2026-03-17",
    "three days ago": "2026-03-01",
    "christmas": "2026-12-25",
    "New Year's Eve": "2026-12-31",
    "new year's day": "2027-01-01",
    "easter": "2026-04-05",
    "good friday": "2026-04-03",
    "last easter": "2025-04-20",
    "the day after christmas": "2026-12-26",
    "halloween 2028": "2028-10-31",
    "thanksgiving": "2026-11-26",
    "3/4": "2026-03-04",
    "3/3": "2027-03-03",
    "25/4": "2026-04-25",
    "25/4/2027": "2027-04-25",
    "3/4/27": "2027-03-04",
    "3.4.2027": "2027-04-03",
    "2026-03-06": "2026-03-06",
}

OUT_OF_RANGE = [
    "2026-02-30", "2026-13-01", "2026-00-10", "0000-01-01", "10000-01-01", "february 30th", "31 feb", "april 31st",
    "the 32nd",
    "the 0th", "13/13", "32/1", "in 99999999 years", "in 9999999999 days", "99999999 weeks ago", "-3 days",
    "in -2 weeks",
    "in nan days", "friday march 7th", "february 29th 2027", "in 1e9 years", "the 40th of march", "march 0",
]  # fmt: skip

NO_DATE = [
    "",
    "someday",
    "march",
    "may",
    "friday friday",
    "tomorrow and friday",
    "5",
    "seven",
    "in weeks",
    "next banana",
    "3 days",
]


@pytest.mark.parametrize(("words", "written"), SAID.items())
def test_reads_dates_as_people_say_them(words: str, written: str, now: datetime) -> None:
    assert DATE.write(DATE.read(words, Limits(), now)) == written


@pytest.mark.parametrize("words", OUT_OF_RANGE)
def test_limits_of_dates_hold(words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        DATE.read(words, Limits(), now)


@pytest.mark.parametrize("words", NO_DATE)
def test_refuses_what_is_no_date(words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        DATE.read(words, Limits(), now)


@pytest.mark.parametrize("words", ["saturday", "sunday", "this weekend", "friday", "next friday", "monday"])
def test_days_of_the_week_lie_ahead_on_every_day_of_the_week(words: str) -> None:
    for day in range(1, 15):
        today = NOW.replace(day=day)
        found = DATE.read(words, Limits(), today)
        assert 0 <= (found - today.date()).days <= 13


def test_the_weekend_is_the_day_itself_while_it_lasts() -> None:
    sunday = NOW.replace(day=8)
    assert DATE.read("this weekend", Limits(), sunday) == date(2026, 3, 8)
    assert DATE.read("next weekend", Limits(), sunday) == date(2026, 3, 14)


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        (1818, 3, 22),
        (1943, 4, 25),
        (1961, 4, 2),
        (2000, 4, 23),
        (2008, 3, 23),
        (2024, 3, 31),
        (2038, 4, 25),
        (2285, 3, 22),
    ],
)
def test_easter_as_the_calendars_have_it(year: int, month: int, day: int) -> None:
    assert easter(year) == date(year, month, day)


def test_the_long_tail_is_left_to_dateparser(now: datetime) -> None:
    assert DATE.read("05 Mar 27", Limits(), now) == date(2027, 3, 5)


def test_ordinary_words_never_wake_dateparser(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dateparser", None)  # importing it now fails
    for words in ("turn on the light", "play 5 songs by may", "seven of nine", "the march of time"):
        with pytest.raises(ValueReadError):
            DATE.read(words, Limits(), now)
    for words in SAID:
        DATE.read(words, Limits(), now)


@given(st.dates())
def test_what_is_written_reads_back(day: date) -> None:
    assert DATE.read(DATE.write(day), Limits(), NOW) == day
