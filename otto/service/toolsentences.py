"""Sentences that somebody may say to mean a caller's tool, made from its name, description and parameters.

    >>> [each.text for each in sentences(skill)][:2]
    ["what's the current weather in berlin", 'tell me the current weather for new york']

A caller of `/v1/chat/completions` hands over schemas and no sentence; these are what the small router learns from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from otto.call import Argument, Call
from otto.errors import CallError
from otto.example import Example
from otto.skill import Parameter, Skill

MOST = 40
"""Sentences made for one tool."""
_ANY_TIME = datetime(2026, 1, 1, 12, tzinfo=UTC)
_CUT = re.compile(r"\s+(?:in|for|of|to|from|by|at|on|with|using|given|based|about|and|that|which|into)\s.*$")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_ASKED = ("what's the {}", "what is the {}", "tell me the {}", "show me the {}", "{}", "how is the {}", "find the {}")
_ORDERED = ("{}", "please {}", "can you {}", "could you {} please", "i want to {}", "i'd like you to {}", "{} now")


def _named(words: str) -> frozenset[str]:
    return frozenset(words.split(" "))


_LOOKING_UP = _named("get fetch find show list search retrieve check query read return look lookup tell give see")


@dataclass(frozen=True, slots=True)
class _Slot:
    """How a value is brought into a sentence."""

    hints: frozenset[str]
    """Words in the names of such parameters."""
    values: tuple[str, ...]
    ways: tuple[str, ...]


_SLOTS = (
    _Slot(
        _named("location city place town country destination origin address area region where station"),
        ("berlin", "new york", "paris", "san francisco", "tokyo", "rome", "cape town"),
        ("in {}", "for {}", "in {} today", "at {}", "in {} right now", "{}"),
    ),
    _Slot(
        _named("to recipient person name user contact who email author artist customer attendee"),
        ("anna", "bob", "my brother", "doctor meyer", "sarah miller", "the boss"),
        ("to {}", "for {}", "{}", "with {}"),
    ),
    _Slot(
        _named("message body content text subject title note comment description reason"),
        ("i am late", "dinner is ready", "we meet at noon", "the report is done", "happy birthday"),
        ("saying {}", "that {}", "{}", "with the words {}"),
    ),
    _Slot(
        _named("query topic question keyword keywords term search product item what song"),
        ("blue lamps", "the roman empire", "running shoes", "jazz piano", "solar power", "a red bicycle"),
        ("for {}", "{}", "about {}", "on {}"),
    ),
)
_OTHERWISE = _Slot(
    frozenset(), ("the blue whale", "apollo", "number seven", "the project plan", "maple"), ("{}", "for {}", "of {}")
)
_TYPED = {
    "integer": _Slot(frozenset(), ("7", "12", "20", "three", "19"), ("{}", "to {}", "of {}")),
    "number": _Slot(frozenset(), ("2.5", "21", "7", "19", "30"), ("to {}", "{}", "of {}", "to {} degrees")),
    "duration": _Slot(frozenset(), ("ten minutes", "an hour", "90 seconds"), ("for {}", "of {}", "{}")),
    "time": _Slot(frozenset(), ("seven pm", "half past nine", "noon"), ("at {}", "for {}")),
    "date": _Slot(frozenset(), ("tomorrow", "friday", "the third of may"), ("{}", "on {}", "for {}")),
    "datetime": _Slot(frozenset(), ("tomorrow at nine", "friday at noon", "at seven pm"), ("{}", "for {}")),
    "expression": _Slot(frozenset(), ("6 * 7", "12 + 30", "nine times nine"), ("{}", "of {}")),
    "place": _SLOTS[0],
}


def sentences(skill: Skill) -> tuple[Example, ...]:
    """At most `MOST`; none where a parameter that is needed cannot be said."""
    return tuple(islice(dict.fromkeys(_all(skill)), MOST))


def _all(skill: Skill) -> Iterator[Example]:
    told = [parameter for parameter in skill.parameters if parameter.type != "boolean"]
    wanted = [parameter for parameter in told if parameter.required]
    if any(parameter.required and parameter not in told for parameter in skill.parameters):
        return
    sets = [wanted, *([*wanted, extra] for extra in told if not extra.required)]
    frames = _frames(skill)
    for number in range(4 * MOST):
        frame, chosen = frames[number % len(frames)], sets[number // 2 % len(sets)]
        if example := _example(skill, frame, chosen, number):
            yield example


def _frames(skill: Skill) -> list[str]:
    """The sentences without their values."""
    found: list[str] = []
    for phrase in _phrases(skill):
        verb, _, thing = phrase.partition(" ")
        if verb in _LOOKING_UP and thing:
            thing = re.sub(r"^(?:up|the|a|an|all|me)\s+", "", thing)
            found += [form.format(thing) for form in _ASKED] + [phrase]
        else:
            found += [form.format(phrase) for form in _ORDERED]
    return list(dict.fromkeys(found))


def _phrases(skill: Skill) -> list[str]:
    """What the tool does in a few words, by its name and by its description."""
    said = re.split(r"[.!?:;(\n,]", skill.description.strip().lower(), maxsplit=1)[0].split()[:10]
    if said:
        said[0] = re.sub(r"(?<=[a-rt-z])s$", "", said[0])  # "sends": what it does; "send": what it shall do
    described = _CUT.sub("", re.sub(r"[^a-z0-9' -]", "", " ".join(said)))
    named = " ".join(word.lower() for word in _WORD.findall(skill.name))
    return list(dict.fromkeys(phrase for phrase in (described, named) if phrase))


def _example(skill: Skill, frame: str, chosen: Sequence[Parameter], number: int) -> Example | None:
    text = frame
    arguments: dict[str, Argument] = {}
    for place, parameter in enumerate(chosen):
        spoken, value, way = _value(parameter, number + 3 * place)
        text += " " + way.format(spoken)
        arguments[parameter.name] = (value,) if parameter.repeats else value
    call = Call(skill.name, arguments)
    try:
        skill.check(call, _ANY_TIME)
    except CallError:
        return None
    return Example(text, (call,))


def _value(parameter: Parameter, number: int) -> tuple[str, str, str]:
    """How it is said, what it is, and the words around it."""
    if parameter.type == "choice":
        choice = parameter.limits.choices[number % len(parameter.limits.choices)]
        ways = ("in {}", "{}", "in the {}", "for the {}", "on {}")
        return choice.replace("_", " ").lower(), choice, ways[number // 2 % len(ways)]
    slot = _TYPED.get(parameter.type) or _slot(parameter)
    value = slot.values[number % len(slot.values)]
    return value, value, slot.ways[number // 3 % len(slot.ways)]


def _slot(parameter: Parameter) -> _Slot:
    words = [word.lower() for word in _WORD.findall(parameter.name)]
    return next((slot for slot in _SLOTS if slot.hints & set(words)), _OTHERWISE)
