"""Values with an "and" in them that a router took only half of: "define wear and tear", "in Trinidad and Tobago".

    >>> mended(Call("define", {"word": "tear"}), "define wear and tear", joints, skills, route, now)
    Call('define', {'word': 'wear and tear'})

A place is taken whole where the map knows it. A text is taken whole where the sentence without the half that was taken
means the same call with the other half: "define wear".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from otto.call import Argument, Call
from otto.errors import ValueReadError
from otto.route import Route
from otto.routers.joints import Joint
from otto.skill import Parameter, Skill
from otto.values.span import spans

_AND = re.compile(r"\band\b", re.IGNORECASE)
MOST_HALVES = 3
"""How often a value is looked at for another half."""


def mended(
    call: Call,
    text: str,
    found: Sequence[Joint],
    skills: Mapping[str, Skill],
    route: Callable[[str], Route],
    now: datetime,
) -> Call:
    """`call`, which `text` means as one command, with whole values. `found`: the joints of `text`."""
    skill = skills.get(call.name)
    for parameter in skill.parameters if skill else ():
        value = call.arguments.get(parameter.name)
        if isinstance(value, str):
            whole = _place(value, text, found, parameter, now) if parameter.type == "place" else None
            if parameter.type == "text" and not parameter.repeats:
                whole = _text(call, parameter.name, value, text, found, route)
            if whole is not None:
                call = Call(call.name, {**call.arguments, parameter.name: whole})
    return call


def _place(value: str, text: str, found: Sequence[Joint], parameter: Parameter, now: datetime) -> Argument | None:
    for span in spans(text, "place", parameter.limits, now):
        joined = any(span.start < joint.start and joint.end < span.end for joint in found)
        if joined and value.lower() in span.text.lower():
            try:
                return parameter.write(parameter.read(span.text, now))
            except ValueReadError:
                continue
    return None


def _text(
    call: Call, name: str, value: str, text: str, found: Sequence[Joint], route: Callable[[str], Route]
) -> str | None:
    start = text.lower().find(value.lower())
    end = start + len(value)
    if start < 0:
        return None
    before = start, end
    for _ in range(MOST_HALVES):
        after = next((joint for joint in found if joint.start == end and not joint.strong), None)
        half = _half(call, name, text[:start] + text[after.end :], route) if after else None
        if after and half is not None and text[after.end :].startswith(half):
            end = after.end + len(half)
            continue
        ahead = next((joint for joint in found if joint.end == start and not joint.strong), None)
        half = _half(call, name, text[: ahead.start] + text[end:], route) if ahead else None
        if ahead and half is not None and text[: ahead.start].endswith(half):
            start = ahead.start - len(half)
            continue
        break
    # Without an "and" it is no list: "awry, define that".
    return text[start:end] if (start, end) != before and _AND.search(text[start:end]) else None


def _half(call: Call, name: str, text: str, route: Callable[[str], Route]) -> str | None:
    """What the parameter is in `text`, where it otherwise means the same call."""
    other = route(text).calls[0]
    half = other.arguments.get(name)
    if other.name != call.name or not isinstance(half, str):
        return None
    return half if {**other.arguments, name: ""} == {**call.arguments, name: ""} else None
