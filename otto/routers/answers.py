"""Answers to what Otto asked: for a missing argument ("When?"), and which of several things was meant.

The functions hand over the calls that are meant now; an empty tuple: the question is to be dropped; None: the sentence
is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from otto.answer import yes_or_no
from otto.call import Call
from otto.route import Question
from otto.routers import phrases
from otto.routers.joints import words
from otto.routers.replacement import placed, value_in
from otto.skill import Skill

MOST_WORDS = 4
"""Words in an answer that chooses; what has more is a sentence of its own."""
_ORDINALS = {"first": 0, "former": 0, "one": 0, "second": 1, "latter": 1, "other": 1, "two": 1, "third": 2, "three": 2,
             "last": -1}  # fmt: skip
_LIGHT = frozenset(["the", "a", "an", "one", "i", "mean", "meant", "want", "of", "them", "that", "option", "to", "it"])
_ALSO_CALLED = {
    "media": ("music", "song", "player", "video"), "volume": ("sound", "speakers"), "openai": ("model", "ai"),
    "todo": ("list",), "define": ("definition",), "notes": ("note",), "timers": ("timer",), "alarms": ("alarm",),
    "runapp": ("app", "program"), "datecheck": ("date",), "timecheck": ("time",),
}  # fmt: skip


def argument(text: str, question: Question, skills: Mapping[str, Skill], now: datetime) -> tuple[Call, ...] | None:
    """What waits for an argument, with what `text` says for it. A text is not looked for: anything could be one."""
    first, *rest = question.calls
    skill = skills.get(first.name)
    parameter = skill.parameter(question.parameter) if skill else None
    if skill is None or parameter is None:
        return None
    if phrases.said(text) in phrases.ALL:
        return question.calls
    lead = phrases.lead_in(phrases.polite(text))
    old = first.arguments.get(parameter.name)
    for said in dict.fromkeys((phrases.polite(text), lead.rest)):
        value = value_in(said, parameter, old if isinstance(old, str) else None, now, certain=True)
        if value is not None:
            return (placed(first, skill, parameter.name, value), *rest)
    return None


def text_argument(text: str, question: Question, skills: Mapping[str, Skill]) -> tuple[Call, ...] | None:
    """The same where a text was asked for: all that was said is it."""
    first, *rest = question.calls
    skill = skills.get(first.name)
    parameter = skill.parameter(question.parameter) if skill else None
    value = phrases.polite(text)
    if skill is None or parameter is None or parameter.type != "text" or not value:
        return None
    return (placed(first, skill, parameter.name, value), *rest)


def choice(text: str, options: Sequence[tuple[Call, ...]]) -> tuple[Call, ...] | None:
    """Which of `options` was meant: by its number, by words that only it has, or by a yes to the first."""
    if phrases.said(text) in phrases.DISMISS:
        return ()
    said = [word for word in words(phrases.polite(text)) if word not in _LIGHT or word == "one"]
    named = [place for word in said for name, place in _ORDINALS.items() if word == name and len(said) <= MOST_WORDS]
    by_words = [
        place
        for place, option in enumerate(options)
        if any(word in _own_words(option) for word in said if word != "one")
    ]
    if len(by_words) == 1 and len(said) <= MOST_WORDS:
        return options[by_words[0]]
    if named and -len(options) <= named[0] < len(options):
        return options[named[0]]
    answer = yes_or_no(text)
    if answer is None:
        return None
    return options[0] if answer else ()


def _own_words(calls: tuple[Call, ...]) -> frozenset[str]:
    """Words by which a person would name these calls."""
    found: set[str] = set()
    for call in calls:
        found |= {*call.name.split("_"), *_ALSO_CALLED.get(call.name, ())}
        found |= {word for value in call.arguments.values() for word in words(str(value))}
    return frozenset(found)
