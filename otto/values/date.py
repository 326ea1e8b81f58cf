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
from calendar import monthrange
from datetime import date, datetime, timedelta
from fractions import Fraction

from otto.call import Scalar
from otto.values.feast import feast_at
from otto.values.longtail import parsed
from otto.values.spoken import cardinal_at, ordinal_at, unsigned_at
from otto.values.type import Limits, ValueType
from otto.values.words import Cursor, not_read, said, words

_ISO = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = {
    **{name: index for index, name in enumerate(_WEEKDAY_NAMES)},
    **{name[:3]: index for index, name in enumerate(_WEEKDAY_NAMES) if name[:3] not in ("sat", "sun")},
    "tues": 1, "thur": 3, "thurs": 3,
}  # fmt: skip
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MONTHS = {
    **{name: index for index, name in enumerate(_MONTH_NAMES, 1)},
    **{name[:3]: index for index, name in enumerate(_MONTH_NAMES, 1)},
    "sept": 9,
}
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
    for form in (_shifted, _named, _nth_weekday, _weekday, _month_day, _numeric, _feast, _period):
        cursor.at = start
        try:
            if day := form(cursor, today):
                return day
        except (OverflowError, ValueError):  # a day that no calendar has, or beyond the year 9999
            continue
    cursor.at = start
    return None


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last. Raises `ValueError` beyond the years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError("the year is out of range")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


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


def _weekday(cursor: Cursor, today: date) -> date | None:
    """ "friday", "next friday", "friday next week", "next week friday", "friday the 13th", "friday march 6th"."""
    week = cursor.phrase("next week", "this week")
    if week:
        cursor.take("on")
    cursor.take("the")
    which = week.removesuffix(" week") or cursor.take("this", "next", "last", "coming")
    if (weekday := WEEKDAYS.get(cursor.peek())) is None:
        return None
    cursor.at += 1
    monday = today - timedelta(days=today.weekday())
    if not which and (week := cursor.phrase("next week", "of next week", "this week", "of this week")):
        which = week.removesuffix(" week").removeprefix("of ")
    if which == "next":
        return monday + timedelta(days=7 + weekday)
    if which == "last":
        return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)
    if which == "this" and monday + timedelta(days=weekday) >= today:
        return monday + timedelta(days=weekday)
    if not which and (day := _dated_weekday(cursor, today, weekday)):
        return day
    coming = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return coming + timedelta(days=7 * bool(cursor.take("week")))


def _nth_weekday(cursor: Cursor, today: date) -> date | None:
    """ "the second tuesday in may", "the last friday of the month"."""
    cursor.take("the")
    if cursor.take("last"):
        count = -1
    elif found := ordinal_at(cursor.words, cursor.at):
        count, cursor.at = found
    else:
        return None
    weekday = WEEKDAYS.get(cursor.peek())
    cursor.at += 1
    if weekday is None or not -1 <= count <= 5 or not cursor.take("of", "in"):
        return None
    if which := cursor.phrase("next month", "this month", "the month"):
        months = [add_months(today.replace(day=1), which == "next month")]
    elif month := MONTHS.get(cursor.peek()):
        cursor.at += 1
        year = _year(cursor)
        months = [date(one, month, 1) for one in ((year,) if year else (today.year, today.year + 1))]
    else:
        return None
    return next((day for first in months if (day := _nth_of(first, weekday, count)) >= today), None)


def _nth_of(first: date, weekday: int, count: int) -> date:
    """The `count`th of that weekday in the month that starts on `first`; -1 is the last."""
    days = monthrange(first.year, first.month)[1]
    found = [day for day in range(1, days + 1) if (first.weekday() + day - 1) % 7 == weekday]
    if not -1 <= count <= len(found) or not count:
        raise ValueError("the month has fewer of them")
    return first.replace(day=found[count - 1 if count > 0 else -1])


def _dated_weekday(cursor: Cursor, today: date, weekday: int) -> date | None:
    """The date behind a weekday, when both agree."""
    start = cursor.at
    cursor.take("the")
    if (ordinal := ordinal_at(cursor.words, cursor.at)) and cursor.words[ordinal[1] : ordinal[1] + 1] != ("of",):
        after = Cursor(cursor.words, ordinal[1])
        if after.peek() not in MONTHS:
            cursor.at = ordinal[1]
            for months in range(48):
                first = add_months(today.replace(day=1), months)
                if ordinal[0] <= monthrange(first.year, first.month)[1]:
                    day = first.replace(day=ordinal[0])
                    if day >= today and day.weekday() == weekday:
                        return day
    for form in (_month_day, _numeric):
        cursor.at = start
        if (dated := form(cursor, today)) and dated.weekday() == weekday:
            return dated
    cursor.at = start
    return None


def _month_day(cursor: Cursor, today: date) -> date | None:
    """ "march third", "the 3rd of march 2027", "3 march", "the 15th", "the first of next month"."""
    if month := MONTHS.get(cursor.peek()):
        cursor.at += 1
        cursor.take("the")
        found = ordinal_at(cursor.words, cursor.at) or cardinal_at(cursor.words, cursor.at)
        if not found:
            return None
        cursor.at = found[1]
        return _in_year(today, month, found[0], _year(cursor))
    article = bool(cursor.take("the"))
    ordinal = ordinal_at(cursor.words, cursor.at)
    found = ordinal or cardinal_at(cursor.words, cursor.at)
    if not found:
        return None
    cursor.at = found[1]
    if ordinal and (which := cursor.phrase("of next month", "of this month", "this month", "of the month")):
        first = add_months(today.replace(day=1), 1 if which == "of next month" else 0)
        return first.replace(day=found[0]) if which != "of the month" else _next_day(today, found[0])
    cursor.take("of")
    if month := MONTHS.get(cursor.peek()):
        cursor.at += 1
        return _in_year(today, month, found[0], _year(cursor))
    cursor.at = found[1]
    # "third" on its own is more often a fraction or a rank.
    said_as_day = ordinal and (article or found[0] > 3 or cursor.words[found[1] - 1] in ("st", "nd", "rd"))
    return _next_day(today, found[0]) if said_as_day and cursor.peek() != "of" else None


def _next_day(today: date, day: int) -> date | None:
    """The next day with that number in its month, today included."""
    for months in range(3):
        first = add_months(today.replace(day=1), months)
        if 1 <= day <= monthrange(first.year, first.month)[1] and first.replace(day=day) >= today:
            return first.replace(day=day)
    return None


def _in_year(today: date, month: int, day: int, year: int) -> date:
    """That day of the year, or of the next year that has it and in which it lies ahead if `year` is 0."""
    if year:
        return date(year, month, day)
    for ahead in range(9):  # February 29th is up to eight years away
        try:
            found = date(today.year + ahead, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    raise ValueError("no year has this day")


def _year(cursor: Cursor) -> int:
    """ "2027", "twenty twenty seven", "in two thousand and thirty": the year, or 0 if none stands here."""
    start = cursor.at
    cursor.take("in", "of")
    word = cursor.peek()
    if word.isdecimal():
        if len(word) == 4 and word >= "1583":
            cursor.at += 1
            return int(word)
    elif found := cardinal_at(cursor.words, cursor.at):
        value, cursor.at = found
        if value in (19, 20, 21) and (rest := cardinal_at(cursor.words, cursor.at)) and 10 <= rest[0] < 100:
            cursor.at = rest[1]
            return value * 100 + rest[0]
        if 1900 <= value < 2200:
            return value
    cursor.at = start
    return 0


def _numeric(cursor: Cursor, today: date) -> date | None:
    """ "3/4", "3/4/27", "25/4/2027", "2026-03-05", "5.3.2026"."""
    here = cursor.words[cursor.at : cursor.at + 5]
    if len(here) >= 3 and len(here[0]) == 4 and all(part.isdecimal() and part.isascii() for part in here[:3]):
        cursor.at += 3
        return date(*map(int, here[:3])) if len(here[1]) == len(here[2]) == 2 else None
    if len(here) >= 2 and re.fullmatch(r"\d{1,2}\.\d{1,2}", here[0]) and re.fullmatch(r"\d{4}", here[1]):
        cursor.at += 2
        day, month = map(int, here[0].split("."))
        return date(int(here[1]), month, day)
    if len(here) < 3 or here[1] != "/" or not (re.fullmatch(r"\d{1,2}", here[0]) and re.fullmatch(r"\d{1,2}", here[2])):
        return None
    month, day = int(here[0]), int(here[2])
    if month > 12:
        month, day = day, month
    cursor.at += 3
    year = 0
    if len(here) == 5 and here[3] == "/" and re.fullmatch(r"\d{2}|\d{4}", here[4]):
        cursor.at += 2
        year = int(here[4]) + (2000 if len(here[4]) == 2 else 0)
    return _in_year(today, month, day, year)


def _feast(cursor: Cursor, today: date) -> date | None:
    """ "christmas", "next easter", "new years eve 2027"."""
    which = cursor.take("this", "next", "last")
    feast = feast_at(cursor)
    if not feast:
        return None
    if not which and (year := _year(cursor)):
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
