"""Where in a sentence the words of each argument stand: from examples to tags.

    set  a  timer  for  ten         minutes
    O    O  O      O    B-duration  I-duration

A value is found by its own words, or by words that mean the same ("ten minutes" for "10 minutes"). A choice or a
boolean is often decided by the whole sentence ("what is on my list" is `action="list"`) and has no words at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from otto.call import Call, Scalar
from otto.errors import ValueReadError
from otto.routers.sentence import Spans
from otto.skill import Parameter, Skill
from otto.values import TYPES
from otto.values.span import Span, spans

NOW = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
"""From when relative dates in examples count; only equality matters."""
OUTSIDE = "O"
SCATTERED = ("date", "datetime", "time")
"""Types whose words may stand apart: "wake me at seven for the meeting tomorrow"."""
SENTENCE_TYPES = ("choice", "boolean")

Chunk = tuple[str, int, int]
"""A parameter's name, and the words of its value: from, to (exclusive)."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """An example's arguments, as words or as none."""

    tags: tuple[str, ...]
    """One a word: `O`, `B-parameter` or `I-parameter`."""
    lost: tuple[tuple[str, Scalar], ...]
    """Parameters and values that have no words in the sentence."""

    def without(self, parameters: Sequence[str]) -> Aligned:
        """The same with the words of these parameters untagged."""
        return Aligned(
            tuple(OUTSIDE if tag[2:] in parameters else tag for tag in self.tags),
            tuple(pair for pair in self.lost if pair[0] not in parameters),
        )


def chunks(tags: Sequence[str]) -> list[Chunk]:
    """The values that tags mark, from left to right."""
    found: list[Chunk] = []
    for place, tag in enumerate(tags):
        if tag == OUTSIDE:
            continue
        if tag[0] == "I" and found and found[-1][0] == tag[2:] and found[-1][2] == place:
            found[-1] = (tag[2:], found[-1][1], place + 1)
        else:
            found.append((tag[2:], place, place + 1))
    return found


def align(text: str, words: Spans, call: Call, skill: Skill) -> Aligned:
    """Tags for the arguments of a call, the longest values first."""
    tags = [OUTSIDE] * len(words)
    lost: list[tuple[str, Scalar]] = []
    given = [
        (parameter, value)
        for parameter in skill.parameters
        if parameter.name in call.arguments
        for value in _items(call, parameter.name)
    ]
    for parameter, value in sorted(given, key=lambda pair: -len(str(pair[1]))):
        places = next((found for found in _candidates(text, words, parameter, value) if _free(tags, found)), None)
        if places is None:
            lost.append((parameter.name, value))
            continue
        for first, end in places:
            tags[first:end] = [f"B-{parameter.name}"] + [f"I-{parameter.name}"] * (end - first - 1)
    return Aligned(tuple(tags), tuple(lost))


def _items(call: Call, name: str) -> tuple[Scalar, ...]:
    value = call.arguments[name]
    return value if isinstance(value, tuple) else (value,)


def _free(tags: Sequence[str], places: Sequence[tuple[int, int]]) -> bool:
    return all(tag == OUTSIDE for first, end in places for tag in tags[first:end])


def _candidates(text: str, words: Spans, parameter: Parameter, value: Scalar) -> Iterator[list[tuple[int, int]]]:
    """Places where the value may stand, as runs of words; the likeliest first."""
    written = str(value).strip()
    for haystack, needle in ((text, written), (text.lower(), written.lower())):
        start = haystack.find(needle) if needle else -1
        while start >= 0:
            if place := covered(words, start, start + len(needle), exact=True):
                yield [place]
            start = haystack.find(needle, start + 1)
    if parameter.type == "text":
        return
    try:
        wanted = parameter.read(value, NOW)
    except ValueReadError:
        return
    found = spans(text, parameter.type, parameter.limits, NOW)
    for span in found:
        place = covered(words, span.start, span.end)
        if place and parameter.same(wanted, span.value):
            yield [place]
    if parameter.type in SCATTERED:
        for one, other in _pairs(found):
            first, second = covered(words, one.start, one.end), covered(words, other.start, other.end)
            if first and second and _means(f"{one.text} {other.text}", parameter, wanted):
                yield [first, second]


def _pairs(found: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    return ((one, other) for one in found for other in found if one.end <= other.start)


def _means(text: str, parameter: Parameter, wanted: object) -> bool:
    try:
        return parameter.same(wanted, TYPES[parameter.type].read(text, parameter.limits, NOW))
    except ValueReadError:
        return False


def covered(words: Spans, start: int, end: int, *, exact: bool = False) -> tuple[int, int] | None:
    """The words inside these offsets, from and to; None if there are none, or (`exact`) if they end elsewhere."""
    inside = [place for place, (first, last) in enumerate(words) if first >= start and last <= end]
    if not inside:
        return None
    if exact and (words[inside[0]][0] != start or words[inside[-1]][1] != end):
        return None
    return inside[0], inside[-1] + 1


def decided_by_sentence(skill: Skill, aligned: Sequence[tuple[Call, Aligned]]) -> tuple[str, ...]:
    """Choices and booleans of which more than a fifth of the examples have no words."""
    names = []
    for parameter in skill.parameters:
        if parameter.type not in SENTENCE_TYPES:
            continue
        given = [found for call, found in aligned if parameter.name in call.arguments]
        lost = sum(any(name == parameter.name for name, _ in found.lost) for found in given)
        if 5 * lost > len(given) or not given:
            names.append(parameter.name)
    return tuple(names)
