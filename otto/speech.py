"""How things are said aloud: durations, times, days, numbers and lists, as a person would.

>>> duration(timedelta(seconds=200)), moment(datetime(2026, 3, 5, 7, 30), datetime(2026, 3, 4, 12)), listing(["a", "b"])
('3 minutes and 20 seconds', 'tomorrow at 7:30 am', 'a and b')
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_WEEK = 7
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def duration(length: timedelta, *, parts: int = 3) -> str:
    """Such as "1 hour and 5 minutes"; at most `parts` units, the rest is rounded away; nothing is "0 seconds"."""
    left = max(0, round(length.total_seconds()))
    units = [(unit, seconds) for unit, seconds in _UNITS if seconds <= left][:parts]
    if units:
        smallest = units[-1][1]
        left = (left + smallest // 2) // smallest * smallest
    said: list[str] = []
    for unit, seconds in _UNITS:
        many, left = divmod(left, seconds)
        if many:
            said.append(count(many, unit))
    return listing(said) or "0 seconds"


def means_all(said: str, what: str) -> bool:
    """Whether a sentence says all of them: "cancel all my timers", "both timers", or just "all of them", "both"."""
    single = what.removesuffix("s")
    text = " ".join(re.findall(r"[a-z']+", said.lower()))
    many = rf"(?:all|both)(?: of)?(?: the| my| these| those| our)?(?: \w+){{0,2}}? {what}"
    named = rf"\b(?:{many}|every(?: \w+)?? {single})\b"
    whole = r"(?:all|both|everything|every one|(?:all|both) of (?:them|those))"
    bare = rf"(?:cancel |pause |resume |delete |stop )?(?:them )?{whole}"
    return bool(re.search(named, text) or re.fullmatch(rf"{bare}(?: please)?", text))


def as_adjective(length: timedelta) -> str:
    """Such as "10 minute", "1 hour and 5 minute": how a timer is called by its length."""
    return re.sub(r"s\b", "", duration(length))


def count(many: int, what: str, plural: str = "") -> str:
    """Such as "1 timer", "2 timers"; `plural` where it is not formed with an s."""
    return f"{many:,} {what if many == 1 else plural or what + 's'}"


def clock(moment: time | datetime) -> str:
    """Such as "7 am", "7:30 pm", "noon", "midnight"; seconds are not said."""
    if moment.minute == 0 and moment.hour in (0, 12):
        return "noon" if moment.hour else "midnight"
    minutes = f":{moment.minute:02}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes} {'am' if moment.hour < 12 else 'pm'}"


def full_date(day: date) -> str:
    """Such as "March 4, 2026"."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def day_name(day: date, today: date) -> str:
    """Such as "today", "tomorrow", "yesterday", "Friday" within a week, then "Friday, March 20", and another year."""
    ahead = (day - today).days
    if ahead in (-1, 0, 1):
        return ("yesterday", "today", "tomorrow")[ahead + 1]
    weekday = WEEKDAYS[day.weekday()]
    if 0 < ahead < _WEEK:
        return weekday
    if day.year != today.year:
        return f"{weekday}, {full_date(day)}"
    return f"{weekday}, {MONTHS[day.month - 1]} {day.day}"


def moment(when: datetime, now: datetime) -> str:
    """Such as "today at 6 pm", "on Friday at noon"; `when` and `now` in the same time zone."""
    day = day_name(when.date(), now.date())
    return f"{day if day in ('today', 'tomorrow', 'yesterday') else 'on ' + day} at {clock(when)}"


def listing(items: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def number(value: int | float, *, digits: int = 4) -> str:
    """Such as "1,234", "0.3333", "minus 2", "1.5 times 10 to the power of 21": at most `digits` decimals."""
    if value < 0:
        return f"minus {number(-value, digits=digits)}"
    if value and (value >= 10**15 or value < 10.0**-digits):
        mantissa, power = f"{Decimal(value):.{digits}e}".split("e")  # float ends at 308 digits
        said = f"{number(float(mantissa), digits=digits)} times 10 to the power of "
        return said + number(int(power))
    whole = f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def shortened(text: str, longest: int = 80) -> str:
    """At most `longest` characters, cut between words."""
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    return text[:longest].rsplit(" ", 1)[0].rstrip(" ,.;:-") + "…"
