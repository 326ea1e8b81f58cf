from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import ValueReadError
from otto.values import TYPES, Limits
from tests.conftest import NOW

DURATION = TYPES["duration"]

SAID = {
    "ten minutes": "10 minutes",
    "10 min": "10 minutes",
    "ten minute": "10 minutes",
    "10-minute": "10 minutes",
    "five mins": "5 minutes",
    "Twenty-five minutes.": "25 minutes",
    "for ten minutes": "10 minutes",
    "about ten minutes": "10 minutes",
    "1h30": "1 hour 30 minutes",
    "1 hr 5 min 3 sec": "1 hour 5 minutes 3 seconds",
    "2m30s": "2 minutes 30 seconds",
    "90 seconds": "1 minute 30 seconds",
    "a minute": "1 minute",
    "one minute": "1 minute",
    "an hour and a half": "1 hour 30 minutes",
    "hour and a half": "1 hour 30 minutes",
    "one and a half hours": "1 hour 30 minutes",
    "two and a half hours": "2 hours 30 minutes",
    "an hour and a quarter": "1 hour 15 minutes",
    "two hours and three quarters": "2 hours 45 minutes",
    "half an hour": "30 minutes",
    "half a minute": "30 seconds",
    "quarter of an hour": "15 minutes",
    "a quarter of an hour": "15 minutes",
    "three quarters of an hour": "45 minutes",
    "an hour and ten minutes": "1 hour 10 minutes",
    "two hours, ten minutes": "2 hours 10 minutes",
    "one hour, ten minutes and five seconds": "1 hour 10 minutes 5 seconds",
    "an hour ten": "1 hour 10 minutes",
    "two minutes thirty": "2 minutes 30 seconds",
    "a couple of minutes": "2 minutes",
    "1.5 hours": "1 hour 30 minutes",
    "one point five hours": "1 hour 30 minutes",
    "a hundred and five seconds": "1 minute 45 seconds",
    "1:30": "1 minute 30 seconds",
    "1:00:00": "1 hour",
    "PT10M": "10 minutes",
    "PT1H30M": "1 hour 30 minutes",
    "P1D": "24 hours",
    "a day": "24 hours",
    "half a day": "12 hours",
    "1.5 seconds": "1.5 seconds",
    "quarter hour": "15 minutes",
    "a quarter hour": "15 minutes",
    "three quarter hour": "45 minutes",
    "half hour": "30 minutes",
    "to minutes": "2 minutes",
    "too minutes": "2 minutes",
    "for minutes": "4 minutes",
    "for for minutes": "4 minutes",
    "for to minutes": "2 minutes",
    "for hour and a half": "1 hour 30 minutes",
    "won hour": "1 hour",
    "won hour and a half": "1 hour 30 minutes",
    "ate minutes": "8 minutes",
    "to hours and ten minutes": "2 hours 10 minutes",
}

REFUSED = [
    "five to ten minutes", "5-10 minutes", "five or ten minutes", "ten", "10", "minutes", "a few minutes",
    "ten bananas",
    "ten minutes two hours", "ten minutes ten minutes", "two months", "a year", "P1M", "PT", "P", "", "   ",
    "until noon",
    "ten minutes please and thanks", "tend minutes", "to", "for", "to day", "for week", "to m", "ten to minutes",
    "an hour and to minutes", "quarter minutes", "quarter", "minutes and a half",
]  # fmt: skip


@pytest.mark.parametrize(("words", "written"), SAID.items())
def test_reads_durations_as_people_say_them(words: str, written: str, now: datetime) -> None:
    assert DURATION.write(DURATION.read(words, Limits(), now)) == written


@pytest.mark.parametrize("words", REFUSED)
def test_refuses_what_is_no_duration(words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        DURATION.read(words, Limits(), now)


OVER_THE_LIMIT = [
    "0 seconds", "zero minutes", "half a second", "0.999 seconds", "-5 minutes", "minus five minutes", "-1 hour",
    "PT0S",
    "86401 seconds", "1441 minutes", "25 hours", "24 hours 1 second", "two days", "a week", "P2D", "PT24H1S",
    "24:00:01",
    "nan minutes", "inf hours", "infinity seconds", "999999999999999999999 days", "1e9 hours", "9" * 300 + " weeks",
]  # fmt: skip


@pytest.mark.parametrize("words", OVER_THE_LIMIT)
def test_limits_of_durations_hold(words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        DURATION.read(words, Limits(), now)


@pytest.mark.parametrize("scalar", [float("nan"), float("inf"), -float("inf"), True, False, 10, -10, 0, 1e308, 0.5])
def test_a_bare_number_is_no_duration(scalar: float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        DURATION.read(scalar, Limits(), now)


@pytest.mark.parametrize("words", ["1 second", "24 hours", "1440 minutes", "86400 seconds", "PT86400S", "one day"])
def test_durations_at_the_limit_are_allowed(words: str, now: datetime) -> None:
    assert timedelta(seconds=1) <= DURATION.read(words, Limits(), now) <= timedelta(hours=24)


def test_limits_of_a_parameter_go_before_the_usual_ones(now: datetime) -> None:
    limits = Limits(minimum=60, maximum=7 * 86_400)
    assert DURATION.read("a week", limits, now) == timedelta(weeks=1)
    with pytest.raises(ValueReadError, match="shortest duration allowed is 1 minute"):
        DURATION.read("59 seconds", limits, now)
    with pytest.raises(ValueReadError, match="longest duration allowed is 7 days"):
        DURATION.read("eight days", limits, now)


def test_the_message_says_what_to_say_instead(now: datetime) -> None:
    with pytest.raises(ValueReadError, match="'soon' is not a duration; say for example 'ten minutes'"):
        DURATION.read("soon", Limits(), now)


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(hours=24)))
def test_what_is_written_reads_back(duration: timedelta) -> None:
    assert DURATION.read(DURATION.write(duration), Limits(), NOW) == duration


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=900)))
def test_long_durations_read_back_where_they_are_allowed(duration: timedelta) -> None:
    assert DURATION.read(DURATION.write(duration), Limits(maximum=1e9), NOW) == duration
