"""Moment: a day and a time in the user's zone.

    >>> DATETIME.read("tomorrow at half past six", Limits(), now)
    datetime.datetime(2026, 3, 5, 6, 30, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))

What a speaker leaves open is filled in so that the moment lies ahead:

- a time without a day is its next occurrence; "seven" is the next seven o'clock, in the morning or the evening, but
  "12:30" in digits is after noon;
- with a day, an hour that could be either is taken in waking hours, unless the sentence says morning, evening or the
  like: "tomorrow at two" is 14:00, "half past five" 17:30, but "six" and "seven" are 06:00 and 07:00, and "twelve" is
  noon; today it is the next one that is still ahead;
- a day without a time is 09:00; morning is 09:00, afternoon 15:00, evening 19:00, tonight 20:00; when that is over, the
  next full hour of the same day; "first thing" is 08:00, before lunch 11:30, lunchtime 12:30, after lunch 13:30, the
  end of the day and before dinner 18:00, dinnertime 19:00, after dinner 20:00;
- "midnight tonight", "twelve tonight" and "tonight at one" fall on the following day;
- a day and time that are over are refused.

A local time that the change to summer time leaves out is moved forward by the hour that is missing (02:30 becomes
03:30); one that occurs twice in autumn is the first. Written: "2026-03-05 06:30", with seconds where there are any, and
with the offset from UTC only for the second of two equal local times.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from otto.call import Scalar
from otto.errors import ValueReadError
from otto.values.date import day_at
from otto.values.daypart import DAY_PART_WORDS, DAY_PARTS, TONIGHT, DayPart, daypart_at
from otto.values.duration import seconds_at
from otto.values.longtail import parsed
from otto.values.monthday import add_months
from otto.values.spoken import unsigned_at
from otto.values.time import Clock, clock_at
from otto.values.type import Limits, ValueType
from otto.values.words import Cursor, not_read, said, words

GRACE = timedelta(seconds=60)
"""How long a moment may be over: a call is read again while it is carried out."""
FURTHEST = timedelta(days=36_525)
"""A hundred years ahead at most."""

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s?(Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE
)
_DAY_TIME = time(9)
_SMALL_HOURS = range(1, 6)
"""Hours of the morning that are meant only when the sentence says so."""
FILLERS = ("for", "by", "on", "at", "around", "about", "from")
MOMENT_WORDS = frozenset({"now", "right", "immediately", "time", "after", "this", *FILLERS}) | DAY_PART_WORDS
"""Words of moments that belong to no day, time or duration."""


def read(scalar: Scalar, limits: Limits, now: datetime) -> datetime:
    """An aware moment in now's zone, from now to a hundred years ahead."""
    text = said(scalar, "a moment")
    moment = understood(text, now) or parsed(text, now)
    if moment is None:
        raise not_read(text, "a moment", "tomorrow at half past six")
    return allowed(moment, now)


def allowed(moment: datetime, now: datetime) -> datetime:
    """The moment, if it is neither over nor too far away; else raises `ValueReadError`."""
    ahead = _utc(moment) - _utc(now)
    if ahead < -GRACE:
        raise ValueReadError(f"{moment:%Y-%m-%d %H:%M} is already over")
    if ahead > FURTHEST:
        raise ValueReadError(f"{moment:%Y-%m-%d} is more than a hundred years away")
    return moment


def understood(text: str, now: datetime) -> datetime | None:
    """The moment that all of `text` means, without the help of dateparser; it may be over."""
    try:
        moment = _iso(text, now) or _moment(words(text), now)
        return moment if moment and moment.year < 9999 else None
    except (OverflowError, ValueError):  # beyond every calendar, or a day or hour that none has
        return None


def write(moment: datetime) -> str:
    local = moment.replace(tzinfo=None)
    shape = "minutes" if not (local.second or local.microsecond) else "auto"
    text = local.isoformat(" ", shape)
    if moment.fold and moment.utcoffset() != moment.replace(fold=0).utcoffset():
        text += f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5]
    return text


def same(one: datetime, other: datetime) -> bool:
    return _utc(one) == _utc(other)


def _moment(spoken: tuple[str, ...], now: datetime) -> datetime | None:
    """The moment that these words mean, all of them; None if they mean none. It may be over."""
    if spoken in (("now",), ("right", "now"), ("immediately",)):
        return now
    return _from_now(Cursor(spoken), now) or _day_and_time(Cursor(spoken), now)


def settle(day: date, clock: time, zone: tzinfo | None) -> datetime:
    """That local time as an aware moment; one left out by summer time is moved forward by what is missing."""
    moment = datetime.combine(day, clock, zone)
    return moment if zone is None else moment.astimezone(UTC).astimezone(zone)


def _utc(moment: datetime) -> datetime:
    # Two moments of one zone are compared by their local time, which is wrong where it occurs twice.
    return moment.astimezone(UTC)


def _iso(text: str, now: datetime) -> datetime | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    if found[3]:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].upper()}").astimezone(now.tzinfo)
    moment = datetime.fromisoformat(f"{found[1]}T{found[2]}")
    return settle(moment.date(), moment.time(), now.tzinfo)


def _from_now(cursor: Cursor, now: datetime) -> datetime | None:
    """ "in ten minutes", "an hour and a half from now", "in three months"."""
    ahead = bool(cursor.take("in", "after"))
    start = cursor.at
    seconds = seconds_at(cursor)
    if seconds is not None:
        if not (cursor.phrase("from now", "time") or ahead) or not cursor.done:
            return None
        if seconds % 86_400 == 0:  # whole days keep the time of day, even over a change to summer time
            return settle(
                now.date() + timedelta(days=int(seconds) // 86_400), now.time().replace(microsecond=0), now.tzinfo
            )
        exact = _utc(now) + timedelta(seconds=round(seconds))
        return exact.replace(microsecond=0).astimezone(now.tzinfo)
    cursor.at = start
    found = unsigned_at(cursor.words, cursor.at)
    if found:
        count, cursor.at = found
    elif cursor.take("a"):
        count = unsigned_at(("1",))[0]  # type: ignore[index]
    else:
        return None
    unit = cursor.take("month", "months", "year", "years")
    if not unit or count.denominator != 1 or not (cursor.phrase("from now", "time") or ahead) or not cursor.done:
        return None
    months = int(count) * (12 if unit.startswith("year") else 1)
    return settle(add_months(now.date(), months), now.time().replace(microsecond=0), now.tzinfo)


def _day_and_time(cursor: Cursor, now: datetime) -> datetime | None:
    """A day, a time and a part of the day, in any order."""
    day: date | None = None
    clock: Clock | None = None
    part: DayPart | None = None
    while not cursor.done:
        cursor.take(*FILLERS)
        if found := _part(cursor):
            if part and (found[0] == part or found[0].half != part.half):
                return None
            # "tomorrow morning first thing": what is said more narrowly counts.
            part = min(part or found[0], found[0], key=lambda one: one.over - one.time.hour)
            if found[1]:
                if day is not None:
                    return None
                day = now.date()
        elif (step := _step(cursor, now, day, clock)) is not None:
            day, clock = step
        else:
            return None
    if day is None and clock is None and not part:
        return None
    return _joined(day, clock, part, now)


def _part(cursor: Cursor) -> tuple[DayPart, bool] | None:
    """ "in the evening", "this morning", "tonight", "after lunch": the part and whether it says today."""
    start = cursor.at
    if cursor.take("tonight"):
        return TONIGHT, True
    if cursor.take("this"):
        if name := cursor.take(*DAY_PARTS):
            return DAY_PARTS[name], True
    elif part := daypart_at(cursor):
        return part, False
    cursor.at = start
    return None


def _step(
    cursor: Cursor, now: datetime, day: date | None, clock: Clock | None
) -> tuple[date | None, Clock | None] | None:
    """A day or a time at the cursor that was not there before."""
    start = cursor.at
    if day is None:
        named = day_at(cursor, now.date())
        if named is not None and not _rather_a_time(cursor, start, clock):
            return named, clock
        cursor.at = start
    if clock is None and (said_clock := clock_at(cursor)):
        cursor.take("sharp", "exactly")
        return day, said_clock
    cursor.at = start
    return None


def _rather_a_time(cursor: Cursor, start: int, clock: Clock | None) -> bool:
    """Whether what was read as a day is the beginning of a time ("2030" as digits of an hour)."""
    return clock is None and cursor.peek() in ("oclock", "am", "pm", ":")


def _joined(day: date | None, clock: Clock | None, part: DayPart | None, now: datetime) -> datetime:
    if clock is not None and part:
        clock = clock.within(part.half)
    if clock is None:
        return _time_of_part(day, part, now)
    if day is None:
        return _next(clock, now)
    if part == TONIGHT and clock.settled and clock.time.hour < 6:
        return settle(day + timedelta(days=1), clock.time, now.tzinfo)
    if day == now.date():
        halves = _halves(day, clock, now)
        return next((moment for moment in halves if _utc(moment) > _utc(now)), halves[-1])
    if not clock.settled and clock.time.hour in _SMALL_HOURS:
        clock = clock.within("pm")
    return settle(day, clock.time, now.tzinfo)


def _next(clock: Clock, now: datetime) -> datetime:
    """The next occurrence of a time without a day."""
    for days in range(3):
        day = now.date() + timedelta(days=days)
        for moment in _halves(day, clock, now):
            if _utc(moment) > _utc(now):
                return moment
    raise ValueError("no such time in three days")


def _halves(day: date, clock: Clock, now: datetime) -> list[datetime]:
    """The times of a day that a clock can mean, the earlier first: both halves of the day, or one if it is settled."""
    hours = (clock.time.hour,) if clock.settled else (clock.time.hour % 12, clock.time.hour % 12 + 12)
    return [settle(day, clock.time.replace(hour=hour), now.tzinfo) for hour in hours]


def _time_of_part(day: date | None, part: DayPart | None, now: datetime) -> datetime:
    """A day or a part of it, without a time."""
    clock = part.time if part else _DAY_TIME
    moment = settle(day or now.date(), clock, now.tzinfo)
    if _utc(moment) > _utc(now):
        return moment
    if day is None:
        return settle(now.date() + timedelta(days=1), clock, now.tzinfo)
    later = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    over = part.over if part else 24
    return later if day == now.date() == later.date() and later.hour < over else moment


DATETIME = ValueType(
    "datetime", datetime, read, write, {"type": "string", "format": "date-time"}, "tomorrow at half past six", same
)
