"""A written sentence as the words that are spoken: what a recogniser's language model is made of.

>>> spoken("Set a timer for 10 minutes, please!")
('set', 'a', 'timer', 'for', 'ten', 'minutes', 'please')

Only lower-case letters and apostrophes are left. Marks without a sound of their own fall away.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_TO_NINETEEN, _TENS = _NUMBER_WORDS.split()[:20], _NUMBER_WORDS.split()[20:]
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ENDINGS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
            "twelve": "twelfth"}  # fmt: skip
_SIGNS = {"%": " percent ", "&": " and ", "+": " plus ", "=": " equals ", "×": " times ", "*": " times ", "÷":
          " divided by ", "°": " degrees ", "€": " euros ", "$": " dollars ", "£": " pounds ", "½": " and a half ",
          "¼": " and a quarter ", "¾": " and three quarters ", "@": " at "}  # fmt: skip
_ABBREVIATIONS = {"min": "minutes", "mins": "minutes", "sec": "seconds", "secs": "seconds", "hr": "hour", "hrs":
                  "hours", "pls": "please", "vs": "versus", "st.": "saint"}  # fmt: skip
_TOKEN = re.compile(
    r"(?P<clock>\d{1,2}:\d{2})(?!\d)|(?P<ordinal>\d{1,4})(?:st|nd|rd|th)\b|(?P<number>\d{1,3}(?:,\d{3})+|\d+)"
    r"(?:\.(?P<decimals>\d+))?|(?P<half>[ap])\.?m\b\.?|(?P<word>[a-z]+(?:'[a-z]+)*'?)|(?P<sign>[^\s\w])"
)
_YEARS = range(1100, 2100)
_LONGEST_NUMBER = 12


@lru_cache(maxsize=8192)
def spoken(text: str) -> tuple[str, ...]:
    """The words of `text` in order; empty for a text without any."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_SPELT))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words: list[str] = []
    for found in _TOKEN.finditer(plain):
        words += _said(found, words[-1] if words else "")
    return tuple(words)


_SPELT = str.maketrans({**_SIGNS, "’": "'", "‘": "'", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l"})


def _said(found: re.Match[str], before: str) -> list[str]:
    if clock := found["clock"]:
        hour, minute = (int(part) for part in clock.split(":"))
        return [*cardinal(hour), *_minutes(minute)]
    if ordinal := found["ordinal"]:
        return _ordinal(int(ordinal))
    if number := found["number"]:
        decimals = [_TO_NINETEEN[int(digit)] for digit in found["decimals"] or ""]
        return [*_number(number.replace(",", "")), *(["point", *decimals] if decimals else [])]
    if half := found["half"]:
        return [half, "m"]
    if word := found["word"]:
        return [_ABBREVIATIONS.get(word, word.rstrip("'"))]
    return ["minus"] if found["sign"] == "-" and before in _TO_NINETEEN else []


def _number(digits: str) -> list[str]:
    if len(digits) > _LONGEST_NUMBER or (len(digits) > 1 and digits[0] == "0"):
        return [_TO_NINETEEN[int(digit)] for digit in digits]
    value = int(digits)
    if value in _YEARS and value % 1000 > 9:
        return [*cardinal(value // 100), *(_minutes(value % 100) or ["hundred"])]
    return cardinal(value)


def _minutes(value: int) -> list[str]:
    """As in "seven oh five"; nothing for the full hour."""
    return [] if value == 0 else ["oh", *cardinal(value)] if value < 10 else cardinal(value)


def cardinal(value: int) -> list[str]:
    """The words of a whole number from 0 to below 10**12."""
    if value < 20:
        return [_TO_NINETEEN[value]]
    if value < 100:
        return [_TENS[value // 10 - 2], *([_TO_NINETEEN[value % 10]] if value % 10 else [])]
    size, scale = next(pair for pair in _SCALES if pair[0] <= value)
    rest = cardinal(value % size) if value % size else []
    link = ["and"] if rest and value % size < 100 else []
    return [*cardinal(value // size), scale, *link, *rest]


def _ordinal(value: int) -> list[str]:
    *head, last = cardinal(value)
    ending = _ENDINGS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return [*head, ending]
