"""What the tagger knows of each word: its neighbourhood, its form, and what it may be a part of.

All features are texts that are either there or not; the words' vectors stand beside them. Training and answering call
the same function.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from otto.routers.alignment import covered
from otto.routers.sentence import Floats, Sentence, Spans
from otto.values.gazetteer import key, spots
from otto.values.span import spans
from otto.values.type import Limits

WINDOW = 3
SPAN_TYPES = ("integer", "number", "duration", "time", "date", "datetime", "expression")
"""Types whose values the value table finds in a sentence."""
PLACE = "place"
_PLACE_WORDS = 3
_REPEATED = re.compile(r"(.)\1\1+")
_CLASSES = {
    "number": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million dozen"
    " half couple",
    "ordinal": "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth last next",
    "weekday": "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun",
    "month": "january february march april may june july august september october november december jan feb mar apr"
    " jun jul aug sep sept oct nov dec",
    "relative": "today tomorrow tonight yesterday now later soon",
    "unit": "second seconds minute minutes min mins hour hours day days week weeks month months year years decade"
    " century weekend",
    "daytime": "morning noon afternoon evening night midnight midday am pm o'clock dawn dusk breakfast lunch dinner"
    " sunrise sunset",
    "possessive": "my your his her our their",
    "determiner": "a an the this that these those some any another",
    "preposition": "in at on of for to from by with near around within until till before after about into onto",
    "negation": "no not don't never",
    "pronoun": "i you he she it we they me us him them",
}
CLASSES: dict[str, tuple[str, ...]] = {}
for _name, _words in _CLASSES.items():
    for _word in _words.split():
        CLASSES[_word] = (*CLASSES.get(_word, ()), _name)

Marks = tuple[tuple[str, ...], ...]
"""For each word, what it may be a part of: "B-duration", "I-city"."""


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A sentence as the tagger reads it."""

    features: list[list[str]]
    """For each word, the features that are there."""
    vectors: Floats
    """Words × 48."""


def observe(sentence: Sentence, marks: Marks) -> Observed:
    """The features of every word."""
    written = sentence.words
    lower = [word.lower() for word in written]
    forms = [shape(word) for word in written]
    count = len(lower)
    padded = ["<", *lower, ">"]
    pairs = ["_", "_", *lower, "_", "_"]
    found = []
    for place in range(count):
        row = ["bias"]
        for step in range(max(-WINDOW, -1 - place), min(WINDOW, count - place) + 1):
            row.append(f"w{step}={padded[place + step + 1]}")
        for step in (-2, -1, 0, 1):
            row.append(f"p{step}={pairs[place + step + 2]}|{pairs[place + step + 3]}")
        for step in (-1, 0, 1):
            other = place + step
            if 0 <= other < count:
                word = lower[other]
                row += (f"s{step}={forms[other]}", f"x{step}={word[:3]}", f"y{step}={word[-3:]}")
                row += [f"c{step}={name}" for name in CLASSES.get(word, ())]
                if word.isdecimal():
                    row.append(f"c{step}=number")
                row += [f"m{step}={mark}" for mark in marks[other]]
        found.append(row)
    return Observed(found, sentence.word_vectors)


def shape(word: str) -> str:
    """ "Rome" is Xxx, "B52" Xdd: letters by case, digits, signs as they are; runs shortened to two."""
    signs = "".join(
        "X" if sign.isupper() else "x" if sign.isalpha() else "d" if sign.isdecimal() else sign for sign in word
    )
    return _REPEATED.sub(r"\1\1", signs)


def mark(text: str, words: Spans, kinds: Sequence[str], now: datetime) -> Marks:
    """What each word may be a part of, by the value table and the gazetteer.

    `kinds`: types of `SPAN_TYPES` to look for, and `PLACE` for cities, countries and states.
    """
    marks: list[list[str]] = [[] for _ in words]
    for kind in kinds:
        if kind == PLACE:
            _mark_places(text, words, marks)
            continue
        taken = [False] * len(words)
        for span in spans(text, kind, Limits(), now):
            place = covered(words, span.start, span.end)
            if place and not any(taken[place[0] : place[1]]):
                taken[place[0] : place[1]] = [True] * (place[1] - place[0])
                _put(marks, place, kind)
    return tuple(tuple(each) for each in marks)


def _put(marks: list[list[str]], place: tuple[int, int], name: str) -> None:
    for word in range(*place):
        marks[word].append(("B-" if word == place[0] else "I-") + name)


def _mark_places(text: str, words: Spans, marks: list[list[str]]) -> None:
    common = [text[start:end].lower() in CLASSES or not text[start].isalpha() for start, end in words]
    for first in range(len(words)):
        if common[first]:
            continue
        for end in range(min(len(words), first + _PLACE_WORDS), first, -1):
            if common[end - 1]:
                continue
            if found := place_kinds(text[words[first][0] : words[end - 1][1]]):
                for name in found:
                    _put(marks, (first, end), name + ("" if end - first == 1 else "s"))
                break


def place_kinds(name: str) -> tuple[str, ...]:
    """What is called so: "city" (of 200,000 people and more), "town", "state", "country"."""
    found = set()
    for spot in spots(key(name)):
        found.add("town" if spot.kind == "city" and spot.population < 200_000 else spot.kind)
    return tuple(sorted(found))
