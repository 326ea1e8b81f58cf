"""Dates and times in forms that Otto's own readers do not know, through dateparser.

Importing it takes 70 ms and its first use another 130 ms, and it reads dates into all sorts of words ("3 days" is three
days ago, "may 5 10" in the year 2110). So it is asked only when every word belongs to a date, with a number and the
name of a month or weekday among them, and believed only for the next fifty years.
"""

from __future__ import annotations

from datetime import UTC, datetime

from otto.values.words import words

_MONTHS = "january february march april may june july august september october november december"
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
_ANCHORS = frozenset(f"{_MONTHS} {_WEEKDAYS} sept tues thurs".split())
_SHORT = frozenset(name[:3] for name in f"{_MONTHS} {_WEEKDAYS}".split())
_SMALL_WORDS = "of the at on in and utc gmt z am pm t st nd rd th : /"
_JOINING = frozenset(_SMALL_WORDS.split())
MAX_CHARACTERS = 60
MAX_WORDS = 12
MAX_YEARS = 50


def parsed(text: str, now: datetime) -> datetime | None:
    """What dateparser makes of `text`, in now's zone; None if it makes nothing of it or is not worth asking."""
    if len(text) > MAX_CHARACTERS or not _worth_asking(words(text)):
        return None
    import dateparser

    settings = {
        "PREFER_DATES_FROM": "future",
        "REQUIRE_PARTS": ["day", "month"],
        "RELATIVE_BASE": now.replace(tzinfo=None),
    }
    found = dateparser.parse(text, languages=["en"], settings=settings)
    if not isinstance(found, datetime) or found.year > now.year + MAX_YEARS or _contradicts(found, words(text)):
        return None
    return found.astimezone(now.tzinfo) if found.tzinfo else found.replace(tzinfo=now.tzinfo or UTC)


def _worth_asking(spoken: tuple[str, ...]) -> bool:
    numbers = sum(word[0].isdecimal() and word.isascii() for word in spoken)
    anchors = sum(word in _ANCHORS or word in _SHORT for word in spoken)
    joining = sum(word in _JOINING for word in spoken)
    return bool(numbers and anchors) and numbers + anchors + joining == len(spoken) <= MAX_WORDS


def _contradicts(found: datetime, spoken: tuple[str, ...]) -> bool:
    """Whether a weekday was said that the day is not: dateparser passes over it."""
    weekdays = {index for index, name in enumerate(_WEEKDAYS.split()) if name in spoken or name[:3] in spoken}
    return bool(weekdays) and found.weekday() not in weekdays
