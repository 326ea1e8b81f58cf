"""Tells the date, or what day a date is and how far away: "what day is Christmas"."""

from __future__ import annotations

from datetime import date

from otto import Reply, Session, skill, speech


@skill
def datecheck(session: Session, date: date | None = None) -> Reply:
    """Tells today's date, or which weekday another date is and how far away."""
    today = session.now.date()
    day = date or today
    weekday = speech.WEEKDAYS[day.weekday()]
    days = abs((day - today).days)
    if day == today:
        text = f"Today is {weekday}, {speech.full_date(day)}."
    elif days == 1:
        name = speech.day_name(day, today).capitalize()
        text = f"{name} {'is' if day > today else 'was'} {weekday}, {speech.full_date(day)}."
    elif day > today:
        text = f"{speech.full_date(day)} is a {weekday}, in {speech.count(days, 'day')}."
    else:
        text = f"{speech.full_date(day)} was a {weekday}, {speech.count(days, 'day')} ago."
    return Reply(text, {"date": day.isoformat(), "days": (day - today).days})
