from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import ValueReadError
from otto.values import TYPES, Limits
from tests.conftest import NOW

DATETIME = TYPES["datetime"]
BERLIN = ZoneInfo("Europe/Berlin")

# Said on Wednesday, March 4th 2026, at noon.
SAID = {
    "tomorrow at seven": "2026-03-05 07:00",
    "seven tomorrow": "2026-03-05 07:00",
    "tomorrow at half past six": "2026-03-05 06:30",
    "tomorrow morning at seven": "2026-03-05 07:00",
    "seven thirty tomorrow morning": "2026-03-05 07:30",
    "tomorrow evening at eight": "2026-03-05 20:00",
    "at eight in the evening tomorrow": "2026-03-05 20:00",
    "friday noon": "2026-03-06 12:00",
    "noon on friday": "2026-03-06 12:00",
    "half past six on friday evening": "2026-03-06 18:30",
    "next friday at quarter to nine in the morning": "2026-03-13 08:45",
    "the day after tomorrow at 5 pm": "2026-03-06 17:00",
    "at 8 o'clock on monday": "2026-03-09 08:00",
    "in ten minutes": "2026-03-04 12:10",
    "after five minutes": "2026-03-04 12:05",
    "in an hour's time": "2026-03-04 13:00",
    "in half an hour": "2026-03-04 12:30",
    "in an hour and a half": "2026-03-04 13:30",
    "an hour from now": "2026-03-04 13:00",
    "in 30 seconds": "2026-03-04 12:00:30",
    "in two days": "2026-03-06 12:00",
    "in 2 days at nine pm": "2026-03-06 21:00",
    "in two weeks": "2026-03-18 12:00",
    "in three months": "2026-06-04 12:00",
    "at half past six": "2026-03-04 18:30",
    "seven am": "2026-03-05 07:00",
    "seven": "2026-03-04 19:00",
    "eleven thirty": "2026-03-04 23:30",
    "twelve": "2026-03-05 00:00",
    "noon": "2026-03-05 12:00",
    "midnight": "2026-03-05 00:00",
    "18:30": "2026-03-04 18:30",
    "07:30": "2026-03-05 07:30",
    "by five pm": "2026-03-04 17:00",
    "today at three": "2026-03-04 15:00",
    "today": "2026-03-04 13:00",
    "tomorrow": "2026-03-05 09:00",
    "friday": "2026-03-06 09:00",
    "tonight": "2026-03-04 20:00",
    "seven tonight": "2026-03-04 19:00",
    "midnight tonight": "2026-03-05 00:00",
    "tonight at twelve": "2026-03-05 00:00",
    "tonight at one": "2026-03-05 01:00",
    "this evening": "2026-03-04 19:00",
    "this afternoon": "2026-03-04 15:00",
    "tomorrow morning": "2026-03-05 09:00",
    "tomorrow night": "2026-03-05 20:00",
    "in the morning": "2026-03-05 09:00",
    "monday morning": "2026-03-09 09:00",
    "friday afternoon": "2026-03-06 15:00",
    "march fifth at 7 pm": "2026-03-05 19:00",
    "the 3rd of march at noon": "2027-03-03 12:00",
    "christmas eve at six pm": "2026-12-24 18:00",
    "march 5 2027 at 6pm": "2027-03-05 18:00",
    "tomorrow at two": "2026-03-05 14:00",
    "tuesday at two": "2026-03-10 14:00",
    "at two on friday": "2026-03-06 14:00",
    "tomorrow at one": "2026-03-05 13:00",
    "tomorrow at five thirty": "2026-03-05 17:30",
    "quarter to two tomorrow": "2026-03-05 13:45",
    "half five on friday": "2026-03-06 17:30",
    "tomorrow at 2:30": "2026-03-05 14:30",
    "march fifth at three": "2026-03-05 15:00",
    "in two days at four": "2026-03-06 16:00",
    "tomorrow at six": "2026-03-05 06:00",
    "tomorrow at eleven": "2026-03-05 11:00",
    "tomorrow at twelve": "2026-03-05 12:00",
    "tomorrow at twelve thirty": "2026-03-05 12:30",
    "tomorrow at two in the morning": "2026-03-05 02:00",
    "tomorrow morning at five": "2026-03-05 05:00",
    "tomorrow at 3 am": "2026-03-05 03:00",
    "tomorrow at 02:30": "2026-03-05 02:30",
    "friday night at two": "2026-03-07 02:00",
    "12:00": "2026-03-05 12:00",
    "at 12:30": "2026-03-04 12:30",
    "12:30 am": "2026-03-05 00:30",
    "tonight at 12:30": "2026-03-05 00:30",
    "tonight at 07:30": "2026-03-04 19:30",
    "08:00 pm": "2026-03-04 20:00",
    "friday at 12:00": "2026-03-06 12:00",
    "first thing tomorrow": "2026-03-05 08:00",
    "first thing in the morning": "2026-03-05 08:00",
    "first thing tomorrow morning": "2026-03-05 08:00",
    "monday morning first thing": "2026-03-09 08:00",
    "first thing tomorrow at seven": "2026-03-05 07:00",
    "before lunch on friday": "2026-03-06 11:30",
    "at lunchtime": "2026-03-04 12:30",
    "tomorrow at lunchtime": "2026-03-05 12:30",
    "after lunch": "2026-03-04 13:30",
    "tomorrow after lunch": "2026-03-05 13:30",
    "after lunch at two": "2026-03-04 14:00",
    "before dinner": "2026-03-04 18:00",
    "tomorrow at dinner time": "2026-03-05 19:00",
    "tomorrow evening after dinner": "2026-03-05 20:00",
    "by the end of the day": "2026-03-04 18:00",
    "end of the day tomorrow": "2026-03-05 18:00",
    "now": "2026-03-04 12:00",
    "2026-03-05 07:00": "2026-03-05 07:00",
    "2026-03-05T07:00:30": "2026-03-05 07:00:30",
    "2026-03-05 07:00+00:00": "2026-03-05 08:00",
    "2026-03-05T07:00Z": "2026-03-05 08:00",
    "2026-03-05 at 7pm": "2026-03-05 19:00",
}

OUT_OF_RANGE = [
    "2026-03-04 11:58", "2020-01-01 10:00", "2026-03-04T10:00Z", "0001-01-01 00:00", "yesterday at noon", "yesterday",
    "today at 9 am", "this morning", "three days ago at noon", "march 3 2026 at noon", "2126-03-06 12:00",
    "9999-12-31 23:59",
    "march fifth 2190 at noon", "in 101 years", "in 99999999 hours", "in 9999999999999 weeks", "in nan minutes",
    "in -5 minutes",
    "minus ten minutes from now", "2026-02-30 10:00", "2026-03-05 24:30", "2026-03-05 12:60", "tomorrow at 25:00",
]  # fmt: skip

NO_MOMENT = [
    "", "every day at seven", "in five to ten minutes", "ten past", "tomorrow tomorrow", "seven seven eight",
    "ten minutes",
    "soon", "when I get home", "first thing tomorrow evening", "lunch", "dinner tomorrow", "after", "the end",
    "tomorrow morning in the morning", "tomorrow at seven or eight", "at", "on", "in", "the", "seven bananas tomorrow",
]  # fmt: skip


@pytest.mark.parametrize(("words", "written"), SAID.items())
def test_reads_moments_as_people_say_them(words: str, written: str, now: datetime) -> None:
    moment = DATETIME.read(words, Limits(), now)
    assert moment.tzinfo is now.tzinfo
    assert DATETIME.write(moment) == written


@pytest.mark.parametrize("words", OUT_OF_RANGE)
def test_limits_of_moments_hold(words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        DATETIME.read(words, Limits(), now)


@pytest.mark.parametrize("words", NO_MOMENT)
def test_refuses_what_is_no_moment(words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        DATETIME.read(words, Limits(), now)


def test_noon_said_at_noon_is_the_next_one(now: datetime) -> None:
    for words in ("noon", "12:00", "12 pm", "midday"):
        assert DATETIME.write(DATETIME.read(words, Limits(), now)) == "2026-03-05 12:00"


def test_an_hour_of_today_that_is_over_twice_is_over() -> None:
    for words in ("today at two", "today at lunchtime"):
        with pytest.raises(ValueReadError, match=r"2026-03-04 1[24]:[03]0 is already over"):
            DATETIME.read(words, Limits(), NOW.replace(hour=15))


def test_the_message_says_that_it_is_over(now: datetime) -> None:
    with pytest.raises(ValueReadError, match="2026-03-04 09:00 is already over"):
        DATETIME.read("today at 9 am", Limits(), now)


def test_a_moment_just_over_still_counts_because_calls_are_read_again_when_carried_out(now: datetime) -> None:
    assert DATETIME.read("2026-03-04 12:00", Limits(), now + timedelta(seconds=40)) == now


@pytest.mark.parametrize(
    ("hour", "words", "written"),
    [
        (6, "seven", "2026-03-04 07:00"),
        (8, "seven", "2026-03-04 19:00"),
        (20, "seven", "2026-03-05 07:00"),
        (22, "this evening", "2026-03-04 23:00"),
        (20, "tonight", "2026-03-04 21:00"),
        (23, "in the evening", "2026-03-05 19:00"),
        (1, "midnight", "2026-03-05 00:00"),
        (7, "this morning", "2026-03-04 09:00"),
        (10, "this morning", "2026-03-04 11:00"),
        (23, "seven tomorrow", "2026-03-05 07:00"),
        (23, "tomorrow at two", "2026-03-05 14:00"),
        (10, "two", "2026-03-04 14:00"),
        (10, "today at two", "2026-03-04 14:00"),
        (13, "12:30", "2026-03-05 12:30"),
        (14, "lunchtime", "2026-03-05 12:30"),
        (19, "before dinner", "2026-03-05 18:00"),
        (20, "end of the day", "2026-03-05 18:00"),
    ],
)
def test_what_is_left_open_depends_on_the_hour(hour: int, words: str, written: str) -> None:
    assert DATETIME.write(DATETIME.read(words, Limits(), NOW.replace(hour=hour))) == written


def test_a_time_that_summer_time_leaves_out_moves_forward(now: datetime) -> None:
    assert DATETIME.write(DATETIME.read("2026-03-29 02:30", Limits(), now)) == "2026-03-29 03:30"
    assert (
        DATETIME.write(DATETIME.read("half past two in the morning on march 29th", Limits(), now)) == "2026-03-29 03:30"
    )


def test_a_time_that_occurs_twice_is_the_first_unless_its_offset_is_given(now: datetime) -> None:
    first = DATETIME.read("2026-10-25 02:30", Limits(), now)
    second = DATETIME.read("2026-10-25 02:30+01:00", Limits(), now)
    assert (second.astimezone(UTC) - first.astimezone(UTC)) == timedelta(hours=1)
    assert not DATETIME.same(first, second)
    assert DATETIME.write(first) == "2026-10-25 02:30"
    assert DATETIME.write(second) == "2026-10-25 02:30+01:00"
    assert DATETIME.same(DATETIME.read(DATETIME.write(second), Limits(), now), second)


def test_minutes_from_now_are_counted_through_the_change_to_summer_time() -> None:
    before = datetime(2026, 3, 29, 1, 50, tzinfo=BERLIN)
    assert DATETIME.write(DATETIME.read("in twenty minutes", Limits(), before)) == "2026-03-29 03:10"
    assert DATETIME.write(DATETIME.read("in one day", Limits(), before)) == "2026-03-30 01:50"


@given(
    st.datetimes(datetime(2026, 3, 4, 11, 0, 1), datetime(2120, 1, 1)).map(
        lambda moment: moment.replace(tzinfo=UTC).astimezone(BERLIN)
    )
)
def test_what_is_written_reads_back(moment: datetime) -> None:
    again = DATETIME.read(DATETIME.write(moment), Limits(), NOW)
    assert again.astimezone(UTC) == moment.astimezone(UTC)
    assert DATETIME.same(again, moment)
