"""Spoken numbers: "twenty three", "a hundred and five", "two and a half", "three quarters", "minus four", "a dozen".

    >>> number_at(words("two and a half hours"))
    (Fraction(5, 2), 4)

Plain cardinals are read by text2num; this adds what it leaves out: articles, signs, decimals, fractions, dozens,
digits with a scale ("3.5 million"), trillions and ordinals.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_UNITS = "one two three four five six seven eight nine"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_CARDINALS = frozenset(f"zero {_UNITS} {_TEENS} {_TENS} hundred thousand million billion".split())
_JOINED = _CARDINALS | {"and"}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_SINGULAR = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_PLURAL = {"halves": 2, **{f"{name}s": parts for name, parts in _SINGULAR.items()}}
_DIGITS = {"oh": "0", "o": "0", "nought": "0", "zero": "0"} | {
    word: str(value) for value, word in enumerate(_UNITS.split(), 1)
}
_SIGNS = frozenset({"minus", "negative", "-"})
_TO_NINTH = "first second third fourth fifth sixth seventh eighth ninth"
_TO_NINETEENTH = "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
_UNIT_ORDINALS = {word: value for value, word in enumerate(_TO_NINTH.split(), 1)}
_ORDINALS = {
    **_UNIT_ORDINALS,
    **{word: value for value, word in enumerate(_TO_NINETEENTH.split(), 10)},
    **{f"{ten[:-1]}ieth": value * 10 for value, ten in enumerate(_TENS.split(), 2)},
    "hundredth": 100,
    "twelveth": 12,  # as recognisers write it
}
_TENS_VALUES = {ten: value * 10 for value, ten in enumerate(_TENS.split(), 2)}
_BELOW_TWENTY = frozenset(f"zero {_UNITS} {_TEENS}".split())
_BELOW_HUNDRED = _BELOW_TWENTY | set(_TENS_VALUES)
_SUFFIXES = frozenset({"st", "nd", "rd", "th"})
NUMBER_WORDS = (
    _CARDINALS | set(SCALES) | set(_ORDINALS) | set(_SINGULAR) | set(_PLURAL) | _SIGNS | {"nil", "nought", "couple"}
)
"""Every word that a number can begin or end with, articles aside."""

HOMOPHONES = {"won": 1, "to": 2, "too": 2, "for": 4, "fore": 4, "sicks": 6, "ate": 8}
"""What recognisers write for a number that stands alone; only readers that expect a number there look here."""

MAX_DIGITS = 320
"""Digits of a number that is read at all."""

Read = tuple[Fraction, int]
"""A number and the index of the word after it."""


def number_at(words: tuple[str, ...], at: int = 0) -> Read | None:
    """The longest number that starts at word `at`, exactly."""
    if at < len(words) and words[at] in _SIGNS:
        found = unsigned_at(words, at + 1)
        return (-found[0], found[1]) if found else None
    return unsigned_at(words, at)


def unsigned_at(words: tuple[str, ...], at: int = 0) -> Read | None:
    """`number_at` without a sign."""
    if at >= len(words):
        return None
    found = _whole_at(words, at)
    if not found:
        return _fraction_at(words, at)
    value, end = found
    if end < len(words) and value.denominator == 1:
        if parts := (_SINGULAR if value == 1 else _PLURAL).get(words[end]):
            return value / parts, end + 1
        if words[end] == "and" and (fraction := _fraction_at(words, end + 1)):
            return value + fraction[0], fraction[1]
    return found


def cardinal_at(words: tuple[str, ...], at: int = 0) -> tuple[int, int] | None:
    """The longest whole number without sign, fraction or decimals that starts at word `at`."""
    word = words[at] if at < len(words) else ""
    if word.isdecimal() and word.isascii() and len(word) <= MAX_DIGITS:
        return int(word), at + 1
    return _words_at(words, at)


def ordinal_at(words: tuple[str, ...], at: int = 0) -> tuple[int, int] | None:
    """ "3rd", "third", "twenty first": the number and the index of the word after it."""
    word = words[at] if at < len(words) else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    if word.isdecimal() and word.isascii() and len(word) <= MAX_DIGITS and after in _SUFFIXES:
        return int(word), at + 2
    if word in _TENS_VALUES and after in _UNIT_ORDINALS:
        return _TENS_VALUES[word] + _UNIT_ORDINALS[after], at + 2
    return (_ORDINALS[word], at + 1) if word in _ORDINALS else None


def _whole_at(words: tuple[str, ...], at: int) -> Read | None:
    word = words[at]
    after = words[at + 1] if at + 1 < len(words) else ""
    if word in ("a", "an") and after not in SCALES:
        return (Fraction(2), at + 2 + (words[at + 2 : at + 3] == ("of",))) if after == "couple" else None
    if word == "half" and after in ("a", "an") and words[at + 2 : at + 3] and words[at + 2] in SCALES:
        return Fraction(SCALES[words[at + 2]], 2), at + 3
    if word == "couple":
        return Fraction(2), at + 1 + (after == "of")
    if word[0].isdecimal() or (word[0] == "." and len(word) > 1):
        if len(word) > MAX_DIGITS or not word.isascii():
            return None
        value, end = Fraction(word.replace(",", "")), at + 1
    elif found := _words_at(words, at):
        value, end = Fraction(found[0]), found[1]
    elif word in ("nil", "nought"):
        value, end = Fraction(0), at + 1
    else:
        return None
    value, end = _decimals_at(words, end, value)
    return _scaled(words, end, value)


def _words_at(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    """The longest cardinal in words, as text2num reads it; "a hundred" counts as "one hundred"."""
    if at >= len(words):
        return None
    article = words[at] in ("a", "an") and at + 1 < len(words) and words[at + 1] in SCALES
    if article and words[at + 1] == "dozen":
        return 12, at + 2
    if article and words[at + 1] == "trillion":
        return 10**12, at + 2
    if not article and words[at] not in _CARDINALS:
        return None
    end = at + 1
    while end < len(words) and end - at < 24 and words[end] in _JOINED and not _apart(words[end - 1], words[end]):
        end += 1
    while end > at and words[end - 1] == "and":
        end -= 1
    run = ("one", *words[at + 1 : end]) if article else words[at:end]
    value, length = _longest(run)
    return (value, at + length) if length else None


@lru_cache(maxsize=4096)
def _longest(run: tuple[str, ...]) -> tuple[int, int]:
    """The longest number at the beginning of these number words, and how many of them it takes (0: none)."""
    from text_to_num import text2num

    for length in range(len(run), 0, -1):
        if run[length - 1] != "and":
            try:
                return int(text2num(" ".join(run[:length]), "en")), length
            except ValueError:
                continue
    return 0, 0


def _apart(one: str, other: str) -> bool:
    """Whether two words must belong to two numbers: "nine nine", "twenty thirty"; spares text2num the trial."""
    return other in _BELOW_HUNDRED and (one in _BELOW_TWENTY or (one in _TENS_VALUES and other not in _DIGITS))


def _decimals_at(words: tuple[str, ...], at: int, value: Fraction) -> Read:
    """ "point one four" after a whole number."""
    if at >= len(words) or words[at] != "point" or value.denominator != 1:
        return value, at
    digits, end = "", at + 1
    while end < len(words) and len(digits) < MAX_DIGITS:
        if words[end] in _DIGITS:
            digits, end = digits + _DIGITS[words[end]], end + 1
        elif words[end].isdecimal() and words[end].isascii():
            digits, end = digits + words[end], end + 1
        elif words[end] in _BELOW_HUNDRED and (found := _words_at(words, end)):
            digits, end = digits + str(found[0]), found[1]
        else:
            break
    return (value + Fraction(int(digits), 10 ** len(digits)), end) if digits else (value, at)


def _scaled(words: tuple[str, ...], at: int, value: Fraction) -> Read:
    """ "million" after "3.5", and what follows trillions, which text2num does not count."""
    while at < len(words) and words[at] in SCALES and value.denominator < 10**9 and value < 10**15:
        scale = SCALES[words[at]]
        value, at = value * scale, at + 1
        rest = _words_at(words, at + (words[at : at + 1] == ("and",))) if scale == 10**12 else None
        if rest and rest[0] < scale:
            value, at = value + rest[0], rest[1]
    return value, at


def _fraction_at(words: tuple[str, ...], at: int) -> Read | None:
    """ "half", "a quarter", "three quarters", "one third"."""
    word = words[at] if at < len(words) else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    if word == "half":
        return Fraction(1, 2), at + 1
    if word in ("a", "an", "one", "1") and after in _SINGULAR:
        return Fraction(1, _SINGULAR[after]), at + 2
    if after in _PLURAL and (found := cardinal_at(words, at)) and found[1] == at + 1:
        return Fraction(found[0], _PLURAL[after]), at + 2
    return None
