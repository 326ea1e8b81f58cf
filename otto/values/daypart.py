"""Parts of a day, and when each is if nothing more is said: "morning", "after lunch", "first thing".

>>> daypart_at(Cursor(words("after lunch tomorrow")))
DayPart(time=datetime.time(13, 30), half='pm', over=15)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from otto.values.words import Cursor


@dataclass(frozen=True, slots=True)
class DayPart:
    time: time
    """When it is."""
    half: str
    """What an hour in it means: "am", "pm" or "night", which is the evening until midnight and the morning after."""
    over: int
    """The hour from which on it is no longer meant."""


TONIGHT = DayPart(time(20), "night", 24)
DAY_PARTS = {
    "morning": DayPart(time(9), "am", 12),
    "afternoon": DayPart(time(15), "pm", 18),
    "evening": DayPart(time(19), "pm", 24),
    "night": TONIGHT,
    "tonight": TONIGHT,
}
_FIRST_THING = DayPart(time(8), "am", 9)
_OCCASIONS = {
    tuple(phrase.split()): part
    for phrases, part in {
        "first thing in the morning|first thing": _FIRST_THING,
        "before lunch": DayPart(time(11, 30), "am", 12),
        "lunchtime|lunch time": DayPart(time(12, 30), "pm", 14),
        "after lunch": DayPart(time(13, 30), "pm", 15),
        "the end of the day|the end of day|end of the day|end of day": DayPart(time(18), "pm", 19),
        "before dinner": DayPart(time(18), "pm", 19),
        "dinnertime|dinner time": DayPart(time(19), "pm", 20),
        "after dinner": DayPart(time(20), "pm", 22),
    }.items()
    for phrase in phrases.split("|")
}
DAY_PART_WORDS = frozenset(DAY_PARTS) | {word for phrase in _OCCASIONS for word in phrase}


def daypart_at(cursor: Cursor) -> DayPart | None:
    """The part of the day that stands at the cursor, and the cursor moved behind it; None if there is none."""
    for phrase, part in _OCCASIONS.items():
        if cursor.phrase(" ".join(phrase)):
            return part
    start = cursor.at
    cursor.phrase("in the", "during the", "at")
    if name := cursor.take("morning", "afternoon", "evening", "night"):
        return DAY_PARTS[name]
    cursor.at = start
    return None
