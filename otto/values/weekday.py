"""Days of the week: "friday", "next friday", "friday the 13th", "the second tuesday in may".

Which of them is meant is said in `date`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from otto.values.monthday import MONTHS, add_months, month_day, numeric, year_at
from otto.values.spoken import ordinal_at
from otto.values.words import Cursor

_WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = {
    **{name: index for index, name in enumerate(_WEEKDAY_NAMES)},
    **{name[:3]: index for index, name in enumerate(_WEEKDAY_NAMES) if name[:3] not in ("sat", "sun")},
    "tues": 1, "thur": 3, "thurs": 3,
}  # fmt: skip


def weekday_at(cursor: Cursor, today: date) -> date | None:
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


def nth_weekday(cursor: Cursor, today: date) -> date | None:
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
        year = year_at(cursor)
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
    for form in (month_day, numeric):
        cursor.at = start
        if (dated := form(cursor, today)) and dated.weekday() == weekday:
            return dated
    cursor.at = start
    return None
