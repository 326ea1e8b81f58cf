from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.values.spoken import cardinal_at, number_at, ordinal_at
from otto.values.words import words

TO_TWELVE = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
ONES = [*TO_TWELVE, *(f"{stem}teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine"))]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelt(number: int) -> str:
    """A number in English words, the other way round than the code under test."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ONES[number // 100]} hundred" + (f" and {spelt(number % 100)}" if number % 100 else "")
    for scale, name in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if number >= scale:
            return f"{spelt(number // scale)} {name}" + (f" {spelt(number % scale)}" if number % scale else "")
    raise AssertionError


@given(st.integers(0, 10**15 - 1))
def test_every_number_that_can_be_spelt_is_read(number: int) -> None:
    spoken = words(spelt(number))
    assert number_at(spoken) == (Fraction(number), len(spoken))


@pytest.mark.parametrize(
    ("text", "value", "rest"),
    [
        ("two minutes", 2, ("minutes",)),
        ("two and a half hours", Fraction(5, 2), ("hours",)),
        ("seven thirty", 7, ("thirty",)),
        ("twenty twenty seven", 20, ("twenty", "seven")),
        ("five and six", 5, ("and", "six")),
        ("a hundred and five of them", 105, ("of", "them")),
        ("nine nine nine", 9, ("nine", "nine")),
        ("twenty and more", 20, ("and", "more")),
        ("two point and", 2, ("point", "and")),
        ("half past six", Fraction(1, 2), ("past", "six")),
    ],
)
def test_a_number_ends_where_another_word_begins(text: str, value: Fraction, rest: tuple[str, ...]) -> None:
    spoken = words(text)
    found = number_at(spoken)
    assert found is not None
    assert found[0] == value
    assert spoken[found[1] :] == rest


@pytest.mark.parametrize(
    "text", ["", "a", "and", "an apple", "minus", "point five", "third", "hours", "a third"[:1], "x1"]
)
def test_other_words_are_no_numbers(text: str) -> None:
    assert number_at(words(text)) is None
    assert cardinal_at(words(text)) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("third", 3), ("twenty first", 21), ("31st", 31), ("twelfth", 12), ("fortieth", 40), ("22nd", 22)],
)
def test_ordinals(text: str, value: int) -> None:
    assert ordinal_at(words(text)) == (value, len(words(text)))


def test_words_are_levelled() -> None:
    assert words("Twenty-three, at 7:30 p.m.!") == ("twenty", "three", "at", "7", ":", "30", "pm")
    assert words("It's 5 o’clock") == ("its", "5", "oclock")
    assert words("1h30 2½ 1,000.5 .5 -3") == ("1", "h", "30", "2", "and", "a", "half", "1,000.5", ".5", "-", "3")
