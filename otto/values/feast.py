"""Feasts that people name instead of a date: "christmas", "easter monday", "new year's eve".

Easter is found with the anonymous Gregorian algorithm (Nature, 20 April 1876, p. 487); thanksgiving and the days of
mothers, fathers and work are the American ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from otto.values.words import Cursor


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leaps, left = divmod(century, 4)
    skipped = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - skipped + 15) % 30
    quarters, odd = divmod(rest, 4)
    to_sunday = (32 + 2 * left + 2 * quarters - epact - odd) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _from_easter(days: int) -> Callable[[int], date]:
    return lambda year: easter(year) + timedelta(days=days)


def _nth(month: int, weekday: int, count: int) -> Callable[[int], date]:
    """The `count`th of that weekday (0 is Monday) in a month."""

    def found(year: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))

    return found


_FEASTS: dict[tuple[str, ...], Callable[[int], date]] = {
    tuple(name.split()): day
    for names, day in {
        "christmas day|christmas|xmas": _fixed(12, 25),
        "christmas eve|xmas eve": _fixed(12, 24),
        "boxing day": _fixed(12, 26),
        "new years eve|new year eve": _fixed(12, 31),
        "new years day|new year day|new years|new year": _fixed(1, 1),
        "valentines day|valentines|saint valentines day|st valentines day": _fixed(2, 14),
        "saint patricks day|st patricks day": _fixed(3, 17),
        "april fools day|april fools": _fixed(4, 1),
        "labor day|labour day": _nth(9, 0, 1),
        "independence day": _fixed(7, 4),
        "halloween": _fixed(10, 31),
        "thanksgiving|thanksgiving day": _nth(11, 3, 4),
        "mothers day": _nth(5, 6, 2),
        "fathers day": _nth(6, 6, 3),
        "good friday": _from_easter(-2),
        "easter|easter sunday": _from_easter(0),
        "easter monday": _from_easter(1),
        "pentecost|whitsun": _from_easter(49),
    }.items()
    for name in names.split("|")
}
_LONGEST = max(map(len, _FEASTS))
FEAST_WORDS = frozenset(word for name in _FEASTS for word in (name[0], name[-1]))


def feast_at(cursor: Cursor) -> Callable[[int], date] | None:
    """The feast that stands at the cursor, as its day by year, and the cursor moved behind it."""
    for length in range(_LONGEST, 0, -1):
        if feast := _FEASTS.get(cursor.words[cursor.at : cursor.at + length]):
            cursor.at += length
            return feast
    return None
