"""Moment: a day and a time in the user's zone.

    >>> DATETIME.read("tomorrow at half past six", Limits(), now)
    datetime.datetime(2026, 3, 5, 6, 30, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))

What a speaker leaves open is filled in so that the moment lies ahead:

- a time without a day is its next occurrence; "seven" is the next seven o'clock, in the morning or the evening;
- with a day, "seven" is 07:00 unless the sentence says evening; today it is the next one that is still ahead;
- a day without a time is 09:00; morning is 09:00, afternoon 15:00, evening 19:00, tonight 20:00; when that is over, the
  next full hour of the same day;
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
PART_TIMES = {"morning": time(9), "afternoon": time(15), "evening": time(19), "night": time(20), "tonight": time(20)}
"""When a part of the day is, if nothing more is said."""
_PART_HALVES = {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "night", "tonight": "night"}
_DAY_TIME = time(9)
FILLERS = ("for", "by", "on", "at", "around", "about", "from")
MOMENT_WORDS = frozenset({"now", "right", "immediately", "time", "after", *PART_TIMES, *FILLERS})
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
    """A day, a time and a part of the day, in any order, each at most once."""
    day: date | None = None
    clock: Clock | None = None
    part = ""
    tonight = False
    while not cursor.done:
        cursor.take(*FILLERS)
        if not part and (found := _part(cursor)):
            part, today = found
            tonight = part == "tonight"
            if today:
                if day is not None:
                    return None
                day = now.date()
        elif (step := _step(cursor, now, day, clock)) is not None:
            day, clock = step
        else:
            return None
    if day is None and clock is None and not part:
        return None
    return _joined(day, clock, part, tonight, now)


def _part(cursor: Cursor) -> tuple[str, bool] | None:
    """ "in the evening", "this morning", "tonight", "night": the part and whether it says today."""
    start = cursor.at
    if cursor.take("tonight"):
        return "tonight", True
    today = bool(cursor.take("this"))
    if not today:
        cursor.phrase("in the", "during the", "at")
    if part := cursor.take("morning", "afternoon", "evening", "night"):
        return part, today
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


def _joined(day: date | None, clock: Clock | None, part: str, tonight: bool, now: datetime) -> datetime:
    if clock is not None and part:
        clock = clock.within(_PART_HALVES[part])
    if clock is None:
        return _time_of_part(day, part, now)
    if day is None:
        return _next(clock, now)
    after_midnight = clock.settled and clock.time.hour < 6 and (tonight or part == "night")
    if after_midnight:
        return settle(day + timedelta(days=1), clock.time, now.tzinfo)
    if not clock.settled and day == now.date():
        ahead = [moment for moment in _halves(day, clock, now) if _utc(moment) > _utc(now)]
        if ahead:
            return ahead[0]
    return settle(day, clock.time, now.tzinfo)


def _next(clock: Clock, now: datetime) -> datetime:
    """The next occurrence of a time without a day."""
    for days in range(3):
        day = now.date() + timedelta(days=days)
        moments = [settle(day, clock.time, now.tzinfo)] if clock.settled else _halves(day, clock, now)
        for moment in moments:
            if _utc(moment) > _utc(now):
                return moment
    raise ValueError("no such time in three days")


def _halves(day: date, clock: Clock, now: datetime) -> list[datetime]:
    """Both times of a day that an unsettled clock can mean, the earlier first."""
    return [settle(day, clock.time.replace(hour=clock.time.hour % 12 + half), now.tzinfo) for half in (0, 12)]


def _time_of_part(day: date | None, part: str, now: datetime) -> datetime:
    """A day or a part of it, without a time."""
    moment = settle(day or now.date(), PART_TIMES[part] if part else _DAY_TIME, now.tzinfo)
    if _utc(moment) > _utc(now):
        return moment
    if day is None:
        return settle(now.date() + timedelta(days=1), PART_TIMES[part], now.tzinfo)
    later = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    over = {"morning": 12, "afternoon": 18}.get(part, 24)
    return later if day == now.date() == later.date() and later.hour < over else moment


DATETIME = ValueType(
    "datetime", datetime, read, write, {"type": "string", "format": "date-time"}, "tomorrow at half past six", same
)
