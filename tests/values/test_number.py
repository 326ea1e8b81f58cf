from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import ValueReadError
from otto.values import TYPES, Limits
from tests.conftest import NOW

INTEGER, NUMBER = TYPES["integer"], TYPES["number"]

WHOLE = {
    "23": 23,
    "-3": -3,
    "+7": 7,
    "5.0": 5,
    "1e3": 1000,
    "12,500": 12500,
    "1,000,000": 1000000,
    "zero": 0,
    "twenty three": 23,
    "Twenty-three.": 23,
    "a hundred": 100,
    "a hundred and five": 105,
    "one hundred and five": 105,
    "two hundred thousand": 200000,
    "thirty five hundred": 3500,
    "two million three hundred thousand": 2300000,
    "3.5 million": 3500000,
    "5 hundred": 500,
    "one trillion two hundred": 1_000_000_000_200,
    "minus four": -4,
    "negative twelve": -12,
    "a dozen": 12,
    "two dozen": 24,
    "half a dozen": 6,
    "half a million": 500000,
    "a couple": 2,
    "fifty percent": 50,
    "50%": 50,
    "50 per cent": 50,
    "the third": 3,
    "first": 1,
    "21st": 21,
    "twenty first": 21,
    "number five": 5,
}

BROKEN = {
    "2.5": 2.5,
    ".5": 0.5,
    "1e-3": 0.001,
    "3/4": 0.75,
    "half": 0.5,
    "a half": 0.5,
    "two and a half": 2.5,
    "one and three quarters": 1.75,
    "one and a quarter": 1.25,
    "three quarters": 0.75,
    "two thirds": 2 / 3,
    "a third": 1 / 3,
    "three tenths": 0.3,
    "three point one four": 3.14,
    "three point fourteen": 3.14,
    "minus two point five": -2.5,
    "zero point oh five": 0.05,
    "nought point five": 0.5,
    "2½": 2.5,
    "½": 0.5,
    "¾": 0.75,
    "two point five million": 2500000,
    "one hundred and one point one": 101.1,
    "seven": 7,
    "minus a half": -0.5,
    "twelve and a half percent": 12.5,
    "ten": 10,
}

NO_NUMBER = [
    "",
    "   ",
    "some",
    "one two three",
    "five apples",
    "two point",
    "and",
    "a",
    "--5",
    "5-",
    "1/0",
    "half half",
    "x",
]

AT_AND_OVER = [
    "nan", "NaN", "inf", "-inf", "infinity", "1e400", "-1e400", "1e16", "-1e16", "1000000000000001",
    "-1000000000000001",
    "two thousand trillion", "minus two thousand trillion", "9" * 41, "9" * 400, "1e999", "nan percent", float("nan"),
    float("inf"), float("-inf"), 1e16, -1e16, 10**15 + 1, 10**400, True, False,
]  # fmt: skip


@pytest.mark.parametrize(("words", "value"), WHOLE.items())
def test_reads_whole_numbers_as_people_say_them(words: str, value: int, now: datetime) -> None:
    read = INTEGER.read(words, Limits(), now)
    assert read == value
    assert type(read) is int


@pytest.mark.parametrize(("words", "value"), [*WHOLE.items(), *BROKEN.items()])
def test_reads_numbers_as_people_say_them(words: str, value: float, now: datetime) -> None:
    read = NUMBER.read(words, Limits(), now)
    assert read == pytest.approx(value, rel=1e-12)
    assert type(read) is float


@pytest.mark.parametrize("words", NO_NUMBER)
@pytest.mark.parametrize("kind", [INTEGER, NUMBER], ids=lambda kind: kind.name)
def test_refuses_what_is_no_number(kind: object, words: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        kind.read(words, Limits(), now)  # type: ignore[attr-defined]


@pytest.mark.parametrize("scalar", AT_AND_OVER, ids=lambda scalar: str(scalar)[:20])
@pytest.mark.parametrize("kind", [INTEGER, NUMBER], ids=lambda kind: kind.name)
def test_limits_of_numbers_hold(kind: object, scalar: float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        kind.read(scalar, Limits(), now)  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", ["2.5", "two and a half", "a third", "0.1", 2.5])
def test_a_broken_number_is_no_integer(words: str | float, now: datetime) -> None:
    with pytest.raises(ValueReadError, match="not a whole number"):
        INTEGER.read(words, Limits(), now)


@pytest.mark.parametrize("outside", [-1, 101, "minus one", "a hundred and one", -1e-9 - 1, 1e9])
def test_the_range_of_a_parameter_holds(outside: str | float, now: datetime) -> None:
    limits = Limits(minimum=0, maximum=100)
    with pytest.raises(ValueReadError, match="number allowed is|whole"):
        INTEGER.read(outside, limits, now)
    assert INTEGER.read(0, limits, now) == 0
    assert INTEGER.read("one hundred", limits, now) == 100


def test_a_range_may_go_beyond_the_usual_one(now: datetime) -> None:
    assert INTEGER.read(str(10**20), Limits(maximum=1e30), now) == 10**20


@given(st.integers(-(10**15), 10**15))
def test_integers_that_are_written_read_back(integer: int) -> None:
    assert INTEGER.read(INTEGER.write(integer), Limits(), NOW) == integer
    assert INTEGER.read(str(integer), Limits(), NOW) == integer


@given(st.floats(-1e15, 1e15))
def test_numbers_that_are_written_read_back(number: float) -> None:
    assert NUMBER.read(NUMBER.write(number), Limits(), NOW) == number


def test_whole_numbers_are_written_without_a_point(now: datetime) -> None:
    assert repr(NUMBER.write(NUMBER.read("three", Limits(), now))) == "3"
