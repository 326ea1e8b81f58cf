"""Time of day.

    >>> TIME.read("half past six in the evening", Limits(), now)
    datetime.time(18, 30)

Read: "7 am", "seven thirty", "quarter to nine", "noon", "19:30", "oh six hundred", "0630", "half six" (6:30, as in
Britain). An hour that could be morning or evening ("seven") is taken as said (07:00); `datetime` picks one by the day.
Written: "07:30", with seconds only where there are any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

from otto.call import Scalar
from otto.values.daypart import DAY_PARTS
from otto.values.spoken import cardinal_at
from otto.values.type import Limits, ValueType
from otto.values.words import Cursor, not_read, said, words

_ISO = re.compile(r"T?([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.0+)?)?", re.ASCII | re.IGNORECASE)
_NAMED = {"noon": 12, "midday": 12, "noontime": 12, "midnight": 0}
_FIXED_MINUTES = {"quarter": 15, "half": 30}
_PAST = frozenset({"past", "after"})
_TO = frozenset({"to", "before", "till", "til", "of"})
_OH = frozenset({"oh", "o", "zero"})
FILLERS = ("at", "around", "about", "by", "exactly")
_WORDS = "noon midday noontime midnight quarter half oh o oclock clock am pm a p m past after to before"
_SMALL_WORDS = "till til of minutes minute mins min in the at during hundred hours hrs h : sharp exactly"
CLOCK_WORDS = frozenset(f"{_WORDS} {_SMALL_WORDS}".split()) | set(DAY_PARTS)
"""Words of times that are no numbers."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day as it was said."""

    time: time
    settled: bool
    """Whether the half of the day is known."""
    digital: bool = False
    """Settled only as on a 24-hour clock: "07:30", "12:15". What is said of the half of the day goes before that."""

    def within(self, part: str) -> Clock:
        """The same in a half of the day: "am", "pm" or "night". A settled time stays as it is."""
        hour = self.time.hour
        if self.settled and not (self.digital and 0 < hour <= 12):
            return self
        if part == "night":
            part = "am" if hour < 6 or hour == 12 else "pm"
        hour = hour % 12 + (12 if part == "pm" else 0)
        return Clock(self.time.replace(hour=hour), True)


def read(scalar: Scalar, limits: Limits, now: datetime) -> time:
    """A time of day to the second, without a zone."""
    text = said(scalar, "a time of day")
    if iso := _ISO.fullmatch(text):
        return time(int(iso[1]), int(iso[2]), int(iso[3] or 0))
    cursor = Cursor(words(text))
    cursor.take(*FILLERS)
    clock = clock_at(cursor)
    cursor.take("sharp", "exactly")
    if clock is None or not cursor.done:
        raise not_read(text, "a time of day", "half past six")
    return clock.time


def write(moment: time) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def clock_at(cursor: Cursor) -> Clock | None:
    """The time of day that stands at the cursor, and the cursor moved behind it; None if there is none."""
    start = cursor.at
    clock = None
    for form in (_relative, _named, _hour_first):
        cursor.at = start
        if clock := form(cursor):
            break
    else:
        cursor.at = start
        return None
    before = cursor.at
    part = day_part(cursor)
    if not part:
        return clock
    if clock.settled and clock.time.hour > 12 and part == "am":
        cursor.at = before
    return clock.within(part)


def day_part(cursor: Cursor) -> str:
    """ "am", "pm" or "night" for what stands at the cursor ("pm", "in the evening", "at night"), or an empty text."""
    if half := cursor.take("am", "pm"):
        return half
    before = cursor.at
    if cursor.phrase("in the", "at", "during the") and (part := cursor.take(*DAY_PARTS)):
        return DAY_PARTS[part].half
    cursor.at = before
    return ""


def _named(cursor: Cursor) -> Clock | None:
    """ "noon", "twelve noon", "midnight"."""
    before = cursor.at
    cursor.take("twelve", "12")
    if name := cursor.take(*_NAMED):
        return Clock(time(_NAMED[name]), True)
    cursor.at = before
    return None


def _relative(cursor: Cursor) -> Clock | None:
    """ "half past six", "quarter to nine", "ten minutes to noon", "half six"."""
    cursor.take("a")
    if name := cursor.take(*_FIXED_MINUTES):
        minutes = _FIXED_MINUTES[name]
    elif (found := cardinal_at(cursor.words, cursor.at)) and 0 < found[0] < 60:
        minutes, cursor.at = found
    else:
        return None
    marked = bool(cursor.take("minutes", "minute", "mins", "min"))
    after = cursor.peek() in _PAST
    if not after and cursor.peek() not in _TO:
        # "half six" is half past six.
        if minutes != 30 or name != "half" or marked or not (hour := _hour(cursor)):
            return None
        return Clock(hour.time.replace(minute=30), hour.settled)
    cursor.at += 1
    hour = _named(cursor) or _hour(cursor)
    if hour is None:
        return None
    total = hour.time.hour * 60 + (minutes if after else -minutes)
    if total < 0 and not hour.settled:
        total += 12 * 60
    if hour.time.hour == 1 and not hour.settled and not after:
        total += 12 * 60  # "quarter to one" is at a quarter to one o'clock, half past twelve and more
    total %= 24 * 60
    return Clock(time(total // 60, total % 60), hour.settled)


def _hour(cursor: Cursor) -> Clock | None:
    """A whole hour, with "o'clock" where it is said."""
    found = cardinal_at(cursor.words, cursor.at)
    if not found or found[0] > 24:
        return None
    zero = cursor.peek().startswith("0") or found[0] == 0
    cursor.at = found[1]
    cursor.phrase("oclock", "o clock")
    return Clock(time(found[0] % 24), zero or found[0] > 12)


def _hour_first(cursor: Cursor) -> Clock | None:
    """ "seven", "seven thirty", "19:30", "0630", "oh six hundred"."""
    first = cursor.peek()
    if first.isdecimal() and first.isascii() and len(first) == 4 and int(first) < 2400 and int(first) % 100 < 60:
        cursor.at += 1
        cursor.take("hours", "hrs")
        return _digital(int(first) // 100, int(first) % 100, zero=first[0] == "0")
    if re.fullmatch(r"\d{1,2}\.[0-5]\d", first) and float(first) < 24:
        cursor.at += 1
        hour, minute = map(int, first.split("."))
        return _digital(hour, minute, zero=first[0] == "0")
    zero = bool(cursor.take(*_OH))
    found = cardinal_at(cursor.words, cursor.at)
    if not found:
        return Clock(time(0), True) if zero and cursor.phrase("hundred hours", "hundred") else None
    value, cursor.at = found
    if value >= 100:  # "six hundred", "nineteen hundred hours"; recognisers hear "five thirty" as 530
        if value % 100 >= 60 or value >= 2400 or first.isdecimal():
            return None
        cursor.take("hours")
        return Clock(time(value // 100, value % 100), zero or not value % 100 or value >= 1300)
    zero = zero or first.startswith("0")
    settled = zero or value > 12 or value == 0
    if value > 24:
        return None
    if cursor.phrase("oclock", "o clock"):
        return Clock(time(value % 24), settled, zero)
    colon = cursor.peek() in (":", "h")
    minute, second = _minutes(cursor)
    if value == 24 and minute:
        return None
    if colon:
        return _digital(value % 24, minute, second, zero=zero)
    return Clock(time(value % 24, minute, second), settled, zero)


def _digital(hour: int, minute: int, second: int = 0, *, zero: bool) -> Clock:
    """A time in digits: settled from twelve on, and with a zero in front."""
    return Clock(time(hour, minute, second), zero or hour == 0 or hour >= 12, digital=True)


def _minutes(cursor: Cursor) -> tuple[int, int]:
    """What follows an hour: ":30", ":30:15", "thirty", "oh five", "h30"; zeros where nothing does."""
    before = cursor.at
    if cursor.take(":", "h"):
        if _two_digits(cursor):
            minute = int(cursor.take(cursor.peek()))
            if cursor.peek() == ":" and _two_digits(cursor, 1):
                cursor.at += 1
                return minute, int(cursor.take(cursor.peek()))
            return minute, 0
        if cursor.words[before] == "h":
            return 0, 0
        cursor.at = before
        return 0, 0
    if cursor.take("oh", "o", "zero"):
        if (found := cardinal_at(cursor.words, cursor.at)) and found[0] < 10:
            cursor.at = found[1]
            return found[0], 0
        cursor.at = before
        return 0, 0
    found = cardinal_at(cursor.words, cursor.at)
    if found and (10 <= found[0] < 60 or (_two_digits(cursor) and found[0] < 60)):
        cursor.at = found[1]
        return found[0], 0
    return 0, 0


def _two_digits(cursor: Cursor, ahead: int = 0) -> bool:
    word = cursor.peek(ahead)
    return len(word) == 2 and word.isdecimal() and word.isascii() and word < "60"


TIME = ValueType("time", time, read, write, {"type": "string", "format": "time"}, "half past six")
