"""Duration: how long.

    >>> DURATION.read("an hour and a half", Limits(), now)
    datetime.timedelta(seconds=5400)

Read: "ten minutes", "10 min", "1h30", "half an hour", "two and a half hours", "three quarters of an hour", "PT10M", and
"to minutes" or "for minutes", as recognisers write two and four before a unit.
Two numbers with a colon are minutes and seconds, as on a kitchen timer ("1:30" is 90 seconds); three are hours,
minutes, seconds. A range ("five to ten minutes") is refused, and so are months and years, whose length is not fixed.
Written: "10 minutes", "1 hour 30 minutes", "45 seconds".
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from fractions import Fraction

from otto.call import Scalar
from otto.errors import ValueReadError
from otto.values.spoken import HOMOPHONES, unsigned_at
from otto.values.type import Limits, ValueType
from otto.values.words import Cursor, not_read, said, words

SHORTEST = 1.0
LONGEST = 86_400.0
"""Seconds, where the limits do not say otherwise."""

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_SHORT = {
    "second": ("seconds", "sec", "secs", "s"),
    "minute": ("minutes", "min", "mins", "m"),
    "hour": ("hours", "hr", "hrs", "h"),
    "day": ("days", "d"),
    "week": ("weeks", "w", "wk", "wks"),
}
UNITS = {name: seconds for unit, seconds in _SECONDS.items() for name in (unit, *_SHORT[unit])} | {
    "fortnight": 1_209_600,
    "fortnights": 1_209_600,
}
"""Seconds of a unit, by each of its names."""
_SOUNDED = "second seconds secs minute minutes mins min hour hours hrs days weeks"  # not "to day", "for week"
SOUNDED_UNITS = frozenset(_SOUNDED.split())
"""Units before which "to" and "for" can be numbers."""
FILLERS = ("for", "about", "around", "exactly")
_SMALLER = {604_800: 86_400, 86_400: 3600, 3600: 60, 60: 1}
_ISO = re.compile(
    r"P(?:(?P<week>\d+(?:\.\d+)?)W)?(?:(?P<day>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hour>\d+(?:\.\d+)?)H)?(?:(?P<minute>\d+(?:\.\d+)?)M)?(?:(?P<second>\d+(?:\.\d+)?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):([0-5]\d)", re.ASCII)


def read(scalar: Scalar, limits: Limits, now: datetime) -> timedelta:
    """From 1 second to 24 hours, unless the limits (in seconds) say otherwise."""
    text = said(scalar, "a duration")
    seconds = _written(text)
    if seconds is None:
        spoken = words(text)
        cursor = Cursor(spoken)
        cursor.take(*FILLERS)
        seconds = seconds_at(cursor)
        if seconds is None:
            cursor.at = 0  # "for minutes": what looked like a filler is the number
            seconds = seconds_at(cursor)
        cursor.take("long")
        if seconds is None or not cursor.done:
            raise not_read(text, "a duration", "ten minutes")
    shortest = limits.minimum if limits.minimum is not None else SHORTEST
    longest = min(limits.maximum if limits.maximum is not None else LONGEST, 1e13)
    if seconds < max(shortest, 0):
        raise ValueReadError(f"the shortest duration allowed is {_spelt(shortest)}")
    if seconds > longest:
        raise ValueReadError(f"the longest duration allowed is {_spelt(longest)}")
    return timedelta(microseconds=round(seconds * 1_000_000))


def write(duration: timedelta) -> str:
    micros = duration // timedelta(microseconds=1)
    parts = []
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        # A whole day is said in hours: "24 hours" is the usual upper limit.
        if unit == "day" and duration <= timedelta(days=1):
            continue
        count, micros = divmod(micros, length * 1_000_000)
        if count:
            parts.append(_counted(count, unit))
    if micros or not parts:
        seconds = f"{micros // 1_000_000}.{micros % 1_000_000:06}".rstrip("0").rstrip(".")
        parts.append(f"{seconds} second" + ("" if seconds == "1" else "s"))
    return " ".join(parts)


def seconds_at(cursor: Cursor) -> Fraction | None:
    """The duration that stands at the cursor, in seconds, and the cursor moved behind it; None if there is none."""
    start = cursor.at
    total = Fraction(0)
    previous = 0
    while True:
        before = cursor.at
        if previous:
            cursor.take("and", "-")
        part = _part_at(cursor, previous)
        # Each part is smaller than the one before: "two hours ten minutes" is a duration, "ten minutes two hours" not.
        if part is None or (previous and part[1] >= previous):
            cursor.at = before
            break
        total, previous = total + part[0], part[1]
    if not previous:
        cursor.at = start
        return None
    return total


def _part_at(cursor: Cursor, previous: int) -> tuple[Fraction, int] | None:
    """One number with its unit, and the unit's seconds. `previous`: the unit before, 0 at the start."""
    at = cursor.at
    part = _counted_part(cursor, previous) if unsigned_at(cursor.words, at) else _uncounted_part(cursor, previous)
    if part is None:
        cursor.at = at
    return part


def _counted_part(cursor: Cursor, previous: int) -> tuple[Fraction, int] | None:
    """ "ten minutes", "three quarters of an hour", "three quarter hour", and 30 in "1h30"."""
    found = unsigned_at(cursor.words, cursor.at)
    assert found is not None
    count, cursor.at = found
    cursor.take("full", "whole", "more")
    if unit := UNITS.get(cursor.peek()):
        cursor.at += 1
        return _with_half(cursor, count * unit, unit)
    if of := _of_a_unit(cursor):
        return count * of, of
    if cursor.take("quarter") and (of := _bare_unit(cursor)):
        return count * of / 4, of
    # "1h30", "two minutes thirty": a number without a unit counts the next smaller one.
    if previous in _SMALLER and previous <= 3600 and count.denominator == 1 and count < 60 and cursor.done:
        return count * _SMALLER[previous], _SMALLER[previous]
    return None


def _uncounted_part(cursor: Cursor, previous: int) -> tuple[Fraction, int] | None:
    """ "an hour", "a quarter of an hour", "quarter hour", "hour and a half", "to minutes"."""
    if cursor.take("a", "an"):
        cursor.take("full", "whole", "single", "good")
        if unit := UNITS.get(cursor.peek()) if len(cursor.peek()) > 2 else None:
            cursor.at += 1
            return _with_half(cursor, Fraction(unit), unit)
        of = _of_a_unit(cursor) if cursor.take("quarter") else 0
        return (Fraction(of, 4), of) if of else None
    if previous:
        return None
    if cursor.take("quarter"):
        of = _of_a_unit(cursor) or _bare_unit(cursor)
        return (Fraction(of, 4), of) if of else None
    if (sound := HOMOPHONES.get(cursor.peek())) and cursor.peek(1) in SOUNDED_UNITS:
        unit = UNITS[cursor.peek(1)]
        cursor.at += 2
        return _with_half(cursor, Fraction(sound * unit), unit)
    if cursor.peek(1) == "and" and (unit := _SECONDS.get(cursor.peek())):
        cursor.at += 1
        whole = _with_half(cursor, Fraction(unit), unit)
        return whole if whole[0] != unit else None
    return None


def _with_half(cursor: Cursor, seconds: Fraction, unit: int) -> tuple[Fraction, int]:
    """ "and a half" behind a unit, unless another unit follows that it belongs to."""
    if cursor.peek() == "and" and (found := unsigned_at(cursor.words, cursor.at + 1)) and found[0] < 1:
        after = Cursor(cursor.words, found[1])
        if after.peek() not in UNITS and not _of_a_unit(after):
            cursor.at = found[1]
            return seconds + found[0] * unit, unit
    return seconds, unit


def _of_a_unit(cursor: Cursor) -> int:
    """ "of an hour", "an hour" after a fraction: the unit's seconds, or 0."""
    start = cursor.at
    cursor.take("of")
    if cursor.take("a", "an", "one") and (unit := UNITS.get(cursor.peek())):
        cursor.at += 1
        return unit
    cursor.at = start
    return 0


def _bare_unit(cursor: Cursor) -> int:
    """A unit in the singular, as in "quarter hour": its seconds, or 0."""
    return _SECONDS.get(cursor.take(*_SECONDS), 0)


def _written(text: str) -> Fraction | None:
    """ISO 8601 and colons."""
    if (iso := _ISO.fullmatch(text)) and any(iso.groups()):
        return sum(
            (Fraction(count[:40]) * _SECONDS[unit] for unit, count in iso.groupdict().items() if count), Fraction(0)
        )
    if clock := _CLOCK.fullmatch(text):
        return Fraction(int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3]))
    return None


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _spelt(seconds: float) -> str:
    return write(timedelta(seconds=seconds))


DURATION = ValueType("duration", timedelta, read, write, {"type": "string", "format": "duration"}, "ten minutes")
