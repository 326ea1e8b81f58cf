"""Where in a sentence a value stands.

    >>> [span.text for span in spans("set a timer for ten minutes and a half", "duration", Limits(), now)]
    ['ten minutes and a half', 'ten minutes']

Every run of words that reads as a value of the type, the longest first. Words such as "for" before a duration are not
part of it. A text has no spans, since everything is one; of places only those on the map are found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from otto.errors import ValueReadError
from otto.values import TYPES, date, duration, place, time
from otto.values import datetime as moment
from otto.values.boolean import BOOLEAN_WORDS
from otto.values.feast import FEAST_WORDS
from otto.values.mathwords import MATH_WORDS
from otto.values.monthday import MONTHS
from otto.values.spoken import HOMOPHONES, NUMBER_WORDS
from otto.values.type import Limits, Typed
from otto.values.weekday import WEEKDAYS
from otto.values.words import words

MAX_CHARACTERS = 512
"""Of a sentence; what is behind is not looked at, as in routing."""

_CHUNK = re.compile(r"\S+")
_BEFORE = "\"'“”‘’([{<¿¡.,;:!?…"
# Towns that are called like the commonest words; whoever means one says more than that.
_COMMON = (
    "a an and any are as at bar be best by can central date day do for from get go good home house i if in is it la let"
    " light list male man may me most much my no not of off ok on or order play sale same see set shop so stop time to"
    " today town turn up us was we what why will you your"
)
_NO_PLACES = frozenset(_COMMON.split())
_NEVER_LAST = frozenset({"the", "of", "and", "in", "at", "a", "an", "past", "to", "for", "by", "from", "plus", "minus"})
_BEHIND = "\"'“”‘’)]}>.,;:!?…"


@dataclass(frozen=True, slots=True)
class Span:
    """Some words of a sentence and the value they mean."""

    start: int
    end: int
    """Offsets in characters: the words are `sentence[start:end]`."""
    text: str
    value: Typed


@dataclass(frozen=True, slots=True)
class _Search:
    """How spans of a type are found."""

    words: frozenset[str]
    """All words that can be part of a value, and what holds a digit always can; empty: any words."""
    longest: int
    """Words of the longest span."""
    read: Callable[[str, Limits, datetime], Typed | None] | None = None
    """Where it is not the type's own `read`, which may ask slower libraries."""
    not_first: frozenset[str] = frozenset()
    """Words with which a value may be read but that are not part of it."""
    but_before: frozenset[str] = frozenset()
    """What follows such a word where it is part of the value after all: "for minutes" is "four minutes"."""
    not_last: frozenset[str] = _NEVER_LAST
    """Words with which no value ends, so no such run of words needs to be read."""


def spans(sentence: str, type_name: str, limits: Limits, now: datetime) -> tuple[Span, ...]:
    """All spans of a type (a key of `TYPES`) in a sentence, the longest first, then from the left."""
    if type_name == "text":
        return ()
    search = _choices(limits) if type_name == "choice" else _SEARCHES[type_name]
    chunks = _chunks(sentence, "()!" if type_name == "expression" else "")
    levelled = [words(text) for _, _, text in chunks]
    known = [
        any(map(str.isdecimal, text)) or search.words.issuperset(levelled[at]) for at, (_, _, text) in enumerate(chunks)
    ]
    found: list[Span] = []
    for first, opening in enumerate(levelled):
        if not opening:
            continue
        after = levelled[first + 1][:1] if first + 1 < len(levelled) else ()
        if opening[0] in search.not_first and not search.but_before.intersection(after):
            continue
        for last in range(first, min(first + search.longest, len(chunks))):
            if search.words and not known[last]:
                break
            if search.words and levelled[last][-1:] and levelled[last][-1] in search.not_last:
                continue
            start, end = chunks[first][0], chunks[last][1]
            value = _read(sentence[start:end], type_name, search, limits, now)
            if value is not None:
                found.append(Span(start, end, sentence[start:end], value))
    return tuple(sorted(found, key=lambda span: (span.start - span.end, span.start)))


def _chunks(sentence: str, signs: str) -> list[tuple[int, int, str]]:
    """The words between blanks without the punctuation around them, `signs` apart: start, end, text."""
    before, behind = ("".join(mark for mark in marks if mark not in signs) for marks in (_BEFORE, _BEHIND))
    chunks = []
    for found in _CHUNK.finditer(sentence[:MAX_CHARACTERS]):
        inner = found.group().rstrip(behind)
        kept = inner.lstrip(before)
        if kept[:1].isdecimal() and inner[: -len(kept)].endswith("."):  # ".5"
            kept = f".{kept}"
        if kept:
            start = found.start() + len(inner) - len(kept)
            chunks.append((start, start + len(kept), kept))
    return chunks


def _read(text: str, type_name: str, search: _Search, limits: Limits, now: datetime) -> Typed | None:
    try:
        return search.read(text, limits, now) if search.read else TYPES[type_name].read(text, limits, now)
    except ValueReadError:
        return None


def _choices(limits: Limits) -> _Search:
    return _Search(frozenset(), max((len(re.split(r"[\s_-]+", choice)) for choice in limits.choices), default=1))


def _read_date(text: str, limits: Limits, now: datetime) -> Typed | None:
    return date.understood(text, now)


def _read_moment(text: str, limits: Limits, now: datetime) -> Typed | None:
    found = moment.understood(text, now)
    return moment.allowed(found, now) if found else None


def _read_place(text: str, limits: Limits, now: datetime) -> Typed | None:
    return None if text.casefold() in _NO_PLACES else place.known(text)


_NUMBERS = NUMBER_WORDS | {"a", "an", "and", "of", "point", "oh", "o", "st", "nd", "rd", "th", "%", "the"}
_DURATIONS = (
    _NUMBERS
    | frozenset(duration.UNITS)
    | {"full", "whole", "more", "long", "good", ":", *duration.FILLERS, *HOMOPHONES}
)
_TIMES = _NUMBERS | time.CLOCK_WORDS
_DATES = (
    _NUMBERS
    | FEAST_WORDS
    | date.CALENDAR_WORDS
    | frozenset(WEEKDAYS)
    | frozenset(MONTHS)
    | frozenset(date.CALENDAR_UNITS)
)
_SEARCHES = {
    "integer": _Search(_NUMBERS | {"percent", "per", "cent"}, 10),
    "number": _Search(_NUMBERS | {"percent", "per", "cent", "/"}, 10),
    "boolean": _Search(frozenset(word for phrase in BOOLEAN_WORDS for word in phrase.split()), 3),
    "duration": _Search(_DURATIONS, 10, not_first=frozenset(duration.FILLERS), but_before=duration.SOUNDED_UNITS),
    "time": _Search(_TIMES, 8, not_first=frozenset(time.FILLERS)),
    "date": _Search(_DATES, 8, _read_date, frozenset(date.FILLERS)),
    "datetime": _Search(
        _DATES | _TIMES | _DURATIONS | moment.MOMENT_WORDS, 16, _read_moment, frozenset(moment.FILLERS)
    ),
    "expression": _Search(_NUMBERS | MATH_WORDS | set(HOMOPHONES), 20, not_last=_NEVER_LAST - set(HOMOPHONES)),
    "place": _Search(frozenset(), 5, _read_place),
}
