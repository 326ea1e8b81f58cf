"""Integer and number, from digits or words.

    >>> INTEGER.read("a hundred and five", Limits(), now), NUMBER.read("two and a half", Limits(), now)
    (105, 2.5)

"fifty percent" is 50: what the percentage is of, only the skill knows. NaN and infinity are refused.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from fractions import Fraction

from otto.call import Scalar
from otto.errors import ValueReadError, shorten
from otto.values.spoken import number_at, ordinal_at
from otto.values.type import Limits, ValueType
from otto.values.words import not_read, said, words

LARGEST = 1e15
"""Size of a number where the limits do not say otherwise: up to here a float counts every integer."""

_PLAIN = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_RATIO = re.compile(r"([+-]?\d{1,15})\s*/\s*(\d{1,15})", re.ASCII)


def read_integer(scalar: Scalar, limits: Limits, now: datetime) -> int:
    """A whole number within the limits, by default |n| ≤ 1e15."""
    value = _within(_value(scalar, "a whole number", "twenty three"), limits)
    if value.denominator != 1:
        raise ValueReadError(f"{shorten(str(scalar))} is not a whole number")
    return int(value)


def read_number(scalar: Scalar, limits: Limits, now: datetime) -> float:
    """A number within the limits, by default |n| ≤ 1e15."""
    return float(_within(_value(scalar, "a number", "two and a half"), limits))


def write_integer(integer: int) -> int:
    return integer


def write_number(number: float) -> int | float:
    """Whole numbers without a decimal point."""
    return int(number) if number.is_integer() else number


def _value(scalar: Scalar, what: str, sample: str) -> Fraction:
    if isinstance(scalar, (int, float)) and not isinstance(scalar, bool):
        if isinstance(scalar, float) and not math.isfinite(scalar):
            raise ValueReadError(f"{scalar} is not {what}")
        return Fraction(scalar)
    text = said(scalar, what)
    if _PLAIN.fullmatch(text):
        return Fraction(text)
    if ratio := _RATIO.fullmatch(text):
        if int(ratio[2]):
            return Fraction(int(ratio[1]), int(ratio[2]))
        raise not_read(text, what, sample)
    spoken = words(text)
    start = 1 if spoken and spoken[0] in ("the", "number", "exactly") else 0
    for found in (number_at(spoken, start), ordinal_at(spoken, start)):
        if found and spoken[found[1] :] in ((), ("percent",), ("%",), ("per", "cent")):
            return Fraction(found[0])
    raise not_read(text, what, sample)


def _within(value: Fraction, limits: Limits) -> Fraction:
    lowest = limits.minimum if limits.minimum is not None else -LARGEST
    highest = limits.maximum if limits.maximum is not None else LARGEST
    if value < lowest:
        raise ValueReadError(f"the smallest number allowed is {lowest:g}")
    if value > highest:
        raise ValueReadError(f"the largest number allowed is {highest:g}")
    return value


INTEGER = ValueType("integer", int, read_integer, write_integer, {"type": "integer"}, "twenty three")
NUMBER = ValueType(
    "number",
    float,
    read_number,
    write_number,
    {"type": "number"},
    "two and a half",
    lambda a, b: math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12),
)
