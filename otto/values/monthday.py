"""Days by their number: "march third", "the 15th", "3/4/2027", "2026-03-05".

What is left open is filled in so that the day lies ahead; see `date`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

from otto.values.spoken import cardinal_at, ordinal_at
from otto.values.words import Cursor

_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MONTHS = {
    **{name: index for index, name in enumerate(_MONTH_NAMES, 1)},
    **{name[:3]: index for index, name in enumerate(_MONTH_NAMES, 1)},
    "sept": 9,
}


def month_day(cursor: Cursor, today: date) -> date | None:
    """ "march third", "the 3rd of march 2027", "3 march", "the 15th", "the first of next month"."""
    if month := MONTHS.get(cursor.peek()):
        cursor.at += 1
        cursor.take("the")
        found = ordinal_at(cursor.words, cursor.at) or cardinal_at(cursor.words, cursor.at)
        if not found:
            return None
        cursor.at = found[1]
        return _in_year(today, month, found[0], year_at(cursor))
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
        return _in_year(today, month, found[0], year_at(cursor))
    cursor.at = found[1]
    # "third" on its own is more often a fraction or a rank.
    said_as_day = ordinal and (article or found[0] > 3 or cursor.words[found[1] - 1] in ("st", "nd", "rd"))
    return _next_day(today, found[0]) if said_as_day and cursor.peek() != "of" else None


def numeric(cursor: Cursor, today: date) -> date | None:
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


def year_at(cursor: Cursor) -> int:
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


def _next_day(today: date, day: int) -> date | None:
    """The next day with that number in its month, today included."""
    for months in range(3):
        first = add_months(today.replace(day=1), months)
        if 1 <= day <= monthrange(first.year, first.month)[1] and first.replace(day=day) >= today:
            return first.replace(day=day)
    return None


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last. Raises `ValueError` beyond the years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError("the year is out of range")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
