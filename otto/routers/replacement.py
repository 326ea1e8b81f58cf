"""A call with another value in it: "make it ten" after a timer for five minutes.

    >>> replaced(Call("timer", {"duration": "5 minutes"}), timer, "ten", now)
    Call('timer', {'duration': '10 minutes'})

What the new words leave open, the old value says: its unit, its day, its time of day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta

from otto.call import Call, Scalar
from otto.errors import ValueReadError
from otto.routers.joints import words
from otto.skill import Parameter, Skill
from otto.values import TYPES, Typed
from otto.values.span import spans
from otto.values.spoken import cardinal_at

_LIGHT = frozenset(
    [
        "a", "about", "an", "and", "another", "around", "at", "bit", "by", "for", "from", "if", "in", "is",
        "it", "less", "like", "little", "maybe", "more", "of", "on", "one", "ones", "only", "over", "please",
        "point", "say", "so", "that", "the", "there", "till", "timer", "to", "um", "until", "what", "with",
        "alarm", "i", "think", "would", "be", "good", "fine", "let's", "make", "set", "do", "just",
    ]
)  # fmt: skip
"""Words beside a value that say nothing of their own."""
_HERE = frozenset(["here", "home", "at", "in", "right"])
_HALF_OF_DAY = re.compile(r"\d\s*[ap]\.?m\b|\b(?:am|pm|a\.m\.?|p\.m\.?|morning|afternoon|evening|night|noon|midnight"
                          r"|tonight)\b|\d{1,2}:\d\d", re.IGNORECASE)  # fmt: skip
_OPERATORS = ("plus", "minus", "times", "divided by", "multiplied by", "over", "+", "-", "*", "/")
MOST_NAMED = 3
"""Words in the name of a place that is not on the map."""


def replaced(call: Call, skill: Skill, said: str, now: datetime, *, certain: bool, heard: str = "") -> Call | None:
    """`call` with the value that `said` is, in place of the one for its parameter; None where it is no such value.

    `certain`: something else than `said` tells that it is one, so a name that nobody knows may be a place. `heard`: the
    sentence that `call` was understood from. Texts are not looked at: anything could be one.
    """
    present = [each for each in skill.parameters if each.name in call.arguments]
    absent = [each for each in skill.parameters if each.name not in call.arguments]
    for parameter in (*present, *absent):
        old = call.arguments.get(parameter.name)
        if parameter.type == "place" and old is not None and set(words(said)) <= _HERE and words(said):
            return Call(call.name, {name: value for name, value in call.arguments.items() if name != parameter.name})
        if isinstance(old, tuple):
            continue
        value = value_in(said, parameter, old, now, certain=certain, heard=heard)
        if value is not None:
            return placed(call, skill, parameter.name, value)
    return None


def placed(call: Call, skill: Skill, name: str, value: Scalar) -> Call:
    """`call` with this argument, in schema order."""
    arguments = {**call.arguments, name: value}
    return Call(call.name, {each.name: arguments[each.name] for each in skill.parameters if each.name in arguments})


def value_in(
    said: str, parameter: Parameter, old: Scalar | None, now: datetime, *, certain: bool, heard: str = ""
) -> Scalar | None:
    """The canonical value for `parameter` that `said` is, if it is one and little else. `old`: the one so far."""
    if parameter.type == "text":
        return None
    if parameter.type == "choice":
        own = " ".join(word for word in words(said) if word not in _LIGHT)
        return next((each for each in parameter.limits.choices if each.lower() in (own, said.lower())), None)
    for text in _candidates(said, parameter, old, now):
        try:
            typed = parameter.read(text, now)
        except ValueReadError:
            continue
        if parameter.type == "datetime" and isinstance(typed, datetime):
            typed = _kept(text, typed, parameter, old, now, heard)
        written = parameter.write(typed)
        return None if isinstance(written, tuple) else written
    if parameter.type == "place" and certain:
        return _named(said, parameter, now)
    return None


def _candidates(said: str, parameter: Parameter, old: Scalar | None, now: datetime) -> Iterator[str]:
    """The words that could be the value, the whole first."""
    said = re.sub(r"(?<=\w) ones?$", "", said, flags=re.IGNORECASE)  # "the ten minute one" is not a second longer
    for span in spans(said, parameter.type, parameter.limits, now):
        if set(words(f"{said[: span.start]} {said[span.end :]}")) <= _LIGHT:
            yield span.text
    if parameter.type == "duration" and old is not None:
        own = tuple(word for word in words(said) if word not in _LIGHT)
        number = cardinal_at(own)
        unit = str(old).split()[-1]
        if number and number[1] == len(own) and unit.isalpha():
            yield f"{number[0]} {unit}"
    if parameter.type == "expression" and old is not None and said.lower().startswith(_OPERATORS):
        yield f"({old}) {said}"


def _named(said: str, parameter: Parameter, now: datetime) -> Scalar | None:
    name = re.sub(r"^(?:in|for|at|over|to|around)\s+", "", said, flags=re.IGNORECASE)
    if not 0 < len(name.split()) <= MOST_NAMED or not set(words(name)).isdisjoint(_LIGHT):
        return None
    try:
        written = parameter.write(parameter.read(name, now))
    except ValueReadError:
        return None
    return None if isinstance(written, tuple) else written


def _kept(text: str, new: datetime, parameter: Parameter, old: Scalar | None, now: datetime, heard: str) -> Typed:
    """`new` with the day or the time of the old value where the words do not say it."""
    try:
        before = parameter.read(old, now) if old is not None else None
    except ValueReadError:
        return new
    if not isinstance(before, datetime):
        return new
    if _reads(text, "date", parameter, now):
        # "no, tomorrow" of "at nine" is tomorrow at nine, also where nine was this evening.
        for span in spans(heard, "time", parameter.limits, now):
            with suppress(ValueReadError):
                if parameter.read(span.text, now) == before:
                    return parameter.read(f"{text} at {span.text}", now)
        return new.replace(hour=before.hour, minute=before.minute)
    clock = TYPES["time"].read(text, parameter.limits, now) if _reads(text, "time", parameter, now) else None
    if not isinstance(clock, time):
        return new
    moved = before.replace(hour=clock.hour, minute=clock.minute, second=0)
    if not _HALF_OF_DAY.search(text) and clock.hour <= 12:
        # "make it seven" of six in the evening is seven in the evening.
        moved = moved.replace(hour=clock.hour % 12 + (12 if before.hour >= 12 else 0))
    return moved if moved > now else moved + timedelta(hours=12) if moved + timedelta(hours=12) > now else new


def _reads(text: str, type_name: str, parameter: Parameter, now: datetime) -> bool:
    try:
        TYPES[type_name].read(text, parameter.limits, now)
    except ValueReadError:
        return False
    return True
