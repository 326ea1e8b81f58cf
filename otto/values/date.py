"""Date: a day of the calendar.

    >>> DATE.read("the day after tomorrow", Limits(), now)
    datetime.date(2026, 3, 6)

What a speaker leaves open is filled in so that the day lies ahead:

- a weekday is the next one after today; "this friday" the one of this week (Monday to Sunday), "next friday" the one of
  next week, "last friday" the one before today; "friday week" is seven days later;
- a day without a year, a month or both is the next such day, today included; so are feasts;
- "next week" is its Monday, "next month" its first, "this weekend" the Saturday;
- "3/4" is March 4th, as people who write slashes in English mostly mean it, and "25/4" can only be April 25th. With
  dots the day comes first, and the year is needed: "3.4.2027" is April 3rd.

Forms that this file does not know go to dateparser, if every word in them belongs to a date. Written: "2026-03-06".
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from fractions import Fraction

from otto.call import Scalar
from otto.values.feast import feast_at
from otto.values.longtail import parsed
from otto.values.monthday import add_months, month_day, numeric, year_at
from otto.values.spoken import unsigned_at
from otto.values.type import Limits, ValueType
from otto.values.weekday import nth_weekday, weekday_at
from otto.values.words import Cursor, not_read, said, words

_ISO = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_DAYS = {"day": 1, "days": 1, "week": 7, "weeks": 7, "fortnight": 14, "fortnights": 14}
_MONTHS = {"month": 1, "months": 1, "year": 12, "years": 12}
CALENDAR_UNITS = _DAYS | _MONTHS
FILLERS = ("on", "for", "by", "from")
_NAMED_DAYS = "today todays tonight tomorrow tomorrows tomorow tommorow tommorrow yesterday yesterdays"
_SMALL_WORDS = "weekend this next last coming in the of on at over end day ago from now after before time / -"
CALENDAR_WORDS = frozenset(f"{_NAMED_DAYS} {_SMALL_WORDS}".split())
"""Words of dates that are neither numbers nor names of days, months, feasts and units."""


def read(scalar: Scalar, limits: Limits, now: datetime) -> date:
    """A day from the year 1 to 9999, past or future."""
    text = said(scalar, "a date")
    if day := understood(text, now):
        return day
    if found := parsed(text, now):
        return found.date()
    raise not_read(text, "a date", "march third")


def understood(text: str, now: datetime) -> date | None:
    """The day that all of `text` means, without the help of dateparser."""
    if _ISO.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    cursor = Cursor(words(text))
    cursor.take(*FILLERS)
    day = day_at(cursor, now.date())
    return day if cursor.done else None


def write(day: date) -> str:
    return day.isoformat()


def day_at(cursor: Cursor, today: date) -> date | None:
    """The day that stands at the cursor, and the cursor moved behind it; None if there is none."""
    start = cursor.at
    for form in (_shifted, _named, nth_weekday, weekday_at, month_day, numeric, _feast, _period):
        cursor.at = start
        try:
            if day := form(cursor, today):
                return day
        except (OverflowError, ValueError):  # a day that no calendar has, or beyond the year 9999
            continue
    cursor.at = start
    return None


def _shifted(cursor: Cursor, today: date) -> date | None:
    """ "in two weeks", "three days from now", "a week from tuesday", "two days ago", "the day after christmas"."""
    ahead = bool(cursor.take("in"))
    cursor.take("the")
    if found := unsigned_at(cursor.words, cursor.at):
        count, cursor.at = found
    elif cursor.take("a", "an", "one") or cursor.peek() in ("day", "week", "month", "year"):
        count = Fraction(1)
    else:
        return None
    unit = cursor.peek()
    if unit not in CALENDAR_UNITS or count.denominator != 1:
        return None
    cursor.at += 1
    if cursor.take("ago"):
        return _moved(today, -int(count), unit)
    if ahead:
        cursor.phrase("from now", "from today", "time")
        return _moved(today, int(count), unit)
    direction = cursor.take("from", "after", "before", "on")
    if direction == "from" and cursor.take("now"):
        return _moved(today, int(count), unit)
    if not direction or (direction == "on" and unit not in _DAYS):
        return None
    other = day_at(cursor, today)
    return _moved(other, -int(count) if direction == "before" else int(count), unit) if other else None


def _moved(day: date, count: int, unit: str) -> date:
    if unit in _MONTHS:
        return add_months(day, count * _MONTHS[unit])
    return day + timedelta(days=count * _DAYS[unit])


def _named(cursor: Cursor, today: date) -> date | None:
    if cursor.phrase("today", "todays", "tonight"):
        return today
    if cursor.phrase("tomorrow", "tomorrows", "tomorow", "tommorow", "tommorrow", "the next day", "next day"):
        return today + timedelta(days=8 if cursor.take("week") else 1)
    return today - timedelta(days=1) if cursor.phrase("yesterday", "yesterdays") else None


def _feast(cursor: Cursor, today: date) -> date | None:
    """ "christmas", "next easter", "new years eve 2027"."""
    which = cursor.take("this", "next", "last")
    feast = feast_at(cursor)
    if not feast:
        return None
    if not which and (year := year_at(cursor)):
        return feast(year)
    if which == "last":
        return max(feast(year) for year in (today.year - 1, today.year) if feast(year) < today)
    return min(feast(year) for year in (today.year, today.year + 1) if feast(year) >= today)


def _period(cursor: Cursor, today: date) -> date | None:
    """ "this weekend", "next week", "next month", "the end of the month"."""
    monday = today - timedelta(days=today.weekday())
    if cursor.phrase("next weekend"):
        return monday + timedelta(days=12)
    if cursor.phrase("this weekend", "the weekend", "at the weekend", "on the weekend", "over the weekend", "weekend"):
        return max(today, monday + timedelta(days=5))
    if cursor.phrase("next week"):
        return monday + timedelta(days=7)
    if cursor.phrase("next month"):
        return add_months(today.replace(day=1), 1)
    if cursor.phrase("next year"):
        return date(today.year + 1, 1, 1)
    ends = tuple(
        f"{end}{of}"
        for end in ("the end of ", "end of ", "the last day of ", "last day of ")
        for of in ("the month", "this month")
    )
    if cursor.phrase(*ends):
        return add_months(today.replace(day=1), 1) - timedelta(days=1)
    if cursor.phrase("the end of the year", "end of the year"):
        return date(today.year, 12, 31)
    return None


DATE = ValueType("date", date, read, write, {"type": "string", "format": "date"}, "march third")
