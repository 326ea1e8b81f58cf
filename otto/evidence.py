"""Evidence: whether a sentence says what an argument claims.

    >>> supported("10 minutes", Parameter("duration", "duration"), "wake me in ten minutes", now)
    True
    >>> supported("call mom", Parameter("text"), "set a timer", now)
    False

`otto skills check` uses it to find examples that no router could learn from, and routers to find out what a model
made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from otto.call import Argument, Scalar
from otto.errors import ValueReadError
from otto.skill import Parameter
from otto.values import TYPES, Typed
from otto.values.span import Span, spans
from otto.values.spoken import cardinal_at
from otto.values.words import MAX_CHARACTERS, words

_DECIDED_BY_SENTENCE = ("choice", "boolean")
"""Types whose values usually have no words of their own: "what is on my list" is `action="list"`."""
_SCATTERED = ("date", "datetime", "time")
"""Types whose words may stand apart: "wake me at seven for the meeting tomorrow"."""
_JOINING = frozenset({"a", "an", "the", "at", "on", "in", "for", "by", "of", "to", "from"})
_MOST_PAIRS = 64


def supported(argument: Argument, parameter: Parameter, text: str, now: datetime) -> bool:
    """Whether the argument can be found in the sentence `text`; of a list, every value.

    A typed value is found when some words mean the same value at the time `now`, or when its own words stand in the
    sentence; a text or an unknown place when its words stand there in the same order, numbers in words or digits
    alike. A choice and a boolean are decided by the whole sentence and always count as found. An argument that cannot
    be read as the parameter's type is found nowhere.
    """
    if isinstance(argument, tuple):
        return bool(argument) and all(supported(item, parameter, text, now) for item in argument)
    try:
        wanted = parameter.read(argument, now)
    except ValueReadError:
        return False
    if parameter.type in _DECIDED_BY_SENTENCE or _said(argument, parameter, text):
        return True
    found = spans(text, parameter.type, parameter.limits, now)
    if any(parameter.same(wanted, span.value) for span in found):
        return True
    return parameter.type == "datetime" and any(
        parameter.same(wanted, value) for value in _joined(found, parameter, text, now)
    )


def _said(argument: Scalar, parameter: Parameter, text: str) -> bool:
    """Whether the argument's own words stand in the sentence."""
    own, sentence = _level(str(argument)), _level(text)
    if not own:
        return False
    if parameter.type in _SCATTERED:
        return Counter(word for word in own if word not in _JOINING) <= Counter(sentence)
    following = iter(sentence)
    return all(word in following for word in own)


def _level(text: str) -> tuple[str, ...]:
    """The words of a text, numbers as digits, without the s of a genitive."""
    spoken = words(text[: 2 * MAX_CHARACTERS].replace("’", "'").replace("'s", ""))
    level: list[str] = []
    at = 0
    while at < len(spoken):
        if number := cardinal_at(spoken, at):
            level.append(str(number[0]))
            at = number[1]
        else:
            level.append(spoken[at])
            at += 1
    return tuple(level)


def _joined(found: tuple[Span, ...], parameter: Parameter, text: str, now: datetime) -> Iterator[Typed]:
    """What two spans that stand apart mean together."""
    pairs = ((one, other) for one in found for other in found if one.end <= other.start)
    for _, (one, other) in zip(range(_MOST_PAIRS), pairs, strict=False):
        try:
            yield TYPES[parameter.type].read(f"{one.text} {other.text}", parameter.limits, now)
        except ValueReadError:
            continue
