from __future__ import annotations

from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import ValueReadError
from otto.values import TYPES, Limits
from tests.conftest import NOW

TIME = TYPES["time"]

SAID = {
    "seven": "07:00",
    "seven o'clock": "07:00",
    "seven o clock": "07:00",
    "7 am": "07:00",
    "7 a.m.": "07:00",
    "7am": "07:00",
    "7 p m": "19:00",
    "7:30pm": "19:30",
    "7 30 pm": "19:30",
    "19:30": "19:30",
    "7.30": "07:30",
    "0730": "07:30",
    "1930": "19:30",
    "19h30": "19:30",
    "half past six": "06:30",
    "half six": "06:30",
    "quarter to nine": "08:45",
    "a quarter past ten": "10:15",
    "quarter of five": "04:45",
    "twenty to eight": "07:40",
    "ten past three": "03:10",
    "five minutes to twelve": "11:55",
    "twenty five past four": "04:25",
    "quarter to one": "12:45",
    "quarter to midnight": "23:45",
    "ten past noon": "12:10",
    "noon": "12:00",
    "twelve noon": "12:00",
    "midnight": "00:00",
    "12 am": "00:00",
    "12:00 am": "00:00",
    "12:15 pm": "12:15",
    "12:15 at night": "00:15",
    "08:00 pm": "20:00",
    "0730 pm": "19:30",
    "07:30 in the evening": "19:30",
    "12 pm": "12:00",
    "24:00": "00:00",
    "seven thirty": "07:30",
    "seven oh five": "07:05",
    "seven thirty in the evening": "19:30",
    "six in the morning": "06:00",
    "three in the afternoon": "15:00",
    "eight at night": "20:00",
    "oh six hundred": "06:00",
    "five hundred and thirty am": "05:30",
    "nineteen hundred hours": "19:00",
    "fourteen thirty": "14:30",
    "at half past six": "06:30",
    "noon sharp": "12:00",
    "eleven fifty-nine p.m.": "23:59",
    "07:30:15": "07:30:15",
}

REFUSED = [
    "", "25", "25:00", "24:30", "7:60", "7:5", "seventy", "seven five", "half", "quarter past", "ten past", "13 pm 5",
    "seven bananas", "seven eight nine", "minus seven", "-7:00", "2400", "0760", "12:30:61", "morning", "half past",
    "sixty to nine", "quarter to quarter", "tomorrow", "at", "one hundred and sixty one", "nan", "7:30:",
]  # fmt: skip


@pytest.mark.parametrize(("words", "written"), SAID.items())
def test_reads_times_as_people_say_them(words: str, written: str, now: datetime) -> None:
    assert TIME.write(TIME.read(words, Limits(), now)) == written


@pytest.mark.parametrize("words", [words for words in REFUSED if words != "7:30:"])
def test_limits_of_times_hold(words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        TIME.read(words, Limits(), now)


@pytest.mark.parametrize("scalar", [float("nan"), float("inf"), -1, 25, 24.5, True, 1e300])
def test_numbers_that_are_no_hour_are_refused(scalar: float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        TIME.read(scalar, Limits(), now)


def test_a_number_is_an_hour(now: datetime) -> None:
    assert TIME.read(7, Limits(), now) == time(7)


@given(st.times().map(lambda moment: moment.replace(microsecond=0)))
def test_what_is_written_reads_back(moment: time) -> None:
    assert TIME.read(TIME.write(moment), Limits(), NOW) == moment


@given(st.integers(1, 12), st.sampled_from(["am", "pm"]))
def test_every_hour_of_the_day_can_be_said(hour: int, half: str) -> None:
    expected = hour % 12 + (12 if half == "pm" else 0)
    assert TIME.read(f"{hour} {half}", Limits(), NOW) == time(expected)
